#include "reaction/run_http.h"

#include "base/limits.h"
#include "reaction/gone.h"
#include "reaction/http_request.h"
#include "reaction/success.h"

// A host that requests of ours go to. Kept while there are any.
struct http_host {
    str key; // "example.com:443"
    int running;
    struct http_attempt *first, *last; // waiting for a place, in order
};

struct http_attempt {
    struct active *run;
    struct outgoing out;
    struct success success;
    struct http_host *host;
    struct http_call *call; // NULL: waits
    struct http_attempt *next;
};

// ---- a place at the host ----

static struct http_host *host_of(struct engine *g, str key)
{
    struct http_host *h = map_get(&g->hosts, key);
    if (h)
        return h;
    h = xcalloc(1, sizeof *h);
    h->key = (str){ xmemdup(key.p, key.n), key.n };
    map_put(&g->hosts, h->key, h);
    return h;
}

static void host_drop_if_idle(struct engine *g, struct http_host *h)
{
    if (h->running || h->first)
        return;
    map_remove(&g->hosts, h->key);
    free((void *)(uintptr_t)h->key.p);
    free(h);
}

static void wait_for_place(struct http_attempt *t)
{
    struct http_host *h = t->host;
    *(h->last ? &h->last->next : &h->first) = t;
    h->last = t;
}

static void wait_no_more(struct http_attempt *t)
{
    struct http_host *h = t->host;
    struct http_attempt *previous = NULL;
    for (struct http_attempt *at = h->first; at != t; at = at->next)
        previous = at;
    *(previous ? &previous->next : &h->first) = t->next;
    if (h->last == t)
        h->last = previous;
    t->next = NULL;
}

// ---- what is kept of it ----

static struct json *response_json(struct http_attempt *t, const struct http_reply *reply)
{
    struct arena *a = &t->run->arena;
    struct json *j = json_new_object(a), *headers = json_new_array(a);
    // Masked before it is cut, so that no half of a secret stays at the end.
    str body = mask_apply(t->run->mask, reply->body, a), kept = http_request_cut(body, LIMIT_OUT_STORED_BYTES);
    for (size_t i = 0; i < reply->header_count; i++) {
        struct json *h = json_push(headers, json_new_object(a));
        json_add_str(a, h, "Name", reply->headers[i].name);
        json_add_str(a, h, "Value", reply->headers[i].value);
    }
    json_add_i64(a, j, "Status", reply->status);
    json_add(j, STR("Headers"), headers);
    json_add_str(a, j, "Body", kept);
    json_add_bool(a, j, "Truncated", reply->is_truncated || kept.n < body.n);
    return j;
}

static struct json *attempt_json(struct http_attempt *t, const struct http_reply *reply)
{
    struct arena *a = &t->run->arena;
    struct json *doc = json_new_object(a);
    json_add(doc, STR("Request"), t->out.shown);
    if (!reply)
        return doc;
    json_add(doc, STR("Response"), reply->status ? response_json(t, reply) : json_new_null(a));
    struct json *timings = json_add(doc, STR("Timings"), json_new_object(a));
    json_add(timings, STR("Dns"), json_new_double(a, reply->dns_s));
    json_add(timings, STR("Connect"), json_new_double(a, reply->connect_s));
    json_add(timings, STR("Tls"), json_new_double(a, reply->tls_s));
    json_add(timings, STR("FirstByte"), json_new_double(a, reply->first_byte_s));
    json_add(timings, STR("Total"), json_new_double(a, reply->total_s));
    return doc;
}

// ---- what became of it ----

static str header_of(const struct http_reply *reply, str name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (str_eq_nocase(reply->headers[i].name, name))
            return reply->headers[i].value;
    return (str){ 0 };
}

static void judge_answer(struct http_attempt *t, const struct http_reply *reply, struct attempt_end *end)
{
    struct active *run = t->run;
    struct arena *a = &run->arena;
    struct engine *g = run->engine;
    str said = arena_printf(a, "%.*s %.*s answered %d", STR_ARG(t->out.method), STR_ARG(t->out.host), reply->status);
    end->outcome = ATTEMPT_FAILED;
    switch (success_of_status(&t->success, reply->status)) {
    case SUCCESS_DONE:
        end->outcome = ATTEMPT_SUCCEEDED;
        return;
    case SUCCESS_RETRY:
        end->may_retry = true;
        end->retry_after_ms = success_retry_after_ms(header_of(reply, STR("Retry-After")), clock_wall_ms(g->opt.clock));
        end->error = said;
        return;
    case SUCCESS_GONE:
        end->error = arena_printf(a, "%.*s: it wants no more requests, so this reaction is disabled", STR_ARG(said));
        gone_disable(g, run->run.space_id, run->run.reaction_id, run->run.id, "its target answered 410 Gone");
        return;
    case SUCCESS_GIVE_UP:
        break;
    }
    end->error = said;
    if (reply->status >= 300 && reply->status < 400)
        end->error = arena_printf(a, "%.*s with a redirect, and redirects are not followed; Location: %.*s", STR_ARG(said), STR_ARG(str_sub(header_of(reply, STR("Location")), 0, 200)));
}

static void judge_failure(struct http_attempt *t, const struct http_reply *reply, struct attempt_end *end)
{
    end->outcome = reply->error.kind == ERR_TIMEOUT ? ATTEMPT_TIMED_OUT : ATTEMPT_FAILED;
    end->may_retry = err_may_pass(reply->error.kind);
    end->error = arena_printf(&t->run->arena, "%.*s %.*s: %s", STR_ARG(t->out.method), STR_ARG(t->out.host), reply->error.text);
}

static void send_next(struct engine *g, struct http_host *h);

static void finish(struct http_attempt *t, const struct attempt_end *end)
{
    struct active *run = t->run;
    struct engine *g = run->engine;
    struct http_host *h = t->host;
    run->http = NULL; // t lives in the run's arena
    engine_finish(run, end);
    send_next(g, h);
}

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct http_attempt *t = ctx;
    struct active *run = t->run;
    struct attempt_end end = { .retry_after_ms = -1, .error = STR("") };
    t->call = NULL;
    t->host->running--;
    if (run->is_cancelled) {
        end.outcome = ATTEMPT_CANCELLED;
        end.error = STR("cancelled by hand; the request may have reached its target");
    } else if (run->is_stopped) {
        end.outcome = ATTEMPT_INTERRUPTED;
        end.error = STR("the server stopped before the answer came");
    } else if (reply->status) {
        judge_answer(t, reply, &end);
    } else {
        judge_failure(t, reply, &end);
    }
    end.attempt_doc = attempt_json(t, reply);
    finish(t, &end);
}

static void send_now(struct http_attempt *t)
{
    struct active *run = t->run;
    struct http_call_options opt = {
        .method = t->out.method,
        .url = t->out.url,
        .headers = t->out.headers,
        .header_count = t->out.header_count,
        .body = t->out.body,
        .total_timeout_ms = run->def->timeout_seconds * 1000,
        .purpose = EGRESS_ACTION,
        .tls = t->out.tls,
    };
    t->host->running++;
    t->call = http_call_start(run->engine->http, &opt, on_reply, t);
}

static void send_next(struct engine *g, struct http_host *h)
{
    while (!g->is_stopping && h->first && h->running < RUN_HTTP_PER_HOST) {
        struct http_attempt *t = h->first;
        wait_no_more(t);
        send_now(t);
    }
    host_drop_if_idle(g, h);
}

static void end_waiting(struct http_attempt *t, enum attempt_outcome outcome, const char *why)
{
    wait_no_more(t);
    finish(t, &(struct attempt_end){ .outcome = outcome, .retry_after_ms = -1, .error = str_from(why), .attempt_doc = attempt_json(t, NULL) });
}

// ---- from the engine ----

// The variables whose secrets are bound to hosts.
static size_t bound_secrets(const struct active *run, struct bound_secret *out)
{
    size_t count = 0;
    for (size_t i = 0; i < run->def->variable_count; i++) {
        const struct variable *v = &run->def->variables[i];
        const struct secret_entry *secret = v->secret.n ? snapshot_find_secret(run->snapshot, run->run.space_id, v->secret) : NULL;
        const struct json *hosts = secret ? json_get(secret->doc, STR("AllowedHosts")) : NULL;
        if (hosts && hosts->count)
            out[count++] = (struct bound_secret){ v->name, secret->name, hosts };
    }
    return count;
}

bool run_http_render(struct active *run, struct outgoing *out, struct err *e)
{
    struct engine *g = run->engine;
    struct arena *a = &run->arena;
    struct bound_secret *bound = ARENA_ARRAY(a, struct bound_secret, run->def->variable_count);
    struct http_request_input in = {
        .def = run->def,
        .vars = run->vars,
        .templates = run->prepared ? &run->prepared->templates : NULL,
        .bound = bound,
        .bound_count = bound_secrets(run, bound),
        .key = run->run.key,
        .reaction_id = store_id_text(a, KIND_REACTION, run->run.reaction_id),
        .run_id = store_id_text(a, KIND_RUN, run->run.id),
        .clock = g->opt.clock,
        .random = g->opt.random,
    };
    return http_request_render(&in, a, out, e);
}

bool run_http_start(struct active *run, struct err *e)
{
    struct engine *g = run->engine;
    struct http_attempt *t = ARENA_NEW(&run->arena, struct http_attempt);
    t->run = run;
    if (!success_parse(run->def->success_status, &t->success, e))
        return err_in(e, "Action.SuccessStatus");
    if (!run_http_render(run, &t->out, e))
        return false;
    run->http = t;
    t->host = host_of(g, t->out.host);
    wait_for_place(t);
    send_next(g, t->host);
    return true;
}

void run_http_cancel(struct active *run)
{
    run->is_cancelled = true;
    if (run->http->call)
        http_call_cancel(run->http->call);
    else
        end_waiting(run->http, ATTEMPT_CANCELLED, "cancelled by hand, before it was sent");
}

void run_http_stop(struct engine *g)
{
    size_t at = 0;
    str key;
    void *value;
    while (map_next(&g->active, &at, &key, &value)) {
        struct active *run = value;
        if (!run->http)
            continue;
        run->is_stopped = true;
        if (run->http->call)
            http_call_cancel(run->http->call);
        else
            end_waiting(run->http, ATTEMPT_INTERRUPTED, "the server stopped before it was sent");
    }
}
