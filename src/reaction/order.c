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

static str render(const struct data_source *d, const struct store_event *event, const struct json *payload, const struct reaction_entry *r, str text, const char *otherwise, struct arena *a)
{
    const struct reaction *def = r->def;
    struct template *t;
    struct template_error bad;
    struct template_result result;
    struct err e = { 0 };
    struct vars *v = data_of_event(d, event, payload, a);
    if (!data_add_variables(d, def, r->id, r->space_id, v, NULL, a, &e) || !template_parse(a, text, &t, &bad) || template_render(t, v, d->clock, a, &result) == TEMPLATE_EXCEPTION)
        return str_from(otherwise);
    bool is_secret = false;
    for (size_t i = 0; i < result.range_count; i++)
        is_secret = is_secret || (result.ranges[i].from & TEMPLATE_FROM_SECRET);
    str key = str_trim(result.output);
    return key.n > ORDER_KEY_BYTES_MAX || (is_secret && key.n) || !str_is_utf8(key) ? hashed(a, key) : key;
}

str order_key(const struct data_source *d, const struct store_event *event, const struct json *payload, const struct reaction_entry *r, struct arena *a)
{
    if (!r->def->has_order_by || !r->def->order_by.n)
        return STR("");
    return render(d, event, payload, r, r->def->order_by, NOT_RENDERED, a);
}

str debounce_key(const struct data_source *d, const struct store_event *event, const struct json *payload, const struct reaction_entry *r, struct arena *a)
{
    if (!r->def->debounce_seconds)
        return STR("");
    // A key that cannot be rendered must not swallow others: such an event stands for itself.
    str own = store_id_text(a, KIND_EVENT, event->id);
    str key = r->def->debounce_by.n ? render(d, event, payload, r, r->def->debounce_by, own.p, a) : STR("");
    return arena_concat(a, STR("="), key);
}
