// load.c - many kept-alive connections send one fixed request over and over, on one thread.
//
//     http-load [-c CONNECTIONS] [-s SECONDS | -n REQUESTS] [-m METHOD] [-H "Name: value"]... [-b BODY_FILE] URL
//
// Prints requests/s, p50, p99 and the slowest answer in microseconds, and how many were not 2xx
// or failed. Loopback only: it is a measuring instrument, not a weapon. It shares the cores with
// what it measures, so figures compare only within one run on one machine.
#include "base/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 2000
#define SECONDS_MAX 60
#define REQUESTS_MAX 10000000
#define ANSWER_BYTES 65536 // a larger answer is counted as failed

struct conn {
    int fd;
    size_t sent;
    int64_t began_us;
    struct buf in;
    bool is_waiting, is_down;
};

static struct sockaddr_storage target;
static socklen_t target_n;
static struct buf request;
static uint32_t *latency_us;
static size_t latency_count, latency_cap;
static int64_t started, answered, not_2xx, failed, most = REQUESTS_MAX;
static int epoll_fd;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

NORETURN static void die(const char *what)
{
    fprintf(stderr, "http-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool conn_open(struct conn *c)
{
    c->fd = socket(target.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&target, target_n) < 0)
        return false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
        die("epoll_ctl");
    return true;
}

// A request fits into the socket's buffer: a short send is counted as a failure.
static void conn_send(struct conn *c)
{
    c->is_waiting = false;
    if (started >= most)
        return;
    started++;
    c->began_us = now_us();
    buf_clear(&c->in);
    c->is_waiting = true;
    if (send(c->fd, request.p, request.n, MSG_NOSIGNAL) != (ssize_t)request.n)
        failed++, c->is_waiting = false, c->is_down = true;
}

// The answer's status once all of it is there, 0 while it is not, -1 where it cannot be understood.
static int answer_status(str in)
{
    ptrdiff_t head = str_find(in, STR("\r\n\r\n"));
    if (head < 0)
        return in.n < ANSWER_BYTES ? 0 : -1;
    if (head < 12)
        return -1;
    uint64_t length = 0;
    int status = atoi(in.p + 9);
    bool is_chunked = false, has_length = status == 204;
    str lines = str_sub(in, 0, (size_t)head), line;
    while (str_split(&lines, '\n', &line)) {
        line = str_trim(line);
        if (str_starts_nocase(line, STR("content-length:")))
            has_length = str_to_u64(str_trim(str_skip(line, 15)), &length);
        if (str_starts_nocase(line, STR("transfer-encoding:")))
            is_chunked = true;
    }
    str body = str_skip(in, (size_t)head + 4);
    if (is_chunked)
        return str_ends(body, STR("0\r\n\r\n")) ? status : in.n < ANSWER_BYTES ? 0 : -1;
    return !has_length || length > ANSWER_BYTES ? -1 : body.n >= length ? status : 0;
}

static void conn_down(struct conn *c)
{
    if (c->is_waiting)
        failed++;
    close(c->fd);
    c->is_waiting = false;
    c->is_down = !conn_open(c);
    if (!c->is_down)
        conn_send(c);
}

static void conn_read(struct conn *c)
{
    char *room = buf_room(&c->in, 4096);
    ssize_t n = recv(c->fd, room, 4096, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        conn_down(c);
        return;
    }
    buf_wrote(&c->in, (size_t)n);
    int status = answer_status(buf_str(&c->in));
    if (status == 0)
        return;
    if (status < 0) {
        conn_down(c);
        return;
    }
    answered++;
    not_2xx += status < 200 || status > 299;
    xgrow(&latency_us, &latency_cap, latency_count + 1, sizeof *latency_us);
    latency_us[latency_count++] = (uint32_t)(now_us() - c->began_us);
    conn_send(c);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void add_file(struct buf *out, const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        die(path);
    for (size_t n = 1; n;) {
        char *room = buf_room(out, 65536);
        n = room ? fread(room, 1, 65536, f) : 0;
        buf_wrote(out, n);
    }
    fclose(f);
}

static str parse_url(char *url)
{
    if (strncmp(url, "http://", 7))
        errno = EINVAL, die("the URL must begin with http://");
    char *host = url + 7, *path = strchr(host, '/');
    str rest = path ? str_from(path) : STR("/");
    char *authority = xmemdup(host, strlen(host) + 1);
    if (path)
        authority[path - host] = 0;
    char *port = strrchr(authority, ':');
    if (port && !strchr(port, ']'))
        *port++ = 0;
    else
        port = NULL;
    if (authority[0] == '[') {
        authority[strlen(authority) - 1] = 0;
        memmove(authority, authority + 1, strlen(authority));
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
    if (getaddrinfo(authority, port ? port : "80", &hints, &found))
        errno = EINVAL, die(authority);
    memcpy(&target, found->ai_addr, found->ai_addrlen);
    target_n = found->ai_addrlen;
    freeaddrinfo(found);
    free(authority);
    bool is_loopback = target.ss_family == AF_INET ? ntohl(((struct sockaddr_in *)&target)->sin_addr.s_addr) >> 24 == 127
                                                    : IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&target)->sin6_addr);
    if (!is_loopback)
        errno = EPERM, die("only loopback addresses are loaded");
    return rest;
}

int main(int argc, char **argv)
{
    int64_t connections = 64, seconds = 5;
    const char *method = "GET", *body_file = NULL;
    struct buf headers = { 0 }, body = { 0 };
    for (int option; (option = getopt(argc, argv, "c:s:n:m:H:b:")) != -1;) {
        int64_t number = 0;
        if (strchr("csn", option) && (!str_to_i64(str_from(optarg), &number) || number < 1))
            errno = EINVAL, die(optarg);
        switch (option) {
        case 'c': connections = MIN(number, CONNECTIONS_MAX); break;
        case 's': seconds = MIN(number, SECONDS_MAX); break;
        case 'n': most = MIN(number, REQUESTS_MAX), seconds = SECONDS_MAX; break;
        case 'm': method = optarg; break;
        case 'H': buf_printf(&headers, "%s\r\n", optarg); break;
        case 'b': body_file = optarg; break;
        default: return 2;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "usage: http-load [-c CONNECTIONS] [-s SECONDS | -n REQUESTS] [-m METHOD] [-H HEADER]... [-b BODY_FILE] URL\n");
        return 2;
    }
    str path = parse_url(argv[optind]);
    if (body_file)
        add_file(&body, body_file);
    buf_printf(&request, "%s %.*s HTTP/1.1\r\nHost: localhost\r\n%.*s", method, STR_ARG(path), STR_ARG(buf_str(&headers)));
    if (body.n)
        buf_printf(&request, "Content-Length: %zu\r\n", body.n);
    buf_add(&request, STR("\r\n"));
    buf_add(&request, buf_str(&body));

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct conn *conns = xcalloc((size_t)connections, sizeof *conns);
    for (int64_t i = 0; i < connections; i++)
        if (!conn_open(&conns[i]))
            die("connect");
    int64_t began = now_us(), end = began + seconds * 1000000;
    for (int64_t i = 0; i < connections; i++)
        conn_send(&conns[i]);
    while (now_us() < end && answered + failed < most) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll_fd, events, COUNT(events), 100);
        for (int i = 0; i < n; i++)
            conn_read(events[i].data.ptr);
    }
    double took_s = (double)(now_us() - began) / 1e6;
    if (latency_count)
        qsort(latency_us, latency_count, sizeof *latency_us, by_size);
    printf("requests/s %.0f  answered %" PRId64 "  p50_us %u  p99_us %u  max_us %u  not_2xx %" PRId64 "  failed %" PRId64 "\n", (double)answered / took_s, answered,
           latency_count ? latency_us[latency_count / 2] : 0, latency_count ? latency_us[latency_count - 1 - latency_count / 100] : 0,
           latency_count ? latency_us[latency_count - 1] : 0, not_2xx, failed);
    return failed || not_2xx;
}
