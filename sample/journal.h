// journal.h - what the sample keeps on disk: one file, one JSON object a line.
//
// Appended with write(2) before an answer goes out: survives kill -9, not a power cut (these are
// sample data). A torn last line is ignored. Rewritten compactly at each start.
#pragma once

#include "json/json.h"

struct journal;

// Opens <dir>/journal.jsonl (made when absent) and gives each line found to load, in order.
// *is_new tells that there was nothing.
MUST_USE bool journal_open(const char *dir, bool (*load)(void *ctx, struct arena *a, const struct json *line, struct err *e), void *ctx, bool *is_new, struct journal **out, struct err *e);
void journal_close(struct journal *j);
void journal_append(struct journal *j, str line); // without its line end; j NULL: does nothing
// Replaces the content by what dump writes.
MUST_USE bool journal_rewrite(struct journal *j, void (*dump)(void *ctx, struct journal *j), void *ctx, struct err *e);
