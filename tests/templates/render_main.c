// The render command as a program of its own: what tests and benches run without the rest of the product.
// It counts what our code asks of malloc, which --bench then reports.
#include "app/cmd_render.h"

#include <stddef.h>

unsigned long long cmd_render_allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    cmd_render_allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    cmd_render_allocations++;
    return __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    cmd_render_allocations++;
    return __real_realloc(p, n);
}

int main(int argc, char **argv)
{
    return cmd_render(argc, argv);
}
