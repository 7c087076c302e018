// worker.h - one PowerShell process: its start, its socket, its end. The pool decides what it does.
//
// The process runs in a private folder (home, temp and current directory), with the environment listed
// in worker.c, as another user where asked, and ends as a whole (sys/process.h). Whatever breaks the
// protocol kills it; what it had sent before is still heard. `ended` comes exactly once for each opened
// worker, after which it is gone, its folder too.
#pragma once

#include "script/engine.h"
#include "script/frame.h"
#include "sys/loop.h"
#include "sys/process.h"

struct worker;

enum worker_end_kind {
    WORKER_ENDED,       // by itself: status or signal
    WORKER_NOT_STARTED, // the program could not be executed, or said no proper hello in time
    WORKER_PROTOCOL,    // broke the protocol and was killed
    WORKER_OVER_MEMORY, // or over its number of processes
    WORKER_KILLED,      // worker_kill
};

struct worker_end {
    enum worker_end_kind kind;
    bool has_exit_code;
    int exit_code;
    const char *text; // a sentence's end: "killed by signal 9 (Killed)", "sent a frame of 0 bytes; ..."
};

struct worker_options {
    struct loop *loop;
    const struct engine *engine;
    const char *folder;     // made by worker_open, removed at the end
    int64_t start_ms;       // from the start to the first ready
    int64_t memory_bytes;   // of the managed heap for good, of the tree until worker_set_memory
    bool has_user;
    uid_t uid;
    gid_t gid;
    const struct sandbox *sandbox; // NULL: none
    enum process_network network; // none: by the sandbox's means where there is one
    const char *const *hidden; // folders that are empty inside, sandbox or not; may be NULL
    void *ctx;
    void (*hello)(void *ctx, const struct frame_hello *hello);
    void (*ready)(void *ctx, int64_t working_set_bytes);
    void (*frame)(void *ctx, const struct frame *f); // parsed and those of runs; lives until it returns
    void (*output)(void *ctx, bool is_stderr, str bytes);
    void (*listener)(void *ctx, int fd); // of its own network, as process_options has it
    void (*ended)(void *ctx, const struct worker_end *end);
};
MUST_USE bool worker_open(const struct worker_options *opt, struct worker **out, struct err *e);

// Fails when it is too large, or when the worker does not read; then nothing of it is sent.
MUST_USE bool worker_send(struct worker *w, const struct json *frame, struct err *e);
void worker_send_bytes(struct worker *w, str framed); // by frame_write
void worker_kill(struct worker *w);
void worker_break_off(struct worker *w, const char *why); // it broke the protocol
void worker_set_idle(struct worker *w, bool is_idle);
void worker_set_memory(struct worker *w, int64_t bytes);
void worker_read_output(struct worker *w); // what it has written up to now, by the callback
int worker_processes(const struct worker *w); // it and what it started, as process_count
pid_t worker_pid(const struct worker *w);
