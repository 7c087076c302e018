// Care: counting the use of keys, removing what is old, copying the database.
#include "store/committer.h"

#include <unistd.h>

struct uses {
    struct store_key_use *items;
    size_t count;
};

static bool exec_uses(struct db *d, struct op *op, struct err *e)
{
    struct uses *u = op->args;
    for (size_t i = 0; i < u->count; i++) {
        sqlite3_stmt *st = db_prepare(d,
            "INSERT INTO key_use(key, last, count, address) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(key) DO UPDATE SET last = max(last, ?2), count = count + ?3, address = ?4", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, u->items[i].key_id);
        db_bind_i64(st, 2, u->items[i].last_used_ms);
        db_bind_i64(st, 3, u->items[i].count);
        db_bind_str(st, 4, u->items[i].address);
        if (!db_run(d, st, e))
            return false;
    }
    return true;
}

void store_key_used(struct store *s, const struct store_key_use *uses, size_t count)
{
    if (!count)
        return;
    struct op *op = op_new(s, exec_uses);
    op->is_derived = true; // a count, shown to people
    struct uses *u = op->args = ARENA_NEW(&op->arena, struct uses);
    u->items = ARENA_ARRAY(&op->arena, struct store_key_use, count);
    u->count = count;
    for (size_t i = 0; i < count; i++) {
        u->items[i] = uses[i];
        u->items[i].address = arena_str(&op->arena, uses[i].address);
    }
    bool submitted = op_submit(op, NULL);
    assert(submitted);
    (void)submitted;
}

bool store_key_use_get(struct store *s, int64_t key_id, struct arena *a, struct store_key_use *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_key_use){ .key_id = key_id };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT last, count, address FROM key_use WHERE key = ?1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, key_id);
    int row = db_step(r.db, st, e);
    if (row > 0) {
        out->last_used_ms = db_i64(st, 0);
        out->count = db_i64(st, 1);
        out->address = db_str(st, 2, a);
    }
    return row >= 0;
}

struct purge {
    struct store_keep keep;
    int64_t now_ms, limit, removed;
};

// One kind of row: at most the limit in a call, so that no commit waits long behind it.
static bool remove_older(struct db *d, struct purge *p, const char *sql, int64_t age_ms, struct err *e)
{
    if (!age_ms || p->removed >= p->limit)
        return true;
    sqlite3_stmt *st = db_prepare(d, sql, e);
    if (!st)
        return false;
    db_bind_i64(st, 1, p->now_ms - age_ms);
    db_bind_i64(st, 2, p->limit - p->removed);
    if (!db_run(d, st, e))
        return false;
    p->removed += sqlite3_changes(db_handle(d));
    return true;
}

// Queued before they were finished: the index by that time finds them.
#define OLD_RUNS "(SELECT id FROM runs INDEXED BY runs_list WHERE queued < ?1 AND state > 2 AND finished < ?1) r"

static bool exec_purge(struct db *d, struct op *op, struct err *e)
{
    struct purge *p = op->args;
    p->removed = 0;
    // Runs before their events; logs, calls and attempts before their runs. Ids grow with time. Every one of these goes
    // through an index to what is old and stops there: nothing else waits behind a walk through millions of rows.
    return remove_older(d, p, "DELETE FROM dedupe WHERE (trigger, kind, key) IN (SELECT trigger, kind, key FROM dedupe WHERE at < ?1 LIMIT ?2)", p->keep.dedupe_ms, e)
        && remove_older(d, p, "DELETE FROM verdicts WHERE (event, reaction) IN (SELECT event, reaction FROM verdicts"
                              " WHERE event <= (SELECT id FROM events WHERE received < ?1 ORDER BY received DESC LIMIT 1) LIMIT ?2)", p->keep.verdicts_ms, e)
        && remove_older(d, p, "DELETE FROM logs WHERE id IN (SELECT l.id FROM " OLD_RUNS " CROSS JOIN logs l ON l.run = r.id LIMIT ?2)", p->keep.runs_ms, e)
        && remove_older(d, p, "DELETE FROM calls WHERE id IN (SELECT c.id FROM " OLD_RUNS " CROSS JOIN calls c ON c.run = r.id LIMIT ?2)", p->keep.runs_ms, e)
        && remove_older(d, p, "DELETE FROM attempts WHERE rowid IN (SELECT t.rowid FROM " OLD_RUNS " CROSS JOIN attempts t ON t.run = r.id LIMIT ?2)", p->keep.runs_ms, e)
        && remove_older(d, p, "DELETE FROM created WHERE (connection, document) IN (SELECT connection, document FROM created WHERE at < ?1 LIMIT ?2)", p->keep.runs_ms, e)
        && remove_older(d, p, "DELETE FROM runs WHERE id IN (SELECT id FROM " OLD_RUNS " LIMIT ?2)", p->keep.runs_ms, e)
        && remove_older(d, p, "DELETE FROM events WHERE id IN (SELECT id FROM events e INDEXED BY events_list WHERE received < ?1 AND is_matched = 1 AND NOT EXISTS(SELECT 1 FROM runs r WHERE r.event = e.id) LIMIT ?2)", p->keep.events_ms, e);
}

bool store_purge(struct store *s, const struct store_keep *keep, int64_t now_ms, int64_t limit, bool *more, struct err *e)
{
    struct op *op = op_new(s, exec_purge);
    struct purge *p = op->args = ARENA_NEW(&op->arena, struct purge);
    *p = (struct purge){ *keep, now_ms, limit, 0 };
    bool ok = op_wait(op, true, e);
    *more = ok && p->removed >= limit;
    op_free(op);
    return ok;
}

bool store_backup(struct store *s, const char *path, struct err *e)
{
    if (access(path, F_OK) == 0)
        return err_set(e, ERR_CONFLICT, "%s exists: name a new file for the backup", path);
    struct db *to = NULL;
    if (!db_open(path, DB_WRITER, &to, e))
        return false;
    bool ok = db_exec(to, "PRAGMA journal_mode=DELETE", e);
    // On the writing connection, a few pages at a time: no second connection ever touches the log, and commits
    // go on in between (a backup follows the writes of its own source connection).
    sqlite3_backup *backup = NULL;
    if (ok) {
        struct db *from = committer_borrow(s);
        backup = from ? sqlite3_backup_init(db_handle(to), "main", db_handle(from), "main") : NULL;
        ok = backup != NULL || db_fail(to, e, "starting the backup");
        committer_return(s);
    }
    for (int code = SQLITE_OK; ok && code != SQLITE_DONE;) {
        committer_borrow(s);
        code = sqlite3_backup_step(backup, 256);
        committer_return(s);
        if (code != SQLITE_OK && code != SQLITE_DONE)
            ok = db_fail(to, e, "copying the database");
    }
    if (backup) {
        committer_borrow(s);
        sqlite3_backup_finish(backup);
        committer_return(s);
    }
    db_close(to);
    if (!ok)
        unlink(path);
    return ok;
}

bool store_check(struct store *s, struct arena *a, str *why, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "PRAGMA integrity_check(1)", e);
    if (!st || db_step(r.db, st, e) < 0)
        return false;
    str said = db_str(st, 0, a);
    *why = str_eq(said, STR("ok")) ? (str){ "", 0 } : said;
    return true;
}
