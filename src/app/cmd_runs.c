// runs (and runs --follow), fire, replay: what happens, and making it happen.
#include "app/bulk.h"
#include "app/cli.h"
#include "app/commands.h"

#include "base/encode.h"
#include "base/map.h"
#include "base/timetext.h"
#include "sys/clock.h"

#include <signal.h>
#include <unistd.h>

#define FOLLOW_PAUSE_US 150000

static bool use_colour(void)
{
    return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

static const char *colour(const char *code)
{
    return use_colour() ? code : "";
}

#define BOLD colour("\033[1m")
#define DIM colour("\033[2m")
#define RED colour("\033[31m")
#define GREEN colour("\033[32m")
#define YELLOW colour("\033[33m")
#define CYAN colour("\033[36m")
#define RESET colour("\033[0m")

static void say(str text)
{
    for (size_t i = 0; i < text.n; i++)
        putchar(((unsigned char)text.p[i] < 0x20 && text.p[i] != '\t') || text.p[i] == 0x7f ? ' ' : text.p[i]);
}

static int64_t time_of(const struct json *object, const char *name)
{
    int64_t at = 0;
    timetext_parse(json_str(json_get(object, str_from(name)), STR("")), &at);
    return at;
}

// ---- following ----

// What has been shown of one run.
struct shown {
    bool head;
    size_t calls, requests;
    str state;
    int64_t log_after;
};

struct follow {
    struct cli *cli;
    struct map shown; // run id -> struct shown
    struct map names; // reaction id -> its JSON
    str current;      // the run whose lines were printed last
    bool is_done;     // --until-idle: everything seen has ended
};

static const struct json *reaction_of(struct follow *f, str id)
{
    struct json *r = map_get(&f->names, id);
    if (!r && cli_call(f->cli, "GET", arena_printf(&f->cli->arena, "/reactions/%.*s", STR_ARG(id)), NULL, &r) && r)
        map_put(&f->names, id, r);
    return r;
}

static void show_title(struct follow *f, const struct json *run, const char *more)
{
    const struct json *reaction = reaction_of(f, json_str(json_get(run, STR("ReactionId")), STR("")));
    str id = json_str(json_get(run, STR("Id")), STR(""));
    printf("\n%s%.*s%s  ", BOLD, STR_ARG(id), RESET);
    say(json_str(json_get(reaction, STR("Name")), STR("(deleted reaction)")));
    printf("%s%s%s\n", DIM, more, RESET);
    f->current = arena_str(&f->cli->arena, id);
}

// Runs happen side by side: what is printed next belongs to this one.
static void turn_to(struct follow *f, const struct json *run)
{
    if (!str_eq(f->current, json_str(json_get(run, STR("Id")), STR(""))))
        show_title(f, run, " (goes on)");
}

static void show_trigger(struct follow *f, const struct json *event, str event_id)
{
    struct arena *a = &f->cli->arena;
    printf("  %strigger%s  %.*s  %s%.*s", CYAN, RESET, STR_ARG(json_str(json_get(event, STR("Type")), STR("?"))), DIM, STR_ARG(event_id));
    if (str_eq(json_str(json_get(event, STR("Source")), STR("")), STR("Internal"))) {
        printf(" of %.*s: ", STR_ARG(json_str(json_get(event, STR("Connection")), STR("?"))));
        say(str_trim(json_str(json_get(json_get(event, STR("Payload")), STR("Message")), STR(""))));
    } else {
        printf(", %.*s bytes, from %.*s", STR_ARG(cli_member(a, event, STR("Request.BodyBytes"))), STR_ARG(cli_member(a, event, STR("Request.RemoteAddress"))));
    }
    str cause = cli_member(a, event, STR("CausedBy.RunId"));
    if (cause.n)
        printf("; caused by %.*s", STR_ARG(cause));
    printf("%s\n", RESET);
}

static void show_head(struct follow *f, const struct json *run)
{
    struct cli *c = f->cli;
    struct arena *a = &c->arena;
    const struct json *reaction = reaction_of(f, json_str(json_get(run, STR("ReactionId")), STR("")));
    struct json *event = NULL, *explain = NULL;
    str event_id = json_str(json_get(run, STR("EventId")), STR(""));
    cli_call(c, "GET", arena_printf(a, "/events/%.*s", STR_ARG(event_id)), NULL, &event);
    cli_call(c, "GET", arena_printf(a, "/events/%.*s/explain", STR_ARG(event_id)), NULL, &explain);
    show_title(f, run, "");
    show_trigger(f, event, event_id);
    json_each(judged, json_get(explain, STR("Reactions")))
    {
        if (!str_eq(json_str(json_get(judged, STR("ReactionId")), STR("")), json_str(json_get(run, STR("ReactionId")), STR("-"))))
            continue;
        printf("  %sfilter%s   %.*s", CYAN, RESET, STR_ARG(json_str(json_get(judged, STR("Verdict")), STR(""))));
        json_each(part, json_get(judged, STR("Parts")))
            printf("  %s%.*s %s%s", DIM, STR_ARG(json_str(json_get(part, STR("Part")), STR(""))), json_bool(json_get(part, STR("Passed")), false) ? "yes" : "no", RESET);
        putchar('\n');
    }
    str type = cli_member(a, reaction, STR("Action.Type")), identity = cli_member(a, reaction, STR("Identity"));
    printf("  %saction%s   %.*s%s%.*s\n", CYAN, RESET, STR_ARG(type), identity.n ? " as " : "", STR_ARG(identity));
}

static const char *level_colour(str level)
{
    if (str_eq(level, STR("Error")))
        return RED;
    if (str_eq(level, STR("Warning")))
        return YELLOW;
    if (str_eq(level, STR("Highlight")))
        return GREEN;
    return "";
}

// An attempt's HTTP request and what came of it, once it has ended.
static void show_request(struct follow *f, const struct json *run, const struct json *attempt)
{
    const struct json *request = json_get(attempt, STR("Request")), *response = json_get(attempt, STR("Response"));
    double seconds = 0;
    int64_t status = 0;
    turn_to(f, run);
    printf("  %srequest%s  %.*s ", CYAN, RESET, STR_ARG(json_str(json_get(request, STR("Method")), STR(""))));
    say(json_str(json_get(request, STR("Uri")), STR("")));
    if (json_i64(json_get(response, STR("Status")), &status))
        printf(" %s%" PRId64 "%s", status >= 200 && status < 300 ? GREEN : RED, status, RESET);
    if (json_double(json_get(json_get(attempt, STR("Timings")), STR("Total")), &seconds))
        printf("  %s%.1f ms%s", DIM, seconds * 1000, RESET);
    putchar('\n');
    str error = json_str(json_get(attempt, STR("ErrorMessage")), STR(""));
    if (!error.n)
        return;
    printf("           %s", RED);
    say(error);
    printf("%s\n", RESET);
}

// Log lines, API calls and requests, each once, in the order of their kind.
static void show_progress(struct follow *f, const struct json *run, struct shown *s)
{
    struct cli *c = f->cli;
    str id = json_str(json_get(run, STR("Id")), STR(""));
    struct json *log = NULL;
    bool has_more = true;
    while (has_more && cli_call(c, "GET", arena_printf(&c->arena, "/runs/%.*s/log?take=1000&after=%" PRId64, STR_ARG(id), s->log_after), NULL, &log)) {
        json_each(line, json_get(log, STR("Items")))
        {
            str level = json_str(json_get(line, STR("Level")), STR("")), text = json_str(json_get(line, STR("Text")), STR("")), part;
            while (str_split(&text, '\n', &part)) {
                printf("  %slog%s      %s", CYAN, RESET, level_colour(level));
                say(part);
                printf("%s\n", RESET);
            }
        }
        const struct json *links = json_get(log, STR("Links"));
        str follow = json_str(json_get(links, STR("Follow")), STR(""));
        ptrdiff_t after = str_find(follow, STR("after="));
        has_more = after >= 0 && str_to_i64(str_skip(follow, (size_t)after + 6), &s->log_after) && json_get(links, STR("Page.Next"));
    }

    size_t seen = 0;
    json_each(attempt, json_get(run, STR("Attempts")))
        json_each(call, json_get(attempt, STR("ApiCalls")))
        {
            if (seen++ < s->calls)
                continue;
            s->calls = seen;
            turn_to(f, run);
            int64_t status = 0;
            json_i64(json_get(call, STR("Status")), &status);
            printf("  %sapi%s      %.*s ", CYAN, RESET, STR_ARG(json_str(json_get(call, STR("Method")), STR(""))));
            say(json_str(json_get(call, STR("Path")), STR("")));
            printf(" %s%" PRId64 "%s", status >= 200 && status < 300 ? GREEN : RED, status, RESET);
            json_each(created, json_get(call, STR("Created")))
                printf("  %screated %.*s%s", BOLD, STR_ARG(json_str(created, STR(""))), RESET);
            putchar('\n');
        }

    size_t ended = 0;
    json_each(attempt, json_get(run, STR("Attempts")))
    {
        bool has_ended = json_is(json_get(attempt, STR("Request")), JSON_OBJECT) && json_is(json_get(attempt, STR("Finished")), JSON_STRING);
        if (!has_ended || ended++ < s->requests)
            continue;
        s->requests = ended;
        show_request(f, run, attempt);
    }
}

static bool is_final(str state)
{
    return !str_eq(state, STR("Queued")) && !str_eq(state, STR("Running")) && !str_eq(state, STR("Waiting"));
}

static void show_end(const struct json *run, str state, bool has_requests)
{
    bool is_good = str_eq(state, STR("Succeeded"));
    int64_t queued = time_of(run, "Queued"), started = time_of(run, "Started"), finished = time_of(run, "Finished");
    printf("  %sresult%s   %s%.*s%s", CYAN, RESET, is_good ? GREEN : RED, STR_ARG(state), RESET);
    if (started)
        printf("  %sstarted after %" PRId64 " ms", DIM, started - queued);
    if (finished && started)
        printf(", took %" PRId64 " ms", finished - started);
    printf("%s\n", RESET);
    str error = json_str(json_get(run, STR("ErrorMessage")), STR(""));
    if (error.n && !has_requests) {
        printf("           %s", RED);
        say(error);
        printf("%s\n", RESET);
    }
}

static void show_run(struct follow *f, const struct json *run)
{
    str id = json_str(json_get(run, STR("Id")), STR("")), state = json_str(json_get(run, STR("State")), STR(""));
    struct shown *s = map_get(&f->shown, id);
    if (!s) {
        s = ARENA_NEW(&f->cli->arena, struct shown);
        map_put(&f->shown, id, s);
    }
    if (is_final(s->state) && s->state.n)
        return;
    if (!s->head) {
        show_head(f, run);
        s->head = true;
    }
    show_progress(f, run, s);
    if (is_final(state) || (str_eq(state, STR("Waiting")) && !str_eq(s->state, state)))
        turn_to(f, run);
    if (is_final(state))
        show_end(run, state, s->requests > 0);
    else if (str_eq(state, STR("Waiting")) && !str_eq(s->state, state))
        printf("  %swaiting%s  next attempt %.*s\n", CYAN, RESET, STR_ARG(json_str(json_get(run, STR("NextAttempt")), STR(""))));
    s->state = arena_str(&f->cli->arena, state);
    fflush(stdout);
}

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number UNUSED)
{
    is_interrupted = 1;
}

// Newest first from the server, shown oldest first. since_ms: runs queued before it are history.
static bool follow_round(struct follow *f, int64_t since_ms, str event)
{
    struct cli *c = f->cli;
    struct json *page;
    str path = event.n ? arena_printf(&c->arena, "/runs?take=100&event=%.*s", STR_ARG(event)) : arena_printf(&c->arena, "/runs?take=100&from=%.*s", STR_ARG(timetext(&c->arena, since_ms)));
    if (!cli_call(c, "GET", path, NULL, &page))
        return false;
    const struct json *items = json_get(page, STR("Items"));
    f->is_done = items && items->count > 0;
    for (size_t i = items ? items->count : 0; i; i--) {
        const struct json *run = json_at(items, i - 1);
        show_run(f, run);
        f->is_done = f->is_done && is_final(json_str(json_get(run, STR("State")), STR("")));
    }
    return true;
}

static int follow_runs(struct cli *c, str event, bool until_idle)
{
    struct follow f = { .cli = c };
    int64_t since = clock_wall_ms(&clock_system) - 1000;
    struct sigaction action = { .sa_handler = on_interrupt };
    sigaction(SIGINT, &action, NULL);
    int status = 0;
    while (!is_interrupted && status == 0) {
        if (!follow_round(&f, since, event))
            status = is_interrupted ? 0 : cli_fail(c);
        if (until_idle && f.is_done)
            break;
        usleep(FOLLOW_PAUSE_US); // polling: the server's own stream is for programs that stay
    }
    map_fini(&f.shown);
    map_fini(&f.names);
    return status;
}

int cmd_runs(int argc, char **argv)
{
    static const char usage[] = "reactions runs [--follow] [--event ID] [--until-idle] [--reaction R] [--state S] [--take N]\n       reactions runs retry|cancel RUN\n       reactions runs retry|cancel [--reaction R] [--state S,S] [--event ID] [--from TIME] [--to TIME] [--max N] [--dry-run]";
    static const char *const valued[] = { "--reaction", "--state", "--take", "--event", "--from", "--to", "--max", NULL }, *const bare[] = { "--follow", "--until-idle", "--dry-run", NULL };
    static const char *const columns[] = { "Id", "Queued", "State", "ReactionId", "EventId", "ErrorMessage", NULL };
    struct cli c;
    struct json *page;
    if (!cli_begin(&c, argc, argv, usage, valued, bare))
        return 2;
    struct arena *a = &c.arena;
    int status = 0;
    if (cli_option(&c, "--follow").p) {
        str event = cli_option(&c, "--event");
        status = follow_runs(&c, event.p ? event : STR(""), cli_option(&c, "--until-idle").p != NULL);
    } else if (c.word_count == 2 && (str_eq(c.words[0], STR("retry")) || str_eq(c.words[0], STR("cancel")))) {
        struct json *run;
        if (cli_call(&c, "POST", arena_printf(a, "/runs/%.*s/%.*s", STR_ARG(c.words[1]), STR_ARG(c.words[0])), NULL, &run))
            cli_print_object(&c, run);
        else
            status = cli_fail(&c);
    } else if (c.word_count == 1 && (str_eq(c.words[0], STR("retry")) || str_eq(c.words[0], STR("cancel")))) {
        status = bulk_runs(&c, c.words[0]) ? 0 : cli_fail(&c);
    } else if (c.word_count) {
        fprintf(stderr, "usage: %s\n", usage);
        status = 2;
    } else {
        static const char *const filters[] = { "reaction", "state", "event", "from", "to" };
        str take = cli_option(&c, "--take"), path = arena_printf(a, "/runs?take=%.*s", STR_ARG(take.p ? take : STR("30")));
        for (size_t i = 0; i < COUNT(filters); i++) {
            str value = cli_option(&c, arena_printf(a, "--%s", filters[i]).p);
            if (value.p)
                path = arena_printf(a, "%.*s&%s=%.*s", STR_ARG(path), filters[i], STR_ARG(percent_encode(a, value)));
        }
        if (cli_call(&c, "GET", path, NULL, &page))
            cli_print_list(&c, json_get(page, STR("Items")), columns);
        else
            status = cli_fail(&c);
    }
    cli_end(&c);
    return status;
}

int cmd_replay(int argc, char **argv)
{
    static const char usage[] = "reactions replay EVENT [--reaction NAME]\n       reactions replay --from TIME [--to TIME] [--type TYPE] [--reaction NAME,NAME] [--max N] [--dry-run]";
    static const char *const valued[] = { "--reaction", "--from", "--to", "--type", "--max", NULL }, *const bare[] = { "--dry-run", NULL };
    struct cli c;
    struct json *answer;
    if (!cli_begin(&c, argc, argv, usage, valued, bare))
        return 2;
    if (!c.word_count && cli_option(&c, "--from").n) {
        int done = bulk_replay(&c) ? 0 : cli_fail(&c);
        cli_end(&c);
        return done;
    }
    if (c.word_count != 1) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    struct json *body = json_new_object(&c.arena), *list = json_add(body, STR("Reactions"), json_new_array(&c.arena));
    if (cli_option(&c, "--reaction").p)
        json_push(list, json_new_string(&c.arena, cli_option(&c, "--reaction")));
    int status = 0;
    if (cli_call(&c, "POST", arena_printf(&c.arena, "/events/%.*s/replay", STR_ARG(c.words[0])), body, &answer)) {
        json_each(run, json_get(answer, STR("Runs")))
            printf("%.*s\n", STR_ARG(run->text));
    } else {
        status = cli_fail(&c);
    }
    cli_end(&c);
    return status;
}
