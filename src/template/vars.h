// vars.h - the variables a template sees, and where each value came from.
//
// Names are symbols (Octopus.Action[Deploy Web].Output.Url) and compare without regard to case. A value
// is text or parsed data, and belongs to the author of the templates, to an event or to a secret: only
// the first is ever read as a template again; the bytes of the others are marked in what is rendered.
//
// A set may have a parent: what is not in the set is looked up there, as if both were one. Asked
// last is a resolver, for what is too costly to fetch for every event.
//
// A set lives in its arena. It is filled by one thread, and may then be read by many.
#pragma once

#include "json/json.h"

struct vars;

enum vars_provenance { PROVENANCE_TEMPLATE, PROVENANCE_EVENT, PROVENANCE_SECRET };

struct vars *vars_new(struct arena *a);
void vars_set_parent(struct vars *v, const struct vars *parent); // must outlive v

// Only the longest prefix of the name that is a symbol counts (octostache.md section 5); a name that begins with
// none defines nothing. A later value replaces an earlier one. name and value must live as long as v.
void vars_set_text(struct vars *v, str name, str value, enum vars_provenance provenance);

// Parsed data: members by exact name, elements by number, absent is empty; numbers and dates keep their text. The tree
// must live as long as v.
void vars_bind_json(struct vars *v, str name, const struct json *value, enum vars_provenance provenance);

// The name is known but has no value here, because ("it is sensitive"): what a result says of it.
void vars_set_undefined(struct vars *v, str name, str reason);

struct vars_answer {
    str value;               // with p == NULL: not defined
    const struct json *json; // instead of value
    enum vars_provenance provenance;
    str reason; // why it is not defined; may be empty
};
// Asked with a symbol as it is printed ("Octopus.Action[Deploy Web].Url"); what it answers lives in `a`.
typedef void vars_resolver(void *ctx, str name, struct arena *a, struct vars_answer *answer);
void vars_set_resolver(struct vars *v, vars_resolver *resolver, void *ctx);

// For the template machine.
struct vars_node {
    str key;
    uint64_t hash; // chars_hash_nocase(key)
    bool has_value, may_be_template; // it holds "#{"
    enum vars_provenance provenance;
    str value;
    const struct json *json; // NULL: text
    str reason;              // of vars_set_undefined
    struct vars_list {
        struct vars_node *first, *last;
        uint32_t count, cap;
        struct vars_node **table; // from the ninth on
    } members, indexes;           // .Name and [index]
    struct vars_node *next;       // in order of definition
};

const struct vars_node *vars_root(const struct vars *v);
const struct vars *vars_parent(const struct vars *v);
const struct vars_node *vars_find(const struct vars_list *list, str key, uint64_t hash);
bool vars_is_broken(const struct vars *v); // a name has an index in #{...}: the original can then evaluate nothing
bool vars_ask(const struct vars *v, str name, struct arena *a, struct vars_answer *answer); // false: no resolver
