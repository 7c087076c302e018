#include "web/revisions.h"

#include "base/timetext.h"
#include "json/json_diff.h"
#include "reaction/engine_names.h"
#include "web/callers.h"

const char *const approval_names[3] = { "none", "sensitive", "all" };

// ---- reading ----

int64_t revision_field(const struct json *doc, const char *name)
{
    int64_t v = 0;
    json_i64(json_get(doc, str_from(name)), &v);
    return v;
}

struct store_object *revision_load(struct api_call *c, int64_t id)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    if (!store_get(c->web->opt.store, KIND_REVISION, 0, id, c->arena, &o, &e))
        api_fail_with(c, &e);
    else if (!o)
        api_fail(c, ERR_IO, "the reaction's revision is missing");
    return o;
}

struct store_object *revision_shown(struct api_call *c, const struct store_object *reaction)
{
    struct json *flags = object_doc(c, reaction);
    int64_t active = revision_field(flags, "ActiveRevisionId");
    return revision_load(c, active ? active : revision_field(flags, "DraftRevisionId"));
}

struct store_object *revision_newest(struct api_call *c, const struct store_object *reaction)
{
    struct json *flags = object_doc(c, reaction);
    int64_t draft = revision_field(flags, "DraftRevisionId");
    return revision_load(c, draft ? draft : revision_field(flags, "ActiveRevisionId"));
}

struct json *revision_draft_json(struct api_call *c, const struct store_object *reaction)
{
    static const char *const shown[] = { "Number", "Hash", "Author", "Created" };
    struct arena *a = c->arena;
    int64_t id = revision_field(object_doc(c, reaction), "DraftRevisionId");
    struct store_object *o = NULL;
    if (!id || !store_get(c->web->opt.store, KIND_REVISION, 0, id, a, &o, NULL) || !o)
        return json_new_null(a);
    struct json *doc = object_doc(c, o), *j = json_new_object(a);
    for (size_t i = 0; i < COUNT(shown); i++)
        json_add(j, str_from(shown[i]), json_copy(a, json_get(doc, str_from(shown[i]))));
    return j;
}

// ---- the policy ----

bool approval_parse(str text, enum approval_policy *out)
{
    for (size_t i = 0; i < COUNT(approval_names); i++)
        if (str_eq_nocase(text, str_from(approval_names[i]))) {
            *out = (enum approval_policy)i;
            return true;
        }
    return false;
}

static int count_people(struct api_call *c)
{
    struct store_objects found;
    int people = 0;
    if (!store_list(c->web->opt.store, KIND_USER, 0, 0, (struct store_page){ .take = 1000 }, c->arena, &found, NULL))
        return 2; // not known: the stricter way
    for (size_t i = 0; i < found.count && people < 2; i++)
        people += !json_bool(json_get(object_doc(c, &found.items[i]), STR("IsDisabled")), false) && !json_bool(json_get(object_doc(c, &found.items[i]), STR("IsService")), false);
    return people;
}

enum approval_policy approval_in_force(struct api_call *c, int64_t space_id)
{
    struct store_object *space = NULL;
    enum approval_policy policy;
    if (!store_get(c->web->opt.store, KIND_SPACE, 0, space_id, c->arena, &space, NULL))
        return APPROVAL_ALL;
    if (space && approval_parse(json_str(json_get(object_doc(c, space), STR("Approval")), STR("")), &policy))
        return policy;
    return count_people(c) >= 2 ? APPROVAL_SENSITIVE : APPROVAL_NONE;
}

static bool needs_approval(struct api_call *c, const struct change_kinds *k, int64_t space_id)
{
    enum approval_policy policy = approval_in_force(c, space_id);
    return policy == APPROVAL_ALL ? k->any : policy == APPROVAL_SENSITIVE && k->sensitive;
}

// ---- saving ----

static const struct json *active_definition(struct api_call *c, const struct store_object *reaction)
{
    struct store_object *o = NULL;
    int64_t id = reaction->doc.n ? revision_field(object_doc(c, reaction), "ActiveRevisionId") : 0;
    return id && store_get(c->web->opt.store, KIND_REVISION, 0, id, c->arena, &o, NULL) && o ? json_get(object_doc(c, o), STR("Definition")) : NULL;
}

bool revision_may_save(struct api_call *c, const struct store_object *reaction, const struct reaction *r, const struct json *definition, struct change_kinds *k)
{
    str why;
    *k = change_kinds_between(active_definition(c, reaction), definition, c->arena);
    if (write_up_may(&c->caller, c->snapshot, r, k, reaction->space_id, reaction->id, c->arena, &why))
        return true;
    api_fail(c, ERR_DENIED, "%.*s", STR_ARG(why));
    return false;
}

static bool hash_of(struct api_call *c, int64_t reaction_id, const struct json *definition, str *hash)
{
    struct err e = { 0 };
    struct json *digested = json_copy(c->arena, definition);
    if (!sealed_digest(KIND_REVISION, reaction_id, digested, c->web->opt.keyring, c->arena, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    *hash = reaction_hash(digested, c->arena);
    return true;
}

static struct json *revision_doc(struct api_call *c, int64_t number, struct json *definition, str hash)
{
    struct arena *a = c->arena;
    struct json *doc = json_new_object(a);
    json_add_i64(a, doc, "Number", number);
    json_add_str(a, doc, "Hash", hash);
    json_add_str(a, doc, "Author", c->caller.name);
    json_add_i64(a, doc, "AuthorId", c->caller.user_id);
    json_add_time(a, doc, "Created", clock_wall_ms(c->web->opt.clock));
    if (c->resolved)
        json_add(doc, STR("Resolved"), c->resolved);
    json_add(doc, STR("Definition"), definition);
    return doc;
}

// What the names of a revision stood for when they were last looked up: kept with it, or beside it since.
static const struct json *resolved_of(struct api_call *c, const struct store_object *reaction, const struct store_object *revision)
{
    struct json *flags = object_doc(c, reaction);
    return json_get(revision_field(flags, "ResolvedRevisionId") == revision->id ? flags : object_doc(c, revision), STR("Resolved"));
}

void revision_resolve_again(struct api_call *c, const struct store_object *reaction, const struct store_object *revision, struct decode_errors *gone)
{
    struct decode_errors ignored = { .arena = c->arena };
    const struct connection_entry *connection = snapshot_space_connection(c->snapshot, reaction->space_id);
    const struct reaction *r = reaction_decode(c->arena, json_get(object_doc(c, revision), STR("Definition")), &ignored);
    *gone = (struct decode_errors){ .arena = c->arena };
    c->warnings = json_new_array(c->arena);
    if (r && connection)
        c->resolved = engine_names_again(c->web->opt.engine, connection->id, r, resolved_of(c, reaction, revision), gone, c->warnings, c->arena);
}

void revision_keep_resolved(struct api_call *c, struct json *flags, int64_t revision_id)
{
    if (!c->resolved)
        return;
    json_put(flags, STR("Resolved"), c->resolved);
    json_put(flags, STR("ResolvedRevisionId"), json_new_i64(c->arena, revision_id));
}

// What the reaction is called follows what is in force.
static void name_by(struct api_call *c, struct store_object *o, struct json *flags, const struct json *definition)
{
    const struct json *name = json_get(definition, STR("Name"));
    json_put(flags, STR("Name"), name ? json_copy(c->arena, name) : json_new_null(c->arena));
    o->slug = json_str(json_get(definition, STR("Slug")), STR(""));
}

bool revision_store(struct api_call *c, struct store_object *o, int64_t expected_version, struct json *definition, const struct change_kinds *k, bool is_enabled, bool is_paused, const char *action)
{
    struct arena *a = c->arena;
    struct web *w = c->web;
    struct err e = { 0 };
    struct store_put puts[2] = { 0 };
    size_t count = 0;
    str hash;
    if (!hash_of(c, o->id, definition, &hash))
        return false;
    bool is_new = !o->doc.n, is_draft = false;
    struct json *flags = is_new ? json_new_object(a) : object_doc(c, o);
    struct store_object *newest = is_new ? NULL : revision_newest(c, o);
    if (!is_new && !newest)
        return false;
    bool is_changed = is_new || !str_eq(json_str(json_get(object_doc(c, newest), STR("Hash")), STR("")), hash);
    int64_t number = revision_field(flags, "LatestNumber"), active = revision_field(flags, "ActiveRevisionId");
    if (is_changed) {
        struct store_put *put = &puts[count++];
        put->object = (struct store_object){ .kind = KIND_REVISION, .space_id = o->space_id, .parent_id = o->id };
        if (!store_reserve_id(w->opt.store, KIND_REVISION, &put->object.id, &e)) {
            api_fail_with(c, &e);
            return false;
        }
        put->object.doc = json_text(a, revision_doc(c, ++number, definition, hash));
        is_draft = needs_approval(c, k, o->space_id);
        json_drop(flags, STR("Resolved"));
        json_drop(flags, STR("ResolvedRevisionId"));
        json_drop(flags, STR("DraftRevisionId")); // an older draft is given up
        json_put(flags, is_draft ? STR("DraftRevisionId") : STR("ActiveRevisionId"), json_new_i64(a, put->object.id));
        json_put(flags, STR("LatestNumber"), json_new_i64(a, number));
        if (!is_draft || !active)
            name_by(c, o, flags, definition);
    } else {
        revision_keep_resolved(c, flags, newest->id);
    }
    json_put(flags, STR("Enabled"), json_new_bool(a, is_enabled));
    json_put(flags, STR("Paused"), json_new_bool(a, is_paused));
    o->doc = json_text(a, flags);
    puts[count].object = *o;
    puts[count++].expected_version = expected_version;
    struct json *particulars = json_new_object(a);
    json_add_i64(a, particulars, "Revision", number);
    json_add_str(a, particulars, "Hash", hash);
    json_add_bool(a, particulars, "IsDraft", is_draft);
    return api_change(c, puts, count, action, store_id_text(a, KIND_REACTION, o->id), o->space_id, particulars);
}

// ---- showing ----

static const struct json *approval_of(const struct json *flags, int64_t revision_id)
{
    json_each(item, json_get(flags, STR("Approvals")))
        if (revision_field(item, "RevisionId") == revision_id)
            return item;
    return NULL;
}

static struct json *revision_json(struct api_call *c, const struct store_object *reaction, const struct store_object *o)
{
    struct arena *a = c->arena;
    struct json *doc = object_doc(c, o), *j = json_new_object(a), *flags = object_doc(c, reaction);
    int64_t number = revision_field(doc, "Number");
    struct json *definition = json_copy(a, json_get(doc, STR("Definition")));
    struct decode_errors ignored = { .arena = a };
    const struct reaction *r = reaction_decode(a, definition, &ignored);
    sealed_hide(KIND_REVISION, definition, a);
    write_up_hide_script(&c->caller, r, reaction->space_id, definition, a);
    json_add_str(a, j, "Id", store_id_text(a, KIND_REVISION, o->id));
    json_add_str(a, j, "ReactionId", store_id_text(a, KIND_REACTION, reaction->id));
    json_add_i64(a, j, "Number", number);
    json_add_str(a, j, "State", revision_field(flags, "ActiveRevisionId") == o->id ? STR("Active") : revision_field(flags, "DraftRevisionId") == o->id ? STR("Draft") : STR("Superseded"));
    static const char *const shown[] = { "Hash", "Author", "Created" };
    for (size_t i = 0; i < COUNT(shown); i++)
        json_add(j, str_from(shown[i]), json_copy(a, json_get(doc, str_from(shown[i]))));
    const struct json *approval = approval_of(flags, o->id);
    json_add(j, STR("Approved"), approval ? json_copy(a, approval) : json_new_null(a));
    json_drop(json_get(j, STR("Approved")), STR("RevisionId"));
    json_add(j, STR("Definition"), definition);
    struct json *links = json_add(j, STR("Links"), json_new_object(a));
    json_add_str(a, links, "Self", arena_printf(a, "/api/reactions/Reactions-%" PRId64 "/revisions/%" PRId64, reaction->id, number));
    return j;
}

// A revision may be about other projects than the reaction is now: what it was then is not for those who could not have seen it then.
static bool sees_revision(struct api_call *c, const struct store_object *o)
{
    struct decode_errors ignored = { .arena = c->arena };
    const struct reaction *r = reaction_decode(c->arena, json_get(object_doc(c, o), STR("Definition")), &ignored);
    struct access_place at = place_of_reaction(r, o->space_id, c->arena);
    return caller_may_at(&c->caller, REACTION_VIEW, &at);
}

static bool list_visible(struct api_call *c, const struct store_object *reaction, struct store_page page, struct store_objects *found)
{
    struct store_objects all;
    struct err e = { 0 };
    if (!store_list(c->web->opt.store, KIND_REVISION, 0, reaction->id, (struct store_page){ .take = 1000 }, c->arena, &all, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    int64_t *ids = ARENA_ARRAY(c->arena, int64_t, all.count);
    size_t count = 0;
    for (size_t i = all.count; i > 0; i--)
        if (sees_revision(c, &all.items[i - 1]))
            ids[count++] = all.items[i - 1].id;
    return object_pick(c, KIND_REVISION, ids, count, page, found);
}

void revisions_list(struct api_call *c)
{
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]);
    struct store_page page = { 0 };
    struct store_objects found;
    struct err e = { 0 };
    if (!reaction || !api_page(c, &page))
        return;
    if (!caller_may(&c->caller, REACTION_VIEW, reaction->space_id, STR(""))) {
        if (!list_visible(c, reaction, page, &found))
            return;
    } else if (!store_list(c->web->opt.store, KIND_REVISION, 0, reaction->id, page, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "Revision", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, revision_json(c, reaction, &found.items[i]), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

// Revisions are few and numbered without gaps: the n-th oldest. *out NULL: there is none. False: answered.
static bool find_number(struct api_call *c, const struct store_object *reaction, int64_t number, struct store_object **out)
{
    struct store_objects found;
    struct err e = { 0 };
    int64_t latest = revision_field(object_doc(c, reaction), "LatestNumber");
    *out = NULL;
    if (number < 1 || number > latest)
        return true;
    if (!store_list(c->web->opt.store, KIND_REVISION, 0, reaction->id, (struct store_page){ .skip = latest - number, .take = 1 }, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    *out = found.count ? &found.items[0] : NULL;
    return true;
}

static struct store_object *find_revision(struct api_call *c, const struct store_object *reaction)
{
    int64_t number = 0;
    struct store_object *o;
    if (!str_to_i64(c->params[1], &number) || number < 1)
        number = 0;
    if (!find_number(c, reaction, number, &o))
        return NULL;
    if (o && !sees_revision(c, o))
        o = NULL;
    if (!o)
        api_not_found(c);
    return o;
}

// A place within a secret value says no more than that it was changed.
static str visible_path(str path, bool *is_secret)
{
    *is_secret = str_ends(path, STR(".Sealed"));
    return *is_secret ? str_sub(path, 0, path.n - STR(".Sealed").n) : path;
}

static struct json *shown_value(const struct json *v, bool is_secret, struct arena *a)
{
    if (!v)
        return json_new_null(a);
    if (!is_secret && !json_get(v, STR("Sealed")))
        return json_copy(a, v);
    struct json *j = json_new_object(a);
    json_add_bool(a, j, "HasValue", true);
    return j;
}

static struct json *differences(struct api_call *c, const struct store_object *before, const struct store_object *now, bool shows_script)
{
    struct arena *a = c->arena;
    struct json *list = json_new_array(a), *old = before ? json_get(object_doc(c, before), STR("Definition")) : NULL;
    size_t count = 0;
    struct json_change *changes = old ? json_diff(a, old, json_get(object_doc(c, now), STR("Definition")), &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        bool is_secret;
        str path = visible_path(changes[i].path, &is_secret);
        is_secret = is_secret || (!shows_script && str_eq(path, STR("Action.Script")));
        struct json *j = json_push(list, json_new_object(a)), *from = shown_value(changes[i].old, is_secret, a), *to = shown_value(changes[i].now, is_secret, a);
        // Of what was added or removed whole, the secrets within.
        json_add_str(a, j, "Path", path);
        json_add(j, STR("Old"), from);
        json_add(j, STR("New"), to);
    }
    return list;
}

// No sealed text leaves, however deep it stands in what was added or removed.
static void hide_sealed(struct json *j, struct arena *a)
{
    if (json_drop(j, STR("Sealed")))
        json_add_bool(a, j, "HasValue", true);
    json_each(child, j)
        hide_sealed(child, a);
}

void revisions_get(struct api_call *c)
{
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]), *before;
    struct store_object *o = reaction ? find_revision(c, reaction) : NULL;
    if (!o || !find_number(c, reaction, revision_field(object_doc(c, o), "Number") - 1, &before))
        return;
    c->answer = revision_json(c, reaction, o);
    bool shows_script = !json_get(json_get(json_get(json_get(c->answer, STR("Definition")), STR("Action")), STR("Script")), STR("HasValue"));
    struct json *changed = differences(c, before, o, shows_script);
    hide_sealed(changed, c->arena);
    json_add(c->answer, STR("Differences"), changed);
}

// ---- restore, approve ----

static struct reaction *decode_stored(struct api_call *c, const struct json *definition)
{
    struct decode_errors errors = { .arena = c->arena };
    struct reaction *r = reaction_decode(c->arena, definition, &errors);
    if (r)
        return r;
    c->errors = errors;
    api_fail_errors(c, "the revision does not fit this version of the server: see Errors");
    return NULL;
}

static bool check_stored(struct api_call *c, const struct reaction *r, const struct store_object *reaction)
{
    reaction_check_names(c, r, reaction->space_id);
    write_up_check_bindings(c->snapshot, r, reaction->space_id, reaction->id, &c->errors);
    if (c->errors.count)
        api_fail_errors(c, "the revision names what is there no more, or may not be used: see Errors");
    return !c->errors.count;
}

// Restoring makes a new revision of the old content: history is never rewritten.
static void restore(struct api_call *c, const struct decode_errors *gone)
{
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]);
    struct store_object *o = reaction ? find_revision(c, reaction) : NULL;
    struct change_kinds k;
    if (!o)
        return;
    struct json *definition = json_get(object_doc(c, o), STR("Definition")), *flags = object_doc(c, reaction);
    struct reaction *r = decode_stored(c, definition);
    // Before anything is said about what the definition names: that is for those who may.
    if (!r || !revision_may_save(c, reaction, r, definition, &k))
        return;
    c->errors = *gone;
    if (!check_stored(c, r, reaction))
        return;
    if (!revision_store(c, reaction, reaction->version, definition, &k, json_bool(json_get(flags, STR("Enabled")), true), json_bool(json_get(flags, STR("Paused")), false), "reaction.restore"))
        return;
    reactions_get(c);
    if (c->answer && c->warnings->count && json_is(c->answer, JSON_OBJECT))
        json_add(c->answer, STR("Warnings"), c->warnings);
    engine_runs_changed(c->web->opt.engine);
}

void revisions_restore(struct api_call *c)
{
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]);
    struct store_object *o = reaction ? find_revision(c, reaction) : NULL;
    struct decode_errors gone;
    if (!o)
        return;
    revision_resolve_again(c, reaction, o, &gone);
    pthread_mutex_lock(&c->web->change_lock);
    restore(c, &gone);
    pthread_mutex_unlock(&c->web->change_lock);
}

// A change takes effect only if its author can use, now, what it reaches. Who is no user of ours (admin.key) is not asked.
static bool author_still_may(struct api_call *c, const struct json *doc, const struct reaction *r, const struct store_object *reaction, const struct json *definition)
{
    int64_t id = revision_field(doc, "AuthorId");
    str name = json_str(json_get(doc, STR("Author")), STR("?")), why;
    struct caller author;
    if (!id)
        return true;
    if (!caller_of_user(c->web, id, c->arena, &author)) {
        api_fail(c, ERR_CONFLICT, "its author \"%.*s\" is no active user any more: somebody else must save it again", STR_ARG(name));
        return false;
    }
    struct change_kinds k = change_kinds_between(active_definition(c, reaction), definition, c->arena);
    if (write_up_may(&author, c->snapshot, r, &k, reaction->space_id, reaction->id, c->arena, &why))
        return true;
    api_fail(c, ERR_CONFLICT, "its author \"%.*s\" could not save it any more: somebody else must save it again", STR_ARG(name));
    return false;
}

static bool is_own(const struct api_call *c, const struct json *doc)
{
    int64_t id = revision_field(doc, "AuthorId");
    return id ? id == c->caller.user_id : !c->caller.user_id && str_eq_nocase(json_str(json_get(doc, STR("Author")), STR("")), c->caller.name);
}

// {"Hash": "..."} in the body, where one is sent, must be the revision's: what was read is what is approved.
static bool hash_fits(struct api_call *c, const struct json *doc, int64_t reaction_id, str *hash)
{
    const struct json *read = json_get(c->body, STR("Hash"));
    if (!hash_of(c, reaction_id, json_get(doc, STR("Definition")), hash))
        return false;
    if (!str_eq(*hash, json_str(json_get(doc, STR("Hash")), STR("")))) {
        api_fail(c, ERR_CONFLICT, "the revision's content does not fit its hash any more: it must be saved again");
        return false;
    }
    if (!read || str_eq_nocase(json_str(read, STR("")), *hash))
        return true;
    api_fail(c, ERR_CONFLICT, "Hash: the revision has another hash than the one you read (%.*s): read it again", STR_ARG(*hash));
    return false;
}

static void add_approval(struct api_call *c, struct json *flags, int64_t revision_id, str hash)
{
    struct arena *a = c->arena;
    struct json *list = json_get(flags, STR("Approvals")), *item = json_new_object(a);
    if (!json_is(list, JSON_ARRAY))
        list = json_put(flags, STR("Approvals"), json_new_array(a));
    json_add_i64(a, item, "RevisionId", revision_id);
    json_add_str(a, item, "Hash", hash);
    json_add_str(a, item, "By", c->caller.name);
    json_add_time(a, item, "At", clock_wall_ms(c->web->opt.clock));
    json_push(list, item);
}

static void approve(struct api_call *c)
{
    struct arena *a = c->arena;
    struct store_object *reaction = object_find(c, KIND_REACTION, c->params[0]);
    struct store_object *o = reaction ? find_revision(c, reaction) : NULL;
    str hash;
    if (!o)
        return;
    struct json *doc = object_doc(c, o), *flags = object_doc(c, reaction), *definition = json_get(doc, STR("Definition"));
    if (revision_field(flags, "DraftRevisionId") != o->id) {
        bool is_active = revision_field(flags, "ActiveRevisionId") == o->id;
        api_fail(c, ERR_CONFLICT, is_active ? "this revision is active already" : "this revision is no draft any more: another one was saved after it");
        return;
    }
    if (is_own(c, doc)) {
        api_fail(c, ERR_DENIED, "nobody approves what they wrote themselves: somebody else with the permission %s can", permission_name(REACTION_APPROVE));
        return;
    }
    struct reaction *r = decode_stored(c, definition);
    if (!r || !hash_fits(c, doc, reaction->id, &hash) || !author_still_may(c, doc, r, reaction, definition) || !check_stored(c, r, reaction))
        return;
    json_drop(flags, STR("DraftRevisionId"));
    json_put(flags, STR("ActiveRevisionId"), json_new_i64(a, o->id));
    add_approval(c, flags, o->id, hash);
    name_by(c, reaction, flags, definition);
    reaction->doc = json_text(a, flags);
    struct store_put put = { .object = *reaction, .expected_version = reaction->version };
    struct json *particulars = json_new_object(a);
    json_add_i64(a, particulars, "Revision", revision_field(doc, "Number"));
    json_add_str(a, particulars, "Hash", hash);
    json_add(particulars, STR("Author"), json_copy(a, json_get(doc, STR("Author"))));
    if (!api_change(c, &put, 1, "reaction.approve", store_id_text(a, KIND_REACTION, reaction->id), reaction->space_id, particulars))
        return;
    reactions_get(c);
    engine_runs_changed(c->web->opt.engine);
}

void revisions_approve(struct api_call *c)
{
    pthread_mutex_lock(&c->web->change_lock);
    approve(c);
    pthread_mutex_unlock(&c->web->change_lock);
}
