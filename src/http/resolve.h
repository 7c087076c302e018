// resolve.h - host names to addresses, off the loop's thread, each name once at a time.
//
// A few threads ask the system; many calls for one name wait for one question; a good answer is
// kept for a while. Knowing all addresses before connecting is what lets egress refuse a name with
// mixed ones, and lets the client connect to exactly the addresses that were checked.
#pragma once

#include "base/str.h"
#include "http/address.h"
#include "sys/loop.h"

#define RESOLVE_ADDRESSES_MAX 16

// Blocking, on a thread of the resolver. At most RESOLVE_ADDRESSES_MAX into out.
typedef bool resolve_fn(void *ctx, const char *host, struct ip *out, size_t *count, struct err *e);

struct resolver;
struct resolve_wait;

struct resolver_options {
    struct loop *loop;
    resolve_fn *lookup; // NULL: the system's getaddrinfo
    void *lookup_ctx;
    int64_t keep_ms;    // 0: 30 s; negative: answers are not kept
};
struct resolver *resolver_new(const struct resolver_options *opt);
// Waiting callers hear nothing any more. Does not wait for a question the system still thinks about.
void resolver_free(struct resolver *r);

// done is called later, once, on the loop's thread: ips lives until it returns; count 0: see e.
struct resolve_wait *resolve_start(struct resolver *r, str host, void (*done)(void *ctx, const struct ip *ips, size_t count, const struct err *e), void *ctx);
void resolve_cancel(struct resolve_wait *w); // done will not be called
