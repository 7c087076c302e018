#include "reaction/match.h"

#include "reaction/match_index.h"
#include "reaction/match_octopus.h"
#include "reaction/octopus_vars.h"

struct match {
    const struct data_source *data;
    const struct store_event *event;
    const struct json *payload;
    struct arena *arena;
    struct vars *vars; // what every reaction sees; NULL: nobody needed it yet
    uint32_t needs;    // that vars has
    struct facts facts; // of an Octopus event
    bool is_event;     // the payload is one
    bool is_waiting;
    struct err why_not;
};

struct judge {
    struct match *match;
    const struct reaction_entry *reaction;
    struct json *parts;
};

struct match *match_new(const struct data_source *d, const struct store_event *v, const struct json *payload, struct arena *a)
{
    struct match *m = ARENA_NEW(a, struct match);
    *m = (struct match){ .data = d, .event = v, .payload = payload, .arena = a };
    m->is_event = v->source == EVENT_INTERNAL && facts_init(&m->facts, d, payload, a, &m->why_not);
    return m;
}

bool match_is_waiting(const struct match *m)
{
    return m->is_waiting || m->facts.is_waiting;
}

// The documents that variables come from are there, or will not come soon. Made anew when somebody speaks of more than those before.
static const struct vars *shared_vars(struct match *m, uint32_t needs)
{
    bool has_all = m->vars && (m->needs & needs) == needs;
    m->needs |= needs | NEEDS_NOTHING;
    if (!has_all && m->event->source == EVENT_INTERNAL && !octopus_vars_prepare(m->data, m->payload, m->needs))
        m->is_waiting = true;
    if (!has_all) {
        struct data_source data = *m->data;
        data.needs = m->needs;
        m->vars = data_of_event(&data, m->event, m->payload, m->arena);
    }
    return m->vars;
}

// Of a condition, and of the reaction's own variables, which it may speak of.
static uint32_t condition_needs(const struct reaction *def)
{
    uint32_t needs = octopus_needs_of_template(def->condition, def);
    for (size_t i = 0; i < def->variable_count; i++)
        if (!def->variables[i].is_sensitive)
            needs |= octopus_needs_of_template(json_str(def->variables[i].value, STR("")), def);
    return needs;
}

static struct json *add_part(struct judge *j, const char *name, bool passed, struct json *wanted, struct json *got)
{
    struct arena *a = j->match->arena;
    struct json *p = json_push(j->parts, json_new_object(a));
    json_add_str(a, p, "Part", str_from(name));
    json_add_bool(a, p, "Passed", passed);
    json_add(p, STR("Wanted"), wanted);
    json_add(p, STR("Got"), got);
    return p;
}

// An Octopus run condition: true where the rendered text is truthy. An undefined token is false, with a warning;
// what cannot be evaluated is an error, never a silent no.
static enum verdict judge_condition(struct judge *j)
{
    struct match *m = j->match;
    struct arena *a = m->arena;
    const struct reaction *def = j->reaction->def;
    struct err e = { 0 };
    struct template_result result;
    if (!def->condition.p)
        return VERDICT_MATCHED;
    struct vars *v = vars_new(a);
    vars_set_parent(v, shared_vars(m, condition_needs(def)));
    struct json *wanted = json_new_string(a, def->condition);
    if (!j->reaction->condition || !data_add_variables(m->data, def, j->reaction->id, j->reaction->space_id, v, NULL, a, &e)) {
        struct json *part = add_part(j, "Condition", false, wanted, json_new_null(a));
        json_add_str(a, part, "Error", arena_str(a, str_from(e.kind ? e.text : "the condition does not parse")));
        return VERDICT_ERROR;
    }
    enum template_outcome outcome = template_render(j->reaction->condition, v, m->data->clock, a, &result);
    if (outcome == TEMPLATE_EXCEPTION) {
        struct json *part = add_part(j, "Condition", false, wanted, json_new_null(a));
        json_add_str(a, part, "Error", result.error);
        return VERDICT_ERROR;
    }
    bool passed = outcome == TEMPLATE_FINE && template_truthy(&result) == TEMPLATE_TRUE;
    // What is shown is kept for a week: no secret in it.
    bool has_secret = false;
    for (size_t i = 0; i < result.range_count; i++)
        has_secret = has_secret || (result.ranges[i].from & TEMPLATE_FROM_SECRET);
    struct json *part = add_part(j, "Condition", passed, wanted, json_new_string(a, has_secret ? STR(MASK_TEXT) : str_sub(result.output, 0, 1000)));
    if (result.undefined_count) {
        struct json *warnings = json_add(part, STR("Warnings"), json_new_array(a));
        for (size_t i = 0; i < result.undefined_count; i++)
            json_push(warnings, json_new_string(a, arena_printf(a, "%.*s is not defined%s%.*s", STR_ARG(result.undefined[i].token), result.undefined[i].reason.n ? ": " : "", STR_ARG(result.undefined[i].reason))));
    }
    return passed ? VERDICT_MATCHED : VERDICT_NOT_MATCHED;
}

static enum verdict judge(struct judge *j)
{
    struct match *m = j->match;
    struct arena *a = m->arena;
    const struct reaction_entry *r = j->reaction;
    bool is_external = m->event->source == EVENT_EXTERNAL;
    if (is_external)
        add_part(j, "Trigger", true, json_new_string(a, r->def->trigger_name), json_new_string(a, m->event->type));
    if (!r->is_enabled) {
        add_part(j, "Enabled", false, json_new_bool(a, true), json_new_bool(a, false));
        return VERDICT_DISABLED;
    }
    if (!is_external && !m->is_event) {
        struct json *part = add_part(j, "Events", false, json_new_null(a), json_new_null(a));
        json_add_str(a, part, "Error", arena_str(a, str_from(m->why_not.text)));
        return VERDICT_ERROR;
    }
    enum verdict verdict = is_external ? VERDICT_MATCHED : match_octopus(&m->facts, m->event, r, j->parts);
    return verdict == VERDICT_MATCHED && !match_is_waiting(m) ? judge_condition(j) : verdict;
}

void match_reaction(struct match *m, const struct reaction_entry *r, struct match_result *out)
{
    struct judge j = { m, r, json_new_array(m->arena) };
    out->verdict = judge(&j);
    out->is_waiting = match_is_waiting(m);
    out->parts = json_text(m->arena, j.parts);
}

void match_event(const struct data_source *d, const struct store_event *v, const struct json *payload, const struct reaction_entry *r, struct arena *a, struct match_result *out)
{
    match_reaction(match_new(d, v, payload, a), r, out);
}

// ---- which reactions are asked at all ----

// What a token of that name renders to. Undefined, or no text: nothing equals it.
static bool value_of(void *ctx, str name, str *out)
{
    struct match *m = ctx;
    struct template *t;
    struct template_error bad;
    struct template_result result;
    const struct vars *v = shared_vars(m, octopus_needs_of_template(name, NULL));
    if (m->is_waiting || !template_parse(m->arena, arena_printf(m->arena, "#{%.*s}", STR_ARG(name)), &t, &bad) || template_render(t, v, m->data->clock, m->arena, &result) != TEMPLATE_FINE)
        return false;
    *out = result.output;
    return true;
}

static size_t entries_of(struct match *m, const uint32_t *numbers, size_t count, const struct reaction_entry ***out)
{
    *out = ARENA_ARRAY(m->arena, const struct reaction_entry *, count);
    for (size_t i = 0; i < count; i++)
        (*out)[i] = &m->data->snapshot->reactions[numbers[i]];
    return count;
}

static size_t external_reactions(struct match *m, const struct reaction_entry ***out)
{
    const struct trigger_entry *t = snapshot_trigger(m->data->snapshot, m->event->trigger_id);
    *out = t ? t->reactions : NULL;
    return t ? t->reaction_count : 0;
}

size_t match_offered(struct match *m, const struct reaction_entry ***out)
{
    const uint32_t *numbers;
    if (m->event->source == EVENT_EXTERNAL)
        return external_reactions(m, out);
    size_t count = match_index_offered(m->data->snapshot->index, m->event->space_id, m->event->type, m->arena, &numbers);
    return entries_of(m, numbers, count, out);
}

size_t match_candidates(struct match *m, const struct reaction_entry ***out, size_t *offered)
{
    const uint32_t *all;
    uint32_t *numbers;
    if (m->event->source == EVENT_EXTERNAL)
        return *offered = external_reactions(m, out);
    *offered = match_index_offered(m->data->snapshot->index, m->event->space_id, m->event->type, m->arena, &all);
    if (!*offered)
        return 0;
    if (!m->is_event)
        return entries_of(m, all, *offered, out);
    size_t count = match_index_find(m->data->snapshot->index, &m->facts, m->event->space_id, value_of, m, &numbers);
    return entries_of(m, numbers, count, out);
}

size_t match_offer_count(const struct snapshot *s, const struct store_event *v)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const uint32_t *all;
    if (v->source == EVENT_INTERNAL)
        return match_index_offered(s->index, v->space_id, v->type, &a, &all);
    const struct trigger_entry *t = snapshot_trigger(s, v->trigger_id);
    return t ? t->reaction_count : 0;
}
