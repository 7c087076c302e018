// The server that is killed: this program, started anew as `serve`.
#include "app/prove.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_SECONDS 60

extern char **environ;

// What the caller has set for a server of their own must not reach this one.
static char **child_environment(struct arena *a, int witness_port)
{
    size_t count = 0, n = 0;
    while (environ[count])
        count++;
    char **out = ARENA_ARRAY(a, char *, count + 2);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "REACTIONS_", 10))
            out[n++] = environ[i];
    out[n] = arena_bytes(a, 64);
    snprintf(out[n], 64, "REACTIONS_EGRESS_ALLOW=127.0.0.1:%d", witness_port);
    return out;
}

// Between fork and exec only what is allowed there.
NORETURN static void become_server(char *const *argv, char *const *env, int output, int log)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); // whoever kills the proving process leaves no server behind
    dup2(output, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execve("/proc/self/exe", argv, env);
    _exit(127);
}

static bool wait_until_listening(struct prove_server *s, struct arena *a, struct err *e)
{
    char text[4096];
    size_t n = 0;
    while (n + 1 < sizeof text) {
        struct pollfd p = { .fd = s->output, .events = POLLIN };
        if (poll(&p, 1, START_SECONDS * 1000) <= 0)
            return err_set(e, ERR_TIMEOUT, "the server did not listen within %d s; it wrote to %s/server.log", START_SECONDS, s->data);
        ssize_t got = read(s->output, text + n, sizeof text - 1 - n);
        if (got <= 0)
            return err_set(e, ERR_IO, "the server ended while starting; it wrote to %s/server.log", s->data);
        n += (size_t)got;
        str all = { text, n };
        ptrdiff_t at = str_find(all, STR("http://")), end = str_find_char(str_skip(all, at < 0 ? n : (size_t)at), '\n');
        if (at >= 0 && end >= 0) {
            s->url = arena_str(a, str_sub(all, (size_t)at, (size_t)end));
            return true;
        }
    }
    return err_set(e, ERR_IO, "the server wrote much and did not say where it listens");
}

bool prove_server_start(struct prove_server *s, struct arena *a, struct err *e)
{
    int pipe_fds[2];
    const char *log_path = arena_printf(a, "%s/server.log", s->data).p;
    char *argv[16], **env = child_environment(a, s->witness_port);
    int argc = 0;
    const char *const words[] = { "reactions", "serve", "--listen", "127.0.0.1:0", "--store", "sqlite", "--data", s->data, s->engine ? "--engine" : NULL, s->engine, s->runtime ? "--runtime" : NULL, s->runtime };
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i])
            argv[argc++] = xstrdup(words[i]);
    argv[argc] = NULL;
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return err_errno(e, errno, "%s", log_path);
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        close(log);
        return err_errno(e, errno, "pipe");
    }
    pid_t pid = fork();
    if (pid == 0)
        become_server(argv, env, pipe_fds[1], log);
    close(pipe_fds[1]);
    close(log);
    while (argc)
        free(argv[--argc]);
    if (pid < 0) {
        close(pipe_fds[0]);
        return err_errno(e, errno, "fork");
    }
    s->pid = pid;
    s->output = pipe_fds[0];
    if (wait_until_listening(s, a, e))
        return true;
    prove_server_kill(s);
    return false;
}

static int reap(struct prove_server *s)
{
    int status = 0;
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(s->output);
    s->pid = 0;
    return status;
}

void prove_server_kill(struct prove_server *s)
{
    if (!s->pid)
        return;
    kill(s->pid, SIGKILL);
    reap(s);
}

bool prove_server_stop(struct prove_server *s, struct err *e)
{
    if (!s->pid)
        return true;
    kill(s->pid, SIGTERM);
    int status = reap(s);
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || err_set(e, ERR_IO, "the server did not stop in order (status %d); it wrote to %s/server.log", status, s->data);
}
