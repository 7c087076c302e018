// The writer. It goes down the tree by recursion: what json_parse() made is at most LIMIT_JSON_DEPTH
// deep, what we build around it a few levels more.
#include "json/json.h"

#include "json/json_scan.h"

#define PATH_NAME_BYTES 100

static void write_escape(struct buf *out, char c)
{
    switch (c) {
    case '"': buf_add(out, STR("\\\"")); break;
    case '\\': buf_add(out, STR("\\\\")); break;
    case '\b': buf_add(out, STR("\\b")); break;
    case '\f': buf_add(out, STR("\\f")); break;
    case '\n': buf_add(out, STR("\\n")); break;
    case '\r': buf_add(out, STR("\\r")); break;
    case '\t': buf_add(out, STR("\\t")); break;
    default: {
        char text[] = { '\\', 'u', '0', '0', "0123456789abcdef"[(c >> 4) & 15], "0123456789abcdef"[c & 15] };
        buf_add(out, (str){ text, sizeof text });
    }
    }
}

// Plain text, except that it may not be UTF-8.
static void write_repaired(struct buf *out, str text)
{
    while (text.n) {
        bool is_valid = true;
        size_t good = 0, n = 0;
        for (; good < text.n; good += n) {
            n = str_utf8_next(str_skip(text, good), &is_valid);
            if (!is_valid)
                break;
        }
        buf_add(out, str_sub(text, 0, good));
        if (is_valid)
            return;
        buf_add(out, STR("\xEF\xBF\xBD"));
        text = str_skip(text, good + n);
    }
}

static void write_plain(struct buf *out, str text, bool has_high)
{
    if (has_high && !str_is_utf8(text))
        write_repaired(out, text);
    else
        buf_add(out, text);
}

static void write_escaped(struct buf *out, str text)
{
    const char *c = text.p, *end = c + text.n;
    buf_add_char(out, '"');
    while (c < end) {
        bool has_high = false;
        const char *stop = json_scan(c, end, &has_high);
        write_plain(out, (str){ c, (size_t)(stop - c) }, has_high);
        if (stop < end)
            write_escape(out, *stop++);
        c = stop;
    }
    buf_add_char(out, '"');
}

void json_write_string(struct buf *out, str text)
{
    if (!text.n) {
        buf_add(out, STR("\"\""));
        return;
    }
    bool has_high = false;
    const char *end = text.p + text.n;
    bool is_plain = json_scan(text.p, end, &has_high) == end && (!has_high || str_is_utf8(text));
    char *to = is_plain ? buf_room(out, text.n + 2) : NULL;
    if (!to) {
        write_escaped(out, text);
        return;
    }
    to[0] = '"';
    memcpy(to + 1, text.p, text.n);
    to[text.n + 1] = '"';
    buf_wrote(out, text.n + 2);
}

static void new_line(struct buf *out, int depth)
{
    static const char blanks[] = "                                ";
    buf_add_char(out, '\n');
    for (size_t n = 2 * (size_t)depth; n;) {
        size_t some = MIN(n, sizeof blanks - 1);
        buf_add(out, (str){ blanks, some });
        n -= some;
    }
}

static void write_value(struct buf *out, const struct json *j, bool is_pretty, int depth);

static void write_container(struct buf *out, const struct json *j, bool is_pretty, int depth)
{
    bool is_object = j->type == JSON_OBJECT;
    buf_add_char(out, is_object ? '{' : '[');
    json_each(child, j) {
        if (child != j->first)
            buf_add_char(out, ',');
        if (is_pretty)
            new_line(out, depth + 1);
        if (is_object) {
            json_write_string(out, child->name);
            buf_add(out, is_pretty ? STR(": ") : STR(":"));
        }
        write_value(out, child, is_pretty, depth + 1);
    }
    if (is_pretty && j->first)
        new_line(out, depth);
    buf_add_char(out, is_object ? '}' : ']');
}

static void write_value(struct buf *out, const struct json *j, bool is_pretty, int depth)
{
    switch ((enum json_type)j->type) {
    case JSON_NULL: buf_add(out, STR("null")); break;
    case JSON_BOOL: buf_add(out, j->is_true ? STR("true") : STR("false")); break;
    case JSON_NUMBER: buf_add(out, j->text); break;
    case JSON_STRING: json_write_string(out, j->text); break;
    case JSON_ARRAY:
    case JSON_OBJECT: write_container(out, j, is_pretty, depth); break;
    }
}

void json_write(struct buf *out, const struct json *j, bool is_pretty)
{
    static const struct json nothing = { .type = JSON_NULL };
    write_value(out, j ? j : &nothing, is_pretty, 0);
}

str json_text(struct arena *a, const struct json *j)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    json_write(&out, j, false);
    return arena_str(a, buf_str(&out));
}

static bool is_plain_name(str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c & 0x80);
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return name.n;
}

void json_write_path_name(struct buf *path, str name)
{
    bool is_cut = name.n > PATH_NAME_BYTES;
    if (is_cut)
        name.n = PATH_NAME_BYTES;
    while (is_cut && name.n && ((unsigned char)name.p[name.n] & 0xC0) == 0x80)
        name.n--;
    bool is_plain = is_plain_name(name) && str_is_utf8(name);
    if (is_plain && path->n)
        buf_add_char(path, '.');
    else if (!is_plain)
        buf_add_char(path, '[');
    if (is_plain)
        buf_add(path, name);
    else
        json_write_string(path, name);
    if (is_cut)
        buf_add(path, STR("..."));
    if (!is_plain)
        buf_add_char(path, ']');
}
