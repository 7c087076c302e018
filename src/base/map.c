#include "base/map.h"

#include <endian.h>
#include <pthread.h>
#include <sys/random.h>

struct map_slot {
    char *key; // NULL: never used; DELETED: was used
    size_t key_n;
    uint64_t hash;
    void *value;
};

static char deleted_mark;
#define DELETED (&deleted_mark)

static uint64_t hash_key[2];
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
    if (getrandom(hash_key, sizeof hash_key, 0) != (ssize_t)sizeof hash_key)
        abort();
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define SIP_ROUND                                                     \
    do {                                                              \
        v0 += v1, v1 = ROTL(v1, 13), v1 ^= v0, v0 = ROTL(v0, 32);     \
        v2 += v3, v3 = ROTL(v3, 16), v3 ^= v2;                        \
        v0 += v3, v3 = ROTL(v3, 21), v3 ^= v0;                        \
        v2 += v1, v1 = ROTL(v1, 17), v1 ^= v2, v2 = ROTL(v2, 32);     \
    } while (0)

static char fold(char c, bool is_nocase)
{
    return is_nocase && c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

// SipHash-1-3 (Aumasson, Bernstein: SipHash, 2012; one compression and three final rounds).
static uint64_t sip(str s, bool is_nocase)
{
    pthread_once(&hash_once, draw_key);
    uint64_t v0 = 0x736f6d6570736575ULL ^ hash_key[0], v1 = 0x646f72616e646f6dULL ^ hash_key[1];
    uint64_t v2 = 0x6c7967656e657261ULL ^ hash_key[0], v3 = 0x7465646279746573ULL ^ hash_key[1];
    uint64_t word = 0;
    size_t in_word = 0, i = 0;
    // Whole words at once where they are taken as they stand.
    for (; !is_nocase && s.n - i >= 8; i += 8) {
        memcpy(&word, s.p + i, sizeof word);
        word = le64toh(word);
        v3 ^= word;
        SIP_ROUND;
        v0 ^= word;
    }
    word = 0;
    for (; i < s.n; i++) {
        word |= (uint64_t)(unsigned char)fold(s.p[i], is_nocase) << (8 * in_word);
        if (++in_word == 8) {
            v3 ^= word;
            SIP_ROUND;
            v0 ^= word;
            word = 0;
            in_word = 0;
        }
    }
    word |= (uint64_t)(s.n & 0xff) << 56;
    v3 ^= word;
    SIP_ROUND;
    v0 ^= word;
    v2 ^= 0xff;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t map_hash(str s)
{
    return sip(s, false);
}

uint64_t map_hash_nocase(str s)
{
    return sip(s, true);
}

void map_fini(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key && m->slots[i].key != DELETED)
            free(m->slots[i].key);
    free(m->slots);
    *m = (struct map){ .is_nocase = m->is_nocase };
}

static struct map_slot *find(const struct map *m, str key, uint64_t hash)
{
    if (!m->cap)
        return NULL;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];
        if (!s->key)
            return NULL;
        if (s->key == DELETED || s->hash != hash)
            continue;
        str got = { s->key, s->key_n };
        if (m->is_nocase ? str_eq_nocase(got, key) : str_eq(got, key))
            return s;
    }
}

void *map_get(const struct map *m, str key)
{
    const struct map_slot *s = find(m, key, sip(key, m->is_nocase));
    return s ? s->value : NULL;
}

static struct map_slot *free_slot(struct map_slot *slots, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);
    while (slots[i].key && slots[i].key != DELETED)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static void resize(struct map *m)
{
    size_t cap = 8;
    while (cap < (m->count + 1) * 2)
        cap *= 2;
    struct map_slot *slots = xcalloc(cap, sizeof *slots);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key && m->slots[i].key != DELETED)
            *free_slot(slots, cap, m->slots[i].hash) = m->slots[i];
    free(m->slots);
    m->slots = slots;
    m->cap = cap;
    m->used = m->count;
}

void *map_put(struct map *m, str key, void *value)
{
    assert(value);
    uint64_t hash = sip(key, m->is_nocase);
    struct map_slot *s = find(m, key, hash);
    if (s) {
        void *old = s->value;
        s->value = value;
        return old;
    }
    if ((m->used + 1) * 4 > m->cap * 3)
        resize(m);
    s = free_slot(m->slots, m->cap, hash);
    if (!s->key)
        m->used++;
    *s = (struct map_slot){ xmemdup(key.p ? key.p : "", key.n), key.n, hash, value };
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, str key)
{
    struct map_slot *s = find(m, key, sip(key, m->is_nocase));
    if (!s)
        return NULL;
    free(s->key);
    s->key = DELETED;
    m->count--;
    return s->value;
}

bool map_next(const struct map *m, size_t *at, str *key, void **value)
{
    for (; *at < m->cap; (*at)++) {
        const struct map_slot *s = &m->slots[*at];
        if (!s->key || s->key == DELETED)
            continue;
        *key = (str){ s->key, s->key_n };
        *value = s->value;
        (*at)++;
        return true;
    }
    return false;
}
