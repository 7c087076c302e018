// throttle.h - how often somebody may try: at most THROTTLE_TRIES in THROTTLE_WINDOW_MS for one name of an account, and for one
// network. Pure: the time is given. Not for two threads at once.
//
// A try is taken before the work is done, so that parallel tries do not slip through, and given back when it succeeded.
#pragma once

#include "base/arena.h"
#include "base/map.h"

#define THROTTLE_TRIES 10
#define THROTTLE_WINDOW_MS (15 * 60 * 1000)

struct throttle {
    struct map tries; // "account:ann", "network:192.0.2.0/24" -> struct throttle_entry
};

void throttle_fini(struct throttle *t);
// 0: go on. Otherwise how many ms to wait; nothing was taken then. Each key counts by itself; what is empty does not count.
int64_t throttle_take(struct throttle *t, const str *keys, size_t count, int64_t now_ms);
void throttle_give_back(struct throttle *t, const str *keys, size_t count);

// "192.0.2.7" -> "network:192.0.2.0/24", "2001:db8:1:2:3::4" -> "network:2001:db8:1::/48".
str throttle_network(struct arena *a, str address);
