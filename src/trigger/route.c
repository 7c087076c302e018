#include "trigger/route_internal.h"

#include <stdio.h>
#include <utf8proc.h>

// ---- characters ----

uint32_t route_char_at(str s, size_t at, size_t *bytes)
{
    uint8_t first = (uint8_t)s.p[at];
    if (first < 0x80) {
        *bytes = 1;
        return first;
    }
    utf8proc_int32_t c;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s.p + at, (utf8proc_ssize_t)(s.n - at), &c);
    if (n <= 0) {
        *bytes = 1;
        return 0x110000u + first; // equal to itself only
    }
    *bytes = (size_t)n;
    return (uint32_t)c;
}

uint32_t route_fold_char(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    if (c > 0x10FFFF || c == 0xDF) // the sharp s stays small
        return c;
    uint32_t upper = (uint32_t)utf8proc_toupper((utf8proc_int32_t)c);
    // .NET lets no letter outside ASCII become one inside (dotless i, long s).
    return upper < 0x80 ? c : upper;
}

str route_fold(struct arena *a, str s)
{
    bool is_same = true;
    for (size_t i = 0, n; i < s.n && is_same; i += n) {
        uint32_t c = route_char_at(s, i, &n);
        is_same = route_fold_char(c) == c;
    }
    if (is_same)
        return s;
    // A folded character may take one byte more than the original (U+023A, U+2C65), never two.
    char *out = arena_bytes(a, s.n * 2 + 4);
    size_t used = 0;
    for (size_t i = 0, n; i < s.n; i += n) {
        uint32_t c = route_fold_char(route_char_at(s, i, &n));
        if (c > 0x10FFFF)
            out[used++] = s.p[i];
        else
            used += (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out + used);
    }
    return (str){ out, used };
}

size_t route_utf16_length(str s)
{
    size_t length = 0;
    for (size_t i = 0, n; i < s.n; i += n) {
        uint32_t c = route_char_at(s, i, &n);
        length += c > 0xFFFF && c <= 0x10FFFF ? 2 : 1;
    }
    return length;
}

// ---- reading a template ----

struct reader {
    struct arena *arena;
    str whole, text; // text: without the prefix "/" or "~/"
    size_t at;       // in text
    struct err *e;
    str names[LIMIT_ROUTE_PARAMS];
    size_t name_count;
};

static size_t character_of(const struct reader *r, size_t at)
{
    size_t offset = (size_t)(r->text.p - r->whole.p) + at, character = 1;
    for (size_t i = 0; i < offset && i < r->whole.n; i++)
        character += ((uint8_t)r->whole.p[i] & 0xC0) != 0x80;
    return character;
}

static bool wrong_at(struct reader *r, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);

static bool wrong_at(struct reader *r, size_t at, const char *fmt, ...)
{
    char text[360];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_set(r->e, ERR_INVALID, "character %zu: %s", character_of(r, at), text);
}

static str without_doubled_braces(struct arena *a, str s)
{
    if (!str_has(s, '{') && !str_has(s, '}'))
        return s;
    char *out = arena_bytes(a, s.n);
    size_t used = 0;
    for (size_t i = 0; i < s.n; i++) {
        out[used++] = s.p[i];
        if ((s.p[i] == '{' || s.p[i] == '}') && i + 1 < s.n && s.p[i + 1] == s.p[i])
            i++;
    }
    return (str){ out, used };
}

static char peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.n ? r->text.p[r->at + ahead] : '\0';
}

static bool read_literal(struct reader *r, str *out)
{
    size_t start = r->at;
    while (r->at < r->text.n && r->text.p[r->at] != '/') {
        char c = r->text.p[r->at];
        if (c == '{' && peek(r, 1) != '{') {
            if (r->at + 1 >= r->text.n)
                return wrong_at(r, r->at, "this { is never closed; write {{ for a brace that is meant as text");
            break;
        }
        if (c == '}' && peek(r, 1) != '}')
            return wrong_at(r, r->at, "this } closes nothing; write }} for a brace that is meant as text");
        if (c == '?')
            return wrong_at(r, r->at, "a literal cannot hold ?; a path ends before it");
        r->at += c == '{' || c == '}' ? 2 : 1;
    }
    *out = without_doubled_braces(r->arena, str_sub(r->text, start, r->at - start));
    return true;
}

// What stands between the braces, at most; leaves r->at behind the closing one.
static bool read_braces(struct reader *r, str *inside)
{
    size_t start = r->at++;
    for (;;) {
        char c = peek(r, 0);
        if (r->at >= r->text.n)
            return wrong_at(r, start, "this { is never closed");
        if (c == '{') {
            if (peek(r, 1) != '{')
                return r->at + 1 >= r->text.n ? wrong_at(r, start, "this { is never closed")
                                              : wrong_at(r, r->at, "a { inside a parameter is written {{");
            r->at++;
        } else if (c == '}') {
            if (peek(r, 1) != '}') {
                r->at++;
                break;
            }
            r->at++;
        }
        r->at++;
    }
    *inside = without_doubled_braces(r->arena, str_sub(r->text, start + 1, r->at - start - 2));
    return true;
}

struct constraint_list {
    struct constraint items[LIMIT_ROUTE_CONSTRAINTS];
    size_t count;
};

static bool add_constraint(struct reader *r, size_t at, str text, struct constraint_list *list)
{
    if (list->count == COUNT(list->items))
        return wrong_at(r, at, "more than %zu constraints", COUNT(list->items));
    struct err why = { 0 };
    if (!constraint_parse(r->arena, text, &list->items[list->count], &why))
        return wrong_at(r, at, "%s", why.text);
    list->count++;
    return true;
}

// Constraints follow the name, each behind a colon. Where a parenthesis is open, colons and equals signs belong to the
// argument if it is closed anywhere later; it ends at a ) that is last or stands before : or =. `at` starts on the last
// character of the name (not behind it): ASP.NET does so too, which shows for names that end in "(".
// Leaves *at on the = of a default, or at the end.
static bool read_constraints(struct reader *r, size_t where, str text, size_t *at, struct constraint_list *list)
{
    enum { START, NAME, ARGUMENT } state = START;
    size_t i = *at, from = i;
    for (;; i++) {
        bool is_end = i >= text.n;
        char c = is_end ? '\0' : text.p[i];
        str so_far = i > from ? str_sub(text, from, i - from) : (str){ text.p, 0 };
        if (state == START) {
            if (is_end || c == '=')
                break;
            if (c == ':') {
                state = NAME;
                from = i + 1;
            } else if (c == '(') {
                state = ARGUMENT;
            }
        } else if (state == NAME) {
            if (!is_end && c == '(') {
                state = ARGUMENT;
                continue;
            }
            if (!is_end && c != ':' && c != '=')
                continue;
            if (so_far.n && !add_constraint(r, where, so_far, list))
                return false;
            if (is_end || c == '=')
                break;
            from = i + 1;
        } else if (is_end) {
            if (!add_constraint(r, where, so_far, list))
                return false;
            break;
        } else if (c == ')') {
            char next = i + 1 < text.n ? text.p[i + 1] : '\0';
            if (i + 1 < text.n && next != ':' && next != '=')
                continue;
            if (!add_constraint(r, where, str_sub(text, from, i + 1 - from), list))
                return false;
            if (next != ':') {
                i++;
                break;
            }
            state = START;
            from = i + 1;
        } else if (c == ':' || c == '=') {
            ptrdiff_t closing = str_find_char(str_skip(text, i + 1), ')');
            if (closing >= 0) {
                i += 1 + (size_t)closing;
                continue;
            }
            if (!add_constraint(r, where, so_far, list))
                return false;
            if (c == '=')
                break;
            state = NAME;
            from = i + 1;
        }
    }
    *at = MIN(i, text.n);
    return true;
}

static bool note_name(struct reader *r, size_t at, str name)
{
    if (!name.n)
        return wrong_at(r, at, "this parameter has no name");
    for (size_t i = 0; i < name.n; i++)
        if (strchr("/{}?*", name.p[i]))
            return wrong_at(r, at, "a parameter's name cannot hold / { } ? or *: \"%.*s\"", STR_ARG(name));
    str folded = route_fold(r->arena, name);
    for (size_t i = 0; i < r->name_count; i++)
        if (str_eq(r->names[i], folded))
            return wrong_at(r, at, "the parameter \"%.*s\" appears twice", STR_ARG(name));
    if (r->name_count == COUNT(r->names))
        return wrong_at(r, at, "more than %zu parameters", COUNT(r->names));
    r->names[r->name_count++] = folded;
    return true;
}

static bool read_param(struct reader *r, struct route_param **out)
{
    size_t start = r->at;
    str inside;
    if (!read_braces(r, &inside))
        return false;

    struct route_param *p = ARENA_NEW(r->arena, struct route_param);
    str text = inside;
    size_t stars = str_starts(text, STR("**")) ? 2 : str_starts(text, STR("*")) ? 1 : 0;
    p->is_catch_all = stars > 0;
    text = str_skip(text, stars);
    if (str_ends(inside, STR("?"))) {
        if (p->is_catch_all)
            return wrong_at(r, start, "a catch-all cannot be optional; it fits an empty rest anyway");
        p->is_optional = true;
        text.n -= text.n > 0;
    }

    // The first character belongs to the name whatever it is.
    size_t name_end = text.n ? 1 : 0;
    while (name_end < text.n && text.p[name_end] != ':' && text.p[name_end] != '=')
        name_end++;
    p->name = str_sub(text, 0, name_end);

    struct constraint_list list = { 0 };
    size_t at = name_end < text.n ? name_end - 1 : text.n;
    if (!note_name(r, start, p->name) || !read_constraints(r, start, text, &at, &list))
        return false;
    if (at < text.n && text.p[at] == '=') {
        p->has_default = true;
        p->otherwise = str_skip(text, at + 1);
        if (p->is_optional)
            return wrong_at(r, start, "an optional parameter cannot have a default too");
    }
    p->constraint_count = list.count;
    p->constraints = arena_alloc(r->arena, sizeof list.items[0] * MAX(list.count, 1u));
    memcpy(p->constraints, list.items, sizeof list.items[0] * list.count);
    *out = p;
    return true;
}

static bool check_segment(struct reader *r, size_t at, const struct route_segment *s)
{
    for (size_t i = 0; i < s->part_count && s->part_count > 1; i++) {
        const struct route_param *p = s->parts[i].param;
        if (!p)
            continue;
        if (p->is_catch_all)
            return wrong_at(r, at, "a catch-all stands alone in its segment: \"%.*s\"", STR_ARG(p->name));
        if (i > 0 && s->parts[i - 1].param)
            return wrong_at(r, at, "two parameters need a literal between them: \"%.*s\"", STR_ARG(p->name));
        if (!p->is_optional)
            continue;
        if (i + 1 < s->part_count)
            return wrong_at(r, at, "an optional parameter stands last in its segment: \"%.*s\"", STR_ARG(p->name));
        if (!str_eq(s->parts[i - 1].literal, STR(".")))
            return wrong_at(r, at, "only a single period can stand before an optional parameter: \"%.*s\"", STR_ARG(p->name));
    }
    return true;
}

static uint8_t rank_of(const struct route_segment *s)
{
    if (s->part_count > 1)
        return 2;
    const struct route_param *p = s->parts[0].param;
    if (!p)
        return 1;
    return (uint8_t)((p->is_catch_all ? 5 : 3) - (p->constraint_count > 0));
}

static bool read_segment(struct reader *r, struct route_segment *out)
{
    struct route_part parts[2 * LIMIT_ROUTE_PARAMS + 1];
    size_t count = 0, start = r->at;
    while (r->at < r->text.n && r->text.p[r->at] != '/') {
        if (count == COUNT(parts))
            return wrong_at(r, r->at, "more than %zu parts in one segment", COUNT(parts));
        struct route_part *part = &parts[count++];
        *part = (struct route_part){ 0 };
        bool is_param = peek(r, 0) == '{' && peek(r, 1) != '{' && r->at + 1 < r->text.n;
        if (is_param ? !read_param(r, &part->param) : !read_literal(r, &part->literal))
            return false;
    }
    *out = (struct route_segment){ .parts = arena_alloc(r->arena, count * sizeof parts[0]), .part_count = count };
    memcpy(out->parts, parts, count * sizeof parts[0]);
    out->rank = rank_of(out);
    if (count == 1 && !parts[0].param)
        out->folded = route_fold(r->arena, parts[0].literal);
    return check_segment(r, start, out);
}

bool route_parse(struct arena *a, str template, struct route **out, struct err *e)
{
    if (template.n > LIMIT_ROUTE_TEMPLATE_BYTES)
        return err_set(e, ERR_INVALID, "%zu bytes long; at most %d are allowed", template.n, LIMIT_ROUTE_TEMPLATE_BYTES);
    if (!str_is_utf8(template))
        return err_set(e, ERR_INVALID, "not well-formed UTF-8");
    if (str_has(template, '\0'))
        return err_set(e, ERR_INVALID, "holds a NUL, which no path can");
    template = arena_str(a, template);

    struct reader r = { .arena = a, .whole = template, .text = template, .e = e };
    if (str_starts(template, STR("~/")))
        r.text = str_skip(template, 2);
    else if (str_starts(template, STR("/")))
        r.text = str_skip(template, 1);
    else if (str_starts(template, STR("~")))
        return wrong_at(&r, 0, "~ must be followed by /");

    struct route_segment segments[LIMIT_ROUTE_SEGMENTS];
    struct route *route = ARENA_NEW(a, struct route);
    route->template = template;
    for (bool had_catch_all = false; r.at < r.text.n;) {
        if (r.text.p[r.at] == '/')
            return wrong_at(&r, r.at, "a segment cannot be empty (two slashes in a row)");
        if (had_catch_all)
            return wrong_at(&r, r.at, "a catch-all must be the last segment");
        if (route->segment_count == COUNT(segments))
            return wrong_at(&r, r.at, "more than %zu segments", COUNT(segments));
        struct route_segment *s = &segments[route->segment_count];
        if (!read_segment(&r, s))
            return false;
        had_catch_all = segment_param(s) && segment_param(s)->is_catch_all;
        route->ranks[route->segment_count++] = s->rank;
        r.at += r.at < r.text.n; // the slash
    }
    route->segments = arena_alloc(a, MAX(route->segment_count, 1u) * sizeof segments[0]);
    memcpy(route->segments, segments, route->segment_count * sizeof segments[0]);
    route->param_count = r.name_count;
    *out = route;
    return true;
}

bool segment_may_miss(const struct route_segment *s)
{
    const struct route_param *p = segment_param(s);
    return p && (p->is_optional || p->is_catch_all || p->has_default);
}

str route_value(const struct route_values *v, str name)
{
    for (size_t i = 0; i < v->count; i++)
        if (str_eq_nocase(v->items[i].name, name))
            return v->items[i].value;
    return (str){ 0 };
}
