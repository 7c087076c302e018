// gateway_head.h - a request to a proxy: where it wants to go, what of it is sent on, where it ends. Only bytes, no socket.
//
// CONNECT wants a tunnel. A plain request (http://host/path) is sent on as to a server: Host is that of its target
// (RFC 9112 section 3.2.2), what is between two hops is left out (RFC 9110 section 7.6.1), and the connection ends with
// its answer. What could be read in two ways is refused.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "http/server.h" // struct http_header

#include <llhttp.h>

struct gateway_request {
    bool is_tunnel;
    str method, host, path_and_query; // host lower case, without brackets; all live in the arena given
    int port;
    bool is_address;                  // host is one
    size_t head_bytes;
    // of this module
    struct http_header *headers;
    size_t header_count;
    bool is_http_10, is_over, is_broken;
    llhttp_t parser;
};

enum gateway_next { GATEWAY_MORE, GATEWAY_GOT, GATEWAY_REFUSED };

// bytes: all that came since the connection's beginning. Refused: the status to answer with, and why.
enum gateway_next gateway_request_read(struct gateway_request *q, str bytes, struct arena *a, int *status, struct err *why);
// The head to send on: to the target, or to a further proxy with its credentials ("Basic ..."; may be empty).
void gateway_request_write(const struct gateway_request *q, bool is_to_proxy, str credentials, struct buf *out);
// Of what comes behind the head of a plain request, how many bytes still belong to it. is_over is set when there is more,
// is_broken when its framing is wrong; then nothing further belongs to it.
size_t gateway_request_take(struct gateway_request *q, str bytes);
