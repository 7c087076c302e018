#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 500
#define LOCK_WAIT_MS 20

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool file_read(const char *path, size_t max_bytes, struct arena *a, str *out, struct err *e)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(e, errno, "reading %s", path);
    if (S_ISDIR(st.st_mode))
        return err_errno(e, EISDIR, "reading %s", path);
    // Pipes and /proc say size 0: read until the end, whatever the size said.
    size_t cap = st.st_size > 0 ? (size_t)st.st_size + 1 : 65536, n = 0;
    if (st.st_size > 0 && (size_t)st.st_size > max_bytes)
        return err_set(e, ERR_TOO_LARGE, "%s has %lld bytes; at most %zu are read", path, (long long)st.st_size, max_bytes);
    char *p = arena_bytes(a, cap + 1);
    for (;;) {
        if (n == cap) {
            char *grown = arena_bytes(a, cap * 2 + 1);
            memcpy(grown, p, n);
            p = grown;
            cap *= 2;
        }
        ssize_t got = read(fd, p + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, errno, "reading %s", path);
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > max_bytes)
            return err_set(e, ERR_TOO_LARGE, "%s has more than %zu bytes", path, max_bytes);
    }
    p[n] = 0;
    *out = (str){ p, n };
    return true;
}

static bool write_all(int fd, str s)
{
    while (s.n) {
        ssize_t put = write(fd, s.p, s.n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        s = str_skip(s, (size_t)put);
    }
    return true;
}

static bool sync_folder_of(const char *path, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    ptrdiff_t slash = str_find_last_char(str_from(path), '/');
    const char *folder = slash < 0 ? "." : slash == 0 ? "/" : arena_cstr(&a, (str){ path, (size_t)slash });
    CLEANUP(close_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return err_errno(e, errno, "syncing folder %s", folder);
    return true;
}

bool file_write(const char *path, str content, mode_t mode, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    // Two threads may write the same file: each has its own beside it, and the later rename wins.
    static unsigned count;
    const char *beside = arena_printf(&a, "%s.new-%d-%u", path, (int)getpid(), __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED)).p;
    CLEANUP(close_fd) int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_errno(e, errno, "creating %s", beside);
    if (fchmod(fd, mode) < 0 || !write_all(fd, content) || fsync(fd) < 0) {
        err_errno(e, errno, "writing %s", beside);
        unlink(beside);
        return false;
    }
    if (rename(beside, path) < 0) {
        err_errno(e, errno, "renaming %s to %s", beside, path);
        unlink(beside);
        return false;
    }
    return sync_folder_of(path, e);
}

bool file_make_dirs(const char *path, mode_t mode, struct err *e)
{
    if (!*path)
        return err_set(e, ERR_INVALID, "creating folder: its name is empty");
    CLEANUP(freep) char *copy = xstrdup(path);
    for (char *p = copy + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char was = *p;
        *p = 0;
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return err_errno(e, errno, "creating folder %s", copy);
        if (!was)
            break;
        *p = was;
    }
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_errno(e, ENOTDIR, "creating folder %s", path);
    return true;
}

// Below the folder, by descriptors: whoever may write there (a script's user) cannot lead us out of it by
// putting a link where a folder was, however well timed. And bounded in depth: what lies deeper than
// REMOVE_DEPTH is first moved up into the top folder.
#define REMOVE_DEPTH 64

struct remover {
    int top;
    unsigned moved;
};

static bool remove_entries(struct remover *r, int fd, int depth);

static bool remove_folder_in(struct remover *r, int fd, const char *name, int depth)
{
    if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return false;
    if (depth == REMOVE_DEPTH) {
        char moved[32];
        do
            snprintf(moved, sizeof moved, ".removed-%u", r->moved++);
        while (faccessat(r->top, moved, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        return renameat(fd, name, r->top, moved) == 0;
    }
    int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0 && errno == EACCES && geteuid() != 0 && fchmodat(fd, name, 0700, 0) == 0) // our own, made unreadable
        inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0)
        return errno == ENOENT;
    bool is_removed = remove_entries(r, inner, depth + 1);
    int why = errno;
    close(inner);
    errno = why;
    return is_removed && (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

static bool remove_entries(struct remover *r, int fd, int depth)
{
    // Names are listed anew until none is left: removing while listing may pass some over.
    for (int rounds = 0; rounds < 1000000; rounds++) {
        int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = again < 0 ? NULL : fdopendir(again);
        if (!dir) {
            close_fd(&again);
            return false;
        }
        bool is_empty = true, is_good = true;
        int why = 0;
        for (struct dirent *item; is_good && (item = readdir(dir));) {
            if (!strcmp(item->d_name, ".") || !strcmp(item->d_name, ".."))
                continue;
            is_empty = false;
            if (unlinkat(fd, item->d_name, 0) < 0 && errno != ENOENT)
                is_good = (errno == EISDIR || errno == EPERM) && remove_folder_in(r, fd, item->d_name, depth);
            why = errno;
        }
        closedir(dir);
        errno = why;
        if (!is_good || is_empty)
            return is_good;
    }
    errno = EBUSY; // somebody makes new ones as fast
    return false;
}

bool file_remove_tree(const char *path, struct err *e)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return err_errno(e, errno, "removing %s", path);
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct remover r = { .top = fd };
    if (fd < 0 || !remove_entries(&r, fd, 0) || rmdir(path) < 0)
        return err_errno(e, errno, "removing %s", path);
    return true;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static uint64_t lock_holder(int fd)
{
    char pid[32] = "";
    uint64_t holder = 0;
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = 0;
    str_to_u64(str_trim(str_from(pid)), &holder);
    return holder;
}

// A killed server's lock outlives it where a child of it has been forked and has not yet executed its program (whose
// start closes it): a moment on a quiet machine. While the holder itself is gone that is waited for.
static bool lock_patiently(int fd)
{
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
        if (errno != EWOULDBLOCK)
            return false;
        uint64_t holder = lock_holder(fd);
        bool is_gone = holder && holder <= INT32_MAX && kill((pid_t)holder, 0) < 0 && errno == ESRCH;
        errno = EWOULDBLOCK;
        if (!is_gone || tries == LOCK_TRIES)
            return false;
        nanosleep(&(struct timespec){ .tv_nsec = LOCK_WAIT_MS * 1000000 }, NULL);
    }
    return true;
}

bool file_lock(const char *path, int *fd_out, struct err *e)
{
    CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, errno, "opening lock file %s", path);
    char pid[32] = "";
    if (!lock_patiently(fd))
        return errno != EWOULDBLOCK ? err_errno(e, errno, "locking %s", path) : err_set(e, ERR_BUSY, "%s is locked by process %" PRIu64 ": another server uses this folder", path, lock_holder(fd));
    int n = snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
        return err_errno(e, errno, "writing lock file %s", path);
    *fd_out = fd;
    fd = -1;
    return true;
}

bool file_temp_dir(struct arena *a, const char *prefix, str *out, struct err *e)
{
    const char *below = getenv("TMPDIR");
    str name = arena_printf(a, "%s/%s-XXXXXX", below && *below ? below : "/tmp", prefix);
    char *path = arena_bytes(a, name.n + 1);
    memcpy(path, name.p, name.n + 1);
    if (!mkdtemp(path))
        return err_errno(e, errno, "creating a folder like %s", path);
    *out = (str){ path, name.n };
    return true;
}
