// fake_worker.c - speaks the worker protocol, and breaks it on command. Its "scripts" are lines:
//
//   log LEVEL TEXT | print TEXT | eprint TEXT | out JSON | var NAME VALUE | pid | env | ls | count | touch NAME
//   call METHOD PATH [BODY] | feed METHOD URL | egress HOST ADDRESS PORT
//   connect HOST:PORT (asks the gateway; the first line of its answer is output, and the connection stays)
//   kept (waits for its end: 0)
//   fail TEXT | exit N | recycle | truncated            (how it ends)
//   wait (until cancelled) | hang (deaf to all) | die SIGNAL | quit STATUS | close
//   raw HEX | frame JSON | flood BYTES | lines N | eat MEGABYTES | spawn | bomb N | silent (no `started`)
//
// An argument makes its start go wrong: silent, garbage, huge, old, twice, unready, noise, quit.
#include "script/frame.h"

#include "base/encode.h"
#include "base/limits.h"
#include "sys/process.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD 3

static struct frame_reader reader = { .max_bytes = LIMIT_WORKER_FRAME_BYTES };
static int runs, kept;

static NORETURN void hang(void)
{
    for (;;)
        pause();
}

static void write_all(int fd, str s)
{
    for (ssize_t n; s.n && (n = write(fd, s.p, s.n)) > 0;)
        s = str_skip(s, (size_t)n);
}

static void send_text(str text)
{
    unsigned char length[4] = { (unsigned char)(text.n >> 24), (unsigned char)(text.n >> 16), (unsigned char)(text.n >> 8), (unsigned char)text.n };
    write_all(FD, (str){ (const char *)length, 4 });
    write_all(FD, text);
}

static void send_json(struct arena *a, const struct json *j)
{
    send_text(json_text(a, j));
}

// The next frame of the server; ends the process when there is none.
static struct json *receive(struct arena *a)
{
    str body;
    struct err e;
    enum frame_next next;
    while ((next = frame_next(&reader, &body, &e)) == FRAME_MORE) {
        ssize_t n = read(FD, frame_reader_room(&reader, 65536), 65536);
        if (n <= 0)
            _exit(0);
        frame_reader_wrote(&reader, (size_t)n);
    }
    struct json *j;
    if (next == FRAME_BROKEN || !json_parse(a, arena_str(a, body), &j, &e))
        _exit(100);
    return j;
}

struct run {
    struct arena *a;
    str id;
    int64_t fence;
    struct json *output, *variables;
    int64_t call_id;
    const char *outcome;
    str error;
    int exit_code;
    bool has_exit_code, wants_recycling, is_truncated;
};

static struct json *of_run(struct run *r, const char *type)
{
    struct json *j = json_new_object(r->a);
    json_add_str(r->a, j, "Type", str_from(type));
    json_add_str(r->a, j, "RunId", r->id);
    json_add_i64(r->a, j, "Fence", r->fence);
    return j;
}

static void log_line(struct run *r, str level, str text)
{
    struct json *j = of_run(r, "log"), *lines = json_add(j, STR("Lines"), json_new_array(r->a)), *line = json_push(lines, json_new_object(r->a));
    json_add_str(r->a, line, "Time", STR("2026-01-01T00:00:00.000Z"));
    json_add_str(r->a, line, "Level", level);
    json_add_str(r->a, line, "Text", text);
    send_json(r->a, j);
}

static void ask(struct run *r, bool is_feed, str method, str path, str body)
{
    struct json *j = of_run(r, "call");
    json_add_i64(r->a, j, "CallId", ++r->call_id);
    json_add_str(r->a, j, "Purpose", is_feed ? STR("feed") : STR("octopus"));
    json_add_str(r->a, j, "Method", method);
    json_add_str(r->a, j, is_feed ? "Url" : "Path", path);
    json_add_str(r->a, j, "Body", body.n ? body : (str){ 0 });
    send_json(r->a, j);
    struct json *reply = receive(r->a);
    log_line(r, STR("Info"), json_text(r->a, reply));
}

static void ask_egress(struct run *r, str host, str address, int64_t port)
{
    struct json *j = of_run(r, "egress");
    json_add_i64(r->a, j, "CallId", ++r->call_id);
    json_add_str(r->a, j, "Host", host);
    json_add_str(r->a, j, "Address", address);
    json_add_i64(r->a, j, "Port", port);
    send_json(r->a, j);
    log_line(r, STR("Info"), json_text(r->a, receive(r->a)));
}

static void ask_gateway(struct run *r, str target)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PROCESS_LISTENER_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char space[4096];
    size_t n = 0;
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        json_push(r->output, json_new_string(r->a, str_from(strerror(errno))));
        return;
    }
    write_all(fd, arena_printf(r->a, "CONNECT %.*s HTTP/1.1\r\n\r\n", STR_ARG(target)));
    for (ssize_t got; n < sizeof space && str_find((str){ space, n }, STR("\r\n\r\n")) < 0 && (got = read(fd, space + n, sizeof space - n)) > 0;)
        n += (size_t)got;
    str rest = { space, n }, line = { 0 };
    str_split(&rest, '\r', &line);
    json_push(r->output, json_new_string(r->a, arena_str(r->a, line)));
    kept = fd;
}

static void eat(int64_t megabytes)
{
    for (int64_t i = 0; i < megabytes; i++)
        memset(xmalloc(1 << 20), 1 + (int)i % 200, 1 << 20);
}

// A grandchild in a session of its own, which nobody waits for; its pid is the run's output.
static void spawn(struct run *r)
{
    int told[2];
    pid_t pid = 0;
    if (pipe(told) < 0)
        _exit(101);
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            pid = getpid();
            signal(SIGTERM, SIG_IGN);
            write_all(told[1], (str){ (const char *)&pid, sizeof pid });
            hang();
        }
        _exit(0);
    }
    wait(NULL);
    if (read(told[0], &pid, sizeof pid) != sizeof pid)
        _exit(102);
    close(told[0]);
    close(told[1]);
    json_push(r->output, json_new_i64(r->a, pid));
}

static void bomb(int64_t n)
{
    while (n-- > 0)
        if (fork() == 0)
            hang();
    hang();
}

static void list_folder(struct run *r)
{
    DIR *dir = opendir(".");
    for (struct dirent *item; dir && (item = readdir(dir));)
        if (item->d_name[0] != '.')
            json_push(r->output, json_new_string(r->a, arena_str(r->a, str_from(item->d_name))));
    if (dir)
        closedir(dir);
}

static void wait_for_cancel(struct run *r)
{
    for (;;) {
        struct json *j = receive(r->a);
        if (!str_eq(json_str(json_get(j, STR("Type")), STR("")), STR("cancel")))
            continue;
        r->outcome = "Failed";
        r->error = STR("cancelled");
        return;
    }
}

// One line; false ends the script.
static bool step(struct run *r, str line)
{
    struct arena *a = r->a;
    str word = { 0 }, rest = line, first = { 0 }, second = { 0 };
    str_split(&rest, ' ', &word);
    str all = rest;
    int64_t number = 0;
    struct json *j;
    struct err e;
    str_to_i64(rest, &number);
    if (str_eq(word, STR("log")) && str_split(&rest, ' ', &first))
        log_line(r, first, rest);
    else if (str_eq(word, STR("print")))
        write_all(1, arena_printf(a, "%.*s\n", STR_ARG(rest)));
    else if (str_eq(word, STR("eprint")))
        write_all(2, arena_printf(a, "%.*s\n", STR_ARG(rest)));
    else if (str_eq(word, STR("out")) && json_parse(a, rest, &j, &e))
        json_push(r->output, j);
    else if (str_eq(word, STR("var")) && str_split(&rest, ' ', &first))
        json_add(r->variables, first, json_new_string(a, rest));
    else if (str_eq(word, STR("pid")))
        json_push(r->output, json_new_i64(a, getpid()));
    else if (str_eq(word, STR("count")))
        json_push(r->output, json_new_i64(a, runs));
    else if (str_eq(word, STR("env")))
        for (char **entry = environ; *entry; entry++)
            json_push(r->output, json_new_string(a, str_from(*entry)));
    else if (str_eq(word, STR("ls")))
        list_folder(r);
    else if (str_eq(word, STR("touch"))) {
        FILE *f = fopen(arena_cstr(a, rest), "w");
        if (!f) {
            r->outcome = "Failed";
            r->error = arena_printf(a, "%.*s: %s in %s", STR_ARG(rest), strerror(errno), getcwd(arena_bytes(a, 4096), 4096));
            return false;
        }
        fclose(f);
    } else if (str_eq(word, STR("call")) && str_split(&rest, ' ', &first) && str_split(&rest, ' ', &second))
        ask(r, false, first, second, rest);
    else if (str_eq(word, STR("feed")) && str_split(&rest, ' ', &first))
        ask(r, true, first, rest, (str){ 0 });
    else if (str_eq(word, STR("egress")) && str_split(&rest, ' ', &first) && str_split(&rest, ' ', &second) && str_to_i64(rest, &number))
        ask_egress(r, first, second, number);
    else if (str_eq(word, STR("connect")))
        ask_gateway(r, rest);
    else if (str_eq(word, STR("kept")))
        json_push(r->output, json_new_i64(a, read(kept, (char[1]){ 0 }, 1)));
    else if (str_eq(word, STR("fail"))) {
        r->outcome = "Failed";
        r->error = all;
        return false;
    } else if (str_eq(word, STR("exit"))) {
        r->outcome = number ? "Failed" : "Succeeded";
        r->has_exit_code = true;
        r->exit_code = (int)number;
        return false;
    } else if (str_eq(word, STR("recycle")))
        r->wants_recycling = true;
    else if (str_eq(word, STR("truncated")))
        r->is_truncated = true;
    else if (str_eq(word, STR("wait"))) {
        wait_for_cancel(r);
        return false;
    } else if (str_eq(word, STR("hang"))) {
        signal(SIGTERM, SIG_IGN);
        hang();
    } else if (str_eq(word, STR("die"))) {
        signal((int)number, SIG_DFL);
        raise((int)number);
    } else if (str_eq(word, STR("quit")))
        _exit((int)number);
    else if (str_eq(word, STR("close"))) {
        close(FD);
        hang();
    } else if (str_eq(word, STR("raw")) && hex_decode(a, all, &first))
        write_all(FD, first);
    else if (str_eq(word, STR("frame")))
        send_text(all);
    else if (str_eq(word, STR("flood"))) {
        char block[4096];
        memset(block, 'x', sizeof block);
        for (; number > 0; number -= (int64_t)sizeof block)
            write_all(1, (str){ block, sizeof block });
    } else if (str_eq(word, STR("lines")))
        for (int64_t i = 0; i < number; i++)
            log_line(r, STR("Info"), arena_printf(a, "line %" PRId64, i));
    else if (str_eq(word, STR("eat"))) {
        eat(number);
        hang();
    } else if (str_eq(word, STR("spawn")))
        spawn(r);
    else if (str_eq(word, STR("bomb")))
        bomb(number);
    else if (word.n && !str_eq(word, STR("silent"))) {
        r->outcome = "Failed";
        r->error = arena_printf(a, "the fake worker knows no [%.*s]", STR_ARG(line));
        return false;
    }
    return true;
}

static void run(struct arena *a, const struct json *frame)
{
    struct run r = { .a = a, .id = json_str(json_get(frame, STR("RunId")), STR("")), .outcome = "Succeeded", .output = json_new_array(a), .variables = json_new_object(a) };
    json_i64(json_get(frame, STR("Fence")), &r.fence);
    str script = json_str(json_get(frame, STR("Script")), STR("")), line;
    runs++;
    if (!str_starts(script, STR("silent")))
        send_json(a, of_run(&r, "started"));
    while (str_split(&script, '\n', &line) && step(&r, line))
        ;
    struct json *done = of_run(&r, "done");
    json_add_str(a, done, "Outcome", str_from(r.outcome));
    if (r.has_exit_code)
        json_add_i64(a, done, "ExitCode", r.exit_code);
    else
        json_add_null(a, done, "ExitCode");
    json_add(done, STR("Output"), r.output);
    json_add_bool(a, done, "OutputTruncated", r.is_truncated);
    json_add_str(a, done, "ErrorMessage", r.error.n ? r.error : (str){ 0 });
    if (r.error.n) {
        json_add_i64(a, done, "ErrorLine", 3);
        json_add_i64(a, done, "ErrorColumn", 5);
    }
    json_add(done, STR("Variables"), r.variables);
    json_add_i64(a, done, "WorkingSetBytes", 1000000);
    json_add_bool(a, done, "Recycle", r.wants_recycling);
    send_json(a, done);
}

// "bad" in a script is an error on line 2; everything else is fine.
static void parse(struct arena *a, const struct json *frame)
{
    struct json *j = json_new_object(a), *errors, *parameters;
    str script = json_str(json_get(frame, STR("Script")), STR(""));
    if (str_eq(script, STR("die")))
        _exit(9);
    if (str_eq(script, STR("hang")))
        hang();
    json_add_str(a, j, "Type", STR("parsed"));
    json_add(j, STR("Id"), json_copy(a, json_get(frame, STR("Id"))));
    errors = json_add(j, STR("Errors"), json_new_array(a));
    parameters = json_add(j, STR("Parameters"), json_new_array(a));
    json_add(j, STR("Variables"), json_new_array(a));
    json_push(parameters, json_new_string(a, STR("PackageId")));
    if (str_find(script, STR("bad")) >= 0) {
        struct json *item = json_push(errors, json_new_object(a));
        json_add_str(a, item, "Message", STR("Missing closing '}'"));
        json_add_i64(a, item, "Line", 2);
        json_add_i64(a, item, "Column", 7);
    }
    send_json(a, j);
}

#define HELLO "{\"Type\":\"hello\",\"Protocol\":1,\"Engine\":\"bundled\",\"PSVersion\":\"7.6.0\",\"Pid\":1,\"Missing\":[\"Get-Job\",\"Out-GridView\"]}"
#define READY "{\"Type\":\"ready\",\"WorkingSetBytes\":1000000}"

static void begin(const char *mode)
{
    if (!strcmp(mode, "silent"))
        hang();
    if (!strcmp(mode, "quit")) {
        write_all(2, STR("You must install .NET to run this application.\n"));
        _exit(150);
    }
    if (!strcmp(mode, "garbage"))
        write_all(FD, STR("GET / HTTP/1.1\r\n\r\n"));
    if (!strcmp(mode, "huge"))
        write_all(FD, STR("\0\7\0\0{\"Type\":"));
    if (!strcmp(mode, "old"))
        send_text(STR("{\"Type\":\"hello\",\"Protocol\":0,\"Engine\":\"bundled\",\"PSVersion\":\"7.6.0\"}"));
    if (!strcmp(mode, "unready")) {
        send_text(STR(HELLO));
        hang();
    }
    if (!strcmp(mode, "early")) // ready before hello
        send_text(STR(READY));
    if (!strcmp(mode, "twice"))
        send_text(STR(HELLO));
    if (!strcmp(mode, "noise"))
        write_all(1, STR("welcome\n"));
    send_text(STR(HELLO));
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    begin(argc > 1 ? argv[1] : "");
    send_text(STR(READY));
    for (;;) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        const struct json *j = receive(&a);
        str type = json_str(json_get(j, STR("Type")), STR(""));
        if (str_eq(type, STR("exit")))
            return 0;
        if (str_eq(type, STR("parse")))
            parse(&a, j);
        if (str_eq(type, STR("run"))) {
            run(&a, j);
            send_text(STR(READY));
        }
    }
}
