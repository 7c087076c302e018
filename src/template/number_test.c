#include "tests/harness/check.h"

#include "template/number.h"

#include <math.h>

TEST(doubles_are_written_as_dotnet_does)
{
    static const struct { double v; const char *want; } rows[] = { { 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { 0.1, "0.1" }, { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" }, { 1e15, "1000000000000000" }, { 1e16, "10000000000000000" }, { 1e17, "1E+17" }, { 123456789012345678.0, "1.2345678901234568E+17" },
        { 0.0001, "0.0001" }, { 0.00001, "1E-05" }, { 5e-324, "5E-324" }, { 1.7976931348623157e308, "1.7976931348623157E+308" }, { NAN, "NaN" }, { INFINITY, "Infinity" },
        { -INFINITY, "-Infinity" }, { -2.5, "-2.5" }, { 1e-6, "1E-06" }, { 100, "100" } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[NUMBER_DOUBLE_BYTES];
        CHECK_STR("double.ToString", number_write_double(text, rows[i].v), str_from(rows[i].want));
    }
}

TEST(whole_numbers)
{
    static const struct { const char *text; bool ok; int32_t v; } rows[] = { { "5", true, 5 }, { " +7 ", true, 7 }, { "-2147483648", true, INT32_MIN }, { "2147483648", false, 0 },
        { "5-", false, 0 }, { "1,000", false, 0 }, { "1.0", false, 0 }, { "", false, 0 }, { "- 1", false, 0 }, { "1 2", false, 0 }, { "99999999999999999999", false, 0 } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int32_t v = 0;
        CHECK_INT(rows[i].text, number_read_int(str_from(rows[i].text), &v), rows[i].ok);
        CHECK_INT(rows[i].text, v, rows[i].v);
    }
}

TEST(real_numbers)
{
    static const struct { const char *text; bool ok; double v; } rows[] = { { "1,234.5", true, 1234.5 }, { ".5", true, 0.5 }, { "5.", true, 5 }, { "1e3", true, 1000 }, { "-1E-2", true, -0.01 },
        { " infinity ", true, INFINITY }, { "1e400", true, INFINITY }, { "5%", false, 0 }, { "0x1F", false, 0 }, { ".", false, 0 }, { "1e", false, 0 }, { "", false, 0 }, { ",1", false, 0 } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double v = 0;
        bool ok = number_read_double(str_from(rows[i].text), &v);
        CHECK_INT(rows[i].text, ok, rows[i].ok);
        CHECK(rows[i].text, !ok || v == rows[i].v);
    }
    double v;
    CHECK("an amount has no commas", !number_read_amount(STR("1,000"), &v));
    CHECK("NaN is read", number_read_double(STR("nan"), &v) && isnan(v));
}

static str decimal(const char *text, struct buf *out)
{
    struct number n;
    buf_clear(out);
    if (!number_read_decimal(str_from(text), &n) || !number_format(out, &n, STR("G")))
        return STR("no");
    return buf_str(out);
}

TEST(decimals_keep_their_places)
{
    static const struct { const char *text, *want; } rows[] = { { "1.10", "1.10" }, { "0.00", "0.00" }, { "-5", "-5" }, { "5-", "-5" }, { "1,234.5", "1234.5" }, { "1e3", "no" },
        { "79228162514264337593543950335", "79228162514264337593543950335" }, { "79228162514264337593543950336", "no" },
        { "0.00000000000000000000000000005", "0.0000000000000000000000000000" }, { "1.99999999999999999999999999999", "2.0000000000000000000000000000" }, { "(5)", "no" }, { "- 5", "no" } };
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].text, decimal(rows[i].text, &out), str_from(rows[i].want));
}

TEST_MAIN()
