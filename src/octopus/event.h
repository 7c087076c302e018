// event.h - an Octopus event as it stands in the event log: what can be relied on, read with care.
//
// Categories are an open set, fields come and go with versions, Message is prose: only ids and the
// documented fields are looked at (octopus-api.md section 1). Text points into the parsed tree.
#pragma once

#include "json/json.h"

struct octopus_event {
    str id;              // "Events-20011"
    int64_t number;      // 20011; -1 where the id ends in no number
    str category;
    int64_t occurred_ms;
    str user_id, username, user_agent, space_id; // empty where null or absent
    const struct json *related; // array of ids, or NULL
    const struct json *doc;
};

// False when it has no usable Id, Category or Occurred: such a row cannot be told from another or placed in time.
MUST_USE bool octopus_event_read(const struct json *doc, struct octopus_event *out, struct err *e);

// Whether an id is of a document type ("Projects-21" of "Projects"), case ignored; the type may end in a dash.
bool octopus_id_is(str id, str type);

// The first related id of that type; empty: none.
str octopus_event_first(const struct octopus_event *v, str type);
bool octopus_event_is_about(const struct octopus_event *v, str id);
// What a Created, Modified or Deleted event is about (1.3): its first related id.
str octopus_event_subject(const struct octopus_event *v);

// The project, also where the server left its id out (issue 7111): from "deploymentprocess-P" and "variableset-P".
str octopus_event_project(const struct octopus_event *v);

// All environments it is about, joined by commas; empty: none.
str octopus_event_environments(const struct octopus_event *v, struct arena *a);

// The name the document had at that moment, from MessageReferences (offsets in UTF-16 units); empty: not said.
str octopus_event_name(const struct octopus_event *v, str id, struct arena *a);

// Our own calls say so in their User-Agent: "OctopusReactions/1 (reaction Reactions-3; run Runs-9)".
bool octopus_event_cause(const struct octopus_event *v, int64_t *reaction_id, int64_t *run_id);
