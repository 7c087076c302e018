#include "reaction/order.h"

#include "base/encode.h"

#include <sodium.h>

#define NOT_RENDERED "(OrderBy could not be rendered)"

static str hashed(struct arena *a, str text)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)text.p, text.n);
    return arena_concat(a, STR("sha256:"), hex_encode(a, (str){ (const char *)hash, sizeof hash }));
}

str order_key(const struct data_source *d, const struct store_event *event, const struct json *payload, const struct reaction_entry *r, struct arena *a)
{
    const struct reaction *def = r->def;
    struct template *t;
    struct template_error bad;
    struct template_result result;
    struct err e = { 0 };
    if (!def->has_order_by || !def->order_by.n)
        return STR("");
    struct vars *v = data_of_event(d, event, payload, a);
    if (!data_add_variables(d, def, r->id, r->space_id, v, NULL, a, &e) || !template_parse(a, def->order_by, &t, &bad) || template_render(t, v, d->clock, a, &result) == TEMPLATE_EXCEPTION)
        return STR(NOT_RENDERED);
    bool is_secret = false;
    for (size_t i = 0; i < result.range_count; i++)
        is_secret = is_secret || (result.ranges[i].from & TEMPLATE_FROM_SECRET);
    str key = str_trim(result.output);
    return key.n > ORDER_KEY_BYTES_MAX || (is_secret && key.n) || !str_is_utf8(key) ? hashed(a, key) : key;
}
