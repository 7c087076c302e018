#include "secret/password.h"

#include <pthread.h>
#include <sodium.h>

#define PASSES 2
#define MEMORY_BYTES (19ULL << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int running;

static void begin(void)
{
    pthread_mutex_lock(&lock);
    while (running == PASSWORD_PARALLEL)
        pthread_cond_wait(&turn, &lock);
    running++;
    pthread_mutex_unlock(&lock);
}

static void end(void)
{
    pthread_mutex_lock(&lock);
    running--;
    pthread_cond_signal(&turn);
    pthread_mutex_unlock(&lock);
}

bool password_is_fit(str password, str username, struct err *e)
{
    size_t chars = 0;
    bool is_valid;
    if (password.n > PASSWORD_MAX_BYTES)
        return err_set(e, ERR_INVALID, "must have at most %d bytes", PASSWORD_MAX_BYTES);
    if (!str_is_utf8(password) || memchr(password.p ? password.p : "", 0, password.n))
        return err_set(e, ERR_INVALID, "must be text");
    for (str rest = password; rest.n; chars++)
        rest = str_skip(rest, str_utf8_next(rest, &is_valid));
    if (chars < PASSWORD_MIN_CHARS)
        return err_set(e, ERR_INVALID, "must have at least %d characters", PASSWORD_MIN_CHARS);
    if (str_eq_nocase(password, username))
        return err_set(e, ERR_INVALID, "must not be the name itself");
    return true;
}

str password_hash(str password, struct arena *a)
{
    char out[crypto_pwhash_STRBYTES];
    begin();
    int status = sodium_init() < 0 ? -1 : crypto_pwhash_str_alg(out, password.p ? password.p : "", password.n, PASSES, MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13);
    end();
    if (status) {
        // Out of memory: as everywhere (STYLE), the process ends rather than go on without.
        abort();
    }
    return arena_str(a, str_from(out));
}

// What an account without a password is checked against: a hash of the same cost, of a password that nobody knows.
static char nobody[crypto_pwhash_STRBYTES];

static void make_nobody(void)
{
    unsigned char unknown[32];
    if (sodium_init() < 0)
        abort();
    randombytes_buf(unknown, sizeof unknown);
    if (crypto_pwhash_str_alg(nobody, (const char *)unknown, sizeof unknown, PASSES, MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13))
        abort();
}

bool password_matches(str password, str stored)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char hash[crypto_pwhash_STRBYTES] = { 0 };
    bool is_known = stored.n && stored.n < sizeof hash;
    pthread_once(&once, make_nobody);
    if (password.n > PASSWORD_MAX_BYTES)
        password = (str){ 0 }; // never one of ours; the work is the same
    memcpy(hash, is_known ? stored.p : nobody, is_known ? stored.n : sizeof nobody);
    begin();
    bool matches = crypto_pwhash_str_verify(hash, password.p ? password.p : "", password.n) == 0;
    end();
    sodium_memzero(hash, sizeof hash);
    return matches && is_known && password.n;
}
