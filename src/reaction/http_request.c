#include "reaction/http_request.h"

#include "base/encode.h"
#include "base/limits.h"
#include "reaction/mask.h"
#include "reaction/payload.h"
#include "reaction/request_body.h"
#include "reaction/signing.h"
#include "reaction/success.h"

struct rendering {
    const struct http_request_input *in;
    struct arena *arena;
    struct err *e;
    str *held_back; // why, by variable: what `undefined` says of a secret that must not go there
    size_t held_back_count;
};

str http_request_cut(str text, size_t n)
{
    if (text.n <= n)
        return text;
    while (n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    return str_sub(text, 0, n);
}

// ---- templates ----

static bool is_held_back(const struct rendering *r, str reason)
{
    for (size_t i = 0; i < r->held_back_count; i++)
        if (str_eq(r->held_back[i], reason))
            return true;
    return false;
}

// What is undefined ends the run before anything is sent, unless it may stay; a secret held back always does.
static bool check_defined(struct rendering *r, const char *what, const struct template_result *result)
{
    const struct template_undefined *first = NULL;
    for (size_t i = 0; i < result->undefined_count && !first; i++)
        if (!r->in->def->leave_undefined || is_held_back(r, result->undefined[i].reason))
            first = &result->undefined[i];
    if (!first)
        return true;
    bool is_alone = result->undefined_count == 1;
    return err_set(r->e, ERR_INVALID, "%s: %.*s is not defined%s%.*s%s; nothing was sent", what, STR_ARG(str_sub(first->token, 0, 100)), first->reason.n ? ": " : "",
                   STR_ARG(str_sub(first->reason, 0, 200)), is_alone ? "" : ", nor are others");
}

void request_templates_fini(struct request_templates *t)
{
    map_fini(&t->by_text);
    arena_fini(&t->arena);
}

static bool parse(struct rendering *r, str text, struct template **out, struct template_error *bad)
{
    struct request_templates *kept = r->in->templates;
    str key = { (const char *)&text.p, sizeof text.p };
    if (!kept)
        return template_parse(r->arena, text, out, bad);
    *out = map_get(&kept->by_text, key);
    if (*out)
        return true;
    if (!template_parse(&kept->arena, text, out, bad))
        return false;
    map_put(&kept->by_text, key, *out);
    return true;
}

static bool render(struct rendering *r, const char *what, str text, struct template_result *out)
{
    struct template *t;
    struct template_error bad;
    *out = (struct template_result){ .output = STR("") };
    if (!text.n)
        return true;
    if (!parse(r, text, &t, &bad))
        return err_set(r->e, ERR_INVALID, "%s: %s", what, bad.text);
    if (template_render(t, r->in->vars, r->in->clock, r->arena, out) == TEMPLATE_EXCEPTION)
        return err_set(r->e, ERR_INVALID, "%s: %.*s", what, STR_ARG(str_sub(out->error, 0, 300)));
    if (!check_defined(r, what, out))
        return false;
    if (out->is_null)
        out->output = STR("");
    return true;
}

// What is kept of it: secrets are not, however short.
static str masked(struct arena *a, const struct template_result *t)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    size_t at = 0;
    for (size_t i = 0; i < t->range_count; i++) {
        const struct template_range *range = &t->ranges[i];
        if (!(range->from & TEMPLATE_FROM_SECRET) || range->begin >= t->output.n)
            continue;
        buf_add(&b, str_sub(t->output, at, range->begin - at));
        if (!at || range->begin > at)
            buf_add_text(&b, MASK_TEXT);
        at = range->end;
    }
    if (!at)
        return t->output;
    buf_add(&b, str_skip(t->output, at));
    return arena_str(a, buf_str(&b));
}

// ---- the address ----

// The first byte behind "scheme://authority"; where there is no "://", everything is suspect.
static size_t authority_end(str uri)
{
    ptrdiff_t scheme = str_find(uri, STR("://"));
    if (scheme < 0)
        return uri.n;
    size_t at = (size_t)scheme + 3;
    while (at < uri.n && !strchr("/?#\\", uri.p[at]))
        at++;
    return at;
}

static bool is_event_byte(const struct template_result *t, size_t at)
{
    for (size_t i = 0; i < t->range_count; i++)
        if ((t->ranges[i].from & TEMPLATE_FROM_EVENT) && at >= t->ranges[i].begin && at < t->ranges[i].end)
            return true;
    return false;
}

// A segment "." or ".." (also as %2e) that the event has a part in climbs out of the author's path.
static bool climbs(const struct template_result *t, size_t begin, size_t end)
{
    size_t dots = 0;
    bool is_events = false;
    for (size_t i = begin; i < end; dots++) {
        size_t n = t->output.p[i] == '.' ? 1 : end - i >= 3 && str_eq_nocase(str_sub(t->output, i, 3), STR("%2e")) ? 3 : 0;
        if (!n || dots == 2)
            return false;
        for (size_t k = 0; k < n; k++)
            is_events = is_events || is_event_byte(t, i + k);
        i += n;
    }
    return dots && is_events;
}

static bool check_uri(struct rendering *r, const struct template_result *t)
{
    size_t end = authority_end(t->output);
    for (size_t i = 0; i < end; i++)
        if (is_event_byte(t, i))
            return err_set(r->e, ERR_DENIED, "Action.Uri: its scheme and host must not come from the event; nothing was sent");
    size_t segment = end;
    bool in_query = false;
    for (size_t i = end; i <= t->output.n; i++) {
        char c = i < t->output.n ? t->output.p[i] : '/';
        bool is_separator = c == '/' || c == '?' || c == '#' || c == '\\';
        if (!in_query && is_separator) {
            if (climbs(t, segment, i))
                return err_set(r->e, ERR_DENIED, "Action.Uri: the event put \"%.*s\" in its path; nothing was sent", STR_ARG(str_sub(t->output, segment, i - segment)));
            segment = i + 1;
        }
        bool changes_meaning = c == '#' || (c == '?' && !in_query) || (c == '&' && in_query);
        if (i < t->output.n && changes_meaning && is_event_byte(t, i))
            return err_set(r->e, ERR_DENIED, "Action.Uri: the event put a \"%c\" in it; escape the value with UriDataEscape; nothing was sent", c);
        in_query = in_query || c == '?';
    }
    return true;
}

// A token that stays, as "#{Nope}", would be a fragment, which is not sent: it goes out escaped.
static str escape_left_tokens(struct arena *a, const struct template_result *t)
{
    str text = t->output;
    for (size_t i = 0; i < t->undefined_count; i++) {
        str token = t->undefined[i].token;
        if (!str_starts(token, STR("#{")))
            continue;
        CLEANUP(buf_fini) struct buf b = { 0 };
        str rest = text, escaped = percent_encode(a, token);
        for (ptrdiff_t at; (at = str_find(rest, token)) >= 0;) {
            buf_add(&b, str_sub(rest, 0, (size_t)at));
            buf_add(&b, escaped);
            rest = str_skip(rest, (size_t)at + token.n);
        }
        buf_add(&b, rest);
        text = arena_str(a, buf_str(&b));
    }
    return text;
}

// ---- secrets that are bound to hosts ----

bool http_request_allows_host(const struct json *hosts, const struct url *url)
{
    bool is_own_port = url->port == (str_eq(url->scheme, STR("https")) ? 443 : 80);
    json_each(item, hosts)
    {
        str host = json_str(item, STR(""));
        ptrdiff_t colon = str_find_last_char(host, ':');
        int64_t port = 0;
        bool has_port = colon >= 0 && str_to_i64(str_skip(host, (size_t)colon + 1), &port) && (str_find_char(host, ':') == colon || str_starts(host, STR("[")));
        if (has_port)
            host = str_sub(host, 0, (size_t)colon);
        if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
            host = str_sub(host, 1, host.n - 2);
        if (str_eq_nocase(host, url->host) && (has_port ? port == url->port : is_own_port))
            return true;
    }
    return false;
}

// Takes away what must not go to this host. Whatever then refers to it is undefined, with that reason: however the value would have
// come in, through other variables or filters, it cannot.
static void hold_back(struct rendering *r, const struct url *url)
{
    struct arena *a = r->arena;
    r->held_back = ARENA_ARRAY(a, str, r->in->bound_count);
    for (size_t i = 0; i < r->in->bound_count; i++) {
        const struct bound_secret *s = &r->in->bound[i];
        if (http_request_allows_host(s->hosts, url))
            continue;
        str reason = arena_printf(a, "the secret \"%.*s\" may only be sent to its AllowedHosts, and %.*s:%d is none of them", STR_ARG(str_sub(s->secret, 0, 60)), STR_ARG(str_sub(url->host, 0, 80)), url->port);
        vars_set_undefined(r->in->vars, s->variable, reason);
        r->held_back[r->held_back_count++] = reason;
    }
}

static bool parse_url(struct rendering *r, const struct template_result *t, struct url *url, str *text)
{
    if (!check_uri(r, t))
        return false;
    *text = t->undefined_count ? escape_left_tokens(r->arena, t) : t->output;
    return url_parse(r->arena, *text, url, r->e) || err_in(r->e, "Action.Uri");
}

static bool render_uri(struct rendering *r, struct outgoing *out, str *shown)
{
    struct template_result t;
    struct url url;
    str uri = r->in->def->uri;
    if (!render(r, "Action.Uri", uri, &t) || !parse_url(r, &t, &url, &out->url))
        return false;
    hold_back(r, &url);
    // The address itself may have held one of them.
    if (r->held_back_count && (!render(r, "Action.Uri", uri, &t) || !parse_url(r, &t, &url, &out->url)))
        return false;
    out->host = arena_printf(r->arena, "%.*s:%d", STR_ARG(url.host), url.port);
    *shown = masked(r->arena, &t);
    return true;
}

static bool render_method(struct rendering *r, struct outgoing *out)
{
    struct template_result t;
    if (!render(r, "Action.Method", r->in->def->method, &t))
        return false;
    str text = str_trim(t.output);
    if (!text.n || text.n > 32 || !signing_is_token(text))
        return err_set(r->e, ERR_INVALID, "Action.Method: \"%.*s\" is no HTTP method", STR_ARG(str_sub(masked(r->arena, &t), 0, 40)));
    char *upper = arena_bytes(r->arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        upper[i] = text.p[i] >= 'a' && text.p[i] <= 'z' ? (char)(text.p[i] - 'a' + 'A') : text.p[i];
    upper[text.n] = 0;
    out->method = (str){ upper, text.n };
    return true;
}

// ---- headers ----

struct header_list {
    struct outgoing *out;
    struct json *shown;
    struct arena *arena;
};

static void add_header(struct header_list *l, str name, str value, str shown)
{
    l->out->headers[l->out->header_count++] = (struct http_header){ name, value };
    struct json *j = json_push(l->shown, json_new_object(l->arena));
    json_add_str(l->arena, j, "Name", name);
    json_add_str(l->arena, j, "Value", shown);
}

static bool has_header(const struct outgoing *out, str name)
{
    for (size_t i = 0; i < out->header_count; i++)
        if (str_eq_nocase(out->headers[i].name, name))
            return true;
    return false;
}

static void add_default(struct header_list *l, str name, str value)
{
    if (!has_header(l->out, name))
        add_header(l, name, value, value);
}

// Those that decide where a message ends or goes belong to the client alone.
static bool is_ours(str name)
{
    static const char *const ours[] = { "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Host", "TE", "Trailer", "Upgrade", "Expect", "Proxy-Authorization", "Proxy-Connection" };
    for (size_t i = 0; i < COUNT(ours); i++)
        if (str_eq_nocase(name, str_from(ours[i])))
            return true;
    return false;
}

static bool check_value(struct rendering *r, const char *what, str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
            return err_set(r->e, ERR_INVALID, "%s: its value must hold no CR, LF, NUL or other control character, but byte %zu is 0x%02x; nothing was sent", what, i + 1, (unsigned char)value.p[i]);
    return true;
}

static bool render_headers(struct rendering *r, struct header_list *l)
{
    json_each(header, r->in->def->headers)
    {
        struct template_result t;
        str name = json_str(json_get(header, STR("Name")), STR(""));
        const char *what = arena_printf(r->arena, "the header %.*s", STR_ARG(str_sub(name, 0, 60))).p;
        if (!signing_is_token(name) || is_ours(name))
            return err_set(r->e, ERR_INVALID, "\"%.*s\" must be the name of a header that is not the server's own to set", STR_ARG(str_sub(name, 0, 60)));
        if (!render(r, what, json_str(json_get(header, STR("Value")), STR("")), &t) || !check_value(r, what, t.output))
            return false;
        add_header(l, name, t.output, masked(r->arena, &t));
    }
    return true;
}

// ---- the body ----

static bool render_body(struct rendering *r, struct header_list *l, str *shown)
{
    const struct reaction *def = r->in->def;
    struct outgoing *out = l->out;
    struct template_result t, type;
    if (!render(r, "Action.Body", def->body, &t) || !render(r, "Action.ContentType", def->content_type, &type) || !check_value(r, "Action.ContentType", type.output))
        return false;
    *shown = masked(r->arena, &t);
    out->body = t.output;
    if (!def->body.n)
        return true;
    if (type.output.n)
        add_default(l, STR("Content-Type"), type.output);
    str content_type = STR("");
    for (size_t i = 0; i < out->header_count; i++)
        if (str_eq_nocase(out->headers[i].name, STR("Content-Type")))
            content_type = out->headers[i].value;
    // By the type alone: a template that rendered to nothing is no JSON either.
    return !def->check_body || request_body_check(payload_kind(BODY_AUTO, content_type, STR("?")), &t, r->arena, r->e);
}

// ---- all of it ----

// W3C trace context: one trace for all attempts of a run, a span for each.
static str traceparent(const struct http_request_input *in, struct arena *a)
{
    CLEANUP(buf_fini) struct buf trace = { 0 };
    for (size_t i = 0; i < in->key.n && trace.n < 32; i++)
        if (str_has(STR("0123456789abcdef"), in->key.p[i]))
            buf_add_char(&trace, in->key.p[i]);
    str id = trace.n == 32 ? arena_str(a, buf_str(&trace)) : random_hex(in->random, a, 16);
    return arena_printf(a, "00-%.*s-%.*s-01", STR_ARG(id), STR_ARG(random_hex(in->random, a, 8)));
}

static bool sign(struct rendering *r, struct header_list *l)
{
    struct decode_errors errors = { .arena = r->arena };
    struct signing signing;
    struct http_header headers[SIGNING_HEADERS_MAX];
    signing_decode(r->in->def->signing, STR("Action.Signing"), true, &errors, &signing);
    if (errors.count)
        return err_set(r->e, ERR_INVALID, "%.*s", STR_ARG(errors.items[0]));
    size_t count = signing_headers(&signing, r->in->key, clock_wall_ms(r->in->clock) / 1000, l->out->body, r->arena, headers);
    for (size_t i = 0; i < count; i++)
        add_header(l, headers[i].name, headers[i].value, headers[i].value);
    return true;
}

// One PEM text may hold the certificate and its key.
static struct http_tls tls_of(const struct reaction *def)
{
    str client = json_str(json_get(def->tls, STR("ClientCertificate")), STR(""));
    return (struct http_tls){ .ca_pem = json_str(json_get(def->tls, STR("Ca")), STR("")), .client_cert_pem = client, .client_key_pem = client };
}

bool http_request_render(const struct http_request_input *in, struct arena *a, struct outgoing *out, struct err *e)
{
    struct rendering r = { .in = in, .arena = a, .e = e };
    struct json *shown = json_new_object(a), *headers = json_new_array(a);
    struct outgoing o = { .tls = tls_of(in->def) };
    struct header_list list = { &o, headers, a };
    str uri, body;
    o.headers = ARENA_ARRAY(a, struct http_header, (in->def->headers ? in->def->headers->count : 0) + 4 + SIGNING_HEADERS_MAX);
    if (!render_uri(&r, &o, &uri) || !render_method(&r, &o) || !render_headers(&r, &list) || !render_body(&r, &list, &body))
        return false;
    add_default(&list, STR("User-Agent"), arena_printf(a, "OctopusReactions/1 (reaction %.*s; run %.*s)", STR_ARG(in->reaction_id), STR_ARG(in->run_id)));
    add_default(&list, STR("Idempotency-Key"), in->key);
    add_default(&list, STR("traceparent"), traceparent(in, a));
    if (!sign(&r, &list))
        return false;
    json_add_str(a, shown, "Method", o.method);
    json_add_str(a, shown, "Uri", uri);
    json_add(shown, STR("Headers"), headers);
    json_add_str(a, shown, "Body", in->def->body.n ? http_request_cut(body, LIMIT_OUT_STORED_BYTES) : (str){ 0 });
    o.shown = shown;
    *out = o;
    return true;
}

// ---- when it is saved ----

static void note(struct decode_errors *errors, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void note(struct decode_errors *errors, const char *fmt, ...)
{
    if (errors->count == DECODE_ERRORS_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    errors->items[errors->count++] = arena_vprintf(errors->arena, fmt, args);
    va_end(args);
}

// A constant address is checked whole; of another, what stands before its first token.
static void check_saved_uri(struct decode_errors *errors, str uri)
{
    struct url url;
    struct err e = { 0 };
    ptrdiff_t token = str_find(uri, STR("#{"));
    str front = token < 0 ? uri : str_sub(uri, 0, (size_t)token);
    if (token < 0 && !url_parse(errors->arena, uri, &url, &e))
        note(errors, "Action.Uri: %s", e.text);
    else if (token >= 0 && str_find(front, STR("://")) >= 0 && !str_starts_nocase(front, STR("http://")) && !str_starts_nocase(front, STR("https://")))
        note(errors, "Action.Uri: must begin with http:// or https://");
}

static void check_saved_headers(struct decode_errors *errors, const struct json *headers)
{
    size_t at = 0;
    json_each(header, headers)
    {
        str name = json_str(json_get(header, STR("Name")), STR("")), value = json_str(json_get(header, STR("Value")), STR(""));
        if (name.n && !signing_is_token(name))
            note(errors, "Action.Headers[%zu].Name: \"%.*s\" is no header name: letters, digits and hyphens, no template", at, STR_ARG(str_sub(name, 0, 60)));
        else if (is_ours(name))
            note(errors, "Action.Headers[%zu].Name: %.*s is set by the server", at, STR_ARG(name));
        if (str_has(value, '\r') || str_has(value, '\n') || str_has(value, '\0'))
            note(errors, "Action.Headers[%zu].Value: must not hold CR, LF or NUL", at);
        at++;
    }
    if (at > LIMIT_HTTP_HEADERS)
        note(errors, "Action.Headers: has %zu, at most %d are sent", at, LIMIT_HTTP_HEADERS);
}

static void check_saved_tls(struct decode_errors *errors, const struct json *tls)
{
    struct decode d;
    if (!tls || !decode_begin(&d, tls, STR("Action.Tls"), errors))
        return;
    str ca = decode_str(&d, "Ca", (str){ 0 });
    const struct json *client = decode_any(&d, "ClientCertificate");
    if (ca.n && str_find(ca, STR("-----BEGIN CERTIFICATE-----")) < 0)
        decode_error(&d, "Ca", "must be PEM: -----BEGIN CERTIFICATE-----...");
    if (json_is(client, JSON_STRING) && (str_find(client->text, STR("-----BEGIN CERTIFICATE-----")) < 0 || str_find(client->text, STR("PRIVATE KEY-----")) < 0))
        decode_error(&d, "ClientCertificate", "must be PEM with a certificate and its private key, one after the other");
    decode_done(&d);
}

void http_request_check(const struct reaction *def, struct decode_errors *errors)
{
    struct success success;
    struct signing signing;
    struct err e = { 0 };
    if (def->action_type != ACTION_HTTP)
        return;
    check_saved_uri(errors, def->uri);
    if (str_find(def->method, STR("#{")) < 0 && (!signing_is_token(def->method) || str_eq_nocase(def->method, STR("CONNECT")) || str_eq_nocase(def->method, STR("TRACE"))))
        note(errors, "Action.Method: \"%.*s\" must be an HTTP method such as POST; CONNECT and TRACE are refused", STR_ARG(str_sub(def->method, 0, 40)));
    check_saved_headers(errors, def->headers);
    if (!success_parse(def->success_status, &success, &e))
        note(errors, "Action.SuccessStatus: %s", e.text);
    signing_decode(def->signing, STR("Action.Signing"), false, errors, &signing);
    check_saved_tls(errors, def->tls);
}
