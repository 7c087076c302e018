#include "tests/harness/check.h"

#include "sys/clock.h"

#include <time.h>

TEST(the_system_clock)
{
    int64_t before = (int64_t)time(NULL) * 1000, now = clock_wall_ms(&clock_system), after = ((int64_t)time(NULL) + 1) * 1000;
    CHECK("wall is what time() says, in milliseconds", now >= before && now <= after);
    int64_t last = clock_mono_ms(&clock_system), last_us = clock_mono_us();
    size_t backwards = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t ms = clock_mono_ms(&clock_system), us = clock_mono_us();
        backwards += ms < last || us < last_us || us / 1000 < ms;
        last = ms;
        last_us = us;
    }
    CHECK_INT("mono never goes back, and both units are one clock", backwards, 0);
}

TEST(a_fake_stands_still)
{
    struct clock_fake fake;
    clock_fake_init(&fake, 1795366986123);
    const struct clock *c = &fake.clock;
    int64_t mono = clock_mono_ms(c);
    CHECK_INT("wall is as told", clock_wall_ms(c), 1795366986123);
    CHECK("time does not pass by itself", clock_wall_ms(c) == 1795366986123 && clock_mono_ms(c) == mono);
    clock_fake_advance(&fake, 500);
    CHECK("both advance together", clock_wall_ms(c) == 1795366986623 && clock_mono_ms(c) == mono + 500);
    fake.wall -= 3600000;
    CHECK("the wall may be set back alone", clock_wall_ms(c) == 1795363386623 && clock_mono_ms(c) == mono + 500);
}

TEST_MAIN()
