#include "tests/harness/check.h"

static struct CMUnitTest tests[1024];
static size_t test_count;
static int64_t claims, failed, failed_before;

static int begin(void **state UNUSED)
{
    failed_before = failed;
    return 0;
}

void check_register(const char *name, check_test *test)
{
    assert(test_count < COUNT(tests));
    tests[test_count++] = (struct CMUnitTest){ .name = name, .test_func = test, .setup_func = begin };
}

static bool judge(const char *file, int line, const char *claim, bool holds)
{
    claims++;
    if (!holds) {
        failed++;
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
    }
    return holds;
}

bool check_that(const char *file, int line, const char *claim, bool holds)
{
    return judge(file, line, claim, holds);
}

bool check_int(const char *file, int line, const char *claim, int64_t got, int64_t want)
{
    if (judge(file, line, claim, got == want))
        return true;
    fprintf(stderr, "    got  %" PRId64 "\n    want %" PRId64 "\n", got, want);
    return false;
}

bool check_str(const char *file, int line, const char *claim, str got, str want)
{
    if (judge(file, line, claim, str_eq(got, want)))
        return true;
    fprintf(stderr, "    got  [%.*s]\n    want [%.*s]\n", STR_ARG(got), STR_ARG(want));
    return false;
}

bool check_ok(const char *file, int line, const char *claim, bool ok, const struct err *e)
{
    if (judge(file, line, claim, ok))
        return true;
    fprintf(stderr, "    error: %s\n", e ? e->text : "?");
    return false;
}

// cmocka's own report goes by test; ours, by claim, is what ./test adds up.
int check_run(int argc, char **argv)
{
    struct CMUnitTest chosen[COUNT(tests)];
    size_t count = 0;
    for (size_t i = 0; i < test_count; i++)
        if (argc < 2 || strstr(tests[i].name, argv[1]))
            chosen[count++] = tests[i];
    int aborted = 0;
    for (size_t i = 0; i < count; i++) {
        struct CMUnitTest one[] = { chosen[i] };
        int64_t had_failed = failed;
        if (_cmocka_run_group_tests(chosen[i].name, one, 1, NULL, NULL) && failed == had_failed)
            aborted++; // a crash or a bare cmocka assertion, not a claim
    }
    fflush(stderr);
    printf("%" PRId64 " claims, %" PRId64 " failed\n", claims + aborted, failed + aborted);
    return failed || aborted;
}
