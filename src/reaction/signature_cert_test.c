#include "tests/harness/check.h"

TEST(x) { CHECK("x", true); }

TEST_MAIN()
