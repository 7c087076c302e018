// bench/json - our parser and writer beside jansson's, on the same documents in the same run.
//
// Each measure is the best of several rounds: what another process on the machine does makes a
// round slower, never faster. The last line of each document is the ratio.
#include "bench/json/peer.h"
#include "json/json.h"
#include "sys/clock.h"

#include <stdio.h>

#define ROUND_BYTES (24 * 1024 * 1024) // of text a round goes through

// What MyGet sends when a package was added.
static const char package_added[] =
    "{\"Identifier\":\"3f4b2a1c-9d8e-4f7a-b6c5-d4e3f2a1b0c9\",\"Username\":\"webhook-user\",\"When\":\"2026-11-22T17:03:06.1234567Z\","
    "\"PayloadType\":\"PackageAddedWebHookEventPayloadV1\",\"Payload\":{\"PackageType\":\"NuGet\",\"PackageIdentifier\":\"Acme.Web.Core\","
    "\"PackageVersion\":\"1.4.0-beta.12\",\"PackageDetailsUrl\":\"https://www.example.org/feed/acme/package/nuget/Acme.Web.Core/1.4.0\","
    "\"PackageDownloadUrl\":\"https://www.example.org/F/acme/api/v2/package/Acme.Web.Core/1.4.0\",\"PackageMetadata\":{"
    "\"IconUrl\":\"https://www.example.org/icons/package.png\",\"Size\":214433,\"Authors\":\"Acme, Inc.\",\"Description\":\"Core of the web shop.\","
    "\"IsLatest\":true,\"Dependencies\":[]},\"FeedIdentifier\":\"acme\",\"FeedUrl\":\"https://www.example.org/F/acme/\"}}";

static struct figures measure_ours(str text, size_t times)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CLEANUP(buf_fini) struct buf out = { 0 };
    struct figures best = { 1e30, 1e30 };
    struct json *j;
    struct err e;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t began = clock_mono_us();
        for (size_t i = 0; i < times; i++) {
            arena_reset(&a);
            if (!json_parse(&a, text, &j, &e))
                abort();
        }
        int64_t parsed = clock_mono_us();
        for (size_t i = 0; i < times; i++) {
            arena_reset(&a);
            buf_clear(&out);
            if (!json_parse(&a, text, &j, &e))
                abort();
            json_write(&out, j, false);
        }
        best.parse_us = MIN(best.parse_us, (double)(parsed - began) / (double)times);
        best.both_us = MIN(best.both_us, (double)(clock_mono_us() - parsed) / (double)times);
    }
    return best;
}

static void print(const char *what, const char *who, double us, size_t bytes)
{
    printf("%-22s %-14s %10.2f us %8.0f MB/s\n", what, who, us, (double)bytes / us);
}

static void compare(const char *name, str text)
{
    size_t times = MAX(ROUND_BYTES / text.n / 8, (size_t)3); // jansson is the slower one
    struct figures theirs = peer_measure(text, times), ours = measure_ours(text, times);
    printf("%s, %zu bytes\n", name, text.n);
    print("  parse", "reactions", ours.parse_us, text.n);
    print("  parse", peer_name(), theirs.parse_us, text.n);
    print("  parse + write", "reactions", ours.both_us, text.n);
    print("  parse + write", peer_name(), theirs.both_us, text.n);
    printf("ratio json %s: parse %.1f, parse + write %.1f times as fast as %s\n", name, theirs.parse_us / ours.parse_us, theirs.both_us / ours.both_us,
           peer_name());
}

static void many(struct buf *out, const char *one, int times)
{
    buf_add_char(out, '[');
    for (int i = 0; i < times; i++) {
        buf_add_text(out, i ? "," : "");
        buf_add_text(out, one);
    }
    buf_add_char(out, ']');
}

int main(void)
{
    CLEANUP(buf_fini) struct buf list = { 0 }, numbers = { 0 }, script = { 0 };
    many(&list, package_added, 140);
    many(&numbers, "123456.75,-17,0.5e3,9007199254740991", 2700);
    many(&script, "\"param([string] $Name)\\r\\n\\tWrite-Host \\\"Größe: $Name\\\"\\r\\n\\tif (-not $Name) { exit 3 }\\r\\n\"", 1000);
    compare("webhook", str_from(package_added));
    compare("webhooks", buf_str(&list));
    compare("numbers", buf_str(&numbers));
    compare("escapes", buf_str(&script));
    return 0;
}
