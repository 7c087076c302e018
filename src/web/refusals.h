// refusals.h - what each trigger refused lately, and why: the sender only ever hears 401, but who may edit the trigger has to find out.
//
// In memory and bounded (REFUSALS_KEPT for each of REFUSALS_TRIGGERS triggers; the one that refused nothing for longest is forgotten):
// a flood of bad requests costs no commit. Any thread.
#pragma once

#include "base/str.h"
#include "http/address.h"

#define REFUSALS_KEPT 10
#define REFUSALS_TRIGGERS 256

struct refusals;

struct refusal {
    int64_t at_ms;
    char address[IP_TEXT_BYTES + 1];
    char reason[16];  // "key" "source" "missing" "malformed" "signature" "timestamp" "certificate" "handshake" "replay"
    char detail[160]; // "timestamp 412 s old"; may be empty
};

struct refusals *refusals_new(void);
void refusals_free(struct refusals *r);
// Texts are cut to what is kept.
void refusals_note(struct refusals *r, int64_t trigger_id, int64_t at_ms, str address, str reason, str detail);
// Newest first. *total: all since the start, or since it was forgotten.
size_t refusals_list(struct refusals *r, int64_t trigger_id, struct refusal out[static REFUSALS_KEPT], int64_t *total);
