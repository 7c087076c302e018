// list, show, and the commands of single kinds: connection, identity, secret, trigger, key.
#include "app/cli.h"
#include "app/commands.h"
#include "base/encode.h"

static const struct kind {
    const char *name, *collection;
    const char *const *columns;
} kinds[] = {
    { "reactions", "/reactions", (const char *const[]){ "Id", "Slug", "Enabled", "Paused", "Revision", "Name", NULL } },
    { "triggers", "/triggers", (const char *const[]){ "Id", "Slug", "Route", "IsDisabled", "Reactions", "Name", NULL } },
    { "events", "/events", (const char *const[]){ "Id", "Received", "Source", "Type", "Verdicts.Matched", "DeliveryId", NULL } },
    { "runs", "/runs", (const char *const[]){ "Id", "Queued", "State", "ReactionId", "EventId", "ErrorMessage", NULL } },
    { "spaces", "/spaces", (const char *const[]){ "Id", "Slug", "Connection", "Paused", "Name", NULL } },
    { "connections", "/connections", (const char *const[]){ "Id", "Name", "Url", "OctopusSpace", "State.LastError", NULL } },
    { "identities", "/identities", (const char *const[]){ "Id", "Name", "Connection", "ApiKey.HasValue", NULL } },
    { "secrets", "/secrets", (const char *const[]){ "Id", "Name", "Value.HasValue", NULL } },
    { "audit", "/audit", (const char *const[]){ "Id", "Time", "Actor", "Action", "Subject", NULL } },
};

int cmd_list(int argc, char **argv)
{
    static const char usage[] = "reactions list reactions|triggers|events|runs|spaces|connections|identities|secrets|audit [--take N]";
    static const char *const valued[] = { "--take", NULL };
    struct cli c;
    struct json *page;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    const struct kind *kind = NULL;
    for (size_t i = 0; c.word_count == 1 && i < COUNT(kinds); i++)
        if (str_eq_nocase(c.words[0], str_from(kinds[i].name)))
            kind = &kinds[i];
    if (!kind) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    str take = cli_option(&c, "--take");
    int status = 0;
    if (cli_call(&c, "GET", arena_printf(&c.arena, "%s?take=%.*s", kind->collection, STR_ARG(take.p ? take : STR("30"))), NULL, &page))
        cli_print_list(&c, json_get(page, STR("Items")), kind->columns);
    else
        status = cli_fail(&c);
    cli_end(&c);
    return status;
}

// "Reactions-7" says by itself what it is; a slug is taken for a reaction's.
static const char *collection_of(str id)
{
    static const struct { const char *prefix, *collection; } prefixes[] = {
        { "Reactions-", "/reactions" }, { "Triggers-", "/triggers" }, { "Events-", "/events" }, { "Runs-", "/runs" },
        { "Spaces-", "/spaces" }, { "Connections-", "/connections" }, { "Identities-", "/identities" }, { "Secrets-", "/secrets" },
    };
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (str_starts_nocase(id, str_from(prefixes[i].prefix)))
            return prefixes[i].collection;
    return "/reactions";
}

int cmd_show(int argc, char **argv)
{
    static const char usage[] = "reactions show ID-OR-SLUG";
    struct cli c;
    struct json *object;
    if (!cli_begin(&c, argc, argv, usage, NULL, NULL))
        return 2;
    if (c.word_count != 1) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    int status = 0;
    if (cli_call(&c, "GET", arena_printf(&c.arena, "%s/%.*s", collection_of(c.words[0]), STR_ARG(c.words[0])), NULL, &object))
        cli_print_object(&c, object);
    else
        status = cli_fail(&c);
    cli_end(&c);
    return status;
}

// Creates, or replaces what has that name.
static bool put_by_name(struct cli *c, const char *collection, str name, struct json *body, struct json **answer)
{
    str path = arena_printf(&c->arena, "%s/%.*s", collection, STR_ARG(name));
    struct json *old;
    if (cli_call(c, "GET", path, NULL, &old))
        return cli_call(c, "PUT", path, body, answer);
    return c->status == 404 && cli_call(c, "POST", str_from(collection), body, answer);
}

// NAME is the last word of "set NAME"; list, show and delete are alike for all kinds.
static int object_command(struct cli *c, const char *usage, const char *collection, const char *const *columns, bool (*make)(struct cli *c, str name, struct json *body))
{
    struct json *answer = NULL, *body = json_new_object(&c->arena);
    str verb = c->word_count ? c->words[0] : STR(""), name = c->word_count > 1 ? c->words[1] : STR("");
    bool ok;
    if (str_eq(verb, STR("list")) && c->word_count == 1) {
        ok = cli_call(c, "GET", arena_printf(&c->arena, "%s?take=1000", collection), NULL, &answer);
        if (ok)
            cli_print_list(c, json_get(answer, STR("Items")), columns);
        return ok ? 0 : cli_fail(c);
    }
    if (c->word_count != 2) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    str path = arena_printf(&c->arena, "%s/%.*s", collection, STR_ARG(name));
    if (str_eq(verb, STR("show")))
        ok = cli_call(c, "GET", path, NULL, &answer);
    else if (str_eq(verb, STR("delete")))
        ok = cli_call(c, "DELETE", path, NULL, NULL);
    else if (str_eq(verb, STR("set")) && make)
        ok = make(c, name, body) && put_by_name(c, collection, name, body, &answer);
    else {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    if (!ok)
        return cli_fail(c);
    if (answer)
        cli_print_object(c, answer);
    return 0;
}

static bool make_connection(struct cli *c, str name, struct json *body)
{
    str key, url = cli_option(c, "--url"), space = cli_option(c, "--octopus-space");
    if (!url.p)
        return err_set(&c->err, ERR_INVALID, "--url: the Octopus server's address is needed");
    if (!cli_read_secret(c, "API key of the reader", &key))
        return false;
    json_add_str(&c->arena, body, "Name", name);
    json_add_str(&c->arena, body, "Url", url);
    json_add_str(&c->arena, body, "OctopusSpace", space);
    json_add_str(&c->arena, body, "ReaderKey", key);
    return true;
}

// Push: the key an Octopus subscription shows, and the subscription itself.
static int push_command(struct cli *c)
{
    struct arena *a = &c->arena;
    struct json *answer = NULL, *body = json_new_object(a);
    str verb = c->words[0], name = c->words[1], identity = cli_option(c, "--identity"), url = cli_option(c, "--url");
    str query = identity.n ? arena_printf(a, "?identity=%.*s", STR_ARG(percent_encode(a, identity))) : STR("");
    bool ok;
    if (identity.n)
        json_add_str(a, body, "Identity", identity);
    if (url.n)
        json_add_str(a, body, "Url", url);
    if (str_eq(verb, STR("push-key")))
        ok = cli_call(c, "POST", arena_printf(a, "/connections/%.*s/push-key", STR_ARG(name)), NULL, &answer);
    else if (str_eq(verb, STR("subscribe")))
        ok = cli_call(c, "PUT", arena_printf(a, "/connections/%.*s/subscription", STR_ARG(name)), body, &answer);
    else if (str_eq(verb, STR("unsubscribe")))
        ok = cli_call(c, "DELETE", arena_printf(a, "/connections/%.*s/subscription%.*s", STR_ARG(name), STR_ARG(query)), NULL, &answer);
    else
        ok = cli_call(c, "GET", arena_printf(a, "/connections/%.*s/subscription%.*s", STR_ARG(name), STR_ARG(query)), NULL, &answer);
    if (!ok)
        return cli_fail(c);
    // The key alone on standard output, so that a script can take it; it is shown this once.
    if (str_eq(verb, STR("push-key")) && !c->is_json)
        printf("%.*s\n", STR_ARG(json_str(json_get(answer, STR("Key")), STR(""))));
    else if (answer)
        cli_print_object(c, answer);
    return 0;
}

int cmd_connection(int argc, char **argv)
{
    static const char usage[] = "reactions connection set NAME --url URL [--octopus-space SPACE] (the reader's key comes from standard input) | list | show NAME | delete NAME\n"
                                "       reactions connection push-key NAME | subscribe NAME [--url OUR-ADDRESS] [--identity NAME] | subscription NAME [--identity NAME] | unsubscribe NAME [--identity NAME]";
    static const char *const valued[] = { "--url", "--octopus-space", "--identity", NULL };
    static const char *const columns[] = { "Id", "Name", "Url", "OctopusSpace", "State.LastError", NULL };
    static const str push_verbs[] = { STR_INIT("push-key"), STR_INIT("subscribe"), STR_INIT("subscription"), STR_INIT("unsubscribe") };
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    bool is_push = false;
    for (size_t i = 0; c.word_count == 2 && i < COUNT(push_verbs); i++)
        is_push = is_push || str_eq(c.words[0], push_verbs[i]);
    int status = is_push ? push_command(&c) : object_command(&c, usage, "/connections", columns, make_connection);
    cli_end(&c);
    return status;
}

static bool make_identity(struct cli *c, str name, struct json *body)
{
    str key;
    if (!cli_read_secret(c, "API key of the service account", &key))
        return false;
    json_add_str(&c->arena, body, "Name", name);
    json_add_str(&c->arena, body, "ApiKey", key);
    return true;
}

static void print_joined(const char *title, const struct json *names)
{
    printf("%s:", title);
    json_each(name, names)
    {
        putchar(' ');
        cli_print_text(name->text);
    }
    putchar('\n');
}

// For least privilege: what its reactions used of what it has.
static int usage_command(struct cli *c, str name)
{
    static const char *const columns[] = { "Reaction", "Runs", "Permissions", NULL };
    struct json *answer;
    if (!cli_call(c, "GET", arena_printf(&c->arena, "/identities/%.*s/usage", STR_ARG(name)), NULL, &answer))
        return cli_fail(c);
    if (c->is_json) {
        cli_print_object(c, answer);
        return 0;
    }
    const struct json *reactions = json_get(answer, STR("Reactions")), *unknown = json_get(answer, STR("Unknown"));
    cli_print_text(json_str(json_get(answer, STR("Summary")), STR("")));
    puts(json_bool(json_get(answer, STR("IsWhole")), true) ? "" : " (not all runs were read)");
    if (reactions && reactions->count)
        cli_print_list(c, reactions, columns);
    print_joined("role to create", json_get(answer, STR("Used")));
    if (json_is(json_get(answer, STR("Unused")), JSON_ARRAY))
        print_joined("has beyond it", json_get(answer, STR("Unused")));
    if (unknown && unknown->count) {
        puts("what these calls need is not known:");
        json_each(call, unknown)
        {
            cli_print_text(call->text);
            putchar('\n');
        }
    }
    return 0;
}

int cmd_identity(int argc, char **argv)
{
    static const char usage[] = "reactions identity set NAME (its key comes from standard input) | list | show NAME | usage NAME | delete NAME";
    static const char *const columns[] = { "Id", "Name", "Connection", "ApiKey.HasValue", "Checked.Username", "Checked.Warnings", NULL };
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, NULL, NULL))
        return 2;
    int status = c.word_count == 2 && str_eq(c.words[0], STR("usage")) ? usage_command(&c, c.words[1]) : object_command(&c, usage, "/identities", columns, make_identity);
    cli_end(&c);
    return status;
}

static bool make_secret(struct cli *c, str name, struct json *body)
{
    str value;
    if (!cli_read_secret(c, "value", &value))
        return false;
    json_add_str(&c->arena, body, "Name", name);
    json_add_str(&c->arena, body, "Value", value);
    return true;
}

int cmd_secret(int argc, char **argv)
{
    static const char usage[] = "reactions secret set NAME (its value comes from standard input) | list | show NAME | delete NAME";
    static const char *const columns[] = { "Id", "Name", "Value.HasValue", NULL };
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, NULL, NULL))
        return 2;
    int status = object_command(&c, usage, "/secrets", columns, make_secret);
    cli_end(&c);
    return status;
}

static bool make_trigger(struct cli *c, str name, struct json *body)
{
    str route = cli_option(c, "--route");
    json_add_str(&c->arena, body, "Name", name);
    json_add_str(&c->arena, body, "Route", route.p ? route : name);
    return true;
}

int cmd_trigger(int argc, char **argv)
{
    static const char usage[] = "reactions trigger set NAME [--route ROUTE] | list | show NAME | delete NAME";
    static const char *const valued[] = { "--route", NULL };
    static const char *const columns[] = { "Id", "Slug", "Route", "IsDisabled", "Reactions", "Name", NULL };
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    int status = object_command(&c, usage, "/triggers", columns, make_trigger);
    cli_end(&c);
    return status;
}

int cmd_key(int argc, char **argv)
{
    static const char usage[] = "reactions key create TRIGGER [--label TEXT] | list TRIGGER | revoke TRIGGER KEY | rotate TRIGGER KEY [--overlap-seconds N]";
    static const char *const valued[] = { "--label", "--overlap-seconds", NULL };
    static const char *const columns[] = { "Id", "Label", "Created", "Expires", "LastUsed", "UseCount", "IsRevoked", NULL };
    struct cli c;
    struct json *answer = NULL;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    struct arena *a = &c.arena;
    struct json *body = json_new_object(a);
    str verb = c.word_count ? c.words[0] : STR("");
    bool ok, is_new = str_eq(verb, STR("create")) && c.word_count == 2, is_rotation = str_eq(verb, STR("rotate")) && c.word_count == 3;
    if (is_new) {
        if (cli_option(&c, "--label").p)
            json_add_str(a, body, "Label", cli_option(&c, "--label"));
        ok = cli_call(&c, "POST", arena_printf(a, "/triggers/%.*s/keys", STR_ARG(c.words[1])), body, &answer);
    } else if (str_eq(verb, STR("list")) && c.word_count == 2) {
        ok = cli_call(&c, "GET", arena_printf(a, "/triggers/%.*s/keys?take=1000", STR_ARG(c.words[1])), NULL, &answer);
        if (ok)
            cli_print_list(&c, json_get(answer, STR("Items")), columns);
    } else if (str_eq(verb, STR("revoke")) && c.word_count == 3) {
        ok = cli_call(&c, "POST", arena_printf(a, "/triggers/%.*s/keys/%.*s/revoke", STR_ARG(c.words[1]), STR_ARG(c.words[2])), NULL, &answer);
    } else if (is_rotation) {
        str overlap = cli_option(&c, "--overlap-seconds");
        int64_t seconds;
        if (overlap.p && str_to_i64(overlap, &seconds))
            json_add_i64(a, body, "OverlapSeconds", seconds);
        ok = cli_call(&c, "POST", arena_printf(a, "/triggers/%.*s/keys/%.*s/rotate", STR_ARG(c.words[1]), STR_ARG(c.words[2])), body, &answer);
    } else {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    int status = ok ? 0 : cli_fail(&c);
    if (ok && (is_new || is_rotation)) {
        // The key alone on standard output, so that a script can take it; it is shown this once.
        if (c.is_json)
            cli_print_object(&c, answer);
        else
            printf("%.*s\n", STR_ARG(json_str(json_get(answer, STR("Key")), STR(""))));
    }
    cli_end(&c);
    return status;
}
