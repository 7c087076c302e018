// packages.h - the packages in the feeds the sample serves, by feed name, id and version.
#pragma once

#include "sample/model.h"

// "acme" for a feed the sample serves itself, "" for another.
str packages_feed_name(const struct doc *feed);
// All versions of a package (case ignored), newest first; in the arena.
struct doc **packages_versions(struct arena *a, const struct model *m, str feed_name, str package_id, size_t *count);
struct doc *packages_find(const struct model *m, str feed_name, str package_id, str version);
// Every package id once, in order of its first version.
str *packages_ids(struct arena *a, const struct model *m, str feed_name, size_t *count);
// Adds or replaces a version. notes p == NULL: none.
struct doc *packages_publish(struct model *m, struct arena *a, str feed_name, str package_id, str version, str notes, str published);
