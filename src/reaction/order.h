// order.h - which runs of one reaction go one after the other: those with the same key, in the order of their events.
//
// Concurrency.OrderBy is a template over what the action sees. Nothing in it that is worth a secret is kept: a key with secret bytes, or
// a long one, is stored as its SHA-256.
#pragma once

#include "reaction/data.h"

#define ORDER_KEY_BYTES_MAX 200

// Empty: this run waits for no other. A template that cannot be rendered puts all such runs into one row, so that none
// overtakes another.
str order_key(const struct data_source *d, const struct store_event *event, const struct json *payload, const struct reaction_entry *r, struct arena *a);
// The same of Concurrency.Debounce.By: runs with the same key are the same thing said again. Empty: the reaction does not debounce.
str debounce_key(const struct data_source *d, const struct store_event *event, const struct json *payload, const struct reaction_entry *r, struct arena *a);
