#include "tests/harness/check.h"

#include "base/buf.h"
#include "base/limits.h"
#include "trigger/incoming.h"

#include <zlib.h>

TEST(a_query_is_taken_apart)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct incoming in = { .raw_query = STR("a=1&b=x%20y+z&a=2&&c&d=%zz&=e") };
    struct err e = { 0 };
    size_t count;
    CHECK_OK("it can be read", incoming_read_query(&in, &a, &e), &e);
    CHECK_STR("the first of two", incoming_query(&in, STR("a"), &count), STR("1"));
    CHECK_INT("both are seen", count, 2);
    CHECK_STR("escapes and + are decoded", incoming_query(&in, STR("b"), NULL), STR("x y z"));
    CHECK("a name alone has an empty value", incoming_query(&in, STR("c"), NULL).p != NULL && !incoming_query(&in, STR("c"), NULL).n);
    CHECK_STR("a broken escape stays", incoming_query(&in, STR("d"), NULL), STR("%zz"));
    CHECK("names have case", !incoming_query(&in, STR("A"), &count).p && count == 0);
    CLEANUP(buf_fini) struct buf many = { 0 };
    for (int i = 0; i <= LIMIT_INCOMING_PARAMETERS; i++)
        buf_add_text(&many, "&");
    in.raw_query = buf_str(&many);
    CHECK("too many parameters are refused", !incoming_read_query(&in, &a, &e) && e.kind == ERR_TOO_LARGE);
}

TEST(headers_have_no_case)
{
    struct incoming_field headers[] = { { STR("X-A"), STR("1") }, { STR("x-a"), STR("2") }, { STR("X-B"), { 0 } } };
    struct incoming in = { .headers = headers, .header_count = 3 };
    size_t count;
    CHECK_STR("the first", incoming_header(&in, STR("x-A"), &count), STR("1"));
    CHECK_INT("and how many", count, 2);
    CHECK("an empty one is there", incoming_header(&in, STR("x-b"), NULL).p != NULL);
    CHECK("an absent one is not", incoming_header(&in, STR("x-c"), NULL).p == NULL);
}

static str gzip(struct arena *a, str text)
{
    z_stream z = { 0 };
    deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    size_t room = deflateBound(&z, text.n);
    char *out = arena_bytes(a, room);
    z.next_in = (Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return (str){ out, room - z.avail_out };
}

TEST(gzip_is_undone_within_both_limits)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    struct incoming_field header = { STR("content-encoding"), STR("GZIP") };
    struct incoming in = { .headers = &header, .header_count = 1, .body = gzip(&a, STR("{\"a\": 1}")) };
    CHECK_OK("a packed body", incoming_decode(&in, &a, 100, &e), &e);
    CHECK_STR("its content", incoming_content(&in), STR("{\"a\": 1}"));
    CHECK("the body is still what was sent", in.body.n > 8 && in.body.p[0] == '\x1f');
    CHECK_OK("just within the limit", incoming_decode(&in, &a, 8, &e), &e);
    CHECK("just over it", !incoming_decode(&in, &a, 7, &e) && e.kind == ERR_TOO_LARGE);

    str zeros = { arena_zalloc(&a, 1 << 24), 1 << 24 };
    in.body = gzip(&a, zeros);
    CHECK("a bomb is stopped", !incoming_decode(&in, &a, 1 << 20, &e) && e.kind == ERR_TOO_LARGE);
    in.body = gzip(&a, STR("abc"));
    str whole = in.body;
    in.body.n--;
    CHECK("a cut one is broken", !incoming_decode(&in, &a, 100, &e) && e.kind == ERR_INVALID);
    in.body = arena_concat(&a, whole, STR("x"));
    CHECK("nothing may follow", !incoming_decode(&in, &a, 100, &e));
    in.body = STR("plain");
    CHECK("what is not packed is broken", !incoming_decode(&in, &a, 100, &e));
    in.body = STR("");
    CHECK("so is nothing", !incoming_decode(&in, &a, 100, &e));
    header.value = STR("br");
    CHECK("other encodings are refused", !incoming_decode(&in, &a, 100, &e));
    header.value = STR("identity");
    CHECK("identity is none", incoming_decode(&in, &a, 100, &e));
}

TEST_MAIN()
