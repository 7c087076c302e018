// Shares of places, on a pool without processes. How they are filled is tried in pool_test.c.
#include "script/parts.h"

#include "tests/harness/check.h"

struct made {
    struct script_pool pool;
    struct member members[32];
    struct script_job jobs[32];
    struct owner owners[4];
};

// "aab" makes a and b run; capitals wait.
static void make(struct made *m, int max, const char *who)
{
    static char names[128][2];
    *m = (struct made){ .pool.opt.max_workers = max };
    size_t jobs = 0, members = 0, owners = 0;
    for (const char *c = who; *c; c++) {
        char low = (char)(*c | 32);
        names[(int)low][0] = low;
        struct script_job *j = &m->jobs[jobs++];
        if (*c == low) {
            struct member *member = &m->members[members++];
            *member = (struct member){ .state = MEMBER_RUNNING, .owner = names[(int)low], .owner_bytes = 1, .job = j, .next = m->pool.members };
            m->pool.members = member;
            continue;
        }
        struct owner *o = m->pool.owners;
        while (o && o->name[0] != low)
            o = o->next;
        if (!o) {
            o = &m->owners[owners++];
            *o = (struct owner){ .name = names[(int)low], .name_bytes = 1, .last = &o->first, .next = m->pool.owners };
            m->pool.owners = o;
        }
        *o->last = j;
        o->last = &j->next;
    }
}

TEST(room_for_an_owner)
{
    static const struct { const char *claim; int max; const char *who; bool of_a, of_z; } rows[] = {
        { "nobody runs", 4, "", true, true },
        { "one of two halves", 4, "a", true, true },
        { "an owner has half of the places", 4, "aa", false, true },
        { "the next has half of the rest", 4, "aab", false, true },
        { "the last place is for one who has none", 4, "bbc", true, true },
        { "all places are taken", 4, "aabc", false, false },
        { "one place", 1, "", true, true },
        { "taken", 1, "a", false, false },
        { "two places", 2, "a", false, true },
        { "eight", 8, "aaa", true, true },
        { "eight, half", 8, "aaaa", false, true },
        { "who waits counts", 4, "AA", false, true },
        { "but no further than its share", 4, "BBBBBBBB", true, true },
        { "and not where all is full", 4, "aabbC", false, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct made m;
        make(&m, rows[i].max, rows[i].who);
        CHECK(rows[i].claim, place_has_room(&m.pool, STR("a")) == rows[i].of_a);
        CHECK(rows[i].claim, place_has_room(&m.pool, STR("z")) == rows[i].of_z);
    }
}

TEST(running_jobs_are_counted)
{
    struct made m;
    make(&m, 4, "aabC");
    CHECK_INT("three", place_running(&m.pool), 3);
}

TEST_MAIN()
