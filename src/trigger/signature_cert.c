// Certificates by URL: where they may come from, whether they are to be trusted, which key they hold.
#include "base/map.h"
#include "trigger/signature_internal.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define FAILED_AGAIN_MS 60000
#define KEPT_MS (24 * 3600 * 1000)
#define CHAIN_MAX 4

struct kept {
    char *url;
    str content; // p == NULL: the fetch failed
    int64_t at_ms;
};

struct signature_certs {
    bool own_anchor;
    X509_STORE *roots; // the system's, loaded at the first need
    struct map by_url;
    struct kept *kept[LIMIT_SIGNATURE_CERTIFICATES];
    size_t count;
};

struct signature_certs *signature_certs_new(bool own_anchor)
{
    struct signature_certs *c = xcalloc(1, sizeof *c);
    c->own_anchor = own_anchor;
    return c;
}

static void kept_free(struct kept *k)
{
    free(k->url);
    free((char *)(uintptr_t)k->content.p);
    free(k);
}

void signature_certs_free(struct signature_certs *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        kept_free(c->kept[i]);
    map_fini(&c->by_url);
    X509_STORE_free(c->roots);
    free(c);
}

static void drop(struct signature_certs *c, size_t i)
{
    map_remove(&c->by_url, str_from(c->kept[i]->url));
    kept_free(c->kept[i]);
    c->kept[i] = c->kept[--c->count];
}

void signature_certs_put(struct signature_certs *c, str url, str content, const struct clock *clock)
{
    size_t oldest = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (str_eq(str_from(c->kept[i]->url), url)) {
            drop(c, i);
            break;
        }
    }
    for (size_t i = 1; i < c->count; i++)
        if (c->kept[i]->at_ms < c->kept[oldest]->at_ms)
            oldest = i;
    if (c->count == COUNT(c->kept))
        drop(c, oldest);
    struct kept *k = xcalloc(1, sizeof *k);
    k->url = xcalloc(1, url.n + 1);
    memcpy(k->url, url.p, url.n);
    if (content.p && content.n <= LIMIT_SIGNATURE_CERTIFICATE_BYTES)
        k->content = (str){ xmemdup(content.p, content.n ? content.n : 1), content.n };
    k->at_ms = clock_wall_ms(clock);
    c->kept[c->count++] = k;
    map_put(&c->by_url, url, k);
}

// ---- URLs ----

static bool is_region_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

// Behind "https://sns.<region>.amazonaws.com[.cn]", or false.
static bool skip_sns_host(str url, str *rest)
{
    if (!str_starts(url, STR("https://sns.")))
        return false;
    str s = str_skip(url, strlen("https://sns."));
    size_t region = 0;
    while (region < s.n && is_region_char(s.p[region]))
        region++;
    s = str_skip(s, region);
    if (!region || region > 40 || !str_starts(s, STR(".amazonaws.com")))
        return false;
    s = str_skip(s, strlen(".amazonaws.com"));
    *rest = str_starts(s, STR(".cn")) ? str_skip(s, 3) : s;
    return true;
}

static bool is_plain_text(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] <= ' ' || (uint8_t)s.p[i] >= 0x7F || s.p[i] == '\\' || s.p[i] == '#')
            return false;
    return true;
}

bool signature_sns_url_is_allowed(str url)
{
    str rest;
    if (url.n > 2048 || !is_plain_text(url) || !skip_sns_host(url, &rest))
        return false;
    if (str_starts(rest, STR(":443")))
        rest = str_skip(rest, 4);
    return str_starts(rest, STR("/"));
}

static bool is_pem_name(str path)
{
    if (path.n < 6 || path.p[0] != '/' || !str_ends(path, STR(".pem")))
        return false;
    for (size_t i = 1; i < path.n; i++) {
        char c = path.p[i];
        bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!is_alnum && c != '-' && c != '_' && (c != '.' || path.p[i - 1] == '.'))
            return false;
    }
    return true;
}

// Amazon's own authority publishes the certificates of its issuers there. They prove themselves by their chain.
static bool is_issuer_url(str url)
{
    str host = str_skip(url, str_starts(url, STR("https://")) ? 8 : 7);
    ptrdiff_t slash = str_find_char(host, '/');
    if (!is_plain_text(url) || !(str_starts(url, STR("http://")) || str_starts(url, STR("https://"))) || slash <= 0)
        return false;
    str path = str_skip(host, (size_t)slash);
    host.n = (size_t)slash;
    for (size_t i = 0; i < host.n; i++)
        if (!is_region_char(host.p[i]) && host.p[i] != '.')
            return false;
    return str_ends(host, STR(".amazontrust.com")) && str_ends(path, STR(".cer"));
}

bool signature_cert_url_is_allowed(str url, str host_pattern)
{
    str rest;
    if (url.n > 512 || !str_eq(host_pattern, STR("sns.{region}.amazonaws.com")))
        return false;
    return (skip_sns_host(url, &rest) && is_pem_name(rest)) || is_issuer_url(url);
}

// ---- certificates ----

static BIO *bio_of(str s)
{
    return BIO_new_mem_buf(s.p ? s.p : "", (int)s.n);
}

static EVP_PKEY *strong_rsa(EVP_PKEY *key)
{
    if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= 2048)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

EVP_PKEY *rsa_key_from_pem(str pem)
{
    BIO *bio = bio_of(pem);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;
    X509_free(cert);
    BIO_free(bio);
    if (!cert) {
        bio = bio_of(pem);
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
    }
    return strong_rsa(key);
}

// All certificates of a PEM file, or the one of a DER file, appended.
static void read_certs(str content, STACK_OF(X509) *out)
{
    BIO *bio = bio_of(content);
    for (X509 *cert; sk_X509_num(out) < CHAIN_MAX * 2 && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;)
        sk_X509_push(out, cert);
    BIO_free(bio);
    if (sk_X509_num(out))
        return;
    const unsigned char *der = (const unsigned char *)content.p;
    X509 *cert = d2i_X509(NULL, &der, (long)content.n);
    if (cert)
        sk_X509_push(out, cert);
}

// 0 when the chain is good, else OpenSSL's reason; *last is the certificate it broke off at.
static int verify(X509_STORE *store, STACK_OF(X509) *certs, int64_t now_ms, bool partial, int *depth)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int code = X509_V_ERR_OUT_OF_MEM;
    *depth = 0;
    if (ctx && X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs)) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
        if (partial)
            X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        code = X509_verify_cert(ctx) == 1 ? 0 : X509_STORE_CTX_get_error(ctx);
        *depth = X509_STORE_CTX_get_error_depth(ctx);
    }
    X509_STORE_CTX_free(ctx);
    return code;
}

static int verify_own_anchor(STACK_OF(X509) *certs, int64_t now_ms)
{
    int depth;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, sk_X509_value(certs, 0));
    int code = verify(store, certs, now_ms, true, &depth);
    X509_STORE_free(store);
    return code;
}

static X509_STORE *roots(struct signature_certs *c)
{
    if (!c->roots) {
        c->roots = X509_STORE_new();
        X509_STORE_set_default_paths(c->roots);
    }
    return c->roots;
}

// Where a certificate says its issuer's is to be had.
static str issuer_url(const X509 *cert, struct arena *a)
{
    str url = { 0 };
    AUTHORITY_INFO_ACCESS *info = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(info) && !url.p; i++) {
        const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(info, i);
        if (OBJ_obj2nid(d->method) != NID_ad_ca_issuers || d->location->type != GEN_URI)
            continue;
        const ASN1_IA5STRING *uri = d->location->d.uniformResourceIdentifier;
        str found = { (const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri) };
        if (is_issuer_url(found))
            url = arena_str(a, found);
    }
    AUTHORITY_INFO_ACCESS_free(info);
    return url;
}

static const struct kept *look_up(struct signature_certs *c, str url, const struct clock *clock)
{
    const struct kept *k = map_get(&c->by_url, url);
    if (!k)
        return NULL;
    int64_t age_ms = clock_wall_ms(clock) - k->at_ms;
    return age_ms > (k->content.p ? KEPT_MS : FAILED_AGAIN_MS) ? NULL : k;
}

// Reads `url`'s certificates and, link by link, the issuers they lack, until the chain is good.
static enum cert_result trust(struct signature_certs *c, str url, const struct clock *clock, struct arena *a, STACK_OF(X509) *certs, str *fetch_url, str *why)
{
    int64_t now_ms = clock_wall_ms(clock);
    for (int links = 0; links < CHAIN_MAX; links++) {
        const struct kept *k = look_up(c, url, clock);
        if (!k) {
            *fetch_url = url;
            return CERT_FETCH;
        }
        STACK_OF(X509) *more = sk_X509_new_null();
        read_certs(k->content, more);
        bool found = sk_X509_num(more) > 0;
        while (sk_X509_num(more))
            sk_X509_push(certs, sk_X509_shift(more));
        sk_X509_free(more);
        *why = k->content.p ? STR("there is no certificate at that URL") : STR("it could not be fetched");
        if (!found)
            return CERT_REFUSED;
        int depth = 0;
        int code = c->own_anchor ? verify_own_anchor(certs, now_ms) : verify(roots(c), certs, now_ms, false, &depth);
        if (code == 0)
            return CERT_OK;
        *why = arena_str(a, str_from(X509_verify_cert_error_string(code)));
        bool lacks_issuer = code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
        if (!lacks_issuer || c->own_anchor)
            return CERT_REFUSED;
        url = issuer_url(sk_X509_value(certs, MIN(depth, sk_X509_num(certs) - 1)), a);
        if (!url.p)
            return CERT_REFUSED;
    }
    return CERT_REFUSED;
}

enum cert_result certs_key(struct signature_certs *c, str url, str host_pattern, const struct clock *clock, struct arena *a, EVP_PKEY **key, str *fetch_url, str *why)
{
    *why = STR("certificates do not come from that URL");
    if (!c || !signature_cert_url_is_allowed(url, host_pattern) || is_issuer_url(url))
        return CERT_REFUSED;
    STACK_OF(X509) *certs = sk_X509_new_null();
    enum cert_result r = trust(c, url, clock, a, certs, fetch_url, why);
    if (r == CERT_OK) {
        *key = strong_rsa(X509_get_pubkey(sk_X509_value(certs, 0)));
        *why = STR("its key is not RSA with 2048 bits or more");
        r = *key ? CERT_OK : CERT_REFUSED;
    }
    sk_X509_pop_free(certs, X509_free);
    return r;
}
