// backup, restore, rotate-master-key, verify-audit: care of the database. A backup is taken through the server, which goes on working;
// restoring works on a data folder that no server uses, and takes its lock file like a server.
#include "app/cli.h"
#include "app/commands.h"
#include "app/settings.h"

#include "store/anchor.h"
#include "sys/file.h"
#include "web/web.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOT_IN_IT "not in it: master.key, which opens its secret values (keep a copy of it elsewhere), and the modules folder"

// ---- files ----

static bool copy_bytes(int from, int to, const char *path, struct err *e)
{
    static char bytes[1 << 20];
    for (ssize_t n; (n = read(from, bytes, sizeof bytes)) != 0;) {
        if (n < 0)
            return err_errno(e, errno, "reading");
        for (ssize_t done = 0, wrote; done < n; done += wrote)
            if ((wrote = write(to, bytes + done, (size_t)(n - done))) < 0)
                return err_errno(e, errno, "writing %s", path);
    }
    return fsync(to) == 0 || err_errno(e, errno, "syncing %s", path);
}

static bool sync_folder_of(struct arena *a, const char *path, struct err *e)
{
    str all = str_from(path);
    ptrdiff_t slash = str_find_last_char(all, '/');
    const char *folder = slash < 0 ? "." : slash == 0 ? "/" : arena_cstr(a, str_sub(all, 0, (size_t)slash));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        err_errno(e, errno, "syncing %s", folder);
    if (fd >= 0)
        close(fd);
    return ok;
}

// A new file, whole and synced, or none.
static bool copy_file(struct arena *a, const char *from, const char *to, struct err *e)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return err_errno(e, errno, "%s", from);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = out >= 0 || err_errno(e, errno, "%s", to);
    bool is_ours = ok;
    ok = ok && copy_bytes(in, out, to, e);
    close(in);
    if (out >= 0)
        close(out);
    ok = ok && sync_folder_of(a, to, e);
    if (!ok && is_ours)
        unlink(to);
    return ok;
}

// Where two people must want it (TwoPersons of the settings), the first is told so.
static bool is_only_asked(struct cli *c, const struct json *answer)
{
    if (!json_get(answer, STR("Asked")))
        return false;
    if (c->is_json)
        cli_print_object(c, answer);
    else
        fprintf(stderr, "%.*s\n", STR_ARG(cli_member(&c->arena, answer, STR("Message"))));
    return true;
}

// ---- backup ----

int cmd_backup(int argc, char **argv)
{
    static const char usage[] = "reactions backup [FILE]";
    struct cli c;
    struct json *answer;
    if (!cli_begin(&c, argc, argv, usage, NULL, NULL))
        return 2;
    if (c.word_count > 1) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    const char *file = c.word_count ? c.words[0].p : NULL;
    int status = 0;
    if (file && file_exists(file)) {
        err_set(&c.err, ERR_CONFLICT, "%s exists: name a new file for the backup", file);
        status = cli_fail(&c);
    } else if (!cli_call(&c, "POST", STR("/backup"), NULL, &answer)) {
        status = cli_fail(&c);
    } else if (is_only_asked(&c, answer)) {
        status = 1;
    } else {
        // The server writes below its data folder only; on its own host the copy is moved to where it is wanted.
        str path = arena_str(&c.arena, cli_member(&c.arena, answer, STR("Path")));
        if (file && !copy_file(&c.arena, path.p, file, &c.err)) {
            err_in(&c.err, "the backup is %.*s on the server's host, but it could not be copied", STR_ARG(path));
            status = cli_fail(&c);
        } else if (file) {
            unlink(path.p);
            json_put(answer, STR("Path"), json_new_string(&c.arena, str_from(file)));
        }
        if (!status && c.is_json)
            cli_print_object(&c, answer);
        else if (!status)
            printf("%s  %.*s bytes\n" NOT_IN_IT "\n", file ? file : path.p, STR_ARG(cli_member(&c.arena, answer, STR("Bytes"))));
    }
    cli_end(&c);
    return status;
}

// ---- the data folder without a server ----

static bool open_folder(struct cli *c, const char **data, struct err *e)
{
    struct settings settings;
    char *no_flags[] = { "serve", NULL };
    int lock_fd; // for the life of the process
    str named = cli_option(c, "--data");
    if (!named.p && !settings_read(1, no_flags, &c->arena, &settings, e))
        return false;
    *data = arena_cstr(&c->arena, named.p ? named : settings.data);
    if (!file_exists(*data))
        return err_set(e, ERR_NOT_FOUND, "there is no data folder %s: name it with --data", *data);
    if (!file_lock(arena_printf(&c->arena, "%s/lock", *data).p, &lock_fd, e))
        return err_in(e, "a server uses %s: stop it first", *data);
    return true;
}

static bool open_database(const char *path, struct store **store, struct err *e)
{
    struct store_options opt = { .path = path, .clock = &clock_system };
    return file_exists(path) ? store_open(&opt, store, e) : err_set(e, ERR_NOT_FOUND, "there is no database %s", path);
}

// ---- restore ----

// Before SQLite touches it: a file of this program, of some version of it.
static bool looks_like_ours(const char *path, struct err *e)
{
    unsigned char head[100] = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno, "%s", path);
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    // Bytes 60 to 63: SQLite's user_version, which the store counts its schema with (SQLite file format 1.3.14).
    if (n != sizeof head || memcmp(head, "SQLite format 3", 16) != 0 || !(head[60] | head[61] | head[62] | head[63]))
        return err_set(e, ERR_INVALID, "%s is not a backup of this program", path);
    return true;
}

static bool check_copy(const char *path, struct cli *c, int64_t *audit_rows)
{
    struct store *s = NULL;
    struct store_object *space = NULL;
    str why = { 0 }, head;
    int64_t bad_id = 0;
    if (!open_database(path, &s, &c->err))
        return false;
    bool ok = store_check(s, &c->arena, &why, &c->err) && store_get(s, KIND_SPACE, 0, 1, &c->arena, &space, &c->err);
    if (ok && (why.n || !space))
        ok = err_set(&c->err, ERR_INVALID, "the backup is damaged: %.*s", STR_ARG(why.n ? why : STR("it has no first space")));
    ok = ok && store_audit_verify(s, audit_rows, &bad_id, &head, &c->arena, &why, &c->err);
    if (ok && bad_id)
        ok = err_set(&c->err, ERR_INVALID, "the backup's audit was tampered with: %.*s", STR_ARG(why));
    store_close(s); // leaves one file: the log is merged and gone
    return ok;
}

// What is there is put aside, never removed.
static bool put_aside(const char *database, struct cli *c, str *aside)
{
    struct store *old;
    struct err ignored;
    *aside = (str){ 0 };
    if (!file_exists(database))
        return true;
    if (open_database(database, &old, &ignored))
        store_close(old); // merges its log, so that one file is all of it
    for (int i = 1;; i++) {
        *aside = arena_printf(&c->arena, "%s.before-restore-%d", database, i);
        if (!file_exists(aside->p))
            break;
    }
    if (rename(database, aside->p) < 0)
        return err_errno(&c->err, errno, "%s", aside->p);
    // Where it could not be opened the log is still there, and belongs to it.
    const char *const tails[] = { "-wal", "-shm" };
    for (size_t i = 0; i < COUNT(tails); i++)
        rename(arena_printf(&c->arena, "%s%s", database, tails[i]).p, arena_printf(&c->arena, "%.*s%s", STR_ARG(*aside), tails[i]).p);
    return true;
}

static bool restore(struct cli *c, const char *file)
{
    const char *data;
    str aside;
    int64_t audit_rows;
    str named = cli_option(c, "--data");
    if (!looks_like_ours(file, &c->err) || !file_make_dirs(arena_cstr(&c->arena, named), 0700, &c->err) || !open_folder(c, &data, &c->err))
        return false;
    const char *database = arena_printf(&c->arena, "%s/reactions.db", data).p, *copy = arena_printf(&c->arena, "%s/reactions.db.restoring", data).p;
    if (file_exists(database) && !cli_option(c, "--replace").p)
        return err_set(&c->err, ERR_CONFLICT, "%s exists: --replace puts it aside", database);
    unlink(copy); // of a restore that was broken off
    unlink(arena_printf(&c->arena, "%s-wal", copy).p);
    unlink(arena_printf(&c->arena, "%s-shm", copy).p);
    if (!copy_file(&c->arena, file, copy, &c->err))
        return false;
    if (!check_copy(copy, c, &audit_rows)) {
        unlink(copy);
        return false;
    }
    if (!put_aside(database, c, &aside))
        return false;
    // Of the database that was there: the restored one ends earlier, and rightly so.
    const char *anchor = arena_printf(&c->arena, "%s/audit.anchor", data).p;
    if (aside.n && rename(anchor, arena_printf(&c->arena, "%.*s.anchor", STR_ARG(aside)).p) < 0 && errno != ENOENT)
        return err_errno(&c->err, errno, "%s", anchor);
    if (rename(copy, database) < 0)
        return err_errno(&c->err, errno, "%s", database);
    if (!sync_folder_of(&c->arena, database, &c->err))
        return false;
    printf("restored %s, checked with its %" PRId64 " audit rows\n", database, audit_rows);
    if (aside.n)
        printf("what was there is %.*s\n", STR_ARG(aside));
    if (!file_exists(arena_printf(&c->arena, "%s/master.key", data).p))
        printf("put the master.key of the server that was backed up into %s before serving: without it the secret values cannot be opened\n", data);
    return true;
}

int cmd_restore(int argc, char **argv)
{
    static const char usage[] = "reactions restore FILE --data DIR [--replace]";
    static const char *const valued[] = { "--data", NULL }, *const bare[] = { "--replace", NULL };
    struct cli c;
    if (!cli_begin(&c, argc, argv, usage, valued, bare))
        return 2;
    if (c.word_count != 1 || !cli_option(&c, "--data").n) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    umask(077);
    int status = restore(&c, c.words[0].p) ? 0 : cli_fail(&c);
    cli_end(&c);
    return status;
}

// ---- rotate-master-key ----

int cmd_rotate_master_key(int argc, char **argv)
{
    static const char usage[] = "reactions rotate-master-key";
    struct cli c;
    struct json *answer;
    int status = 0;
    if (!cli_begin(&c, argc, argv, usage, NULL, NULL))
        return 2;
    if (c.word_count) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    if (!cli_call(&c, "POST", STR("/settings/rotate-master-key"), NULL, &answer))
        status = cli_fail(&c);
    else if (is_only_asked(&c, answer))
        status = 1;
    else if (c.is_json)
        cli_print_object(&c, answer);
    else
        printf("%.*s objects are sealed with the new master key %.*s\nmaster.key.previous opens backups taken before: keep it with them, or remove it\n", STR_ARG(cli_member(&c.arena, answer, STR("Objects"))),
               STR_ARG(cli_member(&c.arena, answer, STR("KeyId"))));
    cli_end(&c);
    return status;
}

// ---- verify-audit ----

static bool verify_folder(struct cli *c, const struct anchor *known, struct json **answer)
{
    const char *data;
    struct store *s;
    struct anchor_verdict v;
    umask(077);
    if (!open_folder(c, &data, &c->err) || !open_database(arena_printf(&c->arena, "%s/reactions.db", data).p, &s, &c->err))
        return false;
    bool ok = anchor_verify(s, arena_printf(&c->arena, "%s/audit.anchor", data).p, known, &c->arena, &v, &c->err);
    store_close(s);
    if (ok)
        *answer = web_audit_verdict(&v, &c->arena);
    return ok;
}

static void print_intact(struct cli *c, const struct json *answer)
{
    struct arena *a = &c->arena;
    str rows = cli_member(a, answer, STR("Rows")), head = cli_member(a, answer, STR("Head")), anchored = cli_member(a, answer, STR("Anchor.Row"));
    printf("%.*s rows, none changed, dropped or moved\nhead %.*s\n", STR_ARG(rows), STR_ARG(head));
    if (anchored.n)
        printf("none cut off up to row %.*s, by audit.anchor in the data folder\n", STR_ARG(anchored));
    else
        printf("there is no audit.anchor in the data folder: that rows were cut off at the end would not show\n");
    if (head.n)
        printf("keep this on another machine, for reactions verify-audit --head %.*s:%.*s\n", STR_ARG(rows), STR_ARG(head));
}

int cmd_verify_audit(int argc, char **argv)
{
    static const char usage[] = "reactions verify-audit [--head ROW:HASH] [--data DIR]   (without --data the server is asked)";
    static const char *const valued[] = { "--data", "--head", NULL };
    struct cli c;
    struct anchor known;
    struct json *answer = NULL;
    int status = 0;
    if (!cli_begin(&c, argc, argv, usage, valued, NULL))
        return 2;
    if (c.word_count) {
        fprintf(stderr, "usage: %s\n", usage);
        return 2;
    }
    str head = cli_option(&c, "--head");
    if (head.p && !anchor_parse(head, &c.arena, &known)) {
        fprintf(stderr, "--head: %.*s is not ROW:HASH, as an earlier verification showed it\n", STR_ARG(head));
        return 2;
    }
    str path = head.p ? arena_printf(&c.arena, "/audit/verify?head=%" PRId64 ":%.*s", known.row, STR_ARG(known.hash)) : STR("/audit/verify");
    bool ok = cli_option(&c, "--data").p ? verify_folder(&c, head.p ? &known : NULL, &answer) : cli_call(&c, "GET", path, NULL, &answer);
    if (!ok && !cli_option(&c, "--data").p && !c.status)
        err_in(&c.err, "no server to ask (name its folder with --data)");
    bool is_intact = ok && json_bool(json_get(answer, STR("IsIntact")), false);
    if (!ok) {
        status = cli_fail(&c);
    } else if (c.is_json) {
        cli_print_object(&c, answer);
        status = is_intact ? 0 : 1;
    } else if (is_intact) {
        print_intact(&c, answer);
    } else {
        err_set(&c.err, ERR_INVALID, "the audit was tampered with: %.*s", STR_ARG(cli_member(&c.arena, answer, STR("Reason"))));
        status = cli_fail(&c);
    }
    cli_end(&c);
    return status;
}
