#include "sample/version.h"

#include <ctype.h>

static str without_metadata(str v)
{
    ptrdiff_t plus = str_find_char(v, '+');

    return plus < 0 ? v : str_sub(v, 0, (size_t)plus);
}

static str numbers_of(str v)
{
    ptrdiff_t dash;

    v = without_metadata(v);
    dash = str_find_char(v, '-');
    return dash < 0 ? v : str_sub(v, 0, (size_t)dash);
}

str version_prerelease(str v)
{
    ptrdiff_t dash;

    v = without_metadata(v);
    dash = str_find_char(v, '-');
    return dash < 0 ? STR("") : str_skip(v, (size_t)dash + 1);
}

bool version_is_prerelease(str v)
{
    return version_prerelease(v).n > 0;
}

static bool is_number(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isdigit((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

bool version_is_valid(str v)
{
    str rest = numbers_of(v), part;
    size_t parts = 0;

    if (v.n > 256)
        return false;
    while (str_split(&rest, '.', &part))
        if (!is_number(part) || part.n > 18 || ++parts > 4)
            return false;
    for (size_t i = 0; i < v.n; i++)
        if (!isalnum((unsigned char)v.p[i]) && !strchr(".-+_", v.p[i]))
            return false;
    return parts > 0;
}

static int sign(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int part_cmp(str a, str b)
{
    int64_t x = 0, y = 0;
    bool is_a = is_number(a) && str_to_i64(a, &x), is_b = is_number(b) && str_to_i64(b, &y);

    if (is_a && is_b)
        return sign(x, y);
    if (is_a != is_b)
        return is_a ? -1 : 1; // numbers come before words
    int c = str_cmp_nocase(a, b);
    return c < 0 ? -1 : c > 0;
}

static int numbers_cmp(str a, str b)
{
    for (;;) {
        str x = STR("0"), y = STR("0");
        bool has_a = a.p && str_split(&a, '.', &x), has_b = b.p && str_split(&b, '.', &y);

        if (!has_a && !has_b)
            return 0;
        int c = part_cmp(x.n ? x : STR("0"), y.n ? y : STR("0"));
        if (c)
            return c;
    }
}

int version_cmp(str a, str b)
{
    str pre_a = version_prerelease(a), pre_b = version_prerelease(b), x, y;
    int c = numbers_cmp(numbers_of(a), numbers_of(b));

    if (c || (!pre_a.n && !pre_b.n))
        return c;
    if (!pre_a.n || !pre_b.n)
        return pre_a.n ? -1 : 1;
    for (;;) {
        bool has_a = str_split(&pre_a, '.', &x), has_b = str_split(&pre_b, '.', &y);

        if (!has_a || !has_b)
            return (int)has_a - (int)has_b;
        c = part_cmp(x, y);
        if (c)
            return c;
    }
}

bool version_in_range(str v, str range)
{
    range = str_trim(range);
    if (!range.n)
        return true;
    char open = range.p[0], end = range.p[range.n - 1];
    if (open != '[' && open != '(')
        return version_is_valid(range) && version_cmp(v, range) >= 0;
    if (range.n < 3 || (end != ']' && end != ')'))
        return false;
    str inner = str_sub(range, 1, range.n - 2);
    ptrdiff_t comma = str_find_char(inner, ',');
    if (comma < 0)
        return open == '[' && end == ']' && version_cmp(v, str_trim(inner)) == 0;
    str low = str_trim(str_sub(inner, 0, (size_t)comma)), high = str_trim(str_skip(inner, (size_t)comma + 1));
    if (low.n && (version_cmp(v, low) < 0 || (open == '(' && version_cmp(v, low) == 0)))
        return false;
    return !high.n || version_cmp(v, high) < 0 || (end == ']' && version_cmp(v, high) == 0);
}

str version_next(struct arena *a, str version)
{
    str v = without_metadata(version);
    size_t at = v.n;
    int64_t last;

    while (at > 0 && isdigit((unsigned char)v.p[at - 1]))
        at--;
    if (!str_to_i64(str_skip(v, at), &last))
        return arena_printf(a, "%.*s.1", STR_ARG(v));
    return arena_printf(a, "%.*s%" PRId64, STR_ARG(str_sub(v, 0, at)), last + 1);
}

str version_normal(struct arena *a, str version)
{
    str rest = numbers_of(version), part, out = STR("");
    size_t parts = 0;

    while (str_split(&rest, '.', &part)) {
        int64_t n = 0;

        str_to_i64(part, &n);
        if (parts++ == 3 && n == 0)
            break;
        out = arena_printf(a, "%.*s%s%" PRId64, STR_ARG(out), parts > 1 ? "." : "", n);
    }
    for (; parts < 3; parts++)
        out = arena_printf(a, "%.*s.0", STR_ARG(out));
    if (version_is_prerelease(version))
        out = arena_printf(a, "%.*s-%.*s", STR_ARG(out), STR_ARG(version_prerelease(version)));
    char *p = arena_bytes(a, out.n + 1);
    for (size_t i = 0; i < out.n; i++)
        p[i] = (char)tolower((unsigned char)out.p[i]);
    p[out.n] = 0;
    return (str){ p, out.n };
}
