// db.h - one SQLite connection with its prepared statements. Only src/store includes this.
//
// A statement is named by its SQL literal (its address is the key), prepared on first use and kept.
// Failures are errors with SQLite's own words; SQLITE_FULL is ERR_BUSY (space may come back).
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <sqlite3.h>

struct db;

enum db_mode { DB_WRITER, DB_READER };

// path NULL: in memory (writer only).
MUST_USE bool db_open(const char *path, enum db_mode mode, struct db **out, struct err *e);
void db_close(struct db *d);
sqlite3 *db_handle(struct db *d);

// Creates the tables, or brings an older database up to date; a newer one is refused.
MUST_USE bool db_migrate(struct db *d, struct err *e);

MUST_USE bool db_exec(struct db *d, const char *sql, struct err *e);
bool db_fail(struct db *d, struct err *e, const char *what); // false, with SQLite's message

// sql must be a literal. The statement is reset and its parameters are NULL.
sqlite3_stmt *db_prepare(struct db *d, const char *sql, struct err *e);
// For SQL composed at run time (filters): not kept; finalize it.
sqlite3_stmt *db_prepare_once(struct db *d, const char *sql, struct err *e);

// 1: a row; 0: done (the statement is then reset); -1: failed, e is set.
int db_step(struct db *d, sqlite3_stmt *st, struct err *e);
// For statements that give no rows.
MUST_USE bool db_run(struct db *d, sqlite3_stmt *st, struct err *e);

void db_bind_i64(sqlite3_stmt *st, int at, int64_t v);
// Text and blobs are borrowed until the next reset. p == NULL binds NULL.
void db_bind_str(sqlite3_stmt *st, int at, str s);
void db_bind_blob(sqlite3_stmt *st, int at, const void *p, size_t n);
// An empty text as NULL.
void db_bind_opt(sqlite3_stmt *st, int at, str s);

int64_t db_i64(sqlite3_stmt *st, int column);
str db_str(sqlite3_stmt *st, int column, struct arena *a); // copied; NULL gives an empty text
