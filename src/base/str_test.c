#include "tests/harness/check.h"

#include "base/str.h"

static const str none = { NULL, 0 };

TEST(equality_and_order)
{
    CHECK("equal bytes", str_eq(STR("a\0b"), STR("a\0b")) && !str_eq(STR("a\0b"), STR("a\0c")) && !str_eq(STR("a"), STR("ab")));
    CHECK("nothing is empty", str_eq(none, STR("")) && str_eq(str_from(NULL), str_from("")));
    CHECK("without case", str_eq_nocase(STR("aBc"), STR("AbC")) && !str_eq_nocase(STR("a"), STR("b")) && !str_eq_nocase(STR("a"), STR("aa")));
    CHECK("only ASCII letters have a case", !str_eq_nocase(STR("\xC3\xA9"), STR("\xC3\x89")) && !str_eq_nocase(STR("["), STR("{")) && !str_eq_nocase(STR("@"), STR("`")));
    static const str sorted[] = { STR_INIT(""), STR_INIT("\0"), STR_INIT("A"), STR_INIT("Z"), STR_INIT("_"), STR_INIT("a"), STR_INIT("a\0"), STR_INIT("aa"), STR_INIT("b"), STR_INIT("\x7f"), STR_INIT("\x80"), STR_INIT("\xff") };
    size_t wrong = 0;
    for (size_t i = 0; i < COUNT(sorted); i++)
        for (size_t k = 0; k < COUNT(sorted); k++) {
            int c = str_cmp(sorted[i], sorted[k]);
            wrong += (c > 0) - (c < 0) != (i > k) - (i < k);
        }
    CHECK_INT("by unsigned bytes, shorter first", wrong, 0);
    CHECK("without case, as if lower", str_cmp_nocase(STR("B"), STR("a")) > 0 && str_cmp_nocase(STR("a"), STR("B")) < 0 && str_cmp_nocase(STR("Z"), STR("_")) > 0 && str_cmp_nocase(STR("AB"), STR("abc")) < 0 && str_cmp_nocase(STR("X"), STR("x")) == 0);
    CHECK("bytes above ASCII come after", str_cmp_nocase(STR("\xff"), STR("z")) > 0);
}

TEST(beginnings_and_ends)
{
    CHECK("starts", str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("abc")) && str_starts(STR("abc"), STR("")) && str_starts(none, none));
    CHECK("starts not", !str_starts(STR("abc"), STR("abcd")) && !str_starts(STR("abc"), STR("b")) && !str_starts(none, STR("a")) && !str_starts(STR("abc"), STR("AB")));
    CHECK("starts without case", str_starts_nocase(STR("Bearer x"), STR("bearer ")) && !str_starts_nocase(STR("Bear"), STR("bearer ")));
    CHECK("ends", str_ends(STR("abc"), STR("bc")) && str_ends(STR("abc"), STR("")) && str_ends(STR("abc"), STR("abc")) && str_ends(none, none));
    CHECK("ends not", !str_ends(STR("abc"), STR("ab")) && !str_ends(STR("c"), STR("bc")) && !str_ends(none, STR("c")));
}

TEST(finding)
{
    CHECK_INT("a text", str_find(STR("abcabc"), STR("ca")), 2);
    CHECK_INT("the first of two", str_find(STR("abcabc"), STR("bc")), 1);
    CHECK_INT("not there", str_find(STR("abcabc"), STR("cb")), -1);
    CHECK_INT("longer than the text", str_find(STR("ab"), STR("abc")), -1);
    CHECK_INT("nothing is everywhere", str_find(STR("abc"), STR("")), 0);
    CHECK_INT("also in nothing", str_find(none, none), 0);
    CHECK_INT("something is not in nothing", str_find(none, STR("a")), -1);
    CHECK_INT("over a NUL", str_find(STR("a\0bc"), STR("\0b")), 1);
    CHECK_INT("a character", str_find_char(STR("abcb"), 'b'), 1);
    CHECK_INT("the last", str_find_last_char(STR("abcb"), 'b'), 3);
    CHECK_INT("none", str_find_char(STR("abc"), 'x'), -1);
    CHECK_INT("none at the end", str_find_last_char(STR("abc"), 'x'), -1);
    CHECK("in nothing", str_find_char(none, 'a') == -1 && str_find_last_char(none, 'a') == -1 && !str_has(none, 0) && str_has(STR("a\0"), 0));
}

TEST(cutting)
{
    CHECK_STR("a part", str_sub(STR("abcdef"), 2, 3), STR("cde"));
    CHECK_STR("clamped at the end", str_sub(STR("abc"), 1, SIZE_MAX), STR("bc"));
    CHECK_STR("clamped at the beginning", str_sub(STR("abc"), SIZE_MAX, 1), STR(""));
    CHECK_STR("of nothing", str_sub(none, 1, 1), STR(""));
    CHECK_STR("without the front", str_skip(STR("abc"), 1), STR("bc"));
    CHECK_STR("without more than there is", str_skip(STR("abc"), 9), STR(""));
    CHECK("of nothing stays nothing", str_skip(none, 3).p == NULL);
    CHECK_STR("blanks off", str_trim(STR(" \t\r\n\v\fa b \t\r\n\v\f")), STR("a b"));
    CHECK_STR("only blanks", str_trim(STR(" \t ")), STR(""));
    CHECK_STR("no blanks", str_trim(STR("a")), STR("a"));
    CHECK_STR("nothing", str_trim(none), STR(""));
    CHECK_STR("a NUL and U+00A0 are no blanks", str_trim(STR("\0\xC2\xA0")), STR("\0\xC2\xA0"));
}

TEST(splitting)
{
    static const struct { const char *text; const char *parts[5]; } rows[] = {
        { "a,b,c", { "a", "b", "c" } }, { "a,,b", { "a", "", "b" } }, { "", { "" } }, { ",", { "", "" } }, { "a", { "a" } }, { "a,", { "a", "" } }, { ",a", { "", "a" } }, { ",,", { "", "", "" } },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        str rest = str_from(rows[i].text), part;
        size_t n = 0;
        bool is_right = true;
        for (; str_split(&rest, ',', &part); n++)
            is_right &= n < 5 && rows[i].parts[n] && str_eq(part, str_from(rows[i].parts[n]));
        CHECK(rows[i].text, is_right && (n == 5 || !rows[i].parts[n]) && rest.p == NULL);
    }
    str rest = none, part;
    CHECK("what is used up has no parts", !str_split(&rest, ',', &part));
}

TEST(numbers)
{
    static const struct { const char *text; bool is_read; int64_t want; } signeds[] = {
        { "0", true, 0 }, { "7", true, 7 }, { "-7", true, -7 }, { "-0", true, 0 }, { "007", true, 7 }, { "9223372036854775807", true, INT64_MAX }, { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 }, { "-9223372036854775809", false, 0 }, { "99999999999999999999", false, 0 }, { "-18446744073709551617", false, 0 },
        { "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 }, { "--1", false, 0 }, { " 1", false, 0 }, { "1 ", false, 0 }, { "1.0", false, 0 }, { "1e3", false, 0 }, { "0x1", false, 0 }, { "1_0", false, 0 }, { "a", false, 0 }, { "\xD9\xA3", false, 0 },
    };
    for (size_t i = 0; i < COUNT(signeds); i++) {
        int64_t v = 0;
        CHECK(signeds[i].text, str_to_i64(str_from(signeds[i].text), &v) == signeds[i].is_read && v == signeds[i].want);
    }
    static const struct { const char *text; bool is_read; uint64_t want; } unsigneds[] = {
        { "0", true, 0 }, { "18446744073709551615", true, UINT64_MAX }, { "00000000000000000000000000000000000001", true, 1 },
        { "18446744073709551616", false, 0 }, { "18446744073709551620", false, 0 }, { "184467440737095516150", false, 0 }, { "-1", false, 0 }, { "-0", false, 0 }, { "", false, 0 }, { "/", false, 0 }, { ":", false, 0 },
    };
    for (size_t i = 0; i < COUNT(unsigneds); i++) {
        uint64_t v = 0;
        CHECK(unsigneds[i].text, str_to_u64(str_from(unsigneds[i].text), &v) == unsigneds[i].is_read && v == unsigneds[i].want);
    }
    int64_t v = 5;
    CHECK("a digit behind a NUL is not read", !str_to_i64(STR("1\0" "2"), &v) && v == 5);
}

// Written from table 3-7 of Unicode 15 in another way than str.c: by decoding and encoding again.
static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80)
        return out[0] = (char)c, 1;
    if (c < 0x800)
        return out[0] = (char)(0xC0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return out[0] = (char)(0xE0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63)), 3;
    return out[0] = (char)(0xF0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)), out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63)), 4;
}

TEST(every_character_is_utf8_and_nothing_else)
{
    size_t wrong = 0, two = 0, three = 0, four = 0;
    char c[16];
    bool is_valid;
    for (uint32_t code = 0; code < 0x200000; code++) {
        size_t n = encode(code, c);
        bool want = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
        wrong += str_is_utf8((str){ c, n }) != want;
        wrong += want && (str_utf8_next((str){ c, n }, &is_valid) != n || !is_valid);
        for (size_t cut = 1; want && cut < n; cut++)
            wrong += str_is_utf8((str){ c, cut }) || str_utf8_next((str){ c, cut }, &is_valid) != cut || is_valid;
    }
    CHECK_INT("every code point but surrogates, and none cut short", wrong, 0);
    // How many sequences of two, three and four bytes are one character, as Unicode counts them.
    for (uint32_t bytes = 0; bytes < 0x10000; bytes++) {
        memcpy(c, (char[]){ (char)(bytes >> 8), (char)bytes }, 2);
        two += (unsigned char)c[0] >= 0x80 && str_is_utf8((str){ c, 2 });
    }
    for (uint32_t bytes = 0xE00000; bytes < 0x1000000; bytes++) {
        memcpy(c, (char[]){ (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes }, 3);
        three += str_is_utf8((str){ c, 3 });
    }
    for (uint32_t bytes = 0; bytes < 0x1000000; bytes += 0x41) // a stride that meets all kinds of second bytes
        for (unsigned first = 0xF0; first < 0x100; first++) {
            memcpy(c, (char[]){ (char)first, (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes }, 4);
            bool is_in_range = (bytes >> 16) >= (first == 0xF0 ? 0x90u : 0x80u) && (bytes >> 16) <= (first == 0xF4 ? 0x8Fu : 0xBFu);
            bool is_tail = (bytes >> 8 & 0xC0) == 0x80 && (bytes & 0xC0) == 0x80;
            four += str_is_utf8((str){ c, 4 }) != (first <= 0xF4 && is_in_range && is_tail);
        }
    CHECK_INT("two bytes: 0x80 to 0x7FF", two, 0x800 - 0x80);
    CHECK_INT("three bytes: 0x800 to 0xFFFF without surrogates", three, 0x10000 - 0x800 - 0x800);
    CHECK_INT("four bytes, by the table", four, 0);
}

TEST(a_broken_byte_is_seen_wherever_it_stands)
{
    size_t wrong = 0;
    for (size_t n = 1; n <= 40; n++)
        for (size_t at = 0; at < n; at++) {
            char text[48];
            memset(text, 'a', n);
            wrong += !str_is_utf8((str){ text, n });
            text[at] = (char)0x80;
            wrong += str_is_utf8((str){ text, n });
            if (at + 1 < n) {
                memcpy(text + at, "\xC3\xA9", 2);
                wrong += !str_is_utf8((str){ text, n });
            }
        }
    CHECK_INT("also where eight bytes are looked at together", wrong, 0);
    CHECK("nothing is UTF-8", str_is_utf8(none));
}

TEST(what_one_replacement_stands_for)
{
    static const struct { const char *claim; str text; size_t n; bool is_valid; } rows[] = {
        { "nothing", { NULL, 0 }, 0, true },
        { "a letter", STR_INIT("ab"), 1, true },
        { "a NUL", STR_INIT("\0a"), 1, true },
        { "two bytes", STR_INIT("\xC3\xA9x"), 2, true },
        { "three bytes", STR_INIT("\xE2\x82\xACx"), 3, true },
        { "four bytes", STR_INIT("\xF0\x9F\x98\x80x"), 4, true },
        { "a following byte alone", STR_INIT("\x80\x80"), 1, false },
        { "an overlong beginning", STR_INIT("\xC0\x80"), 1, false },
        { "an overlong second byte", STR_INIT("\xE0\x80\x80"), 1, false },
        { "a surrogate", STR_INIT("\xED\xA0\x80"), 1, false },
        { "beyond U+10FFFF", STR_INIT("\xF4\x90\x80\x80"), 1, false },
        { "two of three", STR_INIT("\xE2\x82x"), 2, false },
        { "three of four", STR_INIT("\xF0\x9F\x98x"), 3, false },
        { "two of four", STR_INIT("\xF0\x9F"), 2, false },
        { "one of two", STR_INIT("\xC3"), 1, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool is_valid = !rows[i].is_valid;
        CHECK_INT(rows[i].claim, str_utf8_next(rows[i].text, &is_valid), rows[i].n);
        CHECK(rows[i].claim, is_valid == rows[i].is_valid);
    }
}

TEST_MAIN()
