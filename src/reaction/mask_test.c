#include "tests/harness/check.h"

#include "base/encode.h"
#include "reaction/mask.h"
#include "reaction/mask_form.h"
#include "sys/random.h"

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

TEST(numbers_and_short_values)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    struct json *j;
    struct err e = { 0 };
    mask_add(m, STR("20261122"));
    REQUIRE("a document", json_parse(&a, STR("{\"pin\":20261122,\"at\":202611220101,\"s\":\"x20261122\"}"), &j, &e));
    CHECK_STR("a number that is the secret goes, one that only holds its digits stays", json_text(&a, mask_apply_json(m, j, &a)), STR("{\"pin\":\"" MASK_TEXT "\",\"at\":202611220101,\"s\":\"x" MASK_TEXT "\"}"));
    mask_add(m, STR(""));
    mask_add(m, STR("  \n "));
    mask_add(m, STR("on"));
    CHECK_STR("nothing is masked for the sake of an empty or short value", mask_apply(m, STR("on and on"), &a), STR("on and on"));
}

TEST(colour_codes_and_line_breaks_hide_nothing)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    mask_add(m, STR("hunter22-and-more"));
    static const struct { const char *claim; str text, want; } rows[] = {
        { "colours within", STR_INIT("x \033[31mhunter\033[0;1m22-and\033[m-more\033[0m y"), STR_INIT("x \033[31m" MASK_TEXT "\033[0m y") },
        { "a link within", STR_INIT("hunter\033]8;;http://x\033\\22-and-more"), STR_INIT(MASK_TEXT) },
        { "a title that does not end is text", STR_INIT("\033]hunter22-and-more"), STR_INIT("\033]" MASK_TEXT) },
        { "other sequences", STR_INIT("hunter\033(B22-an\033=d-more."), STR_INIT(MASK_TEXT ".") },
        { "wrapped at a column", STR_INIT("hunter22\r\n-and-more!"), STR_INIT(MASK_TEXT "!") },
        { "an escape at the very end", STR_INIT("hunter22-and-more\033"), STR_INIT(MASK_TEXT "\033") },
        { "half of it is not it", STR_INIT("hunter\033[0m21-and-more"), STR_INIT("hunter\033[0m21-and-more") },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, mask_apply(m, rows[i].text, &a), rows[i].want);
    mask_add(m, STR("1234"));
    CHECK_STR("a short value is not put together over a line break", mask_apply(m, STR("12\n34 1234"), &a), STR("12\n34 " MASK_TEXT));
}

TEST(each_line_of_a_value_of_several_lines_goes)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    mask_add(m, STR("-----BEGIN KEY-----\r\nMIIEvQIBADANBgkq\r\nabc\r\n-----END KEY-----\n"));
    CHECK_STR("a line by itself", mask_apply(m, STR("k: MIIEvQIBADANBgkq."), &a), STR("k: " MASK_TEXT "."));
    CHECK_STR("a line too short to be one does not count", mask_apply(m, STR("abc"), &a), STR("abc"));
    CHECK_STR("in base64", mask_apply(m, base64_encode(&a, STR("MIIEvQIBADANBgkq"), BASE64_STANDARD), &a), STR(MASK_TEXT "Q=="));
}

// ---- lines ----

static str all_lines(struct mask_lines *l, bool is_end, struct arena *a)
{
    struct mask_line line;
    str out = { "", 0 };
    while (mask_lines_next(l, is_end, a, &line))
        out = arena_printf(a, "%.*s%.*s|", STR_ARG(out), STR_ARG(line.text));
    return out;
}

static void add_line(struct mask_lines *l, str text)
{
    mask_lines_add(l, &(struct mask_line){ 1, STR("Info"), text });
}

static void free_lines(struct mask_lines **l)
{
    mask_lines_free(*l);
}

TEST(a_secret_split_over_lines_goes)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    mask_add(m, STR("hunter22-and-more"));
    CLEANUP(free_lines) struct mask_lines *l = mask_lines_new(m);
    add_line(l, STR("plain"));
    CHECK_STR("an ordinary line passes at once", all_lines(l, false, &a), STR("plain|"));
    add_line(l, STR("x hunter"));
    CHECK_STR("one that may begin a secret waits", all_lines(l, false, &a), STR(""));
    add_line(l, STR("22-and"));
    add_line(l, STR(""));
    add_line(l, STR("\033[1m-more y"));
    CHECK_STR("and each part goes", all_lines(l, false, &a), STR("x " MASK_TEXT "|" MASK_TEXT "||\033[1m" MASK_TEXT " y|"));
    add_line(l, STR("x hunter"));
    add_line(l, STR("s"));
    CHECK_STR("what was none is shown as it is", all_lines(l, false, &a), STR("x hunter|s|"));
    add_line(l, STR("hunter22"));
    CHECK_STR("at the end nothing waits", all_lines(l, true, &a), STR("hunter22|"));
}

TEST(lines_kept_back_learn_of_a_new_secret)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    mask_add(m, STR("hunter22-and-more"));
    CLEANUP(free_lines) struct mask_lines *l = mask_lines_new(m);
    add_line(l, STR("hunter2, token API-ABCDEF and hunter"));
    mask_add(m, STR("API-ABCDEF"));
    add_line(l, STR("22-and-more API-ABCDEF"));
    CHECK_STR("both are masked in both", all_lines(l, false, &a), STR("hunter2, token " MASK_TEXT " and " MASK_TEXT "|" MASK_TEXT " " MASK_TEXT "|"));
    add_line(l, STR("long line with hunter22-an [cut]"));
    CHECK_STR("a line cut in the middle of one shows no half", all_lines(l, false, &a), STR("long line with " MASK_TEXT " [cut]|"));
}

// ---- properties ----

struct forms {
    str items[100];
    size_t count;
};

static void keep_form(void *ctx, str form)
{
    struct forms *f = ctx;
    if (form.n >= MASK_SPLIT_MIN_BYTES && f->count < COUNT(f->items))
        f->items[f->count++] = form;
}

// Any form of it, with colour codes put in, cut into lines anywhere.
TEST(whatever_the_place_nothing_of_it_is_left)
{
    struct random_seeded rng;
    random_seed(&rng, 20261122);
    for (int round = 0; round < 2000; round++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        CLEANUP(free_mask) struct mask *m = mask_new();
        CLEANUP(free_lines) struct mask_lines *l = mask_lines_new(m);
        str secret = random_base62(&rng.random, &a, MASK_SPLIT_MIN_BYTES + random_below(&rng.random, 60));
        mask_add(m, secret);
        for (size_t i = random_below(&rng.random, 4); i; i--)
            mask_add(m, random_base62(&rng.random, &a, MASK_MIN_BYTES + random_below(&rng.random, 20)));
        struct forms forms = { 0 };
        mask_forms(secret, &a, keep_form, &forms);
        str shown = forms.items[random_below(&rng.random, forms.count)];
        str visible = arena_concat(&a, arena_concat(&a, STR("before "), shown), STR(" after"));
        CLEANUP(buf_fini) struct buf text = { 0 };
        for (size_t i = 0; i < visible.n; i++) {
            if (random_below(&rng.random, 9) == 0)
                buf_add_text(&text, "\033[38;5;200m");
            if (random_below(&rng.random, 9) == 0) {
                add_line(l, arena_str(&a, buf_str(&text)));
                buf_clear(&text);
            }
            buf_add_char(&text, visible.p[i]);
        }
        add_line(l, buf_str(&text));
        CLEANUP(buf_fini) struct buf out = { 0 };
        struct mask_line line;
        for (int is_end = 0; is_end < 2; is_end++)
            while (mask_lines_next(l, is_end, &a, &line))
                for (size_t i = 0; i < line.text.n; i++) // without the colours
                    if (line.text.p[i] == '\033')
                        i += STR("[38;5;200m").n;
                    else
                        buf_add_char(&out, line.text.p[i]);
        // Up to three bytes may have gone out before it could be known what they begin.
        CHECK("neither whole", str_find(buf_str(&out), shown) < 0);
        CHECK("nor its greater part", str_find(buf_str(&out), str_skip(shown, 3)) < 0);
        CHECK("what stands around it stays", str_starts(buf_str(&out), STR("before ")) && str_ends(buf_str(&out), STR(" after")));
    }
}

TEST(text_without_a_secret_stays_byte_for_byte)
{
    struct random_seeded rng;
    random_seed(&rng, 5);
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    for (int i = 0; i < 40; i++)
        mask_add(m, random_base62(&rng.random, &a, 12));
    for (int round = 0; round < 500; round++) {
        size_t n = random_below(&rng.random, 400);
        char *bytes = arena_bytes(&a, n + 1);
        rng.random.fill(rng.random.ctx, bytes, n);
        str text = { bytes, n };
        CHECK_STR("any bytes", mask_apply(m, text, &a), text);
    }
}

// Quadratic, this would take hours.
TEST(long_texts_that_nearly_fit_everywhere_take_no_longer)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(free_mask) struct mask *m = mask_new();
    size_t n = 8 << 20;
    char *value = arena_bytes(&a, 4000), *text = arena_bytes(&a, n);
    memset(value, 'a', 4000);
    value[3999] = 'b';
    memset(text, 'a', n);
    mask_add(m, (str){ value, 4000 });
    for (size_t i = 0; i < n; i += 3)
        text[i] = '\033';
    CHECK_STR("escapes all over", mask_apply(m, (str){ text, n }, &a), ((str){ text, n }));
    memset(text, 'a', n);
    text[n - 1] = 'b';
    str masked = mask_apply(m, (str){ text, n }, &a);
    CHECK_INT("only the end goes", masked.n, n - 4000 + sizeof MASK_TEXT - 1);
    CLEANUP(free_lines) struct mask_lines *l = mask_lines_new(m);
    size_t shown = 0;
    struct mask_line line;
    for (int i = 0; i < 200000; i++) {
        CLEANUP(arena_fini) struct arena one = { 0 };
        add_line(l, STR("aaaaaaa"));
        while (mask_lines_next(l, false, &one, &line))
            shown++;
    }
    CHECK("of many lines only those wait that may still be part of it", shown > 199000 && shown < 200000);
}

TEST_MAIN()
