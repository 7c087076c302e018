#include "tests/harness/check.h"

#include "base/base.h"

TEST(nothing_is_still_something)
{
    CLEANUP(freep) void *a = xmalloc(0), *b = xcalloc(0, 8), *c = xcalloc(8, 0), *d = xmemdup("", 0), *e = xrealloc(NULL, 0);
    CHECK("no x-function returns NULL", a && b && c && d && e);
}

TEST(copies)
{
    CLEANUP(freep) char *s = xstrdup("abc");
    CHECK_TEXT("a string", s, "abc");
    CLEANUP(freep) char *bytes = xmemdup("a\0b", 3);
    CHECK("bytes", memcmp(bytes, "a\0b", 3) == 0);
    CLEANUP(freep) char *zero = xcalloc(3, 100);
    size_t dirty = 0;
    for (size_t i = 0; i < 300; i++)
        dirty += zero[i] != 0;
    CHECK_INT("xcalloc clears", dirty, 0);
}

TEST(growing)
{
    CLEANUP(freep) int *items = NULL;
    size_t cap = 0, moves = 0;
    for (size_t n = 0; n < 10000; n++) {
        size_t before = cap;
        xgrow(&items, &cap, n + 1, sizeof *items);
        moves += cap != before;
        items[n] = (int)n;
    }
    size_t wrong = 0;
    for (size_t n = 0; n < 10000; n++)
        wrong += items[n] != (int)n;
    CHECK_INT("keeps what was there", wrong, 0);
    CHECK("doubles, so that it moves seldom", moves < 15);
    size_t before = cap;
    xgrow(&items, &cap, before, sizeof *items);
    CHECK_INT("does not grow while it fits", cap, before);
    xgrow(&items, &cap, before * 5, sizeof *items);
    CHECK_INT("grows to what is asked where doubling is not enough", cap, before * 5);
}

static int cleaned;

static void clean(int *p)
{
    cleaned += *p;
}

TEST(cleanup_follows_the_variable)
{
    for (int i = 0; i < 3; i++) {
        CLEANUP(clean) int v = 1;
        if (i == 1)
            continue;
        v = 10;
    }
    CHECK_INT("on every way out of the scope, with the last value", cleaned, 21);
    char *given;
    {
        CLEANUP(freep) char *p = xstrdup("kept");
        given = MOVE(p);
        CHECK("MOVE leaves NULL for the guard", p == NULL);
    }
    CHECK_TEXT("and the value lives on", given, "kept");
    free(given);
}

struct pair {
    char first;
    long second;
};

TEST(container)
{
    struct pair p = { 'a', 2 };
    long *second = &p.second;
    CHECK("the struct that holds a member", CONTAINER(second, struct pair, second) == &p);
    CHECK_INT("COUNT", COUNT(((int[]){ 1, 2, 3 })), 3);
    CHECK("MIN and MAX", MIN(1, 2) == 1 && MAX(1, 2) == 2 && MIN(-1, -2) == -2);
}

TEST_MAIN()
