#include "store/scopes.h"

#include "json/json.h"

static void add_list(struct arena *a, struct json *object, str name, const str *items, size_t count)
{
    struct json *list = json_add(object, name, json_new_array(a));
    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_string(a, items[i]));
}

str scopes_text(const struct store_scopes *scopes, struct arena *a)
{
    struct json *list = json_new_array(a);
    for (size_t i = 0; i < scopes->count; i++) {
        struct json *scope = json_push(list, json_new_object(a));
        add_list(a, scope, STR("p"), scopes->items[i].projects, scopes->items[i].project_count);
        add_list(a, scope, STR("e"), scopes->items[i].environments, scopes->items[i].environment_count);
    }
    return json_text(a, list);
}
