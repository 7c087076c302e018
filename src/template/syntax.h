// syntax.h - reads the text of a template.
//
// The reference tries its alternatives with backtracking, which takes exponential time on unclosed
// blocks. Here every "#{" is read once, from the last to the first: whatever is nested in a token
// stands behind its beginning and is therefore already known. No recursion, time linear in the text
// (the places where the reference would read again are looked up).
//
// With `is_lenient` (haltOnError = false) a token that does not parse is text up to the furthest
// place that any alternative had reached, as in the reference; then nothing fails but the limits.
#pragma once

#include "template/ast.h"

struct syntax_error {
    size_t offset;         // bytes from the start
    uint32_t line, column; // from 1, in characters
    const char *expected;  // "'}'", "a filter name", ...
    const char *limit;     // not NULL: it is not the grammar but this limit
};

// Symbol of the longest prefix of a variable's name that is one; false when not even its first
// character fits. Everything behind is ignored, as the reference does (octostache.md section 5).
bool syntax_name(struct arena *a, str name, struct ast_symbol **out);

// `text` must live as long as the result. NULL with *error set when it does not parse.
MUST_USE bool syntax_parse(struct arena *a, str text, bool is_lenient, struct ast_cell **out, struct syntax_error *error);
