// Spaces, connections, identities and secrets: what reactions stand on.
#include "web/identity_checks.h"
#include "web/revisions.h"

#include "http/egress.h"
#include "reaction/tail.h"
#include "trigger/trigger.h"

// ---- what several share ----

static bool begin(struct api_call *c, struct decode *d, const struct json *sent)
{
    static const char *const set_by_server[] = { "Id", "SpaceId", "Links", "State", "Checked", "KeyFor", "Created", "Modified" };
    if (!decode_begin(d, sent, (str){ "", 0 }, &c->errors))
        return false;
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(d, set_by_server[i]);
    return true;
}

// A secret field goes on as it was sent: sealed.c judges it.
static void pass_secret(struct api_call *c, struct decode *d, struct json *doc, const char *name)
{
    const struct json *value = decode_member(d, name); // null removes, absent keeps
    if (value)
        json_add(doc, str_from(name), json_copy(c->arena, value));
}

static void add_list(struct api_call *c, struct decode *d, struct json *doc, const char *name)
{
    size_t count;
    str *items = decode_str_list(d, name, &count);
    struct json *list = json_add(doc, str_from(name), json_new_array(c->arena));
    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_string(c->arena, items[i]));
}

// Names are unique within their space without regard to case: the name is the slug.
static str unique_name(struct decode *d)
{
    str name = decode_required_str(d, "Name");
    if (name.n > 200)
        decode_error(d, "Name", "must have at most 200 bytes");
    return name;
}

// ---- spaces ----

static struct json *normalise_space(struct api_call *c, const struct json *sent, const struct store_object *old, str *slug)
{
    struct decode d;
    struct json *doc = json_new_object(c->arena);
    if (!begin(c, &d, sent))
        return doc;
    str name = unique_name(&d);
    *slug = decode_str(&d, "Slug", slug_from_name(c->arena, name));
    if (name.n && !slug_is_valid(*slug))
        decode_error(&d, "Slug", "\"%.*s\" must be 1 to 100 lower-case letters, digits and hyphens", STR_ARG(*slug));
    decode_ignore(&d, "Connection");
    decode_ignore(&d, "ApprovalInForce");
    str approval = decode_str(&d, "Approval", (str){ 0 });
    enum approval_policy policy;
    if (approval.p && !approval_parse(approval, &policy))
        decode_error(&d, "Approval", "\"%.*s\" must be none, sensitive, all, or null: of sensitive changes as soon as there are two people", STR_ARG(approval));
    bool was_paused = old && json_bool(json_get(object_doc(c, old), STR("Paused")), false);
    bool is_paused = decode_bool(&d, "Paused", was_paused);
    decode_done(&d);
    json_add_str(c->arena, doc, "Name", name);
    json_add_str(c->arena, doc, "Slug", *slug);
    json_add_bool(c->arena, doc, "Paused", is_paused);
    json_add_str(c->arena, doc, "Approval", approval);
    return doc;
}

static void decorate_space(struct api_call *c, const struct store_object *o, struct json *answer)
{
    const struct connection_entry *connection = snapshot_space_connection(c->snapshot, o->id);
    if (!json_get(answer, STR("Approval")))
        json_add_null(c->arena, answer, "Approval");
    json_add_str(c->arena, answer, "ApprovalInForce", str_from(approval_names[approval_in_force(c, o->id)]));
    json_add_str(c->arena, answer, "Connection", connection ? connection->name : (str){ 0 });
}

static bool may_delete_space(struct api_call *c, const struct store_object *o)
{
    static const struct { enum store_kind kind; const char *what; } kinds[] = { { KIND_REACTION, "reactions" }, { KIND_TRIGGER, "triggers" }, { KIND_CONNECTION, "a connection" } };
    struct err e = { 0 };
    struct store_objects found;
    if (o->id == 1) {
        api_fail(c, ERR_CONFLICT, "Spaces-1 stays: it is where things go that name no space");
        return false;
    }
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!store_list(c->web->opt.store, kinds[i].kind, o->id, 0, (struct store_page){ .take = 1 }, c->arena, &found, &e)) {
            api_fail_with(c, &e);
            return false;
        }
        if (found.total) {
            api_fail(c, ERR_CONFLICT, "the space still has %s: delete them first", kinds[i].what);
            return false;
        }
    }
    return true;
}

static int by_id(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

static const struct object_api spaces = { KIND_SPACE, "spaces", "Space", "space", true, normalise_space, decorate_space, may_delete_space };

// Those the caller has anything to do with.
void spaces_list(struct api_call *c)
{
    struct store_page page = { 0 };
    struct store_objects found;
    int64_t *ids = ARENA_ARRAY(c->arena, int64_t, c->snapshot->space_count);
    size_t count = 0;
    if (!api_page(c, &page))
        return;
    for (size_t i = 0; i < c->snapshot->space_count; i++)
        if (caller_knows_space(&c->caller, c->snapshot->spaces[i].id))
            ids[count++] = c->snapshot->spaces[i].id;
    qsort(ids, count, sizeof *ids, by_id);
    if (!object_pick(c, KIND_SPACE, ids, count, page, &found))
        return;
    struct api_list list;
    api_list_begin(c, &list, "Space", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, object_json(c, &spaces, &found.items[i]), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

void spaces_create(struct api_call *c) { object_create(c, &spaces); }
void spaces_get(struct api_call *c) { object_get(c, &spaces); }
void spaces_update(struct api_call *c) { object_update(c, &spaces); }
void spaces_delete(struct api_call *c) { object_delete(c, &spaces); }

static void set_space_paused(struct api_call *c, bool is_paused)
{
    struct store_object *o = object_find(c, KIND_SPACE, c->params[0]);
    if (!o)
        return;
    struct json *doc = object_doc(c, o);
    json_put(doc, STR("Paused"), json_new_bool(c->arena, is_paused));
    struct store_put put = { .object = *o, .expected_version = o->version };
    put.object.doc = json_text(c->arena, doc);
    if (api_change(c, &put, 1, is_paused ? "space.pause" : "space.resume", store_id_text(c->arena, KIND_SPACE, o->id), o->id, NULL)) {
        object_get(c, &spaces);
        engine_runs_changed(c->web->opt.engine);
    }
}

void spaces_pause(struct api_call *c) { set_space_paused(c, true); }
void spaces_resume(struct api_call *c) { set_space_paused(c, false); }

// ---- connections ----

static bool has_value(const struct json *doc, const char *name)
{
    return json_is(json_get(json_get(doc, str_from(name)), STR("Sealed")), JSON_STRING);
}

// Whoever could point a connection at a host of their own, keeping its keys, would be sent them. Keys of identities say for
// which server they are (KeyFor), and the broker sends them to no other.
static void check_moved(struct api_call *c, struct decode *d, const struct store_object *old, str url)
{
    const struct json *was = object_doc(c, old);
    if (url_is_same_server(c->arena, url, json_str(json_get(was, STR("Url")), STR(""))))
        return;
    const struct json *key = json_get(c->body, STR("ReaderKey"));
    if (has_value(was, "ReaderKey") && !json_is(key, JSON_STRING) && !json_is(key, JSON_NULL))
        decode_error(d, "ReaderKey", "the Url names another server: send the reader's key for it again (a kept key is not sent elsewhere)");
}

static struct json *normalise_connection(struct api_call *c, const struct json *sent, const struct store_object *old, str *slug)
{
    struct decode d;
    struct url url;
    struct err e = { 0 };
    struct json *doc = json_new_object(c->arena);
    if (!begin(c, &d, sent))
        return doc;
    const struct connection_entry *other = snapshot_space_connection(c->snapshot, old ? old->space_id : api_space(c));
    if (other && (!old || other->id != old->id)) {
        api_fail(c, ERR_CONFLICT, "the space has a connection already (%.*s): a space stands for one Octopus space", STR_ARG(other->name));
        return doc;
    }
    *slug = unique_name(&d);
    str text = decode_required_str(&d, "Url");
    if (text.n && !url_parse(c->arena, text, &url, &e))
        decode_error(&d, "Url", "%s", e.text);
    else if (text.n && old)
        check_moved(c, &d, old, text);
    str space = decode_str(&d, "OctopusSpace", (str){ 0 });
    int64_t poll_seconds = decode_i64(&d, "PollSeconds", 5, 1, 3600);
    json_add_str(c->arena, doc, "Name", *slug);
    json_add_str(c->arena, doc, "Url", text);
    json_add_str(c->arena, doc, "OctopusSpace", space);
    pass_secret(c, &d, doc, "ReaderKey");
    json_add_i64(c->arena, doc, "PollSeconds", poll_seconds);
    const struct json *tls = decode_object(&d, "Tls");
    json_add(doc, STR("Tls"), tls ? json_copy(c->arena, tls) : json_new_object(c->arena));
    decode_ignore(&d, "Push"); // api_push.c's
    const struct json *push = old ? json_get(object_doc(c, old), STR("Push")) : NULL;
    if (push)
        json_add(doc, STR("Push"), json_copy(c->arena, push));
    decode_done(&d);
    return doc;
}

static void decorate_connection(struct api_call *c, const struct store_object *o, struct json *answer)
{
    struct tail_status tail;
    if (!engine_tail_status(c->web->opt.engine, o->id, &tail))
        tail = (struct tail_status){ .lag_ms = -1 };
    struct json *state = json_add(answer, STR("State"), json_new_object(c->arena));
    json_add_time(c->arena, state, "Watermark", tail.watermark_ms);
    json_add(state, STR("LagSeconds"), tail.lag_ms < 0 ? json_new_null(c->arena) : json_new_double(c->arena, (double)tail.lag_ms / 1000));
    // Before the first walk came to its end nothing is known, which is not the same as no error.
    json_add_str(c->arena, state, "Status", tail.last_error[0] ? STR("Failing") : tail.lag_ms < 0 ? STR("Connecting") : STR("Reading"));
    json_add_str(c->arena, state, "LastError", tail.last_error[0] ? arena_str(c->arena, str_from(tail.last_error)) : (str){ 0 });
    push_decorate(c, object_doc(c, o), &tail, answer);
}

static bool may_delete_connection(struct api_call *c, const struct store_object *o)
{
    struct err e = { 0 };
    struct store_objects found;
    if (!store_list(c->web->opt.store, KIND_IDENTITY, o->space_id, 0, (struct store_page){ .take = 1 }, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    if (!found.total)
        return true;
    api_fail(c, ERR_CONFLICT, "the space has identities of this connection: delete them first");
    return false;
}

static const struct object_api connections = { KIND_CONNECTION, "connections", "Connection", "connection", false, normalise_connection, decorate_connection, may_delete_connection };

void connections_list(struct api_call *c) { object_list(c, &connections, 0); }
void connections_create(struct api_call *c) { object_create(c, &connections); }
void connections_get(struct api_call *c) { object_get(c, &connections); }
void connections_update(struct api_call *c) { object_update(c, &connections); }
void connections_delete(struct api_call *c) { object_delete(c, &connections); }

// ---- identities ----

static struct json *normalise_identity(struct api_call *c, const struct json *sent, const struct store_object *old UNUSED, str *slug)
{
    struct decode d;
    struct json *doc = json_new_object(c->arena);
    if (!begin(c, &d, sent))
        return doc;
    *slug = unique_name(&d);
    json_add_str(c->arena, doc, "Name", *slug);
    str connection = decode_str(&d, "Connection", (str){ 0 });
    const struct connection_entry *own = snapshot_space_connection(c->snapshot, old ? old->space_id : api_space(c));
    int64_t id = 0;
    bool fits = own && (!connection.n || str_eq_nocase(connection, own->name) || (store_id_parse(connection, KIND_CONNECTION, &id) && id == own->id));
    if (!own)
        decode_error(&d, "Connection", "the space has no connection yet: create that first");
    else if (!fits)
        decode_error(&d, "Connection", "\"%.*s\" is not this space's connection, which is \"%.*s\"", STR_ARG(connection), STR_ARG(own->name));
    json_add_str(c->arena, doc, "Connection", own ? own->name : connection);
    pass_secret(c, &d, doc, "ApiKey");
    const struct json *was_for = old ? json_get(object_doc(c, old), STR("KeyFor")) : NULL;
    bool is_sent = json_is(json_get(c->body, STR("ApiKey")), JSON_STRING);
    json_add_str(c->arena, doc, "KeyFor", is_sent && own ? own->url : json_str(was_for, own ? own->url : (str){ 0 }));
    add_list(c, &d, doc, "GrantedTo");
    decode_done(&d);
    return doc;
}

static void decorate_identity(struct api_call *c, const struct store_object *o, struct json *answer)
{
    json_put(answer, STR("Checked"), identity_checked(c->web, c->snapshot, o->id, o->space_id, object_doc(c, o), c->arena));
}

// Nobody uses it any more: a run would otherwise fail later, without its author knowing why.
static bool is_unused(struct api_call *c, const struct store_object *o, bool is_identity)
{
    for (size_t i = 0; i < c->snapshot->reaction_count; i++) {
        const struct reaction_entry *r = &c->snapshot->reactions[i];
        if (r->space_id != o->space_id)
            continue;
        const struct identity_entry *identity = is_identity && r->def->identity.n ? snapshot_find_identity(c->snapshot, r->space_id, r->def->identity) : NULL;
        bool uses = identity && identity->id == o->id;
        for (size_t v = 0; !is_identity && v < r->def->variable_count; v++) {
            const struct secret_entry *s = r->def->variables[v].secret.n ? snapshot_find_secret(c->snapshot, r->space_id, r->def->variables[v].secret) : NULL;
            uses = uses || (s && s->id == o->id);
        }
        if (uses) {
            api_fail(c, ERR_CONFLICT, "the reaction \"%.*s\" uses it: change that first", STR_ARG(r->def->name));
            return false;
        }
    }
    return true;
}

static bool may_delete_identity(struct api_call *c, const struct store_object *o)
{
    return is_unused(c, o, true);
}

static const struct object_api identities = { KIND_IDENTITY, "identities", "Identity", "identity", false, normalise_identity, decorate_identity, may_delete_identity };

void identities_list(struct api_call *c) { object_list(c, &identities, 0); }
void identities_create(struct api_call *c) { object_create(c, &identities); }
void identities_get(struct api_call *c) { object_get(c, &identities); }
void identities_update(struct api_call *c) { object_update(c, &identities); }
void identities_delete(struct api_call *c) { object_delete(c, &identities); }

// ---- secrets ----

static struct json *normalise_secret(struct api_call *c, const struct json *sent, const struct store_object *old UNUSED, str *slug)
{
    struct decode d;
    struct json *doc = json_new_object(c->arena);
    if (!begin(c, &d, sent))
        return doc;
    *slug = unique_name(&d);
    json_add_str(c->arena, doc, "Name", *slug);
    pass_secret(c, &d, doc, "Value");
    add_list(c, &d, doc, "AllowedReactions");
    add_list(c, &d, doc, "AllowedHosts");
    decode_done(&d);
    return doc;
}

static bool may_delete_secret(struct api_call *c, const struct store_object *o)
{
    return is_unused(c, o, false);
}

static const struct object_api secrets = { KIND_SECRET, "secrets", "Secret", "secret", false, normalise_secret, NULL, may_delete_secret };

void secrets_list(struct api_call *c) { object_list(c, &secrets, 0); }
void secrets_create(struct api_call *c) { object_create(c, &secrets); }
void secrets_get(struct api_call *c) { object_get(c, &secrets); }
void secrets_update(struct api_call *c) { object_update(c, &secrets); }
void secrets_delete(struct api_call *c) { object_delete(c, &secrets); }
