#include "trigger/incoming.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/limits.h"

#include <zlib.h>

static str find(const struct incoming_field *fields, size_t n, str name, bool is_nocase, size_t *count)
{
    str value = { 0 };
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (is_nocase ? str_eq_nocase(fields[i].name, name) : str_eq(fields[i].name, name))
            if (found++ == 0)
                value = fields[i].value.p ? fields[i].value : STR("");
    if (count)
        *count = found;
    return value;
}

str incoming_header(const struct incoming *in, str name, size_t *count)
{
    return find(in->headers, in->header_count, name, true, count);
}

str incoming_query(const struct incoming *in, str name, size_t *count)
{
    return find(in->query, in->query_count, name, false, count);
}

str incoming_content(const struct incoming *in)
{
    return in->content.p ? in->content : in->body;
}

static str decoded(struct arena *a, str text)
{
    str out;
    return percent_decode(a, text, true, &out) ? out : text;
}

bool incoming_read_query(struct incoming *in, struct arena *a, struct err *e)
{
    size_t parts = 1;
    for (size_t i = 0; i < in->raw_query.n; i++)
        parts += in->raw_query.p[i] == '&';
    if (parts > LIMIT_INCOMING_PARAMETERS)
        return err_set(e, ERR_TOO_LARGE, "more than %d query parameters", LIMIT_INCOMING_PARAMETERS);
    in->query = ARENA_ARRAY(a, struct incoming_field, parts);
    in->query_count = 0;
    str rest = in->raw_query, part;
    while (str_split(&rest, '&', &part)) {
        if (!part.n)
            continue;
        ptrdiff_t equals = str_find_char(part, '=');
        str name = equals < 0 ? part : str_sub(part, 0, (size_t)equals);
        str value = equals < 0 ? STR("") : str_skip(part, (size_t)equals + 1);
        in->query[in->query_count++] = (struct incoming_field){ decoded(a, name), decoded(a, value) };
    }
    return true;
}

static void inflate_end(z_stream *z)
{
    inflateEnd(z);
}

static bool gunzip(struct arena *a, str body, size_t max_bytes, str *out, struct err *e)
{
    CLEANUP(buf_fini) struct buf content = { 0 };
    CLEANUP(inflate_end) z_stream z = { 0 };
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return err_set(e, ERR_IO, "zlib did not start");
    z.next_in = (Bytef *)(uintptr_t)body.p;
    z.avail_in = (uInt)body.n;
    for (int code = Z_OK; code != Z_STREAM_END;) {
        size_t room = MIN((size_t)65536, max_bytes + 1 - content.n);
        char *to = buf_room(&content, room);
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)room;
        code = inflate(&z, Z_NO_FLUSH);
        buf_wrote(&content, room - z.avail_out);
        if (content.n > max_bytes)
            return err_set(e, ERR_TOO_LARGE, "the body is over %zu bytes once it is unpacked", max_bytes);
        if (code != Z_OK && code != Z_STREAM_END)
            return err_set(e, ERR_INVALID, "the body is not sound gzip data");
    }
    if (z.avail_in)
        return err_set(e, ERR_INVALID, "%u bytes stand behind the gzip data", z.avail_in);
    *out = arena_str(a, buf_str(&content));
    return true;
}

bool incoming_decode(struct incoming *in, struct arena *a, size_t max_bytes, struct err *e)
{
    size_t count;
    str encoding = incoming_header(in, STR("Content-Encoding"), &count);
    if (!count || !encoding.n || str_eq_nocase(encoding, STR("identity")))
        return true;
    if (count > 1 || !(str_eq_nocase(encoding, STR("gzip")) || str_eq_nocase(encoding, STR("x-gzip"))))
        return err_set(e, ERR_INVALID, "Content-Encoding: \"%.*s\" is not taken; gzip is", STR_ARG(str_sub(encoding, 0, 60)));
    if (in->body.n > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, "the body is too large");
    return gunzip(a, in->body, max_bytes, &in->content, e);
}
