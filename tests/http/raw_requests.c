// raw_requests.c - sends each case of raw_requests.txt to a real server over a real socket, whole and
// then byte by byte, and compares the answers to the byte (only the time in Date may vary).
//
//     raw_requests FILE             runs them
//     raw_requests FILE FOLDER      writes what each sends into a file of its own, as seeds for server_fuzz
#include "http/server.h"
#include "tests/harness/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define PATIENCE_MS 20000 // for one case; only a hanging server needs it
#define BYTEWISE_MAX 2000

static const char *table_file, *seed_folder;
static int port;

// ---- the server

static struct loop *loop;

static void say_back(void *ctx)
{
    struct http_request *r = ctx;
    http_answer(r, 200, NULL, 0,
                arena_printf(r->arena, "%.*s %.*s ?%.*s headers=%zu body=%zu:%.*s", STR_ARG(r->method), STR_ARG(r->path), STR_ARG(r->query), r->header_count, r->body.n, STR_ARG(r->body)));
}

static bool on_head(struct http_request *r, size_t *max_body, void *ctx UNUSED)
{
    if (str_eq(r->path, STR("/ten")))
        *max_body = 10;
    if (!str_eq(r->path, STR("/no")))
        return true;
    http_answer_error(r, 401, "no");
    return false;
}

static void stream(struct http_request *r, str type)
{
    const struct http_header h = { STR_INIT("Content-Type"), type };
    http_stream_start(r, 200, &h, 1, NULL, NULL);
    http_stream_write(r, STR("one\n"));
    http_stream_write(r, STR("two\n"));
    http_stream_end(r);
}

static void on_request(struct http_request *r, void *ctx UNUSED)
{
    static const struct http_header bad[] = { { STR_INIT("X"), STR_INIT("a\r\nSet-Cookie: b=c") } };
    static const struct http_header ours[] = {
        { STR_INIT("content-length"), STR_INIT("1") },
        { STR_INIT("Transfer-Encoding"), STR_INIT("chunked") },
        { STR_INIT("connection"), STR_INIT("close") },
        { STR_INIT("Date"), STR_INIT("never") },
    };
    if (str_eq(r->path, STR("/204")))
        http_answer(r, 204, NULL, 0, STR("not sent"));
    else if (str_eq(r->path, STR("/304")))
        http_answer(r, 304, NULL, 0, STR("not sent"));
    else if (str_eq(r->path, STR("/inject")))
        http_answer(r, 200, bad, 1, STR("not sent"));
    else if (str_eq(r->path, STR("/override")))
        http_answer(r, 200, ours, COUNT(ours), STR("fine"));
    else if (str_eq(r->path, STR("/stream")))
        stream(r, STR("text/event-stream"));
    else if (str_eq(r->path, STR("/stream-inject")))
        stream(r, STR("x\ny"));
    else if (str_eq(r->path, STR("/late")))
        loop_post(loop, say_back, r);
    else
        say_back(r);
}

static void *run_server(void *ctx UNUSED)
{
    loop_run(loop);
    return NULL;
}

// ---- the table

struct want {
    str text; // "200 keep ..."
    struct want *next;
};

struct row {
    str claim;
    struct buf send, send_after_100;
    bool is_eof;
    struct want *first, **last;
};

// Escapes: \r \n \t \0 \\ \xHH, \{N*c} N characters, \[N*text] N lines of that text.
static void unescape(str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\' || i + 1 == s.n) {
            buf_add_char(out, s.p[i]);
            continue;
        }
        char c = s.p[++i];
        if (c == 'x') {
            char hex[3] = { s.p[i + 1], s.p[i + 2], 0 };
            buf_add_char(out, (char)strtol(hex, NULL, 16));
            i += 2;
        } else if (c == '{' || c == '[') {
            str rest = str_skip(s, i + 1);
            ptrdiff_t star = str_find_char(rest, '*'), end = str_find_char(rest, c == '{' ? '}' : ']');
            int64_t count = 0;
            if (star < 0 || end < star || !str_to_i64(str_sub(rest, 0, (size_t)star), &count))
                abort();
            str piece = str_sub(rest, (size_t)star + 1, (size_t)(end - star) - 1);
            for (int64_t k = 0; k < count; k++) {
                buf_add(out, piece);
                if (c == '[')
                    buf_add(out, STR("\r\n"));
            }
            i += (size_t)end + 1;
        } else {
            buf_add_char(out, c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? 0 : c);
        }
    }
}

static void add_answer(struct buf *out, const char *status_line, const char *extra, const char *type, ptrdiff_t length, str body)
{
    buf_printf(out, "HTTP/1.1 %s\r\nDate: *\r\n", status_line);
    if (length >= 0)
        buf_printf(out, "Content-Length: %td\r\n", length);
    buf_printf(out, "%s%s\r\n", extra, type);
    buf_add(out, body);
}

// "200 keep TEXT" as the bytes of the answer. True where the connection goes on behind it.
static bool compose(str line, struct buf *out)
{
    static const struct {
        const char *word;
        bool is_stream, is_chunked, is_bodiless;
    } kinds[] = { { "head ", false, false, true }, { "stream ", true, true, false }, { "stream10 ", true, false, false }, { "stream-head ", true, false, true }, { "empty ", false, false, false } };
    size_t kind = COUNT(kinds);
    if (str_eq(line, STR("100"))) {
        buf_add(out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
        return true;
    }
    if (str_eq(line, STR("none")))
        return false;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_starts(line, str_from(kinds[i].word))) {
            kind = i;
            line = str_skip(line, strlen(kinds[i].word));
        }
    bool is_stream = kind < COUNT(kinds) && kinds[kind].is_stream, is_bodiless = kind < COUNT(kinds) && kinds[kind].is_bodiless;
    bool is_empty = kind == COUNT(kinds) - 1;
    int status = atoi(line.p);
    str how = str_skip(line, 4), text = STR("");
    ptrdiff_t blank = str_find_char(how, ' ');
    if (blank >= 0) {
        text = str_skip(how, (size_t)blank + 1);
        how = str_sub(how, 0, (size_t)blank);
    }
    CLEANUP(buf_fini) struct buf body = { 0 }, head = { 0 };
    unescape(text, &body);
    // Quotes are the only thing to escape in these texts.
    bool is_error = status >= 400 && !is_empty;
    CLEANUP(buf_fini) struct buf error = { 0 };
    if (is_error) {
        buf_add(&error, STR("{\"ErrorMessage\": \""));
        for (size_t i = 0; i < text.n; i++) {
            if (text.p[i] == '"')
                buf_add_char(&error, '\\');
            buf_add_char(&error, text.p[i]);
        }
        buf_add(&error, STR("\", \"Errors\": []}"));
    }
    str said = is_error ? buf_str(&error) : buf_str(&body);
    buf_printf(&head, "%d %s", status, http_status_text(status));
    buf_add_char(&head, 0);
    bool is_closing = str_eq(how, STR("close"));
    CLEANUP(buf_fini) struct buf extra = { 0 };
    if (is_stream && kinds[kind].is_chunked)
        buf_add(&extra, STR("Transfer-Encoding: chunked\r\n"));
    if (is_closing)
        buf_add(&extra, STR("Connection: close\r\n"));
    if (str_eq(how, STR("keep10")))
        buf_add(&extra, STR("Connection: keep-alive\r\n"));
    buf_add_char(&extra, 0);
    bool has_length = !is_stream && status != 204 && status != 304;
    add_answer(out, head.p, extra.p, is_stream ? "Content-Type: text/event-stream\r\n" : is_error ? "Content-Type: application/json\r\n" : "",
               has_length ? (ptrdiff_t)said.n : -1, is_bodiless ? STR("") : said);
    return !is_closing && !str_ends(how, STR("-eof"));
}

// ---- one exchange

static int connect_to_server(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&in, sizeof in) < 0)
        abort();
    return fd;
}

// The time of each Date becomes a star, where it is written as it must be.
static void mask_dates(struct buf *in)
{
    struct buf out = { 0 };
    str rest = buf_str(in);
    for (ptrdiff_t at; (at = str_find(rest, STR("\r\nDate: "))) >= 0;) {
        buf_add(&out, str_sub(rest, 0, (size_t)at + 8));
        rest = str_skip(rest, (size_t)at + 8);
        bool is_good = rest.n > 31 && rest.p[3] == ',' && rest.p[19] == ':' && str_eq(str_sub(rest, 25, 6), STR(" GMT\r\n"));
        if (is_good) {
            buf_add_char(&out, '*');
            rest = str_skip(rest, 29);
        }
    }
    buf_add(&out, rest);
    buf_fini(in);
    *in = out;
}

// Whether the server knew of the end when it answered is a matter of microseconds.
static void leave_out(struct buf *in, str line)
{
    ptrdiff_t at = str_find(buf_str(in), line);
    if (at < 0)
        return;
    memmove(in->p + at, in->p + at + line.n, in->n - (size_t)at - line.n);
    in->n -= line.n;
}

// Sends everything and reads until the wanted number of bytes came and, where the server is to close, until it did.
static void exchange(int fd, const struct row *row, size_t step, size_t want_n, bool is_closing, struct buf *got, bool *has_closed)
{
    size_t sent = 0, sent_late = 0;
    bool is_eof_sent = false, may_send = true;
    *has_closed = false;
    for (;;) {
        bool has_100 = got->n > 0;
        str late = has_100 ? str_skip(buf_str(&row->send_after_100), sent_late) : STR("");
        str early = str_skip(buf_str(&row->send), sent);
        bool has_more = may_send && (early.n || late.n);
        if (!has_more && row->is_eof && !is_eof_sent) {
            shutdown(fd, SHUT_WR);
            is_eof_sent = true;
        }
        CLEANUP(buf_fini) struct buf seen = { 0 };
        buf_add(&seen, buf_str(got));
        mask_dates(&seen);
        bool is_all_here = seen.n >= want_n && !has_more;
        if (is_all_here && !is_closing)
            return;
        struct pollfd p = { .fd = fd, .events = (short)(POLLIN | (has_more ? POLLOUT : 0)) };
        if (poll(&p, 1, PATIENCE_MS) <= 0)
            return;
        if (p.revents & POLLOUT) {
            str piece = early.n ? early : late;
            ssize_t n = send(fd, piece.p, MIN(piece.n, step), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN)
                may_send = false; // the server has closed; what it said is still to be read
            if (n > 0)
                *(early.n ? &sent : &sent_late) += (size_t)n;
        }
        if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
            char *room = buf_room(got, 65536);
            ssize_t n = recv(fd, room, 65536, MSG_DONTWAIT);
            if (n > 0)
                buf_wrote(got, (size_t)n);
            else if (n == 0 || errno != EAGAIN) {
                *has_closed = true;
                return;
            }
        }
    }
}

static void probe(int fd, str claim)
{
    struct row p = { 0 };
    CLEANUP(buf_fini) struct buf want = { 0 }, got = { 0 };
    bool has_closed;
    buf_add(&p.send, STR("GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n"));
    compose(STR("200 keep GET /probe ? headers=1 body=0:"), &want);
    exchange(fd, &p, 1 << 20, want.n, false, &got, &has_closed);
    mask_dates(&got);
    CHECK_STR(claim.p, buf_str(&got), buf_str(&want));
    buf_fini(&p.send);
}

static void run_row(struct row *row, const char *way, size_t step)
{
    CLEANUP(buf_fini) struct buf want = { 0 }, got = { 0 }, claim = { 0 };
    bool goes_on = true, has_closed;
    for (struct want *w = row->first; w; w = w->next)
        goes_on = compose(w->text, &want) && goes_on;
    buf_printf(&claim, "%.*s, %s", STR_ARG(row->claim), way);
    buf_add_char(&claim, 0);
    int fd = connect_to_server();
    exchange(fd, row, step, want.n, !goes_on, &got, &has_closed);
    mask_dates(&got);
    if (str_find(row->first->text, STR(" either-eof ")) >= 0)
        leave_out(&got, STR("Connection: close\r\n"));
    CHECK_STR(claim.p, buf_str(&got), buf_str(&want));
    if (goes_on)
        probe(fd, buf_str(&claim));
    else
        CHECK(claim.p, has_closed);
    close(fd);
}

// The fuzzer's first byte says how to cut what follows.
static void write_seed(const struct row *row)
{
    static int number;
    char path[4096];
    snprintf(path, sizeof path, "%s/%03d", seed_folder, number++);
    FILE *f = fopen(path, "w");
    if (!f)
        abort();
    fputc(number % 256, f);
    fwrite(row->send.p, 1, row->send.n, f);
    fwrite(row->send_after_100.p, 1, row->send_after_100.n, f);
    fclose(f);
}

static void run_both_ways(struct row *row)
{
    if (!row->claim.n)
        return;
    if (seed_folder) {
        if (row->send.n <= BYTEWISE_MAX)
            write_seed(row);
        return;
    }
    CHECK("a case says what it wants", row->first);
    run_row(row, "sent at once", 1 << 20);
    if (row->send.n <= BYTEWISE_MAX)
        run_row(row, "sent byte by byte", 1);
}

static void row_clear(struct row *row)
{
    buf_fini(&row->send);
    buf_fini(&row->send_after_100);
    for (struct want *w = row->first, *next; w; w = next) {
        next = w->next;
        free(w);
    }
    *row = (struct row){ 0 };
    row->last = &row->first;
}

static void read_line(str line, struct row *row)
{
    str rest = str_skip(line, 2);
    switch (line.p[0]) {
    case '=':
        run_both_ways(row);
        row_clear(row);
        row->claim = rest;
        break;
    case '>': unescape(str_starts(rest, STR("~")) ? str_skip(rest, 1) : rest, str_starts(rest, STR("~")) ? &row->send_after_100 : &row->send); break;
    case '|': row->is_eof = true; break;
    case '<': {
        struct want *w = xcalloc(1, sizeof *w);
        w->text = rest;
        *row->last = w;
        row->last = &w->next;
        break;
    }
    default: break;
    }
}

TEST(each_raw_request_gets_its_answer)
{
    struct err e;
    FILE *f = fopen(table_file, "r");
    REQUIRE("the table is there", f);
    CLEANUP(buf_fini) struct buf text = { 0 };
    for (size_t n = 1; n;) {
        char *room = buf_room(&text, 65536);
        n = fread(room, 1, 65536, f);
        buf_wrote(&text, n);
    }
    fclose(f);
    struct http_server *server;
    pthread_t thread;
    alarm(300);
    REQUIRE("the loop opens", loop_open(&loop, &e));
    struct http_server_options opt = { .listen = "127.0.0.1:0", .on_head = on_head, .on_request = on_request };
    CHECK_OK("the server opens", http_server_open(loop, &opt, &server, &e), &e);
    port = http_server_port(server);
    pthread_create(&thread, NULL, run_server, NULL);

    struct row row = { 0 };
    row.last = &row.first;
    str rest = buf_str(&text), line;
    while (str_split(&rest, '\n', &line))
        if (line.n >= 2 && line.p[0] != '#')
            read_line(line, &row);
    run_both_ways(&row);
    row_clear(&row);

    loop_stop(loop);
    pthread_join(thread, NULL);
    CHECK_INT("no connection but the closed ones is open", http_server_stats(server).open_connections <= 64, 1);
    http_server_close(server);
    loop_close(loop);
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        return 2;
    table_file = argv[1];
    seed_folder = argv[2]; // NULL where there is none
    return check_run(1, argv);
}
