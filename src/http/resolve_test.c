#include "http/resolve.h"

#include "tests/harness/check.h"

#include <pthread.h>
#include <unistd.h>

// A resolver of names whose answers are held back until the gate opens.
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    int asked;
};

static bool lookup(void *ctx, const char *host, struct ip *out, size_t *count, struct err *e)
{
    struct gate *g = ctx;
    pthread_mutex_lock(&g->lock);
    g->asked++;
    pthread_cond_broadcast(&g->changed);
    while (!g->is_open)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
    if (strncmp(host, "no", 2) == 0)
        return err_set(e, ERR_IO, "%s is unknown", host);
    out[0] = ip_from_v4(0x7f000001);
    out[1] = ip_from_v4((uint32_t)strlen(host));
    *count = 2;
    return true;
}

static void gate_set(struct gate *g, bool is_open)
{
    pthread_mutex_lock(&g->lock);
    g->is_open = is_open;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void gate_wait(struct gate *g, int asked)
{
    pthread_mutex_lock(&g->lock);
    while (g->asked < asked)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static int gate_asked(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    int n = g->asked;
    pthread_mutex_unlock(&g->lock);
    return n;
}

// Never freed: a thread of the resolver may still stand in lookup when its test is over.
static struct gate gates[16];
static size_t gate_count;

struct fixture {
    struct gate *gate;
    struct loop *loop;
    struct resolver *resolver;
    int done, good, left;
    uint32_t last;
    struct err error;
};

static void fixture_init(struct fixture *f, int64_t keep_ms)
{
    struct err e;
    alarm(60);
    *f = (struct fixture){ 0 };
    f->gate = &gates[gate_count++];
    pthread_mutex_init(&f->gate->lock, NULL);
    pthread_cond_init(&f->gate->changed, NULL);
    REQUIRE("a loop", loop_open(&f->loop, &e));
    f->resolver = resolver_new(&(struct resolver_options){ .loop = f->loop, .lookup = lookup, .lookup_ctx = f->gate, .keep_ms = keep_ms });
}

static void fixture_fini(struct fixture *f)
{
    gate_set(f->gate, true);
    resolver_free(f->resolver);
    loop_close(f->loop);
    alarm(0);
}

static void on_done(void *ctx, const struct ip *ips, size_t count, const struct err *e)
{
    struct fixture *f = ctx;
    f->done++;
    f->good += count == 2;
    f->last = count == 2 ? ip_v4(&ips[1]) : 0;
    f->error = *e;
    if (f->done == f->left)
        loop_stop(f->loop);
}

static void run_until(struct fixture *f, int done)
{
    f->left = done;
    while (f->done < done)
        loop_run(f->loop);
}

TEST(one_question_serves_all_who_wait)
{
    struct fixture f;
    fixture_init(&f, 60000);
    for (int i = 0; i < 100; i++)
        resolve_start(f.resolver, STR("one.test"), on_done, &f);
    CHECK_INT("nobody is told before start returns", f.done, 0);
    gate_wait(f.gate, 1);
    gate_set(f.gate, true);
    run_until(&f, 100);
    CHECK_INT("each hears the addresses", f.good, 100);
    CHECK_INT("of its name", f.last, 8);
    CHECK_INT("after one question", gate_asked(f.gate), 1);
    resolve_start(f.resolver, STR("one.test"), on_done, &f);
    CHECK_INT("an answer from memory comes later too", f.done, 100);
    run_until(&f, 101);
    CHECK_INT("without another question", gate_asked(f.gate), 1);
    resolve_start(f.resolver, STR("other.test"), on_done, &f);
    run_until(&f, 102);
    CHECK_INT("another name is another question", gate_asked(f.gate), 2);
    CHECK_INT("with its own answer", f.last, 10);
    fixture_fini(&f);
}

TEST(failures_are_told_and_not_kept)
{
    struct fixture f;
    fixture_init(&f, 60000);
    gate_set(f.gate, true);
    for (int i = 1; i <= 3; i++) {
        resolve_start(f.resolver, STR("no.test"), on_done, &f);
        run_until(&f, i);
        CHECK_TEXT("the reason is told", f.error.text, "no.test is unknown");
        CHECK_INT("and asked anew each time", gate_asked(f.gate), i);
    }
    fixture_fini(&f);
}

TEST(nothing_is_kept_where_so_configured)
{
    struct fixture f;
    fixture_init(&f, -1);
    gate_set(f.gate, true);
    for (int i = 1; i <= 3; i++) {
        resolve_start(f.resolver, STR("one.test"), on_done, &f);
        run_until(&f, i);
        CHECK_INT("each time a question", gate_asked(f.gate), i);
    }
    fixture_fini(&f);
}

TEST(who_cancels_hears_nothing)
{
    struct fixture f;
    fixture_init(&f, 60000);
    struct resolve_wait *w[5];
    for (int i = 0; i < 5; i++)
        w[i] = resolve_start(f.resolver, STR("one.test"), on_done, &f);
    resolve_cancel(w[0]);
    resolve_cancel(w[2]);
    resolve_cancel(w[4]);
    resolve_cancel(NULL);
    gate_set(f.gate, true);
    run_until(&f, 2);
    CHECK_INT("the others do", f.good, 2);
    w[0] = resolve_start(f.resolver, STR("one.test"), on_done, &f); // from memory, not yet told
    w[1] = resolve_start(f.resolver, STR("one.test"), on_done, &f);
    resolve_cancel(w[0]);
    run_until(&f, 3);
    CHECK_INT("also where the answer was known", f.done, 3);
    fixture_fini(&f);
}

TEST(a_stuck_question_holds_nobody_up)
{
    struct fixture f;
    fixture_init(&f, 60000);
    resolve_start(f.resolver, STR("stuck.test"), on_done, &f);
    for (int i = 0; i < 50; i++) {
        char host[32];
        snprintf(host, sizeof host, "queued-%d.test", i);
        resolve_start(f.resolver, str_from(host), on_done, &f);
    }
    gate_wait(f.gate, 1);
    resolver_free(f.resolver); // returns though the system still thinks
    f.resolver = NULL;
    gate_set(f.gate, true);
    CHECK_INT("and nobody is told any more", f.done, 0);
    fixture_fini(&f);
}

TEST(the_system_is_asked_by_default)
{
    struct fixture f;
    fixture_init(&f, 60000);
    resolver_free(f.resolver);
    f.resolver = resolver_new(&(struct resolver_options){ .loop = f.loop });
    f.left = 1;
    resolve_start(f.resolver, STR("localhost"), on_done, &f);
    run_until(&f, 1);
    CHECK_INT("localhost has an address", f.error.kind, ERR_NONE);
    fixture_fini(&f);
}

TEST_MAIN()
