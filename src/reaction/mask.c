#include "reaction/mask.h"

#include "base/encode.h"

struct mask {
    struct arena arena;
    str *needles; // longest first
    size_t count, cap;
};

struct mask *mask_new(void)
{
    return xcalloc(1, sizeof(struct mask));
}

void mask_free(struct mask *m)
{
    if (!m)
        return;
    free(m->needles);
    arena_fini(&m->arena);
    free(m);
}

static void add_needle(struct mask *m, str s)
{
    if (s.n < MASK_MIN_BYTES)
        return;
    for (size_t i = 0; i < m->count; i++)
        if (str_eq(m->needles[i], s))
            return;
    xgrow(&m->needles, &m->cap, m->count + 1, sizeof *m->needles);
    size_t at = m->count++;
    for (; at && m->needles[at - 1].n < s.n; at--)
        m->needles[at] = m->needles[at - 1];
    m->needles[at] = s;
}

static str xml_escaped(struct arena *a, str s)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '<': buf_add_text(&b, "&lt;"); break;
        case '>': buf_add_text(&b, "&gt;"); break;
        case '&': buf_add_text(&b, "&amp;"); break;
        case '"': buf_add_text(&b, "&quot;"); break;
        case '\'': buf_add_text(&b, "&#39;"); break;
        default: buf_add_char(&b, s.p[i]);
        }
    return arena_str(a, buf_str(&b));
}

// Base64 of a text that holds the value at any place: what stands firm whatever comes before and after.
static void add_base64(struct mask *m, str value)
{
    for (size_t shift = 0; shift < 3; shift++) {
        str padded = arena_concat(&m->arena, str_sub(STR("\0\0"), 0, shift), value);
        str text = base64_encode(&m->arena, padded, BASE64_STANDARD);
        size_t skip = shift ? shift + 1 : 0, firm = padded.n / 3 * 4; // digits touched by what stands before, or after
        if (firm > skip)
            add_needle(m, str_sub(text, skip, firm - skip));
    }
}

void mask_add(struct mask *m, str value)
{
    struct arena *a = &m->arena;
    value = arena_str(a, value);
    if (str_trim(value).n < MASK_MIN_BYTES)
        return;
    add_needle(m, value);
    str rest = value, line;
    if (str_has(value, '\n'))
        while (str_split(&rest, '\n', &line))
            if (str_trim(line).n >= 8)
                add_needle(m, str_trim(line));
    CLEANUP(buf_fini) struct buf json = { 0 };
    json_write_string(&json, value);
    add_needle(m, arena_str(a, str_sub(buf_str(&json), 1, json.n - 2)));
    add_needle(m, percent_encode(a, value));
    add_needle(m, xml_escaped(a, value));
    str hex = hex_encode(a, value);
    add_needle(m, hex);
    char *upper = xmemdup(hex.p, hex.n);
    for (size_t i = 0; i < hex.n; i++)
        if (upper[i] >= 'a')
            upper[i] = (char)(upper[i] - 32);
    add_needle(m, arena_str(a, (str){ upper, hex.n }));
    free(upper);
    if (value.n >= 8)
        add_base64(m, value);
}

str mask_apply(const struct mask *m, str text, struct arena *a)
{
    for (size_t i = 0; i < m->count; i++) {
        ptrdiff_t at = str_find(text, m->needles[i]);
        if (at < 0)
            continue;
        CLEANUP(buf_fini) struct buf b = { 0 };
        str rest = text;
        for (; at >= 0; at = str_find(rest, m->needles[i])) {
            buf_add(&b, str_sub(rest, 0, (size_t)at));
            buf_add_text(&b, MASK_TEXT);
            rest = str_skip(rest, (size_t)at + m->needles[i].n);
        }
        buf_add(&b, rest);
        text = arena_str(a, buf_str(&b));
    }
    return text;
}

// Depth is bounded by the parser that made the tree.
static void mask_tree(const struct mask *m, struct json *j, struct arena *a)
{
    if (j->type == JSON_STRING)
        j->text = mask_apply(m, j->text, a);
    if (j->name.n)
        j->name = mask_apply(m, j->name, a);
    json_each(child, j)
        mask_tree(m, child, a);
}

struct json *mask_apply_json(const struct mask *m, const struct json *j, struct arena *a)
{
    struct json *copy = json_copy(a, j);
    if (m->count)
        mask_tree(m, copy, a);
    return copy;
}
