#include "tests/http/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#define PATIENCE_MS 20000 // only a failing test needs it

static void *run(void *ctx)
{
    loop_run(ctx);
    return NULL;
}

void peer_start(struct peer *p, struct http_server_options opt)
{
    struct err e;
    alarm(240);
    *p = (struct peer){ 0 };
    if (!opt.listen)
        opt.listen = "127.0.0.1:0";
    REQUIRE("the loop opens", loop_open(&p->loop, &e));
    if (!CHECK_OK("the server opens", http_server_open(p->loop, &opt, &p->server, &e), &e))
        fail();
    p->port = http_server_port(p->server);
    pthread_t thread;
    pthread_create(&thread, NULL, run, p->loop);
    p->thread = xmemdup(&thread, sizeof thread);
}

void peer_stop(struct peer *p)
{
    loop_stop(p->loop);
    pthread_join(*(pthread_t *)p->thread, NULL);
    free(p->thread);
    http_server_close(p->server);
    loop_close(p->loop);
    alarm(0);
}

struct question {
    void (*fn)(void *ctx);
    void *ctx;
    sem_t answered;
};

static void answer_question(void *ctx)
{
    struct question *q = ctx;
    q->fn(q->ctx);
    sem_post(&q->answered);
}

void peer_ask(struct peer *p, void (*fn)(void *ctx), void *ctx)
{
    struct question q = { .fn = fn, .ctx = ctx };
    sem_init(&q.answered, 0, 0);
    loop_post(p->loop, answer_question, &q);
    while (sem_wait(&q.answered) < 0) {
    }
    sem_destroy(&q.answered);
}

struct stats_question {
    struct peer *p;
    struct http_server_stats stats;
};

static void get_stats(void *ctx)
{
    struct stats_question *q = ctx;
    q->stats = http_server_stats(q->p->server);
}

struct http_server_stats peer_stats(struct peer *p)
{
    struct stats_question q = { .p = p };
    peer_ask(p, get_stats, &q);
    return q.stats;
}

struct until {
    bool (*holds)(void *ctx);
    void *ctx;
    bool is_so;
};

static void ask_until(void *ctx)
{
    struct until *u = ctx;
    u->is_so = u->holds(u->ctx);
}

bool peer_until(struct peer *p, bool (*holds)(void *ctx), void *ctx)
{
    struct until u = { .holds = holds, .ctx = ctx };
    for (int64_t ms = 0; ms < PATIENCE_MS; ms++) {
        peer_ask(p, ask_until, &u);
        if (u.is_so)
            return true;
        poll(NULL, 0, 1); // gives way; the condition, not the time, ends the wait
    }
    return false;
}

struct open_question {
    struct peer *p;
    uint64_t want;
};

static bool has_open(void *ctx)
{
    struct open_question *q = ctx;
    return http_server_stats(q->p->server).open_connections == q->want;
}

bool peer_until_open(struct peer *p, uint64_t connections)
{
    return peer_until(p, has_open, &(struct open_question){ p, connections });
}

int peer_connect(const struct peer *p)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)p->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct timeval patience = { PATIENCE_MS / 1000, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&in, sizeof in) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool peer_send(int fd, str bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes = str_skip(bytes, (size_t)n);
    }
    return true;
}

str peer_read(int fd, struct arena *a, size_t n)
{
    char *p = arena_bytes(a, n + 1);
    size_t have = 0;
    for (ssize_t got; have < n && (got = recv(fd, p + have, n - have, 0)) > 0;)
        have += (size_t)got;
    p[have] = 0;
    return (str){ p, have };
}

str peer_answer(int fd, struct arena *a)
{
    CLEANUP(buf_fini) struct buf in = { 0 };
    // Byte by byte, so that what follows stays in the socket.
    while (!str_ends(buf_str(&in), STR("\r\n\r\n"))) {
        char c;
        if (recv(fd, &c, 1, 0) != 1)
            return (str){ 0 };
        buf_add_char(&in, c);
    }
    ptrdiff_t at = str_find(buf_str(&in), STR("Content-Length: "));
    size_t length = at < 0 ? 0 : strtoul(in.p + at + 16, NULL, 10);
    str body = peer_read(fd, a, length);
    return arena_concat(a, buf_str(&in), body);
}

str peer_rest(int fd, struct arena *a)
{
    CLEANUP(buf_fini) struct buf in = { 0 };
    for (;;) {
        char *room = buf_room(&in, 65536);
        ssize_t n = recv(fd, room, 65536, 0);
        if (n <= 0)
            return arena_str(a, buf_str(&in));
        buf_wrote(&in, (size_t)n);
    }
}

bool peer_is_ended(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

void peer_reset(int fd)
{
    struct linger l = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(fd);
}
