#include "tests/harness/check.h"

#include "base/buf.h"

TEST(buf)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
