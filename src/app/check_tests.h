// check_tests.h - documents of Kind Tests: given an event, what a reaction must do (docs/reactions.md). Run without a server.
#pragma once

#include "app/cli.h"

// Every test among the documents; says on standard output which do not hold, and how they differ. How many failed.
size_t check_tests(struct cli *c, const struct json *documents, size_t *count);
