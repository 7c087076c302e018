// process.h - a child process with everything it starts: begun with exactly what is listed, ended as a whole.
//
// The server never forks itself. libuv starts our own binary anew as a small guard (guard.h), which has
// no threads and none of our memory: it leaves our descriptors, joins the control group, sets limits,
// changes the user, starts the program and stays as the reaper of everything that program starts, also
// of what detached itself. When the program ends, when process_kill asks, or when the server dies in
// whatever way, the guard ends all that is left. Means, by what the machine allows:
//   - a control group (cgroup.kill; memory.max and pids.max where the controllers are ours),
//   - a PID namespace (asked for by own_pids),
//   - always: PR_SET_CHILD_SUBREAPER in the guard and in the server, and walks of /proc until none is left;
//     memory and number of processes by a look each 250 ms where no control group limits them.
//
// All processes belong to one loop and its thread. `ended` comes exactly once for each opened process,
// from the loop, after the last of its descendants; the struct is gone when it returns.
#pragma once

#include "sys/loop.h"

#include <sys/types.h>

struct process;

struct process_end {
    bool has_started;      // the program was executed
    int code;              // its exit status, or -1
    int signal_number;     // that ended it, or 0
    bool is_over_memory;   // ended because it took more than its memory
    bool is_over_count;    // ended because it started too many processes
    int left_over;         // descendants that could not be ended (stuck in the kernel)
    const char *text;      // "ended with status 3", "killed by signal 9 (Killed)", "executing /x: No such file or directory"
};

// Own: a loopback that only it and what it starts have. Beyond that there is one way out: connections to
// 127.0.0.1:PROCESS_LISTENER_PORT in there come to the listener that `listener` was given.
enum process_network { PROCESS_NETWORK_SHARED, PROCESS_NETWORK_NONE, PROCESS_NETWORK_OWN };
#define PROCESS_LISTENER_PORT 3128

struct process_options {
    const char *const *argv; // NULL-terminated; argv[0] is a path
    const char *const *env;  // NULL-terminated NAME=value; nothing else is passed on. NULL: empty
    const char *cwd;         // NULL: /
    const int *fds;          // become 3, 4, ... in the child; the caller keeps its own
    size_t fd_count;
    bool has_user;           // switch to uid and gid, no supplementary groups
    uid_t uid;
    gid_t gid;
    bool drops_capabilities; // where it stays root, it has none of root's powers (a user it switches to has none anyway)
    bool own_pids;           // a PID namespace with its own /proc, where permitted (process_can_own_pids)
    // None: not even the loopback; only with own_pids (process_can_be_without_network). Own: process_can_own_network.
    enum process_network network;
    const char *const *hidden;    // NULL-terminated folders and files to be empty in there; only with own_pids
    const char *const *read_only; // the same for folders in which nothing can be written, by whatever way
    int64_t memory_bytes;    // of the whole tree; 0: not limited
    int max_processes;       // 0: not limited
    int64_t max_file_bytes;  // of each file it writes; 0: not limited
    void *ctx;
    // What it writes to standard output and error, as it comes; NULL: thrown away. At most 4 MB a second
    // are read of each, so that a flood slows down its writer and not us.
    void (*output)(void *ctx, bool is_stderr, str bytes);
    void (*listener)(void *ctx, int fd); // once, when the program has started; not blocking, and now the callee's
    void (*ended)(void *ctx, const struct process_end *end);
};
// False when not even the guard could be started. A program that cannot be executed is told by `ended`.
MUST_USE bool process_open(struct loop *l, const struct process_options *opt, struct process **out, struct err *e);
pid_t process_pid(const struct process *p); // of the guard: root of the tree

// Ends it and all descendants at once (SIGKILL); `ended` follows. May be called again.
void process_kill(struct process *p);
void process_set_memory(struct process *p, int64_t bytes);
// Nothing is expected of it now: it is looked at every 2 s only. False at the start.
void process_set_idle(struct process *p, bool is_idle);
// How many processes it consists of: itself, what it started, helpers of the containment. The moment's
// truth with a control group, else that of the last look; -1 when unknown.
int process_count(const struct process *p);
// Gives to `output` what is in the pipes at this moment, at most 1 MB of each.
void process_read_output(struct process *p);

// What of the above holds on this machine, for people: "control group (kill), memory watched, ...".
void process_describe(char *out, size_t cap);
bool process_can_switch_user(void);
MUST_USE bool process_find_user(const char *name, uid_t *uid, gid_t *gid, struct err *e);
// Whether a PID namespace can be had by such a user; tried once for each, by really starting one.
bool process_can_own_pids(void);
bool process_can_be_without_network(void);
bool process_can_own_network(void);

// No core dump of this process, and no look into its memory or environment by others of the same user.
void process_hide_self(void);

// For tests: leaves out means that the machine has, so that the weaker ones are tried too. The machine is then asked anew.
enum { PROCESS_NO_CGROUP = 1, PROCESS_NO_PIDS = 2, PROCESS_NO_NETWORK = 4 };
void process_forgo(unsigned means);
