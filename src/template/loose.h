// loose.h - JSON as Newtonsoft.Json 13 reads it: for variables that hold JSON *text*, and nothing else.
//
// Accepts single quotes, bare property names, comments, trailing commas, hexadecimal and octal numbers,
// NaN, Infinity, undefined, and an array that is cut off. Strings that look like dates are dates.
// No recursion; bounded by LIMIT_JSON_DEPTH and LIMIT_JSON_NODES. Octostache's own conversions from JSON to
// text are here as well.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "template/date.h"

enum loose_type { LOOSE_NULL, LOOSE_UNDEFINED, LOOSE_BOOL, LOOSE_INTEGER, LOOSE_BIG, LOOSE_FLOAT, LOOSE_STRING, LOOSE_DATE, LOOSE_COMMENT, LOOSE_ARRAY, LOOSE_OBJECT };

struct loose {
    enum loose_type type;
    bool is_true;
    uint32_t count;
    int64_t integer;
    double real;
    struct date date;
    str text; // LOOSE_STRING: decoded; LOOSE_BIG: digits; LOOSE_COMMENT (an element, in an array)
    str name;
    struct loose *first, *last, *next, *previous;
};

// False where Newtonsoft throws a JsonException. *has_token: some name or string holds "#{".
MUST_USE bool loose_parse(struct arena *a, str text, struct loose **out, bool *has_token);

const struct loose *loose_get(const struct loose *object, str name); // exact; NULL
const struct loose *loose_at(const struct loose *array, size_t index);

// What Octostache makes of a value: text as it is, True, MM/dd/yyyy HH:mm:ss, compact JSON, "" for null. False
// for an integer beyond 64 bits, where the original throws.
MUST_USE bool loose_text(struct arena *a, const struct loose *v, str *out);
