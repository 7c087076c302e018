#include "tests/harness/check.h"

#include "template/chars.h"

static struct arena a;

TEST(broken_utf8_is_taken_byte_by_byte)
{
    size_t length;
    CHECK_INT("ASCII", chars_decode("a", 1, &length), 'a');
    CHECK_INT("two bytes", chars_decode("é", 2, &length), 0xE9);
    CHECK_INT("four bytes", chars_decode("😀", 4, &length), 0x1F600);
    CHECK_INT("and all of them", length, 4);
    CHECK_INT("a cut character", chars_decode("\xF0\x9F", 2, &length), CHARS_REPLACEMENT);
    CHECK_INT("takes one byte", length, 1);
    CHECK_INT("a surrogate", chars_decode("\xED\xA0\x80", 3, &length), CHARS_REPLACEMENT);
    CHECK_INT("an overlong form", chars_decode("\xC0\xAF", 2, &length), CHARS_REPLACEMENT);
    CHECK_INT("beyond Unicode", chars_decode("\xF4\x90\x80\x80", 4, &length), CHARS_REPLACEMENT);
}

TEST(encoding_is_the_inverse)
{
    static const uint32_t all[] = { 0, 'a', 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF };
    for (size_t i = 0; i < COUNT(all); i++) {
        char text[4];
        size_t n = chars_encode(all[i], text), length;
        CHECK_INT("reads back", chars_decode(text, n, &length), all[i]);
        CHECK_INT("as long", length, n);
    }
    char text[4];
    CHECK_STR("a surrogate is replaced", ((str){ text, chars_encode(0xD800, text) }), STR("\ufffd"));
}

TEST(white_space_is_that_of_dotnet)
{
    static const struct { uint32_t c; bool is_space; } rows[] = { { ' ', true }, { '\t', true }, { '\r', true }, { 0x0B, true }, { 0x1C, false }, { 0x85, true },
        { 0xA0, true }, { 0x2003, true }, { 0x3000, true }, { 0x200B, false }, { 0xFEFF, false }, { 0x180E, false }, { 'x', false } };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT("char.IsWhiteSpace", chars_is_space(rows[i].c), rows[i].is_space);
}

TEST(identifiers_hold_letters_and_digits_of_the_basic_plane)
{
    CHECK("a letter", chars_is_name('a') && chars_is_name(0xC9) && chars_is_name(0x4E2D));
    CHECK("an Arabic digit", chars_is_name(0x663));
    CHECK("the special ones", chars_is_name('_') && chars_is_name('-') && chars_is_name(':') && chars_is_name('/') && chars_is_name('~') && chars_is_name('(') && chars_is_name('@'));
    CHECK("no punctuation", !chars_is_name('.') && !chars_is_name('#') && !chars_is_name('}') && !chars_is_name(0x2014));
    CHECK("no letter beyond U+FFFF", !chars_is_name(0x1D400));
    CHECK("a combining mark is none", !chars_is_name(0x301));
}

TEST(case_is_mapped_one_to_one)
{
    CHECK_STR("upper", chars_to_upper(&a, STR("grüße ŉ ıſ σς ÿ ⅷ")), STR("GRÜßE ŉ ıſ ΣΣ Ÿ Ⅷ"));
    CHECK_STR("lower", chars_to_lower(&a, STR("GRÜẞE İ ΣΑΣ K")), STR("grüße İ σασ k"));
    CHECK_STR("a longer form fits", chars_to_upper(&a, STR("ⱥȺ")), STR("ȺȺ"));
    CHECK_STR("broken bytes stay", chars_to_upper(&a, STR("a\xFF")), STR("A\xFF"));
}

TEST(names_compare_without_case)
{
    CHECK("ASCII", chars_eq_nocase(STR("Octopus"), STR("oCTOPUS")));
    CHECK("accents", chars_eq_nocase(STR("Été"), STR("éTÉ")));
    CHECK("not the Turkish i", !chars_eq_nocase(STR("i"), STR("İ")));
    CHECK("a prefix is not equal", !chars_eq_nocase(STR("ab"), STR("a")));
    CHECK_INT("equal names, equal hashes", chars_hash_nocase(STR("Été")), chars_hash_nocase(STR("éTÉ")));
}

TEST(trimming)
{
    CHECK_STR("both sides", chars_trim(STR(" \t\u00a0x y\u3000\n")), STR("x y"));
    CHECK_STR("all blank", chars_trim(STR(" \u2003 ")), STR(""));
    CHECK_STR("start", chars_trim_start(STR("  x ")), STR("x "));
    CHECK_STR("end", chars_trim_end(STR(" x\xC2\x85")), STR(" x"));
    CHECK_STR("the zero width blank stays", chars_trim(STR("\u200bx\ufeff")), STR("\u200bx\ufeff"));
}

TEST(lengths_count_utf16_units)
{
    bool is_inside;
    CHECK_INT("pairs count twice", chars_utf16_length(STR("a😀é")), 4);
    CHECK_INT("to the second", chars_utf16_offset(STR("a😀é"), 1, &is_inside), 1);
    CHECK_INT("inside a pair", chars_utf16_offset(STR("a😀é"), 2, &is_inside), 1);
    CHECK("is said", is_inside);
    CHECK_INT("behind it", chars_utf16_offset(STR("a😀é"), 3, &is_inside), 5);
    CHECK_INT("beyond the end", chars_utf16_offset(STR("a"), 9, &is_inside), 1);
}

TEST_MAIN()
