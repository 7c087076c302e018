#include "reaction/mask.h"

#include "reaction/mask_form.h"

// What is looked for, as one automaton (Aho and Corasick 1975): a tree of all forms, in which each node knows the longest
// other node that its own text ends with. The text is read once, a byte a step, whatever is looked for.
struct node {
    uint32_t child, sibling; // 0: none
    uint32_t fail;           // the longest proper end of this text that is in the tree; 0: the root
    uint32_t shorter;        // the longest proper end of it that is a form; 0: none
    uint32_t depth;
    unsigned char byte;
    bool is_form;
};

struct mask {
    struct arena arena; // the values
    str *values;
    size_t value_count, value_cap;
    struct node *nodes; // [0]: the root
    size_t count, cap;
    uint32_t root[256];
    bool is_linked;
};

struct mask *mask_new(void)
{
    struct mask *m = xcalloc(1, sizeof *m);
    xgrow(&m->nodes, &m->cap, 1, sizeof *m->nodes);
    m->nodes[m->count++] = (struct node){ 0 };
    return m;
}

void mask_free(struct mask *m)
{
    if (!m)
        return;
    free(m->nodes);
    free(m->values);
    arena_fini(&m->arena);
    free(m);
}

// ---- building ----

static uint32_t child_of(const struct mask *m, uint32_t node, unsigned char byte)
{
    if (!node)
        return m->root[byte];
    uint32_t at = m->nodes[node].child;
    while (at && m->nodes[at].byte != byte)
        at = m->nodes[at].sibling;
    return at;
}

static void add_form(void *ctx, str form)
{
    struct mask *m = ctx;
    uint32_t at = 0;
    if (form.n < MASK_MIN_BYTES)
        return;
    for (size_t i = 0; i < form.n; i++) {
        unsigned char byte = (unsigned char)form.p[i];
        uint32_t next = child_of(m, at, byte);
        if (!next) {
            xgrow(&m->nodes, &m->cap, m->count + 1, sizeof *m->nodes);
            next = (uint32_t)m->count++;
            m->nodes[next] = (struct node){ .sibling = m->nodes[at].child, .depth = (uint32_t)i + 1, .byte = byte };
            m->nodes[at].child = next;
            if (!at)
                m->root[byte] = next;
        }
        at = next;
    }
    m->nodes[at].is_form = true;
    m->is_linked = false;
}

static uint32_t step(const struct mask *m, uint32_t node, unsigned char byte)
{
    for (;;) {
        uint32_t next = child_of(m, node, byte);
        if (next || !node)
            return next;
        node = m->nodes[node].fail;
    }
}

// By depth: what a node falls back to is less deep than itself.
static void link_nodes(struct mask *m)
{
    if (m->is_linked)
        return;
    uint32_t *queue = xmalloc(sizeof *queue * m->count);
    size_t first = 0, last = 1;
    queue[0] = 0;
    while (first < last) {
        uint32_t parent = queue[first++];
        for (uint32_t at = m->nodes[parent].child; at; at = m->nodes[at].sibling) {
            struct node *n = &m->nodes[at];
            n->fail = parent ? step(m, m->nodes[parent].fail, n->byte) : 0;
            n->shorter = m->nodes[n->fail].is_form ? n->fail : m->nodes[n->fail].shorter;
            queue[last++] = at;
        }
    }
    free(queue);
    m->is_linked = true;
}

void mask_add(struct mask *m, str value)
{
    value = str_trim(value);
    if (value.n < MASK_MIN_BYTES)
        return;
    for (size_t i = 0; i < m->value_count; i++)
        if (str_eq(m->values[i], value))
            return;
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    xgrow(&m->values, &m->value_cap, m->value_count + 1, sizeof *m->values);
    value = m->values[m->value_count++] = arena_str(&m->arena, value);
    mask_forms(value, &scratch, add_form, m);
    str rest = value, line;
    while (str_has(value, '\n') && str_split(&rest, '\n', &line))
        if (str_trim(line).n >= MASK_LINE_MIN_BYTES)
            mask_forms(str_trim(line), &scratch, add_form, m);
}

// ---- finding ----

struct range {
    size_t from, to;
};
struct ranges {
    struct range *items;
    size_t count, cap;
};

// `to` never falls from one call to the next: only the last ones can touch the new one.
static void add_range(struct ranges *r, size_t from, size_t to)
{
    while (r->count && r->items[r->count - 1].to > from) {
        from = MIN(from, r->items[r->count - 1].from);
        to = MAX(to, r->items[r->count - 1].to);
        r->count--;
    }
    xgrow(&r->items, &r->cap, r->count + 1, sizeof *r->items);
    r->items[r->count++] = (struct range){ from, to };
}

// Sorted by from and without overlap in each; so is the result.
static struct ranges merged(const struct ranges *x, const struct ranges *y)
{
    struct ranges out = { 0 };
    size_t i = 0, k = 0;
    while (i < x->count || k < y->count) {
        bool is_x = k == y->count || (i < x->count && x->items[i].from <= y->items[k].from);
        struct range next = is_x ? x->items[i++] : y->items[k++];
        if (out.count && out.items[out.count - 1].to > next.from)
            out.items[out.count - 1].to = MAX(out.items[out.count - 1].to, next.to);
        else
            add_range(&out, next.from, next.to);
    }
    return out;
}

static void ranges_fini(struct ranges *r)
{
    free(r->items);
}

struct scan {
    const struct mask *m;
    uint32_t node;
    size_t at;    // bytes read
    size_t break_at; // of them, those before the last line break
    struct ranges found;
};

static void scan_byte(struct scan *s, char c)
{
    s->node = step(s->m, s->node, (unsigned char)c);
    s->at++;
    uint32_t n = s->m->nodes[s->node].is_form ? s->node : s->m->nodes[s->node].shorter;
    for (; n; n = s->m->nodes[n].shorter) {
        size_t length = s->m->nodes[n].depth;
        if (s->at - length < s->break_at && length < MASK_SPLIT_MIN_BYTES)
            continue;
        add_range(&s->found, s->at - length, s->at);
        return;
    }
}

// Bytes of the terminal's control sequence that s begins with (ECMA-48); at least 1.
static size_t sequence_bytes(str s)
{
    size_t i = 1;
    if (i == s.n)
        return 1;
    if (s.p[i] == ']') { // a title or link: up to BEL or ESC backslash
        for (i = 2; i < s.n && s.p[i] != '\a' && s.p[i] != '\033'; i++)
            ;
        return i == s.n ? 2 : s.p[i] == '\a' ? i + 1 : i + 1 < s.n && s.p[i + 1] == '\\' ? i + 2 : 2;
    }
    bool is_csi = s.p[i] == '[';
    for (i += is_csi; i < s.n && s.p[i] >= 0x20 && s.p[i] < (is_csi ? 0x40 : 0x30); i++)
        ;
    return i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7f ? i + 1 : 1;
}

// The text without control sequences and line breaks. positions: where each byte of it stood, or NULL.
static void scan_visible(struct scan *s, str text, size_t *positions)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n;) {
        if (text.p[i] == '\033') {
            i += sequence_bytes(str_skip(text, i));
        } else if (text.p[i] == '\n' || text.p[i] == '\r') {
            s->break_at = s->at;
            i++;
        } else {
            if (positions)
                positions[count++] = i;
            scan_byte(s, text.p[i++]);
        }
    }
}

static struct ranges find_raw(const struct mask *m, str text)
{
    struct scan s = { .m = m };
    for (size_t i = 0; i < text.n; i++)
        scan_byte(&s, text.p[i]);
    return s.found;
}

static bool needs_second_look(str text)
{
    return str_has(text, '\033') || str_has(text, '\n') || str_has(text, '\r');
}

static str without(str text, const struct ranges *found, struct arena *a)
{
    if (!found->count)
        return text;
    CLEANUP(buf_fini) struct buf b = { 0 };
    size_t at = 0;
    for (size_t i = 0; i < found->count; i++) {
        buf_add(&b, str_sub(text, at, found->items[i].from - at));
        buf_add_text(&b, MASK_TEXT);
        at = found->items[i].to;
    }
    buf_add(&b, str_skip(text, at));
    return arena_str(a, buf_str(&b));
}

str mask_apply(struct mask *m, str text, struct arena *a)
{
    if (m->count == 1 || text.n < MASK_MIN_BYTES)
        return text;
    link_nodes(m);
    CLEANUP(ranges_fini) struct ranges found = find_raw(m, text);
    if (!needs_second_look(text))
        return without(text, &found, a);
    size_t *positions = xmalloc(sizeof *positions * text.n);
    struct scan s = { .m = m };
    scan_visible(&s, text, positions);
    for (size_t i = 0; i < s.found.count; i++)
        s.found.items[i] = (struct range){ positions[s.found.items[i].from], positions[s.found.items[i].to - 1] + 1 };
    free(positions);
    CLEANUP(ranges_fini) struct ranges seen = s.found;
    CLEANUP(ranges_fini) struct ranges all = merged(&found, &seen);
    return without(text, &all, a);
}

// Depth is bounded by the parser that made the tree.
static void mask_tree(struct mask *m, struct json *j, struct arena *a)
{
    if (j->type == JSON_STRING)
        j->text = mask_apply(m, j->text, a);
    // A secret made of digits is one as a number too; but not within one, which would make text of ordinary numbers.
    if (j->type == JSON_NUMBER && str_eq(mask_apply(m, j->text, a), STR(MASK_TEXT))) {
        j->type = JSON_STRING;
        j->text = STR(MASK_TEXT);
    }
    if (j->name.n)
        j->name = mask_apply(m, j->name, a);
    json_each(child, j)
        mask_tree(m, child, a);
}

const struct json *mask_apply_json(struct mask *m, const struct json *j, struct arena *a)
{
    if (m->count == 1)
        return j;
    struct json *copy = json_copy(a, j);
    mask_tree(m, copy, a);
    return copy;
}

// ---- lines ----

struct kept {
    struct kept *next;
    struct mask_line line; // its texts are ours
    size_t from, to;       // of the visible bytes of all lines
};

struct mask_lines {
    struct mask *m;
    struct scan scan;
    size_t node_count;  // of the mask when it was read last
    struct kept *first, **last;
};

#define CUT_MARK " [cut]" // how the worker ends a line that was too long

struct mask_lines *mask_lines_new(struct mask *m)
{
    struct mask_lines *l = xcalloc(1, sizeof *l);
    l->m = m;
    l->scan.m = m;
    l->last = &l->first;
    return l;
}

static void kept_free(struct kept *k)
{
    free((void *)(uintptr_t)k->line.level.p);
    free((void *)(uintptr_t)k->line.text.p);
    free(k);
}

void mask_lines_free(struct mask_lines *l)
{
    if (!l)
        return;
    while (l->first) {
        struct kept *k = l->first;
        l->first = k->next;
        kept_free(k);
    }
    ranges_fini(&l->scan.found);
    free(l);
}

static void read_line(struct mask_lines *l, struct kept *k)
{
    struct scan *s = &l->scan;
    str text = k->line.text;
    bool is_cut = str_ends(text, STR(CUT_MARK));
    k->from = s->break_at = s->at;
    scan_visible(s, is_cut ? str_sub(text, 0, text.n - STR(CUT_MARK).n) : text, NULL);
    size_t depth = s->m->nodes[s->node].depth;
    if (is_cut && depth >= MASK_MIN_BYTES)
        add_range(&s->found, s->at - depth, s->at); // half of a secret is too much as well
    if (is_cut)
        scan_visible(s, STR(CUT_MARK), NULL);
    k->to = s->at;
}

// A value that came to be known meanwhile: what was kept back is read anew.
static void read_again(struct mask_lines *l)
{
    link_nodes(l->m);
    if (l->node_count == l->m->count)
        return;
    l->node_count = l->m->count;
    l->scan.node = 0;
    l->scan.found.count = 0;
    l->scan.at = l->first ? l->first->from : l->scan.at;
    for (struct kept *k = l->first; k; k = k->next)
        read_line(l, k);
}

void mask_lines_add(struct mask_lines *l, const struct mask_line *line)
{
    struct kept *k = xcalloc(1, sizeof *k);
    k->line = (struct mask_line){ line->at_ms, { xmemdup(line->level.p, line->level.n), line->level.n }, { xmemdup(line->text.p, line->text.n), line->text.n } };
    read_again(l);
    *l->last = k;
    l->last = &k->next;
    read_line(l, k);
}

static str shown_text(struct mask_lines *l, const struct kept *k, struct arena *a)
{
    str text = k->line.text;
    struct scan positions_only = { .m = l->m };
    struct ranges *found = &l->scan.found;
    CLEANUP(ranges_fini) struct ranges here = { 0 }, raw = find_raw(l->m, text);
    CLEANUP(freep) size_t *positions = xmalloc(sizeof *positions * (text.n + 1));
    scan_visible(&positions_only, text, positions);
    ranges_fini(&positions_only.found);
    size_t passed = 0;
    for (size_t i = 0; i < found->count && found->items[i].from < k->to; i++) {
        struct range r = found->items[i];
        passed += r.to <= k->to;
        if (r.to > k->from && k->from < k->to)
            add_range(&here, positions[MAX(r.from, k->from) - k->from], positions[MIN(r.to, k->to) - 1 - k->from] + 1);
    }
    // Those that end here are done with.
    if (passed)
        memmove(found->items, found->items + passed, sizeof *found->items * (found->count - passed));
    found->count -= passed;
    CLEANUP(ranges_fini) struct ranges all = merged(&raw, &here);
    return without(text, &all, a);
}

// How much of the end of what was read may go on to be a form.
static size_t open_bytes(const struct scan *s)
{
    uint32_t n = s->node;
    while (n && !s->m->nodes[n].child)
        n = s->m->nodes[n].fail;
    return s->m->nodes[n].depth;
}

bool mask_lines_next(struct mask_lines *l, bool is_end, struct arena *a, struct mask_line *out)
{
    struct kept *k = l->first;
    if (!k)
        return false;
    read_again(l);
    size_t open = open_bytes(&l->scan);
    if (!is_end && open >= MASK_MIN_BYTES && k->to > l->scan.at - open)
        return false;
    *out = (struct mask_line){ k->line.at_ms, arena_str(a, k->line.level), arena_str(a, shown_text(l, k, a)) };
    l->first = k->next;
    if (!l->first)
        l->last = &l->first;
    kept_free(k);
    return true;
}
