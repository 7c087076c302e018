#include "tests/harness/check.h"

#include "store/anchor.h"
#include "sys/file.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

struct place {
    struct arena arena;
    const char *database, *path;
    str folder;
};

static void begin(struct place *p)
{
    struct err e = { 0 };
    *p = (struct place){ 0 };
    REQUIRE("a folder", file_temp_dir(&p->arena, "anchor", &p->folder, &e));
    p->database = arena_printf(&p->arena, "%.*s/reactions.db", STR_ARG(p->folder)).p;
    p->path = arena_printf(&p->arena, "%.*s/audit.anchor", STR_ARG(p->folder)).p;
}

static void end(struct place *p)
{
    struct err e = { 0 };
    CHECK_OK("the folder goes", file_remove_tree(p->folder.p, &e), &e);
    arena_fini(&p->arena);
}

static struct store *open_store(struct place *p)
{
    struct store *s = NULL;
    struct err e = { 0 };
    struct store_options opt = { .path = p->database, .clock = &clock_system };
    REQUIRE("the store opens", store_open(&opt, &s, &e));
    return s;
}

static void add_rows(struct place *p, int count)
{
    struct store *s = open_store(p);
    struct err e = { 0 };
    int64_t last_row = 0;
    for (int i = 0; i < count; i++) {
        struct store_audit row = { 1, STR("anna"), STR("reaction.update"), STR("Reactions-1"), arena_printf(&p->arena, "{\"n\":%d}", i) };
        CHECK_OK("a row", store_change(s, NULL, 0, &row, 1, &e), &e);
    }
    CHECK_OK("the head is anchored", anchor_write(s, p->path, 1000, &last_row, &e), &e);
    store_close(s);
}

static void change(struct place *p, const char *sql)
{
    sqlite3 *db;
    REQUIRE("the database opens for the one who tampers", sqlite3_open(p->database, &db) == SQLITE_OK);
    CHECK_INT("and is changed", sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static str verify(struct place *p, const struct anchor *known)
{
    struct store *s = open_store(p);
    struct err e = { 0 };
    struct anchor_verdict v;
    CHECK_OK("it is verified", anchor_verify(s, p->path, known, &p->arena, &v, &e), &e);
    store_close(s);
    return v.why;
}

TEST(an_audit_left_alone_is_intact)
{
    struct place p;
    begin(&p);
    add_rows(&p, 5);
    CHECK_STR("intact", verify(&p, NULL), STR(""));
    add_rows(&p, 2);
    CHECK_STR("and after more rows", verify(&p, NULL), STR(""));
    end(&p);
}

TEST(each_way_of_tampering_shows)
{
    static const struct { const char *claim, *sql, *says; } rows[] = {
        { "an edited row", "UPDATE audit SET actor = 'bert' WHERE id = 3", "row 3 was changed" },
        { "edited particulars", "UPDATE audit SET doc = '{}' WHERE id = 2", "row 2 was changed" },
        { "an edited time", "UPDATE audit SET at = at + 1 WHERE id = 5", "row 5 was changed" },
        { "a dropped row", "DELETE FROM audit WHERE id = 3", "row 4 follows row 2" },
        { "the first row dropped", "DELETE FROM audit WHERE id = 1", "row 2 follows row 0" },
        { "two rows that changed places", "UPDATE audit SET id = -3 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = -3", "row 3 was changed" },
        { "a dropped row, the others numbered anew", "DELETE FROM audit WHERE id = 3; UPDATE audit SET id = id - 1 WHERE id > 3", "row 3 was changed" },
        { "a cut tail", "DELETE FROM audit WHERE id > 3", "the end was cut off" },
        { "everything gone", "DELETE FROM audit", "the end was cut off" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct place p;
        begin(&p);
        add_rows(&p, 6);
        change(&p, rows[i].sql);
        CHECK(rows[i].claim, str_find(verify(&p, NULL), str_from(rows[i].says)) >= 0);
        end(&p);
    }
}

// Cut, and grown again to the same length: only the hash at the anchored row shows it.
TEST(a_tail_written_anew_shows)
{
    struct place p;
    begin(&p);
    add_rows(&p, 6);
    change(&p, "DELETE FROM audit WHERE id > 3");
    char text[200] = { 0 };
    struct err e = { 0 };
    str kept;
    REQUIRE("the anchor is read", file_read(p.path, sizeof text, &p.arena, &kept, &e));
    add_rows(&p, 4);
    CHECK_OK("the old anchor comes back", file_write(p.path, kept, 0600, &e), &e);
    CHECK("the chain was written anew", str_find(verify(&p, NULL), STR("was written anew")) >= 0);
    end(&p);
}

// Whoever can write the database can write the anchor beside it; not the copy on another machine.
TEST(a_head_kept_elsewhere_shows_what_the_file_hides)
{
    struct place p;
    struct anchor known;
    struct err e = { 0 };
    begin(&p);
    add_rows(&p, 6);
    REQUIRE("a copy is kept", anchor_read(p.path, &p.arena, &known, &e));
    change(&p, "DELETE FROM audit WHERE id > 3");
    unlink(p.path);
    add_rows(&p, 1);
    CHECK_STR("the file beside it is content", verify(&p, NULL), STR(""));
    CHECK("the copy is not", str_find(verify(&p, &known), STR("the end was cut off")) >= 0);
    end(&p);
}

TEST(a_server_does_not_cover_up_a_broken_anchor)
{
    struct place p;
    struct err e = { 0 };
    str why;
    begin(&p);
    add_rows(&p, 6);
    change(&p, "DELETE FROM audit WHERE id > 3");
    struct store *s = open_store(&p);
    CHECK_OK("a server begins", anchor_begin(s, p.path, &p.arena, &why, &e), &e);
    CHECK("and is told", str_find(why, STR("the end was cut off")) >= 0);
    store_close(s);
    add_rows(&p, 6);
    CHECK("its own anchors do not hide it", str_find(verify(&p, NULL), STR("audit.anchor.broken")) >= 0);
    end(&p);
}

TEST(anchors_are_read_strictly)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct anchor anchor;
    str hash = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    CHECK("as the file has it", anchor_parse(arena_printf(&a, "7 %.*s 2026-11-22T00:00:00.000Z\n", STR_ARG(hash)), &a, &anchor) && anchor.row == 7);
    CHECK("as a person types it", anchor_parse(arena_printf(&a, "7:%.*s", STR_ARG(hash)), &a, &anchor) && anchor.row == 7);
    static const char *const bad[] = { "", "7", "7:", "x:00", "0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "7:zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !anchor_parse(str_from(bad[i]), &a, &anchor));
}

TEST_MAIN()
