// receivers.h - the targets of notifications, played by the sample: New Relic, AppDynamics, Raygun, a
// chat, and one that takes anything. Each refuses what the real one refuses; what came is kept.
//
// A receiver can be told to behave badly for its next requests (/sample/receivers).
#pragma once

#include "sample/call.h"

struct receivers;

struct receivers *receivers_new(struct sample *s);
void receivers_free(struct receivers *r);

// {"Total", "Accepted", "DistinctKeys", "Repeats", "Items": [...]}: the items of one receiver ("": all),
// oldest first, from skip on, as text.
str receivers_json(struct receivers *r, struct arena *a, str receiver, int64_t skip, int64_t take);
void receivers_clear(struct receivers *r);
// The next `times` requests to the receiver are answered so: status 0 cuts the connection.
struct misbehaviour {
    str receiver, body;
    int64_t status, times, delay_ms, retry_after_s;
};
void receivers_misbehave(struct receivers *r, const struct misbehaviour *m);
