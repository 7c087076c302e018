// A job by itself, without a worker; with one it is tried in pool_test.c.
#include "script/job.h"

#include "tests/harness/check.h"

struct heard {
    int started;
    struct buf log;
    int lines, calls;
};

static void on_started(void *ctx)
{
    ((struct heard *)ctx)->started++;
}

static void on_log(void *ctx, const struct json *lines)
{
    struct heard *h = ctx;
    json_each(line, lines) {
        h->lines++;
        buf_printf(&h->log, "%.*s %.*s\n", STR_ARG(json_str(json_get(line, STR("Level")), STR("?"))), STR_ARG(json_str(json_get(line, STR("Text")), STR("?"))));
    }
}

static void on_call(void *ctx, const struct script_call *call)
{
    ((struct heard *)ctx)->calls++;
}

static void heard_fini(struct heard *h)
{
    buf_fini(&h->log);
}

static void job_freep(struct script_job **j)
{
    job_free(*j);
}

static struct script_job *new_job(struct heard *h, const char *frame)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j;
    struct script_job *job;
    struct err e;
    if (!json_parse(&a, str_from(frame), &j, &e) || !job_new(&(struct script_job_options){ .run_id = STR("Runs-9"), .fence = 3, .timeout_ms = 1, .frame = j, .ctx = h,
        .started = on_started, .log = on_log, .call = on_call }, &job, &e))
        abort();
    return job;
}

static bool take(struct script_job *j, const char *text, struct script_result *result, struct err *e)
{
    static struct arena a; // what a result points to must outlive the call
    struct frame f;
    arena_reset(&a);
    if (!frame_decode(&a, arena_str(&a, str_from(text)), &f, e))
        abort();
    return job_take(j, &f, &a, result, e);
}

#define RUN "\"RunId\":\"Runs-9\",\"Fence\":3"

TEST(the_run_frame)
{
    struct heard h = { 0 };
    CLEANUP(job_freep) struct script_job *j = new_job(&h, "{\"Script\":\"1\",\"Payload\":{\"n\":1.50}}");
    CHECK_STR("our members, then the caller's", str_skip(buf_str(&j->framed), 4), STR("{\"Type\":\"run\",\"RunId\":\"Runs-9\",\"Fence\":3,\"Script\":\"1\",\"Payload\":{\"n\":1.50}}"));
}

TEST(limits_are_the_smaller_ones)
{
    struct heard h = { 0 };
    CLEANUP(job_freep) struct script_job *j = new_job(&h, "{\"MaxLogLines\":5,\"MaxLogBytes\":999999999999,\"MaxLogLineBytes\":-1,\"MaxOutputBytes\":\"x\"}");
    CHECK_INT("lines", j->max_lines, 5);
    CHECK_INT("bytes", j->max_log_bytes, 4 * 1024 * 1024);
    CHECK_INT("of a line", j->max_line_bytes, 16 * 1024);
    CHECK_INT("of output", j->max_output_bytes, 1024 * 1024);
}

TEST(started_is_told_once)
{
    CLEANUP(heard_fini) struct heard h = { 0 };
    CLEANUP(job_freep) struct script_job *j = new_job(&h, "{}");
    struct script_result r;
    struct err e = { 0 };
    for (int i = 0; i < 3; i++)
        CHECK("goes on", !take(j, "{\"Type\":\"started\"," RUN "}", &r, &e) && e.kind == ERR_NONE);
    CHECK_INT("once", h.started, 1);
    CHECK("and kept", j->had_started);
}

TEST(results)
{
    CLEANUP(heard_fini) struct heard h = { 0 };
    CLEANUP(job_freep) struct script_job *j = new_job(&h, "{}");
    struct script_result r;
    struct err e = { 0 };
    static const struct { const char *frame, *error; } rows[] = {
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Succeeded\",\"Output\":[],\"ErrorMessage\":\"ignored\"}", "" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Failed\",\"Output\":[]}", "the script failed without saying why" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Failed\",\"Output\":[],\"ExitCode\":-1}", "the script ended with exit code -1" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Failed\",\"Output\":[],\"ErrorMessage\":\"m\",\"ErrorLine\":2}", "m (line 2, column 1)" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Failed\",\"Output\":[],\"ErrorMessage\":\"m\"}", "m" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK("complete", take(j, rows[i].frame, &r, &e));
        CHECK_STR(rows[i].frame, r.error, str_from(rows[i].error));
    }
}

TEST(calls_are_bounded)
{
    CLEANUP(heard_fini) struct heard h = { 0 };
    CLEANUP(job_freep) struct script_job *j = new_job(&h, "{}");
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct script_result r;
    struct err e = { 0 };
    for (int i = 1; i <= JOB_CALLS_OPEN_MAX + 10; i++)
        take(j, arena_printf(&a, "{\"Type\":\"call\"," RUN ",\"CallId\":%d,\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\"}", i).p, &r, &e);
    CHECK_INT("so many at a time", h.calls, JOB_CALLS_OPEN_MAX);
    job_reply(j, 5, &(struct script_reply){ .status = 200 });
    take(j, "{\"Type\":\"call\"," RUN ",\"CallId\":5000,\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\"}", &r, &e);
    CHECK_INT("an answer makes room", h.calls, JOB_CALLS_OPEN_MAX + 1);
    take(j, "{\"Type\":\"call\"," RUN ",\"CallId\":7,\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\"}", &r, &e);
    CHECK_INT("a number that waits already", e.kind, ERR_INVALID);
    CHECK_TEXT("breaks the rules", e.text, "frame call: CallId 7 is still waiting for its answer");
    while (j->open_count)
        job_reply(j, j->open_calls[0], &(struct script_reply){ .status = 200 });
    for (int i = 0; i < 10000; i++) {
        take(j, arena_printf(&a, "{\"Type\":\"call\"," RUN ",\"CallId\":%d,\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\"}", 10000 + i).p, &r, &e);
        job_reply(j, 10000 + i, &(struct script_reply){ .status = 200 });
        arena_reset(&a);
    }
    CHECK("so many in all", h.calls < 10000);
}

TEST(raw_output_in_any_pieces)
{
    static const char text[] = "one\r\n\ntwo \xe2\x82\xac\nthree";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        CLEANUP(heard_fini) struct heard h = { 0 };
        CLEANUP(job_freep) struct script_job *j = new_job(&h, "{}");
        for (str rest = { text, sizeof text - 1 }; rest.n; rest = str_skip(rest, piece))
            job_take_output(j, false, str_sub(rest, 0, piece));
        job_flush_output(j);
        job_flush_output(j);
        CHECK_STR("the same lines", buf_str(&h.log), STR("Host one\nHost \nHost two \xe2\x82\xac\nHost three\n"));
    }
}

TEST(broken_text_is_mended)
{
    static const struct { const char *claim; str in, want; } rows[] = {
        { "good text stays", STR_INIT("a\xc3\xa4"), STR_INIT("a\xc3\xa4") },
        { "a stray byte", STR_INIT("a\xff" "b"), STR_INIT("a\xEF\xBF\xBD" "b") },
        { "cut short", STR_INIT("\xe2\x82"), STR_INIT("\xEF\xBF\xBD\xEF\xBF\xBD") },
        { "a surrogate", STR_INIT("\xed\xa0\x80"), STR_INIT("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") },
        { "overlong", STR_INIT("\xc0\x80" "x"), STR_INIT("\xEF\xBF\xBD\xEF\xBF\xBD" "x") },
        { "good ones between", STR_INIT("\x80\xf0\x9f\x99\x82\x80"), STR_INIT("\xEF\xBF\xBD\xf0\x9f\x99\x82\xEF\xBF\xBD") },
        { "nothing", STR_INIT(""), STR_INIT("") },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        str got = job_repair_utf8(&a, rows[i].in);
        CHECK_STR(rows[i].claim, got, rows[i].want);
        CHECK("valid", str_is_utf8(got));
    }
}

TEST_MAIN()
