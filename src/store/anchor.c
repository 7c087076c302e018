#include "store/anchor.h"

#include "base/encode.h"
#include "base/timetext.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

bool anchor_parse(str text, struct arena *a, struct anchor *out)
{
    str rest = str_trim(text), row, hash, bytes;
    char separator = str_has(rest, ':') && !str_has(rest, ' ') ? ':' : ' ';
    *out = (struct anchor){ 0 };
    if (!str_split(&rest, separator, &row) || !str_to_i64(row, &out->row) || out->row < 1 || !str_split(&rest, separator, &hash))
        return false;
    out->hash = hash;
    out->time = rest.p ? rest : (str){ "", 0 };
    return hash.n == 64 && hex_decode(a, hash, &bytes);
}

bool anchor_read(const char *path, struct arena *a, struct anchor *out, struct err *e)
{
    str text;
    if (!file_read(path, 4096, a, &text, e))
        return false;
    return anchor_parse(text, a, out) || err_set(e, ERR_INVALID, "%s does not hold the head of an audit", path);
}

static bool find_row(struct store *s, int64_t row, struct arena *a, struct store_audit_row **out, struct err *e)
{
    struct store_audit_rows rows;
    *out = NULL;
    if (!store_audit_list(s, 0, (struct store_page){ .take = 1, .before_id = row ? row + 1 : 0 }, a, &rows, e))
        return false;
    if (rows.count && (!row || rows.items[0].id == row))
        *out = &rows.items[0];
    return true;
}

bool anchor_check(struct store *s, const struct anchor *anchor, struct arena *a, str *why, struct err *e)
{
    struct store_audit_row *row;
    *why = (str){ "", 0 };
    if (!find_row(s, anchor->row, a, &row, e))
        return false;
    if (!row)
        *why = arena_printf(a, "row %" PRId64 " was the newest once (%.*s) and is there no more: the end was cut off", anchor->row, STR_ARG(anchor->hash));
    else if (!str_eq_nocase(row->hash, anchor->hash))
        *why = arena_printf(a, "row %" PRId64 " had the hash %.*s once and has %.*s now: the chain was written anew", anchor->row, STR_ARG(anchor->hash), STR_ARG(row->hash));
    return true;
}

bool anchor_write(struct store *s, const char *path, int64_t now_ms, int64_t *last_row, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_audit_row *head;
    if (!find_row(s, 0, &a, &head, e))
        return false;
    if (!head || head->id == *last_row)
        return true;
    str line = arena_printf(&a, "%" PRId64 " %.*s %.*s\n", head->id, STR_ARG(head->hash), STR_ARG(timetext(&a, now_ms)));
    if (!file_write(path, line, 0600, e))
        return false;
    *last_row = head->id;
    return true;
}

bool anchor_begin(struct store *s, const char *path, struct arena *a, str *why, struct err *e)
{
    struct anchor anchor;
    struct err damage = { 0 };
    *why = (str){ "", 0 };
    if (!file_exists(path))
        return true;
    if (!anchor_read(path, a, &anchor, &damage))
        *why = arena_str(a, str_from(damage.text));
    else if (!anchor_check(s, &anchor, a, why, e))
        return false;
    const char *broken = arena_printf(a, "%s.broken", path).p;
    if (why->n && !file_exists(broken) && rename(path, broken) < 0)
        return err_errno(e, errno, "%s", broken);
    return true;
}

static bool check_file(struct store *s, const char *path, struct arena *a, struct anchor_verdict *out, bool is_present, struct err *e)
{
    struct anchor anchor;
    struct err damage = { 0 };
    if (!file_exists(path))
        return true;
    if (!anchor_read(path, a, &anchor, &damage)) {
        out->why = arena_str(a, str_from(damage.text));
        return true;
    }
    if (is_present) {
        out->has_anchor = true;
        out->anchor = anchor;
    }
    if (!anchor_check(s, &anchor, a, &out->why, e))
        return false;
    if (out->why.n)
        out->why = arena_printf(a, "%s: %.*s", path, STR_ARG(out->why));
    return true;
}

bool anchor_verify(struct store *s, const char *path, const struct anchor *known, struct arena *a, struct anchor_verdict *out, struct err *e)
{
    *out = (struct anchor_verdict){ 0 };
    if (!store_audit_verify(s, &out->rows, &out->bad_row, &out->head, a, &out->why, e) || out->bad_row)
        return e->kind == ERR_NONE;
    if (!check_file(s, path, a, out, true, e))
        return false;
    if (!out->why.n && !check_file(s, arena_printf(a, "%s.broken", path).p, a, out, false, e))
        return false;
    return out->why.n || !known || anchor_check(s, known, a, &out->why, e);
}
