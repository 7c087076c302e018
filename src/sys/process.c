#include "sys/process.h"

#include "base/arena.h"
#include "base/buf.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/guard.h"
#include "sys/proctree.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define LOOK_MS 250               // between two looks at memory and numbers
#define LOOKS_IDLE 8              // every how many where all are idle
#define READ_BYTES (64 * 1024)
#define READ_EACH_ROUND (400 * 1024) // of each stream in 100 ms: see process.h
#define READ_ROUND_MS 100
#define KILL_PATIENCE_MS 1000     // for the guard to do it; then we do
#define KILL_ROUNDS_MAX 40

struct stream {
    uv_pipe_t uv;
    struct process *p;
    bool is_open, is_stderr, is_paused;
    int64_t read_bytes; // in this round
};

struct process {
    struct process *next;
    struct loop *loop;
    uv_process_t uv;
    struct stream out, err;
    uv_pipe_t report;
    bool is_report_open;
    struct buf reported;
    struct loop_timer *kill_timer, *read_timer;
    int kill_rounds;
    int open_handles; // of libuv; at 0 and with the guard gone it is over
    bool is_gone;     // the guard has ended
    bool is_idle, is_killed, has_started, has_status, has_failed, is_over_memory, is_over_count;
    int wait_status, left_over;
    struct guard_report failure;
    char *program;
    char cgroup[CGROUP_PATH_BYTES]; // "" where there is none
    int64_t memory_bytes;
    int max_processes, seen_count;
    uint64_t start_ticks; // of the guard
    int network_fd;       // where its listener comes from; -1: none, or it has come
    void *ctx;
    void (*output)(void *ctx, bool is_stderr, str bytes);
    void (*listener)(void *ctx, int fd);
    void (*ended)(void *ctx, const struct process_end *end);
};

// One thread and one loop own all of this.
static struct {
    struct process *first;
    struct cgroup_root cgroup;
    bool is_prepared, is_looking, has_answer[3], can[3]; // by enum process_network; shared and none: with a PID namespace
    unsigned forgone, serial, ticks;
    struct loop_timer *look_timer;
} all;

// What the machine allows is asked by other threads as well, to describe it. Who asks second waits for the answer: "not known
// yet" was once taken for "no", and a worker ran without what keeps it in.
static pthread_mutex_t machine_lock = PTHREAD_MUTEX_INITIALIZER;

static void prepare(void)
{
    pthread_mutex_lock(&machine_lock);
    if (!all.is_prepared) {
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); // for what a killed guard loses
        cgroup_find_root(&all.cgroup);
        all.is_prepared = guard_is_linked;
    }
    pthread_mutex_unlock(&machine_lock);
}

static bool has_cgroup(void)
{
    return all.cgroup.path[0] && !(all.forgone & PROCESS_NO_CGROUP);
}

void process_forgo(unsigned means)
{
    all.forgone = means;
    memset(all.has_answer, 0, sizeof all.has_answer);
    memset(all.can, 0, sizeof all.can);
}

pid_t process_pid(const struct process *p)
{
    return p->uv.pid;
}

// --- the end

static void describe_end(const struct process *p, char *out, size_t cap)
{
    if (p->has_failed)
        snprintf(out, cap, "%s%s%s: %s", guard_stage_name(p->failure.stage), p->failure.stage == GUARD_STAGE_EXECUTE ? " " : "",
            p->failure.stage == GUARD_STAGE_EXECUTE ? p->program : "", strerror(p->failure.value));
    else if (p->is_over_memory)
        snprintf(out, cap, "used more than its %" PRId64 " MB of memory and was ended", p->memory_bytes / (1024 * 1024));
    else if (p->is_over_count)
        snprintf(out, cap, "started more than %d processes and was ended", p->max_processes);
    else if (p->has_status && WIFEXITED(p->wait_status))
        snprintf(out, cap, "ended with status %d", WEXITSTATUS(p->wait_status));
    else if (p->has_status && WIFSIGNALED(p->wait_status))
        snprintf(out, cap, "killed by signal %d (%s)", WTERMSIG(p->wait_status), strsignal(WTERMSIG(p->wait_status)));
    else
        snprintf(out, cap, "ended together with its guard");
}

static void finish(struct process *p)
{
    if (!p->is_gone || p->open_handles)
        return;
    if (p->cgroup[0]) {
        if (!p->is_over_memory && p->memory_bytes && cgroup_oom_kills(p->cgroup) > 0)
            p->is_over_memory = true;
        cgroup_remove(p->cgroup);
    }
    for (struct process **at = &all.first; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            break;
        }
    if (!all.first) {
        loop_timer_free(all.look_timer);
        all.look_timer = NULL;
    }
    char text[256];
    describe_end(p, text, sizeof text);
    struct process_end end = { .has_started = p->has_started, .code = -1, .is_over_memory = p->is_over_memory, .is_over_count = p->is_over_count,
        .left_over = p->left_over, .text = text };
    if (p->has_status && WIFEXITED(p->wait_status))
        end.code = WEXITSTATUS(p->wait_status);
    if (p->has_status && WIFSIGNALED(p->wait_status))
        end.signal_number = WTERMSIG(p->wait_status);
    p->ended(p->ctx, &end);
    if (p->network_fd >= 0)
        close(p->network_fd);
    loop_timer_free(p->kill_timer);
    loop_timer_free(p->read_timer);
    buf_fini(&p->reported);
    free(p->program);
    free(p);
}

static void on_closed(uv_handle_t *h)
{
    struct process *p = h->data;
    p->open_handles--;
    finish(p);
}

static void on_stream_closed(uv_handle_t *h)
{
    struct stream *s = h->data;
    s->p->open_handles--;
    finish(s->p);
}

static void close_stream(struct stream *s)
{
    if (s->is_open) {
        s->is_open = false;
        uv_close((uv_handle_t *)&s->uv, on_stream_closed);
    }
}

static void close_report(struct process *p)
{
    if (p->is_report_open) {
        p->is_report_open = false;
        uv_close((uv_handle_t *)&p->report, on_closed);
    }
}

// Children of ours that no guard answers for: what a guard had adopted when it was killed, or could not
// end. Nobody else in the server starts processes, so they are nobody's.
static int kill_orphans(uint64_t since_ticks)
{
    struct proctree t = { 0 };
    int alive = 0;
    proctree_take(&t);
    for (size_t i = 0; i < t.count; i++) {
        struct proctree_entry *entry = &t.entries[i];
        bool is_guard = false;
        for (struct process *p = all.first; p; p = p->next)
            is_guard |= p->uv.pid == entry->pid && !p->is_gone;
        if (entry->parent != getpid() || is_guard || entry->start_ticks < since_ticks)
            continue;
        if (!entry->is_zombie) {
            alive++;
            proctree_kill(entry->pid, 0);
            kill(entry->pid, SIGKILL);
        }
        waitpid(entry->pid, NULL, WNOHANG);
    }
    proctree_fini(&t);
    return alive;
}

// --- what the guard says

static int receive_descriptor(int from)
{
    char byte;
    int fd = -1;
    union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    if (recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
        return -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

// The guard has sent it before it said that the program started.
static void take_listener(struct process *p)
{
    if (p->network_fd < 0)
        return;
    int fd = receive_descriptor(p->network_fd);
    close(p->network_fd);
    p->network_fd = -1;
    if (fd >= 0)
        p->listener(p->ctx, fd);
    else
        process_kill(p); // no descriptor was free: without it the program would wait for ever at its only way out
}

static void take_report(struct process *p, const struct guard_report *r)
{
    switch (r->event) {
    case GUARD_STARTED:
        p->has_started = true;
        take_listener(p);
        break;
    case GUARD_FAILED:
        p->has_failed = true;
        p->failure = *r;
        break;
    case GUARD_ENDED:
        p->has_status = true;
        p->wait_status = r->value == -1 ? SIGKILL : r->value;
        break;
    case GUARD_LEFT:
        p->left_over = r->value;
        break;
    }
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    static char space[READ_BYTES]; // one thread, and used up before the next read
    *out = uv_buf_init(space, sizeof space);
}

static void on_report(uv_stream_t *uv, ssize_t n, const uv_buf_t *got)
{
    struct process *p = uv->data;
    if (n < 0) {
        close_report(p);
        return;
    }
    buf_add(&p->reported, (str){ got->base, (size_t)n });
    struct guard_report r;
    while (p->reported.n >= sizeof r) {
        memcpy(&r, p->reported.p, sizeof r);
        buf_drop_front(&p->reported, sizeof r);
        take_report(p, &r);
    }
}

// --- its output

static void on_output(uv_stream_t *uv, ssize_t n, const uv_buf_t *got);

static void resume_reading(void *ctx)
{
    struct process *p = ctx;
    struct stream *both[] = { &p->out, &p->err };
    for (size_t i = 0; i < COUNT(both); i++) {
        both[i]->read_bytes = 0;
        if (both[i]->is_paused && both[i]->is_open)
            uv_read_start((uv_stream_t *)&both[i]->uv, on_alloc, on_output);
        both[i]->is_paused = false;
    }
}

static void on_output(uv_stream_t *uv, ssize_t n, const uv_buf_t *got)
{
    struct stream *s = uv->data;
    struct process *p = s->p;
    if (n < 0) {
        close_stream(s);
        return;
    }
    if (n > 0 && p->output)
        p->output(p->ctx, s->is_stderr, (str){ got->base, (size_t)n });
    s->read_bytes += n;
    if (s->read_bytes > READ_EACH_ROUND && s->is_open && !p->is_gone) {
        uv_read_stop(uv);
        s->is_paused = true;
        loop_timer_set(p->read_timer, READ_ROUND_MS, 0);
    }
}

// Bounded: a pipe that something keeps filling must not hold us up.
static void read_left(struct stream *s)
{
    char space[READ_BYTES];
    uv_os_fd_t fd;
    if (!s->is_open || uv_fileno((uv_handle_t *)&s->uv, &fd) < 0)
        return;
    size_t total = 0;
    for (ssize_t n; total < 1024 * 1024 && (n = read(fd, space, sizeof space)) > 0; total += (size_t)n)
        if (s->p->output)
            s->p->output(s->p->ctx, s->is_stderr, (str){ space, (size_t)n });
}

void process_read_output(struct process *p)
{
    read_left(&p->out);
    read_left(&p->err);
}

// --- killing

static void on_guard_gone(struct process *p)
{
    p->is_gone = true;
    loop_timer_stop(p->kill_timer);
    if (p->is_report_open) { // it may be in the pipe still
        uv_os_fd_t fd;
        struct guard_report r;
        if (!p->reported.n && uv_fileno((uv_handle_t *)&p->report, &fd) == 0)
            while (read(fd, &r, sizeof r) == (ssize_t)sizeof r)
                take_report(p, &r);
        close_report(p);
    }
    process_read_output(p); // what is in the pipes still counts
    close_stream(&p->out);
    close_stream(&p->err);
}

static void wait_for_orphans(void *ctx)
{
    struct process *p = ctx;
    bool is_clean = true;
    if (p->cgroup[0] && !cgroup_is_empty(p->cgroup)) {
        cgroup_kill(p->cgroup);
        is_clean = false;
    }
    bool is_unheard = !p->has_status && !p->has_failed;
    if ((is_unheard || p->left_over) && kill_orphans(p->start_ticks))
        is_clean = false;
    if (!is_clean && p->kill_rounds++ < KILL_ROUNDS_MAX) {
        loop_timer_set(p->kill_timer, 25, 0);
        return;
    }
    p->left_over = is_clean ? 0 : p->left_over + 1;
    on_guard_gone(p);
    uv_close((uv_handle_t *)&p->uv, on_closed);
}

static void on_exit_of_guard(uv_process_t *uv, int64_t status, int signal_number)
{
    struct process *p = uv->data;
    uv_os_fd_t fd;
    struct guard_report r;
    // Its last words decide whether there can be orphans, so they are read first.
    if (p->is_report_open && !p->reported.n && uv_fileno((uv_handle_t *)&p->report, &fd) == 0)
        while (read(fd, &r, sizeof r) == (ssize_t)sizeof r)
            take_report(p, &r);
    p->kill_rounds = 0;
    loop_timer_free(p->kill_timer);
    p->kill_timer = loop_timer_new(p->loop, wait_for_orphans, p);
    wait_for_orphans(p);
}

// The guard did not manage: it was stopped, or it is as slow as the machine.
static void kill_ourselves(void *ctx)
{
    struct process *p = ctx;
    if (p->is_gone)
        return;
    if (p->cgroup[0])
        cgroup_kill(p->cgroup);
    proctree_kill(p->uv.pid, 20);
    if (p->kill_rounds++ > 4)
        uv_process_kill(&p->uv, SIGKILL);
    else
        uv_process_kill(&p->uv, SIGCONT);
    loop_timer_set(p->kill_timer, 250, 0);
}

void process_kill(struct process *p)
{
    if (!p || p->is_killed || p->is_gone)
        return;
    p->is_killed = true;
    if (p->cgroup[0])
        cgroup_kill(p->cgroup);
    uv_process_kill(&p->uv, SIGTERM);
    uv_process_kill(&p->uv, SIGCONT);
    loop_timer_set(p->kill_timer, KILL_PATIENCE_MS, 0);
}

// --- memory and numbers

struct look {
    uv_work_t work;
    struct proctree tree;
};

static void take_look(uv_work_t *work)
{
    proctree_take(&((struct look *)work->data)->tree);
}

static void judge_look(uv_work_t *work, int status)
{
    struct look *look = work->data;
    all.is_looking = false;
    for (struct process *p = status == 0 ? all.first : NULL; p; p = p->next) {
        if (p->is_killed || p->is_gone || (!p->memory_bytes && !p->max_processes))
            continue;
        struct proctree_sum sum = proctree_mark(&look->tree, p->uv.pid);
        p->seen_count = sum.count;
        if (p->memory_bytes && sum.rss_bytes > p->memory_bytes)
            p->is_over_memory = true;
        if (p->max_processes && sum.count > p->max_processes)
            p->is_over_count = true;
        if (p->is_over_memory || p->is_over_count)
            process_kill(p);
    }
    proctree_fini(&look->tree);
    free(look);
}

// /proc is read on a helper thread: with thousands of processes on the machine it takes a while.
static void on_look_timer(void *ctx)
{
    struct loop *l = ctx;
    bool is_wanted = false, is_due = all.ticks++ % LOOKS_IDLE == 0;
    for (struct process *p = all.first; p; p = p->next)
        is_wanted |= !p->is_killed && !p->is_gone && (p->memory_bytes || p->max_processes) && (is_due || !p->is_idle);
    if (!is_wanted || all.is_looking)
        return;
    struct look *look = xcalloc(1, sizeof *look);
    look->work.data = look;
    all.is_looking = uv_queue_work(loop_uv(l), &look->work, take_look, judge_look) == 0;
    if (!all.is_looking)
        free(look);
}

static void keep_looking(struct loop *l)
{
    if (!all.look_timer) {
        all.look_timer = loop_timer_new(l, on_look_timer, l);
        loop_timer_set(all.look_timer, LOOK_MS, LOOK_MS);
    }
}

void process_set_idle(struct process *p, bool is_idle)
{
    p->is_idle = is_idle;
}

int process_count(const struct process *p)
{
    int n = p->cgroup[0] ? cgroup_count(p->cgroup) : -1;
    if (n >= 0 || p->seen_count >= 0)
        return n >= 0 ? n : p->seen_count;
    struct proctree t = { 0 };
    n = proctree_take(&t) ? proctree_mark(&t, p->uv.pid).count : -1;
    proctree_fini(&t);
    return n;
}

void process_set_memory(struct process *p, int64_t bytes)
{
    p->memory_bytes = bytes;
    if (p->cgroup[0] && all.cgroup.limits_memory)
        cgroup_limit_memory(p->cgroup, bytes);
}

// --- the start

struct words {
    const char **items;
    size_t count, cap;
    struct arena arena;
};

static void words_fini(struct words *w)
{
    free(w->items);
    arena_fini(&w->arena);
}

static void add_word(struct words *w, const char *word)
{
    xgrow(&w->items, &w->cap, w->count + 1, sizeof *w->items);
    w->items[w->count++] = word;
}

static void guard_arguments(const struct process_options *opt, const struct process *p, struct words *w)
{
    struct arena *a = &w->arena;
    add_word(w, "reactions-guard");
    add_word(w, GUARD_WORD);
    add_word(w, arena_printf(a, "fds=%zu", opt->fd_count).p);
    add_word(w, arena_printf(a, "parent=%d", (int)getpid()).p);
    if (opt->has_user) {
        add_word(w, arena_printf(a, "uid=%u", (unsigned)opt->uid).p);
        add_word(w, arena_printf(a, "gid=%u", (unsigned)opt->gid).p);
    }
    if (opt->drops_capabilities)
        add_word(w, "capabilities=none");
    if (opt->cwd)
        add_word(w, arena_printf(a, "cwd=%s", opt->cwd).p);
    if (p->cgroup[0])
        add_word(w, arena_printf(a, "cgroup=%s", p->cgroup).p);
    if (opt->max_file_bytes)
        add_word(w, arena_printf(a, "file-bytes=%" PRId64, opt->max_file_bytes).p);
    if (opt->max_processes)
        add_word(w, arena_printf(a, "processes=%d", opt->max_processes).p);
    if (opt->own_pids && process_can_own_pids()) {
        add_word(w, "pids=1");
        if (opt->network == PROCESS_NETWORK_NONE)
            add_word(w, "network=none");
        for (size_t i = 0; opt->hidden && opt->hidden[i]; i++)
            add_word(w, arena_printf(a, "hide=%s", opt->hidden[i]).p);
        for (size_t i = 0; opt->read_only && opt->read_only[i]; i++)
            add_word(w, arena_printf(a, "read-only=%s", opt->read_only[i]).p);
    }
    if (opt->network == PROCESS_NETWORK_OWN)
        add_word(w, "network=own");
    add_word(w, "--");
    for (size_t i = 0; opt->argv[i]; i++)
        add_word(w, opt->argv[i]);
    add_word(w, NULL);
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

// Pipes, not socket pairs (which libuv would make): a shell in there may open /dev/stdout anew.
static bool make_pipe(int pair[2])
{
    return pipe2(pair, O_CLOEXEC) == 0;
}

static void watch_pipe(struct loop *l, uv_pipe_t *uv, void *data, int *fd, uv_read_cb on_read)
{
    uv_pipe_init(loop_uv(l), uv, 0);
    uv->data = data;
    int status = uv_pipe_open(uv, *fd);
    assert(status == 0);
    (void)status;
    *fd = -1;
    uv_read_start((uv_stream_t *)uv, on_alloc, on_read);
}

static void make_cgroup(struct process *p)
{
    char name[32];
    struct err e;
    if (!has_cgroup())
        return;
    snprintf(name, sizeof name, "%u", ++all.serial);
    if (!cgroup_make(&all.cgroup, name, p->cgroup, &e)) {
        p->cgroup[0] = 0; // the weaker means remain
        return;
    }
    if (all.cgroup.limits_memory && p->memory_bytes)
        cgroup_limit_memory(p->cgroup, p->memory_bytes);
    if (all.cgroup.limits_pids && p->max_processes)
        cgroup_limit_pids(p->cgroup, p->max_processes + 256); // threads count there
}

static bool spawn(struct process *p, const struct process_options *opt, int out, int err, int report, int network, struct err *e)
{
    CLEANUP(words_fini) struct words w = { 0 };
    uv_stdio_container_t stdio[5 + GUARD_FDS_MAX] = { { .flags = UV_IGNORE }, { .flags = UV_INHERIT_FD, .data.fd = out }, { .flags = UV_INHERIT_FD, .data.fd = err } };
    int count = 3;
    for (size_t i = 0; i < opt->fd_count; i++)
        stdio[count++] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = opt->fds[i] };
    stdio[count++] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = report };
    if (network >= 0)
        stdio[count++] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = network };
    guard_arguments(opt, p, &w);
    static const char *const no_env[] = { NULL };
    // libuv takes char ** but changes nothing.
    union { const char **in; char **out; } args = { .in = w.items };
    union { const char *const *in; char **out; } env = { .in = opt->env ? opt->env : no_env };
    uv_process_options_t options = { .file = "/proc/self/exe", .args = args.out, .env = env.out, .cwd = "/", .flags = UV_PROCESS_DETACHED, .stdio_count = count,
        .stdio = stdio, .exit_cb = on_exit_of_guard };
    int status = uv_spawn(loop_uv(p->loop), &p->uv, &options);
    if (status < 0)
        return err_set(e, ERR_IO, "starting a process for %s: %s", opt->argv[0], uv_strerror(status));
    return true;
}

static void forget_unstarted(uv_handle_t *h)
{
    struct process *p = h->data;
    if (p->cgroup[0])
        cgroup_remove(p->cgroup);
    free(p->program);
    free(p);
}

bool process_open(struct loop *l, const struct process_options *opt, struct process **out, struct err *e)
{
    prepare();
    if (opt->fd_count > GUARD_FDS_MAX)
        return err_set(e, ERR_INVALID, "a process gets at most %d descriptors of its own, not %zu", GUARD_FDS_MAX, opt->fd_count);
    if (!opt->argv[0] || opt->argv[0][0] != '/')
        return err_set(e, ERR_INVALID, "a program is started by its whole path, not as %s", opt->argv[0] ? opt->argv[0] : "nothing");
    int pipes[4][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } }; // output, errors, report, network
    bool is_connected = opt->network != PROCESS_NETWORK_OWN || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pipes[3]) == 0;
    if (!is_connected || !make_pipe(pipes[0]) || !make_pipe(pipes[1]) || !make_pipe(pipes[2])) {
        err_errno(e, errno, "starting a process for %s", opt->argv[0]);
        for (int i = 0; i < 4; i++)
            close_pair(pipes[i]);
        return false;
    }
    struct process *p = xcalloc(1, sizeof *p);
    p->loop = l;
    p->program = xstrdup(opt->argv[0]);
    p->seen_count = -1;
    p->memory_bytes = opt->memory_bytes;
    p->max_processes = opt->max_processes;
    p->ctx = opt->ctx;
    p->output = opt->output;
    p->listener = opt->listener;
    p->ended = opt->ended;
    p->uv.data = p;
    make_cgroup(p);
    if (!spawn(p, opt, pipes[0][1], pipes[1][1], pipes[2][1], pipes[3][1], e)) {
        for (int i = 0; i < 4; i++)
            close_pair(pipes[i]);
        uv_close((uv_handle_t *)&p->uv, forget_unstarted); // uv_spawn has put it on the loop, even failing
        return false;
    }
    p->out = (struct stream){ .p = p, .is_open = true };
    p->err = (struct stream){ .p = p, .is_open = true, .is_stderr = true };
    watch_pipe(l, &p->out.uv, &p->out, &pipes[0][0], on_output);
    watch_pipe(l, &p->err.uv, &p->err, &pipes[1][0], on_output);
    watch_pipe(l, &p->report, p, &pipes[2][0], on_report);
    p->is_report_open = true;
    p->open_handles = 4;
    p->network_fd = pipes[3][0];
    pipes[3][0] = -1;
    for (int i = 0; i < 4; i++)
        close_pair(pipes[i]);
    p->kill_timer = loop_timer_new(l, kill_ourselves, p);
    p->read_timer = loop_timer_new(l, resume_reading, p);
    struct proctree_entry own;
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", p->uv.pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line);
    if (n > 0 && proctree_parse_stat(line, (size_t)n, 1, &own))
        p->start_ticks = own.start_ticks;
    if (fd >= 0)
        close(fd);
    p->next = all.first;
    all.first = p;
    keep_looking(l);
    *out = p;
    return true;
}

// --- what the machine allows

static bool has_capability(int number)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, "\nCapEff:");
    return line && (strtoull(line + 8, NULL, 16) >> number & 1);
}

bool process_can_switch_user(void)
{
    enum { CAP_SETGID_ = 6, CAP_SETUID_ = 7 }; // linux/capability.h
    return has_capability(CAP_SETGID_) && has_capability(CAP_SETUID_);
}

bool process_find_user(const char *name, uid_t *uid, gid_t *gid, struct err *e)
{
    char space[16384];
    struct passwd entry, *found = NULL;
    int why = getpwnam_r(name, &entry, space, sizeof space, &found);
    if (why)
        return err_errno(e, why, "looking up the user %s", name);
    if (!found)
        return err_set(e, ERR_NOT_FOUND, "there is no user %s on this machine", name);
    *uid = found->pw_uid;
    *gid = found->pw_gid;
    return true;
}

static bool probe(enum process_network network)
{
    static const char *const words[] = { NULL, "none", "own" };
    if (all.forgone & (network == PROCESS_NETWORK_OWN ? PROCESS_NO_NETWORK : PROCESS_NO_PIDS))
        return false;
    pthread_mutex_lock(&machine_lock);
    if (!all.has_answer[network]) {
        char name[] = "reactions-guard", word[] = GUARD_PROBE_WORD, kind[8] = "";
        char *argv[] = { name, word, words[network] ? kind : NULL, NULL }, *env[] = { NULL };
        pid_t pid;
        int status;
        if (words[network])
            snprintf(kind, sizeof kind, "%s", words[network]);
        all.can[network] = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, env) == 0 && waitpid(pid, &status, 0) == pid && status == 0;
        all.has_answer[network] = true;
    }
    bool can = all.can[network];
    pthread_mutex_unlock(&machine_lock);
    return can;
}

bool process_can_own_pids(void)
{
    return probe(PROCESS_NETWORK_SHARED);
}

bool process_can_be_without_network(void)
{
    return probe(PROCESS_NETWORK_NONE);
}

bool process_can_own_network(void)
{
    return probe(PROCESS_NETWORK_OWN);
}

void process_describe(char *out, size_t cap)
{
    prepare();
    bool is_group = has_cgroup();
    snprintf(out, cap, "%s%s, %s", is_group ? "control group, " : "", process_can_own_pids() ? "PID namespace" : is_group ? "subreaper" : "subreaper and /proc",
        is_group && all.cgroup.limits_memory ? "memory limited by the kernel" : "memory watched every 250 ms");
}

void process_hide_self(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
