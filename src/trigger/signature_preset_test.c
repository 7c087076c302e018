#include "tests/harness/check.h"

#include "json/json.h"
#include "trigger/signature.h"
#include "sys/file.h"

// The vectors' file names the schemes it was made with; ours are the same.
TEST(presets_are_those_of_the_vectors)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    str text;
    struct json *file;
    REQUIRE("the vectors are there", file_read(TEST_ROOT "/signatures/vectors.json", 1 << 20, &a, &text, &e) && json_parse(&a, text, &file, &e));
    const struct json *schemes = json_get(file, STR("Schemes"));
    CHECK("there are some", schemes && schemes->count > 20);
    json_each (scheme, schemes) {
        const struct json *ours = signature_preset(&a, scheme->name);
        if (CHECK(arena_printf(&a, "%.*s is known", STR_ARG(scheme->name)).p, ours != NULL))
            CHECK_STR(arena_printf(&a, "%.*s is the same", STR_ARG(scheme->name)).p, json_equal(ours, scheme) ? json_text(&a, scheme) : json_text(&a, ours), json_text(&a, scheme));
    }
}

TEST(each_preset_is_a_sound_scheme)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    for (size_t i = 0; signature_preset_name(i); i++) {
        struct decode_errors errors = { .arena = &a };
        struct json *conf = json_new_object(&a);
        json_add_str(&a, conf, "Preset", str_from(signature_preset_name(i)));
        if (!strcmp(signature_preset_name(i), "sns"))
            json_push(json_add(conf, STR("Topics"), json_new_array(&a)), json_new_string(&a, STR("arn:aws:sns:eu-west-1:0:x")));
        struct signature *s;
        CHECK(signature_preset_name(i), signature_parse(&a, conf, STR("Signature"), &errors, &s));
        CHECK_INT("without a problem", errors.count, 0);
    }
    CHECK("names have no case", signature_preset(&a, STR("GitHub")) != NULL);
    CHECK("an unknown one is none", signature_preset(&a, STR("githubb")) == NULL);
}

TEST_MAIN()
