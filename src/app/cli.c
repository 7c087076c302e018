#include "app/cli.h"

#include "sys/file.h"

#include <errno.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES (64 << 20)

static bool usage_error(const char *usage, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool usage_error(const char *usage, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("reactions: ", stderr);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\nusage: %s\n", usage);
    va_end(args);
    return false;
}

static bool is_in(const char *name, const char *const *list)
{
    for (; list && *list; list++)
        if (!strcmp(name, *list))
            return true;
    return false;
}

static bool read_key(struct cli *c, str file)
{
    str text;
    struct err e = { 0 };
    // Where ./run and a server started by hand keep theirs.
    static const char *const places[] = { "reactions-data/admin.key", "/var/lib/reactions/admin.key" };
    if (!file.n)
        file = str_from(getenv("REACTIONS_API_KEY_FILE"));
    for (size_t i = 0; !file.n && i < COUNT(places); i++)
        if (access(places[i], R_OK) == 0)
            file = str_from(places[i]);
    if (!file.n)
        return true; // the server will say that it wants one
    if (!file_read(arena_cstr(&c->arena, file), 4096, &c->arena, &text, &e)) {
        fprintf(stderr, "reactions: the management key: %s\n", e.text);
        return false;
    }
    c->key = str_trim(text);
    return true;
}

bool cli_begin(struct cli *c, int argc, char **argv, const char *usage, const char *const *valued, const char *const *bare)
{
    static const char *const common[] = { "--server", "--api-key-file", "--space", "--output", NULL };
    *c = (struct cli){ .command = argv[0], .server = STR("http://127.0.0.1:8085") };
    c->words = ARENA_ARRAY(&c->arena, str, (size_t)argc);
    c->options = ARENA_ARRAY(&c->arena, struct cli_option, (size_t)argc);
    if (getenv("REACTIONS_SERVER"))
        c->server = str_from(getenv("REACTIONS_SERVER"));
    for (int i = 1; i < argc; i++) {
        str word = str_from(argv[i]);
        if (!str_starts(word, STR("--"))) {
            c->words[c->word_count++] = word;
            continue;
        }
        if (str_eq(word, STR("--help"))) {
            printf("usage: %s\n", usage);
            return false;
        }
        if (is_in(argv[i], bare)) {
            c->options[c->option_count++] = (struct cli_option){ word, STR("") };
            continue;
        }
        if (!is_in(argv[i], valued) && !is_in(argv[i], common))
            return usage_error(usage, "%s: unknown flag", argv[i]);
        if (i + 1 == argc)
            return usage_error(usage, "%s: a value must follow", argv[i]);
        c->options[c->option_count++] = (struct cli_option){ word, str_from(argv[++i]) };
    }
    str output = cli_option(c, "--output");
    if (output.p && !str_eq(output, STR("json")) && !str_eq(output, STR("table")))
        return usage_error(usage, "--output: \"%.*s\" must be json or table", STR_ARG(output));
    c->is_json = str_eq(output, STR("json"));
    if (cli_option(c, "--server").p)
        c->server = cli_option(c, "--server");
    while (c->server.n && c->server.p[c->server.n - 1] == '/')
        c->server.n--;
    if (cli_option(c, "--space").p)
        c->space = cli_option(c, "--space");
    return read_key(c, cli_option(c, "--api-key-file").p ? cli_option(c, "--api-key-file") : STR(""));
}

void cli_end(struct cli *c)
{
    arena_fini(&c->arena);
}

str cli_option(const struct cli *c, const char *name)
{
    for (size_t i = c->option_count; i; i--)
        if (str_eq(c->options[i - 1].name, str_from(name)))
            return c->options[i - 1].value;
    return (str){ 0 };
}

// ---- one call ----

struct call {
    struct cli *cli;
    struct loop *loop;
    struct cli_reply *reply;
};

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct call *call = ctx;
    *call->reply = (struct cli_reply){ reply->status, arena_str(&call->cli->arena, reply->body) };
    if (!reply->status)
        err_set(&call->cli->err, reply->error.kind, "no answer from %.*s: %s", STR_ARG(call->cli->server), reply->error.text);
    loop_stop(call->loop);
}

static const struct egress *chosen_server(void *ctx)
{
    return ctx;
}

bool cli_send(struct cli *c, const char *method, str path, const struct http_header *headers, size_t count, str body, struct cli_reply *reply)
{
    struct egress *egress = NULL;
    struct http_client *client = NULL;
    struct call call = { .cli = c, .reply = reply };
    struct url url;
    str whole = arena_concat(&c->arena, c->server, path);
    *reply = (struct cli_reply){ 0 };
    if (!url_parse(&c->arena, whole, &url, &c->err))
        return err_in(&c->err, "--server");
    // The person at the keyboard chose this server, and this server only.
    str allowed = arena_printf(&c->arena, str_has(url.host, ':') ? "[%.*s]:%d" : "%.*s:%d", STR_ARG(url.host), url.port);
    bool ok = egress_new(&allowed, 1, &egress, &c->err) && loop_open(&call.loop, &c->err);
    struct http_client_options opt = { .loop = call.loop, .egress = chosen_server, .egress_ctx = egress, .user_agent = "reactions-cli" };
    ok = ok && http_client_open(&opt, &client, &c->err);
    if (ok) {
        struct http_call_options what = {
            .method = str_from(method), .url = whole, .headers = headers, .header_count = count, .body = body,
            .total_timeout_ms = 120000, .max_read_bytes = ANSWER_MAX_BYTES, .purpose = EGRESS_TEST,
        };
        http_call_start(client, &what, on_reply, &call);
        loop_run(call.loop);
    }
    http_client_close(client);
    loop_close(call.loop);
    egress_free(egress);
    return ok && reply->status;
}

static void describe_failure(struct cli *c, const struct cli_reply *call)
{
    struct json *answer;
    struct err ignored;
    enum err_kind kind = call->status == 404 ? ERR_NOT_FOUND : call->status == 401 || call->status == 403 ? ERR_DENIED : ERR_INVALID;
    if (!json_parse(&c->arena, call->body, &answer, &ignored)) {
        err_set(&c->err, kind, "the server answered %d", call->status);
        return;
    }
    CLEANUP(buf_fini) struct buf text = { .max = sizeof c->err.text - 1 };
    str message = json_str(json_get(answer, STR("ErrorMessage")), STR("the server refused"));
    buf_add(&text, message);
    json_each(item, json_get(answer, STR("Errors")))
    {
        buf_add_text(&text, "\n  ");
        buf_add(&text, json_str(item, STR("")));
    }
    err_set(&c->err, kind, "%.*s", STR_ARG(buf_str(&text)));
}

bool cli_call(struct cli *c, const char *method, str path, const struct json *body, struct json **answer)
{
    struct cli_reply reply;
    struct http_header headers[2] = { { STR("Content-Type"), STR("application/json") }, { STR("X-Octopus-ApiKey"), c->key } };
    str below = c->space.n ? arena_printf(&c->arena, "/api/%.*s%.*s", STR_ARG(c->space), STR_ARG(path)) : arena_concat(&c->arena, STR("/api"), path);
    c->status = 0;
    if (answer)
        *answer = NULL;
    if (!cli_send(c, method, below, headers, c->key.n ? 2 : 1, body ? json_text(&c->arena, body) : STR(""), &reply))
        return false;
    c->status = reply.status;
    if (reply.status < 200 || reply.status > 299) {
        describe_failure(c, &reply);
        return false;
    }
    if (answer && reply.body.n && !json_parse(&c->arena, reply.body, answer, &c->err))
        return err_in(&c->err, "the server's answer");
    return true;
}

str cli_first_page(struct cli *c, str path)
{
    return arena_printf(&c->arena, "%.*s%stake=1000", STR_ARG(path), str_has(path, '?') ? "&" : "?");
}

bool cli_page(struct cli *c, str *next, struct json **items)
{
    struct json *page;
    // A link is a whole path below /api.
    bool is_link = str_starts(*next, STR("/api/"));
    str space = c->space, path = is_link ? str_skip(*next, 4) : *next;
    if (is_link)
        c->space = STR("");
    bool ok = cli_call(c, "GET", path, NULL, &page);
    c->space = space;
    if (!ok)
        return false;
    *items = json_get(page, STR("Items"));
    *next = json_str(json_get(json_get(page, STR("Links")), STR("Page.Next")), STR(""));
    return true;
}

bool cli_get_all(struct cli *c, str path, struct json **items)
{
    str next = cli_first_page(c, path);
    struct json *page;
    *items = json_new_array(&c->arena);
    while (next.n) {
        if (!cli_page(c, &next, &page))
            return false;
        for (struct json *item = page ? page->first : NULL, *after; item; item = after) {
            after = item->next;
            item->next = NULL;
            json_push(*items, item);
        }
    }
    return true;
}

int cli_fail(struct cli *c)
{
    fprintf(stderr, "reactions: %s\n", c->err.text);
    return 1;
}

// ---- printing ----

str cli_member(struct arena *a, const struct json *object, str path)
{
    str rest = path, step;
    const struct json *at = object;
    while (at && str_split(&rest, '.', &step))
        at = json_get(at, step);
    if (!at || json_is(at, JSON_NULL))
        return STR("");
    if (json_is(at, JSON_STRING) || json_is(at, JSON_NUMBER))
        return at->text;
    if (json_is(at, JSON_BOOL))
        return at->is_true ? STR("yes") : STR("no");
    return json_text(a, at);
}

// No control character of a stranger's text reaches the terminal.
void cli_print_text(str s)
{
    for (size_t i = 0; i < s.n; i++)
        putchar((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i]);
}

static size_t shown_width(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void print_json(const struct json *j)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    json_write(&b, j, true);
    fwrite(b.p, 1, b.n, stdout);
    putchar('\n');
}

void cli_print_list(struct cli *c, const struct json *items, const char *const *members)
{
    size_t widths[16] = { 0 }, columns = 0;
    if (c->is_json) {
        print_json(items);
        return;
    }
    for (; members[columns] && columns < COUNT(widths); columns++)
        widths[columns] = strlen(members[columns]);
    json_each(item, items)
        for (size_t i = 0; i < columns; i++)
            widths[i] = MAX(widths[i], MIN(shown_width(cli_member(&c->arena, item, str_from(members[i]))), (size_t)60));
    for (size_t i = 0; i < columns; i++)
        printf("%-*s%s", i + 1 < columns ? (int)widths[i] : 0, members[i], i + 1 < columns ? "  " : "\n");
    json_each(item, items)
        for (size_t i = 0; i < columns; i++) {
            str text = cli_member(&c->arena, item, str_from(members[i]));
            cli_print_text(text);
            if (i + 1 == columns)
                putchar('\n');
            else
                for (size_t n = shown_width(text); n < widths[i] + 2; n++)
                    putchar(' ');
        }
}

void cli_print_object(struct cli *c UNUSED, const struct json *object)
{
    print_json(object);
}

// ---- input ----

bool cli_read_file(struct cli *c, str name, str *out)
{
    return file_read(str_eq(name, STR("-")) ? "/dev/stdin" : arena_cstr(&c->arena, name), 64 << 20, &c->arena, out, &c->err);
}

bool cli_read_secret(struct cli *c, const char *prompt, str *out)
{
    char line[4096];
    struct termios old;
    bool is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
    if (is_terminal) {
        struct termios quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "%s: ", prompt);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool ok = fgets(line, sizeof line, stdin) != NULL;
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputc('\n', stderr);
    }
    str text = ok ? str_trim(str_from(line)) : STR("");
    if (!text.n)
        return err_set(&c->err, ERR_INVALID, "%s: nothing was given; pipe it in, or type it at the prompt", prompt);
    *out = arena_str(&c->arena, text);
    memset(line, 0, sizeof line);
    return true;
}
