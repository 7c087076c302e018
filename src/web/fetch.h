// fetch.h - one HTTP call to another server from a thread that may wait. Only src/web includes this.
//
// The calls themselves run on the server's loop, under the egress policy of the moment. When the server stops, who waits is sent away.
#pragma once

#include "http/client.h"
#include "reaction/registry.h"

#define FETCH_TIMEOUT_MS 10000

struct fetcher;

MUST_USE bool fetcher_open(struct loop *loop, struct registry *registry, struct fetcher **out, struct err *e);
void fetcher_close(struct fetcher *f); // on the loop's thread; who calls fetch() from now on is sent away
void fetcher_free(struct fetcher *f);  // after it, when no thread calls fetch() any more

struct fetch_reply {
    int status;
    str body; // in the arena
};
// False: no answer came. opt is borrowed; its time limit is set here.
MUST_USE bool fetch(struct fetcher *f, struct http_call_options opt, struct arena *a, struct fetch_reply *out, struct err *e);
