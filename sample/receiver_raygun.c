// Raygun: deployments, by the API v3 and by the older route.
#include "sample/receiver.h"

static void raygun_problem(struct call *c, int status, const char *title)
{
    receiver_reply(c, STR("raygun"), status, "application/problem+json", arena_printf(c->a, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d}", title, status));
}

static void raygun_v3(struct call *c, str application)
{
    const struct json *body = receiver_body(c);
    str header = http_header(c->http, STR("Authorization"));

    if (!str_starts_nocase(header, STR("Bearer ")) || !str_trim(str_skip(header, 7)).n) {
        raygun_problem(c, 401, "Unauthorized");
    } else if (!receiver_has_json_type(c)) {
        raygun_problem(c, 415, "Unsupported Media Type");
    } else if (!json_str(json_get(body, STR("version")), STR("")).n) {
        raygun_problem(c, 400, "The field version is required.");
    } else {
        struct json *o = json_new_object(c->a);

        json_add_str(c->a, o, "identifier", arena_printf(c->a, "dep%" PRId64, receiver_next_id(c)));
        json_add_str(c->a, o, "applicationIdentifier", application);
        json_each(member, body)
            json_put(o, member->name, json_copy(c->a, member));
        receiver_reply_json(c, STR("raygun"), 201, o);
    }
}

static void raygun_legacy(struct call *c)
{
    const struct json *body = receiver_body(c);

    if (!json_is(body, JSON_OBJECT))
        raygun_problem(c, 400, "The body is not valid JSON.");
    else if (!json_str(json_get(body, STR("apiKey")), STR("")).n)
        raygun_problem(c, 401, "The field apiKey is required.");
    else if (!json_str(json_get(body, STR("version")), STR("")).n)
        raygun_problem(c, 400, "The field version is required.");
    else
        receiver_reply(c, STR("raygun"), 200, "application/json", STR("{}"));
}

void receiver_raygun(struct call *c)
{
    bool is_post = str_eq(c->method, STR("POST"));

    if (is_post && receiver_is_path(c, 2, "v3/applications/{}/deployments"))
        raygun_v3(c, receiver_segment(c, 4));
    else if (is_post && receiver_is_path(c, 2, "v3/applications/api-key/{}/deployments"))
        raygun_v3(c, receiver_segment(c, 5));
    else if (is_post && receiver_is_path(c, 2, "deployments"))
        raygun_legacy(c);
    else
        raygun_problem(c, 404, "Not Found");
}
