#include "reaction/engine_judge.h"

#include "reaction/engine_ask.h"
#include "reaction/engine_internal.h"
#include "reaction/payload.h"

#define PATIENCE_MS 15000

struct judging {
    const struct snapshot *snapshot;
    const struct store_event *event;
    const struct json *payload;
    const struct reaction_entry *const *reactions;
    size_t count;
    struct arena *arena;
    struct judged *out;
    size_t out_count;
};

// False: something it needs is still on its way.
static bool judge_all(struct engine *g, void *ctx)
{
    struct judging *j = ctx;
    struct octopus_view view;
    struct data_source data = engine_octopus_data(g, j->snapshot, j->event, &view);
    struct match *m = match_new(&data, j->event, j->payload, j->arena);
    const struct reaction_entry **candidates;
    size_t offered, count = j->reactions ? j->count : match_candidates(m, &candidates, &offered);
    j->out = ARENA_ARRAY(j->arena, struct judged, count);
    j->out_count = count;
    for (size_t i = 0; i < count && !match_is_waiting(m); i++) {
        j->out[i].reaction = j->reactions ? j->reactions[i] : candidates[i];
        match_reaction(m, j->out[i].reaction, &j->out[i].result);
    }
    return !match_is_waiting(m);
}

bool engine_judge(struct engine *g, const struct snapshot *s, const struct store_event *v, const struct reaction_entry *const *reactions, size_t count, struct arena *a, struct judged **out, size_t *out_count, struct err *e)
{
    struct judging j = { .snapshot = s, .event = v, .payload = payload_json(v, a), .reactions = reactions, .count = count, .arena = a };
    bool ok = engine_ask(g, PATIENCE_MS, judge_all, &j);
    *out = j.out;
    *out_count = j.out_count;
    return ok || err_set(e, ERR_BUSY, "Octopus has not said what the event's documents are: see the connection's State.LastError, and try again");
}
