// forsaken.h - identities that reactions act as though nobody may use them any more (permissions.md rule 2): told of once, in the audit and
// on standard error. The reactions go on. Only src/web includes this.
#pragma once

#include "web/api.h"

void forsaken_tell(struct web *w); // on a thread that may wait
