#include "tests/harness/check.h"

#include "base/encode.h"
#include "reaction/match.h"
#include "reaction/registry.h"
#include "secret/token.h"

struct scene {
    struct arena arena;
    struct store *store;
    struct keyring *keyring;
    struct registry *registry;
    struct err e;
};

static void put(struct scene *s, enum store_kind kind, int64_t id, int64_t parent, const char *slug, str doc)
{
    struct store_put one = { .object = { .kind = kind, .id = id, .space_id = kind == KIND_SPACE ? 0 : 1, .parent_id = parent, .slug = str_from(slug), .doc = doc }, .expected_version = STORE_ANY_VERSION };
    CHECK_OK("it is stored", store_change(s->store, &one, 1, NULL, 0, &s->e), &s->e);
}

static void begin(struct scene *s)
{
    unsigned char key[KEYRING_KEY_BYTES] = { 3 };
    struct store_options opt = { .clock = &clock_system };
    *s = (struct scene){ .keyring = keyring_from_bytes(key, &random_system) };
    CHECK_OK("a store in memory", store_open(&opt, &s->store, &s->e), &s->e);
    struct registry_options ropt = { .store = s->store, .keyring = s->keyring };
    CHECK_OK("an empty picture", registry_open(&ropt, &s->registry, &s->e), &s->e);
}

static void end(struct scene *s)
{
    registry_close(s->registry);
    store_close(s->store);
    keyring_close(s->keyring);
    arena_fini(&s->arena);
}

static void reload(struct scene *s)
{
    CHECK_OK("the picture is made anew", registry_reload(s->registry, &s->e), &s->e);
}

// As the API stores them: flags, and a revision with the definition.
static void put_reaction(struct scene *s, int64_t id, const char *definition, const char *resolved)
{
    put(s, KIND_REVISION, 100 + id, id, NULL, arena_printf(&s->arena, "{\"Number\":3,\"Hash\":\"abc\",\"Resolved\":%s,\"Definition\":%s}", resolved, definition));
    put(s, KIND_REACTION, id, 0, NULL, arena_printf(&s->arena, "{\"Name\":\"r\",\"Enabled\":true,\"ActiveRevisionId\":%d}", (int)(100 + id)));
}

static const char definition[] = "{\"Name\":\"Tell \\u00e4ll\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentStarted\"]},\"Filter\":{\"Projects\":[\"Core \\\"Web\\\"\"],\"Condition\":\"#{if A == \\\"b\\\"}true#{/if}\"},"
                                 "\"Action\":{\"Type\":\"Http\",\"Uri\":\"https://x.example.com/\\t\",\"Headers\":[{\"Name\":\"H\\u0031\",\"Value\":\"v\"}],\"Body\":\"\"},\"Variables\":[{\"Name\":\"V\\u0031\",\"Value\":\"a\\nb\"}]}";

TEST(a_definition_outlives_its_tree)
{
    struct scene s;
    begin(&s);
    put_reaction(&s, 1, definition, "{\"Projects\":{\"Core \\\"Web\\\"\":[\"Projects-2\",\"Projects-9\"]},\"Scope.Projects\":{\"x\":[\"Projects-3\"]}}");
    reload(&s);
    const struct snapshot *snapshot = registry_take(s.registry);
    const struct reaction_entry *r = snapshot_reaction(snapshot, 1);
    CHECK("it is there", r != NULL);
    CHECK_STR("texts with escapes", r->def->name, STR("Tell \xc3\xa4ll"));
    CHECK_STR("in lists", r->def->filters[FILTER_PROJECTS].items[0], STR("Core \"Web\""));
    CHECK_STR("in the action", r->def->uri, STR("https://x.example.com/\t"));
    CHECK_STR("in trees", json_str(json_get(json_at(r->def->headers, 0), STR("Name")), STR("")), STR("H1"));
    CHECK_STR("in variables", json_str(r->def->variables[0].value, STR("")), STR("a\nb"));
    CHECK("empty is not absent", r->def->body.p && !r->def->body.n);
    CHECK("its condition is parsed", r->condition != NULL);
    CHECK_INT("with its number", r->revision_number, 3);
    CHECK_INT("the ids its names stood for", r->ids->filters[FILTER_PROJECTS].count, 2);
    CHECK_STR("as they were", r->ids->filters[FILTER_PROJECTS].items[1], STR("Projects-9"));
    CHECK_STR("and of its scope", r->ids->scopes[0].items[0], STR("Projects-3"));
    CHECK_INT("it is offered its event", match_offer_count(snapshot, &(struct store_event){ .space_id = 1, .source = EVENT_INTERNAL, .type = STR("deploymentstarted") }), 1);
    CHECK_INT("and no other", match_offer_count(snapshot, &(struct store_event){ .space_id = 1, .source = EVENT_INTERNAL, .type = STR("DeploymentFailed") }), 0);
    CHECK_INT("nor in another space", match_offer_count(snapshot, &(struct store_event){ .space_id = 2, .source = EVENT_INTERNAL, .type = STR("DeploymentStarted") }), 0);
    registry_give(s.registry, snapshot);
    end(&s);
}

TEST(what_cannot_be_read_is_told_and_left_out)
{
    struct scene s;
    begin(&s);
    put_reaction(&s, 1, definition, "null");
    put_reaction(&s, 2, "{\"Name\":\"half\"}", "null");
    put(&s, KIND_REACTION, 3, 0, NULL, STR("{\"Name\":\"gone\",\"Enabled\":true,\"ActiveRevisionId\":77}"));
    put(&s, KIND_REACTION, 4, 0, NULL, STR("{\"Name\":\"a draft only\",\"Enabled\":true}"));
    reload(&s);
    const struct snapshot *snapshot = registry_take(s.registry);
    CHECK_INT("one can be used", snapshot->reaction_count, 1);
    CHECK_INT("two are told of", snapshot->problem_count, 2);
    CHECK("which", str_find(snapshot->problems[0], STR("Reactions-2")) >= 0 && str_find(snapshot->problems[1], STR("Reactions-3")) >= 0);
    CHECK("without ids there are none", !snapshot_reaction(snapshot, 1)->ids);
    registry_give(s.registry, snapshot);
    end(&s);
}

TEST(push_keys_are_read_closed_rather_than_open)
{
    struct scene s;
    begin(&s);
    struct token t = token_new(TOKEN_PUSH, s.keyring, &random_system, &s.arena);
    str hash = hex_encode(&s.arena, (str){ (const char *)t.hash, sizeof t.hash });
    const struct { const char *claim; str keys; size_t want; } rows[] = {
        { "none", STR("[]"), 0 },
        { "one", arena_printf(&s.arena, "[{\"PublicId\":\"a\",\"Hash\":\"%.*s\",\"Expires\":null}]", STR_ARG(hash)), 1 },
        { "two", arena_printf(&s.arena, "[{\"PublicId\":\"a\",\"Hash\":\"%.*s\"},{\"PublicId\":\"b\",\"Hash\":\"%.*s\",\"Expires\":\"2026-01-01T00:00:00Z\"}]", STR_ARG(hash), STR_ARG(hash)), 2 },
        { "a third is not looked at", arena_printf(&s.arena, "[{\"Hash\":\"%.*s\"},{\"Hash\":\"%.*s\"},{\"Hash\":\"%.*s\"}]", STR_ARG(hash), STR_ARG(hash), STR_ARG(hash)), 2 },
        { "an end that cannot be read closes it", arena_printf(&s.arena, "[{\"PublicId\":\"a\",\"Hash\":\"%.*s\",\"Expires\":\"soon\"}]", STR_ARG(hash)), 0 },
        { "so does half a hash", STR("[{\"PublicId\":\"a\",\"Hash\":\"00ff\"}]"), 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        put(&s, KIND_CONNECTION, 1, 0, "octopus", arena_printf(&s.arena, "{\"Name\":\"octopus\",\"Url\":\"https://o.example.com\",\"Push\":{\"Keys\":%.*s}}", STR_ARG(rows[i].keys)));
        reload(&s);
        const struct snapshot *snapshot = registry_take(s.registry);
        CHECK_INT(rows[i].claim, snapshot->connections[0].push_key_count, rows[i].want);
        registry_give(s.registry, snapshot);
    }
    end(&s);
}

TEST(an_older_picture_stays_until_it_is_let_go)
{
    struct scene s;
    begin(&s);
    put_reaction(&s, 1, definition, "null");
    reload(&s);
    const struct snapshot *old = registry_take(s.registry);
    put_reaction(&s, 2, definition, "null");
    reload(&s);
    const struct snapshot *now = registry_take(s.registry);
    CHECK_INT("the old one has one", old->reaction_count, 1);
    CHECK_INT("the new one two", now->reaction_count, 2);
    CHECK_STR("the old one can still be read", snapshot_reaction(old, 1)->def->filters[FILTER_PROJECTS].items[0], STR("Core \"Web\""));
    registry_give(s.registry, old);
    registry_give(s.registry, now);
    end(&s);
}

TEST(a_draft_stands_beside_what_is_in_force)
{
    struct scene s;
    begin(&s);
    put_reaction(&s, 1, definition, "{}");
    for (int id = 2; id < 5; id++) {
        put(&s, KIND_REVISION, 100 + id, id, NULL, id == 3 ? STR("{\"Definition\":{}}") : arena_printf(&s.arena, "{\"Number\":1,\"Hash\":\"abc\",\"Definition\":%s}", definition));
        put(&s, KIND_REACTION, id, 0, NULL, arena_printf(&s.arena, "{\"Name\":\"r\",\"Enabled\":true,\"DraftRevisionId\":%d}", 100 + id));
    }
    reload(&s);
    const struct snapshot *snapshot = registry_take(s.registry);
    CHECK_INT("one is in force", snapshot->reaction_count, 1);
    CHECK_INT("two drafts can be read", snapshot->drafts.count, 2);
    CHECK("a draft is none in force", !snapshot_reaction(snapshot, 2) && !snapshot_draft(snapshot, 1));
    CHECK_INT("it is found", snapshot_draft(snapshot, 2)->def->filters[FILTER_PROJECTS].count, 1);
    CHECK("one that cannot be read is a problem", !snapshot_draft(snapshot, 3) && snapshot->problem_count == 1);
    CHECK_INT("what is in force alone is offered events", match_offer_count(snapshot, &(struct store_event){ .space_id = 1, .source = EVENT_INTERNAL, .type = STR("DeploymentStarted") }), 1);
    registry_give(s.registry, snapshot);
    end(&s);
}

TEST_MAIN()
