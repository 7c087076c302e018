// Authentication.Signature as data: read, checked, compiled.
#include "base/encode.h"
#include "json/json.h"
#include "trigger/signature_internal.h"

#include <sodium.h>

const char *const signature_algorithms[] = { "hmac-sha256", "hmac-sha1", "hmac-sha512", "ed25519", "rsa-sha256", "rsa-sha1", "equal", "basic", NULL };
static const char *const layouts[] = { "plain", "list", "fields", NULL };
static const char *const encodings[] = { "hex", "base64", "base64url", "text", NULL };
static const char *const secret_encodings[] = { "utf8", "base64", "hex", "certificate", NULL };
static const char *const units[] = { "s", "ms", "iso8601", NULL };

static bool is_rsa(enum signature_algorithm a)
{
    return a == ALGORITHM_RSA_SHA256 || a == ALGORITHM_RSA_SHA1;
}

static bool signs(enum signature_algorithm a)
{
    return a != ALGORITHM_EQUAL && a != ALGORITHM_BASIC;
}

// ---- preset and overrides ----

// A field beside Preset overrides it. Of Secret and Timestamp single members may be overridden, but where the
// timestamp is to be found is one thing: Header, Field or Pointer.
static struct json *merged(struct arena *a, const struct json *preset, const struct json *conf)
{
    struct json *all = json_copy(a, preset);
    json_each(m, conf) {
        if (str_eq(m->name, STR("Preset")))
            continue;
        struct json *old = json_get(all, m->name);
        bool is_part = (str_eq(m->name, STR("Secret")) || str_eq(m->name, STR("Timestamp"))) && json_is(m, JSON_OBJECT) && json_is(old, JSON_OBJECT);
        if (!is_part) {
            json_put(all, m->name, json_copy(a, m));
            continue;
        }
        static const str places[] = { STR_INIT("Header"), STR_INIT("Field"), STR_INIT("Pointer") };
        for (size_t i = 0; i < COUNT(places); i++)
            if (json_get(m, places[i]))
                for (size_t k = 0; k < COUNT(places); k++)
                    json_drop(old, places[k]);
        json_each(part, m)
            json_put(old, part->name, json_copy(a, part));
    }
    return all;
}

// ---- parts ----

static struct place read_place(struct decode *d, bool with_field)
{
    static const struct {
        const char *name;
        enum place_kind kind;
    } places[] = { { "Header", PLACE_HEADER }, { "Query", PLACE_QUERY }, { "Pointer", PLACE_POINTER }, { "Field", PLACE_FIELD } };
    struct place found = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < COUNT(places); i++) {
        if (places[i].kind == (with_field ? PLACE_QUERY : PLACE_FIELD))
            continue;
        str name = decode_str(d, places[i].name, (str){ 0 });
        if (!name.p)
            continue;
        count++;
        found = (struct place){ places[i].kind, name };
        if (!name.n)
            decode_error(d, places[i].name, "must not be empty");
        else if (found.kind == PLACE_POINTER && name.p[0] != '/')
            decode_error(d, places[i].name, "must be a JSON pointer that starts with /");
    }
    if (count != 1)
        decode_error(d, NULL, with_field ? "must have one of Header, Field and Pointer" : "must have one of Header, Query and Pointer");
    return found;
}

static void read_source(struct decode *d, struct signature *s)
{
    struct decode in;
    if (!decode_begin(&in, decode_object(d, "Source"), decode_path(d, "Source"), d->errors))
        return;
    s->source = read_place(&in, false);
    decode_done(&in);
}

static void read_layout(struct decode *d, struct signature *s)
{
    s->layout = (enum signature_layout)decode_choice(d, "Layout", layouts, LAYOUT_PLAIN);
    s->separator = decode_str(d, "Separator", (str){ 0 });
    s->prefix = decode_str(d, "Prefix", STR(""));
    s->field = decode_str(d, "Field", (str){ 0 });
    if (s->layout != LAYOUT_PLAIN && s->separator.n != 1)
        decode_error(d, "Separator", "must be one character for the layout %s", layouts[s->layout]);
    if (s->layout == LAYOUT_FIELDS && !s->field.n)
        decode_error(d, "Field", "must name the field that holds the signature");
    if (s->layout == LAYOUT_LIST && !s->prefix.n)
        decode_error(d, "Prefix", "must say which entries of the list count, such as \"v1,\"");
    if (s->layout != LAYOUT_FIELDS && s->field.p)
        decode_error(d, "Field", "is only for the layout fields");
    if (s->layout == LAYOUT_PLAIN && s->separator.p)
        decode_error(d, "Separator", "is only for the layouts list and fields");
    s->encoding = (enum signature_encoding)decode_choice(d, "Encoding", encodings, ENCODING_HEX);
}

static void read_timestamp(struct decode *d, struct signature *s)
{
    const struct json *j = decode_object(d, "Timestamp");
    struct decode in;
    if (!j || !decode_begin(&in, j, decode_path(d, "Timestamp"), d->errors))
        return;
    s->timestamp = read_place(&in, true);
    s->unit = (enum timestamp_unit)decode_choice(&in, "Unit", units, UNIT_S);
    s->tolerance_s = decode_i64(&in, "Tolerance", 300, 1, 86400);
    if (s->timestamp.kind == PLACE_FIELD && s->layout != LAYOUT_FIELDS)
        decode_error(&in, "Field", "is only for the layout fields");
    decode_done(&in);
}

static void read_secret_form(struct decode *d, struct signature *s)
{
    const struct json *j = decode_object(d, "Secret");
    struct decode in;
    s->strip_prefix = STR("");
    if (!j || !decode_begin(&in, j, decode_path(d, "Secret"), d->errors))
        return;
    s->secret_encoding = (enum secret_encoding)decode_choice(&in, "Encoding", secret_encodings, SECRET_UTF8);
    s->strip_prefix = decode_str(&in, "StripPrefix", STR(""));
    s->url_pointer = decode_str(&in, "UrlPointer", (str){ 0 });
    s->host_pattern = decode_str(&in, "HostPattern", (str){ 0 });
    if (s->url_pointer.p && s->secret_encoding != SECRET_CERTIFICATE)
        decode_error(&in, "UrlPointer", "is only for certificates");
    if (s->url_pointer.p && !str_starts(s->url_pointer, STR("/")))
        decode_error(&in, "UrlPointer", "must be a JSON pointer that starts with /");
    if (s->url_pointer.p && !str_eq(s->host_pattern, STR("sns.{region}.amazonaws.com")))
        decode_error(&in, "HostPattern", "must be sns.{region}.amazonaws.com: certificates are fetched from nowhere else");
    decode_done(&in);
}

static void read_select(struct decode *d, struct signature *s)
{
    const struct json *j = decode_object(d, "Select");
    if (!j)
        return;
    str path = decode_path(d, "Select");
    struct decode in;
    if (!decode_begin(&in, j, path, d->errors))
        return;
    s->select_pointer = decode_required_str(&in, "Pointer");
    if (s->select_pointer.n && s->select_pointer.p[0] != '/')
        decode_error(&in, "Pointer", "must be a JSON pointer that starts with /");
    json_each(m, j) {
        if (str_eq(m->name, STR("Pointer")))
            continue;
        const char *name = arena_cstr(d->errors->arena, m->name);
        int algorithm = decode_choice(&in, name, signature_algorithms, -1);
        if (s->choice_count == COUNT(s->choices))
            decode_error(&in, name, "is one too many; at most %zu can be told apart", COUNT(s->choices));
        else if (algorithm >= 0 && is_rsa((enum signature_algorithm)algorithm) != is_rsa(s->algorithm))
            decode_error(&in, name, "must be of the same kind as Algorithm (%s)", signature_algorithms[s->algorithm]);
        else if (algorithm >= 0 && (!signs((enum signature_algorithm)algorithm) || (algorithm == ALGORITHM_ED25519) != (s->algorithm == ALGORITHM_ED25519)))
            decode_error(&in, name, "must be of the same kind as Algorithm (%s)", signature_algorithms[s->algorithm]);
        else
            s->choices[s->choice_count++] = (struct signature_choice){ m->name, (enum signature_algorithm)MAX(algorithm, 0) };
    }
    if (!s->choice_count)
        decode_error(d, "Select", "must list the values and their algorithms");
    decode_done(&in);
}

static void read_signed(struct decode *d, struct arena *a, struct signature *s)
{
    str text = decode_str(d, "Signed", (str){ 0 });
    s->has_signed = text.p != NULL;
    if (!signs(s->algorithm)) {
        if (s->has_signed)
            decode_error(d, "Signed", "must be left out: with %s nothing is signed", signature_algorithms[s->algorithm]);
        return;
    }
    struct err e = { 0 };
    if (!text.n)
        decode_error(d, "Signed", "must say what is signed, such as \"{body}\"");
    else if (!pieces_parse(a, text, false, &s->signed_text, &e))
        decode_error(d, "Signed", "%s", e.text);
}

// What no single field shows.
static void check_together(struct decode *d, struct signature *s)
{
    bool has_url = s->url_pointer.p != NULL;
    bool signs_timestamp = pieces_have(&s->signed_text, PIECE_TIMESTAMP) || s->timestamp.kind == PLACE_POINTER;
    for (size_t i = 0; i < s->signed_text.count; i++)
        signs_timestamp |= s->signed_text.items[i].kind == PIECE_HEADER && s->timestamp.kind == PLACE_HEADER && str_eq_nocase(s->signed_text.items[i].text, s->timestamp.name);
    if (s->timestamp.kind == PLACE_NONE && pieces_have(&s->signed_text, PIECE_TIMESTAMP))
        decode_error(d, "Timestamp", "must say where {timestamp} is found");
    else if (s->timestamp.kind != PLACE_NONE && !signs_timestamp && signs(s->algorithm))
        decode_error(d, "Timestamp", "is not part of Signed: anyone could change it");
    if (is_rsa(s->algorithm) != (s->secret_encoding == SECRET_CERTIFICATE))
        decode_error(d, "Secret", is_rsa(s->algorithm) ? "%s needs the encoding certificate" : "%s takes no certificate", signature_algorithms[s->algorithm]);
    if (s->algorithm == ALGORITHM_BASIC && (s->layout != LAYOUT_PLAIN || s->encoding != ENCODING_BASE64))
        decode_error(d, "Algorithm", "basic needs the layout plain and the encoding base64");
    if (has_url && !s->topic_count)
        decode_error(d, "Topics", "must list the topics that may send; anyone's own topic has a good signature too");
    if (s->has_topics && !has_url)
        decode_error(d, "Topics", "is only for schemes with certificates by URL (sns)");
}

// ---- secrets ----

static bool is_all(str s, char c)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != c)
            return false;
    return true;
}

// Keys of asymmetric and symmetric kind are easily taken for one another: whsk_ is private, whpk_ public, whsec_ shared.
static bool check_kind(const struct signature *s, str text, struct err *e)
{
    bool wants_public = s->algorithm == ALGORITHM_ED25519;
    if (str_starts(text, STR("whsk_")))
        return err_set(e, ERR_INVALID, "is a private key (whsk_); it belongs to the sender alone, and should now be replaced there");
    if (wants_public && str_starts(text, STR("whsec_")))
        return err_set(e, ERR_INVALID, "is a shared secret (whsec_); a public key (whpk_) belongs here");
    if (!wants_public && s->secret_encoding == SECRET_BASE64 && str_starts(text, STR("whpk_")))
        return err_set(e, ERR_INVALID, "is a public key (whpk_), which anyone may know; the shared secret (whsec_) belongs here");
    return true;
}

static bool decode_secret(const struct signature *s, struct arena *a, str text, str *key, struct err *e)
{
    if (s->strip_prefix.n && str_starts(text, s->strip_prefix))
        text = str_skip(text, s->strip_prefix.n);
    switch (s->secret_encoding) {
    case SECRET_UTF8:
    case SECRET_CERTIFICATE: *key = text; break;
    case SECRET_HEX:
        if (!hex_decode(a, text, key))
            return err_set(e, ERR_INVALID, "is not hex");
        break;
    case SECRET_BASE64:
        if (!base64_decode(a, text, BASE64_STANDARD, key))
            return err_set(e, ERR_INVALID, "is not base64");
        break;
    }
    return key->n > 0 || err_set(e, ERR_INVALID, "must not be empty");
}

bool signature_add_secret(struct signature *s, struct arena *a, str text, struct err *e)
{
    text = arena_str(a, text);
    str key;
    if (s->secret_count == COUNT(s->secrets))
        return err_set(e, ERR_INVALID, "is one too many; at most %zu are active at once", COUNT(s->secrets));
    if (!text.n)
        return err_set(e, ERR_INVALID, "must not be empty");
    if (s->url_pointer.p)
        return err_set(e, ERR_INVALID, "is not used: the key comes from the certificate's URL");
    if (!check_kind(s, text, e) || !decode_secret(s, a, text, &key, e))
        return false;
    if (s->algorithm == ALGORITHM_BASIC && !str_has(key, ':'))
        return err_set(e, ERR_INVALID, "must be user:password");
    if (s->algorithm == ALGORITHM_ED25519 && key.n != crypto_sign_PUBLICKEYBYTES)
        return err_set(e, ERR_INVALID, "is %zu bytes; an Ed25519 public key has 32", key.n);
    if (s->algorithm == ALGORITHM_ED25519 && !crypto_core_ed25519_is_valid_point((const unsigned char *)key.p))
        return err_set(e, ERR_INVALID, "is no sound Ed25519 public key (small order, or not on the curve)");
    if (str_eq(s->strip_prefix, STR("whsec_")) && s->secret_encoding == SECRET_BASE64 && (key.n < 24 || key.n > 64))
        return err_set(e, ERR_INVALID, "is %zu bytes; Standard Webhooks wants 24 to 64", key.n);
    if (s->algorithm != ALGORITHM_ED25519 && s->secret_encoding != SECRET_CERTIFICATE && s->secret_encoding != SECRET_UTF8 && is_all(key, '\0'))
        return err_set(e, ERR_INVALID, "is nothing but zero bytes");
    if (s->secret_encoding == SECRET_CERTIFICATE) {
        EVP_PKEY *sound = rsa_key_from_pem(key);
        EVP_PKEY_free(sound);
        if (!sound)
            return err_set(e, ERR_INVALID, "is no certificate or public key in PEM with RSA of 2048 bits or more");
    }
    s->secrets[s->secret_count] = key;
    s->secret_count++;
    return true;
}

static void read_secrets(struct decode *d, struct arena *a, struct signature *s)
{
    const struct json *list = decode_array(d, "Secrets");
    size_t index = 0;
    if (list && list->count > LIMIT_SIGNATURE_SECRETS) {
        decode_error(d, "Secrets", "has %u entries; at most %d are active at once", list->count, LIMIT_SIGNATURE_SECRETS);
        return;
    }
    json_each(m, list) {
        str name = decode_path_index(d->errors->arena, STR("Secrets"), index++);
        struct err e = { 0 };
        bool ok = true;
        if (json_is(m, JSON_STRING))
            ok = signature_add_secret(s, a, m->text, &e);
        else if (!json_is(m, JSON_OBJECT) || (!json_get(m, STR("HasValue")) && !json_get(m, STR("Sealed"))))
            ok = err_set(&e, ERR_INVALID, "must be text, or {\"HasValue\": true} to keep what is there");
        if (!ok) { // not by decode_error, which would quote the brackets of the name
            str path = d->path.n ? arena_printf(d->errors->arena, "%.*s.%.*s", STR_ARG(d->path), STR_ARG(name)) : name;
            if (d->errors->count < DECODE_ERRORS_MAX)
                d->errors->items[d->errors->count++] = arena_printf(d->errors->arena, "%.*s: %s", STR_ARG(path), e.text);
        }
    }
}

static const struct json *with_preset(struct arena *a, const struct json *conf, str path, struct decode_errors *errors)
{
    const struct json *name = json_get(conf, STR("Preset"));
    if (!name || name->type == JSON_NULL)
        return conf;
    struct decode d;
    decode_begin(&d, conf, path, errors);
    str text = decode_str(&d, "Preset", (str){ 0 });
    const struct json *preset = text.p ? signature_preset(a, text) : NULL;
    if (preset)
        return merged(a, preset, conf);
    if (text.p) {
        CLEANUP(buf_fini) struct buf known = { 0 };
        for (size_t i = 0; signature_preset_name(i); i++)
            buf_printf(&known, " %s", signature_preset_name(i));
        decode_error(&d, "Preset", "\"%.*s\" is unknown; known are%.*s", STR_ARG(str_sub(text, 0, 60)), STR_ARG(buf_str(&known)));
    }
    return NULL;
}

bool signature_parse(struct arena *a, const struct json *conf, str path, struct decode_errors *errors, struct signature **out)
{
    size_t before = errors->count;
    struct decode d;
    if (sodium_init() < 0)
        abort();
    if (!decode_begin(&d, conf, path, errors))
        return false;
    const struct json *whole = with_preset(a, conf, path, errors);
    if (!whole || !decode_begin(&d, whole, path, errors))
        return false;
    struct signature *s = ARENA_NEW(a, struct signature);
    decode_ignore(&d, "Preset");
    int algorithm = decode_choice(&d, "Algorithm", signature_algorithms, -1);
    if (algorithm < 0 && errors->count == before)
        decode_error(&d, "Algorithm", "is missing; a Preset brings one");
    if (algorithm < 0)
        return false;
    s->algorithm = (enum signature_algorithm)algorithm;
    read_signed(&d, a, s);
    read_source(&d, s);
    read_layout(&d, s);
    read_secret_form(&d, s);
    read_timestamp(&d, s);
    read_select(&d, s);
    s->has_topics = json_is(json_get(whole, STR("Topics")), JSON_ARRAY);
    s->topics = decode_str_list(&d, "Topics", &s->topic_count);
    s->replay_days = (int)decode_i64(&d, "ReplayDays", 0, 0, 90);
    check_together(&d, s);
    if (errors->count == before) // a secret can be judged only by a sound scheme
        read_secrets(&d, a, s);
    else
        decode_ignore(&d, "Secrets");
    decode_done(&d);
    if (errors->count > before)
        return false;
    *out = s;
    return true;
}

size_t signature_secret_count(const struct signature *s)
{
    return s->secret_count;
}

int signature_replay_days(const struct signature *s)
{
    return s->replay_days;
}

bool signature_has_topic(const struct signature *s, str arn)
{
    for (size_t i = 0; i < s->topic_count; i++)
        if (str_eq(s->topics[i], arn))
            return true;
    return false;
}

str signature_secret(const struct signature *s, size_t i)
{
    return s->secrets[i];
}

str signature_first_secret(const struct signature *s)
{
    return s->secret_count ? s->secrets[0] : (str){ 0 };
}
