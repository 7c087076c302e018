#include "tests/harness/check.h"

#include "base/buf.h"
#include "template/marked.h"

static struct arena a;

static str marks_of(const struct marked *m)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (size_t i = 0; i < m->s.n; i++)
        buf_add_char(&out, "-esb"[marked_at(m, i)]);
    return arena_str(&a, buf_str(&out));
}

TEST(marks_follow_the_bytes)
{
    struct marked_out out = { .a = &a, .max = 1000 };
    struct marked event = marked_with(STR("ev"), MARK_EVENT), secret = marked_with(STR("sec"), MARK_SECRET), both;
    marked_add_str(&out, STR("a"));
    marked_add(&out, &event);
    marked_add(&out, &secret);
    marked_add_str(&out, STR("z"));
    both = marked_all(&out);
    CHECK_STR("text", both.s, STR("aevsecz"));
    CHECK_STR("marks", marks_of(&both), STR("-eesss-"));
    CHECK("literal", both.is_literal);

    struct marked part = marked_sub(&a, both, 2, 3);
    CHECK_STR("a part", part.s, STR("vse"));
    CHECK_STR("has its marks", marks_of(&part), STR("ess"));
    CHECK("stays literal", part.is_literal);
    part = marked_sub(&a, both, 0, 1);
    CHECK_STR("a part without them", marks_of(&part), STR("-"));
    CHECK("is literal all the same: it was cut by data", part.is_literal);
    part = marked_sub(&a, both, 6, 99);
    CHECK_STR("clamped", part.s, STR("z"));
}

TEST(a_capture_is_taken_out)
{
    struct marked_out out = { .a = &a, .max = 1000 };
    struct marked event = marked_with(STR("e"), MARK_EVENT);
    marked_add(&out, &event);
    struct marked_mark outer = marked_begin(&out);
    marked_add(&out, &event);
    struct marked_mark inner = marked_begin(&out);
    marked_add_str(&out, STR("plain"));
    struct marked taken = marked_take(&out, inner);
    CHECK_STR("the inner text", taken.s, STR("plain"));
    CHECK("has no marks of what stood before", !taken.marks && !taken.is_literal);
    taken = marked_take(&out, outer);
    CHECK_STR("the outer text", marks_of(&taken), STR("e"));
    CHECK_STR("what is left", marked_all(&out).s, STR("e"));
    CHECK_INT("one range", (int64_t)out.range_count, 1);
}

TEST(nothing_contributed_marks_nothing)
{
    struct marked_out out = { .a = &a, .max = 1000 };
    struct marked empty = marked_with(STR(""), MARK_EVENT);
    marked_add(&out, &empty);
    CHECK("an empty value leaves the text the author's", !marked_all(&out).is_literal && !out.range_count);
}

TEST(a_maximum_holds)
{
    struct marked_out out = { .a = &a, .max = 300 };
    for (int i = 0; i < 100; i++)
        marked_add_str(&out, STR("12345"));
    CHECK("is full", out.is_full);
    CHECK("and within it", out.n <= 300);
}

TEST(neighbouring_ranges_join)
{
    struct marked_out out = { .a = &a, .max = 1000 };
    for (int i = 0; i < 50; i++)
        marked_add_marks(&out, STR("x"), MARK_SECRET);
    CHECK_INT("one range", (int64_t)out.range_count, 1);
    size_t from = out.n;
    marked_add_str(&out, STR("later"));
    marked_set_marks(&out, from, MARK_EVENT);
    CHECK_INT("another mark, another range", (int64_t)out.range_count, 2);
}

TEST_MAIN()
