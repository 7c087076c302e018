#include "tests/harness/check.h"

#include "trigger/signature_internal.h"

TEST(placeholders)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct pieces p;
    struct err e = { 0 };
    CHECK_OK("text and placeholders", pieces_parse(&a, STR("v0:{timestamp}:{body}{{}}"), false, &p, &e), &e);
    CHECK_INT("in their order", p.count, 5);
    CHECK_STR("text", p.items[0].text, STR("v0:"));
    CHECK_INT("a placeholder", p.items[1].kind, PIECE_TIMESTAMP);
    CHECK_STR("doubled braces are text", p.items[4].text, STR("{}"));
    CHECK("one is found", pieces_have(&p, PIECE_BODY) && !pieces_have(&p, PIECE_LINE));
    static const struct { const char *text; bool for_reply; const char *want; } wrong[] = {
        { "{body", false, "the { at character 1 is never closed; write {{ for a brace" },
        { "a}", false, "the } at character 2 closes nothing; write }} for a brace" },
        { "{header}", false, "{header} needs a name: {header:...}" },
        { "{body:x}", false, "{body} takes no name" },
        { "{pointer:a}", false, "{pointer:a} needs a JSON pointer that starts with /" },
        { "{hmac:/a}", false, "unknown placeholder {hmac:/a}; known are {body} {timestamp} {header:N} {query:N} {pointer:/a/b} {method} {path} {line:/K}" },
        { "{body}", true, "unknown placeholder {body}; known are {header:N} {query:N} {pointer:/a/b} {hmac:/a/b} {method} {path}" },
        { "{}", false, "unknown placeholder {}; known are {body} {timestamp} {header:N} {query:N} {pointer:/a/b} {method} {path} {line:/K}" },
        { "{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}{body}"
          "{body}{body}{body}{body}{body}{body}{body}", false, "more than 32 parts" },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CHECK("it is refused", !pieces_parse(&a, str_from(wrong[i].text), wrong[i].for_reply, &p, &e));
        CHECK_TEXT(wrong[i].text, e.text, wrong[i].want);
    }
}

TEST(what_a_request_has)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct incoming_field headers[] = { { STR("A"), STR("1") }, { STR("B"), STR("2") }, { STR("b"), STR("3") } };
    struct incoming in = { .method = STR("POST"), .path = STR("/x"), .headers = headers, .header_count = 3,
                           .body = STR("{\"t\": \"x\\u0000y\", \"n\": 1.50, \"b\": true, \"o\": {}, \"z\": null, \"a/b\": {\"c\": \"d\"}}") };
    struct request_view v = { .in = &in, .arena = &a };
    str s;
    CHECK("a header", view_header(&v, STR("a"), &s) == PART_OK && str_eq(s, STR("1")));
    CHECK("a header sent twice", view_header(&v, STR("B"), &s) == PART_MALFORMED);
    CHECK("a header not sent", view_header(&v, STR("C"), &s) == PART_MISSING);
    CHECK("a number is as written", view_pointer(&v, STR("/n"), &s) == PART_OK && str_eq(s, STR("1.50")));
    CHECK("a boolean", view_pointer(&v, STR("/b"), &s) == PART_OK && str_eq(s, STR("true")));
    CHECK("an object is no text", view_pointer(&v, STR("/o"), &s) == PART_MALFORMED);
    CHECK("null is nothing", view_pointer(&v, STR("/z"), &s) == PART_MISSING);
    struct piece line = { PIECE_LINE, STR("/a~1b/c") };
    CHECK("a line is the last name and the value", view_piece(&v, &line, &s) == PART_OK && str_eq(s, STR("c\nd\n")));
    line.text = STR("/t");
    CHECK("a NUL does not end a line", view_piece(&v, &line, &s) == PART_OK && str_eq(s, STR("t\nx\0y\n")));
    line.text = STR("/absent");
    CHECK("an absent line is nothing", view_piece(&v, &line, &s) == PART_OK && !s.n);
    in.body = STR("no json");
    struct request_view w = { .in = &in, .arena = &a };
    CHECK("a body that is no JSON", view_pointer(&w, STR("/a"), &s) == PART_MALFORMED);
    in.content = STR("{\"a\": \"unpacked\"}");
    struct request_view x = { .in = &in, .arena = &a };
    CHECK("fields are read from the unpacked content", view_pointer(&x, STR("/a"), &s) == PART_OK && str_eq(s, STR("unpacked")));
}

TEST_MAIN()
