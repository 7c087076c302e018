// route_internal.h - a parsed template, for the files route*.c only.
#pragma once

#include "base/limits.h"
#include "trigger/route.h"

enum constraint_kind {
    CONSTRAINT_INT, CONSTRAINT_LONG, CONSTRAINT_GUID, CONSTRAINT_BOOL, CONSTRAINT_DATETIME, CONSTRAINT_DECIMAL,
    CONSTRAINT_DOUBLE, CONSTRAINT_FLOAT, CONSTRAINT_ALPHA, CONSTRAINT_MIN, CONSTRAINT_MAX, CONSTRAINT_RANGE, CONSTRAINT_REGEX,
    CONSTRAINT_LENGTH, CONSTRAINT_MINLENGTH, CONSTRAINT_MAXLENGTH, CONSTRAINT_REQUIRED, CONSTRAINT_FILE, CONSTRAINT_NONFILE,
};

struct constraint {
    enum constraint_kind kind;
    int64_t low, high; // of numbers or lengths, where the kind has them
    str pattern;       // CONSTRAINT_REGEX
    void *regex;       // pcre2_code in the route's arena
};

struct route_param {
    str name;
    bool is_catch_all, is_optional, has_default;
    str otherwise; // the default
    struct constraint *constraints;
    size_t constraint_count;
};

struct route_part {
    str literal;               // decoded; used where param is NULL
    struct route_param *param;
};

struct route_segment {
    struct route_part *parts;
    size_t part_count;
    str folded;     // a single literal, case folded
    uint8_t rank;   // 1 to 5, as in route.h
};

struct route {
    str template;
    struct route_segment *segments;
    size_t segment_count;
    uint8_t ranks[LIMIT_ROUTE_SEGMENTS]; // 0 behind the last one: comparing bytes compares precedence
    size_t param_count;
};

static inline bool segment_is_simple(const struct route_segment *s)
{
    return s->part_count == 1;
}

// The parameter of a segment that is nothing else, or NULL.
static inline const struct route_param *segment_param(const struct route_segment *s)
{
    return s->part_count == 1 ? s->parts[0].param : NULL;
}

// May be left out at the end of a path.
bool segment_may_miss(const struct route_segment *s);

// `text` as in a template behind the colon: "range(1,5)".
bool constraint_parse(struct arena *a, str text, struct constraint *out, struct err *e);
// value.p == NULL: the path has no value here. The arena is for scratch.
bool constraint_fits(const struct constraint *c, str value, struct arena *scratch);
bool param_fits(const struct route_param *p, str value, struct arena *scratch);
// RouteOptions' "datetime": DateTime.TryParse of the invariant culture, but for oddities listed in docs/routes.md.
bool constraint_is_datetime(str text);

// Ordinal comparison without case as .NET does it: simple upper case of each character.
uint32_t route_fold_char(uint32_t c);
str route_fold(struct arena *a, str s); // s itself where nothing changes
// The character at s.p[at] and its bytes; a stray byte counts as a character of its own.
uint32_t route_char_at(str s, size_t at, size_t *bytes);
size_t route_utf16_length(str s);

// Fits the text against a segment of several parts; the values found are appended (params not found are not).
bool route_complex_fits(const struct route_segment *s, str text, struct route_values *values);
