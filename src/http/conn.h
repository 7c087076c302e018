// conn.h - what the files of the HTTP server share; nobody else includes it.
//
//     server.c    listening, accepting, stopping; owns the lists of connections
//     conn.c      one connection: reading, writing, deadlines, moving on, closing
//     request.c   bytes to requests: the only file that knows llhttp
//     exchange.c  a request and its answer: http_answer, streams, and where a handler lets go
//     tls.c       the only file that knows OpenSSL's server side
//
// A connection moves on in one place, conn_run; everything else changes its state and calls that.
#pragma once

#include "base/limits.h"
#include "http/address.h"
#include "http/answer.h"
#include "http/head.h"
#include "http/server.h"

#include <llhttp.h>
#include <uv.h>

#define BUFFER_BYTES 8192         // of a connection in use; idle ones hold none
#define SCRATCH_BYTES 65536       // one per server: ciphertext, and bytes read away
#define POOL_MAX 64               // buffers and exchanges kept for reuse
#define DRAIN_BYTES (64 * 1024)   // read away behind an early answer
#define HEAD_BYTES (LIMIT_HTTP_REQUEST_LINE_BYTES + LIMIT_HTTP_HEADER_BYTES)

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
    size_t in_counted; // of its bytes in the server's buffered_bytes
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
    size_t out_counted; // of their bytes in the server's outgoing_bytes
    uv_write_t write;
    size_t stalled_bytes;

    bool is_reading, is_eof, is_writing, is_running, is_closed, is_shut, has_served, is_opening;
    struct ip peer;
    struct ssl_st *ssl; // NULL: plain
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
    size_t max_body, max_connections, max_buffered_bytes;
    size_t outgoing_bytes; // atomic: written by handlers, not yet taken by the kernel
    size_t buffered_bytes; // what request bodies made connections' buffers grow by
    int64_t wait_ms[WAIT_KINDS];
    struct net *trusted;
    size_t trusted_count;
    char *cert_file, *key_file, *server_name;
    struct ssl_ctx_st *tls;

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

// server.c
void server_unref(struct http_server *s);                      // the last one frees it
struct http_conn *server_conn_new(struct http_server *s);      // counted, waiting for its head, not yet reading

// conn.c
void conn_run(struct http_conn *c);                  // after input, an answer, a write: go on as far as possible
void conn_flush(struct http_conn *c);
void conn_count_out(struct http_conn *c); // after what waits to be written has changed
void conn_close(struct http_conn *c);
void conn_free(struct http_conn *c);
size_t conn_in_room(struct http_conn *c); // bytes free behind c->in; 0: none for now
void conn_read_set(struct http_conn *c, bool is_on);
void conn_wait_enter(struct http_conn *c, enum wait wait);
void conn_wait_for(struct http_conn *c, enum wait wait);
void conn_on_deadline(void *server);
void conn_buffer_take(struct http_server *s, struct buf *b);
void conn_buffer_give(struct http_server *s, struct buf *b);
bool conn_is_crowded(const struct http_conn *c); // its buffer has grown, and so have too many

// request.c
bool request_step(struct http_conn *c); // one step with the bytes that are there; false: more are needed

// exchange.c
struct exchange *exchange_take(struct http_conn *c);
void exchange_give(struct http_conn *c, struct exchange *x);
bool exchange_goes_on(const struct http_conn *c, const struct exchange *x);
void exchange_end(struct http_conn *c, bool is_going_on); // the answer is written; sets what comes next
bool exchange_release_if_gone(struct http_conn *c, struct exchange *x);
// The server's own answer to what never reaches a handler: an error, and the end of the connection.
void exchange_refuse(struct http_conn *c, int status, const char *why);

// tls.c
MUST_USE bool tls_load(struct http_server *s, struct err *e);
void tls_forget(struct http_server *s);
void tls_accept(struct http_conn *c);
void tls_take(struct http_conn *c, str ciphertext); // gives it to the record layer; tls_run reads it
void tls_run(struct http_conn *c);                  // decrypts as far as there is room, and moves on
bool tls_has_more(const struct http_conn *c);
bool tls_seal(struct http_conn *c); // turns the plain output in c->out into records
void tls_end(struct http_conn *c);  // close_notify into c->out
void tls_free(struct http_conn *c);
