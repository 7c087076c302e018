#include "sys/guard.h"

#include "base/str.h"
#include "sys/process.h"
#include "sys/proctree.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const int guard_is_linked = 1;

#define FOLDERS_MAX 32
#define KILL_MAX_MS 5000

struct guard {
    int fd_count, report_fd, network_fd; // network_fd: -1 without a network of its own
    pid_t parent;
    bool has_user, own_pids, no_network, own_network, drops_capabilities;
    uid_t uid;
    gid_t gid;
    const char *cwd, *cgroup;
    int64_t file_bytes, process_count;
    const char *hidden[FOLDERS_MAX], *read_only[FOLDERS_MAX];
    int hidden_count, read_only_count;
    char **program;
};

const char *guard_stage_name(enum guard_stage stage)
{
    static const char *const names[] = { "reading its arguments", "making a namespace", "making a network", "protecting folders", "starting a process", "entering the control group",
        "setting limits", "entering its folder", "switching the user", "executing" };
    return (size_t)stage < COUNT(names) ? names[stage] : "?";
}

static void report(const struct guard *g, enum guard_event event, int stage, int value)
{
    struct guard_report r = { event, stage, value };
    while (write(g->report_fd, &r, sizeof r) < 0 && errno == EINTR)
        ;
}

static NORETURN void give_up(const struct guard *g, enum guard_stage stage, int why)
{
    report(g, GUARD_FAILED, stage, why);
    _exit(127);
}

static bool parse(int argc, char **argv, struct guard *g)
{
    int64_t fd_count = -1, parent = 0, uid = -1, gid = -1;
    int i = 2;
    for (; i < argc && strcmp(argv[i], "--"); i++) {
        str rest = str_from(argv[i]), key;
        if (!str_split(&rest, '=', &key) || !rest.p)
            return false;
        static const char *const number_names[] = { "fds", "parent", "uid", "gid", "file-bytes", "processes" };
        int64_t *const numbers[] = { &fd_count, &parent, &uid, &gid, &g->file_bytes, &g->process_count };
        bool is_number = false;
        for (size_t n = 0; n < COUNT(numbers) && !is_number; n++)
            if (str_eq(key, str_from(number_names[n]))) {
                is_number = true;
                if (!str_to_i64(rest, numbers[n]))
                    return false;
            }
        if (is_number)
            continue;
        if (str_eq(key, STR("cwd")))
            g->cwd = rest.p;
        else if (str_eq(key, STR("cgroup")))
            g->cgroup = rest.p;
        else if (str_eq(key, STR("pids")))
            g->own_pids = true;
        else if (str_eq(key, STR("network")) && str_eq(rest, STR("none")))
            g->no_network = true;
        else if (str_eq(key, STR("network")) && str_eq(rest, STR("own")))
            g->own_network = true;
        else if (str_eq(key, STR("capabilities")))
            g->drops_capabilities = true;
        else if (str_eq(key, STR("hide")) && g->hidden_count < FOLDERS_MAX)
            g->hidden[g->hidden_count++] = rest.p;
        else if (str_eq(key, STR("read-only")) && g->read_only_count < FOLDERS_MAX)
            g->read_only[g->read_only_count++] = rest.p;
        else
            return false;
    }
    if (i + 1 >= argc || fd_count < 0 || fd_count > GUARD_FDS_MAX || (uid < 0) != (gid < 0))
        return false;
    g->fd_count = (int)fd_count;
    g->report_fd = 3 + (int)fd_count;
    g->network_fd = g->own_network ? g->report_fd + 1 : -1;
    g->parent = (pid_t)parent;
    g->has_user = uid >= 0;
    g->uid = (uid_t)uid;
    g->gid = (gid_t)gid;
    g->program = argv + i + 1;
    return true;
}

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int why = errno;
    close(fd);
    errno = why;
    return is_written;
}

// Without CAP_SYS_ADMIN a user namespace comes first, in which the user stays who they are. A new network has
// nothing in it, not even a loopback that is up.
static bool leave_namespaces(bool pids, bool network)
{
    int what = (pids ? CLONE_NEWPID | CLONE_NEWNS : 0) | (network ? CLONE_NEWNET : 0);
    if (unshare(what) == 0)
        return true;
    if (errno != EPERM)
        return false;
    char text[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER | what) < 0)
        return false;
    write_text("/proc/self/setgroups", "deny"); // absent in old kernels, which do not ask for it
    snprintf(text, sizeof text, "%u %u 1", uid, uid);
    if (!write_text("/proc/self/uid_map", text))
        return false;
    snprintf(text, sizeof text, "%u %u 1", gid, gid);
    return write_text("/proc/self/gid_map", text);
}

// The loopback of a new network, and a listener on it. -1: errno says why not.
static int open_listener(void)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PROCESS_LISTENER_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 128) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

// A socket stays in the network it was made in, whoever holds it: by the listener the server hears in there, and
// nothing of its own network is needed in here.
static bool give_listener(int to)
{
    char byte = 0;
    union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    int fd = open_listener();
    if (fd < 0)
        return false;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    bool is_sent = sendmsg(to, &message, MSG_NOSIGNAL) == 1;
    int why = errno;
    close(fd);
    close(to);
    errno = why;
    return is_sent;
}

static bool mount_proc(void)
{
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

// A folder becomes an empty one, a file becomes an empty one.
static bool hide_folders(const struct guard *g)
{
    for (int i = 0; i < g->hidden_count; i++) {
        struct stat st;
        if (stat(g->hidden[i], &st) < 0)
            continue;
        if (!S_ISDIR(st.st_mode)) {
            if (mount("/dev/null", g->hidden[i], NULL, MS_BIND, NULL) < 0)
                return false;
            continue;
        }
        if (mount("none", g->hidden[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k,mode=0555") < 0 && errno != ENOENT)
            return false;
    }
    return true;
}

// Not only by name: what the program opens from there for reading cannot be opened anew for writing through
// /proc/self/fd either, which is how a script once overwrote the runtime it ran in.
static bool make_read_only(const struct guard *g)
{
    for (int i = 0; i < g->read_only_count; i++) {
        const char *path = g->read_only[i];
        struct statvfs now;
        if (statvfs(path, &now) < 0 || mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0) {
            if (errno == ENOENT)
                continue;
            return false;
        }
        // In a user namespace the flags a mount has may not be taken from it.
        unsigned long kept = (now.f_flag & ST_NOSUID ? MS_NOSUID : 0) | (now.f_flag & ST_NODEV ? MS_NODEV : 0) | (now.f_flag & ST_NOEXEC ? MS_NOEXEC : 0)
            | (now.f_flag & ST_NOATIME ? MS_NOATIME : 0) | (now.f_flag & ST_NODIRATIME ? MS_NODIRATIME : 0) | (now.f_flag & ST_RELATIME ? MS_RELATIME : 0);
        if (mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | kept, NULL) < 0)
            return false;
    }
    return true;
}

static bool limit(int what, int64_t value)
{
    struct rlimit now;
    if (getrlimit(what, &now) < 0)
        return false;
    // Lower than what we were given ourselves, never higher.
    rlim_t wanted = now.rlim_max == RLIM_INFINITY ? (rlim_t)value : MIN((rlim_t)value, now.rlim_max);
    return setrlimit(what, &(struct rlimit){ wanted, wanted }) == 0;
}

static bool set_limits(const struct guard *g)
{
    // A number of processes is the user's, all workers together: it means something only for a user of their own.
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 4096) && (!g->file_bytes || limit(RLIMIT_FSIZE, g->file_bytes))
        && (!g->process_count || !g->has_user || limit(RLIMIT_NPROC, 16 * g->process_count));
}

// What no execution could give back. Without the right to drop them there are none to drop.
static void drop_bounding_set(void)
{
    for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

// root without the powers of root: neither now nor after an execution.
static bool drop_capabilities(void)
{
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
            return errno == EPERM && geteuid() != 0; // nobody's to drop
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct none[2] = { { 0 } };
    return syscall(SYS_capset, &header, none) == 0;
}

static bool switch_user(const struct guard *g)
{
    if (g->drops_capabilities && !g->has_user && !drop_capabilities())
        return false;
    if (g->has_user)
        drop_bounding_set();
    if (g->has_user && (setgroups(0, NULL) < 0 || setresgid(g->gid, g->gid, g->gid) < 0 || setresuid(g->uid, g->uid, g->uid) < 0))
        return false;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

// The program's own process, up to its execution. What fails goes to the guard by a pipe.
static NORETURN void become_program(const struct guard *g, int failure_fd)
{
    enum guard_stage stage = GUARD_STAGE_CGROUP;
    setsid(); // away from our group: a signal to its own group must not reach the guard
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    char path[1024];
    if (g->cgroup && (snprintf(path, sizeof path, "%s/cgroup.procs", g->cgroup) >= (int)sizeof path || !write_text(path, "0")))
        goto failed;
    stage = GUARD_STAGE_LIMITS;
    if (!set_limits(g))
        goto failed;
    stage = GUARD_STAGE_USER;
    if (!switch_user(g))
        goto failed;
    // After the change of user, which would clear it.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    stage = GUARD_STAGE_FOLDER;
    if (chdir(g->cwd ? g->cwd : "/") < 0)
        goto failed;
    umask(077);
    stage = GUARD_STAGE_EXECUTE;
    close(g->report_fd);
    execve(g->program[0], g->program, environ);
failed:;
    struct guard_report why = { GUARD_FAILED, stage, errno };
    if (write(failure_fd, &why, sizeof why) < 0)
        _exit(126);
    _exit(127);
}

// Starts the program; returns its pid, or reports why not and ends.
static pid_t start_program(const struct guard *g)
{
    int failure[2];
    if (pipe2(failure, O_CLOEXEC) < 0)
        give_up(g, GUARD_STAGE_FORK, errno);
    pid_t pid = fork();
    if (pid < 0)
        give_up(g, GUARD_STAGE_FORK, errno);
    if (pid == 0)
        become_program(g, failure[1]);
    close(failure[1]);
    struct guard_report why;
    ssize_t n;
    while ((n = read(failure[0], &why, sizeof why)) < 0 && errno == EINTR)
        ;
    close(failure[0]);
    if (n == (ssize_t)sizeof why)
        give_up(g, why.stage, why.value);
    report(g, GUARD_STARTED, 0, 0);
    // The program's descriptors are not ours: it must be able to close its end.
    for (int fd = 0; fd < g->report_fd; fd++)
        close(fd);
    return pid;
}

// Reaps until the program has ended or SIGTERM came. Returns its wait status, -1 when it had not ended.
static int wait_for(pid_t program)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    for (;;) {
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;)
            if (pid == program)
                return status;
        if (sigwaitinfo(&set, NULL) == SIGTERM)
            return -1;
    }
}

static int reap_all(pid_t program, int program_status)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;)
        if (pid == program)
            program_status = status;
    return program_status;
}

// Usually the server does this, after a look at what the group counted.
static void tidy_for_dead_server(const struct guard *g)
{
    if (g->cgroup && g->parent && getppid() != g->parent)
        rmdir(g->cgroup);
}

static NORETURN void run_and_reap(const struct guard *g, bool is_first_of_namespace)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t program = start_program(g);
    int status = wait_for(program);
    if (is_first_of_namespace)
        kill(-1, SIGKILL); // everybody but ourselves
    int left = proctree_kill(getpid(), KILL_MAX_MS);
    status = reap_all(program, status);
    if (left)
        report(g, GUARD_LEFT, 0, left);
    report(g, GUARD_ENDED, 0, status);
    if (!is_first_of_namespace)
        tidy_for_dead_server(g);
    _exit(0);
}

// The program's namespace has a first process of its own; when that ends, the kernel ends all others.
static NORETURN void run_in_namespace(const struct guard *g)
{
    pid_t first = fork();
    if (first < 0)
        give_up(g, GUARD_STAGE_FORK, errno);
    if (first == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (!mount_proc())
            give_up(g, GUARD_STAGE_NAMESPACE, errno);
        if (!make_read_only(g) || !hide_folders(g))
            give_up(g, GUARD_STAGE_HIDE, errno);
        run_and_reap(g, true);
    }
    for (int fd = 0; fd < g->report_fd; fd++)
        close(fd);
    int status = wait_for(first);
    if (status == -1) { // asked to end: the first process cannot refuse a signal from outside
        kill(first, SIGKILL);
        while (waitpid(first, &status, __WALL) < 0 && errno == EINTR)
            ;
        report(g, GUARD_ENDED, 0, SIGKILL);
    } else if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 127))
        report(g, GUARD_ENDED, 0, status); // killed from outside: its report is missing
    tidy_for_dead_server(g);
    _exit(0);
}

static NORETURN void guard_main(int argc, char **argv)
{
    struct guard g = { .report_fd = 3, .network_fd = -1 };
    bool is_parsed = parse(argc, argv, &g);
    syscall(SYS_close_range, (unsigned)MAX(g.report_fd, g.network_fd) + 1, ~0u, 0u); // what a library of the server left open
    fcntl(g.report_fd, F_SETFD, FD_CLOEXEC);
    if (!is_parsed)
        give_up(&g, GUARD_STAGE_ARGUMENTS, EINVAL);
    prctl(PR_SET_NAME, "reactions-guard", 0, 0, 0);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); // the server may be gone
    signal(SIGINT, SIG_IGN);  // Ctrl-C is the server's: it ends us in order
    signal(SIGHUP, SIG_IGN);

    if ((g.own_pids || g.own_network) && !leave_namespaces(g.own_pids, g.no_network || g.own_network))
        give_up(&g, GUARD_STAGE_NAMESPACE, errno);
    if (g.own_network && !give_listener(g.network_fd))
        give_up(&g, GUARD_STAGE_NETWORK, errno);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); // after the maps of a user namespace, which want to be writable
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0); // after unshare, which clears it
    if (g.parent && getppid() != g.parent)
        _exit(0); // the server died before it could be noticed
    if (g.own_pids)
        run_in_namespace(&g);
    run_and_reap(&g, false);
}

static NORETURN void probe_main(const char *network)
{
    if (network && !strcmp(network, "own"))
        _exit(leave_namespaces(false, true) && open_listener() >= 0 ? 0 : 1);
    if (!leave_namespaces(true, network != NULL))
        _exit(1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(mount_proc() ? 0 : 1);
    int status;
    _exit(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
}

// glibc gives a constructor main's arguments.
__attribute__((constructor)) static void become_guard_if_asked(int argc, char **argv)
{
    if (argc < 2)
        return;
    if (!strcmp(argv[1], GUARD_WORD))
        guard_main(argc, argv);
    if (!strcmp(argv[1], GUARD_PROBE_WORD))
        probe_main(argc > 2 ? argv[2] : NULL);
}
