#include "sample/faults.h"

#include "tests/harness/check.h"

TEST(kinds_are_read)
{
    struct faults *f = faults_new(1);
    struct err e;
    static const char *const good[] = { "all", "late,429", "5xx=0.5", " cut , hang=1 ", "none", "", "LATE" };
    static const char *const bad[] = { "flood", "429=2", "429=", "429=x", "late,flood", "429=-1", "429=nan" };

    for (size_t i = 0; i < COUNT(good); i++)
        CHECK_OK(good[i], faults_set(f, str_from(good[i]), &e), &e);
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !faults_set(f, str_from(bad[i]), &e) && e.kind == ERR_INVALID);
    faults_free(f);
}

TEST(a_refused_setting_changes_nothing)
{
    struct faults *f = faults_new(1);
    struct err e;

    CHECK_OK("always late", faults_set(f, STR("late=1"), &e), &e);
    CHECK("refused", !faults_set(f, STR("429=1,flood"), &e));
    CHECK("late as before", faults_draw(f, FAULT_LATE));
    CHECK("and nothing else", !faults_draw(f, FAULT_429));
    faults_free(f);
}

TEST(one_seed_one_sequence)
{
    struct faults *a = faults_new(42), *b = faults_new(42), *c = faults_new(43);
    bool is_same = true, is_other = false;
    struct err e;

    CHECK_OK("a", faults_set(a, STR("all=0.5"), &e), &e);
    CHECK_OK("b", faults_set(b, STR("all=0.5"), &e), &e);
    CHECK_OK("c", faults_set(c, STR("all=0.5"), &e), &e);
    for (int i = 0; i < 1000; i++) {
        enum fault kind = (enum fault)(i % FAULT_COUNT);
        bool drawn = faults_draw(a, kind);

        is_same = is_same && drawn == faults_draw(b, kind);
        is_other = is_other || drawn != faults_draw(c, kind);
    }
    CHECK("the same", is_same);
    CHECK("another seed, another one", is_other);
    bool is_within = true;
    for (int i = 0; i < 1000; i++) {
        int64_t n = faults_between(a, -3, 3);
        is_within = is_within && n >= -3 && n <= 3;
    }
    CHECK("numbers stay between", is_within);
    faults_set_late_max_ms(a, 100);
    for (int i = 0; i < 1000; i++)
        is_within = is_within && faults_late_ms(a) <= 100;
    CHECK("lateness has its bound", is_within);
    faults_free(a);
    faults_free(b);
    faults_free(c);
}

TEST_MAIN()
