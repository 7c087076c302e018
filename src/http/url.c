#include "http/address.h"
#include "http/egress.h"

#define URL_BYTES_MAX 16384
#define HOST_BYTES_MAX 253
#define LABEL_BYTES_MAX 63

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// As browsers decide (URL Standard, "ends in a number"): a host whose last label is a number, also 0x..., is
// meant as an IPv4 address, whoever resolves it.
static bool ends_in_number(str host)
{
    if (str_ends(host, STR(".")))
        host.n--;
    ptrdiff_t dot = str_find_last_char(host, '.');
    str last = str_skip(host, (size_t)(dot + 1));
    if (last.n == 0)
        return false;
    bool is_decimal = true;
    for (size_t i = 0; i < last.n; i++)
        is_decimal = is_decimal && is_digit(last.p[i]);
    if (is_decimal)
        return true;
    if (!str_starts_nocase(last, STR("0x")))
        return false;
    for (size_t i = 2; i < last.n; i++)
        if (!strchr("0123456789abcdefABCDEF", last.p[i]))
            return false;
    return true;
}

static bool set_address(struct arena *a, const struct ip *ip, struct url *out)
{
    char text[IP_TEXT_BYTES];
    ip_write(ip, text);
    out->host = arena_str(a, str_from(text));
    out->is_address = true;
    return true;
}

static bool parse_v6(struct arena *a, str host, struct url *out, struct err *e)
{
    struct ip ip;
    if (str_has(host, '%'))
        return err_set(e, ERR_INVALID, "an IPv6 address in a URL must not name a zone (%%...)");
    // ip_parse takes dotted quads too, which do not belong in brackets.
    if (!str_has(host, ':') || !ip_parse(host, &ip))
        return err_set(e, ERR_INVALID, "\"[%.*s]\" is not an IPv6 address", STR_ARG(str_sub(host, 0, 60)));
    return set_address(a, &ip, out);
}

static bool parse_name(struct arena *a, str host, struct url *out, struct err *e)
{
    if (ends_in_number(host)) {
        struct ip ip;
        if (!ip_parse(host, &ip))
            return err_set(e, ERR_INVALID, "\"%.*s\" looks like an IPv4 address in an odd spelling; write it as four decimal numbers, like 192.0.2.7",
                           STR_ARG(str_sub(host, 0, 60)));
        return set_address(a, &ip, out);
    }
    if (str_ends(host, STR(".")))
        host.n--; // the root: the same name
    if (host.n > HOST_BYTES_MAX)
        return err_set(e, ERR_INVALID, "the host name is longer than %d characters", HOST_BYTES_MAX);
    char *lower = arena_bytes(a, host.n + 1);
    size_t label_n = 0;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c == '.' && label_n == 0)
            return err_set(e, ERR_INVALID, "the host name has an empty label");
        bool fits = (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.';
        if (!fits && (c & 0x80))
            return err_set(e, ERR_INVALID, "the host name must be ASCII; write an international one in its xn-- form");
        if (!fits)
            return err_set(e, ERR_INVALID, "the host name must hold only letters, digits, - and _ between its dots");
        label_n = c == '.' ? 0 : label_n + 1;
        if (label_n > LABEL_BYTES_MAX)
            return err_set(e, ERR_INVALID, "a label of the host name is longer than %d characters", LABEL_BYTES_MAX);
        lower[i] = c;
    }
    lower[host.n] = 0;
    if (host.n == 0)
        return err_set(e, ERR_INVALID, "the URL has no host");
    if (label_n == 0)
        return err_set(e, ERR_INVALID, "the host name has an empty label");
    out->host = (str){ lower, host.n };
    return true;
}

static bool parse_authority(struct arena *a, str authority, struct url *out, struct err *e)
{
    if (str_has(authority, '@'))
        return err_set(e, ERR_INVALID, "a URL must not hold a user name or password; use a header, with a secret");
    str host = authority, port = { 0 };
    if (str_starts(authority, STR("["))) {
        ptrdiff_t end = str_find_char(authority, ']');
        if (end < 0)
            return err_set(e, ERR_INVALID, "the [ of an IPv6 address has no ]");
        host = str_sub(authority, 1, (size_t)end - 1);
        str rest = str_skip(authority, (size_t)end + 1);
        if (rest.n && rest.p[0] != ':')
            return err_set(e, ERR_INVALID, "only a port may follow the ] of an IPv6 address");
        port = rest.n ? str_skip(rest, 1) : port;
        if (rest.n && port.n == 0)
            return err_set(e, ERR_INVALID, "the port is empty");
        if (!parse_v6(a, host, out, e))
            return false;
    } else {
        ptrdiff_t colon = str_find_char(authority, ':');
        if (colon >= 0) {
            host = str_sub(authority, 0, (size_t)colon);
            port = str_skip(authority, (size_t)colon + 1);
            if (port.n == 0)
                return err_set(e, ERR_INVALID, "the port is empty");
        }
        if (!parse_name(a, host, out, e))
            return false;
    }
    if (port.n) {
        int64_t number = 0;
        bool is_plain = port.n <= 5 && port.p[0] != '0';
        for (size_t i = 0; i < port.n; i++)
            is_plain = is_plain && is_digit(port.p[i]);
        if (!is_plain || !str_to_i64(port, &number) || number < 1 || number > 65535)
            return err_set(e, ERR_INVALID, "the port must be a number from 1 to 65535");
        out->port = (int)number;
    }
    return true;
}

static bool parse_path(struct arena *a, str text, struct url *out, struct err *e)
{
    ptrdiff_t fragment = str_find_char(text, '#');
    if (fragment >= 0)
        text = str_sub(text, 0, (size_t)fragment);
    char *at = arena_bytes(a, 3 * text.n + 2), *start = at;
    if (text.n == 0 || text.p[0] == '?')
        *at++ = '/';
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\\')
            return err_set(e, ERR_INVALID, "a URL must not hold a backslash; write / or %%5C");
        if (c >= 0x80) {
            static const char hex[] = "0123456789ABCDEF";
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        } else {
            *at++ = (char)c;
        }
    }
    *at = 0;
    out->path_and_query = (str){ start, (size_t)(at - start) };
    return true;
}

bool url_parse(struct arena *a, str text, struct url *out, struct err *e)
{
    struct url url = { 0 };
    if (text.n == 0)
        return err_set(e, ERR_INVALID, "the URL is empty");
    if (text.n > URL_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "the URL is longer than %d bytes", URL_BYTES_MAX);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
            return err_set(e, ERR_INVALID, "the URL holds a blank or a control character; percent-encode it");
    if (!str_is_utf8(text))
        return err_set(e, ERR_INVALID, "the URL is not valid UTF-8");
    if (str_starts_nocase(text, STR("http://"))) {
        url.scheme = STR("http");
        url.port = 80;
    } else if (str_starts_nocase(text, STR("https://"))) {
        url.scheme = STR("https");
        url.port = 443;
    } else {
        return err_set(e, ERR_INVALID, "the URL must begin with http:// or https://");
    }
    str rest = str_skip(text, url.scheme.n + 3);
    size_t n = 0;
    while (n < rest.n && !strchr("/?#", rest.p[n]))
        n++;
    str authority = str_sub(rest, 0, n);
    if (authority.n == 0)
        return err_set(e, ERR_INVALID, "the URL has no host");
    if (str_has(authority, '\\'))
        return err_set(e, ERR_INVALID, "a URL must not hold a backslash");
    if (!parse_authority(a, authority, &url, e) || !parse_path(a, str_skip(rest, n), &url, e))
        return false;
    *out = url;
    return true;
}

bool url_is_same_server(struct arena *a, str x, str y)
{
    struct url u, v;
    return url_parse(a, x, &u, NULL) && url_parse(a, y, &v, NULL) && str_eq(u.scheme, v.scheme) && str_eq(u.host, v.host) && u.port == v.port;
}
