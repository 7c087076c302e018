// Reactions and their revisions. A save makes an immutable revision; whether the reaction is enabled or paused
// is kept beside, and changing it makes none.
#include "web/api_object.h"

#include "base/timetext.h"
#include "reaction/data.h"
#include "reaction/http_request.h"
#include "reaction/policy.h"
#include "web/places.h"

// ---- reading ----

static int64_t number_of(const struct json *doc, const char *name)
{
    int64_t v = 0;
    json_i64(json_get(doc, str_from(name)), &v);
    return v;
}

static struct store_object *get_revision(struct api_call *c, int64_t id)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    if (!store_get(c->web->opt.store, KIND_REVISION, 0, id, c->arena, &o, &e))
        api_fail_with(c, &e);
    else if (!o)
        api_fail(c, ERR_IO, "the reaction's revision is missing");
    return o;
}

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
    sealed_hide(KIND_REVISION, definition, a);
    json_add_str(a, j, "Id", id);
    json_add_str(a, j, "SpaceId", store_id_text(a, KIND_SPACE, o->space_id));
    static const char *const first[] = { "Name", "Slug", "Description" };
    for (size_t i = 0; i < COUNT(first); i++)
        json_add(j, str_from(first[i]), json_copy(a, json_get(definition, str_from(first[i]))));
    json_add_bool(a, j, "Enabled", json_bool(json_get(flags, STR("Enabled")), true));
    json_add_i64(a, j, "Revision", number_of(revision, "Number"));
    json_each(member, definition)
        if (!json_get(j, member->name))
            json_add(j, member->name, json_copy(a, member));
    json_add_bool(a, j, "Paused", json_bool(json_get(flags, STR("Paused")), false));
    json_add(j, STR("State"), state_json(c, o->id));
    api_self_link(c, j, "reactions", id);
    struct json *links = json_get(j, STR("Links"));
    json_add_str(a, links, "Revisions", arena_printf(a, "/api/reactions/%.*s/revisions", STR_ARG(id)));
    json_add_str(a, links, "Runs", arena_printf(a, "/api/runs?reaction=%.*s", STR_ARG(id)));
    return j;
}

static void answer_reaction(struct api_call *c, const struct store_object *o, int status)
{
    struct store_object *revision = get_revision(c, number_of(object_doc(c, o), "ActiveRevisionId"));
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

// Those of the caller's projects.
static bool list_visible(struct api_call *c, struct store_page page, struct store_objects *found)
{
    int64_t *ids = ARENA_ARRAY(c->arena, int64_t, c->snapshot->reaction_count);
    size_t count = 0;
    for (size_t i = 0; i < c->snapshot->reaction_count; i++) {
        const struct reaction_entry *r = &c->snapshot->reactions[i];
        if (r->space_id == api_space(c) && place_sees_reaction(c, r->id, r->space_id))
            ids[count++] = r->id;
    }
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
        struct store_object *revision = get_revision(c, number_of(object_doc(c, &found.items[i]), "ActiveRevisionId"));
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
static void check_names(struct api_call *c, const struct reaction *r, int64_t space_id)
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

static struct json *revision_doc(struct api_call *c, int64_t number, struct json *definition, str hash)
{
    struct arena *a = c->arena;
    struct json *doc = json_new_object(a);
    json_add_i64(a, doc, "Number", number);
    json_add_str(a, doc, "Hash", hash);
    json_add_str(a, doc, "Author", c->caller.name);
    json_add_time(a, doc, "Created", clock_wall_ms(c->web->opt.clock));
    json_add(doc, STR("Definition"), definition);
    return doc;
}

// Stores the definition as a new revision (unless nothing in it changed) with the flags beside it.
static bool store_definition(struct api_call *c, struct store_object *o, int64_t expected_version, struct json *definition, const struct json *old_revision, bool is_enabled, bool is_paused, const char *action)
{
    struct arena *a = c->arena;
    struct web *w = c->web;
    struct err e = { 0 };
    struct store_put puts[2] = { 0 };
    size_t count = 0;
    struct json *digested = json_copy(a, definition);
    if (!sealed_digest(KIND_REVISION, o->id, digested, w->opt.keyring, a, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    str hash = reaction_hash(digested, a);
    struct json *flags = o->doc.n ? object_doc(c, o) : json_new_object(a);
    bool is_changed = !old_revision || !str_eq(json_str(json_get(old_revision, STR("Hash")), STR("")), hash);
    int64_t number = old_revision ? number_of(flags, "LatestNumber") : 0;
    if (is_changed) {
        struct store_put *put = &puts[count++];
        put->object = (struct store_object){ .kind = KIND_REVISION, .space_id = o->space_id, .parent_id = o->id };
        if (!store_reserve_id(w->opt.store, KIND_REVISION, &put->object.id, &e)) {
            api_fail_with(c, &e);
            return false;
        }
        put->object.doc = json_text(a, revision_doc(c, ++number, definition, hash));
        json_put(flags, STR("ActiveRevisionId"), json_new_i64(a, put->object.id));
        json_put(flags, STR("LatestNumber"), json_new_i64(a, number));
    }
    json_put(flags, STR("Name"), json_get(definition, STR("Name")) ? json_copy(a, json_get(definition, STR("Name"))) : json_new_null(a));
    json_put(flags, STR("Enabled"), json_new_bool(a, is_enabled));
    json_put(flags, STR("Paused"), json_new_bool(a, is_paused));
    o->slug = json_str(json_get(definition, STR("Slug")), STR(""));
    o->doc = json_text(a, flags);
    puts[count].object = *o;
    puts[count++].expected_version = expected_version;
    struct json *particulars = json_new_object(a);
    json_add_i64(a, particulars, "Revision", number);
    json_add_str(a, particulars, "Hash", hash);
    return api_change(c, puts, count, action, store_id_text(a, KIND_REACTION, o->id), o->space_id, particulars);
}

// Nobody writes a reaction for projects that are not theirs, nor widens one to them.
static bool may_write_there(struct api_call *c, const struct reaction *r, int64_t space_id)
{
    struct access_place at = place_of_reaction(r, space_id, c->arena);
    if (caller_may_at(&c->caller, c->route->permission, &at))
        return true;
    api_fail(c, ERR_DENIED, "this needs the permission %s for all that the reaction's Scope names (Scope.Projects: ids of your projects; a reaction of an external trigger is about the whole space)", permission_name(c->route->permission));
    return false;
}

static void save_reaction(struct api_call *c, struct store_object *old)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    int64_t expected = STORE_MUST_BE_NEW;
    str warning = { 0 };
    struct store_object o = old ? *old : (struct store_object){ .kind = KIND_REACTION, .space_id = api_space(c) };
    if (old && !api_if_match(c, &expected))
        return;
    struct reaction *r = reaction_decode(a, c->body, &c->errors);
    if (r) {
        if (!may_write_there(c, r, o.space_id))
            return;
        check_names(c, r, o.space_id);
        data_check_templates(r, &c->errors);
        http_request_check(r, &c->errors);
        check_script(c, r, &warning);
    }
    if (c->errors.count || !r) {
        api_fail_errors(c, "the reaction was not saved: see Errors");
        return;
    }
    const struct json *old_revision = NULL;
    if (old) {
        struct store_object *revision = get_revision(c, number_of(object_doc(c, old), "ActiveRevisionId"));
        if (!revision)
            return;
        old_revision = object_doc(c, revision);
    } else if (!store_reserve_id(c->web->opt.store, KIND_REACTION, &o.id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct json *definition = reaction_to_json(r, a);
    sealed_store(KIND_REVISION, o.id, definition, json_get(old_revision, STR("Definition")), c->web->opt.keyring, a, &c->errors);
    if (c->errors.count) {
        api_fail_errors(c, "the reaction was not saved: see Errors");
        return;
    }
    if (!store_definition(c, &o, expected, definition, old_revision, r->is_enabled, r->is_paused, old ? "reaction.update" : "reaction.create"))
        return;
    c->params[0] = store_id_text(a, KIND_REACTION, o.id);
    reactions_get(c);
    if (!old)
        c->status = 201;
    if (warning.n)
        json_push(json_add(c->answer, STR("Warnings"), json_new_array(a)), json_new_string(a, warning));
    engine_runs_changed(c->web->opt.engine);
}

void reactions_create(struct api_call *c)
{
    if (!api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    save_reaction(c, NULL);
    pthread_mutex_unlock(&c->web->change_lock);
}

void reactions_update(struct api_call *c)
{
    if (!api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *old = object_find(c, KIND_REACTION, c->params[0]);
    // What a GET returned may be sent back: its Warnings too.
    json_drop(c->body, STR("Warnings"));
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
        struct store_put put = { .object = *o, .expected_version = o->version };
        put.object.doc = json_text(c->arena, doc);
        if (api_change(c, &put, 1, action, store_id_text(c->arena, KIND_REACTION, o->id), o->space_id, NULL)) {
            reactions_get(c);
            engine_runs_changed(c->web->opt.engine);
        }
    }
    pthread_mutex_unlock(&c->web->change_lock);
}

void reactions_enable(struct api_call *c) { set_flag(c, "Enabled", true, "reaction.enable"); }
void reactions_disable(struct api_call *c) { set_flag(c, "Enabled", false, "reaction.disable"); }
void reactions_pause(struct api_call *c) { set_flag(c, "Paused", true, "reaction.pause"); }
void reactions_resume(struct api_call *c) { set_flag(c, "Paused", false, "reaction.resume"); }

// ---- revisions ----

static struct json *revision_json(struct api_call *c, const struct store_object *reaction, const struct store_object *o)
{
    struct arena *a = c->arena;
    struct json *doc = object_doc(c, o), *j = json_new_object(a), *flags = object_doc(c, reaction);
    int64_t number = number_of(doc, "Number");
    struct json *definition = json_copy(a, json_get(doc, STR("Definition")));
    sealed_hide(KIND_REVISION, definition, a);
    json_add_str(a, j, "Id", store_id_text(a, KIND_REVISION, o->id));
    json_add_str(a, j, "ReactionId", store_id_text(a, KIND_REACTION, reaction->id));
    json_add_i64(a, j, "Number", number);
    json_add_str(a, j, "State", number_of(flags, "ActiveRevisionId") == o->id ? STR("Active") : STR("Superseded"));
    static const char *const shown[] = { "Hash", "Author", "Created" };
    for (size_t i = 0; i < COUNT(shown); i++)
        json_add(j, str_from(shown[i]), json_copy(a, json_get(doc, str_from(shown[i]))));
    json_add(j, STR("Definition"), definition);
    struct json *links = json_add(j, STR("Links"), json_new_object(a));
    json_add_str(a, links, "Self", arena_printf(a, "/api/reactions/Reactions-%" PRId64 "/revisions/%" PRId64, reaction->id, number));
    return j;
}

void revisions_list(struct api_call *c)
{
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]);
    struct store_page page = { 0 };
    struct store_objects found;
    struct err e = { 0 };
    if (!reaction || !api_page(c, &page))
        return;
    if (!store_list(c->web->opt.store, KIND_REVISION, 0, reaction->id, page, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "Revision", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, revision_json(c, reaction, &found.items[i]), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

// Revisions are few and numbered without gaps: the n-th oldest.
static struct store_object *find_revision(struct api_call *c, const struct store_object *reaction)
{
    int64_t number;
    struct store_objects found;
    struct err e = { 0 };
    if (!str_to_i64(c->params[1], &number)) {
        api_not_found(c);
        return NULL;
    }
    int64_t latest = number_of(object_doc(c, reaction), "LatestNumber");
    if (number >= 1 && number <= latest) {
        if (!store_list(c->web->opt.store, KIND_REVISION, 0, reaction->id, (struct store_page){ .skip = latest - number, .take = 1 }, c->arena, &found, &e)) {
            api_fail_with(c, &e);
            return NULL;
        }
        if (found.count)
            return &found.items[0];
    }
    api_not_found(c);
    return NULL;
}

void revisions_get(struct api_call *c)
{
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]);
    struct store_object *o = reaction ? find_revision(c, reaction) : NULL;
    if (o)
        c->answer = revision_json(c, reaction, o);
}

// Restoring makes a new revision of the old content: history is never rewritten.
void revisions_restore(struct api_call *c)
{
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]);
    struct store_object *o = reaction ? find_revision(c, reaction) : NULL;
    struct store_object *active = o ? get_revision(c, number_of(object_doc(c, reaction), "ActiveRevisionId")) : NULL;
    if (active) {
        struct json *definition = json_get(object_doc(c, o), STR("Definition")), *flags = object_doc(c, reaction);
        struct decode_errors errors = { .arena = c->arena };
        struct reaction *r = reaction_decode(c->arena, definition, &errors);
        if (!r) {
            c->errors = errors;
            api_fail_errors(c, "the revision does not fit this version of the server: see Errors");
        } else {
            bool may_write = may_write_there(c, r, reaction->space_id);
            if (may_write)
                check_names(c, r, reaction->space_id);
            if (c->errors.count)
                api_fail_errors(c, "the revision names what is there no more: see Errors");
            else if (may_write && store_definition(c, reaction, reaction->version, definition, object_doc(c, active), json_bool(json_get(flags, STR("Enabled")), true), json_bool(json_get(flags, STR("Paused")), false), "reaction.restore"))
                reactions_get(c);
        }
    }
    pthread_mutex_unlock(&c->web->change_lock);
}
