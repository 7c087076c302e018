// Exports: what the lists show, taken away as a whole. Each page of one is a row of the audit, so that it can be told who took what.
#include "web/api.h"

static const struct {
    const char *collection;
    api_handler *list;
} exported[] = {
    { "connections", connections_list }, { "identities", identities_list }, { "secrets", secrets_list }, { "triggers", triggers_list }, { "reactions", reactions_list },
};

static void export_list(struct api_call *c, api_handler *list, const char *action, const char *subject, int64_t space_id)
{
    list(c);
    if (c->status >= 400)
        return;
    struct arena *a = c->arena;
    struct json *particulars = json_new_object(a);
    json_add_i64(a, particulars, "Documents", (int64_t)c->listed);
    json_add_str(a, particulars, "Before", api_query(c, "before").n ? api_query(c, "before") : (str){ 0 });
    // Nothing leaves before its row is kept.
    struct store_audit row = { space_id, c->caller.actor, str_from(action), str_from(subject), json_text(a, particulars) };
    struct err e = { 0 };
    if (!store_change(c->web->opt.store, NULL, 0, &row, 1, &e))
        api_fail_with(c, &e);
}

// The lists themselves limit what is shown to what the caller may see.
void config_export(struct api_call *c)
{
    for (size_t i = 0; i < COUNT(exported); i++)
        if (str_eq_nocase(c->params[0], str_from(exported[i].collection))) {
            export_list(c, exported[i].list, "config.export", exported[i].collection, api_space(c));
            return;
        }
    api_not_found(c);
}

void audit_export(struct api_call *c)
{
    export_list(c, audit_list, "audit.export", "audit", c->space_id);
}
