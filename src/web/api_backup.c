// Care by API: a copy of the database while the server works, and a walk over the audit's chain.
#include "web/api_object.h"

#include "base/timetext.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

// One at a time: each reads the whole database between the commits of everybody else.
static pthread_mutex_t backup_lock = PTHREAD_MUTEX_INITIALIZER;

static bool write_backup(struct api_call *c, const char *path, struct stat *st, struct err *e)
{
    // Taken under another name: what has its final name is whole.
    str unfinished = arena_printf(c->arena, "%s.part", path);
    if (!store_backup(c->web->opt.store, unfinished.p, e))
        return false;
    if (rename(unfinished.p, path) < 0 || stat(path, st) < 0)
        return err_errno(e, errno, "%s", path);
    return true;
}

// Only below the data folder, under a name of the server's own: whoever may take a backup may not thereby write files.
void backup_create(struct api_call *c)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    struct stat st;
    int64_t now = clock_wall_ms(c->web->opt.clock);
    if (pthread_mutex_trylock(&backup_lock)) {
        api_fail(c, ERR_CONFLICT, "a backup is being taken: wait for its end");
        return;
    }
    char *data = realpath(c->web->opt.data_dir, NULL);
    str stamp = timetext(a, now), folder = arena_printf(a, "%s/backups", data ? data : c->web->opt.data_dir);
    free(data);
    char name[64];
    size_t n = 0;
    for (size_t i = 0; i < stamp.n && n + 4 < sizeof name; i++)
        if (stamp.p[i] != ':' && stamp.p[i] != '-' && stamp.p[i] != '.')
            name[n++] = stamp.p[i];
    memcpy(name + n, ".db", 4);
    str path = arena_printf(a, "%.*s/%s", STR_ARG(folder), name);
    bool ok = file_make_dirs(folder.p, 0700, &e) && write_backup(c, path.p, &st, &e);
    pthread_mutex_unlock(&backup_lock);
    if (!ok) {
        api_fail_with(c, &e);
        return;
    }
    c->status = 201;
    c->answer = json_new_object(a);
    json_add_str(a, c->answer, "Name", arena_str(a, str_from(name)));
    json_add_str(a, c->answer, "Path", path);
    json_add_i64(a, c->answer, "Bytes", st.st_size);
    json_add_time(a, c->answer, "Created", now);
    store_audit(c->web->opt.store, &(struct store_audit){ 0, c->caller.actor, STR("backup.create"), arena_str(a, str_from(name)), STR("{}") });
}

void audit_verify(struct api_call *c)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    int64_t rows, bad_id;
    str head, why;
    if (!store_audit_verify(c->web->opt.store, &rows, &bad_id, &head, a, &why, &e)) {
        api_fail_with(c, &e);
        return;
    }
    c->answer = json_new_object(a);
    json_add_bool(a, c->answer, "IsIntact", !bad_id);
    json_add_i64(a, c->answer, "Rows", rows);
    json_add_str(a, c->answer, "Head", bad_id ? (str){ 0 } : head);
    json_add(c->answer, STR("BadRow"), bad_id ? json_new_i64(a, bad_id) : json_new_null(a));
    json_add_str(a, c->answer, "Reason", bad_id ? why : (str){ 0 });
}
