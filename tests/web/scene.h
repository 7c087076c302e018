// scene.h - what stands below the routes, in memory, without a server of ours: store, registry, keys, people, a clock that stands still,
// and another server (an Octopus, an OpenID provider) that answers as it is told and counts what it is asked.
#pragma once

#include "tests/http/peer.h"

#include "web/callers.h"
#include "web/fetch.h"
#include "web/handle.h"
#include "web/octopus_who.h"
#include "web/oidc.h"
#include "web/sessions.h"

struct scene_answer {
    const char *path;
    int status;
    const char *body;
};

struct scene {
    struct arena a;
    struct clock_fake clock;
    struct web web;
    struct err e;
    struct peer other;
    str url; // of the other server
    pthread_mutex_t lock;
    struct scene_answer answers[8]; // under lock
    size_t answer_count;
    int asked;         // under lock: requests that came
    char last_key[80]; // under lock: the X-Octopus-ApiKey of the last one
};

static UNUSED void scene_says(struct scene *s, const char *path, int status, const char *body)
{
    size_t i = 0;
    pthread_mutex_lock(&s->lock);
    while (i < s->answer_count && strcmp(s->answers[i].path, path) != 0)
        i++;
    REQUIRE("room for the answer", i < COUNT(s->answers));
    s->answers[i] = (struct scene_answer){ path, status, body };
    s->answer_count = MAX(s->answer_count, i + 1);
    pthread_mutex_unlock(&s->lock);
}

static UNUSED int scene_asked(struct scene *s)
{
    pthread_mutex_lock(&s->lock);
    int asked = s->asked;
    s->asked = 0;
    pthread_mutex_unlock(&s->lock);
    return asked;
}

static void scene_answer(struct http_request *r, void *ctx)
{
    struct scene *s = ctx;
    struct scene_answer found = { "", 404, "{}" };
    str key = http_header(r, STR("X-Octopus-ApiKey"));
    pthread_mutex_lock(&s->lock);
    s->asked++;
    snprintf(s->last_key, sizeof s->last_key, "%.*s", STR_ARG(key));
    for (size_t i = 0; i < s->answer_count; i++)
        if (str_eq(r->path, str_from(s->answers[i].path)))
            found = s->answers[i];
    pthread_mutex_unlock(&s->lock);
    http_answer(r, found.status, NULL, 0, str_from(found.body));
}

static UNUSED void scene_put(struct scene *s, enum store_kind kind, int64_t id, int64_t space, int64_t parent, str slug, str doc)
{
    struct store_put put = { .object = { .kind = kind, .id = id, .space_id = space, .parent_id = parent, .slug = slug, .doc = doc }, .expected_version = STORE_ANY_VERSION };
    REQUIRE("it is stored", CHECK_OK("it is stored", store_change(s->web.opt.store, &put, 1, NULL, 0, &s->e), &s->e));
}

// As scene_put, with the document from a format: "Roles" and the like.
static UNUSED void scene_user(struct scene *s, int64_t id, const char *name, const char *more)
{
    scene_put(s, KIND_USER, id, 0, 0, str_from(name), arena_printf(&s->a, "{\"Username\":\"%s\"%s}", name, more));
}

static void scene_open_parts(void *ctx)
{
    struct scene *s = ctx;
    s->web.hub = stream_hub_new(s->other.loop);
    CHECK_OK("calls to others", fetcher_open(s->other.loop, s->web.opt.registry, &s->web.fetcher, &s->e), &s->e);
}

static void scene_close_parts(void *ctx)
{
    struct scene *s = ctx;
    fetcher_close(s->web.fetcher);
    stream_hub_close(s->web.hub);
    stream_hub_free(s->web.hub);
}

static UNUSED void scene_begin(struct scene *s)
{
    unsigned char key[KEYRING_KEY_BYTES] = { 7 };
    *s = (struct scene){ 0 };
    pthread_mutex_init(&s->lock, NULL);
    clock_fake_init(&s->clock, 1700000000000);
    peer_start(&s->other, (struct http_server_options){ .on_request = scene_answer, .ctx = s });
    s->url = arena_printf(&s->a, "http://127.0.0.1:%d", s->other.port);
    struct web_options *opt = &s->web.opt;
    *opt = (struct web_options){ .clock = &s->clock.clock, .random = &random_system, .version = "test", .keyring = keyring_from_bytes(key, &random_system) };
    struct store_options store = { .clock = &s->clock.clock };
    REQUIRE("a store in memory", store_open(&store, &opt->store, &s->e));
    scene_put(s, KIND_SPACE, 1, 0, 0, STR("default"), STR("{\"Name\":\"Default\"}"));
    scene_put(s, KIND_CONNECTION, 1, 1, 0, STR("octopus"), arena_printf(&s->a, "{\"Name\":\"octopus\",\"Url\":\"%.*s\",\"OctopusSpace\":null,\"PollSeconds\":5}", STR_ARG(s->url)));
    str *allow = ARENA_NEW(&s->a, str);
    *allow = str_skip(s->url, STR("http://").n);
    struct registry_options registry = { .store = opt->store, .keyring = opt->keyring, .egress_allow = allow, .egress_count = 1 };
    REQUIRE("the running configuration", CHECK_OK("is read", registry_open(&registry, &opt->registry, &s->e), &s->e));
    pthread_mutex_init(&s->web.change_lock, NULL);
    CHECK_OK("people", people_open(&s->web, &s->web.people, &s->e), &s->e);
    s->web.octopus = octopus_cache_new();
    s->web.oidc = oidc_new();
    peer_ask(&s->other, scene_open_parts, s);
}

static UNUSED void scene_end(struct scene *s)
{
    peer_ask(&s->other, scene_close_parts, s);
    fetcher_free(s->web.fetcher);
    peer_stop(&s->other);
    people_close(s->web.people);
    octopus_cache_free(s->web.octopus);
    oidc_free(s->web.oidc);
    registry_close(s->web.opt.registry);
    store_close(s->web.opt.store);
    keyring_close(s->web.opt.keyring);
    pthread_mutex_destroy(&s->web.change_lock);
    pthread_mutex_destroy(&s->lock);
    arena_fini(&s->a);
}

// ---- calls, as the dispatcher makes them ----

struct scene_call {
    struct http_request request;
    struct http_header headers[8];
    struct api_call call;
};

static UNUSED void scene_header(struct scene_call *k, const char *name, str value)
{
    REQUIRE("room for the header", k->request.header_count < COUNT(k->headers));
    k->headers[k->request.header_count++] = (struct http_header){ str_from(name), value };
}

// body: JSON, or NULL. The caller is anonymous until found.
static UNUSED struct scene_call *scene_call(struct scene *s, const char *method, const char *path, const char *body)
{
    struct scene_call *k = ARENA_NEW(&s->a, struct scene_call);
    k->request = (struct http_request){ .arena = &s->a, .method = str_from(method), .path = str_from(path), .headers = k->headers, .body = body ? str_from(body) : STR(""), .remote = { .text = STR("192.0.2.7") } };
    k->call = (struct api_call){ .web = &s->web, .arena = &s->a, .request = &k->request, .errors = { .arena = &s->a }, .snapshot = registry_take(s->web.opt.registry), .query = json_new_object(&s->a) };
    k->call.caller = (struct caller){ .kind = CALLER_ANONYMOUS, .name = STR("anonymous"), .actor = STR("anonymous"), .is_anonymous = true };
    if (body)
        REQUIRE("the body is JSON", json_parse(&s->a, k->request.body, &k->call.body, &s->e));
    return k;
}

static UNUSED void scene_give(struct scene *s, struct scene_call *k)
{
    registry_give(s->web.opt.registry, k->call.snapshot);
    buf_fini(&k->call.text);
}

// A header of the answer; empty: not there.
static UNUSED str scene_answered(const struct scene_call *k, const char *name)
{
    for (size_t i = 0; i < k->call.header_count; i++)
        if (str_eq_nocase(k->call.headers[i].name, str_from(name)))
            return k->call.headers[i].value;
    return STR("");
}

// The newest audit row with that action; NULL: none. A write waits behind what was noted before.
static UNUSED const struct store_audit_row *scene_audit(struct scene *s, const char *action)
{
    struct store_audit_rows rows;
    struct store_audit last = { 0, STR("test"), STR("test"), STR("test"), STR("{}") };
    CHECK_OK("a write behind it", store_change(s->web.opt.store, NULL, 0, &last, 1, &s->e), &s->e);
    CHECK_OK("the audit is read", store_audit_list(s->web.opt.store, 0, (struct store_page){ .take = 1000 }, &s->a, &rows, &s->e), &s->e);
    for (size_t i = 0; i < rows.count; i++)
        if (str_eq(rows.items[i].action, str_from(action)))
            return &rows.items[i];
    return NULL;
}
