// octopus_account.h - what is to be said against an Octopus account that reactions act as. Pure.
//
// permissions.md section 2: a service account, enabled, no administrator, that sees the projects. Warnings, no refusals: what the
// account may do is decided by Octopus.
#pragma once

#include "json/json.h"

// A reaction that acts as the account, the Octopus ids of the projects it names, and its script.
struct octopus_need {
    str reaction;
    const str *projects;
    size_t project_count;
    str script; // empty: none
};

// me: what /api/users/me answered; permissions: what /api/users/{id}/permissions did, NULL where it is not known; octopus_space: the id of
// the space reactions act in, empty where it is not known. A new array of sentences, in the arena; empty: nothing.
struct json *octopus_account_warnings(const struct json *me, const struct json *permissions, str octopus_space, const struct octopus_need *needs, size_t need_count, struct arena *a);
