#include "tests/web/scene.h"

#define PERMISSIONS "/api/users/Users-7/permissions"
#define WHOLE "{\"IsPermissionsComplete\":true,\"SpacePermissions\":{\"EventView\":[{\"SpaceId\":\"Spaces-1\",\"RestrictedToProjectIds\":[],\"RestrictedToEnvironmentIds\":[],\"RestrictedToTenantIds\":[],\"RestrictedToProjectGroupIds\":[]}]},\"SystemPermissions\":[]}"
#define SPACES "{\"Items\":[{\"Id\":\"Spaces-1\",\"Name\":\"Default\",\"IsDefault\":true}]}"

static void begin(struct scene *s)
{
    scene_begin(s);
    scene_says(s, "/api/users/me", 200, "{\"Id\":\"Users-7\",\"Username\":\"alice\",\"IsActive\":true}");
    scene_says(s, PERMISSIONS, 200, WHOLE);
    scene_says(s, "/api/spaces", 200, SPACES);
}

static bool who(struct scene *s, const char *key, struct caller *out)
{
    struct err e = { 0 };
    const struct snapshot *snapshot = registry_take(s->web.opt.registry);
    *out = (struct caller){ 0 };
    bool ok = octopus_who(&s->web, snapshot, 1, str_from(key), &s->a, out, &e);
    registry_give(s->web.opt.registry, snapshot);
    s->e = e;
    return ok;
}

TEST(what_octopus_says_is_used_for_a_minute)
{
    struct scene s;
    struct caller c;
    begin(&s);
    CHECK_OK("she is known", who(&s, "API-ALICE", &c), &s.e);
    CHECK_STR("under a name that no user of ours can have", c.name, STR("octopus/alice"));
    CHECK("with the rights that Octopus gives her", caller_may(&c, REACTION_VIEW, 1, STR("")) && !caller_may(&c, REACTION_CREATE, 1, STR("")));
    CHECK_INT("three questions", scene_asked(&s), 3);
    CHECK_TEXT("with her key", s.last_key, "API-ALICE");
    scene_says(&s, PERMISSIONS, 200, "{\"IsPermissionsComplete\":true,\"SpacePermissions\":{},\"SystemPermissions\":[]}");
    clock_fake_advance(&s.clock, OCTOPUS_WHO_MS - 1);
    CHECK_OK("in the last millisecond of the minute", who(&s, "API-ALICE", &c), &s.e);
    CHECK_INT("nothing is asked", scene_asked(&s), 0);
    CHECK("she may what she might", caller_may(&c, REACTION_VIEW, 1, STR("")));
    clock_fake_advance(&s.clock, 1);
    CHECK_OK("after it she is known still", who(&s, "API-ALICE", &c), &s.e);
    CHECK_INT("Octopus was asked anew", scene_asked(&s), 3);
    CHECK("and what it took away is gone", !caller_may(&c, REACTION_VIEW, 1, STR("")));
    CHECK("no more than a minute is a promise", OCTOPUS_WHO_MS <= 60000);
    scene_end(&s);
}

TEST(the_wall_clock_does_not_stretch_the_minute)
{
    struct scene s;
    struct caller c;
    begin(&s);
    CHECK_OK("she is known", who(&s, "API-ALICE", &c), &s.e);
    s.clock.wall -= 86400000;
    s.clock.mono += OCTOPUS_WHO_MS;
    scene_asked(&s);
    CHECK_OK("a minute later, the clock set back a day", who(&s, "API-ALICE", &c), &s.e);
    CHECK_INT("Octopus is asked", scene_asked(&s), 3);
    scene_end(&s);
}

TEST(keys_and_servers_are_told_apart)
{
    struct scene s;
    struct caller c;
    begin(&s);
    CHECK_OK("one key", who(&s, "API-ALICE", &c), &s.e);
    scene_asked(&s);
    scene_says(&s, "/api/users/me", 401, "{}");
    CHECK("another key does not get its answer", !who(&s, "API-ALICEX", &c) && s.e.kind == ERR_DENIED);
    CHECK_INT("it was asked for", scene_asked(&s), 1);
    CHECK("nor does a beginning of it", !who(&s, "API-ALIC", &c));
    scene_asked(&s);
    CHECK_OK("the first is known still", who(&s, "API-ALICE", &c), &s.e);
    CHECK_INT("without a question", scene_asked(&s), 0);
    // The connection is pointed elsewhere: what the other server said is not this one's word.
    scene_put(&s, KIND_CONNECTION, 1, 1, 0, STR("octopus"), arena_printf(&s.a, "{\"Name\":\"octopus\",\"Url\":\"%.*s/other\",\"OctopusSpace\":null,\"PollSeconds\":5}", STR_ARG(s.url)));
    CHECK_OK("in force", registry_reload(s.web.opt.registry, &s.e), &s.e);
    CHECK("another server is asked itself", !who(&s, "API-ALICE", &c) && scene_asked(&s) == 1);
    scene_end(&s);
}

TEST(what_is_not_wholly_told_is_unknown)
{
    static const struct {
        const char *claim, *path;
        int status;
        const char *body;
        enum err_kind want;
    } rows[] = {
        { "a key that Octopus refuses", "/api/users/me", 401, "{}", ERR_DENIED },
        { "one that may not ask", "/api/users/me", 403, "{}", ERR_DENIED },
        { "a server that fails", "/api/users/me", 500, "{}", ERR_BUSY },
        { "no JSON", "/api/users/me", 200, "<html>", ERR_INVALID },
        { "no id", "/api/users/me", 200, "{\"Username\":\"alice\"}", ERR_INVALID },
        { "an id that would lead elsewhere", "/api/users/me", 200, "{\"Id\":\"../x\",\"Username\":\"alice\"}", ERR_INVALID },
        { "an id that is no text", "/api/users/me", 200, "{\"Id\":7,\"Username\":\"alice\"}", ERR_INVALID },
        { "a user who is not active", "/api/users/me", 200, "{\"Id\":\"Users-7\",\"Username\":\"alice\",\"IsActive\":false}", ERR_DENIED },
        { "no name", "/api/users/me", 200, "{\"Id\":\"Users-7\"}", ERR_DENIED },
        { "permissions that are not shown", PERMISSIONS, 403, "{}", ERR_DENIED },
        { "permissions that fail", PERMISSIONS, 503, "{}", ERR_BUSY },
        { "permissions that are not there", PERMISSIONS, 404, "{}", ERR_BUSY },
        { "an incomplete answer", PERMISSIONS, 200, "{\"IsPermissionsComplete\":false,\"SpacePermissions\":{\"EventView\":[{\"SpaceId\":\"Spaces-1\"}]},\"SystemPermissions\":[\"AdministerSystem\"]}", ERR_DENIED },
        { "one that does not say whether it is complete", PERMISSIONS, 200, "{\"SpacePermissions\":{\"EventView\":[{\"SpaceId\":\"Spaces-1\"}]},\"SystemPermissions\":[\"AdministerSystem\"]}", ERR_DENIED },
        { "half a document", PERMISSIONS, 200, "{\"IsPermissionsComplete\":true,", ERR_INVALID },
        { "spaces that fail", "/api/spaces", 500, "{}", ERR_BUSY },
        { "spaces that are no JSON", "/api/spaces", 200, "nope", ERR_INVALID },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s;
        struct caller c;
        begin(&s);
        scene_says(&s, rows[i].path, rows[i].status, rows[i].body);
        CHECK(rows[i].claim, !who(&s, "API-ALICE", &c));
        CHECK_INT(rows[i].claim, s.e.kind, rows[i].want);
        CHECK("it gives no right", !c.grant_count && !c.is_admin);
        CHECK("the key is not in what is said of it", str_find(str_from(s.e.text), STR("API-ALICE")) < 0);
        scene_end(&s);
    }
}

TEST(a_failure_is_not_remembered)
{
    struct scene s;
    struct caller c;
    begin(&s);
    scene_says(&s, "/api/spaces", 500, "{}");
    CHECK("a server that fails", !who(&s, "API-ALICE", &c));
    scene_says(&s, "/api/spaces", 200, SPACES);
    CHECK_OK("is asked again at once", who(&s, "API-ALICE", &c), &s.e);
    CHECK("and believed", caller_may(&c, REACTION_VIEW, 1, STR("")));
    scene_end(&s);
}

TEST(a_minute_that_ran_out_is_not_lengthened_by_silence)
{
    struct scene s;
    struct caller c;
    begin(&s);
    CHECK_OK("she is known", who(&s, "API-ALICE", &c), &s.e);
    scene_says(&s, "/api/users/me", 500, "{}");
    clock_fake_advance(&s.clock, OCTOPUS_WHO_MS);
    CHECK("Octopus does not answer any more: neither is she known", !who(&s, "API-ALICE", &c) && !c.grant_count);
    scene_end(&s);
}

TEST(a_space_without_a_server_knows_nobody)
{
    struct scene s;
    struct caller c;
    struct err e = { 0 };
    begin(&s);
    const struct snapshot *snapshot = registry_take(s.web.opt.registry);
    CHECK("no connection of that number", !octopus_who(&s.web, snapshot, 99, STR("API-ALICE"), &s.a, &c, &e) && e.kind == ERR_DENIED);
    registry_give(s.web.opt.registry, snapshot);
    CHECK_INT("nobody is asked", scene_asked(&s), 0);
    scene_end(&s);
}

TEST(ids_that_become_part_of_a_path)
{
    static const struct { const char *id; bool fits; } rows[] = { { "Users-7", true }, { "users-abc-9", true }, { "", false }, { "Users/7", false }, { "..", false }, { "Users-7?x", false }, { "Users 7", false }, { "Users-7\n", false }, { "%2e", false } };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].id, octopus_is_id(str_from(rows[i].id)), rows[i].fits);
}

TEST_MAIN()
