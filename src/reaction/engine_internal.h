// engine_internal.h - what the engine's files share: the engine itself and a run under way.
// Only src/reaction's engine*.c, run_*.c, broker*.c, gone.c, engine_judge.c and subscription.c include this.
#pragma once

#include "http/client.h"
#include "queue/ready.h"
#include "reaction/engine.h"
#include "reaction/data.h"
#include "reaction/policy.h"
#include "reaction/prepared.h"
#include "reaction/tail.h"

#include <pthread.h>

struct engine {
    struct engine_options opt;
    pthread_t thread;
    struct loop *loop;
    struct script_pool *pool, *dry_pool; // dry_pool: its workers have no network where that can be had
    int dry_running;
    struct http_client *http;
    struct tails *tails;
    struct loop_timer *timer;
    const struct snapshot *egress_snapshot; // the policy of the moment, for http

    struct policies *policies;
    struct ready ready;
    struct map active; // the run's id -> struct active
    bool is_matching, is_stopping;
    int64_t match_after_id; // events up to it that are not matched wait for documents of Octopus
    struct map held;        // deployments of which an event waits so: those behind it wait too
    int64_t match_again_ms; // READY_NEVER, or when a match that could not be stored is tried again
    int scripts_running, max_scripts;
    int requests_running;
    struct finishing *ending, **last_ending; // attempts that ended in this round of the loop
    bool is_round_posted;
    struct prepared_set *prepared; // what was read of revisions
    struct map hosts;  // run_http.c's: "host:port" -> who is under way there, and who waits
    struct active *waiting; // runs that wait for documents of Octopus before they start
    struct asking *asking;  // engine_ask.c's: threads that wait for documents
    struct gone *gone; // gone.c's: reactions being disabled
    struct broker_http *broker_http; // NULL until a run asks for the .NET client

    pthread_mutex_t lock; // guards stats, scripts and wake flags
    struct engine_stats stats;
    struct script_capabilities scripts; // of the pool, as it was last told
    bool is_wake_posted, is_heads_posted;
};

// One attempt of one run, from its claim to its end.
struct active {
    struct engine *engine;
    struct arena arena; // of the attempt
    struct store_run run;
    const struct snapshot *snapshot;
    const struct reaction *def;  // with its secrets in the clear
    struct prepared *prepared;   // NULL: read for this run alone
    struct store_event *event;
    struct json *payload;
    struct vars *vars;  // what its templates see
    uint32_t needs;     // of Octopus's variables (octopus_vars.h)
    struct active *next_waiting;
    struct loop_timer *wait_timer;
    struct mask *mask;
    struct mask_lines *masked_lines; // of its log
    struct sealed_values secrets;
    struct dry_run *dry; // dry_run.c's: nothing is stored, every write is withheld
    bool is_script, is_cancelled, is_stopped;
    struct script_job *job;
    str client_token, client_folder; // of its .NET client; none: it has none
    bool is_unread; // the store could not be read: it waits, and is tried again
    struct loop_timer *begin_again; // the store did not take that it begins: tried again
    struct http_attempt *http; // run_http.c's

    int64_t log_bytes, log_lines;
    int64_t api_calls;
    bool log_is_full;
    char refusal[512]; // of the last address that its script asked about
    int requests; // of the broker, under way: the attempt is freed when they are done
    bool is_finished;
};

struct attempt_end {
    enum attempt_outcome outcome;
    bool may_retry;
    int64_t retry_after_ms; // -1: not said
    bool has_exit_code;
    int exit_code;
    str error;
    const struct json *output;      // array or NULL
    const struct json *attempt_doc; // object or NULL
};

#define STORE_RETRY_MS 1000 // what the store did not take is tried again after this

int64_t engine_now_ms(struct engine *g);
// The run under way of that id, or NULL.
struct active *engine_active(struct engine *g, int64_t run_id);
// Starts what may start now, and sets the timer for what may later.
void engine_schedule(struct engine *g);
void engine_set_timer(struct engine *g);
// It waits for documents no longer.
void engine_stop_waiting(struct active *run);

// engine_match.c: what is stored and not matched yet; and from the oldest event on, as what waited may have come.
void engine_match_more(struct engine *g);
void engine_match_again(struct engine *g);

void engine_finish(struct active *run, const struct attempt_end *end);
// Instead: nothing of the attempt has happened, and it is not this run's fault. The run waits as before its claim.
void engine_release(struct active *run, int64_t due_ms);
// The script has a worker: it begins as soon as that is stored.
void engine_begin(struct active *run);
void engine_note(struct engine *g, const struct engine_note *note);
void engine_active_free(struct active *run);
// The revision the run is pinned to, with its secrets in the clear; then what its templates see.
MUST_USE bool engine_load_definition(struct active *run, struct err *e);
MUST_USE bool engine_load_data(struct active *run, struct err *e);

// dry_run.c: what a dry run says, calls and comes to.
#define DRY_RUNS_AT_ONCE 2
void dry_run_log(struct active *run, const struct json *lines);
void dry_run_call(struct active *run, const struct json *call, str body);
void dry_run_finish(struct active *run, const struct attempt_end *end);

// Starts the action. False with the reason: the attempt then ends as failed.
MUST_USE bool run_script_start(struct active *run, struct err *e);
// asked: the request it came by, which is then answered; NULL: the worker's own, which is answered as call->id.
void broker_call(struct active *run, const struct script_call *call, struct http_request *asked);

// broker_http.c: an address and a token for Octopus's .NET client, good until broker_http_dismiss. Below its url is what stands
// below the Octopus server's.
MUST_USE bool broker_http_admit(struct active *run, str octopus_url, str *url, str *token, struct err *e);
void broker_http_dismiss(struct active *run);
bool broker_http_is_at(const struct active *run, str address, int port); // the run may connect there: it is its own broker
void broker_http_answer(struct http_request *r, const struct script_reply *reply);
void broker_http_close(struct engine *g);
// The last request of an attempt that had ended before it is done: frees the attempt.
void run_requests_done(struct active *run);

// For an event of that connection (0: none): `view` must live as long as the source.
struct octopus_view {
    struct engine *engine;
    int64_t connection_id;
};
struct data_source engine_octopus_data(struct engine *g, const struct snapshot *s, const struct store_event *v, struct octopus_view *view);
struct data_source engine_data(struct engine *g, const struct snapshot *s);
