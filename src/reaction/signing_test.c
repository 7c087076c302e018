#include "reaction/signing.h"

#include "tests/harness/check.h"

static struct signing decoded(struct arena *a, const char *text, bool needs_key, struct decode_errors *errors)
{
    struct json *j = NULL;
    struct signing s;
    struct err e = { 0 };
    *errors = (struct decode_errors){ .arena = a };
    REQUIRE("the test's own JSON parses", json_parse(a, str_from(text), &j, &e));
    signing_decode(j, STR("Action.Signing"), needs_key, errors, &s);
    return s;
}

// The vector of the Standard Webhooks libraries' own tests.
TEST(standard_webhooks_signs_as_its_libraries_do)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct decode_errors errors;
    struct http_header h[SIGNING_HEADERS_MAX];
    struct signing s = decoded(&a, "{\"Scheme\":\"StandardWebhooks\",\"Secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}", true, &errors);
    CHECK_INT("it has no errors", errors.count, 0);
    REQUIRE("it gives three headers", signing_headers(&s, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330, STR("{\"test\": 2432232314}"), &a, h) == 3);
    CHECK_STR("webhook-id", h[0].name, STR("webhook-id"));
    CHECK_STR("the id is the run's key", h[0].value, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    CHECK_STR("webhook-timestamp", h[1].name, STR("webhook-timestamp"));
    CHECK_STR("the time is in seconds", h[1].value, STR("1614265330"));
    CHECK_STR("webhook-signature", h[2].name, STR("webhook-signature"));
    CHECK_STR("the signature is the libraries'", h[2].value, STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    s = decoded(&a, "{\"Scheme\":\"StandardWebhooks\",\"Secret\":\"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}", true, &errors);
    signing_headers(&s, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330, STR("{\"test\": 2432232314}"), &a, h);
    CHECK_STR("the prefix may be left out", h[2].value, STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

TEST(hmac_signs_the_body)
{
    static const struct {
        const char *claim, *signing, *body, *name, *value;
    } rows[] = {
        { "GitHub's documented example", "{\"Scheme\":\"Hmac\",\"Header\":\"X-Hub-Signature-256\",\"Prefix\":\"sha256=\",\"Secret\":\"It's a Secret to Everybody\"}", "Hello, World!",
          "X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" },
        { "RFC 4231 case 2, SHA-512", "{\"Scheme\":\"Hmac\",\"Algorithm\":\"hmac-sha512\",\"Header\":\"S\",\"Secret\":\"Jefe\"}", "what do ya want for nothing?", "S",
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
        { "RFC 2202 case 2, SHA-1", "{\"Scheme\":\"Hmac\",\"Algorithm\":\"hmac-sha1\",\"Header\":\"S\",\"Secret\":\"Jefe\"}", "what do ya want for nothing?", "S",
          "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
        { "RFC 4231 case 2 in base64", "{\"Scheme\":\"Hmac\",\"Encoding\":\"base64\",\"Header\":\"S\",\"Secret\":\"Jefe\"}", "what do ya want for nothing?", "S",
          "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        struct http_header h[SIGNING_HEADERS_MAX];
        struct signing s = decoded(&a, rows[i].signing, true, &errors);
        CHECK_INT(rows[i].claim, errors.count, 0);
        REQUIRE(rows[i].claim, signing_headers(&s, STR("id"), 1, str_from(rows[i].body), &a, h) == 1);
        CHECK_STR(rows[i].claim, h[0].name, str_from(rows[i].name));
        CHECK_STR(rows[i].claim, h[0].value, str_from(rows[i].value));
    }
}

TEST(what_is_wrong_with_it_is_said)
{
    static const struct {
        const char *signing;
        bool needs_key;
        const char *error; // NULL: nothing is wrong
    } rows[] = {
        { "null", true, NULL },
        { "{\"Scheme\":\"StandardWebhooks\",\"Secret\":{\"HasValue\":true}}", false, NULL },
        { "{\"Scheme\":\"StandardWebhooks\"}", false, NULL },
        { "{\"Scheme\":\"StandardWebhooks\"}", true, "Action.Signing.Secret: is missing" },
        { "{\"Scheme\":\"StandardWebhooks\",\"Secret\":null}", true, "Action.Signing.Secret: is missing" },
        { "{\"Scheme\":\"StandardWebhooks\",\"Secret\":\"not base64!\"}", false, "Action.Signing.Secret: must be whsec_" },
        { "{\"Scheme\":\"StandardWebhooks\",\"Secret\":\"whsec_\"}", false, "Action.Signing.Secret: must be whsec_" },
        { "{\"Scheme\":\"StandardWebhooks\",\"Header\":\"X\",\"Secret\":\"AAAA\"}", false, "Action.Signing.Header: unknown field" },
        { "{\"Scheme\":\"Rot13\"}", false, "Action.Signing.Scheme:" },
        { "{\"Secret\":\"AAAA\"}", false, "Action.Signing.Scheme: is required" },
        { "{\"Scheme\":\"Hmac\",\"Secret\":\"k\"}", false, "Action.Signing.Header:" },
        { "{\"Scheme\":\"Hmac\",\"Header\":\"X Y\",\"Secret\":\"k\"}", false, "Action.Signing.Header: \"X Y\" is no header name" },
        { "{\"Scheme\":\"Hmac\",\"Header\":\"X\",\"Prefix\":\"a\\r\\nb\",\"Secret\":\"k\"}", false, "Action.Signing.Prefix: must not hold CR" },
        { "{\"Scheme\":\"Hmac\",\"Header\":\"X\",\"Algorithm\":\"md5\",\"Secret\":\"k\"}", false, "Action.Signing.Algorithm:" },
        { "{\"Scheme\":\"Hmac\",\"Header\":\"X\",\"Secret\":\"\"}", false, "Action.Signing.Secret: must not be empty" },
        { "{\"Scheme\":\"Hmac\",\"Header\":\"X\",\"Secret\":\"k\",\"Encoding\":\"base32\"}", false, "Action.Signing.Encoding:" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        decoded(&a, rows[i].signing, rows[i].needs_key, &errors);
        if (rows[i].error)
            CHECK(rows[i].signing, errors.count && str_starts(errors.items[0], str_from(rows[i].error)));
        else
            CHECK_INT(rows[i].signing, errors.count, 0);
    }
}

TEST_MAIN()
