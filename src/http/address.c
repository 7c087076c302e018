#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->b, mapped_prefix, sizeof mapped_prefix) == 0;
}

uint32_t ip_v4(const struct ip *ip)
{
    return (uint32_t)ip->b[12] << 24 | (uint32_t)ip->b[13] << 16 | (uint32_t)ip->b[14] << 8 | ip->b[15];
}

struct ip ip_from_v4(uint32_t host_order)
{
    struct ip ip;
    memcpy(ip.b, mapped_prefix, sizeof mapped_prefix);
    for (int i = 0; i < 4; i++)
        ip.b[12 + i] = (uint8_t)(host_order >> (24 - 8 * i));
    return ip;
}

bool ip_parse(str text, struct ip *out)
{
    char z[IP_TEXT_BYTES];
    if (text.n == 0 || text.n >= sizeof z || memchr(text.p, 0, text.n))
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    struct in_addr v4;
    if (inet_pton(AF_INET, z, &v4) == 1) {
        *out = ip_from_v4(ntohl(v4.s_addr));
        return true;
    }
    return inet_pton(AF_INET6, z, out->b) == 1;
}

bool ip_from_sockaddr(const struct sockaddr *sa, struct ip *out, int *port)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        *out = ip_from_v4(ntohl(in.sin_addr.s_addr));
        if (port)
            *port = ntohs(in.sin_port);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        memcpy(out->b, &in6.sin6_addr, 16);
        if (port)
            *port = ntohs(in6.sin6_port);
        return true;
    }
    return false;
}

socklen_t ip_to_sockaddr(const struct ip *ip, int port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (ip_is_v4(ip)) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        in->sin_addr.s_addr = htonl(ip_v4(ip));
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)port);
    memcpy(&in6->sin6_addr, ip->b, 16);
    return sizeof *in6;
}

void ip_write(const struct ip *ip, char out[static IP_TEXT_BYTES])
{
    if (ip_is_v4(ip))
        snprintf(out, IP_TEXT_BYTES, "%d.%d.%d.%d", ip->b[12], ip->b[13], ip->b[14], ip->b[15]);
    else
        inet_ntop(AF_INET6, ip->b, out, IP_TEXT_BYTES);
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a->b, b->b, 16) == 0;
}

static struct ip masked(const struct ip *ip, int bits)
{
    struct ip m = *ip;
    for (int i = 0; i < 16; i++) {
        int keep = MAX(0, MIN(8, bits - 8 * i));
        m.b[i] &= (uint8_t)(0xff00 >> keep);
    }
    return m;
}

bool net_parse(str text, struct net *out, struct err *e)
{
    ptrdiff_t slash = str_find_char(text, '/');
    str address = slash < 0 ? text : str_sub(text, 0, (size_t)slash);
    struct ip ip;
    if (!ip_parse(address, &ip))
        return err_set(e, ERR_INVALID, "\"%.*s\" is not an address or a net like 10.0.0.0/8", STR_ARG(str_sub(text, 0, 100)));
    bool is_v4 = ip_is_v4(&ip) && !str_has(address, ':');
    int64_t bits = is_v4 ? 32 : 128, most = bits;
    if (slash >= 0) {
        str digits = str_skip(text, (size_t)slash + 1);
        bool is_plain = digits.n > 0 && digits.n <= 3 && (digits.n == 1 || digits.p[0] != '0');
        if (!is_plain || !str_to_i64(digits, &bits) || bits < 0 || bits > most)
            return err_set(e, ERR_INVALID, "\"%.*s\": the length behind the slash must be 0 to %d", STR_ARG(text), (int)most);
    }
    int all_bits = (int)bits + (is_v4 ? 96 : 0);
    struct ip start = masked(&ip, all_bits);
    if (!ip_equal(&start, &ip)) {
        char meant[IP_TEXT_BYTES];
        ip_write(&start, meant);
        return err_set(e, ERR_INVALID, "\"%.*s\" has bits behind its prefix; the net is %s/%d", STR_ARG(text), meant, (int)bits);
    }
    *out = (struct net){ ip, all_bits };
    return true;
}

bool net_has(const struct net *n, const struct ip *ip)
{
    struct ip m = masked(ip, n->bits);
    return ip_equal(&m, &n->ip);
}

bool net_has_net(const struct net *outer, const struct net *inner)
{
    return inner->bits >= outer->bits && net_has(outer, &inner->ip);
}
