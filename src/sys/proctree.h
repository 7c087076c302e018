// proctree.h - which processes exist, who started them, how much memory they hold. From /proc.
//
// A snapshot is a moment's truth: processes come and go while it is taken. Whoever kills by it
// repeats until nothing is left. Usable between fork and exec of a single-threaded process.
#pragma once

#include "base/base.h"

#include <sys/types.h>

struct proctree_entry {
    pid_t pid, parent;
    bool is_zombie;       // all of it has ended; its parent can wait for it
    bool is_inside;       // set by proctree_mark
    uint64_t start_ticks; // since boot: with the pid it names one process for ever
    int64_t rss_bytes;
};

struct proctree {
    struct proctree_entry *entries; // by pid, ascending
    size_t count, cap;
};

void proctree_fini(struct proctree *t);
// False when /proc cannot be read; the snapshot is then empty.
bool proctree_take(struct proctree *t);
// One line of /proc/<pid>/stat. The name in it may hold blanks and brackets: a process chooses it.
bool proctree_parse_stat(const char *line, size_t n, int64_t page_bytes, struct proctree_entry *out);

struct proctree_sum {
    int count;         // living descendants, the root not among them
    int64_t rss_bytes;
};
// Marks all descendants of root (not root itself) and adds them up.
struct proctree_sum proctree_mark(struct proctree *t, pid_t root);

// Kills every descendant of root (not root) and goes on until a look finds none alive, or max_ms
// have passed. Stops them all first: a fork bomb would otherwise outrun the walk. Returns how many
// were still alive at the last look.
int proctree_kill(pid_t root, int64_t max_ms);
// The same process as in a snapshot is still there.
bool proctree_is_same(const struct proctree_entry *entry);
