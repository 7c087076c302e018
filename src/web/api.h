// api.h - what the files of the management API share: a call, its caller, its answer, the route table.
// Only src/web includes this.
#pragma once

#include "json/decode.h"
#include "access/access.h"
#include "web/web.h"

#include <pthread.h>

struct web {
    struct web_options opt;
    struct http_server *server;
    struct http_header always[8];   // in each answer
    char hsts[40];
    struct stream_hub *hub;
    struct workers *workers;
    struct workers *slow_workers;   // signing in: memory-hard hashes, and answers of other servers
    struct people *people;
    struct fetcher *fetcher;        // asks other servers who somebody is
    struct octopus_cache *octopus;
    struct identity_checks *identity_checks;
    struct oidc *oidc;
    bool is_ready;                  // atomic
    pthread_mutex_t change_lock;    // one change of the configuration at a time: its checks hold until it is stored
    unsigned char admin_hash[KEYRING_HASH_BYTES];
    struct hook_state *hooks;
    struct refusals *refusals;      // at triggers
    struct loop_timer *flush_timer, *purge_timer;
    bool is_anchoring;              // atomic
    int64_t anchored_row;           // of the audit, by the last task that anchored it
    int64_t accepted, refused, duplicates, handshakes; // atomic counters of hooks
    size_t answer_bytes;            // atomic: of the API's answers that are on their way to the loop
};

#define API_PARAMS_MAX 4
#define API_HEADERS_MAX 3

struct api_call {
    struct web *web;
    struct arena *arena;
    const struct http_request *request;
    struct caller caller;
    const struct api_route *route;
    const struct snapshot *snapshot;
    str params[API_PARAMS_MAX];  // what stood for {id} and the like, decoded
    int64_t space_id;            // of the path; 0 where it names none
    const struct json *query;
    struct json *body;           // parsed; NULL where none was sent
    struct json *resolved;       // of a reaction being saved: the ids its names stand for (engine_names.h); may be NULL
    struct json *warnings;       // for its answer; NULL: none

    // the answer
    int status;                  // 0: 200
    struct json *answer;
    int64_t etag;                // 0: the answer's own bytes make one
    str raw_type, raw;           // instead of answer, where raw_type is set
    struct buf text;             // instead of both, where something is in it: JSON
    struct http_header headers[API_HEADERS_MAX]; // more than the usual ones: api_header
    size_t header_count;
    size_t listed;               // how many things the answer's list has
    int retry_after_s;           // of a 429 or 503; 0: 1
    struct decode_errors errors;
};

typedef void api_handler(struct api_call *c);

struct api_route {
    const char *method, *path;   // below /api; "{id}" stands for one segment
    enum permission permission;
    int place; // enum api_place: where the permission is asked for (places.h)
    api_handler *handler;
    const char *summary;
};
extern const struct api_route api_routes[];
extern const size_t api_route_count;

// Answers {"ErrorMessage", "Errors"}; the status follows from the kind.
void api_fail(struct api_call *c, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
void api_fail_with(struct api_call *c, const struct err *e);
void api_fail_errors(struct api_call *c, const char *message); // 400 with c->errors
// The space a path names ("/api/Spaces-2/...": id or slug); NULL: it names none that is there.
const struct space_entry *api_space_of_path(const struct snapshot *s, str path);
void api_header(struct api_call *c, const char *name, str value); // an answer's; both live as long as the call
void api_refuse_anonymous(struct api_call *c);                 // 401
void api_not_found(struct api_call *c);                        // the same for what is not there and what may not be seen
int api_status_of(enum err_kind kind);

// The space that lists and creations mean: the path's, else Spaces-1.
int64_t api_space(const struct api_call *c);
bool api_body_required(struct api_call *c);                    // false: answered 400
// -1 (STORE_ANY_VERSION) without If-Match.
bool api_if_match(struct api_call *c, int64_t *version);
str api_query(const struct api_call *c, const char *name);     // empty where absent
bool api_page(struct api_call *c, struct store_page *page);    // skip, take, before; false: answered 400
bool api_query_time(struct api_call *c, const char *name, int64_t *at_ms); // 0 where absent; false: answered 400

// A list's answer, the contract's envelope. Each item is written as soon as it is added, and what it was made of is let
// go: between begin and end c->arena is the item's own. A page ends early where it would become larger than
// LIMIT_API_PAGE_BYTES: Page.Next then goes on behind it.
//
//     api_list_begin(c, &list, "Run", found.total, &page);
//     for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
//         api_list_add(&list, run_json(c, &found.items[i]), found.items[i].id);
//     api_list_end(&list, found.has_more, found.count);
struct api_list {
    struct api_call *call;
    const struct store_page *page;
    struct arena *outer, item;
    size_t count;
    int64_t last_id; // the cursor of Page.Next
};
void api_list_begin(struct api_call *c, struct api_list *list, const char *item_type, int64_t total, const struct store_page *page);
bool api_list_has_room(const struct api_list *list);
void api_list_add(struct api_list *list, const struct json *item, int64_t id);
void api_list_give_up(struct api_list *list); // instead of end, after api_fail: its answer stays
// has_more: behind those found; found: how many there were to add.
void api_list_end(struct api_list *list, bool has_more, size_t found);
void api_self_link(struct api_call *c, struct json *object, const char *collection, str id);

bool api_is_collection(str segment); // "reactions": what may stand first below /api beside a space
// Stores changes with their audit row, then makes them the running configuration. False: answered.
bool api_change(struct api_call *c, const struct store_put *puts, size_t count, const char *action, str subject, int64_t space_id, struct json *particulars);

// api_push.c: what a connection shows of its push.
struct tail_status;
void push_decorate(struct api_call *c, const struct json *doc, const struct tail_status *tail, struct json *answer);

// ---- handlers, by file ----
api_handler triggers_list, triggers_create, triggers_get, triggers_update, triggers_delete;
api_handler keys_list, keys_create, keys_get, keys_revoke, keys_rotate;
api_handler reactions_list, reactions_create, reactions_get, reactions_update, reactions_delete, reactions_enable, reactions_disable, reactions_pause, reactions_resume, reactions_test;
api_handler revisions_list, revisions_get, revisions_restore, revisions_approve;
api_handler events_list, events_get, events_body, events_explain, events_replay;
api_handler runs_retry_many, runs_cancel_many, events_replay_many, events_backfill;
api_handler runs_list, runs_get, runs_retry, runs_cancel, runs_log;
api_handler spaces_list, spaces_create, spaces_get, spaces_update, spaces_delete, spaces_pause, spaces_resume;
api_handler connections_list, connections_create, connections_get, connections_update, connections_delete;
api_handler push_key_create, push_key_delete, subscription_get, subscription_put, subscription_delete;
api_handler identities_list, identities_create, identities_get, identities_update, identities_delete, identities_usage;
api_handler secrets_list, secrets_create, secrets_get, secrets_update, secrets_delete;
api_handler settings_get, settings_update, settings_pause, settings_resume, audit_list, api_root, openapi_get, status_get;
api_handler config_export, audit_export;
api_handler backup_create, audit_verify, master_key_rotate;
api_handler session_create, session_get, session_delete, sessions_delete, session_password, setup_create, oidc_start, oidc_callback;
api_handler users_list, users_create, users_get, users_update, users_delete;
api_handler roles_list, roles_create, roles_get, roles_update, roles_delete;
api_handler api_keys_list, api_keys_create, api_keys_get, api_keys_delete;
