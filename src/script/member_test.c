// What becomes of an engine whose workers do not start. The rest of a member's life is in pool_test.c.
#define BENCH_RUNTIME_DIR FAKE_RUNTIME_DIR
#include "tests/script/pool_bench.h"

static void put(struct bench *b, const char *dir, const char *name, const char *text)
{
    struct err e;
    if (!file_write(arena_printf(&b->arena, "%s/%s", dir, name).p, str_from(text), 0755, &e))
        abort();
}

TEST(a_pwsh_that_does_not_start_gives_way)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    str dir;
    struct err e;
    REQUIRE("a folder", file_temp_dir(&b.arena, "member-test", &dir, &e));
    CHECK_OK("one for pwsh", file_make_dirs(arena_printf(&b.arena, "%s/pwsh", dir.p).p, 0755, &e), &e);
    put(&b, dir.p, "pwsh/start.ps1", "x");
    put(&b, dir.p, "pwsh/pwsh", "#!/bin/sh\necho 'Add-Type: Unable to load' >&2\nexit 1\n");
    put(&b, dir.p, "Reactions.Host", arena_printf(&b.arena, "#!/bin/sh\nexec %s/Reactions.Host\n", FAKE_RUNTIME_DIR).p);
    CLEANUP(freep) char *path = xstrdup(getenv("PATH"));
    setenv("PATH", arena_printf(&b.arena, "%s/pwsh:%s", dir.p, path).p, 1);
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1, .runtime_dir = dir.p }));
    CHECK_TEXT("at first it is pwsh", script_pool_capabilities(b.pool).engine, "pwsh");
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("out 1"));
    CHECK_TEXT("the script runs all the same", h.output, "[1]");
    CHECK_TEXT("in the other engine", script_pool_capabilities(b.pool).engine, "bundled");
    setenv("PATH", path, 1);
    CHECK_OK("removed", file_remove_tree(dir.p, &e), &e);
}

TEST(a_pwsh_that_was_asked_for_does_not)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    str dir;
    struct err e;
    REQUIRE("a folder", file_temp_dir(&b.arena, "member-test", &dir, &e));
    CHECK_OK("one for pwsh", file_make_dirs(arena_printf(&b.arena, "%s/pwsh", dir.p).p, 0755, &e), &e);
    put(&b, dir.p, "pwsh/start.ps1", "x");
    put(&b, dir.p, "pwsh/pwsh", "#!/bin/sh\necho 'Add-Type: Unable to load' >&2\nexit 1\n");
    CLEANUP(freep) char *path = xstrdup(getenv("PATH"));
    setenv("PATH", arena_printf(&b.arena, "%s/pwsh:%s", dir.p, path).p, 1);
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .runtime_dir = dir.p, .engine = SCRIPT_ENGINE_PWSH }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("out 1"));
    CHECK_TEXT("says what it said", h.error, "no PowerShell worker could be started: ended with status 1: Add-Type: Unable to load");
    setenv("PATH", path, 1);
    CHECK_OK("removed", file_remove_tree(dir.p, &e), &e);
}

TEST(a_job_that_needs_more_memory_gets_a_larger_worker)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ .warm_workers = 1 }));
    CLEANUP(heard_fini) struct heard small = { 0 }, large = { 0 };
    run(&b, &small, SCRIPT("env"));
    CHECK("three quarters of 512 MB for the heap", strstr(small.output, "DOTNET_GCHeapHardLimit=0x18000000"));
    run(&b, &large, (struct given){ .script = "env", .memory_bytes = 2LL << 30 });
    CHECK("of 2 GB", strstr(large.output, "DOTNET_GCHeapHardLimit=0x60000000"));
}

TEST_MAIN()
