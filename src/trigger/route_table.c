#include "base/map.h"
#include "trigger/route_internal.h"

// A tree over segments: each node has a child for every literal and one for "any segment that is not empty". A path is
// walked along both; the routes met at its end (and the catch-alls met on the way) are its candidates, whose complex
// segments and constraints are looked at in order of precedence. A node is met at most once for a path, so that a
// walk costs at most the nodes of the tree, and with literals in front only a few.

struct node;

struct leaf {
    const struct route *route;
    void *owner;
    uint32_t rank; // equal for equal precedence; lower is better
};

struct leaf_list {
    const struct leaf **items;
    size_t count, cap;
};

struct node {
    struct map literals; // folded text to struct node
    struct node *any;
    struct leaf_list ends;       // fit a path that ends here
    struct leaf_list catch_alls; // fit whatever follows, but something
};

struct route_table {
    struct arena arena;
    struct node root;
    struct leaf *leaves;
};

static void leaf_push(struct leaf_list *l, const struct leaf *leaf)
{
    xgrow(&l->items, &l->cap, l->count + 1, sizeof l->items[0]);
    l->items[l->count++] = leaf;
}

static void node_fini(struct node *n)
{
    size_t at = 0;
    str key;
    for (void *child; map_next(&n->literals, &at, &key, &child);)
        node_fini(child);
    map_fini(&n->literals);
    if (n->any)
        node_fini(n->any);
    free(n->ends.items);
    free(n->catch_alls.items);
}

static void insert(struct route_table *t, const struct leaf *leaf)
{
    const struct route *r = leaf->route;
    struct node *n = &t->root;
    size_t required = r->segment_count;
    while (required > 0 && segment_may_miss(&r->segments[required - 1]))
        required--;
    for (size_t i = 0; i < r->segment_count; i++) {
        const struct route_segment *s = &r->segments[i];
        if (i >= required)
            leaf_push(&n->ends, leaf);
        if (segment_param(s) && segment_param(s)->is_catch_all) {
            leaf_push(&n->catch_alls, leaf);
            return;
        }
        struct node *next = s->rank == 1 ? map_get(&n->literals, s->folded) : n->any;
        if (!next) {
            next = ARENA_NEW(&t->arena, struct node);
            if (s->rank == 1)
                map_put(&n->literals, s->folded, next);
            else
                n->any = next;
        }
        n = next;
    }
    leaf_push(&n->ends, leaf);
}

static int by_precedence(const void *x, const void *y)
{
    const struct leaf *a = x, *b = y;
    return memcmp(a->route->ranks, b->route->ranks, sizeof a->route->ranks);
}

bool route_table_new(const struct route_entry *entries, size_t count, struct route_table **out, size_t *bad, struct err *e)
{
    CLEANUP(route_table_freep) struct route_table *t = xcalloc(1, sizeof *t);
    t->leaves = xcalloc(MAX(count, 1u), sizeof t->leaves[0]);
    for (size_t i = 0; i < count; i++) {
        struct route *r;
        if (!route_parse(&t->arena, entries[i].template, &r, e)) {
            if (bad)
                *bad = i;
            return err_in(e, "route \"%.*s\"", STR_ARG(str_sub(entries[i].template, 0, 100)));
        }
        t->leaves[i] = (struct leaf){ .route = r, .owner = entries[i].owner };
    }
    qsort(t->leaves, count, sizeof t->leaves[0], by_precedence); // never NULL
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            t->leaves[i].rank = t->leaves[i - 1].rank + (by_precedence(&t->leaves[i - 1], &t->leaves[i]) != 0);
        insert(t, &t->leaves[i]);
    }
    *out = MOVE(t);
    return true;
}

void route_table_free(struct route_table *t)
{
    if (!t)
        return;
    node_fini(&t->root);
    free(t->leaves);
    arena_fini(&t->arena);
    free(t);
}

void route_table_freep(struct route_table **t)
{
    route_table_free(*t);
}

// ---- matching ----

struct walk {
    struct arena *arena;
    str segments[LIMIT_ROUTE_SEGMENTS + 1]; // further ones only a catch-all can take
    str folded[LIMIT_ROUTE_SEGMENTS + 1];
    size_t count;
    const char *end; // of the path
    struct leaf_list found;
};

static void found_all(struct walk *w, const struct leaf_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        leaf_push(&w->found, l->items[i]);
}

static void walk(struct walk *w, const struct node *n, size_t depth)
{
    if (depth == w->count) {
        found_all(w, &n->ends);
        return;
    }
    found_all(w, &n->catch_alls);
    if (!w->segments[depth].n)
        return;
    const struct node *literal = map_get(&n->literals, w->folded[depth]);
    if (literal)
        walk(w, literal, depth + 1);
    if (n->any)
        walk(w, n->any, depth + 1);
}

// The text behind the first slash; one slash at the end does not count.
static void split_path(struct walk *w, str path)
{
    str rest = str_skip(path, 1);
    w->end = path.p + path.n;
    while (rest.n && w->count < COUNT(w->segments)) {
        ptrdiff_t slash = str_find_char(rest, '/');
        w->segments[w->count++] = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
        rest = slash < 0 ? (str){ 0 } : str_skip(rest, (size_t)slash + 1);
    }
    for (size_t i = 0; i < w->count; i++)
        w->folded[i] = route_fold(w->arena, w->segments[i]);
}

static void add_value(struct route_values *values, str name, str value)
{
    values->items[values->count++] = (struct route_value){ name, value };
}

static str value_or_default(const struct route_param *p, str value)
{
    return value.p ? value : p->has_default ? p->otherwise : (str){ 0 };
}

// Text of one segment's parameter, or of the rest for a catch-all; p == NULL where the path is shorter.
static str param_text(const struct walk *w, const struct route_param *p, size_t segment)
{
    if (segment >= w->count)
        return (str){ 0 };
    str s = w->segments[segment];
    return p->is_catch_all ? (str){ s.p, (size_t)(w->end - s.p) } : s;
}

static bool complex_values(const struct walk *w, const struct route_segment *s, str text, struct route_values *values)
{
    size_t before = values->count;
    if (!route_complex_fits(s, text, values))
        return false;
    for (size_t i = before; i < values->count; i++)
        for (size_t k = 0; k < s->part_count; k++)
            if (s->parts[k].param && s->parts[k].param->name.p == values->items[i].name.p && !param_fits(s->parts[k].param, values->items[i].value, w->arena))
                return false;
    return true;
}

// Whether the path, which has the route's shape, also has its complex segments and keeps its constraints.
static bool judge(const struct walk *w, const struct route *r, struct route_values *values)
{
    *values = (struct route_values){ .items = ARENA_ARRAY(w->arena, struct route_value, r->param_count + 1) };
    for (size_t i = 0; i < r->segment_count; i++) {
        const struct route_segment *s = &r->segments[i];
        const struct route_param *p = segment_param(s);
        if (!segment_is_simple(s)) {
            if (i >= w->count || !complex_values(w, s, w->segments[i], values))
                return false;
        } else if (p) {
            str value = value_or_default(p, param_text(w, p, i));
            if (!param_fits(p, value, w->arena))
                return false;
            if (value.p)
                add_value(values, p->name, value);
        }
    }
    return true;
}

static int by_rank(const void *x, const void *y)
{
    const struct leaf *a = *(const struct leaf *const *)x, *b = *(const struct leaf *const *)y;
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

enum route_result route_table_match(const struct route_table *t, str path, route_accepts_fn *accepts, void *ctx, struct arena *a, void **owner,
                                    struct route_values *values)
{
    struct walk w = { .arena = a };
    enum route_result result = ROUTE_NONE;
    uint32_t rank = 0;
    split_path(&w, path);
    walk(&w, &t->root, 0);
    if (w.found.count > 1)
        qsort(w.found.items, w.found.count, sizeof w.found.items[0], by_rank);
    for (size_t i = 0; i < w.found.count; i++) {
        const struct leaf *leaf = w.found.items[i];
        struct route_values own;
        if (result != ROUTE_NONE && leaf->rank != rank)
            break;
        if (!judge(&w, leaf->route, &own) || (accepts && !accepts(leaf->owner, ctx)))
            continue;
        if (result != ROUTE_NONE) {
            result = ROUTE_AMBIGUOUS;
            break;
        }
        result = ROUTE_FOUND;
        rank = leaf->rank;
        *owner = leaf->owner;
        *values = own;
    }
    free(w.found.items);
    return result;
}

// ---- complex segments ----

static bool same_folded(str s, size_t at, str literal)
{
    for (size_t i = 0, n, m; i < literal.n; i += m, at += n) {
        if (at >= s.n)
            return false;
        uint32_t c = route_char_at(s, at, &n), want = route_char_at(literal, i, &m);
        if (c != want && route_fold_char(c) != route_fold_char(want))
            return false;
    }
    return true;
}

// Bytes that `literal` takes in s at `at`, where it stands (case may change a character's length).
static size_t bytes_taken(str s, size_t at, str literal)
{
    size_t from = at;
    for (size_t i = 0, n, m; i < literal.n; i += m, at += n) {
        route_char_at(s, at, &n);
        route_char_at(literal, i, &m);
    }
    return at - from;
}

static size_t step_back(str s, size_t at)
{
    for (at--; at > 0 && ((uint8_t)s.p[at] & 0xC0) == 0x80; at--)
        ;
    return at;
}

// The last place in s before `limit` where the literal stands whole, or -1.
static ptrdiff_t find_last(str s, size_t limit, str literal)
{
    str head = str_sub(s, 0, limit);
    for (size_t at = limit; at > 0;) {
        at = step_back(head, at);
        if (same_folded(head, at, literal))
            return (ptrdiff_t)at;
    }
    return -1;
}

// The first `count` parts against the whole text, from the right: each literal as far right as it can stand, each
// parameter at least one character. There is no second try: that is ASP.NET's rule, not a shortcut.
static bool fits_from_right(const struct route_segment *s, size_t count, str text, struct route_values *values)
{
    size_t end = text.n, from = values->count;
    const struct route_param *pending = NULL;
    for (size_t i = count; i-- > 0;) {
        const struct route_part *part = &s->parts[i];
        if (part->param) {
            pending = part->param;
            if (i > 0)
                continue;
            if (!end)
                return false;
            add_value(values, pending->name, str_sub(text, 0, end));
            break;
        }
        if (!end)
            return false;
        ptrdiff_t at = find_last(text, pending ? step_back(text, end) : end, part->literal);
        if (at < 0)
            return false;
        size_t behind = (size_t)at + bytes_taken(text, (size_t)at, part->literal);
        if (i == s->part_count - 1 && behind != text.n)
            return false;
        if (pending)
            add_value(values, pending->name, str_sub(text, behind, end - behind));
        pending = NULL;
        end = (size_t)at;
    }
    if (end != 0 && !s->parts[0].param)
        return false;
    for (size_t i = from, k = values->count; i + 1 < k; i++) { // found right to left
        struct route_value first = values->items[i];
        values->items[i] = values->items[--k];
        values->items[k] = first;
    }
    return true;
}

bool route_complex_fits(const struct route_segment *s, str text, struct route_values *values)
{
    size_t count = s->part_count, before = values->count;
    const struct route_param *last = s->parts[count - 1].param;
    if (fits_from_right(s, count, text, values))
        return true;
    values->count = before;
    if (!last || !last->is_optional || str_ends(text, STR(".")))
        return false;
    return fits_from_right(s, count - 2, text, values);
}
