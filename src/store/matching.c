// Verdicts and the runs they lead to: written in one transaction, once for each event.
#include "store/runs.h"

struct match {
    struct store_match *items;
    size_t count;
    int64_t *run_ids;
    size_t run_count;
    store_matched_fn *done;
};

// "Only the last": what waits under the same key and has not started is replaced. Before its successor is there, so that it names no id.
static bool replace_debounced(struct db *d, const struct store_run *v, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d,
        "UPDATE runs SET state = 7, finished = ?3, due = 0, error = 'debounced: a later event came before it was due, and only the last one counts'"
        " WHERE reaction = ?1 AND debounce_key = ?2 AND state IN (0, 2) AND attempts = 0 AND event < ?4", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, v->reaction_id);
    db_bind_str(st, 2, v->debounce_key);
    db_bind_i64(st, 3, v->queued_ms);
    db_bind_i64(st, 4, v->event_id);
    return db_run(d, st, e);
}

bool run_insert(struct db *d, const struct store_run *v, int64_t *id, struct err *e)
{
    if (v->debounce_key.n && !replace_debounced(d, v, e))
        return false;
    sqlite3_stmt *st = db_prepare(d,
        "INSERT INTO runs(space, reaction, revision_id, revision, event, revision_hash, key, replay_of, replay, state, queued, started, finished, due, attempts, fence,"
        " lease, is_repeatable, depth, order_key, debounce_key, error) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, ?12, 0, 0, 0, ?13, ?14, ?15, ?16, ?17)"
        " ON CONFLICT(event, reaction, replay) DO NOTHING", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, v->space_id);
    db_bind_i64(st, 2, v->reaction_id);
    db_bind_i64(st, 3, v->revision_id);
    db_bind_i64(st, 4, v->revision_number);
    db_bind_i64(st, 5, v->event_id);
    db_bind_str(st, 6, v->revision_hash);
    db_bind_str(st, 7, v->key);
    db_bind_i64(st, 8, v->replay_of);
    db_bind_i64(st, 9, v->replay_number);
    db_bind_i64(st, 10, v->state);
    db_bind_i64(st, 11, v->queued_ms);
    db_bind_i64(st, 12, v->due_ms);
    db_bind_i64(st, 13, v->is_repeatable);
    db_bind_i64(st, 14, v->depth);
    db_bind_opt(st, 15, v->order_key);
    db_bind_opt(st, 16, v->debounce_key);
    db_bind_opt(st, 17, v->error);
    if (!db_run(d, st, e))
        return false;
    *id = sqlite3_changes(db_handle(d)) ? sqlite3_last_insert_rowid(db_handle(d)) : 0;
    return true;
}

static bool write_verdict(struct db *d, int64_t event_id, const struct store_verdict *v, int64_t run_id, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, "INSERT OR REPLACE INTO verdicts(event, reaction, revision, verdict, run, parts) VALUES(?1, ?2, ?3, ?4, ?5, ?6)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, event_id);
    db_bind_i64(st, 2, v->reaction_id);
    db_bind_i64(st, 3, v->revision_number);
    db_bind_i64(st, 4, v->verdict);
    db_bind_i64(st, 5, run_id);
    db_bind_opt(st, 6, v->parts);
    return db_run(d, st, e);
}

// False in *is_ours when the event was matched before (a restart between two commits).
static bool mark_matched(struct db *d, const struct store_match *m, bool *is_ours, struct err *e)
{
    int64_t matched = 0, not_matched = m->unlisted, errors = 0;
    for (size_t i = 0; i < m->verdict_count; i++) {
        matched += m->verdicts[i].verdict == VERDICT_MATCHED;
        errors += m->verdicts[i].verdict == VERDICT_ERROR;
        not_matched += m->verdicts[i].verdict != VERDICT_MATCHED && m->verdicts[i].verdict != VERDICT_ERROR;
    }
    sqlite3_stmt *st = db_prepare(d, "UPDATE events SET is_matched = 1, matched = ?2, not_matched = ?3, errors = ?4 WHERE id = ?1 AND is_matched = 0", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, m->event_id);
    db_bind_i64(st, 2, matched);
    db_bind_i64(st, 3, not_matched);
    db_bind_i64(st, 4, errors);
    if (!db_run(d, st, e))
        return false;
    *is_ours = sqlite3_changes(db_handle(d)) > 0;
    return true;
}

static bool exec_match(struct db *d, struct op *op, struct err *e)
{
    struct match *m = op->args;
    int64_t *run_id = m->run_ids;
    for (size_t i = 0; i < m->count; i++) {
        const struct store_match *item = &m->items[i];
        int64_t *first_run = run_id;
        bool is_ours;
        if (!mark_matched(d, item, &is_ours, e))
            return false;
        for (size_t r = 0; r < item->run_count; r++, run_id++)
            if (is_ours && !run_insert(d, &item->runs[r], run_id, e))
                return false;
        if (is_ours && !health_take_places(d, item->runs, item->run_count, e))
            return false;
        for (size_t v = 0; is_ours && v < item->verdict_count; v++) {
            int64_t run = item->verdicts[v].run_id ? first_run[item->verdicts[v].run_id - 1] : 0;
            if (!write_verdict(d, item->event_id, &item->verdicts[v], run, e))
                return false;
        }
    }
    return true;
}

static void undo_match(struct op *op)
{
    struct match *m = op->args;
    memset(m->run_ids, 0, sizeof *m->run_ids * m->run_count);
}

static void done_match(struct op *op)
{
    struct match *m = op->args;
    m->done(op->user_ctx, m->run_ids, m->run_count, &op->err);
}

void run_copy(struct arena *a, struct store_run *to, const struct store_run *from)
{
    *to = *from;
    to->revision_hash = arena_str(a, from->revision_hash);
    to->key = arena_str(a, from->key);
    to->order_key = arena_str(a, from->order_key);
    to->debounce_key = arena_str(a, from->debounce_key);
    to->output = arena_str(a, from->output);
    to->error = arena_str(a, from->error);
}

void store_match(struct store *s, struct loop *loop, const struct store_match *items, size_t count, store_matched_fn *done, void *ctx)
{
    struct op *op = op_new(s, exec_match);
    op->is_derived = true; // a claim of its runs comes later, and is synced
    struct arena *a = &op->arena;
    struct match *m = op->args = ARENA_NEW(a, struct match);
    m->items = ARENA_ARRAY(a, struct store_match, count);
    m->count = count;
    m->done = done;
    for (size_t i = 0; i < count; i++) {
        const struct store_match *from = &items[i];
        struct store_verdict *verdicts = ARENA_ARRAY(a, struct store_verdict, from->verdict_count);
        struct store_run *runs = ARENA_ARRAY(a, struct store_run, from->run_count);
        for (size_t v = 0; v < from->verdict_count; v++) {
            verdicts[v] = from->verdicts[v];
            verdicts[v].parts = arena_str(a, from->verdicts[v].parts);
        }
        for (size_t r = 0; r < from->run_count; r++)
            run_copy(a, &runs[r], &from->runs[r]);
        m->items[i] = (struct store_match){ from->event_id, verdicts, from->verdict_count, runs, from->run_count, from->unlisted };
        m->run_count += from->run_count;
    }
    m->run_ids = ARENA_ARRAY(a, int64_t, m->run_count);
    op->undo = undo_match;
    op->done = done ? done_match : NULL;
    op->user_ctx = ctx;
    op->loop = loop;
    op->bytes = a->bytes;
    bool submitted = op_submit(op, NULL);
    assert(submitted);
    (void)submitted;
}

bool store_verdict_list(struct store *s, int64_t event_id, struct arena *a, struct store_verdicts *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_verdicts){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT reaction, revision, verdict, run, parts FROM verdicts WHERE event = ?1 ORDER BY reaction LIMIT 1000", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, event_id);
    struct store_verdict *items = NULL;
    size_t cap = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        xgrow(&items, &cap, out->count + 1, sizeof *items);
        items[out->count++] = (struct store_verdict){ db_i64(st, 0), db_i64(st, 1), (enum verdict)db_i64(st, 2), db_i64(st, 3), db_str(st, 4, a) };
    }
    out->items = ARENA_ARRAY(a, struct store_verdict, out->count);
    if (out->count)
        memcpy(out->items, items, sizeof *items * out->count);
    free(items);
    return row == 0;
}

// Runs by hand (replay, backfill): the number is the next one of that event and reaction.
struct add_runs {
    struct store_run *runs;
    size_t count;
    int64_t *ids;
};

static bool exec_add(struct db *d, struct op *op, struct err *e)
{
    struct add_runs *add = op->args;
    for (size_t i = 0; i < add->count; i++) {
        struct store_run *run = &add->runs[i];
        sqlite3_stmt *st = db_prepare(d, "SELECT ifnull(max(replay) + 1, 0) FROM runs WHERE event = ?1 AND reaction = ?2", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, run->event_id);
        db_bind_i64(st, 2, run->reaction_id);
        if (db_step(d, st, e) < 0)
            return false;
        run->replay_number = MAX(db_i64(st, 0), 1);
        sqlite3_reset(st);
        if (!run_insert(d, run, &add->ids[i], e))
            return false;
    }
    return true;
}

bool store_run_add(struct store *s, const struct store_run *runs, size_t count, int64_t *ids, struct err *e)
{
    struct op *op = op_new(s, exec_add);
    struct add_runs *add = op->args = ARENA_NEW(&op->arena, struct add_runs);
    add->runs = ARENA_ARRAY(&op->arena, struct store_run, count);
    for (size_t i = 0; i < count; i++)
        run_copy(&op->arena, &add->runs[i], &runs[i]);
    add->count = count;
    add->ids = ids; // the caller waits
    return op_wait(op, false, e);
}
