// UriPart.
#include "template/filter.h"
#include "template/uri.h"

static str boolean(bool b)
{
    return b ? STR("true") : STR("false");
}

static str part_absolute_path(struct arena *a, const struct uri *u) { return u->path; }
static str part_fragment(struct arena *a, const struct uri *u) { return u->fragment; }
static str part_host(struct arena *a, const struct uri *u) { return u->host; }
static str part_query(struct arena *a, const struct uri *u) { return u->query; }
static str part_scheme(struct arena *a, const struct uri *u) { return u->scheme; }
static str part_user_info(struct arena *a, const struct uri *u) { return u->user_info; }
static str part_is_default_port(struct arena *a, const struct uri *u) { return boolean(u->port == u->default_port); }
static str part_is_file(struct arena *a, const struct uri *u) { return boolean(u->is_file); }
static str part_is_loopback(struct arena *a, const struct uri *u) { return boolean(u->is_loopback); }
static str part_is_unc(struct arena *a, const struct uri *u) { return boolean(u->is_unc); }

static str part_authority(struct arena *a, const struct uri *u)
{
    return u->port == u->default_port ? u->host : arena_printf(a, "%.*s:%d", STR_ARG(u->host), u->port);
}

static str part_dns_safe_host(struct arena *a, const struct uri *u)
{
    return u->host_type == URI_HOST_IPV6 ? arena_concat(a, str_sub(u->host, 1, u->host.n - 2), u->scope) : u->host;
}

static str part_host_and_port(struct arena *a, const struct uri *u)
{
    return u->port < 0 ? u->host : arena_printf(a, "%.*s:%d", STR_ARG(u->host), u->port);
}

static str part_host_name_type(struct arena *a, const struct uri *u)
{
    static const str names[] = { STR_INIT("Unknown"), STR_INIT("Basic"), STR_INIT("Dns"), STR_INIT("IPv4"), STR_INIT("IPv6") };
    return names[u->host_type];
}

static str part_path_and_query(struct arena *a, const struct uri *u)
{
    return arena_concat(a, u->path, u->query);
}

static str part_port(struct arena *a, const struct uri *u)
{
    return arena_printf(a, "%d", u->port);
}

static str part_scheme_and_server(struct arena *a, const struct uri *u)
{
    str authority = part_authority(a, u);
    return arena_printf(a, "%.*s%s%.*s", STR_ARG(u->scheme), u->has_authority ? "://" : ":", STR_ARG(authority));
}

static const struct {
    const char *name;
    str (*get)(struct arena *a, const struct uri *u);
} parts[] = {
    { "AbsolutePath", part_absolute_path },
    { "AbsoluteUri", uri_absolute },
    { "Authority", part_authority },
    { "DnsSafeHost", part_dns_safe_host },
    { "Fragment", part_fragment },
    { "Host", part_host },
    { "HostAndPort", part_host_and_port },
    { "HostNameType", part_host_name_type },
    { "IsDefaultPort", part_is_default_port },
    { "IsFile", part_is_file },
    { "IsLoopback", part_is_loopback },
    { "IsUnc", part_is_unc },
    { "Path", uri_local_path },
    { "PathAndQuery", part_path_and_query },
    { "Port", part_port },
    { "Query", part_query },
    { "Scheme", part_scheme },
    { "SchemeAndServer", part_scheme_and_server },
    { "UserInfo", part_user_info },
};

enum filter_outcome filter_uri_part(struct filter_call *c)
{
    struct uri u;
    if (!c->option_count)
        return filter_value(c, STR("[UriPart error: no argument given]"));
    str wanted = filter_option(c, 0);
    if (!uri_parse(c->a, c->argument.s, &u))
        return filter_marked(c, c->argument);
    if (str_eq_nocase(wanted, STR("IsAbsoluteUri")))
        return filter_value(c, boolean(u.is_absolute));
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (!str_eq_nocase(wanted, str_from(parts[i].name)))
            continue;
        if (!u.is_absolute)
            return filter_value(c, arena_printf(c->a, "[UriPart %.*s error: This operation is not supported for a relative URI.]", STR_ARG(wanted)));
        return filter_value(c, parts[i].get(c->a, &u));
    }
    return filter_value(c, arena_printf(c->a, "[UriPart %.*s error: argument '%.*s' not supported]", STR_ARG(wanted), STR_ARG(wanted)));
}
