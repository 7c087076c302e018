#include "store/where.h"

#include <stdio.h>

void where_that(struct where *w, const char *condition)
{
    int n = snprintf(w->text + w->text_bytes, sizeof w->text - w->text_bytes, "%s%s", w->text_bytes ? " AND " : " WHERE ", condition);
    assert(n > 0 && (size_t)n < sizeof w->text - w->text_bytes); // conditions are literals of this layer
    w->text_bytes += (size_t)n;
}

void where_value(struct where *w, int64_t value)
{
    assert(w->count < WHERE_MAX);
    w->values[w->count++].number = value;
}

void where_number(struct where *w, const char *condition, int64_t value)
{
    where_that(w, condition);
    where_value(w, value);
}

void where_text(struct where *w, const char *condition, str value)
{
    where_that(w, condition);
    assert(w->count < WHERE_MAX);
    w->values[w->count].is_text = true;
    w->values[w->count++].text = value;
}

sqlite3_stmt *where_prepare(struct db *d, const struct where *w, const char *head, const char *tail, struct err *e)
{
    char sql[3072];
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
