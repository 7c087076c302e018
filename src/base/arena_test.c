#include "tests/harness/check.h"

#include "base/arena.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(what_is_taken_is_whole_and_apart)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    enum { PIECES = 2000 };
    char *pieces[PIECES];
    size_t sizes[PIECES], wrong = 0;
    for (size_t i = 0; i < PIECES; i++) {
        sizes[i] = i * 7 % 513;
        pieces[i] = i % 3 ? arena_bytes(&a, sizes[i]) : arena_alloc(&a, sizes[i]);
        wrong += i % 3 == 0 && (uintptr_t)pieces[i] % 16 != 0;
        memset(pieces[i], (int)(i & 0xff), sizes[i]);
    }
    CHECK_INT("arena_alloc is aligned to 16 whatever stood before", wrong, 0);
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            wrong += (unsigned char)pieces[i][k] != (i & 0xff);
    CHECK_INT("no piece was written over by another", wrong, 0);
    size_t total = 0;
    for (size_t i = 0; i < PIECES; i++)
        total += sizes[i];
    CHECK("blocks grow: not much more is asked of malloc than is used", a.bytes >= total && a.bytes < 4 * total);
}

TEST(large_pieces)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    char *small = arena_bytes(&a, 10), *large = arena_bytes(&a, 5 << 20), *after = arena_bytes(&a, 10);
    memset(large, 1, 5 << 20);
    memset(small, 2, 10);
    memset(after, 3, 10);
    CHECK("a piece larger than any block is whole", large[0] == 1 && large[(5 << 20) - 1] == 1 && small[9] == 2);
    size_t before = a.bytes;
    arena_bytes(&a, 1 << 20);
    CHECK("blocks do not double past a megabyte", a.bytes - before <= 1 << 20);
}

TEST(cleared)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    memset(arena_bytes(&a, 3000), 0xff, 3000);
    arena_reset(&a);
    unsigned char *p = arena_zalloc(&a, 3000);
    size_t dirty = 0;
    for (size_t i = 0; i < 3000; i++)
        dirty += p[i] != 0;
    CHECK_INT("arena_zalloc clears memory used before", dirty, 0);
    arena_reset(&a);
    memset(arena_bytes(&a, 2000), 0xff, 2000);
    arena_reset(&a);
    uint64_t *numbers = ARENA_ARRAY(&a, uint64_t, 100);
    for (size_t i = 0; i < 100; i++)
        dirty += numbers[i] != 0;
    CHECK_INT("so does ARENA_ARRAY", dirty, 0);
    struct arena *nested = ARENA_NEW(&a, struct arena);
    CHECK("and ARENA_NEW", nested->block == NULL && nested->bytes == 0);
}

TEST(emptying)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    arena_reset(&a);
    CHECK("an empty arena can be emptied", a.block == NULL);
    for (int round = 0; round < 100; round++) {
        arena_reset(&a);
        for (int i = 0; i < 100; i++)
            arena_bytes(&a, 1000);
    }
    size_t settled = a.bytes;
    for (int round = 0; round < 100; round++) {
        arena_reset(&a);
        for (int i = 0; i < 100; i++)
            arena_bytes(&a, 1000);
    }
    CHECK("a loop's arena settles", a.bytes <= settled && settled < 1 << 20);
    arena_bytes(&a, 20 << 20);
    arena_reset(&a);
    CHECK("one large document does not stay in memory", a.bytes <= 1 << 20);
    memset(arena_bytes(&a, 100), 1, 100);
    arena_fini(&a);
    CHECK("a finished arena is an empty one", a.block == NULL && a.bytes == 0);
    memset(arena_bytes(&a, 100), 1, 100);
    arena_fini(NULL);
}

// Blocks are kept for the next arena: nothing of one may show in another that is in use.
TEST(many_at_once_and_again)
{
    struct arena arenas[50] = { 0 };
    for (int round = 0; round < 3; round++) {
        char *first[COUNT(arenas)], *second[COUNT(arenas)];
        for (size_t i = 0; i < COUNT(arenas); i++) {
            first[i] = arena_bytes(&arenas[i], 3000);
            second[i] = arena_bytes(&arenas[i], 6000);
            memset(first[i], (int)i, 3000);
            memset(second[i], (int)i + 100, 6000);
        }
        bool is_whole = true;
        for (size_t i = 0; i < COUNT(arenas); i++)
            is_whole = is_whole && first[i][0] == (char)i && first[i][2999] == (char)i && second[i][0] == (char)(i + 100) && second[i][5999] == (char)(i + 100);
        CHECK("each holds what was put there", is_whole);
        const char *zero = arena_zalloc(&arenas[round], 100);
        CHECK("zeroed memory is zero", zero[0] == 0 && zero[99] == 0);
        for (size_t i = 0; i < COUNT(arenas); i++)
            arena_fini(&arenas[i]);
    }
}

TEST(text)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    char source[] = "abc\0def";
    str copy = arena_str(&a, (str){ source, 7 });
    source[0] = 'x';
    CHECK_STR("a copy is its own", copy, STR("abc\0def"));
    CHECK_INT("with a NUL behind it", copy.p[7], 0);
    str none = arena_str(&a, (str){ 0 });
    CHECK("nothing becomes an empty text that is there", none.p && none.n == 0 && none.p[0] == 0);
    CHECK_TEXT("a C string", arena_cstr(&a, STR("abc")), "abc");
    CHECK_STR("joined", arena_concat(&a, STR("ab"), STR("cd")), STR("abcd"));
    CHECK_INT("with a NUL", arena_concat(&a, STR("ab"), (str){ 0 }).p[2], 0);
    CHECK_STR("joined from nothing", arena_concat(&a, (str){ 0 }, (str){ 0 }), STR(""));
    CHECK_STR("printed", arena_printf(&a, "%d-%.*s-%c", 7, STR_ARG(STR("abc")), 'z'), STR("7-abc-z"));
    CHECK_STR("printed nothing", arena_printf(&a, "%s", ""), STR(""));
}

// The text may or may not fit into what is left of the block, to the byte.
TEST(printing_at_the_end_of_a_block)
{
    size_t wrong = 0;
    for (size_t left = 0; left < 40; left++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        arena_bytes(&a, 1);
        arena_bytes(&a, (size_t)(a.end - a.at) - left);
        str s = arena_printf(&a, "%s", "01234567890123456789");
        str next = arena_printf(&a, "x");
        wrong += !str_eq(s, STR("01234567890123456789")) || s.p[20] != 0 || !str_eq(next, STR("x"));
    }
    CHECK_INT("the text is whole and ends with a NUL", wrong, 0);
}

static bool ends(void (*f)(void))
{
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr))
            f();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status != 0; // a sanitizer's malloc ends it in its own way
}

static void ask_too_many(void)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    volatile size_t count = SIZE_MAX / 8 + 2; // times 16 is 16 in size_t
    arena_array(&a, count, 16);
}

static void ask_too_much(void)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    volatile size_t n = SIZE_MAX - 8;
    arena_bytes(&a, 1);
    arena_bytes(&a, n);
}

static void ask_too_much_aligned(void)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    volatile size_t n = SIZE_MAX - 8;
    arena_bytes(&a, 1);
    arena_alloc(&a, n);
}

TEST(sizes_that_wrap_around_end_the_process)
{
    CHECK("an array", ends(ask_too_many));
    CHECK("bytes", ends(ask_too_much));
    CHECK("aligned bytes", ends(ask_too_much_aligned));
}

TEST_MAIN()
