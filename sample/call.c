#include "sample/call.h"

#include "base/encode.h"
#include "base/limits.h"

#include <stdio.h>

static bool split_path(struct call *c)
{
    str rest = c->http->path, part;

    while (str_split(&rest, '/', &part)) {
        if (!part.n)
            continue;
        if (c->segment_count == CALL_SEGMENTS_MAX || !percent_decode(c->a, part, false, &c->segments[c->segment_count]))
            return false;
        if (!str_is_utf8(c->segments[c->segment_count]))
            return false;
        c->segment_count++;
    }
    return true;
}

static bool split_query(struct call *c)
{
    str rest = c->http->query, part;
    size_t parts = 1;

    for (size_t i = 0; i < rest.n; i++)
        parts += rest.p[i] == '&';
    c->query = ARENA_ARRAY(c->a, struct query_item, parts);
    while (rest.n && str_split(&rest, '&', &part)) {
        ptrdiff_t equals = str_find_char(part, '=');
        struct query_item *item = &c->query[c->query_count];
        str name = equals < 0 ? part : str_sub(part, 0, (size_t)equals), value = equals < 0 ? STR("") : str_skip(part, (size_t)equals + 1);

        if (!part.n)
            continue;
        if (!percent_decode(c->a, name, true, &item->name) || !percent_decode(c->a, value, true, &item->value) || !str_is_utf8(item->name) || !str_is_utf8(item->value))
            return false;
        c->query_count++;
    }
    return true;
}

bool call_begin(struct call *c, struct sample *s, struct http_request *r)
{
    str override = http_header(r, STR("X-HTTP-Method-Override"));

    *c = (struct call){ .sample = s, .http = r, .a = r->arena, .method = r->method, .path = r->path };
    // The .NET client sends PUT and DELETE as POST with this header.
    if (str_eq(r->method, STR("POST")) && override.n)
        c->method = override;
    if (split_path(c) && split_query(c))
        return true;
    call_error(c, 400, "The path or the query of the request is not properly encoded, or too long.");
    return false;
}

bool call_read_body(struct call *c)
{
    struct json *body;
    struct err e;

    // A package comes as a form with a file: nothing for the parser.
    if (!str_trim(c->http->body).n || str_starts_nocase(http_header(c->http, STR("Content-Type")), STR("multipart/")))
        return true;
    if (!json_parse(c->a, c->http->body, &body, &e)) {
        call_error(c, 400, "The body of the request is not valid JSON: %s", e.text);
        return false;
    }
    c->body = body;
    return true;
}

static str key_of(const struct call *c)
{
    str key = http_header(c->http, STR("X-Octopus-ApiKey")), bearer = http_header(c->http, STR("Authorization"));

    if (key.n)
        return key;
    if (call_query(c, "apikey").n)
        return call_query(c, "apikey");
    return str_starts_nocase(bearer, STR("Bearer ")) ? str_trim(str_skip(bearer, 7)) : STR("");
}

static str utf8_or_nothing(str s)
{
    return str_is_utf8(s) ? s : STR("");
}

void call_identify(struct call *c)
{
    struct doc *key = NULL;

    c->user = access_user_by_key(c->sample->model, key_of(c), sample_now_ms(c->sample), &key);
    if (!c->user)
        return;
    c->actor = (struct actor){
        .user_id = c->user->id,
        .username = doc_str(c->user, "Username"),
        .is_service = doc_bool(c->user, "IsService"),
        .identity = arena_printf(c->a, "API key '%.*s' created %.*s", STR_ARG(doc_str(key, "Purpose")), STR_ARG(doc_str(key, "_CreatedText"))),
        .user_agent = utf8_or_nothing(http_header(c->http, STR("User-Agent"))),
        .ip = c->http->remote.text,
        .key_id = key->id,
        .key_hint = json_str(json_get(doc_field(key, "ApiKey"), STR("Hint")), STR("")),
    };
}

str call_query(const struct call *c, const char *name)
{
    for (size_t i = 0; i < c->query_count; i++)
        if (str_eq_nocase(c->query[i].name, str_from(name)))
            return c->query[i].value;
    return STR("");
}

bool call_has_query(const struct call *c, const char *name)
{
    return call_query(c, name).n > 0;
}

bool call_query_bool(const struct call *c, const char *name, bool otherwise)
{
    str v = call_query(c, name);

    return v.n ? str_eq_nocase(v, STR("true")) : otherwise;
}

int64_t call_query_i64(const struct call *c, const char *name, int64_t otherwise)
{
    int64_t v;

    return str_to_i64(call_query(c, name), &v) ? v : otherwise;
}

void call_query_list(const struct call *c, const char *name, struct id_list *list)
{
    for (size_t i = 0; i < c->query_count; i++)
        if (str_eq_nocase(c->query[i].name, str_from(name)))
            id_list_split(c->a, list, c->query[i].value);
}

const struct json *call_field(const struct call *c, const char *name)
{
    return json_get_nocase(c->body, str_from(name));
}

str call_str(const struct call *c, const char *name)
{
    return json_str(call_field(c, name), STR(""));
}

bool call_bool(const struct call *c, const char *name, bool otherwise)
{
    return json_bool(call_field(c, name), otherwise);
}

bool call_i64(const struct call *c, const char *name, int64_t *out)
{
    return json_i64(call_field(c, name), out);
}

void call_answer_with(struct call *c, int status, const struct http_header *headers, size_t header_count, str body)
{
    if (c->fate == FATE_CUT) {
        http_abort(c->http);
        return;
    }
    if (c->fate == FATE_5XX) {
        c->fate = FATE_ANSWERED;
        call_error(c, 502, "The adversary lost this answer; the request was carried out.");
        return;
    }
    http_answer(c->http, status, headers, header_count, body);
}

void call_answer_text(struct call *c, int status, const char *content_type, str body)
{
    struct http_header type = { STR("Content-Type"), str_from(content_type) };

    call_answer_with(c, status, &type, 1, body);
}

void call_answer(struct call *c, int status, const struct json *j)
{
    call_answer_text(c, status, "application/json; charset=utf-8", json_text(c->a, j));
}

static void answer_errors(struct call *c, int status, str message, struct json *errors)
{
    struct json *o = json_new_object(c->a);

    json_add_str(c->a, o, "ErrorMessage", message);
    json_add(o, STR("Errors"), errors ? errors : json_new_array(c->a));
    json_add_null(c->a, o, "FullException");
    json_add_null(c->a, o, "HelpText");
    json_add_null(c->a, o, "HelpLink");
    json_add(o, STR("Details"), json_new_object(c->a));
    call_answer(c, status, o);
}

void call_error(struct call *c, int status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    str message = arena_vprintf(c->a, fmt, args);
    va_end(args);
    answer_errors(c, status, message, NULL);
}

void call_invalid_list(struct call *c, struct json *errors)
{
    answer_errors(c, 400, STR("There was a problem with your request."), errors);
}

void call_invalid(struct call *c, const char *fmt, ...)
{
    struct json *errors = json_new_array(c->a);
    va_list args;

    va_start(args, fmt);
    json_push(errors, json_new_string(c->a, arena_vprintf(c->a, fmt, args)));
    va_end(args);
    call_invalid_list(c, errors);
}

void call_not_found(struct call *c, const char *what, str id)
{
    call_error(c, 404, "The resource '%.*s' was not found. (%s)", STR_ARG(id), what);
}

bool call_may(struct call *c, const char *permission, const struct scope *scope)
{
    if (!c->user) {
        call_error(c, 401, "You must be logged in to request this resource. Please provide a valid API key or log in.");
        return false;
    }
    if (!permission || access_may(c->sample->model, c->user->id, permission, c->space, scope))
        return true;
    call_error(c, 403, "You do not have permission to perform this action. Please contact your Octopus administrator. Missing permission: %s", permission);
    return false;
}

bool call_admin(struct call *c)
{
    if (c->user && access_is_admin(c->sample->model, c->user->id))
        return true;
    if (c->user)
        call_error(c, 403, "The routes below /sample are for the key the sample was started with.");
    else
        call_error(c, 401, "The routes below /sample want the key the sample was started with, in X-Octopus-ApiKey.");
    return false;
}

// The query as it was asked, without skip and take.
static str other_query(struct call *c)
{
    struct buf out = { 0 };

    for (size_t i = 0; i < c->query_count; i++) {
        struct query_item *q = &c->query[i];

        if (str_eq_nocase(q->name, STR("skip")) || str_eq_nocase(q->name, STR("take")) || str_eq_nocase(q->name, STR("apikey")))
            continue;
        buf_printf(&out, "&%.*s=%.*s", STR_ARG(percent_encode(c->a, q->name)), STR_ARG(percent_encode(c->a, q->value)));
    }
    str kept = arena_str(c->a, buf_str(&out));
    buf_fini(&out);
    return kept;
}

static void add_page(struct call *c, struct json *links, const char *name, int64_t skip, int64_t take, str rest)
{
    json_add_str(c->a, links, name, arena_printf(c->a, "%.*s?skip=%" PRId64 "&take=%" PRId64 "%.*s", STR_ARG(c->path), skip, take, STR_ARG(rest)));
}

struct json *call_envelope(struct call *c, const char *item_type, struct json *items, size_t total, int64_t skip, int64_t take)
{
    struct json *o = json_new_object(c->a), *links = json_new_object(c->a);
    int64_t n = (int64_t)total, per_page = MAX(take, 1), pages = MAX((n + per_page - 1) / per_page, 1);
    str rest = other_query(c);

    json_add_str(c->a, o, "ItemType", str_from(item_type));
    json_add_i64(c->a, o, "TotalResults", n);
    json_add_i64(c->a, o, "ItemsPerPage", take);
    json_add_i64(c->a, o, "NumberOfPages", pages);
    json_add_i64(c->a, o, "LastPageNumber", pages - 1);
    json_add(o, STR("Items"), items);
    add_page(c, links, "Self", skip, take, rest);
    json_add_str(c->a, links, "Template", arena_printf(c->a, "%.*s{?skip,take}", STR_ARG(c->path)));
    add_page(c, links, "Page.All", 0, INT32_MAX, rest);
    add_page(c, links, "Page.Current", skip, take, rest);
    if (skip > 0)
        add_page(c, links, "Page.Previous", MAX(skip - take, 0), take, rest);
    if (take > 0 && skip + take < n)
        add_page(c, links, "Page.Next", skip + take, take, rest);
    add_page(c, links, "Page.Last", (pages - 1) * per_page, take, rest);
    json_add(o, STR("Links"), links);
    return o;
}
