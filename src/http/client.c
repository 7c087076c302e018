#include "http/client.h"

#include "base/limits.h"
#include "http/answer.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define PER_HOST 64
#define POOLED_CONNECTIONS 2048
#define HEADER_BYTES_MAX 65536
#define HEADERS_MAX 256
#define FREE_HANDLES_MAX 64

enum stage { STAGE_RESOLVING, STAGE_RUNNING, STAGE_OVER };

struct http_call {
    struct http_call *prev, *next; // of the client's calls
    struct http_client *client;
    struct arena arena;
    enum stage stage;
    void (*done)(void *ctx, const struct http_reply *reply);
    void *ctx;

    str method, body;
    struct url url;
    enum egress_purpose purpose;
    int64_t connect_timeout_ms, total_timeout_ms, began_us;
    struct http_tls tls;
    struct curl_slist *headers, *addresses;
    struct resolve_wait *resolving;
    struct loop_timer *timer; // while resolving
    double resolved_s;

    CURL *easy;
    char error_text[CURL_ERROR_SIZE];
    struct err refused; // by egress or by a limit of ours: explains what curl only calls an abort
    struct buf in;
    struct http_header *got; // in the arena
    size_t got_count, got_cap, got_bytes;
    bool is_truncated;
    struct http_reply reply;
};

// A socket's place in the loop. It stays there while its connection is kept alive between two calls: taking it out and in again
// would cost each call two turns to the kernel.
struct watched {
    struct loop_watch *watch; // NULL: curl has not asked yet
    curl_socket_t fd;
    struct http_client *client;
    int events;
    bool is_idle; // curl does not ask at the moment
};

struct http_client {
    struct loop *loop;
    struct http_client_options opt;
    char *proxy, *user_agent;
    CURLM *multi;
    struct loop_timer *timer;
    struct resolver *resolver;
    struct http_call *first, *over; // over: finished without curl, told in the next round
    struct loop_timer *soon;
    size_t in_flight;
    struct watched **sockets; // by descriptor: those this client has opened
    size_t socket_count;
    CURL *free_handles[FREE_HANDLES_MAX];
    size_t free_count;
    char *system_trust; // read when a call brings its own certificates and curl has no folder of them
    bool is_closing;
};

static void check_done(struct http_client *c);

static double seconds_since(int64_t began_us)
{
    return (double)(clock_mono_us() - began_us) / 1e6;
}

// ---- a call's end

static void call_unlink(struct http_call *k)
{
    struct http_client *c = k->client;
    struct http_call **head = k->stage == STAGE_OVER ? &c->over : &c->first;
    *(k->prev ? &k->prev->next : head) = k->next;
    if (k->next)
        k->next->prev = k->prev;
    k->prev = k->next = NULL;
}

static void call_link(struct http_call **head, struct http_call *k)
{
    k->prev = NULL;
    k->next = *head;
    if (*head)
        (*head)->prev = k;
    *head = k;
}

// Back as easy_take left it: with nothing of this call.
static void easy_give(struct http_client *c, struct http_call *k)
{
    CURL *easy = MOVE(k->easy);
    bool has_tls = k->tls.ca_pem.n || k->tls.client_cert_pem.n || k->tls.client_key_pem.n;
    if (c->free_count == FREE_HANDLES_MAX || has_tls) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); // no POST, no HEAD
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    c->free_handles[c->free_count++] = easy;
}

// Tells the caller and frees everything.
static void call_finish(struct http_call *k)
{
    struct http_client *c = k->client;
    call_unlink(k);
    c->in_flight--;
    resolve_cancel(k->resolving);
    loop_timer_free(k->timer);
    if (k->easy) {
        curl_multi_remove_handle(c->multi, k->easy);
        easy_give(c, k);
    }
    k->reply.total_s = seconds_since(k->began_us);
    if (k->reply.error.kind != ERR_NONE)
        k->reply.status = 0;
    k->done(k->ctx, &k->reply);
    curl_slist_free_all(k->headers);
    curl_slist_free_all(k->addresses);
    buf_fini(&k->in);
    arena_fini(&k->arena);
    free(k);
}

// For what is known before curl is asked: done comes later all the same.
static void call_fail_later(struct http_call *k)
{
    struct http_client *c = k->client;
    call_unlink(k);
    k->stage = STAGE_OVER;
    call_link(&c->over, k);
    loop_timer_set(c->soon, 0, 0);
}

static void give_over(void *ctx)
{
    struct http_client *c = ctx;
    while (c->over)
        call_finish(c->over);
}

// ---- what curl calls back

static bool ask_egress(struct http_call *k, const struct sockaddr *sa, struct err *e)
{
    return egress_allows(k->client->opt.egress(k->client->opt.egress_ctx), sa, k->url.host, k->url.port, k->purpose, e);
}

static struct watched *socket_of(const struct http_client *c, curl_socket_t fd)
{
    return (size_t)fd < c->socket_count ? c->sockets[fd] : NULL;
}

static void note_socket(struct http_client *c, int fd)
{
    size_t before = c->socket_count;
    if ((size_t)fd >= before) {
        c->socket_count = MAX((size_t)fd + 1, before * 2);
        c->sockets = xrealloc(c->sockets, sizeof(struct watched *) * c->socket_count);
        memset(c->sockets + before, 0, sizeof(struct watched *) * (c->socket_count - before));
    }
    assert(!c->sockets[fd]);
    c->sockets[fd] = xcalloc(1, sizeof(struct watched));
    *c->sockets[fd] = (struct watched){ .fd = fd, .client = c, .is_idle = true };
}

static int close_socket(void *ctx, curl_socket_t fd)
{
    struct http_client *c = ctx;
    struct watched *w = socket_of(c, fd);
    if (w) {
        loop_watch_free(w->watch);
        c->sockets[fd] = NULL;
        free(w);
    }
    return close(fd);
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose UNUSED, struct curl_sockaddr *a)
{
    struct http_call *k = ctx;
    struct err e;
    if (!k->client->proxy && !ask_egress(k, &a->addr, &e)) {
        k->refused = e;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    note_socket(k->client, fd);
    return fd;
}

// Before each request, also on a connection kept alive from another call, under the policy of now.
static int before_request(void *ctx, char *address, char *local_address UNUSED, int port, int local_port UNUSED)
{
    struct http_call *k = ctx;
    struct ip ip;
    struct sockaddr_storage sa;
    if (k->client->proxy)
        return CURL_PREREQFUNC_OK;
    if (!ip_parse(str_from(address), &ip)) {
        err_set(&k->refused, ERR_DENIED, "the address connected to is not known");
        return CURL_PREREQFUNC_ABORT;
    }
    ip_to_sockaddr(&ip, port, &sa);
    return ask_egress(k, (struct sockaddr *)&sa, &k->refused) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t on_header(char *p, size_t size, size_t count, void *ctx)
{
    struct http_call *k = ctx;
    str line = { p, size * count };
    k->got_bytes += line.n;
    if (k->got_bytes > HEADER_BYTES_MAX) {
        err_set(&k->refused, ERR_IO, "the answer's headers are longer than %d bytes", HEADER_BYTES_MAX);
        return 0;
    }
    if (str_starts(line, STR("HTTP/"))) {
        k->got_count = 0; // 1xx answers come before the one that counts
        return line.n;
    }
    ptrdiff_t colon = str_find_char(line, ':');
    if (colon <= 0)
        return line.n;
    if (k->got_count == HEADERS_MAX) {
        err_set(&k->refused, ERR_IO, "the answer has more than %d headers", HEADERS_MAX);
        return 0;
    }
    if (k->got_count == k->got_cap) {
        struct http_header *more = ARENA_ARRAY(&k->arena, struct http_header, k->got_cap ? HEADERS_MAX : 16);
        if (k->got_count)
            memcpy(more, k->got, sizeof *more * k->got_count);
        k->got_cap = k->got_cap ? HEADERS_MAX : 16;
        k->got = more;
    }
    k->got[k->got_count++] = (struct http_header){
        arena_str(&k->arena, str_sub(line, 0, (size_t)colon)),
        arena_str(&k->arena, str_trim(str_skip(line, (size_t)colon + 1))),
    };
    return line.n;
}

// Already decompressed. The first max bytes are kept, then the transfer ends.
static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
    struct http_call *k = ctx;
    size_t n = size * count, room = k->in.max - k->in.n;
    buf_add(&k->in, (str){ p, MIN(n, room) });
    if (n <= room)
        return n;
    k->is_truncated = true;
    return 0;
}

static void watch(struct watched *w, int events)
{
    if (w->events == events)
        return;
    w->events = events;
    loop_watch_set(w->watch, events);
}

static void on_ready(void *ctx, int events, bool is_error)
{
    struct watched *w = ctx;
    struct http_client *c = w->client;
    if (w->is_idle) {
        watch(w, 0); // its peer said something or left: curl looks when it takes the connection again
        return;
    }
    // CURL_CSELECT_ERR would hide the reason; reading and writing finds it, and what came before it.
    int mask = (events & LOOP_READABLE || is_error ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITABLE || is_error ? CURL_CSELECT_OUT : 0);
    int running;
    curl_multi_socket_action(c->multi, w->fd, mask, &running); // may free w
    check_done(c);
}

// of_socket: of one that curl has opened by itself (its resolver's), which it closes without a word.
static int on_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
    struct http_client *c = ctx;
    struct watched *own = socket_of(c, fd), *w = own ? own : of_socket;
    if (what == CURL_POLL_REMOVE) {
        if (own) {
            own->is_idle = true;
        } else if (w) {
            loop_watch_free(w->watch);
            free(w);
            curl_multi_assign(c->multi, fd, NULL);
        }
        return 0;
    }
    if (!w) {
        w = xcalloc(1, sizeof *w);
        *w = (struct watched){ .fd = fd, .client = c };
        curl_multi_assign(c->multi, fd, w);
    }
    if (!w->watch)
        w->watch = loop_watch_new(c->loop, fd, on_ready, w);
    w->is_idle = false;
    watch(w, (what & CURL_POLL_IN ? LOOP_READABLE : 0) | (what & CURL_POLL_OUT ? LOOP_WRITABLE : 0));
    return 0;
}

static int on_timer_wish(CURLM *multi UNUSED, long after_ms, void *ctx)
{
    struct http_client *c = ctx;
    if (after_ms < 0)
        loop_timer_stop(c->timer);
    else
        loop_timer_set(c->timer, after_ms, 0);
    return 0;
}

static void on_timer(void *ctx)
{
    struct http_client *c = ctx;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    check_done(c);
}

// ---- what came out

static double seconds_of(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, what, &us);
    return (double)us / 1e6;
}

static enum err_kind kind_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return ERR_INVALID;
    default: return ERR_IO;
    }
}

static void call_done(struct http_call *k, CURLcode code)
{
    struct http_reply *reply = &k->reply;
    long status = 0, version = 0;
    curl_easy_getinfo(k->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(k->easy, CURLINFO_HTTP_VERSION, &version);
    reply->status = (int)status;
    reply->http_version = version == CURL_HTTP_VERSION_1_0 ? 10 : version == CURL_HTTP_VERSION_2_0 ? 20 : 11;
    reply->headers = k->got;
    reply->header_count = k->got_count;
    reply->body = k->in.n ? buf_str(&k->in) : STR("");
    reply->is_truncated = k->is_truncated;
    reply->dns_s = k->resolved_s;
    // Zero where that step did not take place, as on a connection kept alive.
    double connect_s = seconds_of(k->easy, CURLINFO_CONNECT_TIME_T), tls_s = seconds_of(k->easy, CURLINFO_APPCONNECT_TIME_T);
    double first_byte_s = seconds_of(k->easy, CURLINFO_STARTTRANSFER_TIME_T);
    reply->connect_s = connect_s > 0 ? k->resolved_s + connect_s : 0;
    reply->tls_s = tls_s > 0 ? k->resolved_s + tls_s : 0;
    reply->first_byte_s = first_byte_s > 0 ? k->resolved_s + first_byte_s : 0;

    if (code == CURLE_OK && status == 0)
        err_set(&reply->error, ERR_IO, "the answer has no status");
    else if (code == CURLE_OK || (k->is_truncated && code == CURLE_WRITE_ERROR))
        reply->error.kind = ERR_NONE;
    else if (k->refused.kind != ERR_NONE)
        reply->error = k->refused;
    else if (status)
        err_set(&reply->error, kind_of(code), "%s, after status %d had come", k->error_text[0] ? k->error_text : curl_easy_strerror(code), (int)status);
    else
        err_set(&reply->error, kind_of(code), "%s", k->error_text[0] ? k->error_text : curl_easy_strerror(code));
    call_finish(k);
}

static void check_done(struct http_client *c)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        void *k = NULL;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&k);
        call_done(k, code);
    }
}

// ---- a call's start

// A blob curl copies.
static void set_pem(CURL *easy, CURLoption blob_option, CURLoption type_option, str pem)
{
    struct curl_blob blob = { (void *)(uintptr_t)pem.p, pem.n, CURL_BLOB_COPY };
    if (type_option)
        curl_easy_setopt(easy, type_option, "PEM");
    curl_easy_setopt(easy, blob_option, &blob);
}

// CAINFO_BLOB takes the place of curl's bundle file, not of its folder: where there is no folder, the
// bundle's text goes in front.
static void set_trust(struct http_call *k)
{
    struct http_client *c = k->client;
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    bool has_folder = v->age >= CURLVERSION_SEVENTH && v->capath;
    if (!has_folder && !c->system_trust && v->age >= CURLVERSION_SEVENTH && v->cainfo) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        str text;
        struct err ignored;
        c->system_trust = xstrdup(file_read(v->cainfo, 4 << 20, &a, &text, &ignored) ? text.p : "");
    }
    str pem = k->tls.ca_pem;
    if (c->system_trust)
        pem = arena_printf(&k->arena, "%s\n%.*s", c->system_trust, STR_ARG(pem));
    set_pem(k->easy, CURLOPT_CAINFO_BLOB, 0, pem);
}

static void set_tls(struct http_call *k)
{
    CURL *easy = k->easy;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, k->tls.is_unverified ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, k->tls.is_unverified ? 0L : 2L);
    if (k->tls.ca_pem.n)
        set_trust(k);
    if (k->tls.client_cert_pem.n)
        set_pem(easy, CURLOPT_SSLCERT_BLOB, CURLOPT_SSLCERTTYPE, k->tls.client_cert_pem);
    if (k->tls.client_key_pem.n)
        set_pem(easy, CURLOPT_SSLKEY_BLOB, CURLOPT_SSLKEYTYPE, k->tls.client_key_pem);
}

static void set_method(struct http_call *k)
{
    CURL *easy = k->easy;
    bool wants_body = k->body.n || str_eq(k->method, STR("POST")) || str_eq(k->method, STR("PUT")) || str_eq(k->method, STR("PATCH"));
    if (wants_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)k->body.n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, k->body.p);
    } else if (str_eq(k->method, STR("HEAD"))) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, k->method.p); // arena text: NUL-terminated
}

// What all calls of a client have in common.
static CURL *easy_new(struct http_client *c)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_PROXY, c->proxy ? c->proxy : ""); // "" switches the environment off
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    if (c->user_agent)
        curl_easy_setopt(easy, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, c); // not the call: its connection outlives it
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return easy;
}

static void call_run(struct http_call *k)
{
    struct http_client *c = k->client;
    CURL *easy = c->free_count ? c->free_handles[--c->free_count] : easy_new(c);
    k->easy = easy;
    k->stage = STAGE_RUNNING;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, k);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, k->error_text);
    // Put together from the parsed parts, so that curl cannot read the text in another way than egress did.
    bool is_v6 = str_has(k->url.host, ':');
    str url = arena_printf(&k->arena, "%.*s://%s%.*s%s:%d%.*s", STR_ARG(k->url.scheme), is_v6 ? "[" : "", STR_ARG(k->url.host), is_v6 ? "]" : "", k->url.port,
                           STR_ARG(k->url.path_and_query));
    curl_easy_setopt(easy, CURLOPT_URL, url.p);
    int64_t spent_ms = (clock_mono_us() - k->began_us) / 1000;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MAX(k->connect_timeout_ms - spent_ms, (int64_t)1));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)MAX(k->total_timeout_ms - spent_ms, (int64_t)1));
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, k);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, k);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, k);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, k);
    if (k->addresses)
        curl_easy_setopt(easy, CURLOPT_RESOLVE, k->addresses);
    set_tls(k);
    set_method(k);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, k->headers);
    CURLMcode code = curl_multi_add_handle(c->multi, easy);
    if (code != CURLM_OK) {
        err_set(&k->reply.error, ERR_IO, "%s", curl_multi_strerror(code));
        easy_give(c, k);
        call_fail_later(k);
    }
}

// "+host:port:address,address": the plus lets the entry age out of curl's memory.
static bool pin_addresses(struct http_call *k, const struct ip *ips, size_t count, struct err *e)
{
    CLEANUP(buf_fini) struct buf line = { 0 };
    buf_printf(&line, "+%.*s:%d:", STR_ARG(k->url.host), k->url.port);
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_storage sa;
        char text[IP_TEXT_BYTES];
        ip_to_sockaddr(&ips[i], k->url.port, &sa);
        if (!ask_egress(k, (struct sockaddr *)&sa, e))
            return count == 1 ? false : err_in(e, "one of %zu addresses", count);
        ip_write(&ips[i], text);
        buf_printf(&line, ip_is_v4(&ips[i]) ? "%s%s" : "%s[%s]", i ? "," : "", text);
    }
    buf_add_char(&line, 0);
    k->addresses = curl_slist_append(NULL, line.p);
    return true;
}

static void on_resolved(void *ctx, const struct ip *ips, size_t count, const struct err *e)
{
    struct http_call *k = ctx;
    k->resolving = NULL;
    loop_timer_free(k->timer);
    k->timer = NULL;
    k->resolved_s = k->reply.dns_s = seconds_since(k->began_us);
    if (count == 0)
        k->reply.error = *e;
    else if (pin_addresses(k, ips, count, &k->reply.error)) {
        call_run(k);
        return;
    }
    call_finish(k);
}

static void on_resolve_timeout(void *ctx)
{
    struct http_call *k = ctx;
    err_set(&k->reply.error, ERR_TIMEOUT, "the name %.*s could not be resolved in time", STR_ARG(str_sub(k->url.host, 0, 200)));
    call_finish(k);
}

static bool is_method(str method)
{
    if (method.n == 0 || method.n > 32)
        return false;
    for (size_t i = 0; i < method.n; i++)
        if ((method.p[i] < 'A' || method.p[i] > 'Z') && method.p[i] != '-')
            return false;
    // They would make a connection into something else, or show the request to the script.
    return !str_eq(method, STR("CONNECT")) && !str_eq(method, STR("TRACE"));
}

static bool add_headers(struct http_call *k, const struct http_call_options *opt, struct err *e)
{
    bool has_type = false;
    for (size_t i = 0; i < opt->header_count; i++) {
        const struct http_header *h = &opt->headers[i];
        if (!answer_headers_fit(h, 1))
            return err_set(e, ERR_INVALID, "the header \"%.*s\" must be a name and a value without CR, LF and NUL", STR_ARG(str_sub(h->name, 0, 60)));
        static const str ours[] = { STR_INIT("Content-Length"), STR_INIT("Transfer-Encoding"), STR_INIT("Connection") };
        for (size_t o = 0; o < COUNT(ours); o++)
            if (str_eq_nocase(h->name, ours[o]))
                return err_set(e, ERR_INVALID, "the header %.*s is set by the server", STR_ARG(ours[o]));
        has_type = has_type || str_eq_nocase(h->name, STR("Content-Type"));
        // "Name;" is curl's way to send a header without a value, "Name:" would take one away.
        bool has_value = str_trim(h->value).n;
        str line = arena_concat(&k->arena, h->name, has_value ? STR(": ") : STR(";"));
        if (has_value)
            line = arena_concat(&k->arena, line, h->value);
        k->headers = curl_slist_append(k->headers, line.p);
    }
    // What curl would add of its own: a form's type, and a question before a body of some size.
    if (!has_type)
        k->headers = curl_slist_append(k->headers, "Content-Type:");
    k->headers = curl_slist_append(k->headers, "Expect:");
    return true;
}

static bool call_prepare(struct http_call *k, const struct http_call_options *opt, struct err *e)
{
    if (!is_method(opt->method))
        return err_set(e, ERR_INVALID, "the method \"%.*s\" must be upper-case letters, and not CONNECT or TRACE", STR_ARG(str_sub(opt->method, 0, 40)));
    if (!url_parse(&k->arena, opt->url, &k->url, e))
        return false;
    k->method = arena_str(&k->arena, opt->method);
    k->body = arena_str(&k->arena, opt->body);
    k->tls = (struct http_tls){ arena_str(&k->arena, opt->tls.ca_pem), arena_str(&k->arena, opt->tls.client_cert_pem), arena_str(&k->arena, opt->tls.client_key_pem),
                                opt->tls.is_unverified };
    return add_headers(k, opt, e);
}

struct http_call *http_call_start(struct http_client *c, const struct http_call_options *opt, void (*done)(void *ctx, const struct http_reply *reply), void *ctx)
{
    assert(!c->is_closing);
    struct http_call *k = xcalloc(1, sizeof *k);
    k->client = c;
    k->done = done;
    k->ctx = ctx;
    k->purpose = opt->purpose;
    k->connect_timeout_ms = opt->connect_timeout_ms ? opt->connect_timeout_ms : LIMIT_OUT_CONNECT_SECONDS * 1000;
    k->total_timeout_ms = opt->total_timeout_ms ? opt->total_timeout_ms : LIMIT_OUT_TOTAL_SECONDS * 1000;
    k->in.max = opt->max_read_bytes ? opt->max_read_bytes : LIMIT_OUT_READ_BYTES;
    k->began_us = clock_mono_us();
    call_link(&c->first, k);
    c->in_flight++;

    struct ip ip;
    if (!call_prepare(k, opt, &k->reply.error)) {
        call_fail_later(k);
    } else if (k->url.is_address && ip_parse(k->url.host, &ip)) {
        struct sockaddr_storage sa;
        ip_to_sockaddr(&ip, k->url.port, &sa);
        if (ask_egress(k, (struct sockaddr *)&sa, &k->reply.error))
            call_run(k);
        else
            call_fail_later(k);
    } else if (c->proxy) {
        call_run(k);
    } else {
        k->resolving = resolve_start(c->resolver, k->url.host, on_resolved, k);
        k->timer = loop_timer_new(c->loop, on_resolve_timeout, k);
        loop_timer_set(k->timer, MIN(k->connect_timeout_ms, k->total_timeout_ms), 0);
    }
    return k;
}

void http_call_cancel(struct http_call *k)
{
    err_set(&k->reply.error, ERR_IO, "cancelled");
    call_finish(k);
}

size_t http_client_in_flight(const struct http_client *c)
{
    return c->in_flight;
}

// ---- the client

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool http_client_open(const struct http_client_options *opt, struct http_client **out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    CURLM *multi = curl_multi_init();
    if (!multi)
        return err_set(e, ERR_IO, "curl does not start");
    struct http_client *c = xcalloc(1, sizeof *c);
    c->loop = opt->loop;
    c->opt = *opt;
    c->multi = multi;
    c->proxy = opt->proxy && opt->proxy[0] ? xstrdup(opt->proxy) : NULL;
    c->user_agent = opt->user_agent ? xstrdup(opt->user_agent) : NULL;
    c->timer = loop_timer_new(c->loop, on_timer, c);
    c->soon = loop_timer_new(c->loop, give_over, c);
    c->resolver = resolver_new(&(struct resolver_options){ .loop = c->loop, .lookup = opt->lookup, .lookup_ctx = opt->lookup_ctx, .keep_ms = opt->names_keep_ms });
    struct rlimit files = { 0 };
    getrlimit(RLIMIT_NOFILE, &files);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)(opt->max_per_host ? opt->max_per_host : PER_HOST));
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MIN((rlim_t)POOLED_CONNECTIONS, MAX(files.rlim_cur / 4, (rlim_t)16)));
    *out = c;
    return true;
}

void http_client_close(struct http_client *c)
{
    if (!c)
        return;
    c->is_closing = true;
    while (c->first || c->over) {
        struct http_call *k = c->over ? c->over : c->first;
        if (k->stage != STAGE_OVER)
            err_set(&k->reply.error, ERR_IO, "stopped");
        call_finish(k);
    }
    while (c->free_count)
        curl_easy_cleanup(c->free_handles[--c->free_count]);
    curl_multi_cleanup(c->multi);
    for (size_t i = 0; i < c->socket_count; i++)
        assert(!c->sockets[i]); // curl has closed them all
    free(c->sockets);
    resolver_free(c->resolver);
    loop_timer_free(c->timer);
    loop_timer_free(c->soon);
    free(c->system_trust);
    free(c->proxy);
    free(c->user_agent);
    free(c);
}
