#include "sys/proctree.h"

#include "tests/harness/check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool parse(const char *line, struct proctree_entry *out)
{
    return proctree_parse_stat(line, strlen(line), 4096, out);
}

TEST(a_stat_line_is_read_whatever_the_name)
{
    struct proctree_entry e;
    CHECK("an ordinary line", parse("42 (sh) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 1000 25 18446744073709551615 1", &e));
    CHECK_INT("pid", e.pid, 42);
    CHECK_INT("parent", e.parent, 7);
    CHECK_INT("start", e.start_ticks, 9876);
    CHECK_INT("memory in bytes", e.rss_bytes, 25 * 4096);
    CHECK("not a zombie", !e.is_zombie);
    CHECK("a name made to mislead", parse("43 (x) S 1 (y) R) Z 8 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 11 1000 0 1", &e));
    CHECK_INT("its true parent", e.parent, 8);
    CHECK("its true state", e.is_zombie);
    CHECK("its first thread has ended, others go on", parse("44 (x) Z 8 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 11 1000 0 1", &e));
    CHECK("which is not a zombie", !e.is_zombie);
    static const char *const bad[] = { "", "42", "42 (sh", "42 (sh)", "42 (sh) S", "42 (sh) S x", "x (sh) S 1 2 3", "42 (sh) S 7 42 42 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 9 1", "-1 (sh) S 7 1",
        "42 (sh) S 72424194560 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 1000 25 1" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !parse(bad[i], &e));
}

// Forks a child that forks a grandchild which leaves its session; tells the grandchild's pid.
static pid_t start_family(pid_t *grandchild)
{
    int told[2];
    if (pipe(told) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        pid_t inner = fork();
        if (inner == 0) {
            setsid();
            inner = getpid();
            if (write(told[1], &inner, sizeof inner) < 0)
                _exit(1);
        }
        for (;;)
            pause();
    }
    bool is_told = read(told[0], grandchild, sizeof *grandchild) == sizeof *grandchild;
    close(told[0]);
    close(told[1]);
    return is_told ? child : -1;
}

TEST(descendants_are_found_and_ended)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t grandchild = 0, child = start_family(&grandchild);
    REQUIRE("a family stands", child > 0);
    struct proctree t = { 0 };
    CHECK("a snapshot", proctree_take(&t));
    struct proctree_sum sum = proctree_mark(&t, child);
    CHECK_INT("one descendant", sum.count, 1);
    CHECK("it has memory", sum.rss_bytes > 0);
    bool is_marked = false;
    struct proctree_entry found = { 0 };
    for (size_t i = 0; i < t.count; i++)
        if (t.entries[i].pid == grandchild) {
            is_marked = t.entries[i].is_inside;
            found = t.entries[i];
        }
    CHECK("the grandchild is it", is_marked);
    CHECK("still the same process", proctree_is_same(&found));
    found.start_ticks++;
    CHECK("another process under that number is another", !proctree_is_same(&found));
    proctree_fini(&t);

    CHECK_INT("nothing is left below us", proctree_kill(getpid(), 5000), 0);
    CHECK_INT("the child is dead", waitpid(child, NULL, 0), child);
    CHECK_INT("so is the grandchild, which fell to us", waitpid(grandchild, NULL, 0), grandchild);
    CHECK_INT("nobody to kill is fine", proctree_kill(getpid(), 0), 0);
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

// /proc shows Z for it, waitpid does not tell of it, and it goes on.
TEST(a_process_without_its_first_thread_lives)
{
    int told[2];
    REQUIRE("a pipe", pipe(told) == 0);
    pid_t child = fork();
    if (child == 0) {
        pthread_t other;
        if (pthread_create(&other, NULL, wait_for_ever, NULL) != 0)
            _exit(1);
        close(told[0]);
        close(told[1]);
        syscall(SYS_exit, 0); // this thread only
    }
    close(told[1]);
    char none;
    CHECK_INT("it has come that far", read(told[0], &none, 1), 0);
    close(told[0]);
    struct proctree t = { 0 };
    CHECK("a snapshot", proctree_take(&t));
    CHECK_INT("it counts", proctree_mark(&t, getpid()).count, 1);
    proctree_fini(&t);
    CHECK_INT("it is ended", proctree_kill(getpid(), 5000), 0);
    int status = 0;
    CHECK_INT("and what is left of it is there to take at once", waitpid(child, &status, WNOHANG), child);
    CHECK_INT("by a signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGKILL);
}

TEST_MAIN()
