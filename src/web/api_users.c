// Users of this server: who they are, what roles they hold where. A password goes in and never comes out.
#include "web/sign_in.h"

#include "base/limits.h"
#include "secret/password.h"
#include "web/callers.h"

void user_check_name(struct decode *d, const char *field, str username)
{
    static const char *const taken[] = { "admin.key", "anonymous", "engine", "hooks", "sender", "server", "set-up link", "system" };
    if (username.n > 100)
        decode_error(d, field, "must have at most 100 bytes");
    for (size_t i = 0; i < username.n; i++) {
        char ch = username.p[i];
        bool fits = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch && strchr("._-@+", ch));
        if (!fits) {
            decode_error(d, field, "may hold letters, digits and . _ - @ +");
            break;
        }
    }
    int64_t id;
    if (store_id_parse(username, KIND_USER, &id))
        decode_error(d, field, "\"%.*s\" is what an id looks like: choose another", STR_ARG(username));
    // What is granted to a project (GrantedTo) must not be granted to whoever calls themselves like it.
    if (str_starts_nocase(username, STR("Projects-")))
        decode_error(d, field, "\"%.*s\" is what a project's id looks like: choose another", STR_ARG(username));
    for (size_t i = 0; i < COUNT(taken); i++)
        if (str_eq_nocase(username, str_from(taken[i])))
            decode_error(d, field, "\"%s\" is the server's own name in the audit", taken[i]);
}

static void add_role(struct arena *a, struct json *list, const char *role)
{
    struct json *one = json_push(list, json_new_object(a));
    json_add_str(a, one, "Role", str_from(role));
    json_add_null(a, one, "Space");
    json_add(one, STR("Projects"), json_new_array(a));
    json_add(one, STR("Environments"), json_new_array(a));
}

struct json *user_document(struct arena *a, str username, str hash, const char *role, const char *other_role)
{
    struct json *doc = json_new_object(a);
    json_add_str(a, doc, "Username", username);
    json_add_str(a, doc, "DisplayName", username);
    json_add_bool(a, doc, "IsDisabled", false);
    json_add_bool(a, doc, "IsService", false);
    json_add_str(a, doc, "Source", STR("Local"));
    struct json *roles = json_add(doc, STR("Roles"), json_new_array(a));
    if (role)
        add_role(a, roles, role);
    if (other_role)
        add_role(a, roles, other_role);
    if (hash.n)
        json_add_str(a, doc, "PasswordHash", hash);
    return doc;
}

// ---- reading ----

static struct json *user_json(struct api_call *c, const struct store_object *o)
{
    static const char *const shown[] = { "Username", "DisplayName", "IsDisabled", "IsService", "Source", "Roles" };
    struct arena *a = c->arena;
    struct json *doc = object_doc(c, o), *j = json_new_object(a);
    str id = store_id_text(a, KIND_USER, o->id);
    json_add_str(a, j, "Id", id);
    for (size_t i = 0; i < COUNT(shown); i++) {
        const struct json *member = json_get(doc, str_from(shown[i]));
        json_add(j, str_from(shown[i]), member ? json_copy(a, member) : json_new_null(a));
    }
    json_add_bool(a, json_add(j, STR("Password"), json_new_object(a)), "HasValue", json_get(doc, STR("PasswordHash")) != NULL);
    json_add_time(a, j, "Created", o->created_ms);
    api_self_link(c, j, "users", id);
    return j;
}

static struct store_object *find_user(struct api_call *c)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    int64_t id;
    bool ok = store_id_parse(c->params[0], KIND_USER, &id) ? store_get(c->web->opt.store, KIND_USER, 0, id, c->arena, &o, &e) : store_find(c->web->opt.store, KIND_USER, 0, c->params[0], c->arena, &o, &e);
    if (!ok)
        api_fail_with(c, &e);
    else if (!o)
        api_not_found(c);
    return o;
}

void users_list(struct api_call *c)
{
    struct store_page page = { 0 };
    struct store_objects found;
    struct err e = { 0 };
    if (!api_page(c, &page))
        return;
    if (!store_list(c->web->opt.store, KIND_USER, 0, 0, page, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "User", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, user_json(c, &found.items[i]), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

void users_get(struct api_call *c)
{
    struct store_object *o = find_user(c);
    if (!o)
        return;
    c->answer = user_json(c, o);
    c->etag = o->version;
}

// ---- writing ----

// Absent or {"HasValue": true} keeps the password; null takes it away; text is a new one. The hash is made last: it costs.
static void set_password(struct api_call *c, struct decode *d, struct json *doc, const struct json *old, str username)
{
    const struct json *sent = decode_member(d, "Password"), *kept = json_get(old, STR("PasswordHash"));
    struct err e = { 0 };
    if (!sent || json_is(sent, JSON_OBJECT)) {
        if (sent && json_bool(json_get(sent, STR("HasValue")), false) && !kept && !old)
            decode_error(d, "Password", "there is none to keep");
        if (kept)
            json_add(doc, STR("PasswordHash"), json_copy(c->arena, kept));
    } else if (json_is(sent, JSON_STRING)) {
        if (!password_is_fit(sent->text, username, &e))
            decode_error(d, "Password", "%s", e.text);
        else if (!c->errors.count)
            json_add_str(c->arena, doc, "PasswordHash", password_hash(sent->text, c->arena));
    } else if (!json_is(sent, JSON_NULL)) {
        decode_error(d, "Password", "must be text, not a %s", json_type_name(sent));
    }
}

static struct json *read_user(struct api_call *c, const struct json *old, str *username)
{
    static const char *const set_by_server[] = { "Id", "Source", "Created", "Links" };
    struct arena *a = c->arena;
    struct decode d;
    struct json *doc = json_new_object(a);
    if (!decode_begin(&d, c->body, STR(""), &c->errors))
        return doc;
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(&d, set_by_server[i]);
    *username = decode_required_str(&d, "Username");
    user_check_name(&d, "Username", *username);
    str display = decode_str(&d, "DisplayName", *username);
    if (display.n > 200)
        decode_error(&d, "DisplayName", "must have at most 200 bytes");
    bool is_service = decode_bool(&d, "IsService", false);
    json_add_str(a, doc, "Username", *username);
    json_add_str(a, doc, "DisplayName", display);
    json_add_bool(a, doc, "IsDisabled", decode_bool(&d, "IsDisabled", false));
    json_add_bool(a, doc, "IsService", is_service);
    json_add_str(a, doc, "Source", json_str(json_get(old, STR("Source")), STR("Local")));
    static const char *const kept[] = { "Identity" };
    for (size_t i = 0; i < COUNT(kept); i++)
        if (json_get(old, str_from(kept[i])))
            json_add(doc, str_from(kept[i]), json_copy(a, json_get(old, str_from(kept[i]))));
    json_add(doc, STR("Roles"), people_read_assignments(c, &d, "Roles"));
    set_password(c, &d, doc, old, *username);
    decode_done(&d);
    if (is_service && json_get(doc, STR("PasswordHash")))
        decode_error(&d, "Password", "a service has API keys, not a password: send null");
    return doc;
}

static void write_user(struct api_call *c, const struct store_object *old)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    struct store_put *puts = NULL;
    size_t count = 1;
    int64_t expected = STORE_MUST_BE_NEW;
    str username = { "", 0 };
    const struct json *old_doc = old ? object_doc(c, old) : NULL;
    if (old && !api_if_match(c, &expected))
        return;
    struct json *doc = read_user(c, old_doc, &username), *particulars = json_new_object(a);
    if (c->errors.count) {
        api_fail_errors(c, "the user was not saved: see Errors");
        return;
    }
    bool is_disabled = json_bool(json_get(doc, STR("IsDisabled")), false);
    bool has_new_password = !str_eq(json_str(json_get(doc, STR("PasswordHash")), STR("")), json_str(json_get(old_doc, STR("PasswordHash")), STR("")));
    // Who is disabled, or has another password, is signed in no longer; a disabled user's keys open nothing but stay listed.
    if (!people_gather_deletes(c, old ? old->id : 0, old && (is_disabled || has_new_password) ? PEOPLE_SESSIONS : 0, 0, &puts, &count, 1))
        return;
    puts[0] = (struct store_put){ .object = { .kind = KIND_USER, .id = old ? old->id : 0, .slug = username, .doc = json_text(a, doc) }, .expected_version = expected };
    if (!old && !store_reserve_id(c->web->opt.store, KIND_USER, &puts[0].object.id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    json_add(particulars, STR("Username"), json_new_string(a, username));
    json_add_bool(a, particulars, "IsDisabled", is_disabled);
    json_add(particulars, STR("Roles"), json_copy(a, json_get(doc, STR("Roles"))));
    if (has_new_password)
        json_add_str(a, particulars, "Password", STR("changed"));
    str id = store_id_text(a, KIND_USER, puts[0].object.id);
    if (!people_change(c, puts, count, old ? "user.update" : "user.create", id, particulars))
        return;
    c->params[0] = id;
    users_get(c);
    c->status = c->status ? c->status : old ? 0 : 201;
}

void users_create(struct api_call *c)
{
    if (!api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    write_user(c, NULL);
    pthread_mutex_unlock(&c->web->change_lock);
}

void users_update(struct api_call *c)
{
    if (!api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *old = find_user(c);
    if (old)
        write_user(c, old);
    pthread_mutex_unlock(&c->web->change_lock);
}

// Sessions and keys die with the user.
void users_delete(struct api_call *c)
{
    struct store_put *puts;
    size_t count;
    int64_t expected;
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *o = find_user(c);
    if (o && api_if_match(c, &expected) && people_gather_deletes(c, o->id, PEOPLE_SESSIONS | PEOPLE_KEYS, 0, &puts, &count, 1)) {
        puts[0] = (struct store_put){ .object = *o, .expected_version = expected, .is_delete = true };
        if (people_change(c, puts, count, "user.delete", store_id_text(c->arena, KIND_USER, o->id), NULL))
            c->status = 204;
    }
    pthread_mutex_unlock(&c->web->change_lock);
}
