// doctor: the effective settings, and what is wrong with them, the machine or the server.
#include "app/cli.h"
#include "app/commands.h"
#include "app/settings.h"

#include "sys/file.h"

#include <sqlite3.h>
#include <unistd.h>

static int problems;

static void good(const char *what, str detail)
{
    printf("  ok       %-12s %.*s\n", what, STR_ARG(detail));
}

static void bad(const char *what, str detail)
{
    problems++;
    printf("  PROBLEM  %-12s %.*s\n", what, STR_ARG(detail));
}

static void warn(const char *what, str detail)
{
    printf("  WARNING  %-12s %.*s\n", what, STR_ARG(detail));
}

static void check_data(const struct settings *s, struct arena *a)
{
    const char *data = arena_cstr(a, s->data), *key = arena_printf(a, "%s/master.key", data).p;
    if (!file_exists(data))
        good("data", arena_printf(a, "%s will be created by the first start", data));
    else if (access(data, R_OK | W_OK | X_OK) != 0)
        bad("data", arena_printf(a, "%s cannot be written by this user", data));
    else if (file_exists(arena_printf(a, "%s/reactions.db", data).p) && !file_exists(key) && !getenv("REACTIONS_MASTER_KEY"))
        bad("data", arena_printf(a, "%s is missing, but there is a database sealed with it: restore it from your backup", key));
    else
        good("data", str_from(data));
}

// The range in which two connections that write at once can corrupt a database (quality.md R21): we never do, but say so.
static void check_sqlite(struct arena *a)
{
    int version = sqlite3_libversion_number();
    bool has_defect = version >= 3007000 && version < 3051003;
    good("sqlite", arena_printf(a, "%s%s", sqlite3_libversion(), has_defect ? " (has the WAL-reset defect that needs two writers; this server is its only writer: never open the file with another program)" : ""));
}

static void check_server(struct cli *c)
{
    struct json *status;
    if (!cli_call(c, "GET", STR("/status"), NULL, &status)) {
        bad("server", arena_str(&c->arena, str_from(c->err.text)));
        return;
    }
    good("server", arena_printf(&c->arena, "%.*s, version %.*s", STR_ARG(c->server), STR_ARG(cli_member(&c->arena, status, STR("Version")))));
    str engine = cli_member(&c->arena, status, STR("Scripts.Engine")), missing = cli_member(&c->arena, status, STR("Scripts.Missing"));
    if (!json_bool(json_get(json_get(status, STR("Scripts")), STR("IsAvailable")), false))
        bad("scripts", missing);
    else
        good("scripts", arena_printf(&c->arena, "%.*s engine %.*s; %.*s%s%.*s", STR_ARG(engine), STR_ARG(cli_member(&c->arena, status, STR("Scripts.Version"))),
                            STR_ARG(cli_member(&c->arena, status, STR("Scripts.Containment"))), missing.n ? "; lacks " : "", STR_ARG(missing)));
    str network = cli_member(&c->arena, status, STR("Scripts.Network"));
    if (str_starts(network, STR("none")))
        bad("network", network);
    else if (str_starts(network, STR("isolated")))
        good("network", network);
    else if (network.n)
        warn("network", network);
    // What the guard takes from root (capabilities, other processes, the data folder) leaves what root's files are to root.
    if (str_find(cli_member(&c->arena, status, STR("Scripts.Containment")), STR(", ROOT")) >= 0)
        warn("scripts", STR("SCRIPTS RUN AS ROOT: they can read and change what root owns outside the data folder. Set Scripts.User to a user of their own, and put data and program where that user may come to, or start the server as another user than root"));
    str error = cli_member(&c->arena, status, STR("Store.LastError"));
    if (error.n)
        bad("store", error);
    json_each(problem, json_get(status, STR("Problems")))
        bad("configuration", json_str(problem, STR("")));
}

int cmd_doctor(int argc, char **argv)
{
    static const char usage[] = "reactions doctor [--config FILE] [--server URL] [--api-key-file FILE]";
    static const char *const valued[] = { "--config", "--data", "--listen", NULL };
    struct cli c;
    struct settings settings;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    char *flags[8] = { argv[0] };
    int count = 1;
    static const char *const of_settings[] = { "--config", "--data", "--listen" };
    for (size_t i = 0; i < COUNT(of_settings); i++)
        for (int k = 1; k + 1 < argc; k++)
            if (!strcmp(argv[k], of_settings[i])) {
                flags[count++] = argv[k];
                flags[count++] = argv[k + 1];
            }
    if (!settings_read(count, flags, &c.arena, &settings, &c.err)) {
        bad("settings", str_from(c.err.text));
    } else {
        struct json *effective = settings_json(&settings, &c.arena);
        puts("settings");
        json_each(item, effective)
            printf("           %-18.*s %.*s\n", STR_ARG(item->name), STR_ARG(json_is(item, JSON_STRING) || json_is(item, JSON_NUMBER) ? item->text : json_text(&c.arena, item)));
        puts("checks");
        check_data(&settings, &c.arena);
    }
    check_sqlite(&c.arena);
    check_server(&c);
    printf("%d problems\n", problems);
    cli_end(&c);
    return problems ? 1 : 0;
}
