#include "tests/harness/check.h"

#include "template/markdown.h"

TEST(blocks_as_markdig_writes_them)
{
    static const struct { const char *text, *want; } rows[] = {
        { "a\n\nb", "<p>a</p>\n<p>b</p>\n" },
        { "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n" },
        { "- a\n\n- b", "<ul>\n<li><p>a</p>\n</li>\n<li><p>b</p>\n</li>\n</ul>\n" },
        { "* a\n  * b", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>\n" },
        { "3. x\n4. y", "<ol start=\"3\">\n<li>x</li>\n<li>y</li>\n</ol>\n" },
        { "```cs\nvar x;\n```", "<pre><code class=\"language-cs\">var x;\n</code></pre>\n" },
        { "> q\n> r", "<blockquote>\n<p>q\nr</p>\n</blockquote>\n" },
        { "# A *b* `c`", "<h1>A <em>b</em> <code>c</code></h1>\n" },
        { "a|b\n:-|-:\n1|2", "<table>\n<thead>\n<tr>\n<th style=\"text-align: left;\">a</th>\n<th style=\"text-align: right;\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td style=\"text-align: left;\">1</td>\n<td style=\"text-align: right;\">2</td>\n</tr>\n</tbody>\n</table>\n" },
        { "<div>\n\n*x*\n\n</div>", "<div>\n<p><em>x</em></p>\n</div>\n" },
        { "---", "<hr />\n" },
        { "- # h\n- 1. x", "<ul>\n<li><h1>h</h1>\n</li>\n<li>\n<ol>\n<li>x</li>\n</ol>\n</li>\n</ul>\n" },
        { "|a|b|\n|-|-|\n|`c | d`|e|", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td><code>c | d</code></td>\n<td>e</td>\n</tr>\n</tbody>\n</table>\n" },
        { "a | b\n- | -", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n</table>\n" },
        { "|a|\n|-|\n|b|\nc", "<p>|a|\n|-|\n|b|\nc</p>\n" },
        { "- <br/>\n- <!-- c -->", "<ul>\n<li><br/>\n</li>\n<li><!-- c -->\n</li>\n</ul>\n" },
        { "", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_fini) struct buf out = { 0 };
        struct err e = { 0 };
        CHECK_OK(rows[i].text, markdown_to_html(str_from(rows[i].text), &out, &e), &e);
        CHECK_STR(rows[i].text, buf_str(&out), str_from(rows[i].want));
    }
}

TEST(depth_is_no_danger)
{
    CLEANUP(buf_fini) struct buf deep = { 0 };
    CLEANUP(buf_fini) struct buf out = { .max = 1 << 20 };
    struct err e = { 0 };
    for (int i = 0; i < 5000; i++)
        buf_add_text(&deep, "> ");
    buf_add_text(&deep, "x");
    CHECK_OK("five thousand quotes", markdown_to_html(buf_str(&deep), &out, &e), &e);
    CHECK("are closed again", str_ends(buf_str(&out), STR("</blockquote>\n")));
}

// Each of these was, or would be, quadratic where something is looked for to the end again and again.
TEST(long_texts_are_linear)
{
    static const char *const pieces[] = { "(www.", "~mailto:", "|-|\n", "`|``", "[a][b]", "https://a.b/*", "*a_", "~a~~", "==a ++b ^c" };
    for (size_t i = 0; i < COUNT(pieces); i++) {
        CLEANUP(buf_fini) struct buf text = { 0 };
        CLEANUP(buf_fini) struct buf out = { .max = 64 << 20 };
        struct err e = { 0 };
        while (text.n < 300000)
            buf_add_text(&text, pieces[i]);
        CHECK_OK(pieces[i], markdown_to_html(buf_str(&text), &out, &e), &e);
    }
}

TEST_MAIN()
