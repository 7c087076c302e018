#include "tests/web/scene.h"

#include "web/identity_checks.h"
#include "web/workers.h"

#define DAY_MS 86400000LL
#define ME "{\"Id\":\"Users-7\",\"Username\":\"release-bot\",\"IsService\":true,\"IsActive\":true}"

static void put_identity(struct scene *s, int64_t id, const char *name, const char *key)
{
    struct decode_errors errors = { .arena = &s->a };
    struct json *doc;
    REQUIRE("a document", json_parse(&s->a, arena_printf(&s->a, "{\"Name\":\"%s\",\"Connection\":\"octopus\",\"ApiKey\":\"%s\",\"GrantedTo\":[],\"KeyFor\":\"%.*s\"}", name, key, STR_ARG(s->url)), &doc, &s->e));
    sealed_store(KIND_IDENTITY, id, doc, NULL, s->web.opt.keyring, &s->a, &errors);
    scene_put(s, KIND_IDENTITY, id, 1, 0, str_from(name), json_text(&s->a, doc));
    REQUIRE("in force", CHECK_OK("in force", registry_reload(s->web.opt.registry, &s->e), &s->e));
}

// Whatever is due is done when this returns.
static void tick(struct scene *s)
{
    s->web.slow_workers = workers_new(1);
    identity_checks_tick(&s->web);
    workers_free(s->web.slow_workers);
}

static void start(struct scene *s)
{
    s->web.identity_checks = identity_checks_new();
    REQUIRE("what was kept is read", CHECK_OK("what was kept is read", identity_checks_load(&s->web, &s->e), &s->e));
}

static void stop(struct scene *s)
{
    identity_checks_stop(s->web.identity_checks);
    identity_checks_free(s->web.identity_checks);
}

static void begin(struct scene *s)
{
    scene_begin(s);
    scene_says(s, "/api/users/me", 200, ME);
    scene_says(s, "/api/users/Users-7/permissions", 200, "{\"IsPermissionsComplete\":true,\"SpacePermissions\":{\"ProjectView\":[{\"SpaceId\":\"Spaces-1\"}],\"ReleaseView\":[{\"SpaceId\":\"Spaces-2\"}]},\"SystemPermissions\":[]}");
    scene_says(s, "/api/spaces", 200, "{\"Items\":[{\"Id\":\"Spaces-1\",\"Name\":\"Default\",\"IsDefault\":true}]}");
    put_identity(s, 1, "bot", "API-CANARY");
    start(s);
}

static void end(struct scene *s)
{
    stop(s);
    scene_end(s);
}

// As the API shows it.
static str shown(struct scene *s, int64_t id, bool is_has)
{
    struct store_object *o;
    struct json *doc;
    const struct snapshot *snapshot = registry_take(s->web.opt.registry);
    REQUIRE("the identity", store_get(s->web.opt.store, KIND_IDENTITY, 1, id, &s->a, &o, &s->e) && o && json_parse(&s->a, o->doc, &doc, &s->e));
    struct json *j = is_has ? identity_has(&s->web, snapshot, id, 1, doc, &s->a) : identity_checked(&s->web, snapshot, id, 1, doc, &s->a);
    registry_give(s->web.opt.registry, snapshot);
    return j ? json_text(&s->a, j) : STR("unknown");
}

#define CHECKED "{\"At\":\"2023-11-14T22:13:20.000Z\",\"Username\":\"release-bot\",\"IsService\":true,\"Warnings\":[]}"

TEST(what_octopus_said_outlives_a_restart)
{
    struct scene s;
    begin(&s);
    CHECK_STR("before it was asked nothing is known", shown(&s, 1, false), STR("null"));
    tick(&s);
    CHECK_INT("it is asked", scene_asked(&s), 3);
    CHECK_STR("whose key it is", shown(&s, 1, false), STR(CHECKED));
    CHECK_STR("what the account may in that space", shown(&s, 1, true), STR("[\"ProjectView\"]"));
    clock_fake_advance(&s.clock, 1000);
    stop(&s);
    start(&s);
    CHECK_STR("after a restart it is known at once, as of then", shown(&s, 1, false), STR(CHECKED));
    CHECK_STR("wholly", shown(&s, 1, true), STR("[\"ProjectView\"]"));
    tick(&s);
    CHECK_INT("and nothing is asked", scene_asked(&s), 0);
    end(&s);
}

TEST(a_day_is_a_day_over_restarts)
{
    struct scene s;
    begin(&s);
    tick(&s);
    scene_asked(&s);
    clock_fake_advance(&s.clock, DAY_MS / 2);
    stop(&s);
    start(&s);
    tick(&s);
    CHECK_INT("after half of it nothing", scene_asked(&s), 0);
    clock_fake_advance(&s.clock, DAY_MS / 2 - 1);
    tick(&s);
    CHECK_INT("in its last millisecond nothing", scene_asked(&s), 0);
    clock_fake_advance(&s.clock, 1);
    tick(&s);
    CHECK_INT("then it is asked anew", scene_asked(&s), 3);
    stop(&s);
    clock_fake_advance(&s.clock, 3 * DAY_MS);
    start(&s);
    tick(&s);
    CHECK_INT("a server that was away longer asks at once", scene_asked(&s), 3);
    stop(&s);
    s.clock.wall -= 30 * DAY_MS; // the clock is set back meanwhile
    start(&s);
    clock_fake_advance(&s.clock, DAY_MS);
    tick(&s);
    CHECK_INT("no clock lengthens the day", scene_asked(&s), 3);
    end(&s);
}

TEST(what_changed_is_asked_about)
{
    struct scene s;
    begin(&s);
    tick(&s);
    scene_asked(&s);
    put_identity(&s, 1, "bot", "API-OTHER");
    CHECK_STR("what was said of the old key is not said of the new one", shown(&s, 1, false), STR("null"));
    stop(&s);
    start(&s);
    CHECK_STR("not after a restart either", shown(&s, 1, false), STR("null"));
    tick(&s);
    CHECK("it is asked about", scene_asked(&s) == 3 && str_eq(str_from(s.last_key), STR("API-OTHER")));
    end(&s);
}

TEST(silence_is_asked_again_and_longer_each_time)
{
    struct scene s;
    begin(&s);
    scene_says(&s, "/api/users/me", 503, "{}");
    tick(&s);
    CHECK_INT("asked", scene_asked(&s), 1);
    CHECK("a warning says so", str_find(shown(&s, 1, false), STR("asked again later")) >= 0);
    int64_t waits[] = { 5000, 10000, 20000 };
    for (size_t i = 0; i < COUNT(waits); i++) {
        if (i == 1) {
            stop(&s);
            start(&s);
        }
        clock_fake_advance(&s.clock, waits[i] - 1);
        tick(&s);
        CHECK_INT("not before", scene_asked(&s), 0);
        clock_fake_advance(&s.clock, 1);
        tick(&s);
        CHECK_INT("then again, over a restart too", scene_asked(&s), 1);
    }
    scene_says(&s, "/api/users/me", 200, ME);
    clock_fake_advance(&s.clock, 40000);
    tick(&s);
    CHECK("until it answers", str_find(shown(&s, 1, false), STR("release-bot")) >= 0);
    end(&s);
}

TEST(what_was_kept_goes_with_its_identity)
{
    struct scene s;
    struct store_objects found;
    begin(&s);
    put_identity(&s, 2, "other", "API-OTHER");
    tick(&s);
    REQUIRE("two are kept", store_list(s.web.opt.store, KIND_CHECK, 0, 0, (struct store_page){ .take = 10 }, &s.a, &found, &s.e) && found.count == 2);
    for (size_t i = 0; i < found.count; i++)
        CHECK("without a key", str_find(found.items[i].doc, STR("API-")) < 0);
    struct store_put gone = { .object = { .kind = KIND_IDENTITY, .id = 1, .space_id = 1 }, .expected_version = STORE_ANY_VERSION, .is_delete = true };
    REQUIRE("one identity goes", store_change(s.web.opt.store, &gone, 1, NULL, 0, &s.e) && registry_reload(s.web.opt.registry, &s.e));
    clock_fake_advance(&s.clock, DAY_MS);
    tick(&s);
    REQUIRE("what is kept", store_list(s.web.opt.store, KIND_CHECK, 0, 0, (struct store_page){ .take = 10 }, &s.a, &found, &s.e));
    CHECK("is the other's", found.count == 1 && found.items[0].id == 2);
    end(&s);
}

TEST(what_is_kept_and_cannot_be_read_is_asked_for_anew)
{
    static const char *const broken[] = { "{}", "no", "{\"Of\":\"zz\"}", "{\"Of\":\"00\",\"Due\":\"2099-01-01T00:00:00.000Z\",\"Shown\":{}}", "[]" };
    struct scene s;
    begin(&s);
    stop(&s);
    for (size_t i = 0; i < COUNT(broken); i++) {
        scene_put(&s, KIND_CHECK, 1, 0, 0, (str){ 0 }, str_from(broken[i]));
        start(&s);
        CHECK_STR(broken[i], shown(&s, 1, false), STR("null"));
        tick(&s);
        CHECK_INT("asked", scene_asked(&s), 3);
        stop(&s);
    }
    start(&s);
    end(&s);
}

TEST_MAIN()
