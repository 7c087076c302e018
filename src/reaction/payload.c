#include "reaction/payload.h"

#include "base/encode.h"

static str media_type(str content_type)
{
    ptrdiff_t semicolon = str_find_char(content_type, ';');
    return str_trim(semicolon < 0 ? content_type : str_sub(content_type, 0, (size_t)semicolon));
}

static bool ends_nocase(str s, str suffix)
{
    return s.n >= suffix.n && str_eq_nocase(str_skip(s, s.n - suffix.n), suffix);
}

const char *payload_kind(enum body_parse parse_as, str content_type, str body)
{
    static const char *const by_choice[] = { NULL, "json", "form", "xml", "text", "bytes" };
    str type = media_type(content_type);
    if (!body.n && parse_as == BODY_AUTO)
        return "none";
    if (by_choice[parse_as])
        return by_choice[parse_as];
    // MyGet sends application/vnd.myget.webhooks.v1+json (senders.md 5).
    if (str_eq_nocase(type, STR("application/json")) || str_eq_nocase(type, STR("text/json")) || ends_nocase(type, STR("+json")))
        return "json";
    if (str_eq_nocase(type, STR("application/x-www-form-urlencoded")))
        return "form";
    if (str_eq_nocase(type, STR("application/xml")) || str_eq_nocase(type, STR("text/xml")) || ends_nocase(type, STR("+xml")))
        return "xml";
    if (str_starts_nocase(type, STR("text/")))
        return "text";
    return "bytes";
}

bool payload_check(const char *kind, str body, struct arena *a, struct err *e)
{
    struct json *j;
    if (!strcmp(kind, "json"))
        return json_parse(a, body, &j, e) || err_in(e, "the body is not valid JSON");
    if (!strcmp(kind, "form")) {
        str rest = body, part, decoded;
        while (str_split(&rest, '&', &part))
            if (!percent_decode(a, part, true, &decoded) || !str_is_utf8(decoded))
                return err_set(e, ERR_INVALID, "the body is not a valid form: \"%.*s\" has a broken escape", (int)MIN(part.n, (size_t)60), part.p);
        return true;
    }
    if ((!strcmp(kind, "text") || !strcmp(kind, "xml")) && !str_is_utf8(body))
        return err_set(e, ERR_INVALID, "the body is declared as %s but is not UTF-8", kind);
    return true;
}

struct json *query_json(str query, struct arena *a)
{
    struct json *object = json_new_object(a);
    str rest = query, part;
    while (query.n && str_split(&rest, '&', &part)) {
        if (!part.n)
            continue;
        ptrdiff_t equals = str_find_char(part, '=');
        str name = equals < 0 ? part : str_sub(part, 0, (size_t)equals), value = equals < 0 ? (str){ "", 0 } : str_skip(part, (size_t)equals + 1);
        if (!percent_decode(a, name, true, &name) || !str_is_utf8(name) || !percent_decode(a, value, true, &value) || !str_is_utf8(value))
            continue; // not text: the raw query is kept beside
        struct json *old = json_get(object, name);
        if (!old) {
            json_add(object, name, json_new_string(a, value));
        } else if (json_is(old, JSON_ARRAY)) {
            json_push(old, json_new_string(a, value));
        } else {
            struct json *list = json_new_array(a);
            json_push(list, json_new_string(a, old->text));
            json_push(list, json_new_string(a, value));
            json_put(object, name, list);
        }
    }
    return object;
}

static struct json *field_json(str body, str field, struct arena *a)
{
    struct json *form = query_json(body, a), *j;
    str text = json_str(json_get(form, field), (str){ 0 });
    return text.p && json_parse(a, text, &j, NULL) ? j : NULL;
}

bool payload_use_field(str field, str body, struct arena *a, str *kind, struct err *e)
{
    if (!field_json(body, field, a))
        return err_set(e, ERR_INVALID, "the form has no field \"%.*s\" that holds JSON", STR_ARG(field));
    *kind = arena_printf(a, "field:%.*s", STR_ARG(field));
    return true;
}

str payload_shown_kind(str kind)
{
    return str_starts(kind, STR("field:")) ? STR("json") : kind;
}

struct json *payload_json(const struct store_event *v, struct arena *a)
{
    struct json *j;
    if (str_eq(v->payload_kind, STR("json")))
        return json_parse(a, v->body, &j, NULL) ? j : json_new_null(a);
    if (str_starts(v->payload_kind, STR("field:"))) {
        j = field_json(v->body, str_skip(v->payload_kind, 6), a);
        return j ? j : json_new_null(a);
    }
    if (str_eq(v->payload_kind, STR("form")))
        return query_json(v->body, a);
    if (str_eq(v->payload_kind, STR("text")) || str_eq(v->payload_kind, STR("xml")))
        return json_new_string(a, v->body);
    if (str_eq(v->payload_kind, STR("bytes")))
        return json_new_string(a, base64_encode(a, v->body, BASE64_STANDARD));
    return json_new_null(a);
}

struct json *event_json(const struct store_event *v, const struct snapshot *s, bool with_payload, struct arena *a)
{
    struct json *j = json_new_object(a), *request = NULL;
    const struct connection_entry *connection = v->connection_id ? snapshot_connection(s, v->connection_id) : NULL;
    str id = store_id_text(a, KIND_EVENT, v->id);
    json_add_str(a, j, "Id", id);
    json_add_str(a, j, "SpaceId", store_id_text(a, KIND_SPACE, v->space_id));
    json_add_str(a, j, "Source", v->source == EVENT_EXTERNAL ? STR("External") : STR("Internal"));
    json_add_str(a, j, "Trigger", v->source == EVENT_EXTERNAL ? v->type : (str){ 0 });
    json_add_str(a, j, "Connection", connection ? connection->name : (str){ 0 });
    json_add_str(a, j, "Type", v->type);
    json_add_str(a, j, "OctopusEventId", v->octopus_event_id.n ? v->octopus_event_id : (str){ 0 });
    json_add_str(a, j, "DeliveryId", v->delivery_id.n ? v->delivery_id : (str){ 0 });
    if (v->is_reused_delivery)
        json_add_bool(a, j, "IsReusedDelivery", true);
    json_add_time(a, j, "Occurred", v->occurred_ms);
    json_add_time(a, j, "Received", v->received_ms);
    json_add(j, STR("Request"), v->request.n && json_parse(a, v->request, &request, NULL) ? request : json_new_null(a));
    if (with_payload)
        json_add(j, STR("Payload"), payload_json(v, a));
    struct json *cause = json_add(j, STR("CausedBy"), json_new_object(a));
    json_add_str(a, cause, "RunId", v->caused_by_run ? store_id_text(a, KIND_RUN, v->caused_by_run) : (str){ 0 });
    json_add_i64(a, cause, "Depth", v->caused_depth);
    struct json *verdicts = json_add(j, STR("Verdicts"), json_new_object(a));
    json_add_i64(a, verdicts, "Matched", v->matched);
    json_add_i64(a, verdicts, "NotMatched", v->not_matched);
    json_add_i64(a, verdicts, "Error", v->errors);
    struct json *links = json_add(j, STR("Links"), json_new_object(a));
    json_add_str(a, links, "Self", arena_printf(a, "/api/events/%.*s", STR_ARG(id)));
    return j;
}
