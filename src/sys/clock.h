// clock.h - what time it is. Injected into everything above src/sys, so that a test owns time.
//
// wall_ms is for what people see and what must survive a restart (due times); mono_ms is for
// time-outs, which a corrected wall clock must not stretch.
#pragma once

#include "base/base.h"

struct clock {
    int64_t (*wall_ms)(void *ctx); // since 1970-01-01T00:00:00Z
    int64_t (*mono_ms)(void *ctx); // since some fixed point
    void *ctx;
};

extern const struct clock clock_system;

// A clock that stands still until told otherwise.
struct clock_fake {
    struct clock clock; // pass &fake.clock
    int64_t wall, mono;
};
void clock_fake_init(struct clock_fake *fake, int64_t wall_ms);
void clock_fake_advance(struct clock_fake *fake, int64_t ms); // both

static inline int64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c->ctx);
}

static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->ctx);
}

int64_t clock_mono_us(void); // the system's, for durations in reports
