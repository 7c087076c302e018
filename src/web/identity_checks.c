#include "web/identity_checks.h"

#include "access/octopus_account.h"
#include "access/octopus_rights.h"
#include "base/encode.h"
#include "base/timetext.h"
#include "http/egress.h"
#include "octopus/link.h"
#include "web/octopus_who.h"
#include "web/workers.h"

#define DAY_MS 86400000LL
#define FIRST_RETRY_MS 5000
#define LAST_RETRY_MS 3600000
#define NAME_BYTES_MAX 200

struct check {
    unsigned char of[KEYRING_HASH_BYTES]; // what it was made of: the identity and its connection, as stored
    int64_t due_ms;                       // monotonic: when to ask again
    int64_t retry_ms;                     // how long this waited for; 0: Octopus had answered
    char *shown;                          // JSON
    char *has;                            // JSON: names of permissions; NULL: not known
};

struct identity_checks {
    pthread_mutex_t lock;
    struct map checks; // the 8 bytes of the identity's id -> struct check
    bool is_running, is_asked, is_stopping;
    int64_t due_ms;    // monotonic: the earliest of all
};

struct identity_checks *identity_checks_new(void)
{
    struct identity_checks *c = xcalloc(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void check_free(struct check *k)
{
    if (!k)
        return;
    free(k->shown);
    free(k->has);
    free(k);
}

void identity_checks_stop(struct identity_checks *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    pthread_mutex_unlock(&c->lock);
}

void identity_checks_free(struct identity_checks *c)
{
    size_t at = 0;
    str id;
    void *found;
    if (!c)
        return;
    while (map_next(&c->checks, &at, &id, &found))
        check_free(found);
    map_fini(&c->checks);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static str id_key(const int64_t *id)
{
    return (str){ (const char *)id, sizeof *id };
}

static str ca_of(const struct connection_entry *connection)
{
    return json_str(json_get(json_get(connection->doc, STR("Tls")), STR("Ca")), STR(""));
}

static void digest(struct web *w, const struct connection_entry *connection, const struct json *doc, struct arena *a, unsigned char out[KEYRING_HASH_BYTES])
{
    struct json *all = json_new_array(a);
    json_push(all, json_copy(a, doc));
    if (connection) {
        json_push(all, json_new_string(a, connection->url));
        json_push(all, json_new_string(a, connection->octopus_space));
        json_push(all, json_new_string(a, ca_of(connection)));
    }
    keyring_hash(w->opt.keyring, "identity", json_text(a, all), out);
}

// ---- one identity ----

struct answer {
    str username;
    bool is_told, is_service; // whether Octopus told whose key it is
    bool is_final;            // nothing to ask again for before tomorrow
    struct json *warnings;
    struct json *has;         // names of permissions; NULL: not known
};

static void warn(struct answer *out, struct arena *a, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void warn(struct answer *out, struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    json_push(out->warnings, json_new_string(a, arena_vprintf(a, fmt, args)));
    va_end(args);
}

// The answer to one GET as JSON; NULL: there is none.
static struct json *get_json(struct web *w, const struct connection_entry *connection, str path, str key, struct arena *a)
{
    struct fetch_reply reply;
    struct json *out;
    return octopus_get(w, connection, path, key, a, &reply, NULL) && reply.status == 200 && json_parse(a, reply.body, &out, NULL) ? out : NULL;
}

// The reactions that act as it, with the projects that their filters and scopes name.
static size_t find_needs(const struct snapshot *s, const struct identity_entry *identity, struct arena *a, struct octopus_need *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->reaction_count; i++) {
        const struct reaction_entry *r = &s->reactions[i];
        if (r->space_id != identity->space_id || !r->def->identity.n || snapshot_find_identity(s, r->space_id, r->def->identity) != identity)
            continue;
        static const struct str_list none;
        const struct str_list *filter = r->ids ? &r->ids->filters[FILTER_PROJECTS] : &none, *scope = r->ids ? &r->ids->scopes[0] : &none;
        str *projects = ARENA_ARRAY(a, str, filter->count + scope->count);
        for (size_t p = 0; p < filter->count + scope->count; p++)
            projects[p] = p < filter->count ? filter->items[p] : scope->items[p - filter->count];
        out[count++] = (struct octopus_need){ r->def->name, projects, filter->count + scope->count, r->def->script };
    }
    return count;
}

// What it may do in the space, wherever it is limited to.
static struct json *names_of(const struct json *permissions, str space, struct arena *a)
{
    struct json *out = json_new_array(a);
    if (octopus_has_system(permissions, STR("AdministerSystem")))
        json_push(out, json_new_string(a, STR("AdministerSystem")));
    json_each(permission, json_get(permissions, STR("SpacePermissions")))
    {
        bool holds = false;
        json_each(entry, permission)
            holds = holds || octopus_entry_is_in(entry, space);
        if (holds)
            json_push(out, json_new_string(a, permission->name));
    }
    return out;
}

static void judge(struct web *w, const struct snapshot *s, const struct identity_entry *identity, const struct connection_entry *connection, const struct json *me, str key, struct arena *a, struct answer *out)
{
    str user = json_str(json_get(me, STR("Id")), STR("")), space = STR(""), name;
    struct octopus_need *needs = ARENA_ARRAY(a, struct octopus_need, s->reaction_count);
    size_t need_count = find_needs(s, identity, a, needs);
    const struct json *permissions = NULL;
    if (octopus_is_id(user)) // it becomes part of a path
        permissions = get_json(w, connection, arena_printf(a, "/api/users/%.*s/permissions?includeSystem=true&spaces=all", STR_ARG(user)), key, a);
    const struct json *spaces = get_json(w, connection, STR("/api/spaces?skip=0&take=1000"), key, a);
    if (!spaces || !octopus_find_space(spaces, connection->octopus_space, &space, &name, NULL))
        space = STR("");
    out->is_told = true;
    out->username = json_str(json_get(me, STR("Username")), STR(""));
    out->username.n = MIN(out->username.n, (size_t)NAME_BYTES_MAX);
    out->is_service = json_bool(json_get(me, STR("IsService")), false);
    out->warnings = octopus_account_warnings(me, permissions, space, needs, need_count, a);
    out->is_final = permissions && spaces;
    if (json_bool(json_get(permissions, STR("IsPermissionsComplete")), false))
        out->has = names_of(permissions, space, a);
}

// is_silent: that server did not answer a moment ago; set when it does not now.
static void ask(struct web *w, const struct snapshot *s, const struct identity_entry *identity, const struct connection_entry *connection, bool *is_silent, struct arena *a, struct answer *out)
{
    struct fetch_reply reply;
    struct json *me;
    struct err e = { 0 };
    str key = { 0 };
    out->is_final = true; // until something is missing that may come
    if (!connection) {
        warn(out, a, "the space has no connection: there is no Octopus to ask");
        return;
    }
    if (!url_is_same_server(a, json_str(json_get(identity->doc, STR("KeyFor")), connection->url), connection->url)) {
        warn(out, a, "the connection names another server since the key was set: set that again");
        return;
    }
    if (!sealed_open_value(KIND_IDENTITY, identity->id, "ApiKey", json_get(identity->doc, STR("ApiKey")), w->opt.keyring, a, &key, &e)) {
        warn(out, a, "the key cannot be opened: %s", e.text);
        return;
    }
    if (!key.n) {
        warn(out, a, "it has no ApiKey");
        return;
    }
    if (*is_silent || !octopus_get(w, connection, STR("/api/users/me"), key, a, &reply, &e)) {
        warn(out, a, "Octopus could not be asked whose key this is, and is asked again later%s%s", *is_silent ? "" : ": ", e.text);
        *is_silent = true;
        out->is_final = false;
    } else if (reply.status == 401 || reply.status == 403) {
        warn(out, a, "Octopus refuses this key (status %d): it is wrong, expired, revoked, or its account is disabled", reply.status);
    } else if (reply.status != 200 || !json_parse(a, reply.body, &me, NULL) || !json_is(me, JSON_OBJECT)) {
        warn(out, a, "Octopus did not tell whose key this is (status %d), and is asked again later", reply.status);
        out->is_final = false;
    } else {
        judge(w, s, identity, connection, me, key, a, out);
    }
}

static char *kept_text(const struct json *j, struct arena *a)
{
    str text = json_text(a, j);
    char *out = xmalloc(text.n + 1);
    memcpy(out, text.p, text.n);
    out[text.n] = 0;
    return out;
}

static char *show(const struct answer *answer, int64_t at_ms, struct arena *a)
{
    struct json *j = json_new_object(a);
    json_add_time(a, j, "At", at_ms);
    json_add_str(a, j, "Username", answer->is_told ? answer->username : (str){ 0 });
    json_add(j, STR("IsService"), answer->is_told ? json_new_bool(a, answer->is_service) : json_new_null(a));
    json_add(j, STR("Warnings"), answer->warnings);
    return kept_text(j, a);
}

// ---- over a restart ----

static void keep(struct web *w, int64_t id, const struct check *k, struct arena *a)
{
    struct json *doc = json_new_object(a), *shown, *has;
    struct err e;
    json_add_str(a, doc, "Of", hex_encode(a, (str){ (const char *)k->of, sizeof k->of }));
    json_add_time(a, doc, "Due", clock_wall_ms(w->opt.clock) + k->due_ms - clock_mono_ms(w->opt.clock));
    json_add_i64(a, doc, "RetryMs", k->retry_ms);
    json_add(doc, STR("Shown"), json_parse(a, str_from(k->shown), &shown, NULL) ? shown : json_new_null(a));
    json_add(doc, STR("Has"), k->has && json_parse(a, str_from(k->has), &has, NULL) ? has : json_new_null(a));
    struct store_put put = { .object = { .kind = KIND_CHECK, .id = id, .doc = json_text(a, doc) }, .expected_version = STORE_ANY_VERSION };
    if (!store_change(w->opt.store, &put, 1, NULL, 0, &e))
        return; // it is shown all the same; a restart asks anew
}

static void forget(struct web *w, int64_t id)
{
    struct store_put put = { .object = { .kind = KIND_CHECK, .id = id }, .expected_version = STORE_ANY_VERSION, .is_delete = true };
    struct err e;
    if (!store_change(w->opt.store, &put, 1, NULL, 0, &e))
        return; // the next start loads it, and its first pass tries again
}

static struct check *read_check(struct web *w, const struct store_object *o, struct arena *a)
{
    struct json *doc;
    int64_t due, retry_ms = 0;
    str of;
    if (!json_parse(a, o->doc, &doc, NULL) || !hex_decode(a, json_str(json_get(doc, STR("Of")), STR("")), &of) || of.n != KEYRING_HASH_BYTES || !timetext_parse(json_str(json_get(doc, STR("Due")), STR("")), &due) ||
        !json_is(json_get(doc, STR("Shown")), JSON_OBJECT))
        return NULL;
    json_i64(json_get(doc, STR("RetryMs")), &retry_ms);
    struct check *k = xcalloc(1, sizeof *k);
    memcpy(k->of, of.p, of.n);
    // However the clock was set meanwhile, within a day.
    k->due_ms = clock_mono_ms(w->opt.clock) + MAX(MIN(due - clock_wall_ms(w->opt.clock), DAY_MS), (int64_t)0);
    k->retry_ms = MAX(MIN(retry_ms, LAST_RETRY_MS), (int64_t)0);
    k->shown = kept_text(json_get(doc, STR("Shown")), a);
    k->has = json_is(json_get(doc, STR("Has")), JSON_ARRAY) ? kept_text(json_get(doc, STR("Has")), a) : NULL;
    return k;
}

bool identity_checks_load(struct web *w, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_page page = { .take = 1000 };
    struct store_objects found;
    do {
        arena_reset(&a);
        if (!store_list(w->opt.store, KIND_CHECK, 0, 0, page, &a, &found, e))
            return false;
        for (size_t i = 0; i < found.count; i++) {
            struct check *k = read_check(w, &found.items[i], &a);
            page.before_id = found.items[i].id;
            if (k)
                check_free(map_put(&w->identity_checks->checks, id_key(&found.items[i].id), k));
        }
    } while (found.has_more);
    return true;
}

// ---- all of them ----

static bool is_due(struct identity_checks *c, int64_t id, const unsigned char *of, int64_t now, int64_t *retry_ms)
{
    pthread_mutex_lock(&c->lock);
    const struct check *k = map_get(&c->checks, id_key(&id));
    bool is_same = k && !memcmp(k->of, of, sizeof k->of);
    bool due = !c->is_stopping && (!is_same || k->due_ms <= now);
    *retry_ms = is_same ? k->retry_ms : 0;
    pthread_mutex_unlock(&c->lock);
    return due;
}

static void check_one(struct web *w, const struct snapshot *s, const struct identity_entry *identity, struct map *silent)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct identity_checks *c = w->identity_checks;
    const struct connection_entry *connection = snapshot_connection(s, identity->connection_id);
    unsigned char of[KEYRING_HASH_BYTES];
    int64_t retry_ms, now = clock_mono_ms(w->opt.clock);
    digest(w, connection, identity->doc, &a, of);
    if (!is_due(c, identity->id, of, now, &retry_ms))
        return;
    bool is_silent = connection && map_get(silent, id_key(&connection->id));
    struct answer answer = { .warnings = json_new_array(&a) };
    ask(w, s, identity, connection, &is_silent, &a, &answer);
    if (is_silent)
        map_put(silent, id_key(&connection->id), w);
    struct check *k = xcalloc(1, sizeof *k);
    memcpy(k->of, of, sizeof of);
    k->retry_ms = answer.is_final ? 0 : retry_ms ? MIN(2 * retry_ms, LAST_RETRY_MS) : FIRST_RETRY_MS;
    k->due_ms = clock_mono_ms(w->opt.clock) + (answer.is_final ? DAY_MS : k->retry_ms);
    k->has = answer.has ? kept_text(answer.has, &a) : NULL;
    k->shown = show(&answer, clock_wall_ms(w->opt.clock), &a);
    keep(w, identity->id, k, &a);
    pthread_mutex_lock(&c->lock);
    check_free(map_put(&c->checks, id_key(&identity->id), k));
    pthread_mutex_unlock(&c->lock);
}

static bool is_there(const struct snapshot *s, str key)
{
    for (size_t i = 0; i < s->identity_count; i++)
        if (str_eq(id_key(&s->identities[i].id), key))
            return true;
    return false;
}

static void pass(struct web *w)
{
    struct identity_checks *c = w->identity_checks;
    const struct snapshot *s = registry_take(w->opt.registry);
    struct map silent = { 0 }; // connections whose server does not answer: it is not waited for again in this round
    for (size_t i = 0; i < s->identity_count; i++)
        check_one(w, s, &s->identities[i], &silent);
    map_fini(&silent);
    size_t at = 0;
    str key;
    void *found;
    int64_t *gone = NULL;
    size_t gone_count = 0, gone_cap = 0;
    pthread_mutex_lock(&c->lock);
    c->due_ms = clock_mono_ms(w->opt.clock) + DAY_MS;
    while (map_next(&c->checks, &at, &key, &found))
        if (is_there(s, key)) {
            c->due_ms = MIN(c->due_ms, ((struct check *)found)->due_ms);
        } else {
            xgrow(&gone, &gone_cap, gone_count + 1, sizeof *gone);
            memcpy(&gone[gone_count++], key.p, sizeof *gone);
            check_free(map_remove(&c->checks, key));
        }
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < gone_count; i++)
        forget(w, gone[i]);
    free(gone);
    registry_give(w->opt.registry, s);
}

static void run(void *ctx)
{
    struct web *w = ctx;
    struct identity_checks *c = w->identity_checks;
    bool goes_on = true;
    while (goes_on) {
        pass(w);
        pthread_mutex_lock(&c->lock);
        goes_on = c->is_asked && !c->is_stopping;
        c->is_running = goes_on;
        c->is_asked = false;
        pthread_mutex_unlock(&c->lock);
    }
}

void identity_checks_tick(struct web *w)
{
    struct identity_checks *c = w->identity_checks;
    pthread_mutex_lock(&c->lock);
    bool begins = !c->is_running && !c->is_stopping && (c->is_asked || c->due_ms <= clock_mono_ms(w->opt.clock));
    if (begins) {
        c->is_running = true;
        c->is_asked = false;
    }
    pthread_mutex_unlock(&c->lock);
    if (!begins || workers_submit(w->slow_workers, run, w))
        return;
    pthread_mutex_lock(&c->lock); // no room: the next tick tries again
    c->is_running = false;
    c->is_asked = true;
    pthread_mutex_unlock(&c->lock);
}

void identity_checks_ask(struct web *w, int64_t identity_id)
{
    struct identity_checks *c = w->identity_checks;
    pthread_mutex_lock(&c->lock);
    struct check *k = identity_id ? map_get(&c->checks, id_key(&identity_id)) : NULL;
    if (k)
        k->due_ms = 0; // still shown meanwhile, where nothing changed
    c->is_asked = true;
    pthread_mutex_unlock(&c->lock);
    identity_checks_tick(w);
}

// One of a check's texts, while what it was made of is still stored so; empty: there is none.
static str checked_text(struct web *w, const struct snapshot *s, int64_t id, int64_t space_id, const struct json *doc, bool is_has, struct arena *a)
{
    struct identity_checks *c = w->identity_checks;
    unsigned char of[KEYRING_HASH_BYTES];
    str out = { 0 };
    digest(w, snapshot_space_connection(s, space_id), doc, a, of);
    pthread_mutex_lock(&c->lock);
    const struct check *k = map_get(&c->checks, id_key(&id));
    const char *text = k ? (is_has ? k->has : k->shown) : NULL;
    if (text && !memcmp(k->of, of, sizeof of))
        out = arena_str(a, str_from(text));
    pthread_mutex_unlock(&c->lock);
    return out;
}

struct json *identity_checked(struct web *w, const struct snapshot *s, int64_t id, int64_t space_id, const struct json *doc, struct arena *a)
{
    struct json *out = NULL;
    str shown = checked_text(w, s, id, space_id, doc, false, a);
    return shown.n && json_parse(a, shown, &out, NULL) ? out : json_new_null(a);
}

struct json *identity_has(struct web *w, const struct snapshot *s, int64_t id, int64_t space_id, const struct json *doc, struct arena *a)
{
    struct json *out = NULL;
    str has = checked_text(w, s, id, space_id, doc, true, a);
    return has.n && json_parse(a, has, &out, NULL) ? out : NULL;
}
