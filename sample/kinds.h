// kinds.h - what kinds of documents the sample Octopus keeps, as a table.
//
// A kind says where its collection lives below /api, which permissions guard it, what may be asked
// in a query and which links a document shows. The generic routes (resources.c) need no more, so one
// more kind is one row here and its defaults in data/defaults.json.
#pragma once

#include "base/str.h"

enum kind_id {
    KIND_SPACE,
    KIND_PROJECT,
    KIND_PROJECT_GROUP,
    KIND_CHANNEL,
    KIND_LIFECYCLE,
    KIND_ENVIRONMENT,
    KIND_TENANT,
    KIND_TAG_SET,
    KIND_MACHINE,
    KIND_MACHINE_POLICY,
    KIND_WORKER,
    KIND_WORKER_POOL,
    KIND_PROCESS,
    KIND_VARIABLE_SET,
    KIND_LIBRARY_SET,
    KIND_FEED,
    KIND_RELEASE,
    KIND_DEPLOYMENT,
    KIND_TASK,
    KIND_INTERRUPTION,
    KIND_SUBSCRIPTION,
    KIND_RUNBOOK,
    KIND_RUNBOOK_SNAPSHOT,
    KIND_RUNBOOK_RUN,
    KIND_TRIGGER,
    KIND_ARTIFACT,
    KIND_ACCOUNT,
    KIND_CERTIFICATE,
    KIND_USER,
    KIND_TEAM,
    KIND_API_KEY,
    KIND_GRANTS,       // hidden: what a user may do
    KIND_FEED_PACKAGE, // hidden: a package version in one of the feeds served here
    KIND_NUGET_FEED,   // hidden: a feed served here and how it is protected
    KIND_COUNT,
};

struct kind {
    const char *path;      // of its collection; NULL: no generic routes
    const char *prefix;    // ids are prefix-N
    const char *item_type; // of the collection's envelope
    const char *label;     // begins the sentence of its events
    const char *view, *create, *edit, *remove; // permissions; NULL: nobody, except view: every valid key
    bool is_system;        // belongs to no space
    bool is_newest_first;
    bool has_slug;
    bool is_silent;        // writing it leaves no event
    const char *filters;   // "environments=EnvironmentId,roles=Roles": query name and the field it is compared with
    const char *const *links; // "Name=/path/<Field>", ends with NULL
};

extern const struct kind kinds[KIND_COUNT];

// The kind of documents with such ids ("Projects-21", "deploymentprocess-Projects-21"), or NULL.
const struct kind *kind_by_id(str id);
const struct kind *kind_by_path(str path);
const struct kind *kind_by_prefix(str prefix);
