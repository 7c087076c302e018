#include "template/markdown.h"

#include "template/markdown_inline.h"

#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>
#include <cmark-gfm_version.h>
#include <dlfcn.h>
#include <pthread.h>

// The functions that are used, looked up once.
#define FUNCTIONS(X)                                                                                                                                      \
    X(cmark_parser_new) X(cmark_parser_free) X(cmark_parser_feed) X(cmark_parser_finish) X(cmark_parser_attach_syntax_extension)                          \
    X(cmark_find_syntax_extension) X(cmark_node_free) X(cmark_node_get_type) X(cmark_node_get_type_string) X(cmark_node_get_literal)                      \
    X(cmark_node_get_fence_info) X(cmark_node_get_heading_level) X(cmark_node_get_list_type) X(cmark_node_get_list_start) X(cmark_node_get_list_tight)    \
    X(cmark_node_get_url) X(cmark_node_get_title) X(cmark_node_first_child) X(cmark_node_next) X(cmark_node_parent) X(cmark_node_previous)

static struct {
#define DECLARE(name) __typeof__(name) *name;
    FUNCTIONS(DECLARE)
    void (*register_extensions)(void);
    uint16_t (*table_columns)(cmark_node *);
    uint8_t *(*table_alignments)(cmark_node *);
    bool is_loaded;
} cmark;

static void load(void)
{
    void *base = dlopen("libcmark-gfm.so." CMARK_GFM_VERSION_STRING, RTLD_NOW | RTLD_GLOBAL);
    void *extensions = dlopen("libcmark-gfm-extensions.so." CMARK_GFM_VERSION_STRING, RTLD_NOW);
    if (!base || !extensions)
        return;
    bool has_all = true;
#define FIND(name)                                          \
    *(void **)&cmark.name = dlsym(base, #name);             \
    has_all &= cmark.name != NULL;
    FUNCTIONS(FIND)
    *(void **)&cmark.register_extensions = dlsym(extensions, "cmark_gfm_core_extensions_ensure_registered");
    *(void **)&cmark.table_columns = dlsym(extensions, "cmark_gfm_extensions_get_table_columns");
    *(void **)&cmark.table_alignments = dlsym(extensions, "cmark_gfm_extensions_get_table_alignments");
    cmark.is_loaded = has_all && cmark.register_extensions && cmark.table_columns && cmark.table_alignments;
    if (cmark.is_loaded)
        cmark.register_extensions();
}

static bool is_type(cmark_node *n, const char *type)
{
    return n && !strcmp(cmark.cmark_node_get_type_string(n), type);
}

static void ensure_line(struct buf *out)
{
    if (out->n && out->p[out->n - 1] != '\n')
        buf_add_char(out, '\n');
}

static bool is_in_tight_list(cmark_node *paragraph)
{
    cmark_node *item = cmark.cmark_node_parent(paragraph), *list = item ? cmark.cmark_node_parent(item) : NULL;
    return is_type(list, "list") && cmark.cmark_node_get_list_tight(list);
}

static void open_cell(struct buf *out, cmark_node *cell, bool is_head)
{
    cmark_node *row = cmark.cmark_node_parent(cell), *table = cmark.cmark_node_parent(row);
    int column = 0;
    for (cmark_node *c = cmark.cmark_node_previous(cell); c; c = cmark.cmark_node_previous(c))
        column++;
    uint8_t *alignments = cmark.table_alignments(table);
    uint8_t a = alignments && column < cmark.table_columns(table) ? alignments[column] : 0;
    const char *name = a == 'l' ? "left" : a == 'r' ? "right" : a == 'c' ? "center" : NULL;
    buf_add_text(out, is_head ? "<th" : "<td");
    if (name)
        buf_printf(out, " style=\"text-align: %s;\"", name);
    buf_add_char(out, '>');
}

static void write_code_block(struct buf *out, cmark_node *n)
{
    const char *info = cmark.cmark_node_get_fence_info(n);
    size_t length = info ? strcspn(info, " \t") : 0;
    ensure_line(out);
    buf_add_text(out, "<pre><code");
    if (length) {
        buf_add_text(out, " class=\"language-");
        markdown_escape(out, (str){ info, length });
        buf_add_char(out, '"');
    }
    buf_add_char(out, '>');
    markdown_escape(out, str_from(cmark.cmark_node_get_literal(n)));
    buf_add_text(out, "</code></pre>\n");
}

// The inlines of one block in a flat row, for the second pass.
static void add_inline(struct markdown_row *row, cmark_node *n, bool is_enter)
{
    cmark_node_type type = cmark.cmark_node_get_type(n);
    str literal = str_from(cmark.cmark_node_get_literal(n));
    if (type == CMARK_NODE_TEXT)
        markdown_row_text(row, literal);
    else if (type == CMARK_NODE_SOFTBREAK)
        markdown_row_raw(row, STR("\n"));
    else if (type == CMARK_NODE_LINEBREAK)
        markdown_row_raw(row, STR("<br />\n"));
    else if (type == CMARK_NODE_CODE)
        markdown_row_code(row, literal);
    else if (type == CMARK_NODE_HTML_INLINE)
        markdown_row_html(row, literal);
    else if (type == CMARK_NODE_EMPH)
        markdown_row_raw(row, is_enter ? STR("<em>") : STR("</em>"));
    else if (type == CMARK_NODE_STRONG)
        markdown_row_raw(row, is_enter ? STR("<strong>") : STR("</strong>"));
    else if (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE)
        markdown_row_link(row, is_enter, type == CMARK_NODE_IMAGE, str_from(cmark.cmark_node_get_url(n)), str_from(cmark.cmark_node_get_title(n)));
}

static bool is_inline(cmark_node *n)
{
    return (cmark.cmark_node_get_type(n) & CMARK_NODE_TYPE_MASK) == CMARK_NODE_TYPE_INLINE;
}

static cmark_node *write_inlines(struct buf *out, cmark_node *first)
{
    CLEANUP(markdown_row_fini) struct markdown_row row = { 0 };
    cmark_node *top = cmark.cmark_node_parent(first), *n = first;
    while (n && n != top) {
        add_inline(&row, n, true);
        cmark_node *child = cmark.cmark_node_first_child(n);
        if (child) {
            n = child;
            continue;
        }
        while (n != top) {
            cmark_node_type type = cmark.cmark_node_get_type(n);
            if (type == CMARK_NODE_EMPH || type == CMARK_NODE_STRONG || type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE)
                add_inline(&row, n, false);
            cmark_node *next = cmark.cmark_node_next(n);
            if (next) {
                n = next;
                break;
            }
            n = cmark.cmark_node_parent(n);
        }
    }
    markdown_row_write(&row, out);
    return top;
}

static void enter_block(struct buf *out, cmark_node *n)
{
    cmark_node_type type = cmark.cmark_node_get_type(n);
    if (type == CMARK_NODE_PARAGRAPH) {
        // Behind a tight item's text, what follows begins on a line of its own.
        if (is_in_tight_list(n)) {
            if (cmark.cmark_node_previous(n))
                ensure_line(out);
            return;
        }
        if (!is_type(cmark.cmark_node_parent(n), "item") || cmark.cmark_node_previous(n))
            ensure_line(out);
        buf_add_text(out, "<p>");
    } else if (type == CMARK_NODE_HEADING) {
        if (!is_type(cmark.cmark_node_parent(n), "item") || cmark.cmark_node_previous(n))
            ensure_line(out);
        buf_printf(out, "<h%d>", cmark.cmark_node_get_heading_level(n));
    } else if (type == CMARK_NODE_BLOCK_QUOTE) {
        ensure_line(out);
        buf_add_text(out, "<blockquote>\n");
    } else if (type == CMARK_NODE_LIST) {
        ensure_line(out);
        int start = cmark.cmark_node_get_list_start(n);
        if (cmark.cmark_node_get_list_type(n) == CMARK_BULLET_LIST)
            buf_add_text(out, "<ul>\n");
        else if (start == 1)
            buf_add_text(out, "<ol>\n");
        else
            buf_printf(out, "<ol start=\"%d\">\n", start);
    } else if (type == CMARK_NODE_ITEM) {
        ensure_line(out);
        buf_add_text(out, "<li>");
    } else if (type == CMARK_NODE_CODE_BLOCK) {
        write_code_block(out, n);
    } else if (type == CMARK_NODE_HTML_BLOCK) {
        if (!is_type(cmark.cmark_node_parent(n), "item") || cmark.cmark_node_previous(n))
            ensure_line(out);
        buf_add_text(out, cmark.cmark_node_get_literal(n));
        ensure_line(out);
    } else if (type == CMARK_NODE_THEMATIC_BREAK) {
        ensure_line(out);
        buf_add_text(out, "<hr />\n");
    } else if (is_type(n, "table")) {
        ensure_line(out);
        buf_add_text(out, "<table>\n");
    } else if (is_type(n, "table_header")) {
        buf_add_text(out, "<thead>\n<tr>\n");
    } else if (is_type(n, "table_row")) {
        if (is_type(cmark.cmark_node_previous(n), "table_header"))
            buf_add_text(out, "<tbody>\n");
        buf_add_text(out, "<tr>\n");
    } else if (is_type(n, "table_cell")) {
        open_cell(out, n, is_type(cmark.cmark_node_parent(n), "table_header"));
    }
}

static void leave_block(struct buf *out, cmark_node *n)
{
    cmark_node_type type = cmark.cmark_node_get_type(n);
    if (type == CMARK_NODE_PARAGRAPH) {
        if (!is_in_tight_list(n))
            buf_add_text(out, "</p>\n");
    } else if (type == CMARK_NODE_HEADING) {
        buf_printf(out, "</h%d>\n", cmark.cmark_node_get_heading_level(n));
    } else if (type == CMARK_NODE_BLOCK_QUOTE) {
        ensure_line(out);
        buf_add_text(out, "</blockquote>\n");
    } else if (type == CMARK_NODE_LIST) {
        ensure_line(out);
        buf_add_text(out, cmark.cmark_node_get_list_type(n) == CMARK_BULLET_LIST ? "</ul>\n" : "</ol>\n");
    } else if (type == CMARK_NODE_ITEM) {
        buf_add_text(out, "</li>\n");
    } else if (is_type(n, "table")) {
        cmark_node *header = cmark.cmark_node_first_child(n);
        if (header && cmark.cmark_node_next(header))
            buf_add_text(out, "</tbody>\n");
        buf_add_text(out, "</table>\n");
    } else if (is_type(n, "table_header")) {
        buf_add_text(out, "</tr>\n</thead>\n");
    } else if (is_type(n, "table_row")) {
        buf_add_text(out, "</tr>\n");
    } else if (is_type(n, "table_cell")) {
        buf_add_text(out, is_type(cmark.cmark_node_parent(n), "table_header") ? "</th>\n" : "</td>\n");
    }
}

static void write_document(struct buf *out, cmark_node *root)
{
    cmark_node *n = root;
    for (;;) {
        enter_block(out, n);
        cmark_node *child = cmark.cmark_node_first_child(n);
        if (child && is_inline(child))
            write_inlines(out, child);
        else if (child) {
            n = child;
            continue;
        }
        for (;;) {
            leave_block(out, n);
            if (n == root)
                return;
            cmark_node *next = cmark.cmark_node_next(n);
            if (next) {
                n = next;
                break;
            }
            n = cmark.cmark_node_parent(n);
        }
    }
}

#define CODE_MAX_BYTES 4000 // looked at for the end of code with | in it

// `code` in one line, its | hidden. The length of what was written.
static size_t mark_code(struct buf *marked, str s)
{
    s = str_sub(s, 0, MIN(s.n, CODE_MAX_BYTES));
    size_t ticks = 0, at, run = 0;
    while (ticks < s.n && s.p[ticks] == '`')
        ticks++;
    for (at = ticks; at < s.n && s.p[at] != '\n'; at++) {
        run = s.p[at] == '`' ? run + 1 : 0;
        if (run == ticks && (at + 1 == s.n || s.p[at + 1] != '`'))
            break;
    }
    if (at == s.n || s.p[at] == '\n') {
        buf_add(marked, str_sub(s, 0, ticks));
        return ticks;
    }
    for (size_t i = 0; i <= at; i++)
        if (s.p[i] == '|')
            buf_add_text(marked, MARKDOWN_PIPE);
        else
            buf_add_char(marked, s.p[i]);
    return at + 1;
}

// A bare link's * and _, but for those that end it.
static size_t mark_link(struct buf *marked, str s)
{
    static const str starts[] = { STR_INIT("https://"), STR_INIT("http://"), STR_INIT("ftp://"), STR_INIT("www.") };
    size_t n = 0, end = 0;
    for (size_t i = 0; i < COUNT(starts) && !n; i++)
        n = str_starts(s, starts[i]) ? starts[i].n : 0;
    if (!n)
        return 0;
    while (n < s.n && !strchr(" \t\r\n<>()[]|`\\/", s.p[n]))
        n++;
    for (size_t i = n; i < s.n && !strchr(" \t\r\n<>()[]|`\\", s.p[i]); i++)
        if (!strchr("*_~?!.,:", s.p[i]))
            end = i;
    buf_add(marked, str_sub(s, 0, n));
    for (; n < end; n++)
        if (s.p[n] == '*' || s.p[n] == '_')
            buf_add_text(marked, s.p[n] == '*' ? MARKDOWN_STAR : MARKDOWN_LINE);
        else
            buf_add_char(marked, s.p[n]);
    return n;
}

static str line_at(str text, size_t at)
{
    str rest = str_skip(text, at);
    ptrdiff_t end = str_find_char(rest, '\n');
    return end < 0 ? rest : str_sub(rest, 0, (size_t)end);
}

// The second line of a table: | - | :-: |
static bool is_table_rule(str text, size_t at)
{
    if (!at || text.p[at - 1] != '\n')
        return false;
    str line = line_at(text, at), before = str_sub(text, 0, at - 1);
    ptrdiff_t begin = str_find_last_char(before, '\n');
    if (!str_has(line, '|') || !str_has(line, '-') || !str_has(str_skip(before, (size_t)(begin + 1)), '|'))
        return false;
    for (size_t i = 0; i < line.n; i++)
        if (!line.p[i] || !strchr("-:| \t\r", line.p[i]))
            return false;
    return true;
}

static bool begins_block(str line)
{
    static const str starts[] = { STR_INIT("#"), STR_INIT(">"), STR_INIT("<"), STR_INIT("```"), STR_INIT("~~~"), STR_INIT("- "), STR_INIT("* "), STR_INIT("+ "), STR_INIT("1. "), STR_INIT("1) ") };
    for (size_t i = 0; i < COUNT(starts); i++)
        if (str_starts(line, starts[i]))
            return true;
    return !str_trim(line).n;
}

// In Markdig a line without | makes a paragraph of all the lines before it; in cmark it is one more row. Ends at
// that line, or where the table does.
static size_t table_end(str text, size_t at, bool *is_spoilt)
{
    *is_spoilt = false;
    str line = line_at(text, at);
    size_t next = at + line.n + 1;
    for (; next < text.n; next += line.n + 1) {
        line = line_at(text, next);
        if (begins_block(line))
            break;
        if (!str_has(line, '|')) {
            *is_spoilt = true;
            break;
        }
    }
    return next;
}

// Writes down what cmark would forget or take for something else.
static void mark(struct buf *marked, str text)
{
    size_t table = 0; // where the table at hand ends
    bool is_spoilt = false;
    for (size_t i = 0, length; i < text.n; i += length) {
        char c = text.p[i];
        str rest = str_skip(text, i);
        length = c == '`' ? mark_code(marked, rest) : 0;
        if (!length && c && strchr("hfw", c) && (!i || strchr(" \t\n*_~(", text.p[i - 1])))
            length = mark_link(marked, rest);
        if (length)
            continue;
        length = 1;
        if (c && strchr("-|:", c) && is_table_rule(text, i)) {
            if (i >= table)
                table = table_end(text, i, &is_spoilt);
            if (is_spoilt)
                buf_add_text(marked, MARKDOWN_ESCAPED);
            else if (str_starts(rest, STR("- ")))
                buf_add_char(marked, '-'); // no list
        }
        buf_add_char(marked, c);
        if (c != '\\' || rest.n == 1)
            continue;
        length = 2;
        buf_add_char(marked, rest.p[1]);
        if (rest.p[1] && strchr("~^+=[]", rest.p[1]))
            buf_add_text(marked, MARKDOWN_ESCAPED);
    }
}

static void remove_marks(struct buf *out, size_t from)
{
    str escaped = STR(MARKDOWN_ESCAPED);
    size_t to = from;
    for (size_t i = from; i < out->n;) {
        str rest = str_skip(buf_str(out), i);
        char hidden = markdown_hidden(rest);
        if (hidden)
            out->p[to++] = hidden;
        i += hidden || str_starts(rest, escaped) ? escaped.n : 0;
        if (!hidden && i < out->n && rest.p == out->p + i)
            out->p[to++] = out->p[i++];
    }
    out->n = to;
}

bool markdown_to_html(str text, struct buf *out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (!cmark.is_loaded)
        return err_set(e, ERR_IO, "the Markdown library is not there: install libcmark-gfm and libcmark-gfm-extensions");
    cmark_parser *parser = cmark.cmark_parser_new(CMARK_OPT_UNSAFE | CMARK_OPT_STRIKETHROUGH_DOUBLE_TILDE);
    cmark_syntax_extension *table = cmark.cmark_find_syntax_extension("table");
    if (table)
        cmark.cmark_parser_attach_syntax_extension(parser, table);
    CLEANUP(buf_fini) struct buf marked = { 0 };
    size_t from = out->n;
    mark(&marked, text);
    cmark.cmark_parser_feed(parser, marked.p ? marked.p : "", marked.n);
    cmark_node *root = cmark.cmark_parser_finish(parser);
    write_document(out, root);
    cmark.cmark_node_free(root);
    cmark.cmark_parser_free(parser);
    remove_marks(out, from);
    return true;
}
