// octopus_rights.h - what somebody may do here, by what Octopus says they may do there. Pure.
//
// octopus-api.md section 8.1. An answer that does not hold everything gives nothing: what is not known is no right. A permission limited
// to tenants or project groups, which our grants cannot say, gives nothing either.
#pragma once

#include "json/json.h"
#include "access/access.h"

#define OCTOPUS_GRANTS_MAX 2000

struct octopus_place {
    int64_t space_id;  // ours
    str octopus_space; // the Octopus space it stands for: an id
};

// Parts of such an answer: whether one entry of a permission holds in a space (one without a space holds in every one), whether its list
// of that name ("RestrictedToTenantIds") limits it, and whether a system permission is there.
bool octopus_entry_is_in(const struct json *entry, str octopus_space);
bool octopus_is_limited(const struct json *entry, const char *name);
bool octopus_has_system(const struct json *permissions, str name);

// permissions: what /api/users/{id}/permissions?spaces=all&includeSystem=true answered. False: incomplete, or no such answer.
MUST_USE bool octopus_rights(const struct json *permissions, const struct octopus_place *places, size_t place_count, struct arena *a, struct access_grant **grants, size_t *count, struct err *e);
