#include "sample/receiver_try.h"

#define EVENTS "POST /controller/rest/applications/CoreWeb/events"
#define BASIC "Authorization: Basic cmVhZGVyQGN1c3RvbWVyMTpzYW1wbGU=" // reader@customer1:sample

TEST(appdynamics_takes_and_refuses)
{
    static const struct receiver_row rows[] = {
        { "a deployment", EVENTS "?severity=INFO&summary=Core%20Web%201.0&eventtype=APPLICATION_DEPLOYMENT", BASIC, NULL, 200, "Successfully created the event id:" },
        { "with a token", EVENTS "?severity=ERROR&summary=x&eventtype=APPLICATION_DEPLOYMENT&comment=why", "Authorization: Bearer abc", NULL, 200, "Successfully" },
        { "nobody", EVENTS "?severity=INFO&summary=x&eventtype=APPLICATION_DEPLOYMENT", NULL, NULL, 401, "401" },
        { "a user without an account", EVENTS "?severity=INFO&summary=x&eventtype=APPLICATION_DEPLOYMENT", "Authorization: Basic cmVhZGVyOnNhbXBsZQ==", NULL, 401, "401" },
        { "without a summary", EVENTS "?severity=INFO&eventtype=APPLICATION_DEPLOYMENT", BASIC, NULL, 400, "mandatory" },
        { "without a severity", EVENTS "?summary=x&eventtype=APPLICATION_DEPLOYMENT", BASIC, NULL, 400, "mandatory" },
        { "a severity that is none", EVENTS "?severity=BAD&summary=x&eventtype=APPLICATION_DEPLOYMENT", BASIC, NULL, 400, "mandatory" },
        { "an event type that is none", EVENTS "?severity=INFO&summary=x&eventtype=DEPLOYED", BASIC, NULL, 400, "mandatory" },
        { "a custom event", EVENTS "?severity=INFO&summary=x&eventtype=CUSTOM&customeventtype=deploy", BASIC, NULL, 200, "Successfully" },
        { "a custom one without its own type", EVENTS "?severity=INFO&summary=x&eventtype=CUSTOM", BASIC, NULL, 400, "mandatory" },
        { "a token", "POST /controller/api/oauth/access_token", "Content-Type: application/x-www-form-urlencoded", "grant_type=client_credentials&client_id=a@b&client_secret=c", 200, "access_token" },
        { "a token for nothing", "POST /controller/api/oauth/access_token", NULL, "grant_type=client_credentials", 401, "invalid_client" },
        { "an action suppression", "POST /controller/alerting/rest/v1/applications/7/action-suppressions", BASIC "\nContent-Type: application/json", "{\"name\":\"deploying\"}", 201, "\"name\":\"deploying\"" },
        { "one without a name", "POST /controller/alerting/rest/v1/applications/7/action-suppressions", BASIC "\nContent-Type: application/json", "{}", 400, "name" },
        { "one as another type", "POST /controller/alerting/rest/v1/applications/7/action-suppressions", BASIC, "{\"name\":\"x\"}", 415, "Unsupported" },
        { "what there is not", "POST /controller/nothing", BASIC, NULL, 404, "404" },
    };
    receiver_try("appdynamics", rows, COUNT(rows));
}

TEST_MAIN()
