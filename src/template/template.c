#include "template/template.h"

#include "template/chars.h"
#include "template/machine.h"
#include "template/syntax.h"

#include <stdio.h>

struct template {
    str text;
    const struct program *program; // NULL: no tokens, the text is the result
};

static bool parse(struct arena *a, str text, bool is_lenient, struct template **out, struct template_error *e)
{
    struct template *t = ARENA_NEW(a, struct template);
    t->text = arena_str(a, text);
    if (str_find(t->text, STR("#{")) >= 0) {
        struct ast_cell *cells = NULL;
        struct syntax_error error;
        if (!syntax_parse(a, t->text, is_lenient, &cells, &error)) {
            if (e) {
                *e = (struct template_error){ error.offset, error.line, error.column, "" };
                if (error.limit)
                    snprintf(e->text, sizeof e->text, "%s", error.limit);
                else
                    snprintf(e->text, sizeof e->text, "line %u, column %u: expected %s", error.line, error.column, error.expected);
            }
            return false;
        }
        t->program = program_compile(a, t->text, cells);
    }
    *out = t;
    return true;
}

bool template_parse(struct arena *a, str text, struct template **out, struct template_error *e)
{
    return parse(a, text, false, out, e);
}

bool template_parse_lenient(struct arena *a, str text, struct template **out, struct template_error *e)
{
    return parse(a, text, true, out, e);
}

str template_text(const struct template *t)
{
    return t->text;
}

bool template_has_tokens(const struct template *t)
{
    return t->program != NULL;
}

static str describe_missing(struct arena *a, const struct machine *m)
{
    CLEANUP(buf_fini) struct buf text = { 0 };
    buf_add_text(&text, "The following tokens were unable to be evaluated: ");
    for (size_t i = 0; i < m->undefined_count; i++) {
        buf_add_text(&text, i ? ", '" : "'");
        buf_add(&text, m->undefined[i].token);
        buf_add_char(&text, '\'');
    }
    return arena_str(a, buf_str(&text));
}

_Static_assert(sizeof(struct template_range) == sizeof(struct marked_range), "ranges are handed out as they are");
_Static_assert(sizeof(struct template_undefined) == sizeof(struct machine_undefined), "so is the list");
_Static_assert((int)TEMPLATE_FROM_EVENT == (int)MARK_EVENT && (int)TEMPLATE_FROM_SECRET == (int)MARK_SECRET, "and marks");

enum template_outcome template_render(const struct template *t, const struct vars *v, const struct clock *clock, struct arena *a, struct template_result *out)
{
    *out = (struct template_result){ .output = t->text };
    if (!t->program)
        return TEMPLATE_FINE;

    CLEANUP(machine_fini) struct machine m;
    machine_init(&m, a, v, clock_wall_ms(clock));
    if (!machine_run(&m, t->program)) {
        *out = (struct template_result){ .outcome = TEMPLATE_EXCEPTION, .error = m.error };
        return TEMPLATE_EXCEPTION;
    }
    struct marked all = marked_all(&m.out);
    out->output = all.s;
    out->is_null = m.is_null;
    if (m.is_null)
        out->output = (str){ 0 };
    out->ranges = (const void *)all.ranges;
    out->range_count = m.is_null ? 0 : all.range_count;
    if (m.undefined_count) {
        out->outcome = TEMPLATE_MISSING;
        out->undefined = (const void *)m.undefined;
        out->undefined_count = m.undefined_count;
        out->error = describe_missing(a, &m);
    }
    return out->outcome;
}

enum template_verdict template_truthy(const struct template_result *r)
{
    if (r->outcome == TEMPLATE_EXCEPTION)
        return TEMPLATE_NOT_DECIDED;
    if (r->outcome == TEMPLATE_MISSING || r->is_null)
        return TEMPLATE_FALSE;
    str s = chars_trim(r->output);
    bool is_false = !s.n || str_eq(s, STR("0")) || str_eq_nocase(s, STR("no")) || str_eq_nocase(s, STR("false"));
    return is_false ? TEMPLATE_FALSE : TEMPLATE_TRUE;
}

struct listing {
    struct arena *a;
    str *names;
    size_t count, cap;
    struct map seen;
    const struct ast_node **loops;
    size_t loop_count, loop_cap;
    struct template_token *tokens;
    size_t token_count, token_cap;
};

static void listing_fini(struct listing *l)
{
    map_fini(&l->seen);
    free(l->names);
    free(l->loops);
    free(l->tokens);
}

static bool is_loop_variable(const struct listing *l, const struct ast_symbol *symbol)
{
    if (!l->loop_count)
        return false;
    for (size_t i = 0; i < l->loop_count; i++)
        if (chars_eq_nocase(l->loops[i]->each.name, symbol->steps[0].text))
            return true;
    return symbol->count > 2 && str_eq_nocase(symbol->steps[0].text, STR("Octopus")) && str_eq_nocase(symbol->steps[1].text, STR("Template"))
        && str_eq_nocase(symbol->steps[2].text, STR("Each"));
}

static void list_symbol(void *ctx, const struct ast_symbol *symbol)
{
    struct listing *l = ctx;
    if (is_loop_variable(l, symbol))
        return;
    CLEANUP(buf_fini) struct buf name = { 0 };
    ast_print_symbol(&name, symbol);
    if (map_get(&l->seen, buf_str(&name)))
        return;
    map_put(&l->seen, buf_str(&name), l);
    xgrow(&l->names, &l->cap, l->count + 1, sizeof *l->names);
    l->names[l->count++] = arena_str(l->a, buf_str(&name));
}

static void enter_body(void *ctx, const struct ast_node *each)
{
    struct listing *l = ctx;
    xgrow(&l->loops, &l->loop_cap, l->loop_count + 1, sizeof *l->loops);
    l->loops[l->loop_count++] = each;
}

static void leave_body(void *ctx, const struct ast_node *each)
{
    ((struct listing *)ctx)->loop_count--;
}

str *template_references(const struct template *t, struct arena *a, size_t *count)
{
    CLEANUP(listing_fini) struct listing l = { .a = a, .seen = { .is_nocase = true } };
    static const struct ast_visitor visitor = { .symbol = list_symbol, .enter_body = enter_body, .leave_body = leave_body };
    if (t->program)
        ast_walk(t->program->cells, &visitor, &l);
    *count = l.count;
    str *names = ARENA_ARRAY(a, str, l.count);
    if (l.count)
        memcpy(names, l.names, l.count * sizeof *names);
    return names;
}

static void add_token(struct listing *l, enum template_token_kind kind, size_t begin, size_t end)
{
    xgrow(&l->tokens, &l->token_cap, l->token_count + 1, sizeof *l->tokens);
    l->tokens[l->token_count++] = (struct template_token){ kind, (uint32_t)begin, (uint32_t)end };
}

static void token_of_node(void *ctx, const struct ast_node *node)
{
    if (node->type != AST_TEXT)
        add_token(ctx, TEMPLATE_TOKEN_TAG, node->offset, node->end);
}

static void token_of_symbol(void *ctx, const struct ast_symbol *symbol)
{
    add_token(ctx, TEMPLATE_TOKEN_VARIABLE, symbol->offset, symbol->end);
}

static void tokens_of_call(void *ctx, const struct ast_call *call)
{
    add_token(ctx, TEMPLATE_TOKEN_FILTER, call->offset, call->offset + call->name.n);
    for (const struct ast_option *o = call->options; o; o = o->next)
        if (o->node->type == AST_TEXT)
            add_token(ctx, TEMPLATE_TOKEN_OPTION, o->node->offset, o->node->end);
}

static void token_of_loop(void *ctx, const struct ast_node *each)
{
    add_token(ctx, TEMPLATE_TOKEN_VARIABLE, each->each.name_offset, each->each.name_offset + each->each.name.n);
}

static int by_place(const void *a, const void *b)
{
    const struct template_token *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end == y->end ? 0 : x->end > y->end ? -1 : 1;
}

struct template_token *template_tokens(struct arena *a, str text, size_t *count)
{
    CLEANUP(listing_fini) struct listing l = { .a = a };
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    static const struct ast_visitor visitor = { .node = token_of_node, .symbol = token_of_symbol, .call = tokens_of_call, .enter_body = token_of_loop };
    struct ast_cell *cells = NULL;
    struct syntax_error error;
    *count = 0;
    if (!syntax_parse(&scratch, text, true, &cells, &error))
        return NULL;
    ast_walk(cells, &visitor, &l);
    if (!l.token_count)
        return NULL;
    qsort(l.tokens, l.token_count, sizeof *l.tokens, by_place);
    *count = l.token_count;
    struct template_token *tokens = ARENA_ARRAY(a, struct template_token, l.token_count);
    memcpy(tokens, l.tokens, l.token_count * sizeof *tokens);
    return tokens;
}

const char *template_filter_name(size_t index)
{
    const struct filter *filter = filter_at(index);
    return filter ? filter->name : NULL;
}
