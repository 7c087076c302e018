#include "tests/web/scene.h"

#include "base/encode.h"
#include "base/timetext.h"
#include "secret/token.h"

// A user's API key, stored as the API stores it: what is shown of it.
static str make_key(struct scene *s, int64_t id, int64_t user_id, const char *more)
{
    struct token token = token_new(TOKEN_MANAGEMENT, s->web.opt.keyring, &random_system, &s->a);
    scene_put(s, KIND_API_KEY, id, 0, user_id, token.public_id, arena_printf(&s->a, "{\"Hash\":\"%.*s\"%s}", STR_ARG(hex_encode(&s->a, (str){ (const char *)token.hash, sizeof token.hash })), more));
    return token.text;
}

static struct caller find(struct scene *s, const char *header, str value)
{
    struct scene_call *k = scene_call(s, "GET", "/api/reactions", NULL);
    struct caller out;
    if (header)
        scene_header(k, header, value);
    caller_find(&s->web, &k->request, &s->a, &out);
    scene_give(s, k);
    return out;
}

static struct caller by_key(struct scene *s, str key)
{
    return find(s, "X-Octopus-ApiKey", key);
}

#define VIEWER ",\"Roles\":[{\"Role\":\"Roles-viewer\",\"Space\":\"Spaces-1\"}]"
#define LATER ",\"Expires\":\"2099-01-01T00:00:00.000Z\""

TEST(a_key_is_whose_it_is_until_its_end)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", VIEWER);
    int64_t end = s.clock.wall + 1000;
    str key = make_key(&s, 3, 1, arena_printf(&s.a, ",\"Expires\":\"%.*s\"", STR_ARG(timetext(&s.a, end))).p);
    struct caller c = by_key(&s, key);
    CHECK_INT("by its key", c.kind, CALLER_API_KEY);
    CHECK_STR("ann", c.name, STR("ann"));
    CHECK_STR("the audit says with which", c.actor, STR("ann with ApiKeys-3"));
    CHECK_INT("until then", c.expires_ms, end);
    CHECK("with her rights", caller_may(&c, REACTION_VIEW, 1, STR("")) && !caller_may(&c, REACTION_CREATE, 1, STR("")));
    CHECK("as a bearer too", find(&s, "Authorization", arena_printf(&s.a, "Bearer %.*s", STR_ARG(key))).kind == CALLER_API_KEY);
    CHECK("in any case of that word", find(&s, "Authorization", arena_printf(&s.a, "bearer %.*s", STR_ARG(key))).kind == CALLER_API_KEY);
    CHECK("not under another scheme", find(&s, "Authorization", arena_printf(&s.a, "Basic %.*s", STR_ARG(key))).is_anonymous);
    clock_fake_advance(&s.clock, 999);
    CHECK("in the last millisecond", !by_key(&s, key).is_anonymous);
    clock_fake_advance(&s.clock, 1);
    CHECK("and no longer", by_key(&s, key).is_anonymous);
    scene_end(&s);
}

TEST(what_is_no_key_is_nobody)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", VIEWER);
    str good = make_key(&s, 1, 1, LATER);
    const struct { const char *claim; str key; } rows[] = {
        { "revoked", make_key(&s, 2, 1, LATER ",\"IsRevoked\":true") },
        { "without an end", make_key(&s, 3, 1, "") },
        { "an end that is no time", make_key(&s, 4, 1, ",\"Expires\":\"never\"") },
        { "ended", make_key(&s, 5, 1, ",\"Expires\":\"2001-01-01T00:00:00.000Z\"") },
        { "of a user who is not there", make_key(&s, 6, 99, LATER) },
        { "of nobody", make_key(&s, 7, 0, LATER) },
        { "never given", token_new(TOKEN_MANAGEMENT, s.web.opt.keyring, &random_system, &s.a).text },
        { "a session's", token_new(TOKEN_SESSION, s.web.opt.keyring, &random_system, &s.a).text },
        { "cut", str_sub(good, 0, good.n - 1) },
        { "longer", arena_printf(&s.a, "%.*sx", STR_ARG(good)) },
        { "a word", STR("RXA-") },
        { "another key's hash behind this public id", STR("") },
    };
    CHECK("a good one is somebody's", !by_key(&s, good).is_anonymous);
    for (size_t i = 0; i + 1 < COUNT(rows); i++) {
        struct caller c = by_key(&s, rows[i].key);
        CHECK(rows[i].claim, c.is_anonymous && c.kind == CALLER_ANONYMOUS && !c.grant_count && !c.is_admin);
    }
    struct token mine = token_new(TOKEN_MANAGEMENT, s.web.opt.keyring, &random_system, &s.a);
    scene_put(&s, KIND_API_KEY, 8, 0, 1, mine.public_id, arena_printf(&s.a, "{\"Hash\":\"%064d\"" LATER "}", 7));
    CHECK(rows[COUNT(rows) - 1].claim, by_key(&s, mine.text).is_anonymous);
    scene_put(&s, KIND_API_KEY, 8, 0, 1, mine.public_id, STR("{\"Hash\":\"00\"" LATER "}"));
    CHECK("a hash that is none", by_key(&s, mine.text).is_anonymous);
    CHECK("no key", find(&s, NULL, STR("")).is_anonymous);
    CHECK("an empty one", by_key(&s, STR("")).is_anonymous);
    scene_user(&s, 1, "ann", VIEWER ",\"IsDisabled\":true");
    CHECK("a disabled user's key is nobody's, at once", by_key(&s, good).is_anonymous);
    const struct store_audit_row *row = scene_audit(&s, "key.failed");
    CHECK("failures are in the audit, without the key", row && str_find(row->doc, str_sub(good, 0, 20)) < 0 && str_find(row->doc, STR("192.0.2.7")) >= 0);
    scene_end(&s);
}

TEST(the_management_key_is_the_file_s)
{
    struct scene s;
    scene_begin(&s);
    struct token token = token_new(TOKEN_MANAGEMENT, s.web.opt.keyring, &random_system, &s.a);
    memcpy(s.web.admin_hash, token.hash, sizeof token.hash);
    struct caller c = by_key(&s, token.text);
    CHECK("it may all", c.is_admin && c.kind == CALLER_ADMIN_KEY && caller_may(&c, USER_ADMIN, 0, STR("")) && caller_may(&c, SCRIPT_EDIT, 1, STR("")));
    CHECK("it is no person", !c.user_id);
    CHECK_STR("and called so", c.actor, STR("admin.key"));
    CHECK("another is not it", by_key(&s, token_new(TOKEN_MANAGEMENT, s.web.opt.keyring, &random_system, &s.a).text).is_anonymous);
    scene_end(&s);
}

TEST(a_key_gives_what_is_written_on_it_of_what_its_owner_may)
{
    static const struct {
        const char *claim, *key;
        bool views, creates, in_other_project;
    } rows[] = {
        { "nothing written", LATER, true, true, true },
        { "fewer permissions", LATER ",\"Permissions\":[\"ReactionView\"]", true, false, true },
        { "none", LATER ",\"Permissions\":[]", false, false, false },
        { "more than the owner has", LATER ",\"Permissions\":[\"ReactionView\",\"UserAdmin\",\"Backup\"]", true, false, true },
        { "a project", LATER ",\"Projects\":[\"Projects-1\"]", false, false, false },
        { "another space", LATER ",\"Space\":\"Spaces-2\"", false, false, false },
        { "its space", LATER ",\"Space\":\"Spaces-1\"", true, true, true },
    };
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", ",\"Roles\":[{\"Role\":\"Roles-author\",\"Space\":\"Spaces-1\"}]");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller c = by_key(&s, make_key(&s, 10 + (int64_t)i, 1, rows[i].key));
        CHECK("it is somebody's", !c.is_anonymous);
        CHECK_INT(rows[i].claim, caller_may(&c, REACTION_VIEW, 1, STR("")), rows[i].views);
        CHECK_INT(rows[i].claim, caller_may(&c, REACTION_CREATE, 1, STR("")), rows[i].creates);
        CHECK_INT(rows[i].claim, caller_may(&c, REACTION_VIEW, 1, STR("Projects-2")), rows[i].in_other_project);
        CHECK("never what the owner may not", !caller_may(&c, USER_ADMIN, 0, STR("")) && !caller_may(&c, BACKUP, 0, STR("")) && !caller_may(&c, REACTION_VIEW, 2, STR("")));
    }
    struct caller c = by_key(&s, make_key(&s, 50, 1, LATER ",\"Projects\":[\"Projects-1\"]"));
    CHECK("in its project it gives what it says", caller_may(&c, REACTION_CREATE, 1, STR("Projects-1")));
    // What an owner loses, the key loses.
    str key = make_key(&s, 51, 1, LATER);
    scene_user(&s, 1, "ann", VIEWER);
    c = by_key(&s, key);
    CHECK("a role that was taken away counts at once", caller_may(&c, REACTION_VIEW, 1, STR("")) && !caller_may(&c, REACTION_CREATE, 1, STR("")));
    scene_end(&s);
}

TEST(what_names_no_role_gives_nothing)
{
    static const struct { const char *claim, *roles; } rows[] = {
        { "a role that is gone", "[{\"Role\":\"Roles-77\",\"Space\":null}]" },
        { "a name in the place of an id", "[{\"Role\":\"Roles-nobody\",\"Space\":null}]" },
        { "no role", "[{\"Space\":\"Spaces-1\"}]" },
        { "a role that is no text", "[{\"Role\":7}]" },
        { "a space that cannot be read is no space, not every one", "[{\"Role\":\"Roles-viewer\",\"Space\":\"everywhere\"}]" },
        { "no list", "{\"Role\":\"Roles-viewer\"}" },
        { "nothing", "null" },
        { "an empty list", "[]" },
    };
    struct scene s;
    scene_begin(&s);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct access_grant *grants;
        size_t count;
        struct json *list;
        REQUIRE("a document", json_parse(&s.a, str_from(rows[i].roles), &list, &s.e));
        caller_read_grants(&s.web, list, &s.a, &grants, &count);
        CHECK_INT(rows[i].claim, count, 0);
    }
    scene_put(&s, KIND_ROLE, 5, 0, 0, STR("custom"), STR("{\"Name\":\"Custom\",\"Permissions\":[\"ReactionView\",\"Unheard\"]}"));
    scene_user(&s, 1, "ann", ",\"Roles\":[{\"Role\":\"Roles-5\",\"Space\":\"Spaces-1\",\"Projects\":[\"Projects-1\"],\"Environments\":[\"Environments-3\"]},{\"Role\":\"Roles-99\"}]");
    struct caller c;
    REQUIRE("ann", caller_of_user(&s.web, 1, &s.a, &c));
    REQUIRE("of two roles one is there", c.grant_count == 1);
    CHECK("a custom one, in its place", c.grants[0].permissions == permission_bit(REACTION_VIEW) && c.grants[0].space_id == 1 && c.grants[0].projects.count == 1 && c.grants[0].environments.count == 1);
    CHECK("who is not there is nobody", !caller_of_user(&s.web, 2, &s.a, &c));
    scene_end(&s);
}

TEST(keys_that_octopus_refuses_are_tries)
{
    struct scene s;
    scene_begin(&s);
    scene_says(&s, "/api/users/me", 401, "{}");
    for (int i = 0; i < 10; i++)
        CHECK("it is nobody's", by_key(&s, arena_printf(&s.a, "API-WRONG%d", i)).is_anonymous);
    CHECK_INT("ten go on to Octopus", scene_asked(&s), 10);
    CHECK("an eleventh is nobody's", by_key(&s, STR("API-WRONG")).is_anonymous);
    CHECK_INT("without a question", scene_asked(&s), 0);
    clock_fake_advance(&s.clock, 15 * 60 * 1000);
    CHECK("a quarter of an hour later", by_key(&s, STR("API-WRONG")).is_anonymous);
    CHECK_INT("it is asked about again", scene_asked(&s), 1);
    // That Octopus does not answer is nobody's fault.
    scene_says(&s, "/api/users/me", 503, "{}");
    for (int i = 0; i < 15; i++)
        by_key(&s, arena_printf(&s.a, "API-OTHER%d", i));
    CHECK_INT("a server that fails uses up no tries", scene_asked(&s), 15);
    scene_end(&s);
}

TEST_MAIN()
