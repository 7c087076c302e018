// bulk.h - what runs and replay do by query. False: the call failed, c->err says why.
#pragma once

#include "app/cli.h"

bool bulk_runs(struct cli *c, str verb); // "retry" or "cancel"; options --reaction --event --state --from --to --max --dry-run
bool bulk_replay(struct cli *c);         // options --from --to --type --reaction --max --dry-run
