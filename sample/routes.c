#include "sample/routes.h"

#include "sample/push.h"

static const struct route *const tables[] = { root_routes, event_routes, release_routes, deployment_routes, task_routes, machine_routes, process_routes, feed_routes, project_routes, progress_routes, subscription_routes, interruption_routes };

#define HANG_MS 120000

static bool pattern_fits(struct call *c, const char *pattern, const str *segments, size_t count)
{
    str rest = str_from(pattern), part;
    size_t at = 0, args = 0;

    while (rest.n && str_split(&rest, '/', &part)) {
        if (at == count)
            return false;
        if (str_eq(part, STR("{}")))
            c->args[args++] = segments[at];
        else if (!str_eq_nocase(part, segments[at]))
            return false;
        at++;
    }
    return at == count;
}

static const struct route *find_route(struct call *c, const str *segments, size_t count)
{
    bool is_get = str_eq(c->method, STR("GET")) || str_eq(c->method, STR("HEAD"));

    for (size_t t = 0; t < COUNT(tables); t++)
        for (const struct route *r = tables[t]; r->method; r++)
            if ((is_get ? strcmp(r->method, "GET") == 0 : str_eq(c->method, str_from(r->method))) && pattern_fits(c, r->pattern, segments, count))
                return r;
    return NULL;
}

static bool path_exists(struct call *c, const str *segments, size_t count)
{
    for (size_t t = 0; t < COUNT(tables); t++)
        for (const struct route *r = tables[t]; r->method; r++)
            if (pattern_fits(c, r->pattern, segments, count))
                return true;
    return false;
}

// Takes the space out of the path: /api/Spaces-1/x, /api/spaces/default/x. False: no such space.
static bool take_space(struct call *c, const str **segments, size_t *count)
{
    struct model *m = c->sample->model;
    const struct doc *d = NULL;

    c->space = STR("Spaces-1");
    if (*count >= 1 && str_starts_nocase((*segments)[0], STR("Spaces-"))) {
        d = model_get_kind(m, KIND_SPACE, (*segments)[0]);
        *segments += 1;
        *count -= 1;
    } else if (*count >= 3 && str_eq_nocase((*segments)[0], STR("spaces")) && !str_eq_nocase((*segments)[1], STR("all"))) {
        d = model_get_kind(m, KIND_SPACE, (*segments)[1]);
        d = d ? d : model_find(m, KIND_SPACE, STR(""), "Slug", (*segments)[1]);
        *segments += 2;
        *count -= 2;
    } else {
        return true;
    }
    c->names_space = true;
    if (d)
        c->space = d->id;
    return d != NULL;
}

struct hang {
    struct http_request *r;
    struct loop_timer *timer;
};

static void on_hang_end(void *ctx)
{
    struct hang *h = ctx;

    http_answer_error(h->r, 503, "The adversary let this request hang.");
    loop_timer_free(h->timer);
    free(h);
}

static void hang(struct call *c)
{
    struct hang *h = xcalloc(1, sizeof *h);

    h->r = c->http;
    h->timer = loop_timer_new(c->sample->loop, on_hang_end, h);
    loop_timer_set(h->timer, HANG_MS, 0);
}

static void answer_429(struct call *c)
{
    static const struct http_header headers[] = { { STR_INIT("Content-Type"), STR_INIT("application/json; charset=utf-8") }, { STR_INIT("Retry-After"), STR_INIT("1") },
        { STR_INIT("Octopus-RateLimit-Policy"), STR_INIT("l=200;rpm=600") }, { STR_INIT("Octopus-RateLimit"), STR_INIT("r=0;t=1") } };

    call_answer_with(c, 429, headers, COUNT(headers), STR("{\"ErrorMessage\":\"Too many requests. Please try again in a moment.\",\"Errors\":[],\"FullException\":null,\"HelpText\":null,\"HelpLink\":null,\"Details\":{}}"));
}

// True where the adversary dealt with the request.
static bool faults_strike(struct call *c)
{
    struct faults *f = c->sample->faults;

    if (faults_draw(f, FAULT_429)) {
        answer_429(c);
        return true;
    }
    if (faults_draw(f, FAULT_5XX)) {
        // Half of them fail before the work is done, half after it: the client cannot tell.
        if (faults_between(f, 0, 1)) {
            c->fate = FATE_5XX;
            return false;
        }
        call_error(c, (int)faults_between(f, 0, 1) ? 503 : 500, "The adversary failed this request before it was carried out.");
        return true;
    }
    if (faults_draw(f, FAULT_HANG)) {
        hang(c);
        return true;
    }
    if (faults_draw(f, FAULT_CUT)) {
        c->fate = FATE_CUT;
        if (!faults_between(f, 0, 1))
            return false;
        call_error(c, 500, "cut");
        return true;
    }
    return false;
}

static void run_route(struct call *c, const struct route *r)
{
    str space = c->space;

    if (!r->is_open) {
        if (r->is_system)
            c->space = STR("");
        if (!call_may(c, r->permission, &(struct scope){ .is_somewhere = true }))
            return;
        c->space = space;
    }
    r->handle(c);
}

static void api_handle(struct call *c)
{
    const str *segments = c->segments + 1;
    size_t count = c->segment_count - 1;

    call_identify(c);
    if (faults_strike(c) || !call_read_body(c))
        return;
    bool has_space = take_space(c, &segments, &count);
    const struct route *r = find_route(c, segments, count);

    if (!c->user && !(r && r->is_open)) {
        call_may(c, NULL, NULL);
        return;
    }
    if (!has_space) {
        call_not_found(c, "Space", c->segments[1]);
        return;
    }
    if (r) {
        run_route(c, r);
        return;
    }
    if (resource_route(c, segments, count))
        return;
    if (path_exists(c, segments, count))
        call_error(c, 405, "The method %.*s is not allowed here.", STR_ARG(c->method));
    else
        call_error(c, 404, "There is no resource at %.*s.", STR_ARG(c->path));
}

void routes_handle(struct call *c)
{
    str first = c->segment_count ? c->segments[0] : STR("");

    if (str_eq_nocase(first, STR("api"))) {
        api_handle(c);
    } else if (str_eq(first, STR("sample"))) {
        call_identify(c);
        if (call_admin(c) && call_read_body(c))
            control_handle(c);
    } else if (str_eq_nocase(first, STR("nuget"))) {
        nuget_handle(c);
    } else if (str_eq(first, STR("receivers"))) {
        receivers_handle(c);
    } else if (!first.n || str_eq_nocase(first, STR("app"))) {
        call_answer_text(c, 200, "text/plain; charset=utf-8", STR("This is octopus-sample, a sample Octopus server. Its API is at /api.\n"));
    } else {
        call_error(c, 404, "There is no resource at %.*s.", STR_ARG(c->path));
    }
}
