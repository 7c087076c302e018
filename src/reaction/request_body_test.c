#include "reaction/request_body.h"

#include "tests/harness/check.h"

// A body over an event's value: what it renders to, and whether that may be sent.
static bool judge(struct arena *a, const char *kind, const char *body, const char *value_json, struct err *e)
{
    struct template *t;
    struct template_error bad;
    struct template_result result;
    struct json *payload;
    struct vars *v = vars_new(a);
    REQUIRE("the value is JSON", json_parse(a, str_from(value_json), &payload, e));
    vars_bind_json(v, STR("Payload"), payload, PROVENANCE_EVENT);
    REQUIRE("the template parses", template_parse(a, str_from(body), &t, &bad));
    template_render(t, v, &clock_system, a, &result);
    *e = (struct err){ 0 };
    return request_body_check(kind, &result, a, e);
}

TEST(the_events_bytes_stay_data)
{
    static const struct {
        const char *claim, *kind, *body, *payload;
        bool fits;
    } rows[] = {
        { "plain text in a string", "json", "{\"v\": \"#{Payload.V}\"}", "{\"V\": \"1.2.3\"}", true },
        { "an empty value", "json", "{\"v\": \"#{Payload.V}\"}", "{\"V\": \"\"}", true },
        { "an escaped quote", "json", "{\"v\": \"#{Payload.V | JsonEscape}\"}", "{\"V\": \"say \\\"hi\\\"\"}", true },
        { "an escaped attack is only text", "json", "{\"v\": \"#{Payload.V | JsonEscape}\"}", "{\"V\": \"\\\",\\\"admin\\\":\\\"1\"}", true },
        { "an escaped backslash at the end", "json", "{\"v\": \"#{Payload.V | JsonEscape}\"}", "{\"V\": \"C:\\\\\"}", true },
        { "the same attack not escaped, though it is JSON", "json", "{\"v\": \"#{Payload.V}\"}", "{\"V\": \"\\\",\\\"admin\\\":\\\"1\"}", false },
        { "a quote that breaks the JSON", "json", "{\"v\": \"#{Payload.V}\"}", "{\"V\": \"a\\\"b\"}", false },
        { "a backslash that takes the author's quote", "json", "{\"v\": \"#{Payload.V}\", \"w\": \"#{Payload.W}\"}", "{\"V\": \"\\\\\", \"W\": \",\\\"x\\\":\\\"\"}", false },
        { "a line break in a string", "json", "{\"v\": \"#{Payload.V}\"}", "{\"V\": \"a\\nb\"}", false },
        { "a number as a value", "json", "{\"n\": #{Payload.N}}", "{\"N\": 1.10}", true },
        { "a text that is a number", "json", "{\"n\": #{Payload.N}}", "{\"N\": \"7\"}", true },
        { "a text that adds a member", "json", "{\"n\": #{Payload.N}}", "{\"N\": \"7,\\\"admin\\\":true\"}", false },
        { "a text that closes the object", "json", "[{\"n\": #{Payload.N}}]", "{\"N\": \"7},{\\\"n\\\":8\"}", false },
        { "an object as a value", "json", "{\"o\": #{Payload.O}}", "{\"O\": {\"a\": [1, 2], \"b\": \"x,y:z\"}}", true },
        { "a list as a value", "json", "{\"o\": #{Payload.O}, \"p\": 1}", "{\"O\": [1, {\"a\": 2}]}", true },
        { "the payload whole", "json", "#{Payload}", "{\"O\": [1, {\"a\": 2}]}", true },
        { "two values side by side in one string", "json", "{\"v\": \"#{Payload.A}#{Payload.B}\"}", "{\"A\": \"x\", \"B\": \"y\"}", true },
        { "a loop with the author's commas", "json", "[#{each e in Payload.L}\"#{e}\",#{/each}\"end\"]", "{\"L\": [\"a\", \"b\"]}", true },
        { "what is no JSON", "json", "#{Payload.V}", "{\"V\": \"hello\"}", false },
        { "nothing at all", "json", "#{Payload.V}", "{\"V\": \"\"}", false },
        { "a form's value", "form", "a=#{Payload.V}&b=2", "{\"V\": \"x\"}", true },
        { "a form's separator", "form", "a=#{Payload.V}&b=2", "{\"V\": \"x&admin=1\"}", false },
        { "a form's separator, escaped", "form", "a=#{Payload.V | UriDataEscape}&b=2", "{\"V\": \"x&admin=1 +\"}", true },
        { "a blank in a form", "form", "a=#{Payload.V}", "{\"V\": \"x y\"}", false },
        { "a text in XML", "xml", "<a>#{Payload.V}</a>", "{\"V\": \"x\"}", true },
        { "a tag in XML", "xml", "<a>#{Payload.V}</a>", "{\"V\": \"</a><b>\"}", false },
        { "a tag in XML, escaped", "xml", "<a>#{Payload.V | XmlEscape}</a>", "{\"V\": \"</a><b>\"}", true },
        { "a quote in XML's text", "xml", "<a>#{Payload.V}</a>", "{\"V\": \"it's\"}", true },
        { "a quote in an attribute", "xml", "<a b=\"#{Payload.V}\"/>", "{\"V\": \"x\\\" c=\\\"\"}", false },
        { "anything in plain text", "text", "#{Payload.V}", "{\"V\": \"</a>\\\",&=\"}", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct err e;
        bool fits = judge(&a, rows[i].kind, rows[i].body, rows[i].payload, &e);
        if (!CHECK(rows[i].claim, fits == rows[i].fits) && !fits)
            fprintf(stderr, "  %s\n", e.text);
        if (!fits)
            CHECK(rows[i].claim, str_starts(str_from(e.text), STR("Action.Body: ")) && str_find(str_from(e.text), STR("nothing was sent")) > 0);
    }
}

TEST_MAIN()
