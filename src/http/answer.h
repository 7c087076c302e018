// answer.h - the bytes of an answer's head. Nothing a caller passes can add a header or a line.
//
// Only text: no socket, no connection. server.c decides what goes on; this writes it.
#pragma once

#include "base/buf.h"
#include "http/server.h"

struct answer {
    int status;
    const struct http_header *headers;
    size_t header_count;
    const char *server_name; // may be NULL
    const char *date;        // IMF-fixdate
    int64_t length;          // of the body; -1: chunked; -2: until the connection closes; -3: none is said
    bool is_http_10, is_closing;
    const struct http_header *always; // written where no header of that name is among the others
    size_t always_count;
};

enum { ANSWER_CHUNKED = -1, ANSWER_UNTIL_CLOSE = -2, ANSWER_NO_LENGTH = -3 };

// A name is a token (RFC 9110 section 5.6.2), a value has no CR, LF or NUL.
bool answer_headers_fit(const struct http_header *headers, size_t count);
// Content-Length, Transfer-Encoding, Connection, Date, Keep-Alive among a caller's headers are left out: they are ours.
void answer_write_head(struct buf *out, const struct answer *a);
// 204 and 304 and 1xx have no body, whatever the caller passed.
bool answer_may_have_body(int status);
// {"ErrorMessage": text}
void answer_write_error(struct buf *out, str text);
// "Sun, 22 Nov 2026 17:03:06 GMT" and a NUL
#define ANSWER_DATE_BYTES 30
void answer_date(char out[static ANSWER_DATE_BYTES], int64_t wall_ms);
// 1 where the value of a Connection-like list (comma separated, no case) holds the token.
bool answer_list_has(str list, str token);
