// mask_form.h - the dresses in which a secret value may come out of a program. Only mask.c includes this.
#pragma once

#include "base/arena.h"

// Values up to this size are looked for in every form; of longer ones (keys and certificates) the bulkier forms are left
// out, so that a run need not build megabytes of them: what remains is the text itself, JSON, and base64 of its bytes.
#define MASK_ALL_FORMS_BYTES 1024

// Calls add with each form of the value: as it is; base64 (both alphabets, three alignments), hex (either case, with
// dashes), URL (either case, and as a form), JSON (three customs of escaping), XML (two); and UTF-16 in either byte order,
// with its base64 and hex. The forms live in the arena. Repeated ones may come.
void mask_forms(str value, struct arena *a, void (*add)(void *ctx, str form), void *ctx);
