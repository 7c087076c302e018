#include "sys/process.h"

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/proctree.h"
#include "tests/harness/check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// One child and what is known of it. The loop runs until it has ended, at most 20 s.
struct watched {
    struct loop *loop;
    struct process *process;
    struct buf out, err;
    struct process_end end;
    char text[256];
    bool has_ended, is_late;
    size_t kill_at_bytes; // kills it when that much was read
    struct loop_timer *limit;
};

static void on_limit(void *ctx)
{
    struct watched *w = ctx;
    w->is_late = true;
    process_kill(w->process);
}

static void on_output(void *ctx, bool is_stderr, str bytes)
{
    struct watched *w = ctx;
    buf_add(is_stderr ? &w->err : &w->out, bytes);
    if (w->kill_at_bytes && w->out.n >= w->kill_at_bytes)
        process_kill(w->process);
}

static void on_ended(void *ctx, const struct process_end *end)
{
    struct watched *w = ctx;
    w->end = *end;
    snprintf(w->text, sizeof w->text, "%s", end->text);
    w->has_ended = true;
    loop_stop(w->loop);
}

static void watched_fini(struct watched *w)
{
    loop_timer_free(w->limit);
    loop_close(w->loop);
    buf_fini(&w->out);
    buf_fini(&w->err);
}

static bool run(struct watched *w, struct process_options opt)
{
    struct err e;
    if (!w->loop && !loop_open(&w->loop, &e))
        return false;
    w->out.max = w->err.max = 8 << 20;
    opt.ctx = w;
    opt.output = on_output;
    opt.ended = on_ended;
    w->limit = loop_timer_new(w->loop, on_limit, w);
    loop_timer_set(w->limit, 120000, 0);
    if (!CHECK_OK("it starts", process_open(w->loop, &opt, &w->process, &e), &e))
        return false;
    loop_run(w->loop);
    CHECK("within the time of a test", !w->is_late);
    return w->has_ended;
}

static bool run_sh(struct watched *w, const char *script, struct process_options opt)
{
    const char *argv[] = { "/bin/sh", "-c", script, NULL };
    static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
    opt.argv = argv;
    if (!opt.env)
        opt.env = env;
    return run(w, opt);
}

static int children_left(void)
{
    struct proctree t = { 0 };
    proctree_take(&t);
    int count = proctree_mark(&t, getpid()).count;
    proctree_fini(&t);
    return count;
}

TEST(output_status_and_text)
{
    CLEANUP(watched_fini) struct watched w = { 0 };
    REQUIRE("runs", run_sh(&w, "echo out; echo err >&2; exit 3", (struct process_options){ 0 }));
    CHECK_STR("standard output", buf_str(&w.out), STR("out\n"));
    CHECK_STR("standard error", buf_str(&w.err), STR("err\n"));
    CHECK("it had started", w.end.has_started);
    CHECK_INT("its status", w.end.code, 3);
    CHECK_INT("no signal", w.end.signal_number, 0);
    CHECK_TEXT("in words", w.text, "ended with status 3");
}

TEST(killed_by_itself)
{
    CLEANUP(watched_fini) struct watched w = { 0 };
    REQUIRE("runs", run_sh(&w, "kill -9 $$", (struct process_options){ 0 }));
    CHECK_INT("the signal", w.end.signal_number, SIGKILL);
    CHECK_TEXT("in words", w.text, "killed by signal 9 (Killed)");
}

TEST(what_cannot_be_executed_says_why)
{
    CLEANUP(watched_fini) struct watched w = { 0 };
    const char *argv[] = { "/nowhere/program", NULL };
    REQUIRE("ends", run(&w, (struct process_options){ .argv = argv }));
    CHECK("it never started", !w.end.has_started);
    CHECK_TEXT("in words", w.text, "executing /nowhere/program: No such file or directory");
    CLEANUP(watched_fini) struct watched folder = { 0 };
    REQUIRE("ends", run_sh(&folder, "true", (struct process_options){ .cwd = "/nowhere" }));
    CHECK_TEXT("a folder that is not there", folder.text, "entering its folder: No such file or directory");
    struct err e;
    struct process *p;
    CHECK("a program without a path", !process_open(folder.loop, &(struct process_options){ .argv = (const char *const[]){ "sh", NULL }, .ended = on_ended }, &p, &e));
    CHECK_TEXT("says what would be right", e.text, "a program is started by its whole path, not as sh");
}

TEST(the_environment_is_exactly_what_is_listed)
{
    setenv("A_SECRET_OF_THE_SERVER", "x", 1);
    CLEANUP(watched_fini) struct watched w = { 0 };
    const char *argv[] = { "/usr/bin/env", NULL };
    const char *env[] = { "ONE=1", "TWO=2", NULL };
    REQUIRE("runs", run(&w, (struct process_options){ .argv = argv, .env = env }));
    CHECK_STR("two variables", buf_str(&w.out), STR("ONE=1\nTWO=2\n"));
    CLEANUP(watched_fini) struct watched none = { 0 };
    REQUIRE("runs", run(&none, (struct process_options){ .argv = argv }));
    CHECK_STR("none", buf_str(&none.out), STR(""));
}

TEST(the_folder_session_and_privileges_are_its_own)
{
    CLEANUP(watched_fini) struct watched w = { 0 };
    REQUIRE("runs", run_sh(&w, "pwd; set -- $(cat /proc/$$/stat); [ $1 = $6 ] && echo session; [ $1 = $5 ] && echo group; grep NoNewPrivs /proc/$$/status; ulimit -c; ulimit -n; umask",
        (struct process_options){ .cwd = "/usr" }));
    CHECK_STR("all of it", buf_str(&w.out), STR("/usr\nsession\ngroup\nNoNewPrivs:\t1\n0\n4096\n0077\n"));
}

TEST(descriptors_are_passed_in_order_and_no_others)
{
    int pair[2], stray = open("/dev/null", O_RDONLY); // inheritable, as a careless library leaves it
    REQUIRE("a pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 && stray >= 0);
    CLEANUP(watched_fini) struct watched w = { 0 };
    REQUIRE("runs", run_sh(&w, "echo hello >&3; ls -m /proc/$$/fd; true", (struct process_options){ .fds = &pair[1], .fd_count = 1 }));
    CHECK_STR("standard ones and that one", buf_str(&w.out), STR("0, 1, 2, 3\n"));
    close(pair[1]);
    close(stray);
    char text[16] = "";
    CHECK_INT("what it wrote", read(pair[0], text, sizeof text), 6);
    CHECK_INT("then the end: nobody else holds it", read(pair[0], text, sizeof text), 0);
    close(pair[0]);
}

TEST(another_user)
{
    uid_t uid;
    gid_t gid;
    struct err e;
    CHECK("a name nobody has", !process_find_user("no-such-user-here", &uid, &gid, &e));
    CHECK_TEXT("says so", e.text, "there is no user no-such-user-here on this machine");
    if (!process_can_switch_user()) {
        CHECK("we are not root", geteuid() != 0);
        return;
    }
    REQUIRE("nobody is known", process_find_user("nobody", &uid, &gid, &e));
    CLEANUP(watched_fini) struct watched w = { 0 };
    REQUIRE("runs", run_sh(&w, "id -u; id -g; id -G; cat /proc/$PPID/environ; kill -9 $PPID 2>/dev/null || echo refused", (struct process_options){ .has_user = true, .uid = uid, .gid = gid }));
    char want[64];
    snprintf(want, sizeof want, "%u\n%u\n%u\nrefused\n", uid, gid, gid);
    CHECK_STR("user, group, no other groups; the guard is out of reach", buf_str(&w.out), str_from(want));
}

TEST(root_without_its_powers)
{
    CLEANUP(watched_fini) struct watched w = { 0 };
    REQUIRE("runs", run_sh(&w, "grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/$$/status | cut -f2 | sort -u", (struct process_options){ .drops_capabilities = true }));
    if (geteuid() == 0)
        CHECK_STR("none of any kind", buf_str(&w.out), STR("0000000000000000\n"));
    CLEANUP(watched_fini) struct watched hidden = { 0 };
    const char *hide[] = { "/usr/share/doc", NULL };
    if (process_can_own_pids() && run_sh(&hidden, "umount /usr/share/doc 2>/dev/null; ls -A /usr/share/doc | wc -l", (struct process_options){ .drops_capabilities = true, .own_pids = true, .hidden = hide }))
        CHECK_STR("and what is hidden from it stays hidden", buf_str(&hidden.out), STR("0\n"));
}

// Everything that ends a tree is tried with each of the means.
static const struct { const char *name; unsigned forgone; bool own_pids; } means[] = {
    { "with all means", 0, true },
    { "control group", PROCESS_NO_PIDS, false },
    { "PID namespace", PROCESS_NO_CGROUP, true },
    { "subreaper only", PROCESS_NO_CGROUP | PROCESS_NO_PIDS, false },
};

#define FORKS_AND_DETACHES "(setsid sh -c 'sleep 1000 & sleep 1000 & echo ready; sleep 1000' &) ; setsid nohup sleep 1000 & "

TEST(when_it_ends_nothing_of_it_stays)
{
    for (size_t i = 0; i < COUNT(means); i++) {
        process_forgo(means[i].forgone);
        CLEANUP(watched_fini) struct watched w = { 0 };
        if (!run_sh(&w, FORKS_AND_DETACHES "exit 7", (struct process_options){ .own_pids = means[i].own_pids }))
            continue;
        CHECK_INT(means[i].name, w.end.code, 7);
        CHECK_INT("nothing left over", w.end.left_over, 0);
        CHECK_INT("no process below us", children_left(), 0);
    }
    process_forgo(0);
}

TEST(killing_takes_everything)
{
    static const char *const scripts[] = {
        FORKS_AND_DETACHES "wait",
        "trap '' TERM HUP INT; echo ready; while :; do sleep 1000; done",
        "sh -c 'kill -STOP $$' & echo ready; kill -STOP $$",
    };
    for (size_t i = 0; i < COUNT(means) * COUNT(scripts); i++) {
        process_forgo(means[i % COUNT(means)].forgone);
        CLEANUP(watched_fini) struct watched w = { .kill_at_bytes = 6 };
        if (!run_sh(&w, scripts[i / COUNT(means)], (struct process_options){ .own_pids = means[i % COUNT(means)].own_pids }))
            continue;
        CHECK_INT(means[i % COUNT(means)].name, w.end.signal_number, SIGKILL);
        CHECK_INT("nothing left over", w.end.left_over, 0);
        CHECK_INT("no process below us", children_left(), 0);
    }
    process_forgo(0);
}

TEST(a_killed_guard_loses_nobody)
{
    for (size_t i = 0; i < COUNT(means); i++) {
        process_forgo(means[i].forgone);
        CLEANUP(watched_fini) struct watched w = { 0 };
        // In a namespace its parent is the first process there, which cannot be killed from inside: it goes on and ends.
        CHECK("it has ended", run_sh(&w, "(setsid sh -c 'sleep 1000 & echo ready; exec sleep 1000 >&-' &) | head -n 1; kill -STOP $PPID; kill -9 $PPID; exit 5",
                                  (struct process_options){ .own_pids = means[i].own_pids }));
        CHECK_INT(means[i].name, children_left(), 0);
    }
    process_forgo(0);
}

TEST(a_namespace_shows_only_its_own)
{
    if (!process_can_own_pids())
        return;
    struct err e;
    CLEANUP(arena_fini) struct arena a = { 0 };
    str hidden;
    REQUIRE("a folder", file_temp_dir(&a, "process-test", &hidden, &e));
    str secret = arena_printf(&a, "%s/key", hidden.p);
    CHECK_OK("a secret", file_write(secret.p, STR("x"), 0644, &e), &e);
    const char *hide[] = { hidden.p, NULL };
    str script = arena_printf(&a, "ls /proc | grep -c '^[0-9]'; ls -A %s | wc -l; cat /proc/1/comm; kill -9 $$", hidden.p);
    CLEANUP(watched_fini) struct watched w = { 0 };
    if (run_sh(&w, script.p, (struct process_options){ .own_pids = true, .hidden = hide })) {
        CHECK_STR("init, shell, ls and grep; an empty folder", buf_str(&w.out), STR("4\n0\nreactions-guard\n"));
        CHECK_INT("and it can still end itself", w.end.signal_number, SIGKILL);
    }
    CHECK_OK("outside it is there", file_remove_tree(hidden.p, &e), &e);
}

TEST(without_a_network_there_is_nothing_to_connect_to)
{
    if (!process_can_be_without_network())
        return;
    CLEANUP(watched_fini) struct watched w = { 0 };
    if (run_sh(&w, "exec /bin/bash -c 'grep -c : /proc/net/dev; (exec 3<>/dev/tcp/127.0.0.1/1) 2>&1 | grep -o -m 1 unreachable'", (struct process_options){ .own_pids = true, .network = PROCESS_NETWORK_NONE }))
        CHECK_STR("a loopback that is down, and no other", buf_str(&w.out), STR("1\nunreachable\n"));
}

// What comes to the listener of a process's own network is greeted; the process may go on.
struct door {
    struct watched watched; // first: it is the process's context
    struct loop_watch *watch;
    int fd, visitors;
};

static void on_visitor(void *ctx, int events, bool is_error)
{
    struct door *d = ctx;
    int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    d->visitors++;
    CHECK_INT("the visitor is greeted", write(fd, "welcome\n", 8), 8);
    close(fd);
}

static void on_listener(void *ctx, int fd)
{
    struct door *d = ctx;
    d->fd = fd;
    d->watch = loop_watch_new(d->watched.loop, fd, on_visitor, d);
    loop_watch_set(d->watch, LOOP_READABLE);
}

static void door_fini(struct door *d)
{
    loop_watch_free(d->watch);
    if (d->fd >= 0)
        close(d->fd);
    watched_fini(&d->watched);
}

TEST(in_a_network_of_its_own_one_way_leads_out)
{
    static const struct { const char *name; bool own_pids; } both[] = { { "with a PID namespace", true }, { "without", false } };
    if (!process_can_own_network())
        return;
    // The port of a listener of this machine, which must not be reached from inside.
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    int outside = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE("a listener outside", bind(outside, (struct sockaddr *)&at, n) == 0 && listen(outside, 1) == 0 && getsockname(outside, (struct sockaddr *)&at, &n) == 0);
    for (size_t i = 0; i < COUNT(both); i++) {
        CLEANUP(door_fini) struct door d = { .fd = -1 };
        CLEANUP(arena_fini) struct arena a = { 0 };
        if (both[i].own_pids && !process_can_own_pids())
            continue;
        str script = arena_printf(&a, "exec /bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128; read -r line <&3; echo $line; (exec 4<>/dev/tcp/127.0.0.1/%d) 2>/dev/null && echo out;"
            " (exec 4<>/dev/tcp/192.0.2.1/80) 2>&1 | grep -o -m 1 unreachable; grep -c : /proc/net/dev'", ntohs(at.sin_port));
        if (run_sh(&d.watched, script.p, (struct process_options){ .own_pids = both[i].own_pids, .network = PROCESS_NETWORK_OWN, .listener = on_listener }))
            CHECK_STR(both[i].name, buf_str(&d.watched.out), STR("welcome\nunreachable\n1\n"));
        CHECK("it was heard", d.visitors > 0);
    }
    close(outside);
    process_forgo(PROCESS_NO_NETWORK);
    CHECK("what is forgone cannot be had", !process_can_own_network());
    process_forgo(0);
}

TEST(what_is_read_only_cannot_be_written_by_any_way)
{
    if (!process_can_own_pids())
        return;
    struct err e;
    CLEANUP(arena_fini) struct arena a = { 0 };
    str dir, content;
    REQUIRE("a folder", file_temp_dir(&a, "process-test", &dir, &e));
    const char *path = arena_printf(&a, "%s/program.dll", dir.p).p;
    CHECK_OK("a file", file_write(path, STR("good"), 0666, &e), &e);
    const char *read_only[] = { dir.p, "/nowhere/at/all", NULL };
    str script = arena_printf(&a, "exec 5<%s; (echo bad >%s); (echo bad >/proc/self/fd/5); (echo bad >%s/new); rm -f %s; mv %s %s.old; chmod 600 %s; cat %s; exit 0", path, path, dir.p, path, path, path, path, path);
    CLEANUP(watched_fini) struct watched w = { 0 };
    if (run_sh(&w, script.p, (struct process_options){ .own_pids = true, .drops_capabilities = true, .read_only = read_only }))
        CHECK_STR("it can be read", buf_str(&w.out), STR("good"));
    CHECK_OK("still there", file_read(path, 100, &a, &content, &e), &e);
    CHECK_STR("unchanged", content, STR("good"));
    CHECK_OK("cleaned", file_remove_tree(dir.p, &e), &e);
}

TEST(memory_is_limited_for_the_tree)
{
    CLEANUP(watched_fini) struct watched w = { 0 };
    // Each keeps about 30 MB; no single one is over the limit. tail holds a line until it ends.
    const char *eat = "for i in 1 2 3; do (head -c 30000000 /dev/zero; sleep 1000) | tail -n 1 & done; wait";
    REQUIRE("ends", run_sh(&w, eat, (struct process_options){ .memory_bytes = 48 << 20 }));
    CHECK("for its memory", w.end.is_over_memory);
    CHECK_TEXT("in words", w.text, "used more than its 48 MB of memory and was ended");
    CHECK_INT("no process below us", children_left(), 0);
}

TEST(numbers_are_limited)
{
    CLEANUP(watched_fini) struct watched w = { 0 };
    REQUIRE("ends", run_sh(&w, "i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done; wait", (struct process_options){ .max_processes = 20 }));
    CHECK("for its number", w.end.is_over_count);
    CHECK_TEXT("in words", w.text, "started more than 20 processes and was ended");
    CHECK_INT("no process below us", children_left(), 0);
}

TEST(a_file_cannot_grow_without_end)
{
    struct err e;
    CLEANUP(arena_fini) struct arena a = { 0 };
    str dir;
    REQUIRE("a folder", file_temp_dir(&a, "process-test", &dir, &e));
    CLEANUP(watched_fini) struct watched w = { 0 };
    if (run_sh(&w, "cat /dev/zero > big", (struct process_options){ .cwd = dir.p, .max_file_bytes = 1 << 20 })) {
        struct stat st;
        CHECK("it stopped there", stat(arena_printf(&a, "%s/big", dir.p).p, &st) == 0 && st.st_size == 1 << 20);
    }
    CHECK_OK("cleaned", file_remove_tree(dir.p, &e), &e);
}

TEST(a_flood_is_read_no_faster_than_allowed)
{
    CLEANUP(watched_fini) struct watched w = { .kill_at_bytes = 2 << 20 };
    int64_t began = clock_mono_us();
    REQUIRE("ends", run_sh(&w, "cat /dev/zero", (struct process_options){ 0 }));
    CHECK("two megabytes took their time", clock_mono_us() - began >= 300000);
}

TEST(when_the_server_dies_its_children_die)
{
    for (size_t i = 0; i < COUNT(means); i++) {
        int told[2];
        REQUIRE("a pipe", pipe(told) == 0);
        pid_t server = fork();
        if (server == 0) {
            // Holds the pipe open in every descendant: its end tells that all are gone.
            close(told[0]);
            process_forgo(means[i].forgone);
            struct loop *loop;
            struct process *p;
            struct err e;
            const char *argv[] = { "/bin/sh", "-c", FORKS_AND_DETACHES "echo started >&3; wait", NULL };
            const char *env[] = { "PATH=/usr/bin:/bin", NULL };
            struct process_options opt = { .argv = argv, .env = env, .fds = &told[1], .fd_count = 1, .own_pids = means[i].own_pids, .ended = on_ended };
            if (!loop_open(&loop, &e) || !process_open(loop, &opt, &p, &e))
                _exit(1);
            loop_run(loop);
            _exit(0);
        }
        close(told[1]);
        char text[16];
        ssize_t n = read(told[0], text, sizeof text);
        CHECK(means[i].name, n > 0);
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        while (n > 0)
            n = read(told[0], text, sizeof text); // ends when the last of them is gone
        CHECK_INT("all are gone", n, 0);
        close(told[0]);
    }
}

static void *ask_for_pids(void *ctx)
{
    pthread_barrier_wait(ctx);
    return process_can_own_pids() ? ctx : NULL;
}

TEST(who_asks_while_the_machine_is_asked_waits_for_the_answer)
{
    enum { ASKING = 6 };
    bool can = process_can_own_pids();
    int wrong = 0;
    for (int i = 0; i < 10; i++) {
        pthread_t threads[ASKING];
        pthread_barrier_t begin;
        pthread_barrier_init(&begin, NULL, ASKING);
        process_forgo(0);
        for (int k = 0; k < ASKING; k++)
            REQUIRE("a thread", pthread_create(&threads[k], NULL, ask_for_pids, &begin) == 0);
        for (int k = 0; k < ASKING; k++) {
            void *answer;
            pthread_join(threads[k], &answer);
            wrong += (answer != NULL) != can;
        }
        pthread_barrier_destroy(&begin);
    }
    CHECK_INT("all hear the same", wrong, 0);
}

TEST(the_machine_is_described)
{
    char text[128];
    process_describe(text, sizeof text);
    CHECK("means of killing", strstr(text, "control group") || strstr(text, "subreaper") || strstr(text, "PID namespace"));
    CHECK("means of limiting", strstr(text, "memory"));
    process_forgo(PROCESS_NO_CGROUP | PROCESS_NO_PIDS);
    process_describe(text, sizeof text);
    CHECK_TEXT("the weakest", text, "subreaper and /proc, memory watched every 250 ms");
    process_forgo(0);
}

TEST_MAIN()
