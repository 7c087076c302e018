// The broker: a script's Octopus and feed calls, made by the server with the reaction's identity. The key
// never enters the script's process; each call is checked, recorded and answered.
#include "base/limits.h"
#include "reaction/engine_internal.h"

struct brokered {
    struct active *run;
    struct arena arena;
    int64_t call_id;
    bool is_feed;
    int64_t connection_id; // of Octopus calls
    str body; // dry runs: what is withheld
    str method, shown; // shown: path, or URL without its query
    struct http_call *call;
    struct http_request *asked; // it came by HTTP (broker_http.c), not from the worker
};

static bool is_read(str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")) || str_eq(method, STR("OPTIONS"));
}

static void record(struct brokered *b, int status, const struct json *created, bool is_withheld, const char *error)
{
    struct active *run = b->run;
    struct engine *g = run->engine;
    struct arena *a = &b->arena;
    if (run->is_finished && !run->run.id)
        return; // of a dry run that is over
    if (++run->api_calls > LIMIT_RUN_API_CALLS)
        return;
    struct json *doc = json_new_object(a);
    json_add_str(a, doc, "Method", b->method);
    json_add_str(a, doc, "Path", mask_apply(run->mask, b->shown, a));
    json_add_i64(a, doc, "Status", status);
    json_add(doc, STR("Created"), created ? json_copy(a, created) : json_new_array(a));
    json_add_bool(a, doc, "Withheld", is_withheld);
    if (error)
        json_add_str(a, doc, "ErrorMessage", mask_apply(run->mask, str_from(error), a));
    if (run->dry) {
        dry_run_call(run, doc, b->body);
        return;
    }
    str text = json_text(a, doc);
    struct store_api_call call = { .run_id = run->run.id, .attempt = run->run.attempts, .at_ms = clock_wall_ms(g->opt.clock), .doc = text, .connection_id = b->connection_id };
    str *ids = ARENA_ARRAY(a, str, created ? created->count : 0);
    json_each(id, created)
        ids[call.created_count++] = id->text;
    call.created = ids;
    store_append(g->opt.store, NULL, 0, &call, 1);
    engine_note(g, &(struct engine_note){ .kind = NOTE_CALL, .space_id = run->run.space_id, .id = run->run.id, .reaction_id = run->run.reaction_id, .text = text });
}

static void answer(struct brokered *b, const struct script_reply *reply)
{
    if (b->asked)
        broker_http_answer(MOVE(b->asked), reply);
    else if (b->run->job)
        script_call_reply(b->run->job, b->call_id, reply);
}

static void answer_error(struct brokered *b, const char *text)
{
    answer(b, &(struct script_reply){ .error = str_from(text) });
}

static void brokered_free(struct brokered *b)
{
    arena_fini(&b->arena);
    free(b);
}

static void collect_id(struct json *into, const struct json *value, struct arena *a)
{
    if (json_is(value, JSON_STRING) && value->text.n && into->count < 100)
        json_push(into, json_new_string(a, value->text));
}

// Ids of what a write brought into being, in the shapes Octopus answers with (octopus-api.md section 6).
static struct json *created_ids(struct brokered *b, const struct http_reply *reply)
{
    struct arena *a = &b->arena;
    struct json *ids = json_new_array(a), *body;
    if (b->is_feed || !str_eq(b->method, STR("POST")) || reply->status < 200 || reply->status > 299 || !json_parse(a, reply->body, &body, NULL))
        return ids;
    // A deployment names its release, which was there before; the executions API has nothing but that name for a new one.
    collect_id(ids, json_get(body, STR("Id")), a);
    if (!json_get(body, STR("Id")))
        collect_id(ids, json_get_nocase(body, STR("ReleaseId")), a);
    json_each(task, json_get_nocase(body, STR("DeploymentServerTasks")))
    {
        collect_id(ids, json_get_nocase(task, STR("DeploymentId")), a);
        collect_id(ids, json_get_nocase(task, STR("ServerTaskId")), a);
    }
    return ids;
}

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct brokered *b = ctx;
    struct active *run = b->run;
    bool has_answer = reply->status != 0;
    record(b, reply->status, has_answer ? created_ids(b, reply) : NULL, false, has_answer ? NULL : reply->error.text);
    if (!has_answer) {
        answer_error(b, reply->error.text);
    } else {
        struct json *headers = json_new_object(&b->arena);
        for (size_t i = 0; i < reply->header_count; i++)
            if (str_is_utf8(reply->headers[i].value))
                json_put(headers, reply->headers[i].name, json_new_string(&b->arena, reply->headers[i].value));
        struct script_reply out = { .status = reply->status, .headers = headers, .body = reply->body };
        if (reply->is_truncated)
            out.error = STR("the answer is larger than a script may read");
        answer(b, &out);
    }
    run->requests--;
    brokered_free(b);
    if (run->is_finished && !run->requests)
        run_requests_done(run);
}

static void send_call(struct brokered *b, str url, const struct http_header *headers, size_t count, const struct script_call *call)
{
    struct http_call_options opt = {
        .method = b->method,
        .url = url,
        .headers = headers,
        .header_count = count,
        .body = call->body,
        .total_timeout_ms = 60000,
        .max_read_bytes = LIMIT_WORKER_FRAME_BYTES / 4,
        .purpose = b->is_feed ? EGRESS_FEED : EGRESS_BROKER,
    };
    b->run->requests++;
    b->call = http_call_start(b->run->engine->http, &opt, on_reply, b);
}

// Headers a script may set on an Octopus request; the identity's key is ours alone to add.
static bool may_set_header(str name)
{
    static const char *const refused[] = { "X-Octopus-ApiKey", "Authorization", "Host", "Cookie", "Content-Length", "Transfer-Encoding", "Connection", "User-Agent", "Proxy-Authorization" };
    for (size_t i = 0; i < COUNT(refused); i++)
        if (str_eq_nocase(name, str_from(refused[i])))
            return false;
    return true;
}

static size_t script_headers(struct brokered *b, const struct json *given, struct http_header *out, size_t room)
{
    size_t count = 0;
    json_each(h, given)
        if (count < room && json_is(h, JSON_STRING) && (b->is_feed || may_set_header(h->name)))
            out[count++] = (struct http_header){ h->name, h->text };
    return count;
}

// A dry run sends nothing that may change anything. Octopus takes the method from this header, whatever the request's own is.
static bool withhold(struct brokered *b, const struct script_call *call)
{
    str other = json_str(json_get_nocase(call->headers, STR("X-HTTP-Method-Override")), (str){ 0 });
    if (!b->run->dry || (is_read(b->method) && (!other.n || is_read(other))))
        return false;
    b->body = call->body;
    record(b, 0, NULL, true, NULL);
    answer(b, &(struct script_reply){ .is_withheld = true });
    brokered_free(b);
    return true;
}

static bool stand_in_answers(struct brokered *b, const struct script_call *call)
{
    const struct engine_stand_in *stand_in = b->run->engine->opt.stand_in;
    struct script_reply reply = { 0 };
    if (!stand_in)
        return false;
    stand_in->call(stand_in->ctx, call, &b->arena, &reply);
    record(b, reply.status, NULL, false, reply.error.n ? reply.error.p : NULL);
    answer(b, &reply);
    brokered_free(b);
    return true;
}

static void call_octopus(struct brokered *b, const struct script_call *call)
{
    struct active *run = b->run;
    struct arena *a = &b->arena;
    struct err e = { 0 };
    const struct identity_entry *identity = run->def->identity.n ? snapshot_find_identity(run->snapshot, run->run.space_id, run->def->identity) : NULL;
    const struct connection_entry *connection = identity ? snapshot_connection(run->snapshot, identity->connection_id) : NULL;
    str key;
    b->connection_id = connection ? connection->id : 0;
    if (!connection) {
        answer_error(b, "this reaction has no identity with a connection: no Octopus call is made");
        brokered_free(b);
        return;
    }
    // Only a path: the host is the identity's, whatever the script says.
    if (!str_starts(call->path_or_url, STR("/")) || str_starts(call->path_or_url, STR("//")) || str_has(call->path_or_url, '\\')) {
        answer_error(b, "an Octopus path begins with one slash, such as /api/Spaces-1/projects");
        brokered_free(b);
        return;
    }
    if (withhold(b, call) || stand_in_answers(b, call))
        return;
    str key_for = json_str(json_get(identity->doc, STR("KeyFor")), connection->url);
    if (!url_is_same_server(a, key_for, connection->url)) {
        answer_error(b, "the connection names another server since the identity's key was set: set the key of the identity again");
        brokered_free(b);
        return;
    }
    if (!sealed_open_value(KIND_IDENTITY, identity->id, "ApiKey", json_get(identity->doc, STR("ApiKey")), run->engine->opt.keyring, a, &key, &e) || !key.n) {
        answer_error(b, e.kind ? e.text : "the identity has no API key");
        brokered_free(b);
        return;
    }
    mask_add(run->mask, key);
    struct http_header headers[24] = {
        { STR("X-Octopus-ApiKey"), key },
        { STR("User-Agent"), arena_printf(a, "OctopusReactions/1 (reaction Reactions-%" PRId64 "; run Runs-%" PRId64 ")", run->run.reaction_id, run->run.id) },
        { STR("Accept"), STR("application/json") },
    };
    size_t count = 3;
    if (call->has_body && !json_get_nocase(call->headers, STR("Content-Type")))
        headers[count++] = (struct http_header){ STR("Content-Type"), STR("application/json") };
    count += script_headers(b, call->headers, headers + count, COUNT(headers) - count);
    str base = connection->url;
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    send_call(b, arena_concat(a, base, call->path_or_url), headers, count, call);
}

static void call_feed(struct brokered *b, const struct script_call *call)
{
    struct http_header headers[24] = { { STR("User-Agent"), STR("OctopusReactions/1") } };
    if (withhold(b, call) || stand_in_answers(b, call))
        return;
    if (!is_read(b->method)) {
        answer_error(b, "a feed is only read: use GET");
        brokered_free(b);
        return;
    }
    size_t count = 1 + script_headers(b, call->headers, headers + 1, COUNT(headers) - 1);
    send_call(b, call->path_or_url, headers, count, call);
}

void broker_call(struct active *run, const struct script_call *call, struct http_request *asked)
{
    struct brokered *b = xcalloc(1, sizeof *b);
    b->run = run;
    b->call_id = call->id;
    b->asked = asked;
    b->is_feed = call->is_feed;
    b->method = arena_str(&b->arena, call->method);
    ptrdiff_t query = str_find_char(call->path_or_url, '?');
    // A feed's query may hold a key; Octopus's paths do not.
    b->shown = arena_str(&b->arena, b->is_feed && query >= 0 ? str_sub(call->path_or_url, 0, (size_t)query) : call->path_or_url);
    if (b->is_feed)
        call_feed(b, call);
    else
        call_octopus(b, call);
}
