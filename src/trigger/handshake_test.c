#include "tests/harness/check.h"

#include "json/json.h"
#include "trigger/handshake.h"

struct bench {
    struct arena arena;
    struct incoming_field headers[8];
    struct incoming in;
    struct handshake_context context;
    struct handshake *h;
    struct handshake_reply reply;
};

static void bench_fini(struct bench *b)
{
    arena_fini(&b->arena);
}

static void set_up(struct bench *b, const char *conf)
{
    struct json *j;
    struct err e = { 0 };
    struct decode_errors errors = { .arena = &b->arena };
    b->in = (struct incoming){ .method = STR("POST"), .path = STR("/triggers/x"), .headers = b->headers, .body = STR("{}") };
    b->context = (struct handshake_context){ .is_proven = true };
    CHECK_OK(conf, json_parse(&b->arena, str_from(conf), &j, &e), &e);
    if (!handshake_parse(&b->arena, j, STR(""), &errors, &b->h))
        CHECK_STR(conf, errors.items[0], STR("no error"));
}

static void header(struct bench *b, const char *name, const char *value)
{
    b->in.headers[b->in.header_count++] = (struct incoming_field){ str_from(name), str_from(value) };
}

static void query(struct bench *b, const char *text)
{
    struct err e = { 0 };
    b->in.raw_query = str_from(text);
    CHECK_OK(text, incoming_read_query(&b->in, &b->arena, &e), &e);
}

static enum handshake_result judge(struct bench *b)
{
    b->reply = (struct handshake_reply){ 0 };
    return handshake_judge(b->h, &b->in, &b->context, &b->arena, &b->reply);
}

static str reply_header(const struct bench *b, const char *name)
{
    struct incoming as_request = { .headers = b->reply.headers, .header_count = b->reply.header_count };
    return incoming_header(&as_request, str_from(name), NULL);
}

static struct signature *signature(struct bench *b, const char *conf)
{
    struct json *j;
    struct err e = { 0 };
    struct decode_errors errors = { .arena = &b->arena };
    struct signature *s = NULL;
    CHECK_OK(conf, json_parse(&b->arena, str_from(conf), &j, &e), &e);
    CHECK(conf, signature_parse(&b->arena, j, STR(""), &errors, &s));
    return s;
}

TEST(slack)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"slack\"}");
    b.in.body = STR("{\"token\":\"x\",\"challenge\":\"<3eZb>\",\"type\":\"url_verification\"}");
    CHECK_INT("its challenge is answered", judge(&b), HANDSHAKE_REPLY);
    CHECK_INT("with 200", b.reply.status, 200);
    CHECK_STR("as text", b.reply.content_type, STR("text/plain"));
    CHECK_STR("as it came", b.reply.body, STR("<3eZb>"));
    CHECK_STR("which no browser sniffs", reply_header(&b, "X-Content-Type-Options"), STR("nosniff"));
    b.context.is_proven = false;
    CHECK_INT("without proof it is no handshake", judge(&b), HANDSHAKE_NO);
    b.context.is_proven = true;
    b.in.body = STR("{\"type\":\"event_callback\"}");
    CHECK_INT("an event is a delivery", judge(&b), HANDSHAKE_NO);
    b.in.body = STR("{\"type\":\"url_verification\"}");
    CHECK_INT("without a challenge there is no answer", judge(&b), HANDSHAKE_REFUSED);
    b.in.body = STR("command=%2Fdeploy");
    CHECK_INT("a form is a delivery", judge(&b), HANDSHAKE_NO);
}

TEST(eventgrid)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"eventgrid\",\"Subscriptions\":[\"prod\"]}");
    header(&b, "aeg-event-type", "SubscriptionValidation");
    header(&b, "aeg-subscription-name", "PROD");
    b.in.body = STR("[{\"data\":{\"validationCode\":\"a\\\"b\",\"validationUrl\":\"https://x\"}}]");
    CHECK_INT("a listed subscription is answered", judge(&b), HANDSHAKE_REPLY);
    CHECK_STR("as JSON", b.reply.content_type, STR("application/json"));
    CHECK_STR("escaped", b.reply.body, STR("{\"validationResponse\":\"a\\\"b\"}"));
    CHECK("its URL is not called", !b.reply.confirm_url.p);
    b.headers[1].value = STR("other");
    CHECK_INT("another one is refused", judge(&b), HANDSHAKE_REFUSED);
    b.headers[0].value = STR("Notification");
    CHECK_INT("events are deliveries", judge(&b), HANDSHAKE_NO);
}

TEST(cloudevents)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"cloudevents\",\"Origins\":[\"eventgrid.azure.net\"]}");
    b.in.method = STR("OPTIONS");
    header(&b, "WebHook-Request-Origin", "eventgrid.azure.net");
    CHECK("OPTIONS is taken, whatever the trigger's methods", handshake_takes_method(b.h, STR("OPTIONS")) && !handshake_takes_method(b.h, STR("POST")));
    CHECK_INT("a listed origin is allowed", judge(&b), HANDSHAKE_REPLY);
    CHECK_STR("Allow", reply_header(&b, "Allow"), STR("POST"));
    CHECK_STR("the origin", reply_header(&b, "WebHook-Allowed-Origin"), STR("eventgrid.azure.net"));
    CHECK("no rate, where none was asked for", !reply_header(&b, "WebHook-Allowed-Rate").p);
    CHECK("no body", !b.reply.body.n && !b.reply.content_type.n);
    header(&b, "WebHook-Request-Rate", "120");
    CHECK_INT("with a rate", judge(&b), HANDSHAKE_REPLY);
    CHECK_STR("it is granted", reply_header(&b, "WebHook-Allowed-Rate"), STR("120"));
    b.context.rate_per_minute = 60;
    judge(&b);
    CHECK_STR("but no more than the trigger's own", reply_header(&b, "WebHook-Allowed-Rate"), STR("60"));
    b.context.rate_per_minute = 0;
    b.headers[1].value = STR("fast");
    judge(&b);
    CHECK_STR("what is no number gets no limit", reply_header(&b, "WebHook-Allowed-Rate"), STR("*"));
    header(&b, "WebHook-Request-Callback", "https://169.254.169.254/");
    judge(&b);
    CHECK("a callback is not called", !b.reply.confirm_url.p);
    b.headers[0].value = STR("evil.example");
    CHECK_INT("another origin is refused", judge(&b), HANDSHAKE_REFUSED);
    CHECK_INT("without headers", b.reply.header_count, 0);
}

TEST(sns)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"sns\"}");
    b.context.by_signature = true;
    b.context.signature = signature(&b, "{\"Preset\":\"sns\",\"Topics\":[\"arn:a\"]}");
    header(&b, "x-amz-sns-message-type", "SubscriptionConfirmation");
    b.in.body = STR("{\"Type\":\"SubscriptionConfirmation\",\"TopicArn\":\"arn:a\",\"SubscribeURL\":\"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription\"}");
    CHECK_INT("it is answered", judge(&b), HANDSHAKE_REPLY);
    CHECK_STR("and to be confirmed", b.reply.confirm_url, STR("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"));
    b.context.by_signature = false;
    CHECK_INT("with a key alone it is answered", judge(&b), HANDSHAKE_REPLY);
    CHECK("but not confirmed", !b.reply.confirm_url.p);
    b.context.by_signature = true;
    b.in.body = STR("{\"Type\":\"SubscriptionConfirmation\",\"TopicArn\":\"arn:b\",\"SubscribeURL\":\"https://sns.eu-west-1.amazonaws.com/?x\"}");
    judge(&b);
    CHECK("nor another topic", !b.reply.confirm_url.p);
    b.in.body = STR("{\"Type\":\"SubscriptionConfirmation\",\"TopicArn\":\"arn:a\",\"SubscribeURL\":\"https://169.254.169.254/\"}");
    judge(&b);
    CHECK("nor any other host", !b.reply.confirm_url.p);
    b.in.body = STR("{\"Type\":\"Notification\",\"TopicArn\":\"arn:a\"}");
    CHECK_INT("the header alone, which is not signed, makes no handshake", judge(&b), HANDSHAKE_NO);

    struct bench off = { 0 };
    set_up(&off, "{\"Preset\":\"sns\",\"Confirm\":false}");
    off.context = b.context;
    header(&off, "x-amz-sns-message-type", "SubscriptionConfirmation");
    off.in.body = STR("{\"Type\":\"SubscriptionConfirmation\",\"TopicArn\":\"arn:a\",\"SubscribeURL\":\"https://sns.eu-west-1.amazonaws.com/?x\"}");
    CHECK_INT("with Confirm off it is answered", judge(&off), HANDSHAKE_REPLY);
    CHECK("and left to a person", !off.reply.confirm_url.p);
    bench_fini(&off);
}

TEST(echo_query)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"echo-query\",\"Parameter\":\"validationToken\"}");
    query(&b, "apikey=x&validationToken=Validation%3a+a%0Ab%3Cscript%3E");
    CHECK_INT("Microsoft Graph's token", judge(&b), HANDSHAKE_REPLY);
    CHECK_STR("decoded, as plain text", b.reply.body, STR("Validation: a\nb<script>"));
    CHECK_STR("of that type", b.reply.content_type, STR("text/plain"));
    b.context.is_proven = false;
    CHECK_INT("never without proof: that would be a reflector", judge(&b), HANDSHAKE_NO);
    b.context.is_proven = true;
    query(&b, "apikey=x");
    CHECK_INT("without the parameter it is a delivery", judge(&b), HANDSHAKE_NO);
    query(&b, "validationToken=a&validationToken=b");
    CHECK_INT("twice is none", judge(&b), HANDSHAKE_NO);

    struct bench meta = { 0 };
    set_up(&meta, "{\"Preset\":\"echo-query\",\"Parameter\":\"hub.challenge\",\"VerifyToken\":\"sesame\"}");
    meta.in.method = STR("GET");
    meta.context.is_proven = false;
    query(&meta, "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=sesame");
    CHECK_INT("Meta's token is the proof", judge(&meta), HANDSHAKE_REPLY);
    CHECK_STR("the challenge", meta.reply.body, STR("1158201444"));
    query(&meta, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=sesam");
    CHECK_INT("another token is refused", judge(&meta), HANDSHAKE_REFUSED);
    query(&meta, "hub.mode=subscribe&hub.challenge=1");
    CHECK_INT("none too", judge(&meta), HANDSHAKE_REFUSED);
    meta.context.is_proven = true;
    CHECK_INT("even beside another proof", judge(&meta), HANDSHAKE_REFUSED);
    bench_fini(&meta);

    struct bench hidden = { 0 };
    set_up(&hidden, "{\"Preset\":\"echo-query\",\"Parameter\":\"hub.challenge\",\"VerifyToken\":{\"HasValue\":true}}");
    hidden.context.is_proven = false;
    query(&hidden, "hub.challenge=1&hub.verify_token=");
    CHECK_INT("a token whose value is not at hand fits nothing", judge(&hidden), HANDSHAKE_REFUSED);
    bench_fini(&hidden);
}

TEST(echo_header)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"echo-header\",\"Header\":\"X-Hook-Secret\"}");
    b.context = (struct handshake_context){ .is_connecting = true };
    header(&b, "x-hook-secret", "b537");
    CHECK_INT("while connecting, without proof", judge(&b), HANDSHAKE_REPLY);
    CHECK_STR("the header comes back", reply_header(&b, "X-Hook-Secret"), STR("b537"));
    CHECK_STR("and is learned", b.reply.learned_secret, STR("b537"));
    b.headers[0].value = STR("a\r\nSet-Cookie: b=c");
    CHECK_INT("not with a line break", judge(&b), HANDSHAKE_REFUSED);
    b.headers[0].value = STR("b537");
    b.context.is_connecting = false;
    CHECK_INT("later it is refused", judge(&b), HANDSHAKE_REFUSED);
    b.context.is_proven = true;
    CHECK_INT("and a proven request is a delivery", judge(&b), HANDSHAKE_NO);
    b.in.header_count = 0;
    CHECK_INT("as is one without the header", judge(&b), HANDSHAKE_NO);
}

TEST(hmac_reply)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"hmac-reply\"}");
    b.in.body = STR("{\"event\":\"endpoint.url_validation\",\"payload\":{\"plainToken\":\"qgg8vlvZRS6UYooatFL8Aw\"}}");
    CHECK_INT("without a secret there is no answer", judge(&b), HANDSHAKE_REFUSED);
    b.context.signature = signature(&b, "{\"Preset\":\"sentry\",\"Secrets\":[\"key\"]}");
    CHECK_INT("Zoom's validation", judge(&b), HANDSHAKE_REPLY);
    // printf qgg8vlvZRS6UYooatFL8Aw | openssl dgst -sha256 -hmac key
    CHECK_STR("token and its HMAC", b.reply.body, STR("{\"plainToken\":\"qgg8vlvZRS6UYooatFL8Aw\",\"encryptedToken\":\"f2b3627702c43576251dc6a643384a2eb050e6e1d078adecf3415e1416944a43\"}"));
}

TEST(head)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"Preset\":\"head\"}");
    b.in.method = STR("HEAD");
    CHECK_INT("HEAD is answered", judge(&b), HANDSHAKE_REPLY);
    CHECK_INT("with 200", b.reply.status, 200);
    CHECK_INT("and nothing else", b.reply.header_count + b.reply.body.n, 0);
    b.in.method = STR("POST");
    CHECK_INT("POST is a delivery", judge(&b), HANDSHAKE_NO);
}

TEST(one_of_your_own)
{
    CLEANUP(bench_fini) struct bench b = { 0 };
    set_up(&b, "{\"When\":{\"Method\":[\"POST\",\"PUT\"],\"Header\":{\"X-Kind\":\"hello\"},\"Query\":{\"v\":\"2\"},\"Pointer\":{\"/a/b\":true}},"
               "\"Reply\":{\"Status\":201,\"ContentType\":\"application/vnd.x+json\",\"Headers\":{\"X-Back\":\"{method} {path} {header:X-Kind}\"},\"Body\":\"{{\\\"got\\\":\\\"{pointer:/a/b}\\\"}}\"}}");
    header(&b, "x-kind", "hello");
    query(&b, "v=2");
    b.in.body = STR("{\"a\":{\"b\":\"1\\n\\\"\"}}");
    CHECK_INT("all conditions hold", judge(&b), HANDSHAKE_REPLY);
    CHECK_INT("its status", b.reply.status, 201);
    CHECK_STR("its body", b.reply.body, STR("{\"got\":\"1\\n\\\"\"}"));
    CHECK_STR("its header", reply_header(&b, "X-Back"), STR("POST /triggers/x hello"));
    query(&b, "v=3");
    CHECK_INT("one does not", judge(&b), HANDSHAKE_NO);
    query(&b, "v=2");
    char *big = arena_bytes(&b.arena, 8000);
    memset(big, 'x', 8000);
    b.in.body = arena_printf(&b.arena, "{\"a\":{\"b\":\"%.*s\"}}", 8000, big);
    CHECK_INT("an echo is bounded", judge(&b), HANDSHAKE_REFUSED);
}

TEST_MAIN()
