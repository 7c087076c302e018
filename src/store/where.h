// where.h - the conditions of one listing: only those asked for, so that the database can use an index for them.
// Values are bound, never part of the text. Only src/store includes this.
//
//     struct where w = { 0 };
//     where_number(&w, "space = ?", 1);
//     st = where_prepare(d, &w, "SELECT count(*) FROM events", "", e);
#pragma once

#include "store/db.h"

#define WHERE_MAX 12 // values

struct where {
    char text[1024];
    size_t text_bytes;
    struct {
        bool is_text;
        int64_t number;
        str text; // borrowed until the statement is finalized
    } values[WHERE_MAX];
    int count;
};

// A condition without a value, or with one ? for it.
void where_that(struct where *w, const char *condition);
void where_number(struct where *w, const char *condition, int64_t value);
void where_text(struct where *w, const char *condition, str value);
// A value of the tail ("LIMIT ?"), after all conditions.
void where_value(struct where *w, int64_t value);

// "<head> WHERE <conditions> <tail>", bound. NULL: e says why. The caller finalizes it.
sqlite3_stmt *where_prepare(struct db *d, const struct where *w, const char *head, const char *tail, struct err *e);
