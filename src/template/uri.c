#include "template/uri.h"

#include "base/buf.h"
#include "template/chars.h"

#include <arpa/inet.h>

static const struct scheme {
    const char *name;
    int port;
    enum { NEEDS_AUTHORITY = 1, NO_QUERY = 2, NO_USER = 4, NO_PORT = 8, MAY_LACK_HOST = 16, RAW_PATH = 32 } traits;
} schemes[] = {
    { "http", 80, NEEDS_AUTHORITY },
    { "https", 443, NEEDS_AUTHORITY },
    { "ftp", 21, NEEDS_AUTHORITY | NO_QUERY },
    { "ws", 80, NEEDS_AUTHORITY },
    { "wss", 443, NEEDS_AUTHORITY },
    { "gopher", 70, NEEDS_AUTHORITY | NO_QUERY | RAW_PATH },
    { "telnet", 23, NEEDS_AUTHORITY | NO_QUERY | RAW_PATH },
    { "nntp", 119, NEEDS_AUTHORITY | NO_QUERY | RAW_PATH },
    { "net.tcp", 808, NEEDS_AUTHORITY | NO_USER },
    { "net.pipe", -1, NEEDS_AUTHORITY | NO_USER | NO_PORT },
    { "ldap", 389, NEEDS_AUTHORITY | MAY_LACK_HOST | RAW_PATH },
    { "file", -1, NEEDS_AUTHORITY | NO_USER | NO_PORT | MAY_LACK_HOST },
    { "mailto", 25, MAY_LACK_HOST },
    { "news", -1, NO_QUERY },
    { "uuid", -1, NO_QUERY },
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

// In brackets; a scope (%eth0) belongs to the safe name only, a prefix's length (/64) to nothing.
static bool parse_ipv6(struct arena *a, str host, struct uri *u)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    if (host.n < 4 || host.p[host.n - 1] != ']')
        return false;
    str address = str_sub(host, 1, host.n - 2), prefix = { 0 };
    ptrdiff_t slash = str_find_char(address, '/');
    if (slash >= 0) {
        uint64_t bits;
        prefix = str_skip(address, (size_t)slash + 1);
        address = str_sub(address, 0, (size_t)slash);
        if (!prefix.n || prefix.n > 4 || !is_digit(*prefix.p) || !str_to_u64(prefix, &bits))
            return false;
    }
    ptrdiff_t percent = str_find_char(address, '%');
    str scope = percent < 0 ? STR("") : str_skip(address, (size_t)percent);
    if (inet_pton(AF_INET6, arena_cstr(a, str_sub(address, 0, address.n - scope.n)), bytes) != 1)
        return false;
    inet_ntop(AF_INET6, bytes, text, sizeof text);
    u->host = arena_printf(a, "[%s]", text);
    u->scope = arena_str(a, scope);
    u->host_type = URI_HOST_IPV6;
    u->is_loopback = str_eq(u->host, STR("[::1]"));
    return true;
}

static bool parse_host(struct arena *a, str host, bool is_known, struct uri *u)
{
    if (host.n && *host.p == '[')
        return parse_ipv6(a, host, u);
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
        if (str_eq(u->host, STR("loopback")))
            u->host = STR("localhost");
        u->is_loopback = str_eq(u->host, STR("localhost"));
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

// known: NULL for a scheme that is not.
static bool parse_authority(struct arena *a, str s, const struct scheme *known, struct uri *u)
{
    int traits = known ? (int)known->traits : 0;
    ptrdiff_t at = str_find_char(s, '@');
    if (at >= 0) {
        if (traits & NO_USER)
            return false;
        u->has_user_info = true;
        u->user_info = escaped(a, str_sub(s, 0, (size_t)at), false);
        s = str_skip(s, (size_t)at + 1);
    }
    ptrdiff_t close = s.n && *s.p == '[' ? str_find_char(s, ']') : -1;
    ptrdiff_t colon = str_find_char(str_skip(s, close > 0 ? (size_t)close : 0), ':');
    if (colon >= 0) {
        if (traits & NO_PORT)
            return false;
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
        return parse_host(a, s, known != NULL, u);
    u->host = STR("");
    u->host_type = URI_HOST_BASIC;
    u->is_loopback = true;
    return !u->has_user_info && colon < 0 && (!known || traits & MAY_LACK_HOST);
}

// Ends at a path, a query, a fragment; or behind a bracket that no port follows.
static size_t authority_length(str s, bool is_known)
{
    size_t n = 0;
    if (s.n && *s.p == '[' && str_has(s, ']')) {
        n = (size_t)str_find_char(s, ']') + 1;
        if (n < s.n && s.p[n] != ':')
            return n;
    }
    while (n < s.n && (!s.p[n] || !strchr(is_known ? "/\\?#" : "/?#", s.p[n])))
        n++;
    return n;
}

// A raw path keeps its dots and backslashes.
static void parse_rest(struct arena *a, str s, struct uri *u, bool is_raw, bool has_query)
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
    u->path = escaped(a, s, !is_raw);
    if (!has_query && str_has(u->path, '?')) {
        CLEANUP(buf_fini) struct buf path = { 0 };
        for (str rest = u->path, part; str_split(&rest, '?', &part);) {
            buf_add(&path, part);
            buf_add_text(&path, rest.p ? "%3F" : "");
        }
        u->path = arena_str(a, buf_str(&path));
    }
    if (!is_raw && !u->is_dos_path)
        u->path = u->path.n ? remove_dots(a, u->path) : STR("/");
    else if (u->is_dos_path)
        u->path = arena_concat(a, str_sub(u->path, 0, 2), remove_dots(a, str_skip(u->path, 2)));
}

static bool has_drive(str s)
{
    return s.n > 1 && is_letter(s.p[0]) && (s.p[1] == ':' || s.p[1] == '|');
}

static bool is_dos_path(str s)
{
    return has_drive(s) && s.n > 2 && (s.p[2] == '/' || s.p[2] == '\\');
}

static bool is_needless_escape(str s, size_t i)
{
    return is_escape(s, i) && is_unreserved(hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2]));
}

// A path as it stands: ? and # are characters of names. So is %, unless something in the path makes System.Uri
// read it as an IRI: then escapes are escapes.
static str bare_path(struct arena *a, str s)
{
    CLEANUP(buf_fini) struct buf name = { 0 };
    bool is_iri = false;
    for (size_t i = 0; i < s.n; i++)
        is_iri |= (unsigned char)s.p[i] >= 128 || is_needless_escape(s, i);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c && strchr("?#%", c) && !(is_iri && is_escape(s, i)))
            buf_printf(&name, "%%%02X", (unsigned char)c);
        else
            buf_add_char(&name, c);
    }
    return arena_str(a, buf_str(&name));
}

// Behind "file:" and, unless a drive follows, "//"; or a path of Windows.
static bool parse_file(struct arena *a, const struct scheme *file, str rest, bool is_bare, struct uri *u)
{
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
        if (is_bare)
            local = bare_path(a, local);
        parse_rest(a, local, u, false, true);
        return true;
    }
    if (!is_bare && has_drive(local))
        return false;
    size_t n = authority_length(rest, true);
    if (!parse_authority(a, str_sub(rest, 0, n), file, u))
        return false;
    u->is_unc = u->host.n > 0;
    u->is_loopback |= !u->host.n;
    parse_rest(a, is_bare ? bare_path(a, str_skip(rest, n)) : str_skip(rest, n), u, false, true);
    return true;
}

static bool parse_mailto(struct arena *a, const struct scheme *mailto, str rest, struct uri *u)
{
    size_t n = authority_length(rest, true);
    if ((n < rest.n && n && rest.p[n] == '\\') || !parse_authority(a, str_sub(rest, 0, n), mailto, u))
        return false;
    parse_rest(a, str_skip(rest, n), u, true, true);
    return true;
}

static const struct scheme *find_scheme(str name)
{
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (str_eq(name, str_from(schemes[i].name)))
            return &schemes[i];
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v' && c != '\f');
}

static str trim_blanks(str s)
{
    while (s.n && is_blank(*s.p))
        s = str_skip(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool uri_parse(struct arena *a, str text, struct uri *u)
{
    *u = (struct uri){ .port = -1, .default_port = -1 };
    str s = trim_blanks(text);
    if (is_dos_path(s))
        return parse_file(a, find_scheme(STR("file")), s, true, u);
    if (str_starts(text, STR("\\\\")) && s.n > 2) {
        while (s.n && (*s.p == '\\' || *s.p == '/'))
            s = str_skip(s, 1);
        return parse_file(a, find_scheme(STR("file")), s, true, u);
    }

    size_t n = 0;
    while (n < s.n && (is_letter(s.p[n]) || (n && (is_digit(s.p[n]) || strchr("+-.", s.p[n])))))
        n++;
    if (!n || n >= s.n || s.p[n] != ':')
        return true; // relative
    if (n < 2)
        return s.n == 2;
    str scheme = chars_to_lower(a, str_sub(s, 0, n)), rest = str_skip(s, n + 1);
    bool has_slashes = rest.n > 1 && (rest.p[0] == '/' || rest.p[0] == '\\') && (rest.p[1] == '/' || rest.p[1] == '\\');
    const struct scheme *known = find_scheme(scheme);
    bool is_file = str_eq(scheme, STR("file"));
    if (known && known->traits & NEEDS_AUTHORITY && !has_slashes && !(is_file && has_drive(rest)))
        return true; // relative, says System.Uri

    u->scheme = scheme;
    u->is_absolute = true;
    u->has_authority = has_slashes && !str_eq(scheme, STR("mailto"));
    u->port = u->default_port = known ? known->port : -1;
    if (is_file)
        return parse_file(a, known, str_skip(rest, has_slashes ? 2 : 0), false, u);
    if (str_eq(scheme, STR("mailto")))
        return parse_mailto(a, known, rest, u);
    bool has_query = !known || !(known->traits & NO_QUERY);
    if (!has_slashes) {
        u->host = STR("");
        parse_rest(a, rest, u, true, has_query);
        return true;
    }
    rest = str_skip(rest, 2);
    size_t end = authority_length(rest, known != NULL);
    if (!parse_authority(a, str_sub(rest, 0, end), known, u))
        return false;
    if (end < rest.n && rest.p[end] == '\\')
        return false; // a backslash is a slash only further on
    rest = str_skip(rest, end);
    if (rest.n && !strchr(has_query ? "/\\?#" : "/\\#", *rest.p))
        rest = arena_concat(a, STR("/"), rest);
    bool is_raw = known && known->traits & RAW_PATH;
    parse_rest(a, rest, u, is_raw, has_query);
    if (is_raw && !u->path.n)
        u->path = STR("/");
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
