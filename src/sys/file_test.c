#include "tests/harness/check.h"

#include "sys/file.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena a;
static str root;

static const char *path(const char *name)
{
    return arena_printf(&a, "%s/%s", root.p, name).p;
}

static str content(const char *name)
{
    str text = STR("?");
    struct err e;
    return file_read(path(name), 1 << 20, &a, &text, &e) ? text : STR("?");
}

static size_t files_in(const char *folder)
{
    FILE *list = popen(arena_printf(&a, "ls -A '%s' | wc -l", folder).p, "r");
    size_t n = 0;
    if (!list || fscanf(list, "%zu", &n) != 1)
        n = SIZE_MAX;
    if (list)
        pclose(list);
    return n;
}

TEST(a_temporary_folder)
{
    struct err e;
    struct stat st;
    setenv("TMPDIR", "/tmp", 1);
    REQUIRE("is made", file_temp_dir(&a, "file-test", &root, &e));
    CHECK("below $TMPDIR, named as asked", str_starts(root, STR("/tmp/file-test-")) && strlen(root.p) == root.n);
    CHECK("for its owner only", stat(root.p, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
    str other;
    setenv("TMPDIR", root.p, 1);
    CHECK_OK("elsewhere by TMPDIR", file_temp_dir(&a, "x", &other, &e), &e);
    CHECK("there", str_starts(other, root));
    setenv("TMPDIR", path("no/such"), 1);
    CHECK("a TMPDIR that is not there is an error", !file_temp_dir(&a, "x", &other, &e) && e.kind == ERR_NOT_FOUND);
    unsetenv("TMPDIR");
    rmdir(other.p);
}

TEST(writing_and_reading)
{
    struct err e;
    struct stat st;
    CHECK_OK("a new file", file_write(path("new"), STR("a\0b"), 0640, &e), &e);
    CHECK_STR("holds what was written", content("new"), STR("a\0b"));
    CHECK("with its mode, whatever the umask", stat(path("new"), &st) == 0 && (st.st_mode & 0777) == 0640);
    CHECK_OK("replaced by a shorter one", file_write(path("new"), STR("x"), 0600, &e), &e);
    CHECK_STR("holds the new", content("new"), STR("x"));
    CHECK("has the new mode", stat(path("new"), &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_OK("an empty one", file_write(path("new"), (str){ 0 }, 0600, &e), &e);
    CHECK_STR("is empty", content("new"), STR(""));
    char *large = xmalloc(3000001);
    memset(large, 'y', 3000001);
    str got = { 0 };
    CHECK_OK("a large one", file_write(path("new"), (str){ large, 3000001 }, 0600, &e), &e);
    CHECK("is read whole, with a NUL behind", file_read(path("new"), 3000001, &a, &got, &e) && str_eq(got, (str){ large, 3000001 }) && got.p[got.n] == 0);
    CHECK("a byte more than allowed is refused", !file_read(path("new"), 3000000, &a, &got, &e) && e.kind == ERR_TOO_LARGE);
    free(large);
    CHECK_INT("nothing is left beside it", files_in(root.p), 1);
    unlink(path("new"));
}

TEST(a_failed_write_leaves_the_old_file)
{
    struct err e = { 0 };
    REQUIRE("there is an old one", file_write(path("kept"), STR("old"), 0600, &e));
    // As a full disk does: the write fails half-way.
    struct rlimit was, small = { 1000, 1000 };
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    char large[5000] = { 0 };
    bool is_written = file_write(path("kept"), (str){ large, sizeof large }, 0600, &e);
    setrlimit(RLIMIT_FSIZE, &was);
    CHECK("the failure is said", !is_written && e.kind == ERR_IO && strstr(e.text, "writing"));
    CHECK_STR("the old content stays", content("kept"), STR("old"));
    CHECK_INT("and the torn one is gone", files_in(root.p), 1);
    CHECK("into a folder that is not there", !file_write(path("no/such"), STR("x"), 0600, &e) && e.kind == ERR_NOT_FOUND);
    mkdir(path("folder"), 0700);
    CHECK("over a folder", !file_write(path("folder"), STR("x"), 0600, &e));
    CHECK_INT("leaves nothing beside it", files_in(root.p), 2);
    rmdir(path("folder"));
    unlink(path("kept"));
}

static void *write_often(void *text)
{
    CLEANUP(arena_fini) struct arena own = { 0 };
    size_t failed = 0;
    struct err e;
    for (int i = 0; i < 30; i++)
        failed += !file_write(arena_printf(&own, "%s/shared", root.p).p, str_from(text), 0600, &e);
    return (void *)failed;
}

TEST(two_threads_may_write_the_same_file)
{
    static char texts[2][20001];
    pthread_t threads[2];
    size_t failed = 0;
    for (int i = 0; i < 2; i++) {
        memset(texts[i], 'a' + i, 20000);
        pthread_create(&threads[i], NULL, write_often, texts[i]);
    }
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(threads[i], &result);
        failed += (size_t)result;
    }
    str got = content("shared");
    CHECK_INT("none fails", failed, 0);
    CHECK("one of them is there, whole", str_eq(got, str_from(texts[0])) || str_eq(got, str_from(texts[1])));
    CHECK_INT("and nothing beside it", files_in(root.p), 1);
    unlink(path("shared"));
}

TEST(reading_what_has_no_size)
{
    str got = { 0 };
    struct err e;
    CHECK("a file of the kernel's, which says it is empty", file_read("/proc/self/status", 1 << 20, &a, &got, &e) && str_find(got, STR("Pid:")) > 0);
    CHECK("bounded all the same", !file_read("/dev/zero", 200000, &a, &got, &e) && e.kind == ERR_TOO_LARGE);
    CHECK("nothing there", !file_read(path("none"), 10, &a, &got, &e) && e.kind == ERR_NOT_FOUND && strstr(e.text, path("none")));
    CHECK("a folder", !file_read(root.p, 10, &a, &got, &e) && e.kind == ERR_IO);
    CHECK("a folder in the way", !file_read(path("x/y"), 10, &a, &got, &e));
}

TEST(folders)
{
    struct err e;
    struct stat st;
    CHECK_OK("several at once", file_make_dirs(path("p/q/r"), 0750, &e), &e);
    CHECK("are folders", stat(path("p/q/r"), &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0750);
    CHECK_OK("those that are there already", file_make_dirs(path("p/q/r"), 0750, &e), &e);
    CHECK_OK("with slashes to spare", file_make_dirs(path("p//q/s/"), 0750, &e), &e);
    CHECK("made", file_exists(path("p/q/s")));
    CHECK_OK("the root", file_make_dirs("/", 0700, &e), &e);
    CHECK("no name is an error", !file_make_dirs("", 0700, &e) && e.kind == ERR_INVALID);
    REQUIRE("a file", file_write(path("p/file"), STR("x"), 0600, &e));
    CHECK("a file in the way", !file_make_dirs(path("p/file/x"), 0700, &e));
    CHECK("a file at the end", !file_make_dirs(path("p/file"), 0700, &e));
    CHECK("exists", file_exists(path("p/file")) && file_exists(path("p")) && !file_exists(path("p/none")));

    CHECK("a link out of the tree", mkdir(path("outside"), 0700) == 0 && file_write(path("outside/kept"), STR("x"), 0600, &e) && symlink(path("outside"), path("p/q/link")) == 0);
    CHECK_OK("removing a tree", file_remove_tree(path("p"), &e), &e);
    CHECK("removes it", !file_exists(path("p")));
    CHECK_STR("and follows no link", content("outside/kept"), STR("x"));
    CHECK_OK("removing what is not there", file_remove_tree(path("p"), &e), &e);
    CHECK_OK("removing a file", file_remove_tree(path("outside/kept"), &e), &e);
    CHECK("a link itself", symlink(path("outside"), path("link")) == 0 && file_remove_tree(path("link"), &e) && file_exists(path("outside")) && !file_exists(path("link")));
    CHECK_OK("what it pointed to", file_remove_tree(path("outside"), &e), &e);
}

TEST(locks)
{
    struct err e = { 0 };
    int fd = -1, other = -1;
    REQUIRE("taken", file_lock(path("lock"), &fd, &e));
    CHECK("once only", !file_lock(path("lock"), &other, &e) && e.kind == ERR_BUSY && other == -1);
    CHECK("the holder is named", strstr(e.text, arena_printf(&a, "process %d", (int)getpid()).p));
    close(fd);
    CHECK_OK("free again when it is closed", file_lock(path("lock"), &fd, &e), &e);
    close(fd);

    int ready[2];
    REQUIRE("a pipe", pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        bool is_taken = file_lock(path("lock"), &fd, &e);
        if (write(ready[1], is_taken ? "y" : "n", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    char answer = 0;
    CHECK("another process takes it", read(ready[0], &answer, 1) == 1 && answer == 'y');
    CHECK("we do not get it", !file_lock(path("lock"), &other, &e) && strstr(e.text, arena_printf(&a, "process %d:", (int)child).p));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_OK("its death frees it", file_lock(path("lock"), &other, &e), &e);
    CHECK_STR("our pid stands there, and nothing of a longer one", content("lock"), arena_printf(&a, "%d", (int)getpid()));
    close(other);
    close(ready[0]);
    close(ready[1]);
    // A killed holder, of which a child has not got to its own program yet.
    int status = -1;
    child = fork();
    if (child == 0) {
        bool is_taken = file_lock(path("lock"), &fd, &e);
        if (is_taken && fork() == 0)
            poll(NULL, 0, 100); // it ends by itself, however late
        _exit(is_taken ? 0 : 1);
    }
    CHECK("a holder ends before its child", waitpid(child, &status, 0) == child && status == 0);
    CHECK_OK("the child is waited for", file_lock(path("lock"), &other, &e), &e);
    close(other);
    CHECK("a lock in a folder that is not there", !file_lock(path("no/lock"), &fd, &e) && e.kind == ERR_NOT_FOUND);
}

TEST(at_last)
{
    struct err e;
    CHECK_OK("the folder is removed", file_remove_tree(root.p, &e), &e);
    CHECK("it is gone", !file_exists(root.p));
}

// Deeper than any path may be long, and a folder nobody may read.
TEST(a_hostile_tree_is_removed)
{
    struct err e;
    str dir;
    REQUIRE("a folder", file_temp_dir(&a, "file-test", &dir, &e));
    int fd = open(dir.p, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i % 3);
        int inner = mkdirat(fd, name, 0700) == 0 ? openat(fd, name, O_RDONLY | O_DIRECTORY) : -1;
        close(fd);
        fd = inner;
    }
    CHECK("5000 folders deep", fd >= 0);
    CHECK("with a file", close(openat(fd, "x", O_WRONLY | O_CREAT, 0600)) == 0);
    close(fd);
    CHECK("and one that cannot be read", mkdir(arena_printf(&a, "%s/shut", dir.p).p, 0700) == 0 && mkdir(arena_printf(&a, "%s/shut/x", dir.p).p, 0700) == 0
        && chmod(arena_printf(&a, "%s/shut", dir.p).p, 0) == 0);
    CHECK_OK("removed", file_remove_tree(dir.p, &e), &e);
    CHECK("it is gone", !file_exists(dir.p));
}

TEST_MAIN()
