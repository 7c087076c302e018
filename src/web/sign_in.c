// Signing in: a name and a password, the first administrator by the set-up link, and one's own password.
#include "web/sign_in.h"

#include "base/encode.h"
#include "secret/password.h"
#include "secret/token.h"
#include "web/callers.h"
#include "access/roles.h"
#include "web/sessions.h"

// Unknown name, wrong password, disabled, no password at all: one and the same answer, after the same work.
static void refuse(struct api_call *c)
{
    api_fail(c, ERR_DENIED, "the name or the password is wrong");
    c->status = 401;
}

// The user whose name and password these are; NULL: none. *id is set where the name is known.
static struct json *prove(struct api_call *c, str username, str password, int64_t *id)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    *id = 0;
    if (username.n && !store_find(c->web->opt.store, KIND_USER, 0, username, c->arena, &o, &e)) {
        api_fail_with(c, &e);
        return NULL;
    }
    struct json *doc = o ? object_doc(c, o) : NULL;
    str hash = json_str(json_get(doc, STR("PasswordHash")), STR(""));
    bool is_open = doc && !json_bool(json_get(doc, STR("IsDisabled")), false);
    bool matches = password_matches(password, is_open ? hash : STR(""));
    *id = o ? o->id : 0;
    return matches ? doc : NULL;
}

static void by_password(struct api_call *c, str username, str password)
{
    int64_t id;
    if (!people_may_try(c, username))
        return;
    struct json *doc = prove(c, username, password, &id);
    if (c->status)
        return;
    if (!doc) {
        people_note_failure(c->web, STR("sign-in.failed"), id, c->request->remote.text, id ? "wrong password, or disabled" : "unknown name");
        refuse(c);
        return;
    }
    people_try_succeeded(c, username);
    if (caller_of_user(c->web, id, c->arena, &c->caller) && session_begin(c, id, c->caller.name, "Password", 0, STR("")))
        session_answer(c, 201);
    else if (!c->status)
        refuse(c);
}

static void by_octopus_key(struct api_call *c, str key, str space)
{
    struct err e = { 0 };
    int64_t connection_id;
    const struct space_entry *entry = space.n ? api_space_of_path(c->snapshot, arena_printf(c->arena, "/api/%.*s/", STR_ARG(space))) : NULL;
    struct caller who;
    if (space.n && !entry)
        err_set(&e, ERR_DENIED, "unknown space");
    else if (caller_by_octopus_key(c->web, entry ? entry->id : 0, key, c->request->remote.text, c->arena, &who, &connection_id, &e)) {
        c->caller = who;
        if (session_begin(c, 0, who.name, "Octopus", connection_id, key))
            session_answer(c, 201);
        return;
    }
    people_note_failure(c->web, STR("sign-in.failed"), 0, c->request->remote.text, e.kind == ERR_BUSY ? "Octopus could not be asked, or too many tries" : "Octopus does not vouch for this key");
    // One answer, whatever the reason: whether a space has a connection, or Octopus knows a key, is not for strangers.
    api_fail(c, ERR_DENIED, "Octopus does not vouch for this key, or cannot be asked now");
    c->status = 401;
}

// Who sends nothing has proven nothing.
static bool has_proof(struct api_call *c)
{
    if (c->request->body.n)
        return api_body_required(c);
    api_refuse_anonymous(c);
    return false;
}

void session_create(struct api_call *c)
{
    struct decode d;
    if (!has_proof(c))
        return;
    // Nobody is signed in by a page of somebody else.
    if (!session_is_same_origin(c->request, false)) {
        api_fail(c, ERR_DENIED, "sign in from this server's own pages");
        return;
    }
    if (decode_begin(&d, c->body, STR(""), &c->errors)) {
        str username = decode_str(&d, "Username", STR("")), password = decode_str(&d, "Password", STR("")), key = decode_str(&d, "ApiKey", STR("")), space = decode_str(&d, "Space", STR(""));
        decode_done(&d);
        if (!c->errors.count && key.n && !username.n && !password.n) {
            by_octopus_key(c, key, space);
            return;
        }
        if (!c->errors.count && (!username.n || !password.n || space.n || key.n))
            decode_error(&d, NULL, "send either Username and Password, or your Octopus ApiKey (with the Space whose Octopus server knows it)");
        if (!c->errors.count) {
            by_password(c, username, password);
            return;
        }
    }
    api_fail_errors(c, "nobody was signed in: see Errors");
}

// ---- one's own password ----

void session_password(struct api_call *c)
{
    struct decode d;
    struct err e = { 0 };
    struct store_object *o = NULL;
    struct store_put *puts;
    size_t count;
    int64_t id;
    if (!api_body_required(c) || !decode_begin(&d, c->body, STR(""), &c->errors))
        return;
    str old = decode_required_str(&d, "Password"), fresh = decode_required_str(&d, "NewPassword");
    decode_done(&d);
    if (fresh.n && !password_is_fit(fresh, c->caller.name, &e))
        decode_error(&d, "NewPassword", "%s", e.text);
    if (c->errors.count) {
        api_fail_errors(c, "the password was not changed: see Errors");
        return;
    }
    if (c->caller.kind != CALLER_SESSION || !c->caller.user_id) {
        api_fail(c, ERR_CONFLICT, "only who is signed in as a user of this server has a password to change");
        return;
    }
    if (!people_may_try(c, c->caller.name))
        return;
    struct json *doc = prove(c, c->caller.name, old, &id);
    if (c->status)
        return;
    if (!doc) {
        people_note_failure(c->web, STR("password.failed"), id, c->request->remote.text, "wrong password");
        api_fail(c, ERR_DENIED, "Password: that is not the present one");
        return;
    }
    people_try_succeeded(c, c->caller.name);
    str hash = password_hash(fresh, c->arena);
    pthread_mutex_lock(&c->web->change_lock);
    bool ok = store_get(c->web->opt.store, KIND_USER, 0, id, c->arena, &o, &e) && o;
    if (ok) {
        // Whoever else is signed in with the old one is so no longer.
        doc = object_doc(c, o);
        json_put(doc, STR("PasswordHash"), json_new_string(c->arena, hash));
        if (people_gather_deletes(c, id, PEOPLE_SESSIONS, c->caller.session_id, &puts, &count, 1)) {
            puts[0] = (struct store_put){ .object = *o, .expected_version = o->version };
            puts[0].object.doc = json_text(c->arena, doc);
            if (people_change(c, puts, count, "user.password", store_id_text(c->arena, KIND_USER, id), NULL))
                c->status = 204;
        }
    } else {
        refuse(c);
    }
    pthread_mutex_unlock(&c->web->change_lock);
}

// ---- the first administrator ----

#define SETUP_ID 3 // of the settings: 1 is what people set, 2 the keys (reaction/rotation.c)

bool setup_is_needed(struct store *store, struct arena *a, bool *out, struct err *e)
{
    struct store_page page = { .take = 1000 };
    struct store_objects found;
    *out = true; // custom roles may give the right too; who relies on one has set up more than this
    do {
        if (!store_list(store, KIND_USER, 0, 0, page, a, &found, e))
            return false;
        for (size_t i = 0; i < found.count && *out; i++) {
            struct json *doc;
            page.before_id = found.items[i].id;
            if (!json_parse(a, found.items[i].doc, &doc, NULL) || json_bool(json_get(doc, STR("IsDisabled")), false))
                continue;
            json_each(r, json_get(doc, STR("Roles")))
            {
                const struct role *role = role_find_built_in(json_str(json_get(r, STR("Role")), STR("")));
                if (role && (role->permissions & permission_bit(USER_ADMIN)) && !json_is(json_get(r, STR("Space")), JSON_STRING))
                    *out = false;
            }
        }
    } while (*out && found.has_more);
    return true;
}

bool setup_offer(struct store *store, const struct keyring *keyring, const struct random *random, struct arena *a, str *token_text, struct err *e)
{
    struct store_object *o;
    *token_text = (str){ 0 };
    if (!store_get(store, KIND_SETTING, 0, SETUP_ID, a, &o, e))
        return false;
    if (o)
        return true; // printed before, and used or not: once
    struct token token = token_new(TOKEN_SETUP, keyring, random, a);
    struct json *doc = json_new_object(a);
    json_add_str(a, doc, "SetupHash", hex_encode(a, (str){ (const char *)token.hash, sizeof token.hash }));
    struct store_put put = { .object = { .kind = KIND_SETTING, .id = SETUP_ID, .doc = json_text(a, doc) }, .expected_version = STORE_MUST_BE_NEW };
    struct store_audit audit = { 0, STR("server"), STR("setup.offer"), STR("server"), STR("{}") };
    if (!store_change(store, &put, 1, &audit, 1, e))
        return false;
    *token_text = token.text;
    return true;
}

static bool is_setup_token(struct api_call *c, str text, struct store_object **o)
{
    str public_id, hash;
    struct err e = { 0 };
    if (!store_get(c->web->opt.store, KIND_SETTING, 0, SETUP_ID, c->arena, o, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    return *o && token_read(TOKEN_SETUP, text, &public_id) && hex_decode(c->arena, json_str(json_get(object_doc(c, *o), STR("SetupHash")), STR("")), &hash) && hash.n == KEYRING_HASH_BYTES &&
        token_matches(c->web->opt.keyring, text, (const unsigned char *)hash.p);
}

static void set_up(struct api_call *c, struct store_object *offer, str username, str password)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    // The offer is used up in the transaction that makes the administrator: of two at once, one fails.
    struct store_put puts[2] = { { .object = *offer, .expected_version = offer->version }, { .object = { .kind = KIND_USER, .slug = username }, .expected_version = STORE_MUST_BE_NEW } };
    puts[0].object.doc = STR("{}");
    if (!store_reserve_id(c->web->opt.store, KIND_USER, &puts[1].object.id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    puts[1].object.doc = json_text(a, user_document(a, username, password_hash(password, a), "Roles-instanceadmin", "Roles-spaceadmin"));
    c->caller.actor = STR("set-up link");
    if (people_change(c, puts, 2, "user.create", store_id_text(a, KIND_USER, puts[1].object.id), NULL) && caller_of_user(c->web, puts[1].object.id, a, &c->caller) && session_begin(c, puts[1].object.id, username, "Setup", 0, STR("")))
        session_answer(c, 201);
}

void setup_create(struct api_call *c)
{
    struct decode d;
    struct err e = { 0 };
    struct store_object *offer;
    if (!has_proof(c) || !decode_begin(&d, c->body, STR(""), &c->errors))
        return;
    str token = decode_required_str(&d, "Token"), username = decode_required_str(&d, "Username"), password = decode_required_str(&d, "Password");
    decode_done(&d);
    if (username.n)
        user_check_name(&d, "Username", username);
    if (password.n && !password_is_fit(password, username, &e))
        decode_error(&d, "Password", "%s", e.text);
    if (c->errors.count) {
        api_fail_errors(c, "nothing was set up: see Errors");
        return;
    }
    if (!people_may_try(c, STR("")))
        return;
    if (!is_setup_token(c, token, &offer)) {
        if (c->status)
            return;
        people_note_failure(c->web, STR("setup.failed"), 0, c->request->remote.text, "wrong or used link");
        api_fail(c, ERR_DENIED, "Token: this set-up link is wrong, or was used; \"reactions user add\" on the server's host makes an administrator too");
        return;
    }
    people_try_succeeded(c, STR(""));
    set_up(c, offer, username, password);
}
