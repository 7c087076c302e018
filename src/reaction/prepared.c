#include "reaction/prepared.h"

#include "base/map.h"

struct kept {
    struct prepared prepared; // first: its address is the kept one's
    struct arena arena;
    int64_t revision_id;
    int users;
    bool has_secrets; // or cannot be read: only that is remembered
};

struct prepared_set {
    struct map by_revision;
};

static str key_of(const int64_t *id)
{
    return (str){ (const char *)id, sizeof *id };
}

static void kept_free(struct kept *k)
{
    request_templates_fini(&k->prepared.templates);
    arena_fini(&k->arena);
    free(k);
}

struct prepared_set *prepared_set_new(void)
{
    return xcalloc(1, sizeof(struct prepared_set));
}

static void drop_unused(struct prepared_set *s)
{
    size_t at = 0;
    str key;
    void *value;
    while (map_next(&s->by_revision, &at, &key, &value)) {
        struct kept *k = value;
        if (k->users)
            continue;
        map_remove(&s->by_revision, key);
        kept_free(k);
    }
}

void prepared_set_free(struct prepared_set *s)
{
    if (!s)
        return;
    drop_unused(s); // a stop that did not wait for its runs leaves theirs
    map_fini(&s->by_revision);
    free(s);
}

static bool read_definition(struct kept *k, const struct reaction_entry *r)
{
    struct arena *a = &k->arena;
    struct decode_errors errors = { .arena = a };
    struct json *doc;
    // As sealed.c writes it. In a text of the definition the quotes would be escaped.
    if (str_find(r->doc, STR("\"Sealed\"")) >= 0)
        return false;
    // A copy: what is parsed points into its text, and the registry's goes with the next change of the configuration.
    if (!json_parse(a, arena_str(a, r->doc), &doc, NULL))
        return false;
    k->prepared.def = reaction_decode(a, json_get(doc, STR("Definition")), &errors);
    if (!k->prepared.def)
        return false;
    k->prepared.needs = octopus_needs(k->prepared.def);
    k->prepared.names = octopus_names(k->prepared.def, a);
    return true;
}

struct prepared *prepared_take(struct prepared_set *s, const struct reaction_entry *r)
{
    struct kept *k = map_get(&s->by_revision, key_of(&r->revision_id));
    if (!k) {
        if (s->by_revision.count >= PREPARED_MAX)
            drop_unused(s);
        k = xcalloc(1, sizeof *k);
        k->revision_id = r->revision_id;
        k->has_secrets = !read_definition(k, r);
        if (k->has_secrets)
            arena_fini(&k->arena);
        map_put(&s->by_revision, key_of(&k->revision_id), k);
    }
    if (k->has_secrets)
        return NULL;
    k->users++;
    return &k->prepared;
}

void prepared_give(struct prepared_set *s UNUSED, struct prepared *p)
{
    struct kept *k = (struct kept *)p;
    if (!k)
        return;
    assert(k->users > 0);
    k->users--;
}
