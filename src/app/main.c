// main.c - the program: finds the command and hands over.
#include "app/commands.h"

#include "base/base.h"

#include <stdio.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "serve", cmd_serve, "run the server" },
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
