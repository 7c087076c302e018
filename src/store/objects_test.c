#include "tests/store/bench.h"

static bool put(struct fixture *f, int64_t id, const char *slug, const char *doc, int64_t expected)
{
    struct store_put p = { .object = { .kind = KIND_TRIGGER, .id = id, .space_id = 1, .slug = str_from(slug), .doc = str_from(doc) }, .expected_version = expected };
    struct store_audit audit = { 1, STR("tester"), STR("trigger.save"), STR("Triggers-1"), STR("{}") };
    f->e = (struct err){ 0 };
    return store_change(f->store, &p, 1, &audit, 1, &f->e);
}

TEST(objects_have_versions_and_unique_slugs)
{
    ON_EVERY_ENGINE(f) {
        int64_t id = 0, second = 0;
        CHECK_OK("an id is reserved", store_reserve_id(f.store, KIND_TRIGGER, &id, &f.e), &f.e);
        CHECK_OK("and another", store_reserve_id(f.store, KIND_TRIGGER, &second, &f.e), &f.e);
        CHECK_INT("ids count from 1", id, 1);
        CHECK_INT("never the same twice", second, 2);
        CHECK_OK("a new object is written", put(&f, id, "feed", "{\"a\":1}", STORE_MUST_BE_NEW), &f.e);
        CHECK("it is not new again", !put(&f, id, "feed", "{}", STORE_MUST_BE_NEW) && f.e.kind == ERR_STALE);
        CHECK("the slug is taken, whatever its case", !put(&f, second, "FEED", "{}", STORE_MUST_BE_NEW) && f.e.kind == ERR_CONFLICT);
        CHECK_OK("the version that was read may be replaced", put(&f, id, "feed", "{\"a\":2}", 1), &f.e);
        CHECK("an older version may not", !put(&f, id, "feed", "{}", 1) && f.e.kind == ERR_STALE);

        struct store_object *o = NULL;
        CHECK_OK("it is found by id", store_get(f.store, KIND_TRIGGER, 1, id, &f.a, &o, &f.e) && o, &f.e);
        CHECK_INT("with its version", o ? o->version : 0, 2);
        CHECK_STR("and its document", o ? o->doc : STR(""), STR("{\"a\":2}"));
        CHECK_OK("another space has none", store_get(f.store, KIND_TRIGGER, 2, id, &f.a, &o, &f.e) && !o, &f.e);
        CHECK_OK("it is found by slug", store_find(f.store, KIND_TRIGGER, 1, STR("Feed"), &f.a, &o, &f.e) && o, &f.e);
        CHECK_OK("within its space", store_find(f.store, KIND_TRIGGER, 2, STR("Feed"), &f.a, &o, &f.e) && !o, &f.e);
        CHECK_OK("not among those of no space", store_find(f.store, KIND_TRIGGER, 0, STR("Feed"), &f.a, &o, &f.e) && !o, &f.e);

        struct store_audit_rows rows;
        CHECK_OK("the audit lists", store_audit_list(f.store, 0, (struct store_page){ .take = 10 }, &f.a, &rows, &f.e), &f.e);
        CHECK_INT("only what happened", rows.total, 2);
        int64_t count, bad;
        str head, why;
        CHECK_OK("the chain is walked", store_audit_verify(f.store, &count, &bad, &head, &f.a, &why, &f.e), &f.e);
        CHECK_INT("no row is bad", bad, 0);
        CHECK_INT("every row was seen", count, 2);

        struct store_put gone = { .object = { .kind = KIND_TRIGGER, .id = id }, .expected_version = STORE_ANY_VERSION, .is_delete = true };
        CHECK_OK("it is deleted", store_change(f.store, &gone, 1, NULL, 0, &f.e), &f.e);
        CHECK("and is not there to be deleted again", !store_change(f.store, &gone, 1, NULL, 0, &f.e) && f.e.kind == ERR_NOT_FOUND);
    }
}

TEST(a_change_of_several_objects_is_all_or_nothing)
{
    ON_EVERY_ENGINE(f) {
        CHECK_OK("one is there", put(&f, 1, "first", "{}", STORE_MUST_BE_NEW), &f.e);
        struct store_put both[] = {
            { .object = { .kind = KIND_TRIGGER, .id = 2, .space_id = 1, .slug = STR("second"), .doc = STR("{}") }, .expected_version = STORE_MUST_BE_NEW },
            { .object = { .kind = KIND_TRIGGER, .id = 3, .space_id = 1, .slug = STR("first"), .doc = STR("{}") }, .expected_version = STORE_MUST_BE_NEW },
        };
        struct store_audit audit = { 1, STR("tester"), STR("trigger.save"), STR("Triggers-2"), STR("{}") };
        CHECK("the second one's name is taken", !store_change(f.store, both, 2, &audit, 1, &f.e) && f.e.kind == ERR_CONFLICT);
        struct store_object *o = NULL;
        CHECK_OK("so the first is looked for", store_get(f.store, KIND_TRIGGER, 1, 2, &f.a, &o, &f.e), &f.e);
        CHECK("and was not written", !o);
        struct store_audit_rows rows;
        CHECK_OK("the audit is read", store_audit_list(f.store, 0, (struct store_page){ .take = 10 }, &f.a, &rows, &f.e), &f.e);
        CHECK_INT("nor does it tell of it", rows.total, 1);
    }
}

TEST(a_list_goes_from_the_newest_and_stays_where_it_was)
{
    ON_EVERY_ENGINE(f) {
        for (int i = 1; i <= 7; i++)
            CHECK_OK("written", put(&f, i, arena_printf(&f.a, "t%d", i).p, "{}", STORE_MUST_BE_NEW), &f.e);
        struct store_objects page;
        CHECK_OK("the first page", store_list(f.store, KIND_TRIGGER, 1, 0, (struct store_page){ .take = 3 }, &f.a, &page, &f.e), &f.e);
        CHECK("has the newest three", page.count == 3 && page.items[0].id == 7 && page.items[2].id == 5);
        CHECK_INT("of all", page.total, 7);
        CHECK_OK("another is written meanwhile", put(&f, 8, "t8", "{}", STORE_MUST_BE_NEW), &f.e);
        CHECK_OK("the second page, by cursor", store_list(f.store, KIND_TRIGGER, 1, 0, (struct store_page){ .take = 3, .before_id = 5 }, &f.a, &page, &f.e), &f.e);
        CHECK("goes on where the first ended", page.count == 3 && page.items[0].id == 4 && page.items[2].id == 2);
        CHECK_OK("another space", store_list(f.store, KIND_TRIGGER, 2, 0, (struct store_page){ .take = 3 }, &f.a, &page, &f.e), &f.e);
        CHECK("has none", page.count == 0 && page.total == 0);
        CHECK_OK("nor has another kind", store_list(f.store, KIND_REACTION, 1, 0, (struct store_page){ .take = 3 }, &f.a, &page, &f.e) && page.count == 0, &f.e);
    }
}

TEST_MAIN()
