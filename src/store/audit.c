#include "store/audit.h"

#include "base/encode.h"
#include "store/committer.h"

#include <sodium.h>

#define HASH_BYTES crypto_hash_sha256_BYTES

static void hash_part(crypto_hash_sha256_state *h, str s)
{
    // With its length in front, so that no two rows can be told the same.
    uint64_t n = s.n;
    crypto_hash_sha256_update(h, (const unsigned char *)&n, sizeof n);
    crypto_hash_sha256_update(h, (const unsigned char *)s.p, s.n);
}

static void hash_row(unsigned char out[HASH_BYTES], str previous, int64_t id, int64_t at, const struct store_audit *row)
{
    crypto_hash_sha256_state h;
    const int64_t numbers[] = { id, at, row->space_id };
    crypto_hash_sha256_init(&h);
    hash_part(&h, previous);
    crypto_hash_sha256_update(&h, (const unsigned char *)numbers, sizeof numbers);
    hash_part(&h, row->actor);
    hash_part(&h, row->action);
    hash_part(&h, row->subject);
    hash_part(&h, row->doc);
    crypto_hash_sha256_final(&h, out);
}

bool audit_write(struct db *d, const struct clock *clock, const struct store_audit *row, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    sqlite3_stmt *st = db_prepare(d, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", e);
    if (!st)
        return false;
    int found = db_step(d, st, e);
    if (found < 0)
        return false;
    int64_t id = found ? db_i64(st, 0) + 1 : 1, at = clock_wall_ms(clock);
    str previous = found ? db_str(st, 1, &a) : (str){ 0 };
    sqlite3_reset(st);

    unsigned char hash[HASH_BYTES];
    hash_row(hash, previous, id, at, row);
    st = db_prepare(d, "INSERT INTO audit(id, at, space, actor, action, subject, doc, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, at);
    db_bind_i64(st, 3, row->space_id);
    db_bind_str(st, 4, row->actor);
    db_bind_str(st, 5, row->action);
    db_bind_str(st, 6, row->subject);
    db_bind_str(st, 7, row->doc);
    db_bind_blob(st, 8, hash, sizeof hash);
    return db_run(d, st, e);
}

static bool exec_audit(struct db *d, struct op *op, struct err *e)
{
    return audit_write(d, op->store->clock, op->args, e);
}

void store_audit(struct store *s, const struct store_audit *audit)
{
    struct op *op = op_new(s, exec_audit);
    struct store_audit *copy = op->args = ARENA_NEW(&op->arena, struct store_audit);
    *copy = (struct store_audit){ audit->space_id, arena_str(&op->arena, audit->actor), arena_str(&op->arena, audit->action), arena_str(&op->arena, audit->subject), arena_str(&op->arena, audit->doc) };
    bool submitted = op_submit(op, NULL);
    assert(submitted);
    (void)submitted;
}

static void read_row(sqlite3_stmt *st, struct arena *a, struct store_audit_row *row)
{
    *row = (struct store_audit_row){
        .id = db_i64(st, 0),
        .at_ms = db_i64(st, 1),
        .space_id = db_i64(st, 2),
        .actor = db_str(st, 3, a),
        .action = db_str(st, 4, a),
        .subject = db_str(st, 5, a),
        .doc = db_str(st, 6, a),
        .hash = db_str(st, 7, a),
    };
}

#define AUDIT_COLUMNS "id, at, space, actor, action, subject, doc, hash"

bool store_audit_list(struct store *s, int64_t space_id, struct store_page page, struct arena *a, struct store_audit_rows *out, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    *out = (struct store_audit_rows){ 0 };
    if (!reader_take(s, &r, e))
        return false;
    sqlite3_stmt *st = db_prepare(r.db, "SELECT count(*) FROM audit WHERE ?1 = 0 OR space = ?1", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, space_id);
    if (db_step(r.db, st, e) < 0)
        return false;
    out->total = db_i64(st, 0);
    sqlite3_reset(st);
    st = db_prepare(r.db, "SELECT " AUDIT_COLUMNS " FROM audit WHERE (?1 = 0 OR space = ?1) AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3 OFFSET ?4", e);
    if (!st)
        return false;
    db_bind_i64(st, 1, space_id);
    db_bind_i64(st, 2, page.before_id);
    db_bind_i64(st, 3, page.take + 1);
    db_bind_i64(st, 4, page.skip);
    out->items = ARENA_ARRAY(a, struct store_audit_row, (size_t)page.take);
    size_t bytes = 0;
    int row;
    while ((row = db_step(r.db, st, e)) > 0) {
        if (page_is_full(&page, out->count, bytes)) {
            out->has_more = true;
            break;
        }
        struct store_audit_row *at = &out->items[out->count++];
        read_row(st, a, at);
        at->hash = hex_encode(a, at->hash);
        bytes += at->doc.n + at->subject.n;
    }
    return row >= 0;
}

bool store_audit_verify(struct store *s, int64_t *rows, int64_t *bad_id, str *head_hash, struct arena *a, str *why, struct err *e)
{
    CLEANUP(reader_give) struct reader r = { 0 };
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    unsigned char previous[HASH_BYTES];
    bool has_previous = false;
    int64_t after = 0;
    *rows = *bad_id = 0;
    *why = (str){ "", 0 };
    if (!reader_take(s, &r, e))
        return false;
    for (int row = 1; row > 0;) {
        // A page at a time: the reader lets go in between.
        sqlite3_stmt *st = db_prepare(r.db, "SELECT " AUDIT_COLUMNS " FROM audit WHERE id > ?1 ORDER BY id LIMIT 500", e);
        if (!st)
            return false;
        db_bind_i64(st, 1, after);
        int64_t before = after;
        while ((row = db_step(r.db, st, e)) > 0) {
            struct store_audit_row got;
            unsigned char want[HASH_BYTES];
            read_row(st, &scratch, &got);
            struct store_audit content = { got.space_id, got.actor, got.action, got.subject, got.doc };
            hash_row(want, has_previous ? (str){ (const char *)previous, HASH_BYTES } : (str){ 0 }, got.id, got.at_ms, &content);
            if (got.id != after + 1 || got.hash.n != HASH_BYTES || memcmp(want, got.hash.p, HASH_BYTES) != 0) {
                *bad_id = got.id;
                *why = got.id != after + 1 ? arena_printf(a, "row %" PRId64 " follows row %" PRId64 ": what stood between is gone", got.id, after) : arena_printf(a, "row %" PRId64 " was changed, or a row before it", got.id);
                return true;
            }
            memcpy(previous, want, HASH_BYTES);
            has_previous = true;
            after = got.id;
            (*rows)++;
        }
        if (row < 0)
            return false;
        arena_reset(&scratch);
        row = after > before;
    }
    *head_hash = has_previous ? hex_encode(a, (str){ (const char *)previous, HASH_BYTES }) : (str){ "", 0 };
    return true;
}
