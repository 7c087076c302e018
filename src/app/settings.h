// settings.h - what the server is told before it starts: one file, overridden by REACTIONS_* variables,
// overridden by flags.
#pragma once

#include "json/json.h"

struct settings {
    str listen;        // "127.0.0.1:8085"
    str data;          // folder
    str store;         // "sqlite" (a file in the data folder) or "memory"
    str config;        // the file that was read; empty: none
    str proxy;         // "http://proxy:3128": every outgoing request goes there; empty: none
    str server_uri;    // how others reach us; empty: by listen
    str tls_cert, tls_key;
    int64_t tls_hsts_seconds; // 0: none
    str oidc_issuer, oidc_client_id, oidc_client_secret_file; // signing in at an OpenID provider; issuer empty: none
    str *trusted_proxies;
    size_t trusted_proxy_count;
    str *egress_allow; // of file and environment
    size_t egress_count;
    int64_t workers, memory_megabytes; // workers 0: by the machine
    str script_engine; // "auto", "bundled", "pwsh"
    str runtime;       // folder of the worker host; empty: beside the program
    str script_user;   // OS user that workers run as; empty: the server's own
    str script_network; // "auto", "isolated", "shared"
    int64_t grace_seconds;
};

// argv: flags behind "serve". Unknown flags, variables and fields are errors that name them. In the arena.
MUST_USE bool settings_read(int argc, char **argv, struct arena *a, struct settings *out, struct err *e);
// The effective ones, with where each came from ("default", "file", "environment", "flag").
struct json *settings_json(const struct settings *s, struct arena *a);
