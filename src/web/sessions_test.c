#include "tests/web/scene.h"

#include "base/encode.h"
#include "base/limits.h"
#include "secret/token.h"

#define MINUTE_MS 60000LL

// A signed-in person: the cookie's value.
static str sign_in(struct scene *s, int64_t user_id, const char *name)
{
    struct scene_call *k = scene_call(s, "POST", "/api/session", NULL);
    REQUIRE("a session begins", session_begin(&k->call, user_id, str_from(name), "Password", 0, STR("")));
    str cookie = scene_answered(k, "Set-Cookie");
    REQUIRE("with its cookie", str_starts(cookie, STR(SESSION_COOKIE "=")));
    str rest = str_skip(cookie, STR(SESSION_COOKIE "=").n), value;
    str_split(&rest, ';', &value);
    CHECK_STR("which no script reads, no other site sends, no clear text carries", rest, STR(" Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200"));
    CHECK_INT("it ends at the latest in twelve hours", k->call.caller.expires_ms, s->clock.wall + 12 * 60 * MINUTE_MS);
    scene_give(s, k);
    return value;
}

static bool is_signed_in(struct scene *s, str cookie, struct caller *out)
{
    struct scene_call *k = scene_call(s, "GET", "/api/session", NULL);
    struct caller ignored;
    scene_header(k, "Cookie", arena_printf(&s->a, "other=1; " SESSION_COOKIE "=%.*s; x=y", STR_ARG(cookie)));
    bool is = session_find(&s->web, &k->request, &s->a, out ? out : &ignored);
    scene_give(s, k);
    return is;
}

static size_t kept(struct scene *s)
{
    struct store_objects found;
    REQUIRE("sessions are listed", store_list(s->web.opt.store, KIND_SESSION, 0, 0, (struct store_page){ .take = 1000 }, &s->a, &found, &s->e));
    return (size_t)found.total;
}

TEST(a_session_ends_when_it_is_not_used)
{
    struct scene s;
    struct caller who;
    scene_begin(&s);
    scene_user(&s, 1, "ann", ",\"Roles\":[{\"Role\":\"Roles-viewer\",\"Space\":\"Spaces-1\"}]");
    str cookie = sign_in(&s, 1, "ann");
    REQUIRE("she is signed in", is_signed_in(&s, cookie, &who));
    CHECK_STR("as herself", who.name, STR("ann"));
    CHECK("with her roles", who.grant_count == 1 && caller_may(&who, REACTION_VIEW, 1, STR("")) && !caller_may(&who, REACTION_CREATE, 1, STR("")));
    clock_fake_advance(&s.clock, 30 * MINUTE_MS - 1);
    CHECK("in the last millisecond of half an hour still", is_signed_in(&s, cookie, NULL));
    clock_fake_advance(&s.clock, 30 * MINUTE_MS - 1);
    CHECK("that use counted: half an hour from it", is_signed_in(&s, cookie, NULL));
    clock_fake_advance(&s.clock, 30 * MINUTE_MS);
    CHECK("half an hour without use ends it", !is_signed_in(&s, cookie, NULL));
    CHECK("for good", !is_signed_in(&s, cookie, NULL));
    scene_end(&s);
}

TEST(uses_are_kept_to_the_minute)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    str cookie = sign_in(&s, 1, "ann");
    clock_fake_advance(&s.clock, MINUTE_MS - 1);
    CHECK("a use within a minute of the last", is_signed_in(&s, cookie, NULL));
    clock_fake_advance(&s.clock, 29 * MINUTE_MS + 1);
    CHECK("costs no write, and does not count", !is_signed_in(&s, cookie, NULL));
    cookie = sign_in(&s, 1, "ann");
    clock_fake_advance(&s.clock, MINUTE_MS);
    CHECK("one a minute after it", is_signed_in(&s, cookie, NULL));
    clock_fake_advance(&s.clock, 30 * MINUTE_MS - 1);
    CHECK("counts", is_signed_in(&s, cookie, NULL));
    scene_end(&s);
}

TEST(a_session_ends_after_twelve_hours_however_much_it_is_used)
{
    struct scene s;
    struct caller who;
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    str cookie = sign_in(&s, 1, "ann");
    int64_t begun = s.clock.wall;
    for (int i = 0; i < 35; i++) {
        clock_fake_advance(&s.clock, 20 * MINUTE_MS);
        CHECK("used every twenty minutes it goes on", is_signed_in(&s, cookie, &who));
    }
    clock_fake_advance(&s.clock, 20 * MINUTE_MS - 1);
    CHECK("up to the last millisecond", is_signed_in(&s, cookie, &who));
    CHECK_INT("and says so", who.expires_ms, begun + SESSION_MAX_MS);
    clock_fake_advance(&s.clock, 1);
    CHECK("of twelve hours", !is_signed_in(&s, cookie, NULL));
    scene_end(&s);
}

TEST(what_has_ended_is_swept_away)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    scene_user(&s, 2, "bert", "");
    sign_in(&s, 1, "ann");
    clock_fake_advance(&s.clock, 29 * MINUTE_MS);
    str cookie = sign_in(&s, 2, "bert");
    session_purge(&s.web);
    CHECK_INT("what has not ended stays", kept(&s), 2);
    clock_fake_advance(&s.clock, MINUTE_MS);
    session_purge(&s.web);
    CHECK_INT("what has goes", kept(&s), 1);
    CHECK("the other is signed in", is_signed_in(&s, cookie, NULL));
    // Older than more sessions than one page has.
    scene_put(&s, KIND_SESSION, 100000, 0, 2, STR("new"), STR("{\"Created\":\"2099-01-01T00:00:00.000Z\",\"LastSeen\":\"2099-01-01T00:00:00.000Z\"}"));
    for (int i = 0; i < 1100; i++)
        scene_put(&s, KIND_SESSION, 10 + i, 0, 2, arena_printf(&s.a, "s%d", i), i < 50 ? STR("{\"Created\":\"2001-01-01T00:00:00.000Z\"}") : STR("{\"Created\":\"2099-01-01T00:00:00.000Z\",\"LastSeen\":\"2099-01-01T00:00:00.000Z\"}"));
    session_purge(&s.web);
    CHECK_INT("however many newer ones there are", kept(&s), 1 + 1 + 1050);
    scene_end(&s);
}

TEST(a_session_goes_with_its_user)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    str cookie = sign_in(&s, 1, "ann");
    CHECK("she is signed in", is_signed_in(&s, cookie, NULL));
    scene_user(&s, 1, "ann", ",\"IsDisabled\":true");
    CHECK("disabled she is not, at once", !is_signed_in(&s, cookie, NULL));
    scene_user(&s, 1, "ann", "");
    CHECK("enabled again she is", is_signed_in(&s, cookie, NULL));
    struct store_put gone = { .object = { .kind = KIND_USER, .id = 1 }, .expected_version = STORE_ANY_VERSION, .is_delete = true };
    CHECK_OK("the user is deleted", store_change(s.web.opt.store, &gone, 1, NULL, 0, &s.e), &s.e);
    CHECK("a user who is gone is nobody", !is_signed_in(&s, cookie, NULL));
    scene_end(&s);
}

TEST(who_signed_in_with_an_octopus_key_is_asked_for_again)
{
    struct scene s;
    struct caller who;
    struct store_objects found;
    scene_begin(&s);
    scene_says(&s, "/api/users/me", 200, "{\"Id\":\"Users-7\",\"Username\":\"alice\"}");
    scene_says(&s, "/api/users/Users-7/permissions", 200, "{\"IsPermissionsComplete\":true,\"SpacePermissions\":{\"EventView\":[{\"SpaceId\":\"Spaces-1\"}]},\"SystemPermissions\":[]}");
    scene_says(&s, "/api/spaces", 200, "{\"Items\":[{\"Id\":\"Spaces-1\",\"Name\":\"Default\",\"IsDefault\":true}]}");
    struct scene_call *k = scene_call(&s, "POST", "/api/session", NULL);
    REQUIRE("a session begins", session_begin(&k->call, 0, STR("octopus/alice"), "Octopus", 1, STR("API-CANARY")));
    str rest = str_skip(scene_answered(k, "Set-Cookie"), STR(SESSION_COOKIE "=").n), cookie;
    str_split(&rest, ';', &cookie);
    scene_give(&s, k);
    REQUIRE("she is signed in", is_signed_in(&s, cookie, &who));
    CHECK_STR("as Octopus names her", who.name, STR("octopus/alice"));
    CHECK("with the rights of there", caller_may(&who, REACTION_VIEW, 1, STR("")));
    CHECK_TEXT("by her key", s.last_key, "API-CANARY");
    REQUIRE("it is kept", store_list(s.web.opt.store, KIND_SESSION, 0, 0, (struct store_page){ .take = 10 }, &s.a, &found, &s.e) && found.count == 1);
    CHECK("sealed", str_find(found.items[0].doc, STR("API-CANARY")) < 0);
    scene_says(&s, "/api/users/me", 401, "{}");
    clock_fake_advance(&s.clock, OCTOPUS_WHO_MS - 1);
    CHECK("a key that Octopus revoked", is_signed_in(&s, cookie, &who));
    clock_fake_advance(&s.clock, 1);
    CHECK("is nobody's a minute after it was asked about", !is_signed_in(&s, cookie, &who));
    scene_end(&s);
}

TEST(only_the_cookie_itself_signs_in)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    str cookie = sign_in(&s, 1, "ann");
    CHECK("the cookie", is_signed_in(&s, cookie, NULL));
    CHECK("without its last byte", !is_signed_in(&s, str_sub(cookie, 0, cookie.n - 1), NULL));
    CHECK("nothing", !is_signed_in(&s, STR(""), NULL));
    struct token first = token_new(TOKEN_SESSION, s.web.opt.keyring, &random_system, &s.a), second = token_new(TOKEN_SESSION, s.web.opt.keyring, &random_system, &s.a);
    str now = STR("2023-11-14T22:13:20.000Z"), hash = hex_encode(&s.a, (str){ (const char *)second.hash, sizeof second.hash });
    scene_put(&s, KIND_SESSION, 50, 0, 1, first.public_id, arena_printf(&s.a, "{\"Hash\":\"%.*s\",\"Created\":\"%.*s\",\"LastSeen\":\"%.*s\"}", STR_ARG(hash), STR_ARG(now), STR_ARG(now)));
    CHECK("another secret behind the same public id", !is_signed_in(&s, first.text, NULL));
    CHECK("one that this server never gave", !is_signed_in(&s, token_new(TOKEN_SESSION, s.web.opt.keyring, &random_system, &s.a).text, NULL));
    CHECK("a key of another kind", !is_signed_in(&s, token_new(TOKEN_MANAGEMENT, s.web.opt.keyring, &random_system, &s.a).text, NULL));
    scene_end(&s);
}

TEST(the_oldest_session_makes_room)
{
    struct scene s;
    str cookies[LIMIT_SESSIONS_PER_USER + 1];
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    scene_user(&s, 2, "bert", "");
    str other = sign_in(&s, 2, "bert");
    for (size_t i = 0; i < COUNT(cookies); i++)
        cookies[i] = sign_in(&s, 1, "ann");
    CHECK("the first has gone", !is_signed_in(&s, cookies[0], NULL));
    CHECK("the second has not", is_signed_in(&s, cookies[1], NULL));
    CHECK("nor the last", is_signed_in(&s, cookies[LIMIT_SESSIONS_PER_USER], NULL));
    CHECK("another's is untouched", is_signed_in(&s, other, NULL));
    CHECK_INT("so many are kept", kept(&s), LIMIT_SESSIONS_PER_USER + 1);
    scene_end(&s);
}

TEST(a_change_by_cookie_needs_token_and_origin)
{
    static const struct {
        const char *claim, *site, *origin;
        bool has_token, is_change, goes;
    } rows[] = {
        { "reading needs neither", NULL, NULL, false, false, true },
        { "token and our own page", "same-origin", NULL, true, true, true },
        { "token and our own origin", NULL, "https://reactions.example", true, true, true },
        { "both", "same-origin", "https://reactions.example", true, true, true },
        { "no token", "same-origin", NULL, false, true, false },
        { "no evidence", NULL, NULL, true, true, false },
        { "another site", "cross-site", "https://reactions.example", true, true, false },
        { "a sister of ours", "same-site", NULL, true, true, false },
        { "typed by hand", "none", NULL, true, true, false },
        { "another origin", NULL, "https://evil.example", true, true, false },
        { "another origin that claims to be the same", "same-origin", "https://evil.example", true, true, false },
        { "another port", NULL, "https://reactions.example:8443", true, true, false },
        { "a hidden origin", NULL, "null", true, true, false },
        { "our name behind another", NULL, "https://evil.example/reactions.example", true, true, false },
    };
    struct scene s;
    scene_begin(&s);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene_call *k = scene_call(&s, "POST", "/api/x", NULL);
        k->call.caller = (struct caller){ .kind = CALLER_SESSION, .csrf = STR("0123456789abcdef") };
        scene_header(k, "Host", STR("reactions.example"));
        if (rows[i].site)
            scene_header(k, "Sec-Fetch-Site", str_from(rows[i].site));
        if (rows[i].origin)
            scene_header(k, "Origin", str_from(rows[i].origin));
        scene_header(k, "X-CSRF-Token", rows[i].has_token ? STR("0123456789abcdef") : STR("0123456789abcdeF"));
        CHECK(rows[i].claim, session_proves_intent(&k->call, rows[i].is_change) == rows[i].goes);
        CHECK_INT(rows[i].claim, k->call.status, rows[i].goes ? 0 : 403);
        k->call.caller.kind = CALLER_API_KEY;
        CHECK("a key proves it by itself", session_proves_intent(&k->call, true));
        scene_give(&s, k);
    }
    scene_end(&s);
}

TEST(cookies_are_told_apart)
{
    static const struct { const char *claim, *header, *want; } rows[] = {
        { "alone", "a=1", "1" }, { "behind others", "b=2; c=3; a=1", "1" }, { "the first of two", "a=1; a=2", "1" }, { "a value with =", "a=1=2", "1=2" },
        { "not there", "b=a", "" }, { "a name that ends so", "xa=1", "" }, { "no value", "a", "" }, { "an empty one", "a=; b=1", "" }, { "nothing", "", "" }, { "other letters", "A=1", "" },
    };
    struct scene s;
    scene_begin(&s);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene_call *k = scene_call(&s, "GET", "/", NULL);
        scene_header(k, "Cookie", str_from(rows[i].header));
        CHECK_STR(rows[i].claim, session_cookie(&k->request, STR("a")), str_from(rows[i].want));
        scene_give(&s, k);
    }
    scene_end(&s);
}

TEST(signing_out_ends_one_and_everywhere_ends_all)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    scene_user(&s, 2, "bert", "");
    str here = sign_in(&s, 1, "ann"), there = sign_in(&s, 1, "ann"), third = sign_in(&s, 1, "ann"), other = sign_in(&s, 2, "bert");
    struct scene_call *k = scene_call(&s, "DELETE", "/api/session", NULL);
    REQUIRE("she is signed in", is_signed_in(&s, here, &k->call.caller));
    session_delete(&k->call);
    CHECK_INT("she signs out", k->call.status, 204);
    CHECK("the cookie goes", str_find(scene_answered(k, "Set-Cookie"), STR("Max-Age=0")) >= 0);
    CHECK("here", !is_signed_in(&s, here, NULL));
    CHECK("not there", is_signed_in(&s, there, NULL));
    scene_give(&s, k);
    k = scene_call(&s, "DELETE", "/api/sessions", NULL);
    REQUIRE("there she is", is_signed_in(&s, there, &k->call.caller));
    sessions_delete(&k->call);
    CHECK_INT("she signs out everywhere", k->call.status, 204);
    CHECK("there", !is_signed_in(&s, there, NULL));
    CHECK("and wherever else", !is_signed_in(&s, third, NULL));
    CHECK("another is signed in still", is_signed_in(&s, other, NULL));
    scene_give(&s, k);
    scene_end(&s);
}

TEST_MAIN()
