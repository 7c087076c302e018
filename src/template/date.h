// date.h - dates as .NET 10 reads and writes them: invariant culture (month first), local time UTC.
//
// A date is 100 ns ticks since 0001-01-01 on its own clock, and what is known of that clock.
#pragma once

#include "base/buf.h"

enum date_zone { DATE_UNSPECIFIED, DATE_UTC, DATE_LOCAL, DATE_OFFSET };

struct date {
    int64_t ticks;
    enum date_zone zone;
    int offset_minutes; // DATE_OFFSET, and what the text said where it had an offset
};

#define DATE_TICKS_PER_SECOND INT64_C(10000000)
#define DATE_TICKS_PER_DAY (INT64_C(86400) * DATE_TICKS_PER_SECOND)
#define DATE_TICKS_MAX (INT64_C(3652059) * DATE_TICKS_PER_DAY) // of year 10000

struct date date_now(int64_t wall_ms, enum date_zone zone); // from milliseconds since 1970

// The lenient reader of TryParse: ISO 8601, RFC 1123, 07/04/2023, 4 July 2023 10:20 PM, ... What stands
// without a year or a date is of today_ms. The result's zone says what the text did: DATE_UNSPECIFIED,
// DATE_UTC for Z and GMT, DATE_OFFSET for +hh:mm.
bool date_read(str text, int64_t today_ms, struct date *out);

bool date_to_offset(struct date *d); // DateTimeOffset.TryParse: always an offset. False out of range
bool date_to_local(struct date *d);  // DateTime.TryParse: an offset is turned into local time
bool date_add(struct date *d, double amount, int64_t ticks_per_unit); // false out of range

// d.ToString(format); false where .NET throws FormatException.
MUST_USE bool date_format(struct buf *out, const struct date *d, str format);

struct date_parts {
    int year, month, day, hour, minute, second, fraction; // fraction in ticks
    int weekday;                                          // Sunday is 0
};
struct date_parts date_split(int64_t ticks);
bool date_join(const struct date_parts *p, int64_t *ticks); // false for what is no date

extern const char *const date_month_names[12];
extern const char *const date_day_names[7];
