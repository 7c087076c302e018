// Octopus version numbers, as Octopus.Versioning reads them.
#include "template/chars.h"
#include "template/filter.h"
#include "template/number.h"

struct version {
    int32_t numbers[4];
    str pre_release, prefix, counter, metadata;
};

static bool is_separator(char c)
{
    return c == '.' || c == '-' || c == '_' || c == '\\';
}

static bool is_ascii_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

// Digits that no letter or digit follows directly ("7ab" is no number); any decimal digit of
// Unicode counts in the reference, but only ASCII ones can be converted there.
static bool take_number(str *s, str *digits)
{
    size_t n = 0, length;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    if (!n)
        return false;
    if (n < s->n) {
        uint32_t c = chars_decode(s->p + n, s->n - n, &length);
        if (c != '_' && chars_is_name(c) && !(c < 128 && strchr("-:/~()@", (int)c)))
            return false;
    }
    *digits = str_sub(*s, 0, n);
    *s = chars_trim_start(str_skip(*s, n));
    return true;
}

// What stands behind the numbers: [separator] pre-release [+ metadata].
static bool take_rest(str s, struct version *v)
{
    str rest = s;
    if (rest.n && is_separator(*rest.p))
        rest = str_skip(rest, 1);
    size_t n = 0;
    while (n < rest.n && (is_ascii_alphanumeric(rest.p[n]) || is_separator(rest.p[n])))
        n++;
    v->pre_release = str_sub(rest, 0, n);
    size_t prefix = 0;
    while (prefix < n && is_ascii_alphanumeric(rest.p[prefix]))
        prefix++;
    v->prefix = str_sub(rest, 0, prefix);
    v->counter = prefix < n ? str_sub(rest, prefix + 1, n - prefix - 1) : (str){ 0 };
    rest = str_skip(rest, n);
    v->metadata = (str){ 0 };
    if (rest.n && *rest.p == '+') {
        rest = str_skip(rest, 1);
        n = 0;
        while (n < rest.n && (is_ascii_alphanumeric(rest.p[n]) || is_separator(rest.p[n]) || rest.p[n] == '+'))
            n++;
        v->metadata = str_sub(rest, 0, n);
        rest = str_skip(rest, n);
    }
    return !chars_trim(rest).n;
}

static enum filter_outcome read_version(struct filter_call *c, struct version *v)
{
    *v = (struct version){ 0 };
    str s = chars_trim_start(c->argument.s);
    if (!s.n) {
        filter_exception(c, "ArgumentException: the version can not be an empty text");
        return FILTER_EXCEPTION;
    }
    // The reference's expression tries the most numbers first, and fewer where the rest does not fit.
    str rests[5], digits[4];
    size_t count = 0;
    rests[0] = s;
    str at = s;
    if (*at.p == 'v' || *at.p == 'V')
        at = chars_trim_start(str_skip(at, 1));
    while (count < 4 && take_number(&at, &digits[count])) {
        rests[++count] = at;
        if (!at.n || *at.p != '.')
            break;
        at = chars_trim_start(str_skip(at, 1));
    }
    for (;; count--) {
        if (take_rest(rests[count], v))
            break;
        if (!count) {
            filter_exception(c, "ArgumentException: the version is not valid");
            return FILTER_EXCEPTION;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!number_read_int(digits[i], &v->numbers[i])) {
            filter_exception(c, "OverflowException: a number of the version is above 2147483647");
            return FILTER_EXCEPTION;
        }
    }
    return FILTER_VALUE;
}

static enum filter_outcome give_number(struct filter_call *c, size_t i)
{
    struct version v;
    if (read_version(c, &v) == FILTER_EXCEPTION)
        return FILTER_EXCEPTION;
    return filter_value(c, arena_printf(c->a, "%d", v.numbers[i]));
}

enum filter_outcome filter_version_major(struct filter_call *c)
{
    return give_number(c, 0);
}

enum filter_outcome filter_version_minor(struct filter_call *c)
{
    return give_number(c, 1);
}

enum filter_outcome filter_version_patch(struct filter_call *c)
{
    return give_number(c, 2);
}

enum filter_outcome filter_version_revision(struct filter_call *c)
{
    return give_number(c, 3);
}

static enum filter_outcome give_text(struct filter_call *c, size_t offset)
{
    struct version v;
    if (read_version(c, &v) == FILTER_EXCEPTION)
        return FILTER_EXCEPTION;
    str s;
    memcpy(&s, (char *)&v + offset, sizeof s);
    return filter_value(c, s);
}

enum filter_outcome filter_version_pre_release(struct filter_call *c)
{
    return give_text(c, offsetof(struct version, pre_release));
}

enum filter_outcome filter_version_pre_release_prefix(struct filter_call *c)
{
    return give_text(c, offsetof(struct version, prefix));
}

enum filter_outcome filter_version_pre_release_counter(struct filter_call *c)
{
    return give_text(c, offsetof(struct version, counter));
}

enum filter_outcome filter_version_metadata(struct filter_call *c)
{
    return give_text(c, offsetof(struct version, metadata));
}
