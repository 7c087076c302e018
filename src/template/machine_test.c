#include "template/check_rows.h"

#include "base/limits.h"

TEST(values_are_templates)
{
    static const struct row rows[] = {
        { "a value of a value", "#{G}", "{\"G\":\"Hi #{W}\",\"W\":\"World\"}", "Hi World" },
        { "escapes in values are undone", "#{E}", "{\"E\":\"##{W}\"}", "#{W}" },
        { "a value that does not parse is used as it is", "#{B}", "{\"B\":\"x#{if y\"}", "x#{if y" },
        { "a loop variable is not seen by a global value", "#{each i in L}#{U}#{/each}", "{\"L\":\"a\",\"i\":\"outer\",\"U\":\"<#{i}>\"}", "<outer>" },
        { "but by the item's own members", "#{each x in P}#{x.T}#{/each}", "{\"P[a].T\":\"#{Octopus.Template.Each.Index}#{x}\"}", "0a" },
        { "lists are evaluated twice", "#{each q in L}[#{q}]#{/each}", "{\"L\":\"##{W},b\",\"W\":\"World\"}", "[World][b]" },
        { "an undefined condition leaves its block", "#{if No}1#{elseif Nope | F}2#{else}3#{/if}", "{\"No\":\"no\"}", "#{if Nope | F}2#{else}3#{/if}" },
        { "calc that fails is written back", "#{calc Nope + 1}|#{calc 1/0}|#{calc 7/2}", "{}", "#{Nope+1}|Infinity|3.5" },
        { "a loop named as its own scope", "#{each Octopus in L}x#{/each}", "{\"L\":\"a\"}", NULL },
    };
    CHECK_ROWS(rows);
}

TEST(recursion_is_found)
{
    static const struct row rows[] = {
        { "at once", "#{A}", "{\"A\":\"#{A}\"}", NULL },
        { "in a circle", "#{A}", "{\"A\":\"#{B}\",\"B\":\"#{C}\",\"C\":\"#{A}\"}", NULL },
        { "through a block", "#{A}", "{\"A\":\"#{if A}x#{/if}\"}", NULL },
        { "through an option", "#{A}", "{\"A\":\"#{N | Append #{A}}\"}", NULL },
        { "through an index", "#{A}", "{\"A\":\"#{M[#{A}]}\",\"M[x]\":\"1\"}", NULL },
        { "not in a branch that is not taken", "#{if W}ok#{else}#{A}#{/if}", "{\"A\":\"#{A}\",\"W\":\"1\"}", "ok" },
        { "nor twice beside each other", "#{A}#{A}", "{\"A\":\"#{B}#{B}\",\"B\":\"b\"}", "bbbb" },
        { "in text that might be JSON it is no JSON", "#{A.x}|#{B}", "{\"A\":\"{#{A}}\",\"B\":\"b\"}", "#{A.x}|b" },
    };
    CHECK_ROWS(rows);
    struct template_result r = rows_render("#{Ping}", rows_vars("{\"Ping\":\"#{Pong}\",\"Pong\":\"#{Ping}\"}"));
    CHECK("the chain is told", str_find(r.error, STR("Ping -> Pong -> Ping")) >= 0);
}

static struct vars *doubling(int levels)
{
    struct vars *v = vars_new(&rows_arena);
    for (int i = 0; i < levels; i++)
        vars_set_text(v, arena_printf(&rows_arena, "V%d", i), arena_printf(&rows_arena, "#{V%d}#{V%d}", i + 1, i + 1), PROVENANCE_TEMPLATE);
    vars_set_text(v, arena_printf(&rows_arena, "V%d", levels), STR("0123456789"), PROVENANCE_TEMPLATE);
    return v;
}

TEST(limits_end_what_would_not_end)
{
    static const struct { const char *claim, *template, *says; } rows[] = {
        { "a value that doubles forty times", "#{V0}", NULL },
        { "loops within loops", "#{each a in L}#{each b in L}#{each c in L}#{each d in L}#{each e in L}x#{/each}#{/each}#{/each}#{/each}#{/each}", "steps" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        arena_reset(&rows_arena);
        struct vars *v = doubling(40);
        CLEANUP(buf_fini) struct buf list = { 0 };
        for (int n = 0; n < 200; n++)
            buf_add_text(&list, "x,");
        vars_set_text(v, STR("L"), arena_str(&rows_arena, buf_str(&list)), PROVENANCE_TEMPLATE);
        struct template_result r = rows_render(rows[i].template, v);
        CHECK_INT(rows[i].claim, r.outcome, TEMPLATE_EXCEPTION);
        CHECK(rows[i].claim, !rows[i].says || str_find(r.error, str_from(rows[i].says)) >= 0);
    }
    arena_reset(&rows_arena);
    struct vars *v = vars_new(&rows_arena);
    for (int i = 0; i < LIMIT_TEMPLATE_FRAMES; i++)
        vars_set_text(v, arena_printf(&rows_arena, "V%d", i), arena_printf(&rows_arena, "#{V%d}", i + 1), PROVENANCE_TEMPLATE);
    struct template_result r = rows_render("#{V0}", v);
    CHECK_INT("values of values of values", r.outcome, TEMPLATE_EXCEPTION);
    CHECK("say how deep", str_find(r.error, STR("deep")) >= 0);
    CHECK_STR("a hundred are fine", rows_render("#{V0}", doubling(0)).output, STR("0123456789"));
}

// Each evaluation for JSON tolerates the recursion above it, so every order of the tokens is tried. Found by the fuzzer.
TEST(recursion_in_what_might_be_json_ends)
{
    CLEANUP(buf_fini) struct buf value = { 0 };
    for (int i = 0; i < 40; i++)
        buf_add_text(&value, "{#{A.b}#{A.b.c}");
    struct vars *v = vars_new(&rows_arena);
    vars_set_text(v, STR("A"), buf_str(&value), PROVENANCE_TEMPLATE);
    struct template_result r = rows_render("#{A.b}", v);
    CHECK_INT("over the limit of steps", r.outcome, TEMPLATE_EXCEPTION);
    CHECK("and says so", str_find(r.error, STR("steps")) >= 0);
}

TEST(missing_tokens_are_listed_once)
{
    struct template_result r = rows_render("#{B} #{A} #{B} #{V} #{if C | F}x#{/if}", rows_vars("{\"V\":\"<#{D}>\"}"));
    CHECK_STR("in order", r.error, STR("The following tokens were unable to be evaluated: '#{B}', '#{A}', '#{D}', 'C | F'"));
    CHECK_INT("as a list, too", (int64_t)r.undefined_count, 4);
    CHECK_INT("which is no exception", r.outcome, TEMPLATE_MISSING);
}

TEST_MAIN()
