// events.h - the event log: what happened, newest last, never changed.
//
// An event gets its AutoId when it is written and becomes visible at once, or later where the
// adversary delays its commit: it then appears in the middle of the log, with an older Occurred,
// as a long transaction does on a real server. Events-N numbers and AutoIds are not the same count.
#pragma once

#include "json/json.h"
#include "sample/journal.h"
#include "sample/model.h"

struct event {
    str text;     // the whole resource as JSON
    str id, category, user_id, user_agent, space_id; // space_id "": a system event
    str related;  // ",Projects-21,ProjectGroups-1,"
    int64_t auto_id, occurred_ms;
    bool has_differences;
};

struct event_log;

struct event_log *event_log_new(void);
void event_log_free(struct event_log *l);
void event_log_set_journal(struct event_log *l, struct journal *j);

// Takes a whole event resource; auto_id 0 draws the next one. Visible at once, or (is_hidden) when
// event_log_reveal gives it free. False (and e) where the object is no event.
bool event_log_add(struct event_log *l, const struct json *event, int64_t auto_id, bool is_hidden, struct err *e);
int64_t event_log_new_number(struct event_log *l, int64_t skip); // N for Events-N, after leaving `skip` numbers out
int64_t event_log_spare_number(struct event_log *l); // one that was left out earlier; 0 where there is none
void event_log_reveal(struct event_log *l, int64_t auto_id);
size_t event_log_count(const struct event_log *l);               // visible ones
const struct event *event_log_at(const struct event_log *l, size_t index); // in the order of AutoId
const struct event *event_log_find(const struct event_log *l, str id);
int64_t event_log_last_auto_id(const struct event_log *l);       // of all that were written
// Retention: forgets what Occurred before; gives how many.
size_t event_log_forget(struct event_log *l, int64_t before_ms);
// Calls fn whenever an event becomes visible.
void event_log_watch(struct event_log *l, void (*fn)(void *ctx), void *ctx);

bool event_log_replay(struct event_log *l, const struct json *line, struct err *e);
void event_log_dump(const struct event_log *l, struct journal *j);

bool event_has_id(const struct event *e, str document_id);
// Some related id begins with prefix + '-'.
bool event_has_prefix(const struct event *e, str prefix);

// A filter: every list that is not empty must be met by one of its items.
struct event_query {
    struct arena *arena;
    struct id_list { str *items; size_t count; } ids, regarding_all, regarding_any, users, projects, project_groups, environments, tenants, tags, groups, categories, agents, document_types;
    int64_t from_ms, to_ms;           // on Occurred: from inclusive, to exclusive; INT64_MIN, INT64_MAX: open
    int64_t from_auto_id, to_auto_id; // exclusive both; 0: open
    bool hides_internal;
};
void event_query_init(struct event_query *q, struct arena *a);
void id_list_add(struct arena *a, struct id_list *l, str item);
// Adds the parts of "a,b,c"; empty ones are left out.
void id_list_split(struct arena *a, struct id_list *l, str items);
bool event_fits(const struct event *e, const struct event_query *q, const struct model *m);
