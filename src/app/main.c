// main.c - the program: finds the command and hands over.
#include "app/cmd_render.h"
#include "app/cmd_script.h"
#include "app/commands.h"

#include "base/base.h"

#include <stdio.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "serve", cmd_serve, "run the server" },
    { "apply", cmd_apply, "make the server hold what files say" },
    { "export", cmd_export, "write what the server holds as such files" },
    { "check", cmd_check, "check such files, without a server" },
    { "list", cmd_list, "list what the server holds" },
    { "show", cmd_show, "show one thing whole" },
    { "runs", cmd_runs, "list runs, follow them as they happen, retry or cancel" },
    { "fire", cmd_fire, "post a payload to a trigger" },
    { "script", cmd_script, "run a script as a reaction would, without a server" },
    { "render", cmd_render, "render a template, without a server" },
    { "test", cmd_test, "what a reaction would do with an event: a dry run" },
    { "replay", cmd_replay, "run the reactions of an event, or of a time, again" },
    { "backfill", cmd_backfill, "run Octopus's history through chosen reactions" },
    { "trigger", cmd_trigger, "external triggers" },
    { "key", cmd_key, "keys that open a trigger" },
    { "user", cmd_user, "users of this server, and their roles" },
    { "apikey", cmd_apikey, "API keys of users" },
    { "connection", cmd_connection, "the Octopus server of a space" },
    { "identity", cmd_identity, "service accounts that reactions act as" },
    { "secret", cmd_secret, "write-only values" },
    { "backup", cmd_backup, "copy the database while the server works" },
    { "restore", cmd_restore, "put such a copy into a data folder" },
    { "rotate-master-key", cmd_rotate_master_key, "seal every secret value anew, with a new master key" },
    { "verify-audit", cmd_verify_audit, "whether a row of the audit was changed" },
    { "prove", cmd_prove, "the kill test, on your own disk" },
    { "doctor", cmd_doctor, "effective settings, and what is wrong" },
    { "version", cmd_version, "print the version" },
};

int cmd_version(int argc UNUSED, char **argv UNUSED)
{
    puts("reactions " REACTIONS_VERSION);
    return 0;
}

static void usage(FILE *to)
{
    fputs("usage: reactions COMMAND [ARGUMENTS]\n\n", to);
    for (size_t i = 0; i < COUNT(commands); i++)
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].summary);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version"))
        return cmd_version(argc - 1, argv + 1);
    for (size_t i = 0; i < COUNT(commands); i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "reactions: there is no command \"%s\"\n", argv[1]);
    usage(stderr);
    return 2;
}
