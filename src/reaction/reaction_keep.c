#include "reaction/reaction_keep.h"

struct keep {
    str text;
    struct arena *arena;
};

// What had an escape in it was decoded elsewhere.
static void keep(const struct keep *k, str *s)
{
    bool is_inside = s->p >= k->text.p && s->p < k->text.p + k->text.n;
    if (s->n && !is_inside)
        *s = arena_str(k->arena, *s);
    else if (!s->n && s->p)
        s->p = ""; // empty is not absent
}

static void keep_list(const struct keep *k, struct str_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        keep(k, &list->items[i]);
}

static void keep_json(const struct keep *k, const struct json **j)
{
    if (*j)
        *j = json_copy(k->arena, *j);
}

void reaction_keep(struct reaction *r, str text, struct arena *a)
{
    struct keep k = { text, a };
    str *texts[] = { &r->name, &r->slug, &r->description, &r->trigger_name, &r->connection, &r->condition, &r->script, &r->method, &r->uri, &r->body, &r->content_type, &r->success_status, &r->identity, &r->order_by };
    for (size_t i = 0; i < COUNT(texts); i++)
        keep(&k, texts[i]);
    keep_list(&k, &r->events);
    for (int i = 0; i < FILTER_LISTS; i++)
        keep_list(&k, &r->filters[i]);
    keep_list(&k, &r->scope_projects);
    keep_list(&k, &r->scope_environments);
    keep_list(&k, &r->scope_tenants);
    for (size_t i = 0; i < r->module_count; i++) {
        keep(&k, &r->modules[i].name);
        keep(&k, &r->modules[i].sha256);
    }
    for (size_t i = 0; i < r->variable_count; i++) {
        keep(&k, &r->variables[i].name);
        keep(&k, &r->variables[i].secret);
        keep_json(&k, &r->variables[i].value);
    }
    keep_json(&k, &r->headers);
    keep_json(&k, &r->signing);
    keep_json(&k, &r->tls);
    keep_json(&k, &r->debounce);
    keep_json(&k, &r->throttle);
}
