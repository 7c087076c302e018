#include "tests/signatures/vectors.h"

#include "base/encode.h"
#include "json/json.h"
#include "trigger/signature.h"

static void add_header(struct incoming *in, struct arena *a, str name, const struct json *value)
{
    if (json_is(value, JSON_ARRAY)) {
        json_each (one, value)
            add_header(in, a, name, one);
        return;
    }
    struct incoming_field *more = ARENA_ARRAY(a, struct incoming_field, in->header_count + 1);
    if (in->header_count)
        memcpy(more, in->headers, in->header_count * sizeof more[0]);
    more[in->header_count++] = (struct incoming_field){ name, str_trim(json_str(value, STR(""))) };
    in->headers = more;
}

// {"Name": "value"}, [["Name", "value"]] or [{"Name": "...", "Value": "..."}].
static void add_headers(struct incoming *in, struct arena *a, const struct json *headers)
{
    json_each (h, headers) {
        if (json_is(headers, JSON_OBJECT))
            add_header(in, a, h->name, h);
        else if (json_is(h, JSON_ARRAY))
            add_header(in, a, json_str(json_at(h, 0), STR("")), json_at(h, 1));
        else if (json_get_nocase(h, STR("Value")))
            add_header(in, a, json_str(json_get_nocase(h, STR("Name")), STR("")), json_get_nocase(h, STR("Value")));
        else
            add_headers(in, a, h);
    }
}

static bool read_request(struct incoming *in, struct arena *a, const struct json *v, struct err *e)
{
    str target = json_str(json_get(v, STR("Path")), STR("/"));
    ptrdiff_t question = str_find_char(target, '?');
    *in = (struct incoming){ .method = json_str(json_get(v, STR("Method")), STR("POST")),
                             .path = question < 0 ? target : str_sub(target, 0, (size_t)question),
                             .raw_query = question < 0 ? json_str(json_get(v, STR("Query")), STR("")) : str_skip(target, (size_t)question + 1),
                             .body = json_str(json_get(v, STR("Body")), STR("")) };
    const struct json *coded = json_get(v, STR("BodyBase64"));
    if (json_is(coded, JSON_STRING) && !base64_decode(a, coded->text, BASE64_STANDARD, &in->body))
        return err_set(e, ERR_INVALID, "BodyBase64 is not base64");
    add_headers(in, a, json_get(v, STR("Headers")));
    add_headers(in, a, json_get(v, STR("ExtraHeaders")));
    if (json_is(json_get(v, STR("Query")), JSON_OBJECT)) {
        in->query = ARENA_ARRAY(a, struct incoming_field, json_get(v, STR("Query"))->count);
        json_each (q, json_get(v, STR("Query")))
            in->query[in->query_count++] = (struct incoming_field){ q->name, json_str(q, STR("")) };
        return true;
    }
    return incoming_read_query(in, a, e);
}

// The trigger's Authentication.Signature as the vector means it. A secret that could not be saved is not active.
static struct signature *read_scheme(struct arena *a, const struct json *file, const struct json *v, str *why)
{
    const struct json *scheme = json_get(v, STR("Scheme"));
    struct decode_errors errors = { .arena = a };
    struct json *conf;
    if (json_is(scheme, JSON_STRING)) {
        const struct json *listed = json_get(json_get(file, STR("Schemes")), scheme->text);
        conf = listed ? json_copy(a, listed) : json_new_object(a);
        if (!listed)
            json_put(conf, STR("Preset"), json_new_string(a, scheme->text));
    } else {
        conf = scheme ? json_copy(a, scheme) : json_new_object(a);
    }
    json_drop(conf, STR("Secrets"));
    if (json_get(v, STR("Topics")))
        json_put(conf, STR("Topics"), json_copy(a, json_get(v, STR("Topics"))));
    struct signature *s;
    if (!signature_parse(a, conf, STR("Signature"), &errors, &s)) {
        *why = errors.items[0];
        return NULL;
    }
    json_each (secret, json_get(v, STR("Secrets"))) {
        struct err e = { 0 };
        if (!signature_add_secret(s, a, json_str(secret, STR("")), &e))
            *why = arena_printf(a, "a secret %s", e.text);
    }
    return s;
}

static struct signature_result judge(struct arena *a, const struct signature *s, const struct incoming *in, const struct json *v, int64_t now_ms)
{
    struct clock_fake clock;
    clock_fake_init(&clock, now_ms);
    struct signature_certs *certs = signature_certs_new(true);
    struct signature_result r;
    signature_judge(s, in, certs, &clock.clock, a, &r);
    for (int tries = 0; r.verdict == SIGNATURE_FETCH && tries < 5; tries++) {
        signature_certs_put(certs, r.fetch_url, json_str(json_get(json_get(v, STR("Certificates")), r.fetch_url), (str){ 0 }), &clock.clock);
        signature_judge(s, in, certs, &clock.clock, a, &r);
    }
    signature_certs_free(certs);
    return r;
}

static str outcome(struct arena *a, str expect, str reason)
{
    return reason.n ? arena_printf(a, "%.*s: %.*s", STR_ARG(expect), STR_ARG(reason)) : expect;
}

bool vectors_judge(str text, void (*each)(const struct vector_verdict *v, void *ctx), void *ctx, struct err *e)
{
    CLEANUP(arena_fini) struct arena whole = { 0 };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *file;
    if (!json_parse(&whole, text, &file, e))
        return false;
    const struct json *vectors = json_is(file, JSON_ARRAY) ? file : json_get(file, STR("Vectors"));
    if (!json_is(vectors, JSON_ARRAY))
        return err_set(e, ERR_INVALID, "there is no list of Vectors");
    for (const struct json *v = vectors->first; v; v = v->next, arena_reset(&a)) {
        struct vector_verdict out = { .name = json_str(json_get(v, STR("Name")), STR("(no name)")) };
        int64_t now = 0;
        if (!json_i64(json_get(v, STR("Now")), &now))
            json_i64(json_get(file, STR("Now")), &now);
        struct incoming in;
        if (!read_request(&in, &a, v, e))
            return err_in(e, "%.*s", STR_ARG(out.name));
        str why = { 0 };
        const struct signature *s = read_scheme(&a, file, v, &why);
        struct signature_result r = { .verdict = SIGNATURE_WRONG, .detail = why };
        if (s)
            r = judge(&a, s, &in, v, now * 1000);
        str expect = json_str(json_get(v, STR("Expect")), STR("")), reason = json_str(json_get(v, STR("Reason")), STR(""));
        bool accepted = r.verdict == SIGNATURE_OK;
        out.is_right = str_eq(expect, accepted ? STR("accept") : STR("reject"));
        out.reason_is_right = !reason.n || accepted || str_eq(reason, str_from(signature_verdict_name(r.verdict)));
        out.got = accepted ? STR("accept") : outcome(&a, STR("reject"), str_from(signature_verdict_name(r.verdict)));
        out.want = outcome(&a, expect, reason);
        out.detail = why.n ? why : r.detail;
        each(&out, ctx);
    }
    return true;
}
