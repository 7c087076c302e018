#include "app/check_tests.h"

#include "json/json_diff.h"
#include "json/yaml.h"
#include "reaction/rehearsal.h"
#include "sys/file.h"

#include <unistd.h>

struct testing {
    struct cli *cli;
    struct rehearsal *rehearsal;
    const struct json *documents;
    str file, name; // of the test under way
    size_t differences;
};

// ---- what differs ----

static void say(struct testing *t, const char *what, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void say(struct testing *t, const char *what, const char *fmt, ...)
{
    va_list args;
    if (!t->differences++)
        printf("not so: %.*s: %.*s\n", STR_ARG(t->file), STR_ARG(t->name));
    printf("    %s: ", what);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}

static void compare_json(struct testing *t, const char *what, const struct json *want, const struct json *got)
{
    CLEANUP(buf_fini) struct buf lines = { 0 };
    size_t count;
    if (got && json_equal(want, got))
        return;
    struct json_change *changes = json_diff(&t->cli->arena, want, got, &count);
    json_diff_write(&lines, changes, count);
    say(t, what, "differs (- what the test wants, + what came)");
    str rest = buf_str(&lines), line;
    while (rest.n && str_split(&rest, '\n', &line))
        if (line.n)
            printf("        %.*s\n", STR_ARG(line));
}

static void compare_text(struct testing *t, const char *what, const struct json *want, str got)
{
    str text = json_is(want, JSON_STRING) ? want->text : want ? json_text(&t->cli->arena, want) : got;
    if (!str_eq(text, got))
        say(t, what, "wanted \"%.*s\", got \"%.*s\"", STR_ARG(text), STR_ARG(got));
}

// Equal as JSON where both are JSON; else as text, but for white space around it.
static void compare_body(struct testing *t, const char *what, const struct json *want, const struct json *got)
{
    struct arena *a = &t->cli->arena;
    struct json *wanted = NULL, *came = NULL;
    str text = json_is(got, JSON_STRING) ? got->text : STR("");
    if (!want)
        return;
    if (json_is(want, JSON_STRING) ? json_parse(a, want->text, &wanted, NULL) : (wanted = json_copy(a, want)) != NULL)
        if (!json_is(got, JSON_STRING) ? (came = got ? json_copy(a, got) : NULL) != NULL : json_parse(a, text, &came, NULL)) {
            compare_json(t, what, wanted, came);
            return;
        }
    str plain = json_is(want, JSON_STRING) ? want->text : json_text(a, want), trimmed = str_trim(plain);
    if (!str_eq(trimmed, str_trim(text)))
        say(t, what, "wanted \"%.*s\", got \"%.*s\"", STR_ARG(trimmed), STR_ARG(str_trim(text)));
}

static str member(struct testing *t, const struct json *object, const char *name)
{
    return cli_member(&t->cli->arena, object, str_from(name));
}

static void compare_request(struct testing *t, const struct json *want, const struct json *got)
{
    if (json_is(want, JSON_NULL) != json_is(got, JSON_NULL)) {
        say(t, "Request", json_is(want, JSON_NULL) ? "none was wanted, but there is one" : "there is none");
        return;
    }
    if (!json_is(want, JSON_OBJECT))
        return;
    compare_text(t, "Request.Method", json_get(want, STR("Method")), member(t, got, "Method"));
    compare_text(t, "Request.Uri", json_get(want, STR("Uri")), member(t, got, "Uri"));
    json_each(header, json_get(want, STR("Headers")))
    {
        str came = { 0 };
        json_each(one, json_get(got, STR("Headers")))
            if (str_eq_nocase(member(t, one, "Name"), header->name))
                came = member(t, one, "Value");
        compare_text(t, arena_printf(&t->cli->arena, "Request.Headers.%.*s", STR_ARG(header->name)).p, header, came.p ? came : STR("(absent)"));
    }
    compare_body(t, "Request.Body", json_get(want, STR("Body")), json_get(got, STR("Body")));
}

static str without_query(str path)
{
    ptrdiff_t query = str_find_char(path, '?');
    return query < 0 ? path : str_sub(path, 0, (size_t)query);
}

// The writes, in their order. Reads are how the script came to them, which is its own business.
static void compare_calls(struct testing *t, const struct json *want, const struct json *calls)
{
    struct arena *a = &t->cli->arena;
    struct json *writes = json_new_array(a);
    json_each(call, calls)
        if (json_bool(json_get(call, STR("Withheld")), false))
            json_push(writes, json_copy(a, call));
    if (want->count != writes->count)
        say(t, "ApiCalls", "wanted %u writes, got %u", want->count, writes->count);
    const struct json *got = writes->first;
    size_t i = 0;
    json_each(one, want)
    {
        const char *what = arena_printf(a, "ApiCalls[%zu]", i++).p;
        if (!got)
            break;
        str path = member(t, got, "Path");
        compare_text(t, arena_printf(a, "%s.Method", what).p, json_get(one, STR("Method")), member(t, got, "Method"));
        compare_text(t, arena_printf(a, "%s.Path", what).p, json_get(one, STR("Path")), str_find_char(member(t, one, "Path"), '?') < 0 ? without_query(path) : path);
        compare_body(t, arena_printf(a, "%s.Body", what).p, json_get(one, STR("Body")), json_get(got, STR("Body")));
        got = got->next;
    }
    for (; got && writes->count > want->count; got = got->next)
        printf("        + %.*s %.*s\n", STR_ARG(member(t, got, "Method")), STR_ARG(member(t, got, "Path")));
}

static void compare_log(struct testing *t, const struct json *want, const struct json *log)
{
    json_each(text, want)
    {
        bool is_there = false;
        json_each(line, log)
            is_there = is_there || str_find(member(t, line, "Text"), json_str(text, STR(""))) >= 0;
        if (!is_there)
            say(t, "Log", "no line holds \"%.*s\"", STR_ARG(json_str(text, STR(""))));
    }
}

static void show_why(struct testing *t, const struct json *result)
{
    json_each(part, json_get(result, STR("Parts")))
        printf("        %s %.*s: wanted %.*s, got %.*s\n", json_bool(json_get(part, STR("Passed")), false) ? "yes" : "no ", STR_ARG(member(t, part, "Part")), STR_ARG(member(t, part, "Wanted")), STR_ARG(member(t, part, "Got")));
    json_each(warning, json_get(result, STR("Warnings")))
        printf("        %.*s\n", STR_ARG(json_str(warning, STR(""))));
}

static void compare(struct testing *t, const struct json *expect, const struct json *result)
{
    static const char *const known[] = { "Verdict", "Request", "ApiCalls", "Output", "Outcome", "ErrorMessage", "Log" };
    const struct json *script = json_get(result, STR("Script"));
    json_each(one, expect)
    {
        bool is_known = false;
        for (size_t i = 0; i < COUNT(known); i++)
            is_known = is_known || str_eq(one->name, str_from(known[i]));
        if (!is_known)
            say(t, "Expect", "\"%.*s\" is not known; there are Verdict, Request, ApiCalls, Output, Outcome, ErrorMessage and Log", STR_ARG(one->name));
    }
    const struct json *verdict = json_get(expect, STR("Verdict")), *outcome = json_get(expect, STR("Outcome")), *error = json_get(expect, STR("ErrorMessage"));
    size_t before = t->differences;
    compare_text(t, "Verdict", verdict ? verdict : json_new_string(&t->cli->arena, STR("Matched")), member(t, result, "Verdict"));
    if (json_get(expect, STR("Request")))
        compare_request(t, json_get(expect, STR("Request")), json_get(result, STR("Request")));
    if (json_get(expect, STR("ApiCalls")))
        compare_calls(t, json_get(expect, STR("ApiCalls")), json_get(script, STR("ApiCalls")));
    if (json_get(expect, STR("Output")))
        compare_json(t, "Output", json_get(expect, STR("Output")), json_get(script, STR("Output")));
    if (json_get(expect, STR("Log")))
        compare_log(t, json_get(expect, STR("Log")), json_get(script, STR("Log")));
    str said = member(t, script, "ErrorMessage");
    if (error && str_find(said, json_str(error, STR(""))) < 0)
        say(t, "ErrorMessage", "\"%.*s\" does not hold \"%.*s\"", STR_ARG(said), STR_ARG(json_str(error, STR(""))));
    // A script that fails is not what a test means that does not say so.
    if (json_is(script, JSON_OBJECT) && (outcome || !error))
        compare_text(t, "Outcome", outcome ? outcome : json_new_string(&t->cli->arena, STR("Succeeded")), member(t, script, "Outcome"));
    if (t->differences > before) {
        show_why(t, result);
        if (said.n)
            printf("        %.*s\n", STR_ARG(said));
    }
}

// ---- the tests of a document ----

// What the document says for all of its tests, and what the test adds.
static const struct json *both(struct arena *a, const struct json *all, const struct json *own)
{
    struct json *list = json_new_array(a);
    json_each(one, own)
        json_push(list, json_copy(a, one));
    json_each(one, all)
        json_push(list, json_copy(a, one));
    return list;
}

static const struct json *event_of(struct testing *t, const struct json *test)
{
    struct arena *a = &t->cli->arena;
    str name = json_str(json_get(test, STR("EventFile")), STR("")), text;
    struct json *documents;
    if (!name.n)
        return json_get(test, STR("Event"));
    ptrdiff_t slash = str_find_last_char(t->file, '/');
    str path = slash < 0 || str_starts(name, STR("/")) ? name : arena_concat(a, str_sub(t->file, 0, (size_t)slash + 1), name);
    if (!cli_read_file(t->cli, path, &text) || !yaml_parse(a, text, &documents, &t->cli->err)) {
        say(t, "EventFile", "%s", t->cli->err.text);
        return NULL;
    }
    return documents->first;
}

// Where files hold one reaction, its tests need not name it.
static str only_reaction(const struct json *documents)
{
    const struct json *only = NULL;
    json_each(doc, documents)
        if (str_eq(json_str(json_get(doc, STR("Kind")), STR("")), STR("Reaction"))) {
            if (only)
                return STR("");
            only = doc;
        }
    return json_str(json_get(only, STR("Name")), STR(""));
}

static void run_test(struct testing *t, const struct json *doc, const struct json *test)
{
    struct arena *a = &t->cli->arena;
    struct err e = { 0 };
    struct json *result;
    static const char *const known[] = { "Name", "Reaction", "Event", "EventFile", "Documents", "Answers", "Expect" };
    json_each(one, test)
    {
        bool is_known = false;
        for (size_t i = 0; i < COUNT(known); i++)
            is_known = is_known || str_eq(one->name, str_from(known[i]));
        if (!is_known)
            say(t, "Tests", "\"%.*s\" is not known; there are Name, Reaction, Event, EventFile, Documents, Answers and Expect", STR_ARG(one->name));
    }
    const struct json *event = event_of(t, test), *expect = json_get(test, STR("Expect"));
    if (!json_is(expect, JSON_OBJECT))
        say(t, "Expect", "is required");
    if (!event && !t->differences)
        say(t, "Event", "is required, or EventFile");
    if (t->differences)
        return;
    struct rehearsal_scene scene = {
        .reaction = json_str(json_get(test, STR("Reaction")), json_str(json_get(doc, STR("Reaction")), only_reaction(t->documents))),
        .event = event,
        .documents = both(a, json_get(doc, STR("Documents")), json_get(test, STR("Documents"))),
        .answers = both(a, json_get(doc, STR("Answers")), json_get(test, STR("Answers"))),
    };
    if (rehearsal_run(t->rehearsal, &scene, a, &result, &e))
        compare(t, expect, result);
    else
        say(t, "not tried", "%s", e.text);
}

static const char *runtime_dir(struct arena *a)
{
    char self[4096];
    const char *set = getenv("REACTIONS_RUNTIME");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self);
    str path = { self, n > 0 ? (size_t)n : 0 };
    return set ? set : arena_printf(a, "%.*s/powershell", (int)MAX(str_find_last_char(path, '/'), (ptrdiff_t)0), self).p;
}

size_t check_tests(struct cli *c, const struct json *documents, size_t *count)
{
    struct testing t = { .cli = c, .documents = documents };
    struct err e = { 0 };
    size_t failed = 0;
    str work;
    *count = 0;
    json_each(doc, documents)
        if (str_eq(json_str(json_get(doc, STR("Kind")), STR("")), STR("Tests")))
            *count += json_get(doc, STR("Tests")) ? json_get(doc, STR("Tests"))->count : 0;
    if (!*count)
        return 0;
    if (!file_temp_dir(&c->arena, "reactions-check", &work, &e)) {
        printf("not so: the tests were not run: %s\n", e.text);
        return *count;
    }
    if (!rehearsal_open(&(struct rehearsal_options){ documents, runtime_dir(&c->arena), work.p }, &t.rehearsal, &e)) {
        printf("not so: the tests were not run: %s\n", e.text);
        failed = *count;
    }
    json_each(doc, documents)
    {
        if (!t.rehearsal || !str_eq(json_str(json_get(doc, STR("Kind")), STR("")), STR("Tests")))
            continue;
        json_each(test, json_get(doc, STR("Tests")))
        {
            t.file = json_str(json_get(doc, STR("File")), STR(""));
            t.name = json_str(json_get(test, STR("Name")), STR("(a test without a Name)"));
            t.differences = 0;
            run_test(&t, doc, test);
            failed += t.differences > 0;
        }
    }
    rehearsal_close(t.rehearsal);
    if (!file_remove_tree(work.p, &e))
        fprintf(stderr, "reactions: %s\n", e.text);
    return failed;
}
