#include "template/program.h"

#include "template/chars.h"

// What is still to be compiled is kept in a stack: no recursion.
enum task_kind { TASK_CELLS, TASK_NODE, TASK_EXPRESSION, TASK_OPTION, TASK_OPERATION, TASK_LABEL, TASK_CLAUSE };

struct task {
    enum task_kind kind;
    const void *what;
    const struct ast_node *node;
    struct op op;   // TASK_OPERATION
    uint32_t label; // TASK_LABEL; TASK_CLAUSE: of the conditional's end
};

struct compiler {
    struct arena *a;
    str text;
    struct task *tasks;
    size_t task_count, task_cap;
    struct op *ops;
    size_t op_count, op_cap;
    uint32_t *labels; // label to operation; jumps hold labels until the end
    size_t label_count, label_cap;
    size_t place_offset; // the last place looked up
    struct ast_place place;
};

static void compiler_fini(struct compiler *c)
{
    free(c->tasks);
    free(c->ops);
    free(c->labels);
}

static struct task *push(struct compiler *c, enum task_kind kind, const void *what)
{
    xgrow(&c->tasks, &c->task_cap, c->task_count + 1, sizeof *c->tasks);
    struct task *t = &c->tasks[c->task_count++];
    t->kind = kind;
    t->what = what;
    t->node = NULL;
    return t;
}

static void push_op(struct compiler *c, struct op op)
{
    push(c, TASK_OPERATION, NULL)->op = op;
}

static void push_label(struct compiler *c, uint32_t label)
{
    push(c, TASK_LABEL, NULL)->label = label;
}

static uint32_t new_label(struct compiler *c)
{
    xgrow(&c->labels, &c->label_cap, c->label_count + 1, sizeof *c->labels);
    return (uint32_t)c->label_count++;
}

static void emit(struct compiler *c, struct op op)
{
    xgrow(&c->ops, &c->op_cap, c->op_count + 1, sizeof *c->ops);
    c->ops[c->op_count++] = op;
}

// UTF-16 units, line and column, counting on from the last place.
static struct ast_place place_of(struct compiler *c, size_t offset)
{
    if (offset < c->place_offset || !c->place.line) {
        c->place_offset = 0;
        c->place = (struct ast_place){ 0, 1, 1 };
    }
    for (size_t length; c->place_offset < offset; c->place_offset += length) {
        uint32_t ch = chars_decode(c->text.p + c->place_offset, c->text.n - c->place_offset, &length);
        uint32_t units = ch > 0xFFFF ? 2 : 1;
        c->place.unit += units;
        c->place.column += units;
        if (ch == '\n') {
            c->place.line++;
            c->place.column = 1;
        }
    }
    return c->place;
}

static void finish_symbol(struct compiler *c, struct ast_symbol *symbol)
{
    // Indexes within indexes: their symbols wait in the task stack.
    size_t floor = c->task_count;
    push(c, TASK_NODE, symbol);
    while (c->task_count > floor) {
        c->task_count--;
        struct ast_symbol *s = (struct ast_symbol *)(uintptr_t)c->tasks[c->task_count].what;
        for (uint32_t i = 0; i < s->count; i++) {
            struct ast_step *step = &s->steps[i];
            step->place = place_of(c, step->offset);
            if (step->kind == AST_INDEX_SYMBOL)
                push(c, TASK_NODE, step->symbol);
            else
                step->hash = chars_hash_nocase(step->text);
        }
    }
}

static void compile_expression(struct compiler *c, const struct ast_expression *e, bool is_lenient)
{
    // In reverse: the last pushed is done first.
    size_t first = c->task_count;
    for (const struct ast_call *call = e->calls; call; call = call->next) {
        for (const struct ast_option *o = call->options; o; o = o->next)
            push(c, TASK_OPTION, o->node);
        push_op(c, (struct op){ .code = OP_FILTER, .count = (uint16_t)MIN(call->option_count, (uint32_t)UINT16_MAX), .filter = filter_find(call->name), .call = call });
    }
    for (size_t i = first, j = c->task_count; i + 1 < j; i++, j--) {
        struct task t = c->tasks[i];
        c->tasks[i] = c->tasks[j - 1];
        c->tasks[j - 1] = t;
    }
    finish_symbol(c, e->symbol);
    emit(c, (struct op){ .code = OP_LOAD, .symbol = e->symbol, .is_lenient = is_lenient });
}

static bool ends_in_null(const struct ast_expression *e)
{
    const struct ast_call *last = e->calls;
    while (last && last->next)
        last = last->next;
    return last && str_eq(last->name, STR("null"));
}

// left and right may be filter chains: undefined, they leave the whole conditional as it was.
static void compile_clause(struct compiler *c, const struct ast_node *node, const struct ast_clause *clause, uint32_t end)
{
    bool is_unless = node->conditional.is_unless;
    uint32_t otherwise = new_label(c);

    push_label(c, otherwise);
    push_op(c, (struct op){ .code = OP_JUMP, .target = end });
    push(c, TASK_CELLS, is_unless ? node->conditional.otherwise : clause->body);
    if (clause->comparison == AST_TRUTHY)
        push_op(c, (struct op){ .code = OP_IF_TRUE, .target = otherwise });
    else
        push_op(c, (struct op){ .code = OP_IF_EQUAL, .target = otherwise, .is_negated = clause->is_negated });
    if (clause->comparison == AST_SYMBOL_COMPARISON) {
        if (clause->right->calls)
            push_op(c, (struct op){ .code = OP_NEED, .target = end, .count = 2, .node = node, .clause = clause, .expression = clause->right });
        push(c, TASK_EXPRESSION, clause->right)->node = clause->right->calls ? NULL : node; // any node: is_lenient
    } else if (clause->comparison == AST_TEXT_COMPARISON) {
        push_op(c, (struct op){ .code = OP_PUSH, .text = clause->right_text });
    }
    if (clause->left->calls)
        push_op(c, (struct op){ .code = OP_NEED, .target = end, .count = 1, .node = node, .clause = clause, .expression = clause->left });
    push(c, TASK_EXPRESSION, clause->left)->node = clause->left->calls ? NULL : node;
}

static void compile_calc(struct compiler *c, const struct ast_node *node)
{
    uint32_t failed = new_label(c), end = new_label(c);
    uint16_t height = 0;
    for (uint32_t i = 0; i < node->calc.count; i++) {
        const struct ast_calc_item *item = &node->calc.items[i];
        switch (item->kind) {
        case AST_NUMBER:
            emit(c, (struct op){ .code = OP_NUMBER, .number = item->number });
            height++;
            break;
        case AST_VARIABLE:
            finish_symbol(c, item->symbol);
            emit(c, (struct op){ .code = OP_NUMBER_LOAD, .symbol = item->symbol, .target = failed, .count = height });
            height++;
            break;
        case AST_OPERATOR:
            emit(c, (struct op){ .code = OP_CALCULATE, .operator = item->operator });
            height--;
            break;
        }
    }
    emit(c, (struct op){ .code = OP_WRITE_NUMBER });
    emit(c, (struct op){ .code = OP_JUMP, .target = end });
    c->labels[failed] = (uint32_t)c->op_count;
    emit(c, (struct op){ .code = OP_WRITE_BACK, .node = node });
    c->labels[end] = (uint32_t)c->op_count;
}

static void compile_each(struct compiler *c, const struct ast_node *node)
{
    uint32_t body = new_label(c), end = new_label(c);
    finish_symbol(c, node->each.collection);
    emit(c, (struct op){ .code = OP_EACH, .symbol = node->each.collection, .name = node->each.name, .name_hash = chars_hash_nocase(node->each.name), .target = end });
    push_label(c, end);
    push_op(c, (struct op){ .code = OP_NEXT, .target = body });
    push(c, TASK_CELLS, node->each.body);
    push_label(c, body);
}

static void compile_node(struct compiler *c, const struct ast_node *node)
{
    switch (node->type) {
    case AST_TEXT:
        emit(c, (struct op){ .code = OP_TEXT, .text = node->text });
        break;
    case AST_SUBSTITUTION:
        if (!node->expression->calls) {
            finish_symbol(c, node->expression->symbol);
            emit(c, (struct op){ .code = OP_VARIABLE, .symbol = node->expression->symbol, .node = node });
            break;
        }
        push_op(c, (struct op){ .code = OP_WRITE, .node = node, .is_null_filter = ends_in_null(node->expression) });
        push(c, TASK_EXPRESSION, node->expression);
        break;
    case AST_CONDITIONAL: {
        uint32_t end = new_label(c);
        push_label(c, end);
        // What remains when no clause holds.
        push(c, TASK_CELLS, node->conditional.is_unless ? node->conditional.clauses->body : node->conditional.otherwise);
        struct task *t = push(c, TASK_CLAUSE, node->conditional.clauses);
        t->node = node;
        t->label = end;
        break;
    }
    case AST_EACH:
        compile_each(c, node);
        break;
    case AST_CALC:
        compile_calc(c, node);
        break;
    }
}

static void run_task(struct compiler *c, struct task t)
{
    switch (t.kind) {
    case TASK_CELLS: {
        const struct ast_cell *cell = t.what;
        if (!cell)
            break;
        if (cell->next)
            push(c, TASK_CELLS, cell->next);
        compile_node(c, cell->node);
        break;
    }
    case TASK_NODE:
        compile_node(c, t.what);
        break;
    case TASK_EXPRESSION:
        compile_expression(c, t.what, t.node != NULL);
        break;
    case TASK_OPTION: {
        const struct ast_node *node = t.what;
        if (node->type == AST_TEXT) {
            emit(c, (struct op){ .code = OP_PUSH, .text = node->text });
            break;
        }
        emit(c, (struct op){ .code = OP_CAPTURE });
        push_op(c, (struct op){ .code = OP_CAPTURED });
        push(c, TASK_NODE, node);
        break;
    }
    case TASK_OPERATION:
        emit(c, t.op);
        break;
    case TASK_LABEL:
        c->labels[t.label] = (uint32_t)c->op_count;
        break;
    case TASK_CLAUSE: {
        const struct ast_clause *clause = t.what;
        if (clause->next) {
            struct task *next = push(c, TASK_CLAUSE, clause->next);
            next->node = t.node;
            next->label = t.label;
        }
        compile_clause(c, t.node, clause, t.label);
        break;
    }
    }
}

struct program *program_compile(struct arena *a, str text, const struct ast_cell *cells)
{
    CLEANUP(compiler_fini) struct compiler c = { .a = a, .text = text };
    push(&c, TASK_CELLS, cells);
    while (c.task_count) {
        struct task t = c.tasks[--c.task_count];
        run_task(&c, t);
    }
    emit(&c, (struct op){ .code = OP_END });

    struct program *p = ARENA_NEW(a, struct program);
    *p = (struct program){ text, cells, arena_alloc(a, c.op_count * sizeof *c.ops), (uint32_t)c.op_count };
    memcpy(p->ops, c.ops, c.op_count * sizeof *c.ops);
    for (uint32_t i = 0; i < p->count; i++) {
        enum op_code code = p->ops[i].code;
        if (code == OP_NEED || code == OP_IF_TRUE || code == OP_IF_EQUAL || code == OP_JUMP || code == OP_EACH || code == OP_NEXT || code == OP_NUMBER_LOAD)
            p->ops[i].target = c.labels[p->ops[i].target];
    }
    return p;
}
