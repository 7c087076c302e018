// push.h - subscriptions that push: one POST per event, in order, about every two seconds.
//
// As on a real server there is no retry, and a failed call aborts the rest of its batch: those events
// are never sent (octopus-api.md 4.1). The cursor is the subscription's WebhookLastProcessedEventAutoId.
#pragma once

#include "sample/sample.h"

struct push;

MUST_USE bool push_new(struct sample *s, struct push **out, struct err *e);
void push_free(struct push *p);
void push_set_period(struct push *p, int64_t period_ms);
