// Care by API: a copy of the database while the server works, and a walk over the audit's chain.
#include "web/api_object.h"
#include "web/two_persons.h"

#include "base/timetext.h"
#include "reaction/rotation.h"
#include "store/anchor.h"
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
    if (!two_persons_agree(c, "Backup"))
        return;
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

// Nobody changes anything meanwhile: what is stored could else have been sealed with the old key a moment before.
void master_key_rotate(struct api_call *c)
{
    struct web *w = c->web;
    struct err e = { 0 };
    int64_t resealed;
    str id;
    if (!two_persons_agree(c, "KeyRotate"))
        return;
    struct rotation_options opt = { .store = w->opt.store, .keyring = w->opt.keyring, .path = w->opt.master_key_file, .random = w->opt.random };
    pthread_mutex_lock(&w->change_lock);
    bool ok = rotation_run(&opt, c->caller.name, &resealed, &id, &e) && registry_reload(w->opt.registry, &e);
    pthread_mutex_unlock(&w->change_lock);
    if (!ok) {
        api_fail_with(c, &e);
        return;
    }
    c->answer = json_new_object(c->arena);
    json_add_str(c->arena, c->answer, "KeyId", id);
    json_add_i64(c->arena, c->answer, "Objects", resealed);
}

struct json *web_audit_verdict(const struct anchor_verdict *v, struct arena *a)
{
    struct json *j = json_new_object(a), *anchor = NULL;
    json_add_bool(a, j, "IsIntact", !v->why.n);
    json_add_i64(a, j, "Rows", v->rows);
    json_add_str(a, j, "Head", v->bad_row ? (str){ 0 } : v->head);
    json_add(j, STR("BadRow"), v->bad_row ? json_new_i64(a, v->bad_row) : json_new_null(a));
    json_add_str(a, j, "Reason", v->why.n ? v->why : (str){ 0 });
    if (!v->has_anchor) {
        json_add_null(a, j, "Anchor");
        return j;
    }
    anchor = json_add(j, STR("Anchor"), json_new_object(a));
    json_add_i64(a, anchor, "Row", v->anchor.row);
    json_add_str(a, anchor, "Hash", v->anchor.hash);
    json_add_str(a, anchor, "Written", v->anchor.time);
    return j;
}

void audit_verify(struct api_call *c)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    struct anchor known;
    struct anchor_verdict v;
    str text = api_query(c, "head");
    if (text.n && !anchor_parse(text, a, &known)) {
        api_fail(c, ERR_INVALID, "head: \"%.*s\" must be ROW:HASH, as an earlier verification showed it", STR_ARG(text));
        return;
    }
    if (!anchor_verify(c->web->opt.store, c->web->opt.audit_anchor_file ? c->web->opt.audit_anchor_file : "", text.n ? &known : NULL, a, &v, &e)) {
        api_fail_with(c, &e);
        return;
    }
    c->answer = web_audit_verdict(&v, a);
}
