// The schemes of senders by name (senders.md section 3). A new sender is a line here.
#include "json/json.h"
#include "trigger/signature_internal.h"

#define HEX_OF_BODY(header, prefix)                                                                                                 \
    "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"" header "\"},\"Layout\":\"plain\",\"Prefix\":\"" prefix \
    "\",\"Encoding\":\"hex\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}"

#define TOKEN(header) \
    "{\"Algorithm\":\"equal\",\"Signed\":null,\"Source\":{\"Header\":\"" header "\"},\"Layout\":\"plain\",\"Prefix\":\"\",\"Encoding\":\"text\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}"

#define STANDARD(algorithm, start, version, strip)                                                                                               \
    "{\"Algorithm\":\"" algorithm "\",\"Signed\":\"{header:" start "-id}.{timestamp}.{body}\",\"Source\":{\"Header\":\"" start                        \
    "-signature\"},\"Layout\":\"list\",\"Separator\":\" \",\"Prefix\":\"" version ",\",\"Encoding\":\"base64\",\"Secret\":{\"Encoding\":\"base64\",\"StripPrefix\":\"" strip \
    "\"},\"Timestamp\":{\"Header\":\"" start "-timestamp\",\"Unit\":\"s\",\"Tolerance\":300}}"

// clang-format off
static const struct {
    const char *name, *text;
} presets[] = {
    { "github", HEX_OF_BODY("X-Hub-Signature-256", "sha256=") },
    { "github-sha1",
      "{\"Algorithm\":\"hmac-sha1\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"X-Hub-Signature\"},\"Layout\":\"plain\",\"Prefix\":\"sha1=\",\"Encoding\":\"hex\","
      "\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}" },
    { "bitbucket", HEX_OF_BODY("X-Hub-Signature", "sha256=") },
    { "jira", HEX_OF_BODY("X-Hub-Signature", "sha256=") },
    { "gitlab-token", TOKEN("X-Gitlab-Token") },
    { "gitlab", STANDARD("hmac-sha256", "webhook", "v1", "whsec_") },
    { "standard-webhooks", STANDARD("hmac-sha256", "webhook", "v1", "whsec_") },
    { "standard-webhooks-a", STANDARD("ed25519", "webhook", "v1a", "whpk_") },
    { "svix", STANDARD("hmac-sha256", "svix", "v1", "whsec_") },
    { "slack",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"v0:{timestamp}:{body}\",\"Source\":{\"Header\":\"X-Slack-Signature\"},\"Layout\":\"plain\",\"Prefix\":\"v0=\","
      "\"Encoding\":\"hex\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":{\"Header\":\"X-Slack-Request-Timestamp\",\"Unit\":\"s\",\"Tolerance\":300}}" },
    { "teams",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"Authorization\"},\"Layout\":\"plain\",\"Prefix\":\"HMAC \",\"Encoding\":\"base64\","
      "\"Secret\":{\"Encoding\":\"base64\"},\"Timestamp\":null}" },
    { "stripe",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{timestamp}.{body}\",\"Source\":{\"Header\":\"Stripe-Signature\"},\"Layout\":\"fields\",\"Separator\":\",\",\"Field\":\"v1\","
      "\"Encoding\":\"hex\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":{\"Field\":\"t\",\"Unit\":\"s\",\"Tolerance\":300}}" },
    { "shopify",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"X-Shopify-Hmac-Sha256\"},\"Layout\":\"plain\",\"Prefix\":\"\",\"Encoding\":\"base64\","
      "\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}" },
    { "pagerduty",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"X-PagerDuty-Signature\"},\"Layout\":\"list\",\"Separator\":\",\",\"Prefix\":\"v1=\","
      "\"Encoding\":\"hex\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}" },
    { "buildkite",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{timestamp}.{body}\",\"Source\":{\"Header\":\"X-Buildkite-Signature\"},\"Layout\":\"fields\",\"Separator\":\",\","
      "\"Field\":\"signature\",\"Encoding\":\"hex\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":{\"Field\":\"timestamp\",\"Unit\":\"s\",\"Tolerance\":300}}" },
    { "buildkite-token", TOKEN("X-Buildkite-Token") },
    { "circleci",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"circleci-signature\"},\"Layout\":\"list\",\"Separator\":\",\",\"Prefix\":\"v1=\","
      "\"Encoding\":\"hex\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}" },
    { "sentry", HEX_OF_BODY("Sentry-Hook-Signature", "") },
    { "grafana", HEX_OF_BODY("X-Grafana-Alerting-Signature", "") },
    { "grafana-timestamp",
      "{\"Algorithm\":\"hmac-sha256\",\"Signed\":\"{timestamp}:{body}\",\"Source\":{\"Header\":\"X-Grafana-Alerting-Signature\"},\"Layout\":\"plain\",\"Prefix\":\"\","
      "\"Encoding\":\"hex\",\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":{\"Header\":\"X-Grafana-Alerting-Timestamp\",\"Unit\":\"s\",\"Tolerance\":300}}" },
    { "nexus",
      "{\"Algorithm\":\"hmac-sha1\",\"Signed\":\"{body}\",\"Source\":{\"Header\":\"X-Nexus-Webhook-Signature\"},\"Layout\":\"plain\",\"Prefix\":\"\",\"Encoding\":\"hex\","
      "\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}" },
    { "artifactory", HEX_OF_BODY("X-JFrog-Event-Auth", "") },
    { "artifactory-token", TOKEN("X-JFrog-Event-Auth") },
    { "harbor-token", TOKEN("Authorization") },
    { "gitea", HEX_OF_BODY("X-Gitea-Signature", "") },
    { "forgejo", HEX_OF_BODY("X-Forgejo-Signature", "") },
    { "sonarqube", HEX_OF_BODY("X-Sonar-Webhook-HMAC-SHA256", "") },
    { "sns",
      "{\"Algorithm\":\"rsa-sha256\",\"Signed\":\"{line:/Message}{line:/MessageId}{line:/Subject}{line:/SubscribeURL}{line:/Timestamp}{line:/Token}{line:/TopicArn}{line:/Type}\","
      "\"Source\":{\"Pointer\":\"/Signature\"},\"Layout\":\"plain\",\"Prefix\":\"\",\"Encoding\":\"base64\","
      "\"Secret\":{\"Encoding\":\"certificate\",\"UrlPointer\":\"/SigningCertURL\",\"HostPattern\":\"sns.{region}.amazonaws.com\"},"
      "\"Select\":{\"Pointer\":\"/SignatureVersion\",\"1\":\"rsa-sha1\",\"2\":\"rsa-sha256\"},\"Timestamp\":{\"Pointer\":\"/Timestamp\",\"Unit\":\"iso8601\",\"Tolerance\":3600}}" },
    { "basic",
      "{\"Algorithm\":\"basic\",\"Signed\":null,\"Source\":{\"Header\":\"Authorization\"},\"Layout\":\"plain\",\"Prefix\":\"Basic \",\"Encoding\":\"base64\","
      "\"Secret\":{\"Encoding\":\"utf8\"},\"Timestamp\":null}" },
};
// clang-format on

const char *signature_preset_name(size_t i)
{
    return i < COUNT(presets) ? presets[i].name : NULL;
}

struct json *signature_preset(struct arena *a, str name)
{
    struct json *j;
    for (size_t i = 0; i < COUNT(presets); i++)
        if (str_eq_nocase(name, str_from(presets[i].name)))
            return json_parse(a, str_from(presets[i].text), &j, NULL) ? j : NULL;
    return NULL;
}
