// arena.h - many small things, freed together. One per HTTP request and per reaction run.
//
// A zeroed arena is an empty one. Nothing taken from it is freed singly. Not for two threads at
// once; an arena may be handed to another thread as a whole.
#pragma once

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *block; // the newest
    char *at, *end;            // free room in it
    size_t bytes;              // asked of malloc so far
};

void arena_fini(struct arena *a);
// Empties it, keeping one block (at most 1 MB) for reuse: what a loop wants between two rounds.
void arena_reset(struct arena *a);

void *arena_alloc(struct arena *a, size_t n);  // 16-byte aligned, not cleared
void *arena_zalloc(struct arena *a, size_t n); // cleared
char *arena_bytes(struct arena *a, size_t n);  // unaligned: text
void *arena_array(struct arena *a, size_t count, size_t item_bytes); // cleared

str arena_str(struct arena *a, str s); // a copy, with a NUL behind it
const char *arena_cstr(struct arena *a, str s);
str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3); // NUL behind it
str arena_vprintf(struct arena *a, const char *fmt, va_list args);
str arena_concat(struct arena *a, str first, str second);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), (count), sizeof(type)))
