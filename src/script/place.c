#include "script/parts.h"

// --- shares

static int count_members(const struct script_pool *p)
{
    int n = 0;
    for (struct member *m = p->members; m; m = m->next)
        n += m->state != MEMBER_ENDING;
    return n;
}

static bool is_running(const struct member *m)
{
    return m->job != NULL;
}

static int count_running(const struct script_pool *p, str owner, int *of_owner)
{
    int n = 0;
    *of_owner = 0;
    for (struct member *m = p->members; m; m = m->next) {
        n += is_running(m);
        *of_owner += is_running(m) && str_eq(member_owner(m), owner);
    }
    return n;
}

// An owner may always have one run, and more while as many places stay free for others: one that keeps
// starting gets half of the places, the next half of the rest, and nobody has to wait for one of them
// to finish who has none.
static bool has_share(const struct script_pool *p, int running, int of_owner)
{
    return running < p->opt.max_workers && (of_owner == 0 || of_owner < p->opt.max_workers - running);
}

// As if everybody who waits had got their share first.
bool place_has_room(const struct script_pool *p, str owner)
{
    int of_owner, running = count_running(p, owner, &of_owner);
    for (struct owner *o = p->owners; o; o = o->next) {
        str name = { o->name, o->name_bytes };
        int of_other;
        count_running(p, name, &of_other);
        int *count = str_eq(name, owner) ? &of_owner : &of_other;
        for (struct script_job *j = o->first; j && has_share(p, running, *count); j = j->next) {
            running++;
            (*count)++;
        }
    }
    return has_share(p, running, of_owner);
}

int place_running(const struct script_pool *p)
{
    int of_nobody;
    return count_running(p, STR(""), &of_nobody);
}

// --- who waits

struct script_job *place_take_waiting(struct owner *o)
{
    struct script_job *j = o->first;
    o->first = j->next;
    if (!o->first)
        o->last = &o->first;
    j->next = NULL;
    return j;
}

void place_drop_empty_owners(struct script_pool *p)
{
    for (struct owner **at = &p->owners; *at;) {
        struct owner *o = *at;
        if (o->first) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        free(o->name);
        free(o);
    }
}

// --- placing

static bool is_usable(const struct member *m, const struct script_job *j)
{
    return m->state == MEMBER_IDLE && m->heap_bytes >= j->memory_bytes;
}

// Workers of that owner that will be idle in a few milliseconds: better to wait for than to take another.
static int count_returning(const struct script_pool *p, str owner)
{
    int n = 0;
    for (struct member *m = p->members; m; m = m->next)
        n += m->state == MEMBER_RETURNING && str_eq(member_owner(m), owner);
    return n;
}

static struct member *find_member(struct script_pool *p, const struct script_job *j, str owner)
{
    struct member *fresh = NULL;
    for (struct member *m = p->members; m; m = m->next) {
        if (!is_usable(m, j))
            continue;
        if (!m->owner)
            fresh = m;
        else if (!j->is_isolated && str_eq(member_owner(m), owner))
            return m;
    }
    int waiting = 0;
    for (const struct script_job *other = j; other; other = other->next)
        waiting++;
    return j->is_isolated || waiting > count_returning(p, owner) ? fresh : NULL;
}

// How many of an owner's jobs could run at once if they had a worker.
static int count_unplaced(struct script_pool *p, const struct owner *o, int running, int of_owner, int64_t *heap_bytes)
{
    int returning = count_returning(p, (str){ o->name, o->name_bytes }), n = 0;
    for (const struct script_job *j = o->first; j && has_share(p, running + n, of_owner + n); j = j->next) {
        if (!j->is_isolated && returning > 0) {
            returning--;
            continue;
        }
        n++;
        *heap_bytes = MAX(*heap_bytes, j->memory_bytes);
    }
    return n;
}

// Places what can be placed now, one job of each owner in turn. Returns how many of the rest could run
// at once if they had a worker; *heap_bytes is the most one of them needs.
static int place_jobs(struct script_pool *p, int64_t *heap_bytes)
{
    int unplaced = 0;
    for (bool is_more = true; is_more;) {
        is_more = false;
        unplaced = 0;
        *heap_bytes = 0;
        for (struct owner **at = &p->owners; *at; at = &(*at)->next) {
            struct owner *o = *at;
            str name = { o->name, o->name_bytes };
            int of_owner, running = count_running(p, name, &of_owner);
            if (!o->first || !has_share(p, running + unplaced, of_owner))
                continue;
            struct member *m = find_member(p, o->first, name);
            if (!m) {
                unplaced += count_unplaced(p, o, running + unplaced, of_owner, heap_bytes);
                continue;
            }
            member_run(m, place_take_waiting(o), name);
            // To the end of the ring.
            *at = o->next;
            struct owner **last = &p->owners;
            while (*last)
                last = &(*last)->next;
            o->next = NULL;
            *last = o;
            is_more = true;
            break;
        }
    }
    place_drop_empty_owners(p);
    return unplaced;
}

// Scripts are parsed only by workers in which none has run: what one leaves behind could lie.
static void place_parses(struct script_pool *p)
{
    for (struct member *m = p->members; m && p->parses; m = m->next)
        if (m->state == MEMBER_IDLE && !m->owner) {
            struct parse *parse = p->parses;
            p->parses = parse->next;
            member_parse(m, parse);
        }
}

static void end_longest_idle(struct script_pool *p)
{
    struct member *oldest = NULL;
    for (struct member *m = p->members; m; m = m->next)
        if (m->state == MEMBER_IDLE && m->owner && (!oldest || m->idle_since_ms < oldest->idle_since_ms))
            oldest = m;
    if (oldest)
        member_end(oldest);
}

// Workers of nobody: as many as have a job waiting, and the warm ones beside. Running jobs are bounded by
// max_workers, processes by that and the warm ones beside.
static void start_members(struct script_pool *p, int unplaced, int64_t heap_bytes)
{
    int64_t now_ms = loop_now_ms(p->opt.loop);
    int fresh = 0, max = p->opt.max_workers + MAX(p->opt.warm_workers, 1); // one more, for parsing
    for (struct member *m = p->members; m; m = m->next) {
        bool is_fresh = !m->owner && m->state != MEMBER_ENDING;
        if (is_fresh && m->heap_bytes < heap_bytes && m->state == MEMBER_IDLE) {
            member_end(m); // too small for who waits
            continue;
        }
        fresh += is_fresh;
    }
    int wanted = unplaced + MAX(p->opt.warm_workers, p->parses ? 1 : 0) - fresh;
    for (; wanted > 0; wanted--) {
        if (p->start_after_ms > now_ms) {
            loop_timer_set(p->kick, p->start_after_ms - now_ms, 0);
            return;
        }
        if (count_members(p) >= max) {
            if (unplaced > fresh || p->parses)
                end_longest_idle(p);
            return;
        }
        if (!member_start(p, MAX(heap_bytes, POOL_MEMORY_DEFAULT)))
            return;
        fresh++;
    }
}


void place_all(struct script_pool *p)
{
    int64_t heap_bytes = 0;
    place_parses(p);
    int unplaced = place_jobs(p, &heap_bytes);
    start_members(p, unplaced, heap_bytes);
}
