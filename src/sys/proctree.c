#include "sys/proctree.h"

#include "base/str.h"
#include "sys/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void proctree_fini(struct proctree *t)
{
    free(t->entries);
    *t = (struct proctree){ 0 };
}

// Numbers behind the name: state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime
// stime cutime cstime priority nice threads itrealvalue starttime vsize rss (proc(5)).
enum { STAT_PARENT = 1, STAT_THREADS = 17, STAT_START = 19, STAT_RSS = 21 };

bool proctree_parse_stat(const char *line, size_t n, int64_t page_bytes, struct proctree_entry *out)
{
    str text = { line, n };
    ptrdiff_t open = str_find_char(text, '('), close = str_find_last_char(text, ')');
    uint64_t pid;
    if (open < 2 || close < open || !str_to_u64(str_trim(str_sub(text, 0, (size_t)open)), &pid) || pid > INT32_MAX)
        return false;
    str rest = str_trim(str_skip(text, (size_t)close + 1)), word;
    struct proctree_entry entry = { .pid = (pid_t)pid };
    for (int field = 0; str_split(&rest, ' ', &word); field++) {
        int64_t value = 0;
        if (field == 0) {
            if (word.n != 1)
                return false;
            entry.is_zombie = word.p[0] == 'Z' || word.p[0] == 'X';
            continue;
        }
        if (field != STAT_PARENT && field != STAT_THREADS && field != STAT_START && field != STAT_RSS)
            continue;
        if (!str_to_i64(word, &value) || value < 0 || (field == STAT_PARENT && value > INT32_MAX))
            return false;
        if (field == STAT_PARENT)
            entry.parent = (pid_t)value;
        else if (field == STAT_THREADS)
            entry.is_zombie &= value <= 1; // else only its first thread has ended: the others go on
        else if (field == STAT_START)
            entry.start_ticks = (uint64_t)value;
        else {
            entry.rss_bytes = value > INT64_MAX / page_bytes ? INT64_MAX : value * page_bytes;
            *out = entry;
            return true;
        }
    }
    return false;
}

static bool read_stat(int proc_fd, const char *name, int64_t page_bytes, struct proctree_entry *out)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "%s/stat", name);
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, line, sizeof line);
    close(fd);
    return n > 0 && proctree_parse_stat(line, (size_t)n, page_bytes, out);
}

static int by_pid(const void *a, const void *b)
{
    const struct proctree_entry *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

bool proctree_take(struct proctree *t)
{
    t->count = 0;
    DIR *dir = opendir("/proc");
    if (!dir)
        return false;
    int64_t page_bytes = sysconf(_SC_PAGESIZE);
    struct dirent *item;
    while ((item = readdir(dir))) {
        struct proctree_entry entry;
        if (item->d_name[0] < '1' || item->d_name[0] > '9' || strlen(item->d_name) > 20 || !read_stat(dirfd(dir), item->d_name, page_bytes, &entry))
            continue;
        xgrow(&t->entries, &t->cap, t->count + 1, sizeof *t->entries);
        t->entries[t->count++] = entry;
    }
    closedir(dir);
    qsort(t->entries, t->count, sizeof *t->entries, by_pid);
    return true;
}

static struct proctree_entry *find(struct proctree *t, pid_t pid)
{
    struct proctree_entry key = { .pid = pid };
    return t->count ? bsearch(&key, t->entries, t->count, sizeof *t->entries, by_pid) : NULL;
}

struct proctree_sum proctree_mark(struct proctree *t, pid_t root)
{
    struct proctree_sum sum = { 0 };
    for (size_t i = 0; i < t->count; i++)
        t->entries[i].is_inside = false;
    // A child usually has the larger number, so one round finds nearly all; numbers wrap, hence rounds.
    for (bool is_more = true; is_more;) {
        is_more = false;
        for (size_t i = 0; i < t->count; i++) {
            struct proctree_entry *entry = &t->entries[i], *parent;
            if (entry->is_inside || entry->pid == root)
                continue;
            if (entry->parent != root && !((parent = find(t, entry->parent)) && parent->is_inside))
                continue;
            entry->is_inside = is_more = true;
            if (!entry->is_zombie) {
                sum.count++;
                sum.rss_bytes += entry->rss_bytes;
            }
        }
    }
    return sum;
}

bool proctree_is_same(const struct proctree_entry *entry)
{
    char name[32];
    struct proctree_entry now;
    snprintf(name, sizeof name, "%d", (int)entry->pid);
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_same = fd >= 0 && read_stat(fd, name, 1, &now) && now.start_ticks == entry->start_ticks;
    if (fd >= 0)
        close(fd);
    return is_same;
}

static int signal_all(struct proctree *t, pid_t root, int signal_number, size_t *signalled)
{
    if (!proctree_take(t))
        return 0;
    struct proctree_sum sum = proctree_mark(t, root);
    *signalled = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->entries[i].is_inside && !t->entries[i].is_zombie && kill(t->entries[i].pid, signal_number) == 0)
            (*signalled)++;
    return sum.count;
}

int proctree_kill(pid_t root, int64_t max_ms)
{
    struct proctree t = { 0 };
    int64_t until_us = clock_mono_us() + max_ms * 1000;
    size_t signalled;
    // Stopped processes fork no more. When a look finds as many as the last one, all stand still.
    for (int before = -1, round = 0; round < 20; round++) {
        int now = signal_all(&t, root, SIGSTOP, &signalled);
        if (now == before || now == 0)
            break;
        before = now;
    }
    int alive;
    while ((alive = signal_all(&t, root, SIGKILL, &signalled)) > 0 && clock_mono_us() < until_us)
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL); // the kernel takes them down by itself
    proctree_fini(&t);
    return alive;
}
