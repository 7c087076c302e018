#include "tests/harness/check.h"

#include "reaction/data.h"
#include "reaction/payload.h"

struct fixture {
    struct arena a;
    struct data_source source;
    struct snapshot snapshot;
    struct keyring *keyring;
    struct store_event event;
    struct vars *vars;
};

static void begin(struct fixture *f, const char *payload)
{
    unsigned char key[KEYRING_KEY_BYTES] = { 1 };
    *f = (struct fixture){ 0 };
    f->keyring = keyring_from_bytes(key, &random_system);
    f->source = (struct data_source){ &f->snapshot, f->keyring, &clock_system, NULL };
    f->event = (struct store_event){ .payload_kind = STR("json"), .body = str_from(payload), .request = STR("{\"Method\":\"POST\",\"Query\":{\"q\":\"1\"},\"Route\":{\"team\":\"blue\"}}") };
    f->vars = data_of_event(&f->source, &f->event, payload_json(&f->event, &f->a), &f->a);
}

static void end(struct fixture *f)
{
    keyring_close(f->keyring);
    arena_fini(&f->a);
}

static str render(struct fixture *f, const char *text)
{
    str out = { 0 };
    struct err e = { 0 };
    return data_render(&f->source, str_from(text), f->vars, &f->a, &out, &e) ? out : str_from("(error)");
}

TEST(the_event_is_data_in_templates)
{
    struct fixture f;
    begin(&f, "{\"name\":\"Ann\",\"version\":1.10,\"big\":12345678901234567890,\"evil\":\"#{Secret}\",\"tags\":[\"a\",\"#{b}\"]}");
    static const struct { const char *template, *want; } rows[] = {
        { "#{Payload.name}", "Ann" },       { "#{Payload.version}", "1.10" },        { "#{Payload.big}", "12345678901234567890" },
        { "#{Query.q}", "1" },              { "#{Route.team}", "blue" },             { "#{Request.Method}", "POST" },
        { "#{Payload.evil}", "#{Secret}" }, { "#{each t in Payload.tags}#{t},#{/each}", "a,#{b}," },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].template, render(&f, rows[i].template), str_from(rows[i].want));
    end(&f);
}

TEST(variables_are_templates_and_secrets_are_not)
{
    struct fixture f;
    struct err e = { 0 };
    begin(&f, "{\"name\":\"Ann\",\"evil\":\"#{Secret}\"}");
    struct variable variables[] = {
        { .name = STR("Greeting"), .value = json_new_string(&f.a, STR("Hi #{Payload.name}")) },
        { .name = STR("Tricked"), .value = json_new_string(&f.a, STR("#{Payload.evil}")) },
        { .name = STR("Secret"), .value = json_new_string(&f.a, STR("canary #{Greeting}")), .is_sensitive = true },
    };
    struct reaction def = { .variables = variables, .variable_count = COUNT(variables) };
    struct mask *mask = mask_new();
    struct json *rendered = json_new_object(&f.a);
    CHECK_OK("they are added", data_add_variables(&f.source, &def, 1, 1, f.vars, mask, &f.a, &e), &e);
    CHECK_STR("a variable is a template", render(&f, "#{Greeting}!"), STR("Hi Ann!"));
    CHECK_STR("what the event holds is not, wherever it came through", render(&f, "#{Tricked}"), STR("#{Secret}"));
    CHECK_STR("a secret is literal", render(&f, "#{Secret}"), STR("canary #{Greeting}"));
    CHECK_STR("and masked from now on", mask_apply(mask, STR("it is canary #{Greeting}"), &f.a), STR("it is " MASK_TEXT));
    CHECK_OK("a script finds them rendered", data_rendered_variables(&f.source, &def, f.vars, rendered, &f.a, &e), &e);
    CHECK_STR("by name", json_str(json_get(rendered, STR("Greeting")), STR("")), STR("Hi Ann"));
    mask_free(mask);
    end(&f);
}

TEST(a_secret_goes_to_the_reactions_it_lists)
{
    static const struct {
        const char *allowed;
        bool may_use;
    } rows[] = {
        { "null", true }, { "[]", true }, { "[\"Reactions-7\"]", true }, { "[\"tell\"]", true }, { "[\"Other\", \"Tell them\"]", true }, { "[\"Reactions-70\"]", false }, { "[\"\"]", false }, { "[\"other\"]", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fixture f;
        struct err e = { 0 };
        struct json *doc = NULL;
        begin(&f, "{}");
        str sealed = keyring_seal(f.keyring, STR("Secrets-3/Value"), STR("the value"), &f.a);
        REQUIRE("the secret is JSON", json_parse(&f.a, arena_printf(&f.a, "{\"Name\":\"key\",\"Value\":{\"Sealed\":\"%.*s\"},\"AllowedReactions\":%s}", STR_ARG(sealed), rows[i].allowed), &doc, &e));
        struct secret_entry secret = { 3, 1, STR("key"), doc };
        f.snapshot.secrets = &secret;
        f.snapshot.secret_count = 1;
        struct variable variable = { .name = STR("Key"), .secret = STR("key") };
        struct reaction def = { .name = STR("Tell them"), .slug = STR("tell"), .variables = &variable, .variable_count = 1 };
        bool ok = data_add_variables(&f.source, &def, 7, 1, f.vars, NULL, &f.a, &e);
        CHECK(rows[i].allowed, ok == rows[i].may_use);
        if (ok)
            CHECK_STR("it has its value", render(&f, "#{Key}"), STR("the value"));
        else
            CHECK("the refusal says where to change it", e.kind == ERR_DENIED && strstr(e.text, "AllowedReactions"));
        end(&f);
    }
}

TEST(templates_are_checked_when_saved)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct decode_errors errors = { .arena = &a };
    struct reaction def = { .condition = STR("#{if Payload.x}true#{/if}") };
    data_check_templates(&def, &errors);
    CHECK_INT("a good condition", errors.count, 0);
    def.condition = STR("#{Payload.x | }");
    data_check_templates(&def, &errors);
    REQUIRE("a broken one is refused", errors.count == 1);
    CHECK("with its place", str_starts(errors.items[0], STR("Filter.Condition: line 1")));
}

TEST_MAIN()
