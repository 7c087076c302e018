// base.h - the few words every file uses: cleanup, ownership, counting.
//
// Running out of memory ends the process (the queue makes a restart safe), so the x-functions
// never return NULL. A size that came from outside is bounded before it reaches them.
#pragma once

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

// CLEANUP(f) runs f(&variable) when the variable leaves its scope.
#define CLEANUP(f) __attribute__((cleanup(f)))

// MOVE(p) gives the pointer away: a CLEANUP guard on p then finds NULL.
#define MOVE(p)                    \
    ({                             \
        __typeof__(p) moved_ = (p); \
        (p) = NULL;                \
        moved_;                    \
    })

// The struct that holds `member` at `ptr`.
#define CONTAINER(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t n);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
void *xmemdup(const void *p, size_t n);

// Grows *items (of *cap elements) so that `need` elements fit; doubles. item_bytes is sizeof one.
void xgrow(void *items, size_t *cap, size_t need, size_t item_bytes);

void freep(void *pointer_to_pointer); // for CLEANUP(freep)
