#include "json/json.h"

#include "base/map.h"
#include "base/timetext.h"

#include <math.h>
#include <stdio.h>

// Up to so many members a search by walking is quicker than building an index.
#define FEW_MEMBERS 16

// ---- reading ----

struct json *json_get(const struct json *object, str name)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    json_each(m, object)
        if (str_eq(m->name, name))
            return m;
    return NULL;
}

struct json *json_get_nocase(const struct json *object, str name)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    json_each(m, object)
        if (str_eq_nocase(m->name, name))
            return m;
    return NULL;
}

struct json *json_at(const struct json *array, size_t index)
{
    if (!json_is(array, JSON_ARRAY) || index >= array->count)
        return NULL;
    struct json *child = array->first;
    while (index--)
        child = child->next;
    return child;
}

bool json_is(const struct json *j, enum json_type type)
{
    return j && j->type == type;
}

str json_str(const struct json *j, str otherwise)
{
    return json_is(j, JSON_STRING) ? j->text : otherwise;
}

bool json_bool(const struct json *j, bool otherwise)
{
    return json_is(j, JSON_BOOL) ? j->is_true : otherwise;
}

bool json_i64(const struct json *j, int64_t *out)
{
    return json_is(j, JSON_NUMBER) && str_to_i64(j->text, out);
}

bool json_double(const struct json *j, double *out)
{
    if (!json_is(j, JSON_NUMBER))
        return false;
    // strtod wants a NUL, and the text may be as long as the document.
    char few[64];
    CLEANUP(freep) char *many = j->text.n < sizeof few ? NULL : xmalloc(j->text.n + 1);
    char *text = many ? many : few;
    memcpy(text, j->text.p, j->text.n);
    text[j->text.n] = 0;
    double v = strtod(text, NULL);
    if (!isfinite(v))
        return false;
    *out = v;
    return true;
}

const char *json_type_name(const struct json *j)
{
    static const char *const names[] = { "null", "boolean", "number", "string", "array", "object" };
    return j ? names[j->type] : "nothing";
}

// One token of a pointer against a member's name, without unescaping it to somewhere.
static bool token_eq(str token, str name)
{
    size_t at = 0;
    for (size_t i = 0; i < token.n; i++, at++) {
        char c = token.p[i];
        if (c == '~')
            c = token.p[++i] == '0' ? '~' : '/';
        if (at == name.n || name.p[at] != c)
            return false;
    }
    return at == name.n;
}

static bool is_token(str token)
{
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] == '~' && (i + 1 == token.n || (token.p[i + 1] != '0' && token.p[i + 1] != '1')))
            return false;
    return true;
}

static struct json *step(const struct json *j, str token)
{
    uint64_t index;
    if (json_is(j, JSON_ARRAY))
        return str_to_u64(token, &index) && (token.n == 1 || token.p[0] != '0') ? json_at(j, index) : NULL;
    if (json_is(j, JSON_OBJECT))
        json_each(m, j)
            if (token_eq(token, m->name))
                return m;
    return NULL;
}

struct json *json_pointer(const struct json *root, str pointer)
{
    struct json *j = (struct json *)(uintptr_t)root; // without its const, as every reader gives nodes back
    str token;
    if (!pointer.n)
        return j;
    if (pointer.p[0] != '/')
        return NULL;
    pointer = str_skip(pointer, 1);
    while (j && str_split(&pointer, '/', &token))
        j = is_token(token) ? step(j, token) : NULL;
    return j;
}

// ---- comparing ----

static bool equal_members(const struct json *a, const struct json *b)
{
    CLEANUP(map_fini) struct map index = { 0 };
    const struct json *beside = b->first; // mostly the order is the same
    if (a->count > FEW_MEMBERS)
        json_each(m, b)
            map_put(&index, m->name, m);
    json_each(m, a) {
        const struct json *other = beside && str_eq(beside->name, m->name) ? beside : index.count ? map_get(&index, m->name) : json_get(b, m->name);
        if (!other || !json_equal(m, other))
            return false;
        beside = other->next;
    }
    return true;
}

static bool equal_elements(const struct json *a, const struct json *b)
{
    const struct json *other = b->first;
    json_each(m, a) {
        if (!json_equal(m, other))
            return false;
        other = other->next;
    }
    return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (!a || !b)
        return a == b;
    if (a->type != b->type || a->count != b->count)
        return false;
    switch ((enum json_type)a->type) {
    case JSON_NULL: return true;
    case JSON_BOOL: return a->is_true == b->is_true;
    case JSON_NUMBER:
    case JSON_STRING: return str_eq(a->text, b->text);
    case JSON_ARRAY: return equal_elements(a, b);
    case JSON_OBJECT: return equal_members(a, b);
    }
    return false;
}

// ---- building ----

static struct json *new_node(struct arena *a, enum json_type type)
{
    struct json *j = ARENA_NEW(a, struct json);
    j->type = (uint8_t)type;
    return j;
}

struct json *json_new_object(struct arena *a)
{
    return new_node(a, JSON_OBJECT);
}

struct json *json_new_array(struct arena *a)
{
    return new_node(a, JSON_ARRAY);
}

struct json *json_new_null(struct arena *a)
{
    return new_node(a, JSON_NULL);
}

struct json *json_new_string(struct arena *a, str text)
{
    struct json *j = new_node(a, JSON_STRING);
    j->text = text;
    return j;
}

struct json *json_new_number(struct arena *a, str text)
{
    struct json *j = new_node(a, JSON_NUMBER);
    j->text = text;
    return j;
}

struct json *json_new_bool(struct arena *a, bool v)
{
    struct json *j = new_node(a, JSON_BOOL);
    j->is_true = v;
    return j;
}

struct json *json_new_i64(struct arena *a, int64_t v)
{
    return json_new_number(a, arena_printf(a, "%" PRId64, v));
}

// Durations are whole millionths; printf and strtod take a microsecond for each of them. What they would write is written.
static bool write_millionths(double v, char text[40])
{
    if (v != 0 && (fabs(v) < 1e-4 || fabs(v) > 1e8))
        return false;
    int64_t millionths = (int64_t)llround(fabs(v) * 1e6);
    if ((double)millionths / 1e6 != fabs(v) || (v == 0 && signbit(v)))
        return false;
    char digits[24];
    int n = 0;
    for (int64_t rest = millionths; rest || n < 7; rest /= 10)
        digits[n++] = (char)('0' + rest % 10);
    int last = 0; // trailing zeros are not written
    while (last < 6 && digits[last] == '0')
        last++;
    char *p = text;
    if (v < 0)
        *p++ = '-';
    while (n > 6)
        *p++ = digits[--n];
    if (last < 6)
        *p++ = '.';
    while (n > last)
        *p++ = digits[--n];
    *p = 0;
    return true;
}

struct json *json_new_double(struct arena *a, double v)
{
    if (!isfinite(v))
        return json_new_null(a);
    // 15 digits always come back as they were and 17 always suffice; below the normal range fewer do.
    char text[40];
    if (write_millionths(v, text))
        return json_new_number(a, arena_str(a, str_from(text)));
    for (int digits = fpclassify(v) == FP_SUBNORMAL ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    return json_new_number(a, arena_str(a, str_from(text)));
}

struct json *json_push(struct json *array, struct json *value)
{
    assert(array->type == JSON_ARRAY || array->type == JSON_OBJECT);
    value->next = NULL;
    if (array->last)
        array->last->next = value;
    else
        array->first = value;
    array->last = value;
    array->count++;
    return value;
}

struct json *json_add(struct json *object, str name, struct json *value)
{
    assert(object->type == JSON_OBJECT);
    value->name = name;
    return json_push(object, value);
}

struct json *json_put(struct json *object, str name, struct json *value)
{
    assert(object->type == JSON_OBJECT);
    struct json *before = NULL;
    json_each(m, object) {
        if (str_eq(m->name, name)) {
            value->name = name;
            value->next = m->next;
            *(before ? &before->next : &object->first) = value;
            if (object->last == m)
                object->last = value;
            return value;
        }
        before = m;
    }
    return json_add(object, name, value);
}

bool json_drop(struct json *object, str name)
{
    struct json *before = NULL;
    if (!json_is(object, JSON_OBJECT))
        return false;
    json_each(m, object) {
        if (str_eq(m->name, name)) {
            *(before ? &before->next : &object->first) = m->next;
            if (object->last == m)
                object->last = before;
            object->count--;
            return true;
        }
        before = m;
    }
    return false;
}

struct json *json_copy(struct arena *a, const struct json *j)
{
    if (!j)
        return NULL;
    struct json *copy = new_node(a, j->type);
    copy->is_true = j->is_true;
    if (j->text.p)
        copy->text = arena_str(a, j->text);
    if (j->name.p)
        copy->name = arena_str(a, j->name);
    json_each(child, j)
        json_push(copy, json_copy(a, child));
    return copy;
}

void json_add_str(struct arena *a, struct json *object, const char *name, str text)
{
    json_add(object, str_from(name), text.p ? json_new_string(a, text) : json_new_null(a));
}

void json_add_i64(struct arena *a, struct json *object, const char *name, int64_t v)
{
    json_add(object, str_from(name), json_new_i64(a, v));
}

void json_add_bool(struct arena *a, struct json *object, const char *name, bool v)
{
    json_add(object, str_from(name), json_new_bool(a, v));
}

void json_add_null(struct arena *a, struct json *object, const char *name)
{
    json_add(object, str_from(name), json_new_null(a));
}

void json_add_time(struct arena *a, struct json *object, const char *name, int64_t at_ms)
{
    json_add(object, str_from(name), at_ms ? json_new_string(a, timetext(a, at_ms)) : json_new_null(a));
}
