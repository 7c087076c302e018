// Handshake as data: read, checked, compiled.
#include "trigger/handshake_internal.h"

#include "json/json.h"

static const struct {
    const char *name;
    enum handshake_kind kind;
    const char *text; // NULL: made from its option
} presets[] = {
    { "slack", HANDSHAKE_SLACK,
      "{\"When\":{\"Method\":\"POST\",\"Pointer\":{\"/type\":\"url_verification\"}},\"Reply\":{\"ContentType\":\"text/plain\",\"Body\":\"{pointer:/challenge}\"}}" },
    { "eventgrid", HANDSHAKE_EVENTGRID,
      "{\"When\":{\"Method\":\"POST\",\"Header\":{\"aeg-event-type\":\"SubscriptionValidation\"}},"
      "\"Reply\":{\"ContentType\":\"application/json\",\"Body\":\"{{\\\"validationResponse\\\":\\\"{pointer:/0/data/validationCode}\\\"}}\"}}" },
    { "cloudevents", HANDSHAKE_CLOUDEVENTS,
      "{\"When\":{\"Method\":\"OPTIONS\",\"Header\":{\"WebHook-Request-Origin\":true}},\"Reply\":{\"Headers\":{\"Allow\":\"POST\",\"WebHook-Allowed-Origin\":\"{header:WebHook-Request-Origin}\"}}}" },
    { "sns", HANDSHAKE_SNS,
      "{\"When\":{\"Method\":\"POST\",\"Header\":{\"x-amz-sns-message-type\":\"SubscriptionConfirmation\"},\"Pointer\":{\"/Type\":\"SubscriptionConfirmation\"}},\"Reply\":{}}" },
    { "echo-query", HANDSHAKE_ECHO_QUERY, NULL },
    { "echo-header", HANDSHAKE_ECHO_HEADER, NULL },
    { "hmac-reply", HANDSHAKE_HMAC_REPLY,
      "{\"When\":{\"Method\":\"POST\",\"Pointer\":{\"/event\":\"endpoint.url_validation\"}},"
      "\"Reply\":{\"ContentType\":\"application/json\",\"Body\":\"{{\\\"plainToken\\\":\\\"{pointer:/payload/plainToken}\\\",\\\"encryptedToken\\\":\\\"{hmac:/payload/plainToken}\\\"}}\"}}" },
    { "head", HANDSHAKE_HEAD, "{\"When\":{\"Method\":\"HEAD\"},\"Reply\":{}}" },
};

const char *handshake_preset_name(size_t i)
{
    return i < COUNT(presets) ? presets[i].name : NULL;
}

bool content_type_is_json(str content_type)
{
    ptrdiff_t semicolon = str_find_char(content_type, ';');
    str type = str_trim(semicolon < 0 ? content_type : str_sub(content_type, 0, (size_t)semicolon));
    ptrdiff_t plus = str_find_last_char(type, '+');
    return str_eq_nocase(type, STR("application/json")) || (plus > 0 && str_eq_nocase(str_skip(type, (size_t)plus), STR("+json")));
}

static bool is_text_plain(str content_type)
{
    return str_eq_nocase(content_type, STR("text/plain")) || str_starts_nocase(content_type, STR("text/plain;"));
}

static bool is_token(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!is_alnum && !(c && strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

static bool has_control(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7F)
            return true;
    return false;
}

// ---- When ----

static void read_methods(struct decode *d, struct arena *a, struct handshake *h)
{
    const struct json *j = json_get(d->object, STR("Method"));
    if (json_is(j, JSON_ARRAY)) {
        h->methods = decode_str_list(d, "Method", &h->method_count);
    } else {
        str one = decode_str(d, "Method", (str){ 0 });
        h->methods = ARENA_ARRAY(a, str, 1);
        h->methods[0] = one;
        h->method_count = one.p != NULL;
    }
    for (size_t i = 0; i < h->method_count; i++)
        if (!is_token(h->methods[i]))
            decode_error(d, "Method", "must be HTTP methods");
}

static void read_conditions(struct decode *d, const char *name, enum place_kind kind, struct handshake *h)
{
    const struct json *j = decode_object(d, name);
    struct decode in;
    if (!j || !decode_begin(&in, j, decode_path(d, name), d->errors))
        return;
    json_each(m, j) {
        struct condition c = { kind, m->name, json_str(m, STR("")), json_is(m, JSON_BOOL) && m->is_true };
        const char *member = arena_cstr(d->errors->arena, m->name);
        if (!c.any && !json_is(m, JSON_STRING))
            decode_error(&in, member, "must be the text it has to equal, or true for anything");
        else if (kind == PLACE_POINTER && !str_starts(m->name, STR("/")))
            decode_error(&in, member, "must be a JSON pointer that starts with /");
        else if (kind == PLACE_HEADER && !is_token(m->name))
            decode_error(&in, member, "is no name of a header");
        else if (h->condition_count == COUNT(h->conditions))
            decode_error(&in, member, "is one too many; at most %zu conditions", COUNT(h->conditions));
        else
            h->conditions[h->condition_count++] = c;
    }
}

static void read_when(struct decode *d, struct arena *a, struct handshake *h)
{
    struct decode in;
    if (!decode_begin(&in, decode_object(d, "When"), decode_path(d, "When"), d->errors))
        return;
    read_methods(&in, a, h);
    read_conditions(&in, "Header", PLACE_HEADER, h);
    read_conditions(&in, "Query", PLACE_QUERY, h);
    read_conditions(&in, "Pointer", PLACE_POINTER, h);
    if (!h->condition_count && !h->method_count)
        decode_error(&in, NULL, "must have a condition, or every delivery would be a handshake");
    decode_done(&in);
}

// ---- Reply ----

static void read_headers(struct decode *d, struct arena *a, struct handshake *h)
{
    static const str ours[] = { STR_INIT("Content-Length"), STR_INIT("Transfer-Encoding"), STR_INIT("Connection"), STR_INIT("Date"), STR_INIT("Content-Type"), STR_INIT("Set-Cookie"),
                                STR_INIT("Location") };
    const struct json *j = decode_object(d, "Headers");
    struct decode in;
    if (!j || !decode_begin(&in, j, decode_path(d, "Headers"), d->errors))
        return;
    json_each(m, j) {
        const char *member = arena_cstr(d->errors->arena, m->name);
        struct err e = { 0 };
        bool is_ours = false;
        for (size_t i = 0; i < COUNT(ours); i++)
            is_ours |= str_eq_nocase(m->name, ours[i]);
        if (!is_token(m->name) || is_ours)
            decode_error(&in, member, is_ours ? "is not to be set" : "is no name of a header");
        else if (!json_is(m, JSON_STRING) || has_control(m->text))
            decode_error(&in, member, "must be text of one line");
        else if (h->header_count == COUNT(h->headers))
            decode_error(&in, member, "is one too many; at most %zu headers", COUNT(h->headers));
        else if (!pieces_parse(a, m->text, true, &h->headers[h->header_count].value, &e))
            decode_error(&in, member, "%s", e.text);
        else
            h->headers[h->header_count++].name = m->name;
    }
}

static void read_reply(struct decode *d, struct arena *a, struct handshake *h)
{
    struct decode in;
    if (!decode_begin(&in, decode_object(d, "Reply"), decode_path(d, "Reply"), d->errors))
        return;
    h->status = (int)decode_i64(&in, "Status", 200, 200, 299);
    h->content_type = decode_str(&in, "ContentType", (str){ 0 });
    str body = decode_str(&in, "Body", STR(""));
    struct err e = { 0 };
    if (!pieces_parse(a, body, true, &h->body, &e))
        decode_error(&in, "Body", "%s", e.text);
    if (!h->content_type.n && body.n)
        h->content_type = STR("text/plain");
    if (h->content_type.n && (has_control(h->content_type) || (!is_text_plain(h->content_type) && !content_type_is_json(h->content_type))))
        decode_error(&in, "ContentType", "must be text/plain or JSON: what others sent is never answered as something a browser renders");
    read_headers(&in, a, h);
    decode_done(&in);
}

// ---- presets ----

static struct json *echo_query(struct arena *a, str parameter)
{
    struct json *all = json_new_object(a), *when = json_add(all, STR("When"), json_new_object(a)), *reply = json_add(all, STR("Reply"), json_new_object(a));
    struct json *methods = json_add(when, STR("Method"), json_new_array(a));
    json_push(methods, json_new_string(a, STR("GET")));
    json_push(methods, json_new_string(a, STR("POST")));
    json_add(json_add(when, STR("Query"), json_new_object(a)), parameter, json_new_bool(a, true));
    json_add(reply, STR("ContentType"), json_new_string(a, STR("text/plain")));
    json_add(reply, STR("Body"), json_new_string(a, arena_printf(a, "{query:%.*s}", STR_ARG(parameter))));
    return all;
}

static struct json *echo_header(struct arena *a, str header)
{
    struct json *all = json_new_object(a), *when = json_add(all, STR("When"), json_new_object(a)), *reply = json_add(all, STR("Reply"), json_new_object(a));
    json_add(json_add(when, STR("Header"), json_new_object(a)), header, json_new_bool(a, true));
    json_add(json_add(reply, STR("Headers"), json_new_object(a)), header, json_new_string(a, arena_printf(a, "{header:%.*s}", STR_ARG(header))));
    return all;
}

static void read_verify_token(struct decode *d, struct arena *a, struct handshake *h, str parameter)
{
    const struct json *token = decode_any(d, "VerifyToken");
    h->verify_parameter = decode_str(d, "VerifyParameter", str_eq(parameter, STR("hub.challenge")) ? STR("hub.verify_token") : (str){ 0 });
    h->wants_token = token != NULL;
    if (token && !json_is(token, JSON_STRING) && !json_is(token, JSON_OBJECT))
        decode_error(d, "VerifyToken", "must be text");
    if (json_is(token, JSON_STRING) && !token->text.n)
        decode_error(d, "VerifyToken", "must not be empty");
    if (json_is(token, JSON_STRING))
        h->verify_token = arena_str(a, token->text);
    if (token && !h->verify_parameter.n)
        decode_error(d, "VerifyParameter", "must name the parameter that brings the token");
}

// The options of a preset, and the When and Reply it stands for (NULL: not sound).
static struct json *read_options(struct decode *d, struct arena *a, struct handshake *h, const char *text)
{
    struct json *all = NULL;
    switch (h->kind) {
    case HANDSHAKE_EVENTGRID: h->among = decode_str_list(d, "Subscriptions", &h->among_count); break;
    case HANDSHAKE_CLOUDEVENTS: h->among = decode_str_list(d, "Origins", &h->among_count); break;
    case HANDSHAKE_SNS: h->confirms = decode_bool(d, "Confirm", true); break;
    case HANDSHAKE_ECHO_QUERY: {
        str parameter = decode_required_str(d, "Parameter");
        if (parameter.n && !is_token(parameter))
            decode_error(d, "Parameter", "must be a name such as validationToken, challenge or hub.challenge");
        read_verify_token(d, a, h, parameter);
        return is_token(parameter) ? echo_query(a, parameter) : NULL;
    }
    case HANDSHAKE_ECHO_HEADER:
        h->header = decode_required_str(d, "Header");
        if (h->header.n && !is_token(h->header))
            decode_error(d, "Header", "must be a header's name such as X-Hook-Secret");
        return is_token(h->header) ? echo_header(a, h->header) : NULL;
    case HANDSHAKE_PLAIN:
    case HANDSHAKE_SLACK:
    case HANDSHAKE_HMAC_REPLY:
    case HANDSHAKE_HEAD: break;
    }
    return json_parse(a, str_from(text), &all, NULL) ? all : NULL;
}

static struct json *read_preset(struct decode *d, struct arena *a, struct handshake *h, str name)
{
    for (size_t i = 0; i < COUNT(presets); i++)
        if (str_eq_nocase(name, str_from(presets[i].name))) {
            h->kind = presets[i].kind;
            return read_options(d, a, h, presets[i].text);
        }
    CLEANUP(buf_fini) struct buf known = { 0 };
    for (size_t i = 0; i < COUNT(presets); i++)
        buf_printf(&known, " %s", presets[i].name);
    decode_error(d, "Preset", "\"%.*s\" is unknown; known are%.*s", STR_ARG(str_sub(name, 0, 60)), STR_ARG(buf_str(&known)));
    return NULL;
}

bool handshake_parse(struct arena *a, const struct json *conf, str path, struct decode_errors *errors, struct handshake **out)
{
    size_t before = errors->count;
    struct decode d, whole;
    if (!decode_begin(&d, conf, path, errors))
        return false;
    struct handshake *h = ARENA_NEW(a, struct handshake);
    str preset = decode_str(&d, "Preset", (str){ 0 });
    if (preset.p) {
        struct json *all = read_preset(&d, a, h, preset);
        // What the store keeps of an earlier preset's token (null, or sealed) is no mistake of this one.
        const struct json *kept = json_get(conf, STR("VerifyToken"));
        if (h->kind != HANDSHAKE_ECHO_QUERY && (json_is(kept, JSON_NULL) || json_is(kept, JSON_OBJECT)))
            decode_ignore(&d, "VerifyToken");
        if (errors->count == before)
            decode_done(&d);
        if (!all || errors->count > before || !decode_begin(&whole, all, path, errors))
            return false;
        d = whole;
    }
    read_when(&d, a, h);
    read_reply(&d, a, h);
    decode_done(&d);
    if (errors->count > before)
        return false;
    *out = h;
    return true;
}
