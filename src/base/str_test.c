#include "tests/harness/check.h"

#include "base/str.h"

TEST(str)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
