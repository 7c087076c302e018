#include "tests/web/scene.h"

#include "secret/password.h"
#include "web/sign_in.h"

#define PASSWORD "correct horse battery"

static struct scene_call *sign_in(struct scene *s, const char *body)
{
    struct scene_call *k = scene_call(s, "POST", "/api/session", body);
    session_create(&k->call);
    return k;
}

static void put_user(struct scene *s, int64_t id, const char *name, const char *password, const char *more)
{
    str hash = password ? password_hash(str_from(password), &s->a) : STR("");
    scene_user(s, id, name, arena_printf(&s->a, ",\"PasswordHash\":\"%.*s\"%s", STR_ARG(hash), more).p);
}

TEST(whoever_is_not_let_in_hears_the_same)
{
    static const struct { const char *claim, *body, *noted, *of; } rows[] = {
        { "a wrong password", "{\"Username\":\"ann\",\"Password\":\"wrong horse battery\"}", "wrong password, or disabled", "Users-1" },
        { "an unknown name", "{\"Username\":\"nobody\",\"Password\":\"" PASSWORD "\"}", "unknown name", "unknown" },
        { "a disabled user's right password", "{\"Username\":\"dora\",\"Password\":\"" PASSWORD "\"}", "wrong password, or disabled", "Users-2" },
        { "a user without a password", "{\"Username\":\"robot\",\"Password\":\"" PASSWORD "\"}", "wrong password, or disabled", "Users-3" },
    };
    struct scene s;
    str first = STR("");
    scene_begin(&s);
    put_user(&s, 1, "ann", PASSWORD, "");
    put_user(&s, 2, "dora", PASSWORD, ",\"IsDisabled\":true");
    scene_user(&s, 3, "robot", ",\"IsService\":true");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene_call *k = sign_in(&s, rows[i].body);
        CHECK_INT(rows[i].claim, k->call.status, 401);
        CHECK_STR("no cookie", scene_answered(k, "Set-Cookie"), STR(""));
        str answer = json_text(&s.a, k->call.answer);
        if (!i)
            first = answer;
        CHECK_STR(rows[i].claim, answer, first);
        const struct store_audit_row *row = scene_audit(&s, "sign-in.failed");
        CHECK("the audit knows more", row && str_eq(row->subject, str_from(rows[i].of)) && str_find(row->doc, str_from(rows[i].noted)) >= 0);
        CHECK("but nothing that was typed", row && str_find(row->doc, STR("horse")) < 0 && str_find(row->doc, STR("nobody")) < 0);
        scene_give(&s, k);
    }
    scene_end(&s);
}

TEST(the_right_password_begins_a_session)
{
    struct scene s;
    scene_begin(&s);
    put_user(&s, 1, "ann", PASSWORD, "");
    struct scene_call *k = sign_in(&s, "{\"Username\":\"ANN\",\"Password\":\"" PASSWORD "\"}");
    CHECK_INT("in whatever letters the name is", k->call.status, 201);
    CHECK("with a cookie", str_starts(scene_answered(k, "Set-Cookie"), STR(SESSION_COOKIE "=")));
    CHECK_STR("she is who she is called", json_str(json_get(k->call.answer, STR("Name")), STR("")), STR("ann"));
    CHECK_INT("and gets her token against forged requests", json_str(json_get(k->call.answer, STR("CsrfToken")), STR("")).n, 64);
    const struct store_audit_row *row = scene_audit(&s, "sign-in");
    CHECK("which is in the audit", row && str_eq(row->actor, STR("ann")) && str_eq(row->subject, STR("Users-1")));
    scene_give(&s, k);
    // Ten wrong ones close the door for the right one too.
    for (int i = 0; i < 10; i++)
        scene_give(&s, sign_in(&s, "{\"Username\":\"ann\",\"Password\":\"wrong horse battery\"}"));
    k = sign_in(&s, "{\"Username\":\"ann\",\"Password\":\"" PASSWORD "\"}");
    CHECK_INT("after ten wrong ones the right one waits", k->call.status, 429);
    CHECK("for so long", k->call.retry_after_s > 0);
    scene_give(&s, k);
    clock_fake_advance(&s.clock, 15 * 60 * 1000);
    k = sign_in(&s, "{\"Username\":\"ann\",\"Password\":\"" PASSWORD "\"}");
    CHECK_INT("a quarter of an hour", k->call.status, 201);
    scene_give(&s, k);
    scene_end(&s);
}

TEST(what_is_sent_to_sign_in_is_checked)
{
    static const struct { const char *claim, *body; int status; } rows[] = {
        { "nothing", NULL, 401 },
        { "no object", "[1]", 400 },
        { "no password", "{\"Username\":\"ann\"}", 400 },
        { "no name", "{\"Password\":\"x\"}", 400 },
        { "both ways at once", "{\"Username\":\"ann\",\"Password\":\"x\",\"ApiKey\":\"API-X\"}", 400 },
        { "a space without its key", "{\"Username\":\"ann\",\"Password\":\"x\",\"Space\":\"default\"}", 400 },
        { "an unknown field", "{\"Username\":\"ann\",\"Password\":\"x\",\"Remember\":true}", 400 },
        { "a password that is no text", "{\"Username\":\"ann\",\"Password\":7}", 400 },
        { "a space that is not there", "{\"ApiKey\":\"API-X\",\"Space\":\"nowhere\"}", 401 },
        { "a key that Octopus does not know", "{\"ApiKey\":\"API-X\"}", 401 },
    };
    struct scene s;
    scene_begin(&s);
    scene_says(&s, "/api/users/me", 401, "{}");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene_call *k = scene_call(&s, "POST", "/api/session", rows[i].body);
        session_create(&k->call);
        CHECK_INT(rows[i].claim, k->call.status, rows[i].status);
        CHECK_STR("nobody is signed in", scene_answered(k, "Set-Cookie"), STR(""));
        scene_give(&s, k);
    }
    struct scene_call *k = scene_call(&s, "POST", "/api/session", "{\"Username\":\"ann\",\"Password\":\"x\"}");
    scene_header(k, "Host", STR("reactions.example"));
    scene_header(k, "Origin", STR("https://evil.example"));
    session_create(&k->call);
    CHECK_INT("nobody is signed in by another site's page", k->call.status, 403);
    scene_give(&s, k);
    scene_end(&s);
}

TEST(set_up_is_needed_until_there_is_an_administrator)
{
    static const struct { const char *claim, *user; bool is_needed; } rows[] = {
        { "nobody", NULL, true },
        { "a user without roles", "", true },
        { "a Space admin", ",\"Roles\":[{\"Role\":\"Roles-spaceadmin\",\"Space\":null}]", true },
        { "an administrator of a space only", ",\"Roles\":[{\"Role\":\"Roles-instanceadmin\",\"Space\":\"Spaces-1\"}]", true },
        { "one who is disabled", ",\"IsDisabled\":true,\"Roles\":[{\"Role\":\"Roles-instanceadmin\",\"Space\":null}]", true },
        { "an instance administrator", ",\"Roles\":[{\"Role\":\"Roles-viewer\",\"Space\":\"Spaces-1\"},{\"Role\":\"Roles-instanceadmin\",\"Space\":null}]", false },
    };
    struct scene s;
    bool is_needed = false;
    scene_begin(&s);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].user)
            scene_user(&s, 1, "ann", rows[i].user);
        CHECK_OK("asked", setup_is_needed(s.web.opt.store, &s.a, &is_needed, &s.e), &s.e);
        CHECK_INT(rows[i].claim, is_needed, rows[i].is_needed);
    }
    // Behind more users than one page has.
    for (int i = 0; i < 1005; i++)
        scene_user(&s, 2 + i, arena_printf(&s.a, "user%d", i).p, "");
    CHECK_OK("asked", setup_is_needed(s.web.opt.store, &s.a, &is_needed, &s.e) && !is_needed, &s.e);
    scene_end(&s);
}

static int set_up(struct scene *s, str token, const char *name)
{
    struct scene_call *k = scene_call(s, "POST", "/api/setup", arena_printf(&s->a, "{\"Token\":\"%.*s\",\"Username\":\"%s\",\"Password\":\"" PASSWORD "\"}", STR_ARG(token), name).p);
    setup_create(&k->call);
    int status = k->call.status;
    scene_give(s, k);
    return status;
}

TEST(the_set_up_link_is_told_once_and_used_once)
{
    struct scene s;
    str token, again;
    bool is_needed = false;
    scene_begin(&s);
    CHECK_INT("before one is offered there is none", set_up(&s, STR("RXI-x"), "ann"), 403);
    CHECK_OK("it is offered", setup_offer(s.web.opt.store, s.web.opt.keyring, &random_system, &s.a, &token, &s.e) && token.n, &s.e);
    CHECK_OK("asked again", setup_offer(s.web.opt.store, s.web.opt.keyring, &random_system, &s.a, &again, &s.e), &s.e);
    CHECK_INT("it is not told again", again.n, 0);
    CHECK_INT("a wrong one is refused", set_up(&s, str_sub(token, 0, token.n - 1), "ann"), 403);
    CHECK_INT("a name that is the audit's own is refused", set_up(&s, token, "server"), 400);
    CHECK_INT("it makes the first administrator", set_up(&s, token, "ann"), 201);
    CHECK_OK("who is there", setup_is_needed(s.web.opt.store, &s.a, &is_needed, &s.e) && !is_needed, &s.e);
    CHECK_INT("a second use is refused", set_up(&s, token, "eve"), 403);
    struct store_object *eve;
    CHECK_OK("and made nobody", store_find(s.web.opt.store, KIND_USER, 0, STR("eve"), &s.a, &eve, &s.e) && !eve, &s.e);
    scene_end(&s);
}

TEST(names_that_can_be_told_from_others)
{
    static const struct { const char *name; bool fits; } rows[] = {
        { "ann", true }, { "Ann.B-c_d@example.com+1", true }, { "ann-2", true }, { "projects", true },
        { "a b", false }, { "ann/b", false }, { "octopus/ann", false }, { "an\nn", false }, { "\xc3\xa4nn", false }, { "Users-7", false }, { "users-7", false },
        { "admin.key", false }, { "ADMIN.KEY", false }, { "server", false }, { "system", false }, { "anonymous", false }, { "engine", false }, { "hooks", false }, { "sender", false },
        { "Projects-21", false }, { "projects-core-web", false },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
    };
    struct arena a = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct decode_errors errors = { .arena = &a };
        struct decode d = { .errors = &errors };
        user_check_name(&d, "Username", str_from(rows[i].name));
        CHECK_INT(rows[i].name, errors.count == 0, rows[i].fits);
    }
    arena_fini(&a);
}

TEST(a_new_password_ends_the_other_sessions)
{
    struct scene s;
    struct store_objects found;
    scene_begin(&s);
    put_user(&s, 1, "ann", PASSWORD, "");
    struct scene_call *here = sign_in(&s, "{\"Username\":\"ann\",\"Password\":\"" PASSWORD "\"}"), *there = sign_in(&s, "{\"Username\":\"ann\",\"Password\":\"" PASSWORD "\"}");
    struct scene_call *k = scene_call(&s, "POST", "/api/session/password", "{\"Password\":\"wrong horse battery\",\"NewPassword\":\"another horse battery\"}");
    k->call.caller = here->call.caller;
    session_password(&k->call);
    CHECK_INT("with a wrong present one nothing changes", k->call.status, 403);
    scene_give(&s, k);
    k = scene_call(&s, "POST", "/api/session/password", "{\"Password\":\"" PASSWORD "\",\"NewPassword\":\"short\"}");
    k->call.caller = here->call.caller;
    session_password(&k->call);
    CHECK_INT("nor with one that is too short", k->call.status, 400);
    scene_give(&s, k);
    k = scene_call(&s, "POST", "/api/session/password", "{\"Password\":\"" PASSWORD "\",\"NewPassword\":\"another horse battery\"}");
    k->call.caller = here->call.caller;
    session_password(&k->call);
    CHECK_INT("it is changed", k->call.status, 204);
    scene_give(&s, k);
    REQUIRE("sessions", store_list(s.web.opt.store, KIND_SESSION, 0, 0, (struct store_page){ .take = 10 }, &s.a, &found, &s.e));
    CHECK("this one stays, the other has gone", found.count == 1 && found.items[0].id == here->call.caller.session_id);
    scene_give(&s, here);
    scene_give(&s, there);
    k = sign_in(&s, "{\"Username\":\"ann\",\"Password\":\"" PASSWORD "\"}");
    CHECK_INT("the old one opens nothing", k->call.status, 401);
    scene_give(&s, k);
    k = sign_in(&s, "{\"Username\":\"ann\",\"Password\":\"another horse battery\"}");
    CHECK_INT("the new one does", k->call.status, 201);
    scene_give(&s, k);
    scene_end(&s);
}

TEST_MAIN()
