#include "reaction/subscription.h"

#include "octopus/link.h"
#include "reaction/engine_internal.h"

#define TIMEOUT_MS 15000
#define ANSWER_BYTES (8 << 20)

// ---- what is sent and what comes ----

static str text_of(const struct json *doc, const char *name)
{
    return json_str(json_get(doc, str_from(name)), STR(""));
}

const struct json *subscription_find(const struct json *page, str id, str name)
{
    const struct json *items = json_get(page, STR("Items")), *by_name = NULL;
    json_each(item, items)
    {
        if (id.n && str_eq_nocase(text_of(item, "Id"), id))
            return item;
        if (!by_name && str_eq_nocase(text_of(item, "Name"), name))
            by_name = item;
    }
    return by_name;
}

// Every field a client sends (octopus-api.md 4.4): servers refuse what is half there.
static struct json *new_notification(struct arena *a)
{
    static const char *const lists[] = { "Users", "Projects", "ProjectGroups", "Environments", "EventGroups", "EventCategories", "EventAgents", "Tenants", "Tags", "DocumentTypes" };
    static const char *const nulls[] = { "EmailDigestLastProcessed", "EmailDigestLastProcessedEventAutoId", "WebhookLastProcessed", "WebhookLastProcessedEventAutoId" };
    struct json *n = json_new_object(a), *filter = json_add(n, STR("Filter"), json_new_object(a));
    for (size_t i = 0; i < COUNT(lists); i++)
        json_add(filter, str_from(lists[i]), json_new_array(a));
    json_add(n, STR("EmailTeams"), json_new_array(a));
    json_add_str(a, n, "EmailFrequencyPeriod", STR("00:00:00"));
    json_add_str(a, n, "EmailPriority", STR("Normal"));
    json_add_str(a, n, "EmailShowDatesInTimeZoneId", STR("UTC"));
    json_add(n, STR("WebhookTeams"), json_new_array(a));
    json_add_str(a, n, "WebhookTimeout", STR("00:00:10"));
    for (size_t i = 0; i < COUNT(nulls); i++)
        json_add_null(a, n, nulls[i]);
    return n;
}

struct json *subscription_body(const struct subscription_request *request, const struct json *old, struct arena *a)
{
    struct json *body = old ? json_copy(a, old) : json_new_object(a);
    const struct json *was = json_get(body, STR("EventNotificationSubscription"));
    struct json *n = json_is(was, JSON_OBJECT) ? json_copy(a, was) : new_notification(a), *filter = json_get(n, STR("Filter"));
    if (!old) {
        json_add_str(a, body, "Name", request->name);
        json_add_str(a, body, "Type", STR("Event"));
        json_add_str(a, body, "SpaceId", request->octopus_space_id);
    }
    json_put(body, STR("IsDisabled"), json_new_bool(a, false));
    if (!json_is(filter, JSON_OBJECT))
        filter = json_put(n, STR("Filter"), json_new_object(a));
    json_put(filter, STR("EventCategories"), request->categories ? json_copy(a, request->categories) : json_new_array(a));
    json_put(n, STR("WebhookURI"), json_new_string(a, request->webhook_uri));
    json_put(n, STR("WebhookHeaderKey"), json_new_string(a, STR(SUBSCRIPTION_HEADER)));
    // As bare text, which every version takes. The key opens nothing but the wake-up.
    json_put(n, STR("WebhookHeaderValue"), json_new_string(a, request->header_value));
    json_put(body, STR("EventNotificationSubscription"), n);
    return body;
}

bool subscription_is_payload(const struct json *body, struct err *e)
{
    const struct json *payload = json_get(body, STR("Payload"));
    if (!json_is(body, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "the body must be a JSON object, as an Octopus subscription sends it");
    if (!json_is(payload, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "Payload: is missing, or no object: this address takes what an Octopus subscription's webhook sends");
    if (!json_is(json_get(payload, STR("Event")), JSON_OBJECT))
        return err_set(e, ERR_INVALID, "Payload.Event: is missing, or no object: this address takes what an Octopus subscription's webhook sends");
    return true;
}

// ---- the conversation: find ours, then write or remove it ----

struct talk {
    struct engine *engine;
    const struct subscription_request *request;
    struct octopus_link *link;
    struct arena *arena; // the caller's, who waits
    struct subscription_answer *out;
    struct err *err;
    bool is_ok, is_done;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void end(struct talk *t, bool is_ok)
{
    octopus_link_free(MOVE(t->link));
    pthread_mutex_lock(&t->lock);
    t->is_ok = is_ok;
    t->is_done = true;
    pthread_cond_signal(&t->done);
    pthread_mutex_unlock(&t->lock);
}

// Says which permission is missing, in the words of Octopus.
static void fail(struct talk *t, const struct octopus_reply *reply, const char *permission)
{
    *t->err = reply->error;
    if (reply->status == 401)
        err_set(t->err, ERR_UNPROCESSABLE, "Octopus does not know the key (401): give the identity or the connection a valid one");
    else if (reply->status == 403)
        err_set(t->err, ERR_UNPROCESSABLE, "the key has not the permission %s in Octopus (403): name an Identity that has, or grant it", permission);
    else if (reply->status >= 400 && reply->status < 500)
        t->err->kind = ERR_UNPROCESSABLE;
    end(t, false);
}

static const struct json *shown(const struct json *subscription, struct arena *a)
{
    struct json *j = json_copy(a, subscription), *n = json_get(j, STR("EventNotificationSubscription"));
    if (json_is(n, JSON_OBJECT))
        json_drop(n, STR("WebhookHeaderValue"));
    return j;
}

static void on_written(void *ctx, const struct octopus_reply *reply)
{
    struct talk *t = ctx;
    bool is_put = t->request->act == SUBSCRIPTION_PUT;
    if (reply->error.kind == ERR_NONE) {
        t->out->subscription = is_put ? shown(reply->body, t->arena) : NULL;
        end(t, true);
    } else if (!is_put && reply->status == 404) {
        end(t, true); // somebody was quicker
    } else {
        fail(t, reply, !is_put ? "SubscriptionDelete" : t->out->is_new ? "SubscriptionCreate" : "SubscriptionEdit");
    }
}

static void on_listed(void *ctx, const struct octopus_reply *reply)
{
    struct talk *t = ctx;
    const struct subscription_request *r = t->request;
    if (reply->error.kind != ERR_NONE) {
        fail(t, reply, "SubscriptionView");
        return;
    }
    const struct json *ours = subscription_find(reply->body, r->id, r->name);
    str id = text_of(ours, "Id");
    if (r->act == SUBSCRIPTION_SHOW || (r->act == SUBSCRIPTION_REMOVE && !ours)) {
        t->out->subscription = ours ? shown(ours, t->arena) : NULL;
        end(t, true);
        return;
    }
    t->out->is_new = !ours;
    str path = arena_printf(t->arena, "/api/%.*s/subscriptions%s%.*s", STR_ARG(r->octopus_space_id), ours ? "/" : "", STR_ARG(id));
    const struct json *body = r->act == SUBSCRIPTION_PUT ? subscription_body(r, ours, t->arena) : NULL;
    str method = r->act == SUBSCRIPTION_REMOVE ? STR("DELETE") : ours ? STR("PUT") : STR("POST");
    octopus_link_send(t->link, method, path, body, ANSWER_BYTES, TIMEOUT_MS, on_written, t);
}

static void begin(void *ctx)
{
    struct talk *t = ctx;
    const struct subscription_request *r = t->request;
    if (t->engine->is_stopping) {
        err_set(t->err, ERR_BUSY, "the server is stopping");
        end(t, false);
        return;
    }
    t->link = octopus_link_new(&(struct octopus_link_options){ t->engine->http, r->url, r->api_key, r->ca_pem });
    octopus_link_get(t->link, arena_printf(t->arena, "/api/%.*s/subscriptions?skip=0&take=1000", STR_ARG(r->octopus_space_id)), ANSWER_BYTES, TIMEOUT_MS, on_listed, t);
}

bool engine_subscription(struct engine *g, const struct subscription_request *request, struct arena *a, struct subscription_answer *out, struct err *e)
{
    struct err own = { 0 };
    struct talk t = { .engine = g, .request = request, .arena = a, .out = out, .err = e ? e : &own };
    *out = (struct subscription_answer){ 0 };
    pthread_mutex_init(&t.lock, NULL);
    pthread_cond_init(&t.done, NULL);
    loop_post(g->loop, begin, &t);
    pthread_mutex_lock(&t.lock);
    while (!t.is_done)
        pthread_cond_wait(&t.done, &t.lock);
    pthread_mutex_unlock(&t.lock);
    pthread_mutex_destroy(&t.lock);
    pthread_cond_destroy(&t.done);
    return t.is_ok;
}
