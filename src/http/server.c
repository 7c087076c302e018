#include "http/server.h"

#include "base/limits.h"
#include "http/address.h"
#include "http/answer.h"
#include "http/head.h"
#include "http/proxy.h"
#include "sys/clock.h"

#include <errno.h>
#include <llhttp.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <uv.h>

#define BUFFER_BYTES 8192         // of a connection in use; idle ones hold none
#define READ_ROOM_BYTES 2048      // less room than this and the buffer grows
#define SCRATCH_BYTES 65536       // one per server: ciphertext, and bytes read away
#define POOL_MAX 64               // buffers and exchanges kept for reuse
#define FLUSH_BYTES 65536         // answers to pipelined requests are written together up to this
#define DRAIN_BYTES (64 * 1024)   // read away behind an early answer
#define BEHIND_BYTES (1024 * 1024) // a stream's client may be this much behind
#define LINGER_MS 2000            // for a client to read the last answer before the socket closes
#define HEAD_BYTES (LIMIT_HTTP_REQUEST_LINE_BYTES + LIMIT_HTTP_HEADER_BYTES)
// Chunk sizes, extensions and trailers may be this much longer than the data they frame.
#define FRAMING_BYTES(body_bytes) (8 * (body_bytes) + 64 * 1024)

// One request with its answer. Outlives its connection where the handler still holds it.
struct exchange {
    struct http_request r; // what handlers get; first, see exchange_of()
    struct arena arena;
    struct exchange *next_free;
    size_t header_count;
    struct head_span target, names[LIMIT_HTTP_HEADERS], values[LIMIT_HTTP_HEADERS];
    char remote_text[IP_TEXT_BYTES];
    struct head_facts facts;
    size_t max_body;
    bool is_in_head_handler, is_answered, is_complete; // complete: its body was read wholly
    bool is_stream, is_mute;                           // mute: a stream whose data goes nowhere (HEAD, refused)
    void (*on_gone)(void *ctx);
    void *on_gone_ctx;
};

enum phase {
    PHASE_HEAD,    // waiting for or reading a request head
    PHASE_BODY,
    PHASE_BUSY,    // a handler holds the request
    PHASE_DRAIN,   // answered early; the rest of the body is read away, then the next request
    PHASE_LINGER,  // the last answer is out or going out; what still comes is dropped
    PHASE_CLOSING, // uv_close was called
};

// Each open connection is in one of these lists; all but the first have a time limit, the same for
// each member, so that the first one is the next to run out.
enum wait { WAIT_HANDLER, WAIT_HEAD, WAIT_IDLE, WAIT_BODY, WAIT_WRITE, WAIT_LINGER, WAIT_KINDS };

struct http_conn {
    uv_tcp_t tcp;
    struct http_server *server;
    struct http_conn *prev, *next;
    enum wait wait;
    int64_t deadline_ms;
    enum phase phase;
    struct exchange *x;

    // in: [start, parsed) is understood. While a body comes it lies at body_at, decoded.
    struct buf in;
    size_t start, parsed, body_at, body_n;
    uint64_t drain_left;
    uint64_t raw_bytes; // of the body, framing included
    int64_t body_since_ms;
    uint64_t body_seen_bytes;
    llhttp_t parser;
    int refusal; // status a parser callback asked for
    char last_raw; // the byte in front of those being parsed
    bool is_message_done, is_target_done;

    struct buf out, sending;
    uv_write_t write;
    size_t stalled_bytes;

    bool is_reading, is_eof, is_writing, is_running, is_closed, is_shut, has_served, is_opening;
    struct ip peer;
    SSL *ssl; // NULL: plain
    BIO *rbio, *wbio;
};

struct list {
    struct http_conn *first, *last;
};

struct http_server {
    struct loop *loop;
    uv_tcp_t listener;
    bool is_listening, is_stopping, is_dead;
    size_t refs; // connections' memory, listener, owner
    int port;
    struct http_server_options opt;
    size_t max_body, max_connections;
    int64_t wait_ms[WAIT_KINDS];
    struct net *trusted;
    size_t trusted_count;
    char *cert_file, *key_file, *server_name;
    SSL_CTX *tls;

    struct list lists[WAIT_KINDS];
    struct loop_timer *timer; // the earliest deadline
    int64_t timer_at_ms;      // 0: not set
    struct loop_timer *grace;
    void (*on_stopped)(void *ctx);
    void *on_stopped_ctx;

    struct exchange *free_exchanges;
    size_t free_exchange_count;
    char *free_buffers[POOL_MAX];
    size_t free_buffer_count;
    char date[ANSWER_DATE_BYTES];
    int64_t date_s;
    struct http_server_stats stats;
    char scratch[SCRATCH_BYTES];
};

static void conn_run(struct http_conn *c);
static void conn_close(struct http_conn *c);
static void conn_settle(struct http_conn *c);
static void refuse(struct http_conn *c, int status, const char *why);

static struct exchange *exchange_of(struct http_request *r)
{
    return (struct exchange *)r;
}

// ---- memory that comes and goes with each request

static void server_unref(struct http_server *s)
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
    SSL_CTX_free(s->tls);
    free(s->trusted);
    free(s->cert_file);
    free(s->key_file);
    free(s->server_name);
    free(s);
}

static void buffer_take(struct http_server *s, struct buf *b)
{
    if (b->p)
        return;
    b->p = s->free_buffer_count ? s->free_buffers[--s->free_buffer_count] : xmalloc(BUFFER_BYTES);
    b->cap = BUFFER_BYTES;
}

static void buffer_give(struct http_server *s, struct buf *b)
{
    if (b->p && b->cap == BUFFER_BYTES && s->free_buffer_count < POOL_MAX)
        s->free_buffers[s->free_buffer_count++] = b->p;
    else
        free(b->p);
    *b = (struct buf){ 0 };
}

static struct exchange *exchange_take(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct exchange *x = s->free_exchanges;
    if (x) {
        s->free_exchanges = x->next_free;
        s->free_exchange_count--;
    } else {
        x = xcalloc(1, sizeof *x);
    }
    x->r = (struct http_request){ .arena = &x->arena, .conn = c, .is_tls = c->ssl, .received_wall_ms = clock_wall_ms(&clock_system) };
    x->header_count = 0;
    x->target = (struct head_span){ 0 };
    x->is_in_head_handler = x->is_answered = x->is_complete = x->is_stream = x->is_mute = false;
    x->on_gone = NULL;
    return x;
}

static void exchange_give(struct http_conn *c, struct exchange *x)
{
    struct http_server *s = c->server;
    if (s->free_exchange_count >= POOL_MAX) {
        arena_fini(&x->arena);
        free(x);
        return;
    }
    if (x->arena.bytes > SCRATCH_BYTES)
        arena_fini(&x->arena);
    else
        arena_reset(&x->arena);
    x->next_free = s->free_exchanges;
    s->free_exchanges = x;
    s->free_exchange_count++;
}

static void conn_free(struct http_conn *c)
{
    struct http_server *s = c->server;
    buffer_give(s, &c->in);
    buffer_give(s, &c->out);
    buffer_give(s, &c->sending);
    SSL_free(c->ssl);
    free(c);
    server_unref(s);
}

// ---- deadlines

static void on_deadline(void *ctx);

static void timer_fit(struct http_server *s)
{
    int64_t at = 0;
    for (int i = WAIT_HANDLER + 1; i < WAIT_KINDS; i++)
        if (s->lists[i].first && (!at || s->lists[i].first->deadline_ms < at))
            at = s->lists[i].first->deadline_ms;
    // A deadline that moved back is left alone: the timer then fires early once and finds nothing.
    if (at && (!s->timer_at_ms || at < s->timer_at_ms)) {
        s->timer_at_ms = at;
        loop_timer_set(s->timer, at - loop_now_ms(s->loop) + 1, 0);
    }
}

static void wait_leave(struct http_conn *c)
{
    struct list *l = &c->server->lists[c->wait];
    *(c->prev ? &c->prev->next : &l->first) = c->next;
    *(c->next ? &c->next->prev : &l->last) = c->prev;
    c->prev = c->next = NULL;
}

static void wait_enter(struct http_conn *c, enum wait wait)
{
    struct http_server *s = c->server;
    struct list *l = &s->lists[wait];
    c->wait = wait;
    c->deadline_ms = loop_now_ms(s->loop) + s->wait_ms[wait];
    c->prev = l->last;
    c->next = NULL;
    *(l->last ? &l->last->next : &l->first) = c;
    l->last = c;
    if (wait != WAIT_HANDLER && (!s->timer_at_ms || c->deadline_ms < s->timer_at_ms))
        timer_fit(s);
}

static void wait_for(struct http_conn *c, enum wait wait)
{
    if (c->wait == wait)
        return;
    wait_leave(c);
    wait_enter(c, wait);
}

// A body may start slowly, but after header_timeout_ms it must have kept its rate on the whole.
static bool is_too_slow(const struct http_conn *c)
{
    int64_t ms = loop_now_ms(c->server->loop) - c->body_since_ms - c->server->wait_ms[WAIT_HEAD];
    return ms > 0 && c->body_seen_bytes < (uint64_t)ms * LIMIT_HTTP_BODY_MIN_BYTES_PER_SECOND / 1000;
}

// True where the client took less than the least rate since the last look.
static bool is_stalled(struct http_conn *c)
{
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp), before = c->stalled_bytes;
    c->stalled_bytes = left;
    uint64_t least = (uint64_t)c->server->wait_ms[WAIT_WRITE] * LIMIT_HTTP_BODY_MIN_BYTES_PER_SECOND / 1000;
    return left + least > before;
}

static void run_out(struct http_conn *c)
{
    struct http_server *s = c->server;
    switch (c->wait) {
    case WAIT_HEAD:
        s->stats.timeouts++;
        if (c->x)
            refuse(c, 408, "the request head did not arrive in time");
        else
            conn_close(c);
        break;
    case WAIT_BODY:
        if (!is_too_slow(c)) {
            wait_leave(c);
            wait_enter(c, WAIT_BODY);
            break;
        }
        s->stats.timeouts++;
        if (c->phase == PHASE_BODY)
            refuse(c, 408, "the body arrives too slowly");
        else
            conn_close(c);
        break;
    case WAIT_WRITE:
        if (!is_stalled(c)) {
            wait_leave(c);
            wait_enter(c, WAIT_WRITE);
            break;
        }
        s->stats.timeouts++;
        conn_close(c);
        break;
    default:
        conn_close(c);
    }
}

static void on_deadline(void *ctx)
{
    struct http_server *s = ctx;
    int64_t now = loop_now_ms(s->loop);
    s->timer_at_ms = 0;
    for (int i = WAIT_HANDLER + 1; i < WAIT_KINDS; i++)
        while (s->lists[i].first && s->lists[i].first->deadline_ms <= now)
            run_out(s->lists[i].first);
    timer_fit(s);
}

// ---- writing

static void on_written(uv_write_t *w, int status)
{
    struct http_conn *c = w->data;
    c->is_writing = false;
    buffer_give(c->server, &c->sending);
    if (c->phase == PHASE_CLOSING)
        return;
    if (status < 0)
        conn_close(c);
    else
        conn_run(c);
}

// Turns the plain answer in c->out into records in c->out.
static bool tls_seal(struct http_conn *c)
{
    if (c->out.n && SSL_write(c->ssl, c->out.p, (int)c->out.n) <= 0) {
        ERR_clear_error();
        return false;
    }
    c->out.n = 0;
    char *sealed;
    long n = BIO_get_mem_data(c->wbio, &sealed);
    if (n > 0) {
        buffer_take(c->server, &c->out);
        buf_add(&c->out, (str){ sealed, (size_t)n });
        (void)BIO_reset(c->wbio);
    }
    return true;
}

static void conn_flush(struct http_conn *c)
{
    if (c->is_writing || c->phase == PHASE_CLOSING)
        return;
    if (c->ssl && !tls_seal(c)) {
        conn_close(c);
        return;
    }
    if (c->out.n == 0)
        return;
    uv_buf_t piece = uv_buf_init(c->out.p, (unsigned)c->out.n);
    int n = uv_try_write((uv_stream_t *)&c->tcp, &piece, 1);
    if (n < 0 && n != UV_EAGAIN) {
        conn_close(c);
        return;
    }
    c->server->stats.bytes_out += c->out.n;
    if (n == (int)c->out.n) {
        c->out.n = 0;
        return;
    }
    // The buffer itself goes to libuv; further output begins a new one.
    c->sending = c->out;
    c->out = (struct buf){ 0 };
    size_t sent = n > 0 ? (size_t)n : 0;
    piece = uv_buf_init(c->sending.p + sent, (unsigned)(c->sending.n - sent));
    c->write.data = c;
    c->is_writing = true;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &piece, 1, on_written) < 0) {
        c->is_writing = false;
        conn_close(c);
        return;
    }
    c->stalled_bytes = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
    wait_leave(c); // a new write has its full time, also right behind another
    wait_enter(c, WAIT_WRITE);
}

static const char *server_date(struct http_server *s)
{
    int64_t now = clock_wall_ms(&clock_system);
    if (now / 1000 != s->date_s) {
        s->date_s = now / 1000;
        answer_date(s->date, now);
    }
    return s->date;
}

// ---- the answer

// A small rest of a body is read away so that the connection can go on.
static bool may_drain(const struct http_conn *c, const struct exchange *x)
{
    return !x->facts.is_chunked && !x->facts.wants_continue && x->r.declared_bytes <= DRAIN_BYTES;
}

static bool goes_on(const struct http_conn *c, const struct exchange *x)
{
    return !c->server->is_stopping && !x->facts.wants_close && !c->is_eof && (x->is_complete || may_drain(c, x));
}

// The answer is written; what comes next on this connection?
static void exchange_end(struct http_conn *c, bool is_going_on)
{
    struct exchange *x = c->x;
    c->x = NULL;
    c->has_served = true;
    wait_for(c, WAIT_HANDLER); // so that what is waited for next has its full time
    if (!is_going_on) {
        c->phase = PHASE_LINGER;
        c->drain_left = 0; // counts up now: what was dropped
        c->in.n = c->start = c->parsed = 0;
    } else if (x->is_complete) {
        c->phase = PHASE_HEAD;
        c->start = c->parsed;
    } else {
        c->phase = PHASE_DRAIN;
        c->start = c->parsed;
        c->drain_left = x->r.declared_bytes;
        c->body_since_ms = loop_now_ms(c->server->loop);
        c->body_seen_bytes = 0;
    }
    if (c->start == c->in.n)
        c->in.n = c->start = c->parsed = 0;
    exchange_give(c, x);
}

static void write_answer(struct http_conn *c, struct exchange *x, int status, const struct http_header *headers, size_t header_count, str body, int64_t length, bool is_going_on)
{
    struct answer a = {
        .status = status,
        .headers = headers,
        .header_count = header_count,
        .server_name = c->server->server_name,
        .date = server_date(c->server),
        .length = length,
        .is_http_10 = x->facts.is_http_10,
        .is_closing = !is_going_on,
    };
    buffer_take(c->server, &c->out);
    answer_write_head(&c->out, &a);
    if (!str_eq(x->r.method, STR("HEAD")))
        buf_add(&c->out, body);
}

// The connection went while a handler held the request: only memory is left.
static bool release_if_gone(struct http_conn *c, struct exchange *x)
{
    if (c->phase != PHASE_CLOSING)
        return false;
    c->x = NULL;
    exchange_give(c, x);
    if (c->is_closed)
        conn_free(c);
    return true;
}

void http_answer(struct http_request *r, int status, const struct http_header *headers, size_t header_count, str body)
{
    struct exchange *x = exchange_of(r);
    struct http_conn *c = r->conn;
    assert(!x->is_answered && !x->is_stream);
    if (x->is_in_head_handler && c->phase == PHASE_CLOSING) {
        x->is_answered = true; // handle_head releases it
        return;
    }
    if (release_if_gone(c, x))
        return;
    static const struct http_header json_type = { STR_INIT("Content-Type"), STR_INIT("application/json") };
    if (!answer_headers_fit(headers, header_count)) {
        status = 500;
        headers = &json_type;
        header_count = 1;
        body = STR("{\"ErrorMessage\": \"The answer could not be sent: a header of it holds a line break or another forbidden byte.\"}");
    }
    bool is_going_on = goes_on(c, x), has_body = answer_may_have_body(status);
    if (!has_body)
        body = STR("");
    write_answer(c, x, status, headers, header_count, body, has_body ? (int64_t)body.n : ANSWER_NO_LENGTH, is_going_on);
    x->is_answered = true;
    if (x->is_in_head_handler)
        return; // handle_head goes on when the handler has returned
    exchange_end(c, is_going_on);
    conn_run(c);
}

static void answer_text(struct http_request *r, int status, str text)
{
    CLEANUP(buf_fini) struct buf body = { 0 };
    static const struct http_header type = { STR_INIT("Content-Type"), STR_INIT("application/json") };
    answer_write_error(&body, text);
    http_answer(r, status, &type, 1, buf_str(&body));
}

void http_answer_error(struct http_request *r, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    str text = arena_vprintf(r->arena, fmt, args);
    va_end(args);
    answer_text(r, status, text);
}

void http_abort(struct http_request *r)
{
    struct exchange *x = exchange_of(r);
    struct http_conn *c = r->conn;
    assert(!x->is_answered && !x->is_in_head_handler);
    conn_close(c);
    release_if_gone(c, x);
}

// The server's own answer to what never reaches a handler: an error, and the end of the connection.
static void refuse(struct http_conn *c, int status, const char *why)
{
    struct exchange *x = c->x;
    if (status != 408)
        c->server->stats.bad_requests++;
    x->facts.wants_close = true;
    if (!x->r.method.p)
        x->r.method = STR("");
    answer_text(&x->r, status, str_from(why));
}

void http_stream_start(struct http_request *r, int status, const struct http_header *headers, size_t header_count, void (*on_gone)(void *ctx), void *ctx)
{
    struct exchange *x = exchange_of(r);
    struct http_conn *c = r->conn;
    assert(!x->is_answered && !x->is_stream && x->is_complete);
    x->is_stream = true;
    x->on_gone = on_gone;
    x->on_gone_ctx = ctx;
    if (c->phase == PHASE_CLOSING)
        return;
    if (!answer_headers_fit(headers, header_count)) {
        x->is_mute = true;
        write_answer(c, x, 500, NULL, 0, STR(""), 0, goes_on(c, x));
    } else if (str_eq(r->method, STR("HEAD")) || !answer_may_have_body(status)) {
        x->is_mute = true;
        write_answer(c, x, status, headers, header_count, STR(""), ANSWER_NO_LENGTH, goes_on(c, x));
    } else {
        // HTTP/1.0 knows no chunks: the end of the connection is the end of the answer.
        x->facts.wants_close = x->facts.wants_close || x->facts.is_http_10;
        write_answer(c, x, status, headers, header_count, STR(""), x->facts.is_http_10 ? ANSWER_UNTIL_CLOSE : ANSWER_CHUNKED, goes_on(c, x));
    }
    x->is_answered = true;
    conn_run(c);
}

bool http_stream_write(struct http_request *r, str data)
{
    struct exchange *x = exchange_of(r);
    struct http_conn *c = r->conn;
    assert(x->is_stream);
    if (c->phase == PHASE_CLOSING)
        return false;
    if (x->is_mute || data.n == 0)
        return true;
    if (c->out.n + uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) + data.n > BEHIND_BYTES + data.n)
        return false;
    buffer_take(c->server, &c->out);
    if (x->facts.is_http_10) {
        buf_add(&c->out, data);
    } else {
        buf_printf(&c->out, "%zx\r\n", data.n);
        buf_add(&c->out, data);
        buf_add(&c->out, STR("\r\n"));
    }
    conn_run(c);
    return c->phase != PHASE_CLOSING;
}

void http_stream_end(struct http_request *r)
{
    struct exchange *x = exchange_of(r);
    struct http_conn *c = r->conn;
    assert(x->is_stream);
    if (release_if_gone(c, x))
        return;
    if (!x->is_mute && !x->facts.is_http_10) {
        buffer_take(c->server, &c->out);
        buf_add(&c->out, STR("0\r\n\r\n"));
    }
    exchange_end(c, goes_on(c, x));
    conn_run(c);
}

// ---- parsing

static struct head_span span_in(const struct http_conn *c, struct head_span old, const char *at, size_t n)
{
    if (old.n)
        return (struct head_span){ old.at, old.n + (uint32_t)n };
    return (struct head_span){ (uint32_t)(at - (c->in.p + c->start)), (uint32_t)n };
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    struct http_conn *c = p->data;
    c->x->target = span_in(c, c->x->target, at, n);
    return 0;
}

static int on_url_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    c->is_target_done = true;
    // 9 bytes are the version, 8 the longest usual method and its blank.
    if (c->x->target.at + c->x->target.n + 9 > LIMIT_HTTP_REQUEST_LINE_BYTES)
        c->refusal = 414;
    return c->refusal ? HPE_USER : 0;
}

// Names and values come in pieces; a value's end opens the next header. Trailers are read and dropped.
static int on_field(llhttp_t *p, const char *at, size_t n)
{
    struct http_conn *c = p->data;
    struct exchange *x = c->x;
    if (c->phase != PHASE_HEAD)
        return 0;
    if (x->header_count == LIMIT_HTTP_HEADERS) {
        c->refusal = 431;
        return HPE_USER;
    }
    x->names[x->header_count] = span_in(c, x->names[x->header_count], at, n);
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct http_conn *c = p->data;
    struct exchange *x = c->x;
    if (c->phase == PHASE_HEAD)
        x->values[x->header_count] = span_in(c, x->values[x->header_count], at, n);
    return 0;
}

static int on_value_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    struct exchange *x = c->x;
    if (c->phase != PHASE_HEAD)
        return 0;
    if (++x->header_count < LIMIT_HTTP_HEADERS) {
        x->names[x->header_count] = (struct head_span){ 0 };
        x->values[x->header_count] = (struct head_span){ 0 };
    }
    return 0;
}

static int on_headers_complete(llhttp_t *p)
{
    // An Upgrade is not taken up (RFC 9110 section 7.8): the request is answered as it stands.
    p->upgrade = 0;
    return HPE_PAUSED;
}

// Chunks are put together where they lie: the data only ever moves towards the front.
static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct http_conn *c = p->data;
    if (n > c->x->max_body - c->body_n) {
        c->refusal = 413;
        return HPE_USER;
    }
    memmove(c->in.p + c->body_at + c->body_n, at, n);
    c->body_n += n;
    return 0;
}

static int on_message_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    c->is_message_done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t parser_settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static const char *refusal_text(int status)
{
    switch (status) {
    case 413: return "the body is larger than allowed here";
    case 414: return "the request line is longer than 8192 bytes";
    case 431: return "the request has more than 100 headers or 32768 bytes of them";
    default: return "the request is not well-formed HTTP";
    }
}

// The unread rest, moved to the front: offsets within a head are relative to c->start.
static void in_compact(struct http_conn *c)
{
    if (c->start == 0)
        return;
    buf_drop_front(&c->in, c->start);
    c->parsed -= c->start;
    c->start = 0;
}

static bool begin_body(struct http_conn *c);

// What was asked about the server itself, not about one of its resources.
static void answer_asterisk(struct http_conn *c, struct exchange *x)
{
    x->is_complete = !x->facts.is_chunked && x->r.declared_bytes == 0;
    http_answer(&x->r, 204, NULL, 0, STR(""));
}

static bool handle_head(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct exchange *x = c->x;
    str raw = str_sub(buf_str(&c->in), c->start, c->parsed - c->start);
    if (raw.n > HEAD_BYTES) {
        refuse(c, 431, refusal_text(431));
        return true;
    }
    // Copied, for the buffer may move while the body is read.
    struct head head = {
        .raw = arena_str(&x->arena, raw),
        .target = x->target,
        .names = x->names,
        .values = x->values,
        .header_count = x->header_count,
        .method = llhttp_method_name((llhttp_method_t)c->parser.method),
    };
    const char *why;
    int status = head_check(&head, &x->arena, &x->r, &x->facts, &why);
    if (status) {
        refuse(c, status, why);
        return true;
    }
    struct ip client = proxy_client(s->trusted, s->trusted_count, &c->peer, &x->r);
    ip_to_sockaddr(&client, 0, &x->r.remote.sa);
    ip_write(&client, x->remote_text);
    x->r.remote.text = str_from(x->remote_text);
    if (x->facts.is_asterisk) {
        answer_asterisk(c, x);
        return true;
    }

    x->max_body = s->max_body;
    if (s->opt.on_head) {
        x->is_in_head_handler = true;
        bool is_wanted = s->opt.on_head(&x->r, &x->max_body, s->opt.ctx);
        x->is_in_head_handler = false;
        if (c->phase == PHASE_CLOSING) {
            // The handler closed the server. What it did not answer it still holds.
            if (x->is_answered)
                release_if_gone(c, x);
            return false;
        }
        if (x->is_answered) {
            exchange_end(c, goes_on(c, x));
            return true;
        }
        if (!is_wanted) {
            c->phase = PHASE_BUSY; // the answer follows, the body is not waited for
            return true;
        }
    }
    return begin_body(c);
}

static bool begin_body(struct http_conn *c)
{
    struct exchange *x = c->x;
    x->max_body = MIN(x->max_body, (size_t)LIMIT_HTTP_BODY_BYTES_MAX);
    if (x->r.declared_bytes > x->max_body) {
        refuse(c, 413, refusal_text(413));
        return true;
    }
    c->phase = PHASE_BODY;
    c->body_at = c->parsed;
    c->body_n = 0;
    c->raw_bytes = 0;
    c->body_since_ms = loop_now_ms(c->server->loop);
    c->body_seen_bytes = 0;
    c->last_raw = '\n';
    c->is_message_done = false;
    bool has_body = x->facts.is_chunked || x->r.declared_bytes;
    if (has_body && x->facts.wants_continue && c->in.n == c->parsed) {
        buffer_take(c->server, &c->out);
        buf_add(&c->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    if (x->facts.is_chunked)
        llhttp_resume(&c->parser);
    return true;
}

// False: more bytes are needed.
static bool step_head(struct http_conn *c)
{
    if (c->in.n == c->parsed || c->is_writing)
        return false;
    if (c->out.n > FLUSH_BYTES) {
        conn_flush(c);
        if (c->is_writing || c->phase == PHASE_CLOSING)
            return false;
    }
    if (!c->x) {
        // Empty lines in front of a request line are for robustness (RFC 9112 section 2.2), and not part of it.
        while (c->in.n - c->parsed >= 2 && c->in.p[c->parsed] == '\r' && c->in.p[c->parsed + 1] == '\n')
            c->parsed += 2;
        c->start = c->parsed;
        if (c->in.n == c->parsed || (c->in.n - c->parsed == 1 && c->in.p[c->parsed] == '\r'))
            return false;
        c->x = exchange_take(c);
        c->x->names[0] = c->x->values[0] = (struct head_span){ 0 };
        c->x->facts = (struct head_facts){ 0 };
        c->refusal = 0;
        c->is_target_done = false;
        llhttp_init(&c->parser, HTTP_REQUEST, &parser_settings);
        c->parser.data = c;
    }
    enum llhttp_errno result = llhttp_execute(&c->parser, c->in.p + c->parsed, c->in.n - c->parsed);
    if (result == HPE_PAUSED) {
        c->parsed = (size_t)(llhttp_get_error_pos(&c->parser) - c->in.p);
        return handle_head(c);
    }
    c->parsed = c->in.n;
    if (result == HPE_OK) {
        size_t n = c->in.n - c->start;
        if (!c->is_target_done && n > LIMIT_HTTP_REQUEST_LINE_BYTES)
            c->refusal = 414;
        else if (n > HEAD_BYTES)
            c->refusal = 431;
        else
            return false;
    }
    refuse(c, c->refusal ? c->refusal : 400, refusal_text(c->refusal));
    return true;
}

static void handle_request(struct http_conn *c)
{
    struct exchange *x = c->x;
    x->is_complete = true;
    x->r.body = c->body_n ? (str){ c->in.p + c->body_at, c->body_n } : STR("");
    c->phase = PHASE_BUSY;
    c->server->stats.requests++;
    c->server->opt.on_request(&x->r, c->server->opt.ctx);
}

static bool step_body_counted(struct http_conn *c)
{
    uint64_t have = c->in.n - c->body_at, want = c->x->r.declared_bytes;
    c->body_seen_bytes = have;
    if (have < want)
        return false;
    c->body_n = (size_t)want;
    c->parsed = c->body_at + c->body_n;
    handle_request(c);
    return true;
}

static bool step_body_chunked(struct http_conn *c)
{
    size_t n = c->in.n - c->parsed;
    if (n == 0)
        return false;
    char last = c->in.p[c->in.n - 1];
    enum llhttp_errno result = llhttp_execute(&c->parser, c->in.p + c->parsed, n);
    size_t used = result == HPE_PAUSED ? (size_t)(llhttp_get_error_pos(&c->parser) - c->in.p) - c->parsed : n;
    c->raw_bytes += used;
    c->body_seen_bytes = c->raw_bytes;
    if (result == HPE_PAUSED && c->is_message_done) {
        // llhttp takes a bare LF for the last line.
        size_t end = c->parsed + used;
        char before = used >= 2 ? c->in.p[end - 2] : c->last_raw;
        if (before != '\r')
            result = HPE_STRICT;
    }
    if (result == HPE_OK && c->raw_bytes > FRAMING_BYTES((uint64_t)c->body_n))
        result = HPE_INVALID_CHUNK_SIZE;
    if (result == HPE_OK) {
        // All of it is decoded; the framing is dropped.
        c->last_raw = last;
        c->in.n = c->parsed = c->body_at + c->body_n;
        return false;
    }
    c->parsed += used;
    if (result != HPE_PAUSED) {
        refuse(c, c->refusal ? c->refusal : 400, refusal_text(c->refusal));
        return true;
    }
    handle_request(c);
    return true;
}

static bool step_drain(struct http_conn *c)
{
    uint64_t have = c->in.n - c->parsed, n = MIN(have, c->drain_left);
    c->parsed += (size_t)n;
    c->drain_left -= n;
    c->body_seen_bytes += n;
    c->start = c->parsed;
    if (c->start == c->in.n)
        c->in.n = c->start = c->parsed = 0;
    if (c->drain_left)
        return false;
    c->phase = PHASE_HEAD;
    return true;
}

static bool step(struct http_conn *c)
{
    switch (c->phase) {
    case PHASE_HEAD: return step_head(c);
    case PHASE_BODY: return c->x->facts.is_chunked ? step_body_chunked(c) : step_body_counted(c);
    case PHASE_DRAIN: return step_drain(c);
    case PHASE_LINGER:
        c->drain_left += c->in.n;
        c->in.n = c->start = c->parsed = 0;
        return false;
    default: return false;
    }
}

// The client will send nothing more. An answer that is waited for may still be read by it.
static void handle_eof(struct http_conn *c)
{
    if (c->phase == PHASE_HEAD && !c->x && !c->is_writing && !c->out.n)
        conn_close(c);
    else if (c->phase == PHASE_DRAIN)
        conn_close(c);
    else if (c->phase == PHASE_HEAD && !c->is_writing && c->x)
        refuse(c, 400, "the connection ended within the request");
    else if (c->phase == PHASE_BODY)
        refuse(c, 400, "the connection ended within the request");
    else if (c->phase == PHASE_BUSY && c->x->is_stream)
        conn_close(c); // nobody half-closes and goes on reading events
}

// The one place where a connection moves on: after input, after an answer, after a write.
static void conn_run(struct http_conn *c)
{
    if (c->is_running || c->phase == PHASE_CLOSING)
        return;
    c->is_running = true;
    while (step(c)) {
    }
    if (c->is_eof && c->phase != PHASE_CLOSING)
        handle_eof(c);
    c->is_running = false;
    conn_flush(c);
    if (c->phase != PHASE_CLOSING)
        conn_settle(c);
}

// ---- reading

// Room for the next read, or none: while a handler holds the request its body must not move.
static size_t in_room(struct http_conn *c)
{
    buffer_take(c->server, &c->in);
    size_t room = c->in.cap - c->in.n;
    if (c->phase == PHASE_BUSY || c->is_writing)
        return room;
    if (c->phase == PHASE_HEAD && room < READ_ROOM_BYTES) {
        in_compact(c);
        room = c->in.cap - c->in.n;
    }
    if (room >= READ_ROOM_BYTES)
        return room;
    size_t most = c->phase == PHASE_BODY ? c->body_at + c->x->max_body + DRAIN_BYTES : HEAD_BYTES + READ_ROOM_BYTES;
    size_t more = MIN(c->in.cap, most > c->in.n ? most - c->in.n : READ_ROOM_BYTES);
    // Grows with what arrived, not with what was announced.
    buf_room(&c->in, MAX(more, (size_t)READ_ROOM_BYTES));
    return c->in.cap - c->in.n;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct http_conn *c = h->data;
    if (c->ssl || c->phase == PHASE_LINGER) {
        *out = uv_buf_init(c->server->scratch, SCRATCH_BYTES);
        return;
    }
    size_t room = in_room(c);
    *out = uv_buf_init(c->in.p + c->in.n, (unsigned)MIN(room, (size_t)1 << 20));
}

static void read_set(struct http_conn *c, bool is_on);

// Decrypts as far as there is room. False when the peer broke the rules.
static bool tls_open(struct http_conn *c, bool *has_more)
{
    *has_more = false;
    for (;;) {
        bool is_dropping = c->phase == PHASE_LINGER;
        size_t room = is_dropping ? 4096 : in_room(c);
        if (room == 0) {
            *has_more = true;
            return true;
        }
        char dropped[4096];
        int n = SSL_read(c->ssl, is_dropping ? dropped : c->in.p + c->in.n, (int)MIN(room, (size_t)1 << 20));
        if (n > 0) {
            if (is_dropping)
                c->drain_left += (uint64_t)n;
            else
                c->in.n += (size_t)n;
            *has_more = true;
            return true;
        }
        int reason = SSL_get_error(c->ssl, n);
        ERR_clear_error();
        if (reason == SSL_ERROR_ZERO_RETURN) {
            c->is_eof = true;
            return true;
        }
        return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
    }
}

static void tls_run(struct http_conn *c)
{
    bool has_more = true;
    c->is_opening = true;
    while (has_more && c->phase != PHASE_CLOSING) {
        size_t had = c->in.n;
        if (!tls_open(c, &has_more)) {
            // The alert that says why is already written.
            conn_flush(c);
            conn_close(c);
            break;
        }
        if (has_more && c->in.n == had && c->phase != PHASE_LINGER)
            break; // no room: goes on when the answer is out
        conn_run(c);
    }
    if (!has_more && c->phase != PHASE_CLOSING)
        conn_run(c); // handshake records to send, or the end of the stream
    c->is_opening = false;
    if (c->phase != PHASE_CLOSING && BIO_ctrl_pending(c->rbio))
        read_set(c, false);
}

// Ciphertext that waited for room.
static bool tls_has_more(const struct http_conn *c)
{
    return c->ssl && !c->is_opening && c->phase != PHASE_BUSY && !c->is_writing && (BIO_ctrl_pending(c->rbio) || SSL_pending(c->ssl));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct http_conn *c = stream->data;
    if (n == UV_ENOBUFS) {
        read_set(c, false); // back-pressure: read_set(true) comes with the next phase
        return;
    }
    if (n == UV_EOF) {
        c->is_eof = true;
        read_set(c, false);
        if (c->phase == PHASE_LINGER && !c->is_writing && !c->out.n)
            conn_close(c);
        else
            conn_run(c);
        return;
    }
    if (n < 0) {
        conn_close(c);
        return;
    }
    if (n == 0)
        return;
    c->server->stats.bytes_in += (uint64_t)n;
    if (c->ssl) {
        BIO_write(c->rbio, b->base, (int)n);
        tls_run(c);
        return;
    }
    if (c->phase == PHASE_LINGER)
        c->drain_left += (uint64_t)n;
    else
        c->in.n += (size_t)n;
    conn_run(c);
}

static void read_set(struct http_conn *c, bool is_on)
{
    if (is_on == c->is_reading || (is_on && c->is_eof))
        return;
    c->is_reading = is_on;
    if (is_on)
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    else
        uv_read_stop((uv_stream_t *)&c->tcp);
}

// ---- what the connection waits for now

static void end_output(struct http_conn *c)
{
    c->is_shut = true;
    if (c->ssl) {
        SSL_shutdown(c->ssl);
        ERR_clear_error();
        conn_flush(c);
        if (c->is_writing || c->phase == PHASE_CLOSING)
            return;
    }
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
        shutdown(fd, SHUT_WR);
}

static void conn_settle(struct http_conn *c)
{
    if (c->phase == PHASE_LINGER && !c->is_writing) {
        // Closing with unread input would make the kernel reset the connection, and the answer be lost.
        if (!c->is_shut)
            end_output(c);
        if (c->phase == PHASE_CLOSING)
            return;
        if (c->is_eof || c->drain_left > DRAIN_BYTES) {
            conn_close(c);
            return;
        }
    }
    if (c->in.n == 0 && c->phase != PHASE_BUSY && c->phase != PHASE_BODY)
        buffer_give(c->server, &c->in);
    if (c->out.n == 0)
        buffer_give(c->server, &c->out);

    // Reading goes on while a handler works, as far as the buffer's free end: cheaper than stopping
    // and starting for each request, and a client that goes is noticed. A full buffer stops it.
    if (c->phase != PHASE_BUSY && !c->is_writing)
        read_set(c, true);
    else if (c->phase == PHASE_BUSY && c->x->is_stream && c->in.p && c->in.cap > c->in.n)
        read_set(c, true);

    if (c->is_writing)
        wait_for(c, WAIT_WRITE);
    else if (c->phase == PHASE_LINGER)
        wait_for(c, WAIT_LINGER);
    else if (c->phase == PHASE_BUSY)
        wait_for(c, WAIT_HANDLER);
    else if (c->phase == PHASE_BODY || c->phase == PHASE_DRAIN)
        wait_for(c, WAIT_BODY);
    else
        wait_for(c, c->x || !c->has_served ? WAIT_HEAD : WAIT_IDLE);

    if ((c->server->is_stopping || c->is_eof) && c->phase == PHASE_HEAD && !c->x && !c->is_writing)
        conn_close(c);
    else if (tls_has_more(c))
        tls_run(c);
}

static void on_closed(uv_handle_t *h)
{
    struct http_conn *c = h->data;
    struct http_server *s = c->server;
    s->stats.open_connections--;
    c->is_closed = true;
    s->refs++; // what follows may be the last use of c
    if (!c->x)
        conn_free(c);
    else if (c->x->is_stream && c->x->on_gone && !s->is_dead)
        c->x->on_gone(c->x->on_gone_ctx);
    if (s->is_stopping && s->stats.open_connections == 0 && s->on_stopped && !s->is_dead) {
        void (*done)(void *ctx) = s->on_stopped;
        s->on_stopped = NULL;
        loop_timer_free(s->grace);
        s->grace = NULL;
        done(s->on_stopped_ctx);
    }
    server_unref(s);
}

static void conn_close(struct http_conn *c)
{
    if (c->phase == PHASE_CLOSING)
        return;
    wait_leave(c);
    bool is_held = c->phase == PHASE_BUSY || (c->x && c->x->is_in_head_handler);
    c->phase = PHASE_CLOSING;
    if (c->x && !is_held) {
        exchange_give(c, c->x);
        c->x = NULL;
    }
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

// ---- accepting

// At the cap an idle connection makes room for a new one; it would have been closed soon anyway.
static bool make_room(struct http_server *s)
{
    if (s->stats.open_connections < s->max_connections)
        return true;
    struct http_conn *idle = s->lists[WAIT_IDLE].first;
    if (!idle)
        return false;
    conn_close(idle);
    return true;
}

static void on_accept(uv_stream_t *listener, int status)
{
    struct http_server *s = listener->data;
    if (status < 0)
        return;
    struct http_conn *c = xcalloc(1, sizeof *c);
    c->server = s;
    uv_tcp_init(listener->loop, &c->tcp);
    c->tcp.data = c;
    s->refs++;
    s->stats.open_connections++;
    s->stats.connections++;
    wait_enter(c, WAIT_HEAD);
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
    if (s->tls) {
        c->ssl = SSL_new(s->tls);
        c->rbio = BIO_new(BIO_s_mem());
        c->wbio = BIO_new(BIO_s_mem());
        SSL_set_bio(c->ssl, c->rbio, c->wbio);
        SSL_set_accept_state(c->ssl);
    }
    read_set(c, true);
}

// ---- the server

static int choose_protocol(SSL *ssl UNUSED, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *ctx UNUSED)
{
    static const unsigned char ours[] = "\x08http/1.1";
    int chosen = SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_n, ours, sizeof ours - 1, in, in_n);
    return chosen == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool tls_fail(struct err *e, const char *file)
{
    char reason[200];
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    ERR_clear_error();
    return err_set(e, ERR_INVALID, "%s: %s", file, reason);
}

static void ctx_freep(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static bool tls_load(struct http_server *s, struct err *e)
{
    CLEANUP(ctx_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return tls_fail(e, "TLS");
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    // Idle connections keep no record buffers; writes may come from a buffer that moved.
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"reactions", 9);
    if (SSL_CTX_use_certificate_chain_file(ctx, s->cert_file) != 1)
        return tls_fail(e, s->cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, s->key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return tls_fail(e, s->key_file);
    SSL_CTX_free(s->tls); // connections hold their own reference
    s->tls = MOVE(ctx);
    return true;
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
    s->wait_ms[WAIT_HEAD] = opt->header_timeout_ms ? opt->header_timeout_ms : LIMIT_HTTP_HEADER_SECONDS * 1000;
    s->wait_ms[WAIT_IDLE] = opt->idle_timeout_ms ? opt->idle_timeout_ms : LIMIT_HTTP_IDLE_SECONDS * 1000;
    s->wait_ms[WAIT_BODY] = MIN((int64_t)1000, s->wait_ms[WAIT_HEAD]);
    s->wait_ms[WAIT_WRITE] = s->wait_ms[WAIT_HEAD];
    s->wait_ms[WAIT_LINGER] = LINGER_MS;
    // A quarter of the descriptors stays for files, workers and outgoing calls.
    struct rlimit files = { 0 };
    getrlimit(RLIMIT_NOFILE, &files);
    s->max_connections = MIN((size_t)(opt->max_connections ? opt->max_connections : LIMIT_HTTP_CONNECTIONS), (size_t)MAX(files.rlim_cur / 4 * 3, (rlim_t)16));
    s->timer = loop_timer_new(l, on_deadline, s);

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
