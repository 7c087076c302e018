// http_request.h - a reaction's HTTP action made into one request: rendered, checked, signed. Pure: nothing is sent here.
//
// Data never becomes code. Bytes of the event, which the template engine marks, may stand in no scheme or host; in a path they make
// no "..", no query and no fragment; in a JSON body they are part of one string or are whole values, in a form they separate
// nothing, in XML they open no tag. Escape them (JsonEscape, UriDataEscape, XmlEscape) and they pass. A header holds no CR, LF or NUL. A
// secret that is bound to hosts is refused for any other. All of that is decided before a byte leaves.
#pragma once

#include "base/map.h"
#include "http/client.h"
#include "reaction/reaction.h"
#include "sys/clock.h"
#include "sys/random.h"
#include "template/template.h"

// A variable whose secret may be sent to certain hosts only.
struct bound_secret {
    str variable, secret;
    const struct json *hosts; // array of "host" or "host:port", not empty
};

// The templates of a definition that is kept from run to run: each of its texts is parsed once. Zeroed: none yet.
struct request_templates {
    struct arena arena;
    struct map by_text; // the text's address -> struct template
};
void request_templates_fini(struct request_templates *t);

struct http_request_input {
    const struct reaction *def; // an HTTP action, with its secrets in the clear
    struct vars *vars;          // secrets that must not go to the host are taken out of it
    struct request_templates *templates; // of def; NULL: its texts are parsed each time
    const struct bound_secret *bound;
    size_t bound_count;
    str key, reaction_id, run_id; // the run's Idempotency-Key; "Reactions-1"; "Runs-42"
    const struct clock *clock;
    const struct random *random;
};

struct outgoing {
    str method, url, body;
    str host; // "example.com:443": what is counted and limited
    struct http_header *headers;
    size_t header_count;
    struct http_tls tls;
    struct json *shown; // the contract's Request: secrets masked, the body cut
};

// False with a sentence that names the field, and the token where one is undefined. Everything lives in the arena.
MUST_USE bool http_request_render(const struct http_request_input *in, struct arena *a, struct outgoing *out, struct err *e);

// What can be said when a definition is saved, beyond its shape and its templates: scheme, statuses, header names, signing,
// certificates. Nothing to say about other actions.
void http_request_check(const struct reaction *def, struct decode_errors *errors);

// The first n bytes and not half a character.
str http_request_cut(str text, size_t n);

// AllowedHosts of a secret: "host", which means the scheme's own port, or "host:port".
bool http_request_allows_host(const struct json *hosts, const struct url *url);
