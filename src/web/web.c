#include "web/web.h"

#include "base/encode.h"
#include "secret/token.h"
#include "sys/file.h"
#include "store/anchor.h"
#include "web/handle.h"
#include "web/fetch.h"
#include "web/forsaken.h"
#include "web/identity_checks.h"
#include "web/key_expiry.h"
#include "web/octopus_who.h"
#include "web/oidc.h"
#include "web/sessions.h"
#include "web/refusals.h"
#include "web/workers.h"

#include <malloc.h>

#include <stdio.h>

#define API_THREADS 4
#define SLOW_THREADS 4
#define FLUSH_MS 1000
#define PURGE_MS (10 * 60 * 1000)
#define PURGE_ROWS 5000
#define DAY_MS 86400000LL

static void anchor_audit(void *ctx)
{
    struct web *w = ctx;
    struct err e = { 0 };
    if (!anchor_write(w->opt.store, w->opt.audit_anchor_file, clock_wall_ms(w->opt.clock), &w->anchored_row, &e))
        fprintf(stderr, "the head of the audit was not written: %s\n", e.text);
    __atomic_store_n(&w->is_anchoring, false, __ATOMIC_RELEASE);
}

static void flush(void *ctx)
{
    struct web *w = ctx;
    hook_flush_key_uses(w);
    if (__atomic_load_n(&w->is_ready, __ATOMIC_ACQUIRE))
        identity_checks_tick(w);
    if (!w->opt.audit_anchor_file || __atomic_exchange_n(&w->is_anchoring, true, __ATOMIC_ACQ_REL))
        return;
    if (!workers_submit(w->workers, anchor_audit, w))
        __atomic_store_n(&w->is_anchoring, false, __ATOMIC_RELEASE);
}

// What is older than it is kept: 7 days for deduplication and verdicts (the longest sender retry seen is 75 h), 90 days for
// runs and events. In small steps, on a thread that may wait.
static void purge_step(void *ctx)
{
    struct web *w = ctx;
    struct err e = { 0 };
    bool more = true;
    session_purge(w);
    key_expiry_warn(w);
    forsaken_tell(w);
    struct store_keep keep = { 7 * DAY_MS, 7 * DAY_MS, 90 * DAY_MS, 90 * DAY_MS };
    malloc_trim(0); // what a busy hour left behind: thousands of connections, large answers
    for (int i = 0; i < 20 && more; i++)
        if (!store_purge(w->opt.store, &keep, clock_wall_ms(w->opt.clock), PURGE_ROWS, &more, &e))
            return; // the store says why in its statistics; the next round tries again
}

static void purge(void *ctx)
{
    struct web *w = ctx;
    workers_submit(w->workers, purge_step, w);
}

static bool is_below(str path, str prefix)
{
    return str_starts_nocase(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/');
}

static bool on_head(struct http_request *r, size_t *max_body_bytes, void *ctx)
{
    struct web *w = ctx;
    if (is_below(r->path, STR("/triggers")))
        return hook_head(w, r, max_body_bytes);
    if (is_below(r->path, STR("/octopus")))
        return push_head(w, r, max_body_bytes);
    return true;
}

static void on_request(struct http_request *r, void *ctx)
{
    struct web *w = ctx;
    if (is_below(r->path, STR("/triggers")))
        hook_handle(w, r);
    else if (is_below(r->path, STR("/octopus")))
        push_handle(w, r);
    else if (str_eq(r->path, STR("/healthz")) || str_eq(r->path, STR("/readyz")) || str_eq(r->path, STR("/metrics")))
        health_handle(w, r);
    else if (!__atomic_load_n(&w->is_ready, __ATOMIC_ACQUIRE))
        http_answer_error(r, 503, "the server is starting");
    else if (str_eq_nocase(r->path, STR("/api/stream")))
        stream_handle(w, r);
    else if (is_below(r->path, STR("/api")))
        api_handle(w, r);
    else if (str_eq(r->path, STR("/setup")) || str_eq(r->path, STR("/setup.js")))
        setup_page_handle(r);
    else
        http_answer_error(r, 404, "not found: the API is below /api, triggers are below /triggers");
}

// What our answers are not for: to be guessed at, framed, run, remembered, or read by another site's page (CORS stays off: no header
// permits it). Pages of our own bring a policy of their own.
static const struct http_header safe_headers[] = {
    { STR_INIT("X-Content-Type-Options"), STR_INIT("nosniff") },
    { STR_INIT("Content-Security-Policy"), STR_INIT("default-src 'none'; frame-ancestors 'none'") },
    { STR_INIT("Referrer-Policy"), STR_INIT("no-referrer") },
    { STR_INIT("X-Frame-Options"), STR_INIT("DENY") },
    { STR_INIT("Cross-Origin-Resource-Policy"), STR_INIT("same-origin") },
    { STR_INIT("Cache-Control"), STR_INIT("no-store") },
};

static size_t fill_always(struct web *w, const struct web_options *opt)
{
    size_t count = COUNT(safe_headers);
    static_assert(COUNT(safe_headers) < COUNT(w->always), "one more");
    memcpy(w->always, safe_headers, sizeof safe_headers);
    if (opt->hsts_seconds && opt->server.cert_file) {
        snprintf(w->hsts, sizeof w->hsts, "max-age=%" PRId64, opt->hsts_seconds);
        w->always[count++] = (struct http_header){ STR("Strict-Transport-Security"), str_from(w->hsts) };
    }
    return count;
}

bool web_open(const struct web_options *opt, struct web **out, struct err *e)
{
    struct web *w = xcalloc(1, sizeof *w);
    CLEANUP(arena_fini) struct arena a = { 0 };
    str key, public_id;
    w->opt = *opt;
    pthread_mutex_init(&w->change_lock, NULL);
    w->hub = stream_hub_new(opt->loop);
    w->refusals = refusals_new();
    w->workers = workers_new(API_THREADS);
    w->slow_workers = workers_new(SLOW_THREADS);
    w->flush_timer = loop_timer_new(opt->loop, flush, w);
    w->purge_timer = loop_timer_new(opt->loop, purge, w);
    loop_timer_set(w->flush_timer, FLUSH_MS, FLUSH_MS);
    loop_timer_set(w->purge_timer, PURGE_MS, PURGE_MS);
    struct http_server_options server = opt->server;
    server.on_head = on_head;
    server.on_request = on_request;
    server.ctx = w;
    server.always = w->always;
    server.always_count = fill_always(w, opt);
    bool ok = file_read(opt->admin_key_file, 4096, &a, &key, e);
    key = str_trim(key);
    if (ok && !token_read(TOKEN_MANAGEMENT, key, &public_id))
        ok = err_set(e, ERR_INVALID, "%s does not hold a management key (RXA-...): remove the file, and the next start writes a new one", opt->admin_key_file);
    if (ok)
        keyring_hash(opt->keyring, "token", key, w->admin_hash);
    w->hooks = ok ? hook_state_new(w, e) : NULL;
    w->octopus = octopus_cache_new();
    w->identity_checks = identity_checks_new();
    w->oidc = oidc_new();
    ok = w->hooks && identity_checks_load(w, e) && people_open(w, &w->people, e) && fetcher_open(opt->loop, opt->registry, &w->fetcher, e);
    if (!ok || !http_server_open(opt->loop, &server, &w->server, e)) {
        web_close(w);
        return false;
    }
    *out = w;
    return true;
}

int web_port(const struct web *w)
{
    return http_server_port(w->server);
}

void web_ready(struct web *w)
{
    __atomic_store_n(&w->is_ready, true, __ATOMIC_RELEASE);
}

void web_stop(struct web *w, int64_t grace_ms, void (*done)(void *ctx), void *ctx)
{
    stream_hub_close(w->hub);
    http_server_stop(w->server, grace_ms, done, ctx);
}

void web_close(struct web *w)
{
    if (!w)
        return;
    identity_checks_stop(w->identity_checks);
    fetcher_close(w->fetcher); // sends away who waits
    workers_free(w->slow_workers);
    workers_free(w->workers);
    fetcher_free(w->fetcher);
    identity_checks_free(w->identity_checks);
    people_close(w->people);
    octopus_cache_free(w->octopus);
    oidc_free(w->oidc);
    if (w->hooks)
        hook_flush_key_uses(w);
    hook_state_free(w, w->hooks);
    loop_timer_free(w->flush_timer);
    loop_timer_free(w->purge_timer);
    if (w->server)
        http_server_close(w->server);
    stream_hub_free(w->hub);
    refusals_free(w->refusals);
    pthread_mutex_destroy(&w->change_lock);
    free(w);
}

bool web_reload_tls(struct web *w, struct err *e)
{
    return http_server_reload_tls(w->server, e);
}

void web_note(struct web *w, const struct engine_note *note)
{
    stream_note(w->hub, note);
}
