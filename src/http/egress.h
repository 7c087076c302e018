// egress.h - which addresses this server may connect to. Every outgoing socket asks here, at
// connect time, for the address really connected to.
//
// Always refused unless an administrator lists the exact host:port, address:port or CIDR: loopback,
// unspecified, link-local and metadata, multicast, benchmark nets, site-local, v4-mapped, NAT64 and
// 6to4 forms of these, the server's own listeners, the database. Private ranges are refused until
// listed. Public addresses are allowed.
//
// A CIDR opens one of the always-refused blocks only where it lies inside it: 127.0.0.0/8 opens
// loopback, 0.0.0.0/0 does not (it opens the private ranges). An entry with a host name trusts that
// name, whatever address it resolves to.
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <sys/socket.h>

struct egress;

enum egress_purpose { EGRESS_ACTION, EGRESS_BROKER, EGRESS_FEED, EGRESS_TAIL, EGRESS_SCRIPT, EGRESS_TEST };

// allow: entries "host:port", "address:port", "[v6]:port", "address/bits" (CIDR). A bad entry is an error that names it.
MUST_USE bool egress_new(const str *allow, size_t count, struct egress **out, struct err *e);
void egress_free(struct egress *g);
// Listeners and databases of our own: refused even where a CIDR allows them, unless the exact entry is listed.
void egress_add_own(struct egress *g, const struct sockaddr *sa, socklen_t n);

// `host` is the name (or literal) that was asked for, without port. A refusal says why and which entry would permit it.
MUST_USE bool egress_allows(const struct egress *g, const struct sockaddr *sa, str host, int port, enum egress_purpose purpose, struct err *e);

// Parses "http(s)://host[:port]/path"; refuses userinfo, other schemes, odd IP spellings are normalised (octal, hex,
// dword forms are refused with the reason). For checks when saving and before connecting. A fragment is dropped,
// bytes above 127 in path and query are percent-encoded; a host must be ASCII (xn--...).
struct url {
    str scheme, host, path_and_query; // host lower case, without brackets
    int port;
    bool is_address; // host is an IP address
};
// Scheme, host and port are the same: where one's keys go, the other's go.
bool url_is_same_server(struct arena *a, str x, str y);
MUST_USE bool url_parse(struct arena *a, str text, struct url *out, struct err *e);
