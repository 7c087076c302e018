// json_scan.h - finds the next byte of a JSON string that is not plain text, many bytes at a time.
//
// Shared by the parser and the writer: both spend most of their time here.
#pragma once

#include "base/str.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool json_scan_is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

// The first quote, backslash or control character in [p, end), or end. Sets *has_high where a byte
// before it is not ASCII, and never clears it.
static inline const char *json_scan(const char *p, const char *end, bool *has_high)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), last_control = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        hits = _mm_or_si128(hits, _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes));
        unsigned special = (unsigned)_mm_movemask_epi8(hits), high = (unsigned)_mm_movemask_epi8(bytes);
        if (special) {
            *has_high |= (high & (special - 1) & ~special) != 0;
            return p + __builtin_ctz(special);
        }
        *has_high |= high != 0;
    }
#else
    // A word at a time; a hit may be reported for a word that has none (never missed), which costs
    // only the walk through that word.
    const uint64_t ones = 0x0101010101010101ULL, tops = 0x8080808080808080ULL;
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        uint64_t q = w ^ ones * '"', b = w ^ ones * '\\';
        if ((((q - ones) & ~q) | ((b - ones) & ~b) | ((w - ones * 0x20) & ~w)) & tops)
            break;
        *has_high |= (w & tops) != 0;
    }
#endif
    for (; p < end && !json_scan_is_special(*p); p++)
        *has_high |= (unsigned char)*p >= 0x80;
    return p;
}
