#include "script/sandbox.h"

#include "sys/process.h"

#include <stdio.h>
#include <unistd.h>

#define BWRAP "/usr/bin/bwrap"

struct sandbox {
    struct arena arena;
    const char *const *hidden;
    bool no_network;
};

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

const char *const *sandbox_wrap(const struct sandbox *s, const char *const *argv, const char *runtime_dir, const char *folder, struct arena *a)
{
    static const char *const fixed[] = {
        BWRAP, "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "worker", "--cap-drop", "ALL",
        "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/dev/shm",
    };
    size_t hidden = count(s->hidden), n = 0;
    const char **out = ARENA_ARRAY(a, const char *, COUNT(fixed) + 2 * hidden + count(argv) + 16);
    for (size_t i = 0; i < COUNT(fixed); i++)
        out[n++] = fixed[i];
    if (s->no_network)
        out[n++] = "--unshare-net";
    for (size_t i = 0; i < hidden; i++) {
        out[n++] = "--tmpfs";
        out[n++] = s->hidden[i];
    }
    // After what is hidden, which they may lie in.
    const char *readable[] = { arena_cstr(a, (str){ argv[0], (size_t)str_find_last_char(str_from(argv[0]), '/') }), runtime_dir };
    for (size_t i = 0; i < COUNT(readable); i++)
        if (readable[i] && *readable[i]) {
            out[n++] = "--ro-bind";
            out[n++] = readable[i];
            out[n++] = readable[i];
        }
    out[n++] = "--bind";
    out[n++] = folder;
    out[n++] = folder;
    out[n++] = "--";
    for (size_t i = 0; argv[i]; i++)
        out[n++] = argv[i];
    return out;
}

// --- whether it works here

struct trial {
    struct loop *loop;
    bool is_good;
    char text[256], said[256];
    size_t said_bytes;
};

static void on_output(void *ctx, bool is_stderr, str bytes)
{
    struct trial *t = ctx;
    str kept = str_sub(bytes, 0, sizeof t->said - 1 - t->said_bytes);
    memcpy(t->said + t->said_bytes, kept.p, kept.n);
    t->said_bytes += kept.n;
}

static void on_ended(void *ctx, const struct process_end *end)
{
    struct trial *t = ctx;
    t->is_good = end->code == 0;
    snprintf(t->text, sizeof t->text, "%s", end->text);
    loop_stop(t->loop);
}

static bool try_out(const struct sandbox *s, bool has_user, uint32_t uid, uint32_t gid, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct trial t = { 0 };
    struct process *p;
    // A loop of its own: the answer is wanted before the first worker starts.
    if (!loop_open(&t.loop, e))
        return false;
    static const char *const program[] = { "/bin/true", NULL };
    struct process_options opt = { .argv = sandbox_wrap(s, program, NULL, "/var/tmp", &a), .has_user = has_user, .uid = uid, .gid = gid, .ctx = &t, .output = on_output, .ended = on_ended };
    bool is_begun = process_open(t.loop, &opt, &p, e);
    if (is_begun)
        loop_run(t.loop);
    loop_close(t.loop);
    if (is_begun && !t.is_good)
        return err_set(e, ERR_DENIED, "bubblewrap is installed but may not work here: %s %s", t.text, t.said);
    return is_begun;
}

bool sandbox_find(bool has_user, uint32_t uid, uint32_t gid, const char *const *hidden, bool no_network, struct sandbox **out, struct err *e)
{
    if (access(BWRAP, X_OK) < 0)
        return err_set(e, ERR_NOT_FOUND, "bubblewrap is not installed (package bubblewrap)");
    struct sandbox *s = xcalloc(1, sizeof *s);
    const char **copy = ARENA_ARRAY(&s->arena, const char *, count(hidden) + 1);
    for (size_t i = 0; hidden && hidden[i]; i++)
        copy[i] = arena_cstr(&s->arena, str_from(hidden[i]));
    s->hidden = copy;
    s->no_network = no_network;
    if (!try_out(s, has_user, uid, gid, e)) {
        sandbox_free(s);
        return false;
    }
    *out = s;
    return true;
}

void sandbox_free(struct sandbox *s)
{
    if (!s)
        return;
    arena_fini(&s->arena);
    free(s);
}
