// random.h - unpredictable bytes from the kernel; and, for tests, predictable ones.
#pragma once

#include "base/arena.h"

struct random {
    void (*fill)(void *ctx, void *out, size_t n);
    void *ctx;
};

extern const struct random random_system;

// xoshiro256**, for tests and simulations only.
struct random_seeded {
    struct random random; // pass &seeded.random
    uint64_t state[4];
};
void random_seed(struct random_seeded *r, uint64_t seed);

uint64_t random_u64(const struct random *r);
uint64_t random_below(const struct random *r, uint64_t limit); // 0 .. limit-1, unbiased; limit > 0
double random_unit(const struct random *r);                    // [0, 1)
str random_hex(const struct random *r, struct arena *a, size_t bytes);
// Letters and digits (base 62), each carrying 5.95 bits.
str random_base62(const struct random *r, struct arena *a, size_t chars);
str random_uuid(const struct random *r, struct arena *a); // version 4
