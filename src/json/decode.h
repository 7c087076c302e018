// decode.h - takes an object apart field by field and says, with its path, what does not fit.
//
// Every field asked for is marked as known; decode_done() then reports those nobody asked for:
// "Filter.Enviroments: unknown field; did you mean Environments?". All problems are gathered, not
// only the first, up to DECODE_ERRORS_MAX; the caller answers them as the contract's Errors list.
#pragma once

#include "json/json.h"

#define DECODE_ERRORS_MAX 20

struct decode_errors {
    struct arena *arena;
    size_t count;
    str items[DECODE_ERRORS_MAX]; // "Filter.Environments[0]: must be text, not a number"
};

// One object being read. Lives on the caller's stack.
struct decode {
    const struct json *object;
    str path; // "" for the root
    struct decode_errors *errors;
    uint64_t known_bits[4]; // members asked for, by position (more than 256 members: all further are checked by name)
    const char *names[64];  // what was asked for, for "did you mean"
    size_t name_count;
};

// False (and an error noted) when j is not an object.
bool decode_begin(struct decode *d, const struct json *j, str path, struct decode_errors *errors);
void decode_done(struct decode *d); // unknown fields become errors

// Each returns the member's value, or `otherwise` when it is absent or null, or (error noted) of a wrong type.
str decode_str(struct decode *d, const char *name, str otherwise);
str decode_required_str(struct decode *d, const char *name); // absent, null or empty: an error
bool decode_bool(struct decode *d, const char *name, bool otherwise);
int64_t decode_i64(struct decode *d, const char *name, int64_t otherwise, int64_t min, int64_t max);
// The position of the text in choices (NULL-terminated), compared without case; `otherwise` when absent.
int decode_choice(struct decode *d, const char *name, const char *const *choices, int otherwise);
// NULL when absent or null; an error when of another type.
const struct json *decode_object(struct decode *d, const char *name);
const struct json *decode_array(struct decode *d, const char *name);
// An array of text; *count is set, NULL when empty. Each element must be text.
str *decode_str_list(struct decode *d, const char *name, size_t *count);
const struct json *decode_any(struct decode *d, const char *name);
// As it stands, an explicit null too, for fields where null and absent differ; NULL when absent.
const struct json *decode_member(struct decode *d, const char *name);
int64_t decode_time_ms(struct decode *d, const char *name, int64_t otherwise);
// Known, whatever it holds: what the server sets and a client sends back unread.
void decode_ignore(struct decode *d, const char *name);

// "path: text" under this object's path; name may be NULL for the object itself.
void decode_error(struct decode *d, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
// The same for an element of a list: "Methods[0]: ...".
void decode_error_at(struct decode *d, const char *name, size_t index, const char *fmt, ...) PRINTF_LIKE(4, 5);
// The path of a member, for nested decode_begin: "Filter" or "Actions[2].Filter".
str decode_path(const struct decode *d, const char *name);
str decode_path_index(struct arena *a, str path, size_t index);
