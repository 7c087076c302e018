// job.h - one run of one script, seen from the server: what it was given, what it said, what came of it.
//
// Judges the frames of its run (the pool has dropped those of others), enforces its limits and tells the
// caller. Knows nothing of workers but how to send to its own. Used by pool.c only.
#pragma once

#include "http/address.h"
#include "script/frame.h"
#include "script/pool.h"

#define JOB_CALLS_OPEN_MAX 256 // unanswered ones at a time

struct worker;
struct owner;

struct job_console { // raw output of the process, cut into lines
    struct buf line;
    bool is_cut;
};

struct script_job {
    struct script_job *next; // waiting, or finished and not yet told
    struct script_pool *pool;
    struct owner *owner;
    struct worker *worker; // NULL while it waits
    struct arena arena;
    str run_id;
    int64_t fence, timeout_ms, memory_bytes;
    bool is_isolated;
    struct buf framed; // the run frame, until it is sent
    struct loop_timer *timer; // time-out, then grace
    bool is_held;             // placed, and not yet told to go
    bool had_started, is_stopping;
    enum script_outcome stop_outcome; // when is_stopping
    char text[640];                   // why it was stopped, or could not run
    int64_t max_lines, max_log_bytes, max_line_bytes, max_output_bytes;
    int64_t lines, log_bytes;
    bool is_log_full;
    int64_t calls;
    int64_t open_calls[JOB_CALLS_OPEN_MAX];
    size_t open_count;
    struct job_console out, err;
    struct script_job_options opt; // its callbacks; texts in it are not kept
};

// The frame is written at once, so nothing of it is kept. Fails when it is too large.
MUST_USE bool job_new(const struct script_job_options *opt, struct script_job **out, struct err *e);
void job_free(struct script_job *j);

// Any frame of its run. True when that was `done`, whose result is then complete in *result (it lives in
// `a` and the frame). False: go on. What is against the rules sets *e and returns false too.
bool job_take(struct script_job *j, const struct frame *f, struct arena *a, struct script_result *result, struct err *e);
void job_take_output(struct script_job *j, bool is_stderr, str bytes);
void job_flush_output(struct script_job *j); // the last line of each stream, without its end
// A line of our own in its log. Within its limits, as everything there.
void job_tell(struct script_job *j, str level, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool job_may_connect(struct script_job *j, str host, const struct ip *ip, int port, struct err *e);
void job_reply(struct script_job *j, int64_t call_id, const struct script_reply *reply);
bool job_send_cancel(struct script_job *j, const char *reason);

// Bytes as valid UTF-8: what is not becomes U+FFFD.
str job_repair_utf8(struct arena *a, str bytes);
