#include "tests/harness/check.h"

#include "secret/keyring.h"
#include "sys/file.h"

#include <sys/stat.h>
#include <unistd.h>

static struct keyring *ring(unsigned char fill)
{
    unsigned char key[KEYRING_KEY_BYTES];
    memset(key, fill, sizeof key);
    return keyring_from_bytes(key, &random_system);
}

static void close_ring(struct keyring **k)
{
    keyring_close(*k);
}

TEST(a_sealed_value_opens_only_where_it_belongs)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(close_ring) struct keyring *k = ring(1), *other = ring(2);
    struct err e = { 0 };
    str plain;
    str sealed = keyring_seal(k, STR("Secrets-1/Value"), STR("canary-0123456789"), &a);
    CHECK("the text does not show", str_find(sealed, STR("canary")) < 0);
    CHECK("sealing twice gives two texts", !str_eq(sealed, keyring_seal(k, STR("Secrets-1/Value"), STR("canary-0123456789"), &a)));
    CHECK_OK("it opens", keyring_unseal(k, STR("Secrets-1/Value"), sealed, &a, &plain, &e), &e);
    CHECK_STR("to what it was", plain, STR("canary-0123456789"));
    CHECK("not for another record", !keyring_unseal(k, STR("Secrets-2/Value"), sealed, &a, &plain, &e) && e.kind == ERR_DENIED);
    CHECK("not with another key", !keyring_unseal(other, STR("Secrets-1/Value"), sealed, &a, &plain, &e) && e.kind == ERR_DENIED);
    for (size_t i = 3; i < sealed.n; i += 5) {
        char *bent = xmemdup(sealed.p, sealed.n + 1);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        CHECK("not with a byte changed", !keyring_unseal(k, STR("Secrets-1/Value"), (str){ bent, sealed.n }, &a, &plain, &e));
        free(bent);
    }
    static const char *const garbage[] = { "", "v1", "v1.", "v1..", "v2.x.y", "v1.0000000000000000.", "plain" };
    for (size_t i = 0; i < COUNT(garbage); i++)
        CHECK(garbage[i], !keyring_unseal(k, STR("r"), str_from(garbage[i]), &a, &plain, &e));
}

TEST(the_key_file_is_private)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    str dir;
    REQUIRE("a folder", file_temp_dir(&a, "keyring", &dir, &e));
    const char *path = arena_printf(&a, "%s/master.key", dir.p).p;
    struct keyring *k = NULL, *again = NULL;
    CHECK("a missing key is refused where values were sealed", !keyring_open(path, false, &random_system, &k, &e) && e.kind == ERR_NOT_FOUND);
    CHECK_OK("else it is created", keyring_open(path, true, &random_system, &k, &e), &e);
    struct stat st;
    CHECK("readable by its owner only", stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_OK("and read again", keyring_open(path, false, &random_system, &again, &e), &e);
    CHECK("as the same key", k && again && str_eq(keyring_id(k), keyring_id(again)));
    keyring_close(again);
    again = NULL;
    CHECK("made readable for all", chmod(path, 0644) == 0);
    CHECK("it is refused", !keyring_open(path, false, &random_system, &again, &e) && e.kind == ERR_DENIED);
    CHECK_OK("written broken", file_write(path, STR("xyz\n"), 0600, &e), &e);
    CHECK("it is refused too", !keyring_open(path, false, &random_system, &again, &e) && e.kind == ERR_INVALID);
    keyring_close(k);
    CHECK_OK("removed", file_remove_tree(dir.p, &e), &e);
}

TEST_MAIN()
