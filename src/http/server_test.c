#include "http/server.h"

#include "tests/http/peer.h"

#include <unistd.h>

#define HELLO STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")

// ---- handlers

static void say_remote(struct http_request *r, void *ctx UNUSED)
{
    http_answer(r, 200, NULL, 0, r->remote.text);
}

struct keeper { // holds requests until told
    struct http_request *held[64];
    size_t count;
};

static void hold(struct http_request *r, void *ctx)
{
    struct keeper *k = ctx;
    if (str_eq(r->path, STR("/hello")))
        http_answer(r, 200, NULL, 0, STR("hello"));
    else
        k->held[k->count++] = r;
}

static void answer_held(void *ctx)
{
    struct keeper *k = ctx;
    for (size_t i = 0; i < k->count; i++)
        http_answer(k->held[i], 200, NULL, 0, STR("held"));
    k->count = 0;
}

static bool holds_one(void *ctx)
{
    return ((struct keeper *)ctx)->count == 1;
}

// ---- opening

TEST(what_cannot_be_listened_on_is_named)
{
    static const struct {
        const char *listen, *says;
        enum err_kind kind;
    } rows[] = {
        { "", "must be address:port", ERR_INVALID },
        { "127.0.0.1", "must be address:port", ERR_INVALID },
        { "127.0.0.1:", "0 to 65535", ERR_INVALID },
        { "127.0.0.1:x", "0 to 65535", ERR_INVALID },
        { "127.0.0.1:65536", "0 to 65535", ERR_INVALID },
        { "127.0.0.1:-1", "0 to 65535", ERR_INVALID },
        { "192.0.2.7:0", "192.0.2.7:0", ERR_IO }, // documentation: nobody has it
        { "no such host:0", "no such host", ERR_INVALID },
    };
    struct loop *loop;
    struct err e;
    REQUIRE("a loop", loop_open(&loop, &e));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_server *s = NULL;
        struct http_server_options opt = { .listen = rows[i].listen, .on_request = say_remote };
        e = (struct err){ 0 };
        CHECK(rows[i].listen, !http_server_open(loop, &opt, &s, &e));
        CHECK_INT(rows[i].listen, e.kind, rows[i].kind);
        CHECK(e.text, str_find(str_from(e.text), str_from(rows[i].says)) >= 0);
    }
    static const char *const listens[] = { "127.0.0.1:0", "[::1]:0", "*:0", "localhost:0", ":0" };
    for (size_t i = 0; i < COUNT(listens); i++) {
        struct http_server *s = NULL;
        struct http_server_options opt = { .listen = listens[i], .on_request = say_remote };
        CHECK_OK(listens[i], http_server_open(loop, &opt, &s, &e), &e);
        CHECK("a port was drawn", s && http_server_port(s) > 0);
        http_server_close(s);
    }
    struct http_server *first = NULL, *second = NULL;
    char again[64];
    CHECK_OK("one server", http_server_open(loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = say_remote }, &first, &e), &e);
    snprintf(again, sizeof again, "127.0.0.1:%d", http_server_port(first));
    CHECK("a second one on its port is refused", !http_server_open(loop, &(struct http_server_options){ .listen = again, .on_request = say_remote }, &second, &e));
    CHECK_INT("as a conflict", e.kind, ERR_CONFLICT);
    http_server_close(first);

    const char *proxies[] = { "10.0.0.0/8", "10.0.0.1/8" };
    CHECK("a bad proxy net is refused", !http_server_open(loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = say_remote, .trusted_proxies = proxies, .trusted_proxy_count = 2 }, &first, &e));
    CHECK("and named", str_starts(str_from(e.text), STR("trusted proxy 2: ")));
    CHECK("a certificate without key is refused", !http_server_open(loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = say_remote, .cert_file = "/nonexistent" }, &first, &e));
    CHECK("a missing certificate is refused",
          !http_server_open(loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = say_remote, .cert_file = "/nonexistent/cert", .key_file = "/nonexistent/key" }, &first, &e));
    CHECK("and named", str_find(str_from(e.text), STR("/nonexistent/cert")) >= 0);
    http_server_close(NULL);
    loop_close(loop);
}

TEST(the_remote_address_goes_by_the_trusted_proxies)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    static const char *const proxies[] = { "127.0.0.0/8" };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_remote, .trusted_proxies = proxies, .trusted_proxy_count = 1 });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4, 192.0.2.7\r\n\r\n"));
    CHECK("behind a trusted proxy it is the client's", str_ends(peer_answer(fd, &a), STR("\r\n\r\n192.0.2.7")));
    peer_send(fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("without the header it is the peer's", str_ends(peer_answer(fd, &a), STR("\r\n\r\n127.0.0.1")));
    close(fd);
    peer_stop(&p);

    peer_start(&p, (struct http_server_options){ .on_request = say_remote });
    fd = peer_connect(&p);
    peer_send(fd, STR("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"));
    CHECK("nobody is trusted who was not named", str_ends(peer_answer(fd, &a), STR("\r\n\r\n127.0.0.1")));
    close(fd);
    peer_stop(&p);
}

// ---- stopping

struct stopping {
    struct peer *p;
    int64_t grace_ms;
    bool is_done;
};

static void on_stopped(void *ctx)
{
    ((struct stopping *)ctx)->is_done = true;
}

static void begin_stop(void *ctx)
{
    struct stopping *s = ctx;
    http_server_stop(s->p->server, s->grace_ms, on_stopped, s);
}

static bool is_stopped(void *ctx)
{
    return ((struct stopping *)ctx)->is_done;
}

TEST(a_stop_lets_outstanding_answers_out)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    struct stopping s = { &p, 60000, false };
    peer_start(&p, (struct http_server_options){ .on_request = hold, .ctx = &k });
    int waiting = peer_connect(&p), idle = peer_connect(&p), silent = peer_connect(&p), partial = peer_connect(&p);
    peer_send(idle, HELLO);
    CHECK("a first answer", peer_answer(idle, &a).n);
    peer_send(waiting, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("one request is held", peer_until(&p, holds_one, &k));
    uint64_t before = peer_stats(&p).bytes_in;
    peer_send(partial, STR("GET /hello HTTP/1.1\r\n"));
    while (peer_stats(&p).bytes_in == before) {
    }
    CHECK("four connections are open", peer_until_open(&p, 4));

    peer_ask(&p, begin_stop, &s);
    CHECK("an idle connection is closed", peer_is_ended(idle));
    CHECK("one that never said anything too", peer_is_ended(silent));
    int late = peer_connect(&p);
    CHECK("nobody new is let in", late < 0 || peer_is_ended(late));
    CHECK("the stop waits for the answer", !s.is_done);
    peer_send(partial, STR("Host: a\r\n\r\n"));
    str answer = peer_rest(partial, &a);
    CHECK("a request that had begun is answered", str_ends(answer, STR("\r\n\r\nhello")));
    CHECK("and told that the connection ends", str_find(answer, STR("\r\nConnection: close\r\n")) >= 0);
    peer_ask(&p, answer_held, &k);
    answer = peer_rest(waiting, &a);
    CHECK("so is the one that was held", str_ends(answer, STR("\r\n\r\nheld")) && str_find(answer, STR("\r\nConnection: close\r\n")) >= 0);
    close(waiting);
    close(partial);
    CHECK("then the stop is done", peer_until(&p, is_stopped, &s));
    close(idle);
    close(silent);
    if (late >= 0)
        close(late);
    peer_stop(&p);
}

TEST(a_stop_does_not_wait_longer_than_its_grace)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    struct stopping s = { &p, 20, false };
    peer_start(&p, (struct http_server_options){ .on_request = hold, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("one request is held", peer_until(&p, holds_one, &k));
    peer_ask(&p, begin_stop, &s);
    CHECK("the stop is done", peer_until(&p, is_stopped, &s));
    CHECK("the client was cut off", peer_is_ended(fd));
    peer_ask(&p, answer_held, &k); // finds nobody, frees the request
    close(fd);
    peer_stop(&p);
}

TEST(a_stop_without_connections_is_done_at_once)
{
    struct peer p;
    struct stopping s = { &p, 60000, false };
    peer_start(&p, (struct http_server_options){ .on_request = say_remote });
    peer_ask(&p, begin_stop, &s);
    CHECK("done", peer_until(&p, is_stopped, &s));
    peer_stop(&p);
}

TEST(a_request_outlives_its_server)
{
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = hold, .ctx = &k });
    int fd = peer_connect(&p);
    peer_send(fd, STR("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
    CHECK("one request is held", peer_until(&p, holds_one, &k));
    peer_stop(&p);
    CHECK_STR("its body is still there", k.held[0]->body, STR("hello"));
    CHECK_STR("and its path", k.held[0]->path, STR("/hold"));
    answer_held(&k);
    CHECK_INT("and it may be answered", k.count, 0);
    close(fd);
}

// ---- counting

TEST(an_idle_connection_makes_room_at_the_cap)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keeper k = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = hold, .ctx = &k, .max_connections = 2 });
    int first = peer_connect(&p), second = peer_connect(&p);
    peer_send(first, HELLO);
    CHECK("the first is served", peer_answer(first, &a).n);
    peer_send(second, HELLO);
    CHECK("the second is served", peer_answer(second, &a).n);
    int third = peer_connect(&p);
    peer_send(third, HELLO);
    CHECK("a third takes the place of the one idle longest", peer_answer(third, &a).n);
    CHECK("which is closed", peer_is_ended(first));
    close(first);

    peer_send(second, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("the second works", peer_until(&p, holds_one, &k));
    peer_send(third, STR("GET /hol"));
    uint64_t before = peer_stats(&p).bytes_in;
    peer_send(third, STR("d HTTP/1.1\r\nHost: a\r\n"));
    while (peer_stats(&p).bytes_in == before) {
    }
    int fourth = peer_connect(&p);
    str answer = peer_rest(fourth, &a);
    CHECK("with nobody idle a new one gets 503", str_starts(answer, STR("HTTP/1.1 503 ")) && str_find(answer, STR("\r\nRetry-After: 5\r\n")) >= 0);
    close(fourth);
    peer_ask(&p, answer_held, &k);
    CHECK("and the others go on", str_ends(peer_answer(second, &a), STR("held")));
    close(second);
    close(third);
    peer_stop(&p);
}

TEST(what_happened_is_counted)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_remote, .server_name = "reactions" });
    int fd = peer_connect(&p);
    peer_send(fd, HELLO);
    str answer = peer_answer(fd, &a);
    CHECK("the server's name is said", str_find(answer, STR("\r\nServer: reactions\r\n")) >= 0);
    peer_send(fd, STR("nonsense\r\n\r\n"));
    str refusal = peer_rest(fd, &a);
    close(fd);
    CHECK("the connection ends", peer_until_open(&p, 0));
    struct http_server_stats s = peer_stats(&p);
    CHECK_INT("one connection", s.connections, 1);
    CHECK_INT("one request", s.requests, 1);
    CHECK_INT("one bad one", s.bad_requests, 1);
    CHECK_INT("no time-out", s.timeouts, 0);
    CHECK_INT("bytes in", s.bytes_in, HELLO.n + 12);
    CHECK_INT("bytes out", s.bytes_out, answer.n + refusal.n);
    peer_stop(&p);
}

TEST_MAIN()
