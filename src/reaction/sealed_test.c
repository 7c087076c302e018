#include "tests/harness/check.h"

#include "reaction/sealed.h"

static struct json *parse(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    if (!json_parse(a, str_from(text), &j, &e))
        fprintf(stderr, "%s: %s\n", text, e.text);
    return j;
}

static struct keyring *ring(void)
{
    unsigned char key[KEYRING_KEY_BYTES] = { 5 };
    return keyring_from_bytes(key, &random_system);
}

TEST(a_secret_goes_in_and_never_comes_out)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keyring *k = ring();
    struct decode_errors errors = { .arena = &a };
    struct sealed_values plain = { 0 };
    struct err e = { 0 };
    struct json *doc = parse(&a, "{\"Name\":\"r\",\"Variables\":[{\"Name\":\"Open\",\"Value\":\"shown\",\"IsSensitive\":false},{\"Name\":\"Key\",\"Value\":\"canary-1\",\"IsSensitive\":true}],"
                                 "\"Action\":{\"Signing\":{\"Secret\":\"canary-2\"},\"Tls\":{\"ClientCertificate\":null}}}");
    sealed_store(KIND_REVISION, 7, doc, NULL, k, &a, &errors);
    str stored = arena_str(&a, json_text(&a, doc));
    CHECK_INT("nothing is wrong with it", errors.count, 0);
    CHECK("the stored text has no secret", str_find(stored, STR("canary")) < 0);
    CHECK("what is not secret stays", str_find(stored, STR("\"shown\"")) >= 0);

    struct json *shown = parse(&a, stored.p);
    sealed_hide(KIND_REVISION, shown, &a);
    str answer = json_text(&a, shown);
    CHECK("the answer says that there is a value", str_find(answer, STR("{\"HasValue\":true}")) >= 0);
    CHECK("not even sealed", str_find(answer, STR("Sealed")) < 0);

    struct json *opened = parse(&a, stored.p);
    CHECK_OK("at use it opens", sealed_open(KIND_REVISION, 7, opened, k, &a, &plain, &e), &e);
    CHECK_INT("both values are known for masking", plain.count, 2);
    CHECK_STR("with its text", json_str(json_pointer(opened, STR("/Action/Signing/Secret")), STR("")), STR("canary-2"));
    struct json *moved = parse(&a, stored.p);
    CHECK("not as another reaction's", !sealed_open(KIND_REVISION, 8, moved, k, &a, NULL, &e));
    sealed_values_fini(&plain);
    keyring_close(k);
}

TEST(a_value_is_kept_replaced_or_removed)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keyring *k = ring();
    struct decode_errors errors = { .arena = &a };
    str value;
    struct err e = { 0 };
    struct json *old = parse(&a, "{\"Name\":\"s\",\"Value\":\"first\"}");
    sealed_store(KIND_SECRET, 3, old, NULL, k, &a, &errors);
    static const struct { const char *claim, *sent, *want; } rows[] = {
        { "left out keeps it", "{\"Name\":\"s\"}", "first" },
        { "HasValue keeps it", "{\"Name\":\"s\",\"Value\":{\"HasValue\":true}}", "first" },
        { "text replaces it", "{\"Name\":\"s\",\"Value\":\"second\"}", "second" },
        { "null removes it", "{\"Name\":\"s\",\"Value\":null}", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json *doc = parse(&a, rows[i].sent);
        sealed_store(KIND_SECRET, 3, doc, old, k, &a, &errors);
        CHECK_OK(rows[i].claim, sealed_open_value(KIND_SECRET, 3, "Value", json_get(doc, STR("Value")), k, &a, &value, &e), &e);
        CHECK_STR(rows[i].claim, value, str_from(rows[i].want));
    }
    struct json *nothing = parse(&a, "{\"Name\":\"s\",\"Value\":{\"HasValue\":true}}");
    sealed_store(KIND_SECRET, 4, nothing, NULL, k, &a, &errors);
    CHECK_INT("there must be a value to keep", errors.count, 1);
    struct json *number = parse(&a, "{\"Name\":\"s\",\"Value\":5}");
    sealed_store(KIND_SECRET, 4, number, NULL, k, &a, &errors);
    CHECK_INT("a number is no secret", errors.count, 2);
    keyring_close(k);
}

TEST(variables_are_kept_by_name)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct keyring *k = ring();
    struct decode_errors errors = { .arena = &a };
    struct err e = { 0 };
    struct json *old = parse(&a, "{\"Variables\":[{\"Name\":\"A\",\"Value\":\"one\",\"IsSensitive\":true},{\"Name\":\"B\",\"Value\":\"two\",\"IsSensitive\":true}]}");
    sealed_store(KIND_REVISION, 1, old, NULL, k, &a, &errors);
    struct json *turned = parse(&a, "{\"Variables\":[{\"Name\":\"B\",\"Value\":{\"HasValue\":true},\"IsSensitive\":true},{\"Name\":\"A\",\"IsSensitive\":true}]}");
    sealed_store(KIND_REVISION, 1, turned, old, k, &a, &errors);
    CHECK_OK("in another order they still open", sealed_open(KIND_REVISION, 1, turned, k, &a, NULL, &e), &e);
    CHECK_STR("B is B", json_str(json_pointer(turned, STR("/Variables/0/Value")), STR("")), STR("two"));
    CHECK_STR("A is A", json_str(json_pointer(turned, STR("/Variables/1/Value")), STR("")), STR("one"));
    keyring_close(k);
}

TEST_MAIN()
