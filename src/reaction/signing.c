#include "reaction/signing.h"

#include "base/encode.h"
#include "http/answer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static const char *const schemes[] = { "StandardWebhooks", "Hmac", NULL };
static const char *const algorithms[] = { "hmac-sha256", "hmac-sha1", "hmac-sha512", NULL };
static const char *const encodings[] = { "hex", "base64", NULL };

bool signing_is_token(str name)
{
    return answer_headers_fit(&(struct http_header){ name, STR("") }, 1);
}

// "whsec_" and base64, or base64 alone, as the libraries of Standard Webhooks take it. 24 to 64 bytes by that standard; shorter ones
// are out there, so only an empty one is refused.
static bool read_webhook_secret(struct arena *a, str text, str *key)
{
    if (str_starts(text, STR("whsec_")))
        text = str_skip(text, 6);
    return base64_decode(a, text, BASE64_STANDARD, key) && key->n;
}

static void decode_key(struct decode *d, bool needs_key, struct signing *out)
{
    const struct json *secret = decode_any(d, "Secret");
    if (!json_is(secret, JSON_STRING)) {
        if (needs_key)
            decode_error(d, "Secret", "is missing: set it and save the reaction");
        return;
    }
    if (!secret->text.n)
        decode_error(d, "Secret", "must not be empty");
    else if (out->scheme == SIGNING_HMAC)
        out->key = secret->text;
    else if (!read_webhook_secret(d->errors->arena, secret->text, &out->key))
        decode_error(d, "Secret", "must be whsec_ followed by base64, as Standard Webhooks writes its secrets");
}

void signing_decode(const struct json *signing, str path, bool needs_key, struct decode_errors *errors, struct signing *out)
{
    struct decode d;
    *out = (struct signing){ 0 };
    if (!signing || json_is(signing, JSON_NULL) || !decode_begin(&d, signing, path, errors))
        return;
    if (!json_get(signing, STR("Scheme")))
        decode_error(&d, "Scheme", "is required: StandardWebhooks or Hmac");
    out->scheme = decode_choice(&d, "Scheme", schemes, 0) ? SIGNING_HMAC : SIGNING_STANDARD_WEBHOOKS;
    if (out->scheme == SIGNING_HMAC) {
        out->algorithm = (enum signing_algorithm)decode_choice(&d, "Algorithm", algorithms, SIGNING_SHA256);
        out->header = decode_required_str(&d, "Header");
        out->prefix = decode_str(&d, "Prefix", STR(""));
        out->encoding = (enum signing_encoding)decode_choice(&d, "Encoding", encodings, SIGNING_HEX);
        if (out->header.n && !signing_is_token(out->header))
            decode_error(&d, "Header", "\"%.*s\" is no header name: letters, digits and hyphens", STR_ARG(str_sub(out->header, 0, 60)));
        if (!answer_headers_fit(&(struct http_header){ STR("X"), out->prefix }, 1))
            decode_error(&d, "Prefix", "must not hold CR, LF or NUL");
    }
    decode_key(&d, needs_key, out);
    decode_done(&d);
}

static str mac(const struct signing *s, str text, struct arena *a)
{
    const EVP_MD *digest = s->algorithm == SIGNING_SHA512 ? EVP_sha512() : s->algorithm == SIGNING_SHA1 ? EVP_sha1() : EVP_sha256();
    unsigned char *out = arena_alloc(a, EVP_MAX_MD_SIZE);
    unsigned n = 0;
    HMAC(digest, s->key.p, (int)s->key.n, (const unsigned char *)(text.n ? text.p : ""), text.n, out, &n);
    return (str){ (const char *)out, n };
}

size_t signing_headers(const struct signing *s, str id, int64_t now_s, str body, struct arena *a, struct http_header out[static SIGNING_HEADERS_MAX])
{
    if (s->scheme == SIGNING_NONE)
        return 0;
    if (s->scheme == SIGNING_HMAC) {
        str bytes = mac(s, body, a);
        str text = s->encoding == SIGNING_BASE64 ? base64_encode(a, bytes, BASE64_STANDARD) : hex_encode(a, bytes);
        out[0] = (struct http_header){ s->header, arena_concat(a, s->prefix, text) };
        return 1;
    }
    str at = arena_printf(a, "%" PRId64, now_s);
    str front = arena_printf(a, "%.*s.%.*s.", STR_ARG(id), STR_ARG(at));
    str signature = base64_encode(a, mac(s, arena_concat(a, front, body), a), BASE64_STANDARD);
    out[0] = (struct http_header){ STR("webhook-id"), id };
    out[1] = (struct http_header){ STR("webhook-timestamp"), at };
    out[2] = (struct http_header){ STR("webhook-signature"), arena_concat(a, STR("v1,"), signature) };
    return 3;
}
