#include "http/proxy.h"

#include "tests/harness/check.h"

#define XFF STR_INIT("X-Forwarded-For")
#define FWD STR_INIT("Forwarded")

TEST(the_rightmost_hop_that_is_not_ours_is_the_client)
{
    // Trusted: 10.0.0.0/8 and ::1.
    static const struct {
        const char *claim, *peer;
        struct http_header h[3];
        const char *want;
    } rows[] = {
        { "without headers it is the peer", "10.0.0.1", { { { 0 } } }, "10.0.0.1" },
        { "an untrusted peer is not believed", "203.0.113.9", { { XFF, STR_INIT("192.0.2.7") } }, "203.0.113.9" },
        { "a trusted peer is", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7") } }, "192.0.2.7" },
        { "the rightmost counts, the rest the client may have made up", "10.0.0.1", { { XFF, STR_INIT("8.8.8.8, 192.0.2.7") } }, "192.0.2.7" },
        { "trusted hops are stepped over", "10.0.0.1", { { XFF, STR_INIT("1.1.1.1, 192.0.2.7, 10.2.2.2, 10.3.3.3") } }, "192.0.2.7" },
        { "if all are trusted it is the leftmost", "10.0.0.1", { { XFF, STR_INIT("10.9.9.9, 10.3.3.3") } }, "10.9.9.9" },
        { "several lines are one list", "10.0.0.1", { { XFF, STR_INIT("8.8.8.8") }, { XFF, STR_INIT("192.0.2.7, 10.1.1.1") } }, "192.0.2.7" },
        { "the last line's last counts", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7") }, { XFF, STR_INIT("192.0.2.8") } }, "192.0.2.8" },
        { "a port is left out", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7:4711") } }, "192.0.2.7" },
        { "IPv6", "10.0.0.1", { { XFF, STR_INIT("2001:db8::7") } }, "2001:db8::7" },
        { "IPv6 in brackets", "10.0.0.1", { { XFF, STR_INIT("[2001:db8::7]") } }, "2001:db8::7" },
        { "IPv6 in brackets with a port", "10.0.0.1", { { XFF, STR_INIT("[2001:db8::7]:80") } }, "2001:db8::7" },
        { "a v4-mapped hop is the IPv4 address", "10.0.0.1", { { XFF, STR_INIT("::ffff:192.0.2.7") } }, "192.0.2.7" },
        { "a v4-mapped trusted hop is trusted", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7, ::ffff:10.1.1.1") } }, "192.0.2.7" },
        { "garbage ends the chain at the last hop known", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7, garbage") } }, "10.0.0.1" },
        { "garbage further left does no harm", "10.0.0.1", { { XFF, STR_INIT("garbage, 192.0.2.7") } }, "192.0.2.7" },
        { "garbage behind a trusted hop gives that hop", "10.0.0.1", { { XFF, STR_INIT("garbage, 10.2.2.2") } }, "10.2.2.2" },
        { "an empty header says nothing", "10.0.0.1", { { XFF, STR_INIT("") } }, "10.0.0.1" },
        { "empty elements are skipped", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7, , ") } }, "192.0.2.7" },
        { "an odd spelling is no address", "10.0.0.1", { { XFF, STR_INIT("0x0a.1.1.1") } }, "10.0.0.1" },
        { "the header's name in any case", "10.0.0.1", { { STR_INIT("x-forwarded-for"), STR_INIT("192.0.2.7") } }, "192.0.2.7" },
        { "Forwarded", "10.0.0.1", { { FWD, STR_INIT("for=192.0.2.7") } }, "192.0.2.7" },
        { "Forwarded in any case, with other parameters", "10.0.0.1", { { FWD, STR_INIT("proto=https; For=192.0.2.7 ;by=10.0.0.1") } }, "192.0.2.7" },
        { "Forwarded, quoted with a port", "10.0.0.1", { { FWD, STR_INIT("for=\"192.0.2.7:4711\"") } }, "192.0.2.7" },
        { "Forwarded, IPv6", "10.0.0.1", { { FWD, STR_INIT("for=\"[2001:db8::7]:4711\"") } }, "2001:db8::7" },
        { "Forwarded, the rightmost", "10.0.0.1", { { FWD, STR_INIT("for=8.8.8.8, for=192.0.2.7, for=10.5.5.5") } }, "192.0.2.7" },
        { "Forwarded, several lines", "10.0.0.1", { { FWD, STR_INIT("for=8.8.8.8") }, { FWD, STR_INIT("for=192.0.2.7") } }, "192.0.2.7" },
        { "Forwarded, a comma in quotes is no separator", "10.0.0.1", { { FWD, STR_INIT("for=192.0.2.7;host=\"a,for=8.8.8.8\"") } }, "192.0.2.7" },
        { "Forwarded, hidden names end the chain", "10.0.0.1", { { FWD, STR_INIT("for=192.0.2.7, for=_secret") } }, "10.0.0.1" },
        { "Forwarded, unknown ends the chain", "10.0.0.1", { { FWD, STR_INIT("for=unknown") } }, "10.0.0.1" },
        { "Forwarded without for ends the chain", "10.0.0.1", { { FWD, STR_INIT("for=192.0.2.7, proto=https") } }, "10.0.0.1" },
        { "both that agree are believed", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7") }, { FWD, STR_INIT("for=192.0.2.7") } }, "192.0.2.7" },
        { "both that disagree are not", "10.0.0.1", { { XFF, STR_INIT("192.0.2.7") }, { FWD, STR_INIT("for=8.8.8.8") } }, "10.0.0.1" },
        { "a trusted IPv6 peer", "::1", { { XFF, STR_INIT("192.0.2.7") } }, "192.0.2.7" },
        { "an unclosed bracket is no address", "10.0.0.1", { { XFF, STR_INIT("[2001:db8::7") } }, "10.0.0.1" },
        { "an unclosed quote ends the chain", "10.0.0.1", { { FWD, STR_INIT("for=\"192.0.2.7") } }, "10.0.0.1" },
    };
    struct net trusted[2];
    struct err e;
    REQUIRE("nets", net_parse(STR("10.0.0.0/8"), &trusted[0], &e) && net_parse(STR("::1"), &trusted[1], &e));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_request r = { .headers = (struct http_header *)(uintptr_t)rows[i].h };
        while (r.header_count < COUNT(rows[i].h) && rows[i].h[r.header_count].name.n)
            r.header_count++;
        struct ip peer, got;
        char text[IP_TEXT_BYTES];
        REQUIRE("the peer is an address", ip_parse(str_from(rows[i].peer), &peer));
        got = proxy_client(trusted, COUNT(trusted), &peer, &r);
        ip_write(&got, text);
        CHECK_TEXT(rows[i].claim, text, rows[i].want);
    }
    struct ip peer = ip_from_v4(0x7f000001);
    struct http_header h = { XFF, STR_INIT("192.0.2.7") };
    struct http_request r = { .headers = &h, .header_count = 1 };
    struct ip got = proxy_client(NULL, 0, &peer, &r);
    CHECK("without trusted proxies nobody is believed", ip_equal(&got, &peer));
}

TEST_MAIN()
