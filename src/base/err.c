#include "base/err.h"

#include <errno.h>
#include <stdio.h>

// Whatever stood in the arguments (a path, a peer's answer) and wherever vsnprintf cut it: the text
// is UTF-8 afterwards. `room` is what there was for it.
static void make_utf8(char *text, size_t room, int wanted)
{
    str rest = str_from(text);
    bool is_cut = wanted >= 0 && (size_t)wanted >= room, is_valid;
    while (rest.n) {
        char *at = text + (rest.p - text);
        size_t n = str_utf8_next(rest, &is_valid);
        rest = str_skip(rest, n);
        if (is_valid)
            continue;
        if (is_cut && !rest.n)
            *at = 0;
        else
            memset(at, '?', n);
    }
}

static bool set(struct err *e, enum err_kind kind, const char *fmt, va_list args)
{
    if (!e)
        return false;
    char text[sizeof e->text]; // not e->text at once: it may be one of the arguments
    int wanted = vsnprintf(text, sizeof text, fmt, args);
    make_utf8(text, sizeof text, wanted);
    e->kind = kind;
    memcpy(e->text, text, strlen(text) + 1);
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
    return err_set(e, e->kind, "%s: %s", where.text, e->text);
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
