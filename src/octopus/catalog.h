// catalog.h - which Octopus events a reaction means by the names in its Events list (contract.md, octopus-api.md 1.2, 2).
//
// Friendly names, any category, "Group:<id>" and "<Category>:<DocumentType>". Categories are an open set: a name
// that is not known here is a category.
#pragma once

#include "octopus/event.h"

#define CATALOG_MAX_CATEGORIES 32

#define CATALOG_MAX_GROUPS 32

// What "/api/events/groups" answered. Any thread; groups that no server was heard about have the categories of octopus-api.md 2.2.
void catalog_learn_groups(const struct json *list);
// "Group:<id>" for each that has this category now. Any thread.
size_t catalog_groups_of(str category, str out[static CATALOG_MAX_GROUPS], struct arena *a);

// Under what an event must come for a name to mean it: categories, or the name itself for a group, whose categories may change.
size_t catalog_categories(str name, str out[static CATALOG_MAX_CATEGORIES]);

// The document type a name asks for ("Projects" of "Modified:Projects"); empty: any.
str catalog_subject(str name);

enum catalog_answer {
    CATALOG_NO,
    CATALOG_YES,
    CATALOG_IF_TENTACLE, // yes where the machine's endpoint is a Tentacle: catalog_is_tentacle of its document
};
enum catalog_answer catalog_wants(str name, const struct octopus_event *v);
bool catalog_is_tentacle(const struct json *machine);
