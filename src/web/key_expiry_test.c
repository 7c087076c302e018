#include "tests/web/scene.h"

#include "base/timetext.h"
#include "web/key_expiry.h"

#define DAY_MS 86400000LL

TEST(a_key_is_told_of_twice)
{
    static const struct { const char *claim; int64_t left_ms; int warned, want; } rows[] = {
        { "long before", 21 * DAY_MS, 0, 0 },
        { "a moment more than twenty days", 20 * DAY_MS + 1, 0, 0 },
        { "twenty days", 20 * DAY_MS, 0, 20 },
        { "told of once", 20 * DAY_MS, 20, 0 },
        { "a moment more than ten", 10 * DAY_MS + 1, 20, 0 },
        { "ten days", 10 * DAY_MS, 20, 10 },
        { "ten days, and the first was missed", 10 * DAY_MS, 0, 10 },
        { "told of twice", 10 * DAY_MS, 10, 0 },
        { "the last millisecond", 1, 10, 0 },
        { "its end", 0, 0, 0 },
        { "past its end", -1, 20, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, key_expiry_due(1700000000000 + rows[i].left_ms, 1700000000000, rows[i].warned), rows[i].want);
}

static void put_key(struct scene *s, enum store_kind kind, int64_t id, int64_t life_days, const char *more)
{
    str created = timetext(&s->a, s->clock.wall), expires = timetext(&s->a, s->clock.wall + life_days * DAY_MS);
    scene_put(s, kind, id, kind == KIND_TRIGGER_KEY ? 1 : 0, 7, arena_printf(&s->a, "k%d", (int)id), arena_printf(&s->a, "{\"Label\":\"sender\",\"Created\":\"%.*s\",\"Expires\":\"%.*s\"%s}", STR_ARG(created), STR_ARG(expires), more));
}

static int rows_of(struct scene *s, const char *subject)
{
    struct store_audit_rows rows;
    int count = 0;
    REQUIRE("the audit", store_audit_list(s->web.opt.store, 0, (struct store_page){ .take = 1000 }, &s->a, &rows, &s->e));
    for (size_t i = 0; i < rows.count; i++)
        count += str_eq(rows.items[i].action, STR("key.expires")) && str_eq(rows.items[i].subject, str_from(subject));
    return count;
}

TEST(what_was_told_is_kept)
{
    struct scene s;
    struct store_object *o;
    scene_begin(&s);
    put_key(&s, KIND_TRIGGER_KEY, 1, 365, "");
    put_key(&s, KIND_TRIGGER_KEY, 2, 365, ",\"IsRevoked\":true");
    put_key(&s, KIND_TRIGGER_KEY, 3, 7, "");
    put_key(&s, KIND_API_KEY, 4, 100, "");
    scene_put(&s, KIND_TRIGGER_KEY, 5, 1, 7, STR("never"), STR("{\"Label\":\"never\",\"Expires\":null}"));
    key_expiry_warn(&s.web);
    CHECK("nothing is due, and a short life is no surprise", !rows_of(&s, "TriggerKeys-1") && !rows_of(&s, "TriggerKeys-3") && !rows_of(&s, "ApiKeys-4"));
    clock_fake_advance(&s.clock, 80 * DAY_MS);
    for (int i = 0; i < 3; i++)
        key_expiry_warn(&s.web);
    CHECK_INT("an API key, once", rows_of(&s, "ApiKeys-4"), 1);
    clock_fake_advance(&s.clock, 265 * DAY_MS);
    for (int i = 0; i < 3; i++)
        key_expiry_warn(&s.web);
    CHECK_INT("a trigger key twenty days before", rows_of(&s, "TriggerKeys-1"), 1);
    clock_fake_advance(&s.clock, 10 * DAY_MS);
    for (int i = 0; i < 3; i++)
        key_expiry_warn(&s.web);
    CHECK_INT("and ten", rows_of(&s, "TriggerKeys-1"), 2);
    clock_fake_advance(&s.clock, 10 * DAY_MS);
    key_expiry_warn(&s.web);
    CHECK_INT("what has ended is told of no more", rows_of(&s, "TriggerKeys-1"), 2);
    CHECK("nor what was revoked or never ends", !rows_of(&s, "TriggerKeys-2") && !rows_of(&s, "TriggerKeys-5"));
    REQUIRE("the key", store_get(s.web.opt.store, KIND_TRIGGER_KEY, 0, 1, &s.a, &o, &s.e) && o);
    CHECK("keeps what it was", str_find(o->doc, STR("\"Label\":\"sender\"")) >= 0);
    const struct store_audit_row *row = scene_audit(&s, "key.expires");
    CHECK("the row says whose", row && str_find(row->doc, STR("\"Of\":\"Triggers-7\"")) >= 0 && row->space_id == 1);
    scene_end(&s);
}

TEST_MAIN()
