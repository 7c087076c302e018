#include "base/base.h"

#include <stdio.h>

static NORETURN void out_of_memory(size_t n)
{
    fprintf(stderr, "reactions: out of memory asking for %zu bytes\n", n);
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

void *xcalloc(size_t count, size_t n)
{
    void *p = calloc(count ? count : 1, n ? n : 1);
    if (!p)
        out_of_memory(count * n);
    return p;
}

void *xrealloc(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

char *xstrdup(const char *s)
{
    return xmemdup(s, strlen(s) + 1);
}

void *xmemdup(const void *p, size_t n)
{
    void *copy = xmalloc(n);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

void xgrow(void *items, size_t *cap, size_t need, size_t item_bytes)
{
    if (need <= *cap)
        return;
    size_t grown = MAX(need, MAX(*cap * 2, (size_t)8));
    size_t bytes;
    if (__builtin_mul_overflow(grown, item_bytes, &bytes))
        out_of_memory(SIZE_MAX);
    void **at = items;
    *at = xrealloc(*at, bytes);
    *cap = grown;
}

void freep(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    free(*p);
    *p = NULL;
}
