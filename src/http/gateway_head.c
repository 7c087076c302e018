#include "http/gateway_head.h"

#include "base/limits.h"
#include "http/answer.h"
#include "http/egress.h"

#define HEAD_BYTES_MAX (LIMIT_HTTP_REQUEST_LINE_BYTES + LIMIT_HTTP_HEADER_BYTES)

struct reading {
    struct gateway_request *q;
    str target;
    bool is_name; // the last piece was a header's name
    bool is_complete, has_too_many, is_folded;
};

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    struct reading *r = p->data;
    r->target = r->target.n ? (str){ r->target.p, r->target.n + n } : (str){ at, n };
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    struct reading *r = p->data;
    if (!r) // a trailer's
        return 0;
    struct gateway_request *q = r->q;
    if (q->header_count == LIMIT_HTTP_HEADERS) {
        r->has_too_many = true;
        return HPE_USER;
    }
    r->is_name = true;
    q->headers[q->header_count++] = (struct http_header){ { at, n }, { at, 0 } };
    return 0;
}

// All of the head is there at once, so a value that comes in two pieces is folded over lines.
static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct reading *r = p->data;
    if (!r)
        return 0;
    if (!r->is_name) {
        r->is_folded = true;
        return HPE_USER;
    }
    r->is_name = false;
    r->q->headers[r->q->header_count - 1].value = str_trim((str){ at, n });
    return 0;
}

static int on_headers_complete(llhttp_t *p)
{
    struct reading *r = p->data;
    p->upgrade = 0; // Upgrade is between two hops; a tunnel is asked for by CONNECT, which is read no further
    r->is_complete = true;
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *p)
{
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_message_complete = on_message_complete,
};

static enum gateway_next refuse(int *status, int as, struct err *why, const char *text)
{
    *status = as;
    err_set(why, ERR_INVALID, "%s", text);
    return GATEWAY_REFUSED;
}

static enum gateway_next read_target(struct gateway_request *q, str target, struct arena *a, int *status, struct err *why)
{
    struct url url;
    if (target.n > LIMIT_HTTP_REQUEST_LINE_BYTES)
        return refuse(status, 414, why, "the request line is longer than 8192 bytes");
    if (q->is_tunnel && (!str_has(target, ':') || str_ends(target, STR("]")) || str_has(target, '/') || str_has(target, '?') || str_has(target, '#')))
        return refuse(status, 400, why, "CONNECT names a host with its port, as in example.com:443");
    if (!q->is_tunnel && str_starts(target, STR("/")))
        return refuse(status, 400, why, "this is a proxy: its requests name a whole URL");
    if (!q->is_tunnel && !str_starts_nocase(target, STR("http://")))
        return refuse(status, 400, why, "the URL of a request to a proxy begins with http://; for https a client asks for a tunnel (CONNECT)");
    if (!url_parse(a, q->is_tunnel ? arena_printf(a, "http://%.*s/", STR_ARG(target)) : target, &url, why)) {
        *status = 400;
        return GATEWAY_REFUSED;
    }
    q->host = url.host;
    q->port = url.port;
    q->is_address = url.is_address;
    q->path_and_query = url.path_and_query;
    return GATEWAY_GOT;
}

enum gateway_next gateway_request_read(struct gateway_request *q, str bytes, struct arena *a, int *status, struct err *why)
{
    ptrdiff_t end = str_find(bytes, STR("\r\n\r\n"));
    size_t n = end < 0 ? bytes.n : (size_t)end + 4;
    if (n > HEAD_BYTES_MAX)
        return refuse(status, 431, why, "the request's head is longer than allowed");
    if (end < 0)
        return GATEWAY_MORE;
    // A copy: the caller's buffer moves on.
    str head = arena_str(a, str_sub(bytes, 0, n));
    struct reading r = { .q = q };
    *q = (struct gateway_request){ .head_bytes = n, .headers = ARENA_ARRAY(a, struct http_header, LIMIT_HTTP_HEADERS) };
    llhttp_init(&q->parser, HTTP_REQUEST, &settings);
    q->parser.data = &r;
    llhttp_errno_t result = llhttp_execute(&q->parser, head.p, head.n);
    q->parser.data = NULL;
    if (r.has_too_many)
        return refuse(status, 431, why, "the request has more than 100 headers");
    if (r.is_folded)
        return refuse(status, 400, why, "a header is folded over lines");
    if (result != HPE_PAUSED || !r.is_complete || llhttp_get_error_pos(&q->parser) != head.p + head.n)
        return refuse(status, 400, why, "the request is not well-formed HTTP");
    if (!answer_headers_fit(q->headers, q->header_count))
        return refuse(status, 400, why, "a header's name or value holds what it must not");
    if (q->parser.http_major != 1 || q->parser.http_minor > 1)
        return refuse(status, 505, why, "this proxy speaks HTTP/1.1");
    q->is_http_10 = q->parser.http_minor == 0;
    q->is_tunnel = q->parser.method == HTTP_CONNECT;
    q->method = str_from(llhttp_method_name((llhttp_method_t)q->parser.method));
    return read_target(q, r.target, a, status, why);
}

// Named by a Connection header, or always of one hop only.
static bool is_of_this_hop(const struct gateway_request *q, str name)
{
    static const char *const always[] = { "Host", "Connection", "Keep-Alive", "Upgrade", "TE", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate" };
    for (size_t i = 0; i < COUNT(always); i++)
        if (str_eq_nocase(name, str_from(always[i])))
            return true;
    // What frames the body stays, whoever names it.
    if (str_eq_nocase(name, STR("Content-Length")) || str_eq_nocase(name, STR("Transfer-Encoding")))
        return false;
    for (size_t i = 0; i < q->header_count; i++)
        if (str_eq_nocase(q->headers[i].name, STR("Connection")) && answer_list_has(q->headers[i].value, name))
            return true;
    return false;
}

static void write_authority(const struct gateway_request *q, bool has_port, struct buf *out)
{
    bool is_v6 = str_has(q->host, ':');
    buf_printf(out, "%s%.*s%s", is_v6 ? "[" : "", STR_ARG(q->host), is_v6 ? "]" : "");
    if (has_port)
        buf_printf(out, ":%d", q->port);
}

void gateway_request_write(const struct gateway_request *q, bool is_to_proxy, str credentials, struct buf *out)
{
    buf_printf(out, "%.*s ", STR_ARG(q->method));
    if (q->is_tunnel)
        write_authority(q, true, out);
    else if (is_to_proxy) {
        buf_add(out, STR("http://"));
        write_authority(q, true, out);
    }
    if (!q->is_tunnel)
        buf_add(out, q->path_and_query);
    buf_printf(out, " HTTP/1.%d\r\nHost: ", q->is_http_10 ? 0 : 1);
    write_authority(q, q->is_tunnel || q->port != 80, out);
    buf_add(out, STR("\r\n"));
    if (is_to_proxy && credentials.n)
        buf_printf(out, "Proxy-Authorization: %.*s\r\n", STR_ARG(credentials));
    for (size_t i = 0; i < q->header_count && !q->is_tunnel; i++)
        if (!is_of_this_hop(q, q->headers[i].name))
            buf_printf(out, "%.*s: %.*s\r\n", STR_ARG(q->headers[i].name), STR_ARG(q->headers[i].value));
    buf_add(out, q->is_tunnel ? STR("\r\n") : STR("Connection: close\r\n\r\n"));
}

size_t gateway_request_take(struct gateway_request *q, str bytes)
{
    if (q->is_over || q->is_broken || !bytes.n) {
        q->is_over |= bytes.n > 0;
        return 0;
    }
    if (llhttp_get_errno(&q->parser) == HPE_PAUSED)
        llhttp_resume(&q->parser);
    llhttp_errno_t result = llhttp_execute(&q->parser, bytes.p, bytes.n);
    if (result == HPE_OK)
        return bytes.n;
    q->is_over = true;
    q->is_broken = result != HPE_PAUSED;
    return result == HPE_PAUSED ? (size_t)(llhttp_get_error_pos(&q->parser) - bytes.p) : 0;
}
