#include "sys/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int64_t system_wall(void *ctx UNUSED)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

static int64_t system_mono(void *ctx UNUSED)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

const struct clock clock_system = { system_wall, system_mono, NULL };

static int64_t fake_wall(void *ctx)
{
    return __atomic_load_n(&((struct clock_fake *)ctx)->wall, __ATOMIC_RELAXED);
}

static int64_t fake_mono(void *ctx)
{
    return __atomic_load_n(&((struct clock_fake *)ctx)->mono, __ATOMIC_RELAXED);
}

void clock_fake_init(struct clock_fake *fake, int64_t wall_ms)
{
    *fake = (struct clock_fake){ .clock = { fake_wall, fake_mono, fake }, .wall = wall_ms, .mono = 1000 };
}

void clock_fake_advance(struct clock_fake *fake, int64_t ms)
{
    __atomic_fetch_add(&fake->wall, ms, __ATOMIC_RELAXED);
    __atomic_fetch_add(&fake->mono, ms, __ATOMIC_RELAXED);
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}
