// One worker by itself (tests/script/fake_worker.c). What a pool makes of it is in pool_test.c.
#include "script/worker.h"

#include "sys/file.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct watched {
    struct loop *loop;
    struct arena a;
    str dir;
    struct worker *worker;
    int hellos, readies, frames;
    bool has_ended;
    enum worker_end_kind kind;
    char text[512], version[32], last[64];
    void (*when_ready)(struct watched *w);
};

static void on_hello(void *ctx, const struct frame_hello *hello)
{
    struct watched *w = ctx;
    w->hellos++;
    snprintf(w->version, sizeof w->version, "%.*s", STR_ARG(hello->version));
}

static void on_ready(void *ctx, int64_t working_set_bytes)
{
    struct watched *w = ctx;
    w->readies++;
    if (w->when_ready)
        w->when_ready(w);
}

static void on_frame(void *ctx, const struct frame *f)
{
    struct watched *w = ctx;
    w->frames++;
    if (f->type == FRAME_DONE)
        snprintf(w->last, sizeof w->last, "%s", f->done.is_success ? "done" : "failed");
}

static void on_output(void *ctx, bool is_stderr, str bytes) {}

static void on_ended(void *ctx, const struct worker_end *end)
{
    struct watched *w = ctx;
    w->has_ended = true;
    w->kind = end->kind;
    snprintf(w->text, sizeof w->text, "%s", end->text);
    loop_stop(w->loop);
}

static const char *const fake[] = { FAKE_RUNTIME_DIR "/Reactions.Host", NULL };

static void watch(struct watched *w, const char *const *argv, int64_t start_ms)
{
    struct err e;
    struct engine engine = { .kind = SCRIPT_ENGINE_BUNDLED, .argv = argv };
    if (!loop_open(&w->loop, &e) || !file_temp_dir(&w->a, "worker-test", &w->dir, &e))
        abort();
    const char *folder = arena_printf(&w->a, "%s/one", w->dir.p).p;
    struct worker_options opt = { .loop = w->loop, .engine = &engine, .folder = folder, .start_ms = start_ms, .ctx = w, .hello = on_hello, .ready = on_ready,
        .frame = on_frame, .output = on_output, .ended = on_ended };
    if (CHECK_OK("it opens", worker_open(&opt, &w->worker, &e), &e)) {
        struct stat st;
        CHECK("its folder is private", stat(folder, &st) == 0 && (st.st_mode & 0777) == 0700);
        loop_run(w->loop);
    }
    CHECK("it ended", w->has_ended);
    CHECK("its folder is gone", !file_exists(folder));
    CHECK_OK("removed", file_remove_tree(w->dir.p, &e), &e);
    loop_close(w->loop);
    arena_fini(&w->a);
}

static void kill_it(struct watched *w)
{
    struct err e;
    struct json exit_frame = { .type = JSON_OBJECT };
    worker_kill(w->worker);
    worker_kill(w->worker);
    CHECK("nothing can be sent to a dead one", !worker_send(w->worker, &exit_frame, &e));
}

TEST(a_worker_lives_and_is_killed)
{
    struct watched w = { .when_ready = kill_it };
    watch(&w, fake, 20000);
    CHECK_INT("said hello", w.hellos, 1);
    CHECK_TEXT("its version", w.version, "7.6.0");
    CHECK_INT("was ready", w.readies, 1);
    CHECK_INT("and killed", w.kind, WORKER_KILLED);
}

static void say_exit(struct watched *w)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j = json_new_object(&a);
    struct err e;
    json_add_str(&a, j, "Type", STR("exit"));
    CHECK_OK("sent", worker_send(w->worker, j, &e), &e);
}

TEST(a_worker_ends_when_told)
{
    struct watched w = { .when_ready = say_exit };
    watch(&w, fake, 20000);
    CHECK_INT("by itself", w.kind, WORKER_ENDED);
    CHECK_TEXT("in words", w.text, "ended with status 0");
}

static void run_and_die(struct watched *w)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j = json_new_object(&a);
    struct err e;
    json_add_str(&a, j, "Type", STR("run"));
    json_add_str(&a, j, "RunId", STR("Runs-1"));
    json_add_i64(&a, j, "Fence", 1);
    json_add_str(&a, j, "Script", w->readies == 1 ? STR("log Info x") : STR("log Info y\nlog Info z\nframe {\"Type\":\"done\",\"RunId\":\"Runs-1\",\"Fence\":1,\"Outcome\":\"Failed\",\"Output\":[]}\ndie 9"));
    CHECK_OK("sent", worker_send(w->worker, j, &e), &e);
}

TEST(what_it_said_before_its_death_is_heard)
{
    struct watched w = { .when_ready = run_and_die };
    watch(&w, fake, 20000);
    CHECK_INT("started, log, done; started, two logs, done", w.frames, 7);
    CHECK_TEXT("the last of them", w.last, "failed");
    CHECK_INT("it ended by itself", w.kind, WORKER_ENDED);
    CHECK_TEXT("in words", w.text, "killed by signal 9 (Killed)");
}

TEST(one_that_does_not_start)
{
    static const struct { const char *const argv[4]; const char *want; } rows[] = {
        { { "/nowhere/host", NULL }, "executing /nowhere/host: No such file or directory" },
        { { "/bin/sh", "-c", "echo it is broken >&2; exit 4", NULL }, "ended with status 4: it is broken" },
        { { "/bin/sh", "-c", "printf 'a\\377\\nb'; exit 4", NULL }, "ended with status 4: a" },
        { { "/bin/sleep", "1000", NULL }, "did not say hello within 0.2 s" },
        { { "/bin/sh", "-c", "exec 3>&-; sleep 1000", NULL }, "it closed its protocol descriptor" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct watched w = { 0 };
        watch(&w, rows[i].argv, i == 3 ? 200 : 20000);
        CHECK_INT("not started", w.kind, WORKER_NOT_STARTED);
        CHECK_TEXT("why", w.text, rows[i].want);
    }
}

TEST_MAIN()
