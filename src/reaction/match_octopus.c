#include "reaction/match_octopus.h"

#include "octopus/catalog.h"

#define DEPTH_MAX 8 // of causes

struct judge {
    struct facts *facts;
    const struct reaction_entry *reaction;
    struct json *parts;
    struct arena *arena;
    bool has_failed;
    enum verdict verdict;
};

static str text_of(const struct json *doc, const char *name)
{
    return json_str(json_get(doc, str_from(name)), STR(""));
}

static struct json *add_part(struct judge *j, const char *name, bool passed, const struct str_list *wanted, struct json *got)
{
    struct arena *a = j->arena;
    struct json *p = json_push(j->parts, json_new_object(a));
    json_add_str(a, p, "Part", str_from(name));
    json_add_bool(a, p, "Passed", passed);
    struct json *list = json_add(p, STR("Wanted"), json_new_array(a));
    for (size_t i = 0; wanted && i < wanted->count; i++)
        json_push(list, json_new_string(a, wanted->items[i]));
    json_add(p, STR("Got"), got);
    return p;
}

static void fail(struct judge *j, enum verdict verdict)
{
    if (!j->has_failed)
        j->verdict = verdict;
    j->has_failed = true;
}

static bool list_has(const struct str_list *list, str text)
{
    for (size_t i = 0; list && text.n && i < list->count; i++)
        if (str_eq_nocase(list->items[i], text))
            return true;
    return false;
}

static bool is_all_ids(const struct str_list *list, str type)
{
    for (size_t i = 0; i < list->count; i++)
        if (!octopus_id_is(list->items[i], type))
            return false;
    return true;
}

// What the reader's key would have to be allowed, for people.
static const char *refusal_of(enum filter_list list)
{
    switch (list) {
    case FILTER_PROJECT_GROUPS: return "the reader key may not see the project";
    case FILTER_ROLES: return "the reader key may not see the machine: it needs MachineView";
    case FILTER_TENANT_TAGS: return "the reader key may not see the tenant: it needs TenantView";
    default: return "the reader key may not see what these names stand for: use ids, or give it the permission";
    }
}

// By what was typed, or by the id it stood for when the reaction was saved (renamed objects are followed by it).
static bool fits(const struct fact *fact, const struct str_list *wanted, const struct str_list *resolved, bool with_names)
{
    return list_has(wanted, fact->id) || list_has(resolved, fact->id) || (with_names && (list_has(wanted, fact->name) || list_has(wanted, fact->slug)));
}

static void judge_list(struct judge *j, const char *part, enum filter_list list, const struct str_list *wanted, const struct str_list *resolved, enum verdict otherwise)
{
    struct arena *a = j->arena;
    bool passed = false, was_refused = false, needs_names = !is_all_ids(wanted, facts_type(list));
    if (!wanted->count)
        return;
    const struct fact_list *facts = facts_of(j->facts, list, false);
    for (size_t i = 0; i < facts->count && !passed; i++)
        passed = fits(&facts->items[i], wanted, resolved, false);
    if (!passed && needs_names) {
        facts = facts_of(j->facts, list, true);
        for (size_t i = 0; i < facts->count && !passed; i++)
            passed = fits(&facts->items[i], wanted, resolved, true);
    }
    was_refused = !passed && facts->has_refused && (needs_names || !facts->count);
    struct json *got = json_new_array(a);
    for (size_t i = 0; i < facts->count && got->count < 100; i++) {
        const struct fact *one = &facts->items[i];
        str name = one->name.n ? one->name : octopus_event_name(&j->facts->event, one->id, a);
        json_push(got, json_new_string(a, name.n ? name : one->id));
    }
    struct json *p = add_part(j, part, passed, wanted, list == FILTER_USERS ? json_new_string(a, json_str(json_at(got, 0), STR(""))) : got);
    if (was_refused)
        json_add_str(a, p, "Error", str_from(refusal_of(list)));
    if (!passed)
        fail(j, was_refused ? VERDICT_ERROR : otherwise);
}

static void judge_events(struct judge *j)
{
    struct arena *a = j->arena;
    const struct octopus_event *event = &j->facts->event;
    const struct str_list *wanted = &j->reaction->def->events;
    bool passed = false, was_refused = false;
    str style = STR("");
    for (size_t i = 0; i < wanted->count && !passed; i++) {
        enum catalog_answer answer = catalog_wants(wanted->items[i], event);
        bool is_refused = false;
        if (answer == CATALOG_IF_TENTACLE) {
            const struct json *machine = facts_machine(j->facts, &is_refused);
            style = arena_str(a, text_of(json_get(machine, STR("Endpoint")), "CommunicationStyle"));
            answer = catalog_is_tentacle(machine) ? CATALOG_YES : CATALOG_NO;
        }
        was_refused = was_refused || is_refused;
        passed = answer == CATALOG_YES;
    }
    str subject = octopus_event_subject(event);
    str got = subject.n ? arena_printf(a, "%.*s of %.*s%s%.*s", STR_ARG(event->category), STR_ARG(subject), style.n ? ", " : "", STR_ARG(style)) : event->category;
    struct json *p = add_part(j, "Events", passed, wanted, json_new_string(a, got));
    if (!passed && was_refused)
        json_add_str(a, p, "Error", STR("the reader key may not see the machine: it needs MachineView to tell a Tentacle"));
    if (!passed)
        fail(j, was_refused ? VERDICT_ERROR : VERDICT_NOT_MATCHED);
}

// What a reaction's own script did is not news to it; and no chain of causes is endless.
static void judge_cause(struct judge *j, const struct store_event *v)
{
    struct arena *a = j->arena;
    int64_t reaction_id = v->caused_by_reaction, run_id = v->caused_by_run;
    if (!v->caused_by_run || (!reaction_id && !octopus_event_cause(&j->facts->event, &reaction_id, &run_id)))
        return;
    bool is_own = reaction_id == j->reaction->id && !j->reaction->def->include_own_effects, is_deep = v->caused_depth > DEPTH_MAX;
    struct json *p = add_part(j, "CausedBy", !is_own && !is_deep, NULL, json_new_string(a, arena_printf(a, "Runs-%" PRId64 " of Reactions-%" PRId64 ", depth %d", run_id, reaction_id, v->caused_depth)));
    if (is_deep)
        json_add_str(a, p, "Error", STR("the chain of runs that cause events that cause runs ends here, at depth 8"));
    if (is_own || is_deep)
        fail(j, VERDICT_OWN_EFFECT);
}

enum verdict match_octopus(struct facts *f, const struct store_event *v, const struct reaction_entry *r, struct json *parts)
{
    struct judge j = { f, r, parts, f->arena, false, VERDICT_MATCHED };
    const struct reaction *def = r->def;
    const struct reaction_ids *ids = r->ids;
    // Cheap ones first; once something says no, the rest need not be fetched.
    static const enum filter_list order[FILTER_LISTS] = { FILTER_USERS, FILTER_PROJECTS, FILTER_ENVIRONMENTS, FILTER_TENANTS, FILTER_CHANNELS, FILTER_MACHINES, FILTER_PROJECT_GROUPS, FILTER_TENANT_TAGS, FILTER_ROLES };
    judge_events(&j);
    if (!j.has_failed)
        judge_cause(&j, v);
    for (size_t i = 0; i < COUNT(order) && !j.has_failed; i++)
        judge_list(&j, filter_list_names[order[i]], order[i], &def->filters[order[i]], ids ? &ids->filters[order[i]] : NULL, VERDICT_NOT_MATCHED);
    const struct { const char *part; enum filter_list list; const struct str_list *wanted; } scopes[] = {
        { "Scope.Projects", FILTER_PROJECTS, &def->scope_projects }, { "Scope.Environments", FILTER_ENVIRONMENTS, &def->scope_environments }, { "Scope.Tenants", FILTER_TENANTS, &def->scope_tenants },
    };
    for (size_t i = 0; i < COUNT(scopes) && !j.has_failed; i++)
        judge_list(&j, scopes[i].part, scopes[i].list, scopes[i].wanted, ids ? &ids->scopes[i] : NULL, VERDICT_OUT_OF_SCOPE);
    return j.verdict;
}

// ---- what a script finds besides ----

static const struct { str type, script_id; } things[] = {
    { STR_INIT("Projects"), STR_INIT("ProjectId") }, { STR_INIT("Releases"), STR_INIT("ReleaseId") }, { STR_INIT("Deployments"), STR_INIT("DeploymentId") }, { STR_INIT("Environments"), STR_INIT("EnvironmentId") },
    { STR_INIT("Tenants"), STR_INIT("TenantId") }, { STR_INIT("Machines"), STR_INIT("MachineId") }, { STR_INIT("ServerTasks"), STR_INIT("TaskId") }, { STR_INIT("Channels"), STR_INIT("ChannelId") },
};

str match_octopus_order_key(const struct json *payload)
{
    struct octopus_event v;
    return octopus_event_read(payload, &v, NULL) ? octopus_event_first(&v, STR("Deployments")) : STR("");
}

void match_octopus_ids(const struct json *payload, struct json *into, struct arena *a)
{
    struct octopus_event v;
    bool is_event = octopus_event_read(payload, &v, NULL);
    for (size_t i = 0; i < COUNT(things); i++) {
        str id = !is_event ? STR("") : str_eq(things[i].type, STR("Projects")) ? octopus_event_project(&v) : octopus_event_first(&v, things[i].type);
        json_put(into, things[i].script_id, id.n ? json_new_string(a, id) : json_new_null(a));
    }
}
