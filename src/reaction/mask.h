// mask.h - secret values do not come out: what a run prints, returns, sends or answers is searched for them.
#pragma once

#include "base/arena.h"
#include "json/json.h"

struct mask;

#define MASK_TEXT "********"
#define MASK_MIN_BYTES 4 // shorter values would blank out ordinary text; they are not masked

struct mask *mask_new(void);
void mask_free(struct mask *m);
// The value as it is, and as base64, URL-escaped, hex, JSON- and XML-escaped. Each line of a value of several lines too.
void mask_add(struct mask *m, str value);

// The text itself where nothing was found.
str mask_apply(const struct mask *m, str text, struct arena *a);
// Every string (and member name) of a JSON value, in a copy.
struct json *mask_apply_json(const struct mask *m, const struct json *j, struct arena *a);
