#include "http/gateway_head.h"

#include "base/limits.h"
#include "tests/harness/check.h"

struct asked {
    struct arena arena;
    struct gateway_request q;
    struct buf sent;
    int status;
    struct err why;
};

static void asked_fini(struct asked *k)
{
    arena_fini(&k->arena);
    buf_fini(&k->sent);
}

static enum gateway_next ask(struct asked *k, str bytes)
{
    k->status = 0;
    return gateway_request_read(&k->q, bytes, &k->arena, &k->status, &k->why);
}

TEST(a_plain_request_is_sent_on_without_what_is_of_one_hop)
{
    CLEANUP(asked_fini) struct asked k = { 0 };
    str head = STR("POST http://Example.com:8080/a%20b?c=d#e HTTP/1.1\r\nhost: other\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\n"
                   "Connection: X-Secret, keep-alive, Content-Length\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nTE: trailers\r\nX-Kept:  a b \r\nContent-Length: 3\r\n\r\n");
    REQUIRE("it is understood", ask(&k, head) == GATEWAY_GOT);
    CHECK("no tunnel", !k.q.is_tunnel);
    CHECK_STR("host", k.q.host, STR("example.com"));
    CHECK_INT("port", k.q.port, 8080);
    CHECK_INT("its head", (int64_t)k.q.head_bytes, (int64_t)head.n);
    gateway_request_write(&k.q, false, STR(""), &k.sent);
    CHECK_STR("to the server", buf_str(&k.sent), STR("POST /a%20b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nX-Kept: a b\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"));
    buf_clear(&k.sent);
    gateway_request_write(&k.q, true, STR("Basic cHI="), &k.sent);
    CHECK_STR("to a further proxy", buf_str(&k.sent),
              STR("POST http://example.com:8080/a%20b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nProxy-Authorization: Basic cHI=\r\nX-Kept: a b\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"));
    CHECK_INT("of the body, and what follows it, the body", (int64_t)gateway_request_take(&k.q, STR("abcGET http://other/ HTTP/1.1\r\n\r\n")), 3);
    CHECK("is the request", k.q.is_over && !k.q.is_broken);
    CHECK_INT("and nothing more", (int64_t)gateway_request_take(&k.q, STR("x")), 0);
}

TEST(old_and_short_requests)
{
    CLEANUP(asked_fini) struct asked k = { 0 };
    REQUIRE("without a path", ask(&k, STR("GET http://[2001:db8::1] HTTP/1.0\r\n\r\n")) == GATEWAY_GOT);
    gateway_request_write(&k.q, false, STR(""), &k.sent);
    CHECK_STR("it has one", buf_str(&k.sent), STR("GET / HTTP/1.0\r\nHost: [2001:db8::1]\r\nConnection: close\r\n\r\n"));
    CHECK("its host is an address", k.q.is_address);
    CHECK_INT("it has no body", (int64_t)gateway_request_take(&k.q, STR("GET ")), 0);
    CHECK("so that is another request", k.q.is_over && !k.q.is_broken);
}

TEST(a_tunnel)
{
    CLEANUP(asked_fini) struct asked k = { 0 };
    REQUIRE("is understood", ask(&k, STR("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: x\r\n\r\n\x16\x03\x01")) == GATEWAY_GOT);
    CHECK("as one", k.q.is_tunnel);
    CHECK_STR("host", k.q.host, STR("example.com"));
    CHECK_INT("port", k.q.port, 443);
    gateway_request_write(&k.q, true, STR("Basic eA=="), &k.sent);
    CHECK_STR("to a further proxy", buf_str(&k.sent), STR("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic eA==\r\n\r\n"));
}

TEST(a_chunked_body_has_an_end)
{
    static const char body[] = "3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: 1\r\n\r\n";
    for (size_t cut = 0; cut < sizeof body; cut++) {
        CLEANUP(asked_fini) struct asked k = { 0 };
        REQUIRE("the head", ask(&k, STR("PUT http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")) == GATEWAY_GOT);
        str all = arena_printf(&k.arena, "%sMORE", body);
        size_t first = gateway_request_take(&k.q, str_sub(all, 0, cut)), second = gateway_request_take(&k.q, str_skip(all, cut));
        CHECK_INT("wherever it is cut, the body is what is sent on", (int64_t)(first + second), (int64_t)sizeof body - 1);
        CHECK("and it is whole", k.q.is_over && !k.q.is_broken);
    }
    CLEANUP(asked_fini) struct asked k = { 0 };
    REQUIRE("the head", ask(&k, STR("PUT http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")) == GATEWAY_GOT);
    gateway_request_take(&k.q, STR("zz\r\n"));
    CHECK("a chunk without a size breaks it", k.q.is_broken);
}

TEST(what_is_not_understood_is_refused_with_a_reason)
{
    static const struct { const char *claim, *bytes; int status; } rows[] = {
        { "a request to this very server", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "https is a tunnel's", "GET https://a/ HTTP/1.1\r\n\r\n", 400 },
        { "another scheme", "GET ftp://a/ HTTP/1.1\r\n\r\n", 400 },
        { "a user in the URL", "GET http://u:p@a/ HTTP/1.1\r\n\r\n", 400 },
        { "an octal address", "GET http://0177.0.0.1/ HTTP/1.1\r\n\r\n", 400 },
        { "a number for an address", "CONNECT 2130706433:80 HTTP/1.1\r\n\r\n", 400 },
        { "a tunnel without a port", "CONNECT example.com HTTP/1.1\r\n\r\n", 400 },
        { "to an address without a port", "CONNECT [::1] HTTP/1.1\r\n\r\n", 400 },
        { "to a URL", "CONNECT http://a:80/ HTTP/1.1\r\n\r\n", 400 },
        { "to port 0", "CONNECT a:0 HTTP/1.1\r\n\r\n", 400 },
        { "to a port that is too high", "CONNECT a:65536 HTTP/1.1\r\n\r\n", 400 },
        { "to a user", "CONNECT u@a:1 HTTP/1.1\r\n\r\n", 400 },
        { "two lengths", "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400 },
        { "a length and chunks", "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "a folded header", "GET http://a/ HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 400 },
        { "a line that ends early", "GET http://a/ HTTP/1.1\nX: a\n\nGET http://b/ HTTP/1.1\r\n\r\n", 400 },
        { "a header without a name", "GET http://a/ HTTP/1.1\r\n: x\r\n\r\n", 400 },
        { "one that sets another by a bare CR", "GET http://a/ HTTP/1.1\r\nX: a\rContent-Length: 3\r\n\r\n", 400 },
        { "no HTTP", "hello\r\n\r\n", 400 },
        { "HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\n", 400 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(asked_fini) struct asked k = { 0 };
        CHECK(rows[i].claim, ask(&k, str_from(rows[i].bytes)) == GATEWAY_REFUSED);
        CHECK_INT("its status", k.status, rows[i].status);
        CHECK("it says why", k.why.text[0]);
    }
}

TEST(a_head_is_bounded)
{
    CLEANUP(asked_fini) struct asked k = { 0 };
    CHECK("half a head", ask(&k, STR("GET http://a/ HTTP/1.1\r\nX: ")) == GATEWAY_MORE);
    CLEANUP(buf_fini) struct buf b = { 0 };
    buf_add_text(&b, "GET http://a/ HTTP/1.1\r\n");
    for (int i = 0; i <= LIMIT_HTTP_HEADERS; i++)
        buf_printf(&b, "X%d: y\r\n", i);
    buf_add_text(&b, "\r\n");
    CHECK("too many headers", ask(&k, buf_str(&b)) == GATEWAY_REFUSED);
    CHECK_INT("431", k.status, 431);
    buf_clear(&b);
    buf_add_text(&b, "GET http://a/");
    while (b.n < LIMIT_HTTP_REQUEST_LINE_BYTES + LIMIT_HTTP_HEADER_BYTES + 1)
        buf_add_text(&b, "aaaaaaaaaaaaaaaa");
    CHECK("an endless line", ask(&k, buf_str(&b)) == GATEWAY_REFUSED);
    CHECK_INT("431", k.status, 431);
    b.n = 9000;
    buf_add_text(&b, " HTTP/1.1\r\n\r\n");
    CHECK("a long line", ask(&k, buf_str(&b)) == GATEWAY_REFUSED);
    CHECK_INT("414", k.status, 414);
}

TEST_MAIN()
