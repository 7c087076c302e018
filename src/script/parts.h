// parts.h - what the files of the pool share: pool.c (its life and its callers), member.c (one worker in
// it), place.c (who runs next, and where). For these three only.
#pragma once

#include "http/gateway.h"
#include "script/engine.h"
#include "script/job.h"
#include "script/pool.h"
#include "script/sandbox.h"
#include "script/worker.h"

#define POOL_MEMORY_DEFAULT (512LL * 1024 * 1024) // of a worker that is started for nobody yet
#define POOL_FAILURES_MAX 3                       // starts in a row; then whoever waits is told

enum member_state { MEMBER_STARTING, MEMBER_IDLE, MEMBER_RUNNING, MEMBER_PARSING, MEMBER_RETURNING, MEMBER_ENDING };

struct parse {
    struct parse *next;
    int64_t id;
    char *script;
    size_t script_bytes;
    void (*done)(void *ctx, const struct script_parsed *parsed);
    void *ctx;
};

// A worker in the pool.
struct member {
    struct member *next;
    struct script_pool *pool;
    struct worker *worker;
    enum member_state state;
    char *owner; // NULL: nobody's yet
    size_t owner_bytes;
    struct script_job *job;
    struct parse *parse;
    int runs;
    int processes; // of a fresh one; -1: not known
    int64_t heap_bytes, idle_since_ms;
    struct loop_timer *timer; // of a parse, of a return
    struct gateway_door *door; // out of its own network; NULL: it has none, or has not started yet
};

// Who has jobs waiting. In a ring: each gets one job placed, then it is the next one's turn.
struct owner {
    struct owner *next;
    char *name;
    size_t name_bytes;
    struct script_job *first, **last;
};

struct script_pool {
    struct script_pool_options opt;
    struct arena arena;
    char *work_dir;
    bool has_user;
    uid_t uid;
    gid_t gid;
    char user_note[640];
    struct sandbox *sandbox;
    struct gateway *gateway;
    struct arena engine_arena;
    struct engine engine;
    bool has_engine;
    int64_t looked_ms;
    char reason[sizeof((struct script_capabilities *)0)->missing]; // why none can run
    char lacking[sizeof((struct script_capabilities *)0)->missing]; // names of commands, by the last hello
    char version[32];
    struct member *members;
    struct owner *owners;
    struct script_job *finished; // results that are told in a round of their own
    struct parse *parses;
    int64_t parse_id, serial;
    int failures;
    int64_t start_after_ms;
    struct loop_timer *kick, *tick;
    bool is_closing;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

// pool.c
void pool_kick(struct script_pool *p); // looks again in the next round
void pool_tell_changed(const struct script_pool *p); // whoever shows its capabilities
void pool_finish_later(struct script_job *j, enum script_outcome outcome, const char *text); // told in the next round
void pool_fail_all_waiting(struct script_pool *p, const char *why);
void pool_tell(struct script_job *j, const struct script_result *r); // the end of a job; frees it
void pool_answer_parse(struct parse *parse, const struct script_parsed *parsed); // and frees it

// member.c
bool member_start(struct script_pool *p, int64_t heap_bytes); // false: noted as a failed start
void member_end(struct member *m); // kills it; it leaves the pool when its process has ended
bool member_is_leaving_more(const struct member *m); // something it started goes on without it
void member_run(struct member *m, struct script_job *j, str owner);
void member_send_job(struct member *m);     // the job it was given to run, which was held, goes
void member_take_back(struct member *m);    // that job will not go: the worker is free again
void member_parse(struct member *m, struct parse *parse);
str member_owner(const struct member *m); // empty: nobody's yet

// place.c
void place_all(struct script_pool *p);  // jobs and parses to workers, and workers for those that wait
int place_running(const struct script_pool *p); // jobs
bool place_has_room(const struct script_pool *p, str owner);
struct script_job *place_take_waiting(struct owner *o);
void place_drop_empty_owners(struct script_pool *p);
