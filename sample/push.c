#include "sample/push.h"

#include "base/timetext.h"
#include "sample/catalog.h"
#include "sample/routes.h"
#include "sys/random.h"

#define BATCH_MAX 500

struct batch {
    struct push *push;
    struct batch *prev, *next;
    struct arena arena;
    str subscription_id, batch_id, *bodies;
    size_t count, at;
    struct http_call *call;
};

struct push {
    struct sample *sample;
    struct loop_timer *timer;
    struct batch *first;
    struct egress *egress;
};

static const struct egress *egress_of(void *ctx)
{
    struct push *p = ctx;

    return p->egress;
}

static void batch_free(struct batch *b)
{
    if (b->prev)
        b->prev->next = b->next;
    else
        b->push->first = b->next;
    if (b->next)
        b->next->prev = b->prev;
    arena_fini(&b->arena);
    free(b);
}

static const struct json *notification_of(const struct doc *d)
{
    return doc_field(d, "EventNotificationSubscription");
}

static str text_of(const struct doc *d, const char *name)
{
    return json_str(json_get(notification_of(d), str_from(name)), STR(""));
}

// "00:00:10", "1.02:03:04.5": a .NET TimeSpan.
static int64_t timespan_ms(str s)
{
    int64_t days = 0, part[3] = { 0 };
    ptrdiff_t dot = str_find_char(s, '.'), colon = str_find_char(s, ':');
    str one;

    if (dot >= 0 && dot < colon) {
        str_to_i64(str_sub(s, 0, (size_t)dot), &days);
        s = str_skip(s, (size_t)dot + 1);
        dot = str_find_char(s, '.');
    }
    if (dot >= 0)
        s = str_sub(s, 0, (size_t)dot);
    for (size_t i = 0; i < 3 && str_split(&s, ':', &one); i++)
        str_to_i64(one, &part[i]);
    return (((days * 24 + part[0]) * 60 + part[1]) * 60 + part[2]) * 1000;
}

static void read_list(struct arena *a, const struct json *filter, const char *name, struct id_list *list)
{
    json_each(one, json_get(filter, str_from(name)))
        if (json_str(one, STR("")).n)
            id_list_add(a, list, json_str(one, STR("")));
}

static void read_filter(struct arena *a, const struct json *filter, struct event_query *q)
{
    struct id_list types = { 0 };

    event_query_init(q, a);
    read_list(a, filter, "Users", &q->users);
    read_list(a, filter, "Projects", &q->projects);
    read_list(a, filter, "ProjectGroups", &q->project_groups);
    read_list(a, filter, "Environments", &q->environments);
    read_list(a, filter, "EventGroups", &q->groups);
    read_list(a, filter, "EventCategories", &q->categories);
    read_list(a, filter, "EventAgents", &q->agents);
    read_list(a, filter, "Tenants", &q->tenants);
    read_list(a, filter, "Tags", &q->tags);
    read_list(a, filter, "DocumentTypes", &types);
    for (size_t i = 0; i < types.count; i++)
        id_list_add(a, &q->document_types, document_type_prefix(types.items[i]));
}

static struct json *subscription_json(struct arena *a, const struct doc *d)
{
    struct json *o = model_edit(a, d), *links = json_new_object(a);

    json_add_str(a, links, "Self", arena_printf(a, "/api/%.*s/subscriptions/%.*s", STR_ARG(doc_str(d, "SpaceId")), STR_ARG(d->id)));
    json_put(o, STR("Links"), links);
    return o;
}

static str body_of(struct batch *b, const struct doc *d, const struct event *event, size_t number, size_t total)
{
    struct sample *s = b->push->sample;
    struct arena *a = &b->arena;
    struct json *o = json_new_object(a), *payload = json_new_object(a), *parsed;
    str now = text_date(a, sample_now_ms(s));
    struct err e;

    json_add_str(a, o, "Timestamp", now);
    json_add_str(a, o, "EventType", STR("SubscriptionPayload"));
    json_add(o, STR("Payload"), payload);
    json_add_str(a, payload, "ServerUri", str_from(s->base_url));
    json_add_str(a, payload, "ServerAuditUri", arena_printf(a, "%s/app#/%.*s/configuration/audit?eventCategories=%.*s", s->base_url, STR_ARG(doc_str(d, "SpaceId")), STR_ARG(event->category)));
    json_add_str(a, payload, "BatchProcessingDate", now);
    json_add(payload, STR("Subscription"), subscription_json(a, d));
    json_add(payload, STR("Event"), json_parse(a, arena_str(a, event->text), &parsed, &e) ? parsed : json_new_null(a));
    json_add_str(a, payload, "BatchId", b->batch_id);
    json_add_i64(a, payload, "TotalEventsInBatch", (int64_t)total);
    json_add_i64(a, payload, "EventNumberInBatch", (int64_t)number);
    return json_text(a, o);
}

static void send_next(struct batch *b);

static void on_sent(void *ctx, const struct http_reply *reply)
{
    struct batch *b = ctx;

    b->call = NULL;
    b->at++;
    if (reply->status >= 200 && reply->status < 300 && b->at < b->count)
        send_next(b);
    else
        batch_free(b); // done, or aborted: the rest is never sent
}

static void send_next(struct batch *b)
{
    struct push *p = b->push;
    const struct doc *d = model_get_kind(p->sample->model, KIND_SUBSCRIPTION, b->subscription_id);
    struct http_header headers[2] = { { STR("Content-Type"), STR("application/json; charset=utf-8") } };
    size_t header_count = 1;

    if (!d) {
        batch_free(b);
        return;
    }
    if (text_of(d, "WebhookHeaderKey").n)
        headers[header_count++] = (struct http_header){ text_of(d, "WebhookHeaderKey"), text_of(d, "WebhookHeaderValue") };
    int64_t timeout = timespan_ms(text_of(d, "WebhookTimeout"));
    struct http_call_options opt = { .method = STR("POST"), .url = text_of(d, "WebhookURI"), .headers = headers, .header_count = header_count, .body = b->bodies[b->at], .total_timeout_ms = timeout > 0 ? timeout : 10000, .purpose = EGRESS_TEST };
    b->call = http_call_start(p->sample->client, &opt, on_sent, b);
}

static bool is_busy(const struct push *p, str subscription_id)
{
    for (const struct batch *b = p->first; b; b = b->next)
        if (str_eq(b->subscription_id, subscription_id))
            return true;
    return false;
}

static void move_cursor(struct push *p, struct doc *d, int64_t auto_id)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *o = model_edit(&a, d), *notification = json_get(o, STR("EventNotificationSubscription"));

    json_put(notification, STR("WebhookLastProcessedEventAutoId"), json_new_i64(&a, auto_id));
    json_put(notification, STR("WebhookLastProcessed"), json_new_string(&a, text_date(&a, sample_now_ms(p->sample))));
    model_put(p->sample->model, KIND_SUBSCRIPTION, o);
}

static void process(struct push *p, struct doc *d)
{
    struct event_log *log = p->sample->events;
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    const struct event *found[BATCH_MAX];
    struct event_query q;
    size_t count = 0;
    int64_t last = 0;

    if (doc_bool(d, "IsDisabled") || !text_of(d, "WebhookURI").n || is_busy(p, d->id))
        return;
    read_filter(&scratch, json_get(notification_of(d), STR("Filter")), &q);
    json_i64(json_get(notification_of(d), STR("WebhookLastProcessedEventAutoId")), &q.from_auto_id);
    for (size_t i = event_log_count(log); i > 0 && event_log_at(log, i - 1)->auto_id > q.from_auto_id; i--)
        last = MAX(last, event_log_at(log, i - 1)->auto_id);
    if (!last)
        return;
    for (size_t i = 0; i < event_log_count(log) && count < BATCH_MAX; i++) {
        const struct event *e = event_log_at(log, i);

        if (!str_eq(e->space_id, doc_str(d, "SpaceId")) || !event_fits(e, &q, p->sample->model))
            continue;
        found[count++] = e;
        if (count == BATCH_MAX)
            last = e->auto_id;
    }
    move_cursor(p, d, last);
    if (!count)
        return;
    struct batch *b = xcalloc(1, sizeof *b);
    b->push = p;
    b->next = p->first;
    if (b->next)
        b->next->prev = b;
    p->first = b;
    b->subscription_id = arena_str(&b->arena, d->id);
    b->batch_id = random_uuid(&random_system, &b->arena);
    b->bodies = ARENA_ARRAY(&b->arena, str, count);
    b->count = count;
    for (size_t i = 0; i < count; i++)
        b->bodies[i] = body_of(b, d, found[i], i + 1, count);
    send_next(b);
}

static void on_period(void *ctx)
{
    struct push *p = ctx;

    for (size_t i = 0; i < model_count(p->sample->model, KIND_SUBSCRIPTION); i++)
        process(p, model_at(p->sample->model, KIND_SUBSCRIPTION, i));
}

bool push_new(struct sample *s, struct push **out, struct err *e)
{
    struct push *p = xcalloc(1, sizeof *p);
    // A sample stands among other processes of one machine: loopback is where its webhooks go.
    str allowed[] = { STR("127.0.0.0/8"), STR("::1/128"), STR("10.0.0.0/8"), STR("172.16.0.0/12"), STR("192.168.0.0/16") };

    p->sample = s;
    struct http_client_options opt = { .loop = s->loop, .egress = egress_of, .egress_ctx = p, .user_agent = "Octopus/2026.3.7210" };
    if (!egress_new(allowed, COUNT(allowed), &p->egress, e) || !http_client_open(&opt, &s->client, e)) {
        egress_free(p->egress);
        free(p);
        return false;
    }
    p->timer = loop_timer_new(s->loop, on_period, p);
    push_set_period(p, s->timing.push_ms);
    *out = p;
    return true;
}

void push_set_period(struct push *p, int64_t period_ms)
{
    loop_timer_set(p->timer, period_ms, period_ms);
}

void push_free(struct push *p)
{
    if (!p)
        return;
    while (p->first) {
        struct batch *b = p->first;

        if (b->call)
            http_call_cancel(b->call); // ends the batch through on_sent
        else
            batch_free(b);
    }
    loop_timer_free(p->timer);
    http_client_close(p->sample->client);
    p->sample->client = NULL;
    egress_free(p->egress);
    free(p);
}

// ---- the routes

// WebhookHeaderValue comes as text, or as {"IsSensitive", "Value", "SensitiveValue": {"NewValue"}}.
static str header_value(const struct json *value, str old)
{
    if (json_is(value, JSON_STRING))
        return value->text;
    if (!json_is(value, JSON_OBJECT))
        return value ? STR("") : old;
    str plain = json_str(json_get_nocase(value, STR("Value")), json_str(json_get_nocase(value, STR("NewValue")), STR("")));
    str sensitive = json_str(json_get_nocase(json_get_nocase(value, STR("SensitiveValue")), STR("NewValue")), STR(""));
    return sensitive.n ? sensitive : plain.n ? plain : old;
}

// The subscription's inner object with every field a client expects. NULL (answered) where it cannot be.
static struct json *complete(struct call *c, struct json *o, const struct doc *old)
{
    static const char *const lists[] = { "Users", "Projects", "ProjectGroups", "Environments", "EventGroups", "EventCategories", "EventAgents", "Tenants", "Tags", "DocumentTypes" };
    static const struct { const char *name, *value; } texts[] = { { "EmailFrequencyPeriod", "00:00:00" }, { "EmailPriority", "Normal" }, { "EmailShowDatesInTimeZoneId", "UTC" }, { "WebhookURI", "" }, { "WebhookTimeout", "00:00:10" }, { "WebhookHeaderKey", NULL } };
    static const char *const nulls[] = { "EmailDigestLastProcessed", "EmailDigestLastProcessedEventAutoId", "WebhookLastProcessed" };
    const struct json *sent = json_get(o, STR("EventNotificationSubscription"));

    if (!json_is(sent, JSON_OBJECT)) {
        call_invalid(c, "EventNotificationSubscription: an object is required.");
        return NULL;
    }
    struct json *n = json_copy(c->a, sent), *filter = json_get(n, STR("Filter"));
    str uri = json_str(json_get(n, STR("WebhookURI")), STR(""));
    if (uri.n && !str_starts_nocase(uri, STR("http://")) && !str_starts_nocase(uri, STR("https://"))) {
        call_invalid(c, "WebhookURI: '%.*s' is not an absolute http or https address.", STR_ARG(uri));
        return NULL;
    }
    if (!json_is(filter, JSON_OBJECT))
        filter = json_put(n, STR("Filter"), json_new_object(c->a));
    for (size_t i = 0; i < COUNT(lists); i++)
        if (!json_is(json_get(filter, str_from(lists[i])), JSON_ARRAY))
            json_put(filter, str_from(lists[i]), json_new_array(c->a));
    for (size_t i = 0; i < COUNT(texts); i++)
        if (!json_is(json_get(n, str_from(texts[i].name)), JSON_STRING))
            json_put(n, str_from(texts[i].name), texts[i].value ? json_new_string(c->a, str_from(texts[i].value)) : json_new_null(c->a));
    for (size_t i = 0; i < COUNT(nulls); i++)
        if (!json_get(n, str_from(nulls[i])))
            json_add_null(c->a, n, nulls[i]);
    if (!json_get(n, STR("EmailTeams")))
        json_add(n, STR("EmailTeams"), json_new_array(c->a));
    if (!json_get(n, STR("WebhookTeams")))
        json_add(n, STR("WebhookTeams"), json_new_array(c->a));
    const struct json *was = old ? notification_of(old) : NULL;
    json_put(n, STR("WebhookHeaderValue"), json_new_string(c->a, header_value(json_get(n, STR("WebhookHeaderValue")), json_str(json_get(was, STR("WebhookHeaderValue")), STR("")))));
    // A new one starts now. The server's own null cursor once replayed everything; ours does not.
    int64_t cursor = event_log_last_auto_id(c->sample->events);
    if (was)
        json_i64(json_get(was, STR("WebhookLastProcessedEventAutoId")), &cursor);
    json_put(n, STR("WebhookLastProcessedEventAutoId"), json_new_i64(c->a, cursor));
    json_put(o, STR("EventNotificationSubscription"), n);
    return o;
}

static void post_subscription(struct call *c)
{
    if (!json_is(c->body, JSON_OBJECT)) {
        call_invalid(c, "The body must be a JSON object.");
        return;
    }
    struct json *o = resource_new(c, KIND_SUBSCRIPTION);
    if (!resource_check_name(c, KIND_SUBSCRIPTION, o, NULL) || !complete(c, o, NULL))
        return;
    struct doc *d = resource_store(c, KIND_SUBSCRIPTION, o);
    resource_event(c, "Created", d);
    resource_answer(c, 201, d);
}

static void put_subscription(struct call *c)
{
    struct doc *d = resource_get_for(c, KIND_SUBSCRIPTION, c->args[0], "SubscriptionEdit");
    struct json *o = d ? resource_changed(c, d) : NULL;

    if (!d || !resource_check_name(c, KIND_SUBSCRIPTION, o, NULL) || !complete(c, o, d))
        return;
    d = resource_store(c, KIND_SUBSCRIPTION, o);
    resource_event(c, "Modified", d);
    resource_answer(c, 200, d);
}

const struct route subscription_routes[] = {
    { "POST", "subscriptions", "SubscriptionCreate", post_subscription },
    { "PUT", "subscriptions/{}", "SubscriptionEdit", put_subscription },
    { 0 },
};
