// The witness: takes the scripts' calls on a thread of its own, posts, and gives the word to kill.
#include "app/prove.h"

#include "http/client.h"
#include "http/server.h"
#include "store/store.h"

#include <stdio.h>

#define BODY_BYTES 716           // of a MyGet "package added"
#define PHASE_PATIENCE_MS 20000  // a moment that does not come by then
#define AGAIN_PATIENCE_MS 60000
#define AGAIN_ROUNDS 5
#define MAX_IN_FLIGHT 256

const char *prove_phase_name(enum prove_phase p)
{
    static const char *const names[PROVE_PHASES] = { "accept", "claim", "script", "finish", "any" };
    return names[p];
}

void witness_object(struct witness *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pthread_mutex_lock(&w->lock);
    if (!w->violation[0])
        vsnprintf(w->violation, sizeof w->violation, fmt, args);
    pthread_mutex_unlock(&w->lock);
    va_end(args);
}

// ---- what scripts tell ----

static void kill_from_loop(void *ctx);
static void kill_soon_from_loop(void *ctx);

static bool read_call(struct http_request *r, int64_t *number, int64_t *reaction, str *key)
{
    struct json *j;
    return json_parse(r->arena, r->body, &j, NULL) && json_i64(json_get(j, STR("Number")), number) && json_i64(json_get(j, STR("Reaction")), reaction)
        && (*key = json_str(json_get(j, STR("Key")), STR(""))).n > 0 && key->n < sizeof((struct prove_post *)0)->key[0];
}

static void on_call(struct http_request *r, void *ctx)
{
    struct witness *w = ctx;
    int64_t number, reaction;
    str key;
    if (!read_call(r, &number, &reaction, &key)) {
        witness_object(w, "a script told something that no post said: %.*s", (int)MIN(r->body.n, (size_t)100), r->body.p);
        http_answer_error(r, 400, "not what a script of this proof says");
        return;
    }
    pthread_mutex_lock(&w->lock);
    if (number < 1 || number > w->sent || reaction < 0 || reaction >= PROVE_REACTIONS) {
        snprintf(w->violation, sizeof w->violation, "a script ran for post %" PRId64 " and reaction %" PRId64 ", which do not exist", number, reaction);
    } else {
        struct prove_post *post = &w->posts[number];
        if (post->executions[reaction]++ && !str_eq(str_from(post->key[reaction]), key))
            snprintf(w->violation, sizeof w->violation, "post %" PRId64 ": its script ran under two keys, %s and %.*s", number, post->key[reaction], STR_ARG(key));
        snprintf(post->key[reaction], sizeof post->key[reaction], "%.*s", STR_ARG(key));
        w->executed++;
        if (w->killer && w->executed >= w->armed_at) {
            // The script waits for our answer: killed at once, it is killed in its middle; soon, as it ends and is settled.
            loop_post(w->killer, w->armed == PROVE_SCRIPT ? kill_from_loop : kill_soon_from_loop, w);
            w->killer = NULL;
        }
    }
    pthread_mutex_unlock(&w->lock);
    http_answer(r, 200, NULL, 0, STR(""));
}

static void *witness_main(void *ctx)
{
    struct witness *w = ctx;
    loop_run(w->loop);
    return NULL;
}

bool witness_start(struct witness *w, struct err *e)
{
    struct http_server_options opt = { .listen = "127.0.0.1:0", .on_request = on_call, .ctx = w };
    pthread_mutex_init(&w->lock, NULL);
    w->posts = xcalloc(PROVE_MAX_POSTS + 1, sizeof *w->posts);
    if (!loop_open(&w->loop, e) || !http_server_open(w->loop, &opt, &w->server, e))
        return false;
    w->port = http_server_port(w->server);
    int status = pthread_create(&w->thread, NULL, witness_main, w);
    return !status || err_errno(e, status, "starting the witness");
}

void witness_stop(struct witness *w)
{
    if (w->thread) {
        loop_stop(w->loop);
        pthread_join(w->thread, NULL);
    }
    if (w->server)
        http_server_close(w->server);
    loop_close(w->loop);
    free(w->posts);
}

// ---- posting ----

struct sending {
    struct prove_sending *s;
    struct loop *loop;
    struct http_client *client;
    struct egress *egress;
    struct loop_timer *post_timer, *kill_timer, *patience;
    str url;
    int64_t in_flight, first, next_again;
    int64_t act_at; // the so-manieth post or answer at which the phase's moment comes
    bool is_killed, is_again, is_over;
};

struct in_flight {
    struct sending *sending;
    int64_t number;
};

// The one whose kill the witness's thread may ask for; there is one at a time.
static struct sending *current;

static void kill_now(struct sending *g)
{
    if (g->is_killed)
        return;
    g->is_killed = true;
    loop_timer_stop(g->post_timer);
    loop_timer_stop(g->patience);
    prove_server_kill(g->s->server);
    if (!g->in_flight)
        loop_stop(g->loop);
}

static void on_kill_timer(void *ctx)
{
    struct sending *g = ctx;
    g->s->was_in_phase = true;
    kill_now(g);
}

static void kill_from_loop(void *ctx UNUSED)
{
    if (current)
        on_kill_timer(current);
}

static void kill_soon_from_loop(void *ctx UNUSED)
{
    if (current && !current->is_killed)
        loop_timer_set(current->kill_timer, (int64_t)random_below(current->s->random, 5), 0);
}

static void on_patience(void *ctx)
{
    struct sending *g = ctx;
    if (!g->is_again) {
        kill_now(g);
        return;
    }
    g->is_over = true;
    loop_stop(g->loop);
}

static void note_answer(struct sending *g, int64_t number, const struct http_reply *reply)
{
    struct witness *w = g->s->witness;
    struct prove_post *post = &w->posts[number];
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j;
    int64_t id = 0;
    if (reply->status == 0 || reply->status == 503) {
        g->s->unanswered++; // not accepted, or nobody knows: the sender sends it again
        return;
    }
    if (reply->status != 202 || !json_parse(&a, reply->body, &j, NULL) || !store_id_parse(json_str(json_get(j, STR("EventId")), STR("")), KIND_EVENT, &id)) {
        witness_object(w, "post %" PRId64 " was answered %d: %.*s", number, reply->status, (int)MIN(reply->body.n, (size_t)120), reply->body.p);
        return;
    }
    g->s->acknowledged++;
    if (post->event_id && post->event_id != id)
        witness_object(w, "post %" PRId64 " was accepted as Events-%" PRId64 " and again as Events-%" PRId64, number, post->event_id, id);
    post->event_id = id;
}

static void post_number(struct sending *g, int64_t number);

// The next one without an answer; stops the loop when there is none and nothing is under way.
static void post_again(struct sending *g)
{
    struct witness *w = g->s->witness;
    while (g->next_again <= w->sent && w->posts[g->next_again].event_id)
        g->next_again++;
    if (g->next_again <= w->sent)
        post_number(g, g->next_again++);
    else if (!g->in_flight)
        loop_stop(g->loop);
}

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct in_flight *f = ctx;
    struct sending *g = f->sending;
    g->in_flight--;
    if (!g->is_over)
        note_answer(g, f->number, reply);
    free(f);
    if (g->is_over)
        return;
    if (g->is_again)
        post_again(g);
    else if (g->is_killed && !g->in_flight)
        loop_stop(g->loop);
    else if (!g->is_killed && g->s->phase == PROVE_CLAIM && g->s->acknowledged >= g->act_at)
        loop_timer_set(g->kill_timer, (int64_t)random_below(g->s->random, 6), 0);
}

static void post_number(struct sending *g, int64_t number)
{
    char body[BODY_BYTES + 1], key[32];
    int n = snprintf(body, sizeof body, "{\"Number\":%" PRId64 ",\"Padding\":\"", number);
    memset(body + n, 'x', sizeof body - (size_t)n);
    memcpy(body + BODY_BYTES - 2, "\"}", 2);
    snprintf(key, sizeof key, "prove-%" PRId64, number);
    struct http_header headers[] = { { STR("X-Octopus-ApiKey"), g->s->key }, { STR("Content-Type"), STR("application/json") }, { STR("Idempotency-Key"), str_from(key) } };
    struct http_call_options what = { .method = STR("POST"), .url = g->url, .headers = headers, .header_count = COUNT(headers), .body = { body, BODY_BYTES }, .purpose = EGRESS_TEST };
    struct in_flight *f = xmalloc(sizeof *f);
    *f = (struct in_flight){ g, number };
    g->in_flight++;
    http_call_start(g->client, &what, on_reply, f);
}

static void post_new(struct sending *g)
{
    struct witness *w = g->s->witness;
    if (w->sent >= PROVE_MAX_POSTS || g->in_flight >= MAX_IN_FLIGHT)
        return;
    pthread_mutex_lock(&w->lock);
    int64_t number = ++w->sent;
    pthread_mutex_unlock(&w->lock);
    g->s->sent++;
    post_number(g, number);
}

static void on_post_timer(void *ctx)
{
    struct sending *g = ctx;
    post_new(g);
    if (g->s->phase != PROVE_ACCEPT || g->s->sent < g->act_at)
        return;
    // Many at once, and the end while they are read, stored and answered.
    for (int i = 0; i < 32; i++)
        post_new(g);
    loop_timer_stop(g->post_timer);
    loop_timer_set(g->kill_timer, (int64_t)random_below(g->s->random, 4), 0);
}

static const struct egress *loopback_only(void *ctx)
{
    return ctx;
}

static bool sending_begin(struct sending *g, struct arena *a, struct err *e)
{
    static const str loopback[] = { STR_INIT("127.0.0.0/8") };
    if (!egress_new(loopback, 1, &g->egress, e) || !loop_open(&g->loop, e))
        return false;
    struct http_client_options opt = { .loop = g->loop, .egress = loopback_only, .egress_ctx = g->egress, .user_agent = "reactions-prove", .max_per_host = 64 };
    if (!http_client_open(&opt, &g->client, e))
        return false;
    g->url = arena_printf(a, "%.*s/triggers/prove", STR_ARG(g->s->server->url));
    g->post_timer = loop_timer_new(g->loop, on_post_timer, g);
    g->kill_timer = loop_timer_new(g->loop, on_kill_timer, g);
    g->patience = loop_timer_new(g->loop, on_patience, g);
    g->s->sent = g->s->acknowledged = g->s->unanswered = 0;
    return true;
}

static void sending_end(struct sending *g)
{
    g->is_over = true;
    loop_timer_free(g->post_timer);
    loop_timer_free(g->kill_timer);
    loop_timer_free(g->patience);
    if (g->client)
        http_client_close(g->client);
    loop_close(g->loop);
    egress_free(g->egress);
}

static void arm(struct witness *w, struct loop *killer, enum prove_phase phase, int64_t after)
{
    pthread_mutex_lock(&w->lock);
    w->killer = killer;
    w->armed = phase;
    w->armed_at = w->executed + after;
    pthread_mutex_unlock(&w->lock);
}

bool prove_send_and_kill(struct prove_sending *s, struct err *e)
{
    struct sending g = { .s = s };
    CLEANUP(arena_fini) struct arena a = { 0 };
    bool ok = sending_begin(&g, &a, e);
    if (ok) {
        g.act_at = 1 + (int64_t)random_below(s->random, (uint64_t)s->rate * 3 / 2 + 1);
        s->was_in_phase = false;
        current = &g;
        loop_timer_set(g.post_timer, 0, MAX(1000 / s->rate, 1));
        loop_timer_set(g.patience, PHASE_PATIENCE_MS, 0);
        if (s->phase == PROVE_ANY)
            loop_timer_set(g.kill_timer, (int64_t)random_below(s->random, 2000), 0);
        if (s->phase == PROVE_SCRIPT || s->phase == PROVE_FINISH)
            arm(s->witness, g.loop, s->phase, g.act_at);
        loop_run(g.loop);
        arm(s->witness, NULL, PROVE_ANY, 0);
        current = NULL;
    }
    prove_server_kill(s->server);
    sending_end(&g);
    return ok;
}

static bool send_again_once(struct prove_sending *s, struct err *e)
{
    struct sending g = { .s = s, .is_again = true, .next_again = 1 };
    CLEANUP(arena_fini) struct arena a = { 0 };
    bool ok = sending_begin(&g, &a, e);
    if (ok) {
        loop_timer_set(g.patience, AGAIN_PATIENCE_MS, 0);
        for (int i = 0; i < 16 && g.next_again <= s->witness->sent; i++)
            post_again(&g);
        if (g.in_flight)
            loop_run(g.loop);
    }
    s->unanswered += g.in_flight;
    sending_end(&g);
    return ok;
}

bool prove_send_again(struct prove_sending *s, struct err *e)
{
    int64_t acknowledged = 0;
    // A full queue answers 503 and asks to come again.
    for (int round = 0; round < AGAIN_ROUNDS; round++) {
        if (!send_again_once(s, e))
            return false;
        s->acknowledged = acknowledged += s->acknowledged;
        if (!s->unanswered)
            return true;
    }
    return err_set(e, ERR_TIMEOUT, "the restarted server left %" PRId64 " posts without an answer", s->unanswered);
}
