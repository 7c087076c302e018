// Which Octopus permissions an identity's reactions used, by the API calls that their runs recorded, and which it has: the role to
// create is what was used. A call is counted for the identity that its reaction has now, refused ones too: the role should allow them.
#include "web/identity_checks.h"

#include "access/octopus_use.h"
#include "web/api_object.h"

#define DAYS 90
#define DAY_MS 86400000LL
#define PAGE_RUNS 200
#define PAGES_MAX 50     // of a reaction: its newest 10 000 runs
#define PAGES_MAX_ALL 500
#define REACTIONS_MAX 1000
#define PATTERNS_MAX 200 // of a reaction
// Beyond one of these IsWhole is false.

static bool holds(const struct json *list, str name)
{
    json_each(item, list)
        if (str_eq_nocase(item->text, name))
            return true;
    return false;
}

static void add_once(struct arena *a, struct json *list, str name)
{
    if (!holds(list, name))
        json_push(list, json_new_string(a, name));
}

struct use {
    str method, pattern;
    int64_t count;
};

struct uses {
    struct use items[PATTERNS_MAX];
    size_t count;
    int64_t runs;
    bool is_whole;
};

static void count_call(struct uses *u, str doc, struct arena *page, struct arena *a)
{
    struct json *call;
    if (!json_parse(page, doc, &call, NULL) || json_bool(json_get(call, STR("Withheld")), false))
        return;
    str method = json_str(json_get(call, STR("Method")), STR("")), pattern = octopus_path_pattern(page, json_str(json_get(call, STR("Path")), STR("")));
    size_t i = 0;
    while (i < u->count && !(str_eq(u->items[i].method, method) && str_eq_nocase(u->items[i].pattern, pattern)))
        i++;
    if (i == PATTERNS_MAX) {
        u->is_whole = false;
        return;
    }
    if (i == u->count)
        u->items[u->count++] = (struct use){ arena_str(a, method), arena_str(a, pattern), 0 };
    u->items[i].count++;
}

static bool gather(struct api_call *c, int64_t reaction_id, int64_t since_ms, int *pages_left, struct uses *u, struct err *e)
{
    struct store_calls found = { .has_more = true };
    u->is_whole = true;
    for (int page = 0; page < PAGES_MAX && *pages_left > 0 && found.has_more; page++, --*pages_left) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        if (!store_call_list(c->web->opt.store, reaction_id, since_ms, found.oldest_run, PAGE_RUNS, &a, &found, e))
            return false;
        u->runs += (int64_t)found.run_count;
        for (size_t i = 0; i < found.count; i++)
            count_call(u, found.docs[i], &a, c->arena);
    }
    u->is_whole = u->is_whole && !found.has_more;
    return true;
}

struct report {
    struct json *reactions, *used, *unknown;
    bool is_whole;
};

static void add_reaction(struct api_call *c, const struct reaction_entry *r, const struct uses *u, struct report *report)
{
    struct arena *a = c->arena;
    struct json *one = json_push(report->reactions, json_new_object(a)), *calls, *permissions = json_new_array(a);
    report->is_whole = report->is_whole && u->is_whole;
    json_add_str(a, one, "ReactionId", store_id_text(a, KIND_REACTION, r->id));
    json_add_str(a, one, "Reaction", r->def->name);
    json_add_i64(a, one, "Runs", u->runs);
    json_add_bool(a, one, "IsWhole", u->is_whole);
    calls = json_add(one, STR("Calls"), json_new_array(a));
    for (size_t i = 0; i < u->count; i++) {
        const struct use *use = &u->items[i];
        const char *permission = octopus_permission_of(use->method, use->pattern);
        struct json *call = json_push(calls, json_new_object(a));
        json_add_str(a, call, "Method", use->method);
        json_add_str(a, call, "Path", use->pattern);
        json_add_i64(a, call, "Count", use->count);
        json_add_str(a, call, "Permission", permission ? str_from(permission) : (str){ 0 });
        if (!permission) {
            add_once(a, report->unknown, arena_printf(a, "%.*s %.*s", STR_ARG(use->method), STR_ARG(use->pattern)));
        } else if (*permission) {
            add_once(a, permissions, str_from(permission));
            add_once(a, report->used, str_from(permission));
        }
    }
    json_add(one, STR("Permissions"), permissions);
}

// As Octopus takes it: POST /api/userroles. NULL: nothing was used, or of a call it is not known what it needs.
static struct json *role_to_create(struct api_call *c, str identity, const struct report *report)
{
    struct arena *a = c->arena;
    if (!report->used->count || report->unknown->count)
        return NULL;
    struct json *role = json_new_object(a);
    json_add_str(a, role, "Name", arena_printf(a, "%.*s (least privilege)", STR_ARG(identity)));
    json_add_str(a, role, "Description", arena_printf(a, "What the reactions that act as %.*s used in %d days", STR_ARG(identity), DAYS));
    json_add(role, STR("GrantedSpacePermissions"), json_copy(a, report->used));
    json_add(role, STR("GrantedSystemPermissions"), json_new_array(a));
    return role;
}

void identities_usage(struct api_call *c)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    struct store_object *o = object_find(c, KIND_IDENTITY, c->params[0]);
    if (!o)
        return;
    int64_t since = clock_wall_ms(c->web->opt.clock) - DAYS * DAY_MS;
    struct report report = { json_new_array(a), json_new_array(a), json_new_array(a), true };
    int pages_left = PAGES_MAX_ALL;
    for (size_t i = 0; i < c->snapshot->reaction_count; i++) {
        const struct reaction_entry *r = &c->snapshot->reactions[i];
        const struct identity_entry *identity = r->space_id == o->space_id && r->def->identity.n ? snapshot_find_identity(c->snapshot, r->space_id, r->def->identity) : NULL;
        if (!identity || identity->id != o->id)
            continue;
        if (report.reactions->count == REACTIONS_MAX) {
            report.is_whole = false;
            break;
        }
        struct uses *u = ARENA_NEW(a, struct uses);
        if (!gather(c, r->id, since, &pages_left, u, &e)) {
            api_fail_with(c, &e);
            return;
        }
        add_reaction(c, r, u, &report);
    }
    struct json *doc = object_doc(c, o), *has = identity_has(c->web, c->snapshot, o->id, o->space_id, doc, a), *unused = has ? json_new_array(a) : json_new_null(a);
    json_each(permission, has)
        if (!holds(report.used, permission->text))
            json_push(unused, json_new_string(a, permission->text));
    str name = json_str(json_get(doc, STR("Name")), STR(""));
    struct json *role = role_to_create(c, name, &report), *j = json_new_object(a);
    str used_text = arena_printf(a, "its reactions used %u in %d days", report.used->count, DAYS);
    json_add_str(a, j, "IdentityId", store_id_text(a, KIND_IDENTITY, o->id));
    json_add_str(a, j, "Summary", has ? arena_printf(a, "%.*s has %u permissions; %.*s", STR_ARG(name), has->count, STR_ARG(used_text))
                                      : arena_printf(a, "%.*s: what it may do is not known; %.*s", STR_ARG(name), STR_ARG(used_text)));
    json_add_time(a, j, "Since", since);
    json_add_bool(a, j, "IsWhole", report.is_whole);
    json_add(j, STR("Reactions"), report.reactions);
    json_add(j, STR("Used"), report.used);
    json_add(j, STR("Unknown"), report.unknown);
    json_add(j, STR("Has"), has ? has : json_new_null(a));
    json_add(j, STR("Unused"), unused);
    json_add(j, STR("Role"), role ? role : json_new_null(a));
    c->answer = j;
}
