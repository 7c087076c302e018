#include "tests/harness/check.h"

#include "base/limits.h"
#include "sys/clock.h"
#include "template/syntax.h"

static struct arena a;

// The tokens as they are written back: what the parser understood.
static str understood(str text, bool is_lenient)
{
    struct ast_cell *cells = NULL;
    struct syntax_error e;
    if (!syntax_parse(&a, text, is_lenient, &cells, &e))
        return STR("!");
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (; cells; cells = cells->next) {
        ast_print_node(&out, cells->node);
        buf_add_char(&out, '|');
    }
    return arena_str(&a, buf_str(&out));
}

TEST(tokens)
{
    static const struct { const char *text, *want; } rows[] = {
        { "a #{ A . b [ 0] } c", "a |#{A.b[0]}| c|" },
        { "##{A} ###{A} ####{A}", "##{A} #|#{A}| ####{A}|" },
        { "#{A|F x \"y z\" \\\"#{q}\\\"}", "#{A | F \"x\" \"y z\" \"##{q}\"}|" },
        { "#{if A}x#{/if}", "#{if A}x#{/if}|" },
        { "#{if A}x#{elseif B == \"1\"}y#{else}z#{/if}", "#{if A}x#{else}#{if B == \"1\" }y#{else}z#{/if}#{/if}|" },
        { "#{unless A}x#{else}y#{/unless}", "#{if A}y#{else}x#{/if}|" },
        { "#{each x in L[#{ I }].M}#{x}#{/each}", "#{each x in L[#{I}].M}#{x}#{/each}|" },
        { "#{calc {A}-1.50*(B+2)}", "#{A-1.5*B+2}|" },
        { "#{if A}x", "#{if A}|x|" },
        { "#{else}", "#{else}|" },
        { "#{A | Append #{n}#{n} x}", "#{A | Append #{n} #{n} \"x\"}|" },
        { "#{A | Append #{n} #{n}}", "!" },
        { "#{A!}", "!" },
        { "#{A.}", "!" },
        { "#{P[b] .V}", "!" },
        { "#{if \"a\" == \"b\"}x#{/if}", "!" },
        { "#{#{A}}", "!" },
        { "x#{/if}", "!" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].text, understood(str_from(rows[i].text), false), str_from(rows[i].want));
}

TEST(what_does_not_parse_is_text_where_errors_do_not_halt)
{
    static const struct { const char *text, *want; } rows[] = {
        { "#{A} #{ #{B}", "#{A}| |##{ |#{B}|" },
        { "#{A!}#{B}", "##{A|!}|#{B}|" },
        { "#{each x in A}#{x} #{B}", "##{each x in A}##{x} ##{B}|" },
        { "#{#{A}}", "##{|#{A}|}|" },
        { "#{/if} #{B}", "#|{/if} |#{B}|" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].text, understood(str_from(rows[i].text), true), str_from(rows[i].want));
}

TEST(names_of_variables)
{
    static const struct { const char *name; int64_t steps; } rows[] = { { "A.B[c]", 3 }, { "Foo!Bar", 1 }, { "Stand in queue", 1 }, { " Padded ", 1 }, { "Trail.", 1 }, { "Br[", 1 }, { "$x", 0 }, { "", 0 }, { "A[#{B}].C", 3 } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ast_symbol *s;
        bool ok = syntax_name(&a, str_from(rows[i].name), &s);
        CHECK_INT(rows[i].name, ok ? s->count : 0, rows[i].steps);
    }
}

static str repeated(const char *piece, size_t n, const char *end)
{
    CLEANUP(buf_fini) struct buf text = { 0 };
    for (size_t i = 0; i < n; i++)
        buf_add_text(&text, piece);
    buf_add_text(&text, end);
    return arena_str(&a, buf_str(&text));
}

// The reference takes exponential time on the first of these. No claim on time but that the test ends.
TEST(nothing_takes_more_than_linear_time)
{
    static const struct { const char *piece, *end; } rows[] = {
        { "#{if A}", "" }, { "#{if A}x#{else}", "" }, { "#{each x in L}", "" }, { "#{A[", "" }, { "#{A[#{", "" }, { "[", "" }, { "#{A[ [", "]" }, { "#{A | F ", "" }, { "#{A | F \\\"", "" }, { "#{A | F #{", "}" },
        { "#{calc (", "1" }, { "#{calc 1+", "" }, { "##", "#{A}" }, { "#{if A == \"", "" }, { "#{if A}#{elseif B}", "" }, { "#{unless A}#{if B}", "#{/if}" }, { "#{", "" }, { "}", "" }, { "#{A.", "b}" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena scratch = { 0 };
        struct ast_cell *cells = NULL;
        struct syntax_error e;
        str text = repeated(rows[i].piece, 20000, rows[i].end);
        bool strict = syntax_parse(&scratch, text, false, &cells, &e);
        bool lenient = syntax_parse(&scratch, text, true, &cells, &e);
        CHECK(rows[i].piece, lenient || e.limit || !strict);
    }
}

TEST(nesting_has_a_limit)
{
    struct ast_cell *cells;
    struct syntax_error e;
    CLEANUP(buf_fini) struct buf text = { 0 };
    for (int i = 0; i < LIMIT_TEMPLATE_DEPTH + 1; i++)
        buf_add_text(&text, "#{if A}");
    for (int i = 0; i < LIMIT_TEMPLATE_DEPTH + 1; i++)
        buf_add_text(&text, "#{/if}");
    CHECK("is refused", !syntax_parse(&a, buf_str(&text), false, &cells, &e) && e.limit);
    CHECK("also where errors do not halt", !syntax_parse(&a, buf_str(&text), true, &cells, &e) && e.limit);
    str longest = repeated("x", LIMIT_TEMPLATE_BYTES + 1, "");
    CHECK("so is a text that is too long", !syntax_parse(&a, longest, false, &cells, &e) && e.limit);
    CHECK("a chain of elseif is no nesting", understood(repeated("#{elseif A}", 5000, "#{/if}"), false).n && str_starts(understood(arena_concat(&a, STR("#{if A}"), repeated("#{elseif A}", 300, "#{/if}")), false), STR("#{if A}")));
}

TEST_MAIN()
