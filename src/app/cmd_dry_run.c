// test: a dry run. The server judges, renders, or runs the script with its writes withheld.
#include "app/cli.h"
#include "app/commands.h"

#include "json/yaml.h"

static bool is_event_id(str s)
{
    uint64_t number;
    return str_starts_nocase(s, STR("Events-")) && str_to_u64(str_skip(s, 7), &number);
}

// JSON or one YAML document.
static bool read_event(struct cli *c, str file, struct json **out)
{
    str text;
    struct json *documents;
    if (!cli_read_file(c, file, &text))
        return false;
    if (json_parse(&c->arena, text, out, &c->err))
        return true;
    if (!yaml_parse(&c->arena, text, &documents, &c->err) || documents->count != 1)
        return err_set(&c->err, ERR_INVALID, "%.*s: an event is one JSON or YAML document", STR_ARG(file));
    *out = documents->first;
    return true;
}

static void print_request(struct cli *c, const struct json *request)
{
    printf("request   %.*s %.*s\n", STR_ARG(cli_member(&c->arena, request, STR("Method"))), STR_ARG(cli_member(&c->arena, request, STR("Uri"))));
    json_each(header, json_get(request, STR("Headers")))
        printf("          %.*s: %.*s\n", STR_ARG(cli_member(&c->arena, header, STR("Name"))), STR_ARG(cli_member(&c->arena, header, STR("Value"))));
    str body = cli_member(&c->arena, request, STR("Body"));
    if (body.n)
        printf("\n%.*s\n", STR_ARG(body));
}

static void print_script(struct cli *c, const struct json *script)
{
    struct arena *a = &c->arena;
    json_each(line, json_get(script, STR("Log")))
        printf("log       %.*s: %.*s\n", STR_ARG(cli_member(a, line, STR("Level"))), STR_ARG(cli_member(a, line, STR("Text"))));
    json_each(call, json_get(script, STR("ApiCalls")))
    {
        bool is_withheld = json_bool(json_get(call, STR("Withheld")), false);
        printf("call      %.*s %.*s  %.*s\n", STR_ARG(cli_member(a, call, STR("Method"))), STR_ARG(cli_member(a, call, STR("Path"))), STR_ARG(is_withheld ? STR("withheld") : cli_member(a, call, STR("Status"))));
        if (json_get(call, STR("Body")))
            printf("          %.*s\n", STR_ARG(cli_member(a, call, STR("Body"))));
    }
    const struct json *output = json_get(script, STR("Output"));
    if (output && output->count)
        printf("output    %.*s\n", STR_ARG(json_text(a, output)));
    printf("outcome   %.*s  %.*s\n", STR_ARG(cli_member(a, script, STR("Outcome"))), STR_ARG(cli_member(a, script, STR("ErrorMessage"))));
}

static void print_result(struct cli *c, const struct json *result)
{
    struct arena *a = &c->arena;
    printf("matched   %s\n", json_bool(json_get(result, STR("Matched")), false) ? "yes" : "no");
    json_each(part, json_get(result, STR("Parts")))
        printf("  %s %.*s  wanted %.*s  got %.*s%s%.*s\n", json_bool(json_get(part, STR("Passed")), false) ? "yes" : "no ", STR_ARG(cli_member(a, part, STR("Part"))), STR_ARG(cli_member(a, part, STR("Wanted"))),
            STR_ARG(cli_member(a, part, STR("Got"))), json_get(part, STR("Error")) ? "  " : "", STR_ARG(cli_member(a, part, STR("Error"))));
    if (json_is(json_get(result, STR("Request")), JSON_OBJECT))
        print_request(c, json_get(result, STR("Request")));
    if (json_is(json_get(result, STR("Script")), JSON_OBJECT))
        print_script(c, json_get(result, STR("Script")));
    json_each(warning, json_get(result, STR("Warnings")))
        printf("warning   %.*s\n", STR_ARG(json_str(warning, STR(""))));
}

int cmd_test(int argc, char **argv)
{
    static const char usage[] = "reactions test REACTION --event FILE|ID [--draft]\n       FILE: an event as the API shows it, an Octopus event, or a payload; JSON or YAML, - for standard input";
    static const char *const valued[] = { "--event", NULL };
    static const char *const bare[] = { "--draft", NULL };
    struct cli c;
    struct json *answer, *event;
    if (!cli_begin(&c, argc, argv, usage, valued, bare))
        return 2;
    str wanted = cli_option(&c, "--event");
    if (c.word_count != 1 || !wanted.n) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    struct json *body = json_new_object(&c.arena);
    bool ok = true;
    if (cli_option(&c, "--draft").p)
        json_add_bool(&c.arena, body, "Draft", true);
    if (is_event_id(wanted))
        json_add_str(&c.arena, body, "EventId", wanted);
    else if ((ok = read_event(&c, wanted, &event)))
        json_add(body, STR("Event"), event);
    ok = ok && cli_call(&c, "POST", arena_printf(&c.arena, "/reactions/%.*s/test", STR_ARG(c.words[0])), body, &answer);
    if (ok && c.is_json)
        cli_print_object(&c, answer);
    else if (ok)
        print_result(&c, answer);
    int status = ok ? 0 : cli_fail(&c);
    cli_end(&c);
    return status;
}
