#include "sys/random.h"

#include "base/encode.h"

#include <errno.h>
#include <sys/random.h>

#define AHEAD_BYTES 512

// Small wishes are served from bytes fetched ahead, each given once and wiped: a run alone has three of them. By thread, and
// never in two processes: a child of ours becomes another program at once.
static _Thread_local struct {
    unsigned char bytes[AHEAD_BYTES];
    size_t left;
} ahead;

static void ask_kernel(void *out, size_t n)
{
    char *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

static void system_fill(void *ctx UNUSED, void *out, size_t n)
{
    if (n > AHEAD_BYTES / 8) {
        ask_kernel(out, n);
        return;
    }
    if (ahead.left < n) {
        ask_kernel(ahead.bytes, sizeof ahead.bytes);
        ahead.left = sizeof ahead.bytes;
    }
    ahead.left -= n;
    memcpy(out, ahead.bytes + ahead.left, n);
    explicit_bzero(ahead.bytes + ahead.left, n);
}

const struct random random_system = { system_fill, NULL };

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

// Blackman, Vigna: xoshiro256** 1.0.
static uint64_t next(struct random_seeded *r)
{
    uint64_t *s = r->state, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

static void seeded_fill(void *ctx, void *out, size_t n)
{
    char *p = out;
    while (n) {
        uint64_t v = next(ctx);
        size_t take = MIN(n, sizeof v);
        memcpy(p, &v, take);
        p += take;
        n -= take;
    }
}

void random_seed(struct random_seeded *r, uint64_t seed)
{
    r->random = (struct random){ seeded_fill, r };
    for (int i = 0; i < 4; i++) { // splitmix64
        uint64_t z = (seed += 0x9e3779b97f4a7c15ULL);
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
        r->state[i] = z ^ z >> 31;
    }
}

uint64_t random_u64(const struct random *r)
{
    uint64_t v;
    r->fill(r->ctx, &v, sizeof v);
    return v;
}

uint64_t random_below(const struct random *r, uint64_t limit)
{
    assert(limit);
    uint64_t biased = (0 - limit) % limit, v; // so many low values would be hit once too often
    do
        v = random_u64(r);
    while (v < biased);
    return v % limit;
}

double random_unit(const struct random *r)
{
    return (double)(random_u64(r) >> 11) * 0x1p-53;
}

str random_hex(const struct random *r, struct arena *a, size_t bytes)
{
    char *p = arena_bytes(a, bytes);
    r->fill(r->ctx, p, bytes);
    return hex_encode(a, (str){ p, bytes });
}

str random_base62(const struct random *r, struct arena *a, size_t chars)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char *p = arena_bytes(a, chars + 1);
    for (size_t i = 0; i < chars; i++)
        p[i] = digits[random_below(r, 62)];
    p[chars] = 0;
    return (str){ p, chars };
}

str random_uuid(const struct random *r, struct arena *a)
{
    unsigned char b[16];
    r->fill(r->ctx, b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    str h = hex_encode(a, (str){ (const char *)b, sizeof b });
    return arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", h.p, h.p + 8, h.p + 12, h.p + 16, h.p + 20);
}
