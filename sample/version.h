// version.h - package versions as NuGet orders them: up to four numbers, then a pre-release part by
// SemVer 2.0 rules; metadata behind '+' does not count. And the ranges of NuGet: "[1.0,2.0)", "1.0".
#pragma once

#include "base/arena.h"

bool version_is_valid(str version);
int version_cmp(str a, str b);
bool version_is_prerelease(str version);
str version_prerelease(str version); // "" where there is none
bool version_in_range(str version, str range); // an empty range holds everything; a malformed one nothing
// The same with its last number one higher: 1.4.9 -> 1.4.10, 1.4.2-hotfix.1 -> 1.4.2-hotfix.2, 1.0-beta -> 1.0-beta.1.
str version_next(struct arena *a, str version);
// Version of a flat container's path: lower case, no metadata, no fourth zero, no leading zeros.
str version_normal(struct arena *a, str version);
