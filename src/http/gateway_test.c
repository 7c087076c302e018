// A gateway with its door on the loopback, servers behind it, and a client on plain sockets; all on one loop, turned by hand.
#include "http/gateway.h"

#include "base/buf.h"
#include "http/egress.h"
#include "http/server.h"
#include "tests/http/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct gateway *gateway;
    struct gateway_door *door;
    int port;
    struct arena arena;
    struct buf refused; // "host address port\n"
    struct egress *egress;
    bool is_closed; // admits nobody
};

static bool admits(void *ctx, struct err *e)
{
    struct fixture *f = ctx;
    return !f->is_closed || err_set(e, ERR_DENIED, "no run is under way");
}

static bool allows(void *ctx, str host, const struct ip *ip, int port, struct err *e)
{
    struct fixture *f = ctx;
    struct sockaddr_storage sa;
    ip_to_sockaddr(ip, port, &sa);
    return egress_allows(f->egress, (struct sockaddr *)&sa, host, port, EGRESS_SCRIPT, e);
}

static void refused(void *ctx, str host, const struct ip *ip, int port, const char *why)
{
    struct fixture *f = ctx;
    char address[IP_TEXT_BYTES];
    ip_write(ip, address);
    buf_printf(&f->refused, "%.*s %s %d\n", STR_ARG(host), address, port);
}

static int listen_somewhere(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, 128) < 0 || getsockname(fd, (struct sockaddr *)&at, &n) < 0)
        abort();
    *port = ntohs(at.sin_port);
    return fd;
}

// Names of the tests: "two" has a public and a loopback address, "rebind" another one each time, "here" is the loopback.
static bool lookup(void *ctx, const char *host, struct ip *out, size_t *count, struct err *e)
{
    static int times;
    struct ip loopback = ip_from_v4(INADDR_LOOPBACK), public = ip_from_v4(0x08080808);
    *count = 1;
    out[0] = loopback;
    if (!strcmp(host, "two")) {
        out[0] = public;
        out[1] = loopback;
        *count = 2;
    } else if (!strcmp(host, "localhost")) {
        *count = ip_parse(STR("::1"), &out[0]) ? 2 : 0;
        out[1] = loopback;
    } else if (!strcmp(host, "rebind"))
        out[0] = __atomic_fetch_add(&times, 1, __ATOMIC_SEQ_CST) % 2 ? public : loopback;
    else if (strcmp(host, "here"))
        return err_set(e, ERR_IO, "the name %s cannot be resolved", host);
    return true;
}

static bool fixture_open(struct fixture *f, const char *allow, struct gateway_options opt)
{
    struct err e;
    str entry = str_from(allow);
    if (!loop_open(&f->loop, &e) || !CHECK_OK("the policy", egress_new(&entry, allow ? 1 : 0, &f->egress, &e), &e))
        return false;
    opt.loop = f->loop;
    opt.lookup = lookup;
    opt.names_keep_ms = -1;
    f->gateway = gateway_new(&opt);
    int fd = listen_somewhere(&f->port);
    f->door = gateway_door_open(f->gateway, &(struct gateway_door_options){ .listener = fd, .ctx = f, .admits = admits, .allows = allows, .refused = refused });
    return true;
}

static void fixture_fini(struct fixture *f)
{
    gateway_door_close(f->door);
    gateway_free(f->gateway);
    loop_close(f->loop);
    egress_free(f->egress);
    arena_fini(&f->arena);
    buf_fini(&f->refused);
}

static void on_turn(void *ctx)
{
    loop_stop(((struct fixture *)ctx)->loop);
}

static void turn(struct fixture *f)
{
    struct loop_timer *t = loop_timer_new(f->loop, on_turn, f);
    loop_timer_set(t, 2, 0);
    loop_run(f->loop);
    loop_timer_free(t);
}

static int dial(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0 && errno != EINPROGRESS)
        abort();
    return fd;
}

// What comes until the other side ends, or what is wanted stands in it. Bounded by turns: only a hang reaches the end.
static str talk(struct fixture *f, int fd, str say, const char *until)
{
    struct buf got = { 0 };
    for (int i = 0; i < 30000; i++) {
        char space[65536];
        if (say.n) {
            ssize_t n = send(fd, say.p, say.n, MSG_NOSIGNAL);
            say = str_skip(say, n > 0 ? (size_t)n : 0);
        }
        turn(f);
        ssize_t n = recv(fd, space, sizeof space, 0);
        if (n > 0)
            buf_add(&got, (str){ space, (size_t)n });
        if (n == 0 || (n < 0 && errno != EAGAIN) || (until && str_find(buf_str(&got), str_from(until)) >= 0))
            break;
    }
    str out = arena_str(&f->arena, buf_str(&got));
    buf_fini(&got);
    return out;
}

static str ask(struct fixture *f, str say)
{
    int fd = dial(f->port);
    str got = talk(f, fd, say, NULL);
    close(fd);
    return got;
}

static void echo(struct http_request *r, void *ctx)
{
    str text = arena_printf(r->arena, "%.*s %.*s host=%.*s %.*s", STR_ARG(r->method), STR_ARG(r->target), STR_ARG(http_header(r, STR("Host"))), STR_ARG(r->body));
    http_answer(r, 200, NULL, 0, text);
}

static bool ends_with(str got, str tail)
{
    return str_ends(got, tail);
}

TEST(a_listed_server_is_reached_plainly_and_by_a_tunnel)
{
    struct peer p;
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    peer_start(&p, (struct http_server_options){ .on_request = echo });
    char allow[32];
    snprintf(allow, sizeof allow, "127.0.0.1:%d", p.port);
    REQUIRE("opens", fixture_open(&f, allow, (struct gateway_options){ 0 }));
    str plain = arena_printf(&f.arena, "POST http://127.0.0.1:%d/a?b HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 4\r\n\r\nbody", p.port);
    str got = ask(&f, plain), want = arena_printf(&f.arena, "\r\n\r\nPOST /a?b host=127.0.0.1:%d body", p.port);
    CHECK("plainly", ends_with(got, want));
    CHECK("and the connection ends with it", str_find(got, STR("Connection: close\r\n")) > 0);
    got = ask(&f, arena_concat(&f.arena, plain, STR("GET http://127.0.0.1:1/stolen HTTP/1.1\r\n\r\n")));
    CHECK("a further request on it goes nowhere", ends_with(got, want));
    struct gateway_counts counts = gateway_door_counts(f.door);
    got = ask(&f, arena_printf(&f.arena, "GET http://LocalHost:%d/b HTTP/1.1\r\n\r\n", p.port));
    CHECK("localhost is the address of it that is listed", ends_with(got, arena_printf(&f.arena, "\r\n\r\nGET /b host=localhost:%d ", p.port)));
    CHECK_INT("bodies are counted", counts.bytes_out, 8);
    CHECK_INT("connections too", counts.connections, 2);
    CHECK("and what came", counts.bytes_in > 100);
    int fd = dial(f.port);
    got = talk(&f, fd, arena_printf(&f.arena, "CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n", p.port), "\r\n\r\n");
    CHECK_STR("a tunnel", got, STR("HTTP/1.1 200 Connection established\r\n\r\n"));
    for (int i = 0; i < 2; i++) {
        got = talk(&f, fd, STR("GET /in HTTP/1.1\r\nHost: me\r\n\r\n"), "host=me");
        CHECK("through which requests go, one after the other", str_find(got, STR("GET /in host=me")) > 0);
    }
    gateway_door_renew(f.door);
    got = talk(&f, fd, STR("GET /in HTTP/1.1\r\nHost: me\r\n\r\n"), NULL);
    CHECK_STR("until the run ends", got, STR(""));
    CHECK_INT("and all counts from nothing", gateway_door_counts(f.door).connections, 0);
    close(fd);
    peer_stop(&p);
}

TEST(what_is_not_allowed_is_403_with_its_reason)
{
    static const struct { const char *claim, *request, *want, *refused; } rows[] = {
        { "another port", "CONNECT 127.0.0.1:9 HTTP/1.1\r\n\r\n", "listing \"127.0.0.1:9\" in Egress.Allow", "127.0.0.1 127.0.0.1 9\n" },
        { "metadata", "GET http://169.254.169.254/latest/ HTTP/1.1\r\n\r\n", "instance metadata", "169.254.169.254 169.254.169.254 80\n" },
        { "the loopback in other clothes", "CONNECT [::ffff:127.0.0.1]:80 HTTP/1.1\r\n\r\n", "a loopback address", NULL },
        { "a name of it", "CONNECT here:80 HTTP/1.1\r\n\r\n", "127.0.0.1:80, which is here", "here 127.0.0.1 80\n" },
        { "a name with one good address and one that is not", "CONNECT two:80 HTTP/1.1\r\n\r\n", "one of 2 addresses", "two 127.0.0.1 80\n" },
        { "a private address", "GET http://10.1.2.3/ HTTP/1.1\r\n\r\n", "a private address", "10.1.2.3 10.1.2.3 80\n" },
    };
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    REQUIRE("opens", fixture_open(&f, "127.0.0.1:8080", (struct gateway_options){ 0 }));
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_clear(&f.refused);
        str got = ask(&f, str_from(rows[i].request));
        CHECK(rows[i].claim, str_starts(got, STR("HTTP/1.1 403 Forbidden\r\n")) && str_find(got, str_from(rows[i].want)) > 0);
        CHECK("with the address", str_find(got, STR(GATEWAY_ADDRESS_HEADER ": ")) > 0);
        if (rows[i].refused)
            CHECK_STR("and it is told", buf_str(&f.refused), str_from(rows[i].refused));
    }
    CHECK_INT("they are counted", gateway_door_counts(f.door).refused, COUNT(rows));
    f.is_closed = true;
    CHECK("between runs nobody goes out", str_find(ask(&f, STR("CONNECT 127.0.0.1:8080 HTTP/1.1\r\n\r\n")), STR("no run is under way")) > 0);
}

TEST(a_name_that_changes_its_mind_is_judged_by_the_address_connected_to)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    int port, fd = listen_somewhere(&port), met = 0;
    REQUIRE("opens", fixture_open(&f, NULL, (struct gateway_options){ .connect_ms = 1 }));
    for (int i = 0; i < 40; i++) {
        ask(&f, arena_printf(&f.arena, "CONNECT rebind:%d HTTP/1.1\r\n\r\n", port));
        int in = accept(fd, NULL, NULL);
        met += in >= 0;
    }
    CHECK_INT("nothing inside was ever reached", met, 0);
    close(fd);
}

TEST(other_failures_say_what_they_are)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    REQUIRE("opens", fixture_open(&f, "127.0.0.0/8", (struct gateway_options){ 0 }));
    CHECK("a name nobody has", str_find(ask(&f, STR("CONNECT nobody:80 HTTP/1.1\r\n\r\n")), STR("502 Bad Gateway")) > 0);
    int port, fd = listen_somewhere(&port);
    close(fd);
    str got = ask(&f, arena_printf(&f.arena, "CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n", port));
    CHECK("nobody listens", str_find(got, STR("502")) > 0 && str_find(got, STR("Connection refused")) > 0);
    CHECK("no request to a proxy", str_starts(ask(&f, STR("GET / HTTP/1.1\r\n\r\n")), STR("HTTP/1.1 400 ")));
    CHECK("nothing understandable", str_starts(ask(&f, STR("\x05\x01\x00\r\n\r\n")), STR("HTTP/1.1 400 ")));
}

// Takes one connection, says `first`, then gives back all it hears, until its end.
struct mirror {
    int listener, fd;
    struct buf heard;
};

static void mirror_turn(struct mirror *m, bool is_reading)
{
    char space[65536];
    if (m->fd < 0)
        m->fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ssize_t n = m->fd >= 0 && is_reading ? recv(m->fd, space, sizeof space, 0) : -1;
    if (n > 0)
        buf_add(&m->heard, (str){ space, (size_t)n });
}

TEST(bytes_wait_for_the_side_that_does_not_read)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    int port;
    struct mirror m = { .listener = listen_somewhere(&port), .fd = -1 };
    REQUIRE("opens", fixture_open(&f, "127.0.0.0/8", (struct gateway_options){ 0 }));
    int fd = dial(f.port);
    talk(&f, fd, arena_printf(&f.arena, "CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n", port), "\r\n\r\n");
    size_t sent = 0, total = 32u << 20;
    char *data = arena_bytes(&f.arena, total);
    for (size_t i = 0; i < total; i++)
        data[i] = (char)(i * 31 >> 3);
    int stuck = 0;
    while (stuck < 20 && sent < total) { // nobody reads at the other end
        ssize_t n = send(fd, data + sent, MIN(total - sent, (size_t)1 << 20), MSG_NOSIGNAL);
        stuck = n > 0 ? 0 : stuck + 1;
        sent += n > 0 ? (size_t)n : 0;
        turn(&f);
        mirror_turn(&m, false);
    }
    CHECK("the sender has to wait", sent < total);
    for (int i = 0; i < 200000 && m.heard.n < total; i++) {
        ssize_t n = sent < total ? send(fd, data + sent, MIN(total - sent, (size_t)1 << 20), MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        turn(&f);
        for (int k = 0; k < 16; k++)
            mirror_turn(&m, true);
    }
    CHECK("all of it arrives as it was sent", m.heard.n == total && memcmp(m.heard.p, data, total) == 0);
    shutdown(fd, SHUT_WR);
    char byte;
    ssize_t n = -1;
    for (int i = 0; i < 30000 && (n = recv(m.fd, &byte, 1, 0)) < 0; i++)
        turn(&f);
    CHECK_INT("its end too", n, 0);
    CHECK_INT("the other direction goes on", send(m.fd, "bye", 3, MSG_NOSIGNAL), 3);
    CHECK_STR("and arrives", talk(&f, fd, STR(""), "bye"), STR("bye"));
    close(m.fd);
    CHECK_STR("until it ends as well", talk(&f, fd, STR(""), NULL), STR(""));
    close(fd);
    close(m.listener);
    buf_fini(&m.heard);
}

TEST(a_silent_connection_ends)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    int port;
    struct mirror m = { .listener = listen_somewhere(&port), .fd = -1 };
    REQUIRE("opens", fixture_open(&f, "127.0.0.0/8", (struct gateway_options){ .idle_ms = 1 }));
    int fd = dial(f.port);
    str got = talk(&f, fd, arena_printf(&f.arena, "CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n", port), NULL);
    CHECK("it was open and was ended", str_starts(got, STR("HTTP/1.1 200 ")));
    close(fd);
    close(m.listener);
}

TEST(a_further_proxy_gets_everything)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    int port;
    struct mirror m = { .listener = listen_somewhere(&port), .fd = -1 };
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://us%%65r:p%%40@127.0.0.1:%d/", port);
    REQUIRE("opens", fixture_open(&f, NULL, (struct gateway_options){ .proxy = proxy }));
    int fd = dial(f.port);
    str say = STR("CONNECT nobody.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_INT("said", send(fd, say.p, say.n, 0), (int64_t)say.n);
    for (int i = 0; i < 30000 && str_find(buf_str(&m.heard), STR("\r\n\r\n")) < 0; i++) {
        turn(&f);
        mirror_turn(&m, true);
    }
    CHECK_STR("the name as it was given, with the proxy's credentials", buf_str(&m.heard),
              STR("CONNECT nobody.example:443 HTTP/1.1\r\nHost: nobody.example:443\r\nProxy-Authorization: Basic dXNlcjpwQA==\r\n\r\n"));
    CHECK_INT("its answer", send(m.fd, "HTTP/1.1 200 Fine\r\n\r\nhello", 26, 0), 26);
    CHECK_STR("is the client's", talk(&f, fd, STR(""), "hello"), STR("HTTP/1.1 200 Fine\r\n\r\nhello"));
    close(fd);
    close(m.fd);
    CHECK("addresses in the request are still asked about", str_starts(ask(&f, STR("CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n")), STR("HTTP/1.1 403 ")));
    buf_fini(&m.heard);
    close(m.listener);
}

TEST(what_is_on_this_machine_takes_no_further_proxy)
{
    static const char *const proxies[] = { "http://127.0.0.1:1", "socks5://127.0.0.1:1" };
    for (size_t i = 0; i < COUNT(proxies); i++) {
        CLEANUP(fixture_fini) struct fixture f = { 0 };
        int port;
        struct mirror m = { .listener = listen_somewhere(&port), .fd = -1 };
        char allow[32], say[128];
        snprintf(allow, sizeof allow, "127.0.0.1:%d", port);
        REQUIRE("opens", fixture_open(&f, allow, (struct gateway_options){ .proxy = proxies[i] }));
        int n = snprintf(say, sizeof say, "GET http://127.0.0.1:%d/x HTTP/1.1\r\nHost: y\r\n\r\n", port), fd = dial(f.port);
        CHECK_INT("said", send(fd, say, (size_t)n, 0), n);
        for (int j = 0; j < 30000 && str_find(buf_str(&m.heard), STR("\r\n\r\n")) < 0; j++) {
            turn(&f);
            mirror_turn(&m, true);
        }
        CHECK("it hears a request for itself", str_starts(buf_str(&m.heard), STR("GET /x HTTP/1.1\r\n")));
        close(fd);
        close(m.fd);
        buf_fini(&m.heard);
        close(m.listener);
    }
}

TEST(a_proxy_of_another_kind_is_said_to_be_none)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    REQUIRE("opens", fixture_open(&f, NULL, (struct gateway_options){ .proxy = "socks5://127.0.0.1:1" }));
    CHECK("502", str_find(ask(&f, STR("CONNECT nobody.example:443 HTTP/1.1\r\n\r\n")), STR("Egress.Proxy is no http:// proxy")) > 0);
}

TEST(connections_are_bounded_and_more_wait)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    enum { MANY = 80 };
    int fds[MANY], served = 0;
    REQUIRE("opens", fixture_open(&f, NULL, (struct gateway_options){ 0 }));
    for (int i = 0; i < MANY; i++)
        fds[i] = dial(f.port);
    for (int i = 0; i < 50; i++)
        turn(&f);
    CHECK_INT("no more than allowed are taken", gateway_door_counts(f.door).connections, 64);
    for (int i = 0; i < MANY; i++) {
        served += str_starts(talk(&f, fds[i], STR("GET / HTTP/1.1\r\n\r\n"), NULL), STR("HTTP/1.1 400 "));
        close(fds[i]);
    }
    CHECK_INT("and those that waited had their turn", served, MANY);
}

TEST_MAIN()
