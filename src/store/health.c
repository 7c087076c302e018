// What a reaction's policies must know over a restart: the starts its throttle counts, its circuit, since when it has known only
// failures, and the places the loop breaker has given away.
#include "store/runs.h"

bool health_count_starts(struct db *d, const struct store_claim *item, size_t count, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, "DELETE FROM starts WHERE reaction = ?1 AND at < ?2", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, item->reaction_id);
    db_bind_i64(st, 2, item->starts_since_ms);
    if (!db_run(d, st, e))
        return false;
    for (size_t i = 0; i < count; i++) {
        st = db_prepare(d, "INSERT INTO starts(reaction, at) VALUES(?1, ?2)", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, item->reaction_id);
        db_bind_i64(st, 2, item->now_ms);
        if (!db_run(d, st, e))
            return false;
    }
    return true;
}

bool store_starts(struct store *s, int64_t reaction_id, int64_t since_ms, int64_t max, struct arena *a, int64_t **at_ms, size_t *count, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *count = 0;
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT at FROM (SELECT at FROM starts WHERE reaction = ?1 AND at >= ?2 ORDER BY at DESC LIMIT ?3) ORDER BY at", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, reaction_id);
    db_bind_i64(st, 2, since_ms);
    db_bind_i64(st, 3, max);
    *at_ms = ARENA_ARRAY(a, int64_t, (size_t)max);
    int row;
    while ((row = db_step(r.db, st, e)) > 0)
        (*at_ms)[(*count)++] = db_i64(st, 0);
    return row == 0;
}

bool health_keep(struct db *d, const struct store_health *h, struct err *e)
{
    bool is_well = !h->failing_since_ms && !h->failures && !h->open_until_ms;
    sqlite3_stmt *st = is_well ? db_prepare(d, "DELETE FROM health WHERE reaction = ?1", e)
                               : db_prepare(d, "INSERT OR REPLACE INTO health(reaction, failing_since, failures, last_run, open_for, open_until) VALUES(?1, ?2, ?3, ?4, ?5, ?6)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, h->reaction_id);
    if (!is_well) {
        db_bind_i64(st, 2, h->failing_since_ms);
        db_bind_i64(st, 3, h->failures);
        db_bind_i64(st, 4, h->last_run_id);
        db_bind_i64(st, 5, h->open_for_ms);
        db_bind_i64(st, 6, h->open_until_ms);
    }
    return db_run(d, st, e);
}

bool store_health_list(struct store *s, struct arena *a, struct store_healths *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_healths){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT reaction, failing_since, failures, last_run, open_for, open_until FROM health", e);
    if (!st)
        return false;
    struct store_health *items = NULL;
    size_t cap = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        xgrow(&items, &cap, out->count + 1, sizeof *items);
        items[out->count++] = (struct store_health){ db_i64(st, 0), db_i64(st, 1), db_i64(st, 2), db_i64(st, 3), db_i64(st, 4), db_i64(st, 5) };
    }
    out->items = ARENA_ARRAY(a, struct store_health, out->count);
    if (out->count)
        memcpy(out->items, items, sizeof *items * out->count);
    free(items);
    return row == 0;
}

bool health_take_places(struct db *d, const struct store_run *runs, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        if (!runs[i].place_ms)
            continue;
        sqlite3_stmt *st = db_prepare(d, "INSERT INTO places(reaction, at) VALUES(?1, ?2)", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, runs[i].reaction_id);
        db_bind_i64(st, 2, runs[i].place_ms);
        if (!db_run(d, st, e))
            return false;
        st = db_prepare(d, "DELETE FROM places WHERE at < ?1", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, runs[i].queued_ms - STORE_PLACES_KEPT_MS);
        if (!db_run(d, st, e))
            return false;
    }
    return true;
}

bool store_places(struct store *s, int64_t since_ms, store_place_fn *each, void *ctx, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT reaction, at FROM places WHERE at >= ?1 ORDER BY at", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, since_ms);
    int row;
    while ((row = db_step(r.db, st, e)) > 0)
        each(ctx, db_i64(st, 0), db_i64(st, 1));
    return row == 0;
}
