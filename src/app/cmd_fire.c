// fire: posts to a trigger as a sender would, with a key from standard input or a file.
#include "app/cli.h"
#include "app/commands.h"

int cmd_fire(int argc, char **argv)
{
    static const char usage[] = "reactions fire ROUTE --payload FILE [--key-file FILE] [--content-type TYPE] [--header 'Name: value']";
    static const char *const valued[] = { "--payload", "--key-file", "--content-type", "--header", NULL };
    struct cli c;
    str key, body, type;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    str payload = cli_option(&c, "--payload"), key_file = cli_option(&c, "--key-file");
    if (c.word_count != 1 || !payload.p) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    bool ok = key_file.p ? cli_read_file(&c, key_file, &key) : cli_read_secret(&c, "trigger key", &key);
    type = cli_option(&c, "--content-type").p ? cli_option(&c, "--content-type") : STR("application/json");
    struct http_header headers[32] = { { STR("X-Octopus-ApiKey"), ok ? str_trim(key) : STR("") }, { STR("Content-Type"), type } };
    size_t count = 2;
    for (size_t i = 0; ok && i < c.option_count; i++) {
        ptrdiff_t colon = str_find_char(c.options[i].value, ':');
        if (!str_eq(c.options[i].name, STR("--header")))
            continue;
        if (colon <= 0 || count == COUNT(headers))
            ok = err_set(&c.err, ERR_INVALID, "--header: \"%.*s\" must be Name: value, and there may be 30 of them", STR_ARG(c.options[i].value));
        else
            headers[count++] = (struct http_header){ str_trim(str_sub(c.options[i].value, 0, (size_t)colon)), str_trim(str_skip(c.options[i].value, (size_t)colon + 1)) };
    }
    struct cli_reply f = { 0 };
    ok = ok && cli_read_file(&c, payload, &body) && cli_send(&c, "POST", arena_printf(&c.arena, "/triggers/%.*s", STR_ARG(c.words[0])), headers, count, body, &f);
    if (ok && (f.status < 200 || f.status > 299))
        ok = err_set(&c.err, ERR_INVALID, "answered %d: %.*s", f.status, STR_ARG(f.body));
    int status = 0;
    struct json *answer;
    if (!ok)
        status = cli_fail(&c);
    else if (!c.is_json && json_parse(&c.arena, f.body, &answer, NULL) && json_get(answer, STR("EventId")))
        printf("%.*s%s\n", STR_ARG(cli_member(&c.arena, answer, STR("EventId"))), json_bool(json_get(answer, STR("Duplicate")), false) ? " (a duplicate)" : "");
    else
        printf("%.*s\n", STR_ARG(f.body));
    cli_end(&c);
    return status;
}
