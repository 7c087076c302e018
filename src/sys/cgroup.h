// cgroup.h - control groups (cgroup v2): a set of processes that nobody inside can leave, ended by
// one write, with limits of their own. Where the machine lets us make none, everything here says so
// and callers fall back to weaker means.
//
// Groups are made directly below our own and are named reactions-<pid of this process>.<name>, so
// that the next start can end what a killed server left behind.
#pragma once

#include "base/err.h"

#include <sys/types.h>

#define CGROUP_PATH_BYTES 512

struct cgroup_root {
    char path[CGROUP_PATH_BYTES - 128]; // "" where no group can be made
    bool limits_memory, limits_pids;    // the controllers are ours to use
    char reason[160];                   // why none can be made
};

// Looks for our own group, tries whether one can be made below, turns the controllers on. If they are
// refused because we ourselves stand in the group, and nobody else does, we move into a group beside.
// Kills and removes what groups of ended servers hold.
void cgroup_find_root(struct cgroup_root *out);
// The same with its files given: for tests. own: text of /proc/self/cgroup; mounts: of /proc/self/mountinfo.
bool cgroup_own_path(str own, str mounts, char *out, size_t cap);

MUST_USE bool cgroup_make(const struct cgroup_root *root, const char *name, char path[static CGROUP_PATH_BYTES], struct err *e);
// 0 takes the limit away. False where it does not apply here.
bool cgroup_limit_memory(const char *path, int64_t bytes);
bool cgroup_limit_pids(const char *path, int max);
bool cgroup_kill(const char *path);
int cgroup_count(const char *path);     // of processes in it; -1 when unknown
bool cgroup_is_empty(const char *path); // true too when it is gone
int64_t cgroup_oom_kills(const char *path); // how often the memory limit killed; 0 when unknown
void cgroup_remove(const char *path);       // when empty
