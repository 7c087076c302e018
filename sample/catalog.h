// catalog.h - the event categories, groups and document types the sample knows (octopus-api.md 2).
#pragma once

#include "json/json.h"

struct category {
    const char *id, *name, *groups; // groups: ids joined by commas
};
struct category_group {
    const char *id, *name;
};

extern const struct category categories[];
extern const size_t category_count;
extern const struct category_group category_groups[];
extern const size_t category_group_count;

const struct category *category_find(str id); // id or display name, case ignored; NULL where unknown
bool category_in_group(str category, str group);
// Written between an event and the world only when internal events are asked for (octopus-api.md 1.2).
bool category_is_internal(str category);

// The arrays of /api/events/categories, /groups, /documenttypes. applies_to "" is all.
struct json *catalog_categories(struct arena *a, str applies_to);
struct json *catalog_groups(struct arena *a, str applies_to);
struct json *catalog_document_types(struct arena *a);

// The id prefix of documents of the type a filter names: "releases-", "Releases", "deploymentprocess",
// "DeploymentProcesses", "Deployment Process". An unknown type is taken as the prefix itself.
str document_type_prefix(str type);
