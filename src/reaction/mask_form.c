#include "reaction/mask_form.h"

#include "base/encode.h"
#include "json/json.h"

struct forms {
    struct arena *arena;
    void (*add)(void *ctx, str form);
    void *ctx;
};

static void give(struct forms *f, str form)
{
    f->add(f->ctx, form);
}

static void give_buf(struct forms *f, const struct buf *b)
{
    give(f, arena_str(f->arena, buf_str(b)));
}

static str upper(struct arena *a, str s)
{
    str copy = arena_str(a, s);
    char *p = (char *)(uintptr_t)copy.p;
    for (size_t i = 0; i < copy.n; i++)
        if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char)(p[i] - 32);
    return copy;
}

// ---- XML, JSON, URL ----

static void xml(struct forms *f, str s, bool with_quotes)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '<': buf_add_text(&b, "&lt;"); break;
        case '>': buf_add_text(&b, "&gt;"); break;
        case '&': buf_add_text(&b, "&amp;"); break;
        case '"': buf_add_text(&b, with_quotes ? "&quot;" : "\""); break;
        case '\'': buf_add_text(&b, with_quotes ? "&#39;" : "'"); break;
        default: buf_add_char(&b, s.p[i]);
        }
    give_buf(f, &b);
}

// One character of well-formed UTF-8.
static uint32_t code_point(str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    switch (s.n) {
    case 1: return p[0];
    case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3: return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    default: return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    }
}

static size_t utf16_units(uint32_t c, uint16_t units[static 2])
{
    if (c < 0x10000) {
        units[0] = (uint16_t)c;
        return 1;
    }
    units[0] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
    units[1] = (uint16_t)(0xdc00 + ((c - 0x10000) & 0x3ff));
    return 2;
}

// As .NET writes JSON by default (ConvertTo-Json -EscapeHandling EscapeHtml, System.Text.Json): all that could mean
// something in HTML, and all that is not ASCII, as \uXXXX. JSON itself escapes only what it must.
static void json_cautious(struct forms *f, str s, bool is_upper)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    bool is_valid;
    while (s.n) {
        size_t n = str_utf8_next(s, &is_valid);
        unsigned char c = (unsigned char)*s.p;
        if (!is_valid)
            return;
        static const char plain[] = "\n\r\t\b\f", letters[] = "nrtbf";
        const char *short_form = c ? strchr(plain, c) : NULL;
        if (short_form) {
            buf_printf(&b, "\\%c", letters[short_form - plain]);
        } else if (c == '\\') {
            buf_add_text(&b, "\\\\");
        } else if (n == 1 && c >= 0x20 && c < 0x7f && !strchr("\"<>&'+`", c)) {
            buf_add_char(&b, (char)c);
        } else {
            uint16_t units[2];
            size_t count = utf16_units(code_point(str_sub(s, 0, n)), units);
            for (size_t i = 0; i < count; i++)
                buf_printf(&b, is_upper ? "\\u%04X" : "\\u%04x", units[i]);
        }
        s = str_skip(s, n);
    }
    give_buf(f, &b);
}

static void json(struct forms *f, str s)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    json_write_string(&b, s);
    give(f, arena_str(f->arena, str_sub(buf_str(&b), 1, b.n - 2)));
}

static void url(struct forms *f, str s)
{
    CLEANUP(buf_fini) struct buf lower = { 0 }, form = { 0 };
    str text = percent_encode(f->arena, s);
    give(f, text);
    for (size_t i = 0; i < text.n; i++) {
        bool is_escape = text.p[i] == '%' && i + 2 < text.n;
        bool is_blank = is_escape && text.p[i + 1] == '2' && text.p[i + 2] == '0';
        if (is_blank)
            buf_add_char(&form, '+');
        else
            buf_add(&form, str_sub(text, i, is_escape ? 3 : 1));
        for (size_t k = 0; k < (is_escape ? 3u : 1u); k++)
            buf_add_char(&lower, is_escape && text.p[i + k] >= 'A' && text.p[i + k] <= 'F' ? (char)(text.p[i + k] + 32) : text.p[i + k]);
        i += is_escape ? 2 : 0;
    }
    give_buf(f, &lower);
    give_buf(f, &form);
}

// ---- bytes as text ----

static void hex(struct forms *f, str s)
{
    CLEANUP(buf_fini) struct buf dashed = { 0 };
    str lower = hex_encode(f->arena, s), high = upper(f->arena, lower);
    give(f, lower);
    give(f, high);
    for (size_t i = 0; i < high.n; i += 2)
        buf_printf(&dashed, i ? "-%.2s" : "%.2s", high.p + i);
    give_buf(f, &dashed);
}

// Base64 of a text that holds the value at any place: what stands firm whatever comes before and after.
static void base64(struct forms *f, str value)
{
    for (size_t shift = 0; shift < 3; shift++) {
        str padded = arena_concat(f->arena, str_sub(STR("\0\0"), 0, shift), value);
        size_t skip = shift ? shift + 1 : 0, firm = padded.n * 8 / 6; // digits touched by what stands before, or after
        if (firm <= skip)
            continue;
        give(f, str_sub(base64_encode(f->arena, padded, BASE64_STANDARD), skip, firm - skip));
        give(f, str_sub(base64_encode(f->arena, padded, BASE64_URL), skip, firm - skip));
    }
}

static str utf16(struct forms *f, str s, bool is_big)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    while (s.n) {
        bool is_valid;
        uint16_t units[2];
        size_t n = str_utf8_next(s, &is_valid), count = utf16_units(is_valid ? code_point(str_sub(s, 0, n)) : 0xfffd, units);
        for (size_t i = 0; i < count; i++) {
            buf_add_char(&b, (char)(is_big ? units[i] >> 8 : units[i] & 0xff));
            buf_add_char(&b, (char)(is_big ? units[i] & 0xff : units[i] >> 8));
        }
        s = str_skip(s, n);
    }
    return arena_str(f->arena, buf_str(&b));
}

void mask_forms(str value, struct arena *a, void (*add)(void *ctx, str form), void *ctx)
{
    struct forms f = { a, add, ctx };
    give(&f, value);
    json(&f, value);
    base64(&f, value);
    if (value.n > MASK_ALL_FORMS_BYTES)
        return;
    json_cautious(&f, value, true);
    json_cautious(&f, value, false);
    url(&f, value);
    xml(&f, value, true);
    xml(&f, value, false);
    hex(&f, value);
    for (int is_big = 0; is_big < 2; is_big++) {
        str wide = utf16(&f, value, is_big);
        give(&f, wide);
        base64(&f, wide);
        hex(&f, wide);
    }
}
