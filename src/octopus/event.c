#include "octopus/event.h"

#include "base/limits.h"
#include "base/timetext.h"

static str text_of(const struct json *doc, const char *name)
{
    return json_str(json_get(doc, str_from(name)), STR(""));
}

static int64_t id_number(str id)
{
    int64_t number;
    ptrdiff_t dash = str_find_last_char(id, '-');
    return dash >= 0 && str_to_i64(str_skip(id, (size_t)dash + 1), &number) && number >= 0 ? number : -1;
}

bool octopus_event_read(const struct json *doc, struct octopus_event *out, struct err *e)
{
    if (!json_is(doc, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "an event must be an object, not a %s", json_type_name(doc));
    struct octopus_event v = { .doc = doc };
    v.id = text_of(doc, "Id");
    v.category = text_of(doc, "Category");
    if (!v.id.n || v.id.n > LIMIT_OCTOPUS_ID_BYTES)
        return err_set(e, ERR_INVALID, "an event has no usable Id");
    if (!v.category.n || v.category.n > LIMIT_OCTOPUS_ID_BYTES)
        return err_set(e, ERR_INVALID, "%.*s has no usable Category", STR_ARG(v.id));
    if (!timetext_parse(text_of(doc, "Occurred"), &v.occurred_ms))
        return err_set(e, ERR_INVALID, "%.*s: Occurred is not a time: \"%.*s\"", STR_ARG(v.id), STR_ARG(str_sub(text_of(doc, "Occurred"), 0, 60)));
    v.number = id_number(v.id);
    v.user_id = text_of(doc, "UserId");
    v.username = text_of(doc, "Username");
    v.user_agent = text_of(doc, "UserAgent");
    v.space_id = text_of(doc, "SpaceId");
    struct json *related = json_get(doc, STR("RelatedDocumentIds"));
    v.related = json_is(related, JSON_ARRAY) ? related : NULL;
    *out = v;
    return true;
}

bool octopus_id_is(str id, str type)
{
    if (str_ends(type, STR("-")))
        type.n--;
    return type.n && id.n > type.n + 1 && id.p[type.n] == '-' && str_starts_nocase(id, type);
}

str octopus_event_first(const struct octopus_event *v, str type)
{
    json_each(item, v->related)
        if (octopus_id_is(json_str(item, STR("")), type))
            return item->text;
    return STR("");
}

bool octopus_event_is_about(const struct octopus_event *v, str id)
{
    json_each(item, v->related)
        if (id.n && str_eq_nocase(json_str(item, STR("")), id))
            return true;
    return false;
}

str octopus_event_subject(const struct octopus_event *v)
{
    return json_str(json_at(v->related, 0), STR(""));
}

str octopus_event_project(const struct octopus_event *v)
{
    static const str of_project[] = { STR_INIT("deploymentprocess-"), STR_INIT("variableset-") };
    str project = octopus_event_first(v, STR("Projects"));
    if (project.n)
        return project;
    json_each(item, v->related)
        for (size_t i = 0; i < COUNT(of_project); i++) {
            str id = json_str(item, STR(""));
            if (str_starts_nocase(id, of_project[i]) && octopus_id_is(str_skip(id, of_project[i].n), STR("Projects")))
                return str_skip(id, of_project[i].n);
        }
    return STR("");
}

str octopus_event_environments(const struct octopus_event *v, struct arena *a)
{
    str all = STR("");
    json_each(item, v->related)
    {
        str id = json_str(item, STR(""));
        if (octopus_id_is(id, STR("Environments")) && all.n < 4096)
            all = all.n ? arena_printf(a, "%.*s,%.*s", STR_ARG(all), STR_ARG(id)) : id;
    }
    return all;
}

// Units of UTF-16 to bytes. False when the offset lies behind the end.
static bool utf16_offset(str text, int64_t units, size_t *bytes)
{
    size_t at = 0;
    while (units > 0 && at < text.n) {
        bool is_valid;
        size_t n = str_utf8_next(str_skip(text, at), &is_valid);
        at += n;
        units -= n == 4 ? 2 : 1;
    }
    *bytes = at;
    return units == 0;
}

str octopus_event_name(const struct octopus_event *v, str id, struct arena *a)
{
    str message = text_of(v->doc, "Message");
    struct json *references = json_get(v->doc, STR("MessageReferences"));
    if (!json_is(references, JSON_ARRAY))
        return STR("");
    json_each(item, references)
    {
        int64_t start, length;
        size_t from, n;
        if (id.n && str_eq_nocase(text_of(item, "ReferencedDocumentId"), id) && json_i64(json_get(item, STR("StartIndex")), &start) && json_i64(json_get(item, STR("Length")), &length) &&
            start >= 0 && length > 0 && utf16_offset(message, start, &from) && utf16_offset(str_skip(message, from), length, &n))
            return arena_str(a, str_sub(message, from, n));
    }
    return STR("");
}

static bool number_after(str text, str prefix, char end, int64_t *out, str *rest)
{
    if (!str_starts(text, prefix))
        return false;
    text = str_skip(text, prefix.n);
    ptrdiff_t at = str_find_char(text, end);
    if (at < 0 || !str_to_i64(str_sub(text, 0, (size_t)at), out))
        return false;
    *rest = str_skip(text, (size_t)at + 1);
    return *out > 0;
}

bool octopus_event_cause(const struct octopus_event *v, int64_t *reaction_id, int64_t *run_id)
{
    str rest;
    return number_after(v->user_agent, STR("OctopusReactions/1 (reaction Reactions-"), ';', reaction_id, &rest) && number_after(rest, STR(" run Runs-"), ')', run_id, &rest);
}
