// workers.h - a few threads for work that may wait for the store. Only src/web includes this.
#pragma once

#include "base/base.h"

struct workers;

struct workers *workers_new(int threads);
void workers_free(struct workers *w); // finishes what is queued
// False when too much waits already: the caller answers 503.
bool workers_submit(struct workers *w, void (*fn)(void *ctx), void *ctx);
