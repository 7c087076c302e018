#include "http/conn.h"

#include "tests/http/peer.h"

#include <unistd.h>

// What each request must get is in tests/http/raw_requests.txt. Here: that heads and bodies stay what
// they are while the connection's buffer grows, moves and is cut at every place.

static void say_sums(struct http_request *r, void *ctx UNUSED)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->body.n; i++)
        sum = sum * 31 + (unsigned char)r->body.p[i];
    str x = http_header(r, STR("X"));
    bool is_uniform = true;
    for (size_t i = 1; i < x.n; i++)
        is_uniform = is_uniform && x.p[i] == x.p[0];
    http_answer(r, 200, NULL, 0, arena_printf(r->arena, "%.*s x=%zu%c%s body=%zu sum=%llx", STR_ARG(r->target), x.n, x.n ? x.p[0] : '-', is_uniform ? "" : "!", r->body.n, (unsigned long long)sum));
}

static uint64_t sum_of(char c, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + (unsigned char)c;
    return sum;
}

TEST(sizes_of_every_kind_in_one_pipeline)
{
    static const size_t header_sizes[] = { 0, 1, 100, 2000, 8000, 8190, 16000, 30000 };
    static const size_t body_sizes[] = { 0, 1, 2047, 2048, 8191, 8192, 8193, 70000, 1000000 };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_sums });
    int fd = peer_connect(&p);
    for (int is_chunked = 0; is_chunked < 2; is_chunked++)
        for (size_t i = 0; i < COUNT(header_sizes); i++)
            for (size_t k = 0; k < COUNT(body_sizes); k++) {
                char c = (char)('a' + (i + k) % 26);
                char *x = arena_bytes(&a, header_sizes[i] + 1), *body = arena_bytes(&a, body_sizes[k] + 1);
                memset(x, c, header_sizes[i]);
                memset(body, c, body_sizes[k]);
                CLEANUP(buf_fini) struct buf out = { 0 };
                // A small one in front, so that the large one does not begin at the buffer's start.
                buf_printf(&out, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
                buf_printf(&out, "POST /%zu/%zu HTTP/1.1\r\nHost: a\r\nX: %.*s\r\n", i, k, (int)header_sizes[i], x);
                if (!is_chunked) {
                    buf_printf(&out, "Content-Length: %zu\r\n\r\n", body_sizes[k]);
                    buf_add(&out, (str){ body, body_sizes[k] });
                } else {
                    buf_printf(&out, "Transfer-Encoding: chunked\r\n\r\n");
                    for (size_t at = 0, step = 1; at < body_sizes[k]; at += step) {
                        step = MIN(step * 3 + 1, body_sizes[k] - at);
                        buf_printf(&out, "%zx\r\n", step);
                        buf_add(&out, (str){ body, step });
                        buf_add(&out, STR("\r\n"));
                    }
                    buf_add(&out, STR("0\r\n\r\n"));
                }
                peer_send(fd, buf_str(&out));
                str small = peer_answer(fd, &a), large = peer_answer(fd, &a);
                str want = arena_printf(&a, "\r\n\r\n/%zu/%zu x=%zu%c body=%zu sum=%llx", i, k, header_sizes[i], header_sizes[i] ? c : '-', body_sizes[k],
                                        (unsigned long long)sum_of(c, body_sizes[k]));
                CHECK("the small one", str_ends(small, STR("/small x=0- body=0 sum=0")));
                CHECK(want.p + 4, str_ends(large, want));
                arena_reset(&a);
            }
    close(fd);
    peer_stop(&p);
}

TEST(a_pipeline_may_be_cut_anywhere)
{
    str bytes = STR("GET /1 HTTP/1.1\r\nHost: a\r\nX: yy\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=f\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
                    "POST /3 HTTP/1.1\r\nContent-Length: 3\r\nHost: a\r\n\r\nabc\r\nGET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct peer p;
    peer_start(&p, (struct http_server_options){ .on_request = say_sums });
    for (size_t cut = 1; cut < bytes.n; cut++) {
        int fd = peer_connect(&p);
        uint64_t before = peer_stats(&p).bytes_in;
        peer_send(fd, str_sub(bytes, 0, cut));
        while (peer_stats(&p).bytes_in < before + cut) {
        }
        peer_send(fd, str_skip(bytes, cut));
        str all = peer_rest(fd, &a);
        size_t answers = 0;
        for (str rest = all; str_find(rest, STR("HTTP/1.1 200 OK\r\n")) >= 0; answers++)
            rest = str_skip(rest, (size_t)str_find(rest, STR("HTTP/1.1 200 OK\r\n")) + 1);
        CHECK_INT("four answers", answers, 4);
        bool is_right = str_find(all, STR("/1 x=2y body=0")) >= 0 && str_find(all, STR("/2 x=0- body=5")) >= 0 && str_find(all, STR("/3 x=0- body=3")) >= 0 && str_find(all, STR("/4 x=0- body=0")) >= 0;
        CHECK("each to its request", is_right);
        close(fd);
        arena_reset(&a);
    }
    peer_stop(&p);
}

TEST_MAIN()
