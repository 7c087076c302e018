// access.h - whose key it is, and what they may do (octopus-api.md 8).
//
// A permission is granted for a project, environment and tenant if some entry of it lies in the space
// and each of its lists is empty or names the thing. AdministerSystem implies the rest.
#pragma once

#include "sample/model.h"

// What a permission is asked for. An empty scope asks for "somewhere in the space".
struct scope {
    str project, tenant, environment;
    const struct json *environments; // several: one of them is enough
    bool is_somewhere;               // any entry of the space will do, whatever it is restricted to
};

// The users document a key belongs to; NULL for an unknown or expired one. *key is the key's document.
struct doc *access_user_by_key(const struct model *m, str secret, int64_t now_ms, struct doc **key);
bool access_is_admin(const struct model *m, str user_id);
// space "": a system permission.
bool access_may(const struct model *m, str user_id, const char *permission, str space, const struct scope *scope);
// Which events a user may see, looked up once for a walk over many; valid until the user's rights change.
struct event_sight {
    const struct json *entries; // those of EventView
    bool sees_all, sees_system;
};
struct event_sight access_event_sight(const struct model *m, str user_id);
// May an event of that space ("": a system event) with these related ids (",Projects-1,...,") be seen?
bool access_may_see_event(const struct event_sight *sight, str space, str related);

// SpacePermissions, SystemPermissions and Teams of a grants document, its "Roles" worked out:
// {"Role": "viewer|releaser|subscriber|editor", "SpaceId", "Projects": [], "Environments": [], "Tenants": []}.
struct json *access_expand(struct arena *a, const struct json *grants);
// The answer of /api/users/{id}/permissions.
struct json *access_permissions(struct arena *a, const struct model *m, str user_id);
