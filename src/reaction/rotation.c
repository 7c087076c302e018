#include "reaction/rotation.h"

#include "base/encode.h"
#include "sys/file.h"

#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#define PAGE 100
#define KEYS_SETTING 2 // Settings-2: the key that hashes, sealed
#define HASH_RECORD STR("Settings-2/HashKey")

static void step(const struct rotation_options *opt, const char *name)
{
    if (opt->step)
        opt->step(opt->ctx, name);
}

static const char *beside(const struct rotation_options *opt, const char *suffix, struct arena *a)
{
    return arena_printf(a, "%s%s", opt->path, suffix).p;
}

// ---- the key that hashes ----

// The stored one where there is one; else the keyring's own is stored. *seals_anew: it is sealed with another key.
static bool load_hash_key(const struct rotation_options *opt, bool *is_there, bool *seals_anew, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_object *o;
    struct json *doc = NULL;
    str plain, bytes;
    *seals_anew = true;
    if (!store_get(opt->store, KIND_SETTING, 0, KEYS_SETTING, &a, &o, e))
        return false;
    *is_there = o != NULL;
    if (!o)
        return true;
    str sealed = json_parse(&a, o->doc, &doc, NULL) ? json_str(json_get(doc, STR("HashKey")), STR("")) : STR("");
    str id = keyring_sealed_with(sealed);
    if (!keyring_knows(opt->keyring, id))
        return err_set(e, ERR_DENIED, "the database was sealed with master key %.*s, and this server was given %.*s: put back the right key; nothing was changed", STR_ARG(id), STR_ARG(keyring_id(opt->keyring)));
    if (!keyring_unseal(opt->keyring, HASH_RECORD, sealed, &a, &plain, e))
        return false;
    bool ok = hex_decode(&a, plain, &bytes) && bytes.n == 32;
    if (ok)
        keyring_set_hash_key(opt->keyring, (const unsigned char *)bytes.p);
    sodium_memzero((void *)(uintptr_t)plain.p, plain.n);
    *seals_anew = !str_eq(id, keyring_id(opt->keyring));
    return ok || err_set(e, ERR_INVALID, "Settings-2 does not hold a key");
}

static bool store_hash_key(const struct rotation_options *opt, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned char key[32];
    char hex[65];
    keyring_get_hash_key(opt->keyring, key);
    sodium_bin2hex(hex, sizeof hex, key, sizeof key);
    struct json *doc = json_new_object(&a);
    json_add_str(&a, doc, "HashKey", keyring_seal(opt->keyring, HASH_RECORD, str_from(hex), &a));
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(key, sizeof key);
    struct store_put put = { .object = { .kind = KIND_SETTING, .id = KEYS_SETTING, .doc = json_text(&a, doc) }, .expected_version = STORE_ANY_VERSION };
    return store_change(opt->store, &put, 1, NULL, 0, e);
}

// ---- the sealed values ----

// Where in a stored document the table's paths begin.
static struct json *body_of(enum store_kind kind, struct json *doc)
{
    return kind == KIND_REVISION ? json_get(doc, STR("Definition")) : doc;
}

static bool seal_page(const struct rotation_options *opt, const struct store_objects *page, struct arena *a, int64_t *resealed, struct err *e)
{
    struct store_put *puts = ARENA_ARRAY(a, struct store_put, page->count);
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        const struct store_object *o = &page->items[i];
        struct json *doc;
        if (!json_parse(a, o->doc, &doc, NULL) || !sealed_again(o->kind, sealed_record_id(o), body_of(o->kind, doc), opt->keyring, a))
            continue;
        puts[count] = (struct store_put){ .object = *o, .expected_version = o->version };
        puts[count++].object.doc = json_text(a, doc);
    }
    if (count && !store_change(opt->store, puts, count, NULL, 0, e))
        return false;
    *resealed += (int64_t)count;
    return true;
}

static bool seal_kind(const struct rotation_options *opt, enum store_kind kind, int64_t *resealed, struct err *e)
{
    int64_t before = 0;
    for (int tries = 0;;) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct store_objects page;
        if (!store_list(opt->store, kind, 0, 0, (struct store_page){ .take = PAGE, .before_id = before }, &a, &page, e))
            return false;
        if (!page.count)
            return true;
        step(opt, "3");
        // Somebody changed one of them meanwhile: the page is read again.
        if (!seal_page(opt, &page, &a, resealed, e)) {
            if (e->kind != ERR_STALE || ++tries > 100)
                return false;
            *e = (struct err){ 0 };
            continue;
        }
        tries = 0;
        before = page.items[page.count - 1].id;
    }
}

static bool seal_all(const struct rotation_options *opt, int64_t *resealed, struct err *e)
{
    for (enum store_kind kind = KIND_NONE + 1; kind < KIND_COUNT; kind++)
        if (sealed_kind_has_secrets(kind) && !seal_kind(opt, kind, resealed, e))
            return err_in(e, "sealing with the new master key");
    return true;
}

// ---- the files ----

static bool exchange_files(const struct rotation_options *opt, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned char old[KEYRING_KEY_BYTES], next[KEYRING_KEY_BYTES];
    const char *next_path = beside(opt, ".next", &a);
    bool ok = keyring_read_file(opt->path, old, e) && keyring_read_file(next_path, next, e);
    // Broken off behind step 5, the present key is the new one already, and the previous one is kept.
    if (ok && sodium_memcmp(old, next, sizeof old) != 0) {
        step(opt, "4");
        ok = keyring_write_file(beside(opt, ".previous", &a), old, e);
        step(opt, "5");
        ok = ok && keyring_write_file(opt->path, next, e);
    }
    sodium_memzero(old, sizeof old);
    sodium_memzero(next, sizeof next);
    step(opt, "6");
    return ok && (unlink(next_path) == 0 || err_errno(e, errno, "%s", next_path));
}

static bool add_file(const struct rotation_options *opt, const char *suffix, str *id, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned char key[KEYRING_KEY_BYTES];
    const char *path = beside(opt, suffix, &a);
    if (!file_exists(path))
        return true;
    bool ok = keyring_read_file(path, key, e) && keyring_add(opt->keyring, key, id, e);
    sodium_memzero(key, sizeof key);
    return ok;
}

static bool add_previous(const struct rotation_options *opt, str *id, struct err *e)
{
    unsigned char key[KEYRING_KEY_BYTES];
    bool is_there;
    if (!keyring_previous(key, &is_there, e))
        return false;
    bool ok = !is_there || keyring_add(opt->keyring, key, id, e);
    sodium_memzero(key, sizeof key);
    return ok && add_file(opt, ".previous", id, e);
}

// A database from before the hash key was stored in it: any sealed value tells whose it is.
static bool check_fits(const struct rotation_options *opt, struct err *e)
{
    for (enum store_kind kind = KIND_NONE + 1; kind < KIND_COUNT; kind++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct store_objects page;
        if (!sealed_kind_has_secrets(kind))
            continue;
        if (!store_list(opt->store, kind, 0, 0, (struct store_page){ .take = PAGE }, &a, &page, e))
            return false;
        for (size_t i = 0; i < page.count; i++) {
            struct json *doc;
            if (!json_parse(&a, page.items[i].doc, &doc, e) || !sealed_open(kind, sealed_record_id(&page.items[i]), body_of(kind, doc), opt->keyring, &a, NULL, e))
                return err_in(e, "the master key does not fit this database; nothing was changed");
        }
    }
    return true;
}

bool rotation_start(const struct rotation_options *opt, int64_t *resealed, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str next = { 0 }, previous = { 0 };
    bool seals_anew, is_there;
    *resealed = 0;
    if (!add_previous(opt, &previous, e) || !add_file(opt, ".next", &next, e))
        return false;
    if (!load_hash_key(opt, &is_there, &seals_anew, e) || (!is_there && !check_fits(opt, e)))
        return false;
    if (next.p)
        keyring_use(opt->keyring, next);
    // Where only a previous key was added, the present one seals, and opens what it sealed; nothing is done for the rest.
    if ((seals_anew || next.p || previous.p) && (!store_hash_key(opt, e) || !seal_all(opt, resealed, e)))
        return false;
    return !next.p || exchange_files(opt, e);
}

static void audit(const struct rotation_options *opt, str actor, const char *action, str old_id, str new_id, int64_t resealed)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *doc = json_new_object(&a);
    json_add_str(&a, doc, "From", old_id);
    json_add_str(&a, doc, "To", new_id);
    json_add_i64(&a, doc, "Objects", resealed);
    store_audit(opt->store, &(struct store_audit){ 0, actor, str_from(action), STR("master.key"), json_text(&a, doc) });
}

bool rotation_run(const struct rotation_options *opt, str actor, int64_t *resealed, str *new_id, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned char key[KEYRING_KEY_BYTES];
    *resealed = 0;
    if (!keyring_is_file(opt->keyring))
        return err_set(e, ERR_CONFLICT, "the master key is given by the environment or as a credential: exchange it there, give the old one as REACTIONS_PREVIOUS_MASTER_KEY or previous-master-key, and start the server again");
    str old_id = keyring_id(opt->keyring);
    step(opt, "1");
    opt->random->fill(opt->random->ctx, key, sizeof key);
    bool ok = keyring_write_file(beside(opt, ".next", &a), key, e) && keyring_add(opt->keyring, key, new_id, e);
    sodium_memzero(key, sizeof key);
    if (!ok)
        return false;
    audit(opt, actor, "masterkey.rotate", old_id, *new_id, 0);
    step(opt, "2");
    keyring_use(opt->keyring, *new_id);
    // Twice: what began to be sealed with the old key while the new one came into use is found the second time.
    if (!store_hash_key(opt, e) || !seal_all(opt, resealed, e) || !seal_all(opt, resealed, e) || !exchange_files(opt, e))
        return err_in(e, "the rotation is not finished, and the next start of the server goes on with it");
    audit(opt, actor, "masterkey.rotated", old_id, *new_id, *resealed);
    return true;
}
