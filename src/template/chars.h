// chars.h - what .NET says about characters: white space, letters, digits, case, UTF-16 lengths.
//
// Templates are UTF-8 here and UTF-16 in the original; where a rule of the language counts or
// classifies UTF-16 units (Substring, Truncate, \u escapes, identifiers), these functions give the
// original's answer. Broken UTF-8 is taken one byte at a time, each as U+FFFD: never an error.
#pragma once

#include "base/arena.h"

#define CHARS_REPLACEMENT 0xFFFDu

uint32_t chars_decode_slow(const char *p, size_t n, size_t *length);

// The character at p (n > 0 bytes are there) and how many bytes it takes.
static inline uint32_t chars_decode(const char *p, size_t n, size_t *length)
{
    if ((unsigned char)*p < 0x80) {
        *length = 1;
        return (unsigned char)*p;
    }
    return chars_decode_slow(p, n, length);
}

size_t chars_encode(uint32_t c, char out[static 4]); // bytes written; a surrogate is written as U+FFFD

bool chars_is_space_slow(uint32_t c);
// char.IsWhiteSpace: Unicode blanks, not U+200B and not U+FEFF.
static inline bool chars_is_space(uint32_t c)
{
    return c < 0x80 ? c == ' ' || (c >= '\t' && c <= '\r') : chars_is_space_slow(c);
}

bool chars_is_name_slow(uint32_t c);
extern const bool chars_name_ascii[128];
// A character of an identifier other than white space: letter, decimal digit, _ - : / ~ ( ) @. As the
// original looks at UTF-16 units, letters beyond U+FFFF are none.
static inline bool chars_is_name(uint32_t c)
{
    return c < 0x80 ? chars_name_ascii[c] : chars_is_name_slow(c);
}

// One to one, invariant culture: U+00DF, U+0130, U+0131 and ligatures stay as they are.
uint32_t chars_upper(uint32_t c);
uint32_t chars_lower(uint32_t c);
str chars_to_upper(struct arena *a, str s);
str chars_to_lower(struct arena *a, str s);

// StringComparer.OrdinalIgnoreCase.
bool chars_eq_nocase(str a, str b);
uint64_t chars_hash_nocase(str s); // for tables of one process only

str chars_trim(str s); // String.Trim
str chars_trim_start(str s);
str chars_trim_end(str s);

size_t chars_utf16_length(str s);
// The byte at which UTF-16 unit `units` begins, clamped to the end. Where it falls inside a character
// beyond U+FFFF, *is_inside is set and the byte is that character's first.
size_t chars_utf16_offset(str s, size_t units, bool *is_inside);
