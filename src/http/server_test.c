#include "http/server.h"
#include "tests/harness/check.h"
TEST_MAIN()
