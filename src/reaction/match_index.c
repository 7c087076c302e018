#include "reaction/match_index.h"

#include "octopus/catalog.h"

#include <stdatomic.h>

#define EXPAND_MAX 256 // combinations of one reaction; beyond that its longest list is left to the judge
#define NONE UINT32_MAX

// The order in which an event descends: what is in the event first, what needs documents later, a variable's value last.
enum dimension { DIM_SUBJECT, DIM_USERS, DIM_ENVIRONMENTS, DIM_PROJECTS, DIM_TENANTS, DIM_CHANNELS, DIM_MACHINES, DIM_GROUPS, DIM_TAGS, DIM_ROLES, DIM_CONDITION, DIMS };

static const enum filter_list list_of[DIMS] = {
    [DIM_USERS] = FILTER_USERS, [DIM_ENVIRONMENTS] = FILTER_ENVIRONMENTS, [DIM_PROJECTS] = FILTER_PROJECTS, [DIM_TENANTS] = FILTER_TENANTS, [DIM_CHANNELS] = FILTER_CHANNELS,
    [DIM_MACHINES] = FILTER_MACHINES, [DIM_GROUPS] = FILTER_PROJECT_GROUPS, [DIM_TAGS] = FILTER_TENANT_TAGS, [DIM_ROLES] = FILTER_ROLES,
};

static bool is_list(int dim)
{
    return dim != DIM_SUBJECT && dim != DIM_CONDITION;
}

// Reactions of one type that use the same lists.
struct shape {
    uint64_t seed;           // of the hashes of its combinations
    uint32_t mask, names;    // of dimensions; names: in these some value is no id
    str variable;            // of DIM_CONDITION
    uint32_t *members;       // numbers of reactions
    size_t count, cap;
    struct shape *next;
};

struct type {
    struct shape *shapes;
    uint32_t *offered;
    size_t count, cap;
};

struct slot {
    uint64_t hash; // 0: free
    uint32_t first, count;
};

struct posting {
    uint64_t hash;
    uint32_t reaction; // NONE: a step on the way to others
};

struct match_index {
    atomic_int shares;
    const struct reaction_entry *reactions; // while it is built
    struct arena arena;
    struct map types; // space and category -> struct type
    struct slot *slots;
    size_t slot_cap;
    uint32_t *posted;
    size_t posted_count;
    struct posting *building;
    size_t building_count, building_cap;
    size_t bytes;
};

// ---- hashes ----

static uint64_t mix(uint64_t h, uint64_t more)
{
    h = (h ^ more) * 0x9E3779B97F4A7C15ULL;
    h ^= h >> 29;
    h *= 0xBF58476D1CE4E5B9ULL;
    h ^= h >> 32;
    return h ? h : 1;
}

static uint64_t step(uint64_t h, int dim, uint64_t value)
{
    return mix(mix(h, (uint64_t)dim + 1), value);
}

// 64 bytes hold the space and any category that is known; longer ones share a place, and are told apart by the judge.
static str type_key(int64_t space_id, str category, char room[static 96])
{
    int at = 0;
    for (int i = 0; i < 8; i++)
        room[at++] = (char)('a' + ((uint64_t)space_id >> (i * 8) & 15));
    for (int i = 0; i < 8; i++)
        room[at++] = (char)('a' + ((uint64_t)space_id >> (i * 8 + 4) & 15));
    size_t n = MIN(category.n, (size_t)64);
    if (n)
        memcpy(room + at, category.p, n);
    return (str){ room, (size_t)at + n };
}

// ---- conditions of one comparison ----

static str skip_blanks(str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n' || s.p[0] == '\r'))
        s = str_skip(s, 1);
    return s;
}

static bool take(str *s, str word)
{
    if (!str_starts(*s, word))
        return false;
    *s = str_skip(*s, word.n);
    return true;
}

bool match_index_condition(str condition, str *name, str *text)
{
    str s = str_trim(condition);
    if (!take(&s, STR("#{if ")))
        return false;
    s = skip_blanks(s);
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || (s.p[n] >= 'A' && s.p[n] <= 'Z') || (s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
        n++;
    *name = str_sub(s, 0, n);
    s = skip_blanks(str_skip(s, n));
    if (!str_starts(*name, STR("Octopus.")) || !take(&s, STR("==")))
        return false;
    s = skip_blanks(s);
    if (!take(&s, STR("\"")))
        return false;
    ptrdiff_t quote = str_find_char(s, '"');
    *text = quote > 0 ? str_sub(s, 0, (size_t)quote) : STR("");
    // An empty text equals what is undefined; a backslash, brace or hash may mean something else than itself.
    if (!text->n || str_has(*text, '\\') || str_has(*text, '{') || str_has(*text, '}') || str_has(*text, '#'))
        return false;
    s = skip_blanks(str_skip(s, (size_t)quote + 1));
    if (!take(&s, STR("}")))
        return false;
    s = skip_blanks(s);
    if (!take(&s, STR("true")) && !take(&s, STR("True")))
        return false;
    return str_eq(skip_blanks(s), STR("#{/if}"));
}

// A variable of its own may hide Octopus's.
static bool indexed_condition(const struct reaction *def, str *name, str *text)
{
    if (!def->condition.p || !match_index_condition(def->condition, name, text))
        return false;
    for (size_t i = 0; i < def->variable_count; i++)
        if (str_starts_nocase(str_trim(def->variables[i].name), STR("Octopus")))
            return false;
    return true;
}

// ---- building ----

static void post(struct match_index *x, uint64_t hash, uint32_t reaction)
{
    xgrow(&x->building, &x->building_cap, x->building_count + 1, sizeof *x->building);
    x->building[x->building_count++] = (struct posting){ hash, reaction };
}

static void remember(uint32_t **items, size_t *count, size_t *cap, uint32_t reaction)
{
    if (*count && (*items)[*count - 1] == reaction)
        return;
    xgrow(items, cap, *count + 1, sizeof **items);
    (*items)[(*count)++] = reaction;
}

static struct type *type_of(struct match_index *x, int64_t space_id, str category)
{
    char room[96];
    str key = type_key(space_id, category, room);
    struct type *t = map_get(&x->types, key);
    if (!t) {
        t = ARENA_NEW(&x->arena, struct type);
        map_put(&x->types, key, t);
    }
    return t;
}

static struct shape *shape_of(struct match_index *x, struct type *t, uint32_t mask, str variable)
{
    for (struct shape *s = t->shapes; s; s = s->next)
        if (s->mask == mask && str_eq_nocase(s->variable, variable))
            return s;
    struct shape *s = ARENA_NEW(&x->arena, struct shape);
    s->mask = mask;
    s->variable = arena_str(&x->arena, variable);
    s->seed = mix(mix((uint64_t)(uintptr_t)t, mask), map_hash_nocase(variable));
    s->next = t->shapes;
    t->shapes = s;
    return s;
}

// The values of one reaction along its dimensions.
struct wants {
    const struct str_list *lists[DIMS], *ids[DIMS];
    str single[DIMS];
};

static size_t values_of(const struct wants *w, int dim)
{
    return is_list(dim) ? w->lists[dim]->count + (w->ids[dim] ? w->ids[dim]->count : 0) : 1;
}

static str value_of(const struct wants *w, int dim, size_t at)
{
    if (!is_list(dim))
        return w->single[dim];
    return at < w->lists[dim]->count ? w->lists[dim]->items[at] : w->ids[dim]->items[at - w->lists[dim]->count];
}

static void post_combinations(struct match_index *x, const struct wants *w, uint32_t mask, uint64_t h, int dim, uint32_t reaction)
{
    while (dim < DIMS && !(mask >> dim & 1))
        dim++;
    if (dim == DIMS) {
        post(x, h, reaction);
        return;
    }
    post(x, h, NONE);
    for (size_t i = 0; i < values_of(w, dim); i++)
        post_combinations(x, w, mask, step(h, dim, map_hash_nocase(value_of(w, dim, i))), dim + 1, reaction);
}

static uint32_t bounded_mask(const struct wants *w, uint32_t mask)
{
    for (;;) {
        size_t product = 1, most = 0;
        int longest = -1;
        for (int dim = 0; dim < DIMS; dim++) {
            size_t count = mask >> dim & 1 ? values_of(w, dim) : 1;
            product = MIN(product * count, (size_t)1 << 40);
            if (count > most && mask >> dim & 1) {
                most = count;
                longest = dim;
            }
        }
        if (product <= EXPAND_MAX)
            return mask;
        mask &= ~(UINT32_C(1) << longest);
    }
}

static void add_under(struct match_index *x, uint32_t number, str category, str subject)
{
    const struct reaction_entry *r = &x->reactions[number];
    const struct reaction *def = r->def;
    struct wants w = { 0 };
    uint32_t mask = 0, names = 0;
    for (int dim = 0; dim < DIMS; dim++) {
        if (!is_list(dim))
            continue;
        w.lists[dim] = &def->filters[list_of[dim]];
        w.ids[dim] = r->ids ? &r->ids->filters[list_of[dim]] : NULL;
        if (w.lists[dim]->count)
            mask |= UINT32_C(1) << dim;
        for (size_t i = 0; i < w.lists[dim]->count; i++)
            if (!octopus_id_is(w.lists[dim]->items[i], facts_type(list_of[dim])))
                names |= UINT32_C(1) << dim;
    }
    if (subject.n) {
        mask |= UINT32_C(1) << DIM_SUBJECT;
        w.single[DIM_SUBJECT] = str_ends(subject, STR("-")) ? str_sub(subject, 0, subject.n - 1) : subject;
    }
    str variable = STR("");
    if (indexed_condition(def, &variable, &w.single[DIM_CONDITION]))
        mask |= UINT32_C(1) << DIM_CONDITION;
    mask = bounded_mask(&w, mask);
    struct type *t = type_of(x, r->space_id, category);
    remember(&t->offered, &t->count, &t->cap, number);
    if (!r->is_enabled)
        return; // offered, and told so; it never matches
    struct shape *s = shape_of(x, t, mask, mask >> DIM_CONDITION & 1 ? variable : STR(""));
    s->names |= names;
    remember(&s->members, &s->count, &s->cap, number);
    post_combinations(x, &w, mask, s->seed, 0, number);
}

static int by_hash(const void *a, const void *b)
{
    const struct posting *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (x->reaction > y->reaction) - (x->reaction < y->reaction);
}

static struct slot *slot_at(const struct match_index *x, uint64_t hash)
{
    size_t at = hash & (x->slot_cap - 1);
    while (x->slots[at].hash && x->slots[at].hash != hash)
        at = (at + 1) & (x->slot_cap - 1);
    return &x->slots[at];
}

static void build_table(struct match_index *x)
{
    size_t distinct = 0, at = 0;
    if (x->building_count)
        qsort(x->building, x->building_count, sizeof *x->building, by_hash);
    for (size_t i = 0; i < x->building_count; i++)
        distinct += !i || x->building[i].hash != x->building[i - 1].hash;
    for (x->slot_cap = 16; x->slot_cap < distinct + distinct / 2;)
        x->slot_cap *= 2;
    x->slots = xcalloc(x->slot_cap, sizeof *x->slots);
    x->posted = xcalloc(x->building_count + 1, sizeof *x->posted);
    for (size_t i = 0; i < x->building_count; i++) {
        const struct posting *p = &x->building[i];
        struct slot *s = slot_at(x, p->hash);
        if (!s->hash)
            *s = (struct slot){ .hash = p->hash, .first = (uint32_t)at };
        if (p->reaction == NONE || (s->count && x->posted[at - 1] == p->reaction))
            continue;
        x->posted[at++] = p->reaction;
        s->count++;
    }
    x->posted_count = at;
    x->posted = xrealloc(x->posted, sizeof *x->posted * (at + 1));
    free(x->building);
    x->building = NULL;
    x->bytes = x->slot_cap * sizeof *x->slots + at * sizeof *x->posted;
}

struct match_index *match_index_new(const struct reaction_entry *reactions, size_t count)
{
    struct match_index *x = xcalloc(1, sizeof *x);
    atomic_init(&x->shares, 1);
    x->reactions = reactions;
    x->types.is_nocase = true;
    for (size_t i = 0; i < count; i++) {
        const struct reaction *def = reactions[i].def;
        for (size_t k = 0; def->trigger_type == TRIGGER_INTERNAL && k < def->events.count; k++) {
            str categories[CATALOG_MAX_CATEGORIES];
            size_t category_count = catalog_categories(def->events.items[k], categories);
            for (size_t c = 0; c < category_count; c++)
                add_under(x, (uint32_t)i, categories[c], catalog_subject(def->events.items[k]));
        }
    }
    build_table(x);
    size_t at = 0;
    str key;
    void *value;
    while (map_next(&x->types, &at, &key, &value)) {
        struct type *t = value;
        x->bytes += t->cap * sizeof *t->offered;
        for (struct shape *s = t->shapes; s; s = s->next)
            x->bytes += s->cap * sizeof *s->members;
    }
    x->bytes += x->arena.bytes;
    x->reactions = NULL;
    return x;
}

struct match_index *match_index_share(struct match_index *x)
{
    atomic_fetch_add(&x->shares, 1);
    return x;
}

void match_index_free(struct match_index *x)
{
    size_t at = 0;
    str key;
    void *value;
    if (!x || atomic_fetch_sub(&x->shares, 1) != 1)
        return;
    while (map_next(&x->types, &at, &key, &value)) {
        struct type *t = value;
        free(t->offered);
        for (struct shape *s = t->shapes; s; s = s->next)
            free(s->members);
    }
    map_fini(&x->types);
    free(x->slots);
    free(x->posted);
    arena_fini(&x->arena);
    free(x);
}

size_t match_index_bytes(const struct match_index *x)
{
    return x->bytes;
}

// ---- asking ----

struct values {
    bool is_known[2]; // without names, with them
    uint64_t *hashes;
    size_t count;
};

struct find {
    const struct match_index *index;
    struct facts *facts;
    match_index_value *value;
    void *ctx;
    struct values dims[DIMS];
    uint32_t *found; // in the arena
    size_t count, cap;
};

static void add_hash(struct values *v, str text)
{
    if (!text.n)
        return;
    uint64_t hash = map_hash_nocase(text);
    for (size_t i = 0; i < v->count; i++)
        if (v->hashes[i] == hash)
            return;
    v->hashes[v->count++] = hash;
}

// "deploymentprocess-Projects-21" is of the types deploymentprocess and deploymentprocess-Projects.
static void subject_values(struct find *q, struct values *v)
{
    str subject = octopus_event_subject(&q->facts->event);
    size_t dashes = 0;
    for (size_t i = 0; i < subject.n; i++)
        dashes += subject.p[i] == '-';
    v->hashes = ARENA_ARRAY(q->facts->arena, uint64_t, dashes);
    for (size_t i = 0; i + 1 < subject.n; i++)
        if (subject.p[i] == '-')
            add_hash(v, str_sub(subject, 0, i));
}

static const struct values *dim_values(struct find *q, int dim, bool with_names)
{
    struct values *v = &q->dims[dim];
    if (v->is_known[with_names])
        return v;
    v->is_known[with_names] = true;
    if (dim == DIM_SUBJECT) {
        subject_values(q, v);
        return v;
    }
    const struct fact_list *list = facts_of(q->facts, list_of[dim], with_names);
    v->hashes = ARENA_ARRAY(q->facts->arena, uint64_t, list->count * 3);
    v->count = 0;
    for (size_t i = 0; i < list->count; i++) {
        add_hash(v, list->items[i].id);
        add_hash(v, list->items[i].name);
        add_hash(v, list->items[i].slug);
    }
    return v;
}

static void found(struct find *q, const uint32_t *reactions, size_t count)
{
    if (q->count + count > q->cap) {
        size_t cap = MAX(q->cap * 2, q->count + count + 64);
        uint32_t *grown = ARENA_ARRAY(q->facts->arena, uint32_t, cap);
        if (q->count)
            memcpy(grown, q->found, sizeof *grown * q->count);
        q->found = grown;
        q->cap = cap;
    }
    if (count)
        memcpy(q->found + q->count, reactions, sizeof *reactions * count);
    q->count += count;
}

static void descend(struct find *q, const struct shape *s, uint64_t h, int dim)
{
    const struct slot *slot = slot_at(q->index, h);
    if (!slot->hash)
        return; // nobody wants what was found up to here
    while (dim < DIMS && !(s->mask >> dim & 1))
        dim++;
    if (dim == DIMS) {
        found(q, q->index->posted + slot->first, slot->count);
        return;
    }
    if (dim == DIM_CONDITION) {
        str text;
        if (q->value(q->ctx, s->variable, &text))
            descend(q, s, step(h, dim, map_hash_nocase(text)), dim + 1);
        return;
    }
    bool with_names = s->names >> dim & 1;
    const struct values *v = dim_values(q, dim, with_names);
    if (with_names && is_list(dim) && facts_of(q->facts, list_of[dim], true)->has_refused) {
        found(q, s->members, s->count); // names that may not be seen: each of them is in error, and says so
        return;
    }
    // Another shape may ask for names while we walk: what is here stays in the arena.
    const uint64_t *hashes = v->hashes;
    size_t count = v->count;
    for (size_t i = 0; i < count; i++)
        descend(q, s, step(h, dim, hashes[i]), dim + 1);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static const struct type *find_type(const struct match_index *x, int64_t space_id, str category)
{
    char room[96];
    return map_get(&x->types, type_key(space_id, category, room));
}

// An event stands under its category, and under the groups that have it.
static size_t types_of(const struct match_index *x, int64_t space_id, str category, const struct type *out[static CATALOG_MAX_GROUPS + 1], struct arena *a)
{
    str groups[CATALOG_MAX_GROUPS];
    size_t count = 0, group_count = catalog_groups_of(category, groups, a);
    const struct type *t = find_type(x, space_id, category);
    if (t)
        out[count++] = t;
    for (size_t i = 0; i < group_count; i++)
        if ((t = find_type(x, space_id, groups[i])))
            out[count++] = t;
    return count;
}

static size_t sort_distinct(uint32_t *numbers, size_t count)
{
    size_t distinct = 0;
    if (count)
        qsort(numbers, count, sizeof *numbers, by_number);
    for (size_t i = 0; i < count; i++)
        if (!i || numbers[i] != numbers[i - 1])
            numbers[distinct++] = numbers[i];
    return distinct;
}

size_t match_index_offered(const struct match_index *x, int64_t space_id, str category, struct arena *a, const uint32_t **reactions)
{
    const struct type *types[CATALOG_MAX_GROUPS + 1];
    size_t type_count = types_of(x, space_id, category, types, a), count = 0;
    *reactions = type_count ? types[0]->offered : NULL;
    if (type_count < 2)
        return type_count ? types[0]->count : 0;
    for (size_t i = 0; i < type_count; i++)
        count += types[i]->count;
    uint32_t *all = ARENA_ARRAY(a, uint32_t, count);
    count = 0;
    for (size_t i = 0; i < type_count; i++) {
        memcpy(all + count, types[i]->offered, sizeof *all * types[i]->count);
        count += types[i]->count;
    }
    *reactions = all;
    return sort_distinct(all, count);
}

size_t match_index_find(const struct match_index *x, struct facts *f, int64_t space_id, match_index_value *value, void *ctx, uint32_t **out)
{
    struct find q = { .index = x, .facts = f, .value = value, .ctx = ctx };
    const struct type *types[CATALOG_MAX_GROUPS + 1];
    size_t type_count = types_of(x, space_id, f->event.category, types, f->arena);
    for (size_t i = 0; i < type_count; i++)
        for (const struct shape *s = types[i]->shapes; s; s = s->next)
            descend(&q, s, s->seed, 0);
    *out = q.found;
    return sort_distinct(q.found, q.count);
}
