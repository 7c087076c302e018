#include "sample/receiver_try.h"

#define KEY "Api-Key: NRAK-1\nContent-Type: application/json"
#define V2 "POST /v2/applications/1234567/deployments.json"
#define CONDITION "\"type\":\"apm_app_metric\",\"name\":\"Errors\",\"terms\":[{\"threshold\":\"5\"}]"

TEST(new_relic_takes_and_refuses)
{
    static const struct receiver_row rows[] = {
        { "a deployment", V2, KEY, "{\"deployment\":{\"revision\":\"1.2.3\",\"user\":\"alice\"}}", 201, "\"revision\":\"1.2.3\"" },
        { "by the older name of the header", V2, "X-Api-Key: k\nContent-Type: application/json", "{\"deployment\":{\"revision\":\"1\"}}", 201, "\"timestamp\"" },
        { "without a key", V2, "Content-Type: application/json", "{\"deployment\":{\"revision\":\"1\"}}", 401, "The API key provided is invalid" },
        { "with a wrong key", V2, "Api-Key: wrong\nContent-Type: application/json", "{\"deployment\":{\"revision\":\"1\"}}", 401, "invalid" },
        { "as another type", V2, "Api-Key: k\nContent-Type: text/plain", "{\"deployment\":{\"revision\":\"1\"}}", 415, "application/json" },
        { "no JSON", V2, KEY, "{\"deployment\":", 400, "Invalid JSON" },
        { "without a revision", V2, KEY, "{\"deployment\":{\"user\":\"alice\"}}", 422, "Revision can't be blank" },
        { "an alert condition", "PUT /v2/alerts_conditions/815.json", KEY, "{\"condition\":{" CONDITION "}}", 200, "\"threshold\":\"5\"" },
        { "a condition without terms", "PUT /v2/alerts_conditions/815.json", KEY, "{\"condition\":{\"name\":\"Errors\"}}", 422, "terms" },
        { "a NRQL condition has a name of its own", "PUT /v2/alerts_nrql_conditions/815.json", KEY, "{\"nrql_condition\":{" CONDITION "}}", 200, "nrql_condition" },
        { "under the other's name", "PUT /v2/alerts_nrql_conditions/815.json", KEY, "{\"condition\":{" CONDITION "}}", 422, "nrql_condition" },
        { "a change by NerdGraph", "POST /graphql", KEY, "{\"query\":\"mutation { changeTrackingCreateDeployment(deployment: {}) { deploymentId } }\"}", 200, "\"deploymentId\"" },
        { "a muting rule", "POST /graphql", KEY, "{\"query\":\"mutation { alertsMutingRuleCreate(accountId: 1, rule: {}) { id } }\"}", 200, "\"id\"" },
        { "NerdGraph refuses within a 200", "POST /graphql", KEY, "{\"query\":\"mutation { nothingOfTheKind }\"}", 200, "Validation error" },
        { "NerdGraph without a query", "POST /graphql", KEY, "{}", 400, "query" },
        { "custom events", "POST /v1/accounts/1/events", KEY, "[{\"eventType\":\"Deploy\"}]", 200, "\"success\":true" },
        { "one without its type", "POST /v1/accounts/1/events", KEY, "[{\"eventType\":\"Deploy\"},{}]", 400, "eventType" },
        { "what there is not", "POST /v3/nothing", KEY, "{}", 404, "Not found" },
        { "GET of what takes POST", "GET /v2/applications/1/deployments.json", KEY, "", 404, "Not found" },
    };
    receiver_try("newrelic", rows, COUNT(rows));
}

TEST_MAIN()
