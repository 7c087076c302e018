// web.h - everything people and programs reach over HTTP: hooks, the management API, the stream, health.
//
// Hooks (/triggers/...) are judged on the server's loop and answered by the commit. API calls run on a
// few threads of their own, where waiting for the store is allowed.
#pragma once

#include "http/server.h"
#include "reaction/engine.h"
#include "store/anchor.h"

struct web;

struct web_options {
    struct loop *loop;
    struct store *store;
    struct registry *registry;
    struct engine *engine;
    struct keyring *keyring;
    const struct clock *clock;
    const struct random *random;
    struct http_server_options server; // handlers are set by web
    int64_t hsts_seconds;              // for so long browsers shall come by TLS only; 0: not said. Not said without TLS
    const char *version;
    const char *master_key_file;       // for its rotation
    const char *admin_key_file;        // its key acts as administrator
    const char *data_dir;
    // Signing in at an OpenID provider; issuer empty: not offered. server_uri: how browsers reach us; empty: by their Host.
    struct web_oidc {
        str issuer, client_id, client_secret, server_uri;
    } oidc;
    const char *audit_anchor_file;     // see store/anchor.h; NULL: none is written
    const char *server_uri;            // how others reach us; NULL: not known
};

MUST_USE bool web_open(const struct web_options *opt, struct web **out, struct err *e);
int web_port(const struct web *w);
// From now on /healthz answers 200 and requests are accepted.
void web_ready(struct web *w);
// Lets outstanding answers go out, at most grace_ms, then calls done.
void web_stop(struct web *w, int64_t grace_ms, void (*done)(void *ctx), void *ctx);
void web_close(struct web *w);
bool web_reload_tls(struct web *w, struct err *e);

// Passes on to those who watch /api/stream. Any thread.
void web_note(struct web *w, const struct engine_note *note);

// What GET /api/audit/verify answers.
struct json *web_audit_verdict(const struct anchor_verdict *v, struct arena *a);

// The first start. Whether there is no enabled user yet who may administer users; then the set-up link's token, made and told once
// in the life of a database (empty: it was told before). Both before web_open.
MUST_USE bool setup_is_needed(struct store *store, struct arena *a, bool *out, struct err *e);
MUST_USE bool setup_offer(struct store *store, const struct keyring *keyring, const struct random *random, struct arena *a, str *token_text, struct err *e);

// For tests and for tools that list routes: "METHOD path permission", one a line.
void web_print_routes(struct buf *out);
