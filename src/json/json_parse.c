// The parser: one pass, a stack of at most LIMIT_JSON_DEPTH open containers, no recursion.
#include "json/json.h"

#include "base/limits.h"
#include "base/map.h"
#include "json/json_scan.h"

#include <stdio.h>

// Up to so many members a repeated key is looked for as each arrives; above, once, by hash, when
// the object ends. Comparing each with each would let a body of 5 MB keep a thread busy for minutes.
#define FEW_MEMBERS 16

struct level {
    struct json *node;
    uint64_t seen; // one bit for each key_bit() so far
};

struct parser {
    const char *start, *at, *end;
    struct arena *arena;
    struct err *e;
    str name; // of the member whose value comes next
    size_t depth;
    size_t nodes;
    struct json *room, *room_end; // nodes taken from the arena ahead of need
    struct json *root;
    struct level levels[LIMIT_JSON_DEPTH];
};

// ---- what went wrong, and where ----

static void find_position(const struct parser *p, const char *at, size_t *line, size_t *column)
{
    const char *line_start = p->start;
    *line = 1;
    for (const char *c = p->start; c < at; c++)
        if (*c == '\n') {
            line_start = c + 1;
            ++*line;
        }
    *column = 1;
    for (const char *c = line_start; c < at; c++)
        *column += ((unsigned char)*c & 0xC0) != 0x80;
}

static bool PRINTF_LIKE(4, 5) fail_kind(struct parser *p, const char *at, enum err_kind kind, const char *fmt, ...)
{
    char what[256];
    size_t line, column;
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    find_position(p, at, &line, &column);
    return err_set(p->e, kind, "line %zu, column %zu: %s", line, column, what);
}

#define FAIL(p, at, ...) fail_kind((p), (at), ERR_INVALID, __VA_ARGS__)

// What stands at `at`, for a message.
static const char *found(const struct parser *p, const char *at, char out[static 16])
{
    if (at >= p->end)
        return "the end of the text";
    bool is_valid;
    size_t n = str_utf8_next((str){ at, (size_t)(p->end - at) }, &is_valid);
    if (is_valid && (unsigned char)*at >= 0x20 && *at != 0x7f)
        snprintf(out, 16, "'%.*s'", (int)n, at);
    else
        snprintf(out, 16, "byte 0x%02X", (unsigned char)*at);
    return out;
}

static bool fail_expected(struct parser *p, const char *what)
{
    char text[16];
    return FAIL(p, p->at, "expected %s, found %s", what, found(p, p->at, text));
}

// ---- the tree ----

static struct json *take_node(struct parser *p, enum json_type type)
{
    if (p->room == p->room_end) {
        size_t left = (size_t)(p->end - p->at), count = MIN(left / 16 + 4, (size_t)256);
        p->room = arena_alloc(p->arena, count * sizeof *p->room);
        p->room_end = p->room + count;
    }
    struct json *j = p->room++;
    *j = (struct json){ .type = (uint8_t)type, .name = p->name };
    p->name = (str){ 0 };
    p->nodes++;
    if (!p->depth) {
        p->root = j;
        return j;
    }
    struct json *parent = p->levels[p->depth - 1].node;
    if (parent->last)
        parent->last->next = j;
    else
        parent->first = j;
    parent->last = j;
    parent->count++;
    return j;
}

static bool open_container(struct parser *p, enum json_type type)
{
    if (p->depth == LIMIT_JSON_DEPTH)
        return fail_kind(p, p->at, ERR_TOO_LARGE, "objects and arrays are nested more than %d deep", LIMIT_JSON_DEPTH);
    struct json *j = take_node(p, type);
    p->levels[p->depth++] = (struct level){ j, 0 };
    p->at++;
    return true;
}

// ---- repeated keys ----

// Where the key stands: "Filter.Environments[2].Name". The end of a long path says more than its
// beginning, so that is what is kept.
static bool fail_repeated(struct parser *p, str key)
{
    CLEANUP(buf_fini) struct buf path = { 0 };
    for (size_t i = 1; i < p->depth; i++) {
        const struct json *parent = p->levels[i - 1].node;
        if (parent->type == JSON_ARRAY)
            buf_printf(&path, "[%u]", parent->count - 1);
        else
            json_write_path_name(&path, p->levels[i].node->name);
    }
    json_write_path_name(&path, key);
    str text = buf_str(&path);
    bool is_cut = text.n > 300;
    if (is_cut)
        text = str_skip(text, text.n - 300);
    while (is_cut && text.n && ((unsigned char)text.p[0] & 0xC0) == 0x80)
        text = str_skip(text, 1);
    return err_set(p->e, ERR_INVALID, "%s%.*s: this key stands twice in its object", is_cut ? "..." : "", STR_ARG(text));
}

static uint64_t key_bit(str key)
{
    size_t n = key.n;
    unsigned mix = n ? (unsigned char)key.p[0] * 5u + (unsigned char)key.p[n / 2] * 3u + (unsigned char)key.p[n - 1] : 0;
    return 1ULL << ((mix + n * 11) & 63);
}

static bool check_key(struct parser *p, str key)
{
    struct level *top = &p->levels[p->depth - 1];
    if (top->node->count >= FEW_MEMBERS)
        return true; // check_keys() will see to it
    uint64_t bit = key_bit(key);
    if (top->seen & bit)
        json_each(m, top->node)
            if (str_eq(m->name, key))
                return fail_repeated(p, key);
    top->seen |= bit;
    return true;
}

static bool check_keys(struct parser *p, const struct json *object)
{
    const struct json *few[64] = { 0 };
    size_t cap = COUNT(few);
    while (cap < (size_t)object->count * 2)
        cap *= 2;
    CLEANUP(freep) const struct json **many = cap > COUNT(few) ? xcalloc(cap, sizeof *many) : NULL;
    const struct json **slots = many ? many : few;
    json_each(m, object) {
        size_t i = map_hash(m->name) & (cap - 1);
        for (; slots[i]; i = (i + 1) & (cap - 1))
            if (str_eq(slots[i]->name, m->name))
                return fail_repeated(p, m->name);
        slots[i] = m;
    }
    return true;
}

// ---- tokens ----

static inline void skip_blanks(struct parser *p)
{
    const char *c = p->at, *end = p->end;
    while (c < end && (*c == ' ' || *c == '\n' || *c == '\r' || *c == '\t'))
        c++;
    p->at = c;
}

static int hex4(const char *c)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char d = c[i];
        if (d >= '0' && d <= '9')
            v = v << 4 | (d - '0');
        else if ((d | 0x20) >= 'a' && (d | 0x20) <= 'f')
            v = v << 4 | ((d | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return v;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 63));
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    }
    return out;
}

// \uXXXX at c, of which `end` bounds the string. *next is set behind it, or behind the pair.
static bool unicode_escape(struct parser *p, const char *c, const char *end, const char **next, uint32_t *out)
{
    int unit = end - c >= 6 ? hex4(c + 2) : -1;
    if (unit < 0)
        return FAIL(p, c, "four hexadecimal digits must follow \\u");
    *next = c + 6;
    *out = (uint32_t)unit;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    int low = unit <= 0xDBFF && end - c >= 12 && c[6] == '\\' && c[7] == 'u' ? hex4(c + 8) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return FAIL(p, c, "\\u%04X is half of a surrogate pair; the other half is missing", (unsigned)unit);
    *next = c + 12;
    *out = 0x10000 + (((uint32_t)unit & 0x3FF) << 10 | ((uint32_t)low & 0x3FF));
    return true;
}

static char simple_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

// The raw bytes between the quotes, at least one of them a backslash.
static bool decode_string(struct parser *p, str raw, str *out)
{
    char *decoded = arena_bytes(p->arena, raw.n), *to = decoded;
    const char *c = raw.p, *end = raw.p + raw.n;
    while (c < end) {
        const char *escape = memchr(c, '\\', (size_t)(end - c));
        size_t plain = (size_t)((escape ? escape : end) - c);
        memcpy(to, c, plain);
        to += plain;
        if (!escape)
            break;
        c = escape;
        if (c[1] == 'u') {
            uint32_t code = 0;
            if (!unicode_escape(p, c, end, &c, &code))
                return false;
            to = put_utf8(to, code);
        } else {
            *to = simple_escape(c[1]);
            if (!*to++) {
                char text[16];
                return FAIL(p, c, "\\ may be followed by one of \" \\ / b f n r t u, not by %s", found(p, c + 1, text));
            }
            c += 2;
        }
    }
    *out = (str){ decoded, (size_t)(to - decoded) };
    return true;
}

static bool fail_utf8(struct parser *p, str raw)
{
    bool is_valid = true;
    while (raw.n) {
        size_t n = str_utf8_next(raw, &is_valid);
        if (!is_valid)
            break;
        raw = str_skip(raw, n);
    }
    return FAIL(p, raw.p, "this text is not UTF-8: byte 0x%02X", (unsigned char)raw.p[0]);
}

// p->at is on the opening quote.
static inline bool take_string(struct parser *p, str *out)
{
    const char *first = p->at + 1, *c = first, *end = p->end;
    bool has_high = false, has_escape = false;
    for (;;) {
        c = json_scan(c, end, &has_high);
        if (c == end)
            return FAIL(p, p->at, "the text that begins here does not end; a closing \" is missing");
        if (*c == '"')
            break;
        if (*c != '\\')
            return FAIL(p, c, "a control character (byte 0x%02X) must be written as an escape in text", (unsigned char)*c);
        has_escape = true;
        c += end - c > 1 ? 2 : 1;
        // The byte after the backslash was not looked at: decode_string() refuses all but a few.
    }
    str raw = { first, (size_t)(c - first) };
    if (has_high && !str_is_utf8(raw))
        return fail_utf8(p, raw);
    if (!has_escape)
        *out = raw;
    else if (!decode_string(p, raw, out))
        return false;
    p->at = c + 1;
    return true;
}

static inline bool is_digit(const char *c, const char *end)
{
    return c < end && *c >= '0' && *c <= '9';
}

static const char *skip_digits(const char *c, const char *end)
{
    while (is_digit(c, end))
        c++;
    return c;
}

static bool take_number(struct parser *p)
{
    const char *c = p->at, *end = p->end;
    char text[16];
    if (*c == '-')
        c++;
    if (!is_digit(c, end))
        return FAIL(p, c, "a digit must follow -, not %s", found(p, c, text));
    if (*c == '0' && is_digit(c + 1, end))
        return FAIL(p, p->at, "a number may not begin with 0");
    c = skip_digits(c, end);
    if (c < end && *c == '.') {
        if (!is_digit(++c, end))
            return FAIL(p, c, "a digit must follow the point, not %s", found(p, c, text));
        c = skip_digits(c, end);
    }
    if (c < end && (*c | 0x20) == 'e') {
        c++;
        if (c < end && (*c == '+' || *c == '-'))
            c++;
        if (!is_digit(c, end))
            return FAIL(p, c, "the exponent must have a digit, not %s", found(p, c, text));
        c = skip_digits(c, end);
    }
    take_node(p, JSON_NUMBER)->text = (str){ p->at, (size_t)(c - p->at) };
    p->at = c;
    return true;
}

static bool take_literal(struct parser *p, str literal, enum json_type type)
{
    str rest = { p->at, (size_t)(p->end - p->at) };
    if (!str_starts(rest, literal))
        return FAIL(p, p->at, "expected a value; did you mean %s?", literal.p);
    take_node(p, type)->is_true = literal.p[0] == 't' && type == JSON_BOOL;
    p->at += literal.n;
    return true;
}

// ---- structure ----

static bool fail_value(struct parser *p)
{
    char c = p->at < p->end ? *p->at : 0;
    const struct json *container = p->depth ? p->levels[p->depth - 1].node : NULL;
    if (c == '\'')
        return FAIL(p, p->at, "text stands in double quotes, not in single ones");
    if (c == '/' || c == '#')
        return FAIL(p, p->at, "JSON has no comments");
    if (container && container->type == JSON_ARRAY && c == ']')
        return FAIL(p, p->at, "a comma may not stand before ]");
    if (c == '+' || c == '.')
        return FAIL(p, p->at, "a number begins with a digit or -");
    if (c == 'T' || c == 'F')
        return FAIL(p, p->at, "expected a value; true and false are written in lower case");
    if (c == 'N' || c == 'I')
        return FAIL(p, p->at, "expected a value; JSON has no NaN and no Infinity");
    return fail_expected(p, "a value");
}

static bool fail_key(struct parser *p)
{
    const struct json *object = p->levels[p->depth - 1].node;
    char c = p->at < p->end ? *p->at : 0;
    if (c == '}' && object->count)
        return FAIL(p, p->at, "a comma may not stand before }");
    if (c == '/' || c == '#')
        return FAIL(p, p->at, "JSON has no comments");
    return fail_expected(p, object->count ? "a member's name in double quotes" : "a member's name in double quotes or }");
}

static inline bool take_key(struct parser *p)
{
    skip_blanks(p);
    if (p->at == p->end || *p->at != '"')
        return fail_key(p);
    if (!take_string(p, &p->name) || !check_key(p, p->name))
        return false;
    skip_blanks(p);
    if (p->at == p->end || *p->at != ':')
        return fail_expected(p, ": after the member's name");
    p->at++;
    return true;
}

// One value. For a container only its beginning; *is_open tells that its content comes next.
static inline bool take_value(struct parser *p, bool *is_open)
{
    *is_open = false;
    skip_blanks(p);
    if (p->nodes >= LIMIT_JSON_NODES)
        return fail_kind(p, p->at, ERR_TOO_LARGE, "more than %d values", LIMIT_JSON_NODES);
    if (p->at == p->end)
        return fail_value(p);
    switch (*p->at) {
    case '"': {
        str text;
        if (!take_string(p, &text))
            return false;
        take_node(p, JSON_STRING)->text = text;
        return true;
    }
    case '{':
    case '[': *is_open = true; return open_container(p, *p->at == '{' ? JSON_OBJECT : JSON_ARRAY);
    case '-':
    case '0' ... '9': return take_number(p);
    case 't': return take_literal(p, STR("true"), JSON_BOOL);
    case 'f': return take_literal(p, STR("false"), JSON_BOOL);
    case 'n': return take_literal(p, STR("null"), JSON_NULL);
    default: return fail_value(p);
    }
}

static inline bool close_container(struct parser *p)
{
    const struct json *j = p->levels[p->depth - 1].node;
    if (j->count > FEW_MEMBERS && j->type == JSON_OBJECT && !check_keys(p, j))
        return false;
    p->depth--;
    p->at++;
    return true;
}

// After "{" or "[": at once its end, or the first member's name.
static inline bool begin_content(struct parser *p, bool *is_empty)
{
    bool is_object = p->levels[p->depth - 1].node->type == JSON_OBJECT;
    skip_blanks(p);
    *is_empty = p->at < p->end && *p->at == (is_object ? '}' : ']');
    if (*is_empty)
        return close_container(p);
    return !is_object || take_key(p);
}

// After a value: closes what ends here, up to the comma before the next value or the end of the root.
static inline bool take_ends(struct parser *p)
{
    while (p->depth) {
        bool is_object = p->levels[p->depth - 1].node->type == JSON_OBJECT;
        skip_blanks(p);
        char c = p->at < p->end ? *p->at : 0;
        if (c == ',') {
            p->at++;
            return !is_object || take_key(p);
        }
        if (c != (is_object ? '}' : ']'))
            return fail_expected(p, is_object ? ", or } after the member" : ", or ] after the element");
        if (!close_container(p))
            return false;
    }
    return true;
}

static bool check_start(struct parser *p)
{
    str text = { p->at, (size_t)(p->end - p->at) };
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        p->at += 3; // RFC 8259 section 8.1 lets us ignore it, and Windows senders write it
    else if (str_starts(text, STR("\xFF\xFE")) || str_starts(text, STR("\xFE\xFF")) || (text.n > 1 && (!text.p[0] || !text.p[1])))
        return FAIL(p, p->at, "this looks like UTF-16 or UTF-32; JSON must be UTF-8");
    skip_blanks(p);
    if (p->at == p->end)
        return FAIL(p, p->at, "the document is empty");
    return true;
}

bool json_parse(struct arena *a, str text, struct json **out, struct err *e)
{
    struct parser p;
    p.start = p.at = text.p ? text.p : "";
    p.end = p.start + text.n;
    p.arena = a;
    p.e = e;
    p.name = (str){ 0 };
    p.depth = p.nodes = 0;
    p.root = NULL;
    p.room = p.room_end = NULL; // the levels are written as they are opened: clearing 1 KB would show

    if (!check_start(&p))
        return false;
    do {
        bool is_open, is_empty = false;
        if (!take_value(&p, &is_open))
            return false;
        if (is_open && !begin_content(&p, &is_empty))
            return false;
        if ((!is_open || is_empty) && !take_ends(&p))
            return false;
    } while (p.depth);

    skip_blanks(&p);
    if (p.at < p.end)
        return fail_expected(&p, "nothing more after the document");
    *out = p.root;
    return true;
}
