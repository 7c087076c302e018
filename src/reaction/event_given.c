#include "reaction/event_given.h"

#include "base/limits.h"
#include "octopus/event.h"
#include "reaction/payload.h"

static bool is_octopus_event(const struct json *doc)
{
    return json_is(json_get(doc, STR("Category")), JSON_STRING) && !json_get(doc, STR("Payload")) && !json_get(doc, STR("Source"));
}

// Senders have a member Payload too (MyGet): alone it says nothing, unless everything beside it is an event's as well.
static bool is_shown_event(const struct json *doc)
{
    static const char *const fields[] = { "Id", "SpaceId", "Source", "Trigger", "Connection", "Type", "OctopusEventId", "DeliveryId", "IsReusedDelivery", "Occurred", "Received", "Request", "Payload", "CausedBy", "Verdicts", "Links" };
    str source = json_str(json_get(doc, STR("Source")), STR(""));
    if (str_eq_nocase(source, STR("External")) || str_eq_nocase(source, STR("Internal")) || json_is(json_get(doc, STR("Request")), JSON_OBJECT))
        return true;
    bool is_known = json_get(doc, STR("Payload")) != NULL;
    json_each(member, doc)
    {
        bool is_field = false;
        for (size_t i = 0; i < COUNT(fields); i++)
            is_field = is_field || str_eq(member->name, str_from(fields[i]));
        is_known = is_known && is_field;
    }
    return is_known;
}

// What a person leaves out of an Octopus event, but the log never does.
static bool take_octopus_event(const struct json *given, const struct snapshot *s, const struct reaction_entry *r, int64_t now_ms, struct decode_errors *errors, struct store_event *out)
{
    struct arena *a = errors->arena;
    struct json *doc = json_copy(a, given);
    struct octopus_event v;
    struct err e = { 0 };
    const struct connection_entry *connection = snapshot_space_connection(s, r->space_id);
    if (!json_get(doc, STR("Id")))
        json_put(doc, STR("Id"), json_new_string(a, STR("Events-0")));
    if (!json_get(doc, STR("Occurred")))
        json_add_time(a, doc, "Occurred", now_ms);
    if (!octopus_event_read(doc, &v, &e)) {
        if (errors->count < DECODE_ERRORS_MAX)
            errors->items[errors->count++] = arena_printf(a, "Event: %s", e.text);
        return false;
    }
    *out = (struct store_event){
        .space_id = r->space_id,
        .source = EVENT_INTERNAL,
        .connection_id = connection ? connection->id : 0,
        .type = v.category,
        .octopus_event_id = v.id,
        .occurred_ms = v.occurred_ms,
        .received_ms = now_ms,
        .payload_kind = STR("json"),
        .body = json_text(a, doc),
    };
    return true;
}

static struct json *default_request(struct arena *a, const struct trigger_entry *t, str content_type)
{
    struct json *j = json_new_object(a);
    json_add_str(a, j, "Method", STR("POST"));
    json_add_str(a, j, "Path", arena_printf(a, "/triggers/%.*s", STR_ARG(t ? t->t->route : STR("test"))));
    json_add(j, STR("Query"), json_new_object(a));
    json_add(j, STR("Route"), json_new_object(a));
    json_add_str(a, json_add(j, STR("Headers"), json_new_object(a)), "Content-Type", content_type);
    json_add_str(a, j, "ContentType", content_type);
    json_add_str(a, j, "RemoteAddress", STR("127.0.0.1"));
    return j;
}

static void take_payload(const struct json *payload, const struct json *request, const struct trigger_entry *t, struct arena *a, struct store_event *out)
{
    str type = json_str(json_get(request, STR("ContentType")), STR("application/json"));
    const char *kind = payload_kind(BODY_AUTO, type, STR("x"));
    bool is_text = json_is(payload, JSON_STRING) && (!strcmp(kind, "text") || !strcmp(kind, "xml"));
    struct json *shown = request ? json_copy(a, request) : default_request(a, t, type);
    // Half a request is easily written: templates and scripts find the rest empty rather than absent.
    static const char *const objects[] = { "Query", "Route", "Headers" };
    for (size_t i = 0; i < COUNT(objects); i++)
        if (!json_is(json_get(shown, str_from(objects[i])), JSON_OBJECT))
            json_put(shown, str_from(objects[i]), json_new_object(a));
    out->request = json_text(a, shown);
    out->payload_kind = str_from(!payload ? "none" : is_text ? kind : "json");
    out->body = !payload ? STR("") : is_text ? payload->text : json_text(a, payload);
}

static const struct trigger_entry *find_trigger(const struct snapshot *s, const struct reaction_entry *r, str name, struct decode *d)
{
    const struct trigger_entry *t = name.n ? snapshot_find_trigger(s, r->space_id, name) : r->trigger;
    if (name.n && !t)
        decode_error(d, "Trigger", "there is no trigger \"%.*s\" in this space", STR_ARG(name));
    return t;
}

static bool take_shown_event(const struct json *doc, const struct snapshot *s, const struct reaction_entry *r, int64_t now_ms, struct decode_errors *errors, struct store_event *out)
{
    static const char *const sources[] = { "External", "Internal", NULL }, *const ignored[] = { "Id", "SpaceId", "Connection", "DeliveryId", "IsReusedDelivery", "Received", "CausedBy", "Verdicts", "Links" };
    struct arena *a = errors->arena;
    struct decode d;
    size_t before = errors->count;
    if (!decode_begin(&d, doc, STR("Event"), errors))
        return false;
    for (size_t i = 0; i < COUNT(ignored); i++)
        decode_ignore(&d, ignored[i]);
    bool is_internal = decode_choice(&d, "Source", sources, r->def->trigger_type == TRIGGER_INTERNAL) == 1;
    str trigger = decode_str(&d, "Trigger", STR("")), type = decode_str(&d, "Type", STR("")), octopus_id = decode_str(&d, "OctopusEventId", STR(""));
    int64_t occurred_ms = decode_time_ms(&d, "Occurred", now_ms);
    const struct json *request = decode_object(&d, "Request"), *payload = decode_member(&d, "Payload");
    decode_done(&d);
    if (is_internal) {
        struct json *event = json_is(payload, JSON_OBJECT) ? json_copy(a, payload) : NULL;
        if (!event)
            decode_error(&d, "Payload", "must be the Octopus event, an object with a Category");
        else if (!json_get(event, STR("Category")) && type.n)
            json_put(event, STR("Category"), json_new_string(a, type));
        if (event && octopus_id.n && !json_get(event, STR("Id")))
            json_put(event, STR("Id"), json_new_string(a, octopus_id));
        return errors->count == before && take_octopus_event(event, s, r, now_ms, errors, out);
    }
    const struct trigger_entry *t = find_trigger(s, r, trigger, &d);
    *out = (struct store_event){ .space_id = r->space_id, .source = EVENT_EXTERNAL, .trigger_id = t ? t->t->id : 0, .type = t ? t->t->slug : type, .occurred_ms = occurred_ms, .received_ms = now_ms };
    take_payload(payload, request, t, a, out);
    return errors->count == before;
}

bool event_given(const struct json *doc, const struct snapshot *s, const struct reaction_entry *r, int64_t now_ms, struct decode_errors *errors, struct store_event *out)
{
    if (is_octopus_event(doc))
        return take_octopus_event(doc, s, r, now_ms, errors, out);
    if (is_shown_event(doc) || r->def->trigger_type == TRIGGER_INTERNAL)
        return take_shown_event(doc, s, r, now_ms, errors, out);
    const struct trigger_entry *t = r->trigger;
    *out = (struct store_event){ .space_id = r->space_id, .source = EVENT_EXTERNAL, .trigger_id = t ? t->t->id : 0, .type = t ? t->t->slug : STR("test"), .occurred_ms = now_ms, .received_ms = now_ms };
    take_payload(doc, NULL, t, errors->arena, out);
    return true;
}
