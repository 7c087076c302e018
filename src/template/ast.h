// ast.h - what the parser makes of a template. Lives in one arena, never changes after parsing.
//
// Texts are slices of the template (which the arena holds as well) unless they had to be cleaned.
#pragma once

#include "base/buf.h"
#include "base/arena.h"

enum ast_type { AST_TEXT, AST_SUBSTITUTION, AST_CONDITIONAL, AST_EACH, AST_CALC };

enum ast_step_kind { AST_NAME, AST_INDEX_TEXT, AST_INDEX_SYMBOL };

struct ast_step {
    enum ast_step_kind kind;
    uint32_t offset;           // in the template
    str text;                  // AST_NAME, AST_INDEX_TEXT
    uint64_t hash;             // of text, without case (set by program_compile)
    struct ast_symbol *symbol; // AST_INDEX_SYMBOL
    bool is_resolved;          // an index that was looked up: it stands nowhere
};

struct ast_symbol {
    uint32_t offset, end;
    uint32_t count;   // 0: the missing argument of "#{ | Filter}"
    struct ast_step *steps;
    const char *text; // the template it stands in
};

struct ast_option {
    struct ast_node *node; // a text option is an AST_TEXT
    struct ast_option *next;
};

struct ast_call {
    str name;
    uint32_t offset; // of the name
    uint32_t option_count;
    struct ast_option *options;
    struct ast_call *next;
};

// A symbol, or a symbol with filters.
struct ast_expression {
    struct ast_symbol *symbol;
    struct ast_call *calls;
    uint32_t call_count;
    uint32_t depth;
};

// A list of tokens. Cells are shared between the readings of a text that were tried, hence no `next`
// in the node.
struct ast_cell {
    struct ast_node *node;
    struct ast_cell *next;
};

enum ast_comparison { AST_TRUTHY, AST_TEXT_COMPARISON, AST_SYMBOL_COMPARISON };

// "#{if C}" and each "#{elseif C}"; an unless is a clause with an empty body and an else.
struct ast_clause {
    struct ast_expression *left, *right;
    str right_text;
    enum ast_comparison comparison;
    bool is_negated; // !=
    uint32_t offset; // of the tag
    struct ast_cell *body;
    struct ast_clause *next;
};

enum ast_calc_kind { AST_NUMBER, AST_VARIABLE, AST_OPERATOR };

// In postfix order.
struct ast_calc_item {
    enum ast_calc_kind kind;
    char operator; // + - * /
    double number;
    struct ast_symbol *symbol;
};

struct ast_node {
    enum ast_type type;
    uint32_t offset, end; // in the template: [offset, end)
    uint32_t depth;       // of what is nested in it, 1 for nothing
    union {
        str text; // AST_TEXT: unescaped
        struct ast_expression *expression;
        struct {
            struct ast_clause *clauses;
            struct ast_cell *otherwise;
            bool is_unless, has_otherwise;
        } conditional;
        struct {
            str name;
            uint64_t name_hash; // set by program_compile
            uint32_t name_offset;
            struct ast_symbol *collection;
            struct ast_cell *body;
        } each;
        struct {
            struct ast_calc_item *items;
            uint32_t count;
        } calc;
    };
};

// Writes a token back as the reference does: from its parsed form, not from its source. No recursion.
void ast_print_node(struct buf *out, const struct ast_node *node);
void ast_print_expression(struct buf *out, const struct ast_expression *expression);
void ast_print_symbol(struct buf *out, const struct ast_symbol *symbol);
// The conditional as it stands from this clause on: an elseif becomes the if of a nested block.
void ast_print_from_clause(struct buf *out, const struct ast_node *conditional, const struct ast_clause *clause);

// Visits all that is nested, in the order of the text. Callbacks may be NULL.
struct ast_visitor {
    void (*node)(void *ctx, const struct ast_node *node);
    void (*clause)(void *ctx, const struct ast_clause *clause);
    void (*symbol)(void *ctx, const struct ast_symbol *symbol);
    void (*call)(void *ctx, const struct ast_call *call);
    void (*enter_body)(void *ctx, const struct ast_node *each);
    void (*leave_body)(void *ctx, const struct ast_node *each);
};
void ast_walk(const struct ast_cell *cells, const struct ast_visitor *visitor, void *ctx);
