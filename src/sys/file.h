// file.h - whole files, written so that a power cut leaves the old or the new one.
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <sys/types.h>

// The content lives in the arena. ERR_TOO_LARGE over max_bytes, ERR_NOT_FOUND where there is none.
MUST_USE bool file_read(const char *path, size_t max_bytes, struct arena *a, str *out, struct err *e);

// Writes beside it, syncs, renames, syncs the folder.
MUST_USE bool file_write(const char *path, str content, mode_t mode, struct err *e);

MUST_USE bool file_make_dirs(const char *path, mode_t mode, struct err *e); // as mkdir -p
MUST_USE bool file_remove_tree(const char *path, struct err *e);            // as rm -rf; follows no link
bool file_exists(const char *path);

// An exclusive lock for the life of the process; *fd_out stays open. ERR_BUSY names the holder's pid.
MUST_USE bool file_lock(const char *path, int *fd_out, struct err *e);

// A new folder readable by its owner only, below $TMPDIR or /tmp.
MUST_USE bool file_temp_dir(struct arena *a, const char *prefix, str *out, struct err *e);
