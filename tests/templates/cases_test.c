// Runs files of cases, each a line of JSON: "template", "variables", "haltOnError", and what the original made of
// it. Output and kind of error must be equal; for missing tokens the text as well. Each case is a claim.
//
// TEMPLATE_CASES, a list of files parted by ':', is set by the build.
#include "tests/harness/check.h"

#include "sys/file.h"
#include "template/template.h"

static struct arena files, a;

static void bind(struct vars *v, const struct json *variables)
{
    json_each(m, variables)
        vars_set_text(v, m->name, m->type == JSON_BOOL ? m->is_true ? STR("True") : STR("False") : m->text, PROVENANCE_TEMPLATE);
}

static str shown(str output, bool has_output, const char *kind, str error)
{
    return arena_printf(&a, "%.*s%s%s%.*s", STR_ARG(output), has_output ? "" : "(null)", kind ? kind : "", STR_ARG(error));
}

static void run_case(const struct json *c)
{
    str text = json_str(json_get(c, STR("template")), STR(""));
    str want_kind = json_str(json_get(c, STR("error_kind")), STR(""));
    const struct json *want_output = json_get(c, STR("output"));
    struct vars *v = vars_new(&a);
    bind(v, json_get(c, STR("variables")));

    struct template *t;
    struct template_error wrong;
    struct template_result r = { .output = text };
    bool is_parsed = json_bool(json_get(c, STR("haltOnError")), true) ? template_parse(&a, text, &t, &wrong) : template_parse_lenient(&a, text, &t, &wrong);
    if (is_parsed)
        template_render(t, v, &clock_system, &a, &r);
    const char *kind = !is_parsed ? "parse" : r.outcome == TEMPLATE_MISSING ? "missing" : r.outcome == TEMPLATE_EXCEPTION ? "exception" : "";
    bool has_output = !r.is_null && r.outcome != TEMPLATE_EXCEPTION, is_missing = str_eq(want_kind, STR("missing"));
    str claim = arena_printf(&a, "%.*s %.*s", STR_ARG(json_str(json_get(c, STR("id")), STR("case"))), STR_ARG(text));
    CHECK_STR(claim.p, shown(r.output, has_output, kind, r.outcome == TEMPLATE_MISSING ? r.error : STR("")),
        shown(json_str(want_output, STR("")), json_is(want_output, JSON_STRING), arena_cstr(&a, want_kind), is_missing ? json_str(json_get(c, STR("error")), STR("")) : STR("")));
}

static void run_file(const char *name)
{
    str all;
    struct err e = { 0 };
    if (!file_read(name, 64 << 20, &files, &all, &e))
        fail_msg("%s", e.text);
    size_t count = 0;
    for (str line; str_split(&all, '\n', &line);) {
        struct json *c;
        if (!str_trim(line).n)
            continue;
        arena_reset(&a);
        if (!json_parse(&a, line, &c, &e))
            fail_msg("%s: %s", name, e.text);
        run_case(c);
        count++;
    }
    CHECK(name, count > 0);
}

TEST(cases_of_the_original)
{
    for (str rest = str_from(TEMPLATE_CASES), name; str_split(&rest, ':', &name);)
        run_file(arena_cstr(&files, name));
}

TEST_MAIN()
