#include "base/buf.h"

#include <stdio.h>

void buf_fini(struct buf *b)
{
    if (!b)
        return;
    free(b->p);
    *b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->is_full = false;
}

// Never NULL but over max, not even for nothing in an empty buf: callers take NULL for "full".
char *buf_grow(struct buf *b, size_t n)
{
    size_t need;
    if (__builtin_add_overflow(b->n, n, &need) || (b->max && need > b->max)) {
        b->is_full = true;
        return NULL;
    }
    if (need > b->cap || !b->p) {
        size_t cap = MAX(need, MAX(b->cap * 2, (size_t)64));
        if (b->max)
            cap = MIN(cap, b->max);
        b->p = xrealloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->n;
}

bool buf_add_text(struct buf *b, const char *c_string)
{
    return buf_add(b, str_from(c_string));
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(n >= 0);
    // vsnprintf wants room for its NUL, which is not part of the text.
    size_t max = b->max;
    bool fits = !max || b->n + (size_t)n <= max;
    if (fits) {
        b->max = 0;
        char *at = buf_room(b, (size_t)n + 1);
        b->max = max;
        vsnprintf(at, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    } else {
        b->is_full = true;
    }
    va_end(again);
    return fits;
}

void buf_drop_front(struct buf *b, size_t n)
{
    n = MIN(n, b->n);
    if (n && n < b->n)
        memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}
