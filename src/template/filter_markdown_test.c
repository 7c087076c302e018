#include "template/check_rows.h"

TEST(markdown)
{
    static const struct row rows[] = {
        { "trimmed, with two line breaks behind", "#{v | Markdown}", "{\"v\":\"  # T \\n\\na **b** https://x.example\\n\\n\"}", "<h1>T</h1>\n<p>a <strong>b</strong> <a href=\"https://x.example\">https://x.example</a></p>\n\n" },
        { "by its other name", "#{v | MarkdownToHtml}", "{\"v\":\"*x*\"}", "<p><em>x</em></p>\n\n" },
        { "nothing gives one", "[#{v | Markdown}]", "{\"v\":\"\"}", "[\n]" },
        { "an option too many", "#{v | Markdown x}", "{\"v\":\"a\"}", "#{v | Markdown \"x\"}" },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
