#include "tests/harness/check.h"

#include "octopus/event.h"

static const struct octopus_event *read_event(struct arena *a, const char *text)
{
    struct json *doc;
    struct err e = { 0 };
    struct octopus_event *v = ARENA_NEW(a, struct octopus_event);
    return json_parse(a, str_from(text), &doc, &e) && octopus_event_read(doc, v, &e) ? v : NULL;
}

static const char *const started =
    "{\"Id\":\"Events-20011\",\"RelatedDocumentIds\":[\"Deployments-501\",\"Projects-21\",\"Releases-301\",\"Environments-1\"],\"Category\":\"DeploymentStarted\",\"UserId\":\"users-system\","
    "\"Username\":\"system\",\"UserAgent\":\"Server\",\"Occurred\":\"2026-03-02T09:14:31.6501234+00:00\",\"Message\":\"D\\u00e9ploy \\ud83d\\ude80 started for Web Shop\","
    "\"MessageReferences\":[{\"ReferencedDocumentId\":\"Projects-21\",\"StartIndex\":22,\"Length\":8},{\"ReferencedDocumentId\":\"Deployments-501\",\"StartIndex\":0,\"Length\":9},"
    "{\"ReferencedDocumentId\":\"Releases-301\",\"StartIndex\":22,\"Length\":99}],\"SpaceId\":null}";

TEST(an_event_is_read)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const struct octopus_event *v = read_event(&a, started);
    CHECK("it can be read", v != NULL);
    CHECK_STR("its id", v->id, STR("Events-20011"));
    CHECK_INT("its number", v->number, 20011);
    CHECK_INT("when, to the millisecond", v->occurred_ms, INT64_C(1772442871650));
    CHECK_STR("a null is empty", v->space_id, STR(""));
    CHECK_STR("the subject is the first id", octopus_event_subject(v), STR("Deployments-501"));
    CHECK_STR("an id by type", octopus_event_first(v, STR("releases-")), STR("Releases-301"));
    CHECK_STR("a type's prefix is not the type", octopus_event_first(v, STR("Release")), STR(""));
    CHECK("about an id, whatever its case", octopus_event_is_about(v, STR("projects-21")));
    CHECK_STR("a name, counted in UTF-16 units", octopus_event_name(v, STR("Projects-21"), &a), STR("Web Shop"));
    CHECK_STR("one with a surrogate pair", octopus_event_name(v, STR("Deployments-501"), &a), STR("D\xc3\xa9ploy \xf0\x9f\x9a\x80"));
    CHECK_STR("one that runs past the end is not said", octopus_event_name(v, STR("Releases-301"), &a), STR(""));
}

TEST(what_cannot_be_placed_is_refused)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    static const struct { const char *claim, *text; } rows[] = {
        { "no object", "[]" },
        { "no id", "{\"Category\":\"Created\",\"Occurred\":\"2026-03-02T09:14:31Z\"}" },
        { "an id that is no text", "{\"Id\":7,\"Category\":\"Created\",\"Occurred\":\"2026-03-02T09:14:31Z\"}" },
        { "no category", "{\"Id\":\"Events-1\",\"Occurred\":\"2026-03-02T09:14:31Z\"}" },
        { "no time", "{\"Id\":\"Events-1\",\"Category\":\"Created\"}" },
        { "no such time", "{\"Id\":\"Events-1\",\"Category\":\"Created\",\"Occurred\":\"yesterday\"}" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(rows[i].claim, !read_event(&a, rows[i].text));
    const struct octopus_event *v = read_event(&a, "{\"Id\":\"Events-x\",\"Category\":\"Created\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"RelatedDocumentIds\":\"no\",\"MessageReferences\":{}}");
    CHECK("odd fields do no harm", v != NULL);
    CHECK_INT("an id without a number", v->number, -1);
    CHECK_STR("no list, no subject", octopus_event_subject(v), STR(""));
    CHECK_STR("no references, no name", octopus_event_name(v, STR("Projects-1"), &a), STR(""));
}

TEST(a_project_is_found_though_its_id_is_absent)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
#define MODIFIED(ids) "{\"Id\":\"Events-1\",\"Category\":\"Modified\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"RelatedDocumentIds\":[" ids "]}"
    CHECK_STR("from the process", octopus_event_project(read_event(&a, MODIFIED("\"deploymentprocess-Projects-24\""))), STR("Projects-24"));
    CHECK_STR("from the variable set", octopus_event_project(read_event(&a, MODIFIED("\"variableset-Projects-24\""))), STR("Projects-24"));
    CHECK_STR("a library's variable set has none", octopus_event_project(read_event(&a, MODIFIED("\"variableset-LibraryVariableSets-1\""))), STR(""));
    CHECK_STR("its own id comes first", octopus_event_project(read_event(&a, MODIFIED("\"deploymentprocess-Projects-24\",\"Projects-21\""))), STR("Projects-21"));
}

TEST(our_own_calls_are_recognised)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    int64_t reaction = 0, run = 0;
#define BY(agent) "{\"Id\":\"Events-1\",\"Category\":\"Created\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"UserAgent\":\"" agent "\"}"
    CHECK("ours", octopus_event_cause(read_event(&a, BY("OctopusReactions/1 (reaction Reactions-3; run Runs-9)")), &reaction, &run));
    CHECK_INT("its reaction", reaction, 3);
    CHECK_INT("its run", run, 9);
    CHECK("the tail's", !octopus_event_cause(read_event(&a, BY("OctopusReactions/1 (tail)")), &reaction, &run));
    CHECK("cut", !octopus_event_cause(read_event(&a, BY("OctopusReactions/1 (reaction Reactions-3; run Runs-9")), &reaction, &run));
    CHECK("a number that is none", !octopus_event_cause(read_event(&a, BY("OctopusReactions/1 (reaction Reactions-3x; run Runs-9)")), &reaction, &run));
    CHECK("another's", !octopus_event_cause(read_event(&a, BY("Server")), &reaction, &run));
}

TEST_MAIN()
