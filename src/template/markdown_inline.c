#include "template/markdown_inline.h"

#include "template/chars.h"

#include <stdio.h>

enum piece_kind { PIECE_TEXT, PIECE_RAW, PIECE_OPEN, PIECE_CLOSE, PIECE_DELIMITER };

struct markdown_piece {
    enum piece_kind kind;
    size_t begin, n; // in the row's text
    char delimiter;
    size_t left;           // PIECE_DELIMITER: characters not used yet
    uint32_t before, after; // the characters around it; after 0: the next piece's
    bool can_open, can_close;
    char tags_before[24], tags_after[24]; // what was made of the used ones: closing in front of the rest, opening behind
};

void markdown_row_fini(struct markdown_row *row)
{
    free(row->pieces);
    buf_fini(&row->text);
}

static struct markdown_piece *add_piece(struct markdown_row *row, enum piece_kind kind, str s)
{
    xgrow(&row->pieces, &row->cap, row->count + 1, sizeof *row->pieces);
    struct markdown_piece *p = &row->pieces[row->count++];
    *p = (struct markdown_piece){ .kind = kind, .begin = row->text.n, .n = s.n };
    buf_add(&row->text, s);
    return p;
}

char markdown_hidden(str s)
{
    if (s.n < 3 || s.p[0] != MARKDOWN_PIPE[0] || s.p[1] != MARKDOWN_PIPE[1])
        return 0;
    return s.p[2] == MARKDOWN_PIPE[2] ? '|' : s.p[2] == MARKDOWN_STAR[2] ? '*' : s.p[2] == MARKDOWN_LINE[2] ? '_' : 0;
}

void markdown_escape(struct buf *out, str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char hidden = markdown_hidden(str_skip(text, i));
        if (hidden) {
            buf_add_char(out, hidden);
            i += 2;
            continue;
        }
        switch (text.p[i]) {
        case '&': buf_add_text(out, "&amp;"); break;
        case '<': buf_add_text(out, "&lt;"); break;
        case '>': buf_add_text(out, "&gt;"); break;
        case '"': buf_add_text(out, "&quot;"); break;
        default: buf_add_char(out, text.p[i]);
        }
    }
}

void markdown_escape_url(struct buf *out, str url)
{
    for (size_t i = 0; i < url.n; i++) {
        char hidden = markdown_hidden(str_skip(url, i));
        unsigned char c = (unsigned char)(hidden ? hidden : url.p[i]);
        i += hidden ? 2 : 0;
        if (c == '&')
            buf_add_text(out, "&amp;");
        else if (c <= ' ' || c >= 127 || strchr("\"'<>[\\]^`{|}~", c))
            buf_printf(out, "%%%02X", c);
        else
            buf_add_char(out, (char)c);
    }
}

static void add_escaped(struct markdown_row *row, str text)
{
    size_t before = row->text.n;
    struct markdown_piece *p = add_piece(row, PIECE_TEXT, STR(""));
    markdown_escape(&row->text, text);
    p->n = row->text.n - before;
}

void markdown_row_raw(struct markdown_row *row, str html)
{
    bool is_close = str_starts(html, STR("</")), is_tag = str_starts(html, STR("<em")) || str_starts(html, STR("<strong>"));
    if (row->image_depth)
        return;
    row->has_delimiter['*'] |= is_tag;
    add_piece(row, is_tag ? PIECE_OPEN : is_close ? PIECE_CLOSE : PIECE_RAW, html);
    row->before = is_tag || is_close ? '*' : html.n ? html.p[html.n - 1] : row->before;
}

void markdown_row_html(struct markdown_row *row, str html)
{
    if (row->image_depth)
        return;
    add_piece(row, PIECE_RAW, html);
    row->before = html.n ? html.p[html.n - 1] : row->before;
    if (str_starts_nocase(html, STR("</a")))
        row->is_in_html_link = false;
    else if (str_starts_nocase(html, STR("<a")))
        row->is_in_html_link = true;
}

void markdown_row_code(struct markdown_row *row, str code)
{
    if (row->image_depth) {
        add_escaped(row, code);
        return;
    }
    add_piece(row, PIECE_RAW, STR("<code>"));
    add_escaped(row, code);
    add_piece(row, PIECE_RAW, STR("</code>"));
    row->before = '`';
}

void markdown_row_link(struct markdown_row *row, bool is_enter, bool is_image, str url, str title)
{
    CLEANUP(buf_fini) struct buf html = { 0 };
    if (is_image && !is_enter) {
        if (--row->image_depth)
            return;
        buf_add_char(&html, '"');
        if (title.n) {
            buf_add_text(&html, " title=\"");
            markdown_escape(&html, title);
            buf_add_char(&html, '"');
        }
        buf_add_text(&html, " />");
        add_piece(row, PIECE_CLOSE, buf_str(&html));
        row->before = ')';
        return;
    }
    if (is_image && row->image_depth++)
        return;
    if (!is_image && row->image_depth)
        return;
    if (!is_image) {
        row->link_depth += is_enter ? 1 : (size_t)-1;
        row->open_brackets = 0; // links do not hold links
        row->link_url = url;
    }
    if (!is_enter) {
        add_piece(row, PIECE_CLOSE, STR("</a>"));
        row->before = ')';
        return;
    }
    buf_add_text(&html, is_image ? "<img src=\"" : "<a href=\"");
    markdown_escape_url(&html, url);
    if (is_image) {
        buf_add_text(&html, "\" alt=\"");
    } else {
        buf_add_char(&html, '"');
        if (title.n) {
            buf_add_text(&html, " title=\"");
            markdown_escape(&html, title);
            buf_add_char(&html, '"');
        }
        buf_add_char(&html, '>');
    }
    add_piece(row, PIECE_OPEN, buf_str(&html));
    row->before = '[';
}

// a.b, with letters, digits, - and _, the latter not in the last two labels.
static bool is_domain(str s, size_t least)
{
    size_t labels = 0, last_underscored = 0;
    for (str rest = s, label; str_split(&rest, '.', &label);) {
        labels++;
        if (!label.n)
            return false;
        for (size_t i = 0, length; i < label.n; i += length) {
            uint32_t c = chars_decode(label.p + i, label.n - i, &length);
            if (c == '_') {
                last_underscored = labels;
            } else if (c != '-' && (!chars_is_name(c) || (c < 128 && strchr(":/~()@", (int)c)))) {
                return false;
            }
        }
    }
    return labels >= least && (!last_underscored || last_underscored + 1 < labels);
}

static const struct {
    str prefix;
    bool has_domain, is_shown;
} link_starts[] = {
    { STR_INIT("https://"), true, true },
    { STR_INIT("http://"), true, true },
    { STR_INIT("ftp://"), true, true },
    { STR_INIT("www."), true, true },
    { STR_INIT("mailto:"), false, false },
    { STR_INIT("tel:"), false, false },
};

static size_t url_length(const struct markdown_row *row, str s)
{
    size_t n = 0, length;
    int open = 0;
    bool is_at_end = true;
    for (; n < s.n; n += length) {
        uint32_t c = chars_decode(s.p + n, s.n - n, &length);
        if (chars_is_space(c) || c < 0x20 || c == '<')
            break;
        if (c == '(')
            open++;
        if (c == ')' && --open < 0) {
            is_at_end = false;
            break;
        }
    }
    n -= n && is_at_end && strchr("?!.,:*_~", s.p[n - 1]);
    while (n && (unsigned char)s.p[n - 1] < 128 && row->has_delimiter[(int)s.p[n - 1]])
        n--;
    return n;
}

#define WASTED_MAX_BYTES 1000000

// The length of a bare link that begins `s`, and how much of it is not shown.
static size_t link_at(struct markdown_row *row, str s, size_t *hidden)
{
    for (size_t i = 0; i < COUNT(link_starts); i++) {
        str prefix = link_starts[i].prefix;
        if (!str_starts(s, prefix))
            continue;
        size_t n = url_length(row, s);
        row->wasted_bytes += n;
        str rest = str_skip(str_sub(s, 0, n), prefix.n);
        if (!rest.n)
            return 0;
        *hidden = link_starts[i].is_shown ? 0 : prefix.n;
        if (str_eq(prefix, STR("tel:")))
            return n;
        if (str_eq(prefix, STR("mailto:"))) {
            ptrdiff_t at = str_find_char(rest, '@');
            if (at <= 0)
                return 0;
            rest = str_skip(rest, (size_t)at + 1);
        } else if (str_eq(prefix, STR("www."))) {
            rest = str_sub(s, 0, n);
        }
        size_t domain = 0;
        while (domain < rest.n && !strchr("/?#:", rest.p[domain]))
            domain++;
        return is_domain(str_sub(rest, 0, domain), str_eq(prefix, STR("www.")) ? 3 : 2) ? n : 0;
    }
    return 0;
}

static void add_link(struct markdown_row *row, str link, size_t hidden)
{
    CLEANUP(buf_fini) struct buf html = { 0 };
    buf_add_text(&html, "<a href=\"");
    if (str_starts(link, STR("www.")))
        buf_add_text(&html, "http://");
    markdown_escape_url(&html, link);
    buf_add_text(&html, "\">");
    markdown_escape(&html, str_skip(link, hidden));
    buf_add_text(&html, "</a>");
    add_piece(row, PIECE_RAW, buf_str(&html));
}

static bool is_punctuation(uint32_t c)
{
    return c < 128 ? c > ' ' && !((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z')) && c != 127 : !chars_is_name(c) && !chars_is_space(c) && c < 0x2E80;
}

static void add_delimiter(struct markdown_row *row, str text, size_t at, size_t n, uint32_t before)
{
    size_t length;
    struct markdown_piece *p = add_piece(row, PIECE_DELIMITER, str_sub(text, at, n));
    p->delimiter = text.p[at];
    p->left = n;
    row->has_delimiter[(int)p->delimiter] = true;
    p->before = before;
    p->after = at + n < text.n ? chars_decode(text.p + at + n, text.n - at - n, &length) : 0;
}

// What a delimiter at the end of a text is followed by, as it stood in the source.
static uint32_t first_of(const struct markdown_row *row, size_t i)
{
    if (i >= row->count)
        return '\n';
    const struct markdown_piece *p = &row->pieces[i];
    str s = str_sub(buf_str(&row->text), p->begin, p->n);
    if (p->kind == PIECE_OPEN || p->kind == PIECE_CLOSE)
        return '*';
    return str_starts(s, STR("<br />\n")) ? '\n' : str_starts(s, STR("<code")) ? '`' : s.n ? (unsigned char)*s.p : '\n';
}

static void find_flanks(struct markdown_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        struct markdown_piece *p = &row->pieces[i];
        if (p->kind != PIECE_DELIMITER)
            continue;
        uint32_t after = p->after ? p->after : first_of(row, i + 1);
        bool is_space_before = chars_is_space(p->before), is_space_after = chars_is_space(after);
        p->can_open = !is_space_after && (!is_punctuation(after) || is_space_before || is_punctuation(p->before));
        p->can_close = !is_space_before && (!is_punctuation(p->before) || is_space_after || is_punctuation(after));
    }
}

static void count_bracket(struct markdown_row *row, str s)
{
    str rest = str_skip(s, 1);
    if (*s.p == '[' && !str_starts(rest, STR(MARKDOWN_ESCAPED)))
        row->open_brackets++;
    // Where a label follows that nothing defines, as in [a][b], the first bracket stays open.
    bool has_label = rest.n > 1 && rest.p[0] == '[' && rest.p[1] != ']';
    if (*s.p == ']' && row->open_brackets && !has_label && !str_starts(rest, STR(MARKDOWN_ESCAPED)))
        row->open_brackets--;
}

void markdown_row_text(struct markdown_row *row, str text)
{
    if (row->image_depth || (row->link_depth && str_eq(text, row->link_url))) {
        add_escaped(row, text);
        return;
    }
    size_t from = 0;
    uint32_t before = (unsigned char)(row->before ? row->before : '\n');
    for (size_t i = 0, length; i < text.n; i += length) {
        uint32_t c = chars_decode(text.p + i, text.n - i, &length);
        size_t hidden, link = 0;
        count_bracket(row, str_skip(text, i));
        if (!row->link_depth && !row->open_brackets && !row->is_in_html_link && c < 128 && strchr("hfwmt", (int)c) && (chars_is_space(before) || strchr("*_~(", (int)MIN(before, 127u))))
            link = row->wasted_bytes < WASTED_MAX_BYTES ? link_at(row, str_skip(text, i), &hidden) : 0;
        if (link) {
            if (i > from)
                add_escaped(row, str_sub(text, from, i - from));
            row->wasted_bytes -= link;
            add_link(row, str_sub(text, i, link), hidden);
            from = i + link;
            length = link;
            before = 'a';
            continue;
        }
        if (c < 128 && c && strchr("~^+=", (int)c)) {
            size_t n = 1;
            while (i + n < text.n && text.p[i + n] == (char)c)
                n++;
            if (str_starts(str_skip(text, i + n), STR(MARKDOWN_ESCAPED)) && --n == 0) {
                length = 1;
                before = c;
                continue;
            }
            if (n > 1 || c == '~' || c == '^') {
                if (i > from)
                    add_escaped(row, str_sub(text, from, i - from));
                add_delimiter(row, text, i, n, before);
                from = i + n;
            }
            length = n;
        }
        before = c;
    }
    if (text.n > from)
        add_escaped(row, str_skip(text, from));
    row->before = text.n ? text.p[text.n - 1] : row->before;
}

static const char *tag_of(char delimiter, size_t n)
{
    switch (delimiter) {
    case '~': return n == 2 ? "del" : "sub";
    case '^': return "sup";
    case '+': return "ins";
    default: return "mark";
    }
}

static void append_tag(char *tags, size_t room, const char *format, const char *name, bool in_front)
{
    char tag[16], all[48];
    snprintf(tag, sizeof tag, format, name);
    if (strlen(tags) + strlen(tag) >= room)
        return;
    snprintf(all, sizeof all, "%s%s", in_front ? tag : tags, in_front ? tags : tag);
    memcpy(tags, all, strlen(all) + 1);
}

// How many of both runs make one element, or 0.
static size_t match(const struct markdown_piece *open, const struct markdown_piece *close)
{
    if (open->delimiter != close->delimiter || !open->can_open || !open->left || !close->left)
        return 0;
    // CommonMark's rule for runs that could do both.
    if ((open->can_close || close->can_open) && (open->n + close->n) % 3 == 0 && (open->n % 3 || close->n % 3))
        return 0;
    size_t both = MIN(open->left, close->left);
    if (open->delimiter == '^')
        return 1;
    if (open->delimiter == '~')
        return MIN(both, (size_t)2);
    return both >= 2 ? 2 : 0;
}

#define COMPARISONS_MAX 4000000 // of a paragraph's delimiters; what is left then stays text

static void match_delimiters(struct markdown_row *row)
{
    size_t comparisons = 0;
    size_t *stack = xcalloc(row->count + 1, sizeof *stack), n = 0; // openers and the elements around them
    for (size_t i = 0; i < row->count; i++) {
        struct markdown_piece *p = &row->pieces[i];
        if (p->kind == PIECE_OPEN) {
            stack[n++] = i;
        } else if (p->kind == PIECE_CLOSE) {
            while (n && row->pieces[stack[n - 1]].kind != PIECE_OPEN)
                n--;
            n -= n > 0;
        } else if (p->kind == PIECE_DELIMITER) {
            for (size_t j = n; p->can_close && p->left && j > 0 && row->pieces[stack[j - 1]].kind != PIECE_OPEN && comparisons++ < COMPARISONS_MAX;) {
                struct markdown_piece *open = &row->pieces[stack[j - 1]];
                size_t used = match(open, p);
                if (!used) {
                    j--;
                    continue;
                }
                open->left -= used;
                p->left -= used;
                append_tag(open->tags_after, sizeof open->tags_after, "<%s>", tag_of(p->delimiter, used), true);
                append_tag(p->tags_before, sizeof p->tags_before, "</%s>", tag_of(p->delimiter, used), false);
                n = j; // what lay between stays text
            }
            if (p->left && p->can_open)
                stack[n++] = i;
        }
    }
    free(stack);
}

void markdown_row_write(struct markdown_row *row, struct buf *out)
{
    find_flanks(row);
    match_delimiters(row);
    for (size_t i = 0; i < row->count; i++) {
        const struct markdown_piece *p = &row->pieces[i];
        if (p->kind != PIECE_DELIMITER) {
            buf_add(out, str_sub(buf_str(&row->text), p->begin, p->n));
            continue;
        }
        buf_add_text(out, p->tags_before);
        for (size_t k = 0; k < p->left; k++)
            buf_add_char(out, p->delimiter);
        buf_add_text(out, p->tags_after);
    }
}
