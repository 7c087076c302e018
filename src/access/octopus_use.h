// octopus_use.h - what a call to Octopus's API needs there: its path without what is particular, and the permission. Pure.
#pragma once

#include "base/arena.h"

// "/api/Spaces-1/releases/Releases-7?x=1" -> "releases/{id}": without the space and the query, with {id} where a document is named.
str octopus_path_pattern(struct arena *a, str path);

// The permission such a call needs (octopus-api.md section 8.2): "" where it needs none, NULL where that is not known.
const char *octopus_permission_of(str method, str pattern);

// The permissions that the Octopus commands named in a script need ("New-OctopusRelease": ReleaseCreate), each once. By the words of
// the text: what a script calls by other ways is not seen.
#define OCTOPUS_SCRIPT_NEEDS_MAX 16
struct octopus_script_need {
    const char *command, *permission;
};
size_t octopus_script_needs(str script, struct octopus_script_need out[static OCTOPUS_SCRIPT_NEEDS_MAX]);
