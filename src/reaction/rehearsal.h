// rehearsal.h - reactions tried without a server, an Octopus or a network: what `reactions check` runs tests with.
//
// The real engine, on a store in memory, judges and acts by a dry run (dry_run.h). Everything it would ask of an Octopus or a feed
// is answered from lists: documents that events speak of, and answers to the script's reads. Secrets have made-up values.
#pragma once

#include "json/decode.h"

struct rehearsal;

struct rehearsal_options {
    const struct json *documents; // array: Reaction and Trigger documents with their Kind, as in files; others are passed over
    const char *runtime_dir;      // the worker host, for scripts
    const char *work_dir;         // for workers; nobody else's
};
// Reactions that cannot be decoded are left out: whoever checks the files has said why. Identities, secrets and triggers they name
// are there.
MUST_USE bool rehearsal_open(const struct rehearsal_options *opt, struct rehearsal **out, struct err *e);
void rehearsal_close(struct rehearsal *r);

struct rehearsal_scene {
    str reaction;                 // slug or name
    const struct json *event;     // event_given.h
    const struct json *documents; // arrays or NULL: what Octopus has, by Id: events speak of them, scripts may GET them
    const struct json *answers;   // {Method, Path or Url, Status, Body, Headers}: a path without a query answers any query, one ending in * any that begins so
};
// The contract's test result. False: it could not be tried, and why.
MUST_USE bool rehearsal_run(struct rehearsal *r, const struct rehearsal_scene *scene, struct arena *a, struct json **result, struct err *e);
