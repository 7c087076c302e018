// runs.h - what matching.c, runs.c and health.c share. Only src/store includes this.
#pragma once

#include "store/committer.h"

// *id is 0 when (event, reaction, replay) exists already.
MUST_USE bool run_insert(struct db *d, const struct store_run *v, int64_t *id, struct err *e);
// health.c, within the transaction that starts, ends or makes runs.
MUST_USE bool health_count_starts(struct db *d, const struct store_claim *item, size_t count, struct err *e);
MUST_USE bool health_keep(struct db *d, const struct store_health *h, struct err *e);
MUST_USE bool health_take_places(struct db *d, const struct store_run *runs, size_t count, struct err *e);

void run_copy(struct arena *a, struct store_run *to, const struct store_run *from);
