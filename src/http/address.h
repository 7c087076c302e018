// address.h - IP addresses and nets as bytes, for the trusted-proxy rule and for egress.
//
// One form for both families: 16 bytes, IPv4 as its v4-mapped form (::ffff:a.b.c.d), so that one
// comparison serves and "the same address in other clothes" compares equal.
#pragma once

#include "base/err.h"

#include <sys/socket.h>

struct ip {
    uint8_t b[16];
};

#define IP_TEXT_BYTES 46 // INET6_ADDRSTRLEN

// Dotted quad (four decimal numbers without leading zeros) or IPv6 without brackets and zone.
bool ip_parse(str text, struct ip *out);
bool ip_is_v4(const struct ip *ip);
uint32_t ip_v4(const struct ip *ip); // host order; only where ip_is_v4
struct ip ip_from_v4(uint32_t host_order);
// False for another family. port may be NULL.
bool ip_from_sockaddr(const struct sockaddr *sa, struct ip *out, int *port);
socklen_t ip_to_sockaddr(const struct ip *ip, int port, struct sockaddr_storage *out);
void ip_write(const struct ip *ip, char out[static IP_TEXT_BYTES]);
bool ip_equal(const struct ip *a, const struct ip *b);

struct net {
    struct ip ip; // bits behind the prefix are zero
    int bits;     // of 128; an IPv4 net has 96 more than people write
};

// "10.0.0.0/8", "fd00::/8", or one address. Bits behind the prefix must be zero: the error says which net was meant.
MUST_USE bool net_parse(str text, struct net *out, struct err *e);
bool net_has(const struct net *n, const struct ip *ip);
bool net_has_net(const struct net *outer, const struct net *inner);
