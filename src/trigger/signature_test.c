#include "tests/harness/check.h"

#include "base/encode.h"
#include "json/json.h"
#include "trigger/signature_internal.h"
#include "sys/file.h"
#include "tests/signatures/vectors.h"

#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>

static void one_claim(const struct vector_verdict *v, void *ctx)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    ++*(int *)ctx;
    CHECK_STR(arena_cstr(&a, v->name), v->is_right && v->reason_is_right ? v->want : v->got, v->want);
}

TEST(vectors)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    str text;
    int count = 0;
    REQUIRE("the vectors are there", file_read(TEST_ROOT "/signatures/vectors.json", 1 << 20, &a, &text, &e));
    CHECK_OK("they can be judged", vectors_judge(text, one_claim, &count, &e), &e);
    CHECK("there are more than fifty", count > 50);
}

// ---- requests made here ----

struct bench {
    struct arena arena;
    struct incoming_field headers[8];
    struct incoming in;
    struct clock_fake clock;
    struct signature *s;
};

#define NOW_S 1790000000

static void set_up(struct bench *b, const char *conf)
{
    struct json *j;
    struct err e = { 0 };
    struct decode_errors errors = { .arena = &b->arena };
    b->in = (struct incoming){ .method = STR("POST"), .path = STR("/triggers/x"), .headers = b->headers, .body = STR("{\"n\": 1}") };
    clock_fake_init(&b->clock, (int64_t)NOW_S * 1000);
    CHECK_OK(conf, json_parse(&b->arena, str_from(conf), &j, &e), &e);
    if (!signature_parse(&b->arena, j, STR(""), &errors, &b->s))
        CHECK_STR(conf, errors.items[0], STR("no error"));
}

static void bench_fini(struct bench *b)
{
    arena_fini(&b->arena);
}

static void header(struct bench *b, const char *name, str value)
{
    b->in.headers[b->in.header_count++] = (struct incoming_field){ str_from(name), value };
}

static str mac(struct bench *b, const char *key, str text)
{
    unsigned char out[32];
    HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text.p, text.n, out, NULL);
    return hex_encode(&b->arena, (str){ (const char *)out, 32 });
}

static struct signature_result result(struct bench *b)
{
    struct signature_result r;
    signature_judge(b->s, &b->in, NULL, &b->clock.clock, &b->arena, &r);
    return r;
}

static const char *verdict(struct bench *b)
{
    return signature_verdict_name(result(b).verdict);
}

static const char *with_header(struct bench *b, const char *name, str value)
{
    b->in.header_count = 0;
    header(b, name, value);
    return verdict(b);
}

TEST(plain)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"github\",\"Secrets\":[\"old\",\"new\"]}");
    str good = mac(&b, "new", b.in.body), name = STR("X-Hub-Signature-256");
    header(&b, name.p, arena_concat(&b.arena, STR("sha256="), good));
    struct signature_result r = result(&b);
    CHECK_INT("the second of two secrets fits", r.verdict, SIGNATURE_OK);
    CHECK_INT("which is reported", r.secret, 1);
    CHECK_TEXT("another version never passes", with_header(&b, name.p, arena_concat(&b.arena, STR("sha1="), good)), "malformed");
    CHECK("and the detail says so", str_ends(result(&b).detail, STR("came, \"sha256=\" is configured")));
    CHECK_TEXT("without the prefix", with_header(&b, name.p, good), "malformed");
    CHECK_TEXT("the prefix has case", with_header(&b, name.p, arena_concat(&b.arena, STR("SHA256="), good)), "malformed");
    CHECK_TEXT("half of it is malformed, not wrong", with_header(&b, name.p, arena_concat(&b.arena, STR("sha256="), str_sub(good, 0, 32))), "malformed");
    CHECK_TEXT("an empty one", with_header(&b, name.p, STR("sha256=")), "malformed");
    CHECK_TEXT("in another header", with_header(&b, "X-Hub-Signature", arena_concat(&b.arena, STR("sha256="), good)), "missing");
    b.in.header_count = 0;
    header(&b, name.p, arena_concat(&b.arena, STR("sha256="), good));
    header(&b, "x-hub-signature-256", arena_concat(&b.arena, STR("sha256="), good));
    CHECK_TEXT("twice, even both good", verdict(&b), "malformed");
    char *big = arena_bytes(&b.arena, 9000);
    memset(big, 'a', 9000);
    CHECK_TEXT("over 8 KB", with_header(&b, name.p, (str){ big, 9000 }), "malformed");
    b.in.content = STR("{\"unpacked\": true}");
    CHECK_TEXT("the signature is over what came on the wire", with_header(&b, name.p, arena_concat(&b.arena, STR("sha256="), good)), "ok");

    struct bench none = { 0 };
    set_up(&none, "{\"Preset\":\"github\"}");
    header(&none, name.p, arena_concat(&b.arena, STR("sha256="), mac(&b, "", none.in.body)));
    CHECK_TEXT("without a secret nothing is accepted", verdict(&none), "signature");
    bench_fini(&none);
}

TEST(lists)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"pagerduty\",\"Secrets\":[\"k\"]}");
    const char *name = "X-PagerDuty-Signature";
    str good = arena_concat(&b.arena, STR("v1="), mac(&b, "k", b.in.body)), wrong = arena_concat(&b.arena, STR("v1="), mac(&b, "j", b.in.body));
    str v0 = arena_concat(&b.arena, STR("v0="), mac(&b, "k", b.in.body));
    CHECK_TEXT("alone", with_header(&b, name, good), "ok");
    CHECK_TEXT("behind a wrong one and a space", with_header(&b, name, arena_printf(&b.arena, "%.*s, %.*s", STR_ARG(wrong), STR_ARG(good))), "ok");
    CHECK_TEXT("broken entries do not spoil it", with_header(&b, name, arena_printf(&b.arena, "v1=zz,,v1,%.*s,x", STR_ARG(good))), "ok");
    CHECK_TEXT("only broken ones", with_header(&b, name, STR("v1=zz,v1=,v1=00")), "malformed");
    CHECK_TEXT("a good one of another version does not count", with_header(&b, name, v0), "malformed");
    CHECK_TEXT("nor beside a wrong one", with_header(&b, name, arena_printf(&b.arena, "%.*s,%.*s", STR_ARG(v0), STR_ARG(wrong))), "signature");
    str many = good;
    for (int i = 0; i < 15; i++)
        many = arena_printf(&b.arena, "%.*s,%.*s", STR_ARG(wrong), STR_ARG(many));
    CHECK_TEXT("sixteen", with_header(&b, name, many), "ok");
    CHECK_TEXT("seventeen", with_header(&b, name, arena_printf(&b.arena, "%.*s,%.*s", STR_ARG(wrong), STR_ARG(many))), "malformed");
}

TEST(fields_with_a_time)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"stripe\",\"Secrets\":[\"whsec_k\"]}");
    const char *name = "Stripe-Signature";
#define SIGNED(t) mac(&b, "whsec_k", arena_printf(&b.arena, "%s.%.*s", t, STR_ARG(b.in.body)))
#define STRIPE(t) arena_printf(&b.arena, "t=%s,v1=%.*s", t, STR_ARG(SIGNED(t)))
    CHECK_TEXT("now", with_header(&b, name, STRIPE("1790000000")), "ok");
    CHECK_TEXT("five minutes old", with_header(&b, name, STRIPE("1789999700")), "ok");
    CHECK_TEXT("a second more", with_header(&b, name, STRIPE("1789999699")), "timestamp");
    CHECK_STR("says how much", result(&b).detail, STR("the timestamp is 301 s old: clock?"));
    CHECK_TEXT("five minutes ahead", with_header(&b, name, STRIPE("1790000300")), "ok");
    CHECK_TEXT("a second more", with_header(&b, name, STRIPE("1790000301")), "timestamp");
    CHECK_TEXT("old and wrong is wrong: our clock is not told", with_header(&b, name, arena_printf(&b.arena, "t=1,v1=%.*s", STR_ARG(SIGNED("2")))), "signature");
    CHECK_TEXT("no time", with_header(&b, name, arena_printf(&b.arena, "v1=%.*s", STR_ARG(SIGNED("1790000000")))), "missing");
    CHECK_TEXT("two times", with_header(&b, name, arena_printf(&b.arena, "t=1790000000,t=1790000000,v1=%.*s", STR_ARG(SIGNED("1790000000")))), "malformed");
    static const char *const odd[] = { "+1790000000", "-1", "", " 1790000000", "1790000000.0", "0x6AB13B00", "1790000000000000", "1.79e9", "\xd9\xa1" };
    for (size_t i = 0; i < COUNT(odd); i++)
        CHECK_TEXT(odd[i], with_header(&b, name, STRIPE(odd[i])), "malformed");
    CHECK_TEXT("a field of an older version", with_header(&b, name, arena_printf(&b.arena, "t=1790000000,v0=%.*s", STR_ARG(SIGNED("1790000000")))), "malformed");
    CHECK_TEXT("spaces behind the separator", with_header(&b, name, arena_printf(&b.arena, "t=1790000000,  v1=%.*s", STR_ARG(SIGNED("1790000000")))), "ok");
}

TEST(a_header_with_a_time_sent_twice)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"slack\",\"Secrets\":[\"k\"]}");
    header(&b, "X-Slack-Signature", arena_concat(&b.arena, STR("v0="), mac(&b, "k", STR("v0:1790000000:{\"n\": 1}"))));
    CHECK_TEXT("no time", verdict(&b), "missing");
    header(&b, "X-Slack-Request-Timestamp", STR("1790000000"));
    CHECK_TEXT("once", verdict(&b), "ok");
    header(&b, "X-Slack-Request-Timestamp", STR("1790000000"));
    CHECK_TEXT("twice", verdict(&b), "malformed");
}

TEST(units_of_time)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"grafana-timestamp\",\"Timestamp\":{\"Unit\":\"ms\",\"Tolerance\":1},\"Secrets\":[\"k\"]}");
    header(&b, "X-Grafana-Alerting-Signature", mac(&b, "k", STR("1789999999000:{\"n\": 1}")));
    header(&b, "X-Grafana-Alerting-Timestamp", STR("1789999999000"));
    CHECK_TEXT("milliseconds, at the bound", verdict(&b), "ok");
    clock_fake_advance(&b.clock, 1);
    CHECK_TEXT("one more", verdict(&b), "timestamp");
}

TEST(tokens_and_passwords)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"gitlab-token\",\"Secrets\":[\"abc\",\"defg\"]}");
    CHECK_TEXT("the second", with_header(&b, "X-Gitlab-Token", STR("defg")), "ok");
    CHECK_TEXT("a shorter one is wrong, which says nothing of the length", with_header(&b, "X-Gitlab-Token", STR("ab")), "signature");
    CHECK_TEXT("case counts", with_header(&b, "X-Gitlab-Token", STR("ABC")), "signature");
    CHECK_TEXT("an empty one", with_header(&b, "X-Gitlab-Token", STR("")), "malformed");

    struct bench basic = { 0 };
    set_up(&basic, "{\"Preset\":\"basic\",\"Secrets\":[\"u:p:q\"]}");
    CHECK_TEXT("user and password", with_header(&basic, "authorization", STR("basic  dTpwOnE=")), "ok");
    CHECK_TEXT("another scheme", with_header(&basic, "Authorization", STR("Bearer dTpwOnE=")), "malformed");
    CHECK_TEXT("no colon", with_header(&basic, "Authorization", STR("Basic dQ==")), "malformed");
    CHECK_TEXT("stray bits in base64", with_header(&basic, "Authorization", STR("Basic dTpwOnF=")), "malformed");
    bench_fini(&basic);
}

TEST(where_signatures_may_stand)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{method} {path} {query:user} {header:X-Id}\",\"Source\":{\"Query\":\"sig\"},\"Encoding\":\"base64url\",\"Secrets\":[\"k\"]}");
    unsigned char raw[32];
    str text = STR("POST /triggers/x bob 7");
    HMAC(EVP_sha256(), "k", 1, (const unsigned char *)text.p, text.n, raw, NULL);
    str coded = base64_encode(&b.arena, (str){ (const char *)raw, 32 }, BASE64_URL);
    header(&b, "X-Id", STR("7"));
    b.in.raw_query = arena_printf(&b.arena, "user=bob&sig=%.*s", STR_ARG(coded));
    struct err e = { 0 };
    CHECK_OK("a query", incoming_read_query(&b.in, &b.arena, &e), &e);
    CHECK_TEXT("a signature in the query", verdict(&b), "ok");
    b.in.raw_query = arena_printf(&b.arena, "user=bob&sig=%.*s%%3D", STR_ARG(coded));
    CHECK_OK("a query", incoming_read_query(&b.in, &b.arena, &e), &e);
    CHECK_TEXT("base64url has no padding", verdict(&b), "malformed");
    b.in.raw_query = arena_printf(&b.arena, "user=bob&user=bob&sig=%.*s", STR_ARG(coded));
    CHECK_OK("a query", incoming_read_query(&b.in, &b.arena, &e), &e);
    CHECK_TEXT("a signed part that came twice", verdict(&b), "malformed");
    b.in.raw_query = arena_printf(&b.arena, "sig=%.*s", STR_ARG(coded));
    CHECK_OK("a query", incoming_read_query(&b.in, &b.arena, &e), &e);
    CHECK_TEXT("a signed part that is not there", verdict(&b), "missing");

    struct bench mailgun = { 0 };
    set_up(&mailgun, "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{pointer:/signature/timestamp}{pointer:/signature/token}\",\"Source\":{\"Pointer\":\"/signature/signature\"},"
                     "\"Timestamp\":{\"Pointer\":\"/signature/timestamp\"},\"Secrets\":[\"k\"]}");
    mailgun.in.body = arena_printf(&mailgun.arena, "{\"signature\":{\"timestamp\":\"1790000000\",\"token\":\"t\",\"signature\":\"%.*s\"}}",
                                   STR_ARG(mac(&mailgun, "k", STR("1790000000t"))));
    CHECK_TEXT("a signature in the body", verdict(&mailgun), "ok");
    mailgun.in.body = STR("{\"signature\":{\"timestamp\":\"1790000000\",\"timestamp\":\"1\"}}");
    CHECK_TEXT("a body with a name twice", verdict(&mailgun), "malformed");
    mailgun.in.body = STR("x");
    CHECK_TEXT("a body that is no JSON", verdict(&mailgun), "malformed");
    mailgun.in.body = STR("{}");
    CHECK_TEXT("a body without one", verdict(&mailgun), "missing");
    bench_fini(&mailgun);
}

// Adds the group order to S: the same signature to a lax verifier.
static void add_order(unsigned char s[32])
{
    static const unsigned char order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
    unsigned carry = 0;
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)s[i] + order[i];
        s[i] = (unsigned char)carry;
        carry >>= 8;
    }
}

TEST(ed25519_is_strict)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    unsigned char public[32], private[64], seed[32] = { 1 }, signature[64];
    crypto_sign_seed_keypair(public, private, seed);
    str key = base64_encode(&b.arena, (str){ (const char *)public, 32 }, BASE64_STANDARD);
    set_up(&b, arena_printf(&b.arena, "{\"Preset\":\"standard-webhooks-a\",\"Secrets\":[\"whpk_%.*s\"]}", STR_ARG(key)).p);
    str text = STR("msg_1.1790000000.{\"n\": 1}");
    crypto_sign_detached(signature, NULL, (const unsigned char *)text.p, text.n, private);
    header(&b, "webhook-id", STR("msg_1"));
    header(&b, "webhook-timestamp", STR("1790000000"));
    header(&b, "webhook-signature", STR(""));
#define V1A(bytes) arena_concat(&b.arena, STR("v1a,"), base64_encode(&b.arena, (str){ (const char *)(bytes), 64 }, BASE64_STANDARD))
    b.headers[2].value = V1A(signature);
    CHECK_TEXT("a good one", verdict(&b), "ok");
    b.headers[2].value = arena_concat(&b.arena, STR("v1,"), str_skip(V1A(signature), 4));
    CHECK_TEXT("v1 where v1a is configured", verdict(&b), "malformed");
    add_order(signature + 32);
    b.headers[2].value = V1A(signature);
    CHECK_TEXT("S above the group order", verdict(&b), "signature");
    unsigned char zero[64] = { 1 };
    b.headers[2].value = V1A(zero);
    CHECK_TEXT("a point of small order", verdict(&b), "signature");
}

// ---- SNS, with a certificate made here ----

static const char cert_url[] = "https://sns.eu-west-1.amazonaws.com/a.pem";

static str self_signed(struct arena *a, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    time_t from = 1767225600;
    X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &from);
    X509_time_adj_ex(X509_getm_notAfter(cert), 3650, 0, &from);
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    str pem = arena_str(a, (str){ p, (size_t)n });
    BIO_free(bio);
    X509_free(cert);
    return pem;
}

struct sns_case {
    const char *claim, *version, *topic, *time, *url, *want;
    bool sha1;
};

static const char *sns_verdict(EVP_PKEY *key, str pem, const struct sns_case *row)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"sns\",\"Topics\":[\"arn:a\"]}");
    str text = arena_printf(&b.arena, "Message\nhi\nMessageId\n1\nTimestamp\n%s\nTopicArn\n%s\nType\nNotification\n", row->time, row->topic);
    unsigned char signature[256];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_DigestSignInit(ctx, NULL, row->sha1 ? EVP_sha1() : EVP_sha256(), NULL, key);
    EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text.p, text.n);
    EVP_MD_CTX_free(ctx);
    str coded = base64_encode(&b.arena, (str){ (const char *)signature, n }, BASE64_STANDARD);
    b.in.body = arena_printf(&b.arena,
                             "{\"Type\":\"Notification\",\"MessageId\":\"1\",\"TopicArn\":\"%s\",\"Subject\":null,\"Message\":\"h\\u0069\",\"Timestamp\":\"%s\","
                             "\"SignatureVersion\":\"%s\",\"SigningCertURL\":\"%s\",\"Signature\":\"%.*s\"}",
                             row->topic, row->time, row->version, row->url, STR_ARG(coded));
    struct signature_certs *certs = signature_certs_new(true);
    signature_certs_put(certs, str_from(cert_url), pem, &b.clock.clock);
    struct signature_result r;
    signature_judge(b.s, &b.in, certs, &b.clock.clock, &b.arena, &r);
    signature_certs_free(certs);
    return signature_verdict_name(r.verdict);
}

TEST(sns)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const char *now = "2026-09-21T14:13:20.000Z", *url = cert_url; // NOW_S
    const struct sns_case rows[] = {
        { "version 2", "2", "arn:a", now, url, "ok", false },
        { "version 1", "1", "arn:a", now, url, "ok", true },
        { "version 1 with the newer digest", "1", "arn:a", now, url, "signature", false },
        { "version 2 with the older digest", "2", "arn:a", now, url, "signature", true },
        { "a version of the sender's own", "3", "arn:a", now, url, "malformed", false },
        { "someone else's topic", "2", "arn:b", now, url, "signature", false },
        { "an hour old", "2", "arn:a", "2026-09-21T13:13:20.000Z", url, "ok", false },
        { "a millisecond more", "2", "arn:a", "2026-09-21T13:13:19.999Z", url, "timestamp", false },
        { "no time", "2", "arn:a", "yesterday", url, "malformed", false },
        { "someone else's certificate", "2", "arn:a", now, "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem", "certificate", false },
        { "an issuer's URL is no sender's", "2", "arn:a", now, "http://crt.r2m01.amazontrust.com/r2m01.cer", "certificate", false },
        { "a certificate not here yet", "2", "arn:a", now, "https://sns.eu-west-1.amazonaws.com/b.pem", "fetch", false },
    };
    EVP_PKEY *key = EVP_RSA_gen(2048);
    str pem = self_signed(&a, key);
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(rows[i].claim, sns_verdict(key, pem, &rows[i]), rows[i].want);
    EVP_PKEY_free(key);
}

TEST(rsa_keys_as_secrets)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct err e = { 0 };
    set_up(&b, "{\"Algorithm\":\"rsa-sha256\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"X-Sig\"},\"Encoding\":\"base64\",\"Secret\":{\"Encoding\":\"certificate\"}}");
    CHECK_OK("a certificate is taken", signature_add_secret(b.s, &b.arena, self_signed(&b.arena, key), &e), &e);
    CHECK("a text is not", !signature_add_secret(b.s, &b.arena, STR("x"), &e));
    unsigned char signature[256];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
    EVP_DigestSign(ctx, signature, &n, (const unsigned char *)b.in.body.p, b.in.body.n);
    EVP_MD_CTX_free(ctx);
    CHECK_TEXT("its signature fits", with_header(&b, "X-Sig", base64_encode(&b.arena, (str){ (const char *)signature, n }, BASE64_STANDARD)), "ok");
    signature[0] ^= 1;
    CHECK_TEXT("another does not", with_header(&b, "X-Sig", base64_encode(&b.arena, (str){ (const char *)signature, n }, BASE64_STANDARD)), "signature");
    EVP_PKEY_free(key);
}

TEST(replay_keys)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"pagerduty\",\"Secrets\":[\"k\"]}");
    str good = arena_concat(&b.arena, STR("v1="), mac(&b, "k", b.in.body));
    with_header(&b, "X-PagerDuty-Signature", good);
    struct signature_result first = result(&b);
    with_header(&b, "X-PagerDuty-Signature", arena_concat(&b.arena, STR("v1=zz, "), good));
    struct signature_result second = result(&b);
    CHECK("the same request in other clothes has the same key", !memcmp(first.replay_key, second.replay_key, 32));
    b.in.body = STR("other");
    with_header(&b, "X-PagerDuty-Signature", arena_concat(&b.arena, STR("v1="), mac(&b, "k", b.in.body)));
    second = result(&b);
    CHECK("another has another", memcmp(first.replay_key, second.replay_key, 32));
}

TEST_MAIN()
