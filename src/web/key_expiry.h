// key_expiry.h - keys that end soon are told of 20 and 10 days before, as Octopus does for its own: in the audit and on standard error.
// Only src/web includes this.
#pragma once

#include "web/api.h"

// Which warning is due of a key that ends then: 20, 10, or 0: none. warned: the last one that was given (0: none yet). Pure.
int key_expiry_due(int64_t expires_ms, int64_t now_ms, int warned);

void key_expiry_warn(struct web *w); // trigger keys and people's API keys; on a thread that may wait
