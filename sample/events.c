#include "sample/events.h"

#include "base/map.h"
#include "base/timetext.h"
#include "sample/catalog.h"

struct entry {
    struct event event;
    char *block; // holds every text of the event
};

struct entries {
    struct entry **items;
    size_t count, cap;
};

struct event_log {
    struct entries visible, hidden; // by AutoId
    struct map by_id;               // visible ones
    struct map words;               // spaces, categories and users, each once: what every query reads of every event
    int64_t last_auto_id, last_number;
    int64_t spare[64]; // numbers left out: another node's block
    size_t spare_count;
    struct journal *journal;
    void (*watch)(void *ctx);
    void *watch_ctx;
};

struct event_log *event_log_new(void)
{
    struct event_log *l = xcalloc(1, sizeof *l);

    l->by_id.is_nocase = true;
    return l;
}

static void entry_free(struct entry *e)
{
    free(e->block);
    free(e);
}

static void entries_fini(struct entries *list)
{
    for (size_t i = 0; i < list->count; i++)
        entry_free(list->items[i]);
    free(list->items);
}

void event_log_free(struct event_log *l)
{
    if (!l)
        return;
    entries_fini(&l->visible);
    entries_fini(&l->hidden);
    map_fini(&l->by_id);
    str word;
    void *kept;
    for (size_t at = 0; map_next(&l->words, &at, &word, &kept);)
        free(kept);
    map_fini(&l->words);
    free(l);
}

void event_log_set_journal(struct event_log *l, struct journal *j)
{
    l->journal = j;
}

void event_log_watch(struct event_log *l, void (*fn)(void *ctx), void *ctx)
{
    l->watch = fn;
    l->watch_ctx = ctx;
}

static size_t place_of(const struct entries *list, int64_t auto_id)
{
    size_t at = list->count;

    while (at > 0 && list->items[at - 1]->event.auto_id > auto_id)
        at--;
    return at;
}

static void entries_insert(struct entries *list, struct entry *e)
{
    size_t at = place_of(list, e->event.auto_id);

    xgrow(&list->items, &list->cap, list->count + 1, sizeof *list->items);
    memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof *list->items);
    list->items[at] = e;
    list->count++;
}

static struct entry *entries_take(struct entries *list, size_t at)
{
    struct entry *e = list->items[at];

    memmove(&list->items[at], &list->items[at + 1], (list->count - at - 1) * sizeof *list->items);
    list->count--;
    return e;
}

static str keep(char **at, str s)
{
    str out = { *at, s.n };

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return out;
}

static str word(struct event_log *l, str s)
{
    char *kept = s.n ? map_get(&l->words, s) : NULL;

    if (!kept && s.n) {
        kept = xmemdup(s.p, s.n);
        map_put(&l->words, s, kept);
    }
    return (str){ kept ? kept : "", s.n };
}

static struct entry *entry_new(struct event_log *l, const struct json *event, int64_t auto_id, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf related = { 0 };
    str id = json_str(json_get(event, STR("Id")), STR("")), text = json_text(&a, event);
    str category = json_str(json_get(event, STR("Category")), STR("")), user = json_str(json_get(event, STR("UserId")), STR(""));
    str agent = json_str(json_get(event, STR("UserAgent")), STR("")), space = json_str(json_get(event, STR("SpaceId")), STR(""));
    int64_t occurred;

    if (!id.n || !category.n || !timetext_parse(json_str(json_get(event, STR("Occurred")), STR("")), &occurred)) {
        err_set(e, ERR_INVALID, "an event needs Id, Category and Occurred");
        return NULL;
    }
    buf_add_char(&related, ',');
    json_each(one, json_get(event, STR("RelatedDocumentIds")))
    {
        buf_add(&related, json_str(one, STR("")));
        buf_add_char(&related, ',');
    }

    struct entry *out = xcalloc(1, sizeof *out);
    char *at = out->block = xmalloc(text.n + id.n + agent.n + related.n + 1);
    const struct json *differences = json_pointer(event, STR("/ChangeDetails/Differences"));

    out->event = (struct event){
        .text = keep(&at, text), .id = keep(&at, id), .category = word(l, category), .user_id = word(l, user), .user_agent = keep(&at, agent),
        .space_id = word(l, space), .related = keep(&at, buf_str(&related)), .auto_id = auto_id, .occurred_ms = occurred,
        .has_differences = differences && !json_is(differences, JSON_NULL),
    };
    return out;
}

static str event_line(struct arena *a, const struct event *e)
{
    return arena_printf(a, "{\"AutoId\":%" PRId64 ",\"Event\":%.*s}", e->auto_id, STR_ARG(e->text));
}

static void show(struct event_log *l, struct entry *e)
{
    entries_insert(&l->visible, e);
    map_put(&l->by_id, e->event.id, e);
    if (l->watch)
        l->watch(l->watch_ctx);
}

bool event_log_add(struct event_log *l, const struct json *event, int64_t auto_id, bool is_hidden, struct err *e)
{
    struct entry *entry = entry_new(l, event, auto_id ? auto_id : l->last_auto_id + 1, e);
    int64_t number;

    if (!entry)
        return false;
    l->last_auto_id = MAX(l->last_auto_id, entry->event.auto_id);
    if (str_starts(entry->event.id, STR("Events-")) && str_to_i64(str_skip(entry->event.id, 7), &number))
        l->last_number = MAX(l->last_number, number);
    if (l->journal) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        journal_append(l->journal, event_line(&a, &entry->event));
    }
    if (is_hidden)
        entries_insert(&l->hidden, entry);
    else
        show(l, entry);
    return true;
}

int64_t event_log_new_number(struct event_log *l, int64_t skip)
{
    for (int64_t i = 0; i < skip && l->spare_count < COUNT(l->spare); i++)
        l->spare[l->spare_count++] = l->last_number + 1 + i;
    l->last_number += 1 + skip;
    return l->last_number;
}

int64_t event_log_spare_number(struct event_log *l)
{
    return l->spare_count ? l->spare[--l->spare_count] : 0;
}

void event_log_reveal(struct event_log *l, int64_t auto_id)
{
    for (size_t i = 0; i < l->hidden.count; i++) {
        if (l->hidden.items[i]->event.auto_id != auto_id)
            continue;
        show(l, entries_take(&l->hidden, i));
        return;
    }
}

size_t event_log_count(const struct event_log *l)
{
    return l->visible.count;
}

const struct event *event_log_at(const struct event_log *l, size_t index)
{
    return &l->visible.items[index]->event;
}

const struct event *event_log_find(const struct event_log *l, str id)
{
    struct entry *e = id.n ? map_get(&l->by_id, id) : NULL;

    return e ? &e->event : NULL;
}

int64_t event_log_last_auto_id(const struct event_log *l)
{
    return l->last_auto_id;
}

size_t event_log_forget(struct event_log *l, int64_t before_ms)
{
    size_t kept = 0, gone = 0;

    for (size_t i = 0; i < l->visible.count; i++) {
        struct entry *e = l->visible.items[i];

        if (e->event.occurred_ms >= before_ms) {
            l->visible.items[kept++] = e;
            continue;
        }
        map_remove(&l->by_id, e->event.id);
        entry_free(e);
        gone++;
    }
    l->visible.count = kept;
    return gone;
}

bool event_log_replay(struct event_log *l, const struct json *line, struct err *e)
{
    int64_t auto_id;

    if (!json_i64(json_get(line, STR("AutoId")), &auto_id))
        return err_set(e, ERR_INVALID, "an event without AutoId");
    return event_log_add(l, json_get(line, STR("Event")), auto_id, false, e);
}

void event_log_dump(const struct event_log *l, struct journal *j)
{
    CLEANUP(arena_fini) struct arena a = { 0 };

    for (size_t i = 0; i < l->visible.count; i++) {
        journal_append(j, event_line(&a, &l->visible.items[i]->event));
        arena_reset(&a);
    }
}

bool event_has_id(const struct event *e, str document_id)
{
    str at = str_skip(e->related, 1), one;

    while (str_split(&at, ',', &one))
        if (one.n && str_eq_nocase(one, document_id))
            return true;
    return false;
}

bool event_has_prefix(const struct event *e, str prefix)
{
    str at = str_skip(e->related, 1), one;

    while (str_split(&at, ',', &one))
        if (one.n > prefix.n && one.p[prefix.n] == '-' && str_starts_nocase(one, prefix))
            return true;
    return false;
}

void event_query_init(struct event_query *q, struct arena *a)
{
    *q = (struct event_query){ .arena = a, .from_ms = INT64_MIN, .to_ms = INT64_MAX };
}

void id_list_add(struct arena *a, struct id_list *l, str item)
{
    if ((l->count & (l->count - 1)) == 0) { // a power of two: full
        str *items = ARENA_ARRAY(a, str, l->count ? l->count * 2 : 1);

        if (l->count)
            memcpy(items, l->items, l->count * sizeof *items);
        l->items = items;
    }
    l->items[l->count++] = item;
}

void id_list_split(struct arena *a, struct id_list *l, str items)
{
    str one;

    while (str_split(&items, ',', &one))
        if (str_trim(one).n)
            id_list_add(a, l, str_trim(one));
}

static bool list_has(const struct id_list *l, str s)
{
    for (size_t i = 0; i < l->count; i++)
        if (str_eq_nocase(l->items[i], s))
            return true;
    return false;
}

static bool regards_any(const struct event *e, const struct id_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (event_has_id(e, l->items[i]))
            return true;
    return false;
}

static bool regards_all(const struct event *e, const struct id_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (!event_has_id(e, l->items[i]))
            return false;
    return true;
}

static bool is_in_groups(const struct event *e, const struct id_list *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        if (category_in_group(e->category, groups->items[i]))
            return true;
    return false;
}

static bool is_of_types(const struct event *e, const struct id_list *types)
{
    for (size_t i = 0; i < types->count; i++)
        if (event_has_prefix(e, types->items[i]))
            return true;
    return false;
}

// The event names a document of `kind` whose `field` is, or holds, one of the wanted texts.
static bool names_one_with(const struct event *e, const struct model *m, enum kind_id kind, const char *field, const struct id_list *wanted)
{
    str at = str_skip(e->related, 1), one;

    while (str_split(&at, ',', &one)) {
        const struct doc *d = model_get_kind(m, kind, one);

        for (size_t i = 0; d && i < wanted->count; i++)
            if (str_eq_nocase(doc_str(d, field), wanted->items[i]) || json_has_text(doc_field(d, field), wanted->items[i]))
                return true;
    }
    return false;
}

bool event_fits(const struct event *e, const struct event_query *q, const struct model *m)
{
    if (e->occurred_ms < q->from_ms || e->occurred_ms >= q->to_ms)
        return false;
    if ((q->from_auto_id && e->auto_id <= q->from_auto_id) || (q->to_auto_id && e->auto_id >= q->to_auto_id))
        return false;
    if (q->hides_internal && category_is_internal(e->category))
        return false;
    if (q->categories.count && !list_has(&q->categories, e->category))
        return false;
    if (q->groups.count && !is_in_groups(e, &q->groups))
        return false;
    if (q->ids.count && !list_has(&q->ids, e->id))
        return false;
    if (q->users.count && !list_has(&q->users, e->user_id))
        return false;
    if (q->agents.count && !list_has(&q->agents, e->user_agent))
        return false;
    if (!regards_all(e, &q->regarding_all))
        return false;
    return (!q->regarding_any.count || regards_any(e, &q->regarding_any)) && (!q->projects.count || regards_any(e, &q->projects)) &&
           (!q->environments.count || regards_any(e, &q->environments)) && (!q->tenants.count || regards_any(e, &q->tenants)) &&
           (!q->document_types.count || is_of_types(e, &q->document_types)) &&
           (!q->project_groups.count || regards_any(e, &q->project_groups) || names_one_with(e, m, KIND_PROJECT, "ProjectGroupId", &q->project_groups)) &&
           (!q->tags.count || names_one_with(e, m, KIND_TENANT, "TenantTags", &q->tags));
}
