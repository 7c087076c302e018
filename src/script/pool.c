#include "script/parts.h"

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
#define FIND_AGAIN_MS 5000                     // somebody may have installed what is missing

void pool_kick(struct script_pool *p)
{
    if (p->kick)
        loop_timer_set(p->kick, 0, 0);
}

void pool_tell_changed(const struct script_pool *p)
{
    if (p->opt.changed)
        p->opt.changed(p->opt.changed_ctx);
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
    pool_tell_changed(p);
}

static bool is_available(const struct script_pool *p)
{
    return p->has_engine && p->failures < POOL_FAILURES_MAX && !p->is_closing;
}

static void describe_network(const struct script_pool *p, char *out, size_t cap)
{
    if (script_pool_is_isolated(p))
        snprintf(out, cap, "isolated: scripts connect through the server only, which asks the egress rules each time");
    else if (p->opt.network == SCRIPT_NETWORK_SHARED)
        snprintf(out, cap, "shared, as Scripts.Network says: the egress rules bind the web commands, and not what else a script opens");
    else
        snprintf(out, cap, "%s: a network namespace cannot be had here (as root, or where users may make user namespaces, it can)%s", p->opt.network == SCRIPT_NETWORK_ISOLATED ? "none" : "shared",
            p->opt.network == SCRIPT_NETWORK_ISOLATED ? "; no script runs while Scripts.Network is isolated" : "; the egress rules bind the web commands, and not what else a script opens");
}

struct script_capabilities script_pool_capabilities(struct script_pool *p)
{
    find_engine(p);
    struct script_capabilities c = { .is_available = is_available(p) };
    if (p->has_engine)
        snprintf(c.engine, sizeof c.engine, "%s", p->engine.kind == SCRIPT_ENGINE_PWSH ? "pwsh" : "bundled");
    snprintf(c.version, sizeof c.version, "%s", p->version);
    snprintf(c.path, sizeof c.path, "%s", p->has_engine ? p->engine.path : "");
    char means[96];
    process_describe(means, sizeof means);
    snprintf(c.containment, sizeof c.containment, "%s; %.66s; %.40s", p->sandbox ? "bubblewrap" : "no sandbox", means, p->user_note);
    snprintf(c.missing, sizeof c.missing, "%s", c.is_available ? p->lacking : p->reason);
    describe_network(p, c.network, sizeof c.network);
    return c;
}

bool script_pool_is_offline(const struct script_pool *p)
{
    // Asked when a worker is first needed: the answer takes a process of its own, for which a server's start shall not wait.
    return p->opt.no_network && (p->sandbox || process_can_be_without_network());
}

bool script_pool_is_isolated(const struct script_pool *p)
{
    return !p->opt.no_network && p->opt.network != SCRIPT_NETWORK_SHARED && process_can_own_network();
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
    return place_running(p);
}

bool script_pool_has_room(const struct script_pool *p, str owner)
{
    return is_available(p) && place_has_room(p, owner);
}

// --- jobs that come to an end

void pool_tell(struct script_job *j, const struct script_result *r)
{
    struct script_result result = *r;
    CLEANUP(arena_fini) struct arena a = { 0 };
    if (!result.output)
        result.output = json_new_array(&a);
    j->opt.done(j->opt.ctx, &result);
    job_free(j);
}

// Told in the next round, because the caller may stand in the midst of something.
void pool_finish_later(struct script_job *j, enum script_outcome outcome, const char *text)
{
    j->stop_outcome = outcome;
    snprintf(j->text, sizeof j->text, "%s", text);
    j->owner = NULL;
    struct script_job **at = &j->pool->finished;
    while (*at)
        at = &(*at)->next;
    j->next = NULL;
    *at = j;
    pool_kick(j->pool);
}

static void tell_finished(struct script_pool *p)
{
    while (p->finished) {
        struct script_job *j = p->finished;
        p->finished = j->next;
        pool_tell(j, &(struct script_result){ .outcome = j->stop_outcome, .error = str_from(j->text), .had_started = j->had_started });
    }
}

void pool_answer_parse(struct parse *parse, const struct script_parsed *parsed)
{
    parse->done(parse->ctx, parsed);
    free(parse->script);
    free(parse);
}

void pool_fail_all_waiting(struct script_pool *p, const char *why)
{
    for (struct owner *o = p->owners; o; o = o->next)
        while (o->first)
            pool_finish_later(place_take_waiting(o), SCRIPT_INTERRUPTED, why);
    place_drop_empty_owners(p);
    while (p->parses) {
        struct parse *parse = p->parses;
        p->parses = parse->next;
        pool_answer_parse(parse, &(struct script_parsed){ .failure = str_from(why) });
    }
}

static void finish_close(struct script_pool *p);

static void schedule(struct script_pool *p)
{
    if (p->is_closing) {
        finish_close(p);
        return;
    }
    find_engine(p);
    if (!p->has_engine) {
        pool_fail_all_waiting(p, p->reason);
        return;
    }
    place_all(p);
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
        if (now_ms - m->idle_since_ms >= p->opt.idle_ms || member_is_leaving_more(m))
            member_end(m);
    }
    if (!p->has_engine || p->start_after_ms)
        pool_kick(p);
}

// --- what callers do

struct script_job *script_job_start(struct script_pool *p, const struct script_job_options *opt)
{
    struct script_job *j;
    struct err e;
    struct script_job_options bounded = *opt;
    bounded.memory_bytes = opt->memory_bytes > 0 ? opt->memory_bytes : POOL_MEMORY_DEFAULT;
    bounded.timeout_ms = MAX(opt->timeout_ms, 1);
    if (!job_new(&bounded, &j, &e)) {
        // As if it had been placed and failed: one way to hear of it is enough.
        bounded.frame = NULL;
        bool is_small = job_new(&bounded, &j, NULL);
        assert(is_small);
        (void)is_small;
        j->pool = p;
        pool_finish_later(j, SCRIPT_FAILED, e.text);
        return j;
    }
    j->pool = p;
    if (p->is_closing) {
        pool_finish_later(j, SCRIPT_INTERRUPTED, "the server is stopping");
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

static struct member *member_of(const struct script_job *j)
{
    struct member *m = j->pool->members;
    while (m && m->job != j)
        m = m->next;
    return m;
}

void script_job_go(struct script_job *j)
{
    // One that is being stopped has lost its worker, or is about to.
    if (j->is_held && !j->is_stopping)
        member_send_job(member_of(j));
}

void script_job_cancel(struct script_job *j, const char *reason)
{
    if (j->is_stopping)
        return;
    j->is_stopping = true;
    j->stop_outcome = SCRIPT_CANCELLED;
    if (j->is_held) {
        member_take_back(member_of(j));
        pool_finish_later(j, SCRIPT_CANCELLED, reason);
        return;
    }
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
    place_drop_empty_owners(j->pool);
    pool_finish_later(j, SCRIPT_CANCELLED, reason);
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
    pool_kick(p);
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

static void stay_own_user(struct script_pool *p, const char *why, const char *where)
{
    snprintf(p->user_note, sizeof p->user_note, "as the server's own user%s%s%s", geteuid() == 0 ? ", ROOT" : "", why, where);
}

static bool choose_user(struct script_pool *p, struct err *e)
{
    const char *name = p->opt.run_as_user;
    char stuck_at[512];
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct engine engine = { 0 };
    if (!name) {
        stay_own_user(p, "", "");
        return true;
    }
    if (!process_can_switch_user()) {
        stay_own_user(p, " (not allowed to switch)", "");
        return true;
    }
    if (!process_find_user(name, &p->uid, &p->gid, e)) {
        stay_own_user(p, ": there is no user ", name);
        return p->opt.prefers_user || err_in(e, "the user for workers");
    }
    const char *ways[] = { p->work_dir, p->opt.runtime_dir, NULL };
    if (p->opt.prefers_user && engine_find(p->opt.engine, p->opt.runtime_dir, &a, &engine, NULL))
        ways[2] = engine.argv[0];
    for (size_t i = 0; i < COUNT(ways); i++)
        if (ways[i] && !can_reach(ways[i], p->uid, p->gid, stuck_at, sizeof stuck_at) && p->opt.prefers_user) {
            stay_own_user(p, ", as others cannot come to ", stuck_at);
            return true;
        } else if (ways[i] && !can_reach(ways[i], p->uid, p->gid, stuck_at, sizeof stuck_at))
            return err_set(e, ERR_DENIED, "workers run as %s, who cannot come to %s because of the permissions of %s (chmod o+x, or another place)", name, ways[i], stuck_at);
    p->has_user = true;
    snprintf(p->user_note, sizeof p->user_note, "as user %.32s", name);
    return true;
}

static void choose_sandbox(struct script_pool *p)
{
    struct err e;
    if (p->opt.use_sandbox && !sandbox_find(p->has_user, p->uid, p->gid, p->opt.hidden, p->opt.no_network, &p->sandbox, &e))
        p->sandbox = NULL; // "where installed": the other means remain, and capabilities say so
}

static void pool_free(struct script_pool *p)
{
    loop_timer_free(p->kick);
    loop_timer_free(p->tick);
    gateway_free(p->gateway);
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
    size_t hidden = 0;
    while (opt->hidden && opt->hidden[hidden])
        hidden++;
    const char **copy = ARENA_ARRAY(&p->arena, const char *, hidden + 1);
    for (size_t i = 0; i < hidden; i++)
        copy[i] = arena_cstr(&p->arena, str_from(opt->hidden[i]));
    p->opt.hidden = copy;
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
    p->gateway = gateway_new(&(struct gateway_options){ .loop = opt->loop, .proxy = opt->proxy });
    p->kick = loop_timer_new(opt->loop, on_kick, p);
    p->tick = loop_timer_new(opt->loop, on_tick, p);
    loop_timer_set(p->tick, 1000, 1000);
    find_engine(p);
    pool_kick(p);
    *out = p;
    return true;
}

static void finish_close(struct script_pool *p)
{
    pool_fail_all_waiting(p, "the server is stopping");
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
    pool_tell_changed(p);
    for (struct member *m = p->members; m; m = m->next) {
        if (m->job && !m->job->is_stopping) {
            m->job->is_stopping = true;
            m->job->stop_outcome = SCRIPT_INTERRUPTED;
            snprintf(m->job->text, sizeof m->job->text, "the server is stopping");
        }
        member_end(m);
    }
    pool_kick(p);
}
