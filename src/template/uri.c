#include "template/uri.h"

#include "base/buf.h"
#include "template/chars.h"

#include <arpa/inet.h>

static const struct scheme {
    const char *name;
    int port;
    bool needs_authority, has_no_query;
} schemes[] = {
    { "http", 80, true },    { "https", 443, true }, { "ftp", 21, true, true },      { "ws", 80, true },       { "wss", 443, true },   { "gopher", 70, true, true },
    { "telnet", 23, true, true },  { "nntp", 119, true, true },  { "net.tcp", 808, true }, { "net.pipe", -1, true }, { "ldap", 389, true },  { "file", -1, true },
    { "mailto", 25, false }, { "news", -1, false },  { "uuid", -1, false },
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_escape(str s, size_t i)
{
    return i + 2 < s.n && s.p[i] == '%' && hex_value(s.p[i + 1]) >= 0 && hex_value(s.p[i + 2]) >= 0;
}

static bool is_unreserved(int c)
{
    return (c < 128 && (is_letter((char)c) || is_digit((char)c))) || (c && c < 128 && strchr("-._~", c));
}

// Escapes what may not stand there, unescapes what need not be escaped.
static void add_escaped(struct buf *out, str s, bool turns_backslash)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_escape(s, i)) {
            int value = hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2]);
            if (is_unreserved(value))
                buf_add_char(out, (char)value);
            else
                buf_add(out, str_sub(s, i, 3));
            i += 2;
        } else if (c == '\\' && turns_backslash) {
            buf_add_char(out, '/');
        } else if (is_unreserved(c) || (c && c < 128 && strchr(";/?:@&=+$,#[]!'()*", c))) {
            buf_add_char(out, (char)c);
        } else {
            buf_printf(out, "%%%02X", c);
        }
    }
}

static str escaped(struct arena *a, str s, bool turns_backslash)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    add_escaped(&out, s, turns_backslash);
    return arena_str(a, buf_str(&out));
}

// RFC 3986 section 5.2.4, in place: the path begins with "/".
static str remove_dots(struct arena *a, str path)
{
    char *p = arena_bytes(a, path.n + 1);
    size_t n = 0;
    for (str rest = path; rest.n;) {
        ptrdiff_t next = str_find_char(str_skip(rest, 1), '/');
        str segment = next < 0 ? rest : str_sub(rest, 0, (size_t)next + 1);
        rest = str_skip(rest, segment.n);
        bool is_one = str_eq(segment, STR("/.")), is_two = str_eq(segment, STR("/.."));
        if (is_two)
            while (n && p[--n] != '/')
                ;
        if (!is_one && !is_two) {
            memcpy(p + n, segment.p, segment.n);
            n += segment.n;
        } else if (!rest.n) {
            p[n++] = '/';
        }
    }
    return (str){ p, n };
}

// One to four numbers, decimal, octal or hexadecimal; the last fills what is left.
static bool parse_ipv4(str s, uint32_t *out)
{
    uint64_t parts[4];
    int count = 0;
    for (str rest = s, part; str_split(&rest, '.', &part);) {
        if (count == 4 || !part.n)
            return false;
        unsigned base = 10;
        if (part.n > 1 && *part.p == '0') {
            base = (part.p[1] | 32) == 'x' ? 16 : 8;
            part = str_skip(part, base == 16 ? 2 : 1);
        }
        uint64_t v = 0;
        for (size_t i = 0; i < part.n; i++) {
            int digit = hex_value(part.p[i]);
            if (digit < 0 || (unsigned)digit >= base || v > UINT32_MAX)
                return false;
            v = v * base + (unsigned)digit;
        }
        if (!part.n && base == 16)
            return false;
        parts[count++] = v;
    }
    if (!count)
        return false;
    uint64_t address = 0;
    for (int i = 0; i < count - 1; i++) {
        if (parts[i] > 255)
            return false;
        address |= parts[i] << (24 - 8 * i);
    }
    if (parts[count - 1] >= UINT64_C(1) << (8 * (5 - count)))
        return false;
    *out = (uint32_t)(address | parts[count - 1]);
    return true;
}

static bool is_dns_name(str s)
{
    for (str rest = s, label; str_split(&rest, '.', &label);) {
        if (!label.n)
            return !rest.p && s.n > 1; // one dot at the end
        if (label.n > 63 || !(is_letter(*label.p) || is_digit(*label.p) || *label.p == '_' || (unsigned char)*label.p >= 128))
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!(is_letter(label.p[i]) || is_digit(label.p[i]) || label.p[i] == '-' || label.p[i] == '_' || (unsigned char)label.p[i] >= 128))
                return false;
    }
    return true;
}

static bool has_four_parts(str s)
{
    int dots = 0;
    for (size_t i = 0; i < s.n; i++)
        dots += s.p[i] == '.';
    return dots == 3;
}

static bool parse_host(struct arena *a, str host, bool is_known, struct uri *u)
{
    if (host.n && *host.p == '[') {
        unsigned char bytes[16];
        char text[INET6_ADDRSTRLEN];
        if (host.n < 4 || host.p[host.n - 1] != ']' || inet_pton(AF_INET6, arena_cstr(a, str_sub(host, 1, host.n - 2)), bytes) != 1)
            return false;
        inet_ntop(AF_INET6, bytes, text, sizeof text);
        u->host = arena_printf(a, "[%s]", text);
        u->host_type = URI_HOST_IPV6;
        u->is_loopback = str_eq(u->host, STR("[::1]"));
        return true;
    }
    uint32_t address;
    if ((is_known || has_four_parts(host)) && parse_ipv4(host, &address)) {
        u->host = arena_printf(a, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
        u->host_type = URI_HOST_IPV4;
        u->is_loopback = address >> 24 == 127;
        return true;
    }
    u->host = chars_to_lower(a, host);
    if (is_dns_name(host)) {
        u->host_type = URI_HOST_DNS;
        u->is_loopback = str_eq(u->host, STR("localhost")) || str_eq(u->host, STR("loopback"));
        return true;
    }
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (!is_letter(c) && !is_digit(c) && (unsigned char)c < 128 && !(c && strchr("-_.", c)))
            return false;
        if (c == '.' && i + 1 < host.n && host.p[i + 1] == '.')
            return false;
    }
    u->host_type = URI_HOST_BASIC;
    return host.n > 0;
}

static bool parse_authority(struct arena *a, str s, bool is_known, struct uri *u)
{
    ptrdiff_t at = str_find_last_char(s, '@');
    if (at >= 0) {
        u->has_user_info = true;
        u->user_info = escaped(a, str_sub(s, 0, (size_t)at), false);
        s = str_skip(s, (size_t)at + 1);
    }
    ptrdiff_t close = s.n && *s.p == '[' ? str_find_char(s, ']') : -1;
    ptrdiff_t colon = str_find_char(str_skip(s, close > 0 ? (size_t)close : 0), ':');
    if (colon >= 0) {
        size_t cut = (size_t)colon + (close > 0 ? (size_t)close : 0);
        str port = str_skip(s, cut + 1);
        uint64_t value = 0;
        if (port.n && (port.n > 10 || !is_digit(*port.p) || !str_to_u64(port, &value) || value > 65535))
            return false;
        if (port.n)
            u->port = (int)value;
        s = str_sub(s, 0, cut);
    }
    if (s.n)
        return parse_host(a, s, is_known, u);
    u->host = STR("");
    u->host_type = URI_HOST_BASIC;
    u->is_loopback = true;
    return !u->has_user_info && colon < 0;
}

static void parse_rest(struct arena *a, str s, struct uri *u, bool is_hierarchical, bool has_query)
{
    ptrdiff_t hash = str_find_char(s, '#');
    u->fragment = STR("");
    if (hash >= 0) {
        u->fragment = escaped(a, str_skip(s, (size_t)hash), false);
        s = str_sub(s, 0, (size_t)hash);
    }
    ptrdiff_t question = has_query ? str_find_char(s, '?') : -1;
    u->query = STR("");
    if (question >= 0) {
        u->query = escaped(a, str_skip(s, (size_t)question), false);
        s = str_sub(s, 0, (size_t)question);
    }
    u->path = escaped(a, s, is_hierarchical);
    if (!has_query && str_has(u->path, '?')) {
        CLEANUP(buf_fini) struct buf path = { 0 };
        for (str rest = u->path, part; str_split(&rest, '?', &part);) {
            buf_add(&path, part);
            buf_add_text(&path, rest.p ? "%3F" : "");
        }
        u->path = arena_str(a, buf_str(&path));
    }
    if (is_hierarchical && !u->is_dos_path)
        u->path = u->path.n ? remove_dots(a, u->path) : STR("/");
    else if (u->is_dos_path)
        u->path = arena_concat(a, str_sub(u->path, 0, 2), remove_dots(a, str_skip(u->path, 2)));
}

static bool is_dos_path(str s)
{
    return s.n > 2 && is_letter(s.p[0]) && (s.p[1] == ':' || s.p[1] == '|') && (s.p[2] == '/' || s.p[2] == '\\');
}

static bool parse_file(struct arena *a, str rest, bool is_bare, struct uri *u)
{
    // behind "file://", or a path of Windows
    u->scheme = STR("file");
    u->is_file = u->is_absolute = u->has_authority = true;
    u->port = u->default_port = -1;
    size_t slashes = 0;
    while (slashes < rest.n && (rest.p[slashes] == '/' || rest.p[slashes] == '\\'))
        slashes++;
    str local = str_skip(rest, slashes);
    u->is_dos_path = is_dos_path(local);
    if (u->is_dos_path) {
        u->host = STR("");
        u->host_type = URI_HOST_BASIC;
        u->is_loopback = true;
        if (is_bare) {
            // A path as it stands: ?, # and % are characters of names.
            CLEANUP(buf_fini) struct buf name = { 0 };
            for (size_t i = 0; i < local.n; i++)
                if (strchr("?#%", local.p[i]) && local.p[i])
                    buf_printf(&name, "%%%02X", (unsigned char)local.p[i]);
                else
                    buf_add_char(&name, local.p[i]);
            local = arena_str(a, buf_str(&name));
        }
        parse_rest(a, local, u, true, true);
        return true;
    }
    size_t n = 0;
    while (n < rest.n && !strchr("/\\?#", rest.p[n]))
        n++;
    // Neither port nor user.
    if (!parse_authority(a, str_sub(rest, 0, n), true, u) || u->port >= 0 || u->has_user_info)
        return false;
    u->is_unc = u->host.n > 0;
    u->is_loopback |= !u->host.n;
    parse_rest(a, str_skip(rest, n), u, true, true);
    return true;
}

static bool parse_mailto(struct arena *a, str rest, struct uri *u)
{
    size_t n = 0;
    bool is_quoted = false;
    while (n < rest.n && (is_quoted || (rest.p[n] != '?' && rest.p[n] != '#')))
        is_quoted ^= rest.p[n++] == '"';
    if (rest.n && *rest.p == '/')
        n = 0;
    str address = str_sub(rest, 0, n);
    u->host = STR("");
    u->host_type = URI_HOST_BASIC;
    u->is_loopback = true;
    if (address.n) {
        ptrdiff_t at = str_find_last_char(address, '@');
        if (at < 0 || str_find_char(address, '@') != at)
            return false;
        u->is_loopback = false;
        u->has_user_info = true;
        u->user_info = escaped(a, str_sub(address, 0, (size_t)at), false);
        if (!parse_host(a, str_skip(address, (size_t)at + 1), true, u))
            return false;
    }
    parse_rest(a, str_skip(rest, n), u, false, true);
    return true;
}

bool uri_parse(struct arena *a, str text, struct uri *u)
{
    *u = (struct uri){ .port = -1, .default_port = -1 };
    str s = chars_trim(text);
    if (is_dos_path(s))
        return parse_file(a, s, true, u);
    if (str_starts(s, STR("\\\\")) && s.n > 2)
        return parse_file(a, str_skip(s, 2), true, u);

    size_t n = 0;
    while (n < s.n && (is_letter(s.p[n]) || (n && (is_digit(s.p[n]) || strchr("+-.", s.p[n])))))
        n++;
    if (!n || n >= s.n || s.p[n] != ':')
        return true; // relative
    if (n < 2)
        return false;
    str scheme = chars_to_lower(a, str_sub(s, 0, n)), rest = str_skip(s, n + 1);
    bool has_slashes = rest.n > 1 && (rest.p[0] == '/' || rest.p[0] == '\\') && (rest.p[1] == '/' || rest.p[1] == '\\');
    const struct scheme *known = NULL;
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (str_eq(scheme, str_from(schemes[i].name)))
            known = &schemes[i];
    if (known && known->needs_authority && !has_slashes)
        return true; // relative, says System.Uri

    u->scheme = scheme;
    u->is_absolute = true;
    u->has_authority = has_slashes && !str_eq(scheme, STR("mailto"));
    u->port = u->default_port = known ? known->port : -1;
    if (str_eq(scheme, STR("file")))
        return parse_file(a, str_skip(rest, 2), false, u);
    if (str_eq(scheme, STR("mailto")))
        return parse_mailto(a, rest, u);
    if (!has_slashes) {
        u->host = STR("");
        parse_rest(a, rest, u, false, true);
        return true;
    }
    rest = str_skip(rest, 2);
    size_t end = 0;
    while (end < rest.n && !strchr(known ? "/\\?#" : "/?#", rest.p[end]))
        end++;
    if (!parse_authority(a, str_sub(rest, 0, end), known != NULL, u))
        return false;
    if (end < rest.n && rest.p[end] == '\\')
        return false; // a backslash is a slash only further on
    if (known && !u->host.n)
        return false;
    parse_rest(a, str_skip(rest, end), u, true, !known || !known->has_no_query);
    return true;
}

str uri_absolute(struct arena *a, const struct uri *u)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    buf_add(&out, u->scheme);
    buf_add_text(&out, u->has_authority ? "://" : ":");
    buf_add(&out, u->user_info);
    if (u->has_user_info)
        buf_add_char(&out, '@');
    buf_add(&out, u->host);
    if (u->port != u->default_port)
        buf_printf(&out, ":%d", u->port);
    if (u->is_dos_path)
        buf_add_char(&out, '/');
    buf_add(&out, u->path);
    buf_add(&out, u->query);
    buf_add(&out, u->fragment);
    return arena_str(a, buf_str(&out));
}

str uri_local_path(struct arena *a, const struct uri *u)
{
    char *p = arena_bytes(a, u->host.n + u->path.n + 3), *to = p;
    if (u->is_unc) {
        to = memcpy(to, "\\\\", 2);
        to += 2;
        memcpy(to, u->host.p, u->host.n);
        to += u->host.n;
    }
    for (size_t i = 0; i < u->path.n;) {
        // Escaped bytes that are no UTF-8 stay escaped.
        char bytes[4];
        size_t n = 0, length;
        while (n < 4 && is_escape(u->path, i + 3 * n)) {
            bytes[n] = (char)(hex_value(u->path.p[i + 3 * n + 1]) * 16 + hex_value(u->path.p[i + 3 * n + 2]));
            n++;
        }
        if (n) {
            uint32_t c = chars_decode(bytes, n, &length);
            if (c == CHARS_REPLACEMENT && length == 1) {
                memcpy(to, u->path.p + i, 3);
                to += 3;
                i += 3;
                continue;
            }
            memcpy(to, bytes, length);
            to += length;
            i += 3 * length;
            continue;
        }
        *to++ = u->path.p[i++];
    }
    if (u->is_unc || u->is_dos_path)
        for (char *c = p; c < to; c++)
            *c = *c == '/' ? '\\' : *c;
    return (str){ p, (size_t)(to - p) };
}
