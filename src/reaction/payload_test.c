#include "tests/harness/check.h"

#include "reaction/payload.h"

TEST(the_kind_follows_the_declared_type)
{
    static const struct { const char *type, *body, *kind; } rows[] = {
        { "application/json", "{}", "json" }, { "text/json; charset=utf-8", "{}", "json" }, { "application/vnd.myget.webhooks.v1+json", "{}", "json" },
        { "application/cloudevents+json", "{}", "json" }, { "APPLICATION/JSON", "{}", "json" }, { "application/x-www-form-urlencoded", "a=1", "form" },
        { "application/xml", "<a/>", "xml" }, { "text/xml", "<a/>", "xml" }, { "application/soap+xml", "<a/>", "xml" }, { "text/plain", "x", "text" },
        { "text/html", "x", "text" }, { "application/octet-stream", "x", "bytes" }, { "", "x", "bytes" }, { "application/json", "", "none" }, { "application/jsonx", "x", "bytes" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(rows[i].type, payload_kind(BODY_AUTO, str_from(rows[i].type), str_from(rows[i].body)), rows[i].kind);
    CHECK_TEXT("a trigger may say otherwise", payload_kind(BODY_JSON, STR("text/plain"), STR("{}")), "json");
}

TEST(a_body_must_be_what_it_says)
{
    static const struct { const char *claim, *kind, *body; bool ok; } rows[] = {
        { "good JSON", "json", "{\"a\":1}", true },      { "broken JSON", "json", "{\"a\":", false },      { "no JSON at all", "json", "", false },
        { "a form", "form", "a=1&b=%20", true },         { "a form with a broken escape", "form", "a=%2", false }, { "a form of no UTF-8", "form", "a=%ff", false },
        { "text", "text", "gr\xc3\xbc\xc3\x9f", true },  { "text that is no UTF-8", "text", "\xff", false },  { "any bytes", "bytes", "\xff", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct err e = { 0 };
        CHECK(rows[i].claim, payload_check(rows[i].kind, str_from(rows[i].body), &a, &e) == rows[i].ok);
    }
}

TEST(a_payload_is_data)
{
    static const struct { const char *claim, *kind, *body, *want; } rows[] = {
        { "JSON keeps its numbers", "json", "{\"v\":1.10,\"n\":12345678901234567890}", "{\"v\":1.10,\"n\":12345678901234567890}" },
        { "a form is an object", "form", "a=1&b=x+y&a=2", "{\"a\":[\"1\",\"2\"],\"b\":\"x y\"}" },
        { "text is a string", "text", "hi", "\"hi\"" },
        { "XML too", "xml", "<a/>", "\"<a/>\"" },
        { "bytes are base64", "bytes", "\x01\x02", "\"AQI=\"" },
        { "nothing is null", "none", "", "null" },
        { "JSON in a form's field", "field:payload", "payload=%7B%22a%22%3A1%7D", "{\"a\":1}" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct store_event v = { .payload_kind = str_from(rows[i].kind), .body = str_from(rows[i].body) };
        CHECK_STR(rows[i].claim, json_text(&a, payload_json(&v, &a)), str_from(rows[i].want));
    }
    CHECK_STR("a script sees that as JSON", payload_shown_kind(STR("field:payload")), STR("json"));
}

TEST_MAIN()
