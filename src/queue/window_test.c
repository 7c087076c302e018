#include "queue/window.h"

#include "tests/harness/check.h"

TEST(no_limit)
{
    struct window w = { 0 };
    window_add(&w, 5);
    CHECK_INT("always room", window_room(&w, 5), WINDOW_NO_LIMIT);
    CHECK_INT("at once", window_next_ms(&w, 5), 5);
}

TEST(at_most_three_in_ten_seconds)
{
    struct window w = { 0 };
    window_limit(&w, 3, 10000);
    CHECK_INT("all is free at first", window_room(&w, 0), 3);
    for (int i = 0; i < 3; i++)
        window_add(&w, i * 1000);
    static const struct { const char *claim; int64_t now, room, next; } rows[] = {
        { "full", 2000, 0, 10000 }, { "still full", 9999, 0, 10000 }, { "the first has left", 10000, 1, 10000 }, { "the second too", 11000, 2, 11000 }, { "all have", 12000, 3, 12000 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INT(rows[i].claim, window_room(&w, rows[i].now), rows[i].room);
        CHECK_INT(rows[i].claim, window_next_ms(&w, rows[i].now), rows[i].next);
    }
    window_fini(&w);
}

TEST(places_ahead_are_spread)
{
    struct window w = { 0 };
    window_limit(&w, 60, 60000);
    for (int i = 0; i < 200; i++) {
        int64_t due = window_next_ms(&w, 1000);
        window_add(&w, due);
        if (i == 59 || i == 60 || i == 119 || i == 120)
            CHECK_INT("sixty in each minute", due, 1000 + i / 60 * 60000);
    }
    window_fini(&w);
}

TEST(limits_change_and_clocks_go_back)
{
    struct window w = { 0 };
    window_limit(&w, 100, 1000);
    for (int i = 0; i < 100; i++)
        window_add(&w, i);
    window_limit(&w, 2, 1000);
    CHECK_INT("fewer: the last ones count", window_next_ms(&w, 100), 98 + 1000);
    window_limit(&w, 4, 1000);
    CHECK_INT("more: there is room", window_room(&w, 100), 2);
    window_add(&w, -5000);
    CHECK_INT("an instant before the last counts as the last", window_room(&w, 100), 1);
    window_fini(&w);
}

TEST_MAIN()
