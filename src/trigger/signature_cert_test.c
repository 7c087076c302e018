#include "tests/harness/check.h"

#include "trigger/signature_internal.h"
#include "sys/file.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

TEST(urls_of_certificates)
{
    static const struct { const char *url; bool want; } rows[] = {
        { "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem", true },
        { "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123.pem", true },
        { "http://sns.eu-west-1.amazonaws.com/a.pem", false },
        { "https://sns.eu-west-1.amazonaws.com:443/a.pem", false },
        { "https://sns.eu-west-1.amazonaws.com:8443/a.pem", false },
        { "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem", false },
        { "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem", false },
        { "https://user@sns.eu-west-1.amazonaws.com/a.pem", false },
        { "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem", false },
        { "https://sns.evil.example/.amazonaws.com/a.pem", false },
        { "https://sns.eu.west.amazonaws.com/a.pem", false },
        { "https://sns..amazonaws.com/a.pem", false },
        { "https://sns.amazonaws.com/a.pem", false },
        { "https://xsns.eu-west-1.amazonaws.com/a.pem", false },
        { "https://sns.eu-west-1.amazonaws.com/a.pem?x", false },
        { "https://sns.eu-west-1.amazonaws.com/a.pem#x", false },
        { "https://sns.eu-west-1.amazonaws.com/x?y=a.pem", false },
        { "https://sns.eu-west-1.amazonaws.com/../a.pem", false },
        { "https://sns.eu-west-1.amazonaws.com/a/b.pem", false },
        { "https://sns.eu-west-1.amazonaws.com/%2e.pem", false },
        { "https://sns.eu-west-1.amazonaws.com/.pem", false },
        { "https://sns.eu-west-1.amazonaws.com", false },
        { "https://sns.eu-west-1.amazonaws.com\\@evil.example/a.pem", false },
        { "https://s3.eu-west-1.amazonaws.com/a.pem", false },
        { "http://crt.r2m01.amazontrust.com/r2m01.cer", true },
        { "http://evil.example/.amazontrust.com/r.cer", false },
        { "http://127.0.0.1/a.cer", false },
        { "", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].url, signature_cert_url_is_allowed(str_from(rows[i].url), STR("sns.{region}.amazonaws.com")), rows[i].want);
    CHECK("another pattern allows nothing", !signature_cert_url_is_allowed(str_from(rows[0].url), STR("sns.*")));
}

TEST(urls_of_confirmations)
{
    static const struct { const char *url; bool want; } rows[] = {
        { "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1", true },
        { "https://sns.eu-west-1.amazonaws.com:443/?Action=ConfirmSubscription", true },
        { "https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription", true },
        { "https://sns.eu-west-1.amazonaws.com:80/?Action=ConfirmSubscription", false },
        { "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", false },
        { "https://sns.eu-west-1.amazonaws.com.cn.evil.example/", false },
        { "https://sns.eu-west-1.amazonaws.com?x", false },
        { "https://sns.eu-west-1.amazonaws.com:443@evil.example/", false },
        { "https://sns.eu-west-1.amazonaws.com/ x", false },
        { "https://sns.eu-west-1.amazonaws.com/\r\nX: y", false },
        { "https://169.254.169.254/", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].url, signature_sns_url_is_allowed(str_from(rows[i].url)), rows[i].want);
}

// ---- certificates made here ----

static str pem_of(struct arena *a, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    str pem = arena_str(a, (str){ p, (size_t)n });
    BIO_free(bio);
    return pem;
}

// Valid from 1 January 2026 for `days`.
static str make_cert(struct arena *a, EVP_PKEY *key, int days)
{
    X509 *cert = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    time_t from = 1767225600;
    X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &from);
    X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, &from);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"sns.amazonaws.com", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_sign(cert, key, EVP_sha256());
    str pem = pem_of(a, cert);
    X509_free(cert);
    return pem;
}

static const char url[] = "https://sns.eu-west-1.amazonaws.com/a.pem";

static enum cert_result ask(struct signature_certs *c, struct clock_fake *clock, struct arena *a, str *fetch_url, str *why)
{
    EVP_PKEY *key = NULL;
    enum cert_result r = certs_key(c, str_from(url), STR("sns.{region}.amazonaws.com"), &clock->clock, a, &key, fetch_url, why);
    CHECK_INT("a key comes with trust only", key != NULL, r == CERT_OK);
    EVP_PKEY_free(key);
    return r;
}

TEST(trust)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct clock_fake clock;
    clock_fake_init(&clock, 1790000000000);
    struct signature_certs *own = signature_certs_new(true), *roots = signature_certs_new(false);
    EVP_PKEY *strong = EVP_RSA_gen(2048), *weak = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-256");
    str fetch_url = { 0 }, why = { 0 }, good = make_cert(&a, strong, 3650);

    CHECK_INT("an unknown one is to be fetched", ask(own, &clock, &a, &fetch_url, &why), CERT_FETCH);
    CHECK_STR("from its URL", fetch_url, str_from(url));
    signature_certs_put(own, str_from(url), good, &clock.clock);
    CHECK_INT("as its own anchor it is good", ask(own, &clock, &a, &fetch_url, &why), CERT_OK);
    clock_fake_advance(&clock, 25ll * 3600 * 1000);
    CHECK_INT("after a day it is fetched again", ask(own, &clock, &a, &fetch_url, &why), CERT_FETCH);
    signature_certs_put(own, str_from(url), make_cert(&a, strong, 30), &clock.clock);
    CHECK_INT("an expired one is refused", ask(own, &clock, &a, &fetch_url, &why), CERT_REFUSED);
    CHECK_STR("with the reason", why, STR("certificate has expired"));
    signature_certs_put(own, str_from(url), make_cert(&a, weak, 3650), &clock.clock);
    CHECK_INT("a weak key", ask(own, &clock, &a, &fetch_url, &why), CERT_REFUSED);
    signature_certs_put(own, str_from(url), make_cert(&a, curve, 3650), &clock.clock);
    CHECK_INT("a key of another kind", ask(own, &clock, &a, &fetch_url, &why), CERT_REFUSED);
    signature_certs_put(own, str_from(url), STR("<html>"), &clock.clock);
    CHECK_INT("no certificate", ask(own, &clock, &a, &fetch_url, &why), CERT_REFUSED);
    signature_certs_put(own, str_from(url), (str){ 0 }, &clock.clock);
    CHECK_INT("a failed fetch", ask(own, &clock, &a, &fetch_url, &why), CERT_REFUSED);
    clock_fake_advance(&clock, 61000);
    CHECK_INT("is tried again after a minute", ask(own, &clock, &a, &fetch_url, &why), CERT_FETCH);
    signature_certs_put(roots, str_from(url), good, &clock.clock);
    CHECK_INT("anyone's own certificate has no chain to the roots", ask(roots, &clock, &a, &fetch_url, &why), CERT_REFUSED);

    CHECK("nothing is no key", rsa_key_from_pem(STR("")) == NULL);
    for (int i = 0; i < LIMIT_SIGNATURE_CERTIFICATES + 10; i++) {
        str other = arena_printf(&a, "https://sns.eu-west-1.amazonaws.com/%d.pem", i);
        signature_certs_put(own, other, good, &clock.clock);
    }
    CHECK_INT("the cache is bounded: the oldest went", ask(own, &clock, &a, &fetch_url, &why), CERT_FETCH);
    EVP_PKEY_free(strong);
    EVP_PKEY_free(weak);
    EVP_PKEY_free(curve);
    signature_certs_free(own);
    signature_certs_free(roots);
    signature_certs_free(NULL);
}

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    X509_add_ext(cert, x, -1);
    X509_EXTENSION_free(x);
}

static X509 *issue(const char *name, EVP_PKEY *key, const char *issuer, EVP_PKEY *issuer_key, bool is_authority, const char *issuer_at)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
    time_t from = 1767225600;
    X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &from);
    X509_time_adj_ex(X509_getm_notAfter(cert), 3650, 0, &from);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_NAME *by = X509_NAME_new();
    X509_NAME_add_entry_by_txt(by, "CN", MBSTRING_ASC, (const unsigned char *)issuer, -1, -1, 0);
    X509_set_issuer_name(cert, by);
    X509_NAME_free(by);
    add_extension(cert, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (issuer_at)
        add_extension(cert, NID_info_access, issuer_at);
    X509_sign(cert, issuer_key, EVP_sha256());
    return cert;
}

TEST(a_chain_is_completed_link_by_link)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct clock_fake clock;
    struct err e = { 0 };
    clock_fake_init(&clock, 1790000000000);
    EVP_PKEY *keys[3] = { EVP_RSA_gen(2048), EVP_RSA_gen(2048), EVP_RSA_gen(2048) };
    X509 *root = issue("root", keys[0], "root", keys[0], true, NULL);
    X509 *middle = issue("middle", keys[1], "root", keys[0], true, NULL);
    X509 *leaf = issue("leaf", keys[2], "middle", keys[1], false, "caIssuers;URI:http://crt.r2m01.amazontrust.com/r2m01.cer");
    X509 *other = issue("leaf", keys[2], "middle", keys[1], false, "caIssuers;URI:http://127.0.0.1/r2m01.cer");
    str folder, fetch_url = { 0 }, why = { 0 };
    REQUIRE("a folder", file_temp_dir(&a, "certs", &folder, &e));
    str roots_file = arena_concat(&a, folder, STR("/roots.pem"));
    CHECK_OK("roots of our own", file_write(roots_file.p, pem_of(&a, root), 0600, &e), &e);
    setenv("SSL_CERT_FILE", roots_file.p, 1);
    unsigned char *der = NULL;
    int der_bytes = i2d_X509(middle, &der);

    struct signature_certs *c = signature_certs_new(false);
    signature_certs_put(c, str_from(url), pem_of(&a, leaf), &clock.clock);
    CHECK_INT("a leaf alone needs its issuer", ask(c, &clock, &a, &fetch_url, &why), CERT_FETCH);
    CHECK_STR("from where it says", fetch_url, STR("http://crt.r2m01.amazontrust.com/r2m01.cer"));
    signature_certs_put(c, fetch_url, (str){ (const char *)der, (size_t)der_bytes }, &clock.clock);
    CHECK_INT("which completes the chain to the roots", ask(c, &clock, &a, &fetch_url, &why), CERT_OK);
    signature_certs_put(c, fetch_url, pem_of(&a, root), &clock.clock);
    CHECK_INT("another certificate there does not", ask(c, &clock, &a, &fetch_url, &why), CERT_REFUSED);
    signature_certs_put(c, str_from(url), pem_of(&a, other), &clock.clock);
    CHECK_INT("an issuer's URL elsewhere is not followed", ask(c, &clock, &a, &fetch_url, &why), CERT_REFUSED);
    signature_certs_put(c, str_from(url), arena_concat(&a, pem_of(&a, leaf), pem_of(&a, middle)), &clock.clock);
    CHECK_INT("a file with the whole chain needs nothing more", ask(c, &clock, &a, &fetch_url, &why), CERT_OK);
    signature_certs_free(c);
    OPENSSL_free(der);
    unsetenv("SSL_CERT_FILE");
    X509_free(root);
    X509_free(middle);
    X509_free(leaf);
    X509_free(other);
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
    CHECK_OK("the folder goes", file_remove_tree(folder.p, &e), &e);
}

TEST_MAIN()
