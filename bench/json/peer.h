// peer.h - jansson, in a file of its own: its names (json_equal, JSON_ARRAY, ...) are ours as well.
#pragma once

#include "base/str.h"

#define ROUNDS 7

struct figures {
    double parse_us, both_us; // of one document: parsed; parsed and written
};

const char *peer_name(void);
struct figures peer_measure(str text, size_t times);
