// handshake.h - what a sender asks before it sends: Handshake of a trigger, as data.
//
// {"Preset": "slack"} or {"When": {...}, "Reply": {...}} (docs/signatures.md has the language). A handshake asks for the
// same proof as a delivery, because an echo without proof would make us a reflector; two presets bring their own:
// echo-query with VerifyToken, and echo-header while the trigger is connecting. It makes no event. Answers are
// text/plain or JSON, never anything a browser would render.
#pragma once

#include "trigger/signature.h"

struct handshake;

// As signature_parse. VerifyToken may be an object: a secret whose value is not at hand.
MUST_USE bool handshake_parse(struct arena *a, const struct json *conf, str path, struct decode_errors *errors, struct handshake **out);

const char *handshake_preset_name(size_t i); // NULL behind the last

// A request with this method may be a handshake though the trigger's own methods do not list it.
bool handshake_takes_method(const struct handshake *h, str method);

// What is known of the request by the time its handshake is judged.
struct handshake_context {
    bool is_proven;                    // by what the trigger asks for
    bool by_signature;                 // and a signature was part of it
    bool is_connecting;                // the trigger is in its "connecting" state
    int64_t rate_per_minute;           // the trigger's own limit; 0: none
    const struct signature *signature; // or NULL
};

struct handshake_reply {
    int status;
    str content_type; // empty: no body
    struct incoming_field *headers;
    size_t header_count;
    str body;
    str confirm_url;    // sns: to be fetched once, through egress, without redirects; p == NULL: not
    str learned_secret; // echo-header: what the sender will sign with from now on; p == NULL: nothing
    str detail;         // for the log
};

enum handshake_result {
    HANDSHAKE_NO,      // an ordinary delivery: go on
    HANDSHAKE_REPLY,   // answer this and make no event
    HANDSHAKE_REFUSED, // a handshake that is not ours to answer: the one same 401
};

// in->query must have been read. The reply is set for HANDSHAKE_REPLY; for HANDSHAKE_REFUSED only its detail.
enum handshake_result handshake_judge(const struct handshake *h, const struct incoming *in, const struct handshake_context *c, struct arena *a, struct handshake_reply *reply);
