#include "sample/receiver_try.h"

#define HOOK "POST /services/T024BE7LH/B0CHAT/token"
#define JSON "Content-Type: application/json"

TEST(a_chat_takes_and_refuses)
{
    static const struct receiver_row rows[] = {
        { "a text", HOOK, JSON, "{\"text\":\"hello\"}", 200, "ok" },
        { "blocks without a text", HOOK, JSON, "{\"blocks\":[{\"type\":\"divider\"}]}", 200, "ok" },
        { "attachments without a text", HOOK, JSON, "{\"attachments\":[{\"text\":\"x\"}]}", 200, "ok" },
        { "as a form, as it once was", HOOK, "Content-Type: application/x-www-form-urlencoded", "payload=%7B%22text%22%3A%22a%20b%22%7D", 200, "ok" },
        { "nothing to say", HOOK, JSON, "{\"text\":\"\"}", 400, "no_text" },
        { "empty blocks", HOOK, JSON, "{\"blocks\":[]}", 400, "no_text" },
        { "no JSON", HOOK, JSON, "hello", 400, "invalid_payload" },
        { "a list", HOOK, JSON, "[]", 400, "invalid_payload" },
        { "a webhook that was revoked", "POST /services/T024BE7LH/B0CHAT/revoked", JSON, "{\"text\":\"x\"}", 404, "no_service" },
        { "a channel that was archived", "POST /services/T024BE7LH/B0CHAT/archived", JSON, "{\"text\":\"x\"}", 410, "channel_is_archived" },
        { "half an address", "POST /services/T024BE7LH", JSON, "{\"text\":\"x\"}", 404, "no_service" },
        { "GET", "GET /services/T024BE7LH/B0CHAT/token", NULL, "", 405, "method_not_allowed" },
    };
    receiver_try("chat", rows, COUNT(rows));
}

TEST_MAIN()
