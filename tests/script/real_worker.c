// The pool with the real PowerShell worker: real_worker [-e pwsh] BUILD_SCRIPT RUNTIME_DIR [test].
//
// Builds the worker if need be (powershell/build), then runs scripts that behave in every way they
// should not.
#define BENCH_RUNTIME_DIR runtime_dir
static const char *runtime_dir;
#include "tests/script/pool_bench.h"

#include <sys/wait.h>

#define OPTIONS .warm_workers = 1, .grace_ms = 500

TEST(a_script_runs)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("Write-Host hello\nWrite-Verbose deep -Verbose\nWrite-Warning careful\n[pscustomobject]@{ a = 1; b = 'x' }\nSet-OctopusVariable Name value"));
    CHECK_INT("outcome", h.result.outcome, SCRIPT_SUCCEEDED);
    CHECK_TEXT("error", h.error, "");
    CHECK_TEXT("output", h.output, "[{\"a\":1,\"b\":\"x\"}]");
    CHECK_TEXT("variables", h.variables, "{\"Name\":\"value\"}");
    CHECK("it had started", h.started == 1 && h.result.had_started);
    CHECK("host", str_find(buf_str(&h.log), STR("Host hello\n")) >= 0);
    CHECK("verbose", str_find(buf_str(&h.log), STR("Verbose deep\n")) >= 0);
    CHECK("warning", str_find(buf_str(&h.log), STR("Warning careful\n")) >= 0);
    struct script_capabilities c = script_pool_capabilities(b.pool);
    CHECK("available", c.is_available);
    CHECK("version 7", c.version[0] == '7');
    fprintf(stderr, "engine %s %s at %s; %s\n", c.engine, c.version, c.path, c.containment);
}

TEST(how_scripts_end)
{
    static const struct { const char *claim, *script; enum script_outcome outcome; int exit_code; const char *error; } rows[] = {
        { "throws", "$x = 1\nthrow 'it broke'", SCRIPT_FAILED, -1, "it broke" },
        { "exit 3", "exit 3", SCRIPT_FAILED, 3, "3" },
        { "exit 0", "exit 0", SCRIPT_SUCCEEDED, 0, NULL },
        { "a command that does not exist", "Get-Nonsense", SCRIPT_FAILED, -1, "Get-Nonsense" },
        { "syntax", "if (", SCRIPT_FAILED, -1, NULL },
        { "ends its process", "[Environment]::Exit(5)", SCRIPT_FAILED, 5, "the script ended its process with status 5" },
        { "kill -9", "[Diagnostics.Process]::GetCurrentProcess().Kill()", SCRIPT_INTERRUPTED, -1, "killed by signal 9" },
        { "kill -9 by a command", "& /bin/sh -c \"kill -9 $PID\"\n1..1000 | % { Start-Sleep 1 }", SCRIPT_INTERRUPTED, -1, "killed by signal 9" },
        { "fails fast", "[Environment]::FailFast('enough')", SCRIPT_INTERRUPTED, -1, "killed by signal 6" },
        { "an error on a thread", "$t = [Threading.Thread]::new([Threading.ThreadStart]{ throw 'x' }); $t.Start(); Start-Sleep 100", SCRIPT_INTERRUPTED, -1, "killed by signal 6" },
    };
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(heard_fini) struct heard h = { 0 };
        run(&b, &h, (struct given){ .script = rows[i].script, .owner = rows[i].claim, .timeout_ms = 60000 });
        bool is_right = CHECK_INT(rows[i].claim, h.result.outcome, rows[i].outcome);
        is_right &= CHECK_INT("exit code", h.result.has_exit_code ? h.result.exit_code : -1, rows[i].exit_code);
        if (rows[i].error)
            is_right &= CHECK(rows[i].error, strstr(h.error, rows[i].error));
        if (!is_right)
            fprintf(stderr, "    error: %s\n    log: %.*s\n", h.error, STR_ARG(buf_str(&h.log)));
    }
}

TEST(scripts_that_do_not_end)
{
    static const struct { const char *claim, *script; } rows[] = {
        { "sleeps", "Write-Host now; Start-Sleep 1000" },
        { "spins", "Write-Host now; while ($true) { }" },
        { "sleeps in .NET", "Write-Host now; [Threading.Thread]::Sleep(1000000)" },
        { "waits for a program", "Write-Host now; & /bin/sleep 1000" },
        { "waits for one that is deaf", "Write-Host now; & /bin/sh -c 'trap \"\" TERM INT HUP; sleep 1000; sleep 1000'" },
        { "catches everything", "Write-Host now; while ($true) { try { Start-Sleep 1000 } catch { } finally { Start-Sleep 1000 } }" },
    };
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS, .max_workers = 6 }));
    CLEANUP(many_fini) struct many slow = { 0 }, cancelled = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++) {
        start(&b, &slow.h[i], (struct given){ .script = rows[i].script, .owner = rows[i].claim, .timeout_ms = 2000 });
        cancelled.h[i].cancel_at = "now";
        start(&b, &cancelled.h[i], (struct given){ .script = rows[i].script, .owner = "c", .timeout_ms = 60000 });
    }
    wait_all(&b);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INT(rows[i].claim, slow.h[i].result.outcome, SCRIPT_TIMED_OUT);
        CHECK_INT(rows[i].claim, cancelled.h[i].result.outcome, SCRIPT_CANCELLED);
    }
}

TEST(what_is_eaten_and_flooded)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    static const struct { const char *claim, *script; enum script_outcome outcome; const char *error; } rows[] = {
        { "managed memory", "$all = [Collections.Generic.List[object]]::new(); while ($true) { $a = [byte[]]::new(16MB); [Array]::Fill($a, [byte]1); $all.Add($a) }", SCRIPT_FAILED, NULL },
        { "memory of its own", "$all = 0; while ($true) { $p = [Runtime.InteropServices.Marshal]::AllocHGlobal(16MB); for ($i = 0; $i -lt 16MB; $i += 4096) { [Runtime.InteropServices.Marshal]::WriteByte($p, $i, 1) } }", SCRIPT_FAILED, "used more than its 300 MB" },
        { "memory of a child", "& /bin/sh -c '(head -c 500000000 /dev/zero; sleep 1000) | tail -n 1 > /dev/null'", SCRIPT_FAILED, "used more than its 300 MB" },
        { "a flood of lines", "1..20000 | % { Write-Host \"line $_\" }", SCRIPT_SUCCEEDED, NULL },
        { "a flood without line ends", "$s = 'x' * 100000; 1..100 | % { Write-Host $s -NoNewline }", SCRIPT_SUCCEEDED, NULL },
        { "a flood of a program", "& /bin/sh -c 'head -c 20000000 /dev/zero' > $null", SCRIPT_SUCCEEDED, NULL },
        { "a flood on the real descriptor", "& /bin/sh -c 'head -c 3000000 /dev/zero >&2' 2>$null", SCRIPT_SUCCEEDED, NULL },
        { "binary output", "$s = [Console]::OpenStandardOutput(); $s.Write([byte[]](0..255), 0, 256); $s.Flush()", SCRIPT_SUCCEEDED, NULL },
        { "large output", "'x' * 5000000", SCRIPT_SUCCEEDED, NULL },
        { "endless output", "while ($true) { 'x' * 10000 }", SCRIPT_TIMED_OUT, NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(heard_fini) struct heard h = { 0 };
        run(&b, &h, (struct given){ .script = rows[i].script, .owner = rows[i].claim, .timeout_ms = rows[i].outcome == SCRIPT_TIMED_OUT ? 3000 : 60000, .memory_bytes = 300 << 20 });
        bool is_right = CHECK_INT(rows[i].claim, h.result.outcome, rows[i].outcome);
        if (rows[i].error)
            is_right &= CHECK(rows[i].error, strstr(h.error, rows[i].error));
        CHECK("the log is bounded", h.lines <= 10001 && h.log.n < (5 << 20));
        CHECK("valid text", str_is_utf8(buf_str(&h.log)));
        if (!is_right)
            fprintf(stderr, "    error: %s\n", h.error);
    }
}

TEST(the_descriptor_is_attacked)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    // The worker moves its socket away from 3; a script finds it all the same.
    const char *garbage = "foreach ($fd in 3..200) { if (Test-Path /proc/self/fd/$fd) { $l = [IO.FileInfo]::new(\"/proc/self/fd/$fd\").LinkTarget; if ($l -like 'socket:*') {"
                          "$f = [IO.FileStream]::new([Microsoft.Win32.SafeHandles.SafeFileHandle]::new([IntPtr]$fd, $false), 'Write', 0); try { $f.Write([byte[]](192..255), 0, 64) } catch { } } } }; Start-Sleep 100";
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, (struct given){ .script = garbage, .timeout_ms = 60000 });
    CHECK_INT("interrupted", h.result.outcome, SCRIPT_INTERRUPTED);
    CHECK("it broke the protocol", strstr(h.error, "broke the protocol"));
    if (h.result.outcome != SCRIPT_INTERRUPTED)
        fprintf(stderr, "    error: %s %s\n", h.error, h.output);
    CLEANUP(heard_fini) struct heard after = { 0 };
    run(&b, &after, SCRIPT("1"));
    CHECK_TEXT("the next run is well", after.output, "[1]");
}

// What the process has open for reading, opened anew for writing: only opened, never written, since where the
// machine has no namespaces for us it would really be the machine's own .NET.
TEST(a_script_cannot_change_what_runs_it)
{
    if (!process_can_own_pids())
        return;
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, SCRIPT("$seen = 0; $open = @()\n"
        "foreach ($fd in 3..300) { if (Test-Path /proc/self/fd/$fd) { $l = [IO.FileInfo]::new(\"/proc/self/fd/$fd\").LinkTarget; if ($l -like '*.dll') { $seen++\n"
        "  foreach ($path in \"/proc/self/fd/$fd\", $l) { try { [IO.FileStream]::new($path, 'Open', 'Write', 'ReadWrite').Dispose(); $open += $l } catch { } } } } }\n"
        "foreach ($dir in [AppContext]::BaseDirectory, [Runtime.InteropServices.RuntimeEnvironment]::GetRuntimeDirectory()) { try { [IO.File]::WriteAllText(\"$dir/planted\", 'x'); $open += $dir } catch { } }\n"
        "\"$($seen -gt 0) $open\""));
    if (!CHECK_TEXT("it sees libraries and can write none", h.output, "[\"True \"]"))
        fprintf(stderr, "    error: %s\n", h.error);
}

TEST(what_forks_and_detaches)
{
    static const char *const rows[] = {
        "& /bin/sh -c '(setsid sh -c \"trap \\\"\\\" TERM; sleep 1000 & sleep 1000\" >/dev/null 2>&1 </dev/null &)'; 'ok'",
        "[Diagnostics.Process]::Start('/bin/sleep', '1000') | Out-Null; 'ok'",
        "Start-Process /usr/bin/setsid -ArgumentList 'nohup','sleep','1000'; 'ok'",
    };
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(heard_fini) struct heard h = { 0 }, sees = { 0 };
        run(&b, &h, (struct given){ .script = rows[i], .owner = "a" });
        if (!CHECK_TEXT("it ran", h.output, "[\"ok\"]"))
            fprintf(stderr, "    error: %s\n", h.error);
        run(&b, &sees, (struct given){ .script = "@(Get-ChildItem /proc -Directory | ? Name -match '^\\d+$' | % { try { [IO.File]::ReadAllText(\"/proc/$($_.Name)/cmdline\") } catch { } } | ? { $_ -match '^(/bin/)?sleep' }).Count", .owner = "a" });
        CHECK_TEXT("the next run sees nothing of it", sees.output, "[0]");
    }
}

// What section 5 of powershell-commands.md lists, and issue 3 point 11.
static const char leave[] =
    "try { Add-Type 'public static class Left { public static int Value = 42; }' } catch { class Left { static [int] $Value = 42 } }\n"
    "[AppDomain]::CurrentDomain.SetData('left', 42)\n"
    "[psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')::Add('leftlist', [Collections.ArrayList])\n"
    "$env:LEFT_BEHIND = 'x'\n"
    "[Environment]::CurrentDirectory = '/usr'\n"
    "[Threading.Thread]::CurrentThread.CurrentCulture = 'de-DE'\n"
    "[Globalization.CultureInfo]::DefaultThreadCurrentCulture = 'de-DE'\n"
    "$global:left = 1\n"
    "function global:Left-Function { 1 }\n"
    "Set-Content (Join-Path ([IO.Path]::GetTempPath()) 'left.txt') 'x'\n"
    "Set-Content left-here.txt 'x'\n"
    "Set-Content ~/left-home.txt 'x'\n"
    "1 | Add-Member -NotePropertyName leak -NotePropertyValue secret\n"
    "[Net.ServicePointManager]::DefaultConnectionLimit = 77\n"
    "Set-Content left.psm1 'function Get-Left { 1 }'; Import-Module ./left.psm1\n"
    "$timer = [Timers.Timer]::new(50); $timer.AutoReset = $true; $timer.Start()\n"
    "[AppDomain]::CurrentDomain.add_ProcessExit({ })\n"
    "$thread = [Threading.Thread]::new([Delegate]::CreateDelegate([Threading.ThreadStart], [Threading.Barrier]::new(2), 'SignalAndWait')); $thread.Name = 'left'; $thread.IsBackground = $true; $thread.Start()\n"
    "try { Start-Job { 1 } | Out-Null } catch { }\n"
    "'done'";
static const char look[] =
    "$seen = @()\n"
    "if ('Left' -as [type]) { $seen += 'type' }\n"
    "if ([AppDomain]::CurrentDomain.GetData('left')) { $seen += 'domain data' }\n"
    "if ('leftlist' -as [type]) { $seen += 'type accelerator' }\n"
    "if ($env:LEFT_BEHIND) { $seen += 'environment' }\n"
    "if ([Environment]::CurrentDirectory -eq '/usr') { $seen += 'directory' }\n"
    "if ([Globalization.CultureInfo]::CurrentCulture.Name -eq 'de-DE') { $seen += 'culture' }\n"
    "if ($null -ne [Globalization.CultureInfo]::DefaultThreadCurrentCulture) { $seen += 'default culture' }\n"
    "if (Test-Path variable:left) { $seen += 'variable' }\n"
    "if (Get-Command Left-Function -ErrorAction SilentlyContinue) { $seen += 'function' }\n"
    "if (Get-Command Get-Left -ErrorAction SilentlyContinue) { $seen += 'module' }\n"
    "if (Test-Path (Join-Path ([IO.Path]::GetTempPath()) 'left.txt')) { $seen += 'temp file' }\n"
    "if (Test-Path left-here.txt) { $seen += 'file' }\n"
    "if (Test-Path ~/left-home.txt) { $seen += 'home file' }\n"
    "if ((1).leak) { $seen += 'member' }\n"
    "if ([Net.ServicePointManager]::DefaultConnectionLimit -eq 77) { $seen += 'connection limit' }\n"
    "foreach ($t in [IO.Directory]::GetDirectories('/proc/self/task')) { if ([IO.File]::ReadAllText(\"$t/comm\").Trim() -eq 'left') { $seen += 'thread' } }\n"
    "if ([Threading.Timer]::ActiveCount -gt 1) { $seen += \"timer $([Threading.Timer]::ActiveCount)\" }\n"
    "try { if (@(Get-Job).Count) { $seen += 'job' } } catch { }\n"
    "\"seen: $($seen -join ', ')\"";

TEST(the_next_reaction_sees_nothing)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    CLEANUP(heard_fini) struct heard first = { 0 }, other = { 0 }, same = { 0 };
    run(&b, &first, (struct given){ .script = leave, .owner = "Spaces-1/Identities-1/Reactions-1", .timeout_ms = 60000 });
    if (!CHECK_TEXT("much is left behind", first.output, "[\"done\"]"))
        fprintf(stderr, "    error: %s\n", first.error);
    run(&b, &other, (struct given){ .script = look, .owner = "Spaces-1/Identities-1/Reactions-2", .timeout_ms = 60000 });
    if (!CHECK_TEXT("another reaction sees none of it", other.output, "[\"seen: \"]"))
        fprintf(stderr, "    error: %s\n", other.error);
    run(&b, &same, (struct given){ .script = look, .owner = "Spaces-1/Identities-1/Reactions-1", .timeout_ms = 60000 });
    if (!CHECK_TEXT("nor does the same one: its process was ended for what it left running", same.output, "[\"seen: \"]"))
        fprintf(stderr, "    error: %s\n", same.error);
}

TEST(a_worker_cannot_look_out)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    struct script_pool_options opt = { OPTIONS, .use_sandbox = true };
    bool can_switch = process_can_switch_user();
    if (can_switch)
        opt.run_as_user = "nobody";
    REQUIRE("opens", bench_open(&b, opt));
    setenv("A_SECRET_OF_THE_SERVER", "canary", 1);
    struct err e;
    str secret = arena_printf(&b.arena, "%s/key", b.dir.p);
    CHECK_OK("a key", file_write(secret.p, STR("canary"), 0600, &e), &e);
    CLEANUP(arena_fini) struct arena a = { 0 };
    str script = arena_printf(&a,
        "$seen = @()\n"
        "try { if ([IO.File]::ReadAllText('%s') -match 'canary') { $seen += 'key file' } } catch { }\n"
        "foreach ($p in [IO.Directory]::GetDirectories('/proc') | ? { $_ -match '^/proc/\\d+$' }) { foreach ($f in 'environ', 'cmdline') {\n"
        "  try { if ([IO.File]::ReadAllText(\"$p/$f\") -match ('can' + 'ary')) { $seen += \"$p/$f\" } } catch { } } }\n"
        "if (Test-Path /proc/%d/fd/0) { $seen += 'descriptors of the server' }\n"
        "if ([Environment]::GetEnvironmentVariable('A_SECRET_OF_THE_SERVER')) { $seen += 'environment' }\n"
        "try { [IO.File]::WriteAllText('%s/planted', 'x') } catch { }\n"
        "try { [IO.File]::WriteAllText('/usr/planted', 'x'); $seen += 'wrote to /usr' } catch { }\n"
        "$status = [IO.File]::ReadAllText('/proc/self/status')\n"
        "if ($status -notmatch 'NoNewPrivs:\\s*1') { $seen += 'new privileges' }\n"
        "\"seen: $($seen -join ', ')\"", secret.p, (int)getpid(), b.dir.p);
    CLEANUP(heard_fini) struct heard h = { 0 };
    run(&b, &h, (struct given){ .script = script.p, .timeout_ms = 60000 });
    CHECK("nothing was written beside", !file_exists(arena_printf(&a, "%s/planted", b.dir.p).p));
    struct script_capabilities c = script_pool_capabilities(b.pool);
    if (can_switch || strstr(c.containment, "bubblewrap")) {
        if (!CHECK_TEXT("nothing", h.output, can_switch ? "[\"seen: \"]" : h.output))
            fprintf(stderr, "    %s: %s\n", c.containment, h.error);
    }
}

static struct {
    struct bench *b;
    char text[600];
} parsed;

static void on_parsed(void *ctx, const struct script_parsed *p)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    if (p->error_count)
        snprintf(parsed.text, sizeof parsed.text, "%d:%d %.*s", p->errors[0].line, p->errors[0].column, STR_ARG(p->errors[0].message));
    else
        snprintf(parsed.text, sizeof parsed.text, "%.*s%.*s", STR_ARG(p->failure), STR_ARG(json_text(&a, p->parameters)));
    parsed.b->running--;
    loop_stop(parsed.b->loop);
}

TEST(scripts_are_parsed)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    static const struct { const char *script, *want; } rows[] = {
        { "param($PackageId, [string]$Version = '1')\n$PackageId", "[\"PackageId\",\"Version\"]" },
        { "1 + 1", "[]" },
        { "$a = 1\nif ($a) {\n", "2:9 Missing closing '}' in statement block or type definition." },
    };
    parsed.b = &b;
    for (size_t i = 0; i < COUNT(rows); i++) {
        b.running = 1;
        script_parse(b.pool, str_from(rows[i].script), on_parsed, NULL);
        wait_all(&b);
        CHECK_TEXT(rows[i].script, parsed.text, rows[i].want);
    }
}

TEST(speed)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    REQUIRE("opens", bench_open(&b, (struct script_pool_options){ OPTIONS }));
    CLEANUP(heard_fini) struct heard first = { 0 };
    run(&b, &first, SCRIPT("1"));
    int64_t began = clock_mono_us(), to_done = 0;
    for (int i = 0; i < 200; i++) {
        CLEANUP(heard_fini) struct heard h = { 0 };
        while (!script_pool_idle(b.pool) && !b.is_late)
            turn(&b);
        int64_t at = clock_mono_us();
        start(&b, &h, SCRIPT("1"));
        wait_all(&b);
        to_done += clock_mono_us() - at;
        if (h.result.outcome != SCRIPT_SUCCEEDED)
            CHECK_TEXT("each succeeds", h.error, "");
    }
    fprintf(stderr, "one script after the other: %" PRId64 " us each, %" PRId64 " us to its end\n", (clock_mono_us() - began) / 200, to_done / 200);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: real_worker BUILD_SCRIPT RUNTIME_DIR [test]\n");
        return 2;
    }
    char command[2048];
    runtime_dir = argv[2];
    snprintf(command, sizeof command, "'%s' '%s'", argv[1], argv[2]);
    if (system(command) != 0) { // says why
        printf("0 claims, 1 failed\n");
        return 1;
    }
    return check_run(argc - 2, argv + 2);
}
