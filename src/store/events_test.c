#include "tests/store/bench.h"

TEST(a_delivery_is_stored_once)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{\"a\":1}");
        item.idempotency_key = STR("k1");
        int64_t first = accept(&f, &item).event_id;
        CHECK("the first is new", f.accepted[0].outcome == ACCEPT_NEW && first > 0);
        CHECK("the same key and body is the same event", accept(&f, &item).outcome == ACCEPT_DUPLICATE && f.accepted[0].event_id == first);
        struct store_accept other = event_of(7, "[2]");
        other.idempotency_key = STR("k1");
        CHECK("the same Idempotency-Key with another body is refused", accept(&f, &other).outcome == ACCEPT_KEY_REUSED);
        other.event.trigger_id = 8;
        CHECK("another trigger has its own keys", accept(&f, &other).outcome == ACCEPT_NEW);

        struct store_accept sent = event_of(7, "{\"b\":1}");
        sent.event.delivery_id = STR("d1");
        int64_t delivered = accept(&f, &sent).event_id;
        CHECK("a sender's own id is new once", f.accepted[0].outcome == ACCEPT_NEW);
        CHECK("then a duplicate", accept(&f, &sent).outcome == ACCEPT_DUPLICATE && f.accepted[0].event_id == delivered);
        struct store_accept reused = event_of(7, "[3]");
        reused.event.delivery_id = STR("d1");
        int64_t again = accept(&f, &reused).event_id;
        CHECK("with another body it is a new event", f.accepted[0].outcome == ACCEPT_NEW && again != delivered);
        struct store_event *v = NULL;
        CHECK_OK("which is read", store_event_get(f.store, 1, again, &f.a, &v, &f.e) && v, &f.e);
        CHECK("and marked so", v && v->is_reused_delivery);
        CHECK_STR("its bytes are kept", v ? v->body : STR(""), STR("[3]"));
    }
}

static struct store_event *event(struct fixture *f, int64_t id)
{
    struct store_event *v = NULL;
    CHECK_OK("the event is read", store_event_get(f->store, 0, id, &f->a, &v, &f->e) && v, &f->e);
    return v ? v : ARENA_NEW(&f->a, struct store_event);
}

TEST(many_are_read_at_once)
{
    ON_EVERY_ENGINE(f) {
        struct store_event_wish wishes[4] = { 0 };
        struct arena arenas[4] = { 0 };
        static const char *const bodies[] = { "[1]", "[2]", "[3]" };
        for (size_t i = 0; i < 3; i++) {
            struct store_accept item = event_of(7, bodies[i]);
            wishes[i] = (struct store_event_wish){ .id = accept(&f, &item).event_id };
        }
        wishes[3].id = 1000000;
        for (int round = 0; round < 2; round++) {
            for (size_t i = 0; i < 4; i++)
                wishes[i].arena = &arenas[i];
            CHECK_OK("they are read", store_events_get(f.store, wishes, 4, &f.e), &f.e);
            for (size_t i = 0; i < 3; i++)
                CHECK_STR("each its own", wishes[i].event ? wishes[i].event->body : STR(""), str_from(bodies[i]));
            CHECK("one that is not there is none", !wishes[3].event);
            // Nothing stays open behind it: what is stored now is seen by the next.
            struct store_accept item = event_of(7, "[4]");
            struct store_event_wish later = { accept(&f, &item).event_id, &arenas[0], NULL };
            CHECK_OK("one alone", store_events_get(f.store, &later, 1, &f.e), &f.e);
            CHECK("what came meanwhile is seen", later.event);
        }
        for (size_t i = 0; i < 4; i++)
            arena_fini(&arenas[i]);
    }
}

TEST(an_event_keeps_every_byte)
{
    ON_EVERY_ENGINE(f) {
        static const char bytes[] = "\0\xff{\"a\":1.10}\n";
        struct store_accept item = event_of(7, "x");
        item.event.body = (str){ bytes, sizeof bytes };
        item.event.request = STR("{\"Path\":\"/triggers/feed\"}");
        item.event.delivery_id = STR("d-1");
        int64_t id = accept(&f, &item).event_id;
        struct store_event *v = event(&f, id);
        CHECK_STR("the body", v->body, ((str){ bytes, sizeof bytes }));
        CHECK_STR("the request", v->request, STR("{\"Path\":\"/triggers/feed\"}"));
        CHECK_STR("what the sender called it", v->delivery_id, STR("d-1"));
        CHECK_INT("when it occurred", v->occurred_ms, 4);
        CHECK_INT("when it came", v->received_ms, 5);
        CHECK("not judged yet", !v->is_matched && v->matched == 0);
        CHECK_OK("another space asks", store_event_get(f.store, 2, id, &f.a, &v, &f.e), &f.e);
        CHECK("and finds nothing", !v);
    }
}

TEST(events_are_found_by_each_filter)
{
    ON_EVERY_ENGINE(f) {
        for (int i = 0; i < 6; i++) {
            struct store_accept item = event_of(i % 2 ? 7 : 8, "{}");
            item.event.type = i % 3 ? STR("feed") : STR("chat");
            item.event.received_ms = 100 + i;
            accept(&f, &item);
        }
        struct store_accept tailed = event_of(0, "{}");
        tailed.event.source = EVENT_INTERNAL;
        tailed.event.connection_id = 1;
        tailed.event.octopus_event_id = STR("Events-99");
        tailed.event.received_ms = 200;
        tailed.event.space_id = 2;
        accept(&f, &tailed);
        const struct { const char *claim; struct event_filter filter; int64_t want; } rows[] = {
            { "no filter", { .source = -1 }, 7 },
            { "by space", { .source = -1, .space_id = 2 }, 1 },
            { "by source", { .source = EVENT_EXTERNAL }, 6 },
            { "by type, whatever its case", { .source = -1, .type = STR("CHAT") }, 2 },
            { "by trigger", { .source = -1, .trigger_id = 7 }, 3 },
            { "by Octopus's id", { .source = -1, .octopus_event_id = STR("Events-99") }, 1 },
            { "from", { .source = -1, .from_ms = 104 }, 3 },
            { "to, which is not in it", { .source = -1, .to_ms = 104 }, 4 },
            { "several at once", { .source = -1, .type = STR("feed"), .trigger_id = 7, .from_ms = 101, .to_ms = 200 }, 2 },
            { "none", { .source = -1, .type = STR("nothing") }, 0 },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct store_events out;
            CHECK_OK("listed", store_event_list(f.store, &rows[i].filter, (struct store_page){ .take = 2 }, false, &f.a, &out, &f.e), &f.e);
            CHECK_INT(rows[i].claim, out.total, rows[i].want);
            CHECK_INT("a page is no longer than asked for", out.count, MIN(rows[i].want, 2));
            CHECK("newest first", out.count < 2 || out.items[0].id > out.items[1].id);
        }
    }
}

TEST(a_tail_moves_with_its_events)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(0, "{}");
        item.event.source = EVENT_INTERNAL;
        item.event.connection_id = 4;
        item.event.octopus_event_id = STR("Events-1");
        struct store_tail tail = { 4, STR("{\"Watermark\":1}") };
        str doc;
        CHECK_OK("before its first page a tail", store_tail_get(f.store, 4, &f.a, &doc, &f.e), &f.e);
        CHECK_STR("stands nowhere", doc, STR(""));
        REQUIRE("the page is queued", store_accept(f.store, f.loop, &item, 1, &tail, on_accepted, &f, &f.e));
        loop_run(f.loop);
        CHECK("the event is stored", f.accepted[0].outcome == ACCEPT_NEW);
        int64_t first = f.accepted[0].event_id;
        tail.doc = STR("{\"Watermark\":2}");
        REQUIRE("the same page again", store_accept(f.store, f.loop, &item, 1, &tail, on_accepted, &f, &f.e));
        loop_run(f.loop);
        CHECK("the event is there already", f.accepted[0].outcome == ACCEPT_DUPLICATE && f.accepted[0].event_id == first);
        CHECK_OK("the tail is read", store_tail_get(f.store, 4, &f.a, &doc, &f.e), &f.e);
        CHECK_STR("and went on", doc, STR("{\"Watermark\":2}"));

        store_set_faults(f.store, &(struct store_faults){ .fail_commit_every = 1 });
        tail.doc = STR("{\"Watermark\":3}");
        item.event.octopus_event_id = STR("Events-2");
        REQUIRE("a page whose commit fails", store_accept(f.store, f.loop, &item, 1, &tail, on_accepted, &f, &f.e));
        loop_run(f.loop);
        CHECK("is not stored", f.accepted[0].outcome == ACCEPT_FAILED);
        store_set_faults(f.store, &(struct store_faults){ 0 });
        CHECK_OK("the tail is read again", store_tail_get(f.store, 4, &f.a, &doc, &f.e), &f.e);
        CHECK_STR("and did not move", doc, STR("{\"Watermark\":2}"));
    }
}

TEST_MAIN()
