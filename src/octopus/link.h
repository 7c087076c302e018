// link.h - one Octopus server as one key sees it: one host only.
//
// Paths are ours ("/api/..."), never links a server sent. Answers are bounded and parsed here; what a server says about
// its patience (429, Retry-After, the rate-limit headers of octopus-api.md section 5) becomes wait_ms.
// All on the client's loop.
#pragma once

#include "http/client.h"
#include "json/json.h"

struct octopus_link;
struct octopus_call;

struct octopus_link_options {
    struct http_client *http;
    str url, key, ca_pem; // copied
};
struct octopus_link *octopus_link_new(const struct octopus_link_options *opt);
void octopus_link_free(struct octopus_link *l); // wipes the key; calls under way must have ended or been cancelled

struct octopus_reply {
    int status;              // 0: no answer
    const struct json *body; // NULL unless 2xx and JSON; lives until done returns
    bool is_too_large;
    int64_t wait_ms;         // the server asks to be left alone so long; 0: it does not
    struct err error;        // kind ERR_NONE for a 2xx with JSON; err_may_pass tells whether again can help
};
typedef void octopus_reply_fn(void *ctx, const struct octopus_reply *reply);
struct octopus_call *octopus_link_get(struct octopus_link *l, str path, size_t max_bytes, int64_t timeout_ms, octopus_reply_fn *done, void *ctx);
// The same with a body, for the few things we write there ourselves (our subscription). body NULL: none. The answer to a DELETE need not be JSON.
struct octopus_call *octopus_link_send(struct octopus_link *l, str method, str path, const struct json *body, size_t max_bytes, int64_t timeout_ms, octopus_reply_fn *done, void *ctx);
void octopus_call_cancel(struct octopus_call *c); // done is called before it returns

// What an answer's headers ask for: Retry-After in seconds, else "Octopus-RateLimit: r=0;t=18". Bounded to 5 minutes.
int64_t octopus_wait_ms(int status, const struct http_header *headers, size_t count);

// The space a connection means: by id, name or slug, or the default one (wanted is empty). `body` is what
// "/api/spaces?skip=0&take=1000" answered.
MUST_USE bool octopus_find_space(const struct json *body, str wanted, str *id, str *name, struct err *e);
