// releases.h - releases and what a process asks of them.
#pragma once

#include "sample/resources.h"

// One package a process needs a version of.
struct package_need {
    str step_name, action_name, reference_name, package_id, feed_id, fixed_version;
};
// Those of a deployment process, in its order; disabled actions ask for nothing.
struct package_need *process_needs(struct arena *a, const struct doc *process, size_t *count);
const struct doc *process_of(const struct model *m, const struct doc *project);

// Adds the snapshots of process and variables to a release's document.
void release_take_snapshots(struct model *m, struct arena *a, struct json *release);
// Adds the snapshot of variables to that of a runbook.
void runbook_take_snapshots(struct model *m, struct arena *a, struct json *frozen);
// The newest release of a project (of a channel, unless empty), or NULL.
struct doc *release_latest(const struct model *m, str project_id, str channel_id);
struct doc *release_by_version(const struct model *m, str project_id, str version);
// By id, slug or name; NULL where absent. Not checked for permissions.
struct doc *find_by_any_name(const struct model *m, enum kind_id kind, str space, str text);
// The channel of that id or name in the project; an empty text gives the default one.
struct doc *find_channel(const struct model *m, const struct doc *project, str text);
