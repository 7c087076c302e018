// Reactions. A save makes an immutable revision (api_revisions.c); whether the reaction is enabled or paused is kept
// beside, and changing it makes none.
#include "web/api_object.h"

#include "base/timetext.h"
#include "reaction/data.h"
#include "reaction/engine_names.h"
#include "reaction/http_request.h"
#include "reaction/policy.h"
#include "web/revisions.h"

// ---- reading ----

// What its runs wait for, if they do.
static struct json *state_json(struct api_call *c, int64_t id)
{
    struct arena *a = c->arena;
    struct json *j = json_new_object(a);
    struct policy_view v = engine_policy(c->web->opt.engine, id);
    const struct { const char *name; int64_t at_ms; } times[] = { { "OpenUntil", v.open_until_ms }, { "FailingSince", v.failing_since_ms }, { "HeldUntil", v.held_until_ms } };
    json_add_str(a, j, "Circuit", str_from(breaker_state_name(v.circuit)));
    for (size_t i = 0; i < COUNT(times); i++)
        if (times[i].at_ms)
            json_add_time(a, j, times[i].name, times[i].at_ms);
        else
            json_add_null(a, j, times[i].name);
    return j;
}

// The contract's order: Id, SpaceId, names, flags, then the definition.
static struct json *reaction_json(struct api_call *c, const struct store_object *o, const struct json *revision)
{
    struct arena *a = c->arena;
    struct json *flags = object_doc(c, o), *definition = json_copy(a, json_get(revision, STR("Definition"))), *j = json_new_object(a);
    str id = store_id_text(a, KIND_REACTION, o->id);
    struct decode_errors ignored = { .arena = a };
    const struct reaction *r = reaction_decode(a, definition, &ignored);
    sealed_hide(KIND_REVISION, definition, a);
    write_up_hide_script(&c->caller, r, o->space_id, definition, a);
    json_add_str(a, j, "Id", id);
    json_add_str(a, j, "SpaceId", store_id_text(a, KIND_SPACE, o->space_id));
    static const char *const first[] = { "Name", "Slug", "Description" };
    for (size_t i = 0; i < COUNT(first); i++)
        json_add(j, str_from(first[i]), json_copy(a, json_get(definition, str_from(first[i]))));
    json_add_bool(a, j, "Enabled", json_bool(json_get(flags, STR("Enabled")), true));
    json_add_i64(a, j, "Revision", revision_field(revision, "Number"));
    json_each(member, definition)
        if (!json_get(j, member->name))
            json_add(j, member->name, json_copy(a, member));
    json_add_bool(a, j, "Paused", json_bool(json_get(flags, STR("Paused")), false));
    json_add(j, STR("State"), state_json(c, o->id));
    json_add(j, STR("Draft"), revision_draft_json(c, o));
    api_self_link(c, j, "reactions", id);
    struct json *links = json_get(j, STR("Links"));
    json_add_str(a, links, "Revisions", arena_printf(a, "/api/reactions/%.*s/revisions", STR_ARG(id)));
    json_add_str(a, links, "Runs", arena_printf(a, "/api/runs?reaction=%.*s", STR_ARG(id)));
    return j;
}

static void answer_reaction(struct api_call *c, const struct store_object *o, int status)
{
    struct store_object *revision = revision_shown(c, o);
    if (!revision)
        return;
    c->answer = reaction_json(c, o, object_doc(c, revision));
    c->etag = o->version;
    c->status = status;
}

static int by_id(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

static void add_visible(struct api_call *c, const struct reaction_entry *r, int64_t *ids, size_t *count)
{
    if (r->space_id == api_space(c) && place_sees_reaction(c, r->id, r->space_id))
        ids[(*count)++] = r->id;
}

// Those of the caller's projects.
static bool list_visible(struct api_call *c, struct store_page page, struct store_objects *found)
{
    const struct snapshot *s = c->snapshot;
    int64_t *ids = ARENA_ARRAY(c->arena, int64_t, s->reaction_count + s->drafts.count);
    size_t count = 0, next = 0;
    str key;
    void *draft;
    for (size_t i = 0; i < s->reaction_count; i++)
        add_visible(c, &s->reactions[i], ids, &count);
    while (map_next(&s->drafts, &next, &key, &draft))
        if (!snapshot_reaction(s, ((const struct reaction_entry *)draft)->id))
            add_visible(c, draft, ids, &count);
    qsort(ids, count, sizeof *ids, by_id);
    return object_pick(c, KIND_REACTION, ids, count, page, found);
}

void reactions_list(struct api_call *c)
{
    struct err e = { 0 };
    struct store_page page = { 0 };
    struct store_objects found;
    if (!api_page(c, &page))
        return;
    if (caller_may(&c->caller, REACTION_VIEW, api_space(c), STR(""))) {
        if (!store_list(c->web->opt.store, KIND_REACTION, api_space(c), 0, page, c->arena, &found, &e)) {
            api_fail_with(c, &e);
            return;
        }
    } else if (!list_visible(c, page, &found)) {
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "Reaction", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++) {
        struct store_object *revision = revision_shown(c, &found.items[i]);
        if (!revision) {
            api_list_give_up(&list);
            return;
        }
        api_list_add(&list, reaction_json(c, &found.items[i], object_doc(c, revision)), found.items[i].id);
    }
    api_list_end(&list, found.has_more, found.count);
}

void reactions_get(struct api_call *c)
{
    struct store_object *o = object_find(c, KIND_REACTION, c->params[0]);
    if (o)
        answer_reaction(c, o, 200);
}

// ---- saving ----

static void add_error(struct api_call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add_error(struct api_call *c, const char *fmt, ...)
{
    if (c->errors.count == DECODE_ERRORS_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    c->errors.items[c->errors.count++] = arena_vprintf(c->arena, fmt, args);
    va_end(args);
}

// What a definition names must be there.
void reaction_check_names(struct api_call *c, const struct reaction *r, int64_t space_id)
{
    if (r->trigger_type == TRIGGER_EXTERNAL && !snapshot_find_trigger(c->snapshot, space_id, r->trigger_name))
        add_error(c, "Trigger.Name: there is no trigger \"%.*s\" in this space", STR_ARG(r->trigger_name));
    if (r->identity.n && !snapshot_find_identity(c->snapshot, space_id, r->identity))
        add_error(c, "Identity: there is no identity \"%.*s\" in this space", STR_ARG(r->identity));
    for (size_t i = 0; i < r->variable_count; i++)
        if (r->variables[i].secret.n && !snapshot_find_secret(c->snapshot, space_id, r->variables[i].secret))
            add_error(c, "Variables[%zu].Secret: there is no secret \"%.*s\" in this space", i, STR_ARG(r->variables[i].secret));
}

// PowerShell's own parser judges the script. Without an engine it is saved, with a warning.
static void check_script(struct api_call *c, const struct reaction *r, str *warning)
{
    struct script_parsed parsed;
    struct err e = { 0 };
    if (r->action_type != ACTION_POWERSHELL)
        return;
    if (!engine_parse_script(c->web->opt.engine, r->script, c->arena, &parsed, &e)) {
        *warning = arena_printf(c->arena, "Action.Script: not checked, there is no PowerShell: %s", e.text);
        return;
    }
    for (size_t i = 0; i < parsed.error_count; i++)
        add_error(c, "Action.Script: line %d, column %d: %.*s", parsed.errors[i].line, parsed.errors[i].column, STR_ARG(parsed.errors[i].message));
}

// Whoever was not shown the script sends back that it is there.
static void keep_hidden_script(struct api_call *c, const struct json *old_definition)
{
    struct json *action = json_get(c->body, STR("Action")), *script = json_get(action, STR("Script"));
    const struct json *old = json_get(json_get(old_definition, STR("Action")), STR("Script"));
    if (json_bool(json_get(script, STR("HasValue")), false) && json_is(old, JSON_STRING))
        json_put(action, STR("Script"), json_copy(c->arena, old));
}

// The flags are not the definition's: what the routes beside ask for, a PUT asks for too.
static bool may_set_flags(struct api_call *c, const struct reaction *r, const struct store_object *old, int64_t space_id)
{
    const struct json *flags = old ? object_doc(c, old) : NULL;
    struct access_place at = place_of_reaction(r, space_id, c->arena);
    bool was_enabled = json_bool(json_get(flags, STR("Enabled")), !old), was_paused = json_bool(json_get(flags, STR("Paused")), false);
    enum permission p = r->is_enabled != was_enabled ? REACTION_ENABLE : r->is_paused != was_paused ? RUN_CONTROL : PERMISSION_ANONYMOUS;
    if (caller_may_at(&c->caller, p, &at))
        return true;
    api_fail(c, ERR_DENIED, "this needs the permission %s, because it changes %s", permission_name(p), p == REACTION_ENABLE ? "Enabled" : "Paused");
    return false;
}

static void save_reaction(struct api_call *c, struct store_object *old)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    int64_t expected = STORE_MUST_BE_NEW;
    str warning = { 0 };
    struct change_kinds changed;
    const struct json *old_definition = NULL;
    struct store_object o = old ? *old : (struct store_object){ .kind = KIND_REACTION, .space_id = api_space(c) };
    if (old && !api_if_match(c, &expected))
        return;
    if (old) {
        struct store_object *newest = revision_newest(c, old);
        if (!newest)
            return;
        old_definition = json_get(object_doc(c, newest), STR("Definition"));
        keep_hidden_script(c, old_definition);
    }
    struct reaction *r = reaction_decode(a, c->body, &c->errors);
    if (c->errors.count || !r) {
        api_fail_errors(c, "the reaction was not saved: see Errors");
        return;
    }
    if (!old && !store_reserve_id(c->web->opt.store, KIND_REACTION, &o.id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct json *definition = reaction_to_json(r, a);
    sealed_store(KIND_REVISION, o.id, definition, old_definition, c->web->opt.keyring, a, &c->errors);
    // Before anything is said about what the definition names: that is for those who may.
    if (!may_set_flags(c, r, old, o.space_id) || !revision_may_save(c, &o, r, definition, &changed))
        return;
    reaction_check_names(c, r, o.space_id);
    write_up_check_bindings(c->snapshot, r, o.space_id, o.id, &c->errors);
    data_check_templates(r, &c->errors);
    http_request_check(r, &c->errors);
    check_script(c, r, &warning);
    if (c->errors.count) {
        api_fail_errors(c, "the reaction was not saved: see Errors");
        return;
    }
    if (!revision_store(c, &o, expected, definition, &changed, r->is_enabled, r->is_paused, old ? "reaction.update" : "reaction.create"))
        return;
    c->params[0] = store_id_text(a, KIND_REACTION, o.id);
    reactions_get(c);
    if (!old)
        c->status = 201;
    if (warning.n)
        json_push(c->warnings, json_new_string(a, warning));
    if (c->answer && c->warnings->count && json_is(c->answer, JSON_OBJECT))
        json_add(c->answer, STR("Warnings"), c->warnings);
    engine_runs_changed(c->web->opt.engine);
}

// Before anybody's changes wait: Octopus may be slow. What does not decode is told by save_reaction.
static void resolve_names(struct api_call *c, int64_t space_id)
{
    struct decode_errors ignored = { .arena = c->arena };
    const struct connection_entry *connection = snapshot_space_connection(c->snapshot, space_id);
    struct reaction *r = reaction_decode(c->arena, c->body, &ignored);
    c->warnings = json_new_array(c->arena);
    if (r && connection)
        c->resolved = engine_names(c->web->opt.engine, connection->id, r, c->warnings, c->arena);
}

void reactions_create(struct api_call *c)
{
    if (!api_body_required(c))
        return;
    resolve_names(c, api_space(c));
    pthread_mutex_lock(&c->web->change_lock);
    save_reaction(c, NULL);
    pthread_mutex_unlock(&c->web->change_lock);
}

void reactions_update(struct api_call *c)
{
    if (!api_body_required(c))
        return;
    // What a GET returned may be sent back: its Warnings too.
    json_drop(c->body, STR("Warnings"));
    struct store_object *old = object_find(c, KIND_REACTION, c->params[0]);
    if (!old)
        return;
    resolve_names(c, old->space_id);
    pthread_mutex_lock(&c->web->change_lock);
    old = object_find(c, KIND_REACTION, c->params[0]);
    if (old)
        save_reaction(c, old);
    pthread_mutex_unlock(&c->web->change_lock);
}

void reactions_delete(struct api_call *c)
{
    struct store_put put = { .is_delete = true };
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *o = object_find(c, KIND_REACTION, c->params[0]);
    if (o && api_if_match(c, &put.expected_version)) {
        // Its revisions stay: runs are pinned to them.
        put.object = *o;
        if (api_change(c, &put, 1, "reaction.delete", store_id_text(c->arena, KIND_REACTION, o->id), o->space_id, NULL))
            c->status = 204;
    }
    pthread_mutex_unlock(&c->web->change_lock);
}

static void set_flag(struct api_call *c, const char *flag, bool value, const char *action)
{
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *o = object_find(c, KIND_REACTION, c->params[0]);
    if (o) {
        struct json *doc = object_doc(c, o);
        json_put(doc, str_from(flag), json_new_bool(c->arena, value));
        revision_keep_resolved(c, doc, revision_field(doc, "ActiveRevisionId"));
        struct store_put put = { .object = *o, .expected_version = o->version };
        put.object.doc = json_text(c->arena, doc);
        if (api_change(c, &put, 1, action, store_id_text(c->arena, KIND_REACTION, o->id), o->space_id, NULL)) {
            reactions_get(c);
            engine_runs_changed(c->web->opt.engine);
        }
    }
    pthread_mutex_unlock(&c->web->change_lock);
}

// What it named when it was saved may be called something else by now, or be gone.
void reactions_enable(struct api_call *c)
{
    struct store_object *o = object_find(c, KIND_REACTION, c->params[0]), *revision = NULL;
    struct decode_errors gone;
    struct json *flags = o ? object_doc(c, o) : NULL;
    int64_t id = flags ? revision_field(flags, "ActiveRevisionId") : 0;
    if (!o)
        return;
    if (id && !json_bool(json_get(flags, STR("Enabled")), true)) {
        if (!(revision = revision_load(c, id)))
            return;
        revision_resolve_again(c, o, revision, &gone);
        c->errors = gone;
    }
    if (c->errors.count) {
        api_fail_errors(c, "the reaction was not enabled: see Errors");
        return;
    }
    set_flag(c, "Enabled", true, "reaction.enable");
    if (c->answer && c->warnings && c->warnings->count && json_is(c->answer, JSON_OBJECT))
        json_add(c->answer, STR("Warnings"), c->warnings);
}

void reactions_disable(struct api_call *c) { set_flag(c, "Enabled", false, "reaction.disable"); }
void reactions_pause(struct api_call *c) { set_flag(c, "Paused", true, "reaction.pause"); }
void reactions_resume(struct api_call *c) { set_flag(c, "Paused", false, "reaction.resume"); }
