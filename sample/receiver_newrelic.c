// New Relic: the REST API v2 (deployments, alert conditions), NerdGraph, the event API.
#include "sample/receiver.h"

static void nr_error(struct call *c, int status, const char *title)
{
    struct json *o = json_new_object(c->a);

    json_add_str(c->a, json_add(o, STR("error"), json_new_object(c->a)), "title", str_from(title));
    receiver_reply_json(c, STR("newrelic"), status, o);
}

static str nr_key(const struct call *c)
{
    str key = http_header(c->http, STR("Api-Key"));

    return key.n ? key : http_header(c->http, STR("X-Api-Key"));
}

static void nr_deployment(struct call *c)
{
    const struct json *deployment = json_get(receiver_body(c), STR("deployment"));
    struct json *o = json_new_object(c->a), *d;

    if (!json_is(deployment, JSON_OBJECT)) {
        nr_error(c, 400, "Invalid JSON: an object named deployment is expected");
        return;
    }
    if (!json_str(json_get(deployment, STR("revision")), STR("")).n) {
        nr_error(c, 422, "Revision can't be blank");
        return;
    }
    d = json_add(o, STR("deployment"), json_copy(c->a, deployment));
    json_put(d, STR("id"), json_new_i64(c->a, receiver_next_id(c)));
    if (!json_get(d, STR("timestamp")))
        json_add_str(c->a, d, "timestamp", text_date(c->a, sample_now_ms(c->sample)));
    json_add(d, STR("links"), json_new_object(c->a));
    receiver_reply_json(c, STR("newrelic"), 201, o);
}

// "condition" or "nrql_condition", by the route.
static void nr_condition(struct call *c, const char *name)
{
    const struct json *body = receiver_body(c), *condition = json_get(body, str_from(name)), *terms = json_get(condition, STR("terms"));

    if (!json_is(condition, JSON_OBJECT))
        nr_error(c, 422, arena_printf(c->a, "An object named %s is expected", name).p);
    else if (!json_is(terms, JSON_ARRAY) || !terms->count)
        nr_error(c, 422, "The condition needs terms");
    else
        receiver_reply_json(c, STR("newrelic"), 200, body);
}

// NerdGraph answers 200 also where it refuses: the errors stand in the body.
static void nr_graphql(struct call *c)
{
    static const struct { const char *mutation, *result; } known[] = {
        { "changeTrackingCreateDeployment", "{\"data\":{\"changeTrackingCreateDeployment\":{\"deploymentId\":\"0f3b6c1e-2d8e-4f6b-9d61-6f1c7a0b9e55\",\"entityGuid\":\"MTIzNDU2fEFQTXxBUFBMSUNBVElPTnwx\"}}}" },
        { "changeTrackingCreateEvent", "{\"data\":{\"changeTrackingCreateEvent\":{\"changeTrackingEvent\":{\"changeTrackingId\":\"0f3b6c1e-2d8e-4f6b-9d61-6f1c7a0b9e56\"}}}}" },
        { "alertsMutingRuleCreate", "{\"data\":{\"alertsMutingRuleCreate\":{\"id\":\"4711\"}}}" },
        { "alertsMutingRuleDelete", "{\"data\":{\"alertsMutingRuleDelete\":{\"id\":\"4711\"}}}" },
        { "alertsNrqlConditionStaticUpdate", "{\"data\":{\"alertsNrqlConditionStaticUpdate\":{\"id\":\"815\"}}}" },
    };
    const struct json *body = receiver_body(c);
    str query = json_str(json_get(body, STR("query")), STR(""));

    if (!query.n) {
        receiver_reply(c, STR("newrelic"), 400, "application/json", STR("{\"errors\":[{\"message\":\"The request must hold a query.\"}]}"));
        return;
    }
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_find(query, str_from(known[i].mutation)) >= 0) {
            receiver_reply(c, STR("newrelic"), 200, "application/json", str_from(known[i].result));
            return;
        }
    receiver_reply(c, STR("newrelic"), 200, "application/json", STR("{\"data\":null,\"errors\":[{\"message\":\"Validation error: field is undefined\"}]}"));
}

static void nr_events(struct call *c)
{
    const struct json *body = receiver_body(c);
    bool is_sound = json_is(body, JSON_ARRAY) ? body->count > 0 : json_is(body, JSON_OBJECT);

    if (json_is(body, JSON_OBJECT))
        is_sound = json_str(json_get(body, STR("eventType")), STR("")).n > 0;
    json_each(one, json_is(body, JSON_ARRAY) ? body : NULL)
        is_sound = is_sound && json_str(json_get(one, STR("eventType")), STR("")).n;
    if (is_sound)
        receiver_reply(c, STR("newrelic"), 200, "application/json", STR("{\"success\":true,\"uuid\":\"acb9d7a0-0001-b000-0000-01712d8a3a8f\"}"));
    else
        receiver_reply(c, STR("newrelic"), 400, "application/json", STR("{\"error\":\"Each event needs an eventType.\"}"));
}

void receiver_newrelic(struct call *c)
{
    if (!nr_key(c).n || str_eq_nocase(nr_key(c), STR("wrong")))
        nr_error(c, 401, "The API key provided is invalid");
    else if (!receiver_has_json_type(c))
        nr_error(c, 415, "Content-Type must be application/json");
    else if (str_eq(c->method, STR("POST")) && receiver_is_path(c, 2, "v2/applications/{}/deployments.json"))
        nr_deployment(c);
    else if (str_eq(c->method, STR("PUT")) && receiver_is_path(c, 2, "v2/alerts_conditions/{}"))
        nr_condition(c, "condition");
    else if (str_eq(c->method, STR("PUT")) && receiver_is_path(c, 2, "v2/alerts_nrql_conditions/{}"))
        nr_condition(c, "nrql_condition");
    else if (str_eq(c->method, STR("POST")) && receiver_is_path(c, 2, "graphql"))
        nr_graphql(c);
    else if (str_eq(c->method, STR("POST")) && receiver_is_path(c, 2, "v1/accounts/{}/events"))
        nr_events(c);
    else
        nr_error(c, 404, "Not found");
}
