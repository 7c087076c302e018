#include "template/regex.h"

#include "base/limits.h"
#include "template/chars.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define GROUPS_MAX 200

struct group {
    str name;   // empty: numbered
    int number; // as .NET counts, from 1
};

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    struct group groups[GROUPS_MAX]; // by PCRE2's number, less one
    int group_count;
};

struct translator {
    str p;
    size_t at;
    struct buf out;
    struct regex *regex;
    struct err *e;
};

static bool refuse(struct translator *t, const char *what)
{
    return err_set(t->e, ERR_INVALID, "invalid pattern '%.*s' at offset %zu: %s", (int)MIN(t->p.n, (size_t)80), t->p.p ? t->p.p : "", t->at, what);
}

static char peek(const struct translator *t, size_t ahead)
{
    return t->at + ahead < t->p.n ? t->p.p[t->at + ahead] : '\0';
}

static bool is_word_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static void skip_class(str p, size_t *at)
{
    size_t i = *at + 1;
    if (i < p.n && p.p[i] == '^')
        i++;
    for (size_t first = i, depth = 1; i < p.n; i++) {
        if (p.p[i] == '\\')
            i++;
        else if (p.p[i] == '[' && i > first && p.p[i - 1] == '-')
            depth++; // subtraction
        else if (p.p[i] == ']' && i > first && !--depth)
            break;
    }
    *at = MIN(i, p.n);
}

// The name of "(?<name>" or "(?'name'" at `at`; false when it is something else.
static bool group_name(str p, size_t at, str *name)
{
    if (at + 3 >= p.n || p.p[at + 1] != '?' || (p.p[at + 2] != '<' && p.p[at + 2] != '\''))
        return false;
    char close = p.p[at + 2] == '<' ? '>' : '\'';
    size_t from = at + 3, n = 0;
    if (close == '>' && (p.p[from] == '=' || p.p[from] == '!'))
        return false;
    while (from + n < p.n && p.p[from + n] != close)
        n++;
    *name = str_sub(p, from, n);
    return true;
}

static int find_name(const struct regex *r, str name)
{
    for (int i = 0; i < r->group_count; i++)
        if (r->groups[i].name.n && str_eq(r->groups[i].name, name))
            return i;
    return -1;
}

// Unnamed groups count first, then names in the order of their first use.
static bool find_groups(struct translator *t)
{
    struct regex *r = t->regex;
    int unnamed = 0;
    for (size_t i = 0; i < t->p.n; i++) {
        str name;
        if (t->p.p[i] == '\\') {
            i++;
        } else if (t->p.p[i] == '[') {
            skip_class(t->p, &i);
        } else if (t->p.p[i] == '(') {
            bool is_named = group_name(t->p, i, &name), is_plain = i + 1 >= t->p.n || (t->p.p[i + 1] != '?');
            if (!is_named && !is_plain)
                continue;
            if (r->group_count == GROUPS_MAX)
                return refuse(t, "more groups than 200 are not supported");
            r->groups[r->group_count++] = (struct group){ is_named ? name : (str){ 0 }, is_named ? 0 : ++unnamed };
        }
    }
    int next = unnamed;
    for (int i = 0; i < r->group_count; i++) {
        struct group *g = &r->groups[i];
        if (!g->name.n)
            continue;
        int first = find_name(r, g->name);
        g->number = first < i ? r->groups[first].number : ++next;
    }
    return true;
}

static int group_of_number(const struct regex *r, int number)
{
    for (int i = 0; i < r->group_count; i++)
        if (r->groups[i].number == number)
            return i;
    return -1;
}

static void put(struct translator *t, size_t n)
{
    buf_add(&t->out, str_sub(t->p, t->at, n));
    t->at += n;
}

static bool read_hex(const struct translator *t, size_t ahead, size_t digits, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = peek(t, ahead + i);
        if (!is_hex(c))
            return false;
        *out = *out * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
}

static bool translate_unicode(struct translator *t)
{
    uint32_t unit, low;
    if (!read_hex(t, 2, 4, &unit))
        return refuse(t, "\\u needs four hexadecimal digits");
    t->at += 6;
    if (unit >= 0xD800 && unit < 0xDC00 && peek(t, 0) == '\\' && peek(t, 1) == 'u' && read_hex(t, 2, 4, &low) && low >= 0xDC00 && low < 0xE000) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        t->at += 6;
    }
    if (unit >= 0xD800 && unit < 0xE000)
        return refuse(t, "half a character (a surrogate) is not supported");
    return buf_printf(&t->out, "\\x{%x}", unit);
}

// \1, \12, \012
static bool translate_number(struct translator *t, bool is_in_class)
{
    size_t digits = 0;
    int number = 0;
    for (; peek(t, 1 + digits) >= '0' && peek(t, 1 + digits) <= '9' && digits < 4; digits++)
        number = number * 10 + (peek(t, 1 + digits) - '0');
    int group = peek(t, 1) == '0' || is_in_class ? -1 : group_of_number(t->regex, number);
    if (group >= 0) {
        t->at += 1 + digits;
        return buf_printf(&t->out, "\\g{%d}", group + 1);
    }
    if (peek(t, 1) != '0' && !is_in_class && digits == 1)
        return refuse(t, "reference to an undefined group");
    uint32_t value = 0;
    size_t i = 0;
    for (; i < 3 && peek(t, 1 + i) >= '0' && peek(t, 1 + i) <= '7'; i++)
        value = value * 8 + (uint32_t)(peek(t, 1 + i) - '0');
    if (!i)
        return refuse(t, "reference to an undefined group");
    t->at += 1 + i;
    return buf_printf(&t->out, "\\x{%x}", value & 0xFF);
}

static bool translate_property(struct translator *t)
{
    if (peek(t, 2) != '{')
        return refuse(t, "\\p needs a name in braces");
    ptrdiff_t close = str_find_char(str_skip(t->p, t->at), '}');
    if (close < 0)
        return refuse(t, "\\p{ without }");
    str name = str_sub(t->p, t->at + 3, (size_t)close - 3);
    if (str_starts(name, STR("Is")))
        return refuse(t, "blocks (\\p{Is...}) are not supported; name a category as \\p{L} or a range");
    // .NET knows the general categories and nothing else.
    if (!name.n || name.n > 2 || !strchr("LMNPSZC", *name.p))
        return refuse(t, "unknown property");
    put(t, (size_t)close + 1);
    return true;
}

static bool is_control_letter(char c)
{
    return (c >= '@' && c <= '_') || (c >= 'a' && c <= 'z');
}

static bool translate_escape(struct translator *t, bool is_in_class)
{
    uint32_t value;
    char c = peek(t, 1);
    if (t->at + 1 >= t->p.n)
        return refuse(t, "a backslash at the end");
    switch (c) {
    case 'w':
        buf_add_text(&t->out, is_in_class ? "\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}" : "[\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}]");
        t->at += 2;
        return true;
    case 'W':
        buf_add_text(&t->out, is_in_class ? "\\W" : "[^\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}]");
        t->at += 2;
        return true;
    case 'v':
        buf_add_text(&t->out, "\\x0b");
        t->at += 2;
        return true;
    case 'u':
        return translate_unicode(t);
    case 'x':
        if (!read_hex(t, 2, 2, &value))
            return refuse(t, "\\x needs two hexadecimal digits");
        t->at += 4;
        return buf_printf(&t->out, "\\x{%x}", value);
    case 'p':
    case 'P':
        return translate_property(t);
    case 'k':
        if (is_in_class)
            return refuse(t, "unrecognized escape \\k");
        put(t, 2);
        return true;
    case 'A': case 'B': case 'G': case 'Z': case 'z':
        if (is_in_class)
            return refuse(t, "unrecognized escape in a class");
        put(t, 2);
        return true;
    case 'a': case 'b': case 'd': case 'D': case 'e': case 'f': case 'n': case 'r': case 's': case 'S': case 't':
        put(t, 2);
        return true;
    case 'c':
        if (t->at + 2 >= t->p.n || !is_control_letter(t->p.p[t->at + 2]))
            return refuse(t, "unrecognized control character");
        put(t, 3);
        return true;
    default:
        break;
    }
    if (c >= '0' && c <= '9')
        return translate_number(t, is_in_class);
    if (is_word_char(c))
        return refuse(t, "unrecognized escape");
    if ((unsigned char)c >= 0x80) {
        t->at++; // escaping such a character changes nothing
        return true;
    }
    put(t, 2);
    return true;
}

// [a-z-[aeiou]] becomes (?:(?=[a-z])(?![aeiou])(?s:.)), and a subtraction in the subtraction likewise.
static bool translate_class(struct translator *t)
{
    CLEANUP(buf_fini) struct buf saved = t->out;
    t->out = (struct buf){ 0 };
    bool ok = true;
    int subtractions = 0;
    for (bool goes_on = true; goes_on && ok;) {
        goes_on = false;
        buf_clear(&t->out);
        put(t, 1);
        if (peek(t, 0) == '^')
            put(t, 1);
        bool is_behind_set = false; // \d or its like: no range begins there
        for (bool is_first = true;; is_first = false) {
            if (t->at >= t->p.n) {
                ok = refuse(t, "a class without ]");
                break;
            }
            char c = peek(t, 0);
            if (c == ']' && !is_first)
                break;
            if (c == '\\') {
                is_behind_set = peek(t, 1) && strchr("dDsSwWpP", peek(t, 1));
                if (!(ok = translate_escape(t, true)))
                    break;
                continue;
            }
            if (c == '-' && peek(t, 1) == '[' && !is_first) {
                t->at++;
                goes_on = true;
                break;
            } else if (c == '[' || (c == ']' && is_first) || (c == '-' && is_behind_set) || (is_first && strchr(":=.", c))) {
                buf_add_char(&t->out, '\\');
                put(t, 1);
            } else {
                put(t, 1);
            }
            is_behind_set = false;
        }
        if (!ok)
            break;
        buf_add_char(&t->out, ']');
        if (goes_on) {
            buf_add_text(&saved, subtractions ? "(?=" : "(?:(?=");
            buf_add(&saved, buf_str(&t->out));
            buf_add_text(&saved, ")(?!");
            subtractions++;
        } else {
            buf_add(&saved, buf_str(&t->out));
        }
    }
    if (ok) {
        t->at++;
        for (int i = 0; i < subtractions; i++) {
            if (peek(t, 0) != ']') {
                ok = refuse(t, "a subtraction must be the last element of its class");
                break;
            }
            buf_add_char(&saved, ')');
            t->at++;
        }
        if (ok && subtractions)
            buf_add_text(&saved, "(?s:.))");
    }
    buf_fini(&t->out);
    t->out = saved;
    saved = (struct buf){ 0 };
    return ok;
}

static bool translate_group(struct translator *t)
{
    str name;
    if (peek(t, 1) == '*')
        return refuse(t, "a quantifier after nothing");
    if (peek(t, 1) != '?') {
        put(t, 1);
        return true;
    }
    if (group_name(t->p, t->at, &name)) {
        if (str_has(name, '-'))
            return refuse(t, "balancing groups are not supported");
        if (!name.n || !is_word_char(*name.p))
            return refuse(t, "invalid group name");
        if (*name.p >= '0' && *name.p <= '9')
            return refuse(t, "numbers as group names are not supported; use a name");
        put(t, 4 + name.n);
        return true;
    }
    char c = peek(t, 2);
    if (c == '\0' || !strchr(":=!<>#(imnsx-", c))
        return refuse(t, "unrecognized grouping construct");
    if (c == '#') {
        ptrdiff_t close = str_find_char(str_skip(t->p, t->at), ')');
        if (close < 0)
            return refuse(t, "a comment without )");
        t->at += (size_t)close + 1;
        return true;
    }
    if (strchr("imnsx-", c)) {
        size_t i = 2;
        while (peek(t, i) && strchr("imnsx-", peek(t, i)))
            i++;
        if (peek(t, i) != ':' && peek(t, i) != ')')
            return refuse(t, "unrecognized grouping construct");
        put(t, i);
        return true;
    }
    put(t, c == '<' ? 4 : c == '(' ? 2 : 3);
    return true;
}

// The length of a quantifier at `at`, or 0.
static size_t quantifier(const struct translator *t)
{
    char c = peek(t, 0);
    if (c == '*' || c == '+' || c == '?')
        return 1;
    if (c != '{')
        return 0;
    size_t i = 1;
    while (peek(t, i) >= '0' && peek(t, i) <= '9')
        i++;
    if (i == 1)
        return 0;
    if (peek(t, i) == ',')
        for (i++; peek(t, i) >= '0' && peek(t, i) <= '9'; i++)
            ;
    return peek(t, i) == '}' ? i + 1 : 0;
}

// PCRE2 repeats no assertion unless it is in a group.
static void put_assertion(struct translator *t, size_t n)
{
    t->at += n;
    bool is_repeated = quantifier(t) > 0;
    t->at -= n;
    buf_add_text(&t->out, is_repeated ? "(?:" : "");
    put(t, n);
    buf_add_text(&t->out, is_repeated ? ")" : "");
}

static bool translate(struct translator *t)
{
    bool can_repeat = false; // something stands before
    while (t->at < t->p.n) {
        char c = peek(t, 0);
        size_t n = quantifier(t);
        if (n) {
            if (!can_repeat)
                return refuse(t, "a quantifier after nothing");
            put(t, n);
            if (peek(t, 0) == '?')
                put(t, 1);
            if (quantifier(t))
                return refuse(t, "nested quantifier");
            can_repeat = false;
            continue;
        }
        bool ok = true;
        can_repeat = true;
        switch (c) {
        case '\\':
            if (peek(t, 1) && strchr("AbBGzZ", peek(t, 1)))
                put_assertion(t, 2);
            else
                ok = translate_escape(t, false);
            break;
        case '^':
        case '$':
            put_assertion(t, 1);
            break;
        case '[':
            ok = translate_class(t);
            break;
        case '(':
            ok = translate_group(t);
            can_repeat = false;
            break;
        case '|':
            put(t, 1);
            can_repeat = false;
            break;
        case '{': // literal
            buf_add_text(&t->out, "\\{");
            t->at++;
            break;
        default:
            put(t, 1);
        }
        if (!ok)
            return false;
    }
    return true;
}

void regex_close(struct regex *r)
{
    if (!r)
        return;
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->context);
    pcre2_code_free(r->code);
    free(r);
}

static void regex_closep(struct regex **r)
{
    regex_close(*r);
}

static void translator_fini(struct translator *t)
{
    buf_fini(&t->out);
}

bool regex_open(str pattern, struct regex **out, struct err *e)
{
    CLEANUP(regex_closep) struct regex *r = xcalloc(1, sizeof *r);
    CLEANUP(translator_fini) struct translator t = { .p = pattern, .regex = r, .e = e };
    if (!find_groups(&t) || !translate(&t))
        return false;

    int number;
    size_t offset;
    pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
    pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
    pcre2_set_max_pattern_length(cc, 1 << 20);
    pcre2_set_parens_nest_limit(cc, 100);
    r->code = pcre2_compile((PCRE2_SPTR)(t.out.p ? t.out.p : ""), t.out.n, PCRE2_UTF | PCRE2_UCP | PCRE2_DUPNAMES | PCRE2_NEVER_BACKSLASH_C, &number, &offset, cc);
    pcre2_compile_context_free(cc);
    if (!r->code) {
        char text[160];
        pcre2_get_error_message(number, (PCRE2_UCHAR *)text, sizeof text);
        t.at = MIN(offset, pattern.n);
        return refuse(&t, text);
    }
    r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
    r->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(r->context, LIMIT_TEMPLATE_REGEX_STEPS);
    pcre2_set_heap_limit(r->context, LIMIT_TEMPLATE_REGEX_KILOBYTES);
    *out = MOVE(r);
    return true;
}

// 1 for a match, 0 for none, -1 with *e set.
static int search(struct regex *r, str subject, size_t from, bool is_checked, struct err *e)
{
    int rc = pcre2_match(r->code, (PCRE2_SPTR)(subject.p ? subject.p : ""), subject.n, from, is_checked ? PCRE2_NO_UTF_CHECK : 0, r->match, r->context);
    if (rc >= 0)
        return 1;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT)
        err_set(e, ERR_TOO_LARGE, "the search took too many steps: a simpler pattern, or one with fewer nested repetitions, would end");
    else if (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21)
        err_set(e, ERR_INVALID, "the text is not valid UTF-8");
    else
        err_set(e, ERR_IO, "the search failed (PCRE2 error %d)", rc);
    return -1;
}

bool regex_match(struct regex *r, str subject, bool *is_match, struct err *e)
{
    int found = search(r, subject, 0, false, e);
    *is_match = found > 0;
    return found >= 0;
}

static str group_text(const struct regex *r, str subject, int group) // of PCRE2's number; 0 is the match
{
    PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(r->match);
    if ((uint32_t)group >= pcre2_get_ovector_count(r->match) || ovector[2 * group] == PCRE2_UNSET || ovector[2 * group] > ovector[2 * group + 1])
        return (str){ 0 };
    return str_sub(subject, ovector[2 * group], ovector[2 * group + 1] - ovector[2 * group]);
}

// Of the groups with this .NET number, the one that took part.
static str number_text(const struct regex *r, str subject, int number)
{
    str text = { 0 };
    if (!number)
        return group_text(r, subject, 0);
    for (int i = 0; i < r->group_count; i++) {
        if (r->groups[i].number != number)
            continue;
        str s = group_text(r, subject, i + 1);
        if (s.p)
            text = s;
    }
    return text;
}

static bool is_number(const struct regex *r, str digits, int *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.n; i++)
        *number = MIN(*number * 10 + (digits.p[i] - '0'), 100000);
    return *number == 0 || group_of_number(r, *number) >= 0;
}

// What "$..." at the start of `rest` stands for; returns its length, or 0 when it is literal.
static size_t expand_dollar(const struct regex *r, str subject, str rest, struct buf *out)
{
    if (rest.n < 2)
        return 0;
    PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(r->match);
    char c = rest.p[1];
    bool has_brace = c == '{' && rest.n > 2;
    size_t from = has_brace ? 2 : 1, n = 0;
    while (from + n < rest.n && (has_brace && !(rest.p[from] >= '0' && rest.p[from] <= '9') ? is_word_char(rest.p[from + n]) || (unsigned char)rest.p[from + n] >= 0x80
                                                                                            : rest.p[from + n] >= '0' && rest.p[from + n] <= '9'))
        n++;
    if (n && (!has_brace || (from + n < rest.n && rest.p[from + n] == '}'))) {
        str name = str_sub(rest, from, n);
        int number;
        if (*name.p >= '0' && *name.p <= '9') {
            if (!is_number(r, name, &number))
                return 0;
        } else {
            int group = find_name(r, name);
            if (group < 0)
                return 0;
            number = r->groups[group].number;
        }
        buf_add(out, number_text(r, subject, number));
        return from + n + has_brace;
    }
    switch (c) {
    case '$':
        buf_add_char(out, '$');
        return 2;
    case '&':
        buf_add(out, group_text(r, subject, 0));
        return 2;
    case '`':
        buf_add(out, str_sub(subject, 0, ovector[0]));
        return 2;
    case '\'':
        buf_add(out, str_skip(subject, ovector[1]));
        return 2;
    case '_':
        buf_add(out, subject);
        return 2;
    case '+': {
        int last = 0;
        for (int i = 0; i < r->group_count; i++)
            last = MAX(last, r->groups[i].number);
        buf_add(out, number_text(r, subject, last));
        return 2;
    }
    default:
        return 0;
    }
}

bool regex_replace(struct regex *r, str subject, str replacement, struct buf *out, struct err *e)
{
    size_t copied = 0, from = 0;
    for (bool is_checked = false; from <= subject.n && !out->is_full; is_checked = true) {
        int found = search(r, subject, from, is_checked, e);
        if (found < 0)
            return false;
        if (!found)
            break;
        PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(r->match);
        size_t begin = ovector[0], end = ovector[1];
        if (begin < copied || end < begin)
            break; // \K in a lookaround: refused by the translator, but never trust it
        buf_add(out, str_sub(subject, copied, begin - copied));
        for (str rest = replacement; rest.n;) {
            size_t n = *rest.p == '$' ? expand_dollar(r, subject, rest, out) : 0;
            if (!n) {
                buf_add_char(out, *rest.p);
                n = 1;
            }
            rest = str_skip(rest, n);
        }
        copied = end;
        from = end;
        if (end == begin) {
            size_t length = 1;
            if (end < subject.n)
                chars_decode(subject.p + end, subject.n - end, &length);
            from += length;
        }
    }
    buf_add(out, str_skip(subject, copied));
    return true;
}
