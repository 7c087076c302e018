#include "json/json_diff.h"

#include "base/map.h"

// Up to so many members a search by walking is quicker than building an index.
#define FEW_MEMBERS 16

struct diff {
    struct arena *arena;
    struct json_change *items;
    size_t count, cap;
};

static void compare(struct diff *d, str path, const struct json *old, const struct json *now);

static void note(struct diff *d, str path, const struct json *old, const struct json *now)
{
    xgrow(&d->items, &d->cap, d->count + 1, sizeof *d->items);
    d->items[d->count++] = (struct json_change){ path, old, now };
}

static str member_path(struct arena *a, str path, str name)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    buf_add(&b, path);
    json_write_path_name(&b, name);
    return arena_str(a, buf_str(&b));
}

static str element_path(struct arena *a, str path, size_t index)
{
    return arena_printf(a, "%.*s[%zu]", STR_ARG(path), index);
}

// The members of one object by name; a zeroed index is one of nothing.
struct index {
    const struct json *object;
    struct map by_name; // filled only where there are many
};

static void index_fini(struct index *x)
{
    map_fini(&x->by_name);
}

static void index_init(struct index *x, const struct json *object)
{
    *x = (struct index){ .object = object };
    if (object->count > FEW_MEMBERS)
        json_each(m, object)
            map_put(&x->by_name, m->name, m);
}

static const struct json *index_get(const struct index *x, str name)
{
    return x->by_name.count ? map_get(&x->by_name, name) : json_get(x->object, name);
}

// Paths are made only for what differs: most members of most objects do not.
static void compare_objects(struct diff *d, str path, const struct json *old, const struct json *now)
{
    CLEANUP(index_fini) struct index olds, news;
    index_init(&olds, old);
    index_init(&news, now);
    json_each(m, old) {
        const struct json *other = index_get(&news, m->name);
        if (!json_equal(m, other))
            compare(d, member_path(d->arena, path, m->name), m, other);
    }
    json_each(m, now)
        if (!index_get(&olds, m->name))
            note(d, member_path(d->arena, path, m->name), NULL, m);
}

static const struct json **elements(struct arena *a, const struct json *array)
{
    const struct json **list = arena_array(a, array->count, sizeof *list);
    size_t n = 0;
    json_each(m, array)
        list[n++] = m;
    return list;
}

static void compare_arrays(struct diff *d, str path, const struct json *old, const struct json *now)
{
    const struct json **olds = elements(d->arena, old), **news = elements(d->arena, now);
    size_t begin = 0, old_end = old->count, now_end = now->count;
    while (begin < old_end && begin < now_end && json_equal(olds[begin], news[begin]))
        begin++;
    while (old_end > begin && now_end > begin && json_equal(olds[old_end - 1], news[now_end - 1]))
        old_end--, now_end--;

    for (size_t i = begin; i < old_end || i < now_end; i++) {
        const struct json *before = i < old_end ? olds[i] : NULL, *after = i < now_end ? news[i] : NULL;
        if (!json_equal(before, after))
            compare(d, element_path(d->arena, path, i), before, after);
    }
}

// Both are known to differ.
static void compare(struct diff *d, str path, const struct json *old, const struct json *now)
{
    if (json_is(old, JSON_OBJECT) && json_is(now, JSON_OBJECT))
        compare_objects(d, path, old, now);
    else if (json_is(old, JSON_ARRAY) && json_is(now, JSON_ARRAY))
        compare_arrays(d, path, old, now);
    else
        note(d, path, old, now);
}

struct json_change *json_diff(struct arena *a, const struct json *old, const struct json *now, size_t *count)
{
    struct diff d = { .arena = a };
    if (!json_equal(old, now))
        compare(&d, STR(""), old, now);
    struct json_change *changes = arena_array(a, d.count, sizeof *changes);
    if (d.count)
        memcpy(changes, d.items, d.count * sizeof *changes);
    free(d.items);
    *count = d.count;
    return changes;
}

// ---- for people ----

static bool has_lines(const struct json *j)
{
    return json_is(j, JSON_STRING) && str_has(j->text, '\n');
}

static void write_lines(struct buf *out, char sign, str text)
{
    str line;
    if (str_ends(text, STR("\n")))
        text.n--;
    while (str_split(&text, '\n', &line)) {
        buf_printf(out, "    %c ", sign);
        buf_add(out, line);
        buf_add_char(out, '\n');
    }
}

// The first line in which the texts differ begins here.
static size_t equal_lines_in_front(str a, str b)
{
    size_t n = 0, line = 0;
    for (; n < a.n && n < b.n && a.p[n] == b.p[n]; n++)
        if (a.p[n] == '\n')
            line = n + 1;
    return line;
}

// Both begin with a line.
static size_t equal_lines_behind(str a, str b)
{
    size_t n = 0, line = 0;
    for (; n < a.n && n < b.n && a.p[a.n - 1 - n] == b.p[b.n - 1 - n]; n++)
        if (a.p[a.n - 1 - n] == '\n')
            line = n; // what follows this line break is equal
    bool is_line_of_a = n == a.n || a.p[a.n - 1 - n] == '\n', is_line_of_b = n == b.n || b.p[b.n - 1 - n] == '\n';
    return is_line_of_a && is_line_of_b ? n : line;
}

static void write_text_change(struct buf *out, const struct json_change *c)
{
    str old = json_str(c->old, STR("")), now = json_str(c->now, STR(""));
    size_t front = equal_lines_in_front(old, now);
    old = str_skip(old, front);
    now = str_skip(now, front);
    size_t behind = equal_lines_behind(old, now);
    old.n -= behind;
    now.n -= behind;
    if (old.n)
        write_lines(out, '-', old);
    if (now.n)
        write_lines(out, '+', now);
}

void json_diff_write(struct buf *out, const struct json_change *changes, size_t count)
{
    for (const struct json_change *c = changes; c < changes + count; c++) {
        buf_printf(out, "%c ", !c->old ? '+' : !c->now ? '-' : '~');
        buf_add(out, c->path.n ? c->path : STR("(all)"));
        bool is_text = (has_lines(c->old) || has_lines(c->now)) && (!c->old || c->old->type == JSON_STRING) && (!c->now || c->now->type == JSON_STRING);
        buf_add(out, is_text ? STR(":\n") : STR(": "));
        if (is_text) {
            write_text_change(out, c);
            continue;
        }
        if (c->old)
            json_write(out, c->old, false);
        if (c->old && c->now)
            buf_add(out, STR(" -> "));
        if (c->now)
            json_write(out, c->now, false);
        buf_add_char(out, '\n');
    }
}
