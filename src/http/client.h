// client.h - outgoing HTTP on the loop: libcurl multi, the only module that knows libcurl.
//
// A name is resolved first and all its addresses are asked about: one that is refused refuses the
// name. curl then connects to those addresses only, and every socket, new or kept alive, is asked
// about once more for the address it really goes to. With a proxy configured, the proxy resolves and
// connects: then only addresses written in the URL can be checked here.
//
// A kept-alive connection that died before a byte of the answer came is replaced and the request sent once
// more, by curl: whoever must not act twice sends an idempotency key.
//
// No redirects, http and https only, proxy environment ignored unless configured, TLS verified. Times
// are bounded (connect 5 s, total 30 s by default), what is read is bounded (1 MB), decompressed
// bytes count. Callbacks run on the loop's thread. Thousands in flight.
#pragma once

#include "base/arena.h"
#include "http/egress.h"
#include "http/resolve.h"
#include "http/server.h" // struct http_header
#include "sys/loop.h"

struct http_client;
struct http_call;

struct http_client_options {
    struct loop *loop;
    // Asked for the policy of the moment at each connect; the returned object must stay valid for the call.
    const struct egress *(*egress)(void *ctx);
    void *egress_ctx;
    const char *proxy;     // NULL: none
    const char *user_agent;
    int max_per_host;      // 0: 64
    resolve_fn *lookup;    // NULL: the system's resolver. Runs on other threads
    void *lookup_ctx;
    int64_t names_keep_ms; // how long an answer of it is used; 0: 30 s, negative: once
};
MUST_USE bool http_client_open(const struct http_client_options *opt, struct http_client **out, struct err *e);
// Outstanding calls end with ERR_IO "stopped" before it returns; their done must not start new ones. Not from within a done.
void http_client_close(struct http_client *c);

struct http_tls {
    str ca_pem;          // trusted besides the system's certificates
    str client_cert_pem, client_key_pem;
    bool is_unverified;  // needs its own permission
};

struct http_call_options {
    str method, url;
    // No CR, LF, NUL: refused. Content-Length, Transfer-Encoding and Connection are ours: refused too.
    const struct http_header *headers;
    size_t header_count;
    str body;
    int64_t connect_timeout_ms, total_timeout_ms; // 0: the limits
    size_t max_read_bytes;                        // 0: LIMIT_OUT_READ_BYTES
    enum egress_purpose purpose;
    struct http_tls tls;
};

struct http_reply {
    int status;              // 0: no answer, see error
    struct http_header *headers;
    size_t header_count;
    str body;                // decompressed
    bool is_truncated;       // stopped at max_read_bytes
    double dns_s, connect_s, tls_s, first_byte_s, total_s; // seconds since the start, as curl counts
    int http_version;        // 10, 11, 20
    struct err error;        // kind ERR_NONE when an answer came; ERR_DENIED: egress; ERR_TIMEOUT; ERR_IO
};

// Everything in opt is copied. done is called exactly once, later, on the loop's thread; reply lives until it returns.
struct http_call *http_call_start(struct http_client *c, const struct http_call_options *opt, void (*done)(void *ctx, const struct http_reply *reply), void *ctx);
void http_call_cancel(struct http_call *call); // done is called with ERR_IO "cancelled" before this returns
size_t http_client_in_flight(const struct http_client *c);
