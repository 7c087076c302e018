// server.h - the HTTP/1.1 server. The only module that knows llhttp (request.c) and OpenSSL's server
// side (tls.c); conn.h says how its files share the work.
//
// Promises: a request reaches its handler only if it is unambiguous (exactly one Host, no CL+TE,
// no obs-fold, no bare LF; anything the parser dislikes is 400 and the connection closes); it is
// complete; its size, its headers and the time it took are bounded. A handler answers when it
// likes, from the loop's thread (another thread posts to the loop first). While an answer is
// outstanding the connection reads no further: back-pressure. Pipelined requests are answered in
// order. A client that has gone is noticed by http_answer, which then does nothing.
//
// A server belongs to one loop and its thread.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "sys/loop.h"

#include <sys/socket.h>

struct http_server;
struct http_conn;

struct http_header {
    str name, value; // value trimmed
};

struct http_address {
    struct sockaddr_storage sa;
    str text; // "192.0.2.7" or "2001:db8::1", no port
};

// Lives, with everything it points to, in `arena` until http_answer (or http_stream_end) was called.
struct http_request {
    struct arena *arena;
    str method;    // "POST"
    str target;    // as sent
    str path;      // before '?', not decoded, starts with '/'
    str query;     // after '?', not decoded, may be empty
    struct http_header *headers;
    size_t header_count;
    str body;      // complete; empty at the head stage
    bool has_length;          // a Content-Length was declared
    uint64_t declared_bytes;  // that length
    struct http_address remote; // by the trusted-proxy rule
    bool is_tls;
    int64_t received_wall_ms;   // when its first byte came
    void *user;    // the head handler may leave something for the handler
    struct http_conn *conn;
};

// First header of that name (no case); p == NULL where absent.
str http_header(const struct http_request *r, str name);
size_t http_header_count(const struct http_request *r, str name);

// Called when the headers are complete and before any body is read (before 100-continue too).
// Set *max_body_bytes (preset: the server's default). To refuse at once, call http_answer and
// return false: the body is then read away, at most 64 KB of it, or the connection closed. (Returning false
// and answering later is fine too.) OPTIONS * does not come here: the server answers it.
typedef bool http_head_fn(struct http_request *r, size_t *max_body_bytes, void *ctx);
// Called with the complete request. Must lead to exactly one http_answer or http_stream_start.
typedef void http_request_fn(struct http_request *r, void *ctx);

struct http_server_options {
    const char *listen;   // "127.0.0.1:8080", "[::1]:0", "*:8080"; port 0 draws one
    const char *cert_file, *key_file; // both or neither: TLS
    const char *const *trusted_proxies; // CIDRs whose X-Forwarded-For / Forwarded is believed
    size_t trusted_proxy_count;
    size_t max_body_bytes; // 0: LIMIT_HTTP_BODY_BYTES
    int64_t header_timeout_ms, idle_timeout_ms; // 0: the limits' values
    http_head_fn *on_head; // may be NULL
    http_request_fn *on_request;
    void *ctx;
    const char *server_name; // "Server" header, NULL: none
    const struct http_header *always; // in each answer that has no header of that name itself; lives as long as the server
    size_t always_count;
    int max_connections;     // 0: LIMIT_HTTP_CONNECTIONS, and never more than 3/4 of the descriptors allowed
    size_t max_buffered_bytes; // 0: LIMIT_HTTP_BUFFERED_BYTES; a body beyond it gets 503
};

MUST_USE bool http_server_open(struct loop *l, const struct http_server_options *opt, struct http_server **out, struct err *e);
int http_server_port(const struct http_server *s);
// Reads certificate and key anew for further connections; on failure the old ones stay.
MUST_USE bool http_server_reload_tls(struct http_server *s, struct err *e);
// Stops accepting, closes idle connections, lets outstanding answers go out (with Connection: close),
// at most grace_ms, then calls done(ctx).
void http_server_stop(struct http_server *s, int64_t grace_ms, void (*done)(void *ctx), void *ctx);
// At once, and no callback after it. A request still held stays valid and must still be answered (which frees it).
void http_server_close(struct http_server *s);

struct http_server_stats {
    uint64_t connections, open_connections, requests, bad_requests, timeouts, bytes_in, bytes_out;
};
struct http_server_stats http_server_stats(const struct http_server *s);
// Bytes of answers that clients have not taken yet. Any thread. From half of LIMIT_HTTP_OUTGOING_BYTES on a client must
// take 64 KB a second, else its connection is closed; who writes large answers asks before.
size_t http_server_outgoing_bytes(const struct http_server *s);

// Answers and lets go of r. Content-Length, Date and Connection are added; headers must hold no CR,
// LF or NUL (checked: such a header is left out and the answer becomes 500). The body is copied.
// A HEAD request gets the headers only. The next pipelined request may be handed out before it returns.
void http_answer(struct http_request *r, int status, const struct http_header *headers, size_t header_count, str body);
// {"ErrorMessage": "...", "Errors": []} with that status: the contract's error shape. 503 gets "Retry-After: 5".
void http_answer_error(struct http_request *r, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);

// Closes the connection without an answer (the sample server's cut connections). Lets go of r.
void http_abort(struct http_request *r);

// A streamed answer (server-sent events): chunked, until http_stream_end. http_stream_write returns false
// when the client has gone (r stays valid until http_stream_end) or is more than 1 MB behind.
// on_gone (may be NULL) is called once when the client leaves or http_server_stop is called, from the
// loop, never from within a call; not after http_server_close, nor after http_stream_end.
void http_stream_start(struct http_request *r, int status, const struct http_header *headers, size_t header_count, void (*on_gone)(void *ctx), void *ctx);
bool http_stream_write(struct http_request *r, str data);
void http_stream_end(struct http_request *r);

const char *http_status_text(int status);
