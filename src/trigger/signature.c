#include "trigger/signature_internal.h"

#include "base/encode.h"
#include "base/timetext.h"

#include <openssl/hmac.h>
#include <sodium.h>

const char *signature_verdict_name(enum signature_verdict v)
{
    static const char *const names[] = { "ok", "missing", "malformed", "signature", "timestamp", "certificate", "fetch" };
    return names[v];
}

// One judgement: what was found in the request so far.
struct case_file {
    const struct signature *s;
    struct request_view view;
    struct arena *arena;
    struct signature_result *out;
    enum signature_algorithm algorithm;
    str found[LIMIT_SIGNATURES]; // as written
    size_t found_count;
    str bytes[LIMIT_SIGNATURES]; // decoded
    size_t byte_count;
    str timestamp;  // as written
    str field_time; // from the fields layout
    str fitting;    // the signature that fitted
};

static bool refuse(struct case_file *c, enum signature_verdict v, const char *fmt, ...) PRINTF_LIKE(3, 4);

static bool refuse(struct case_file *c, enum signature_verdict v, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    c->out->verdict = v;
    c->out->detail = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return false;
}

static bool refuse_part(struct case_file *c, enum part_result r, const char *what, str name)
{
    return refuse(c, r == PART_MISSING ? SIGNATURE_MISSING : SIGNATURE_MALFORMED, "%s %.*s: %s", what, STR_ARG(str_sub(name, 0, 80)),
                  r == PART_MISSING ? "not there" : "came twice, or cannot be read");
}

static enum part_result read_place(struct case_file *c, const struct place *p, str *out)
{
    switch (p->kind) {
    case PLACE_HEADER: return view_header(&c->view, p->name, out);
    case PLACE_QUERY: return view_query(&c->view, p->name, out);
    case PLACE_POINTER: return view_pointer(&c->view, p->name, out);
    case PLACE_FIELD: *out = c->field_time; return out->p ? PART_OK : PART_MISSING;
    case PLACE_NONE: break;
    }
    return PART_MISSING;
}

// ---- finding signatures ----

static bool add_found(struct case_file *c, str value)
{
    if (c->found_count == COUNT(c->found))
        return refuse(c, SIGNATURE_MALFORMED, "more than %zu signatures", COUNT(c->found));
    c->found[c->found_count++] = value;
    return true;
}

static str skip_spaces(str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    return s;
}

// "HMAC " and "Basic " in front of an Authorization header are words without case; other prefixes are as configured.
static bool take_prefix(const struct case_file *c, str value, str *rest)
{
    const struct signature *s = c->s;
    bool is_word = s->source.kind == PLACE_HEADER && str_eq_nocase(s->source.name, STR("Authorization")) && str_ends(s->prefix, STR(" "));
    if (is_word ? !str_starts_nocase(value, s->prefix) : !str_starts(value, s->prefix))
        return false;
    *rest = str_skip(value, s->prefix.n);
    if (is_word)
        *rest = skip_spaces(*rest);
    return true;
}

static bool find_plain(struct case_file *c, str value)
{
    str rest;
    if (!take_prefix(c, value, &rest))
        return refuse(c, SIGNATURE_MALFORMED, "\"%.*s\" came, \"%.*s\" is configured", STR_ARG(str_sub(value, 0, MIN(c->s->prefix.n, 16u))), STR_ARG(c->s->prefix));
    return add_found(c, rest);
}

static bool find_in_list(struct case_file *c, str value)
{
    str rest = value, entry, signature;
    while (str_split(&rest, c->s->separator.p[0], &entry)) {
        entry = skip_spaces(entry);
        if (take_prefix(c, entry, &signature) && !add_found(c, signature))
            return false;
    }
    return c->found_count || refuse(c, SIGNATURE_MALFORMED, "no entry starts with \"%.*s\", which is configured", STR_ARG(c->s->prefix));
}

static bool find_in_fields(struct case_file *c, str value)
{
    str rest = value, entry;
    while (str_split(&rest, c->s->separator.p[0], &entry)) {
        entry = skip_spaces(entry);
        ptrdiff_t equals = str_find_char(entry, '=');
        if (equals < 0)
            continue;
        str name = str_sub(entry, 0, (size_t)equals), text = str_skip(entry, (size_t)equals + 1);
        str signature;
        if (c->s->timestamp.kind == PLACE_FIELD && str_eq(name, c->s->timestamp.name)) {
            if (c->field_time.p)
                return refuse(c, SIGNATURE_MALFORMED, "the field %.*s came twice", STR_ARG(name));
            c->field_time = text;
        } else if (str_eq(name, c->s->field) && take_prefix(c, text, &signature) && !add_found(c, signature)) {
            return false;
        }
    }
    return c->found_count || refuse(c, SIGNATURE_MALFORMED, "no field %.*s, which is configured", STR_ARG(c->s->field));
}

static bool find_signatures(struct case_file *c)
{
    str value;
    enum part_result r = read_place(c, &c->s->source, &value);
    if (r != PART_OK)
        return refuse_part(c, r, "signature", c->s->source.name);
    if (value.n > LIMIT_SIGNATURE_HEADER_BYTES)
        return refuse(c, SIGNATURE_MALFORMED, "the signature is over %d bytes", LIMIT_SIGNATURE_HEADER_BYTES);
    switch (c->s->layout) {
    case LAYOUT_PLAIN: return find_plain(c, value);
    case LAYOUT_LIST: return find_in_list(c, value);
    case LAYOUT_FIELDS: return find_in_fields(c, value);
    }
    return false;
}

// ---- decoding them ----

// 0: any.
static size_t signature_bytes(enum signature_algorithm a)
{
    switch (a) {
    case ALGORITHM_HMAC_SHA256: return 32;
    case ALGORITHM_HMAC_SHA1: return 20;
    case ALGORITHM_HMAC_SHA512: return 64;
    case ALGORITHM_ED25519: return crypto_sign_BYTES;
    case ALGORITHM_RSA_SHA256:
    case ALGORITHM_RSA_SHA1:
    case ALGORITHM_EQUAL:
    case ALGORITHM_BASIC: break;
    }
    return 0;
}

static bool decode_text(struct case_file *c, str text, str *out)
{
    switch (c->s->encoding) {
    case ENCODING_HEX: return hex_decode(c->arena, text, out);
    case ENCODING_BASE64: return base64_decode(c->arena, text, BASE64_STANDARD, out);
    case ENCODING_BASE64URL: return !str_has(text, '=') && base64_decode(c->arena, text, BASE64_URL, out);
    case ENCODING_TEXT: *out = text; return true;
    }
    return false;
}

static bool decode_found(struct case_file *c)
{
    size_t want = signature_bytes(c->algorithm);
    for (size_t i = 0; i < c->found_count; i++) { // a broken entry does not spoil a good one
        str bytes;
        if (!decode_text(c, c->found[i], &bytes) || !bytes.n || (want && bytes.n != want))
            continue;
        if (c->algorithm == ALGORITHM_BASIC && !str_has(bytes, ':'))
            continue;
        c->bytes[c->byte_count++] = bytes;
    }
    if (c->byte_count)
        return true;
    if (want)
        return refuse(c, SIGNATURE_MALFORMED, "the signature is not %zu bytes in the configured encoding", want);
    return refuse(c, SIGNATURE_MALFORMED, "the signature is empty or not in the configured encoding");
}

// ---- the timestamp ----

static bool find_timestamp(struct case_file *c)
{
    if (c->s->timestamp.kind == PLACE_NONE)
        return true;
    enum part_result r = read_place(c, &c->s->timestamp, &c->timestamp);
    if (r != PART_OK)
        return refuse_part(c, r, "timestamp", c->s->timestamp.name);
    bool is_number = c->timestamp.n >= 1 && c->timestamp.n <= 15;
    for (size_t i = 0; i < c->timestamp.n && is_number; i++)
        is_number = c->timestamp.p[i] >= '0' && c->timestamp.p[i] <= '9';
    int64_t at_ms;
    bool is_time = c->timestamp.n <= 40 && c->timestamp.n >= 20 && c->timestamp.p[10] == 'T' && timetext_parse(c->timestamp, &at_ms);
    if (c->s->unit == UNIT_ISO8601 ? !is_time : !is_number)
        return refuse(c, SIGNATURE_MALFORMED, "the timestamp is not %s", c->s->unit == UNIT_ISO8601 ? "an ISO 8601 time" : "1 to 15 digits");
    return true;
}

static bool judge_timestamp(struct case_file *c, const struct clock *clock)
{
    int64_t at_ms = 0;
    if (c->s->timestamp.kind == PLACE_NONE)
        return true;
    if (c->s->unit == UNIT_ISO8601)
        timetext_parse(c->timestamp, &at_ms);
    else
        str_to_i64(c->timestamp, &at_ms);
    if (c->s->unit == UNIT_S)
        at_ms *= 1000;
    int64_t old_ms = clock_wall_ms(clock) - at_ms;
    if (old_ms <= c->s->tolerance_s * 1000 && old_ms >= -c->s->tolerance_s * 1000)
        return true;
    return refuse(c, SIGNATURE_TIMESTAMP, "the timestamp is %" PRId64 " s %s: clock?", (old_ms < 0 ? -old_ms : old_ms) / 1000, old_ms < 0 ? "ahead" : "old");
}

// ---- what was signed ----

static bool signed_bytes(struct case_file *c, struct buf *own, str *out)
{
    const struct pieces *p = &c->s->signed_text;
    for (size_t i = 0; i < p->count; i++) {
        str text = c->timestamp;
        enum part_result r = p->items[i].kind == PIECE_TIMESTAMP ? PART_OK : view_piece(&c->view, &p->items[i], &text);
        if (r != PART_OK)
            return refuse_part(c, r, "signed part", p->items[i].text);
        *out = text;
        if (p->count > 1)
            buf_add(own, text);
    }
    if (p->count != 1) // a body alone is not copied
        *out = buf_str(own);
    return true;
}

// ---- comparing ----

static const EVP_MD *digest_of(enum signature_algorithm a)
{
    return a == ALGORITHM_HMAC_SHA1 || a == ALGORITHM_RSA_SHA1 ? EVP_sha1() : a == ALGORITHM_HMAC_SHA512 ? EVP_sha512() : EVP_sha256();
}

// Whatever both lengths are, nothing shows but yes or no.
static bool same_text(str x, str y)
{
    unsigned char a[crypto_generichash_BYTES], b[crypto_generichash_BYTES];
    crypto_generichash(a, sizeof a, (const unsigned char *)x.p, x.n, NULL, 0);
    crypto_generichash(b, sizeof b, (const unsigned char *)y.p, y.n, NULL, 0);
    return sodium_memcmp(a, b, sizeof a) == 0;
}

static bool rsa_fits(EVP_PKEY *key, enum signature_algorithm algorithm, str text, str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool fits = ctx && EVP_DigestVerifyInit(ctx, NULL, digest_of(algorithm), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)(text.p ? text.p : ""), text.n) == 1;
    EVP_MD_CTX_free(ctx);
    return fits;
}

static bool pem_fits(str pem, enum signature_algorithm algorithm, str text, str signature)
{
    EVP_PKEY *key = rsa_key_from_pem(pem);
    bool fits = key && rsa_fits(key, algorithm, text, signature);
    EVP_PKEY_free(key);
    return fits;
}

static bool hmac_fits(str mac, str signature)
{
    return signature.n == mac.n && sodium_memcmp(mac.p, signature.p, mac.n) == 0;
}

// All pairs are tried, so that the time does not tell which secret it was.
static int fitting_secret(struct case_file *c, str text)
{
    int fitting = -1;
    for (size_t k = c->s->secret_count; k-- > 0;) {
        str key = c->s->secrets[k];
        unsigned char mac[EVP_MAX_MD_SIZE];
        unsigned mac_bytes = 0;
        if (c->algorithm <= ALGORITHM_HMAC_SHA512)
            HMAC(digest_of(c->algorithm), key.p, (int)key.n, (const unsigned char *)(text.p ? text.p : ""), text.n, mac, &mac_bytes);
        for (size_t i = 0; i < c->byte_count; i++) {
            str signature = c->bytes[i];
            bool fits = false;
            switch (c->algorithm) {
            case ALGORITHM_HMAC_SHA256:
            case ALGORITHM_HMAC_SHA1:
            case ALGORITHM_HMAC_SHA512: fits = hmac_fits((str){ (const char *)mac, mac_bytes }, signature); break;
            case ALGORITHM_ED25519: // strict: canonical S, no point of small order
                fits = crypto_sign_verify_detached((const unsigned char *)signature.p, (const unsigned char *)text.p, text.n, (const unsigned char *)key.p) == 0;
                break;
            case ALGORITHM_RSA_SHA256:
            case ALGORITHM_RSA_SHA1: fits = pem_fits(key, c->algorithm, text, signature); break;
            case ALGORITHM_EQUAL:
            case ALGORITHM_BASIC: fits = same_text(key, signature); break;
            }
            if (fits) {
                fitting = (int)k;
                c->fitting = signature;
            }
        }
    }
    return fitting;
}

static bool judge_by_certificate(struct case_file *c, struct signature_certs *certs, const struct clock *clock, str text)
{
    str url, why = { 0 };
    enum part_result r = view_pointer(&c->view, c->s->url_pointer, &url);
    if (r != PART_OK)
        return refuse(c, r == PART_MISSING ? SIGNATURE_MISSING : SIGNATURE_MALFORMED, "no certificate's URL at %.*s", STR_ARG(c->s->url_pointer));
    EVP_PKEY *key = NULL;
    enum cert_result found = certs_key(certs, url, c->s->host_pattern, clock, c->arena, &key, &c->out->fetch_url, &why);
    if (found == CERT_FETCH)
        return refuse(c, SIGNATURE_FETCH, "the certificate is not here yet");
    if (found == CERT_REFUSED)
        return refuse(c, SIGNATURE_CERTIFICATE, "certificate %.*s: %.*s", STR_ARG(str_sub(url, 0, 200)), STR_ARG(why));
    bool fits = false;
    for (size_t i = 0; i < c->byte_count && !fits; i++) {
        fits = rsa_fits(key, c->algorithm, text, c->bytes[i]);
        c->fitting = c->bytes[i];
    }
    EVP_PKEY_free(key);
    if (!fits)
        return refuse(c, SIGNATURE_WRONG, "the signature does not fit what it signs");
    // A good signature says no more than that Amazon sent it, for whoever's topic.
    str topic;
    if (view_pointer(&c->view, STR("/TopicArn"), &topic) != PART_OK || !signature_has_topic(c->s, topic))
        return refuse(c, SIGNATURE_WRONG, "the topic is not listed in the trigger");
    return true;
}

static bool judge_signature(struct case_file *c, struct signature_certs *certs, const struct clock *clock)
{
    CLEANUP(buf_fini) struct buf own = { 0 };
    str text = { 0 };
    if (!signed_bytes(c, &own, &text))
        return false;
    if (c->s->url_pointer.p)
        return judge_by_certificate(c, certs, clock, text);
    c->out->secret = fitting_secret(c, text);
    if (c->out->secret >= 0)
        return true;
    return refuse(c, SIGNATURE_WRONG, "%zu bytes, fits none of %zu active secrets", c->bytes[0].n, c->s->secret_count);
}

// Which of the listed algorithms the sender says it used. What it may say is fixed; there is no other way to choose one.
static bool select_algorithm(struct case_file *c)
{
    c->algorithm = c->s->algorithm;
    if (!c->s->select_pointer.p)
        return true;
    str value;
    enum part_result r = view_pointer(&c->view, c->s->select_pointer, &value);
    if (r != PART_OK)
        return refuse_part(c, r, "version", c->s->select_pointer);
    for (size_t i = 0; i < c->s->choice_count; i++)
        if (str_eq(c->s->choices[i].value, value)) {
            c->algorithm = c->s->choices[i].algorithm;
            return true;
        }
    return refuse(c, SIGNATURE_MALFORMED, "version \"%.*s\" is not configured", STR_ARG(str_sub(value, 0, 20)));
}

static void replay_key(const struct case_file *c, uint8_t out[32])
{
    const str *body = &c->view.in->body;
    crypto_hash_sha256_state h;
    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, (const unsigned char *)c->fitting.p, c->fitting.n);
    crypto_hash_sha256_update(&h, (const unsigned char *)"", 1);
    crypto_hash_sha256_update(&h, (const unsigned char *)(body->p ? body->p : ""), body->n);
    crypto_hash_sha256_final(&h, out);
}

void signature_judge(const struct signature *s, const struct incoming *in, struct signature_certs *certs, const struct clock *clock, struct arena *a,
                     struct signature_result *out)
{
    *out = (struct signature_result){ .secret = -1 };
    struct case_file c = { .s = s, .view = { .in = in, .arena = a }, .arena = a, .out = out };
    // The timestamp's age comes last, so that nobody probes our clock without a secret.
    if (!find_signatures(&c) || !select_algorithm(&c) || !decode_found(&c) || !find_timestamp(&c) || !judge_signature(&c, certs, clock) || !judge_timestamp(&c, clock))
        return;
    out->verdict = SIGNATURE_OK;
    replay_key(&c, out->replay_key);
}
