#include "store/where.h"

#include <stdio.h>

void where_that(struct where *w, const char *condition)
{
    int n = snprintf(w->text + w->text_bytes, sizeof w->text - w->text_bytes, "%s%s", w->text_bytes ? " AND " : " WHERE ", condition);
    assert(n > 0 && (size_t)n < sizeof w->text - w->text_bytes); // conditions are literals of this layer
    w->text_bytes += (size_t)n;
}

static void add_value(struct where *w, int64_t value)
{
    assert(w->count < WHERE_MAX);
    w->values[w->count++].number = value;
}

void where_number(struct where *w, const char *condition, int64_t value)
{
    where_that(w, condition);
    add_value(w, value);
}

void where_text(struct where *w, const char *condition, str value)
{
    where_that(w, condition);
    assert(w->count < WHERE_MAX);
    w->values[w->count].is_text = true;
    w->values[w->count++].text = value;
}

static sqlite3_stmt *prepare(struct db *d, const struct where *w, const char *head, const char *tail, struct err *e)
{
    char sql[2048];
    int n = snprintf(sql, sizeof sql, "%s%.*s%s", head, (int)w->text_bytes, w->text, tail);
    assert(n > 0 && (size_t)n < sizeof sql);
    sqlite3_stmt *st = db_prepare_once(d, sql, e);
    for (int i = 0; st && i < w->count; i++) {
        if (w->values[i].is_text)
            db_bind_str(st, i + 1, w->values[i].text);
        else
            db_bind_i64(st, i + 1, w->values[i].number);
    }
    return st;
}

bool where_count(struct db *d, const struct where *w, const char *table, const char *index, int64_t *total, struct err *e)
{
    char head[128];
    snprintf(head, sizeof head, "SELECT count(*) FROM %s%s", table, index);
    sqlite3_stmt *st = prepare(d, w, head, "", e);
    bool ok = st && db_step(d, st, e) >= 0;
    if (ok)
        *total = db_i64(st, 0);
    sqlite3_finalize(st);
    return ok;
}

sqlite3_stmt *where_page(struct db *d, const struct where *w, const char *columns, const char *table, const char *index, struct store_page page, struct err *e)
{
    char head[1024];
    int n = snprintf(head, sizeof head, "SELECT %s FROM %s WHERE id IN (SELECT id FROM %s%s", columns, table, table, index);
    assert(n > 0 && (size_t)n < sizeof head);
    struct where paged = *w;
    if (page.before_id)
        where_number(&paged, "id < ?", page.before_id);
    add_value(&paged, page.take + 1);
    add_value(&paged, page.skip);
    return prepare(d, &paged, head, " ORDER BY id DESC LIMIT ? OFFSET ?) ORDER BY id DESC", e);
}
