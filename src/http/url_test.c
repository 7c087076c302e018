#include "http/egress.h"

#include "tests/harness/check.h"

// What is refused stands in tests/http/egress_corpus.txt; here is what comes out of the rest.
TEST(urls_are_taken_apart)
{
    static const struct {
        const char *text, *scheme, *host, *rest;
        int port;
        bool is_address;
    } rows[] = {
        { "http://example.com", "http", "example.com", "/", 80, false },
        { "https://example.com", "https", "example.com", "/", 443, false },
        { "HTTPS://EXAMPLE.COM/Path?Q=X", "https", "example.com", "/Path?Q=X", 443, false },
        { "http://example.com:8080/a/b?c=d&e", "http", "example.com", "/a/b?c=d&e", 8080, false },
        { "http://example.com?a=b", "http", "example.com", "/?a=b", 80, false },
        { "http://example.com/a#fragment", "http", "example.com", "/a", 80, false },
        { "http://example.com#fragment/?", "http", "example.com", "/", 80, false },
        { "http://example.com/a?b#c?d", "http", "example.com", "/a?b", 80, false },
        { "http://example.com./", "http", "example.com", "/", 80, false },
        { "http://example.com/%2e%2e/@:x", "http", "example.com", "/%2e%2e/@:x", 80, false },
        { "http://example.com//double", "http", "example.com", "//double", 80, false },
        { "http://example.com/\xc3\xa4", "http", "example.com", "/%C3%A4", 80, false },
        { "http://example.com:443/", "http", "example.com", "/", 443, false },
        { "https://example.com:80/", "https", "example.com", "/", 80, false },
        { "http://192.0.2.7:1/", "http", "192.0.2.7", "/", 1, true },
        { "http://[2001:DB8::0:1]/", "http", "2001:db8::1", "/", 80, true },
        { "http://[::ffff:192.0.2.7]:65535/", "http", "192.0.2.7", "/", 65535, true },
        { "http://[64:ff9b::192.0.2.7]/", "http", "64:ff9b::c000:207", "/", 80, true },
        { "http://a/", "http", "a", "/", 80, false },
        { "http://a-b_c.d1/", "http", "a-b_c.d1", "/", 80, false },
        { "http://1a.2b/", "http", "1a.2b", "/", 80, false },
        { "http://0xg/", "http", "0xg", "/", 80, false },
        { "http://a/?q=http://b@c/", "http", "a", "/?q=http://b@c/", 80, false },
        { "http://a/path@with:signs", "http", "a", "/path@with:signs", 80, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct url u = { 0 };
        struct err e;
        CHECK_OK(rows[i].text, url_parse(&a, str_from(rows[i].text), &u, &e), &e);
        CHECK_STR(rows[i].text, u.scheme, str_from(rows[i].scheme));
        CHECK_STR(rows[i].text, u.host, str_from(rows[i].host));
        CHECK_STR(rows[i].text, u.path_and_query, str_from(rows[i].rest));
        CHECK_INT(rows[i].text, u.port, rows[i].port);
        CHECK_INT(rows[i].text, u.is_address, rows[i].is_address);
    }
}

TEST(long_and_broken_ones_are_refused)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct url u;
    struct err e;
    char *text = arena_bytes(&a, 20000);
    memset(text, 'a', 20000);
    memcpy(text, "http://a/", 9);
    CHECK("16384 bytes are taken", url_parse(&a, (str){ text, 16384 }, &u, &e));
    CHECK("one more is not", !url_parse(&a, (str){ text, 16385 }, &u, &e));
    CHECK_INT("and said to be too large", e.kind, ERR_TOO_LARGE);
    CHECK("broken UTF-8", !url_parse(&a, STR("http://a/\xff"), &u, &e));
    CHECK("NUL", !url_parse(&a, STR("http://a/\0b"), &u, &e));
    CHECK("DEL", !url_parse(&a, STR("http://a/\x7f"), &u, &e));
    CHECK("line break", !url_parse(&a, STR("http://a/\r\nX: y"), &u, &e));
}

TEST_MAIN()
