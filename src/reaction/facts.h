// facts.h - what an Octopus event and the documents it speaks of say to a reaction's lists: looked up once for an event, however many
// reactions ask.
//
// Ids stand in the event itself. Names, groups, tags and roles stand in documents, which are asked for only when somebody wants them; a
// document that is still on its way makes the event wait (is_waiting), and it is judged again.
#pragma once

#include "octopus/event.h"
#include "reaction/data.h"

struct fact {
    str id;         // empty for tags and roles
    str name, slug; // name: the present one, else the one in the event's message
};

struct fact_list {
    struct fact *items;
    size_t count;
    bool has_refused; // names are missing that the reader's key may not see
};

struct facts {
    const struct data_source *data;
    struct octopus_event event;
    struct arena *arena;
    bool is_waiting;
    struct {
        bool has_ids, has_names;
        struct fact_list list;
    } lists[FILTER_LISTS];
};

// False when the payload is no event. Everything lives in the arena.
MUST_USE bool facts_init(struct facts *f, const struct data_source *d, const struct json *payload, struct arena *a, struct err *e);

// with_names false: only what the event itself says is sure to be there. Groups, tags and roles always ask for documents.
const struct fact_list *facts_of(struct facts *f, enum filter_list list, bool with_names);

// The document of the event's machine; NULL where there is none.
const struct json *facts_machine(struct facts *f, bool *is_refused);

// The document type of a list's ids ("Projects"); empty for tags, roles and users.
str facts_type(enum filter_list list);
