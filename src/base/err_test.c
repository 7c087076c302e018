#include "tests/harness/check.h"

#include "base/err.h"

TEST(err)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
