#include "http/egress.h"

#include "http/address.h"
#include "sys/file.h"
#include "tests/harness/check.h"

static struct egress *policy_of(str allow)
{
    struct egress *g;
    struct err e;
    str list[8], part;
    size_t count = 0;
    if (!str_eq(allow, STR("-")))
        while (count < COUNT(list) && str_split(&allow, ',', &part))
            list[count++] = part;
    if (!CHECK_OK("the allow list is understood", egress_new(list, count, &g, &e), &e))
        return NULL;
    static const struct {
        str address;
        int port;
    } own[] = { { STR_INIT("127.0.0.1"), 7000 }, { STR_INIT("::"), 7001 }, { STR_INIT("93.184.216.34"), 5432 } };
    for (size_t i = 0; i < COUNT(own); i++) {
        struct ip ip;
        struct sockaddr_storage sa;
        if (ip_parse(own[i].address, &ip))
            egress_add_own(g, (struct sockaddr *)&sa, ip_to_sockaddr(&ip, own[i].port, &sa));
    }
    return g;
}

static const char *judge(str allow, str url_text, str resolved, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct url url;
    e->text[0] = 0;
    if (!url_parse(&a, url_text, &url, e))
        return "refused";
    struct ip ip;
    struct sockaddr_storage sa;
    if (url.is_address != ip_parse(url.host, &ip))
        return "is_address does not fit";
    if (!url.is_address && !ip_parse(resolved, &ip))
        return "no address in the corpus";
    ip_to_sockaddr(&ip, url.port, &sa);
    struct egress *g = policy_of(allow);
    if (!g)
        return "no policy";
    bool is_allowed = egress_allows(g, (struct sockaddr *)&sa, url.host, url.port, EGRESS_ACTION, e);
    egress_free(g);
    return is_allowed ? "allowed" : e->kind == ERR_DENIED ? "denied" : "another kind of error";
}

TEST(the_corpus_holds)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str rest, line;
    size_t count = 0;
    struct err read_error;
    REQUIRE("the corpus is there", file_read(EGRESS_CORPUS, 1 << 20, &a, &rest, &read_error));
    while (str_split(&rest, '\n', &line)) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        str field[5] = { 0 }, row = line;
        for (size_t i = 0; i < COUNT(field); i++)
            str_split(&row, '\t', &field[i]);
        struct err e;
        const char *claim = arena_cstr(&a, line);
        const char *got = judge(field[1], field[2], field[3], &e);
        bool says_why = str_eq(field[0], STR("allowed")) || str_find(str_from(e.text), field[4]) >= 0;
        CHECK_STR(claim, str_from(got), field[0]);
        if (!says_why)
            CHECK_TEXT(claim, e.text, arena_cstr(&a, field[4]));
        count++;
    }
    CHECK("the corpus has its 500 rows", count >= 500);
}

TEST(a_bad_entry_is_named)
{
    static const struct {
        const char *entry, *says;
    } rows[] = {
        { "", "must be host:port" },
        { "localhost", "must be host:port" },
        { "10.0.0.1", "needs a port" },
        { "::1", "needs a port" },
        { "[::1]", "must be host:port" },
        { "10.0.0.0/33", "0 to 32" },
        { "10.0.0.0/-1", "0 to 32" },
        { "10.0.0.0/08", "0 to 32" },
        { "10.0.0.0/", "0 to 32" },
        { "::/129", "0 to 128" },
        { "10.1.2.3/8", "the net is 10.0.0.0/8" },
        { "fd00::1/8", "the net is fd00::/8" },
        { "example.com/24", "is not an address" },
        { "127.1:80", "odd spelling" },
        { "0x7f000001:80", "odd spelling" },
        { "localhost:0", "1 to 65535" },
        { "localhost:65536", "1 to 65535" },
        { "localhost:", "port is empty" },
        { "http://localhost:80", "is not an address" },
        { "user@localhost:80", "user name" },
        { "*:80", "letters, digits" },
        { "local host:80", "blank" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct egress *g = NULL;
        struct err e = { 0 };
        str list[] = { STR_INIT("10.0.0.0/8"), str_from(rows[i].entry) };
        CHECK(rows[i].entry, !egress_new(list, 2, &g, &e));
        CHECK(e.text, str_find(str_from(e.text), str_from(rows[i].says)) >= 0);
        CHECK("the place is named", str_starts(str_from(e.text), STR("Egress.Allow[1]")));
        egress_free(g);
    }
}

TEST(a_refusal_says_which_entry_would_permit_it)
{
    static const struct {
        const char *host, *address, *entry;
        int port;
    } rows[] = {
        { "octopus.internal", "10.1.2.3", "\"octopus.internal:8065\"", 8065 },
        { "10.1.2.3", "10.1.2.3", "\"10.1.2.3:80\"", 80 },
        { "::1", "::1", "\"[::1]:443\"", 443 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct egress *g = policy_of(STR("-"));
        struct ip ip;
        struct sockaddr_storage sa;
        struct err e = { 0 };
        REQUIRE("the address is one", ip_parse(str_from(rows[i].address), &ip));
        ip_to_sockaddr(&ip, rows[i].port, &sa);
        CHECK("it is refused", !egress_allows(g, (struct sockaddr *)&sa, str_from(rows[i].host), rows[i].port, EGRESS_BROKER, &e));
        CHECK(e.text, str_find(str_from(e.text), str_from(rows[i].entry)) >= 0);
        CHECK("the purpose is named", str_find(str_from(e.text), STR("(broker)")) >= 0);
        egress_free(g);

        // What the sentence advises must work.
        str advised = str_sub(str_from(rows[i].entry), 1, strlen(rows[i].entry) - 2);
        REQUIRE("the advised entry is taken", egress_new(&advised, 1, &g, &e));
        CHECK("and permits it", egress_allows(g, (struct sockaddr *)&sa, str_from(rows[i].host), rows[i].port, EGRESS_BROKER, &e));
        egress_free(g);
    }
}

TEST(the_port_really_connected_to_counts)
{
    struct err e = { 0 };
    struct egress *g = policy_of(STR("127.0.0.1:80"));
    struct ip ip = ip_from_v4(0x7f000001);
    struct sockaddr_storage sa;
    ip_to_sockaddr(&ip, 81, &sa);
    CHECK("asked for 80, connected to 81", !egress_allows(g, (struct sockaddr *)&sa, STR("127.0.0.1"), 80, EGRESS_TEST, &e));
    ip_to_sockaddr(&ip, 0, &sa);
    CHECK("before connecting, the port asked for counts", egress_allows(g, (struct sockaddr *)&sa, STR("127.0.0.1"), 80, EGRESS_TEST, &e));
    struct sockaddr_storage other = { .ss_family = AF_UNIX };
    CHECK("another family is refused", !egress_allows(g, (struct sockaddr *)&other, STR("x"), 80, EGRESS_TEST, &e));
    egress_free(g);
    egress_free(NULL);
}

TEST_MAIN()
