#include "script/pool.h"

#include "base/limits.h"
#include "script/engine.h"
#include "script/job.h"
#include "script/sandbox.h"
#include "script/worker.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNS_PER_WORKER 1000
#define IDLE_MS (5 * 60 * 1000)
#define GRACE_MS 2000
#define START_MS 60000
#define PARSE_MS 15000
#define RETURN_MS 15000                        // from done to ready: a fresh runspace takes milliseconds
#define MEMORY_DEFAULT (512LL * 1024 * 1024)   // of a worker that is started for nobody yet
#define MEMORY_MIN (160LL * 1024 * 1024)       // the engine alone needs that much
#define WORKING_SET_MAX (400LL * 1024 * 1024)  // after a run: more is not kept warm
#define FAILURES_MAX 3                         // starts in a row; then whoever waits is told
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 30000
#define FIND_AGAIN_MS 5000                     // somebody may have installed what is missing

enum member_state { MEMBER_STARTING, MEMBER_IDLE, MEMBER_RUNNING, MEMBER_PARSING, MEMBER_RETURNING, MEMBER_ENDING };

struct parse {
    struct parse *next;
    int64_t id;
    char *script;
    size_t script_bytes;
    void (*done)(void *ctx, const struct script_parsed *parsed);
    void *ctx;
};

// A worker in the pool.
struct member {
    struct member *next;
    struct script_pool *pool;
    struct worker *worker;
    enum member_state state;
    char *owner; // NULL: nobody's yet
    size_t owner_bytes;
    struct script_job *job;
    struct parse *parse;
    int runs;
    int processes; // of a fresh one; -1: not known
    int64_t heap_bytes, idle_since_ms;
    struct loop_timer *timer; // of a parse, of a return
};

// Who has jobs waiting. In a ring: each gets one job placed, then it is the next one's turn.
struct owner {
    struct owner *next;
    char *name;
    size_t name_bytes;
    struct script_job *first, **last;
};

struct script_pool {
    struct script_pool_options opt;
    struct arena arena;
    char *work_dir;
    bool has_user;
    uid_t uid;
    gid_t gid;
    char user_note[160];
    struct sandbox *sandbox;
    struct arena engine_arena;
    struct engine engine;
    bool has_engine;
    int64_t looked_ms;
    char reason[sizeof((struct script_capabilities *)0)->missing]; // why there is none, or which commands it lacks
    char version[32];
    struct member *members;
    struct owner *owners;
    struct script_job *finished; // results that are told in a round of their own
    struct parse *parses;
    int64_t parse_id, serial;
    int failures;
    int64_t start_after_ms;
    struct loop_timer *kick, *tick;
    bool is_closing;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

static void schedule(struct script_pool *p);

static str owner_of(const struct member *m)
{
    return (str){ m->owner, m->owner_bytes };
}

static void kick(struct script_pool *p)
{
    if (p->kick)
        loop_timer_set(p->kick, 0, 0);
}

// --- the engine

static void find_engine(struct script_pool *p)
{
    struct err e;
    int64_t now_ms = loop_now_ms(p->opt.loop);
    if (p->has_engine || (p->looked_ms && now_ms - p->looked_ms < FIND_AGAIN_MS))
        return;
    p->looked_ms = MAX(now_ms, 1);
    arena_reset(&p->engine_arena);
    p->has_engine = engine_find(p->opt.engine, p->opt.runtime_dir, &p->engine_arena, &p->engine, &e);
    if (!p->has_engine || !p->failures)
        snprintf(p->reason, sizeof p->reason, "%s", p->has_engine ? "" : e.text);
}

static bool is_available(const struct script_pool *p)
{
    return p->has_engine && p->failures < FAILURES_MAX && !p->is_closing;
}

struct script_capabilities script_pool_capabilities(struct script_pool *p)
{
    struct script_capabilities c = { .is_available = is_available(p) };
    find_engine(p);
    if (p->has_engine)
        snprintf(c.engine, sizeof c.engine, "%s", p->engine.kind == SCRIPT_ENGINE_PWSH ? "pwsh" : "bundled");
    snprintf(c.version, sizeof c.version, "%s", p->version);
    snprintf(c.path, sizeof c.path, "%s", p->has_engine ? p->engine.path : "");
    char means[96];
    process_describe(means, sizeof means);
    snprintf(c.containment, sizeof c.containment, "%s; %.66s; %.40s", p->sandbox ? "bubblewrap" : "no sandbox", means, p->user_note);
    snprintf(c.missing, sizeof c.missing, "%s", p->reason);
    return c;
}

// --- counting

static int count_members(const struct script_pool *p)
{
    int n = 0;
    for (struct member *m = p->members; m; m = m->next)
        n += m->state != MEMBER_ENDING;
    return n;
}

static bool is_running(const struct member *m)
{
    return m->job != NULL;
}

static int count_running(const struct script_pool *p, str owner, int *of_owner)
{
    int n = 0;
    *of_owner = 0;
    for (struct member *m = p->members; m; m = m->next) {
        n += is_running(m);
        *of_owner += is_running(m) && str_eq(owner_of(m), owner);
    }
    return n;
}

// An owner may always have one run, and more while as many places stay free for others: one that keeps
// starting gets half of the places, the next half of the rest, and nobody has to wait for one of them
// to finish who has none.
static bool has_share(const struct script_pool *p, int running, int of_owner)
{
    return running < p->opt.max_workers && (of_owner == 0 || of_owner < p->opt.max_workers - running);
}

int script_pool_idle(const struct script_pool *p)
{
    int n = 0;
    for (struct member *m = p->members; m; m = m->next)
        n += m->state == MEMBER_IDLE;
    return n;
}

int script_pool_busy(const struct script_pool *p)
{
    int of_nobody;
    return count_running(p, STR(""), &of_nobody);
}

// As if everybody who waits had got their share first.
bool script_pool_has_room(const struct script_pool *p, str owner)
{
    int of_owner, running = count_running(p, owner, &of_owner);
    for (struct owner *o = p->owners; o; o = o->next) {
        str name = { o->name, o->name_bytes };
        int of_other;
        count_running(p, name, &of_other);
        int *count = str_eq(name, owner) ? &of_owner : &of_other;
        for (struct script_job *j = o->first; j && has_share(p, running, *count); j = j->next) {
            running++;
            (*count)++;
        }
    }
    return is_available(p) && has_share(p, running, of_owner);
}

// --- jobs that come to an end

static void forget_job(struct script_job *j, const struct script_result *r)
{
    struct script_result result = *r;
    CLEANUP(arena_fini) struct arena a = { 0 };
    if (!result.output)
        result.output = json_new_array(&a);
    j->opt.done(j->opt.ctx, &result);
    job_free(j);
}

// Told in the next round, because the caller may stand in the midst of something.
static void finish_later(struct script_job *j, enum script_outcome outcome, const char *text)
{
    j->stop_outcome = outcome;
    snprintf(j->text, sizeof j->text, "%s", text);
    j->owner = NULL;
    struct script_job **at = &j->pool->finished;
    while (*at)
        at = &(*at)->next;
    j->next = NULL;
    *at = j;
    kick(j->pool);
}

static void tell_finished(struct script_pool *p)
{
    while (p->finished) {
        struct script_job *j = p->finished;
        p->finished = j->next;
        forget_job(j, &(struct script_result){ .outcome = j->stop_outcome, .error = str_from(j->text), .had_started = j->had_started });
    }
}

static struct script_job *take_waiting(struct owner *o)
{
    struct script_job *j = o->first;
    o->first = j->next;
    if (!o->first)
        o->last = &o->first;
    j->next = NULL;
    return j;
}

static void drop_empty_owners(struct script_pool *p)
{
    for (struct owner **at = &p->owners; *at;) {
        struct owner *o = *at;
        if (o->first) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        free(o->name);
        free(o);
    }
}

static void answer_parse(struct parse *parse, const struct script_parsed *parsed)
{
    parse->done(parse->ctx, parsed);
    free(parse->script);
    free(parse);
}

static void fail_all_waiting(struct script_pool *p, const char *why)
{
    for (struct owner *o = p->owners; o; o = o->next)
        while (o->first)
            finish_later(take_waiting(o), SCRIPT_INTERRUPTED, why);
    drop_empty_owners(p);
    while (p->parses) {
        struct parse *parse = p->parses;
        p->parses = parse->next;
        answer_parse(parse, &(struct script_parsed){ .failure = str_from(why) });
    }
}

// --- one worker

static void end_member(struct member *m)
{
    if (m->state == MEMBER_ENDING)
        return;
    m->state = MEMBER_ENDING;
    loop_timer_stop(m->timer);
    worker_kill(m->worker);
}

static void on_hello(void *ctx, const struct frame_hello *hello)
{
    struct member *m = ctx;
    struct script_pool *p = m->pool;
    CLEANUP(buf_fini) struct buf missing = { .max = sizeof p->reason - 1 };
    str version = str_sub(hello->version, 0, sizeof p->version - 1);
    memcpy(p->version, version.p, version.n);
    p->version[version.n] = 0;
    json_each(name, hello->missing) {
        if (missing.n)
            buf_add(&missing, STR(", "));
        buf_add(&missing, name->text);
    }
    snprintf(p->reason, sizeof p->reason, "%.*s", STR_ARG(buf_str(&missing)));
}

static void set_idle(struct member *m)
{
    loop_timer_stop(m->timer);
    m->state = MEMBER_IDLE;
    m->idle_since_ms = loop_now_ms(m->pool->opt.loop);
    // Whatever a run left running, outside of the worker itself, ends with the worker.
    int processes = worker_processes(m->worker);
    if (m->processes < 0)
        m->processes = processes;
    else if (processes > m->processes)
        end_member(m);
}

static void on_ready(void *ctx, int64_t working_set_bytes)
{
    struct member *m = ctx;
    m->pool->failures = 0;
    m->pool->start_after_ms = 0;
    if (m->state == MEMBER_STARTING || m->state == MEMBER_RETURNING) {
        set_idle(m);
        if (working_set_bytes > WORKING_SET_MAX)
            end_member(m);
    }
    kick(m->pool);
}

static bool is_of(const struct script_job *j, const struct frame *f)
{
    return j && str_eq(j->run_id, f->run_id) && j->fence == f->fence;
}

static void after_done(struct member *m, const struct frame_done *d)
{
    m->runs++;
    if (m->job || m->state == MEMBER_ENDING)
        return;
    if (d->wants_recycling || m->runs >= m->pool->opt.max_runs_per_worker) {
        end_member(m);
        return;
    }
    m->state = MEMBER_RETURNING;
    loop_timer_set(m->timer, RETURN_MS, 0);
}

static void take_done_frame(struct member *m, const struct frame_done *d, const struct script_result *result)
{
    struct script_job *j = m->job;
    if (j->is_stopping) { // it obeyed; what it left behind is not trusted, and the job ends when all is gone
        end_member(m);
        return;
    }
    m->job = NULL;
    j->worker = NULL;
    if (j->is_isolated)
        end_member(m);
    after_done(m, d);
    forget_job(j, result);
    kick(m->pool);
}

static void take_parsed(struct member *m, const struct frame_parsed *f)
{
    struct parse *parse = m->parse;
    CLEANUP(arena_fini) struct arena a = { 0 };
    if (!parse || parse->id != f->id)
        return;
    struct script_parsed out = { .parameters = f->parameters, .variables = f->variables, .error_count = f->errors->count };
    out.errors = ARENA_ARRAY(&a, struct script_parse_error, out.error_count + 1);
    size_t n = 0;
    json_each(item, f->errors) {
        int64_t line = 0, column = 0;
        json_i64(json_get(item, STR("Line")), &line);
        json_i64(json_get(item, STR("Column")), &column);
        out.errors[n++] = (struct script_parse_error){ json_str(json_get(item, STR("Message")), STR("")), (int)line, (int)column };
    }
    m->parse = NULL;
    set_idle(m);
    answer_parse(parse, &out);
    kick(m->pool);
}

static void on_frame(void *ctx, const struct frame *f)
{
    struct member *m = ctx;
    if (f->type == FRAME_PARSED) {
        take_parsed(m, &f->parsed);
        return;
    }
    if (!is_of(m->job, f)) // late, or of a run that never was
        return;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct script_result result;
    struct err e = { 0 };
    if (job_take(m->job, f, &a, &result, &e))
        take_done_frame(m, &f->done, &result);
    else if (e.kind != ERR_NONE)
        worker_break_off(m->worker, e.text);
}

static void on_output(void *ctx, bool is_stderr, str bytes)
{
    struct member *m = ctx;
    if (m->job)
        job_take_output(m->job, is_stderr, bytes);
}

// The job of a worker that has ended before saying done.
static void end_job(struct member *m, const struct worker_end *end)
{
    struct script_job *j = m->job;
    struct script_result r = { .outcome = SCRIPT_INTERRUPTED };
    char text[900];
    m->job = NULL;
    j->worker = NULL;
    job_flush_output(j);
    r.had_started = j->had_started;
    if (j->is_stopping) {
        r.outcome = j->stop_outcome;
        snprintf(text, sizeof text, "%s", j->text);
    } else if (end->kind == WORKER_OVER_MEMORY) {
        r.outcome = SCRIPT_FAILED;
        snprintf(text, sizeof text, "the script %s", end->text);
    } else if (end->kind == WORKER_PROTOCOL)
        snprintf(text, sizeof text, "the worker process broke the protocol (%s) and was ended", end->text);
    else if (end->kind == WORKER_ENDED && end->has_exit_code && j->had_started) {
        // [Environment]::Exit: the script's own doing, unlike a crash.
        r.outcome = SCRIPT_FAILED;
        r.has_exit_code = true;
        r.exit_code = end->exit_code;
        snprintf(text, sizeof text, "the script ended its process with status %d", end->exit_code);
    } else
        snprintf(text, sizeof text, "the worker process %s%s", end->text, j->had_started ? " while the script ran" : " before the script began");
    r.error = str_from(text);
    forget_job(j, &r);
}

static void note_failed_start(struct script_pool *p, const struct worker_end *end)
{
    p->failures++;
    int64_t wait_ms = (int64_t)BACKOFF_FIRST_MS << MIN(p->failures - 1, 20);
    p->start_after_ms = loop_now_ms(p->opt.loop) + MIN(wait_ms, BACKOFF_MAX_MS);
    if (p->failures < FAILURES_MAX)
        return;
    snprintf(p->reason, sizeof p->reason, "no PowerShell worker could be started: it %s", end->text);
    fail_all_waiting(p, p->reason);
    p->has_engine = false; // it may have gone, or another have come
    p->looked_ms = loop_now_ms(p->opt.loop);
}

static void finish_close(struct script_pool *p);

static void on_worker_ended(void *ctx, const struct worker_end *end)
{
    struct member *m = ctx;
    struct script_pool *p = m->pool;
    for (struct member **at = &p->members; *at; at = &(*at)->next)
        if (*at == m) {
            *at = m->next;
            break;
        }
    loop_timer_free(m->timer);
    if (m->state == MEMBER_STARTING && !p->is_closing)
        note_failed_start(p, end);
    if (m->parse) {
        char text[640];
        snprintf(text, sizeof text, "the worker process that was asked %s", end->text);
        answer_parse(m->parse, &(struct script_parsed){ .failure = str_from(text) });
    }
    if (m->job)
        end_job(m, end);
    free(m->owner);
    free(m);
    kick(p);
}

static void on_member_late(void *ctx)
{
    end_member(ctx);
}

static bool start_member(struct script_pool *p, int64_t heap_bytes)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e;
    struct member *m = xcalloc(1, sizeof *m);
    m->pool = p;
    m->state = MEMBER_STARTING;
    m->heap_bytes = heap_bytes;
    m->processes = -1;
    struct worker_options opt = {
        .loop = p->opt.loop,
        .engine = &p->engine,
        .folder = arena_printf(&a, "%s/worker-%d-%" PRId64, p->work_dir, (int)getpid(), ++p->serial).p,
        .start_ms = p->opt.start_ms,
        .memory_bytes = heap_bytes,
        .has_user = p->has_user,
        .uid = p->uid,
        .gid = p->gid,
        .sandbox = p->sandbox,
        .ctx = m,
        .hello = on_hello,
        .ready = on_ready,
        .frame = on_frame,
        .output = on_output,
        .ended = on_worker_ended,
    };
    if (!worker_open(&opt, &m->worker, &e)) {
        free(m);
        note_failed_start(p, &(struct worker_end){ .text = e.text });
        return false;
    }
    m->timer = loop_timer_new(p->opt.loop, on_member_late, m);
    m->next = p->members;
    p->members = m;
    return true;
}

// --- placing jobs

static bool is_usable(const struct member *m, const struct script_job *j)
{
    return m->state == MEMBER_IDLE && m->heap_bytes >= j->memory_bytes;
}

// Workers of that owner that will be idle in a few milliseconds: better to wait for than to take another.
static int count_returning(const struct script_pool *p, str owner)
{
    int n = 0;
    for (struct member *m = p->members; m; m = m->next)
        n += m->state == MEMBER_RETURNING && str_eq(owner_of(m), owner);
    return n;
}

static struct member *find_member(struct script_pool *p, const struct script_job *j, str owner)
{
    struct member *fresh = NULL;
    for (struct member *m = p->members; m; m = m->next) {
        if (!is_usable(m, j))
            continue;
        if (!m->owner)
            fresh = m;
        else if (!j->is_isolated && str_eq(owner_of(m), owner))
            return m;
    }
    int waiting = 0;
    for (const struct script_job *other = j; other; other = other->next)
        waiting++;
    return j->is_isolated || waiting > count_returning(p, owner) ? fresh : NULL;
}

// How many of an owner's jobs could run at once if they had a worker.
static int count_unplaced(struct script_pool *p, const struct owner *o, int running, int of_owner, int64_t *heap_bytes)
{
    int returning = count_returning(p, (str){ o->name, o->name_bytes }), n = 0;
    for (const struct script_job *j = o->first; j && has_share(p, running + n, of_owner + n); j = j->next) {
        if (!j->is_isolated && returning > 0) {
            returning--;
            continue;
        }
        n++;
        *heap_bytes = MAX(*heap_bytes, j->memory_bytes);
    }
    return n;
}

static void on_job_timer(void *ctx)
{
    struct script_job *j = ctx;
    char text[96];
    if (j->is_stopping) { // the time of grace is over
        worker_kill(j->worker);
        return;
    }
    snprintf(text, sizeof text, "the script ran longer than its %g s and was stopped", (double)j->timeout_ms / 1000);
    j->is_stopping = true;
    j->stop_outcome = SCRIPT_TIMED_OUT;
    snprintf(j->text, sizeof j->text, "%s", text);
    if (!job_send_cancel(j, text))
        worker_kill(j->worker);
    loop_timer_set(j->timer, j->pool->opt.grace_ms, 0);
}

static void place(struct member *m, struct script_job *j, str owner)
{
    m->state = MEMBER_RUNNING;
    m->job = j;
    j->worker = m->worker;
    if (!m->owner) {
        m->owner = xmemdup(owner.p, owner.n + 1);
        m->owner_bytes = owner.n;
    }
    j->owner = NULL;
    worker_set_memory(m->worker, MAX(j->memory_bytes, MEMORY_MIN));
    worker_send_bytes(m->worker, buf_str(&j->framed));
    buf_fini(&j->framed);
    j->timer = loop_timer_new(j->pool->opt.loop, on_job_timer, j);
    loop_timer_set(j->timer, j->timeout_ms, 0);
}

// Places what can be placed now, one job of each owner in turn. Returns how many of the rest could run
// at once if they had a worker; *heap_bytes is the most one of them needs.
static int place_jobs(struct script_pool *p, int64_t *heap_bytes)
{
    int unplaced = 0;
    for (bool is_more = true; is_more;) {
        is_more = false;
        unplaced = 0;
        *heap_bytes = 0;
        for (struct owner **at = &p->owners; *at; at = &(*at)->next) {
            struct owner *o = *at;
            str name = { o->name, o->name_bytes };
            int of_owner, running = count_running(p, name, &of_owner);
            if (!o->first || !has_share(p, running + unplaced, of_owner))
                continue;
            struct member *m = find_member(p, o->first, name);
            if (!m) {
                unplaced += count_unplaced(p, o, running + unplaced, of_owner, heap_bytes);
                continue;
            }
            place(m, take_waiting(o), name);
            // To the end of the ring.
            *at = o->next;
            struct owner **last = &p->owners;
            while (*last)
                last = &(*last)->next;
            o->next = NULL;
            *last = o;
            is_more = true;
            break;
        }
    }
    drop_empty_owners(p);
    return unplaced;
}

static void send_parse(struct script_pool *p, struct member *m)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct parse *parse = p->parses;
    struct json *frame = json_new_object(&a);
    struct err e;
    p->parses = parse->next;
    json_add_str(&a, frame, "Type", STR("parse"));
    json_add_i64(&a, frame, "Id", parse->id);
    json_add_str(&a, frame, "Script", (str){ parse->script, parse->script_bytes });
    if (!worker_send(m->worker, frame, &e)) {
        answer_parse(parse, &(struct script_parsed){ .failure = str_from(e.text) });
        return;
    }
    m->parse = parse;
    m->state = MEMBER_PARSING;
    loop_timer_set(m->timer, PARSE_MS, 0);
}

// Scripts are parsed only by workers in which none has run: what one leaves behind could lie.
static void place_parses(struct script_pool *p)
{
    for (struct member *m = p->members; m && p->parses; m = m->next)
        if (m->state == MEMBER_IDLE && !m->owner)
            send_parse(p, m);
}

static void end_longest_idle(struct script_pool *p)
{
    struct member *oldest = NULL;
    for (struct member *m = p->members; m; m = m->next)
        if (m->state == MEMBER_IDLE && m->owner && (!oldest || m->idle_since_ms < oldest->idle_since_ms))
            oldest = m;
    if (oldest)
        end_member(oldest);
}

// Workers of nobody: as many as have a job waiting, and the warm ones beside. Running jobs are bounded by
// max_workers, processes by that and the warm ones.
static void start_members(struct script_pool *p, int unplaced, int64_t heap_bytes)
{
    int64_t now_ms = loop_now_ms(p->opt.loop);
    int fresh = 0, max = p->opt.max_workers + p->opt.warm_workers;
    for (struct member *m = p->members; m; m = m->next) {
        bool is_fresh = !m->owner && m->state != MEMBER_ENDING;
        if (is_fresh && m->heap_bytes < heap_bytes && m->state == MEMBER_IDLE) {
            end_member(m); // too small for who waits
            continue;
        }
        fresh += is_fresh;
    }
    int wanted = unplaced + MAX(p->opt.warm_workers, p->parses ? 1 : 0) - fresh;
    for (; wanted > 0; wanted--) {
        if (p->start_after_ms > now_ms) {
            loop_timer_set(p->kick, p->start_after_ms - now_ms, 0);
            return;
        }
        if (count_members(p) >= max) {
            if (unplaced > fresh || p->parses)
                end_longest_idle(p);
            return;
        }
        if (!start_member(p, MAX(heap_bytes, MEMORY_DEFAULT)))
            return;
        fresh++;
    }
}

static void schedule(struct script_pool *p)
{
    int64_t heap_bytes = 0;
    if (p->is_closing) {
        finish_close(p);
        return;
    }
    find_engine(p);
    if (!p->has_engine) {
        fail_all_waiting(p, p->reason);
        tell_finished(p);
        return;
    }
    place_parses(p);
    int unplaced = place_jobs(p, &heap_bytes);
    start_members(p, unplaced, heap_bytes);
}

static void on_kick(void *ctx)
{
    struct script_pool *p = ctx;
    tell_finished(p);
    schedule(p);
}

// Each second: whoever was idle for too long, or has started something that goes on without it.
static void on_tick(void *ctx)
{
    struct script_pool *p = ctx;
    int64_t now_ms = loop_now_ms(p->opt.loop);
    for (struct member *m = p->members; m; m = m->next) {
        if (m->state != MEMBER_IDLE || !m->owner)
            continue;
        int processes = worker_processes(m->worker);
        if (now_ms - m->idle_since_ms >= p->opt.idle_ms || (m->processes >= 0 && processes > m->processes))
            end_member(m);
    }
    if (!p->has_engine || p->start_after_ms)
        kick(p);
}

// --- what callers do

struct script_job *script_job_start(struct script_pool *p, const struct script_job_options *opt)
{
    struct script_job *j;
    struct err e;
    struct script_job_options bounded = *opt;
    bounded.memory_bytes = opt->memory_bytes > 0 ? opt->memory_bytes : MEMORY_DEFAULT;
    bounded.timeout_ms = MAX(opt->timeout_ms, 1);
    if (!job_new(&bounded, &j, &e)) {
        // As if it had been placed and failed: one way to hear of it is enough.
        bounded.frame = NULL;
        bool is_small = job_new(&bounded, &j, NULL);
        assert(is_small);
        (void)is_small;
        j->pool = p;
        finish_later(j, SCRIPT_FAILED, e.text);
        return j;
    }
    j->pool = p;
    if (p->is_closing) {
        finish_later(j, SCRIPT_INTERRUPTED, "the server is stopping");
        return j;
    }
    struct owner *o = p->owners;
    while (o && !str_eq((str){ o->name, o->name_bytes }, opt->owner))
        o = o->next;
    if (!o) {
        struct owner **last = &p->owners;
        while (*last)
            last = &(*last)->next;
        o = *last = xcalloc(1, sizeof *o);
        o->name = xmalloc(opt->owner.n + 1);
        memcpy(o->name, opt->owner.p ? opt->owner.p : "", opt->owner.n);
        o->name[opt->owner.n] = 0;
        o->name_bytes = opt->owner.n;
        o->last = &o->first;
    }
    *o->last = j;
    o->last = &j->next;
    j->owner = o;
    schedule(p);
    return j;
}

void script_job_cancel(struct script_job *j, const char *reason)
{
    if (j->is_stopping)
        return;
    j->is_stopping = true;
    j->stop_outcome = SCRIPT_CANCELLED;
    if (j->worker) {
        snprintf(j->text, sizeof j->text, "%s", reason);
        if (!job_send_cancel(j, reason))
            worker_kill(j->worker);
        loop_timer_set(j->timer, j->pool->opt.grace_ms, 0);
        return;
    }
    if (!j->owner) // already finished
        return;
    struct owner *o = j->owner;
    for (struct script_job **at = &o->first; *at; at = &(*at)->next)
        if (*at == j) {
            *at = j->next;
            if (o->last == &j->next)
                o->last = at;
            break;
        }
    drop_empty_owners(j->pool);
    finish_later(j, SCRIPT_CANCELLED, reason);
}

void script_call_reply(struct script_job *job, int64_t call_id, const struct script_reply *reply)
{
    job_reply(job, call_id, reply);
}

void script_parse(struct script_pool *p, str script, void (*done)(void *ctx, const struct script_parsed *parsed), void *ctx)
{
    struct parse *parse = xcalloc(1, sizeof *parse), **at = &p->parses;
    parse->id = ++p->parse_id;
    parse->script = xmemdup(script.p ? script.p : "", script.n ? script.n : 1);
    parse->script_bytes = script.n;
    parse->done = done;
    parse->ctx = ctx;
    while (*at)
        at = &(*at)->next;
    *at = parse;
    kick(p);
}

// --- opening and closing

// What a killed server left: its workers are gone, their folders are not.
static void sweep_folders(const char *work_dir)
{
    DIR *dir = opendir(work_dir);
    struct err e;
    if (!dir)
        return;
    for (struct dirent *item; (item = readdir(dir));) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        str name = str_from(item->d_name), pid_text = str_skip(name, 7);
        uint64_t pid;
        if (!str_starts(name, STR("worker-")) || !str_split(&(str){ pid_text.p, pid_text.n }, '-', &pid_text) || !str_to_u64(pid_text, &pid))
            continue;
        // Our own number was another's before: in a container it is always 1.
        if ((pid_t)pid != getpid() && (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
            continue;
        if (!file_remove_tree(arena_printf(&a, "%s/%s", work_dir, item->d_name).p, &e))
            continue; // it is only room
    }
    closedir(dir);
}

// Whether that user can come to the folder: each one on the way must let others pass.
static bool can_reach(const char *path, uid_t uid, gid_t gid, char *stuck_at, size_t cap)
{
    CLEANUP(freep) char *copy = xstrdup(path);
    for (char *slash = copy + 1;; slash++) {
        if (*slash && *slash != '/')
            continue;
        char was = *slash;
        struct stat st;
        *slash = 0;
        if (stat(copy, &st) == 0) {
            mode_t bit = st.st_uid == uid ? S_IXUSR : st.st_gid == gid ? S_IXGRP : S_IXOTH;
            if (!(st.st_mode & bit)) {
                snprintf(stuck_at, cap, "%s", copy);
                return false;
            }
        }
        if (!was)
            return true;
        *slash = was;
    }
}

static bool choose_user(struct script_pool *p, struct err *e)
{
    const char *name = p->opt.run_as_user;
    char stuck_at[512];
    if (!name) {
        snprintf(p->user_note, sizeof p->user_note, "as the server's own user");
        return true;
    }
    if (!process_can_switch_user()) {
        snprintf(p->user_note, sizeof p->user_note, "as the server's own user (not allowed to switch)");
        return true;
    }
    if (!process_find_user(name, &p->uid, &p->gid, e))
        return err_in(e, "the user for workers");
    const char *ways[] = { p->work_dir, p->opt.runtime_dir };
    for (size_t i = 0; i < COUNT(ways); i++)
        if (ways[i] && !can_reach(ways[i], p->uid, p->gid, stuck_at, sizeof stuck_at))
            return err_set(e, ERR_DENIED, "workers run as %s, who cannot come to %s because of the permissions of %s (chmod o+x, or another place)", name, ways[i], stuck_at);
    p->has_user = true;
    snprintf(p->user_note, sizeof p->user_note, "as user %.32s", name);
    return true;
}

static void choose_sandbox(struct script_pool *p)
{
    struct err e;
    if (p->opt.use_sandbox && !sandbox_find(p->has_user, p->uid, p->gid, p->opt.hidden, &p->sandbox, &e))
        p->sandbox = NULL; // "where installed": the other means remain, and capabilities say so
}

static void pool_free(struct script_pool *p)
{
    loop_timer_free(p->kick);
    loop_timer_free(p->tick);
    sandbox_free(p->sandbox);
    arena_fini(&p->engine_arena);
    arena_fini(&p->arena);
    free(p->work_dir);
    free(p);
}

bool script_pool_open(const struct script_pool_options *opt, struct script_pool **out, struct err *e)
{
    char real[PATH_MAX]; // what realpath asks for
    struct script_pool *p = xcalloc(1, sizeof *p);
    p->opt = *opt;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (p->opt.max_workers <= 0)
        p->opt.max_workers = MAX(4, 2 * (int)MIN(MAX(cores, 1), 512));
    p->opt.warm_workers = MAX(opt->warm_workers, 0);
    if (p->opt.max_runs_per_worker <= 0)
        p->opt.max_runs_per_worker = RUNS_PER_WORKER;
    if (p->opt.idle_ms <= 0)
        p->opt.idle_ms = IDLE_MS;
    if (p->opt.grace_ms <= 0)
        p->opt.grace_ms = GRACE_MS;
    if (p->opt.start_ms <= 0)
        p->opt.start_ms = START_MS;
    if (opt->runtime_dir)
        p->opt.runtime_dir = arena_cstr(&p->arena, str_from(opt->runtime_dir));
    // Others may pass through to their own folder, whose name they know, but not look around.
    if (!file_make_dirs(opt->work_dir, 0711, e) || !realpath(opt->work_dir, real)) {
        pool_free(p);
        return err_in(e, "the folder for workers");
    }
    p->work_dir = xstrdup(real);
    sweep_folders(real);
    if (!choose_user(p, e)) {
        pool_free(p);
        return false;
    }
    choose_sandbox(p);
    p->kick = loop_timer_new(opt->loop, on_kick, p);
    p->tick = loop_timer_new(opt->loop, on_tick, p);
    loop_timer_set(p->tick, 1000, 1000);
    find_engine(p);
    kick(p);
    *out = p;
    return true;
}

static void finish_close(struct script_pool *p)
{
    fail_all_waiting(p, "the server is stopping");
    tell_finished(p);
    if (p->members)
        return;
    void (*closed)(void *ctx) = p->closed;
    void *ctx = p->closed_ctx;
    pool_free(p);
    if (closed)
        closed(ctx);
}

void script_pool_close(struct script_pool *p, void (*done)(void *ctx), void *ctx)
{
    p->is_closing = true;
    p->closed = done;
    p->closed_ctx = ctx;
    for (struct member *m = p->members; m; m = m->next) {
        if (m->job && !m->job->is_stopping) {
            m->job->is_stopping = true;
            m->job->stop_outcome = SCRIPT_INTERRUPTED;
            snprintf(m->job->text, sizeof m->job->text, "the server is stopping");
        }
        end_member(m);
    }
    kick(p);
}
