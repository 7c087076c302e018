#include "web/refusals.h"

#include "tests/harness/check.h"

#include <stdio.h>

static void freep_refusals(struct refusals **r)
{
    refusals_free(*r);
}

TEST(the_newest_are_kept)
{
    CLEANUP(freep_refusals) struct refusals *r = refusals_new();
    struct refusal got[REFUSALS_KEPT];
    int64_t total;
    CHECK_INT("nothing was refused", refusals_list(r, 7, got, &total), 0);
    CHECK_INT("none at all", total, 0);
    for (int i = 1; i <= 25; i++)
        refusals_note(r, 7, i, STR("192.0.2.7"), STR("timestamp"), STR("412 s old"));
    CHECK_INT("ten are kept", refusals_list(r, 7, got, &total), REFUSALS_KEPT);
    CHECK_INT("all are counted", total, 25);
    CHECK_INT("the newest comes first", got[0].at_ms, 25);
    CHECK_INT("the oldest last", got[9].at_ms, 16);
    CHECK_TEXT("from where", got[0].address, "192.0.2.7");
    CHECK_TEXT("why", got[0].reason, "timestamp");
    CHECK_TEXT("in words", got[0].detail, "412 s old");
    CHECK_INT("another trigger has its own", refusals_list(r, 8, got, &total), 0);
}

TEST(long_texts_are_cut)
{
    CLEANUP(freep_refusals) struct refusals *r = refusals_new();
    struct refusal got[REFUSALS_KEPT];
    int64_t total;
    char text[1000];
    memset(text, 'x', sizeof text);
    refusals_note(r, 1, 1, (str){ text, sizeof text }, (str){ text, sizeof text }, (str){ text, sizeof text });
    CHECK_INT("it is kept", refusals_list(r, 1, got, &total), 1);
    CHECK_INT("the reason is cut", strlen(got[0].reason), sizeof got[0].reason - 1);
    CHECK_INT("so is the detail", strlen(got[0].detail), sizeof got[0].detail - 1);
}

TEST(memory_is_bounded)
{
    CLEANUP(freep_refusals) struct refusals *r = refusals_new();
    struct refusal got[REFUSALS_KEPT];
    int64_t total;
    for (int64_t id = 1; id <= REFUSALS_TRIGGERS; id++)
        refusals_note(r, id, id, STR("a"), STR("key"), STR(""));
    refusals_note(r, 1, 1000, STR("a"), STR("key"), STR(""));
    refusals_note(r, 5000, 1001, STR("a"), STR("key"), STR(""));
    CHECK_INT("one more than there is room for is kept", refusals_list(r, 5000, got, &total), 1);
    CHECK_INT("the one that refused nothing for longest is forgotten", refusals_list(r, 2, got, &total), 0);
    CHECK_INT("one that refused again stays", refusals_list(r, 1, got, &total), 2);
}

TEST_MAIN()
