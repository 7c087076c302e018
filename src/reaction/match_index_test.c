#include "tests/harness/check.h"

#include "reaction/match.h"
#include "reaction/match_index.h"
#include "sys/random.h"

#define REACTIONS 400
#define EVENTS 600

// A small Octopus: five of each, each with a name, a slug, a group, tags, roles. Environments-4 may not be seen.
static enum directory_state document(void *ctx, str id, const struct json **doc, bool *is_failing UNUSED)
{
    struct arena *a = ctx;
    ptrdiff_t dash = str_find_last_char(id, '-');
    int64_t n;
    *doc = NULL;
    if (dash < 0 || !str_to_i64(str_skip(id, (size_t)dash + 1), &n) || n > 5)
        return DIRECTORY_GONE;
    if (str_eq(id, STR("Environments-4")))
        return DIRECTORY_REFUSED;
    str type = str_sub(id, 0, (size_t)dash);
    struct json *j = json_new_object(a), *list;
    json_add_str(a, j, "Id", arena_str(a, id));
    json_add_str(a, j, "Name", arena_printf(a, "%.*s number %d", STR_ARG(type), (int)n));
    json_add_str(a, j, "Slug", arena_printf(a, "%.*s-number-%d", STR_ARG(type), (int)n));
    json_add_str(a, j, "ProjectGroupId", arena_printf(a, "ProjectGroups-%d", (int)(n % 3)));
    json_add_str(a, j, "Version", arena_printf(a, "%d.0", (int)n));
    list = json_add(j, STR("TenantTags"), json_new_array(a));
    json_push(list, json_new_string(a, arena_printf(a, "Ring/%d", (int)(n % 2))));
    list = json_add(j, STR("Roles"), json_new_array(a));
    json_push(list, json_new_string(a, n % 2 ? STR("web") : STR("db")));
    json_push(list, json_new_string(a, STR("all")));
    json_add_str(a, json_add(j, STR("Endpoint"), json_new_object(a)), "CommunicationStyle", n % 2 ? STR("Ssh") : STR("TentaclePassive"));
    *doc = j;
    return DIRECTORY_HAS;
}

struct world {
    struct random_seeded random;
    struct arena arena;
};

static int64_t below(struct world *w, int64_t n)
{
    return (int64_t)random_below(&w->random.random, (uint64_t)n);
}

// "Projects-2", "projects number 2" or "Projects-number-2".
static str one_of(struct world *w, const char *type)
{
    int n = (int)below(w, 6);
    switch (below(w, 3)) {
    case 0: return arena_printf(&w->arena, "%s-%d", type, n);
    case 1: return arena_printf(&w->arena, "%s NUMBER %d", type, n);
    default: return arena_printf(&w->arena, "%s-number-%d", type, n);
    }
}

static struct str_list some(struct world *w, const char *type, int one_in)
{
    struct str_list list = { 0 };
    if (below(w, one_in))
        return list;
    list.items = ARENA_ARRAY(&w->arena, str, 3);
    for (int64_t i = 0, n = 1 + below(w, 3); i < n; i++)
        list.items[list.count++] = one_of(w, type);
    return list;
}

static struct str_list texts(struct world *w, const char *const *from, int count, int one_in)
{
    struct str_list list = { 0 };
    if (below(w, one_in))
        return list;
    list.items = ARENA_ARRAY(&w->arena, str, 1);
    list.items[list.count++] = str_from(from[below(w, count)]);
    return list;
}

static void make_reaction(struct world *w, struct reaction_entry *r, int number)
{
    static const char *const names[] = { "DeploymentStarted", "deploymentfailed", "ReleaseCreated", "MachineRegistered", "TentacleRegistered", "DeploymentProcessUpdated", "Modified", "Modified:Projects", "Group:Deployment", "modified:deploymentprocess-" };
    static const char *const tags[] = { "Ring/0", "ring/1", "Ring/2" }, *const roles[] = { "WEB", "db", "none" }, *const users[] = { "alice", "Users-2", "bob" };
    static const char *const conditions[] = { "#{if Octopus.Release.Number == \"2.0\"}true#{/if}", "#{if Octopus.Project.Name == \"Projects number 1\"}True#{/if}", "#{Octopus.Event.Category}", "#{if Nope == \"x\"}true#{/if}", "no", "#{Octopus.Release.Number | Substring 99 100}" };
    struct reaction *def = ARENA_NEW(&w->arena, struct reaction);
    struct template_error bad;
    struct template *condition;
    def->events.items = ARENA_ARRAY(&w->arena, str, 2);
    def->events.count = 1 + (size_t)below(w, 2);
    for (size_t i = 0; i < def->events.count; i++)
        def->events.items[i] = str_from(names[below(w, COUNT(names))]);
    def->filters[FILTER_PROJECTS] = some(w, "Projects", 2);
    def->filters[FILTER_ENVIRONMENTS] = some(w, "Environments", 3);
    def->filters[FILTER_TENANTS] = some(w, "Tenants", 8);
    def->filters[FILTER_CHANNELS] = some(w, "Channels", 12);
    def->filters[FILTER_MACHINES] = some(w, "Machines", 12);
    def->filters[FILTER_PROJECT_GROUPS] = some(w, "ProjectGroups", 8);
    def->filters[FILTER_TENANT_TAGS] = texts(w, tags, COUNT(tags), 8);
    def->filters[FILTER_ROLES] = texts(w, roles, COUNT(roles), 12);
    def->filters[FILTER_USERS] = texts(w, users, COUNT(users), 8);
    if (!below(w, 3))
        def->condition = str_from(conditions[below(w, COUNT(conditions))]);
    *r = (struct reaction_entry){ .id = number, .space_id = 1 + below(w, 2), .is_enabled = below(w, 10) != 0, .def = def };
    if (def->condition.p && template_parse(&w->arena, def->condition, &condition, &bad))
        r->condition = condition;
    if (!below(w, 6) && def->filters[FILTER_PROJECTS].count) {
        struct reaction_ids *ids = ARENA_NEW(&w->arena, struct reaction_ids);
        str *id = ARENA_NEW(&w->arena, str);
        *id = arena_printf(&w->arena, "Projects-%d", (int)below(w, 6));
        ids->filters[FILTER_PROJECTS] = (struct str_list){ id, 1 };
        r->ids = ids;
    }
}

static str make_event(struct world *w, struct arena *a, str *category)
{
    static const struct { const char *category, *subject; } kinds[] = {
        { "DeploymentStarted", "Deployments" }, { "DeploymentFailed", "Deployments" }, { "Created", "Releases" }, { "Created", "Channels" }, { "MachineAdded", "Machines" },
        { "Modified", "deploymentprocess-Projects" }, { "Modified", "Projects" }, { "Modified", "ProjectGroups" }, { "LoginFailed", "Users" },
    };
    static const char *const others[] = { "Projects", "Environments", "Tenants", "Channels", "Machines", "Releases" };
    size_t k = (size_t)below(w, COUNT(kinds));
    CLEANUP(buf_fini) struct buf ids = { 0 };
    *category = str_from(kinds[k].category);
    buf_printf(&ids, "\"%s-%d\"", kinds[k].subject, (int)below(w, 6));
    for (size_t i = 0; i < COUNT(others); i++)
        for (int64_t n = below(w, 3); n > 0; n--)
            buf_printf(&ids, ",\"%s-%d\"", others[i], (int)below(w, 7));
    return arena_printf(a, "{\"Id\":\"Events-1\",\"Category\":\"%s\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"RelatedDocumentIds\":[%.*s],\"UserId\":\"Users-%d\",\"Username\":\"%s\"}", kinds[k].category, STR_ARG(buf_str(&ids)), (int)below(w, 3), below(w, 2) ? "Alice" : "carol");
}

TEST(what_could_match_is_found)
{
    struct world w = { 0 };
    struct reaction_entry *reactions = xcalloc(REACTIONS, sizeof *reactions);
    int missed = 0, matched = 0, errors = 0, asked = 0, offered_sum = 0;
    random_seed(&w.random, 20261122);
    for (int i = 0; i < REACTIONS; i++)
        make_reaction(&w, &reactions[i], i + 1);
    struct snapshot s = { .reactions = reactions, .reaction_count = REACTIONS, .index = match_index_new(reactions, REACTIONS) };
    for (int i = 0; i < EVENTS; i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct err e = { 0 };
        struct json *payload;
        str category, text = make_event(&w, &a, &category);
        CHECK_OK("the event", json_parse(&a, text, &payload, &e), &e);
        struct data_source data = { .snapshot = &s, .clock = &clock_system, .document = document, .document_ctx = &a };
        struct store_event v = { .source = EVENT_INTERNAL, .space_id = 1 + below(&w, 2), .type = category };
        const struct reaction_entry **found, **all;
        size_t offered, count = match_candidates(match_new(&data, &v, payload, &a), &found, &offered), all_count;
        struct match *m = match_new(&data, &v, payload, &a);
        all_count = match_offered(m, &all);
        CHECK_INT("as many are offered it", all_count, offered);
        asked += (int)count;
        offered_sum += (int)offered;
        for (int k = 0; k < REACTIONS; k++) {
            struct match_result result;
            bool is_found = false, is_offered = false;
            if (reactions[k].space_id != v.space_id)
                continue;
            match_reaction(m, &reactions[k], &result);
            for (size_t f = 0; f < count; f++)
                is_found = is_found || found[f] == &reactions[k];
            for (size_t f = 0; f < all_count; f++)
                is_offered = is_offered || all[f] == &reactions[k];
            matched += result.verdict == VERDICT_MATCHED;
            errors += result.verdict == VERDICT_ERROR;
            missed += (result.verdict == VERDICT_MATCHED || result.verdict == VERDICT_ERROR) && (!is_found || !is_offered);
        }
    }
    CHECK_INT("none that matches or is in error is missed", missed, 0);
    CHECK("many matched", matched > 500);
    CHECK("some were in error", errors > 20);
    CHECK("few were asked in vain", asked < offered_sum / 2);
    match_index_free(s.index);
    free(reactions);
    arena_fini(&w.arena);
}

TEST(conditions_of_one_comparison_are_seen)
{
    static const struct { const char *claim, *condition, *name, *text; } rows[] = {
        { "as the contract writes it", "#{if Octopus.Release.Number == \"1.0\"}true#{/if}", "Octopus.Release.Number", "1.0" },
        { "with blanks around", "  #{if  Octopus.Project.Name  ==  \"Web Shop\" } True #{/if}\n", "Octopus.Project.Name", "Web Shop" },
        { "another comparison", "#{if Octopus.Release.Number != \"1.0\"}true#{/if}", "", "" },
        { "an else", "#{if Octopus.Release.Number == \"1.0\"}true#{else}1#{/if}", "", "" },
        { "a false", "#{if Octopus.Release.Number == \"1.0\"}false#{/if}", "", "" },
        { "a filter", "#{if Octopus.Release.Number | ToLower == \"1.0\"}true#{/if}", "", "" },
        { "an empty text, which what is undefined equals", "#{if Octopus.Release.Number == \"\"}true#{/if}", "", "" },
        { "a symbol", "#{if Octopus.Release.Number == Octopus.Release.Previous.Number}true#{/if}", "", "" },
        { "somebody else's variable", "#{if Mine == \"1\"}true#{/if}", "", "" },
        { "an index", "#{if Octopus.Action[x] == \"1\"}true#{/if}", "", "" },
        { "an escaped quote", "#{if Octopus.A == \"a\\\"b\"}true#{/if}", "", "" },
        { "more behind it", "#{if Octopus.A == \"a\"}true#{/if}x", "", "" },
        { "text", "true", "", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        str name = STR(""), text = STR("");
        bool is_one = match_index_condition(str_from(rows[i].condition), &name, &text);
        CHECK_INT(rows[i].claim, is_one, rows[i].name[0] != 0);
        if (is_one) {
            CHECK_STR(rows[i].claim, name, str_from(rows[i].name));
            CHECK_STR(rows[i].claim, text, str_from(rows[i].text));
        }
    }
}

TEST(lists_without_end_stay_bounded)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    enum { MANY = 300 };
    str event = STR("DeploymentStarted");
    struct reaction def = { .trigger_type = TRIGGER_INTERNAL, .events = { &event, 1 } };
    struct reaction_entry entry = { .id = 1, .space_id = 1, .is_enabled = true, .def = &def };
    static const struct { enum filter_list list; const char *type; } lists[] = { { FILTER_PROJECTS, "Projects" }, { FILTER_ENVIRONMENTS, "Environments" }, { FILTER_TENANTS, "Tenants" } };
    for (size_t i = 0; i < COUNT(lists); i++) {
        def.filters[lists[i].list].items = ARENA_ARRAY(&a, str, MANY);
        def.filters[lists[i].list].count = MANY;
        for (int k = 0; k < MANY; k++)
            def.filters[lists[i].list].items[k] = arena_printf(&a, "%s-%d", lists[i].type, k);
    }
    struct match_index *x = match_index_new(&entry, 1);
    CHECK("27 million combinations are not posted", match_index_bytes(x) < 100000);
    match_index_free(x);
}

TEST_MAIN()
