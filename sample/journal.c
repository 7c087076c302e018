#include "sample/journal.h"

#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define JOURNAL_BYTES_MAX ((size_t)4 << 30)

struct journal {
    char *path;
    int fd, lock_fd;
    struct buf gathered; // while rewriting
    bool is_rewriting, is_broken;
};

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    buf_fini(&j->gathered);
    free(j->path);
    free(j);
}

static void journal_closep(struct journal **j)
{
    journal_close(*j);
}

static bool load_lines(str text, bool (*load)(void *ctx, struct arena *a, const struct json *line, struct err *e), void *ctx, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    size_t number = 0;

    while (text.n > 0) {
        ptrdiff_t end = str_find_char(text, '\n');
        struct json *line;

        number++;
        if (end < 0)
            return true; // torn by a kill in the middle of the write
        arena_reset(&a);
        if (!json_parse(&a, str_sub(text, 0, (size_t)end), &line, e) || !load(ctx, &a, line, e))
            return err_in(e, "line %zu", number);
        text = str_skip(text, (size_t)end + 1);
    }
    return true;
}

static bool open_for_append(struct journal *j, struct err *e)
{
    j->fd = open(j->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return j->fd >= 0 || err_errno(e, errno, "%s", j->path);
}

bool journal_open(const char *dir, bool (*load)(void *ctx, struct arena *a, const struct json *line, struct err *e), void *ctx, bool *is_new, struct journal **out, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(journal_closep) struct journal *j = xcalloc(1, sizeof *j);
    struct err read_error;
    str text;

    j->fd = j->lock_fd = -1;
    j->path = xstrdup(arena_printf(&a, "%s/journal.jsonl", dir).p);
    if (!file_make_dirs(dir, 0700, e) || !file_lock(arena_printf(&a, "%s/lock", dir).p, &j->lock_fd, e))
        return false;
    *is_new = false;
    if (file_read(j->path, JOURNAL_BYTES_MAX, &a, &text, &read_error)) {
        if (!load_lines(text, load, ctx, e))
            return err_in(e, "%s", j->path);
        *is_new = text.n == 0;
    } else if (read_error.kind == ERR_NOT_FOUND) {
        *is_new = true;
    } else {
        *e = read_error;
        return false;
    }
    if (!open_for_append(j, e))
        return false;
    *out = MOVE(j);
    return true;
}

void journal_append(struct journal *j, str line)
{
    if (!j)
        return;
    if (j->is_rewriting) {
        buf_add(&j->gathered, line);
        buf_add_char(&j->gathered, '\n');
        return;
    }
    buf_clear(&j->gathered);
    buf_add(&j->gathered, line);
    buf_add_char(&j->gathered, '\n');
    for (size_t at = 0; at < j->gathered.n;) {
        ssize_t n = write(j->fd, j->gathered.p + at, j->gathered.n - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (!j->is_broken)
                fprintf(stderr, "octopus-sample: %s: %s; what happens from here on is not kept\n", j->path, strerror(errno));
            j->is_broken = true;
            return;
        }
        at += (size_t)n;
    }
}

bool journal_rewrite(struct journal *j, void (*dump)(void *ctx, struct journal *j), void *ctx, struct err *e)
{
    buf_clear(&j->gathered);
    j->is_rewriting = true;
    dump(ctx, j);
    j->is_rewriting = false;
    close(j->fd);
    j->fd = -1;
    bool is_written = file_write(j->path, buf_str(&j->gathered), 0600, e);
    buf_fini(&j->gathered);
    j->gathered = (struct buf){ 0 };
    return is_written && open_for_append(j, e);
}
