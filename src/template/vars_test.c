#include "template/check_rows.h"

#include "template/chars.h"

static struct arena a;

static const struct vars_node *member(const struct vars_list *list, const char *key)
{
    return vars_find(list, str_from(key), chars_hash_nocase(str_from(key)));
}

TEST(names_are_symbols)
{
    struct vars *v = vars_new(&a);
    vars_set_text(v, STR("Octopus.Action[Deploy Web].Url"), STR("u"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("Stand in queue"), STR("s"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("$x"), STR("n"), PROVENANCE_TEMPLATE);
    const struct vars_node *octopus = member(&vars_root(v)->members, "oCTOPUS");
    REQUIRE("without case", octopus);
    const struct vars_node *action = member(&octopus->members, "action"), *index = member(&action->indexes, "DEPLOY WEB");
    REQUIRE("an index", index);
    CHECK("a prefix has no value", !octopus->has_value && !action->has_value);
    CHECK_STR("an index has its own text", index->value, STR("Deploy Web"));
    CHECK_STR("until it has a value", member(&index->members, "url")->value, STR("u"));
    CHECK("only the prefix that parses counts", member(&vars_root(v)->members, "Stand"));
    CHECK("no name, no variable", !member(&vars_root(v)->members, "x"));
    CHECK("all is well", !vars_is_broken(v));
    vars_set_text(v, STR("A[#{B}]"), STR(""), PROVENANCE_TEMPLATE);
    CHECK("an index in #{} breaks the set", vars_is_broken(v));
}

TEST(later_values_win_in_their_old_place)
{
    struct vars *v = vars_new(&a);
    vars_set_text(v, STR("P[b]"), STR("1"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("P[a]"), STR("2"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("p[B]"), STR("3"), PROVENANCE_TEMPLATE);
    const struct vars_node *p = member(&vars_root(v)->members, "P");
    CHECK_INT("two of them", p->indexes.count, 2);
    CHECK_STR("the first stays first", p->indexes.first->value, STR("3"));
}

TEST(a_thousand_are_found)
{
    struct vars *v = vars_new(&a);
    for (int i = 0; i < 1000; i++)
        vars_set_text(v, arena_printf(&a, "List[n%d].Value", i), arena_printf(&a, "%d", i), PROVENANCE_TEMPLATE);
    const struct vars_node *list = member(&vars_root(v)->members, "list");
    int64_t wrong = 0;
    for (int i = 0; i < 1000; i++) {
        const struct vars_node *n = member(&list->indexes, arena_printf(&a, "N%d", i).p);
        wrong += !n || !str_eq(member(&n->members, "value")->value, arena_printf(&a, "%d", i));
    }
    CHECK_INT("each of them", wrong, 0);
    CHECK("and no other", !member(&list->indexes, "n1000"));
}

static void answer(void *ctx, str name, struct arena *arena, struct vars_answer *out)
{
    ++*(int *)ctx;
    if (str_eq(name, STR("Project.Name")))
        *out = (struct vars_answer){ .value = STR("#{Shop}"), .provenance = PROVENANCE_TEMPLATE };
    else if (str_eq(name, STR("Project.Key")))
        out->reason = STR("it is sensitive");
}

TEST(a_parent_and_a_resolver_stand_behind_a_set)
{
    int asked = 0;
    struct vars *parent = vars_new(&rows_arena), *v = vars_new(&rows_arena);
    vars_set_text(parent, STR("Release"), STR("#{Number}!"), PROVENANCE_TEMPLATE);
    vars_set_text(parent, STR("Number"), STR("old"), PROVENANCE_TEMPLATE);
    vars_set_text(parent, STR("Octopus"), STR("whole"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("Number"), STR("new"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("Shop"), STR("Web"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("Octopus.Part"), STR("part"), PROVENANCE_TEMPLATE);
    vars_set_undefined(v, STR("Token"), STR("no secret is bound"));
    vars_set_parent(v, parent);
    vars_set_resolver(parent, answer, &asked);
    CHECK_STR("a parent's value sees the child's", rows_render("#{Release}", v).output, STR("new!"));
    CHECK_STR("a prefix in the set leaves the parent's value", rows_render("#{Octopus} #{Octopus.Part}", v).output, STR("whole part"));
    CHECK_INT("nobody is asked for what is there", asked, 0);
    CHECK_STR("who is asked gives a template", rows_render("#{Project.Name}", v).output, STR("Web"));
    struct template_result r = rows_render("#{Project.Key} #{Nope} #{Token}", v);
    REQUIRE("three are undefined", r.undefined_count == 3);
    CHECK_STR("and one has its reason", r.undefined[0].reason, STR("it is sensitive"));
    CHECK_STR("another has none", r.undefined[1].reason, STR(""));
    CHECK_STR("a known name without a value", r.undefined[2].reason, STR("no secret is bound"));
}

TEST_MAIN()
