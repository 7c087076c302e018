// success.h - what an answer to a reaction's request means: done, try again, give up, or gone for good.
//
// What the reaction calls a success is one. Of the rest, 408, 425, 429 and every 5xx may pass and are tried
// again; 410 says that nothing must be sent there any more (Standard Webhooks), which disables the reaction;
// any other answer would be the same the next time.
#pragma once

#include "base/err.h"

#define SUCCESS_RANGES_MAX 16

struct success {
    struct {
        int first, last;
    } ranges[SUCCESS_RANGES_MAX];
    size_t count;
};

// "200-299, 304": statuses and ranges of them, 200 to 599, separated by commas.
MUST_USE bool success_parse(str text, struct success *out, struct err *e);

enum success_meaning { SUCCESS_DONE, SUCCESS_RETRY, SUCCESS_GIVE_UP, SUCCESS_GONE };
enum success_meaning success_of_status(const struct success *s, int status);

// A Retry-After header: seconds, or an HTTP date (RFC 9110 section 10.2.3). How long from now on, at least 0; -1: it says nothing
// that can be read. Not capped: queue/backoff.h does that.
int64_t success_retry_after_ms(str value, int64_t now_ms);
