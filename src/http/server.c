#include "http/conn.h"

#include <netdb.h>
#include <sys/resource.h>

#define LINGER_MS 2000 // for a client to read the last answer before the socket closes

void server_unref(struct http_server *s)
{
    if (--s->refs)
        return;
    for (struct exchange *x = s->free_exchanges, *next; x; x = next) {
        next = x->next_free;
        arena_fini(&x->arena);
        free(x);
    }
    while (s->free_buffer_count)
        free(s->free_buffers[--s->free_buffer_count]);
    tls_forget(s);
    free(s->trusted);
    free(s->cert_file);
    free(s->key_file);
    free(s->server_name);
    free(s);
}

// At the cap an idle connection makes room for a new one; it would have been closed soon anyway.
static bool make_room(struct http_server *s)
{
    if (s->stats.open_connections <= s->max_connections) // the new one is counted
        return true;
    struct http_conn *idle = s->lists[WAIT_IDLE].first;
    if (!idle)
        return false;
    conn_close(idle);
    return true;
}

struct http_conn *server_conn_new(struct http_server *s)
{
    struct http_conn *c = xcalloc(1, sizeof *c);
    c->server = s;
    uv_tcp_init(loop_uv(s->loop), &c->tcp);
    c->tcp.data = c;
    s->refs++;
    s->stats.open_connections++;
    s->stats.connections++;
    conn_wait_enter(c, WAIT_HEAD);
    return c;
}

static void on_accept(uv_stream_t *listener, int status)
{
    struct http_server *s = listener->data;
    if (status < 0)
        return;
    struct http_conn *c = server_conn_new(s);
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0) {
        conn_close(c);
        return;
    }
    struct sockaddr_storage sa;
    int n = sizeof sa;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&sa, &n) < 0 || !ip_from_sockaddr((struct sockaddr *)&sa, &c->peer, NULL)) {
        conn_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    if (!make_room(s)) {
        static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        uv_buf_t piece = uv_buf_init((char *)(uintptr_t)full, sizeof full - 1);
        if (!s->tls)
            uv_try_write((uv_stream_t *)&c->tcp, &piece, 1);
        conn_close(c);
        return;
    }
    if (s->tls)
        tls_accept(c);
    conn_read_set(c, true);
}

bool http_server_reload_tls(struct http_server *s, struct err *e)
{
    if (!s->cert_file)
        return err_set(e, ERR_INVALID, "this listener has no certificate");
    return tls_load(s, e);
}

// "host:port"; *: every address of the machine, both families where there are two.
static bool listen_on(struct http_server *s, const char *text, struct err *e)
{
    char host[256];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return err_set(e, ERR_INVALID, "listen \"%s\": must be address:port, like 127.0.0.1:8080, [::1]:8080 or *:8080", text);
    size_t host_n = (size_t)(colon - text);
    memcpy(host, text, host_n);
    host[host_n] = 0;
    int64_t port;
    if (!str_to_i64(str_from(colon + 1), &port) || port < 0 || port > 65535)
        return err_set(e, ERR_INVALID, "listen \"%s\": the port must be 0 to 65535", text);
    bool is_any = strcmp(host, "*") == 0 || host_n == 0;
    if (host_n > 2 && host[0] == '[' && host[host_n - 1] == ']') {
        host[host_n - 1] = 0;
        memmove(host, host + 1, host_n - 1);
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
    int status = getaddrinfo(is_any ? "::" : host, NULL, &hints, &found);
    if (status)
        return err_set(e, ERR_INVALID, "listen \"%s\": %s", text, gai_strerror(status));
    struct sockaddr_storage sa;
    memcpy(&sa, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    for (;;) {
        if (sa.ss_family == AF_INET6)
            ((struct sockaddr_in6 *)&sa)->sin6_port = htons((uint16_t)port);
        else
            ((struct sockaddr_in *)&sa)->sin_port = htons((uint16_t)port);
        status = uv_tcp_bind(&s->listener, (struct sockaddr *)&sa, 0);
        // A machine without IPv6: IPv4 alone then.
        if (status < 0 && is_any && sa.ss_family == AF_INET6 && (status == UV_EAFNOSUPPORT || status == UV_EADDRNOTAVAIL)) {
            struct ip any = ip_from_v4(0);
            ip_to_sockaddr(&any, 0, &sa);
            continue;
        }
        break;
    }
    if (status == 0)
        status = uv_listen((uv_stream_t *)&s->listener, 4096, on_accept);
    if (status < 0)
        return err_set(e, status == UV_EADDRINUSE ? ERR_CONFLICT : ERR_IO, "listen \"%s\": %s", text, uv_strerror(status));
    int n = sizeof sa, bound;
    struct ip ip;
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&sa, &n);
    if (ip_from_sockaddr((struct sockaddr *)&sa, &ip, &bound))
        s->port = bound;
    return true;
}

static void on_listener_closed(uv_handle_t *h)
{
    server_unref(h->data);
}

static void stop_listening(struct http_server *s)
{
    if (!s->is_listening)
        return;
    s->is_listening = false;
    uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}

static void server_closep(struct http_server **s)
{
    http_server_close(*s);
}

bool http_server_open(struct loop *l, const struct http_server_options *opt, struct http_server **out, struct err *e)
{
    assert(opt->listen && opt->on_request);
    CLEANUP(server_closep) struct http_server *s = xcalloc(1, sizeof *s);
    s->loop = l;
    s->refs = 1;
    s->opt = *opt;
    s->max_body = opt->max_body_bytes ? opt->max_body_bytes : LIMIT_HTTP_BODY_BYTES;
    s->max_buffered_bytes = opt->max_buffered_bytes ? opt->max_buffered_bytes : LIMIT_HTTP_BUFFERED_BYTES;
    s->wait_ms[WAIT_HEAD] = opt->header_timeout_ms ? opt->header_timeout_ms : LIMIT_HTTP_HEADER_SECONDS * 1000;
    s->wait_ms[WAIT_IDLE] = opt->idle_timeout_ms ? opt->idle_timeout_ms : LIMIT_HTTP_IDLE_SECONDS * 1000;
    s->wait_ms[WAIT_BODY] = MIN((int64_t)1000, s->wait_ms[WAIT_HEAD]);
    s->wait_ms[WAIT_WRITE] = s->wait_ms[WAIT_HEAD];
    s->wait_ms[WAIT_LINGER] = LINGER_MS;
    // A quarter of the descriptors stays for files, workers and outgoing calls.
    struct rlimit files = { 0 };
    getrlimit(RLIMIT_NOFILE, &files);
    s->max_connections = MIN((size_t)(opt->max_connections ? opt->max_connections : LIMIT_HTTP_CONNECTIONS), (size_t)MAX(files.rlim_cur / 4 * 3, (rlim_t)16));
    s->timer = loop_timer_new(l, conn_on_deadline, s);

    s->trusted = xcalloc(opt->trusted_proxy_count + 1, sizeof *s->trusted);
    for (; s->trusted_count < opt->trusted_proxy_count; s->trusted_count++)
        if (!net_parse(str_from(opt->trusted_proxies[s->trusted_count]), &s->trusted[s->trusted_count], e))
            return err_in(e, "trusted proxy %zu", s->trusted_count + 1);
    if (opt->server_name) {
        const struct http_header name = { STR_INIT("Server"), str_from(opt->server_name) };
        assert(answer_headers_fit(&name, 1));
        s->server_name = xstrdup(opt->server_name);
    }
    if (!opt->cert_file != !opt->key_file)
        return err_set(e, ERR_INVALID, "TLS needs both a certificate file and a key file");
    if (opt->cert_file) {
        s->cert_file = xstrdup(opt->cert_file);
        s->key_file = xstrdup(opt->key_file);
        if (!tls_load(s, e))
            return false;
    }
    uv_tcp_init(loop_uv(l), &s->listener);
    s->listener.data = s;
    s->is_listening = true;
    s->refs++;
    if (!listen_on(s, opt->listen, e))
        return false;
    *out = MOVE(s);
    return true;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

struct http_server_stats http_server_stats(const struct http_server *s)
{
    return s->stats;
}

size_t http_server_outgoing_bytes(const struct http_server *s)
{
    return __atomic_load_n(&s->outgoing_bytes, __ATOMIC_RELAXED);
}

static void close_all(struct http_server *s)
{
    for (int i = 0; i < WAIT_KINDS; i++)
        while (s->lists[i].first)
            conn_close(s->lists[i].first);
}

static void on_grace_over(void *ctx)
{
    struct http_server *s = ctx;
    loop_timer_free(s->grace);
    s->grace = NULL;
    if (s->stats.open_connections) {
        close_all(s); // the last on_closed tells
    } else if (s->on_stopped) {
        void (*done)(void *ctx) = s->on_stopped;
        s->on_stopped = NULL;
        done(s->on_stopped_ctx);
    }
}

void http_server_stop(struct http_server *s, int64_t grace_ms, void (*done)(void *ctx), void *ctx)
{
    assert(!s->is_stopping);
    s->is_stopping = true;
    s->on_stopped = done;
    s->on_stopped_ctx = ctx;
    stop_listening(s);
    for (int i = 0; i < WAIT_KINDS; i++)
        for (struct http_conn *c = s->lists[i].first, *next; c; c = next) {
            next = c->next;
            bool is_idle = c->phase == PHASE_HEAD && !c->x && !c->is_writing;
            bool is_stream = c->phase == PHASE_BUSY && c->x->is_stream; // it would never end by itself
            if ((is_idle || is_stream) && !c->is_running)
                conn_close(c);
        }
    s->grace = loop_timer_new(s->loop, on_grace_over, s);
    loop_timer_set(s->grace, s->stats.open_connections ? grace_ms : 0, 0);
}

void http_server_close(struct http_server *s)
{
    if (!s)
        return;
    s->is_dead = true;
    stop_listening(s);
    close_all(s);
    loop_timer_free(s->timer);
    loop_timer_free(s->grace);
    s->timer = s->grace = NULL;
    server_unref(s);
}

str http_header(const struct http_request *r, str name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eq_nocase(r->headers[i].name, name))
            return r->headers[i].value;
    return (str){ 0 };
}

size_t http_header_count(const struct http_request *r, str name)
{
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++)
        n += str_eq_nocase(r->headers[i].name, name);
    return n;
}
