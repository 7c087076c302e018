#include "reaction/http_request.h"

#include "reaction/mask.h"
#include "tests/harness/check.h"

#define KEY "0b5e0c1e-7d7e-4c63-9d5c-1a2b3c4d5e6f"

struct fixture {
    struct arena arena;
    struct clock_fake clock;
    struct random_seeded random;
    struct outgoing out;
    struct err e;
    bool ok;
};

static void fixture_fini(struct fixture *f)
{
    arena_fini(&f->arena);
}

static struct json *parsed(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    if (!json_parse(a, str_from(text), &j, &e)) {
        fprintf(stderr, "%s: %s\n", text, e.text);
        fail();
    }
    return j;
}

// Action's fields beside its Type, and the payload of the event. Variables: Url (the author's), Token and Bound (secrets), Both, which
// refers to Bound.
static void render(struct fixture *f, const char *action_fields, const char *payload)
{
    struct arena *a = &f->arena;
    struct decode_errors errors = { .arena = a };
    str text = arena_printf(a, "{\"Name\":\"r\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentFailed\"]},\"Action\":{\"Type\":\"Http\",%s}}", action_fields);
    struct reaction *def = reaction_decode(a, parsed(a, text.p), &errors);
    if (errors.count) {
        fprintf(stderr, "%.*s\n", STR_ARG(errors.items[0]));
        fail();
    }
    struct vars *v = vars_new(a);
    vars_bind_json(v, STR("Payload"), parsed(a, payload), PROVENANCE_EVENT);
    vars_set_text(v, STR("Url"), STR("https://example.com"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("Token"), STR("tk"), PROVENANCE_SECRET);
    vars_set_text(v, STR("Bound"), STR("bound-secret"), PROVENANCE_SECRET);
    vars_set_text(v, STR("Both"), STR("Bearer #{Bound}"), PROVENANCE_TEMPLATE);
    clock_fake_init(&f->clock, INT64_C(1614265330000));
    random_seed(&f->random, 7);
    struct bound_secret bound = { STR("Bound"), STR("feed-key"), parsed(a, "[\"api.example.com\",\"other.example.com:8443\",\"[2001:db8::1]:443\"]") };
    struct http_request_input in = {
        .def = def, .vars = v, .bound = &bound, .bound_count = 1, .key = STR(KEY), .reaction_id = STR("Reactions-1"), .run_id = STR("Runs-42"),
        .clock = &f->clock.clock, .random = &f->random.random,
    };
    f->e = (struct err){ 0 };
    f->ok = http_request_render(&in, a, &f->out, &f->e);
}

static str header(const struct fixture *f, const char *name)
{
    str found = { 0 };
    for (size_t i = 0; i < f->out.header_count; i++)
        if (str_eq_nocase(f->out.headers[i].name, str_from(name)))
            found = found.p ? STR("there twice") : f->out.headers[i].value;
    return found;
}

TEST(a_request_is_rendered_whole)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    render(&f, "\"Method\":\"#{if Payload.Id}put#{/if}\",\"Uri\":\"#{Url}/d/#{Payload.Id}?t=#{Token}\",\"Headers\":[{\"Name\":\"Api-Key\",\"Value\":\"k #{Token}\"}],"
               "\"Body\":\"{ \\\"version\\\": \\\"#{Payload.V | JsonEscape}\\\" }\"",
           "{\"Id\":\"Deployments-7\",\"V\":\"1.\\\"0\"}");
    if (!CHECK_OK("it renders", f.ok, &f.e))
        fail();
    CHECK_STR("the method, in capitals", f.out.method, STR("PUT"));
    CHECK_STR("the address", f.out.url, STR("https://example.com/d/Deployments-7?t=tk"));
    CHECK_STR("its host with the port", f.out.host, STR("example.com:443"));
    CHECK_STR("the body", f.out.body, STR("{ \"version\": \"1.\\\"0\" }"));
    CHECK_STR("the author's header", header(&f, "api-key"), STR("k tk"));
    CHECK_STR("the content type is JSON by default", header(&f, "content-type"), STR("application/json"));
    CHECK_STR("one key for all attempts", header(&f, "idempotency-key"), STR(KEY));
    CHECK_STR("it says who it is", header(&f, "user-agent"), STR("OctopusReactions/1 (reaction Reactions-1; run Runs-42)"));
    str trace = header(&f, "traceparent");
    CHECK("a trace of the run", trace.n == 55 && str_starts(trace, STR("00-0b5e0c1e7d7e4c639d5c1a2b3c4d5e6f-")) && str_ends(trace, STR("-01")));
    CHECK_STR("what is kept of the address has no secret, however short", json_str(json_get(f.out.shown, STR("Uri")), STR("")), STR("https://example.com/d/Deployments-7?t=" MASK_TEXT));
    CHECK_STR("nor of the header", json_str(json_pointer(f.out.shown, STR("/Headers/0/Value")), STR("")), STR("k " MASK_TEXT));
    CHECK_STR("the body is kept", json_str(json_get(f.out.shown, STR("Body")), STR("")), f.out.body);
}

TEST(the_authors_headers_win)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    render(&f, "\"Uri\":\"https://example.com/\",\"Body\":\"a=1\",\"Headers\":[{\"Name\":\"content-type\",\"Value\":\"application/x-www-form-urlencoded\"},"
               "{\"Name\":\"Idempotency-Key\",\"Value\":\"mine\"},{\"Name\":\"User-Agent\",\"Value\":\"me\"},{\"Name\":\"traceparent\",\"Value\":\"t\"}]", "{}");
    if (!CHECK_OK("it renders", f.ok, &f.e))
        fail();
    CHECK_STR("the content type, which decides the check of the body too", header(&f, "Content-Type"), STR("application/x-www-form-urlencoded"));
    CHECK_STR("the key", header(&f, "Idempotency-Key"), STR("mine"));
    CHECK_STR("the user agent", header(&f, "User-Agent"), STR("me"));
    CHECK_STR("the trace", header(&f, "traceparent"), STR("t"));
}

TEST(it_is_signed_as_sent)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    render(&f, "\"Uri\":\"https://example.com/\",\"ContentType\":\"text/plain\",\"Body\":\"#{Payload.V}\",\"Signing\":{\"Scheme\":\"Hmac\",\"Header\":\"X-Hub-Signature-256\",\"Prefix\":\"sha256=\",\"Secret\":\"It's a Secret to Everybody\"}",
           "{\"V\":\"Hello, World!\"}");
    CHECK_OK("it renders", f.ok, &f.e);
    CHECK_STR("over the rendered body", header(&f, "X-Hub-Signature-256"), STR("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"));
    render(&f, "\"Uri\":\"https://example.com/\",\"Body\":\"{}\",\"Signing\":{\"Scheme\":\"StandardWebhooks\",\"Secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}", "{}");
    CHECK_OK("it renders", f.ok, &f.e);
    CHECK_STR("under the run's key", header(&f, "webhook-id"), STR(KEY));
    CHECK_STR("at the attempt's time", header(&f, "webhook-timestamp"), STR("1614265330"));
    CHECK("with version 1", str_starts(header(&f, "webhook-signature"), STR("v1,")));
    render(&f, "\"Uri\":\"https://example.com/\",\"Signing\":{\"Scheme\":\"StandardWebhooks\"}", "{}");
    CHECK("a missing secret sends nothing", !f.ok && str_starts(str_from(f.e.text), STR("Action.Signing.Secret: is missing")));
}

TEST(what_must_not_be_sent_is_not)
{
    static const struct {
        const char *claim, *action, *payload, *error; // NULL: it may be sent
    } rows[] = {
        { "an undefined token in the body", "\"Uri\":\"https://example.com/\",\"Body\":\"{\\\"a\\\":\\\"#{Nope}\\\"}\"", "{}", "Action.Body: #{Nope} is not defined" },
        { "an undefined token in the address", "\"Uri\":\"https://example.com/#{Nope}\"", "{}", "Action.Uri: #{Nope} is not defined" },
        { "an undefined token in a header", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Nope}\"}]", "{}", "the header A: #{Nope} is not defined" },
        { "an undefined token in the method", "\"Method\":\"#{Nope}\",\"Uri\":\"https://example.com/\"", "{}", "Action.Method: #{Nope} is not defined" },
        { "undefined tokens may stay where that is said", "\"OnUndefined\":\"Leave\",\"Uri\":\"https://example.com/#{Nope}\",\"Body\":\"{\\\"a\\\":\\\"#{Nope}\\\"}\"", "{}", NULL },
        { "an exception", "\"Uri\":\"https://example.com/\",\"Body\":\"#{Payload.V | Match \\\"(\\\"}\"", "{\"V\":\"x\"}", "Action.Body: " },
        { "the event's host", "\"Uri\":\"https://#{Payload.H}/\"", "{\"H\":\"evil.example\"}", "Action.Uri: its scheme and host must not come from the event" },
        { "a part of the host", "\"Uri\":\"https://#{Payload.H}.example.com/\"", "{\"H\":\"evil.example/\"}", "Action.Uri: its scheme and host must not come from the event" },
        { "what follows the host without a slash", "\"Uri\":\"https://example.com#{Payload.H}/\"", "{\"H\":\".evil.example\"}", "Action.Uri: its scheme and host must not come from the event" },
        { "a user name before another host", "\"Uri\":\"https://example.com#{Payload.H}\"", "{\"H\":\"@evil.example/\"}", "Action.Uri: its scheme and host must not come from the event" },
        { "the event's port", "\"Uri\":\"https://example.com:#{Payload.P}/\"", "{\"P\":\"22\"}", "Action.Uri: its scheme and host must not come from the event" },
        { "the event's scheme", "\"Uri\":\"#{Payload.S}://example.com/\"", "{\"S\":\"http\"}", "Action.Uri: its scheme and host must not come from the event" },
        { "the whole address", "\"Uri\":\"#{Payload.U}\"", "{\"U\":\"https://evil.example/\"}", "Action.Uri: its scheme and host must not come from the event" },
        { "a path is data", "\"Uri\":\"https://example.com/#{Payload.P}\"", "{\"P\":\"a/b.c/..d\"}", NULL },
        { "a path that climbs", "\"Uri\":\"https://example.com/a/#{Payload.P}\"", "{\"P\":\"../admin\"}", "Action.Uri: the event put \"..\" in its path" },
        { "a path that climbs at the end", "\"Uri\":\"https://example.com/a/#{Payload.P}\"", "{\"P\":\"b/..\"}", "Action.Uri: the event put \"..\" in its path" },
        { "a path that climbs escaped", "\"Uri\":\"https://example.com/a/#{Payload.P}/c\"", "{\"P\":\".%2E\"}", "Action.Uri: the event put \".%2E\" in its path" },
        { "half of the dots are the author's", "\"Uri\":\"https://example.com/a/.#{Payload.P}\"", "{\"P\":\"./x\"}", "Action.Uri: the event put \"..\" in its path" },
        { "a query made of a path", "\"Uri\":\"https://example.com/#{Payload.P}\"", "{\"P\":\"a?admin=1\"}", "Action.Uri: the event put a \"?\" in it" },
        { "another parameter", "\"Uri\":\"https://example.com/?a=#{Payload.P}\"", "{\"P\":\"1&admin=1\"}", "Action.Uri: the event put a \"&\" in it" },
        { "an escaped one", "\"Uri\":\"https://example.com/?a=#{Payload.P | UriDataEscape}\"", "{\"P\":\"1&admin=1 #\"}", NULL },
        { "a fragment that hides the rest", "\"Uri\":\"https://example.com/#{Payload.P}/safe\"", "{\"P\":\"a#\"}", "Action.Uri: the event put a \"#\" in it" },
        { "a blank in the address", "\"Uri\":\"https://example.com/#{Payload.P}\"", "{\"P\":\"a b\"}", "Action.Uri: the URL holds a blank" },
        { "a line break in the address", "\"Uri\":\"https://example.com/#{Payload.P}\"", "{\"P\":\"a\\r\\nX: y\"}", "Action.Uri: the URL holds a blank or a control" },
        { "another scheme", "\"Uri\":\"file:///etc/passwd\"", "{}", "Action.Uri: the URL must begin with http" },
        { "a user name", "\"Uri\":\"https://a:b@example.com/\"", "{}", "Action.Uri: a URL must not hold a user name" },
        { "CR LF in a header", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Payload.V}\"}]", "{\"V\":\"a\\r\\nB: c\"}", "the header A: its value must hold no CR" },
        { "LF in a header", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Payload.V}\"}]", "{\"V\":\"a\\nB: c\"}", "the header A: its value must hold no CR" },
        { "NUL in a header", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Payload.V}\"}]", "{\"V\":\"a\\u0000b\"}", "the header A: its value must hold no CR" },
        { "a header's name with a colon", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A: b\",\"Value\":\"c\"}]", "{}", "\"A: b\" must be the name of a header" },
        { "the Host header", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"host\",\"Value\":\"c\"}]", "{}", "\"host\" must be the name of a header" },
        { "the length", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"Content-Length\",\"Value\":\"1\"}]", "{}", "\"Content-Length\" must be the name of a header" },
        { "a content type with a line break", "\"Uri\":\"https://example.com/\",\"Body\":\"a\",\"ContentType\":\"#{Payload.V}\"", "{\"V\":\"a/b\\r\\nX: y\"}", "Action.ContentType: its value must hold no CR" },
        { "a method that is none", "\"Method\":\"GET /x\",\"Uri\":\"https://example.com/\"", "{}", "Action.Method: \"GET /x\" is no HTTP method" },
        { "JSON that is none", "\"Uri\":\"https://example.com/\",\"Body\":\"{ \\\"a\\\": }\"", "{}", "Action.Body: is not JSON" },
        { "JSON that is none, as a +json type with a charset", "\"Uri\":\"https://example.com/\",\"Body\":\"{\",\"ContentType\":\"application/cloudevents+json; charset=utf-8\"", "{}", "Action.Body: is not JSON" },
        { "JSON that is none, unless nobody is to look", "\"CheckBody\":false,\"Uri\":\"https://example.com/\",\"Body\":\"{ \\\"a\\\": }\"", "{}", NULL },
        { "a body that became empty", "\"Uri\":\"https://example.com/\",\"Body\":\"#{Payload.V}\"", "{\"V\":\"\"}", "Action.Body: is not JSON" },
        { "JSON that the event changes", "\"Uri\":\"https://example.com/\",\"Body\":\"{\\\"a\\\":\\\"#{Payload.V}\\\"}\"", "{\"V\":\"\\\",\\\"b\\\":\\\"\"}", "Action.Body: a value of the event at byte 7 would change the JSON" },
        { "no body needs no JSON", "\"Method\":\"GET\",\"Uri\":\"https://example.com/\"", "{}", NULL },
        { "a bound secret to a host that may have it", "\"Uri\":\"https://api.example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Both}\"}]", "{}", NULL },
        { "and in capitals", "\"Uri\":\"https://API.example.com:443/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Bound}\"}]", "{}", NULL },
        { "a port that is listed", "\"Uri\":\"https://other.example.com:8443/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Bound}\"}]", "{}", NULL },
        { "an address that is listed", "\"Uri\":\"https://[2001:db8::1]/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Bound}\"}]", "{}", NULL },
        { "a bound secret to another host", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Bound}\"}]", "{}", "the header A: #{Bound} is not defined: the secret \"feed-key\" may only be sent to its AllowedHosts, and example.com:443 is none" },
        { "to another port", "\"Uri\":\"https://api.example.com:444/\",\"Body\":\"{\\\"a\\\":\\\"#{Bound}\\\"}\"", "{}", "Action.Body: #{Bound} is not defined" },
        { "to the right host by plain HTTP", "\"Uri\":\"http://other.example.com/\",\"Body\":\"{\\\"a\\\":\\\"#{Bound}\\\"}\"", "{}", "Action.Body: #{Bound} is not defined" },
        { "by way of another variable", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Both}\"}]", "{}", "the header A: " },
        { "in the address itself", "\"Uri\":\"https://example.com/#{Bound}\"", "{}", "Action.Uri: #{Bound} is not defined" },
        { "changed by a filter", "\"Uri\":\"https://example.com/\",\"Body\":\"{\\\"a\\\":\\\"#{Bound | ToBase64}\\\"}\"", "{}", "Action.Body: " },
        { "though undefined tokens may stay", "\"OnUndefined\":\"Leave\",\"Uri\":\"https://example.com/\",\"Body\":\"{\\\"a\\\":\\\"#{Bound}\\\"}\"", "{}", "Action.Body: #{Bound} is not defined" },
        { "a request without it goes anywhere", "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"#{Token}\"}]", "{}", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(fixture_fini) struct fixture f = { 0 };
        render(&f, rows[i].action, rows[i].payload);
        bool as_wanted = rows[i].error ? !f.ok && str_starts(str_from(f.e.text), str_from(rows[i].error)) : f.ok;
        if (!CHECK(rows[i].claim, as_wanted))
            fprintf(stderr, "    got: %s\n", f.ok ? f.out.url.p : f.e.text);
        CHECK("no error shows a secret", str_find(str_from(f.e.text), STR("bound-secret")) < 0);
    }
}

TEST(a_token_that_stays_is_not_a_fragment)
{
    CLEANUP(fixture_fini) struct fixture f = { 0 };
    render(&f, "\"OnUndefined\":\"Leave\",\"Uri\":\"https://example.com/#{Nope}/x\",\"Body\":\"{\\\"a\\\":\\\"#{Nope}\\\"}\"", "{}");
    CHECK_OK("it renders", f.ok, &f.e);
    CHECK_STR("it is escaped in the address", f.out.url, STR("https://example.com/%23%7BNope%7D/x"));
    CHECK_STR("and stays in the body", f.out.body, STR("{\"a\":\"#{Nope}\"}"));
}

TEST(what_is_kept_is_cut_between_characters)
{
    CHECK_STR("short text is whole", http_request_cut(STR("abc"), 3), STR("abc"));
    CHECK_STR("long text is cut", http_request_cut(STR("abcd"), 3), STR("abc"));
    CHECK_STR("not within a character", http_request_cut(STR("ab\xC3\xA9"), 3), STR("ab"));
    CHECK_STR("nor within a long one", http_request_cut(STR("\xF0\x9F\x98\x80"), 3), STR(""));
}

static void check_saved(struct arena *a, const char *action, struct decode_errors *errors)
{
    *errors = (struct decode_errors){ .arena = a };
    str text = arena_printf(a, "{\"Name\":\"r\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentFailed\"]},\"Action\":{\"Type\":\"Http\",%s}}", action);
    struct reaction *def = reaction_decode(a, parsed(a, text.p), errors);
    if (def)
        http_request_check(def, errors);
}

TEST(what_is_wrong_is_said_when_it_is_saved)
{
    static const struct {
        const char *action, *error; // NULL: fine
    } rows[] = {
        { "\"Uri\":\"https://example.com/\"", NULL },
        { "\"Uri\":\"#{Url}/x\"", NULL },
        { "\"Uri\":\"https://#{Host}/x\"", NULL },
        { "\"Uri\":\"ftp://example.com/\"", "Action.Uri: the URL must begin with http" },
        { "\"Uri\":\"ftp://example.com/#{X}\"", "Action.Uri: must begin with http" },
        { "\"Uri\":\"example.com\"", "Action.Uri: the URL must begin with http" },
        { "\"Uri\":\"https://u:p@example.com/\"", "Action.Uri: a URL must not hold a user name" },
        { "\"Uri\":\"https://example.com/\",\"Method\":\"TRACE\"", "Action.Method: \"TRACE\"" },
        { "\"Uri\":\"https://example.com/\",\"Method\":\"PO ST\"", "Action.Method: \"PO ST\"" },
        { "\"Uri\":\"https://example.com/\",\"Method\":\"#{M}\"", NULL },
        { "\"Uri\":\"https://example.com/\",\"SuccessStatus\":\"2xx\"", "Action.SuccessStatus: \"2xx\" must be" },
        { "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"b\"},{\"Name\":\"A b\",\"Value\":\"c\"}]", "Action.Headers[1].Name: \"A b\" is no header name" },
        { "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"Transfer-Encoding\",\"Value\":\"b\"}]", "Action.Headers[0].Name: Transfer-Encoding is set by the server" },
        { "\"Uri\":\"https://example.com/\",\"Headers\":[{\"Name\":\"A\",\"Value\":\"b\\r\\nC: d\"}]", "Action.Headers[0].Value: must not hold CR" },
        { "\"Uri\":\"https://example.com/\",\"Signing\":{\"Scheme\":\"Md5\"}", "Action.Signing.Scheme:" },
        { "\"Uri\":\"https://example.com/\",\"Tls\":{\"Ca\":\"x\"}", "Action.Tls.Ca: must be PEM" },
        { "\"Uri\":\"https://example.com/\",\"Tls\":{\"ClientCertificate\":\"-----BEGIN CERTIFICATE-----\"}", "Action.Tls.ClientCertificate: must be PEM with a certificate and its private key" },
        { "\"Uri\":\"https://example.com/\",\"Tls\":{\"ClientCertificate\":{\"HasValue\":true}}", NULL },
        { "\"Uri\":\"https://example.com/\",\"Tls\":{\"Verify\":false}", "Action.Tls.Verify: unknown field" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        check_saved(&a, rows[i].action, &errors);
        if (!rows[i].error)
            CHECK_INT(rows[i].action, errors.count, 0);
        else if (!CHECK(rows[i].action, errors.count == 1 && str_starts(errors.items[0], str_from(rows[i].error))))
            fprintf(stderr, "    got: %.*s\n", STR_ARG(errors.items[0]));
    }
}

TEST_MAIN()
