// cli.h - what the commands that talk to the server share: flags, one call, printing.
#pragma once

#include "http/client.h"
#include "json/json.h"

#include <stdio.h>

struct cli {
    struct arena arena;
    const char *command;
    str server;         // "http://127.0.0.1:8085"
    str key;            // management key
    str space;          // "" or an id or slug
    bool is_json;       // --output json
    // What is left of the arguments: words, and --name value pairs of the command's own.
    str *words;
    size_t word_count;
    struct cli_option { str name, value; } *options;
    size_t option_count;
    int status;         // the last cli_call's HTTP status; 0: no answer came
    struct err err;
};

// flags: the command's own "--name" that take a value, then those that take none, each list NULL-terminated. False: the
// usage was wrong and has been said (exit status 2). Every command understands --server, --api-key-file, --space, --output.
bool cli_begin(struct cli *c, int argc, char **argv, const char *usage, const char *const *valued, const char *const *bare);
void cli_end(struct cli *c);
str cli_option(const struct cli *c, const char *name); // p == NULL where absent; "" for a bare flag that is there

// One call. path is below /api ("/reactions"); body may be NULL. True for a 2xx; *answer may then be NULL (204). On failure c->err
// says what the server said, its Errors too.
bool cli_call(struct cli *c, const char *method, str path, const struct json *body, struct json **answer);

// A request to the server as it is: path begins with "/". False: no answer, c->err says why.
struct cli_reply {
    int status;
    str body;
};
bool cli_send(struct cli *c, const char *method, str path, const struct http_header *headers, size_t count, str body, struct cli_reply *reply);

// Prints c->err and gives 1.
int cli_fail(struct cli *c);

// A table of the members named ("Id", "State", "Trigger.Name"), or the JSON as it is.
void cli_print_list(struct cli *c, const struct json *items, const char *const *members);
void cli_print_object(struct cli *c, const struct json *object);
str cli_member(struct arena *a, const struct json *object, str path); // as text
void cli_print_text(str s);

// A secret: read from standard input, or asked for without echo where that is a terminal. Never an argument.
bool cli_read_secret(struct cli *c, const char *prompt, str *out);
// A file, or standard input for "-".
bool cli_read_file(struct cli *c, str name, str *out);
// A list page by page: until *next is empty.
str cli_first_page(struct cli *c, str path);
bool cli_page(struct cli *c, str *next, struct json **items);
// Every page of a list.
bool cli_get_all(struct cli *c, str path, struct json **items);
