#include "access/roles.h"

#include "tests/harness/check.h"

// The model's table (spec/permissions.md section 3), row by row: what stands in none is nobody's.
static const struct { const char *role; enum permission permissions[32]; } table[] = {
    { "Viewer", { REACTION_VIEW, RUN_VIEW } },
    { "Operator", { REACTION_VIEW, RUN_VIEW, RUN_OUTPUT_VIEW, REACTION_ENABLE, RUN_CONTROL } },
    { "Filter editor", { REACTION_VIEW, RUN_VIEW, FILTER_EDIT } },
    { "Author", { REACTION_VIEW, RUN_VIEW, RUN_OUTPUT_VIEW, REACTION_ENABLE, RUN_CONTROL, REACTION_CREATE, FILTER_EDIT, IDENTITY_USE, SECRET_USE, HTTP_ACTION_EDIT, SCRIPT_VIEW, SCRIPT_EDIT, REACTION_TEST_RUN, TRIGGER_EDIT } },
    { "Approver", { REACTION_VIEW, RUN_VIEW, RUN_OUTPUT_VIEW, SCRIPT_VIEW, REACTION_APPROVE } },
    { "Key manager", { REACTION_VIEW, RUN_VIEW, TRIGGER_KEY_MANAGE, SECRET_CREATE } },
    { "Space admin", { REACTION_VIEW, RUN_VIEW, RUN_OUTPUT_VIEW, REACTION_ENABLE, RUN_CONTROL, REACTION_CREATE, FILTER_EDIT, IDENTITY_USE, SECRET_USE, HTTP_ACTION_EDIT, SCRIPT_VIEW, SCRIPT_EDIT, REACTION_TEST_RUN,
        TRIGGER_EDIT, REACTION_APPROVE, TRIGGER_KEY_MANAGE, SECRET_CREATE, IDENTITY_MANAGE, CONNECTION_MANAGE, SPACE_SETTINGS, AUDIT_VIEW } },
    { "Instance admin", { REACTION_VIEW, RUN_VIEW, INSTANCE_SETTINGS, ROLE_MANAGE, AUDIT_VIEW, AUDIT_EXPORT, EGRESS_ADMIN, TLS_EXCEPTION_ADMIN, USER_ADMIN, KEY_ROTATE, BACKUP } },
    { "Auditor", { REACTION_VIEW, RUN_VIEW, SCRIPT_VIEW, AUDIT_VIEW, AUDIT_EXPORT } },
};

TEST(the_built_in_roles_are_the_models)
{
    CHECK_INT("as many as the model has", roles_built_in_count, COUNT(table));
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct role *r = role_find_built_in(str_from(table[i].role));
        REQUIRE(table[i].role, r);
        for (int p = PERMISSION_FIRST; p < PERMISSION_COUNT; p++) {
            bool wanted = false;
            for (size_t k = 0; table[i].permissions[k]; k++)
                wanted = wanted || (int)table[i].permissions[k] == p;
            char claim[128];
            snprintf(claim, sizeof claim, "%s %s %s", table[i].role, wanted ? "has" : "has not", permission_name((enum permission)p));
            CHECK_INT(claim, (r->permissions >> p) & 1, wanted);
        }
    }
}

TEST(names)
{
    struct arena a = { 0 };
    struct json *list = json_new_array(&a), *doc = json_new_object(&a);
    const struct role *author = role_find_built_in(STR("roles-AUTHOR"));
    enum permission p;
    CHECK("found by id, no case", author && role_find_built_in(STR("author")) == author);
    CHECK("unknown is unknown", !role_find_built_in(STR("God")) && !role_find_built_in(STR("")));
    role_add_permissions(&a, list, author->permissions);
    json_add(doc, STR("Permissions"), list);
    CHECK("written names read back", role_permissions(doc) == author->permissions);
    CHECK("each permission has its name", permission_parse(STR("scriptedit"), &p) && p == SCRIPT_EDIT);
    CHECK("those that no role gives cannot be named", !permission_parse(STR("Anonymous"), &p) && !permission_parse(STR("SignedIn"), &p) && !permission_parse(STR("(unset)"), &p));
    arena_fini(&a);
}

TEST_MAIN()
