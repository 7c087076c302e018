// cmd_script.h - reactions script FILE: runs a PowerShell script as a reaction would, without a server.
#pragma once

// argv[0] is "script". 0: the script succeeded; 1: it failed or could not run; 2: wrong usage.
int cmd_script(int argc, char **argv);
