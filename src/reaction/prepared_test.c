#include "tests/harness/check.h"

#include "reaction/prepared.h"

static struct reaction_entry entry_of(int64_t revision_id, const char *doc)
{
    return (struct reaction_entry){ .id = 1, .revision_id = revision_id, .doc = str_from(doc) };
}

#define HTTP_DOC(variables) \
    "{\"Definition\":{\"Name\":\"Tell\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"ReleaseCreated\"]}," \
    "\"Action\":{\"Type\":\"Http\",\"Method\":\"POST\",\"Uri\":\"http://example.com/#{Octopus.Release.Number}\"},\"Variables\":[" variables "]}}"

TEST(a_revision_is_read_once)
{
    struct prepared_set *s = prepared_set_new();
    struct reaction_entry one = entry_of(7, HTTP_DOC("")), other = entry_of(8, HTTP_DOC(""));
    struct prepared *first = prepared_take(s, &one), *again = prepared_take(s, &one), *second = prepared_take(s, &other);
    REQUIRE("it can be read", first && second);
    CHECK("the second run finds what the first one read", first == again);
    CHECK("another revision is another", first != second);
    CHECK_STR("its definition", first->def->name, STR("Tell"));
    CHECK_INT("what it needs", first->needs, octopus_needs(first->def));
    CHECK("what it speaks of", first->names && octopus_names_may_hold(first->names, STR("Octopus.Release.Number")) && !octopus_names_may_hold(first->names, STR("Octopus.Task.Id")));
    prepared_give(s, first);
    prepared_give(s, again);
    prepared_give(s, second);
    prepared_set_free(s);
}

TEST(what_was_read_does_not_need_the_text_any_more)
{
    struct prepared_set *s = prepared_set_new();
    struct reaction_entry r = entry_of(7, HTTP_DOC(""));
    char *text = xmemdup(r.doc.p, r.doc.n);
    r.doc.p = text;
    struct prepared *p = prepared_take(s, &r);
    memset(text, 'x', r.doc.n); // the configuration has changed
    REQUIRE("it was read", p);
    CHECK_STR("its name stays", p->def->name, STR("Tell"));
    CHECK_STR("and its templates", p->def->uri, STR("http://example.com/#{Octopus.Release.Number}"));
    free(text);
    prepared_give(s, p);
    prepared_set_free(s);
}

TEST(secrets_are_not_kept)
{
    static const struct { const char *claim, *doc; bool want; } rows[] = {
        { "a sealed value", HTTP_DOC("{\"Name\":\"Key\",\"Value\":{\"Sealed\":\"v1.x\"},\"IsSensitive\":true}"), false },
        { "a secret by its name", HTTP_DOC("{\"Name\":\"Key\",\"Secret\":\"feed-key\"}"), true },
        { "a text that looks like one", HTTP_DOC("{\"Name\":\"Key\",\"Value\":\"{\\\"Sealed\\\":1}\"}"), true },
        { "what cannot be read", "{\"Definition\":{}}", false },
        { "what is no JSON", "{", false },
    };
    struct prepared_set *s = prepared_set_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reaction_entry r = entry_of((int64_t)i + 1, rows[i].doc);
        for (int round = 0; round < 2; round++) {
            struct prepared *p = prepared_take(s, &r);
            CHECK(rows[i].claim, (p != NULL) == rows[i].want);
            prepared_give(s, p);
        }
    }
    prepared_set_free(s);
}

TEST(few_are_kept_and_those_in_use_stay)
{
    struct prepared_set *s = prepared_set_new();
    struct reaction_entry used = entry_of(1, HTTP_DOC(""));
    struct prepared *first = prepared_take(s, &used);
    REQUIRE("it can be read", first);
    for (int64_t i = 2; i < PREPARED_MAX * 3; i++) {
        struct reaction_entry r = entry_of(i, HTTP_DOC(""));
        prepared_give(s, prepared_take(s, &r));
    }
    CHECK("one in use is still the same", prepared_take(s, &used) == first);
    CHECK_STR("and whole", first->def->name, STR("Tell"));
    prepared_give(s, first);
    prepared_give(s, first);
    prepared_set_free(s);
}

TEST_MAIN()
