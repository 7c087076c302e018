#include "tests/harness/check.h"

#include "template/program.h"
#include "template/syntax.h"

static struct arena a;

// One letter for each operation.
static str compiled(const char *text)
{
    struct ast_cell *cells = NULL;
    struct syntax_error e;
    if (!syntax_parse(&a, str_from(text), false, &cells, &e))
        return STR("!");
    struct program *p = program_compile(&a, str_from(text), cells);
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (uint32_t i = 0; i < p->count; i++) {
        enum op_code code = (enum op_code)p->ops[i].code;
        buf_add_char(&out, "TVLP<>FWNI=JE^#lc$B."[code]);
        if (strchr("NI=JE^l", "TVLP<>FWNI=JE^#lc$B."[code]))
            buf_printf(&out, "%u", p->ops[i].target);
    }
    return arena_str(&a, buf_str(&out));
}

TEST(operations)
{
    static const struct { const char *text, *want; } rows[] = {
        { "a#{B}c", "TVT." },
        { "#{B | F x #{C}}", "LP<V>FW." },
        { "#{if A}x#{else}y#{/if}", "LI4TJ5T." },
        { "#{if A}x#{elseif B}y#{/if}z", "LI4TJ8LI8TJ8T." },
        { "#{unless A}x#{/unless}", "LI3J4T." },
        { "#{if A | F == \"q\"}x#{/if}", "LFN7P=7TJ7." },
        { "#{each x in L}#{x}#{/each}", "E3V^1." },
        { "#{calc A+2}", "l5#c$J6B." },
        { "", "." },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].text, compiled(rows[i].text), str_from(rows[i].want));
}

TEST(jumps_stay_within_the_program)
{
    struct ast_cell *cells = NULL;
    struct syntax_error e;
    CLEANUP(buf_fini) struct buf text = { 0 };
    for (int i = 0; i < 80; i++)
        buf_add_text(&text, i % 2 ? "#{if A == B}#{C | F #{D}}" : "#{each x in L}#{calc A+1}");
    for (int i = 79; i >= 0; i--)
        buf_add_text(&text, i % 2 ? "#{else}e#{/if}" : "#{/each}");
    REQUIRE("deep nesting parses", syntax_parse(&a, buf_str(&text), false, &cells, &e));
    struct program *p = program_compile(&a, buf_str(&text), cells);
    int64_t wrong = 0;
    for (uint32_t i = 0; i < p->count; i++)
        wrong += p->ops[i].target >= p->count;
    CHECK_INT("all of them", wrong, 0);
    CHECK_INT("ends", p->ops[p->count - 1].code, OP_END);
}

TEST_MAIN()
