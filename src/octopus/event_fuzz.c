// Events as any server might send them: read, asked about in every way, none of it crashes or leaves the text.
#include "octopus/catalog.h"
#include "octopus/event.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "ReleaseCreated", "TentacleRegistered", "Group:Document", "Modified:Projects", "DeploymentProcessUpdated", ":", "Group:" };
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *doc;
    struct octopus_event v;
    struct err e;
    int64_t reaction_id, run_id;
    if (!json_parse(&a, (str){ (const char *)data, size }, &doc, &e))
        return 0;
    (void)octopus_event_read(doc, &v, &e);
    if (!json_is(doc, JSON_OBJECT))
        return 0;
    // So that most inputs get past the first check.
    if (!json_get(doc, STR("Id")))
        json_add_str(&a, doc, "Id", STR("Events-1"));
    if (!json_get(doc, STR("Category")))
        json_add_str(&a, doc, "Category", STR("Created"));
    if (!json_get(doc, STR("Occurred")))
        json_add_str(&a, doc, "Occurred", STR("2026-03-02T09:14:31Z"));
    if (!octopus_event_read(doc, &v, &e))
        return 0;
    json_each(item, v.related)
    {
        str id = json_str(item, STR(""));
        str name = octopus_event_name(&v, id, &a);
        must(name.n <= size);
        (void)octopus_event_is_about(&v, id);
    }
    must(octopus_event_project(&v).n <= size && octopus_event_subject(&v).n <= size);
    (void)octopus_event_cause(&v, &reaction_id, &run_id);
    for (size_t i = 0; i < COUNT(names); i++)
        (void)catalog_wants(str_from(names[i]), &v);
    return 0;
}
