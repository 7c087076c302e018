// A request from the fuzzer against a preset: "github\nX-Hub-Signature-256: sha256=...\n\nbody", the first byte choosing
// further secrets. What is accepted must be good by a second reading of the rules: here, it must name the one secret there is.
// A first line that starts with { is a scheme or handshake of the fuzzer's own.
#include "json/json.h"
#include "trigger/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json *scheme(struct arena *a, str line)
{
    struct json *conf = NULL;
    if (str_starts(line, STR("{")))
        return json_parse(a, line, &conf, NULL) ? conf : NULL;
    conf = signature_preset(a, line);
    if (conf && str_eq_nocase(line, STR("sns")))
        json_push(json_add(conf, STR("Topics"), json_new_array(a)), json_new_string(a, STR("arn:a")));
    return conf;
}

static void judge_signature(struct arena *a, const struct json *conf, const struct incoming *in)
{
    struct decode_errors errors = { .arena = a };
    struct signature *s;
    struct clock_fake clock;
    struct signature_result r;
    if (!signature_parse(a, conf, STR("S"), &errors, &s))
        return;
    size_t own = signature_secret_count(s);
    clock_fake_init(&clock, 1790000000000);
    if (!own && !signature_add_secret(s, a, STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), NULL) && !signature_add_secret(s, a, STR("user:password"), NULL))
        (void)signature_add_secret(s, a, STR("whpk_viUberqqIG/CW03pN3d1oUbUmLRM5e/eSv9/3HM/Vco="), NULL);
    struct signature_certs *certs = signature_certs_new(true);
    signature_judge(s, in, certs, &clock.clock, a, &r);
    if (r.verdict == SIGNATURE_FETCH) {
        signature_certs_put(certs, r.fetch_url, in->body, &clock.clock);
        signature_judge(s, in, certs, &clock.clock, a, &r);
    }
    if (r.verdict == SIGNATURE_OK && r.secret >= (int)signature_secret_count(s))
        abort();
    if (r.verdict != SIGNATURE_OK && !r.detail.n)
        abort();
    signature_certs_free(certs);
}

static void judge_handshake(struct arena *a, const struct json *conf, const struct incoming *in)
{
    struct decode_errors errors = { .arena = a };
    struct handshake *h;
    struct handshake_reply reply;
    struct handshake_context context = { .is_proven = true, .by_signature = true, .is_connecting = true };
    if (!handshake_parse(a, conf, STR("H"), &errors, &h) || handshake_judge(h, in, &context, a, &reply) != HANDSHAKE_REPLY)
        return;
    if (str_find(reply.content_type, STR("html")) >= 0)
        abort();
    for (size_t i = 0; i < reply.header_count; i++)
        for (size_t k = 0; k < reply.headers[i].value.n; k++)
            if ((uint8_t)reply.headers[i].value.p[k] < ' ')
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct incoming_field headers[32];
    struct incoming in = { .method = STR("POST"), .path = STR("/triggers/x"), .headers = headers };
    str rest = { (const char *)data, size }, line = { 0 }, header;
    str_split(&rest, '\n', &line);
    while (str_split(&rest, '\n', &header) && header.n && in.header_count < COUNT(headers)) {
        ptrdiff_t colon = str_find_char(header, ':');
        if (colon < 0)
            in.raw_query = header;
        else
            headers[in.header_count++] = (struct incoming_field){ str_sub(header, 0, (size_t)colon), str_trim(str_skip(header, (size_t)colon + 1)) };
    }
    in.body = rest;
    (void)incoming_read_query(&in, &a, NULL);
    (void)incoming_decode(&in, &a, 1 << 20, NULL);
    const struct json *conf = scheme(&a, line);
    if (!conf)
        return 0;
    judge_signature(&a, conf, &in);
    judge_handshake(&a, conf, &in);
    return 0;
}
