#include "access/jwt.h"

#include "base/encode.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>

// ---- keys ----

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(const struct json *jwk, struct arena *a)
{
    str n, e;
    EVP_PKEY *key = NULL;
    if (!base64_decode(a, json_str(json_get(jwk, STR("n")), STR("")), BASE64_URL, &n) || !base64_decode(a, json_str(json_get(jwk, STR("e")), STR("")), BASE64_URL, &e))
        return NULL;
    // Below 2048 bits it is no proof any more; far above, a way to keep us busy.
    if (n.n < 256 || n.n > 1024 || !e.n || e.n > 8)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL), *exponent = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    if (build && modulus && exponent && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
        key = make_key("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static EVP_PKEY *ec_key(const struct json *jwk, struct arena *a)
{
    str x, y;
    EVP_PKEY *key = NULL;
    unsigned char point[65] = { 4 };
    if (!str_eq(json_str(json_get(jwk, STR("crv")), STR("")), STR("P-256")) || !base64_decode(a, json_str(json_get(jwk, STR("x")), STR("")), BASE64_URL, &x) ||
        !base64_decode(a, json_str(json_get(jwk, STR("y")), STR("")), BASE64_URL, &y) || x.n != 32 || y.n != 32)
        return NULL;
    memcpy(point + 1, x.p, 32);
    memcpy(point + 33, y.p, 32);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) && OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point))
        key = make_key("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

// The key's own type decides which algorithm it may be used with.
static const struct json *find_key(const struct json *keys, str kid, str kty)
{
    json_each(jwk, json_get(keys, STR("keys")))
    {
        str use = json_str(json_get(jwk, STR("use")), STR("sig"));
        bool is_meant = !kid.n || str_eq(json_str(json_get(jwk, STR("kid")), STR("")), kid);
        if (is_meant && str_eq(use, STR("sig")) && str_eq(json_str(json_get(jwk, STR("kty")), STR("")), kty))
            return jwk;
    }
    return NULL;
}

// ---- the signature ----

// JWS writes the two numbers of an ECDSA signature one after the other; OpenSSL wants them as DER.
static str to_der(str raw, struct arena *a)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char *der = NULL;
    str out = { "", 0 };
    BIGNUM *r = BN_bin2bn((const unsigned char *)raw.p, 32, NULL), *s = BN_bin2bn((const unsigned char *)raw.p + 32, 32, NULL);
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        int n = i2d_ECDSA_SIG(sig, &der);
        if (n > 0)
            out = arena_str(a, (str){ (const char *)der, (size_t)n });
        OPENSSL_free(der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return out;
}

static bool is_signed(EVP_PKEY *key, str content, str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = key && ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)content.p, content.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static struct json *part(str text, struct arena *a)
{
    str decoded;
    struct json *j;
    return base64_decode(a, text, BASE64_URL, &decoded) && json_parse(a, decoded, &j, NULL) && json_is(j, JSON_OBJECT) ? j : NULL;
}

static enum jwt_result judge_signature(str content, const struct json *head, str signature, const struct json *keys, struct arena *a, struct err *e)
{
    str alg = json_str(json_get(head, STR("alg")), STR("")), kid = json_str(json_get(head, STR("kid")), STR(""));
    bool is_rsa = str_eq(alg, STR("RS256"));
    if (!is_rsa && !str_eq(alg, STR("ES256"))) {
        err_set(e, ERR_DENIED, "the token is signed with \"%.*s\"; RS256 and ES256 are understood", STR_ARG(str_sub(alg, 0, 20)));
        return JWT_BAD;
    }
    // RFC 7515 section 4.1.11: what is critical and not understood is refused.
    if (json_get(head, STR("crit"))) {
        err_set(e, ERR_DENIED, "the token demands extensions (crit) that are not understood");
        return JWT_BAD;
    }
    const struct json *jwk = find_key(keys, kid, is_rsa ? STR("RSA") : STR("EC"));
    if (!jwk) {
        err_set(e, ERR_DENIED, "the provider has no key of that id");
        return JWT_UNKNOWN_KEY;
    }
    EVP_PKEY *key = is_rsa ? rsa_key(jwk, a) : ec_key(jwk, a);
    bool ok = is_signed(key, content, is_rsa ? signature : signature.n == 64 ? to_der(signature, a) : STR(""));
    EVP_PKEY_free(key);
    if (!ok)
        err_set(e, ERR_DENIED, "the token's signature is wrong");
    return ok ? JWT_GOOD : JWT_BAD;
}

// ---- what it says ----

static bool is_for(const struct json *claims, str audience)
{
    const struct json *aud = json_get(claims, STR("aud"));
    str azp = json_str(json_get(claims, STR("azp")), audience);
    if (!str_eq(azp, audience))
        return false;
    if (json_is(aud, JSON_STRING))
        return str_eq(aud->text, audience);
    if (!json_is(aud, JSON_ARRAY))
        return false;
    json_each(one, aud)
        if (str_eq(json_str(one, STR("")), audience))
            return aud->count == 1 || json_get(claims, STR("azp")) != NULL;
    return false;
}

static bool judge_claims(const struct json *claims, const struct jwt_wanted *w, struct err *e)
{
    int64_t exp, nbf = 0, iat = 0;
    str nonce = json_str(json_get(claims, STR("nonce")), STR(""));
    if (!str_eq(json_str(json_get(claims, STR("iss")), STR("")), w->issuer))
        return err_set(e, ERR_DENIED, "the token is of another issuer");
    if (!is_for(claims, w->audience))
        return err_set(e, ERR_DENIED, "the token is for somebody else");
    if (!json_i64(json_get(claims, STR("exp")), &exp) || w->now_s >= exp + JWT_LEEWAY_S)
        return err_set(e, ERR_DENIED, "the token has expired");
    if ((json_i64(json_get(claims, STR("nbf")), &nbf) && nbf > w->now_s + JWT_LEEWAY_S) || (json_i64(json_get(claims, STR("iat")), &iat) && iat > w->now_s + JWT_LEEWAY_S))
        return err_set(e, ERR_DENIED, "the token is of a time to come: is one of the clocks wrong?");
    if (!w->nonce.n || nonce.n != w->nonce.n || sodium_memcmp(nonce.p, w->nonce.p, nonce.n) != 0)
        return err_set(e, ERR_DENIED, "the token answers another sign-in");
    str sub = json_str(json_get(claims, STR("sub")), STR(""));
    return (sub.n && sub.n <= 255) || err_set(e, ERR_DENIED, "the token does not say whom it is about");
}

enum jwt_result jwt_judge(str token, const struct json *keys, const struct jwt_wanted *wanted, struct arena *a, const struct json **claims, struct err *e)
{
    str rest = token, head_text, claims_text, signature_text, signature;
    if (token.n > JWT_BYTES_MAX || !str_split(&rest, '.', &head_text) || !str_split(&rest, '.', &claims_text) || !str_split(&rest, '.', &signature_text) || rest.p) {
        err_set(e, ERR_DENIED, "this is no signed token");
        return JWT_BAD;
    }
    const struct json *head = part(head_text, a);
    if (!head || !base64_decode(a, signature_text, BASE64_URL, &signature)) {
        err_set(e, ERR_DENIED, "the token is broken");
        return JWT_BAD;
    }
    str content = { token.p, head_text.n + 1 + claims_text.n };
    enum jwt_result result = judge_signature(content, head, signature, keys, a, e);
    if (result != JWT_GOOD)
        return result;
    const struct json *found = part(claims_text, a);
    if (!found) {
        err_set(e, ERR_DENIED, "the token is broken");
        return JWT_BAD;
    }
    if (!judge_claims(found, wanted, e))
        return JWT_BAD;
    *claims = found;
    return JWT_GOOD;
}
