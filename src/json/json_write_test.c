#include "tests/harness/check.h"

#include "json/json.h"

static struct json *parse(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    if (!json_parse(a, str_from(text), &j, &e))
        fail_msg("%s: %s", text, e.text);
    return j;
}

TEST(pretty)
{
    static const struct { const char *claim, *text, *want; } rows[] = {
        { "a scalar stands alone", "1", "1" },
        { "an empty array is one word", "[ ]", "[]" },
        { "so is an empty object", "{ }", "{}" },
        { "one element a line", "[1,2]", "[\n  1,\n  2\n]" },
        { "one member a line", "{\"a\":1,\"b\":\"x\"}", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}" },
        { "two spaces a level", "{\"a\":{\"b\":[[],{}]}}", "{\n  \"a\": {\n    \"b\": [\n      [],\n      {}\n    ]\n  }\n}" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        CLEANUP(buf_fini) struct buf b = { 0 };
        json_write(&b, parse(&a, rows[i].text), true);
        CHECK_STR(rows[i].claim, buf_str(&b), str_from(rows[i].want));
    }
}

TEST(the_deepest_is_indented_as_deep)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf text = { 0 }, pretty = { 0 };
    for (int i = 0; i < 64; i++)
        buf_add_char(&text, '[');
    for (int i = 0; i < 64; i++)
        buf_add_char(&text, ']');
    struct json *j = NULL;
    struct err e = { 0 };
    CHECK_OK("64 levels are read", json_parse(&a, buf_str(&text), &j, &e), &e);
    json_write(&pretty, j, true);
    // Lines of 0, 2, ... 126 blanks going down (the innermost pair is one word) and back up.
    CHECK_INT("every level has its blanks", pretty.n, 2 * (62 * 63 / 2) * 2 + 126 + 2 * 63 + 2 + 126);
}

TEST(texts_are_escaped_only_where_they_must)
{
    static const struct { const char *claim; str text; const char *want; } rows[] = {
        { "nothing", { NULL, 0 }, "\"\"" },
        { "empty", STR_INIT(""), "\"\"" },
        { "plain", STR_INIT("a b/c'<>&"), "\"a b/c'<>&\"" },
        { "quotes and backslashes", STR_INIT("\"\\"), "\"\\\"\\\\\"" },
        { "what has a letter", STR_INIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
        { "other control characters", STR_INIT("\0\x01\x1b\x1f\x7f"), "\"\\u0000\\u0001\\u001b\\u001f\x7f\"" },
        { "line separators stay", STR_INIT("\xE2\x80\xA8\xE2\x80\xA9"), "\"\xE2\x80\xA8\xE2\x80\xA9\"" },
        { "letters of the world", STR_INIT("é€😀"), "\"é€😀\"" },
        { "a byte that begins nothing", STR_INIT("a\xFFz"), "\"a\xEF\xBF\xBDz\"" },
        { "a character cut short is one", STR_INIT("a\xE2\x82"), "\"a\xEF\xBF\xBD\"" },
        { "a character cut short before another", STR_INIT("\xF0\x9F\x98é"), "\"\xEF\xBF\xBDé\"" },
        { "an encoded surrogate is three", STR_INIT("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "broken before an escape", STR_INIT("\xC3\n\xC3"), "\"\xEF\xBF\xBD\\n\xEF\xBF\xBD\"" },
        { "Unicode's own example", STR_INIT("\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
          "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x62\xEF\xBF\xBD\x63\xEF\xBF\xBD\xEF\xBF\xBD\x64\"" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_fini) struct buf b = { 0 };
        json_write_string(&b, rows[i].text);
        CHECK_STR(rows[i].claim, buf_str(&b), str_from(rows[i].want));
    }
}

TEST(every_byte_reads_back)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    char all[128];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    str text = { all, sizeof all };
    struct json *back = NULL;
    struct err e = { 0 };
    CHECK_OK("all of ASCII", json_parse(&a, json_text(&a, json_new_string(&a, text)), &back, &e), &e);
    CHECK_STR("is as it was", json_str(back, STR("")), text);

    struct json *object = json_new_object(&a);
    json_add(object, text, json_new_null(&a));
    CHECK_OK("also as a member's name", json_parse(&a, json_text(&a, object), &back, &e), &e);
    CHECK_STR("it is as it was", back && back->first ? back->first->name : STR("?"), text);
}

TEST(a_full_buffer_says_so)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf b = { .max = 10 };
    json_write(&b, parse(&a, "[1,2,3]"), false);
    CHECK("what fits, fits", !b.is_full && b.n == 7);
    buf_clear(&b);
    json_write(&b, parse(&a, "[\"0123456789\"]"), false);
    CHECK("what does not, shows", b.is_full && b.n <= 10);
    buf_clear(&b);
    json_write(&b, NULL, false);
    CHECK_STR("nothing is null", buf_str(&b), STR("null"));
}

TEST(paths_for_people)
{
    static const struct { const char *path; str name; const char *want; } rows[] = {
        { "", STR_INIT("Filter"), "Filter" },
        { "Filter", STR_INIT("Names"), "Filter.Names" },
        { "a[2]", STR_INIT("b-c_1"), "a[2].b-c_1" },
        { "a", STR_INIT("é"), "a.é" },
        { "", STR_INIT(""), "[\"\"]" },
        { "a", STR_INIT("b.c"), "a[\"b.c\"]" },
        { "a", STR_INIT("1"), "a[\"1\"]" },
        { "a", STR_INIT("x\n\0"), "a[\"x\\n\\u0000\"]" },
        { "a", STR_INIT("\xFF"), "a[\"\xEF\xBF\xBD\"]" },
        { "", STR_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé!"),
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..." },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_fini) struct buf b = { 0 };
        buf_add_text(&b, rows[i].path);
        json_write_path_name(&b, rows[i].name);
        CHECK_STR(rows[i].want, buf_str(&b), str_from(rows[i].want));
    }
}

TEST_MAIN()
