#include "script/engine.h"

#include "sys/file.h"
#include "tests/harness/check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// A folder with made-up programs, and a PATH that shows only these.
struct machine {
    struct arena a;
    str dir;
};

static const char *in(struct machine *m, const char *name)
{
    return arena_printf(&m->a, "%s/%s", m->dir.p, name).p;
}

static void put(struct machine *m, const char *name, str content, mode_t mode)
{
    struct err e;
    const char *path = in(m, name);
    char *folder = arena_concat(&m->a, str_from(path), STR("")).n ? xstrdup(path) : NULL;
    *strrchr(folder, '/') = 0;
    if (!file_make_dirs(folder, 0755, &e) || !file_write(path, content, mode, &e))
        abort();
    free(folder);
}

static void machine_open(struct machine *m)
{
    struct err e;
    char real[4096];
    if (!file_temp_dir(&m->a, "engine-test", &m->dir, &e) || !realpath(m->dir.p, real))
        abort();
    m->dir = arena_str(&m->a, str_from(real));
    unsetenv("DOTNET_ROOT");
    setenv("HOME", "/nonexistent", 1);
    setenv("PATH", in(m, "bin"), 1);
}

static void machine_fini(struct machine *m)
{
    struct err e;
    CHECK_OK("removed", file_remove_tree(m->dir.p, &e), &e);
    arena_fini(&m->a);
}

static void put_host(struct machine *m, const char *version)
{
    put(m, "runtime/Reactions.Host.dll", STR("x"), 0644);
    put(m, "runtime/Reactions.Host.runtimeconfig.json", arena_printf(&m->a, "{\"runtimeOptions\":{\"framework\":{\"name\":\"Microsoft.NETCore.App\",\"version\":\"%s\"}}}", version), 0644);
}

static void put_dotnet(struct machine *m, const char *root, const char *version)
{
    put(m, arena_printf(&m->a, "%s/dotnet", root).p, STR("#!/bin/sh\n"), 0755);
    put(m, arena_printf(&m->a, "%s/shared/Microsoft.NETCore.App/%s/x.dll", root, version).p, STR("x"), 0644);
}

TEST(a_host_that_is_not_built)
{
    CLEANUP(machine_fini) struct machine m = { 0 };
    machine_open(&m);
    struct engine engine;
    struct err e;
    CHECK("no folder", !engine_find(SCRIPT_ENGINE_AUTO, in(&m, "nothing"), &m.a, &engine, &e));
    CHECK("says how to build it", strstr(e.text, "./run --build-only"));
    CHECK("no folder given", !engine_find(SCRIPT_ENGINE_AUTO, NULL, &m.a, &engine, &e));
    mkdir(in(&m, "runtime"), 0755);
    CHECK("an empty one", !engine_find(SCRIPT_ENGINE_BUNDLED, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK("names the file", strstr(e.text, "Reactions.Host.dll is missing"));
}

TEST(the_runtime_a_host_needs)
{
    CLEANUP(machine_fini) struct machine m = { 0 };
    machine_open(&m);
    struct engine engine;
    struct err e;
    put_host(&m, "97.0.0");
    CHECK("none of that version", !engine_find(SCRIPT_ENGINE_AUTO, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK_INT("by its kind", e.kind, ERR_NOT_FOUND);
    CHECK("names the package", strstr(e.text, "apt-get install dotnet-runtime-97.0"));
    CHECK("and that all else works", strstr(e.text, "Everything but scripts works without."));

    put_dotnet(&m, "root", "96.0.5");
    setenv("DOTNET_ROOT", in(&m, "root"), 1);
    CHECK("an older one does not do", !engine_find(SCRIPT_ENGINE_AUTO, in(&m, "runtime"), &m.a, &engine, &e));
    put_dotnet(&m, "root", "97.1.2");
    REQUIRE("one of that version", engine_find(SCRIPT_ENGINE_AUTO, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK_INT("bundled", engine.kind, SCRIPT_ENGINE_BUNDLED);
    CHECK_TEXT("its program", engine.argv[0], in(&m, "root/dotnet"));
    CHECK_TEXT("told what to run", engine.argv[2], in(&m, "runtime/Reactions.Host.dll"));
    CHECK("and no more", !engine.argv[3]);
    CHECK_INT("one variable", engine.env_count, 1);
    CHECK_TEXT("where it is", engine.env[0], arena_printf(&m.a, "DOTNET_ROOT=%s/root", m.dir.p).p);

    // By the PATH, through a link, as packages install it.
    unsetenv("DOTNET_ROOT");
    mkdir(in(&m, "bin"), 0755);
    CHECK("linked", symlink(in(&m, "root/dotnet"), in(&m, "bin/dotnet")) == 0);
    CHECK_TEXT("found where the link leads", engine_dotnet_root(97, &m.a), in(&m, "root"));
    CHECK("any version", engine_dotnet_root(0, &m.a));
    put(&m, "runtime/Reactions.Host.runtimeconfig.json", STR("{broken"), 0644);
    CHECK("settings that cannot be read: the usual version is asked for", !engine_find(SCRIPT_ENGINE_BUNDLED, in(&m, "runtime"), &m.a, &engine, &e) || strstr(engine.argv[0], "/dotnet"));
}

TEST(a_host_with_its_runtime_inside)
{
    CLEANUP(machine_fini) struct machine m = { 0 };
    machine_open(&m);
    struct engine engine;
    struct err e;
    put(&m, "runtime/Reactions.Host", STR("#!/bin/sh\n"), 0755);
    REQUIRE("needs nothing else", engine_find(SCRIPT_ENGINE_AUTO, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK_TEXT("is run itself", engine.argv[0], in(&m, "runtime/Reactions.Host"));
}

TEST(pwsh_comes_first)
{
    CLEANUP(machine_fini) struct machine m = { 0 };
    machine_open(&m);
    struct engine engine;
    struct err e;
    put(&m, "runtime/Reactions.Host", STR("#!/bin/sh\n"), 0755);
    CHECK("none there", !engine_find(SCRIPT_ENGINE_PWSH, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK_TEXT("says so", e.text, "there is no pwsh on the PATH; PowerShell 7 brings it");
    put(&m, "bin/pwsh", STR("#!/bin/sh\n"), 0755);
    CHECK("its worker is not built", !engine_find(SCRIPT_ENGINE_PWSH, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK("says so", strstr(e.text, "pwsh/start.ps1 is missing"));
    REQUIRE("so the other is taken", engine_find(SCRIPT_ENGINE_AUTO, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK_INT("bundled", engine.kind, SCRIPT_ENGINE_BUNDLED);
    put(&m, "runtime/pwsh/start.ps1", STR("x"), 0644);
    REQUIRE("now it is", engine_find(SCRIPT_ENGINE_AUTO, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK_INT("pwsh", engine.kind, SCRIPT_ENGINE_PWSH);
    CHECK_TEXT("its program", engine.argv[0], in(&m, "bin/pwsh"));
    CHECK_TEXT("its last word", engine.argv[5], in(&m, "runtime/pwsh/start.ps1"));
    REQUIRE("unless the other is asked for", engine_find(SCRIPT_ENGINE_BUNDLED, in(&m, "runtime"), &m.a, &engine, &e));
    CHECK_INT("bundled", engine.kind, SCRIPT_ENGINE_BUNDLED);
    put(&m, "bin/pwsh", STR("x"), 0644);
    CHECK("one that cannot be executed is none", !engine_find(SCRIPT_ENGINE_PWSH, in(&m, "runtime"), &m.a, &engine, &e));
}

TEST_MAIN()
