#include "http/proxy.h"

#define HOPS_MAX 64 // further to the left nobody looks

static bool is_trusted(const struct net *trusted, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++)
        if (net_has(&trusted[i], ip))
            return true;
    return false;
}

// "192.0.2.7", "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"
static bool parse_node(str text, struct ip *out)
{
    if (str_starts(text, STR("["))) {
        ptrdiff_t end = str_find_char(text, ']');
        if (end < 0)
            return false;
        str rest = str_skip(text, (size_t)end + 1);
        return (rest.n == 0 || rest.p[0] == ':') && ip_parse(str_sub(text, 1, (size_t)end - 1), out);
    }
    ptrdiff_t colon = str_find_char(text, ':');
    if (colon >= 0 && colon == str_find_last_char(text, ':'))
        text = str_sub(text, 0, (size_t)colon);
    return ip_parse(text, out);
}

// The for= parameter of one element of Forwarded; other parameters are skipped.
static str forwarded_for(str element)
{
    while (element.n) {
        size_t n = 0;
        bool is_quoted = false;
        for (; n < element.n && (is_quoted || element.p[n] != ';'); n++)
            if (element.p[n] == '"')
                is_quoted = !is_quoted;
        str pair = str_trim(str_sub(element, 0, n));
        element = str_skip(element, n + 1);
        if (!str_starts_nocase(pair, STR("for=")))
            continue;
        str value = str_skip(pair, 4);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_sub(value, 1, value.n - 2);
        return value;
    }
    return STR("");
}

// The comma that ends the last element of *list, cut off; quoted commas do not count.
static str take_last(str *list)
{
    bool is_quoted = false;
    size_t n = list->n;
    while (n && (is_quoted || list->p[n - 1] != ',')) {
        if (list->p[n - 1] == '"')
            is_quoted = !is_quoted;
        n--;
    }
    str last = str_trim(str_skip(*list, n));
    *list = str_sub(*list, 0, n ? n - 1 : 0);
    return last;
}

static bool walk(const struct net *trusted, size_t trusted_count, const struct ip *peer, const struct http_request *r, str name, bool is_rfc7239, struct ip *out)
{
    bool is_there = false;
    *out = *peer;
    size_t hops = 0;
    for (size_t i = r->header_count; i--;) {
        if (!str_eq_nocase(r->headers[i].name, name))
            continue;
        is_there = true;
        str list = r->headers[i].value;
        while (list.n) {
            str node = take_last(&list);
            if (node.n == 0 && !is_rfc7239)
                continue;
            struct ip ip;
            // "unknown" and hidden names end the chain: the last hop we could follow is the answer.
            if (++hops > HOPS_MAX || !parse_node(is_rfc7239 ? forwarded_for(node) : node, &ip))
                return true;
            *out = ip;
            if (!is_trusted(trusted, trusted_count, &ip))
                return true;
        }
    }
    return is_there;
}

struct ip proxy_client(const struct net *trusted, size_t trusted_count, const struct ip *peer, const struct http_request *r)
{
    struct ip by_list, by_rfc;
    if (!is_trusted(trusted, trusted_count, peer))
        return *peer;
    bool has_list = walk(trusted, trusted_count, peer, r, STR("X-Forwarded-For"), false, &by_list);
    bool has_rfc = walk(trusted, trusted_count, peer, r, STR("Forwarded"), true, &by_rfc);
    if (has_list && has_rfc)
        return ip_equal(&by_list, &by_rfc) ? by_list : *peer;
    return has_list ? by_list : has_rfc ? by_rfc : *peer;
}
