// engine.h - which PowerShell runs the worker: a pwsh 7 on the machine, or the bundled host on .NET.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "script/pool.h"

#define ENGINE_ENV_MAX 8

struct engine {
    enum script_engine kind; // BUNDLED or PWSH
    const char *path;        // what is executed, or the host's assembly
    const char *runtime_dir; // with links followed
    const char *const *argv;
    const char *env[ENGINE_ENV_MAX]; // NAME=value, beside the worker's own
    size_t env_count;
};

// AUTO prefers pwsh. What it finds lives in the arena. Where there is none the error says what to
// install and how, over several lines.
MUST_USE bool engine_find(enum script_engine wanted, const char *runtime_dir, struct arena *a, struct engine *out, struct err *e);

// Where .NET is, with a runtime of that major version (0: any): DOTNET_ROOT, dotnet on the PATH, the usual
// folders. NULL where there is none.
const char *engine_dotnet_root(int major, struct arena *a);
