// commands.h - the program's commands: argv[0] is the command's name; the result is the exit status,
// 0 done, 1 failed, 2 wrong usage.
#pragma once

int cmd_serve(int argc, char **argv);
int cmd_version(int argc, char **argv);

#define REACTIONS_VERSION "0.1.0"
