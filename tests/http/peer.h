// peer.h - a server on its own thread, and plain sockets to talk to it, for tests.
//
// No sleeps: what the server's thread must have done is asked on its loop (peer_ask), in order with
// everything else there, and asked again until it holds (peer_until).
#pragma once

#include "http/server.h"
#include "tests/harness/check.h"

struct peer {
    struct loop *loop;
    struct http_server *server;
    int port;
    void *thread;
};

// Opens the server on a loop of its own; opt->listen NULL: 127.0.0.1:0.
void peer_start(struct peer *p, struct http_server_options opt);
void peer_stop(struct peer *p); // closes server and loop

// Runs fn(ctx) on the server's thread and waits for it.
void peer_ask(struct peer *p, void (*fn)(void *ctx), void *ctx);
struct http_server_stats peer_stats(struct peer *p);
// Asks until holds(ctx), run on the server's thread, is true; false when it never becomes so.
bool peer_until(struct peer *p, bool (*holds)(void *ctx), void *ctx);
bool peer_until_open(struct peer *p, uint64_t connections); // that many connections are open

int peer_connect(const struct peer *p);
bool peer_send(int fd, str bytes);     // false: the other side is gone
str peer_read(int fd, struct arena *a, size_t n); // exactly n bytes, fewer at the end
// One answer: head and the body its Content-Length announces. p == NULL: none came.
str peer_answer(int fd, struct arena *a);
str peer_rest(int fd, struct arena *a); // all, until the other side ends
bool peer_is_ended(int fd);             // waits for the end; false where bytes come instead
void peer_reset(int fd);                // closes with RST
