// A token from the fuzzer against keys it chooses too: "<keys as JSON>\n<token>". Nothing it can write is signed by a key it does not
// hold; with its own keys a token may be good, and then it must say all that was wanted.
#include "access/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char own[] = "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const struct jwt_wanted wanted = { STR("i"), STR("a"), STR("n"), 1000 };
    const struct json *claims = NULL;
    struct json *keys;
    struct err e = { 0 };
    str text = { (const char *)data, size }, first;
    if (!str_split(&text, '\n', &first))
        return 0;
    if (json_parse(&a, first, &keys, NULL) && jwt_judge(text, keys, &wanted, &a, &claims, &e) == JWT_GOOD)
        assert(str_eq(json_str(json_get(claims, STR("iss")), STR("")), wanted.issuer) && str_eq(json_str(json_get(claims, STR("nonce")), STR("")), wanted.nonce));
    claims = NULL;
    if (json_parse(&a, str_from(own), &keys, NULL)) {
        enum jwt_result result = jwt_judge(text.p ? text : first, keys, &wanted, &a, &claims, &e);
        assert(result != JWT_GOOD && !claims); // nobody but its owner signs with that key
    }
    return 0;
}
