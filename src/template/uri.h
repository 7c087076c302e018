// uri.h - URIs as System.Uri takes them apart: with its canonical forms and its tolerance.
//
// Host and scheme in lower case, IP addresses in their usual form, "\" as "/", dot segments removed,
// characters escaped that must be, %41 unescaped. Only for the UriPart filter: what the product itself
// sends or refuses is decided elsewhere (http/egress.h).
#pragma once

#include "base/arena.h"

enum uri_host { URI_HOST_UNKNOWN, URI_HOST_BASIC, URI_HOST_DNS, URI_HOST_IPV4, URI_HOST_IPV6 };

struct uri {
    bool is_absolute;
    str scheme, user_info, host; // an IPv6 host has its brackets
    str scope;                   // of an IPv6 address, with its %; else empty
    str path, query, fragment;   // escaped; query and fragment with their ? and #
    enum uri_host host_type;
    int port, default_port; // -1: none
    bool has_authority;     // "://"
    bool has_user_info;
    bool is_file, is_unc, is_dos_path, is_loopback;
};

// False for what is no URI at all. Anything that does not look absolute is a relative one.
bool uri_parse(struct arena *a, str text, struct uri *out);

str uri_absolute(struct arena *a, const struct uri *u);
str uri_local_path(struct arena *a, const struct uri *u); // unescaped; \\server\share and C:\ with backslashes
