// server_fuzz.c - any bytes into a connection. What reaches the handler must be unambiguous, and the same
// bytes must give the same requests however they are cut into reads.
#include "http/conn.h"

#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct http_server *server;
static struct buf seen;              // what the handlers were given, as text
static struct http_request *held[8]; // answered a round later
static size_t held_count;

#define MUST(condition) \
    do {                \
        if (!(condition)) \
            __builtin_trap(); \
    } while (0)

static void check_request(const struct http_request *r)
{
    MUST(r->path.n && r->path.p[0] == '/');
    MUST(http_header_count(r, STR("Host")) == 1);
    MUST(http_header_count(r, STR("Content-Length")) + http_header_count(r, STR("Transfer-Encoding")) <= 1);
    MUST(!r->has_length || r->body.n == r->declared_bytes);
    MUST(r->header_count <= LIMIT_HTTP_HEADERS);
    MUST(r->remote.text.n);
    MUST(!memchr(r->target.p, '\n', r->target.n) && !memchr(r->target.p, ' ', r->target.n));
    for (size_t i = 0; i < r->header_count; i++) {
        struct http_header h = r->headers[i];
        MUST(h.name.n && h.value.p);
        MUST(!memchr(h.value.p, '\n', h.value.n) && !memchr(h.value.p, '\r', h.value.n) && !memchr(h.value.p, 0, h.value.n));
    }
}

static bool on_head(struct http_request *r, size_t *max_body, void *ctx)
{
    *max_body = 2000;
    if (!str_starts(r->path, STR("/no")))
        return true;
    buf_printf(&seen, "refused %.*s;", STR_ARG(r->target));
    http_answer(r, 401, NULL, 0, STR("no"));
    return false;
}

static void on_request(struct http_request *r, void *ctx)
{
    check_request(r);
    buf_printf(&seen, "%.*s %.*s %zu from %.*s [%.*s];", STR_ARG(r->method), STR_ARG(r->target), r->header_count, STR_ARG(r->remote.text), STR_ARG(r->body));
    if (str_starts(r->path, STR("/stream"))) {
        http_stream_start(r, 200, NULL, 0, NULL, NULL);
        http_stream_write(r, r->body);
        http_stream_end(r);
    } else if (str_starts(r->path, STR("/late")) && held_count < COUNT(held)) {
        held[held_count++] = r;
    } else {
        http_answer(r, 200, r->headers, r->header_count, r->body);
    }
}

static void round_of_loop(void)
{
    uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    while (held_count)
        http_answer(held[--held_count], 200, NULL, 0, STR("late"));
}

// Feeds the bytes in pieces and runs until the connection is gone.
static void feed(str bytes, size_t step)
{
    static char dropped[65536];
    int fds[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    struct http_conn *c = server_conn_new(server);
    MUST(uv_tcp_open(&c->tcp, fds[0]) == 0);
    c->peer = ip_from_v4(0x7f000001);
    conn_read_set(c, true);
    buf_clear(&seen);
    while (bytes.n) {
        ssize_t n = send(fds[1], bytes.p, MIN(step, bytes.n), MSG_NOSIGNAL);
        if (n > 0)
            bytes = str_skip(bytes, (size_t)n);
        round_of_loop();
        while (recv(fds[1], dropped, sizeof dropped, 0) > 0) {
        }
        if (http_server_stats(server).open_connections == 0)
            break;
    }
    shutdown(fds[1], SHUT_WR);
    while (http_server_stats(server).open_connections) {
        round_of_loop();
        while (recv(fds[1], dropped, sizeof dropped, 0) > 0) {
        }
    }
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!loop) {
        static const char *const proxies[] = { "127.0.0.0/8" };
        struct err e;
        struct http_server_options opt = {
            .listen = "127.0.0.1:0", .on_head = on_head, .on_request = on_request, .trusted_proxies = proxies, .trusted_proxy_count = 1, .server_name = "fuzz",
        };
        MUST(loop_open(&loop, &e) && http_server_open(loop, &opt, &server, &e));
    }
    if (size < 1 || size > 16384)
        return 0;
    str bytes = { (const char *)data + 1, size - 1 };
    feed(bytes, SIZE_MAX);
    CLEANUP(buf_fini) struct buf whole = { 0 };
    buf_add(&whole, buf_str(&seen));
    feed(bytes, MAX((size_t)(1 + data[0] % 64), bytes.n / 64)); // 64 rounds are enough, whatever the length
    MUST(str_eq(buf_str(&whole), buf_str(&seen)));
    return 0;
}
