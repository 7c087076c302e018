// tail.h - the event logs of all connections, read for as long as the engine runs.
//
// One poller for each connection, on the engine's loop. What is new is stored in order, in transactions that also move
// the tail (store.h), so that a killed server misses nothing and stores nothing twice. A server that is slow, broken or
// gone delays its own connection only; it is asked again with growing pauses, and the reason is shown.
#pragma once

#include "octopus/directory.h"
#include "reaction/registry.h"
#include "sys/random.h"

struct tails;

struct tails_options {
    struct store *store;
    struct loop *loop;
    struct http_client *http;
    const struct keyring *keyring;
    const struct clock *clock;
    const struct random *random;
    void (*stored)(void *ctx); // events were stored
    void (*known)(void *ctx);  // a document that was asked for is there, or will not come soon
    void *ctx;
};

// On the loop's thread or before it runs.
struct tails *tails_new(const struct tails_options *opt);
void tails_free(struct tails *t); // after the loop has stopped, before the http client is closed
// Follows the configuration: pollers begin, end, and begin anew where a connection's settings changed. The loop's thread.
void tails_configure(struct tails *t, const struct snapshot *s);
// Nothing new begins.
void tails_stop(struct tails *t);
// Something happened there: its log is read at once, or a moment later where it was read just now.
void tails_wake(struct tails *t, int64_t connection_id);

// What an id stands for, as the connection's key sees it (directory.h). The loop's thread.
enum directory_state tails_document(struct tails *t, int64_t connection_id, str id, const struct json **doc, bool *is_failing);

struct tail_status {
    int64_t watermark_ms;    // 0: nothing yet
    int64_t lag_ms;          // since the log was last read to its end; -1: never
    char last_error[512];    // empty: none since
    int64_t pushes, pushed_ms; // since the start; 0: none
    char octopus_space_id[64], octopus_space_name[200];
};
// Any thread. False: there is no such tail.
bool tails_status(struct tails *t, int64_t connection_id, struct tail_status *out);
