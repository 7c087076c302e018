// deployments.h - deployments, and the rules of lifecycles that decide where a release may go.
#pragma once

#include "sample/releases.h"

// The phases of the lifecycle a release follows (its channel's, else its project's).
const struct json *release_phases(const struct model *m, const struct doc *release);
// Environments the release may go to next, in the order of the phases; in the arena.
struct json *release_next(struct arena *a, const struct model *m, const struct doc *release);
// Has it been deployed to that environment with success?
bool release_succeeded_in(const struct model *m, const struct doc *release, str environment_id);

// What an event of a deployment is called and names: "Deploy to Production for Acme Corp".
void deployment_event(struct sample *s, struct arena *a, const struct actor *who, const char *category, const struct doc *deployment, str interruption_id);
// Raises an interruption of the deployment's task: title, and whether it is a guided failure.
void interruption_raise(struct sample *s, struct arena *a, struct doc *task, const struct doc *deployment, str title, bool is_guided, str action_id);
