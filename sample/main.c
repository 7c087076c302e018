// octopus-sample - a sample Octopus server: enough of the API for clients, tests and demonstrations.

#include "sample/data.h"
#include "sample/push.h"
#include "sample/receivers.h"
#include "sample/routes.h"
#include "sample/tasks.h"

#include "sys/random.h"

#include <signal.h>
#include <stdio.h>

#define BODY_BYTES_MAX (25 * 1024 * 1024)
#define STOP_GRACE_MS 1000

struct options {
    const char *listen, *api_key, *data, *fail;
    uint64_t seed;
    bool has_seed;
};

static const char usage[] =
    "usage: octopus-sample --listen ADDR:PORT --api-key KEY [--data DIR] [--fail KIND] [--seed N]\n"
    "\n"
    "A sample Octopus server. Prints its URL on standard output once it listens; port 0 draws one.\n"
    "\n"
    "  --api-key KEY  the administrator's key; further accounts have KEY-READER, KEY-BOT, KEY-LIMITED,\n"
    "                 KEY-REACTIONS, KEY-ALICE, KEY-TEAMCITY and KEY-NONE\n"
    "  --data DIR     keeps everything there and finds it again; without it all is in memory\n"
    "  --fail KIND    the adversary: late, backwards, id-gaps, shift, duplicates, 429, 5xx, hang, cut, all;\n"
    "                 several by commas, each may have a probability as in 429=0.5\n"
    "  --seed N       the adversary's seed (drawn and printed otherwise)\n";

static bool read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){ 0 };
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(name, "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (!value) {
            fprintf(stderr, "octopus-sample: %s needs a value\n", name);
            return false;
        }
        i++;
        if (strcmp(name, "--listen") == 0) {
            o->listen = value;
        } else if (strcmp(name, "--api-key") == 0) {
            o->api_key = value;
        } else if (strcmp(name, "--data") == 0) {
            o->data = value;
        } else if (strcmp(name, "--fail") == 0) {
            o->fail = value;
        } else if (strcmp(name, "--seed") == 0) {
            o->has_seed = str_to_u64(str_from(value), &o->seed);
            if (!o->has_seed) {
                fprintf(stderr, "octopus-sample: --seed: '%s' is not a number\n", value);
                return false;
            }
        } else {
            fprintf(stderr, "octopus-sample: unknown option %s\n", name);
            return false;
        }
    }
    if (!o->listen || !o->api_key || !*o->api_key)
        fprintf(stderr, "octopus-sample: --listen and --api-key are needed\n");
    return o->listen && o->api_key && *o->api_key;
}

static bool replay(void *ctx, struct arena *a UNUSED, const struct json *line, struct err *e)
{
    struct sample *s = ctx;

    return json_get(line, STR("Event")) ? event_log_replay(s->events, line, e) : model_replay(s->model, line, e);
}

static void dump_line(void *ctx, str text)
{
    journal_append(ctx, text);
}

static void dump(void *ctx, struct journal *j)
{
    struct sample *s = ctx;

    model_dump(s->model, dump_line, j);
    event_log_dump(s->events, j);
}

static bool load(struct sample *s, const struct options *o, struct err *e)
{
    bool is_new = true;

    if (o->data && !journal_open(o->data, replay, s, &is_new, &s->journal, e))
        return false;
    if (is_new && !data_load(s, e))
        return false;
    data_derive_keys(s);
    if (!s->journal)
        return true;
    if (!journal_rewrite(s->journal, dump, s, e))
        return false;
    model_set_journal(s->model, s->journal);
    event_log_set_journal(s->events, s->journal);
    return true;
}

static void on_request(struct http_request *r, void *ctx)
{
    struct call *c = arena_alloc(r->arena, sizeof *c);

    if (call_begin(c, ctx, r))
        routes_handle(c);
}

static void on_stopped(void *ctx)
{
    loop_stop(ctx);
}

struct stopping {
    struct http_server *server;
    struct loop *loop;
    bool is_asked;
};

static void on_signal(void *ctx, int signal_number UNUSED)
{
    struct stopping *stopping = ctx;

    if (stopping->is_asked)
        return;
    stopping->is_asked = true;
    http_server_stop(stopping->server, STOP_GRACE_MS, on_stopped, stopping->loop);
}

// The URL others reach the sample by: a wildcard address is reached at loopback.
static char *url_of(const char *listen, int port)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str text = str_from(listen);
    ptrdiff_t colon = str_find_last_char(text, ':');
    str host = colon > 0 ? str_sub(text, 0, (size_t)colon) : text;

    if (str_eq(host, STR("*")) || str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("[::]")))
        host = STR("127.0.0.1");
    return xstrdup(arena_printf(&a, "http://%.*s:%d", STR_ARG(host), port).p);
}

static bool serve(struct sample *s, const struct options *o, struct err *e)
{
    struct http_server_options http = { .listen = o->listen, .max_body_bytes = BODY_BYTES_MAX, .on_request = on_request, .ctx = s, .server_name = "octopus-sample" };
    struct stopping stopping = { .loop = s->loop };

    s->tasks = tasks_new(s);
    if (!load(s, o, e) || !push_new(s, &s->push, e) || !http_server_open(s->loop, &http, &stopping.server, e))
        return false;
    free(s->base_url);
    s->base_url = url_of(o->listen, http_server_port(stopping.server));
    tasks_resume(s->tasks);
    if (!loop_on_signal(s->loop, SIGINT, on_signal, &stopping, e) || !loop_on_signal(s->loop, SIGTERM, on_signal, &stopping, e))
        return false;
    if (o->fail)
        printf("%s (adversary: %s, seed %" PRIu64 ")\n", s->base_url, o->fail, faults_seed(s->faults));
    else
        printf("%s\n", s->base_url);
    fflush(stdout);
    loop_run(s->loop);
    http_server_close(stopping.server);
    return true;
}

static void sample_fini(struct sample *s)
{
    push_free(s->push);
    tasks_free(s->tasks);
    if (s->loop)
        loop_close(s->loop);
    receivers_free(s->receivers);
    faults_free(s->faults);
    event_log_free(s->events);
    model_free(s->model);
    journal_close(s->journal);
    free(s->base_url);
    free(s->api_key);
}

int main(int argc, char **argv)
{
    struct options o;
    CLEANUP(sample_fini) struct sample s = { .clock = &clock_system, .timing = { .queue_ms = 500, .run_ms = 2500, .health_ms = 1500, .push_ms = 2000 } };
    struct err e;

    if (!read_options(argc, argv, &o))
        return 2;
    s.api_key = xstrdup(o.api_key);
    s.base_url = xstrdup("");
    s.model = model_new();
    s.events = event_log_new();
    s.receivers = receivers_new(&s);
    s.faults = faults_new(o.has_seed ? o.seed : random_u64(&random_system) >> 16);
    if (o.fail && !faults_set(s.faults, str_from(o.fail), &e)) {
        fprintf(stderr, "octopus-sample: --fail: %s\n", e.text);
        return 2;
    }
    if (loop_open(&s.loop, &e) && serve(&s, &o, &e))
        return 0;
    fprintf(stderr, "octopus-sample: %s\n", e.text);
    return 1;
}
