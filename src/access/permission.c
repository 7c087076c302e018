#include "access/permission.h"

static const char *const names[PERMISSION_COUNT] = {
    [PERMISSION_UNSET] = "(unset)", [PERMISSION_ANONYMOUS] = "Anonymous", [PERMISSION_SIGNED_IN] = "SignedIn", [REACTION_VIEW] = "ReactionView", [RUN_VIEW] = "RunView",
    [RUN_OUTPUT_VIEW] = "RunOutputView", [REACTION_CREATE] = "ReactionCreate", [FILTER_EDIT] = "FilterEdit", [HTTP_ACTION_EDIT] = "HttpActionEdit",
    [SCRIPT_VIEW] = "ScriptView", [SCRIPT_EDIT] = "ScriptEdit", [REACTION_ENABLE] = "ReactionEnable", [REACTION_TEST_RUN] = "ReactionTestRun",
    [REACTION_APPROVE] = "ReactionApprove", [TRIGGER_KEY_MANAGE] = "TriggerKeyManage", [SECRET_CREATE] = "SecretCreate", [SECRET_USE] = "SecretUse",
    [IDENTITY_MANAGE] = "IdentityManage", [IDENTITY_USE] = "IdentityUse", [TRIGGER_EDIT] = "TriggerEdit", [CONNECTION_MANAGE] = "ConnectionManage",
    [SPACE_SETTINGS] = "SpaceSettings", [INSTANCE_SETTINGS] = "InstanceSettings", [ROLE_MANAGE] = "RoleManage", [RUN_CONTROL] = "RunControl",
    [AUDIT_VIEW] = "AuditView", [AUDIT_EXPORT] = "AuditExport", [EGRESS_ADMIN] = "EgressAdmin", [TLS_EXCEPTION_ADMIN] = "TlsExceptionAdmin",
    [USER_ADMIN] = "UserAdmin", [KEY_ROTATE] = "KeyRotate", [BACKUP] = "Backup",
};

const char *permission_name(enum permission p)
{
    return names[p];
}

bool permission_parse(str name, enum permission *out)
{
    for (int p = PERMISSION_FIRST; p < PERMISSION_COUNT; p++)
        if (str_eq_nocase(name, str_from(names[p]))) {
            *out = (enum permission)p;
            return true;
        }
    return false;
}

bool permission_is_of_instance(enum permission p)
{
    return p == INSTANCE_SETTINGS || p == ROLE_MANAGE || p == EGRESS_ADMIN || p == TLS_EXCEPTION_ADMIN || p == USER_ADMIN || p == KEY_ROTATE || p == BACKUP;
}
