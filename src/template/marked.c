#include "template/marked.h"

static uint8_t marks_of(const struct marked_range *ranges, size_t count)
{
    uint32_t marks = 0;
    for (size_t i = 0; i < count; i++)
        marks |= ranges[i].marks;
    return (uint8_t)marks;
}

struct marked marked_sub(struct arena *a, struct marked m, size_t at, size_t n)
{
    struct marked part = marked_from(m, str_sub(m.s, at, n));
    if (!m.range_count)
        return part;
    size_t end = at + part.s.n, count = 0;
    struct marked_range *ranges = ARENA_ARRAY(a, struct marked_range, m.range_count);
    for (size_t i = 0; i < m.range_count; i++) {
        const struct marked_range *r = &m.ranges[i];
        if (r->end > at && r->begin < end)
            ranges[count++] = (struct marked_range){ (uint32_t)(MAX(r->begin, at) - at), (uint32_t)(MIN(r->end, end) - at), r->marks };
    }
    part.ranges = ranges;
    part.range_count = (uint32_t)count;
    part.marks = marks_of(ranges, count);
    return part;
}

uint8_t marked_at(const struct marked *m, size_t byte)
{
    if (!m->range_count)
        return m->marks;
    for (size_t i = 0; i < m->range_count; i++)
        if (byte >= m->ranges[i].begin && byte < m->ranges[i].end)
            return (uint8_t)m->ranges[i].marks;
    return 0;
}

void marked_out_grow(struct marked_out *out, size_t more)
{
    if (out->is_full || more > out->max || out->n > out->max - more) {
        out->is_full = true;
        return;
    }
    size_t cap = out->cap ? out->cap * 2 : 256;
    cap = MIN(MAX(cap, out->n + more), out->max);
    char *p = arena_bytes(out->a, cap);
    if (out->n)
        memcpy(p, out->p, out->n);
    out->p = p;
    out->cap = cap;
}

static void add_range(struct marked_out *out, size_t begin, size_t end, uint32_t marks)
{
    if (begin == end || !marks)
        return;
    struct marked_range *last = out->range_count > out->range_floor ? &out->ranges[out->range_count - 1] : NULL;
    if (last && last->end == begin && last->marks == marks) {
        last->end = (uint32_t)end;
        return;
    }
    if (out->range_count == out->range_cap) {
        size_t cap = out->range_cap ? out->range_cap * 2 : 8;
        struct marked_range *ranges = arena_alloc(out->a, cap * sizeof *ranges);
        if (out->range_count)
            memcpy(ranges, out->ranges, out->range_count * sizeof *ranges);
        out->ranges = ranges;
        out->range_cap = cap;
    }
    out->ranges[out->range_count++] = (struct marked_range){ (uint32_t)begin, (uint32_t)end, marks };
}

void marked_add_ranges(struct marked_out *out, const struct marked *m)
{
    if (!m->range_count) {
        add_range(out, out->n, out->n + m->s.n, m->marks);
        return;
    }
    for (size_t i = 0; i < m->range_count; i++)
        add_range(out, out->n + m->ranges[i].begin, out->n + m->ranges[i].end, m->ranges[i].marks);
}

void marked_set_marks(struct marked_out *out, size_t begin, uint8_t marks)
{
    add_range(out, begin, out->n, marks);
}

void marked_add_marks(struct marked_out *out, str s, uint8_t marks)
{
    struct marked m = marked_with(s, marks);
    marked_add(out, &m);
}

struct marked marked_take(struct marked_out *out, struct marked_mark begin)
{
    str all = { out->p ? out->p + begin.n : "", out->n - begin.n };
    struct marked m = marked_plain(arena_str(out->a, all));
    size_t first = out->range_floor, count = out->range_count - first;
    if (count) {
        struct marked_range *ranges = arena_alloc(out->a, count * sizeof *ranges);
        memcpy(ranges, out->ranges + first, count * sizeof *ranges);
        for (size_t i = 0; i < count; i++) {
            ranges[i].begin -= (uint32_t)begin.n;
            ranges[i].end -= (uint32_t)begin.n;
        }
        m.ranges = ranges;
        m.range_count = (uint32_t)count;
        m.marks = marks_of(ranges, count);
    }
    m.is_literal = out->is_literal;
    out->n = begin.n;
    out->range_count = first;
    out->range_floor = begin.range_floor;
    out->is_literal = begin.is_literal;
    return m;
}

struct marked marked_all(const struct marked_out *out)
{
    return (struct marked){ .s = { out->p ? out->p : "", out->n },
        .is_defined = true,
        .is_literal = out->is_literal,
        .marks = marks_of(out->ranges, out->range_count),
        .range_count = (uint32_t)out->range_count,
        .ranges = out->ranges };
}
