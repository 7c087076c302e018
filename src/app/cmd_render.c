// render FILE: one template, rendered with variables from a file. --check only parses. --batch renders JSON
// lines from standard input, so that any set of cases can be compared with the original. --bench measures.
#include "app/cmd_render.h"

#include "json/yaml.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "template/template.h"

#include <stdio.h>

#define FILE_MAX_BYTES (16 << 20)
#define LINE_MAX_BYTES (64 << 20)

static const char usage[] = "reactions render FILE [--variables FILE] [--allow-undefined] [--check]\n"
                            "       reactions render --batch < LINES\n"
                            "       reactions render FILE --bench ROUNDS\n"
                            "FILE is - for standard input; variables are an object of names and values in JSON, or YAML (.yaml, .yml).";

struct wanted {
    const char *file, *variables;
    int64_t bench_rounds;
    bool is_check, is_batch, allows_undefined;
};

static int say_usage(const char *problem, const char *what)
{
    fprintf(stderr, "reactions render: %s%s\nusage: %s\n", problem, what, usage);
    return 2;
}

static int say(const char *where, const char *what)
{
    fprintf(stderr, "reactions render: %s%s%s\n", where, *where ? ": " : "", what);
    return 1;
}

// 0: go on. Else the exit status plus one.
static int read_arguments(int argc, char **argv, struct wanted *w)
{
    for (int i = 1; i < argc; i++) {
        str word = str_from(argv[i]);
        if (str_eq(word, STR("--help"))) {
            printf("usage: %s\n", usage);
            return 1;
        }
        if (str_eq(word, STR("--check"))) {
            w->is_check = true;
        } else if (str_eq(word, STR("--batch"))) {
            w->is_batch = true;
        } else if (str_eq(word, STR("--allow-undefined"))) {
            w->allows_undefined = true;
        } else if (str_eq(word, STR("--variables")) || str_eq(word, STR("--bench"))) {
            if (++i == argc)
                return 1 + say_usage("a value is missing behind ", argv[i - 1]);
            if (str_eq(word, STR("--variables")))
                w->variables = argv[i];
            else if (!str_to_i64(str_from(argv[i]), &w->bench_rounds) || w->bench_rounds < 1)
                return 1 + say_usage("--bench takes a number of rounds, not ", argv[i]);
        } else if (word.n > 1 && *word.p == '-') {
            return 1 + say_usage("there is no flag ", argv[i]);
        } else if (w->file) {
            return 1 + say_usage("one FILE only, not also ", argv[i]);
        } else {
            w->file = argv[i];
        }
    }
    if (w->is_batch ? w->file != NULL : !w->file)
        return 1 + say_usage(w->is_batch ? "--batch takes no FILE" : "which FILE?", "");
    return 0;
}

static bool read_input(const char *name, struct arena *a, str *out, struct err *e)
{
    if (strcmp(name, "-"))
        return file_read(name, FILE_MAX_BYTES, a, out, e);
    CLEANUP(buf_fini) struct buf all = { .max = FILE_MAX_BYTES };
    char piece[65536];
    for (size_t n; (n = fread(piece, 1, sizeof piece, stdin)) > 0;)
        buf_add(&all, (str){ piece, n });
    if (all.is_full)
        return err_set(e, ERR_TOO_LARGE, "standard input holds more than %d MB", FILE_MAX_BYTES >> 20);
    *out = arena_str(a, buf_str(&all));
    return true;
}

// A value that is text is a template of its own; anything else is data, as a reaction's payload is.
static void bind(struct vars *v, const struct json *object, bool in_batch)
{
    json_each(member, object)
    {
        bool is_text = member->type == JSON_STRING || member->type == JSON_NULL;
        if (is_text || (in_batch && member->type != JSON_OBJECT && member->type != JSON_ARRAY))
            vars_set_text(v, member->name, member->type == JSON_BOOL ? member->is_true ? STR("True") : STR("False") : member->text, PROVENANCE_TEMPLATE);
        else
            vars_bind_json(v, member->name, member, PROVENANCE_EVENT);
    }
}

static bool read_variables(const char *name, struct arena *a, struct vars *v, struct err *e)
{
    str text;
    struct json *root = NULL;
    if (!name)
        return true;
    if (!file_read(name, FILE_MAX_BYTES, a, &text, e))
        return false;
    if (str_ends(str_from(name), STR(".yaml")) || str_ends(str_from(name), STR(".yml"))) {
        struct json *documents;
        if (!yaml_parse(a, text, &documents, e))
            return err_in(e, "%s", name);
        root = json_at(documents, 0);
    } else if (!json_parse(a, text, &root, e)) {
        return err_in(e, "%s", name);
    }
    if (!json_is(root, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "%s: must hold an object of names and values, not %s", name, json_type_name(root));
    bind(v, root, false);
    return true;
}

static int render_file(const struct wanted *w)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    str text;
    struct template *t;
    struct template_error wrong;
    if (!read_input(w->file, &a, &text, &e))
        return say("", e.text);
    if (!template_parse(&a, text, &t, &wrong))
        return say(w->file, wrong.text);
    if (w->is_check)
        return 0;

    struct vars *v = vars_new(&a);
    struct template_result result;
    if (!read_variables(w->variables, &a, v, &e))
        return say("", e.text);
    template_render(t, v, &clock_system, &a, &result);
    if (result.outcome == TEMPLATE_EXCEPTION)
        return say(w->file, arena_cstr(&a, result.error));
    bool is_missing = result.outcome == TEMPLATE_MISSING;
    if (is_missing && !w->allows_undefined)
        return say(w->file, arena_cstr(&a, result.error));
    fwrite(result.output.p ? result.output.p : "", 1, result.output.n, stdout);
    if (is_missing)
        say(w->file, arena_cstr(&a, result.error));
    return 0;
}

// One case: "template", "variables", "haltOnError"; what the original's Evaluate gives.
static bool render_case(struct arena *a, const struct json *line, struct buf *out)
{
    str text = json_str(json_get(line, STR("template")), (str){ 0 });
    bool is_halting = json_bool(json_get(line, STR("haltOnError")), true);
    if (!json_is(json_get(line, STR("template")), JSON_STRING))
        return false;

    struct vars *v = vars_new(a);
    bind(v, json_get(line, STR("variables")), true);
    struct json *answer = json_new_object(a);
    struct template *t;
    struct template_error wrong;
    struct template_result result = { .output = text };
    const char *kind = NULL;
    str error = { 0 };
    bool is_parsed = is_halting ? template_parse(a, text, &t, &wrong) : template_parse_lenient(a, text, &t, &wrong);
    if (!is_parsed) {
        kind = "parse";
        error = arena_printf(a, "Parsing failure: %s", wrong.text);
    } else {
        template_render(t, v, &clock_system, a, &result);
        kind = result.outcome == TEMPLATE_MISSING ? "missing" : result.outcome == TEMPLATE_EXCEPTION ? "exception" : NULL;
        error = result.error;
    }
    bool has_output = !result.is_null && result.outcome != TEMPLATE_EXCEPTION;
    json_add(answer, STR("output"), has_output ? json_new_string(a, result.output.p ? result.output : STR("")) : json_new_null(a));
    json_add_str(a, answer, "error", error);
    json_add_str(a, answer, "error_kind", str_from(kind));
    json_write(out, answer, false);
    buf_add_char(out, '\n');
    return true;
}

// The next line; *line is reused. 1: there is one; 0: the end; -1: too long.
static int read_line(struct buf *line)
{
    buf_clear(line);
    int c;
    while ((c = getc_unlocked(stdin)) != EOF && c != '\n')
        if (!buf_add_char(line, (char)c))
            return -1;
    return c == EOF && !line->n ? 0 : 1;
}

static int render_batch(void)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf line = { .max = LINE_MAX_BYTES };
    CLEANUP(buf_fini) struct buf out = { 0 };
    size_t number = 0;
    char where[64];
    for (int more; (more = read_line(&line)) != 0;) {
        struct err e = { 0 };
        struct json *root;
        snprintf(where, sizeof where, "line %zu", ++number);
        if (more < 0)
            return say(where, "is longer than 64 MB");
        str text = str_trim(buf_str(&line));
        if (!text.n)
            continue;
        arena_reset(&a);
        buf_clear(&out);
        if (!json_parse(&a, text, &root, &e))
            return say(where, e.text);
        if (!json_is(root, JSON_OBJECT) || !render_case(&a, root, &out))
            return say(where, "must be an object with \"template\", a text");
        fwrite(out.p, 1, out.n, stdout);
    }
    return fflush(stdout) ? say("standard output", "could not be written") : 0;
}

// Set by a program that counts (tests/templates/render_main.c).
extern unsigned long long cmd_render_allocations __attribute__((weak));

static unsigned long long allocations(void)
{
    return &cmd_render_allocations ? cmd_render_allocations : 0;
}

static void report(const char *what, int64_t us, int64_t rounds, size_t bytes, unsigned long long asked)
{
    double ns = (double)us * 1000 / (double)rounds;
    printf("%-7s %12.1f ns/render  %10.1f MB/s", what, ns, ns > 0 ? (double)bytes * 1000 / ns : 0);
    if (&cmd_render_allocations)
        printf("  %.1f allocations/render beyond the arena", (double)asked / (double)rounds);
    putchar('\n');
}

// ns per render with the program kept, and with the text parsed anew each time, each in an arena that is reused.
static int bench(const struct wanted *w)
{
    CLEANUP(arena_fini) struct arena kept = { 0 };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    struct json *root;
    str text;
    struct template *t;
    struct template_error wrong;
    if (!read_input(w->file, &kept, &text, &e) || !json_parse(&kept, str_trim(text), &root, &e))
        return say(w->file, e.text);
    str source = json_str(json_get(root, STR("template")), (str){ 0 });
    if (!template_parse(&kept, source, &t, &wrong))
        return say(w->file, wrong.text);
    struct vars *v = vars_new(&kept);
    bind(v, json_get(root, STR("variables")), true);

    struct template_result result = { 0 };
    for (int pass = 0; pass < 2; pass++) {
        // The first rounds bring the arena to its size.
        for (int64_t i = 0; i < 3 + w->bench_rounds / 20; i++) {
            arena_reset(&a);
            if (pass && !template_parse(&a, source, &t, &wrong))
                return say(w->file, wrong.text);
            template_render(t, v, &clock_system, &a, &result);
        }
        unsigned long long before = allocations();
        int64_t begin = clock_mono_us();
        for (int64_t i = 0; i < w->bench_rounds; i++) {
            arena_reset(&a);
            if (pass && !template_parse(&a, source, &t, &wrong))
                return say(w->file, wrong.text);
            template_render(t, v, &clock_system, &a, &result);
        }
        int64_t us = clock_mono_us() - begin;
        report(pass ? "new" : "cached", us, w->bench_rounds, result.output.n, allocations() - before);
    }
    return 0;
}

int cmd_render(int argc, char **argv)
{
    struct wanted w = { 0 };
    int status = read_arguments(argc, argv, &w);
    if (status)
        return status - 1;
    if (w.is_batch)
        return render_batch();
    return w.bench_rounds ? bench(&w) : render_file(&w);
}
