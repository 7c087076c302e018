#include "tests/web/scene.h"

static bool may_try(struct scene *s, const char *account, const char *address, int *retry_after_s)
{
    struct scene_call *k = scene_call(s, "POST", "/api/session", NULL);
    k->request.remote.text = str_from(address);
    bool may = people_may_try(&k->call, str_from(account));
    CHECK_INT("who may not is told so", k->call.status, may ? 0 : 429);
    if (retry_after_s)
        *retry_after_s = k->call.retry_after_s;
    scene_give(s, k);
    return may;
}

TEST(a_name_has_ten_tries_in_a_quarter_of_an_hour)
{
    struct scene s;
    int wait_s = 0;
    scene_begin(&s);
    for (int i = 0; i < 10; i++)
        CHECK("a try, each from another network", may_try(&s, i % 2 ? "ann" : "ANN", arena_printf(&s.a, "198.51.%d.1", i).p, NULL));
    CHECK("the eleventh is one too many, in whatever letters", !may_try(&s, "Ann", "203.0.113.9", &wait_s));
    CHECK("and says when to come again", wait_s > 0 && wait_s <= 15 * 60 + 1);
    CHECK("another name is free", may_try(&s, "bert", "203.0.113.9", NULL));
    clock_fake_advance(&s.clock, 15 * 60 * 1000 - 1);
    CHECK("not a moment before", !may_try(&s, "ann", "203.0.113.10", NULL));
    clock_fake_advance(&s.clock, 1);
    CHECK("a quarter of an hour later", may_try(&s, "ann", "203.0.113.9", NULL));
    scene_end(&s);
}

TEST(a_network_has_ten_tries_and_a_success_is_none)
{
    struct scene s;
    scene_begin(&s);
    for (int i = 0; i < 40; i++) {
        struct scene_call *k = scene_call(&s, "POST", "/api/session", NULL);
        REQUIRE("a try", people_may_try(&k->call, STR("ann")));
        people_try_succeeded(&k->call, STR("ann"));
        scene_give(&s, k);
    }
    for (int i = 0; i < 10; i++)
        CHECK("each under another name", may_try(&s, arena_printf(&s.a, "u%d", i).p, arena_printf(&s.a, "192.0.2.%d", i).p, NULL));
    CHECK("the network's eleventh", !may_try(&s, "someone", "192.0.2.200", NULL));
    CHECK("another network's first", may_try(&s, "someone", "192.0.3.1", NULL));
    CHECK("what has no name counts there too", !people_may_try_from(&s.web, STR("192.0.2.55")) && people_may_try_from(&s.web, STR("192.0.4.55")));
    scene_end(&s);
}

TEST(failures_are_noted_and_a_flood_is_counted)
{
    struct scene s;
    struct store_audit_rows rows;
    int noted = 0;
    scene_begin(&s);
    clock_fake_advance(&s.clock, 1000);
    for (int i = 0; i < 75; i++)
        people_note_failure(&s.web, STR("sign-in.failed"), i ? 0 : 7, STR("192.0.2.7"), "wrong password");
    scene_audit(&s, "test");
    REQUIRE("the audit", store_audit_list(s.web.opt.store, 0, (struct store_page){ .take = 1000 }, &s.a, &rows, &s.e));
    for (size_t i = 0; i < rows.count; i++)
        noted += str_eq(rows.items[i].action, STR("sign-in.failed"));
    CHECK_INT("twenty a minute", noted, 20);
    clock_fake_advance(&s.clock, 60000);
    people_note_failure(&s.web, STR("sign-in.failed"), 0, STR("192.0.2.7"), "wrong password");
    const struct store_audit_row *row = scene_audit(&s, "sign-in.failed");
    REQUIRE("the next minute's first", row != NULL);
    CHECK("says how many were left out", str_find(row->doc, STR("\"MoreBefore\":55")) >= 0);
    CHECK_STR("of whom nobody knows", row->subject, STR("unknown"));
    clock_fake_advance(&s.clock, 60000);
    people_note_failure(&s.web, STR("sign-in.failed"), 0, STR("192.0.2.7"), "wrong password");
    row = scene_audit(&s, "sign-in.failed");
    CHECK("where none were, it says nothing", row && str_find(row->doc, STR("MoreBefore")) < 0);
    scene_end(&s);
}

// What a list of roles is stored as; empty: refused, and *why says it.
static str read_roles(struct scene *s, const char *text, str *why)
{
    struct scene_call *k = scene_call(s, "POST", "/api/users", text);
    struct decode d;
    str out = STR("");
    *why = STR("");
    if (decode_begin(&d, k->call.body, STR(""), &k->call.errors)) {
        const struct json *list = people_read_assignments(&k->call, &d, "Roles");
        decode_done(&d);
        if (!k->call.errors.count)
            out = json_text(&s->a, list);
    }
    if (k->call.errors.count)
        *why = k->call.errors.items[0];
    scene_give(s, k);
    return out;
}

TEST(roles_are_read_as_they_are_stored)
{
    static const struct { const char *claim, *sent, *stored, *why; } rows[] = {
        { "a built-in role by its name, in any case", "{\"Roles\":[{\"Role\":\"viewer\",\"Space\":\"default\"}]}", "[{\"Role\":\"Roles-viewer\",\"Space\":\"Spaces-1\",\"Projects\":[],\"Environments\":[]}]", "" },
        { "by its id, everywhere", "{\"Roles\":[{\"Role\":\"Roles-auditor\"}]}", "[{\"Role\":\"Roles-auditor\",\"Space\":null,\"Projects\":[],\"Environments\":[]}]", "" },
        { "a custom one, limited", "{\"Roles\":[{\"Role\":\"custom\",\"Space\":\"Spaces-1\",\"Projects\":[\"Projects-1\"],\"Environments\":[\"Environments-2\"]}]}",
            "[{\"Role\":\"Roles-5\",\"Space\":\"Spaces-1\",\"Projects\":[\"Projects-1\"],\"Environments\":[\"Environments-2\"]}]", "" },
        { "none", "{}", "[]", "" },
        { "a role that is none", "{\"Roles\":[{\"Role\":\"king\"}]}", "", "Roles[0].Role: there is no role \"king\"" },
        { "a role by an id that is none", "{\"Roles\":[{\"Role\":\"Roles-99\"}]}", "", "Roles[0].Role: there is no role \"Roles-99\"" },
        { "no role", "{\"Roles\":[{\"Space\":null}]}", "", "Roles[0].Role" },
        { "a space that is none", "{\"Roles\":[{\"Role\":\"Viewer\",\"Space\":\"Spaces-7\"}]}", "", "Roles[0].Space: there is no space \"Spaces-7\"" },
        { "an unknown field", "{\"Roles\":[{\"Role\":\"Viewer\",\"Tenants\":[]}]}", "", "Tenants" },
        { "an empty id", "{\"Roles\":[{\"Role\":\"Viewer\",\"Projects\":[\"\"]}]}", "", "Projects[0]" },
        { "no list", "{\"Roles\":\"Viewer\"}", "", "Roles" },
    };
    struct scene s;
    str why;
    scene_begin(&s);
    scene_put(&s, KIND_ROLE, 5, 0, 0, STR("custom"), STR("{\"Name\":\"Custom\",\"Permissions\":[\"ReactionView\"]}"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_STR(rows[i].claim, read_roles(&s, rows[i].sent, &why), str_from(rows[i].stored));
        CHECK(rows[i].claim, str_find(why, str_from(rows[i].why)) >= 0);
    }
    CLEANUP(buf_fini) struct buf many = { 0 };
    buf_add(&many, STR("{\"Roles\":[{\"Role\":\"Viewer\",\"Projects\":[\"p\""));
    for (int i = 0; i < 200; i++)
        buf_add(&many, STR(",\"p\""));
    buf_add(&many, STR("]}]}"));
    buf_add_char(&many, 0);
    read_roles(&s, many.p, &why);
    CHECK("too many projects", str_find(why, STR("there may be 200")) >= 0);
    buf_clear(&many);
    buf_add(&many, STR("{\"Roles\":[{\"Role\":\"Viewer\"}"));
    for (int i = 0; i < 100; i++)
        buf_add(&many, STR(",{\"Role\":\"Viewer\"}"));
    buf_add(&many, STR("]}"));
    buf_add_char(&many, 0);
    read_roles(&s, many.p, &why);
    CHECK("too many roles", str_find(why, STR("there may be 100")) >= 0);
    scene_end(&s);
}

TEST(all_that_hangs_on_a_user_goes_with_them)
{
    struct scene s;
    struct store_put *puts;
    size_t count;
    scene_begin(&s);
    scene_user(&s, 1, "ann", "");
    for (int i = 0; i < 3; i++)
        scene_put(&s, KIND_SESSION, 10 + i, 0, 1, arena_printf(&s.a, "s%d", i), STR("{}"));
    scene_put(&s, KIND_SESSION, 20, 0, 2, STR("other"), STR("{}"));
    scene_put(&s, KIND_API_KEY, 30, 0, 1, STR("k"), STR("{}"));
    struct scene_call *k = scene_call(&s, "DELETE", "/api/users/1", NULL);
    REQUIRE("sessions and keys", people_gather_deletes(&k->call, 1, PEOPLE_SESSIONS | PEOPLE_KEYS, 0, &puts, &count, 0));
    CHECK_INT("all of hers", count, 4);
    REQUIRE("but this session", people_gather_deletes(&k->call, 1, PEOPLE_SESSIONS, 11, &puts, &count, 1));
    CHECK_INT("the others, behind the room asked for", count, 3);
    for (size_t i = 1; i < count; i++)
        CHECK("deleted, and not this one", puts[i].is_delete && puts[i].object.id != 11 && puts[i].object.parent_id == 1);
    REQUIRE("keys only", people_gather_deletes(&k->call, 1, PEOPLE_KEYS, 0, &puts, &count, 0));
    CHECK("the key", count == 1 && puts[0].object.kind == KIND_API_KEY);
    scene_give(&s, k);
    scene_end(&s);
}

TEST_MAIN()
