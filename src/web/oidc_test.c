#include "tests/web/scene.h"

#include "base/encode.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <sodium.h>

// The provider: keys are made here, tokens signed by OpenSSL's signing side, which the product does not use.

static EVP_PKEY *key;

static str b64(struct scene *s, str bytes)
{
    return base64_encode(&s->a, bytes, BASE64_URL);
}

static const char *jwks(struct scene *s, const char *kid)
{
    unsigned char point[65];
    size_t n = 0;
    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n);
    return arena_printf(&s->a, "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"%s\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":\"%.*s\"}]}", kid, STR_ARG(b64(s, (str){ (const char *)point + 1, 32 })), STR_ARG(b64(s, (str){ (const char *)point + 33, 32 }))).p;
}

static str sign(struct scene *s, const char *kid, str claims)
{
    unsigned char der[200], raw[64];
    size_t n = sizeof der;
    str content = arena_printf(&s->a, "%.*s.%.*s", STR_ARG(b64(s, arena_printf(&s->a, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid))), STR_ARG(b64(s, claims)));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
    EVP_DigestSign(ctx, der, &n, (const unsigned char *)content.p, content.n);
    EVP_MD_CTX_free(ctx);
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
    ECDSA_SIG_free(sig);
    return arena_printf(&s->a, "%.*s.%.*s", STR_ARG(content), STR_ARG(b64(s, (str){ (const char *)raw, sizeof raw })));
}

static void begin(struct scene *s)
{
    scene_begin(s);
    key = EVP_EC_gen("P-256");
    s->web.opt.oidc.issuer = s->url;
    s->web.opt.oidc.client_id = STR("reactions");
    s->web.opt.oidc.server_uri = STR("https://reactions.example/");
    scene_says(s, "/.well-known/openid-configuration", 200,
        arena_printf(&s->a, "{\"issuer\":\"%.*s\",\"authorization_endpoint\":\"%.*s/authorize\",\"token_endpoint\":\"%.*s/token\",\"jwks_uri\":\"%.*s/keys\"}", STR_ARG(s->url), STR_ARG(s->url), STR_ARG(s->url), STR_ARG(s->url)).p);
    scene_says(s, "/keys", 200, jwks(s, "one"));
}

static void end(struct scene *s)
{
    scene_end(s);
    EVP_PKEY_free(key);
}

struct flow {
    str location, cookie, state, nonce;
    int status;
};

static str parameter(struct scene *s, str url, const char *name)
{
    str wanted = arena_printf(&s->a, "&%s=", name), value;
    ptrdiff_t at = str_find(url, wanted);
    str rest = at < 0 ? STR("") : str_skip(url, (size_t)at + wanted.n);
    return rest.n && str_split(&rest, '&', &value) ? value : STR("");
}

static struct flow start(struct scene *s)
{
    struct scene_call *k = scene_call(s, "GET", "/api/session/oidc", NULL);
    oidc_start(&k->call);
    struct flow f = { .location = scene_answered(k, "Location"), .status = k->call.status };
    str cookie = scene_answered(k, "Set-Cookie");
    f.cookie = cookie;
    if (cookie.n)
        str_split(&cookie, ';', &f.cookie);
    f.state = parameter(s, f.location, "state");
    f.nonce = parameter(s, f.location, "nonce");
    scene_give(s, k);
    return f;
}

static str claims(struct scene *s, const struct flow *f, const char *subject, const char *name)
{
    return arena_printf(&s->a, "{\"iss\":\"%.*s\",\"aud\":\"reactions\",\"sub\":\"%s\",\"nonce\":\"%.*s\",\"exp\":%" PRId64 ",\"iat\":%" PRId64 ",\"preferred_username\":\"%s\"}", STR_ARG(s->url), subject, STR_ARG(f->nonce),
        s->clock.wall / 1000 + 300, s->clock.wall / 1000, name);
}

// What the provider's token endpoint gives for any code.
static void gives(struct scene *s, str token)
{
    scene_says(s, "/token", 200, arena_printf(&s->a, "{\"id_token\":\"%.*s\"}", STR_ARG(token)).p);
}

static int come_back(struct scene *s, str cookie, str state, const char *code, str *name)
{
    struct scene_call *k = scene_call(s, "GET", "/api/session/oidc/callback", NULL);
    scene_header(k, "Cookie", cookie);
    struct json *query = json_new_object(&s->a);
    json_add_str(&s->a, query, "state", state);
    json_add_str(&s->a, query, "code", str_from(code));
    k->call.query = query;
    oidc_callback(&k->call);
    int status = k->call.status;
    if (name)
        *name = k->call.caller.name;
    CHECK("the flow's cookie goes, whatever comes of it", str_find(scene_answered(k, "Set-Cookie"), STR("Max-Age=0")) >= 0);
    scene_give(s, k);
    return status;
}

TEST(the_way_to_the_provider)
{
    struct scene s;
    begin(&s);
    struct flow f = start(&s), g = start(&s);
    CHECK_INT("it leads there", f.status, 302);
    CHECK("to the endpoint of its description", str_starts(f.location, arena_printf(&s.a, "%.*s/authorize?response_type=code&client_id=reactions&", STR_ARG(s.url))));
    CHECK("and back to us, as registered", str_find(f.location, STR("redirect_uri=https%3A%2F%2Freactions.example%2Fapi%2Fsession%2Foidc%2Fcallback&")) >= 0);
    CHECK("with a challenge", str_find(f.location, STR("&code_challenge_method=S256")) >= 0 && parameter(&s, f.location, "code_challenge").n == 43);
    CHECK("each time another state, nonce and challenge", !str_eq(f.state, g.state) && !str_eq(f.nonce, g.nonce) && !str_eq(parameter(&s, f.location, "code_challenge"), parameter(&s, g.location, "code_challenge")));
    CHECK("which the cookie does not show", str_find(f.cookie, f.state) < 0 && str_find(f.cookie, f.nonce) < 0);
    s.web.opt.oidc.issuer = STR("");
    CHECK_INT("without a provider the path is like any that is not there", start(&s).status, 401);
    end(&s);
}

TEST(what_the_provider_says_of_itself_is_kept_an_hour)
{
    struct scene s;
    begin(&s);
    CHECK_INT("begun", start(&s).status, 302);
    CHECK_INT("its description and its keys", scene_asked(&s), 2);
    clock_fake_advance(&s.clock, 60 * 60 * 1000 - 1);
    CHECK_INT("in the hour", start(&s).status, 302);
    CHECK_INT("nothing is asked", scene_asked(&s), 0);
    clock_fake_advance(&s.clock, 1);
    CHECK_INT("after it", start(&s).status, 302);
    CHECK_INT("it is asked again", scene_asked(&s), 2);
    end(&s);
}

TEST(a_provider_that_is_not_what_it_was_asked_for)
{
    static const struct { const char *claim, *description; int status; } rows[] = {
        { "another issuer", "{\"issuer\":\"https://evil.example\",\"authorization_endpoint\":\"https://a\",\"token_endpoint\":\"https://a\",\"jwks_uri\":\"https://a\"}", 200 },
        { "no issuer", "{\"authorization_endpoint\":\"https://a\",\"token_endpoint\":\"https://a\",\"jwks_uri\":\"https://a\"}", 200 },
        { "no JSON", "<html>", 200 },
        { "an error", "{}", 500 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s;
        begin(&s);
        scene_says(&s, "/.well-known/openid-configuration", rows[i].status, rows[i].description);
        CHECK_INT(rows[i].claim, start(&s).status, 503);
        end(&s);
    }
    struct scene s;
    begin(&s);
    scene_says(&s, "/.well-known/openid-configuration", 200, arena_printf(&s.a, "{\"issuer\":\"%.*s\",\"authorization_endpoint\":\"javascript:alert(1)\",\"token_endpoint\":\"https://a\",\"jwks_uri\":\"https://a\"}", STR_ARG(s.url)).p);
    CHECK_INT("an endpoint that is no web address", start(&s).status, 503);
    end(&s);
}

TEST(who_comes_back_is_signed_in)
{
    struct scene s;
    str name;
    begin(&s);
    struct flow f = start(&s);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-1", "ann")));
    CHECK_INT("she is led on", come_back(&s, f.cookie, f.state, "code", &name), 303);
    CHECK_STR("under her name", name, STR("ann"));
    f = start(&s);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-1", "renamed")));
    CHECK_INT("she comes again", come_back(&s, f.cookie, f.state, "code", &name), 303);
    CHECK_STR("the same, whatever she is called now", name, STR("ann"));
    f = start(&s);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-2", "ann")));
    CHECK_INT("another of that name", come_back(&s, f.cookie, f.state, "code", &name), 303);
    CHECK_STR("is another", name, STR("ann-2"));
    f = start(&s);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-3", "Projects-21")));
    CHECK_INT("who calls themselves like a project", come_back(&s, f.cookie, f.state, "code", &name), 303);
    CHECK_STR("is not called so here", name, STR("u-3"));
    struct caller c;
    CHECK("and nobody has any right", caller_of_user(&s.web, 1, &s.a, &c) && !c.grant_count);
    end(&s);
}

TEST(what_comes_back_must_be_what_went_out)
{
    struct scene s;
    begin(&s);
    struct flow f = start(&s), other = start(&s);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-1", "ann")));
    CHECK_INT("another's state", come_back(&s, f.cookie, other.state, "code", NULL), 401);
    CHECK_INT("no state", come_back(&s, f.cookie, STR(""), "code", NULL), 401);
    CHECK_INT("no cookie", come_back(&s, STR("x=y"), f.state, "code", NULL), 401);
    CHECK_INT("a changed cookie", come_back(&s, arena_printf(&s.a, "%.*sA", STR_ARG(f.cookie)), f.state, "code", NULL), 401);
    CHECK_INT("no code", come_back(&s, f.cookie, f.state, "", NULL), 401);
    CHECK_INT("the token of another sign-in", come_back(&s, other.cookie, other.state, "code", NULL), 401);
    scene_says(&s, "/token", 400, "{\"error\":\"invalid_grant\"}");
    CHECK_INT("a code that the provider refuses", come_back(&s, f.cookie, f.state, "code", NULL), 401);
    scene_says(&s, "/token", 200, "{}");
    CHECK_INT("no token", come_back(&s, f.cookie, f.state, "code", NULL), 401);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-1", "ann")));
    clock_fake_advance(&s.clock, 10 * 60 * 1000);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-1", "ann")));
    CHECK_INT("after ten minutes it is too late", come_back(&s, f.cookie, f.state, "code", NULL), 401);
    struct store_objects found;
    CHECK_OK("nobody was made", store_list(s.web.opt.store, KIND_USER, 0, 0, (struct store_page){ .take = 10 }, &s.a, &found, &s.e) && !found.count, &s.e);
    f = start(&s);
    clock_fake_advance(&s.clock, 10 * 60 * 1000 - 1);
    gives(&s, sign(&s, "one", claims(&s, &f, "u-1", "ann")));
    CHECK_INT("in time it is good", come_back(&s, f.cookie, f.state, "code", NULL), 303);
    end(&s);
}

TEST(new_keys_of_the_provider_are_asked_for_not_too_often)
{
    struct scene s;
    begin(&s);
    struct flow f = start(&s);
    scene_asked(&s);
    gives(&s, sign(&s, "two", claims(&s, &f, "u-1", "ann")));
    CHECK_INT("a key that is not known", come_back(&s, f.cookie, f.state, "code", NULL), 401);
    CHECK_INT("within a minute of the last question it is not asked for", scene_asked(&s), 1);
    clock_fake_advance(&s.clock, 60000);
    scene_says(&s, "/keys", 200, jwks(&s, "two"));
    CHECK_INT("later it is, and found", come_back(&s, f.cookie, f.state, "code", NULL), 303);
    CHECK_INT("token, description, keys", scene_asked(&s), 3);
    f = start(&s);
    gives(&s, sign(&s, "three", claims(&s, &f, "u-1", "ann")));
    clock_fake_advance(&s.clock, 60000);
    scene_asked(&s);
    CHECK_INT("one that is not there either", come_back(&s, f.cookie, f.state, "code", NULL), 401);
    CHECK_INT("is asked for once", scene_asked(&s), 3);
    end(&s);
}

TEST_MAIN()
