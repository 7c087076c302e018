#include "tests/harness/check.h"

#include "json/json.h"
#include "trigger/signature_internal.h"

static bool parse(struct arena *a, const char *text, struct decode_errors *errors, struct signature **s)
{
    struct json *conf;
    struct err e = { 0 };
    *errors = (struct decode_errors){ .arena = a };
    if (!json_parse(a, str_from(text), &conf, &e))
        return CHECK_OK(text, false, &e);
    return signature_parse(a, conf, STR("Authentication.Signature"), errors, s);
}

TEST(what_cannot_be_saved)
{
    static const struct { const char *conf, *want; } rows[] = {
        { "[]", "Authentication.Signature: must be an object, not an array" },
        { "{}", "Authentication.Signature.Algorithm: is missing; a Preset brings one" },
        { "{\"Preset\":\"githup\"}", "Authentication.Signature.Preset: \"githup\" is unknown; known are github github-sha1" },
        { "{\"Preset\":\"github\",\"Algoritm\":\"hmac-sha1\"}", "Authentication.Signature.Algoritm: unknown field; did you mean Algorithm?" },
        { "{\"Preset\":\"github\",\"Algorithm\":\"md5\"}", "Authentication.Signature.Algorithm: must be one of hmac-sha256, hmac-sha1, hmac-sha512, ed25519" },
        { "{\"Preset\":\"github\",\"Signed\":\"{bodi}\"}", "Authentication.Signature.Signed: unknown placeholder {bodi}" },
        { "{\"Preset\":\"github\",\"Signed\":null}", "Authentication.Signature.Signed: must say what is signed" },
        { "{\"Preset\":\"github\",\"Source\":{}}", "Authentication.Signature.Source: must have one of Header, Query and Pointer" },
        { "{\"Preset\":\"github\",\"Source\":{\"Header\":\"A\",\"Query\":\"b\"}}", "Authentication.Signature.Source: must have one of Header, Query and Pointer" },
        { "{\"Preset\":\"github\",\"Source\":{\"Pointer\":\"a\"}}", "Authentication.Signature.Source.Pointer: must be a JSON pointer" },
        { "{\"Preset\":\"github\",\"Layout\":\"list\"}", "Authentication.Signature.Separator: must be one character" },
        { "{\"Preset\":\"github\",\"Layout\":\"list\",\"Separator\":\",\",\"Prefix\":\"\"}", "Authentication.Signature.Prefix: must say which entries" },
        { "{\"Preset\":\"github\",\"Layout\":\"fields\",\"Separator\":\",\"}", "Authentication.Signature.Field: must name the field" },
        { "{\"Preset\":\"github\",\"Timestamp\":{\"Header\":\"X-Time\"}}", "Authentication.Signature.Timestamp: is not part of Signed: anyone could change it" },
        { "{\"Preset\":\"github\",\"Signed\":\"{timestamp}{body}\"}", "Authentication.Signature.Timestamp: must say where {timestamp} is found" },
        { "{\"Preset\":\"github\",\"Timestamp\":{\"Field\":\"t\"}}", "Authentication.Signature.Timestamp.Field: is only for the layout fields" },
        { "{\"Preset\":\"stripe\",\"Timestamp\":{\"Tolerance\":0}}", "Authentication.Signature.Timestamp.Tolerance: must be a whole number from 1 to 86400" },
        { "{\"Preset\":\"github\",\"Algorithm\":\"rsa-sha256\"}", "Authentication.Signature.Secret: rsa-sha256 needs the encoding certificate" },
        { "{\"Preset\":\"github\",\"Secret\":{\"Encoding\":\"certificate\"}}", "Authentication.Signature.Secret: hmac-sha256 takes no certificate" },
        { "{\"Preset\":\"basic\",\"Encoding\":\"hex\"}", "Authentication.Signature.Algorithm: basic needs the layout plain" },
        { "{\"Preset\":\"gitlab-token\",\"Signed\":\"{body}\"}", "Authentication.Signature.Signed: must be left out: with equal nothing is signed" },
        { "{\"Preset\":\"sns\"}", "Authentication.Signature.Topics: must list the topics that may send" },
        { "{\"Preset\":\"github\",\"Topics\":[\"a\"]}", "Authentication.Signature.Topics: is only for schemes with certificates by URL" },
        { "{\"Preset\":\"sns\",\"Topics\":[\"a\"],\"Secrets\":[\"x\"]}", "Authentication.Signature.Secrets[0]: is not used" },
        { "{\"Preset\":\"sns\",\"Topics\":[\"a\"],\"Secret\":{\"HostPattern\":\"{region}\"}}", "Authentication.Signature.Secret.HostPattern: must be sns.{region}.amazonaws.com" },
        { "{\"Preset\":\"sns\",\"Topics\":[\"a\"],\"Select\":{\"Pointer\":\"/v\",\"1\":\"hmac-sha1\"}}", "Authentication.Signature.Select[\"1\"]: must be of the same kind" },
        { "{\"Preset\":\"github\",\"Secrets\":[\"\"]}", "Authentication.Signature.Secrets[0]: must not be empty" },
        { "{\"Preset\":\"github\",\"Secrets\":[\"a\",5]}", "Authentication.Signature.Secrets[1]: must be text" },
        { "{\"Preset\":\"github\",\"Secrets\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}", "Authentication.Signature.Secrets: has 6 entries; at most 5 are active at once" },
        { "{\"Preset\":\"teams\",\"Secrets\":[\"not base64!\"]}", "Authentication.Signature.Secrets[0]: is not base64" },
        { "{\"Preset\":\"standard-webhooks\",\"Secrets\":[\"whsec_\"]}", "Authentication.Signature.Secrets[0]: must not be empty" },
        { "{\"Preset\":\"standard-webhooks\",\"Secrets\":[\"whsec_AAAA\"]}", "Authentication.Signature.Secrets[0]: is 3 bytes; Standard Webhooks wants 24 to 64" },
        { "{\"Preset\":\"standard-webhooks\",\"Secrets\":[\"whpk_viUberqqIG/CW03pN3d1oUbUmLRM5e/eSv9/3HM/Vco=\"]}", "Authentication.Signature.Secrets[0]: is a public key (whpk_), which anyone may know" },
        { "{\"Preset\":\"standard-webhooks-a\",\"Secrets\":[\"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"]}", "Authentication.Signature.Secrets[0]: is a shared secret (whsec_); a public key" },
        { "{\"Preset\":\"standard-webhooks-a\",\"Secrets\":[\"whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"]}", "Authentication.Signature.Secrets[0]: is a private key (whsk_)" },
        { "{\"Preset\":\"github\",\"Secrets\":[\"whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"]}", "Authentication.Signature.Secrets[0]: is a private key (whsk_)" },
        { "{\"Preset\":\"standard-webhooks-a\",\"Secrets\":[\"whpk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"]}", "Authentication.Signature.Secrets[0]: is 24 bytes; an Ed25519 public key has 32" },
        { "{\"Preset\":\"standard-webhooks-a\",\"Secrets\":[\"whpk_AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]}", "Authentication.Signature.Secrets[0]: is no sound Ed25519 public key" },
        { "{\"Preset\":\"basic\",\"Secrets\":[\"nocolon\"]}", "Authentication.Signature.Secrets[0]: must be user:password" },
        { "{\"Preset\":\"github\",\"ReplayDays\":1000}", "Authentication.Signature.ReplayDays: must be a whole number from 0 to 90" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        struct signature *s;
        CHECK("it is refused", !parse(&a, rows[i].conf, &errors, &s));
        str first = errors.count ? str_sub(errors.items[0], 0, strlen(rows[i].want)) : STR("no error");
        CHECK_STR(rows[i].conf, first, str_from(rows[i].want));
    }
}

TEST(a_message_never_quotes_a_secret)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct decode_errors errors;
    struct signature *s;
    CHECK("refused", !parse(&a, "{\"Preset\":\"teams\",\"Secrets\":[\"hunter2-hunter2\", \"hunter3\"]}", &errors, &s));
    for (size_t i = 0; i < errors.count; i++)
        CHECK("without the value", str_find(errors.items[i], STR("hunter")) < 0);
}

TEST(a_field_beside_the_preset_overrides_it)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct decode_errors errors;
    struct signature *s = NULL;
    CHECK("a header of one's own", parse(&a, "{\"Preset\":\"grafana-timestamp\",\"Source\":{\"Header\":\"X-Mine\"},\"Timestamp\":{\"Tolerance\":60},\"Secrets\":[\"x\"]}", &errors, &s));
    CHECK_STR("is taken", s->source.name, STR("X-Mine"));
    CHECK_INT("one member of Timestamp alone", s->tolerance_s, 60);
    CHECK_STR("leaves the others", s->timestamp.name, STR("X-Grafana-Alerting-Timestamp"));
    CHECK("where the timestamp stands is one thing", parse(&a, "{\"Preset\":\"slack\",\"Timestamp\":{\"Pointer\":\"/time\"}}", &errors, &s));
    CHECK_INT("another place replaces it", s->timestamp.kind, PLACE_POINTER);
}

TEST(secrets_that_are_kept_or_added)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct decode_errors errors;
    struct signature *s = NULL;
    struct err e = { 0 };
    CHECK("what was read back may be sent", parse(&a, "{\"Preset\":\"github\",\"Secrets\":[{\"HasValue\":true},{\"Sealed\":\"v1x\"}]}", &errors, &s));
    CHECK_INT("no value is at hand", signature_secret_count(s), 0);
    CHECK("the first is none", !signature_first_secret(s).p);
    for (int i = 0; i < 5; i++)
        CHECK_OK("five may be active", signature_add_secret(s, &a, STR("x"), &e), &e);
    CHECK("not six", !signature_add_secret(s, &a, STR("x"), &e));
    CHECK_STR("the first", signature_first_secret(s), STR("x"));
    CHECK("topics", parse(&a, "{\"Preset\":\"sns\",\"Topics\":[\"arn:a\"],\"ReplayDays\":30}", &errors, &s));
    CHECK("a listed one", signature_has_topic(s, STR("arn:a")) && !signature_has_topic(s, STR("arn:b")));
    CHECK_INT("days of replay protection", signature_replay_days(s), 30);
}

TEST_MAIN()
