// guard.h - the small process between the server and a program it starts. Used by process.c only.
//
// It is our own binary begun anew: a constructor sees GUARD_WORD as first argument and never returns
// to main. So it works in every program that links process.c, and what it does between its fork and
// exec is done by a process with one thread and without the server's memory.
//
// Arguments: GUARD_WORD, then key=value words, "--", and the program's own. Descriptors 0 to 2 and
// `fds` more from 3 on are passed to the program; the one behind them takes struct guard_report. With
// network=own the next one is a Unix socket, over which the listener made in that network is sent before
// GUARD_STARTED.
#pragma once

#include "base/base.h"

#define GUARD_WORD "--reactions-guard"
// Ends with 0 where a PID namespace can be had; with the further word "none": and one without a network; "own": a network
// with a loopback, and no PID namespace.
#define GUARD_PROBE_WORD "--reactions-guard-probe"
#define GUARD_FDS_MAX 8

enum guard_event {
    GUARD_STARTED = 1, // value: 0
    GUARD_FAILED,      // value: errno, stage: where
    GUARD_ENDED,       // value: wait status of the program; nothing of it is left
    GUARD_LEFT,        // value: descendants that would not die
};

enum guard_stage { GUARD_STAGE_ARGUMENTS, GUARD_STAGE_NAMESPACE, GUARD_STAGE_NETWORK, GUARD_STAGE_HIDE, GUARD_STAGE_FORK, GUARD_STAGE_CGROUP, GUARD_STAGE_LIMITS, GUARD_STAGE_FOLDER, GUARD_STAGE_USER, GUARD_STAGE_EXECUTE };
const char *guard_stage_name(enum guard_stage stage);

struct guard_report {
    int32_t event, stage, value;
};

// Linked in by naming it: the constructor lives in the same file.
extern const int guard_is_linked;
