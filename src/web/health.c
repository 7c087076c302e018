// /healthz, /readyz and /metrics: for those who keep the server running.
#include "web/handle.h"

static void answer_text(struct http_request *r, int status, const char *type, str body)
{
    struct http_header headers[] = { { STR("Content-Type"), str_from(type) }, { STR("Cache-Control"), STR("no-store") } };
    http_answer(r, status, headers, COUNT(headers), body);
}

static void metric(struct buf *b, const char *name, const char *type, const char *help, int64_t value)
{
    buf_printf(b, "# HELP reactions_%s %s\n# TYPE reactions_%s %s\nreactions_%s %" PRId64 "\n", name, help, name, type, name, value);
}

static void metrics(struct web *w, struct http_request *r)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    struct store_stats store = store_stats(w->opt.store);
    struct engine_stats engine = engine_stats(w->opt.engine);
    struct http_server_stats http = http_server_stats(w->server);
    metric(&b, "events_accepted_total", "counter", "Events accepted by triggers.", __atomic_load_n(&w->accepted, __ATOMIC_RELAXED));
    metric(&b, "events_duplicate_total", "counter", "Deliveries recognised as duplicates.", __atomic_load_n(&w->duplicates, __ATOMIC_RELAXED));
    metric(&b, "hooks_refused_total", "counter", "Requests to /triggers that were refused.", __atomic_load_n(&w->refused, __ATOMIC_RELAXED));
    metric(&b, "handshakes_total", "counter", "Handshakes of senders that were answered.", __atomic_load_n(&w->handshakes, __ATOMIC_RELAXED));
    metric(&b, "events_matched_total", "counter", "Events offered to their reactions.", (int64_t)engine.matched_events);
    metric(&b, "attempts_started_total", "counter", "Attempts started.", (int64_t)engine.started);
    metric(&b, "runs_succeeded_total", "counter", "Runs that succeeded.", (int64_t)engine.succeeded);
    metric(&b, "runs_failed_total", "counter", "Runs that failed, were interrupted or dead-lettered.", (int64_t)engine.failed);
    metric(&b, "store_commits_total", "counter", "Transactions committed and synced.", (int64_t)store.commits);
    metric(&b, "store_failed_commits_total", "counter", "Transactions that failed.", (int64_t)store.failed_commits);
    metric(&b, "store_queued_requests", "gauge", "Accepted requests waiting for a commit.", store.queued_requests);
    metric(&b, "store_wal_bytes", "gauge", "Bytes of the write-ahead log.", store.wal_bytes);
    metric(&b, "store_database_bytes", "gauge", "Bytes of the database file.", store.database_bytes);
    metric(&b, "http_requests_total", "counter", "HTTP requests.", (int64_t)http.requests);
    metric(&b, "http_connections", "gauge", "Open HTTP connections.", (int64_t)http.open_connections);
    answer_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
}

void health_handle(struct web *w, struct http_request *r)
{
    bool is_ready = __atomic_load_n(&w->is_ready, __ATOMIC_ACQUIRE);
    if (str_eq(r->path, STR("/healthz"))) {
        answer_text(r, is_ready ? 200 : 503, "text/plain", is_ready ? STR("ok\n") : STR("starting\n"));
        return;
    }
    if (!is_ready) {
        answer_text(r, 503, "text/plain", STR("starting\n"));
        return;
    }
    if (str_eq(r->path, STR("/metrics"))) {
        metrics(w, r);
        return;
    }
    CLEANUP(buf_fini) struct buf b = { 0 };
    struct script_capabilities scripts = engine_script_capabilities(w->opt.engine);
    struct store_stats store = store_stats(w->opt.store);
    bool takes_events = store_is_accepting(w->opt.store);
    buf_printf(&b, "store: %s\n", takes_events ? "ok" : store.last_error[0] ? store.last_error : "the queue is full");
    buf_printf(&b, "scripts: %s\n", scripts.is_available ? "ok" : scripts.missing);
    answer_text(r, takes_events && scripts.is_available ? 200 : 503, "text/plain", buf_str(&b));
}
