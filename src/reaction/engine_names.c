#include "reaction/engine_names.h"

#include "octopus/event.h"
#include "reaction/engine_ask.h"
#include "reaction/engine_internal.h"

#define PATIENCE_MS 3000
#define NAME_BYTES_MAX 80 // longer ones are matched by name only
#define KEY_BYTES 8
#define IDS_MAX 50        // a channel "Default" exists in every project

static const struct { enum filter_list list; const char *type; } by_list[] = {
    { FILTER_PROJECTS, "Projects" }, { FILTER_PROJECT_GROUPS, "ProjectGroups" }, { FILTER_ENVIRONMENTS, "Environments" }, { FILTER_TENANTS, "Tenants" },
    { FILTER_CHANNELS, "Channels" }, { FILTER_MACHINES, "Machines" }, { FILTER_USERS, "Users" },
};

struct names {
    int64_t connection_id;
    const struct reaction *def;
    struct json *found, *warnings;
    str key;                      // engine_names_again: of questions asked anew
    const struct json *known;     // what the names stood for before, or NULL
    struct decode_errors *errors; // NULL: what stands for nothing is a warning
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
    json_each(other, ids)
        if (str_eq_nocase(other->text, id))
            return;
    if (id.n && ids->count < IDS_MAX)
        json_push(ids, json_new_string(n->arena, arena_str(n->arena, id)));
}

static void gone(struct names *n, const char *part, const char *type, str name, enum directory_state state)
{
    struct arena *a = n->arena;
    bool is_error = n->errors && state != DIRECTORY_REFUSED;
    if (n->is_waiting)
        return;
    if (!is_error)
        json_push(n->warnings, json_new_string(a, arena_printf(a, "%s: \"%.*s\" stands for nothing that the connection's reader may see%s: it is matched by name", part, STR_ARG(name), state == DIRECTORY_REFUSED ? " (its key is refused)" : "")));
    else if (n->errors->count < DECODE_ERRORS_MAX)
        n->errors->items[n->errors->count++] = arena_printf(a, "%s: \"%.*s\" stands for nothing in Octopus any more: save the reaction with the id, name or slug of one of the %s there are now", part, STR_ARG(name), type);
}

static enum directory_state ask_id(struct engine *g, struct names *n, const char *type, str id, const struct json **doc)
{
    return ask(g, n, directory_names_question(type, id, true, n->key, n->arena), doc);
}

// What it stood for before is still meant, whatever it is called now.
static void follow(struct engine *g, struct names *n, const char *type, const struct json *before, struct json *ids)
{
    const struct json *doc;
    json_each(id, before)
    {
        enum directory_state state = ask_id(g, n, type, json_str(id, STR("")), &doc);
        if (state == DIRECTORY_HAS)
            keep(n, ids, doc);
        else if (state == DIRECTORY_REFUSED)
            json_push(ids, json_copy(n->arena, id)); // hidden is not gone
    }
}

static void resolve(struct engine *g, struct names *n, const char *part, const char *key, const char *type, str name, struct json *into)
{
    const struct json *doc;
    struct json *ids = json_new_array(n->arena);
    if (name.n > NAME_BYTES_MAX)
        return;
    if (octopus_id_is(name, str_from(type))) {
        if (n->errors && ask_id(g, n, type, name, &doc) == DIRECTORY_GONE)
            gone(n, part, type, name, DIRECTORY_GONE);
        return;
    }
    follow(g, n, type, json_get(json_get(n->known, str_from(key)), name), ids);
    enum directory_state state = ask(g, n, directory_names_question(type, name, false, n->key, n->arena), &doc);
    json_each(item, json_get(doc, STR("Items")))
        if (is_called(item, name))
            keep(n, ids, item);
    if (!ids->count && state == DIRECTORY_HAS && ask(g, n, directory_names_question(type, name, true, n->key, n->arena), &doc) == DIRECTORY_HAS && is_called(doc, name))
        keep(n, ids, doc);
    if (ids->count)
        json_add(into, arena_str(n->arena, name), ids);
    else
        gone(n, part, type, name, state);
}

static void resolve_list(struct engine *g, struct names *n, const char *part, const char *key, const char *type, const struct str_list *list)
{
    struct json *into = json_new_object(n->arena);
    for (size_t i = 0; i < list->count; i++)
        if (!json_get(into, list->items[i]))
            resolve(g, n, arena_printf(n->arena, "%s[%zu]", part, i).p, key, type, list->items[i], into);
    if (into->count)
        json_add(n->found, str_from(key), into);
}

static bool resolve_all(struct engine *g, void *ctx)
{
    struct names *n = ctx;
    n->is_waiting = false;
    n->found = json_new_object(n->arena);
    n->warnings = json_new_array(n->arena);
    if (n->errors)
        n->errors->count = 0;
    for (size_t i = 0; i < COUNT(by_list); i++) {
        const char *name = filter_list_names[by_list[i].list];
        resolve_list(g, n, arena_printf(n->arena, "Filter.%s", name).p, name, by_list[i].type, &n->def->filters[by_list[i].list]);
    }
    resolve_list(g, n, "Scope.Projects", "Scope.Projects", "Projects", &n->def->scope_projects);
    resolve_list(g, n, "Scope.Environments", "Scope.Environments", "Environments", &n->def->scope_environments);
    resolve_list(g, n, "Scope.Tenants", "Scope.Tenants", "Tenants", &n->def->scope_tenants);
    return !n->is_waiting;
}

static bool has_names(const struct reaction *def, bool with_ids)
{
    for (size_t i = 0; i < COUNT(by_list); i++)
        for (size_t k = 0; k < def->filters[by_list[i].list].count; k++)
            if (with_ids || !octopus_id_is(def->filters[by_list[i].list].items[k], str_from(by_list[i].type)))
                return true;
    return def->scope_projects.count || def->scope_environments.count || def->scope_tenants.count;
}

struct json *engine_names(struct engine *g, int64_t connection_id, const struct reaction *def, struct json *warnings, struct arena *a)
{
    struct names n = { .connection_id = connection_id, .def = def, .arena = a };
    if (def->trigger_type != TRIGGER_INTERNAL || !has_names(def, false))
        return NULL;
    if (!engine_ask(g, PATIENCE_MS, resolve_all, &n)) {
        json_push(warnings, json_new_string(a, STR("Filter: Octopus has not said what its names stand for; they are matched by name, and renamed objects are not followed until the reaction is saved again")));
        return n.found && n.found->count ? n.found : NULL;
    }
    json_each(warning, n.warnings)
        json_push(warnings, json_new_string(a, warning->text));
    return n.found->count ? n.found : NULL;
}

struct json *engine_names_again(struct engine *g, int64_t connection_id, const struct reaction *def, const struct json *known, struct decode_errors *errors, struct json *warnings, struct arena *a)
{
    struct decode_errors own = { .arena = a };
    struct names n = { .connection_id = connection_id, .def = def, .arena = a, .known = known, .errors = &own };
    if (def->trigger_type != TRIGGER_INTERNAL || !has_names(def, true))
        return NULL;
    n.key = str_sub(random_uuid(g->opt.random, a), 0, KEY_BYTES);
    if (!engine_ask(g, PATIENCE_MS, resolve_all, &n)) {
        json_push(warnings, json_new_string(a, STR("Filter: Octopus has not said what its names stand for now; what they stood for before still counts")));
        return known && known->count ? json_copy(a, known) : NULL;
    }
    for (size_t i = 0; i < own.count && errors->count < DECODE_ERRORS_MAX; i++)
        errors->items[errors->count++] = own.items[i];
    json_each(warning, n.warnings)
        json_push(warnings, json_new_string(a, warning->text));
    return n.found->count ? n.found : NULL;
}
