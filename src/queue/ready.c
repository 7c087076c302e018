#include "queue/ready.h"

static str key_of(const int64_t *id)
{
    return (str){ (const char *)id, sizeof *id };
}

static struct ready_item *find(struct ready *r, int64_t reaction_id)
{
    return map_get(&r->by_id, key_of(&reaction_id));
}

static struct ready_item *find_or_add(struct ready *r, int64_t reaction_id)
{
    struct ready_item *item = find(r, reaction_id);
    if (item)
        return item;
    item = xcalloc(1, sizeof *item);
    *item = (struct ready_item){ .reaction_id = reaction_id, .max = 1, .due_ms = READY_NEVER, .told_due_ms = READY_NEVER };
    xgrow(&r->items, &r->cap, r->count + 1, sizeof *r->items);
    r->items[r->count++] = item;
    map_put(&r->by_id, key_of(&item->reaction_id), item);
    return item;
}

static void drop_if_idle(struct ready *r, struct ready_item *item)
{
    if (item->running || item->is_claiming || item->due_ms != READY_NEVER)
        return;
    size_t at = 0;
    while (r->items[at] != item)
        at++;
    r->items[at] = r->items[--r->count];
    map_remove(&r->by_id, key_of(&item->reaction_id));
    free(item);
}

void ready_fini(struct ready *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->items[i]);
    free(r->items);
    map_fini(&r->by_id);
    *r = (struct ready){ 0 };
}

void ready_waiting(struct ready *r, int64_t reaction_id, int64_t due_ms)
{
    struct ready_item *item = find_or_add(r, reaction_id);
    if (item->is_claiming) {
        item->was_told = true;
        item->told_due_ms = MIN(item->told_due_ms, due_ms);
    }
    item->due_ms = MIN(item->due_ms, due_ms);
}

void ready_limit(struct ready *r, int64_t reaction_id, int max, bool is_held)
{
    struct ready_item *item = find_or_add(r, reaction_id);
    item->max = max;
    item->is_held = is_held;
    drop_if_idle(r, item);
}

struct ready_item *ready_pick(struct ready *r, int64_t now_ms, int *limit, bool (*may_start)(void *ctx, int64_t reaction_id, int *limit), void *ctx)
{
    for (size_t i = 0; i < r->count; i++) {
        struct ready_item *item = r->items[(r->turn + i) % r->count];
        if (item->is_claiming || item->is_held || item->due_ms > now_ms || item->running >= item->max)
            continue;
        *limit = item->max - item->running;
        if (may_start && !may_start(ctx, item->reaction_id, limit))
            continue;
        item->is_claiming = true;
        item->was_told = false;
        item->told_due_ms = READY_NEVER;
        r->turn = (r->turn + i + 1) % r->count;
        return item;
    }
    return NULL;
}

void ready_defer(struct ready *r, int64_t reaction_id, int64_t until_ms)
{
    struct ready_item *item = find(r, reaction_id);
    if (item && item->due_ms != READY_NEVER)
        item->due_ms = MAX(item->due_ms, until_ms);
}

void ready_claimed(struct ready *r, int64_t reaction_id, int got, int64_t next_due_ms)
{
    struct ready_item *item = find(r, reaction_id);
    if (!item)
        return;
    item->is_claiming = false;
    item->running += got;
    // What was added while the claim was under way may or may not have been part of it: asking once
    // more costs little, forgetting it costs a run.
    item->due_ms = item->was_told ? MIN(next_due_ms, item->told_due_ms) : next_due_ms;
    drop_if_idle(r, item);
}

void ready_finished(struct ready *r, int64_t reaction_id)
{
    struct ready_item *item = find(r, reaction_id);
    if (!item)
        return;
    assert(item->running > 0);
    item->running--;
    drop_if_idle(r, item);
}

int ready_running(const struct ready *r, int64_t reaction_id)
{
    const struct ready_item *item = map_get(&r->by_id, key_of(&reaction_id));
    return item ? item->running : 0;
}

int64_t ready_next_due_ms(const struct ready *r, int64_t now_ms)
{
    int64_t due = READY_NEVER;
    for (size_t i = 0; i < r->count; i++)
        if (!r->items[i]->is_held && !r->items[i]->is_claiming && r->items[i]->due_ms > now_ms)
            due = MIN(due, r->items[i]->due_ms);
    return due;
}
