#include "sample/model.h"

#include "sys/file.h"
#include "tests/harness/check.h"

#include <fcntl.h>
#include <unistd.h>

static struct doc *put(struct model *m, enum kind_id kind, const char *text)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j = NULL;
    struct err e;

    CHECK_OK("a test's own JSON", json_parse(&a, str_from(text), &j, &e), &e);
    return model_put(m, kind, j);
}

TEST(documents_are_kept_by_id)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct model *m = model_new();
    struct doc *d = put(m, KIND_PROJECT, "{\"Id\":\"Projects-21\",\"SpaceId\":\"Spaces-1\",\"Name\":\"Web Shop\",\"Slug\":\"web-shop\"}");

    CHECK("ids have no case", model_get(m, STR("projects-21")) == d);
    CHECK("of its kind only", !model_get_kind(m, KIND_CHANNEL, STR("Projects-21")));
    CHECK_STR("the next id follows the highest", model_new_id(m, &a, KIND_PROJECT), STR("Projects-22"));
    CHECK("a put of the same id changes it in place", put(m, KIND_PROJECT, "{\"Id\":\"Projects-21\",\"SpaceId\":\"Spaces-1\",\"Name\":\"Shop\"}") == d);
    CHECK_STR("to the new version", doc_str(d, "Name"), STR("Shop"));
    CHECK_INT("and there is still one", model_count(m, KIND_PROJECT), 1);
    CHECK("found by a field", model_find(m, KIND_PROJECT, STR("Spaces-1"), "Name", STR("SHOP")) == d);
    CHECK("not in another space", !model_find(m, KIND_PROJECT, STR("Spaces-2"), "Name", STR("Shop")));
    struct json *edit = model_edit(&a, d);
    json_put(edit, STR("Name"), json_new_string(&a, STR("Other")));
    CHECK_STR("an edit is a copy", doc_str(d, "Name"), STR("Shop"));
    model_remove(m, d);
    CHECK("removed it is gone", !model_get(m, STR("Projects-21")));
    CHECK_STR("and its number is not given again", model_new_id(m, &a, KIND_PROJECT), STR("Projects-23"));
    model_free(m);
}

TEST(kinds_are_found)
{
    CHECK("by an id", kind_by_id(STR("deploymentprocess-Projects-21-s-3-X")) == &kinds[KIND_PROCESS]);
    CHECK("by an id that carries no number", kind_by_id(STR("feeds-builtin")) == &kinds[KIND_FEED]);
    CHECK("by a path, case ignored", kind_by_path(STR("runbookSnapshots")) == &kinds[KIND_RUNBOOK_SNAPSHOT]);
    CHECK("or not", !kind_by_id(STR("nothing")) && !kind_by_path(STR("nothing")) && !kind_by_id(STR("-1")));
    for (size_t i = 0; i < KIND_COUNT; i++)
        CHECK("each has a prefix and a label", kinds[i].prefix && kinds[i].label && kinds[i].item_type);
}

struct loaded {
    struct model *model;
    size_t lines;
};

static bool load(void *ctx, struct arena *a UNUSED, const struct json *line, struct err *e)
{
    struct loaded *l = ctx;

    l->lines++;
    return model_replay(l->model, line, e);
}

static void dump_line(void *ctx, str text)
{
    journal_append(ctx, text);
}

static void dump(void *ctx, struct journal *j)
{
    model_dump(ctx, dump_line, j);
}

TEST(the_journal_finds_everything_again)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct journal *j = NULL;
    struct model *m = model_new();
    struct loaded again = { model_new() };
    bool is_new = false;
    struct err e;
    str dir;

    REQUIRE("a folder", file_temp_dir(&a, "sample-journal", &dir, &e));
    CHECK_OK("a new journal", journal_open(dir.p, load, &again, &is_new, &j, &e), &e);
    CHECK("is new", is_new);
    model_set_journal(m, j);
    put(m, KIND_RELEASE, "{\"Id\":\"Releases-1\",\"Version\":\"1.0\"}");
    put(m, KIND_RELEASE, "{\"Id\":\"Releases-1\",\"Version\":\"1.1\"}");
    model_remove(m, put(m, KIND_RELEASE, "{\"Id\":\"Releases-2\",\"Version\":\"2.0\"}"));
    journal_close(j);
    // What a kill leaves in the middle of a write.
    int fd = open(arena_printf(&a, "%s/journal.jsonl", dir.p).p, O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_INT("a torn line", write(fd, "{\"Put\":\"Rel", 11), 11);
    close(fd);
    CHECK_OK("opens again", journal_open(dir.p, load, &again, &is_new, &j, &e), &e);
    CHECK("is not new", !is_new);
    CHECK_INT("each put and remove was a line", again.lines, 4);
    CHECK_STR("the last version is there", doc_str(model_get(again.model, STR("Releases-1")), "Version"), STR("1.1"));
    CHECK("what was removed is not", !model_get(again.model, STR("Releases-2")));
    CHECK_OK("it is rewritten", journal_rewrite(j, dump, again.model, &e), &e);
    journal_close(j);
    struct loaded third = { model_new() };
    CHECK_OK("and opens a third time", journal_open(dir.p, load, &third, &is_new, &j, &e), &e);
    CHECK_INT("with one release", model_count(third.model, KIND_RELEASE), 1);
    CHECK_STR("whose numbers go on", model_new_id(third.model, &a, KIND_RELEASE), STR("Releases-3"));
    journal_close(j);
    model_free(m);
    model_free(again.model);
    model_free(third.model);
    CHECK_OK("away with it", file_remove_tree(dir.p, &e), &e);
}

TEST_MAIN()
