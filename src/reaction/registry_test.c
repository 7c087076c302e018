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

// ---- a refresh is as good as a new picture ----

#define STEPS 1000
#define REACTIONS 24
#define HELD 4

static str any_definition(struct scene *s, const struct random *r)
{
    static const char *const events[] = { "DeploymentStarted", "MachineRegistered", "Modified:Projects" };
    str filter = random_below(r, 2) ? arena_printf(&s->arena, "\"Projects\":[\"Projects-%d\",\"Name %d\"]", (int)random_below(r, 3), (int)random_below(r, 3)) : STR("");
    if (!random_below(r, 4))
        return arena_printf(&s->arena, "{\"Name\":\"x%d\",\"Trigger\":{\"Type\":\"External\",\"Name\":\"%s\"},\"Action\":{\"Type\":\"PowerShell\",\"Script\":\"1\"}}", (int)random_below(r, 100), random_below(r, 2) ? "hook" : "gone");
    return arena_printf(&s->arena, "{\"Name\":\"i%d\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"%s\"]},\"Filter\":{%.*s},\"Action\":{\"Type\":\"PowerShell\",\"Script\":\"2\"}}", (int)random_below(r, 100), events[random_below(r, 3)], STR_ARG(filter));
}

struct made {
    int64_t active, draft, resolved;
    int is_enabled, generation;
};

static void put_flags(struct scene *s, int64_t id, const struct made *m)
{
    str resolved = m->resolved ? arena_printf(&s->arena, ",\"ResolvedRevisionId\":%d,\"Resolved\":{\"Projects\":{\"Name 1\":[\"Projects-%d\"]}}", (int)m->resolved, m->generation) : STR("");
    str draft = m->draft ? arena_printf(&s->arena, ",\"DraftRevisionId\":%d", (int)m->draft) : STR("");
    str active = m->active ? arena_printf(&s->arena, ",\"ActiveRevisionId\":%d", (int)m->active) : STR("");
    put(s, KIND_REACTION, id, 0, NULL, arena_printf(&s->arena, "{\"Name\":\"r\",\"Enabled\":%s%.*s%.*s%.*s}", m->is_enabled ? "true" : "false", STR_ARG(active), STR_ARG(draft), STR_ARG(resolved)));
}

static int64_t put_revision(struct scene *s, int64_t id, int64_t *last, const struct random *r)
{
    str text = any_definition(s, r);
    ++*last;
    put(s, KIND_REVISION, *last, id, NULL, arena_printf(&s->arena, "{\"Number\":%d,\"Hash\":\"h%d\",\"Resolved\":{\"Projects\":{\"Name 1\":[\"Projects-7\"]}},\"Definition\":%.*s}", (int)*last, (int)*last, STR_ARG(text)));
    return *last;
}

static void change_one(struct scene *s, struct made *all, int64_t *last, const struct random *r)
{
    int64_t id = 1 + (int64_t)random_below(r, REACTIONS);
    struct made *m = &all[id];
    switch (random_below(r, 6)) {
    case 0: // another revision comes into force
        m->active = put_revision(s, id, last, r);
        m->draft = 0;
        break;
    case 1: m->draft = put_revision(s, id, last, r); break;
    case 2: // the draft is approved
        m->active = m->draft ? m->draft : m->active;
        m->draft = 0;
        break;
    case 3: m->is_enabled = !m->is_enabled; break;
    case 4: // its names are looked up again
        m->resolved = m->active;
        m->generation++;
        break;
    default: // it goes, if it is there
        if (m->active || m->draft) {
            struct store_put gone = { .object = { .kind = KIND_REACTION, .id = id, .space_id = 1 }, .expected_version = STORE_ANY_VERSION, .is_delete = true };
            CHECK_OK("it is deleted", store_change(s->store, &gone, 1, NULL, 0, &s->e), &s->e);
        }
        *m = (struct made){ .is_enabled = 1 };
        return;
    }
    if (m->active || m->draft)
        put_flags(s, id, m);
}

static bool same_entry(const struct reaction_entry *a, const struct reaction_entry *b)
{
    bool same = a->id == b->id && a->is_enabled == b->is_enabled && a->revision_id == b->revision_id && a->revision_number == b->revision_number && str_eq(a->revision_hash, b->revision_hash)
             && str_eq(a->doc, b->doc) && str_eq(a->def->name, b->def->name) && !a->ids == !b->ids && !a->trigger == !b->trigger;
    for (size_t i = 0; same && a->ids && i < a->ids->filters[FILTER_PROJECTS].count; i++)
        same = str_eq(a->ids->filters[FILTER_PROJECTS].items[i], b->ids->filters[FILTER_PROJECTS].items[i]);
    return same;
}

// Which of them an event could concern, by their ids.
static str concerned(struct scene *s, const struct snapshot *snapshot, const char *category, int project)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    struct json *payload;
    struct data_source data = { .snapshot = snapshot, .clock = &clock_system };
    struct store_event v = { .source = EVENT_INTERNAL, .space_id = 1, .type = str_from(category) };
    const struct reaction_entry **found;
    size_t offered;
    str text = arena_printf(&s->arena, "{\"Id\":\"Events-1\",\"Category\":\"%s\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"RelatedDocumentIds\":[\"Projects-%d\"]}", category, project);
    CHECK_OK("the event", json_parse(&s->arena, text, &payload, &s->e), &s->e);
    size_t count = match_candidates(match_new(&data, &v, payload, &s->arena), &found, &offered);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%d ", (int)found[i]->id);
    buf_printf(&out, "of %zu", offered);
    return arena_str(&s->arena, buf_str(&out));
}

static int differences(struct scene *s, const struct snapshot *a, const struct snapshot *b)
{
    static const char *const categories[] = { "DeploymentStarted", "MachineAdded", "Modified" };
    int count = a->reaction_count != b->reaction_count || a->drafts.count != b->drafts.count;
    for (size_t i = 0; !count && i < a->reaction_count; i++)
        count += !same_entry(&a->reactions[i], &b->reactions[i]);
    for (int64_t id = 1; !count && id <= REACTIONS; id++) {
        const struct reaction_entry *x = snapshot_draft(a, id), *y = snapshot_draft(b, id);
        count += !x != !y || (x && !same_entry(x, y));
    }
    for (size_t i = 0; !count && i < a->trigger_count; i++)
        count += a->triggers[i].reaction_count != b->triggers[i].reaction_count;
    for (size_t i = 0; !count && i < COUNT(categories); i++)
        for (int project = 0; project < 8; project += 3)
            count += !str_eq(concerned(s, a, categories[i], project), concerned(s, b, categories[i], project));
    return count;
}

TEST(a_refresh_is_as_good_as_a_new_picture)
{
    struct scene s;
    struct registry *anew;
    struct random_seeded random;
    struct made all[REACTIONS + 1] = { { 0 } };
    const struct snapshot *held[HELD] = { NULL };
    int64_t last = 100;
    int wrong = 0, seen = 0, problems = 0;
    begin(&s);
    random_seed(&random, 20261123);
    put(&s, KIND_TRIGGER, 1, 0, "hook", STR("{\"Name\":\"hook\",\"Slug\":\"hook\",\"Route\":\"hook\"}"));
    struct registry_options opt = { .store = s.store, .keyring = s.keyring };
    CHECK_OK("another one, which reads all each time", registry_open(&opt, &anew, &s.e), &s.e);
    for (int i = 1; i <= REACTIONS; i++)
        all[i].is_enabled = 1;
    for (int step = 0; step < STEPS; step++) {
        change_one(&s, all, &last, &random.random);
        CHECK_OK("it is refreshed", registry_refresh(s.registry, &s.e), &s.e);
        CHECK_OK("the other is made anew", registry_reload(anew, &s.e), &s.e);
        // Some hold on to what was: their definitions stay readable.
        const struct snapshot *now = registry_take(s.registry), *other = registry_take(anew), **keep = &held[random_below(&random.random, HELD)];
        wrong += differences(&s, now, other);
        seen += (int)now->reaction_count;
        problems += (int)now->problem_count;
        if (*keep)
            wrong += (*keep)->reaction_count && differences(&s, *keep, *keep);
        registry_give(s.registry, *keep);
        *keep = now;
        registry_give(anew, other);
        arena_reset(&s.arena);
    }
    CHECK_INT("after each of a thousand changes they are the same", wrong, 0);
    CHECK_INT("all could be read", problems, 0);
    CHECK("there were some", seen > STEPS * 5);
    for (int i = 0; i < HELD; i++)
        registry_give(s.registry, held[i]);
    registry_close(anew);
    end(&s);
}

TEST(what_did_not_change_is_not_read_again)
{
    struct scene s;
    begin(&s);
    put_reaction(&s, 1, definition, "{}");
    put_reaction(&s, 2, definition, "{}");
    reload(&s);
    const struct snapshot *before = registry_take(s.registry);
    put(&s, KIND_SETTING, 1, 0, NULL, STR("{\"Paused\":true}"));
    CHECK_OK("a setting is changed", registry_refresh(s.registry, &s.e), &s.e);
    const struct snapshot *after = registry_take(s.registry);
    CHECK("the setting is seen", after->is_paused);
    CHECK("the definitions are the same", snapshot_reaction(after, 1)->def == snapshot_reaction(before, 1)->def);
    CHECK("and their index", after->index == before->index);
    registry_give(s.registry, before);
    put(&s, KIND_REVISION, 300, 1, NULL, arena_printf(&s.arena, "{\"Number\":4,\"Hash\":\"abd\",\"Definition\":%s}", definition));
    put(&s, KIND_REACTION, 1, 0, NULL, STR("{\"Name\":\"r\",\"Enabled\":true,\"ActiveRevisionId\":300}"));
    CHECK_OK("one has another revision", registry_refresh(s.registry, &s.e), &s.e);
    const struct snapshot *then = registry_take(s.registry);
    CHECK_INT("which is read", snapshot_reaction(then, 1)->revision_number, 4);
    CHECK("the other's is not", snapshot_reaction(then, 2)->def == snapshot_reaction(after, 2)->def);
    registry_give(s.registry, after);
    reload(&s);
    const struct snapshot *all = registry_take(s.registry);
    CHECK("a reload reads all", snapshot_reaction(all, 2)->def != snapshot_reaction(then, 2)->def);
    registry_give(s.registry, then);
    registry_give(s.registry, all);
    end(&s);
}

TEST_MAIN()
