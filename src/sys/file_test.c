#include "tests/harness/check.h"

#include "sys/file.h"

TEST(file)
{
    CHECK("placeholder", true);
}

TEST_MAIN()
