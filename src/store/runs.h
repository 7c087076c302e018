// runs.h - what matching.c and runs.c share. Only src/store includes this.
#pragma once

#include "store/committer.h"

// *id is 0 when (event, reaction, replay) exists already.
MUST_USE bool run_insert(struct db *d, const struct store_run *v, int64_t *id, struct err *e);
void run_copy(struct arena *a, struct store_run *to, const struct store_run *from);
