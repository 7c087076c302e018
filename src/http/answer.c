#include "http/answer.h"

#include "base/timetext.h"
#include "json/json.h"

#include <stdio.h>

const char *http_status_text(int status)
{
    switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 425: return "Too Early";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
    }
}

static bool is_token_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool answer_headers_fit(const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.n == 0)
            return false;
        for (size_t k = 0; k < headers[i].name.n; k++)
            if (!is_token_char((unsigned char)headers[i].name.p[k]))
                return false;
        for (size_t k = 0; k < headers[i].value.n; k++) {
            char c = headers[i].value.p[k];
            if (c == '\r' || c == '\n' || c == 0)
                return false;
        }
    }
    return true;
}

static bool is_ours(str name)
{
    switch (name.n) {
    case 4: return str_eq_nocase(name, STR("Date"));
    case 10: return str_eq_nocase(name, STR("Connection")) || str_eq_nocase(name, STR("Keep-Alive"));
    case 14: return str_eq_nocase(name, STR("Content-Length"));
    case 17: return str_eq_nocase(name, STR("Transfer-Encoding"));
    default: return false;
    }
}

static void add_number(struct buf *out, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    buf_add(out, (str){ digits + at, sizeof digits - at });
}

void answer_write_head(struct buf *out, const struct answer *a)
{
    int status = a->status >= 100 && a->status <= 599 ? a->status : 500;
    buf_add(out, STR("HTTP/1.1 "));
    add_number(out, (uint64_t)status);
    buf_add_char(out, ' ');
    buf_add_text(out, http_status_text(status));
    buf_add(out, STR("\r\n"));
    if (a->server_name) {
        buf_add(out, STR("Server: "));
        buf_add_text(out, a->server_name);
        buf_add(out, STR("\r\n"));
    }
    buf_add(out, STR("Date: "));
    buf_add_text(out, a->date);
    buf_add(out, STR("\r\n"));
    if (a->length >= 0) {
        buf_add(out, STR("Content-Length: "));
        add_number(out, (uint64_t)a->length);
        buf_add(out, STR("\r\n"));
    } else if (a->length == ANSWER_CHUNKED) {
        buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
    }
    if (a->is_closing)
        buf_add(out, STR("Connection: close\r\n"));
    else if (a->is_http_10)
        buf_add(out, STR("Connection: keep-alive\r\n"));
    for (size_t i = 0; i < a->header_count; i++) {
        if (is_ours(a->headers[i].name))
            continue;
        buf_add(out, a->headers[i].name);
        buf_add(out, STR(": "));
        buf_add(out, a->headers[i].value);
        buf_add(out, STR("\r\n"));
    }
    for (size_t i = 0; i < a->always_count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < a->header_count && !is_there; k++)
            is_there = str_eq_nocase(a->headers[k].name, a->always[i].name);
        if (is_there)
            continue;
        buf_add(out, a->always[i].name);
        buf_add(out, STR(": "));
        buf_add(out, a->always[i].value);
        buf_add(out, STR("\r\n"));
    }
    buf_add(out, STR("\r\n"));
}

bool answer_may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

void answer_write_error(struct buf *out, str text)
{
    buf_add(out, STR("{\"ErrorMessage\": "));
    json_write_string(out, text);
    buf_add(out, STR(", \"Errors\": []}"));
}

void answer_date(char out[static ANSWER_DATE_BYTES], int64_t wall_ms)
{
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct civil t = civil_from_ms(wall_ms);
    char text[80];
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.weekday], t.day, months[t.month - 1],
             (int)(t.year < 0 || t.year > 9999 ? 9999 : t.year), t.hour, t.minute, t.second);
    memcpy(out, text, ANSWER_DATE_BYTES - 1);
    out[ANSWER_DATE_BYTES - 1] = 0;
}

bool answer_list_has(str list, str token)
{
    str part;
    while (str_split(&list, ',', &part))
        if (str_eq_nocase(str_trim(part), token))
            return true;
    return false;
}
