// receiver_try.h - for the receivers' tests: requests are sent to a sample over a real socket.
#pragma once

#include "sample/receivers.h"
#include "tests/harness/check.h"

struct receiver_row {
    const char *claim, *request; // "POST /v2/x?a=b", below /receivers/<name>
    const char *headers;         // "Api-Key: k\nContent-Type: application/json"; NULL: none
    const char *body;
    int status;
    const char *says; // stands in the answer
};

// Sends the rows one after the other; each must be answered and be kept as it came, with its status.
void receiver_try(const char *receiver, const struct receiver_row *rows, size_t count);
// The same, after it was told to misbehave.
void receiver_try_misbehaving(const char *receiver, const struct misbehaviour *how, const struct receiver_row *rows, size_t count);
