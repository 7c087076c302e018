#include "reaction/data.h"

#include "reaction/octopus_vars.h"
#include "reaction/payload.h"

struct vars *data_of_event(const struct data_source *d, const struct store_event *event, const struct json *payload, struct arena *a)
{
    struct vars *v = vars_new(a);
    struct json *request = NULL;
    if (event->request.n && json_parse(a, event->request, &request, NULL)) {
        vars_bind_json(v, STR("Query"), json_get(request, STR("Query")), PROVENANCE_EVENT);
        vars_bind_json(v, STR("Route"), json_get(request, STR("Route")), PROVENANCE_EVENT);
        vars_bind_json(v, STR("Request"), request, PROVENANCE_EVENT);
    }
    vars_bind_json(v, STR("Payload"), payload, PROVENANCE_EVENT);
    if (event->source == EVENT_INTERNAL) {
        struct json *known = json_new_object(a), *unknown = json_new_object(a);
        octopus_vars(d, payload, d->needs, known, unknown, a);
        json_each(one, unknown)
            vars_set_undefined(v, one->name, one->text);
        json_each(one, known)
            vars_set_text(v, one->name, one->text, PROVENANCE_EVENT);
        vars_bind_json(v, STR("Octopus.Event"), payload, PROVENANCE_EVENT);
    }
    if (d->server_uri)
        vars_set_text(v, STR("Reactions.ServerUri"), str_from(d->server_uri), PROVENANCE_EVENT);
    return v;
}

// A name counts only where no other reaction of the space bears it: a name can be given away, an id and a slug cannot.
static bool is_only_one_named(const struct snapshot *s, int64_t space_id, str name, int64_t reaction_id)
{
    for (size_t i = 0; i < s->reaction_count; i++)
        if (s->reactions[i].space_id == space_id && s->reactions[i].id != reaction_id && str_eq_nocase(s->reactions[i].def->name, name))
            return false;
    return true;
}

bool data_may_use_secret(const struct snapshot *s, const struct secret_entry *secret, const struct reaction *def, int64_t reaction_id, struct arena *a)
{
    const struct json *allowed = json_get(secret->doc, STR("AllowedReactions"));
    str id = store_id_text(a, KIND_REACTION, reaction_id);
    json_each(item, allowed)
    {
        str name = json_str(item, STR(""));
        if (name.n && (str_eq_nocase(name, id) || str_eq_nocase(name, def->slug) || (str_eq_nocase(name, def->name) && is_only_one_named(s, secret->space_id, name, reaction_id))))
            return true;
    }
    return !allowed || !allowed->count;
}

static bool secret_value(const struct data_source *d, const struct reaction *def, int64_t reaction_id, int64_t space_id, const struct variable *var, struct arena *a, str *out, struct err *e)
{
    const struct secret_entry *secret = snapshot_find_secret(d->snapshot, space_id, var->secret);
    if (!secret)
        return err_set(e, ERR_NOT_FOUND, "variable \"%.*s\": the secret \"%.*s\" does not exist", STR_ARG(var->name), STR_ARG(var->secret));
    if (!data_may_use_secret(d->snapshot, secret, def, reaction_id, a))
        return err_set(e, ERR_DENIED, "variable \"%.*s\": the secret \"%.*s\" does not list this reaction under AllowedReactions", STR_ARG(var->name), STR_ARG(secret->name));
    const struct json *hosts = json_get(secret->doc, STR("AllowedHosts"));
    if (def->action_type == ACTION_POWERSHELL && hosts && hosts->count)
        return err_set(e, ERR_DENIED, "variable \"%.*s\": the secret \"%.*s\" is bound to hosts (AllowedHosts), and where a script sends it cannot be seen", STR_ARG(var->name), STR_ARG(secret->name));
    return sealed_open_value(KIND_SECRET, secret->id, "Value", json_get(secret->doc, STR("Value")), d->keyring, a, out, e) || err_in(e, "variable \"%.*s\"", STR_ARG(var->name));
}

// In the clear already where the definition was opened for a run; sealed in the registry's picture.
static bool sensitive_value(const struct data_source *d, int64_t reaction_id, const struct variable *var, struct arena *a, str *out, struct err *e)
{
    if (json_is(var->value, JSON_STRING)) {
        *out = var->value->text;
        return true;
    }
    return sealed_open_value(KIND_REVISION, reaction_id, arena_printf(a, "Variables[%.*s].Value", STR_ARG(var->name)).p, var->value, d->keyring, a, out, e);
}

bool data_add_variables(const struct data_source *d, const struct reaction *def, int64_t reaction_id, int64_t space_id, struct vars *v, struct mask *mask, struct arena *a, struct err *e)
{
    for (size_t i = 0; i < def->variable_count; i++) {
        const struct variable *var = &def->variables[i];
        str value = json_str(var->value, STR(""));
        bool is_secret = var->secret.n || var->is_sensitive;
        if (var->secret.n ? !secret_value(d, def, reaction_id, space_id, var, a, &value, e) : var->is_sensitive && !sensitive_value(d, reaction_id, var, a, &value, e))
            return false;
        if (is_secret && mask)
            mask_add(mask, value);
        vars_set_text(v, var->name, value, is_secret ? PROVENANCE_SECRET : PROVENANCE_TEMPLATE);
    }
    return true;
}

bool data_render(const struct data_source *d, str text, const struct vars *v, struct arena *a, str *out, struct err *e)
{
    struct template *t;
    struct template_error bad;
    struct template_result result;
    if (!template_parse(a, text, &t, &bad))
        return err_set(e, ERR_INVALID, "%s", bad.text);
    if (template_render(t, v, d->clock, a, &result) == TEMPLATE_EXCEPTION)
        return err_set(e, ERR_INVALID, "%.*s", STR_ARG(result.error));
    *out = result.output;
    return true;
}

bool data_rendered_variables(const struct data_source *d, const struct reaction *def, const struct vars *v, struct json *into, struct arena *a, struct err *e)
{
    for (size_t i = 0; i < def->variable_count; i++) {
        const struct variable *var = &def->variables[i];
        str value;
        // Through the set itself, so that a variable may refer to others, and secrets stay literal.
        str token = arena_printf(a, "#{%.*s}", STR_ARG(var->name));
        struct err why = { 0 };
        if (!data_render(d, token, v, a, &value, &why)) {
            // A name that is no symbol ("My variable (old)") cannot be referred to; its text is taken as it stands.
            if (var->is_sensitive || var->secret.n || !data_render(d, json_str(var->value, STR("")), v, a, &value, e))
                return err_set(e, ERR_INVALID, "variable \"%.*s\": %s", STR_ARG(var->name), why.text);
        }
        json_put(into, var->name, json_new_string(a, value));
    }
    return true;
}

static void check_text(struct decode_errors *errors, const char *path, str text)
{
    struct template *t;
    struct template_error bad;
    if (!text.n || template_parse(errors->arena, text, &t, &bad) || errors->count == DECODE_ERRORS_MAX)
        return;
    errors->items[errors->count++] = arena_printf(errors->arena, "%s: %s", path, bad.text);
}

void data_check_templates(const struct reaction *def, struct decode_errors *errors)
{
    struct arena *a = errors->arena;
    check_text(errors, "Filter.Condition", def->condition);
    check_text(errors, "Concurrency.OrderBy", def->order_by);
    check_text(errors, "Concurrency.Debounce.By", def->debounce_by);
    if (def->action_type == ACTION_HTTP) {
        size_t at = 0;
        check_text(errors, "Action.Method", def->method);
        check_text(errors, "Action.Uri", def->uri);
        check_text(errors, "Action.Body", def->body);
        check_text(errors, "Action.ContentType", def->content_type);
        json_each(header, def->headers)
            check_text(errors, arena_printf(a, "Action.Headers[%zu].Value", at++).p, json_str(json_get(header, STR("Value")), STR("")));
    }
    for (size_t i = 0; i < def->variable_count; i++)
        if (!def->variables[i].is_sensitive && !def->variables[i].secret.n)
            check_text(errors, arena_printf(a, "Variables[%zu].Value", i).p, json_str(def->variables[i].value, STR("")));
}
