// two_persons.h - actions on the instance that two people must want, where its settings say so (TwoPersons). Only src/web includes this.
//
// The first who asks is noted; somebody else who asks for the same within TWO_PERSONS_MS lets it happen. What was asked for is kept in the
// store; who asks again, asks alone. Two keys of one user are one person; admin.key is somebody of its own.
#pragma once

#include "web/api.h"

#define TWO_PERSONS_MS (60 * 60 * 1000LL)

// what: a permission's name, as in TwoPersons. False: answered, with 202 (noted), 409 (the same person) or 503.
// The caller does not hold change_lock.
bool two_persons_agree(struct api_call *c, const char *what);
// The same whatever the settings say; content: what exactly is asked for (other content is another question).
bool two_persons_agree_to(struct api_call *c, const char *what, str content);

// Those of the settings' document; never NULL.
const struct json *two_persons_of(const struct json *settings);
// A list as sent, in the permissions' own letters; errors are noted.
struct json *two_persons_read(struct api_call *c, struct decode *d, const char *name);
