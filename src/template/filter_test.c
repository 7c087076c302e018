#include "template/check_rows.h"

#include "template/filter.h"

TEST(filters_are_found_in_any_case)
{
    CHECK("by name", filter_find(STR("ToUpper")) && filter_find(STR("TOUPPER")) == filter_find(STR("toupper")));
    CHECK("not by a part", !filter_find(STR("ToUppe")) && !filter_find(STR("")));
    const char *before = "";
    for (size_t i = 0; filter_at(i); i++) {
        CHECK("the list is sorted", strcmp(before, filter_at(i)->name) < 0);
        CHECK("and finds itself", filter_find(str_from(filter_at(i)->name)) == filter_at(i));
        before = filter_at(i)->name;
    }
}

TEST(what_filters_have_in_common)
{
    static const struct row rows[] = {
        { "an unknown filter leaves the token", "#{V | Unknown x}", "{\"V\":\"v\"}", "#{V | Unknown \"x\"}" },
        { "in a chain nothing is passed on", "#{V | Unknown | ToUpper}", "{\"V\":\"v\"}", "#{V | Unknown | ToUpper}" },
        { "and may be given a default", "#{V | Unknown | Append d}", "{\"V\":\"v\"}", "d" },
        { "null nulls the whole", "a#{V | null}b", "{\"V\":\"v\"}", "" },
        { "only in lower case", "#{V | Null}", "{\"V\":\"v\"}", "#{V | Null}" },
        { "only as the last", "#{V | null | Append d}", "{\"V\":\"v\"}", "d" },
        { "not in a branch that is not taken", "#{if N}#{V | null}#{/if}|", "{\"V\":\"v\"}", "|" },
        { "not in a value", "[#{W}]", "{\"V\":\"v\",\"W\":\"#{V | null}\"}", "[#{V | null}]" },
    };
    CHECK_ROWS(rows);
    CHECK("a null is said", rows_render("#{ | null}", vars_new(&rows_arena)).is_null);
}

TEST_MAIN()
