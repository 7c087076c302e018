#include "script/engine.h"

#include "json/json.h"
#include "sys/file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define HOST "Reactions.Host"
#define START_SCRIPT "pwsh/start.ps1"
#define DOTNET_MAJOR 10 // when the host's own settings do not say

static bool is_program(const char *path)
{
    return access(path, X_OK) == 0;
}

// The whole path of a program on the PATH; links followed, since a runtime lies where its program lies.
static const char *find_program(const char *name, struct arena *a)
{
    str rest = str_from(getenv("PATH")), folder;
    char real[PATH_MAX];
    while (str_split(&rest, ':', &folder)) {
        if (!folder.n || folder.p[0] != '/')
            continue;
        const char *path = arena_printf(a, "%.*s/%s", STR_ARG(folder), name).p;
        if (is_program(path) && realpath(path, real))
            return arena_cstr(a, str_from(real));
    }
    return NULL;
}

// --- .NET

// Folders below shared/Microsoft.NETCore.App are versions: "10.0.12".
static bool has_runtime(const char *root, int major, struct arena *a)
{
    if (!is_program(arena_printf(a, "%s/dotnet", root).p))
        return false;
    DIR *dir = opendir(arena_printf(a, "%s/shared/Microsoft.NETCore.App", root).p);
    if (!dir)
        return false;
    bool is_there = false;
    for (struct dirent *item; (item = readdir(dir)) && !is_there;) {
        str name = str_from(item->d_name), first;
        uint64_t number;
        is_there = str_split(&name, '.', &first) && str_to_u64(first, &number) && (major == 0 || number == (uint64_t)major);
    }
    closedir(dir);
    return is_there;
}

const char *engine_dotnet_root(int major, struct arena *a)
{
    const char *candidates[8] = { getenv("DOTNET_ROOT") };
    size_t n = 1;
    const char *program = find_program("dotnet", a);
    if (program)
        candidates[n++] = arena_cstr(a, (str){ program, (size_t)str_find_last_char(str_from(program), '/') });
    str location;
    if (file_read("/etc/dotnet/install_location", PATH_MAX, a, &location, NULL))
        candidates[n++] = arena_cstr(a, str_trim(location));
    candidates[n++] = "/usr/share/dotnet";
    candidates[n++] = "/usr/lib/dotnet";
    candidates[n++] = "/usr/local/share/dotnet";
    if (getenv("HOME"))
        candidates[n++] = arena_printf(a, "%s/.dotnet", getenv("HOME")).p;
    for (size_t i = 0; i < n; i++)
        if (candidates[i] && candidates[i][0] == '/' && has_runtime(candidates[i], major, a))
            return candidates[i];
    return NULL;
}

// Of the host's *.runtimeconfig.json: runtimeOptions.framework.version, "10.0.0".
static int wanted_major(const char *runtime_dir, struct arena *a)
{
    str text, version, first;
    struct json *j;
    uint64_t major;
    if (!file_read(arena_printf(a, "%s/" HOST ".runtimeconfig.json", runtime_dir).p, 65536, a, &text, NULL) || !json_parse(a, text, &j, NULL))
        return DOTNET_MAJOR;
    version = json_str(json_pointer(j, STR("/runtimeOptions/framework/version")), STR(""));
    return str_split(&version, '.', &first) && str_to_u64(first, &major) && major < 1000 ? (int)major : DOTNET_MAJOR;
}

// --- the two engines

static void add_env(struct engine *engine, const char *entry)
{
    assert(engine->env_count < ENGINE_ENV_MAX);
    engine->env[engine->env_count++] = entry;
}

static const char *const *words(struct arena *a, const char *const *items, size_t n)
{
    const char **copy = ARENA_ARRAY(a, const char *, n + 1);
    memcpy(copy, items, n * sizeof *items);
    return copy;
}

static bool find_bundled(const char *runtime_dir, struct arena *a, struct engine *out, struct err *e)
{
    const char *program = arena_printf(a, "%s/" HOST, runtime_dir).p;
    const char *assembly = arena_printf(a, "%s/" HOST ".dll", runtime_dir).p;
    struct engine engine = { .kind = SCRIPT_ENGINE_BUNDLED, .runtime_dir = runtime_dir };
    bool has_program = is_program(program), has_assembly = file_exists(assembly);
    if (!has_program && !has_assembly)
        return err_set(e, ERR_NOT_FOUND, "the bundled PowerShell host is not built: %s is missing; ./run --build-only builds it", assembly);
    if (!has_assembly) { // with its runtime inside
        engine.path = program;
        engine.argv = words(a, (const char *const[]){ program }, 1);
        *out = engine;
        return true;
    }
    int major = wanted_major(runtime_dir, a);
    const char *root = engine_dotnet_root(major, a);
    if (!root)
        return err_set(e, ERR_NOT_FOUND,
            "PowerShell scripts need the .NET %d runtime, which is not on this machine (looked at DOTNET_ROOT, dotnet on the PATH, /usr/share/dotnet, /usr/lib/dotnet). "
            "Install the package dotnet-runtime-%d.0 (apt-get install dotnet-runtime-%d.0, or dotnet-sdk-%d.0), or run the dotnet-install script with --runtime dotnet --channel %d.0 "
            "and set DOTNET_ROOT; or install PowerShell 7 as pwsh on the PATH. Everything but scripts works without.",
            major, major, major, major, major);
    engine.path = assembly;
    engine.argv = words(a, (const char *const[]){ arena_printf(a, "%s/dotnet", root).p, "exec", assembly }, 3);
    add_env(&engine, arena_printf(a, "DOTNET_ROOT=%s", root).p);
    *out = engine;
    return true;
}

static bool find_pwsh(const char *runtime_dir, struct arena *a, struct engine *out, struct err *e)
{
    const char *program = find_program("pwsh", a);
    if (!program)
        return err_set(e, ERR_NOT_FOUND, "there is no pwsh on the PATH; PowerShell 7 brings it");
    const char *start = arena_printf(a, "%s/" START_SCRIPT, runtime_dir).p;
    if (!file_exists(start))
        return err_set(e, ERR_NOT_FOUND, "the worker for pwsh is not built: %s is missing; ./run --build-only builds it", start);
    struct engine engine = { .kind = SCRIPT_ENGINE_PWSH, .runtime_dir = runtime_dir, .path = program };
    engine.argv = words(a, (const char *const[]){ program, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", start }, 6);
    const char *root = engine_dotnet_root(0, a);
    if (root)
        add_env(&engine, arena_printf(a, "DOTNET_ROOT=%s", root).p); // where pwsh is a .NET tool
    *out = engine;
    return true;
}

bool engine_find(enum script_engine wanted, const char *runtime_dir, struct arena *a, struct engine *out, struct err *e)
{
    char real[PATH_MAX];
    struct err of_pwsh;
    // Workers run in another folder, so a relative path would lead them astray.
    if (!runtime_dir || !realpath(runtime_dir, real))
        return err_set(e, ERR_NOT_FOUND, "the folder of the PowerShell worker, %s, does not exist; ./run --build-only builds it", runtime_dir ? runtime_dir : "(none)");
    runtime_dir = arena_cstr(a, str_from(real));
    if (wanted == SCRIPT_ENGINE_PWSH)
        return find_pwsh(runtime_dir, a, out, e);
    if (wanted == SCRIPT_ENGINE_AUTO && find_pwsh(runtime_dir, a, out, &of_pwsh))
        return true;
    return find_bundled(runtime_dir, a, out, e);
}
