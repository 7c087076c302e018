#include "script/worker.h"

#include "base/limits.h"
#include "script/sandbox.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELLO_FRAME_BYTES (64 * 1024)         // before it has said who it is
#define END_PATIENCE_MS 500                   // between the end of its socket and that of its process
#define OWED_BYTES_MAX (2 * (size_t)LIMIT_WORKER_FRAME_BYTES) // sent, but not read by it
#define READ_BYTES (64 * 1024)
#define READ_AT_ONCE 16                       // then others have their turn
#define RATE_WINDOW_MS 1000
#define RATE_BYTES (64 * 1024 * 1024)         // of frames in a window; a flood waits for the next
#define PROCESSES_MAX 256
#define FILE_BYTES_MAX (4LL * 1024 * 1024 * 1024)
#define TAIL_BYTES 512                        // of its output, to tell why it did not start

struct worker {
    struct worker_options opt;
    struct process *process;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *start_timer, *rate_timer, *end_timer;
    struct frame_reader reader;
    struct buf out;
    size_t out_at; // of out: what the kernel took
    struct arena scratch;
    char *folder;
    bool has_hello, is_ready, is_killed;
    bool has_why;
    enum worker_end_kind why;
    char text[512];
    char tail[TAIL_BYTES];
    size_t tail_bytes;
    int64_t rate_since_ms, rate_bytes;
};

// The first reason is the true one; what follows is its consequence.
static void set_why(struct worker *w, enum worker_end_kind kind, const char *text)
{
    if (w->has_why)
        return;
    w->has_why = true;
    w->why = kind;
    snprintf(w->text, sizeof w->text, "%s", text);
}

static void close_socket(struct worker *w)
{
    loop_watch_free(w->watch);
    w->watch = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

static void break_off(struct worker *w, enum worker_end_kind kind, const char *text)
{
    set_why(w, kind, text);
    w->is_killed = true;
    if (w->watch)
        loop_watch_set(w->watch, 0);
    process_kill(w->process);
}

void worker_kill(struct worker *w)
{
    break_off(w, WORKER_KILLED, "was ended");
}

void worker_break_off(struct worker *w, const char *why)
{
    break_off(w, WORKER_PROTOCOL, why);
}

// --- what it says

static bool take_frame(struct worker *w, const struct frame *f, struct err *e)
{
    if (!w->has_hello) {
        if (f->type != FRAME_HELLO)
            return err_set(e, ERR_INVALID, "its first frame was not hello");
        w->has_hello = true;
        w->reader.max_bytes = LIMIT_WORKER_FRAME_BYTES;
        w->opt.hello(w->opt.ctx, &f->hello);
        return true;
    }
    switch (f->type) {
    case FRAME_UNKNOWN:
        return true;
    case FRAME_HELLO:
        return err_set(e, ERR_INVALID, "it said hello twice");
    case FRAME_READY:
        if (!w->is_ready) {
            w->is_ready = true;
            loop_timer_stop(w->start_timer);
        }
        w->opt.ready(w->opt.ctx, f->working_set_bytes);
        return true;
    default:
        w->opt.frame(w->opt.ctx, f);
        return true;
    }
}

static void on_end_late(void *ctx)
{
    struct worker *w = ctx;
    break_off(w, w->is_ready ? WORKER_PROTOCOL : WORKER_NOT_STARTED, "it closed its protocol descriptor");
}

// False when the stream is broken.
static bool take_frames(struct worker *w)
{
    str body;
    struct err e;
    enum frame_next next;
    while ((next = frame_next(&w->reader, &body, &e)) == FRAME_GOT) {
        struct frame f;
        bool is_good = frame_decode(&w->scratch, body, &f, &e) && take_frame(w, &f, &e);
        arena_reset(&w->scratch);
        if (!is_good)
            break;
        if (w->is_killed && !w->has_hello)
            return true;
    }
    if (next == FRAME_MORE)
        return true;
    break_off(w, w->is_ready ? WORKER_PROTOCOL : WORKER_NOT_STARTED, e.text);
    return false;
}

static void resume_reading(void *ctx)
{
    struct worker *w = ctx;
    w->rate_bytes = 0;
    if (w->watch && !w->is_killed)
        loop_watch_set(w->watch, LOOP_READABLE | (w->out.n > w->out_at ? LOOP_WRITABLE : 0));
}

// True while reading may go on.
static bool is_within_rate(struct worker *w, size_t n)
{
    int64_t now_ms = loop_now_ms(w->opt.loop);
    if (now_ms - w->rate_since_ms >= RATE_WINDOW_MS) {
        w->rate_since_ms = now_ms;
        w->rate_bytes = 0;
    }
    w->rate_bytes += (int64_t)n;
    if (w->rate_bytes <= RATE_BYTES)
        return true;
    loop_watch_set(w->watch, w->out.n > w->out_at ? LOOP_WRITABLE : 0);
    loop_timer_set(w->rate_timer, RATE_WINDOW_MS - (now_ms - w->rate_since_ms), 0);
    return false;
}

static void read_socket(struct worker *w)
{
    for (int i = 0; i < READ_AT_ONCE && w->fd >= 0; i++) {
        char *room = frame_reader_room(&w->reader, READ_BYTES);
        ssize_t n = read(w->fd, room, READ_BYTES);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            // It is about to end by itself, whose reason says more; or it only closed the descriptor, and
            // then it must not live on.
            close_socket(w);
            loop_timer_set(w->end_timer, END_PATIENCE_MS, 0);
            return;
        }
        frame_reader_wrote(&w->reader, (size_t)n);
        if (!take_frames(w) || w->is_killed || !is_within_rate(w, (size_t)n))
            return;
    }
}

// --- what it is told

static void write_socket(struct worker *w)
{
    while (w->out_at < w->out.n) {
        ssize_t n = send(w->fd, w->out.p + w->out_at, w->out.n - w->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break; // full: go on when it is writable; broken: reading finds out
        w->out_at += (size_t)n;
    }
    if (w->out_at == w->out.n) {
        if (w->out.cap > READ_BYTES)
            buf_fini(&w->out);
        w->out.n = w->out_at = 0;
        w->out.max = OWED_BYTES_MAX;
    }
    bool is_paused = w->rate_bytes > RATE_BYTES;
    loop_watch_set(w->watch, (is_paused ? 0 : LOOP_READABLE) | (w->out.n > w->out_at ? LOOP_WRITABLE : 0));
}

bool worker_send(struct worker *w, const struct json *frame, struct err *e)
{
    if (w->fd < 0 || w->is_killed)
        return err_set(e, ERR_IO, "the worker has ended");
    buf_drop_front(&w->out, w->out_at);
    w->out_at = 0;
    if (!frame_write(&w->out, frame, e))
        return false;
    write_socket(w);
    return true;
}

void worker_send_bytes(struct worker *w, str framed)
{
    if (w->fd < 0 || w->is_killed)
        return;
    buf_drop_front(&w->out, w->out_at);
    w->out_at = 0;
    buf_add(&w->out, framed);
    write_socket(w);
}

static void on_socket(void *ctx, int events, bool is_error)
{
    struct worker *w = ctx;
    if (events & LOOP_WRITABLE)
        write_socket(w);
    if (events & LOOP_READABLE || is_error)
        read_socket(w);
}

// --- its process

static void remove_folder(const char *folder)
{
    struct err e;
    if (!file_remove_tree(folder, &e))
        e.kind = ERR_NONE; // only room is lost; the next start sweeps it
}

static void on_output(void *ctx, bool is_stderr, str bytes)
{
    struct worker *w = ctx;
    if (!w->is_ready) {
        str kept = str_sub(bytes, 0, sizeof w->tail - w->tail_bytes);
        memcpy(w->tail + w->tail_bytes, kept.p, kept.n);
        w->tail_bytes += kept.n;
    }
    w->opt.output(w->opt.ctx, is_stderr, bytes);
}

static void on_listener(void *ctx, int fd)
{
    struct worker *w = ctx;
    w->opt.listener(w->opt.ctx, fd);
}

static void on_start_late(void *ctx)
{
    struct worker *w = ctx;
    char text[96];
    snprintf(text, sizeof text, w->has_hello ? "said hello but was not ready within %g s" : "did not say hello within %g s", (double)w->opt.start_ms / 1000);
    break_off(w, WORKER_NOT_STARTED, text);
}

// One line of what it printed, for a reason: "You must install .NET ...".
static void add_tail(struct worker *w, char *text, size_t cap)
{
    str tail = str_trim((str){ w->tail, w->tail_bytes });
    size_t at = strlen(text);
    while (tail.n && !str_is_utf8(tail))
        tail.n--;
    if (!tail.n || at + 8 >= cap)
        return;
    snprintf(text + at, cap - at, ": %.*s", (int)MIN(tail.n, cap - at - 8), tail.p);
    for (char *p = text + at; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    while (!str_is_utf8(str_from(text)))
        text[strlen(text) - 1] = 0;
}

static void on_ended(void *ctx, const struct process_end *end)
{
    struct worker *w = ctx;
    // What it had sent before its end still counts: a `started` above all, and a `done`.
    if (w->fd >= 0 && !(w->has_why && w->why == WORKER_PROTOCOL)) {
        ssize_t n;
        while ((n = read(w->fd, frame_reader_room(&w->reader, READ_BYTES), READ_BYTES)) > 0) {
            frame_reader_wrote(&w->reader, (size_t)n);
            if (!take_frames(w))
                break;
        }
    }
    close_socket(w);
    char text[768];
    if (end->is_over_memory || end->is_over_count)
        set_why(w, WORKER_OVER_MEMORY, end->text);
    if (!end->has_started || !w->is_ready) {
        set_why(w, WORKER_NOT_STARTED, end->text);
        snprintf(text, sizeof text, "%s", w->text);
        if (w->why == WORKER_NOT_STARTED)
            add_tail(w, text, sizeof text);
    } else {
        set_why(w, WORKER_ENDED, end->text);
        snprintf(text, sizeof text, "%s", w->text);
    }
    remove_folder(w->folder);
    struct worker_end out = { .kind = w->why, .has_exit_code = end->code >= 0, .exit_code = end->code, .text = text };
    w->opt.ended(w->opt.ctx, &out);
    loop_timer_free(w->start_timer);
    loop_timer_free(w->rate_timer);
    loop_timer_free(w->end_timer);
    frame_reader_fini(&w->reader);
    buf_fini(&w->out);
    arena_fini(&w->scratch);
    free(w->folder);
    free(w);
}

// --- its start

static bool make_folder(const struct worker_options *opt, struct err *e)
{
    // "work" is emptied by the worker after each run, the others are not.
    static const char *const names[] = { "", "/home", "/tmp", "/work" };
    CLEANUP(arena_fini) struct arena a = { 0 };
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *path = arena_printf(&a, "%s%s", opt->folder, names[i]).p;
        if (mkdir(path, 0700) < 0)
            return err_errno(e, errno, "creating a worker's folder %s", path);
        if (opt->has_user && chown(path, opt->uid, opt->gid) < 0)
            return err_errno(e, errno, "giving the folder %s to the workers' user", path);
    }
    return true;
}

// Everything a worker finds in its environment. Nothing of the server's own is passed on but the time
// zone and where certificates lie.
static const char *const *environment(const struct worker_options *opt, struct arena *a)
{
    static const char *const passed_on[] = { "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR" };
    static const char *const fixed[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8",
        "TERM=dumb",
        "NO_COLOR=1",
        "REACTIONS_PROTOCOL_FD=3",
        "DOTNET_NOLOGO=1",
        "DOTNET_CLI_TELEMETRY_OPTOUT=1",
        "DOTNET_EnableDiagnostics=0", // no debugging sockets in the temp folder for others of this user
        "DOTNET_EnableWriteXorExecute=0", // its mapping file counts as written: the limit on file sizes would hit it
        "DOTNET_gcServer=0",
        "DOTNET_GCgen0size=0x2000000", // a collection for every 32 MB: with the few hundred KB of a small cache, each run met several
        "DOTNET_GCConserveMemory=5",
        "POWERSHELL_TELEMETRY_OPTOUT=1",
        "POWERSHELL_UPDATECHECK=Off",
    };
    // The only way out of its own network, in the words of every program that can take it. No exceptions: what is on its own
    // loopback it must ask for without a proxy, what is on the server's comes this way too.
    static const char *const proxied[] = { "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY" };
    const char **env = ARENA_ARRAY(a, const char *, COUNT(fixed) + COUNT(passed_on) + COUNT(proxied) + ENGINE_ENV_MAX + 16);
    size_t n = 0;
    for (size_t i = 0; i < COUNT(fixed); i++)
        env[n++] = fixed[i];
    for (size_t i = 0; i < COUNT(passed_on); i++)
        if (getenv(passed_on[i]))
            env[n++] = arena_printf(a, "%s=%s", passed_on[i], getenv(passed_on[i])).p;
    for (size_t i = 0; i < opt->engine->env_count; i++)
        env[n++] = opt->engine->env[i];
    for (size_t i = 0; i < COUNT(proxied) && opt->network == PROCESS_NETWORK_OWN; i++)
        env[n++] = arena_printf(a, "%s=http://127.0.0.1:%d", proxied[i], PROCESS_LISTENER_PORT).p;
    if (opt->network == PROCESS_NETWORK_OWN) {
        env[n++] = "no_proxy=";
        env[n++] = "NO_PROXY=";
        env[n++] = arena_printf(a, "REACTIONS_GATEWAY_PORT=%d", PROCESS_LISTENER_PORT).p;
    }
    env[n++] = arena_printf(a, "HOME=%s/home", opt->folder).p;
    env[n++] = arena_printf(a, "TMPDIR=%s/tmp", opt->folder).p;
    env[n++] = arena_printf(a, "REACTIONS_WORK_DIR=%s/work", opt->folder).p;
    // Below the limit of the tree, so that a script rather meets an OutOfMemoryException than its end.
    if (opt->memory_bytes)
        env[n++] = arena_printf(a, "DOTNET_GCHeapHardLimit=0x%" PRIx64, (uint64_t)opt->memory_bytes / 4 * 3).p;
    env[n] = NULL;
    return env;
}

bool worker_open(const struct worker_options *opt, struct worker **out, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    int pair[2];
    if (!make_folder(opt, e))
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        remove_folder(opt->folder);
        return err_errno(e, errno, "a worker's socket");
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    struct worker *w = xcalloc(1, sizeof *w);
    w->opt = *opt;
    w->folder = xstrdup(opt->folder);
    w->fd = pair[0];
    w->reader.max_bytes = HELLO_FRAME_BYTES;
    w->out.max = OWED_BYTES_MAX;
    // A script must not change the program that runs the scripts of others.
    const char *argv0 = opt->engine->argv[0];
    const char *read_only[] = { arena_cstr(&a, (str){ argv0, (size_t)MAX(str_find_last_char(str_from(argv0), '/'), (ptrdiff_t)0) }), opt->engine->runtime_dir, NULL };
    struct process_options p = {
        .argv = opt->sandbox ? sandbox_wrap(opt->sandbox, opt->engine->argv, opt->engine->runtime_dir, opt->folder, &a) : opt->engine->argv,
        .env = environment(opt, &a),
        .cwd = arena_printf(&a, "%s/work", opt->folder).p,
        .fds = &pair[1],
        .fd_count = 1,
        .has_user = opt->has_user,
        .uid = opt->uid,
        .gid = opt->gid,
        .drops_capabilities = !opt->sandbox, // which needs them and drops them itself
        .own_pids = !opt->sandbox,           // which makes its own
        .network = opt->network == PROCESS_NETWORK_NONE && opt->sandbox ? PROCESS_NETWORK_SHARED : opt->network, // the sandbox takes it away itself
        .hidden = opt->hidden,
        .read_only = *read_only[0] ? read_only : NULL,
        .memory_bytes = opt->memory_bytes,
        .max_processes = PROCESSES_MAX,
        .max_file_bytes = FILE_BYTES_MAX,
        .ctx = w,
        .output = on_output,
        .listener = on_listener,
        .ended = on_ended,
    };
    bool is_begun = process_open(opt->loop, &p, &w->process, e);
    close(pair[1]);
    if (!is_begun) {
        close(pair[0]);
        remove_folder(w->folder);
        free(w->folder);
        free(w);
        return false;
    }
    w->watch = loop_watch_new(opt->loop, w->fd, on_socket, w);
    loop_watch_set(w->watch, LOOP_READABLE);
    w->start_timer = loop_timer_new(opt->loop, on_start_late, w);
    loop_timer_set(w->start_timer, opt->start_ms, 0);
    w->rate_timer = loop_timer_new(opt->loop, resume_reading, w);
    w->end_timer = loop_timer_new(opt->loop, on_end_late, w);
    *out = w;
    return true;
}

void worker_set_idle(struct worker *w, bool is_idle)
{
    process_set_idle(w->process, is_idle);
}

void worker_set_memory(struct worker *w, int64_t bytes)
{
    process_set_memory(w->process, bytes);
}

void worker_read_output(struct worker *w)
{
    process_read_output(w->process);
}

int worker_processes(const struct worker *w)
{
    return process_count(w->process);
}

pid_t worker_pid(const struct worker *w)
{
    return process_pid(w->process);
}
