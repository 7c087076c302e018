#include "reaction/reaction.h"

#define THROTTLE_MAX 10000 // starts are counted one by one

#include "base/encode.h"
#include "base/limits.h"
#include "trigger/trigger.h"

#include <sodium.h>

const char *const filter_list_names[FILTER_LISTS] = {
    "Projects", "ProjectGroups", "Environments", "Tenants", "TenantTags", "Channels", "Machines", "Roles", "Users",
};

static const char *const trigger_types[] = { "Internal", "External", NULL };
static const char *const action_types[] = { "PowerShell", "Http", NULL };
static const char *const isolations[] = { "Reaction", "Process", NULL };
static const char *const undefined_names[] = { "Fail", "Leave", NULL };

static bool begin_member(struct decode *parent, const char *name, struct decode *d, const struct json **object)
{
    *object = decode_object(parent, name);
    return *object && decode_begin(d, *object, decode_path(parent, name), parent->errors);
}

static struct str_list decode_list(struct decode *d, const char *name)
{
    struct str_list list;
    list.items = decode_str_list(d, name, &list.count);
    return list;
}

static void decode_trigger(struct decode *parent, struct reaction *r)
{
    struct decode d;
    const struct json *object;
    if (!begin_member(parent, "Trigger", &d, &object)) {
        if (!json_get(parent->object, STR("Trigger")))
            decode_error(parent, "Trigger", "is required: { \"Type\": \"External\", \"Name\": ... } or { \"Type\": \"Internal\", \"Events\": [...] }");
        return;
    }
    if (!json_get(object, STR("Type")))
        decode_error(&d, "Type", "is required: Internal or External");
    r->trigger_type = (enum trigger_type)decode_choice(&d, "Type", trigger_types, TRIGGER_INTERNAL);
    if (r->trigger_type == TRIGGER_EXTERNAL) {
        r->trigger_name = decode_required_str(&d, "Name");
    } else {
        r->connection = decode_str(&d, "Connection", (str){ "", 0 });
        r->events = decode_list(&d, "Events");
        if (!r->events.count)
            decode_error(&d, "Events", "must name at least one event, such as DeploymentSucceeded");
    }
    decode_done(&d);
}

static void decode_filter(struct decode *parent, struct reaction *r)
{
    struct decode d;
    const struct json *object;
    if (!begin_member(parent, "Filter", &d, &object))
        return;
    for (int i = 0; i < FILTER_LISTS; i++)
        r->filters[i] = decode_list(&d, filter_list_names[i]);
    r->condition = decode_str(&d, "Condition", (str){ 0 });
    r->include_own_effects = decode_bool(&d, "IncludeOwnEffects", false);
    decode_done(&d);
    if (r->trigger_type != TRIGGER_EXTERNAL)
        return;
    for (int i = 0; i < FILTER_LISTS; i++)
        if (r->filters[i].count)
            decode_error(&d, filter_list_names[i], "an external event has none; use Condition, such as #{if Payload.Project == \"Web\"}true#{/if}");
}

static void decode_scope(struct decode *parent, struct reaction *r)
{
    struct decode d;
    const struct json *object;
    if (!begin_member(parent, "Scope", &d, &object))
        return;
    r->scope_projects = decode_list(&d, "Projects");
    r->scope_environments = decode_list(&d, "Environments");
    r->scope_tenants = decode_list(&d, "Tenants");
    decode_done(&d);
}

static bool is_sha256_hex(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!str_has(STR("0123456789abcdef"), s.p[i]))
            return false;
    return s.n == 64;
}

static void decode_modules(struct decode *parent, struct reaction *r)
{
    struct arena *a = parent->errors->arena;
    const struct json *list = decode_array(parent, "Modules");
    r->modules = ARENA_ARRAY(a, struct module, list ? list->count : 0);
    json_each(item, list)
    {
        struct decode d;
        if (!decode_begin(&d, item, decode_path_index(a, decode_path(parent, "Modules"), r->module_count), parent->errors))
            continue;
        struct module *m = &r->modules[r->module_count++];
        m->name = decode_required_str(&d, "Name");
        m->sha256 = decode_required_str(&d, "Sha256");
        if (str_has(m->name, '/') || str_has(m->name, '\\') || str_starts(m->name, STR(".")))
            decode_error(&d, "Name", "must be the name of a file in the space's modules folder, without a path");
        if (m->sha256.n && !is_sha256_hex(m->sha256))
            decode_error(&d, "Sha256", "must be 64 lower-case hexadecimal digits (sha256sum FILE)");
        decode_done(&d);
    }
}

static void decode_powershell(struct decode *d, struct reaction *r)
{
    r->script = decode_required_str(d, "Script");
    r->timeout_seconds = decode_i64(d, "TimeoutSeconds", 300, 1, 86400);
    r->memory_megabytes = decode_i64(d, "MemoryMegabytes", 512, 64, 65536);
    r->is_isolated = decode_choice(d, "Isolation", isolations, 0) == 1;
    r->octopus_client = decode_bool(d, "OctopusClient", false);
    decode_modules(d, r);
}

static void decode_http(struct decode *d, struct reaction *r)
{
    struct arena *a = d->errors->arena;
    r->method = decode_str(d, "Method", STR("POST"));
    r->uri = decode_required_str(d, "Uri");
    r->headers = decode_array(d, "Headers");
    size_t index = 0;
    json_each(header, r->headers)
    {
        struct decode h;
        if (decode_begin(&h, header, decode_path_index(a, decode_path(d, "Headers"), index++), d->errors)) {
            decode_required_str(&h, "Name");
            decode_str(&h, "Value", (str){ "", 0 });
            decode_done(&h);
        }
    }
    r->body = decode_str(d, "Body", (str){ 0 });
    r->content_type = decode_str(d, "ContentType", STR("application/json"));
    r->check_body = decode_bool(d, "CheckBody", true);
    r->leave_undefined = decode_choice(d, "OnUndefined", undefined_names, 0) == 1;
    r->timeout_seconds = decode_i64(d, "TimeoutSeconds", 30, 1, 300);
    r->success_status = decode_str(d, "SuccessStatus", STR("200-299"));
    r->signing = decode_object(d, "Signing");
    r->tls = decode_object(d, "Tls");
}

static void decode_action(struct decode *parent, struct reaction *r)
{
    struct decode d;
    const struct json *object;
    if (!begin_member(parent, "Action", &d, &object)) {
        if (!json_get(parent->object, STR("Action")))
            decode_error(parent, "Action", "is required: { \"Type\": \"PowerShell\", \"Script\": ... } or { \"Type\": \"Http\", \"Uri\": ... }");
        return;
    }
    if (!json_get(object, STR("Type")))
        decode_error(&d, "Type", "is required: PowerShell or Http");
    r->action_type = (enum action_type)decode_choice(&d, "Type", action_types, ACTION_POWERSHELL);
    if (r->action_type == ACTION_HTTP)
        decode_http(&d, r);
    else
        decode_powershell(&d, r);
    decode_done(&d);
    if (r->action_type == ACTION_HTTP && r->trigger_type == TRIGGER_EXTERNAL)
        decode_error(&d, "Type", "an external trigger may run a PowerShell script but not send an HTTP request: this server is not a pass-through HTTP broker. "
                                 "Use a script, or let the sender call the target itself");
}

static void decode_variables(struct decode *parent, struct reaction *r)
{
    struct arena *a = parent->errors->arena;
    const struct json *list = decode_array(parent, "Variables");
    r->variables = ARENA_ARRAY(a, struct variable, list ? list->count : 0);
    json_each(item, list)
    {
        struct decode d;
        if (!decode_begin(&d, item, decode_path_index(a, decode_path(parent, "Variables"), r->variable_count), parent->errors))
            continue;
        struct variable *v = &r->variables[r->variable_count];
        v->name = decode_required_str(&d, "Name");
        v->is_sensitive = decode_bool(&d, "IsSensitive", false);
        v->secret = decode_str(&d, "Secret", (str){ "", 0 });
        v->value = decode_member(&d, "Value"); // null removes a stored one, absent keeps it
        if (v->value && !json_is(v->value, JSON_STRING) && !json_is(v->value, JSON_NULL) && !v->is_sensitive)
            decode_error(&d, "Value", "must be text, not %s", json_type_name(v->value));
        if (v->secret.n && v->value && !json_is(v->value, JSON_NULL))
            decode_error(&d, NULL, "has both Value and Secret: give one");
        for (size_t i = 0; i < r->variable_count; i++)
            if (v->name.n && str_eq_nocase(r->variables[i].name, v->name))
                decode_error(&d, "Name", "\"%.*s\" is there twice", STR_ARG(v->name));
        r->variable_count++;
        decode_done(&d);
    }
}

static void decode_schedule(struct decode *d, struct reaction *r)
{
    struct arena *a = d->errors->arena;
    const struct json *schedule = decode_any(d, "Schedule");
    if (!schedule || json_is(schedule, JSON_NULL) || (json_is(schedule, JSON_STRING) && str_eq(schedule->text, STR("Standard"))))
        return;
    if (!json_is(schedule, JSON_ARRAY) || !schedule->count || schedule->count > 100) {
        decode_error(d, "Schedule", "must be \"Standard\" or a list of 1 to 100 numbers of seconds");
        return;
    }
    r->schedule_seconds = ARENA_ARRAY(a, int64_t, schedule->count);
    json_each(item, schedule)
    {
        int64_t *to = &r->schedule_seconds[r->schedule_count++];
        if (!json_i64(item, to) || *to < 0 || *to > 7 * 86400)
            decode_error_at(d, "Schedule", r->schedule_count - 1, "must be a number of seconds from 0 to 604800");
    }
}

static int64_t required_i64(struct decode *d, const char *name, int64_t max)
{
    size_t before = d->errors->count;
    int64_t value = decode_i64(d, name, 0, 1, max);
    if (!value && d->errors->count == before)
        decode_error(d, name, "is required: a number from 1 to %" PRId64, max);
    return value;
}

static void decode_running(struct decode *parent, struct reaction *r)
{
    struct decode d;
    const struct json *object;
    r->max_attempts = 10;
    r->max_concurrent = 10;
    if (begin_member(parent, "Retry", &d, &object)) {
        r->max_attempts = decode_i64(&d, "MaxAttempts", 10, 1, 100);
        decode_schedule(&d, r);
        r->retry_scripts = decode_bool(&d, "Scripts", false);
        decode_done(&d);
    }
    if (begin_member(parent, "Concurrency", &d, &object)) {
        r->max_concurrent = decode_i64(&d, "Max", 10, 1, 10000);
        r->has_order_by = json_is(json_get(object, STR("OrderBy")), JSON_STRING);
        r->order_by = decode_str(&d, "OrderBy", (str){ "", 0 });
        r->debounce = decode_object(&d, "Debounce");
        r->throttle = decode_object(&d, "Throttle");
        struct decode inner;
        if (r->debounce && decode_begin(&inner, r->debounce, decode_path(&d, "Debounce"), d.errors)) {
            r->debounce_seconds = required_i64(&inner, "Seconds", 86400);
            r->debounce_by = decode_str(&inner, "By", (str){ "", 0 });
            decode_done(&inner);
        }
        if (r->throttle && decode_begin(&inner, r->throttle, decode_path(&d, "Throttle"), d.errors)) {
            r->throttle_max = required_i64(&inner, "Max", THROTTLE_MAX);
            r->throttle_seconds = required_i64(&inner, "Seconds", 86400);
            decode_done(&inner);
        }
        decode_done(&d);
    }
    r->delay_seconds = decode_i64(parent, "DelaySeconds", 0, 0, 30 * 86400);
}

struct reaction *reaction_decode(struct arena *a, const struct json *doc, struct decode_errors *errors)
{
    static const char *const set_by_server[] = { "Id", "SpaceId", "Links", "Revision", "RevisionHash", "State", "Created", "Modified", "CreatedBy", "Resolved", "Draft", "Warnings" };
    struct reaction *r = ARENA_NEW(a, struct reaction);
    size_t errors_before = errors->count;
    struct decode d;
    if (!decode_begin(&d, doc, (str){ "", 0 }, errors))
        return NULL;
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(&d, set_by_server[i]);
    r->name = decode_required_str(&d, "Name");
    if (r->name.n > 200)
        decode_error(&d, "Name", "must have at most 200 bytes");
    r->slug = decode_str(&d, "Slug", slug_from_name(a, r->name));
    if (r->name.n && !slug_is_valid(r->slug))
        decode_error(&d, "Slug", "\"%.*s\" must be 1 to 100 lower-case letters, digits and hyphens", STR_ARG(r->slug));
    r->description = decode_str(&d, "Description", (str){ "", 0 });
    r->is_enabled = decode_bool(&d, "Enabled", true);
    r->is_paused = decode_bool(&d, "Paused", false);
    decode_trigger(&d, r);
    decode_filter(&d, r);
    decode_scope(&d, r);
    decode_action(&d, r);
    r->identity = decode_str(&d, "Identity", (str){ "", 0 });
    decode_variables(&d, r);
    decode_running(&d, r);
    decode_done(&d);
    return errors->count == errors_before ? r : NULL;
}

// ---- writing ----

static struct json *str_or_null(struct arena *a, str s)
{
    return s.p ? json_new_string(a, s) : json_new_null(a);
}

static struct json *copy_or_null(struct arena *a, const struct json *j)
{
    return j ? json_copy(a, j) : json_new_null(a);
}

static void add_list(struct arena *a, struct json *object, const char *name, struct str_list list)
{
    struct json *out = json_add(object, str_from(name), json_new_array(a));
    for (size_t i = 0; i < list.count; i++)
        json_push(out, json_new_string(a, list.items[i]));
}

static void add_trigger(struct arena *a, struct json *j, const struct reaction *r)
{
    struct json *t = json_add(j, STR("Trigger"), json_new_object(a));
    json_add_str(a, t, "Type", str_from(trigger_types[r->trigger_type]));
    if (r->trigger_type == TRIGGER_EXTERNAL) {
        json_add_str(a, t, "Name", r->trigger_name);
        return;
    }
    json_add(t, STR("Connection"), r->connection.n ? json_new_string(a, r->connection) : json_new_null(a));
    add_list(a, t, "Events", r->events);
}

static void add_action(struct arena *a, struct json *j, const struct reaction *r)
{
    struct json *act = json_add(j, STR("Action"), json_new_object(a));
    json_add_str(a, act, "Type", str_from(action_types[r->action_type]));
    if (r->action_type == ACTION_POWERSHELL) {
        json_add_str(a, act, "Script", r->script);
        json_add_i64(a, act, "TimeoutSeconds", r->timeout_seconds);
        json_add_i64(a, act, "MemoryMegabytes", r->memory_megabytes);
        json_add_str(a, act, "Isolation", str_from(isolations[r->is_isolated]));
        json_add_bool(a, act, "OctopusClient", r->octopus_client);
        struct json *modules = json_add(act, STR("Modules"), json_new_array(a));
        for (size_t i = 0; i < r->module_count; i++) {
            struct json *m = json_push(modules, json_new_object(a));
            json_add_str(a, m, "Name", r->modules[i].name);
            json_add_str(a, m, "Sha256", r->modules[i].sha256);
        }
        return;
    }
    json_add_str(a, act, "Method", r->method);
    json_add_str(a, act, "Uri", r->uri);
    json_add(act, STR("Headers"), r->headers ? json_copy(a, r->headers) : json_new_array(a));
    json_add(act, STR("Body"), str_or_null(a, r->body));
    json_add_str(a, act, "ContentType", r->content_type);
    json_add_bool(a, act, "CheckBody", r->check_body);
    json_add_str(a, act, "OnUndefined", str_from(undefined_names[r->leave_undefined]));
    json_add_i64(a, act, "TimeoutSeconds", r->timeout_seconds);
    json_add_str(a, act, "SuccessStatus", r->success_status);
    json_add(act, STR("Signing"), copy_or_null(a, r->signing));
    struct json *tls = r->tls ? json_copy(a, r->tls) : json_new_object(a);
    if (!r->tls) {
        json_add_null(a, tls, "Ca");
        json_add_null(a, tls, "ClientCertificate");
    }
    json_add(act, STR("Tls"), tls);
}

static void add_variables(struct arena *a, struct json *j, const struct reaction *r)
{
    struct json *list = json_add(j, STR("Variables"), json_new_array(a));
    for (size_t i = 0; i < r->variable_count; i++) {
        const struct variable *v = &r->variables[i];
        struct json *item = json_push(list, json_new_object(a));
        json_add_str(a, item, "Name", v->name);
        if (v->secret.n) {
            json_add_str(a, item, "Secret", v->secret);
            continue;
        }
        // An absent value stays absent: for a sensitive one it means "keep".
        if (v->value)
            json_add(item, STR("Value"), json_copy(a, v->value));
        json_add_bool(a, item, "IsSensitive", v->is_sensitive);
    }
}

struct json *reaction_to_json(const struct reaction *r, struct arena *a)
{
    struct json *j = json_new_object(a);
    json_add_str(a, j, "Name", r->name);
    json_add_str(a, j, "Slug", r->slug);
    json_add_str(a, j, "Description", r->description);
    add_trigger(a, j, r);
    struct json *filter = json_add(j, STR("Filter"), json_new_object(a));
    for (int i = 0; i < FILTER_LISTS; i++)
        add_list(a, filter, filter_list_names[i], r->filters[i]);
    json_add(filter, STR("Condition"), str_or_null(a, r->condition));
    json_add_bool(a, filter, "IncludeOwnEffects", r->include_own_effects);
    struct json *scope = json_add(j, STR("Scope"), json_new_object(a));
    add_list(a, scope, "Projects", r->scope_projects);
    add_list(a, scope, "Environments", r->scope_environments);
    add_list(a, scope, "Tenants", r->scope_tenants);
    add_action(a, j, r);
    json_add(j, STR("Identity"), r->identity.n ? json_new_string(a, r->identity) : json_new_null(a));
    add_variables(a, j, r);

    struct json *retry = json_add(j, STR("Retry"), json_new_object(a));
    json_add_i64(a, retry, "MaxAttempts", r->max_attempts);
    if (r->schedule_seconds) {
        struct json *schedule = json_add(retry, STR("Schedule"), json_new_array(a));
        for (size_t i = 0; i < r->schedule_count; i++)
            json_push(schedule, json_new_i64(a, r->schedule_seconds[i]));
    } else {
        json_add_str(a, retry, "Schedule", STR("Standard"));
    }
    json_add_bool(a, retry, "Scripts", r->retry_scripts);
    struct json *concurrency = json_add(j, STR("Concurrency"), json_new_object(a));
    json_add_i64(a, concurrency, "Max", r->max_concurrent);
    json_add(concurrency, STR("OrderBy"), r->has_order_by ? json_new_string(a, r->order_by) : json_new_null(a));
    json_add(concurrency, STR("Debounce"), copy_or_null(a, r->debounce));
    json_add(concurrency, STR("Throttle"), copy_or_null(a, r->throttle));
    json_add_i64(a, j, "DelaySeconds", r->delay_seconds);
    return j;
}

str reaction_hash(const struct json *definition, struct arena *a)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    str text = json_text(a, definition);
    crypto_hash_sha256(hash, (const unsigned char *)text.p, text.n);
    return hex_encode(a, (str){ (const char *)hash, sizeof hash });
}
