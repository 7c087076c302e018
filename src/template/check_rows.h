// check_rows.h - for the tests of this folder: templates with their variables and what comes out.
#pragma once

#include "tests/harness/check.h"

#include "template/template.h"

struct row {
    const char *claim, *template, *variables, *want; // variables: a JSON object; want NULL: an exception
};

static struct arena rows_arena;

// Text values are the author's; anything else is bound as an event's data.
static UNUSED struct vars *rows_vars(const char *json)
{
    struct json *root;
    struct err e;
    struct vars *v = vars_new(&rows_arena);
    if (!json_parse(&rows_arena, str_from(json), &root, &e))
        fail_msg("the row's variables: %s", e.text);
    json_each(member, root)
    {
        if (member->type == JSON_STRING)
            vars_set_text(v, member->name, member->text, PROVENANCE_TEMPLATE);
        else
            vars_bind_json(v, member->name, member, PROVENANCE_EVENT);
    }
    return v;
}

static UNUSED struct template_result rows_render(const char *text, const struct vars *v)
{
    struct template *t;
    struct template_error wrong;
    struct template_result result = { 0 };
    struct clock_fake clock;
    clock_fake_init(&clock, INT64_C(1795366986123)); // 2026-11-22T17:03:06.123Z
    if (!template_parse(&rows_arena, str_from(text), &t, &wrong))
        return (struct template_result){ .output = str_from(text), .error = arena_printf(&rows_arena, "parse: %s", wrong.text) };
    template_render(t, v, &clock.clock, &rows_arena, &result);
    return result;
}

static UNUSED void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        arena_reset(&rows_arena);
        struct template_result r = rows_render(rows[i].template, rows_vars(rows[i].variables));
        if (rows[i].want)
            CHECK_STR(rows[i].claim, r.output, str_from(rows[i].want));
        else
            CHECK(rows[i].claim, r.outcome == TEMPLATE_EXCEPTION);
    }
}
#define CHECK_ROWS(rows) check_rows((rows), COUNT(rows))
