#include "web/oidc.h"

#include "base/encode.h"
#include "web/callers.h"
#include "web/fetch.h"
#include "access/jwt.h"
#include "web/sessions.h"
#include "web/sign_in.h"

#include <sodium.h>

#define COOKIE "__Host-reactions-oidc"
#define FLOW_MS (10 * 60 * 1000LL)
#define KEEP_MS (60 * 60 * 1000LL)
#define REFRESH_MS 60000 // keys are not asked for more often because of unknown ones

struct oidc {
    pthread_mutex_t lock;
    struct arena arena; // of what follows
    int64_t at_ms, keys_at_ms;
    str authorize, token, keys;
};

// A copy of what is known, in the call's arena.
struct provider {
    str authorize, token, keys;
};

struct oidc *oidc_new(void)
{
    struct oidc *o = xcalloc(1, sizeof *o);
    pthread_mutex_init(&o->lock, NULL);
    return o;
}

void oidc_free(struct oidc *o)
{
    if (!o)
        return;
    arena_fini(&o->arena);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

// ---- the provider ----

static bool get_json(struct web *w, str url, struct arena *a, struct json **out, str *text, struct err *e)
{
    struct fetch_reply reply;
    struct http_call_options opt = { .method = STR("GET"), .url = url, .purpose = EGRESS_BROKER };
    if (!fetch(w->fetcher, opt, a, &reply, e))
        return err_in(e, "%.*s", STR_ARG(url));
    if (reply.status != 200)
        return err_set(e, ERR_BUSY, "%.*s answered %d", STR_ARG(url), reply.status);
    *text = reply.body;
    return json_parse(a, reply.body, out, e) || err_in(e, "%.*s", STR_ARG(url));
}

// https, or http to what an administrator listed for egress: that policy is asked at the connect in any case.
static bool endpoint(const struct json *doc, const char *name, str *out, struct err *e)
{
    *out = json_str(json_get(doc, str_from(name)), STR(""));
    return str_starts(*out, STR("https://")) || str_starts(*out, STR("http://")) || err_set(e, ERR_INVALID, "the provider's description has no %s", name);
}

static bool describe(struct web *w, bool with_new_keys, struct arena *a, struct provider *out, struct err *e)
{
    struct oidc *o = w->oidc;
    struct json *doc, *keys;
    str text, keys_url, issuer = w->opt.oidc.issuer;
    int64_t now = clock_mono_ms(w->opt.clock);
    pthread_mutex_lock(&o->lock);
    bool is_known = o->at_ms && now - o->at_ms < KEEP_MS && (!with_new_keys || now - o->keys_at_ms < REFRESH_MS);
    if (is_known)
        *out = (struct provider){ arena_str(a, o->authorize), arena_str(a, o->token), arena_str(a, o->keys) };
    pthread_mutex_unlock(&o->lock);
    if (is_known)
        return true;
    str base = issuer;
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    if (!get_json(w, arena_concat(a, base, STR("/.well-known/openid-configuration")), a, &doc, &text, e))
        return false;
    // Discovery 1.0 section 4.3: exactly the issuer that was asked.
    if (!str_eq(json_str(json_get(doc, STR("issuer")), STR("")), issuer))
        return err_set(e, ERR_DENIED, "the provider calls itself by another issuer than Oidc.Issuer");
    if (!endpoint(doc, "authorization_endpoint", &out->authorize, e) || !endpoint(doc, "token_endpoint", &out->token, e) || !endpoint(doc, "jwks_uri", &keys_url, e) || !get_json(w, keys_url, a, &keys, &out->keys, e))
        return false;
    pthread_mutex_lock(&o->lock);
    arena_fini(&o->arena);
    o->arena = (struct arena){ 0 };
    o->authorize = arena_str(&o->arena, out->authorize);
    o->token = arena_str(&o->arena, out->token);
    o->keys = arena_str(&o->arena, out->keys);
    o->at_ms = o->keys_at_ms = now;
    pthread_mutex_unlock(&o->lock);
    return true;
}

// ---- away ----

static bool is_configured(struct api_call *c)
{
    if (c->web->opt.oidc.issuer.n && c->web->opt.oidc.client_id.n)
        return true;
    // As any path that is not there.
    if (c->caller.is_anonymous)
        api_refuse_anonymous(c);
    else
        api_not_found(c);
    return false;
}

static str redirect_uri(struct api_call *c)
{
    str base = c->web->opt.oidc.server_uri;
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    if (!base.n) // registered with the provider, which takes no other: a false Host gets nobody anywhere
        base = arena_printf(c->arena, "%s://%.*s", c->request->is_tls ? "https" : "http", STR_ARG(http_header(c->request, STR("Host"))));
    return arena_concat(c->arena, base, STR("/api/session/oidc/callback"));
}

static void set_cookie(struct api_call *c, str value, int64_t max_age_s)
{
    // Lax: the provider's page leads back here.
    api_header(c, "Set-Cookie", arena_printf(c->arena, "%s=%.*s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=%" PRId64, COOKIE, STR_ARG(value), max_age_s));
}

static str challenge_of(str verifier, struct arena *a)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)verifier.p, verifier.n);
    return base64_encode(a, (str){ (const char *)hash, sizeof hash }, BASE64_URL);
}

void oidc_start(struct api_call *c)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    struct provider provider;
    if (!is_configured(c))
        return;
    if (!describe(c->web, false, a, &provider, &e)) {
        api_fail(c, ERR_BUSY, "the OpenID provider cannot be asked now");
        people_note_failure(c->web, STR("sign-in.failed"), 0, c->request->remote.text, e.text);
        return;
    }
    str state = random_base62(c->web->opt.random, a, 43), nonce = random_base62(c->web->opt.random, a, 43), verifier = random_base62(c->web->opt.random, a, 64);
    struct json *kept = json_new_object(a);
    json_add_str(a, kept, "State", state);
    json_add_str(a, kept, "Nonce", nonce);
    json_add_str(a, kept, "Verifier", verifier);
    json_add_i64(a, kept, "Until", clock_wall_ms(c->web->opt.clock) + FLOW_MS);
    set_cookie(c, keyring_seal(c->web->opt.keyring, STR("Oidc/Flow"), json_text(a, kept), a), FLOW_MS / 1000);
    api_header(c, "Location", arena_printf(a, "%.*s%cresponse_type=code&client_id=%.*s&redirect_uri=%.*s&scope=openid%%20profile%%20email&state=%.*s&nonce=%.*s&code_challenge=%.*s&code_challenge_method=S256",
        STR_ARG(provider.authorize), str_has(provider.authorize, '?') ? '&' : '?', STR_ARG(percent_encode(a, c->web->opt.oidc.client_id)), STR_ARG(percent_encode(a, redirect_uri(c))), STR_ARG(state), STR_ARG(nonce),
        STR_ARG(challenge_of(verifier, a))));
    c->status = 302;
}

// ---- and back ----

static bool read_flow(struct api_call *c, str *nonce, str *verifier, struct err *e)
{
    str text, state = api_query(c, "state"), wanted;
    struct json *kept;
    int64_t until;
    if (!keyring_unseal(c->web->opt.keyring, STR("Oidc/Flow"), session_cookie(c->request, STR(COOKIE)), c->arena, &text, NULL) || !json_parse(c->arena, text, &kept, NULL) || !json_i64(json_get(kept, STR("Until")), &until) ||
        until <= clock_wall_ms(c->web->opt.clock))
        return err_set(e, ERR_DENIED, "this browser began no sign-in, or too long ago");
    wanted = json_str(json_get(kept, STR("State")), STR(""));
    if (!wanted.n || state.n != wanted.n || sodium_memcmp(state.p, wanted.p, state.n) != 0)
        return err_set(e, ERR_DENIED, "the answer belongs to another sign-in");
    *nonce = json_str(json_get(kept, STR("Nonce")), STR(""));
    *verifier = json_str(json_get(kept, STR("Verifier")), STR(""));
    return true;
}

static bool exchange(struct api_call *c, const struct provider *provider, str code, str verifier, str *id_token, struct err *e)
{
    struct arena *a = c->arena;
    const struct web_oidc *o = &c->web->opt.oidc;
    struct fetch_reply reply;
    struct json *answer;
    str body = arena_printf(a, "grant_type=authorization_code&code=%.*s&redirect_uri=%.*s&client_id=%.*s&code_verifier=%.*s", STR_ARG(percent_encode(a, code)), STR_ARG(percent_encode(a, redirect_uri(c))),
        STR_ARG(percent_encode(a, o->client_id)), STR_ARG(verifier));
    if (o->client_secret.n)
        body = arena_printf(a, "%.*s&client_secret=%.*s", STR_ARG(body), STR_ARG(percent_encode(a, o->client_secret)));
    struct http_header headers[] = { { STR("Content-Type"), STR("application/x-www-form-urlencoded") }, { STR("Accept"), STR("application/json") } };
    struct http_call_options opt = { .method = STR("POST"), .url = provider->token, .headers = headers, .header_count = COUNT(headers), .body = body, .purpose = EGRESS_BROKER };
    if (!fetch(c->web->fetcher, opt, a, &reply, e))
        return err_in(e, "the provider's token endpoint");
    if (reply.status != 200 || !json_parse(a, reply.body, &answer, NULL))
        return err_set(e, ERR_DENIED, "the provider's token endpoint answered %d", reply.status);
    *id_token = json_str(json_get(answer, STR("id_token")), STR(""));
    return id_token->n || err_set(e, ERR_DENIED, "the provider sent no id_token");
}

static bool judge(struct api_call *c, struct provider *provider, str id_token, str nonce, const struct json **claims, struct err *e)
{
    struct jwt_wanted wanted = { c->web->opt.oidc.issuer, c->web->opt.oidc.client_id, nonce, clock_wall_ms(c->web->opt.clock) / 1000 };
    for (int round = 0; round < 2; round++) {
        struct json *keys;
        if (!json_parse(c->arena, provider->keys, &keys, e))
            return err_in(e, "the provider's keys");
        switch (jwt_judge(id_token, keys, &wanted, c->arena, claims, e)) {
        case JWT_GOOD: return true;
        case JWT_BAD: return false;
        case JWT_UNKNOWN_KEY: break;
        }
        struct err why = *e;
        if (!describe(c->web, true, c->arena, provider, e))
            return false;
        *e = why;
    }
    return false;
}

// Issuer and subject are who somebody is; the slug makes them unique. "<name> 2" where the name is another's.
static str identity_of(struct api_call *c, const struct json *claims)
{
    return arena_printf(c->arena, "%.*s %.*s", STR_ARG(c->web->opt.oidc.issuer), STR_ARG(json_str(json_get(claims, STR("sub")), STR(""))));
}

static bool find_user(struct api_call *c, const struct json *claims, int64_t *id, struct err *e)
{
    str identity = identity_of(c, claims);
    struct store_page page = { .take = 1000 };
    struct store_objects found;
    *id = 0;
    do {
        if (!store_list(c->web->opt.store, KIND_USER, 0, 0, page, c->arena, &found, e))
            return false;
        for (size_t i = 0; i < found.count && !*id; i++) {
            page.before_id = found.items[i].id;
            if (str_eq(json_str(json_get(object_doc(c, &found.items[i]), STR("Identity")), STR("")), identity))
                *id = found.items[i].id;
        }
    } while (found.has_more && !*id);
    return true;
}

static str username_of(struct api_call *c, const struct json *claims)
{
    static const char *const names[] = { "preferred_username", "email", "sub" };
    for (size_t i = 0; i < COUNT(names); i++) {
        struct decode_errors errors = { .arena = c->arena };
        struct decode d = { .errors = &errors };
        str name = json_str(json_get(claims, str_from(names[i])), STR(""));
        if (name.n)
            user_check_name(&d, "Username", name);
        if (name.n && !errors.count)
            return name;
    }
    return STR("someone");
}

// Whoever the provider knows becomes a user, with no role: that is an administrator's to give.
static bool make_user(struct api_call *c, const struct json *claims, int64_t *id, struct err *e)
{
    struct arena *a = c->arena;
    str wanted = username_of(c, claims), name = wanted;
    struct store_object *taken;
    for (int n = 2; n < 100; n++) {
        if (!store_find(c->web->opt.store, KIND_USER, 0, name, a, &taken, e))
            return false;
        if (!taken)
            break;
        name = arena_printf(a, "%.*s-%d", STR_ARG(wanted), n);
    }
    struct json *doc = user_document(a, name, STR(""), NULL, NULL);
    json_put(doc, STR("Source"), json_new_string(a, STR("Oidc")));
    json_add_str(a, doc, "Identity", identity_of(c, claims));
    str display = json_str(json_get(claims, STR("name")), STR(""));
    if (display.n && display.n <= 200)
        json_put(doc, STR("DisplayName"), json_new_string(a, display));
    struct store_put put = { .object = { .kind = KIND_USER, .slug = name, .doc = json_text(a, doc) }, .expected_version = STORE_MUST_BE_NEW };
    if (!store_reserve_id(c->web->opt.store, KIND_USER, &put.object.id, e))
        return false;
    *id = put.object.id;
    c->caller.actor = STR("OpenID provider");
    return people_change(c, &put, 1, "user.create", store_id_text(a, KIND_USER, *id), NULL);
}

static void refuse(struct api_call *c, const char *why)
{
    people_note_failure(c->web, STR("sign-in.failed"), 0, c->request->remote.text, why);
    api_fail(c, ERR_DENIED, "the OpenID provider did not vouch for you: begin again");
    c->status = 401;
}

void oidc_callback(struct api_call *c)
{
    struct err e = { 0 };
    struct provider provider;
    str nonce, verifier, id_token, code = api_query(c, "code");
    const struct json *claims;
    int64_t id;
    if (!is_configured(c))
        return;
    set_cookie(c, STR(""), 0); // one flow, one answer
    bool ok = read_flow(c, &nonce, &verifier, &e);
    if (ok && (!code.n || code.n > 4096))
        ok = err_set(&e, ERR_DENIED, "the provider sent no code");
    ok = ok && describe(c->web, false, c->arena, &provider, &e) && exchange(c, &provider, code, verifier, &id_token, &e) && judge(c, &provider, id_token, nonce, &claims, &e);
    if (!ok) {
        refuse(c, e.text);
        return;
    }
    pthread_mutex_lock(&c->web->change_lock);
    ok = find_user(c, claims, &id, &e) && (id || make_user(c, claims, &id, &e));
    pthread_mutex_unlock(&c->web->change_lock);
    if (!ok) {
        if (!c->status)
            api_fail_with(c, &e);
        return;
    }
    if (!caller_of_user(c->web, id, c->arena, &c->caller)) {
        refuse(c, "the user is disabled");
        return;
    }
    if (session_begin(c, id, c->caller.name, "Oidc", 0, STR(""))) {
        api_header(c, "Location", STR("/"));
        c->status = 303;
    }
}
