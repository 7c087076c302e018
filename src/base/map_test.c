#include "tests/harness/check.h"

#include "base/map.h"

TEST(map)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
