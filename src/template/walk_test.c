#include "template/check_rows.h"

TEST(indexes)
{
    static const struct row rows[] = {
        { "by text, in any case", "#{p[B].v} #{P[b]}", "{\"P[b].V\":\"1\"}", "1 b" },
        { "by a symbol", "#{P[#{K}].V}|#{P[ #{ K } ].V}|#{P[#{R}].V}", "{\"P[b].V\":\"1\",\"K\":\"B\",\"R\":\"#{K}\"}", "1|1|1" },
        { "by a symbol that has an index", "#{P[#{M[#{K}]}].V}", "{\"P[b].V\":\"1\",\"M[k]\":\"b\",\"K\":\"k\"}", "1" },
        { "the first", "#{P[*].V} #{P[*]}", "{\"P[z].V\":\"1\",\"P[a].V\":\"2\"}", "1 z" },
        { "an undefined one", "#{P[#{N}].V}", "{\"P[b].V\":\"1\"}", "#{P[#{N}].V}" },
        { "one with brackets", "#{P[r[0].i].V}", "{\"P[r[0].i].V\":\"1\"}", "1" },
        { "the empty one", "#{E[]}", "{\"E[]\":\"none\"}", "none" },
    };
    CHECK_ROWS(rows);
}

TEST(json_text)
{
    static const struct row rows[] = {
        { "members by exact name, elements by number", "#{J.name} #{J[NAME]}| #{J.l[1]} #{J.l.0}", "{\"J\":\"{\\\"name\\\":\\\"web\\\",\\\"l\\\":[1,2]}\"}", "web | 2 1" },
        { "absent is empty, but has no members", "[#{J.a}] #{J.a.b}", "{\"J\":\"{}\"}", "[] #{J.a.b}" },
        { "numbers, booleans, dates", "#{J[0]} #{J[1]} #{J[2]}", "{\"J\":\"[1.10,true,\\\"2023-07-04T10:20:30Z\\\"]\"}", "1.1 True 07/04/2023 10:20:30" },
        { "parts are JSON again", "#{J.o} #{J.o.x.y}", "{\"J\":\"{\\\"o\\\":{\\\"x\\\":{\\\"y\\\":1.0}}}\"}", "{\"x\":{\"y\":1.0}} 1" },
        { "its strings are templates", "#{J.t}", "{\"J\":\"{\\\"t\\\":\\\"<#{W}>\\\"}\",\"W\":\"me\"}", "<me>" },
        { "and its text is one first", "#{J.v}", "{\"J\":\"{\\\"v\\\":#{N}}\",\"N\":\"5\"}", "5" },
        { "JSON within a string", "#{J.s.k}", "{\"J\":\"{\\\"s\\\":\\\"{\\\\\\\"k\\\\\\\":1}\\\"}\"}", "1" },
        { "a variable wins", "#{J.a}", "{\"J\":\"{\\\"a\\\":1}\",\"J.a\":\"2\"}", "2" },
        { "no members of a scalar", "#{S.x}", "{\"S\":\"5\"}", "#{S.x}" },
        { "a negative index throws", "#{J[-1]}", "{\"J\":\"[1]\"}", NULL },
        { "so does a number beyond 64 bits", "#{J[0]}", "{\"J\":\"[9223372036854775808]\"}", NULL },
    };
    CHECK_ROWS(rows);
}

TEST(lists)
{
    static const struct row rows[] = {
        { "commas", "#{each i in L}[#{i}]#{/each}", "{\"L\":\"a, b,,c\"}", "[a][ b][][c]" },
        { "the empty text is one item", "#{each i in E}[#{i}]#{/each}", "{\"E\":\"\"}", "[]" },
        { "nothing", "#{each i in N}x#{/each}|", "{}", "|" },
        { "JSON arrays", "#{each i in J}[#{i}]#{/each}", "{\"J\":\"[1,\\\"x\\\",null,{\\\"k\\\":\\\"v\\\"}]\"}", "[1][x][][{\"k\":\"v\"}]" },
        { "JSON objects", "#{each i in J}#{i}:#{i.KEY}=#{i.value};#{/each}", "{\"J\":\"{\\\"a\\\":1,\\\"b\\\":{\\\"m\\\":2}}\"}", "a:a=1;b:b={\"m\":2};" },
        { "indexes, in the order of definition", "#{each i in P}#{i}/#{i.Port};#{/each}", "{\"P[web].Port\":\"80\",\"P[db].Port\":\"1\"}", "web/80;db/1;" },
        { "a value of its own comes first", "#{each i in Q}[#{i}]#{/each}", "{\"Q\":\"own,val\",\"Q[1].V\":\"x\"}", "[own][val]" },
        { "unless it does not parse", "#{each i in Q}[#{i}]#{/each}", "{\"Q\":\"own#{,val\",\"Q[1].V\":\"x\"}", "[1]" },
        { "an index is no list", "#{each g in G}(#{each h in g}#{h}#{/each})#{/each}", "{\"G[a][x]\":\"1\",\"G[a][y]\":\"2\"}", "(a)" },
        { "loops within loops", "#{each m in M}#{each s in m.S}#{s}=#{s.V} #{/each}#{/each}", "{\"M[a].S[x].V\":\"1\",\"M[a].S[y].V\":\"2\"}", "x=1 y=2 " },
        { "what an item lacks is looked up outside", "#{each x in P}#{x.Port};#{/each}", "{\"P[web].Port\":\"80\",\"P[db]\":\"d\",\"x.Port\":\"f\"}", "80;f;" },
        { "where it stands", "#{each i in L}#{Octopus.Template.Each.Index}#{octopus.template.each.FIRST}#{Octopus.Template.Each.Last} #{/each}#{Octopus.Template.Each.Index}", "{\"L\":\"a,b\"}",
            "0TrueFalse 1FalseTrue #{Octopus.Template.Each.Index}" },
        { "other names of Octopus are seen", "#{each i in L}#{Octopus.Env}#{/each}", "{\"L\":\"a\",\"Octopus.Env\":\"Prod\"}", "Prod" },
    };
    CHECK_ROWS(rows);
}

TEST(a_list_has_a_maximum)
{
    CLEANUP(buf_fini) struct buf list = { 0 };
    for (int i = 0; i < 100001; i++)
        buf_add_char(&list, ',');
    struct vars *v = vars_new(&rows_arena);
    vars_set_text(v, STR("L"), buf_str(&list), PROVENANCE_TEMPLATE);
    CHECK_INT("of a hundred thousand items", rows_render("#{each i in L}#{/each}", v).outcome, TEMPLATE_EXCEPTION);
}

TEST_MAIN()
