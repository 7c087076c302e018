#include "tests/harness/check.h"

#include "base/arena.h"
#include "base/map.h"

static int values[10000];

static str key(struct arena *a, int i)
{
    return arena_printf(a, "key-%d", i);
}

TEST(putting_getting_removing)
{
    CLEANUP(map_fini) struct map m = { 0 };
    CHECK("an empty map has nothing", !map_get(&m, STR("a")) && !map_remove(&m, STR("a")));
    CHECK("putting the first", !map_put(&m, STR("a"), &values[1]) && m.count == 1);
    CHECK("getting it", map_get(&m, STR("a")) == &values[1]);
    CHECK("putting again gives the old", map_put(&m, STR("a"), &values[2]) == &values[1] && m.count == 1);
    CHECK("and keeps the new", map_get(&m, STR("a")) == &values[2]);
    CHECK("case counts", !map_get(&m, STR("A")));
    CHECK("removing gives it", map_remove(&m, STR("a")) == &values[2] && m.count == 0);
    CHECK("once", !map_remove(&m, STR("a")) && !map_get(&m, STR("a")));
    CHECK("the empty key is a key", !map_put(&m, (str){ 0 }, &values[3]) && map_get(&m, STR("")) == &values[3]);
    CHECK("so is one with a NUL", !map_put(&m, STR("a\0b"), &values[4]) && map_get(&m, STR("a\0b")) == &values[4] && !map_get(&m, STR("a\0c")) && !map_get(&m, STR("a")));
    char text[] = "own";
    map_put(&m, (str){ text, 3 }, &values[5]);
    text[0] = 'x';
    CHECK("keys are copied", map_get(&m, STR("own")) == &values[5]);
}

TEST(case_may_not_count)
{
    CLEANUP(map_fini) struct map m = { .is_nocase = true };
    map_put(&m, STR("Content-Type"), &values[1]);
    CHECK("any case finds it", map_get(&m, STR("content-type")) == &values[1] && map_get(&m, STR("CONTENT-TYPE")) == &values[1]);
    CHECK("any case replaces it", map_put(&m, STR("CONTENT-type"), &values[2]) == &values[1] && m.count == 1);
    CHECK("only ASCII letters have a case", !map_put(&m, STR("\xC3\xA9"), &values[3]) && !map_get(&m, STR("\xC3\x89")));
    CHECK("what is not a letter keeps apart", !map_put(&m, STR("["), &values[4]) && !map_get(&m, STR("{")) && !map_put(&m, STR("@"), &values[5]) && !map_get(&m, STR("`")));
    CHECK("any case removes it", map_remove(&m, STR("cONTENT-tYPE")) == &values[2]);
    map_fini(&m);
    CHECK("it stays so when emptied", m.is_nocase && m.count == 0);
}

TEST(many)
{
    CLEANUP(map_fini) struct map m = { 0 };
    CLEANUP(arena_fini) struct arena a = { 0 };
    size_t wrong = 0;
    for (int i = 0; i < 10000; i++)
        map_put(&m, key(&a, i), &values[i]);
    for (int i = 0; i < 10000; i++)
        wrong += map_get(&m, key(&a, i)) != &values[i];
    for (int i = 0; i < 10000; i += 2)
        wrong += map_remove(&m, key(&a, i)) != &values[i];
    for (int i = 0; i < 10000; i++)
        wrong += map_get(&m, key(&a, i)) != (i % 2 ? &values[i] : NULL);
    CHECK_INT("are found, and after half was removed the other half", wrong, 0);
    CHECK_INT("and counted", m.count, 5000);
}

// Deleted slots count as used: a map that only ever holds one entry must neither fill up nor grow.
TEST(coming_and_going_does_not_grow_it)
{
    CLEANUP(map_fini) struct map m = { 0 };
    CLEANUP(arena_fini) struct arena a = { 0 };
    size_t wrong = 0;
    for (int i = 0; i < 10000; i++) {
        arena_reset(&a);
        map_put(&m, key(&a, i), &values[0]);
        wrong += map_get(&m, key(&a, i + 1)) != NULL;
        wrong += map_remove(&m, key(&a, i)) != &values[0];
    }
    CHECK_INT("nothing goes astray", wrong, 0);
    CHECK("it stays small", m.cap <= 16);
}

TEST(walking)
{
    CLEANUP(map_fini) struct map m = { 0 };
    CLEANUP(arena_fini) struct arena a = { 0 };
    static int seen[1000];
    size_t at = 0, count = 0, wrong = 0;
    str k;
    void *v;
    CHECK("an empty map has no entries", !map_next(&m, &at, &k, &v));
    for (int i = 0; i < 1000; i++)
        map_put(&m, key(&a, i), &values[i]);
    for (at = 0; map_next(&m, &at, &k, &v); count++) {
        ptrdiff_t i = (int *)v - values;
        seen[i]++;
        wrong += !str_eq(k, key(&a, (int)i));
        if (i % 3 == 0)
            map_remove(&m, k);
    }
    for (int i = 0; i < 1000; i++)
        wrong += seen[i] != 1;
    CHECK_INT("each entry comes once with its key, also while they are removed", wrong, 0);
    CHECK_INT("all came", count, 1000);
    CHECK_INT("those removed are gone", m.count, 666);
}

TEST(hashes)
{
    CHECK("equal texts have equal hashes", map_hash(STR("abc")) == map_hash((str){ (char[]){ 'a', 'b', 'c' }, 3 }));
    CHECK("without case too", map_hash_nocase(STR("AbC")) == map_hash_nocase(STR("aBc")) && map_hash_nocase(STR("abc")) == map_hash(STR("abc")));
    CHECK("of any length", map_hash_nocase(STR("ABCDEFGHIJKLMNOPQR")) == map_hash(STR("abcdefghijklmnopqr")) && map_hash(STR("abcdefghi")) != map_hash(STR("abcdefghj")));
    CHECK("case changes the other", map_hash(STR("abc")) != map_hash(STR("ABC")));
    CHECK("length counts", map_hash(STR("")) != map_hash(STR("\0")) && map_hash(STR("\0")) != map_hash(STR("\0\0")) && map_hash(STR("12345678")) != map_hash(STR("12345678\0")));
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned low[64] = { 0 }, high[64] = { 0 }, worst = 0;
    for (int i = 0; i < 64000; i++) {
        uint64_t h = map_hash(arena_printf(&a, "%d", i));
        low[h & 63]++;
        high[h >> 58]++;
    }
    for (size_t i = 0; i < 64; i++)
        worst = MAX(worst, MAX(low[i], high[i])); // 1000 expected
    CHECK("similar texts spread evenly, in the low bits and the high ones", worst < 1250);
}

TEST_MAIN()
