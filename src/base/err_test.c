#include "tests/harness/check.h"

#include "base/err.h"

#include <errno.h>

TEST(setting)
{
    struct err e = { 0 };
    CHECK("returns false", !err_set(&e, ERR_CONFLICT, "%s is %d", "x", 7));
    CHECK_TEXT("keeps the sentence", e.text, "x is 7");
    CHECK_INT("and the kind", e.kind, ERR_CONFLICT);
    CHECK("where nobody wants to know", !err_set(NULL, ERR_IO, "%d", 1) && !err_in(NULL, "x") && !err_errno(NULL, ENOENT, "x"));
    CHECK("in front of it", !err_in(&e, "in %s", "y"));
    CHECK_TEXT("stands where", e.text, "in y: x is 7");
    CHECK_INT("the kind stays", e.kind, ERR_CONFLICT);
    err_set(&e, ERR_IO, "again: %s", e.text);
    CHECK_TEXT("the old text may be part of the new", e.text, "again: in y: x is 7");
}

TEST(kinds_of_errno)
{
    static const struct { int number; enum err_kind kind; const char *text; } rows[] = {
        { ENOENT, ERR_NOT_FOUND, "opening f: No such file or directory" },
        { EACCES, ERR_DENIED, "opening f: Permission denied" },
        { EPERM, ERR_DENIED, "opening f: Operation not permitted" },
        { ENOSPC, ERR_IO, "opening f: No space left on device" },
        { EMFILE, ERR_IO, "opening f: Too many open files" },
        { EIO, ERR_IO, "opening f: Input/output error" },
        { EBUSY, ERR_BUSY, "opening f: Device or resource busy" },
        { EAGAIN, ERR_BUSY, "opening f: Resource temporarily unavailable" },
        { ETIMEDOUT, ERR_TIMEOUT, "opening f: Connection timed out" },
        { EEXIST, ERR_CONFLICT, "opening f: File exists" },
        { 99999, ERR_IO, "opening f: Unknown error 99999" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err e = { 0 };
        CHECK("false", !err_errno(&e, rows[i].number, "opening %s", "f"));
        CHECK_TEXT(rows[i].text, e.text, rows[i].text);
        CHECK_INT(rows[i].text, e.kind, rows[i].kind);
    }
}

TEST(long_texts_are_cut_at_a_character)
{
    static const char *const letters[] = { "a", "é", "€", "😀" };
    size_t wrong = 0, too_short = 0;
    for (size_t l = 0; l < COUNT(letters); l++)
        for (size_t before = 0; before < 5; before++) {
            char text[2000] = "";
            struct err e = { 0 };
            memset(text, 'x', before);
            for (size_t n = before; n < 1000; n += strlen(letters[l]))
                strcpy(text + n, letters[l]);
            err_set(&e, ERR_INVALID, "%s", text);
            wrong += !str_is_utf8(str_from(e.text)) || strncmp(e.text, text, strlen(e.text)) != 0;
            too_short += strlen(e.text) < sizeof e.text - 4;
            err_in(&e, "%s", "where");
            wrong += !str_is_utf8(str_from(e.text)) || strncmp(e.text, "where: ", 7) != 0;
            err_in(&e, "%s", text);
            wrong += !str_is_utf8(str_from(e.text));
        }
    CHECK_INT("and stay UTF-8", wrong, 0);
    CHECK_INT("and no shorter than they must be", too_short, 0);
}

TEST(foreign_bytes_do_not_break_the_text)
{
    struct err e = { 0 };
    err_set(&e, ERR_INVALID, "no file %s here", "caf\xE9");
    CHECK_TEXT("a name that is not UTF-8", e.text, "no file caf? here");
    err_set(&e, ERR_INVALID, "%.*s...", 4, "abc\xC3\xA9");
    CHECK_TEXT("a character cut by a precision", e.text, "abc?...");
    err_set(&e, ERR_INVALID, "\xF0\x9F\x98");
    CHECK_TEXT("a character cut at the end, though nothing was cut by us", e.text, "???");
}

TEST(kinds)
{
    static const struct { enum err_kind kind; const char *name; bool may_pass; } rows[] = {
        { ERR_NONE, "none", false }, { ERR_INVALID, "invalid", false }, { ERR_DENIED, "denied", false }, { ERR_NOT_FOUND, "not found", false },
        { ERR_CONFLICT, "conflict", false }, { ERR_STALE, "stale", false }, { ERR_TOO_LARGE, "too large", false }, { ERR_UNPROCESSABLE, "unprocessable", false },
        { ERR_BUSY, "busy", true }, { ERR_TIMEOUT, "timeout", true }, { ERR_IO, "io", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_TEXT(rows[i].name, err_kind_name(rows[i].kind), rows[i].name);
        CHECK(rows[i].name, err_may_pass(rows[i].kind) == rows[i].may_pass);
    }
    CHECK_TEXT("a number that is no kind", err_kind_name((enum err_kind)99), "?");
}

TEST_MAIN()
