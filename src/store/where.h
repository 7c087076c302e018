// where.h - the conditions of one listing: only those asked for, so that the database can use an index for them.
// Values are bound, never part of the text. Only src/store includes this.
//
//     struct where w = { 0 };
//     where_number(&w, "space = ?", 1);
//     where_count(d, &w, "events", "", &total, e) and where_page(d, &w, "id, body", "events", "", page, e)
#pragma once

#include "store/db.h"
#include "store/store.h"

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

// Behind that many rows a page is found through an index rather than by walking the rows.
#define WHERE_FAR_ROWS 1000

// How many rows of the table fit. index: " INDEXED BY x", or empty.
MUST_USE bool where_count(struct db *d, const struct where *w, const char *table, const char *index, int64_t *total, struct err *e);
// A page of them, newest first, and one row more, which tells that there are more. NULL: e says why. The caller
// finalizes it.
sqlite3_stmt *where_page(struct db *d, const struct where *w, const char *columns, const char *table, const char *index, struct store_page page, struct err *e);
