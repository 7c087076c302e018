#include "trigger/route_internal.h"

// Two routes of equal precedence have the same kind of segment at each place. They clash where every place has a text both
// take. Such a text is looked for among likely ones; where none is found, the clash must be disproved from what is known of
// all texts a segment takes (its `shape`). What is neither shown nor disproved counts as a clash.

struct chars {
    uint64_t ascii[2];
    bool others; // anything above U+007F
};

static void chars_add(struct chars *c, char first, char last)
{
    for (int i = (uint8_t)first; i <= (uint8_t)last; i++)
        c->ascii[i >> 6] |= 1ull << (i & 63);
}

static void chars_add_nocase(struct chars *c, char first, char last)
{
    for (int i = (uint8_t)first; i <= (uint8_t)last; i++) {
        chars_add(c, (char)i, (char)i);
        bool is_letter = (i | 0x20) >= 'a' && (i | 0x20) <= 'z';
        if (is_letter)
            chars_add(c, (char)(i ^ 0x20), (char)(i ^ 0x20));
        c->others |= is_letter && strchr("ks", i | 0x20); // the Kelvin sign and the long s
    }
}

static void chars_add_text(struct chars *c, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] < 0x80)
            chars_add_nocase(c, s.p[i], s.p[i]);
        else
            c->others = true;
    }
}

static struct chars chars_of(const char *text)
{
    struct chars c = { 0 };
    chars_add_text(&c, str_from(text));
    return c;
}

static bool chars_meet(const struct chars *x, const struct chars *y)
{
    return (x->ascii[0] & y->ascii[0]) || (x->ascii[1] & y->ascii[1]) || (x->others && y->others);
}

static void chars_keep(struct chars *x, const struct chars *y)
{
    x->ascii[0] &= y->ascii[0];
    x->ascii[1] &= y->ascii[1];
    x->others &= y->others;
}

static void chars_join(struct chars *x, const struct chars *y)
{
    x->ascii[0] |= y->ascii[0];
    x->ascii[1] |= y->ascii[1];
    x->others |= y->others;
}

// What holds for every text that fits.
struct shape {
    struct chars allowed;
    struct chars needed[32]; // at least one character of each
    size_t needed_count;
    int64_t min_length, max_length; // UTF-16
    int64_t low, high;              // as a number, where is_number
    bool is_number, is_date, is_file, is_nonfile;
    str prefix, suffix; // case does not count
};

#define ENDLESS (INT64_MAX / 4)
static const char digits[] = "0123456789";

static void need(struct shape *s, struct chars c)
{
    if (s->needed_count < COUNT(s->needed))
        s->needed[s->needed_count++] = c;
}

static void allow(struct shape *s, const char *text, bool others)
{
    struct chars c = chars_of(text);
    c.others = others;
    chars_keep(&s->allowed, &c);
}

static void number_between(struct shape *s, int64_t low, int64_t high)
{
    allow(s, "0123456789+- \t\n\v\f\r", false);
    need(s, chars_of(digits));
    s->low = s->is_number ? MAX(s->low, low) : low;
    s->high = s->is_number ? MIN(s->high, high) : high;
    s->is_number = true;
}

static void length_between(struct shape *s, int64_t low, int64_t high)
{
    s->min_length = MAX(s->min_length, low);
    s->max_length = MIN(s->max_length, high);
}

// ---- regular expressions: only ^ with plain characters and classes behind it is understood ----

struct atom {
    struct chars chars;
    char single; // the one character, or 0
};

static bool read_class(str *p, struct atom *out)
{
    *p = str_skip(*p, 1);
    if (!p->n || p->p[0] == '^' || p->p[0] == ']')
        return false;
    while (p->n && p->p[0] != ']') {
        char first = p->p[0], last = first;
        if (first == '\\' && p->n > 1 && p->p[1] == 'd') {
            chars_add(&out->chars, '0', '9');
            out->chars.others = true;
            *p = str_skip(*p, 2);
            continue;
        }
        if ((uint8_t)first >= 0x80 || strchr("\\[", first))
            return false;
        if (p->n > 2 && p->p[1] == '-' && p->p[2] != ']') {
            last = p->p[2];
            if ((uint8_t)last >= 0x80 || strchr("\\[", last) || last < first)
                return false;
            *p = str_skip(*p, 2);
        }
        chars_add_nocase(&out->chars, first, last);
        *p = str_skip(*p, 1);
    }
    bool is_closed = p->n > 0;
    *p = str_skip(*p, 1);
    return is_closed;
}

static bool read_atom(str *p, struct atom *out)
{
    *out = (struct atom){ 0 };
    char c = p->p[0];
    if (c == '[')
        return read_class(p, out);
    size_t n = 1;
    if (c == '\\') {
        if (p->n < 2)
            return false;
        c = p->p[1];
        n = 2;
        if (c == 'd') {
            chars_add(&out->chars, '0', '9');
            out->chars.others = true;
            *p = str_skip(*p, 2);
            return true;
        }
        if (!strchr(".-+*?()[]{}|^$/", c))
            return false;
    } else if ((uint8_t)c >= 0x80 || strchr(".+*?()[]{}|^$", c)) {
        return false;
    }
    chars_add_nocase(&out->chars, c, c);
    out->single = c;
    *p = str_skip(*p, n);
    return true;
}

// Once, where nothing stands.
static bool read_repeat(str *p, int64_t *low, int64_t *high)
{
    *low = *high = 1;
    if (!p->n || !strchr("?*+{", p->p[0]))
        return true;
    if (p->p[0] != '{') {
        *low = p->p[0] == '+';
        *high = p->p[0] == '?' ? 1 : ENDLESS;
        *p = str_skip(*p, 1);
    } else {
        ptrdiff_t close = str_find_char(*p, '}');
        if (close < 0)
            return false;
        str inside = str_sub(*p, 1, (size_t)close - 1), first = { 0 }, second = { 0 };
        str_split(&inside, ',', &first);
        bool is_range = str_split(&inside, ',', &second);
        if (!str_to_i64(first, low) || *low < 0 || *low > 10000)
            return false;
        *high = *low;
        if (is_range && !second.n)
            *high = ENDLESS;
        else if (is_range && (!str_to_i64(second, high) || *high < *low || *high > 10000))
            return false;
        *p = str_skip(*p, (size_t)close + 1);
    }
    return !p->n || !strchr("?+*{", p->p[0]); // lazy and possessive ones are left alone
}

static void shape_regex(struct arena *a, struct shape *s, str pattern)
{
    if (!str_starts(pattern, STR("^")) || str_has(pattern, '|') || str_find(pattern, STR("(?")) >= 0)
        return;
    str p = str_skip(pattern, 1);
    char *prefix = arena_bytes(a, pattern.n);
    size_t prefix_bytes = 0;
    int64_t low = 0, high = 0;
    struct chars all = { 0 }, atoms[16];
    size_t atom_count = 0;
    bool in_prefix = true;
    while (p.n && !str_eq(p, STR("$"))) {
        struct atom atom;
        int64_t from, to;
        if (!read_atom(&p, &atom) || !read_repeat(&p, &from, &to))
            break;
        in_prefix &= atom.single != 0 && from > 0;
        if (in_prefix) {
            prefix[prefix_bytes++] = atom.single;
            in_prefix = from == 1 && to == 1;
        }
        if (from > 0 && atom_count < COUNT(atoms))
            atoms[atom_count++] = atom.chars;
        low += from;
        high = MIN(high + to, ENDLESS);
        chars_join(&all, &atom.chars);
    }
    // Letters that another letter folds to keep out of it: k and s.
    size_t sure = 0;
    while (sure < prefix_bytes && !strchr("ksKS", prefix[sure]))
        sure++;
    if (sure > s->prefix.n)
        s->prefix = (str){ prefix, sure };
    for (size_t i = 0; i < atom_count; i++)
        need(s, atoms[i]);
    length_between(s, low, ENDLESS);
    if (str_eq(p, STR("$"))) { // a line feed may stand behind the end
        chars_add(&all, '\n', '\n');
        chars_keep(&s->allowed, &all);
        length_between(s, low, high + 1);
    }
}

// ---- shapes ----

static void shape_constraint(struct arena *a, struct shape *s, const struct constraint *c)
{
    switch (c->kind) {
    case CONSTRAINT_INT: number_between(s, INT32_MIN, INT32_MAX); break;
    case CONSTRAINT_LONG: number_between(s, INT64_MIN, INT64_MAX); break;
    case CONSTRAINT_MIN: number_between(s, c->low, INT64_MAX); break;
    case CONSTRAINT_MAX: number_between(s, INT64_MIN, c->low); break;
    case CONSTRAINT_RANGE: number_between(s, c->low, c->high); break;
    case CONSTRAINT_GUID:
        allow(s, "0123456789abcdefx-,(){} \t\n\v\f\r", true);
        length_between(s, 32, ENDLESS);
        break;
    case CONSTRAINT_BOOL:
        allow(s, "truefals \t\n\v\f\r", true);
        need(s, chars_of("e"));
        need(s, chars_of("tl"));
        break;
    case CONSTRAINT_DATETIME:
        s->is_date = true;
        need(s, chars_of(digits));
        break;
    case CONSTRAINT_DECIMAL:
        allow(s, "0123456789+-., \t\n\v\f\r", false);
        need(s, chars_of(digits));
        break;
    case CONSTRAINT_DOUBLE:
    case CONSTRAINT_FLOAT:
        allow(s, "0123456789+-.,einfatyn \t\n\v\f\r", false);
        need(s, chars_of("0123456789n"));
        break;
    case CONSTRAINT_ALPHA: allow(s, "abcdefghijklmnopqrstuvwxyz\n", false); break;
    case CONSTRAINT_REGEX: shape_regex(a, s, c->pattern); break;
    case CONSTRAINT_LENGTH: length_between(s, c->low, c->high); break;
    case CONSTRAINT_MINLENGTH: length_between(s, c->low, ENDLESS); break;
    case CONSTRAINT_MAXLENGTH: length_between(s, 0, c->low); break;
    case CONSTRAINT_REQUIRED: length_between(s, 1, ENDLESS); break;
    case CONSTRAINT_FILE:
        s->is_file = true;
        need(s, chars_of("."));
        break;
    case CONSTRAINT_NONFILE: s->is_nonfile = true; break;
    }
}

static struct shape shape_any(bool with_slash)
{
    struct shape s = { .max_length = ENDLESS, .min_length = with_slash ? 0 : 1, .allowed = { { UINT64_MAX, UINT64_MAX }, true } };
    if (!with_slash)
        s.allowed.ascii[0] &= ~(1ull << '/');
    return s;
}

static struct shape shape_param(struct arena *a, const struct route_param *p)
{
    struct shape s = shape_any(p->is_catch_all);
    for (size_t i = 0; i < p->constraint_count; i++)
        shape_constraint(a, &s, &p->constraints[i]);
    return s;
}

static struct shape shape_segment(struct arena *a, const struct route_segment *s)
{
    if (segment_param(s))
        return shape_param(a, segment_param(s));
    struct shape whole = shape_any(false);
    whole.allowed = (struct chars){ 0 };
    whole.min_length = whole.max_length = 0;
    const struct route_param *last = s->parts[s->part_count - 1].param;
    bool last_may_miss = s->part_count > 1 && last && last->is_optional;
    for (size_t i = 0; i < s->part_count; i++) {
        const struct route_part *part = &s->parts[i];
        bool may_miss = last_may_miss && i + 2 >= s->part_count;
        if (part->param) {
            struct shape one = shape_param(a, part->param);
            chars_join(&whole.allowed, &one.allowed);
            whole.min_length += may_miss ? 0 : MAX(one.min_length, 1);
            whole.max_length = MIN(whole.max_length + one.max_length, ENDLESS);
            for (size_t k = 0; k < one.needed_count && !may_miss; k++)
                need(&whole, one.needed[k]);
            continue;
        }
        int64_t length = (int64_t)route_utf16_length(part->literal);
        chars_add_text(&whole.allowed, part->literal);
        whole.max_length = MIN(whole.max_length + length, ENDLESS);
        if (may_miss)
            continue;
        whole.min_length += length;
        for (size_t k = 0; k < part->literal.n && k < 8; k++) {
            struct chars c = { 0 };
            chars_add_text(&c, str_sub(part->literal, k, 1));
            need(&whole, c);
        }
        if (i == 0)
            whole.prefix = part->literal;
        if (i == s->part_count - 1)
            whole.suffix = part->literal;
    }
    return whole;
}

static int64_t digits_in(int64_t v)
{
    int64_t n = 1;
    for (uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v; left >= 10; left /= 10)
        n++;
    return n;
}

static bool keeps_to(const struct chars *allowed, str text)
{
    for (size_t i = 0; i < text.n; i++) {
        struct chars one = { 0 };
        chars_add_text(&one, str_sub(text, i, 1));
        if (!chars_meet(allowed, &one))
            return false;
    }
    return true;
}

static bool are_apart(struct arena *a, const struct shape *x, const struct shape *y)
{
    struct chars both = x->allowed;
    chars_keep(&both, &y->allowed);
    int64_t low = x->is_number && y->is_number ? MAX(x->low, y->low) : x->is_number ? x->low : y->low;
    int64_t high = x->is_number && y->is_number ? MIN(x->high, y->high) : x->is_number ? x->high : y->high;
    int64_t min_length = MAX(x->min_length, y->min_length), max_length = MIN(x->max_length, y->max_length);
    if (x->is_number || y->is_number) {
        if (low > high)
            return true;
        min_length = MAX(min_length, low > 0 ? digits_in(low) : high < 0 ? 1 + digits_in(high) : 1);
    }
    static const struct chars nothing;
    if (min_length > max_length || (min_length > 0 && !memcmp(&both, &nothing, sizeof both)))
        return true;
    if ((x->is_number && y->is_date) || (x->is_date && y->is_number)) // one whole number is no date
        return true;
    if ((x->is_file && y->is_nonfile) || (x->is_nonfile && y->is_file))
        return true;
    for (size_t i = 0; i < x->needed_count; i++)
        if (!chars_meet(&x->needed[i], &both))
            return true;
    for (size_t i = 0; i < y->needed_count; i++)
        if (!chars_meet(&y->needed[i], &both))
            return true;
    if (!keeps_to(&both, x->prefix) || !keeps_to(&both, y->prefix) || !keeps_to(&both, x->suffix) || !keeps_to(&both, y->suffix))
        return true;
    str p = route_fold(a, x->prefix), q = route_fold(a, y->prefix), v = route_fold(a, x->suffix), w = route_fold(a, y->suffix);
    return (!str_starts(p, q) && !str_starts(q, p)) || (!str_ends(v, w) && !str_ends(w, v));
}

// ---- texts to try ----

struct tries {
    struct arena *arena;
    str items[400];
    size_t count;
};

static void try_text(struct tries *t, str text)
{
    if (t->count < COUNT(t->items) && text.n <= 200)
        t->items[t->count++] = text;
}

static void try_length(struct tries *t, int64_t length)
{
    static const char letters[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    if (length < 1 || length > 63)
        return;
    try_text(t, (str){ letters, (size_t)length });
    try_text(t, arena_printf(t->arena, "%.*s1", (int)length - 1, zeros));
    try_text(t, arena_printf(t->arena, "a.%.*s", (int)MAX(length - 2, 1), letters));
}

static void try_constraints(struct tries *t, const struct route_param *p)
{
    for (size_t i = 0; i < p->constraint_count; i++) {
        const struct constraint *c = &p->constraints[i];
        bool is_length = c->kind == CONSTRAINT_LENGTH || c->kind == CONSTRAINT_MINLENGTH || c->kind == CONSTRAINT_MAXLENGTH;
        if (is_length) {
            try_length(t, c->low);
            try_length(t, c->high);
        } else if (c->kind == CONSTRAINT_MIN || c->kind == CONSTRAINT_MAX || c->kind == CONSTRAINT_RANGE) {
            try_text(t, arena_printf(t->arena, "%" PRId64, c->low));
            try_text(t, arena_printf(t->arena, "%" PRId64, c->high));
        } else if (c->kind == CONSTRAINT_REGEX) {
            struct shape s = shape_any(true);
            shape_regex(t->arena, &s, c->pattern);
            static const char *const ends[] = { "", "1", "a", "12", "ab", "-1", "1234" };
            for (size_t k = 0; k < COUNT(ends); k++)
                try_text(t, arena_concat(t->arena, s.prefix, str_from(ends[k])));
        }
    }
}

// The segment with `text` for each of its parameters.
static str instance(struct arena *a, const struct route_segment *s, str text)
{
    str whole = { "", 0 };
    for (size_t i = 0; i < s->part_count; i++)
        whole = arena_concat(a, whole, s->parts[i].param ? text : s->parts[i].literal);
    return whole;
}

static void gather(struct tries *t, const struct route_segment *x, const struct route_segment *y)
{
    static const char *const usual[] = { "1", "a", "12", "ab", "0", "-1", "true", "1.5", "a.b", "a-b", "NaN", "abc", "2020-01-01", "6f9619ff-8b86-d011-b42d-00c04fc964ff",
                                         "00000000000000000000000000000001" };
    for (size_t i = 0; i < COUNT(usual); i++)
        try_text(t, str_from(usual[i]));
    const struct route_segment *both[] = { x, y };
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < both[k]->part_count; i++)
            if (both[k]->parts[i].param)
                try_constraints(t, both[k]->parts[i].param);
    size_t plain = t->count;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < plain && !segment_is_simple(both[k]); i++)
            try_text(t, instance(t->arena, both[k], t->items[i]));
    // One inside the other: {a}-{b} and {c}.{d} meet in 1.1-1.1.
    if (!segment_is_simple(x) && !segment_is_simple(y)) {
        try_text(t, instance(t->arena, x, instance(t->arena, y, STR("1"))));
        try_text(t, instance(t->arena, y, instance(t->arena, x, STR("1"))));
        try_text(t, instance(t->arena, x, instance(t->arena, y, STR("a"))));
        try_text(t, instance(t->arena, y, instance(t->arena, x, STR("a"))));
        try_text(t, arena_concat(t->arena, instance(t->arena, x, STR("1")), instance(t->arena, y, STR("1"))));
        try_text(t, arena_concat(t->arena, instance(t->arena, y, STR("1")), instance(t->arena, x, STR("1"))));
    }
}

static bool segment_fits(struct arena *a, const struct route_segment *s, str text)
{
    if (segment_param(s))
        return text.n && (segment_param(s)->is_catch_all || !str_has(text, '/')) && param_fits(segment_param(s), text, a);
    struct route_values values = { .items = ARENA_ARRAY(a, struct route_value, s->part_count) };
    if (str_has(text, '/') || !route_complex_fits(s, text, &values))
        return false;
    for (size_t i = 0; i < values.count; i++)
        for (size_t k = 0; k < s->part_count; k++)
            if (s->parts[k].param && s->parts[k].param->name.p == values.items[i].name.p && !param_fits(s->parts[k].param, values.items[i].value, a))
                return false;
    return true;
}

enum meeting { MEET_NEVER, MEET_PERHAPS, MEET_AT };

static enum meeting meet(struct arena *a, const struct route_segment *x, const struct route_segment *y, str *text)
{
    if (x->rank == 1) {
        *text = x->parts[0].literal;
        return str_eq(x->folded, y->folded) ? MEET_AT : MEET_NEVER;
    }
    struct tries *t = ARENA_NEW(a, struct tries);
    t->arena = a;
    gather(t, x, y);
    for (size_t i = 0; i < t->count; i++)
        if (segment_fits(a, x, t->items[i]) && segment_fits(a, y, t->items[i])) {
            *text = t->items[i];
            return MEET_AT;
        }
    struct shape first = shape_segment(a, x), second = shape_segment(a, y);
    return are_apart(a, &first, &second) ? MEET_NEVER : MEET_PERHAPS;
}

static bool fits_left_out(struct arena *a, const struct route_segment *s)
{
    const struct route_param *p = segment_param(s);
    return segment_may_miss(s) && param_fits(p, p->has_default ? p->otherwise : (str){ 0 }, a);
}

bool route_conflict(const struct route *x, const struct route *y, struct arena *a, str *example)
{
    if (example)
        *example = (str){ "", 0 };
    if (memcmp(x->ranks, y->ranks, sizeof x->ranks))
        return false;
    str path = { "", 0 };
    bool all_known = true;
    // Each length a path may have, shortest first: what is left out there must be fine with both.
    for (size_t length = 0; length <= x->segment_count; length++) {
        bool ends_here = true;
        for (size_t i = length; i < x->segment_count && ends_here; i++)
            ends_here = fits_left_out(a, &x->segments[i]) && fits_left_out(a, &y->segments[i]);
        if (ends_here) {
            if (example && all_known)
                *example = path.n ? path : STR("/");
            return true;
        }
        str text = { "", 0 };
        enum meeting m = meet(a, &x->segments[length], &y->segments[length], &text);
        if (m == MEET_NEVER)
            return false;
        all_known &= m == MEET_AT;
        path = arena_printf(a, "%.*s/%.*s", STR_ARG(path), STR_ARG(text));
    }
    return false;
}
