#include "reaction/sealed.h"

#include "base/encode.h"

#include <sodium.h>

// Paths into a document. "[]" steps through a list; a list of objects with Name is matched by name.
// A field below Variables is secret only where the object says IsSensitive.
struct secret_field {
    enum store_kind kind;
    const char *path;
    bool if_sensitive;
};
static const struct secret_field fields[] = {
    { KIND_CONNECTION, "ReaderKey", false },
    { KIND_CONNECTION, "Subscription.Key", false },
    { KIND_CONNECTION, "Tls.ClientCertificate", false },
    { KIND_IDENTITY, "ApiKey", false },
    { KIND_SECRET, "Value", false },
    { KIND_TRIGGER, "Authentication.Signature.Secrets[]", false },
    { KIND_TRIGGER, "Handshake.VerifyToken", false },
    { KIND_REVISION, "Action.Signing.Secret", false },
    { KIND_REVISION, "Action.Tls.ClientCertificate", false },
    { KIND_REVISION, "Variables[].Value", true },
};

// What is done to one place in a document.
struct walk {
    enum store_kind kind;
    int64_t id;
    const struct keyring *keyring;
    struct arena *arena;
    struct decode_errors *errors;
    struct sealed_values *plain;
    struct err *e;
    // value may be NULL (absent); old is the same place in the old document. Returns what shall stand there, NULL: nothing.
    struct json *(*visit)(struct walk *w, str path, struct json *value, const struct json *old);
    bool failed, is_changed;
};

static str record_of(struct walk *w, str path)
{
    return arena_printf(w->arena, "%s-%" PRId64 "/%.*s", store_kind_prefix(w->kind), w->id, STR_ARG(path));
}

static bool is_sealed(const struct json *v)
{
    return json_is(json_get(v, STR("Sealed")), JSON_STRING);
}

static const struct json *same_by_name(const struct json *list, const struct json *item)
{
    str name = json_str(json_get(item, STR("Name")), (str){ 0 });
    if (name.p)
        json_each(candidate, list)
            if (str_eq_nocase(json_str(json_get(candidate, STR("Name")), (str){ "", 0 }), name))
                return candidate;
    return NULL;
}

static void walk_path(struct walk *w, str path, str done, struct json *at, const struct json *old, bool if_sensitive);

static void walk_list(struct walk *w, str rest, str done, struct json *list, const struct json *old, bool if_sensitive)
{
    size_t index = 0;
    for (struct json *item = list->first, *previous = NULL; item; previous = item, item = item->next, index++) {
        const struct json *old_item = json_is(item, JSON_OBJECT) && json_get(item, STR("Name")) ? same_by_name(old, item) : json_at(old, index);
        if (rest.n) {
            // The record names the variable, not its place: a reordered list still opens.
            str name = json_str(json_get(item, STR("Name")), (str){ 0 });
            str place = name.p ? arena_printf(w->arena, "%.*s[%.*s]", STR_ARG(done), STR_ARG(name)) : decode_path_index(w->arena, done, index);
            walk_path(w, str_skip(rest, 1), place, item, old_item, if_sensitive);
            continue;
        }
        struct json *now = w->visit(w, done, item, old_item);
        if (!now || now == item)
            continue;
        now->next = item->next;
        now->name = item->name;
        if (previous)
            previous->next = now;
        else
            list->first = now;
        if (list->last == item)
            list->last = now;
        item = now;
    }
}

static void walk_path(struct walk *w, str path, str done, struct json *at, const struct json *old, bool if_sensitive)
{
    if (!json_is(at, JSON_OBJECT))
        return;
    ptrdiff_t dot = str_find_char(path, '.');
    str step = dot < 0 ? path : str_sub(path, 0, (size_t)dot), rest = dot < 0 ? (str){ "", 0 } : str_skip(path, (size_t)dot + 1);
    if (str_ends(step, STR("[]"))) {
        step.n -= 2;
        struct json *list = json_get(at, step);
        str place = done.n ? arena_printf(w->arena, "%.*s.%.*s", STR_ARG(done), STR_ARG(step)) : step;
        if (json_is(list, JSON_ARRAY))
            walk_list(w, dot < 0 ? rest : arena_printf(w->arena, ".%.*s", STR_ARG(rest)), place, list, json_get(old, step), if_sensitive);
        return;
    }
    str place = done.n ? arena_printf(w->arena, "%.*s.%.*s", STR_ARG(done), STR_ARG(step)) : step;
    struct json *value = json_get(at, step);
    if (rest.n) {
        walk_path(w, rest, place, value, json_get(old, step), if_sensitive);
        return;
    }
    if (if_sensitive && !json_bool(json_get(at, STR("IsSensitive")), false))
        return;
    struct json *now = w->visit(w, place, value, json_get(old, step));
    if (now && now != value)
        json_put(at, step, now);
}

static void walk_document(struct walk *w, struct json *doc, const struct json *old)
{
    for (size_t i = 0; i < COUNT(fields); i++)
        if (fields[i].kind == w->kind)
            walk_path(w, str_from(fields[i].path), (str){ "", 0 }, doc, old, fields[i].if_sensitive);
}

static void note_error(struct walk *w, str path, const char *text)
{
    if (w->errors && w->errors->count < DECODE_ERRORS_MAX)
        w->errors->items[w->errors->count++] = arena_printf(w->arena, "%.*s: %s", STR_ARG(path), text);
}

static struct json *visit_store(struct walk *w, str path, struct json *value, const struct json *old)
{
    bool keeps = !value || json_is(json_get(value, STR("HasValue")), JSON_BOOL);
    if (keeps) {
        if (is_sealed(old))
            return json_copy(w->arena, old);
        if (value && json_bool(json_get(value, STR("HasValue")), false))
            note_error(w, path, "{\"HasValue\": true} keeps the present value, but there is none: send the value as text");
        // Whether a trigger has such a field at all depends on what stands beside it.
        return !value && w->kind == KIND_TRIGGER ? NULL : json_new_null(w->arena);
    }
    if (json_is(value, JSON_NULL))
        return value;
    if (!json_is(value, JSON_STRING)) {
        note_error(w, path, "must be text, {\"HasValue\": true} to keep the present value, or null");
        return value;
    }
    struct json *sealed = json_new_object(w->arena);
    json_add_str(w->arena, sealed, "Sealed", keyring_seal(w->keyring, record_of(w, path), value->text, w->arena));
    return sealed;
}

void sealed_store(enum store_kind kind, int64_t id, struct json *doc, const struct json *old, const struct keyring *k, struct arena *a, struct decode_errors *errors)
{
    struct walk w = { .kind = kind, .id = id, .keyring = k, .arena = a, .errors = errors, .visit = visit_store };
    walk_document(&w, doc, old);
}

static struct json *visit_hide(struct walk *w, str path UNUSED, struct json *value, const struct json *old UNUSED)
{
    if (!is_sealed(value))
        return value;
    struct json *hidden = json_new_object(w->arena);
    json_add_bool(w->arena, hidden, "HasValue", true);
    return hidden;
}

void sealed_hide(enum store_kind kind, struct json *doc, struct arena *a)
{
    struct walk w = { .kind = kind, .arena = a, .visit = visit_hide };
    walk_document(&w, doc, NULL);
}

static struct json *visit_open(struct walk *w, str path, struct json *value, const struct json *old UNUSED)
{
    str plain;
    if (!is_sealed(value))
        return value;
    if (!keyring_unseal(w->keyring, record_of(w, path), json_get(value, STR("Sealed"))->text, w->arena, &plain, w->failed ? NULL : w->e)) {
        w->failed = true;
        return value;
    }
    if (w->plain) {
        xgrow(&w->plain->items, &w->plain->cap, w->plain->count + 1, sizeof *w->plain->items);
        w->plain->items[w->plain->count++] = (struct sealed_value){ xmemdup(plain.p, plain.n), plain.n };
    }
    return json_new_string(w->arena, plain);
}

bool sealed_open(enum store_kind kind, int64_t id, struct json *doc, const struct keyring *k, struct arena *a, struct sealed_values *plain, struct err *e)
{
    struct walk w = { .kind = kind, .id = id, .keyring = k, .arena = a, .visit = visit_open, .plain = plain, .e = e };
    walk_document(&w, doc, NULL);
    return !w.failed;
}

static struct json *visit_again(struct walk *w, str path, struct json *value, const struct json *old UNUSED)
{
    str plain, now = is_sealed(value) ? json_get(value, STR("Sealed"))->text : (str){ "", 0 };
    if (!is_sealed(value) || w->failed || str_eq(keyring_sealed_with(now), keyring_id(w->keyring)))
        return value;
    str record = record_of(w, path);
    // A damaged value stays as it is: whoever uses it is told, and the others shall not wait for it.
    if (!keyring_unseal(w->keyring, record, now, w->arena, &plain, NULL))
        return value;
    struct json *sealed = json_new_object(w->arena);
    json_add_str(w->arena, sealed, "Sealed", keyring_seal(w->keyring, record, plain, w->arena));
    sodium_memzero((void *)(uintptr_t)plain.p, plain.n);
    w->is_changed = true;
    return sealed;
}

bool sealed_again(enum store_kind kind, int64_t id, struct json *doc, const struct keyring *k, struct arena *a)
{
    struct walk w = { .kind = kind, .id = id, .keyring = k, .arena = a, .visit = visit_again };
    walk_document(&w, doc, NULL);
    return w.is_changed;
}

bool sealed_kind_has_secrets(enum store_kind kind)
{
    for (size_t i = 0; i < COUNT(fields); i++)
        if (fields[i].kind == kind)
            return true;
    return false;
}

int64_t sealed_record_id(const struct store_object *o)
{
    return o->kind == KIND_REVISION ? o->parent_id : o->id;
}

static struct json *visit_digest(struct walk *w, str path, struct json *value, const struct json *old UNUSED)
{
    str plain;
    unsigned char hash[KEYRING_HASH_BYTES];
    if (!is_sealed(value) || w->failed)
        return value;
    str record = record_of(w, path);
    if (!keyring_unseal(w->keyring, record, json_get(value, STR("Sealed"))->text, w->arena, &plain, w->e)) {
        w->failed = true;
        return value;
    }
    keyring_hash(w->keyring, arena_cstr(w->arena, record), plain, hash);
    sodium_memzero((void *)(uintptr_t)plain.p, plain.n);
    struct json *digest = json_new_object(w->arena);
    json_add_str(w->arena, digest, "Digest", hex_encode(w->arena, (str){ (const char *)hash, sizeof hash }));
    return digest;
}

bool sealed_digest(enum store_kind kind, int64_t id, struct json *doc, const struct keyring *k, struct arena *a, struct err *e)
{
    struct walk w = { .kind = kind, .id = id, .keyring = k, .arena = a, .visit = visit_digest, .e = e };
    walk_document(&w, doc, NULL);
    return !w.failed;
}

void sealed_values_fini(struct sealed_values *v)
{
    for (size_t i = 0; i < v->count; i++) {
        sodium_memzero(v->items[i].p, v->items[i].n);
        free(v->items[i].p);
    }
    free(v->items);
    *v = (struct sealed_values){ 0 };
}

bool sealed_open_value(enum store_kind kind, int64_t id, const char *path, const struct json *value, const struct keyring *k, struct arena *a, str *out, struct err *e)
{
    *out = (str){ "", 0 };
    if (!is_sealed(value))
        return true;
    return keyring_unseal(k, arena_printf(a, "%s-%" PRId64 "/%s", store_kind_prefix(kind), id, path), json_get(value, STR("Sealed"))->text, a, out, e);
}
