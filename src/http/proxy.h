// proxy.h - who really sent a request that came through proxies.
//
// X-Forwarded-For and Forwarded (RFC 7239) are believed from the right, hop by hop, as far as each
// hop is a proxy the administrator trusts; the first address that is not one is the client. A
// client can put what it likes to the left of that and changes nothing.
//
// Where both headers are present and disagree, one of them was passed through from the client (a
// proxy writes one of the two): neither is believed, and the peer itself is given.
#pragma once

#include "http/address.h"
#include "http/server.h"

struct ip proxy_client(const struct net *trusted, size_t trusted_count, const struct ip *peer, const struct http_request *r);
