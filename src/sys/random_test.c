#include "tests/harness/check.h"

#include "sys/random.h"

static struct arena a;

TEST(the_kernels_bytes)
{
    unsigned char large[100000] = { 0 };
    unsigned count[256] = { 0 }, least = UINT32_MAX, most = 0;
    random_system.fill(random_system.ctx, large, sizeof large);
    for (size_t i = 0; i < sizeof large; i++)
        count[large[i]]++;
    for (size_t i = 0; i < 256; i++) {
        least = MIN(least, count[i]);
        most = MAX(most, count[i]);
    }
    CHECK("more than one call gives are all filled, evenly", least > 250 && most < 550); // 391 expected, 20 the deviation
    CHECK("no two numbers are equal", random_u64(&random_system) != random_u64(&random_system));
    random_system.fill(random_system.ctx, large, 0);
}

TEST(small_wishes_never_get_the_same_bytes)
{
    unsigned char got[400][8];
    size_t twins = 0, zeros = 0;
    for (size_t i = 0; i < COUNT(got); i++)
        random_system.fill(random_system.ctx, got[i], sizeof got[i]); // more than are fetched at once
    for (size_t i = 0; i < COUNT(got); i++) {
        for (size_t k = 0; k < i; k++)
            twins += !memcmp(got[i], got[k], sizeof got[i]);
        zeros += !memcmp(got[i], "\0\0\0\0\0\0\0", sizeof got[i]);
    }
    CHECK_INT("no eight bytes come twice", twins, 0);
    CHECK_INT("none were wiped before they were given", zeros, 0);
}

TEST(a_seed_decides_all)
{
    struct random_seeded x, y, z;
    random_seed(&x, 7);
    random_seed(&y, 7);
    random_seed(&z, 8);
    size_t equal = 0, alike = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t v = random_u64(&x.random);
        equal += v == random_u64(&y.random);
        alike += v == random_u64(&z.random);
    }
    CHECK_INT("the same seed, the same numbers", equal, 1000);
    CHECK_INT("another seed, others", alike, 0);
    // The authors' reference code with the state 1, 2, 3, 4.
    struct random_seeded r;
    random_seed(&r, 0);
    for (uint64_t i = 0; i < 4; i++)
        r.state[i] = i + 1;
    static const uint64_t wanted[] = { 11520, 0, 1509978240, 1215971899390074240ULL };
    for (size_t i = 0; i < COUNT(wanted); i++)
        CHECK_INT("xoshiro256** as published", random_u64(&r.random), wanted[i]);
    random_seed(&r, 0);
    CHECK("seed 0 does not stand still", r.state[0] == 0xe220a8397b1dcdafULL); // splitmix64's first of 0
}

TEST(below_a_limit)
{
    struct random_seeded r;
    random_seed(&r, 1);
    CHECK_INT("below 1 is 0", random_below(&r.random, 1), 0);
    static const uint64_t limits[] = { 2, 3, 7, 62, 1000, (1ULL << 63) + 1, UINT64_MAX };
    for (size_t l = 0; l < COUNT(limits); l++) {
        size_t outside = 0;
        for (int i = 0; i < 1000; i++)
            outside += random_below(&r.random, limits[l]) >= limits[l];
        CHECK_INT("never at the limit or above", outside, 0);
    }
    unsigned count[3] = { 0 };
    for (int i = 0; i < 30000; i++) // of 3 * 2^62 values: a plain remainder would give the first third twice as often
        count[random_below(&r.random, 3ULL << 62) >> 62]++;
    CHECK("large limits are unbiased", count[0] > 9500 && count[0] < 10500 && count[1] > 9500 && count[1] < 10500);
}

TEST(units)
{
    struct random_seeded r;
    random_seed(&r, 3);
    size_t outside = 0;
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double v = random_unit(&r.random);
        outside += v < 0 || v >= 1;
        sum += v;
    }
    CHECK_INT("from 0 up to, not including, 1", outside, 0);
    CHECK("around a half", sum > 49500 && sum < 50500);
}

static void fill_ones(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0xff, n);
}

TEST(a_unit_is_never_one)
{
    const struct random ones = { fill_ones, NULL };
    CHECK("also when all bits are set", random_unit(&ones) < 1);
}

TEST(texts)
{
    struct random_seeded r;
    random_seed(&r, 5);
    str hex = random_hex(&r.random, &a, 20), word = random_base62(&r.random, &a, 5000);
    size_t wrong = 0;
    for (size_t i = 0; i < hex.n; i++)
        wrong += !strchr("0123456789abcdef", hex.p[i]);
    CHECK("hex has two digits a byte", hex.n == 40 && wrong == 0);
    unsigned count[128] = { 0 }, kinds = 0;
    for (size_t i = 0; i < word.n; i++)
        count[(unsigned char)word.p[i] & 127]++;
    for (int c = 0; c < 128; c++) {
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        wrong += !is_digit && count[c];
        kinds += count[c] > 0;
    }
    CHECK("base 62 has letters and digits only, and all of them", word.n == 5000 && wrong == 0 && kinds == 62);
    CHECK_INT("with a NUL behind", word.p[5000], 0);
    for (int i = 0; i < 1000; i++) {
        str u = random_uuid(&r.random, &a);
        wrong += u.n != 36 || u.p[8] != '-' || u.p[13] != '-' || u.p[18] != '-' || u.p[23] != '-' || u.p[14] != '4' || !strchr("89ab", u.p[19]);
    }
    CHECK_INT("a uuid has its dashes, version 4 and the variant", wrong, 0);
    CHECK("two differ", !str_eq(random_uuid(&random_system, &a), random_uuid(&random_system, &a)));
}

TEST_MAIN()
