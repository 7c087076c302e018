#include "tests/harness/check.h"

#include "base/encode.h"
#include "reaction/mask_form.h"
#include "sys/random.h"

struct seen {
    str forms[200];
    size_t count;
};

static void keep(void *ctx, str form)
{
    struct seen *s = ctx;
    if (s->count < COUNT(s->forms))
        s->forms[s->count++] = form;
}

static bool has(const struct seen *s, str form)
{
    for (size_t i = 0; i < s->count; i++)
        if (str_eq(s->forms[i], form))
            return true;
    return false;
}

TEST(a_value_has_its_usual_forms)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct seen s = { 0 };
    mask_forms(STR("a<\xc3\xa9 &\"+\n"), &a, keep, &s);
    static const struct { const char *claim; str form; } rows[] = {
        { "as it is", STR_INIT("a<\xc3\xa9 &\"+\n") },
        { "JSON", STR_INIT("a<\xc3\xa9 &\\\"+\\n") },
        { "JSON as System.Text.Json writes it", STR_INIT("a\\u003C\\u00E9 \\u0026\\u0022\\u002B\\n") },
        { "and as Newtonsoft does", STR_INIT("a\\u003c\\u00e9 \\u0026\\u0022\\u002b\\n") },
        { "a URL", STR_INIT("a%3C%C3%A9%20%26%22%2B%0A") },
        { "with small letters", STR_INIT("a%3c%c3%a9%20%26%22%2b%0a") },
        { "a form", STR_INIT("a%3C%C3%A9+%26%22%2B%0A") },
        { "XML text", STR_INIT("a&lt;\xc3\xa9 &amp;\"+\n") },
        { "an XML attribute", STR_INIT("a&lt;\xc3\xa9 &amp;&quot;+\n") },
        { "hex", STR_INIT("613cc3a92026222b0a") },
        { "hex with capitals", STR_INIT("613CC3A92026222B0A") },
        { "hex with dashes, as BitConverter writes it", STR_INIT("61-3C-C3-A9-20-26-22-2B-0A") },
        { "UTF-16, small end first", STR_INIT("a\0<\0\xe9\0 \0&\0\"\0+\0\n\0") },
        { "UTF-16, big end first", STR_INIT("\0a\0<\0\xe9\0 \0&\0\"\0+\0\n") },
        { "hex of UTF-16", STR_INIT("61003c00e900200026002200" "2b000a00") },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(rows[i].claim, has(&s, rows[i].form));
}

// Whatever stands around a value: its base64 holds one of the forms.
TEST(base64_is_known_at_every_place)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct random_seeded rng;
    random_seed(&rng, 7);
    for (int round = 0; round < 300; round++) {
        struct seen s = { 0 };
        str value = random_base62(&rng.random, &a, 6 + random_below(&rng.random, 40));
        str before = random_base62(&rng.random, &a, random_below(&rng.random, 7)), after = random_base62(&rng.random, &a, random_below(&rng.random, 7));
        str text = base64_encode(&a, arena_concat(&a, arena_concat(&a, before, value), after), BASE64_STANDARD);
        mask_forms(value, &a, keep, &s);
        bool found = false;
        for (size_t i = 0; i < s.count; i++)
            found = found || str_find(text, s.forms[i]) >= 0;
        CHECK("one of the three alignments is in it", found);
    }
}

TEST(a_long_value_has_fewer_forms)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct seen s = { 0 }, l = { 0 };
    struct random_seeded rng;
    random_seed(&rng, 7);
    str value = random_base62(&rng.random, &a, MASK_ALL_FORMS_BYTES + 1);
    mask_forms(value, &a, keep, &l);
    mask_forms(str_sub(value, 0, MASK_ALL_FORMS_BYTES), &a, keep, &s);
    CHECK("as it is", has(&l, value));
    CHECK("but not in hex, which the shorter one has", !has(&l, hex_encode(&a, value)) && has(&s, hex_encode(&a, str_sub(value, 0, MASK_ALL_FORMS_BYTES))));
}

TEST(broken_text_is_no_reason_to_fail)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct seen s = { 0 };
    mask_forms(STR("\xff\xfe\x80 bytes \xc3"), &a, keep, &s);
    CHECK("the bytes are looked for", has(&s, STR("\xff\xfe\x80 bytes \xc3")));
}

TEST_MAIN()
