// Configuration objects: JSON documents by kind, id, space and slug, each with a version.
#include "store/audit.h"
#include "store/committer.h"

#define OBJECT_COLUMNS "kind, id, space, parent, version, created, modified, slug, doc"

static void read_object(sqlite3_stmt *st, struct arena *a, struct store_object *o)
{
    *o = (struct store_object){
        .kind = (enum store_kind)db_i64(st, 0),
        .id = db_i64(st, 1),
        .space_id = db_i64(st, 2),
        .parent_id = db_i64(st, 3),
        .version = db_i64(st, 4),
        .created_ms = db_i64(st, 5),
        .modified_ms = db_i64(st, 6),
        .slug = db_str(st, 7, a),
        .doc = db_str(st, 8, a),
    };
}

struct reserve {
    enum store_kind kind;
    int64_t id;
};

static bool exec_reserve(struct db *d, struct op *op, struct err *e)
{
    struct reserve *r = op->args;
    sqlite3_stmt *st = db_prepare(d, "INSERT INTO ids(kind, last) VALUES(?1, 1) ON CONFLICT(kind) DO UPDATE SET last = last + 1 RETURNING last", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, r->kind);
    if (db_step(d, st, e) != 1)
        return false;
    r->id = db_i64(st, 0);
    return db_step(d, st, e) == 0;
}

bool store_reserve_id(struct store *s, enum store_kind kind, int64_t *id, struct err *e)
{
    struct op *op = op_new(s, exec_reserve);
    struct reserve *r = op->args = ARENA_NEW(&op->arena, struct reserve);
    r->kind = kind;
    bool ok = op_wait(op, true, e);
    if (ok)
        *id = r->id;
    op_free(op);
    return ok;
}

struct change {
    struct store_put *puts;
    size_t put_count;
    struct store_audit *audit;
    size_t audit_count;
};

// What is wrong with one write, before anything is written: into op->err.
static bool check_put(struct db *d, struct op *op, const struct store_put *p, bool *is_fine, struct err *e)
{
    const struct store_object *o = &p->object;
    *is_fine = true;
    sqlite3_stmt *st = db_prepare(d, "SELECT version FROM objects WHERE kind = ?1 AND id = ?2", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, o->kind);
    db_bind_i64(st, 2, o->id);
    int row = db_step(d, st, e);
    if (row < 0)
        return false;
    int64_t version = row ? db_i64(st, 0) : 0;
    sqlite3_reset(st);
    if (p->expected_version != STORE_ANY_VERSION && version != p->expected_version) {
        *is_fine = err_set(&op->err, ERR_STALE, "%s-%" PRId64 " was changed meanwhile (version %" PRId64 " now): read it again, then repeat the change", store_kind_prefix(o->kind), o->id, version);
        return true;
    }
    if (p->is_delete) {
        if (!row)
            *is_fine = err_set(&op->err, ERR_NOT_FOUND, "%s-%" PRId64 " does not exist", store_kind_prefix(o->kind), o->id);
        return true;
    }
    if (!o->slug.n)
        return true;
    st = db_prepare(d, "SELECT id FROM objects WHERE kind = ?1 AND space = ?2 AND slug = ?3 AND id != ?4", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, o->kind);
    db_bind_i64(st, 2, o->space_id);
    db_bind_str(st, 3, o->slug);
    db_bind_i64(st, 4, o->id);
    row = db_step(d, st, e);
    if (row > 0)
        *is_fine = err_set(&op->err, ERR_CONFLICT, "the name \"%.*s\" is taken by %s-%" PRId64, STR_ARG(o->slug), store_kind_prefix(o->kind), db_i64(st, 0));
    sqlite3_reset(st);
    return row >= 0;
}

static bool write_put(struct db *d, struct op *op, const struct store_put *p, struct err *e)
{
    const struct store_object *o = &p->object;
    sqlite3_stmt *st;
    if (p->is_delete) {
        st = db_prepare(d, "DELETE FROM objects WHERE kind = ?1 AND id = ?2", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, o->kind);
        db_bind_i64(st, 2, o->id);
        return db_run(d, st, e);
    }
    int64_t now = clock_wall_ms(op->store->clock);
    st = db_prepare(d,
        "INSERT INTO objects(kind, id, space, parent, version, created, modified, slug, doc) VALUES(?1, ?2, ?3, ?4, 1, ?5, ?5, ?6, ?7)"
        " ON CONFLICT(kind, id) DO UPDATE SET space = ?3, parent = ?4, version = version + 1, modified = ?5, slug = ?6, doc = ?7", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, o->kind);
    db_bind_i64(st, 2, o->id);
    db_bind_i64(st, 3, o->space_id);
    db_bind_i64(st, 4, o->parent_id);
    db_bind_i64(st, 5, now);
    db_bind_opt(st, 6, o->slug);
    db_bind_str(st, 7, o->doc);
    return db_run(d, st, e);
}

static bool exec_change(struct db *d, struct op *op, struct err *e)
{
    struct change *c = op->args;
    bool is_fine = true;
    for (size_t i = 0; i < c->put_count; i++) {
        if (!check_put(d, op, &c->puts[i], &is_fine, e))
            return false;
        if (!is_fine)
            return true;
    }
    for (size_t i = 0; i < c->put_count; i++)
        if (!write_put(d, op, &c->puts[i], e))
            return false;
    for (size_t i = 0; i < c->audit_count; i++)
        if (!audit_write(d, op->store->clock, &c->audit[i], e))
            return false;
    return true;
}

bool store_change(struct store *s, const struct store_put *puts, size_t put_count, const struct store_audit *audit, size_t audit_count, struct err *e)
{
    struct op *op = op_new(s, exec_change);
    struct change *c = op->args = ARENA_NEW(&op->arena, struct change);
    // The caller waits: its memory outlives the operation.
    c->puts = ARENA_ARRAY(&op->arena, struct store_put, put_count);
    if (put_count)
        memcpy(c->puts, puts, sizeof *puts * put_count);
    c->put_count = put_count;
    c->audit = ARENA_ARRAY(&op->arena, struct store_audit, audit_count);
    if (audit_count)
        memcpy(c->audit, audit, sizeof *audit * audit_count);
    c->audit_count = audit_count;
    return op_wait(op, false, e);
}

static bool read_one(struct db *d, sqlite3_stmt *st, struct arena *a, struct store_object **out, struct err *e)
{
    int row = db_step(d, st, e);
    *out = NULL;
    if (row > 0) {
        *out = ARENA_NEW(a, struct store_object);
        read_object(st, a, *out);
    }
    return row >= 0;
}

bool store_get(struct store *s, enum store_kind kind, int64_t space_id, int64_t id, struct arena *a, struct store_object **out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT " OBJECT_COLUMNS " FROM objects WHERE kind = ?1 AND id = ?2 AND (?3 = 0 OR space = ?3)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, kind);
    db_bind_i64(st, 2, id);
    db_bind_i64(st, 3, space_id);
    return read_one(r.db, st, a, out, e);
}

bool store_find(struct store *s, enum store_kind kind, int64_t space_id, str slug, struct arena *a, struct store_object **out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT " OBJECT_COLUMNS " FROM objects WHERE kind = ?1 AND space = ?2 AND slug = ?3", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, kind);
    db_bind_i64(st, 2, space_id);
    db_bind_str(st, 3, slug);
    return read_one(r.db, st, a, out, e);
}

bool store_list(struct store *s, enum store_kind kind, int64_t space_id, int64_t parent_id, struct store_page page, struct arena *a, struct store_objects *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_objects){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    // By the index of the children where a parent is given; the planner cannot choose it by a value that is bound later.
    sqlite3_stmt *st = parent_id ? db_prepare(r.db, "SELECT count(*) FROM objects WHERE kind = ?1 AND (?2 = 0 OR space = ?2) AND parent = ?3 AND parent != 0", e)
                                 : db_prepare(r.db, "SELECT count(*) FROM objects WHERE kind = ?1 AND (?2 = 0 OR space = ?2) AND ?3 = 0", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, kind);
    db_bind_i64(st, 2, space_id);
    db_bind_i64(st, 3, parent_id);
    if (db_step(r.db, st, e) < 0)
        return false;
    out->total = db_i64(st, 0);
    sqlite3_reset(st);

    st = parent_id ? db_prepare(r.db,
                         "SELECT " OBJECT_COLUMNS " FROM objects WHERE kind = ?1 AND (?2 = 0 OR space = ?2) AND parent = ?3 AND parent != 0 AND id < ?4 ORDER BY id DESC LIMIT ?5 OFFSET ?6", e)
                   : db_prepare(r.db, "SELECT " OBJECT_COLUMNS " FROM objects WHERE kind = ?1 AND (?2 = 0 OR space = ?2) AND ?3 = 0 AND id < ?4 ORDER BY id DESC LIMIT ?5 OFFSET ?6", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, kind);
    db_bind_i64(st, 2, space_id);
    db_bind_i64(st, 3, parent_id);
    db_bind_i64(st, 4, page.before_id ? page.before_id : INT64_MAX);
    db_bind_i64(st, 5, page.take + 1);
    db_bind_i64(st, 6, page.skip);
    size_t cap = 0, bytes = 0;
    struct store_object *items = NULL;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        if (page_is_full(&page, out->count, bytes)) {
            out->has_more = true;
            break;
        }
        xgrow(&items, &cap, out->count + 1, sizeof *items);
        read_object(st, a, &items[out->count]);
        bytes += items[out->count++].doc.n;
    }
    out->items = ARENA_ARRAY(a, struct store_object, out->count);
    if (out->count)
        memcpy(out->items, items, sizeof *items * out->count);
    free(items);
    return row >= 0;
}
