// route.h - the paths of triggers: ASP.NET Core's route template language and its precedence.
//
// A template is literals and parameters: `hooks/{name}`, `{id:int}`, `{ext?}`, `{kind=push}`, `{*rest}`,
// `{file}.{ext?}`. A path belongs to the best template that fits it, best meaning, segment by segment from
// the left: a literal, then a constrained parameter or a complex segment, then a plain parameter, then a
// constrained catch-all, then a catch-all. Two best ones of equal rank are ambiguous, never a silent choice.
//
// The rules are those of ASP.NET Core 10: tests/routes/rows.jsonl holds what the real thing answers.
// docs/routes.md lists where we differ, and why.
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct route;

// Parses and checks a template. The route lives in the arena, is read-only and may be shared by threads.
// Errors (ERR_INVALID) say what is wrong and at which character, counted from 1.
MUST_USE bool route_parse(struct arena *a, str template, struct route **out, struct err *e);

// True where some path could fit both with equal precedence: the reason to refuse the second when it is
// saved. Exact for literals, shapes, lengths, numbers and the other constraints; two regular expressions
// that cannot be told apart by their fixed beginnings count as a conflict. Methods are not looked at.
// With `example` (may be NULL) a path both fit is given where one was found, else an empty text.
bool route_conflict(const struct route *x, const struct route *y, struct arena *a, str *example);

struct route_value {
    str name; // as the template spells it
    str value;
};

// In the order of the template. A parameter without value and default is left out.
struct route_values {
    struct route_value *items;
    size_t count;
};

// The name's case does not count; p == NULL where absent.
str route_value(const struct route_values *v, str name);

// The path of a request as routing sees it: as Kestrel does it, %XX is decoded where it makes
// well-formed UTF-8 (but %2F never, so that no segment can gain a slash), then "." and ".." segments go.
// ERR_INVALID (answer 400) for %00, for bytes over 0x7F, and where no slash stands first.
MUST_USE bool route_path(struct arena *a, str raw, str *out, struct err *e);
// "/triggers/x" under "triggers" is "/x"; "/triggers" is "". False where the path is not below that first segment.
bool route_path_under(str path, str first_segment, str *rest);

// An immutable set of routes, each with its owner. Build a new one and swap.
struct route_table;

struct route_entry {
    str template;
    void *owner; // not NULL
};

// Copies what it needs. On failure *bad (may be NULL) is the entry that does not parse.
MUST_USE bool route_table_new(const struct route_entry *entries, size_t count, struct route_table **out, size_t *bad, struct err *e);
void route_table_free(struct route_table *t);
void route_table_freep(struct route_table **t);

enum route_result { ROUTE_NONE, ROUTE_FOUND, ROUTE_AMBIGUOUS };

// Asked for each route that fits, best first; false passes it over (a disabled trigger, another method).
typedef bool route_accepts_fn(void *owner, void *ctx);

// `path` comes from route_path or route_path_under. accepts may be NULL (all are taken). Owner and values are set when
// one was found; on ROUTE_AMBIGUOUS *owner is one of them. Values point into the path, the table or the arena.
enum route_result route_table_match(const struct route_table *t, str path, route_accepts_fn *accepts, void *ctx, struct arena *a, void **owner,
                                    struct route_values *values);
