#include "bench/json/peer.h"

#include "sys/clock.h"

#include <jansson.h>

#define STRICT (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY) // as strict as ours

const char *peer_name(void)
{
    return "jansson " JANSSON_VERSION;
}

struct figures peer_measure(str text, size_t times)
{
    struct figures best = { 1e30, 1e30 };
    json_error_t e;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t began = clock_mono_us();
        for (size_t i = 0; i < times; i++) {
            json_t *j = json_loadb(text.p, text.n, STRICT, &e);
            if (!j)
                abort();
            json_decref(j);
        }
        int64_t parsed = clock_mono_us();
        for (size_t i = 0; i < times; i++) {
            json_t *j = json_loadb(text.p, text.n, STRICT, &e);
            free(json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY));
            json_decref(j);
        }
        best.parse_us = MIN(best.parse_us, (double)(parsed - began) / (double)times);
        best.both_us = MIN(best.both_us, (double)(clock_mono_us() - parsed) / (double)times);
    }
    return best;
}

