// directory.h - the documents that events speak of (projects, environments, machines, ...), fetched when asked for and
// kept for two minutes. Bounded; on the link's loop.
#pragma once

#include "octopus/link.h"
#include "sys/clock.h"

#define DIRECTORY_KEEP_MS 120000

struct directory;

struct directory_options {
    struct octopus_link *link; // outlives it
    struct loop *loop;
    const struct clock *clock;
    str space_id;
    void (*changed)(void *ctx); // what was waited for is answered: ask again
    void *ctx;
};
struct directory *directory_new(const struct directory_options *opt);
void directory_free(struct directory *d);

enum directory_state {
    DIRECTORY_HAS,
    DIRECTORY_GONE,    // it does not exist any more, or is of no kind we can ask for
    DIRECTORY_REFUSED, // the key may not see it
    DIRECTORY_WAITS,   // asked for; `changed` tells
};
// *doc lives until the caller returns to the loop; *is_failing: the last try failed, which may take long to pass.
enum directory_state directory_ask(struct directory *d, str id, const struct json **doc, bool *is_failing);

// What to ask for to learn which objects of a type ("Projects") are called so: a page of those that may be, or the one with that slug or
// id. A key of up to 8 letters and digits makes it a question of its own, which no earlier answer stands for; empty: none.
str directory_names_question(const char *type, str text, bool is_slug, str key, struct arena *a);
// "/api/Spaces-1/projects/Projects-21"; empty where the id is of no kind known, or has odd characters.
str directory_path(str space_id, str id, struct arena *a);
