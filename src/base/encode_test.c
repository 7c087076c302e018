#include "tests/harness/check.h"

#include "base/encode.h"

#include <stdio.h>

static struct arena a;

static void all_bytes(char out[256])
{
    for (int i = 0; i < 256; i++)
        out[i] = (char)i;
}

TEST(hex)
{
    str out;
    CHECK_STR("lower case", hex_encode(&a, STR("\x00\x7f\xab\xff")), STR("007fabff"));
    CHECK_STR("of nothing", hex_encode(&a, (str){ 0 }), STR(""));
    CHECK("either case is read", hex_decode(&a, STR("00aBCdEf"), &out) && str_eq(out, STR("\x00\xab\xcd\xef")));
    CHECK("nothing is read as nothing", hex_decode(&a, STR(""), &out) && out.n == 0);
    static const char *const bad[] = { "0", "000", "0g", "g0", "0x", " 00", "00 ", "0 0", "/0", ":0", "@0", "G0", "`0", "\xff\xff" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !hex_decode(&a, str_from(bad[i]), &out));
    char all[256];
    all_bytes(all);
    CHECK("all bytes come back", hex_decode(&a, hex_encode(&a, (str){ all, 256 }), &out) && str_eq(out, (str){ all, 256 }));
}

TEST(base64)
{
    // RFC 4648 section 10.
    static const struct { str bytes; const char *standard, *url; } rows[] = {
        { STR_INIT(""), "", "" }, { STR_INIT("f"), "Zg==", "Zg" }, { STR_INIT("fo"), "Zm8=", "Zm8" }, { STR_INIT("foo"), "Zm9v", "Zm9v" },
        { STR_INIT("foob"), "Zm9vYg==", "Zm9vYg" }, { STR_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE" }, { STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
        { STR_INIT("\xfb\xff\xfe"), "+//+", "-__-" }, { STR_INIT("\x00"), "AA==", "AA" }, { STR_INIT("\xff\xff"), "//8=", "__8" },
    };
    str out;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_STR("standard", base64_encode(&a, rows[i].bytes, BASE64_STANDARD), str_from(rows[i].standard));
        CHECK_STR("url", base64_encode(&a, rows[i].bytes, BASE64_URL), str_from(rows[i].url));
        CHECK(rows[i].standard, base64_decode(&a, str_from(rows[i].standard), BASE64_STANDARD, &out) && str_eq(out, rows[i].bytes));
        CHECK(rows[i].url, base64_decode(&a, str_from(rows[i].url), BASE64_URL, &out) && str_eq(out, rows[i].bytes));
    }
    CHECK("url takes its padding too", base64_decode(&a, STR("Zg=="), BASE64_URL, &out) && str_eq(out, STR("f")));
    static const char *const bad_standard[] = {
        "Zg", "Zm8", "Zg=", "Zm8==", "Zm9v=", "Zm9v==", "Zm9v====", "=", "==", "===", "====", "Z", "Z===", "Zm9vY", "Zg==Zg==", "Z=g=", "=Zg=", "Zm9 v", "Zm9v\n", "-__-", "Zh==", "Zm9=", "Zm9\x80", "Zm,v",
    };
    for (size_t i = 0; i < COUNT(bad_standard); i++)
        CHECK(bad_standard[i], !base64_decode(&a, str_from(bad_standard[i]), BASE64_STANDARD, &out));
    static const char *const bad_url[] = { "Zg=", "Zm8==", "+//+", "Z", "Zh", "Zm9", "Zm9v=", "=", "==", "Zg===" };
    for (size_t i = 0; i < COUNT(bad_url); i++)
        CHECK(bad_url[i], !base64_decode(&a, str_from(bad_url[i]), BASE64_URL, &out));
    char all[256];
    size_t wrong = 0;
    all_bytes(all);
    for (size_t n = 0; n <= 256; n++)
        for (int kind = 0; kind < 2; kind++)
            wrong += !base64_decode(&a, base64_encode(&a, (str){ all + 256 - n, n }, kind), kind, &out) || !str_eq(out, (str){ all + 256 - n, n });
    CHECK_INT("bytes of every number come back", wrong, 0);
}

TEST(percent)
{
    str out;
    CHECK_STR("unreserved characters stay, all else does not", percent_encode(&a, STR("aZ09-._~ /?&=+%\x00\x7f\xc3\xa9")), STR("aZ09-._~%20%2F%3F%26%3D%2B%25%00%7F%C3%A9"));
    static const struct { const char *text; bool is_form; str want; } rows[] = {
        { "a%20b", false, STR_INIT("a b") }, { "a+b", false, STR_INIT("a+b") }, { "a+b", true, STR_INIT("a b") }, { "%2b%2B", true, STR_INIT("++") },
        { "%00", false, STR_INIT("\0") }, { "%C3%a9", false, STR_INIT("\xc3\xa9") }, { "", false, STR_INIT("") }, { "%2525", false, STR_INIT("%25") }, { "x%41", false, STR_INIT("xA") },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(rows[i].text, percent_decode(&a, str_from(rows[i].text), rows[i].is_form, &out) && str_eq(out, rows[i].want));
    static const char *const bad[] = { "%", "%4", "%g0", "%0g", "a%", "a%4", "%%41", "% 1", "%-1", "%u0041" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !percent_decode(&a, str_from(bad[i]), false, &out));
    char all[256];
    all_bytes(all);
    CHECK("all bytes come back", percent_decode(&a, percent_encode(&a, (str){ all, 256 }), true, &out) && str_eq(out, (str){ all, 256 }));
}

TEST_MAIN()
