#include "store/committer.h"

bool store_open(const struct store_options *opt, struct store **out, struct err *e)
{
    struct store *s = xcalloc(1, sizeof *s);
    s->path = opt->path ? xstrdup(opt->path) : NULL;
    s->clock = opt->clock ? opt->clock : &clock_system;
    pthread_mutex_init(&s->readers_lock, NULL);
    if (!committer_start(s, opt, e)) {
        store_close(s);
        return false;
    }
    *out = s;
    return true;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    while (s->free_count)
        db_close(s->free_readers[--s->free_count]);
    committer_stop(s);
    pthread_mutex_destroy(&s->readers_lock);
    free(s->path);
    free(s);
}

static const char *const kind_prefixes[KIND_COUNT] = {
    [KIND_NONE] = "",           [KIND_SPACE] = "Spaces",           [KIND_CONNECTION] = "Connections", [KIND_IDENTITY] = "Identities",
    [KIND_SECRET] = "Secrets",  [KIND_TRIGGER] = "Triggers",       [KIND_TRIGGER_KEY] = "TriggerKeys", [KIND_REACTION] = "Reactions",
    [KIND_REVISION] = "Revisions", [KIND_USER] = "Users",          [KIND_ROLE] = "Roles",             [KIND_API_KEY] = "ApiKeys",
    [KIND_SETTING] = "Settings", [KIND_SESSION] = "Sessions",      [KIND_EVENT] = "Events",           [KIND_RUN] = "Runs",
    [KIND_CHECK] = "Checks",
};

const char *store_kind_prefix(enum store_kind kind)
{
    return kind_prefixes[kind];
}

str store_id_text(struct arena *a, enum store_kind kind, int64_t id)
{
    return arena_printf(a, "%s-%" PRId64, kind_prefixes[kind], id);
}

bool store_id_parse(str text, enum store_kind kind, int64_t *id)
{
    str prefix = str_from(kind_prefixes[kind]);
    if (!str_starts_nocase(text, prefix) || text.n <= prefix.n + 1 || text.p[prefix.n] != '-')
        return false;
    str digits = str_skip(text, prefix.n + 1);
    return digits.p[0] != '-' && digits.p[0] != '0' && str_to_i64(digits, id);
}

static const char *const verdict_names[] = { "Matched", "NotMatched", "Disabled", "OutOfScope", "OwnEffect", "Error" };
static const char *const state_names[] = { "Queued", "Running", "Waiting", "Succeeded", "Failed", "Interrupted", "DeadLettered", "Cancelled" };
static const char *const outcome_names[] = { "Running", "Succeeded", "Failed", "TimedOut", "Interrupted", "Cancelled" };

const char *verdict_name(enum verdict v)
{
    return verdict_names[v];
}

const char *run_state_name(enum run_state s)
{
    return state_names[s];
}

bool run_state_parse(str text, enum run_state *out)
{
    for (size_t i = 0; i < COUNT(state_names); i++)
        if (str_eq_nocase(text, str_from(state_names[i]))) {
            *out = (enum run_state)i;
            return true;
        }
    return false;
}

bool run_state_is_final(enum run_state s)
{
    return s >= RUN_SUCCEEDED;
}

const char *attempt_outcome_name(enum attempt_outcome o)
{
    return outcome_names[o];
}
