#include "app/settings.h"

#include "json/yaml.h"
#include "sys/file.h"


extern char **environ;

enum kind { TEXT, NUMBER, LIST };

// One table: name in the file, in the environment (REACTIONS_...), and as a flag (serve --...).
struct entry {
    const char *path;     // "Tls.Cert"
    const char *variable; // "TLS_CERT"
    const char *flag;     // "--tls-cert"; NULL: none
    enum kind kind;
    size_t at;            // offset in struct settings
    size_t count_at;      // LIST
    const char *otherwise;
};

#define AT(field) offsetof(struct settings, field)
static const struct entry entries[] = {
    { "Listen", "LISTEN", "--listen", TEXT, AT(listen), 0, "127.0.0.1:8085" },
    { "Data", "DATA", "--data", TEXT, AT(data), 0, "reactions-data" },
    { "Store", "STORE", "--store", TEXT, AT(store), 0, "sqlite" },
    { "ServerUri", "SERVER_URI", "--server-uri", TEXT, AT(server_uri), 0, "" },
    { "Tls.Cert", "TLS_CERT", "--tls-cert", TEXT, AT(tls_cert), 0, "" },
    { "Tls.Key", "TLS_KEY", "--tls-key", TEXT, AT(tls_key), 0, "" },
    { "Tls.HstsSeconds", "TLS_HSTS_SECONDS", NULL, NUMBER, AT(tls_hsts_seconds), 0, "0" },
    { "Oidc.Issuer", "OIDC_ISSUER", NULL, TEXT, AT(oidc_issuer), 0, "" },
    { "Oidc.ClientId", "OIDC_CLIENT_ID", NULL, TEXT, AT(oidc_client_id), 0, "" },
    { "Oidc.ClientSecretFile", "OIDC_CLIENT_SECRET_FILE", NULL, TEXT, AT(oidc_client_secret_file), 0, "" },
    { "TrustedProxies", "TRUSTED_PROXIES", NULL, LIST, AT(trusted_proxies), AT(trusted_proxy_count), "" },
    { "Egress.Allow", "EGRESS_ALLOW", NULL, LIST, AT(egress_allow), AT(egress_count), "" },
    { "Egress.Proxy", "EGRESS_PROXY", "--proxy", TEXT, AT(proxy), 0, "" },
    { "Scripts.Workers", "SCRIPTS_WORKERS", "--workers", NUMBER, AT(workers), 0, "0" },
    { "Scripts.Engine", "SCRIPTS_ENGINE", "--engine", TEXT, AT(script_engine), 0, "auto" },
    { "Scripts.Runtime", "SCRIPTS_RUNTIME", "--runtime", TEXT, AT(runtime), 0, "" },
    { "Scripts.User", "SCRIPTS_USER", "--script-user", TEXT, AT(script_user), 0, "" },
    { "Scripts.Network", "SCRIPTS_NETWORK", NULL, TEXT, AT(script_network), 0, "auto" },
    { "GraceSeconds", "GRACE_SECONDS", NULL, NUMBER, AT(grace_seconds), 0, "30" },
};

static void *place(struct settings *s, size_t at)
{
    return (char *)s + at;
}

static bool set(struct settings *s, const struct entry *entry, str value, const char *where, struct arena *a, struct err *e)
{
    if (entry->kind == TEXT) {
        *(str *)place(s, entry->at) = arena_str(a, value);
        return true;
    }
    if (entry->kind == NUMBER) {
        int64_t *to = place(s, entry->at);
        return (str_to_i64(value, to) && *to >= 0) || err_set(e, ERR_INVALID, "%s: \"%.*s\" must be a number, 0 or more", where, STR_ARG(value));
    }
    // Lists of several sources add up.
    str **items = place(s, entry->at), rest = value, part;
    size_t *count = place(s, entry->count_at);
    while (value.n && str_split(&rest, ',', &part)) {
        part = str_trim(part);
        if (!part.n)
            continue;
        str *grown = ARENA_ARRAY(a, str, *count + 1);
        if (*count)
            memcpy(grown, *items, sizeof *grown * *count);
        grown[(*count)++] = arena_str(a, part);
        *items = grown;
    }
    return true;
}

static bool read_flags(struct settings *s, int argc, char **argv, bool only_config, struct arena *a, struct err *e)
{
    for (int i = 1; i < argc; i++) {
        const char *flag = argv[i];
        if (i + 1 >= argc)
            return err_set(e, ERR_INVALID, "%s: a value must follow", flag);
        str value = str_from(argv[++i]);
        if (!strcmp(flag, "--config")) {
            s->config = value;
            continue;
        }
        const struct entry *found = NULL;
        for (size_t k = 0; k < COUNT(entries); k++)
            if (entries[k].flag && !strcmp(entries[k].flag, flag))
                found = &entries[k];
        if (!found)
            return err_set(e, ERR_INVALID, "%s: unknown flag; see reactions serve --help", flag);
        if (!only_config && !set(s, found, value, flag, a, e))
            return false;
    }
    return true;
}

static bool read_file(struct settings *s, struct arena *a, struct err *e)
{
    str text;
    struct json *documents;
    if (!file_read(arena_cstr(a, s->config), 1 << 20, a, &text, e) || !yaml_parse(a, text, &documents, e))
        return err_in(e, "%.*s", STR_ARG(s->config));
    if (!documents->count || json_is(documents->first, JSON_NULL))
        return true;
    const struct json *doc = documents->first;
    if (!json_is(doc, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "%.*s: must hold fields such as Listen: 127.0.0.1:8085", STR_ARG(s->config));
    json_each(member, doc)
    {
        for (const struct json *field = json_is(member, JSON_OBJECT) ? member->first : member; field; field = json_is(member, JSON_OBJECT) ? field->next : NULL) {
            str path = field == member ? member->name : arena_printf(a, "%.*s.%.*s", STR_ARG(member->name), STR_ARG(field->name));
            const struct entry *found = NULL;
            for (size_t k = 0; k < COUNT(entries); k++)
                if (str_eq(path, str_from(entries[k].path)))
                    found = &entries[k];
            if (!found)
                return err_set(e, ERR_INVALID, "%.*s: %.*s: unknown field", STR_ARG(s->config), STR_ARG(path));
            if (json_is(field, JSON_ARRAY) && found->kind == LIST) {
                json_each(item, field)
                    if (!set(s, found, json_str(item, (str){ "", 0 }), found->path, a, e))
                        return false;
            } else if (json_is(field, JSON_STRING) || json_is(field, JSON_NUMBER)) {
                if (!set(s, found, field->text, found->path, a, e))
                    return false;
            } else {
                return err_set(e, ERR_INVALID, "%.*s: %s: must not be %s", STR_ARG(s->config), found->path, json_type_name(field));
            }
        }
    }
    return true;
}

// REACTIONS_ variables that are not settings of the server.
static bool is_other_variable(str name)
{
    static const char *const names[] = { "MASTER_KEY", "PREVIOUS_MASTER_KEY", "CONFIG", "SERVER", "API_KEY_FILE", "PROTOCOL_FD" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_eq(name, str_from(names[i])))
            return true;
    return false;
}

static bool read_environment(struct settings *s, struct arena *a, struct err *e)
{
    for (char **at = environ; *at; at++) {
        str line = str_from(*at);
        if (!str_starts(line, STR("REACTIONS_")))
            continue;
        ptrdiff_t equals = str_find_char(line, '=');
        str name = str_sub(line, 10, (size_t)equals - 10), value = str_skip(line, (size_t)equals + 1);
        const struct entry *found = NULL;
        for (size_t k = 0; k < COUNT(entries); k++)
            if (str_eq(name, str_from(entries[k].variable)))
                found = &entries[k];
        if (!found && !is_other_variable(name))
            return err_set(e, ERR_INVALID, "REACTIONS_%.*s: unknown setting", STR_ARG(name));
        if (found && !set(s, found, value, arena_printf(a, "REACTIONS_%.*s", STR_ARG(name)).p, a, e))
            return false;
    }
    return true;
}

static bool check(const struct settings *s, struct err *e)
{
    if (!str_eq(s->store, STR("sqlite")) && !str_eq(s->store, STR("memory")))
        return err_set(e, ERR_INVALID, "Store: \"%.*s\" must be sqlite or memory", STR_ARG(s->store));
    if (!s->tls_cert.n != !s->tls_key.n)
        return err_set(e, ERR_INVALID, "Tls: Cert and Key go together");
    if (s->tls_hsts_seconds && !s->tls_cert.n)
        return err_set(e, ERR_INVALID, "Tls.HstsSeconds: browsers heed it over TLS only: it needs Tls.Cert and Tls.Key (behind a proxy that has the certificate, set it there)");
    if (!str_eq(s->script_engine, STR("auto")) && !str_eq(s->script_engine, STR("bundled")) && !str_eq(s->script_engine, STR("pwsh")))
        return err_set(e, ERR_INVALID, "Scripts.Engine: \"%.*s\" must be auto, bundled or pwsh", STR_ARG(s->script_engine));
    if (!str_eq_nocase(s->script_network, STR("auto")) && !str_eq_nocase(s->script_network, STR("isolated")) && !str_eq_nocase(s->script_network, STR("shared")))
        return err_set(e, ERR_INVALID, "Scripts.Network: \"%.*s\" must be auto, isolated or shared", STR_ARG(s->script_network));
    return true;
}

bool settings_read(int argc, char **argv, struct arena *a, struct settings *out, struct err *e)
{
    struct settings s = { 0 };
    for (size_t i = 0; i < COUNT(entries); i++)
        if (!set(&s, &entries[i], str_from(entries[i].otherwise), entries[i].path, a, e))
            return false;
    s.config = str_from(getenv("REACTIONS_CONFIG"));
    if (!read_flags(&s, argc, argv, true, a, e))
        return false;
    if (s.config.n && !read_file(&s, a, e))
        return false;
    if (!read_environment(&s, a, e) || !read_flags(&s, argc, argv, false, a, e) || !check(&s, e))
        return false;
    *out = s;
    return true;
}

struct json *settings_json(const struct settings *s, struct arena *a)
{
    struct json *j = json_new_object(a);
    for (size_t i = 0; i < COUNT(entries); i++) {
        const struct entry *entry = &entries[i];
        const char *at = (const char *)s + entry->at;
        if (entry->kind == TEXT) {
            json_add_str(a, j, entry->path, *(const str *)(const void *)at);
        } else if (entry->kind == NUMBER) {
            json_add_i64(a, j, entry->path, *(const int64_t *)(const void *)at);
        } else {
            struct json *list = json_add(j, str_from(entry->path), json_new_array(a));
            size_t count = *(const size_t *)(const void *)((const char *)s + entry->count_at);
            for (size_t k = 0; k < count; k++)
                json_push(list, json_new_string(a, (*(str *const *)(const void *)at)[k]));
        }
    }
    return j;
}
