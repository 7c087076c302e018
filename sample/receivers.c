#include "sample/receivers.h"

#include "base/encode.h"
#include "base/map.h"
#include "sample/routes.h"
#include "sys/random.h"

#define KEPT_MAX 50000
#define BODY_KEPT_BYTES 65536
#define MISBEHAVING_MAX 16

struct kept {
    char *receiver, *text;
};

struct bad {
    char *receiver, *body;
    int64_t status, times, delay_ms, retry_after_s;
};

struct receivers {
    struct sample *sample;
    struct kept *items; // oldest first
    size_t count, cap;
    int64_t total, accepted, repeats, next_id;
    struct map keys;     // receiver + key of what was accepted
    struct bad bad[MISBEHAVING_MAX];
};

struct receivers *receivers_new(struct sample *s)
{
    struct receivers *r = xcalloc(1, sizeof *r);

    r->sample = s;
    return r;
}

void receivers_clear(struct receivers *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->items[i].receiver);
        free(r->items[i].text);
    }
    r->count = 0;
    r->total = r->accepted = r->repeats = 0;
    map_fini(&r->keys);
    r->keys = (struct map){ 0 };
}

void receivers_free(struct receivers *r)
{
    if (!r)
        return;
    receivers_clear(r);
    for (size_t i = 0; i < MISBEHAVING_MAX; i++) {
        free(r->bad[i].receiver);
        free(r->bad[i].body);
    }
    free(r->items);
    free(r);
}

static char *keep(str s)
{
    char *p = xmalloc(s.n + 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

void receivers_misbehave(struct receivers *r, const struct misbehaviour *m)
{
    size_t at = 0;

    while (at < MISBEHAVING_MAX - 1 && r->bad[at].receiver && !str_eq(str_from(r->bad[at].receiver), m->receiver))
        at++;
    free(r->bad[at].receiver);
    free(r->bad[at].body);
    r->bad[at] = (struct bad){ keep(m->receiver), keep(m->body), m->status, m->times, m->delay_ms, m->retry_after_s };
}

str receivers_json(struct receivers *r, struct arena *a, str receiver, int64_t skip, int64_t take)
{
    struct buf out = { 0 };
    int64_t fit = 0, given = 0;

    buf_printf(&out, "{\"Total\":%" PRId64 ",\"Accepted\":%" PRId64 ",\"DistinctKeys\":%zu,\"Repeats\":%" PRId64 ",\"Items\":[", r->total, r->accepted, r->keys.count, r->repeats);
    for (size_t i = 0; i < r->count; i++) {
        if ((receiver.n && !str_eq(str_from(r->items[i].receiver), receiver)) || fit++ < skip || given >= take)
            continue;
        buf_add_text(&out, given++ ? "," : "");
        buf_add_text(&out, r->items[i].text);
    }
    buf_printf(&out, "],\"Count\":%" PRId64 "}", fit);
    str kept = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return kept;
}

// ---- recording

static struct json *headers_json(struct call *c)
{
    struct json *o = json_new_object(c->a);

    for (size_t i = 0; i < c->http->header_count; i++)
        if (str_is_utf8(c->http->headers[i].value))
            json_put(o, c->http->headers[i].name, json_new_string(c->a, c->http->headers[i].value));
    return o;
}

static void record(struct receivers *r, struct call *c, str receiver, int status)
{
    struct json *o = json_new_object(c->a);
    str key = http_header(c->http, STR("Idempotency-Key")), body = str_sub(c->http->body, 0, BODY_KEPT_BYTES);
    bool is_accepted = status >= 200 && status < 300, is_repeat = false;

    r->total++;
    r->accepted += is_accepted;
    if (key.n && is_accepted) {
        is_repeat = map_put(&r->keys, arena_printf(c->a, "%.*s %.*s", STR_ARG(receiver), STR_ARG(key)), r) != NULL;
        r->repeats += is_repeat;
    }
    json_add_i64(c->a, o, "Id", ++r->next_id);
    json_add_str(c->a, o, "Receiver", receiver);
    json_add_str(c->a, o, "At", text_date(c->a, sample_now_ms(r->sample)));
    json_add_str(c->a, o, "Method", c->method);
    json_add_str(c->a, o, "Path", c->path);
    json_add_str(c->a, o, "Query", str_is_utf8(c->http->query) ? c->http->query : STR(""));
    json_add(o, STR("Headers"), headers_json(c));
    if (str_is_utf8(body))
        json_add_str(c->a, o, "Body", body);
    else
        json_add_str(c->a, o, "BodyBase64", base64_encode(c->a, body, BASE64_STANDARD));
    json_add_i64(c->a, o, "Status", status);
    json_add_str(c->a, o, "IdempotencyKey", key.n && str_is_utf8(key) ? key : (str){ 0 });
    json_add_bool(c->a, o, "IsRepeat", is_repeat);
    if (r->count == KEPT_MAX) { // forget the oldest half at once
        for (size_t i = 0; i < KEPT_MAX / 2; i++) {
            free(r->items[i].receiver);
            free(r->items[i].text);
        }
        memmove(r->items, r->items + KEPT_MAX / 2, (KEPT_MAX - KEPT_MAX / 2) * sizeof *r->items);
        r->count -= KEPT_MAX / 2;
    }
    xgrow(&r->items, &r->cap, r->count + 1, sizeof *r->items);
    r->items[r->count++] = (struct kept){ keep(receiver), keep(json_text(c->a, o)) };
}

static void reply(struct call *c, str receiver, int status, const char *type, str body)
{
    record(c->sample->receivers, c, receiver, status);
    call_answer_text(c, status, type, body);
}

static void reply_json(struct call *c, str receiver, int status, const struct json *j)
{
    reply(c, receiver, status, "application/json", json_text(c->a, j));
}

// ---- helpers of the single receivers

static bool has_json_type(const struct call *c)
{
    return str_starts_nocase(http_header(c->http, STR("Content-Type")), STR("application/json"));
}

static const struct json *parse_body(struct call *c)
{
    struct json *j;
    struct err e;

    return json_parse(c->a, c->http->body, &j, &e) ? j : NULL;
}

static str seg(const struct call *c, size_t at)
{
    return at < c->segment_count ? c->segments[at] : STR("");
}

static bool is_path(const struct call *c, size_t from, const char *pattern)
{
    str rest = str_from(pattern), part;

    while (str_split(&rest, '/', &part)) {
        if (!str_eq(part, STR("{}")) && !str_eq_nocase(part, seg(c, from)))
            return false;
        if (from++ >= c->segment_count)
            return false;
    }
    return from == c->segment_count;
}

// ---- New Relic

static void nr_error(struct call *c, int status, const char *title)
{
    struct json *o = json_new_object(c->a);

    json_add_str(c->a, json_add(o, STR("error"), json_new_object(c->a)), "title", str_from(title));
    reply_json(c, STR("newrelic"), status, o);
}

static str nr_key(const struct call *c)
{
    str key = http_header(c->http, STR("Api-Key"));

    return key.n ? key : http_header(c->http, STR("X-Api-Key"));
}

static void nr_deployment(struct call *c)
{
    const struct json *deployment = json_get(parse_body(c), STR("deployment"));
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
    json_put(d, STR("id"), json_new_i64(c->a, c->sample->receivers->next_id + 1));
    if (!json_get(d, STR("timestamp")))
        json_add_str(c->a, d, "timestamp", text_date(c->a, sample_now_ms(c->sample)));
    json_add(d, STR("links"), json_new_object(c->a));
    reply_json(c, STR("newrelic"), 201, o);
}

static void nr_condition(struct call *c)
{
    const struct json *body = parse_body(c);

    if (!json_is(json_get(body, STR("condition")), JSON_OBJECT))
        nr_error(c, 422, "An object named condition is expected");
    else
        reply_json(c, STR("newrelic"), 200, body);
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
    const struct json *body = parse_body(c);
    str query = json_str(json_get(body, STR("query")), STR(""));

    if (!query.n) {
        reply(c, STR("newrelic"), 400, "application/json", STR("{\"errors\":[{\"message\":\"The request must hold a query.\"}]}"));
        return;
    }
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_find(query, str_from(known[i].mutation)) >= 0) {
            reply(c, STR("newrelic"), 200, "application/json", str_from(known[i].result));
            return;
        }
    reply(c, STR("newrelic"), 200, "application/json", STR("{\"data\":null,\"errors\":[{\"message\":\"Validation error: field is undefined\"}]}"));
}

static void nr_events(struct call *c)
{
    const struct json *body = parse_body(c);
    bool is_sound = json_is(body, JSON_ARRAY) ? body->count > 0 : json_is(body, JSON_OBJECT);

    if (json_is(body, JSON_OBJECT))
        is_sound = json_str(json_get(body, STR("eventType")), STR("")).n > 0;
    json_each(one, json_is(body, JSON_ARRAY) ? body : NULL)
        is_sound = is_sound && json_str(json_get(one, STR("eventType")), STR("")).n;
    if (is_sound)
        reply(c, STR("newrelic"), 200, "application/json", STR("{\"success\":true,\"uuid\":\"acb9d7a0-0001-b000-0000-01712d8a3a8f\"}"));
    else
        reply(c, STR("newrelic"), 400, "application/json", STR("{\"error\":\"Each event needs an eventType.\"}"));
}

static void newrelic(struct call *c)
{
    if (!nr_key(c).n || str_eq_nocase(nr_key(c), STR("wrong")))
        nr_error(c, 401, "The API key provided is invalid");
    else if (!has_json_type(c))
        nr_error(c, 415, "Content-Type must be application/json");
    else if (str_eq(c->method, STR("POST")) && is_path(c, 2, "v2/applications/{}/deployments.json"))
        nr_deployment(c);
    else if (str_eq(c->method, STR("PUT")) && (is_path(c, 2, "v2/alerts_conditions/{}") || is_path(c, 2, "v2/alerts_nrql_conditions/{}")))
        nr_condition(c);
    else if (str_eq(c->method, STR("POST")) && is_path(c, 2, "graphql"))
        nr_graphql(c);
    else if (str_eq(c->method, STR("POST")) && is_path(c, 2, "v1/accounts/{}/events"))
        nr_events(c);
    else
        nr_error(c, 404, "Not found");
}

// ---- AppDynamics: parameters in the query, answers in plain text

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
        reply(c, STR("appdynamics"), 400, "text/html", STR("<html><body><h1>HTTP Status 400</h1><p>summary, eventtype and severity are mandatory</p></body></html>"));
    else
        reply(c, STR("appdynamics"), 200, "text/plain", arena_printf(c->a, "Successfully created the event id:%" PRId64, c->sample->receivers->next_id + 1));
}

static void appd_token(struct call *c)
{
    str body = c->http->body;

    if (str_find(body, STR("grant_type=client_credentials")) >= 0 && str_find(body, STR("client_id=")) >= 0 && str_find(body, STR("client_secret=")) >= 0)
        reply(c, STR("appdynamics"), 200, "application/json", STR("{\"access_token\":\"sample-appdynamics-token\",\"expires_in\":300}"));
    else
        reply(c, STR("appdynamics"), 401, "application/json", STR("{\"error\":\"invalid_client\"}"));
}

static void appd_suppression(struct call *c)
{
    const struct json *body = parse_body(c);

    if (!has_json_type(c)) {
        reply(c, STR("appdynamics"), 415, "application/json", STR("{\"statusCode\":415,\"message\":\"Unsupported media type\"}"));
    } else if (!json_str(json_get(body, STR("name")), STR("")).n) {
        reply(c, STR("appdynamics"), 400, "application/json", STR("{\"statusCode\":400,\"message\":\"name must not be empty\"}"));
    } else {
        struct json *o = json_copy(c->a, body);

        json_put(o, STR("id"), json_new_i64(c->a, c->sample->receivers->next_id + 1));
        reply_json(c, STR("appdynamics"), 201, o);
    }
}

static bool appd_basic_fits(struct call *c, str header)
{
    str pair;

    // user@account:password
    return str_starts_nocase(header, STR("Basic ")) && base64_decode(c->a, str_trim(str_skip(header, 6)), BASE64_STANDARD, &pair) && str_has(pair, '@') && str_has(pair, ':');
}

static void appdynamics(struct call *c)
{
    str header = http_header(c->http, STR("Authorization"));
    bool is_post = str_eq(c->method, STR("POST"));

    if (is_post && is_path(c, 2, "controller/api/oauth/access_token"))
        appd_token(c);
    else if (!appd_basic_fits(c, header) && !(str_starts_nocase(header, STR("Bearer ")) && str_trim(str_skip(header, 7)).n))
        reply(c, STR("appdynamics"), 401, "text/html", STR("<html><body><h1>HTTP Status 401 - Unauthorized</h1></body></html>"));
    else if (is_post && is_path(c, 2, "controller/rest/applications/{}/events"))
        appd_event(c);
    else if (is_post && is_path(c, 2, "controller/alerting/rest/v1/applications/{}/action-suppressions"))
        appd_suppression(c);
    else
        reply(c, STR("appdynamics"), 404, "text/html", STR("<html><body><h1>HTTP Status 404</h1></body></html>"));
}

// ---- Raygun

static void raygun_problem(struct call *c, int status, const char *title)
{
    reply(c, STR("raygun"), status, "application/problem+json", arena_printf(c->a, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d}", title, status));
}

static void raygun_v3(struct call *c, str application)
{
    const struct json *body = parse_body(c);
    str header = http_header(c->http, STR("Authorization"));

    if (!str_starts_nocase(header, STR("Bearer ")) || !str_trim(str_skip(header, 7)).n) {
        raygun_problem(c, 401, "Unauthorized");
    } else if (!has_json_type(c)) {
        raygun_problem(c, 415, "Unsupported Media Type");
    } else if (!json_str(json_get(body, STR("version")), STR("")).n) {
        raygun_problem(c, 400, "The field version is required.");
    } else {
        struct json *o = json_new_object(c->a);

        json_add_str(c->a, o, "identifier", arena_printf(c->a, "dep%" PRId64, c->sample->receivers->next_id + 1));
        json_add_str(c->a, o, "applicationIdentifier", application);
        json_each(member, body)
            json_put(o, member->name, json_copy(c->a, member));
        reply_json(c, STR("raygun"), 201, o);
    }
}

static void raygun_legacy(struct call *c)
{
    const struct json *body = parse_body(c);

    if (!json_is(body, JSON_OBJECT))
        raygun_problem(c, 400, "The body is not valid JSON.");
    else if (!json_str(json_get(body, STR("apiKey")), STR("")).n)
        raygun_problem(c, 401, "The field apiKey is required.");
    else if (!json_str(json_get(body, STR("version")), STR("")).n)
        raygun_problem(c, 400, "The field version is required.");
    else
        reply(c, STR("raygun"), 200, "application/json", STR("{}"));
}

static void raygun(struct call *c)
{
    bool is_post = str_eq(c->method, STR("POST"));

    if (is_post && is_path(c, 2, "v3/applications/{}/deployments"))
        raygun_v3(c, seg(c, 4));
    else if (is_post && is_path(c, 2, "v3/applications/api-key/{}/deployments"))
        raygun_v3(c, seg(c, 5));
    else if (is_post && is_path(c, 2, "deployments"))
        raygun_legacy(c);
    else
        raygun_problem(c, 404, "Not Found");
}

// ---- a chat with incoming webhooks, as Slack's: words for errors, "ok" for success

static void chat(struct call *c)
{
    str body = c->http->body, form;
    const struct json *message;
    struct json *parsed;
    struct err e;

    if (!is_path(c, 2, "services/{}/{}/{}") || str_eq(seg(c, 5), STR("revoked"))) {
        reply(c, STR("chat"), 404, "text/html", STR("no_service"));
        return;
    }
    if (str_eq(seg(c, 5), STR("archived"))) {
        reply(c, STR("chat"), 410, "text/html", STR("channel_is_archived"));
        return;
    }
    if (!str_eq(c->method, STR("POST"))) {
        reply(c, STR("chat"), 405, "text/html", STR("method_not_allowed"));
        return;
    }
    if (str_starts(body, STR("payload=")) && percent_decode(c->a, str_skip(body, 8), true, &form))
        body = form;
    message = json_parse(c->a, body, &parsed, &e) ? parsed : NULL;
    const struct json *blocks = json_get(message, STR("blocks")), *attachments = json_get(message, STR("attachments"));
    if (!json_is(message, JSON_OBJECT))
        reply(c, STR("chat"), 400, "text/html", STR("invalid_payload"));
    else if (!json_str(json_get(message, STR("text")), STR("")).n && !(json_is(blocks, JSON_ARRAY) && blocks->count) && !(json_is(attachments, JSON_ARRAY) && attachments->count))
        reply(c, STR("chat"), 400, "text/html", STR("no_text"));
    else
        reply(c, STR("chat"), 200, "text/html", STR("ok"));
}

// ---- all of them

static void handle(struct call *c)
{
    str name = seg(c, 1);

    if (str_eq(name, STR("newrelic")))
        newrelic(c);
    else if (str_eq(name, STR("appdynamics")))
        appdynamics(c);
    else if (str_eq(name, STR("raygun")))
        raygun(c);
    else if (str_eq(name, STR("chat")))
        chat(c);
    else if (name.n)
        reply(c, name, 200, "application/json", STR("{\"ok\":true}")); // anybody else takes anything
    else
        call_error(c, 404, "There are /receivers/newrelic, appdynamics, raygun, chat, and any other name, which takes everything.");
}

struct delayed {
    struct call *call; // in the request's arena
    struct loop_timer *timer;
    int64_t status, retry_after_s;
    str body;
};

static void answer_badly(struct call *c, int64_t status, int64_t retry_after_s, str body)
{
    str receiver = arena_str(c->a, seg(c, 1));
    struct http_header headers[2] = { { STR("Content-Type"), STR("text/plain") } };
    size_t count = 1;

    if (status == -1) { // late, but otherwise as ever
        handle(c);
        return;
    }
    record(c->sample->receivers, c, receiver, (int)status);
    if (status == 0) {
        c->fate = FATE_CUT;
        call_answer_text(c, 500, "text/plain", STR(""));
        return;
    }
    if (retry_after_s > 0)
        headers[count++] = (struct http_header){ STR("Retry-After"), arena_printf(c->a, "%" PRId64, retry_after_s) };
    call_answer_with(c, (int)status, headers, count, body);
}

static void on_delayed(void *ctx)
{
    struct delayed *d = ctx;
    struct call *c = d->call;
    struct loop_timer *timer = d->timer;

    answer_badly(c, d->status, d->retry_after_s, d->body);
    loop_timer_free(timer);
    free(d);
}

void receivers_handle(struct call *c)
{
    struct receivers *r = c->sample->receivers;
    struct bad *bad = NULL;

    for (size_t i = 0; i < MISBEHAVING_MAX; i++)
        if (r->bad[i].receiver && r->bad[i].times > 0 && str_eq(str_from(r->bad[i].receiver), seg(c, 1)))
            bad = &r->bad[i];
    if (!bad) {
        handle(c);
        return;
    }
    bad->times--;
    str body = arena_str(c->a, str_from(bad->body));
    if (!bad->delay_ms) {
        answer_badly(c, bad->status, bad->retry_after_s, body);
        return;
    }
    struct delayed *d = xcalloc(1, sizeof *d);
    d->call = arena_alloc(c->a, sizeof *c);
    *d->call = *c;
    d->status = bad->status;
    d->retry_after_s = bad->retry_after_s;
    d->body = body;
    d->timer = loop_timer_new(c->sample->loop, on_delayed, d);
    loop_timer_set(d->timer, bad->delay_ms, 0);
}
