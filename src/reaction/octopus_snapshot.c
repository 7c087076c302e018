// The variables a release or a runbook was frozen with, as far as they have a value without a step, machine or role: by the scopes of the event.
#include "reaction/octopus_vars.h"

#include "template/template.h"

#define VARIABLES_MAX 5000

// Octopus's order of preference, the parts an event can decide: tenant, tenant tag, environment, channel; what is scoped to nothing comes
// last. Weights so that one higher outweighs all lower ones.
static const struct { str scope; int weight; } weights[] = { { STR_INIT("Tenant"), 8 }, { STR_INIT("TenantTag"), 4 }, { STR_INIT("Environment"), 2 }, { STR_INIT("Channel"), 1 } };

static bool has_id(const struct json *list, str id)
{
    json_each(item, list)
        if (id.n && str_eq_nocase(json_str(item, STR("")), id))
            return true;
    return false;
}

static str set_of(str tag)
{
    ptrdiff_t slash = str_find_char(tag, '/');
    return slash < 0 ? tag : str_sub(tag, 0, (size_t)slash);
}

// One of each tag set that is named.
static bool has_tags(const struct json *wanted, const struct json *tags)
{
    json_each(one, wanted)
    {
        bool has_one_of_set = false;
        json_each(other, wanted)
            if (str_eq_nocase(set_of(json_str(other, STR(""))), set_of(json_str(one, STR("")))))
                has_one_of_set = has_one_of_set || has_id(tags, json_str(other, STR("")));
        if (!has_one_of_set)
            return false;
    }
    return true;
}

// -1: not for this event; *why says what it is scoped to.
static int weight_of(const struct json *scope, const struct octopus_scope *here, const char **why)
{
    int weight = 0;
    json_each(part, scope)
    {
        size_t k = 0;
        if (!json_is(part, JSON_ARRAY) || !part->count)
            continue;
        while (k < COUNT(weights) && !str_eq_nocase(part->name, weights[k].scope))
            k++;
        if (k == COUNT(weights)) {
            *why = "its values are scoped to steps, machines, roles or processes, which an event does not have";
            return -1;
        }
        bool fits = k == 0 ? has_id(part, here->tenant_id) : k == 1 ? has_tags(part, here->tenant_tags) : k == 2 ? has_id(part, here->environment_id) : has_id(part, here->channel_id);
        if (!fits) {
            *why = "none of its values is scoped to this environment, tenant and channel";
            return -1;
        }
        weight += weights[k].weight;
    }
    return weight;
}

struct best {
    str value;
    int weight; // -1: no value fits
    bool is_sensitive;
    const char *why;
};

static void consider(struct map *bests, const struct json *variable, const struct octopus_scope *scope, struct arena *a)
{
    str name = json_str(json_get(variable, STR("Name")), STR(""));
    const struct json *value = json_get(variable, STR("Value"));
    const char *why = NULL;
    if (!name.n)
        return;
    struct best *b = map_get(bests, name);
    if (!b) {
        if (bests->count >= VARIABLES_MAX)
            return;
        b = ARENA_NEW(a, struct best);
        b->weight = -1;
        map_put(bests, name, b);
    }
    int weight = weight_of(json_get(variable, STR("Scope")), scope, &why);
    if (weight <= b->weight) {
        b->why = b->why ? b->why : why;
        return; // the first of equals: the project's before the library's
    }
    b->weight = weight;
    b->value = arena_str(a, json_str(value, STR("")));
    b->is_sensitive = json_bool(json_get(variable, STR("IsSensitive")), false) || str_eq_nocase(json_str(json_get(variable, STR("Type")), STR("")), STR("Sensitive")) || !json_is(value, JSON_STRING);
}

// A value may speak of other variables of Octopus, as there; but of nothing of ours: not of a reaction's secrets.
static void render_all(const struct map *bests, struct vars *v, const struct clock *clock, struct json *values, struct arena *a)
{
    size_t at = 0;
    str name;
    void *value;
    while (map_next(bests, &at, &name, &value)) {
        const struct best *b = value;
        struct template *t;
        struct template_error bad;
        struct template_result result;
        if (b->weight < 0 || b->is_sensitive || json_get(values, name))
            continue;
        str text = b->value;
        if (str_find(text, STR("#{")) >= 0 && template_parse(a, text, &t, &bad) && template_render(t, v, clock, a, &result) != TEMPLATE_EXCEPTION)
            text = result.output;
        json_put(values, arena_str(a, name), json_new_string(a, text));
    }
}

void octopus_snapshot_variables(const struct json *const *sets, size_t count, const struct octopus_scope *scope, const struct clock *clock, struct json *values, struct json *reasons, struct arena *a)
{
    struct map bests = { .is_nocase = true };
    struct vars *v = vars_new(a);
    size_t at = 0;
    str name;
    void *value;
    for (size_t i = 0; i < count; i++)
        json_each(variable, json_get(sets[i], STR("Variables")))
            consider(&bests, variable, scope, a);
    json_each(one, values)
        vars_set_text(v, one->name, one->text, PROVENANCE_EVENT);
    while (map_next(&bests, &at, &name, &value)) {
        const struct best *b = value;
        str why = b->is_sensitive ? STR("it is sensitive") : str_from(b->why ? b->why : "it has no value here");
        if (b->weight >= 0 && !b->is_sensitive)
            vars_set_text(v, arena_str(a, name), b->value, PROVENANCE_TEMPLATE);
        else if (reasons)
            json_put(reasons, arena_str(a, name), json_new_string(a, why));
    }
    render_all(&bests, v, clock, values, a);
    map_fini(&bests);
}
