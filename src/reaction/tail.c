#include "reaction/tail.h"

#include "base/limits.h"
#include "base/timetext.h"
#include "octopus/catalog.h"
#include "octopus/event.h"
#include "octopus/link.h"
#include "octopus/tail_state.h"

#include <pthread.h>
#include <stdio.h>

#define PAGE_TAKE 300
#define PAGE_TIMEOUT_MS 30000
#define PAGES_MAX 100000
#define SPACES_BYTES (4 << 20)
#define BATCH_EVENTS 1000
#define BATCH_BYTES (4 << 20)
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 60000
#define WAKE_APART_MS 250    // between two walks that pushes began: one push comes for each event
#define GROUPS_KEEP_MS (6 * 3600 * 1000)
#define LONG_WALK_PAGES 20      // a walk of more is followed by a pause of twice its length: it reads the overlap's events anew
#define LONG_PAUSE_MS 30000
#define NOTE_WALK_MS 60000 // how old the stored end of the last walk may be

enum phase { PHASE_SPACE, PHASE_GROUPS, PHASE_NEWEST, PHASE_WALK };

struct tail {
    struct tails *tails;
    int64_t connection_id, space_id, poll_ms;
    char *settings;    // what it was made from, to tell a change
    char *wanted_space;
    struct octopus_link *link;
    struct directory *directory; // NULL until the space is known
    bool has_key;
    struct octopus_call *call;
    struct loop_timer *timer;
    struct tail_state *state; // NULL: to be read from the store
    enum phase phase;
    bool is_ending, is_storing, is_woken, is_walking;
    bool is_space_only;    // the server refuses events without a space: then those of the space alone
    int64_t groups_ms;     // monotonic: when its event groups were asked for; 0: never
    int64_t from_ms, skip, take, pages, failures;
    int64_t walk_started_ms, walk_ended_ms, noted_ms;
    int64_t not_before_ms; // monotonic: the server asked to be left alone until then
    struct tail_status status; // guarded by tails->lock
    int64_t walked_ms;         // guarded too; 0: never
    struct tail *next;
};

struct tails {
    struct tails_options opt;
    struct tail *first;
    bool is_stopping;
    pthread_mutex_t lock; // guards the list and the statuses
};

static void step(void *ctx);

static int64_t now_ms(const struct tail *t)
{
    return clock_wall_ms(t->tails->opt.clock);
}

static void say(struct tail *t, const char *text)
{
    pthread_mutex_lock(&t->tails->lock);
    bool is_new = strcmp(t->status.last_error, text) != 0;
    snprintf(t->status.last_error, sizeof t->status.last_error, "%s", text);
    pthread_mutex_unlock(&t->tails->lock);
    if (is_new && *text)
        fprintf(stderr, "tail of Connections-%" PRId64 ": %s\n", t->connection_id, text);
}

static void again_in(struct tail *t, int64_t ms)
{
    if (!t->tails->is_stopping && !t->is_ending)
        loop_timer_set(t->timer, ms, 0);
}

// Whatever failed is tried again, later each time; a server's own wish comes first.
static void failed(struct tail *t, const struct err *e, int64_t wait_ms)
{
    int64_t ms = BACKOFF_FIRST_MS;
    for (int64_t i = 0; i < t->failures && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    t->failures++;
    ms = MIN(ms, (int64_t)BACKOFF_MAX_MS);
    ms += (int64_t)random_below(t->tails->opt.random, (uint64_t)ms / 4 + 1);
    // One failure among many requests is the network's everyday business; a second in a row is worth telling.
    if (t->failures > 1 || !err_may_pass(e->kind))
        say(t, e->text);
    again_in(t, MAX(ms, wait_ms));
}

// ---- the ends of a tail ----

static void tail_free(struct tail *t)
{
    loop_timer_free(t->timer);
    directory_free(t->directory);
    octopus_link_free(t->link);
    tail_state_free(t->state);
    free(t->settings);
    free(t->wanted_space);
    free(t);
}

// Taken off the list already. What it still waits for frees it.
static void tail_end(struct tail *t)
{
    t->is_ending = true;
    loop_timer_stop(t->timer);
    if (t->call)
        octopus_call_cancel(t->call);
    directory_free(MOVE(t->directory));
    if (!t->is_storing)
        tail_free(t);
}

static void forget_state(struct tail *t)
{
    tail_state_free(MOVE(t->state));
    t->is_walking = false;
    t->phase = PHASE_SPACE;
}

// ---- storing ----

static void store_more(struct tail *t);

static void stored(void *ctx, const struct accept_result *results UNUSED, size_t count, const struct err *e)
{
    struct tail *t = ctx;
    t->is_storing = false;
    if (t->is_ending) {
        tail_free(t);
        return;
    }
    if (e->kind != ERR_NONE) {
        // Where it stands is what is stored: the walk is done anew from there.
        forget_state(t);
        failed(t, e, 0);
        return;
    }
    pthread_mutex_lock(&t->tails->lock);
    t->status.watermark_ms = tail_state_watermark_ms(t->state);
    pthread_mutex_unlock(&t->tails->lock);
    if (count)
        t->tails->opt.stored(t->tails->opt.ctx);
    store_more(t);
}

// The run that created what the event is about, for events of which Octopus tells no client: a deployment that a run made starts and
// ends by itself. What another client did to such a document is that client's doing.
static bool created_by(struct tail *t, const struct octopus_event *v, int64_t *reaction_id, int64_t *run_id, struct arena *a)
{
    static const char *const types[] = { "Deployments", "RunbookRuns", "ServerTasks", "Releases" };
    struct store_run *run;
    str subject = STR("");
    if (v->user_agent.n && !str_eq(v->user_agent, STR("Server")))
        return false;
    for (size_t i = 0; i < COUNT(types) && !subject.n; i++)
        subject = octopus_event_first(v, str_from(types[i]));
    if (!subject.n)
        subject = octopus_event_subject(v);
    if (!subject.n || !store_created_by(t->tails->opt.store, t->connection_id, subject, run_id, NULL) || !*run_id || !store_run_get(t->tails->opt.store, t->space_id, *run_id, a, &run, NULL) || !run)
        return false;
    *reaction_id = run->reaction_id;
    return true;
}

// The cause is known by the User-Agent of our own calls, or by what they created; its depth is one more than that of the run's event.
static void set_cause(struct tail *t, const struct octopus_event *v, struct store_event *out, struct arena *a)
{
    int64_t reaction_id, run_id;
    struct store_run *run;
    if (!octopus_event_cause(v, &reaction_id, &run_id) && !created_by(t, v, &reaction_id, &run_id, a))
        return;
    if (!store_run_get(t->tails->opt.store, t->space_id, run_id, a, &run, NULL) || !run || run->reaction_id != reaction_id)
        return; // another instance's run, or one that was removed
    out->caused_by_run = run_id;
    out->caused_depth = (int)MIN(run->depth + 1, (int64_t)INT32_MAX);
}

// What the event is about decides who may see it (permissions.md rule 7); and which run caused it.
static void read_event(struct tail *t, str text, struct store_event *out, struct arena *a)
{
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    struct json *doc;
    struct octopus_event v;
    if (!json_parse(&scratch, text, &doc, NULL) || !octopus_event_read(doc, &v, NULL))
        return;
    out->project = arena_str(a, octopus_event_project(&v));
    out->environment = arena_str(a, octopus_event_environments(&v, &scratch));
    set_cause(t, &v, out, &scratch);
}

// How long the tail must yet rest after a long walk.
static int64_t long_pause_ms(const struct tail *t)
{
    int64_t pause = t->pages < LONG_WALK_PAGES ? 0 : MIN((t->walk_ended_ms - t->walk_started_ms) * 2, (int64_t)LONG_PAUSE_MS);
    return MIN(t->walk_ended_ms + pause - now_ms(t), pause); // at most that, should the clock have been set back
}

static void walk_is_stored(struct tail *t)
{
    bool is_behind = tail_state_is_behind(t->state);
    int64_t waited = now_ms(t) - t->walk_started_ms;
    pthread_mutex_lock(&t->tails->lock);
    if (!is_behind)
        t->walked_ms = t->walk_started_ms;
    t->status.watermark_ms = tail_state_watermark_ms(t->state);
    pthread_mutex_unlock(&t->tails->lock);
    t->is_walking = false;
    int64_t pause = (t->is_woken ? (int64_t)WAKE_APART_MS : t->poll_ms) - waited;
    again_in(t, is_behind ? 0 : MAX(MAX(pause, long_pause_ms(t)), (int64_t)0));
}

static void store_more(struct tail *t)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct tail_row *rows = ARENA_ARRAY(&a, struct tail_row, BATCH_EVENTS);
    struct store_accept *items = ARENA_ARRAY(&a, struct store_accept, BATCH_EVENTS);
    struct err e = { 0 };
    size_t count = tail_state_take(t->state, rows, BATCH_EVENTS, BATCH_BYTES);
    int64_t now = now_ms(t);
    if (!count && now - t->noted_ms < NOTE_WALK_MS) {
        walk_is_stored(t);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        items[i].event = (struct store_event){
            .space_id = t->space_id,
            .source = EVENT_INTERNAL,
            .connection_id = t->connection_id,
            .type = rows[i].type,
            .octopus_event_id = rows[i].id,
            .occurred_ms = rows[i].occurred_ms,
            .received_ms = now,
            .payload_kind = STR("json"),
            .body = rows[i].text,
        };
        read_event(t, rows[i].text, &items[i].event, &a);
    }
    struct store_tail tail = { t->connection_id, tail_state_doc(t->state, &a) };
    t->noted_ms = now;
    t->is_storing = true;
    if (store_accept(t->tails->opt.store, t->tails->opt.loop, items, count, &tail, stored, t, &e))
        return;
    t->is_storing = false;
    t->noted_ms = 0;
    forget_state(t);
    failed(t, &e, 0);
}

// ---- walking ----

static void begin_walk(struct tail *t)
{
    t->phase = PHASE_WALK;
    t->is_walking = true;
    t->is_woken = false; // what pushes from now on may be too late for this walk
    t->walk_started_ms = now_ms(t);
    t->skip = t->pages = 0;
    t->take = PAGE_TAKE;
    tail_state_walk(t->state, t->walk_started_ms, &t->from_ms);
}

static void end_walk(struct tail *t)
{
    bool has_gap;
    int64_t before = tail_state_watermark_ms(t->state);
    t->walk_ended_ms = now_ms(t);
    tail_state_end(t->state, t->walk_started_ms, &has_gap);
    if (has_gap) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        str text = arena_printf(&a, "a gap: Octopus no longer has the events around %s, where this tail stood; its retention removed them while nobody read. What happened between then and the oldest event it still has was missed: compare with its archived events", timetext(&a, before).p);
        say(t, text.p);
    } else {
        say(t, "");
    }
    store_more(t);
}

// A row that cannot be placed is told, and left: it must not stop those behind it.
static void take_row(struct tail *t, const struct json *item)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct octopus_event v;
    struct err e = { 0 };
    // Each walk meets the overlap's events again, and they are many where much happens.
    if (tail_state_knows(t->state, json_str(json_get(item, STR("Id")), STR(""))))
        return;
    if (!octopus_event_read(item, &v, &e)) {
        say(t, e.text);
        return;
    }
    // Should the server show other spaces' events too: they are other tails'.
    if (v.space_id.n && !str_eq_nocase(v.space_id, str_from(t->status.octopus_space_id)))
        return;
    tail_state_row(t->state, &(struct tail_row){ v.id, v.category, json_text(&a, item), v.number, v.occurred_ms });
}

static void on_page(struct tail *t, const struct octopus_reply *reply)
{
    struct err e = { 0 };
    if (reply->is_too_large && t->take > 1) {
        t->take = MAX(t->take / 4, (int64_t)1);
        again_in(t, 0);
        return;
    }
    if (reply->is_too_large) {
        err_set(&e, ERR_TOO_LARGE, "an event is larger than %d MB and was left out", LIMIT_TAIL_PAGE_BYTES >> 20);
        say(t, e.text);
        t->skip++;
        again_in(t, reply->wait_ms);
        return;
    }
    const struct json *items = json_get(reply->body, STR("Items"));
    if (!json_is(items, JSON_ARRAY)) {
        err_set(&e, ERR_INVALID, "the page of events has no Items: is this an Octopus server?");
        failed(t, &e, 0);
        return;
    }
    // Rows may stand twice in a page; only as many as are different moved us on.
    struct map distinct = { 0 };
    json_each(item, items)
    {
        map_put(&distinct, json_str(json_get(item, STR("Id")), STR("")), t);
        take_row(t, item);
    }
    int64_t moved = MIN((int64_t)distinct.count, t->take), total = 0;
    map_fini(&distinct);
    t->skip += moved;
    t->failures = 0;
    bool has_more = items->count >= (uint64_t)t->take || (json_i64(json_get(reply->body, STR("TotalResults")), &total) && t->skip < total);
    if (has_more && moved && ++t->pages < PAGES_MAX) {
        again_in(t, reply->wait_ms);
        return;
    }
    end_walk(t);
}

static void on_newest(struct tail *t, const struct octopus_reply *reply)
{
    const struct json *items = json_get(reply->body, STR("Items"));
    struct octopus_event v;
    struct err e = { 0 };
    if (!json_is(items, JSON_ARRAY)) {
        err_set(&e, ERR_INVALID, "the page of events has no Items: is this an Octopus server?");
        failed(t, &e, 0);
        return;
    }
    if (items->count && !octopus_event_read(items->first, &v, &e)) {
        failed(t, &e, 0);
        return;
    }
    t->failures = 0;
    tail_state_begin(t->state, items->count != 0, items->count ? v.occurred_ms : 0, now_ms(t));
    t->noted_ms = 0;
    begin_walk(t);
    again_in(t, reply->wait_ms);
}

static void on_spaces(struct tail *t, const struct octopus_reply *reply)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    str id, name, doc;
    if (!octopus_find_space(reply->body, str_from(t->wanted_space), &id, &name, &e)) {
        failed(t, &e, BACKOFF_MAX_MS / 4);
        return;
    }
    pthread_mutex_lock(&t->tails->lock);
    snprintf(t->status.octopus_space_id, sizeof t->status.octopus_space_id, "%.*s", STR_ARG(id));
    snprintf(t->status.octopus_space_name, sizeof t->status.octopus_space_name, "%.*s", STR_ARG(name));
    pthread_mutex_unlock(&t->tails->lock);
    if (!t->directory) {
        t->directory = directory_new(&(struct directory_options){ t->link, t->tails->opt.loop, t->tails->opt.clock, id, t->tails->opt.known, t->tails->opt.ctx });
        t->tails->opt.known(t->tails->opt.ctx);
    }
    if (!t->state) {
        if (!store_tail_get(t->tails->opt.store, t->connection_id, &a, &doc, &e) || !tail_state_load(doc, &t->state, &e)) {
            failed(t, &e, 0);
            return;
        }
        t->noted_ms = tail_state_has_begun(t->state) ? now_ms(t) : 0;
        // Another server or space under the same connection is another log.
        str source = arena_concat(&a, str_from(strchr(t->settings, '\n') + 1), id);
        if (tail_state_has_begun(t->state) && !str_eq(tail_state_source(t->state), source)) {
            tail_state_free(t->state);
            t->state = tail_state_new();
        }
        tail_state_set_source(t->state, source);
        pthread_mutex_lock(&t->tails->lock);
        t->status.watermark_ms = tail_state_watermark_ms(t->state);
        pthread_mutex_unlock(&t->tails->lock);
    }
    t->failures = 0;
    t->phase = PHASE_GROUPS;
    again_in(t, reply->wait_ms);
}

// Which categories an event group has is the server's to say; where it does not, the list we came with counts.
static void on_groups(struct tail *t, const struct octopus_reply *reply)
{
    if (json_is(reply->body, JSON_ARRAY))
        catalog_learn_groups(reply->body);
    t->groups_ms = clock_mono_ms(t->tails->opt.clock);
    t->phase = tail_state_has_begun(t->state) ? PHASE_WALK : PHASE_NEWEST;
    again_in(t, reply->wait_ms);
}

// A server that knows no events outside of a space, or a key that may not ask for them.
static bool turns_to_space(struct tail *t, const struct octopus_reply *reply)
{
    bool is_refusal = reply->status == 400 || reply->status == 403 || reply->status == 404;
    if (t->is_space_only || !is_refusal || (t->phase != PHASE_NEWEST && t->phase != PHASE_WALK))
        return false;
    t->is_space_only = true;
    t->is_walking = false;
    again_in(t, reply->wait_ms);
    return true;
}

static void on_reply(void *ctx, const struct octopus_reply *reply)
{
    struct tail *t = ctx;
    t->call = NULL;
    if (t->is_ending || t->tails->is_stopping)
        return;
    t->not_before_ms = clock_mono_ms(t->tails->opt.clock) + reply->wait_ms;
    bool is_optional = t->phase == PHASE_GROUPS && !err_may_pass(reply->error.kind);
    if (reply->error.kind != ERR_NONE && !reply->is_too_large && !is_optional) {
        if (!turns_to_space(t, reply))
            failed(t, &reply->error, reply->wait_ms);
        return;
    }
    switch (t->phase) {
    case PHASE_GROUPS: on_groups(t, reply); break;
    case PHASE_SPACE: on_spaces(t, reply); break;
    case PHASE_NEWEST: on_newest(t, reply); break;
    case PHASE_WALK: on_page(t, reply); break;
    }
}

// The next request, whatever it is. Only the timer calls it.
static void step(void *ctx)
{
    struct tail *t = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    if (t->is_ending || t->tails->is_stopping || t->call || t->is_storing)
        return;
    str path = STR("/api/spaces?skip=0&take=1000");
    size_t max_bytes = SPACES_BYTES;
    // With what belongs to no space (users, teams, licences), as far as the key may see it.
    str events = t->is_space_only ? arena_printf(&a, "/api/%s/events?", t->status.octopus_space_id) : arena_printf(&a, "/api/events?spaces=%s&includeSystem=true&", t->status.octopus_space_id);
    if (t->phase == PHASE_WALK && !t->is_walking && t->groups_ms + GROUPS_KEEP_MS < clock_mono_ms(t->tails->opt.clock))
        t->phase = PHASE_GROUPS;
    if (t->phase == PHASE_GROUPS) {
        path = STR("/api/events/groups");
    } else if (t->phase == PHASE_NEWEST) {
        path = arena_printf(&a, "%.*sskip=0&take=1&excludeDifference=true", STR_ARG(events));
        max_bytes = LIMIT_TAIL_PAGE_BYTES;
    } else if (t->phase == PHASE_WALK) {
        if (!t->is_walking)
            begin_walk(t);
        str from = t->from_ms ? arena_printf(&a, "&from=%s", timetext(&a, t->from_ms).p) : STR("");
        path = arena_printf(&a, "%.*sskip=%" PRId64 "&take=%" PRId64 "&excludeDifference=true%.*s", STR_ARG(events), t->skip, t->take, STR_ARG(from));
        max_bytes = LIMIT_TAIL_PAGE_BYTES;
    }
    t->call = octopus_link_get(t->link, path, max_bytes, PAGE_TIMEOUT_MS, on_reply, t);
}

// ---- configuration ----

struct tails *tails_new(const struct tails_options *opt)
{
    struct tails *t = xcalloc(1, sizeof *t);
    t->opt = *opt;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void tails_stop(struct tails *t)
{
    t->is_stopping = true;
    for (struct tail *one = t->first; one; one = one->next) {
        loop_timer_stop(one->timer);
        if (one->call)
            octopus_call_cancel(one->call);
    }
}

void tails_free(struct tails *t)
{
    if (!t)
        return;
    t->is_stopping = true;
    for (struct tail *one = t->first, *next; one; one = next) {
        next = one->next;
        if (one->call)
            octopus_call_cancel(one->call);
        if (one->is_storing) {
            // Its answer is still on the way to the loop, which frees the rest.
            one->is_ending = true;
            loop_timer_free(MOVE(one->timer));
            directory_free(MOVE(one->directory));
            octopus_link_free(MOVE(one->link));
        } else {
            tail_free(one);
        }
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

// The poll interval, key and certificates first, then what says which log it is.
static str settings_of(const struct connection_entry *c, struct arena *a)
{
    const struct json *key = json_get(c->doc, STR("ReaderKey")), *tls = json_get(c->doc, STR("Tls"));
    return arena_printf(a, "%" PRId64 " %.*s %.*s %.*s\n%.*s ", c->poll_seconds, STR_ARG(key ? json_text(a, key) : STR("")), STR_ARG(tls ? json_text(a, tls) : STR("")), STR_ARG(c->octopus_space), STR_ARG(c->url));
}

static void begin_tail(struct tails *tails, const struct connection_entry *c, str settings)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    str key = STR("");
    struct tail *t = xcalloc(1, sizeof *t);
    t->tails = tails;
    t->connection_id = c->id;
    t->space_id = c->space_id;
    t->poll_ms = c->poll_seconds * 1000;
    t->settings = xcalloc(1, settings.n + 1);
    memcpy(t->settings, settings.p, settings.n);
    t->wanted_space = xcalloc(1, c->octopus_space.n + 1);
    if (c->octopus_space.n)
        memcpy(t->wanted_space, c->octopus_space.p, c->octopus_space.n);
    t->timer = loop_timer_new(tails->opt.loop, step, t);
    const struct json *sealed = json_get(c->doc, STR("ReaderKey"));
    bool has_key = sealed && sealed_open_value(KIND_CONNECTION, c->id, "ReaderKey", sealed, tails->opt.keyring, &a, &key, &e) && key.n;
    t->link = octopus_link_new(&(struct octopus_link_options){ tails->opt.http, c->url, key, json_str(json_get(json_get(c->doc, STR("Tls")), STR("Ca")), STR("")) });
    if (key.n)
        explicit_bzero((char *)(uintptr_t)key.p, key.n);
    pthread_mutex_lock(&tails->lock);
    t->next = tails->first;
    tails->first = t;
    pthread_mutex_unlock(&tails->lock);
    t->has_key = has_key;
    if (has_key)
        again_in(t, 0);
    else
        say(t, e.kind ? e.text : "the connection has no ReaderKey: its events cannot be read");
}

void tails_configure(struct tails *tails, const struct snapshot *s)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    if (tails->is_stopping)
        return;
    for (struct tail **at = &tails->first; *at;) {
        struct tail *t = *at;
        const struct connection_entry *c = snapshot_connection(s, t->connection_id);
        if (c && str_eq(settings_of(c, &a), str_from(t->settings))) {
            at = &t->next;
            continue;
        }
        pthread_mutex_lock(&tails->lock);
        *at = t->next;
        pthread_mutex_unlock(&tails->lock);
        tail_end(t);
    }
    for (size_t i = 0; i < s->connection_count; i++) {
        struct tail *t = tails->first;
        while (t && t->connection_id != s->connections[i].id)
            t = t->next;
        if (!t && s->connections[i].url.n)
            begin_tail(tails, &s->connections[i], settings_of(&s->connections[i], &a));
    }
}

// A server that was not reached and now pushes is there again; one that asked for patience gets it all the same.
void tails_wake(struct tails *tails, int64_t connection_id)
{
    for (struct tail *t = tails->first; t; t = t->next) {
        if (t->connection_id != connection_id || !t->has_key)
            continue;
        pthread_mutex_lock(&tails->lock);
        t->status.pushes++;
        t->status.pushed_ms = now_ms(t);
        pthread_mutex_unlock(&tails->lock);
        t->is_woken = true;
        if (t->call || t->is_storing || (t->is_walking && !t->failures))
            continue;
        int64_t patience = t->not_before_ms - clock_mono_ms(tails->opt.clock), apart = t->walk_started_ms + WAKE_APART_MS - now_ms(t);
        again_in(t, MAX(MAX(patience, MIN(apart, (int64_t)WAKE_APART_MS)), MAX(long_pause_ms(t), (int64_t)0)));
    }
}

enum directory_state tails_document(struct tails *tails, int64_t connection_id, str id, const struct json **doc, bool *is_failing)
{
    *doc = NULL;
    *is_failing = false;
    for (struct tail *t = tails->first; t; t = t->next) {
        if (t->connection_id != connection_id)
            continue;
        if (t->directory)
            return directory_ask(t->directory, id, doc, is_failing);
        *is_failing = t->failures > 1;
        return t->has_key ? DIRECTORY_WAITS : DIRECTORY_REFUSED;
    }
    return DIRECTORY_GONE;
}

bool tails_status(struct tails *tails, int64_t connection_id, struct tail_status *out)
{
    bool is_found = false;
    pthread_mutex_lock(&tails->lock);
    for (struct tail *t = tails->first; t && !is_found; t = t->next)
        if (t->connection_id == connection_id) {
            *out = t->status;
            out->lag_ms = t->walked_ms ? MAX(clock_wall_ms(tails->opt.clock) - t->walked_ms, (int64_t)0) : -1;
            is_found = true;
        }
    pthread_mutex_unlock(&tails->lock);
    return is_found;
}
