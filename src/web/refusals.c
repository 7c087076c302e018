#include "web/refusals.h"

#include <pthread.h>
#include <stdio.h>

struct slot {
    int64_t trigger_id, total, noted; // noted: grows with each note, so that the lowest is the one to forget
    struct refusal items[REFUSALS_KEPT];
};

struct refusals {
    pthread_mutex_t lock;
    struct slot *slots[REFUSALS_TRIGGERS];
    size_t count;
    int64_t notes;
};

struct refusals *refusals_new(void)
{
    struct refusals *r = xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void refusals_free(struct refusals *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        free(r->slots[i]);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static struct slot *find(struct refusals *r, int64_t trigger_id)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->slots[i]->trigger_id == trigger_id)
            return r->slots[i];
    return NULL;
}

static struct slot *find_or_add(struct refusals *r, int64_t trigger_id)
{
    struct slot *s = find(r, trigger_id);
    if (s)
        return s;
    if (r->count < REFUSALS_TRIGGERS) {
        s = r->slots[r->count++] = xcalloc(1, sizeof *s);
    } else {
        s = r->slots[0];
        for (size_t i = 1; i < r->count; i++)
            if (r->slots[i]->noted < s->noted)
                s = r->slots[i];
    }
    *s = (struct slot){ .trigger_id = trigger_id };
    return s;
}

void refusals_note(struct refusals *r, int64_t trigger_id, int64_t at_ms, str address, str reason, str detail)
{
    pthread_mutex_lock(&r->lock);
    struct slot *s = find_or_add(r, trigger_id);
    s->noted = ++r->notes;
    struct refusal *at = &s->items[s->total++ % REFUSALS_KEPT];
    *at = (struct refusal){ .at_ms = at_ms };
    snprintf(at->address, sizeof at->address, "%.*s", STR_ARG(address));
    snprintf(at->reason, sizeof at->reason, "%.*s", STR_ARG(reason));
    snprintf(at->detail, sizeof at->detail, "%.*s", STR_ARG(detail));
    pthread_mutex_unlock(&r->lock);
}

size_t refusals_list(struct refusals *r, int64_t trigger_id, struct refusal out[static REFUSALS_KEPT], int64_t *total)
{
    size_t count = 0;
    *total = 0;
    pthread_mutex_lock(&r->lock);
    const struct slot *s = find(r, trigger_id);
    if (s) {
        *total = s->total;
        for (int64_t i = s->total; i > 0 && count < REFUSALS_KEPT; i--)
            out[count++] = s->items[(i - 1) % REFUSALS_KEPT];
    }
    pthread_mutex_unlock(&r->lock);
    return count;
}
