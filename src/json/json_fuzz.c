// What is accepted must be written as something that reads back equal, compact and pretty; what is
// refused must be refused with a sentence.
#include "json/json.h"

#include <math.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void write_and_read_back(struct arena *a, const struct json *j, bool is_pretty)
{
    CLEANUP(buf_fini) struct buf text = { 0 }, again = { 0 };
    struct json *back;
    struct err e;
    json_write(&text, j, is_pretty);
    must(str_is_utf8(buf_str(&text)));
    must(json_parse(a, buf_str(&text), &back, &e));
    must(json_equal(j, back) && json_equal(back, j));
    json_write(&again, back, is_pretty);
    must(str_eq(buf_str(&text), buf_str(&again)));
}

static void visit(struct arena *a, const struct json *j)
{
    double d;
    int64_t i;
    bool is_integer = json_i64(j, &i), is_real = json_double(j, &d);
    must(!is_integer || (is_real && j->type == JSON_NUMBER));
    if (is_real) {
        double back;
        must(json_double(json_new_double(a, d), &back) && back == d);
    }
    size_t count = 0;
    json_each(child, j) {
        if (j->type == JSON_OBJECT)
            must(json_get(j, child->name) == child);
        visit(a, child);
        count++;
    }
    must(count == j->count && (count != 0) == (j->last != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str text = { (const char *)data, size };
    struct json *j;
    struct err e = { 0 };
    if (!json_parse(&a, text, &j, &e)) {
        must(e.kind != ERR_NONE && e.text[0] && str_is_utf8(str_from(e.text)));
        return 0;
    }
    visit(&a, j);
    write_and_read_back(&a, j, false);
    write_and_read_back(&a, j, true);
    must(json_equal(j, json_copy(&a, j)));
    json_pointer(j, text);
    return 0;
}
