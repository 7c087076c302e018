// tasks.h - server tasks and how they go: Queued, Executing, then Success, Failed or Canceled.
//
// Times are those of sample.timing. A task that was under way when the sample was killed goes on
// after the next start.
#pragma once

#include "sample/resources.h"

struct tasks;

struct tasks *tasks_new(struct sample *s);
void tasks_free(struct tasks *t);
// Takes up again what is not completed.
void tasks_resume(struct tasks *t);

// A new task in the model, queued, not yet going. arguments and document_id may be empty.
struct json *task_new(struct sample *s, struct arena *a, str space, const char *name, str description, struct json *arguments);
// Sets it going.
void task_start(struct sample *s, str task_id);
// A deployment whose interruption was answered goes on: does it proceed, or fail with this text?
void task_continue(struct sample *s, str task_id, bool proceeds, str error);
// False where it is completed already.
bool task_cancel(struct sample *s, str task_id, const struct actor *who);
void task_describe_times(struct arena *a, struct json *task); // Completed and Duration, from its times
// The state of the task goes with its deployment as _TaskState.

// What the task does when its time comes, per name of task.
struct task_kind {
    const char *name;                                             // "Deploy"
    void (*started)(struct sample *s, struct arena *a, struct doc *task);
    // Sets *error where it fails. False: it waits for an interruption.
    bool (*finish)(struct sample *s, struct arena *a, struct doc *task, str *error);
    // After its last state is stored.
    void (*ended)(struct sample *s, struct arena *a, struct doc *task);
};
extern const struct task_kind task_deploy, task_runbook_run, task_health;

// Stores single members of a document: name, value pairs.
struct doc *doc_set(struct sample *s, struct arena *a, struct doc *d, const char *name, struct json *value);
