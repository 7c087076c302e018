#include "tests/harness/check.h"

#include "base/encode.h"
#include "reaction/mask.h"

static void free_mask(struct mask **m)
{
    mask_free(*m);
}

TEST(a_secret_is_masked_in_every_dress)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    str secret = STR("p4ss<w&rd> \"x\"/1");
    mask_add(m, secret);
    str dressed[] = {
        secret, hex_encode(&a, secret), percent_encode(&a, secret), base64_encode(&a, secret, BASE64_STANDARD),
        base64_encode(&a, arena_concat(&a, STR("a"), secret), BASE64_STANDARD), base64_encode(&a, arena_concat(&a, STR("ab"), secret), BASE64_STANDARD),
        STR("p4ss<w&rd> \\\"x\\\"/1"), STR("p4ss&lt;w&amp;rd&gt; &quot;x&quot;/1"),
    };
    for (size_t i = 0; i < COUNT(dressed); i++) {
        str text = arena_printf(&a, "before %.*s after", STR_ARG(dressed[i]));
        str masked = mask_apply(m, text, &a);
        CHECK("it is found", str_find(masked, STR(MASK_TEXT)) >= 0);
        CHECK("what stands around it stays", str_starts(masked, STR("before ")) && str_ends(masked, STR(" after")));
    }
    CHECK_STR("other text is not touched", mask_apply(m, STR("nothing here"), &a), STR("nothing here"));
    CHECK_STR("each occurrence goes", mask_apply(m, arena_printf(&a, "%.*s,%.*s", STR_ARG(secret), STR_ARG(secret)), &a), STR(MASK_TEXT "," MASK_TEXT));
}

TEST(the_longer_secret_goes_first)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    mask_add(m, STR("secret"));
    mask_add(m, STR("secret-and-more"));
    CHECK_STR("nothing of it is left over", mask_apply(m, STR("x secret-and-more y"), &a), STR("x " MASK_TEXT " y"));
    mask_add(m, STR("abc"));
    CHECK_STR("three letters would blank out ordinary text", mask_apply(m, STR("abc"), &a), STR("abc"));
}

TEST(json_is_masked_in_values_and_names)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    struct json *j;
    struct err e = { 0 };
    mask_add(m, STR("hunter22"));
    REQUIRE("a document", json_parse(&a, STR("{\"a\":[\"x hunter22\",{\"hunter22\":1}],\"n\":5}"), &j, &e));
    CHECK_STR("everywhere", json_text(&a, mask_apply_json(m, j, &a)), STR("{\"a\":[\"x " MASK_TEXT "\",{\"" MASK_TEXT "\":1}],\"n\":5}"));
    CHECK_STR("the original stays", json_text(&a, j), STR("{\"a\":[\"x hunter22\",{\"hunter22\":1}],\"n\":5}"));
}

TEST_MAIN()
