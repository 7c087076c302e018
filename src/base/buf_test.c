#include "tests/harness/check.h"

#include "base/buf.h"

#include <stdio.h>

TEST(appending)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    CHECK_STR("a zeroed buf is empty", buf_str(&b), STR(""));
    CHECK("nothing can be appended to it", buf_add(&b, (str){ 0 }) && buf_add_text(&b, "") && buf_add_text(&b, NULL) && b.n == 0);
    CHECK("text, characters, prints", buf_add(&b, STR("a\0b")) && buf_add_char(&b, 'c') && buf_add_text(&b, "de") && buf_printf(&b, "%d%s", 12, "x"));
    CHECK_STR("stand one after the other", buf_str(&b), STR("a\0bcde12x"));
    buf_clear(&b);
    CHECK("clearing keeps the memory", b.n == 0 && b.cap > 0 && b.p);
    for (int i = 0; i < 100000; i++)
        buf_printf(&b, "%05d", i);
    size_t wrong = 0;
    for (int i = 0; i < 100000; i++) {
        char want[8];
        snprintf(want, sizeof want, "%05d", i);
        wrong += memcmp(b.p + 5 * i, want, 5) != 0;
    }
    CHECK_INT("much text is whole", wrong, 0);
    buf_fini(&b);
    CHECK("a finished buf is an empty one", !b.p && !b.n && !b.cap);
    buf_fini(NULL);
}

TEST(never_past_the_maximum)
{
    CLEANUP(buf_fini) struct buf b = { .max = 10 };
    CHECK("exactly the maximum fits", buf_add(&b, STR("0123456789")) && !b.is_full);
    CHECK("not a byte more", !buf_add_char(&b, 'x') && b.is_full && b.n == 10);
    CHECK("nothing more still is nothing", buf_add(&b, STR("")));
    buf_clear(&b);
    CHECK("clearing forgets that it was full, not the maximum", !b.is_full && b.max == 10);
    CHECK("what does not fit is left out whole", buf_add(&b, STR("abc")) && !buf_add(&b, STR("12345678")) && b.n == 3);
    CHECK("a shorter one may follow; is_full stays", buf_add(&b, STR("def")) && b.is_full);
    CHECK_STR("and this is what is there", buf_str(&b), STR("abcdef"));
    buf_clear(&b);
    CHECK("a print of exactly the maximum fits", buf_printf(&b, "%010d", 7) && b.n == 10);
    buf_clear(&b);
    CHECK("a longer one is left out whole", !buf_printf(&b, "%011d", 7) && b.n == 0 && b.is_full);
    buf_clear(&b);
    CHECK("after prints the maximum still holds", buf_add(&b, STR("0123456789")) && !buf_add_char(&b, 'x') && !buf_room(&b, 1));
    CHECK("a size that wraps around does not fit", !buf_room(&b, SIZE_MAX));
}

TEST(every_split_at_the_maximum)
{
    size_t wrong = 0;
    for (size_t max = 1; max < 70; max++)
        for (size_t first = 0; first <= max; first++) {
            CLEANUP(buf_fini) struct buf b = { .max = max };
            static const char text[80] = { 0 };
            wrong += !buf_add(&b, (str){ text, first });
            wrong += buf_add(&b, (str){ text, max - first + 1 });
            wrong += !buf_add(&b, (str){ text, max - first });
            wrong += b.n != max;
        }
    CHECK_INT("is kept to the byte", wrong, 0);
}

TEST(room)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    CHECK("room for nothing in an empty buf is not NULL", buf_room(&b, 0));
    char *at = buf_room(&b, 100);
    memset(at, 'a', 100);
    buf_wrote(&b, 60);
    CHECK_INT("only what was written counts", b.n, 60);
    at = buf_room(&b, 1000);
    memset(at, 'b', 1000);
    buf_wrote(&b, 1000);
    CHECK("what stood there stays", b.p[59] == 'a' && b.p[60] == 'b' && b.n == 1060);
}

TEST(dropping_the_front)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    buf_drop_front(&b, 5);
    CHECK_INT("of an empty buf", b.n, 0);
    buf_add_text(&b, "abcdef");
    buf_drop_front(&b, 0);
    CHECK_STR("nothing", buf_str(&b), STR("abcdef"));
    buf_drop_front(&b, 2);
    CHECK_STR("some", buf_str(&b), STR("cdef"));
    buf_drop_front(&b, 4);
    CHECK_STR("all", buf_str(&b), STR(""));
    buf_add_text(&b, "xy");
    buf_drop_front(&b, 99);
    CHECK_STR("more than there is", buf_str(&b), STR(""));
    CHECK("and it goes on", buf_add_text(&b, "z") && str_eq(buf_str(&b), STR("z")));
}

TEST_MAIN()
