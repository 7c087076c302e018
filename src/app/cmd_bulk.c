// By query: runs retry|cancel with filters, replay of a range, backfill. What the server answers, in a line each.
#include "app/bulk.h"
#include "app/commands.h"

static void add_option(struct cli *c, struct json *body, const char *option, const char *member)
{
    str value = cli_option(c, option);
    if (value.p)
        json_add_str(&c->arena, body, member, value);
}

static bool add_max(struct cli *c, struct json *body)
{
    str value = cli_option(c, "--max");
    int64_t max;
    if (!value.p)
        return true;
    if (!str_to_i64(value, &max))
        return err_set(&c->err, ERR_INVALID, "--max: \"%.*s\" must be a number", STR_ARG(value));
    json_add_i64(&c->arena, body, "Max", max);
    return true;
}

// "a,b": a list.
static void add_list(struct cli *c, struct json *body, const char *option, const char *member)
{
    str rest = cli_option(c, option), one;
    if (!rest.p)
        return;
    struct json *list = json_add(body, str_from(member), json_new_array(&c->arena));
    while (str_split(&rest, ',', &one))
        if (str_trim(one).n)
            json_push(list, json_new_string(&c->arena, str_trim(one)));
}

static int64_t number(const struct json *answer, const char *name)
{
    int64_t value = 0;
    json_i64(json_get(answer, str_from(name)), &value);
    return value;
}

static void say_more(const struct json *answer)
{
    if (json_bool(json_get(answer, STR("More")), false))
        printf("there are more: narrow the range, raise --max, or do it again\n");
}

bool bulk_runs(struct cli *c, str verb)
{
    struct json *body = json_new_object(&c->arena), *answer;
    add_option(c, body, "--reaction", "Reaction");
    add_option(c, body, "--event", "Event");
    add_option(c, body, "--from", "From");
    add_option(c, body, "--to", "To");
    add_list(c, body, "--state", "States");
    if (cli_option(c, "--dry-run").p)
        json_add_bool(&c->arena, body, "DryRun", true);
    if (!add_max(c, body) || !cli_call(c, "POST", arena_printf(&c->arena, "/runs/%.*s", STR_ARG(verb)), body, &answer))
        return false;
    if (c->is_json) {
        cli_print_object(c, answer);
        return true;
    }
    json_each(run, json_get(answer, STR("Runs")))
        printf("%.*s\n", STR_ARG(run->text));
    if (cli_option(c, "--dry-run").p)
        printf("%u runs would be %s\n", json_get(answer, STR("Runs")) ? json_get(answer, STR("Runs"))->count : 0, str_eq(verb, STR("retry")) ? "tried again" : "cancelled");
    else
        printf("%" PRId64 " runs %s\n", number(answer, "Changed"), str_eq(verb, STR("retry")) ? "are tried again" : "cancelled");
    say_more(answer);
    return true;
}

static bool bulk_events(struct cli *c, const char *path, struct json *body)
{
    struct json *answer;
    add_option(c, body, "--from", "From");
    add_option(c, body, "--to", "To");
    add_list(c, body, "--reaction", "Reactions");
    if (!add_max(c, body) || !cli_call(c, "POST", str_from(path), body, &answer))
        return false;
    if (c->is_json) {
        cli_print_object(c, answer);
        return true;
    }
    size_t new = 0;
    json_each(match, json_get(answer, STR("Matches")))
    {
        bool has_run = json_bool(json_get(match, STR("HasRun")), false);
        str id = cli_member(&c->arena, match, STR("EventId")), octopus_id = cli_member(&c->arena, match, STR("OctopusEventId"));
        new += !has_run;
        printf("%.*s  %-24.*s %-26.*s %.*s%s\n", STR_ARG(cli_member(&c->arena, match, STR("Occurred"))), STR_ARG(octopus_id.n ? octopus_id : id), STR_ARG(cli_member(&c->arena, match, STR("Type"))),
            STR_ARG(cli_member(&c->arena, match, STR("ReactionId"))), has_run ? "  (has a run already)" : "");
    }
    printf("%" PRId64 " events looked at, %zu runs %s\n", number(answer, "Events"), new, json_bool(json_get(answer, STR("DryRun")), false) ? "would be made" : "made");
    say_more(answer);
    return true;
}

bool bulk_replay(struct cli *c)
{
    struct json *body = json_new_object(&c->arena);
    add_option(c, body, "--type", "Type");
    if (cli_option(c, "--dry-run").p)
        json_add_bool(&c->arena, body, "DryRun", true);
    return bulk_events(c, "/events/replay", body);
}

int cmd_backfill(int argc, char **argv)
{
    static const char usage[] = "reactions backfill --from TIME [--to TIME] --reaction NAME[,NAME...] [--max N] [--run]    (without --run it only shows what would be done)";
    static const char *const valued[] = { "--from", "--to", "--reaction", "--max", NULL }, *const bare[] = { "--run", NULL };
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, valued, bare))
        return 2;
    if (c.word_count || !cli_option(&c, "--from").n || !cli_option(&c, "--reaction").n) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    struct json *body = json_new_object(&c.arena);
    json_add_bool(&c.arena, body, "DryRun", !cli_option(&c, "--run").p);
    int status = bulk_events(&c, "/events/backfill", body) ? 0 : cli_fail(&c);
    cli_end(&c);
    return status;
}
