#include "json/decode.h"

#include "base/timetext.h"

#include <stdio.h>

#define SHOWN_BYTES 60 // of a value a client sent, in a message

static void note(struct decode_errors *errors, str path, str what)
{
    if (errors->count == DECODE_ERRORS_MAX)
        return;
    errors->items[errors->count++] = path.n ? arena_printf(errors->arena, "%.*s: %.*s", STR_ARG(path), STR_ARG(what)) : arena_str(errors->arena, what);
}

static str name_below(struct arena *a, str path, str name)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    buf_add(&b, path);
    json_write_path_name(&b, name);
    return arena_str(a, buf_str(&b));
}

str decode_path(const struct decode *d, const char *name)
{
    return name ? name_below(d->errors->arena, d->path, str_from(name)) : d->path;
}

str decode_path_index(struct arena *a, str path, size_t index)
{
    return arena_printf(a, "%.*s[%zu]", STR_ARG(path), index);
}

void decode_error(struct decode *d, const char *name, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    str what = arena_vprintf(d->errors->arena, fmt, args);
    va_end(args);
    note(d->errors, decode_path(d, name), what);
}

// A text or a number as it may stand in a message: text in quotes, either cut.
static str shown(struct arena *a, const struct json *j)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    str text = str_sub(j->text, 0, SHOWN_BYTES);
    bool is_cut = text.n < j->text.n;
    while (is_cut && text.n && ((unsigned char)j->text.p[text.n] & 0xC0) == 0x80)
        text.n--;
    if (j->type == JSON_STRING)
        json_write_string(&b, text);
    else
        buf_add(&b, text);
    if (is_cut)
        buf_add(&b, STR("..."));
    return arena_str(a, buf_str(&b));
}

static str kind(const struct json *j)
{
    static const str kinds[] = {
        STR_INIT("null"), STR_INIT("a boolean"), STR_INIT("a number"), STR_INIT("text"), STR_INIT("an array"), STR_INIT("an object"),
    };
    return kinds[j->type];
}

static void wrong_type(struct decode *d, const char *name, const char *wanted, const struct json *got)
{
    decode_error(d, name, "must be %s, not %.*s", wanted, STR_ARG(kind(got)));
}

void decode_error_at(struct decode *d, const char *name, size_t index, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    str what = arena_vprintf(d->errors->arena, fmt, args);
    va_end(args);
    note(d->errors, decode_path_index(d->errors->arena, decode_path(d, name), index), what);
}

bool decode_begin(struct decode *d, const struct json *j, str path, struct decode_errors *errors)
{
    *d = (struct decode){ .path = path, .errors = errors };
    if (json_is(j, JSON_OBJECT)) {
        d->object = j;
        return true;
    }
    if (j)
        note(errors, path, arena_printf(errors->arena, path.n ? "must be an object, not %.*s" : "the document must be an object, not %.*s", STR_ARG(kind(j))));
    else
        note(errors, path, path.n ? STR("is missing; it must be an object") : STR("the document is missing; it must be an object"));
    return false;
}

// Finds the member and marks it as known. NULL also for a null: both mean "not said".
static const struct json *take(struct decode *d, const char *name)
{
    str wanted = str_from(name);
    if (!d->object)
        return NULL;
    if (d->name_count < COUNT(d->names))
        d->names[d->name_count++] = name;
    size_t position = 0;
    json_each(m, d->object) {
        if (str_eq(m->name, wanted)) {
            if (position < 64 * COUNT(d->known_bits))
                d->known_bits[position / 64] |= 1ULL << (position % 64);
            return m->type == JSON_NULL ? NULL : m;
        }
        position++;
    }
    return NULL;
}

// ---- unknown fields ----

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

// Levenshtein without regard to case; both at most 64 bytes.
static size_t distance(str a, str b)
{
    uint8_t row[65];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.n; i++) {
        uint8_t diagonal = row[0];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.n; j++) {
            uint8_t above = row[j];
            uint8_t changed = (uint8_t)(diagonal + (folded(a.p[i - 1]) != folded(b.p[j - 1])));
            row[j] = MIN(changed, (uint8_t)(MIN(above, row[j - 1]) + 1));
            diagonal = above;
        }
    }
    return row[b.n];
}

static const char *nearest(const struct decode *d, str name)
{
    const char *best = NULL;
    size_t best_distance = name.n < 3 ? 1 : name.n < 6 ? 2 : 3; // must be below it
    for (size_t i = 0; i < d->name_count; i++) {
        str known = str_from(d->names[i]);
        if (name.n > 64 || known.n > 64)
            continue;
        size_t n = distance(name, known);
        if (n < best_distance) {
            best = d->names[i];
            best_distance = n;
        }
    }
    return best;
}

static bool is_known(const struct decode *d, const struct json *m, size_t position)
{
    if (position < 64 * COUNT(d->known_bits))
        return d->known_bits[position / 64] >> (position % 64) & 1;
    for (size_t i = 0; i < d->name_count; i++)
        if (str_eq(m->name, str_from(d->names[i])))
            return true;
    return false;
}

void decode_done(struct decode *d)
{
    struct arena *a = d->errors->arena;
    size_t position = 0;
    if (!d->object)
        return;
    json_each(m, d->object) {
        if (d->errors->count == DECODE_ERRORS_MAX)
            return;
        if (!is_known(d, m, position++)) {
            const char *meant = nearest(d, m->name);
            str what = meant ? arena_printf(a, "unknown field; did you mean %s?", meant) : STR("unknown field");
            note(d->errors, name_below(a, d->path, m->name), what);
        }
    }
}

// ---- fields ----

str decode_str(struct decode *d, const char *name, str otherwise)
{
    const struct json *j = take(d, name);
    if (!j)
        return otherwise;
    if (j->type != JSON_STRING) {
        wrong_type(d, name, "text", j);
        return otherwise;
    }
    return j->text;
}

str decode_required_str(struct decode *d, const char *name)
{
    const struct json *j = take(d, name);
    if (j && j->type != JSON_STRING)
        wrong_type(d, name, "text", j);
    else if (!j && d->object)
        decode_error(d, name, "is missing");
    else if (j && !j->text.n)
        decode_error(d, name, "must not be empty");
    return json_str(j, STR(""));
}

bool decode_bool(struct decode *d, const char *name, bool otherwise)
{
    const struct json *j = take(d, name);
    if (!j)
        return otherwise;
    if (j->type != JSON_BOOL) {
        wrong_type(d, name, "true or false", j);
        return otherwise;
    }
    return j->is_true;
}

int64_t decode_i64(struct decode *d, const char *name, int64_t otherwise, int64_t min, int64_t max)
{
    const struct json *j = take(d, name);
    int64_t v;
    if (!j)
        return otherwise;
    if (json_i64(j, &v) && v >= min && v <= max)
        return v;
    str got = j->type == JSON_NUMBER ? shown(d->errors->arena, j) : kind(j);
    decode_error(d, name, "must be a whole number from %" PRId64 " to %" PRId64 ", not %.*s", min, max, STR_ARG(got));
    return otherwise;
}

int decode_choice(struct decode *d, const char *name, const char *const *choices, int otherwise)
{
    const struct json *j = take(d, name);
    if (!j)
        return otherwise;
    CLEANUP(buf_fini) struct buf all = { 0 };
    for (int i = 0; choices[i]; i++) {
        if (j->type == JSON_STRING && str_eq_nocase(j->text, str_from(choices[i])))
            return i;
        buf_printf(&all, "%s%s", i ? ", " : "", choices[i]);
    }
    str got = j->type == JSON_STRING ? shown(d->errors->arena, j) : kind(j);
    decode_error(d, name, "must be one of %.*s; not %.*s", STR_ARG(buf_str(&all)), STR_ARG(got));
    return otherwise;
}

const struct json *decode_object(struct decode *d, const char *name)
{
    const struct json *j = take(d, name);
    if (j && j->type != JSON_OBJECT) {
        wrong_type(d, name, "an object", j);
        return NULL;
    }
    return j;
}

const struct json *decode_array(struct decode *d, const char *name)
{
    const struct json *j = take(d, name);
    if (j && j->type != JSON_ARRAY) {
        wrong_type(d, name, "an array", j);
        return NULL;
    }
    return j;
}

str *decode_str_list(struct decode *d, const char *name, size_t *count)
{
    const struct json *j = decode_array(d, name);
    *count = 0;
    if (!j || !j->count)
        return NULL;
    str *list = ARENA_ARRAY(d->errors->arena, str, j->count);
    size_t index = 0;
    json_each(m, j) {
        if (m->type == JSON_STRING)
            list[(*count)++] = m->text;
        else
            note(d->errors, decode_path_index(d->errors->arena, decode_path(d, name), index),
                 arena_printf(d->errors->arena, "must be text, not %.*s", STR_ARG(kind(m))));
        index++;
    }
    return *count ? list : NULL;
}

const struct json *decode_any(struct decode *d, const char *name)
{
    return take(d, name);
}

const struct json *decode_member(struct decode *d, const char *name)
{
    take(d, name);
    return json_get(d->object, str_from(name));
}

int64_t decode_time_ms(struct decode *d, const char *name, int64_t otherwise)
{
    const struct json *j = take(d, name);
    int64_t at_ms;
    if (!j)
        return otherwise;
    if (j->type == JSON_STRING && timetext_parse(j->text, &at_ms))
        return at_ms;
    str got = j->type == JSON_STRING ? shown(d->errors->arena, j) : kind(j);
    decode_error(d, name, "must be a time such as 2026-11-22T17:03:06.123Z, not %.*s", STR_ARG(got));
    return otherwise;
}

void decode_ignore(struct decode *d, const char *name)
{
    take(d, name);
}
