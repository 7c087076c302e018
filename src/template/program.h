// program.h - a parsed template as a row of operations, for the machine.
//
// Operations work on a stack of values. Jumps are indexes into the row. A program lives in an arena
// beside the tree it was made from, which is kept to write tokens back.
#pragma once

#include "template/ast.h"
#include "template/filter.h"

enum op_code {
    OP_TEXT,         // writes text
    OP_VARIABLE,     // writes symbol; node is written back where it is undefined
    OP_LOAD,         // pushes symbol, perhaps undefined; with is_lenient an undefined one is empty
    OP_PUSH,         // pushes text
    OP_CAPTURE,      // what is written from here on ...
    OP_CAPTURED,     // ... is pushed
    OP_FILTER,       // replaces argument and `count` options by the result
    OP_WRITE,        // pops and writes; node is written back where it is undefined
    OP_NEED,         // where the top is undefined: the conditional is written back, `count` values are popped, jump
    OP_IF_TRUE,      // pops; jumps unless truthy
    OP_IF_EQUAL,     // pops two; jumps unless equal (is_negated: unless different)
    OP_JUMP,
    OP_EACH,         // loops over symbol under node's name; jumps when there is nothing
    OP_NEXT,         // to the next item, jumping back; or on
    OP_NUMBER,       // pushes a number
    OP_NUMBER_LOAD,  // pushes symbol's number; where it has none, pops `count` numbers and jumps
    OP_CALCULATE,    // pops two numbers, pushes one
    OP_WRITE_NUMBER, // pops and writes
    OP_WRITE_BACK,   // writes node as it was
    OP_END,
};

struct op {
    uint8_t code; // enum op_code
    bool is_lenient, is_negated, is_null_filter;
    char operator;
    uint16_t count;
    uint32_t target; // of jumps
    const struct ast_node *node;
    union {
        str text;
        struct ast_symbol *symbol;
        double number;
        struct {
            const struct filter *filter; // NULL: there is none of that name
            const struct ast_call *call;
        };
        struct { // OP_NEED: where it is written back from, what is reported
            const struct ast_clause *clause;
            const struct ast_expression *expression;
        };
    };
};

struct program {
    str text;
    const struct ast_cell *cells;
    struct op *ops;
    uint32_t count;
};

// `text` must live as long as the program.
struct program *program_compile(struct arena *a, str text, const struct ast_cell *cells);
