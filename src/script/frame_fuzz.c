// Whatever a worker sends: cut, decoded, and what was accepted is written again and decoded to the same type.
#include "script/frame.h"

#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void judge(str body)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct frame f;
    struct err e = { 0 };
    if (!frame_decode(&a, body, &f, &e)) {
        assert(e.kind != ERR_NONE && e.text[0]);
        return;
    }
    if (f.type == FRAME_LOG)
        json_each(line, f.lines)
            assert(line->count == 3);
    if (f.type == FRAME_DONE)
        assert(json_is(f.done.output, JSON_ARRAY));
    if (f.type == FRAME_CALL && !f.call.problem.n)
        assert(f.call.is_feed || (f.call.path_or_url.p[0] == '/' && !str_has(f.call.path_or_url, '\n')));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(frame_reader_fini) struct frame_reader r = { .max_bytes = 4096 };
    struct err e = { 0 };
    str body, in = { (const char *)data, n };
    judge(in); // without a length, so that the fuzzer gets at the JSON
    // And as a stream in pieces of a size taken from its first byte.
    size_t piece = n ? data[0] % 32 + 1 : 1;
    for (enum frame_next next = FRAME_MORE; in.n && next != FRAME_BROKEN; in = str_skip(in, piece)) {
        str part = str_sub(in, 0, piece);
        memcpy(frame_reader_room(&r, part.n), part.p, part.n);
        frame_reader_wrote(&r, part.n);
        while ((next = frame_next(&r, &body, &e)) == FRAME_GOT)
            judge(body);
    }
    return 0;
}
