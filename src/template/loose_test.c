#include "tests/harness/check.h"

#include "template/loose.h"

static struct arena a;

static str as_text(const char *json)
{
    struct loose *v;
    bool has_token;
    str text;
    if (!loose_parse(&a, str_from(json), &v, &has_token))
        return STR("JsonException");
    return loose_text(&a, v, &text) ? text : STR("InvalidCastException");
}

TEST(what_newtonsoft_reads)
{
    static const struct { const char *claim, *json, *want; } rows[] = {
        { "strict JSON", "{\"a\":[1,true,null,\"x\"]}", "{\"a\":[1,true,null,\"x\"]}" },
        { "single quotes and bare names", "{'q':1,w:[1,2,],}", "{\"q\":1,\"w\":[1,2]}" },
        { "comments", "/*a*/{//b\n\"a\":1}", "{\"a\":1}" },
        { "a comment in an array is an element", "[1,/*c*/2]", "[1/*c*/,2]" },
        { "numbers of other bases", "[0x1F,010,-0]", "[31,8,0]" },
        { "numbers keep a point", "[1.0,1.10,1e3]", "[1.0,1.1,1000.0]" },
        { "no numbers", "[NaN,-Infinity,undefined]", "[\"NaN\",\"-Infinity\",undefined]" },
        { "empty elements", "[,1]", "[undefined,1]" },
        { "an array cut off behind a value", "[1,[2", "[1,[2]]" },
        { "not behind a comma", "[1,", "JsonException" },
        { "unless that follows a closed element", "[[1],", "[[1]]" },
        { "an object must be closed", "{\"a\":1", "JsonException" },
        { "nothing may follow", "{} x", "JsonException" },
        { "the last of a name counts, at the end", "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}" },
        { "escapes", "[\"\\u00e9\\/\\ud83d\\ude00\\t\"]", "[\"é/😀\\t\"]" },
        { "no other escapes", "[\"\\x\"]", "JsonException" },
        { "an octal number that is none", "[08]", "JsonException" },
        { "a bare word", "[nul]", "JsonException" },
        { "large whole numbers", "[9223372036854775808]", "[9223372036854775808]" },
        { "which are no value by themselves", "9223372036854775808", "InvalidCastException" },
        { "dates stay ISO in text", "[\"2023-07-04T10:20:30.500Z\"]", "[\"2023-07-04T10:20:30.5Z\"]" },
        { "nothing", "", "JsonException" },
        { "notes of Json.NET", "{\"$type\":\"X\",\"$id\":\"1\",\"a\":1,\"$id\":2}", "{\"a\":1,\"$id\":2}" },
        { "a reference to nothing", "{\"$ref\":\"1\"}", "JsonException" },
        { "line separators", "[\"\u2028\"]", "[\"\\u2028\"]" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, as_text(rows[i].json), str_from(rows[i].want));
}

TEST(what_scalars_become)
{
    static const struct { const char *json, *want; } rows[] = { { "true", "True" }, { "null", "" }, { "1.0", "1" }, { "1e17", "1E+17" }, { "\"x\"", "x" }, { "\"2023-07-04T10:20:30Z\"", "07/04/2023 10:20:30" },
        { "\"2023-07-04T10:20:30.12345678Z\"", "2023-07-04T10:20:30.12345678Z" }, { "\"2023-07-04T10:20:30+02:00\"", "07/04/2023 08:20:30" }, { "\"2023-07-04\"", "2023-07-04" },
        { "\"/Date(1688466030000)/\"", "07/04/2023 10:20:30" }, { "\"2023-13-04T10:20:30Z\"", "2023-13-04T10:20:30Z" } };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].json, as_text(rows[i].json), str_from(rows[i].want));
}

TEST(depth_and_size_are_bounded)
{
    CLEANUP(buf_fini) struct buf deep = { 0 };
    for (int i = 0; i < 100000; i++)
        buf_add_char(&deep, '[');
    struct loose *v;
    bool has_token;
    CHECK("a hundred thousand brackets", !loose_parse(&a, buf_str(&deep), &v, &has_token));
}

TEST(many_members_are_no_trouble)
{
    CLEANUP(buf_fini) struct buf wide = { 0 };
    buf_add_char(&wide, '{');
    for (int i = 0; i < 20000; i++)
        buf_printf(&wide, "k%d:%d,", i % 15000, i);
    buf_add_char(&wide, '}');
    struct loose *v = NULL;
    bool has_token;
    CHECK("read", loose_parse(&a, buf_str(&wide), &v, &has_token));
    CHECK_INT("each name once", v->count, 15000);
    CHECK_INT("the last value", loose_get(v, STR("k1"))->integer, 15001);
    CHECK_STR("the first is the oldest that was not repeated", v->first->name, STR("k5000"));
    CHECK("absent", !loose_get(v, STR("none")));
}

TEST(tokens_in_it_are_noticed)
{
    struct loose *v;
    bool has_token;
    CHECK("plain", loose_parse(&a, STR("[\"# {\"]"), &v, &has_token) && !has_token);
    CHECK("a token", loose_parse(&a, STR("[\"#{x}\"]"), &v, &has_token) && has_token);
    CHECK("one behind an escape", loose_parse(&a, STR("[\"\\u0023{x}\"]"), &v, &has_token) && has_token);
    CHECK_INT("an element", (int64_t)loose_at(v, 0)->text.n, 4);
    CHECK("beyond the end", !loose_at(v, 1));
}

TEST_MAIN()
