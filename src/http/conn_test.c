#include "http/conn.h"

#include "tests/http/peer.h"

#include <sys/resource.h>
#include <unistd.h>

static void say_length(struct http_request *r, void *ctx UNUSED)
{
    http_answer(r, 200, NULL, 0, arena_printf(r->arena, "%zu", r->body.n));
}

static bool body_of_100(struct http_request *r, size_t *max_body, void *ctx UNUSED)
{
    *max_body = 100;
    return true;
}

// ---- deadlines, with short ones injected

TEST(a_client_that_says_nothing_is_dropped_without_a_word)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_length, .header_timeout_ms = 30 });
    int fd = peer_connect(&p);
    CHECK_INT("it gets nothing", peer_rest(fd, &a).n, 0);
    close(fd);
    CHECK_INT("and is counted", peer_stats(&p).timeouts, 1);
    peer_stop(&p);
}

TEST(a_head_must_arrive_in_time)
{
    static const char *const heads[] = { "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: y", "GET / HTTP/1.1\r\nHost: a\r\n\r" };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_length, .header_timeout_ms = 30 });
    for (size_t i = 0; i < COUNT(heads); i++) {
        int fd = peer_connect(&p);
        peer_send(fd, str_from(heads[i]));
        CHECK(heads[i], str_starts(peer_rest(fd, &a), STR("HTTP/1.1 408 Request Timeout\r\n")));
        close(fd);
    }
    CHECK_INT("each is counted", peer_stats(&p).timeouts, COUNT(heads));
    peer_stop(&p);
}

TEST(a_body_must_keep_its_rate)
{
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nxxx",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxxx\r\n",
    };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_length, .header_timeout_ms = 30 });
    for (size_t i = 0; i < COUNT(requests); i++) {
        int fd = peer_connect(&p);
        peer_send(fd, str_from(requests[i]));
        str answer = peer_rest(fd, &a);
        CHECK(requests[i], str_starts(answer, STR("HTTP/1.1 408 ")) && str_find(answer, STR("too slowly")) >= 0);
        close(fd);
    }
    peer_stop(&p);
}

struct moment {
    struct peer *p;
    int64_t at_ms;
};

static bool has_come(void *ctx)
{
    struct moment *m = ctx;
    if (!m->at_ms)
        m->at_ms = loop_now_ms(m->p->loop) + 120;
    return loop_now_ms(m->p->loop) >= m->at_ms;
}

TEST(a_body_that_kept_its_rate_may_pause)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    static char body[100000];
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_length, .header_timeout_ms = 30 });
    int fd = peer_connect(&p);
    peer_send(fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n"));
    peer_send(fd, (str){ body, sizeof body });
    CHECK("several looks later", peer_until(&p, has_come, &(struct moment){ &p, 0 }));
    peer_send(fd, STR("x"));
    CHECK("100,000 bytes are good for 100 seconds", str_ends(peer_answer(fd, &a), STR("100001")));
    close(fd);
    peer_stop(&p);
}

static bool refuse_all(struct http_request *r, size_t *max_body UNUSED, void *ctx UNUSED)
{
    http_answer(r, 401, NULL, 0, STR("no"));
    return false;
}

TEST(the_rest_of_a_refused_body_must_come_in_time_too)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_length, .on_head = refuse_all, .header_timeout_ms = 30 });
    int fd = peer_connect(&p);
    peer_send(fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx"));
    CHECK("the refusal comes at once", str_ends(peer_answer(fd, &a), STR("\r\n\r\nno")));
    CHECK("and then the end", peer_is_ended(fd));
    close(fd);
    fd = peer_connect(&p);
    peer_send(fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx"));
    CHECK("the refusal comes at once", str_ends(peer_answer(fd, &a), STR("\r\n\r\nno")));
    shutdown(fd, SHUT_WR);
    CHECK("a client that sends no more is let go", peer_is_ended(fd));
    close(fd);
    peer_stop(&p);
}

TEST(an_idle_connection_is_closed)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_length, .idle_timeout_ms = 30 });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("it is served", peer_answer(fd, &a).n);
    CHECK("and then closed", peer_is_ended(fd));
    close(fd);
    peer_stop(&p);
}

static void say_much(struct http_request *r, void *ctx UNUSED)
{
    size_t n = 64 << 20;
    char *p = xcalloc(1, n);
    http_answer(r, 200, NULL, 0, (str){ p, n });
    free(p);
}

TEST(a_client_that_does_not_take_its_answer_is_dropped)
{
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_much, .header_timeout_ms = 30 });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("without reading a byte", peer_until_open(&p, 0));
    close(fd);
    peer_stop(&p);
}

TEST(a_large_answer_arrives_whole)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_much });
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    CHECK("64 MB", peer_answer(fd, &a).n > 64 << 20);
    CHECK("and the next answer behind it", str_starts(peer_rest(fd, &a), STR("HTTP/1.1 200 OK\r\n")));
    close(fd);
    peer_stop(&p);
}

TEST(a_thousand_slow_clients_do_not_keep_a_good_one_out)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = MIN(files.rlim_max, (rlim_t)4096); // both ends are ours
    setrlimit(RLIMIT_NOFILE, &files);
    size_t count = MIN((size_t)1000, (size_t)files.rlim_cur / 4);
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_length });
    int *fds = xcalloc(count, sizeof *fds);
    for (size_t i = 0; i < count; i++) {
        fds[i] = peer_connect(&p);
        peer_send(fds[i], i % 2 ? STR("GET / HTTP/1.1\r\nX: ") : STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx"));
    }
    CHECK("all are connected", peer_until_open(&p, count));
    int fd = peer_connect(&p);
    peer_send(fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK("a good request is answered", str_ends(peer_answer(fd, &a), STR("\r\n\r\n0")));
    close(fd);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    CHECK("and all leave nothing behind", peer_until_open(&p, 0));
    free(fds);
    peer_stop(&p);
}

// ---- how much is read

// Sends until the server takes no more or is gone.
static void send_endlessly(int fd, str piece, bool is_until_full)
{
    for (;;) {
        ssize_t n = send(fd, piece.p, piece.n, MSG_NOSIGNAL | (is_until_full ? MSG_DONTWAIT : 0));
        if (n < 0)
            return;
    }
}

static void keep(struct http_request *r, void *ctx)
{
    *(struct http_request **)ctx = r;
}

static bool has_kept(void *ctx)
{
    return *(struct http_request **)ctx != NULL;
}

static void answer_kept(void *ctx)
{
    http_answer(*(struct http_request **)ctx, 200, NULL, 0, STR("kept"));
}

TEST(nothing_is_read_while_an_answer_is_outstanding)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct http_request *kept = NULL;
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = keep, .ctx = &kept });
    int fd = peer_connect(&p);
    peer_send(fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
    CHECK("a request is held", peer_until(&p, has_kept, &kept));
    static char piece[65536];
    memset(piece, 'x', sizeof piece);
    send_endlessly(fd, (str){ piece, sizeof piece }, true);
    CHECK("of all that is sent meanwhile only the rest of one buffer is read", peer_stats(&p).bytes_in <= BUFFER_BYTES);
    CHECK_STR("and the held body is untouched", kept->body, STR("hello"));
    peer_ask(&p, answer_kept, &kept);
    CHECK("the answer goes out", str_ends(peer_answer(fd, &a), STR("kept")));
    CHECK("and then what was sent is refused", str_starts(peer_answer(fd, &a), STR("HTTP/1.1 400 ")));
    close(fd);
    peer_stop(&p);
}

TEST(a_body_over_the_limit_is_read_only_a_little_further)
{
    struct peer p;
    struct {
        const char *claim;
        str head, piece;
    } rows[] = {
        { "declared", STR_INIT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"), STR_INIT("0123456789012345678901234567890123456789") },
        { "chunked", STR_INIT("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), STR_INIT("a\r\n0123456789\r\na\r\n0123456789\r\na\r\n0123456789\r\n") },
        { "one chunk without end", STR_INIT("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"), STR_INIT("0123456789012345678901234567890123456789") },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        peer_start(&p, (struct http_server_options){ .on_request = say_length, .on_head = body_of_100 });
        int fd = peer_connect(&p);
        peer_send(fd, rows[i].head);
        send_endlessly(fd, rows[i].piece, false);
        CHECK("the connection is closed under the sender", peer_until_open(&p, 0));
        // The limit, 64 KB, and what one read may hold.
        CHECK(rows[i].claim, peer_stats(&p).bytes_in <= 100 + DRAIN_BYTES + SCRATCH_BYTES + BUFFER_BYTES);
        close(fd);
        peer_stop(&p);
    }
}

// Sends piece by piece, each once the one before was read. False where the server answered instead.
static bool send_watching(struct peer *p, int fd, str bytes)
{
    uint64_t read = peer_stats(p).bytes_in;
    while (bytes.n) {
        str piece = str_sub(bytes, 0, 16384);
        char c;
        if (!peer_send(fd, piece))
            return false;
        bytes = str_skip(bytes, piece.n);
        read += piece.n;
        while (peer_stats(p).bytes_in < read)
            if (recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
                return false;
    }
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) != 1;
}

TEST(large_bodies_together_are_bounded)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    static char megabyte[1 << 20];
    peer_start(&p, (struct http_server_options){ .on_request = say_length, .max_buffered_bytes = 5 << 19 });
    int fds[8], refused = 0, waiting = 0;
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = peer_connect(&p);
        peer_send(fds[i], STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"));
        if (send_watching(&p, fds[i], (str){ megabyte, sizeof megabyte })) {
            waiting++;
            continue;
        }
        str answer = peer_rest(fds[i], &a);
        CHECK("what is too much gets 503", str_starts(answer, STR("HTTP/1.1 503 ")) && str_find(answer, STR("\r\nRetry-After: 5\r\n")) >= 0);
        close(fds[i]);
        fds[i] = -1;
        refused++;
    }
    CHECK("at least one is read", waiting >= 1);
    CHECK("most are refused", refused >= 5);
    for (size_t i = 0; i < COUNT(fds); i++) {
        if (fds[i] < 0)
            continue;
        peer_send(fds[i], STR("x"));
        CHECK("those that were read are answered", str_ends(peer_answer(fds[i], &a), STR("1048577")));
        close(fds[i]);
    }
    CHECK("all end", peer_until_open(&p, 0));
    int fd = peer_connect(&p);
    peer_send(fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"));
    peer_send(fd, (str){ megabyte, sizeof megabyte });
    CHECK("and there is room again", str_ends(peer_answer(fd, &a), STR("1048576")));
    close(fd);
    peer_stop(&p);
}

TEST_MAIN()
