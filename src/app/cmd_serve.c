// reactions serve: puts the parts together, in the order in which they need each other, and takes them
// apart in the other order.
#include "app/commands.h"
#include "app/settings.h"

#include "reaction/registry.h"
#include "reaction/rotation.h"
#include "secret/token.h"
#include "store/anchor.h"
#include "sys/file.h"
#include "sys/process.h"
#include "web/web.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct server {
    struct arena arena;
    struct settings settings;
    struct loop *loop;
    int lock_fd;
    struct keyring *keyring;
    struct store *store;
    struct registry *registry;
    struct engine *engine;
    struct web *web;
    const char *anchor; // of the audit; NULL: none
    bool is_stopping;
    str setup_token; // empty: not to be told
};

static const char *path_in_data(struct server *s, const char *name)
{
    return arena_printf(&s->arena, "%.*s/%s", STR_ARG(s->settings.data), name).p;
}

// Nobody else looks into it. As root, workers of another user pass through to their own folders, whose names they are
// told; what lies beside is readable by us alone, each file by its own mode.
static bool make_data_folder(const char *data, struct err *e)
{
    struct stat st;
    mode_t mode = geteuid() == 0 ? 0711 : 0700;
    if (!file_make_dirs(data, mode, e))
        return false;
    if (mode == 0711 && stat(data, &st) == 0 && st.st_uid == 0 && (st.st_mode & 0777) == 0700 && chmod(data, mode) < 0)
        return err_errno(e, errno, "%s", data);
    return true;
}

static bool open_data(struct server *s, struct err *e)
{
    const char *data = arena_cstr(&s->arena, s->settings.data);
    return make_data_folder(data, e) && file_make_dirs(path_in_data(s, "modules"), 0755, e) && file_make_dirs(path_in_data(s, "work"), 0711, e) && file_lock(path_in_data(s, "lock"), &s->lock_fd, e);
}

static bool open_store(struct server *s, struct err *e)
{
    bool on_disk = str_eq(s->settings.store, STR("sqlite"));
    const char *path = path_in_data(s, "reactions.db");
    bool is_new = !on_disk || !file_exists(path);
    int64_t requeued, interrupted, resealed;
    struct store_options opt = { .path = on_disk ? path : NULL, .clock = &clock_system };
    if (!keyring_open(path_in_data(s, "master.key"), is_new, &random_system, &s->keyring, e) || !store_open(&opt, &s->store, e))
        return false;
    struct rotation_options rotation = { .store = s->store, .keyring = s->keyring, .path = path_in_data(s, "master.key"), .random = &random_system };
    if (!rotation_start(&rotation, &resealed, e))
        return false;
    if (resealed)
        fprintf(stderr, "sealed anew with the present master key: %" PRId64 " objects\n", resealed);
    if (!store_recover(s->store, clock_wall_ms(&clock_system), &requeued, &interrupted, e))
        return err_in(e, "recovery");
    if (requeued || interrupted)
        fprintf(stderr, "recovered: %" PRId64 " runs wait for another attempt, %" PRId64 " scripts were interrupted\n", requeued, interrupted);
    return true;
}

// The key for the command line on this host: written before anyone can ask, and the same after every restart.
static bool write_admin_key(struct server *s, struct err *e)
{
    const char *path = path_in_data(s, "admin.key");
    if (file_exists(path))
        return true;
    struct token token = token_new(TOKEN_MANAGEMENT, s->keyring, &random_system, &s->arena);
    return file_write(path, arena_concat(&s->arena, token.text, STR("\n")), 0600, e);
}

static bool write_first_space(struct server *s, struct err *e)
{
    struct store_object *space;
    int64_t id;
    if (!store_get(s->store, KIND_SPACE, 0, 1, &s->arena, &space, e) || space)
        return space != NULL;
    if (!store_reserve_id(s->store, KIND_SPACE, &id, e))
        return false;
    struct store_put put = { .object = { .kind = KIND_SPACE, .id = 1, .slug = STR("default"), .doc = STR("{\"Name\":\"Default\",\"Slug\":\"default\",\"Paused\":false}") }, .expected_version = STORE_MUST_BE_NEW };
    struct store_audit audit = { 1, STR("server"), STR("space.create"), STR("Spaces-1"), STR("{}") };
    return store_change(s->store, &put, 1, &audit, 1, e);
}

// An anchor that does not fit is said aloud, and kept: the server goes on, for what it guards is only the record.
static bool check_anchor(struct server *s, struct err *e)
{
    str why;
    s->anchor = str_eq(s->settings.store, STR("sqlite")) ? path_in_data(s, "audit.anchor") : NULL;
    if (!s->anchor)
        return true;
    if (!anchor_begin(s->store, s->anchor, &s->arena, &why, e))
        return false;
    if (!why.n)
        return true;
    fprintf(stderr, "WARNING: the audit was tampered with: %.*s (%s.broken is kept; see reactions verify-audit)\n", STR_ARG(why), s->anchor);
    struct json *particulars = json_new_object(&s->arena);
    json_add_str(&s->arena, particulars, "Reason", why);
    store_audit(s->store, &(struct store_audit){ 0, STR("server"), STR("audit.broken"), STR("audit"), json_text(&s->arena, particulars) });
    return true;
}

static void write_anchor(struct server *s)
{
    struct err e = { 0 };
    // What was queued before is in the chain when this change of nothing has been committed.
    if (s->anchor && !store_change(s->store, NULL, 0, NULL, 0, &e))
        fprintf(stderr, "the last rows of the audit: %s\n", e.text);
    if (s->anchor && !anchor_write(s->store, s->anchor, clock_wall_ms(&clock_system), &(int64_t){ 0 }, &e))
        fprintf(stderr, "the head of the audit was not written: %s\n", e.text);
}

static void on_note(void *ctx, const struct engine_note *note)
{
    struct server *s = ctx;
    struct web *web = __atomic_load_n(&s->web, __ATOMIC_ACQUIRE);
    if (web)
        web_note(web, note);
}

// The worker host lies beside the program unless the settings say otherwise.
static const char *runtime_dir(struct server *s)
{
    if (s->settings.runtime.n)
        return arena_cstr(&s->arena, s->settings.runtime);
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    str path = { self, n > 0 ? (size_t)n : 0 };
    ptrdiff_t slash = str_find_last_char(path, '/');
    return arena_printf(&s->arena, "%.*s/powershell", (int)MAX(slash, (ptrdiff_t)0), self).p;
}

// What no script may read, though it runs as the server's own user: mounted away for workers where the machine allows
// (doctor says so).
static const char *const *hidden_paths(struct server *s)
{
    static const char *const names[] = { "reactions.db", "reactions.db-wal", "reactions.db-shm", "master.key", "master.key.next", "master.key.previous", "admin.key", "audit.anchor", "audit.anchor.broken", "backups" };
    char absolute[PATH_MAX];
    const str settings[] = { s->settings.config, s->settings.tls_key };
    const char **paths = ARENA_ARRAY(&s->arena, const char *, COUNT(names) + COUNT(settings) + 1);
    size_t count = 0;
    if (!realpath(path_in_data(s, "."), absolute))
        return NULL;
    for (; count < COUNT(names); count++)
        paths[count] = arena_printf(&s->arena, "%s/%s", absolute, names[count]).p;
    for (size_t i = 0; i < COUNT(settings); i++)
        if (settings[i].n && realpath(arena_cstr(&s->arena, settings[i]), absolute))
            paths[count++] = arena_printf(&s->arena, "%s", absolute).p;
    return paths;
}

// Scripts run as somebody else than root, whoever started the server; where that cannot be, doctor says so.
static const char *script_user(struct server *s, bool *is_only_preferred)
{
    struct passwd *own = getpwuid(geteuid());
    *is_only_preferred = false;
    if (s->settings.script_user.n)
        return own && str_eq(s->settings.script_user, str_from(own->pw_name)) ? NULL : arena_cstr(&s->arena, s->settings.script_user);
    *is_only_preferred = true;
    return geteuid() == 0 ? "nobody" : NULL;
}

static bool start_engine(struct server *s, struct err *e)
{
    bool prefers_user;
    struct registry_options registry = { .store = s->store, .keyring = s->keyring, .egress_allow = s->settings.egress_allow, .egress_count = s->settings.egress_count };
    if (!registry_open(&registry, &s->registry, e))
        return false;
    char node[256] = "node";
    gethostname(node, sizeof node - 1);
    struct engine_options opt = {
        .store = s->store,
        .registry = s->registry,
        .keyring = s->keyring,
        .clock = &clock_system,
        .random = &random_system,
        .node = arena_str(&s->arena, str_from(node)).p,
        .data_dir = arena_cstr(&s->arena, s->settings.data),
        .server_uri = s->settings.server_uri.n ? arena_cstr(&s->arena, s->settings.server_uri) : NULL,
        .proxy = s->settings.proxy.n ? arena_cstr(&s->arena, s->settings.proxy) : NULL,
        .scripts = {
            .engine = str_eq(s->settings.script_engine, STR("bundled")) ? SCRIPT_ENGINE_BUNDLED : str_eq(s->settings.script_engine, STR("pwsh")) ? SCRIPT_ENGINE_PWSH : SCRIPT_ENGINE_AUTO,
            .runtime_dir = runtime_dir(s),
            .work_dir = path_in_data(s, "work"),
            .max_workers = (int)s->settings.workers,
            .warm_workers = 1,
            .run_as_user = script_user(s, &prefers_user),
            .prefers_user = prefers_user,
            .hidden = hidden_paths(s),
            .network = str_eq_nocase(s->settings.script_network, STR("isolated")) ? SCRIPT_NETWORK_ISOLATED : str_eq_nocase(s->settings.script_network, STR("shared")) ? SCRIPT_NETWORK_SHARED : SCRIPT_NETWORK_AUTO,
        },
        .note = on_note,
        .note_ctx = s,
    };
    return engine_start(&opt, &s->engine, e);
}

static bool is_loopback(str listen)
{
    return str_starts(listen, STR("127.")) || str_starts(listen, STR("[::1]:")) || str_starts_nocase(listen, STR("localhost:"));
}

// Until somebody administers this server, it speaks to its own host only.
static bool prepare_first_start(struct server *s, struct err *e)
{
    bool is_needed;
    if (!setup_is_needed(s->store, &s->arena, &is_needed, e))
        return false;
    if (!is_needed)
        return true;
    if (!is_loopback(s->settings.listen)) {
        ptrdiff_t colon = str_find_last_char(s->settings.listen, ':');
        fprintf(stderr, "no administrator yet: listening on loopback instead of %.*s; make one (the set-up link, or \"reactions user add NAME --role 'Instance admin'\"), then start again\n", STR_ARG(s->settings.listen));
        s->settings.listen = arena_printf(&s->arena, "127.0.0.1%.*s", STR_ARG(str_skip(s->settings.listen, (size_t)MAX(colon, (ptrdiff_t)0))));
    }
    return setup_offer(s->store, s->keyring, &random_system, &s->arena, &s->setup_token, e);
}

static bool start_web(struct server *s, struct err *e)
{
    if (!prepare_first_start(s, e))
        return false;
    const char **proxies = ARENA_ARRAY(&s->arena, const char *, s->settings.trusted_proxy_count);
    for (size_t i = 0; i < s->settings.trusted_proxy_count; i++)
        proxies[i] = arena_cstr(&s->arena, s->settings.trusted_proxies[i]);
    struct web_options opt = {
        .loop = s->loop,
        .store = s->store,
        .registry = s->registry,
        .engine = s->engine,
        .keyring = s->keyring,
        .clock = &clock_system,
        .random = &random_system,
        .hsts_seconds = s->settings.tls_hsts_seconds,
        .version = REACTIONS_VERSION,
        .master_key_file = path_in_data(s, "master.key"),
        .admin_key_file = path_in_data(s, "admin.key"),
        .data_dir = arena_cstr(&s->arena, s->settings.data),
        .server_uri = s->settings.server_uri.n ? arena_cstr(&s->arena, s->settings.server_uri) : NULL,
        .audit_anchor_file = s->anchor,
        .server = {
            .listen = arena_cstr(&s->arena, s->settings.listen),
            .cert_file = s->settings.tls_cert.n ? arena_cstr(&s->arena, s->settings.tls_cert) : NULL,
            .key_file = s->settings.tls_key.n ? arena_cstr(&s->arena, s->settings.tls_key) : NULL,
            .trusted_proxies = proxies,
            .trusted_proxy_count = s->settings.trusted_proxy_count,
        },
    };
    struct web *web;
    opt.oidc.issuer = s->settings.oidc_issuer;
    opt.oidc.client_id = s->settings.oidc_client_id;
    opt.oidc.server_uri = s->settings.server_uri;
    if (s->settings.oidc_client_secret_file.n) {
        if (!file_read(arena_cstr(&s->arena, s->settings.oidc_client_secret_file), 4096, &s->arena, &opt.oidc.client_secret, e))
            return err_in(e, "Oidc.ClientSecretFile");
        opt.oidc.client_secret = str_trim(opt.oidc.client_secret);
    }
    if (!web_open(&opt, &web, e))
        return false;
    __atomic_store_n(&s->web, web, __ATOMIC_RELEASE);
    web_ready(web);
    return true;
}

static void stopped(void *ctx)
{
    struct server *s = ctx;
    loop_stop(s->loop);
}

static void on_stop_signal(void *ctx, int number UNUSED)
{
    struct server *s = ctx;
    if (s->is_stopping)
        return;
    s->is_stopping = true;
    fprintf(stderr, "stopping\n");
    web_stop(s->web, s->settings.grace_seconds * 1000, stopped, s);
}

static void on_reload_signal(void *ctx, int number UNUSED)
{
    struct server *s = ctx;
    struct err e = { 0 };
    if (s->settings.tls_cert.n && !web_reload_tls(s->web, &e))
        fprintf(stderr, "certificate not reloaded, the old one stays: %s\n", e.text);
}

static bool start(struct server *s, struct err *e)
{
    signal(SIGPIPE, SIG_IGN);
    if (!open_data(s, e))
        return false;
    process_hide_self();
    umask(077); // from here on: what is written is ours alone
    return open_store(s, e) && check_anchor(s, e) && write_admin_key(s, e) && write_first_space(s, e) && loop_open(&s->loop, e) && start_engine(s, e) && start_web(s, e)
        && loop_on_signal(s->loop, SIGINT, on_stop_signal, s, e) && loop_on_signal(s->loop, SIGTERM, on_stop_signal, s, e) && loop_on_signal(s->loop, SIGHUP, on_reload_signal, s, e);
}

static void stop(struct server *s)
{
    // No more notes to a closed web; the engine settles its last runs with the store still open.
    struct web *web = __atomic_exchange_n(&s->web, NULL, __ATOMIC_ACQ_REL);
    web_close(web);
    engine_stop(s->engine, s->settings.grace_seconds * 1000);
    write_anchor(s);
    store_close(s->store);
    registry_close(s->registry);
    loop_close(s->loop);
    keyring_close(s->keyring);
}

int cmd_serve(int argc, char **argv)
{
    struct server s = { .lock_fd = -1 };
    struct err e = { 0 };
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        puts("usage: reactions serve [--listen ADDRESS:PORT] [--data FOLDER] [--store sqlite|memory] [--config FILE]\n"
             "                       [--server-uri URL] [--tls-cert FILE --tls-key FILE] [--workers N] [--engine auto|bundled|pwsh] [--script-user USER]");
        return 0;
    }
    if (!settings_read(argc, argv, &s.arena, &s.settings, &e)) {
        fprintf(stderr, "reactions: %s\n", e.text);
        return 2;
    }
    if (!start(&s, &e)) {
        fprintf(stderr, "reactions: %s\n", e.text);
        // What is half-built holds threads and children; the process ends and takes them along.
        return 1;
    }
    bool is_any = str_starts(s.settings.listen, STR("*:"));
    ptrdiff_t colon = str_find_last_char(s.settings.listen, ':');
    if (s.setup_token.n)
        fprintf(stderr, "the first administrator is made here, once: %s://%.*s:%d/setup#%.*s\n", s.settings.tls_cert.n ? "https" : "http", is_any ? 9 : (int)colon, is_any ? "localhost" : s.settings.listen.p,
            web_port(s.web), STR_ARG(s.setup_token));
    printf("listening on %s://%.*s:%d\n", s.settings.tls_cert.n ? "https" : "http", is_any ? 9 : (int)colon, is_any ? "localhost" : s.settings.listen.p, web_port(s.web));
    fflush(stdout);
    loop_run(s.loop);
    stop(&s);
    arena_fini(&s.arena);
    return 0;
}
