// What a change of one reaction costs the running server's picture of its configuration (registry.h), beside reading all anew. The store is
// in memory; index and links are made anew where a definition changed, and shared where none did.
#include "reaction/registry.h"

#include <stdio.h>

#define ROUNDS 5
#define IN_ONE_CHANGE 1000

static void check(bool ok, const struct err *e)
{
    if (ok)
        return;
    fprintf(stderr, "bench: %s\n", e->text);
    exit(1);
}

static str revision(struct arena *a, int64_t number)
{
    return arena_printf(a,
        "{\"Number\":1,\"Hash\":\"%064" PRId64 "\",\"Definition\":{\"Name\":\"Reaction %" PRId64 "\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentSucceeded\"]},"
        "\"Filter\":{\"Projects\":[\"Projects-%" PRId64 "\"],\"Environments\":[\"Environments-%d\"]},\"Action\":{\"Type\":\"Http\",\"Method\":\"POST\",\"Uri\":\"https://api.example.com/deployments\",\"Body\":\"{}\"}}}",
        number, number, number / 10, (int)(number % 3));
}

static void put(struct store *store, int64_t first, int64_t count, int64_t revision_id)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    struct store_put *puts = ARENA_ARRAY(&a, struct store_put, (size_t)count * 2);
    for (int64_t i = 0; i < count; i++) {
        int64_t id = first + i, own = revision_id + i;
        puts[2 * i] = (struct store_put){ .object = { .kind = KIND_REVISION, .id = own, .space_id = 1, .parent_id = id, .doc = revision(&a, id) }, .expected_version = STORE_ANY_VERSION };
        puts[2 * i + 1] = (struct store_put){ .object = { .kind = KIND_REACTION, .id = id, .space_id = 1, .doc = arena_printf(&a, "{\"Name\":\"r\",\"Enabled\":true,\"ActiveRevisionId\":%" PRId64 "}", own) }, .expected_version = STORE_ANY_VERSION };
    }
    check(store_change(store, puts, (size_t)count * 2, NULL, 0, &e), &e);
}

static void measure(int64_t count)
{
    unsigned char key[KEYRING_KEY_BYTES] = { 3 };
    struct keyring *keyring = keyring_from_bytes(key, &random_system);
    struct store *store;
    struct registry *registry;
    struct err e = { 0 };
    int64_t last = count, best_all = INT64_MAX, best_one = INT64_MAX, best_none = INT64_MAX;
    check(store_open(&(struct store_options){ .clock = &clock_system }, &store, &e), &e);
    for (int64_t at = 1; at <= count; at += IN_ONE_CHANGE)
        put(store, at, MIN((int64_t)IN_ONE_CHANGE, count - at + 1), at);
    check(registry_open(&(struct registry_options){ .store = store, .keyring = keyring }, &registry, &e), &e);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t at = clock_mono_us();
        check(registry_reload(registry, &e), &e);
        best_all = MIN(best_all, clock_mono_us() - at);
        put(store, 1 + count / 2 + i, 1, ++last);
        at = clock_mono_us();
        check(registry_refresh(registry, &e), &e);
        best_one = MIN(best_one, clock_mono_us() - at);
        at = clock_mono_us();
        check(registry_refresh(registry, &e), &e);
        best_none = MIN(best_none, clock_mono_us() - at);
    }
    printf("%8" PRId64 " reactions: all read anew %9.1f ms, after a change of one %9.1f ms (%.2f of it), of something else %9.1f ms (%.2f)\n", count, (double)best_all / 1000, (double)best_one / 1000,
        (double)best_one / (double)best_all, (double)best_none / 1000, (double)best_none / (double)best_all);
    fflush(stdout);
    registry_close(registry);
    store_close(store);
    keyring_close(keyring);
}

int main(void)
{
    static const int64_t counts[] = { 100, 1000, 10000 };
    for (size_t i = 0; i < COUNT(counts); i++)
        measure(counts[i]);
    return 0;
}
