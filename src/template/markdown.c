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
        markdown_row_raw(row, literal);
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

static void mark_escapes(struct buf *marked, str text)
{
    for (size_t i = 0; i < text.n; i++) {
        buf_add_char(marked, text.p[i]);
        if (text.p[i] != '\\' || i + 1 == text.n)
            continue;
        buf_add_char(marked, text.p[++i]);
        if (strchr("~^+=", text.p[i]) && text.p[i])
            buf_add_text(marked, MARKDOWN_ESCAPED);
    }
}

static void remove_marks(struct buf *out, size_t from)
{
    str mark = STR(MARKDOWN_ESCAPED);
    size_t to = from;
    for (size_t i = from; i < out->n;) {
        if (str_starts(str_skip(buf_str(out), i), mark))
            i += mark.n;
        else
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
    mark_escapes(&marked, text);
    cmark.cmark_parser_feed(parser, marked.p ? marked.p : "", marked.n);
    cmark_node *root = cmark.cmark_parser_finish(parser);
    write_document(out, root);
    cmark.cmark_node_free(root);
    cmark.cmark_parser_free(parser);
    remove_marks(out, from);
    return true;
}
