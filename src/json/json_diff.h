// json_diff.h - what differs between two documents, for `apply --dry-run` and a revision's history.
//
// Equal is what json_equal() takes as equal: the order of members does not count, numbers compare by
// text. Objects are compared member by member. Of lists the equal elements at the beginning and at the
// end are left out, so that one put in between is one change and not many.
#pragma once

#include "json/json.h"

struct json_change {
    str path;               // "Filter.Environments[1]"; "" is the whole document. A removed element has its old index
    const struct json *old; // NULL: added
    const struct json *now; // NULL: removed
};

// Changed and removed members come in the old order, then the added in the new one. The array lives in
// the arena, its values in the documents. Either document may be NULL: nothing there.
struct json_change *json_diff(struct arena *a, const struct json *old, const struct json *now, size_t *count);

// One line a change: "+ path: new", "- path: old", "~ path: old -> new"; of text that has lines, those
// that differ, each with its sign.
void json_diff_write(struct buf *out, const struct json_change *changes, size_t count);
