#include "base/err.h"

#include <errno.h>
#include <stdio.h>

// vsnprintf may cut in the middle of a character; what follows is then dropped.
static void cut_at_character(char *text, size_t size, int wanted)
{
    if (wanted < 0 || (size_t)wanted < size)
        return;
    size_t n = strlen(text), start = n;
    while (start && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start && ((unsigned char)text[start - 1] & 0x80))
        start--;
    if (!str_is_utf8((str){ text + start, n - start }))
        text[start] = 0;
}

static bool set(struct err *e, enum err_kind kind, const char *fmt, va_list args)
{
    if (e) {
        e->kind = kind;
        int wanted = vsnprintf(e->text, sizeof e->text, fmt, args);
        cut_at_character(e->text, sizeof e->text, wanted);
    }
    return false;
}

bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(e, kind, fmt, args);
    va_end(args);
    return false;
}

bool err_in(struct err *e, const char *fmt, ...)
{
    if (!e)
        return false;
    struct err where;
    va_list args;
    va_start(args, fmt);
    set(&where, e->kind, fmt, args);
    va_end(args);
    char text[sizeof e->text];
    int wanted = snprintf(text, sizeof text, "%s: %s", where.text, e->text);
    cut_at_character(text, sizeof text, wanted);
    memcpy(e->text, text, sizeof text);
    return false;
}

static enum err_kind kind_of_errno(int number)
{
    switch (number) {
    case ENOENT: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return ERR_DENIED;
    case EAGAIN:
    case EBUSY: return ERR_BUSY;
    case ETIMEDOUT: return ERR_TIMEOUT;
    case EEXIST: return ERR_CONFLICT;
    default: return ERR_IO;
    }
}

bool err_errno(struct err *e, int errno_value, const char *fmt, ...)
{
    if (!e)
        return false;
    struct err what;
    va_list args;
    va_start(args, fmt);
    set(&what, kind_of_errno(errno_value), fmt, args);
    va_end(args);
    char reason[128];
    return err_set(e, what.kind, "%s: %s", what.text, strerror_r(errno_value, reason, sizeof reason));
}

bool err_may_pass(enum err_kind kind)
{
    return kind == ERR_BUSY || kind == ERR_TIMEOUT || kind == ERR_IO;
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        "none", "invalid", "denied", "not found", "conflict", "stale", "too large", "unprocessable", "busy", "timeout", "io",
    };
    return (size_t)kind < COUNT(names) ? names[kind] : "?";
}
