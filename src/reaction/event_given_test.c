#include "tests/harness/check.h"

#include "reaction/event_given.h"
#include "reaction/payload.h"

static struct store_event given(struct arena *a, enum trigger_type type, const char *text, str *problem)
{
    struct err e = { 0 };
    struct json *doc;
    struct decode_errors errors = { .arena = a };
    struct snapshot snapshot = { 0 };
    struct trigger trigger = { .id = 7, .slug = STR("hook"), .route = STR("hook") };
    struct trigger_entry entry = { .t = &trigger };
    struct reaction def = { .trigger_type = type, .trigger_name = STR("hook") };
    struct reaction_entry r = { .id = 1, .space_id = 1, .def = &def, .trigger = type == TRIGGER_EXTERNAL ? &entry : NULL };
    struct store_event v = { 0 };
    CHECK_OK("the text", json_parse(a, str_from(text), &doc, &e), &e);
    bool ok = event_given(doc, &snapshot, &r, 1700000000000, &errors, &v);
    *problem = errors.count ? errors.items[0] : STR("");
    CHECK("it says why, or it is taken", ok == !errors.count);
    return v;
}

TEST(the_three_forms)
{
    static const struct {
        const char *claim;
        enum trigger_type type;
        const char *text;
        enum event_source source;
        const char *kind_of_event, *payload_kind, *body;
    } rows[] = {
        { "a payload", TRIGGER_EXTERNAL, "{\"a\":1}", EVENT_EXTERNAL, "hook", "json", "{\"a\":1}" },
        { "a payload that is a list", TRIGGER_EXTERNAL, "[1]", EVENT_EXTERNAL, "hook", "json", "[1]" },
        { "a payload that holds one", TRIGGER_EXTERNAL, "{\"Payload\":{\"a\":1},\"Identifier\":\"x\"}", EVENT_EXTERNAL, "hook", "json", "{\"Payload\":{\"a\":1},\"Identifier\":\"x\"}" },
        { "an event with a payload", TRIGGER_EXTERNAL, "{\"Payload\":{\"a\":1},\"Id\":\"Events-3\",\"Links\":{}}", EVENT_EXTERNAL, "hook", "json", "{\"a\":1}" },
        { "without one", TRIGGER_EXTERNAL, "{\"Source\":\"External\"}", EVENT_EXTERNAL, "hook", "none", "" },
        { "text", TRIGGER_EXTERNAL, "{\"Request\":{\"ContentType\":\"text/plain\"},\"Payload\":\"hello\"}", EVENT_EXTERNAL, "hook", "text", "hello" },
        { "XML", TRIGGER_EXTERNAL, "{\"Request\":{\"ContentType\":\"application/xml\"},\"Payload\":\"<a/>\"}", EVENT_EXTERNAL, "hook", "xml", "<a/>" },
        { "an Octopus event", TRIGGER_INTERNAL, "{\"Id\":\"Events-9\",\"Category\":\"Modified\",\"Occurred\":\"2026-03-02T09:14:31Z\"}", EVENT_INTERNAL, "Modified", "json",
            "{\"Id\":\"Events-9\",\"Category\":\"Modified\",\"Occurred\":\"2026-03-02T09:14:31Z\"}" },
        { "one without id and time", TRIGGER_INTERNAL, "{\"Category\":\"Modified\"}", EVENT_INTERNAL, "Modified", "json", "{\"Category\":\"Modified\",\"Id\":\"Events-0\",\"Occurred\":\"2023-11-14T22:13:20.000Z\"}" },
        { "one as the API shows it", TRIGGER_INTERNAL, "{\"Source\":\"Internal\",\"Type\":\"Modified\",\"OctopusEventId\":\"Events-9\",\"Payload\":{\"Occurred\":\"2026-03-02T09:14:31Z\"}}", EVENT_INTERNAL,
            "Modified", "json", "{\"Occurred\":\"2026-03-02T09:14:31Z\",\"Category\":\"Modified\",\"Id\":\"Events-9\"}" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        str problem;
        struct store_event v = given(&a, rows[i].type, rows[i].text, &problem);
        CHECK_STR(rows[i].claim, problem, STR(""));
        CHECK_INT(rows[i].claim, v.source, rows[i].source);
        CHECK_STR(rows[i].claim, v.type, str_from(rows[i].kind_of_event));
        CHECK_STR(rows[i].claim, v.payload_kind, str_from(rows[i].payload_kind));
        CHECK_STR(rows[i].claim, v.body, str_from(rows[i].body));
        CHECK_INT("of that trigger", v.trigger_id, rows[i].source == EVENT_EXTERNAL ? 7 : 0);
    }
}

TEST(what_is_wrong_is_named)
{
    static const struct { const char *claim; enum trigger_type type; const char *text, *want; } rows[] = {
        { "a field nobody knows", TRIGGER_EXTERNAL, "{\"Source\":\"External\",\"Payload\":1,\"Reqest\":{}}", "Event.Reqest: unknown field; did you mean Request?" },
        { "another trigger", TRIGGER_EXTERNAL, "{\"Payload\":1,\"Trigger\":\"nobody\"}", "Event.Trigger: there is no trigger \"nobody\" in this space" },
        { "a time that is none", TRIGGER_INTERNAL, "{\"Category\":\"Modified\",\"Occurred\":\"soon\"}", "Event: Events-0: Occurred is not a time: \"soon\"" },
        { "no Octopus event", TRIGGER_INTERNAL, "{\"a\":1}", "Event.a: unknown field" },
        { "no category", TRIGGER_INTERNAL, "{\"Payload\":{}}", "Event: Events-0 has no usable Category" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        str problem;
        given(&a, rows[i].type, rows[i].text, &problem);
        CHECK_STR(rows[i].claim, problem, str_from(rows[i].want));
    }
}

TEST(half_a_request_is_completed)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str problem;
    struct json *request;
    struct err e;
    struct store_event v = given(&a, TRIGGER_EXTERNAL, "{\"Request\":{\"Query\":{\"a\":\"1\"}},\"Payload\":{}}", &problem);
    CHECK_OK("the request", json_parse(&a, v.request, &request, &e), &e);
    CHECK_STR("what was given stays", json_text(&a, json_get(request, STR("Query"))), STR("{\"a\":\"1\"}"));
    CHECK("the rest is empty", json_is(json_get(request, STR("Headers")), JSON_OBJECT) && json_is(json_get(request, STR("Route")), JSON_OBJECT));
}

TEST_MAIN()
