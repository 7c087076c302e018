#include "sample/receiver_try.h"

#define V3 "POST /v3/applications/api-key/corewebkey/deployments"
#define TOKEN "Authorization: Bearer raygun-token\nContent-Type: application/json"

TEST(raygun_takes_and_refuses)
{
    static const struct receiver_row rows[] = {
        { "a deployment", V3, TOKEN, "{\"version\":\"1.2.3\",\"ownerName\":\"alice\"}", 201, "\"identifier\"" },
        { "by the application's identifier", "POST /v3/applications/2a3b4c/deployments", TOKEN, "{\"version\":\"1.2.3\"}", 201, "\"applicationIdentifier\":\"2a3b4c\"" },
        { "without a token", V3, "Content-Type: application/json", "{\"version\":\"1.2.3\"}", 401, "Unauthorized" },
        { "with an empty one", V3, "Authorization: Bearer \nContent-Type: application/json", "{\"version\":\"1.2.3\"}", 401, "Unauthorized" },
        { "as another type", V3, "Authorization: Bearer t\nContent-Type: text/plain", "{\"version\":\"1.2.3\"}", 415, "Unsupported" },
        { "without a version", V3, TOKEN, "{\"ownerName\":\"alice\"}", 400, "version" },
        { "no JSON", V3, TOKEN, "version=1", 400, "version" },
        { "the older route", "POST /deployments", NULL, "{\"apiKey\":\"k\",\"version\":\"1\"}", 200, "{}" },
        { "there without a key", "POST /deployments", NULL, "{\"version\":\"1\"}", 401, "apiKey" },
        { "there without a version", "POST /deployments", NULL, "{\"apiKey\":\"k\"}", 400, "version" },
        { "there without JSON", "POST /deployments", NULL, "x", 400, "not valid JSON" },
        { "what there is not", "POST /v4/deployments", TOKEN, "{}", 404, "Not Found" },
    };
    receiver_try("raygun", rows, COUNT(rows));
}

TEST_MAIN()
