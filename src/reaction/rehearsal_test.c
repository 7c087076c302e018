#include "tests/harness/check.h"

#include "reaction/rehearsal.h"
#include "sys/file.h"

static const char world[] = "[{\"Kind\":\"Reaction\",\"Name\":\"Tell\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentStarted\"]},\"Filter\":{\"Projects\":[\"Shop\"]},"
                            "\"Variables\":[{\"Name\":\"Key\",\"Secret\":\"the-key\"},{\"Name\":\"Own\",\"IsSensitive\":true}],"
                            "\"Action\":{\"Type\":\"Http\",\"Uri\":\"https://example.com/#{Octopus.Project.Name}\",\"Headers\":[{\"Name\":\"Key\",\"Value\":\"#{Key}\"},{\"Name\":\"Own\",\"Value\":\"#{Own}\"}],\"Body\":\"{}\"}},"
                            "{\"Kind\":\"Reaction\",\"Name\":\"Broken\",\"Trigger\":{}},{\"Kind\":\"Connection\",\"Name\":\"x\"}]";

static struct json *parse(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct err e = { 0 };
    CHECK_OK("the text", json_parse(a, str_from(text), &j, &e), &e);
    return j;
}

TEST(a_reaction_is_tried_without_anything)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    struct rehearsal *r;
    struct json *result;
    str work;
    REQUIRE("a folder", file_temp_dir(&a, "rehearsal-test", &work, &e));
    REQUIRE("it opens", rehearsal_open(&(struct rehearsal_options){ .documents = parse(&a, world), .runtime_dir = work.p, .work_dir = work.p }, &r, &e));
    struct rehearsal_scene scene = { .reaction = STR("tell"), .event = parse(&a, "{\"Category\":\"DeploymentStarted\",\"RelatedDocumentIds\":[\"Projects-1\"]}"), .documents = parse(&a, "[{\"Id\":\"Projects-1\",\"Name\":\"Shop\"}]") };
    CHECK_OK("it is tried", rehearsal_run(r, &scene, &a, &result, &e), &e);
    CHECK("it matches", json_bool(json_get(result, STR("Matched")), false));
    const struct json *request = json_get(result, STR("Request"));
    CHECK_STR("names come from the documents", json_str(json_get(request, STR("Uri")), STR("")), STR("https://example.com/Shop"));
    str headers = json_text(&a, json_get(request, STR("Headers")));
    CHECK("made-up secrets are masked", str_find(headers, STR("secret:")) < 0 && str_find(headers, STR("********")) >= 0);
    scene.documents = NULL;
    CHECK_OK("without documents", rehearsal_run(r, &scene, &a, &result, &e), &e);
    CHECK("no name fits", !json_bool(json_get(result, STR("Matched")), true));
    scene.reaction = STR("broken");
    CHECK("what cannot be decoded is not there", !rehearsal_run(r, &scene, &a, &result, &e) && e.kind == ERR_NOT_FOUND);
    scene.reaction = STR("Tell");
    scene.event = parse(&a, "{\"Nothing\":1}");
    CHECK("an event that is none", !rehearsal_run(r, &scene, &a, &result, &e) && e.kind == ERR_INVALID);
    rehearsal_close(r);
    CHECK_OK("removed", file_remove_tree(work.p, &e), &e);
}

TEST_MAIN()
