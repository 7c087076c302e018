// committer.h - the one thread that writes: takes what waits as one transaction, syncs, answers.
// Only src/store includes this.
//
// An operation's exec runs inside the transaction. It returns false only for a failure of the
// database itself; what is wrong with the request (a stale version, a taken name) goes into
// op->err with nothing written, and exec returns true. When the database fails within a batch of
// several, the batch is undone and each operation tried alone, so that one bad one stays alone.
#pragma once

#include "store/db.h"
#include "store/store.h"

#include <pthread.h>

struct op {
    struct op *next;
    bool (*exec)(struct db *d, struct op *op, struct err *e);
    void (*undo)(struct op *op); // the transaction was rolled back: forget results; may be NULL
    void (*done)(struct op *op); // on `loop`; may be NULL. op->err tells
    struct loop *loop;
    struct store *store;
    struct arena arena;          // everything the operation holds
    bool is_derived;             // a crash loses nothing with it: it is done anew, or what follows it is synced
    bool may_linger;             // alone it waits a moment for company: nobody waits for it, and what comes next mostly belongs to it
    size_t bytes, requests;      // what it counts in the queue's limits; 0 requests: never refused
    struct err err;
    void *args, *results;
    void (*user_done)(void);     // the caller's callback, cast back by done
    void *user_ctx;
    bool is_waited, is_finished; // by op_wait
};

struct committer;

struct reader {           // a read-only view, taken and given back
    struct db *db;
    struct store *store;
};

struct store {
    char *path;           // NULL: memory
    const struct clock *clock;
    struct committer *committer;

    pthread_mutex_t readers_lock;
    struct db *free_readers[16];
    size_t free_count;
};

// A page ends in front of a row when it has its items, or its bytes (never without any item).
static inline bool page_is_full(const struct store_page *page, size_t count, size_t bytes)
{
    return count >= (size_t)page->take || (page->max_bytes && count && bytes >= page->max_bytes);
}

struct op *op_new(struct store *s, bool (*exec)(struct db *d, struct op *op, struct err *e));
void op_free(struct op *op);
// False: the queue is full (only for operations with requests > 0); the op is freed.
MUST_USE bool op_submit(struct op *op, struct err *e);
// Submits and waits for the sync; frees the op unless keep. False with op's error.
MUST_USE bool op_wait(struct op *op, bool keep, struct err *e);

MUST_USE bool reader_take(struct store *s, struct reader *r, struct err *e);
void reader_give(struct reader *r); // for CLEANUP

MUST_USE bool committer_start(struct store *s, const struct store_options *opt, struct err *e);
void committer_stop(struct store *s);
// Memory engine only: the writer's connection, held.
struct db *committer_borrow(struct store *s);
void committer_return(struct store *s);
