#include "octopus/tail_state.h"

#include "base/limits.h"
#include "base/map.h"
#include "json/json.h"

struct pending {
    struct tail_row row; // its texts in `block`, its id in `id`
    char *id, *block;    // block is NULL where the text did not fit
};

struct seen {
    int64_t occurred_ms;
    bool in_walk; // met in the walk under way
    char id[];
};

struct tail_state {
    char *source;
    bool has_begun, is_baseline;
    int64_t watermark_ms, floor_ms; // nothing before floor was ever ours
    int64_t walked_ms;              // when the last whole walk ended; 0: never
    int64_t now_ms;                 // of the walk under way
    int64_t from_ms;
    bool is_wide;
    bool is_known_met, is_behind, was_away;
    struct map seen;    // id -> struct seen
    struct map walking; // id -> pending index + 1: rows that stand twice in one walk
    struct pending *pending;
    size_t count, cap, next, takeable;
    size_t held_bytes;
};

struct tail_state *tail_state_new(void)
{
    struct tail_state *s = xcalloc(1, sizeof *s);
    s->source = xstrdup("");
    return s;
}

static void drop_pending(struct tail_state *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->pending[i].id);
        free(s->pending[i].block);
    }
    s->count = s->next = s->takeable = s->held_bytes = 0;
    map_fini(&s->walking);
    s->walking = (struct map){ 0 };
}

static void drop_seen(struct tail_state *s)
{
    size_t at = 0;
    str id;
    void *value;
    while (map_next(&s->seen, &at, &id, &value))
        free(value);
    map_fini(&s->seen);
    s->seen = (struct map){ 0 };
}

void tail_state_free(struct tail_state *s)
{
    if (!s)
        return;
    drop_pending(s);
    drop_seen(s);
    free(s->pending);
    free(s->source);
    free(s);
}

static void add_seen(struct tail_state *s, str id, int64_t occurred_ms)
{
    struct seen *one = xmalloc(sizeof *one + 1);
    *one = (struct seen){ occurred_ms, true };
    free(map_put(&s->seen, id, one));
}

// Only what a walk from (watermark - overlap) can meet again is kept.
static void prune_seen(struct tail_state *s)
{
    int64_t oldest = s->watermark_ms - TAIL_OVERLAP_MS;
    for (int64_t step = TAIL_OVERLAP_MS / 2;; step /= 2) {
        size_t at = 0;
        str id;
        void *value;
        while (map_next(&s->seen, &at, &id, &value))
            if (((struct seen *)value)->occurred_ms < oldest)
                free(map_remove(&s->seen, id));
        if (s->seen.count <= LIMIT_TAIL_SEEN || step == 0)
            return;
        oldest += step;
    }
}

// ---- as text ----

bool tail_state_load(str doc, struct tail_state **out, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j;
    struct tail_state *s = tail_state_new();
    if (!doc.n) {
        *out = s;
        return true;
    }
    if (!json_parse(&a, doc, &j, e)) {
        tail_state_free(s);
        return err_in(e, "the stored state of the tail");
    }
    tail_state_set_source(s, json_str(json_get(j, STR("Source")), STR("")));
    s->has_begun = true;
    if (!json_i64(json_get(j, STR("Watermark")), &s->watermark_ms) || !json_i64(json_get(j, STR("Floor")), &s->floor_ms) || !json_i64(json_get(j, STR("Walked")), &s->walked_ms)) {
        tail_state_free(s);
        return err_set(e, ERR_INVALID, "the stored state of the tail lacks Watermark, Floor or Walked");
    }
    s->is_baseline = json_bool(json_get(j, STR("IsBaseline")), false);
    // Pairs: id (a number where it is "Events-<number>"), milliseconds after the watermark.
    struct json *seen = json_get(j, STR("Seen"));
    for (struct json *id = seen ? seen->first : NULL; id && id->next; id = id->next->next) {
        int64_t after;
        if (!json_i64(id->next, &after))
            continue;
        str text = json_is(id, JSON_STRING) ? id->text : arena_printf(&a, "Events-%.*s", STR_ARG(id->text));
        add_seen(s, text, s->watermark_ms + after);
    }
    *out = s;
    return true;
}

str tail_state_doc(const struct tail_state *s, struct arena *a)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    size_t at = 0;
    str id;
    void *value;
    bool is_first = true;
    buf_add_text(&out, "{\"Source\":");
    json_write_string(&out, str_from(s->source));
    buf_printf(&out, ",\"Watermark\":%" PRId64 ",\"Floor\":%" PRId64 ",\"Walked\":%" PRId64 ",\"IsBaseline\":%s,\"Seen\":[", s->watermark_ms, s->floor_ms, s->walked_ms, s->is_baseline ? "true" : "false");
    while (map_next(&s->seen, &at, &id, &value)) {
        int64_t number;
        if (!is_first)
            buf_add_char(&out, ',');
        is_first = false;
        if (str_starts(id, STR("Events-")) && id.n > 7 && id.p[7] != '0' && str_to_i64(str_skip(id, 7), &number) && number > 0)
            buf_add(&out, str_skip(id, 7));
        else
            json_write_string(&out, id);
        buf_printf(&out, ",%" PRId64, ((struct seen *)value)->occurred_ms - s->watermark_ms);
    }
    buf_add_text(&out, "]}");
    return arena_str(a, buf_str(&out));
}

str tail_state_source(const struct tail_state *s)
{
    return str_from(s->source);
}

void tail_state_set_source(struct tail_state *s, str source)
{
    char *copy = xcalloc(1, source.n + 1);
    if (source.n)
        memcpy(copy, source.p, source.n);
    free(s->source);
    s->source = copy;
}

// ---- beginning ----

bool tail_state_has_begun(const struct tail_state *s)
{
    return s->has_begun;
}

void tail_state_begin(struct tail_state *s, bool has_newest, int64_t newest_ms, int64_t now_ms)
{
    s->has_begun = true;
    s->is_baseline = has_newest;
    // A clock that once ran ahead must not make us deaf until then: the watermark never passes our own now.
    s->watermark_ms = has_newest ? MIN(newest_ms, now_ms) : 0;
    s->floor_ms = has_newest ? MAX(s->watermark_ms - TAIL_OVERLAP_MS, (int64_t)0) : 0;
}

int64_t tail_state_watermark_ms(const struct tail_state *s)
{
    return s->watermark_ms;
}

// ---- a walk ----

void tail_state_walk(struct tail_state *s, int64_t now_ms, int64_t *from_ms)
{
    size_t at = 0;
    str id;
    void *value;
    drop_pending(s);
    while (map_next(&s->seen, &at, &id, &value))
        ((struct seen *)value)->in_walk = false;
    s->now_ms = now_ms;
    s->is_known_met = s->is_behind = false;
    s->was_away = s->walked_ms && now_ms - s->walked_ms > TAIL_DOWNTIME_MS;
    int64_t reach = s->was_away ? TAIL_WIDE_MS : TAIL_OVERLAP_MS;
    s->from_ms = MAX(MAX(s->watermark_ms - reach, s->floor_ms), (int64_t)0);
    *from_ms = s->from_ms;
}

static int by_time(const void *a, const void *b)
{
    const struct tail_row *x = &((const struct pending *)a)->row, *y = &((const struct pending *)b)->row;
    if (x->occurred_ms != y->occurred_ms)
        return x->occurred_ms < y->occurred_ms ? -1 : 1;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return str_cmp(x->id, y->id);
}

// Too many to hold: the newest lose their text and come again in the next walk.
static void let_newest_go(struct tail_state *s)
{
    qsort(s->pending, s->count, sizeof *s->pending, by_time);
    for (size_t i = s->count; i-- > 0 && s->held_bytes > LIMIT_TAIL_HELD_BYTES / 4 * 3;) {
        if (!s->pending[i].block)
            continue;
        s->held_bytes -= s->pending[i].row.text.n + s->pending[i].row.type.n;
        free(MOVE(s->pending[i].block));
    }
}

bool tail_state_knows(struct tail_state *s, str id)
{
    struct seen *known = map_get(&s->seen, id);
    if (!known)
        return false;
    known->in_walk = true;
    s->is_known_met = true;
    return true;
}

bool tail_state_row(struct tail_state *s, const struct tail_row *row)
{
    if (tail_state_knows(s, row->id))
        return false;
    if (row->occurred_ms < s->from_ms && !s->is_baseline && s->from_ms)
        return false; // not asked for: a server that ignores `from` must not replay its history
    if (s->is_baseline) {
        add_seen(s, row->id, row->occurred_ms);
        return false;
    }
    if (map_put(&s->walking, row->id, s))
        return false;
    xgrow(&s->pending, &s->cap, s->count + 1, sizeof *s->pending);
    struct pending *p = &s->pending[s->count++];
    *p = (struct pending){ .row = *row };
    p->id = xmalloc(row->id.n + 1);
    memcpy(p->id, row->id.p, row->id.n);
    p->block = xmalloc(row->text.n + row->type.n + 1);
    if (row->text.n)
        memcpy(p->block, row->text.p, row->text.n);
    if (row->type.n)
        memcpy(p->block + row->text.n, row->type.p, row->type.n);
    p->row.id = (str){ p->id, row->id.n };
    p->row.text = (str){ p->block, row->text.n };
    p->row.type = (str){ p->block + row->text.n, row->type.n };
    s->held_bytes += row->text.n + row->type.n;
    if (s->held_bytes > LIMIT_TAIL_HELD_BYTES)
        let_newest_go(s);
    return true;
}

void tail_state_end(struct tail_state *s, int64_t now_ms, bool *has_gap)
{
    *has_gap = s->was_away && s->seen.count && !s->is_known_met && s->count;
    s->walked_ms = now_ms;
    s->is_baseline = false;
    if (s->count)
        qsort(s->pending, s->count, sizeof *s->pending, by_time);
    // Only as far as everything is held: order matters more than haste.
    while (s->takeable < s->count && s->pending[s->takeable].block)
        s->takeable++;
    s->is_behind = s->takeable < s->count;
}

size_t tail_state_take(struct tail_state *s, struct tail_row *out, size_t max_count, size_t max_bytes)
{
    size_t taken = 0, bytes = 0;
    while (taken < max_count && s->next < s->takeable) {
        struct pending *p = &s->pending[s->next];
        if (taken && bytes + p->row.text.n > max_bytes)
            break;
        bytes += p->row.text.n;
        add_seen(s, p->row.id, p->row.occurred_ms);
        s->watermark_ms = MAX(s->watermark_ms, MIN(p->row.occurred_ms, s->now_ms));
        out[taken++] = p->row;
        s->next++;
    }
    prune_seen(s);
    return taken;
}

bool tail_state_is_behind(const struct tail_state *s)
{
    return s->is_behind;
}
