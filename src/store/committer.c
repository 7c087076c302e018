#include "store/committer.h"

#include "base/limits.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

// Passive checkpoints from here on, and a truncating one where readers have let the log grow.
#define CHECKPOINT_PAGES 1000
#define TRUNCATE_PAGES 16000
#define LINGER_US 2000

struct committer {
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows up to `db_lock`
    pthread_cond_t work, finished;
    struct op *first, **last;
    size_t queued_requests, queued_bytes, max_requests, max_bytes;
    size_t urgent; // of those queued: may not linger
    bool is_stopping, is_failing;
    struct store_stats stats;
    struct store_faults faults;

    pthread_mutex_t db_lock; // memory engine: readers share the writer's connection
    struct db *db;
    bool is_unsynced;            // how the connection is set at the moment
    uint64_t commit_count;
    int wal_pages;
};

struct op *op_new(struct store *s, bool (*exec)(struct db *d, struct op *op, struct err *e))
{
    struct op *op = xcalloc(1, sizeof *op);
    op->store = s;
    op->exec = exec;
    return op;
}

void op_free(struct op *op)
{
    if (!op)
        return;
    arena_fini(&op->arena);
    free(op);
}

bool op_submit(struct op *op, struct err *e)
{
    struct committer *c = op->store->committer;
    pthread_mutex_lock(&c->lock);
    bool is_full = op->requests && (c->queued_requests + op->requests > c->max_requests || (c->queued_bytes && c->queued_bytes + op->bytes > c->max_bytes));
    if (!is_full) {
        c->queued_requests += op->requests;
        c->queued_bytes += op->bytes;
        *c->last = op;
        c->last = &op->next;
        c->urgent += !op->may_linger;
    }
    pthread_mutex_unlock(&c->lock);
    if (is_full) {
        op_free(op);
        return err_set(e, ERR_BUSY, "the queue is full: try again soon");
    }
    pthread_cond_signal(&c->work); // behind the lock, which it would otherwise wake up to wait for
    return true;
}

bool op_wait(struct op *op, bool keep, struct err *e)
{
    struct committer *c = op->store->committer;
    op->is_waited = true;
    bool submitted = op_submit(op, e);
    assert(submitted); // never refused: such an operation has no requests
    (void)submitted;
    pthread_mutex_lock(&c->lock);
    while (!op->is_finished)
        pthread_cond_wait(&c->finished, &c->lock);
    pthread_mutex_unlock(&c->lock);
    bool ok = op->err.kind == ERR_NONE;
    if (!ok && e)
        *e = op->err;
    if (!keep)
        op_free(op);
    return ok;
}

static int on_wal(void *ctx, sqlite3 *handle UNUSED, const char *name UNUSED, int pages)
{
    ((struct committer *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

static bool open_db(struct store *s, struct committer *c, struct err *e)
{
    if (!db_open(s->path, DB_WRITER, &c->db, e))
        return false;
    c->is_unsynced = false;
    sqlite3_wal_hook(db_handle(c->db), on_wal, c);
    if (!db_migrate(c->db, e)) {
        db_close(c->db);
        c->db = NULL;
        return false;
    }
    return true;
}

// After a failed sync the kernel may have dropped the pages and say "fine" the next time: nothing is
// acknowledged on that handle again. The database recovers its log when it is opened anew.
static void reopen(struct store *s, struct committer *c)
{
    if (!s->path)
        return;
    pthread_mutex_lock(&s->readers_lock);
    while (s->free_count)
        db_close(s->free_readers[--s->free_count]);
    pthread_mutex_unlock(&s->readers_lock);
    db_close(c->db);
    c->db = NULL;
    struct err e = { 0 };
    bool ok = open_db(s, c, &e);
    pthread_mutex_lock(&c->lock);
    c->stats.reopened++;
    if (!ok)
        snprintf(c->stats.last_error, sizeof c->stats.last_error, "%.255s", e.text);
    pthread_mutex_unlock(&c->lock);
}

static void fail_op(struct op *op, const struct err *e)
{
    op->err = *e;
    if (op->undo)
        op->undo(op);
}

static void fail_all(struct op *batch, const struct err *e)
{
    for (struct op *op = batch; op; op = op->next)
        fail_op(op, e);
}

static void rollback(struct committer *c)
{
    if (!sqlite3_get_autocommit(db_handle(c->db)))
        sqlite3_exec(db_handle(c->db), "ROLLBACK", NULL, NULL, NULL);
}

// True when a test asked for this commit to fail; *e says how.
static bool injected_fault(struct committer *c, const struct store_faults *f, bool *is_sync_failure, struct err *e)
{
    c->commit_count++;
    if (f->full_after && c->commit_count >= (uint64_t)f->full_after) {
        *is_sync_failure = false;
        return !err_set(e, ERR_BUSY, "database: the disk is full (injected)");
    }
    if (f->fail_commit_every && c->commit_count % (uint64_t)f->fail_commit_every == 0) {
        *is_sync_failure = true;
        return !err_set(e, ERR_IO, "database: the sync failed (injected)");
    }
    return false;
}

// A commit that only holds what can be derived again (matches, log lines) needs no sync of its own: it lies in front of
// the next synced one in the log, so whatever follows from it is durable no sooner than it is. Lost in a power cut, its
// events are simply matched again. Without this each event would cost two syncs.
static bool choose_sync(struct store *s, struct committer *c, const struct op *batch, struct err *e)
{
    bool is_unsynced = s->path != NULL;
    for (const struct op *op = batch; op; op = op->next)
        is_unsynced = is_unsynced && op->is_derived;
    if (is_unsynced == c->is_unsynced)
        return true;
    if (!db_exec(c->db, is_unsynced ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", e))
        return false;
    c->is_unsynced = is_unsynced;
    return true;
}

static bool run_kept(struct db *d, const char *sql, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, sql, e);
    return st && db_run(d, st, e);
}

enum commit_result { COMMITTED, COMMIT_ROLLED_BACK, COMMIT_SYNC_FAILED };

static enum commit_result commit(struct store *s, struct committer *c, struct op *batch, const struct store_faults *f, struct err *e)
{
    bool is_sync_failure;
    if (!c->db) {
        err_set(e, ERR_IO, "the database could not be opened again");
        return COMMIT_SYNC_FAILED;
    }
    if (!choose_sync(s, c, batch, e) || !run_kept(c->db, "BEGIN IMMEDIATE", e))
        return COMMIT_ROLLED_BACK;
    for (struct op *op = batch; op; op = op->next) {
        op->err = (struct err){ 0 };
        if (!op->exec(c->db, op, e)) {
            rollback(c);
            return COMMIT_ROLLED_BACK;
        }
    }
    if (f->delay_us) {
        struct timespec pause = { f->delay_us / 1000000, f->delay_us % 1000000 * 1000 };
        nanosleep(&pause, NULL);
    }
    if (injected_fault(c, f, &is_sync_failure, e)) {
        rollback(c);
        return is_sync_failure ? COMMIT_SYNC_FAILED : COMMIT_ROLLED_BACK;
    }
    if (!run_kept(c->db, "COMMIT", e)) {
        // A full disk is found while writing, before any sync; everything else is distrusted.
        bool is_full = (sqlite3_errcode(db_handle(c->db)) & 0xff) == SQLITE_FULL;
        rollback(c);
        return is_full ? COMMIT_ROLLED_BACK : COMMIT_SYNC_FAILED;
    }
    return COMMITTED;
}

static void commit_alone(struct store *s, struct committer *c, struct op *op, const struct store_faults *f)
{
    struct err e = { 0 };
    struct op *next = op->next;
    op->next = NULL;
    enum commit_result result = commit(s, c, op, f, &e);
    if (result != COMMITTED)
        fail_op(op, &e);
    if (result == COMMIT_SYNC_FAILED)
        reopen(s, c);
    op->next = next;
}

static bool commit_batch(struct store *s, struct committer *c, struct op *batch, const struct store_faults *f, struct err *e)
{
    enum commit_result result = commit(s, c, batch, f, e);
    if (result == COMMITTED)
        return true;
    if (result == COMMIT_SYNC_FAILED) {
        fail_all(batch, e);
        reopen(s, c);
        return false;
    }
    if (!batch->next || e->kind == ERR_BUSY) {
        fail_all(batch, e);
        return false;
    }
    for (struct op *op = batch; op; op = op->next) {
        if (op->undo)
            op->undo(op);
        commit_alone(s, c, op, f);
    }
    return true;
}

static void finish_on_loop(void *ctx)
{
    for (struct op *op = ctx, *next; op; op = next) {
        next = op->next;
        op->done(op);
        op_free(op);
    }
}

// Each loop hears of a batch once, in its order: a message for each operation would wake its thread as many times.
static void answer_all(struct committer *c, struct op *batch)
{
    struct {
        struct loop *loop;
        struct op *first, **last;
    } loops[8];
    size_t count = 0;
    for (struct op *op = batch, *next; op; op = next) {
        next = op->next;
        op->next = NULL;
        if (op->is_waited) {
            pthread_mutex_lock(&c->lock);
            op->is_finished = true;
            pthread_cond_broadcast(&c->finished);
            pthread_mutex_unlock(&c->lock);
            continue;
        }
        if (!op->done || !op->loop) {
            op_free(op);
            continue;
        }
        size_t at = 0;
        while (at < count && loops[at].loop != op->loop)
            at++;
        if (at == COUNT(loops)) {
            loop_post(op->loop, finish_on_loop, op);
            continue;
        }
        if (at == count) {
            loops[at].loop = op->loop;
            loops[at].last = &loops[at].first;
            count++;
        }
        *loops[at].last = op;
        loops[at].last = &op->next;
    }
    for (size_t i = 0; i < count; i++)
        loop_post(loops[i].loop, finish_on_loop, loops[i].first);
}

static struct op *reversed(struct op *batch)
{
    struct op *out = NULL;
    for (struct op *next; batch; batch = next) {
        next = batch->next;
        batch->next = out;
        out = batch;
    }
    return out;
}

static void checkpoint(struct store *s, struct committer *c)
{
    if (!s->path || !c->db || c->wal_pages < CHECKPOINT_PAGES)
        return;
    int mode = c->wal_pages >= TRUNCATE_PAGES ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int in_log = 0, done = 0;
    // A failed checkpoint loses nothing: the log stays, and is tried again with the next commit.
    if (sqlite3_wal_checkpoint_v2(db_handle(c->db), NULL, mode, &in_log, &done) == SQLITE_OK && in_log == done)
        c->wal_pages = 0;
}

// The last lines of a script come right before its end, which then shares their commit.
static void linger(struct committer *c)
{
    int64_t until_us = clock_mono_us() + LINGER_US;
    struct timespec until = { until_us / 1000000, until_us % 1000000 * 1000 };
    while (!c->urgent && c->first && !c->is_stopping && pthread_cond_clockwait(&c->work, &c->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
}

static void *committer_main(void *ctx)
{
    struct store *s = ctx;
    struct committer *c = s->committer;
    for (;;) {
        pthread_mutex_lock(&c->lock);
        while (!c->first && !c->is_stopping)
            pthread_cond_wait(&c->work, &c->lock);
        linger(c);
        c->urgent = 0;
        struct op *batch = c->first;
        c->first = NULL;
        c->last = &c->first;
        struct store_faults faults = c->faults;
        pthread_mutex_unlock(&c->lock);
        if (!batch)
            return NULL;

        size_t requests = 0, bytes = 0, count = 0;
        for (struct op *op = batch; op; op = op->next)
            requests += op->requests, bytes += op->bytes, count++;
        struct err e = { 0 };
        pthread_mutex_lock(&c->db_lock);
        bool ok = commit_batch(s, c, batch, &faults, &e);
        pthread_mutex_unlock(&c->db_lock);

        pthread_mutex_lock(&c->lock);
        c->queued_requests -= requests;
        c->queued_bytes -= bytes;
        c->stats.operations += count;
        c->is_failing = !ok;
        if (ok) {
            c->stats.commits++;
            c->stats.unsynced_commits += c->is_unsynced;
        } else {
            c->stats.failed_commits++;
            snprintf(c->stats.last_error, sizeof c->stats.last_error, "%.255s", e.text);
        }
        pthread_mutex_unlock(&c->lock);

        if (faults.reorder)
            batch = reversed(batch);
        answer_all(c, batch);
        pthread_mutex_lock(&c->db_lock);
        checkpoint(s, c);
        pthread_mutex_unlock(&c->db_lock);
    }
}

bool committer_start(struct store *s, const struct store_options *opt, struct err *e)
{
    struct committer *c = xcalloc(1, sizeof *c);
    s->committer = c;
    c->last = &c->first;
    c->max_requests = opt->max_queued_requests ? (size_t)opt->max_queued_requests : LIMIT_QUEUE_REQUESTS;
    c->max_bytes = opt->max_queued_bytes ? (size_t)opt->max_queued_bytes : LIMIT_QUEUE_BYTES;
    c->faults = opt->faults;
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->db_lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->finished, NULL);
    if (!open_db(s, c, e)) {
        free(c);
        s->committer = NULL;
        return false;
    }
    int status = pthread_create(&c->thread, NULL, committer_main, s);
    if (status) {
        db_close(c->db);
        free(c);
        s->committer = NULL;
        return err_errno(e, status, "starting the committer");
    }
    pthread_setname_np(c->thread, "committer");
    return true;
}

void committer_stop(struct store *s)
{
    struct committer *c = s->committer;
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    if (c->db && s->path)
        sqlite3_wal_checkpoint_v2(db_handle(c->db), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    db_close(c->db);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->db_lock);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->finished);
    free(c);
    s->committer = NULL;
}

struct db *committer_borrow(struct store *s)
{
    pthread_mutex_lock(&s->committer->db_lock);
    return s->committer->db;
}

void committer_return(struct store *s)
{
    pthread_mutex_unlock(&s->committer->db_lock);
}

bool reader_take(struct store *s, struct reader *r, struct err *e)
{
    r->store = s;
    if (!s->path) {
        r->db = committer_borrow(s);
        return true;
    }
    r->db = NULL;
    pthread_mutex_lock(&s->readers_lock);
    if (s->free_count)
        r->db = s->free_readers[--s->free_count];
    pthread_mutex_unlock(&s->readers_lock);
    return r->db || db_open(s->path, DB_READER, &r->db, e);
}

// Nothing may stay open behind a page: an open read statement lets the log grow without bound.
static void reset_all(struct db *d)
{
    for (sqlite3_stmt *st = sqlite3_next_stmt(db_handle(d), NULL); st; st = sqlite3_next_stmt(db_handle(d), st))
        if (sqlite3_stmt_busy(st))
            sqlite3_reset(st);
}

void reader_give(struct reader *r)
{
    if (!r->db)
        return;
    struct store *s = r->store;
    reset_all(r->db);
    if (!s->path) {
        r->db = NULL;
        committer_return(s);
        return;
    }
    if (!sqlite3_get_autocommit(db_handle(r->db)))
        sqlite3_exec(db_handle(r->db), "ROLLBACK", NULL, NULL, NULL); // read as one transaction
    pthread_mutex_lock(&s->readers_lock);
    if (s->free_count < COUNT(s->free_readers)) {
        s->free_readers[s->free_count++] = r->db;
        r->db = NULL;
    }
    pthread_mutex_unlock(&s->readers_lock);
    db_close(r->db);
    r->db = NULL;
}

struct store_stats store_stats(struct store *s)
{
    struct committer *c = s->committer;
    pthread_mutex_lock(&c->lock);
    struct store_stats stats = c->stats;
    stats.queued_requests = (int64_t)c->queued_requests;
    stats.queued_bytes = (int64_t)c->queued_bytes;
    pthread_mutex_unlock(&c->lock);
    if (s->path) {
        struct stat st;
        CLEANUP(arena_fini) struct arena a = { 0 };
        if (stat(s->path, &st) == 0)
            stats.database_bytes = st.st_size;
        if (stat(arena_printf(&a, "%s-wal", s->path).p, &st) == 0)
            stats.wal_bytes = st.st_size;
    }
    return stats;
}

bool store_is_accepting(struct store *s)
{
    struct committer *c = s->committer;
    pthread_mutex_lock(&c->lock);
    bool is_accepting = !c->is_failing && c->queued_requests < c->max_requests && c->queued_bytes < c->max_bytes;
    pthread_mutex_unlock(&c->lock);
    return is_accepting;
}

void store_set_faults(struct store *s, const struct store_faults *faults)
{
    pthread_mutex_lock(&s->committer->lock);
    s->committer->faults = *faults;
    pthread_mutex_unlock(&s->committer->lock);
}
