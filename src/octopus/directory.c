#include "octopus/directory.h"

#include "base/encode.h"
#include "base/limits.h"
#include "base/map.h"
#include "octopus/event.h"

#define IN_FLIGHT_MAX 16
#define TIMEOUT_MS 10000
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS 30000

struct entry {
    struct directory *directory;
    struct arena arena;
    const struct json *doc;
    enum directory_state state;
    struct octopus_call *call;
    int64_t until_ms; // monotonic: kept, or not asked again, until then
    int failures;
};

struct directory {
    struct directory_options opt;
    char space_id[LIMIT_OCTOPUS_ID_BYTES + 1];
    struct map entries; // id -> struct entry
    struct loop_timer *timer;
    int64_t timer_at_ms;
    int in_flight;
    bool is_ending;
};

static bool is_plain(str id, bool with_dots)
{
    for (size_t i = 0; i < id.n; i++)
        if (!(id.p[i] == '-' || (with_dots && id.p[i] == '.') || (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'A' && id.p[i] <= 'Z') || (id.p[i] >= 'a' && id.p[i] <= 'z')))
            return false;
    return id.n && id.n <= LIMIT_OCTOPUS_ID_BYTES;
}

// Questions rather than documents: "ReleasesOf-<project>.<key>", "DeploymentsOf-<project>.<environment>.<tenant or none>.<key>". The key makes
// each event ask anew.
static str question_path(str space_id, str id, struct arena *a)
{
    str part[4] = { 0 }, rest = id;
    size_t count = 0;
    if (!is_plain(id, true))
        return STR("");
    bool is_releases = octopus_id_is(id, STR("ReleasesOf")), is_deployments = octopus_id_is(id, STR("DeploymentsOf"));
    rest = str_skip(id, is_releases ? STR("ReleasesOf-").n : STR("DeploymentsOf-").n);
    while (count < COUNT(part) && str_split(&rest, '.', &part[count]))
        count++;
    if (is_releases && count == 2)
        return arena_printf(a, "/api/%.*s/projects/%.*s/releases?skip=0&take=100", STR_ARG(space_id), STR_ARG(part[0]));
    if (!is_deployments || count != 4)
        return STR("");
    bool has_tenant = !str_eq(part[2], STR("none"));
    return arena_printf(a, "/api/%.*s/deployments?projects=%.*s&environments=%.*s%s%.*s&taskState=Success&skip=0&take=30", STR_ARG(space_id), STR_ARG(part[0]), STR_ARG(part[1]), has_tenant ? "&tenants=" : "",
        STR_ARG(has_tenant ? part[2] : STR("")));
}

static const struct kind { str type, path; bool is_spaceless; } kinds[] = {
    { STR_INIT("Projects"), STR_INIT("projects"), false }, { STR_INIT("ProjectGroups"), STR_INIT("projectgroups"), false }, { STR_INIT("Environments"), STR_INIT("environments"), false },
    { STR_INIT("Tenants"), STR_INIT("tenants"), false }, { STR_INIT("Channels"), STR_INIT("channels"), false }, { STR_INIT("Machines"), STR_INIT("machines"), false },
    { STR_INIT("Releases"), STR_INIT("releases"), false }, { STR_INIT("Deployments"), STR_INIT("deployments"), false }, { STR_INIT("ServerTasks"), STR_INIT("tasks"), true },
    { STR_INIT("Runbooks"), STR_INIT("runbooks"), false }, { STR_INIT("RunbookRuns"), STR_INIT("runbookRuns"), false }, { STR_INIT("RunbookSnapshots"), STR_INIT("runbookSnapshots"), false }, { STR_INIT("Users"), STR_INIT("users"), true },
    { STR_INIT("Spaces"), STR_INIT("spaces"), true }, { STR_INIT("variableset"), STR_INIT("variables"), false },
};

// "NamesOf-<type>.<text in hex>[.<key>]": what could have that name. "SlugOf-<type>.<text in hex>[.<key>]": what has that slug or id.
static str names_path(str space_id, str id, struct arena *a)
{
    bool is_slug = octopus_id_is(id, STR("SlugOf"));
    str rest = str_skip(id, is_slug ? STR("SlugOf-").n : STR("NamesOf-").n), type, hex, text;
    if (!is_plain(id, true) || !str_split(&rest, '.', &type) || !str_split(&rest, '.', &hex) || !hex_decode(a, hex, &text) || !text.n)
        return STR("");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!str_eq(type, kinds[i].type))
            continue;
        str base = kinds[i].is_spaceless ? arena_printf(a, "/api/%.*s", STR_ARG(kinds[i].path)) : arena_printf(a, "/api/%.*s/%.*s", STR_ARG(space_id), STR_ARG(kinds[i].path));
        str encoded = percent_encode(a, text);
        return is_slug ? arena_printf(a, "%.*s/%.*s", STR_ARG(base), STR_ARG(encoded)) : arena_printf(a, "%.*s?%s=%.*s&skip=0&take=200", STR_ARG(base), kinds[i].is_spaceless ? "filter" : "partialName", STR_ARG(encoded));
    }
    return STR("");
}

str directory_names_question(const char *type, str text, bool is_slug, str key, struct arena *a)
{
    return arena_printf(a, "%s-%s.%.*s%s%.*s", is_slug ? "SlugOf" : "NamesOf", type, STR_ARG(hex_encode(a, text)), key.n ? "." : "", STR_ARG(key));
}

str directory_path(str space_id, str id, struct arena *a)
{
    if (octopus_id_is(id, STR("NamesOf")) || octopus_id_is(id, STR("SlugOf")))
        return names_path(space_id, id, a);
    if (octopus_id_is(id, STR("EventGroups")))
        return arena_printf(a, "/api/%.*s/events/groups", STR_ARG(space_id));
    if (octopus_id_is(id, STR("ReleasesOf")) || octopus_id_is(id, STR("DeploymentsOf")))
        return question_path(space_id, id, a);
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (octopus_id_is(id, kinds[i].type) && is_plain(id, false))
            return kinds[i].is_spaceless ? arena_printf(a, "/api/%.*s/%.*s", STR_ARG(kinds[i].path), STR_ARG(id)) : arena_printf(a, "/api/%.*s/%.*s/%.*s", STR_ARG(space_id), STR_ARG(kinds[i].path), STR_ARG(id));
    return STR("");
}

static int64_t now_ms(const struct directory *d)
{
    return clock_mono_ms(d->opt.clock);
}

static void tell(void *ctx)
{
    struct directory *d = ctx;
    d->timer_at_ms = 0;
    d->opt.changed(d->opt.ctx);
}

static void tell_in(struct directory *d, int64_t ms)
{
    int64_t at = now_ms(d) + ms;
    if (d->timer_at_ms && d->timer_at_ms <= at)
        return;
    d->timer_at_ms = MAX(at, (int64_t)1);
    loop_timer_set(d->timer, ms, 0);
}

struct directory *directory_new(const struct directory_options *opt)
{
    struct directory *d = xcalloc(1, sizeof *d);
    d->opt = *opt;
    size_t n = MIN(opt->space_id.n, (size_t)LIMIT_OCTOPUS_ID_BYTES);
    memcpy(d->space_id, opt->space_id.p, n);
    d->entries.is_nocase = true;
    d->timer = loop_timer_new(opt->loop, tell, d);
    return d;
}

static void entry_free(struct entry *one)
{
    arena_fini(&one->arena);
    free(one);
}

void directory_free(struct directory *d)
{
    if (!d)
        return;
    size_t at = 0;
    str id;
    void *value;
    d->is_ending = true;
    loop_timer_free(d->timer);
    while (map_next(&d->entries, &at, &id, &value)) {
        struct entry *one = value;
        if (one->call)
            octopus_call_cancel(one->call);
        entry_free(one);
    }
    map_fini(&d->entries);
    free(d);
}

static void on_reply(void *ctx, const struct octopus_reply *reply)
{
    struct entry *one = ctx;
    struct directory *d = one->directory;
    one->call = NULL;
    d->in_flight--;
    if (d->is_ending)
        return;
    arena_fini(&one->arena);
    one->arena = (struct arena){ 0 };
    one->doc = NULL;
    one->until_ms = now_ms(d) + DIRECTORY_KEEP_MS;
    if (reply->error.kind == ERR_NONE) {
        one->doc = json_copy(&one->arena, reply->body);
        one->state = DIRECTORY_HAS;
        one->failures = 0;
    } else if (reply->error.kind == ERR_NOT_FOUND || reply->error.kind == ERR_TOO_LARGE) {
        one->state = DIRECTORY_GONE;
    } else if (reply->error.kind == ERR_DENIED && reply->status) {
        one->state = DIRECTORY_REFUSED;
    } else {
        int64_t wait = RETRY_FIRST_MS;
        for (int i = 0; i < one->failures && wait < RETRY_MAX_MS; i++)
            wait *= 2;
        one->failures++;
        one->state = DIRECTORY_WAITS;
        wait = MAX(MIN(wait, (int64_t)RETRY_MAX_MS), reply->wait_ms);
        one->until_ms = now_ms(d) + wait;
        tell_in(d, wait + 1);
    }
    // Those under way are waited for a moment, so that who asked looks once and not for each.
    tell_in(d, d->in_flight ? 20 : 0);
}

// Full: all that nobody waits for goes; it is fetched again when needed.
static void make_room(struct directory *d)
{
    size_t at = 0;
    str id;
    void *value;
    while (map_next(&d->entries, &at, &id, &value)) {
        struct entry *one = value;
        if (one->call)
            continue;
        map_remove(&d->entries, id);
        entry_free(one);
    }
}

enum directory_state directory_ask(struct directory *d, str id, const struct json **doc, bool *is_failing)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct entry *one = map_get(&d->entries, id);
    *doc = NULL;
    *is_failing = false;
    if (one && one->state != DIRECTORY_WAITS && now_ms(d) < one->until_ms) {
        *doc = one->doc;
        return one->state;
    }
    str path = directory_path(str_from(d->space_id), id, &a);
    if (!path.n)
        return DIRECTORY_GONE;
    if (one)
        *is_failing = one->failures > 1;
    if (one && (one->call || (one->state == DIRECTORY_WAITS && now_ms(d) < one->until_ms)))
        return DIRECTORY_WAITS;
    if (d->in_flight >= IN_FLIGHT_MAX)
        return DIRECTORY_WAITS; // it is asked for when the others are answered
    if (!one) {
        if (d->entries.count >= LIMIT_DIRECTORY_DOCUMENTS)
            make_room(d);
        one = xcalloc(1, sizeof *one);
        one->directory = d;
        map_put(&d->entries, id, one);
    }
    one->state = DIRECTORY_WAITS;
    d->in_flight++;
    one->call = octopus_link_get(d->opt.link, path, octopus_id_is(id, STR("variableset")) ? LIMIT_DIRECTORY_VARIABLES_BYTES : LIMIT_DIRECTORY_DOCUMENT_BYTES, TIMEOUT_MS, on_reply, one);
    return DIRECTORY_WAITS;
}
