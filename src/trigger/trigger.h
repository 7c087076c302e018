// trigger.h - an external trigger: where senders post, how they prove themselves, what is made of the body.
#pragma once

#include "json/decode.h"

enum { SCHEME_API_KEY = 1, SCHEME_SIGNATURE = 2 };
enum body_parse { BODY_AUTO, BODY_JSON, BODY_FORM, BODY_XML, BODY_TEXT, BODY_BYTES };

struct delivery_part { // one of the two is set
    str header, pointer;
};

struct trigger {
    int64_t id, space_id; // set by the loader
    str slug, name, route;
    str *methods;
    size_t method_count;
    bool is_disabled;

    unsigned schemes;            // SCHEME_ bits
    bool require_all;
    bool allow_key_in_query;
    str *sources;                // CIDRs a caller must come from; none: any
    size_t source_count;
    const struct json *signature; // the object as stored, or NULL

    struct delivery_part *delivery_parts;
    size_t delivery_part_count;

    enum body_parse parse_as;
    str form_field;              // empty: none
    bool has_split;
    str split;                   // pointer to the array whose elements become events
    bool cloud_events_data;      // $Payload is `data`

    const struct json *handshake; // or NULL
    int answer_status;
    str answer_content_type, answer_body; // p == NULL: our usual JSON
    int64_t max_body_bytes;
    int64_t rate_per_second, rate_burst;  // 0: no limit
};

// Reads what a person or file sent, or what is stored; every problem goes into errors. NULL when there are any.
struct trigger *trigger_decode(struct arena *a, const struct json *doc, struct decode_errors *errors);
// The contract's object with every field in its order, but Id, SpaceId and Links.
struct json *trigger_to_json(const struct trigger *t, struct arena *a);

// A name in the form of a slug: lower case ASCII letters and digits, hyphens between.
str slug_from_name(struct arena *a, str name);
bool slug_is_valid(str slug);
