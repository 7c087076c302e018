// sandbox.h - bubblewrap around a worker, where it is installed and allowed to work.
//
// Inside, the whole machine is read-only but for the worker's own folder and what is listed; /tmp is the
// worker's own; hidden folders are empty; processes are a namespace of their own; it ends with its parent.
// The network is the machine's, or none at all.
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct sandbox;

// False, with the reason, where there is none: not installed, or the kernel or a container forbids it.
// Tried by really starting one, as that user. hidden: NULL-terminated, may be NULL.
MUST_USE bool sandbox_find(bool has_user, uint32_t uid, uint32_t gid, const char *const *hidden, bool no_network, struct sandbox **out, struct err *e);
void sandbox_free(struct sandbox *s);
// The command in the sandbox; folder is writable. What argv[0] and runtime_dir (may be NULL) name is there
// even below /tmp. In the arena.
const char *const *sandbox_wrap(const struct sandbox *s, const char *const *argv, const char *runtime_dir, const char *folder, struct arena *a);
