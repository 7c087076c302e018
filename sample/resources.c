#include "sample/resources.h"

#include "sample/data.h"

#include <ctype.h>

// ---- reading

// "<SpaceId>" and the like replaced by the document's texts. p == NULL where one of them is missing.
static str link_text(struct call *c, const struct doc *d, str template)
{
    struct buf out = { 0 };
    str kept = { 0 };

    while (template.n > 0) {
        ptrdiff_t open = str_find_char(template, '<'), end = str_find_char(template, '>');

        if (open < 0 || end < open) {
            buf_add(&out, template);
            break;
        }
        str field = str_sub(template, (size_t)open + 1, (size_t)(end - open - 1));
        str value = json_str(json_get(d->json, field), STR(""));

        if (!value.n && str_eq(field, STR("SpaceId")))
            value = c->space;
        if (!value.n)
            goto done;
        buf_add(&out, str_sub(template, 0, (size_t)open));
        buf_add(&out, value);
        template = str_skip(template, (size_t)end + 1);
    }
    kept = arena_str(c->a, buf_str(&out));
done:
    buf_fini(&out);
    return kept;
}

static struct json *links_of(struct call *c, const struct doc *d)
{
    struct json *links = json_new_object(c->a);

    for (const char *const *l = d->kind->links; l && *l; l++) {
        str line = str_from(*l);
        ptrdiff_t equals = str_find_char(line, '=');
        str target = link_text(c, d, str_skip(line, (size_t)equals + 1));

        if (target.p)
            json_add(links, str_sub(line, 0, (size_t)equals), json_new_string(c->a, target));
    }
    return links;
}

// The feeds the sample serves itself stand in the documents as "sample:/nuget/..."
static void make_absolute(struct call *c, struct json *o)
{
    struct json *uri = json_get(o, STR("FeedUri"));

    if (uri && str_starts(json_str(uri, STR("")), STR("sample:")))
        json_put(o, STR("FeedUri"), json_new_string(c->a, arena_printf(c->a, "%s%.*s", c->sample->base_url, STR_ARG(str_skip(uri->text, 7)))));
}

struct json *resource_json(struct call *c, const struct doc *d)
{
    struct json *o = json_new_object(c->a);

    json_each(member, d->json)
        if (!str_starts(member->name, STR("_")))
            json_add(o, member->name, json_copy(c->a, member));
    make_absolute(c, o);
    json_put(o, STR("Links"), links_of(c, d));
    return o;
}

void resource_answer(struct call *c, int status, const struct doc *d)
{
    call_answer(c, status, resource_json(c, d));
}

str doc_space(const struct doc *d)
{
    return d->kind->is_system ? STR("") : doc_str(d, "SpaceId");
}

struct scope doc_scope(const struct doc *d)
{
    const struct json *environments = doc_field(d, "EnvironmentIds");
    str environment = doc_str(d, "EnvironmentId");

    return (struct scope){
        .project = d->kind == &kinds[KIND_PROJECT] ? d->id : doc_str(d, "ProjectId"),
        .tenant = d->kind == &kinds[KIND_TENANT] ? d->id : doc_str(d, "TenantId"),
        .environment = d->kind == &kinds[KIND_ENVIRONMENT] ? d->id : environment.n ? environment : doc_str(d, "_EnvironmentId"),
        .environments = environments,
    };
}

// A permission's scope counts only where that kind of document has such a thing at all: an
// environment has no project, so a project restriction on EnvironmentView says nothing.
static struct scope fitting_scope(const struct doc *d)
{
    struct scope scope = doc_scope(d);

    scope.is_somewhere = !scope.project.n && !scope.tenant.n && !scope.environment.n && !(scope.environments && scope.environments->count);
    return scope;
}

bool resource_is_visible(struct call *c, const struct doc *d)
{
    struct scope scope = fitting_scope(d);

    return !d->kind->view || access_may(c->sample->model, c->user->id, d->kind->view, doc_space(d), &scope);
}

static struct doc *find_doc(struct call *c, enum kind_id kind, str id)
{
    struct model *m = c->sample->model;
    struct doc *d = model_get_kind(m, kind, id);

    if (!d && kinds[kind].has_slug)
        d = model_find(m, kind, c->space, "Slug", id);
    if (d && c->names_space && !kinds[kind].is_system && doc_space(d).n && !str_eq_nocase(doc_space(d), c->space))
        return NULL;
    return d;
}

struct doc *resource_get(struct call *c, enum kind_id kind, str id)
{
    struct doc *d = find_doc(c, kind, id);

    if (d && resource_is_visible(c, d))
        return d;
    if (kinds[kind].view && !access_may(c->sample->model, c->user->id, kinds[kind].view, kinds[kind].is_system ? STR("") : c->space, &(struct scope){ .is_somewhere = true }))
        call_may(c, kinds[kind].view, &(struct scope){ .is_somewhere = true });
    else
        call_not_found(c, kinds[kind].label, id);
    return NULL;
}

struct doc *resource_get_for(struct call *c, enum kind_id kind, str id, const char *permission)
{
    struct doc *d = resource_get(c, kind, id);

    if (!d)
        return NULL;
    struct scope scope = fitting_scope(d);
    if (doc_space(d).n)
        c->space = doc_space(d);
    if (!permission) {
        call_error(c, 405, "%s documents cannot be changed this way.", kinds[kind].label);
        return NULL;
    }
    return call_may(c, permission, &scope) ? d : NULL;
}

// ---- lists

static const struct json *field_at(const struct doc *d, str path)
{
    const struct json *at = d->json;
    str part;

    while (str_split(&path, '/', &part))
        at = json_get(at, part);
    return at;
}

static bool field_fits(const struct json *value, const struct id_list *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        str w = wanted->items[i];

        if (json_is(value, JSON_ARRAY) ? json_has_text(value, w) : json_is(value, JSON_BOOL) ? value->is_true == str_eq_nocase(w, STR("true")) : str_eq_nocase(json_str(value, STR("")), w))
            return true;
    }
    return false;
}

bool resource_keep_field(const struct doc *d, const void *ctx)
{
    const struct field_value *f = ctx;
    struct id_list one = { 0 };
    str value = f->value;

    one.items = &value;
    one.count = 1;
    return field_fits(json_get(d->json, str_from(f->field)), &one);
}

static bool contains_nocase(str s, str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++)
        if (str_eq_nocase(str_sub(s, i, part.n), part))
            return true;
    return false;
}

static bool query_fits(struct call *c, const struct doc *d)
{
    str filters = str_from(d->kind->filters ? d->kind->filters : ""), one, name = doc_str(d, "Name");

    if (call_has_query(c, "name") && d->kind != &kinds[KIND_TASK] && !str_eq_nocase(name, call_query(c, "name")))
        return false;
    if (call_has_query(c, "partialName") && !contains_nocase(name, call_query(c, "partialName")))
        return false;
    if (call_has_query(c, "searchByVersion") && !contains_nocase(doc_str(d, "Version"), call_query(c, "searchByVersion")))
        return false;
    while (filters.n && str_split(&filters, ',', &one)) {
        ptrdiff_t equals = str_find_char(one, '=');
        struct id_list wanted = { 0 };
        char query[64] = "";

        memcpy(query, one.p, MIN((size_t)equals, sizeof query - 1));
        call_query_list(c, query, &wanted);
        if (wanted.count && !field_fits(field_at(d, str_skip(one, (size_t)equals + 1)), &wanted))
            return false;
    }
    return true;
}

static bool ids_fit(const struct id_list *ids, const struct doc *d)
{
    for (size_t i = 0; i < ids->count; i++)
        if (str_eq_nocase(ids->items[i], d->id))
            return true;
    return ids->count == 0;
}

// The documents that fit, in the order of the answer.
static struct doc **gather(struct call *c, enum kind_id kind, resource_keep_fn *keep, const void *ctx, size_t *count)
{
    struct model *m = c->sample->model;
    size_t all = model_count(m, kind);
    struct doc **found = ARENA_ARRAY(c->a, struct doc *, all + 1);
    struct id_list ids = { 0 };

    call_query_list(c, "ids", &ids);
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        struct doc *d = model_at(m, kind, kinds[kind].is_newest_first ? all - 1 - i : i);

        if (!kinds[kind].is_system && doc_space(d).n && !str_eq_nocase(doc_space(d), c->space) && !(ids.count && !c->names_space))
            continue;
        if (doc_bool(d, "_IsSnapshot") || (keep && !keep(d, ctx)) || !ids_fit(&ids, d) || !query_fits(c, d) || !resource_is_visible(c, d))
            continue;
        found[(*count)++] = d;
    }
    return found;
}

void resource_list(struct call *c, enum kind_id kind, resource_keep_fn *keep, const void *ctx)
{
    int64_t skip = MAX(call_query_i64(c, "skip", 0), 0), take = MAX(call_query_i64(c, "take", CALL_TAKE_DEFAULT), 0);
    struct json *items = json_new_array(c->a);
    size_t count;
    struct doc **found = gather(c, kind, keep, ctx, &count);

    for (size_t i = (size_t)skip; i < count && (int64_t)items->count < take; i++)
        json_push(items, resource_json(c, found[i]));
    call_answer(c, 200, call_envelope(c, kinds[kind].item_type, items, count, skip, take));
}

static void list_all(struct call *c, enum kind_id kind)
{
    struct json *items = json_new_array(c->a);
    size_t count;
    struct doc **found = gather(c, kind, NULL, NULL, &count);

    for (size_t i = 0; i < count; i++)
        json_push(items, resource_json(c, found[i]));
    call_answer(c, 200, items);
}

// ---- writing

str slug_of(struct arena *a, str name)
{
    char *p = arena_bytes(a, name.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        unsigned char ch = (unsigned char)name.p[i];

        if (isalnum(ch))
            p[n++] = (char)tolower(ch);
        else if (n > 0 && p[n - 1] != '-')
            p[n++] = '-';
    }
    while (n > 0 && p[n - 1] == '-')
        n--;
    return (str){ p, n };
}

// Members of the body take the place of o's own; names bind without case. What the server sets
// itself is not taken from a client.
static void merge(struct call *c, struct json *o)
{
    static const char *const fixed[] = { "Id", "Links", "LastModifiedOn", "LastModifiedBy", NULL };

    json_each(member, c->body)
    {
        struct json *own = json_get_nocase(o, member->name);
        bool is_fixed = str_starts(member->name, STR("_"));

        for (const char *const *f = fixed; *f; f++)
            is_fixed = is_fixed || str_eq_nocase(member->name, str_from(*f));
        if (!is_fixed)
            json_put(o, own ? own->name : member->name, json_copy(c->a, member));
    }
}

struct json *resource_new(struct call *c, enum kind_id kind)
{
    const struct json *defaults = data_defaults(kinds[kind].prefix);
    struct json *o = json_new_object(c->a), *rest = defaults ? json_copy(c->a, defaults) : json_new_object(c->a);

    json_add(o, STR("Id"), json_new_string(c->a, model_new_id(c->sample->model, c->a, kind)));
    if (!kinds[kind].is_system)
        json_add(o, STR("SpaceId"), json_new_string(c->a, c->space));
    for (struct json *member = rest->first, *next; member; member = next) {
        next = member->next;
        json_add(o, member->name, member);
    }
    merge(c, o);
    if (!kinds[kind].is_system)
        json_put(o, STR("SpaceId"), json_new_string(c->a, c->space));
    if (kinds[kind].has_slug && !json_str(json_get(o, STR("Slug")), STR("")).n)
        json_put(o, STR("Slug"), json_new_string(c->a, slug_of(c->a, json_str(json_get(o, STR("Name")), STR("")))));
    return o;
}

struct json *resource_changed(struct call *c, const struct doc *d)
{
    struct json *o = model_edit(c->a, d);
    str space = doc_space(d);

    merge(c, o);
    if (space.n)
        json_put(o, STR("SpaceId"), json_new_string(c->a, space));
    return o;
}

struct doc *resource_store(struct call *c, enum kind_id kind, struct json *json)
{
    if (c->user) {
        json_put(json, STR("LastModifiedOn"), json_new_string(c->a, text_date(c->a, sample_now_ms(c->sample))));
        json_put(json, STR("LastModifiedBy"), json_new_string(c->a, c->actor.username));
    }
    return model_put(c->sample->model, kind, json);
}

bool resource_check_name(struct call *c, enum kind_id kind, const struct json *json, const char *within_field)
{
    struct model *m = c->sample->model;
    str name = str_trim(json_str(json_get(json, STR("Name")), STR(""))), id = json_str(json_get(json, STR("Id")), STR(""));

    if (!name.n) {
        call_invalid(c, "%s: Please provide a name.", kinds[kind].label);
        return false;
    }
    for (size_t i = 0; i < model_count(m, kind); i++) {
        const struct doc *d = model_at(m, kind, i);
        bool is_beside = kinds[kind].is_system || str_eq_nocase(doc_space(d), json_str(json_get(json, STR("SpaceId")), STR("")));

        if (within_field)
            is_beside = is_beside && str_eq_nocase(doc_str(d, within_field), json_str(json_get(json, str_from(within_field)), STR("")));
        if (is_beside && str_eq_nocase(doc_str(d, "Name"), name) && !str_eq_nocase(d->id, id)) {
            call_invalid(c, "A %s with the name '%.*s' already exists. Please use a different name.", kinds[kind].label, STR_ARG(name));
            return false;
        }
    }
    return true;
}

static const char *verb_of(const char *category)
{
    return strcmp(category, "Created") == 0 ? " was created" : strcmp(category, "Deleted") == 0 ? " was deleted" : " was changed";
}

void document_event(struct sample *s, struct arena *a, const struct actor *who, const char *category, const struct doc *d)
{
    struct draft e;
    str name = doc_str(d, "Name"), project = doc_str(d, "ProjectId");

    if (d->kind->is_silent)
        return;
    draft_begin(&e, s, a, who, category, doc_space(d));
    draft_text(&e, d->kind->label);
    draft_text(&e, " ");
    if (d->kind == &kinds[KIND_PROCESS] || d->kind == &kinds[KIND_VARIABLE_SET]) {
        const struct doc *owner = model_get(s->model, project.n ? project : doc_str(d, "OwnerId"));

        draft_text(&e, owner && owner->kind != &kinds[KIND_PROJECT] ? "for " : "for project ");
        draft_ref(&e, owner ? owner->id : d->id, owner ? doc_str(owner, "Name") : d->id);
        project = owner ? owner->id : project;
    } else if (d->kind == &kinds[KIND_RELEASE]) {
        draft_ref(&e, d->id, doc_str(d, "Version"));
    } else {
        draft_ref(&e, d->id, name.n ? name : doc_str(d, "Username").n ? doc_str(d, "Username") : d->id);
    }
    draft_text(&e, verb_of(category));
    draft_related(&e, d->id);
    draft_related(&e, project);
    draft_related(&e, doc_str(d, "ProjectGroupId"));
    draft_related(&e, doc_str(d, "ChannelId"));
    json_each(environment, doc_field(d, "EnvironmentIds"))
        draft_related(&e, json_str(environment, STR("")));
    draft_related(&e, doc_str(d, "MachinePolicyId"));
    draft_commit(&e);
}

void resource_event(struct call *c, const char *category, const struct doc *d)
{
    document_event(c->sample, c->a, &c->actor, category, d);
}

// ---- the generic routes

static void create(struct call *c, enum kind_id kind)
{
    const struct kind *k = &kinds[kind];

    if (!k->create) {
        call_error(c, 405, "%s documents cannot be created this way.", k->label);
        return;
    }
    if (!json_is(c->body, JSON_OBJECT)) {
        call_invalid(c, "The body must be a JSON object.");
        return;
    }
    struct json *o = resource_new(c, kind);
    struct doc probe = { .kind = k, .json = o, .id = json_str(json_get(o, STR("Id")), STR("")) };
    struct scope scope = fitting_scope(&probe);

    if (k->is_system)
        c->space = STR("");
    if (!call_may(c, k->create, &scope))
        return;
    if (json_get(o, STR("Name")) && !resource_check_name(c, kind, o, kind == KIND_CHANNEL ? "ProjectId" : NULL))
        return;
    struct doc *d = resource_store(c, kind, o);
    resource_event(c, "Created", d);
    resource_answer(c, 201, d);
}

static void change(struct call *c, enum kind_id kind, str id)
{
    struct doc *d = resource_get_for(c, kind, id, kinds[kind].edit);

    if (!d)
        return;
    if (!json_is(c->body, JSON_OBJECT)) {
        call_invalid(c, "The body must be a JSON object.");
        return;
    }
    struct json *o = resource_changed(c, d);
    if (json_get(o, STR("Name")) && !resource_check_name(c, kind, o, kind == KIND_CHANNEL ? "ProjectId" : NULL))
        return;
    d = resource_store(c, kind, o);
    resource_event(c, "Modified", d);
    resource_answer(c, 200, d);
}

static void remove_one(struct call *c, enum kind_id kind, str id)
{
    struct doc *d = resource_get_for(c, kind, id, kinds[kind].remove);

    if (!d)
        return;
    resource_event(c, "Deleted", d);
    model_remove(c->sample->model, d);
    call_answer(c, 200, json_new_object(c->a));
}

bool resource_route(struct call *c, const str *segments, size_t count)
{
    const struct kind *k = count >= 1 && count <= 2 ? kind_by_path(segments[0]) : NULL;
    bool is_get = str_eq(c->method, STR("GET")) || str_eq(c->method, STR("HEAD"));

    if (!k)
        return false;
    enum kind_id kind = (enum kind_id)(k - kinds);
    if (count == 1 && str_eq(c->method, STR("POST"))) {
        create(c, kind);
    } else if (is_get && (count == 1 || str_eq_nocase(segments[1], STR("all")))) {
        str space = k->is_system ? STR("") : c->space;

        if (k->view && !access_may(c->sample->model, c->user->id, k->view, space, &(struct scope){ .is_somewhere = true })) {
            c->space = space;
            call_may(c, k->view, &(struct scope){ .is_somewhere = true });
        } else if (count == 1) {
            resource_list(c, kind, NULL, NULL);
        } else {
            list_all(c, kind);
        }
    } else if (is_get) {
        struct doc *d = resource_get(c, kind, segments[1]);

        if (d)
            resource_answer(c, 200, d);
    } else if (count == 2 && str_eq(c->method, STR("PUT"))) {
        change(c, kind, segments[1]);
    } else if (count == 2 && str_eq(c->method, STR("DELETE"))) {
        remove_one(c, kind, segments[1]);
    } else {
        call_error(c, 405, "The method %.*s is not allowed here.", STR_ARG(c->method));
    }
    return true;
}
