#include "tests/harness/check.h"

#include "base/limits.h"
#include "json/yaml.h"

#include <stdio.h>

static struct arena a;

static str as_json(str yaml)
{
    struct json *documents = NULL;
    struct err e = { 0 };
    return yaml_parse(&a, yaml, &documents, &e) ? json_text(&a, documents) : arena_printf(&a, "error: %s", e.text);
}

TEST(what_it_means)
{
    static const struct { const char *claim, *yaml, *json; } rows[] = {
        { "nothing has no documents", "", "[]" },
        { "a comment neither", "# nothing here\n", "[]" },
        { "an object", "a: 1\nb: x\n", "[{\"a\":1,\"b\":\"x\"}]" },
        { "a list", "- 1\n- x\n", "[[1,\"x\"]]" },
        { "nested", "a:\n  b:\n    - c: 1\n      d: 2\n    - e\n", "[{\"a\":{\"b\":[{\"c\":1,\"d\":2},\"e\"]}}]" },
        { "a list at the key's own column", "a:\n- 1\n- 2\nb: 3\n", "[{\"a\":[1,2],\"b\":3}]" },
        { "flow style", "a: {b: [1, 2, {c: d}], e: }\n", "[{\"a\":{\"b\":[1,2,{\"c\":\"d\"}],\"e\":null}}]" },
        { "JSON is YAML", "{\"a\": [1, -2.5e3, true, null, \"x\\ny\\u00e9\"]}", "[{\"a\":[1,-2.5e3,true,null,\"x\\nyé\"]}]" },
        { "words that are no booleans", "[yes, no, on, off, y, n]", "[[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]]" },
        { "words that are", "[true, True, FALSE]", "[[true,true,false]]" },
        { "nulls", "[null, ~, Null]", "[[null,null,null]]" },
        { "a missing value is null", "a:\nb: 1\n", "[{\"a\":null,\"b\":1}]" },
        { "numbers keep their text", "[1.10, 1E400, 12345678901234567890, -0]", "[[1.10,1E400,12345678901234567890,-0]]" },
        { "or get one", "[+5, 007, .5, 0x1F, 0o17]", "[[5,7,0.5,31,15]]" },
        { "dates and times are text", "a: 2026-11-22\nb: 12:30\n", "[{\"a\":\"2026-11-22\",\"b\":\"12:30\"}]" },
        { "quoted is text", "['1', \"true\", '', \"null\"]", "[[\"1\",\"true\",\"\",\"null\"]]" },
        { "a tag says so too", "[!!str 1, ! 2, !!str true]", "[[\"1\",\"2\",\"true\"]]" },
        { "tags of what it is anyway", "a: !!map {b: !!seq []}\n", "[{\"a\":{\"b\":[]}}]" },
        { "a literal block", "s: |\n  if ($x) {\n    exit 3\n  }\n\n  done\nt: 1\n", "[{\"s\":\"if ($x) {\\n  exit 3\\n}\\n\\ndone\\n\",\"t\":1}]" },
        { "without its end", "s: |-\n  a\n  b\n", "[{\"s\":\"a\\nb\"}]" },
        { "a folded block", "s: >\n  a\n  b\n", "[{\"s\":\"a b\\n\"}]" },
        { "keys are text as written", "1: a\nyes: b\nnull: c\n1.0: d\n", "[{\"1\":\"a\",\"yes\":\"b\",\"null\":\"c\",\"1.0\":\"d\"}]" },
        { "a merge key is a key", "<<: {a: 1}\n", "[{\"<<\":{\"a\":1}}]" },
        { "keys that differ in case", "a: 1\nA: 2\n", "[{\"a\":1,\"A\":2}]" },
        { "the same key elsewhere", "a: {x: 1}\nb: {x: 1}\nx: 1\n", "[{\"a\":{\"x\":1},\"b\":{\"x\":1},\"x\":1}]" },
        { "several documents", "a: 1\n---\nb: 2\n...\n---\n- c\n", "[{\"a\":1},{\"b\":2},[\"c\"]]" },
        { "nothing between two is left out", "---\na: 1\n---\n---\n# only words\n---\nb: 2\n---\n", "[{\"a\":1},{\"b\":2}]" },
        { "but an empty text is not nothing", "--- ''\n--- null\n", "[\"\",null]" },
        { "a directive", "%YAML 1.2\n---\na: 1\n", "[{\"a\":1}]" },
        { "a byte order mark", "\xEF\xBB\xBF" "a: 1\n", "[{\"a\":1}]" },
        { "lines that end in CRLF", "a: 1\r\ns: |\r\n  x\r\n  y\r\n", "[{\"a\":1,\"s\":\"x\\ny\\n\"}]" },
        { "Octostache in quotes", "b: \"#{Octopus.Release.Number}\"\n", "[{\"b\":\"#{Octopus.Release.Number}\"}]" },
        { "an emoji", "a: \"😀\\U0001F600\"\n", "[{\"a\":\"😀😀\"}]" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, as_json(str_from(rows[i].yaml)), str_from(rows[i].json));
    CHECK_STR("UTF-16, as Windows writes it", as_json(STR("\xFF\xFE" "a\0:\0 \0\xE9\0\n\0")), STR("[{\"a\":\"é\"}]"));
    CHECK_STR("a NUL written as an escape", as_json(STR("\"a\\0b\\x00\"")), STR("[\"a\\u0000b\\u0000\"]"));
}

TEST(what_is_refused)
{
    static const struct { const char *claim, *yaml, *error; } rows[] = {
        { "a repeated key", "a: 1\nb: 2\na: 3\n", "line 3, column 1: the key a stands twice in its object" },
        { "in flow style", "{a: 1, 'a': 2}", "line 1, column 8: the key a stands twice in its object" },
        { "a repeated key that is odd", "'a b': 1\n\"a\\x20b\": 2\n", "line 2, column 1: the key [\"a b\"] stands twice in its object" },
        { "an anchor", "a: &x 1\n", "line 1, column 4: anchors and aliases (&x, *x) are not taken; write the value out where it is needed" },
        { "an alias", "a: *x\n", "line 1, column 4: anchors and aliases" },
        { "an anchor at an object", "a: &x\n  b: 1\n", "anchors and aliases" },
        { "an anchor at a list", "&x [1]", "anchors and aliases" },
        { "an anchor at a key", "&x a: 1\n", "anchors and aliases" },
        { "a billion laughs", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "line 1, column 4: anchors and aliases" },
        { "a tag", "a: !!binary aGk=\n", "line 1, column 4: the tag tag:yaml.org,2002:binary is not known here" },
        { "a tag of one's own", "a: !Ref x\n", "the tag !Ref is not known here" },
        { "a tag at an object", "!!set {a}\n", "the tag tag:yaml.org,2002:set is not known here" },
        { "a tag at a list", "!!omap [a]\n", "the tag tag:yaml.org,2002:omap is not known here" },
        { "a tag that contradicts", "a: !!int x\n", "the tag tag:yaml.org,2002:int is not known here" },
        { "a list as a key", "? [1]\n: 2\n", "line 1, column 3: a key must be text, not a list" },
        { "an object as a key", "{{a: 1}: 2}", "line 1, column 2: a key must be text, not an object" },
        { "no number of JSON's", "a: .inf\n", "line 1, column 4: .inf is a number JSON cannot hold; if it is meant as text, put it in quotes" },
        { "not even this", "- -.INF\n", "line 1, column 3: -.INF is" },
        { "a tab for indentation", "a:\n\tb: 1\n", "line 2, column 1: found character that cannot start any token" },
        { "a list that does not end", "[1, 2", "did not find expected ',' or ']', while parsing a flow sequence" },
        { "a quote that does not end", "a: \"x\n", "line 2, column 1: found unexpected end of stream, while scanning a quoted scalar" },
        { "two values for one", "a: b: c\n", "line 1, column 5: mapping values are not allowed in this context" },
        { "wrong indentation", "a:\n    b: 1\n  c: 2\n", "line 3, column 3: did not find expected key, while parsing a block mapping" },
        { "half a surrogate pair", "\"\\ud800\"", "found invalid Unicode character escape code" },
        { "an unknown escape", "\"\\q\"", "found unknown escape character" },
        { "bytes that are no text", "a: \xE9\n", "byte 4: incomplete UTF-8 octet sequence" },
        { "a control character", "a: \x01\n", "byte 4: control characters are not allowed (0x01)" },
        { "a template that is taken for a comment", "a: b\n  #{x}\nc\n", "line 4, column 1: could not find expected ':'" },
        { "a template that is taken for an object", "a: {{x}}\n", "line 1, column 5: a key must be text, not an object" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json *documents = NULL;
        struct err e = { 0 };
        CHECK(rows[i].claim, !yaml_parse(&a, str_from(rows[i].yaml), &documents, &e) && e.kind == ERR_INVALID && !documents);
        bool is_said = strstr(e.text, rows[i].error);
        CHECK(rows[i].claim, is_said);
        if (!is_said)
            fprintf(stderr, "    got  %s\n    want %s\n", e.text, rows[i].error);
    }
}

static void repeat(struct buf *b, const char *text, size_t times)
{
    while (times--)
        buf_add_text(b, text);
}

static enum err_kind kind_of(const char *one, size_t times, const char *after)
{
    CLEANUP(arena_fini) struct arena own = { 0 };
    CLEANUP(buf_fini) struct buf b = { 0 };
    struct json *documents;
    struct err e = { 0 };
    repeat(&b, one, times);
    buf_add_text(&b, after);
    return yaml_parse(&own, buf_str(&b), &documents, &e) ? ERR_NONE : e.kind;
}

TEST(limits)
{
    CHECK_INT("64 levels are read", kind_of("[", 64, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), ERR_NONE);
    CHECK_INT("65 are not", kind_of("[", 65, "1"), ERR_TOO_LARGE);
    CHECK_INT("nor a million", kind_of("[", 1000000, ""), ERR_TOO_LARGE);
    CHECK_INT("in block style", kind_of("- ", 100000, "x"), ERR_TOO_LARGE);
    CHECK_INT("of objects", kind_of("{a: ", 100000, ""), ERR_TOO_LARGE);
    CHECK_INT("more values than allowed", kind_of("- 1\n", LIMIT_JSON_NODES, ""), ERR_TOO_LARGE);
    CHECK_INT("more bytes than allowed", kind_of("# 345678\n", LIMIT_YAML_BYTES / 9 + 1, ""), ERR_TOO_LARGE);
    CHECK_INT("many keys are no burden", kind_of("", 0, "a: 1\n"), ERR_NONE);
    CLEANUP(buf_fini) struct buf b = { 0 };
    for (int i = 0; i < 100000; i++)
        buf_printf(&b, "k%d: 1\n", i);
    buf_add_text(&b, "k50000: 1\n");
    struct json *documents;
    struct err e = { 0 };
    CHECK("a key repeated among a hundred thousand", !yaml_parse(&a, buf_str(&b), &documents, &e));
    CHECK_TEXT("is named with its line", e.text, "line 100001, column 1: the key k50000 stands twice in its object");
}

TEST_MAIN()
