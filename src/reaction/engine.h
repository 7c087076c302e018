// engine.h - turns accepted events into runs and runs into effects. One thread, one loop.
//
//     stored event -> verdicts and runs (one commit) -> claimed, attempt recorded (one commit)
//         -> a worker or a request -> log lines and API calls as they come -> finished (one commit)
//
// All that matters is in the store: a killed engine starts anew from what is committed there.
#pragma once

#include "reaction/registry.h"
#include "script/pool.h"
#include "sys/random.h"

struct engine;

enum engine_note_kind { NOTE_EVENT, NOTE_RUN, NOTE_LOG, NOTE_CALL };
struct engine_note { // something changed: for those who watch. Told on the engine's thread; text lives for the call
    enum engine_note_kind kind;
    int64_t space_id, id; // of the event or run
    int64_t reaction_id;
    const char *state;    // NOTE_RUN
    str text;             // NOTE_LOG: a JSON array of lines; NOTE_CALL: the call's JSON
};

struct script_call;
struct script_reply;
struct engine_stand_in { // asked in the place of every Octopus and feed, on the engine's thread; nothing is polled
    void *ctx;
    bool (*document)(void *ctx, str id, const struct json **doc); // false: there is none
    void (*call)(void *ctx, const struct script_call *call, struct arena *a, struct script_reply *reply); // a read; writes are withheld
};

struct engine_options {
    struct store *store;
    struct registry *registry;
    const struct keyring *keyring;
    const struct clock *clock;
    const struct random *random;
    const char *node;        // name of this server
    const char *data_dir;    // modules/<space>/ lies below
    const char *server_uri;  // our own address, for links; may be NULL
    const char *proxy;       // what leaves goes through it (http/client.h); NULL: none
    struct script_pool_options scripts; // loop is set by the engine
    void (*note)(void *ctx, const struct engine_note *note);
    void *note_ctx;
    const struct engine_stand_in *stand_in; // NULL: the real ones
};

MUST_USE bool engine_start(const struct engine_options *opt, struct engine **out, struct err *e);
// Lets nothing new start, ends running scripts after grace_ms, stops the thread. What was under way is recovered by the next start.
void engine_stop(struct engine *g, int64_t grace_ms);

void engine_wake(struct engine *g);         // events were accepted; any thread
void engine_runs_changed(struct engine *g); // runs were added or changed by hand; any thread
// Cancels a run that is under way. Any thread; false when it is not running here.
bool engine_cancel(struct engine *g, int64_t run_id);
// The PowerShell parser's opinion of a script. Blocks the calling thread (not a loop's); errors live in the arena.
MUST_USE bool engine_parse_script(struct engine *g, str script, struct arena *a, struct script_parsed *out, struct err *e);
struct script_capabilities engine_script_capabilities(struct engine *g);

struct engine_stats {
    int64_t running, waiting_reactions, workers_idle, workers_busy;
    uint64_t matched_events, started, succeeded, failed;
    int64_t last_match_ms; // monotonic, of the last event matched
};
// What a reaction waits for, beside time and room. Any thread.
struct policy_view;
struct policy_view engine_policy(struct engine *g, int64_t reaction_id);
// Where the tail of a connection stands. Any thread; false: it has none.
struct tail_status;
bool engine_tail_status(struct engine *g, int64_t connection_id, struct tail_status *out);
// Octopus says that something happened there: the log is read now. Any thread.
void engine_push(struct engine *g, int64_t connection_id);
struct engine_stats engine_stats(struct engine *g);
