// markdown.h - CommonMark to HTML as Markdig 0.41 writes it, with its pipe tables, extra emphasis (~~del~~, ~sub~,
// ^sup^, ++ins++, ==mark==) and bare links.
//
// cmark-gfm reads the blocks and the standard inlines; it is loaded on first use, because few servers ever need
// it. The extra emphasis and the bare links are found in what it leaves as text, and the HTML is
// written here: Markdig's differs in lists and tables.
#pragma once

#include "base/buf.h"
#include "base/err.h"

MUST_USE bool markdown_to_html(str text, struct buf *out, struct err *e);
