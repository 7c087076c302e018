#include "store/db.h"

#include <stdio.h>

#define SCHEMA_VERSION 6

struct db {
    sqlite3 *handle;
    // By the address of the SQL literal; open addressing. Not a struct map: its keyed hash of eight bytes would be a
    // twentieth of what a commit costs, and nobody from outside chooses addresses.
    struct prepared {
        const char *sql;
        sqlite3_stmt *statement;
    } *statements;
    size_t count, cap; // cap: a power of two
};

static const char schema_1[] =
    "CREATE TABLE ids(kind INTEGER PRIMARY KEY, last INTEGER NOT NULL);"
    "CREATE TABLE objects(kind INTEGER NOT NULL, id INTEGER NOT NULL, space INTEGER NOT NULL, parent INTEGER NOT NULL, version INTEGER NOT NULL,"
    " created INTEGER NOT NULL, modified INTEGER NOT NULL, slug TEXT COLLATE NOCASE, doc TEXT NOT NULL, PRIMARY KEY(kind, id));"
    "CREATE UNIQUE INDEX objects_slug ON objects(kind, space, slug) WHERE slug IS NOT NULL;"
    "CREATE INDEX objects_parent ON objects(kind, parent, id) WHERE parent != 0;"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, space INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,"
    " subject TEXT NOT NULL, doc TEXT NOT NULL, hash BLOB NOT NULL);"
    "CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, space INTEGER NOT NULL, source INTEGER NOT NULL, trigger INTEGER NOT NULL, connection INTEGER NOT NULL,"
    " type TEXT NOT NULL COLLATE NOCASE, octopus_id TEXT, delivery_id TEXT, is_reused INTEGER NOT NULL, occurred INTEGER NOT NULL, received INTEGER NOT NULL,"
    " caused_run INTEGER NOT NULL, depth INTEGER NOT NULL, matched INTEGER NOT NULL DEFAULT 0, not_matched INTEGER NOT NULL DEFAULT 0, errors INTEGER NOT NULL DEFAULT 0,"
    " is_matched INTEGER NOT NULL DEFAULT 0, payload_kind TEXT NOT NULL, request TEXT, body BLOB);"
    "CREATE INDEX events_unmatched ON events(id) WHERE is_matched = 0;"
    "CREATE INDEX events_type ON events(type, id);"
    "CREATE UNIQUE INDEX events_octopus ON events(connection, octopus_id) WHERE octopus_id IS NOT NULL;"
    "CREATE TABLE dedupe(trigger INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL, body BLOB NOT NULL, event INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(trigger, kind, key)) WITHOUT ROWID;"
    "CREATE INDEX dedupe_at ON dedupe(at);"
    "CREATE TABLE tails(connection INTEGER PRIMARY KEY, doc TEXT NOT NULL);"
    "CREATE TABLE verdicts(event INTEGER NOT NULL, reaction INTEGER NOT NULL, revision INTEGER NOT NULL, verdict INTEGER NOT NULL, run INTEGER NOT NULL, parts TEXT,"
    " PRIMARY KEY(event, reaction)) WITHOUT ROWID;"
    "CREATE TABLE runs(id INTEGER PRIMARY KEY AUTOINCREMENT, space INTEGER NOT NULL, reaction INTEGER NOT NULL, revision_id INTEGER NOT NULL, revision INTEGER NOT NULL,"
    " event INTEGER NOT NULL, revision_hash TEXT NOT NULL, key TEXT NOT NULL, replay_of INTEGER NOT NULL, replay INTEGER NOT NULL, state INTEGER NOT NULL,"
    " queued INTEGER NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL, fence INTEGER NOT NULL,"
    " lease INTEGER NOT NULL, is_repeatable INTEGER NOT NULL, depth INTEGER NOT NULL, order_key TEXT, error TEXT, output TEXT);"
    "CREATE UNIQUE INDEX runs_once ON runs(event, reaction, replay);"
    "CREATE INDEX runs_reaction ON runs(reaction, id);"
    "CREATE INDEX runs_waiting ON runs(reaction, due, id) WHERE state IN (0, 2);"
    "CREATE INDEX runs_running ON runs(id) WHERE state = 1;"
    "CREATE INDEX runs_ordered ON runs(reaction, order_key, id) WHERE order_key IS NOT NULL AND state IN (0, 1, 2);"
    "CREATE TABLE attempts(run INTEGER NOT NULL, number INTEGER NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL, outcome INTEGER NOT NULL, node TEXT NOT NULL,"
    " exit_code INTEGER, error TEXT, doc TEXT);"
    "CREATE UNIQUE INDEX attempts_run ON attempts(run, number);"
    "CREATE TABLE logs(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX logs_run ON logs(run, id);"
    "CREATE TABLE calls(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL, doc TEXT NOT NULL);"
    "CREATE INDEX calls_run ON calls(run, id);"
    "CREATE TABLE key_use(key INTEGER PRIMARY KEY, last INTEGER NOT NULL, count INTEGER NOT NULL, address TEXT NOT NULL);";

// Listings and cleaning among millions of rows: each of their questions is answered from an index alone.
static const char schema_2[] =
    "DROP INDEX events_type;"
    "CREATE INDEX events_type ON events(type, space);"
    "DROP INDEX events_octopus;"
    "CREATE UNIQUE INDEX events_octopus ON events(octopus_id, connection) WHERE octopus_id IS NOT NULL;"
    "CREATE INDEX events_list ON events(received, space, source, trigger, type);"
    "CREATE INDEX runs_list ON runs(queued, space);"
    "CREATE INDEX runs_ended ON runs(state, reaction, space, queued) WHERE state > 2;";

// begun: the fence under which the present attempt has begun. A claim of before this column was a start.
static const char schema_3[] =
    "ALTER TABLE runs ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;"
    "UPDATE runs SET begun = fence WHERE state = 1;";

// What an event is about decides who may see it (permissions.md rule 7).
static const char schema_4[] =
    "ALTER TABLE events ADD COLUMN project TEXT COLLATE NOCASE;"
    "ALTER TABLE events ADD COLUMN environment TEXT COLLATE NOCASE;"
    "UPDATE events SET"
    " project = (SELECT value FROM json_each(CAST(body AS TEXT), '$.RelatedDocumentIds') WHERE value LIKE 'Projects-%' LIMIT 1),"
    " environment = (SELECT group_concat(value, ',') FROM json_each(CAST(body AS TEXT), '$.RelatedDocumentIds') WHERE value LIKE 'Environments-%')"
    " WHERE source = 1 AND json_valid(CAST(body AS TEXT));";

static const char schema_5[] =
    "ALTER TABLE runs ADD COLUMN debounce_key TEXT;"
    "CREATE INDEX runs_debounced ON runs(reaction, debounce_key) WHERE debounce_key IS NOT NULL AND state IN (0, 2);"
    // What a reaction's policies must know over a restart: the starts a throttle counts, since when there were only failures.
    "CREATE TABLE starts(id INTEGER PRIMARY KEY, reaction INTEGER NOT NULL, at INTEGER NOT NULL);"
    "CREATE INDEX starts_reaction ON starts(reaction, at);"
    "CREATE TABLE health(reaction INTEGER PRIMARY KEY, failing_since INTEGER NOT NULL);"
    // Which run brought a document of Octopus into being: events about it are effects of that run.
    "CREATE TABLE created(connection INTEGER NOT NULL, document TEXT NOT NULL COLLATE NOCASE, run INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(connection, document)) WITHOUT ROWID;"
    "CREATE INDEX created_at ON created(at);";

// The circuit and the loop breaker hold over a restart too.
static const char schema_6[] =
    "ALTER TABLE health ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE health ADD COLUMN last_run INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE health ADD COLUMN open_for INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE health ADD COLUMN open_until INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE places(id INTEGER PRIMARY KEY, reaction INTEGER NOT NULL, at INTEGER NOT NULL);"
    "CREATE INDEX places_at ON places(at, reaction);";

bool db_fail(struct db *d, struct err *e, const char *what)
{
    int code = sqlite3_extended_errcode(d->handle);
    enum err_kind kind = ERR_IO;
    if ((code & 0xff) == SQLITE_FULL || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
        kind = ERR_BUSY;
    else if ((code & 0xff) == SQLITE_TOOBIG)
        kind = ERR_TOO_LARGE;
    return err_set(e, kind, "%s: %s (SQLite %d)", what, sqlite3_errmsg(d->handle), code);
}

bool db_exec(struct db *d, const char *sql, struct err *e)
{
    return sqlite3_exec(d->handle, sql, NULL, NULL, NULL) == SQLITE_OK || db_fail(d, e, "database");
}

bool db_open(const char *path, enum db_mode mode, struct db **out, struct err *e)
{
    struct db *d = xcalloc(1, sizeof *d);
    int flags = SQLITE_OPEN_NOMUTEX | (mode == DB_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(path ? path : ":memory:", &d->handle, flags, NULL) != SQLITE_OK) {
        db_fail(d, e, path ? path : "memory");
        db_close(d);
        return false;
    }
    sqlite3_extended_result_codes(d->handle, 1);
    sqlite3_busy_timeout(d->handle, 5000);
    // The writer alone checkpoints, when it chooses to (committer.c): two connections that write or
    // checkpoint at the same instant can corrupt a WAL database in SQLite 3.7.0 to 3.51.2.
    const char *settings = mode == DB_WRITER ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF;"
                                             : "PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY; PRAGMA query_only=ON;";
    if (!db_exec(d, settings, e)) {
        err_in(e, "%s", path ? path : "memory");
        db_close(d);
        return false;
    }
    *out = d;
    return true;
}

void db_close(struct db *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->cap; i++)
        sqlite3_finalize(d->statements[i].statement);
    free(d->statements);
    sqlite3_close(d->handle);
    free(d);
}

sqlite3 *db_handle(struct db *d)
{
    return d->handle;
}

bool db_migrate(struct db *d, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, "PRAGMA user_version", e);
    if (!st || db_step(d, st, e) != 1)
        return false;
    int64_t version = db_i64(st, 0);
    sqlite3_reset(st);
    if (version > SCHEMA_VERSION)
        return err_set(e, ERR_CONFLICT, "the database has version %" PRId64 ", this program knows up to %d: use the newer program", version, SCHEMA_VERSION);
    if (version == SCHEMA_VERSION)
        return true;
    static const char *const steps[SCHEMA_VERSION] = { schema_1, schema_2, schema_3, schema_4, schema_5, schema_6 };
    for (; version < SCHEMA_VERSION; version++) {
        char done[64];
        snprintf(done, sizeof done, "PRAGMA user_version=%" PRId64, version + 1);
        if (!db_exec(d, "BEGIN IMMEDIATE", e))
            return false;
        if (!db_exec(d, steps[version], e) || !db_exec(d, done, e) || !db_exec(d, "COMMIT", e)) {
            sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
            return err_in(e, "bringing the database to version %" PRId64, version + 1);
        }
    }
    return true;
}

sqlite3_stmt *db_prepare_once(struct db *d, const char *sql, struct err *e)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(d->handle, sql, -1, &st, NULL) != SQLITE_OK) {
        db_fail(d, e, sql);
        return NULL;
    }
    return st;
}

static struct prepared *slot_of(const struct db *d, const char *sql)
{
    size_t at = (size_t)((uintptr_t)sql * 0x9E3779B97F4A7C15u >> 32) & (d->cap - 1);
    while (d->statements[at].sql && d->statements[at].sql != sql)
        at = (at + 1) & (d->cap - 1);
    return &d->statements[at];
}

static void keep(struct db *d, const char *sql, sqlite3_stmt *st)
{
    if ((d->count + 1) * 2 > d->cap) {
        struct prepared *old = d->statements;
        size_t old_cap = d->cap;
        d->cap = MAX(old_cap * 2, (size_t)32);
        d->statements = xcalloc(d->cap, sizeof *d->statements);
        for (size_t i = 0; i < old_cap; i++)
            if (old[i].sql)
                *slot_of(d, old[i].sql) = old[i];
        free(old);
    }
    *slot_of(d, sql) = (struct prepared){ sql, st };
    d->count++;
}

sqlite3_stmt *db_prepare(struct db *d, const char *sql, struct err *e)
{
    sqlite3_stmt *st = d->cap ? slot_of(d, sql)->statement : NULL;
    if (st) {
        sqlite3_reset(st);
        sqlite3_clear_bindings(st);
        return st;
    }
    if (sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
        db_fail(d, e, sql);
        return NULL;
    }
    keep(d, sql, st);
    return st;
}

int db_step(struct db *d, sqlite3_stmt *st, struct err *e)
{
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE) {
        sqlite3_reset(st);
        return 0;
    }
    db_fail(d, e, "database");
    sqlite3_reset(st);
    return -1;
}

bool db_run(struct db *d, sqlite3_stmt *st, struct err *e)
{
    return db_step(d, st, e) == 0;
}

void db_bind_i64(sqlite3_stmt *st, int at, int64_t v)
{
    sqlite3_bind_int64(st, at, v);
}

void db_bind_str(sqlite3_stmt *st, int at, str s)
{
    if (s.p)
        sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_text(st, at, "", 0, SQLITE_STATIC);
}

void db_bind_blob(sqlite3_stmt *st, int at, const void *p, size_t n)
{
    sqlite3_bind_blob64(st, at, p ? p : "", n, SQLITE_STATIC);
}

void db_bind_opt(sqlite3_stmt *st, int at, str s)
{
    if (s.n)
        db_bind_str(st, at, s);
    else
        sqlite3_bind_null(st, at);
}

int64_t db_i64(sqlite3_stmt *st, int column)
{
    return sqlite3_column_int64(st, column);
}

str db_str(sqlite3_stmt *st, int column, struct arena *a)
{
    const char *p = sqlite3_column_blob(st, column);
    int n = sqlite3_column_bytes(st, column);
    return p ? arena_str(a, (str){ p, (size_t)n }) : (str){ "", 0 };
}
