// apply, export, check: configuration as files. A file holds documents (YAML between "---", or JSON), each
// with its Kind and otherwise the contract's object; what has that name is replaced, the rest created.
#include "app/check_tests.h"
#include "app/cli.h"
#include "app/commands.h"

#include "json/yaml.h"
#include "reaction/data.h"
#include "reaction/http_request.h"
#include "trigger/trigger.h"

#include <dirent.h>
#include <sys/stat.h>

// In the order in which they need each other.
static const struct applied_kind {
    const char *kind, *collection;
    bool by_slug; // else by Name
} kinds[] = {
    { "Space", "/spaces", true },          { "Connection", "/connections", false }, { "Identity", "/identities", false },
    { "Secret", "/secrets", false },       { "Trigger", "/triggers", true },        { "Reaction", "/reactions", true },
};

static const struct applied_kind *kind_of(const struct json *doc)
{
    str name = json_str(json_get(doc, STR("Kind")), STR(""));
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_eq(name, str_from(kinds[i].kind)))
            return &kinds[i];
    return NULL;
}

static bool is_tests(const struct json *doc)
{
    return str_eq(json_str(json_get(doc, STR("Kind")), STR("")), STR("Tests"));
}

// Every document of a file, with "File" saying where it came from.
static bool read_documents(struct cli *c, str file, struct json *into)
{
    str text;
    struct json *documents;
    if (!cli_read_file(c, file, &text))
        return false;
    if (!yaml_parse(&c->arena, text, &documents, &c->err))
        return err_in(&c->err, "%.*s", STR_ARG(file));
    size_t number = 0;
    for (struct json *doc = documents->first, *next; doc; doc = next) {
        next = doc->next;
        number++;
        if (json_is(doc, JSON_NULL))
            continue;
        if (!kind_of(doc) && !is_tests(doc))
            return err_set(&c->err, ERR_INVALID, "%.*s: document %zu: Kind must be Space, Connection, Identity, Secret, Trigger, Reaction or Tests", STR_ARG(file), number);
        doc->next = NULL;
        json_push(into, doc);
        json_put(doc, STR("File"), json_new_string(&c->arena, file));
    }
    return true;
}

// A folder stands for the .yaml, .yml and .json files in it.
static bool read_path(struct cli *c, str path, struct json *into)
{
    struct stat st;
    const char *name = arena_cstr(&c->arena, path);
    if (stat(name, &st) != 0 || !S_ISDIR(st.st_mode))
        return read_documents(c, path, into);
    struct dirent **entries;
    int count = scandir(name, &entries, NULL, alphasort);
    bool ok = true;
    for (int i = 0; i < count; i++) {
        str entry = str_from(entries[i]->d_name);
        if (ok && (str_ends(entry, STR(".yaml")) || str_ends(entry, STR(".yml")) || str_ends(entry, STR(".json"))))
            ok = read_documents(c, arena_printf(&c->arena, "%s/%.*s", name, STR_ARG(entry)), into);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return ok;
}

static str name_in(struct cli *c, const struct applied_kind *k, const struct json *doc)
{
    str name = json_str(json_get(doc, STR("Name")), STR(""));
    return k->by_slug ? json_str(json_get(doc, STR("Slug")), slug_from_name(&c->arena, name)) : name;
}

// What differs, path by path; secret fields and absent ones are the server's to judge.
static void print_difference(struct cli *c, const struct json *old, const struct json *new, str path, size_t *count)
{
    json_each(member, new)
    {
        const struct json *before = json_get(old, member->name);
        str at = path.n ? arena_printf(&c->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(member->name)) : member->name;
        if (json_is(before, JSON_OBJECT) && json_is(member, JSON_OBJECT)) {
            print_difference(c, before, member, at, count);
        } else if (!before || !json_equal(before, member)) {
            printf("    %.*s: %.*s -> %.*s\n", STR_ARG(at), STR_ARG(before ? json_text(&c->arena, before) : STR("(absent)")), STR_ARG(json_text(&c->arena, member)));
            (*count)++;
        }
    }
}

static bool apply_one(struct cli *c, struct json *doc, bool is_dry)
{
    const struct applied_kind *k = kind_of(doc);
    str file = json_str(json_get(doc, STR("File")), STR("")), name = name_in(c, k, doc);
    struct json *body = json_copy(&c->arena, doc), *old = NULL, *answer;
    json_drop(body, STR("Kind"));
    json_drop(body, STR("File"));
    str path = arena_printf(&c->arena, "%s/%.*s", k->collection, STR_ARG(name));
    bool exists = cli_call(c, "GET", path, NULL, &old);
    if (!exists && c->status != 404)
        return err_in(&c->err, "%.*s", STR_ARG(file));
    if (is_dry) {
        size_t changes = 0;
        if (exists)
            print_difference(c, old, body, STR(""), &changes);
        printf("%s %.*s: %s\n", k->kind, STR_ARG(name), !exists ? "would be created" : changes ? "would change as above" : "as it is");
        return true;
    }
    c->err = (struct err){ 0 };
    if (!(exists ? cli_call(c, "PUT", path, body, &answer) : cli_call(c, "POST", str_from(k->collection), body, &answer)))
        return err_in(&c->err, "%.*s: %s \"%.*s\"", STR_ARG(file), k->kind, STR_ARG(name));
    printf("%s %.*s: %s\n", k->kind, STR_ARG(name), exists ? "replaced" : "created");
    json_each(warning, json_get(answer, STR("Warnings")))
        printf("    warning: %.*s\n", STR_ARG(json_str(warning, STR(""))));
    return true;
}

// Reactions and triggers that no file names any more.
static bool prune(struct cli *c, const struct json *documents, bool is_dry)
{
    for (size_t i = COUNT(kinds); i-- > 0;) {
        const struct applied_kind *k = &kinds[i];
        struct json *items;
        if (strcmp(k->kind, "Reaction") != 0 && strcmp(k->kind, "Trigger") != 0)
            continue;
        if (!cli_get_all(c, str_from(k->collection), &items))
            return false;
        json_each(item, items)
        {
            str name = json_str(json_get(item, STR("Slug")), STR(""));
            bool is_named = false;
            json_each(doc, documents)
                is_named = is_named || (kind_of(doc) == k && str_eq_nocase(name_in(c, k, doc), name));
            if (is_named)
                continue;
            if (!is_dry && !cli_call(c, "DELETE", arena_printf(&c->arena, "%s/%.*s", k->collection, STR_ARG(name)), NULL, NULL))
                return false;
            printf("%s %.*s: %s\n", k->kind, STR_ARG(name), is_dry ? "would be deleted" : "deleted");
        }
    }
    return true;
}

int cmd_apply(int argc, char **argv)
{
    static const char usage[] = "reactions apply FILE... [--dry-run] [--prune]";
    static const char *const bare[] = { "--dry-run", "--prune", NULL };
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, NULL, bare))
        return 2;
    if (!c.word_count) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    bool ok = true, is_dry = cli_option(&c, "--dry-run").p != NULL;
    struct json *documents = json_new_array(&c.arena);
    // All are read before any is sent: a broken file changes nothing.
    for (size_t i = 0; ok && i < c.word_count; i++)
        ok = read_path(&c, c.words[i], documents);
    for (size_t k = 0; ok && k < COUNT(kinds); k++)
        for (struct json *doc = documents->first; ok && doc; doc = doc->next)
            if (kind_of(doc) == &kinds[k])
                ok = apply_one(&c, doc, is_dry);
    if (ok && cli_option(&c, "--prune").p)
        ok = prune(&c, documents, is_dry);
    int status = ok ? 0 : cli_fail(&c);
    cli_end(&c);
    return status;
}

// ---- export ----

static bool is_set_by_server(str name)
{
    static const char *const names[] = { "Id", "SpaceId", "Links", "Revision", "State", "Checked", "Reactions", "Warnings" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_eq(name, str_from(names[i])))
            return true;
    return false;
}

// A row on each line. However long the audit is, a page of it is in memory.
static bool export_audit(struct cli *c)
{
    str next = cli_first_page(c, STR("/audit/export"));
    bool ok = true;
    while (ok && next.n) {
        CLEANUP(buf_fini) struct buf lines = { 0 };
        struct arena kept = c->arena;
        c->arena = (struct arena){ 0 };
        struct json *rows = NULL;
        ok = cli_page(c, &next, &rows);
        json_each(row, rows)
        {
            json_write(&lines, row, false);
            buf_add_char(&lines, '\n');
        }
        fwrite(lines.p, 1, lines.n, stdout);
        next = arena_str(&kept, next);
        arena_fini(&c->arena);
        c->arena = kept;
    }
    return ok;
}

int cmd_export(int argc, char **argv)
{
    static const char usage[] = "reactions export > FILE    (secret values are not in it)\n       reactions export audit > FILE    (a row on each line, newest first)";
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, NULL, NULL))
        return 2;
    if (c.word_count == 1 && str_eq(c.words[0], STR("audit"))) {
        int status = export_audit(&c) ? 0 : cli_fail(&c);
        cli_end(&c);
        return status;
    }
    if (c.word_count) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    bool ok = true;
    CLEANUP(buf_fini) struct buf out = { 0 };
    struct json *all = json_new_array(&c.arena);
    for (size_t k = 1; ok && k < COUNT(kinds); k++) {
        struct json *items;
        ok = cli_get_all(&c, arena_printf(&c.arena, "/export%s", kinds[k].collection), &items);
        for (size_t i = ok ? items->count : 0; i; i--) {
            struct json *doc = json_push(all, json_new_object(&c.arena));
            json_add_str(&c.arena, doc, "Kind", str_from(kinds[k].kind));
            json_each(member, json_at(items, i - 1))
                if (!is_set_by_server(member->name))
                    json_add(doc, member->name, json_copy(&c.arena, member));
        }
    }
    if (ok && c.is_json)
        cli_print_object(&c, all);
    else if (ok)
        json_each(doc, all)
        {
            buf_add_text(&out, "---\n");
            yaml_write(&out, doc);
        }
    fwrite(out.p, 1, out.n, stdout);
    int status = ok ? 0 : cli_fail(&c);
    cli_end(&c);
    return status;
}

// ---- check: without a server ----

static size_t check_document(struct cli *c, const struct json *doc)
{
    struct decode_errors errors = { .arena = &c->arena };
    struct json *body = json_copy(&c->arena, doc);
    str file = json_str(json_get(doc, STR("File")), STR("")), kind = json_str(json_get(doc, STR("Kind")), STR(""));
    json_drop(body, STR("Kind"));
    json_drop(body, STR("File"));
    if (str_eq(kind, STR("Reaction"))) {
        struct reaction *r = reaction_decode(&c->arena, body, &errors);
        if (r) {
            data_check_templates(r, &errors);
            http_request_check(r, &errors);
        }
    } else if (str_eq(kind, STR("Trigger")))
        trigger_decode(&c->arena, body, &errors);
    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%.*s: %.*s \"%.*s\": %.*s\n", STR_ARG(file), STR_ARG(kind), STR_ARG(json_str(json_get(doc, STR("Name")), STR(""))), STR_ARG(errors.items[i]));
    return errors.count;
}

int cmd_check(int argc, char **argv)
{
    static const char usage[] = "reactions check FILE...";
    struct cli c;
    size_t problems = 0;
    if (!cli_begin(&c, argc, argv, usage, NULL, NULL))
        return 2;
    if (!c.word_count) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    struct json *documents = json_new_array(&c.arena);
    for (size_t i = 0; i < c.word_count; i++)
        if (!read_path(&c, c.words[i], documents)) {
            cli_fail(&c);
            problems++;
        }
    json_each(doc, documents)
        if (!is_tests(doc))
            problems += check_document(&c, doc);
    // What is wrong with a file is said once; its tests would only repeat it.
    size_t tests = 0, failed = problems ? 0 : check_tests(&c, documents, &tests);
    printf("%u documents, %zu problems", documents->count, problems);
    if (tests)
        printf("; %zu tests, %zu failed", tests, failed);
    putchar('\n');
    problems += failed;
    cli_end(&c);
    return problems ? 1 : 0;
}
