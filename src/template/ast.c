#include "template/ast.h"

#include "template/number.h"

// Both printing and walking keep what is still to be done in a stack of their own: the depth of a
// template is bounded, but the machine's stack is no place for what an outsider can nest.
enum task_kind { TASK_TEXT, TASK_CELLS, TASK_NODE, TASK_EXPRESSION, TASK_CALLS, TASK_OPTIONS, TASK_SYMBOL, TASK_STEPS, TASK_CLAUSES, TASK_ENTER, TASK_LEAVE };

struct task {
    enum task_kind kind;
    uint32_t from; // TASK_STEPS: the first that is left
    const void *what;
    const struct ast_node *node; // TASK_CLAUSES: the conditional
};

struct tasks {
    struct task *items;
    size_t n, cap;
};

static void tasks_fini(struct tasks *t)
{
    free(t->items);
}

static void push(struct tasks *t, enum task_kind kind, const void *what)
{
    if (!what)
        return;
    xgrow(&t->items, &t->cap, t->n + 1, sizeof *t->items);
    t->items[t->n++] = (struct task){ kind, 0, what, NULL };
}

static void push_clauses(struct tasks *t, const struct ast_clause *clause, const struct ast_node *node)
{
    push(t, TASK_CLAUSES, clause);
    if (clause)
        t->items[t->n - 1].node = node;
}

static void push_steps(struct tasks *t, const struct ast_symbol *symbol, uint32_t from)
{
    if (from >= symbol->count)
        return;
    push(t, TASK_STEPS, symbol);
    t->items[t->n - 1].from = from;
}

// A text that stands as an option or in a body: "#{" in it would begin a token.
static void print_escaped(struct buf *out, str text)
{
    ptrdiff_t at;
    while ((at = str_find(text, STR("#{"))) >= 0) {
        buf_add(out, str_sub(text, 0, (size_t)at));
        buf_add_text(out, "##{");
        text = str_skip(text, (size_t)at + 2);
    }
    buf_add(out, text);
}

static void print_calc(struct buf *out, struct tasks *t, const struct ast_node *node)
{
    // Parentheses are not kept by the reference, so the postfix list in its own order, operators
    // between their operands: an operator stands before the operand that completed its right side.
    // With no parentheses to write, that is simply the source order of operands and operators.
    uint32_t n = node->calc.count;
    uint32_t *starts = xcalloc(n ? n : 1, sizeof *starts); // the first item of the expression that ends here
    uint32_t *before = xcalloc(n ? n : 1, sizeof *before); // an operator printed before this operand: its item + 1
    for (uint32_t i = 0; i < n; i++) {
        starts[i] = i;
        if (node->calc.items[i].kind == AST_OPERATOR) {
            uint32_t right = starts[i - 1];
            before[right] = i + 1;
            starts[i] = starts[right - 1];
        }
    }
    push(t, TASK_TEXT, "}");
    for (uint32_t i = n; i > 0; i--) {
        const struct ast_calc_item *item = &node->calc.items[i - 1];
        if (item->kind == AST_OPERATOR)
            continue;
        push(t, item->kind == AST_VARIABLE ? TASK_SYMBOL : TASK_NODE, item->kind == AST_VARIABLE ? (const void *)item->symbol : (const void *)item);
        if (item->kind == AST_NUMBER)
            t->items[t->n - 1].from = 1; // not a node: a number
        if (before[i - 1]) {
            static const char *const names[] = { ['+'] = "+", ['-'] = "-", ['*'] = "*", ['/'] = "/" };
            push(t, TASK_TEXT, names[(unsigned char)node->calc.items[before[i - 1] - 1].operator]);
        }
    }
    buf_add_text(out, "#{");
    free(starts);
    free(before);
}

static void print_clause(struct buf *out, struct tasks *t, const struct ast_node *node, const struct ast_clause *clause)
{
    const struct ast_cell *yes = clause->body, *no = clause->next ? NULL : node->conditional.otherwise;
    if (node->conditional.is_unless) {
        yes = node->conditional.otherwise;
        no = clause->body;
    }
    push(t, TASK_TEXT, "#{/if}");
    push_clauses(t, clause->next, node);
    push(t, TASK_CELLS, no);
    if (clause->next || no)
        push(t, TASK_TEXT, "#{else}");
    push(t, TASK_CELLS, yes);
    push(t, TASK_TEXT, "}");
    if (clause->comparison == AST_SYMBOL_COMPARISON) {
        push(t, TASK_TEXT, " ");
        push(t, TASK_EXPRESSION, clause->right);
        push(t, TASK_TEXT, clause->is_negated ? " != " : " == ");
    } else if (clause->comparison == AST_TEXT_COMPARISON) {
        // The only text that is written as it is, between other texts: it needs a task of its own.
        push(t, TASK_CLAUSES, clause);
    }
    push(t, TASK_EXPRESSION, clause->left);
    buf_add_text(out, "#{if ");
}

static void print_node(struct buf *out, struct tasks *t, const struct ast_node *node)
{
    switch (node->type) {
    case AST_TEXT:
        print_escaped(out, node->text);
        break;
    case AST_SUBSTITUTION:
        push(t, TASK_TEXT, "}");
        push(t, TASK_EXPRESSION, node->expression);
        buf_add_text(out, "#{");
        break;
    case AST_CONDITIONAL:
        print_clause(out, t, node, node->conditional.clauses);
        break;
    case AST_EACH:
        buf_add_text(out, "#{each ");
        buf_add(out, node->each.name);
        buf_add_text(out, " in ");
        push(t, TASK_TEXT, "#{/each}");
        push(t, TASK_CELLS, node->each.body);
        push(t, TASK_TEXT, "}");
        push(t, TASK_SYMBOL, node->each.collection);
        break;
    case AST_CALC:
        print_calc(out, t, node);
        break;
    }
}

static void print_steps(struct buf *out, struct tasks *t, const struct ast_symbol *symbol, uint32_t from)
{
    for (uint32_t i = from; i < symbol->count; i++) {
        const struct ast_step *step = &symbol->steps[i];
        switch (step->kind) {
        case AST_NAME:
            if (i)
                buf_add_char(out, '.');
            buf_add(out, step->text);
            break;
        case AST_INDEX_TEXT:
            buf_add_char(out, '[');
            buf_add(out, step->text);
            buf_add_char(out, ']');
            break;
        case AST_INDEX_SYMBOL:
            buf_add_text(out, "[#{");
            push_steps(t, symbol, i + 1);
            push(t, TASK_TEXT, "}]");
            push(t, TASK_SYMBOL, step->symbol);
            return;
        }
    }
}

static void print_calls(struct buf *out, struct tasks *t, const struct ast_call *call)
{
    buf_add_text(out, " | ");
    buf_add(out, call->name);
    push(t, TASK_CALLS, call->next);
    push(t, TASK_OPTIONS, call->options);
}

static void print_option(struct buf *out, struct tasks *t, const struct ast_option *option)
{
    buf_add_char(out, ' ');
    push(t, TASK_OPTIONS, option->next);
    if (option->node->type == AST_TEXT) {
        buf_add_char(out, '"');
        print_escaped(out, option->node->text);
        buf_add_char(out, '"');
    } else {
        push(t, TASK_NODE, option->node);
    }
}

static void run_print(struct buf *out, struct tasks *t)
{
    while (t->n && !out->is_full) {
        struct task task = t->items[--t->n];
        switch (task.kind) {
        case TASK_TEXT:
            buf_add_text(out, task.what);
            break;
        case TASK_CELLS: {
            const struct ast_cell *cell = task.what;
            push(t, TASK_CELLS, cell->next);
            print_node(out, t, cell->node);
            break;
        }
        case TASK_NODE:
            if (task.from) {
                char text[NUMBER_DOUBLE_BYTES];
                buf_add(out, number_write_double(text, ((const struct ast_calc_item *)task.what)->number));
            } else {
                print_node(out, t, task.what);
            }
            break;
        case TASK_EXPRESSION: {
            const struct ast_expression *e = task.what;
            push(t, TASK_CALLS, e->calls);
            push_steps(t, e->symbol, 0);
            break;
        }
        case TASK_CALLS:
            print_calls(out, t, task.what);
            break;
        case TASK_OPTIONS:
            print_option(out, t, task.what);
            break;
        case TASK_SYMBOL:
            push_steps(t, task.what, 0);
            break;
        case TASK_STEPS:
            print_steps(out, t, task.what, task.from);
            break;
        case TASK_CLAUSES: {
            const struct ast_clause *clause = task.what;
            if (task.node) {
                print_clause(out, t, task.node, clause);
            } else {
                buf_add_text(out, clause->is_negated ? " != \"" : " == \"");
                buf_add(out, clause->right_text);
                buf_add_text(out, "\" ");
            }
            break;
        }
        case TASK_ENTER:
        case TASK_LEAVE:
            break;
        }
    }
}

void ast_print_node(struct buf *out, const struct ast_node *node)
{
    CLEANUP(tasks_fini) struct tasks t = { 0 };
    push(&t, TASK_NODE, node);
    run_print(out, &t);
}

void ast_print_expression(struct buf *out, const struct ast_expression *expression)
{
    CLEANUP(tasks_fini) struct tasks t = { 0 };
    push(&t, TASK_EXPRESSION, expression);
    run_print(out, &t);
}

void ast_print_symbol(struct buf *out, const struct ast_symbol *symbol)
{
    CLEANUP(tasks_fini) struct tasks t = { 0 };
    push(&t, TASK_SYMBOL, symbol);
    run_print(out, &t);
}

void ast_print_from_clause(struct buf *out, const struct ast_node *conditional, const struct ast_clause *clause)
{
    CLEANUP(tasks_fini) struct tasks t = { 0 };
    push_clauses(&t, clause, conditional);
    run_print(out, &t);
}

static void visit_node(struct tasks *t, const struct ast_visitor *v, void *ctx, const struct ast_node *node)
{
    if (v->node)
        v->node(ctx, node);
    switch (node->type) {
    case AST_TEXT:
        break;
    case AST_SUBSTITUTION:
        push(t, TASK_EXPRESSION, node->expression);
        break;
    case AST_CONDITIONAL:
        push(t, TASK_CELLS, node->conditional.otherwise);
        push(t, TASK_CLAUSES, node->conditional.clauses);
        break;
    case AST_EACH:
        push(t, TASK_LEAVE, node);
        push(t, TASK_CELLS, node->each.body);
        push(t, TASK_ENTER, node);
        push(t, TASK_SYMBOL, node->each.collection);
        break;
    case AST_CALC:
        for (uint32_t i = node->calc.count; i > 0; i--)
            push(t, TASK_SYMBOL, node->calc.items[i - 1].symbol);
        break;
    }
}

void ast_walk(const struct ast_cell *cells, const struct ast_visitor *v, void *ctx)
{
    CLEANUP(tasks_fini) struct tasks t = { 0 };
    push(&t, TASK_CELLS, cells);
    while (t.n) {
        struct task task = t.items[--t.n];
        switch (task.kind) {
        case TASK_CELLS: {
            const struct ast_cell *cell = task.what;
            push(&t, TASK_CELLS, cell->next);
            visit_node(&t, v, ctx, cell->node);
            break;
        }
        case TASK_CLAUSES: {
            const struct ast_clause *clause = task.what;
            if (v->clause)
                v->clause(ctx, clause);
            push(&t, TASK_CLAUSES, clause->next);
            push(&t, TASK_CELLS, clause->body);
            push(&t, TASK_EXPRESSION, clause->right);
            push(&t, TASK_EXPRESSION, clause->left);
            break;
        }
        case TASK_EXPRESSION: {
            const struct ast_expression *e = task.what;
            push(&t, TASK_CALLS, e->calls);
            push(&t, TASK_SYMBOL, e->symbol);
            break;
        }
        case TASK_SYMBOL: {
            const struct ast_symbol *symbol = task.what;
            if (v->symbol && symbol->count)
                v->symbol(ctx, symbol);
            for (uint32_t i = symbol->count; i > 0; i--)
                push(&t, TASK_SYMBOL, symbol->steps[i - 1].symbol);
            break;
        }
        case TASK_CALLS: {
            const struct ast_call *call = task.what;
            if (v->call)
                v->call(ctx, call);
            push(&t, TASK_CALLS, call->next);
            push(&t, TASK_OPTIONS, call->options);
            break;
        }
        case TASK_OPTIONS: {
            const struct ast_option *option = task.what;
            push(&t, TASK_OPTIONS, option->next);
            visit_node(&t, v, ctx, option->node);
            break;
        }
        case TASK_ENTER:
            if (v->enter_body)
                v->enter_body(ctx, task.what);
            break;
        case TASK_LEAVE:
            if (v->leave_body)
                v->leave_body(ctx, task.what);
            break;
        case TASK_TEXT:
        case TASK_NODE:
        case TASK_STEPS:
            break;
        }
    }
}
