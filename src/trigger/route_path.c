#include "trigger/route.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte written as %XX at s.p[at], or -1; a slash counts as none.
static int escaped_byte(str s, size_t at)
{
    if (at + 2 >= s.n || s.p[at] != '%')
        return -1;
    int high = hex_value(s.p[at + 1]), low = hex_value(s.p[at + 2]);
    return high < 0 || low < 0 || (high << 4 | low) == '/' ? -1 : high << 4 | low;
}

// Decodes the character whose first escape stands at `at`. False: it stays as it was sent, as far as *next (what is
// left of a broken character decodes to nothing either).
static bool decode_char(str s, size_t at, char out[4], size_t *bytes, size_t *next)
{
    int first = escaped_byte(s, at);
    *next = at + (first < 0 ? 1 : 3);
    if (first < 0)
        return false;
    out[0] = (char)first;
    size_t want = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    for (*bytes = 1; *bytes < want; ++*bytes, *next += 3) {
        int more = escaped_byte(s, *next);
        if (more < 0 || more >> 6 != 2)
            return false;
        out[*bytes] = (char)more;
    }
    return want > 0 && str_is_utf8((str){ out, want });
}

// RFC 3986 section 5.2.4, in place, on a path that starts with a slash.
static size_t remove_dot_segments(char *p, size_t n)
{
    size_t used = 0;
    for (size_t at = 0; at < n;) {
        size_t end = at + 1;
        while (end < n && p[end] != '/')
            end++;
        size_t length = end - at; // with its leading slash
        bool is_dot = length == 2 && p[at + 1] == '.';
        bool is_dots = length == 3 && p[at + 1] == '.' && p[at + 2] == '.';
        if (is_dots)
            while (used > 0 && p[--used] != '/')
                ;
        if (is_dot || is_dots) {
            if (end == n)
                p[used++] = '/';
        } else {
            memmove(p + used, p + at, length);
            used += length;
        }
        at = end;
    }
    if (!used)
        p[used++] = '/';
    return used;
}

bool route_path(struct arena *a, str raw, str *out, struct err *e)
{
    if (!raw.n || raw.p[0] != '/')
        return err_set(e, ERR_INVALID, "the path does not start with /");
    char *p = arena_bytes(a, raw.n + 1);
    size_t used = 0;
    for (size_t at = 0; at < raw.n;) {
        if ((uint8_t)raw.p[at] >= 0x80 || raw.p[at] == '\0')
            return err_set(e, ERR_INVALID, "the path holds the byte 0x%02x; it must be sent as %%%02X", (uint8_t)raw.p[at], (uint8_t)raw.p[at]);
        if (raw.p[at] != '%') {
            p[used++] = raw.p[at++];
            continue;
        }
        char decoded[4];
        size_t bytes = 0, next;
        if (!decode_char(raw, at, decoded, &bytes, &next)) {
            memcpy(p + used, raw.p + at, next - at);
            used += next - at;
        } else if (decoded[0] == '\0') {
            return err_set(e, ERR_INVALID, "the path holds %%00");
        } else {
            memcpy(p + used, decoded, bytes);
            used += bytes;
        }
        at = next;
    }
    *out = (str){ p, remove_dot_segments(p, used) };
    return true;
}

bool route_path_under(str path, str first_segment, str *rest)
{
    str below = str_skip(path, 1);
    if (!str_starts(path, STR("/")) || !str_starts_nocase(below, first_segment))
        return false;
    below = str_skip(below, first_segment.n);
    if (below.n && below.p[0] != '/')
        return false;
    *rest = below;
    return true;
}
