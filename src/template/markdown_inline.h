// markdown_inline.h - the second pass over a block's inlines: extra emphasis and bare links, as Markdig has them.
//
// The block's inlines are laid out in a row first. Delimiters (~~ ~ ^ ++ ==) match by CommonMark's rules
// for flanking, and only within one element: an opener in <em> is not closed behind it.
#pragma once

#include "base/buf.h"

// Stands behind a character of the extra emphasis that was escaped, until the end: cmark forgets escapes. A
// noncharacter, which no text to be shown holds.
#define MARKDOWN_ESCAPED "\xef\xb7\x90"

struct markdown_row {
    struct markdown_piece *pieces;
    size_t count, cap;
    struct buf text; // what the pieces are made of
    size_t link_depth, image_depth;
    char before; // the character in front, for flanking and for links; '\n' at the start
};

void markdown_row_fini(struct markdown_row *row);
void markdown_row_text(struct markdown_row *row, str text);
void markdown_row_code(struct markdown_row *row, str code);
void markdown_row_raw(struct markdown_row *row, str html); // an opening or closing tag, a line break, ...
void markdown_row_link(struct markdown_row *row, bool is_enter, bool is_image, str url, str title);
void markdown_row_write(struct markdown_row *row, struct buf *out);

void markdown_escape(struct buf *out, str text);     // & < > "
void markdown_escape_url(struct buf *out, str url);
