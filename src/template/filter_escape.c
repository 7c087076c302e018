// Filters that escape text for another language, character by character.
#include "template/chars.h"
#include "template/filter.h"

#include <stdio.h>

// Table per first byte: what replaces a character, or NULL.
static void replace_all(struct marked_out *out, str piece, const char *const table[128])
{
    size_t copied = 0;
    for (size_t i = 0; i < piece.n; i++) {
        unsigned char c = (unsigned char)piece.p[i];
        if (c >= 128 || !table[c])
            continue;
        marked_add_str(out, str_sub(piece, copied, i - copied));
        marked_add_str(out, str_from(table[c]));
        copied = i + 1;
    }
    marked_add_str(out, str_skip(piece, copied));
}

static void map_html(struct marked_out *out, str piece, size_t at)
{
    static const char *const table[128] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&apos;", ['/'] = "&#x2F;" };
    replace_all(out, piece, table);
}

static void map_xml(struct marked_out *out, str piece, size_t at)
{
    static const char *const table[128] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&apos;" };
    replace_all(out, piece, table);
}

static void map_json(struct marked_out *out, str piece, size_t at)
{
    static const char *const table[128] = { ['"'] = "\\\"", ['\\'] = "\\\\", ['\r'] = "\\r", ['\n'] = "\\n", ['\t'] = "\\t" };
    replace_all(out, piece, table);
}

static void add_unit(struct marked_out *out, uint32_t unit)
{
    char text[8];
    snprintf(text, sizeof text, "\\u%04x", unit & 0xFFFF);
    marked_add_str(out, (str){ text, 6 });
}

static void add_units(struct marked_out *out, uint32_t c)
{
    if (c > 0xFFFF) {
        add_unit(out, 0xD800 + ((c - 0x10000) >> 10));
        add_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
        add_unit(out, c);
    }
}

static void map_yaml_double(struct marked_out *out, str piece, size_t at)
{
    static const char *const table[128] = { ['"'] = "\\\"", ['\\'] = "\\\\", ['\r'] = "\\r", ['\n'] = "\\n", ['\t'] = "\\t" };
    size_t length;
    for (size_t i = 0; i < piece.n; i += length) {
        uint32_t c = chars_decode(piece.p + i, piece.n - i, &length);
        if (c < 128 && table[c])
            marked_add_str(out, str_from(table[c]));
        else if (c >= 0x20 && c <= 0x7E)
            marked_add_char(out, (char)c);
        else
            add_units(out, c);
    }
}

static void add_properties_char(struct marked_out *out, str piece, size_t i, size_t length, uint32_t c)
{
    static const char *const table[128] = { ['\\'] = "\\\\", ['\r'] = "\\r", ['\n'] = "\\n", ['\t'] = "\\t" };
    if (c < 128 && table[c])
        marked_add_str(out, str_from(table[c]));
    else if (c < 0xFF)
        marked_add_str(out, str_sub(piece, i, length));
    else
        add_units(out, c);
}

static void map_properties_key(struct marked_out *out, str piece, size_t at)
{
    size_t length;
    for (size_t i = 0; i < piece.n; i += length) {
        uint32_t c = chars_decode(piece.p + i, piece.n - i, &length);
        if (c == ' ' || c == ':' || c == '=')
            marked_add_char(out, '\\');
        add_properties_char(out, piece, i, length, c);
    }
}

static void map_properties_value(struct marked_out *out, str piece, size_t at)
{
    size_t length;
    for (size_t i = 0; i < piece.n; i += length) {
        uint32_t c = chars_decode(piece.p + i, piece.n - i, &length);
        if (c == ' ' && at + i == 0)
            marked_add_char(out, '\\');
        add_properties_char(out, piece, i, length, c);
    }
}

static void add_percent(struct marked_out *out, str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        static const char digits[] = "0123456789ABCDEF";
        unsigned char byte = (unsigned char)bytes.p[i];
        char text[3] = { '%', digits[byte >> 4], digits[byte & 15] };
        marked_add_str(out, (str){ text, 3 });
    }
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-_.~", c));
}

static void add_uri(struct marked_out *out, str piece, const char *kept)
{
    size_t length;
    for (size_t i = 0; i < piece.n; i += length) {
        uint32_t c = chars_decode(piece.p + i, piece.n - i, &length);
        if (c < 128 && (is_unreserved((unsigned char)c) || (c && strchr(kept, (int)c))))
            marked_add_char(out, (char)c);
        else if (c == CHARS_REPLACEMENT)
            add_percent(out, STR("\ufffd"));
        else
            add_percent(out, str_sub(piece, i, length));
    }
}

static void map_uri(struct marked_out *out, str piece, size_t at)
{
    add_uri(out, piece, ";/?:@&=+$,#[]!'()*");
}

static void map_uri_data(struct marked_out *out, str piece, size_t at)
{
    add_uri(out, piece, "");
}

static enum filter_outcome map(struct filter_call *c, filter_mapping *mapping)
{
    return c->option_count ? FILTER_NOTHING : filter_map(c, mapping);
}

enum filter_outcome filter_html_escape(struct filter_call *c)
{
    return map(c, map_html);
}

enum filter_outcome filter_xml_escape(struct filter_call *c)
{
    return map(c, map_xml);
}

enum filter_outcome filter_json_escape(struct filter_call *c)
{
    return map(c, map_json);
}

enum filter_outcome filter_yaml_double_quote_escape(struct filter_call *c)
{
    return map(c, map_yaml_double);
}

enum filter_outcome filter_properties_key_escape(struct filter_call *c)
{
    return map(c, map_properties_key);
}

enum filter_outcome filter_properties_value_escape(struct filter_call *c)
{
    return map(c, map_properties_value);
}

enum filter_outcome filter_uri_escape(struct filter_call *c)
{
    return map(c, map_uri);
}

enum filter_outcome filter_uri_data_escape(struct filter_call *c)
{
    return map(c, map_uri_data);
}

static size_t line_break_at(str s, size_t i)
{
    if (i < s.n && s.p[i] == '\n')
        return 1;
    return i + 1 < s.n && s.p[i] == '\r' && s.p[i + 1] == '\n' ? 2 : 0;
}

// YAML folds one line break into a blank: each run of breaks gets one more in front, of its first
// kind. The run may cross the marks of the argument, so marks spread here.
enum filter_outcome filter_yaml_single_quote_escape(struct filter_call *c)
{
    if (c->option_count)
        return FILTER_NOTHING;
    CLEANUP(buf_fini) struct buf out = { .max = c->max_bytes };
    str s = c->argument.s;
    for (size_t i = 0, n; i < s.n;) {
        n = line_break_at(s, i);
        if (!n) {
            if (s.p[i] == '\'')
                buf_add_char(&out, '\'');
            buf_add_char(&out, s.p[i++]);
            continue;
        }
        buf_add(&out, str_sub(s, i, n));
        for (; n; n = line_break_at(s, i)) {
            buf_add(&out, str_sub(s, i, n));
            i += n;
        }
    }
    return filter_value_buf(c, &out);
}
