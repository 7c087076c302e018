// fire: posts to a trigger as a sender would, with a key from standard input or a file.
#include "app/cli.h"
#include "app/commands.h"

#include "base/encode.h"
#include "http/client.h"

struct fired {
    struct cli *cli;
    struct loop *loop;
    int status;
    str body;
    struct err error;
};

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct fired *f = ctx;
    f->status = reply->status;
    f->body = arena_str(&f->cli->arena, reply->body);
    f->error = reply->error;
    loop_stop(f->loop);
}

static const struct egress *any_address(void *ctx)
{
    return ctx;
}

static bool post(struct fired *f, str url, str key, str type, const struct json *extra, str body)
{
    struct cli *c = f->cli;
    static const str everywhere[] = { STR_INIT("0.0.0.0/0"), STR_INIT("::/0") };
    struct egress *egress = NULL;
    struct http_client *client = NULL;
    struct http_header headers[32] = { { STR("X-Octopus-ApiKey"), key }, { STR("Content-Type"), type } };
    size_t count = 2;
    json_each(h, extra)
        if (count < COUNT(headers))
            headers[count++] = (struct http_header){ h->name, h->text };
    bool ok = egress_new(everywhere, COUNT(everywhere), &egress, &c->err) && loop_open(&f->loop, &c->err);
    struct http_client_options opt = { .loop = f->loop, .egress = any_address, .egress_ctx = egress, .user_agent = "reactions-cli" };
    ok = ok && http_client_open(&opt, &client, &c->err);
    if (ok) {
        struct http_call_options what = { .method = STR("POST"), .url = url, .headers = headers, .header_count = count, .body = body, .purpose = EGRESS_TEST };
        http_call_start(client, &what, on_reply, f);
        loop_run(f->loop);
    }
    http_client_close(client);
    loop_close(f->loop);
    egress_free(egress);
    return ok;
}

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
    struct json *headers = json_new_object(&c.arena);
    for (size_t i = 0; ok && i < c.option_count; i++) {
        ptrdiff_t colon = str_find_char(c.options[i].value, ':');
        if (!str_eq(c.options[i].name, STR("--header")))
            continue;
        if (colon <= 0)
            ok = err_set(&c.err, ERR_INVALID, "--header: \"%.*s\" must be Name: value", STR_ARG(c.options[i].value));
        else
            json_put(headers, str_trim(str_sub(c.options[i].value, 0, (size_t)colon)), json_new_string(&c.arena, str_trim(str_skip(c.options[i].value, (size_t)colon + 1))));
    }
    struct fired f = { .cli = &c };
    ok = ok && cli_read_file(&c, payload, &body) && post(&f, arena_printf(&c.arena, "%.*s/triggers/%.*s", STR_ARG(c.server), STR_ARG(c.words[0])), str_trim(key), type, headers, body);
    if (ok && !f.status)
        ok = err_set(&c.err, f.error.kind, "no answer from %.*s: %s", STR_ARG(c.server), f.error.text);
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
