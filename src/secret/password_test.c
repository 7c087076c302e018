#include "secret/password.h"

#include "tests/harness/check.h"

#include <pthread.h>

static const str good = STR_INIT("correct horse battery");

TEST(a_password_matches_its_hash_only)
{
    struct arena a = { 0 };
    str hash = password_hash(good, &a), again = password_hash(good, &a);
    CHECK("Argon2id with 19 MiB, two passes, one lane", str_starts(hash, STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    CHECK("the salt is new each time", !str_eq(hash, again));
    CHECK("the password opens it", password_matches(good, hash));
    CHECK("another does not", !password_matches(STR("correct horse batterz"), hash));
    CHECK("its beginning does not", !password_matches(STR("correct horse"), hash));
    CHECK("nothing does not", !password_matches(STR(""), hash));
    CHECK("no account: never", !password_matches(good, STR("")) && !password_matches(STR(""), STR("")));
    CHECK("a broken hash: never", !password_matches(good, STR("$argon2id$broken")) && !password_matches(good, STR("plain")));
    char *huge = xcalloc(1, PASSWORD_MAX_BYTES + 1);
    memset(huge, 'x', PASSWORD_MAX_BYTES + 1);
    CHECK("one that is too long: never", !password_matches((str){ huge, PASSWORD_MAX_BYTES + 1 }, hash));
    free(huge);
    arena_fini(&a);
}

TEST(which_passwords_are_fit)
{
    struct err e = { 0 };
    CHECK_OK("twelve characters are enough", password_is_fit(STR("abcdefghijkl"), STR("ann"), &e), &e);
    CHECK("eleven are not", !password_is_fit(STR("abcdefghijk"), STR("ann"), &e));
    CHECK_TEXT("and it says so", e.text, "must have at least 12 characters");
    CHECK("characters count, not bytes", !password_is_fit(STR("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"), STR("ann"), &e));
    CHECK("the name is none", !password_is_fit(STR("Ann.Anderson"), STR("ann.anderson"), &e));
    CHECK("broken text is none", !password_is_fit(STR("abcdefghijk\xff"), STR("ann"), &e));
}

static void *check_many(void *ctx)
{
    str *hash = ctx;
    bool all = true;
    for (int i = 0; i < 3; i++)
        all = all && password_matches(good, *hash) && !password_matches(good, STR(""));
    return all ? ctx : NULL;
}

TEST(many_at_once_take_turns)
{
    struct arena a = { 0 };
    str hash = password_hash(good, &a);
    pthread_t threads[6];
    void *result;
    int right = 0;
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, check_many, &hash);
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(threads[i], &result);
        right += result != NULL;
    }
    CHECK_INT("all of them are judged rightly", right, COUNT(threads));
    arena_fini(&a);
}

TEST_MAIN()
