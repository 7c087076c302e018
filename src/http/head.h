// head.h - is this request head unambiguous? What llhttp lets pass and we do not.
//
// Two servers that read one head differently are how a request is smuggled past the first of
// them. So everything that could be read in two ways is refused here: bare LF, folded lines, more
// or fewer than one Host, two lengths, Transfer-Encoding beside a length or other than "chunked",
// odd blanks in the request line, targets in a foreign form. Only text: no socket, no parser.
#pragma once

#include "http/server.h"

struct head_span {
    uint32_t at, n; // within the head
};

struct head {
    str raw; // from the first byte of the request line to the last LF of the empty line
    struct head_span target;
    const struct head_span *names, *values;
    size_t header_count;
    const char *method; // as the parser named it
};

struct head_facts {
    bool is_chunked, is_http_10, wants_close, wants_continue;
    bool is_asterisk; // "OPTIONS *": asks about the server, not about a path
};

// 0 and r filled (method, target, path, query, headers, has_length, declared_bytes), pointing into head->raw; or
// the status to refuse with, and why, a sentence without bytes of the sender.
int head_check(const struct head *head, struct arena *a, struct http_request *r, struct head_facts *facts, const char **why);
