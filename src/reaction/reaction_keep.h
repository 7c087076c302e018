// reaction_keep.h - a definition as the running configuration holds it: its texts point into the stored document, everything else is copied,
// and the tree it was read from may go. A tree is several times as large as its text, and there may be a million reactions.
#pragma once

#include "reaction/reaction.h"

// `text` is what the tree was parsed from and lives as long as the arena. In place.
void reaction_keep(struct reaction *r, str text, struct arena *a);
