#include "tests/harness/check.h"

#include "reaction/subscription.h"

static struct json *parse(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    CHECK_OK("it is JSON", json_parse(a, str_from(text), &j, &e), &e);
    return j;
}

// What was posted by servers of three ages, shortened (octopus-api.md 4.2): without a batch and with Links.Self an object; with
// numbers as text; with a sensitive header, Slack fields and further ones.
TEST(payloads_of_all_ages_are_taken)
{
    static const struct { const char *claim, *text; bool want; } rows[] = {
        { "2020", "{\"Timestamp\":\"2020-05-01T10:00:00.0000000+00:00\",\"EventType\":\"SubscriptionPayload\",\"Payload\":{\"ServerUri\":null,\"ServerAuditUri\":null,\"BatchProcessingDate\":\"2020-05-01T10:00:00Z\",\"Subscription\":{\"Id\":\"Subscriptions-1\",\"Links\":{\"Self\":{}}},"
                  "\"Event\":{\"Id\":\"Events-1\",\"Category\":\"Created\",\"Links\":{\"Self\":{}}}}}", true },
        { "2023, batch numbers as text", "{\"EventType\":\"SubscriptionPayload\",\"Timestamp\":\"2023-01-01T00:00:00.000+00:00\",\"Payload\":{\"Event\":{\"Id\":\"Events-2\"},\"BatchId\":\"9d0ecd22\",\"TotalEventsInBatch\":\"1\",\"EventNumberInBatch\":\"1\",\"Subscription\":{\"EventNotificationSubscription\":{\"WebhookHeaderValue\":\"k\",\"WebhookLastProcessedEventAutoId\":1117952}}}}", true },
        { "2026, a sensitive header", "{\"Payload\":{\"TotalEventsInBatch\":1,\"EventNumberInBatch\":1,\"Subscription\":{\"EventNotificationSubscription\":{\"WebhookHeaderValue\":{\"IsSensitive\":true,\"Value\":null,\"SensitiveValue\":{\"HasValue\":true,\"NewValue\":null,\"Hint\":null}},\"SlackChannelIds\":[]}},\"Event\":{\"Id\":\"Events-3\",\"ApiKeyId\":null}},\"EventType\":\"SubscriptionPayload\",\"More\":1}", true },
        { "a list", "[]", false },
        { "no payload", "{\"EventType\":\"SubscriptionPayload\"}", false },
        { "a payload without an event", "{\"Payload\":{}}", false },
        { "a payload that is text", "{\"Payload\":\"x\"}", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        CHECK_INT(rows[i].claim, subscription_is_payload(parse(&a, rows[i].text), NULL), rows[i].want);
    }
}

TEST(ours_is_found_by_id_then_by_name)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *page = parse(&a, "{\"Items\":[{\"Id\":\"Subscriptions-1\",\"Name\":\"Ours\"},{\"Id\":\"Subscriptions-2\",\"Name\":\"renamed\"}]}");
    CHECK_STR("by id, whatever it is called now", json_str(json_get(subscription_find(page, STR("Subscriptions-2"), STR("Ours")), STR("Name")), STR("")), STR("renamed"));
    CHECK_STR("by name where the id is gone", json_str(json_get(subscription_find(page, STR("Subscriptions-9"), STR("ours")), STR("Id")), STR("")), STR("Subscriptions-1"));
    CHECK("else there is none", !subscription_find(page, STR(""), STR("Other")));
    CHECK("nor in what is no page", !subscription_find(NULL, STR(""), STR("Ours")));
}

TEST(an_update_keeps_what_is_not_ours)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct subscription_request r = { .act = SUBSCRIPTION_PUT, .octopus_space_id = STR("Spaces-1"), .name = STR("Ours"), .webhook_uri = STR("https://new/octopus/Connections-1/subscription"), .header_value = STR("RXP-1") };
    struct json *made = subscription_body(&r, NULL, &a), *n = json_get(made, STR("EventNotificationSubscription"));
    CHECK_STR("a new one has its name", json_str(json_get(made, STR("Name")), STR("")), STR("Ours"));
    CHECK_STR("and space", json_str(json_get(made, STR("SpaceId")), STR("")), STR("Spaces-1"));
    CHECK_STR("and header", json_str(json_get(n, STR("WebhookHeaderKey")), STR("")), STR("X-Reactions-Key"));
    CHECK_INT("and all lists of the filter", json_get(n, STR("Filter"))->count, 10);
    struct json *old = parse(&a, "{\"Id\":\"Subscriptions-2\",\"Name\":\"renamed\",\"IsDisabled\":true,\"EventNotificationSubscription\":{\"Filter\":{\"Projects\":[\"Projects-1\"]},\"WebhookURI\":\"https://old\",\"SlackChannelIds\":[\"C1\"]}}");
    made = subscription_body(&r, old, &a);
    n = json_get(made, STR("EventNotificationSubscription"));
    CHECK_STR("a changed one keeps its name", json_str(json_get(made, STR("Name")), STR("")), STR("renamed"));
    CHECK("and works again", !json_bool(json_get(made, STR("IsDisabled")), true));
    CHECK_STR("with the new address", json_str(json_get(n, STR("WebhookURI")), STR("")), r.webhook_uri);
    CHECK_INT("and what others set", json_get(n, STR("SlackChannelIds"))->count, 1);
    CHECK_INT("what came is left as it was", json_get(old, STR("EventNotificationSubscription"))->count, 3);
}

TEST_MAIN()
