#include "http/egress.h"

#include "http/address.h"

#include <ifaddrs.h>
#include <stdio.h>

enum entry_kind { ENTRY_HOST, ENTRY_ADDRESS, ENTRY_NET };

struct entry {
    enum entry_kind kind;
    str host; // lower case; owned by the arena
    int port;
    struct ip ip;
    struct net net;
};

struct own {
    struct ip ip;
    int port;
};

// What an address is, where it is not simply public. Order matters: the first block that holds it decides.
struct block {
    const char *net, *what;
    bool is_private; // an administrator's wider CIDR opens it
};

static const struct block v4_blocks[] = {
    { "0.0.0.0/8", "an unspecified address", false },
    { "127.0.0.0/8", "a loopback address", false },
    { "169.254.0.0/16", "a link-local address, where clouds serve instance metadata", false },
    { "168.63.129.16/32", "the metadata address of a cloud", false },
    { "100.100.100.200/32", "the metadata address of a cloud", false },
    { "192.0.0.0/24", "an address reserved for protocols", false },
    { "198.18.0.0/15", "an address of the benchmark net", false },
    { "192.0.2.0/24", "an address reserved for documentation", false },
    { "198.51.100.0/24", "an address reserved for documentation", false },
    { "203.0.113.0/24", "an address reserved for documentation", false },
    { "192.88.99.0/24", "a 6to4 relay", false },
    { "224.0.0.0/4", "a multicast address", false },
    { "240.0.0.0/4", "a reserved or broadcast address", false },
    { "10.0.0.0/8", "a private address", true },
    { "172.16.0.0/12", "a private address", true },
    { "192.168.0.0/16", "a private address", true },
    { "100.64.0.0/10", "a private address (shared by a carrier)", true },
};

static const struct block v6_blocks[] = {
    { "::/128", "the unspecified address", false },
    { "::1/128", "a loopback address", false },
    { "::/96", "an IPv4-compatible address", false },
    { "64:ff9b:1::/48", "a NAT64 address of local use", false },
    { "100::/64", "a discard address", false },
    { "2001:db8::/32", "an address reserved for documentation", false },
    { "2001::/23", "an address of a special-purpose net (Teredo, benchmark)", false },
    { "3fff::/20", "an address reserved for documentation", false },
    { "fd00:ec2::254/128", "the metadata address of a cloud", false },
    { "fd20:ce::254/128", "the metadata address of a cloud", false },
    { "fc00::/7", "a private address", true },
    { "fe80::/10", "a link-local address", false },
    { "fec0::/10", "a site-local address", false },
    { "ff00::/8", "a multicast address", false },
};

// Everything but 2000::/3 is not handed out for use on the Internet (RFC 4291 section 2.4).
static const struct block v6_rest = { "::/0", "an address outside the public range", false };

struct egress {
    struct arena arena;
    struct entry *entries;
    size_t count;
    struct own *own;
    size_t own_count, own_cap;
    struct net v4_nets[COUNT(v4_blocks)], v6_nets[COUNT(v6_blocks)]; // the blocks as bytes
};

struct class {
    const struct block *block; // NULL: public
    struct net net;            // the block as bytes, in the form the address itself has
    const char *form;          // "the NAT64 form of ", or ""
};

static struct net block_net(const char *text)
{
    struct net n = { 0 };
    if (!net_parse(str_from(text), &n, NULL))
        assert(!"a block of the table");
    return n;
}

static bool find_block(const struct block *blocks, const struct net *nets, size_t count, const struct ip *ip, struct class *out)
{
    for (size_t i = 0; i < count; i++)
        if (net_has(&nets[i], ip)) {
            *out = (struct class){ &blocks[i], nets[i], "" };
            return true;
        }
    return false;
}

// The IPv4 address a translator or tunnel would send this on to.
static bool embedded_v4(const struct ip *ip, struct ip *v4, const char **form)
{
    const uint8_t *b = ip->b;
    static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
    uint32_t at12 = (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15];
    if (memcmp(b, nat64, sizeof nat64) == 0) {
        *form = "the NAT64 form of ";
        *v4 = ip_from_v4(at12);
        return true;
    }
    if (b[0] == 0x20 && b[1] == 0x02) {
        *form = "the 6to4 form of ";
        *v4 = ip_from_v4((uint32_t)b[2] << 24 | (uint32_t)b[3] << 16 | (uint32_t)b[4] << 8 | b[5]);
        return true;
    }
    if ((b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe) {
        *form = "the ISATAP form of ";
        *v4 = ip_from_v4(at12);
        return true;
    }
    return false;
}

static struct class classify(const struct egress *g, const struct ip *ip)
{
    struct class c = { 0 };
    if (ip_is_v4(ip)) {
        find_block(v4_blocks, g->v4_nets, COUNT(v4_blocks), ip, &c);
        return c;
    }
    if (find_block(v6_blocks, g->v6_nets, COUNT(v6_blocks), ip, &c))
        return c;
    struct ip v4;
    const char *form;
    bool is_embedding = embedded_v4(ip, &v4, &form);
    if (is_embedding && find_block(v4_blocks, g->v4_nets, COUNT(v4_blocks), &v4, &c)) {
        c.form = form;
        c.net = (struct net){ *ip, 128 }; // a wider net was meant for other addresses
        return c;
    }
    bool is_nat64 = ip->b[0] == 0 && ip->b[1] == 0x64;
    if ((ip->b[0] & 0xe0) != 0x20 && !(is_embedding && is_nat64))
        c = (struct class){ &v6_rest, (struct net){ *ip, 128 }, "" };
    return c;
}

static bool parse_entry(struct arena *a, str text, struct entry *out, struct err *e)
{
    if (str_has(text, '/')) {
        out->kind = ENTRY_NET;
        return net_parse(text, &out->net, e);
    }
    struct ip ip;
    if (ip_parse(text, &ip))
        return err_set(e, ERR_INVALID, "\"%.*s\" needs a port (%s), or a length (%.*s/%d) for every port", STR_ARG(text),
                       ip_is_v4(&ip) ? "192.0.2.7:443" : "[2001:db8::1]:443", STR_ARG(text), ip_is_v4(&ip) ? 32 : 128);
    // The port must be said: url_parse would fill in 80.
    ptrdiff_t colon = str_find_last_char(text, ':');
    struct url url;
    if (colon < 0 || str_ends(text, STR("]")))
        return err_set(e, ERR_INVALID, "\"%.*s\" must be host:port, address:port, [v6]:port or a net like 10.0.0.0/8", STR_ARG(str_sub(text, 0, 100)));
    if (text.n > 300 || !url_parse(a, arena_printf(a, "http://%.*s/", STR_ARG(text)), &url, e))
        return err_in(e, "\"%.*s\"", STR_ARG(str_sub(text, 0, 100)));
    out->port = url.port;
    out->host = url.host;
    out->kind = url.is_address && ip_parse(url.host, &out->ip) ? ENTRY_ADDRESS : ENTRY_HOST;
    return true;
}

static void egress_freep(struct egress **g)
{
    egress_free(*g);
}

bool egress_new(const str *allow, size_t count, struct egress **out, struct err *e)
{
    CLEANUP(egress_freep) struct egress *g = xcalloc(1, sizeof *g);
    for (size_t i = 0; i < COUNT(v4_blocks); i++)
        g->v4_nets[i] = block_net(v4_blocks[i].net);
    for (size_t i = 0; i < COUNT(v6_blocks); i++)
        g->v6_nets[i] = block_net(v6_blocks[i].net);
    g->entries = xcalloc(count + 1, sizeof *g->entries);
    for (; g->count < count; g->count++)
        if (!parse_entry(&g->arena, allow[g->count], &g->entries[g->count], e))
            return err_in(e, "Egress.Allow[%zu]", g->count);
    *out = MOVE(g);
    return true;
}

void egress_free(struct egress *g)
{
    if (!g)
        return;
    arena_fini(&g->arena);
    free(g->entries);
    free(g->own);
    free(g);
}

void egress_add_own(struct egress *g, const struct sockaddr *sa, socklen_t n UNUSED)
{
    struct own own;
    if (!ip_from_sockaddr(sa, &own.ip, &own.port))
        return; // a Unix socket is nothing HTTP connects to
    xgrow(&g->own, &g->own_cap, g->own_count + 1, sizeof *g->own);
    g->own[g->own_count++] = own;
}

static bool is_unspecified(const struct ip *ip)
{
    static const struct ip any_v6;
    struct ip any_v4 = ip_from_v4(0);
    return ip_equal(ip, &any_v6) || ip_equal(ip, &any_v4);
}

// Asked of the system each time: addresses come and go, and the question is rare (same port only).
static bool is_of_this_machine(const struct egress *g, const struct ip *ip)
{
    struct ifaddrs *all;
    bool is_ours = false;
    if (getifaddrs(&all) < 0)
        return true;
    for (struct ifaddrs *i = all; i && !is_ours; i = i->ifa_next) {
        struct ip local;
        is_ours = i->ifa_addr && ip_from_sockaddr(i->ifa_addr, &local, NULL) && ip_equal(&local, ip);
    }
    freeifaddrs(all);
    struct class c = classify(g, ip);
    return is_ours || (c.block && str_find(str_from(c.block->what), STR("loopback")) >= 0) || is_unspecified(ip);
}

static bool is_own(const struct egress *g, const struct ip *ip, int port)
{
    for (size_t i = 0; i < g->own_count; i++)
        if (g->own[i].port == port && (ip_equal(&g->own[i].ip, ip) || (is_unspecified(&g->own[i].ip) && is_of_this_machine(g, ip))))
            return true;
    return false;
}

static bool is_listed_exactly(const struct egress *g, const struct ip *ip, int port, str host)
{
    if (str_ends(host, STR(".")))
        host.n--;
    for (size_t i = 0; i < g->count; i++) {
        const struct entry *n = &g->entries[i];
        if (n->kind == ENTRY_ADDRESS && n->port == port && ip_equal(&n->ip, ip))
            return true;
        if (n->kind == ENTRY_HOST && n->port == port && str_eq_nocase(n->host, host))
            return true;
    }
    return false;
}

static bool is_listed_by_net(const struct egress *g, const struct ip *ip, const struct class *c)
{
    bool is_private = c->block->is_private && !c->form[0]; // a form of a private address is not what a wide net meant
    for (size_t i = 0; i < g->count; i++) {
        const struct entry *n = &g->entries[i];
        if (n->kind == ENTRY_NET && net_has(&n->net, ip) && (is_private || net_has_net(&c->net, &n->net)))
            return true;
    }
    return false;
}

static bool refuse(const struct ip *ip, int port, str host, enum egress_purpose purpose, const char *form, const char *what, struct err *e)
{
    static const char *const purposes[] = { "action", "broker", "feed", "tail", "script", "test" };
    char address[IP_TEXT_BYTES];
    ip_write(ip, address);
    struct ip literal;
    bool is_name = host.n && !ip_parse(host, &literal);
    // As a URL and an entry write it.
    char literal_text[IP_TEXT_BYTES + 2];
    snprintf(literal_text, sizeof literal_text, ip_is_v4(ip) ? "%s" : "[%s]", address);
    str entry_host = is_name ? str_sub(host, 0, 120) : str_from(literal_text);
    return err_set(e, ERR_DENIED, "connecting to %s:%d%s%.*s (%s) is refused: it is %s%s; an administrator can permit it by listing \"%.*s:%d\" in Egress.Allow",
                   literal_text, port, is_name ? ", which is " : "", STR_ARG(is_name ? entry_host : STR("")),
                   (size_t)purpose < COUNT(purposes) ? purposes[purpose] : "?", form, what, STR_ARG(entry_host), port);
}

bool egress_allows(const struct egress *g, const struct sockaddr *sa, str host, int port, enum egress_purpose purpose, struct err *e)
{
    struct ip ip;
    int real_port = 0;
    if (!ip_from_sockaddr(sa, &ip, &real_port))
        return err_set(e, ERR_DENIED, "only IPv4 and IPv6 addresses are connected to");
    if (real_port)
        port = real_port; // what is connected to counts, not what was asked for
    if (is_listed_exactly(g, &ip, port, host))
        return true;
    if (is_own(g, &ip, port))
        return refuse(&ip, port, host, purpose, "", "a listener or database of this server", e);
    struct class c = classify(g, &ip);
    if (!c.block || is_listed_by_net(g, &ip, &c))
        return true;
    return refuse(&ip, port, host, purpose, c.form, c.block->what, e);
}
