#include "sys/cgroup.h"

#include "tests/harness/check.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(our_own_group_is_found_in_the_mounts)
{
    static const struct { const char *claim, *own, *mounts, *want; } rows[] = {
        { "systemd", "0::/system.slice/reactions.service\n", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/system.slice/reactions.service" },
        { "the topmost", "0::/\n", "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n", "/sys/fs/cgroup/unified" },
        { "beside version 1", "4:memory:/x\n0::/a\n", "29 23 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n", "/sys/fs/cgroup/unified/a" },
        { "a container that sees a part", "0::/docker/abc/inner\n", "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "/sys/fs/cgroup/inner" },
        { "version 1 only", "4:memory:/x\n", "29 23 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", NULL },
        { "no mount", "0::/a\n", "22 1 8:1 / / rw - ext4 /dev/sda rw\n", NULL },
        { "a group outside of what is mounted", "0::/../x\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", NULL },
        { "cut short", "0::/a\n", "30 23 - cgroup2", NULL },
        { "nothing", "", "", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[128] = "";
        bool is_found = cgroup_own_path(str_from(rows[i].own), str_from(rows[i].mounts), path, sizeof path);
        CHECK_TEXT(rows[i].claim, is_found ? path : "(none)", rows[i].want ? rows[i].want : "(none)");
    }
}

TEST(a_group_holds_and_ends_what_is_in_it)
{
    struct cgroup_root root;
    char path[CGROUP_PATH_BYTES], file[CGROUP_PATH_BYTES + 32];
    struct err e;
    cgroup_find_root(&root);
    if (!root.path[0]) {
        CHECK("where none can be made, a reason says so", root.reason[0] != 0);
        return;
    }
    REQUIRE("a group is made", cgroup_make(&root, "test", path, &e));
    CHECK("empty at first", cgroup_is_empty(path));
    pid_t pid = fork();
    if (pid == 0) {
        snprintf(file, sizeof file, "%s/cgroup.procs", path);
        FILE *f = fopen(file, "w");
        if (!f || fputs("0", f) < 0 || fclose(f) != 0)
            _exit(1);
        setsid();
        kill(getpid(), SIGSTOP); // even stopped
        _exit(0);
    }
    int status;
    waitpid(pid, &status, WUNTRACED);
    CHECK("it is inside", WIFSTOPPED(status) && !cgroup_is_empty(path));
    CHECK("one write", cgroup_kill(path));
    waitpid(pid, &status, 0);
    CHECK("ends it", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK("empty again", cgroup_is_empty(path));
    CHECK_INT("no memory kill is on record", cgroup_oom_kills(path), 0);
    CHECK("limits apply where the controllers are ours", cgroup_limit_memory(path, 1 << 30) == root.limits_memory);
    CHECK("and for numbers", cgroup_limit_pids(path, 100) == root.limits_pids);
    cgroup_remove(path);
    CHECK("removed", access(path, F_OK) != 0);
}

TEST_MAIN()
