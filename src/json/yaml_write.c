// The writer of yaml.h. Columns are counted in spaces: what is below a key stands two further in.
#include "json/yaml.h"

#include "json/yaml_schema.h"

// A key longer than 1024 characters is one to libyaml only after "? ".
#define LONG_KEY_BYTES 1000

static void write_below(struct buf *out, const struct json *j, size_t column);

static void indent(struct buf *out, size_t column)
{
    while (column--)
        buf_add_char(out, ' ');
}

// ---- texts ----

// May stand in the file as it is: printable in YAML 1.2, and no line break to YAML 1.1 either
// (U+0085, U+2028, U+2029). The byte order mark is left to the beginning of files.
static bool is_printable(const char *c, size_t n)
{
    const unsigned char *u = (const unsigned char *)c;
    switch (n) {
    case 1: return u[0] >= 0x20 && u[0] != 0x7f;
    case 2: return u[0] != 0xC2 || u[1] >= 0xA0;
    case 3:
        return !(u[0] == 0xE2 && u[1] == 0x80 && (u[2] == 0xA8 || u[2] == 0xA9)) && !(u[0] == 0xEF && u[1] == 0xBB && u[2] == 0xBF) &&
               !(u[0] == 0xEF && u[1] == 0xBF && u[2] >= 0xBE);
    default: return true;
    }
}

static bool is_all_printable(str text, bool may_have_lines)
{
    bool is_valid;
    for (size_t n; text.n; text = str_skip(text, n)) {
        n = str_utf8_next(text, &is_valid);
        bool is_fine = is_valid && is_printable(text.p, n);
        if (!is_fine && !(may_have_lines && (text.p[0] == '\n' || text.p[0] == '\t')))
            return false;
    }
    return true;
}

// Conservative: what begins with a letter (of any alphabet), _ or / and holds nothing that ends a plain scalar.
static bool is_plain(str text)
{
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    str number;
    if (!text.n || text.p[text.n - 1] == ' ' || text.p[text.n - 1] == ':' || !is_all_printable(text, false))
        return false;
    char first = text.p[0], low = (char)(first | 0x20);
    if (!(low >= 'a' && low <= 'z') && first != '_' && first != '/' && !(first & 0x80))
        return false;
    if (str_find(text, STR(": ")) >= 0 || str_find(text, STR(" #")) >= 0)
        return false;
    return !yaml_schema_is_old_word(text) && yaml_schema_meaning(&scratch, text, &number) == YAML_TEXT;
}

static void write_quoted(struct buf *out, str text)
{
    bool is_valid;
    buf_add_char(out, '"');
    for (size_t n; text.n; text = str_skip(text, n)) {
        n = str_utf8_next(text, &is_valid);
        const unsigned char *u = (const unsigned char *)text.p;
        if (!is_valid)
            buf_add(out, STR("\xEF\xBF\xBD"));
        else if (u[0] == '"' || u[0] == '\\')
            buf_printf(out, "\\%c", u[0]);
        else if (is_printable(text.p, n))
            buf_add(out, (str){ text.p, n });
        else if (u[0] == '\n' || u[0] == '\r' || u[0] == '\t')
            buf_add_text(out, u[0] == '\n' ? "\\n" : u[0] == '\r' ? "\\r" : "\\t");
        else if (n == 1)
            buf_printf(out, "\\x%02x", u[0]);
        else if (n == 2)
            buf_printf(out, "\\u%04x", (u[0] & 31u) << 6 | (u[1] & 63u));
        else
            buf_printf(out, "\\u%04x", (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u));
    }
    buf_add_char(out, '"');
}

static void write_inline(struct buf *out, str text)
{
    if (is_plain(text))
        buf_add(out, text);
    else
        write_quoted(out, text);
}

// More than one line, and something on them. Carriage returns are lost in a block, so such a text is quoted.
static bool is_block(str text)
{
    return str_has(text, '\n') && is_all_printable(text, true) && str_trim(text).n;
}

static void write_block(struct buf *out, str text, size_t column)
{
    str line, first = text;
    while (first.p[0] == '\n')
        first = str_skip(first, 1);
    // Where the first line begins with blanks, or is empty, the reader could not tell the indentation.
    bool is_told = first.p != text.p || first.p[0] == ' ' || first.p[0] == '\t';
    bool has_end = text.p[text.n - 1] == '\n';
    bool has_more_ends = has_end && text.n > 1 && text.p[text.n - 2] == '\n';
    buf_printf(out, "|%s%s\n", is_told ? "2" : "", has_more_ends ? "+" : has_end ? "" : "-");
    if (has_end)
        text.n--;
    while (str_split(&text, '\n', &line)) {
        if (line.n)
            indent(out, column);
        buf_add(out, line);
        buf_add_char(out, '\n');
    }
}

// ---- structure ----

static void write_scalar(struct buf *out, const struct json *j)
{
    switch ((enum json_type)j->type) {
    case JSON_STRING: write_inline(out, j->text); break;
    case JSON_NUMBER: buf_add(out, j->text); break;
    case JSON_BOOL: buf_add(out, j->is_true ? STR("true") : STR("false")); break;
    case JSON_OBJECT: buf_add(out, STR("{}")); break; // only when empty
    case JSON_ARRAY: buf_add(out, STR("[]")); break;
    default: buf_add(out, STR("null"));
    }
}

static void write_key(struct buf *out, str name, size_t column)
{
    CLEANUP(buf_fini) struct buf key = { 0 };
    write_inline(&key, name);
    if (key.n <= LONG_KEY_BYTES) {
        buf_add(out, buf_str(&key));
    } else {
        buf_add(out, STR("? "));
        buf_add(out, buf_str(&key));
        buf_add_char(out, '\n');
        indent(out, column);
    }
    buf_add_char(out, ':');
}

// The value of a member, after its colon. `column` is that of the key.
static void write_member_value(struct buf *out, const struct json *j, size_t column)
{
    if (j->first) {
        buf_add_char(out, '\n');
        indent(out, column + 2);
        write_below(out, j, column + 2);
        return;
    }
    buf_add_char(out, ' ');
    if (j->type == JSON_STRING && is_block(j->text)) {
        write_block(out, j->text, column + 2);
        return;
    }
    write_scalar(out, j);
    buf_add_char(out, '\n');
}

static void write_element(struct buf *out, const struct json *j, size_t column)
{
    buf_add(out, STR("- "));
    if (j->first) {
        write_below(out, j, column + 2); // its first line goes on behind the dash
    } else if (j->type == JSON_STRING && is_block(j->text)) {
        write_block(out, j->text, column + 2);
    } else {
        write_scalar(out, j);
        buf_add_char(out, '\n');
    }
}

// A container that is not empty; the first line is indented already.
static void write_below(struct buf *out, const struct json *j, size_t column)
{
    json_each(child, j) {
        if (child != j->first)
            indent(out, column);
        if (j->type == JSON_OBJECT) {
            write_key(out, child->name, column);
            write_member_value(out, child, column);
        } else {
            write_element(out, child, column);
        }
    }
}

void yaml_write(struct buf *out, const struct json *j)
{
    static const struct json nothing = { .type = JSON_NULL };
    if (!j)
        j = &nothing;
    if (j->first) {
        write_below(out, j, 0);
        return;
    }
    write_scalar(out, j);
    buf_add_char(out, '\n');
}
