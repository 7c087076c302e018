#include "tests/harness/check.h"

#include "template/uri.h"

static struct arena a;

static str canonical(const char *text)
{
    struct uri u;
    if (!uri_parse(&a, str_from(text), &u))
        return STR("invalid");
    return u.is_absolute ? uri_absolute(&a, &u) : STR("relative");
}

TEST(canonical_forms)
{
    static const struct { const char *text, *want; } rows[] = { { "HTTP://EXAMPLE.com:80/A/../b/./c/?Q#F", "http://example.com/b/c/?Q#F" }, { "http://h", "http://h/" }, { "http://1.2.3/x", "http://1.2.0.3/x" },
        { "http://0x7f.1/", "http://127.0.0.1/" }, { "http://[2001:DB8::0:1]/", "http://[2001:db8::1]/" }, { "http://h/%41%7e%2F%zz", "http://h/A~%2F%25zz" }, { "http://h/a\\b c", "http://h/a/b%20c" },
        { "http://h/é", "http://h/%C3%A9" }, { "custom:opaque/x?y", "custom:opaque/x?y" }, { "mailto:a@b.c?x=1", "mailto:a@b.c?x=1" }, { "file:///a/../b", "file:///b" }, { "C:\\a b", "file:///C:/a%20b" },
        { "\\\\server\\share", "file://server/share" }, { "ftp://h/x?y", "ftp://h/x%3Fy" }, { "rel/path", "relative" }, { "http:x", "relative" }, { "", "relative" }, { "http://", "invalid" }, { "http:///x", "invalid" },
        { "http://h:99999/", "invalid" }, { "http://ex ample/", "invalid" }, { "http://a..b/", "invalid" }, { "http://[::1", "invalid" }, { "a:b", "invalid" }, { "custom://h/../../x", "custom://h/x" }, { "http://a@b@c/", "invalid" },
        { "net.tcp://u@h/", "invalid" }, { "net.pipe://h:1/", "invalid" }, { "http://[fe80::1%25eth0]/", "http://[fe80::1]/" }, { "news:a?b", "news:a%3Fb" }, { "mailto:a", "mailto:a" }, { "mailto:a\\b@c", "invalid" },
        { "mailto:a@b:25/c", "mailto:a@b/c" }, { "file:c:/x", "file:///c:/x" }, { "file:///c:", "invalid" }, { "C:\\a%20%41", "file:///C:/a%20A" }, { "C:\\a%20", "file:///C:/a%2520" }, { "ldap:///x", "ldap:///x" },
        { "http://[::1]90/x", "http://[::1]/90/x" }, { "gopher://h/./x", "gopher://h/./x" }, { "http://loopback/", "http://localhost/" } };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].text, canonical(rows[i].text), str_from(rows[i].want));
}

TEST(local_paths)
{
    static const struct { const char *text, *want; } rows[] = { { "http://h/a%20b%2Fc%E9", "/a b/c%E9" }, { "file:///C:/a/b", "C:\\a\\b" }, { "file://server/a/b", "\\\\server\\a\\b" }, { "http://h/%F0%9F%98%80", "/😀" } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct uri u;
        REQUIRE("parsed", uri_parse(&a, str_from(rows[i].text), &u));
        CHECK_STR(rows[i].text, uri_local_path(&a, &u), str_from(rows[i].want));
    }
}

TEST_MAIN()
