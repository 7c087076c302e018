// bench/match - what it costs to find the reactions that an Octopus event concerns, at 1, 10, 1 000 and 1 000 000 reactions.
//
// Reactions come in tens that one event matches: for a deployment 4 with project and environment, 2 with a project group, 2 with a tenant tag
// and 2 with a user; for a registration 10 with a role; for a change 10 with Modified:Projects and a project. By name and by id in turn. Each size has
// 1 000 more that have only a condition: compared with a text, or (the second table) of a form that must be rendered for each.
//
// Timed is what the engine does with an event up to its verdicts: payload parsed, candidates found, each judged in full, its reasons written.
#include "base/map.h"
#include "reaction/match.h"
#include "reaction/match_index.h"
#include "reaction/reaction_keep.h"
#include "sys/clock.h"
#include "sys/random.h"

#include <stdio.h>
#include <unistd.h>

#define CONDITIONS 1000
#define EVENTS 256 // different ones, gone through again and again
#define ROUNDS 5
#define ROUND_US 400000

enum unit { UNIT_DEPLOYMENT, UNIT_MACHINE, UNIT_CHANGE };

static enum unit unit_of(int64_t u)
{
    return u % 5 == 3 ? UNIT_MACHINE : u % 5 == 4 ? UNIT_CHANGE : UNIT_DEPLOYMENT;
}

static str value(struct arena *a, const char *type, const char *name, int64_t n, bool by_id)
{
    return by_id ? arena_printf(a, "\"%s-%" PRId64 "\"", type, n) : arena_printf(a, "\"%s %" PRId64 "\"", name, n);
}

static str definition(struct arena *a, int64_t number)
{
    int64_t u = number / 10;
    int place = (int)(number % 10);
    bool by_id = place % 2;
    str events = STR("\"DeploymentSucceeded\""), filter = STR("");
    switch (unit_of(u)) {
    case UNIT_DEPLOYMENT:
        if (place < 4)
            filter = arena_printf(a, "\"Projects\":[%.*s],\"Environments\":[%.*s]", STR_ARG(value(a, "Projects", "Project", u, by_id)), STR_ARG(value(a, "Environments", "Environment", u % 7, by_id)));
        else if (place < 6)
            filter = arena_printf(a, "\"ProjectGroups\":[%.*s]", STR_ARG(value(a, "ProjectGroups", "Group", u, by_id)));
        else if (place < 8)
            filter = arena_printf(a, "\"TenantTags\":[\"Ring/%" PRId64 "\"]", u);
        else
            filter = arena_printf(a, "\"Users\":[%.*s]", STR_ARG(value(a, "Users", "User", u, by_id)));
        break;
    case UNIT_MACHINE:
        events = STR("\"MachineRegistered\"");
        filter = arena_printf(a, "\"Roles\":[\"role-%" PRId64 "\"]", u);
        break;
    case UNIT_CHANGE:
        events = STR("\"Modified:Projects\"");
        filter = arena_printf(a, "\"Projects\":[%.*s]", STR_ARG(value(a, "Projects", "Project", u, by_id)));
        break;
    }
    return arena_printf(a, "{\"Number\":1,\"Hash\":\"%064" PRId64 "\",\"Definition\":{\"Name\":\"Reaction %" PRId64 "\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[%.*s]},\"Filter\":{%.*s},"
                           "\"Action\":{\"Type\":\"Http\",\"Method\":\"POST\",\"Uri\":\"https://api.example.com/deployments\",\"Headers\":[{\"Name\":\"Api-Key\",\"Value\":\"#{Key}\"}],\"Body\":\"{\\\"version\\\":\\\"#{Octopus.Release.Number | JsonEscape}\\\"}\"}}}",
        number, number, STR_ARG(events), STR_ARG(filter));
}

static str condition_definition(struct arena *a, int number, bool is_plain)
{
    str condition = is_plain ? arena_printf(a, "#{if Octopus.Release.Number == \\\"9.9.%d\\\"}true#{/if}", number) : arena_printf(a, "#{if Octopus.Release.Number | VersionPatch == \\\"%d\\\"}true#{/if}", number);
    return arena_printf(a, "{\"Number\":1,\"Hash\":\"0\",\"Definition\":{\"Name\":\"Condition %d\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentSucceeded\",\"MachineRegistered\",\"Modified:Projects\"]},"
                           "\"Filter\":{\"Condition\":\"%.*s\"},\"Action\":{\"Type\":\"PowerShell\",\"Script\":\"1\"}}}", number, STR_ARG(condition));
}

// As the registry loads a revision.
static void load(struct snapshot *s, str text)
{
    CLEANUP(arena_fini) struct arena tree = { 0 };
    struct decode_errors errors = { .arena = &s->arena };
    struct template *condition;
    struct template_error bad;
    struct json *doc;
    text = arena_str(&s->arena, text);
    if (!json_parse(&tree, text, &doc, NULL))
        abort();
    struct reaction *def = reaction_decode(&s->arena, json_get(doc, STR("Definition")), &errors);
    if (!def)
        abort();
    reaction_keep(def, text, &s->arena);
    struct reaction_entry *r = &s->reactions[s->reaction_count++];
    *r = (struct reaction_entry){ .id = (int64_t)s->reaction_count, .space_id = 1, .revision_number = 1, .is_enabled = true, .def = def, .doc = text };
    if (def->condition.p && template_parse(&s->arena, def->condition, &condition, &bad))
        r->condition = condition;
}

static void build(struct snapshot *s, int64_t count, bool has_plain_conditions)
{
    s->reactions = ARENA_ARRAY(&s->arena, struct reaction_entry, (size_t)count + CONDITIONS);
    for (int64_t i = 0; i < count; i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        load(s, definition(&a, i));
    }
    for (int i = 0; i < CONDITIONS; i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        load(s, condition_definition(&a, i, has_plain_conditions));
    }
    s->index = match_index_new(s->reactions, s->reaction_count);
}

// ---- events and the documents they speak of ----

struct documents {
    struct arena arena;
    struct map by_id;
};

static void put(struct documents *d, const char *id_type, int64_t n, const char *fmt, ...) PRINTF_LIKE(4, 5);

static void put(struct documents *d, const char *id_type, int64_t n, const char *fmt, ...)
{
    struct json *doc;
    va_list args;
    va_start(args, fmt);
    str text = arena_vprintf(&d->arena, fmt, args);
    va_end(args);
    if (!json_parse(&d->arena, text, &doc, NULL))
        abort();
    map_put(&d->by_id, arena_printf(&d->arena, "%s-%" PRId64, id_type, n), doc);
}

static enum directory_state document(void *ctx, str id, const struct json **doc, bool *is_failing)
{
    struct documents *d = ctx;
    *is_failing = false;
    *doc = map_get(&d->by_id, id);
    return *doc ? DIRECTORY_HAS : DIRECTORY_GONE;
}

struct sent {
    str category, text;
};

static struct sent make_event(struct documents *d, int64_t u)
{
    struct arena *a = &d->arena;
    static const char form[] = "{\"Id\":\"Events-%d\",\"RelatedDocumentIds\":[%.*s],\"Category\":\"%s\",\"UserId\":\"Users-%" PRId64 "\",\"Username\":\"User %" PRId64 "\",\"IsService\":false,\"IdentityEstablishedWith\":\"\","
                               "\"UserAgent\":\"Server\",\"Occurred\":\"2026-03-02T09:14:31.650+00:00\",\"Message\":\"Deploy to Development succeeded\",\"MessageReferences\":[],\"Comments\":null,\"Details\":null,\"SpaceId\":\"Spaces-1\"}";
    int n = (int)u;
    put(d, "Projects", u, "{\"Id\":\"Projects-%d\",\"Name\":\"Project %d\",\"Slug\":\"project-%d\",\"ProjectGroupId\":\"ProjectGroups-%d\"}", n, n, n, n);
    put(d, "ProjectGroups", u, "{\"Id\":\"ProjectGroups-%d\",\"Name\":\"Group %d\"}", n, n);
    put(d, "Environments", u % 7, "{\"Id\":\"Environments-%d\",\"Name\":\"Environment %d\"}", n % 7, n % 7);
    put(d, "Tenants", u, "{\"Id\":\"Tenants-%d\",\"Name\":\"Tenant %d\",\"TenantTags\":[\"Ring/%d\"]}", n, n, n);
    put(d, "Machines", u, "{\"Id\":\"Machines-%d\",\"Name\":\"Machine %d\",\"Roles\":[\"role-%d\"]}", n, n, n);
    put(d, "Releases", u, "{\"Id\":\"Releases-%d\",\"Version\":\"1.0.5000\"}", n);
    switch (unit_of(u)) {
    case UNIT_MACHINE: {
        str ids = arena_printf(a, "\"Machines-%d\",\"Environments-%d\"", n, n % 7);
        return (struct sent){ STR("MachineAdded"), arena_printf(a, form, n, STR_ARG(ids), "MachineAdded", u, u) };
    }
    case UNIT_CHANGE: {
        str ids = arena_printf(a, "\"Projects-%d\"", n);
        return (struct sent){ STR("Modified"), arena_printf(a, form, n, STR_ARG(ids), "Modified", u, u) };
    }
    case UNIT_DEPLOYMENT: break;
    }
    str ids = arena_printf(a, "\"Deployments-%d\",\"Projects-%d\",\"Releases-%d\",\"Environments-%d\",\"Tenants-%d\"", n, n, n, n % 7, n);
    return (struct sent){ STR("DeploymentSucceeded"), arena_printf(a, form, n, STR_ARG(ids), "DeploymentSucceeded", u, u) };
}

static size_t match_one(const struct data_source *data, const struct sent *sent, struct arena *a)
{
    struct store_event v = { .space_id = 1, .source = EVENT_INTERNAL, .type = sent->category, .body = sent->text };
    struct json *payload;
    const struct reaction_entry **found;
    size_t offered, matched = 0;
    if (!json_parse(a, sent->text, &payload, NULL))
        abort();
    struct match *m = match_new(data, &v, payload, a);
    size_t count = match_candidates(m, &found, &offered);
    for (size_t i = 0; i < count; i++) {
        struct match_result result;
        match_reaction(m, found[i], &result);
        matched += result.verdict == VERDICT_MATCHED;
    }
    return matched;
}

static double resident_mb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static double measure(int64_t count, bool has_plain_conditions, double smallest_us)
{
    struct snapshot s = { 0 };
    struct documents documents = { 0 };
    struct random_seeded random;
    struct sent events[EVENTS];
    double before = resident_mb(), best = 1e30;
    size_t matched = 0, asked = 0;
    int64_t began = clock_mono_us();
    build(&s, count, has_plain_conditions);
    double build_s = (double)(clock_mono_us() - began) / 1e6, held = resident_mb() - before;
    random_seed(&random, 1);
    documents.by_id.is_nocase = true;
    // Deployments, the dearest kind, at every size.
    for (size_t i = 0; i < EVENTS; i++) {
        int64_t u;
        do
            u = (int64_t)random_below(&random.random, (uint64_t)((count + 9) / 10));
        while (unit_of(u) != UNIT_DEPLOYMENT);
        events[i] = make_event(&documents, u);
    }
    struct data_source data = { .snapshot = &s, .clock = &clock_system, .document = document, .document_ctx = &documents };
    CLEANUP(arena_fini) struct arena a = { 0 };
    for (int round = 0; round < ROUNDS; round++) {
        int64_t at = clock_mono_us(), n = 0;
        for (; clock_mono_us() - at < ROUND_US; n++) {
            arena_reset(&a);
            matched += match_one(&data, &events[n % EVENTS], &a);
        }
        asked += (size_t)n;
        best = MIN(best, (double)(clock_mono_us() - at) / (double)n);
    }
    printf("%9" PRId64 " reactions + %d conditions  %8.1f us an event  %5.1f matches  ", count, CONDITIONS, best, (double)matched / (double)asked);
    if (smallest_us > 0)
        printf("%.2f of the one with ten", best / smallest_us);
    if (count >= 1000)
        printf("  %.0f bytes a reaction, of them index %.0f (resident %.0f MB; loaded in %.1f s)", (double)(s.arena.bytes + match_index_bytes(s.index)) / (double)s.reaction_count, (double)match_index_bytes(s.index) / (double)s.reaction_count, held, build_s);
    printf("\n");
    fflush(stdout);
    match_index_free(s.index);
    arena_fini(&s.arena);
    map_fini(&documents.by_id);
    arena_fini(&documents.arena);
    return best;
}

int main(int argc, char **argv)
{
    int64_t most = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
    static const char *const tables[] = { "conditions that compare a variable with a text (#{if Octopus.Release.Number == \"9.9.1\"}true#{/if}): in the index", "conditions of another form (... | VersionPatch == ...): each is rendered" };
    for (int table = 0; table < 2; table++) {
        printf("%s\n", tables[table]);
        double ten = measure(10, table == 0, 0);
        measure(1, table == 0, ten);
        measure(1000, table == 0, ten);
        measure(most, table == 0, ten);
    }
    return 0;
}
