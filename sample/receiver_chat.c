// A chat with incoming webhooks, as Slack's: words for errors, "ok" for success.
#include "sample/receiver.h"

#include "base/encode.h"

void receiver_chat(struct call *c)
{
    str body = c->http->body, form;
    const struct json *message;
    struct json *parsed;
    struct err e;

    if (!receiver_is_path(c, 2, "services/{}/{}/{}") || str_eq(receiver_segment(c, 5), STR("revoked"))) {
        receiver_reply(c, STR("chat"), 404, "text/html", STR("no_service"));
        return;
    }
    if (str_eq(receiver_segment(c, 5), STR("archived"))) {
        receiver_reply(c, STR("chat"), 410, "text/html", STR("channel_is_archived"));
        return;
    }
    if (!str_eq(c->method, STR("POST"))) {
        receiver_reply(c, STR("chat"), 405, "text/html", STR("method_not_allowed"));
        return;
    }
    if (str_starts(body, STR("payload=")) && percent_decode(c->a, str_skip(body, 8), true, &form))
        body = form;
    message = json_parse(c->a, body, &parsed, &e) ? parsed : NULL;
    const struct json *blocks = json_get(message, STR("blocks")), *attachments = json_get(message, STR("attachments"));
    if (!json_is(message, JSON_OBJECT))
        receiver_reply(c, STR("chat"), 400, "text/html", STR("invalid_payload"));
    else if (!json_str(json_get(message, STR("text")), STR("")).n && !(json_is(blocks, JSON_ARRAY) && blocks->count) && !(json_is(attachments, JSON_ARRAY) && attachments->count))
        receiver_reply(c, STR("chat"), 400, "text/html", STR("no_text"));
    else
        receiver_reply(c, STR("chat"), 200, "text/html", STR("ok"));
}
