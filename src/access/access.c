#include "access/access.h"

static bool list_has(const struct access_list *list, str item)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq_nocase(list->items[i], item))
            return true;
    return false;
}

// An empty list is everything: it holds all, and nothing but itself holds it.
static bool list_covers(const struct access_list *granted, const struct access_list *wanted)
{
    if (!granted->count)
        return true;
    if (!wanted->count)
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        if (!list_has(granted, wanted->items[i]))
            return false;
    return true;
}

static bool covers(const struct access_grant *g, enum permission p, const struct access_place *at)
{
    return (g->permissions & permission_bit(p)) && (!g->space_id || g->space_id == at->space_id) && list_covers(&g->projects, &at->projects) && list_covers(&g->environments, &at->environments);
}

bool caller_may_at(const struct caller *c, enum permission p, const struct access_place *at)
{
    assert(p > PERMISSION_UNSET && p < PERMISSION_COUNT);
    if (p == PERMISSION_ANONYMOUS || c->is_admin)
        return true;
    if (p == PERMISSION_SIGNED_IN)
        return !c->is_anonymous;
    for (size_t i = 0; i < c->grant_count; i++)
        if (covers(&c->grants[i], p, at))
            return true;
    return false;
}

bool caller_may(const struct caller *c, enum permission p, int64_t space_id, str project)
{
    struct access_place at = { space_id, { &project, project.n ? 1 : 0 }, { 0 } };
    return caller_may_at(c, p, &at);
}

bool caller_may_somewhere(const struct caller *c, enum permission p, int64_t space_id)
{
    if (p == PERMISSION_ANONYMOUS || c->is_admin)
        return true;
    if (p == PERMISSION_SIGNED_IN)
        return !c->is_anonymous;
    for (size_t i = 0; i < c->grant_count; i++)
        if ((c->grants[i].permissions & permission_bit(p)) && (!space_id || !c->grants[i].space_id || c->grants[i].space_id == space_id))
            return true;
    return false;
}

bool caller_knows_space(const struct caller *c, int64_t space_id)
{
    if (c->is_admin)
        return true;
    for (size_t i = 0; i < c->grant_count; i++)
        if (c->grants[i].permissions && (!c->grants[i].space_id || c->grants[i].space_id == space_id))
            return true;
    return false;
}

bool caller_is_limited(const struct caller *c, enum permission p, int64_t space_id, struct arena *a, struct access_grant **grants, size_t *count)
{
    struct access_place whole = { .space_id = space_id };
    *grants = NULL;
    *count = 0;
    if (caller_may_at(c, p, &whole))
        return false;
    *grants = ARENA_ARRAY(a, struct access_grant, c->grant_count);
    for (size_t i = 0; i < c->grant_count; i++)
        if ((c->grants[i].permissions & permission_bit(p)) && (!c->grants[i].space_id || c->grants[i].space_id == space_id))
            (*grants)[(*count)++] = c->grants[i];
    return true;
}

// False: both name something, and nothing in common.
static bool list_both(const struct access_list *x, const struct access_list *y, struct arena *a, struct access_list *out)
{
    if (!x->count || !y->count) {
        *out = x->count ? *x : *y;
        return true;
    }
    str *items = ARENA_ARRAY(a, str, x->count);
    *out = (struct access_list){ items, 0 };
    for (size_t i = 0; i < x->count; i++)
        if (list_has(y, x->items[i]))
            items[out->count++] = x->items[i];
    return out->count > 0;
}

bool access_narrow(const struct access_grant *of, const struct access_grant *to, struct arena *a, struct access_grant *out)
{
    out->permissions = of->permissions & to->permissions;
    out->space_id = of->space_id ? of->space_id : to->space_id;
    if (!out->permissions || (of->space_id && to->space_id && of->space_id != to->space_id))
        return false;
    return list_both(&of->projects, &to->projects, a, &out->projects) && list_both(&of->environments, &to->environments, a, &out->environments);
}

bool caller_covers(const struct caller *c, const struct access_grant *grant)
{
    struct access_place at = { grant->space_id, grant->projects, grant->environments };
    for (int p = PERMISSION_FIRST; p < PERMISSION_COUNT; p++)
        if ((grant->permissions & permission_bit(p)) && !caller_may_at(c, (enum permission)p, &at))
            return false;
    return true;
}
