// reactions user and reactions apikey: who may use this server. Passwords come from standard input or a prompt.
#include "app/cli.h"
#include "app/commands.h"

#include "base/timetext.h"
#include "sys/clock.h"

static const char user_usage[] =
    "reactions user add NAME [--display-name TEXT] [--role ROLE [--in SPACE] [--project ID]... [--environment ID]...] [--service] (the password comes from standard input)\n"
    "       reactions user list | show NAME | delete NAME | disable NAME | enable NAME | password NAME (from standard input) | roles\n"
    "       reactions user grant NAME ROLE [--in SPACE] [--project ID]... [--environment ID]... | revoke NAME ROLE [--in SPACE]";

static struct json *all_of(struct cli *c, const char *option)
{
    struct json *list = json_new_array(&c->arena);
    for (size_t i = 0; i < c->option_count; i++)
        if (str_eq(c->options[i].name, str_from(option)))
            json_push(list, json_new_string(&c->arena, c->options[i].value));
    return list;
}

static struct json *assignment(struct cli *c, str role)
{
    struct json *j = json_new_object(&c->arena);
    json_add_str(&c->arena, j, "Role", role);
    json_add_str(&c->arena, j, "Space", cli_option(c, "--in"));
    json_add(j, STR("Projects"), all_of(c, "--project"));
    json_add(j, STR("Environments"), all_of(c, "--environment"));
    return j;
}

static bool add_user(struct cli *c, str name, struct json **answer)
{
    struct arena *a = &c->arena;
    struct json *body = json_new_object(a), *roles = json_new_array(a);
    str password, role = cli_option(c, "--role"), display = cli_option(c, "--display-name");
    bool is_service = cli_option(c, "--service").p != NULL;
    json_add_str(a, body, "Username", name);
    if (display.p)
        json_add_str(a, body, "DisplayName", display);
    if (role.p)
        json_push(roles, assignment(c, role));
    json_add(body, STR("Roles"), roles);
    json_add_bool(a, body, "IsService", is_service);
    if (!is_service) {
        if (!cli_read_secret(c, "password", &password))
            return false;
        json_add_str(a, body, "Password", password);
    }
    return cli_call(c, "POST", STR("/users"), body, answer);
}

// The role's id, so that its name, its id and any case of both mean the same.
static bool role_id(struct cli *c, str role, str *id)
{
    struct json *found, *roles;
    if (!cli_call(c, "GET", STR("/roles?take=1000"), NULL, &roles))
        return false;
    found = json_get(roles, STR("Items"));
    json_each(r, found)
        if (str_eq_nocase(json_str(json_get(r, STR("Name")), STR("")), role) || str_eq_nocase(json_str(json_get(r, STR("Id")), STR("")), role)) {
            *id = json_str(json_get(r, STR("Id")), STR(""));
            return true;
        }
    return err_set(&c->err, ERR_NOT_FOUND, "there is no role \"%.*s\"; reactions user roles lists them", STR_ARG(role));
}

// Those of that role in that space (or for the instance) go.
static bool take_role(struct cli *c, struct json *user, str role)
{
    struct json *kept = json_new_array(&c->arena), *space;
    str id, in = cli_option(c, "--in"), space_id = { 0 };
    if (!role_id(c, role, &id))
        return false;
    if (in.p) {
        if (!cli_call(c, "GET", arena_printf(&c->arena, "/spaces/%.*s", STR_ARG(in)), NULL, &space))
            return false;
        space_id = json_str(json_get(space, STR("Id")), STR(""));
    }
    bool has_gone = false;
    json_each(r, json_get(user, STR("Roles")))
    {
        bool is_meant = str_eq_nocase(json_str(json_get(r, STR("Role")), STR("")), id) && str_eq_nocase(json_str(json_get(r, STR("Space")), STR("")), space_id);
        has_gone = has_gone || is_meant;
        if (!is_meant)
            json_push(kept, json_copy(&c->arena, r));
    }
    json_put(user, STR("Roles"), kept);
    return has_gone || err_set(&c->err, ERR_NOT_FOUND, "the user does not have that role there");
}

static bool change_user(struct cli *c, str verb, str path, struct json **answer)
{
    struct arena *a = &c->arena;
    struct json *user;
    str password;
    if (!cli_call(c, "GET", path, NULL, &user))
        return false;
    if (str_eq(verb, STR("disable")) || str_eq(verb, STR("enable"))) {
        json_put(user, STR("IsDisabled"), json_new_bool(a, str_eq(verb, STR("disable"))));
    } else if (str_eq(verb, STR("password"))) {
        if (!cli_read_secret(c, "new password", &password))
            return false;
        json_put(user, STR("Password"), json_new_string(a, password));
    } else if (str_eq(verb, STR("grant"))) {
        json_push(json_get(user, STR("Roles")), assignment(c, c->words[2]));
    } else if (!take_role(c, user, c->words[2])) {
        return false;
    }
    return cli_call(c, "PUT", path, user, answer);
}

int cmd_user(int argc, char **argv)
{
    static const char *const valued[] = { "--display-name", "--role", "--in", "--project", "--environment", NULL }, *const bare[] = { "--service", NULL };
    static const char *const columns[] = { "Id", "Username", "IsDisabled", "IsService", "Source", "DisplayName", NULL }, *const role_columns[] = { "Id", "IsBuiltIn", "Name", "Description", NULL };
    static const struct { const char *verb; size_t words; } changes[] = { { "disable", 2 }, { "enable", 2 }, { "password", 2 }, { "grant", 3 }, { "revoke", 3 } };
    struct cli c;
    struct json *answer = NULL, *items = NULL;
    if (!cli_begin(&c, argc, argv, user_usage, valued, bare))
        return 2;
    str verb = c.word_count ? c.words[0] : STR(""), path = c.word_count > 1 ? arena_printf(&c.arena, "/users/%.*s", STR_ARG(c.words[1])) : STR("");
    bool ok = false, is_known = true, is_change = false;
    for (size_t i = 0; i < COUNT(changes); i++)
        is_change = is_change || (str_eq(verb, str_from(changes[i].verb)) && c.word_count == changes[i].words);
    if (str_eq(verb, STR("list")) && c.word_count == 1) {
        if ((ok = cli_get_all(&c, STR("/users"), &items)))
            cli_print_list(&c, items, columns);
    } else if (str_eq(verb, STR("roles")) && c.word_count == 1) {
        if ((ok = cli_call(&c, "GET", STR("/roles?take=1000"), NULL, &items)))
            cli_print_list(&c, json_get(items, STR("Items")), role_columns);
    } else if (str_eq(verb, STR("add")) && c.word_count == 2) {
        ok = add_user(&c, c.words[1], &answer);
    } else if (str_eq(verb, STR("show")) && c.word_count == 2) {
        ok = cli_call(&c, "GET", path, NULL, &answer);
    } else if (str_eq(verb, STR("delete")) && c.word_count == 2) {
        ok = cli_call(&c, "DELETE", path, NULL, NULL);
    } else if (is_change) {
        ok = change_user(&c, verb, path, &answer);
    } else {
        is_known = false;
        fprintf(stderr, "usage: %s\n", user_usage);
    }
    if (ok && answer)
        cli_print_object(&c, answer);
    int status = !is_known ? 2 : ok ? 0 : cli_fail(&c);
    cli_end(&c);
    return status;
}

int cmd_apikey(int argc, char **argv)
{
    static const char usage[] = "reactions apikey create [--label TEXT] [--days N] [--user ID-OF-A-SERVICE] [--permission NAME]... [--in SPACE] | list | delete ID";
    static const char *const valued[] = { "--label", "--days", "--user", "--permission", "--in", NULL };
    static const char *const columns[] = { "Id", "UserId", "Label", "Created", "Expires", "LastUsed", "UseCount", NULL };
    struct cli c;
    struct json *answer = NULL, *items;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    struct arena *a = &c.arena;
    str verb = c.word_count ? c.words[0] : STR(""), days_text = cli_option(&c, "--days");
    int64_t days = 90;
    bool ok = false, is_known = !days_text.p || (str_to_i64(days_text, &days) && days > 0 && days < 100000);
    if (is_known && str_eq(verb, STR("create")) && c.word_count == 1) {
        struct json *body = json_new_object(a), *permissions = all_of(&c, "--permission");
        json_add_str(a, body, "Label", cli_option(&c, "--label").p ? cli_option(&c, "--label") : STR(""));
        json_add_str(a, body, "Expires", timetext(a, clock_wall_ms(&clock_system) + days * 86400000));
        if (permissions->count)
            json_add(body, STR("Permissions"), permissions);
        if (cli_option(&c, "--in").p)
            json_add_str(a, body, "Space", cli_option(&c, "--in"));
        if (cli_option(&c, "--user").p)
            json_add_str(a, body, "User", cli_option(&c, "--user"));
        ok = cli_call(&c, "POST", STR("/apikeys"), body, &answer);
    } else if (is_known && str_eq(verb, STR("list")) && c.word_count == 1) {
        if ((ok = cli_get_all(&c, STR("/apikeys"), &items)))
            cli_print_list(&c, items, columns);
    } else if (is_known && str_eq(verb, STR("delete")) && c.word_count == 2) {
        ok = cli_call(&c, "DELETE", arena_printf(a, "/apikeys/%.*s", STR_ARG(c.words[1])), NULL, NULL);
    } else {
        is_known = false;
        fprintf(stderr, "usage: %s\n", usage);
    }
    // The key alone on standard output, so that a script can take it; it is shown this once.
    if (ok && answer && c.is_json)
        cli_print_object(&c, answer);
    else if (ok && answer)
        printf("%.*s\n", STR_ARG(json_str(json_get(answer, STR("Key")), STR(""))));
    int status = !is_known ? 2 : ok ? 0 : cli_fail(&c);
    cli_end(&c);
    return status;
}
