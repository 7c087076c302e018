#include "tests/harness/check.h"

#include "base/arena.h"

TEST(arena)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
