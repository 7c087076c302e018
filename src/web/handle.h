// handle.h - the kinds of requests web.c tells apart, each with its file. Only src/web includes this.
#pragma once

#include "web/api.h"

// hooks.c, hook_*.c: /triggers/...
bool hook_head(struct web *w, struct http_request *r, size_t *max_body_bytes); // false: answered
void hook_handle(struct web *w, struct http_request *r);
struct hook_state *hook_state_new(struct web *w, struct err *e); // NULL: failed
void hook_state_free(struct web *w, struct hook_state *s);
// Under what a signature secret's use is counted, among the keys' (whose ids are positive).
int64_t hook_secret_use_id(const struct web *w, int64_t trigger_id, str secret);
void hook_flush_key_uses(struct web *w); // what was counted since the last time goes to the store

// push.c: /octopus/<connection>/subscription
bool push_head(struct web *w, struct http_request *r, size_t *max_body_bytes); // false: answered
void push_handle(struct web *w, struct http_request *r);

// api.c: /api/...
void api_handle(struct web *w, struct http_request *r);

// setup_page.c: /setup, the page behind the set-up link
void setup_page_handle(struct http_request *r);

// stream.c: /api/stream
struct stream_hub *stream_hub_new(struct loop *loop);
void stream_hub_close(struct stream_hub *h); // ends every stream
void stream_hub_free(struct stream_hub *h);
void stream_handle(struct web *w, struct http_request *r);
void stream_people_changed(struct stream_hub *h); // any thread
void stream_note(struct stream_hub *h, const struct engine_note *note); // any thread

// health.c: /healthz, /readyz, /metrics
void health_handle(struct web *w, struct http_request *r);
