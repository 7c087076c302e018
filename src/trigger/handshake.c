#include "trigger/handshake_internal.h"

#include "base/encode.h"
#include "json/json.h"

#include <openssl/hmac.h>
#include <sodium.h>

bool handshake_takes_method(const struct handshake *h, str method)
{
    for (size_t i = 0; i < h->method_count; i++)
        if (str_eq(h->methods[i], method))
            return true;
    return false;
}

// ---- whether it is one ----

static bool holds(struct request_view *v, const struct condition *c)
{
    str value = { 0 };
    enum part_result r = c->kind == PLACE_HEADER ? view_header(v, c->name, &value) : c->kind == PLACE_QUERY ? view_query(v, c->name, &value) : view_pointer(v, c->name, &value);
    return r == PART_OK && (c->any || str_eq(value, c->value));
}

static bool is_handshake(const struct handshake *h, struct request_view *v)
{
    if (h->method_count && !handshake_takes_method(h, v->in->method))
        return false;
    for (size_t i = 0; i < h->condition_count; i++) // headers before the body, which is parsed for pointers only
        if (!holds(v, &h->conditions[i]))
            return false;
    return true;
}

static bool is_among(const struct handshake *h, str value)
{
    for (size_t i = 0; i < h->among_count; i++)
        if (str_eq_nocase(h->among[i], value) || str_eq(h->among[i], STR("*")))
            return true;
    return !h->among_count;
}

// ---- what is answered ----

static bool add_escaped(struct buf *out, str value, bool as_json)
{
    if (value.n > LIMIT_HANDSHAKE_ECHO_BYTES)
        return false;
    if (!as_json)
        return buf_add(out, value);
    if (!str_is_utf8(value))
        return false;
    CLEANUP(buf_fini) struct buf quoted = { 0 };
    json_write_string(&quoted, value);
    return buf_add(out, str_sub(buf_str(&quoted), 1, quoted.n - 2));
}

static bool hmac_hex(struct arena *a, str key, str text, str *out)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!key.n)
        return false;
    HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)(text.p ? text.p : ""), text.n, mac, &n);
    *out = hex_encode(a, (str){ (const char *)mac, n });
    return true;
}

// False where something the reply needs is not in the request.
static bool fill(const struct pieces *p, struct request_view *v, str key, bool as_json, str *out)
{
    CLEANUP(buf_fini) struct buf b = { 0 };
    for (size_t i = 0; i < p->count; i++) {
        const struct piece *piece = &p->items[i];
        str value;
        if (piece->kind == PIECE_TEXT) {
            buf_add(&b, piece->text);
            continue;
        }
        enum part_result r = piece->kind == PIECE_HMAC ? view_pointer(v, piece->text, &value) : view_piece(v, piece, &value);
        if (r != PART_OK || (piece->kind == PIECE_HMAC && !hmac_hex(v->arena, key, value, &value)) || !add_escaped(&b, value, as_json))
            return false;
    }
    *out = arena_str(v->arena, buf_str(&b));
    return true;
}

static bool is_header_value(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < ' ' || (uint8_t)s.p[i] >= 0x7F)
            return false;
    return true;
}

static void add_header(struct handshake_reply *reply, str name, str value)
{
    reply->headers[reply->header_count++] = (struct incoming_field){ name, value };
}

static bool fill_reply(const struct handshake *h, struct request_view *v, const struct handshake_context *c, struct handshake_reply *reply)
{
    str key = c->signature ? signature_first_secret(c->signature) : (str){ 0 };
    *reply = (struct handshake_reply){ .status = h->status, .content_type = h->content_type, .headers = ARENA_ARRAY(v->arena, struct incoming_field, HANDSHAKE_HEADERS + 2) };
    if (!fill(&h->body, v, key, content_type_is_json(h->content_type), &reply->body))
        return false;
    for (size_t i = 0; i < h->header_count; i++) {
        str value;
        if (!fill(&h->headers[i].value, v, key, false, &value) || !is_header_value(value))
            return false;
        add_header(reply, h->headers[i].name, value);
    }
    if (h->content_type.n)
        add_header(reply, STR("X-Content-Type-Options"), STR("nosniff"));
    return true;
}

// ---- what the presets add ----

// Present whenever it is asked for: what was asked, or our own rate where that is lower.
static void add_rate(struct request_view *v, int64_t own, struct handshake_reply *reply)
{
    str asked;
    int64_t rate = 0;
    if (view_header(v, STR("WebHook-Request-Rate"), &asked) != PART_OK)
        return;
    bool is_rate = str_to_i64(asked, &rate) && rate > 0;
    if (own > 0 && (!is_rate || own < rate))
        rate = own;
    add_header(reply, STR("WebHook-Allowed-Rate"), rate > 0 ? arena_printf(v->arena, "%" PRId64, rate) : STR("*"));
}

// The one URL of a payload that we ever call, and only under these conditions.
static void add_confirmation(const struct handshake *h, struct request_view *v, const struct handshake_context *c, struct handshake_reply *reply)
{
    str url, topic;
    reply->detail = STR("not confirmed: Confirm is off");
    if (!h->confirms)
        return;
    reply->detail = STR("not confirmed: only a good signature confirms");
    if (!c->by_signature || !c->signature)
        return;
    reply->detail = STR("not confirmed: the topic is not listed in the trigger");
    if (view_pointer(v, STR("/TopicArn"), &topic) != PART_OK || !signature_has_topic(c->signature, topic))
        return;
    reply->detail = STR("not confirmed: SubscribeURL is not Amazon's");
    if (view_pointer(v, STR("/SubscribeURL"), &url) != PART_OK || !signature_sns_url_is_allowed(url))
        return;
    reply->detail = STR("to be confirmed");
    reply->confirm_url = url;
}

static bool token_fits(const struct handshake *h, struct request_view *v)
{
    str value;
    unsigned char x[crypto_generichash_BYTES], y[crypto_generichash_BYTES];
    if (!h->verify_token.n || view_query(v, h->verify_parameter, &value) != PART_OK)
        return false;
    crypto_generichash(x, sizeof x, (const unsigned char *)value.p, value.n, NULL, 0);
    crypto_generichash(y, sizeof y, (const unsigned char *)h->verify_token.p, h->verify_token.n, NULL, 0);
    return sodium_memcmp(x, y, sizeof x) == 0;
}

// Two handshakes bring a proof of their own; the others need the trigger's.
static bool is_proven(const struct handshake *h, struct request_view *v, const struct handshake_context *c)
{
    if (h->kind == HANDSHAKE_ECHO_QUERY && h->wants_token)
        return token_fits(h, v);
    return c->is_proven || (h->kind == HANDSHAKE_ECHO_HEADER && c->is_connecting);
}

static enum handshake_result refused(struct handshake_reply *reply, const char *why)
{
    *reply = (struct handshake_reply){ .detail = str_from(why) };
    return HANDSHAKE_REFUSED;
}

enum handshake_result handshake_judge(const struct handshake *h, const struct incoming *in, const struct handshake_context *c, struct arena *a, struct handshake_reply *reply)
{
    struct request_view v = { .in = in, .arena = a };
    str among = { 0 };
    if (!c->is_proven && h->kind != HANDSHAKE_ECHO_HEADER && !h->wants_token)
        return HANDSHAKE_NO; // nothing of an unproven request is looked at; it is refused as any delivery
    if (!is_handshake(h, &v))
        return HANDSHAKE_NO;
    if (h->kind == HANDSHAKE_ECHO_HEADER && !c->is_connecting)
        return c->is_proven ? HANDSHAKE_NO : refused(reply, "the trigger is not in its connecting state");
    if (!is_proven(h, &v, c))
        return refused(reply, "the handshake was not proven");
    if (h->kind == HANDSHAKE_EVENTGRID && (h->among_count && (view_header(&v, STR("aeg-subscription-name"), &among) != PART_OK || !is_among(h, among))))
        return refused(reply, "the subscription is not listed in the trigger");
    if (h->kind == HANDSHAKE_CLOUDEVENTS && (view_header(&v, STR("WebHook-Request-Origin"), &among) != PART_OK || !is_among(h, among)))
        return refused(reply, "the origin is not listed in the trigger");
    if (!fill_reply(h, &v, c, reply))
        return refused(reply, "the request lacks what the reply needs");
    if (h->kind == HANDSHAKE_CLOUDEVENTS)
        add_rate(&v, c->rate_per_minute, reply);
    if (h->kind == HANDSHAKE_SNS)
        add_confirmation(h, &v, c, reply);
    if (h->kind == HANDSHAKE_ECHO_HEADER)
        view_header(&v, h->header, &reply->learned_secret);
    return HANDSHAKE_REPLY;
}
