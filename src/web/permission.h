// permission.h - what a caller may be allowed to do (spec/permissions.md section 3). Every route names one; a
// route without one does not compile (permission 0 is refused by the table's check).
#pragma once

enum permission {
    PERMISSION_UNSET,
    PERMISSION_ANONYMOUS, // open to all: name and version
    REACTION_VIEW, RUN_VIEW, RUN_OUTPUT_VIEW, REACTION_CREATE, FILTER_EDIT, HTTP_ACTION_EDIT, SCRIPT_VIEW, SCRIPT_EDIT,
    REACTION_ENABLE, REACTION_TEST_RUN, REACTION_APPROVE, TRIGGER_KEY_MANAGE, SECRET_CREATE, SECRET_USE, IDENTITY_MANAGE, IDENTITY_USE,
    TRIGGER_EDIT, CONNECTION_MANAGE, SPACE_SETTINGS, INSTANCE_SETTINGS, ROLE_MANAGE, RUN_CONTROL, AUDIT_VIEW, AUDIT_EXPORT,
    EGRESS_ADMIN, TLS_EXCEPTION_ADMIN, USER_ADMIN, KEY_ROTATE, BACKUP,
    PERMISSION_COUNT,
};

const char *permission_name(enum permission p); // "ReactionView"
