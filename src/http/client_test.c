#include "http/client.h"

#include "http/server.h"
#include "tests/harness/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

// ---- a client on a loop, and one call at a time

struct fixture {
    struct loop *loop;
    struct http_client *client;
    struct egress *egress;
    // the last reply, copied
    struct arena arena;
    int status, http_version;
    str body, location;
    bool is_truncated, is_done;
    struct err error;
    size_t header_count, done_count;
};

static const struct egress *policy(void *ctx)
{
    return ((struct fixture *)ctx)->egress;
}

static void set_policy(struct fixture *f, const char *const *allow, size_t count)
{
    str list[8];
    struct err e;
    for (size_t i = 0; i < count; i++)
        list[i] = str_from(allow[i]);
    egress_free(f->egress);
    f->egress = NULL;
    CHECK_OK("the policy is understood", egress_new(list, count, &f->egress, &e), &e);
}

static void fixture_init(struct fixture *f, resolve_fn *lookup, void *lookup_ctx)
{
    struct err e;
    alarm(120); // nothing here may hang the suite
    *f = (struct fixture){ 0 };
    CHECK_OK("the loop opens", loop_open(&f->loop, &e), &e);
    set_policy(f, (const char *[]){ "127.0.0.0/8" }, 1);
    struct http_client_options opt = {
        .loop = f->loop, .egress = policy, .egress_ctx = f, .user_agent = "test/1", .lookup = lookup, .lookup_ctx = lookup_ctx, .names_keep_ms = -1,
    };
    CHECK_OK("the client opens", http_client_open(&opt, &f->client, &e), &e);
}

static void fixture_fini(struct fixture *f)
{
    http_client_close(f->client);
    egress_free(f->egress);
    loop_close(f->loop);
    arena_fini(&f->arena);
    alarm(0);
}

static void on_reply(void *ctx, const struct http_reply *r)
{
    struct fixture *f = ctx;
    f->is_done = true;
    f->done_count++;
    f->status = r->status;
    f->http_version = r->http_version;
    f->body = arena_str(&f->arena, r->body);
    f->is_truncated = r->is_truncated;
    f->error = r->error;
    f->header_count = r->header_count;
    f->location = STR("");
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eq_nocase(r->headers[i].name, STR("Location")))
            f->location = arena_str(&f->arena, r->headers[i].value);
    loop_stop(f->loop);
}

static void call(struct fixture *f, const struct http_call_options *opt)
{
    f->is_done = false;
    http_call_start(f->client, opt, on_reply, f);
    CHECK("done is not called before start returns", !f->is_done);
    while (!f->is_done)
        loop_run(f->loop);
}

static void get(struct fixture *f, const char *url)
{
    call(f, &(struct http_call_options){ .method = STR("GET"), .url = str_from(url) });
}

// ---- a server that says back what it got

static void echo(struct http_request *r, void *ctx UNUSED)
{
    if (str_eq(r->path, STR("/redirect"))) {
        const struct http_header to = { STR_INIT("Location"), STR_INIT("/elsewhere") };
        http_answer(r, 302, &to, 1, STR(""));
        return;
    }
    str answer = arena_printf(r->arena, "%.*s %.*s type=%.*s x=%.*s%s agent=%.*s length=%d body=%.*s", STR_ARG(r->method), STR_ARG(r->target),
                              STR_ARG(http_header(r, STR("Content-Type"))), STR_ARG(http_header(r, STR("X-A"))), http_header(r, STR("X-A")).p ? "" : "(none)",
                              STR_ARG(http_header(r, STR("User-Agent"))), r->has_length ? (int)r->declared_bytes : -1, STR_ARG(r->body));
    http_answer(r, 200, NULL, 0, answer);
}

TEST(requests_arrive_as_they_were_meant)
{
    struct fixture f;
    struct err e;
    struct http_server *server;
    fixture_init(&f, NULL, NULL);
    CHECK_OK("the server opens", http_server_open(f.loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = echo }, &server, &e), &e);
    str base = arena_printf(&f.arena, "http://127.0.0.1:%d", http_server_port(server));

    static const struct {
        const char *claim, *method, *path, *name, *value, *body, *want;
    } rows[] = {
        { "GET has no body and no type", "GET", "/a?b=c", NULL, NULL, "", "GET /a?b=c type= x=(none) agent=test/1 length=-1 body=" },
        { "POST has its length", "POST", "/", NULL, NULL, "hello", "POST / type= x=(none) agent=test/1 length=5 body=hello" },
        { "an empty POST says so", "POST", "/", NULL, NULL, "", "POST / type= x=(none) agent=test/1 length=0 body=" },
        { "PUT is PUT", "PUT", "/", NULL, NULL, "x", "PUT / type= x=(none) agent=test/1 length=1 body=x" },
        { "DELETE may have a body", "DELETE", "/", NULL, NULL, "x", "DELETE / type= x=(none) agent=test/1 length=1 body=x" },
        { "PATCH is PATCH", "PATCH", "/", "Content-Type", "application/json", "{}", "PATCH / type=application/json x=(none) agent=test/1 length=2 body={}" },
        { "a header is sent", "GET", "/", "X-A", "1; 2", "", "GET / type= x=1; 2 agent=test/1 length=-1 body=" },
        { "an empty header is sent", "GET", "/", "X-A", "", "", "GET / type= x= agent=test/1 length=-1 body=" },
        { "dots in a path are left alone", "GET", "/a/../b", NULL, NULL, "", "GET /a/../b type= x=(none) agent=test/1 length=-1 body=" },
        { "letters beyond ASCII are escaped", "GET", "/\xc3\xa4?\xc3\xa4", NULL, NULL, "", "GET /%C3%A4?%C3%A4 type= x=(none) agent=test/1 length=-1 body=" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_header h = { str_from(rows[i].name), str_from(rows[i].value) };
        call(&f, &(struct http_call_options){
                     .method = str_from(rows[i].method),
                     .url = arena_printf(&f.arena, "%.*s%s", STR_ARG(base), rows[i].path),
                     .headers = &h,
                     .header_count = rows[i].name ? 1 : 0,
                     .body = str_from(rows[i].body),
                 });
        CHECK_OK(rows[i].claim, f.error.kind == ERR_NONE, &f.error);
        CHECK_STR(rows[i].claim, f.body, str_from(rows[i].want));
        CHECK_INT("and answered", f.status, 200);
    }
    call(&f, &(struct http_call_options){ .method = STR("HEAD"), .url = base });
    CHECK_INT("HEAD is answered without a body", f.status, 200);
    CHECK_INT("HEAD is answered without a body", f.body.n, 0);
    get(&f, arena_printf(&f.arena, "%.*s/redirect", STR_ARG(base)).p);
    CHECK_INT("a redirect is not followed", f.status, 302);
    CHECK_STR("a redirect is handed over", f.location, STR("/elsewhere"));
    http_server_close(server);
    fixture_fini(&f);
}

TEST(what_must_not_be_sent_is_refused)
{
    struct fixture f;
    fixture_init(&f, NULL, NULL);
    static const struct {
        const char *claim, *method, *url, *name;
        str value;
        enum err_kind kind;
    } rows[] = {
        { "CR in a value", "GET", "http://127.0.0.1:1/", "X", STR_INIT("a\rb"), ERR_INVALID },
        { "LF in a value", "GET", "http://127.0.0.1:1/", "X", STR_INIT("a\nb"), ERR_INVALID },
        { "NUL in a value", "GET", "http://127.0.0.1:1/", "X", STR_INIT("a\0b"), ERR_INVALID },
        { "a line in a name", "GET", "http://127.0.0.1:1/", "X\r\nY", STR_INIT("a"), ERR_INVALID },
        { "a colon in a name", "GET", "http://127.0.0.1:1/", "X:", STR_INIT("a"), ERR_INVALID },
        { "an empty name", "GET", "http://127.0.0.1:1/", "", STR_INIT("a"), ERR_INVALID },
        { "a length of one's own", "POST", "http://127.0.0.1:1/", "content-length", STR_INIT("5"), ERR_INVALID },
        { "a transfer encoding of one's own", "POST", "http://127.0.0.1:1/", "Transfer-Encoding", STR_INIT("chunked"), ERR_INVALID },
        { "a blank in the method", "GET /x HTTP/1.1", "http://127.0.0.1:1/", "X", STR_INIT("a"), ERR_INVALID },
        { "CONNECT", "CONNECT", "http://127.0.0.1:1/", "X", STR_INIT("a"), ERR_INVALID },
        { "TRACE", "TRACE", "http://127.0.0.1:1/", "X", STR_INIT("a"), ERR_INVALID },
        { "no method", "", "http://127.0.0.1:1/", "X", STR_INIT("a"), ERR_INVALID },
        { "another scheme", "GET", "ftp://127.0.0.1:1/", "X", STR_INIT("a"), ERR_INVALID },
        { "a file", "GET", "file:///etc/passwd", "X", STR_INIT("a"), ERR_INVALID },
        { "a user name", "GET", "http://a@127.0.0.1:1/", "X", STR_INIT("a"), ERR_INVALID },
        { "a line in the URL", "GET", "http://127.0.0.1:1/\r\nX: y", "X", STR_INIT("a"), ERR_INVALID },
        { "a private address", "GET", "http://10.0.0.1/", "X", STR_INIT("a"), ERR_DENIED },
        { "metadata", "GET", "http://169.254.169.254/latest/meta-data/", "X", STR_INIT("a"), ERR_DENIED },
        { "loopback in IPv6, unlisted", "GET", "http://[::1]:1/", "X", STR_INIT("a"), ERR_DENIED },
        { "NAT64 of a private address", "GET", "http://[64:ff9b::10.0.0.1]/", "X", STR_INIT("a"), ERR_DENIED },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_header h = { str_from(rows[i].name), rows[i].value };
        call(&f, &(struct http_call_options){ .method = str_from(rows[i].method), .url = str_from(rows[i].url), .headers = &h, .header_count = 1 });
        CHECK_INT(rows[i].claim, f.error.kind, rows[i].kind);
        CHECK_INT("no status", f.status, 0);
        CHECK("a reason", f.error.text[0]);
    }
    CHECK_INT("nothing is left in flight", http_client_in_flight(f.client), 0);
    fixture_fini(&f);
}

// ---- a server that means no good: one thread, one connection after another

enum trick { HANG, DRIP, ENDLESS_HEADERS, MANY_HEADERS, ENDLESS_1XX, ENDLESS_BODY, GZIP_BOMB, RESET_IN_BODY, CUT_BODY, SAY_NOTHING, GARBAGE, HTTP_09, BAD_GZIP };

struct hostile {
    int fd, port;
    enum trick trick;
    pthread_t thread;
    atomic_int requests;
};

static int listen_at(uint32_t address, int port, int *got_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(address) };
    socklen_t n = sizeof in;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&in, sizeof in) < 0 || listen(fd, 128) < 0 || getsockname(fd, (struct sockaddr *)&in, &n) < 0) {
        close(fd);
        return -1;
    }
    *got_port = ntohs(in.sin_port);
    return fd;
}

static bool say(int fd, str s)
{
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        s = str_skip(s, (size_t)n);
    }
    return true;
}

static void wait_until_gone(int fd)
{
    char b[4096];
    while (recv(fd, b, sizeof b, 0) > 0) {
    }
}

static bool is_gone(int fd, int after_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char b;
    return poll(&p, 1, after_ms) == 1 && recv(fd, &b, 1, 0) <= 0;
}

struct bits {
    struct buf out;
    uint32_t held;
    int count;
};

static void put_bits(struct bits *b, uint32_t value, int count)
{
    b->held |= value << b->count;
    for (b->count += count; b->count >= 8; b->count -= 8, b->held >>= 8)
        buf_add_char(&b->out, (char)b->held);
}

static uint32_t reversed(uint32_t value, int count)
{
    uint32_t r = 0;
    for (int i = 0; i < count; i++)
        r |= (value >> i & 1) << (count - 1 - i);
    return r;
}

// RFC 1951 with fixed codes: one zero byte, then "258 bytes from one back", over and over: 13 bits for 258 bytes.
static void make_bomb(struct buf *out)
{
    struct bits b = { 0 };
    buf_add(&b.out, (str){ "\x1f\x8b\x08\0\0\0\0\0\0\3", 10 });
    put_bits(&b, 1, 1);                 // the last block
    put_bits(&b, 1, 2);                 // fixed codes
    put_bits(&b, reversed(0x30, 8), 8); // literal 0
    for (int i = 0; i < 400000; i++) {  // 100 MB
        put_bits(&b, reversed(0xc5, 8), 8); // length 258
        put_bits(&b, 0, 5);                 // distance 1
    }
    put_bits(&b, 0, 7);
    put_bits(&b, 0, 7);
    *out = b.out;
}

#define A_LOT "a value of some length, which comes again and again and again, without an end, and is padded with 0123456789 0123456789 0123456789 "

static void do_trick(int fd, enum trick trick)
{
    struct buf bomb = { 0 };
    switch (trick) {
    case HANG: wait_until_gone(fd); break;
    case DRIP:
        say(fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"));
        while (!is_gone(fd, 5) && say(fd, STR("x"))) {
        }
        break;
    case ENDLESS_HEADERS:
        say(fd, STR("HTTP/1.1 200 OK\r\n"));
        while (say(fd, STR("X-Header: " A_LOT A_LOT A_LOT A_LOT "\r\n"))) {
        }
        break;
    case MANY_HEADERS:
        say(fd, STR("HTTP/1.1 200 OK\r\n"));
        for (int i = 0; i < 1000; i++)
            say(fd, STR("X: y\r\n"));
        say(fd, STR("\r\n"));
        break;
    case ENDLESS_1XX:
        while (say(fd, STR("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"))) {
        }
        break;
    case ENDLESS_BODY:
        say(fd, STR("HTTP/1.1 200 OK\r\n\r\n"));
        while (say(fd, STR("0123456789012345678901234567890123456789012345678901234567890123456789"))) {
        }
        break;
    case GZIP_BOMB:
        make_bomb(&bomb);
        say(fd, STR("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"));
        say(fd, buf_str(&bomb));
        buf_fini(&bomb);
        break;
    case RESET_IN_BODY: {
        say(fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome"));
        struct linger l = { 1, 0 };
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        break;
    }
    case CUT_BODY: say(fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome")); break;
    case SAY_NOTHING: break;
    case GARBAGE: say(fd, STR("\x16\x03\x01 this is not HTTP at all\r\n\r\n")); break;
    case HTTP_09: say(fd, STR("<html>hello</html>")); break;
    case BAD_GZIP: say(fd, STR("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd")); break;
    }
}

static void *run_hostile(void *ctx)
{
    struct hostile *h = ctx;
    for (int fd; (fd = accept(h->fd, NULL, NULL)) >= 0; close(fd)) {
        char request[4096];
        size_t n = 0;
        for (ssize_t got; n < sizeof request - 1 && (got = recv(fd, request + n, sizeof request - 1 - n, 0)) > 0;) {
            n += (size_t)got;
            if (str_find((str){ request, n }, STR("\r\n\r\n")) >= 0) {
                atomic_fetch_add(&h->requests, 1);
                do_trick(fd, h->trick);
                break;
            }
        }
    }
    return NULL;
}

static void hostile_start(struct hostile *h, enum trick trick)
{
    *h = (struct hostile){ .trick = trick };
    h->fd = listen_at(INADDR_LOOPBACK, 0, &h->port);
    REQUIRE("the hostile server listens", h->fd >= 0);
    pthread_create(&h->thread, NULL, run_hostile, h);
}

static void hostile_stop(struct hostile *h)
{
    shutdown(h->fd, SHUT_RDWR);
    pthread_join(h->thread, NULL);
    close(h->fd);
}

TEST(a_hostile_server_is_endured)
{
    static const struct {
        const char *claim;
        enum trick trick;
        enum err_kind kind;
        int status;
        bool is_truncated;
        const char *says;
    } rows[] = {
        { "one that never answers runs into the time-out", HANG, ERR_TIMEOUT, 0, false, "" },
        { "one that drips bytes runs into the time-out", DRIP, ERR_TIMEOUT, 0, false, "status 200" },
        { "headers without end are given up", ENDLESS_HEADERS, ERR_IO, 0, false, "headers are longer than 65536 bytes" },
        { "too many headers are given up", MANY_HEADERS, ERR_IO, 0, false, "more than 256 headers" },
        { "1xx answers without end are given up", ENDLESS_1XX, ERR_IO, 0, false, "headers are longer" },
        { "a body without end is cut", ENDLESS_BODY, ERR_NONE, 200, true, "" },
        { "a gzip bomb is cut after decompressing as much", GZIP_BOMB, ERR_NONE, 200, true, "" },
        { "a reset within the body is an error", RESET_IN_BODY, ERR_IO, 0, false, "status 200" },
        { "a body cut short is an error", CUT_BODY, ERR_IO, 0, false, "status 200" },
        { "a connection closed without answer is an error", SAY_NOTHING, ERR_IO, 0, false, "" },
        { "no HTTP is an error", GARBAGE, ERR_IO, 0, false, "" },
        { "HTTP/0.9 is not spoken", HTTP_09, ERR_IO, 0, false, "" },
        { "broken compression is an error", BAD_GZIP, ERR_IO, 0, false, "" },
    };
    struct fixture f;
    fixture_init(&f, NULL, NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hostile h;
        hostile_start(&h, rows[i].trick);
        bool wants_timeout = rows[i].kind == ERR_TIMEOUT;
        call(&f, &(struct http_call_options){
                     .method = STR("GET"),
                     .url = arena_printf(&f.arena, "http://127.0.0.1:%d/", h.port),
                     .total_timeout_ms = wants_timeout ? 150 : 60000,
                     .max_read_bytes = 100000,
                 });
        CHECK_INT(rows[i].claim, f.error.kind, rows[i].kind);
        CHECK_INT(rows[i].claim, f.status, rows[i].status);
        CHECK_INT(rows[i].claim, f.is_truncated, rows[i].is_truncated);
        CHECK_INT("no more than the limit is kept", f.body.n, rows[i].is_truncated ? 100000 : f.body.n);
        CHECK(f.error.text, str_find(str_from(f.error.text), str_from(rows[i].says)) >= 0);
        hostile_stop(&h);
    }
    fixture_fini(&f);
}

TEST(tls_is_verified)
{
    struct fixture f;
    struct err e;
    struct http_server *server;
    fixture_init(&f, NULL, NULL);
    CHECK_OK("a plain server opens", http_server_open(f.loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = echo }, &server, &e), &e);
    get(&f, arena_printf(&f.arena, "https://127.0.0.1:%d/", http_server_port(server)).p);
    CHECK_INT("TLS to one that does not speak it is an error", f.error.kind, ERR_IO);
    http_server_close(server);
    fixture_fini(&f);
}

TEST(a_call_ends_when_its_owner_says_so)
{
    struct fixture f;
    struct hostile h;
    fixture_init(&f, NULL, NULL);
    hostile_start(&h, HANG);
    struct http_call_options opt = { .method = STR("GET"), .url = arena_printf(&f.arena, "http://127.0.0.1:%d/", h.port) };
    struct http_call *k = http_call_start(f.client, &opt, on_reply, &f);
    CHECK_INT("one call is in flight", http_client_in_flight(f.client), 1);
    http_call_cancel(k);
    CHECK("cancelling calls done at once", f.is_done);
    CHECK_TEXT("and says so", f.error.text, "cancelled");
    CHECK_INT("none is in flight", http_client_in_flight(f.client), 0);

    f.done_count = 0;
    for (int i = 0; i < 10; i++)
        http_call_start(f.client, &opt, on_reply, &f);
    opt.url = STR("bad");
    http_call_start(f.client, &opt, on_reply, &f);
    http_client_close(f.client);
    f.client = NULL;
    CHECK_INT("closing the client ends each call once", f.done_count, 11);
    CHECK_TEXT("and says so", f.error.text, "stopped");
    hostile_stop(&h);
    fixture_fini(&f);
}

// ---- names that change their address

struct liar {
    atomic_uint asked;
};

// 127.0.0.2 is permitted, 127.0.0.1 is the victim: good, bad, mixed in turn, and one name nobody knows.
static bool lie(void *ctx, const char *host, struct ip *out, size_t *count, struct err *e)
{
    struct liar *l = ctx;
    struct ip good = ip_from_v4(0x7f000002), bad = ip_from_v4(0x7f000001);
    if (strcmp(host, "nowhere.test") == 0)
        return err_set(e, ERR_IO, "the name %s cannot be resolved", host);
    unsigned n = atomic_fetch_add(&l->asked, 1) % 4;
    out[0] = n == 1 || n == 2 ? bad : good;
    out[1] = n == 2 ? good : bad;
    *count = n < 2 ? 1 : 2;
    return true;
}

struct rebinding {
    struct fixture *f;
    int left, allowed, denied, other;
    str url;
};

static void start_rebinding(struct rebinding *b);

static void on_rebinding_reply(void *ctx, const struct http_reply *r)
{
    struct rebinding *b = ctx;
    b->allowed += r->status == 200;
    b->denied += r->error.kind == ERR_DENIED;
    b->other += r->status != 200 && r->error.kind != ERR_DENIED;
    start_rebinding(b);
}

static void start_rebinding(struct rebinding *b)
{
    if (b->left == 0) {
        loop_stop(b->f->loop);
        return;
    }
    b->left--;
    http_call_start(b->f->client, &(struct http_call_options){ .method = STR("GET"), .url = b->url }, on_rebinding_reply, b);
}

static void count_hit(struct http_request *r, void *ctx)
{
    ++*(int *)ctx;
    http_answer(r, 200, NULL, 0, STR(""));
}

TEST(a_name_that_changes_its_address_reaches_nothing_forbidden)
{
    struct fixture f;
    struct liar liar = { 0 };
    struct err e;
    int victim_hits = 0, good_hits = 0;
    struct http_server *victim, *good;
    fixture_init(&f, lie, &liar);
    set_policy(&f, (const char *[]){ "127.0.0.2/32" }, 1);
    CHECK_OK("the victim listens", http_server_open(f.loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = count_hit, .ctx = &victim_hits }, &victim, &e), &e);
    str listen = arena_printf(&f.arena, "127.0.0.2:%d", http_server_port(victim));
    CHECK_OK("the permitted server has the same port", http_server_open(f.loop, &(struct http_server_options){ .listen = listen.p, .on_request = count_hit, .ctx = &good_hits }, &good, &e), &e);

    struct rebinding b = { .f = &f, .left = 10000, .url = arena_printf(&f.arena, "http://rebind.test:%d/", http_server_port(victim)) };
    start_rebinding(&b);
    loop_run(f.loop);
    CHECK_INT("10,000 tries never reach the forbidden address", victim_hits, 0);
    CHECK_INT("one answer of four was good", b.allowed, 2500);
    CHECK_INT("bad and mixed ones are refused", b.denied, 7500);
    CHECK_INT("nothing else happened", b.other, 0);
    CHECK_INT("the good ones arrived", good_hits, 2500);

    get(&f, "http://nowhere.test/");
    CHECK_INT("an unknown name is an error", f.error.kind, ERR_IO);
    CHECK_TEXT("that says so", f.error.text, "the name nowhere.test cannot be resolved");
    http_server_close(victim);
    http_server_close(good);
    fixture_fini(&f);
}

// A policy that changes its mind with each question: first asked when the name is resolved, then for
// the socket, then before the request.
struct fickle {
    struct egress *yes, *no;
    int asked, refuse_at;
};

static const struct egress *fickle_policy(void *ctx)
{
    struct fickle *p = ctx;
    return ++p->asked == p->refuse_at ? p->no : p->yes;
}

TEST(every_socket_is_asked_about_again)
{
    struct fixture f;
    struct err e;
    int hits = 0;
    struct fickle p = { 0 };
    struct http_server *server;
    fixture_init(&f, NULL, NULL);
    http_client_close(f.client);
    str all = STR("127.0.0.0/8");
    CHECK_OK("policy", egress_new(&all, 1, &p.yes, &e) && egress_new(NULL, 0, &p.no, &e), &e);
    struct http_client_options opt = { .loop = f.loop, .egress = fickle_policy, .egress_ctx = &p };
    CHECK_OK("client", http_client_open(&opt, &f.client, &e), &e);
    CHECK_OK("server", http_server_open(f.loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = count_hit, .ctx = &hits }, &server, &e), &e);
    const char *url = arena_printf(&f.arena, "http://127.0.0.1:%d/", http_server_port(server)).p;

    for (p.refuse_at = 1; p.refuse_at <= 3; p.refuse_at++) {
        p.asked = 0;
        get(&f, url);
        CHECK_INT("a refusal at any of the three questions refuses the call", f.error.kind, ERR_DENIED);
        CHECK("and says why", str_find(str_from(f.error.text), STR("loopback")) >= 0);
        CHECK_INT("and no request was sent", hits, 0);
    }
    p.refuse_at = 0;
    get(&f, url);
    CHECK_INT("permitted by all, it arrives", hits, 1);
    p.asked = 0;
    p.refuse_at = 2; // no new socket this time: the second question is the one before the request
    get(&f, url);
    CHECK_INT("a kept-alive connection is asked about too", f.error.kind, ERR_DENIED);
    CHECK_INT("and no request was sent", hits, 1);
    http_server_close(server);
    egress_free(p.yes);
    egress_free(p.no);
    fixture_fini(&f);
}

TEST(a_proxy_is_used_where_configured_and_only_there)
{
    struct fixture f;
    struct err e;
    struct http_server *server;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    fixture_init(&f, NULL, NULL);
    CHECK_OK("server", http_server_open(f.loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = echo }, &server, &e), &e);
    str address = arena_printf(&f.arena, "http://127.0.0.1:%d", http_server_port(server));
    get(&f, address.p);
    CHECK_INT("what the environment says is ignored", f.status, 200);

    http_client_close(f.client);
    struct http_client_options opt = { .loop = f.loop, .egress = policy, .egress_ctx = &f, .proxy = address.p };
    CHECK_OK("client", http_client_open(&opt, &f.client, &e), &e);
    get(&f, "http://name.test/a?b");
    CHECK("a configured proxy is asked, also to resolve", str_starts(f.body, STR("GET http://name.test/a?b ")));
    get(&f, "http://10.0.0.1/");
    CHECK_INT("an address in the URL is still judged here", f.error.kind, ERR_DENIED);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    http_server_close(server);
    fixture_fini(&f);
}

TEST(many_calls_at_once)
{
    struct fixture f;
    struct err e;
    struct http_server *server;
    int hits = 0;
    fixture_init(&f, NULL, NULL);
    CHECK_OK("server", http_server_open(f.loop, &(struct http_server_options){ .listen = "127.0.0.1:0", .on_request = count_hit, .ctx = &hits }, &server, &e), &e);
    struct rebinding b = { .f = &f, .left = 3000, .url = arena_printf(&f.arena, "http://127.0.0.1:%d/", http_server_port(server)) };
    for (int i = 0; i < 1000; i++)
        start_rebinding(&b);
    CHECK_INT("a thousand are in flight", http_client_in_flight(f.client), 1000);
    while (b.allowed + b.denied + b.other < 3000)
        loop_run(f.loop);
    CHECK_INT("each is answered", b.allowed, 3000);
    CHECK_INT("once", hits, 3000);
    CHECK_INT("no more than 64 connections to one host were opened", http_server_stats(server).connections <= 64, 1);
    http_server_close(server);
    fixture_fini(&f);
}

TEST_MAIN()
