// hook.h - what the files about /triggers/... share. Only src/web's hook*.c include this.
#pragma once

#include "trigger/handshake.h"
#include "trigger/incoming.h"
#include "web/handle.h"

// What the head stage leaves for the request stage. Lives in the request's arena.
struct hook {
    struct web *web;
    struct http_request *request;
    const struct snapshot *snapshot;
    const struct trigger_entry *trigger;
    const struct key_entry *key;  // NULL: none was shown, or no good one
    const char *refusal;          // why it would be refused, as far as is known; NULL: nothing said
    str refusal_detail;
    bool is_signed;
    int secret;                   // position of the secret that fitted; only where is_signed
    struct route_values route;
    struct json *query;           // without the key
    struct incoming in;           // as sent, for the proof and the handshake
    unsigned char replay_key[32]; // of a good signature
    const struct json *payload;   // parsed, where something asks for it
};

// ---- hook_proof.c: who may post ----
// The key out of header, bearer or query; the query is rid of it.
const struct key_entry *hook_find_key(struct hook *h);
bool hook_is_from_source(const struct hook *h);
// False: too many came of this trigger, key and source; *retry_after_s says when there is room again.
bool hook_has_room(struct hook *h, int *retry_after_s);
// The view that signatures and handshakes judge. False: answered.
bool hook_read_incoming(struct hook *h);

enum hook_proof { HOOK_PROVEN, HOOK_REFUSED, HOOK_FETCHING }; // FETCHING: hook_judged is called when the certificate is there
enum hook_proof hook_prove(struct hook *h);
void hook_judged(struct hook *h); // hooks.c: goes on after a fetch
void hook_count_use(struct hook *h);
void hook_confirm(struct hook *h, str url); // the one GET that a handshake may ask for; audited

// ---- hook_event.c: what becomes of the body ----
void hook_accept(struct hook *h);

// ---- hooks.c ----
void hook_refuse(struct hook *h, const char *reason, str detail); // the one same 401; why is kept for who may edit the trigger
void hook_end(struct hook *h);                       // lets the snapshot go; before or after the answer
void hook_busy(struct hook *h, const char *text);    // 503
