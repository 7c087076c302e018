#include "reaction/engine_names.h"

#include "octopus/event.h"
#include "reaction/engine_ask.h"
#include "reaction/engine_internal.h"

#define PATIENCE_MS 3000
#define NAME_BYTES_MAX 80 // longer ones are matched by name only
#define IDS_MAX 50        // a channel "Default" exists in every project

static const struct { enum filter_list list; const char *type; } by_list[] = {
    { FILTER_PROJECTS, "Projects" }, { FILTER_PROJECT_GROUPS, "ProjectGroups" }, { FILTER_ENVIRONMENTS, "Environments" }, { FILTER_TENANTS, "Tenants" },
    { FILTER_CHANNELS, "Channels" }, { FILTER_MACHINES, "Machines" }, { FILTER_USERS, "Users" },
};

struct names {
    int64_t connection_id;
    const struct reaction *def;
    struct json *found, *warnings;
    struct arena *arena;
    bool is_waiting;
};

static enum directory_state ask(struct engine *g, struct names *n, str question, const struct json **doc)
{
    bool is_failing;
    enum directory_state state = tails_document(g->tails, n->connection_id, question, doc, &is_failing);
    n->is_waiting = n->is_waiting || state == DIRECTORY_WAITS;
    return state;
}

static bool is_called(const struct json *doc, str name)
{
    static const char *const fields[] = { "Name", "Slug", "Username" };
    for (size_t i = 0; i < COUNT(fields); i++)
        if (str_eq_nocase(json_str(json_get(doc, str_from(fields[i])), STR("")), name))
            return true;
    return false;
}

static void keep(struct names *n, struct json *ids, const struct json *doc)
{
    str id = json_str(json_get(doc, STR("Id")), STR(""));
    if (id.n && ids->count < IDS_MAX)
        json_push(ids, json_new_string(n->arena, arena_str(n->arena, id)));
}

static void resolve(struct engine *g, struct names *n, const char *part, const char *type, str name, struct json *into)
{
    const struct json *doc;
    struct json *ids = json_new_array(n->arena);
    if (name.n > NAME_BYTES_MAX || octopus_id_is(name, str_from(type)))
        return;
    enum directory_state state = ask(g, n, directory_names_question(type, name, false, n->arena), &doc);
    json_each(item, json_get(doc, STR("Items")))
        if (is_called(item, name))
            keep(n, ids, item);
    if (!ids->count && state == DIRECTORY_HAS && ask(g, n, directory_names_question(type, name, true, n->arena), &doc) == DIRECTORY_HAS && is_called(doc, name))
        keep(n, ids, doc);
    if (ids->count)
        json_add(into, arena_str(n->arena, name), ids);
    else if (!n->is_waiting)
        json_push(n->warnings, json_new_string(n->arena, arena_printf(n->arena, "%s: \"%.*s\" stands for nothing that the connection's reader may see%s: it is matched by name", part, STR_ARG(name), state == DIRECTORY_REFUSED ? " (its key is refused)" : "")));
}

static void resolve_list(struct engine *g, struct names *n, const char *part, const char *key, const char *type, const struct str_list *list)
{
    struct json *into = json_new_object(n->arena);
    for (size_t i = 0; i < list->count; i++)
        if (!json_get(into, list->items[i]))
            resolve(g, n, arena_printf(n->arena, "%s[%zu]", part, i).p, type, list->items[i], into);
    if (into->count)
        json_add(n->found, str_from(key), into);
}

static bool resolve_all(struct engine *g, void *ctx)
{
    struct names *n = ctx;
    n->is_waiting = false;
    n->found = json_new_object(n->arena);
    n->warnings = json_new_array(n->arena);
    for (size_t i = 0; i < COUNT(by_list); i++) {
        const char *name = filter_list_names[by_list[i].list];
        resolve_list(g, n, arena_printf(n->arena, "Filter.%s", name).p, name, by_list[i].type, &n->def->filters[by_list[i].list]);
    }
    resolve_list(g, n, "Scope.Projects", "Scope.Projects", "Projects", &n->def->scope_projects);
    resolve_list(g, n, "Scope.Environments", "Scope.Environments", "Environments", &n->def->scope_environments);
    resolve_list(g, n, "Scope.Tenants", "Scope.Tenants", "Tenants", &n->def->scope_tenants);
    return !n->is_waiting;
}

static bool has_names(const struct reaction *def)
{
    for (size_t i = 0; i < COUNT(by_list); i++)
        for (size_t k = 0; k < def->filters[by_list[i].list].count; k++)
            if (!octopus_id_is(def->filters[by_list[i].list].items[k], str_from(by_list[i].type)))
                return true;
    return def->scope_projects.count || def->scope_environments.count || def->scope_tenants.count;
}

struct json *engine_names(struct engine *g, int64_t connection_id, const struct reaction *def, struct json *warnings, struct arena *a)
{
    struct names n = { .connection_id = connection_id, .def = def, .arena = a };
    if (def->trigger_type != TRIGGER_INTERNAL || !has_names(def))
        return NULL;
    if (!engine_ask(g, PATIENCE_MS, resolve_all, &n)) {
        json_push(warnings, json_new_string(a, STR("Filter: Octopus has not said what its names stand for; they are matched by name, and renamed objects are not followed until the reaction is saved again")));
        return n.found && n.found->count ? n.found : NULL;
    }
    json_each(warning, n.warnings)
        json_push(warnings, json_new_string(a, warning->text));
    return n.found->count ? n.found : NULL;
}
