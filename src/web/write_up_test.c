#include "tests/harness/check.h"

#include "web/write_up.h"

static struct json *parse(struct arena *a, const char *text)
{
    struct json *j;
    struct err e = { 0 };
    REQUIRE("a document", json_parse(a, str_from(text), &j, &e));
    return j;
}

#define BASE                                                                                                                          \
    "{\"Name\":\"a\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentFailed\"]},\"Filter\":{\"Projects\":[\"Projects-1\"],\"Condition\":\"#{x}\"},\"Scope\":{\"Projects\":[\"Projects-1\"]}," \
    "\"Action\":{\"Type\":\"PowerShell\",\"Script\":\"1\"},\"Identity\":\"deploy\",\"Variables\":[{\"Name\":\"K\",\"Secret\":\"feed\"}],\"Retry\":{\"MaxAttempts\":3}}"
#define BASE_HTTP "{\"Name\":\"a\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentFailed\"]},\"Action\":{\"Type\":\"Http\",\"Uri\":\"https://a.example/x/#{y}\",\"Body\":\"b\"}}"

// The stored form of a document that names only some fields.
static struct json *stored(struct arena *a, const char *text)
{
    struct decode_errors errors = { .arena = a };
    struct reaction *r = reaction_decode(a, parse(a, text), &errors);
    REQUIRE("a reaction", r != NULL);
    return reaction_to_json(r, a);
}

static struct json *with(struct arena *a, struct json *doc, const char *pointer_parent, const char *member, const char *value)
{
    struct json *copy = json_copy(a, doc), *parent = json_pointer(copy, str_from(pointer_parent));
    REQUIRE("a place", parent != NULL);
    json_put(parent, str_from(member), parse(a, value));
    return copy;
}

TEST(each_change_is_of_its_kind)
{
    static const struct {
        const char *claim;
        bool is_http;
        const char *parent, *member, *value;
        bool beyond_filter, action, reaches, sensitive;
    } rows[] = {
        { "a name", false, "", "Name", "\"b\"", false, false, false, false },
        { "retries", false, "/Retry", "MaxAttempts", "5", false, false, false, false },
        { "a narrower filter", false, "/Filter", "Environments", "[\"Production\"]", false, false, false, false },
        { "a wider list", false, "/Filter", "Projects", "[\"Projects-1\",\"Projects-2\"]", false, false, true, true },
        { "another element", false, "/Filter", "Projects", "[\"Projects-2\"]", false, false, true, true },
        { "an emptied list, which is everything", false, "/Filter", "Projects", "[]", false, false, true, true },
        { "another condition", false, "/Filter", "Condition", "\"#{z}\"", false, false, true, true },
        { "no condition", false, "/Filter", "Condition", "null", false, false, true, true },
        { "its own effects", false, "/Filter", "IncludeOwnEffects", "true", false, false, true, true },
        { "a first condition", true, "/Filter", "Condition", "\"#{z}\"", false, false, false, false },
        { "how many at once", false, "/Concurrency", "Max", "2", true, false, false, false },
        { "a narrower scope", true, "/Scope", "Projects", "[\"Projects-1\"]", true, false, true, false },
        { "a wider scope", false, "/Scope", "Projects", "[]", true, false, true, true },
        { "another event", false, "/Trigger", "Events", "[\"DeploymentSucceeded\"]", true, false, true, true },
        { "another identity", false, "", "Identity", "\"root\"", true, false, true, true },
        { "no identity", false, "", "Identity", "null", true, false, true, true },
        { "another secret", false, "/Variables/0", "Secret", "\"other\"", true, false, true, true },
        { "a variable more", false, "", "Variables", "[]", true, false, true, true },
        { "another script", false, "/Action", "Script", "\"2\"", true, true, true, true },
        { "a module", false, "/Action", "Modules", "[{\"Name\":\"x.dll\",\"Sha256\":\"00\"}]", true, true, true, true },
        { "a longer time", false, "/Action", "TimeoutSeconds", "60", true, true, true, false },
        { "another path at the same host", true, "/Action", "Uri", "\"https://a.example/z\"", true, true, true, false },
        { "another host", true, "/Action", "Uri", "\"https://b.example/x/#{y}\"", true, true, true, true },
        { "another port", true, "/Action", "Uri", "\"https://a.example:444/x/#{y}\"", true, true, true, true },
        { "another scheme", true, "/Action", "Uri", "\"http://a.example/x/#{y}\"", true, true, true, true },
        { "a host that is a template", true, "/Action", "Uri", "\"https://a.example#{y}/x\"", true, true, true, true },
        { "another body", true, "/Action", "Body", "\"c\"", true, true, true, false },
        { "a signature", true, "/Action", "Signing", "{\"Scheme\":\"StandardWebhooks\"}", true, true, true, true },
        { "certificates", true, "/Action/Tls", "Ca", "\"x\"", true, true, true, true },
    };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *script = stored(&a, BASE), *http = stored(&a, BASE_HTTP);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json *before = rows[i].is_http ? http : script;
        struct change_kinds k = change_kinds_between(before, with(&a, before, rows[i].parent, rows[i].member, rows[i].value), &a);
        CHECK(rows[i].claim, k.any);
        CHECK_INT(arena_printf(&a, "%s: beyond the filter", rows[i].claim).p, k.beyond_filter, rows[i].beyond_filter);
        CHECK_INT(arena_printf(&a, "%s: the action", rows[i].claim).p, k.action, rows[i].action);
        CHECK_INT(arena_printf(&a, "%s: reaches", rows[i].claim).p, k.reaches, rows[i].reaches);
        CHECK_INT(arena_printf(&a, "%s: sensitive", rows[i].claim).p, k.sensitive, rows[i].sensitive);
    }
    struct change_kinds none = change_kinds_between(script, json_copy(&a, script), &a), all = change_kinds_between(NULL, script, &a);
    CHECK("nothing is no change", !none.any && !none.reaches && !none.sensitive);
    CHECK("a new one is all of it", all.any && all.beyond_filter && all.action && all.reaches && all.sensitive);
}

// ---- who may ----

#define B(p) (1ULL << (p))
#define AUTHOR (B(REACTION_CREATE) | B(FILTER_EDIT) | B(SCRIPT_EDIT) | B(HTTP_ACTION_EDIT) | B(IDENTITY_USE) | B(SECRET_USE))

static bool may(struct arena *a, uint64_t permissions, const char *project, const char *granted, const struct json *before, const struct json *now, str *why)
{
    struct decode_errors errors = { .arena = a };
    struct reaction *r = reaction_decode(a, now, &errors);
    str project_text = str_from(project);
    struct access_grant grant = { permissions, 1, { &project_text, project_text.n ? 1 : 0 }, { 0 } };
    struct caller who = { .kind = CALLER_SESSION, .name = STR("ann"), .user_id = 3, .grants = &grant, .grant_count = 1 };
    struct json *identity = json_new_object(a);
    json_add(identity, STR("GrantedTo"), parse(a, granted));
    struct identity_entry entry = { 1, 1, 1, STR("deploy"), identity };
    struct snapshot s = { .identities = &entry, .identity_count = 1 };
    struct change_kinds k = change_kinds_between(before, now, a);
    *why = (str){ 0 };
    return write_up_may(&who, &s, r, &k, 1, 7, a, why);
}

TEST(nobody_reaches_what_they_may_not_use)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str why;
    struct json *now = stored(&a, BASE), *script = with(&a, now, "/Action", "Script", "\"2\""), *name = with(&a, now, "", "Name", "\"b\""), *narrow = with(&a, now, "/Filter", "Environments", "[\"x\"]"), *wide = with(&a, now, "/Filter", "Projects", "[]");
    CHECK("an author to whom the identity is granted", may(&a, AUTHOR, "", "[\"ann\"]", NULL, now, &why));
    CHECK("by id", may(&a, AUTHOR, "", "[\"users-3\"]", NULL, now, &why));
    CHECK("by project", may(&a, AUTHOR, "Projects-1", "[\"Projects-1\"]", NULL, now, &why));
    CHECK("not by another project", !may(&a, AUTHOR, "", "[\"Projects-2\"]", NULL, now, &why));
    CHECK("not where nobody granted it", !may(&a, AUTHOR, "", "[]", NULL, now, &why) && str_find(why, STR("GrantedTo")) >= 0);
    CHECK("but who manages identities may use them", may(&a, AUTHOR | B(IDENTITY_MANAGE), "", "[]", NULL, now, &why));
    CHECK("not without IdentityUse", !may(&a, AUTHOR & ~B(IDENTITY_USE), "", "[\"ann\"]", NULL, now, &why) && str_find(why, STR("IdentityUse")) >= 0);
    CHECK("not without SecretUse", !may(&a, AUTHOR & ~B(SECRET_USE), "", "[\"ann\"]", NULL, now, &why) && str_find(why, STR("SecretUse")) >= 0);
    CHECK("not without ScriptEdit", !may(&a, AUTHOR & ~B(SCRIPT_EDIT), "", "[\"ann\"]", NULL, now, &why) && str_find(why, STR("ScriptEdit")) >= 0);
    CHECK("not for another project", !may(&a, AUTHOR, "Projects-2", "[\"ann\"]", NULL, now, &why) && str_find(why, STR("ReactionCreate")) >= 0);
    CHECK("a new script under an identity that is not granted: no", !may(&a, AUTHOR, "", "[\"bert\"]", now, script, &why));
    CHECK("its name: yes", may(&a, AUTHOR, "", "[\"bert\"]", now, name, &why));
    CHECK("a filter editor changes the name", may(&a, B(FILTER_EDIT), "", "[]", now, name, &why));
    CHECK("and narrows the filter", may(&a, B(FILTER_EDIT), "", "[]", now, narrow, &why));
    CHECK("but does not widen what an identity acts on", !may(&a, B(FILTER_EDIT), "", "[]", now, wide, &why));
    CHECK("nor writes scripts", !may(&a, B(FILTER_EDIT), "", "[\"ann\"]", now, script, &why) && str_find(why, STR("ReactionCreate")) >= 0);
    struct json *bare = stored(&a, BASE_HTTP), *other = with(&a, bare, "/Action", "Uri", "\"https://b.example/\"");
    CHECK("an HTTP action needs its own permission", !may(&a, AUTHOR & ~B(HTTP_ACTION_EDIT), "", "[]", bare, other, &why) && str_find(why, STR("HttpActionEdit")) >= 0);
    CHECK("without identity and secrets nothing more", may(&a, B(REACTION_CREATE) | B(FILTER_EDIT) | B(HTTP_ACTION_EDIT), "", "[]", bare, other, &why));
}

TEST(a_script_is_shown_to_who_may_see_it)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct access_grant grant = { B(REACTION_VIEW), 1, { 0 }, { 0 } };
    struct caller who = { .kind = CALLER_SESSION, .grants = &grant, .grant_count = 1 };
    struct json *now = stored(&a, BASE);
    write_up_hide_script(&who, NULL, 1, now, &a);
    CHECK_STR("not to a viewer", json_text(&a, json_pointer(now, STR("/Action/Script"))), STR("{\"HasValue\":true}"));
    grant.permissions |= B(SCRIPT_VIEW);
    now = stored(&a, BASE);
    write_up_hide_script(&who, NULL, 1, now, &a);
    CHECK_STR("to one with ScriptView", json_text(&a, json_pointer(now, STR("/Action/Script"))), STR("\"1\""));
}

TEST_MAIN()
