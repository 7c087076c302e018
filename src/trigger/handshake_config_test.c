#include "tests/harness/check.h"

#include "json/json.h"
#include "trigger/handshake_internal.h"

static bool parse(struct arena *a, const char *text, struct decode_errors *errors, struct handshake **h)
{
    struct json *conf;
    struct err e = { 0 };
    *errors = (struct decode_errors){ .arena = a };
    if (!json_parse(a, str_from(text), &conf, &e))
        return CHECK_OK(text, false, &e);
    return handshake_parse(a, conf, STR("Handshake"), errors, h);
}

TEST(a_token_kept_from_an_earlier_preset_is_no_mistake)
{
    static const struct { const char *claim, *conf; bool is_good; } rows[] = {
        { "none", "{\"Preset\":\"slack\"}", true },
        { "null, as stored", "{\"Preset\":\"slack\",\"VerifyToken\":null}", true },
        { "sealed, as stored", "{\"Preset\":\"slack\",\"VerifyToken\":{\"Sealed\":\"x\"}}", true },
        { "sent for a preset that has none", "{\"Preset\":\"slack\",\"VerifyToken\":\"abc\"}", false },
        { "null where it is optional", "{\"Preset\":\"echo-query\",\"Parameter\":\"challenge\",\"VerifyToken\":null}", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors = { .arena = &a };
        struct json *conf;
        struct handshake *h;
        REQUIRE("a row's own JSON", json_parse(&a, str_from(rows[i].conf), &conf, NULL));
        CHECK_INT(rows[i].claim, handshake_parse(&a, conf, STR("Handshake"), &errors, &h), rows[i].is_good);
    }
}

TEST(what_cannot_be_saved)
{
    static const struct { const char *conf, *want; } rows[] = {
        { "5", "Handshake: must be an object, not a number" },
        { "{}", "Handshake.When: is missing; it must be an object" },
        { "{\"Preset\":\"slak\"}", "Handshake.Preset: \"slak\" is unknown; known are slack eventgrid cloudevents sns echo-query echo-header hmac-reply head" },
        { "{\"Preset\":\"slack\",\"Origins\":[]}", "Handshake.Origins: unknown field" },
        { "{\"Preset\":\"eventgrid\",\"Subscriptions\":\"a\"}", "Handshake.Subscriptions: must be an array, not text" },
        { "{\"Preset\":\"sns\",\"Confirm\":1}", "Handshake.Confirm: must be true or false, not a number" },
        { "{\"Preset\":\"echo-query\"}", "Handshake.Parameter: is missing" },
        { "{\"Preset\":\"echo-query\",\"Parameter\":\"a}b\"}", "Handshake.Parameter: must be a name such as validationToken" },
        { "{\"Preset\":\"echo-query\",\"Parameter\":\"a\",\"VerifyToken\":\"x\"}", "Handshake.VerifyParameter: must name the parameter" },
        { "{\"Preset\":\"echo-query\",\"Parameter\":\"hub.challenge\",\"VerifyToken\":\"\"}", "Handshake.VerifyToken: must not be empty" },
        { "{\"Preset\":\"echo-query\",\"Parameter\":\"hub.challenge\",\"VerifyToken\":5}", "Handshake.VerifyToken: must be text" },
        { "{\"Preset\":\"echo-header\"}", "Handshake.Header: is missing" },
        { "{\"Preset\":\"echo-header\",\"Header\":\"a b\"}", "Handshake.Header: must be a header's name" },
        { "{\"When\":{},\"Reply\":{}}", "Handshake.When: must have a condition" },
        { "{\"When\":{\"Method\":\"PO ST\"},\"Reply\":{}}", "Handshake.When.Method: must be HTTP methods" },
        { "{\"When\":{\"Header\":{\"X\":false}},\"Reply\":{}}", "Handshake.When.Header.X: must be the text it has to equal, or true" },
        { "{\"When\":{\"Pointer\":{\"a\":true}},\"Reply\":{}}", "Handshake.When.Pointer.a: must be a JSON pointer" },
        { "{\"When\":{\"Method\":\"GET\"}}", "Handshake.Reply: is missing" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{\"Status\":302}}", "Handshake.Reply.Status: must be a whole number from 200 to 299" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{\"ContentType\":\"text/html\"}}", "Handshake.Reply.ContentType: must be text/plain or JSON" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{\"ContentType\":\"image/svg+xml\"}}", "Handshake.Reply.ContentType: must be text/plain or JSON" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{\"ContentType\":\"text/plain\\r\\nX: y\"}}", "Handshake.Reply.ContentType: must be text/plain or JSON" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{\"Body\":\"{body}\"}}", "Handshake.Reply.Body: unknown placeholder {body}" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{\"Headers\":{\"Set-Cookie\":\"a=b\"}}}", "Handshake.Reply.Headers.Set-Cookie: is not to be set" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{\"Headers\":{\"X\":\"a\\nb\"}}}", "Handshake.Reply.Headers.X: must be text of one line" },
        { "{\"When\":{\"Method\":\"GET\"},\"Reply\":{},\"Then\":{}}", "Handshake.Then: unknown field; did you mean When?" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        struct handshake *h;
        CHECK("it is refused", !parse(&a, rows[i].conf, &errors, &h));
        str first = errors.count ? str_sub(errors.items[0], 0, strlen(rows[i].want)) : STR("no error");
        CHECK_STR(rows[i].conf, first, str_from(rows[i].want));
    }
}

TEST(each_preset_is_sound)
{
    for (size_t i = 0; handshake_preset_name(i); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        struct handshake *h;
        const char *name = handshake_preset_name(i);
        const char *option = !strcmp(name, "echo-query") ? ",\"Parameter\":\"challenge\"" : !strcmp(name, "echo-header") ? ",\"Header\":\"X-Hook-Secret\"" : "";
        CHECK(name, parse(&a, arena_printf(&a, "{\"Preset\":\"%s\"%s}", name, option).p, &errors, &h));
        CHECK_INT("without a problem", errors.count, 0);
    }
    CHECK("JSON by its names", content_type_is_json(STR("application/cloudevents+json; charset=utf-8")) && content_type_is_json(STR("Application/JSON")));
    CHECK("and nothing else", !content_type_is_json(STR("text/json+xml")) && !content_type_is_json(STR("text/plain")));
}

TEST_MAIN()
