#include "tests/harness/check.h"

#include "template/regex.h"

static str replaced(const char *subject, const char *pattern, const char *replacement, struct buf *out)
{
    struct regex *r = NULL;
    struct err e = { 0 };
    buf_clear(out);
    bool ok = regex_open(str_from(pattern), &r, &e) && regex_replace(r, str_from(subject), str_from(replacement), out, &e);
    if (!ok) {
        buf_clear(out);
        buf_add_text(out, "error");
    }
    regex_close(r);
    return buf_str(out);
}

TEST(replacing_as_dotnet_does)
{
    static const struct { const char *claim, *subject, *pattern, *replacement, *want; } rows[] = {
        { "groups", "Hello World", "(\\w+) (\\w+)", "$2 $1", "World Hello" },
        { "names", "Hello", "(?<f>\\w)", "<${f}>", "<H><e><l><l><o>" },
        { "names count behind numbers", "ab", "(?<n>a)(b)", "$1$2", "ba" },
        { "an unknown group is literal", "o", "o", "$9${x}$", "$9${x}$" },
        { "the match, what stands around it, a dollar", "abc", "b", "[$&$0$`$'$$$_]", "a[bbac$abc]c" },
        { "the last group", "ab", "(a)(b)", "$+", "b" },
        { "a group in braces", "o", "(o)", "${1}1", "o1" },
        { "an empty pattern", "ab", "", "-", "-a-b-" },
        { "an empty match behind another", "abxc", "x*", "-", "-a-b--c-" },
        { "no escapes in replacements", "o", "o", "\\n", "\\n" },
        { "class subtraction", "hello", "[a-z-[aeiou]]", "_", "_e__o" },
        { "nested class subtraction", "abcde", "[a-e-[b-d-[c]]]", "_", "_b_d_" },
        { "a bracket in a class", "a[b", "[[]", "_", "a_b" },
        { "word characters are Unicode's", "été_1", "\\w", ".", "....." },
        { "digits too", "٣4", "\\d", ".", ".." },
        { "a vertical tab", "a\vb", "\\v", "_", "a_b" },
        { "code points", "aéb", "\\u00e9", "_", "a_b" },
        { "a repeated assertion", "ab", "\\b*a", "_", "_b" },
        { "a set before a hyphen", "1-x", "[\\d-x]", "_", "___" },
        { "a point does not match a line feed", "a\nb", "a.b", "_", "a\nb" },
        { "the end may stand before a last line feed", "end\n", "end$", "_", "_\n" },
        { "back references", "HeLLo", "(L)\\1", "ll", "Hello" },
        { "options", "HELLO", "(?i)hello", "x", "x" },
        { "comments", "ab", "a(?#c)b", "x", "x" },
    };
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, replaced(rows[i].subject, rows[i].pattern, rows[i].replacement, &out), str_from(rows[i].want));
}

TEST(what_is_refused)
{
    static const struct { const char *pattern, *says; } rows[] = { { "(", "missing closing parenthesis" }, { "a**", "nested quantifier" }, { "a++", "nested quantifier" }, { "*", "a quantifier after nothing" },
        { "(*LIMIT_MATCH=1)a", "a quantifier after nothing" }, { "\\Q", "unrecognized escape" }, { "\\h", "unrecognized escape" }, { "(?P<n>a)", "unrecognized grouping" }, { "(?R)", "unrecognized grouping" },
        { "(?<a-b>x)", "balancing groups are not supported" }, { "(?<1>x)", "numbers as group names are not supported" }, { "\\p{IsGreek}", "blocks" }, { "\\p{Greek}", "unknown property" }, { "\\1", "undefined group" },
        { "[a", "a class without ]" }, { "[a-[b]x]", "a subtraction must be the last" }, { "\\ud800", "surrogate" }, { "\\x4", "two hexadecimal digits" }, { "(?<=a+)b", "lookbehind" }, { "a\\", "a backslash at the end" } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct regex *r = NULL;
        struct err e = { 0 };
        CHECK(rows[i].pattern, !regex_open(str_from(rows[i].pattern), &r, &e));
        CHECK(rows[i].pattern, str_find(str_from(e.text), str_from(rows[i].says)) >= 0);
        regex_close(r);
    }
}

TEST(a_search_that_explodes_ends)
{
    struct regex *r = NULL;
    struct err e = { 0 };
    bool is_match;
    CHECK_OK("compiled", regex_open(STR("^(a+)+$"), &r, &e), &e);
    CHECK("refused", !regex_match(r, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), &is_match, &e));
    CHECK_INT("over a limit", e.kind, ERR_TOO_LARGE);
    regex_close(r);
}

TEST(matching)
{
    struct regex *r = NULL;
    struct err e = { 0 };
    bool is_match = false;
    CHECK_OK("compiled", regex_open(STR("^two$"), &r, &e), &e);
    CHECK("not over lines", regex_match(r, STR("one\ntwo"), &is_match, &e) && !is_match);
    CHECK("text that is no UTF-8", !regex_match(r, STR("\xFF"), &is_match, &e) && e.kind == ERR_INVALID);
    regex_close(r);
    regex_close(NULL);
}

TEST_MAIN()
