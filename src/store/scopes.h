// scopes.h - rows limited to what somebody may see: one parameter for any number of scopes. Only src/store includes this.
#pragma once

#include "store/store.h"

// A condition on a row of `events`; its one value is scopes_text.
#define SCOPES_HOLD                                                                                                                  \
    "EXISTS(SELECT 1 FROM json_each(?) scope WHERE"                                                                                  \
    " (json_array_length(scope.value, '$.p') = 0 OR events.project IN (SELECT value FROM json_each(scope.value, '$.p')))"            \
    " AND (json_array_length(scope.value, '$.e') = 0 OR events.environment IN (SELECT value FROM json_each(scope.value, '$.e'))))"

str scopes_text(const struct store_scopes *scopes, struct arena *a); // [{"p": ["Projects-1"], "e": []}]
