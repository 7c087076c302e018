#include "web/key_expiry.h"

#include "base/timetext.h"

#include <stdio.h>

#define DAY_MS 86400000LL
#define FIRST_DAYS 20
#define LAST_DAYS 10

int key_expiry_due(int64_t expires_ms, int64_t now_ms, int warned)
{
    int64_t left = expires_ms - now_ms;
    if (left <= 0)
        return 0;
    if (left <= LAST_DAYS * DAY_MS)
        return warned == LAST_DAYS ? 0 : LAST_DAYS;
    return left <= FIRST_DAYS * DAY_MS && !warned ? FIRST_DAYS : 0;
}

// Said once: that it was said is kept in the key's document, with the row of the audit.
static void warn_of(struct web *w, const struct store_object *o, struct arena *a)
{
    struct json *doc;
    struct err e = { 0 };
    int64_t expires, warned = 0, now = clock_wall_ms(w->opt.clock);
    if (!json_parse(a, o->doc, &doc, NULL) || json_bool(json_get(doc, STR("IsRevoked")), false) || !timetext_parse(json_str(json_get(doc, STR("Expires")), STR("")), &expires))
        return;
    json_i64(json_get(doc, STR("Warned")), &warned);
    int due = key_expiry_due(expires, now, (int)warned);
    if (!due)
        return;
    // Made for a shorter time than that: whoever made it knows.
    int64_t created = 0;
    bool is_short = timetext_parse(json_str(json_get(doc, STR("Created")), STR("")), &created) && expires - created <= due * DAY_MS;
    str id = store_id_text(a, o->kind, o->id), parent = store_id_text(a, o->kind == KIND_TRIGGER_KEY ? KIND_TRIGGER : KIND_USER, o->parent_id), label = json_str(json_get(doc, STR("Label")), STR(""));
    json_put(doc, STR("Warned"), json_new_i64(a, due));
    struct store_put put = { .object = *o, .expected_version = o->version };
    put.object.doc = json_text(a, doc);
    struct json *particulars = json_new_object(a);
    json_add_str(a, particulars, "Of", parent);
    json_add_str(a, particulars, "Label", label);
    json_add_time(a, particulars, "Expires", expires);
    struct store_audit row = { o->space_id, STR("server"), STR("key.expires"), id, json_text(a, particulars) };
    if (is_short || !store_change(w->opt.store, &put, 1, &row, 1, &e))
        return; // changed meanwhile: the next round looks again
    fprintf(stderr, "%.*s of %.*s ends in less than %d days: make another and exchange it\n", STR_ARG(id), STR_ARG(parent), due);
}

static void warn_of_kind(struct web *w, enum store_kind kind)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_page page = { .take = 1000 };
    struct store_objects found;
    struct err e = { 0 };
    do {
        arena_reset(&a);
        if (!store_list(w->opt.store, kind, 0, 0, page, &a, &found, &e))
            return; // the next round tries again
        for (size_t i = 0; i < found.count; i++) {
            page.before_id = found.items[i].id;
            warn_of(w, &found.items[i], &a);
        }
    } while (found.has_more);
}

void key_expiry_warn(struct web *w)
{
    warn_of_kind(w, KIND_TRIGGER_KEY);
    warn_of_kind(w, KIND_API_KEY);
}
