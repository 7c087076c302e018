#include "sample/model.h"

#include "base/map.h"

struct list {
    struct doc **items;
    size_t count, cap;
    int64_t last_number;
};

struct model {
    struct map by_id;
    struct list lists[KIND_COUNT];
    struct journal *journal;
};

struct model *model_new(void)
{
    struct model *m = xcalloc(1, sizeof *m);

    m->by_id.is_nocase = true;
    return m;
}

static void doc_free(struct doc *d)
{
    arena_fini(&d->arena);
    free(d);
}

void model_free(struct model *m)
{
    if (!m)
        return;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        for (size_t i = 0; i < m->lists[k].count; i++)
            doc_free(m->lists[k].items[i]);
        free(m->lists[k].items);
    }
    map_fini(&m->by_id);
    free(m);
}

void model_set_journal(struct model *m, struct journal *j)
{
    m->journal = j;
}

struct doc *model_get(const struct model *m, str id)
{
    return id.n ? map_get(&m->by_id, id) : NULL;
}

struct doc *model_get_kind(const struct model *m, enum kind_id kind, str id)
{
    struct doc *d = model_get(m, id);

    return d && d->kind == &kinds[kind] ? d : NULL;
}

size_t model_count(const struct model *m, enum kind_id kind)
{
    return m->lists[kind].count;
}

struct doc *model_at(const struct model *m, enum kind_id kind, size_t index)
{
    return m->lists[kind].items[index];
}

str model_new_id(struct model *m, struct arena *a, enum kind_id kind)
{
    return arena_printf(a, "%s-%" PRId64, kinds[kind].prefix, ++m->lists[kind].last_number);
}

static int64_t number_of(str id)
{
    ptrdiff_t dash = str_find_last_char(id, '-');
    int64_t n;

    return dash > 0 && str_to_i64(str_skip(id, (size_t)dash + 1), &n) && n > 0 ? n : 0;
}

static str put_line(struct arena *a, const struct kind *kind, const struct json *json)
{
    return arena_printf(a, "{\"Put\":\"%s\",\"Doc\":%.*s}", kind->prefix, STR_ARG(json_text(a, json)));
}

struct doc *model_put(struct model *m, enum kind_id kind, const struct json *json)
{
    str id = json_str(json_get(json, STR("Id")), STR(""));
    struct list *list = &m->lists[kind];
    struct doc *d = model_get_kind(m, kind, id);
    struct arena old = { 0 };

    assert(id.n > 0);
    if (!d) {
        d = xcalloc(1, sizeof *d);
        d->kind = &kinds[kind];
        xgrow(&list->items, &list->cap, list->count + 1, sizeof *list->items);
        list->items[list->count++] = d;
    } else {
        old = d->arena;
        d->arena = (struct arena){ 0 };
    }
    d->json = json_copy(&d->arena, json);
    d->id = json_str(json_get(d->json, STR("Id")), STR(""));
    d->number = number_of(d->id);
    list->last_number = MAX(list->last_number, d->number);
    map_put(&m->by_id, d->id, d);
    arena_fini(&old);
    if (m->journal) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        journal_append(m->journal, put_line(&a, d->kind, d->json));
    }
    return d;
}

void model_remove(struct model *m, struct doc *d)
{
    struct list *list = &m->lists[d->kind - kinds];

    if (m->journal) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        journal_append(m->journal, arena_printf(&a, "{\"Remove\":\"%.*s\"}", STR_ARG(d->id)));
    }
    map_remove(&m->by_id, d->id);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] != d)
            continue;
        memmove(&list->items[i], &list->items[i + 1], (list->count - i - 1) * sizeof *list->items);
        list->count--;
        break;
    }
    doc_free(d);
}

struct json *model_edit(struct arena *a, const struct doc *d)
{
    return json_copy(a, d->json);
}

bool model_replay(struct model *m, const struct json *line, struct err *e)
{
    const struct json *put = json_get(line, STR("Put")), *gone = json_get(line, STR("Remove")), *last = json_get(line, STR("LastNumber"));

    if (put || last) {
        const struct kind *kind = kind_by_prefix(json_str(put ? put : last, STR("")));
        const struct json *doc = json_get(line, STR("Doc"));

        if (!kind)
            return err_set(e, ERR_INVALID, "unknown kind of document");
        if (last)
            return json_i64(json_get(line, STR("Number")), &m->lists[kind - kinds].last_number) || err_set(e, ERR_INVALID, "LastNumber without Number");
        if (!json_str(json_get(doc, STR("Id")), STR("")).n)
            return err_set(e, ERR_INVALID, "a document without Id");
        model_put(m, (enum kind_id)(kind - kinds), doc);
        return true;
    }
    if (gone) {
        struct doc *d = model_get(m, json_str(gone, STR("")));

        if (d)
            model_remove(m, d);
        return true;
    }
    return err_set(e, ERR_INVALID, "neither Put nor Remove");
}

void model_dump(const struct model *m, void (*line)(void *ctx, str text), void *ctx)
{
    CLEANUP(arena_fini) struct arena a = { 0 };

    for (size_t k = 0; k < KIND_COUNT; k++) {
        for (size_t i = 0; i < m->lists[k].count; i++) {
            line(ctx, put_line(&a, &kinds[k], m->lists[k].items[i]->json));
            arena_reset(&a);
        }
        // A removed document's number is not given out again.
        line(ctx, arena_printf(&a, "{\"LastNumber\":\"%s\",\"Number\":%" PRId64 "}", kinds[k].prefix, m->lists[k].last_number));
    }
}

const struct json *doc_field(const struct doc *d, const char *field)
{
    return d ? json_get(d->json, str_from(field)) : NULL;
}

str doc_str(const struct doc *d, const char *field)
{
    return json_str(doc_field(d, field), STR(""));
}

bool doc_bool(const struct doc *d, const char *field)
{
    return json_bool(doc_field(d, field), false);
}

bool json_has_text(const struct json *array, str text)
{
    json_each(item, array)
        if (str_eq_nocase(json_str(item, STR("")), text))
            return true;
    return false;
}

struct doc *model_find(const struct model *m, enum kind_id kind, str space, const char *field, str text)
{
    for (size_t i = 0; i < m->lists[kind].count; i++) {
        struct doc *d = m->lists[kind].items[i];

        if (space.n && !kinds[kind].is_system && !str_eq_nocase(doc_str(d, "SpaceId"), space))
            continue;
        if (str_eq_nocase(doc_str(d, field), text))
            return d;
    }
    return NULL;
}
