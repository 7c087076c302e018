// handshake_internal.h - for the files handshake*.c only.
#pragma once

#include "trigger/handshake.h"
#include "trigger/signature_internal.h"

#define HANDSHAKE_CONDITIONS 8
#define HANDSHAKE_HEADERS 8

enum handshake_kind { HANDSHAKE_PLAIN, HANDSHAKE_SLACK, HANDSHAKE_EVENTGRID, HANDSHAKE_CLOUDEVENTS, HANDSHAKE_SNS, HANDSHAKE_ECHO_QUERY, HANDSHAKE_ECHO_HEADER,
                      HANDSHAKE_HMAC_REPLY, HANDSHAKE_HEAD };

struct condition {
    enum place_kind kind;
    str name, value;
    bool any; // it is there, whatever it is
};

struct reply_header {
    str name;
    struct pieces value;
};

struct handshake {
    enum handshake_kind kind;
    str *methods; // none: any
    size_t method_count;
    struct condition conditions[HANDSHAKE_CONDITIONS];
    size_t condition_count;

    int status;
    str content_type;
    struct reply_header headers[HANDSHAKE_HEADERS];
    size_t header_count;
    struct pieces body;

    str *among;  // eventgrid: Subscriptions; cloudevents: Origins; none: any
    size_t among_count;
    bool confirms; // sns
    str verify_parameter, verify_token; // echo-query; token p == NULL: not at hand or not asked for
    bool wants_token;
    str header; // echo-header
};

bool content_type_is_json(str content_type);
