#include "sample/data.h"

#include "sample/packages.h"
#include "sample/receivers.h"
#include "sample/releases.h"
#include "tests/harness/check.h"

static struct sample world(void)
{
    struct sample s = { .clock = &clock_system, .model = model_new(), .events = event_log_new(), .faults = faults_new(1), .api_key = xstrdup("K"), .base_url = xstrdup("http://sample") };
    struct err e;

    CHECK_OK("our own data", data_load(&s, &e), &e);
    data_derive_keys(&s);
    return s;
}

static void end(struct sample *s)
{
    model_free(s->model);
    event_log_free(s->events);
    faults_free(s->faults);
    free(s->api_key);
    free(s->base_url);
}

TEST(every_id_the_events_name_exists_or_was_deleted)
{
    static const char *const gone[] = { "Machines-43", NULL };
    struct sample s = world();

    CHECK_INT("62 events", event_log_count(s.events), 62);
    CHECK_INT("the last AutoId", event_log_last_auto_id(s.events), 53062);
    for (size_t i = 0; i < event_log_count(s.events); i++) {
        str rest = str_skip(event_log_at(s.events, i)->related, 1), one;

        while (str_split(&rest, ',', &one)) {
            bool is_gone = !one.n;

            for (const char *const *g = gone; *g; g++)
                is_gone = is_gone || str_eq(one, str_from(*g));
            if (!is_gone && !model_get(s.model, one))
                CHECK_STR("an id of an event", one, STR("(a document)"));
        }
    }
    end(&s);
}

TEST(every_project_can_be_released)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct sample s = world();

    for (size_t i = 0; i < model_count(s.model, KIND_PROJECT); i++) {
        const struct doc *p = model_at(s.model, KIND_PROJECT, i);
        const struct doc *channel = find_channel(s.model, p, STR(""));
        size_t needs, versions;
        struct package_need *need = process_needs(&a, process_of(s.model, p), &needs);

        CHECK_STR("its default channel", doc_str(channel, "Name"), STR("Default"));
        CHECK("its process needs packages", needs > 0);
        for (size_t k = 0; k < needs; k++) {
            packages_versions(&a, s.model, packages_feed_name(model_get(s.model, need[k].feed_id)), need[k].package_id, &versions);
            CHECK("which the feed has", versions > 0);
        }
        CHECK("its group, lifecycle and variables exist", model_get(s.model, doc_str(p, "ProjectGroupId")) && model_get(s.model, doc_str(p, "LifecycleId")) && model_get(s.model, doc_str(p, "VariableSetId")));
    }
    for (size_t i = 0; i < model_count(s.model, KIND_RELEASE); i++)
        CHECK("a release has its snapshots", model_get(s.model, doc_str(model_at(s.model, KIND_RELEASE, i), "ProjectDeploymentProcessSnapshotId")) != NULL);
    end(&s);
}

TEST(keys_derive_from_the_one_given)
{
    static const struct { const char *key, *username; } rows[] = { { "K", "admin" }, { "K-READER", "reactions-reader" }, { "K-BOT", "release-bot" }, { "K-LIMITED", "limited-bot" }, { "K-REACTIONS", "reactions-bot" }, { "K-ALICE", "alice" }, { "K-TEAMCITY", "teamcity" }, { "K-NONE", "no-rights" } };
    struct sample s = world();
    struct doc *key;

    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].key, doc_str(access_user_by_key(s.model, str_from(rows[i].key), 0, &key), "Username"), str_from(rows[i].username));
    end(&s);
}

TEST(a_draft_counts_utf16_and_escapes)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct sample s = world();
    struct draft d;

    draft_begin(&d, &s, &a, &actor_system, "Modified", STR("Spaces-1"));
    draft_text(&d, "Gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x99 "); // two umlauts of one unit each, one character of two
    draft_ref(&d, STR("Projects-21"), STR("<Web & Shop>"));
    draft_related(&d, STR("Projects-21"));
    draft_related(&d, STR(""));
    str id = draft_commit(&d);
    const struct event *e = event_log_find(s.events, id);
    struct json *j = NULL;
    struct err err;
    int64_t start = 0, length = 0;

    REQUIRE("it is in the log", e && json_parse(&a, e->text, &j, &err));
    json_i64(json_pointer(j, STR("/MessageReferences/0/StartIndex")), &start);
    json_i64(json_pointer(j, STR("/MessageReferences/0/Length")), &length);
    CHECK_INT("start", start, 8);
    CHECK_INT("length", length, 12);
    CHECK("escaped", str_find(json_str(json_get(j, STR("MessageHtml")), STR("")), STR("&lt;Web &amp; Shop&gt;")) > 0);
    CHECK_STR("ids", e->related, STR(",Projects-21,"));
    CHECK_STR("the id goes on from the seed", id, STR("Events-20063"));
    end(&s);
}

TEST(dates_are_written_as_octopus_writes_them)
{
    CLEANUP(arena_fini) struct arena a = { 0 };

    CHECK_STR("ISO with an offset", text_date(&a, 1772442871650), STR("2026-03-02T09:14:31.650+00:00"));
    CHECK_STR("RFC 1123", text_rfc1123(&a, 1770114600000), STR("Tue, 03 Feb 2026 10:30:00 GMT"));
}

TEST_MAIN()
