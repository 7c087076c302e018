// A run's PowerShell action: what the script finds, what it says, how it ended.
#include "base/encode.h"
#include "base/limits.h"
#include "base/timetext.h"
#include "http/address.h"
#include "reaction/dry_run.h"
#include "reaction/engine_internal.h"
#include "reaction/match_octopus.h"
#include "reaction/octopus_vars.h"
#include "reaction/payload.h"
#include "sys/file.h"

#include <sodium.h>
#include <stdio.h>

#define MODULE_MAX_BYTES (256 << 20)

// ---- what the script finds ----

// A module is the file that was approved, byte for byte.
static bool add_modules(struct active *run, struct json *frame, struct err *e)
{
    struct arena *a = &run->arena;
    struct json *list = json_add(frame, STR("Modules"), json_new_array(a));
    for (size_t i = 0; i < run->def->module_count; i++) {
        const struct module *m = &run->def->modules[i];
        CLEANUP(arena_fini) struct arena content = { 0 };
        unsigned char hash[crypto_hash_sha256_BYTES];
        str bytes;
        str space = store_id_text(a, KIND_SPACE, run->run.space_id);
        str path = arena_printf(a, "%s/modules/%.*s/%.*s", run->engine->opt.data_dir, STR_ARG(space), STR_ARG(m->name));
        if (!file_read(path.p, MODULE_MAX_BYTES, &content, &bytes, e))
            return err_in(e, "module \"%.*s\"", STR_ARG(m->name));
        crypto_hash_sha256(hash, (const unsigned char *)bytes.p, bytes.n);
        str got = hex_encode(a, (str){ (const char *)hash, sizeof hash });
        if (!str_eq(got, m->sha256))
            return err_set(e, ERR_DENIED, "module \"%.*s\" has SHA-256 %.*s, but the reaction lists %.*s", STR_ARG(m->name), STR_ARG(got), STR_ARG(m->sha256));
        struct json *item = json_push(list, json_new_object(a));
        json_add_str(a, item, "Name", m->name);
        json_add_str(a, item, "Path", path);
    }
    return true;
}

static void add_request(struct active *run, struct json *frame)
{
    struct arena *a = &run->arena;
    struct json *request = NULL;
    if (run->event->request.n && !json_parse(a, run->event->request, &request, NULL))
        request = NULL;
    struct json *query = json_get(request, STR("Query")), *route = json_get(request, STR("Route"));
    json_add(frame, STR("Query"), query ? json_copy(a, query) : json_new_object(a));
    json_add(frame, STR("Route"), route ? json_copy(a, route) : json_new_object(a));
    struct json *out = json_add(frame, STR("Request"), json_new_object(a));
    static const char *const fields[] = { "Method", "Path", "Headers", "ContentType", "RemoteAddress" };
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct json *value = json_get(request, str_from(fields[i]));
        json_add(out, str_from(fields[i]), value ? json_copy(a, value) : json_new_null(a));
    }
    json_add_str(a, out, "Body", str_is_utf8(run->event->body) ? run->event->body : base64_encode(a, run->event->body, BASE64_STANDARD));
}

static void add_octopus(struct active *run, struct json *frame)
{
    struct arena *a = &run->arena;
    const struct identity_entry *identity = run->def->identity.n ? snapshot_find_identity(run->snapshot, run->run.space_id, run->def->identity) : NULL;
    const struct connection_entry *connection = identity ? snapshot_connection(run->snapshot, identity->connection_id) : NULL;
    str reason = { 0 };
    if (!run->def->identity.n)
        reason = STR("this reaction has no identity, so its script has no Octopus client: choose one under Identity");
    else if (!identity)
        reason = arena_printf(a, "the identity \"%.*s\" does not exist any more", STR_ARG(run->def->identity));
    else if (!connection)
        reason = arena_printf(a, "the identity \"%.*s\" has no connection", STR_ARG(run->def->identity));
    json_add_str(a, frame, "NoClientReason", reason);
    if (reason.p) {
        json_add_null(a, frame, "Octopus");
        return;
    }
    struct json *octopus = json_add(frame, STR("Octopus"), json_new_object(a));
    str space = json_str(json_get(connection->doc, STR("OctopusSpaceId")), connection->octopus_space);
    json_add_str(a, octopus, "Identity", identity->name);
    json_add_str(a, octopus, "BaseUri", connection->url);
    json_add_str(a, octopus, "SpaceId", space.n ? space : (str){ 0 });
    json_add_str(a, octopus, "SpaceName", json_str(json_get(connection->doc, STR("OctopusSpaceName")), (str){ 0 }));
}

// A dry run has no network, not even to us: its script finds $Octopus alone.
static bool add_dotnet_client(struct active *run, struct json *frame, struct err *e)
{
    struct arena *a = &run->arena;
    str base = json_str(json_get(json_get(frame, STR("Octopus")), STR("BaseUri")), (str){ 0 }), url, token;
    if (!run->def->octopus_client || run->dry || !base.n) {
        json_add_null(a, frame, "OctopusClient");
        return true;
    }
    if (!broker_http_admit(run, base, &url, &token, e))
        return false;
    struct json *client = json_add(frame, STR("OctopusClient"), json_new_object(a));
    json_add_str(a, client, "Url", url);
    json_add_str(a, client, "Token", token);
    return true;
}

static bool build_frame(struct active *run, struct json **out, struct err *e)
{
    struct arena *a = &run->arena;
    struct json *frame = json_new_object(a);
    json_add_str(a, frame, "Script", run->def->script);
    json_add_i64(a, frame, "TimeoutSeconds", run->def->timeout_seconds);
    json_add_bool(a, frame, "IsDryRun", run->dry != NULL);
    json_add_str(a, frame, "SpaceId", store_id_text(a, KIND_SPACE, run->run.space_id));
    json_add_str(a, frame, "ReactionId", store_id_text(a, KIND_REACTION, run->run.reaction_id));
    json_add_str(a, frame, "ReactionName", run->def->name);
    json_add_i64(a, frame, "Attempt", run->run.attempts);
    json_add(frame, STR("Event"), event_json(run->event, run->snapshot, false, a));
    json_add_str(a, frame, "PayloadKind", payload_shown_kind(run->event->payload_kind));
    json_add(frame, STR("Payload"), run->payload);
    add_request(run, frame);

    struct json *parameters = json_add(frame, STR("OctopusParameters"), json_new_object(a));
    if (run->engine->opt.server_uri)
        json_add_str(a, parameters, "Reactions.ServerUri", str_from(run->engine->opt.server_uri));
    json_add_str(a, parameters, "Reactions.Run.Id", store_id_text(a, KIND_RUN, run->run.id));
    json_add_str(a, parameters, "Reactions.IdempotencyKey", run->run.key);
    struct octopus_view view;
    struct data_source data = engine_octopus_data(run->engine, run->snapshot, run->event, &view);
    if (run->event->source == EVENT_INTERNAL)
        octopus_vars(&data, run->payload, run->needs, parameters, NULL, a);
    if (!data_rendered_variables(&data, run->def, run->vars, parameters, a, e))
        return false;
    static const char *const ids[] = { "ProjectId", "ReleaseId", "DeploymentId", "EnvironmentId", "TenantId", "MachineId", "TaskId", "ChannelId" };
    struct json *of_event = json_add(frame, STR("Ids"), json_new_object(a));
    for (size_t i = 0; i < COUNT(ids); i++)
        json_add_null(a, of_event, ids[i]);
    if (run->event->source == EVENT_INTERNAL)
        match_octopus_ids(run->payload, of_event, a);
    add_octopus(run, frame);
    struct json *octopus = json_get(frame, STR("Octopus"));
    json_add_str(a, of_event, "SpaceId", json_str(json_get(octopus, STR("SpaceId")), (str){ 0 }));
    if (!add_modules(run, frame, e) || !add_dotnet_client(run, frame, e))
        return false;
    json_add_i64(a, frame, "MaxLogLines", LIMIT_RUN_LOG_LINES);
    json_add_i64(a, frame, "MaxLogBytes", LIMIT_RUN_LOG_BYTES);
    json_add_i64(a, frame, "MaxLogLineBytes", LIMIT_RUN_LOG_LINE_BYTES);
    json_add_i64(a, frame, "MaxOutputBytes", LIMIT_RUN_OUTPUT_BYTES);
    *out = frame;
    return true;
}

// ---- what it says ----

// Stores and shows the lines that are known to hold no secret; at the end of the attempt, what was kept back too.
static void pass_lines(struct active *run, bool is_end)
{
    struct engine *g = run->engine;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_log_line *out = NULL;
    size_t count = 0, cap = 0;
    struct json *shown = json_new_array(&a);
    struct mask_line line;
    while (mask_lines_next(run->masked_lines, is_end, &a, &line)) {
        if (run->log_is_full)
            continue;
        run->log_lines++;
        run->log_bytes += (int64_t)line.text.n;
        if (run->log_lines > LIMIT_RUN_LOG_LINES || run->log_bytes > LIMIT_RUN_LOG_BYTES) {
            run->log_is_full = true;
            line.level = STR("Warning");
            line.text = STR("the log is full: further lines of this attempt are not kept");
        }
        xgrow(&out, &cap, count + 1, sizeof *out);
        out[count++] = (struct store_log_line){ run->run.id, run->run.attempts, line.at_ms, line.level, line.text };
        struct json *j = json_push(shown, json_new_object(&a));
        json_add_time(&a, j, "Time", line.at_ms);
        json_add_str(&a, j, "Level", line.level);
        json_add_str(&a, j, "Text", line.text);
    }
    if (run->dry) {
        dry_run_log(run, shown);
    } else if (count) {
        store_append(g->opt.store, out, count, NULL, 0);
        engine_note(g, &(struct engine_note){ .kind = NOTE_LOG, .space_id = run->run.space_id, .id = run->run.id, .reaction_id = run->run.reaction_id, .text = json_text(&a, shown) });
    }
    free(out);
}

static void on_log(void *ctx, const struct json *lines)
{
    struct active *run = ctx;
    json_each(line, lines)
    {
        int64_t at_ms = clock_wall_ms(run->engine->opt.clock);
        timetext_parse(json_str(json_get(line, STR("Time")), (str){ "", 0 }), &at_ms);
        mask_lines_add(run->masked_lines, &(struct mask_line){ at_ms, json_str(json_get(line, STR("Level")), STR("Info")), json_str(json_get(line, STR("Text")), (str){ "", 0 }) });
    }
    pass_lines(run, false);
}

static void on_placed(void *ctx)
{
    engine_begin(ctx);
}

static void on_call(void *ctx, const struct script_call *call)
{
    broker_call(ctx, call, NULL);
}

static bool on_egress(void *ctx, str host, str address, int port, str *reason)
{
    struct active *run = ctx;
    struct sockaddr_storage sa = { 0 };
    struct ip ip;
    struct err e = { 0 };
    if (run->dry) {
        *reason = STR("a dry run connects nowhere");
        return false;
    }
    if (broker_http_is_at(run, address, port))
        return true;
    if (!ip_parse(address, &ip)) {
        *reason = STR("not an address");
        return false;
    }
    ip_to_sockaddr(&ip, port, &sa);
    if (egress_allows(run->engine->egress_snapshot->egress, (struct sockaddr *)&sa, host, port, EGRESS_SCRIPT, &e))
        return true;
    snprintf(run->refusal, sizeof run->refusal, "%s", e.text); // not in the arena: a script may ask for ever
    *reason = str_from(run->refusal);
    return false;
}

// ---- how it ended ----

static void on_done(void *ctx, const struct script_result *r)
{
    struct active *run = ctx;
    static const enum attempt_outcome outcomes[] = {
        [SCRIPT_SUCCEEDED] = ATTEMPT_SUCCEEDED, [SCRIPT_FAILED] = ATTEMPT_FAILED, [SCRIPT_TIMED_OUT] = ATTEMPT_TIMED_OUT,
        [SCRIPT_INTERRUPTED] = ATTEMPT_INTERRUPTED, [SCRIPT_CANCELLED] = ATTEMPT_CANCELLED,
    };
    run->job = NULL;
    broker_http_dismiss(run);
    pass_lines(run, true);
    struct attempt_end end = {
        .outcome = outcomes[r->outcome],
        .may_retry = run->def->retry_scripts,
        .retry_after_ms = -1,
        .has_exit_code = r->has_exit_code,
        .exit_code = r->exit_code,
        .error = arena_str(&run->arena, r->error),
        .output = r->output ? json_copy(&run->arena, r->output) : json_new_array(&run->arena),
    };
    if (run->is_cancelled)
        end.outcome = ATTEMPT_CANCELLED;
    // A worker that ended before the script began has done nothing: that may be tried again. When the server stops, it is as if the
    // run had not been claimed.
    if (end.outcome == ATTEMPT_INTERRUPTED && !r->had_started && run->engine->is_stopping && !run->dry) {
        engine_release(run, run->run.due_ms);
        return;
    }
    if (end.outcome == ATTEMPT_INTERRUPTED && !r->had_started)
        run->run.is_repeatable = true;
    engine_finish(run, &end);
}

bool run_script_start(struct active *run, struct err *e)
{
    struct engine *g = run->engine;
    struct json *frame;
    if (run->def->action_type != ACTION_POWERSHELL)
        return err_set(e, ERR_INVALID, "not a script");
    if (!build_frame(run, &frame, e))
        return false;
    struct script_job_options job = {
        .owner = arena_printf(&run->arena, "Spaces-%" PRId64 "/%.*s/Reactions-%" PRId64, run->run.space_id, STR_ARG(run->def->identity), run->run.reaction_id),
        .is_isolated = run->def->is_isolated || run->dry,
        .run_id = store_id_text(&run->arena, KIND_RUN, run->run.id),
        .fence = run->run.fence,
        .timeout_ms = run->dry ? MIN(run->def->timeout_seconds * 1000, (int64_t)DRY_RUN_MAX_MS) : run->def->timeout_seconds * 1000,
        .memory_bytes = run->def->memory_megabytes << 20,
        .frame = frame,
        .ctx = run,
        .placed = run->dry ? NULL : on_placed, // of a dry run nothing is stored
        .log = on_log,
        .call = on_call,
        .egress = on_egress,
        .done = on_done,
    };
    run->job = script_job_start(run->dry ? g->dry_pool : g->pool, &job);
    return true;
}
