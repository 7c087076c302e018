// Markdown, MarkdownToHtml.
#include "template/chars.h"
#include "template/filter.h"
#include "template/markdown.h"

enum filter_outcome filter_markdown(struct filter_call *c)
{
    CLEANUP(buf_fini) struct buf out = { .max = c->max_bytes };
    struct err e = { 0 };
    if (c->option_count)
        return FILTER_NOTHING;
    if (!markdown_to_html(chars_trim(c->argument.s), &out, &e))
        return filter_exception(c, "%s", e.text);
    buf_add_char(&out, '\n');
    return filter_value_buf(c, &out);
}
