#include "secret/keyring.h"

#include "base/encode.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define ID_BYTES 8

struct master {
    unsigned char seal_key[32]; // derived: one key, one purpose
    char id[2 * ID_BYTES + 1];
};

struct keyring {
    struct master masters[KEYRING_KEYS_MAX]; // never moved nor changed once counted: readers take no lock
    int count, current;                      // atomic
    unsigned char hash_key[32];
    bool is_file;
    const struct random *random;
};

static void derive(const unsigned char key[KEYRING_KEY_BYTES], const char *purpose, unsigned char *out, size_t n)
{
    crypto_generichash(out, n, (const unsigned char *)purpose, strlen(purpose), key, KEYRING_KEY_BYTES);
}

static void set_master(struct master *m, const unsigned char key[KEYRING_KEY_BYTES])
{
    unsigned char id[crypto_generichash_BYTES_MIN];
    derive(key, "seal", m->seal_key, sizeof m->seal_key);
    derive(key, "id", id, sizeof id);
    sodium_bin2hex(m->id, sizeof m->id, id, ID_BYTES);
}

struct keyring *keyring_from_bytes(const unsigned char key[KEYRING_KEY_BYTES], const struct random *random)
{
    if (sodium_init() < 0)
        abort();
    struct keyring *k = xcalloc(1, sizeof *k);
    // Not into a core dump, not swapped out, where the machine permits.
    sodium_mlock(k, sizeof *k);
    k->random = random;
    set_master(&k->masters[0], key);
    k->count = 1;
    derive(key, "hash", k->hash_key, sizeof k->hash_key);
    return k;
}

void keyring_close(struct keyring *k)
{
    if (!k)
        return;
    sodium_memzero(k, sizeof *k);
    sodium_munlock(k, sizeof *k);
    free(k);
}

str keyring_id(const struct keyring *k)
{
    return str_from(k->masters[__atomic_load_n(&k->current, __ATOMIC_ACQUIRE)].id);
}

static const struct master *find_master(const struct keyring *k, str id)
{
    int count = __atomic_load_n(&k->count, __ATOMIC_ACQUIRE);
    for (int i = 0; i < count; i++)
        if (str_eq(id, str_from(k->masters[i].id)))
            return &k->masters[i];
    return NULL;
}

bool keyring_knows(const struct keyring *k, str id)
{
    return find_master(k, id) != NULL;
}

bool keyring_add(struct keyring *k, const unsigned char key[KEYRING_KEY_BYTES], str *id, struct err *e)
{
    struct master m;
    set_master(&m, key);
    const struct master *known = find_master(k, str_from(m.id));
    if (!known && k->count == KEYRING_KEYS_MAX) {
        sodium_memzero(&m, sizeof m);
        return err_set(e, ERR_CONFLICT, "this server has had %d master keys since it started: restart it first", KEYRING_KEYS_MAX);
    }
    if (!known) {
        k->masters[k->count] = m;
        known = &k->masters[k->count];
        __atomic_store_n(&k->count, k->count + 1, __ATOMIC_RELEASE);
    }
    sodium_memzero(&m, sizeof m);
    *id = str_from(known->id);
    return true;
}

void keyring_use(struct keyring *k, str id)
{
    const struct master *m = find_master(k, id);
    assert(m);
    __atomic_store_n(&k->current, (int)(m - k->masters), __ATOMIC_RELEASE);
}

str keyring_sealed_with(str sealed)
{
    str rest = sealed, version, id;
    if (!str_split(&rest, '.', &version) || !str_eq(version, STR("v1")) || !str_split(&rest, '.', &id) || !rest.p)
        return (str){ "", 0 };
    return id;
}

bool keyring_is_file(const struct keyring *k)
{
    return k->is_file;
}

void keyring_get_hash_key(const struct keyring *k, unsigned char out[static 32])
{
    memcpy(out, k->hash_key, sizeof k->hash_key);
}

void keyring_set_hash_key(struct keyring *k, const unsigned char key[static 32])
{
    memcpy(k->hash_key, key, sizeof k->hash_key);
}

static bool parse_key(str text, const char *where, unsigned char out[KEYRING_KEY_BYTES], struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str bytes;
    if (!hex_decode(&a, str_trim(text), &bytes) || bytes.n != KEYRING_KEY_BYTES)
        return err_set(e, ERR_INVALID, "%s: a master key is 64 hexadecimal digits", where);
    memcpy(out, bytes.p, KEYRING_KEY_BYTES);
    return true;
}

bool keyring_read_file(const char *path, unsigned char out[KEYRING_KEY_BYTES], struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct stat st;
    str text;
    if (stat(path, &st) == 0 && (st.st_mode & 077))
        return err_set(e, ERR_DENIED, "%s may be read by others (mode %04o): chmod 600 it", path, st.st_mode & 07777);
    return file_read(path, 4096, &a, &text, e) && parse_key(text, path, out, e);
}

bool keyring_write_file(const char *path, const unsigned char key[KEYRING_KEY_BYTES], struct err *e)
{
    char line[2 * KEYRING_KEY_BYTES + 2];
    sodium_bin2hex(line, sizeof line, key, KEYRING_KEY_BYTES);
    line[2 * KEYRING_KEY_BYTES] = '\n';
    bool ok = file_write(path, (str){ line, 2 * KEYRING_KEY_BYTES + 1 }, 0600, e);
    sodium_memzero(line, sizeof line);
    return ok;
}

static bool create_key_file(const char *path, const struct random *random, unsigned char out[KEYRING_KEY_BYTES], struct err *e)
{
    random->fill(random->ctx, out, KEYRING_KEY_BYTES);
    return keyring_write_file(path, out, e);
}

// From the environment, where children shall not inherit it, or a file that systemd keeps readable by the service only,
// whatever its mode says.
static bool from_outside(const char *variable, const char *name, unsigned char out[KEYRING_KEY_BYTES], bool *is_there, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const char *text = getenv(variable), *credentials = getenv("CREDENTIALS_DIRECTORY");
    const char *credential = credentials ? arena_printf(&a, "%s/%s", credentials, name).p : NULL;
    str content;
    *is_there = true;
    if (text) {
        bool ok = parse_key(str_from(text), variable, out, e);
        unsetenv(variable);
        return ok;
    }
    if (credential && file_exists(credential))
        return file_read(credential, 4096, &a, &content, e) && parse_key(content, credential, out, e);
    *is_there = false;
    return true;
}

bool keyring_previous(unsigned char out[KEYRING_KEY_BYTES], bool *is_there, struct err *e)
{
    return from_outside("REACTIONS_PREVIOUS_MASTER_KEY", "previous-master-key", out, is_there, e);
}

bool keyring_open(const char *path, bool may_create, const struct random *random, struct keyring **out, struct err *e)
{
    unsigned char key[KEYRING_KEY_BYTES];
    bool is_outside;
    if (!from_outside("REACTIONS_MASTER_KEY", "master-key", key, &is_outside, e))
        return false;
    if (is_outside) {
        // nothing to read or write here
    } else if (file_exists(path)) {
        if (!keyring_read_file(path, key, e))
            return false;
    } else if (!may_create) {
        return err_set(e, ERR_NOT_FOUND, "%s is missing, but the database holds values sealed with it: restore the file from your backup", path);
    } else if (!create_key_file(path, random, key, e)) {
        return false;
    }
    *out = keyring_from_bytes(key, random);
    (*out)->is_file = !is_outside;
    sodium_memzero(key, sizeof key);
    return true;
}

str keyring_seal(const struct keyring *k, str record, str plain, struct arena *a)
{
    const struct master *m = &k->masters[__atomic_load_n(&k->current, __ATOMIC_ACQUIRE)];
    unsigned char *box = arena_alloc(a, NONCE_BYTES + plain.n + TAG_BYTES);
    k->random->fill(k->random->ctx, box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, NULL, (const unsigned char *)plain.p, plain.n, (const unsigned char *)record.p, record.n, NULL, box, m->seal_key);
    str text = base64_encode(a, (str){ (const char *)box, NONCE_BYTES + plain.n + TAG_BYTES }, BASE64_URL);
    return arena_printf(a, "v1.%s.%.*s", m->id, STR_ARG(text));
}

bool keyring_unseal(const struct keyring *k, str record, str sealed, struct arena *a, str *plain, struct err *e)
{
    str rest = sealed, version, id, box;
    if (!str_split(&rest, '.', &version) || !str_eq(version, STR("v1")) || !str_split(&rest, '.', &id) || !rest.p)
        return err_set(e, ERR_INVALID, "%.*s: not a sealed value", STR_ARG(record));
    const struct master *m = find_master(k, id);
    if (!m)
        return err_set(e, ERR_DENIED, "%.*s was sealed with master key %.*s; this server has %.*s", STR_ARG(record), STR_ARG(id), STR_ARG(keyring_id(k)));
    if (!base64_decode(a, rest, BASE64_URL, &box) || box.n < NONCE_BYTES + TAG_BYTES)
        return err_set(e, ERR_INVALID, "%.*s: the sealed value is damaged", STR_ARG(record));
    const unsigned char *p = (const unsigned char *)box.p;
    unsigned char *out = arena_alloc(a, box.n - NONCE_BYTES - TAG_BYTES + 1);
    unsigned long long n;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL, p + NONCE_BYTES, box.n - NONCE_BYTES, (const unsigned char *)record.p, record.n, p, m->seal_key) != 0)
        return err_set(e, ERR_DENIED, "%.*s: the sealed value was changed or belongs to another record", STR_ARG(record));
    out[n] = 0;
    *plain = (str){ (char *)out, (size_t)n };
    return true;
}

void keyring_hash(const struct keyring *k, const char *context, str text, unsigned char out[static KEYRING_HASH_BYTES])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, k->hash_key, sizeof k->hash_key, KEYRING_HASH_BYTES);
    crypto_generichash_update(&h, (const unsigned char *)context, strlen(context) + 1);
    crypto_generichash_update(&h, (const unsigned char *)text.p, text.n);
    crypto_generichash_final(&h, out, KEYRING_HASH_BYTES);
}
