#include "tests/harness/check.h"

#include "base/buf.h"
#include "sys/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

// What happened, in its order: one letter each.
static struct buf seen;
static struct loop *loop;

static void begin(void)
{
    struct err e;
    alarm(60); // a loop that never stops ends the test
    buf_clear(&seen);
    if (!loop_open(&loop, &e))
        fail_msg("%s", e.text);
}

static void end(void)
{
    loop_close(loop);
    loop = NULL;
}

static void note(void *letter)
{
    buf_add_text(&seen, letter);
}

static void stop(void *letter)
{
    buf_add_text(&seen, letter);
    loop_stop(loop);
}

TEST(posts_run_in_their_order)
{
    begin();
    loop_post(loop, note, "a");
    loop_post(loop, note, "b");
    loop_post(loop, stop, "c");
    CHECK_STR("not before the loop runs", buf_str(&seen), STR(""));
    loop_run(loop);
    CHECK_STR("then one after the other", buf_str(&seen), STR("abc"));
    loop_post(loop, stop, "d");
    loop_run(loop);
    CHECK_STR("a stopped loop may run again", buf_str(&seen), STR("abcd"));
    loop_post(loop, note, "e");
    end();
    CHECK_STR("closing runs what was still posted", buf_str(&seen), STR("abcde"));
    loop_close(NULL);
}

static void post_more(void *letter UNUSED)
{
    buf_add_text(&seen, "1");
    loop_post(loop, stop, "3");
    buf_add_text(&seen, "2");
}

TEST(a_post_may_post)
{
    begin();
    loop_post(loop, post_more, "");
    loop_post(loop, note, "x");
    loop_run(loop);
    CHECK_STR("it comes behind what was there", buf_str(&seen), STR("12x3"));
    end();
}

TEST(a_stop_before_the_run_is_not_forgotten)
{
    begin();
    loop_stop(loop);
    loop_run(loop);
    CHECK("the run ends at once", true);
    loop_stop(loop);
    loop_stop(loop);
    end();
    CHECK("a stop nobody ran on does not hinder closing", true);
}

enum { THREADS = 4, POSTS = 20000 };
static int next_of[THREADS], out_of_order, finished;
static pthread_t owner;

struct numbered {
    int thread, number;
};

static void take(void *ctx)
{
    struct numbered *n = ctx;
    out_of_order += next_of[n->thread]++ != n->number || !pthread_equal(owner, pthread_self());
    free(n);
}

static void finish(void *ctx UNUSED)
{
    if (++finished == THREADS)
        loop_stop(loop);
}

static void *post_many(void *ctx)
{
    for (int i = 0; i < POSTS; i++) {
        struct numbered *n = xmalloc(sizeof *n);
        *n = (struct numbered){ (int)(intptr_t)ctx, i };
        loop_post(loop, take, n);
    }
    loop_post(loop, finish, NULL);
    return NULL;
}

TEST(any_thread_may_post)
{
    pthread_t threads[THREADS];
    begin();
    owner = pthread_self();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, post_many, (void *)(intptr_t)i);
    loop_run(loop);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT("each thread's posts keep their order, on the loop's own thread", out_of_order, 0);
    int total = 0;
    for (int i = 0; i < THREADS; i++)
        total += next_of[i];
    CHECK_INT("none is lost", total, THREADS * POSTS);
    end();
}

static void *stop_from_elsewhere(void *ctx UNUSED)
{
    loop_stop(loop);
    return NULL;
}

TEST(any_thread_may_stop)
{
    begin();
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, stop_from_elsewhere, NULL);
        loop_run(loop);
        pthread_join(thread, NULL);
    }
    CHECK("each of 200 runs was stopped", true);
    end();
}

TEST(timers_fire_by_their_time)
{
    begin();
    struct loop_timer *late = loop_timer_new(loop, stop, "z"), *soon = loop_timer_new(loop, note, "a"), *never = loop_timer_new(loop, note, "!"), *unset = loop_timer_new(loop, note, "?");
    struct loop_timer *again = loop_timer_new(loop, note, "r");
    loop_timer_set(late, 30, 0);
    loop_timer_set(soon, 1, 0);
    loop_timer_set(never, 1, 0);
    loop_timer_stop(never);
    loop_timer_set(again, 60000, 0);
    loop_timer_set(again, 2, 0);
    int64_t before = loop_now_ms(loop);
    loop_run(loop);
    CHECK_STR("whatever the order they were set in; a stopped one never; set anew counts anew", buf_str(&seen), STR("arz"));
    CHECK("not too early", loop_now_ms(loop) - before >= 29);
    loop_timer_set(late, -5, 0);
    loop_run(loop);
    CHECK_STR("what is due already fires next", buf_str(&seen), STR("arzz"));
    loop_timer_free(late);
    loop_timer_free(soon);
    loop_timer_free(never);
    loop_timer_free(unset);
    loop_timer_free(again);
    loop_timer_free(NULL);
    end();
}

static struct loop_timer *own;
static int fired;

static void repeat(void *ctx UNUSED)
{
    if (++fired == 5) {
        loop_timer_free(own);
        loop_stop(loop);
    }
}

TEST(timers_repeat_and_may_free_themselves)
{
    begin();
    fired = 0;
    own = loop_timer_new(loop, repeat, NULL);
    loop_timer_set(own, 0, 1);
    loop_run(loop);
    CHECK_INT("until freed within its own call", fired, 5);
    end();
}

static void count_signal(void *ctx, int signal_number)
{
    CHECK_INT("with its number", signal_number, SIGUSR1);
    stop(ctx);
}

TEST(signals)
{
    struct err e = { 0 };
    begin();
    CHECK_OK("are watched", loop_on_signal(loop, SIGUSR1, count_signal, "s", &e), &e);
    raise(SIGUSR1);
    loop_run(loop);
    raise(SIGUSR1);
    loop_run(loop);
    CHECK_STR("each time", buf_str(&seen), STR("ss"));
    CHECK("one that cannot be watched is an error", !loop_on_signal(loop, SIGKILL, count_signal, "k", &e) && e.kind == ERR_IO);
    end();
}

static int pair[2];
static struct loop_watch *watch;

static void on_ready(void *ctx UNUSED, int events, bool is_error)
{
    char bytes[16];
    buf_add_text(&seen, is_error ? "E" : "");
    if (events & LOOP_WRITABLE) {
        buf_add_char(&seen, 'w');
        loop_watch_set(watch, LOOP_READABLE);
        if (write(pair[1], "hello", 5) != 5)
            abort();
    }
    if (events & LOOP_READABLE) {
        ssize_t n = read(pair[0], bytes, sizeof bytes);
        buf_add_char(&seen, n > 0 ? 'r' : '0');
        if (n > 0) {
            close(pair[1]);
        } else {
            loop_watch_set(watch, 0);
            loop_post(loop, stop, ".");
        }
    }
}

TEST(descriptors)
{
    begin();
    REQUIRE("a pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    watch = loop_watch_new(loop, pair[0], on_ready, NULL);
    loop_watch_set(watch, LOOP_READABLE | LOOP_WRITABLE);
    loop_run(loop);
    CHECK_STR("writable, then readable, then at its end, then left alone", buf_str(&seen), STR("wr0."));
    loop_watch_free(watch);
    close(pair[0]);
    loop_watch_free(NULL);

    char name[] = "/tmp/loop-test-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    watch = loop_watch_new(loop, fd, on_ready, NULL); // epoll takes no regular file
    loop_watch_set(watch, LOOP_READABLE);
    loop_watch_free(watch);
    close(fd);
    CHECK("one that cannot be watched does no harm", true);
    end();
}

// Watches and timers freed while events for them wait in the same round.
static struct loop_watch *both[2];
static int socks[2][2], calls;

static void free_both(void *ctx UNUSED, int events UNUSED, bool is_error UNUSED)
{
    calls++;
    for (int i = 0; i < 2; i++) {
        loop_watch_free(both[i]);
        both[i] = NULL;
    }
    loop_stop(loop);
}

TEST(freeing_what_is_about_to_be_called)
{
    begin();
    calls = 0;
    for (int i = 0; i < 2; i++) {
        REQUIRE("a pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, socks[i]) == 0);
        both[i] = loop_watch_new(loop, socks[i][0], free_both, NULL);
        loop_watch_set(both[i], LOOP_READABLE);
    }
    CHECK("both are ready", write(socks[0][1], "x", 1) == 1 && write(socks[1][1], "x", 1) == 1);
    loop_run(loop);
    CHECK_INT("the freed one is not called", calls, 1);
    for (int i = 0; i < 4; i++)
        close(socks[i / 2][i % 2]);
    end();
}

TEST(at_last)
{
    buf_fini(&seen);
    CHECK("nothing hung", alarm(0) > 0);
}

TEST_MAIN()
