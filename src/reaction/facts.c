#include "reaction/facts.h"

#define ITEMS_MAX 20   // ids of one type in one event; more are not looked at
#define TEXTS_MAX 200  // roles or tags

static const str types[FILTER_LISTS] = {
    [FILTER_PROJECTS] = STR_INIT("Projects"), [FILTER_PROJECT_GROUPS] = STR_INIT("ProjectGroups"), [FILTER_ENVIRONMENTS] = STR_INIT("Environments"),
    [FILTER_TENANTS] = STR_INIT("Tenants"), [FILTER_CHANNELS] = STR_INIT("Channels"), [FILTER_MACHINES] = STR_INIT("Machines"),
};

str facts_type(enum filter_list list)
{
    return types[list].n ? types[list] : STR("");
}

static str text_of(const struct json *doc, const char *name)
{
    return json_str(json_get(doc, str_from(name)), STR(""));
}

bool facts_init(struct facts *f, const struct data_source *d, const struct json *payload, struct arena *a, struct err *e)
{
    *f = (struct facts){ .data = d, .arena = a };
    return octopus_event_read(payload, &f->event, e);
}

static const struct json *document(struct facts *f, str id, bool *is_refused)
{
    const struct json *doc = NULL;
    bool is_failing;
    *is_refused = false;
    if (!f->data->document || !id.n)
        return NULL;
    switch (f->data->document(f->data->document_ctx, id, &doc, &is_failing)) {
    case DIRECTORY_HAS: return doc;
    case DIRECTORY_GONE: return NULL;
    case DIRECTORY_REFUSED: *is_refused = true; return NULL;
    case DIRECTORY_WAITS: f->is_waiting = true; return NULL;
    }
    return NULL;
}

static struct fact *add(struct facts *f, struct fact_list *list, size_t max)
{
    if (!list->items)
        list->items = ARENA_ARRAY(f->arena, struct fact, max);
    return list->count < max ? &list->items[list->count++] : NULL;
}

static void add_id(struct facts *f, struct fact_list *list, str id)
{
    struct fact *one = id.n ? add(f, list, ITEMS_MAX) : NULL;
    if (one)
        *one = (struct fact){ .id = arena_str(f->arena, id) };
}

// Where the event does not name an object, the documents it does name know it: a deployment its project (issue 7111), a machine its
// environments.
static void add_from_documents(struct facts *f, enum filter_list which, struct fact_list *list)
{
    static const struct { enum filter_list list; str type; const char *field; } known[] = {
        { FILTER_PROJECTS, STR_INIT("Releases"), "ProjectId" }, { FILTER_PROJECTS, STR_INIT("Deployments"), "ProjectId" },
        { FILTER_PROJECTS, STR_INIT("RunbookRuns"), "ProjectId" }, { FILTER_PROJECTS, STR_INIT("Runbooks"), "ProjectId" }, { FILTER_PROJECTS, STR_INIT("Channels"), "ProjectId" },
        { FILTER_CHANNELS, STR_INIT("Releases"), "ChannelId" }, { FILTER_CHANNELS, STR_INIT("Deployments"), "ChannelId" },
        { FILTER_ENVIRONMENTS, STR_INIT("Deployments"), "EnvironmentId" }, { FILTER_ENVIRONMENTS, STR_INIT("RunbookRuns"), "EnvironmentId" },
        { FILTER_ENVIRONMENTS, STR_INIT("Machines"), "EnvironmentIds" },
    };
    for (size_t i = 0; i < COUNT(known) && !list->count; i++) {
        bool is_refused;
        str id = known[i].list == which ? octopus_event_first(&f->event, known[i].type) : STR("");
        const struct json *value = id.n ? json_get(document(f, id, &is_refused), str_from(known[i].field)) : NULL;
        if (json_is(value, JSON_STRING))
            add_id(f, list, value->text);
        else if (json_is(value, JSON_ARRAY))
            json_each(item, value)
                add_id(f, list, json_str(item, STR("")));
    }
}

static void add_ids(struct facts *f, enum filter_list which, struct fact_list *list)
{
    json_each(item, f->event.related)
        if (octopus_id_is(json_str(item, STR("")), types[which]))
            add_id(f, list, item->text);
    if (!list->count && which == FILTER_PROJECTS)
        add_id(f, list, octopus_event_project(&f->event));
    if (!list->count)
        add_from_documents(f, which, list);
}

static void add_users(struct facts *f, struct fact_list *list)
{
    struct fact *one = f->event.user_id.n || f->event.username.n ? add(f, list, 1) : NULL;
    if (one)
        *one = (struct fact){ .id = f->event.user_id, .name = f->event.username };
}

static void add_groups(struct facts *f, struct fact_list *list)
{
    const struct fact_list *projects = facts_of(f, FILTER_PROJECTS, false);
    for (size_t i = 0; i < projects->count; i++) {
        bool is_refused;
        add_id(f, list, text_of(document(f, projects->items[i].id, &is_refused), "ProjectGroupId"));
        list->has_refused = list->has_refused || is_refused;
    }
}

// Roles of machines and tags of tenants: lists of text in their documents.
static void add_texts(struct facts *f, enum filter_list of, const char *field, struct fact_list *list)
{
    const struct fact_list *owners = facts_of(f, of, false);
    for (size_t i = 0; i < owners->count; i++) {
        bool is_refused;
        const struct json *texts = json_get(document(f, owners->items[i].id, &is_refused), str_from(field));
        list->has_refused = list->has_refused || is_refused;
        if (!json_is(texts, JSON_ARRAY))
            continue;
        json_each(item, texts)
        {
            struct fact *one = add(f, list, TEXTS_MAX);
            if (one)
                *one = (struct fact){ .name = arena_str(f->arena, json_str(item, STR(""))) };
        }
    }
}

static void add_names(struct facts *f, struct fact_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct fact *one = &list->items[i];
        bool is_refused;
        const struct json *doc = document(f, one->id, &is_refused);
        // Gone or hidden: the name it had when the event was written.
        one->name = doc ? arena_str(f->arena, text_of(doc, "Name")) : octopus_event_name(&f->event, one->id, f->arena);
        one->slug = arena_str(f->arena, text_of(doc, "Slug"));
        list->has_refused = list->has_refused || (is_refused && !one->name.n);
    }
}

const struct fact_list *facts_of(struct facts *f, enum filter_list which, bool with_names)
{
    struct fact_list *list = &f->lists[which].list;
    if (!f->lists[which].has_ids) {
        f->lists[which].has_ids = true;
        switch (which) {
        case FILTER_USERS: add_users(f, list); break;
        case FILTER_PROJECT_GROUPS: add_groups(f, list); break;
        case FILTER_TENANT_TAGS: add_texts(f, FILTER_TENANTS, "TenantTags", list); break;
        case FILTER_ROLES: add_texts(f, FILTER_MACHINES, "Roles", list); break;
        default: add_ids(f, which, list);
        }
    }
    if (with_names && !f->lists[which].has_names && types[which].n)
        add_names(f, list);
    f->lists[which].has_names = f->lists[which].has_names || with_names;
    return list;
}

const struct json *facts_machine(struct facts *f, bool *is_refused)
{
    // Not kept over a return to the loop: the document belongs to the directory.
    return document(f, octopus_event_first(&f->event, STR("Machines")), is_refused);
}
