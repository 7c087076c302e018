// prove: the kill test, on the disk of whoever asks. A server of its own is fed by a witness outside it, killed with
// SIGKILL at chosen moments, started again and asked what it knows.
//
// In each round: post at a steady rate; kill while requests are accepted, events claimed, scripts running or their
// ends settled, or at any moment; start again; post again, with the same Idempotency-Key, what had no answer; wait
// until no run is open. Then what the server says is compared with what the witness saw.
#include "app/commands.h"
#include "app/prove.h"

#include "base/map.h"
#include "base/timetext.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>
#include <sys/vfs.h>
#include <time.h>

#define SETTLE_SECONDS 120 // without any progress
#define TMPFS 0x01021994

static const char usage[] = "reactions prove [--rounds N] [--seed N] [--rate POSTS-A-SECOND] [--data DIR] [--engine auto|bundled|pwsh] [--runtime DIR]";

// What is claimed of each round.
enum claim { FOUND, ONCE, ONE_RUN, TERMINAL, ONE_KEY, REPEATS, WITNESSED, CLAIMS };
static const char *const claim_texts[CLAIMS] = {
    [FOUND] = "every acknowledged post is found, under the id it was acknowledged with",
    [ONCE] = "no post is stored as two events, though sent twice",
    [ONE_RUN] = "every event has one run of each reaction, and only one",
    [TERMINAL] = "every run has ended: succeeded, or interrupted where it may not be repeated",
    [ONE_KEY] = "a run's Idempotency-Key is the one its scripts were given, over all attempts",
    [REPEATS] = "scripts ran again only where the reaction allows it, and not more often than attempted",
    [WITNESSED] = "nothing else that must not be was seen",
};

struct proof {
    struct arena arena;    // of the whole
    struct witness witness;
    struct prove_server server;
    struct random_seeded random;
    int64_t rounds, seed, rate;
    str folder, key;
    str reaction_ids[PROVE_REACTIONS];
    bool has_scripts;
    // sums
    int64_t acknowledged, again, repeated, interrupted, claims, failed;
};

// ---- talking to the server ----

static bool open_cli(struct proof *p, struct cli *c)
{
    str key;
    *c = (struct cli){ .command = "prove", .server = p->server.url };
    if (!file_read(arena_printf(&c->arena, "%.*s/data/admin.key", STR_ARG(p->folder)).p, 4096, &c->arena, &key, &c->err))
        return false;
    c->key = str_trim(key);
    return true;
}

static str script_text(struct proof *p, int reaction)
{
    return arena_printf(&p->arena,
        "$run = @{ Number = $Payload.Number; Reaction = %d; Key = $OctopusParameters['Reactions.IdempotencyKey'] } | ConvertTo-Json -Compress\n"
        "Invoke-RestMethod -Method Post -Uri 'http://127.0.0.1:%d/executed' -ContentType 'application/json' -Body $run | Out-Null\n", reaction, p->witness.port);
}

static bool create_reaction(struct proof *p, struct cli *c, int i)
{
    struct arena *a = &c->arena;
    struct json *answer, *doc = json_new_object(a), *part;
    json_add_str(a, doc, "Name", i ? STR("Prove: may be repeated") : STR("Prove: not repeated"));
    part = json_add(doc, STR("Trigger"), json_new_object(a));
    json_add_str(a, part, "Type", STR("External"));
    json_add_str(a, part, "Name", STR("prove"));
    part = json_add(doc, STR("Action"), json_new_object(a));
    json_add_str(a, part, "Type", STR("PowerShell"));
    json_add_str(a, part, "Script", script_text(p, i));
    if (i) {
        part = json_add(doc, STR("Retry"), json_new_object(a));
        json_add_bool(a, part, "Scripts", true);
        json_add_i64(a, part, "MaxAttempts", 100);
        json_push(json_add(part, STR("Schedule"), json_new_array(a)), json_new_i64(a, 1));
    }
    if (!cli_call(c, "POST", STR("/reactions"), doc, &answer))
        return err_in(&c->err, "creating a reaction");
    p->reaction_ids[i] = arena_str(&p->arena, cli_member(a, answer, STR("Id")));
    return true;
}

static bool set_up(struct proof *p, struct cli *c)
{
    struct json *doc, *answer;
    if (!cli_call(c, "GET", STR("/status"), NULL, &answer))
        return err_in(&c->err, "asking the new server");
    p->has_scripts = json_bool(json_get(json_get(answer, STR("Scripts")), STR("IsAvailable")), false);
    if (!p->has_scripts)
        printf("No script runs on this machine (%.*s): this proves what is accepted, and nothing of runs.\n", STR_ARG(cli_member(&c->arena, answer, STR("Scripts.Missing"))));
    if (!json_parse(&c->arena, STR("{\"Name\":\"Prove\",\"Slug\":\"prove\",\"Route\":\"prove\"}"), &doc, &c->err) || !cli_call(c, "POST", STR("/triggers"), doc, &answer))
        return err_in(&c->err, "creating the trigger");
    str path = arena_printf(&c->arena, "/triggers/%.*s/keys", STR_ARG(cli_member(&c->arena, answer, STR("Id"))));
    if (!cli_call(c, "POST", path, json_new_object(&c->arena), &answer))
        return err_in(&c->err, "creating its key");
    p->key = arena_str(&p->arena, cli_member(&c->arena, answer, STR("Key")));
    for (int i = 0; p->has_scripts && i < PROVE_REACTIONS; i++)
        if (!create_reaction(p, c, i))
            return false;
    return true;
}

// ---- waiting until nothing is open ----

static bool count_of(struct cli *c, const char *path, int64_t *out)
{
    struct json *answer;
    if (!cli_call(c, "GET", str_from(path), NULL, &answer))
        return false;
    return json_i64(json_get(answer, STR("TotalResults")), out) || err_set(&c->err, ERR_INVALID, "%s: the answer has no TotalResults", path);
}

static bool wait_until_settled(struct proof *p, struct err *e)
{
    int64_t last_open = -1, last_runs = -1, since = clock_mono_us();
    for (;;) {
        struct cli c;
        int64_t events, runs, open;
        bool ok = open_cli(p, &c) && count_of(&c, "/events?take=1", &events) && count_of(&c, "/runs?take=1", &runs) && count_of(&c, "/runs?take=1&state=Queued,Running,Waiting", &open);
        if (!ok)
            *e = c.err;
        cli_end(&c);
        if (!ok)
            return err_in(e, "waiting for the runs to end");
        // More runs than events call for is not waited for: the comparison says what is lost.
        if (!open && (!p->has_scripts || runs >= events * PROVE_REACTIONS))
            return true;
        if (open != last_open || runs != last_runs)
            since = clock_mono_us();
        last_open = open, last_runs = runs;
        if (clock_mono_us() - since > SETTLE_SECONDS * 1000000LL)
            return err_set(e, ERR_TIMEOUT, "%" PRId64 " events have %" PRId64 " runs, of which %" PRId64 " are open, and nothing has moved for %d s", events, runs, open, SETTLE_SECONDS);
        nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
    }
}

// ---- comparing ----

struct findings {
    bool holds[CLAIMS];
    str why[CLAIMS]; // the first that does not
    int64_t repeated, interrupted, executed;
};

static void doubt(struct proof *p, struct findings *f, enum claim claim, const char *fmt, ...) PRINTF_LIKE(4, 5);

static void doubt(struct proof *p, struct findings *f, enum claim claim, const char *fmt, ...)
{
    va_list args;
    if (!f->holds[claim])
        return;
    f->holds[claim] = false;
    va_start(args, fmt);
    f->why[claim] = arena_vprintf(&p->arena, fmt, args);
    va_end(args);
}

// By event id, which post it is: what is found must be what was acknowledged.
static void look_at_event(struct proof *p, struct findings *f, struct map *by_event, const struct json *event)
{
    int64_t number, id;
    str id_text = json_str(json_get(event, STR("Id")), STR(""));
    if (!json_i64(json_pointer(event, STR("/Payload/Number")), &number) || number < 1 || number > p->witness.sent || !store_id_parse(id_text, KIND_EVENT, &id)) {
        doubt(p, f, WITNESSED, "%.*s is of no post", STR_ARG(id_text));
        return;
    }
    struct prove_post *post = &p->witness.posts[number];
    if (post->found_event && post->found_event != id)
        doubt(p, f, ONCE, "post %" PRId64 " is Events-%" PRId64 " and Events-%" PRId64, number, post->found_event, id);
    post->found_event = id;
    map_put(by_event, id_text, post);
}

static void look_at_run(struct proof *p, struct findings *f, const struct map *by_event, const struct json *run, struct arena *a)
{
    str id_text = json_str(json_get(run, STR("Id")), STR("")), event = json_str(json_get(run, STR("EventId")), STR("")), state = json_str(json_get(run, STR("State")), STR(""));
    str reaction = json_str(json_get(run, STR("ReactionId")), STR("")), key = json_str(json_get(run, STR("IdempotencyKey")), STR(""));
    struct prove_post *post = map_get(by_event, event);
    int64_t id;
    int which = str_eq(reaction, p->reaction_ids[1]);
    if (!post)
        return; // of an earlier round, whose events were looked at then
    if (!store_id_parse(id_text, KIND_RUN, &id) || !str_eq(reaction, p->reaction_ids[which])) {
        doubt(p, f, ONE_RUN, "%.*s is of reaction %.*s", STR_ARG(id_text), STR_ARG(reaction));
        return;
    }
    if (post->found_run[which] && post->found_run[which] != id)
        doubt(p, f, ONE_RUN, "%.*s has Runs-%" PRId64 " and Runs-%" PRId64 " of %.*s", STR_ARG(event), post->found_run[which], id, STR_ARG(reaction));
    post->found_run[which] = id;

    bool has_succeeded = str_eq(state, STR("Succeeded")), was_interrupted = str_eq(state, STR("Interrupted"));
    int64_t attempts = (int64_t)(json_get(run, STR("Attempts")) ? json_get(run, STR("Attempts"))->count : 0), executed = post->executions[which];
    f->interrupted += was_interrupted;
    f->executed += executed;
    f->repeated += executed > 1;
    if (!has_succeeded && !(was_interrupted && !which))
        doubt(p, f, TERMINAL, "%.*s is %.*s (%.*s)", STR_ARG(id_text), STR_ARG(state), STR_ARG(cli_member(a, run, STR("ErrorMessage"))));
    if (executed && !str_eq(key, str_from(post->key[which])))
        doubt(p, f, ONE_KEY, "%.*s has the key %.*s, its script was given %s", STR_ARG(id_text), STR_ARG(key), post->key[which]);
    if (executed > attempts || (!which && executed > 1))
        doubt(p, f, REPEATS, "%.*s ran %" PRId64 " times in %" PRId64 " attempts", STR_ARG(id_text), executed, attempts);
    if (has_succeeded && !executed)
        doubt(p, f, REPEATS, "%.*s succeeded, but its script was not seen to run", STR_ARG(id_text));
}

static bool compare(struct proof *p, int64_t from_ms, int64_t first, struct findings *f, struct err *e)
{
    struct cli c;
    struct json *events, *runs = NULL;
    struct map by_event = { 0 };
    for (int i = 0; i < CLAIMS; i++)
        f->holds[i] = true;
    bool ok = open_cli(p, &c);
    str from = timetext(&c.arena, from_ms);
    ok = ok && cli_get_all(&c, arena_printf(&c.arena, "/events?from=%.*s", STR_ARG(from)), &events) && cli_get_all(&c, arena_printf(&c.arena, "/runs?from=%.*s", STR_ARG(from)), &runs);
    if (!ok) {
        *e = c.err;
        cli_end(&c);
        return err_in(e, "asking what the server knows");
    }
    pthread_mutex_lock(&p->witness.lock);
    json_each(event, events)
        look_at_event(p, f, &by_event, event);
    json_each(run, runs)
        look_at_run(p, f, &by_event, run, &c.arena);
    for (int64_t n = first; n <= p->witness.sent; n++) {
        const struct prove_post *post = &p->witness.posts[n];
        if (post->event_id && post->found_event != post->event_id)
            doubt(p, f, FOUND, "post %" PRId64 " was acknowledged as Events-%" PRId64 " and is %s", n, post->event_id, post->found_event ? "another event" : "lost");
        for (int i = 0; p->has_scripts && post->found_event && i < PROVE_REACTIONS; i++)
            if (!post->found_run[i])
                doubt(p, f, ONE_RUN, "Events-%" PRId64 " has no run of %.*s", post->found_event, STR_ARG(p->reaction_ids[i]));
    }
    if (p->witness.violation[0])
        doubt(p, f, WITNESSED, "%s", p->witness.violation);
    pthread_mutex_unlock(&p->witness.lock);
    map_fini(&by_event);
    cli_end(&c);
    return true;
}

// ---- rounds ----

static bool run_round(struct proof *p, int64_t round, struct err *e)
{
    struct findings f = { 0 };
    int64_t from_ms = clock_wall_ms(&clock_system) - 1000, first = p->witness.sent + 1, seen;
    enum prove_phase phase = (enum prove_phase)(p->has_scripts ? round % PROVE_PHASES : round % 2 ? PROVE_ANY : PROVE_ACCEPT);
    struct prove_sending s = { .witness = &p->witness, .server = &p->server, .key = p->key, .rate = (int)p->rate, .phase = phase, .random = &p->random.random };
    if (!prove_send_and_kill(&s, e))
        return false;
    int64_t sent = s.sent, acknowledged = s.acknowledged, unanswered = s.unanswered, began = clock_mono_us();
    bool was_in_phase = s.was_in_phase;
    if (!prove_server_start(&p->server, &p->arena, e))
        return err_in(e, "starting again after the kill");
    double back_s = (double)(clock_mono_us() - began) / 1e6;
    if (!prove_send_again(&s, e) || !wait_until_settled(p, e) || !compare(p, from_ms, first, &f, e))
        return false;
    seen = p->has_scripts ? CLAIMS : ONCE + 1;
    int64_t failed = 0;
    for (int i = 0; i < CLAIMS; i++)
        failed += !f.holds[i];
    printf("round %-4" PRId64 " killed in %-6s%s  sent %-5" PRId64 " acknowledged %-5" PRId64 " no answer %-4" PRId64 " back in %.2f s  scripts %-5" PRId64 " interrupted %-3" PRId64 " repeated %-3" PRId64 " %s\n", round + 1, prove_phase_name(phase),
        was_in_phase ? "" : " (late)", sent, acknowledged, unanswered, back_s, f.executed, f.interrupted, f.repeated, failed ? "FAILED" : "ok");
    for (int i = 0; i < CLAIMS; i++)
        if (!f.holds[i])
            printf("  not so: %s: %.*s\n", claim_texts[i], STR_ARG(f.why[i]));
    fflush(stdout);
    p->acknowledged += acknowledged;
    p->again += s.acknowledged;
    p->repeated += f.repeated;
    p->interrupted += f.interrupted;
    p->claims += seen;
    p->failed += failed;
    return true;
}

static bool run_all(struct proof *p, struct err *e)
{
    struct cli c;
    if (!witness_start(&p->witness, e))
        return false;
    p->server.witness_port = p->witness.port;
    if (!prove_server_start(&p->server, &p->arena, e))
        return false;
    bool ok = open_cli(p, &c) && set_up(p, &c);
    if (!ok)
        *e = c.err;
    cli_end(&c);
    for (int64_t round = 0; ok && round < p->rounds; round++)
        ok = run_round(p, round, e);
    return ok && prove_server_stop(&p->server, e);
}

static bool make_folder(struct proof *p, str below, struct err *e)
{
    struct statfs fs;
    struct arena *a = &p->arena;
    str random = random_hex(&random_system, a, 4);
    p->folder = arena_printf(a, "%.*s/reactions-prove-%.*s", STR_ARG(below), STR_ARG(random));
    p->server.data = arena_printf(a, "%.*s/data", STR_ARG(p->folder)).p;
    if (!file_make_dirs(p->server.data, 0700, e))
        return false;
    printf("in %.*s%s, seed %" PRId64 ", %" PRId64 " posts a second\n", STR_ARG(p->folder), statfs(p->folder.p, &fs) == 0 && fs.f_type == TMPFS ? " (which is memory, not a disk)" : "", p->seed, p->rate);
    fflush(stdout);
    return true;
}

static bool number_option(const struct cli *c, const char *name, int64_t otherwise, int64_t least, int64_t most, int64_t *out)
{
    str text = cli_option(c, name);
    *out = otherwise;
    if (!text.p || (str_to_i64(text, out) && *out >= least && *out <= most))
        return true;
    fprintf(stderr, "reactions: %s: \"%.*s\" must be a number from %" PRId64 " to %" PRId64 "\nusage: %s\n", name, STR_ARG(text), least, most, usage);
    return false;
}

int cmd_prove(int argc, char **argv)
{
    static const char *const valued[] = { "--rounds", "--seed", "--rate", "--data", "--engine", "--runtime", NULL };
    struct proof p = { 0 };
    struct cli c;
    struct err e = { 0 };
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    if (c.word_count) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    if (!number_option(&c, "--rounds", 10, 1, 100000, &p.rounds) || !number_option(&c, "--rate", 100, 1, 1000, &p.rate)
        || !number_option(&c, "--seed", (int64_t)(random_u64(&random_system) >> 32), 0, INT64_MAX, &p.seed))
        return 2;
    random_seed(&p.random, (uint64_t)p.seed);
    str below = cli_option(&c, "--data"), engine = cli_option(&c, "--engine"), runtime = cli_option(&c, "--runtime");
    p.server.engine = engine.p ? engine.p : NULL;
    p.server.runtime = runtime.p ? runtime.p : NULL;
    bool ok = make_folder(&p, below.p ? below : STR("/var/tmp"), &e) && run_all(&p, &e);
    prove_server_kill(&p.server);
    witness_stop(&p.witness);
    if (!ok) {
        fprintf(stderr, "reactions: %s\n", e.text);
        p.claims++, p.failed++;
    }
    printf("acknowledged before a kill %" PRId64 ", after sending again %" PRId64 "; scripts interrupted %" PRId64 ", repeated %" PRId64 "\n", p.acknowledged, p.again, p.interrupted, p.repeated);
    printf("%" PRId64 " claims, %" PRId64 " failed\n", p.claims, p.failed);
    if (p.failed)
        printf("The evidence is kept in %.*s; again with --seed %" PRId64 " (the moments are the seed's, the machine's are its own)\n", STR_ARG(p.folder), p.seed);
    else if (p.folder.n && !file_remove_tree(p.folder.p, &e))
        fprintf(stderr, "reactions: %s\n", e.text);
    arena_fini(&p.arena);
    cli_end(&c);
    return p.failed ? 1 : 0;
}
