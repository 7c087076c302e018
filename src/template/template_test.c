#include "template/check_rows.h"

// What the release notes, the branch name or the payload of a stranger holds.
#define EVIL "#{Secret}"

static struct vars *vars_with_event(void)
{
    struct json *payload, *event;
    struct err e;
    struct vars *v = vars_new(&rows_arena);
    static const char text[] = "{\"notes\":\"#{Secret}\",\"tags\":[\"#{Secret}\",\"b\"],\"csv\":\"#{Secret},x\",\"json\":\"{\\\"k\\\":\\\"#{Secret}\\\"}\",\"key\":\"db\","
                               "\"n\":1.10,\"big\":12345678901234567890,\"when\":\"2023-07-04T10:20:30.500Z\",\"on\":true,\"none\":null,\"Case\":\"U\",\"case\":\"l\","
                               "\"o\":{\"a\":{\"b\":\"deep\"},\"#{Secret}\":\"v\"},\"empty\":\"\",\"list\":[]}";
    if (!json_parse(&rows_arena, str_from(text), &payload, &e) || !json_parse(&rows_arena, STR("{\"Id\":\"Events-1\"}"), &event, &e))
        fail_msg("%s", e.text);
    vars_bind_json(v, STR("Payload"), payload, PROVENANCE_EVENT);
    vars_bind_json(v, STR("Octopus.Event"), event, PROVENANCE_EVENT);
    vars_set_text(v, STR("Octopus.Release.Notes"), STR(EVIL), PROVENANCE_EVENT);
    vars_set_text(v, STR("Secret"), STR("hunter2"), PROVENANCE_SECRET);
    vars_set_text(v, STR("Odd"), STR("pa#{ss"), PROVENANCE_SECRET);
    vars_set_text(v, STR("Map[db]"), STR("#{Host}:1"), PROVENANCE_TEMPLATE);
    vars_set_text(v, STR("Host"), STR("h"), PROVENANCE_TEMPLATE);
    return v;
}

TEST(event_data_never_becomes_template)
{
    static const struct { const char *claim, *name, *value, *template, *want; } rows[] = {
        { "a value", NULL, NULL, "#{Octopus.Release.Notes}", EVIL },
        { "parsed data", NULL, NULL, "#{Payload.notes}", EVIL },
        { "a value of a value", "V", "<#{Payload.notes}>", "#{V}", "<" EVIL ">" },
        { "a value of a value of a value", "V", "#{W}", "#{V}#{W | ToLower}", "#{Nope}#{nope}" },
        { "a list in a user variable", "V", "#{Payload.tags}", "#{each x in V}[#{x}]#{/each}", "[" EVIL "][b]" },
        { "text between commas in a user variable", "V", "#{Payload.csv}", "#{each x in V}[#{x}]#{/each}", "[" EVIL "][x]" },
        { "the author's item beside it", "V", "##{Host},#{Payload.csv}", "#{each x in V}[#{x}]#{/each}", "[#{Host}][" EVIL "][x]" },
        { "the list itself", NULL, NULL, "#{each x in Payload.tags}[#{x}]#{/each}", "[" EVIL "][b]" },
        { "text between commas", NULL, NULL, "#{each x in Payload.csv}[#{x}]#{/each}", "[" EVIL "][x]" },
        { "names of properties", NULL, NULL, "#{each p in Payload.o}[#{p}|#{p.Key}|#{p.Value}]#{/each}", "[a|a|{\"b\":\"deep\"}][" EVIL "|" EVIL "|v]" },
        { "JSON composed in a variable", "V", "{\"a\":\"#{Payload.notes}\",\"b\":\"##{Host}\"}", "#{V.a} #{V.b}", EVIL " #{Host}" },
        { "a list of JSON composed in a variable", "V", "[\"#{Payload.notes}\"]", "#{each x in V}#{x}#{/each}#{V[0]}", EVIL EVIL },
        { "JSON within a string of the payload", NULL, NULL, "#{Payload.json.k}", EVIL },
        { "an index chooses, and the chosen is a template", NULL, NULL, "#{Map[#{Payload.key}]}", "h:1" },
        { "an index that leads nowhere", NULL, NULL, "#{Map[#{Payload.notes}]}", "#{Map[#{Payload.notes}]}" },
        { "a filter option", NULL, NULL, "#{Host | Append #{Payload.notes}}", "h" EVIL },
        { "a filter option in a value", "V", "#{Host | Append #{Payload.notes}}", "#{V | Append x}", "h" EVIL "x" },
        { "a replacement", "V", "#{Host | Replace h #{Payload.notes}}", "#{V}", EVIL },
        { "what a filter makes of it", "V", "#{Payload.notes | Substring 0 9}", "#{V}", EVIL },
        { "decoded Base64", "V", "#{Payload.notes | ToBase64 | FromBase64}", "#{V}", EVIL },
        { "assembled from two values", "V", "##{#{Payload.key | Replace db Secret}}", "#{each x in V}#{x}#{/each}", EVIL },
        { "assembled in a value", "V", "##{Payload.x}#{Payload.key}", "#{each x in V}#{x}#{/each}", "#{Payload.x}db" },
        { "a branch", "V", "#{if Host}#{Payload.notes}#{/if}", "#{each x in V}#{x}#{/each}", EVIL },
        { "a loop's body", "V", "#{each t in Payload.tags}#{t};#{/each}", "#{each x in V}#{x}#{/each}", EVIL ";b;" },
        { "a secret either", "V", "#{Odd}", "#{V} #{Odd | ToUpper}", "pa#{ss PA#{SS" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        arena_reset(&rows_arena);
        struct vars *v = vars_with_event();
        if (rows[i].name)
            vars_set_text(v, str_from(rows[i].name), str_from(rows[i].value), PROVENANCE_TEMPLATE);
        vars_set_text(v, STR("W"), STR("#{Nope}"), PROVENANCE_EVENT);
        CHECK_STR(rows[i].claim, rows_render(rows[i].template, v).output, str_from(rows[i].want));
    }
}

static str marks(const struct template_result *r)
{
    char *p = arena_bytes(&rows_arena, r->output.n);
    memset(p, '.', r->output.n);
    for (size_t i = 0; i < r->range_count; i++)
        for (uint32_t at = r->ranges[i].begin; at < r->ranges[i].end; at++)
            p[at] = ".esb"[r->ranges[i].from];
    return (str){ p, r->output.n };
}

TEST(the_result_tells_where_its_bytes_came_from)
{
    static const struct { const char *claim, *template, *text, *marks; } rows[] = {
        { "an author's text has no marks", "https://#{Host}/", "https://h/", "............"  },
        { "an event's bytes", "a#{Payload.key}b", "adbb", ".ee." },
        { "a secret's", "key #{Secret};", "key hunter2;", "....sssssss." },
        { "both beside each other", "#{Payload.key}#{Secret}", "dbhunter2", "eesssssss" },
        { "Append keeps account", "#{Host | Append / #{Payload.key}#{Secret}}", "h/dbhunter2", "..eesssssss" },
        { "so does Prepend", "#{Payload.key | Prepend x}", "xdb", ".ee" },
        { "so do cuts", "#{V | Substring 1 3}", "dbz", "ee." },
        { "and escapes", "#{V | ToUpper}", "XDBZ", ".ee." },
        { "a filter that mixes marks all", "#{V | Replace x y}", "ydbz", "eeee" },
        { "an option marks, too", "#{Host | Replace h #{Secret}}", "hunter2", "sssssss" },
        { "a hash of a secret is one", "#{Secret | Md5 2}", "2ab9", "ssss" },
        { "through a value", "#{V}", "xdbz", ".ee." },
        { "through a loop", "#{each t in W}#{t}|#{/each}", "db|q|", "ee..." },
        { "of parsed data", "#{Octopus.Event.Id}", "Events-1", "eeeeeeee" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        arena_reset(&rows_arena);
        struct vars *v = vars_with_event();
        vars_set_text(v, STR("V"), STR("x#{Payload.key}z"), PROVENANCE_TEMPLATE);
        vars_set_text(v, STR("W"), STR("#{Payload.key},q"), PROVENANCE_TEMPLATE);
        struct template_result r = rows_render(rows[i].template, v);
        CHECK_STR(rows[i].claim, r.output, str_from(rows[i].text));
        CHECK_STR(rows[i].claim, marks(&r), str_sub(str_from(rows[i].marks), 0, r.output.n));
    }
}

TEST(parsed_data_keeps_its_text)
{
    static const struct { const char *claim, *template, *want; } rows[] = {
        { "numbers", "#{Payload.n} #{Payload.big}", "1.10 12345678901234567890" },
        { "dates", "#{Payload.when}", "2023-07-04T10:20:30.500Z" },
        { "booleans as Octostache prints them", "#{Payload.on}", "True" },
        { "null is empty", "[#{Payload.none}]", "[]" },
        { "absent is empty", "[#{Payload.nope}] [#{Payload.list[3]}]", "[] []" },
        { "also below what is absent", "[#{Payload.nope.deeper[1].still}]", "[]" },
        { "names as sent", "#{Payload.Case}#{Payload.case}#{Payload[case]}[#{Payload.CASE}]", "Ull[]" },
        { "the first name in any case", "#{payload.key} #{OCTOPUS.event.Id}", "db Events-1" },
        { "an object is compact JSON", "#{Payload.o.a}", "{\"b\":\"deep\"}" },
        { "elements by number, either way", "#{Payload.tags[1]}#{Payload.tags.1}", "bb" },
        { "no element by name", "#{Payload.tags.x}", "#{Payload.tags.x}" },
        { "nothing to go through", "#{each x in Payload.none}x#{/each}#{each x in Payload.nope}x#{/each}#{each x in Payload.list}x#{/each}|", "|" },
        { "conditions", "#{if Payload.on}y#{/if}#{if Payload.nope}n#{/if}#{if Payload.key == \"db\"}d#{/if}", "yd" },
        { "a date in a filter", "#{Payload.when | Format yyyy}", "2023" },
        { "a variable of its own wins", "#{Payload.own}", "set" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        arena_reset(&rows_arena);
        struct vars *v = vars_with_event();
        vars_set_text(v, STR("Payload.own"), STR("set"), PROVENANCE_TEMPLATE);
        CHECK_STR(rows[i].claim, rows_render(rows[i].template, v).output, str_from(rows[i].want));
    }
}

TEST(a_failed_parse_says_where_and_what)
{
    static const struct { const char *text; uint32_t line, column; const char *says; } rows[] = {
        { "#{A", 1, 4, "line 1, column 4: expected '}' or '|'" },
        { "x\n é #{A!}", 2, 7, "line 2, column 7: expected '}' or '|'" },
        { "#{/if}", 1, 2, "line 1, column 2: expected an opening tag: this one closes nothing" },
        { "#{A | }", 1, 7, "line 1, column 7: expected a filter name" },
        { "#{A == \"x", 1, 5, "line 1, column 5: expected '}' or '|'" },
        { "#{if A == \"x}#{/if}", 1, 14, "line 1, column 14: expected '\"' (a quoted text holds no '#'; \\\"...\\\" does)" },
        { "#{each x in L | F}#{/each}", 1, 15, "line 1, column 15: expected '}' (a list takes no filter)" },
        { "#{}", 1, 3, "line 1, column 3: expected a variable name" },
        { "#{calc 5.}", 1, 10, "line 1, column 10: expected a digit" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct template *t;
        struct template_error e;
        REQUIRE(rows[i].text, !template_parse(&rows_arena, str_from(rows[i].text), &t, &e));
        CHECK_TEXT(rows[i].text, e.text, rows[i].says);
        CHECK_INT(rows[i].text, e.line, rows[i].line);
        CHECK_INT(rows[i].text, e.column, rows[i].column);
    }
}

TEST(conditions_of_reactions)
{
    static const struct { const char *template; enum template_verdict want; } rows[] = {
        { "true", TEMPLATE_TRUE }, { "", TEMPLATE_FALSE }, { " 0 ", TEMPLATE_FALSE }, { "\nNo\n", TEMPLATE_FALSE }, { "False", TEMPLATE_FALSE }, { "00", TEMPLATE_TRUE },
        { "#{if Host == \"h\"}true#{/if}", TEMPLATE_TRUE }, { "#{if Host == \"x\"} #{/if}", TEMPLATE_FALSE }, { "yes #{Nope}", TEMPLATE_FALSE }, { "#{Host | Match \"(\"}", TEMPLATE_NOT_DECIDED },
        { "#{Host | null}", TEMPLATE_FALSE }, { "#{Payload.on}", TEMPLATE_TRUE },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct template_result r = rows_render(rows[i].template, vars_with_event());
        CHECK_INT(rows[i].template, template_truthy(&r), rows[i].want);
    }
}

TEST(what_it_refers_to)
{
    struct template *t;
    struct template_error e;
    size_t n;
    REQUIRE("parsed", template_parse(&rows_arena, STR("#{A.B} #{a.b} #{each x in P[*].L}#{x.Y}#{Other | Append #{if C == D}#{E}#{/if}}#{Octopus.Template.Each.Index}#{/each}#{x}#{calc {N}+1}#{M[#{K}]}"), &t, &e));
    str *names = template_references(t, &rows_arena, &n);
    CLEANUP(buf_fini) struct buf all = { 0 };
    for (size_t i = 0; i < n; i++) {
        buf_add(&all, names[i]);
        buf_add_char(&all, ' ');
    }
    CHECK_STR("each once, without the loop's own", buf_str(&all), STR("A.B P[*].L Other C D E x N M[#{K}] K "));
    REQUIRE("plain text", template_parse(&rows_arena, STR("none"), &t, &e));
    template_references(t, &rows_arena, &n);
    CHECK_INT("refers to nothing", (int64_t)n, 0);
    CHECK("and has no tokens", !template_has_tokens(t));
    CHECK_STR("its text is kept", template_text(t), STR("none"));
}

TEST(tokens_for_an_editor)
{
    size_t n;
    static const char text[] = "a #{A.B | Append \"x\"} #{each i in L}#{i}#{/each} #{bad!";
    struct template_token *tokens = template_tokens(&rows_arena, str_from(text), &n);
    CLEANUP(buf_fini) struct buf all = { 0 };
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%c:%.*s\n", "TVFO"[tokens[i].kind], (int)(tokens[i].end - tokens[i].begin), text + tokens[i].begin);
    CHECK_STR("in the order of the text, the enclosing first", buf_str(&all),
        STR("T:#{A.B | Append \"x\"}\nV:A.B\nF:Append\nO:\"x\"\nT:#{each i in L}#{i}#{/each}\nV:i\nV:L\nT:#{i}\nV:i\n"));
    CHECK("an empty text has none", !template_tokens(&rows_arena, STR(""), &n) && n == 0);
    CHECK_TEXT("filters are listed", template_filter_name(0), "adddays");
}

TEST(lenient_texts_never_fail)
{
    struct template *t;
    struct template_error e;
    struct template_result r;
    struct clock_fake clock;
    clock_fake_init(&clock, 0);
    REQUIRE("parsed", template_parse_lenient(&rows_arena, STR("#{Host!} #{Host} #{"), &t, &e));
    template_render(t, vars_with_event(), &clock.clock, &rows_arena, &r);
    CHECK_STR("what does not parse is text", r.output, STR("#{Host!} h #{"));
}

TEST(the_clock_is_asked_for_now)
{
    CHECK_STR("local", rows_render("#{ | NowDate}", vars_new(&rows_arena)).output, STR("2026-11-22T17:03:06.1230000"));
    CHECK_STR("UTC", rows_render("#{ | NowDateUtc \"HH:mm\"} #{ | NowDateUtc}", vars_new(&rows_arena)).output, STR("17:03 2026-11-22T17:03:06.1230000Z"));
}

TEST_MAIN()
