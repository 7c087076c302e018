#include "tests/harness/check.h"

#include "base/base.h"

TEST(base)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
