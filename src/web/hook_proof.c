// Who may post to a trigger: keys, source networks, signatures, rates.
#include "web/hook.h"

#include "base/limits.h"
#include "http/address.h"
#include "http/client.h"
#include "secret/token.h"
#include "trigger/rates.h"

#define KEY_USE_SLOTS 256
#define AUDIT_EVERY_MS 60000

// Uses of keys, counted here and stored every second: a commit of their own would cost each request.
struct key_uses {
    struct store_key_use items[KEY_USE_SLOTS];
    char addresses[KEY_USE_SLOTS][IP_TEXT_BYTES];
    size_t count;
};

struct hook_state {
    struct key_uses uses;
    struct {
        int64_t ids[64], uses, refused, at_ms;
        size_t count;
    } audited; // since the last row about keys
    struct rates rates;
    struct signature_certs *certs;
    struct http_client *http;
    const struct snapshot *policy; // whose egress our own requests obey: of the moment the last one began
};

static const struct egress *current_egress(void *ctx)
{
    return ((const struct hook_state *)ctx)->policy->egress;
}

static void renew_policy(struct web *w)
{
    const struct snapshot *old = w->hooks->policy;
    w->hooks->policy = registry_take(w->opt.registry);
    if (old)
        registry_give(w->opt.registry, old);
}

struct hook_state *hook_state_new(struct web *w, struct err *e)
{
    struct hook_state *s = xcalloc(1, sizeof *s);
    struct http_client_options opt = { .loop = w->opt.loop, .egress = current_egress, .egress_ctx = s, .user_agent = "OctopusReactions/1" };
    s->certs = signature_certs_new(false);
    if (!http_client_open(&opt, &s->http, e)) {
        hook_state_free(w, s);
        return NULL;
    }
    return s;
}

void hook_state_free(struct web *w, struct hook_state *s)
{
    if (!s)
        return;
    http_client_close(s->http);
    if (s->policy)
        registry_give(w->opt.registry, s->policy);
    signature_certs_free(s->certs);
    rates_fini(&s->rates);
    free(s);
}

// ---- keys ----

// In the query the key is called apikey, or access_token by CloudEvents (senders.md section 5).
static bool is_key_name(str name)
{
    return str_eq_nocase(name, STR("apikey")) || str_eq_nocase(name, STR("access_token"));
}

static str find_key_text(struct hook *h)
{
    const struct http_request *r = h->request;
    str text = http_header(r, STR("X-Octopus-ApiKey")), authorization = http_header(r, STR("Authorization"));
    if (!text.n && str_starts_nocase(authorization, STR("Bearer ")))
        text = str_trim(str_skip(authorization, 7));
    // Removed before anything sees it, whether it is good or not.
    for (struct json *q = h->query->first, *next; q; q = next) {
        next = q->next;
        if (!is_key_name(q->name))
            continue;
        if (!text.n && h->trigger->t->allow_key_in_query && json_is(q, JSON_STRING))
            text = q->text;
        json_drop(h->query, q->name);
    }
    return text;
}

static const struct key_entry *refuse_key(struct hook *h, const char *why)
{
    h->refusal = "key";
    h->refusal_detail = str_from(why);
    return NULL;
}

const struct key_entry *hook_find_key(struct hook *h)
{
    struct web *w = h->web;
    str text = find_key_text(h), public_id;
    if (!(h->trigger->t->schemes & SCHEME_API_KEY))
        return NULL;
    if (!text.n)
        return h->trigger->t->schemes == SCHEME_API_KEY ? refuse_key(h, "no key was sent") : NULL;
    if (!token_read(TOKEN_TRIGGER, text, &public_id))
        return refuse_key(h, "what was sent is no trigger key (RXT-...), or it was cut");
    // The same work for a key that nobody has: the time of the answer says nothing either (bench/run timing).
    static const unsigned char nobodys[KEYRING_HASH_BYTES];
    const struct key_entry *k = map_get(&h->snapshot->keys, public_id);
    bool matches = token_matches(w->opt.keyring, text, k ? k->hash : nobodys);
    if (!k || !matches)
        return refuse_key(h, "the key is unknown");
    if (k->trigger_id != h->trigger->t->id)
        return refuse_key(h, "the key is another trigger's");
    if (k->is_revoked)
        return refuse_key(h, "the key was revoked");
    if (k->expires_ms && k->expires_ms <= clock_wall_ms(w->opt.clock))
        return refuse_key(h, "the key has expired");
    return k;
}

int64_t hook_secret_use_id(const struct web *w, int64_t trigger_id, str secret)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned char hash[KEYRING_HASH_BYTES];
    uint64_t id = 0;
    keyring_hash(w->opt.keyring, "signature-secret", arena_printf(&a, "%" PRId64 ":%.*s", trigger_id, STR_ARG(secret)), hash);
    memcpy(&id, hash, sizeof id);
    return -(int64_t)(id >> 1) - 1;
}

static void count_use(struct hook *h, int64_t key_id)
{
    struct key_uses *u = &h->web->hooks->uses;
    size_t at = 0;
    while (at < u->count && u->items[at].key_id != key_id)
        at++;
    if (at == KEY_USE_SLOTS) {
        hook_flush_key_uses(h->web);
        at = 0;
    }
    if (at == u->count) {
        u->items[at] = (struct store_key_use){ .key_id = key_id };
        u->count++;
    }
    str address = h->request->remote.text;
    size_t n = MIN(address.n, sizeof u->addresses[at]);
    memcpy(u->addresses[at], address.p, n);
    u->items[at].address = (str){ u->addresses[at], n };
    u->items[at].count++;
    u->items[at].last_used_ms = clock_wall_ms(h->web->opt.clock);
}

void hook_count_use(struct hook *h)
{
    if (h->key)
        count_use(h, h->key->id);
    if (h->is_signed && h->secret >= 0)
        count_use(h, hook_secret_use_id(h->web, h->trigger->t->id, signature_secret(h->trigger->signature, (size_t)h->secret)));
}

// Once a minute at most, whatever comes: a flood of wrong keys must not fill the audit.
static void audit_uses(struct web *w)
{
    struct hook_state *h = w->hooks;
    int64_t now = clock_wall_ms(w->opt.clock), refused = __atomic_load_n(&w->refused, __ATOMIC_RELAXED);
    for (size_t i = 0; i < h->uses.count; i++) {
        size_t at = 0;
        while (at < h->audited.count && h->audited.ids[at] != h->uses.items[i].key_id)
            at++;
        if (at == h->audited.count && at < COUNT(h->audited.ids))
            h->audited.ids[h->audited.count++] = h->uses.items[i].key_id;
        h->audited.uses += h->uses.items[i].count;
    }
    if ((!h->audited.uses && refused == h->audited.refused) || now - h->audited.at_ms < AUDIT_EVERY_MS)
        return;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *doc = json_new_object(&a), *keys = json_add(doc, STR("Keys"), json_new_array(&a));
    for (size_t i = 0; i < h->audited.count; i++)
        if (h->audited.ids[i] > 0) // others stand for signature secrets
            json_push(keys, json_new_string(&a, store_id_text(&a, KIND_TRIGGER_KEY, h->audited.ids[i])));
    json_add_i64(&a, doc, "Uses", h->audited.uses);
    json_add_i64(&a, doc, "Refused", refused - h->audited.refused);
    store_audit(w->opt.store, &(struct store_audit){ 0, STR("hooks"), STR("key.use"), STR("triggers"), json_text(&a, doc) });
    h->audited.count = 0;
    h->audited.uses = 0;
    h->audited.refused = refused;
    h->audited.at_ms = now;
}

void hook_flush_key_uses(struct web *w)
{
    audit_uses(w);
    store_key_used(w->opt.store, w->hooks->uses.items, w->hooks->uses.count);
    w->hooks->uses.count = 0;
}

// ---- where from, and how often ----

bool hook_is_from_source(const struct hook *h)
{
    const struct trigger *t = h->trigger->t;
    struct ip ip;
    if (!t->source_count)
        return true;
    if (!ip_parse(h->request->remote.text, &ip))
        return false;
    for (size_t i = 0; i < t->source_count; i++) {
        struct net net;
        if (net_parse(t->sources[i], &net, NULL) && net_has(&net, &ip))
            return true;
    }
    return false;
}

bool hook_has_room(struct hook *h, int *retry_after_s)
{
    const struct trigger *t = h->trigger->t;
    struct rates_limit limit = { t->rate_per_second, t->rate_burst };
    struct ip ip = { 0 };
    if (!t->rate_per_second)
        return true;
    // Of IPv6 the network: whoever has one address of it has all.
    bool is_v4 = !ip_parse(h->request->remote.text, &ip) || ip_is_v4(&ip);
    str source = { (const char *)ip.b, is_v4 ? sizeof ip.b : sizeof ip.b / 2 };
    return rates_take(&h->web->hooks->rates, t->id, h->key ? h->key->id : 0, source, limit, clock_mono_ms(h->web->opt.clock), retry_after_s);
}

// ---- signatures ----

bool hook_read_incoming(struct hook *h)
{
    struct http_request *r = h->request;
    struct arena *a = r->arena;
    struct err e = { 0 };
    h->in = (struct incoming){ .method = r->method, .path = r->path, .raw_query = r->query, .header_count = r->header_count, .body = r->body };
    h->in.headers = ARENA_ARRAY(a, struct incoming_field, r->header_count);
    for (size_t i = 0; i < r->header_count; i++)
        h->in.headers[i] = (struct incoming_field){ r->headers[i].name, r->headers[i].value };
    if (incoming_read_query(&h->in, a, &e))
        return true;
    hook_end(h);
    http_answer_error(r, 400, "%s", e.text);
    return false;
}

struct fetch {
    struct hook *hook;
    str url;
};

static void fetched(void *ctx, const struct http_reply *reply)
{
    struct fetch *f = ctx;
    struct web *w = f->hook->web;
    bool is_good = reply->status == 200 && !reply->is_truncated;
    signature_certs_put(w->hooks->certs, f->url, is_good ? reply->body : (str){ 0 }, w->opt.clock);
    hook_judged(f->hook);
}

static void fetch_certificate(struct hook *h, str url)
{
    struct fetch *f = ARENA_NEW(h->request->arena, struct fetch);
    *f = (struct fetch){ h, url };
    renew_policy(h->web);
    struct http_call_options opt = { .method = STR("GET"), .url = url, .max_read_bytes = 65536, .purpose = EGRESS_ACTION };
    http_call_start(h->web->hooks->http, &opt, fetched, f);
}

struct confirmation {
    struct web *web;
    int64_t space_id, trigger_id;
};

static void confirmed(void *ctx, const struct http_reply *reply)
{
    struct confirmation *c = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *doc = json_new_object(&a);
    json_add_i64(&a, doc, "Status", reply->status);
    json_add_str(&a, doc, "Error", reply->status ? (str){ 0 } : arena_str(&a, str_from(reply->error.text)));
    store_audit(c->web->opt.store, &(struct store_audit){ c->space_id, STR("sns"), STR("trigger.confirm"), store_id_text(&a, KIND_TRIGGER, c->trigger_id), json_text(&a, doc) });
    free(c);
}

void hook_confirm(struct hook *h, str url)
{
    struct confirmation *c = xmalloc(sizeof *c);
    *c = (struct confirmation){ h->web, h->trigger->t->space_id, h->trigger->t->id };
    renew_policy(h->web);
    struct http_call_options opt = { .method = STR("GET"), .url = url, .max_read_bytes = 65536, .purpose = EGRESS_ACTION };
    http_call_start(h->web->hooks->http, &opt, confirmed, c);
}

enum hook_proof hook_prove(struct hook *h)
{
    const struct trigger *t = h->trigger->t;
    struct signature_result result = { .verdict = SIGNATURE_MISSING };
    bool wants_key = t->schemes & SCHEME_API_KEY, wants_signature = (t->schemes & SCHEME_SIGNATURE) && h->trigger->signature;
    if (wants_signature && (t->require_all || !h->key)) {
        signature_judge(h->trigger->signature, &h->in, h->web->hooks->certs, h->web->opt.clock, h->request->arena, &result);
        if (result.verdict == SIGNATURE_FETCH) {
            fetch_certificate(h, result.fetch_url);
            return HOOK_FETCHING;
        }
        h->is_signed = result.verdict == SIGNATURE_OK;
        if (!h->is_signed && !h->refusal) {
            h->refusal = signature_verdict_name(result.verdict);
            h->refusal_detail = result.detail;
        }
        h->secret = result.secret;
        memcpy(h->replay_key, result.replay_key, sizeof h->replay_key);
    }
    if (t->require_all)
        return (!wants_key || h->key) && (!wants_signature || h->is_signed) && (wants_key || wants_signature) ? HOOK_PROVEN : HOOK_REFUSED;
    return h->key || h->is_signed ? HOOK_PROVEN : HOOK_REFUSED;
}
