#include "tests/harness/check.h"

#include "template/number.h"

static str format(struct number n, const char *f, struct buf *out)
{
    buf_clear(out);
    return number_format(out, &n, str_from(f)) ? buf_str(out) : STR("FormatException");
}

static struct number decimal(const char *text)
{
    struct number n;
    if (!number_read_decimal(str_from(text), &n))
        fail_msg("%s", text);
    return n;
}

TEST(decimals)
{
    static const struct { const char *text, *format, *want; } rows[] = { { "1234.5678", "N2", "1,234.57" }, { "1234.5678", "F0", "1235" }, { "42", "C", "¤42.00" }, { "-0.5", "C", "(¤0.50)" },
        { "-0.5", "P", "-50.00 %" }, { "2.5", "F0", "3" }, { "-0.4", "F0", "0" }, { "1234.5678", "E2", "1.23E+003" }, { "0.00012", "e1", "1.2e-004" }, { "42", "R", "42" }, { "42", "D5", "FormatException" },
        { "42", "Q", "FormatException" }, { "1234567890123", "N0", "1,234,567,890,123" }, { "1.10", "", "1.10" }, { "1234.5678", "G3", "1.23E+03" }, { "0", "N", "0.00" } };
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].format, format(decimal(rows[i].text), rows[i].format, &out), str_from(rows[i].want));
}

TEST(custom_formats)
{
    static const struct { const char *text, *format, *want; } rows[] = { { "1234.5678", "0.00", "1234.57" }, { "1234.5678", "0,0.000", "1,234.568" }, { "1234.5678", "#,##0.0", "1,234.6" },
        { "1234567890123", "0,,M", "1234568M" }, { "-0.5", "0.0%", "-50.0%" }, { "0", "pos 0;neg 0;zero", "zero" }, { "-7", "pos 0;neg 0;zero", "neg 7" }, { "0.4", "0;-0;nil", "nil" },
        { "42", "0000", "0042" }, { "5", "'n'0\\x", "n5x" }, { "1234", "0.0e+00", "1.2e+03" }, { "0", "#", "" }, { "12345678", "#-##-##", "1234-56-78" }, { "0.5", ".00", ".50" } };
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].format, format(decimal(rows[i].text), rows[i].format, &out), str_from(rows[i].want));
}

TEST(integers_and_doubles)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    CHECK_STR("leading zeros", format(number_from_int(42), "D5", &out), STR("00042"));
    CHECK_STR("negative", format(number_from_int(-42), "D5", &out), STR("-00042"));
    CHECK_STR("hexadecimal", format(number_from_int(-1), "x", &out), STR("ffffffff"));
    CHECK_STR("binary", format(number_from_int(5), "B8", &out), STR("00000101"));
    CHECK_STR("the least", format(number_from_int(INT32_MIN), "N0", &out), STR("-2,147,483,648"));
    CHECK_STR("a tie goes to the even digit", format(number_from_double(2.5), "F0", &out), STR("2"));
    CHECK_STR("exact binary value", format(number_from_double(0.1), "F20", &out), STR("0.10000000000000000555"));
    CHECK_STR("minus zero", format(number_from_double(-0.001), "F2", &out), STR("-0.00"));
    CHECK_STR("not a number", format(number_from_double(0.0 / 0.0), "N2", &out), STR("NaN"));
    CHECK_STR("shortest", format(number_from_double(1e17), "G", &out), STR("1E+17"));
    CHECK_STR("a precision beyond reason", format(number_from_int(1), "F999999999", &out), STR("FormatException"));
}

TEST_MAIN()
