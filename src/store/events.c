// Events: accepted with their deduplication in one transaction, read back for matching and lists.
#include "store/committer.h"
#include "store/scopes.h"
#include "store/where.h"

enum dedupe_kind { DEDUPE_IDEMPOTENCY_KEY = 1, DEDUPE_DELIVERY_ID = 2, DEDUPE_REPLAY = 3 };

#define DAY_MS 86400000LL
#define KEPT_DAYS 7 // what care.c is told to keep of this table; an entry for longer stands at a later time

struct accept {
    struct store_accept *items;
    size_t count;
    struct store_tail tail;
    bool has_tail;
    struct accept_result *results;
    store_accepted_fn *done;
};

static bool find_key(struct db *d, int64_t trigger, enum dedupe_kind kind, str key, const unsigned char body_hash[32], int64_t *event_id, bool *is_same_body, struct err *e)
{
    *event_id = 0;
    sqlite3_stmt *st = db_prepare(d, "SELECT event, body FROM dedupe WHERE trigger = ?1 AND kind = ?2 AND key = ?3", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, trigger);
    db_bind_i64(st, 2, kind);
    db_bind_blob(st, 3, key.p, key.n);
    int row = db_step(d, st, e);
    if (row > 0) {
        *event_id = db_i64(st, 0);
        *is_same_body = sqlite3_column_bytes(st, 1) == 32 && memcmp(sqlite3_column_blob(st, 1), body_hash, 32) == 0;
        sqlite3_reset(st);
    }
    return row >= 0;
}

static bool remember_key(struct db *d, int64_t trigger, enum dedupe_kind kind, str key, const unsigned char body_hash[32], int64_t event_id, int64_t at_ms, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d, "INSERT OR REPLACE INTO dedupe(trigger, kind, key, body, event, at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, trigger);
    db_bind_i64(st, 2, kind);
    db_bind_blob(st, 3, key.p, key.n);
    db_bind_blob(st, 4, body_hash, 32);
    db_bind_i64(st, 5, event_id);
    db_bind_i64(st, 6, at_ms);
    return db_run(d, st, e);
}

static bool insert_event(struct db *d, const struct store_event *v, int64_t *id, struct err *e)
{
    sqlite3_stmt *st = db_prepare(d,
        "INSERT INTO events(space, source, trigger, connection, type, octopus_id, delivery_id, is_reused, occurred, received, caused_run, depth, payload_kind, request, body, project, environment, is_matched)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, v->space_id);
    db_bind_i64(st, 2, v->source);
    db_bind_i64(st, 3, v->trigger_id);
    db_bind_i64(st, 4, v->connection_id);
    db_bind_str(st, 5, v->type);
    db_bind_opt(st, 6, v->octopus_event_id);
    db_bind_opt(st, 7, v->delivery_id);
    db_bind_i64(st, 8, v->is_reused_delivery);
    db_bind_i64(st, 9, v->occurred_ms);
    db_bind_i64(st, 10, v->received_ms);
    db_bind_i64(st, 11, v->caused_by_run);
    db_bind_i64(st, 12, v->caused_depth);
    db_bind_str(st, 13, v->payload_kind);
    db_bind_opt(st, 14, v->request);
    db_bind_blob(st, 15, v->body.p, v->body.n);
    db_bind_opt(st, 16, v->project);
    db_bind_opt(st, 17, v->environment);
    db_bind_i64(st, 18, v->is_matched);
    if (!db_run(d, st, e))
        return false;
    *id = sqlite3_last_insert_rowid(db_handle(d));
    return true;
}

// An Octopus event is known by its id within its connection.
static bool find_octopus_event(struct db *d, const struct store_event *v, int64_t *id, struct err *e)
{
    *id = 0;
    sqlite3_stmt *st = db_prepare(d, "SELECT id FROM events WHERE connection = ?1 AND octopus_id = ?2 AND octopus_id IS NOT NULL", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, v->connection_id);
    db_bind_str(st, 2, v->octopus_event_id);
    int row = db_step(d, st, e);
    if (row > 0) {
        *id = db_i64(st, 0);
        sqlite3_reset(st);
    }
    return row >= 0;
}

static bool was_played(struct db *d, const struct store_accept *item, bool *was_played, struct err *e)
{
    *was_played = false;
    if (!item->replay_key.n)
        return true;
    sqlite3_stmt *st = db_prepare(d, "SELECT 1 FROM dedupe WHERE trigger = ?1 AND kind = ?2 AND key = ?3 AND at > ?4", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, item->event.trigger_id);
    db_bind_i64(st, 2, DEDUPE_REPLAY);
    db_bind_blob(st, 3, item->replay_key.p, item->replay_key.n);
    db_bind_i64(st, 4, item->event.received_ms - KEPT_DAYS * DAY_MS);
    int row = db_step(d, st, e);
    if (row > 0)
        sqlite3_reset(st);
    *was_played = row > 0;
    return row >= 0;
}

static bool accept_one(struct db *d, struct store_accept *item, struct accept_result *r, struct err *e)
{
    struct store_event *v = &item->event;
    bool is_same_body = false;
    *r = (struct accept_result){ ACCEPT_NEW, 0 };

    if (v->octopus_event_id.n) {
        if (!find_octopus_event(d, v, &r->event_id, e))
            return false;
        if (r->event_id) {
            r->outcome = ACCEPT_DUPLICATE;
            return true;
        }
    }
    if (item->idempotency_key.n) {
        if (!find_key(d, v->trigger_id, DEDUPE_IDEMPOTENCY_KEY, item->idempotency_key, item->body_hash, &r->event_id, &is_same_body, e))
            return false;
        if (r->event_id) {
            r->outcome = is_same_body ? ACCEPT_DUPLICATE : ACCEPT_KEY_REUSED;
            return true;
        }
    }
    v->is_reused_delivery = false;
    if (v->delivery_id.n && v->source == EVENT_EXTERNAL) {
        if (!find_key(d, v->trigger_id, DEDUPE_DELIVERY_ID, v->delivery_id, item->body_hash, &r->event_id, &is_same_body, e))
            return false;
        if (r->event_id && is_same_body) {
            r->outcome = ACCEPT_DUPLICATE;
            return true;
        }
        v->is_reused_delivery = r->event_id != 0; // senders reuse their ids (senders.md 1.1)
    }
    bool is_replay;
    if (!was_played(d, item, &is_replay, e))
        return false;
    if (is_replay) {
        *r = (struct accept_result){ ACCEPT_REPLAYED, 0 };
        return true;
    }
    if (!insert_event(d, v, &r->event_id, e))
        return false;
    if (item->replay_key.n && !remember_key(d, v->trigger_id, DEDUPE_REPLAY, item->replay_key, item->body_hash, r->event_id, v->received_ms + (item->replay_days - KEPT_DAYS) * DAY_MS, e))
        return false;
    if (item->idempotency_key.n && !remember_key(d, v->trigger_id, DEDUPE_IDEMPOTENCY_KEY, item->idempotency_key, item->body_hash, r->event_id, v->received_ms, e))
        return false;
    if (v->delivery_id.n && v->source == EVENT_EXTERNAL && !remember_key(d, v->trigger_id, DEDUPE_DELIVERY_ID, v->delivery_id, item->body_hash, r->event_id, v->received_ms, e))
        return false;
    return true;
}

static bool exec_accept(struct db *d, struct op *op, struct err *e)
{
    struct accept *a = op->args;
    for (size_t i = 0; i < a->count; i++) {
        if (!accept_one(d, &a->items[i], &a->results[i], e))
            return false;
        if (a->results[0].outcome == ACCEPT_REPLAYED) // said of the request as a whole
            return true;
    }
    if (!a->has_tail)
        return true;
    sqlite3_stmt *st = db_prepare(d, "INSERT OR REPLACE INTO tails(connection, doc) VALUES(?1, ?2)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, a->tail.connection_id);
    db_bind_str(st, 2, a->tail.doc);
    return db_run(d, st, e);
}

static void undo_accept(struct op *op)
{
    struct accept *a = op->args;
    for (size_t i = 0; i < a->count; i++)
        a->results[i] = (struct accept_result){ ACCEPT_FAILED, 0 };
}

static void done_accept(struct op *op)
{
    struct accept *a = op->args;
    a->done(op->user_ctx, a->results, a->count, &op->err);
}

bool store_accept(struct store *s, struct loop *loop, const struct store_accept *items, size_t count, const struct store_tail *tail, store_accepted_fn *done, void *ctx, struct err *e)
{
    struct op *op = op_new(s, exec_accept);
    struct arena *m = &op->arena;
    struct accept *a = op->args = ARENA_NEW(m, struct accept);
    a->items = ARENA_ARRAY(m, struct store_accept, count);
    a->results = ARENA_ARRAY(m, struct accept_result, count);
    a->count = count;
    a->done = done;
    for (size_t i = 0; i < count; i++) {
        struct store_accept *to = &a->items[i];
        *to = items[i];
        to->event.type = arena_str(m, to->event.type);
        to->event.octopus_event_id = arena_str(m, to->event.octopus_event_id);
        to->event.delivery_id = arena_str(m, to->event.delivery_id);
        to->event.request = arena_str(m, to->event.request);
        to->event.payload_kind = arena_str(m, to->event.payload_kind);
        to->event.body = arena_str(m, to->event.body);
        to->event.project = arena_str(m, to->event.project);
        to->event.environment = arena_str(m, to->event.environment);
        to->idempotency_key = arena_str(m, to->idempotency_key);
        to->replay_key = arena_str(m, to->replay_key);
    }
    if (tail) {
        a->has_tail = true;
        a->tail = (struct store_tail){ tail->connection_id, arena_str(m, tail->doc) };
    }
    op->undo = undo_accept;
    op->done = done_accept;
    op->user_ctx = ctx;
    op->loop = loop;
    op->requests = MAX(count, (size_t)1);
    op->bytes = m->bytes;
    return op_submit(op, e);
}

bool store_tail_get(struct store *s, int64_t connection_id, struct arena *a, str *doc, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *doc = (str){ "", 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT doc FROM tails WHERE connection = ?1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, connection_id);
    int row = db_step(r.db, st, e);
    if (row > 0)
        *doc = db_str(st, 0, a);
    return row >= 0;
}

#define EVENT_COLUMNS                                                                                                                 \
    "id, space, source, trigger, connection, type, octopus_id, delivery_id, is_reused, occurred, received, caused_run, depth, matched," \
    " not_matched, errors, is_matched, payload_kind, request, project, environment,"              \
    " CASE caused_run WHEN 0 THEN 0 ELSE (SELECT r.reaction FROM runs r WHERE r.id = caused_run) END"

static void read_event(sqlite3_stmt *st, struct arena *a, bool with_body, struct store_event *v)
{
    *v = (struct store_event){
        .id = db_i64(st, 0),
        .space_id = db_i64(st, 1),
        .source = (enum event_source)db_i64(st, 2),
        .trigger_id = db_i64(st, 3),
        .connection_id = db_i64(st, 4),
        .type = db_str(st, 5, a),
        .octopus_event_id = db_str(st, 6, a),
        .delivery_id = db_str(st, 7, a),
        .is_reused_delivery = db_i64(st, 8),
        .occurred_ms = db_i64(st, 9),
        .received_ms = db_i64(st, 10),
        .caused_by_run = db_i64(st, 11),
        .caused_depth = (int)db_i64(st, 12),
        .matched = db_i64(st, 13),
        .not_matched = db_i64(st, 14),
        .errors = db_i64(st, 15),
        .is_matched = db_i64(st, 16),
        .payload_kind = db_str(st, 17, a),
        .request = db_str(st, 18, a),
        .project = db_str(st, 19, a),
        .environment = db_str(st, 20, a),
        .caused_by_reaction = db_i64(st, 21),
    };
    if (with_body)
        v->body = db_str(st, 22, a);
}

bool store_event_place_get(struct store *s, int64_t event_id, struct arena *a, struct store_event_place *out, bool *is_there, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_event_place){ 0 };
    *is_there = false;
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT space, project, environment FROM events WHERE id = ?1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, event_id);
    int row = db_step(r.db, st, e);
    if (row > 0) {
        *out = (struct store_event_place){ db_i64(st, 0), db_str(st, 1, a), db_str(st, 2, a) };
        *is_there = true;
    }
    return row >= 0;
}

static bool get_event(struct db *d, int64_t space_id, int64_t id, struct arena *a, struct store_event **out, struct err *e)
{
    *out = NULL;
    sqlite3_stmt *st = db_prepare(d, "SELECT " EVENT_COLUMNS ", body FROM events WHERE id = ?1 AND (?2 = 0 OR space = ?2)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, space_id);
    int row = db_step(d, st, e);
    if (row > 0) {
        *out = ARENA_NEW(a, struct store_event);
        read_event(st, a, true, *out);
        sqlite3_reset(st);
    }
    return row >= 0;
}

bool store_event_get(struct store *s, int64_t space_id, int64_t id, struct arena *a, struct store_event **out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = NULL;
    return reader_take(s, &r, e) && get_event(r.db, space_id, id, a, out, e);
}

bool store_events_get(struct store *s, struct store_event_wish *wishes, size_t count, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    if (!reader_take(s, &r, e))
        return false;
    // One transaction, so that its locks are taken once. In memory the committer's own may not be touched.
    bool is_many = s->path && count > 1, ok = true;
    sqlite3_stmt *st = is_many ? db_prepare(r.db, "BEGIN", e) : NULL;
    if (is_many && (!st || !db_run(r.db, st, e)))
        return false;
    for (size_t i = 0; i < count && ok; i++)
        ok = get_event(r.db, 0, wishes[i].id, wishes[i].arena, &wishes[i].event, e);
    return ok; // reader_give ends it
}

static struct where conditions(const struct event_filter *f, struct arena *a)
{
    struct where w = { 0 };
    if (f->space_id)
        where_number(&w, "space = ?", f->space_id);
    if (f->source >= 0)
        where_number(&w, "source = ?", f->source);
    if (f->type.n)
        where_text(&w, "type = ?", f->type);
    if (f->trigger_id)
        where_number(&w, "trigger = ?", f->trigger_id);
    if (f->octopus_event_id.n)
        where_text(&w, "octopus_id = ?", f->octopus_event_id);
    if (f->from_ms)
        where_number(&w, "received >= ?", f->from_ms);
    if (f->to_ms)
        where_number(&w, "received < ?", f->to_ms);
    if (f->scopes.is_limited)
        where_text(&w, SCOPES_HOLD, scopes_text(&f->scopes, a));
    return w;
}

// The rows themselves hold the bodies: what an index can tell is asked of it. Without one the rows are walked from the
// newest, which is good for a first page of everything and for nothing else.
static const char *list_index(const struct event_filter *f, bool is_far)
{
    if (f->octopus_event_id.n)
        return " INDEXED BY events_octopus";
    if (f->type.n)
        return " INDEXED BY events_type";
    return is_far || f->source >= 0 || f->trigger_id || f->from_ms || f->to_ms ? " INDEXED BY events_list" : "";
}

bool store_event_list(struct store *s, const struct event_filter *f, struct store_page page, bool with_body, struct arena *a, struct store_events *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_events){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    struct where w = conditions(f, a);
    if (!where_count(r.db, &w, "events", list_index(f, true), &out->total, e))
        return false;
    sqlite3_stmt *st = where_page(r.db, &w, with_body ? EVENT_COLUMNS ", body" : EVENT_COLUMNS, "events", list_index(f, page.skip > WHERE_FAR_ROWS), page, e);
    if (!st)
        return false;
    out->items = ARENA_ARRAY(a, struct store_event, (size_t)page.take);
    size_t bytes = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        if (page_is_full(&page, out->count, bytes)) {
            out->has_more = true;
            break;
        }
        struct store_event *v = &out->items[out->count++];
        read_event(st, a, with_body, v);
        bytes += v->body.n + v->request.n;
    }
    sqlite3_finalize(st);
    return row >= 0;
}

bool store_events_unmatched(struct store *s, int64_t after_id, size_t max_count, size_t max_bytes, struct arena *a, struct store_events *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_events){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT " EVENT_COLUMNS ", body FROM events WHERE id > ?1 AND is_matched = 0 ORDER BY id LIMIT ?2", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, after_id);
    db_bind_i64(st, 2, (int64_t)max_count);
    out->items = ARENA_ARRAY(a, struct store_event, max_count);
    size_t bytes = 0;
    int row = 0;
    while (out->count < max_count && (!out->count || bytes < max_bytes) && (row = db_step(r.db, st, e)) > 0) {
        struct store_event *v = &out->items[out->count++];
        read_event(st, a, true, v);
        bytes += v->body.n + v->request.n;
    }
    return row >= 0;
}
