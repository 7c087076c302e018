// script: one PowerShell script, run by the same worker, with the same variables, limits and streams as in a
// reaction. There is no server: the Octopus functions say so; feeds are fetched from here, under the settings'
// egress policy. Log lines go to standard error as they come, the output to standard output as JSON.
#include "app/cmd_script.h"

#include "app/settings.h"
#include "base/encode.h"
#include "base/limits.h"
#include "http/address.h"
#include "http/client.h"
#include "reaction/payload.h"
#include "script/pool.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (16 << 20)

static const char usage[] = "reactions script FILE [--engine pwsh|bundled|auto] [--payload FILE] [--timeout SECONDS] [--config FILE] [--runtime DIR]";

struct session {
    struct arena arena;
    struct settings settings;
    struct loop *loop;
    struct http_client *http;
    struct egress *egress;
    struct script_pool *pool;
    struct script_job *job;
    str work;
    bool is_coloured, has_succeeded;
    int status; // of the program
};

// --- usage

struct wanted {
    const char *file, *payload, *engine;
    int64_t timeout_s;
    char *of_settings[8]; // flags that settings_read understands, behind a first word
    int of_settings_count;
};

static int say_usage(const char *what, const char *problem)
{
    fprintf(stderr, "reactions: %s%s%s\nusage: %s\n", what, *what ? ": " : "", problem, usage);
    return 2;
}

// 0: go on. Else the exit status, and it has been said; -1 for --help.
static int read_flags(int argc, char **argv, struct wanted *w)
{
    w->of_settings[w->of_settings_count++] = argv[0];
    w->timeout_s = 300;
    for (int i = 1; i < argc; i++) {
        str word = str_from(argv[i]);
        if (str_eq(word, STR("--help"))) {
            printf("usage: %s\n", usage);
            return -1;
        }
        if (!str_starts(word, STR("--"))) {
            if (w->file)
                return say_usage(argv[i], "one file is run at a time");
            w->file = argv[i];
            continue;
        }
        if (i + 1 == argc)
            return say_usage(argv[i], "a value must follow");
        const char *value = argv[++i];
        if (str_eq(word, STR("--payload")))
            w->payload = value;
        else if (str_eq(word, STR("--engine")))
            w->engine = value;
        else if (str_eq(word, STR("--timeout"))) {
            if (!str_to_i64(str_from(value), &w->timeout_s) || w->timeout_s < 1 || w->timeout_s > 86400)
                return say_usage("--timeout", "must be a number of seconds, 1 to 86400");
        } else if ((str_eq(word, STR("--config")) || str_eq(word, STR("--runtime"))) && w->of_settings_count + 2 <= (int)COUNT(w->of_settings)) {
            w->of_settings[w->of_settings_count++] = argv[i - 1];
            w->of_settings[w->of_settings_count++] = argv[i];
        } else
            return say_usage(argv[i - 1], "unknown flag");
    }
    if (!w->file)
        return say_usage("", "name the file of the script (- for standard input)");
    static const char *const engines[] = { "auto", "bundled", "pwsh" };
    for (size_t i = 0; w->engine && i < COUNT(engines); i++)
        if (!strcmp(w->engine, engines[i]))
            return 0;
    return w->engine ? say_usage("--engine", "must be pwsh, bundled or auto") : 0;
}

// --- what the script finds

static bool read_input(const char *name, struct arena *a, str *out, struct err *e)
{
    return file_read(strcmp(name, "-") ? name : "/dev/stdin", FILE_MAX_BYTES, a, out, e);
}

// JSON where it is JSON, else text, else bytes.
static void add_payload(struct json *frame, str body, bool has_payload, struct arena *a)
{
    struct json *parsed = NULL;
    struct err e;
    const char *kind = "none", *type = NULL;
    if (has_payload && json_parse(a, body, &parsed, &e)) {
        kind = "json";
        type = "application/json";
    } else if (has_payload && str_is_utf8(body)) {
        kind = "text";
        type = "text/plain";
        parsed = json_new_string(a, body);
    } else if (has_payload) {
        kind = "bytes";
        type = "application/octet-stream";
        parsed = json_new_string(a, base64_encode(a, body, BASE64_STANDARD));
    }
    json_add_str(a, frame, "PayloadKind", str_from(kind));
    json_add(frame, STR("Payload"), parsed ? parsed : json_new_null(a));
    struct json *request = json_add(frame, STR("Request"), json_new_object(a));
    json_add_str(a, request, "Method", STR("POST"));
    json_add_str(a, request, "Path", STR("/triggers/script"));
    struct json *headers = json_add(request, STR("Headers"), json_new_object(a));
    if (type)
        json_add_str(a, headers, "Content-Type", str_from(type));
    json_add_str(a, request, "Body", !has_payload ? (str){ 0 } : str_is_utf8(body) ? body : base64_encode(a, body, BASE64_STANDARD));
    json_add_str(a, request, "ContentType", type ? str_from(type) : (str){ 0 });
    json_add_str(a, request, "RemoteAddress", STR("127.0.0.1"));
}

static struct json *build_frame(str script, str name, str body, bool has_payload, const struct wanted *w, struct arena *a)
{
    struct json *frame = json_new_object(a);
    json_add_str(a, frame, "Script", script);
    json_add_i64(a, frame, "TimeoutSeconds", w->timeout_s);
    json_add_bool(a, frame, "IsDryRun", false);
    json_add_str(a, frame, "SpaceId", STR("Spaces-1"));
    json_add_str(a, frame, "ReactionId", STR("Reactions-0"));
    json_add_str(a, frame, "ReactionName", name);
    json_add_i64(a, frame, "Attempt", 1);
    struct json *event = json_add(frame, STR("Event"), json_new_object(a));
    json_add_str(a, event, "Id", STR("Events-0"));
    json_add_str(a, event, "SpaceId", STR("Spaces-1"));
    json_add_str(a, event, "Source", STR("External"));
    json_add_str(a, event, "Trigger", STR("script"));
    json_add_str(a, event, "Type", STR("script"));
    json_add_time(a, event, "Occurred", clock_wall_ms(&clock_system));
    json_add_time(a, event, "Received", clock_wall_ms(&clock_system));
    add_payload(frame, body, has_payload, a);
    json_add(frame, STR("Query"), json_new_object(a));
    json_add(frame, STR("Route"), json_new_object(a));
    struct json *parameters = json_add(frame, STR("OctopusParameters"), json_new_object(a));
    json_add_str(a, parameters, "Reactions.Run.Id", STR("Runs-0"));
    static const char *const ids[] = { "ProjectId", "ReleaseId", "DeploymentId", "EnvironmentId", "TenantId", "MachineId", "TaskId", "ChannelId", "SpaceId" };
    struct json *of_event = json_add(frame, STR("Ids"), json_new_object(a));
    for (size_t i = 0; i < COUNT(ids); i++)
        json_add_null(a, of_event, ids[i]);
    json_add_null(a, frame, "Octopus");
    json_add_str(a, frame, "NoClientReason", STR("reactions script runs without the server, which holds the keys of identities: save the reaction and use reactions test or reactions fire"));
    json_add_null(a, frame, "OctopusClient");
    json_add(frame, STR("Modules"), json_new_array(a));
    json_add_i64(a, frame, "MaxLogLines", LIMIT_RUN_LOG_LINES);
    json_add_i64(a, frame, "MaxLogBytes", LIMIT_RUN_LOG_BYTES);
    json_add_i64(a, frame, "MaxLogLineBytes", LIMIT_RUN_LOG_LINE_BYTES);
    json_add_i64(a, frame, "MaxOutputBytes", LIMIT_RUN_OUTPUT_BYTES);
    return frame;
}

// --- what it says

static void on_log(void *ctx, const struct json *lines)
{
    struct session *s = ctx;
    static const struct { str level; const char *colour; } looks[] = {
        { STR_INIT("Error"), "31" }, { STR_INIT("Warning"), "33" }, { STR_INIT("Highlight"), "36" }, { STR_INIT("Verbose"), "2" }, { STR_INIT("Debug"), "2" },
    };
    json_each(line, lines) {
        str level = json_str(json_get(line, STR("Level")), STR("")), text = json_str(json_get(line, STR("Text")), STR(""));
        if (str_eq(level, STR("Output"))) // comes as the output, at the end
            continue;
        const char *colour = NULL;
        for (size_t i = 0; i < COUNT(looks) && s->is_coloured; i++)
            if (str_eq(level, looks[i].level))
                colour = looks[i].colour;
        if (colour)
            fprintf(stderr, "\033[%sm", colour);
        if (!str_eq(level, STR("Host")) && !str_eq(level, STR("Info")))
            fprintf(stderr, "%.*s: ", STR_ARG(level));
        fprintf(stderr, "%.*s%s\n", STR_ARG(text), colour ? "\033[0m" : "");
    }
}

struct feed_call {
    struct session *session;
    int64_t id;
};

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct feed_call *call = ctx;
    struct session *s = call->session;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *headers = json_new_object(&a);
    for (size_t i = 0; i < reply->header_count; i++)
        json_put(headers, reply->headers[i].name, json_new_string(&a, reply->headers[i].value));
    struct script_reply out = { .status = reply->status, .headers = headers, .body = reply->body, .error = reply->error.kind ? str_from(reply->error.text) : STR("") };
    if (s->job) // its script may have ended without waiting
        script_call_reply(s->job, call->id, &out);
    free(call);
}

static void on_call(void *ctx, const struct script_call *call)
{
    struct session *s = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    if (!call->is_feed) {
        script_call_reply(s->job, call->id, &(struct script_reply){ .error = STR("there is no server to ask: reactions script runs without one") });
        return;
    }
    struct http_header *headers = ARENA_ARRAY(&a, struct http_header, (call->headers ? call->headers->count : 0) + 1);
    size_t count = 0;
    json_each(header, call->headers)
        headers[count++] = (struct http_header){ header->name, header->text };
    struct feed_call *f = xmalloc(sizeof *f);
    *f = (struct feed_call){ s, call->id };
    http_call_start(s->http, &(struct http_call_options){ .method = call->method, .url = call->path_or_url, .headers = headers, .header_count = count, .body = call->body, .purpose = EGRESS_FEED }, on_reply, f);
}

static bool on_egress(void *ctx, str host, str address, int port, str *reason)
{
    struct session *s = ctx;
    struct sockaddr_storage sa = { 0 };
    struct ip ip;
    struct err e;
    if (!ip_parse(address, &ip)) {
        *reason = STR("not an address");
        return false;
    }
    ip_to_sockaddr(&ip, port, &sa);
    if (egress_allows(s->egress, (struct sockaddr *)&sa, host, port, EGRESS_SCRIPT, &e))
        return true;
    *reason = arena_str(&s->arena, str_from(e.text));
    return false;
}

static void on_closed(void *ctx)
{
    loop_stop(((struct session *)ctx)->loop);
}

static void on_done(void *ctx, const struct script_result *r)
{
    struct session *s = ctx;
    CLEANUP(buf_fini) struct buf text = { 0 };
    s->job = NULL;
    s->has_succeeded = r->outcome == SCRIPT_SUCCEEDED;
    if (r->output->count) {
        json_write(&text, r->output, true);
        printf("%.*s\n", STR_ARG(buf_str(&text)));
    }
    fflush(stdout);
    if (!s->has_succeeded)
        fprintf(stderr, "reactions: %.*s\n", STR_ARG(r->error));
    script_pool_close(s->pool, on_closed, s);
}

static void on_interrupt(void *ctx, int signal_number UNUSED)
{
    struct session *s = ctx;
    if (s->job)
        script_job_cancel(s->job, "stopped by Ctrl-C");
}

// --- the whole

static const struct egress *the_egress(void *ctx)
{
    return ((struct session *)ctx)->egress;
}

static const char *runtime_dir(struct session *s)
{
    if (s->settings.runtime.n)
        return arena_cstr(&s->arena, s->settings.runtime);
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self);
    str path = { self, n > 0 ? (size_t)n : 0 };
    return arena_printf(&s->arena, "%.*s/powershell", (int)MAX(str_find_last_char(path, '/'), (ptrdiff_t)0), self).p;
}

static bool begin(struct session *s, const struct wanted *w, struct err *e)
{
    struct arena *a = &s->arena;
    str script, body = { 0 };
    if (!read_input(w->file, a, &script, e) || (w->payload && !read_input(w->payload, a, &body, e)))
        return false;
    if (!str_is_utf8(script))
        return err_set(e, ERR_INVALID, "%s is not UTF-8 text", w->file);
    if (str_starts(script, STR("\xEF\xBB\xBF")))
        script = str_skip(script, 3); // editors put it there; the parser of an action never sees one
    str engine = w->engine ? str_from(w->engine) : s->settings.script_engine;
    struct script_pool_options pool = {
        .engine = str_eq(engine, STR("bundled")) ? SCRIPT_ENGINE_BUNDLED : str_eq(engine, STR("pwsh")) ? SCRIPT_ENGINE_PWSH : SCRIPT_ENGINE_AUTO,
        .runtime_dir = runtime_dir(s),
        .max_workers = 1,
        .network = str_eq_nocase(s->settings.script_network, STR("isolated")) ? SCRIPT_NETWORK_ISOLATED : str_eq_nocase(s->settings.script_network, STR("shared")) ? SCRIPT_NETWORK_SHARED : SCRIPT_NETWORK_AUTO,
    };
    struct http_client_options http = { .egress = the_egress, .egress_ctx = s, .user_agent = "OctopusReactions/1 (reactions script)" };
    if (!egress_new(s->settings.egress_allow, s->settings.egress_count, &s->egress, e) || !loop_open(&s->loop, e))
        return false;
    pool.loop = http.loop = s->loop;
    if (!loop_on_signal(s->loop, SIGINT, on_interrupt, s, e) || !loop_on_signal(s->loop, SIGTERM, on_interrupt, s, e))
        return false;
    if (!http_client_open(&http, &s->http, e) || !file_temp_dir(a, "reactions-script", &s->work, e))
        return false;
    pool.work_dir = s->work.p;
    if (!script_pool_open(&pool, &s->pool, e))
        return false;
    s->is_coloured = isatty(2) && !getenv("NO_COLOR");
    s->job = script_job_start(s->pool, &(struct script_job_options){ .owner = STR("script"), .run_id = STR("Runs-0"), .fence = 1, .timeout_ms = w->timeout_s * 1000,
        .memory_bytes = (s->settings.memory_megabytes > 0 ? s->settings.memory_megabytes : 512) << 20, .frame = build_frame(script, str_from(w->file), body, w->payload, w, a),
        .ctx = s, .log = on_log, .call = on_call, .egress = on_egress, .done = on_done });
    loop_run(s->loop);
    return true;
}

int cmd_script(int argc, char **argv)
{
    struct session s = { 0 };
    struct wanted w = { 0 };
    struct err e = { 0 };
    int status = read_flags(argc, argv, &w);
    if (status)
        return MAX(status, 0);
    if (!settings_read(w.of_settings_count, w.of_settings, &s.arena, &s.settings, &e) || !begin(&s, &w, &e))
        fprintf(stderr, "reactions: %s\n", e.text);
    if (s.http)
        http_client_close(s.http);
    loop_close(s.loop);
    egress_free(s.egress);
    if (s.work.n && !file_remove_tree(s.work.p, &e))
        fprintf(stderr, "reactions: %s\n", e.text);
    arena_fini(&s.arena);
    return s.has_succeeded ? 0 : 1;
}
