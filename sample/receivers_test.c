#include "sample/receiver_try.h"

TEST(anybody_else_takes_anything)
{
    static const struct receiver_row rows[] = {
        { "text", "POST /hook", "Content-Type: text/plain", "x", 200, "\"ok\":true" },
        { "nothing, anywhere", "DELETE /a/b/c?d=e", NULL, "", 200, "ok" },
        { "a key", "POST /hook", "Idempotency-Key: k1", "{}", 200, "ok" },
        { "the same key", "POST /hook", "Idempotency-Key: k1", "{}", 200, "ok" },
    };
    receiver_try("elsewhere", rows, COUNT(rows));
}

TEST(a_receiver_misbehaves_so_often_and_no_more)
{
    static const struct receiver_row rows[] = {
        { "the first", "POST /services/a/b/c", NULL, "{\"text\":\"x\"}", 503, "later" },
        { "the second", "POST /services/a/b/c", NULL, "{\"text\":\"x\"}", 503, "later" },
        { "then as ever", "POST /services/a/b/c", NULL, "{\"text\":\"x\"}", 200, "ok" },
    };
    receiver_try_misbehaving("chat", &(struct misbehaviour){ .receiver = STR("chat"), .body = STR("later"), .status = 503, .times = 2 }, rows, COUNT(rows));
    static const struct receiver_row cut[] = {
        { "a connection that is cut", "POST /x", NULL, "", 0, "" },
        { "and then not", "POST /x", NULL, "", 200, "ok" },
    };
    receiver_try_misbehaving("x", &(struct misbehaviour){ .receiver = STR("x"), .body = STR(""), .status = 0, .times = 1 }, cut, COUNT(cut));
    static const struct receiver_row late[] = {
        { "late, but otherwise as ever", "POST /deployments", NULL, "x", 400, "not valid JSON" },
    };
    receiver_try_misbehaving("raygun", &(struct misbehaviour){ .receiver = STR("raygun"), .body = STR(""), .status = -1, .times = 1, .delay_ms = 20 }, late, COUNT(late));
}

TEST_MAIN()
