// The broker by HTTP: where a reaction asks for Octopus's own .NET client, that client is given an address on this machine's
// loopback and a token, good while the script runs. What it sends there goes the way of the script's other calls (broker.c).
#include "base/encode.h"
#include "base/limits.h"
#include "http/server.h"
#include "reaction/engine_internal.h"

#define TOKEN_BYTES 32
#define CONNECTIONS_MAX 256
#define BODY_MAX (LIMIT_WORKER_FRAME_BYTES / 4) // as much as the worker may send in a frame

struct broker_http {
    struct http_server *server;
    struct map by_token; // -> struct active
};

// Between two machines only (RFC 9110 section 7.6.1), or made anew for the other side.
static bool is_passed_on(str name)
{
    static const char *const kept[] = { "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Content-Length", "Content-Encoding", "Accept-Encoding", "Expect", "Date", "Set-Cookie" };
    for (size_t i = 0; i < COUNT(kept); i++)
        if (str_eq_nocase(name, str_from(kept[i])))
            return false;
    return true;
}

static void on_request(struct http_request *r, void *ctx)
{
    struct broker_http *front = ctx;
    str token = http_header(r, STR("X-Octopus-ApiKey"));
    struct active *run = token.n == 2 * TOKEN_BYTES ? map_get(&front->by_token, token) : NULL;
    if (!run) {
        http_answer_error(r, 401, "X-Octopus-ApiKey: this address is for the script of a run that is under way, with the token it was given");
        return;
    }
    struct json *headers = json_new_object(r->arena);
    for (size_t i = 0; i < r->header_count; i++)
        if (is_passed_on(r->headers[i].name) && str_is_utf8(r->headers[i].value))
            json_put(headers, r->headers[i].name, json_new_string(r->arena, r->headers[i].value));
    // The client's addresses begin where Octopus's do, which may be below a folder; the broker adds that itself.
    str path = r->target;
    if (str_starts(path, run->client_folder))
        path = str_skip(path, run->client_folder.n);
    broker_call(run, &(struct script_call){ .method = r->method, .path_or_url = path, .headers = headers, .body = r->body, .has_body = r->body.n > 0 }, r);
}

void broker_http_answer(struct http_request *r, const struct script_reply *reply)
{
    if (reply->error.n) {
        http_answer_error(r, 502, "%.*s", STR_ARG(reply->error));
        return;
    }
    struct http_header headers[64];
    size_t count = 0;
    json_each(h, reply->headers)
        if (count < COUNT(headers) && is_passed_on(h->name) && json_is(h, JSON_STRING))
            headers[count++] = (struct http_header){ h->name, h->text };
    http_answer(r, reply->status, headers, count, reply->body);
}

static bool open_server(struct engine *g, struct err *e)
{
    struct broker_http *front = xcalloc(1, sizeof *front);
    struct http_server_options opt = { .listen = "127.0.0.1:0", .max_body_bytes = BODY_MAX, .on_request = on_request, .ctx = front, .max_connections = CONNECTIONS_MAX };
    if (!http_server_open(g->loop, &opt, &front->server, e)) {
        free(front);
        return err_in(e, "an address for the .NET client");
    }
    g->broker_http = front;
    return true;
}

bool broker_http_admit(struct active *run, str octopus_url, str *url, str *token, struct err *e)
{
    struct engine *g = run->engine;
    struct arena *a = &run->arena;
    char secret[TOKEN_BYTES];
    struct url parsed;
    if ((!g->broker_http && !open_server(g, e)) || !url_parse(a, octopus_url, &parsed, e))
        return false;
    str folder = parsed.path_and_query;
    while (folder.n && folder.p[folder.n - 1] == '/')
        folder.n--;
    g->opt.random->fill(g->opt.random->ctx, secret, sizeof secret);
    run->client_folder = folder;
    run->client_token = *token = hex_encode(a, (str){ secret, sizeof secret });
    *url = arena_printf(a, "http://127.0.0.1:%d%.*s", http_server_port(g->broker_http->server), STR_ARG(folder));
    map_put(&g->broker_http->by_token, run->client_token, run);
    mask_add(run->mask, run->client_token);
    return true;
}

void broker_http_dismiss(struct active *run)
{
    if (run->client_token.n)
        map_remove(&run->engine->broker_http->by_token, run->client_token);
    run->client_token = (str){ 0 };
}

bool broker_http_is_at(const struct active *run, str address, int port)
{
    return run->client_token.n && str_eq(address, STR("127.0.0.1")) && port == http_server_port(run->engine->broker_http->server);
}

void broker_http_close(struct engine *g)
{
    struct broker_http *front = MOVE(g->broker_http);
    if (!front)
        return;
    http_server_close(front->server);
    map_fini(&front->by_token);
    free(front);
}
