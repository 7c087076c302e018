// Roles: the built-in ones of the model, which cannot be changed, and those an administrator makes.
#include "web/people.h"

#include "access/roles.h"

static struct json *built_in_json(struct api_call *c, const struct role *r)
{
    struct arena *a = c->arena;
    struct json *j = json_new_object(a);
    json_add_str(a, j, "Id", str_from(r->id));
    json_add_str(a, j, "Name", str_from(r->name));
    json_add_str(a, j, "Description", str_from(r->description));
    json_add_bool(a, j, "IsBuiltIn", true);
    role_add_permissions(a, json_add(j, STR("Permissions"), json_new_array(a)), r->permissions);
    api_self_link(c, j, "roles", str_from(r->id));
    return j;
}

static struct json *role_json(struct api_call *c, const struct store_object *o)
{
    struct arena *a = c->arena;
    struct json *doc = object_doc(c, o), *j = json_new_object(a);
    str id = store_id_text(a, KIND_ROLE, o->id);
    json_add_str(a, j, "Id", id);
    json_add_str(a, j, "Name", json_str(json_get(doc, STR("Name")), STR("")));
    json_add_str(a, j, "Description", json_str(json_get(doc, STR("Description")), STR("")));
    json_add_bool(a, j, "IsBuiltIn", false);
    role_add_permissions(a, json_add(j, STR("Permissions"), json_new_array(a)), role_permissions(doc));
    api_self_link(c, j, "roles", id);
    return j;
}

// The built-in ones stand behind all others, in the model's order. Paged by skip and take alone: there are few.
void roles_list(struct api_call *c)
{
    struct store_page page = { 0 };
    struct store_objects found = { 0 };
    struct err e = { 0 };
    if (!api_page(c, &page))
        return;
    if (!store_list(c->web->opt.store, KIND_ROLE, 0, 0, (struct store_page){ .take = 1000 }, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    size_t all = found.count + roles_built_in_count, from = MIN((size_t)page.skip, all), to = MIN(from + (size_t)page.take, all);
    struct api_list list;
    api_list_begin(c, &list, "Role", (int64_t)all, &page);
    for (size_t i = from; i < to; i++)
        api_list_add(&list, i < found.count ? role_json(c, &found.items[i]) : built_in_json(c, &roles_built_in[i - found.count]), 0);
    api_list_end(&list, false, to - from);
}

static struct store_object *find(struct api_call *c)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    int64_t id;
    bool ok = store_id_parse(c->params[0], KIND_ROLE, &id) ? store_get(c->web->opt.store, KIND_ROLE, 0, id, c->arena, &o, &e) : store_find(c->web->opt.store, KIND_ROLE, 0, c->params[0], c->arena, &o, &e);
    if (!ok)
        api_fail_with(c, &e);
    else if (!o)
        api_not_found(c);
    return o;
}

void roles_get(struct api_call *c)
{
    const struct role *built_in = role_find_built_in(c->params[0]);
    struct store_object *o = built_in ? NULL : find(c);
    if (built_in)
        c->answer = built_in_json(c, built_in);
    else if (o) {
        c->answer = role_json(c, o);
        c->etag = o->version;
    }
}

static void write_role(struct api_call *c, const struct store_object *old)
{
    static const char *const set_by_server[] = { "Id", "IsBuiltIn", "Links" };
    struct arena *a = c->arena;
    struct decode d;
    struct err e = { 0 };
    struct store_put put = { .object = { .kind = KIND_ROLE, .id = old ? old->id : 0 }, .expected_version = STORE_MUST_BE_NEW };
    struct json *doc = json_new_object(a), *list = json_new_array(a);
    size_t count;
    uint64_t permissions = 0;
    if ((old && !api_if_match(c, &put.expected_version)) || !decode_begin(&d, c->body, STR(""), &c->errors))
        return;
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(&d, set_by_server[i]);
    str name = decode_required_str(&d, "Name"), description = decode_str(&d, "Description", STR("")), *names = decode_str_list(&d, "Permissions", &count);
    decode_done(&d);
    if (name.n > 100 || description.n > 1000)
        decode_error(&d, name.n > 100 ? "Name" : "Description", "is too long");
    int64_t id_of_name;
    if (store_id_parse(name, KIND_ROLE, &id_of_name))
        decode_error(&d, "Name", "\"%.*s\" is what an id looks like: choose another", STR_ARG(name));
    if (role_find_built_in(name))
        decode_error(&d, "Name", "\"%.*s\" is a built-in role", STR_ARG(name));
    for (size_t i = 0; i < count; i++) {
        enum permission p;
        if (permission_parse(names[i], &p))
            permissions |= permission_bit(p);
        else
            decode_error_at(&d, "Permissions", i, "there is no permission \"%.*s\"", STR_ARG(names[i]));
    }
    if (c->errors.count) {
        api_fail_errors(c, "the role was not saved: see Errors");
        return;
    }
    if (!old && !store_reserve_id(c->web->opt.store, KIND_ROLE, &put.object.id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    role_add_permissions(a, list, permissions);
    json_add_str(a, doc, "Name", name);
    json_add_str(a, doc, "Description", description);
    json_add(doc, STR("Permissions"), list);
    put.object.slug = name;
    put.object.doc = json_text(a, doc);
    str id = store_id_text(a, KIND_ROLE, put.object.id);
    if (!people_change(c, &put, 1, old ? "role.update" : "role.create", id, doc))
        return;
    c->params[0] = id;
    roles_get(c);
    c->status = c->status ? c->status : old ? 0 : 201;
}

void roles_create(struct api_call *c)
{
    if (!api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    write_role(c, NULL);
    pthread_mutex_unlock(&c->web->change_lock);
}

static bool is_own(struct api_call *c)
{
    if (!role_find_built_in(c->params[0]))
        return true;
    api_fail(c, ERR_CONFLICT, "a built-in role stays as it is: make one of your own");
    return false;
}

void roles_update(struct api_call *c)
{
    if (!is_own(c) || !api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *old = find(c);
    if (old)
        write_role(c, old);
    pthread_mutex_unlock(&c->web->change_lock);
}

static bool is_unused(struct api_call *c, str id)
{
    struct store_page page = { .take = 1000 };
    struct store_objects users;
    struct err e = { 0 };
    do {
        if (!store_list(c->web->opt.store, KIND_USER, 0, 0, page, c->arena, &users, &e)) {
            api_fail_with(c, &e);
            return false;
        }
        for (size_t i = 0; i < users.count; i++) {
            page.before_id = users.items[i].id;
            json_each(r, json_get(object_doc(c, &users.items[i]), STR("Roles")))
                if (str_eq_nocase(json_str(json_get(r, STR("Role")), STR("")), id)) {
                    api_fail(c, ERR_CONFLICT, "the user %.*s has this role: take it away first", STR_ARG(users.items[i].slug));
                    return false;
                }
        }
    } while (users.has_more);
    return true;
}

void roles_delete(struct api_call *c)
{
    struct store_put put = { .is_delete = true };
    if (!is_own(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *o = find(c);
    str id = o ? store_id_text(c->arena, KIND_ROLE, o->id) : STR("");
    if (o && api_if_match(c, &put.expected_version) && is_unused(c, id)) {
        put.object = *o;
        if (people_change(c, &put, 1, "role.delete", id, NULL))
            c->status = 204;
    }
    pthread_mutex_unlock(&c->web->change_lock);
}
