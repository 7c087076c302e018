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
    // What most templates need, without asking for memory.
    struct task few_tasks[24];
    struct op few_ops[24];
    uint32_t few_labels[16];
};

static void compiler_fini(struct compiler *c)
{
    if (c->tasks != c->few_tasks)
        free(c->tasks);
    if (c->ops != c->few_ops)
        free(c->ops);
    if (c->labels != c->few_labels)
        free(c->labels);
}

// xgrow, from an array that began within the compiler.
static void grow(void *items, size_t *cap, size_t need, size_t item_bytes, const void *few)
{
    void *p;
    memcpy(&p, items, sizeof p);
    if (need <= *cap)
        return;
    if (p == few) {
        p = memcpy(xmalloc(*cap * 2 * item_bytes), few, *cap * item_bytes);
        *cap *= 2;
    } else {
        xgrow(&p, cap, need, item_bytes);
    }
    memcpy(items, &p, sizeof p);
}

static struct task *push(struct compiler *c, enum task_kind kind, const void *what)
{
    if (c->task_count == c->task_cap)
        grow(&c->tasks, &c->task_cap, c->task_count + 1, sizeof *c->tasks, c->few_tasks);
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
    grow(&c->labels, &c->label_cap, c->label_count + 1, sizeof *c->labels, c->few_labels);
    return (uint32_t)c->label_count++;
}

static void emit(struct compiler *c, struct op op)
{
    if (c->op_count == c->op_cap)
        grow(&c->ops, &c->op_cap, c->op_count + 1, sizeof *c->ops, c->few_ops);
    c->ops[c->op_count++] = op;
}

static void hash_steps(struct ast_symbol *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->steps[i].kind != AST_INDEX_SYMBOL)
            s->steps[i].hash = chars_hash_nocase(s->steps[i].text);
}

static void finish_symbol(struct compiler *c, struct ast_symbol *symbol)
{
    hash_steps(symbol);
    // Indexes within indexes: their symbols wait in the task stack.
    size_t floor = c->task_count;
    for (const struct ast_symbol *s = symbol;;) {
        for (uint32_t i = 0; i < s->count; i++)
            if (s->steps[i].kind == AST_INDEX_SYMBOL) {
                hash_steps(s->steps[i].symbol);
                push(c, TASK_NODE, s->steps[i].symbol);
            }
        if (c->task_count == floor)
            return;
        s = c->tasks[--c->task_count].what;
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

static void compile_each(struct compiler *c, struct ast_node *node)
{
    node->each.name_hash = chars_hash_nocase(node->each.name);
    uint32_t body = new_label(c), end = new_label(c);
    finish_symbol(c, node->each.collection);
    emit(c, (struct op){ .code = OP_EACH, .symbol = node->each.collection, .node = node, .target = end });
    push_label(c, end);
    push_op(c, (struct op){ .code = OP_NEXT, .target = body });
    push(c, TASK_CELLS, node->each.body);
    push_label(c, body);
}

static void compile_node(struct compiler *c, struct ast_node *node)
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
        compile_node(c, (struct ast_node *)(uintptr_t)t.what);
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
    CLEANUP(compiler_fini) struct compiler c;
    c.a = a;
    c.text = text;
    c.tasks = c.few_tasks;
    c.task_cap = COUNT(c.few_tasks);
    c.ops = c.few_ops;
    c.op_cap = COUNT(c.few_ops);
    c.labels = c.few_labels;
    c.label_cap = COUNT(c.few_labels);
    c.task_count = c.op_count = c.label_count = 0;
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
        enum op_code code = (enum op_code)p->ops[i].code;
        if (code == OP_NEED || code == OP_IF_TRUE || code == OP_IF_EQUAL || code == OP_JUMP || code == OP_EACH || code == OP_NEXT || code == OP_NUMBER_LOAD)
            p->ops[i].target = c.labels[p->ops[i].target];
    }
    return p;
}
