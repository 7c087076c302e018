// gateway.h - the way out for programs in a network of their own: an HTTP proxy, on the loop.
//
// A door is a listener that was made in such a network (sys/process.h): only who is in there can connect to it, and what
// goes out goes from here. CONNECT gets a tunnel; a plain request (http://host/path) is sent on, one a connection. Names are
// resolved here and all addresses asked about: one that is refused refuses the name, and what is connected to is one of
// the addresses that were asked about. With a proxy configured everything goes there but what is addressed to 127.0.0.0/8 or ::1,
// and that proxy resolves: then only addresses written in the request can be asked about. A refusal is 403 with its reason as text and the
// address in a header GATEWAY_ADDRESS_HEADER.
//
// Connections, their heads, the time to connect and that of silence are bounded (LIMIT_GATEWAY_...); bytes in between are
// held only while the other side does not take them. Everything runs on the loop's thread.
#pragma once

#include "base/err.h"
#include "http/resolve.h"
#include "sys/loop.h"

#define GATEWAY_ADDRESS_HEADER "Refused-Address"

struct gateway;
struct gateway_door;

struct gateway_options {
    struct loop *loop;
    const char *proxy;     // "http://[user:password@]host:port", or NULL: none
    resolve_fn *lookup;    // NULL: the system's resolver. Runs on other threads
    void *lookup_ctx;
    int64_t names_keep_ms; // as in resolve.h
    int64_t connect_ms, idle_ms; // 0: the limits
};
struct gateway *gateway_new(const struct gateway_options *opt);
void gateway_free(struct gateway *g); // its doors are closed

struct gateway_door_options {
    int listener; // the door's from now on; not blocking
    void *ctx;
    // Whether anybody may go out now; asked for each request before anything else.
    bool (*admits)(void *ctx, struct err *e);
    bool (*allows)(void *ctx, str host, const struct ip *ip, int port, struct err *e);
    // What was just refused by `allows`.
    void (*refused)(void *ctx, str host, const struct ip *ip, int port, const char *why);
};
struct gateway_door *gateway_door_open(struct gateway *g, const struct gateway_door_options *opt);
void gateway_door_close(struct gateway_door *d); // NULL is fine

struct gateway_counts {
    int64_t connections, refused; // accepted ones; those of them that were answered by a refusal
    int64_t bytes_out, bytes_in;  // behind the heads of requests
};
struct gateway_counts gateway_door_counts(const struct gateway_door *d);
void gateway_door_renew(struct gateway_door *d); // ends its connections, and counts anew
