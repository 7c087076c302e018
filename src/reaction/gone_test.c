#include "reaction/gone.h"

#include "tests/harness/check.h"

struct fixture {
    struct arena arena;
    struct keyring *keyring;
    struct store *store;
    struct registry *registry;
    struct engine engine; // only what gone.c looks at
};

static void begin(struct fixture *f)
{
    struct err e = { 0 };
    *f = (struct fixture){ 0 };
    f->keyring = keyring_from_bytes((const unsigned char[KEYRING_KEY_BYTES]){ 1 }, &random_system);
    REQUIRE("the store opens", store_open(&(struct store_options){ .clock = &clock_system }, &f->store, &e));
    REQUIRE("the configuration loads", registry_open(&(struct registry_options){ f->store, f->keyring, NULL, 0 }, &f->registry, &e));
    f->engine.opt.store = f->store;
    f->engine.opt.registry = f->registry;
}

static void end(struct fixture *f)
{
    registry_close(f->registry);
    store_close(f->store);
    keyring_close(f->keyring);
    arena_fini(&f->arena);
}

static void put(struct fixture *f, int64_t id, const char *doc)
{
    struct err e = { 0 };
    struct store_put p = { .object = { .kind = KIND_REACTION, .id = id, .space_id = 1, .doc = str_from(doc) } };
    REQUIRE("the reaction is stored", store_change(f->store, &p, 1, NULL, 0, &e));
}

static struct store_object *get(struct fixture *f, int64_t id)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    REQUIRE("the store can be read", store_get(f->store, KIND_REACTION, 1, id, &f->arena, &o, &e));
    return o;
}

static int64_t audit_rows(struct fixture *f)
{
    struct store_audit_rows rows = { 0 };
    struct err e = { 0 };
    REQUIRE("the audit log can be read", store_audit_list(f->store, 0, (struct store_page){ .take = 10 }, &f->arena, &rows, &e));
    return rows.total;
}

TEST(a_reaction_is_disabled_once)
{
    struct fixture f;
    begin(&f);
    put(&f, 7, "{\"Name\":\"r\",\"Enabled\":true,\"Paused\":false}");
    for (int i = 0; i < 10; i++) // ten runs of it heard the same
        gone_disable(&f.engine, 1, 7, 42 + i, "its target answered 410 Gone");
    gone_stop(&f.engine);
    CHECK_STR("only Enabled changed", get(&f, 7)->doc, STR("{\"Name\":\"r\",\"Enabled\":false,\"Paused\":false}"));
    CHECK_INT("in one change", get(&f, 7)->version, 2);
    CHECK_INT("with one row of the audit log", audit_rows(&f), 1);
    end(&f);
}

TEST(what_needs_no_disabling_is_left_alone)
{
    struct fixture f;
    begin(&f);
    put(&f, 7, "{\"Name\":\"r\",\"Enabled\":false}");
    gone_disable(&f.engine, 1, 7, 42, "its target answered 410 Gone");
    gone_disable(&f.engine, 1, 8, 43, "its target answered 410 Gone");
    gone_stop(&f.engine);
    CHECK_INT("one that is disabled already", get(&f, 7)->version, 1);
    CHECK("one that was deleted", get(&f, 8) == NULL);
    CHECK_INT("neither is told of", audit_rows(&f), 0);
    end(&f);
}

TEST_MAIN()
