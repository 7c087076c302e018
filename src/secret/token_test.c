#include "tests/harness/check.h"

#include "secret/token.h"

TEST(a_token_is_recognised_and_nothing_else)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned char key[KEYRING_KEY_BYTES] = { 7 };
    struct keyring *k = keyring_from_bytes(key, &random_system);
    struct token t = token_new(TOKEN_TRIGGER, k, &random_system, &a), u = token_new(TOKEN_TRIGGER, k, &random_system, &a);
    str id;
    CHECK("it begins with RXT-", str_starts(t.text, STR("RXT-")));
    CHECK_INT("and has its length", t.text.n, TOKEN_CHARS);
    CHECK("it reads", token_read(TOKEN_TRIGGER, t.text, &id) && str_eq(id, t.public_id));
    CHECK("it is no management key", !token_read(TOKEN_MANAGEMENT, t.text, &id));
    CHECK("nor a push key", !token_read(TOKEN_PUSH, t.text, &id));
    CHECK("a push key says what it is", str_starts(token_new(TOKEN_PUSH, k, &random_system, &a).text, STR("RXP-")));
    CHECK("it fits its hash", token_matches(k, t.text, t.hash));
    CHECK("not another's", !token_matches(k, u.text, t.hash));
    for (size_t i = 0; i < t.text.n; i++) {
        char *bent = xmemdup(t.text.p, t.text.n);
        bent[i] = bent[i] == 'x' ? 'y' : 'x';
        CHECK("one wrong letter is noticed", !token_read(TOKEN_TRIGGER, (str){ bent, t.text.n }, &id));
        free(bent);
    }
    CHECK("a part is not a token", !token_read(TOKEN_TRIGGER, str_sub(t.text, 0, 40), &id));
    keyring_close(k);
}

TEST_MAIN()
