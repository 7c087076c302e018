// signature_internal.h - for the files signature*.c and handshake*.c only.
#pragma once

#include "base/limits.h"
#include "trigger/signature.h"

#include <openssl/evp.h>

// ---- texts with placeholders: "{timestamp}.{body}" ----

enum piece_kind { PIECE_TEXT, PIECE_BODY, PIECE_TIMESTAMP, PIECE_HEADER, PIECE_QUERY, PIECE_POINTER, PIECE_METHOD, PIECE_PATH, PIECE_LINE, PIECE_HMAC };

struct piece {
    enum piece_kind kind;
    str text; // the literal, name or pointer
};

struct pieces {
    struct piece items[LIMIT_SIGNED_PIECES];
    size_t count;
};

// {{ and }} are braces. for_reply adds {hmac:/pointer} (hex HMAC-SHA256 of that value) and takes {timestamp}, {line:} away.
bool pieces_parse(struct arena *a, str text, bool for_reply, struct pieces *out, struct err *e);
bool pieces_have(const struct pieces *p, enum piece_kind kind);

// What stands in for one; PART_OK, or why not. A body is parsed at most once.
enum part_result { PART_OK, PART_MISSING, PART_MALFORMED };

struct request_view {
    const struct incoming *in;
    struct arena *arena;
    struct json *root;
    bool is_parsed;
};

enum part_result view_pointer(struct request_view *v, str pointer, str *out); // text, or a number or boolean as written
enum part_result view_header(const struct request_view *v, str name, str *out);
enum part_result view_query(const struct request_view *v, str name, str *out);
// One piece but PIECE_TIMESTAMP and PIECE_HMAC.
enum part_result view_piece(struct request_view *v, const struct piece *p, str *out);

// ---- a configured scheme ----

enum signature_algorithm { ALGORITHM_HMAC_SHA256, ALGORITHM_HMAC_SHA1, ALGORITHM_HMAC_SHA512, ALGORITHM_ED25519, ALGORITHM_RSA_SHA256, ALGORITHM_RSA_SHA1,
                           ALGORITHM_EQUAL, ALGORITHM_BASIC };
enum place_kind { PLACE_NONE, PLACE_HEADER, PLACE_QUERY, PLACE_POINTER, PLACE_FIELD };
enum signature_layout { LAYOUT_PLAIN, LAYOUT_LIST, LAYOUT_FIELDS };
enum signature_encoding { ENCODING_HEX, ENCODING_BASE64, ENCODING_BASE64URL, ENCODING_TEXT };
enum secret_encoding { SECRET_UTF8, SECRET_BASE64, SECRET_HEX, SECRET_CERTIFICATE };
enum timestamp_unit { UNIT_S, UNIT_MS, UNIT_ISO8601 };

struct place {
    enum place_kind kind;
    str name;
};

struct signature_choice {
    str value;
    enum signature_algorithm algorithm;
};

struct signature {
    enum signature_algorithm algorithm;
    bool has_signed;
    struct pieces signed_text;
    struct place source;
    enum signature_layout layout;
    str separator, prefix, field;
    enum signature_encoding encoding;
    enum secret_encoding secret_encoding;
    str strip_prefix;
    str url_pointer, host_pattern; // certificates by URL
    struct place timestamp;
    enum timestamp_unit unit;
    int64_t tolerance_s;
    str select_pointer;
    struct signature_choice choices[8];
    size_t choice_count;
    str *topics;
    size_t topic_count;
    bool has_topics;
    int replay_days;
    str secrets[LIMIT_SIGNATURE_SECRETS]; // the keys' bytes; SECRET_CERTIFICATE: PEM
    size_t secret_count;
};

extern const char *const signature_algorithms[];

// Certificates. Both give a new reference.
EVP_PKEY *rsa_key_from_pem(str pem); // of a certificate or a public key; NULL unless RSA with at least 2 048 bits
enum cert_result { CERT_OK, CERT_FETCH, CERT_REFUSED };
enum cert_result certs_key(struct signature_certs *c, str url, str host_pattern, const struct clock *clock, struct arena *a, EVP_PKEY **key, str *fetch_url, str *why);
