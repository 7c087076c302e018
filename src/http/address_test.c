#include "http/address.h"

#include "tests/harness/check.h"

TEST(addresses_are_read_strictly_and_written_plainly)
{
    static const struct {
        const char *text, *want; // NULL: not an address
    } rows[] = {
        { "127.0.0.1", "127.0.0.1" }, { "0.0.0.0", "0.0.0.0" }, { "255.255.255.255", "255.255.255.255" },
        { "::1", "::1" }, { "::", "::" }, { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" }, { "::ffff:10.0.0.1", "10.0.0.1" },
        { "64:ff9b::10.0.0.1", "64:ff9b::a00:1" },
        { "", NULL }, { "1", NULL }, { "127.1", NULL }, { "127.0.0.01", NULL }, { "0x7f.0.0.1", NULL }, { "256.0.0.1", NULL }, { "127.0.0.1 ", NULL },
        { " 127.0.0.1", NULL }, { "[::1]", NULL }, { "::1%lo", NULL }, { ":::", NULL }, { "1:2:3", NULL }, { "12345::", NULL }, { "localhost", NULL },
        { "1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL }, { "00000000000000000000000000000000000000000000000000", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ip ip;
        char text[IP_TEXT_BYTES] = "";
        bool is_one = ip_parse(str_from(rows[i].text), &ip);
        CHECK_INT(rows[i].text, is_one, rows[i].want != NULL);
        if (!is_one || !rows[i].want)
            continue;
        ip_write(&ip, text);
        CHECK_TEXT(rows[i].text, text, rows[i].want);
        struct sockaddr_storage sa;
        struct ip back;
        int port;
        ip_to_sockaddr(&ip, 4711, &sa);
        CHECK("a socket address holds the same", ip_from_sockaddr((struct sockaddr *)&sa, &back, &port) && ip_equal(&ip, &back) && port == 4711);
    }
    struct ip ip;
    CHECK("a NUL ends no address", !ip_parse((str){ "127.0.0.1\0", 10 }, &ip));
}

TEST(nets_hold_what_they_should)
{
    static const struct {
        const char *net, *address;
        bool holds;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", true }, { "10.0.0.0/8", "11.0.0.0", false }, { "10.0.0.0/8", "::ffff:10.0.0.1", true },
        { "0.0.0.0/0", "8.8.8.8", true }, { "0.0.0.0/0", "::1", false }, { "::/0", "::1", true }, { "::/0", "8.8.8.8", true },
        { "172.16.0.0/12", "172.31.255.255", true }, { "172.16.0.0/12", "172.32.0.0", false }, { "192.0.2.7", "192.0.2.7", true }, { "192.0.2.7", "192.0.2.8", false },
        { "fe80::/10", "febf::1", true }, { "fe80::/10", "fec0::1", false }, { "2001:db8::/33", "2001:db8:7fff::", true }, { "2001:db8::/33", "2001:db8:8000::", false },
        { "::1", "::1", true }, { "198.18.0.0/15", "198.19.255.255", true }, { "198.18.0.0/15", "198.20.0.0", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net n;
        struct ip ip;
        struct err e;
        CHECK_OK(rows[i].net, net_parse(str_from(rows[i].net), &n, &e), &e);
        REQUIRE("the address is one", ip_parse(str_from(rows[i].address), &ip));
        CHECK_INT(rows[i].address, net_has(&n, &ip), rows[i].holds);
    }
    static const char *const bad[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/a", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.1/8", "::1/64", "::/129", "x/8", "10.0.0.0/8/8", "10.0.0.0 /8" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct net n;
        struct err e = { 0 };
        CHECK(bad[i], !net_parse(str_from(bad[i]), &n, &e));
        CHECK("the error speaks of it", str_find(str_from(e.text), str_from(bad[i])) >= 0);
    }
    struct net outer, inner;
    struct err e;
    REQUIRE("nets", net_parse(STR("10.0.0.0/8"), &outer, &e) && net_parse(STR("10.1.0.0/16"), &inner, &e));
    CHECK("a net holds a smaller one", net_has_net(&outer, &inner));
    CHECK("and not the other way round", !net_has_net(&inner, &outer));
    CHECK("a net holds itself", net_has_net(&outer, &outer));
}

TEST_MAIN()
