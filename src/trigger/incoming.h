// incoming.h - a request to a trigger as its proof and its handshake see it: nothing decoded away, nothing merged.
//
// A view: whoever took the request in fills it, and everything it points to outlives it. Header names have no case
// and values are trimmed, as the HTTP server gives them; headers and parameters sent twice are there twice.
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct incoming_field {
    str name, value;
};

struct incoming {
    str method, path; // path as sent
    str raw_query;    // behind the ?, as sent
    struct incoming_field *headers;
    size_t header_count;
    struct incoming_field *query; // decoded
    size_t query_count;
    str body;    // as received on the wire: what senders sign
    str content; // the body with its Content-Encoding undone; p == NULL: it had none
};

// The value of the first header or parameter of that name, and how many there are (count may be NULL). p == NULL: none.
str incoming_header(const struct incoming *in, str name, size_t *count);
str incoming_query(const struct incoming *in, str name, size_t *count); // the name's case counts
str incoming_content(const struct incoming *in);                        // content, else body

// "a=1&b=%20" taken apart into in->query; + is a space. A part with a broken escape stays as it was sent.
// ERR_TOO_LARGE for more than LIMIT_INCOMING_PARAMETERS.
MUST_USE bool incoming_read_query(struct incoming *in, struct arena *a, struct err *e);

// Undoes Content-Encoding gzip (or x-gzip) from in->body into in->content; nothing to do without one. max_bytes holds for what comes
// out, too (ERR_TOO_LARGE, 413); any other or further encoding, and broken data, is ERR_INVALID.
MUST_USE bool incoming_decode(struct incoming *in, struct arena *a, size_t max_bytes, struct err *e);
