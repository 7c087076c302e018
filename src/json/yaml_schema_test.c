#include "tests/harness/check.h"

#include "json/yaml_schema.h"

static struct arena a;

static const char *const meanings[] = { "text", "null", "true", "false", "number", "no json" };

TEST(the_core_schema)
{
    static const struct { const char *plain; enum yaml_meaning meaning; const char *number; } rows[] = {
        { "", YAML_NULL, NULL }, { "~", YAML_NULL, NULL }, { "null", YAML_NULL, NULL }, { "Null", YAML_NULL, NULL }, { "NULL", YAML_NULL, NULL }, { "nULL", YAML_TEXT, NULL }, { "nil", YAML_TEXT, NULL }, { "~~", YAML_TEXT, NULL },
        { "true", YAML_TRUE, NULL }, { "True", YAML_TRUE, NULL }, { "TRUE", YAML_TRUE, NULL }, { "tRUE", YAML_TEXT, NULL },
        { "false", YAML_FALSE, NULL }, { "False", YAML_FALSE, NULL }, { "FALSE", YAML_FALSE, NULL }, { "falSe", YAML_TEXT, NULL },
        { "yes", YAML_TEXT, NULL }, { "no", YAML_TEXT, NULL }, { "No", YAML_TEXT, NULL }, { "on", YAML_TEXT, NULL }, { "off", YAML_TEXT, NULL }, { "y", YAML_TEXT, NULL }, { "n", YAML_TEXT, NULL },
        { "0", YAML_NUMBER, "0" }, { "-0", YAML_NUMBER, "-0" }, { "+0", YAML_NUMBER, "0" }, { "12", YAML_NUMBER, "12" }, { "-12", YAML_NUMBER, "-12" }, { "+12", YAML_NUMBER, "12" },
        { "007", YAML_NUMBER, "7" }, { "-007", YAML_NUMBER, "-7" }, { "00", YAML_NUMBER, "0" }, { "0777", YAML_NUMBER, "777" },
        { "123456789012345678901234567890", YAML_NUMBER, "123456789012345678901234567890" },
        { "1.5", YAML_NUMBER, "1.5" }, { "1.10", YAML_NUMBER, "1.10" }, { "-0.0", YAML_NUMBER, "-0.0" }, { ".5", YAML_NUMBER, "0.5" }, { "-.5", YAML_NUMBER, "-0.5" }, { "+.5", YAML_NUMBER, "0.5" }, { "5.", YAML_NUMBER, "5.0" }, { "01.50", YAML_NUMBER, "1.50" },
        { "1e3", YAML_NUMBER, "1e3" }, { "1E+3", YAML_NUMBER, "1E+3" }, { "1.5e-3", YAML_NUMBER, "1.5e-3" }, { "1.e3", YAML_NUMBER, "1.0e3" }, { ".5e3", YAML_NUMBER, "0.5e3" }, { "+1e3", YAML_NUMBER, "1e3" }, { "0e0", YAML_NUMBER, "0e0" }, { "1e400", YAML_NUMBER, "1e400" }, { "12e03", YAML_NUMBER, "12e03" },
        { "0x1F", YAML_NUMBER, "31" }, { "0xff", YAML_NUMBER, "255" }, { "0x0", YAML_NUMBER, "0" }, { "0xFFFFFFFFFFFFFFFF", YAML_NUMBER, "18446744073709551615" }, { "0x10000000000000000", YAML_NO_JSON, NULL }, { "0x", YAML_TEXT, NULL }, { "0xG", YAML_TEXT, NULL }, { "0X1F", YAML_TEXT, NULL }, { "-0x1F", YAML_TEXT, NULL },
        { "0o17", YAML_NUMBER, "15" }, { "0o8", YAML_TEXT, NULL }, { "0o", YAML_TEXT, NULL }, { "0O17", YAML_TEXT, NULL }, { "0b11", YAML_TEXT, NULL },
        { ".inf", YAML_NO_JSON, NULL }, { "-.inf", YAML_NO_JSON, NULL }, { "+.Inf", YAML_NO_JSON, NULL }, { ".INF", YAML_NO_JSON, NULL }, { ".iNF", YAML_TEXT, NULL }, { "inf", YAML_TEXT, NULL }, { "Infinity", YAML_TEXT, NULL },
        { ".nan", YAML_NO_JSON, NULL }, { ".NaN", YAML_NO_JSON, NULL }, { ".NAN", YAML_NO_JSON, NULL }, { "-.nan", YAML_TEXT, NULL }, { "nan", YAML_TEXT, NULL }, { "NaN", YAML_TEXT, NULL },
        { "-", YAML_TEXT, NULL }, { "+", YAML_TEXT, NULL }, { ".", YAML_TEXT, NULL }, { "-.", YAML_TEXT, NULL }, { "+-1", YAML_TEXT, NULL }, { "--1", YAML_TEXT, NULL }, { "1e", YAML_TEXT, NULL }, { "1e+", YAML_TEXT, NULL }, { "e3", YAML_TEXT, NULL }, { ".e3", YAML_TEXT, NULL }, { "1e3.5", YAML_TEXT, NULL }, { "1ee3", YAML_TEXT, NULL },
        { "1_000", YAML_TEXT, NULL }, { "1,000", YAML_TEXT, NULL }, { "12:30", YAML_TEXT, NULL }, { "12:30:45", YAML_TEXT, NULL }, { "2026-11-22", YAML_TEXT, NULL }, { "2026-11-22T17:03:06Z", YAML_TEXT, NULL }, { "1.2.3", YAML_TEXT, NULL }, { "1.4.0-beta.12", YAML_TEXT, NULL }, { "10.0.0.1", YAML_TEXT, NULL },
        { "1 2", YAML_TEXT, NULL }, { "1a", YAML_TEXT, NULL }, { "1/2", YAML_TEXT, NULL }, { "50%", YAML_TEXT, NULL }, { "<<", YAML_TEXT, NULL }, { "=", YAML_TEXT, NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        str number = { 0 };
        enum yaml_meaning got = yaml_schema_meaning(&a, str_from(rows[i].plain), &number);
        CHECK_TEXT(rows[i].plain, meanings[got], meanings[rows[i].meaning]);
        if (rows[i].number) {
            struct json *j;
            CHECK_STR(rows[i].plain, number, str_from(rows[i].number));
            CHECK("which is a JSON number", json_parse(&a, number, &j, NULL) && j->type == JSON_NUMBER);
        }
    }
}

TEST(words_of_yaml_1_1)
{
    static const char *const words[] = { "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "true", "false", "null", "=", "<<" };
    static const char *const others[] = { "", "yess", "nope", "o", "only", "offset", "norway", "~x" };
    for (size_t i = 0; i < COUNT(words); i++)
        CHECK(words[i], yaml_schema_is_old_word(str_from(words[i])));
    for (size_t i = 0; i < COUNT(others); i++)
        CHECK(others[i], !yaml_schema_is_old_word(str_from(others[i])));
}

TEST_MAIN()
