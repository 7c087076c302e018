// roles.h - what a role allows: the built-in ones of spec/permissions.md section 3, and those an administrator made.
#pragma once

#include "json/json.h"
#include "access/permission.h"

struct role {
    const char *id;   // "Roles-viewer": stays
    const char *name; // "Viewer"
    uint64_t permissions;
    const char *description;
};
extern const struct role roles_built_in[];
extern const size_t roles_built_in_count;

// By id or name, no case; NULL: not a built-in one.
const struct role *role_find_built_in(str id_or_name);

uint64_t role_permissions(const struct json *doc);                        // of a stored custom role
void role_add_permissions(struct arena *a, struct json *list, uint64_t permissions); // names, in the model's order
