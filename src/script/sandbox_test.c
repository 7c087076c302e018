#include "script/sandbox.h"

#include "base/buf.h"
#include "sys/file.h"
#include "sys/process.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <unistd.h>

struct seen {
    struct loop *loop;
    struct buf out;
    int code;
};

static void on_output(void *ctx, bool is_stderr, str bytes)
{
    buf_add(&((struct seen *)ctx)->out, bytes);
}

static void on_ended(void *ctx, const struct process_end *end)
{
    struct seen *s = ctx;
    s->code = end->code;
    loop_stop(s->loop);
}

static void run(struct seen *s, const char *const *argv)
{
    struct err e;
    struct process *p;
    if (!loop_open(&s->loop, &e) || !process_open(s->loop, &(struct process_options){ .argv = argv, .ctx = s, .output = on_output, .ended = on_ended }, &p, &e))
        abort();
    loop_run(s->loop);
    loop_close(s->loop);
}

TEST(what_is_inside)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct sandbox *s;
    struct err e;
    str hidden, folder, runtime;
    REQUIRE("folders", file_temp_dir(&a, "sandbox-hidden", &hidden, &e) && file_temp_dir(&a, "sandbox-own", &folder, &e) && file_temp_dir(&a, "sandbox-runtime", &runtime, &e));
    CHECK_OK("a key", file_write(arena_printf(&a, "%s/key", hidden.p).p, STR("secret"), 0644, &e), &e);
    CHECK_OK("a file of the runtime", file_write(arena_printf(&a, "%s/host.dll", runtime.p).p, STR("host"), 0644, &e), &e);
    const char *hide[] = { hidden.p, NULL };
    if (!sandbox_find(false, 0, 0, hide, false, &s, &e)) {
        // Where there is none, the reason is for people; nothing else can be tried.
        CHECK("a reason", strstr(e.text, "bubblewrap"));
    } else {
        str script = arena_printf(&a,
            "cat %s/key 2>/dev/null; cat %s/host.dll; echo; echo x > %s/mine && echo wrote; "
            "(echo x > /usr/planted) 2>/dev/null; (echo x > %s/planted) 2>/dev/null; echo x > /tmp/planted-by-sandbox-test; "
            "ls /proc | grep -c '^[0-9]' ; pwd",
            hidden.p, runtime.p, folder.p, runtime.p);
        const char *program[] = { "/bin/sh", "-c", script.p, NULL };
        struct seen seen = { 0 };
        run(&seen, sandbox_wrap(s, program, runtime.p, folder.p, &a));
        CHECK("no key, the runtime, its own folder", str_starts(buf_str(&seen.out), STR("host\nwrote\n")));
        CHECK_INT("it ended well", seen.code, 0);
        CHECK("its file is there", file_exists(arena_printf(&a, "%s/mine", folder.p).p));
        CHECK("nothing else was written", !file_exists("/usr/planted") && !file_exists(arena_printf(&a, "%s/planted", runtime.p).p) && !file_exists("/tmp/planted-by-sandbox-test"));
        CHECK("it sees few processes", str_find(buf_str(&seen.out), STR("\n5\n")) >= 0 || str_find(buf_str(&seen.out), STR("\n4\n")) >= 0);
        buf_fini(&seen.out);
        sandbox_free(s);
    }
    CHECK_OK("removed", file_remove_tree(hidden.p, &e) && file_remove_tree(folder.p, &e) && file_remove_tree(runtime.p, &e), &e);
    sandbox_free(NULL);
}

TEST_MAIN()
