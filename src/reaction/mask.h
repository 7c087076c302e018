// mask.h - secret values do not come out: what a run prints, returns, sends or answers is searched for them.
//
// All forms of all values are looked for at once, in time that grows with the text alone. Terminal colour codes and line
// breaks inside a value do not hide it, nor does its being split over several lines of a log.
//
// It guards against accidents and careless logging. A script that means to send a secret away can always change it into
// something else first: only approval and host binding stand against that.
//
// Values shorter than MASK_MIN_BYTES are not masked: they would blank out ordinary text.
#pragma once

#include "base/arena.h"
#include "json/json.h"

struct mask;

#define MASK_TEXT "********"
#define MASK_MIN_BYTES 4
#define MASK_SPLIT_MIN_BYTES 8 // of what is found over a line break: shorter ones would join what belongs apart
#define MASK_LINE_MIN_BYTES 8  // of a line of a value of several lines that counts by itself

struct mask *mask_new(void);
void mask_free(struct mask *m);
// In every form of mask_form.h, without the blanks around it. Each line of a value of several lines too.
void mask_add(struct mask *m, str value);

// The text itself where nothing was found. Any bytes.
str mask_apply(struct mask *m, str text, struct arena *a);
// Every string (and member name) of a JSON value, in a copy; the value itself where nothing is looked for.
const struct json *mask_apply_json(struct mask *m, const struct json *j, struct arena *a);

// Lines that come one after the other, as those of a log. One that ends with what may be the beginning of a secret (4 bytes
// or more of it) is kept back until the next ones show whether it is.
struct mask_line {
    int64_t at_ms;
    str level, text;
};
struct mask_lines;
struct mask_lines *mask_lines_new(struct mask *m); // m must outlive it
void mask_lines_free(struct mask_lines *l);
void mask_lines_add(struct mask_lines *l, const struct mask_line *line);
// The next line that may be shown; with is_end all of them, one after the other. Its texts live in the arena.
bool mask_lines_next(struct mask_lines *l, bool is_end, struct arena *a, struct mask_line *out);
