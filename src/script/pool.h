// pool.h - PowerShell workers: warm processes, one script at a time each, bound to one owner.
//
// From its first run a worker belongs to one owner (space, identity, reaction) until it is recycled,
// because a fresh runspace is not a fresh process. Idle unassigned workers are kept warm. A worker
// that breaks the protocol, outlives its time, its memory or its usefulness is killed with all its
// descendants and replaced. Late frames (other run, older fence) are dropped. Nothing in a frame is
// trusted. docs/worker-protocol.md is the protocol.
//
// Everything runs on the loop's thread, and one thread has all the pools of a program (sys/process.h).
// Job callbacks come in the order: placed?, started?, (log | call | egress)*, done; done exactly once and never from
// within script_job_start or script_job_cancel. After it the job is gone: an answer to one of its calls
// that comes later must be dropped by whoever has it.
//
// Fair among owners: each has a turn before any has a second one, and who runs several jobs at once gets
// half of the free places, the next one half of the rest, so that one that hangs in all its runs leaves
// room. A run that succeeded may leave nothing running: what it detached is ended with its worker.
#pragma once

#include "json/json.h"
#include "sys/loop.h"

struct script_pool;
struct script_job;

enum script_engine { SCRIPT_ENGINE_AUTO, SCRIPT_ENGINE_BUNDLED, SCRIPT_ENGINE_PWSH };
// Isolated: a worker has a network of its own and one way out, the gateway (http/gateway.h), which asks its job's `egress`
// about every address; where that cannot be had no script runs. Shared: the machine's, where only the engine's own
// web commands ask. Auto: isolated where that can be had.
enum script_network { SCRIPT_NETWORK_AUTO, SCRIPT_NETWORK_ISOLATED, SCRIPT_NETWORK_SHARED };

struct script_pool_options {
    struct loop *loop;
    enum script_engine engine;
    const char *runtime_dir;    // where the built worker host lies (build/powershell)
    const char *work_dir;       // private temp folders of workers are made below; nobody else's. With another
                                // user, that user must be able to come to it and to runtime_dir
    int max_workers;            // 0: 2 per core, at least 4
    int warm_workers;           // idle unassigned ones kept ready; default 1
    int max_runs_per_worker;    // then recycled; 0: 1000
    int64_t idle_ms;            // an assigned worker idle that long is recycled; 0: 5 minutes
    int64_t grace_ms;           // between cancel and kill; 0: 2000
    const char *run_as_user;    // OS user workers run as where the server may switch; NULL: none
    bool prefers_user;          // run_as_user is a wish: where it cannot be, workers run as the server does
    enum script_network network;
    const char *proxy;          // what the gateway's connections take, as in http/gateway.h; NULL: none
    bool no_network;            // its workers have none where that can be had (script_pool_is_offline): for dry runs
    bool use_sandbox;           // bubblewrap where installed and allowed: all but its own folder is read-only
    const char *const *hidden;  // NULL-terminated folders and files that are empty for workers (by the sandbox, else by their
                                // PID namespace where they have one). Not one that holds work_dir. May be NULL
    int64_t start_ms;           // from a worker's start to its being ready; 0: 60 s
    void (*changed)(void *ctx); // what script_pool_capabilities says may be another thing now; on the loop's thread. May be NULL
    void *changed_ctx;
};

struct script_capabilities {     // for doctor
    bool is_available;
    char engine[16];             // "bundled" or "pwsh"
    char version[32];            // this and what it lacks: empty until the first worker has said hello
    char path[512];
    char containment[128];       // how descendants are killed and limits enforced here
    char network[256];           // "isolated: ..." or "shared: ...", and why
    char missing[1024];          // commands this engine lacks; or, when not available, what to install and how
};

// Opens also where no engine can be found: jobs then end at once, as interrupted before their start, with what
// to install; it is looked for again every few seconds.
MUST_USE bool script_pool_open(const struct script_pool_options *opt, struct script_pool **out, struct err *e);
// Kills all workers (jobs end as interrupted), then done(ctx) when no process is left.
void script_pool_close(struct script_pool *p, void (*done)(void *ctx), void *ctx);
struct script_capabilities script_pool_capabilities(struct script_pool *p); // the loop's thread, as everything here
bool script_pool_is_offline(const struct script_pool *p); // no_network was asked for and holds
bool script_pool_is_isolated(const struct script_pool *p); // its workers have a network of their own
int script_pool_idle(const struct script_pool *p);   // warm or free workers
int script_pool_busy(const struct script_pool *p);
// True when a job of this owner could start now, or as soon as a worker for it has started.
bool script_pool_has_room(const struct script_pool *p, str owner);

// Interrupted: the worker ended without a result (a crash, the server's end, a broken protocol); what the
// script did is unknown, and nothing at all where it had not started. Timed out and cancelled are told when
// no process of the run is left.
enum script_outcome { SCRIPT_SUCCEEDED, SCRIPT_FAILED, SCRIPT_TIMED_OUT, SCRIPT_INTERRUPTED, SCRIPT_CANCELLED };

struct script_result {
    enum script_outcome outcome;
    bool has_exit_code;
    int exit_code;
    const struct json *output;   // array
    str error;                   // empty when it succeeded; says what happened and where
    const struct json *variables; // what Set-OctopusVariable set, or NULL
    bool had_started;            // the script's first statement may have run
};

struct script_call {             // the script wants something of the broker
    int64_t id;
    bool is_feed;
    str method, path_or_url;
    const struct json *headers;  // object of text, or NULL
    str body;                    // decoded bytes
    bool has_body;
};

struct script_job_options {
    str owner;                   // "Spaces-1/Identities-2/Reactions-3"
    bool is_isolated;            // a process of its own, ended after the run
    str run_id;
    int64_t fence;
    int64_t timeout_ms;
    int64_t memory_bytes;        // of the worker process tree
    struct json *frame;          // the "run" frame without Type, RunId, Fence; copied
    void *ctx;
    // It has a worker, which is told nothing before script_job_go: time to record that it begins. May come from within
    // script_job_start. NULL: it goes at once.
    void (*placed)(void *ctx);
    void (*started)(void *ctx);
    void (*log)(void *ctx, const struct json *lines);                   // array of checked {Time, Level, Text}
    void (*call)(void *ctx, const struct script_call *call);            // answer with script_call_reply
    bool (*egress)(void *ctx, str host, str address, int port, str *reason);
    void (*done)(void *ctx, const struct script_result *result);
};
// Waits for a worker of its owner if all are busy. The time-out runs from the moment it goes.
struct script_job *script_job_start(struct script_pool *p, const struct script_job_options *opt);
void script_job_go(struct script_job *job); // after placed, any time later
void script_job_cancel(struct script_job *job, const char *reason);

struct script_reply {
    int status;
    const struct json *headers;  // object of text, or NULL
    str body;
    bool is_withheld;
    str error;                   // why nothing was sent; empty otherwise
};
void script_call_reply(struct script_job *job, int64_t call_id, const struct script_reply *reply);

struct script_parse_error { str message; int line, column; };
struct script_parsed {
    struct script_parse_error *errors;
    size_t error_count;
    const struct json *parameters, *variables; // arrays of names
    str failure;                 // no engine, or it broke: why; errors are unknown then
};
void script_parse(struct script_pool *p, str script, void (*done)(void *ctx, const struct script_parsed *parsed), void *ctx);
