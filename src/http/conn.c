#include "http/conn.h"

#define READ_ROOM_BYTES 2048 // less room than this and the buffer grows
#define CROWDED_BYTES_PER_SECOND 65536 // what a client must take while many answers wait

// ---- buffers: only a connection in use holds any

void conn_buffer_take(struct http_server *s, struct buf *b)
{
    if (b->p)
        return;
    b->p = s->free_buffer_count ? s->free_buffers[--s->free_buffer_count] : xmalloc(BUFFER_BYTES);
    b->cap = BUFFER_BYTES;
}

void conn_buffer_give(struct http_server *s, struct buf *b)
{
    if (b->p && b->cap == BUFFER_BYTES && s->free_buffer_count < POOL_MAX)
        s->free_buffers[s->free_buffer_count++] = b->p;
    else
        free(b->p);
    *b = (struct buf){ 0 };
}

static void in_give(struct http_conn *c)
{
    c->server->buffered_bytes -= c->in_counted;
    c->in_counted = 0;
    conn_buffer_give(c->server, &c->in);
}

bool conn_is_crowded(const struct http_conn *c)
{
    return c->in_counted && c->server->buffered_bytes > c->server->max_buffered_bytes;
}

// Only what waits for its client counts; output of this very round goes out in a moment.
void conn_count_out(struct http_conn *c)
{
    struct http_server *s = c->server;
    size_t now = c->is_writing ? c->sending.cap + c->out.cap : 0;
    if (now == c->out_counted)
        return;
    __atomic_add_fetch(&s->outgoing_bytes, now - c->out_counted, __ATOMIC_RELAXED);
    c->out_counted = now;
}

void conn_free(struct http_conn *c)
{
    struct http_server *s = c->server;
    c->is_writing = false;
    conn_count_out(c);
    in_give(c);
    conn_buffer_give(s, &c->out);
    conn_buffer_give(s, &c->sending);
    tls_free(c);
    free(c);
    server_unref(s);
}

// ---- deadlines

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

void conn_wait_enter(struct http_conn *c, enum wait wait)
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

void conn_wait_for(struct http_conn *c, enum wait wait)
{
    if (c->wait == wait)
        return;
    wait_leave(c);
    conn_wait_enter(c, wait);
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
    bool is_crowded = http_server_outgoing_bytes(c->server) > LIMIT_HTTP_OUTGOING_BYTES / 2;
    uint64_t least = (uint64_t)c->server->wait_ms[WAIT_WRITE] * (is_crowded ? CROWDED_BYTES_PER_SECOND : LIMIT_HTTP_BODY_MIN_BYTES_PER_SECOND) / 1000;
    return left + least > before;
}

static void run_out(struct http_conn *c)
{
    struct http_server *s = c->server;
    switch (c->wait) {
    case WAIT_HEAD:
        s->stats.timeouts++;
        if (c->x)
            exchange_refuse(c, 408, "the request head did not arrive in time");
        else
            conn_close(c);
        break;
    case WAIT_BODY:
        if (!is_too_slow(c)) {
            wait_leave(c);
            conn_wait_enter(c, WAIT_BODY);
            break;
        }
        s->stats.timeouts++;
        if (c->phase == PHASE_BODY)
            exchange_refuse(c, 408, "the body arrives too slowly");
        else
            conn_close(c);
        break;
    case WAIT_WRITE:
        if (!is_stalled(c)) {
            wait_leave(c);
            conn_wait_enter(c, WAIT_WRITE);
            break;
        }
        s->stats.timeouts++;
        conn_close(c);
        break;
    default:
        conn_close(c);
    }
}

void conn_on_deadline(void *ctx)
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
    conn_buffer_give(c->server, &c->sending);
    conn_count_out(c);
    if (c->phase == PHASE_CLOSING)
        return;
    if (status < 0)
        conn_close(c);
    else
        conn_run(c);
}

void conn_flush(struct http_conn *c)
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
    conn_count_out(c);
    wait_leave(c); // a new write has its full time, also right behind another
    conn_wait_enter(c, WAIT_WRITE);
}

// ---- moving on

static void conn_settle(struct http_conn *c);

// The client will send nothing more. An answer that is waited for may still be read by it.
static void handle_eof(struct http_conn *c)
{
    if (c->phase == PHASE_HEAD && !c->x && !c->is_writing && !c->out.n)
        conn_close(c);
    else if (c->phase == PHASE_DRAIN)
        conn_close(c);
    else if (c->phase == PHASE_HEAD && !c->is_writing && c->x)
        exchange_refuse(c, 400, "the connection ended within the request");
    else if (c->phase == PHASE_BODY)
        exchange_refuse(c, 400, "the connection ended within the request");
    else if (c->phase == PHASE_BUSY && c->x->is_stream)
        conn_close(c); // nobody half-closes and goes on reading events
}

// The one place where a connection moves on: after input, after an answer, after a write.
void conn_run(struct http_conn *c)
{
    if (c->is_running || c->phase == PHASE_CLOSING)
        return;
    c->is_running = true;
    while (request_step(c)) {
    }
    if (c->is_eof && c->phase != PHASE_CLOSING)
        handle_eof(c);
    c->is_running = false;
    conn_flush(c);
    if (c->phase != PHASE_CLOSING)
        conn_settle(c);
}

// ---- reading

// The unread rest, moved to the front: offsets within a head are relative to c->start.
static void in_compact(struct http_conn *c)
{
    if (c->start == 0)
        return;
    buf_drop_front(&c->in, c->start);
    c->parsed -= c->start;
    c->start = 0;
}

// Room for the next read, or none: while a handler holds the request its body must not move.
size_t conn_in_room(struct http_conn *c)
{
    conn_buffer_take(c->server, &c->in);
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
    size_t before = c->in.cap;
    buf_room(&c->in, MAX(more, (size_t)READ_ROOM_BYTES));
    c->in_counted += c->in.cap - before;
    c->server->buffered_bytes += c->in.cap - before;
    return c->in.cap - c->in.n;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct http_conn *c = h->data;
    if (c->ssl || c->phase == PHASE_LINGER) {
        *out = uv_buf_init(c->server->scratch, SCRATCH_BYTES);
        return;
    }
    size_t room = conn_in_room(c);
    *out = uv_buf_init(c->in.p + c->in.n, (unsigned)MIN(room, (size_t)1 << 20));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct http_conn *c = stream->data;
    if (n == UV_ENOBUFS) {
        conn_read_set(c, false); // back-pressure: conn_read_set(true) comes with the next phase
        return;
    }
    if (n == UV_EOF) {
        c->is_eof = true;
        conn_read_set(c, false);
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
        tls_take(c, (str){ b->base, (size_t)n });
        tls_run(c);
        return;
    }
    if (c->phase == PHASE_LINGER)
        c->drain_left += (uint64_t)n;
    else
        c->in.n += (size_t)n;
    conn_run(c);
}

void conn_read_set(struct http_conn *c, bool is_on)
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
        tls_end(c);
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
        in_give(c);
    if (c->out.n == 0)
        conn_buffer_give(c->server, &c->out);

    // Reading goes on while a handler works, as far as the buffer's free end: cheaper than stopping
    // and starting for each request, and a client that goes is noticed. A full buffer stops it.
    if (c->phase != PHASE_BUSY && !c->is_writing)
        conn_read_set(c, true);
    else if (c->phase == PHASE_BUSY && c->x->is_stream && c->in.p && c->in.cap > c->in.n)
        conn_read_set(c, true);

    if (c->is_writing)
        conn_wait_for(c, WAIT_WRITE);
    else if (c->phase == PHASE_LINGER)
        conn_wait_for(c, WAIT_LINGER);
    else if (c->phase == PHASE_BUSY)
        conn_wait_for(c, WAIT_HANDLER);
    else if (c->phase == PHASE_BODY || c->phase == PHASE_DRAIN)
        conn_wait_for(c, WAIT_BODY);
    else
        conn_wait_for(c, c->x || !c->has_served ? WAIT_HEAD : WAIT_IDLE);

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

void conn_close(struct http_conn *c)
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
