// map.h - text to pointer, in hash order of a secret key (an outsider cannot pile up collisions).
//
// A zeroed map is an empty one. Keys are copied; values are the caller's.
#pragma once

#include "base/str.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t cap, count, used; // used counts deleted slots too
    bool is_nocase;          // set before the first entry: ASCII case does not count
};

void map_fini(struct map *m);
void *map_get(const struct map *m, str key);                      // NULL: not there
void *map_put(struct map *m, str key, void *value);               // the old value or NULL; value must not be NULL
void *map_remove(struct map *m, str key);                         // the old value or NULL
// Walks all entries; *at starts at 0. Do not change the map meanwhile (removing the entry just given is fine).
bool map_next(const struct map *m, size_t *at, str *key, void **value);

// SipHash-1-3 under a key drawn at process start.
uint64_t map_hash(str s);
uint64_t map_hash_nocase(str s);
