// The life of a run: claimed under a fence, its attempt recorded, finished, recovered, read.
#include "store/runs.h"
#include "store/scopes.h"
#include "store/where.h"

#include <stdio.h>

#define RUN_COLUMNS                                                                                                                        \
    "id, space, reaction, revision_id, revision, event, revision_hash, key, replay_of, replay, state, queued, started, finished, due, attempts," \
    " fence, lease, is_repeatable, depth, order_key, error, output"

static void read_run(sqlite3_stmt *st, struct arena *a, struct store_run *v)
{
    *v = (struct store_run){
        .id = db_i64(st, 0),
        .space_id = db_i64(st, 1),
        .reaction_id = db_i64(st, 2),
        .revision_id = db_i64(st, 3),
        .revision_number = db_i64(st, 4),
        .event_id = db_i64(st, 5),
        .revision_hash = db_str(st, 6, a),
        .key = db_str(st, 7, a),
        .replay_of = db_i64(st, 8),
        .replay_number = db_i64(st, 9),
        .state = (enum run_state)db_i64(st, 10),
        .queued_ms = db_i64(st, 11),
        .started_ms = db_i64(st, 12),
        .finished_ms = db_i64(st, 13),
        .due_ms = db_i64(st, 14),
        .attempts = db_i64(st, 15),
        .fence = db_i64(st, 16),
        .lease_until_ms = db_i64(st, 17),
        .is_repeatable = db_i64(st, 18),
        .depth = db_i64(st, 19),
        .order_key = db_str(st, 20, a),
        .error = db_str(st, 21, a),
        .output = db_str(st, 22, a),
    };
}

// ---- claim ----

struct claim {
    struct store_claim *items;
    size_t count;
    struct store_run *runs;
    size_t run_count, run_cap;
    store_claimed_fn *done;
};

static bool start_attempt(struct db *d, struct store_run *run, const struct store_claim *item, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d,
        "UPDATE runs SET state = 1, attempts = attempts + 1, fence = fence + 1, lease = ?2, started = CASE started WHEN 0 THEN ?3 ELSE started END,"
        " begun = CASE ?3 WHEN 0 THEN begun ELSE fence + 1 END WHERE id = ?1", e);
    int64_t started_ms = item->is_start ? item->now_ms : 0;
    if (!st)
        return false;
    db_bind_i64(st, 1, run->id);
    db_bind_i64(st, 2, item->lease_until_ms);
    db_bind_i64(st, 3, started_ms);
    if (!db_run(d, st, e))
        return false;
    run->state = RUN_RUNNING;
    run->attempts++;
    run->fence++;
    run->lease_until_ms = item->lease_until_ms;
    if (!run->started_ms)
        run->started_ms = started_ms;

    st = db_prepare(d, "INSERT INTO attempts(run, number, started, finished, outcome, node) VALUES(?1, ?2, ?3, 0, 0, ?4)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, run->id);
    db_bind_i64(st, 2, run->attempts);
    db_bind_i64(st, 3, started_ms);
    db_bind_str(st, 4, item->node);
    return db_run(d, st, e);
}

static bool claim_one(struct db *d, struct op *op, struct claim *c, const struct store_claim *item, struct err *e)
{
    // A run with an order key waits until every earlier one of that key is at its end.
    sqlite3_stmt *st = db_prepare(d,
        "SELECT " RUN_COLUMNS " FROM runs r WHERE reaction = ?1 AND state IN (0, 2) AND due <= ?2"
        " AND (order_key IS NULL OR NOT EXISTS(SELECT 1 FROM runs o WHERE o.reaction = r.reaction AND o.order_key = r.order_key AND o.id < r.id AND o.state IN (0, 1, 2)))"
        " ORDER BY due, id LIMIT ?3", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, item->reaction_id);
    db_bind_i64(st, 2, item->now_ms);
    db_bind_i64(st, 3, item->limit);
    size_t first = c->run_count;
    int row;
    while ((row = db_step(d, st, e)) > 0) {
        assert(c->run_count < c->run_cap);
        read_run(st, &op->arena, &c->runs[c->run_count++]);
    }
    if (row < 0)
        return false;
    for (size_t i = first; i < c->run_count; i++)
        if (!start_attempt(d, &c->runs[i], item, e))
            return false;
    return !item->starts_since_ms || c->run_count == first || health_count_starts(d, item, c->run_count - first, e);
}

static bool exec_claim(struct db *d, struct op *op, struct err *e)
{
    struct claim *c = op->args;
    c->run_count = 0;
    for (size_t i = 0; i < c->count; i++)
        if (!claim_one(d, op, c, &c->items[i], e))
            return false;
    return true;
}

static void undo_claim(struct op *op)
{
    ((struct claim *)op->args)->run_count = 0;
}

static void done_claim(struct op *op)
{
    struct claim *c = op->args;
    c->done(op->user_ctx, c->runs, c->run_count, &op->err);
}

static void submit(struct op *op, struct loop *loop, void *ctx)
{
    op->loop = loop;
    op->user_ctx = ctx;
    op->bytes = op->arena.bytes;
    bool submitted = op_submit(op, NULL);
    assert(submitted); // never refused: it counts no requests
    (void)submitted;
}

void store_claim(struct store *s, struct loop *loop, const struct store_claim *items, size_t count, store_claimed_fn *done, void *ctx)
{
    struct op *op = op_new(s, exec_claim);
    struct claim *c = op->args = ARENA_NEW(&op->arena, struct claim);
    c->items = ARENA_ARRAY(&op->arena, struct store_claim, count);
    c->count = count;
    c->done = done;
    op->is_derived = true; // a claim that is lost has had no effect: what begins is synced
    for (size_t i = 0; i < count; i++) {
        op->is_derived = op->is_derived && !items[i].is_start;
        c->items[i] = items[i];
        c->items[i].node = arena_str(&op->arena, items[i].node);
        c->run_cap += (size_t)items[i].limit;
    }
    c->runs = ARENA_ARRAY(&op->arena, struct store_run, c->run_cap);
    op->undo = undo_claim;
    op->done = done_claim;
    submit(op, loop, ctx);
}

// ---- begin ----

struct begin {
    int64_t run_id, fence, now_ms;
    bool was_current;
    store_begun_fn *done;
};

static bool exec_begin(struct db *d, struct op *op, struct err *e)
{
    struct begin *b = op->args;
    sqlite3_stmt *st = db_prepare(d, "UPDATE runs SET begun = fence, started = CASE started WHEN 0 THEN ?3 ELSE started END WHERE id = ?1 AND fence = ?2 AND state = 1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, b->run_id);
    db_bind_i64(st, 2, b->fence);
    db_bind_i64(st, 3, b->now_ms);
    if (!db_run(d, st, e))
        return false;
    b->was_current = sqlite3_changes(db_handle(d)) > 0;
    st = db_prepare(d, "UPDATE attempts SET started = ?2 WHERE run = ?1 AND outcome = 0 AND started = 0 AND ?3", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, b->run_id);
    db_bind_i64(st, 2, b->now_ms);
    db_bind_i64(st, 3, b->was_current);
    return db_run(d, st, e);
}

static void done_begin(struct op *op)
{
    struct begin *b = op->args;
    b->done(op->user_ctx, b->was_current, &op->err);
}

void store_begin(struct store *s, struct loop *loop, int64_t run_id, int64_t fence, int64_t now_ms, store_begun_fn *done, void *ctx)
{
    struct op *op = op_new(s, exec_begin);
    struct begin *b = op->args = ARENA_NEW(&op->arena, struct begin);
    *b = (struct begin){ run_id, fence, now_ms, false, done };
    op->done = done_begin;
    submit(op, loop, ctx);
}

bool store_next_due(struct store *s, int64_t reaction_id, int64_t after_ms, int64_t *due_ms, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *due_ms = INT64_MAX;
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT due FROM runs WHERE reaction = ?1 AND state IN (0, 2) AND due > ?2 ORDER BY due LIMIT 1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, reaction_id);
    db_bind_i64(st, 2, after_ms);
    int row = db_step(r.db, st, e);
    if (row > 0)
        *due_ms = db_i64(st, 0);
    return row >= 0;
}

bool store_created_by(struct store *s, int64_t connection_id, str document, int64_t *run_id, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *run_id = 0;
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT run FROM created WHERE connection = ?1 AND document = ?2", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, connection_id);
    db_bind_str(st, 2, document);
    int row = db_step(r.db, st, e);
    if (row > 0)
        *run_id = db_i64(st, 0);
    return row >= 0;
}

// ---- finish ----

struct finish {
    struct store_finish *items;
    size_t count;
    bool *was_current;
    store_finished_fn *done;
};

static bool end_attempt(struct db *d, const struct store_finish *f, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, "UPDATE attempts SET finished = ?2, outcome = ?3, exit_code = ?4, error = ?5, doc = ?6 WHERE run = ?1 AND outcome = 0", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, f->run_id);
    db_bind_i64(st, 2, f->now_ms);
    db_bind_i64(st, 3, f->outcome);
    if (f->has_exit_code)
        db_bind_i64(st, 4, f->exit_code);
    db_bind_opt(st, 5, f->error);
    db_bind_opt(st, 6, f->attempt_doc);
    return db_run(d, st, e);
}

// The attempt is forgotten, but not its fence: a late word of it changes nothing.
#define RUN_AS_BEFORE_CLAIM "state = CASE WHEN attempts > 1 THEN 2 ELSE 0 END, attempts = attempts - 1, lease = 0, started = CASE WHEN attempts > 1 THEN started ELSE 0 END"

static bool release_one(struct db *d, const struct store_finish *f, bool *was_current, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, "UPDATE runs SET " RUN_AS_BEFORE_CLAIM ", due = ?3 WHERE id = ?1 AND fence = ?2 AND state = 1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, f->run_id);
    db_bind_i64(st, 2, f->fence);
    db_bind_i64(st, 3, f->due_ms);
    if (!db_run(d, st, e))
        return false;
    *was_current = sqlite3_changes(db_handle(d)) > 0;
    st = db_prepare(d, "DELETE FROM attempts WHERE run = ?1 AND outcome = 0 AND ?2", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, f->run_id);
    db_bind_i64(st, 2, *was_current);
    return db_run(d, st, e);
}

static bool finish_one(struct db *d, const struct store_finish *f, bool *was_current, struct err *e)
{
    if (f->is_release)
        return release_one(d, f, was_current, e);
    bool is_final = run_state_is_final(f->state);
    sqlite3_stmt *st = db_prepare(d,
        "UPDATE runs SET state = ?3, finished = ?4, due = ?5, lease = 0, error = ?6, output = ?7 WHERE id = ?1 AND fence = ?2 AND state = 1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, f->run_id);
    db_bind_i64(st, 2, f->fence);
    db_bind_i64(st, 3, f->state);
    db_bind_i64(st, 4, is_final ? f->now_ms : 0);
    db_bind_i64(st, 5, is_final ? 0 : f->due_ms);
    db_bind_opt(st, 6, f->error);
    db_bind_opt(st, 7, f->output);
    if (!db_run(d, st, e))
        return false;
    *was_current = sqlite3_changes(db_handle(d)) > 0;
    return !*was_current || (end_attempt(d, f, e) && (!f->health.reaction_id || health_keep(d, &f->health, e)));
}

static bool exec_finish(struct db *d, struct op *op, struct err *e)
{
    struct finish *f = op->args;
    for (size_t i = 0; i < f->count; i++)
        if (!finish_one(d, &f->items[i], &f->was_current[i], e))
            return false;
    return true;
}

static void done_finish(struct op *op)
{
    struct finish *f = op->args;
    f->done(op->user_ctx, f->was_current, f->count, &op->err);
}

void store_finish(struct store *s, struct loop *loop, const struct store_finish *items, size_t count, store_finished_fn *done, void *ctx)
{
    struct op *op = op_new(s, exec_finish);
    struct finish *f = op->args = ARENA_NEW(&op->arena, struct finish);
    f->items = ARENA_ARRAY(&op->arena, struct store_finish, count);
    f->was_current = ARENA_ARRAY(&op->arena, bool, count);
    f->count = count;
    f->done = done;
    for (size_t i = 0; i < count; i++) {
        f->items[i] = items[i];
        f->items[i].error = arena_str(&op->arena, items[i].error);
        f->items[i].output = arena_str(&op->arena, items[i].output);
        f->items[i].attempt_doc = arena_str(&op->arena, items[i].attempt_doc);
    }
    op->done = done ? done_finish : NULL;
    submit(op, loop, ctx);
}

// ---- log lines and API calls ----

struct append {
    struct store_log_line *lines;
    size_t line_count;
    struct store_api_call *calls;
    size_t call_count;
};

static bool exec_append(struct db *d, struct op *op, struct err *e)
{
    struct append *p = op->args;
    for (size_t i = 0; i < p->line_count; i++) {
        const struct store_log_line *l = &p->lines[i];
        sqlite3_stmt *st = db_prepare(d, "INSERT INTO logs(run, attempt, at, level, text) VALUES(?1, ?2, ?3, ?4, ?5)", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, l->run_id);
        db_bind_i64(st, 2, l->attempt);
        db_bind_i64(st, 3, l->at_ms);
        db_bind_str(st, 4, l->level);
        db_bind_str(st, 5, l->text);
        if (!db_run(d, st, e))
            return false;
    }
    for (size_t i = 0; i < p->call_count; i++) {
        const struct store_api_call *c = &p->calls[i];
        sqlite3_stmt *st = db_prepare(d, "INSERT INTO calls(run, attempt, at, doc) VALUES(?1, ?2, ?3, ?4)", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, c->run_id);
        db_bind_i64(st, 2, c->attempt);
        db_bind_i64(st, 3, c->at_ms);
        db_bind_str(st, 4, c->doc);
        if (!db_run(d, st, e))
            return false;
        for (size_t k = 0; k < c->created_count; k++) {
            st = db_prepare(d, "INSERT OR REPLACE INTO created(connection, document, run, at) VALUES(?1, ?2, ?3, ?4)", e);
            if (!st)
                return false;
            db_bind_i64(st, 1, c->connection_id);
            db_bind_str(st, 2, c->created[k]);
            db_bind_i64(st, 3, c->run_id);
            db_bind_i64(st, 4, c->at_ms);
            if (!db_run(d, st, e))
                return false;
        }
    }
    return true;
}

void store_append(struct store *s, const struct store_log_line *lines, size_t line_count, const struct store_api_call *calls, size_t call_count)
{
    struct op *op = op_new(s, exec_append);
    op->is_derived = !call_count; // the end of the attempt, which comes after, is synced; a call has had its effect outside
    op->may_linger = !call_count;
    struct arena *a = &op->arena;
    struct append *p = op->args = ARENA_NEW(a, struct append);
    p->lines = ARENA_ARRAY(a, struct store_log_line, line_count);
    p->line_count = line_count;
    for (size_t i = 0; i < line_count; i++) {
        p->lines[i] = lines[i];
        p->lines[i].level = arena_str(a, lines[i].level);
        p->lines[i].text = arena_str(a, lines[i].text);
    }
    p->calls = ARENA_ARRAY(a, struct store_api_call, call_count);
    p->call_count = call_count;
    for (size_t i = 0; i < call_count; i++) {
        p->calls[i] = calls[i];
        p->calls[i].doc = arena_str(a, calls[i].doc);
        str *created = ARENA_ARRAY(a, str, calls[i].created_count);
        for (size_t k = 0; k < calls[i].created_count; k++)
            created[k] = arena_str(a, calls[i].created[k]);
        p->calls[i].created = created;
    }
    submit(op, NULL, NULL);
}

// ---- recovery, and changes by hand ----

struct recover {
    int64_t now_ms, requeued, interrupted;
};

static bool exec_recover(struct db *d, struct op *op, struct err *e)
{
    struct recover *r = op->args;
    sqlite3_stmt *st = db_prepare(d, "DELETE FROM attempts WHERE outcome = 0 AND run IN (SELECT id FROM runs WHERE state = 1 AND begun != fence)", e);
    if (!st || !db_run(d, st, e))
        return false;
    st = db_prepare(d, "UPDATE runs SET " RUN_AS_BEFORE_CLAIM " WHERE state = 1 AND begun != fence", e);
    if (!st || !db_run(d, st, e))
        return false;
    r->requeued = sqlite3_changes(db_handle(d));
    st = db_prepare(d,
        "UPDATE attempts SET outcome = 4, finished = ?1, error = 'the server stopped while this attempt was under way' WHERE outcome = 0"
        " AND run IN (SELECT id FROM runs WHERE state = 1)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, r->now_ms);
    if (!db_run(d, st, e))
        return false;
    st = db_prepare(d, "UPDATE runs SET state = 2, due = ?1, lease = 0 WHERE state = 1 AND is_repeatable = 1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, r->now_ms);
    if (!db_run(d, st, e))
        return false;
    r->requeued += sqlite3_changes(db_handle(d));
    st = db_prepare(d,
        "UPDATE runs SET state = 5, finished = ?1, lease = 0, error = 'the server stopped after the script had started; it may have done part of its work and is not repeated'"
        " WHERE state = 1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, r->now_ms);
    if (!db_run(d, st, e))
        return false;
    r->interrupted = sqlite3_changes(db_handle(d));
    return true;
}

bool store_recover(struct store *s, int64_t now_ms, int64_t *requeued, int64_t *interrupted, struct err *e)
{
    struct op *op = op_new(s, exec_recover);
    struct recover *r = op->args = ARENA_NEW(&op->arena, struct recover);
    r->now_ms = now_ms;
    bool ok = op_wait(op, true, e);
    *requeued = r->requeued;
    *interrupted = r->interrupted;
    op_free(op);
    return ok;
}

struct by_hand {
    int64_t space_id, run_id, now_ms;
    bool is_cancel;
};

static bool may_change(const struct by_hand *h, enum run_state state)
{
    if (h->is_cancel)
        return state == RUN_QUEUED || state == RUN_WAITING;
    return state == RUN_FAILED || state == RUN_INTERRUPTED || state == RUN_DEAD_LETTERED;
}

static bool exec_by_hand(struct db *d, struct op *op, struct err *e)
{
    struct by_hand *h = op->args;
    sqlite3_stmt *st = db_prepare(d, "SELECT state FROM runs WHERE id = ?1 AND (?2 = 0 OR space = ?2)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, h->run_id);
    db_bind_i64(st, 2, h->space_id);
    int row = db_step(d, st, e);
    if (row < 0)
        return false;
    if (!row) {
        err_set(&op->err, ERR_NOT_FOUND, "Runs-%" PRId64 " does not exist", h->run_id);
        return true;
    }
    enum run_state state = (enum run_state)db_i64(st, 0);
    sqlite3_reset(st);
    if (!may_change(h, state)) {
        err_set(&op->err, ERR_CONFLICT, "Runs-%" PRId64 " is %s; only a run that is %s can be %s", h->run_id, run_state_name(state),
            h->is_cancel ? "Queued, Waiting or Running" : "Failed, Interrupted or DeadLettered", h->is_cancel ? "cancelled" : "retried");
        return true;
    }
    st = h->is_cancel ? db_prepare(d, "UPDATE runs SET state = 7, finished = ?2, error = 'cancelled by hand' WHERE id = ?1", e)
                      : db_prepare(d, "UPDATE runs SET state = 0, due = ?2, finished = 0, error = NULL WHERE id = ?1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, h->run_id);
    db_bind_i64(st, 2, h->now_ms);
    return db_run(d, st, e);
}

struct many_by_hand {
    struct by_hand what;
    int64_t *ids;
    size_t count, changed;
};

static bool exec_many_by_hand(struct db *d, struct op *op, struct err *e)
{
    struct many_by_hand *m = op->args;
    m->changed = 0;
    for (size_t i = 0; i < m->count; i++) {
        sqlite3_stmt *st = m->what.is_cancel ? db_prepare(d, "UPDATE runs SET state = 7, finished = ?2, error = 'cancelled by hand' WHERE id = ?1 AND state IN (0, 2)", e)
                                             : db_prepare(d, "UPDATE runs SET state = 0, due = ?2, finished = 0, error = NULL WHERE id = ?1 AND state IN (4, 5, 6)", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, m->ids[i]);
        db_bind_i64(st, 2, m->what.now_ms);
        if (!db_run(d, st, e))
            return false;
        m->changed += (size_t)sqlite3_changes(db_handle(d));
    }
    return true;
}

bool store_runs_by_hand(struct store *s, const int64_t *run_ids, size_t count, bool is_cancel, int64_t now_ms, size_t *changed, struct err *e)
{
    struct op *op = op_new(s, exec_many_by_hand);
    struct many_by_hand *m = op->args = ARENA_NEW(&op->arena, struct many_by_hand);
    *m = (struct many_by_hand){ { .is_cancel = is_cancel, .now_ms = now_ms }, ARENA_ARRAY(&op->arena, int64_t, count), count, 0 };
    if (count)
        memcpy(m->ids, run_ids, sizeof *run_ids * count);
    bool ok = op_wait(op, true, e);
    *changed = m->changed;
    op_free(op);
    return ok;
}

static bool change_by_hand(struct store *s, struct by_hand what, struct err *e)
{
    struct op *op = op_new(s, exec_by_hand);
    struct by_hand *h = op->args = ARENA_NEW(&op->arena, struct by_hand);
    *h = what;
    return op_wait(op, false, e);
}

bool store_run_retry(struct store *s, int64_t space_id, int64_t run_id, int64_t now_ms, struct err *e)
{
    return change_by_hand(s, (struct by_hand){ space_id, run_id, now_ms, false }, e);
}

bool store_run_cancel(struct store *s, int64_t space_id, int64_t run_id, int64_t now_ms, struct err *e)
{
    return change_by_hand(s, (struct by_hand){ space_id, run_id, now_ms, true }, e);
}

// ---- reading ----

bool store_run_get(struct store *s, int64_t space_id, int64_t id, struct arena *a, struct store_run **out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = NULL;
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT " RUN_COLUMNS " FROM runs WHERE id = ?1 AND (?2 = 0 OR space = ?2)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, space_id);
    int row = db_step(r.db, st, e);
    if (row > 0) {
        *out = ARENA_NEW(a, struct store_run);
        read_run(st, a, *out);
    }
    return row >= 0;
}

#define STATE(state) (1u << RUN_##state)
#define WAITING_STATES (STATE(QUEUED) | STATE(WAITING))
#define ENDED_STATES (STATE(SUCCEEDED) | STATE(FAILED) | STATE(INTERRUPTED) | STATE(DEAD_LETTERED) | STATE(CANCELLED))

static struct where conditions(const struct run_filter *f, struct arena *a)
{
    struct where w = { 0 };
    if (f->space_id)
        where_number(&w, "space = ?", f->space_id);
    if (f->reaction_id)
        where_number(&w, "reaction = ?", f->reaction_id);
    if (f->event_id)
        where_number(&w, "event = ?", f->event_id);
    // In the words of the partial indexes, which are usable only so.
    if (f->states && !(f->states & ~ENDED_STATES)) {
        char in[64] = "state > 2 AND state IN (-1";
        for (int state = 0; state <= RUN_CANCELLED; state++)
            if (f->states >> state & 1)
                snprintf(in + strlen(in), sizeof in - strlen(in), ", %d", state);
        strcat(in, ")");
        where_that(&w, in);
    } else if (f->states == STATE(RUNNING)) {
        where_that(&w, "state = 1");
    } else if (f->states) {
        where_number(&w, "(1 << state) & ?", f->states);
        if (!(f->states & ~WAITING_STATES))
            where_that(&w, "state IN (0, 2)");
    }
    if (f->from_ms)
        where_number(&w, "queued >= ?", f->from_ms);
    if (f->to_ms)
        where_number(&w, "queued < ?", f->to_ms);
    // Who may see a run follows its event; a run whose event is gone is for those who see all.
    if (f->scopes.is_limited)
        where_text(&w, "EXISTS(SELECT 1 FROM events WHERE events.id = runs.event AND " SCOPES_HOLD ")", scopes_text(&f->scopes, a));
    return w;
}

// The index that leaves the least to look at; without one the rows are walked from the newest, unless that is far.
static const char *list_index(const struct run_filter *f, bool is_far)
{
    if (f->event_id)
        return " INDEXED BY runs_once";
    if (f->states && !(f->states & ~ENDED_STATES))
        return " INDEXED BY runs_ended";
    if (f->states && !(f->states & ~WAITING_STATES))
        return " INDEXED BY runs_waiting";
    if (f->states == STATE(RUNNING))
        return " INDEXED BY runs_running";
    if (f->reaction_id)
        return " INDEXED BY runs_reaction";
    return is_far || f->from_ms || f->to_ms ? " INDEXED BY runs_list" : "";
}

bool store_run_list(struct store *s, const struct run_filter *f, struct store_page page, struct arena *a, struct store_runs *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_runs){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    struct where w = conditions(f, a);
    if (!where_count(r.db, &w, "runs", list_index(f, true), &out->total, e))
        return false;
    sqlite3_stmt *st = where_page(r.db, &w, RUN_COLUMNS, "runs", list_index(f, page.skip > WHERE_FAR_ROWS), page, e);
    if (!st)
        return false;
    out->items = ARENA_ARRAY(a, struct store_run, (size_t)page.take);
    size_t bytes = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        if (page_is_full(&page, out->count, bytes)) {
            out->has_more = true;
            break;
        }
        struct store_run *v = &out->items[out->count++];
        read_run(st, a, v);
        bytes += v->output.n + v->error.n;
    }
    sqlite3_finalize(st);
    return row >= 0;
}

static bool read_calls(struct db *d, int64_t run_id, struct store_attempt *at, struct arena *a, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, "SELECT doc FROM calls WHERE run = ?1 AND attempt = ?2 ORDER BY id LIMIT 1000", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, run_id);
    db_bind_i64(st, 2, at->number);
    str *calls = NULL;
    size_t cap = 0;
    int row;
    while ((row = db_step(d, st, e)) > 0) {
        xgrow(&calls, &cap, at->call_count + 1, sizeof *calls);
        calls[at->call_count++] = db_str(st, 0, a);
    }
    at->calls = ARENA_ARRAY(a, str, at->call_count);
    if (at->call_count)
        memcpy(at->calls, calls, sizeof *calls * at->call_count);
    free(calls);
    return row == 0;
}

bool store_call_list(struct store *s, int64_t reaction_id, int64_t since_ms, int64_t before_run, int64_t runs, struct arena *a, struct store_calls *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_calls){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT r.id, c.doc FROM (SELECT id FROM runs WHERE reaction = ?1 AND id < ?2 AND queued >= ?3 ORDER BY id DESC LIMIT ?4) r"
                                        " LEFT JOIN calls c ON c.run = r.id ORDER BY r.id DESC", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, reaction_id);
    db_bind_i64(st, 2, before_run ? before_run : INT64_MAX);
    db_bind_i64(st, 3, since_ms);
    db_bind_i64(st, 4, runs);
    str *docs = NULL;
    size_t cap = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        out->run_count += !out->run_count || db_i64(st, 0) != out->oldest_run;
        out->oldest_run = db_i64(st, 0);
        if (sqlite3_column_type(st, 1) == SQLITE_NULL)
            continue;
        xgrow(&docs, &cap, out->count + 1, sizeof *docs);
        docs[out->count++] = db_str(st, 1, a);
    }
    out->docs = ARENA_ARRAY(a, str, out->count);
    if (out->count)
        memcpy(out->docs, docs, sizeof *docs * out->count);
    free(docs);
    out->has_more = (int64_t)out->run_count == runs;
    return row == 0;
}

bool store_attempt_list(struct store *s, int64_t run_id, struct arena *a, struct store_attempts *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_attempts){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT number, started, finished, outcome, node, exit_code, error, doc FROM attempts WHERE run = ?1 ORDER BY number LIMIT 100", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, run_id);
    out->items = ARENA_ARRAY(a, struct store_attempt, 100);
    int row;
    while ((row = db_step(r.db, st, e)) > 0)
        out->items[out->count++] = (struct store_attempt){
            .number = db_i64(st, 0),
            .started_ms = db_i64(st, 1),
            .finished_ms = db_i64(st, 2),
            .outcome = (enum attempt_outcome)db_i64(st, 3),
            .node = db_str(st, 4, a),
            .has_exit_code = sqlite3_column_type(st, 5) != SQLITE_NULL,
            .exit_code = (int)db_i64(st, 5),
            .error = db_str(st, 6, a),
            .doc = db_str(st, 7, a),
        };
    for (size_t i = 0; row == 0 && i < out->count; i++)
        if (!read_calls(r.db, run_id, &out->items[i], a, e))
            return false;
    return row == 0;
}

bool store_log_list(struct store *s, int64_t run_id, int64_t after_id, int64_t take, size_t max_bytes, struct arena *a, struct store_log *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_log){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT id, attempt, at, level, text FROM logs WHERE run = ?1 AND id > ?2 ORDER BY id LIMIT ?3", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, run_id);
    db_bind_i64(st, 2, after_id);
    db_bind_i64(st, 3, take + 1);
    out->items = ARENA_ARRAY(a, struct store_log_line, (size_t)take);
    out->ids = ARENA_ARRAY(a, int64_t, (size_t)take);
    struct store_page page = { .take = take, .max_bytes = max_bytes };
    size_t bytes = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        if (page_is_full(&page, out->count, bytes)) {
            out->has_more = true;
            break;
        }
        out->ids[out->count] = db_i64(st, 0);
        struct store_log_line *line = &out->items[out->count++];
        *line = (struct store_log_line){ run_id, db_i64(st, 1), db_i64(st, 2), db_str(st, 3, a), db_str(st, 4, a) };
        bytes += line->text.n;
    }
    return row >= 0;
}

bool store_queue_heads(struct store *s, struct arena *a, struct store_queue *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_queue){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT reaction, count(*), min(due) FROM runs WHERE state IN (0, 2) GROUP BY reaction", e);
    if (!st)
        return false;
    struct store_queue_head *items = NULL;
    size_t cap = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        xgrow(&items, &cap, out->count + 1, sizeof *items);
        items[out->count++] = (struct store_queue_head){ db_i64(st, 0), db_i64(st, 1), db_i64(st, 2) };
    }
    out->items = ARENA_ARRAY(a, struct store_queue_head, out->count);
    if (out->count)
        memcpy(out->items, items, sizeof *items * out->count);
    free(items);
    return row == 0;
}
