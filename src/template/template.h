// template.h - the template language of Octopus: parsed once, rendered often.
//
// The language is Octostache's, described for users in docs/templates.md. A parsed template never
// changes: any number of threads may render it at the same time, each in an arena of its own.
// Rendering opens no file, asks no network and has hard limits (LIMIT_TEMPLATE_*).
//
// Two things differ from the original, both wanted. Event and secret bytes are data: they are marked in
// the result, and a text to which they contributed is never parsed as a template again. And values
// bound as parsed data keep their text: 1.10 stays 1.10, a timestamp stays as it was sent.
#pragma once

#include "sys/clock.h"
#include "template/vars.h"

struct template;

struct template_error {
    size_t offset;         // bytes from the start
    uint32_t line, column; // from 1, in characters
    char text[200];        // "line 3, column 7: expected '}'"
};

// Copies the text into the arena. False with *e set when one token does not parse: the reference would
// then leave the whole text as it is.
MUST_USE bool template_parse(struct arena *a, str text, struct template **out, struct template_error *e);

// haltOnError = false: what does not parse is text. Fails only over a limit.
MUST_USE bool template_parse_lenient(struct arena *a, str text, struct template **out, struct template_error *e);

str template_text(const struct template *t); // as it was parsed
bool template_has_tokens(const struct template *t);

enum template_outcome {
    TEMPLATE_FINE,
    TEMPLATE_MISSING,   // some tokens are undefined; they stand in the output as they are
    TEMPLATE_EXCEPTION, // no output: a variable that refers to itself, an invalid pattern, a limit, ...
};

enum { TEMPLATE_FROM_EVENT = 1, TEMPLATE_FROM_SECRET = 2 };

struct template_range {
    uint32_t begin, end; // bytes of the output: [begin, end)
    uint32_t from;       // TEMPLATE_FROM_...
};

struct template_undefined {
    str token;  // "#{Nope | ToUpper}", or the expression of a condition
    str reason; // where it is known: "it is sensitive"
};

struct template_result {
    enum template_outcome outcome;
    str output;
    bool is_null;  // a null filter fired: there is no output, whatever the rest says
    str error;     // MISSING and EXCEPTION: a sentence
    size_t range_count, undefined_count;
    const struct template_range *ranges;         // in order; all other bytes are the template author's
    const struct template_undefined *undefined; // in order of first appearance
};

// The result lives in the arena. `clock` is for NowDate.
enum template_outcome template_render(const struct template *t, const struct vars *v, const struct clock *clock, struct arena *a, struct template_result *out);

// A reaction's Condition: the rendered text, trimmed, is truthy. An undefined token makes it false.
enum template_verdict { TEMPLATE_FALSE, TEMPLATE_TRUE, TEMPLATE_NOT_DECIDED };
enum template_verdict template_truthy(const struct template_result *r); // NOT_DECIDED: an exception

// The symbols it refers to, each once, as they are written ("Octopus.Action[*].Name"), without the variables of
// loops around them. Values that are templates may refer to more.
str *template_references(const struct template *t, struct arena *a, size_t *count);

// For an editor: what stands where. Works on texts that do not parse, too: those parts are TEXT.
enum template_token_kind { TEMPLATE_TOKEN_TAG, TEMPLATE_TOKEN_VARIABLE, TEMPLATE_TOKEN_FILTER, TEMPLATE_TOKEN_OPTION };
struct template_token {
    enum template_token_kind kind;
    uint32_t begin, end; // bytes; a tag encloses the others
};
struct template_token *template_tokens(struct arena *a, str text, size_t *count);

// The names of all filters, for completion; NULL behind the last.
const char *template_filter_name(size_t index);
