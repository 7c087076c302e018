#include "http/conn.h"

#include "http/proxy.h"

#define FLUSH_BYTES 65536 // answers to pipelined requests are written together up to this
// Chunk sizes, extensions and trailers may be this much longer than the data they frame.
#define FRAMING_BYTES(body_bytes) (8 * (body_bytes) + 64 * 1024)

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

static bool begin_body(struct http_conn *c);

// What was asked about the server itself, not about one of its resources.
static void answer_asterisk(struct http_conn *c, struct exchange *x)
{
    x->is_complete = !x->facts.is_chunked && x->r.declared_bytes == 0;
    http_answer(&x->r, 204, NULL, 0, STR(""));
}

// Of a head of so many bytes: without the request line (" HTTP/1.1" and its end stand behind the target) and the empty line.
static size_t header_bytes(const struct exchange *x, size_t head_bytes)
{
    size_t line = x->target.at + x->target.n + 13;
    return head_bytes > line ? head_bytes - line : 0;
}

static bool handle_head(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct exchange *x = c->x;
    str raw = str_sub(buf_str(&c->in), c->start, c->parsed - c->start);
    if (header_bytes(x, raw.n) > LIMIT_HTTP_HEADER_BYTES) {
        exchange_refuse(c, 431, refusal_text(431));
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
        exchange_refuse(c, status, why);
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
                exchange_release_if_gone(c, x);
            return false;
        }
        if (x->is_answered) {
            exchange_end(c, exchange_goes_on(c, x));
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
        exchange_refuse(c, 413, refusal_text(413));
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
        conn_buffer_take(c->server, &c->out);
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
        else if (c->is_target_done && header_bytes(c->x, n) > LIMIT_HTTP_HEADER_BYTES)
            c->refusal = 431;
        else
            return false;
    }
    exchange_refuse(c, c->refusal ? c->refusal : 400, refusal_text(c->refusal));
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
        exchange_refuse(c, c->refusal ? c->refusal : 400, refusal_text(c->refusal));
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


static bool step_body(struct http_conn *c)
{
    if (c->x->facts.is_chunked ? step_body_chunked(c) : step_body_counted(c))
        return true;
    if (!conn_is_crowded(c))
        return false;
    exchange_refuse(c, 503, "too many large requests are being read now");
    return true;
}

bool request_step(struct http_conn *c)
{
    switch (c->phase) {
    case PHASE_HEAD: return step_head(c);
    case PHASE_BODY: return step_body(c);
    case PHASE_DRAIN: return step_drain(c);
    case PHASE_LINGER:
        c->drain_left += c->in.n;
        c->in.n = c->start = c->parsed = 0;
        return false;
    default: return false;
    }
}
