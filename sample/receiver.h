// receiver.h - what the single receivers (receiver_*.c) share: reading a request, answering it, which also records it.
#pragma once

#include "sample/call.h"

// Each answers a request below /receivers/<its name>/ as the real service does.
void receiver_newrelic(struct call *c);
void receiver_appdynamics(struct call *c);
void receiver_raygun(struct call *c);
void receiver_chat(struct call *c);

// Answers, and keeps what came with the status it got.
void receiver_reply(struct call *c, str receiver, int status, const char *type, str body);
void receiver_reply_json(struct call *c, str receiver, int status, const struct json *j);

bool receiver_has_json_type(const struct call *c);
const struct json *receiver_body(struct call *c); // NULL: no JSON
str receiver_segment(const struct call *c, size_t at); // "" behind the last
// Whether the segments from `from` on are the pattern's; {} stands for any.
bool receiver_is_path(const struct call *c, size_t from, const char *pattern);
int64_t receiver_next_id(const struct call *c); // what a created thing may be called
