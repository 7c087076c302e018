// The management API's frame: who asks, which route, the answer's form. The handlers stand in api_*.c.
#include "web/api.h"

#include "base/encode.h"
#include "base/limits.h"
#include "base/timetext.h"
#include "reaction/payload.h"
#include "web/callers.h"
#include "web/handle.h"
#include "web/identity_checks.h"
#include "web/places.h"
#include "web/sessions.h"
#include "web/workers.h"

#include <sodium.h>
#include <stdio.h>

// ---- answers ----

int api_status_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_INVALID: return 400;
    case ERR_DENIED: return 403;
    case ERR_NOT_FOUND: return 404;
    case ERR_CONFLICT: return 409;
    case ERR_STALE: return 412;
    case ERR_TOO_LARGE: return 413;
    case ERR_UNPROCESSABLE: return 422;
    default: return 503;
    }
}

static void fail(struct api_call *c, int status, str message, const str *errors, size_t count)
{
    c->status = status;
    c->raw_type = (str){ 0 };
    buf_clear(&c->text);
    c->etag = 0;
    c->answer = json_new_object(c->arena);
    json_add_str(c->arena, c->answer, "ErrorMessage", message);
    struct json *list = json_add(c->answer, STR("Errors"), json_new_array(c->arena));
    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_string(c->arena, errors[i]));
}

void api_fail(struct api_call *c, enum err_kind kind, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fail(c, api_status_of(kind), arena_vprintf(c->arena, fmt, args), NULL, 0);
    va_end(args);
}

void api_fail_with(struct api_call *c, const struct err *e)
{
    fail(c, api_status_of(e->kind), arena_str(c->arena, str_from(e->text)), NULL, 0);
}

void api_fail_errors(struct api_call *c, const char *message)
{
    fail(c, 400, str_from(message), c->errors.items, c->errors.count);
}

void api_refuse_anonymous(struct api_call *c)
{
    fail(c, 401, STR("send a management key in the header X-Octopus-ApiKey, or sign in"), NULL, 0);
}

void api_header(struct api_call *c, const char *name, str value)
{
    assert(c->header_count < API_HEADERS_MAX);
    c->headers[c->header_count++] = (struct http_header){ str_from(name), value };
}

void api_not_found(struct api_call *c)
{
    fail(c, 404, STR("not found: there is no such thing, or you may not see it"), NULL, 0);
}

// ---- what a call says ----

int64_t api_space(const struct api_call *c)
{
    return c->space_id ? c->space_id : 1;
}

bool api_body_required(struct api_call *c)
{
    if (json_is(c->body, JSON_OBJECT))
        return true;
    api_fail(c, ERR_INVALID, "the request needs a JSON object as its body");
    return false;
}

bool api_if_match(struct api_call *c, int64_t *version)
{
    str text = http_header(c->request, STR("If-Match"));
    *version = STORE_ANY_VERSION;
    if (!text.p || str_eq(text, STR("*")))
        return true;
    if (str_starts(text, STR("W/")))
        text = str_skip(text, 2);
    if (text.n > 2 && text.p[0] == '"' && text.p[text.n - 1] == '"' && str_to_i64(str_sub(text, 1, text.n - 2), version))
        return true;
    fail(c, 412, STR("If-Match: not an ETag this server gave"), NULL, 0);
    return false;
}

str api_query(const struct api_call *c, const char *name)
{
    return json_str(json_get_nocase(c->query, str_from(name)), (str){ "", 0 });
}

static bool query_number(struct api_call *c, const char *name, int64_t otherwise, int64_t *out)
{
    str text = api_query(c, name);
    *out = otherwise;
    if (!text.n)
        return true;
    if (str_to_i64(text, out) && *out >= 0)
        return true;
    api_fail(c, ERR_INVALID, "%s: \"%.*s\" must be a number, 0 or more", name, STR_ARG(text));
    return false;
}

bool api_page(struct api_call *c, struct store_page *page)
{
    if (!query_number(c, "skip", 0, &page->skip) || !query_number(c, "take", 30, &page->take) || !query_number(c, "before", 0, &page->before_id))
        return false;
    page->take = MIN(page->take, (int64_t)1000);
    page->max_bytes = LIMIT_API_PAGE_BYTES;
    return true;
}

bool api_query_time(struct api_call *c, const char *name, int64_t *at_ms)
{
    str text = api_query(c, name);
    *at_ms = 0;
    if (!text.n || timetext_parse(text, at_ms))
        return true;
    api_fail(c, ERR_INVALID, "%s: \"%.*s\" must be a time such as 2026-11-22T17:03:06Z", name, STR_ARG(text));
    return false;
}

void api_self_link(struct api_call *c, struct json *object, const char *collection, str id)
{
    struct json *links = json_add(object, STR("Links"), json_new_object(c->arena));
    json_add_str(c->arena, links, "Self", arena_printf(c->arena, "/api/%s%s%.*s", collection, id.n ? "/" : "", STR_ARG(id)));
}

// The other filters ride along, so that a link alone leads on.
static str other_filters(struct api_call *c)
{
    CLEANUP(buf_fini) struct buf rest = { 0 };
    json_each(q, c->query)
        if (json_is(q, JSON_STRING) && !str_eq_nocase(q->name, STR("skip")) && !str_eq_nocase(q->name, STR("take")) && !str_eq_nocase(q->name, STR("before")) && !str_eq_nocase(q->name, STR("apikey")))
            buf_printf(&rest, "&%.*s=%.*s", STR_ARG(percent_encode(c->arena, q->name)), STR_ARG(percent_encode(c->arena, q->text)));
    return arena_str(c->arena, buf_str(&rest));
}

void api_list_begin(struct api_call *c, struct api_list *list, const char *item_type, int64_t total, const struct store_page *page)
{
    int64_t per_page = MAX(page->take, (int64_t)1), pages = MAX((total + per_page - 1) / per_page, (int64_t)1);
    *list = (struct api_list){ .call = c, .page = page, .outer = c->arena };
    buf_printf(&c->text, "{\"ItemType\":\"%s\",\"TotalResults\":%" PRId64 ",\"ItemsPerPage\":%" PRId64 ",\"NumberOfPages\":%" PRId64 ",\"LastPageNumber\":%" PRId64 ",\"Items\":[",
        item_type, total, page->take, pages, pages - 1);
    c->arena = &list->item;
}

bool api_list_has_room(const struct api_list *list)
{
    return list->call->text.n < LIMIT_API_PAGE_BYTES;
}

void api_list_add(struct api_list *list, const struct json *item, int64_t id)
{
    struct buf *text = &list->call->text;
    if (list->count++)
        buf_add_char(text, ',');
    json_write(text, item, false);
    list->last_id = id;
    arena_reset(&list->item);
}

void api_list_give_up(struct api_list *list)
{
    struct api_call *c = list->call;
    c->arena = list->outer;
    c->answer = json_copy(c->arena, c->answer);
    arena_fini(&list->item);
}

void api_list_end(struct api_list *list, bool has_more, size_t found)
{
    struct api_call *c = list->call;
    const struct store_page *page = list->page;
    arena_fini(&list->item);
    c->listed = list->count;
    struct arena *a = c->arena = list->outer;
    str path = c->request->path, others = other_filters(c), before = { "", 0 };
    struct json *links = json_new_object(a);
    if (page->before_id)
        before = arena_printf(a, "&before=%" PRId64, page->before_id);
    json_add_str(a, links, "Self", arena_printf(a, "%.*s?skip=%" PRId64 "&take=%" PRId64 "%.*s%.*s", STR_ARG(path), page->skip, page->take, STR_ARG(before), STR_ARG(others)));
    // A cursor, not an offset: stable while new items arrive.
    if (list->count && (has_more || list->count < found))
        json_add_str(a, links, "Page.Next", arena_printf(a, "%.*s?take=%" PRId64 "&before=%" PRId64 "%.*s", STR_ARG(path), page->take, list->last_id, STR_ARG(others)));
    buf_add(&c->text, STR("],\"Links\":"));
    json_write(&c->text, links, false);
    buf_add_char(&c->text, '}');
}

static const char *const known_first[] = { "reactions", "triggers", "events", "runs", "spaces", "connections", "identities", "secrets", "apikeys", "users", "roles", "integrations", "audit", "export", "settings", "stream", "openapi.json", "status", "backup", "session", "sessions", "setup" };

bool api_is_collection(str segment)
{
    for (size_t i = 0; i < COUNT(known_first); i++)
        if (str_eq_nocase(segment, str_from(known_first[i])))
            return true;
    return false;
}

// Below /api a name stands where an id or a collection may stand too: one that looks like them would never be found.
static bool has_own_names(struct api_call *c, const struct store_put *puts, size_t count)
{
    int64_t id;
    for (size_t i = 0; i < count; i++) {
        const struct store_object *o = &puts[i].object;
        bool is_id = store_id_parse(o->slug, o->kind, &id);
        if (puts[i].is_delete || !(is_id || (o->kind == KIND_SPACE && api_is_collection(o->slug))))
            continue;
        str error = arena_printf(c->arena, "Slug: \"%.*s\" is %s: choose another", STR_ARG(o->slug), is_id ? "what an id looks like" : "the name of a collection below /api");
        fail(c, 400, STR("the object was not saved: see Errors"), &error, 1);
        return false;
    }
    return true;
}

bool api_change(struct api_call *c, const struct store_put *puts, size_t count, const char *action, str subject, int64_t space_id, struct json *particulars)
{
    struct err e = { 0 };
    struct store_audit audit = { space_id, c->caller.actor, str_from(action), subject, particulars ? json_text(c->arena, particulars) : STR("{}") };
    if (!has_own_names(c, puts, count))
        return false;
    if (!store_change(c->web->opt.store, puts, count, &audit, 1, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    if (!registry_refresh(c->web->opt.registry, &e)) {
        api_fail(c, ERR_IO, "the change is stored but could not be put into force: %s", e.text);
        return false;
    }
    registry_give(c->web->opt.registry, c->snapshot);
    c->snapshot = registry_take(c->web->opt.registry);
    for (size_t i = 0; i < count; i++)
        if (puts[i].object.kind == KIND_IDENTITY || puts[i].object.kind == KIND_CONNECTION)
            identity_checks_ask(c->web, puts[i].object.kind == KIND_IDENTITY ? puts[i].object.id : 0);
    return true;
}

// ---- routing ----

static bool fits(const char *pattern, str path, struct arena *a, str params[API_PARAMS_MAX])
{
    str want = str_from(pattern), step, got;
    size_t count = 0;
    while (str_split(&want, '/', &step)) {
        if (!str_split(&path, '/', &got))
            return false;
        if (step.n && step.p[0] == '{') {
            if (!got.n || count == API_PARAMS_MAX || !percent_decode(a, got, false, &params[count++]))
                return false;
        } else if (!str_eq_nocase(step, got)) {
            return false;
        }
    }
    return !path.p;
}

// Octopus's way to send PUT and DELETE through a POST (octopus-api.md section 5).
static str method_of(const struct http_request *r)
{
    str override = http_header(r, STR("X-HTTP-Method-Override"));
    if (str_eq(r->method, STR("POST")) && (str_eq_nocase(override, STR("PUT")) || str_eq_nocase(override, STR("DELETE"))))
        return override;
    return str_eq(r->method, STR("HEAD")) ? STR("GET") : r->method;
}

static const struct api_route *find_route(struct api_call *c, str path, bool *path_exists)
{
    str method = method_of(c->request);
    *path_exists = false;
    for (size_t i = 0; i < api_route_count; i++) {
        if (!fits(api_routes[i].path, path, c->arena, c->params))
            continue;
        *path_exists = true;
        if (str_eq_nocase(method, str_from(api_routes[i].method)))
            return &api_routes[i];
    }
    return NULL;
}

static const struct space_entry *find_space(const struct snapshot *s, str name)
{
    int64_t id;
    bool is_id = store_id_parse(name, KIND_SPACE, &id);
    for (size_t i = 0; i < s->space_count; i++)
        if (is_id ? s->spaces[i].id == id : str_eq_nocase(s->spaces[i].slug, name))
            return &s->spaces[i];
    return NULL;
}

const struct space_entry *api_space_of_path(const struct snapshot *s, str path)
{
    str rest = str_skip(path, STR("/api/").n), first;
    return str_starts_nocase(path, STR("/api/")) && str_split(&rest, '/', &first) && !api_is_collection(first) ? find_space(s, first) : NULL;
}

// ---- one call, on a thread of its own ----

static void dispatch(struct api_call *c)
{
    struct err e = { 0 };
    bool path_exists;
    str path = str_skip(c->request->path, STR("/api").n);
    if (str_starts(path, STR("/")))
        path = str_skip(path, 1);
    if (path.n && path.p[path.n - 1] == '/')
        path.n--;
    str rest = path, first = { "", 0 };
    if (path.n && str_split(&rest, '/', &first) && !api_is_collection(first)) {
        const struct space_entry *space = find_space(c->snapshot, first);
        // A space the caller has nothing to do with is no space.
        if (!c->caller.is_anonymous && (!space || !rest.p || !caller_knows_space(&c->caller, space->id))) {
            api_not_found(c);
            return;
        }
        c->space_id = space ? space->id : 0;
        path = rest;
    }
    const struct api_route *route = find_route(c, path, &path_exists);
    // Who has not said who they are learns nothing, not even which paths there are.
    if (c->caller.is_anonymous && !(route && route->permission == PERMISSION_ANONYMOUS)) {
        api_refuse_anonymous(c);
        return;
    }
    if (!route) {
        if (path_exists)
            fail(c, 405, arena_printf(c->arena, "%.*s is not possible here", STR_ARG(c->request->method)), NULL, 0);
        else
            api_not_found(c);
        return;
    }
    c->route = route;
    if (!place_check_route(c, route) || !session_proves_intent(c, route->permission != PERMISSION_ANONYMOUS && strcmp(route->method, "GET") != 0))
        return;
    if (c->request->body.n && !json_parse(c->arena, c->request->body, &c->body, &e)) {
        api_fail(c, ERR_INVALID, "the body is not valid JSON: %s", e.text);
        return;
    }
    route->handler(c);
}

struct pending {
    struct web *web;
    struct http_request *request;
    struct buf body; // the answer: all that is kept until it is sent
    int status;
    const char *type; // NULL: no body
    char etag[48];
    struct http_header more[API_HEADERS_MAX]; // with values of our own
    size_t more_count;
    int retry_after_s;
};

static void send_answer(void *ctx)
{
    struct pending *p = ctx;
    struct http_header headers[8 + API_HEADERS_MAX];
    char retry_after[16];
    size_t count = 0;
    if (p->type)
        headers[count++] = (struct http_header){ STR("Content-Type"), str_from(p->type) };
    headers[count++] = (struct http_header){ STR("Cache-Control"), STR("no-store") };
    headers[count++] = (struct http_header){ STR("X-Content-Type-Options"), STR("nosniff") };
    if (p->etag[0])
        headers[count++] = (struct http_header){ STR("ETag"), str_from(p->etag) };
    if (p->status == 503 || p->status == 429) {
        snprintf(retry_after, sizeof retry_after, "%d", MAX(p->retry_after_s, 1));
        headers[count++] = (struct http_header){ STR("Retry-After"), str_from(retry_after) };
    }
    for (size_t i = 0; i < p->more_count; i++)
        headers[count++] = p->more[i];
    http_answer(p->request, p->status, headers, count, buf_str(&p->body));
    for (size_t i = 0; i < p->more_count; i++) {
        free((void *)(uintptr_t)p->more[i].name.p);
        free((void *)(uintptr_t)p->more[i].value.p);
    }
    __atomic_sub_fetch(&p->web->answer_bytes, p->body.cap, __ATOMIC_RELAXED);
    buf_fini(&p->body);
    free(p);
}

// RFC 9110 section 13.1.2: a weak comparison, and * fits whatever there is.
static bool etag_fits(str list, str etag)
{
    str part;
    while (list.n && str_split(&list, ',', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("W/")))
            part = str_skip(part, 2);
        if (str_eq(part, etag) || str_eq(part, STR("*")))
            return true;
    }
    return false;
}

// What has no version of its own (events, runs, lists) is named by its bytes.
static void add_etag(struct pending *p, int64_t version, bool is_read)
{
    unsigned char hash[16];
    char hex[2 * sizeof hash + 1];
    if (version) {
        snprintf(p->etag, sizeof p->etag, "\"%" PRId64 "\"", version);
    } else if (is_read) {
        crypto_generichash(hash, sizeof hash, (const unsigned char *)p->body.p, p->body.n, NULL, 0);
        snprintf(p->etag, sizeof p->etag, "\"%s\"", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
    }
    if (is_read && etag_fits(http_header(p->request, STR("If-None-Match")), str_from(p->etag))) {
        p->status = 304;
        p->type = NULL;
        buf_fini(&p->body);
    }
}

static void write_answer(struct pending *p, struct api_call *c)
{
    static const char json_type[] = "application/json; charset=utf-8";
    bool is_read = !c->status && (str_eq(c->request->method, STR("GET")) || str_eq(c->request->method, STR("HEAD")));
    p->status = c->status ? c->status : 200;
    if (c->text.n) {
        p->type = json_type;
        p->body = c->text;
        c->text = (struct buf){ 0 };
    } else if (c->raw_type.p) {
        p->type = c->raw_type.p;
        buf_add(&p->body, c->raw);
    } else if (c->answer) {
        p->type = json_type;
        json_write(&p->body, c->answer, false);
    }
    if (p->status < 300)
        add_etag(p, c->etag, is_read && p->type);
    buf_fini(&c->text);
    p->retry_after_s = c->retry_after_s;
    for (; p->more_count < c->header_count; p->more_count++) {
        const struct http_header *h = &c->headers[p->more_count];
        p->more[p->more_count] = (struct http_header){ { xmemdup(h->name.p, h->name.n), h->name.n }, { xmemdup(h->value.p, h->value.n), h->value.n } };
    }
}

// What clients have not taken yet is bounded as a whole: who reads slowly costs others their turn, not the server its memory.
static bool is_crowded(struct web *w)
{
    return http_server_outgoing_bytes(w->server) + (size_t)__atomic_load_n(&w->answer_bytes, __ATOMIC_RELAXED) > LIMIT_HTTP_OUTGOING_BYTES;
}

static void run_call(void *ctx)
{
    struct pending *p = ctx;
    struct web *w = p->web;
    CLEANUP(arena_fini) struct arena arena = { 0 };
    struct api_call c = { .web = w, .arena = &arena, .request = p->request, .errors = { .arena = &arena } };
    caller_find(w, p->request, c.arena, &c.caller);
    c.query = query_json(p->request->query, c.arena);
    c.snapshot = registry_take(w->opt.registry);
    if (str_eq(p->request->method, STR("GET")) && is_crowded(w))
        api_fail(&c, ERR_BUSY, "too many answers wait for clients that read slowly: try again soon");
    else
        dispatch(&c);
    registry_give(w->opt.registry, c.snapshot);
    write_answer(p, &c);
    __atomic_add_fetch(&w->answer_bytes, p->body.cap, __ATOMIC_RELAXED);
    loop_post(w->opt.loop, send_answer, p);
}

void api_handle(struct web *w, struct http_request *r)
{
    struct pending *p = xcalloc(1, sizeof *p);
    p->web = w;
    p->request = r;
    // What takes long by its nature has threads of its own.
    if (!workers_submit(caller_is_slow(w, r) ? w->slow_workers : w->workers, run_call, p)) {
        free(p);
        http_answer_error(r, 503, "too many requests are waiting: try again soon");
    }
}
