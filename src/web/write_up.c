#include "web/write_up.h"

#include "json/json_diff.h"
#include "reaction/data.h"
#include "reaction/http_request.h"

// ---- what changed ----

static bool is_below(str path, const char *top)
{
    str t = str_from(top);
    return str_starts(path, t) && (path.n == t.n || path.p[t.n] == '.' || path.p[t.n] == '[');
}

static bool list_has(const struct json *list, const struct json *item)
{
    json_each(other, list)
        if (json_equal(other, item))
            return true;
    return false;
}

// A list of a filter: empty is everything.
static bool list_is_wider(const struct json *before, const struct json *now)
{
    if (!json_is(before, JSON_ARRAY) || !before->count)
        return false;
    if (!json_is(now, JSON_ARRAY) || !now->count)
        return true;
    json_each(item, now)
        if (!list_has(before, item))
            return true;
    return false;
}

// Whether events can match that did not. What a condition lets through cannot be told from its text.
static bool filter_is_wider(const struct json *before, const struct json *now)
{
    json_each(member, now)
    {
        const struct json *old = json_get(before, member->name);
        if (json_is(member, JSON_ARRAY) ? list_is_wider(old, member) : !json_equal(old, member) && !json_is(old, JSON_NULL) && !(json_is(member, JSON_BOOL) && !member->is_true))
            return true;
        // Own effects are left out unless asked for.
        if (str_eq(member->name, STR("IncludeOwnEffects")) && json_bool(member, false) && !json_bool(old, false))
            return true;
    }
    return false;
}

static str authority(str uri)
{
    ptrdiff_t at = str_find(uri, STR("://"));
    str rest = at < 0 ? uri : str_skip(uri, (size_t)at + 3);
    size_t n = 0;
    while (n < rest.n && !strchr("/?#\\", rest.p[n]))
        n++;
    // "#{" belongs to a template: the whole text counts then.
    return n < rest.n && rest.p[n] == '#' && n + 1 < rest.n && rest.p[n + 1] == '{' ? uri : str_sub(uri, 0, (size_t)(rest.p - uri.p) + n);
}

static bool action_is_sensitive(str path, const struct json *before, const struct json *now)
{
    // What is sent to the same host with the same secrets, and how its answer is read.
    static const char *const harmless[] = { "Action.TimeoutSeconds", "Action.SuccessStatus", "Action.CheckBody", "Action.OnUndefined", "Action.ContentType", "Action.Body", "Action.Headers", "Action.Method", "Action.MemoryMegabytes" };
    for (size_t i = 0; i < COUNT(harmless); i++)
        if (is_below(path, harmless[i]))
            return false;
    if (!is_below(path, "Action.Uri"))
        return true;
    str old = json_str(json_get(json_get(before, STR("Action")), STR("Uri")), STR("")), new = json_str(json_get(json_get(now, STR("Action")), STR("Uri")), STR(""));
    return !str_eq(authority(old), authority(new));
}

struct change_kinds change_kinds_between(const struct json *before, const struct json *now, struct arena *a)
{
    struct change_kinds k = { 0 };
    size_t count;
    if (!before)
        return (struct change_kinds){ true, true, true, true, true };
    struct json_change *changes = json_diff(a, before, now, &count);
    k.any = count > 0;
    bool filter = false;
    for (size_t i = 0; i < count; i++) {
        str path = changes[i].path;
        if (is_below(path, "Name") || is_below(path, "Slug") || is_below(path, "Description") || is_below(path, "Retry") || is_below(path, "DelaySeconds"))
            continue;
        if (is_below(path, "Filter")) {
            filter = true;
            continue;
        }
        k.beyond_filter = true;
        if (is_below(path, "Concurrency"))
            continue;
        k.reaches = true;
        if (is_below(path, "Action")) {
            k.action = true;
            k.sensitive = k.sensitive || action_is_sensitive(path, before, now);
        } else if (is_below(path, "Scope")) {
            const struct json *old_scope = json_get(before, STR("Scope")), *new_scope = json_get(now, STR("Scope"));
            k.sensitive = k.sensitive || filter_is_wider(old_scope, new_scope);
        } else {
            k.sensitive = true; // trigger, identity, variables
        }
    }
    if (filter && filter_is_wider(json_get(before, STR("Filter")), json_get(now, STR("Filter"))))
        k.reaches = k.sensitive = true;
    return k;
}

// ---- who may ----

static bool is_granted(const struct caller *who, const struct identity_entry *identity, const struct access_place *at, struct arena *a)
{
    const struct json *granted = json_get(identity->doc, STR("GrantedTo"));
    str user_id = who->user_id ? store_id_text(a, KIND_USER, who->user_id) : (str){ 0 };
    size_t covered = 0;
    json_each(item, granted)
    {
        str name = json_str(item, STR(""));
        if (name.n && (str_eq_nocase(name, who->name) || (user_id.n && str_eq_nocase(name, user_id))))
            return true;
        for (size_t i = 0; i < at->projects.count; i++)
            covered += str_eq_nocase(name, at->projects.items[i]);
    }
    // Granted to a project: to whoever writes reactions about nothing else.
    return at->projects.count && covered >= at->projects.count;
}

static bool missing(str *why, struct arena *a, enum permission p, const char *of_what)
{
    *why = arena_printf(a, "this needs the permission %s %s", permission_name(p), of_what);
    return false;
}

static bool may_use_identity(const struct caller *who, const struct snapshot *s, const struct reaction *r, const struct access_place *at, struct arena *a, str *why)
{
    const struct identity_entry *identity = r->identity.n ? snapshot_find_identity(s, at->space_id, r->identity) : NULL;
    if (!identity || who->is_admin)
        return true;
    if (!caller_may_at(who, IDENTITY_USE, at))
        return missing(why, a, IDENTITY_USE, "for all that the reaction is about, because it acts as an identity");
    // Who may grant it to themselves needs no grant.
    if (is_granted(who, identity, at, a) || caller_may(who, IDENTITY_MANAGE, at->space_id, STR("")))
        return true;
    *why = arena_printf(a, "the identity \"%.*s\" is not granted to you: whoever manages identities can add your name, or the reaction's projects, to its GrantedTo", STR_ARG(identity->name));
    return false;
}

bool write_up_may_use_identity(const struct caller *who, const struct snapshot *s, const struct reaction *r, int64_t space_id, struct arena *a)
{
    struct access_place at = place_of_reaction(r, space_id, a);
    str why;
    return may_use_identity(who, s, r, &at, a, &why);
}

static bool has_secrets(const struct reaction *r)
{
    for (size_t i = 0; i < r->variable_count; i++)
        if (r->variables[i].secret.n || r->variables[i].is_sensitive)
            return true;
    const struct json *signing = json_get(r->signing, STR("Secret")), *certificate = json_get(r->tls, STR("ClientCertificate"));
    return (signing && !json_is(signing, JSON_NULL)) || (certificate && !json_is(certificate, JSON_NULL));
}

bool write_up_may(const struct caller *who, const struct snapshot *s, const struct reaction *r, const struct change_kinds *k, int64_t space_id, int64_t reaction_id UNUSED, struct arena *a, str *why)
{
    struct access_place at = place_of_reaction(r, space_id, a);
    bool is_script = r->action_type == ACTION_POWERSHELL;
    static const char there[] = "for all that the reaction's Scope names (Scope.Projects: ids of your projects; a reaction of an external trigger is about the whole space)";
    if (!k->any || who->is_admin)
        return true;
    if (!caller_may_at(who, FILTER_EDIT, &at) && !caller_may_at(who, REACTION_CREATE, &at))
        return missing(why, a, k->beyond_filter ? REACTION_CREATE : FILTER_EDIT, there);
    if (k->beyond_filter && !caller_may_at(who, REACTION_CREATE, &at))
        return missing(why, a, REACTION_CREATE, there);
    if (k->action && !caller_may_at(who, is_script ? SCRIPT_EDIT : HTTP_ACTION_EDIT, &at))
        return missing(why, a, is_script ? SCRIPT_EDIT : HTTP_ACTION_EDIT, there);
    if (!k->reaches)
        return true;
    if (!may_use_identity(who, s, r, &at, a, why))
        return false;
    return !has_secrets(r) || caller_may_at(who, SECRET_USE, &at) || missing(why, a, SECRET_USE, "for all that the reaction is about, because it has secret values");
}

// ---- bindings ----

static void add_error(struct decode_errors *errors, size_t variable, const char *fmt, str secret)
{
    if (errors->count < DECODE_ERRORS_MAX)
        errors->items[errors->count++] = arena_printf(errors->arena, "Variables[%zu].Secret: the secret \"%.*s\" %s", variable, STR_ARG(secret), fmt);
}

// The host is known where no template stands in it.
static bool known_url(const struct reaction *r, struct arena *a, struct url *url)
{
    if (r->action_type != ACTION_HTTP)
        return false;
    str start = authority(r->uri);
    struct err e = { 0 };
    return str_find(start, STR("#{")) < 0 && url_parse(a, start, url, &e);
}

void write_up_check_bindings(const struct snapshot *s, const struct reaction *r, int64_t space_id, int64_t reaction_id, struct decode_errors *errors)
{
    struct url url;
    bool has_url = known_url(r, errors->arena, &url);
    for (size_t i = 0; i < r->variable_count; i++) {
        const struct secret_entry *secret = r->variables[i].secret.n ? snapshot_find_secret(s, space_id, r->variables[i].secret) : NULL;
        if (!secret)
            continue;
        if (!data_may_use_secret(s, secret, r, reaction_id, errors->arena))
            add_error(errors, i, "does not list this reaction under AllowedReactions", secret->name);
        const struct json *hosts = json_get(secret->doc, STR("AllowedHosts"));
        if (hosts && hosts->count && has_url && !http_request_allows_host(hosts, &url))
            add_error(errors, i, "may only be sent to its AllowedHosts, and the host of Action.Uri is none of them", secret->name);
        if (hosts && hosts->count && r->action_type == ACTION_POWERSHELL)
            add_error(errors, i, "is bound to hosts (AllowedHosts), and where a script sends it cannot be seen: use it in an HTTP action, or a secret that is not bound", secret->name);
    }
}

void write_up_hide_script(const struct caller *who, const struct reaction *r, int64_t space_id, struct json *definition, struct arena *a)
{
    struct access_place at = place_of_reaction(r, space_id, a);
    struct json *action = json_get(definition, STR("Action"));
    if (!json_is(json_get(action, STR("Script")), JSON_STRING) || caller_may_at(who, SCRIPT_VIEW, &at))
        return;
    struct json *hidden = json_new_object(a);
    json_add_bool(a, hidden, "HasValue", true);
    json_put(action, STR("Script"), hidden);
}
