#include "tests/harness/check.h"

#include "template/markdown.h"
#include "template/markdown_inline.h"

static const struct { const char *text, *want; } rows[] = {
    { "~~gone~~ H~2~O x^2^", "<del>gone</del> H<sub>2</sub>O x<sup>2</sup>" },
    { "++ins++ ==mark==", "<ins>ins</ins> <mark>mark</mark>" },
    { "~~*a*~~ *~~b~~*", "<del><em>a</em></del> <em><del>b</del></em>" },
    { "*a ~b* c~", "<em>a ~b</em> c~" },
    { "a++b ^ a^ 1 + 1 == 2", "a++b ^ a^ 1 + 1 == 2" },
    { "\\~a\\~ `~b~`", "~a~ <code>~b~</code>" },
    { "see https://example.com/x, ok", "see <a href=\"https://example.com/x\">https://example.com/x</a>, ok" },
    { "(www.a.b/c_(d))", "(<a href=\"http://www.a.b/c_(d)\">www.a.b/c_(d)</a>)" },
    { "mailto:a@b.c tel:+12", "<a href=\"mailto:a@b.c\">a@b.c</a> <a href=\"tel:+12\">+12</a>" },
    { "http://localhost/x a@b.c ahttp://a.b", "http://localhost/x a@b.c ahttp://a.b" },
    { "[http://a.b](http://c.d \"t\")", "<a href=\"http://c.d\" title=\"t\">http://a.b</a>" },
    { "![a *b* `c`](i.png \"t\")", "<img src=\"i.png\" alt=\"a b c\" title=\"t\" />" },
    { "[a](<b c~>)", "<a href=\"b%20c%7E\">a</a>" },
    { "a  \nb<br>c & < \"q\" &copy;", "a<br />\nb<br>c &amp; &lt; &quot;q&quot; ©" },
    { "(https://a.b/x.) https://a.b/y..", "(<a href=\"https://a.b/x.\">https://a.b/x.</a>) <a href=\"https://a.b/y.\">https://a.b/y.</a>." },
    { "~~https://a.b~~ https://a.b/*c*", "<del><a href=\"https://a.b\">https://a.b</a></del> <a href=\"https://a.b/*c\">https://a.b/*c</a>*" },
    { "[a][b] https://a.b [c](d) https://e.f", "[a][b] https://a.b <a href=\"d\">c</a> <a href=\"https://e.f\">https://e.f</a>" },
    { "[a https://a.b", "[a https://a.b" },
    { "\\[a https://a.b", "[a <a href=\"https://a.b\">https://a.b</a>" },
    { "<a href=x>see https://a.b</a> https://a.b", "<a href=x>see https://a.b</a> <a href=\"https://a.b\">https://a.b</a>" },
    { "<https://a.b/~c~> ~d <b>e</b>~", "<a href=\"https://a.b/%7Ec%7E\">https://a.b/~c~</a> <sub>d <b>e</b></sub>" },
    { "***both***", "<em><strong>both</strong></em>" },
};

TEST(inlines_as_markdig_writes_them)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_fini) struct buf out = { 0 };
        CLEANUP(buf_fini) struct buf want = { 0 };
        struct err e = { 0 };
        buf_printf(&want, "<p>%s</p>\n", rows[i].want);
        CHECK_OK(rows[i].text, markdown_to_html(str_from(rows[i].text), &out, &e), &e);
        CHECK_STR(rows[i].text, buf_str(&out), buf_str(&want));
    }
}

TEST(escaping)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    markdown_escape(&out, STR("<a b=\"&\">"));
    markdown_escape_url(&out, STR("/é?a&b'"));
    CHECK_STR("text and URL", buf_str(&out), STR("&lt;a b=&quot;&amp;&quot;&gt;/%C3%A9?a&amp;b%27"));
}

TEST_MAIN()
