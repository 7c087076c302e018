// err.h - what went wrong: a kind for the program, a sentence for a person.
//
// A function that can fail returns bool and takes struct err *e last. Setting an error returns
// false, so failing is one line. e may be NULL where nobody wants to know.
#pragma once

#include "base/str.h"

enum err_kind {
    ERR_NONE,
    ERR_INVALID,     // what was asked for cannot be: 400
    ERR_DENIED,      // not allowed: 403
    ERR_NOT_FOUND,   // 404
    ERR_CONFLICT,    // another state or another object stands in the way: 409
    ERR_STALE,       // changed since it was read: 412
    ERR_TOO_LARGE,   // over a limit: 413
    ERR_UNPROCESSABLE, // understood, but contradicts what is stored: 422
    ERR_BUSY,        // may pass: 429 or 503
    ERR_TIMEOUT,
    ERR_IO,
};

struct err {
    enum err_kind kind;
    char text[512]; // read by the person who has to fix it; valid UTF-8, cut at a character
};

// Both return false.
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool err_in(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3); // puts "where: " in front

// "what: strerror(errno_value)", kind by the number (ENOSPC and the like are ERR_IO).
bool err_errno(struct err *e, int errno_value, const char *fmt, ...) PRINTF_LIKE(3, 4);

// The only place that decides whether trying again can help.
bool err_may_pass(enum err_kind kind);

const char *err_kind_name(enum err_kind kind);
