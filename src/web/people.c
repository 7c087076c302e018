#include "web/people.h"

#include "base/limits.h"
#include "web/handle.h"
#include "access/roles.h"
#include "access/throttle.h"

#define FAILURE_ROWS 20 // in FAILURE_MS; more are counted
#define FAILURE_MS 60000

struct people {
    pthread_mutex_t lock;
    struct throttle throttle;
    int64_t failures_since_ms; // monotonic
    int failures;              // of that time
};

bool people_open(struct web *w UNUSED, struct people **out, struct err *e UNUSED)
{
    struct people *p = xcalloc(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    *out = p;
    return true;
}

void people_close(struct people *p)
{
    if (!p)
        return;
    throttle_fini(&p->throttle);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

bool people_change(struct api_call *c, const struct store_put *puts, size_t count, const char *action, str subject, const struct json *particulars)
{
    struct err e = { 0 };
    struct store_audit audit = { 0, c->caller.actor, str_from(action), subject, particulars ? json_text(c->arena, particulars) : STR("{}") };
    if (!store_change(c->web->opt.store, puts, count, &audit, 1, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    stream_people_changed(c->web->hub);
    return true;
}

// ---- tries ----

static size_t try_keys(struct api_call *c, str account, str keys[2])
{
    char *lower = arena_bytes(c->arena, account.n + 1);
    size_t n = MIN(account.n, (size_t)200);
    for (size_t i = 0; i < n; i++)
        lower[i] = account.p[i] >= 'A' && account.p[i] <= 'Z' ? (char)(account.p[i] | 0x20) : account.p[i];
    keys[0] = n ? arena_printf(c->arena, "account:%.*s", (int)n, lower) : STR("");
    keys[1] = throttle_network(c->arena, c->request->remote.text);
    return 2;
}

bool people_may_try(struct api_call *c, str account)
{
    struct people *p = c->web->people;
    str keys[2];
    size_t count = try_keys(c, account, keys);
    pthread_mutex_lock(&p->lock);
    int64_t wait_ms = throttle_take(&p->throttle, keys, count, clock_mono_ms(c->web->opt.clock));
    pthread_mutex_unlock(&p->lock);
    if (!wait_ms)
        return true;
    api_fail(c, ERR_BUSY, "too many tries: wait a quarter of an hour");
    c->status = 429;
    c->retry_after_s = (int)(wait_ms / 1000) + 1;
    people_note_failure(c->web, STR("sign-in.throttled"), 0, c->request->remote.text, "too many tries");
    return false;
}

void people_try_succeeded(struct api_call *c, str account)
{
    struct people *p = c->web->people;
    str keys[2];
    size_t count = try_keys(c, account, keys);
    pthread_mutex_lock(&p->lock);
    throttle_give_back(&p->throttle, keys, count);
    pthread_mutex_unlock(&p->lock);
}

bool people_may_try_from(struct web *w, str address)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str key = throttle_network(&a, address);
    pthread_mutex_lock(&w->people->lock);
    int64_t wait_ms = throttle_take(&w->people->throttle, &key, 1, clock_mono_ms(w->opt.clock));
    pthread_mutex_unlock(&w->people->lock);
    return !wait_ms;
}

void people_try_from_succeeded(struct web *w, str address)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str key = throttle_network(&a, address);
    pthread_mutex_lock(&w->people->lock);
    throttle_give_back(&w->people->throttle, &key, 1);
    pthread_mutex_unlock(&w->people->lock);
}

void people_note_failure(struct web *w, str action, int64_t user_id, str address, const char *why)
{
    struct people *p = w->people;
    CLEANUP(arena_fini) struct arena a = { 0 };
    int64_t now = clock_mono_ms(w->opt.clock);
    int left_out = 0;
    pthread_mutex_lock(&p->lock);
    if (!p->failures_since_ms || now - p->failures_since_ms >= FAILURE_MS) {
        left_out = MAX(p->failures - FAILURE_ROWS, 0);
        p->failures = 0;
        p->failures_since_ms = now;
    }
    bool is_shown = p->failures++ < FAILURE_ROWS;
    pthread_mutex_unlock(&p->lock);
    if (!is_shown)
        return;
    struct json *doc = json_new_object(&a);
    json_add_str(&a, doc, "Address", address);
    json_add_str(&a, doc, "Reason", str_from(why));
    if (left_out)
        json_add_i64(&a, doc, "MoreBefore", left_out);
    // Never the name as typed: it may be a password in the wrong field.
    store_audit(w->opt.store, &(struct store_audit){ 0, STR("anonymous"), action, user_id ? store_id_text(&a, KIND_USER, user_id) : STR("unknown"), json_text(&a, doc) });
}

// ---- what hangs on a user ----

bool people_gather_deletes(struct api_call *c, int64_t user_id, unsigned what, int64_t except_session, struct store_put **puts, size_t *count, size_t room_before)
{
    static const enum store_kind kinds[] = { KIND_SESSION, KIND_API_KEY };
    struct store_objects found[COUNT(kinds)] = { 0 };
    struct err e = { 0 };
    size_t most = room_before;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!(what & (1u << i)))
            continue;
        if (!store_list(c->web->opt.store, kinds[i], 0, user_id, (struct store_page){ .take = 1000 }, c->arena, &found[i], &e)) {
            api_fail_with(c, &e);
            return false;
        }
        most += found[i].count;
    }
    *puts = ARENA_ARRAY(c->arena, struct store_put, most);
    *count = room_before;
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (size_t k = 0; k < found[i].count; k++)
            if (found[i].items[k].kind != KIND_SESSION || found[i].items[k].id != except_session)
                (*puts)[(*count)++] = (struct store_put){ .object = found[i].items[k], .expected_version = STORE_ANY_VERSION, .is_delete = true };
    return true;
}

// ---- what roles and keys say ----

struct json *people_read_ids(struct decode *d, const char *name, struct arena *a)
{
    size_t count;
    str *items = decode_str_list(d, name, &count);
    struct json *list = json_new_array(a);
    if (count > LIMIT_SCOPE_ITEMS)
        decode_error(d, name, "has %zu entries; there may be %d", count, LIMIT_SCOPE_ITEMS);
    for (size_t i = 0; i < count && i < LIMIT_SCOPE_ITEMS; i++) {
        if (!items[i].n || items[i].n > LIMIT_OCTOPUS_ID_BYTES)
            decode_error_at(d, name, i, "must be an id such as Projects-21");
        json_push(list, json_new_string(a, items[i]));
    }
    return list;
}

struct json *people_read_space(struct api_call *c, struct decode *d, const char *name)
{
    str text = decode_str(d, name, (str){ 0 });
    int64_t id;
    if (!text.n)
        return json_new_null(c->arena);
    bool is_id = store_id_parse(text, KIND_SPACE, &id);
    for (size_t i = 0; i < c->snapshot->space_count; i++) {
        const struct space_entry *s = &c->snapshot->spaces[i];
        if (is_id ? s->id == id : str_eq_nocase(s->slug, text))
            return json_new_string(c->arena, store_id_text(c->arena, KIND_SPACE, s->id));
    }
    decode_error(d, name, "there is no space \"%.*s\"", STR_ARG(text));
    return json_new_null(c->arena);
}

static str find_role(struct api_call *c, str text)
{
    const struct role *built_in = role_find_built_in(text);
    struct store_object *o = NULL;
    int64_t id;
    if (built_in)
        return str_from(built_in->id);
    bool ok = store_id_parse(text, KIND_ROLE, &id) ? store_get(c->web->opt.store, KIND_ROLE, 0, id, c->arena, &o, NULL) : store_find(c->web->opt.store, KIND_ROLE, 0, text, c->arena, &o, NULL);
    return ok && o ? store_id_text(c->arena, KIND_ROLE, o->id) : STR("");
}

struct json *people_read_assignments(struct api_call *c, struct decode *d, const char *name)
{
    const struct json *sent = decode_array(d, name);
    struct json *list = json_new_array(c->arena);
    size_t at = 0;
    if (sent && sent->count > LIMIT_ROLES_PER_USER)
        decode_error(d, name, "has %u entries; there may be %d", sent->count, LIMIT_ROLES_PER_USER);
    json_each(item, sent)
    {
        struct decode r;
        if (at >= LIMIT_ROLES_PER_USER || !decode_begin(&r, item, decode_path_index(c->arena, decode_path(d, name), at++), d->errors))
            continue;
        str text = decode_required_str(&r, "Role"), role = text.n ? find_role(c, text) : STR("");
        if (text.n && !role.n)
            decode_error(&r, "Role", "there is no role \"%.*s\"", STR_ARG(text));
        struct json *one = json_push(list, json_new_object(c->arena));
        json_add_str(c->arena, one, "Role", role);
        json_add(one, STR("Space"), people_read_space(c, &r, "Space"));
        json_add(one, STR("Projects"), people_read_ids(&r, "Projects", c->arena));
        json_add(one, STR("Environments"), people_read_ids(&r, "Environments", c->arena));
        decode_done(&r);
    }
    return list;
}
