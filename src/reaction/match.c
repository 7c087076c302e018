#include "reaction/match.h"

#include "reaction/match_octopus.h"

struct matching {
    const struct data_source *data;
    const struct store_event *event;
    const struct json *payload;
    const struct reaction_entry *reaction;
    struct arena *arena;
    struct json *parts;
};

static struct json *add_part(struct matching *m, const char *name, bool passed, struct json *wanted, struct json *got)
{
    struct json *p = json_push(m->parts, json_new_object(m->arena));
    json_add_str(m->arena, p, "Part", str_from(name));
    json_add_bool(m->arena, p, "Passed", passed);
    json_add(p, STR("Wanted"), wanted);
    json_add(p, STR("Got"), got);
    return p;
}

// An Octopus run condition: true where the rendered text is truthy. An undefined token is false, with a warning;
// what cannot be evaluated is an error, never a silent no.
static enum verdict judge_condition(struct matching *m)
{
    struct arena *a = m->arena;
    const struct reaction *def = m->reaction->def;
    struct err e = { 0 };
    struct template_result result;
    if (!def->condition.p)
        return VERDICT_MATCHED;
    struct vars *v = data_of_event(m->data, m->event, m->payload, a);
    struct json *wanted = json_new_string(a, def->condition);
    if (!m->reaction->condition || !data_add_variables(m->data, def, m->reaction->id, m->reaction->space_id, v, NULL, a, &e)) {
        struct json *part = add_part(m, "Condition", false, wanted, json_new_null(a));
        json_add_str(a, part, "Error", arena_str(a, str_from(e.kind ? e.text : "the condition does not parse")));
        return VERDICT_ERROR;
    }
    enum template_outcome outcome = template_render(m->reaction->condition, v, m->data->clock, a, &result);
    if (outcome == TEMPLATE_EXCEPTION) {
        struct json *part = add_part(m, "Condition", false, wanted, json_new_null(a));
        json_add_str(a, part, "Error", result.error);
        return VERDICT_ERROR;
    }
    bool passed = outcome == TEMPLATE_FINE && template_truthy(&result) == TEMPLATE_TRUE;
    // What is shown is kept for a week: no secret in it.
    bool has_secret = false;
    for (size_t i = 0; i < result.range_count; i++)
        has_secret = has_secret || (result.ranges[i].from & TEMPLATE_FROM_SECRET);
    struct json *part = add_part(m, "Condition", passed, wanted, json_new_string(a, has_secret ? STR(MASK_TEXT) : str_sub(result.output, 0, 1000)));
    if (result.undefined_count) {
        struct json *warnings = json_add(part, STR("Warnings"), json_new_array(a));
        for (size_t i = 0; i < result.undefined_count; i++)
            json_push(warnings, json_new_string(a, arena_printf(a, "%.*s is not defined%s%.*s", STR_ARG(result.undefined[i].token), result.undefined[i].reason.n ? ": " : "", STR_ARG(result.undefined[i].reason))));
    }
    return passed ? VERDICT_MATCHED : VERDICT_NOT_MATCHED;
}

void match_event(const struct data_source *d, const struct store_event *v, const struct json *payload, const struct reaction_entry *r, struct arena *a, struct match_result *out)
{
    struct matching m = { d, v, payload, r, a, json_new_array(a) };
    if (v->source == EVENT_EXTERNAL)
        add_part(&m, "Trigger", true, json_new_string(a, r->def->trigger_name), json_new_string(a, v->type));
    out->is_waiting = false;
    out->verdict = VERDICT_DISABLED;
    if (r->is_enabled && v->source == EVENT_INTERNAL)
        out->verdict = match_octopus(d, v, payload, r, m.parts, &out->is_waiting, a);
    if (r->is_enabled && !out->is_waiting && (v->source == EVENT_EXTERNAL || out->verdict == VERDICT_MATCHED)) {
        // A condition may speak of anything the documents say: they are there, or will not come soon.
        out->is_waiting = v->source == EVENT_INTERNAL && r->def->condition.p && !match_octopus_prepare(d, payload);
        out->verdict = judge_condition(&m);
    }
    if (!r->is_enabled)
        add_part(&m, "Enabled", false, json_new_bool(a, true), json_new_bool(a, false));
    out->parts = json_text(a, m.parts);
}
