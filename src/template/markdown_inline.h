// markdown_inline.h - the second pass over a block's inlines: extra emphasis and bare links, as Markdig has them.
//
// The block's inlines are laid out in a row first. Delimiters (~~ ~ ^ ++ ==) match by CommonMark's rules
// for flanking, and only within one element: an opener in <em> is not closed behind it.
#pragma once

#include "base/buf.h"

// Stands behind a character of the extra emphasis that was escaped, until the end: cmark forgets escapes. A
// noncharacter, which no text to be shown holds.
#define MARKDOWN_ESCAPED "\xef\xb7\x90"

// Stand for characters that cmark must not see: | in code, which would end a table's cell, * and _ in a bare
// link, which would be emphasis. markdown_escape() and markdown_escape_url() give them back.
#define MARKDOWN_PIPE "\xef\xb7\x91"
#define MARKDOWN_STAR "\xef\xb7\x92"
#define MARKDOWN_LINE "\xef\xb7\x93"

struct markdown_row {
    struct markdown_piece *pieces;
    size_t count, cap;
    struct buf text; // what the pieces are made of
    size_t link_depth, image_depth;
    str link_url; // of the link it is in: the same as text is <url>, and has no emphasis
    size_t open_brackets; // [ that might still begin a link: no bare link behind them
    bool is_in_html_link; // behind <a
    bool has_delimiter[128]; // of emphasis, so far: none of these ends a bare link
    size_t wasted_bytes; // on what began like a bare link and was none
    char before; // the character in front, for flanking and for links; '\n' at the start
};

void markdown_row_fini(struct markdown_row *row);
void markdown_row_text(struct markdown_row *row, str text);
void markdown_row_code(struct markdown_row *row, str code);
void markdown_row_raw(struct markdown_row *row, str html); // an opening or closing tag of ours, a line break
void markdown_row_html(struct markdown_row *row, str html); // HTML that stood in the text
void markdown_row_link(struct markdown_row *row, bool is_enter, bool is_image, str url, str title);
void markdown_row_write(struct markdown_row *row, struct buf *out);

void markdown_escape(struct buf *out, str text); // & < > "
void markdown_escape_url(struct buf *out, str url);
char markdown_hidden(str s); // the character that MARKDOWN_PIPE, _STAR or _LINE stands for, when it begins s; else 0
