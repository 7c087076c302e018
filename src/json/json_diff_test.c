#include "tests/harness/check.h"

#include "json/json_diff.h"

static struct arena a;

static struct json *parse(const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    if (text && !json_parse(&a, str_from(text), &j, &e))
        fail_msg("%s: %s", text, e.text);
    return j;
}

static str difference(const char *old, const char *now)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    size_t count;
    const struct json_change *changes = json_diff(&a, parse(old), parse(now), &count);
    json_diff_write(&b, changes, count);
    return arena_str(&a, buf_str(&b));
}

TEST(what_is_said)
{
    static const struct { const char *claim, *old, *now, *want; } rows[] = {
        { "nothing where nothing differs", "{\"a\":[1,{\"b\":null}]}", "{\"a\":[1,{\"b\":null}]}", "" },
        { "the order of members is no difference", "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", "" },
        { "a changed member", "{\"Enabled\":true,\"Max\":10}", "{\"Enabled\":false,\"Max\":10}", "~ Enabled: true -> false\n" },
        { "an added one", "{}", "{\"Name\":\"x\"}", "+ Name: \"x\"\n" },
        { "a removed one", "{\"Name\":\"x\"}", "{}", "- Name: \"x\"\n" },
        { "null is something", "{\"a\":null}", "{}", "- a: null\n" },
        { "numbers differ by their text", "{\"a\":1.0}", "{\"a\":1}", "~ a: 1.0 -> 1\n" },
        { "another type", "{\"a\":[1]}", "{\"a\":\"1\"}", "~ a: [1] -> \"1\"\n" },
        { "an object for a list", "{\"a\":[1]}", "{\"a\":{}}", "~ a: [1] -> {}\n" },
        { "below", "{\"Filter\":{\"Projects\":{\"a\":1,\"b\":2}}}", "{\"Filter\":{\"Projects\":{\"a\":1,\"b\":3}}}", "~ Filter.Projects.b: 2 -> 3\n" },
        { "changed and removed first, then added", "{\"a\":1,\"b\":2,\"c\":3}", "{\"x\":0,\"c\":4,\"b\":2,\"y\":0}", "- a: 1\n~ c: 3 -> 4\n+ x: 0\n+ y: 0\n" },
        { "odd names", "{\"a b\":{\"\":1}}", "{\"a b\":{\"\":2}}", "~ [\"a b\"][\"\"]: 1 -> 2\n" },
        { "an element appended", "[\"a\"]", "[\"a\",\"b\"]", "+ [1]: \"b\"\n" },
        { "an element put in front", "{\"E\":[\"b\",\"c\"]}", "{\"E\":[\"a\",\"b\",\"c\"]}", "+ E[0]: \"a\"\n" },
        { "put between", "[1,2,3]", "[1,9,2,3]", "+ [1]: 9\n" },
        { "taken from between", "[1,9,2,3]", "[1,2,3]", "- [1]: 9\n" },
        { "one of several equal taken", "[1,1,1]", "[1,1]", "- [2]: 1\n" },
        { "exchanged", "[1,2,3]", "[1,5,3]", "~ [1]: 2 -> 5\n" },
        { "changed within", "[{\"Name\":\"a\",\"Value\":\"b\"},{\"Name\":\"c\"}]", "[{\"Name\":\"a\",\"Value\":\"x\"},{\"Name\":\"c\"}]", "~ [0].Value: \"b\" -> \"x\"\n" },
        { "emptied", "{\"a\":[1,2]}", "{\"a\":[]}", "- a[0]: 1\n- a[1]: 2\n" },
        { "order of elements counts", "[1,2]", "[2,1]", "~ [0]: 1 -> 2\n~ [1]: 2 -> 1\n" },
        { "the whole document", "1", "2", "~ (all): 1 -> 2\n" },
        { "a new document", NULL, "{\"a\":1}", "+ (all): {\"a\":1}\n" },
        { "one that is gone", "[1]", NULL, "- (all): [1]\n" },
        { "none at all", NULL, NULL, "" },
        { "lines of a script", "{\"Script\":\"a\\nb\\nc\\n\"}", "{\"Script\":\"a\\nx\\ny\\nc\\n\"}", "~ Script:\n    - b\n    + x\n    + y\n" },
        { "a line more", "{\"S\":\"a\\nb\\n\"}", "{\"S\":\"a\\nb\\nc\\n\"}", "~ S:\n    + c\n" },
        { "a line less in the middle", "{\"S\":\"a\\nb\\nc\"}", "{\"S\":\"a\\nc\"}", "~ S:\n    - b\n" },
        { "within lines that begin and end alike", "{\"S\":\"xx1yy\\nz\"}", "{\"S\":\"xx2yy\\nz\"}", "~ S:\n    - xx1yy\n    + xx2yy\n" },
        { "a new script", "{}", "{\"S\":\"a\\nb\\n\"}", "+ S:\n    + a\n    + b\n" },
        { "one that is gone", "{\"S\":\"a\\nb\"}", "{}", "- S:\n    - a\n    - b\n" },
        { "a script for a number", "{\"S\":1}", "{\"S\":\"a\\nb\"}", "~ S: 1 -> \"a\\nb\"\n" },
        { "a last line break less", "{\"S\":\"a\\nb\\n\"}", "{\"S\":\"a\\nb\"}", "~ S:\n    - b\n    + b\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, difference(rows[i].old, rows[i].now), str_from(rows[i].want));
}

TEST(what_is_listed)
{
    size_t count;
    struct json *old = parse("{\"a\":{\"b\":1,\"c\":2}}"), *now = parse("{\"a\":{\"b\":5,\"d\":3}}");
    const struct json_change *changes = json_diff(&a, old, now, &count);
    CHECK_INT("three changes", count, 3);
    CHECK_STR("a path", changes[0].path, STR("a.b"));
    CHECK("with both values, those of the documents", changes[0].old == old->first->first && changes[0].now == now->first->first);
    CHECK("a removed one has no new", changes[1].old == json_get(old->first, STR("c")) && !changes[1].now);
    CHECK("an added one no old", !changes[2].old && changes[2].now == json_get(now->first, STR("d")));
}

TEST(large_documents_are_no_burden)
{
    struct json *up = json_new_object(&a), *down = json_new_object(&a), *list = json_new_array(&a), *shifted = json_new_array(&a);
    for (int i = 0; i < 100000; i++) {
        json_add(up, arena_printf(&a, "k%d", i), json_new_i64(&a, i));
        json_add(down, arena_printf(&a, "k%d", 99999 - i), json_new_i64(&a, i == 5 ? -1 : 99999 - i));
        json_push(list, json_new_i64(&a, i));
        if (i != 7)
            json_push(shifted, json_new_i64(&a, i));
    }
    size_t count;
    const struct json_change *changes = json_diff(&a, up, down, &count);
    CHECK("one of a hundred thousand members, in the other order", count == 1 && str_eq(changes[0].path, STR("k99994")));
    changes = json_diff(&a, list, shifted, &count);
    CHECK("one of a hundred thousand elements", count == 1 && str_eq(changes[0].path, STR("[7]")) && !changes[0].now);
}

TEST_MAIN()
