// access.h - who asks, and what they may do where. Pure: no store, no clock, no request.
//
// A grant gives permissions in a place: a space (or all), there perhaps only what concerns certain projects and
// environments of Octopus. A caller may do something to an object when one grant has the permission and covers
// all of the object's place. What is not known of a place (an event without a project) lies outside every narrower grant.
#pragma once

#include "base/arena.h"
#include "access/permission.h"

struct access_list {
    const str *items; // Octopus ids (or the very text that a reaction's Scope has); none: any
    size_t count;
};

struct access_grant {
    uint64_t permissions;  // permission_bit of each
    int64_t space_id;      // 0: every space, and the instance itself
    struct access_list projects, environments;
};

enum caller_kind {
    CALLER_ANONYMOUS,
    CALLER_ADMIN_KEY, // <data>/admin.key: instance administrator and administrator of every space
    CALLER_SESSION,   // a person with a browser: changes need the CSRF token
    CALLER_API_KEY,   // a person's RXA- key
    CALLER_OCTOPUS,   // a person's own Octopus API key, sent with the request
};

struct caller {
    enum caller_kind kind;
    str name;              // the person: "admin.key", "ann"
    str actor;             // for the audit: "ann with ApiKeys-3"
    bool is_anonymous;
    bool is_admin;         // by admin.key
    int64_t user_id;       // 0: no user of ours (admin.key, an Octopus key)
    int64_t key_id, session_id;
    str csrf;              // CALLER_SESSION: what changes must send along
    int64_t expires_ms;    // when this proof ends at the latest; 0: not known
    struct access_grant *grants;
    size_t grant_count;
};

// Where an object stands. Lists empty: the whole space (or, with space_id 0, the instance).
struct access_place {
    int64_t space_id;
    struct access_list projects, environments;
};

#define permission_bit(p) (1ULL << (p))
#define ACCESS_ALL_PERMISSIONS (~0ULL)

// The whole of that place is covered by one grant of it.
bool caller_may_at(const struct caller *c, enum permission p, const struct access_place *at);
// In a space (0: for the instance); project empty: the whole space.
bool caller_may(const struct caller *c, enum permission p, int64_t space_id, str project);
// In some part of the space at least (0: of any): lists then hold only what is visible.
bool caller_may_somewhere(const struct caller *c, enum permission p, int64_t space_id);
// Whether the caller has anything to do with this space.
bool caller_knows_space(const struct caller *c, int64_t space_id);

// The grants of p in a space that are limited to projects or environments; false: p is held in the whole space, nothing is to
// be filtered.
bool caller_is_limited(const struct caller *c, enum permission p, int64_t space_id, struct arena *a, struct access_grant **grants, size_t *count);

// What both give: a key's grants are its owner's, narrowed. False: nothing is left.
bool access_narrow(const struct access_grant *of, const struct access_grant *to, struct arena *a, struct access_grant *out);
// Whether `caller` could do all that the grant gives: nobody gives away (or makes a key of) more than they have.
bool caller_covers(const struct caller *c, const struct access_grant *grant);
