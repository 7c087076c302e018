#include "tests/harness/check.h"

#include "access/permission.h"

TEST(each_permission_has_a_name_of_its_own_that_reads_back)
{
    for (int p = PERMISSION_FIRST; p < PERMISSION_COUNT; p++) {
        enum permission got = PERMISSION_UNSET;
        const char *name = permission_name((enum permission)p);
        REQUIRE("it has a name", name != NULL);
        CHECK(name, permission_parse(str_from(name), &got) && got == (enum permission)p);
    }
    enum permission got;
    CHECK("case does not count", permission_parse(STR("reactionview"), &got) && got == REACTION_VIEW);
    static const char *const bad[] = { "Anonymous", "SignedIn", "(unset)", "", "Reaction", "ReactionView " };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK("no role gives this", !permission_parse(str_from(bad[i]), &got));
}

TEST(what_is_of_the_instance_means_nothing_in_a_space)
{
    // The notes of the model's table, section 3: instance only.
    static const char *const of_instance[] = { "InstanceSettings", "RoleManage", "EgressAdmin", "TlsExceptionAdmin", "UserAdmin", "KeyRotate", "Backup" };
    int count = 0;
    for (int p = PERMISSION_FIRST; p < PERMISSION_COUNT; p++)
        count += permission_is_of_instance((enum permission)p);
    CHECK_INT("there are as many", count, COUNT(of_instance));
    for (size_t i = 0; i < COUNT(of_instance); i++) {
        enum permission got;
        CHECK(of_instance[i], permission_parse(str_from(of_instance[i]), &got) && permission_is_of_instance(got));
    }
}

TEST_MAIN()
