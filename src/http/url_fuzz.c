// url_fuzz.c - any text as a URL, an egress entry and an address. What url_parse lets pass must be read the
// same way by curl, and must come out the same when it is put together and parsed again.
#include "http/address.h"
#include "http/egress.h"

#include <curl/curl.h>

#define MUST(condition) \
    do {                \
        if (!(condition)) \
            __builtin_trap(); \
    } while (0)

static str put_together(struct arena *a, const struct url *u)
{
    bool is_v6 = str_has(u->host, ':');
    return arena_printf(a, "%.*s://%s%.*s%s:%d%.*s", STR_ARG(u->scheme), is_v6 ? "[" : "", STR_ARG(u->host), is_v6 ? "]" : "", u->port, STR_ARG(u->path_and_query));
}

static void check_with_curl(struct arena *a, const struct url *u)
{
    CURLU *h = curl_url();
    char *host = NULL, *port = NULL, *scheme = NULL;
    MUST(curl_url_set(h, CURLUPART_URL, put_together(a, u).p, CURLU_PATH_AS_IS) == CURLUE_OK);
    MUST(curl_url_get(h, CURLUPART_HOST, &host, 0) == CURLUE_OK);
    MUST(curl_url_get(h, CURLUPART_PORT, &port, 0) == CURLUE_OK);
    MUST(curl_url_get(h, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
    str got = str_from(host);
    if (str_starts(got, STR("[")))
        got = str_sub(got, 1, got.n - 2);
    MUST(str_eq(got, u->host));
    MUST(atoi(port) == u->port);
    MUST(str_eq(str_from(scheme), u->scheme));
    char *user = NULL;
    MUST(curl_url_get(h, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(h);
}

static void check_policy(str entry, const struct url *u)
{
    struct egress *g, *none;
    struct err e;
    struct ip ip;
    struct sockaddr_storage sa;
    MUST(egress_new(NULL, 0, &none, &e));
    if (u && u->is_address) {
        MUST(ip_parse(u->host, &ip));
        ip_to_sockaddr(&ip, u->port, &sa);
        bool is_public = egress_allows(none, (struct sockaddr *)&sa, u->host, u->port, EGRESS_TEST, &e);
        MUST(!is_public || !ip_is_v4(&ip) || (ip_v4(&ip) >> 24 != 127 && ip_v4(&ip) >> 24 != 10 && ip_v4(&ip) >> 24 != 0));
    }
    if (egress_new(&entry, 1, &g, &e))
        egress_free(g);
    egress_free(none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str text = { (const char *)data, size };
    struct url u, again;
    struct err e;
    bool is_good = url_parse(&a, text, &u, &e);
    check_policy(text, is_good ? &u : NULL);
    if (!is_good) {
        MUST(str_is_utf8(str_from(e.text)));
        return 0;
    }
    MUST(u.host.n && u.port > 0 && u.path_and_query.p[0] == '/');
    for (size_t i = 0; i < u.host.n; i++)
        MUST((u.host.p[i] >= 'a' && u.host.p[i] <= 'z') || (u.host.p[i] && strchr("0123456789.-_:", u.host.p[i])));
    MUST(url_parse(&a, put_together(&a, &u), &again, &e));
    MUST(str_eq(u.host, again.host) && u.port == again.port && str_eq(u.path_and_query, again.path_and_query) && u.is_address == again.is_address);
    check_with_curl(&a, &u);
    return 0;
}
