#include "tests/harness/check.h"

#include "base/limits.h"
#include "json/json.h"
#include "sys/file.h"

#include <stdio.h>

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

// A column of tests/json/cases.txt: %XX is a byte, %{N*text%} the text N times.
static void expand(struct buf *out, str coded)
{
    while (coded.n) {
        if (coded.p[0] != '%') {
            buf_add_char(out, coded.p[0]);
            coded = str_skip(coded, 1);
        } else if (coded.p[1] != '{') {
            buf_add_char(out, (char)(hex_digit(coded.p[1]) << 4 | hex_digit(coded.p[2])));
            coded = str_skip(coded, 3);
        } else {
            uint64_t times = 0;
            size_t star = (size_t)str_find_char(coded, '*'), end = (size_t)str_find(coded, STR("%}"));
            CLEANUP(buf_fini) struct buf once = { 0 };
            str_to_u64(str_sub(coded, 2, star - 2), &times);
            expand(&once, str_sub(coded, star + 1, end - star - 1));
            while (times--)
                buf_add(out, buf_str(&once));
            coded = str_skip(coded, end + 2);
        }
    }
}

// Parses a copy that ends where the text ends, so that the sanitizer sees a byte read too many.
static bool parse_exactly(struct arena *a, str text, char **copy, struct json **out, struct err *e)
{
    *copy = xmemdup(text.p ? text.p : "", text.n);
    return json_parse(a, (str){ *copy, text.n }, out, e);
}

static bool survives(struct arena *a, const struct json *j, bool is_pretty)
{
    CLEANUP(buf_fini) struct buf text = { 0 }, again = { 0 };
    struct json *back;
    struct err e;
    json_write(&text, j, is_pretty);
    if (!json_parse(a, buf_str(&text), &back, &e) || !json_equal(j, back))
        return false;
    json_write(&again, back, is_pretty);
    return str_eq(buf_str(&text), buf_str(&again));
}

static void judge_accepted(const char *claim, struct arena *a, const struct json *j, str document, str wanted, str coded)
{
    CLEANUP(buf_fini) struct buf want = { 0 };
    CHECK(claim, survives(a, j, false) && survives(a, j, true));
    if (!wanted.n)
        return;
    if (str_eq(wanted, STR("=")))
        buf_add(&want, document);
    else
        expand(&want, wanted);
    CHECK_STR(claim, json_text(a, j), buf_str(&want));
}

static void judge_refused(const char *claim, const struct err *e, str wanted)
{
    CLEANUP(buf_fini) struct buf want = { 0 };
    expand(&want, wanted);
    bool is_limit = str_find(buf_str(&want), STR("more than ")) >= 0;
    bool is_said = str_find(str_from(e->text), buf_str(&want)) >= 0;
    CHECK(claim, is_said && e->kind == (is_limit ? ERR_TOO_LARGE : ERR_INVALID) && str_is_utf8(str_from(e->text)));
    if (!is_said)
        fprintf(stderr, "    error: %s\n    wanted in it: %.*s\n", e->text, STR_ARG(buf_str(&want)));
}

static void judge(str line)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf document = { 0 };
    CLEANUP(freep) char *copy = NULL;
    str name, coded, third = { 0 };
    struct json *j = NULL;
    struct err e = { 0 };

    str_split(&line, '\t', &name);
    str_split(&line, '\t', &coded);
    str_split(&line, '\t', &third);
    const char *claim = arena_cstr(&a, name);
    expand(&document, coded);
    bool is_open = name.p[0] == 'i';
    bool wanted = is_open ? str_eq(third, STR("accept")) : name.p[0] == 'y';

    bool is_accepted = parse_exactly(&a, buf_str(&document), &copy, &j, &e);
    CHECK(claim, is_accepted == wanted);
    if (is_accepted && wanted)
        judge_accepted(claim, &a, j, buf_str(&document), is_open ? (str){ 0 } : third, coded);
    else if (!is_accepted && !wanted && !is_open)
        judge_refused(claim, &e, third);
}

static bool next_case(str *rest, str *line)
{
    while (str_split(rest, '\n', line))
        if (line->n && line->p[0] != '#')
            return true;
    return false;
}

TEST(cases)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str rest, line;
    struct err e = { 0 };
    size_t count = 0;
    REQUIRE("tests/json/cases.txt can be read", file_read(JSON_CASES, 1 << 20, &a, &rest, &e));
    for (; next_case(&rest, &line); count++)
        judge(line);
    CHECK("there are at least 400 cases", count >= 400);
}

TEST(no_beginning_of_a_document_is_a_document)
{
    static const char *const documents[] = {
        "[1,-2.5e+3,\"a\\n\\ud83d\\ude00\",{\"k\":[true,false,null]},\"é\"]",
        "{\"Filter\":{\"Names\":[\"a\",\"b\"],\"Empty\":{}},\"Text\":\"0123456789abcdef0123456789abcdef\\\\\"}",
        "\"text \\u00e9 that is longer than sixteen bytes\"",
        " [ [ [ ] , { \"\" : [ ] } ] ] ",
    };
    for (size_t i = 0; i < COUNT(documents); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        str whole = str_trim(str_from(documents[i]));
        struct json *j;
        struct err e;
        bool is_refused = true;
        for (size_t n = 0; n < whole.n; n++) {
            CLEANUP(freep) char *copy = NULL;
            is_refused &= !parse_exactly(&a, str_sub(whole, 0, n), &copy, &j, &e);
        }
        CHECK(documents[i], is_refused);
        CHECK("and the whole is one", json_parse(&a, whole, &j, &e));
    }
}

// The scanner goes 16 bytes at a time: what it looks for must be seen at every place.
TEST(every_place_in_a_text_is_looked_at)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    size_t wrong_control = 0, wrong_escape = 0, wrong_utf8 = 0, wrong_plain = 0;
    for (size_t n = 1; n < 50; n++)
        for (size_t at = 0; at < n; at++) {
            char text[80];
            struct json *j;
            struct err e;
            size_t length = (size_t)snprintf(text, sizeof text, "\"%.*s\"", (int)n, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
            str s = { text, length };
            wrong_plain += !json_parse(&a, s, &j, &e) || j->text.n != n || j->text.p != text + 1;
            text[1 + at] = 0x1f;
            wrong_control += json_parse(&a, s, &j, &e);
            text[1 + at] = (char)0xE9;
            wrong_utf8 += json_parse(&a, s, &j, &e);
            text[1 + at] = '\\';
            text[2 + at] = 'n';
            if (at + 1 < n)
                wrong_escape += !json_parse(&a, s, &j, &e) || j->text.n != n - 1 || j->text.p[at] != '\n';
        }
    CHECK_INT("text without escapes points into the input", wrong_plain, 0);
    CHECK_INT("a control character is refused wherever it stands", wrong_control, 0);
    CHECK_INT("an escape is decoded wherever it stands", wrong_escape, 0);
    CHECK_INT("a byte that is not UTF-8 is refused wherever it stands", wrong_utf8, 0);
}

TEST(every_code_point_can_be_written_as_an_escape)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    size_t wrong = 0, wrong_pairs = 0;
    for (unsigned c = 0; c < 0x10000; c++) {
        char text[16];
        struct json *j;
        struct err e;
        arena_reset(&a);
        int n = snprintf(text, sizeof text, c % 2 ? "\"\\u%04x\"" : "\"\\u%04X\"", c);
        bool is_surrogate = c >= 0xD800 && c <= 0xDFFF, is_read = json_parse(&a, (str){ text, (size_t)n }, &j, &e);
        size_t bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
        wrong += is_read == is_surrogate || (is_read && (j->text.n != bytes || !str_is_utf8(j->text)));
    }
    for (unsigned c = 0x10000; c < 0x110000; c += 257) {
        char text[16];
        struct json *j;
        struct err e;
        arena_reset(&a);
        int n = snprintf(text, sizeof text, "\"\\u%04x\\u%04X\"", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + (c & 0x3FF));
        bool is_read = json_parse(&a, (str){ text, (size_t)n }, &j, &e);
        const unsigned char *u = is_read ? (const unsigned char *)j->text.p : NULL;
        wrong_pairs += !is_read || j->text.n != 4 || ((u[0] & 7u) << 18 | (u[1] & 63u) << 12 | (u[2] & 63u) << 6 | (u[3] & 63u)) != c;
    }
    CHECK_INT("\\u0000 to \\uFFFF", wrong, 0);
    CHECK_INT("pairs above", wrong_pairs, 0);
}

// With a search by walking, an object that holds so many keys would take the better part of an hour.
TEST(many_keys_are_no_burden)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf text = { 0 };
    struct json *j = NULL;
    struct err e = { 0 };
    buf_add_char(&text, '{');
    for (int i = 0; i < 500000; i++)
        buf_printf(&text, "\"%d\":%d,", i, i);
    size_t without_last = text.n;
    buf_add_text(&text, "\"last\":0}");
    CHECK_OK("half a million different keys are read", json_parse(&a, buf_str(&text), &j, &e), &e);
    CHECK_INT("all of them", j ? j->count : 0, 500001);
    text.n = without_last;
    buf_add_text(&text, "\"250000\":0}");
    CHECK("one that is there already is found", !json_parse(&a, buf_str(&text), &j, &e));
    CHECK_TEXT("and named", e.text, "[\"250000\"]: this key stands twice in its object");
}

TEST(long_paths_keep_their_end)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf text = { 0 };
    struct json *j;
    struct err e = { 0 };
    for (int i = 0; i < 40; i++)
        buf_printf(&text, "{\"ééééééééééééééééé%d\":", i);
    buf_add_text(&text, "{\"Name\":1,\"Name\":2}");
    for (int i = 0; i < 40; i++)
        buf_add_char(&text, '}');
    CHECK("the repeated key is refused", !json_parse(&a, buf_str(&text), &j, &e));
    CHECK("its name is what the path ends with", str_ends(str_from(e.text), STR("39.Name: this key stands twice in its object")));
    CHECK("the beginning is cut at a character", str_starts(str_from(e.text), STR("...")) && str_is_utf8(str_from(e.text)));
}

TEST(what_the_caller_may_leave_out)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j = NULL;
    struct err e = { 0 };
    CHECK("an empty view is an empty document", !json_parse(&a, (str){ 0 }, &j, &e));
    CHECK("nobody needs to want the error", !json_parse(&a, STR("[1,]"), &j, NULL));
    CHECK("a failed parse leaves the result alone", j == NULL);
}

TEST_MAIN()
