// json.h - JSON that loses nothing: numbers stay the text they were, member order is kept.
//
// Strict (RFC 8259), linear, bounded (LIMIT_JSON_DEPTH, LIMIT_JSON_NODES), no recursion on input.
// Strings must be well-formed UTF-8; an escaped lone surrogate is refused. Exact duplicate keys
// are refused with their path; keys that differ in case, and empty keys, are fine.
//
// A parsed tree lives in the arena; strings without escapes point into the input, which must
// live as long. Trees are read-only once shared between threads.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    uint8_t type;       // enum json_type
    bool is_true;       // JSON_BOOL
    uint32_t count;     // of members or elements
    str text;           // JSON_STRING: decoded; JSON_NUMBER: as written
    str name;           // where this is a member of an object
    struct json *first; // JSON_ARRAY, JSON_OBJECT
    struct json *last;
    struct json *next;  // sibling
};

// Errors name line and column (both from 1, columns in characters) or the path of a repeated key.
// ERR_TOO_LARGE for the limits, ERR_INVALID for the rest. A byte order mark in front is skipped.
MUST_USE bool json_parse(struct arena *a, str text, struct json **out, struct err *e);

// Reading. A NULL node is taken as "nothing there" everywhere.
struct json *json_get(const struct json *object, str name);           // exact name; NULL where absent
struct json *json_get_nocase(const struct json *object, str name);    // first that fits, ASCII case ignored
struct json *json_at(const struct json *array, size_t index);
bool json_is(const struct json *j, enum json_type type);               // false for NULL
str json_str(const struct json *j, str otherwise);                     // JSON_STRING only
bool json_bool(const struct json *j, bool otherwise);
bool json_i64(const struct json *j, int64_t *out);                     // exact integers in range only (1e3, 1.0: no)
bool json_double(const struct json *j, double *out);                   // false when it overflows
const char *json_type_name(const struct json *j);                      // "null", "boolean", "number", ...
// RFC 6901; NULL where nothing is there or the pointer is malformed. "" is the root.
struct json *json_pointer(const struct json *root, str pointer);
// Member order is ignored, numbers compare by text. Two trees without repeated keys, as json_parse() gives them.
bool json_equal(const struct json *a, const struct json *b);

#define json_each(child, parent) for (struct json *child = (parent) ? (parent)->first : NULL; child; child = child->next)

// Building, in an arena. Text is borrowed, not copied: it must live as long as the tree.
struct json *json_new_object(struct arena *a);
struct json *json_new_array(struct arena *a);
struct json *json_new_string(struct arena *a, str text);               // must be UTF-8
struct json *json_new_number(struct arena *a, str text);               // text of a JSON number
struct json *json_new_i64(struct arena *a, int64_t v);
struct json *json_new_double(struct arena *a, double v);               // shortest text that reads back equal; not finite: null
struct json *json_new_bool(struct arena *a, bool v);
struct json *json_new_null(struct arena *a);
// Appends a member (does not look for an older one of that name) and returns value.
struct json *json_add(struct json *object, str name, struct json *value);
struct json *json_push(struct json *array, struct json *value);
// Replaces or appends.
struct json *json_put(struct json *object, str name, struct json *value);
bool json_drop(struct json *object, str name);
struct json *json_copy(struct arena *a, const struct json *j);         // deep, text copied
// The usual members in one line.
void json_add_str(struct arena *a, struct json *object, const char *name, str text);   // p == NULL gives null
void json_add_i64(struct arena *a, struct json *object, const char *name, int64_t v);
void json_add_bool(struct arena *a, struct json *object, const char *name, bool v);
void json_add_null(struct arena *a, struct json *object, const char *name);
void json_add_time(struct arena *a, struct json *object, const char *name, int64_t at_ms); // 0 gives null

// Writing. Escapes only what JSON demands (and U+2028/2029 not); is_pretty: two spaces, one member a line.
void json_write(struct buf *out, const struct json *j, bool is_pretty);
str json_text(struct arena *a, const struct json *j);                  // compact
void json_write_string(struct buf *out, str text);                     // with its quotes; broken UTF-8 becomes U+FFFD
// Appends a member's name to a path for people: "Filter" + Names = "Filter.Names"; odd names as ["..."], long ones cut.
void json_write_path_name(struct buf *path, str name);
