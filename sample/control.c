// The control routes, /sample/...: what a test or a demonstration does to the sample's world. Only
// with the administrator's key; the adversary never touches them.

#include "sample/machines.h"
#include "sample/packages.h"
#include "sample/push.h"
#include "sample/receivers.h"
#include "sample/releases.h"
#include "sample/routes.h"
#include "sample/tasks.h"
#include "sample/version.h"

#include "base/timetext.h"

#define EVENTS_AT_ONCE_MAX 200000

static struct doc *named(struct call *c, enum kind_id kind, const char *field)
{
    str name = call_str(c, field);
    struct doc *d = find_by_any_name(c->sample->model, kind, c->space, name);

    if (!d)
        call_not_found(c, kinds[kind].label, name);
    return d;
}

static void answer_ok(struct call *c)
{
    struct json *o = json_new_object(c->a);

    json_add_bool(c->a, o, "Ok", true);
    call_answer(c, 200, o);
}

static struct json *timing_json(struct call *c)
{
    const struct timing *t = &c->sample->timing;
    struct json *o = json_new_object(c->a);

    json_add_i64(c->a, o, "QueueMs", t->queue_ms);
    json_add_i64(c->a, o, "RunMs", t->run_ms);
    json_add_i64(c->a, o, "HealthMs", t->health_ms);
    json_add_i64(c->a, o, "PushMs", t->push_ms);
    return o;
}

static void get_sample(struct call *c)
{
    struct model *m = c->sample->model;
    struct json *o = json_new_object(c->a), *keys = json_new_array(c->a);

    json_add_str(c->a, o, "Url", str_from(c->sample->base_url));
    json_add_str(c->a, o, "Now", text_date(c->a, sample_now_ms(c->sample)));
    json_add_i64(c->a, o, "Events", (int64_t)event_log_count(c->sample->events));
    json_add_i64(c->a, o, "LastAutoId", event_log_last_auto_id(c->sample->events));
    json_add_i64(c->a, o, "Releases", (int64_t)model_count(m, KIND_RELEASE));
    json_add_i64(c->a, o, "Deployments", (int64_t)model_count(m, KIND_DEPLOYMENT));
    json_add(o, STR("Timing"), timing_json(c));
    json_add(o, STR("Faults"), faults_json(c->sample->faults, c->a));
    json_add(o, STR("Keys"), keys);
    for (size_t i = 0; i < model_count(m, KIND_API_KEY); i++) {
        const struct doc *key = model_at(m, KIND_API_KEY, i), *user = model_get(m, doc_str(key, "UserId"));
        struct json *one = json_push(keys, json_new_object(c->a));

        json_add_str(c->a, one, "Key", doc_str(key, "_Secret"));
        json_add_str(c->a, one, "UserId", doc_str(key, "UserId"));
        json_add_str(c->a, one, "Username", doc_str(user, "Username"));
    }
    call_answer(c, 200, o);
}

// ---- feeds and packages

static void post_package(struct call *c)
{
    str feed = call_str(c, "Feed").n ? call_str(c, "Feed") : STR("acme"), id = call_str(c, "PackageId"), version = call_str(c, "Version");
    const struct json *notes = call_field(c, "ReleaseNotes");

    if (!model_get_kind(c->sample->model, KIND_NUGET_FEED, arena_printf(c->a, "nugetfeeds-%.*s", STR_ARG(feed)))) {
        call_not_found(c, "Feed", feed);
        return;
    }
    if (!id.n || !version_is_valid(version)) {
        call_invalid(c, "PackageId and a valid Version are needed.");
        return;
    }
    struct doc *d = packages_publish(c->sample->model, c->a, feed, id, version, json_str(notes, (str){ 0 }), text_date(c->a, sample_now_ms(c->sample)));
    struct json *o = model_edit(c->a, d);
    json_add_str(c->a, o, "Url", arena_printf(c->a, "%s/nuget/%.*s/v3/flat/%.*s/%.*s", c->sample->base_url, STR_ARG(feed), STR_ARG(id), STR_ARG(version_normal(c->a, version))));
    call_answer(c, 201, o);
}

// A further feed: served below /nuget/<name>, and known to Octopus as a feed of that name.
static void post_feed(struct call *c)
{
    str name = slug_of(c->a, call_str(c, "Name")), protection = call_str(c, "Protection").n ? call_str(c, "Protection") : STR("none");
    struct json *served = json_new_object(c->a);
    int64_t version = 3;

    call_i64(c, "ProtocolVersion", &version);
    if (!name.n || !(str_eq(protection, STR("none")) || str_eq(protection, STR("basic")) || str_eq(protection, STR("key"))) || (version != 2 && version != 3)) {
        call_invalid(c, "Name, Protection (none, basic or key) and ProtocolVersion (2 or 3) are needed.");
        return;
    }
    json_add_str(c->a, served, "Id", arena_printf(c->a, "nugetfeeds-%.*s", STR_ARG(name)));
    json_add_str(c->a, served, "Name", name);
    json_add_str(c->a, served, "Protection", protection);
    json_add_str(c->a, served, "Username", call_str(c, "Username"));
    json_add_str(c->a, served, "Password", call_str(c, "Password"));
    json_add_str(c->a, served, "Key", call_str(c, "Key"));
    model_put(c->sample->model, KIND_NUGET_FEED, served);
    c->body = NULL;
    struct json *o = resource_new(c, KIND_FEED);
    json_put(o, STR("Name"), json_new_string(c->a, name));
    json_put(o, STR("Slug"), json_new_string(c->a, name));
    json_put(o, STR("FeedUri"), json_new_string(c->a, arena_printf(c->a, version == 3 ? "sample:/nuget/%.*s/v3/index.json" : "sample:/nuget/%.*s/v2", STR_ARG(name))));
    json_add_str(c->a, o, "_Feed", name);
    resource_answer(c, 201, resource_store(c, KIND_FEED, o));
}

// ---- things that happen

static void post_machine(struct call *c)
{
    struct json *o = json_is(c->body, JSON_OBJECT) ? json_copy(c->a, c->body) : json_new_object(c->a), *ids = json_new_array(c->a), *endpoint = json_new_object(c->a);
    const struct json *names = call_field(c, "Environments");
    str style = call_str(c, "CommunicationStyle").n ? call_str(c, "CommunicationStyle") : STR("TentaclePassive");

    json_each(name, names) {
        const struct doc *d = find_by_any_name(c->sample->model, KIND_ENVIRONMENT, c->space, json_str(name, STR("")));

        json_push(ids, json_new_string(c->a, d ? d->id : json_str(name, STR(""))));
    }
    if (names)
        json_put(o, STR("EnvironmentIds"), ids);
    json_add_str(c->a, endpoint, "CommunicationStyle", style);
    json_add_str(c->a, endpoint, "Uri", arena_printf(c->a, "https://%.*s.example.com:10933/", STR_ARG(call_str(c, "Name"))));
    json_add_str(c->a, endpoint, "Thumbprint", STR("8F2C1D0E5B7A4936A1B2C3D4E5F60718293A4B5C"));
    if (!json_get_nocase(o, STR("Endpoint")))
        json_put(o, STR("Endpoint"), endpoint);
    json_drop(o, STR("Environments"));
    json_drop(o, STR("CommunicationStyle"));
    c->body = o;
    machine_register(c);
}

// A change of a project's process. The event may lack the project's id, as on real servers it sometimes does.
static void post_process(struct call *c)
{
    struct doc *project = named(c, KIND_PROJECT, "Project");
    struct doc *process = project ? model_get_kind(c->sample->model, KIND_PROCESS, doc_str(project, "DeploymentProcessId")) : NULL;
    int64_t version = 0;
    struct draft e;

    if (!process)
        return;
    json_i64(doc_field(process, "Version"), &version);
    struct json *o = model_edit(c->a, process);
    json_put(o, STR("Version"), json_new_i64(c->a, version + 1));
    if (json_is(call_field(c, "Steps"), JSON_ARRAY))
        json_put(o, STR("Steps"), json_copy(c->a, call_field(c, "Steps")));
    process = resource_store(c, KIND_PROCESS, o);
    draft_begin(&e, c->sample, c->a, &c->actor, "Modified", doc_space(process));
    draft_text(&e, "Deployment process for project ");
    draft_ref(&e, project->id, doc_str(project, "Name"));
    draft_text(&e, " was changed");
    draft_related(&e, process->id);
    draft_related(&e, call_bool(c, "WithoutProject", false) ? STR("") : project->id);
    draft_commit(&e);
    resource_answer(c, 200, process);
}

// Deployments to an environment, or of a project, fail with this error until it is null.
static void post_fail(struct call *c)
{
    bool is_project = call_str(c, "Project").n > 0;
    struct doc *d = is_project ? named(c, KIND_PROJECT, "Project") : named(c, KIND_ENVIRONMENT, "Environment");

    if (!d)
        return;
    doc_set(c->sample, c->a, d, "_Fails", json_new_string(c->a, call_str(c, "Error")));
    answer_ok(c);
}

// What the next health checks of a machine find; and one is started.
static void post_health(struct call *c)
{
    struct doc *machine = named(c, KIND_MACHINE, "Machine");

    if (!machine)
        return;
    machine = doc_set(c->sample, c->a, machine, "_Health", json_new_string(c->a, call_str(c, "Health")));
    struct json *arguments = json_new_object(c->a);
    json_push(json_add(arguments, STR("MachineIds"), json_new_array(c->a)), json_new_string(c->a, machine->id));
    struct doc *task = model_put(c->sample->model, KIND_TASK, task_new(c->sample, c->a, doc_space(machine), "Health", arena_printf(c->a, "Check health of %.*s", STR_ARG(doc_str(machine, "Name"))), arguments));
    task_start(c->sample, task->id);
    resource_answer(c, 201, task);
}

static bool write_event(struct call *c, int64_t number, int64_t count)
{
    static const char *const texts[] = { "Category", "UserId", "Username", "UserAgent", "Message", "SpaceId", "Occurred" };
    struct json *o = json_new_object(c->a), *related = json_new_array(c->a), *change = json_new_object(c->a);
    str id = arena_printf(c->a, "Events-%" PRId64, event_log_new_number(c->sample->events, 0));
    struct err e;

    json_add_str(c->a, o, "Id", id);
    json_each(one, call_field(c, "RelatedDocumentIds"))
        json_push(related, json_new_string(c->a, json_str(one, STR(""))));
    json_add(o, STR("RelatedDocumentIds"), related);
    json_add_str(c->a, o, "Category", STR("Modified"));
    json_add_str(c->a, o, "UserId", STR("users-system"));
    json_add_str(c->a, o, "Username", STR("system"));
    json_add_bool(c->a, o, "IsService", false);
    json_add_str(c->a, o, "IdentityEstablishedWith", STR(""));
    json_add_str(c->a, o, "UserAgent", STR("Server"));
    json_add_str(c->a, o, "Occurred", text_date(c->a, sample_now_ms(c->sample)));
    json_add_str(c->a, o, "Message", count > 1 ? arena_printf(c->a, "Event %" PRId64 " of %" PRId64, number, count) : STR("An event of the control route"));
    json_add_str(c->a, o, "MessageHtml", STR(""));
    json_add(o, STR("MessageReferences"), json_new_array(c->a));
    json_add_null(c->a, o, "Comments");
    json_add_null(c->a, o, "Details");
    json_add(o, STR("ChangeDetails"), change);
    json_add_null(c->a, change, "DocumentContext");
    json_add_null(c->a, change, "Differences");
    json_add_null(c->a, o, "IpAddress");
    json_add_str(c->a, o, "SpaceId", c->space);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (call_field(c, texts[i]))
            json_put(o, str_from(texts[i]), json_copy(c->a, call_field(c, texts[i])));
    if (call_field(c, "MessageReferences"))
        json_put(o, STR("MessageReferences"), json_copy(c->a, call_field(c, "MessageReferences")));
    json_add_str(c->a, json_add(o, STR("Links"), json_new_object(c->a)), "Self", arena_printf(c->a, "/api/events/%.*s", STR_ARG(id)));
    if (event_log_add(c->sample->events, o, 0, false, &e))
        return true;
    call_invalid(c, "%s", e.text);
    return false;
}

static void post_events(struct call *c)
{
    struct json *o = json_new_object(c->a);
    int64_t count = 1;

    call_i64(c, "Count", &count);
    if (count < 1 || count > EVENTS_AT_ONCE_MAX) {
        call_invalid(c, "Count must be from 1 to %d.", EVENTS_AT_ONCE_MAX);
        return;
    }
    for (int64_t i = 1; i <= count; i++)
        if (!write_event(c, i, count))
            return;
    json_add_i64(c->a, o, "Written", count);
    json_add_i64(c->a, o, "LastAutoId", event_log_last_auto_id(c->sample->events));
    call_answer(c, 201, o);
}

// The truth of the log: what is visible now, by AutoId.
static void get_events(struct call *c)
{
    struct event_log *log = c->sample->events;
    int64_t from = call_query_i64(c, "fromAutoId", 0);
    struct buf out = { 0 };
    bool is_first = true;

    buf_add_text(&out, "[");
    for (size_t i = 0; i < event_log_count(log); i++) {
        const struct event *e = event_log_at(log, i);

        if (e->auto_id <= from)
            continue;
        buf_printf(&out, "%s{\"AutoId\":%" PRId64 ",\"Id\":\"%.*s\",\"Category\":\"%.*s\",\"OccurredMs\":%" PRId64 "}", is_first ? "" : ",", e->auto_id, STR_ARG(e->id), STR_ARG(e->category), e->occurred_ms);
        is_first = false;
    }
    buf_add_text(&out, "]");
    call_answer_text(c, 200, "application/json", buf_str(&out));
    buf_fini(&out);
}

static void delete_events(struct call *c)
{
    struct json *o = json_new_object(c->a);
    int64_t before;

    if (!timetext_parse(call_query(c, "before"), &before)) {
        call_invalid(c, "before: a date is needed.");
        return;
    }
    json_add_i64(c->a, o, "Forgotten", (int64_t)event_log_forget(c->sample->events, before));
    call_answer(c, 200, o);
}

// ---- the world's own settings

static void post_clock(struct call *c)
{
    struct json *o = json_new_object(c->a);
    int64_t now;

    if (timetext_parse(call_str(c, "Now"), &now))
        c->sample->clock_offset_ms = now - clock_wall_ms(c->sample->clock);
    else if (!call_i64(c, "OffsetMs", &c->sample->clock_offset_ms)) {
        call_invalid(c, "Now (a date) or OffsetMs (a number) is needed.");
        return;
    }
    json_add_str(c->a, o, "Now", text_date(c->a, sample_now_ms(c->sample)));
    call_answer(c, 200, o);
}

static void post_timing(struct call *c)
{
    struct timing *t = &c->sample->timing;
    struct { const char *name; int64_t *value; } rows[] = { { "QueueMs", &t->queue_ms }, { "RunMs", &t->run_ms }, { "HealthMs", &t->health_ms }, { "PushMs", &t->push_ms } };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t v;

        if (!call_field(c, rows[i].name))
            continue;
        if (!call_i64(c, rows[i].name, &v) || v < 1 || v > 3600000) {
            call_invalid(c, "%s: a number of milliseconds from 1 to 3600000 is needed.", rows[i].name);
            return;
        }
        *rows[i].value = v;
    }
    if (c->sample->push)
        push_set_period(c->sample->push, t->push_ms);
    call_answer(c, 200, timing_json(c));
}

static void post_faults(struct call *c)
{
    int64_t late;
    struct err e;

    if (call_field(c, "Kinds") && !faults_set(c->sample->faults, call_str(c, "Kinds"), &e)) {
        call_invalid(c, "Kinds: %s", e.text);
        return;
    }
    if (call_i64(c, "LateMaxMs", &late) && late >= 0)
        faults_set_late_max_ms(c->sample->faults, late);
    call_answer(c, 200, faults_json(c->sample->faults, c->a));
}

static void get_faults(struct call *c)
{
    call_answer(c, 200, faults_json(c->sample->faults, c->a));
}

// A user with a key and rights of its own; an existing username gets new rights.
static void post_user(struct call *c)
{
    struct model *m = c->sample->model;
    str username = call_str(c, "Username"), secret = call_str(c, "ApiKey");
    struct doc *user = model_find(m, KIND_USER, STR(""), "Username", username);
    struct json *grants = json_new_object(c->a), *key = json_new_object(c->a), *answer;
    static const char *const lists[] = { "Roles", "SystemPermissions", "SpacePermissions", "Teams" };

    if (!username.n) {
        call_invalid(c, "Username is needed.");
        return;
    }
    if (!user) {
        struct json *o = resource_new(c, KIND_USER);

        json_drop(o, STR("ApiKey"));
        for (size_t i = 0; i < COUNT(lists); i++)
            json_drop(o, str_from(lists[i]));
        user = resource_store(c, KIND_USER, o);
    }
    json_add_str(c->a, grants, "Id", arena_printf(c->a, "grants-%.*s", STR_ARG(user->id)));
    json_add_str(c->a, grants, "UserId", user->id);
    for (size_t i = 0; i < COUNT(lists); i++)
        if (call_field(c, lists[i]))
            json_add(grants, str_from(lists[i]), json_copy(c->a, call_field(c, lists[i])));
    model_put(m, KIND_GRANTS, access_expand(c->a, grants));
    if (secret.n) {
        json_add_str(c->a, key, "Id", model_new_id(m, c->a, KIND_API_KEY));
        json_add_str(c->a, key, "UserId", user->id);
        json_add_str(c->a, key, "Purpose", call_str(c, "Purpose").n ? call_str(c, "Purpose") : STR("Sample"));
        json_add_str(c->a, key, "Created", text_date(c->a, sample_now_ms(c->sample)));
        json_add_str(c->a, key, "Expires", call_str(c, "Expires").n ? call_str(c, "Expires") : (str){ 0 });
        json_add_str(c->a, key, "_CreatedText", text_rfc1123(c->a, sample_now_ms(c->sample)));
        json_add_str(c->a, key, "_Secret", secret);
        model_put(m, KIND_API_KEY, key);
    }
    answer = resource_json(c, user);
    call_answer(c, 201, answer);
}

// ---- receivers

static void get_received(struct call *c)
{
    call_answer_text(c, 200, "application/json", receivers_json(c->sample->receivers, c->a, call_query(c, "receiver"), call_query_i64(c, "skip", 0), call_query_i64(c, "take", 1000)));
}

static void delete_received(struct call *c)
{
    receivers_clear(c->sample->receivers);
    answer_ok(c);
}

static void post_receivers(struct call *c)
{
    struct misbehaviour m = { .receiver = call_str(c, "Receiver"), .body = call_str(c, "Body"), .status = -1, .times = 1 };

    call_i64(c, "Status", &m.status);
    call_i64(c, "Times", &m.times);
    call_i64(c, "DelayMs", &m.delay_ms);
    call_i64(c, "RetryAfterSeconds", &m.retry_after_s);
    if (!m.receiver.n || m.times < 0 || m.delay_ms < 0 || (m.status > 0 && (m.status < 200 || m.status > 599)) || m.status < -1) {
        call_invalid(c, "Receiver, and Status (200 to 599; 0 cuts the connection; -1 or none answers as ever), Times, DelayMs, RetryAfterSeconds are understood.");
        return;
    }
    receivers_misbehave(c->sample->receivers, &m);
    answer_ok(c);
}

void control_handle(struct call *c)
{
    static const struct { const char *method, *name; void (*handle)(struct call *c); } rows[] = {
        { "GET", "", get_sample },
        { "POST", "packages", post_package },
        { "POST", "feeds", post_feed },
        { "POST", "machines", post_machine },
        { "POST", "process", post_process },
        { "POST", "fail", post_fail },
        { "POST", "health", post_health },
        { "POST", "events", post_events },
        { "GET", "events", get_events },
        { "DELETE", "events", delete_events },
        { "POST", "clock", post_clock },
        { "POST", "timing", post_timing },
        { "GET", "faults", get_faults },
        { "POST", "faults", post_faults },
        { "POST", "users", post_user },
        { "GET", "received", get_received },
        { "DELETE", "received", delete_received },
        { "POST", "receivers", post_receivers },
    };
    str name = c->segment_count > 1 ? c->segments[1] : STR(""), space = call_str(c, "SpaceId");

    c->space = model_get_kind(c->sample->model, KIND_SPACE, space) ? space : STR("Spaces-1");
    for (size_t i = 0; i < COUNT(rows); i++)
        if (c->segment_count <= 2 && str_eq(name, str_from(rows[i].name)) && str_eq(c->method, str_from(rows[i].method))) {
            rows[i].handle(c);
            return;
        }
    call_error(c, 404, "There is no control route %.*s %.*s.", STR_ARG(c->method), STR_ARG(c->path));
}
