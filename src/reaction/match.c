#include "reaction/match.h"

static void add_part(struct arena *a, struct json *parts, const char *name, bool passed, struct json *wanted, struct json *got)
{
    struct json *p = json_push(parts, json_new_object(a));
    json_add_str(a, p, "Part", str_from(name));
    json_add_bool(a, p, "Passed", passed);
    json_add(p, STR("Wanted"), wanted);
    json_add(p, STR("Got"), got);
}

void match_event(const struct store_event *v, const struct json *payload UNUSED, const struct reaction_entry *r, const struct snapshot *s UNUSED, struct arena *a, struct match_result *out)
{
    struct json *parts = json_new_array(a);
    add_part(a, parts, "Trigger", true, json_new_string(a, r->def->trigger_name), json_new_string(a, v->type));
    out->verdict = r->is_enabled ? VERDICT_MATCHED : VERDICT_DISABLED;
    if (!r->is_enabled)
        add_part(a, parts, "Enabled", false, json_new_bool(a, true), json_new_bool(a, false));
    out->parts = json_text(a, parts);
}
