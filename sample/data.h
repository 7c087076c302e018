// data.h - the sample's own data, compiled in: the seed documents, the defaults of each kind, and
// the events of data/events.jsonl.
#pragma once

#include "sample/sample.h"

extern const unsigned char data_seed_json[], data_defaults_json[], data_events_jsonl[];
extern const size_t data_seed_json_bytes, data_defaults_json_bytes, data_events_jsonl_bytes;

// Members a document of that kind gets where its creator names none; NULL where there are none.
const struct json *data_defaults(const char *prefix);
// Fills an empty sample. False (and e) would be a mistake in our own data.
MUST_USE bool data_load(struct sample *s, struct err *e);
// Gives the keys that derive from --api-key their secrets: KEY, KEY-READER, ...
void data_derive_keys(struct sample *s);
