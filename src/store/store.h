// store.h - everything that must survive: configuration, events, verdicts, runs, logs.
//
// Domain calls on batches; no SQL, statement or cursor leaves this layer. Writes are queued to one
// committer, which takes whatever waits as one transaction and answers only after the sync; a
// write's `done` runs on the loop given, after its commit. Reads copy a page and let go at once.
//
//     accepted -> (a transaction) -> stored event -> matched: verdicts and runs -> claimed, attempt
//     started -> finished, or waiting for its next attempt
//
// After a failed sync nothing is acknowledged on that handle again: everything in that batch fails,
// the handle is closed, opened anew and recovered by the database; then work goes on.
//
// Engines: a file (SQLite), and memory (SQLite without a file; for tests it can delay, reorder and
// fail commits). Instants are milliseconds since 1970 (see base/timetext.h).
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "sys/clock.h"
#include "sys/loop.h"

struct store;

// What a test may do to the committer.
struct store_faults {
    int64_t delay_us;      // before each commit
    bool reorder;          // completions of one batch are delivered in another order
    int fail_commit_every; // every n-th commit fails as a failed sync would; 0: none
    int full_after;        // from the n-th commit on the disk is full; 0: never
};

struct store_options {
    const char *path;      // database file; NULL: in memory
    const struct clock *clock;
    int64_t max_queued_requests; // 0: LIMIT_QUEUE_REQUESTS
    int64_t max_queued_bytes;    // 0: LIMIT_QUEUE_BYTES
    struct store_faults faults;
};

// Creates or migrates. A database of a newer version is refused. The caller holds the lock file.
MUST_USE bool store_open(const struct store_options *opt, struct store **out, struct err *e);
// Commits what is queued, answers it, closes. The loops named in calls must still run or be closed after.
void store_close(struct store *s);

struct store_stats {
    uint64_t commits, operations, failed_commits, reopened;
    uint64_t unsynced_commits; // of commits: held only what a crash loses nothing with (matches, log lines, counts)
    int64_t queued_requests, queued_bytes, wal_bytes, database_bytes;
    char last_error[256];
};
struct store_stats store_stats(struct store *s);
bool store_is_accepting(struct store *s); // false while the last commit failed or the queue is full
void store_set_faults(struct store *s, const struct store_faults *faults); // tests

// ---- configuration objects ------------------------------------------------------------------

enum store_kind {
    KIND_NONE,
    KIND_SPACE,
    KIND_CONNECTION,
    KIND_IDENTITY,
    KIND_SECRET,
    KIND_TRIGGER,
    KIND_TRIGGER_KEY, // parent: its trigger
    KIND_REACTION,
    KIND_REVISION,    // parent: its reaction; never changed
    KIND_USER,
    KIND_ROLE,
    KIND_API_KEY,     // parent: its user
    KIND_SETTING,
    KIND_SESSION,
    KIND_EVENT,       // events and runs have tables of their own; here for their ids only
    KIND_RUN,
    KIND_CHECK,       // what Octopus said of an identity's key; under the identity's number
    KIND_COUNT,
};

const char *store_kind_prefix(enum store_kind kind);       // "Reactions"
str store_id_text(struct arena *a, enum store_kind kind, int64_t id); // "Reactions-7"
bool store_id_parse(str text, enum store_kind kind, int64_t *id);     // exact case-insensitive prefix, then digits

struct store_object {
    enum store_kind kind;
    int64_t id, space_id, parent_id; // 0: none
    int64_t version;                 // 1, 2, ...: its ETag
    int64_t created_ms, modified_ms;
    str slug;                        // unique per (kind, space), case-insensitive; empty: none
    str doc;                         // JSON
};

// A new id of that kind, never given again.
MUST_USE bool store_reserve_id(struct store *s, enum store_kind kind, int64_t *id, struct err *e);

enum { STORE_ANY_VERSION = -1, STORE_MUST_BE_NEW = 0 };

struct store_put {
    struct store_object object;  // version and dates are set by the store
    int64_t expected_version;    // ERR_STALE unless it fits
    bool is_delete;
};

struct store_audit {
    int64_t space_id;
    str actor, action, subject; // "admin.key", "trigger.create", "Triggers-1"
    str doc;                    // JSON with the particulars; never a secret
};

// All of them or none, in one transaction, with the audit rows (hash-chained). Waits for the sync: not for a
// loop's thread. ERR_CONFLICT: the slug is taken; ERR_STALE: changed meanwhile; ERR_NOT_FOUND: nothing to delete.
MUST_USE bool store_change(struct store *s, const struct store_put *puts, size_t put_count, const struct store_audit *audit, size_t audit_count, struct err *e);
// Audit rows alone, not waited for.
void store_audit(struct store *s, const struct store_audit *audit);

// *out is NULL when there is none. space_id 0: any space.
MUST_USE bool store_get(struct store *s, enum store_kind kind, int64_t space_id, int64_t id, struct arena *a, struct store_object **out, struct err *e);
// By its slug, in any case, within that space; 0: of what belongs to none.
MUST_USE bool store_find(struct store *s, enum store_kind kind, int64_t space_id, str slug, struct arena *a, struct store_object **out, struct err *e);

struct store_page {
    int64_t skip, take;
    int64_t before_id; // cursor: only ids below it; 0: from the newest
    size_t max_bytes;  // the page ends with the item that reaches it; 0: no such end
};

struct store_objects {
    struct store_object *items;
    size_t count;
    int64_t total; // of all that fit, whatever the page
    bool has_more; // behind the last item
};
// Newest first. parent_id 0: any.
MUST_USE bool store_list(struct store *s, enum store_kind kind, int64_t space_id, int64_t parent_id, struct store_page page, struct arena *a, struct store_objects *out, struct err *e);

struct store_audit_row {
    int64_t id, at_ms, space_id;
    str actor, action, subject, doc, hash; // hash: hex
};
struct store_audit_rows {
    struct store_audit_row *items;
    size_t count;
    int64_t total;
    bool has_more;
};
MUST_USE bool store_audit_list(struct store *s, int64_t space_id, struct store_page page, struct arena *a, struct store_audit_rows *out, struct err *e);
// Walks the chain; *bad_id is the first row that does not fit (0: none), why says what is wrong with it.
MUST_USE bool store_audit_verify(struct store *s, int64_t *rows, int64_t *bad_id, str *head_hash, struct arena *a, str *why, struct err *e);

// ---- events ------------------------------------------------------------------------------------

enum event_source { EVENT_EXTERNAL, EVENT_INTERNAL };

struct store_event {
    int64_t id; // set by the store
    int64_t space_id;
    enum event_source source;
    int64_t trigger_id;     // external
    int64_t connection_id;  // internal
    str type;               // external: the trigger's slug; internal: the Octopus category
    str octopus_event_id;   // internal: unique per connection; empty otherwise
    str delivery_id;        // what the sender called it; empty: none
    bool is_reused_delivery; // that id came before with another body
    int64_t occurred_ms, received_ms;
    str request;            // JSON (contract's Request, without a body); empty for internal
    str payload_kind;       // "json" "form" "xml" "text" "bytes" "none"
    str body;               // raw bytes; for internal events the Octopus event as received
    int64_t caused_by_run;  // 0: none
    int64_t caused_by_reaction; // that run's, read from it; 0: none, or removed. Not stored
    int caused_depth;
    str project, environment; // Octopus ids the event is about, for who may see it; empty: none. Several environments: joined by commas
    // filled by matching
    int64_t matched, not_matched, errors;
    bool is_matched;        // matching has been done; in store_accept: there is nobody to offer it to
};

struct store_accept {
    struct store_event event;
    str idempotency_key;     // as sent; empty: none
    unsigned char body_hash[32]; // compared when a key comes again
    str replay_key;              // of a good signature, where it may come only once in replay_days; empty: none
    int64_t replay_days;
};

enum accept_outcome {
    ACCEPT_NEW,
    ACCEPT_DUPLICATE, // event_id is the first one's
    ACCEPT_KEY_REUSED, // Idempotency-Key with another body: 422, nothing stored
    ACCEPT_REPLAYED,   // the same signature over the same body came before, and is not a retry: nothing of the batch is stored
    ACCEPT_FAILED,
};
struct accept_result {
    enum accept_outcome outcome;
    int64_t event_id;
};

// Where a connection's tail stands; moved in the transaction that stores its events.
struct store_tail {
    int64_t connection_id;
    str doc; // JSON: watermark and seen ids
};

// Answers by done on `loop`. False (ERR_BUSY) at once when the queue is full: nothing was queued. Everything is copied.
// e in done: kind ERR_NONE, or why nothing of the batch was stored.
typedef void store_accepted_fn(void *ctx, const struct accept_result *results, size_t count, const struct err *e);
MUST_USE bool store_accept(struct store *s, struct loop *loop, const struct store_accept *items, size_t count, const struct store_tail *tail, store_accepted_fn *done, void *ctx, struct err *e);
MUST_USE bool store_tail_get(struct store *s, int64_t connection_id, struct arena *a, str *doc, struct err *e); // empty: none yet

// What the event of a run or the event itself is about, without its body. *is_there: the event exists still.
struct store_event_place {
    int64_t space_id;
    str project, environment;
};
MUST_USE bool store_event_place_get(struct store *s, int64_t event_id, struct arena *a, struct store_event_place *out, bool *is_there, struct err *e);

MUST_USE bool store_event_get(struct store *s, int64_t space_id, int64_t id, struct arena *a, struct store_event **out, struct err *e);
// Many at once, for runs that start together: one look at the store instead of one for each. Each has an arena of its own; *event is
// NULL where there is none.
struct store_event_wish {
    int64_t id;
    struct arena *arena;
    struct store_event *event;
};
MUST_USE bool store_events_get(struct store *s, struct store_event_wish *wishes, size_t count, struct err *e);

// Where somebody may look: a row fits when one scope's lists each are empty or hold what the row's event is about.
struct store_scope {
    const str *projects, *environments; // Octopus ids; none: any, also rows without one
    size_t project_count, environment_count;
};
struct store_scopes {
    bool is_limited; // false: the rest is not looked at
    const struct store_scope *items;
    size_t count; // none: nothing fits
};

struct event_filter {
    int64_t space_id;    // 0: any
    int source;          // -1: any
    str type;
    int64_t trigger_id;
    str octopus_event_id;
    int64_t from_ms, to_ms; // received; 0: open
    struct store_scopes scopes;
};
struct store_events {
    struct store_event *items; // bodies included only where asked
    size_t count;
    int64_t total;
    bool has_more;
};
MUST_USE bool store_event_list(struct store *s, const struct event_filter *f, struct store_page page, bool with_body, struct arena *a, struct store_events *out, struct err *e);
// The oldest not yet matched with id above after_id, with bodies, at most max_count and about max_bytes.
MUST_USE bool store_events_unmatched(struct store *s, int64_t after_id, size_t max_count, size_t max_bytes, struct arena *a, struct store_events *out, struct err *e);

// ---- verdicts and runs --------------------------------------------------------------------------

enum verdict { VERDICT_MATCHED, VERDICT_NOT_MATCHED, VERDICT_DISABLED, VERDICT_OUT_OF_SCOPE, VERDICT_OWN_EFFECT, VERDICT_ERROR };
const char *verdict_name(enum verdict v);

enum run_state { RUN_QUEUED, RUN_RUNNING, RUN_WAITING, RUN_SUCCEEDED, RUN_FAILED, RUN_INTERRUPTED, RUN_DEAD_LETTERED, RUN_CANCELLED };
const char *run_state_name(enum run_state s);
bool run_state_parse(str text, enum run_state *out); // no case
bool run_state_is_final(enum run_state s);

enum attempt_outcome { ATTEMPT_RUNNING, ATTEMPT_SUCCEEDED, ATTEMPT_FAILED, ATTEMPT_TIMED_OUT, ATTEMPT_INTERRUPTED, ATTEMPT_CANCELLED };
const char *attempt_outcome_name(enum attempt_outcome o);

struct store_run {
    int64_t id; // set by the store
    int64_t space_id, reaction_id, revision_id, revision_number, event_id;
    str revision_hash;
    str key;                // Idempotency-Key: one for all attempts
    int64_t replay_of, replay_number;
    enum run_state state;
    int64_t queued_ms, started_ms, finished_ms;
    int64_t due_ms;         // earliest start (RUN_QUEUED, RUN_WAITING)
    int64_t attempts;       // started so far
    int64_t fence;          // grows with each claim
    int64_t lease_until_ms;
    bool is_repeatable;     // an attempt that had started may be started again
    str debounce_key;       // replaces the runs of its reaction with the same key that have not started; empty: none. Not read back
    str order_key;          // runs of one reaction with equal keys go one after the other; empty: none
    int64_t depth;          // of causes
    int64_t place_ms;       // when the loop breaker lets it through; 0: not its concern. Not read back (store_places)
    str output;             // JSON array, or empty
    str error;
};

struct store_verdict {
    int64_t reaction_id, revision_number;
    enum verdict verdict;
    int64_t run_id; // 0: none. In store_match: index+1 into runs, made the id
    str parts;      // JSON array
};

struct store_match {
    int64_t event_id;
    const struct store_verdict *verdicts;
    size_t verdict_count;
    const struct store_run *runs; // queued
    size_t run_count;
    int64_t unlisted; // further reactions that said no: counted, not kept
};
// (event, reaction, replay number) is one run for ever: a run that exists already is not made again, and an event
// already matched is left alone.
typedef void store_matched_fn(void *ctx, const int64_t *run_ids, size_t count, const struct err *e);
void store_match(struct store *s, struct loop *loop, const struct store_match *items, size_t count, store_matched_fn *done, void *ctx);

struct store_verdicts {
    struct store_verdict *items;
    size_t count;
};
MUST_USE bool store_verdict_list(struct store *s, int64_t event_id, struct arena *a, struct store_verdicts *out, struct err *e);

// Leases up to limit due runs of one reaction, oldest due first, and records their next attempt: as begun (is_start), or as one
// that has yet to begin by store_begin. A run that was claimed and has not begun is taken up anew after a crash, as if
// it had not been claimed.
struct store_claim {
    int64_t reaction_id;
    int limit;
    int64_t now_ms, lease_until_ms;
    bool is_start;
    str node;
    int64_t starts_since_ms; // 0: not counted. Else each start is kept (store_starts), and those before it are forgotten
};
typedef void store_claimed_fn(void *ctx, const struct store_run *runs, size_t count, const struct err *e);
void store_claim(struct store *s, struct loop *loop, const struct store_claim *items, size_t count, store_claimed_fn *done, void *ctx);

// The attempt begins: from the sync on it counts as started. Before anything of it may have an effect.
typedef void store_begun_fn(void *ctx, bool was_current, const struct err *e);
void store_begin(struct store *s, struct loop *loop, int64_t run_id, int64_t fence, int64_t now_ms, store_begun_fn *done, void *ctx);

// The earliest due time after after_ms of a reaction's waiting runs; INT64_MAX: none.
MUST_USE bool store_next_due(struct store *s, int64_t reaction_id, int64_t after_ms, int64_t *due_ms, struct err *e);

// The instants of a reaction's starts since then, oldest first; at most max, the latest ones.
MUST_USE bool store_starts(struct store *s, int64_t reaction_id, int64_t since_ms, int64_t max, struct arena *a, int64_t **at_ms, size_t *count, struct err *e);
// How a reaction fares, for its circuit breaker and the question whether it has known only failures. store_finish keeps it; one that is
// well has none.
struct store_health {
    int64_t reaction_id;
    int64_t failing_since_ms; // 0: the last end was no failure
    int64_t failures, last_run_id, open_for_ms, open_until_ms; // queue/breaker.h's; open_until_ms 0: closed
};
struct store_healths {
    struct store_health *items;
    size_t count;
};
MUST_USE bool store_health_list(struct store *s, struct arena *a, struct store_healths *out, struct err *e);
// The places runs were given by the loop breaker (store_run.place_ms) at that time or later, also those that lie ahead, the earliest first.
#define STORE_PLACES_KEPT_MS (10 * 60 * 1000)
typedef void store_place_fn(void *ctx, int64_t reaction_id, int64_t at_ms);
MUST_USE bool store_places(struct store *s, int64_t since_ms, store_place_fn *each, void *ctx, struct err *e);

// The end of an attempt. Nothing happens (and the result says so) when the fence is not the run's present one.
struct store_finish {
    int64_t run_id, fence;
    bool is_release;          // nothing of the attempt has happened: it is forgotten, and the run waits as before its claim
    enum attempt_outcome outcome;
    enum run_state state;     // what the run becomes
    int64_t now_ms, due_ms;   // due: for RUN_WAITING
    bool has_exit_code;
    int exit_code;
    str error, output;
    str attempt_doc;          // JSON: Request, Response, Timings; or empty
    struct store_health health; // reaction_id 0: it stays
};
// done may be NULL. was_current[i]: the fence fitted.
typedef void store_finished_fn(void *ctx, const bool *was_current, size_t count, const struct err *e);
void store_finish(struct store *s, struct loop *loop, const struct store_finish *items, size_t count, store_finished_fn *done, void *ctx);

struct store_log_line {
    int64_t run_id, attempt, at_ms;
    str level, text;
};
struct store_api_call {
    int64_t run_id, attempt, at_ms;
    str doc; // JSON: the contract's ApiCalls element
    int64_t connection_id;    // where `created` was brought into being: the ids of Octopus documents, or none
    const str *created;
    size_t created_count;
};
// Appended in order; answered by nothing, but before any later finish of that run.
void store_append(struct store *s, const struct store_log_line *lines, size_t line_count, const struct store_api_call *calls, size_t call_count);

// The run that created that document; 0: none did, or long ago.
MUST_USE bool store_created_by(struct store *s, int64_t connection_id, str document, int64_t *run_id, struct err *e);

// What a restart finds: leased runs of this node (or whose lease ran out) become waiting where they had not begun or may be
// repeated, interrupted otherwise. Waits for the sync.
MUST_USE bool store_recover(struct store *s, int64_t now_ms, int64_t *requeued, int64_t *interrupted, struct err *e);

// By hand. ERR_CONFLICT names the state that forbids it. Waits for the sync.
MUST_USE bool store_run_retry(struct store *s, int64_t space_id, int64_t run_id, int64_t now_ms, struct err *e);
MUST_USE bool store_run_cancel(struct store *s, int64_t space_id, int64_t run_id, int64_t now_ms, struct err *e);
// The same of many, in one transaction: those whose state does not allow it are passed over. *changed: how many.
MUST_USE bool store_runs_by_hand(struct store *s, const int64_t *run_ids, size_t count, bool is_cancel, int64_t now_ms, size_t *changed, struct err *e);
// New runs (replays, backfills); run.replay_number is chosen by the store. Waits for the sync.
MUST_USE bool store_run_add(struct store *s, const struct store_run *runs, size_t count, int64_t *ids, struct err *e);

MUST_USE bool store_run_get(struct store *s, int64_t space_id, int64_t id, struct arena *a, struct store_run **out, struct err *e);

struct run_filter {
    int64_t space_id, reaction_id, event_id; // 0: any
    uint32_t states;        // bit per run_state; 0: any
    int64_t from_ms, to_ms; // queued; 0: open
    struct store_scopes scopes; // of the run's event
};
struct store_runs {
    struct store_run *items;
    size_t count;
    int64_t total;
    bool has_more;
};
MUST_USE bool store_run_list(struct store *s, const struct run_filter *f, struct store_page page, struct arena *a, struct store_runs *out, struct err *e);

struct store_attempt {
    int64_t number, started_ms, finished_ms;
    enum attempt_outcome outcome;
    str node, error, doc;
    bool has_exit_code;
    int exit_code;
    str *calls; // JSON each
    size_t call_count;
};
struct store_attempts {
    struct store_attempt *items;
    size_t count;
};
MUST_USE bool store_attempt_list(struct store *s, int64_t run_id, struct arena *a, struct store_attempts *out, struct err *e);

struct store_calls {
    str *docs; // as appended
    size_t count, run_count;
    int64_t oldest_run; // the next page's before_run
    bool has_more;      // runs behind it
};
// The API calls of a reaction's newest `runs` runs below before_run (0: of all) that were queued since then.
MUST_USE bool store_call_list(struct store *s, int64_t reaction_id, int64_t since_ms, int64_t before_run, int64_t runs, struct arena *a, struct store_calls *out, struct err *e);

struct store_log {
    struct store_log_line *items;
    int64_t *ids; // cursor of each
    size_t count;
    bool has_more;
};
// Oldest first, at most `take`, about max_bytes of them.
MUST_USE bool store_log_list(struct store *s, int64_t run_id, int64_t after_id, int64_t take, size_t max_bytes, struct arena *a, struct store_log *out, struct err *e);

// What waits, by reaction: the engine's picture of the queue after a start.
struct store_queue_head {
    int64_t reaction_id, waiting, first_due_ms;
};
struct store_queue {
    struct store_queue_head *items;
    size_t count;
};
MUST_USE bool store_queue_heads(struct store *s, struct arena *a, struct store_queue *out, struct err *e);

// ---- use of keys ------------------------------------------------------------------------------

struct store_key_use {
    int64_t key_id, last_used_ms, count;
    str address;
};
void store_key_used(struct store *s, const struct store_key_use *uses, size_t count); // added up; not waited for
MUST_USE bool store_key_use_get(struct store *s, int64_t key_id, struct arena *a, struct store_key_use *out, struct err *e);

// ---- care ------------------------------------------------------------------------------------------

struct store_keep { // ages in ms; 0: for ever
    int64_t dedupe_ms, verdicts_ms, runs_ms, events_ms;
};
// Removes at most about `limit` rows of what is older; *more: call again.
MUST_USE bool store_purge(struct store *s, const struct store_keep *keep, int64_t now_ms, int64_t limit, bool *more, struct err *e);
// A consistent copy into a new file, taken on the writing connection, page by page between commits.
MUST_USE bool store_backup(struct store *s, const char *path, struct err *e);
// Reads every page and index. *why: empty, or the first thing that is wrong.
MUST_USE bool store_check(struct store *s, struct arena *a, str *why, struct err *e);
