// frame.h - the frames of docs/worker-protocol.md: cutting a stream into them, judging what a worker says.
//
// Every byte comes from a process in which foreign scripts run. A stream that breaks the framing, JSON
// that is not strict, a known type with a field missing or of a wrong type: an error, after which the
// worker is killed. Types and fields that this version does not know are passed over.
#pragma once

#include "json/json.h"

struct frame_reader {
    struct buf in;
    size_t at;        // what is before it was handed out
    size_t max_bytes; // of one frame; smaller until a worker has said hello
};
void frame_reader_fini(struct frame_reader *r);
// Room for n more bytes, to be told by frame_reader_wrote. What frame_next gave out is gone then.
char *frame_reader_room(struct frame_reader *r, size_t n);
void frame_reader_wrote(struct frame_reader *r, size_t n);

enum frame_next { FRAME_MORE, FRAME_GOT, FRAME_BROKEN };
enum frame_next frame_next(struct frame_reader *r, str *body, struct err *e);

enum frame_type { FRAME_UNKNOWN, FRAME_HELLO, FRAME_READY, FRAME_PARSED, FRAME_STARTED, FRAME_LOG, FRAME_CALL, FRAME_EGRESS, FRAME_DONE };

struct frame_hello {
    str engine, version;
    const struct json *missing; // array of text
};
struct frame_parsed {
    int64_t id;
    const struct json *errors;                 // array of { Message, Line, Column }, checked
    const struct json *parameters, *variables; // arrays of text
};
struct frame_call {
    int64_t id;
    bool is_feed, has_body;
    str method, path_or_url, body; // body decoded
    const struct json *headers;    // object of text, or NULL
    str problem;                   // the script asked for something impossible: the answer to give; else empty
};
struct frame_egress {
    int64_t id;
    str host, address;
    int port;
};
struct frame_done {
    bool is_success, has_exit_code, is_output_truncated, wants_recycling;
    int exit_code;
    const struct json *output;    // array
    const struct json *variables; // object of text, or NULL
    str error;                    // empty where there is none
    int64_t line, column;         // 0 where unknown
    str recycle_reason;
    int64_t working_set_bytes;
};

struct frame {
    enum frame_type type;
    str run_id; // of types that belong to a run
    int64_t fence;
    struct frame_hello hello;
    struct frame_parsed parsed;
    const struct json *lines; // log: array of { Time, Level, Text }, checked
    struct frame_call call;
    struct frame_egress egress;
    struct frame_done done;
    int64_t working_set_bytes; // ready
};
// Everything in it lives in the arena or points into body.
MUST_USE bool frame_decode(struct arena *a, str body, struct frame *out, struct err *e);

// Appends length and text. ERR_TOO_LARGE over LIMIT_WORKER_FRAME_BYTES.
MUST_USE bool frame_write(struct buf *out, const struct json *j, struct err *e);
