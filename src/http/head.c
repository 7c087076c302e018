#include "http/head.h"

#include "base/limits.h"
#include "http/address.h"
#include "http/answer.h"

// Every LF has its CR, no line goes on in the next one, no NUL. llhttp takes a bare LF behind the request
// line and as the last line, and joins folded lines.
static const char *check_lines(str raw)
{
    if (memchr(raw.p, 0, raw.n))
        return "a NUL byte in the request head";
    for (const char *p = raw.p, *end = raw.p + raw.n; (p = memchr(p, '\n', (size_t)(end - p))); p++) {
        if (p == raw.p || p[-1] != '\r')
            return "a line of the request head ends in LF without CR";
        if (p + 1 < end && (p[1] == ' ' || p[1] == '\t'))
            return "a header line is folded";
    }
    return NULL;
}

// Exactly "METHOD target HTTP/1.x": llhttp allows several blanks, RTSP, and a line without version.
static const char *check_request_line(const struct head *head, bool *is_http_10)
{
    str line = str_sub(head->raw, 0, (size_t)(memchr(head->raw.p, '\r', head->raw.n) ? (const char *)memchr(head->raw.p, '\r', head->raw.n) - head->raw.p : 0));
    size_t method_n = strlen(head->method);
    if (head->target.at != method_n + 1 || line.n != method_n + 1 + head->target.n + 9 || head->target.n == 0)
        return "the request line is not \"METHOD target HTTP/1.1\"";
    str version = str_skip(line, method_n + 1 + head->target.n);
    *is_http_10 = str_eq(version, STR(" HTTP/1.0"));
    if (!*is_http_10 && !str_eq(version, STR(" HTTP/1.1")))
        return "only HTTP/1.1 and HTTP/1.0 are spoken here";
    return NULL;
}

static bool is_host_text(str host)
{
    if (host.n == 0 || host.n > 255 + 6)
        return false;
    ptrdiff_t colon = str_find_last_char(host, ':');
    str name = host, port = { 0 };
    bool is_v6 = host.p[0] == '[';
    if (is_v6) {
        ptrdiff_t end = str_find_char(host, ']');
        struct ip ip;
        if (end < 0 || !ip_parse(str_sub(host, 1, (size_t)end - 1), &ip))
            return false;
        port = str_skip(host, (size_t)end + 1);
        if (port.n == 0)
            return true;
        if (port.p[0] != ':')
            return false;
        port = str_skip(port, 1);
    } else if (colon >= 0) {
        name = str_sub(host, 0, (size_t)colon);
        port = str_skip(host, (size_t)colon + 1);
    }
    if (port.n > 5 || name.n == 0)
        return false;
    for (size_t i = 0; i < port.n; i++)
        if (port.p[i] < '0' || port.p[i] > '9')
            return false;
    if (is_v6)
        return true;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!fits)
            return false;
    }
    return true;
}

// "/path?query", or the absolute form of a client that takes us for its proxy: allowed (RFC 9112 section 3.2.2)
// where it names the same host as the Host header, for else the two could be routed differently.
static const char *check_target(struct http_request *r, str host, struct head_facts *facts)
{
    str rest = r->target;
    if (memchr(rest.p, '#', rest.n))
        return "the target has a fragment";
    if (str_eq(rest, STR("*")) && str_eq(r->method, STR("OPTIONS"))) {
        facts->is_asterisk = true;
        r->path = STR("/");
        r->query = STR("");
        return NULL;
    }
    if (rest.p[0] != '/') {
        size_t scheme_n = str_starts_nocase(rest, STR("http://")) ? 7 : str_starts_nocase(rest, STR("https://")) ? 8 : 0;
        if (!scheme_n)
            return "the target is not a path";
        rest = str_skip(rest, scheme_n);
        size_t n = 0;
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
            n++;
        if (!str_eq_nocase(str_sub(rest, 0, n), host))
            return "the target names another host than the Host header";
        rest = str_skip(rest, n);
        if (rest.n == 0)
            rest = STR("/");
        if (rest.p[0] != '/')
            return "the target has no path";
    }
    ptrdiff_t mark = str_find_char(rest, '?');
    r->path = mark < 0 ? rest : str_sub(rest, 0, (size_t)mark);
    r->query = mark < 0 ? STR("") : str_skip(rest, (size_t)mark + 1);
    return NULL;
}

int head_check(const struct head *head, struct arena *a, struct http_request *r, struct head_facts *facts, const char **why)
{
    *facts = (struct head_facts){ 0 };
    if ((*why = check_lines(head->raw)))
        return 400;
    if ((*why = check_request_line(head, &facts->is_http_10)))
        return 400;

    r->method = str_from(head->method);
    r->target = str_sub(head->raw, head->target.at, head->target.n);
    r->headers = ARENA_ARRAY(a, struct http_header, MAX(head->header_count, (size_t)1));
    r->header_count = head->header_count;

    size_t hosts = 0, lengths = 0, encodings = 0;
    str host = { 0 }, length = { 0 }, encoding = { 0 };
    bool keeps_alive = false, is_unknown_expectation = false;
    for (size_t i = 0; i < head->header_count; i++) {
        str name = str_sub(head->raw, head->names[i].at, head->names[i].n);
        str value = str_trim(str_sub(head->raw, head->values[i].at, head->values[i].n));
        if (value.n == 0)
            value = STR("");
        r->headers[i] = (struct http_header){ name, value };
        switch (name.n) {
        case 0: return *why = "a header has no name", 400;
        case 4:
            if (str_eq_nocase(name, STR("Host")))
                hosts++, host = value;
            break;
        case 6:
            if (str_eq_nocase(name, STR("Expect"))) {
                facts->wants_continue = str_eq_nocase(value, STR("100-continue"));
                is_unknown_expectation = is_unknown_expectation || !facts->wants_continue;
            }
            break;
        case 10:
            if (str_eq_nocase(name, STR("Connection"))) {
                facts->wants_close = facts->wants_close || answer_list_has(value, STR("close"));
                keeps_alive = keeps_alive || answer_list_has(value, STR("keep-alive"));
            }
            break;
        case 14:
            if (str_eq_nocase(name, STR("Content-Length")))
                lengths++, length = value;
            break;
        case 17:
            if (str_eq_nocase(name, STR("Transfer-Encoding")))
                encodings++, encoding = value;
            break;
        }
    }

    if (hosts != 1)
        return *why = hosts ? "more than one Host header" : "the Host header is missing", 400;
    if (!is_host_text(host))
        return *why = "the Host header is not a host with an optional port", 400;
    if (lengths > 1)
        return *why = "more than one Content-Length", 400;
    if (lengths && encodings)
        return *why = "both Content-Length and Transfer-Encoding", 400;
    if (encodings && (encodings > 1 || !str_eq_nocase(encoding, STR("chunked"))))
        return *why = "the only Transfer-Encoding understood is a single \"chunked\"", 400;
    if (encodings && facts->is_http_10)
        return *why = "Transfer-Encoding in an HTTP/1.0 request", 400;
    if (lengths) {
        // Digits only; str_to_u64 takes nothing else.
        if (!str_to_u64(length, &r->declared_bytes))
            return *why = "the Content-Length is not a number", 400;
        r->has_length = true;
    }
    if ((*why = check_target(r, host, facts)))
        return 400;
    // HTTP/1.0 knows no expectations (RFC 9110 section 10.1.1).
    if (facts->is_http_10)
        facts->wants_continue = false;
    else if (is_unknown_expectation)
        return *why = "the only expectation met here is 100-continue", 417;
    facts->is_chunked = encodings == 1;
    facts->wants_close = facts->wants_close || (facts->is_http_10 && !keeps_alive);
    return 0;
}
