#include "reaction/registry.h"

#include "base/encode.h"
#include "base/timetext.h"
#include "reaction/match_index.h"
#include "reaction/reaction_keep.h"
#include "trigger/handshake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define LOAD_PAGE 500

#define DEFINITIONS_TOGETHER 256 // whose memory is let go together, when no picture has any of them

struct definitions {
    atomic_int users; // entries of pictures, and who is filling it
    int count;
    struct arena arena;
};

struct own_address {
    struct sockaddr_storage sa;
    socklen_t n;
};

struct registry {
    struct store *store;
    const struct keyring *keyring;
    struct arena arena; // the egress entries
    str *egress_allow;
    size_t egress_count;

    pthread_mutex_t lock, reload_lock;
    struct snapshot *current;
    struct own_address own[8];
    size_t own_count;
    struct {
        void (*fn)(void *ctx);
        void *ctx;
    } listeners[8];
    size_t listener_count;
};

static str id_key(const int64_t *id)
{
    return (str){ (const char *)id, sizeof *id };
}

static void definitions_give(struct definitions *d)
{
    if (!d || atomic_fetch_sub(&d->users, 1) != 1)
        return;
    arena_fini(&d->arena);
    free(d);
}

static void definitions_use(struct reaction_entry *entry, struct definitions *d)
{
    atomic_fetch_add(&d->users, 1);
    entry->memory = d;
}

static void snapshot_free(struct snapshot *s)
{
    size_t next = 0;
    str id;
    void *draft;
    if (!s)
        return;
    for (size_t i = 0; i < s->reaction_count; i++)
        definitions_give(s->reactions[i].memory);
    while (map_next(&s->drafts, &next, &id, &draft))
        definitions_give(((struct reaction_entry *)draft)->memory);
    route_table_free(s->routes);
    map_fini(&s->keys);
    map_fini(&s->reactions_by_id);
    map_fini(&s->drafts);
    match_index_free(s->index);
    egress_free(s->egress);
    arena_fini(&s->arena);
    free(s);
}

static void problem(struct snapshot *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void problem(struct snapshot *s, const char *fmt, ...)
{
    if (s->problem_count >= 100)
        return;
    if (!s->problems)
        s->problems = ARENA_ARRAY(&s->arena, str, 100);
    va_list args;
    va_start(args, fmt);
    s->problems[s->problem_count++] = arena_vprintf(&s->arena, fmt, args);
    va_end(args);
}

// Every object of a kind, oldest first. The items live in the snapshot's arena.
static bool load_all(struct registry *r, struct snapshot *s, enum store_kind kind, struct store_object **items, size_t *count, struct err *e)
{
    struct store_object *all = NULL;
    size_t cap = 0, n = 0;
    int64_t before = 0;
    for (;;) {
        struct store_objects page;
        if (!store_list(r->store, kind, 0, 0, (struct store_page){ .take = LOAD_PAGE, .before_id = before }, &s->arena, &page, e)) {
            free(all);
            return false;
        }
        xgrow(&all, &cap, n + page.count, sizeof *all);
        if (page.count)
            memcpy(all + n, page.items, sizeof *all * page.count);
        n += page.count;
        if (page.count < LOAD_PAGE)
            break;
        before = page.items[page.count - 1].id;
    }
    *items = ARENA_ARRAY(&s->arena, struct store_object, n);
    for (size_t i = 0; i < n; i++)
        (*items)[i] = all[n - 1 - i];
    *count = n;
    free(all);
    return true;
}

static const struct json *parse_doc(struct snapshot *s, const struct store_object *o)
{
    struct json *doc;
    struct err e = { 0 };
    if (json_parse(&s->arena, o->doc, &doc, &e))
        return doc;
    problem(s, "%s-%" PRId64 ": %s", store_kind_prefix(o->kind), o->id, e.text);
    return NULL;
}

static str text_of(const struct json *doc, const char *name)
{
    return json_str(json_get(doc, str_from(name)), (str){ "", 0 });
}

static bool load_spaces(struct registry *r, struct snapshot *s, struct err *e)
{
    struct store_object *o;
    size_t count;
    if (!load_all(r, s, KIND_SPACE, &o, &count, e))
        return false;
    s->spaces = ARENA_ARRAY(&s->arena, struct space_entry, count);
    for (size_t i = 0; i < count; i++) {
        const struct json *doc = parse_doc(s, &o[i]);
        s->spaces[s->space_count++] = (struct space_entry){ o[i].id, text_of(doc, "Name"), o[i].slug, json_bool(json_get(doc, STR("Paused")), false) };
    }
    return true;
}

static void load_push_keys(struct connection_entry *c)
{
    json_each(item, json_get(json_get(c->doc, STR("Push")), STR("Keys")))
    {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct push_key *k = &c->push_keys[c->push_key_count];
        const struct json *expires = json_get(item, STR("Expires"));
        str hash;
        if (c->push_key_count == COUNT(c->push_keys))
            return;
        *k = (struct push_key){ .public_id = text_of(item, "PublicId") };
        if (json_is(expires, JSON_STRING) && !timetext_parse(expires->text, &k->expires_ms))
            continue; // unreadable: closed, not open
        if (!hex_decode(&a, text_of(item, "Hash"), &hash) || hash.n != sizeof k->hash)
            continue;
        memcpy(k->hash, hash.p, hash.n);
        c->push_key_count++;
    }
}

static bool load_connections(struct registry *r, struct snapshot *s, struct err *e)
{
    struct store_object *o;
    size_t count;
    if (!load_all(r, s, KIND_CONNECTION, &o, &count, e))
        return false;
    s->connections = ARENA_ARRAY(&s->arena, struct connection_entry, count);
    for (size_t i = 0; i < count; i++) {
        const struct json *doc = parse_doc(s, &o[i]);
        struct connection_entry *c = &s->connections[s->connection_count++];
        *c = (struct connection_entry){ .id = o[i].id, .space_id = o[i].space_id, .name = text_of(doc, "Name"), .url = text_of(doc, "Url"), .octopus_space = text_of(doc, "OctopusSpace"), .poll_seconds = 5, .doc = doc };
        json_i64(json_get(doc, STR("PollSeconds")), &c->poll_seconds);
        load_push_keys(c);
    }
    return true;
}

const struct connection_entry *snapshot_space_connection(const struct snapshot *s, int64_t space_id)
{
    for (size_t i = 0; i < s->connection_count; i++)
        if (s->connections[i].space_id == space_id)
            return &s->connections[i];
    return NULL;
}

const struct connection_entry *snapshot_connection(const struct snapshot *s, int64_t id)
{
    for (size_t i = 0; i < s->connection_count; i++)
        if (s->connections[i].id == id)
            return &s->connections[i];
    return NULL;
}

static bool load_identities(struct registry *r, struct snapshot *s, struct err *e)
{
    struct store_object *o;
    size_t count;
    if (!load_all(r, s, KIND_IDENTITY, &o, &count, e))
        return false;
    s->identities = ARENA_ARRAY(&s->arena, struct identity_entry, count);
    for (size_t i = 0; i < count; i++) {
        const struct json *doc = parse_doc(s, &o[i]);
        const struct connection_entry *c = snapshot_space_connection(s, o[i].space_id);
        s->identities[s->identity_count++] = (struct identity_entry){ o[i].id, o[i].space_id, c ? c->id : 0, text_of(doc, "Name"), doc };
    }
    return true;
}

static bool load_secrets(struct registry *r, struct snapshot *s, struct err *e)
{
    struct store_object *o;
    size_t count;
    if (!load_all(r, s, KIND_SECRET, &o, &count, e))
        return false;
    s->secrets = ARENA_ARRAY(&s->arena, struct secret_entry, count);
    for (size_t i = 0; i < count; i++) {
        const struct json *doc = parse_doc(s, &o[i]);
        s->secrets[s->secret_count++] = (struct secret_entry){ o[i].id, o[i].space_id, text_of(doc, "Name"), doc };
    }
    return true;
}

static bool load_triggers(struct registry *r, struct snapshot *s, struct err *e)
{
    struct store_object *o;
    size_t count;
    if (!load_all(r, s, KIND_TRIGGER, &o, &count, e))
        return false;
    s->triggers = ARENA_ARRAY(&s->arena, struct trigger_entry, count);
    for (size_t i = 0; i < count; i++) {
        struct json *doc;
        struct err why = { 0 };
        struct decode_errors errors = { .arena = &s->arena };
        if (!json_parse(&s->arena, o[i].doc, &doc, &why) || !sealed_open(KIND_TRIGGER, o[i].id, doc, r->keyring, &s->arena, NULL, &why)) {
            problem(s, "Triggers-%" PRId64 ": %s", o[i].id, why.text);
            continue;
        }
        struct trigger *t = trigger_decode(&s->arena, doc, &errors);
        if (!t) {
            problem(s, "Triggers-%" PRId64 ": %.*s", o[i].id, STR_ARG(errors.items[0]));
            continue;
        }
        t->id = o[i].id;
        t->space_id = o[i].space_id;
        struct trigger_entry *entry = &s->triggers[s->trigger_count++];
        struct signature *signature = NULL;
        struct handshake *handshake = NULL;
        entry->t = t;
        // With their secrets in the clear, which only this picture holds.
        if (t->signature && signature_parse(&s->arena, t->signature, STR("Authentication.Signature"), &errors, &signature))
            entry->signature = signature;
        if (t->handshake && handshake_parse(&s->arena, t->handshake, STR("Handshake"), &errors, &handshake))
            entry->handshake = handshake;
        if (errors.count)
            problem(s, "Triggers-%" PRId64 ": %.*s", o[i].id, STR_ARG(errors.items[0]));
    }
    struct route_entry *entries = ARENA_ARRAY(&s->arena, struct route_entry, s->trigger_count);
    for (size_t i = 0; i < s->trigger_count; i++)
        entries[i] = (struct route_entry){ s->triggers[i].t->route, &s->triggers[i] };
    return route_table_new(entries, s->trigger_count, &s->routes, NULL, e);
}

static bool load_keys(struct registry *r, struct snapshot *s, struct err *e)
{
    struct store_object *o;
    size_t count;
    if (!load_all(r, s, KIND_TRIGGER_KEY, &o, &count, e))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct json *doc = parse_doc(s, &o[i]);
        str hash;
        struct key_entry *k = ARENA_NEW(&s->arena, struct key_entry);
        *k = (struct key_entry){ .id = o[i].id, .trigger_id = o[i].parent_id, .label = text_of(doc, "Label"), .is_revoked = json_bool(json_get(doc, STR("IsRevoked")), false) };
        const struct json *expires = json_get(doc, STR("Expires"));
        if (json_is(expires, JSON_STRING) && !timetext_parse(expires->text, &k->expires_ms))
            k->is_revoked = true; // unreadable: closed, not open
        if (!hex_decode(&s->arena, text_of(doc, "Hash"), &hash) || hash.n != sizeof k->hash)
            continue;
        memcpy(k->hash, hash.p, hash.n);
        map_put(&s->keys, text_of(doc, "PublicId"), k);
    }
    return true;
}

static void ids_list(const struct json *names, struct str_list *out, struct arena *a)
{
    size_t count = 0;
    json_each(name, names)
        count += name->count;
    out->items = ARENA_ARRAY(a, str, count);
    json_each(name, names)
        json_each(id, name)
            out->items[out->count++] = arena_str(a, json_str(id, STR("")));
}

// {"Projects": {"Core Web": ["Projects-23"]}, "Scope.Projects": ...}, written when the reaction was saved.
static const struct reaction_ids *reaction_ids_of(const struct json *resolved, struct arena *a)
{
    static const char *const scopes[] = { "Scope.Projects", "Scope.Environments", "Scope.Tenants" };
    if (!json_is(resolved, JSON_OBJECT) || !resolved->count)
        return NULL;
    struct reaction_ids *ids = ARENA_NEW(a, struct reaction_ids);
    for (int i = 0; i < FILTER_LISTS; i++)
        ids_list(json_get(resolved, str_from(filter_list_names[i])), &ids->filters[i], a);
    for (size_t i = 0; i < COUNT(scopes); i++)
        ids_list(json_get(resolved, str_from(scopes[i])), &ids->scopes[i], a);
    return ids;
}

// One load of the reactions.
struct loading {
    struct registry *registry;
    struct snapshot *snapshot;
    const struct snapshot *before; // whose definitions still count; NULL: none
    struct definitions *memory;    // of those that are read
};

static struct arena *memory_of(struct loading *l)
{
    if (l->memory && l->memory->count++ < DEFINITIONS_TOGETHER)
        return &l->memory->arena;
    definitions_give(l->memory);
    l->memory = xcalloc(1, sizeof *l->memory);
    atomic_init(&l->memory->users, 1);
    l->memory->count = 1;
    return &l->memory->arena;
}

static bool take_over(struct reaction_entry *entry, const struct reaction_entry *was, int64_t revision_id)
{
    if (!was || was->revision_id != revision_id || was->has_newer_ids)
        return false;
    entry->revision_id = was->revision_id;
    entry->revision_number = was->revision_number;
    entry->revision_hash = was->revision_hash;
    entry->def = was->def;
    entry->doc = was->doc;
    entry->ids = was->ids;
    entry->condition = was->condition;
    definitions_use(entry, was->memory);
    return true;
}

// The tree goes when it was read; the text stays (reaction_keep.h).
static bool load_revision(struct loading *l, struct reaction_entry *entry, const struct json *flags, int64_t revision_id, struct err *e)
{
    CLEANUP(arena_fini) struct arena tree = { 0 };
    struct snapshot *s = l->snapshot;
    struct store_object *o;
    struct json *doc = NULL;
    struct err why = { 0 };
    int64_t resolved_id = 0;
    json_i64(json_get(flags, STR("ResolvedRevisionId")), &resolved_id); // looked up again since
    bool has_newer_ids = resolved_id == revision_id;
    if (l->before && !has_newer_ids && (take_over(entry, snapshot_reaction(l->before, entry->id), revision_id) || take_over(entry, snapshot_draft(l->before, entry->id), revision_id)))
        return true;
    struct arena *a = memory_of(l);
    struct decode_errors errors = { .arena = a }; // lists of the definition are made there too
    if (!store_get(l->registry->store, KIND_REVISION, 0, revision_id, a, &o, e))
        return false;
    if (!o) {
        problem(s, "Reactions-%" PRId64 ": its revision is missing", entry->id);
        return true;
    }
    const struct json *definition = json_parse(&tree, o->doc, &doc, &why) ? json_get(doc, STR("Definition")) : NULL;
    struct reaction *def = definition ? reaction_decode(a, definition, &errors) : NULL;
    if (!def) {
        problem(s, "Reactions-%" PRId64 ": %.*s", entry->id, STR_ARG(errors.count ? errors.items[0] : STR("its revision cannot be read")));
        return true;
    }
    reaction_keep(def, o->doc, a);
    struct template *condition;
    struct template_error bad;
    if (def->condition.p && template_parse(a, def->condition, &condition, &bad))
        entry->condition = condition;
    entry->def = def;
    entry->doc = o->doc;
    entry->has_newer_ids = has_newer_ids;
    entry->ids = reaction_ids_of(json_get(has_newer_ids ? flags : doc, STR("Resolved")), a);
    entry->revision_id = revision_id;
    entry->revision_hash = arena_str(a, text_of(doc, "Hash"));
    json_i64(json_get(doc, STR("Number")), &entry->revision_number);
    definitions_use(entry, l->memory);
    return true;
}

// Its draft, if it has one.
static bool load_draft(struct loading *l, const struct reaction_entry *flags, const struct json *doc, struct err *e)
{
    struct snapshot *s = l->snapshot;
    int64_t revision_id = 0;
    json_i64(json_get(doc, STR("DraftRevisionId")), &revision_id);
    if (!revision_id)
        return true;
    struct reaction_entry *draft = ARENA_NEW(&s->arena, struct reaction_entry);
    *draft = *flags;
    if (!load_revision(l, draft, doc, revision_id, e))
        return false;
    if (draft->def)
        map_put(&s->drafts, id_key(&draft->id), draft);
    return true;
}

static bool load_all_reactions(struct loading *l, struct err *e)
{
    struct snapshot *s = l->snapshot;
    struct store_object *o;
    size_t count;
    if (!load_all(l->registry, s, KIND_REACTION, &o, &count, e))
        return false;
    s->reactions = ARENA_ARRAY(&s->arena, struct reaction_entry, count);
    for (size_t i = 0; i < count; i++) {
        const struct json *doc = parse_doc(s, &o[i]);
        int64_t revision_id = 0;
        json_i64(json_get(doc, STR("ActiveRevisionId")), &revision_id);
        struct reaction_entry *entry = &s->reactions[s->reaction_count];
        *entry = (struct reaction_entry){
            .id = o[i].id,
            .space_id = o[i].space_id,
            .is_enabled = json_bool(json_get(doc, STR("Enabled")), true),
            .is_paused = json_bool(json_get(doc, STR("Paused")), false),
        };
        if (!load_draft(l, entry, doc, e) || (revision_id && !load_revision(l, entry, doc, revision_id, e)))
            return false;
        if (!entry->def)
            continue;
        map_put(&s->reactions_by_id, id_key(&entry->id), entry);
        s->reaction_count++;
    }
    return true;
}

static bool load_reactions(struct registry *r, struct snapshot *s, const struct snapshot *before, struct err *e)
{
    struct loading l = { .registry = r, .snapshot = s, .before = before };
    bool ok = load_all_reactions(&l, e);
    definitions_give(l.memory);
    return ok;
}

static void link_trigger(const struct snapshot *s, struct reaction_entry *entry)
{
    if (entry->def->trigger_type == TRIGGER_EXTERNAL)
        entry->trigger = snapshot_find_trigger(s, entry->space_id, entry->def->trigger_name);
}

// Which reactions each trigger's events are offered to.
static void link_reactions(struct snapshot *s)
{
    size_t next = 0;
    str id;
    void *draft;
    for (size_t i = 0; i < s->reaction_count; i++)
        link_trigger(s, &s->reactions[i]);
    while (map_next(&s->drafts, &next, &id, &draft))
        link_trigger(s, draft);
    for (size_t i = 0; i < s->reaction_count; i++)
        if (s->reactions[i].trigger)
            s->triggers[s->reactions[i].trigger - s->triggers].reaction_count++;
    for (size_t i = 0; i < s->trigger_count; i++) {
        s->triggers[i].reactions = ARENA_ARRAY(&s->arena, const struct reaction_entry *, s->triggers[i].reaction_count);
        s->triggers[i].reaction_count = 0;
    }
    for (size_t i = 0; i < s->reaction_count; i++)
        if (s->reactions[i].trigger) {
            struct trigger_entry *t = &s->triggers[s->reactions[i].trigger - s->triggers];
            t->reactions[t->reaction_count++] = &s->reactions[i];
        }
}

// Whether an index of those of before says the same of these: it speaks of them by their place.
static bool has_same_index(const struct snapshot *s, const struct snapshot *before)
{
    if (!before || s->reaction_count != before->reaction_count)
        return false;
    for (size_t i = 0; i < s->reaction_count; i++) {
        const struct reaction_entry *now = &s->reactions[i], *was = &before->reactions[i];
        if (now->id != was->id || now->def != was->def || now->ids != was->ids || now->is_enabled != was->is_enabled)
            return false;
    }
    return true;
}

static bool load_settings(struct registry *r, struct snapshot *s, struct err *e)
{
    struct store_object *o;
    if (!store_get(r->store, KIND_SETTING, 0, 1, &s->arena, &o, e))
        return false;
    s->settings = o ? parse_doc(s, o) : NULL;
    s->is_paused = json_bool(json_get(s->settings, STR("Paused")), false);

    const struct json *allow = json_get(json_get(s->settings, STR("Egress")), STR("Allow"));
    size_t count = r->egress_count + (allow ? allow->count : 0), at = 0;
    str *entries = ARENA_ARRAY(&s->arena, str, count);
    for (; at < r->egress_count; at++)
        entries[at] = r->egress_allow[at];
    json_each(item, allow)
        entries[at++] = json_str(item, (str){ "", 0 });
    if (!egress_new(entries, count, &s->egress, e))
        return false;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->own_count; i++)
        egress_add_own(s->egress, (struct sockaddr *)&r->own[i].sa, r->own[i].n);
    pthread_mutex_unlock(&r->lock);
    return true;
}

static struct snapshot *load(struct registry *r, const struct snapshot *before, struct err *e)
{
    struct snapshot *s = xcalloc(1, sizeof *s);
    s->references = 1;
    if (load_settings(r, s, e) && load_spaces(r, s, e) && load_connections(r, s, e) && load_identities(r, s, e) && load_secrets(r, s, e) && load_triggers(r, s, e) && load_keys(r, s, e) && load_reactions(r, s, before, e)) {
        link_reactions(s);
        s->index = has_same_index(s, before) ? match_index_share(before->index) : match_index_new(s->reactions, s->reaction_count);
        return s;
    }
    snapshot_free(s);
    return NULL;
}

static bool load_anew(struct registry *r, bool with_revisions, struct err *e)
{
    pthread_mutex_lock(&r->reload_lock);
    // Only here is it exchanged and given.
    struct snapshot *s = load(r, with_revisions ? NULL : r->current, e);
    if (s) {
        pthread_mutex_lock(&r->lock);
        struct snapshot *old = r->current;
        r->current = s;
        pthread_mutex_unlock(&r->lock);
        registry_give(r, old);
    }
    size_t listeners = r->listener_count;
    pthread_mutex_unlock(&r->reload_lock);
    for (size_t i = 0; s && i < listeners; i++)
        r->listeners[i].fn(r->listeners[i].ctx);
    return s != NULL;
}

bool registry_refresh(struct registry *r, struct err *e)
{
    return load_anew(r, false, e);
}

bool registry_reload(struct registry *r, struct err *e)
{
    return load_anew(r, true, e);
}

bool registry_open(const struct registry_options *opt, struct registry **out, struct err *e)
{
    struct registry *r = xcalloc(1, sizeof *r);
    r->store = opt->store;
    r->keyring = opt->keyring;
    r->egress_allow = ARENA_ARRAY(&r->arena, str, opt->egress_count);
    for (size_t i = 0; i < opt->egress_count; i++)
        r->egress_allow[r->egress_count++] = arena_str(&r->arena, opt->egress_allow[i]);
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->reload_lock, NULL);
    if (!registry_reload(r, e)) {
        registry_close(r);
        return false;
    }
    *out = r;
    return true;
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    snapshot_free(r->current);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->reload_lock);
    arena_fini(&r->arena);
    free(r);
}

void registry_on_change(struct registry *r, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&r->reload_lock);
    assert(r->listener_count < COUNT(r->listeners));
    r->listeners[r->listener_count].fn = fn;
    r->listeners[r->listener_count++].ctx = ctx;
    pthread_mutex_unlock(&r->reload_lock);
}

void registry_add_own_address(struct registry *r, const struct sockaddr *sa, socklen_t n)
{
    pthread_mutex_lock(&r->lock);
    if (r->own_count < COUNT(r->own)) {
        memcpy(&r->own[r->own_count].sa, sa, n);
        r->own[r->own_count++].n = n;
    }
    pthread_mutex_unlock(&r->lock);
}

const struct snapshot *registry_take(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
    struct snapshot *s = r->current;
    s->references++;
    pthread_mutex_unlock(&r->lock);
    return s;
}

void registry_give(struct registry *r, const struct snapshot *given)
{
    if (!given)
        return;
    struct snapshot *s = (struct snapshot *)(uintptr_t)given;
    pthread_mutex_lock(&r->lock);
    bool is_last = --s->references == 0;
    pthread_mutex_unlock(&r->lock);
    if (is_last)
        snapshot_free(s);
}

const struct space_entry *snapshot_space(const struct snapshot *s, int64_t id)
{
    for (size_t i = 0; i < s->space_count; i++)
        if (s->spaces[i].id == id)
            return &s->spaces[i];
    return NULL;
}

const struct reaction_entry *snapshot_reaction(const struct snapshot *s, int64_t id)
{
    return map_get(&s->reactions_by_id, id_key(&id));
}

const struct reaction_entry *snapshot_draft(const struct snapshot *s, int64_t id)
{
    return map_get(&s->drafts, id_key(&id));
}

const struct trigger_entry *snapshot_trigger(const struct snapshot *s, int64_t id)
{
    for (size_t i = 0; i < s->trigger_count; i++)
        if (s->triggers[i].t->id == id)
            return &s->triggers[i];
    return NULL;
}

const struct trigger_entry *snapshot_find_trigger(const struct snapshot *s, int64_t space_id, str name)
{
    int64_t id = 0;
    bool is_id = store_id_parse(name, KIND_TRIGGER, &id);
    for (size_t i = 0; i < s->trigger_count; i++) {
        const struct trigger *t = s->triggers[i].t;
        if (t->space_id == space_id && (is_id ? t->id == id : str_eq_nocase(t->slug, name) || str_eq_nocase(t->name, name)))
            return &s->triggers[i];
    }
    return NULL;
}

const struct identity_entry *snapshot_find_identity(const struct snapshot *s, int64_t space_id, str name)
{
    int64_t id = 0;
    bool is_id = store_id_parse(name, KIND_IDENTITY, &id);
    for (size_t i = 0; i < s->identity_count; i++)
        if (s->identities[i].space_id == space_id && (is_id ? s->identities[i].id == id : str_eq_nocase(s->identities[i].name, name)))
            return &s->identities[i];
    return NULL;
}

const struct secret_entry *snapshot_find_secret(const struct snapshot *s, int64_t space_id, str name)
{
    int64_t id = 0;
    bool is_id = store_id_parse(name, KIND_SECRET, &id);
    for (size_t i = 0; i < s->secret_count; i++)
        if (s->secrets[i].space_id == space_id && (is_id ? s->secrets[i].id == id : str_eq_nocase(s->secrets[i].name, name)))
            return &s->secrets[i];
    return NULL;
}

struct store_run reaction_run(const struct reaction_entry *r, const struct store_event *v)
{
    return (struct store_run){
        .space_id = v->space_id,
        .reaction_id = r->id,
        .revision_id = r->revision_id,
        .revision_number = r->revision_number,
        .revision_hash = r->revision_hash,
        .event_id = v->id,
        .is_repeatable = r->def->action_type == ACTION_HTTP || r->def->retry_scripts,
        .depth = v->caused_depth,
    };
}
