#include "script/frame.h"

#include "base/encode.h"
#include "base/limits.h"
#include "base/timetext.h"

#define LENGTH_BYTES 4
#define KEEP_BYTES (256 * 1024) // a larger buffer is given back once it is empty

void frame_reader_fini(struct frame_reader *r)
{
    buf_fini(&r->in);
}

char *frame_reader_room(struct frame_reader *r, size_t n)
{
    buf_drop_front(&r->in, r->at);
    r->at = 0;
    if (!r->in.n && r->in.cap > KEEP_BYTES)
        buf_fini(&r->in);
    return buf_room(&r->in, n);
}

void frame_reader_wrote(struct frame_reader *r, size_t n)
{
    buf_wrote(&r->in, n);
}

enum frame_next frame_next(struct frame_reader *r, str *body, struct err *e)
{
    str in = str_skip(buf_str(&r->in), r->at);
    if (in.n < LENGTH_BYTES)
        return FRAME_MORE;
    const unsigned char *b = (const unsigned char *)in.p;
    size_t n = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (n == 0 || n > r->max_bytes) {
        err_set(e, ERR_INVALID, "a frame of %zu bytes; 1 to %zu are right", n, r->max_bytes);
        return FRAME_BROKEN;
    }
    if (in.n < LENGTH_BYTES + n)
        return FRAME_MORE;
    *body = str_sub(in, LENGTH_BYTES, n);
    r->at += LENGTH_BYTES + n;
    return FRAME_GOT;
}

bool frame_write(struct buf *out, const struct json *j, struct err *e)
{
    size_t start = out->n;
    char *length = buf_room(out, LENGTH_BYTES);
    if (!length)
        return err_set(e, ERR_TOO_LARGE, "the worker does not read what it is sent");
    memset(length, 0, LENGTH_BYTES);
    buf_wrote(out, LENGTH_BYTES);
    json_write(out, j, false);
    size_t n = out->n - start - LENGTH_BYTES;
    if (n > LIMIT_WORKER_FRAME_BYTES || out->is_full) {
        out->n = start;
        out->is_full = false;
        return err_set(e, ERR_TOO_LARGE, "a frame of %zu bytes for the worker; at most %d are sent", n, LIMIT_WORKER_FRAME_BYTES);
    }
    for (int i = 0; i < LENGTH_BYTES; i++)
        out->p[start + (size_t)i] = (char)(n >> (8 * (LENGTH_BYTES - 1 - i)));
    return true;
}

// --- fields; each names type and field of what does not fit

struct fields {
    struct arena *a;
    const struct json *object;
    str type;
    struct err *e;
    bool is_bad;
};

static bool bad(struct fields *f, const char *name, const char *must)
{
    if (f->is_bad) // the first one says enough
        return false;
    f->is_bad = true;
    return err_set(f->e, ERR_INVALID, "frame %.*s: %s must be %s, not %s", STR_ARG(f->type), name, must, json_type_name(json_get(f->object, str_from(name))));
}

static bool is_absent(const struct json *j)
{
    return !j || j->type == JSON_NULL;
}

static str text(struct fields *f, const char *name)
{
    const struct json *j = json_get(f->object, str_from(name));
    if (!json_is(j, JSON_STRING))
        bad(f, name, "text");
    return json_str(j, STR(""));
}

static str optional_text(struct fields *f, const char *name)
{
    const struct json *j = json_get(f->object, str_from(name));
    if (!is_absent(j) && j->type != JSON_STRING)
        bad(f, name, "text or null");
    return json_str(j, STR(""));
}

static int64_t number(struct fields *f, const char *name, int64_t min, int64_t max)
{
    int64_t v = 0;
    if (!json_i64(json_get(f->object, str_from(name)), &v) || v < min || v > max) {
        bad(f, name, "an integer in its range");
        return min;
    }
    return v;
}

static int64_t optional_number(struct fields *f, const char *name, int64_t otherwise, int64_t min, int64_t max)
{
    return is_absent(json_get(f->object, str_from(name))) ? otherwise : number(f, name, min, max);
}

static bool optional_bool(struct fields *f, const char *name)
{
    const struct json *j = json_get(f->object, str_from(name));
    if (!is_absent(j) && j->type != JSON_BOOL)
        bad(f, name, "true or false");
    return json_bool(j, false);
}

static const struct json *array(struct fields *f, const char *name)
{
    const struct json *j = json_get(f->object, str_from(name));
    if (!json_is(j, JSON_ARRAY))
        bad(f, name, "an array");
    return j;
}

static const struct json *texts(struct fields *f, const char *name)
{
    const struct json *j = array(f, name);
    if (!f->is_bad)
        json_each(item, j)
            if (item->type != JSON_STRING)
                bad(f, name, "an array of text");
    return j;
}

static const struct json *optional_object_of_text(struct fields *f, const char *name)
{
    const struct json *j = json_get(f->object, str_from(name));
    if (is_absent(j))
        return NULL;
    if (j->type != JSON_OBJECT) {
        bad(f, name, "an object of text");
        return NULL;
    }
    json_each(item, j)
        if (item->type != JSON_STRING)
            bad(f, name, "an object of text");
    return j;
}

// --- types

static void read_hello(struct fields *f, struct frame *out)
{
    int64_t protocol = number(f, "Protocol", 0, INT32_MAX);
    if (!f->is_bad && protocol != 1) {
        f->is_bad = true;
        err_set(f->e, ERR_INVALID, "the worker speaks protocol version %" PRId64 ", this server version 1: both must come from one build", protocol);
    }
    out->hello.engine = text(f, "Engine");
    out->hello.version = text(f, "PSVersion");
    out->hello.missing = is_absent(json_get(f->object, STR("Missing"))) ? NULL : texts(f, "Missing");
}

static void read_parsed(struct fields *f, struct frame *out)
{
    out->parsed.id = number(f, "Id", 0, INT64_MAX);
    out->parsed.errors = array(f, "Errors");
    out->parsed.parameters = texts(f, "Parameters");
    out->parsed.variables = texts(f, "Variables");
    if (f->is_bad)
        return;
    json_each(item, out->parsed.errors) {
        struct fields of_item = { .a = f->a, .object = item, .type = STR("parsed: Errors"), .e = f->e, .is_bad = f->is_bad };
        text(&of_item, "Message");
        number(&of_item, "Line", 0, INT32_MAX);
        number(&of_item, "Column", 0, INT32_MAX);
        f->is_bad = of_item.is_bad;
    }
}

static bool is_level(str level)
{
    static const str levels[] = { STR_INIT("Info"), STR_INIT("Verbose"), STR_INIT("Debug"), STR_INIT("Warning"), STR_INIT("Error"), STR_INIT("Highlight"), STR_INIT("Host"), STR_INIT("Output") };
    for (size_t i = 0; i < COUNT(levels); i++)
        if (str_eq(level, levels[i]))
            return true;
    return false;
}

static void read_log(struct fields *f, struct frame *out)
{
    const struct json *lines = array(f, "Lines");
    struct json *checked = json_new_array(f->a);
    out->lines = checked;
    if (f->is_bad)
        return;
    json_each(item, lines) {
        struct fields of_item = { .a = f->a, .object = item, .type = STR("log: Lines"), .e = f->e, .is_bad = f->is_bad };
        int64_t at_ms = 0;
        str time = text(&of_item, "Time"), level = text(&of_item, "Level"), line = text(&of_item, "Text");
        if (!of_item.is_bad && !timetext_parse(time, &at_ms))
            bad(&of_item, "Time", "an ISO 8601 instant");
        if (!of_item.is_bad && !is_level(level))
            bad(&of_item, "Level", "a known level");
        f->is_bad = of_item.is_bad;
        if (f->is_bad)
            return;
        // Rebuilt: nothing a worker adds gets further than here.
        struct json *copy = json_push(checked, json_new_object(f->a));
        json_add_str(f->a, copy, "Time", timetext(f->a, at_ms));
        json_add_str(f->a, copy, "Level", level);
        json_add_str(f->a, copy, "Text", line);
    }
}

static bool is_plain(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 127)
            return false;
    return true;
}

static bool is_method(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 'A' || s.p[i] > 'Z') && (s.p[i] < 'a' || s.p[i] > 'z'))
            return false;
    return s.n > 0 && s.n <= 16;
}

static bool are_headers(const struct json *headers)
{
    json_each(item, headers) {
        if (!item->name.n || !is_plain(item->name) || str_has(item->name, ':'))
            return false;
        for (size_t i = 0; i < item->text.n; i++)
            if ((unsigned char)item->text.p[i] < ' ' && item->text.p[i] != '\t')
                return false;
    }
    return true;
}

static void read_call(struct fields *f, struct frame *out)
{
    struct frame_call *c = &out->call;
    c->id = number(f, "CallId", 1, INT64_MAX);
    str purpose = text(f, "Purpose");
    c->is_feed = str_eq(purpose, STR("feed"));
    if (!f->is_bad && !c->is_feed && !str_eq(purpose, STR("octopus")))
        bad(f, "Purpose", "octopus or feed");
    c->method = text(f, "Method");
    c->path_or_url = text(f, c->is_feed ? "Url" : "Path");
    c->headers = optional_object_of_text(f, "Headers");
    const struct json *body = json_get(f->object, STR("Body")), *base64 = json_get(f->object, STR("BodyBase64"));
    c->body = optional_text(f, "Body");
    str encoded = optional_text(f, "BodyBase64");
    c->has_body = !is_absent(body) || !is_absent(base64);
    if (!f->is_bad && !is_absent(base64) && (!is_absent(body) || !base64_decode(f->a, encoded, BASE64_STANDARD, &c->body)))
        bad(f, "BodyBase64", "base64, and no Body beside it");
    if (f->is_bad)
        return;
    if (!is_method(c->method))
        c->problem = arena_printf(f->a, "Method: [%.*s] is not an HTTP method", STR_ARG(str_sub(c->method, 0, 40)));
    else if (!is_plain(c->path_or_url))
        c->problem = arena_printf(f->a, "%s: blanks and control characters must be percent-encoded", c->is_feed ? "Url" : "Path");
    else if (c->is_feed && !str_starts_nocase(c->path_or_url, STR("http://")) && !str_starts_nocase(c->path_or_url, STR("https://")))
        c->problem = STR("Url: must begin with http:// or https://");
    else if (!c->is_feed && (!str_starts(c->path_or_url, STR("/")) || str_starts(c->path_or_url, STR("//"))))
        c->problem = STR("Path: must begin with one /, as in /api/Spaces-1/projects");
    else if (!are_headers(c->headers))
        c->problem = STR("Headers: a name or value holds characters that no header can");
}

static void read_egress(struct fields *f, struct frame *out)
{
    out->egress.id = number(f, "CallId", 1, INT64_MAX);
    out->egress.host = text(f, "Host");
    out->egress.address = text(f, "Address");
    out->egress.port = (int)number(f, "Port", 1, 65535);
}

static void read_done(struct fields *f, struct frame *out)
{
    struct frame_done *d = &out->done;
    str outcome = text(f, "Outcome");
    d->is_success = str_eq(outcome, STR("Succeeded"));
    if (!f->is_bad && !d->is_success && !str_eq(outcome, STR("Failed")))
        bad(f, "Outcome", "Succeeded or Failed");
    d->has_exit_code = !is_absent(json_get(f->object, STR("ExitCode")));
    d->exit_code = (int)optional_number(f, "ExitCode", 0, INT32_MIN, INT32_MAX);
    d->output = array(f, "Output");
    d->is_output_truncated = optional_bool(f, "OutputTruncated");
    d->variables = optional_object_of_text(f, "Variables");
    d->error = optional_text(f, "ErrorMessage");
    d->line = optional_number(f, "ErrorLine", 0, 0, INT32_MAX);
    d->column = optional_number(f, "ErrorColumn", 0, 0, INT32_MAX);
    d->wants_recycling = optional_bool(f, "Recycle");
    d->recycle_reason = optional_text(f, "RecycleReason");
    d->working_set_bytes = optional_number(f, "WorkingSetBytes", 0, 0, INT64_MAX);
}

static void read_ready(struct fields *f, struct frame *out)
{
    out->working_set_bytes = optional_number(f, "WorkingSetBytes", 0, 0, INT64_MAX);
}

static void read_started(struct fields *f UNUSED, struct frame *out UNUSED) {}

static const struct {
    str name;
    enum frame_type type;
    bool is_of_run;
    void (*read)(struct fields *f, struct frame *out);
} types[] = {
    { STR_INIT("hello"), FRAME_HELLO, false, read_hello },
    { STR_INIT("ready"), FRAME_READY, false, read_ready },
    { STR_INIT("parsed"), FRAME_PARSED, false, read_parsed },
    { STR_INIT("started"), FRAME_STARTED, true, read_started },
    { STR_INIT("log"), FRAME_LOG, true, read_log },
    { STR_INIT("call"), FRAME_CALL, true, read_call },
    { STR_INIT("egress"), FRAME_EGRESS, true, read_egress },
    { STR_INIT("done"), FRAME_DONE, true, read_done },
};

bool frame_decode(struct arena *a, str body, struct frame *out, struct err *e)
{
    struct json *j;
    struct frame frame = { 0 };
    if (!json_parse(a, body, &j, e))
        return err_in(e, "a frame");
    if (!json_is(j, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "a frame must be an object, not %s", json_type_name(j));
    struct fields f = { .a = a, .object = j, .type = STR("of no type"), .e = e };
    str type = text(&f, "Type");
    f.type = type;
    for (size_t i = 0; i < COUNT(types) && !f.is_bad; i++) {
        if (!str_eq(type, types[i].name))
            continue;
        frame.type = types[i].type;
        if (types[i].is_of_run) {
            frame.run_id = text(&f, "RunId");
            frame.fence = number(&f, "Fence", INT64_MIN, INT64_MAX);
        }
        if (!f.is_bad)
            types[i].read(&f, &frame);
    }
    if (f.is_bad)
        return false;
    *out = frame;
    return true;
}
