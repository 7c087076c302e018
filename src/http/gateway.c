#include "http/gateway.h"

#include "base/encode.h"
#include "base/limits.h"
#include "http/egress.h"
#include "http/gateway_head.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#define SCRATCH_BYTES 65536
#define READ_AT_ONCE 4      // then others have their turn
#define LOOK_MS 500         // between two looks at deadlines
#define LINGER_MS 5000      // for a client to take its answer
#define PIPELINED_MS 30000  // for an answer behind which the client already wants another one, in vain
#define ADDRESS_MS 5000     // for one address of several

enum stage {
    STAGE_HEAD,       // reading what is wanted
    STAGE_RESOLVING,
    STAGE_CONNECTING,
    STAGE_RELAY,
    STAGE_ANSWER,     // our own answer goes out, then it ends
};

struct side {
    int fd;
    struct loop_watch *watch;
    struct buf out; // waits to be written here
    bool is_eof, is_shut;
};

// One connection.
struct visit {
    struct visit *prev, *next; // of the door
    struct gateway_door *door;
    struct arena arena;
    enum stage stage;
    struct side client, target;
    struct buf head;
    struct gateway_request request;
    bool wants_more; // than the one plain request
    struct resolve_wait *resolving;
    struct ip ips[RESOLVE_ADDRESSES_MAX];
    size_t ip_count, ip_at;
    bool is_proxied;
    int port; // connected to: the target's, or the proxy's
    int64_t deadline_ms, connect_until_ms;
};

struct gateway_door {
    struct gateway_door *prev, *next;
    struct gateway *gateway;
    struct gateway_door_options opt;
    struct loop_watch *watch;
    struct visit *first;
    int open;
    bool is_paused;
    struct gateway_counts counts;
};

struct gateway {
    struct loop *loop;
    struct resolver *resolver;
    struct gateway_door *doors;
    struct loop_timer *timer;
    bool is_timing;
    int open;
    int64_t connect_ms, idle_ms;
    struct arena arena;
    bool has_proxy;
    struct url proxy;
    str credentials;    // for it
    char problem[300];  // why it cannot be used
    char scratch[SCRATCH_BYTES];
};

static void on_client(void *ctx, int events, bool is_error);
static void on_target(void *ctx, int events, bool is_error);

// --- a connection's life

static void side_close(struct side *s)
{
    loop_watch_free(s->watch);
    if (s->fd >= 0)
        close(s->fd);
    buf_fini(&s->out);
    *s = (struct side){ .fd = -1 };
}

static void door_listen(struct gateway_door *d)
{
    bool is_full = d->open >= LIMIT_GATEWAY_CONNECTIONS_EACH || d->gateway->open >= LIMIT_GATEWAY_CONNECTIONS;
    d->is_paused = is_full;
    loop_watch_set(d->watch, is_full ? 0 : LOOP_READABLE);
}

static void visit_end(struct visit *v)
{
    struct gateway_door *d = v->door;
    struct gateway *g = d->gateway;
    *(v->prev ? &v->prev->next : &d->first) = v->next;
    if (v->next)
        v->next->prev = v->prev;
    resolve_cancel(v->resolving);
    side_close(&v->client);
    side_close(&v->target);
    buf_fini(&v->head);
    arena_fini(&v->arena);
    free(v);
    d->open--;
    g->open--;
    for (struct gateway_door *other = g->doors; other; other = other->next)
        if (other->is_paused)
            door_listen(other);
}

static void set_deadline(struct visit *v, int64_t ms)
{
    v->deadline_ms = loop_now_ms(v->door->gateway->loop) + ms;
}

// --- moving bytes

// False: the connection is broken, and the visit to be ended.
static bool flush(struct side *s)
{
    while (s->out.n) {
        ssize_t n = send(s->fd, s->out.p, s->out.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        buf_drop_front(&s->out, (size_t)n);
    }
    if (s->out.cap)
        buf_fini(&s->out); // an idle connection holds nothing
    return true;
}

static bool write_to(struct side *s, str bytes)
{
    while (!s->out.n && bytes.n) {
        ssize_t n = send(s->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0)
            break;
        bytes = str_skip(bytes, (size_t)n);
    }
    buf_add(&s->out, bytes);
    return true;
}

// >0 bytes read into scratch, 0: end, -1: nothing now, -2: broken
static ssize_t read_from(struct gateway *g, struct side *s)
{
    ssize_t n;
    while ((n = recv(s->fd, g->scratch, sizeof g->scratch, 0)) < 0 && errno == EINTR)
        ;
    return n >= 0 ? n : errno == EAGAIN ? -1 : -2;
}

// What of the client's bytes goes on. A plain request has an end; who sends more behind it wants another connection.
static size_t take_request_bytes(struct visit *v, str bytes)
{
    if (v->request.is_tunnel)
        return bytes.n;
    size_t n = gateway_request_take(&v->request, bytes);
    if (n < bytes.n && v->request.is_over)
        v->client.is_eof = v->wants_more = true; // nothing more is read; the answer still goes out
    return n;
}

static bool move(struct visit *v, struct side *from, struct side *to)
{
    struct gateway *g = v->door->gateway;
    for (int i = 0; i < READ_AT_ONCE; i++) {
        if (!flush(to))
            return false;
        if (to->out.n || from->is_eof)
            break;
        ssize_t n = read_from(g, from);
        if (n == -1)
            break;
        if (n < 0)
            return false;
        set_deadline(v, v->wants_more ? MIN(g->idle_ms, (int64_t)PIPELINED_MS) : g->idle_ms);
        if (n == 0) {
            from->is_eof = true;
            break;
        }
        str bytes = { g->scratch, (size_t)n };
        if (from == &v->client) {
            bytes.n = take_request_bytes(v, bytes);
            v->door->counts.bytes_out += (int64_t)bytes.n;
            if (v->request.is_broken)
                return false;
        } else
            v->door->counts.bytes_in += n;
        if (!write_to(to, bytes))
            return false;
    }
    if (from->is_eof && !to->out.n && !to->is_shut) {
        to->is_shut = true;
        // A plain request's end is in its bytes; some servers take a half-closed connection for one that was given up.
        if (from != &v->client || v->request.is_tunnel)
            shutdown(to->fd, SHUT_WR);
    }
    return true;
}

static void relay(struct visit *v)
{
    bool is_good = move(v, &v->client, &v->target) && move(v, &v->target, &v->client);
    bool is_over = v->target.is_eof && !v->client.out.n && (v->client.is_eof || !v->request.is_tunnel);
    if (!is_good || is_over) {
        visit_end(v);
        return;
    }
    loop_watch_set(v->client.watch, (v->client.is_eof || v->target.out.n ? 0 : LOOP_READABLE) | (v->client.out.n ? LOOP_WRITABLE : 0));
    loop_watch_set(v->target.watch, (v->target.is_eof || v->client.out.n ? 0 : LOOP_READABLE) | (v->target.out.n ? LOOP_WRITABLE : 0));
}

// --- our own answers

// Sends what there is, then waits for the client to end: closing at once could take the answer from it.
static void finish_answer(struct visit *v)
{
    struct gateway *g = v->door->gateway;
    if (!flush(&v->client)) {
        visit_end(v);
        return;
    }
    if (!v->client.out.n && !v->client.is_shut) {
        v->client.is_shut = true;
        shutdown(v->client.fd, SHUT_WR);
    }
    for (int i = 0; i < READ_AT_ONCE && !v->client.is_eof; i++) {
        ssize_t n = read_from(g, &v->client);
        if (n == -1)
            break;
        v->client.is_eof = n <= 0;
    }
    if (v->client.is_eof && v->client.is_shut) {
        visit_end(v);
        return;
    }
    loop_watch_set(v->client.watch, (v->client.is_eof ? 0 : LOOP_READABLE) | (v->client.out.n ? LOOP_WRITABLE : 0));
}

static void answer(struct visit *v, int status, const struct ip *refused, const char *why)
{
    char address[IP_TEXT_BYTES] = "";
    v->stage = STAGE_ANSWER;
    side_close(&v->target);
    set_deadline(v, LINGER_MS);
    buf_printf(&v->client.out, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n", status, http_status_text(status), strlen(why) + 1);
    if (refused) {
        ip_write(refused, address);
        buf_printf(&v->client.out, GATEWAY_ADDRESS_HEADER ": %s\r\n", address);
    }
    buf_printf(&v->client.out, "\r\n%s\n", why);
    finish_answer(v);
}

static void refuse(struct visit *v, const struct ip *ip, const struct err *e)
{
    struct gateway_door *d = v->door;
    d->counts.refused++;
    if (ip)
        d->opt.refused(d->opt.ctx, v->request.host, ip, v->request.port, e->text);
    answer(v, 403, ip, e->text);
}

// --- connecting

static void start_relay(struct visit *v)
{
    struct gateway *g = v->door->gateway;
    int one = 1;
    v->stage = STAGE_RELAY;
    setsockopt(v->target.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    set_deadline(v, g->idle_ms);
    if (v->is_proxied || !v->request.is_tunnel)
        gateway_request_write(&v->request, v->is_proxied, g->credentials, &v->target.out);
    else
        buf_add(&v->client.out, STR("HTTP/1.1 200 Connection established\r\n\r\n"));
    str rest = str_skip(buf_str(&v->head), v->request.head_bytes);
    rest.n = take_request_bytes(v, rest);
    v->door->counts.bytes_out += (int64_t)rest.n;
    buf_add(&v->target.out, rest);
    buf_fini(&v->head);
    if (v->request.is_broken)
        visit_end(v);
    else
        relay(v);
}

static void connect_failed(struct visit *v, int why)
{
    char text[300];
    snprintf(text, sizeof text, "connecting to %.*s:%d%s: %s", STR_ARG(str_sub(v->request.host, 0, 200)), v->request.port, v->is_proxied ? " by the server's proxy" : "", strerror(why));
    answer(v, why == ETIMEDOUT ? 504 : 502, NULL, text);
}

// Tries the addresses one after the other.
static void connect_next(struct visit *v, int why)
{
    struct gateway *g = v->door->gateway;
    for (; v->ip_at < v->ip_count; v->ip_at++) {
        struct sockaddr_storage sa;
        socklen_t n = ip_to_sockaddr(&v->ips[v->ip_at], v->port, &sa);
        side_close(&v->target);
        v->target.fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (v->target.fd < 0 || (connect(v->target.fd, (struct sockaddr *)&sa, n) < 0 && errno != EINPROGRESS)) {
            why = errno;
            continue;
        }
        bool is_last = ++v->ip_at == v->ip_count;
        int64_t left_ms = v->connect_until_ms - loop_now_ms(g->loop);
        set_deadline(v, MAX(is_last ? left_ms : MIN(left_ms, (int64_t)ADDRESS_MS), (int64_t)0));
        v->target.watch = loop_watch_new(g->loop, v->target.fd, on_target, v);
        loop_watch_set(v->target.watch, LOOP_WRITABLE);
        return;
    }
    connect_failed(v, why);
}

static void start_connect(struct visit *v)
{
    struct gateway *g = v->door->gateway;
    v->stage = STAGE_CONNECTING;
    v->connect_until_ms = loop_now_ms(g->loop) + g->connect_ms;
    v->ip_at = 0;
    loop_watch_set(v->client.watch, 0);
    connect_next(v, ETIMEDOUT);
}

static void take_connect(struct visit *v)
{
    int why = 0;
    socklen_t n = sizeof why;
    if (getsockopt(v->target.fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0)
        why = errno;
    if (why)
        connect_next(v, why);
    else
        start_relay(v);
}

// One address that is refused refuses the name: which of them would be connected to is not the client's choice. But localhost is
// no name that anybody else answers for (RFC 6761 section 6.3): where 127.0.0.1 is listed, that one is meant.
static bool may_connect(struct visit *v)
{
    struct gateway_door *d = v->door;
    struct ip all[RESOLVE_ADDRESSES_MAX], *refused = NULL;
    size_t count = v->ip_count, allowed = 0;
    struct err e = { 0 }, first = { 0 };
    memcpy(all, v->ips, count * sizeof *all);
    for (size_t i = 0; i < count; i++)
        if (d->opt.allows(d->opt.ctx, v->request.host, &all[i], v->request.port, &e))
            v->ips[allowed++] = all[i];
        else if (!refused) {
            refused = &all[i];
            first = e;
        }
    v->ip_count = allowed;
    if (!refused || (allowed && str_eq(v->request.host, STR("localhost"))))
        return true;
    if (count > 1)
        err_in(&first, "one of %zu addresses", count);
    refuse(v, refused, &first);
    return false;
}

static void on_resolved(void *ctx, const struct ip *ips, size_t count, const struct err *e)
{
    struct visit *v = ctx;
    v->resolving = NULL;
    if (!count) {
        answer(v, 502, NULL, e->text);
        return;
    }
    memcpy(v->ips, ips, count * sizeof *ips);
    v->ip_count = count;
    if (v->is_proxied || may_connect(v)) // of a proxy only its name was asked for
        start_connect(v);
}

static void resolve(struct visit *v, str host, bool is_address)
{
    struct gateway *g = v->door->gateway;
    v->ip_count = 1;
    if (is_address && ip_parse(host, &v->ips[0])) {
        start_connect(v);
        return;
    }
    v->stage = STAGE_RESOLVING;
    loop_watch_set(v->client.watch, 0);
    set_deadline(v, g->connect_ms);
    v->resolving = resolve_start(g->resolver, host, on_resolved, v);
}

// What is on this machine is reached from this machine: a proxy would take the address for its own.
static bool is_here(const struct visit *v)
{
    const struct ip *ip = &v->ips[0];
    struct ip v6;
    if (!v->request.is_address || !v->ip_count)
        return false;
    return ip_is_v4(ip) ? ip_v4(ip) >> 24 == 127 : ip_parse(STR("::1"), &v6) && !memcmp(ip, &v6, sizeof v6);
}

static void take_request(struct visit *v)
{
    struct gateway *g = v->door->gateway;
    struct gateway_request *q = &v->request;
    struct err e = { 0 };
    if (!v->door->opt.admits(v->door->opt.ctx, &e)) {
        refuse(v, NULL, &e);
        return;
    }
    v->ip_count = q->is_address && ip_parse(q->host, &v->ips[0]);
    if (!may_connect(v))
        return;
    bool is_direct = is_here(v);
    v->is_proxied = g->has_proxy && !is_direct;
    v->port = v->is_proxied ? g->proxy.port : q->port;
    if (g->problem[0] && !is_direct)
        answer(v, 502, NULL, g->problem);
    else if (v->is_proxied)
        resolve(v, g->proxy.host, g->proxy.is_address);
    else
        resolve(v, q->host, q->is_address);
}

static void read_head(struct visit *v)
{
    struct gateway *g = v->door->gateway;
    ssize_t n = read_from(g, &v->client);
    if (n == -1)
        return;
    if (n <= 0) {
        visit_end(v);
        return;
    }
    buf_add(&v->head, (str){ g->scratch, (size_t)n });
    int status;
    struct err e = { 0 };
    enum gateway_next next = gateway_request_read(&v->request, buf_str(&v->head), &v->arena, &status, &e);
    if (next == GATEWAY_REFUSED)
        answer(v, status, NULL, e.text);
    else if (next == GATEWAY_GOT)
        take_request(v);
}

// --- what happens

static void on_client(void *ctx, int events, bool is_error)
{
    struct visit *v = ctx;
    switch (v->stage) {
    case STAGE_HEAD: read_head(v); break;
    case STAGE_RELAY: relay(v); break;
    case STAGE_ANSWER: finish_answer(v); break;
    default: break;
    }
}

static void on_target(void *ctx, int events, bool is_error)
{
    struct visit *v = ctx;
    if (v->stage == STAGE_CONNECTING)
        take_connect(v);
    else if (v->stage == STAGE_RELAY)
        relay(v);
}

static void on_late(struct visit *v)
{
    if (v->stage == STAGE_CONNECTING)
        connect_next(v, ETIMEDOUT);
    else if (v->stage == STAGE_RESOLVING) {
        resolve_cancel(v->resolving);
        v->resolving = NULL;
        answer(v, 504, NULL, "the name was not resolved in time");
    } else
        visit_end(v);
}

static void on_look(void *ctx)
{
    struct gateway *g = ctx;
    int64_t now_ms = loop_now_ms(g->loop);
    for (struct gateway_door *d = g->doors; d; d = d->next) {
        if (d->is_paused)
            door_listen(d);
        for (struct visit *v = d->first, *next; v; v = next) {
            next = v->next;
            if (v->deadline_ms <= now_ms)
                on_late(v);
        }
    }
    bool is_waiting = g->open > 0;
    for (struct gateway_door *d = g->doors; d; d = d->next)
        is_waiting |= d->is_paused;
    g->is_timing = is_waiting;
    if (!is_waiting)
        loop_timer_stop(g->timer);
}

static void keep_time(struct gateway *g)
{
    if (!g->is_timing)
        loop_timer_set(g->timer, LOOK_MS, LOOK_MS);
    g->is_timing = true;
}

static void on_door(void *ctx, int events, bool is_error)
{
    struct gateway_door *d = ctx;
    struct gateway *g = d->gateway;
    int one = 1, fd = accept4(d->opt.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) { // the timer tries again
            d->is_paused = true;
            loop_watch_set(d->watch, 0);
            keep_time(g);
        }
        return;
    }
    struct visit *v = xcalloc(1, sizeof *v);
    v->door = d;
    v->client.fd = fd;
    v->target.fd = -1;
    v->next = d->first;
    if (v->next)
        v->next->prev = v;
    d->first = v;
    d->open++;
    g->open++;
    d->counts.connections++;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    set_deadline(v, LIMIT_HTTP_HEADER_SECONDS * 1000);
    v->client.watch = loop_watch_new(g->loop, fd, on_client, v);
    loop_watch_set(v->client.watch, LOOP_READABLE);
    door_listen(d);
    keep_time(g);
}

// --- opening and closing

// "http://user:password@host:port", "host:port": as curl takes it (http_client), of which only http is spoken here.
static void read_proxy(struct gateway *g, const char *text)
{
    struct err e = { 0 };
    str rest = str_from(text), user = { 0 };
    ptrdiff_t scheme = str_find(rest, STR("://"));
    if (scheme >= 0 && !str_starts_nocase(rest, STR("http://"))) {
        snprintf(g->problem, sizeof g->problem, "Egress.Proxy is no http:// proxy, which is the only kind that connections of scripts can take");
        return;
    }
    rest = str_skip(rest, scheme >= 0 ? (size_t)scheme + 3 : 0);
    ptrdiff_t at = str_find_last_char(rest, '@');
    if (at >= 0) {
        user = str_sub(rest, 0, (size_t)at);
        rest = str_skip(rest, (size_t)at + 1);
    }
    while (str_ends(rest, STR("/")))
        rest.n--;
    bool has_port = str_find_last_char(rest, ':') > str_find_last_char(rest, ']');
    if (!url_parse(&g->arena, arena_printf(&g->arena, "http://%.*s%s/", STR_ARG(rest), has_port ? "" : ":1080"), &g->proxy, &e))
        snprintf(g->problem, sizeof g->problem, "Egress.Proxy cannot be understood: %.200s", e.text);
    if (user.n) {
        if (!percent_decode(&g->arena, user, false, &user))
            snprintf(g->problem, sizeof g->problem, "the user of Egress.Proxy has a broken %%-escape");
        g->credentials = arena_concat(&g->arena, STR("Basic "), base64_encode(&g->arena, user, BASE64_STANDARD));
    }
    g->has_proxy = true;
}

struct gateway *gateway_new(const struct gateway_options *opt)
{
    struct gateway *g = xcalloc(1, sizeof *g);
    g->loop = opt->loop;
    g->connect_ms = opt->connect_ms ? opt->connect_ms : LIMIT_GATEWAY_CONNECT_SECONDS * 1000;
    g->idle_ms = opt->idle_ms ? opt->idle_ms : LIMIT_GATEWAY_IDLE_SECONDS * 1000;
    g->timer = loop_timer_new(opt->loop, on_look, g);
    g->resolver = resolver_new(&(struct resolver_options){ .loop = opt->loop, .lookup = opt->lookup, .lookup_ctx = opt->lookup_ctx, .keep_ms = opt->names_keep_ms });
    if (opt->proxy && opt->proxy[0])
        read_proxy(g, opt->proxy);
    return g;
}

void gateway_free(struct gateway *g)
{
    if (!g)
        return;
    assert(!g->doors);
    loop_timer_free(g->timer);
    resolver_free(g->resolver);
    arena_fini(&g->arena);
    free(g);
}

struct gateway_door *gateway_door_open(struct gateway *g, const struct gateway_door_options *opt)
{
    struct gateway_door *d = xcalloc(1, sizeof *d);
    d->gateway = g;
    d->opt = *opt;
    d->next = g->doors;
    if (d->next)
        d->next->prev = d;
    g->doors = d;
    d->watch = loop_watch_new(g->loop, opt->listener, on_door, d);
    door_listen(d);
    return d;
}

void gateway_door_close(struct gateway_door *d)
{
    if (!d)
        return;
    while (d->first)
        visit_end(d->first);
    *(d->prev ? &d->prev->next : &d->gateway->doors) = d->next;
    if (d->next)
        d->next->prev = d->prev;
    loop_watch_free(d->watch);
    close(d->opt.listener);
    free(d);
}

struct gateway_counts gateway_door_counts(const struct gateway_door *d)
{
    return d->counts;
}

void gateway_door_renew(struct gateway_door *d)
{
    while (d->first)
        visit_end(d->first);
    d->counts = (struct gateway_counts){ 0 };
}
