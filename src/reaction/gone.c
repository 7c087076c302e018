#include "reaction/gone.h"

#include <stdatomic.h>
#include <stdio.h>

#define TRIES 5

struct gone {
    struct gone *next;
    pthread_t thread;
    atomic_bool is_done;
    struct engine *engine;
    int64_t space_id, reaction_id, run_id;
    const char *reason;
};

// *again: somebody changed it meanwhile.
static bool try_disable(const struct gone *w, bool *again, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store *store = w->engine->opt.store;
    struct store_object *o;
    struct json *doc;
    *again = false;
    if (!store_get(store, KIND_REACTION, w->space_id, w->reaction_id, &a, &o, e))
        return false;
    if (!o)
        return true; // deleted
    if (!json_parse(&a, o->doc, &doc, e))
        return false;
    if (!json_bool(json_get(doc, STR("Enabled")), true))
        return true;
    json_put(doc, STR("Enabled"), json_new_bool(&a, false));
    struct store_put put = { .object = *o, .expected_version = o->version };
    put.object.doc = json_text(&a, doc);
    struct json *particulars = json_new_object(&a);
    json_add_str(&a, particulars, "Reason", str_from(w->reason));
    json_add_str(&a, particulars, "RunId", store_id_text(&a, KIND_RUN, w->run_id));
    struct store_audit audit = { w->space_id, STR("server"), STR("reaction.disable"), store_id_text(&a, KIND_REACTION, w->reaction_id), json_text(&a, particulars) };
    if (store_change(store, &put, 1, &audit, 1, e))
        return registry_refresh(w->engine->opt.registry, e);
    *again = e->kind == ERR_STALE;
    return false;
}

static void *disable(void *ctx)
{
    struct gone *w = ctx;
    struct err e = { 0 };
    bool again = true, ok = false;
    for (int i = 0; again && !ok && i < TRIES; i++)
        ok = try_disable(w, &again, &e);
    if (ok) // the notice: whoever reads the server's own log sees it, the audit has it too
        fprintf(stderr, "Reactions-%" PRId64 " was disabled: %s\n", w->reaction_id, w->reason);
    else
        fprintf(stderr, "Reactions-%" PRId64 " was to be disabled, because %s, but: %s\n", w->reaction_id, w->reason, e.text);
    atomic_store(&w->is_done, true);
    return NULL;
}

static void reap(struct engine *g, bool all, int64_t reaction_id, bool *is_under_way)
{
    for (struct gone **at = &g->gone; *at;) {
        struct gone *w = *at;
        if (!all && !atomic_load(&w->is_done)) {
            *is_under_way = *is_under_way || w->reaction_id == reaction_id;
            at = &w->next;
            continue;
        }
        pthread_join(w->thread, NULL);
        *at = w->next;
        free(w);
    }
}

void gone_disable(struct engine *g, int64_t space_id, int64_t reaction_id, int64_t run_id, const char *reason)
{
    bool is_under_way = false;
    reap(g, false, reaction_id, &is_under_way);
    if (is_under_way)
        return;
    struct gone *w = xcalloc(1, sizeof *w);
    w->engine = g;
    w->space_id = space_id;
    w->reaction_id = reaction_id;
    w->run_id = run_id;
    w->reason = reason;
    int status = pthread_create(&w->thread, NULL, disable, w);
    if (status) {
        // The next run's end tries again.
        fprintf(stderr, "Reactions-%" PRId64 " could not be disabled: no thread: %s\n", reaction_id, strerror(status));
        free(w);
        return;
    }
    w->next = g->gone;
    g->gone = w;
}

void gone_stop(struct engine *g)
{
    bool ignored = false;
    reap(g, true, 0, &ignored);
}
