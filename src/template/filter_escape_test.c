#include "template/check_rows.h"

TEST(escapes)
{
    static const struct row rows[] = {
        { "HTML", "#{v | HtmlEscape}", "{\"v\":\"<a href=\\\"/x\\\">it's &</a>\"}", "&lt;a href=&quot;&#x2F;x&quot;&gt;it&apos;s &amp;&lt;&#x2F;a&gt;" },
        { "XML", "#{v | XmlEscape}", "{\"v\":\"</a>'\\\"&\"}", "&lt;/a&gt;&apos;&quot;&amp;" },
        { "JSON", "#{v | JsonEscape}", "{\"v\":\"\\\"\\\\\\r\\n\\té\\u0001\"}", "\\\"\\\\\\r\\n\\té\x01" },
        { "YAML in single quotes", "#{v | YamlSingleQuoteEscape}", "{\"v\":\"it's\\n\\nx\\r\\ny\"}", "it''s\n\n\nx\r\n\r\ny" },
        { "YAML in double quotes", "#{v | YamlDoubleQuoteEscape}", "{\"v\":\"é☃😀\\\"\\n\\u007f\"}", "\\u00e9\\u2603\\ud83d\\ude00\\\"\\n\\u007f" },
        { "a properties key", "#{v | PropertiesKeyEscape}", "{\"v\":\" a:b=c☃ÿþ\"}", "\\ a\\:b\\=c\\u2603\\u00ffþ" },
        { "a properties value", "#{v | PropertiesValueEscape}", "{\"v\":\" a:b c\\t\"}", "\\ a:b c\\t" },
        { "a URI", "#{v | UriEscape}", "{\"v\":\"a b&c=é/%41[x]'(1)!\"}", "a%20b&c=%C3%A9/%2541[x]'(1)!" },
        { "data in a URI", "#{v | UriDataEscape}", "{\"v\":\"a b&c=é/%41~\"}", "a%20b%26c%3D%C3%A9%2F%2541~" },
        { "an option too many", "#{v | JsonEscape x}", "{\"v\":\"a\"}", "#{v | JsonEscape \"x\"}" },
        { "undefined", "#{v | YamlSingleQuoteEscape}", "{}", "#{v | YamlSingleQuoteEscape}" },
    };
    CHECK_ROWS(rows);
}

TEST(pieces_of_different_origin_are_escaped_as_one)
{
    static const struct row rows[] = {
        { "only the very first blank of a properties value", "#{V | PropertiesValueEscape}", "{\"V\":\"x#{P.a}\",\"P\":{\"a\":\" b\"}}", "x b" },
        { "a line break that ends in the other piece", "#{V | YamlSingleQuoteEscape}", "{\"V\":\"a\\n#{P.a}\",\"P\":{\"a\":\"\\nb\"}}", "a\n\n\nb" },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
