#include "tests/harness/check.h"

#include "base/encode.h"
#include "reaction/rotation.h"
#include "sys/file.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRETS 250 // some pages

struct place {
    struct arena arena;
    str folder;
    const char *database, *key;
};

static void begin(struct place *p)
{
    struct err e = { 0 };
    *p = (struct place){ 0 };
    REQUIRE("a folder", file_temp_dir(&p->arena, "rotation", &p->folder, &e));
    p->database = arena_printf(&p->arena, "%.*s/reactions.db", STR_ARG(p->folder)).p;
    p->key = arena_printf(&p->arena, "%.*s/master.key", STR_ARG(p->folder)).p;
}

static void end(struct place *p)
{
    struct err e = { 0 };
    CHECK_OK("the folder goes", file_remove_tree(p->folder.p, &e), &e);
    arena_fini(&p->arena);
}

struct server {
    struct store *store;
    struct keyring *keyring;
    struct rotation_options opt;
};

static bool start(struct place *p, struct server *s, int64_t *resealed, struct err *e)
{
    struct store_options opt = { .path = p->database, .clock = &clock_system };
    bool is_new = !file_exists(p->database);
    *s = (struct server){ 0 };
    if (!keyring_open(p->key, is_new, &random_system, &s->keyring, e) || !store_open(&opt, &s->store, e))
        return false;
    s->opt = (struct rotation_options){ .store = s->store, .keyring = s->keyring, .path = p->key, .random = &random_system };
    return rotation_start(&s->opt, resealed, e);
}

static void stop(struct server *s)
{
    store_close(s->store);
    keyring_close(s->keyring);
}

static void fill(struct server *s, struct arena *a)
{
    struct err e = { 0 };
    for (int i = 1; i <= SECRETS; i++) {
        struct store_put put = { .object = { .kind = i % 2 ? KIND_SECRET : KIND_REVISION, .id = i, .space_id = 1, .parent_id = i % 2 ? 0 : 1000 + i } };
        struct json *doc = json_new_object(a), *sealed = json_new_object(a);
        if (i % 2) {
            json_add_str(a, sealed, "Sealed", keyring_seal(s->keyring, arena_printf(a, "Secrets-%d/Value", i), arena_printf(a, "canary-%d", i), a));
            json_add(doc, STR("Value"), sealed);
        } else {
            json_add_str(a, sealed, "Sealed", keyring_seal(s->keyring, arena_printf(a, "Revisions-%d/Variables[K].Value", 1000 + i), arena_printf(a, "canary-%d", i), a));
            struct json *v = json_push(json_add(json_add(doc, STR("Definition"), json_new_object(a)), STR("Variables"), json_new_array(a)), json_new_object(a));
            json_add_str(a, v, "Name", STR("K"));
            json_add_bool(a, v, "IsSensitive", true);
            json_add(v, STR("Value"), sealed);
        }
        put.object.doc = json_text(a, doc);
        REQUIRE("stored", store_change(s->store, &put, 1, NULL, 0, &e));
    }
}

// All of them open, and by which key they were sealed: their number that was not the present one.
static int count_foreign(struct server *s, struct arena *a)
{
    int foreign = 0, wrong = 0;
    for (int i = 1; i <= SECRETS; i++) {
        struct store_object *o;
        struct json *doc;
        struct err e = { 0 };
        enum store_kind kind = i % 2 ? KIND_SECRET : KIND_REVISION;
        REQUIRE("it is there", store_get(s->store, kind, 0, i, a, &o, &e) && o && json_parse(a, o->doc, &doc, &e));
        struct json *body = kind == KIND_SECRET ? doc : json_get(doc, STR("Definition"));
        const struct json *at = kind == KIND_SECRET ? json_get(body, STR("Value")) : json_get(json_get(body, STR("Variables"))->first, STR("Value"));
        foreign += !str_eq(keyring_sealed_with(json_get(at, STR("Sealed"))->text), keyring_id(s->keyring));
        bool ok = sealed_open(kind, sealed_record_id(o), body, s->keyring, a, NULL, &e);
        at = kind == KIND_SECRET ? json_get(body, STR("Value")) : json_get(json_get(body, STR("Variables"))->first, STR("Value"));
        wrong += !ok || !str_eq(json_str(at, STR("")), arena_printf(a, "canary-%d", i));
    }
    CHECK_INT("every value opens", wrong, 0);
    return foreign;
}

TEST(a_rotation_seals_everything_anew)
{
    struct place p;
    struct server s;
    struct err e = { 0 };
    int64_t resealed;
    str id;
    begin(&p);
    REQUIRE("a first start", start(&p, &s, &resealed, &e));
    fill(&s, &p.arena);
    unsigned char before[KEYRING_HASH_BYTES], after[KEYRING_HASH_BYTES];
    keyring_hash(s.keyring, "token", STR("RXT-x"), before);
    str old_id = arena_str(&p.arena, keyring_id(s.keyring));
    CHECK_OK("it rotates", rotation_run(&s.opt, STR("anna"), &resealed, &id, &e), &e);
    CHECK_INT("all of them", resealed, SECRETS);
    id = arena_str(&p.arena, id);
    CHECK("under a new name", !str_eq(id, old_id) && str_eq(id, keyring_id(s.keyring)));
    CHECK_INT("none is left behind", count_foreign(&s, &p.arena), 0);
    stop(&s);
    REQUIRE("it starts again", start(&p, &s, &resealed, &e));
    CHECK_STR("with the new key", keyring_id(s.keyring), id);
    CHECK_INT("with nothing left to do", resealed, 0);
    CHECK_INT("every value opens", count_foreign(&s, &p.arena), 0);
    keyring_hash(s.keyring, "token", STR("RXT-x"), after);
    CHECK("keys that callers hold still fit", memcmp(before, after, sizeof before) == 0);
    CHECK("nothing is in the making", !file_exists(arena_printf(&p.arena, "%s.next", p.key).p));
    stop(&s);
    end(&p);
}

struct kill_at {
    int steps;
};

static void kill_step(void *ctx, const char *name UNUSED)
{
    struct kill_at *k = ctx;
    if (k->steps-- == 0)
        kill(getpid(), SIGKILL);
}

// kill -9 before each step, in turn, until one rotation comes through.
TEST(a_kill_at_any_step_loses_nothing)
{
    struct place p;
    struct server s;
    struct err e = { 0 };
    int64_t resealed;
    begin(&p);
    REQUIRE("a first start", start(&p, &s, &resealed, &e));
    fill(&s, &p.arena);
    stop(&s);
    bool is_through = false;
    int at = 0;
    for (; at < 100 && !is_through; at++) {
        pid_t child = fork();
        if (!child) {
            struct kill_at k = { at };
            str id;
            // The start may have something to bring to its end too, and is killed in it as well.
            struct store_options opt = { .path = p.database, .clock = &clock_system };
            bool ok = keyring_open(p.key, false, &random_system, &s.keyring, &e) && store_open(&opt, &s.store, &e);
            s.opt = (struct rotation_options){ s.store, s.keyring, p.key, &random_system, kill_step, &k };
            ok = ok && rotation_start(&s.opt, &resealed, &e) && rotation_run(&s.opt, STR("anna"), &resealed, &id, &e);
            _exit(ok ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        is_through = WIFEXITED(status);
        CHECK("it was killed, or came through", WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        REQUIRE("what it left is started", start(&p, &s, &resealed, &e));
        CHECK_INT("nothing is left under an old key", count_foreign(&s, &p.arena), 0);
        CHECK("and nothing in the making", !file_exists(arena_printf(&p.arena, "%s.next", p.key).p));
        stop(&s);
    }
    CHECK("each step was met", is_through && at > 8);
    printf("%d kills\n", at - 1);
    end(&p);
}

TEST(a_wrong_key_is_refused_and_harms_nothing)
{
    struct place p;
    struct server s;
    struct err e = { 0 };
    int64_t resealed;
    str database, again;
    begin(&p);
    REQUIRE("a first start", start(&p, &s, &resealed, &e));
    fill(&s, &p.arena);
    stop(&s);
    unsigned char wrong[KEYRING_KEY_BYTES] = { 7 };
    str right;
    REQUIRE("the right key is put aside", file_read(p.key, 4096, &p.arena, &right, &e));
    REQUIRE("the database is noted", file_read(p.database, 64 << 20, &p.arena, &database, &e));
    REQUIRE("a wrong one is put there", keyring_write_file(p.key, wrong, &e));
    CHECK("it does not start", !start(&p, &s, &resealed, &e));
    CHECK("and says whose key is wanted", str_find(str_from(e.text), STR("was sealed with master key")) >= 0);
    stop(&s);
    REQUIRE("the database is read", file_read(p.database, 64 << 20, &p.arena, &again, &e));
    CHECK("not a byte of it changed", str_eq(database, again));
    REQUIRE("the right key comes back", file_write(p.key, right, 0600, &e));
    CHECK_OK("with it, it starts", start(&p, &s, &resealed, &e), &e);
    CHECK_INT("and everything opens", count_foreign(&s, &p.arena), 0);
    stop(&s);
    end(&p);
}

// A key given from outside is exchanged there; a backup from before a rotation comes back.
TEST(a_previous_key_opens_what_it_sealed)
{
    struct place p;
    struct server s;
    struct err e = { 0 };
    int64_t resealed;
    str id, old;
    begin(&p);
    REQUIRE("a first start", start(&p, &s, &resealed, &e));
    fill(&s, &p.arena);
    CHECK_OK("a backup", store_backup(s.store, arena_printf(&p.arena, "%.*s/copy.db", STR_ARG(p.folder)).p, &e), &e);
    CHECK_OK("a rotation", rotation_run(&s.opt, STR("anna"), &resealed, &id, &e), &e);
    stop(&s);
    REQUIRE("the backup comes back", rename(arena_printf(&p.arena, "%.*s/copy.db", STR_ARG(p.folder)).p, p.database) == 0);
    CHECK_OK("it starts", start(&p, &s, &resealed, &e), &e);
    CHECK_INT("and seals all of it anew", resealed, SECRETS);
    CHECK_INT("so that everything opens", count_foreign(&s, &p.arena), 0);
    stop(&s);
    REQUIRE("the key is known", file_read(p.key, 4096, &p.arena, &old, &e));
    setenv("REACTIONS_MASTER_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
    setenv("REACTIONS_PREVIOUS_MASTER_KEY", arena_cstr(&p.arena, str_trim(old)), 1);
    CHECK_OK("a key exchanged outside", start(&p, &s, &resealed, &e), &e);
    CHECK_INT("seals all of it anew", resealed, SECRETS);
    CHECK_INT("so that everything opens", count_foreign(&s, &p.arena), 0);
    CHECK("it is not left for children to see", !getenv("REACTIONS_MASTER_KEY") && !getenv("REACTIONS_PREVIOUS_MASTER_KEY"));
    CHECK("and is not rotated here", !rotation_run(&s.opt, STR("anna"), &resealed, &id, &e) && e.kind == ERR_CONFLICT);
    stop(&s);
    end(&p);
}

TEST_MAIN()
