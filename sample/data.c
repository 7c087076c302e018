#include "sample/data.h"

#include "sample/access.h"
#include "sample/releases.h"
#include "sample/tasks.h"

static struct arena kept; // the defaults, for the life of the process
static const struct json *defaults;

const struct json *data_defaults(const char *prefix)
{
    if (!defaults) {
        struct json *parsed;
        struct err e;

        if (!json_parse(&kept, (str){ (const char *)data_defaults_json, data_defaults_json_bytes }, &parsed, &e))
            abort(); // our own file: the tests would have found it
        defaults = parsed;
    }
    return json_get(defaults, str_from(prefix));
}

static struct json *with_defaults(struct arena *a, const struct kind *kind, const struct json *doc)
{
    const struct json *rest = data_defaults(kind->prefix);
    struct json *o = json_copy(a, doc);

    json_each(member, rest)
        if (!json_get(o, member->name))
            json_add(o, member->name, json_copy(a, member));
    return o;
}

static bool load_documents(struct sample *s, struct arena *a, struct err *e)
{
    struct json *list;

    if (!json_parse(a, (str){ (const char *)data_seed_json, data_seed_json_bytes }, &list, e))
        return false;
    json_each(row, list) {
        const struct kind *kind = kind_by_prefix(json_str(json_get(row, STR("Kind")), STR("")));

        if (!kind)
            return err_set(e, ERR_INVALID, "a document of an unknown kind");
        struct json *o = with_defaults(a, kind, json_get(row, STR("Doc")));
        if (kind == &kinds[KIND_GRANTS])
            o = access_expand(a, o);
        if (kind == &kinds[KIND_RELEASE])
            release_take_snapshots(s->model, a, o);
        if (kind == &kinds[KIND_RUNBOOK_SNAPSHOT])
            runbook_take_snapshots(s->model, a, o);
        if (kind == &kinds[KIND_TASK])
            task_describe_times(a, o);
        model_put(s->model, (enum kind_id)(kind - kinds), o);
    }
    return true;
}

// Line n has AutoId 53000 + n (octopus-api.md 1.5).
static bool load_events(struct sample *s, struct arena *a, struct err *e)
{
    str text = { (const char *)data_events_jsonl, data_events_jsonl_bytes }, line;
    int64_t auto_id = 53000;

    while (str_split(&text, '\n', &line)) {
        struct json *event;

        if (!line.n)
            continue;
        if (!json_parse(a, line, &event, e) || !event_log_add(s->events, event, ++auto_id, false, e))
            return err_in(e, "line %" PRId64, auto_id - 53000);
    }
    return true;
}

bool data_load(struct sample *s, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };

    if (!load_documents(s, &a, e))
        return err_in(e, "seed.json");
    return load_events(s, &a, e) || err_in(e, "events.jsonl");
}

void data_derive_keys(struct sample *s)
{
    CLEANUP(arena_fini) struct arena a = { 0 };

    for (size_t i = 0; i < model_count(s->model, KIND_API_KEY); i++) {
        struct doc *d = model_at(s->model, KIND_API_KEY, i);

        if (!doc_field(d, "_Suffix"))
            continue;
        struct json *o = model_edit(&a, d);
        json_put(o, STR("_Secret"), json_new_string(&a, arena_printf(&a, "%s%.*s", s->api_key, STR_ARG(doc_str(d, "_Suffix")))));
        model_put(s->model, KIND_API_KEY, o);
    }
}
