#include "tests/harness/check.h"

#include "json/yaml.h"

#include <stdio.h>

static struct arena a;

static struct json *parse(const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    if (!json_parse(&a, str_from(text), &j, &e))
        fail_msg("%s: %s", text, e.text);
    return j;
}

static str written(const struct json *j)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    yaml_write(&b, j);
    return arena_str(&a, buf_str(&b));
}

static bool comes_back(const struct json *j)
{
    struct json *documents = NULL;
    struct err e = { 0 };
    str yaml = written(j);
    bool is_back = yaml_parse(&a, yaml, &documents, &e) && documents->count == 1 && json_equal(documents->first, j);
    if (!is_back)
        fprintf(stderr, "    %s\n%.*s---\n", e.text, STR_ARG(yaml));
    return is_back;
}

TEST(how_it_looks)
{
    static const struct { const char *claim, *json, *yaml; } rows[] = {
        { "members", "{\"Name\":\"Tell it\",\"Enabled\":true,\"Description\":\"\",\"Scope\":null,\"Max\":10}", "Name: Tell it\nEnabled: true\nDescription: \"\"\nScope: null\nMax: 10\n" },
        { "below one another", "{\"Filter\":{\"Projects\":[\"Core Web\",\"b\"],\"Tags\":[],\"More\":{}}}", "Filter:\n  Projects:\n    - Core Web\n    - b\n  Tags: []\n  More: {}\n" },
        { "objects in a list", "[{\"Name\":\"a\",\"Value\":\"b\"},{\"Name\":\"c\"}]", "- Name: a\n  Value: b\n- Name: c\n" },
        { "lists in a list", "[[1,[2]],[]]", "- - 1\n  - - 2\n- []\n" },
        { "a script", "{\"Script\":\"param($x)\\nif ($x) {\\n  exit 3\\n}\\n\",\"Next\":1}", "Script: |\n  param($x)\n  if ($x) {\n    exit 3\n  }\nNext: 1\n" },
        { "without a last line break", "{\"S\":\"a\\nb\"}", "S: |-\n  a\n  b\n" },
        { "with several", "{\"S\":\"a\\n\\n\\n\"}", "S: |+\n  a\n\n\n" },
        { "with an empty line", "{\"S\":\"a\\n\\nb\\n\"}", "S: |\n  a\n\n  b\n" },
        { "that begins with blanks", "{\"S\":\"  a\\nb\\n\"}", "S: |2\n    a\n  b\n" },
        { "that begins with an empty line", "{\"S\":\"\\na\\n\"}", "S: |2\n\n  a\n" },
        { "in a list", "[\"a\\nb\\n\",{\"S\":\"c\\nd\\n\"}]", "- |\n  a\n  b\n- S: |\n    c\n    d\n" },
        { "Windows lines are kept in quotes", "{\"S\":\"a\\r\\nb\"}", "S: \"a\\r\\nb\"\n" },
        { "only line breaks too", "{\"S\":\"\\n\\n\"}", "S: \"\\n\\n\"\n" },
        { "a text alone", "\"a\\nb\"", "\"a\\nb\"\n" },
        { "a number alone", "1.50", "1.50\n" },
        { "an empty list alone", "[]", "[]\n" },
        { "plain text", "[\"a b\",\"a:b\",\"a#b\",\"it's\",\"x, y\",\"a \\\"b\\\"\",\"/api\",\"https://x.example/a?b=c#d\",\"Größe\",\"日本\"]",
          "- a b\n- a:b\n- a#b\n- it's\n- x, y\n- a \"b\"\n- /api\n- https://x.example/a?b=c#d\n- Größe\n- 日本\n" },
        { "words that would be something else", "[\"true\",\"False\",\"null\",\"NULL\",\"~\",\"yes\",\"No\",\"on\",\"OFF\",\"y\",\"N\"]",
          "- \"true\"\n- \"False\"\n- \"null\"\n- \"NULL\"\n- \"~\"\n- \"yes\"\n- \"No\"\n- \"on\"\n- \"OFF\"\n- \"y\"\n- \"N\"\n" },
        { "what begins like a number", "[\"1\",\"1.4.0-beta\",\"2026-11-22\",\"12:30\",\".5\",\"-x\",\"+1\",\"0x1F\",\".inf\"]",
          "- \"1\"\n- \"1.4.0-beta\"\n- \"2026-11-22\"\n- \"12:30\"\n- \".5\"\n- \"-x\"\n- \"+1\"\n- \"0x1F\"\n- \".inf\"\n" },
        { "signs that mean something", "[\"#{x}\",\"a #b\",\"a: b\",\"a:\",\"- a\",\"? a\",\"[a]\",\"{a}\",\"*a\",\"&a\",\"!a\",\"|\",\">\",\"%a\",\"@a\",\"`a\",\"'a'\",\"\\\"a\\\"\",\"---\",\"<<\",\"=\",\"\\\\\"]",
          "- \"#{x}\"\n- \"a #b\"\n- \"a: b\"\n- \"a:\"\n- \"- a\"\n- \"? a\"\n- \"[a]\"\n- \"{a}\"\n- \"*a\"\n- \"&a\"\n- \"!a\"\n- \"|\"\n- \">\"\n- \"%a\"\n- \"@a\"\n- \"`a\"\n- \"'a'\"\n- \"\\\"a\\\"\"\n- \"---\"\n- \"<<\"\n- \"=\"\n- \"\\\\\"\n" },
        { "blanks at the ends", "[\" a\",\"a \",\" \",\"a\\tb\"]", "- \" a\"\n- \"a \"\n- \" \"\n- \"a\\tb\"\n" },
        { "what cannot be seen", "[\"\\u0000\\u001b\\u007f\\u0085\\u2028\\ufeff\\uffff\"]", "- \"\\x00\\x1b\\x7f\\u0085\\u2028\\ufeff\\uffff\"\n" },
        { "odd keys", "{\"\":1,\"a b\":2,\"1\":3,\"yes\":4,\"a: b\":5,\"#\":6,\"x\\ny\":7,\"null\":8}", "\"\": 1\na b: 2\n\"1\": 3\n\"yes\": 4\n\"a: b\": 5\n\"#\": 6\n\"x\\ny\": 7\n\"null\": 8\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct json *j = parse(rows[i].json);
        CHECK_STR(rows[i].claim, written(j), str_from(rows[i].yaml));
        CHECK(rows[i].claim, comes_back(j));
    }
    CHECK_STR("nothing is null", written(NULL), STR("null\n"));
}

// Every short text of the characters that mean something, in every place a text may stand.
TEST(short_texts_come_back)
{
    static const char *const pieces[] = { "a", " ", "\n", ":", "#", "-", "\"", "'", "\t", "\\", "|", ",", "1", "é", "\r", "{", "?", "." };
    size_t wrong = 0, count = 0;
    for (size_t n = 0; n <= 4; n++) {
        size_t combinations = 1;
        for (size_t i = 0; i < n; i++)
            combinations *= COUNT(pieces);
        for (size_t c = 0; c < combinations; c += n == 4 ? 7 : 1) {
            CLEANUP(buf_fini) struct buf text = { 0 };
            arena_reset(&a);
            for (size_t i = 0, rest = c; i < n; i++, rest /= COUNT(pieces))
                buf_add_text(&text, pieces[rest % COUNT(pieces)]);
            struct json *root = json_new_array(&a), *object = json_push(root, json_new_object(&a)), *list = json_add(object, buf_str(&text), json_new_array(&a));
            json_push(list, json_new_string(&a, buf_str(&text)));
            json_push(json_push(list, json_new_array(&a)), json_new_string(&a, buf_str(&text)));
            json_add(object, STR("other key"), json_new_string(&a, buf_str(&text)));
            json_push(root, json_new_string(&a, buf_str(&text)));
            wrong += !comes_back(root) || !comes_back(json_new_string(&a, buf_str(&text)));
            count++;
        }
    }
    CHECK_INT("as they were", wrong, 0);
    CHECK("thousands of them", count > 15000);
}

TEST(every_character_comes_back)
{
    size_t wrong = 0;
    for (uint32_t c = 0; c < 0x11000; c++) {
        char escape[16];
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        arena_reset(&a);
        if (c < 0x10000)
            snprintf(escape, sizeof escape, "\"\\u%04x\"", c);
        else
            snprintf(escape, sizeof escape, "\"\\ud800\\u%04x\"", 0xDC00 + (c & 0x3ff));
        struct json *one = parse(escape), *object = json_new_object(&a);
        json_add(object, one->text, json_new_string(&a, one->text));
        json_add(object, STR("lines"), json_new_string(&a, arena_printf(&a, "x%.*s\n%.*sy\n", STR_ARG(one->text), STR_ARG(one->text))));
        wrong += !comes_back(object);
    }
    CHECK_INT("in keys, texts and blocks", wrong, 0);
}

TEST(long_keys_and_deep_trees_come_back)
{
    char key[3001];
    memset(key, 'k', 3000);
    key[3000] = 0;
    for (size_t n = 990; n < 3000; n += n < 1030 ? 1 : 487) {
        struct json *object = json_new_object(&a), *list = json_new_array(&a);
        json_push(list, object);
        json_add(object, (str){ key, n }, json_new_i64(&a, 1));
        json_add(object, (str){ key, n - 1 }, parse("[1,{\"a\":\"b\\nc\"}]"));
        json_add(object, (str){ key, n - 2 }, parse("\"b\\nc\""));
        CHECK("a long key", comes_back(list) && comes_back(object));
    }
    struct json *tree = json_new_string(&a, STR("line\nline\n"));
    for (int i = 0; i < 64; i++) {
        struct json *outer = i % 3 ? json_new_array(&a) : json_new_object(&a);
        if (i % 3)
            json_push(outer, tree);
        else
            json_add(outer, STR("k"), tree);
        tree = outer;
        CHECK("a deep tree", comes_back(tree));
    }
}

TEST_MAIN()
