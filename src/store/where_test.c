#include "tests/harness/check.h"

#include "store/where.h"

static int64_t count(struct db *d, const struct where *w)
{
    struct err e = { 0 };
    int64_t n;
    return where_count(d, w, "t", "", &n, &e) ? n : -1;
}

TEST(only_the_conditions_asked_for_count)
{
    struct err e = { 0 };
    struct db *d = NULL;
    REQUIRE("a database in memory", db_open(NULL, DB_WRITER, &d, &e));
    CHECK_OK("with rows", db_exec(d, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT); INSERT INTO t(a, b) VALUES(1, 'x'), (1, 'y'), (2, 'x'' OR 1 = 1')", &e), &e);

    struct where none = { 0 };
    CHECK_INT("none: all rows", count(d, &none), 3);
    struct where number = { 0 };
    where_number(&number, "a = ?", 1);
    CHECK_INT("a number", count(d, &number), 2);
    where_text(&number, "b = ?", STR("y"));
    CHECK_INT("and a text", count(d, &number), 1);
    where_that(&number, "a > 5");
    CHECK_INT("and one without a value", count(d, &number), 0);
    struct where hostile = { 0 };
    where_text(&hostile, "b = ?", STR("x' OR 1 = 1"));
    CHECK_INT("a text is a value, whatever it holds", count(d, &hostile), 1);

    struct where page = { 0 };
    where_number(&page, "a = ?", 1);
    sqlite3_stmt *st = where_page(d, &page, "b", "t", "", (struct store_page){ .take = 0 }, &e);
    CLEANUP(arena_fini) struct arena a = { 0 };
    CHECK("the tail has its value too", st && db_step(d, st, &e) == 1);
    CHECK_STR("in its place", db_str(st, 0, &a), STR("y"));
    CHECK_INT("which ends the page", db_step(d, st, &e), 0);
    sqlite3_finalize(st);
    st = where_page(d, &page, "b", "t", "", (struct store_page){ .take = 5, .before_id = 2 }, &e);
    CHECK("behind a cursor", st && db_step(d, st, &e) == 1);
    CHECK_STR("come the older ones", db_str(st, 0, &a), STR("x"));
    sqlite3_finalize(st);
    CHECK_INT("a page leaves its conditions as they were", count(d, &page), 2);
    db_close(d);
}

TEST_MAIN()
