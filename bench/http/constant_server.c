// constant_server.c - answers every request with the same few bytes: the ceiling that a server with
// work to do is measured against. Uses our own HTTP layer, on one thread.
//
//     constant-server [ADDRESS:PORT [CERTIFICATE KEY]]     prints the port; ends on SIGINT or SIGTERM
//
// GET /count answers instead how many other requests there were, and the microseconds (monotonic) of the first and the last.
#include "http/server.h"
#include "sys/clock.h"

#include <signal.h>
#include <stdio.h>

static struct {
    int64_t count, first_us, last_us;
} seen;

static void answer(struct http_request *r, void *ctx UNUSED)
{
    static const struct http_header type = { STR_INIT("Content-Type"), STR_INIT("application/json") };
    if (str_eq(r->path, STR("/count"))) {
        http_answer(r, 200, &type, 1, arena_printf(r->arena, "{\"Count\": %" PRId64 ", \"FirstUs\": %" PRId64 ", \"LastUs\": %" PRId64 "}", seen.count, seen.first_us, seen.last_us));
        return;
    }
    seen.last_us = clock_mono_us();
    if (!seen.count++)
        seen.first_us = seen.last_us;
    http_answer(r, 202, &type, 1, STR("{\"EventId\": \"Events-1\"}"));
}

static void on_signal(void *ctx, int signal_number UNUSED)
{
    loop_stop(ctx);
}

int main(int argc, char **argv)
{
    struct err e = { 0 };
    struct loop *loop;
    struct http_server *server;
    struct http_server_options opt = {
        .listen = argc > 1 ? argv[1] : "127.0.0.1:0",
        .cert_file = argc > 3 ? argv[2] : NULL,
        .key_file = argc > 3 ? argv[3] : NULL,
        .on_request = answer,
    };
    if (!loop_open(&loop, &e) || !loop_on_signal(loop, SIGINT, on_signal, loop, &e) || !loop_on_signal(loop, SIGTERM, on_signal, loop, &e) ||
        !http_server_open(loop, &opt, &server, &e)) {
        fprintf(stderr, "constant-server: %s\n", e.text);
        return 1;
    }
    printf("%d\n", http_server_port(server));
    fflush(stdout);
    loop_run(loop);
    http_server_close(server);
    loop_close(loop);
    return 0;
}
