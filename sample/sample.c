#include "sample/sample.h"

#include "base/timetext.h"

#include <stdio.h>

const struct actor actor_system = { .user_id = STR_INIT("users-system"), .username = STR_INIT("system"), .identity = STR_INIT(""), .user_agent = STR_INIT("Server") };

int64_t sample_now_ms(const struct sample *s)
{
    return clock_wall_ms(s->clock) + s->clock_offset_ms;
}

str text_rfc1123(struct arena *a, int64_t at_ms)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct civil c = civil_from_ms(at_ms);

    return arena_printf(a, "%s, %02d %s %04" PRId64 " %02d:%02d:%02d GMT", days[c.weekday], c.day, months[c.month - 1], c.year, c.hour, c.minute, c.second);
}

str text_date(struct arena *a, int64_t at_ms)
{
    str z = timetext(a, at_ms);

    return arena_printf(a, "%.*s+00:00", (int)z.n - 1, z.p);
}

str text_html(struct arena *a, str s)
{
    struct buf out = { 0 };

    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&': buf_add_text(&out, "&amp;"); break;
        case '<': buf_add_text(&out, "&lt;"); break;
        case '>': buf_add_text(&out, "&gt;"); break;
        case '"': buf_add_text(&out, "&quot;"); break;
        case '\'': buf_add_text(&out, "&#39;"); break;
        default: buf_add_char(&out, s.p[i]);
        }
    }
    str kept = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return kept;
}

void draft_begin(struct draft *d, struct sample *s, struct arena *a, const struct actor *who, const char *category, str space)
{
    *d = (struct draft){ .sample = s, .arena = a, .who = who, .category = category, .space = space };
    d->references = json_new_array(a);
    d->related = json_new_array(a);
}

// Offsets into the message count UTF-16 units, as .NET strings do.
static int64_t utf16_units(str s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        n += (c & 0xC0) != 0x80;
        n += c >= 0xF0;
    }
    return n;
}

static void draft_add(struct draft *d, str s)
{
    buf_add(&d->message, s);
    d->utf16 += utf16_units(s);
}

void draft_text(struct draft *d, const char *text)
{
    draft_add(d, str_from(text));
    buf_add(&d->html, text_html(d->arena, str_from(text)));
}

void draft_ref(struct draft *d, str id, str name)
{
    CLEANUP(arena_fini) struct arena scratch = { 0 };
    struct json *reference = json_push(d->references, json_new_object(d->arena));
    const struct kind *kind = kind_by_id(id);
    str path = str_from(kind && kind->path ? kind->path : "documents");

    json_add_str(d->arena, reference, "ReferencedDocumentId", id);
    json_add_i64(d->arena, reference, "StartIndex", d->utf16);
    json_add_i64(d->arena, reference, "Length", utf16_units(name));
    buf_printf(&d->html, "<a href='#/%.*s/%.*s'>%.*s</a>", STR_ARG(path), STR_ARG(id), STR_ARG(text_html(&scratch, name)));
    draft_add(d, name);
}

void draft_related(struct draft *d, str id)
{
    if (id.n)
        json_push(d->related, json_new_string(d->arena, arena_str(d->arena, id)));
}

// An event later by a delayed commit: the timer gives it free.
struct late {
    struct event_log *log;
    int64_t auto_id;
    struct loop_timer *timer;
};

static void on_late(void *ctx)
{
    struct late *late = ctx;

    event_log_reveal(late->log, late->auto_id);
    loop_timer_free(late->timer);
    free(late);
}

static void reveal_later(struct sample *s, int64_t auto_id)
{
    struct late *late = xcalloc(1, sizeof *late);

    late->log = s->events;
    late->auto_id = auto_id;
    late->timer = loop_timer_new(s->loop, on_late, late);
    loop_timer_set(late->timer, faults_late_ms(s->faults), 0);
}

static struct json *draft_json(struct draft *d, str id, int64_t occurred_ms)
{
    struct arena *a = d->arena;
    struct json *o = json_new_object(a);
    const struct actor *who = d->who;

    json_add_str(a, o, "Id", id);
    json_add(o, STR("RelatedDocumentIds"), d->related);
    json_add_str(a, o, "Category", str_from(d->category));
    json_add_str(a, o, "UserId", who->user_id);
    json_add_str(a, o, "Username", who->username);
    json_add_bool(a, o, "IsService", who->is_service);
    json_add_str(a, o, "IdentityEstablishedWith", who->identity);
    json_add_str(a, o, "UserAgent", who->user_agent);
    json_add_str(a, o, "Occurred", text_date(a, occurred_ms));
    json_add_str(a, o, "Message", arena_str(a, buf_str(&d->message)));
    json_add_str(a, o, "MessageHtml", arena_str(a, buf_str(&d->html)));
    json_add(o, STR("MessageReferences"), d->references);
    json_add_str(a, o, "Comments", d->comments.n ? d->comments : (str){ 0 });
    json_add_null(a, o, "Details");
    if (!d->change) {
        d->change = json_new_object(a);
        json_add_null(a, d->change, "DocumentContext");
        json_add_null(a, d->change, "Differences");
    }
    json_add(o, STR("ChangeDetails"), d->change);
    json_add_str(a, o, "IpAddress", who->ip.n ? who->ip : (str){ 0 });
    json_add_str(a, o, "ApiKeyId", who->key_id.n ? who->key_id : (str){ 0 });
    json_add_str(a, o, "ApiKeyHint", who->key_hint.n ? who->key_hint : (str){ 0 });
    json_add_str(a, o, "SpaceId", d->space.n ? d->space : (str){ 0 });
    json_add_str(a, json_add(o, STR("Links"), json_new_object(a)), "Self", arena_printf(a, "/api/events/%.*s", STR_ARG(id)));
    return o;
}

str draft_commit(struct draft *d)
{
    struct sample *s = d->sample;
    // Ids come in blocks per node (octopus-api.md 1.1): a number left out now comes later, or never.
    int64_t skip = 0, number = 0;
    int64_t back = faults_draw(s->faults, FAULT_BACKWARDS) ? faults_between(s->faults, 1, 90000) : 0;
    bool is_late = s->loop && faults_draw(s->faults, FAULT_LATE);
    struct err e;

    if (faults_draw(s->faults, FAULT_GAPS)) {
        skip = faults_between(s->faults, 0, 12);
        number = skip ? 0 : event_log_spare_number(s->events);
    }
    str id = arena_printf(d->arena, "Events-%" PRId64, number ? number : event_log_new_number(s->events, skip));
    if (!event_log_add(s->events, draft_json(d, id, sample_now_ms(s) - back), 0, is_late, &e))
        fprintf(stderr, "octopus-sample: an event was not written: %s\n", e.text);
    if (is_late)
        reveal_later(s, event_log_last_auto_id(s->events));
    buf_fini(&d->message);
    buf_fini(&d->html);
    return id;
}
