// check.h - a test reads as a list of claims; each CHECK counts as one and says its sentence when
// it does not hold. Runs on cmocka.
//
//     TEST(backoff_grows) { CHECK_INT("the first retry comes soon", backoff_next_ms(1), 1000); }
//     TEST_MAIN()
//
// A failed claim does not end its test, so that the others are judged too; REQUIRE does.
// The program's last line is "N claims, M failed", which ./test adds up.
#pragma once

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/err.h"

#include <stdio.h>

typedef void check_test(void **state);

// Called by TEST's constructor, in the order of the file.
void check_register(const char *name, check_test *test);
int check_run(int argc, char **argv); // an argument runs only the tests whose name holds it

bool check_that(const char *file, int line, const char *claim, bool holds);
bool check_int(const char *file, int line, const char *claim, int64_t got, int64_t want);
bool check_str(const char *file, int line, const char *claim, str got, str want);
bool check_ok(const char *file, int line, const char *claim, bool ok, const struct err *e);

#define TEST(name)                                                                                         \
    static void test_##name(void **state);                                                                 \
    __attribute__((constructor)) static void register_##name(void) { check_register(#name, test_##name); } \
    static void test_##name(void **state UNUSED)

#define TEST_MAIN()                 \
    int main(int argc, char **argv) \
    {                               \
        return check_run(argc, argv); \
    }

#define CHECK(claim, condition) check_that(__FILE__, __LINE__, (claim), (condition))
#define CHECK_INT(claim, got, want) check_int(__FILE__, __LINE__, (claim), (int64_t)(got), (int64_t)(want))
#define CHECK_STR(claim, got, want) check_str(__FILE__, __LINE__, (claim), (got), (want))
#define CHECK_TEXT(claim, got, want) check_str(__FILE__, __LINE__, (claim), str_from(got), str_from(want))
// For functions that return bool and set *e: prints the error's text.
#define CHECK_OK(claim, call, e) check_ok(__FILE__, __LINE__, (claim), (call), (e))
#define REQUIRE(claim, condition)                                  \
    do {                                                           \
        if (!check_that(__FILE__, __LINE__, (claim), (condition))) \
            fail();                                                \
    } while (0)
