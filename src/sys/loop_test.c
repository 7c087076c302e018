#include "tests/harness/check.h"

#include "sys/loop.h"

TEST(loop)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
