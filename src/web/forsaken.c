#include "web/forsaken.h"

#include "web/callers.h"
#include "web/write_up.h"

#include <stdio.h>

#define TOLD_ID 5 // of the settings: 1 is what people set, 2 the keys, 3 the set-up link, 4 what two people must want

struct people_list {
    struct caller *items;
    size_t count, cap;
};

static bool read_people(struct web *w, struct arena *a, struct people_list *out)
{
    struct store_page page = { .take = 1000 };
    struct store_objects found;
    struct err e = { 0 };
    do {
        if (!store_list(w->opt.store, KIND_USER, 0, 0, page, a, &found, &e))
            return false;
        for (size_t i = 0; i < found.count; i++) {
            struct caller who;
            page.before_id = found.items[i].id;
            if (!caller_of_user(w, found.items[i].id, a, &who))
                continue;
            xgrow(&out->items, &out->cap, out->count + 1, sizeof *out->items);
            out->items[out->count++] = who;
        }
    } while (found.has_more);
    return true;
}

// Somebody whom only Octopus knows may be able to: who they are is not known here.
static bool is_granted_to_octopus(const struct identity_entry *identity)
{
    json_each(item, json_get(identity->doc, STR("GrantedTo")))
        if (str_starts_nocase(json_str(item, STR("")), STR("octopus/")))
            return true;
    return false;
}

static bool anybody_may(const struct people_list *people, const struct snapshot *s, const struct reaction_entry *r, struct arena *a)
{
    for (size_t i = 0; i < people->count; i++)
        if (write_up_may_use_identity(&people->items[i], s, r->def, r->space_id, a))
            return true;
    return false;
}

// Identities that enabled reactions act as, and for one of these reactions nobody may.
static struct json *find(const struct snapshot *s, const struct people_list *people, struct arena *a)
{
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    struct json *list = json_new_array(a);
    bool *is_told = ARENA_ARRAY(a, bool, s->identity_count);
    for (size_t i = 0; i < s->reaction_count; i++) {
        const struct reaction_entry *r = &s->reactions[i];
        const struct identity_entry *identity = r->is_enabled && r->def->identity.n ? snapshot_find_identity(s, r->space_id, r->def->identity) : NULL;
        arena_reset(&scratch);
        if (!identity || is_told[identity - s->identities] || is_granted_to_octopus(identity) || anybody_may(people, s, r, &scratch))
            continue;
        is_told[identity - s->identities] = true;
        struct json *one = json_push(list, json_new_object(a));
        json_add_str(a, one, "Identity", store_id_text(a, KIND_IDENTITY, identity->id));
        json_add_str(a, one, "Name", identity->name);
        json_add_str(a, one, "SpaceId", store_id_text(a, KIND_SPACE, identity->space_id));
        json_add_str(a, one, "Reaction", r->def->name);
    }
    return list;
}

static bool has(const struct json *list, const struct json *one)
{
    json_each(item, list)
        if (json_equal(json_get(item, STR("Identity")), json_get(one, STR("Identity"))))
            return true;
    return false;
}

static void tell(struct web *w, const struct store_object *o, const struct json *before, const struct json *now, struct arena *a)
{
    struct json *doc = json_new_object(a);
    struct err e = { 0 };
    size_t count = 0;
    struct store_audit *rows = ARENA_ARRAY(a, struct store_audit, now->count);
    bool is_same = now->count == (before ? before->count : 0);
    json_each(one, now)
        if (!has(before, one)) {
            int64_t space_id = 0;
            if (!store_id_parse(json_get(one, STR("SpaceId"))->text, KIND_SPACE, &space_id))
                continue;
            rows[count++] = (struct store_audit){ space_id, STR("server"), STR("identity.forsaken"), json_get(one, STR("Identity"))->text, json_text(a, one) };
        }
    if (is_same && !count)
        return;
    json_add(doc, STR("Forsaken"), json_copy(a, now));
    struct store_put put = { .object = { .kind = KIND_SETTING, .id = TOLD_ID, .doc = json_text(a, doc) }, .expected_version = o ? o->version : STORE_MUST_BE_NEW };
    if (!store_change(w->opt.store, &put, 1, rows, count, &e))
        return; // the next round tries again
    json_each(one, now)
        if (!has(before, one))
            fprintf(stderr, "nobody may use the identity \"%.*s\" any more, which the reaction \"%.*s\" acts as: it goes on, but nobody can change it\n", STR_ARG(json_get(one, STR("Name"))->text), STR_ARG(json_get(one, STR("Reaction"))->text));
}

void forsaken_tell(struct web *w)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct people_list people = { 0 };
    struct store_object *o = NULL;
    struct json *doc = NULL;
    struct err e = { 0 };
    // Where there are no users of ours, admin.key or Octopus's people do all: nobody was taken a right.
    if (read_people(w, &a, &people) && people.count && store_get(w->opt.store, KIND_SETTING, 0, TOLD_ID, &a, &o, &e)) {
        const struct snapshot *s = registry_take(w->opt.registry);
        if (o && !json_parse(&a, o->doc, &doc, NULL))
            doc = NULL;
        tell(w, o, json_get(doc, STR("Forsaken")), find(s, &people, &a), &a);
        registry_give(w->opt.registry, s);
    }
    free(people.items);
}
