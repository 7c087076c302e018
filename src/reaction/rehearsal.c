#include "reaction/rehearsal.h"

#include "reaction/dry_run.h"
#include "reaction/engine.h"
#include "reaction/event_given.h"

struct rehearsal {
    struct arena arena;
    struct keyring *keyring;
    struct store *store;
    struct registry *registry;
    struct engine *engine;
    struct engine_stand_in stand_in;
    const struct rehearsal_scene *scene; // under way; the caller waits, the engine's thread reads
};

// ---- what stands in for Octopus ----

static bool document(void *ctx, str id, const struct json **doc)
{
    const struct rehearsal *r = ctx;
    json_each(one, r->scene ? r->scene->documents : NULL)
        if (str_eq_nocase(json_str(json_get(one, STR("Id")), STR("")), id)) {
            *doc = one;
            return true;
        }
    return false;
}

static bool fits(str wanted, str asked)
{
    if (str_ends(wanted, STR("*")))
        return str_starts(asked, str_sub(wanted, 0, wanted.n - 1));
    ptrdiff_t query = str_find_char(asked, '?');
    if (query >= 0 && str_find_char(wanted, '?') < 0)
        asked = str_sub(asked, 0, (size_t)query);
    return str_eq_nocase(wanted, asked);
}

static const struct json *find_answer(const struct rehearsal *r, const struct script_call *call)
{
    json_each(one, r->scene ? r->scene->answers : NULL)
    {
        str method = json_str(json_get(one, STR("Method")), STR("GET")), place = json_str(json_get(one, call->is_feed ? STR("Url") : STR("Path")), STR(""));
        if (place.n && str_eq_nocase(method, call->method) && fits(place, call->path_or_url))
            return one;
    }
    return NULL;
}

static void call(void *ctx, const struct script_call *asked, struct arena *a, struct script_reply *reply)
{
    const struct json *one = find_answer(ctx, asked), *known;
    str path = str_sub(asked->path_or_url, 0, (size_t)MAX(str_find_char(asked->path_or_url, '?'), (ptrdiff_t)-1));
    if (!one && !asked->is_feed && str_eq(asked->method, STR("GET")) && document(ctx, str_skip(path, (size_t)(str_find_last_char(path, '/') + 1)), &known)) {
        *reply = (struct script_reply){ .status = 200, .headers = json_new_object(a), .body = json_text(a, known) };
        return;
    }
    if (!one) {
        *reply = (struct script_reply){ .error = arena_printf(a, "the test has no answer to %.*s %.*s: add it under Answers", STR_ARG(asked->method), STR_ARG(asked->path_or_url)) };
        return;
    }
    const struct json *body = json_get(one, STR("Body")), *headers = json_get(one, STR("Headers"));
    int64_t status = 200;
    json_i64(json_get(one, STR("Status")), &status);
    *reply = (struct script_reply){ .status = (int)MAX(MIN(status, (int64_t)599), (int64_t)100), .headers = json_is(headers, JSON_OBJECT) ? headers : json_new_object(a) };
    reply->body = !body ? STR("") : json_is(body, JSON_STRING) ? body->text : json_text(a, body);
}

// ---- the world ----

static bool put(struct rehearsal *r, enum store_kind kind, int64_t id, int64_t parent, str slug, const struct json *doc, struct err *e)
{
    struct store_put p = { .object = { .kind = kind, .id = id, .space_id = kind == KIND_SPACE ? 0 : 1, .parent_id = parent, .slug = slug, .doc = json_text(&r->arena, doc) }, .expected_version = STORE_ANY_VERSION };
    return store_change(r->store, &p, 1, NULL, 0, e);
}

static struct json *named(struct rehearsal *r, str name)
{
    struct json *doc = json_new_object(&r->arena);
    json_add_str(&r->arena, doc, "Name", name);
    return doc;
}

static bool put_secret(struct rehearsal *r, int64_t id, str name, struct err *e)
{
    struct decode_errors errors = { .arena = &r->arena };
    struct json *doc = named(r, name);
    json_add_str(&r->arena, doc, "Value", arena_concat(&r->arena, STR("secret:"), name));
    sealed_store(KIND_SECRET, id, doc, NULL, r->keyring, &r->arena, &errors);
    return put(r, KIND_SECRET, id, 0, STR(""), doc, e);
}

static struct json *body_of(struct rehearsal *r, const struct json *doc)
{
    struct json *body = json_copy(&r->arena, doc);
    json_drop(body, STR("Kind"));
    json_drop(body, STR("File"));
    return body;
}

static bool is_kind(const struct json *doc, const char *kind)
{
    return str_eq(json_str(json_get(doc, STR("Kind")), STR("")), str_from(kind));
}

static bool put_triggers(struct rehearsal *r, const struct json *documents, int64_t *id, struct err *e)
{
    json_each(doc, documents)
    {
        if (!is_kind(doc, "Trigger"))
            continue;
        struct decode_errors errors = { .arena = &r->arena };
        struct json *body = body_of(r, doc);
        json_drop(body, STR("Authentication")); // its secrets; nothing comes from outside here
        json_drop(body, STR("Handshake"));
        struct trigger *t = trigger_decode(&r->arena, body, &errors);
        if (t && !put(r, KIND_TRIGGER, ++*id, 0, t->slug, body, e))
            return false;
    }
    return true;
}

// What a reaction names and no file brings along.
static bool put_missing(struct rehearsal *r, const struct reaction *def, int64_t *id, struct err *e)
{
    if (!registry_reload(r->registry, e))
        return false;
    const struct snapshot *s = registry_take(r->registry);
    bool ok = true;
    if (def->trigger_type == TRIGGER_EXTERNAL && !snapshot_find_trigger(s, 1, def->trigger_name)) {
        struct json *doc = named(r, def->trigger_name);
        json_add_str(&r->arena, doc, "Route", arena_printf(&r->arena, "rehearsal-%" PRId64, ++*id));
        ok = put(r, KIND_TRIGGER, *id, 0, slug_from_name(&r->arena, def->trigger_name), doc, e);
    }
    if (ok && def->identity.n && !snapshot_find_identity(s, 1, def->identity))
        ok = put(r, KIND_IDENTITY, ++*id, 0, STR(""), named(r, def->identity), e);
    for (size_t i = 0; ok && i < def->variable_count; i++) {
        str secret = def->variables[i].secret;
        bool is_there = !secret.n || snapshot_find_secret(s, 1, secret);
        for (size_t k = 0; k < i; k++)
            is_there = is_there || str_eq_nocase(def->variables[k].secret, secret);
        ok = is_there || put_secret(r, ++*id, secret, e);
    }
    registry_give(r->registry, s);
    return ok;
}

// Secret values are not in files: they get one that can be told apart, and is masked like any other.
static void make_up_secrets(struct rehearsal *r, struct json *definition)
{
    json_each(v, json_get(definition, STR("Variables")))
    {
        struct json *value = json_get(v, STR("Value"));
        if (json_bool(json_get(v, STR("IsSensitive")), false) && !json_is(value, JSON_STRING))
            json_put(v, STR("Value"), json_new_string(&r->arena, arena_concat(&r->arena, STR("secret:"), json_str(json_get(v, STR("Name")), STR("")))));
    }
    struct json *signing = json_get(json_get(definition, STR("Action")), STR("Signing"));
    if (json_is(signing, JSON_OBJECT) && !json_is(json_get(signing, STR("Secret")), JSON_STRING))
        json_put(signing, STR("Secret"), json_new_string(&r->arena, STR("whsec_cmVoZWFyc2FsLXJlaGVhcnNhbC1yZWhlYXJzYWw=")));
}

static bool put_reaction(struct rehearsal *r, const struct json *doc, int64_t *id, struct err *e)
{
    struct arena *a = &r->arena;
    struct decode_errors errors = { .arena = a };
    struct json *body = body_of(r, doc);
    make_up_secrets(r, body);
    struct reaction *def = reaction_decode(a, body, &errors);
    if (!def)
        return true;
    if (!put_missing(r, def, id, e))
        return false;
    int64_t reaction_id = ++*id, revision_id = ++*id;
    struct json *definition = reaction_to_json(def, a), *revision = json_new_object(a), *flags = named(r, def->name);
    str hash = reaction_hash(definition, a);
    sealed_store(KIND_REVISION, reaction_id, definition, NULL, r->keyring, a, &errors);
    json_add_i64(a, revision, "Number", 1);
    json_add_str(a, revision, "Hash", hash);
    json_add(revision, STR("Definition"), definition);
    json_add_i64(a, flags, "ActiveRevisionId", revision_id);
    json_add_i64(a, flags, "LatestNumber", 1);
    json_add_bool(a, flags, "Enabled", def->is_enabled);
    json_add_bool(a, flags, "Paused", def->is_paused);
    return put(r, KIND_REVISION, revision_id, reaction_id, STR(""), revision, e) && put(r, KIND_REACTION, reaction_id, 0, def->slug, flags, e);
}

static bool put_world(struct rehearsal *r, const struct json *documents, struct err *e)
{
    struct arena *a = &r->arena;
    int64_t id = 1;
    struct json *connection = named(r, STR("octopus"));
    json_add_str(a, connection, "Url", STR("https://octopus.invalid"));
    json_add_str(a, connection, "OctopusSpaceId", STR("Spaces-1"));
    json_add_str(a, connection, "OctopusSpaceName", STR("Default"));
    if (!put(r, KIND_SPACE, 1, 0, STR("default"), named(r, STR("Default")), e) || !put(r, KIND_CONNECTION, 1, 0, STR(""), connection, e) || !put_triggers(r, documents, &id, e))
        return false;
    json_each(doc, documents)
        if (is_kind(doc, "Reaction") && !put_reaction(r, doc, &id, e))
            return false;
    return registry_reload(r->registry, e);
}

bool rehearsal_open(const struct rehearsal_options *opt, struct rehearsal **out, struct err *e)
{
    struct rehearsal *r = xcalloc(1, sizeof *r);
    unsigned char key[KEYRING_KEY_BYTES];
    random_system.fill(random_system.ctx, key, sizeof key);
    r->keyring = keyring_from_bytes(key, &random_system);
    r->stand_in = (struct engine_stand_in){ r, document, call };
    struct engine_options engine = {
        .keyring = r->keyring,
        .clock = &clock_system,
        .random = &random_system,
        .node = "rehearsal",
        .data_dir = opt->work_dir,
        .scripts = { .runtime_dir = opt->runtime_dir, .work_dir = opt->work_dir, .max_workers = 1 },
        .stand_in = &r->stand_in,
    };
    bool ok = store_open(&(struct store_options){ .clock = &clock_system }, &r->store, e) && registry_open(&(struct registry_options){ r->store, r->keyring, NULL, 0 }, &r->registry, e) &&
              put_world(r, opt->documents, e);
    engine.store = r->store;
    engine.registry = r->registry;
    if (!ok || !engine_start(&engine, &r->engine, e)) {
        rehearsal_close(r);
        return false;
    }
    *out = r;
    return true;
}

void rehearsal_close(struct rehearsal *r)
{
    if (!r)
        return;
    engine_stop(r->engine, 0);
    registry_close(r->registry);
    store_close(r->store);
    keyring_close(r->keyring);
    arena_fini(&r->arena);
    free(r);
}

static const struct reaction_entry *find_reaction(const struct snapshot *s, str name)
{
    for (size_t i = 0; i < s->reaction_count; i++)
        if (str_eq_nocase(s->reactions[i].def->slug, name) || str_eq_nocase(s->reactions[i].def->name, name))
            return &s->reactions[i];
    return NULL;
}

bool rehearsal_run(struct rehearsal *r, const struct rehearsal_scene *scene, struct arena *a, struct json **result, struct err *e)
{
    struct decode_errors errors = { .arena = a };
    struct store_event v;
    const struct snapshot *s = registry_take(r->registry);
    const struct reaction_entry *reaction = find_reaction(s, scene->reaction);
    bool ok = true;
    r->scene = scene;
    if (!reaction)
        ok = err_set(e, ERR_NOT_FOUND, "there is no reaction \"%.*s\" among the files", STR_ARG(scene->reaction));
    else if (!event_given(scene->event, s, reaction, clock_wall_ms(&clock_system), &errors, &v))
        ok = err_set(e, ERR_INVALID, "%.*s", STR_ARG(errors.items[0]));
    ok = ok && engine_dry_run(r->engine, reaction->id, false, &v, a, result, e);
    r->scene = NULL;
    registry_give(r->registry, s);
    return ok;
}
