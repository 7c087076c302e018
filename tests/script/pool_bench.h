// pool_bench.h - a pool in a folder of its own, and jobs of which everything is written down. For tests.
#pragma once

#include "script/pool.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/proctree.h"
#include "tests/harness/check.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BENCH_LIMIT_MS 120000 // of one test: only a hang reaches it, however busy the machine

struct bench {
    struct loop *loop;
    struct script_pool *pool;
    struct arena arena;
    str dir;
    struct loop_timer *limit;
    bool is_late, is_closed;
    int running, done; // jobs
    struct buf order;  // names of jobs in the order of their ends
};

// One job and all that was heard of it.
struct heard {
    struct bench *b;
    const char *name;
    struct script_job *job;
    int placed, started, done;
    struct buf log; // "Level Text\n"
    int lines;
    struct script_result result;
    char error[1000];
    char output[65536];
    char variables[1000];
    struct buf calls; // "octopus GET /path body\n"
    const char *cancel_at; // cancels when a line holds it
    int late_lines;
};

static UNUSED void on_limit(void *ctx)
{
    struct bench *b = ctx;
    b->is_late = true;
    loop_stop(b->loop);
}

static UNUSED void on_closed(void *ctx)
{
    struct bench *b = ctx;
    b->is_closed = true;
    loop_stop(b->loop);
}

static UNUSED int children(void)
{
    struct proctree t = { 0 };
    proctree_take(&t);
    int count = proctree_mark(&t, getpid()).count;
    proctree_fini(&t);
    return count;
}

static UNUSED void bench_fini(struct bench *b)
{
    if (b->pool) {
        script_pool_close(b->pool, on_closed, b);
        while (!b->is_closed && !b->is_late)
            loop_run(b->loop);
        CHECK("the pool closes", b->is_closed);
    }
    CHECK_INT("no process is left", children(), 0);
    loop_timer_free(b->limit);
    if (b->loop)
        loop_close(b->loop);
    struct err e;
    int left = 0;
    DIR *dir = opendir(arena_printf(&b->arena, "%s/work", b->dir.p).p);
    for (struct dirent *item; dir && (item = readdir(dir));)
        left += item->d_name[0] != '.';
    if (dir)
        closedir(dir);
    CHECK_INT("no folder is left", left, 0);
    CHECK_OK("cleaned up", file_remove_tree(b->dir.p, &e), &e);
    arena_fini(&b->arena);
    buf_fini(&b->order);
}

static UNUSED bool bench_open(struct bench *b, struct script_pool_options opt)
{
    struct err e;
    if (!loop_open(&b->loop, &e) || !file_temp_dir(&b->arena, "pool-test", &b->dir, &e))
        return false;
    chmod(b->dir.p, 0755);
    b->limit = loop_timer_new(b->loop, on_limit, b);
    loop_timer_set(b->limit, BENCH_LIMIT_MS, 0);
    opt.loop = b->loop;
    if (!opt.runtime_dir)
        opt.runtime_dir = BENCH_RUNTIME_DIR;
    opt.work_dir = arena_printf(&b->arena, "%s/work", b->dir.p).p;
    return CHECK_OK("the pool opens", script_pool_open(&opt, &b->pool, &e), &e);
}

static UNUSED void on_turn(void *ctx)
{
    loop_stop(((struct bench *)ctx)->loop);
}

// Lets the loop go on for some milliseconds, between two looks at something outside of it.
static UNUSED void turn(struct bench *b)
{
    struct loop_timer *t = loop_timer_new(b->loop, on_turn, b);
    loop_timer_set(t, 5, 0);
    loop_run(b->loop);
    loop_timer_free(t);
}

static UNUSED void heard_fini(struct heard *h)
{
    buf_fini(&h->log);
    buf_fini(&h->calls);
}

// CLEANUP for arrays, whose last element has no name left to tell.
#define HEARD_COUNT 10
struct many {
    struct heard h[HEARD_COUNT];
};
static UNUSED void many_fini(struct many *m)
{
    for (size_t i = 0; i < HEARD_COUNT; i++)
        heard_fini(&m->h[i]);
}

static UNUSED void on_started(void *ctx)
{
    struct heard *h = ctx;
    h->started++;
}

static UNUSED void on_placed(void *ctx)
{
    struct heard *h = ctx;
    h->placed++;
    loop_stop(h->b->loop);
}

static UNUSED void on_log(void *ctx, const struct json *lines)
{
    struct heard *h = ctx;
    h->late_lines += h->done;
    bool is_cancelled = false;
    json_each(line, lines) {
        str text = json_str(json_get(line, STR("Text")), STR("?"));
        h->lines++;
        buf_printf(&h->log, "%.*s %.*s\n", STR_ARG(json_str(json_get(line, STR("Level")), STR("?"))), STR_ARG(text));
        is_cancelled |= h->cancel_at && str_find(text, str_from(h->cancel_at)) >= 0;
    }
    if (is_cancelled)
        script_job_cancel(h->job, "somebody pressed cancel");
}

static UNUSED void on_call(void *ctx, const struct script_call *call)
{
    struct heard *h = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    buf_printf(&h->calls, "%s %.*s %.*s %.*s\n", call->is_feed ? "feed" : "octopus", STR_ARG(call->method), STR_ARG(call->path_or_url), STR_ARG(call->body));
    struct json *headers = json_new_object(&a);
    json_add_str(&a, headers, "Content-Type", STR("application/json"));
    struct script_reply reply = { .status = 200, .headers = headers, .body = STR("{\"Id\":\"Releases-1\"}") };
    if (str_find(call->path_or_url, STR("bytes")) >= 0)
        reply.body = STR("\xff\0");
    if (str_find(call->path_or_url, STR("withheld")) >= 0)
        reply = (struct script_reply){ .is_withheld = true, .error = STR("a dry run") };
    script_call_reply(h->job, call->id + 1000, &reply); // nobody asked that
    script_call_reply(h->job, call->id, &reply);
    script_call_reply(h->job, call->id, &reply); // once is enough
}

static UNUSED bool on_egress(void *ctx, str host, str address, int port, str *reason)
{
    struct heard *h = ctx;
    buf_printf(&h->calls, "egress %.*s %.*s %d\n", STR_ARG(host), STR_ARG(address), port);
    *reason = STR("link-local");
    return !str_eq(address, STR("169.254.169.254"));
}

static UNUSED void on_done(void *ctx, const struct script_result *r)
{
    struct heard *h = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    h->done++;
    h->result = *r;
    snprintf(h->error, sizeof h->error, "%.*s", STR_ARG(r->error));
    snprintf(h->output, sizeof h->output, "%.*s", STR_ARG(json_text(&a, r->output)));
    snprintf(h->variables, sizeof h->variables, "%.*s", STR_ARG(r->variables ? json_text(&a, r->variables) : STR("null")));
    h->job = NULL;
    h->b->done++;
    if (h->name)
        buf_printf(&h->b->order, "%s ", h->name);
    if (--h->b->running == 0)
        loop_stop(h->b->loop);
}

struct given {
    const char *owner, *script;
    int64_t timeout_ms, memory_bytes, fence;
    bool is_isolated, is_held; // held: script_job_go is up to the test
    const char *limits; // JSON object with MaxLog...
};

static UNUSED void start(struct bench *b, struct heard *h, struct given g)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *frame = json_new_object(&a);
    if (g.limits && !json_parse(&a, str_from(g.limits), &frame, NULL))
        abort();
    json_add_str(&a, frame, "Script", str_from(g.script));
    h->b = b;
    b->running++;
    h->job = script_job_start(b->pool, &(struct script_job_options){ .owner = str_from(g.owner ? g.owner : "Spaces-1/null/Reactions-1"), .is_isolated = g.is_isolated,
        .run_id = STR("Runs-1"), .fence = g.fence ? g.fence : 7, .timeout_ms = g.timeout_ms ? g.timeout_ms : 20000, .memory_bytes = g.memory_bytes, .frame = frame, .ctx = h,
        .placed = g.is_held ? on_placed : NULL, .started = on_started, .log = on_log, .call = on_call, .egress = on_egress, .done = on_done });
}

static UNUSED void wait_all(struct bench *b)
{
    while (b->running && !b->is_late)
        loop_run(b->loop);
    CHECK("within the time of a test", !b->is_late);
}

static UNUSED void run(struct bench *b, struct heard *h, struct given g)
{
    start(b, h, g);
    wait_all(b);
    CHECK_INT("done comes once", h->done, 1);
    CHECK_INT("and nothing after it", h->late_lines, 0);
}

#define SCRIPT(...) (struct given){ .script = __VA_ARGS__ }

