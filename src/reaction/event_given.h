// event_given.h - an event that somebody wrote down, for a dry run or a test: it need not have happened.
#pragma once

#include "reaction/registry.h"

// Three forms are understood: an event as the API shows it (it has a Source or a Request, or a Payload and
// nothing that an event has not); an Octopus event as Octopus's
// event log shows it (it has a Category), whose Id and Occurred may be left out; and, for an external reaction, anything else: the
// payload itself. What is missing is filled in from the reaction: its trigger, its space's connection, JSON as the type, a POST.
// Problems go into errors (paths begin with Event); the result lives in the errors' arena and points into doc.
bool event_given(const struct json *doc, const struct snapshot *s, const struct reaction_entry *r, int64_t now_ms, struct decode_errors *errors, struct store_event *out);
