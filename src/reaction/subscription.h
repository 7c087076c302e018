// subscription.h - our own subscription in Octopus: the webhook that wakes a connection's tail (octopus-api.md section 4).
//
// Push may be late, cut off or missing without harm: it only wakes the tail, which reads the log. So one subscription per connection is
// enough, for all events or for some categories, and losing it costs seconds, not events.
#pragma once

#include "reaction/engine.h"

#define SUBSCRIPTION_HEADER "X-Reactions-Key"

enum subscription_act { SUBSCRIPTION_SHOW, SUBSCRIPTION_PUT, SUBSCRIPTION_REMOVE };

struct subscription_request {
    enum subscription_act act;
    str url, ca_pem, api_key; // of the Octopus server; the key needs SubscriptionView, and to write SubscriptionCreate, -Edit or -Delete
    str octopus_space_id;
    str id, name;             // ours: by the id it had, else by its name. id may be empty
    // For SUBSCRIPTION_PUT:
    str webhook_uri, header_value;
    const struct json *categories; // array of ids; NULL or empty: every event
};

struct subscription_answer {
    const struct json *subscription; // as Octopus shows it, without the header's value; NULL: there is none
    bool is_new;
};

// Blocks the calling thread (not a loop's) until Octopus has answered. What comes back lives in the arena.
MUST_USE bool engine_subscription(struct engine *g, const struct subscription_request *request, struct arena *a, struct subscription_answer *out, struct err *e);

// The body of a POST or PUT: `old` (as Octopus shows it; NULL: none) with what is ours set anew.
struct json *subscription_body(const struct subscription_request *request, const struct json *old, struct arena *a);
// Ours among what "/subscriptions" answered; NULL: none.
const struct json *subscription_find(const struct json *page, str id, str name);

// Whether a pushed body has the form of a subscription's webhook, of whatever version from 2020 on. Nothing in it is believed.
MUST_USE bool subscription_is_payload(const struct json *body, struct err *e);
