// Runs the examples of docs/templates.md: blocks marked ```template hold lines "template  =>  output", in the
// light of the last line "variables {...}" above. In them a middle dot with an arrow (↵) stands for a line break.
#include "tests/harness/check.h"

#include "sys/file.h"
#include "template/template.h"

static struct arena a;

static str unfolded(str s)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (ptrdiff_t at; (at = str_find(s, STR("↵"))) >= 0; s = str_skip(s, (size_t)at + 3)) {
        buf_add(&out, str_sub(s, 0, (size_t)at));
        buf_add_char(&out, '\n');
    }
    buf_add(&out, s);
    return arena_str(&a, buf_str(&out));
}

static struct vars *variables(str json)
{
    struct json *root;
    struct err e;
    struct vars *v = vars_new(&a);
    if (!json_parse(&a, json, &root, &e))
        fail_msg("%.*s: %s", STR_ARG(json), e.text);
    json_each(m, root)
    {
        if (m->type == JSON_STRING)
            vars_set_text(v, m->name, m->text, PROVENANCE_TEMPLATE);
        else
            vars_bind_json(v, m->name, m, PROVENANCE_EVENT);
    }
    return v;
}

TEST(every_example_of_the_documentation_is_true)
{
    str all;
    struct err e = { 0 };
    if (!file_read(TEMPLATE_DOCS, 1 << 20, &a, &all, &e))
        fail_msg("%s", e.text);
    bool is_example = false;
    size_t count = 0;
    struct vars *v = vars_new(&a);
    for (str line; str_split(&all, '\n', &line);) {
        if (str_starts(line, STR("```"))) {
            is_example = str_eq(line, STR("```template"));
            continue;
        }
        if (!is_example)
            continue;
        if (str_starts(line, STR("variables "))) {
            v = variables(str_skip(line, 10));
            continue;
        }
        ptrdiff_t arrow = str_find(line, STR("  =>  "));
        if (arrow < 0)
            continue;
        struct template *t;
        struct template_error wrong;
        struct template_result r = { 0 };
        str text = unfolded(str_sub(line, 0, (size_t)arrow)), want = unfolded(str_skip(line, (size_t)arrow + 6));
        if (!template_parse(&a, text, &t, &wrong))
            r.output = str_from(wrong.text);
        else
            template_render(t, v, &clock_system, &a, &r);
        CHECK_STR(arena_cstr(&a, line), r.outcome == TEMPLATE_EXCEPTION ? r.error : r.output, want);
        count++;
    }
    CHECK("there are examples", count > 50);
}

TEST_MAIN()
