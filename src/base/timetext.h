// timetext.h - instants as text: ISO 8601 in UTC with milliseconds, as in the contract.
//
// An instant is milliseconds since 1970-01-01T00:00:00Z (int64_t, name ends in _ms), so that years
// 0001 to 9999 fit.
#pragma once

#include "base/arena.h"

#define TIMETEXT_BYTES 25 // "2026-11-22T17:03:06.123Z" and a NUL

void timetext_write(char out[static TIMETEXT_BYTES], int64_t at_ms);
str timetext(struct arena *a, int64_t at_ms);

// yyyy-mm-dd [T or blank] hh:mm[:ss[.f{0,9}]] [Z | +hh:mm | +hhmm]; without an offset it is UTC. Octopus
// writes 0 to 9 digits of a second (octopus-api.md); digits past the third are cut.
bool timetext_parse(str text, int64_t *at_ms);

struct civil { // proleptic Gregorian, UTC
    int64_t year;
    int month, day, hour, minute, second, ms; // month and day from 1
    int weekday, yearday;                     // Sunday is 0; 1 January is 0
};
struct civil civil_from_ms(int64_t at_ms);
int64_t civil_to_ms(const struct civil *c); // weekday and yearday are not read
