// call.h - one request to the sample: what was asked, by whom, and the ways to answer.
//
// A call lives in its request's arena. Every handler leads to exactly one answer.
#pragma once

#include "sample/access.h"
#include "sample/sample.h"

#define CALL_SEGMENTS_MAX 16
#define CALL_ARGS_MAX 4
#define CALL_TAKE_DEFAULT 30

struct query_item {
    str name, value;
};

enum fate { FATE_ANSWERED, FATE_CUT, FATE_5XX }; // what becomes of the answer, whatever was done

struct call {
    struct sample *sample;
    struct http_request *http;
    struct arena *a;
    str method;              // after the override
    str path;                // as asked, decoded segments below
    str segments[CALL_SEGMENTS_MAX];
    size_t segment_count;
    str args[CALL_ARGS_MAX]; // what the route's {..} stood for
    struct query_item *query;
    size_t query_count;
    str space;               // "Spaces-1": the space of the route; the default space where it names none
    bool names_space;
    const struct doc *user;  // NULL: no valid key
    struct actor actor;
    const struct json *body; // NULL: none
    enum fate fate;
};

// Fills method, segments and query. False (answered) for a path or query that is broken.
bool call_begin(struct call *c, struct sample *s, struct http_request *r);
// Parses the body. False (answered 400) where it is no JSON; an absent body is fine.
bool call_read_body(struct call *c);
// Looks the key up; c->user stays NULL without a valid one.
void call_identify(struct call *c);

str call_query(const struct call *c, const char *name); // "" where absent; case ignored
bool call_has_query(const struct call *c, const char *name);
bool call_query_bool(const struct call *c, const char *name, bool otherwise);
int64_t call_query_i64(const struct call *c, const char *name, int64_t otherwise);
void call_query_list(const struct call *c, const char *name, struct id_list *list); // comma-joined and repeated

// A member of the body, its name compared without case.
const struct json *call_field(const struct call *c, const char *name);
str call_str(const struct call *c, const char *name);
bool call_bool(const struct call *c, const char *name, bool otherwise);
bool call_i64(const struct call *c, const char *name, int64_t *out);

void call_answer(struct call *c, int status, const struct json *j);
void call_answer_text(struct call *c, int status, const char *content_type, str body);
void call_answer_with(struct call *c, int status, const struct http_header *headers, size_t header_count, str body);
// {"ErrorMessage", "Errors", ...}.
void call_error(struct call *c, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
// 400 with "There was a problem with your request." and what it was, as Octopus words validation.
void call_invalid(struct call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void call_invalid_list(struct call *c, struct json *errors);
void call_not_found(struct call *c, const char *what, str id);

// Answers 401 or 403 and returns false unless the caller may.
bool call_may(struct call *c, const char *permission, const struct scope *scope);
bool call_admin(struct call *c);

// A collection's envelope (octopus-api.md 3.2) around the items from skip on; path without its query.
struct json *call_envelope(struct call *c, const char *item_type, struct json *items, size_t total, int64_t skip, int64_t take);
