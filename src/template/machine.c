#include "template/machine.h"

#include "base/limits.h"
#include "template/chars.h"
#include "template/number.h"
#include "template/syntax.h"

#include <stdio.h>

#define VALUES_AT_FIRST 32
#define ARENA_BYTES_MAX ((size_t)LIMIT_TEMPLATE_OUTPUT_BYTES * 16)

void machine_init(struct machine *m, struct arena *a, const struct vars *vars, int64_t now_ms)
{
    memset(m, 0, sizeof *m);
    m->a = a;
    m->vars = vars;
    m->now_ms = now_ms;
    m->out = (struct marked_out){ .a = a, .max = LIMIT_TEMPLATE_OUTPUT_BYTES };
    m->value_cap = VALUES_AT_FIRST;
    m->values = arena_alloc(a, m->value_cap * sizeof *m->values);
    m->arena_floor = a->bytes;
    m->octopus_hash = chars_hash_nocase(STR("Octopus"));
}

void machine_fini(struct machine *m)
{
    map_fini(&m->undefined_names);
}

bool machine_fail(struct machine *m, const char *fmt, ...)
{
    if (!m->is_failed) {
        va_list args;
        va_start(args, fmt);
        m->error = arena_vprintf(m->a, fmt, args);
        va_end(args);
        m->is_failed = true;
    }
    return false;
}

bool machine_step(struct machine *m, size_t bytes)
{
    m->steps += 1 + bytes / 64;
    if (m->steps > LIMIT_TEMPLATE_STEPS)
        return machine_fail(m, "rendering took more than %d steps: simplify the template or its values", LIMIT_TEMPLATE_STEPS);
    if (m->a->bytes - m->arena_floor > ARENA_BYTES_MAX)
        return machine_fail(m, "rendering took more than %zu MB of memory: simplify the template or its values", ARENA_BYTES_MAX >> 20);
    return !m->is_failed;
}

static bool check_output(struct machine *m)
{
    if (m->out.is_full)
        return machine_fail(m, "the rendered text would be longer than %d MB", LIMIT_TEMPLATE_OUTPUT_BYTES >> 20);
    return true;
}

struct frame *machine_push(struct machine *m)
{
    if (m->frame_count == LIMIT_TEMPLATE_FRAMES) {
        machine_fail(m, "values refer to values more than %d deep", LIMIT_TEMPLATE_FRAMES / 2);
        return NULL;
    }
    struct frame *frame = m->spare;
    if (frame)
        m->spare = frame->below;
    else
        frame = arena_alloc(m->a, sizeof *frame);
    frame->below = m->top;
    m->top = frame;
    m->frame_count++;
    return frame;
}

static void pop_frame(struct machine *m)
{
    struct frame *frame = m->top;
    m->catching_count -= !frame->is_walk && frame->run.catches_recursion;
    m->top = frame->below;
    frame->below = m->spare;
    m->spare = frame;
    m->frame_count--;
}

bool machine_evaluate(struct machine *m, str text, const struct program *program, struct scope *scope, bool is_quiet, bool catches_recursion)
{
    struct frame *frame = machine_push(m);
    if (!frame)
        return false;
    frame->is_walk = false;
    frame->is_quiet = is_quiet;
    frame->run = (struct run){ .program = program,
        .pc = program->ops,
        .own = { .parent = scope, .names = { .kind = BIND_EMPTY } },
        .mark = marked_begin(&m->out),
        .values_floor = m->value_count,
        .captures_floor = m->capture_count,
        .catches_recursion = catches_recursion };
    frame->run.scope = scope ? &frame->run.own : &m->root;
    m->catching_count += catches_recursion;
    return machine_step(m, text.n);
}

const struct program *machine_program(struct machine *m, str text)
{
    if (!m->programs)
        m->programs = ARENA_ARRAY(m->a, struct machine_program, MACHINE_PROGRAMS);
    struct machine_program *slot = &m->programs[((uintptr_t)text.p >> 3 ^ text.n * 31) % MACHINE_PROGRAMS];
    if (slot->text.p == text.p && slot->text.n == text.n && text.p)
        return slot->program;
    struct ast_cell *cells;
    struct syntax_error error;
    slot->text = text;
    slot->program = NULL;
    machine_step(m, text.n * 8);
    if (syntax_parse(m->a, text, false, &cells, &error))
        slot->program = program_compile(m->a, text, cells);
    else if (error.limit)
        machine_fail(m, "a variable's value: %s", error.limit);
    return slot->program;
}

static void push_value(struct machine *m, struct marked value)
{
    if (m->value_count == m->value_cap) {
        struct slot *values = arena_alloc(m->a, m->value_cap * 2 * sizeof *values);
        memcpy(values, m->values, m->value_count * sizeof *values);
        m->values = values;
        m->value_cap *= 2;
    }
    m->values[m->value_count++].value = value;
}

static void push_number(struct machine *m, double number)
{
    push_value(m, (struct marked){ 0 });
    m->values[m->value_count - 1].number = number;
}

static void report(struct machine *m, const struct frame *frame, str token, str reason)
{
    if (frame->is_quiet || map_get(&m->undefined_names, token))
        return;
    map_put(&m->undefined_names, token, m);
    if (m->undefined_count == m->undefined_cap) {
        size_t cap = m->undefined_cap ? m->undefined_cap * 2 : 8;
        struct machine_undefined *grown = arena_alloc(m->a, cap * sizeof *grown);
        if (m->undefined_count)
            memcpy(grown, m->undefined, m->undefined_count * sizeof *grown);
        m->undefined = grown;
        m->undefined_cap = cap;
    }
    m->undefined[m->undefined_count++] = (struct machine_undefined){ token, reason };
}

// A token as it is written back.
static str printed(struct machine *m, const struct ast_node *node, const struct ast_clause *clause, const struct ast_expression *expression)
{
    CLEANUP(buf_fini) struct buf text = { .max = LIMIT_TEMPLATE_OUTPUT_BYTES };
    if (expression)
        ast_print_expression(&text, expression);
    else if (clause)
        ast_print_from_clause(&text, node, clause);
    else
        ast_print_node(&text, node);
    machine_step(m, text.n);
    return arena_str(m->a, buf_str(&text));
}

static void write_back(struct machine *m, const struct frame *frame, const struct ast_node *node, bool is_null_filter, str reason)
{
    str token = printed(m, node, NULL, NULL);
    if (!is_null_filter)
        report(m, frame, token, reason);
    else if (frame->run.is_top)
        m->is_null = true;
    marked_add_str(&m->out, token);
}

// octostache.md section 8.
static bool is_truthy(str s)
{
    if (!s.n || str_eq(s, STR("0")))
        return false;
    str trimmed = chars_trim(s);
    return !str_eq_nocase(trimmed, STR("no")) && !str_eq_nocase(trimmed, STR("false"));
}

static bool run_filter(struct machine *m, const struct op *op)
{
    size_t count = op->call->option_count;
    struct slot *first = &m->values[m->value_count - count];
    struct marked few[8], *options = few;
    if (count > COUNT(few))
        options = ARENA_ARRAY(m->a, struct marked, count);
    size_t bytes = first[-1].value.s.n;
    for (size_t i = 0; i < count; i++) {
        options[i] = first[i].value;
        bytes += options[i].s.n;
    }
    struct filter_call call = { .a = m->a, .argument = first[-1].value, .options = options, .option_count = count, .now_ms = m->now_ms, .max_bytes = LIMIT_TEMPLATE_OUTPUT_BYTES };
    m->value_count -= count + 1;
    struct marked nothing = { 0 };
    enum filter_outcome outcome = FILTER_NOTHING;
    if (op->filter && (call.argument.is_defined || op->filter->takes_undefined))
        outcome = op->filter->run(&call);
    if (outcome == FILTER_EXCEPTION)
        return machine_fail(m, "filter %.*s: %.*s", STR_ARG(op->call->name), STR_ARG(call.error));
    push_value(m, outcome == FILTER_VALUE ? call.result : nothing);
    return machine_step(m, bytes + (outcome == FILTER_VALUE ? call.result.s.n : 0));
}

static double calculate(char operator, double left, double right)
{
    switch (operator) {
    case '+':
        return left + right;
    case '-':
        return left - right;
    case '*':
        return left * right;
    default:
        return left / right;
    }
}

static bool begin_loop(struct machine *m, struct run *run, const struct op *op, bool found, const struct bind *list)
{
    struct bind *items = NULL;
    uint32_t count = 0;
    if (found && !walk_items(m, list, &items, &count))
        return false;
    if (!count) {
        run->pc = &run->program->ops[op->target];
        return true;
    }
    if (str_eq_nocase(op->node->each.name, STR("Octopus")))
        return machine_fail(m, "ArgumentException: a loop's variable can not be named %.*s", STR_ARG(op->node->each.name));
    struct loop *loop = ARENA_NEW(m->a, struct loop);
    *loop = (struct loop){ .outer = run->loop, .name = op->node->each.name, .name_hash = op->node->each.name_hash, .items = items, .count = count };
    loop->scope.parent = run->scope;
    loop->scope.names = (struct bind){ .kind = BIND_LOOP, .loop = loop };
    run->loop = loop;
    run->scope = &loop->scope;
    run->pc++;
    return true;
}

static void next_item(struct run *run, const struct op *op)
{
    struct loop *loop = run->loop;
    if (++loop->index < loop->count) {
        run->pc = &run->program->ops[op->target];
        return;
    }
    run->scope = loop->scope.parent;
    run->loop = loop->outer;
    run->pc++;
}

static bool begin_capture(struct machine *m)
{
    if (m->capture_count == m->capture_cap) {
        size_t cap = m->capture_cap ? m->capture_cap * 2 : 8;
        struct marked_mark *grown = arena_alloc(m->a, cap * sizeof *grown);
        if (m->capture_count)
            memcpy(grown, m->captures, m->capture_count * sizeof *grown);
        m->captures = grown;
        m->capture_cap = cap;
    }
    m->captures[m->capture_count++] = marked_begin(&m->out);
    return true;
}

// The symbol that the operation at hand asked for.
static bool take_symbol(struct machine *m, struct frame *frame, bool found, const struct bind *b, str reason)
{
    struct run *run = &frame->run;
    const struct op *op = run->pc;
    struct marked value = { 0 };
    if (op->code == OP_EACH)
        return begin_loop(m, run, op, found, b);
    if (found && !walk_text(m, b, &value))
        return false;
    run->pc++;
    switch (op->code) {
    case OP_VARIABLE:
        if (value.is_defined)
            marked_add(&m->out, &value);
        else
            write_back(m, frame, op->node, false, reason);
        return check_output(m) && machine_step(m, value.s.n);
    case OP_LOAD:
        if (!value.is_defined && op->is_lenient)
            value = marked_plain(STR(""));
        push_value(m, value);
        return true;
    default: { // OP_NUMBER_LOAD
        double number;
        if (value.is_defined && number_read_double(value.s, &number)) {
            push_number(m, number);
        } else {
            m->value_count -= op->count;
            run->pc = &run->program->ops[op->target];
        }
        return true;
    }
    }
}

static bool is_equal(struct machine *m)
{
    str right = m->values[--m->value_count].value.s, left = m->values[--m->value_count].value.s;
    return str_eq(left, right);
}

// Runs until a symbol is asked for (true, with a walk on top), the program ends (*is_over), or it fails.
static bool run_program(struct machine *m, struct frame *frame, bool *is_over)
{
    struct run *run = &frame->run;
    struct marked value;
    *is_over = false;
    for (;;) {
        if (++m->steps > LIMIT_TEMPLATE_STEPS)
            return machine_step(m, 0);
        const struct op *op = run->pc;
        switch ((enum op_code)op->code) {
        case OP_TEXT:
            marked_add_str(&m->out, op->text);
            m->steps += op->text.n / 64;
            break;
        case OP_LOAD:
            if (!op->symbol->count) {
                push_value(m, (struct marked){ 0 });
                break;
            }
            if (walk_quickly(m, op->symbol, run->scope, &value)) {
                push_value(m, value);
                break;
            }
            return walk_start(m, op->symbol, run->scope, WANT_TEXT, frame->is_quiet);
        case OP_VARIABLE:
            if (walk_quickly(m, op->symbol, run->scope, &value)) {
                marked_add(&m->out, &value);
                m->steps += value.s.n / 64;
                break;
            }
            return walk_start(m, op->symbol, run->scope, WANT_TEXT, frame->is_quiet);
        case OP_NUMBER_LOAD:
            return walk_start(m, op->symbol, run->scope, WANT_TEXT, frame->is_quiet);
        case OP_EACH:
            return walk_start(m, op->symbol, run->scope, WANT_LIST, frame->is_quiet);
        case OP_PUSH:
            push_value(m, marked_plain(op->text));
            break;
        case OP_CAPTURE:
            begin_capture(m);
            break;
        case OP_CAPTURED:
            push_value(m, marked_take(&m->out, m->captures[--m->capture_count]));
            break;
        case OP_FILTER:
            if (!run_filter(m, op))
                return false;
            break;
        case OP_WRITE:
            value = m->values[--m->value_count].value;
            if (value.is_defined)
                marked_add(&m->out, &value);
            else
                write_back(m, frame, op->node, op->is_null_filter, (str){ 0 });
            break;
        case OP_NEED:
            if (!m->values[m->value_count - 1].value.is_defined) {
                m->value_count -= op->count;
                marked_add_str(&m->out, printed(m, op->node, op->clause, NULL));
                report(m, frame, printed(m, NULL, NULL, op->expression), (str){ 0 });
                run->pc = &run->program->ops[op->target];
                continue;
            }
            break;
        case OP_IF_TRUE:
            if (!is_truthy(m->values[--m->value_count].value.s)) {
                run->pc = &run->program->ops[op->target];
                continue;
            }
            break;
        case OP_IF_EQUAL:
            if (is_equal(m) == op->is_negated) {
                run->pc = &run->program->ops[op->target];
                continue;
            }
            break;
        case OP_JUMP:
            run->pc = &run->program->ops[op->target];
            continue;
        case OP_NEXT:
            next_item(run, op);
            continue;
        case OP_NUMBER:
            push_number(m, op->number);
            break;
        case OP_CALCULATE: {
            double right = m->values[--m->value_count].number;
            struct slot *left = &m->values[m->value_count - 1];
            left->number = calculate(op->operator, left->number, right);
            break;
        }
        case OP_WRITE_NUMBER: {
            char text[NUMBER_DOUBLE_BYTES];
            marked_add_str(&m->out, number_write_double(text, m->values[--m->value_count].number));
            break;
        }
        case OP_WRITE_BACK:
            marked_add_str(&m->out, printed(m, op->node, NULL, NULL));
            break;
        case OP_END:
            *is_over = true;
            return true;
        }
        run->pc++;
        if (m->out.is_full)
            return check_output(m);
        if (m->is_failed)
            return false;
    }
}

// After a recursion: back to the evaluation that tolerates one (of a text that may be JSON).
static bool unwind(struct machine *m)
{
    if (!m->is_recursion || !m->catching_count)
        return false;
    for (bool is_done = false; !is_done;) {
        struct frame *frame = m->top;
        if (frame->is_walk) {
            walk_drop(&frame->walk);
        } else {
            is_done = frame->run.catches_recursion;
            m->value_count = frame->run.values_floor;
            while (m->capture_count > frame->run.captures_floor)
                marked_take(&m->out, m->captures[--m->capture_count]);
            marked_take(&m->out, frame->run.mark);
        }
        pop_frame(m);
    }
    m->is_failed = m->is_recursion = false;
    walk_take_value(&m->top->walk, true, (struct marked){ 0 });
    return true;
}

static bool step_walk(struct machine *m, struct frame *frame)
{
    bool found = false;
    struct bind result = { 0 };
    switch (walk_run(m, frame, &found, &result)) {
    case WALK_FAILED:
        return false;
    case WALK_WAITS:
        return true;
    case WALK_DONE:
        break;
    }
    str reason = frame->walk.reason;
    pop_frame(m);
    struct frame *below = m->top;
    if (!below->is_walk)
        return take_symbol(m, below, found, &result, reason);
    struct marked text = { 0 };
    if (found && !walk_text(m, &result, &text))
        return false;
    walk_take_index(&below->walk, found, &text);
    return true;
}

bool machine_run(struct machine *m, const struct program *program)
{
    if (vars_is_broken(m->vars))
        return machine_fail(m, "NotImplementedException: the name of a variable has an index in #{...}");
    if (!machine_evaluate(m, program->text, program, NULL, false, false))
        return false;
    m->top->run.is_top = true;
    for (;;) {
        struct frame *frame = m->top;
        bool is_over = false, is_fine = frame->is_walk ? step_walk(m, frame) : run_program(m, frame, &is_over);
        if (!is_fine || m->is_failed) {
            if (!unwind(m))
                return false;
            continue;
        }
        if (!is_over)
            continue;
        if (frame->run.is_top)
            return true;
        struct marked value = marked_take(&m->out, frame->run.mark);
        pop_frame(m);
        machine_step(m, value.s.n);
        walk_take_value(&m->top->walk, false, value);
    }
}
