#include "http/head.h"

#include "tests/harness/check.h"

// The whole way, with llhttp in front, is in tests/http/raw_requests.txt. Here are heads a laxer parser
// might let pass, so that head_check itself is held to its promise.
struct fixture {
    struct arena arena;
    struct http_request r;
    struct head_facts facts;
    const char *why;
};

// Names and values as a parser would mark them: "Name: value" lines behind the request line.
static int check(struct fixture *f, const char *method, str raw)
{
    static struct head_span names[200], values[200];
    struct head head = { .raw = raw, .names = names, .values = values, .method = method };
    ptrdiff_t line_end = str_find_char(raw, '\n'), from = (ptrdiff_t)strlen(method) + 1;
    str line = str_sub(raw, (size_t)from, (size_t)(line_end - from));
    ptrdiff_t blank = str_find_char(line, ' ');
    head.target = (struct head_span){ (uint32_t)from, (uint32_t)(blank < 0 ? 0 : blank) };
    for (size_t at = (size_t)line_end + 1; at < raw.n;) {
        str rest = str_skip(raw, at);
        ptrdiff_t end = str_find_char(rest, '\n'), colon = str_find_char(rest, ':');
        if (end < 0 || colon < 0 || colon > end)
            break;
        names[head.header_count] = (struct head_span){ (uint32_t)at, (uint32_t)colon };
        values[head.header_count++] = (struct head_span){ (uint32_t)(at + (size_t)colon + 1), (uint32_t)(end - colon - 1) };
        at += (size_t)end + 1;
    }
    f->r = (struct http_request){ 0 };
    return head_check(&head, &f->arena, &f->r, &f->facts, &f->why);
}

TEST(what_is_ambiguous_is_refused)
{
    static const struct {
        const char *claim;
        int want;
        str raw;
    } rows[] = {
        { "a plain one", 0, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n") },
        { "bare LF in the middle", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n") },
        { "bare LF at the end", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n\n") },
        { "a folded line", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n") },
        { "NUL", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n") },
        { "two blanks", 400, STR_INIT("GET /  HTTP/1.1\r\nHost: a\r\n\r\n") },
        { "HTTP/1.2", 400, STR_INIT("GET / HTTP/1.2\r\nHost: a\r\n\r\n") },
        { "http/1.1", 400, STR_INIT("GET / http/1.1\r\nHost: a\r\n\r\n") },
        { "two lengths", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n") },
        { "a list of lengths", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n") },
        { "length and encoding", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") },
        { "encoding and length", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\ncontent-length: 1\r\n\r\n") },
        { "two encodings", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") },
        { "another encoding", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n") },
        { "an encoding in HTTP/1.0", 400, STR_INIT("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") },
        { "a length with a sign", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n") },
        { "an empty length", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n") },
        { "no host", 400, STR_INIT("GET / HTTP/1.1\r\nX: y\r\n\r\n") },
        { "two hosts", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n\r\n") },
        { "a nameless header", 400, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n") },
        { "an expectation", 417, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n") },
        { "two expectations", 417, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nExpect: 100-continue\r\n\r\n") },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fixture f = { 0 };
        CHECK_INT(rows[i].claim, check(&f, "GET", rows[i].raw), rows[i].want);
        arena_fini(&f.arena);
    }
}

TEST(what_is_clear_is_understood)
{
    struct fixture f = { 0 };
    CHECK_INT("a request is fine", check(&f, "POST", STR("POST /a?b?c HTTP/1.1\r\nhost: [::1]:80\r\nContent-Length: \t 12 \r\nX-Empty:\r\nConnection: a, close\r\nExpect: 100-Continue\r\n\r\n")), 0);
    CHECK_STR("path", f.r.path, STR("/a"));
    CHECK_STR("query", f.r.query, STR("b?c"));
    CHECK_STR("target", f.r.target, STR("/a?b?c"));
    CHECK_INT("length", f.r.declared_bytes, 12);
    CHECK("the length was declared", f.r.has_length);
    CHECK_STR("values are trimmed", http_header(&f.r, STR("CONTENT-LENGTH")), STR("12"));
    CHECK("an empty header is there", http_header(&f.r, STR("x-empty")).p);
    CHECK("an absent one is not", !http_header(&f.r, STR("x-absent")).p);
    CHECK_INT("counted", http_header_count(&f.r, STR("Host")), 1);
    CHECK("close", f.facts.wants_close);
    CHECK("continue", f.facts.wants_continue);
    CHECK("not chunked", !f.facts.is_chunked);
    CHECK_INT("HTTP/1.0", check(&f, "GET", STR("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nExpect: x\r\n\r\n")), 0);
    CHECK("kept alive as asked", f.facts.is_http_10 && !f.facts.wants_close);
    CHECK_INT("chunked", check(&f, "GET", STR("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:  Chunked \r\n\r\n")), 0);
    CHECK("is chunked", f.facts.is_chunked && !f.r.has_length);
    CHECK_INT("asterisk", check(&f, "OPTIONS", STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")), 0);
    CHECK("is about the server", f.facts.is_asterisk);
    arena_fini(&f.arena);
}

TEST_MAIN()
