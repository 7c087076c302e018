// machine.h - runs programs: finds symbols, evaluates the templates in values, applies filters.
//
// One machine is one rendering. It has no recursion: what waits for a value lies in frames of its own,
// at most LIMIT_TEMPLATE_FRAMES of them. The rules are those of octostache.md; what happens in
// which scope follows the reference exactly (sections 5 to 9).
#pragma once

#include "base/map.h"
#include "template/loose.h"
#include "template/program.h"
#include "template/vars.h"

// What a step of a symbol can lead to.
enum bind_kind {
    BIND_EMPTY,   // a scope without names
    BIND_NODE,    // a variable, or the set itself
    BIND_TEXT,    // text that was computed
    BIND_LOOSE,   // a part of a variable that holds JSON text
    BIND_PARSED,  // a part of parsed data; json == NULL: an absent one
    BIND_PAIR,    // a property met in a loop: .Key and .Value
    BIND_LOOP,    // a loop's scope: its variable and Octopus.Template.Each.*
    BIND_SPECIAL, // on the way to Octopus.Template.Each.*
};

struct bind {
    enum bind_kind kind;
    bool is_literal;
    bool has_token; // BIND_LOOSE: some string in the document may be a template
    uint8_t marks;
    union {
        const struct vars_node *node;
        const struct loose *loose; // BIND_LOOSE; BIND_PAIR of one
        const struct loop *loop; // BIND_LOOP, BIND_SPECIAL
    };
    uint32_t level;          // BIND_SPECIAL
    const struct json *json; // BIND_PARSED; BIND_PAIR of one
    struct marked text;      // BIND_TEXT
};

struct active; // a symbol that is being resolved

struct scope {
    struct scope *parent;
    struct bind names;
    struct active *active;
};

struct loop {
    struct loop *outer;
    struct scope scope;
    str name;
    uint64_t name_hash;
    struct bind *items;
    uint32_t count, index;
};

struct slot {
    struct marked value;
    double number;
};

enum want { WANT_TEXT, WANT_LIST };

struct walk {
    const struct ast_symbol *symbol;
    const struct ast_step *steps; // symbol's, or a copy with indexes resolved
    struct ast_step *copy;
    struct scope *start, *scope;
    struct active *pushed;
    const struct vars *layer;
    struct bind at, fallback;
    uint32_t step, index;
    enum want want;
    enum walk_state { WALK_BEGIN, WALK_INDEX, WALK_SCOPE, WALK_STEPS, WALK_JSON, WALK_VALUE } state;
    bool has_fallback;
    bool is_evaluated; // the text at hand was, for the JSON in it
    str reason;
};

struct run {
    const struct program *program;
    const struct op *pc;
    struct scope *scope;
    struct loop *loop;
    struct scope own; // of a value: its names are its parents'
    struct marked_mark mark;
    size_t values_floor, captures_floor;
    bool is_top, catches_recursion;
};

struct frame {
    struct frame *below;
    bool is_walk, is_quiet; // quiet: what is missing is not reported
    union {
        struct walk walk;
        struct run run;
    };
};

struct machine_undefined {
    str token, reason;
};

#define MACHINE_PROGRAMS 64
#define MACHINE_DOCUMENTS 8

struct machine {
    struct arena *a;
    const struct vars *vars;
    int64_t now_ms;
    struct scope root;

    struct marked_out out;
    struct frame *top, *spare;
    size_t frame_count, catching_count; // of those, how many tolerate a recursion above them
    struct slot *values;
    size_t value_count, value_cap;
    struct marked_mark *captures;
    size_t capture_count, capture_cap;

    struct machine_undefined *undefined;
    size_t undefined_count, undefined_cap;
    struct map undefined_names;
    bool is_null; // a null filter fired

    bool is_failed, is_recursion;
    str error;
    uint64_t steps;
    size_t arena_floor;

    uint64_t octopus_hash; // of the name that loops define
    struct machine_program {
        str text;
        const struct program *program; // NULL: does not parse
    } *programs; // MACHINE_PROGRAMS of them, when the first is needed
    struct machine_json {
        str text;
        const struct loose *tree; // NULL: does not parse
        bool has_token;
    } *documents; // MACHINE_DOCUMENTS
};

void machine_init(struct machine *m, struct arena *a, const struct vars *vars, int64_t now_ms);
void machine_fini(struct machine *m);
// Fills m->out and the rest; false with m->error when it threw.
bool machine_run(struct machine *m, const struct program *program);

// Between machine.c and walk.c.
bool machine_fail(struct machine *m, const char *fmt, ...) PRINTF_LIKE(2, 3); // always false
bool machine_step(struct machine *m, size_t bytes);                            // counts work
struct frame *machine_push(struct machine *m);                                 // NULL when there are too many
bool machine_evaluate(struct machine *m, str text, const struct program *program, struct scope *scope, bool is_quiet, bool catches_recursion);
const struct program *machine_program(struct machine *m, str text); // of a value; NULL: does not parse

bool walk_quickly(struct machine *m, const struct ast_symbol *symbol, struct scope *scope, struct marked *out);

// A walk resolves one symbol in one scope.
bool walk_start(struct machine *m, const struct ast_symbol *symbol, struct scope *scope, enum want want, bool is_quiet);
enum walk_progress { WALK_DONE, WALK_WAITS, WALK_FAILED };
// Goes on with the topmost frame's walk. Done: *found tells whether, and *result what.
enum walk_progress walk_run(struct machine *m, struct frame *frame, bool *found, struct bind *result);
// What a frame above was to find out: an index, or an evaluated value.
void walk_take_index(struct walk *w, bool found, const struct marked *text);
void walk_take_value(struct walk *w, bool is_recursion, struct marked value);
void walk_drop(struct walk *w); // takes its marks off the scopes

// The text of what was found; not defined where it has none. False when it threw.
bool walk_text(struct machine *m, const struct bind *b, struct marked *out);
// The items of a loop over what was found.
bool walk_items(struct machine *m, const struct bind *list, struct bind **items, uint32_t *count);
