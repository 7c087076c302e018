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
bool buf_add(struct buf *b, str s);
bool buf_add_char(struct buf *b, char c);
bool buf_add_text(struct buf *b, const char *c_string);
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Room for n more bytes to be written at the returned place, then buf_wrote(n). NULL when over max.
char *buf_room(struct buf *b, size_t n);
void buf_wrote(struct buf *b, size_t n);
void buf_drop_front(struct buf *b, size_t n);

static inline str buf_str(const struct buf *b)
{
    return (str){ b->p, b->n };
}
