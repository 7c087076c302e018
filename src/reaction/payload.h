// payload.h - what came in, as data: a stored event's body parsed by its kind, and the event as the contract shows it.
#pragma once

#include "reaction/registry.h"

// The kind a body is parsed as: by the trigger's ParseAs, else by the declared content type (JSON is
// application/json, text/json and every */*+json; form, XML and text by type; anything else is bytes).
const char *payload_kind(enum body_parse parse_as, str content_type, str body);

// Checks that a body is what its kind says; errors are the sender's to read (JSON: line and column).
MUST_USE bool payload_check(const char *kind, str body, struct arena *a, struct err *e);

// For senders that put JSON into a form's field: *kind becomes "field:<name>", which payload_json understands.
MUST_USE bool payload_use_field(str field, str body, struct arena *a, str *kind, struct err *e);

// The kind a script sees: "field:..." is "json".
str payload_shown_kind(str kind);

// The payload as a JSON value: JSON as parsed, a form as an object of text (or lists of text), XML and text as a string,
// bytes as base64, nothing as null.
struct json *payload_json(const struct store_event *v, struct arena *a);

// A query string or form as an object: text, or a list of text where a name came more than once.
struct json *query_json(str query, struct arena *a);

// The contract's Event object.
struct json *event_json(const struct store_event *v, const struct snapshot *s, bool with_payload, struct arena *a);
