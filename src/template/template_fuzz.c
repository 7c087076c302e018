// The first byte chooses strict or lenient; the rest is a template and, behind each 0xFF, a variable's value: A and
// B the author's, E an event's, J the author's again. Whatever they hold, rendering ends, in the bounds, and
// the bytes of a secret are marked wherever they stand.
#include "template/template.h"

#define SECRET "s3cr3tS3CR3T"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_marked(const struct template_result *r, size_t begin, size_t n)
{
    for (size_t at = begin; at < begin + n; at++) {
        bool found = false;
        for (size_t i = 0; i < r->range_count; i++)
            found |= at >= r->ranges[i].begin && at < r->ranges[i].end && (r->ranges[i].from & TEMPLATE_FROM_SECRET);
        if (!found)
            return false;
    }
    return true;
}

static void check_result(const struct template_result *r, bool names_secret)
{
    uint32_t before = 0;
    for (size_t i = 0; i < r->range_count; i++) {
        must(r->ranges[i].begin >= before && r->ranges[i].begin < r->ranges[i].end && r->ranges[i].end <= r->output.n && r->ranges[i].from);
        before = r->ranges[i].end;
    }
    if (names_secret)
        return; // the input writes the secret itself
    for (str rest = r->output; rest.n;) {
        ptrdiff_t at = str_find(rest, STR(SECRET));
        if (at < 0)
            break;
        must(is_marked(r, r->output.n - rest.n + (size_t)at, sizeof SECRET - 1));
        rest = str_skip(rest, (size_t)at + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > 4096)
        return 0;
    static struct arena a;
    arena_reset(&a);
    str all = { (const char *)data + 1, size - 1 }, text = { 0 }, part;
    struct vars *v = vars_new(&a);
    static const struct { str name; enum vars_provenance provenance; } names[] = { { STR_INIT("A"), PROVENANCE_TEMPLATE }, { STR_INIT("B"), PROVENANCE_TEMPLATE }, { STR_INIT("E"), PROVENANCE_EVENT }, { STR_INIT("J"), PROVENANCE_TEMPLATE }, { STR_INIT("P[x].y"), PROVENANCE_TEMPLATE } };
    for (size_t i = 0; i <= COUNT(names) && str_split(&all, '\xFF', &part); i++) {
        if (!i)
            text = part;
        else
            vars_set_text(v, names[i - 1].name, part, names[i - 1].provenance);
    }
    struct json *payload;
    struct err e;
    must(json_parse(&a, STR("{\"k\":[1,\"#{S}\",{\"x\":null}],\"s\":\"#{S}\"}"), &payload, &e));
    vars_bind_json(v, STR("D"), payload, PROVENANCE_EVENT);
    vars_set_text(v, STR("S"), STR(SECRET), PROVENANCE_SECRET);

    struct template *t;
    struct template_error wrong = { 0 };
    bool is_lenient = data[0] & 1;
    size_t n;
    if (is_lenient ? template_parse_lenient(&a, text, &t, &wrong) : template_parse(&a, text, &t, &wrong)) {
        struct clock_fake clock;
        struct template_result r;
        clock_fake_init(&clock, INT64_C(1700000000000));
        template_render(t, v, &clock.clock, &a, &r);
        template_truthy(&r);
        bool names_secret = memmem(data, size, "s3cr", 4) != NULL;
        check_result(&r, names_secret);
        template_references(t, &a, &n);
    } else {
        must(wrong.offset <= text.n && wrong.text[0]);
    }
    struct template_token *tokens = template_tokens(&a, text, &n);
    for (size_t i = 0; i < n; i++)
        must(tokens[i].begin <= tokens[i].end && tokens[i].end <= text.n);
    return 0;
}
