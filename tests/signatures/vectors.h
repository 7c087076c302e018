// vectors.h - files of signature vectors (vectors.json is one), judged with the product's own code.
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct vector_verdict {
    str name;
    bool is_right;        // accepted or rejected as the file says
    bool reason_is_right; // and for the reason it gives, where it gives one
    str got, want;        // "accept", "reject: timestamp"
    str detail;
};

// Calls each(...) for every vector in the file's order. Strings live in the arena only for the call.
bool vectors_judge(str file, void (*each)(const struct vector_verdict *v, void *ctx), void *ctx, struct err *e);
