// regex.h - .NET regular expressions on PCRE2.
//
// A pattern is translated: what .NET and PCRE2 read differently is rewritten (numbering of named groups,
// class subtraction, \v, \w, \u1234, '[' within classes), what only PCRE2 knows is refused as .NET would,
// and what only .NET knows is refused by name: balancing groups, numbered names, \p{IsBlock},
// lookbehind of variable length. A search is bounded (LIMIT_TEMPLATE_REGEX_STEPS).
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct regex;

MUST_USE bool regex_open(str pattern, struct regex **out, struct err *e);
void regex_close(struct regex *r);

MUST_USE bool regex_match(struct regex *r, str subject, bool *is_match, struct err *e);
// All matches; $1, ${name}, $&, $$, $`, $', $+, $_ as in .NET.
MUST_USE bool regex_replace(struct regex *r, str subject, str replacement, struct buf *out, struct err *e);
