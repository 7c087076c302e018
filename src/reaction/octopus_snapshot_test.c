#include "tests/harness/check.h"

#include "reaction/octopus_vars.h"

static const char project[] =
    "{\"Variables\":["
    "{\"Name\":\"Url\",\"Value\":\"plain\",\"Scope\":{}},{\"Name\":\"Url\",\"Value\":\"in production\",\"Scope\":{\"Environment\":[\"Environments-3\"]}},"
    "{\"Name\":\"Url\",\"Value\":\"of the channel\",\"Scope\":{\"Channel\":[\"Channels-2\"]}},{\"Name\":\"Url\",\"Value\":\"of the ring\",\"Scope\":{\"TenantTag\":[\"Ring/Early\"]}},"
    "{\"Name\":\"Url\",\"Value\":\"in production for the ring\",\"Scope\":{\"Environment\":[\"Environments-3\"],\"TenantTag\":[\"Ring/Early\"]}},"
    "{\"Name\":\"Password\",\"Value\":null,\"Type\":\"Sensitive\",\"IsSensitive\":true,\"Scope\":{}},"
    "{\"Name\":\"OnRole\",\"Value\":\"x\",\"Scope\":{\"Role\":[\"web\"]}},{\"Name\":\"OnlyTest\",\"Value\":\"x\",\"Scope\":{\"Environment\":[\"Environments-1\"]}},"
    "{\"Name\":\"Both\",\"Value\":\"x\",\"Scope\":{\"TenantTag\":[\"Ring/Early\",\"Ring/Late\",\"Size/Large\"]}},"
    "{\"Name\":\"Shared\",\"Value\":\"the project's\",\"Scope\":{}},{\"Name\":\"Full\",\"Value\":\"https://#{Shared}/#{Octopus.Release.Number}/#{Secret.Key}\",\"Scope\":{}},"
    "{\"Name\":\"Mixed\",\"Value\":null,\"IsSensitive\":true,\"Scope\":{\"Environment\":[\"Environments-3\"]}},{\"Name\":\"Mixed\",\"Value\":\"open\",\"Scope\":{}}]}";
static const char library[] = "{\"Variables\":[{\"Name\":\"Shared\",\"Value\":\"the library's\",\"Scope\":{}},{\"Name\":\"FromLibrary\",\"Value\":\"yes\",\"Scope\":{}},{\"Name\":\"Odd\"},{}]}";

TEST(the_most_specific_value_counts)
{
    static const struct { const char *claim, *name, *environment, *channel, *tags, *want; } rows[] = {
        { "without a scope", "Url", "Environments-1", "Channels-1", "[]", "plain" },
        { "the channel", "Url", "Environments-1", "Channels-2", "[]", "of the channel" },
        { "the environment goes before the channel", "Url", "Environments-3", "Channels-2", "[]", "in production" },
        { "a tenant's tag goes before the environment", "Url", "Environments-1", "Channels-2", "[\"Ring/Early\"]", "of the ring" },
        { "both before one", "Url", "Environments-3", "Channels-2", "[\"Ring/Early\"]", "in production for the ring" },
        { "no environment: what is scoped to none", "Url", "", "Channels-1", "[]", "plain" },
        { "the project goes before the library", "Shared", "", "", "[]", "the project's" },
        { "the library counts too", "FromLibrary", "", "", "[]", "yes" },
        { "tags of one set are alternatives, sets are not", "Both", "", "", "[\"Ring/Late\"]", "! none of its values is scoped to this environment, tenant and channel" },
        { "one of each", "Both", "", "", "[\"Ring/Late\",\"Size/Large\"]", "x" },
        { "a sensitive one has no value", "Password", "", "", "[]", "! it is sensitive" },
        { "nor where the sensitive value is the one that counts", "Mixed", "Environments-3", "", "[]", "! it is sensitive" },
        { "elsewhere it has", "Mixed", "Environments-1", "", "[]", "open" },
        { "roles are not known", "OnRole", "", "", "[]", "! its values are scoped to steps, machines, roles or processes, which an event does not have" },
        { "another environment's", "OnlyTest", "Environments-3", "", "[]", "! none of its values is scoped to this environment, tenant and channel" },
        { "values speak of Octopus's variables and of nothing else", "Full", "", "", "[]", "https://the project's/1.0/#{Secret.Key}" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct json *sets[2], *tags, *values = json_new_object(&a), *reasons = json_new_object(&a);
        struct err e = { 0 };
        CHECK_OK("they parse", json_parse(&a, str_from(project), &sets[0], &e) && json_parse(&a, str_from(library), &sets[1], &e) && json_parse(&a, str_from(rows[i].tags), &tags, &e), &e);
        json_add_str(&a, values, "Octopus.Release.Number", STR("1.0"));
        struct octopus_scope scope = { str_from(rows[i].environment), str_from(rows[i].channel), STR("Tenants-1"), tags };
        octopus_snapshot_variables((const struct json *const *)sets, 2, &scope, &clock_system, values, reasons, &a);
        str got = json_str(json_get(values, str_from(rows[i].name)), STR(""));
        if (!got.n)
            got = arena_printf(&a, "! %.*s", STR_ARG(json_str(json_get(reasons, str_from(rows[i].name)), STR(""))));
        CHECK_STR(rows[i].claim, got, str_from(rows[i].want));
    }
}

TEST_MAIN()
