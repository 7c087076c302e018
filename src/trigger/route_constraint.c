#include "trigger/route_internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>

// What a constraint's argument looks like.
enum arguments { NO_ARGUMENT, ONE_NUMBER, TWO_NUMBERS, ONE_OR_TWO, PATTERN };

static const struct {
    str name;
    enum constraint_kind kind;
    enum arguments arguments;
} kinds[] = {
    { STR_INIT("int"), CONSTRAINT_INT, NO_ARGUMENT },
    { STR_INIT("long"), CONSTRAINT_LONG, NO_ARGUMENT },
    { STR_INIT("guid"), CONSTRAINT_GUID, NO_ARGUMENT },
    { STR_INIT("bool"), CONSTRAINT_BOOL, NO_ARGUMENT },
    { STR_INIT("datetime"), CONSTRAINT_DATETIME, NO_ARGUMENT },
    { STR_INIT("decimal"), CONSTRAINT_DECIMAL, NO_ARGUMENT },
    { STR_INIT("double"), CONSTRAINT_DOUBLE, NO_ARGUMENT },
    { STR_INIT("float"), CONSTRAINT_FLOAT, NO_ARGUMENT },
    { STR_INIT("alpha"), CONSTRAINT_ALPHA, NO_ARGUMENT },
    { STR_INIT("min"), CONSTRAINT_MIN, ONE_NUMBER },
    { STR_INIT("max"), CONSTRAINT_MAX, ONE_NUMBER },
    { STR_INIT("range"), CONSTRAINT_RANGE, TWO_NUMBERS },
    { STR_INIT("regex"), CONSTRAINT_REGEX, PATTERN },
    { STR_INIT("length"), CONSTRAINT_LENGTH, ONE_OR_TWO },
    { STR_INIT("minlength"), CONSTRAINT_MINLENGTH, ONE_NUMBER },
    { STR_INIT("maxlength"), CONSTRAINT_MAXLENGTH, ONE_NUMBER },
    { STR_INIT("required"), CONSTRAINT_REQUIRED, NO_ARGUMENT },
    { STR_INIT("file"), CONSTRAINT_FILE, NO_ARGUMENT },
    { STR_INIT("nonfile"), CONSTRAINT_NONFILE, NO_ARGUMENT },
};

// ---- numbers as .NET reads them, invariant culture ----

static bool is_number_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// NumberStyles.Integer: blanks around, one sign in front, digits.
static bool read_integer(str s, int64_t *out)
{
    while (s.n && is_number_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n && is_number_blank(s.p[s.n - 1]))
        s.n--;
    bool is_negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_skip(s, 1);
    if (!s.n)
        return false;
    uint64_t value = 0, most = (uint64_t)INT64_MAX + is_negative;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (!is_digit(s.p[i]) || value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = is_negative ? (int64_t)-value : (int64_t)value;
    return true;
}

struct number_text {
    str whole;    // digits and commas before the point
    str fraction; // digits behind it
};

// The mantissa shared by NumberStyles.Number and NumberStyles.Float | AllowThousands. A comma may stand anywhere behind
// the first digit and before the point. *rest is what follows.
static bool read_mantissa(str s, struct number_text *out, str *rest)
{
    size_t i = 0;
    while (i < s.n && (is_digit(s.p[i]) || (s.p[i] == ',' && i > 0)))
        i++;
    out->whole = str_sub(s, 0, i);
    out->fraction = (str){ s.p, 0 };
    if (i < s.n && s.p[i] == '.') {
        size_t from = ++i;
        while (i < s.n && is_digit(s.p[i]))
            i++;
        out->fraction = str_sub(s, from, i - from);
    }
    *rest = str_skip(s, i);
    return out->whole.n + out->fraction.n > 0;
}

static str skip_number_blanks(str s)
{
    while (s.n && is_number_blank(s.p[0]))
        s = str_skip(s, 1);
    return s;
}

// At most 79228162514264337593543950335 (96 bits) once the fraction is rounded away.
static bool fits_decimal(const struct number_text *t, bool is_negative)
{
    static const char most[] = "79228162514264337593543950335";
    char digits[sizeof most];
    size_t count = 0;
    for (size_t i = 0; i < t->whole.n; i++) {
        if (t->whole.p[i] == ',' || (t->whole.p[i] == '0' && !count))
            continue;
        if (count == sizeof most - 1)
            return false;
        digits[count++] = t->whole.p[i];
    }
    if (count < sizeof most - 1)
        return true;
    int order = memcmp(digits, most, count);
    return order < 0 || (order == 0 && (!t->fraction.n || t->fraction.p[0] < '5'));
}

static bool is_decimal(str s)
{
    s = skip_number_blanks(s);
    bool has_sign = s.n && (s.p[0] == '-' || s.p[0] == '+');
    bool is_negative = has_sign && s.p[0] == '-';
    s = str_skip(s, has_sign);
    struct number_text t;
    if (!read_mantissa(s, &t, &s))
        return false;
    s = skip_number_blanks(s);
    if (!has_sign && s.n && (s.p[0] == '-' || s.p[0] == '+')) {
        is_negative = s.p[0] == '-';
        s = skip_number_blanks(str_skip(s, 1));
    }
    return !s.n && fits_decimal(&t, is_negative);
}

// What is too large becomes infinity, which is a number too.
static bool is_floating(str s)
{
    s = skip_number_blanks(s);
    while (s.n && is_number_blank(s.p[s.n - 1]))
        s.n--;
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_skip(s, 1);
    if (str_eq_nocase(s, STR("Infinity")) || str_eq_nocase(s, STR("NaN")))
        return true;
    struct number_text t;
    if (!read_mantissa(s, &t, &s))
        return false;
    if (s.n && (s.p[0] == 'e' || s.p[0] == 'E')) {
        s = str_skip(s, 1);
        if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
            s = str_skip(s, 1);
        if (!s.n)
            return false;
        while (s.n && is_digit(s.p[0]))
            s = str_skip(s, 1);
    }
    return !s.n;
}

// ---- the others ----

// char.IsWhiteSpace, which string.Trim uses.
static bool is_white(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

static str trim_white(str s)
{
    for (size_t n; s.n && is_white(route_char_at(s, 0, &n));)
        s = str_skip(s, n);
    while (s.n) {
        size_t at = s.n - 1, n;
        while (at > 0 && ((uint8_t)s.p[at] & 0xC0) == 0x80)
            at--;
        if (!is_white(route_char_at(s, at, &n)) || at + n != s.n)
            break;
        s.n = at;
    }
    return s;
}

static bool is_bool(str s)
{
    s = trim_white(s);
    return str_eq_nocase(s, STR("true")) || str_eq_nocase(s, STR("false"));
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool takes_hex(str *s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (i >= s->n || !is_hex(s->p[i]))
            return false;
    *s = str_skip(*s, count);
    return true;
}

static bool takes(str *s, str text)
{
    if (!str_starts(*s, text))
        return false;
    *s = str_skip(*s, text.n);
    return true;
}

static bool is_dashed_guid(str s)
{
    return takes_hex(&s, 8) && takes(&s, STR("-")) && takes_hex(&s, 4) && takes(&s, STR("-")) && takes_hex(&s, 4) && takes(&s, STR("-")) && takes_hex(&s, 4) &&
           takes(&s, STR("-")) && takes_hex(&s, 12) && !s.n;
}

// One field of the form {0x00000000,0x0000,0x0000,{0x00,...}}: 0x and 1 to most digits.
static bool takes_guid_field(str *s, size_t most)
{
    if (!takes(s, STR("0x")) && !takes(s, STR("0X")))
        return false;
    size_t count = 0;
    while (count < s->n && is_hex(s->p[count]))
        count++;
    *s = str_skip(*s, count);
    return count >= 1 && count <= most;
}

static bool is_guid_struct(str s)
{
    if (!takes(&s, STR("{")) || !takes_guid_field(&s, 8) || !takes(&s, STR(",")) || !takes_guid_field(&s, 4) || !takes(&s, STR(",")) || !takes_guid_field(&s, 4) ||
        !takes(&s, STR(",{")))
        return false;
    for (int i = 0; i < 8; i++)
        if ((i > 0 && !takes(&s, STR(","))) || !takes_guid_field(&s, 2))
            return false;
    return str_eq(s, STR("}}"));
}

static bool is_guid(str s)
{
    s = trim_white(s);
    if (s.n == 32)
        return takes_hex(&s, 32);
    if (s.n == 36)
        return is_dashed_guid(s);
    bool is_wrapped = s.n == 38 && ((s.p[0] == '{' && s.p[37] == '}') || (s.p[0] == '(' && s.p[37] == ')'));
    return (is_wrapped && is_dashed_guid(str_sub(s, 1, 36))) || is_guid_struct(s);
}

// "^[a-z]*$" without case: one line feed may end it.
static bool is_alpha(str s)
{
    if (str_ends(s, STR("\n")))
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] | 0x20) < 'a' || (s.p[i] | 0x20) > 'z')
            return false;
    return true;
}

// Something that is not a dot stands behind the first dot of the last segment.
static bool is_file_name(str s)
{
    s = str_skip(s, (size_t)(str_find_last_char(s, '/') + 1));
    ptrdiff_t dot = str_find_char(s, '.');
    for (size_t i = (size_t)(dot + 1); dot >= 0 && i < s.n; i++)
        if (s.p[i] != '.')
            return true;
    return false;
}

// ---- regular expressions: PCRE2 with the arena as its memory ----

static void *arena_malloc(PCRE2_SIZE n, void *a)
{
    return arena_alloc(a, n);
}

static void arena_no_free(void *p, void *a)
{
}

// .NET: CultureInvariant | IgnoreCase, found anywhere. UCP makes \d \w \s mean Unicode's, as there.
static bool compile(struct arena *a, str pattern, void **out, struct err *e)
{
    if (str_starts(pattern, STR("(*")))
        return err_set(e, ERR_INVALID, "regex: a pattern cannot start with (*");
    pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_no_free, a);
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_set_parens_nest_limit(context, 100);
    int code;
    PCRE2_SIZE at;
    *out = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C, &code, &at, context);
    if (*out)
        return true;
    PCRE2_UCHAR text[160];
    pcre2_get_error_message(code, text, sizeof text);
    return err_set(e, ERR_INVALID, "regex(%.*s): %s, at its character %zu", STR_ARG(str_sub(pattern, 0, 100)), (const char *)text, at + 1);
}

// A pattern that runs away does not fit: the limits stop it after some milliseconds.
static bool regex_fits(const void *code, str value, struct arena *scratch)
{
    pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_no_free, scratch);
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_set_match_limit(context, LIMIT_ROUTE_REGEX_STEPS);
    pcre2_set_heap_limit(context, LIMIT_ROUTE_REGEX_KILOBYTES);
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    return pcre2_match(code, (PCRE2_SPTR)(value.p ? value.p : ""), value.n, 0, 0, data, context) >= 0;
}

// ---- a constraint in a template ----

static bool read_number_argument(str name, str text, int64_t most, int64_t *out, struct err *e)
{
    if (!read_integer(text, out) || *out > most || (most == INT32_MAX && *out < INT32_MIN))
        return err_set(e, ERR_INVALID, "%.*s: \"%.*s\" is not a whole number%s", STR_ARG(name), STR_ARG(str_sub(text, 0, 60)), most == INT32_MAX ? " of 32 bits" : "");
    return true;
}

static bool read_numbers(str name, struct constraint *c, enum arguments want, str arguments, struct err *e)
{
    bool is_length = c->kind == CONSTRAINT_LENGTH || c->kind == CONSTRAINT_MINLENGTH || c->kind == CONSTRAINT_MAXLENGTH;
    int64_t most = is_length ? INT32_MAX : INT64_MAX;
    str rest = arguments, first = { 0 }, second = { 0 }, third;
    str_split(&rest, ',', &first);
    bool has_second = str_split(&rest, ',', &second);
    if (str_split(&rest, ',', &third) || (has_second && want == ONE_NUMBER) || (!has_second && want == TWO_NUMBERS))
        return err_set(e, ERR_INVALID, "%.*s takes %s", STR_ARG(name), want == ONE_NUMBER ? "one number" : want == TWO_NUMBERS ? "two numbers" : "one number or two");
    if (!read_number_argument(name, first, most, &c->low, e))
        return false;
    c->high = c->low;
    if (has_second && !read_number_argument(name, second, most, &c->high, e))
        return false;
    if (c->low > c->high)
        return err_set(e, ERR_INVALID, "%.*s: the first number must not be above the second", STR_ARG(name));
    if (is_length && c->low < 0)
        return err_set(e, ERR_INVALID, "%.*s: a length cannot be negative", STR_ARG(name));
    return true;
}

bool constraint_parse(struct arena *a, str text, struct constraint *out, struct err *e)
{
    ptrdiff_t open = str_find_char(text, '(');
    bool has_arguments = open >= 0 && str_ends(text, STR(")"));
    str name = has_arguments ? str_sub(text, 0, (size_t)open) : text;
    str arguments = has_arguments ? str_sub(text, (size_t)open + 1, text.n - (size_t)open - 2) : (str){ 0 };
    size_t k = 0;
    while (k < COUNT(kinds) && !str_eq_nocase(kinds[k].name, name))
        k++;
    if (k == COUNT(kinds))
        return err_set(e, ERR_INVALID,
                       "unknown constraint \"%.*s\"; known are int long guid bool datetime decimal double float alpha min max range regex length minlength "
                       "maxlength required file nonfile",
                       STR_ARG(str_sub(name, 0, 60)));
    name = kinds[k].name;
    *out = (struct constraint){ .kind = kinds[k].kind };
    if (kinds[k].arguments == NO_ARGUMENT)
        return !has_arguments || err_set(e, ERR_INVALID, "%.*s takes no argument", STR_ARG(name));
    if (!has_arguments)
        return err_set(e, ERR_INVALID, "%.*s needs its argument in parentheses", STR_ARG(name));
    if (kinds[k].arguments != PATTERN)
        return read_numbers(name, out, kinds[k].arguments, arguments, e);
    out->pattern = arena_str(a, arguments);
    return compile(a, out->pattern, &out->regex, e);
}

// ---- judging a value ----

static bool length_fits(str value, int64_t low, int64_t high)
{
    int64_t n = (int64_t)route_utf16_length(value);
    return n >= low && n <= high;
}

bool constraint_fits(const struct constraint *c, str value, struct arena *scratch)
{
    if (!value.p)
        return c->kind == CONSTRAINT_NONFILE;
    int64_t number;
    switch (c->kind) {
    case CONSTRAINT_INT: return read_integer(value, &number) && number >= INT32_MIN && number <= INT32_MAX;
    case CONSTRAINT_LONG: return read_integer(value, &number);
    case CONSTRAINT_MIN: return read_integer(value, &number) && number >= c->low;
    case CONSTRAINT_MAX: return read_integer(value, &number) && number <= c->low;
    case CONSTRAINT_RANGE: return read_integer(value, &number) && number >= c->low && number <= c->high;
    case CONSTRAINT_GUID: return is_guid(value);
    case CONSTRAINT_BOOL: return is_bool(value);
    case CONSTRAINT_DATETIME: return constraint_is_datetime(value);
    case CONSTRAINT_DECIMAL: return is_decimal(value);
    case CONSTRAINT_DOUBLE:
    case CONSTRAINT_FLOAT: return is_floating(value);
    case CONSTRAINT_ALPHA: return is_alpha(value);
    case CONSTRAINT_REGEX: return regex_fits(c->regex, value, scratch);
    case CONSTRAINT_LENGTH: return length_fits(value, c->low, c->high);
    case CONSTRAINT_MINLENGTH: return length_fits(value, c->low, INT64_MAX);
    case CONSTRAINT_MAXLENGTH: return length_fits(value, 0, c->low);
    case CONSTRAINT_REQUIRED: return value.n > 0;
    case CONSTRAINT_FILE: return is_file_name(value);
    case CONSTRAINT_NONFILE: return !is_file_name(value);
    }
    return false;
}

bool param_fits(const struct route_param *p, str value, struct arena *scratch)
{
    if (p->is_optional && !value.n)
        return true;
    for (size_t i = 0; i < p->constraint_count; i++)
        if (!constraint_fits(&p->constraints[i], value, scratch))
            return false;
    return true;
}
