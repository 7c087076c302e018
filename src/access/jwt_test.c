#include "access/jwt.h"

#include "base/encode.h"
#include "tests/harness/check.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

// Tokens are made here with fresh keys, by OpenSSL's signing side, which the product does not use.

static struct arena arena;
static EVP_PKEY *rsa, *ec;
static const struct json *keys;

static str b64(str bytes)
{
    return base64_encode(&arena, bytes, BASE64_URL);
}

static str number(EVP_PKEY *key, const char *name)
{
    BIGNUM *n = NULL;
    unsigned char bytes[1024];
    EVP_PKEY_get_bn_param(key, name, &n);
    int length = BN_bn2bin(n, bytes);
    BN_free(n);
    return b64(arena_str(&arena, (str){ (const char *)bytes, (size_t)length }));
}

static void make_keys(void)
{
    unsigned char point[65];
    size_t n = 0;
    struct json *parsed;
    if (keys)
        return;
    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    EVP_PKEY_get_octet_string_param(ec, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n);
    str text = arena_printf(&arena, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"n\":\"%.*s\",\"e\":\"%.*s\"},{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":\"%.*s\"},"
        "{\"kty\":\"RSA\",\"kid\":\"enc\",\"use\":\"enc\",\"n\":\"AQAB\",\"e\":\"AQAB\"},{\"kty\":\"RSA\",\"kid\":\"short\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", STR_ARG(number(rsa, OSSL_PKEY_PARAM_RSA_N)),
        STR_ARG(number(rsa, OSSL_PKEY_PARAM_RSA_E)), STR_ARG(b64((str){ (const char *)point + 1, 32 })), STR_ARG(b64((str){ (const char *)point + 33, 32 })));
    if (json_parse(&arena, text, &parsed, NULL))
        keys = parsed;
}

static str sign(const char *head, const char *claims, EVP_PKEY *key)
{
    unsigned char out[1024];
    size_t n = sizeof out;
    str content = arena_printf(&arena, "%.*s.%.*s", STR_ARG(b64(str_from(head))), STR_ARG(b64(str_from(claims))));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
    EVP_DigestSign(ctx, out, &n, (const unsigned char *)content.p, content.n);
    EVP_MD_CTX_free(ctx);
    if (key == ec) {
        const unsigned char *at = out;
        unsigned char raw[64];
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
        BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
        ECDSA_SIG_free(sig);
        memcpy(out, raw, n = sizeof raw);
    }
    return arena_printf(&arena, "%.*s.%.*s", STR_ARG(content), STR_ARG(b64(arena_str(&arena, (str){ (const char *)out, n }))));
}

#define RS "{\"alg\":\"RS256\",\"kid\":\"r\"}"
#define ES "{\"alg\":\"ES256\",\"kid\":\"e\"}"
#define FINE "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300,\"iat\":1000000}"
static const struct jwt_wanted wanted = { STR_INIT("https://id.example"), STR_INIT("reactions"), STR_INIT("n0"), 1000000 };

static enum jwt_result judge(str token)
{
    const struct json *claims = NULL;
    struct err e = { 0 };
    enum jwt_result result = jwt_judge(token, keys, &wanted, &arena, &claims, &e);
    return (result == JWT_GOOD) == (claims != NULL) && (result == JWT_GOOD || e.kind == ERR_DENIED) ? result : (enum jwt_result)99;
}

TEST(signatures)
{
    make_keys();
    REQUIRE("keys were made", keys);
    str good = sign(RS, FINE, rsa), good_ec = sign(ES, FINE, ec);
    CHECK_INT("RS256 with the provider's key", judge(good), JWT_GOOD);
    CHECK_INT("ES256 with the provider's key", judge(good_ec), JWT_GOOD);
    CHECK_INT("without a key id, by type", judge(sign("{\"alg\":\"ES256\"}", FINE, ec)), JWT_GOOD);
    EVP_PKEY *other = EVP_RSA_gen(2048);
    CHECK_INT("another key's signature", judge(sign(RS, FINE, other)), JWT_BAD);
    EVP_PKEY_free(other);
    CHECK_INT("an id nobody has", judge(sign("{\"alg\":\"RS256\",\"kid\":\"new\"}", FINE, rsa)), JWT_UNKNOWN_KEY);
    CHECK_INT("a key of another type", judge(sign("{\"alg\":\"RS256\",\"kid\":\"e\"}", FINE, ec)), JWT_UNKNOWN_KEY);
    CHECK_INT("a key for encryption", judge(sign("{\"alg\":\"RS256\",\"kid\":\"enc\"}", FINE, rsa)), JWT_UNKNOWN_KEY);
    CHECK_INT("a key that is too short", judge(sign("{\"alg\":\"RS256\",\"kid\":\"short\"}", FINE, rsa)), JWT_BAD);
    CHECK_INT("no algorithm", judge(sign("{\"alg\":\"none\"}", FINE, rsa)), JWT_BAD);
    CHECK_INT("a keyed hash", judge(sign("{\"alg\":\"HS256\",\"kid\":\"r\"}", FINE, rsa)), JWT_BAD);
    CHECK_INT("critical extensions", judge(sign("{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"b64\"],\"b64\":false}", FINE, rsa)), JWT_BAD);
    int refused = 0;
    for (size_t i = 0; i < good.n; i++) {
        char *changed = arena_bytes(&arena, good.n);
        memcpy(changed, good.p, good.n);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        refused += judge((str){ changed, good.n }) != JWT_GOOD;
    }
    CHECK_INT("any changed character", refused, good.n);
    ptrdiff_t dot = str_find_last_char(good, '.');
    CHECK_INT("no signature", judge(str_sub(good, 0, (size_t)dot + 1)), JWT_BAD);
    CHECK_INT("two parts", judge(str_sub(good, 0, (size_t)dot)), JWT_BAD);
    CHECK_INT("four parts", judge(arena_printf(&arena, "%.*s.x", STR_ARG(good))), JWT_BAD);
    CHECK_INT("nothing", judge(STR("")), JWT_BAD);
}

TEST(claims)
{
    static const struct { const char *claim, *text; bool is_good; } rows[] = {
        { "all as wanted", FINE, true },
        { "several audiences, and ours is the authorised party", "{\"iss\":\"https://id.example\",\"aud\":[\"x\",\"reactions\"],\"azp\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300}", true },
        { "a clock that is a little off", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":999950,\"iat\":1000030}", true },
        { "another issuer", "{\"iss\":\"https://id.example/\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300}", false },
        { "no issuer", "{\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300}", false },
        { "another audience", "{\"iss\":\"https://id.example\",\"aud\":\"other\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300}", false },
        { "several audiences and no party", "{\"iss\":\"https://id.example\",\"aud\":[\"x\",\"reactions\"],\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300}", false },
        { "another party", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"azp\":\"x\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300}", false },
        { "expired", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":999940}", false },
        { "without an end", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\"}", false },
        { "an end that is no number", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":\"1000300\"}", false },
        { "not yet", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300,\"nbf\":1000100}", false },
        { "of the future", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n0\",\"exp\":1000300,\"iat\":1000100}", false },
        { "another sign-in's", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"nonce\":\"n1\",\"exp\":1000300}", false },
        { "no nonce", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"sub\":\"7\",\"exp\":1000300}", false },
        { "about nobody", "{\"iss\":\"https://id.example\",\"aud\":\"reactions\",\"nonce\":\"n0\",\"exp\":1000300}", false },
        { "no object", "[]", false },
    };
    make_keys();
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, judge(sign(RS, rows[i].text, rsa)) == JWT_GOOD, rows[i].is_good);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    arena_fini(&arena);
}

TEST_MAIN()
