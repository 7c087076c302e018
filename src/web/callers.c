#include "web/callers.h"

#include "base/encode.h"
#include "base/timetext.h"
#include "secret/token.h"
#include "web/handle.h"
#include "web/octopus_who.h"
#include "access/roles.h"
#include "web/sessions.h"

static struct store_object *get(struct web *w, enum store_kind kind, int64_t id, struct arena *a)
{
    struct store_object *o = NULL;
    return store_get(w->opt.store, kind, 0, id, a, &o, NULL) ? o : NULL;
}

static struct json *doc_of(const struct store_object *o, struct arena *a)
{
    struct json *doc;
    return o && json_parse(a, o->doc, &doc, NULL) ? doc : NULL;
}

static uint64_t permissions_of(struct web *w, str role, struct arena *a)
{
    const struct role *built_in = role_find_built_in(role);
    int64_t id;
    if (built_in)
        return built_in->permissions;
    return store_id_parse(role, KIND_ROLE, &id) ? role_permissions(doc_of(get(w, KIND_ROLE, id, a), a)) : 0;
}

static struct access_list read_list(const struct json *list, struct arena *a)
{
    size_t count = json_is(list, JSON_ARRAY) ? list->count : 0;
    str *items = ARENA_ARRAY(a, str, count);
    count = 0;
    json_each(item, list)
        items[count++] = json_str(item, STR(""));
    return (struct access_list){ items, count };
}

void caller_read_grants(struct web *w, const struct json *assignments, struct arena *a, struct access_grant **grants, size_t *count)
{
    *count = 0;
    *grants = ARENA_ARRAY(a, struct access_grant, json_is(assignments, JSON_ARRAY) ? assignments->count : 0);
    json_each(item, assignments)
    {
        struct access_grant g = { .permissions = permissions_of(w, json_str(json_get(item, STR("Role")), STR("")), a) };
        const struct json *space = json_get(item, STR("Space"));
        // A space that cannot be read is no space, not every one.
        if (json_is(space, JSON_STRING) && !store_id_parse(space->text, KIND_SPACE, &g.space_id))
            continue;
        g.projects = read_list(json_get(item, STR("Projects")), a);
        g.environments = read_list(json_get(item, STR("Environments")), a);
        if (g.permissions)
            (*grants)[(*count)++] = g;
    }
}

bool caller_of_user(struct web *w, int64_t user_id, struct arena *a, struct caller *out)
{
    const struct json *doc = doc_of(get(w, KIND_USER, user_id, a), a);
    if (!doc || json_bool(json_get(doc, STR("IsDisabled")), false))
        return false;
    *out = (struct caller){ .kind = CALLER_SESSION, .user_id = user_id, .name = json_str(json_get(doc, STR("Username")), STR("")) };
    out->actor = out->name;
    caller_read_grants(w, json_get(doc, STR("Roles")), a, &out->grants, &out->grant_count);
    return true;
}

// ---- a person's API key ----

static bool is_valid(struct web *w, const struct json *doc, str key, int64_t *expires_ms, struct arena *a)
{
    str hash;
    if (!hex_decode(a, json_str(json_get(doc, STR("Hash")), STR("")), &hash) || hash.n != KEYRING_HASH_BYTES || !token_matches(w->opt.keyring, key, (const unsigned char *)hash.p))
        return false;
    // A key without an end is none: expiry is obligatory (permissions.md rule 8).
    return timetext_parse(json_str(json_get(doc, STR("Expires")), STR("")), expires_ms) && clock_wall_ms(w->opt.clock) < *expires_ms && !json_bool(json_get(doc, STR("IsRevoked")), false);
}

struct access_grant caller_key_limit(const struct json *doc, struct arena *a)
{
    struct access_grant limit = { .permissions = json_is(json_get(doc, STR("Permissions")), JSON_ARRAY) ? role_permissions(doc) : ACCESS_ALL_PERMISSIONS };
    if (!store_id_parse(json_str(json_get(doc, STR("Space")), STR("")), KIND_SPACE, &limit.space_id))
        limit.space_id = 0;
    limit.projects = read_list(json_get(doc, STR("Projects")), a);
    limit.environments = read_list(json_get(doc, STR("Environments")), a);
    return limit;
}

static bool by_key(struct web *w, str key, str address, struct arena *a, struct caller *out)
{
    str public_id;
    struct store_object *o;
    int64_t expires_ms;
    if (!token_read(TOKEN_MANAGEMENT, key, &public_id))
        return false;
    if (token_matches(w->opt.keyring, key, w->admin_hash)) {
        *out = (struct caller){ .kind = CALLER_ADMIN_KEY, .name = STR("admin.key"), .actor = STR("admin.key"), .is_admin = true };
        return true;
    }
    // The same work for a key that nobody has: the time of the answer says nothing either (bench/run timing).
    static struct store_object nobodys = { .doc = STR_INIT("{\"Hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"Label\":\"\",\"Expires\":\"2001-01-01T00:00:00.000Z\"}") };
    if (!store_find(w->opt.store, KIND_API_KEY, 0, public_id, a, &o, NULL))
        return false;
    const struct json *doc = doc_of(o ? o : &nobodys, a);
    if (!is_valid(w, doc, key, &expires_ms, a) || !o || !caller_of_user(w, o->parent_id, a, out))
        return false;
    struct access_grant limit = caller_key_limit(doc, a), *both = ARENA_ARRAY(a, struct access_grant, out->grant_count);
    size_t count = 0;
    for (size_t i = 0; i < out->grant_count; i++)
        count += access_narrow(&out->grants[i], &limit, a, &both[count]);
    out->grants = both;
    out->grant_count = count;
    // Counted with the trigger keys, whose ids are positive.
    store_key_used(w->opt.store, &(struct store_key_use){ -o->id, clock_wall_ms(w->opt.clock), 1, address }, 1);
    out->kind = CALLER_API_KEY;
    out->key_id = o->id;
    out->expires_ms = expires_ms;
    out->actor = arena_printf(a, "%.*s with %.*s", STR_ARG(out->name), STR_ARG(store_id_text(a, KIND_API_KEY, o->id)));
    return true;
}

static str bearer(const struct http_request *r)
{
    str authorization = http_header(r, STR("Authorization"));
    return str_starts_nocase(authorization, STR("Bearer ")) ? str_trim(str_skip(authorization, 7)) : (str){ 0 };
}

bool caller_by_octopus_key(struct web *w, int64_t space_id, str key, str address, struct arena *a, struct caller *out, int64_t *connection_id, struct err *e)
{
    const struct snapshot *s = registry_take(w->opt.registry);
    const struct connection_entry *connection = snapshot_space_connection(s, space_id ? space_id : 1);
    bool ok = false;
    *connection_id = connection ? connection->id : 0;
    if (!connection)
        err_set(e, ERR_DENIED, "the space has no connection to an Octopus server");
    else if (!people_may_try_from(w, address))
        err_set(e, ERR_BUSY, "too many tries: wait a quarter of an hour");
    else {
        ok = octopus_who(w, s, connection->id, key, a, out, e);
        // Only a key that Octopus refuses was a try; that it does not answer is nobody's fault here.
        if (ok || e->kind != ERR_DENIED)
            people_try_from_succeeded(w, address);
    }
    registry_give(w->opt.registry, s);
    return ok;
}

static bool by_octopus_key(struct web *w, const struct http_request *r, str key, struct arena *a, struct caller *out)
{
    struct err e = { 0 };
    int64_t connection_id;
    const struct snapshot *s = registry_take(w->opt.registry);
    const struct space_entry *space = api_space_of_path(s, r->path);
    int64_t space_id = space ? space->id : 0;
    registry_give(w->opt.registry, s);
    return caller_by_octopus_key(w, space_id, key, r->remote.text, a, out, &connection_id, &e);
}

// Octopus's keys begin so, whatever their version.
static bool is_octopus_key(str key)
{
    return str_starts(key, STR("API-")) && key.n < 256;
}

static str key_of(const struct http_request *r)
{
    str key = http_header(r, STR("X-Octopus-ApiKey"));
    return key.n ? key : bearer(r);
}

bool caller_is_slow(const struct web *w UNUSED, const struct http_request *r)
{
    return is_octopus_key(key_of(r)) || str_starts_nocase(r->path, STR("/api/session")) || str_starts_nocase(r->path, STR("/api/setup"));
}

void caller_find(struct web *w, const struct http_request *r, struct arena *a, struct caller *out)
{
    str key = key_of(r);
    if (is_octopus_key(key) ? by_octopus_key(w, r, key, a, out) : key.n ? by_key(w, key, r->remote.text, a, out) : session_find(w, r, a, out))
        return;
    if (key.n)
        people_note_failure(w, STR("key.failed"), 0, r->remote.text, "a key that is wrong, expired, or of a disabled user");
    *out = (struct caller){ .kind = CALLER_ANONYMOUS, .name = STR("anonymous"), .actor = STR("anonymous"), .is_anonymous = true };
}
