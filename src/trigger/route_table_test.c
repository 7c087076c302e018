#include "tests/harness/check.h"

#include "json/json.h"
#include "trigger/route.h"
#include "sys/file.h"

struct outcome {
    enum route_result result;
    int64_t index;
    struct route_values values;
    bool bad_path;
    bool bad_template;
    size_t bad;
};

// What the product answers for one row: the path as sent, the templates' positions as owners.
static struct outcome ask(struct arena *a, const struct json *templates, str path)
{
    struct outcome o = { .index = -1 };
    struct route_entry entries[16];
    size_t count = 0;
    json_each (t, templates) {
        count++;
        entries[count - 1] = (struct route_entry){ t->text, &entries[count - 1] };
    }
    struct err e = { 0 };
    CLEANUP(route_table_freep) struct route_table *table = NULL;
    if (!route_table_new(entries, count, &table, &o.bad, &e)) {
        o.bad_template = true;
        return o;
    }
    str decoded;
    if (!route_path(a, path, &decoded, &e)) {
        o.bad_path = true;
        return o;
    }
    void *owner = NULL;
    o.result = route_table_match(table, decoded, NULL, NULL, a, &owner, &o.values);
    if (o.result == ROUTE_FOUND)
        o.index = (struct route_entry *)owner - entries;
    for (size_t i = 0; i < o.values.count; i++) { // the table goes
        o.values.items[i].name = arena_str(a, o.values.items[i].name);
        o.values.items[i].value = arena_str(a, o.values.items[i].value);
    }
    return o;
}

static str outcome_text(struct arena *a, const struct outcome *o)
{
    if (o->bad_template)
        return arena_printf(a, "error %zu", o->bad);
    if (o->bad_path)
        return STR("badpath");
    if (o->result != ROUTE_FOUND)
        return o->result == ROUTE_NONE ? STR("none") : STR("ambiguous");
    str text = arena_printf(a, "match %" PRId64, o->index);
    for (size_t pick = 0; pick < o->values.count; pick++) { // by name, as the rows are
        const struct route_value *next = NULL;
        for (size_t i = 0; i < o->values.count; i++) {
            const struct route_value *v = &o->values.items[i];
            if (v->name.p && (!next || str_cmp(v->name, next->name) < 0))
                next = v;
        }
        text = arena_printf(a, "%.*s %.*s=%.*s", STR_ARG(text), STR_ARG(next->name), STR_ARG(next->value));
        o->values.items[next - o->values.items].name.p = NULL;
    }
    return text;
}

static str wanted_text(struct arena *a, const struct json *row)
{
    str expect = json_str(json_get(row, STR("expect")), STR(""));
    str index = json_get(row, STR("index")) ? json_get(row, STR("index"))->text : STR("");
    str text = index.n ? arena_printf(a, "%.*s %.*s", STR_ARG(expect), STR_ARG(index)) : expect;
    json_each (v, json_get(row, STR("values")))
        text = arena_printf(a, "%.*s %.*s=%.*s", STR_ARG(text), STR_ARG(v->name), STR_ARG(v->text));
    return text;
}

// Every row is one claim: we answer what ASP.NET Core answered, or what the row's "ours" says where docs/routes.md
// lists a difference.
TEST(rows_of_real_routing)
{
    CLEANUP(arena_fini) struct arena file = { 0 };
    struct err e = { 0 };
    str rest;
    const char *rows_file = getenv("ROUTE_ROWS"); // another file of that form
    REQUIRE("the rows are there", file_read(rows_file ? rows_file : TEST_ROOT "/routes/rows.jsonl", 64 << 20, &file, &rest, &e));
    size_t rows = 0;
    CLEANUP(arena_fini) struct arena a = { 0 };
    for (str line; str_split(&rest, '\n', &line); arena_reset(&a)) {
        if (!line.n)
            continue;
        rows++;
        struct json *row;
        if (!json_parse(&a, line, &row, &e)) {
            CHECK_OK("a row is JSON", false, &e);
            continue;
        }
        str path = json_str(json_get(row, STR("path")), STR("/"));
        struct outcome o = ask(&a, json_get(row, STR("templates")), path);
        const struct json *ours = json_get(row, STR("ours"));
        str got = outcome_text(&a, &o), want = wanted_text(&a, ours ? ours : row);
        CHECK_STR(arena_cstr(&a, line), got, want);
    }
    CHECK("there are at least 2 000 rows", rows >= 2000);
}

static bool accepts_all_but(void *owner, void *ctx)
{
    return owner != ctx;
}

TEST(a_route_passed_over)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    int literal, param;
    struct route_entry entries[] = { { STR("a/{x}"), &param }, { STR("a/b"), &literal } };
    CLEANUP(route_table_freep) struct route_table *t = NULL;
    CHECK_OK("two routes make a table", route_table_new(entries, 2, &t, NULL, &e), &e);
    void *owner = NULL;
    struct route_values v;
    CHECK_INT("the literal is better", route_table_match(t, STR("/a/b"), NULL, NULL, &a, &owner, &v), ROUTE_FOUND);
    CHECK("the literal's owner", owner == &literal);
    CHECK_INT("what is not accepted makes room for the next", route_table_match(t, STR("/a/b"), accepts_all_but, &literal, &a, &owner, &v), ROUTE_FOUND);
    CHECK("the parameter's owner", owner == &param);
    CHECK_STR("with its value", route_value(&v, STR("X")), STR("b"));
    CHECK("an unknown name has no value", !route_value(&v, STR("y")).p);
}

TEST(a_table_says_which_route_is_wrong)
{
    struct err e = { 0 };
    struct route_entry entries[] = { { STR("a"), &e }, { STR("b/{x"), &e } };
    struct route_table *t = NULL;
    size_t bad = 9;
    CHECK("a wrong template is refused", !route_table_new(entries, 2, &t, &bad, &e));
    CHECK_INT("it is the second", bad, 1);
    CHECK_TEXT("in words", e.text, "route \"b/{x\": character 3: this { is never closed");
    CHECK_OK("an empty table is fine", route_table_new(NULL, 0, &t, NULL, &e), &e);
    CLEANUP(arena_fini) struct arena a = { 0 };
    void *owner;
    struct route_values v;
    CHECK_INT("and finds nothing", route_table_match(t, STR("/"), NULL, NULL, &a, &owner, &v), ROUTE_NONE);
    route_table_free(t);
}

TEST_MAIN()
