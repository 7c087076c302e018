// request_body.h - a rendered body is what its type says, and the event's bytes in it are only data.
//
// JSON must parse. What the event gave is part of one string, or is whole values in the place of one: it ends no string, adds no member
// and closes nothing. In a form it holds no separator, in XML it opens no tag and ends no attribute. Other kinds are not looked at.
#pragma once

#include "template/template.h"

// kind: payload_kind's. The error says which filter to use; it shows none of the body.
MUST_USE bool request_body_check(const char *kind, const struct template_result *body, struct arena *a, struct err *e);
