#include "base/arena.h"

#include <pthread.h>
#include <stdio.h>

#define FIRST_BLOCK_BYTES 4096
#define LARGEST_BLOCK_BYTES (1 << 20)
#define KEPT_SIZES 4              // 4, 8, 16 and 32 KB
#define KEPT_BYTES (128 << 10)    // of each size, by each thread

struct arena_block {
    struct arena_block *older;
    size_t bytes; // of data[]
    _Alignas(16) char data[];
};

// Blocks of small arenas are kept by the thread that let them go: malloc takes its slow way for such sizes, and every request, run and
// operation of the store has an arena. With AddressSanitizer nothing is kept, so that a use after the end is found.
struct kept {
    struct arena_block *first[KEPT_SIZES];
    size_t bytes[KEPT_SIZES];
};

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS_BLOCKS 0
#endif
#endif
#ifndef KEEPS_BLOCKS
#define KEEPS_BLOCKS 1
#endif

static _Thread_local struct kept *kept;
static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void kept_free(void *ctx)
{
    struct kept *k = ctx;
    kept = NULL;
    for (int size = 0; size < KEPT_SIZES; size++)
        for (struct arena_block *b = k->first[size], *older; b; b = older) {
            older = b->older;
            free(b);
        }
    free(k);
}

static void kept_begin(void)
{
    if (pthread_key_create(&kept_key, kept_free))
        abort();
}

// -1: blocks of so many bytes are not kept.
static int kept_size(size_t bytes)
{
    for (int size = 0; KEEPS_BLOCKS && size < KEPT_SIZES; size++)
        if (bytes == (size_t)FIRST_BLOCK_BYTES << size)
            return size;
    return -1;
}

static struct arena_block *take_kept(size_t bytes)
{
    int size = kept ? kept_size(bytes) : -1;
    struct arena_block *b = size < 0 ? NULL : kept->first[size];
    if (!b)
        return NULL;
    kept->first[size] = b->older;
    kept->bytes[size] -= bytes;
    return b;
}

static void let_go(struct arena_block *b)
{
    int size = kept_size(b->bytes);
    if (size >= 0 && !kept) {
        pthread_once(&kept_once, kept_begin);
        kept = xcalloc(1, sizeof *kept);
        pthread_setspecific(kept_key, kept); // freed with the thread
    }
    if (size < 0 || kept->bytes[size] + b->bytes > KEPT_BYTES) {
        free(b);
        return;
    }
    b->older = kept->first[size];
    kept->first[size] = b;
    kept->bytes[size] += b->bytes;
}

static void add_block(struct arena *a, size_t need)
{
    size_t bytes = a->block ? MIN(a->block->bytes * 2, (size_t)LARGEST_BLOCK_BYTES) : FIRST_BLOCK_BYTES;
    bytes = MAX(bytes, need);
    struct arena_block *b = take_kept(bytes);
    if (!b)
        b = xmalloc(bytes > SIZE_MAX - sizeof *b ? SIZE_MAX : sizeof *b + bytes);
    b->older = a->block;
    b->bytes = bytes;
    a->block = b;
    a->at = b->data;
    a->end = b->data + bytes;
    a->bytes += bytes;
}

void arena_fini(struct arena *a)
{
    if (!a)
        return;
    for (struct arena_block *b = a->block, *older; b; b = older) {
        older = b->older;
        let_go(b);
    }
    *a = (struct arena){ 0 };
}

void arena_reset(struct arena *a)
{
    // One large document must not stay in memory for as long as its loop runs.
    if (!a->block || a->block->bytes > LARGEST_BLOCK_BYTES) {
        arena_fini(a);
        return;
    }
    struct arena_block *keep = a->block;
    for (struct arena_block *b = keep->older, *older; b; b = older) {
        older = b->older;
        let_go(b);
    }
    keep->older = NULL;
    a->at = keep->data;
    a->end = keep->data + keep->bytes;
    a->bytes = keep->bytes;
}

char *arena_bytes(struct arena *a, size_t n)
{
    if ((size_t)(a->end - a->at) < n || !a->at)
        add_block(a, n);
    char *p = a->at;
    a->at += n;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t skip = (16 - (uintptr_t)a->at % 16) % 16;
    size_t left = (size_t)(a->end - a->at);
    if (!a->at || left < skip || left - skip < n) {
        add_block(a, n);
        skip = 0;
    }
    a->at += skip;
    char *p = a->at;
    a->at += n;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    memset(p, 0, n);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t item_bytes)
{
    size_t n;
    return arena_zalloc(a, __builtin_mul_overflow(count, item_bytes, &n) ? SIZE_MAX : n);
}

str arena_str(struct arena *a, str s)
{
    char *p = arena_bytes(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return (str){ p, s.n };
}

const char *arena_cstr(struct arena *a, str s)
{
    return arena_str(a, s).p;
}

str arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t room = (size_t)(a->end - a->at);
    int n = vsnprintf(a->at, room, fmt, args);
    assert(n >= 0);
    if ((size_t)n < room) {
        str s = { a->at, (size_t)n };
        a->at += n + 1;
        va_end(again);
        return s;
    }
    char *p = arena_bytes(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (str){ p, (size_t)n };
}

str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    str s = arena_vprintf(a, fmt, args);
    va_end(args);
    return s;
}

str arena_concat(struct arena *a, str first, str second)
{
    char *p = arena_bytes(a, first.n + second.n + 1);
    if (first.n)
        memcpy(p, first.p, first.n);
    if (second.n)
        memcpy(p + first.n, second.p, second.n);
    p[first.n + second.n] = 0;
    return (str){ p, first.n + second.n };
}
