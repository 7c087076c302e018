#include "tests/harness/check.h"

#include "reaction/octopus_vars.h"

#define SNAPSHOT (NEEDS_SNAPSHOT | NEEDS_RELEASE | NEEDS_DEPLOYMENT | NEEDS_RUNBOOK_RUN | NEEDS_TENANT)

static const struct variable own[] = { { .name = STR_INIT("Mine") }, { .name = STR_INIT("NewRelic.ApiKey") } };

TEST(templates_say_what_they_need)
{
    static const struct { const char *claim, *text; uint32_t want; } rows[] = {
        { "nothing", "production", 0 },
        { "the payload", "#{Payload.Name} #{Octopus.Event.Category}", 0 },
        { "a release's number", "#{Octopus.Release.Number | JsonEscape}", NEEDS_RELEASE },
        { "the case does not count", "#{octopus.release.number}", NEEDS_RELEASE },
        { "in a condition", "#{if Octopus.Environment.Name == \"Production\"}true#{/if}", NEEDS_ENVIRONMENT },
        { "a group needs its project", "#{Octopus.ProjectGroup.Name}", NEEDS_PROJECT | NEEDS_GROUP },
        { "the release before", "#{Octopus.Release.Previous.Number}", NEEDS_RELEASE | NEEDS_PREVIOUS },
        { "the release before it here", "#{Octopus.Release.PreviousForEnvironment.Number}", NEEDS_RELEASE | NEEDS_PREVIOUS_HERE | NEEDS_DEPLOYMENT },
        { "who deployed", "#{Octopus.Deployment.CreatedBy.DisplayName}", NEEDS_DEPLOYMENT | NEEDS_CREATOR },
        { "an error stands in the task", "#{Octopus.Deployment.Error}", NEEDS_TASK },
        { "a tenant's tags", "#{Octopus.Deployment.Tenant.Tags}", NEEDS_TENANT },
        { "its own variables", "#{Mine} #{NewRelic.ApiKey}", 0 },
        { "a project's", "#{Shop.Url}", SNAPSHOT },
        { "a project's in a condition", "#{if Shop.IsOpen}x#{else}y#{/if}", SNAPSHOT },
        { "a loop over its own", "#{each item in Payload.Items}#{item}#{/each}", SNAPSHOT }, // item is taken for a project's: one look-up too many
        { "a filter is no variable", "#{Payload.Name | ToLower | Replace \"a\" \"b\"}", 0 },
        { "quoted text neither", "#{if Payload.Name == \"Shop Url\"}x#{/if}", 0 },
    };
    struct reaction def = { .variables = (struct variable *)(uintptr_t)own, .variable_count = COUNT(own) };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, octopus_needs_of_template(str_from(rows[i].text), &def), rows[i].want);
}

TEST(scripts_say_what_they_need)
{
    const uint32_t everything = ((uint32_t)NEEDS_SNAPSHOT << 1) - 1;
    const struct { const char *claim, *text; uint32_t want; } rows[] = {
        { "nothing", "Write-Host 'hello'; $x = 1; $x + 2", 0 },
        { "ids stand in the event", "$ReleaseId; $ProjectId", 0 },
        { "a name in the dictionary", "$OctopusParameters['Octopus.Release.Notes']", NEEDS_RELEASE },
        { "without its punctuation", "$OctopusReleaseNotes", NEEDS_RELEASE },
        { "and in a text", "Write-Host \"to $OctopusEnvironmentName\"", NEEDS_ENVIRONMENT },
        { "the dictionary as a whole", "$OctopusParameters.Keys", everything },
        { "an index that is computed", "$OctopusParameters[$name]; $name = 'x'", everything },
        { "a project's variable", "$OctopusParameters[\"Shop.Url\"]", SNAPSHOT },
        { "a project's, without punctuation", "Invoke-RestMethod $ShopUrl", SNAPSHOT },
        { "one that the script sets", "foreach ($p in $Payload.Items) { $n += 1; $p.Name }", 0 },
        { "a parameter", "param([string]$Name, $Other)\n$Name; $Other", 0 },
        { "its own", "$OctopusParameters['Mine']", 0 },
        { "automatic ones", "$_ ; $PSItem; $env:HOME; $true; ${global:x}", 0 },
    };
    struct reaction def = { .variables = (struct variable *)(uintptr_t)own, .variable_count = COUNT(own) };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, octopus_needs_of_script(str_from(rows[i].text), &def), rows[i].want);
}

TEST(templates_name_what_they_may_speak_of)
{
    static const struct { const char *claim, *text, *name; bool want; } rows[] = {
        { "the name itself", "#{Octopus.Release.Number}", "Octopus.Release.Number", true },
        { "the case does not count", "#{octopus.RELEASE.number}", "Octopus.Release.Number", true },
        { "what lies below it", "#{each r in Octopus.Release}#{r.Number}#{/each}", "Octopus.Release.Number", true },
        { "what it lies below", "#{Octopus.Project.Name.Length}", "Octopus.Project.Name", true },
        { "an indexed one", "#{Octopus.Release.CustomFields[Ticket]}", "Octopus.Release.CustomFields[Ticket]", true },
        { "all of Octopus", "#{each x in Octopus}#{x}#{/each}", "Octopus.Task.Id", true },
        { "a name put together", "#{Octopus.#{Payload.What}.Id}", "Octopus.Task.Id", true },
        { "a project's variable may speak of any", "#{Shop.Url}", "Octopus.Task.Id", true },
        { "another name", "#{Octopus.Release.Number}", "Octopus.Release.Notes", false },
        { "the event alone", "#{Octopus.Event.Message | JsonEscape} of Octopus", "Octopus.Space.Id", false },
        { "nothing", "{}", "Octopus.Release.Id", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct reaction def = { .action_type = ACTION_HTTP, .body = str_from(rows[i].text), .variables = (struct variable *)(uintptr_t)own, .variable_count = COUNT(own) };
        const struct octopus_names *names = octopus_names(&def, &a);
        CHECK(rows[i].claim, (!names || octopus_names_may_hold(names, str_from(rows[i].name))) == rows[i].want);
    }
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct reaction event = { .action_type = ACTION_HTTP, .body = STR("#{Octopus.Event.Message} of #{Octopus.Event.Username}") };
    CHECK_INT("the event is there without any", octopus_names(&event, &a)->count, 0);
    struct reaction script = { .action_type = ACTION_POWERSHELL, .script = STR("1") };
    CHECK("a script finds all", !octopus_names(&script, &a));
}

TEST_MAIN()
