#include "json/yaml_schema.h"

static bool is_one_of(str s, const char *const *words)
{
    for (; *words; words++)
        if (str_eq(s, str_from(*words)))
            return true;
    return false;
}

static bool is_digit(str s, size_t at)
{
    return at < s.n && s.p[at] >= '0' && s.p[at] <= '9';
}

static size_t digits(str s, size_t from)
{
    size_t n = 0;
    while (is_digit(s, from + n))
        n++;
    return n;
}

// 0o17, 0x1F: no sign, as the schema has it.
static enum yaml_meaning based(struct arena *a, str s, unsigned base, str *number)
{
    uint64_t v = 0;
    bool is_large = false;
    for (size_t i = 2; i < s.n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : low >= 'a' && low <= 'f' ? (unsigned)(low - 'a' + 10) : 99;
        if (digit >= base)
            return YAML_TEXT;
        is_large |= __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v);
    }
    if (is_large)
        return YAML_NO_JSON;
    *number = arena_printf(a, "%" PRIu64, v);
    return YAML_NUMBER;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? - this one includes the integers.
static enum yaml_meaning decimal(struct arena *a, str s, str *number)
{
    bool is_signed = s.n && (s.p[0] == '-' || s.p[0] == '+');
    size_t at = is_signed, whole = digits(s, at), fraction = 0;
    str whole_part = str_sub(s, at, whole);
    at += whole;
    bool has_point = at < s.n && s.p[at] == '.';
    if (has_point)
        fraction = digits(s, ++at);
    str fraction_part = str_sub(s, at, fraction), exponent = str_skip(s, at + fraction);
    if (!whole && !fraction)
        return YAML_TEXT;
    if (exponent.n) {
        size_t sign = exponent.n > 1 && (exponent.p[1] == '-' || exponent.p[1] == '+'), n = digits(exponent, 1 + sign);
        if ((exponent.p[0] | 0x20) != 'e' || !n || 1 + sign + n != exponent.n)
            return YAML_TEXT;
    }
    while (whole_part.n > 1 && whole_part.p[0] == '0')
        whole_part = str_skip(whole_part, 1);

    bool is_json = whole && whole_part.n == whole && (!has_point || fraction) && !(is_signed && s.p[0] == '+');
    if (is_json) {
        *number = s;
        return YAML_NUMBER;
    }
    CLEANUP(buf_fini) struct buf b = { 0 };
    buf_add_text(&b, is_signed && s.p[0] == '-' ? "-" : "");
    buf_add(&b, whole ? whole_part : STR("0"));
    buf_add_text(&b, has_point ? "." : "");
    buf_add(&b, has_point && !fraction ? STR("0") : fraction_part);
    buf_add(&b, exponent);
    *number = arena_str(a, buf_str(&b));
    return YAML_NUMBER;
}

enum yaml_meaning yaml_schema_meaning(struct arena *a, str plain, str *number)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const trues[] = { "true", "True", "TRUE", NULL };
    static const char *const falses[] = { "false", "False", "FALSE", NULL };
    static const char *const infinities[] = { ".inf", ".Inf", ".INF", NULL };
    static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
    bool is_signed = plain.n && (plain.p[0] == '-' || plain.p[0] == '+');

    if (is_one_of(plain, nulls))
        return YAML_NULL;
    if (is_one_of(plain, trues))
        return YAML_TRUE;
    if (is_one_of(plain, falses))
        return YAML_FALSE;
    if (is_one_of(plain, nans) || is_one_of(str_skip(plain, is_signed), infinities))
        return YAML_NO_JSON;
    if (plain.n > 2 && str_starts(plain, STR("0x")))
        return based(a, plain, 16, number);
    if (plain.n > 2 && str_starts(plain, STR("0o")))
        return based(a, plain, 8, number);
    return decimal(a, plain, number);
}

bool yaml_schema_is_old_word(str plain)
{
    static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null", "<<", "=", NULL };
    for (const char *const *w = words; *w; w++)
        if (str_eq_nocase(plain, str_from(*w)))
            return true;
    return false;
}
