#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "reactions-"

static bool write_file(const char *folder, const char *name, const char *text)
{
    char path[CGROUP_PATH_BYTES + 64];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, text, strlen(text));
    int why = errno;
    close(fd);
    errno = why;
    return n == (ssize_t)strlen(text);
}

static str read_small(const char *path, char *space, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (str){ 0 };
    size_t n = 0;
    for (ssize_t got; n < cap && (got = read(fd, space + n, cap - n)) > 0;)
        n += (size_t)got;
    close(fd);
    return (str){ space, n };
}

static str read_in(const char *folder, const char *name, char *space, size_t cap)
{
    char path[CGROUP_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_small(path, space, cap);
}

// mountinfo: id parent major:minor root mountpoint options [optional]* - type source options
static bool find_mount(str mounts, str *root, str *point)
{
    str line, word;
    while (str_split(&mounts, '\n', &line)) {
        ptrdiff_t dash = str_find(line, STR(" - "));
        if (dash < 0 || !str_starts(str_skip(line, (size_t)dash + 3), STR("cgroup2 ")))
            continue;
        str rest = line;
        for (int i = 0; i < 5; i++) {
            if (!str_split(&rest, ' ', &word))
                return false;
            if (i == 3)
                *root = word;
            if (i == 4)
                *point = word;
        }
        return true;
    }
    return false;
}

bool cgroup_own_path(str own, str mounts, char *out, size_t cap)
{
    str line, path = { 0 }, root = { 0 }, point = { 0 };
    while (str_split(&own, '\n', &line))
        if (str_starts(line, STR("0::/")))
            path = str_skip(line, 3);
    if (!path.n || !find_mount(mounts, &root, &point))
        return false;
    // In a container the mount shows a part of the tree: what stands before it does not exist here.
    if (!str_eq(root, STR("/")) && str_starts(path, root))
        path = str_skip(path, root.n);
    if (str_eq(path, STR("/")))
        path.n = 0;
    // Octal escapes (a blank in the path) and ways out of the mount are not worth their code.
    if (str_has(point, '\\') || str_find(path, STR("/..")) >= 0)
        return false;
    return snprintf(out, cap, "%.*s%.*s", STR_ARG(point), STR_ARG(path)) < (int)cap;
}

static bool has_word(str text, str wanted)
{
    text = str_trim(text);
    for (str word; str_split(&text, ' ', &word);)
        if (str_eq(word, wanted))
            return true;
    return false;
}

static bool has_controller(const char *path, const char *file, const char *name)
{
    char space[512];
    return has_word(read_in(path, file, space, sizeof space), str_from(name));
}

// Controllers can be given to children only by a group without processes of its own (but for the
// topmost). A service that was delegated its group is the one process in it, and may step aside.
static bool step_aside(const char *path)
{
    char space[256], beside[CGROUP_PATH_BYTES], own[32];
    snprintf(own, sizeof own, "%d", (int)getpid());
    if (!str_eq(str_trim(read_in(path, "cgroup.procs", space, sizeof space)), str_from(own)))
        return false;
    snprintf(beside, sizeof beside, "%s/" PREFIX "server", path);
    if (mkdir(beside, 0755) < 0 && errno != EEXIST)
        return false;
    return write_file(beside, "cgroup.procs", own);
}

static bool turn_on(const char *path, const char *controller)
{
    if (has_controller(path, "cgroup.subtree_control", controller))
        return true;
    if (!has_controller(path, "cgroup.controllers", controller))
        return false;
    char text[32];
    snprintf(text, sizeof text, "+%s", controller);
    return write_file(path, "cgroup.subtree_control", text) || (errno == EBUSY && step_aside(path) && write_file(path, "cgroup.subtree_control", text));
}

// reactions-<pid>.<name> of a process that is no more: whoever is still inside was left behind.
static void sweep(const char *base)
{
    DIR *dir = opendir(base);
    if (!dir)
        return;
    for (struct dirent *item; (item = readdir(dir));) {
        str name = str_from(item->d_name), pid_text;
        uint64_t pid;
        if (!str_starts(name, STR(PREFIX)))
            continue;
        str rest = str_skip(name, strlen(PREFIX));
        if (!str_split(&rest, '.', &pid_text) || !rest.p || !str_to_u64(pid_text, &pid) || pid > INT32_MAX)
            continue;
        if ((pid_t)pid == getpid() || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        char path[CGROUP_PATH_BYTES];
        if (snprintf(path, sizeof path, "%s/%s", base, item->d_name) >= (int)sizeof path)
            continue;
        cgroup_kill(path);
        cgroup_remove(path);
    }
    closedir(dir);
}

void cgroup_find_root(struct cgroup_root *out)
{
    *out = (struct cgroup_root){ 0 };
    char own[4096], path[sizeof out->path];
    CLEANUP(freep) char *mounts = xmalloc(1 << 20);
    if (!cgroup_own_path(read_small("/proc/self/cgroup", own, sizeof own), read_small("/proc/self/mountinfo", mounts, 1 << 20), path, sizeof path)) {
        snprintf(out->reason, sizeof out->reason, "no cgroup v2 is mounted");
        return;
    }
    str shown = str_from(path);
    if (str_ends(shown, STR("/" PREFIX "server"))) // we stepped aside earlier
        path[shown.n - strlen("/" PREFIX "server")] = 0;
    sweep(path);

    struct cgroup_root trial = { 0 };
    snprintf(trial.path, sizeof trial.path, "%s", path);
    char probe[CGROUP_PATH_BYTES];
    struct err e;
    if (!cgroup_make(&trial, "probe", probe, &e)) {
        snprintf(out->reason, sizeof out->reason, "%.150s", e.text);
        return;
    }
    // cgroup.kill came with Linux 5.14; without it a group names its processes but does not end them.
    char kill_file[CGROUP_PATH_BYTES + 16];
    snprintf(kill_file, sizeof kill_file, "%s/cgroup.kill", probe);
    bool can_kill = access(kill_file, W_OK) == 0;
    cgroup_remove(probe);
    if (!can_kill) {
        snprintf(out->reason, sizeof out->reason, "this kernel has no cgroup.kill");
        return;
    }
    trial.limits_memory = turn_on(path, "memory");
    trial.limits_pids = turn_on(path, "pids");
    *out = trial;
}

bool cgroup_make(const struct cgroup_root *root, const char *name, char path[static CGROUP_PATH_BYTES], struct err *e)
{
    if (snprintf(path, CGROUP_PATH_BYTES, "%s/" PREFIX "%d.%s", root->path, (int)getpid(), name) >= CGROUP_PATH_BYTES)
        return err_set(e, ERR_INVALID, "the path of a control group below %s is too long", root->path);
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return err_errno(e, errno, "making control group %s", path);
    return true;
}

bool cgroup_limit_memory(const char *path, int64_t bytes)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, bytes);
    write_file(path, "memory.swap.max", "0");
    write_file(path, "memory.oom.group", "1");
    return write_file(path, "memory.max", bytes > 0 ? text : "max");
}

bool cgroup_limit_pids(const char *path, int max)
{
    char text[32];
    snprintf(text, sizeof text, "%d", max);
    return write_file(path, "pids.max", max > 0 ? text : "max");
}

bool cgroup_kill(const char *path)
{
    return write_file(path, "cgroup.kill", "1");
}

// The number behind "name " in a file of such lines.
static int64_t read_count(const char *path, const char *file, const char *name, int64_t otherwise)
{
    char space[1024];
    str text = read_in(path, file, space, sizeof space), line, word;
    while (str_split(&text, '\n', &line)) {
        int64_t value;
        if (str_split(&line, ' ', &word) && str_eq(word, str_from(name)) && line.p && str_to_i64(line, &value))
            return value;
    }
    return otherwise;
}

int cgroup_count(const char *path)
{
    char space[16384]; // some 2000 numbers; of more it does not matter how many
    str text = read_in(path, "cgroup.procs", space, sizeof space);
    if (!text.p)
        return -1;
    int n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

bool cgroup_is_empty(const char *path)
{
    return read_count(path, "cgroup.events", "populated", 0) == 0;
}

int64_t cgroup_oom_kills(const char *path)
{
    return read_count(path, "memory.events", "oom_kill", 0);
}

void cgroup_remove(const char *path)
{
    rmdir(path); // refused while somebody is inside: the next start sweeps it
}
