#include "tests/harness/check.h"

#include "json/json.h"
#include "trigger/route.h"
#include "sys/file.h"

TEST(pairs)
{
    static const struct { const char *x, *y; bool want; } rows[] = {
        { "a", "a", true },
        { "a", "A/", true },
        { "straße", "STRASSE", false },
        { "é", "É", true },
        { "a", "b", false },
        { "a", "a/b", false },
        { "{x}", "{y}", true },
        { "{x}", "{y?}", true },
        { "a/{x}", "{x}/a", false },
        { "{x}", "{x:int}", false },
        { "{x:int}", "{y:long}", true },
        { "{x:int}", "{y:alpha}", false },
        { "{x:int}", "{y:bool}", false },
        { "{x:int}", "{y:datetime}", false },
        { "{x:guid}", "{y:bool}", false },
        { "{x:guid}", "{y:int}", true }, // 00000000000000000000000000000001
        { "{x:alpha}", "{y:double}", true }, // NaN
        { "{x:alpha}", "{y:decimal}", false },
        { "{x:alpha}", "{y:bool}", true },
        { "{x:min(5)}", "{y:max(4)}", false },
        { "{x:min(5)}", "{y:max(5)}", true },
        { "{x:range(1,10)}", "{y:range(11,20)}", false },
        { "{x:range(1,10)}", "{y:range(10,20)}", true },
        { "{x:int:min(3000000000)}", "{y:int}", false },
        { "{x:length(3)}", "{y:length(5)}", false },
        { "{x:length(1,3)}", "{y:length(3,5)}", true },
        { "{x:minlength(4)}", "{y:maxlength(3)}", false },
        { "{x:range(100,200)}", "{y:maxlength(2)}", false },
        { "{x:file}", "{y:nonfile}", false },
        { "{x:file}", "{y:int}", false },
        { "{x:file}", "{y:decimal}", true },
        { "a-{x}", "b-{y}", false },
        { "a-{x}", "{y}-b", true },
        { "{x}.json", "{y}.xml", false },
        { "{x}.{y}", "{x}-{y}", true },
        { "v{x}", "{y:int}", false },
        { "v{x:int}", "v{x:alpha}", false },
        { "{x}.{y?}", "{z:int}", true },
        { "{x:regex(^a\\d+$)}", "{y:regex(^b\\d+$)}", false },
        { "{x:regex(^a\\d+$)}", "{y:regex(^a1$)}", true },
        { "{x:regex(^\\d{{4}}$)}", "{y:alpha}", false },
        { "{x:regex(^\\d{{4}}$)}", "{y:regex(^\\d{{2}}$)}", false },
        { "{x:regex(^[a-f]+$)}", "{y:regex(^[x-z]+$)}", false },
        { "{x:regex((?=a)b)}", "{y:int}", true }, // not understood: refused to be safe
        { "a/{x:int?}", "a/{y:alpha?}", true },
        { "a/{x:int=5}", "a/{y:alpha=b}", true },
        { "a/{x:int=q}", "a/{y:alpha=b}", false },
        { "{*x}", "{**y}", true },
        { "{*x:file}", "{*y:nonfile}", false },
        { "a/{*x:int}", "a/{*y:alpha}", false },
        { "a/{*x:required}", "a/{*y:nonfile}", true },
        { "", "/", true },
        { "{x=1}", "{y=2}", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct route *x, *y;
        struct err e = { 0 };
        str claim = arena_printf(&a, "%s against %s", rows[i].x, rows[i].y);
        CHECK_OK("the first parses", route_parse(&a, str_from(rows[i].x), &x, &e), &e);
        CHECK_OK("the second parses", route_parse(&a, str_from(rows[i].y), &y, &e), &e);
        CHECK_INT(claim.p, route_conflict(x, y, &a, NULL), rows[i].want);
        CHECK_INT(claim.p, route_conflict(y, x, &a, NULL), rows[i].want);
    }
}

// The pairs of all rows of real routing: a path given as example is ambiguous indeed, and no row that
// is ambiguous consists of routes that were all said to be apart.
TEST(rows_agree)
{
    CLEANUP(arena_fini) struct arena file = { 0 };
    struct err e = { 0 };
    str rest;
    REQUIRE("the rows are there", file_read(TEST_ROOT "/routes/rows.jsonl", 64 << 20, &file, &rest, &e));
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(arena_fini) struct arena last = { 0 };
    str before = { 0 };
    size_t examples = 0, ambiguous = 0;
    for (str line; str_split(&rest, '\n', &line); arena_reset(&a)) {
        struct json *row;
        if (!line.n || !json_parse(&a, line, &row, &e))
            continue;
        str expect = json_str(json_get(row, STR("expect")), STR(""));
        const struct json *templates = json_get(row, STR("templates"));
        str as_text = json_text(&a, templates);
        bool is_ambiguous = str_eq(expect, STR("ambiguous"));
        if (templates->count < 2 || (str_eq(as_text, before) && !is_ambiguous) || str_eq(expect, STR("error")))
            continue;
        arena_reset(&last);
        before = arena_str(&last, as_text);
        bool any = false;
        for (const struct json *p = templates->first; p; p = p->next)
            for (const struct json *q = p->next; q; q = q->next) {
                struct route *x, *y;
                str example;
                if (!route_parse(&a, p->text, &x, &e) || !route_parse(&a, q->text, &y, &e) || !route_conflict(x, y, &a, &example))
                    continue;
                any = true;
                if (!example.n)
                    continue;
                struct route_entry entries[] = { { p->text, &a }, { q->text, &a } };
                CLEANUP(route_table_freep) struct route_table *t = NULL;
                void *owner;
                struct route_values values;
                bool ok = route_table_new(entries, 2, &t, NULL, &e) && route_table_match(t, example, NULL, NULL, &a, &owner, &values) == ROUTE_AMBIGUOUS;
                CHECK(arena_printf(&a, "%.*s is ambiguous for %.*s and %.*s", STR_ARG(example), STR_ARG(p->text), STR_ARG(q->text)).p, ok);
                examples++;
            }
        if (is_ambiguous) {
            CHECK(arena_printf(&a, "an ambiguous row has a clash: %.*s", STR_ARG(line)).p, any);
            ambiguous++;
        }
    }
    CHECK("examples were tried", examples > 50);
    CHECK("ambiguous rows were seen", ambiguous > 30);
}

TEST_MAIN()
