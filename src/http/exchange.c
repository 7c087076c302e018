#include "http/conn.h"

#include "sys/clock.h"

#define BEHIND_BYTES (1024 * 1024) // a stream's client may be this much behind

static struct exchange *exchange_of(struct http_request *r)
{
    return (struct exchange *)r;
}

struct exchange *exchange_take(struct http_conn *c)
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

void exchange_give(struct http_conn *c, struct exchange *x)
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

static const char *server_date(struct http_server *s)
{
    int64_t now = clock_wall_ms(&clock_system);
    if (now / 1000 != s->date_s) {
        s->date_s = now / 1000;
        answer_date(s->date, now);
    }
    return s->date;
}

// A small rest of a body is read away so that the connection can go on.
static bool may_drain(const struct http_conn *c, const struct exchange *x)
{
    return !x->facts.is_chunked && !x->facts.wants_continue && x->r.declared_bytes <= DRAIN_BYTES;
}

bool exchange_goes_on(const struct http_conn *c, const struct exchange *x)
{
    return !c->server->is_stopping && !x->facts.wants_close && !c->is_eof && (x->is_complete || may_drain(c, x));
}

// The answer is written; what comes next on this connection?
void exchange_end(struct http_conn *c, bool is_going_on)
{
    struct exchange *x = c->x;
    c->x = NULL;
    c->has_served = true;
    conn_wait_for(c, WAIT_HANDLER); // so that what is waited for next has its full time
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
        .always = c->server->opt.always,
        .always_count = c->server->opt.always_count,
        .server_name = c->server->server_name,
        .date = server_date(c->server),
        .length = length,
        .is_http_10 = x->facts.is_http_10,
        .is_closing = !is_going_on,
    };
    conn_buffer_take(c->server, &c->out);
    answer_write_head(&c->out, &a);
    if (!str_eq(x->r.method, STR("HEAD")))
        buf_add(&c->out, body);
}

// The connection went while a handler held the request: only memory is left.
bool exchange_release_if_gone(struct http_conn *c, struct exchange *x)
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
    if (exchange_release_if_gone(c, x))
        return;
    static const struct http_header json_type = { STR_INIT("Content-Type"), STR_INIT("application/json") };
    if (!answer_headers_fit(headers, header_count)) {
        status = 500;
        headers = &json_type;
        header_count = 1;
        body = STR("{\"ErrorMessage\": \"The answer could not be sent: a header of it holds a line break or another forbidden byte.\", \"Errors\": []}");
    }
    bool is_going_on = exchange_goes_on(c, x), has_body = answer_may_have_body(status);
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
    static const struct http_header headers[] = {
        { STR_INIT("Content-Type"), STR_INIT("application/json") },
        { STR_INIT("Retry-After"), STR_INIT("5") },
    };
    answer_write_error(&body, text);
    http_answer(r, status, headers, status == 503 ? 2 : 1, buf_str(&body));
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
    exchange_release_if_gone(c, x);
}

void exchange_refuse(struct http_conn *c, int status, const char *why)
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
        write_answer(c, x, 500, NULL, 0, STR(""), 0, exchange_goes_on(c, x));
    } else if (str_eq(r->method, STR("HEAD")) || !answer_may_have_body(status)) {
        x->is_mute = true;
        write_answer(c, x, status, headers, header_count, STR(""), ANSWER_NO_LENGTH, exchange_goes_on(c, x));
    } else {
        // HTTP/1.0 knows no chunks: the end of the connection is the end of the answer.
        x->facts.wants_close = x->facts.wants_close || x->facts.is_http_10;
        write_answer(c, x, status, headers, header_count, STR(""), x->facts.is_http_10 ? ANSWER_UNTIL_CLOSE : ANSWER_CHUNKED, exchange_goes_on(c, x));
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
    bool is_crowded = http_server_outgoing_bytes(c->server) > LIMIT_HTTP_OUTGOING_BYTES / 2;
    if (c->out.n + uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) > (is_crowded ? BEHIND_BYTES / 16 : BEHIND_BYTES))
        return false;
    conn_buffer_take(c->server, &c->out);
    if (x->facts.is_http_10) {
        buf_add(&c->out, data);
    } else {
        buf_printf(&c->out, "%zx\r\n", data.n);
        buf_add(&c->out, data);
        buf_add(&c->out, STR("\r\n"));
    }
    conn_count_out(c);
    conn_run(c);
    return c->phase != PHASE_CLOSING;
}

void http_stream_end(struct http_request *r)
{
    struct exchange *x = exchange_of(r);
    struct http_conn *c = r->conn;
    assert(x->is_stream);
    if (exchange_release_if_gone(c, x))
        return;
    if (!x->is_mute && !x->facts.is_http_10) {
        conn_buffer_take(c->server, &c->out);
        buf_add(&c->out, STR("0\r\n\r\n"));
    }
    exchange_end(c, exchange_goes_on(c, x));
    conn_run(c);
}
