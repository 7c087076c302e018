// cmd_render.h - reactions render: templates from the command line, without a server.
#pragma once

// argv[0] is "render". 0: done; 1: a template failed, or a file could not be read; 2: wrong usage.
int cmd_render(int argc, char **argv);
