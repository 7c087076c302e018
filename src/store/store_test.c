#include "tests/store/bench.h"

TEST(ids_are_text_with_a_prefix)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    int64_t id = 0;
    CHECK_STR("an id has the kind in front", store_id_text(&a, KIND_RUN, 42), STR("Runs-42"));
    CHECK("it reads back", store_id_parse(STR("Runs-42"), KIND_RUN, &id) && id == 42);
    CHECK("case does not count", store_id_parse(STR("runs-42"), KIND_RUN, &id));
    static const char *const bad[] = { "Runs-", "Runs", "Runs-x", "Runs--1", "Runs-0", "Runs-042", "Events-1", "", "Runs-99999999999999999999" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !store_id_parse(str_from(bad[i]), KIND_RUN, &id));
}

TEST(what_was_committed_is_there_after_reopening)
{
    struct fixture f;
    begin(&f, true);
    struct store_accept item = event_of(7, "{\"kept\":true}");
    int64_t id = accept(&f, &item).event_id;
    store_close(f.store);
    open_store(&f, NULL);
    struct store_event *v = NULL;
    CHECK_OK("the event is read", store_event_get(f.store, 1, id, &f.a, &v, &f.e) && v, &f.e);
    CHECK_STR("with its body", v ? v->body : STR(""), STR("{\"kept\":true}"));
    const char *copy = arena_printf(&f.a, "%s/copy.db", f.dir.p).p;
    CHECK_OK("a backup is taken", store_backup(f.store, copy, &f.e), &f.e);
    CHECK("not over an existing file", !store_backup(f.store, copy, &f.e) && f.e.kind == ERR_CONFLICT);
    store_close(f.store);
    f.path = copy;
    open_store(&f, NULL);
    CHECK_OK("the copy has it too", store_event_get(f.store, 1, id, &f.a, &v, &f.e) && v, &f.e);
    str why = STR("not asked");
    CHECK_OK("it can be checked", store_check(f.store, &f.a, &why, &f.e), &f.e);
    CHECK_STR("and is whole", why, STR(""));
    end(&f);
}

TEST_MAIN()
