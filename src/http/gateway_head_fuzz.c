// gateway_head_fuzz.c - any bytes to the gateway. What is sent on is one well-formed request to one host, which its own
// reader finds to be the same; and its body ends at the same place however it is cut.
#include "http/gateway_head.h"

#include "base/limits.h"

#define MUST(condition) \
    do {                \
        if (!(condition)) \
            __builtin_trap(); \
    } while (0)

static size_t body_of(const struct gateway_request *of, str bytes, size_t piece)
{
    struct gateway_request q = *of;
    size_t total = 0;
    while (bytes.n) {
        str part = str_sub(bytes, 0, piece);
        size_t n = gateway_request_take(&q, part);
        MUST(n <= part.n);
        total += n;
        if (q.is_over || q.is_broken)
            return q.is_broken ? SIZE_MAX : total;
        MUST(n == part.n);
        bytes = str_skip(bytes, part.n);
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf sent = { 0 };
    str bytes = { (const char *)data, size };
    struct gateway_request q, again;
    struct err e = { 0 };
    int status = 0;
    switch (gateway_request_read(&q, bytes, &a, &status, &e)) {
    case GATEWAY_MORE:
        return 0;
    case GATEWAY_REFUSED:
        MUST(status >= 400 && e.text[0]);
        return 0;
    case GATEWAY_GOT:
        break;
    }
    MUST(q.host.n && q.port > 0 && q.port < 65536 && q.head_bytes <= size);
    if (q.header_count + 3 > LIMIT_HTTP_HEADERS || q.head_bytes > 30000)
        return 0; // what is added would be too much for ourselves
    gateway_request_write(&q, true, STR("Basic eA=="), &sent);
    str head = buf_str(&sent);
    MUST(gateway_request_read(&again, head, &a, &status, &e) == GATEWAY_GOT);
    MUST(again.head_bytes == head.n && again.is_tunnel == q.is_tunnel && str_eq(again.host, q.host) && again.port == q.port && str_eq(again.method, q.method));
    if (q.is_tunnel)
        return 0;
    MUST(str_eq(again.path_and_query, q.path_and_query));
    str body = str_skip(bytes, q.head_bytes);
    size_t whole = body_of(&q, body, SIZE_MAX);
    MUST(whole == SIZE_MAX || body_of(&q, body, 1) == whole);
    MUST(whole == SIZE_MAX || body_of(&again, body, 7) == whole); // who gets it reads it in the same way
    return 0;
}
