#include "octopus/link.h"

#include "base/limits.h"

#define WAIT_MAX_MS 300000

struct octopus_link {
    struct http_client *http;
    char *url, *key, *ca_pem;
    size_t key_bytes;
};

struct octopus_call {
    struct http_call *call;
    octopus_reply_fn *done;
    void *ctx;
    char path[160]; // "GET /api/...", for people
    bool is_bodyless; // what it answers need not be JSON
};

static char *copy(str s)
{
    char *p = xcalloc(1, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

struct octopus_link *octopus_link_new(const struct octopus_link_options *opt)
{
    struct octopus_link *l = xcalloc(1, sizeof *l);
    str url = opt->url;
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    l->http = opt->http;
    l->url = copy(url);
    l->key = copy(opt->key);
    l->key_bytes = opt->key.n;
    l->ca_pem = copy(opt->ca_pem);
    return l;
}

void octopus_link_free(struct octopus_link *l)
{
    if (!l)
        return;
    explicit_bzero(l->key, l->key_bytes);
    free(l->key);
    free(l->url);
    free(l->ca_pem);
    free(l);
}

static str header(const struct http_header *headers, size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(headers[i].name, name))
            return str_trim(headers[i].value);
    return (str){ 0 };
}

int64_t octopus_wait_ms(int status, const struct http_header *headers, size_t count)
{
    int64_t seconds = 0, left = -1, until = -1;
    str after = header(headers, count, STR("Retry-After")), limit = header(headers, count, STR("Octopus-RateLimit")), part;
    if ((status == 429 || status == 503) && str_to_i64(after, &seconds) && seconds >= 0)
        return MIN(seconds, (int64_t)WAIT_MAX_MS / 1000) * 1000;
    while (limit.p && str_split(&limit, ';', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("r=")) && !str_to_i64(str_skip(part, 2), &left))
            left = -1;
        if (str_starts(part, STR("t=")) && !str_to_i64(str_skip(part, 2), &until))
            until = -1;
    }
    // The last request of the bucket is left to people.
    if (until >= 0 && left >= 0 && left <= 1)
        return MIN(until, (int64_t)WAIT_MAX_MS / 1000) * 1000;
    return status == 429 ? 1000 : 0;
}

static void judge(struct octopus_call *c, const struct http_reply *reply, struct octopus_reply *out, struct arena *a)
{
    struct json *body = NULL;
    struct err why = { 0 };
    bool is_fine = reply->status >= 200 && reply->status <= 299;
    out->status = reply->status;
    out->wait_ms = octopus_wait_ms(reply->status, reply->headers, reply->header_count);
    out->is_too_large = is_fine && reply->is_truncated;
    if (!reply->status || (reply->error.kind != ERR_NONE && !reply->is_truncated)) {
        out->error = reply->error;
        if (out->error.kind == ERR_NONE)
            err_set(&out->error, ERR_IO, "no answer");
        // A cut or refused connection may pass; so does a name that does not resolve now. An egress refusal does not by itself.
        err_in(&out->error, "%s", c->path);
        return;
    }
    if (out->is_too_large) {
        err_set(&out->error, ERR_TOO_LARGE, "%s: the answer is larger than is read", c->path);
        return;
    }
    bool is_json = json_parse(a, reply->body, &body, &why);
    if (is_fine && c->is_bodyless) {
        out->body = is_json ? body : json_new_null(a);
        return;
    }
    if (is_fine && is_json) {
        out->body = body;
        return;
    }
    if (is_fine) {
        out->is_too_large = why.kind == ERR_TOO_LARGE;
        // A proxy's page, or an answer that was cut: may well be better next time.
        err_set(&out->error, why.kind == ERR_TOO_LARGE ? ERR_TOO_LARGE : ERR_IO, "%s: the answer is not JSON: %s", c->path, why.text);
        return;
    }
    str said = is_json ? json_str(json_get(body, STR("ErrorMessage")), STR("")) : STR("");
    enum err_kind kind = reply->status == 401 || reply->status == 403 ? ERR_DENIED : reply->status == 404 ? ERR_NOT_FOUND : reply->status == 408 || reply->status == 425 || reply->status == 429 || reply->status >= 500 ? ERR_BUSY : ERR_INVALID;
    err_set(&out->error, kind, "%s: answered %d%s%.*s", c->path, reply->status, said.n ? ": " : "", STR_ARG(str_sub(said, 0, 200)));
}

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct octopus_call *c = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct octopus_reply out = { 0 };
    judge(c, reply, &out, &a);
    octopus_reply_fn *done = c->done;
    void *done_ctx = c->ctx;
    free(c);
    done(done_ctx, &out);
}

struct octopus_call *octopus_link_send(struct octopus_link *l, str method, str path, const struct json *body, size_t max_bytes, int64_t timeout_ms, octopus_reply_fn *done, void *ctx)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct octopus_call *c = xcalloc(1, sizeof *c);
    c->done = done;
    c->ctx = ctx;
    c->is_bodyless = str_eq(method, STR("DELETE"));
    str shown = str_sub(arena_printf(&a, "%.*s %.*s", STR_ARG(method), STR_ARG(path)), 0, sizeof c->path - 1);
    memcpy(c->path, shown.p, shown.n);
    struct http_header headers[] = {
        { STR("X-Octopus-ApiKey"), str_from(l->key) },
        { STR("Accept"), STR("application/json") },
        { STR("User-Agent"), STR("OctopusReactions/1 (tail)") },
        { STR("Content-Type"), STR("application/json") },
    };
    struct http_call_options opt = {
        .method = method,
        .url = arena_printf(&a, "%s%.*s", l->url, STR_ARG(path)),
        .headers = headers,
        .header_count = body ? COUNT(headers) : COUNT(headers) - 1,
        .body = body ? json_text(&a, body) : (str){ 0 },
        .total_timeout_ms = timeout_ms,
        .max_read_bytes = max_bytes,
        .purpose = EGRESS_TAIL,
        .tls = { .ca_pem = str_from(l->ca_pem) },
    };
    c->call = http_call_start(l->http, &opt, on_reply, c);
    return c;
}

struct octopus_call *octopus_link_get(struct octopus_link *l, str path, size_t max_bytes, int64_t timeout_ms, octopus_reply_fn *done, void *ctx)
{
    return octopus_link_send(l, STR("GET"), path, NULL, max_bytes, timeout_ms, done, ctx);
}

void octopus_call_cancel(struct octopus_call *c)
{
    if (c)
        http_call_cancel(c->call);
}

bool octopus_find_space(const struct json *body, str wanted, str *id, str *name, struct err *e)
{
    const struct json *items = json_get(body, STR("Items")), *found = NULL;
    if (!json_is(items, JSON_ARRAY))
        return err_set(e, ERR_INVALID, "the list of spaces has no Items: is this an Octopus server?");
    json_each(item, items)
    {
        bool fits = wanted.n ? str_eq_nocase(json_str(json_get(item, STR("Id")), STR("")), wanted) || str_eq_nocase(json_str(json_get(item, STR("Name")), STR("")), wanted) || str_eq_nocase(json_str(json_get(item, STR("Slug")), STR("")), wanted)
                             : json_bool(json_get(item, STR("IsDefault")), false);
        if (fits && !found)
            found = item;
    }
    *id = json_str(json_get(found, STR("Id")), STR(""));
    *name = json_str(json_get(found, STR("Name")), STR(""));
    // The id becomes part of a path.
    bool is_safe = id->n && id->n <= LIMIT_OCTOPUS_ID_BYTES;
    for (size_t i = 0; i < id->n; i++)
        is_safe = is_safe && (id->p[i] == '-' || (id->p[i] >= '0' && id->p[i] <= '9') || (id->p[i] >= 'A' && id->p[i] <= 'Z') || (id->p[i] >= 'a' && id->p[i] <= 'z'));
    if (is_safe)
        return true;
    if (wanted.n)
        return err_set(e, ERR_NOT_FOUND, "Octopus shows this key no space \"%.*s\"", STR_ARG(wanted));
    return err_set(e, ERR_NOT_FOUND, "Octopus shows this key no default space: name the space in OctopusSpace");
}
