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

struct keyring {
    unsigned char key[KEYRING_KEY_BYTES];
    unsigned char seal_key[32], hash_key[32]; // derived: one key, one purpose
    char id[2 * ID_BYTES + 1];
    const struct random *random;
};

static void derive(const unsigned char key[KEYRING_KEY_BYTES], const char *purpose, unsigned char *out, size_t n)
{
    crypto_generichash(out, n, (const unsigned char *)purpose, strlen(purpose), key, KEYRING_KEY_BYTES);
}

struct keyring *keyring_from_bytes(const unsigned char key[KEYRING_KEY_BYTES], const struct random *random)
{
    if (sodium_init() < 0)
        abort();
    struct keyring *k = xcalloc(1, sizeof *k);
    // Not into a core dump, not swapped out, where the machine permits.
    sodium_mlock(k, sizeof *k);
    memcpy(k->key, key, sizeof k->key);
    k->random = random;
    derive(key, "seal", k->seal_key, sizeof k->seal_key);
    derive(key, "hash", k->hash_key, sizeof k->hash_key);
    unsigned char id[crypto_generichash_BYTES_MIN];
    derive(key, "id", id, sizeof id);
    sodium_bin2hex(k->id, sizeof k->id, id, ID_BYTES);
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
    return str_from(k->id);
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

static bool read_key_file(const char *path, unsigned char out[KEYRING_KEY_BYTES], struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct stat st;
    str text;
    if (stat(path, &st) == 0 && (st.st_mode & 077))
        return err_set(e, ERR_DENIED, "%s may be read by others (mode %04o): chmod 600 it", path, st.st_mode & 07777);
    return file_read(path, 4096, &a, &text, e) && parse_key(text, path, out, e);
}

static bool create_key_file(const char *path, const struct random *random, unsigned char out[KEYRING_KEY_BYTES], struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    random->fill(random->ctx, out, KEYRING_KEY_BYTES);
    str hex = hex_encode(&a, (str){ (const char *)out, KEYRING_KEY_BYTES });
    return file_write(path, arena_concat(&a, hex, STR("\n")), 0600, e);
}

bool keyring_open(const char *path, bool may_create, const struct random *random, struct keyring **out, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    unsigned char key[KEYRING_KEY_BYTES];
    const char *from_environment = getenv("REACTIONS_MASTER_KEY"), *credentials = getenv("CREDENTIALS_DIRECTORY");
    const char *credential = credentials ? arena_printf(&a, "%s/master-key", credentials).p : NULL;
    if (from_environment) {
        if (!parse_key(str_from(from_environment), "REACTIONS_MASTER_KEY", key, e))
            return false;
        unsetenv("REACTIONS_MASTER_KEY"); // children shall not inherit it
    } else if (credential && file_exists(credential)) {
        // systemd keeps credentials readable by the service only, whatever the mode says.
        str text;
        if (!file_read(credential, 4096, &a, &text, e) || !parse_key(text, credential, key, e))
            return false;
    } else if (file_exists(path)) {
        if (!read_key_file(path, key, e))
            return false;
    } else if (!may_create) {
        return err_set(e, ERR_NOT_FOUND, "%s is missing, but the database holds values sealed with it: restore the file from your backup", path);
    } else if (!create_key_file(path, random, key, e)) {
        return false;
    }
    *out = keyring_from_bytes(key, random);
    sodium_memzero(key, sizeof key);
    return true;
}

str keyring_seal(const struct keyring *k, str record, str plain, struct arena *a)
{
    unsigned char *box = arena_alloc(a, NONCE_BYTES + plain.n + TAG_BYTES);
    k->random->fill(k->random->ctx, box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, NULL, (const unsigned char *)plain.p, plain.n, (const unsigned char *)record.p, record.n, NULL, box, k->seal_key);
    str text = base64_encode(a, (str){ (const char *)box, NONCE_BYTES + plain.n + TAG_BYTES }, BASE64_URL);
    return arena_printf(a, "v1.%s.%.*s", k->id, STR_ARG(text));
}

bool keyring_unseal(const struct keyring *k, str record, str sealed, struct arena *a, str *plain, struct err *e)
{
    str rest = sealed, version, id, box;
    if (!str_split(&rest, '.', &version) || !str_eq(version, STR("v1")) || !str_split(&rest, '.', &id) || !rest.p)
        return err_set(e, ERR_INVALID, "%.*s: not a sealed value", STR_ARG(record));
    if (!str_eq(id, str_from(k->id)))
        return err_set(e, ERR_DENIED, "%.*s was sealed with master key %.*s; this server has %s", STR_ARG(record), STR_ARG(id), k->id);
    if (!base64_decode(a, rest, BASE64_URL, &box) || box.n < NONCE_BYTES + TAG_BYTES)
        return err_set(e, ERR_INVALID, "%.*s: the sealed value is damaged", STR_ARG(record));
    const unsigned char *p = (const unsigned char *)box.p;
    unsigned char *out = arena_alloc(a, box.n - NONCE_BYTES - TAG_BYTES + 1);
    unsigned long long n;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL, p + NONCE_BYTES, box.n - NONCE_BYTES, (const unsigned char *)record.p, record.n, p, k->seal_key) != 0)
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
