// The guard itself is tried through process_test.c; here is what it does when called wrongly.
#include "sys/guard.h"

#include "tests/harness/check.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs this very binary as a guard; its report comes on descriptor 3.
static bool call_guard(const char *const *words, struct guard_report *out, int *status)
{
    const char *argv[16] = { "guard", GUARD_WORD };
    int n = 2, ends[2];
    pid_t pid;
    while (*words)
        argv[n++] = *words++;
    if (pipe(ends) < 0)
        return false;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 100);
    posix_spawn_file_actions_adddup2(&actions, 100, 3);
    union { const char **in; char **out; } args = { .in = argv };
    bool is_begun = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, args.out, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    bool is_told = is_begun && read(ends[0], out, sizeof *out) == sizeof *out;
    close(ends[0]);
    return is_begun && waitpid(pid, status, 0) == pid && is_told;
}

TEST(wrong_arguments_are_refused)
{
    static const char *const rows[][8] = {
        { "--", "/bin/true", NULL },
        { "fds=0", NULL },
        { "fds=0", "--", NULL },
        { "fds=9", "--", "/bin/true", NULL },
        { "fds=-1", "--", "/bin/true", NULL },
        { "fds=0", "uid=5", "--", "/bin/true", NULL },
        { "fds=0", "colour=red", "--", "/bin/true", NULL },
        { "fds=0", "cwd", "--", "/bin/true", NULL },
        { "fds=0x", "--", "/bin/true", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct guard_report r = { 0 };
        int status = 0;
        CHECK("it answers", call_guard(rows[i], &r, &status));
        CHECK("by a refusal", r.event == GUARD_FAILED && r.stage == GUARD_STAGE_ARGUMENTS);
        CHECK_INT("and status 127", WEXITSTATUS(status), 127);
    }
}

TEST(a_guard_whose_server_died_starts_nothing)
{
    struct guard_report r = { 0 };
    int status = -1;
    CHECK("no report", !call_guard((const char *const[]){ "fds=0", "parent=1", "--", "/bin/false", NULL }, &r, &status) && r.event == 0);
    CHECK_INT("it just ends", status, 0);
}

TEST(every_stage_has_a_name)
{
    for (int stage = GUARD_STAGE_ARGUMENTS; stage <= GUARD_STAGE_EXECUTE; stage++)
        CHECK("a name", strlen(guard_stage_name(stage)) > 3);
    CHECK_TEXT("even one that does not exist", guard_stage_name((enum guard_stage)99), "?");
}

TEST_MAIN()
