#include "tests/harness/check.h"

#include "base/timetext.h"

TEST(timetext)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
