#include "template/loose.h"

#include "base/limits.h"
#include "base/map.h"
#include "template/chars.h"
#include "template/number.h"

#include <math.h>

struct reader {
    struct arena *a;
    str s;
    size_t at;
    size_t nodes;
    bool has_token;
    struct loose *comments_of; // the array whose comments are elements: only where the whole is an array
    struct map names[LIMIT_JSON_DEPTH]; // of open objects that have many members
};

static void reader_fini(struct reader *r)
{
    for (size_t i = 0; i < COUNT(r->names); i++)
        map_fini(&r->names[i]);
}

static char peek(const struct reader *r)
{
    return r->at < r->s.n ? r->s.p[r->at] : '\0';
}

static bool is_end(const struct reader *r)
{
    return r->at >= r->s.n;
}

static struct loose *new_node(struct reader *r, enum loose_type type)
{
    struct loose *node = ARENA_NEW(r->a, struct loose);
    node->type = type;
    r->nodes++;
    return node;
}

static void link_last(struct loose *parent, struct loose *child)
{
    child->previous = parent->last;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static void add_comment(struct reader *r, size_t from, size_t n)
{
    if (!r->comments_of)
        return;
    struct loose *comment = new_node(r, LOOSE_COMMENT);
    comment->text = str_sub(r->s, from, n);
    link_last(r->comments_of, comment);
}

// White space and comments. False for a comment that is none or does not end.
static bool skip(struct reader *r)
{
    size_t length;
    for (;;) {
        while (!is_end(r) && chars_is_space(chars_decode(r->s.p + r->at, r->s.n - r->at, &length)))
            r->at += length;
        if (peek(r) != '/')
            return true;
        char kind = r->at + 1 < r->s.n ? r->s.p[r->at + 1] : '\0';
        size_t from = r->at + 2;
        if (kind == '/') {
            while (!is_end(r) && peek(r) != '\n' && peek(r) != '\r')
                r->at++;
            add_comment(r, from, r->at - from);
        } else if (kind == '*') {
            ptrdiff_t end = str_find(str_skip(r->s, from), STR("*/"));
            if (end < 0)
                return false;
            add_comment(r, from, (size_t)end);
            r->at = from + (size_t)end + 2;
        } else {
            return false;
        }
    }
}

static bool read_hex4(struct reader *r, uint32_t *out)
{
    *out = 0;
    if (r->s.n - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = r->s.p[r->at++], low = (char)(c | 32);
        if (c >= '0' && c <= '9')
            *out = *out << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *out = *out << 4 | (uint32_t)(low - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool read_escape(struct reader *r, char **to)
{
    char c = peek(r);
    r->at++;
    switch (c) {
    case 'b': *(*to)++ = '\b'; return true;
    case 't': *(*to)++ = '\t'; return true;
    case 'n': *(*to)++ = '\n'; return true;
    case 'f': *(*to)++ = '\f'; return true;
    case 'r': *(*to)++ = '\r'; return true;
    case '\\':
    case '"':
    case '\'':
    case '/': *(*to)++ = c; return true;
    case 'u': break;
    default: return false;
    }
    uint32_t unit, low;
    if (!read_hex4(r, &unit))
        return false;
    if (unit >= 0xD800 && unit < 0xDC00 && r->s.n - r->at >= 6 && r->s.p[r->at] == '\\' && r->s.p[r->at + 1] == 'u') {
        size_t before = r->at;
        r->at += 2;
        if (!read_hex4(r, &low))
            return false;
        if (low >= 0xDC00 && low < 0xE000)
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        else
            r->at = before;
    }
    *to += chars_encode(unit, *to);
    return true;
}

static bool read_string(struct reader *r, str *out)
{
    char quote = r->s.p[r->at++];
    size_t from = r->at;
    while (!is_end(r) && peek(r) != quote && peek(r) != '\\')
        r->at++;
    if (is_end(r))
        return false;
    *out = str_sub(r->s, from, r->at - from);
    if (peek(r) == '\\') {
        // Decoding never lengthens; the closing quote is looked for at the same time.
        size_t close = r->at;
        while (close < r->s.n && r->s.p[close] != quote)
            close += r->s.p[close] == '\\' ? 2 : 1;
        if (close >= r->s.n)
            return false;
        char *text = arena_bytes(r->a, close - from + 4), *to = text;
        memcpy(to, out->p, out->n);
        to += out->n;
        while (peek(r) != quote) {
            char c = r->s.p[r->at++];
            if (c != '\\')
                *to++ = c;
            else if (is_end(r) || !read_escape(r, &to))
                return false;
            if (is_end(r))
                return false;
        }
        *out = (str){ text, (size_t)(to - text) };
    }
    r->at++;
    r->has_token |= str_find(*out, STR("#{")) >= 0;
    return true;
}

static bool two_digits(str s, size_t at, int *out)
{
    if (at + 2 > s.n || s.p[at] < '0' || s.p[at] > '9' || s.p[at + 1] < '0' || s.p[at + 1] > '9')
        return false;
    *out = (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
    return true;
}

static bool char_is(str s, size_t at, char c)
{
    return at < s.n && s.p[at] == c;
}

static bool read_zone(str s, size_t at, struct date *d)
{
    if (at == s.n)
        return true;
    char c = s.p[at];
    if (c == 'Z' || c == 'z') {
        d->zone = DATE_UTC;
        return at + 1 == s.n;
    }
    int hours, minutes = 0;
    if ((c != '+' && c != '-') || !two_digits(s, at + 1, &hours))
        return false;
    at += 3;
    if (at < s.n) {
        at += s.p[at] == ':';
        if (!two_digits(s, at, &minutes))
            return false;
        at += 2;
    }
    d->zone = DATE_LOCAL;
    int64_t offset = (int64_t)(hours * 60 + minutes) * 60 * DATE_TICKS_PER_SECOND;
    d->ticks += c == '+' ? -offset : offset;
    d->ticks = MIN(MAX(d->ticks, 0), DATE_TICKS_MAX - 1);
    return at == s.n;
}

// yyyy-MM-ddTHH:mm:ss[.fffffff][Z|+hh[:]mm]
static bool read_iso_date(str s, struct date *d)
{
    struct date_parts p = { 0 };
    int century, year;
    if (s.n < 19 || s.n > 40 || !char_is(s, 10, 'T') || !two_digits(s, 0, &century) || !two_digits(s, 2, &year) || !char_is(s, 4, '-')
        || !two_digits(s, 5, &p.month) || !char_is(s, 7, '-') || !two_digits(s, 8, &p.day) || !two_digits(s, 11, &p.hour) || !char_is(s, 13, ':')
        || !two_digits(s, 14, &p.minute) || !char_is(s, 16, ':') || !two_digits(s, 17, &p.second))
        return false;
    p.year = century * 100 + year;
    size_t at = 19;
    if (char_is(s, at, '.')) {
        int digits = 0;
        for (at++; at < s.n && digits < 7 && s.p[at] >= '0' && s.p[at] <= '9'; at++, digits++)
            p.fraction = p.fraction * 10 + (s.p[at] - '0');
        if (!digits)
            return false;
        for (; digits < 7; digits++)
            p.fraction *= 10;
    }
    bool is_midnight = p.hour == 24;
    if (is_midnight) {
        if (p.minute || p.second || p.fraction)
            return false;
        p.hour = 0;
    }
    *d = (struct date){ .zone = DATE_UNSPECIFIED };
    if (!date_join(&p, &d->ticks))
        return false;
    d->ticks += is_midnight ? DATE_TICKS_PER_DAY : 0;
    return d->ticks < DATE_TICKS_MAX && read_zone(s, at, d);
}

// /Date(milliseconds[+hhmm])/
static bool read_microsoft_date(str s, struct date *d)
{
    if (s.n < 9 || !str_starts(s, STR("/Date(")) || !str_ends(s, STR(")/")))
        return false;
    str inner = str_sub(s, 6, s.n - 8);
    enum date_zone zone = DATE_UTC;
    for (size_t i = 1; i < inner.n; i++) {
        if (inner.p[i] != '+' && inner.p[i] != '-')
            continue;
        int part;
        if (!two_digits(inner, i + 1, &part) || (inner.n > i + 3 && !two_digits(inner, i + 3, &part)))
            return false;
        zone = DATE_LOCAL;
        inner.n = i;
        break;
    }
    int64_t ms;
    if (!str_to_i64(inner, &ms) || ms < INT64_C(-62135596800000) || ms > INT64_C(253402300799999))
        return false;
    *d = date_now(ms, zone);
    return true;
}

static bool read_date(str s, struct date *d)
{
    return s.n && (*s.p == '/' ? read_microsoft_date(s, d) : *s.p >= '0' && *s.p <= '9' && read_iso_date(s, d));
}

static bool is_number_char(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || (c | 32) == 'x' || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

// What may stand behind a bare value.
static bool is_separator(const struct reader *r)
{
    size_t length;
    return is_end(r) || strchr(",]}/)", peek(r)) || chars_is_space(chars_decode(r->s.p + r->at, r->s.n - r->at, &length));
}

// Two's complement in 64 bits, as Convert.ToInt64(text, 16 or 8).
static bool read_base(str digits, unsigned base, struct loose *out)
{
    uint64_t v = 0;
    if (!digits.n)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        char c = digits.p[i], low = (char)(c | 32);
        unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') : low >= 'a' && low <= 'f' ? (unsigned)(low - 'a' + 10) : 99;
        if (d >= base || v > (UINT64_MAX - d) / base)
            return false;
        v = v * base + d;
    }
    out->type = LOOSE_INTEGER;
    out->integer = (int64_t)v;
    return true;
}

static bool read_number(struct reader *r, struct loose *out)
{
    size_t from = r->at;
    while (!is_end(r) && is_number_char(peek(r)))
        r->at++;
    str s = str_sub(r->s, from, r->at - from);
    if (!is_separator(r))
        return false;
    if (s.n > 1 && *s.p == '0' && s.p[1] != '.' && (s.p[1] | 32) != 'e')
        return (s.p[1] | 32) == 'x' ? read_base(str_skip(s, 2), 16, out) : read_base(str_skip(s, 1), 8, out);

    str digits = str_starts(s, STR("-")) ? str_skip(s, 1) : s;
    bool is_whole = digits.n > 0;
    for (size_t i = 0; i < digits.n; i++)
        is_whole &= digits.p[i] >= '0' && digits.p[i] <= '9';
    if (is_whole) {
        while (digits.n > 1 && *digits.p == '0')
            digits = str_skip(digits, 1);
        str text = digits.n != s.n ? arena_concat(r->a, *s.p == '-' ? STR("-") : STR(""), digits) : s;
        out->type = LOOSE_INTEGER;
        if (str_to_i64(text, &out->integer))
            return true;
        out->type = LOOSE_BIG;
        out->text = text;
        return s.n <= 380;
    }
    out->type = LOOSE_FLOAT;
    return number_read_amount(s, &out->real);
}

static bool take_word(struct reader *r, const char *word)
{
    str w = str_from(word);
    if (!str_starts(str_skip(r->s, r->at), w))
        return false;
    size_t before = r->at;
    r->at += w.n;
    if (is_separator(r))
        return true;
    r->at = before;
    return false;
}

static bool read_word(struct reader *r, struct loose *out)
{
    if (take_word(r, "true") || take_word(r, "false")) {
        out->type = LOOSE_BOOL;
        out->is_true = r->s.p[r->at - 2] == 'u';
    } else if (take_word(r, "null")) {
        out->type = LOOSE_NULL;
    } else if (take_word(r, "undefined")) {
        out->type = LOOSE_UNDEFINED;
    } else if (take_word(r, "NaN")) {
        out->type = LOOSE_FLOAT;
        out->real = NAN;
    } else if (take_word(r, "Infinity") || take_word(r, "-Infinity")) {
        out->type = LOOSE_FLOAT;
        out->real = r->at > 8 && r->s.p[r->at - 9] == '-' ? -INFINITY : INFINITY;
    } else {
        return false;
    }
    return true;
}

static bool read_scalar(struct reader *r, struct loose *out)
{
    char c = peek(r);
    if (c == '"' || c == '\'') {
        if (!read_string(r, &out->text))
            return false;
        out->type = read_date(out->text, &out->date) ? LOOSE_DATE : LOOSE_STRING;
        return true;
    }
    if ((c >= '0' && c <= '9') || c == '.' || (c == '-' && !(r->at + 1 < r->s.n && r->s.p[r->at + 1] == 'I')))
        return read_number(r, out);
    return read_word(r, out);
}

static bool read_name(struct reader *r, str *name)
{
    if (peek(r) == '"' || peek(r) == '\'')
        return read_string(r, name);
    size_t from = r->at, length;
    while (!is_end(r)) {
        uint32_t c = chars_decode(r->s.p + r->at, r->s.n - r->at, &length);
        bool is_name = c == '_' || c == '$' || (chars_is_name(c) && !(c < 0x80 && strchr("-:/~()@", (int)c)));
        if (!is_name)
            break;
        r->at += length;
    }
    *name = str_sub(r->s, from, r->at - from);
    size_t after;
    return name->n && (peek(r) == ':' || (!is_end(r) && chars_is_space(chars_decode(r->s.p + r->at, r->s.n - r->at, &after))));
}

#define MANY_MEMBERS 16

static struct loose *find_member(struct loose *object, struct map *names, str name)
{
    if (object->count < MANY_MEMBERS) {
        for (struct loose *m = object->first; m; m = m->next)
            if (str_eq(m->name, name))
                return m;
        return NULL;
    }
    if (!names->count)
        for (struct loose *m = object->first; m; m = m->next)
            map_put(names, m->name, m);
    return map_get(names, name);
}

// A repeated name: the earlier member goes, the later one stands at the end.
static void add_member(struct loose *object, struct map *names, struct loose *member)
{
    struct loose *old = find_member(object, names, member->name);
    if (old) {
        *(old->previous ? &old->previous->next : &object->first) = old->next;
        *(old->next ? &old->next->previous : &object->last) = old->previous;
        object->count--;
    }
    link_last(object, member);
    if (names->count)
        map_put(names, member->name, member);
}

// One value with all that is in it. An array may be cut off behind a value, at any depth; Newtonsoft also
// accepts an end behind "]," or "}," where only the outermost array is open.
static bool read_tree(struct reader *r, struct loose **out)
{
    struct loose *open[LIMIT_JSON_DEPTH];
    size_t depth = 0;
    str name = { 0 };
    bool was_closed = false; // the last token was ] or }
    for (;;) { // a value is due
        struct loose *parent = depth ? open[depth - 1] : NULL, *value = NULL;
        bool is_array = parent && parent->type == LOOSE_ARRAY;
        r->comments_of = is_array && open[0]->type == LOOSE_ARRAY ? parent : NULL;
        if (!skip(r) || r->nodes > LIMIT_JSON_NODES)
            return false;
        char c = peek(r);
        if (is_end(r))
            return is_array && depth == 1 && was_closed;
        was_closed = false;
        if (!is_array || c != ']') { // "[]" and "[1,]" close
            value = new_node(r, LOOSE_NULL);
            value->name = name;
            if (c == '[' || c == '{') {
                value->type = c == '[' ? LOOSE_ARRAY : LOOSE_OBJECT;
                r->at++;
            } else if (c == ',' && parent) {
                value->type = LOOSE_UNDEFINED; // "[,1]"
            } else if (!read_scalar(r, value)) {
                return false;
            }
            if (is_array)
                link_last(parent, value);
            else if (parent)
                add_member(parent, &r->names[depth - 1], value);
            else
                *out = value;
            if (value->type == LOOSE_ARRAY || value->type == LOOSE_OBJECT) {
                if (depth == LIMIT_JSON_DEPTH)
                    return false;
                map_fini(&r->names[depth]);
                open[depth++] = value;
                name = (str){ 0 };
                if (value->type == LOOSE_ARRAY)
                    continue;
            }
        }
        // Behind a value, or at the beginning of an object: close what ends here.
        bool is_fresh = value && value->type == LOOSE_OBJECT, is_behind_comma = false;
        for (;; is_fresh = false) {
            if (!depth)
                return true;
            parent = open[depth - 1];
            r->comments_of = parent->type == LOOSE_ARRAY && open[0]->type == LOOSE_ARRAY ? parent : NULL;
            if (!skip(r))
                return false;
            c = peek(r);
            if (is_end(r))
                return open[0]->type == LOOSE_ARRAY && !is_fresh && !is_behind_comma;
            if (c == (parent->type == LOOSE_ARRAY ? ']' : '}')) {
                r->at++;
                depth--;
                was_closed = true;
                is_behind_comma = false;
                continue;
            }
            if (!is_fresh) {
                if (c != ',' || is_behind_comma)
                    return false;
                r->at++;
            }
            if (parent->type == LOOSE_ARRAY)
                break;
            if (!skip(r))
                return false;
            if (peek(r) == '}') {
                is_behind_comma = true;
                continue;
            }
            size_t length;
            if (!read_name(r, &name))
                return false;
            while (!is_end(r) && chars_is_space(chars_decode(r->s.p + r->at, r->s.n - r->at, &length)))
                r->at += length;
            if (peek(r) != ':')
                return false;
            r->at++;
            was_closed = false;
            break;
        }
    }
}

// Json.NET takes $id, $type and $ref at the beginning of a document for its own notes. False for a reference to
// something else, which it does not find.
static bool drop_notes(struct loose *root)
{
    for (struct loose *m = root->first; m; m = root->first) {
        bool is_ref = str_eq(m->name, STR("$ref"));
        if (!is_ref && !str_eq(m->name, STR("$id")) && !str_eq(m->name, STR("$type")))
            break;
        if (m->type == LOOSE_ARRAY || m->type == LOOSE_OBJECT || (is_ref && m->type != LOOSE_NULL))
            return false;
        root->first = m->next;
        *(m->next ? &m->next->previous : &root->last) = NULL;
        root->count--;
    }
    return true;
}

bool loose_parse(struct arena *a, str text, struct loose **out, bool *has_token)
{
    CLEANUP(reader_fini) struct reader r = { .a = a, .s = text };
    if (!read_tree(&r, out))
        return false;
    r.comments_of = NULL;
    if (!skip(&r) || !is_end(&r))
        return false;
    if ((*out)->type == LOOSE_OBJECT && !drop_notes(*out))
        return false;
    *has_token = r.has_token;
    return true;
}

const struct loose *loose_get(const struct loose *object, str name)
{
    for (const struct loose *m = object->first; m; m = m->next)
        if (str_eq(m->name, name))
            return m;
    return NULL;
}

const struct loose *loose_at(const struct loose *array, size_t index)
{
    if (index >= array->count)
        return NULL;
    const struct loose *e = array->first;
    while (index--)
        e = e->next;
    return e;
}

// Newtonsoft escapes U+0085, U+2028 and U+2029 as well.
static void write_string(struct buf *out, str s)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        switch (c) {
        case '"': buf_add_text(out, "\\\""); break;
        case '\\': buf_add_text(out, "\\\\"); break;
        case '\b': buf_add_text(out, "\\b"); break;
        case '\f': buf_add_text(out, "\\f"); break;
        case '\n': buf_add_text(out, "\\n"); break;
        case '\r': buf_add_text(out, "\\r"); break;
        case '\t': buf_add_text(out, "\\t"); break;
        default:
            if (c < 0x20) {
                buf_printf(out, "\\u%04x", c);
            } else if (c == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] == 0x85) {
                buf_add_text(out, "\\u0085");
                i++;
            } else if (c == 0xE2 && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0x80 && ((unsigned char)s.p[i + 2] | 1) == 0xA9) {
                buf_printf(out, "\\u20%02x", (unsigned)(unsigned char)s.p[i + 2] - 0x80);
                i += 2;
            } else {
                buf_add_char(out, (char)c);
            }
        }
    }
    buf_add_char(out, '"');
}

static void write_scalar(struct buf *out, const struct loose *v)
{
    char text[NUMBER_DOUBLE_BYTES];
    switch (v->type) {
    case LOOSE_NULL: buf_add_text(out, "null"); break;
    case LOOSE_UNDEFINED: buf_add_text(out, "undefined"); break;
    case LOOSE_BOOL: buf_add_text(out, v->is_true ? "true" : "false"); break;
    case LOOSE_INTEGER: buf_printf(out, "%" PRId64, v->integer); break;
    case LOOSE_BIG: buf_add(out, v->text); break;
    case LOOSE_FLOAT: {
        str s = number_write_double(text, v->real);
        if (!isfinite(v->real)) {
            buf_printf(out, "\"%.*s\"", STR_ARG(s));
            break;
        }
        buf_add(out, s);
        if (!str_has(s, '.') && !str_has(s, 'E'))
            buf_add_text(out, ".0");
        break;
    }
    case LOOSE_STRING: write_string(out, v->text); break;
    case LOOSE_COMMENT: buf_printf(out, "/*%.*s*/", STR_ARG(v->text)); break;
    case LOOSE_DATE: {
        buf_add_char(out, '"');
        if (!date_format(out, &v->date, STR("yyyy-MM-ddTHH:mm:ss.FFFFFFFK")))
            buf_add(out, v->text);
        buf_add_char(out, '"');
        break;
    }
    case LOOSE_ARRAY:
    case LOOSE_OBJECT: break;
    }
}

static void write_tree(struct buf *out, const struct loose *root)
{
    const struct loose *open[LIMIT_JSON_DEPTH + 1];
    size_t depth = 0;
    for (const struct loose *v = root;;) {
        if (depth && open[depth - 1]->type == LOOSE_OBJECT) {
            write_string(out, v->name);
            buf_add_char(out, ':');
        }
        if (v->type == LOOSE_ARRAY || v->type == LOOSE_OBJECT) {
            buf_add_char(out, v->type == LOOSE_ARRAY ? '[' : '{');
            if (v->first) {
                open[depth++] = v;
                v = v->first;
                continue;
            }
            buf_add_char(out, v->type == LOOSE_ARRAY ? ']' : '}');
        } else {
            write_scalar(out, v);
        }
        while (depth && !v->next) {
            v = open[--depth];
            buf_add_char(out, v->type == LOOSE_ARRAY ? ']' : '}');
        }
        if (!depth)
            return;
        // A comment is no element to Newtonsoft's writer.
        bool is_behind_element = v->type != LOOSE_COMMENT || v->previous;
        v = v->next;
        if (v->type != LOOSE_COMMENT && is_behind_element)
            buf_add_char(out, ',');
    }
}

bool loose_text(struct arena *a, const struct loose *v, str *out)
{
    CLEANUP(buf_fini) struct buf text = { 0 };
    switch (v->type) {
    case LOOSE_NULL:
    case LOOSE_UNDEFINED:
        *out = STR("");
        return true;
    case LOOSE_STRING:
    case LOOSE_COMMENT:
        *out = v->text;
        return true;
    case LOOSE_BOOL:
        *out = v->is_true ? STR("True") : STR("False");
        return true;
    case LOOSE_BIG:
        return false;
    case LOOSE_FLOAT: {
        char *number = arena_bytes(a, NUMBER_DOUBLE_BYTES);
        *out = number_write_double(number, v->real);
        return true;
    }
    case LOOSE_INTEGER:
        *out = arena_printf(a, "%" PRId64, v->integer);
        return true;
    case LOOSE_DATE:
        if (!date_format(&text, &v->date, STR("G")))
            return false;
        break;
    case LOOSE_ARRAY:
    case LOOSE_OBJECT:
        write_tree(&text, v);
        break;
    }
    *out = arena_str(a, buf_str(&text));
    return true;
}
