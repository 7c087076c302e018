#include "http/answer.h"

#include "tests/harness/check.h"

TEST(nothing_a_caller_passes_adds_a_line)
{
    static const struct {
        const char *claim;
        str name, value;
        bool fits;
    } rows[] = {
        { "a plain header", STR_INIT("X-A"), STR_INIT("b"), true },
        { "an empty value", STR_INIT("X-A"), STR_INIT(""), true },
        { "all token characters", STR_INIT("!#$%&'*+-.^_`|~09azAZ"), STR_INIT("x"), true },
        { "bytes above 127 in a value", STR_INIT("X"), STR_INIT("\xc3\xa4"), true },
        { "a tab in a value", STR_INIT("X"), STR_INIT("a\tb"), true },
        { "CR LF", STR_INIT("X"), STR_INIT("a\r\nSet-Cookie: b"), false },
        { "LF", STR_INIT("X"), STR_INIT("a\nb"), false },
        { "CR", STR_INIT("X"), STR_INIT("a\rb"), false },
        { "NUL", STR_INIT("X"), STR_INIT("a\0b"), false },
        { "LF at the end", STR_INIT("X"), STR_INIT("a\n"), false },
        { "an empty name", STR_INIT(""), STR_INIT("a"), false },
        { "a colon in a name", STR_INIT("X:"), STR_INIT("a"), false },
        { "a blank in a name", STR_INIT("X Y"), STR_INIT("a"), false },
        { "a line in a name", STR_INIT("X\r\nY"), STR_INIT("a"), false },
        { "NUL in a name", STR_INIT("X\0"), STR_INIT("a"), false },
        { "a name beyond ASCII", STR_INIT("\xc3\xa4"), STR_INIT("a"), false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_header h[] = { { STR_INIT("First"), STR_INIT("fine") }, { rows[i].name, rows[i].value } };
        CHECK_INT(rows[i].claim, answer_headers_fit(h, 2), rows[i].fits);
    }
}

TEST(heads_are_written_exactly)
{
    const struct http_header h[] = { { STR_INIT("Content-Type"), STR_INIT("text/plain") }, { STR_INIT("CONTENT-LENGTH"), STR_INIT("7") }, { STR_INIT("Keep-Alive"), STR_INIT("x") } };
    const struct http_header own = { STR_INIT("content-type"), STR_INIT("text/html") };
    const struct {
        const char *claim;
        struct answer a;
        const char *want;
    } rows[] = {
        { "length and headers", { 200, h, 1, NULL, "D", 5 }, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n" },
        { "a length of zero", { 202, NULL, 0, NULL, "D", 0 }, "HTTP/1.1 202 Accepted\r\nDate: D\r\nContent-Length: 0\r\n\r\n" },
        { "a large length", { 200, NULL, 0, NULL, "D", 1234567890123 }, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 1234567890123\r\n\r\n" },
        { "chunked", { 200, NULL, 0, NULL, "D", ANSWER_CHUNKED }, "HTTP/1.1 200 OK\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n" },
        { "closing", { 400, NULL, 0, "S", "D", ANSWER_NO_LENGTH, false, true }, "HTTP/1.1 400 Bad Request\r\nServer: S\r\nDate: D\r\nConnection: close\r\n\r\n" },
        { "HTTP/1.0 kept alive", { 200, NULL, 0, NULL, "D", 0, true, false }, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n" },
        { "our own headers are ours", { 200, h, 3, NULL, "D", 0 }, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n" },
        { "a status beyond sense is a 500", { 7000, NULL, 0, NULL, "D", 0 }, "HTTP/1.1 500 Internal Server Error\r\nDate: D\r\nContent-Length: 0\r\n\r\n" },
        { "what is always there", { 200, NULL, 0, NULL, "D", 0, false, false, h, 1 }, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n" },
        { "unless the answer has its own", { 200, &own, 1, NULL, "D", 0, false, false, h, 1 }, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\ncontent-type: text/html\r\n\r\n" },
        { "an unknown status keeps its number", { 299, NULL, 0, NULL, "D", 0 }, "HTTP/1.1 299 Unknown\r\nDate: D\r\nContent-Length: 0\r\n\r\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_fini) struct buf out = { 0 };
        answer_write_head(&out, &rows[i].a);
        CHECK_STR(rows[i].claim, buf_str(&out), str_from(rows[i].want));
    }
}

TEST(errors_are_json_whatever_they_say)
{
    static const struct {
        str text;
        const char *want;
    } rows[] = {
        { STR_INIT("plain"), "{\"ErrorMessage\": \"plain\", \"Errors\": []}" },
        { STR_INIT("a \"b\" \\ c"), "{\"ErrorMessage\": \"a \\\"b\\\" \\\\ c\", \"Errors\": []}" },
        { STR_INIT("line\nbreak"), "{\"ErrorMessage\": \"line\\nbreak\", \"Errors\": []}" },
        { STR_INIT("\xc3\xa4"), "{\"ErrorMessage\": \"\xc3\xa4\", \"Errors\": []}" },
        { STR_INIT("\xff"), "{\"ErrorMessage\": \"\xef\xbf\xbd\", \"Errors\": []}" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_fini) struct buf out = { 0 };
        answer_write_error(&out, rows[i].text);
        CHECK_STR(rows[i].want, buf_str(&out), str_from(rows[i].want));
    }
}

TEST(dates_and_lists)
{
    static const struct {
        int64_t ms;
        const char *want;
    } dates[] = {
        { 0, "Thu, 01 Jan 1970 00:00:00 GMT" }, { 784111777000, "Sun, 06 Nov 1994 08:49:37 GMT" }, { 1795367033123, "Sun, 22 Nov 2026 17:03:53 GMT" }, { 951782400000, "Tue, 29 Feb 2000 00:00:00 GMT" },
    };
    for (size_t i = 0; i < COUNT(dates); i++) {
        char text[ANSWER_DATE_BYTES];
        answer_date(text, dates[i].ms);
        CHECK_TEXT("as RFC 9110 writes dates", text, dates[i].want);
    }
    CHECK("a token alone", answer_list_has(STR("close"), STR("close")));
    CHECK("in any case", answer_list_has(STR("Close"), STR("close")));
    CHECK("among others", answer_list_has(STR("a, b ,close"), STR("close")));
    CHECK("not as a part", !answer_list_has(STR("closed, xclose"), STR("close")));
    CHECK("not in nothing", !answer_list_has(STR(""), STR("close")));
    CHECK("204 has no body", !answer_may_have_body(204) && !answer_may_have_body(304) && answer_may_have_body(200) && answer_may_have_body(500));
}

TEST(each_status_we_use_has_its_text)
{
    static const int used[] = { 100, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412,
                                413, 414, 415, 416, 417, 421, 422, 423, 425, 428, 429, 431, 500, 501, 502, 503, 504, 505, 507 };
    for (size_t i = 0; i < COUNT(used); i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(http_status_text(used[i]), http_status_text(used[k])))
                CHECK_INT("no two share one", used[i], used[k]);
    CHECK_TEXT("404", http_status_text(404), "Not Found");
    CHECK_TEXT("431", http_status_text(431), "Request Header Fields Too Large");
    CHECK_TEXT("one nobody knows", http_status_text(299), "Unknown");
}

TEST_MAIN()
