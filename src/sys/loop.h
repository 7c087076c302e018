// loop.h - one thread's event loop, on libuv. State has one owner; threads exchange messages.
//
// A loop belongs to the thread that runs it; all calls are for that thread only, except
// loop_post and loop_stop. What stands in src/sys may use loop_uv(); above it nobody sees libuv.
#pragma once

#include "base/err.h"

struct loop;
struct loop_timer;

// Ignores SIGPIPE from then on, for the whole process.
MUST_USE bool loop_open(struct loop **out, struct err *e);
void loop_close(struct loop *l); // after loop_run has returned; runs what was still posted

// Until loop_stop. Posts, timers and i/o run their callbacks here.
void loop_run(struct loop *l);
void loop_stop(struct loop *l); // any thread

// Runs fn(ctx) on the loop's thread, in the order of the posts. Any thread.
void loop_post(struct loop *l, void (*fn)(void *ctx), void *ctx);

// Milliseconds of the loop's own clock: monotonic, of the time this round began.
int64_t loop_now_ms(const struct loop *l);

// A timer fires fn(ctx) after `after_ms` (0: next round), then every repeat_ms unless that is 0.
// loop_timer_set starts it anew; loop_timer_free stops and frees (NULL is fine, also within its own fn).
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *ctx), void *ctx);
void loop_timer_set(struct loop_timer *t, int64_t after_ms, int64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

// fn(ctx, signal_number) whenever the process gets that signal; for the life of the loop.
MUST_USE bool loop_on_signal(struct loop *l, int signal_number, void (*fn)(void *ctx, int signal_number), void *ctx, struct err *e);

// Readiness of a descriptor that somebody else owns (curl's sockets, a worker's socket pair).
enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };
struct loop_watch;
struct loop_watch *loop_watch_new(struct loop *l, int fd, void (*fn)(void *ctx, int events, bool is_error), void *ctx);
void loop_watch_set(struct loop_watch *w, int events); // 0: none for now
void loop_watch_free(struct loop_watch *w);            // before the descriptor is closed

struct uv_loop_s *loop_uv(struct loop *l); // for src/sys and src/http/server.c only
