// prove.h - the parts of `reactions prove`: the server that is killed, and the witness outside it.
//
// The witness believes only what it saw itself: the 2xx answers to its posts, and the calls by which the scripts
// told it that they run. It lives in the proving process, which is never killed.
#pragma once

#include "app/cli.h"
#include "sys/loop.h"
#include "sys/random.h"

#include <pthread.h>

#define PROVE_MAX_POSTS 500000
#define PROVE_REACTIONS 2 // 0: a script that is not repeated; 1: one that may be (Retry.Scripts)

// ---- the server (prove_server.c) ----

struct prove_server {
    const char *data;
    const char *engine, *runtime; // NULL: as serve finds them
    int witness_port;             // scripts may call it
    int pid;                      // 0: none runs
    int output;                   // where it says that it listens
    str url;                      // in the arena given to prove_server_start
};
// Starts this very program as `serve` on the data folder and waits until it says where it listens.
MUST_USE bool prove_server_start(struct prove_server *s, struct arena *a, struct err *e);
void prove_server_kill(struct prove_server *s); // SIGKILL, and waits for the end; nothing where none runs
MUST_USE bool prove_server_stop(struct prove_server *s, struct err *e); // in order

// ---- the witness (prove_witness.c) ----

enum prove_phase { PROVE_ACCEPT, PROVE_CLAIM, PROVE_SCRIPT, PROVE_FINISH, PROVE_ANY, PROVE_PHASES };
const char *prove_phase_name(enum prove_phase p);

struct prove_post {
    int64_t event_id;                   // of the first 2xx; 0: none came yet
    int executions[PROVE_REACTIONS];    // calls of its scripts
    char key[PROVE_REACTIONS][40];      // the Idempotency-Key they told
    // what the server says about it, by the last look
    int64_t found_event, found_run[PROVE_REACTIONS];
};

struct witness {
    struct loop *loop;      // of the thread that takes the scripts' calls
    pthread_t thread;
    struct http_server *server;
    int port;
    pthread_mutex_t lock;   // guards what both threads touch: posts' executions, and the following four
    struct prove_post *posts; // by number, from 1; room for all there may be
    int64_t executed;
    struct loop *killer;    // told when the armed moment has come; NULL: not armed
    enum prove_phase armed;
    int64_t armed_at;       // by the so-manieth execution
    int64_t sent;           // numbers given out
    char violation[256];    // the first thing it saw that must not be
};
MUST_USE bool witness_start(struct witness *w, struct err *e);
void witness_stop(struct witness *w);
// Keeps the first.
void witness_object(struct witness *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

struct prove_sending {
    struct witness *witness;
    struct prove_server *server;
    str key;                // of the trigger
    int rate;               // posts a second
    enum prove_phase phase; // where to kill
    const struct random *random;
    int64_t sent, acknowledged, unanswered; // results
    bool was_in_phase;      // false: its moment did not come, and it was killed at another
};
// Posts, and kills the server within the phase.
MUST_USE bool prove_send_and_kill(struct prove_sending *s, struct err *e);
// Posts again what had no answer, as senders do, until each has one.
MUST_USE bool prove_send_again(struct prove_sending *s, struct err *e);
