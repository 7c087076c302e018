#include "reaction/order.h"

#include "reaction/payload.h"
#include "tests/harness/check.h"

static str key_of(struct arena *a, const char *order_by, const char *payload)
{
    struct keyring *keyring = keyring_from_bytes((const unsigned char[KEYRING_KEY_BYTES]){ 1 }, &random_system);
    static const struct snapshot snapshot;
    struct data_source source = { &snapshot, keyring, &clock_system, NULL };
    struct store_event event = { .payload_kind = STR("json"), .body = str_from(payload) };
    struct variable variable = { .name = STR("Token"), .value = json_new_string(a, STR("s3cr3t")), .is_sensitive = true };
    struct reaction def = { .has_order_by = order_by != NULL, .order_by = str_from(order_by), .variables = &variable, .variable_count = 1 };
    struct reaction_entry entry = { .id = 1, .space_id = 1, .def = &def };
    str key = order_key(&source, &event, payload_json(&event, a), &entry, a);
    keyring_close(keyring);
    return key;
}

TEST(runs_with_one_key_go_in_order)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    static const struct {
        const char *claim, *order_by, *payload, *want;
    } rows[] = {
        { "without OrderBy there is no order", NULL, "{}", "" },
        { "an empty OrderBy is none", "", "{}", "" },
        { "the key is the rendered text", "#{Payload.Project}/#{Payload.Env}", "{\"Project\":\"Web\",\"Env\":\"Test\"}", "Web/Test" },
        { "blanks around it do not count", " #{Payload.Project} ", "{\"Project\":\" Web \"}", "Web" },
        { "what renders to nothing has no order", "#{if Payload.Project}x#{/if}", "{}", "" },
        { "the event is no template", "#{Payload.Project}", "{\"Project\":\"#{Token}\"}", "#{Token}" },
        { "what cannot be rendered goes one after the other", "#{Payload.V | Match \"(\"}", "{\"V\":\"x\"}", "(OrderBy could not be rendered)" },
        { "a secret is not kept", "#{Token}", "{}", "sha256:4e738ca5563c06cfd0018299933d58db1dd8bf97f6973dc99bf6cdc64b5550bd" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, key_of(&a, rows[i].order_by, rows[i].payload), str_from(rows[i].want));
    str big = arena_printf(&a, "{\"V\":\"%0300d\"}", 1), other = arena_printf(&a, "{\"V\":\"%0300d\"}", 2);
    CHECK_INT("a long key is bounded", key_of(&a, "#{Payload.V}", big.p).n, 71);
    CHECK("and still its own", !str_eq(key_of(&a, "#{Payload.V}", big.p), key_of(&a, "#{Payload.V}", other.p)));
}

TEST_MAIN()
