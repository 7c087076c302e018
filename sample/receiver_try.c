#include "sample/receiver_try.h"

#include "json/json.h"
#include "sample/routes.h"

struct trial {
    struct sample sample;
    struct http_server *server;
    struct egress *egress;
    struct arena arena;
    int status;
    str body;
};

static void on_request(struct http_request *r, void *ctx)
{
    struct call *c = arena_alloc(r->arena, sizeof *c);

    if (call_begin(c, ctx, r))
        receivers_handle(c);
}

static const struct egress *policy(void *ctx)
{
    return ctx;
}

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct trial *t = ctx;

    t->status = reply->status;
    t->body = arena_str(&t->arena, reply->body);
    loop_stop(t->sample.loop);
}

static size_t split_headers(str text, struct http_header *out, size_t room)
{
    size_t count = 0;
    str line;

    while (text.n && count < room && str_split(&text, '\n', &line)) {
        ptrdiff_t colon = str_find_char(line, ':');

        out[count++] = (struct http_header){ str_sub(line, 0, (size_t)colon), str_trim(str_skip(line, (size_t)colon + 1)) };
    }
    return count;
}

static void send_row(struct trial *t, const char *receiver, const struct receiver_row *row)
{
    struct http_header headers[8];
    str rest = str_from(row->request), method;

    str_split(&rest, ' ', &method);
    struct http_call_options opt = {
        .method = method,
        .url = arena_printf(&t->arena, "http://127.0.0.1:%d/receivers/%s%.*s", http_server_port(t->server), receiver, STR_ARG(rest)),
        .headers = headers,
        .header_count = split_headers(row->headers ? str_from(row->headers) : STR(""), headers, COUNT(headers)),
        .body = str_from(row->body ? row->body : ""),
        .purpose = EGRESS_TEST,
    };
    t->status = -1;
    http_call_start(t->sample.client, &opt, on_reply, t);
    loop_run(t->sample.loop);
}

static void check_kept(struct trial *t, const char *receiver, const struct receiver_row *row, size_t number)
{
    struct json *kept;
    int64_t status = 0;

    if (!json_parse(&t->arena, receivers_json(t->sample.receivers, &t->arena, str_from(receiver), (int64_t)number, 1), &kept, NULL))
        return;
    const struct json *item = json_at(json_get(kept, STR("Items")), 0);
    json_i64(json_get(item, STR("Status")), &status);
    CHECK_INT(arena_printf(&t->arena, "%s: kept with its status", row->claim).p, status, row->status);
    CHECK_STR(arena_printf(&t->arena, "%s: kept as it came", row->claim).p, json_str(json_get(item, STR("Body")), STR("?")), str_from(row->body ? row->body : ""));
}

void receiver_try(const char *receiver, const struct receiver_row *rows, size_t count)
{
    receiver_try_misbehaving(receiver, NULL, rows, count);
}

void receiver_try_misbehaving(const char *receiver, const struct misbehaviour *how, const struct receiver_row *rows, size_t count)
{
    static const str loopback[] = { STR_INIT("127.0.0.0/8") };
    struct trial t = { .sample = { .clock = &clock_system } };
    struct err e = { 0 };
    struct http_server_options http = { .listen = "127.0.0.1:0", .on_request = on_request, .ctx = &t.sample, .server_name = "octopus-sample" };
    struct http_client_options client = { .egress = policy };

    CHECK_OK("a loop", loop_open(&t.sample.loop, &e), &e);
    CHECK_OK("a policy", egress_new(loopback, 1, &t.egress, &e), &e);
    client.loop = t.sample.loop;
    client.egress_ctx = t.egress;
    t.sample.receivers = receivers_new(&t.sample);
    if (how)
        receivers_misbehave(t.sample.receivers, how);
    CHECK_OK("a server", http_server_open(t.sample.loop, &http, &t.server, &e), &e);
    CHECK_OK("a client", http_client_open(&client, &t.sample.client, &e), &e);
    for (size_t i = 0; i < count; i++) {
        send_row(&t, receiver, &rows[i]);
        CHECK_INT(rows[i].claim, t.status, rows[i].status);
        CHECK(arena_printf(&t.arena, "%s: says \"%s\"", rows[i].claim, rows[i].says).p, str_find(t.body, str_from(rows[i].says)) >= 0);
        check_kept(&t, receiver, &rows[i], i);
    }
    http_client_close(t.sample.client);
    http_server_close(t.server);
    loop_close(t.sample.loop);
    receivers_free(t.sample.receivers);
    egress_free(t.egress);
    arena_fini(&t.arena);
}
