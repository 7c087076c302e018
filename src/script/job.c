#include "script/job.h"

#include "base/encode.h"
#include "base/limits.h"
#include "base/timetext.h"
#include "script/worker.h"
#include "sys/clock.h"

#include <stdio.h>

// --- what it is given

static int64_t limit_of(const struct json *frame, const char *name, int64_t max)
{
    int64_t v;
    return json_i64(json_get(frame, str_from(name)), &v) && v > 0 && v < max ? v : max;
}

// Members of the caller's frame behind our own; the nodes are copied, what they hold is not.
static struct json *run_frame(struct arena *a, const struct script_job_options *opt)
{
    struct json *frame = json_new_object(a);
    json_add_str(a, frame, "Type", STR("run"));
    json_add_str(a, frame, "RunId", opt->run_id);
    json_add_i64(a, frame, "Fence", opt->fence);
    json_each(member, opt->frame) {
        struct json *copy = ARENA_NEW(a, struct json);
        *copy = *member;
        copy->next = NULL;
        json_add(frame, member->name, copy);
    }
    return frame;
}

bool job_new(const struct script_job_options *opt, struct script_job **out, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf framed = { 0 };
    if (!frame_write(&framed, run_frame(&a, opt), e))
        return false;
    struct script_job *j = xcalloc(1, sizeof *j);
    j->framed = framed;
    framed = (struct buf){ 0 };
    j->opt = *opt;
    j->run_id = arena_str(&j->arena, opt->run_id);
    j->fence = opt->fence;
    j->timeout_ms = opt->timeout_ms;
    j->memory_bytes = opt->memory_bytes;
    j->is_isolated = opt->is_isolated;
    j->max_lines = limit_of(opt->frame, "MaxLogLines", LIMIT_RUN_LOG_LINES);
    j->max_log_bytes = limit_of(opt->frame, "MaxLogBytes", LIMIT_RUN_LOG_BYTES);
    j->max_line_bytes = limit_of(opt->frame, "MaxLogLineBytes", LIMIT_RUN_LOG_LINE_BYTES);
    j->max_output_bytes = limit_of(opt->frame, "MaxOutputBytes", LIMIT_RUN_OUTPUT_BYTES);
    j->opt.frame = NULL; // the caller's, no longer ours to read
    j->opt.run_id = j->opt.owner = (str){ 0 };
    *out = j;
    return true;
}

void job_free(struct script_job *j)
{
    if (!j)
        return;
    loop_timer_free(j->timer);
    buf_fini(&j->framed);
    buf_fini(&j->out.line);
    buf_fini(&j->err.line);
    arena_fini(&j->arena);
    free(j);
}

// --- its log

// At most max bytes, cut between characters, and a word that says so.
static str cut_line(struct arena *a, str text, int64_t max)
{
    if ((int64_t)text.n <= max)
        return text;
    size_t n = (size_t)max;
    while (n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    return arena_printf(a, "%.*s... (%zu bytes more)", (int)n, text.p, text.n - n);
}

static struct json *new_line(struct arena *a, str level, str text)
{
    struct json *line = json_new_object(a);
    json_add_time(a, line, "Time", clock_wall_ms(&clock_system));
    json_add_str(a, line, "Level", level);
    json_add_str(a, line, "Text", text);
    return line;
}

// The worker has limits of its own; they are not believed.
static void tell_lines(struct script_job *j, const struct json *lines, struct arena *a)
{
    struct json *kept = json_new_array(a);
    for (const struct json *line = lines->first, *next; line && !j->is_log_full; line = next) {
        next = line->next;
        str text = cut_line(a, json_str(json_get(line, STR("Text")), STR("")), j->max_line_bytes);
        if (j->lines >= j->max_lines || j->log_bytes + (int64_t)text.n > j->max_log_bytes) {
            j->is_log_full = true;
            json_push(kept, new_line(a, STR("Warning"), arena_printf(a, "The log ends here: it has reached its limit of %" PRId64 " lines or %" PRId64 " bytes.", j->max_lines, j->max_log_bytes)));
            break;
        }
        j->lines++;
        j->log_bytes += (int64_t)text.n;
        struct json *copy = json_push(kept, json_new_object(a));
        json_add_str(a, copy, "Time", json_str(json_get(line, STR("Time")), STR("")));
        json_add_str(a, copy, "Level", json_str(json_get(line, STR("Level")), STR("")));
        json_add_str(a, copy, "Text", text);
    }
    if (kept->count && j->opt.log)
        j->opt.log(j->opt.ctx, kept);
}

void job_tell(struct script_job *j, str level, const char *fmt, ...)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *lines = json_new_array(&a);
    va_list args;
    va_start(args, fmt);
    json_push(lines, new_line(&a, level, job_repair_utf8(&a, arena_vprintf(&a, fmt, args))));
    va_end(args);
    tell_lines(j, lines, &a);
}

str job_repair_utf8(struct arena *a, str bytes)
{
    if (str_is_utf8(bytes))
        return bytes;
    char *out = arena_bytes(a, bytes.n * 3), *at = out;
    for (size_t i = 0; i < bytes.n;) {
        unsigned char lead = (unsigned char)bytes.p[i];
        size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (i + n <= bytes.n && str_is_utf8(str_sub(bytes, i, n))) {
            memcpy(at, bytes.p + i, n);
            at += n;
            i += n;
        } else {
            memcpy(at, "\xEF\xBF\xBD", 3);
            at += 3;
            i++;
        }
    }
    return (str){ out, (size_t)(at - out) };
}

static void end_line(struct script_job *j, struct job_console *c, struct json *lines, struct arena *a)
{
    str text = buf_str(&c->line);
    if (str_ends(text, STR("\r")))
        text.n--;
    text = job_repair_utf8(a, text);
    json_push(lines, new_line(a, c == &j->err ? STR("Warning") : STR("Host"), arena_str(a, text)));
    buf_clear(&c->line);
    c->is_cut = false;
}

// What was written to the process's own descriptors (by [Console]::Write and programs that share them).
void job_take_output(struct script_job *j, bool is_stderr, str bytes)
{
    if (j->is_log_full)
        return;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct job_console *c = is_stderr ? &j->err : &j->out;
    struct json *lines = json_new_array(&a);
    while (bytes.n) {
        ptrdiff_t end = str_find_char(bytes, '\n');
        str part = str_sub(bytes, 0, end < 0 ? bytes.n : (size_t)end);
        size_t room = (size_t)j->max_line_bytes - MIN((size_t)j->max_line_bytes, c->line.n);
        buf_add(&c->line, str_sub(part, 0, room)); // the rest of an endless line is passed over
        c->is_cut |= part.n > room;
        bytes = str_skip(bytes, part.n + (end >= 0));
        if (end >= 0)
            end_line(j, c, lines, &a);
    }
    if (lines->count)
        tell_lines(j, lines, &a);
}

void job_flush_output(struct script_job *j)
{
    struct job_console *both[] = { &j->out, &j->err };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *lines = json_new_array(&a);
    for (size_t i = 0; i < COUNT(both); i++)
        if (both[i]->line.n)
            end_line(j, both[i], lines, &a);
    if (lines->count && !j->is_log_full)
        tell_lines(j, lines, &a);
}

// --- its requests

static void send_of_run(struct script_job *j, struct arena *a, struct json *frame)
{
    struct err e;
    json_add_str(a, frame, "RunId", j->run_id);
    json_add_i64(a, frame, "Fence", j->fence);
    // A worker that does not read what it asked for has itself to thank: it is the same as one that never answers.
    if (j->worker && !worker_send(j->worker, frame, &e))
        worker_kill(j->worker);
}

bool job_send_cancel(struct script_job *j, const char *reason)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *frame = json_new_object(&a);
    struct err e;
    json_add_str(&a, frame, "Type", STR("cancel"));
    json_add_str(&a, frame, "RunId", j->run_id);
    json_add_i64(&a, frame, "Fence", j->fence);
    json_add_str(&a, frame, "Reason", job_repair_utf8(&a, str_from(reason)));
    return worker_send(j->worker, frame, &e);
}

static void send_reply(struct script_job *j, int64_t call_id, const struct script_reply *reply)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *frame = json_new_object(&a);
    json_add_str(&a, frame, "Type", STR("reply"));
    json_add_i64(&a, frame, "CallId", call_id);
    json_add_i64(&a, frame, "Status", reply->status);
    json_add(frame, STR("Headers"), reply->headers ? json_copy(&a, reply->headers) : json_new_object(&a));
    bool is_text = str_is_utf8(reply->body);
    json_add_str(&a, frame, "Body", is_text ? (str){ reply->body.p ? reply->body.p : "", reply->body.n } : (str){ 0 });
    if (!is_text)
        json_add_str(&a, frame, "BodyBase64", base64_encode(&a, reply->body, BASE64_STANDARD));
    json_add_bool(&a, frame, "Withheld", reply->is_withheld);
    json_add_str(&a, frame, "Error", reply->error.n ? job_repair_utf8(&a, reply->error) : (str){ 0 });
    send_of_run(j, &a, frame);
}

void job_reply(struct script_job *j, int64_t call_id, const struct script_reply *reply)
{
    for (size_t i = 0; i < j->open_count; i++)
        if (j->open_calls[i] == call_id) {
            j->open_calls[i] = j->open_calls[--j->open_count];
            send_reply(j, call_id, reply);
            return;
        }
}

static void refuse_call(struct script_job *j, int64_t call_id, str why)
{
    send_reply(j, call_id, &(struct script_reply){ .error = why });
}

static bool take_call(struct script_job *j, const struct frame_call *c, struct err *e)
{
    for (size_t i = 0; i < j->open_count; i++)
        if (j->open_calls[i] == c->id)
            return err_set(e, ERR_INVALID, "frame call: CallId %" PRId64 " is still waiting for its answer", c->id);
    if (++j->calls > LIMIT_RUN_API_CALLS)
        refuse_call(j, c->id, STR("this run has made as many API calls as one may"));
    else if (j->open_count == JOB_CALLS_OPEN_MAX)
        refuse_call(j, c->id, STR("this run has too many unanswered calls at once"));
    else if (c->problem.n)
        refuse_call(j, c->id, c->problem);
    else if (j->is_stopping)
        refuse_call(j, c->id, STR("the run is being stopped"));
    else if (!j->opt.call)
        refuse_call(j, c->id, STR("there is no server to ask"));
    else {
        j->open_calls[j->open_count++] = c->id;
        struct script_call call = { .id = c->id, .is_feed = c->is_feed, .method = c->method, .path_or_url = c->path_or_url, .headers = c->headers, .body = c->body, .has_body = c->has_body };
        j->opt.call(j->opt.ctx, &call);
    }
    return true;
}

static void take_egress(struct script_job *j, const struct frame_egress *q)
{
    str reason = STR("there is no server to ask");
    bool is_allowed = !j->is_stopping && j->opt.egress && j->opt.egress(j->opt.ctx, q->host, q->address, q->port, &reason);
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *frame = json_new_object(&a);
    json_add_str(&a, frame, "Type", STR("egress-reply"));
    json_add_i64(&a, frame, "CallId", q->id);
    json_add_bool(&a, frame, "Allowed", is_allowed);
    json_add_str(&a, frame, "Reason", is_allowed ? (str){ 0 } : job_repair_utf8(&a, reason));
    send_of_run(j, &a, frame);
}

// The same question, of a connection that the gateway is asked for.
bool job_may_connect(struct script_job *j, str host, const struct ip *ip, int port, struct err *e)
{
    char address[IP_TEXT_BYTES];
    str reason = STR("there is no server to ask");
    ip_write(ip, address);
    return (j->opt.egress && j->opt.egress(j->opt.ctx, host, str_from(address), port, &reason)) || err_set(e, ERR_DENIED, "%.*s", STR_ARG(reason));
}

// --- its end

static str done_error(struct arena *a, const struct frame_done *d)
{
    str text = d->error;
    if (!text.n)
        return d->has_exit_code ? arena_printf(a, "the script ended with exit code %d", d->exit_code) : STR("the script failed without saying why");
    if (d->line)
        return arena_printf(a, "%.*s (line %" PRId64 ", column %" PRId64 ")", STR_ARG(text), d->line, MAX(d->column, 1));
    return text;
}

static void take_done(struct script_job *j, const struct frame_done *d, struct arena *a, struct script_result *out)
{
    // All it wrote before it said so is in the pipes by now.
    if (j->worker)
        worker_read_output(j->worker);
    job_flush_output(j);
    const struct json *output = d->output;
    if (json_text(a, output).n > (size_t)j->max_output_bytes + 4096) { // some slack: they may count differently
        job_tell(j, STR("Warning"), "The output is larger than allowed and was left out.");
        output = json_new_array(a);
    } else if (d->is_output_truncated)
        job_tell(j, STR("Warning"), "The output was cut: more than %" PRId64 " bytes.", j->max_output_bytes);
    *out = (struct script_result){
        .outcome = d->is_success ? SCRIPT_SUCCEEDED : SCRIPT_FAILED,
        .has_exit_code = d->has_exit_code,
        .exit_code = d->exit_code,
        .output = output,
        .error = d->is_success ? STR("") : done_error(a, d),
        .variables = d->variables,
        .had_started = j->had_started,
    };
}

bool job_take(struct script_job *j, const struct frame *f, struct arena *a, struct script_result *result, struct err *e)
{
    e->kind = ERR_NONE;
    switch (f->type) {
    case FRAME_STARTED:
        if (!j->had_started) {
            j->had_started = true;
            if (j->opt.started)
                j->opt.started(j->opt.ctx);
        }
        return false;
    case FRAME_LOG:
        tell_lines(j, f->lines, a);
        return false;
    case FRAME_CALL:
        take_call(j, &f->call, e);
        return false;
    case FRAME_EGRESS:
        take_egress(j, &f->egress);
        return false;
    case FRAME_DONE:
        take_done(j, &f->done, a, result);
        return true;
    default:
        return false;
    }
}
