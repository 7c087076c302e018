// anchor.h - the head of the audit's chain, kept in a file outside the database.
//
// The chain by itself shows an edited, dropped or moved row; that its newest rows were cut off it cannot show. Whoever
// knows what stood at its head can: one line in a file beside the database, "ROW HASH TIME", and whatever copy of it an
// administrator keeps on another machine.
#pragma once

#include "store/store.h"

struct anchor {
    int64_t row;
    str hash; // hex
    str time; // when it was written
};

// False: there is no such file, or it does not hold an anchor (ERR_INVALID).
MUST_USE bool anchor_read(const char *path, struct arena *a, struct anchor *out, struct err *e);
// "ROW:HASH" or "ROW HASH TIME".
bool anchor_parse(str text, struct arena *a, struct anchor *out);

// *why is empty where the row of the anchor is there with that hash; else it says what is wrong.
MUST_USE bool anchor_check(struct store *s, const struct anchor *anchor, struct arena *a, str *why, struct err *e);

// Writes the present head unless it is *last_row already, which it then becomes. An empty audit writes none.
MUST_USE bool anchor_write(struct store *s, const char *path, int64_t now_ms, int64_t *last_row, struct err *e);

// Before the first anchor_write of a server: an anchor that does not fit is kept as PATH.broken (the first such one stays),
// so that writing new ones does not cover it up. *why as in anchor_check.
MUST_USE bool anchor_begin(struct store *s, const char *path, struct arena *a, str *why, struct err *e);

// The whole walk: the chain, then the anchors of that path (and its .broken), then `known` (may be NULL).
struct anchor_verdict {
    int64_t rows, bad_row;  // bad_row 0: the chain itself is whole
    str head;               // hash of the last row
    str why;                // empty: intact
    bool has_anchor;
    struct anchor anchor;
};
MUST_USE bool anchor_verify(struct store *s, const char *path, const struct anchor *known, struct arena *a, struct anchor_verdict *out, struct err *e);
