// The instance: its root, settings, pause, audit, and the description of the API.
#include "web/api_object.h"
#include "web/two_persons.h"

#include "base/limits.h"
#include "http/egress.h"

void api_root(struct api_call *c)
{
    struct arena *a = c->arena;
    c->answer = json_new_object(a);
    json_add_str(a, c->answer, "Application", STR("Octopus Reactions"));
    json_add_str(a, c->answer, "Version", str_from(c->web->opt.version));
    struct json *links = json_add(c->answer, STR("Links"), json_new_object(a));
    static const char *const collections[] = { "reactions", "triggers", "events", "runs", "spaces", "connections", "identities", "secrets", "users", "roles", "apikeys", "audit", "settings", "stream", "openapi.json" };
    json_add_str(a, links, "Self", STR("/api"));
    for (size_t i = 0; i < COUNT(collections); i++)
        json_add_str(a, links, collections[i], arena_printf(a, "/api/%s", collections[i]));
}

static struct json *read_settings(struct api_call *c, int64_t *version)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    *version = 0;
    if (!store_get(c->web->opt.store, KIND_SETTING, 0, 1, c->arena, &o, &e)) {
        api_fail_with(c, &e);
        return NULL;
    }
    if (!o) {
        struct json *doc = json_new_object(c->arena), *egress = json_add(doc, STR("Egress"), json_new_object(c->arena));
        json_add(egress, STR("Allow"), json_new_array(c->arena));
        json_add_bool(c->arena, doc, "Paused", false);
        json_add(doc, STR("TwoPersons"), json_new_array(c->arena));
        return doc;
    }
    *version = o->version;
    return object_doc(c, o);
}

void settings_get(struct api_call *c)
{
    int64_t version;
    struct json *doc = read_settings(c, &version);
    if (!doc)
        return;
    c->answer = doc;
    c->etag = version;
    api_self_link(c, doc, "settings", STR(""));
}

static bool store_settings(struct api_call *c, struct json *doc, int64_t expected, const char *action)
{
    struct store_put put = { .object = { .kind = KIND_SETTING, .id = 1 }, .expected_version = expected };
    json_drop(doc, STR("Links"));
    put.object.doc = json_text(c->arena, doc);
    return api_change(c, &put, 1, action, STR("Settings-1"), 0, doc);
}

static bool is_same_list(const struct json *list, const str *items, size_t count)
{
    if ((list ? list->count : 0) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!str_eq(json_str(json_at(list, i), STR("")), items[i]))
            return false;
    return true;
}

static bool has_all(const struct json *list, const struct json *wanted)
{
    json_each(want, wanted)
    {
        bool found = false;
        json_each(item, list)
            found = found || json_equal(item, want);
        if (!found)
            return false;
    }
    return true;
}

void settings_update(struct api_call *c)
{
    struct decode d, g;
    struct egress *egress;
    struct err e = { 0 };
    int64_t version, expected;
    if (!api_body_required(c) || !api_if_match(c, &expected))
        return;
    struct json *old = read_settings(c, &version);
    if (!old || !decode_begin(&d, c->body, STR(""), &c->errors))
        return;
    struct json *doc = json_new_object(c->arena), *out = json_add(doc, STR("Egress"), json_new_object(c->arena)), *list = json_add(out, STR("Allow"), json_new_array(c->arena));
    const struct json *sent = decode_object(&d, "Egress");
    size_t count = 0;
    str *allow = NULL;
    if (sent && decode_begin(&g, sent, STR("Egress"), &c->errors)) {
        allow = decode_str_list(&g, "Allow", &count);
        decode_done(&g);
        if (egress_new(allow, count, &egress, &e))
            egress_free(egress);
        else
            decode_error(&g, "Allow", "%s", e.text);
        for (size_t i = 0; i < count; i++)
            json_push(list, json_new_string(c->arena, allow[i]));
    }
    // Left out, it would be emptied: that is a change too.
    if (!caller_may(&c->caller, EGRESS_ADMIN, 0, STR("")) && !is_same_list(json_get(json_get(old, STR("Egress")), STR("Allow")), allow, count)) {
        api_fail(c, ERR_DENIED, "Egress.Allow: this needs the permission %s", permission_name(EGRESS_ADMIN));
        return;
    }
    const struct json *keys = decode_object(&d, "ApiKeys");
    int64_t days = API_KEY_DAYS;
    if (!keys)
        json_i64(json_get(json_get(old, STR("ApiKeys")), STR("MaxDays")), &days);
    if (keys && decode_begin(&g, keys, STR("ApiKeys"), &c->errors)) {
        days = decode_i64(&g, "MaxDays", API_KEY_DAYS, 1, 3650);
        decode_done(&g);
    }
    json_add_i64(c->arena, json_add(doc, STR("ApiKeys"), json_new_object(c->arena)), "MaxDays", days);
    json_add_bool(c->arena, doc, "Paused", decode_bool(&d, "Paused", json_bool(json_get(old, STR("Paused")), false)));
    const struct json *two_before = two_persons_of(old), *two = json_get(c->body, STR("TwoPersons")) ? two_persons_read(c, &d, "TwoPersons") : two_before;
    json_add(doc, STR("TwoPersons"), json_copy(c->arena, two));
    decode_ignore(&d, "Links");
    decode_done(&d);
    if (c->errors.count) {
        api_fail_errors(c, "the settings were not saved: see Errors");
        return;
    }
    // Nobody takes away alone what two must want.
    if (!has_all(two, two_before) && !two_persons_agree_to(c, "TwoPersons", json_text(c->arena, two)))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    if (store_settings(c, doc, expected, "settings.update"))
        settings_get(c);
    pthread_mutex_unlock(&c->web->change_lock);
}

static void set_paused(struct api_call *c, bool is_paused)
{
    int64_t version;
    pthread_mutex_lock(&c->web->change_lock);
    struct json *doc = read_settings(c, &version);
    if (doc) {
        json_put(doc, STR("Paused"), json_new_bool(c->arena, is_paused));
        if (store_settings(c, doc, STORE_ANY_VERSION, is_paused ? "instance.pause" : "instance.resume")) {
            settings_get(c);
            engine_runs_changed(c->web->opt.engine);
        }
    }
    pthread_mutex_unlock(&c->web->change_lock);
}

void settings_pause(struct api_call *c) { set_paused(c, true); }
void settings_resume(struct api_call *c) { set_paused(c, false); }

void audit_list(struct api_call *c)
{
    struct err e = { 0 };
    struct store_page page = { 0 };
    struct store_audit_rows rows;
    if (!api_page(c, &page))
        return;
    if (!store_audit_list(c->web->opt.store, c->space_id, page, c->arena, &rows, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "AuditEntry", rows.total, &page);
    for (size_t i = 0; i < rows.count && api_list_has_room(&list); i++) {
        const struct store_audit_row *row = &rows.items[i];
        struct arena *a = c->arena;
        struct json *j = json_new_object(a), *doc;
        json_add_i64(a, j, "Id", row->id);
        json_add_time(a, j, "Time", row->at_ms);
        json_add_str(a, j, "SpaceId", row->space_id ? store_id_text(a, KIND_SPACE, row->space_id) : (str){ 0 });
        json_add_str(a, j, "Actor", row->actor);
        json_add_str(a, j, "Action", row->action);
        json_add_str(a, j, "Subject", row->subject);
        json_add(j, STR("Particulars"), json_parse(a, row->doc, &doc, NULL) ? doc : json_new_null(a));
        json_add_str(a, j, "Hash", row->hash);
        api_list_add(&list, j, row->id);
    }
    api_list_end(&list, rows.has_more, rows.count);
}

// What the server runs on and how it does: for doctor and the health page.
void status_get(struct api_call *c)
{
    struct arena *a = c->arena;
    struct script_capabilities scripts = engine_script_capabilities(c->web->opt.engine);
    struct store_stats store = store_stats(c->web->opt.store);
    struct engine_stats engine = engine_stats(c->web->opt.engine);
    struct json *j = c->answer = json_new_object(a), *s;
    json_add_str(a, j, "Version", str_from(c->web->opt.version));
    bool is_administrator = caller_may(&c->caller, INSTANCE_SETTINGS, 0, STR(""));
    if (is_administrator)
        json_add_str(a, j, "DataFolder", str_from(c->web->opt.data_dir));
    s = json_add(j, STR("Scripts"), json_new_object(a));
    json_add_bool(a, s, "IsAvailable", scripts.is_available);
    json_add_str(a, s, "Engine", arena_str(a, str_from(scripts.engine)));
    json_add_str(a, s, "Version", arena_str(a, str_from(scripts.version)));
    json_add_str(a, s, "Path", arena_str(a, str_from(scripts.path)));
    json_add_str(a, s, "Containment", arena_str(a, str_from(scripts.containment)));
    json_add_str(a, s, "Network", arena_str(a, str_from(scripts.network)));
    json_add_str(a, s, "Missing", arena_str(a, str_from(scripts.missing)));
    s = json_add(j, STR("Store"), json_new_object(a));
    json_add_i64(a, s, "Commits", (int64_t)store.commits);
    json_add_i64(a, s, "FailedCommits", (int64_t)store.failed_commits);
    json_add_str(a, s, "LastError", store.last_error[0] ? arena_str(a, str_from(store.last_error)) : (str){ 0 });
    json_add_i64(a, s, "DatabaseBytes", store.database_bytes);
    json_add_i64(a, s, "WalBytes", store.wal_bytes);
    s = json_add(j, STR("Engine"), json_new_object(a));
    json_add_i64(a, s, "Matched", (int64_t)engine.matched_events);
    json_add_i64(a, s, "Started", (int64_t)engine.started);
    json_add_i64(a, s, "Succeeded", (int64_t)engine.succeeded);
    json_add_i64(a, s, "Failed", (int64_t)engine.failed);
    s = json_add(j, STR("Problems"), json_new_array(a));
    for (size_t i = 0; is_administrator && i < c->snapshot->problem_count; i++)
        json_push(s, json_new_string(a, c->snapshot->problems[i]));
}
