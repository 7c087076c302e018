// HTTP actions from their run in the store to its end there, against a target on the loopback that misbehaves on demand.
#include "reaction/run_http.h"

#include "tests/http/peer.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define PATIENCE_S 20 // only a failing test needs it
#define NOW INT64_C(1763830000000)

// ---- the target ----

struct target {
    struct peer peer;
    int got, held; // on the peer's thread
    struct http_request *hanging[200];
    char bomb[8192];
    size_t bomb_n;
};

static void make_bomb(struct target *t)
{
    z_stream z = { 0 };
    size_t n = 4 << 20;
    char *zeros = xcalloc(1, n);
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    z.next_in = (unsigned char *)zeros;
    z.avail_in = (unsigned)n;
    z.next_out = (unsigned char *)t->bomb;
    z.avail_out = sizeof t->bomb;
    REQUIRE("4 MB of nothing are a few kilobytes", deflate(&z, Z_FINISH) == Z_STREAM_END);
    t->bomb_n = z.total_out;
    deflateEnd(&z);
    free(zeros);
}

static void echo(struct http_request *r)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    buf_printf(&b, "%.*s %.*s\n", STR_ARG(r->method), STR_ARG(r->target));
    for (size_t i = 0; i < r->header_count; i++)
        buf_printf(&b, "%.*s: %.*s\n", STR_ARG(r->headers[i].name), STR_ARG(r->headers[i].value));
    buf_add_char(&b, '\n');
    buf_add(&b, r->body);
    http_answer(r, 200, &(struct http_header){ STR("X-Said"), STR("yes") }, 1, buf_str(&b));
}

static void on_request(struct http_request *r, void *ctx)
{
    struct target *t = ctx;
    static const struct http_header later = { STR_INIT("Retry-After"), STR_INIT("7200") }, far = { STR_INIT("Retry-After"), STR_INIT("9999999") },
                                    date = { STR_INIT("Retry-After"), STR_INIT("Sat, 22 Nov 2025 18:46:40 GMT") }, gzip = { STR_INIT("Content-Encoding"), STR_INIT("gzip") },
                                    elsewhere = { STR_INIT("Location"), STR_INIT("/ok") };
    static const char large[5 << 20];
    int64_t status;
    __atomic_add_fetch(&t->got, 1, __ATOMIC_SEQ_CST);
    if (str_eq(r->path, STR("/echo")))
        echo(r);
    else if (str_eq(r->path, STR("/hang")))
        t->hanging[t->held++] = r;
    else if (str_eq(r->path, STR("/reset")))
        http_abort(r);
    else if (str_eq(r->path, STR("/bomb")))
        http_answer(r, 200, &gzip, 1, (str){ t->bomb, t->bomb_n });
    else if (str_eq(r->path, STR("/large")))
        http_answer(r, 200, NULL, 0, (str){ large, sizeof large });
    else if (str_eq(r->path, STR("/later")))
        http_answer(r, 429, &later, 1, STR(""));
    else if (str_eq(r->path, STR("/date")))
        http_answer(r, 503, &date, 1, STR(""));
    else if (str_eq(r->path, STR("/far")))
        http_answer(r, 429, &far, 1, STR(""));
    else if (str_eq(r->path, STR("/redirect")))
        http_answer(r, 302, &elsewhere, 1, STR(""));
    else if (str_to_i64(str_skip(r->path, 1), &status))
        http_answer(r, (int)status, NULL, 0, STR("said"));
    else
        http_answer(r, 200, NULL, 0, STR("ok"));
}

static void target_start(struct target *t)
{
    *t = (struct target){ 0 };
    make_bomb(t);
    peer_start(&t->peer, (struct http_server_options){ .on_request = on_request, .ctx = t });
}

static void let_go(void *ctx)
{
    struct target *t = ctx;
    for (int i = 0; i < t->held; i++)
        http_abort(t->hanging[i]);
    t->held = 0;
}

static void target_stop(struct target *t)
{
    peer_ask(&t->peer, let_go, t);
    peer_stop(&t->peer);
}

struct count_question {
    struct target *t;
    int want;
};

static bool has_held(void *ctx)
{
    struct count_question *q = ctx;
    return q->t->held == q->want;
}

static bool holds(struct target *t, int want)
{
    return peer_until(&t->peer, has_held, &(struct count_question){ t, want });
}

// ---- a server's inside ----

struct fixture {
    struct arena arena;
    struct clock_fake clock;
    struct random_seeded random;
    struct keyring *keyring;
    struct store *store;
    struct registry *registry;
    struct engine *engine;
    char dir[64];
    int64_t reaction_id, revision_id, event_id;
    pthread_mutex_t lock;
    pthread_cond_t noted;
};

static void on_note(void *ctx, const struct engine_note *note UNUSED)
{
    struct fixture *f = ctx;
    pthread_mutex_lock(&f->lock);
    pthread_cond_broadcast(&f->noted);
    pthread_mutex_unlock(&f->lock);
}

static void put(struct fixture *f, enum store_kind kind, int64_t *id, int64_t parent, const char *doc)
{
    struct err e = { 0 };
    CHECK_OK("an id", store_reserve_id(f->store, kind, id, &e), &e);
    struct store_put p = { .object = { .kind = kind, .id = *id, .space_id = kind == KIND_SPACE ? 0 : 1, .parent_id = parent, .doc = str_from(doc) } };
    if (!CHECK_OK("an object is stored", store_change(f->store, &p, 1, NULL, 0, &e), &e))
        fail();
}

static void stop_loop(void *ctx, const struct accept_result *results, size_t count UNUSED, const struct err *e UNUSED)
{
    void **pair = ctx;
    *(int64_t *)pair[1] = results ? results[0].event_id : 0;
    loop_stop(pair[0]);
}

static void accept_event(struct fixture *f, const char *payload)
{
    struct loop *loop;
    struct err e = { 0 };
    REQUIRE("a loop opens", loop_open(&loop, &e));
    void *pair[] = { loop, &f->event_id };
    // Of a type no reaction here asks for: the runs are made by hand.
    struct store_accept item = { .event = { .space_id = 1, .source = EVENT_INTERNAL, .connection_id = 1, .type = STR("LoginSucceeded"), .octopus_event_id = STR("Events-1"), .occurred_ms = NOW, .received_ms = NOW,
                                            .payload_kind = STR("json"), .body = str_from(payload) } };
    REQUIRE("the event is queued", store_accept(f->store, loop, &item, 1, NULL, stop_loop, pair, &e));
    loop_run(loop);
    loop_close(loop);
    REQUIRE("the event is stored", f->event_id > 0);
}

static void start_engine(struct fixture *f)
{
    struct err e = { 0 };
    struct engine_options opt = {
        .store = f->store, .registry = f->registry, .keyring = f->keyring, .clock = &f->clock.clock, .random = &random_system, .node = "test", .data_dir = f->dir,
        .scripts = { .work_dir = f->dir }, .note = on_note, .note_ctx = f,
    };
    if (!CHECK_OK("the engine starts", engine_start(&opt, &f->engine, &e), &e))
        fail();
}

// The reaction's fields beside Name and Trigger; %d in it is the target's port.
static void begin(struct fixture *f, const struct target *t, const char *fields)
{
    unsigned char key[KEYRING_KEY_BYTES] = { 1 };
    struct err e = { 0 };
    str allow = STR("127.0.0.1/32");
    *f = (struct fixture){ .lock = PTHREAD_MUTEX_INITIALIZER, .noted = PTHREAD_COND_INITIALIZER };
    alarm(240);
    snprintf(f->dir, sizeof f->dir, "/tmp/run_http_test.XXXXXX");
    REQUIRE("a folder", mkdtemp(f->dir) != NULL);
    clock_fake_init(&f->clock, NOW);
    f->keyring = keyring_from_bytes(key, &random_system);
    REQUIRE("the store opens", store_open(&(struct store_options){ .clock = &f->clock.clock }, &f->store, &e));
    int64_t space;
    put(f, KIND_SPACE, &space, 0, "{\"Name\":\"Default\"}");
    // The definition as it is saved: decoded, written, its secrets sealed.
    struct arena *a = &f->arena;
    struct decode_errors errors = { .arena = a };
    struct json *doc;
    CLEANUP(buf_fini) struct buf text = { 0 };
    buf_add_text(&text, "{\"Name\":\"r\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentFailed\"]},");
    for (const char *p = fields; *p; p++)
        if (p[0] == '%' && p[1] == 'd' && p++)
            buf_printf(&text, "%d", t->peer.port);
        else
            buf_add_char(&text, *p);
    buf_add_text(&text, "}");
    REQUIRE("the reaction is JSON", json_parse(a, arena_str(a, buf_str(&text)), &doc, &e));
    struct reaction *def = reaction_decode(a, doc, &errors);
    if (!CHECK_INT("the reaction is one", errors.count, 0)) {
        fprintf(stderr, "%.*s\n", STR_ARG(errors.items[0]));
        fail();
    }
    struct json *definition = reaction_to_json(def, a);
    REQUIRE("an id", store_reserve_id(f->store, KIND_REACTION, &f->reaction_id, &e));
    sealed_store(KIND_REVISION, f->reaction_id, definition, NULL, f->keyring, a, &errors);
    put(f, KIND_REVISION, &f->revision_id, f->reaction_id, arena_printf(a, "{\"Number\":1,\"Hash\":\"h\",\"Definition\":%.*s}", STR_ARG(json_text(a, definition))).p);
    struct store_put reaction = { .object = { .kind = KIND_REACTION, .id = f->reaction_id, .space_id = 1, .slug = STR("r"),
                                              .doc = arena_printf(a, "{\"ActiveRevisionId\":%" PRId64 ",\"LatestNumber\":1,\"Name\":\"r\",\"Enabled\":true,\"Paused\":false}", f->revision_id) } };
    REQUIRE("the reaction is stored", store_change(f->store, &reaction, 1, NULL, 0, &e));
    REQUIRE("the configuration loads", registry_open(&(struct registry_options){ f->store, f->keyring, &allow, 1 }, &f->registry, &e));
    accept_event(f, "{\"V\":\"a \\\"quoted\\\" text\",\"Path\":\"ok\"}");
    start_engine(f);
}

static void finish(struct fixture *f)
{
    engine_stop(f->engine, 0);
    registry_close(f->registry);
    store_close(f->store);
    keyring_close(f->keyring);
    arena_fini(&f->arena);
    CHECK_INT("the folder for workers is empty", rmdir(f->dir), 0);
    alarm(0);
}

static int64_t add_run(struct fixture *f)
{
    struct err e = { 0 };
    int64_t id = 0;
    struct store_run run = { .space_id = 1, .reaction_id = f->reaction_id, .revision_id = f->revision_id, .revision_number = 1, .revision_hash = STR("h"), .event_id = f->event_id,
                             .key = STR("0b5e0c1e-7d7e-4c63-9d5c-1a2b3c4d5e6f"), .state = RUN_QUEUED, .queued_ms = NOW, .due_ms = NOW, .is_repeatable = true };
    if (!CHECK_OK("a run is queued", store_run_add(f->store, &run, 1, &id, &e), &e))
        fail();
    engine_runs_changed(f->engine);
    return id;
}

static struct store_run *get_run(struct fixture *f, int64_t id)
{
    struct store_run *run = NULL;
    struct err e = { 0 };
    REQUIRE("the run can be read", store_run_get(f->store, 0, id, &f->arena, &run, &e) && run);
    return run;
}

// Until the run has made `attempts` and none is under way.
static struct store_run *wait_for(struct fixture *f, int64_t id, int64_t attempts)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&f->lock);
    struct store_run *run;
    for (int status = 0;;) {
        run = get_run(f, id);
        if (status || (run->attempts >= attempts && run->state != RUN_RUNNING && run->state != RUN_QUEUED))
            break;
        status = pthread_cond_timedwait(&f->noted, &f->lock, &until);
    }
    pthread_mutex_unlock(&f->lock);
    return run;
}

static bool wait_until_running(struct fixture *f, int64_t id)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&f->lock);
    bool is_running = false;
    for (int status = 0; !is_running && !status;) {
        is_running = get_run(f, id)->state == RUN_RUNNING;
        if (!is_running)
            status = pthread_cond_timedwait(&f->noted, &f->lock, &until);
    }
    pthread_mutex_unlock(&f->lock);
    return is_running;
}

static struct store_attempt *attempt(struct fixture *f, int64_t run_id, int64_t number)
{
    static struct store_attempt none;
    struct store_attempts all;
    struct err e = { 0 };
    if (store_attempt_list(f->store, run_id, &f->arena, &all, &e))
        for (size_t i = 0; i < all.count; i++)
            if (all.items[i].number == number)
                return &all.items[i];
    return &none;
}

static struct json *attempt_doc(struct fixture *f, int64_t run_id)
{
    struct json *doc = NULL;
    struct err e = { 0 };
    struct store_attempt *at = attempt(f, run_id, 1);
    REQUIRE("the attempt's document is JSON", at->doc.n && json_parse(&f->arena, at->doc, &doc, &e));
    return doc;
}

static str text_at(const struct json *doc, const char *pointer)
{
    return json_str(json_pointer(doc, str_from(pointer)), STR("(none)"));
}

// ---- what targets do ----

#define WAIT_60S "\"Retry\":{\"Schedule\":[60]}"

TEST(what_targets_do_and_what_becomes_of_the_run)
{
    static const struct {
        const char *claim, *fields;
        enum run_state state;
        enum attempt_outcome outcome;
        int64_t due_from_s, due_to_s; // of the next attempt
        int requests;
        const char *error;
    } rows[] = {
        { "200 succeeds", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/#{Payload.Path}\"}", RUN_SUCCEEDED, ATTEMPT_SUCCEEDED, 0, 0, 1, "" },
        { "204 succeeds", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/204\"}", RUN_SUCCEEDED, ATTEMPT_SUCCEEDED, 0, 0, 1, "" },
        { "404 fails", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/404\"}", RUN_FAILED, ATTEMPT_FAILED, 0, 0, 1, "answered 404" },
        { "404 succeeds where it is listed", "\"Action\":{\"Type\":\"Http\",\"SuccessStatus\":\"200-299,404\",\"Uri\":\"http://127.0.0.1:%d/404\"}", RUN_SUCCEEDED, ATTEMPT_SUCCEEDED, 0, 0, 1, "" },
        { "a redirect is not followed", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/redirect\"}", RUN_FAILED, ATTEMPT_FAILED, 0, 0, 1, "redirects are not followed; Location: /ok" },
        { "500 is tried again, within a fifth of the schedule", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/500\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 48, 72, 1, "answered 500" },
        { "500 on the last attempt is a dead letter", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/500\"},\"Retry\":{\"MaxAttempts\":1}", RUN_DEAD_LETTERED, ATTEMPT_FAILED, 0, 0, 1, "answered 500" },
        { "408 is tried again", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/408\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 48, 72, 1, "answered 408" },
        { "425 is tried again", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/425\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 48, 72, 1, "answered 425" },
        { "429 says when", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/later\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 7200, 7200, 1, "answered 429" },
        { "503 says when by a date", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/date\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 7200, 7200, 1, "answered 503" },
        { "but not more than a day", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/far\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 86400, 86400, 1, "answered 429" },
        { "a cut connection is tried again", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/reset\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 48, 72, 1, "POST 127.0.0.1" },
        { "a port where nobody listens is tried again", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:1/\"}," WAIT_60S, RUN_WAITING, ATTEMPT_FAILED, 48, 72, 0, "POST 127.0.0.1:1: " },
        { "a target that hangs runs out of time", "\"Action\":{\"Type\":\"Http\",\"TimeoutSeconds\":1,\"Uri\":\"http://127.0.0.1:%d/hang\"}," WAIT_60S, RUN_WAITING, ATTEMPT_TIMED_OUT, 48, 72, 1, "imed out" },
        { "a gzip bomb is cut", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/bomb\"}", RUN_SUCCEEDED, ATTEMPT_SUCCEEDED, 0, 0, 1, "" },
        { "an answer of more than is read is cut", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/large\"}", RUN_SUCCEEDED, ATTEMPT_SUCCEEDED, 0, 0, 1, "" },
        { "an address that is not permitted gets nothing", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.2:%d/ok\"}," WAIT_60S, RUN_FAILED, ATTEMPT_FAILED, 0, 0, 0, "127.0.0.2" },
        { "an undefined token sends nothing", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/ok\",\"Body\":\"{\\\"a\\\":\\\"#{Nope}\\\"}\"}", RUN_FAILED, ATTEMPT_FAILED, 0, 0, 0, "Action.Body: #{Nope} is not defined" },
        { "JSON that the event breaks is not sent", "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/ok\",\"Body\":\"{\\\"a\\\":\\\"#{Payload.V}\\\"}\"}", RUN_FAILED, ATTEMPT_FAILED, 0, 0, 0, "Action.Body: is not JSON" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target t;
        struct fixture f;
        target_start(&t);
        begin(&f, &t, rows[i].fields);
        int64_t id = add_run(&f);
        struct store_run *run = wait_for(&f, id, 1);
        struct store_attempt *at = attempt(&f, id, 1);
        CHECK_STR(rows[i].claim, str_from(run_state_name(run->state)), str_from(run_state_name(rows[i].state)));
        CHECK_STR(rows[i].claim, str_from(attempt_outcome_name(at->outcome)), str_from(attempt_outcome_name(rows[i].outcome)));
        if (!CHECK(rows[i].claim, str_find(at->error, str_from(rows[i].error)) >= 0))
            fprintf(stderr, "    got: %.*s\n", STR_ARG(at->error));
        CHECK_INT(rows[i].claim, run->attempts, 1);
        if (rows[i].due_to_s && !CHECK(rows[i].claim, run->due_ms >= NOW + rows[i].due_from_s * 1000 && run->due_ms <= NOW + rows[i].due_to_s * 1000))
            fprintf(stderr, "    due in %" PRId64 " ms\n", run->due_ms - NOW);
        finish(&f);
        CHECK_INT(rows[i].claim, __atomic_load_n(&t.got, __ATOMIC_SEQ_CST), rows[i].requests);
        target_stop(&t);
    }
}

TEST(an_attempt_keeps_what_was_said_without_secrets)
{
    struct target t;
    struct fixture f;
    target_start(&t);
    begin(&f, &t, "\"Variables\":[{\"Name\":\"Key\",\"Value\":\"s3cr3t-value\",\"IsSensitive\":true}],"
                  "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/echo?k=#{Key}\",\"Headers\":[{\"Name\":\"Api-Key\",\"Value\":\"#{Key}\"}],"
                  "\"Body\":\"{\\\"v\\\":\\\"#{Payload.V | JsonEscape}\\\",\\\"k\\\":\\\"#{Key}\\\"}\","
                  "\"Signing\":{\"Scheme\":\"StandardWebhooks\",\"Secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}}");
    int64_t id = add_run(&f);
    CHECK_STR("it succeeds", str_from(run_state_name(wait_for(&f, id, 1)->state)), STR("Succeeded"));
    struct json *doc = attempt_doc(&f, id);
    CHECK_STR("the method", text_at(doc, "/Request/Method"), STR("POST"));
    CHECK_STR("the address, masked", text_at(doc, "/Request/Uri"), arena_printf(&f.arena, "http://127.0.0.1:%d/echo?k=" MASK_TEXT, t.peer.port));
    CHECK_STR("a header, masked", text_at(doc, "/Request/Headers/0/Value"), STR(MASK_TEXT));
    CHECK_STR("the body, masked", text_at(doc, "/Request/Body"), STR("{\"v\":\"a \\\"quoted\\\" text\",\"k\":\"" MASK_TEXT "\"}"));
    int64_t status = 0;
    double total = 0;
    CHECK("the status", json_i64(json_pointer(doc, STR("/Response/Status")), &status) && status == 200);
    CHECK("the answer's time", json_double(json_pointer(doc, STR("/Timings/Total")), &total) && total > 0);
    CHECK("the answer was not cut", json_is(json_pointer(doc, STR("/Response/Truncated")), JSON_BOOL) && !json_bool(json_pointer(doc, STR("/Response/Truncated")), true));
    str echoed = text_at(doc, "/Response/Body"), whole = json_text(&f.arena, doc);
    CHECK("what the target says back is masked", str_find(whole, STR("s3cr3t-value")) < 0 && str_find(echoed, STR("Api-Key: " MASK_TEXT)) >= 0);
    CHECK("the answer's headers are kept", str_find(whole, STR("{\"Name\":\"X-Said\",\"Value\":\"yes\"}")) >= 0);
    CHECK("the run's key went out", str_find(echoed, STR("Idempotency-Key: 0b5e0c1e-7d7e-4c63-9d5c-1a2b3c4d5e6f\n")) >= 0);
    CHECK("the trace went out", str_find(echoed, STR("traceparent: 00-0b5e0c1e7d7e4c639d5c1a2b3c4d5e6f-")) >= 0);
    CHECK("the signature went out", str_find(echoed, STR("webhook-signature: v1,")) >= 0);
    CHECK("it said who it is", str_find(echoed, arena_printf(&f.arena, "User-Agent: OctopusReactions/1 (reaction Reactions-%" PRId64 "; run Runs-%" PRId64 ")\n", f.reaction_id, id)) >= 0);
    finish(&f);
    target_stop(&t);
}

TEST(a_large_answer_is_kept_in_part)
{
    struct target t;
    struct fixture f;
    target_start(&t);
    begin(&f, &t, "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/bomb\"}");
    int64_t id = add_run(&f);
    wait_for(&f, id, 1);
    struct json *doc = attempt_doc(&f, id);
    CHECK_INT("64 KB of it", text_at(doc, "/Response/Body").n, 65536);
    CHECK("and it says so", json_bool(json_pointer(doc, STR("/Response/Truncated")), false));
    finish(&f);
    target_stop(&t);
}

TEST(a_failed_request_is_sent_again_when_it_is_due)
{
    struct target t;
    struct fixture f;
    target_start(&t);
    begin(&f, &t, "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/500\"},\"Retry\":{\"MaxAttempts\":3,\"Schedule\":[60]}");
    int64_t id = add_run(&f);
    CHECK_STR("first it waits", str_from(run_state_name(wait_for(&f, id, 1)->state)), STR("Waiting"));
    clock_fake_advance(&f.clock, 80000);
    engine_runs_changed(f.engine);
    CHECK_STR("and again", str_from(run_state_name(wait_for(&f, id, 2)->state)), STR("Waiting"));
    clock_fake_advance(&f.clock, 80000);
    engine_runs_changed(f.engine);
    CHECK_STR("then its attempts are used up", str_from(run_state_name(wait_for(&f, id, 3)->state)), STR("DeadLettered"));
    finish(&f);
    CHECK_INT("three requests", __atomic_load_n(&t.got, __ATOMIC_SEQ_CST), 3);
    target_stop(&t);
}

TEST(a_target_that_is_gone_disables_the_reaction)
{
    struct target t;
    struct fixture f;
    struct store_object *o = NULL;
    struct json *doc = NULL;
    struct store_audit_rows rows = { 0 };
    struct err e = { 0 };
    target_start(&t);
    begin(&f, &t, "\"Action\":{\"Type\":\"Http\",\"Uri\":\"http://127.0.0.1:%d/410\"}");
    int64_t id = add_run(&f);
    struct store_run *run = wait_for(&f, id, 1);
    CHECK_STR("the run fails", str_from(run_state_name(run->state)), STR("Failed"));
    CHECK("and says why", str_find(run->error, STR("answered 410: it wants no more requests, so this reaction is disabled")) >= 0);
    engine_stop(f.engine, 0);
    REQUIRE("the reaction is there", store_get(f.store, KIND_REACTION, 1, f.reaction_id, &f.arena, &o, &e) && o && json_parse(&f.arena, o->doc, &doc, &e));
    CHECK("it is disabled", !json_bool(json_get(doc, STR("Enabled")), true));
    REQUIRE("the audit log can be read", store_audit_list(f.store, 0, (struct store_page){ .take = 1 }, &f.arena, &rows, &e) && rows.count);
    CHECK_STR("the log says so", rows.items[0].action, STR("reaction.disable"));
    CHECK_STR("of the reaction", rows.items[0].subject, store_id_text(&f.arena, KIND_REACTION, f.reaction_id));
    CHECK("with the run", str_find(rows.items[0].doc, store_id_text(&f.arena, KIND_RUN, id)) >= 0);
    const struct snapshot *s = registry_take(f.registry);
    CHECK("the running server knows", !snapshot_reaction(s, f.reaction_id)->is_enabled);
    registry_give(f.registry, s);
    start_engine(&f);
    finish(&f);
    target_stop(&t);
}

TEST(a_request_under_way_can_be_cancelled)
{
    struct target t;
    struct fixture f;
    target_start(&t);
    begin(&f, &t, "\"Action\":{\"Type\":\"Http\",\"TimeoutSeconds\":300,\"Uri\":\"http://127.0.0.1:%d/hang\"}");
    int64_t id = add_run(&f);
    CHECK("the target has it", holds(&t, 1));
    CHECK("it is cancelled", engine_cancel(f.engine, id));
    struct store_run *run = wait_for(&f, id, 1);
    CHECK_STR("for good", str_from(run_state_name(run->state)), STR("Cancelled"));
    CHECK_STR("and its attempt says so", str_from(attempt_outcome_name(attempt(&f, id, 1)->outcome)), STR("Cancelled"));
    finish(&f);
    target_stop(&t);
}

TEST(a_stopping_server_leaves_its_requests_to_the_next_start)
{
    struct target t;
    struct fixture f;
    target_start(&t);
    begin(&f, &t, "\"Action\":{\"Type\":\"Http\",\"TimeoutSeconds\":300,\"Uri\":\"http://127.0.0.1:%d/hang\"}");
    int64_t id = add_run(&f);
    CHECK("the target has it", holds(&t, 1));
    engine_stop(f.engine, 0);
    CHECK_STR("the run waits", str_from(run_state_name(get_run(&f, id)->state)), STR("Waiting"));
    CHECK_STR("its attempt was interrupted", str_from(attempt_outcome_name(attempt(&f, id, 1)->outcome)), STR("Interrupted"));
    start_engine(&f);
    CHECK("the target has it again", holds(&t, 2));
    finish(&f);
    target_stop(&t);
}

TEST(a_host_gets_so_many_at_once)
{
    struct target t;
    struct fixture f;
    int64_t ids[RUN_HTTP_PER_HOST + 6];
    target_start(&t);
    begin(&f, &t, "\"Concurrency\":{\"Max\":200},\"Action\":{\"Type\":\"Http\",\"TimeoutSeconds\":300,\"Uri\":\"http://127.0.0.1:%d/hang\"}");
    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = add_run(&f);
    CHECK("as many as a host gets are with it", holds(&t, RUN_HTTP_PER_HOST));
    // The last is claimed when its own start was told, and waits for a place.
    int64_t last = ids[COUNT(ids) - 1];
    CHECK("the last run has begun", wait_until_running(&f, last));
    CHECK("one that waits can be cancelled", engine_cancel(f.engine, last));
    CHECK_STR("without having been sent", wait_for(&f, last, 1)->error, STR("cancelled by hand, before it was sent"));
    CHECK("no place became free", holds(&t, RUN_HTTP_PER_HOST));
    CHECK("one that was sent is cancelled", engine_cancel(f.engine, ids[0]));
    CHECK("its place goes to the next", holds(&t, RUN_HTTP_PER_HOST + 1));
    finish(&f);
    target_stop(&t);
}

TEST_MAIN()
