#include "web/octopus_who.h"

#include "base/encode.h"
#include "base/limits.h"
#include "octopus/link.h"
#include "reaction/sealed.h"
#include "access/octopus_rights.h"

#define CACHE_MAX 1000

// What one server said of one key: three documents as it sent them.
struct said {
    int64_t at_ms; // monotonic
    struct arena arena;
    str me, permissions, spaces;
};

struct octopus_cache {
    pthread_mutex_t lock;
    struct map said; // keyed hash of connection and key -> struct said
};

struct octopus_cache *octopus_cache_new(void)
{
    struct octopus_cache *c = xcalloc(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void said_free(struct said *s)
{
    if (!s)
        return;
    arena_fini(&s->arena);
    free(s);
}

static void forget_old(struct octopus_cache *c, int64_t now_ms, bool all)
{
    size_t at = 0;
    str key;
    void *found;
    while (map_next(&c->said, &at, &key, &found))
        if (all || now_ms - ((struct said *)found)->at_ms >= OCTOPUS_WHO_MS)
            said_free(map_remove(&c->said, key));
}

void octopus_cache_free(struct octopus_cache *c)
{
    if (!c)
        return;
    forget_old(c, 0, true);
    map_fini(&c->said);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool octopus_get(struct web *w, const struct connection_entry *connection, str path, str key, struct arena *a, struct fetch_reply *out, struct err *e)
{
    struct http_header headers[] = { { STR("X-Octopus-ApiKey"), key }, { STR("Accept"), STR("application/json") } };
    str url = connection->url;
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    struct http_call_options opt = { .method = STR("GET"), .url = arena_concat(a, url, path), .headers = headers, .header_count = COUNT(headers), .purpose = EGRESS_BROKER };
    const struct json *ca = json_get(json_get(connection->doc, STR("Tls")), STR("Ca"));
    opt.tls.ca_pem = json_str(ca, (str){ 0 });
    return fetch(w->fetcher, opt, a, out, e) || err_in(e, "Octopus");
}

static bool get(struct web *w, const struct connection_entry *connection, str path, str key, struct arena *a, str *body, struct err *e)
{
    struct fetch_reply reply;
    if (!octopus_get(w, connection, path, key, a, &reply, e))
        return false;
    if (reply.status == 401 || reply.status == 403)
        return err_set(e, ERR_DENIED, "Octopus does not know this key, or does not let it ask");
    *body = reply.body;
    return reply.status == 200 || err_set(e, ERR_BUSY, "Octopus answered %d", reply.status);
}

bool octopus_is_id(str id)
{
    bool fits = id.n && id.n <= LIMIT_OCTOPUS_ID_BYTES;
    for (size_t i = 0; i < id.n; i++)
        fits = fits && (id.p[i] == '-' || (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'A' && id.p[i] <= 'Z') || (id.p[i] >= 'a' && id.p[i] <= 'z'));
    return fits;
}

static bool ask(struct web *w, const struct connection_entry *connection, str key, struct arena *a, struct said *out, struct err *e)
{
    struct json *me;
    if (!get(w, connection, STR("/api/users/me"), key, a, &out->me, e))
        return false;
    if (!json_parse(a, out->me, &me, e))
        return err_in(e, "Octopus, /api/users/me");
    str id = json_str(json_get(me, STR("Id")), STR(""));
    if (!octopus_is_id(id)) // it becomes part of a path
        return err_set(e, ERR_INVALID, "Octopus does not say who this key belongs to");
    return get(w, connection, arena_printf(a, "/api/users/%.*s/permissions?includeSystem=true&spaces=all", STR_ARG(id)), key, a, &out->permissions, e) &&
        get(w, connection, STR("/api/spaces?skip=0&take=1000"), key, a, &out->spaces, e);
}

// Our spaces that stand for a space of that server.
static size_t find_places(const struct snapshot *s, const struct connection_entry *asked, const struct json *spaces, struct arena *a, struct octopus_place *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->connection_count; i++) {
        const struct connection_entry *c = &s->connections[i];
        str id, name;
        if (str_eq_nocase(c->url, asked->url) && octopus_find_space(spaces, c->octopus_space, &id, &name, NULL))
            out[count++] = (struct octopus_place){ c->space_id, arena_str(a, id) };
    }
    return count;
}

static bool conclude(const struct snapshot *s, const struct connection_entry *connection, const struct said *said, struct arena *a, struct caller *out, struct err *e)
{
    struct json *me, *permissions, *spaces;
    if (!json_parse(a, said->me, &me, e) || !json_parse(a, said->permissions, &permissions, e) || !json_parse(a, said->spaces, &spaces, e))
        return err_in(e, "Octopus");
    str name = json_str(json_get(me, STR("Username")), STR(""));
    if (!name.n || name.n > 200 || !json_bool(json_get(me, STR("IsActive")), true))
        return err_set(e, ERR_DENIED, "Octopus does not name an active user");
    struct octopus_place *places = ARENA_ARRAY(a, struct octopus_place, s->connection_count);
    size_t count = find_places(s, connection, spaces, a, places);
    *out = (struct caller){ .kind = CALLER_OCTOPUS };
    // No user of ours can have this name: there is no "/" in theirs.
    out->name = out->actor = arena_printf(a, "octopus/%.*s", STR_ARG(name));
    return octopus_rights(permissions, places, count, a, &out->grants, &out->grant_count, e);
}

bool octopus_who(struct web *w, const struct snapshot *s, int64_t connection_id, str key, struct arena *a, struct caller *out, struct err *e)
{
    struct octopus_cache *c = w->octopus;
    const struct connection_entry *connection = snapshot_connection(s, connection_id);
    unsigned char hash[KEYRING_HASH_BYTES];
    if (!connection)
        return err_set(e, ERR_DENIED, "the space has no Octopus server to ask");
    keyring_hash(w->opt.keyring, "octopus", arena_printf(a, "%" PRId64 " %.*s %.*s", connection_id, STR_ARG(connection->url), STR_ARG(key)), hash);
    str name = { (const char *)hash, sizeof hash };
    struct said said = { 0 };
    int64_t now = clock_mono_ms(w->opt.clock);
    pthread_mutex_lock(&c->lock);
    const struct said *known = map_get(&c->said, name);
    bool is_known = known && now - known->at_ms < OCTOPUS_WHO_MS;
    if (is_known) {
        said.me = arena_str(a, known->me);
        said.permissions = arena_str(a, known->permissions);
        said.spaces = arena_str(a, known->spaces);
    }
    pthread_mutex_unlock(&c->lock);
    if (!is_known) {
        if (!ask(w, connection, key, a, &said, e))
            return false;
        struct said *kept = xcalloc(1, sizeof *kept);
        kept->at_ms = now; // of the question: the answer is no younger
        kept->me = arena_str(&kept->arena, said.me);
        kept->permissions = arena_str(&kept->arena, said.permissions);
        kept->spaces = arena_str(&kept->arena, said.spaces);
        pthread_mutex_lock(&c->lock);
        if (c->said.count >= CACHE_MAX)
            forget_old(c, now, false);
        if (c->said.count >= CACHE_MAX)
            forget_old(c, now, true);
        said_free(map_put(&c->said, name, kept));
        pthread_mutex_unlock(&c->lock);
    }
    return conclude(s, connection, &said, a, out, e);
}
