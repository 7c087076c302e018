#include "tests/harness/check.h"

#include "json/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static struct arena arena;

static struct json *parse(const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    if (!json_parse(&arena, str_from(text), &j, &e))
        fail_msg("%s: %s", text, e.text);
    return j;
}

static str text_of(const struct json *j)
{
    return json_text(&arena, j);
}

TEST(members_are_found_by_name)
{
    struct json *j = parse("{\"Name\":1,\"name\":2,\"\":3,\"a\\u0000b\":4}");
    CHECK_STR("by the exact name", json_get(j, STR("name"))->text, STR("2"));
    CHECK_STR("the first that fits when case is ignored", json_get_nocase(j, STR("NAME"))->text, STR("1"));
    CHECK_STR("the empty name is a name", json_get(j, STR(""))->text, STR("3"));
    CHECK_STR("a NUL is part of a name", json_get(j, STR("a\0b"))->text, STR("4"));
    CHECK("absent is NULL", !json_get(j, STR("nam")) && !json_get_nocase(j, STR("nam")));
    CHECK("only objects have members", !json_get(parse("[1]"), STR("0")) && !json_get_nocase(parse("\"a\""), STR("a")));
    CHECK("nothing has none", !json_get(NULL, STR("a")) && !json_get_nocase(NULL, STR("a")) && !json_at(NULL, 0));
    size_t count = 0;
    json_each(m, j)
        count++;
    json_each(m, (struct json *)NULL)
        count++;
    CHECK_INT("json_each visits all, and nothing of nothing", count, 4);
}

TEST(elements_are_found_by_index)
{
    struct json *j = parse("[10,[],30]");
    CHECK_STR("the first", json_at(j, 0)->text, STR("10"));
    CHECK_STR("the last", json_at(j, 2)->text, STR("30"));
    CHECK("past the end is NULL", !json_at(j, 3) && !json_at(j, SIZE_MAX) && !json_at(json_at(j, 1), 0));
    CHECK("an object has no index", !json_at(parse("{\"a\":1}"), 0));
}

TEST(scalars_are_read_or_left)
{
    CHECK_STR("text", json_str(parse("\"a\""), STR("x")), STR("a"));
    CHECK_STR("a number is no text", json_str(parse("1"), STR("x")), STR("x"));
    CHECK_STR("nothing is no text", json_str(NULL, STR("x")), STR("x"));
    CHECK("true is true", json_bool(parse("true"), false));
    CHECK("false is false", !json_bool(parse("false"), true));
    CHECK("text is no boolean", json_bool(parse("\"false\""), true) && json_bool(NULL, true));
    static const struct { const char *text, *name; } types[] = {
        { "null", "null" }, { "true", "boolean" }, { "1", "number" }, { "\"\"", "string" }, { "[]", "array" }, { "{}", "object" },
    };
    for (size_t i = 0; i < COUNT(types); i++)
        CHECK_TEXT(types[i].name, json_type_name(parse(types[i].text)), types[i].name);
    CHECK_TEXT("NULL has a name too", json_type_name(NULL), "nothing");
}

TEST(integers_are_exact_or_refused)
{
    static const struct { const char *text; bool is_read; int64_t want; } rows[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "9007199254740993", true, 9007199254740993 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "18446744073709551616", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "\"1\"", false, 0 },
        { "true", false, 0 },
        { "null", false, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t v = 0;
        CHECK(rows[i].text, json_i64(parse(rows[i].text), &v) == rows[i].is_read && v == rows[i].want);
    }
    int64_t v;
    CHECK("nothing is no integer", !json_i64(NULL, &v));
}

TEST(reals_are_nearest_or_refused)
{
    static const struct { const char *text; bool is_read; double want; } rows[] = {
        { "0.1", true, 0.1 },
        { "-0", true, -0.0 },
        { "1e-400", true, 0 },
        { "1.7976931348623157e308", true, DBL_MAX },
        { "4.9e-324", true, 4.9406564584124654e-324 },
        { "9007199254740993", true, 9007199254740992.0 },
        { "1e309", false, 0 },
        { "-1e309", false, 0 },
        { "\"0.1\"", false, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double v = 0;
        CHECK(rows[i].text, json_double(parse(rows[i].text), &v) == rows[i].is_read && v == rows[i].want);
    }
    CLEANUP(buf_fini) struct buf b = { 0 };
    buf_add_text(&b, "0.");
    for (int i = 0; i < 5000; i++)
        buf_add_char(&b, '3');
    double v = 0;
    CHECK("thousands of digits are read", json_double(json_new_number(&arena, buf_str(&b)), &v) && v == 1.0 / 3);
    CHECK("nothing is no number", !json_double(NULL, &v));
}

TEST(reals_are_written_shortest)
{
    static const struct { double v; const char *want; } rows[] = {
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1, "1" },
        { -0.0, "-0" },
        { 1e21, "1e+21" },
        { 1.0 / 3, "0.3333333333333333" },
        { 5e-324, "5e-324" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { DBL_MIN, "2.2250738585072014e-308" },
        { 123456789012345678.0, "1.2345678901234568e+17" },
        { INFINITY, "null" },
        { -INFINITY, "null" },
        { NAN, "null" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].want, text_of(json_new_double(&arena, rows[i].v)), str_from(rows[i].want));
    size_t wrong = 0;
    uint64_t bits = 88172645463325252ULL;
    for (int i = 0; i < 20000; i++) {
        double v, back = 0;
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&v, &bits, sizeof v);
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct json *j = json_new_double(&a, v);
        wrong += isfinite(v) && !(json_double(parse(arena_cstr(&a, json_text(&a, j))), &back) && back == v);
    }
    CHECK_INT("20 000 doubles of any bits come back equal", wrong, 0);
}

TEST(pointers)
{
    // RFC 6901 section 5.
    struct json *j = parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,\"o\":{\"\":{\"\":10}}}");
    static const struct { const char *pointer, *want; } rows[] = {
        { "/foo", "[\"bar\",\"baz\"]" }, { "/foo/0", "\"bar\"" }, { "/foo/1", "\"baz\"" },
        { "/", "0" }, { "/a~1b", "1" }, { "/c%d", "2" }, { "/e^f", "3" }, { "/g|h", "4" }, { "/i\\j", "5" }, { "/k\"l", "6" }, { "/ ", "7" }, { "/m~0n", "8" },
        { "/~01", "9" }, { "/o//", "10" },
    };
    static const char *const nowhere[] = {
        "foo", "/bar", "/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/+1", "/foo/-1", "/foo/ 1", "/foo/", "/foo/0/x", "/foo/0/", "/m~n", "/m~2n", "/m~",
        "/foo/18446744073709551616", "/foo/99999999999999999999999", "//", "#/foo", "/FOO", "/a~1", "/a~1bc",
    };
    CHECK("the empty pointer is the root", json_pointer(j, STR("")) == j);
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].pointer, text_of(json_pointer(j, str_from(rows[i].pointer))), str_from(rows[i].want));
    for (size_t i = 0; i < COUNT(nowhere); i++)
        CHECK(nowhere[i], !json_pointer(j, str_from(nowhere[i])));
    CHECK("nothing has no parts", !json_pointer(NULL, STR("")) && !json_pointer(NULL, STR("/a")));
}

TEST(equality)
{
    static const struct { const char *a, *b; bool is_equal; } rows[] = {
        { "null", "null", true }, { "true", "true", true }, { "true", "false", false }, { "null", "false", false },
        { "1", "1", true }, { "1", "1.0", false }, { "1e2", "1E2", false }, { "0", "-0", false },
        { "\"a\"", "\"\\u0061\"", true }, { "\"a\"", "\"A\"", false }, { "1", "\"1\"", false },
        { "[]", "[]", true }, { "[]", "{}", false }, { "[1,2]", "[1,2]", true }, { "[1,2]", "[2,1]", false }, { "[1]", "[1,1]", false },
        { "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true }, { "{\"a\":1}", "{\"a\":2}", false }, { "{\"a\":1}", "{\"b\":1}", false },
        { "{\"a\":1}", "{\"a\":1,\"b\":2}", false }, { "{\"a\":{\"b\":[1,{\"c\":null}]}}", "{\"a\":{\"b\":[1,{\"c\":null}]}}", true },
        { "{\"a\":{\"b\":[1,{\"c\":null}]}}", "{\"a\":{\"b\":[1,{\"c\":0}]}}", false },
        { "{\"1\":1,\"2\":2,\"3\":3}", "{\"3\":3,\"1\":1,\"2\":2}", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct json *a = parse(rows[i].a), *b = parse(rows[i].b);
        CHECK(rows[i].a, json_equal(a, b) == rows[i].is_equal && json_equal(b, a) == rows[i].is_equal);
    }
    CHECK("nothing equals nothing only", json_equal(NULL, NULL) && !json_equal(parse("null"), NULL) && !json_equal(NULL, parse("null")));

    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *up = json_new_object(&a), *down = json_new_object(&a);
    for (int i = 0; i < 100000; i++) {
        json_add(up, arena_printf(&a, "%d", i), json_new_i64(&a, i));
        json_add(down, arena_printf(&a, "%d", 99999 - i), json_new_i64(&a, 99999 - i));
    }
    CHECK("a hundred thousand members in the other order are no burden", json_equal(up, down));
    up->last->text = STR("1");
    CHECK("and one that differs is seen", !json_equal(up, down));
}

TEST(building)
{
    struct json *j = json_new_object(&arena);
    json_add_str(&arena, j, "Name", STR("é\n"));
    json_add_str(&arena, j, "None", (str){ 0 });
    json_add_str(&arena, j, "Empty", STR(""));
    json_add_i64(&arena, j, "Least", INT64_MIN);
    json_add_bool(&arena, j, "Yes", true);
    json_add_null(&arena, j, "Null");
    json_add_time(&arena, j, "At", 1795367786123);
    json_add_time(&arena, j, "Never", 0);
    struct json *list = json_add(j, STR("List"), json_new_array(&arena));
    json_push(list, json_new_number(&arena, STR("1.50")));
    json_push(list, json_new_bool(&arena, false));
    CHECK_STR("members stand in the order they were added", text_of(j),
              STR("{\"Name\":\"é\\n\",\"None\":null,\"Empty\":\"\",\"Least\":-9223372036854775808,\"Yes\":true,\"Null\":null,"
                  "\"At\":\"2026-11-22T17:16:26.123Z\",\"Never\":null,\"List\":[1.50,false]}"));
    CHECK_INT("and are counted", j->count, 9);
}

TEST(replacing_and_dropping)
{
    struct json *j = parse("{\"a\":1,\"b\":2,\"c\":3}");
    json_put(j, STR("b"), json_new_i64(&arena, 20));
    CHECK_STR("the replaced keeps its place", text_of(j), STR("{\"a\":1,\"b\":20,\"c\":3}"));
    json_put(j, STR("a"), json_new_i64(&arena, 10));
    json_put(j, STR("c"), json_new_i64(&arena, 30));
    json_put(j, STR("d"), json_new_i64(&arena, 40));
    CHECK_STR("first and last too; a new one is appended", text_of(j), STR("{\"a\":10,\"b\":20,\"c\":30,\"d\":40}"));
    CHECK("dropping what is not there is false", !json_drop(j, STR("x")) && !json_drop(NULL, STR("a")) && !json_drop(parse("[1]"), STR("")));
    CHECK("dropping the last", json_drop(j, STR("d")));
    json_put(j, STR("e"), json_new_null(&arena));
    CHECK_STR("leaves a list that can be appended to", text_of(j), STR("{\"a\":10,\"b\":20,\"c\":30,\"e\":null}"));
    CHECK("dropping the first, the middle, the rest", json_drop(j, STR("a")) && json_drop(j, STR("c")) && json_drop(j, STR("b")) && json_drop(j, STR("e")));
    CHECK("leaves it empty", !j->first && !j->last && j->count == 0);
    json_add(j, STR("z"), json_new_null(&arena));
    CHECK_STR("and usable", text_of(j), STR("{\"z\":null}"));
}

TEST(copies_own_their_text)
{
    const char *text = "{\"a\":[1,\"x\",{\"é\":null,\"\":\"\"}],\"b\":true}";
    char *input = xstrdup(text);
    CLEANUP(arena_fini) struct arena first = { 0 };
    struct json *j;
    struct err e;
    REQUIRE("parsed", json_parse(&first, str_from(input), &j, &e));
    struct json *copy = json_copy(&arena, j), *part = json_copy(&arena, json_get(j, STR("a")));
    memset(input, 'x', strlen(text));
    free(input);
    arena_fini(&first);
    CHECK_STR("the copy outlives input and arena", text_of(copy), str_from(text));
    CHECK("a copied member stands alone", part->next == NULL && part->count == 3);
    CHECK("a copy of nothing is nothing", !json_copy(&arena, NULL));
}

// As "%.15g" writes it, whatever way it was made.
TEST(doubles_are_written_as_printf_does)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    static const double values[] = { 0, -0.0, 1, -1, 0.5, 0.0001, 0.00009, 0.000123, 1.000001, -2.5, 123456.789, 1e7, 1e8, 99999999.999999, 1e15, 10, 100.1, 0.1, 3.141592653, 1e-7 };
    size_t wrong = 0;
    for (size_t i = 0; i < 20000 + COUNT(values); i++) {
        char want[40];
        double v = i < COUNT(values) ? values[i] : (double)((i * 2654435761u) % 100000000u) / (i % 3 ? 1e6 : 1e7);
        snprintf(want, sizeof want, "%.15g", v);
        str got = json_text(&a, json_new_double(&a, v));
        if (!str_eq(got, str_from(want)) && ++wrong < 5)
            CHECK_STR("as printf writes it", got, str_from(want));
        arena_reset(&a);
    }
    CHECK_INT("all of them", wrong, 0);
}

TEST_MAIN()
