// AppDynamics: parameters in the query, answers in plain text.
#include "sample/receiver.h"

#include "base/encode.h"

static void appd_event(struct call *c)
{
    static const char *const types[] = { "APPLICATION_DEPLOYMENT", "APP_SERVER_RESTART", "APPLICATION_CONFIG_CHANGE", "CUSTOM" };
    static const char *const severities[] = { "INFO", "WARN", "ERROR" };
    str type = call_query(c, "eventtype"), severity = call_query(c, "severity");
    bool has_type = false, has_severity = false;

    for (size_t i = 0; i < COUNT(types); i++)
        has_type = has_type || str_eq(type, str_from(types[i]));
    for (size_t i = 0; i < COUNT(severities); i++)
        has_severity = has_severity || str_eq(severity, str_from(severities[i]));
    if (!call_has_query(c, "summary") || !has_type || !has_severity || (str_eq(type, STR("CUSTOM")) && !call_has_query(c, "customeventtype")))
        receiver_reply(c, STR("appdynamics"), 400, "text/html", STR("<html><body><h1>HTTP Status 400</h1><p>summary, eventtype and severity are mandatory</p></body></html>"));
    else
        receiver_reply(c, STR("appdynamics"), 200, "text/plain", arena_printf(c->a, "Successfully created the event id:%" PRId64, receiver_next_id(c)));
}

static void appd_token(struct call *c)
{
    str body = c->http->body;

    if (str_find(body, STR("grant_type=client_credentials")) >= 0 && str_find(body, STR("client_id=")) >= 0 && str_find(body, STR("client_secret=")) >= 0)
        receiver_reply(c, STR("appdynamics"), 200, "application/json", STR("{\"access_token\":\"sample-appdynamics-token\",\"expires_in\":300}"));
    else
        receiver_reply(c, STR("appdynamics"), 401, "application/json", STR("{\"error\":\"invalid_client\"}"));
}

static void appd_suppression(struct call *c)
{
    const struct json *body = receiver_body(c);

    if (!receiver_has_json_type(c)) {
        receiver_reply(c, STR("appdynamics"), 415, "application/json", STR("{\"statusCode\":415,\"message\":\"Unsupported media type\"}"));
    } else if (!json_str(json_get(body, STR("name")), STR("")).n) {
        receiver_reply(c, STR("appdynamics"), 400, "application/json", STR("{\"statusCode\":400,\"message\":\"name must not be empty\"}"));
    } else {
        struct json *o = json_copy(c->a, body);

        json_put(o, STR("id"), json_new_i64(c->a, receiver_next_id(c)));
        receiver_reply_json(c, STR("appdynamics"), 201, o);
    }
}

static bool appd_basic_fits(struct call *c, str header)
{
    str pair;

    // user@account:password
    return str_starts_nocase(header, STR("Basic ")) && base64_decode(c->a, str_trim(str_skip(header, 6)), BASE64_STANDARD, &pair) && str_has(pair, '@') && str_has(pair, ':');
}

void receiver_appdynamics(struct call *c)
{
    str header = http_header(c->http, STR("Authorization"));
    bool is_post = str_eq(c->method, STR("POST"));

    if (is_post && receiver_is_path(c, 2, "controller/api/oauth/access_token"))
        appd_token(c);
    else if (!appd_basic_fits(c, header) && !(str_starts_nocase(header, STR("Bearer ")) && str_trim(str_skip(header, 7)).n))
        receiver_reply(c, STR("appdynamics"), 401, "text/html", STR("<html><body><h1>HTTP Status 401 - Unauthorized</h1></body></html>"));
    else if (is_post && receiver_is_path(c, 2, "controller/rest/applications/{}/events"))
        appd_event(c);
    else if (is_post && receiver_is_path(c, 2, "controller/alerting/rest/v1/applications/{}/action-suppressions"))
        appd_suppression(c);
    else
        receiver_reply(c, STR("appdynamics"), 404, "text/html", STR("<html><body><h1>HTTP Status 404</h1></body></html>"));
}
