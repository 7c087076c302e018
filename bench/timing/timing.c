// timing - whether the time of a refusal tells what was wrong: Welch's t between two kinds of wrong proofs, in this process, on the
// product's own code. bench/run timing prints it.
//
//     timing [SECONDS]     of a password row; the others have a million samples, or 20 seconds
//
// Samples of both kinds come in random order, so that what else the machine does meets both alike. |t| below 4.5 is what is wanted
// (once in 150 000 by chance); "cut" leaves out the slowest twentieth of both together, where interruptions hide small differences.
// What cannot be told apart here cannot be over a network, which adds noise.
#include "tests/web/scene.h"

#include "base/encode.h"
#include "secret/password.h"
#include "secret/token.h"
#include "web/hook.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 1000000
#define INPUTS 256 // different proofs of each kind
#define WANTED 4.5

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t draw(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

struct sample {
    uint64_t ns;
    bool is_second;
};

static double welch(const struct sample *s, size_t count, uint64_t limit, double mean[2])
{
    double n[2] = { 0 }, m2[2] = { 0 };
    mean[0] = mean[1] = 0;
    for (size_t i = 0; i < count; i++) {
        int k = s[i].is_second;
        double x = (double)s[i].ns;
        if (s[i].ns > limit)
            continue;
        n[k]++;
        double d = x - mean[k];
        mean[k] += d / n[k];
        m2[k] += d * (x - mean[k]);
    }
    double spread = sqrt(m2[0] / (n[0] - 1) / n[0] + m2[1] / (n[1] - 1) / n[1]);
    return spread > 0 ? (mean[0] - mean[1]) / spread : 0;
}

static int by_time(const void *x, const void *y)
{
    uint64_t a = ((const struct sample *)x)->ns, b = ((const struct sample *)y)->ns;
    return a < b ? -1 : a > b;
}

static bool is_good = true;

// What is shown lies at one place, whatever it is.
static char shown_bytes[128] __attribute__((aligned(64)));
static str shown;
static str first[INPUTS], second[INPUTS];

static void show(bool is_second, size_t i)
{
    str text = is_second ? second[i] : first[i];
    memcpy(shown_bytes, text.p, MIN(text.n, sizeof shown_bytes));
    shown = (str){ shown_bytes, text.n };
}

// fn(ctx, is_second, i): refuses the i-th proof of that kind.
static void measure(const char *name, void (*fn)(void *ctx, bool is_second, size_t i), void *ctx, double seconds, bool is_judged)
{
    struct sample *s = xcalloc(SAMPLES, sizeof *s);
    uint64_t start = now_ns() + 200000000, end = start + (uint64_t)(seconds * 1e9);
    size_t count = 0;
    double mean[2], cut_mean[2];
    while (now_ns() < start)
    {
        bool is_second = draw() >> 33 & 1; // caches, branch predictors
        size_t at = draw() % INPUTS;
        show(is_second, at);
        fn(ctx, is_second, at);
    }
    while (count < SAMPLES && now_ns() < end) {
        bool is_second = draw() >> 33 & 1;
        size_t i = draw() % INPUTS;
        show(is_second, i);
        uint64_t began = now_ns();
        fn(ctx, is_second, i);
        s[count++] = (struct sample){ now_ns() - began, is_second };
    }
    double t = welch(s, count, UINT64_MAX, mean);
    qsort(s, count, sizeof *s, by_time);
    double cut = welch(s, count, s[count - count / 20 - 1].ns, cut_mean);
    is_good = is_good && (!is_judged || (fabs(t) < WANTED && fabs(cut) < WANTED));
    printf("%-60s %8zu samples  %11.1f %11.1f ns  t %7.2f  cut: %11.1f %11.1f ns  t %7.2f\n", name, count, mean[0], mean[1], t, cut_mean[0], cut_mean[1], cut);
    fflush(stdout);
    free(s);
}

// ---- the kinds of wrong proofs ----

static struct scene s;
static struct arena scratch;
static str right[INPUTS];
static unsigned char hashes[INPUTS][KEYRING_HASH_BYTES];

// The secret's first character, or its last, is another.
static void compare(void *ctx UNUSED, bool is_second UNUSED, size_t i)
{
    if (token_matches(s.web.opt.keyring, shown, hashes[i]))
        abort();
}

// To see that a difference would show: a comparison that stops at the first one.
static void naive(void *ctx UNUSED, bool is_second UNUSED, size_t i)
{
    volatile const char *a = shown.p, *b = right[i].p;
    size_t at = 0;
    while (at < shown.n && a[at] == b[at])
        at++;
    if (at == shown.n)
        abort();
}

// Draws what its seed says, but for one draw: tokens of one seed differ in one character (and the checksum).
struct scripted {
    struct random random;
    uint64_t seed;
    int draws, other;
    unsigned bump;
};

static void fill(void *ctx, void *out, size_t n)
{
    struct scripted *r = ctx;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (r->seed + 1) * 0x9e3779b97f4a7c15u + (uint64_t)(r->draws + 1) * 0xbf58476d1ce4e5b9u + i * 0x94d049bb133111ebu + (r->draws == r->other ? r->bump : 0);
        x = (x ^ x >> 31) * 0xd6e8feb86659fd93u;
        ((unsigned char *)out)[i] = (unsigned char)(x >> 40);
    }
    r->draws++;
}

// other: which character of public id and secret is another; -1: none.
static struct token token_of(enum token_kind kind, uint64_t seed, int other)
{
    struct token t, wanted = { 0 };
    struct scripted r = { .seed = seed, .other = -1 };
    r.random = (struct random){ fill, &r };
    wanted = t = token_new(kind, s.web.opt.keyring, &r.random, &s.a);
    for (unsigned bump = 1; other >= 0 && str_eq(t.text, wanted.text); bump++) { // one draw in 62 gives the same character
        r.draws = 0;
        r.other = other;
        r.bump = bump;
        t = token_new(kind, s.web.opt.keyring, &r.random, &s.a);
    }
    return t;
}

// Two wrong ones of each: right but for the secret's first character, and right but for its last. Or, of another public id, one
// whose secret is wrong, and one that nobody has.
static void prepare(enum token_kind kind, enum store_kind stored, int64_t space, bool is_of_public_id)
{
    for (size_t i = 0; i < INPUTS; i++) {
        struct token t = token_of(kind, i, -1);
        memcpy(hashes[i], t.hash, sizeof t.hash);
        right[i] = t.text;
        first[i] = token_of(kind, i, TOKEN_PUBLIC_CHARS).text;
        second[i] = token_of(kind, is_of_public_id ? i + INPUTS : i, TOKEN_PUBLIC_CHARS + TOKEN_SECRET_CHARS - 1).text;
        str public_id, other;
        if (!token_read(kind, first[i], &public_id) || !token_read(kind, second[i], &other) || !str_eq(public_id, t.public_id) || str_eq(other, public_id) == is_of_public_id || str_eq(first[i], t.text) || str_eq(second[i], t.text))
            abort(); // the script does not fit how tokens are drawn
        if (stored)
            scene_put(&s, stored, 1000 + (int64_t)i, space, 1, t.public_id,
                arena_printf(&s.a, "{\"PublicId\":\"%.*s\",\"Hash\":\"%.*s\",\"Label\":\"test\",\"Expires\":\"2099-01-01T00:00:00.000Z\",\"Created\":\"2023-11-14T00:00:00.000Z\",\"IsRevoked\":false}", STR_ARG(t.public_id),
                    STR_ARG(hex_encode(&s.a, (str){ (const char *)t.hash, sizeof t.hash }))));
    }
}

static void api_key(void *ctx UNUSED, bool is_second UNUSED, size_t i UNUSED)
{
    struct http_header header = { STR("X-Octopus-ApiKey"), shown };
    struct http_request r = { .arena = &scratch, .method = STR("GET"), .path = STR("/api/reactions"), .headers = &header, .header_count = 1, .remote = { .text = STR("192.0.2.7") } };
    struct caller who;
    arena_reset(&scratch);
    caller_find(&s.web, &r, &scratch, &who);
    if (!who.is_anonymous)
        abort();
}

static void trigger_key(void *ctx, bool is_second, size_t i)
{
    const struct snapshot *snapshot = ctx;
    struct http_header header = { STR("X-Octopus-ApiKey"), shown };
    arena_reset(&scratch);
    struct http_request r = { .arena = &scratch, .method = STR("POST"), .path = STR("/triggers/hook"), .headers = &header, .header_count = 1 };
    struct hook h = { .web = &s.web, .request = &r, .snapshot = snapshot, .trigger = &snapshot->triggers[0], .query = json_new_object(&scratch) };
    if (hook_find_key(&h))
        abort();
}

static void cookie(void *ctx UNUSED, bool is_second UNUSED, size_t i UNUSED)
{
    arena_reset(&scratch);
    struct http_header header = { STR("Cookie"), arena_printf(&scratch, SESSION_COOKIE "=%.*s", STR_ARG(shown)) };
    struct http_request r = { .arena = &scratch, .method = STR("GET"), .path = STR("/api/reactions"), .headers = &header, .header_count = 1 };
    struct caller who;
    if (session_find(&s.web, &r, &scratch, &who))
        abort();
}

// Of a name that is known with a wrong password, or of one that is not.
static void password(void *ctx, bool is_second, size_t i)
{
    const char *known = ctx;
    clock_fake_advance(&s.clock, 15 * 60 * 1000); // nobody is throttled
    arena_reset(&scratch);
    str name = is_second ? arena_printf(&scratch, "nobody%zu", i) : arena_printf(&scratch, "%s%zu", known, i);
    struct http_request r = { .arena = &scratch, .method = STR("POST"), .path = STR("/api/session"), .remote = { .text = STR("192.0.2.7") } };
    r.body = arena_printf(&scratch, "{\"Username\":\"%.*s\",\"Password\":\"wrong horse battery\"}", STR_ARG(name));
    struct api_call c = { .web = &s.web, .arena = &scratch, .request = &r, .errors = { .arena = &scratch }, .snapshot = registry_take(s.web.opt.registry), .query = json_new_object(&scratch) };
    if (!json_parse(&scratch, r.body, &c.body, NULL))
        abort();
    session_create(&c);
    if (c.status != 401)
        abort();
    registry_give(s.web.opt.registry, c.snapshot);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 20;
    scene_begin(&s);
    alarm(0); // what the peer set for tests

    puts("a key's secret that is wrong in its first character, or in its last");
    prepare(TOKEN_TRIGGER, 0, 0, false);
    measure("  compared", compare, NULL, 20, true);
    measure("  (compared up to the first difference: this test can tell)", naive, NULL, 20, false);
    scene_put(&s, KIND_TRIGGER, 1, 1, 0, STR("hook"), STR("{\"Name\":\"hook\",\"Slug\":\"hook\",\"Route\":\"hook\"}"));
    prepare(TOKEN_TRIGGER, KIND_TRIGGER_KEY, 1, false);
    REQUIRE("it is in force", registry_reload(s.web.opt.registry, &s.e));
    const struct snapshot *snapshot = registry_take(s.web.opt.registry);
    REQUIRE("a trigger", snapshot->trigger_count == 1 && snapshot->keys.count == INPUTS);
    measure("  a trigger key", trigger_key, (void *)(uintptr_t)snapshot, 20, true);
    prepare(TOKEN_MANAGEMENT, KIND_API_KEY, 0, false);
    measure("  an API key", api_key, NULL, 20, true);
    prepare(TOKEN_SESSION, KIND_SESSION, 0, false);
    measure("  a session's cookie", cookie, NULL, 20, true);

    puts("not asked for, since it is no secret: a public id that is known (with a wrong secret), or one that is not");
    prepare(TOKEN_TRIGGER, 0, 0, true);
    measure("  a trigger key", trigger_key, (void *)(uintptr_t)snapshot, 10, false);
    prepare(TOKEN_MANAGEMENT, 0, 0, true);
    measure("  an API key", api_key, NULL, 10, false);
    registry_give(s.web.opt.registry, snapshot);

    puts("a password");
    str hash = password_hash(STR("correct horse battery"), &s.a);
    for (int i = 0; i < INPUTS; i++) {
        scene_user(&s, 1 + i, arena_printf(&s.a, "person%d", i).p, arena_printf(&s.a, ",\"PasswordHash\":\"%.*s\"", STR_ARG(hash)).p);
        scene_user(&s, 1001 + i, arena_printf(&s.a, "closed%d", i).p, arena_printf(&s.a, ",\"IsDisabled\":true,\"PasswordHash\":\"%.*s\"", STR_ARG(hash)).p);
    }
    static char person[] = "person", closed[] = "closed";
    measure("  of a name that is known, or of one that is not", password, person, seconds, true);
    measure("  of a disabled user, or of a name that is not known", password, closed, seconds, true);
    arena_fini(&scratch);
    scene_end(&s);
    puts(is_good ? "every t is below 4.5" : "a t is 4.5 or more");
    return is_good ? 0 : 1;
}
