#include "template/check_rows.h"

TEST(cutting_and_joining)
{
    static const struct row rows[] = {
        { "Append and Prepend", "#{v | Append a b} #{v | Prepend a b} #{Nope | Append d}", "{\"v\":\"x\"}", "xab abx d" },
        { "need an option", "#{v | Append}", "{\"v\":\"x\"}", "#{v | Append}" },
        { "Trim", "[#{v | Trim}][#{v | Trim start}][#{v | Trim END}]", "{\"v\":\" x \"}", "[x][x ][ x]" },
        { "Trim of another side", "#{v | Trim both}", "{\"v\":\" x \"}", "#{v | Trim \"both\"}" },
        { "Truncate", "#{v | Truncate 5} #{v | Truncate 5 ~} #{v | Truncate 11}", "{\"v\":\"Hello World\"}", "Hello... Hello~ Hello World" },
        { "Truncate within a pair", "#{v | Truncate 1}", "{\"v\":\"😀x\"}", "\ufffd..." },
        { "Substring", "#{v | Substring 5} #{v | Substring 6 99} [#{v | Substring 11 1}]", "{\"v\":\"Hello World\"}", "Hello World []" },
        { "Substring of pairs", "#{v | Substring 2} #{v | Substring 1 2}", "{\"v\":\"😀🚀\"}", "😀 \ufffd\ufffd" },
        { "Substring from beyond", "#{v | Substring 12 1}", "{\"v\":\"Hello World\"}", "#{v | Substring \"12\" \"1\"}" },
        { "Substring overflowing", "#{v | Substring 5 2147483647}", "{\"v\":\"Hello World\"}", NULL },
        { "Indent", "#{m | Indent 2}|#{m | Indent 1/3}|#{m | Indent /1}", "{\"m\":\"a\\nb\"}", "  a\n  b| a\n   b|a\n b" },
        { "Indent by text", "#{m | Indent \"> \"}|#{m | Indent 256}|#{m | Indent a b}", "{\"m\":\"a\\nb\"}", "> a\n> b|256a\n256b|aa\nbb" },
        { "Indent of nothing", "[#{e | Indent}]", "{\"e\":\"\"}", "[]" },
        { "too many options", "#{m | Indent 1 2 3}", "{\"m\":\"a\"}", "#{m | Indent \"1\" \"2\" \"3\"}" },
    };
    CHECK_ROWS(rows);
}

TEST(case_and_comparison)
{
    static const struct row rows[] = {
        { "case", "#{v | ToUpper} #{v | ToLower}", "{\"v\":\"Grüße\"}", "GRÜßE grüße" },
        { "an option too many", "#{v | ToUpper x}", "{\"v\":\"a\"}", "#{v | ToUpper \"x\"}" },
        { "comparisons are ordinal", "#{v | Contains \"lo W\"} #{v | StartsWith hello} #{v | EndsWith ld}", "{\"v\":\"Hello World\"}", "true false true" },
        { "the empty text is everywhere", "#{v | Contains \"\"} #{v | StartsWith \"\"} #{v | EndsWith \"\"}", "{\"v\":\"\"}", "true true true" },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
