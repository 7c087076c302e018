// The pool against a worker that obeys or breaks the protocol on command (tests/script/fake_worker.c).
#define BENCH_RUNTIME_DIR FAKE_RUNTIME_DIR
#include "tests/script/pool_bench.h"

#include <netinet/in.h>
#include <sys/socket.h>

TEST(a_script_runs)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("log Info hello\nlog Verbose \xc3\xa4\nout {\"a\":1.50}\nout [null]\nvar Name value\ncall POST /api/releases {\"x\":1}\nfeed GET https://feed.example.com/v3/index.json"));
    CHECK_INT("outcome", h.result.outcome, SCRIPT_SUCCEEDED);
    CHECK_TEXT("no error", h.error, "");
    CHECK_INT("it had started", h.result.had_started, true);
    CHECK_INT("told once", h.started, 1);
    CHECK_TEXT("its output", h.output, "[{\"a\":1.50},[null]]");
    CHECK_TEXT("its variables", h.variables, "{\"Name\":\"value\"}");
    CHECK_STR("its calls", buf_str(&h.calls), STR("octopus POST /api/releases {\"x\":1}\nfeed GET https://feed.example.com/v3/index.json \n"));
    CHECK_STR("its log", buf_str(&h.log), STR("Info hello\nVerbose \xc3\xa4\n"
        "Info {\"Type\":\"reply\",\"CallId\":1,\"Status\":200,\"Headers\":{\"Content-Type\":\"application/json\"},\"Body\":\"{\\\"Id\\\":\\\"Releases-1\\\"}\",\"Withheld\":false,\"Error\":null,\"RunId\":\"Runs-1\",\"Fence\":7}\n"
        "Info {\"Type\":\"reply\",\"CallId\":2,\"Status\":200,\"Headers\":{\"Content-Type\":\"application/json\"},\"Body\":\"{\\\"Id\\\":\\\"Releases-1\\\"}\",\"Withheld\":false,\"Error\":null,\"RunId\":\"Runs-1\",\"Fence\":7}\n"));
    struct script_capabilities c = script_pool_capabilities(b.pool);
    CHECK("available", c.is_available);
    CHECK_TEXT("engine", c.engine, "bundled");
    CHECK_TEXT("version", c.version, "7.6.0");
    CHECK_TEXT("what it lacks", c.missing, "Get-Job, Out-GridView");
    CHECK("how it is contained", strstr(c.containment, "no sandbox; ") && strstr(c.containment, "as the server's own user"));
}

TEST(replies_and_questions)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ 0 }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("call GET /bytes\ncall GET /withheld\ncall GET no-slash\ncall G@T /x\negress good.example.com 192.0.2.1 443\negress metadata 169.254.169.254 80"));
    CHECK_STR("what reached the broker", buf_str(&h.calls), STR("octopus GET /bytes \noctopus GET /withheld \negress good.example.com 192.0.2.1 443\negress metadata 169.254.169.254 80\n"));
    static const char *const rows[] = {
        "\"Body\":null,\"BodyBase64\":\"/wA=\"",
        "\"Status\":0,\"Headers\":{},\"Body\":\"\",\"Withheld\":true,\"Error\":\"a dry run\"",
        "\"Error\":\"Path: must begin with one /, as in /api/Spaces-1/projects\"",
        "\"Error\":\"Method: [G@T] is not an HTTP method\"",
        "\"Allowed\":true,\"Reason\":null",
        "\"Allowed\":false,\"Reason\":\"link-local\"",
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(rows[i], str_find(buf_str(&h.log), str_from(rows[i])) >= 0);
}

TEST(how_scripts_end)
{
    static const struct { const char *claim, *script; enum script_outcome outcome; const char *error; int exit_code; } rows[] = {
        { "nothing to do", "", SCRIPT_SUCCEEDED, "", -1 },
        { "throws", "fail it broke", SCRIPT_FAILED, "it broke (line 3, column 5)", -1 },
        { "exit 3", "exit 3", SCRIPT_FAILED, "the script ended with exit code 3", 3 },
        { "exit 0", "exit 0", SCRIPT_SUCCEEDED, "", 0 },
        { "ends its process", "quit 5", SCRIPT_FAILED, "the script ended its process with status 5", 5 },
        { "kill -9", "die 9", SCRIPT_INTERRUPTED, "the worker process killed by signal 9 (Killed) while the script ran", -1 },
        { "crashes", "die 6", SCRIPT_INTERRUPTED, "the worker process killed by signal 6 (Aborted) while the script ran", -1 },
        { "closes the descriptor", "close", SCRIPT_INTERRUPTED, "the worker process broke the protocol (it closed its protocol descriptor) and was ended", -1 },
        { "garbage on the descriptor", "raw 474554202f2e2e2e\nhang", SCRIPT_INTERRUPTED, "the worker process broke the protocol (a frame of 1195725856 bytes; 1 to 33554432 are right) and was ended", -1 },
        { "a frame of no bytes", "raw 00000000\nhang", SCRIPT_INTERRUPTED, "the worker process broke the protocol (a frame of 0 bytes; 1 to 33554432 are right) and was ended", -1 },
        { "a frame that is no JSON", "frame {]\nhang", SCRIPT_INTERRUPTED, NULL, -1 },
        { "a frame of a wrong type", "frame {\"Type\":\"log\",\"RunId\":\"Runs-1\",\"Fence\":7,\"Lines\":3}\nhang", SCRIPT_INTERRUPTED,
            "the worker process broke the protocol (frame log: Lines must be an array, not number) and was ended", -1 },
        { "a frame of an unknown type", "frame {\"Type\":\"weather\"}", SCRIPT_SUCCEEDED, "", -1 },
        { "a second hello", "frame {\"Type\":\"hello\",\"Protocol\":1,\"Engine\":\"x\",\"PSVersion\":\"7\"}\nhang", SCRIPT_INTERRUPTED, "the worker process broke the protocol (it said hello twice) and was ended", -1 },
        { "an answer nobody asked for", "frame {\"Type\":\"parsed\",\"Id\":1,\"Errors\":[],\"Parameters\":[],\"Variables\":[]}", SCRIPT_SUCCEEDED, "", -1 },
        { "another run's end", "frame {\"Type\":\"done\",\"RunId\":\"Runs-2\",\"Fence\":7,\"Outcome\":\"Failed\",\"Output\":[]}", SCRIPT_SUCCEEDED, "", -1 },
        { "an older fence's end", "frame {\"Type\":\"done\",\"RunId\":\"Runs-1\",\"Fence\":6,\"Outcome\":\"Failed\",\"Output\":[]}", SCRIPT_SUCCEEDED, "", -1 },
        { "its own end, forged", "frame {\"Type\":\"done\",\"RunId\":\"Runs-1\",\"Fence\":7,\"Outcome\":\"Succeeded\",\"Output\":[]}\nfail too late", SCRIPT_SUCCEEDED, "", -1 },
    };
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 2 }));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(heard_fini) struct heard h = { 0 };
        run(&b, &h, (struct given){ .script = rows[i].script, .owner = rows[i].claim });
        CHECK_INT(rows[i].claim, h.result.outcome, rows[i].outcome);
        if (rows[i].error)
            CHECK_TEXT("in words", h.error, rows[i].error);
        CHECK_INT("exit code", h.result.has_exit_code ? h.result.exit_code : -1, rows[i].exit_code);
        CHECK("it had started", h.result.had_started);
    }
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("silent\ndie 9"));
    CHECK_TEXT("one that dies before it started", h.error, "the worker process killed by signal 9 (Killed) before the script began");
    CHECK("may be tried again", h.result.outcome == SCRIPT_INTERRUPTED && !h.result.had_started);
}

TEST(time_outs_and_cancellation)
{
    static const struct { const char *claim, *script; } rows[] = {
        { "one that obeys", "log Info now\nwait" },
        { "one that is deaf", "log Info now\nhang" },
        { "one that detached something", "spawn\nlog Info now\nwait" },
    };
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .grace_ms = 100 }));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(heard_fini) struct heard h = { 0 };
        run(&b, &h, (struct given){ .script = rows[i].script, .owner = rows[i].claim, .timeout_ms = 300 });
        CHECK_INT(rows[i].claim, h.result.outcome, SCRIPT_TIMED_OUT);
        CHECK_TEXT("in words", h.error, "the script ran longer than its 0.3 s and was stopped");
        CHECK_STR("its log is kept", buf_str(&h.log), STR("Info now\n"));
        CLEANUP(heard_fini) struct heard c = { .cancel_at = "now" };
        run(&b, &c, (struct given){ .script = rows[i].script, .owner = rows[i].claim });
        CHECK_INT(rows[i].claim, c.result.outcome, SCRIPT_CANCELLED);
        CHECK_TEXT("by whom", c.error, "somebody pressed cancel");
        CHECK("it had started", c.result.had_started);
    }
}

TEST(a_waiting_job_can_be_cancelled)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .max_workers = 1 }));
    CLEANUP(heard_fini) struct heard first = { .name = "first" }, second = { .name = "second" }, third = { .name = "third" };
    start(&b, &first, SCRIPT("log Info x"));
    start(&b, &second, SCRIPT("log Info x"));
    start(&b, &third, SCRIPT("log Info x"));
    script_job_cancel(second.job, "not needed");
    script_job_cancel(second.job, "twice");
    CHECK_INT("its end is told later", second.done, 0);
    wait_all(&b);
    CHECK_INT("cancelled", second.result.outcome, SCRIPT_CANCELLED);
    CHECK_TEXT("why", second.error, "not needed");
    CHECK("it never began", !second.result.had_started && second.started == 0);
    CHECK("the others ran", first.result.outcome == SCRIPT_SUCCEEDED && third.result.outcome == SCRIPT_SUCCEEDED);
}

TEST(a_job_that_has_a_worker_may_have_to_wait_for_its_word)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .max_workers = 1 }));
    CLEANUP(heard_fini) struct heard gone = { 0 }, went = { 0 }, closed = { 0 };
    start(&b, &gone, (struct given){ .script = "log Info x", .is_held = true });
    while (!gone.placed && !b.is_late)
        loop_run(b.loop);
    CHECK_INT("it has a worker", script_pool_busy(b.pool), 1);
    script_job_cancel(gone.job, "not needed");
    CHECK_INT("cancelled, it leaves the worker free", script_pool_busy(b.pool), 0);
    start(&b, &went, (struct given){ .script = "log Info x", .owner = "another", .is_held = true, .timeout_ms = 1000 });
    while ((!went.placed || !gone.done) && !b.is_late)
        loop_run(b.loop);
    CHECK("cancelled it never began", gone.result.outcome == SCRIPT_CANCELLED && !gone.result.had_started && !gone.started);
    CHECK_TEXT("why", gone.error, "not needed");
    CHECK_INT("the next one has the same worker, and is told nothing", went.started, 0);
    script_job_go(went.job);
    script_job_go(went.job); // once is enough
    wait_all(&b);
    CHECK("told to go it runs", went.result.outcome == SCRIPT_SUCCEEDED && went.started == 1);
    start(&b, &closed, (struct given){ .script = "log Info x", .is_held = true });
    while (!closed.placed && !b.is_late)
        loop_run(b.loop);
    script_pool_close(b.pool, on_closed, &b);
    b.pool = NULL;
    wait_all(&b);
    while (!b.is_closed && !b.is_late)
        loop_run(b.loop);
    CHECK("the end of the pool is its end", closed.result.outcome == SCRIPT_INTERRUPTED && !closed.result.had_started);
}

TEST(logs_are_bounded)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard lines = { 0 };
    run(&b, &lines, (struct given){ .script = "lines 100", .limits = "{\"MaxLogLines\":10}" });
    CHECK_INT("ten lines and a word about it", lines.lines, 11);
    CHECK("the word", str_ends(buf_str(&lines.log), STR("line 9\nWarning The log ends here: it has reached its limit of 10 lines or 4194304 bytes.\n")));
    CHECK_INT("the script goes on", lines.result.outcome, SCRIPT_SUCCEEDED);
    CLEANUP(heard_fini) struct heard bytes = { 0 };
    run(&b, &bytes, (struct given){ .script = "log Info 12345\nlog Info 12345\nlog Info 1", .limits = "{\"MaxLogBytes\":10}" });
    CHECK_INT("two lines and the word", bytes.lines, 3);
    CLEANUP(heard_fini) struct heard wide = { 0 };
    run(&b, &wide, (struct given){ .script = "log Info 1234\xc3\xa4" "567", .limits = "{\"MaxLogLineBytes\":5}" });
    CHECK_STR("cut between characters", buf_str(&wide.log), STR("Info 1234... (5 bytes more)\n"));
    CLEANUP(heard_fini) struct heard absurd = { 0 };
    run(&b, &absurd, (struct given){ .script = "lines 10100", .limits = "{\"MaxLogLines\":99999999}" });
    CHECK_INT("no limit is above our own", absurd.lines, 10001);
}

TEST(raw_output_becomes_lines)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("print one\nprint \xff\xc3\xa4\neprint two"));
    CHECK("standard output", str_find(buf_str(&h.log), STR("Host one\nHost \xEF\xBF\xBD\xc3\xa4\n")) >= 0);
    CHECK("standard error", str_find(buf_str(&h.log), STR("Warning two\n")) >= 0);
    CLEANUP(heard_fini) struct heard flood = { 0 };
    run(&b, &flood, (struct given){ .script = "flood 1000000\nlog Info after", .limits = "{\"MaxLogLineBytes\":100}" });
    CHECK_INT("a flood without line ends is one line", flood.lines, 2);
    CHECK("cut", flood.log.n < 300);
    CHECK_INT("and no harm", flood.result.outcome, SCRIPT_SUCCEEDED);
}

TEST(output_is_bounded)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(arena_fini) struct arena a = { 0 };
    char *x = arena_bytes(&a, 20001);
    memset(x, 'x', 20000);
    x[20000] = 0;
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, (struct given){ .script = arena_printf(&a, "out \"%s\"", x).p, .limits = "{\"MaxOutputBytes\":10000}" });
    CHECK_TEXT("left out", h.output, "[]");
    CHECK_STR("and said", buf_str(&h.log), STR("Warning The output is larger than allowed and was left out.\n"));
    CLEANUP(heard_fini) struct heard cut = { 0 };
    run(&b, &cut, SCRIPT("out 1\ntruncated"));
    CHECK_STR("what the worker cut is said too", buf_str(&cut.log), STR("Warning The output was cut: more than 1048576 bytes.\n"));
}

TEST(memory_is_limited)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, (struct given){ .script = "eat 400", .memory_bytes = 200 << 20 });
    CHECK_INT("failed", h.result.outcome, SCRIPT_FAILED);
    CHECK_TEXT("in words", h.error, "the script used more than its 200 MB of memory and was ended");
    CLEANUP(heard_fini) struct heard bomb = { 0 };
    run(&b, &bomb, (struct given){ .script = "bomb 400", .memory_bytes = 8LL << 30 });
    CHECK_TEXT("a fork bomb", bomb.error, "the script started more than 256 processes and was ended");
}

static int64_t output_number(const struct heard *h)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j;
    int64_t v = -1;
    return json_parse(&a, str_from(h->output), &j, NULL) && json_i64(json_at(j, 0), &v) ? v : -1;
}

TEST(a_worker_belongs_to_one_owner)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .max_runs_per_worker = 5 }));
    CLEANUP(many_fini) struct many all = { 0 };
    struct heard *h = all.h;
    run(&b, &h[0], (struct given){ .script = "count\ntouch left-behind", .owner = "a" });
    CHECK_INT("its first", output_number(&h[0]), 1);
    run(&b, &h[1], (struct given){ .script = "count", .owner = "a" });
    CHECK_INT("the same process again", output_number(&h[1]), 2);
    run(&b, &h[2], (struct given){ .script = "count\nls", .owner = "b" });
    CHECK_TEXT("another owner: another process and folder", h[2].output, "[1]");
    run(&b, &h[3], (struct given){ .script = "count", .owner = "a", .is_isolated = true });
    CHECK_INT("isolated: a process of its own", output_number(&h[3]), 1);
    run(&b, &h[4], (struct given){ .script = "count\nrecycle", .owner = "a" });
    CHECK_INT("the owner's is still there", output_number(&h[4]), 3);
    run(&b, &h[5], (struct given){ .script = "count", .owner = "b" });
    CHECK_INT("and the other's", output_number(&h[5]), 2);
    for (int i = 0; i < 4; i++) {
        heard_fini(&h[6]);
        h[6] = (struct heard){ 0 };
        run(&b, &h[6], (struct given){ .script = "count", .owner = "b" });
    }
    CHECK_INT("after five runs a new one", output_number(&h[6]), 1);
}

TEST(a_recycled_worker_is_gone)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard first = { 0 }, second = { 0 };
    run(&b, &first, SCRIPT("recycle"));
    run(&b, &second, SCRIPT("count"));
    CHECK_INT("a new process", output_number(&second), 1);
}

TEST(an_idle_worker_ends)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .idle_ms = 1 }));
    CLEANUP(heard_fini) struct heard first = { 0 }, second = { 0 };
    run(&b, &first, SCRIPT("pid"));
    while (children() && !b.is_late)
        turn(&b);
    run(&b, &second, SCRIPT("count"));
    CHECK_INT("a new process", output_number(&second), 1);
}

static bool is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

TEST(what_a_run_leaves_running_ends)
{
    static const unsigned means[] = { 0, PROCESS_NO_CGROUP, PROCESS_NO_PIDS, PROCESS_NO_CGROUP | PROCESS_NO_PIDS };
    for (size_t i = 0; i < COUNT(means); i++) {
        process_forgo(means[i] | PROCESS_NO_PIDS); // else the pid it tells is one of its own namespace
        CLEANUP(bench_fini) struct bench b = { 0 };
        REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
        CLEANUP(heard_fini) struct heard h = { 0 };
        run(&b, &h, SCRIPT("spawn"));
        pid_t pid = (pid_t)output_number(&h);
        CHECK("it was detached", pid > 1);
        while (pid > 1 && is_alive(pid) && !b.is_late)
            turn(&b);
        CHECK("it is gone though its run succeeded", !is_alive(pid));
    }
    process_forgo(0);
}

TEST(owners_share_the_places)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .max_workers = 4 }));
    CLEANUP(many_fini) struct many all = { 0 };
    struct heard *hog = all.h, *other = all.h + 6;
    const size_t hogs = 6, others = 3;
    for (size_t i = 0; i < hogs; i++) {
        hog[i].cancel_at = "stop";
        start(&b, &hog[i], (struct given){ .script = "log Info go\nwait", .owner = "hog", .timeout_ms = 60000 });
    }
    while (hog[1].lines + hog[0].lines < 2 && !b.is_late)
        turn(&b);
    CHECK_INT("half of the places are the first owner's", script_pool_busy(b.pool), 2);
    CHECK("it has room for no more", !script_pool_has_room(b.pool, STR("hog")));
    for (size_t i = 0; i < others; i++) {
        char owner[2] = { (char)('a' + i), 0 };
        start(&b, &other[i], (struct given){ .script = "log Info x", .owner = owner });
    }
    while (other[0].done + other[1].done + other[2].done < 3 && !b.is_late)
        turn(&b);
    CHECK("all others ran meanwhile", !b.is_late);
    CHECK("there is room for them", script_pool_has_room(b.pool, STR("a")));
    for (size_t i = 0; i < hogs; i++)
        script_job_cancel(hog[i].job, "enough");
    wait_all(&b);
    CHECK_INT("those that ran", hog[0].result.had_started && hog[1].result.had_started, true);
    CHECK_INT("and those that never did", hog[4].result.had_started || hog[5].result.had_started, false);
}

TEST(turns_are_taken)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .max_workers = 1 }));
    CLEANUP(many_fini) struct many all = { { { .name = "a" }, { .name = "a" }, { .name = "a" }, { .name = "a" }, { .name = "b" }, { .name = "b" }, { .name = "c" } } };
    struct heard *h = all.h;
    for (size_t i = 0; i < 7; i++)
        start(&b, &h[i], (struct given){ .script = "log Info x", .owner = h[i].name });
    wait_all(&b);
    CHECK_STR("one each, in turn", buf_str(&b.order), STR("a b c a b a a "));
}

TEST(late_callers_after_close)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard running = { 0 }, late = { 0 };
    CLEANUP(many_fini) struct many all = { 0 };
    struct heard *waiting = all.h;
    start(&b, &running, SCRIPT("log Info go\nhang"));
    while (!running.lines && !b.is_late)
        turn(&b);
    for (size_t i = 0; i < HEARD_COUNT; i++)
        start(&b, &waiting[i], SCRIPT("hang"));
    script_pool_close(b.pool, on_closed, &b);
    start(&b, &late, SCRIPT("log Info x"));
    b.pool = NULL;
    while ((b.running || !b.is_closed) && !b.is_late)
        turn(&b);
    CHECK_INT("the running one", running.result.outcome, SCRIPT_INTERRUPTED);
    CHECK("had started", running.result.had_started);
    CHECK_INT("a waiting one", waiting[8].result.outcome, SCRIPT_INTERRUPTED);
    CHECK("had not", !waiting[8].result.had_started);
    CHECK_TEXT("one that came too late", late.error, "the server is stopping");
}

// A folder whose host starts wrongly.
static const char *broken_runtime(struct bench *b, const char *mode)
{
    struct err e;
    CLEANUP(arena_fini) struct arena a = { 0 };
    str dir;
    if (!file_temp_dir(&b->arena, "pool-test-runtime", &dir, &e))
        abort();
    str text = arena_printf(&a, "#!/bin/sh\nexec %s/Reactions.Host %s\n", FAKE_RUNTIME_DIR, mode);
    if (!file_write(arena_printf(&a, "%s/Reactions.Host", dir.p).p, text, 0755, &e))
        abort();
    return dir.p;
}

TEST(workers_that_do_not_start)
{
    static const struct { const char *mode, *want; } rows[] = {
        { "quit", "ended with status 150: You must install .NET to run this application." },
        { "silent", "did not say hello within 0.3 s" },
        { "garbage", "a frame of 1195725856 bytes; 1 to 65536 are right" },
        { "huge", "a frame of 458752 bytes; 1 to 65536 are right" },
        { "old", "the worker speaks protocol version 0, this server version 1: both must come from one build" },
        { "unready", "said hello but was not ready within 0.3 s" },
        { "early", "its first frame was not hello" },
        { "twice", "it said hello twice" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(bench_fini) struct bench b = { 0 };
        const char *runtime = broken_runtime(&b, rows[i].mode);
        REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .runtime_dir = runtime, .start_ms = 300 }));
        CLEANUP(heard_fini) struct heard h = { 0 };
        run(&b, &h, SCRIPT("log Info x"));
        CHECK_INT("not run", h.result.outcome, SCRIPT_INTERRUPTED);
        CHECK("may be tried again", !h.result.had_started);
        CHECK(rows[i].want, strstr(h.error, rows[i].want));
        if (!strstr(h.error, rows[i].want))
            fprintf(stderr, "    got %s\n", h.error);
        CHECK("it says that no worker starts", strstr(h.error, "no PowerShell worker could be started: "));
        struct script_capabilities c = script_pool_capabilities(b.pool);
        CHECK("unavailable", !c.is_available);
        CHECK_TEXT("for that reason", c.missing, h.error);
        CHECK("no room", !script_pool_has_room(b.pool, STR("a")));
        struct err e;
        CHECK_OK("removed", file_remove_tree(runtime, &e), &e);
    }
}

TEST(noise_at_the_start_is_no_harm)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    const char *runtime = broken_runtime(&b, "noise");
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .runtime_dir = runtime }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("log Info x"));
    CHECK_STR("only its own log", buf_str(&h.log), STR("Info x\n"));
    struct err e;
    CHECK_OK("removed", file_remove_tree(runtime, &e), &e);
}

static void on_changed(void *ctx)
{
    ++*(int *)ctx;
}

TEST(who_shows_its_capabilities_is_told_when_they_change)
{
    int told = 0;
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .changed = on_changed, .changed_ctx = &told }));
    CHECK_INT("an engine was found", told, 1);
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("log Info x"));
    CHECK("it said hello, and its version with it", told > 1 && script_pool_capabilities(b.pool).version[0]);
}

TEST(no_engine)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens all the same", bench_open(&b, (struct script_pool_options){ .runtime_dir = "/nowhere" }));
    struct script_capabilities c = script_pool_capabilities(b.pool);
    CHECK("unavailable", !c.is_available);
    CHECK("what to do", strstr(c.missing, "./run --build-only"));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("log Info x"));
    CHECK_TEXT("a job says the same", h.error, c.missing);
    CHECK("may be tried again", h.result.outcome == SCRIPT_INTERRUPTED && !h.result.had_started);
}

TEST(a_frame_that_is_too_large)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ 0 }));
    CLEANUP(arena_fini) struct arena a = { 0 };
    size_t n = 33 << 20;
    char *script = arena_bytes(&a, n + 1);
    memset(script, ' ', n);
    script[n] = 0;
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, (struct given){ .script = script });
    CHECK_INT("fails", h.result.outcome, SCRIPT_FAILED);
    CHECK("says how large", strstr(h.error, "at most 33554432 are sent"));
}

struct answer {
    struct bench *b;
    int count;
    size_t errors;
    char text[512];
};

static void on_parsed(void *ctx, const struct script_parsed *parsed)
{
    struct answer *answer = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    answer->count++;
    answer->errors = parsed->error_count;
    if (parsed->failure.n)
        snprintf(answer->text, sizeof answer->text, "%.*s", STR_ARG(parsed->failure));
    else if (parsed->error_count)
        snprintf(answer->text, sizeof answer->text, "%d:%d %.*s", parsed->errors[0].line, parsed->errors[0].column, STR_ARG(parsed->errors[0].message));
    else
        snprintf(answer->text, sizeof answer->text, "%.*s", STR_ARG(json_text(&a, parsed->parameters)));
    if (--answer->b->running == 0)
        loop_stop(answer->b->loop);
}

TEST(scripts_are_parsed)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .max_workers = 1 }));
    struct answer good = { .b = &b }, bad = good, fatal = good;
    b.running = 3;
    script_parse(b.pool, STR("param($PackageId)"), on_parsed, &good);
    script_parse(b.pool, STR("bad"), on_parsed, &bad);
    script_parse(b.pool, STR("die"), on_parsed, &fatal);
    wait_all(&b);
    CHECK_TEXT("its parameters", good.text, "[\"PackageId\"]");
    CHECK_TEXT("its error", bad.text, "2:7 Missing closing '}'");
    CHECK_TEXT("one that kills the worker", fatal.text, "the worker process that was asked ended with status 9");
    CHECK("each once", good.count == 1 && bad.count == 1 && fatal.count == 1);
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("wait"));
}

TEST(the_environment_of_a_worker)
{
    setenv("A_SECRET_OF_THE_SERVER", "canary", 1);
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("env"));
    CHECK("not the server's", !strstr(h.output, "canary"));
    CHECK("a home of its own", strstr(h.output, arena_printf(&b.arena, "\"HOME=%s/work/worker-", b.dir.p).p));
    CHECK("a limit for the heap", strstr(h.output, "\"DOTNET_GCHeapHardLimit=0x18000000\""));
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

// quality.md R12: whatever workers do, nothing of it stays with us.
TEST(failures_leave_nothing_behind)
{
    static const char *const scripts[] = { "die 9", "quit 1", "close", "raw ffffffff\nhang", "flood 300000\ndie 9", "lines 200\nwait", "spawn\nhang", "spawn\nfail x", "out 1", "frame {}\nhang" };
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 2, .grace_ms = 20 }));
    int descriptors = 0;
    int64_t bytes = 0;
    for (int round = 0; round < 15; round++) {
        CLEANUP(many_fini) struct many all = { 0 };
        for (size_t i = 0; i < COUNT(scripts); i++)
            start(&b, &all.h[i], (struct given){ .script = scripts[i], .owner = scripts[i], .timeout_ms = 200 });
        wait_all(&b);
        while (script_pool_idle(b.pool) < 2 && !b.is_late)
            turn(&b); // what is replaced has ended, what replaces it is there
        if (round == 2) {
            descriptors = open_descriptors();
            bytes = resident_bytes();
        }
    }
    // Workers that live now hold a few; each failure would have left one at least.
    CHECK("no descriptors", open_descriptors() <= descriptors + 30);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)bytes; // a sanitizer keeps what was freed
#else
    CHECK("no memory", resident_bytes() < bytes + (10 << 20));
#endif
}

// A listener on this machine's loopback that takes whoever comes; 0: none could be had.
static int open_listener(int *fd)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(*fd, (struct sockaddr *)&at, n) == 0 && listen(*fd, 8) == 0 && getsockname(*fd, (struct sockaddr *)&at, &n) == 0 ? ntohs(at.sin_port) : 0;
}

TEST(isolated_scripts_go_out_by_the_gateway_and_are_asked_about)
{
    static const bool sandboxed[] = { false, true };
    if (!process_can_own_network())
        return;
    int fd, port = open_listener(&fd);
    for (size_t i = 0; i < COUNT(sandboxed); i++) {
        CLEANUP(bench_fini) struct bench b = { 0 };
        REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .use_sandbox = sandboxed[i], .network = SCRIPT_NETWORK_ISOLATED }));
        CLEANUP(heard_fini) struct heard h = { 0 }, again = { 0 }, other = { 0 };
        CHECK("it is said", str_starts(str_from(script_pool_capabilities(b.pool).network), STR("isolated: ")));
        run(&b, &h, SCRIPT(arena_printf(&b.arena, "connect 169.254.169.254:80\nconnect 127.0.0.1:%d", port).p));
        CHECK_TEXT("one address is refused, the other answers", h.output, "[\"HTTP/1.1 403 Forbidden\",\"HTTP/1.1 200 Connection established\"]");
        CHECK_STR("the job was asked about both", buf_str(&h.calls), arena_printf(&b.arena, "egress 169.254.169.254 169.254.169.254 80\negress 127.0.0.1 127.0.0.1 %d\n", port));
        CHECK("the refusal stands in its log", str_find(buf_str(&h.log), STR("Warning Not allowed to connect to 169.254.169.254 (169.254.169.254, port 80): link-local\n")) >= 0);
        CHECK("and what came of it all", str_find(buf_str(&h.log), STR("Verbose Network: 2 connections through the server, 1 refused, 0 bytes sent, 0 received\n")) >= 0);
        run(&b, &again, SCRIPT("count\nkept"));
        CHECK_TEXT("in the next run its connections are closed", again.output, "[2,0]");
        CHECK_STR("of which there is nothing to say", buf_str(&again.log), STR(""));
        run(&b, &other, SCRIPT("env"));
        CHECK("proxies are named", strstr(other.output, "\"https_proxy=http://127.0.0.1:3128\"") && strstr(other.output, "\"HTTP_PROXY=http://127.0.0.1:3128\"") && strstr(other.output, "\"NO_PROXY=\""));
    }
    close(fd);
}

TEST(where_no_network_can_be_made_it_is_shared_or_none)
{
    process_forgo(PROCESS_NO_NETWORK);
    {
        CLEANUP(bench_fini) struct bench b = { 0 };
        REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
        CLEANUP(heard_fini) struct heard h = { 0 };
        CHECK("it is said, and why", strstr(script_pool_capabilities(b.pool).network, "shared: a network namespace cannot be had here"));
        run(&b, &h, SCRIPT("connect 127.0.0.1:1\nenv"));
        CHECK("there is no gateway", str_starts(str_from(h.output), STR("[\"Connection refused\"")) && !strstr(h.output, "proxy"));
    }
    {
        CLEANUP(bench_fini) struct bench b = { 0 };
        REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .network = SCRIPT_NETWORK_ISOLATED }));
        CLEANUP(heard_fini) struct heard h = { 0 };
        run(&b, &h, SCRIPT("log Info x"));
        CHECK("nothing runs where it must be isolated", h.result.outcome == SCRIPT_INTERRUPTED && !h.result.had_started);
        CHECK("it says why", strstr(h.error, "Scripts.Network is isolated, and a network namespace cannot be had here"));
        CHECK("and so do the capabilities", str_starts(str_from(script_pool_capabilities(b.pool).network), STR("none: ")));
    }
    process_forgo(0);
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .network = SCRIPT_NETWORK_SHARED }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("env"));
    CHECK("it is shared where that is asked for", !strstr(h.output, "proxy") && str_starts(str_from(script_pool_capabilities(b.pool).network), STR("shared, as Scripts.Network says")));
}

TEST(another_user_and_a_sandbox)
{
    if (!process_can_switch_user())
        return;
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .run_as_user = "nobody", .use_sandbox = true }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("touch mine\nls"));
    CHECK_TEXT("no error", h.error, "");
    CHECK_TEXT("it can write in its folder", h.output, "[\"mine\"]");
    struct script_capabilities c = script_pool_capabilities(b.pool);
    CHECK("as that user", strstr(c.containment, "as user nobody"));
    struct script_pool *pool;
    struct err e;
    CHECK("a user nobody knows is an error", !script_pool_open(&(struct script_pool_options){ .loop = b.loop, .runtime_dir = FAKE_RUNTIME_DIR,
        .work_dir = arena_printf(&b.arena, "%s/other", b.dir.p).p, .run_as_user = "no-such-user-here" }, &pool, &e));
    CHECK_TEXT("with its name", e.text, "the user for workers: there is no user no-such-user-here on this machine");
    chmod(b.dir.p, 0700);
    CHECK("so is a folder that user cannot come to", !script_pool_open(&(struct script_pool_options){ .loop = b.loop, .runtime_dir = FAKE_RUNTIME_DIR,
        .work_dir = arena_printf(&b.arena, "%s/other", b.dir.p).p, .run_as_user = "nobody" }, &pool, &e));
    CHECK("naming it", strstr(e.text, b.dir.p) && strstr(e.text, "chmod o+x"));
    chmod(b.dir.p, 0755);
}

TEST_MAIN()
