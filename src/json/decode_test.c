#include "tests/harness/check.h"

#include "json/decode.h"

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

static const char *const levels[] = { "Fail", "Leave", NULL };

// What a reaction's action might look like; one error each.
static void read_thing(const struct json *j, struct decode_errors *errors)
{
    struct decode d, inner;
    size_t count;
    if (!decode_begin(&d, j, STR(""), errors))
        return;
    decode_required_str(&d, "Name");
    decode_str(&d, "Description", STR(""));
    decode_bool(&d, "Enabled", true);
    decode_i64(&d, "TimeoutSeconds", 30, 1, 300);
    decode_choice(&d, "OnUndefined", levels, 0);
    decode_str_list(&d, "Environments", &count);
    decode_array(&d, "Headers");
    decode_time_ms(&d, "Expires", 0);
    decode_any(&d, "Body");
    decode_ignore(&d, "Id");
    const struct json *filter = decode_object(&d, "Filter");
    if (filter && decode_begin(&inner, filter, decode_path(&d, "Filter"), errors)) {
        decode_str_list(&inner, "Projects", &count);
        decode_done(&inner);
    }
    decode_done(&d);
}

TEST(what_does_not_fit_is_said_with_its_path)
{
    static const struct { const char *text, *want; } rows[] = {
        { "[1]", "the document must be an object, not an array" },
        { "\"a\"", "the document must be an object, not text" },
        { "null", "the document must be an object, not null" },
        { "{}", "Name: is missing" },
        { "{\"Name\":null}", "Name: is missing" },
        { "{\"Name\":\"\"}", "Name: must not be empty" },
        { "{\"Name\":7}", "Name: must be text, not a number" },
        { "{\"Name\":\"a\",\"Description\":[]}", "Description: must be text, not an array" },
        { "{\"Name\":\"a\",\"Enabled\":\"true\"}", "Enabled: must be true or false, not text" },
        { "{\"Name\":\"a\",\"Enabled\":1}", "Enabled: must be true or false, not a number" },
        { "{\"Name\":\"a\",\"TimeoutSeconds\":0}", "TimeoutSeconds: must be a whole number from 1 to 300, not 0" },
        { "{\"Name\":\"a\",\"TimeoutSeconds\":301}", "TimeoutSeconds: must be a whole number from 1 to 300, not 301" },
        { "{\"Name\":\"a\",\"TimeoutSeconds\":30.5}", "TimeoutSeconds: must be a whole number from 1 to 300, not 30.5" },
        { "{\"Name\":\"a\",\"TimeoutSeconds\":\"30\"}", "TimeoutSeconds: must be a whole number from 1 to 300, not text" },
        { "{\"Name\":\"a\",\"TimeoutSeconds\":1000000000000000000000000000000000000000000000000000000000000000000000}",
          "TimeoutSeconds: must be a whole number from 1 to 300, not 100000000000000000000000000000000000000000000000000000000000..." },
        { "{\"Name\":\"a\",\"OnUndefined\":\"Skip\"}", "OnUndefined: must be one of Fail, Leave; not \"Skip\"" },
        { "{\"Name\":\"a\",\"OnUndefined\":true}", "OnUndefined: must be one of Fail, Leave; not a boolean" },
        { "{\"Name\":\"a\",\"OnUndefined\":\"ab\\nc\\u0000\"}", "OnUndefined: must be one of Fail, Leave; not \"ab\\nc\\u0000\"" },
        { "{\"Name\":\"a\",\"OnUndefined\":\"012345678901234567890123456789012345678901234567890123456789é\"}",
          "OnUndefined: must be one of Fail, Leave; not \"012345678901234567890123456789012345678901234567890123456789\"..." },
        { "{\"Name\":\"a\",\"OnUndefined\":\"01234567890123456789012345678901234567890123456789012345678é9\"}",
          "OnUndefined: must be one of Fail, Leave; not \"01234567890123456789012345678901234567890123456789012345678\"..." },
        { "{\"Name\":\"a\",\"Environments\":\"Test\"}", "Environments: must be an array, not text" },
        { "{\"Name\":\"a\",\"Environments\":[\"Test\",5]}", "Environments[1]: must be text, not a number" },
        { "{\"Name\":\"a\",\"Environments\":[null]}", "Environments[0]: must be text, not null" },
        { "{\"Name\":\"a\",\"Headers\":{}}", "Headers: must be an array, not an object" },
        { "{\"Name\":\"a\",\"Filter\":[]}", "Filter: must be an object, not an array" },
        { "{\"Name\":\"a\",\"Filter\":{\"Projects\":[\"a\",{}]}}", "Filter.Projects[1]: must be text, not an object" },
        { "{\"Name\":\"a\",\"Filter\":{\"Project\":[]}}", "Filter.Project: unknown field; did you mean Projects?" },
        { "{\"Name\":\"a\",\"Expires\":\"tomorrow\"}", "Expires: must be a time such as 2026-11-22T17:03:06.123Z, not \"tomorrow\"" },
        { "{\"Name\":\"a\",\"Expires\":1}", "Expires: must be a time such as 2026-11-22T17:03:06.123Z, not a number" },
        { "{\"Name\":\"a\",\"Enviroments\":[]}", "Enviroments: unknown field; did you mean Environments?" },
        { "{\"Name\":\"a\",\"environments\":[]}", "environments: unknown field; did you mean Environments?" },
        { "{\"Name\":\"a\",\"ENABLED\":true}", "ENABLED: unknown field; did you mean Enabled?" },
        { "{\"Name\":\"a\",\"Unheardof\":1}", "Unheardof: unknown field" },
        { "{\"Name\":\"a\",\"\":1}", "[\"\"]: unknown field" },
        { "{\"Name\":\"a\",\"x y\\u0000\":1}", "[\"x y\\u0000\"]: unknown field" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct decode_errors errors = { .arena = &arena };
        read_thing(parse(rows[i].text), &errors);
        CHECK_STR(rows[i].text, errors.count ? errors.items[0] : STR("no error"), str_from(rows[i].want));
        CHECK_INT("and nothing else", errors.count, 1);
    }
}

TEST(what_fits_is_read)
{
    struct decode_errors errors = { .arena = &arena };
    struct decode d;
    size_t count = 9, none = 9;
    const struct json *j = parse("{\"S\":\"x\",\"B\":true,\"I\":-5,\"C\":\"LEAVE\",\"L\":[\"a\",\"b\"],\"E\":[],\"T\":\"2026-11-22T17:03:06.123Z\",\"O\":{},\"A\":[1],\"N\":null,\"X\":[{}]}");
    REQUIRE("it begins", decode_begin(&d, j, STR(""), &errors));
    CHECK_STR("text", decode_str(&d, "S", STR("y")), STR("x"));
    CHECK_STR("required text", decode_required_str(&d, "S"), STR("x"));
    CHECK("boolean", decode_bool(&d, "B", false));
    CHECK_INT("number", decode_i64(&d, "I", 1, -5, 5), -5);
    CHECK_INT("a choice in any case", decode_choice(&d, "C", levels, 0), 1);
    str *list = decode_str_list(&d, "L", &count);
    CHECK("a list", count == 2 && str_eq(list[1], STR("b")));
    CHECK("an empty list", !decode_str_list(&d, "E", &none) && none == 0);
    CHECK_INT("a time", decode_time_ms(&d, "T", 0), 1795366986123);
    CHECK("an object", decode_object(&d, "O"));
    CHECK("an array", decode_array(&d, "A")->count == 1);
    CHECK("anything", decode_any(&d, "X") == json_get(j, STR("X")));
    CHECK("a member", decode_member(&d, "X") == json_get(j, STR("X")));

    CHECK_STR("null is as if left out: text", decode_str(&d, "N", STR("y")), STR("y"));
    CHECK_INT("number", decode_i64(&d, "N", 7, 0, 1), 7);
    CHECK("boolean", decode_bool(&d, "N", true));
    CHECK_INT("choice", decode_choice(&d, "N", levels, -1), -1);
    CHECK("list, object, array, anything", !decode_str_list(&d, "N", &none) && !decode_object(&d, "N") && !decode_array(&d, "N") && !decode_any(&d, "N"));
    CHECK("but a member is null where it says null", json_is(decode_member(&d, "N"), JSON_NULL) && !decode_member(&d, "nowhere"));
    CHECK_INT("time", decode_time_ms(&d, "Absent", 5), 5);
    decode_done(&d);
    CHECK_INT("nothing was wrong", errors.count, 0);
}

TEST(all_problems_are_gathered_up_to_a_bound)
{
    CLEANUP(buf_fini) struct buf text = { 0 };
    struct decode_errors errors = { .arena = &arena }, many = { .arena = &arena };
    read_thing(parse("{\"Enabled\":1,\"Description\":2,\"Enviroments\":[],\"Filter\":{\"x\":1}}"), &errors);
    CHECK_INT("five at once", errors.count, 5);
    buf_add_text(&text, "{\"Name\":\"a\"");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, ",\"unknown%d\":1", i);
    buf_add_text(&text, ",\"Enabled\":7}");
    buf_add_char(&text, 0);
    read_thing(parse(text.p), &many);
    CHECK_INT("never more than the maximum", many.count, DECODE_ERRORS_MAX);
    CHECK_STR("a known field far behind is read all the same", many.items[0], STR("Enabled: must be true or false, not a number"));
}

TEST(known_fields_are_known_wherever_they_stand)
{
    CLEANUP(buf_fini) struct buf text = { 0 };
    struct decode_errors errors = { .arena = &arena };
    struct decode d;
    buf_add_char(&text, '{');
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "\"_%d\":1,", i);
    buf_add_text(&text, "\"Name\":\"a\"}");
    buf_add_char(&text, 0);
    REQUIRE("it begins", decode_begin(&d, parse(text.p), STR("Thing"), &errors));
    errors.count = DECODE_ERRORS_MAX - 1; // room for one
    CHECK_STR("the 301st member is read", decode_str(&d, "Name", STR("")), STR("a"));
    static char names[300][8];
    for (size_t i = 0; i < 256; i++) {
        snprintf(names[i], sizeof names[i], "_%zu", i);
        decode_ignore(&d, names[i]);
    }
    decode_done(&d);
    CHECK_STR("the first unknown is the 257th member", errors.items[DECODE_ERRORS_MAX - 1], STR("Thing._256: unknown field; did you mean _25?"));
}

TEST(an_object_that_did_not_begin_stays_silent)
{
    struct decode_errors errors = { .arena = &arena };
    struct decode d;
    size_t count;
    CHECK("a missing one does not begin", !decode_begin(&d, NULL, STR("Action"), &errors));
    decode_required_str(&d, "Type");
    decode_str_list(&d, "List", &count);
    decode_bool(&d, "B", false);
    decode_done(&d);
    CHECK_INT("one error for it", errors.count, 1);
    CHECK_STR("with its path", errors.items[0], STR("Action: is missing; it must be an object"));
}

TEST(own_errors_and_paths)
{
    struct decode_errors errors = { .arena = &arena };
    struct decode d;
    REQUIRE("it begins", decode_begin(&d, parse("{}"), decode_path_index(&arena, STR("Actions"), 2), &errors));
    decode_error(&d, "Uri", "must begin with %s", "https:");
    decode_error(&d, NULL, "is one too many");
    CHECK_STR("a member's", errors.items[0], STR("Actions[2].Uri: must begin with https:"));
    CHECK_STR("the object's own", errors.items[1], STR("Actions[2]: is one too many"));
    CHECK_STR("a path to go on with", decode_path(&d, "Filter"), STR("Actions[2].Filter"));
}

TEST_MAIN()
