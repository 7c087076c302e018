#include "trigger/trigger.h"

#include "base/limits.h"
#include "trigger/handshake.h"
#include "trigger/route.h"

str slug_from_name(struct arena *a, str name)
{
    char *p = arena_bytes(a, name.n + 1), *out = p;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            *out++ = c;
        else if (out > p && out[-1] != '-')
            *out++ = '-';
    }
    while (out > p && out[-1] == '-')
        out--;
    *out = 0;
    return (str){ p, MIN((size_t)(out - p), (size_t)100) };
}

bool slug_is_valid(str slug)
{
    if (!slug.n || slug.n > 100)
        return false;
    for (size_t i = 0; i < slug.n; i++) {
        char c = slug.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i && i + 1 < slug.n)))
            return false;
    }
    return true;
}

static const char *const scheme_names[] = { "ApiKey", "Signature", NULL };
static const char *const require_names[] = { "Any", "All", NULL };
static const char *const parse_names[] = { "auto", "json", "form", "xml", "text", "bytes", NULL };

static void decode_authentication(struct decode *parent, struct trigger *t)
{
    const struct json *object = decode_object(parent, "Authentication");
    struct decode d;
    t->schemes = SCHEME_API_KEY;
    t->allow_key_in_query = true;
    if (!object || !decode_begin(&d, object, decode_path(parent, "Authentication"), parent->errors))
        return;
    size_t count;
    str *schemes = decode_str_list(&d, "Schemes", &count);
    if (json_get(object, STR("Schemes")))
        t->schemes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (scheme_names[at] && !str_eq_nocase(schemes[i], str_from(scheme_names[at])))
            at++;
        if (scheme_names[at])
            t->schemes |= 1u << at;
        else
            decode_error_at(&d, "Schemes", i, "\"%.*s\" is not a scheme: use ApiKey or Signature", STR_ARG(schemes[i]));
    }
    if (!t->schemes)
        decode_error(&d, "Schemes", "must name at least one of ApiKey and Signature");
    t->require_all = decode_choice(&d, "Require", require_names, 0) == 1;
    t->allow_key_in_query = decode_bool(&d, "AllowKeyInQuery", true);
    t->sources = decode_str_list(&d, "Sources", &t->source_count);
    t->signature = decode_object(&d, "Signature");
    if ((t->schemes & SCHEME_SIGNATURE) && !t->signature)
        decode_error(&d, "Signature", "must say how the sender signs, because Schemes names Signature");
    decode_done(&d);
}

static void decode_delivery(struct decode *parent, struct trigger *t)
{
    struct arena *a = parent->errors->arena;
    const struct json *object = decode_object(parent, "DeliveryId");
    struct decode d;
    if (!object || !decode_begin(&d, object, decode_path(parent, "DeliveryId"), parent->errors))
        return;
    const struct json *parts = decode_array(&d, "Parts");
    t->delivery_parts = ARENA_ARRAY(a, struct delivery_part, parts ? parts->count : 0);
    json_each(part, parts)
    {
        struct decode p;
        str path = decode_path_index(a, decode_path(&d, "Parts"), t->delivery_part_count);
        if (!decode_begin(&p, part, path, parent->errors))
            continue;
        struct delivery_part *to = &t->delivery_parts[t->delivery_part_count++];
        to->header = decode_str(&p, "Header", (str){ "", 0 });
        to->pointer = decode_str(&p, "Pointer", (str){ "", 0 });
        if (!to->header.n == !to->pointer.n)
            decode_error(&p, NULL, "must have either Header or Pointer");
        else if (to->pointer.n && to->pointer.p[0] != '/')
            decode_error(&p, "Pointer", "must be a JSON pointer, beginning with /");
        decode_done(&p);
    }
    decode_done(&d);
}

static void decode_body(struct decode *parent, struct trigger *t)
{
    const struct json *object = decode_object(parent, "Body");
    struct decode d;
    if (!object || !decode_begin(&d, object, decode_path(parent, "Body"), parent->errors))
        return;
    t->parse_as = (enum body_parse)decode_choice(&d, "ParseAs", parse_names, BODY_AUTO);
    t->form_field = decode_str(&d, "Field", (str){ "", 0 });
    t->has_split = json_is(json_get(object, STR("Split")), JSON_STRING);
    t->split = decode_str(&d, "Split", (str){ "", 0 });
    if (t->split.n && t->split.p[0] != '/')
        decode_error(&d, "Split", "must be a JSON pointer: empty for the whole body, or beginning with /");
    str cloud_events = decode_str(&d, "CloudEvents", (str){ "", 0 });
    t->cloud_events_data = str_eq(cloud_events, STR("data"));
    if (cloud_events.n && !t->cloud_events_data)
        decode_error(&d, "CloudEvents", "must be \"data\" or null");
    decode_done(&d);
}

static void decode_answer(struct decode *parent, struct trigger *t)
{
    const struct json *answer = decode_any(parent, "Answer");
    int64_t status = 202;
    if (!answer || json_is(answer, JSON_NULL)) {
        t->answer_status = 202;
        return;
    }
    if (json_is(answer, JSON_OBJECT)) {
        struct decode d;
        if (!decode_begin(&d, answer, decode_path(parent, "Answer"), parent->errors))
            return;
        t->answer_status = (int)decode_i64(&d, "Status", 200, 200, 299);
        t->answer_content_type = decode_str(&d, "ContentType", STR("text/plain"));
        t->answer_body = decode_str(&d, "Body", (str){ "", 0 });
        decode_done(&d);
        return;
    }
    if (!json_i64(answer, &status) || status < 200 || status > 299)
        decode_error(parent, "Answer", "must be a status from 200 to 299, or an object with Status, ContentType and Body");
    t->answer_status = (int)status;
}

static void decode_methods(struct decode *d, struct trigger *t)
{
    struct arena *a = d->errors->arena;
    static const char *const known[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS" };
    t->methods = decode_str_list(d, "Methods", &t->method_count);
    if (!t->method_count) {
        t->methods = ARENA_NEW(a, str);
        t->methods[0] = STR("POST");
        t->method_count = 1;
    }
    for (size_t i = 0; i < t->method_count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < COUNT(known); k++)
            is_known = is_known || str_eq(t->methods[i], str_from(known[k]));
        if (!is_known)
            decode_error_at(d, "Methods", i, "\"%.*s\" is not a method: use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS", STR_ARG(t->methods[i]));
    }
}

// Signature and handshake are compiled where they are used; here it is only seen that they can be.
static void check_proof(const struct trigger *t, struct arena *a, struct decode_errors *errors)
{
    struct signature *signature;
    struct handshake *handshake;
    if (t->signature)
        (void)!signature_parse(a, t->signature, STR("Authentication.Signature"), errors, &signature);
    if (t->handshake)
        (void)!handshake_parse(a, t->handshake, STR("Handshake"), errors, &handshake);
}

struct trigger *trigger_decode(struct arena *a, const struct json *doc, struct decode_errors *errors)
{
    static const char *const set_by_server[] = { "Id", "SpaceId", "Links", "State", "Created", "Modified", "Reactions", "SignatureSecrets" };
    struct trigger *t = ARENA_NEW(a, struct trigger);
    size_t errors_before = errors->count;
    struct decode d;
    if (!decode_begin(&d, doc, (str){ "", 0 }, errors))
        return NULL;
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(&d, set_by_server[i]);
    t->name = decode_required_str(&d, "Name");
    t->slug = decode_str(&d, "Slug", slug_from_name(a, t->name));
    if (t->name.n && !slug_is_valid(t->slug))
        decode_error(&d, "Slug", "\"%.*s\" must be 1 to 100 lower-case letters, digits and hyphens", STR_ARG(t->slug));
    t->route = decode_required_str(&d, "Route");
    struct route *route;
    struct err e = { 0 };
    if (t->route.n && !route_parse(a, t->route, &route, &e))
        decode_error(&d, "Route", "%s", e.text);
    decode_methods(&d, t);
    t->is_disabled = decode_bool(&d, "IsDisabled", false);
    decode_authentication(&d, t);
    decode_delivery(&d, t);
    decode_body(&d, t);
    t->handshake = decode_object(&d, "Handshake");
    check_proof(t, a, errors);
    decode_answer(&d, t);
    t->max_body_bytes = decode_i64(&d, "MaxBodyBytes", LIMIT_HTTP_BODY_BYTES, 1, LIMIT_HTTP_BODY_BYTES_MAX);
    const struct json *rate = decode_object(&d, "RateLimit");
    struct decode r;
    if (rate && decode_begin(&r, rate, decode_path(&d, "RateLimit"), errors)) {
        t->rate_per_second = decode_i64(&r, "PerSecond", 0, 1, 1000000);
        t->rate_burst = decode_i64(&r, "Burst", 0, 1, 1000000);
        decode_done(&r);
    }
    decode_done(&d);
    return errors->count == errors_before ? t : NULL;
}

static struct json *str_or_null(struct arena *a, str s)
{
    return s.n ? json_new_string(a, s) : json_new_null(a);
}

static struct json *str_list(struct arena *a, const str *items, size_t count)
{
    struct json *list = json_new_array(a);
    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_string(a, items[i]));
    return list;
}

struct json *trigger_to_json(const struct trigger *t, struct arena *a)
{
    struct json *j = json_new_object(a);
    json_add_str(a, j, "Slug", t->slug);
    json_add_str(a, j, "Name", t->name);
    json_add_str(a, j, "Route", t->route);
    json_add(j, STR("Methods"), str_list(a, t->methods, t->method_count));
    json_add_bool(a, j, "IsDisabled", t->is_disabled);

    struct json *auth = json_add(j, STR("Authentication"), json_new_object(a)), *schemes = json_add(auth, STR("Schemes"), json_new_array(a));
    for (size_t i = 0; scheme_names[i]; i++)
        if (t->schemes & 1u << i)
            json_push(schemes, json_new_string(a, str_from(scheme_names[i])));
    json_add_str(a, auth, "Require", str_from(require_names[t->require_all]));
    json_add_bool(a, auth, "AllowKeyInQuery", t->allow_key_in_query);
    json_add(auth, STR("Sources"), str_list(a, t->sources, t->source_count));
    json_add(auth, STR("Signature"), t->signature ? json_copy(a, t->signature) : json_new_null(a));

    struct json *delivery = json_add(j, STR("DeliveryId"), json_new_object(a)), *parts = json_add(delivery, STR("Parts"), json_new_array(a));
    for (size_t i = 0; i < t->delivery_part_count; i++) {
        struct json *part = json_push(parts, json_new_object(a));
        if (t->delivery_parts[i].header.n)
            json_add_str(a, part, "Header", t->delivery_parts[i].header);
        else
            json_add_str(a, part, "Pointer", t->delivery_parts[i].pointer);
    }
    struct json *body = json_add(j, STR("Body"), json_new_object(a));
    json_add_str(a, body, "ParseAs", str_from(parse_names[t->parse_as]));
    json_add(body, STR("Field"), str_or_null(a, t->form_field));
    json_add(body, STR("Split"), t->has_split ? json_new_string(a, t->split) : json_new_null(a));
    if (t->cloud_events_data)
        json_add_str(a, body, "CloudEvents", STR("data"));
    json_add(j, STR("Handshake"), t->handshake ? json_copy(a, t->handshake) : json_new_null(a));
    if (t->answer_body.p) {
        struct json *answer = json_add(j, STR("Answer"), json_new_object(a));
        json_add_i64(a, answer, "Status", t->answer_status);
        json_add_str(a, answer, "ContentType", t->answer_content_type);
        json_add_str(a, answer, "Body", t->answer_body);
    } else {
        json_add_i64(a, j, "Answer", t->answer_status);
    }
    json_add_i64(a, j, "MaxBodyBytes", t->max_body_bytes);
    struct json *rate = json_add(j, STR("RateLimit"), json_new_object(a));
    json_add(rate, STR("PerSecond"), t->rate_per_second ? json_new_i64(a, t->rate_per_second) : json_new_null(a));
    json_add(rate, STR("Burst"), t->rate_burst ? json_new_i64(a, t->rate_burst) : json_new_null(a));
    return j;
}
