#include "http/conn.h"

#include "tests/http/peer.h"

#include <unistd.h>

#define HOLD STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")

struct keeper {
    struct http_request *held;
    int gone_count;
    bool could_write;
};

static void on_gone(void *ctx)
{
    ((struct keeper *)ctx)->gone_count++;
}

static void serve(struct http_request *r, void *ctx)
{
    struct keeper *k = ctx;
    if (str_eq(r->path, STR("/abort"))) {
        http_abort(r);
        return;
    }
    if (str_eq(r->path, STR("/error"))) {
        http_answer_error(r, 409, "the %s \"%d\" is taken", "name", 7);
        return;
    }
    k->held = r;
    if (str_eq(r->path, STR("/stream"))) {
        static const struct http_header type = { STR_INIT("Content-Type"), STR_INIT("text/event-stream") };
        http_stream_start(r, 200, &type, 1, on_gone, k);
    }
}

static bool is_held(void *ctx)
{
    return ((struct keeper *)ctx)->held != NULL;
}

static bool is_gone(void *ctx)
{
    return ((struct keeper *)ctx)->gone_count > 0;
}

static void answer_held(void *ctx)
{
    struct keeper *k = ctx;
    struct http_request *r = MOVE(k->held); // the next request may be taken up before http_answer returns
    http_answer(r, 200, NULL, 0, STR("held"));
}

static void write_event(void *ctx)
{
    struct keeper *k = ctx;
    k->could_write = http_stream_write(k->held, STR("data: 1\n\n"));
}

static void write_until_behind(void *ctx)
{
    struct keeper *k = ctx;
    static char piece[65536];
    k->could_write = true;
    for (int i = 0; i < 10000 && k->could_write; i++)
        k->could_write = http_stream_write(k->held, (str){ piece, sizeof piece });
}

static void end_stream(void *ctx)
{
    struct keeper *k = ctx;
    struct http_request *r = MOVE(k->held);
    http_stream_end(r);
}

TEST(an_answer_finds_its_client_gone)
{
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    for (int i = 0; i < 20; i++) {
        int fd = peer_connect(&p);
        peer_send(fd, HOLD);
        CHECK("the request is held", peer_until(&p, is_held, &k));
        peer_reset(fd);
        CHECK("the server notices that the client left", peer_until_open(&p, 0));
        CHECK_STR("the request is still whole", k.held->path, STR("/hold"));
        peer_ask(&p, answer_held, &k);
    }
    CHECK_INT("nothing was sent", peer_stats(&p).bytes_out, 0);
    peer_stop(&p);
}

TEST(an_answer_may_race_with_its_client_leaving)
{
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    for (int i = 0; i < 50; i++) {
        int fd = peer_connect(&p);
        peer_send(fd, HOLD);
        CHECK("the request is held", peer_until(&p, is_held, &k));
        peer_reset(fd);
        peer_ask(&p, answer_held, &k); // before or after the server hears of it
    }
    CHECK("no connection is left over", peer_until_open(&p, 0));
    peer_stop(&p);
}

TEST(errors_have_the_shape_of_the_contract)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET /error HTTP/1.1\r\nHost: a\r\n\r\n"));
    str answer = peer_answer(fd, &a);
    CHECK("status", str_starts(answer, STR("HTTP/1.1 409 Conflict\r\n")));
    CHECK("type", str_find(answer, STR("\r\nContent-Type: application/json\r\n")) >= 0);
    CHECK("body", str_ends(answer, STR("\r\n\r\n{\"ErrorMessage\": \"the name \\\"7\\\" is taken\", \"Errors\": []}")));
    peer_send(fd, STR("GET /abort HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK_INT("an abort closes without an answer", peer_rest(fd, &a).n, 0);
    close(fd);
    peer_stop(&p);
}

TEST(events_are_streamed)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    str head = peer_answer(fd, &a);
    CHECK("the head comes at once", str_find(head, STR("\r\nTransfer-Encoding: chunked\r\n")) >= 0);
    for (int i = 0; i < 3; i++) {
        peer_ask(&p, write_event, &k);
        CHECK_STR("each event as it is written", peer_read(fd, &a, 14), STR("9\r\ndata: 1\n\n\r\n"));
        CHECK("the writer hears that it went", k.could_write);
    }
    peer_send(fd, HOLD); // pipelined behind the stream
    peer_ask(&p, end_stream, &k);
    CHECK_STR("the end", peer_read(fd, &a, 5), STR("0\r\n\r\n"));
    CHECK("the next request is taken up", peer_until(&p, is_held, &k));
    peer_ask(&p, answer_held, &k);
    CHECK("and answered", str_ends(peer_answer(fd, &a), STR("held")));
    CHECK_INT("nobody had gone", k.gone_count, 0);
    close(fd);
    peer_stop(&p);
}

TEST(a_streams_client_leaves)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    for (int way = 0; way < 2; way++) {
        k.gone_count = 0;
        int fd = peer_connect(&p);
        peer_send(fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
        CHECK("it begins", peer_answer(fd, &a).n);
        if (way)
            peer_reset(fd);
        else
            close(fd);
        CHECK("on_gone is called", peer_until(&p, is_gone, &k));
        peer_ask(&p, write_event, &k);
        CHECK("writing says so too", !k.could_write);
        peer_ask(&p, end_stream, &k);
        CHECK_INT("on_gone was called once", k.gone_count, 1);
        CHECK("the connection is gone", peer_until_open(&p, 0));
    }
    peer_stop(&p);
}

TEST(a_stream_whose_client_does_not_read_is_told)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("it begins", peer_answer(fd, &a).n);
    peer_ask(&p, write_until_behind, &k);
    CHECK("more than 1 MB behind, a write is refused", !k.could_write);
    peer_ask(&p, end_stream, &k);
    close(fd);
    CHECK("the connection ends", peer_until_open(&p, 0));
    peer_stop(&p);
}

TEST(a_stream_outlives_neither_stop_nor_close)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("it begins", peer_answer(fd, &a).n);
    peer_stop(&p);
    CHECK_INT("a closed server calls nobody", k.gone_count, 0);
    CHECK("a write is refused", !http_stream_write(k.held, STR("x")));
    http_stream_end(k.held);
    close(fd);
}

static void stop_now(void *ctx)
{
    struct peer *p = ctx;
    http_server_stop(p->server, 60000, NULL, NULL);
}

TEST(a_stop_tells_streams_to_end)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("it begins", peer_answer(fd, &a).n);
    peer_ask(&p, stop_now, &p);
    CHECK("on_gone is called", peer_until(&p, is_gone, &k));
    peer_ask(&p, end_stream, &k);
    CHECK("the connection ends", peer_is_ended(fd));
    close(fd);
    peer_stop(&p);
}

static bool refuse_later(struct http_request *r, size_t *max_body UNUSED, void *ctx)
{
    if (!str_eq(r->path, STR("/later")))
        return true;
    ((struct keeper *)ctx)->held = r;
    return false;
}

TEST(a_refusal_before_the_body_may_take_its_time)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = serve, .on_head = refuse_later, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /error HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("it is held", peer_until(&p, is_held, &k));
    peer_ask(&p, answer_held, &k);
    CHECK("then answered", str_ends(peer_answer(fd, &a), STR("held")));
    CHECK("the body is skipped, the next request answered", str_starts(peer_answer(fd, &a), STR("HTTP/1.1 409 ")));
    close(fd);
    peer_stop(&p);
}

TEST_MAIN()
