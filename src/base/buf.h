// buf.h - bytes we own; grows, but never past its maximum.
//
// A zeroed buf is empty and has no maximum of its own (max 0 = unlimited). With a maximum, what
// does not fit is left out whole and is_full stays set until buf_clear: callers append freely
// and ask once at the end.
#pragma once

#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap, max;
    bool is_full; // something did not fit
};

void buf_fini(struct buf *b);
void buf_clear(struct buf *b); // keeps the memory and the maximum
bool buf_add_text(struct buf *b, const char *c_string);
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_drop_front(struct buf *b, size_t n);
char *buf_grow(struct buf *b, size_t n); // buf_room() where there is none yet

// Room for n more bytes to be written at the returned place, then buf_wrote(n). NULL when over max.
static inline char *buf_room(struct buf *b, size_t n)
{
    return n < b->cap - b->n && (!b->max || b->n + n <= b->max) ? b->p + b->n : buf_grow(b, n);
}

static inline void buf_wrote(struct buf *b, size_t n)
{
    assert(n <= b->cap - b->n);
    b->n += n;
}

static inline bool buf_add(struct buf *b, str s)
{
    if (!s.n)
        return true;
    char *at = buf_room(b, s.n);
    if (!at)
        return false;
    memcpy(at, s.p, s.n);
    b->n += s.n;
    return true;
}

static inline bool buf_add_char(struct buf *b, char c)
{
    char *at = buf_room(b, 1);
    if (!at)
        return false;
    *at = c;
    b->n++;
    return true;
}

static inline str buf_str(const struct buf *b)
{
    return (str){ b->p, b->n };
}
