// number.h - numbers as .NET 10 reads and writes them in the invariant culture.
//
// Reading: int, decimal (96 bits, up to 28 places, trailing zeros kept) and double, with the styles
// that TryParse has by default. Writing: the shortest digits that read back equal, and all standard
// and custom numeric formats. The algorithms follow the documented behaviour of System.Number; what
// was checked against the real runtime is in tests/oracle.
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define NUMBER_DOUBLE_BYTES 40

// double.ToString(): 1E+17, 0.0001, 1E-05, -0, NaN, Infinity.
str number_write_double(char out[static NUMBER_DOUBLE_BYTES], double v);

bool number_read_int(str s, int32_t *out);     // blanks around, one sign in front
bool number_read_double(str s, double *out);   // also thousands commas, exponent, Infinity, NaN
bool number_read_amount(str s, double *out);   // as above without thousands commas (NumberStyles.Float)

// Decimal digits with a point: 0.d1d2d3... x 10^scale.
enum number_kind { NUMBER_INTEGER, NUMBER_DECIMAL, NUMBER_DOUBLE };
struct number {
    enum number_kind kind;
    bool is_negative;
    int scale;
    size_t n;
    char digits[32];
    int32_t integer; // NUMBER_INTEGER
    double real;     // NUMBER_DOUBLE
};

bool number_read_decimal(str s, struct number *out);
struct number number_from_int(int32_t v);
struct number number_from_double(double v);

// v.ToString(format); false where .NET throws FormatException. The result's size is bounded by out->max.
MUST_USE bool number_format(struct buf *out, const struct number *v, str format);
