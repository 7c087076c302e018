#include "tests/store/bench.h"

#define LIST(...) { (const str[]){ __VA_ARGS__ }, sizeof((const str[]){ __VA_ARGS__ }) / sizeof(str) }
struct list {
    const str *items;
    size_t count;
};

static struct store_scope scope(struct list projects, struct list environments)
{
    return (struct store_scope){ projects.items, environments.items, projects.count, environments.count };
}

TEST(a_listing_holds_and_counts_only_what_may_be_seen)
{
    ON_EVERY_ENGINE(f) {
        static const struct { str project, environment; } events[] = {
            { STR_INIT("Projects-1"), STR_INIT("Environments-1") }, { STR_INIT("projects-1"), STR_INIT("") }, { STR_INIT("Projects-2"), STR_INIT("Environments-1") },
            { STR_INIT(""), STR_INIT("Environments-1") }, { STR_INIT(""), STR_INIT("") }, { STR_INIT("Projects-2"), STR_INIT("Environments-1,Environments-2") },
        };
        struct list none = { 0 }, one = LIST(STR("Projects-1")), two = LIST(STR("Projects-2")), both = LIST(STR("Projects-1"), STR("Projects-2")), production = LIST(STR("Environments-1"));
        struct store_scope first[] = { scope(one, none) }, second[] = { scope(two, production) }, several[] = { scope(one, production), scope(two, none) }, anywhere[] = { scope(none, production) }, all[] = { scope(none, none) },
                           any_project[] = { scope(both, none) };
        const struct { const char *claim; struct store_scopes scopes; int64_t want; } rows[] = {
            { "who is not limited sees all", { 0 }, 6 },
            { "who is limited to nothing sees nothing", { true, NULL, 0 }, 0 },
            { "a scope without lists is everything", { true, all, 1 }, 6 },
            { "one project, whatever its id's case", { true, first, 1 }, 2 },
            { "two projects: not what has none", { true, any_project, 1 }, 4 },
            { "a project and an environment; of several environments, not one alone", { true, second, 1 }, 1 },
            { "one scope or the other", { true, several, 2 }, 3 },
            { "an environment in any project, or none", { true, anywhere, 1 }, 3 },
        };
        for (size_t i = 0; i < COUNT(events); i++) {
            struct store_accept item = event_of(7, "{}");
            item.event.project = events[i].project;
            item.event.environment = events[i].environment;
            match(&f, accept(&f, &item).event_id, 3, true, NULL);
        }
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct event_filter filter = { .source = -1, .scopes = rows[i].scopes };
            struct run_filter runs = { .scopes = rows[i].scopes };
            struct store_events found;
            struct store_runs found_runs;
            CHECK_OK(rows[i].claim, store_event_list(f.store, &filter, (struct store_page){ .take = 10 }, false, &f.a, &found, &f.e), &f.e);
            CHECK_INT(rows[i].claim, found.count, rows[i].want);
            CHECK_INT(rows[i].claim, found.total, rows[i].want);
            CHECK_OK("runs follow their events", store_run_list(f.store, &runs, (struct store_page){ .take = 10 }, &f.a, &found_runs, &f.e), &f.e);
            CHECK_INT(rows[i].claim, found_runs.count, rows[i].want);
            CHECK_INT(rows[i].claim, found_runs.total, rows[i].want);
        }
        struct store_event_place at;
        bool is_there;
        CHECK("what an event is about is kept", store_event_place_get(f.store, 3, &f.a, &at, &is_there, &f.e) && is_there && str_eq(at.project, STR("Projects-2")) && str_eq(at.environment, STR("Environments-1")));
        CHECK("of one that is not there nothing is known", store_event_place_get(f.store, 99, &f.a, &at, &is_there, &f.e) && !is_there && !at.project.n);
    }
}

TEST_MAIN()
