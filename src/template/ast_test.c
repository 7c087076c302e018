#include "tests/harness/check.h"

#include "template/syntax.h"

static struct arena a;

static struct ast_cell *parsed(const char *text)
{
    struct ast_cell *cells = NULL;
    struct syntax_error e;
    if (!syntax_parse(&a, str_from(text), false, &cells, &e))
        fail_msg("%s", text);
    return cells;
}

TEST(a_clause_is_written_back_as_a_block_of_its_own)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    const struct ast_node *node = parsed("#{if A}1#{elseif B | F}2#{elseif C != D}3#{else}4#{/if}")->node;
    ast_print_from_clause(&out, node, node->conditional.clauses->next);
    CHECK_STR("from the second on", buf_str(&out), STR("#{if B | F}2#{else}#{if C != D }3#{else}4#{/if}#{/if}"));
    buf_clear(&out);
    ast_print_expression(&out, node->conditional.clauses->next->left);
    CHECK_STR("its condition", buf_str(&out), STR("B | F"));
    buf_clear(&out);
    ast_print_symbol(&out, node->conditional.clauses->left->symbol);
    CHECK_STR("a symbol", buf_str(&out), STR("A"));
}

TEST(printing_stops_at_the_maximum)
{
    CLEANUP(buf_fini) struct buf out = { .max = 4 };
    ast_print_node(&out, parsed("#{A | F x y z}")->node);
    CHECK("is full", out.is_full);
    CHECK("and not beyond", out.n <= 4);
}

struct seen {
    struct buf text;
};

static void on_node(void *ctx, const struct ast_node *node)
{
    buf_add_char(ctx, "TSCEK"[node->type]);
}

static void on_symbol(void *ctx, const struct ast_symbol *symbol)
{
    buf_add_char(ctx, '=');
    ast_print_symbol(ctx, symbol);
    buf_add_char(ctx, ' ');
}

static void on_call(void *ctx, const struct ast_call *call)
{
    buf_add_char(ctx, '|');
    buf_add(ctx, call->name);
}

static void on_body(void *ctx, const struct ast_node *each)
{
    buf_add_char(ctx, '(');
}

static void on_end(void *ctx, const struct ast_node *each)
{
    buf_add_char(ctx, ')');
}

static void on_clause(void *ctx, const struct ast_clause *clause)
{
    buf_add_char(ctx, '?');
}

TEST(walking_visits_all_in_the_order_of_the_text)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    static const struct ast_visitor visitor = { on_node, on_clause, on_symbol, on_call, on_body, on_end };
    ast_walk(parsed("t#{A[#{B}] | F #{C}| G}#{if D == E}#{calc H+I}#{elseif J}#{else}#{each k in L}#{k}#{/each}#{/if}"), &visitor, &out);
    CHECK_STR("each once", buf_str(&out), STR("TS=A[#{B}] =B |FS=C |GC?=D =E K=H =I ?=J E=L (S=k )"));
    ast_walk(NULL, &visitor, NULL);
}

TEST_MAIN()
