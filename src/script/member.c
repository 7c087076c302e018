#include "script/parts.h"

#include <stdio.h>
#include <unistd.h>

#define PARSE_MS 15000
#define RETURN_MS 15000                       // from done to ready: a fresh runspace takes milliseconds
#define MEMORY_MIN (160LL * 1024 * 1024)      // the engine alone needs that much
#define WORKING_SET_MAX (400LL * 1024 * 1024) // after a run: more is not kept warm
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 30000

str member_owner(const struct member *m)
{
    return (str){ m->owner, m->owner_bytes };
}

void member_end(struct member *m)
{
    if (m->state == MEMBER_ENDING)
        return;
    m->state = MEMBER_ENDING;
    loop_timer_stop(m->timer);
    worker_kill(m->worker);
}

// --- its way out

static bool admits(void *ctx, struct err *e)
{
    struct member *m = ctx;
    return (m->job && !m->job->is_held && !m->job->is_stopping) || err_set(e, ERR_DENIED, "no run is under way here that could connect");
}

static bool may_connect(void *ctx, str host, const struct ip *ip, int port, struct err *e)
{
    struct member *m = ctx;
    return job_may_connect(m->job, host, ip, port, e);
}

static void on_refused(void *ctx, str host, const struct ip *ip, int port, const char *why)
{
    struct member *m = ctx;
    char address[IP_TEXT_BYTES];
    ip_write(ip, address);
    job_tell(m->job, STR("Warning"), "Not allowed to connect to %.*s (%s, port %d): %s", STR_ARG(str_sub(host, 0, 255)), address, port, why);
}

static void on_listener(void *ctx, int fd)
{
    struct member *m = ctx;
    m->door = gateway_door_open(m->pool->gateway, &(struct gateway_door_options){ .listener = fd, .ctx = m, .admits = admits, .allows = may_connect, .refused = on_refused });
}

// With its run end all connections of it.
static void close_connections(struct member *m, struct script_job *j)
{
    if (!m->door)
        return;
    struct gateway_counts n = gateway_door_counts(m->door);
    if (n.connections)
        job_tell(j, STR("Verbose"), "Network: %" PRId64 " connections through the server, %" PRId64 " refused, %" PRId64 " bytes sent, %" PRId64 " received", n.connections, n.refused, n.bytes_out, n.bytes_in);
    gateway_door_renew(m->door);
}

// --- what it says

static void on_hello(void *ctx, const struct frame_hello *hello)
{
    struct member *m = ctx;
    struct script_pool *p = m->pool;
    CLEANUP(buf_fini) struct buf lacking = { .max = sizeof p->lacking - 1 };
    str version = str_sub(hello->version, 0, sizeof p->version - 1);
    memcpy(p->version, version.p, version.n);
    p->version[version.n] = 0;
    json_each(name, hello->missing) {
        if (lacking.n)
            buf_add(&lacking, STR(", "));
        buf_add(&lacking, name->text);
    }
    snprintf(p->lacking, sizeof p->lacking, "%.*s", STR_ARG(buf_str(&lacking)));
    pool_tell_changed(p);
}

bool member_is_leaving_more(const struct member *m)
{
    return m->processes >= 0 && worker_processes(m->worker) > m->processes;
}

static void set_idle(struct member *m)
{
    loop_timer_stop(m->timer);
    m->state = MEMBER_IDLE;
    worker_set_idle(m->worker, true);
    m->idle_since_ms = loop_now_ms(m->pool->opt.loop);
    if (m->processes < 0)
        m->processes = worker_processes(m->worker);
    else if (member_is_leaving_more(m))
        member_end(m);
}

static void on_ready(void *ctx, int64_t working_set_bytes)
{
    struct member *m = ctx;
    bool had_failed = m->pool->failures > 0;
    m->pool->failures = 0;
    m->pool->start_after_ms = 0;
    if (had_failed)
        pool_tell_changed(m->pool);
    if (m->state == MEMBER_STARTING || m->state == MEMBER_RETURNING) {
        set_idle(m);
        if (working_set_bytes > WORKING_SET_MAX)
            member_end(m);
    }
    pool_kick(m->pool);
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
        member_end(m);
        return;
    }
    m->state = MEMBER_RETURNING;
    loop_timer_set(m->timer, RETURN_MS, 0);
}

static void take_done_frame(struct member *m, const struct frame_done *d, const struct script_result *result)
{
    struct script_job *j = m->job;
    if (j->is_stopping) { // it obeyed; what it left behind is not trusted, and the job ends when all is gone
        member_end(m);
        return;
    }
    close_connections(m, j);
    m->job = NULL;
    j->worker = NULL;
    if (j->is_isolated)
        member_end(m);
    after_done(m, d);
    pool_tell(j, result);
    pool_kick(m->pool);
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
    pool_answer_parse(parse, &out);
    pool_kick(m->pool);
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
    close_connections(m, j);
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
    pool_tell(j, &r);
}

static void note_failed_start(struct script_pool *p, const struct worker_end *end)
{
    p->failures++;
    int64_t wait_ms = (int64_t)BACKOFF_FIRST_MS << MIN(p->failures - 1, 20);
    p->start_after_ms = loop_now_ms(p->opt.loop) + MIN(wait_ms, BACKOFF_MAX_MS);
    if (p->failures < POOL_FAILURES_MAX)
        return;
    if (p->opt.engine == SCRIPT_ENGINE_AUTO && p->engine.kind == SCRIPT_ENGINE_PWSH) {
        // A pwsh too old for our library, or broken: the bundled engine is the second choice.
        p->opt.engine = SCRIPT_ENGINE_BUNDLED;
        p->has_engine = false;
        p->looked_ms = p->failures = 0;
        pool_tell_changed(p);
        return;
    }
    snprintf(p->reason, sizeof p->reason, "no PowerShell worker could be started: %s", end->text);
    pool_fail_all_waiting(p, p->reason);
    p->has_engine = false; // it may have gone, or another have come
    p->looked_ms = loop_now_ms(p->opt.loop);
    pool_tell_changed(p);
}

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
        if (end->kind == WORKER_KILLED && !p->is_closing)
            snprintf(text, sizeof text, "the PowerShell parser did not answer within %d s", PARSE_MS / 1000);
        else
            snprintf(text, sizeof text, "the worker process that was asked %s", end->text);
        pool_answer_parse(m->parse, &(struct script_parsed){ .failure = str_from(text) });
    }
    if (m->job)
        end_job(m, end);
    gateway_door_close(m->door);
    free(m->owner);
    free(m);
    pool_kick(p);
}

static void on_member_late(void *ctx)
{
    member_end(ctx);
}

bool member_start(struct script_pool *p, int64_t heap_bytes)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e;
    bool is_isolated = script_pool_is_isolated(p);
    if (p->opt.network == SCRIPT_NETWORK_ISOLATED && !is_isolated && !p->opt.no_network) {
        note_failed_start(p, &(struct worker_end){ .text = "Scripts.Network is isolated, and a network namespace cannot be had here" });
        return false;
    }
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
        .network = script_pool_is_offline(p) ? PROCESS_NETWORK_NONE : is_isolated ? PROCESS_NETWORK_OWN : PROCESS_NETWORK_SHARED,
        .hidden = p->opt.hidden,
        .ctx = m,
        .hello = on_hello,
        .ready = on_ready,
        .frame = on_frame,
        .output = on_output,
        .listener = on_listener,
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

// --- what it is given to do

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

void member_run(struct member *m, struct script_job *j, str owner)
{
    m->state = MEMBER_RUNNING;
    worker_set_idle(m->worker, false);
    m->job = j;
    j->worker = m->worker;
    if (!m->owner) {
        m->owner = xmemdup(owner.p, owner.n + 1);
        m->owner_bytes = owner.n;
    }
    j->owner = NULL;
    worker_set_memory(m->worker, MAX(j->memory_bytes, MEMORY_MIN));
    j->is_held = true;
    if (j->opt.placed)
        j->opt.placed(j->opt.ctx);
    else
        member_send_job(m);
}

void member_send_job(struct member *m)
{
    struct script_job *j = m->job;
    j->is_held = false;
    worker_send_bytes(m->worker, buf_str(&j->framed));
    buf_fini(&j->framed);
    j->timer = loop_timer_new(j->pool->opt.loop, on_job_timer, j);
    loop_timer_set(j->timer, j->timeout_ms, 0);
}

void member_take_back(struct member *m)
{
    m->job->is_held = false;
    m->job->worker = NULL;
    m->job = NULL;
    if (!m->runs) { // nothing has run in it: it is nobody's still
        free(m->owner);
        m->owner = NULL;
        m->owner_bytes = 0;
    }
    set_idle(m);
    pool_kick(m->pool);
}

void member_parse(struct member *m, struct parse *parse)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *frame = json_new_object(&a);
    struct err e;
    json_add_str(&a, frame, "Type", STR("parse"));
    json_add_i64(&a, frame, "Id", parse->id);
    json_add_str(&a, frame, "Script", (str){ parse->script, parse->script_bytes });
    if (!worker_send(m->worker, frame, &e)) {
        pool_answer_parse(parse, &(struct script_parsed){ .failure = str_from(e.text) });
        return;
    }
    m->parse = parse;
    m->state = MEMBER_PARSING;
    loop_timer_set(m->timer, PARSE_MS, 0);
}
