// Which of Octopus's variables a definition speaks of.
#include "reaction/octopus_vars.h"

#define NAME_MAX_BYTES 80

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Punctuation left out and in lower case, so that Octopus.Release.Number and $OctopusReleaseNumber are one.
static const struct { str prefix; uint32_t needs; } mentions[] = {
    { STR_INIT("octopusspacename"), NEEDS_SPACE },
    { STR_INIT("octopusprojectgroup"), NEEDS_PROJECT | NEEDS_GROUP },
    { STR_INIT("octopusproject"), NEEDS_PROJECT },
    { STR_INIT("octopusreleasechannel"), NEEDS_RELEASE | NEEDS_CHANNEL },
    { STR_INIT("octopusreleasepreviousforenvironment"), NEEDS_RELEASE | NEEDS_PREVIOUS_HERE | NEEDS_DEPLOYMENT },
    { STR_INIT("octopusreleasecurrentforenvironment"), NEEDS_RELEASE | NEEDS_CURRENT_HERE | NEEDS_DEPLOYMENT },
    { STR_INIT("octopusreleaseprevious"), NEEDS_RELEASE | NEEDS_PREVIOUS },
    { STR_INIT("octopusrelease"), NEEDS_RELEASE },
    { STR_INIT("octopusdeploymentcreatedby"), NEEDS_DEPLOYMENT | NEEDS_CREATOR },
    { STR_INIT("octopusdeploymenterror"), NEEDS_TASK },
    { STR_INIT("octopusdeploymenttenant"), NEEDS_TENANT },
    { STR_INIT("octopusdeployment"), NEEDS_DEPLOYMENT },
    { STR_INIT("octopusenvironment"), NEEDS_ENVIRONMENT },
    { STR_INIT("octopustask"), NEEDS_TASK },
    { STR_INIT("octopusmachine"), NEEDS_MACHINE },
    { STR_INIT("octopusrunbookruncreatedby"), NEEDS_RUNBOOK_RUN | NEEDS_CREATOR },
    { STR_INIT("octopusrunbookrun"), NEEDS_RUNBOOK_RUN },
    { STR_INIT("octopusrunbook"), NEEDS_RUNBOOK },
    { STR_INIT("octopuswebprojectlink"), NEEDS_PROJECT },
    { STR_INIT("octopuswebreleaselink"), NEEDS_RELEASE },
    { STR_INIT("octopuswebdeploymentlink"), NEEDS_DEPLOYMENT },
};
#define EVERYTHING ((uint32_t)(NEEDS_SNAPSHOT << 1) - 1)

static uint32_t needs_of_mention(str mention)
{
    for (size_t i = 0; i < COUNT(mentions); i++)
        if (str_starts(mention, mentions[i].prefix))
            return mentions[i].needs;
    return 0;
}

static bool begins_octopus(str text, size_t at)
{
    return (text.p[at] == 'o' || text.p[at] == 'O') && (at == 0 || !is_word(text.p[at - 1])) && str_starts_nocase(str_skip(text, at), STR("Octopus"));
}

// A name as it stands in a text, without punctuation and in lower case.
struct mention {
    char name[NAME_MAX_BYTES];
    size_t n;
};

// The next one from *at on. One walk over the text, however many names there are.
static bool next_mention(str text, size_t *at, struct mention *out)
{
    size_t i = *at;
    while (i + 7 < text.n && !begins_octopus(text, i))
        i++;
    if (i + 7 >= text.n)
        return false;
    out->n = 0;
    for (; i < text.n && out->n < sizeof out->name && (is_word(text.p[i]) || text.p[i] == '.' || text.p[i] == '{' || text.p[i] == '}'); i++)
        if (is_word(text.p[i]))
            out->name[out->n++] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i];
    *at = i;
    return true;
}

static uint32_t octopus_mentions(str text)
{
    uint32_t needs = 0;
    struct mention m;
    for (size_t at = 0; next_mention(text, &at, &m);)
        needs |= needs_of_mention((str){ m.name, m.n });
    return needs;
}

static bool is_one_of(str word, const char *const *list)
{
    for (; *list; list++)
        if (str_eq_nocase(word, str_from(*list)))
            return true;
    return false;
}

static bool is_own(const struct reaction *def, str word)
{
    for (size_t i = 0; def && i < def->variable_count; i++) {
        str name = str_trim(def->variables[i].name);
        if (str_eq_nocase(name, word) || (name.n > word.n && str_starts_nocase(name, word) && !is_word(name.p[word.n])))
            return true;
    }
    return false;
}

// ---- templates ----

// A symbol whose first word is none of ours may be a variable of the project.
static bool is_foreign_word(str word, const struct reaction *def)
{
    static const char *const known[] = { "Octopus", "Payload", "Query", "Route", "Request", "Reactions", "Event", "if", "elseif", "else", "unless", "each", "in", "true", "false", NULL };
    return word.n && !(word.p[0] >= '0' && word.p[0] <= '9') && !is_one_of(word, known) && !is_own(def, word);
}

// Within one #{...}: words outside quotes, each only in front of its first dot; what follows a bar is a filter.
static bool has_foreign_word(str token, const struct reaction *def)
{
    str loop = STR("");
    bool is_filter = false;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] == '"') {
            for (i++; i < token.n && token.p[i] != '"'; i++)
                ;
            continue;
        }
        if (token.p[i] == '|')
            is_filter = true;
        if (!is_word(token.p[i]))
            continue;
        size_t begin = i;
        while (i < token.n && (is_word(token.p[i]) || token.p[i] == '.'))
            i++;
        str word = str_sub(token, begin, i - begin), first;
        str rest = word;
        i--;
        str_split(&rest, '.', &first);
        if (is_filter) {
            is_filter = false;
            continue;
        }
        if (str_eq_nocase(loop, STR("each"))) {
            loop = STR(""); // the loop's own name
            continue;
        }
        loop = first;
        if (begin && token.p[begin - 1] == '/')
            continue; // #{/if}
        if (is_foreign_word(first, def))
            return true;
    }
    return false;
}

uint32_t octopus_needs_of_template(str text, const struct reaction *def)
{
    uint32_t needs = octopus_mentions(text);
    for (ptrdiff_t at = str_find(text, STR("#{")); at >= 0; at = str_find(text, STR("#{"))) {
        text = str_skip(text, (size_t)at + 2);
        ptrdiff_t end = str_find_char(text, '}');
        if (has_foreign_word(str_sub(text, 0, end < 0 ? text.n : (size_t)end), def))
            needs |= NEEDS_SNAPSHOT_ALL;
    }
    return needs;
}

// ---- scripts ----

static const char *const automatic[] = {
    "_", "PSItem", "true", "false", "null", "args", "input", "matches", "error", "this", "host", "home", "pid", "profile", "pwd", "PSVersionTable", "PSScriptRoot", "PSCommandPath", "LASTEXITCODE",
    "ErrorActionPreference", "VerbosePreference", "WarningPreference", "ProgressPreference", "DebugPreference", "InformationPreference", "env", "global", "script", "local", "private", "using", "function", "variable",
    "MyInvocation", "PSBoundParameters", "PSCmdlet", "ExecutionContext", "StackTrace", "OFS", "IsWindows", "IsLinux", "IsMacOS", "IsCoreCLR", "PSDefaultParameterValues", "OutputEncoding", "foreach", "switch", "PSCulture", "PSUICulture", "NestedPromptLevel", "ShellId",
    "Payload", "Query", "Route", "Request", "Event", "Octopus", "OctopusRepository", "OctopusParameters", "ProjectId", "ReleaseId", "DeploymentId", "EnvironmentId", "TenantId", "MachineId", "TaskId", "ChannelId", "SpaceId", NULL,
};

// "$name =", "$name +=", "foreach ($name in", "[string]$name", "-OutVariable name" and parameters: the script's own.
static bool is_assigned(str script, str name)
{
    for (size_t at = 0; at < script.n;) {
        ptrdiff_t found = str_find(str_skip(script, at), STR("$"));
        if (found < 0)
            return false;
        at += (size_t)found + 1;
        if (!str_starts_nocase(str_skip(script, at), name) || (at + name.n < script.n && is_word(script.p[at + name.n])))
            continue;
        if (at >= 2 && script.p[at - 2] == ']')
            return true; // typed: a declaration
        str rest = str_skip(script, at + name.n);
        while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
            rest = str_skip(rest, 1);
        if (rest.n > 1 && (rest.p[0] == '=' || rest.p[1] == '='))
            return true;
        if (str_starts_nocase(rest, STR("in ")))
            return true;
    }
    return false;
}

static bool is_in_parameters(str script, str name)
{
    ptrdiff_t at = str_find(script, STR("param"));
    if (at < 0)
        return false;
    str rest = str_skip(script, (size_t)at);
    ptrdiff_t dollar;
    int depth = 0;
    for (size_t i = 0; i < rest.n; i++) {
        depth += rest.p[i] == '(';
        depth -= rest.p[i] == ')';
        if (rest.p[i] == ')' && depth <= 0) {
            rest.n = i;
            break;
        }
    }
    while ((dollar = str_find_char(rest, '$')) >= 0) {
        rest = str_skip(rest, (size_t)dollar + 1);
        if (str_starts_nocase(rest, name) && (rest.n == name.n || !is_word(rest.p[name.n])))
            return true;
    }
    return false;
}

// $OctopusParameters['Name'] names one; used in any other way it may mean all of them.
static uint32_t needs_of_dictionary(str rest, const struct reaction *def)
{
    rest = str_skip(rest, STR("OctopusParameters").n);
    if (!rest.n || rest.p[0] != '[')
        return EVERYTHING;
    char quote = rest.n > 1 ? rest.p[1] : 0;
    ptrdiff_t end = quote == '\'' || quote == '"' ? str_find_char(str_skip(rest, 2), quote) : -1;
    if (end < 0)
        return EVERYTHING;
    str name = str_sub(rest, 2, (size_t)end);
    if (str_has(name, '$'))
        return EVERYTHING;
    if (str_starts_nocase(name, STR("Octopus.")))
        return octopus_mentions(name);
    return is_own(def, name) || str_starts_nocase(name, STR("Reactions.")) ? 0 : NEEDS_SNAPSHOT_ALL;
}

uint32_t octopus_needs_of_script(str text, const struct reaction *def)
{
    uint32_t needs = octopus_mentions(text);
    str rest = text;
    for (ptrdiff_t dollar; (dollar = str_find_char(rest, '$')) >= 0;) {
        rest = str_skip(rest, (size_t)dollar + 1);
        str from = rest.n && rest.p[0] == '{' ? str_skip(rest, 1) : rest;
        size_t n = 0;
        while (n < from.n && is_word(from.p[n]))
            n++;
        str name = str_sub(from, 0, n);
        if (str_eq_nocase(name, STR("OctopusParameters")))
            needs |= needs_of_dictionary(from, def);
        else if (n && !(name.p[0] >= '0' && name.p[0] <= '9') && !is_one_of(name, automatic) && !str_starts_nocase(name, STR("Octopus")) && !is_own(def, name) && !is_assigned(text, name) && !is_in_parameters(text, name))
            needs |= NEEDS_SNAPSHOT_ALL;
    }
    return needs;
}

// Every text of a definition that is a template, one after the other; false behind the last.
static bool next_text(const struct reaction *def, size_t *at, str *out)
{
    const str texts[] = { def->condition, def->order_by, def->method, def->uri, def->body, def->content_type, json_str(json_get(def->debounce, STR("By")), STR("")) };
    size_t i = (*at)++, header_count = def->headers ? def->headers->count : 0;
    *out = STR("");
    if (i < COUNT(texts)) {
        *out = texts[i];
        return true;
    }
    i -= COUNT(texts);
    if (i < header_count) {
        *out = json_str(json_get(json_at(def->headers, i), STR("Value")), STR(""));
        return true;
    }
    i -= header_count;
    if (i < def->variable_count && !def->variables[i].is_sensitive)
        *out = json_str(def->variables[i].value, STR(""));
    return i < def->variable_count;
}

uint32_t octopus_needs(const struct reaction *def)
{
    uint32_t needs = NEEDS_NOTHING;
    str text;
    for (size_t at = 0; next_text(def, &at, &text);)
        needs |= octopus_needs_of_template(text, def);
    if (def->action_type == ACTION_POWERSHELL)
        needs |= octopus_needs_of_script(def->script, def);
    return needs;
}

// ---- names ----

#define NAMES_MAX 32 // of a definition that speaks of more, all are put together

static bool has_name(const struct octopus_names *names, str name)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_eq(names->items[i], name))
            return true;
    return false;
}

const struct octopus_names *octopus_names(const struct reaction *def, struct arena *a)
{
    struct octopus_names *names = ARENA_NEW(a, struct octopus_names);
    str text;
    struct mention m;
    if (def->action_type == ACTION_POWERSHELL || octopus_needs(def) & NEEDS_SNAPSHOT)
        return NULL;
    names->items = ARENA_ARRAY(a, str, NAMES_MAX);
    for (size_t next = 0; next_text(def, &next, &text);)
        for (size_t at = 0; next_mention(text, &at, &m);) {
            str name = { m.name, m.n };
            // Octopus.Event is the event itself, which is always there.
            if (has_name(names, name) || str_starts(name, STR("octopusevent")))
                continue;
            if (names->count == NAMES_MAX)
                return NULL;
            names->items[names->count++] = arena_str(a, name);
        }
    return names;
}

bool octopus_names_may_hold(const struct octopus_names *names, str name)
{
    struct mention m = { .n = 0 };
    for (size_t i = 0; i < name.n && m.n < sizeof m.name; i++)
        if (is_word(name.p[i]))
            m.name[m.n++] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20) : name.p[i];
    for (size_t i = 0; i < names->count; i++) {
        size_t n = MIN(m.n, names->items[i].n);
        if (!memcmp(names->items[i].p, m.name, n))
            return true;
    }
    return false;
}
