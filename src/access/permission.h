// permission.h - what a caller may be allowed to do (spec/permissions.md section 3). Every route names one; a
// route without one does not compile (permission 0 is refused by the table's check).
#pragma once

#include "base/str.h"

enum permission {
    PERMISSION_UNSET,
    PERMISSION_ANONYMOUS, // open to all: name and version, signing in
    PERMISSION_SIGNED_IN, // whoever has proven who they are: their own account, the description of the API
    PERMISSION_FIRST,     // from here on they are given by roles
    REACTION_VIEW = PERMISSION_FIRST, RUN_VIEW, RUN_OUTPUT_VIEW, REACTION_CREATE, FILTER_EDIT, HTTP_ACTION_EDIT, SCRIPT_VIEW, SCRIPT_EDIT,
    REACTION_ENABLE, REACTION_TEST_RUN, REACTION_APPROVE, TRIGGER_KEY_MANAGE, SECRET_CREATE, SECRET_USE, IDENTITY_MANAGE, IDENTITY_USE,
    TRIGGER_EDIT, CONNECTION_MANAGE, SPACE_SETTINGS, INSTANCE_SETTINGS, ROLE_MANAGE, RUN_CONTROL, AUDIT_VIEW, AUDIT_EXPORT,
    EGRESS_ADMIN, TLS_EXCEPTION_ADMIN, USER_ADMIN, KEY_ROTATE, BACKUP,
    PERMISSION_COUNT,
};

const char *permission_name(enum permission p);            // "ReactionView"
bool permission_parse(str name, enum permission *out);     // of those that roles give; no case
bool permission_is_of_instance(enum permission p);         // means nothing within a space
