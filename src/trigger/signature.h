// signature.h - how a sender proves that a request is its own: Authentication.Signature of a trigger, as data.
//
// An object of that language (senders.md section 2) says what is signed, where the signature stands and how it is
// written; a preset ("github", "stripe", ...) is such an object with a name, and fields beside it override it.
//
// What holds: the signature is judged before the timestamp; bytes are compared in constant time; up to five
// secrets are active at once and any good pair of secret and signature accepts; nothing is ever accepted without a
// secret, by another version than the configured one, or by a header sent twice. The sender learns nothing but 401.
#pragma once

#include "json/decode.h"
#include "trigger/incoming.h"
#include "sys/clock.h"

struct signature;

// Reads and checks the object. Problems go into errors, each with its path below `path`
// ("Authentication.Signature"); then false. Everything lives in the arena. The
// strings in Secrets become the active secrets; an object there ({"HasValue": true} or a sealed one) is a secret whose value is not at hand.
// With nothing at hand the result is good for showing and checking, and accepts nothing.
MUST_USE bool signature_parse(struct arena *a, const struct json *conf, str path, struct decode_errors *errors, struct signature **out);

// One more secret, as a person types it. Errors say what is wrong with it, never what it is.
MUST_USE bool signature_add_secret(struct signature *s, struct arena *a, str text, struct err *e);
size_t signature_secret_count(const struct signature *s);

// The names of the presets (NULL behind the last), and the object one stands for (NULL: unknown).
const char *signature_preset_name(size_t i);
struct json *signature_preset(struct arena *a, str name);

int signature_replay_days(const struct signature *s); // 0: not asked for
// SNS topics that may send; the handshake asks too.
bool signature_has_topic(const struct signature *s, str arn);
// One of the active secrets' bytes: to know it again when its use is told.
str signature_secret(const struct signature *s, size_t i);
// The bytes of the first active secret (hmac-reply signs with it); p == NULL: none.
str signature_first_secret(const struct signature *s);

enum signature_verdict {
    SIGNATURE_OK,
    SIGNATURE_MISSING,     // of signature, timestamp or a part of what is signed
    SIGNATURE_MALFORMED,   // one of them cannot be read, or came twice, or is of another version
    SIGNATURE_WRONG,       // fits no active secret ("signature" in the log)
    SIGNATURE_TIMESTAMP,   // good, but too old or from the future
    SIGNATURE_CERTIFICATE, // not from where it may come, or not to be trusted
    SIGNATURE_FETCH,       // no verdict yet: get fetch_url into the certificates and judge again
};

// "ok", "missing", "malformed", "signature", "timestamp", "certificate", "fetch".
const char *signature_verdict_name(enum signature_verdict v);

struct signature_result {
    enum signature_verdict verdict;
    int secret;             // position of the secret that fitted, -1 where none did
    str detail;             // for whoever may edit the trigger: "timestamp 412 s old"
    str fetch_url;          // SIGNATURE_FETCH
    uint8_t replay_key[32]; // SIGNATURE_OK: SHA-256 over signature and body, for ReplayDays
};

// Certificates that senders sign with, by the URL they gave.
struct signature_certs;

// body is what came over the wire; a signature inside the body is looked for in incoming_content(). certs may be NULL
// where the scheme has no certificates. The clock's wall time is what timestamps and certificates are measured by.
void signature_judge(const struct signature *s, const struct incoming *in, struct signature_certs *certs, const struct clock *clock, struct arena *a,
                     struct signature_result *out);

// A bounded cache; not for two threads at once. With `own_anchor` each certificate is trusted as it stands
// (for vectors); else its chain must lead to the system's roots.
struct signature_certs *signature_certs_new(bool own_anchor);
void signature_certs_free(struct signature_certs *c);
// What a GET of the URL answered: PEM or DER, copied. p == NULL: it failed; not asked for again before a minute is over.
void signature_certs_put(struct signature_certs *c, str url, str content, const struct clock *clock);
// Whether the URL may be fetched at all: https, sns.<region>.amazonaws.com[.cn], a name ending in .pem, nothing else; or
// an issuer's certificate at *.amazontrust.com. Redirects must not be followed.
bool signature_cert_url_is_allowed(str url, str host_pattern);

// https://sns.<region>.amazonaws.com[.cn][:443]/...: where a subscription may be confirmed.
bool signature_sns_url_is_allowed(str url);
