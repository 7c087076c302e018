#include "access/throttle.h"

#include "base/limits.h"
#include "http/address.h"

struct throttle_entry {
    int64_t at[THROTTLE_TRIES]; // the latest tries, oldest first
    int count;
};

void throttle_fini(struct throttle *t)
{
    size_t at = 0;
    str key;
    void *entry;
    while (map_next(&t->tries, &at, &key, &entry))
        free(entry);
    map_fini(&t->tries);
}

static void forget_old(struct throttle_entry *e, int64_t now_ms)
{
    int old = 0;
    while (old < e->count && e->at[old] <= now_ms - THROTTLE_WINDOW_MS)
        old++;
    memmove(e->at, e->at + old, sizeof *e->at * (size_t)(e->count - old));
    e->count -= old;
}

static void sweep(struct throttle *t, int64_t now_ms)
{
    size_t at = 0;
    str key;
    void *found;
    while (map_next(&t->tries, &at, &key, &found)) {
        struct throttle_entry *e = found;
        forget_old(e, now_ms);
        if (!e->count)
            free(map_remove(&t->tries, key));
    }
}

// When there is room for no more, all newcomers count as one: an attacker with many networks must not empty the table.
static struct throttle_entry *entry_of(struct throttle *t, str key, int64_t now_ms)
{
    struct throttle_entry *e = map_get(&t->tries, key);
    if (!e && t->tries.count >= LIMIT_THROTTLE_ENTRIES) {
        sweep(t, now_ms);
        if (t->tries.count >= LIMIT_THROTTLE_ENTRIES)
            key = STR("everybody else");
        e = map_get(&t->tries, key);
    }
    if (!e) {
        e = xcalloc(1, sizeof *e);
        map_put(&t->tries, key, e);
    }
    forget_old(e, now_ms);
    return e;
}

int64_t throttle_take(struct throttle *t, const str *keys, size_t count, int64_t now_ms)
{
    int64_t wait_ms = 0;
    for (size_t i = 0; i < count; i++) {
        const struct throttle_entry *e = keys[i].n ? entry_of(t, keys[i], now_ms) : NULL;
        if (e && e->count == THROTTLE_TRIES)
            wait_ms = MAX(wait_ms, e->at[0] + THROTTLE_WINDOW_MS - now_ms);
    }
    for (size_t i = 0; i < count && !wait_ms; i++) {
        struct throttle_entry *e = keys[i].n ? entry_of(t, keys[i], now_ms) : NULL;
        if (e && e->count < THROTTLE_TRIES)
            e->at[e->count++] = now_ms;
    }
    return wait_ms;
}

void throttle_give_back(struct throttle *t, const str *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct throttle_entry *e = keys[i].n ? map_get(&t->tries, keys[i]) : NULL;
        if (e && e->count)
            e->count--;
    }
}

str throttle_network(struct arena *a, str address)
{
    struct ip ip;
    char text[IP_TEXT_BYTES];
    if (!ip_parse(address, &ip))
        return arena_concat(a, STR("network:"), address);
    bool is_v4 = ip_is_v4(&ip);
    memset(ip.b + (is_v4 ? 15 : 6), 0, is_v4 ? 1 : 10);
    ip_write(&ip, text);
    return arena_printf(a, "network:%s/%d", text, is_v4 ? 24 : 48);
}
