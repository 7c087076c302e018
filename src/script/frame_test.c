#include "script/frame.h"

#include "base/limits.h"
#include "tests/harness/check.h"

static void feed(struct frame_reader *r, str bytes)
{
    memcpy(frame_reader_room(r, bytes.n), bytes.p, bytes.n);
    frame_reader_wrote(r, bytes.n);
}

TEST(a_stream_is_cut_into_frames_wherever_it_breaks)
{
    static const char stream[] = "\0\0\0\2{}\0\0\0\5[1,2]";
    for (size_t cut = 0; cut < sizeof stream; cut++) {
        CLEANUP(frame_reader_fini) struct frame_reader r = { .max_bytes = 100 };
        struct err e;
        str body;
        int got = 0;
        const str parts[] = { { stream, cut }, { stream + cut, sizeof stream - 1 - MIN(cut, sizeof stream - 1) } };
        for (size_t i = 0; i < COUNT(parts); i++) {
            if (parts[i].n && cut < sizeof stream)
                feed(&r, str_sub(parts[i], 0, i ? parts[i].n : MIN(cut, sizeof stream - 1)));
            while (frame_next(&r, &body, &e) == FRAME_GOT)
                CHECK_STR("a body", body, got++ ? STR("[1,2]") : STR("{}"));
        }
        CHECK_INT("two of them", got, 2);
    }
}

TEST(lengths_are_bounded)
{
    static const struct { const char *claim; char bytes[4]; enum frame_next want; } rows[] = {
        { "none at all", { 0, 0, 0, 0 }, FRAME_BROKEN },
        { "the largest", { 0, 0, 0, 100 }, FRAME_MORE },
        { "one more", { 0, 0, 0, 101 }, FRAME_BROKEN },
        { "two gigabytes", { 0x7f, 0, 0, 0 }, FRAME_BROKEN },
        { "as a signed number it would be negative", { -1, -1, -1, -1 }, FRAME_BROKEN },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(frame_reader_fini) struct frame_reader r = { .max_bytes = 100 };
        struct err e = { 0 };
        str body;
        feed(&r, (str){ rows[i].bytes, 4 });
        CHECK_INT(rows[i].claim, frame_next(&r, &body, &e), rows[i].want);
    }
}

TEST(what_is_written_is_read_back)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf out = { 0 };
    struct err e;
    struct json *j = json_new_object(&a);
    json_add_str(&a, j, "Type", STR("exit"));
    CHECK_OK("written", frame_write(&out, j, &e), &e);
    CHECK_OK("again", frame_write(&out, j, &e), &e);
    CLEANUP(frame_reader_fini) struct frame_reader r = { .max_bytes = 100 };
    feed(&r, buf_str(&out));
    str body;
    for (int i = 0; i < 2; i++) {
        CHECK_INT("a frame", frame_next(&r, &body, &e), FRAME_GOT);
        CHECK_STR("the same", body, STR("{\"Type\":\"exit\"}"));
    }
    CHECK_INT("no more", frame_next(&r, &body, &e), FRAME_MORE);

    char *huge = arena_bytes(&a, LIMIT_WORKER_FRAME_BYTES);
    memset(huge, 'x', LIMIT_WORKER_FRAME_BYTES);
    size_t before = out.n;
    CHECK("what is too large is refused", !frame_write(&out, json_new_string(&a, (str){ huge, LIMIT_WORKER_FRAME_BYTES }), &e));
    CHECK_INT("by its kind", e.kind, ERR_TOO_LARGE);
    CHECK_INT("and leaves nothing behind", out.n, before);
    CLEANUP(buf_fini) struct buf full = { .max = 10 };
    CHECK("nor is more kept than a worker may owe us", !frame_write(&full, j, &e) && full.n == 0);
}

TEST(good_frames)
{
    static const struct { const char *claim, *text; enum frame_type want; } rows[] = {
        { "hello", "{\"Type\":\"hello\",\"Protocol\":1,\"Engine\":\"pwsh\",\"PSVersion\":\"7.6.0\",\"Pid\":5,\"Missing\":[\"Get-Job\"]}", FRAME_HELLO },
        { "hello that misses nothing", "{\"Type\":\"hello\",\"Protocol\":1,\"Engine\":\"pwsh\",\"PSVersion\":\"7.6.0\"}", FRAME_HELLO },
        { "ready", "{\"Type\":\"ready\",\"WorkingSetBytes\":123}", FRAME_READY },
        { "parsed", "{\"Type\":\"parsed\",\"Id\":3,\"Errors\":[{\"Message\":\"m\",\"Line\":1,\"Column\":2}],\"Parameters\":[\"a\"],\"Variables\":[]}", FRAME_PARSED },
        { "started", "{\"Type\":\"started\",\"RunId\":\"Runs-1\",\"Fence\":2}", FRAME_STARTED },
        { "log", "{\"Type\":\"log\",\"RunId\":\"Runs-1\",\"Fence\":2,\"Lines\":[{\"Time\":\"2026-01-01T00:00:00Z\",\"Level\":\"Info\",\"Text\":\"x\"}]}", FRAME_LOG },
        { "call", "{\"Type\":\"call\",\"RunId\":\"Runs-1\",\"Fence\":2,\"CallId\":1,\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/api\",\"Headers\":null,\"Body\":null}", FRAME_CALL },
        { "egress", "{\"Type\":\"egress\",\"RunId\":\"Runs-1\",\"Fence\":2,\"CallId\":1,\"Host\":\"h\",\"Address\":\"1.2.3.4\",\"Port\":443}", FRAME_EGRESS },
        { "done", "{\"Type\":\"done\",\"RunId\":\"Runs-1\",\"Fence\":2,\"Outcome\":\"Succeeded\",\"ExitCode\":null,\"Output\":[]}", FRAME_DONE },
        { "what a later version may say", "{\"Type\":\"progress\",\"RunId\":7}", FRAME_UNKNOWN },
        { "a field of a later version", "{\"Type\":\"ready\",\"Mood\":[1]}", FRAME_READY },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct frame f;
        struct err e;
        if (CHECK_OK(rows[i].claim, frame_decode(&a, str_from(rows[i].text), &f, &e), &e))
            CHECK_INT(rows[i].claim, f.type, rows[i].want);
    }
}

#define RUN "\"RunId\":\"Runs-1\",\"Fence\":2"
#define CALL "{\"Type\":\"call\"," RUN ",\"CallId\":1,"

TEST(bad_frames_say_what_is_wrong)
{
    static const struct { const char *text, *want; } rows[] = {
        { "[]", "a frame must be an object, not array" },
        { "{}", "frame of no type: Type must be text, not nothing" },
        { "{\"Type\":1}", "frame of no type: Type must be text, not number" },
        { "{\"Type\":\"started\",\"Fence\":2}", "frame started: RunId must be text, not nothing" },
        { "{\"Type\":\"started\",\"RunId\":\"a\",\"Fence\":\"2\"}", "frame started: Fence must be an integer in its range, not string" },
        { "{\"Type\":\"started\",\"RunId\":\"a\",\"Fence\":1.5}", "frame started: Fence must be an integer in its range, not number" },
        { "{\"Type\":\"started\",\"RunId\":\"a\",\"Fence\":99999999999999999999}", "frame started: Fence must be an integer in its range, not number" },
        { "{\"Type\":\"hello\",\"Protocol\":2,\"Engine\":\"pwsh\",\"PSVersion\":\"7\"}", "the worker speaks protocol version 2, this server version 1: both must come from one build" },
        { "{\"Type\":\"hello\",\"Protocol\":1,\"PSVersion\":\"7\"}", "frame hello: Engine must be text, not nothing" },
        { "{\"Type\":\"hello\",\"Protocol\":1,\"Engine\":\"pwsh\",\"PSVersion\":\"7\",\"Missing\":[1]}", "frame hello: Missing must be an array of text, not array" },
        { "{\"Type\":\"parsed\",\"Id\":1,\"Errors\":{},\"Parameters\":[],\"Variables\":[]}", "frame parsed: Errors must be an array, not object" },
        { "{\"Type\":\"parsed\",\"Id\":1,\"Errors\":[1],\"Parameters\":[],\"Variables\":[]}", "frame parsed: Errors: Message must be text, not nothing" },
        { "{\"Type\":\"parsed\",\"Id\":1,\"Errors\":[],\"Parameters\":[null],\"Variables\":[]}", "frame parsed: Parameters must be an array of text, not array" },
        { "{\"Type\":\"log\"," RUN "}", "frame log: Lines must be an array, not nothing" },
        { "{\"Type\":\"log\"," RUN ",\"Lines\":[{\"Time\":\"yesterday\",\"Level\":\"Info\",\"Text\":\"\"}]}", "frame log: Lines: Time must be an ISO 8601 instant, not string" },
        { "{\"Type\":\"log\"," RUN ",\"Lines\":[{\"Time\":\"2026-01-01T00:00:00Z\",\"Level\":\"info\",\"Text\":\"\"}]}", "frame log: Lines: Level must be a known level, not string" },
        { "{\"Type\":\"log\"," RUN ",\"Lines\":[{\"Time\":\"2026-01-01T00:00:00Z\",\"Level\":\"Info\"}]}", "frame log: Lines: Text must be text, not nothing" },
        { CALL "\"Purpose\":\"smtp\",\"Method\":\"GET\",\"Path\":\"/\"}", "frame call: Purpose must be octopus or feed, not string" },
        { CALL "\"Purpose\":\"feed\",\"Method\":\"GET\",\"Path\":\"/\"}", "frame call: Url must be text, not nothing" },
        { CALL "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\",\"Headers\":{\"A\":1}}", "frame call: Headers must be an object of text, not object" },
        { CALL "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\",\"BodyBase64\":\"!\"}", "frame call: BodyBase64 must be base64, and no Body beside it, not string" },
        { CALL "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\",\"Body\":\"\",\"BodyBase64\":\"\"}", "frame call: BodyBase64 must be base64, and no Body beside it, not string" },
        { "{\"Type\":\"call\"," RUN ",\"CallId\":0,\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\"}", "frame call: CallId must be an integer in its range, not number" },
        { "{\"Type\":\"egress\"," RUN ",\"CallId\":1,\"Host\":\"h\",\"Address\":\"a\",\"Port\":65536}", "frame egress: Port must be an integer in its range, not number" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Fine\",\"Output\":[]}", "frame done: Outcome must be Succeeded or Failed, not string" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Succeeded\",\"Output\":{}}", "frame done: Output must be an array, not object" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Succeeded\",\"Output\":[],\"ExitCode\":4294967296}", "frame done: ExitCode must be an integer in its range, not number" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Succeeded\",\"Output\":[],\"Variables\":{\"a\":null}}", "frame done: Variables must be an object of text, not object" },
        { "{\"Type\":\"done\"," RUN ",\"Outcome\":\"Succeeded\",\"Output\":[],\"Recycle\":\"yes\"}", "frame done: Recycle must be true or false, not string" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct frame f;
        struct err e = { 0 };
        CHECK(rows[i].text, !frame_decode(&a, str_from(rows[i].text), &f, &e));
        CHECK_TEXT("why", e.text, rows[i].want);
    }
    static const char *const not_json[] = { "", "{", "{\"Type\":\"ready\"} x", "{\"Type\":\"ready\",\"Type\":\"done\"}", "\xff", "{\"Type\":\"\\ud800\"}", "nul" };
    for (size_t i = 0; i < COUNT(not_json); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct frame f;
        struct err e = { 0 };
        CHECK(not_json[i], !frame_decode(&a, str_from(not_json[i]), &f, &e) && !strncmp(e.text, "a frame: ", 9));
    }
}

TEST(impossible_requests_get_an_answer)
{
    static const struct { const char *fields, *want; } rows[] = {
        { "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/api\"}", "" },
        { "\"Purpose\":\"octopus\",\"Method\":\"get\",\"Path\":\"/api?x=1\",\"Headers\":{\"A\":\"b\"}}", "" },
        { "\"Purpose\":\"feed\",\"Method\":\"GET\",\"Url\":\"https://feed.example.com/x\"}", "" },
        { "\"Purpose\":\"octopus\",\"Method\":\"\",\"Path\":\"/\"}", "Method: [] is not an HTTP method" },
        { "\"Purpose\":\"octopus\",\"Method\":\"GET /x\",\"Path\":\"/\"}", "Method: [GET /x] is not an HTTP method" },
        { "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"api\"}", "Path: must begin with one /, as in /api/Spaces-1/projects" },
        { "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"//evil.example.com/\"}", "Path: must begin with one /, as in /api/Spaces-1/projects" },
        { "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/a\\r\\nHost: x\"}", "Path: blanks and control characters must be percent-encoded" },
        { "\"Purpose\":\"feed\",\"Method\":\"GET\",\"Url\":\"file:///etc/passwd\"}", "Url: must begin with http:// or https://" },
        { "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\",\"Headers\":{\"A\":\"b\\r\\nC: d\"}}", "Headers: a name or value holds characters that no header can" },
        { "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\",\"Headers\":{\"A:b\":\"c\"}}", "Headers: a name or value holds characters that no header can" },
        { "\"Purpose\":\"octopus\",\"Method\":\"GET\",\"Path\":\"/\",\"Headers\":{\"\":\"c\"}}", "Headers: a name or value holds characters that no header can" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct frame f;
        struct err e = { 0 };
        if (CHECK_OK(rows[i].fields, frame_decode(&a, arena_printf(&a, CALL "%s", rows[i].fields), &f, &e), &e))
            CHECK_STR("what is wrong", f.call.problem, str_from(rows[i].want));
    }
}

TEST(contents_arrive)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct frame f;
    struct err e;
    CHECK_OK("a call with bytes", frame_decode(&a, STR(CALL "\"Purpose\":\"feed\",\"Method\":\"POST\",\"Url\":\"http://x\",\"BodyBase64\":\"AAH/\"}"), &f, &e), &e);
    CHECK("is one of a feed", f.call.is_feed && f.call.has_body);
    CHECK_STR("its bytes", f.call.body, STR("\0\1\xff"));
    CHECK_OK("a log", frame_decode(&a, STR("{\"Type\":\"log\"," RUN ",\"Lines\":[{\"Time\":\"2026-01-01T02:00:00+02:00\",\"Level\":\"Host\",\"Text\":\"a\\u0000b\",\"Evil\":{}}]}"), &f, &e), &e);
    CHECK_STR("its line, and nothing else", json_text(&a, f.lines), STR("[{\"Time\":\"2026-01-01T00:00:00.000Z\",\"Level\":\"Host\",\"Text\":\"a\\u0000b\"}]"));
    CHECK_OK("an end", frame_decode(&a, STR("{\"Type\":\"done\"," RUN ",\"Outcome\":\"Failed\",\"ExitCode\":3,\"Output\":[1],\"OutputTruncated\":true,\"ErrorMessage\":\"m\",\"ErrorLine\":4,\"ErrorColumn\":5,"
        "\"Variables\":{\"a\":\"b\"},\"WorkingSetBytes\":7,\"Recycle\":true,\"RecycleReason\":\"r\"}"), &f, &e), &e);
    CHECK("failed", !f.done.is_success && f.done.has_exit_code && f.done.is_output_truncated && f.done.wants_recycling);
    CHECK_INT("exit code", f.done.exit_code, 3);
    CHECK_INT("line", f.done.line, 4);
    CHECK_STR("message", f.done.error, STR("m"));
    CHECK_STR("run", f.run_id, STR("Runs-1"));
    CHECK_INT("fence", f.fence, 2);
}

TEST_MAIN()
