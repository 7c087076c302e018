#include "tests/store/bench.h"

#include "store/db.h"

TEST(a_statement_is_prepared_once_and_starts_afresh)
{
    struct err e = { 0 };
    struct db *d = NULL;
    CLEANUP(arena_fini) struct arena a = { 0 };
    REQUIRE("a database in memory", db_open(NULL, DB_WRITER, &d, &e));
    CHECK_OK("a table", db_exec(d, "CREATE TABLE t(a INTEGER, b TEXT)", &e), &e);
    static const char insert[] = "INSERT INTO t VALUES(?1, ?2)";
    for (int i = 0; i < 3; i++) {
        sqlite3_stmt *st = db_prepare(d, insert, &e);
        db_bind_i64(st, 1, i);
        if (i == 0)
            db_bind_str(st, 2, STR("zero"));
        if (i == 2)
            db_bind_opt(st, 2, STR(""));
        CHECK_OK("a row", db_run(d, st, &e), &e);
        CHECK("the same literal is the same statement", db_prepare(d, insert, &e) == st);
    }
    sqlite3_stmt *st = db_prepare(d, "SELECT a, b, b IS NULL FROM t ORDER BY a", &e);
    CHECK_INT("a row comes", db_step(d, st, &e), 1);
    CHECK_STR("with its text", db_str(st, 1, &a), STR("zero"));
    CHECK_INT("the next", db_step(d, st, &e), 1);
    CHECK_INT("does not have the last one's parameters", db_i64(st, 2), 1);
    CHECK_STR("nothing is an empty text", db_str(st, 1, &a), STR(""));
    CHECK_INT("the third", db_step(d, st, &e), 1);
    CHECK_INT("an empty optional text is nothing", db_i64(st, 2), 1);
    CHECK_INT("then the end", db_step(d, st, &e), 0);
    CHECK("an error has SQLite's own words", !db_exec(d, "SELECT * FROM nowhere", &e) && strstr(e.text, "no such table: nowhere"));
    CHECK("so has one in preparing", !db_prepare(d, "SELECT FROM", &e) && e.kind == ERR_IO);
    db_close(d);
}

TEST(a_newer_database_is_left_alone)
{
    struct err e = { 0 };
    struct db *d = NULL;
    REQUIRE("a database in memory", db_open(NULL, DB_WRITER, &d, &e));
    CHECK_OK("an empty one gets its tables", db_migrate(d, &e), &e);
    CHECK_OK("then there is nothing to do", db_migrate(d, &e), &e);
    CHECK_OK("a program of the future was here", db_exec(d, "PRAGMA user_version=1000", &e), &e);
    CHECK("it is refused, and told why", !db_migrate(d, &e) && e.kind == ERR_CONFLICT && strstr(e.text, "1000"));
    db_close(d);
}

TEST(a_reader_cannot_write)
{
    struct err e = { 0 };
    struct db *writer = NULL, *reader = NULL;
    CLEANUP(arena_fini) struct arena a = { 0 };
    str dir;
    REQUIRE("a folder", file_temp_dir(&a, "db-test", &dir, &e));
    const char *path = arena_printf(&a, "%s/x.db", dir.p).p;
    CHECK("a reader needs a database", !db_open(path, DB_READER, &reader, &e));
    CHECK_OK("a writer makes one", db_open(path, DB_WRITER, &writer, &e) && db_migrate(writer, &e), &e);
    CHECK_OK("then it opens", db_open(path, DB_READER, &reader, &e), &e);
    CHECK("but does not write", !db_exec(reader, "DELETE FROM objects", &e));
    db_close(reader);
    db_close(writer);
    CHECK_OK("the folder is removed", file_remove_tree(dir.p, &e), &e);
}

TEST_MAIN()
