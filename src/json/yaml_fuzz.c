// What YAML gives, and what JSON gives, must be written as YAML that reads back equal.
#include "json/yaml.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void write_and_read_back(struct arena *a, const struct json *j)
{
    CLEANUP(buf_fini) struct buf text = { 0 };
    struct json *documents;
    struct err e;
    yaml_write(&text, j);
    must(yaml_parse(a, buf_str(&text), &documents, &e));
    must(documents->count == 1 && json_equal(documents->first, j));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str text = { (const char *)data, size };
    struct json *documents, *j, *back;
    struct err e = { 0 };
    if (!yaml_parse(&a, text, &documents, &e))
        must(e.kind != ERR_NONE && e.text[0] && str_is_utf8(str_from(e.text)));
    else
        json_each(document, documents) {
            write_and_read_back(&a, document);
            must(json_parse(&a, json_text(&a, document), &back, &e) && json_equal(document, back));
        }
    if (json_parse(&a, text, &j, NULL))
        write_and_read_back(&a, j);
    return 0;
}
