// str.h - a view of someone else's bytes. Not NUL-terminated, may hold any byte.
#pragma once

#include "base/base.h"

typedef struct {
    const char *p;
    size_t n;
} str;

#define STR(literal) ((str){ "" literal, sizeof(literal) - 1 })
// For static initialisers.
#define STR_INIT(literal) { "" literal, sizeof(literal) - 1 }
// printf("%.*s", STR_ARG(s))
#define STR_ARG(s) (int)((s).n > INT32_MAX ? INT32_MAX : (s).n), ((s).p ? (s).p : "")

str str_from(const char *c_string); // NULL gives an empty view
bool str_eq(str a, str b);
bool str_eq_nocase(str a, str b); // ASCII case only
int str_cmp(str a, str b);        // by bytes, shorter first
int str_cmp_nocase(str a, str b); // ASCII case folded
bool str_starts(str s, str prefix);
bool str_starts_nocase(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_has(str s, char c);
// Index of the first occurrence, or -1.
ptrdiff_t str_find(str s, str needle);
ptrdiff_t str_find_char(str s, char c);
ptrdiff_t str_find_last_char(str s, char c);
str str_sub(str s, size_t from, size_t n); // clamped to what is there
str str_skip(str s, size_t n);             // without the first n bytes, clamped
str str_trim(str s);                       // ASCII blanks: space \t \r \n \v \f

// Cuts *rest at the first `sep`: *part gets what stood before it. False when *rest was used up.
// "a,,b" gives "a", "", "b"; an empty text gives one empty part.
// Start with *rest = the text; a consumed rest has p == NULL.
bool str_split(str *rest, char sep, str *part);

// Whole text as a number; false for anything else (blanks, +, overflow, empty).
bool str_to_i64(str s, int64_t *out);
bool str_to_u64(str s, uint64_t *out);

// True where the bytes are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool str_is_utf8(str s);
// The bytes of the first character. Where it is broken, those that one U+FFFD stands for (Unicode 15,
// section 3.9: the longest start of a character); at least 1 unless s is empty.
size_t str_utf8_next(str s, bool *is_valid);
