// Filters that cut, join and compare text. Positions count UTF-16 units, as in the original.
#include "template/chars.h"
#include "template/filter.h"
#include "template/number.h"

static enum filter_outcome join(struct filter_call *c, bool is_after)
{
    if (!c->option_count)
        return FILTER_NOTHING;
    struct marked_out out = { .a = c->a, .max = c->max_bytes };
    if (is_after && c->argument.is_defined)
        marked_add(&out, &c->argument);
    for (size_t i = 0; i < c->option_count; i++)
        marked_add(&out, &c->options[i]);
    if (!is_after && c->argument.is_defined)
        marked_add(&out, &c->argument);
    if (out.is_full)
        return filter_exception(c, "the result would be longer than %zu MB", c->max_bytes >> 20);
    return filter_marked(c, marked_all(&out));
}

enum filter_outcome filter_append(struct filter_call *c)
{
    return join(c, true);
}

enum filter_outcome filter_prepend(struct filter_call *c)
{
    return join(c, false);
}

// A part of the argument; s points into it.
static enum filter_outcome give_part(struct filter_call *c, str s)
{
    return filter_marked(c, marked_sub(c->a, c->argument, s.n ? (size_t)(s.p - c->argument.s.p) : 0, s.n));
}

enum filter_outcome filter_trim(struct filter_call *c)
{
    if (!c->option_count)
        return give_part(c, chars_trim(c->argument.s));
    if (str_eq_nocase(filter_option(c, 0), STR("start")))
        return give_part(c, chars_trim_start(c->argument.s));
    if (str_eq_nocase(filter_option(c, 0), STR("end")))
        return give_part(c, chars_trim_end(c->argument.s));
    return FILTER_NOTHING;
}

// UTF-16 units [from, from + n). Half of a character beyond U+FFFF comes out as U+FFFD, which is what the
// original's lone surrogate becomes when it is written as UTF-8.
static struct marked part_of(struct filter_call *c, size_t from, size_t n)
{
    bool starts_inside, ends_inside;
    size_t begin = chars_utf16_offset(c->argument.s, from, &starts_inside), end = chars_utf16_offset(c->argument.s, from + n, &ends_inside);
    if (!n)
        return marked_from(c->argument, STR(""));
    size_t length = 0;
    if (starts_inside)
        chars_decode(c->argument.s.p + begin, c->argument.s.n - begin, &length);
    struct marked middle = marked_sub(c->a, c->argument, begin + length, end > begin + length ? end - begin - length : 0);
    if (!starts_inside && !ends_inside)
        return middle;
    struct marked_out out = { .a = c->a, .max = c->max_bytes };
    if (starts_inside)
        marked_add_marks(&out, STR("\ufffd"), c->argument.marks);
    marked_add(&out, &middle);
    if (ends_inside)
        marked_add_marks(&out, STR("\ufffd"), c->argument.marks);
    struct marked all = marked_all(&out);
    all.is_literal |= c->argument.is_literal;
    return all;
}

enum filter_outcome filter_truncate(struct filter_call *c)
{
    int32_t n;
    if (!c->option_count || !number_read_int(filter_option(c, 0), &n) || n < 0)
        return FILTER_NOTHING;
    if ((size_t)n >= chars_utf16_length(c->argument.s))
        return filter_marked(c, c->argument);
    struct marked_out out = { .a = c->a, .max = c->max_bytes };
    struct marked kept = part_of(c, 0, (size_t)n), dots = marked_plain(STR("..."));
    marked_add(&out, &kept);
    marked_add(&out, c->option_count > 1 ? &c->options[1] : &dots);
    struct marked all = marked_all(&out);
    all.is_literal |= c->argument.is_literal && kept.s.n;
    return filter_marked(c, all);
}

enum filter_outcome filter_substring(struct filter_call *c)
{
    int32_t numbers[2] = { 0 };
    if (!c->option_count || c->option_count > 2)
        return FILTER_NOTHING;
    for (size_t i = 0; i < c->option_count; i++)
        if (!number_read_int(filter_option(c, i), &numbers[i]) || numbers[i] < 0)
            return FILTER_NOTHING;
    int32_t from = c->option_count == 2 ? numbers[0] : 0, n = numbers[c->option_count - 1], end;
    size_t length = chars_utf16_length(c->argument.s);
    if ((size_t)from > length)
        return FILTER_NOTHING;
    if (__builtin_add_overflow(from, n, &end))
        return filter_exception(c, "ArgumentOutOfRangeException: %d and %d together exceed 2147483647", from, n);
    return filter_marked(c, part_of(c, (size_t)from, MIN((size_t)n, length - (size_t)from)));
}

struct indent {
    struct marked first, rest;
};

static struct marked spaces(struct filter_call *c, int32_t n)
{
    char *p = arena_bytes(c->a, (size_t)n + 1);
    memset(p, ' ', (size_t)n);
    return marked_plain((str){ p, (size_t)n });
}

// "n", "first/rest" or "/rest" in one to three digits, each at most 255.
static bool read_sizes(str s, int32_t *first, int32_t *rest)
{
    ptrdiff_t slash = str_find_char(s, '/');
    str parts[2] = { slash < 0 ? s : str_sub(s, 0, (size_t)slash), slash < 0 ? s : str_skip(s, (size_t)slash + 1) };
    int32_t *out[2] = { first, rest };
    if (s.n && s.p[s.n - 1] == '\n') // "$" stands before a last line break too
        parts[1].n--, parts[0].n -= slash < 0;
    for (int i = 0; i < 2; i++) {
        if (!parts[i].n && i == 0 && slash == 0) {
            *first = 0;
            continue;
        }
        if (!parts[i].n || parts[i].n > 3)
            return false;
        for (size_t j = 0; j < parts[i].n; j++)
            if (parts[i].p[j] < '0' || parts[i].p[j] > '9')
                return false;
        if (!number_read_int(parts[i], out[i]) || *out[i] > 255)
            return false;
    }
    return true;
}

enum filter_outcome filter_indent(struct filter_call *c)
{
    if (!c->argument.s.n)
        return filter_marked(c, c->argument);
    struct indent indent;
    int32_t first, rest;
    if (!c->option_count) {
        indent.first = indent.rest = spaces(c, 4);
    } else if (c->option_count == 1 && read_sizes(filter_option(c, 0), &first, &rest)) {
        indent.first = spaces(c, first);
        indent.rest = spaces(c, rest);
    } else if (c->option_count <= 2) {
        indent.first = c->options[0];
        indent.rest = c->options[c->option_count - 1];
    } else {
        return FILTER_NOTHING;
    }

    struct marked_out out = { .a = c->a, .max = c->max_bytes };
    marked_add(&out, &indent.first);
    for (size_t at = 0; at < c->argument.s.n && !out.is_full;) {
        ptrdiff_t line = str_find_char(str_skip(c->argument.s, at), '\n');
        size_t n = line < 0 ? c->argument.s.n - at : (size_t)line + 1;
        struct marked piece = marked_sub(c->a, c->argument, at, n);
        marked_add(&out, &piece);
        if (line >= 0)
            marked_add(&out, &indent.rest);
        at += n;
    }
    if (out.is_full)
        return filter_exception(c, "the result would be longer than %zu MB", c->max_bytes >> 20);
    struct marked all = marked_all(&out);
    all.is_literal |= c->argument.is_literal;
    return filter_marked(c, all);
}

static void map_case(struct marked_out *out, str piece, uint32_t (*map)(uint32_t))
{
    size_t length;
    char text[4];
    for (size_t i = 0; i < piece.n; i += length) {
        uint32_t c = map(chars_decode(piece.p + i, piece.n - i, &length));
        if (c < 128)
            marked_add_char(out, (char)c);
        else
            marked_add_str(out, (str){ text, chars_encode(c, text) });
    }
}

static void map_upper(struct marked_out *out, str piece, size_t at)
{
    map_case(out, piece, chars_upper);
}

static void map_lower(struct marked_out *out, str piece, size_t at)
{
    map_case(out, piece, chars_lower);
}

enum filter_outcome filter_to_upper(struct filter_call *c)
{
    return c->option_count ? FILTER_NOTHING : filter_map(c, map_upper);
}

enum filter_outcome filter_to_lower(struct filter_call *c)
{
    return c->option_count ? FILTER_NOTHING : filter_map(c, map_lower);
}

enum filter_outcome filter_contains(struct filter_call *c)
{
    return c->option_count != 1 ? FILTER_NOTHING : filter_bool(c, !filter_option(c, 0).n || str_find(c->argument.s, filter_option(c, 0)) >= 0);
}

enum filter_outcome filter_starts_with(struct filter_call *c)
{
    return c->option_count != 1 ? FILTER_NOTHING : filter_bool(c, str_starts(c->argument.s, filter_option(c, 0)));
}

enum filter_outcome filter_ends_with(struct filter_call *c)
{
    return c->option_count != 1 ? FILTER_NOTHING : filter_bool(c, str_ends(c->argument.s, filter_option(c, 0)));
}
