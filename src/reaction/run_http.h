// run_http.h - a run's HTTP action: waits for room at its host, sends, judges the answer. For engine.c only.
//
// At most RUN_HTTP_PER_HOST requests of all reactions are under way to one host and port; the others wait here, in order, and
// their time-out does not run yet. Everything is on the engine's thread.
#pragma once

#include "reaction/engine_internal.h"
#include "reaction/http_request.h"

#define RUN_HTTP_PER_HOST 64

// What would be sent, and nothing of it is.
MUST_USE bool run_http_render(struct active *run, struct outgoing *out, struct err *e);
// Renders and sends, or waits for its turn. False with the reason: nothing was sent, and the attempt ends as failed.
MUST_USE bool run_http_start(struct active *run, struct err *e);
// By hand: the attempt ends as cancelled, before this returns. What was sent may have had its effect.
void run_http_cancel(struct active *run);
// The server stops: all end as interrupted and are repeated, under the same Idempotency-Key, after the next start.
void run_http_stop(struct engine *g);
