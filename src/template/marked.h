// marked.h - text that knows where its bytes came from.
//
// A mark says that bytes are an event's or a secret's. Marks follow the bytes through values, filters,
// lists and navigation, and come out with the rendered text, so that a caller can refuse event bytes
// in a URL's authority and mask secrets. Where a filter does not keep byte by byte account, its whole
// result bears the marks of all its input: marks are never lost, at worst they spread.
//
// is_literal is the other half: a text to which event or secret bytes contributed is never parsed as
// a template again, nor is any part of it.
#pragma once

#include "base/arena.h"

enum { MARK_EVENT = 1, MARK_SECRET = 2 };

struct marked_range {
    uint32_t begin, end; // bytes [begin, end)
    uint32_t marks;
};

struct marked {
    str s;
    bool is_defined, is_literal;
    uint8_t marks;               // of any byte
    uint32_t range_count;        // 0 with marks: all bytes bear them
    const struct marked_range *ranges;
};

static inline struct marked marked_plain(str s)
{
    return (struct marked){ .s = s, .is_defined = true };
}

static inline struct marked marked_with(str s, uint8_t marks)
{
    return (struct marked){ .s = s, .is_defined = true, .is_literal = marks != 0, .marks = marks };
}

// A text made from `from`, all of it under from's marks.
static inline struct marked marked_from(struct marked from, str s)
{
    return (struct marked){ .s = s, .is_defined = true, .is_literal = from.is_literal, .marks = from.marks };
}

// Bytes [at, at + n) of m, clamped, keeping account.
struct marked marked_sub(struct arena *a, struct marked m, size_t at, size_t n);
uint8_t marked_at(const struct marked *m, size_t byte); // the marks of one byte

// Grows in an arena up to a maximum; what was written beyond `begin` can be taken back as a text.
struct marked_out {
    struct arena *a;
    char *p;
    size_t n, cap, max;
    struct marked_range *ranges;
    size_t range_count, range_cap, range_floor; // ranges below the floor are another text's
    bool is_full, is_literal;
};

void marked_out_grow(struct marked_out *out, size_t more);
void marked_add_ranges(struct marked_out *out, const struct marked *m);

static inline void marked_add_str(struct marked_out *out, str s)
{
    if (out->cap - out->n < s.n) {
        marked_out_grow(out, s.n);
        if (out->is_full)
            return;
    }
    if (s.n)
        memcpy(out->p + out->n, s.p, s.n);
    out->n += s.n;
}

static inline void marked_add(struct marked_out *out, const struct marked *m)
{
    if (m->marks)
        marked_add_ranges(out, m);
    out->is_literal |= m->is_literal && m->s.n;
    marked_add_str(out, m->s);
}

static inline void marked_add_char(struct marked_out *out, char c)
{
    if (out->n == out->cap) {
        marked_out_grow(out, 1);
        if (out->is_full)
            return;
    }
    out->p[out->n++] = c;
}

// Gives marks to bytes that were written without any: those from `begin` on.
void marked_set_marks(struct marked_out *out, size_t begin, uint8_t marks);

void marked_add_marks(struct marked_out *out, str s, uint8_t marks); // one text, one set of marks

struct marked_mark {
    size_t n, range_floor;
    bool is_literal;
};

// Remembers the place, and later takes what was written since as a text of its own.
static inline struct marked_mark marked_begin(struct marked_out *out)
{
    struct marked_mark mark = { out->n, out->range_floor, out->is_literal };
    out->range_floor = out->range_count;
    out->is_literal = false;
    return mark;
}
struct marked marked_take(struct marked_out *out, struct marked_mark begin);
struct marked marked_all(const struct marked_out *out); // all that was written, not copied
