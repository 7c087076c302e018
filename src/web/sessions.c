#include "web/sessions.h"

#include "base/encode.h"
#include "base/limits.h"
#include "base/timetext.h"
#include "secret/token.h"
#include "web/callers.h"
#include "web/handle.h"
#include "web/octopus_who.h"
#include "access/roles.h"

#include <sodium.h>

#define TOUCH_MS 60000 // how exact the last use is kept

// ---- cookies and origins ----

str session_cookie(const struct http_request *r, str name)
{
    str rest = http_header(r, STR("Cookie")), part;
    while (rest.n && str_split(&rest, ';', &part)) {
        part = str_trim(part);
        ptrdiff_t eq = str_find_char(part, '=');
        if (eq > 0 && str_eq(str_sub(part, 0, (size_t)eq), name))
            return str_skip(part, (size_t)eq + 1);
    }
    return (str){ "", 0 };
}

bool session_is_same_origin(const struct http_request *r, bool strict)
{
    str site = http_header(r, STR("Sec-Fetch-Site")), origin = http_header(r, STR("Origin")), host = http_header(r, STR("Host"));
    if (site.n && !str_eq(site, STR("same-origin")))
        return false;
    if (origin.n) {
        // The scheme is not compared: behind a proxy that ends TLS we do not know our own.
        str authority = str_starts(origin, STR("https://")) ? str_skip(origin, 8) : str_starts(origin, STR("http://")) ? str_skip(origin, 7) : (str){ "", 0 };
        if (!authority.n || !str_eq_nocase(authority, host))
            return false;
    }
    return !strict || site.n || origin.n;
}

// ---- finding ----

static str csrf_of(struct web *w, str cookie, struct arena *a)
{
    unsigned char hash[KEYRING_HASH_BYTES];
    keyring_hash(w->opt.keyring, "csrf", cookie, hash);
    return hex_encode(a, (str){ (const char *)hash, sizeof hash });
}

static int64_t time_of(const struct json *doc, const char *name)
{
    int64_t at;
    return timetext_parse(json_str(json_get(doc, str_from(name)), STR("")), &at) ? at : 0;
}

static bool has_ended(const struct json *doc, int64_t now)
{
    return now >= time_of(doc, "Created") + SESSION_MAX_MS || now >= time_of(doc, "LastSeen") + SESSION_IDLE_MS;
}

// Not more than once a minute: each costs a commit. Another request may do it at the same time; one of them is enough.
static void touch(struct web *w, struct store_object *o, struct json *doc, int64_t now, struct arena *a)
{
    if (now - time_of(doc, "LastSeen") < TOUCH_MS)
        return;
    json_put(doc, STR("LastSeen"), json_new_string(a, timetext(a, now)));
    struct store_put put = { .object = *o, .expected_version = o->version };
    put.object.doc = json_text(a, doc);
    struct err ignored;
    if (!store_change(w->opt.store, &put, 1, NULL, 0, &ignored))
        return; // ended or touched meanwhile
}

static str session_key_record(struct arena *a, int64_t session_id)
{
    return arena_printf(a, "Sessions-%" PRId64 "/Key", session_id);
}

// Who signed in with an Octopus key is asked for again by it: what changed in Octopus counts here within a minute.
static bool by_octopus(struct web *w, const struct store_object *o, const struct json *doc, struct arena *a, struct caller *out)
{
    struct err e = { 0 };
    int64_t connection_id;
    str key;
    if (!json_i64(json_get(doc, STR("ConnectionId")), &connection_id) || !keyring_unseal(w->opt.keyring, session_key_record(a, o->id), json_str(json_get(doc, STR("Key")), STR("")), a, &key, &e))
        return false;
    const struct snapshot *s = registry_take(w->opt.registry);
    bool ok = octopus_who(w, s, connection_id, key, a, out, &e);
    registry_give(w->opt.registry, s);
    return ok;
}

bool session_find(struct web *w, const struct http_request *r, struct arena *a, struct caller *out)
{
    str cookie = session_cookie(r, STR(SESSION_COOKIE)), public_id, hash;
    struct store_object *o;
    struct json *doc;
    int64_t now = clock_wall_ms(w->opt.clock);
    // The same work for a cookie that nobody has: the time of the answer says nothing either (bench/run timing).
    static const str nobodys = STR_INIT("{\"Hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"Created\":\"2001-01-01T00:00:00.000Z\",\"LastSeen\":\"2001-01-01T00:00:00.000Z\"}");
    if (!cookie.n || !token_read(TOKEN_SESSION, cookie, &public_id) || !store_find(w->opt.store, KIND_SESSION, 0, public_id, a, &o, NULL) || !json_parse(a, o ? o->doc : nobodys, &doc, NULL))
        return false;
    if (!hex_decode(a, json_str(json_get(doc, STR("Hash")), STR("")), &hash) || hash.n != KEYRING_HASH_BYTES || !token_matches(w->opt.keyring, cookie, (const unsigned char *)hash.p))
        return false;
    if (!o || has_ended(doc, now) || !(o->parent_id ? caller_of_user(w, o->parent_id, a, out) : by_octopus(w, o, doc, a, out)))
        return false;
    touch(w, o, doc, now, a);
    out->kind = CALLER_SESSION;
    out->session_id = o->id;
    out->expires_ms = time_of(doc, "Created") + SESSION_MAX_MS;
    out->csrf = csrf_of(w, cookie, a);
    return true;
}

bool session_proves_intent(struct api_call *c, bool is_change)
{
    if (!is_change || c->caller.kind != CALLER_SESSION)
        return true;
    str token = http_header(c->request, STR("X-CSRF-Token"));
    if (token.n != c->caller.csrf.n || sodium_memcmp(token.p, c->caller.csrf.p, token.n) != 0)
        api_fail(c, ERR_DENIED, "send the CsrfToken that GET /api/session answers in the header X-CSRF-Token");
    else if (!session_is_same_origin(c->request, true))
        api_fail(c, ERR_DENIED, "a change with a cookie must come from this server's own pages (Origin or Sec-Fetch-Site)");
    else
        return true;
    return false;
}

// ---- beginning and ending ----

static void set_cookie(struct api_call *c, str value, int64_t max_age_s)
{
    api_header(c, "Set-Cookie", arena_printf(c->arena, "%s=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%" PRId64, SESSION_COOKIE, STR_ARG(value), max_age_s));
}

// The oldest makes room.
static bool make_room(struct api_call *c, int64_t user_id, struct store_put *puts, size_t *count)
{
    struct store_objects found;
    struct err e = { 0 };
    if (!user_id)
        return true;
    if (!store_list(c->web->opt.store, KIND_SESSION, 0, user_id, (struct store_page){ .skip = LIMIT_SESSIONS_PER_USER - 1, .take = 1 }, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    if (found.count)
        puts[(*count)++] = (struct store_put){ .object = found.items[0], .expected_version = STORE_ANY_VERSION, .is_delete = true };
    return true;
}

bool session_begin(struct api_call *c, int64_t user_id, str name, const char *source, int64_t connection_id, str octopus_key)
{
    struct arena *a = c->arena;
    struct web *w = c->web;
    struct err e = { 0 };
    struct token token = token_new(TOKEN_SESSION, w->opt.keyring, w->opt.random, a);
    struct store_put puts[2] = { { .object = { .kind = KIND_SESSION, .parent_id = user_id, .slug = token.public_id }, .expected_version = STORE_MUST_BE_NEW } };
    size_t count = 1;
    if (!store_reserve_id(w->opt.store, KIND_SESSION, &puts[0].object.id, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    str now = timetext(a, clock_wall_ms(w->opt.clock));
    struct json *doc = json_new_object(a), *particulars = json_new_object(a);
    if (octopus_key.n) {
        json_add_i64(a, doc, "ConnectionId", connection_id);
        json_add_str(a, doc, "Key", keyring_seal(w->opt.keyring, session_key_record(a, puts[0].object.id), octopus_key, a));
    }
    json_add_str(a, doc, "Name", name);
    json_add_str(a, doc, "Source", str_from(source));
    json_add_str(a, doc, "Hash", hex_encode(a, (str){ (const char *)token.hash, sizeof token.hash }));
    json_add_str(a, doc, "Created", now);
    json_add_str(a, doc, "LastSeen", now);
    puts[0].object.doc = json_text(a, doc);
    json_add_str(a, particulars, "Source", str_from(source));
    json_add_str(a, particulars, "Address", c->request->remote.text);
    struct store_audit audit = { 0, name, STR("sign-in"), user_id ? store_id_text(a, KIND_USER, user_id) : name, json_text(a, particulars) };
    if (!make_room(c, user_id, puts, &count))
        return false;
    if (!store_change(w->opt.store, puts, count, &audit, 1, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    set_cookie(c, token.text, SESSION_MAX_MS / 1000);
    c->caller.kind = CALLER_SESSION;
    c->caller.session_id = puts[0].object.id;
    c->caller.csrf = csrf_of(w, token.text, a);
    c->caller.expires_ms = clock_wall_ms(w->opt.clock) + SESSION_MAX_MS;
    return true;
}

static struct json *text_list(struct arena *a, const struct access_list *list)
{
    struct json *j = json_new_array(a);
    for (size_t i = 0; i < list->count; i++)
        json_push(j, json_new_string(a, list->items[i]));
    return j;
}

void session_answer(struct api_call *c, int status)
{
    static const char *const kinds[] = { [CALLER_ANONYMOUS] = "Anonymous", [CALLER_ADMIN_KEY] = "AdminKey", [CALLER_SESSION] = "Session", [CALLER_API_KEY] = "ApiKey", [CALLER_OCTOPUS] = "Octopus" };
    struct arena *a = c->arena;
    struct access_grant everything = { .permissions = ACCESS_ALL_PERMISSIONS };
    const struct access_grant *grants = c->caller.is_admin ? &everything : c->caller.grants;
    size_t count = c->caller.is_admin ? 1 : c->caller.grant_count;
    struct json *j = c->answer = json_new_object(a);
    json_add_str(a, j, "Name", c->caller.name);
    json_add_str(a, j, "UserId", c->caller.user_id ? store_id_text(a, KIND_USER, c->caller.user_id) : (str){ 0 });
    json_add_str(a, j, "Kind", str_from(kinds[c->caller.kind]));
    json_add_time(a, j, "Expires", c->caller.expires_ms);
    json_add_str(a, j, "CsrfToken", c->caller.csrf.n ? c->caller.csrf : (str){ 0 });
    struct json *list = json_add(j, STR("Grants"), json_new_array(a));
    for (size_t i = 0; i < count; i++) {
        struct json *g = json_push(list, json_new_object(a));
        json_add_str(a, g, "Space", grants[i].space_id ? store_id_text(a, KIND_SPACE, grants[i].space_id) : (str){ 0 });
        json_add(g, STR("Projects"), text_list(a, &grants[i].projects));
        json_add(g, STR("Environments"), text_list(a, &grants[i].environments));
        role_add_permissions(a, json_add(g, STR("Permissions"), json_new_array(a)), grants[i].permissions);
    }
    struct json *links = json_add(j, STR("Links"), json_new_object(a));
    json_add_str(a, links, "Self", STR("/api/session"));
    c->status = status == 200 ? 0 : status;
}

void session_get(struct api_call *c)
{
    session_answer(c, 200);
}

void session_delete(struct api_call *c)
{
    struct store_put put = { .object = { .kind = KIND_SESSION, .id = c->caller.session_id }, .expected_version = STORE_ANY_VERSION, .is_delete = true };
    if (c->caller.kind != CALLER_SESSION) {
        api_fail(c, ERR_CONFLICT, "a key is not signed in: revoke it instead");
        return;
    }
    if (!people_change(c, &put, 1, "sign-out", store_id_text(c->arena, KIND_SESSION, c->caller.session_id), NULL))
        return;
    set_cookie(c, STR(""), 0);
    c->status = 204;
}

// Everywhere: all sessions of the person, this one too.
void sessions_delete(struct api_call *c)
{
    struct store_put *puts;
    size_t count;
    if (!c->caller.user_id) {
        api_fail(c, ERR_CONFLICT, "only a user of this server has sessions");
        return;
    }
    if (!people_gather_deletes(c, c->caller.user_id, PEOPLE_SESSIONS, 0, &puts, &count, 0) || !people_change(c, puts, count, "sign-out.everywhere", store_id_text(c->arena, KIND_USER, c->caller.user_id), NULL))
        return;
    if (c->caller.kind == CALLER_SESSION)
        set_cookie(c, STR(""), 0);
    c->status = 204;
}

void session_purge(struct web *w)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_objects found;
    struct err e = { 0 };
    struct json *doc;
    struct store_page page = { .take = 1000 };
    int64_t now = clock_wall_ms(w->opt.clock);
    do {
        arena_reset(&a);
        if (!store_list(w->opt.store, KIND_SESSION, 0, 0, page, &a, &found, &e))
            return; // the next round tries again
        for (size_t i = 0; i < found.count; i++) {
            struct store_put put = { .object = found.items[i], .expected_version = found.items[i].version, .is_delete = true };
            page.before_id = found.items[i].id;
            if ((!json_parse(&a, found.items[i].doc, &doc, NULL) || has_ended(doc, now)) && !store_change(w->opt.store, &put, 1, NULL, 0, &e))
                continue; // used or ended meanwhile
        }
    } while (found.has_more);
}
