// Feeds as Octopus sees them: searching packages, their versions and notes; the built-in feed.

#include "sample/packages.h"
#include "sample/routes.h"
#include "sample/version.h"

static struct json *package_json(struct call *c, const struct doc *feed, const struct doc *package, bool has_notes)
{
    struct json *o = json_new_object(c->a), *links = json_new_object(c->a);
    str id = doc_str(package, "PackageId"), version = doc_str(package, "Version");

    json_add_str(c->a, o, "Id", arena_printf(c->a, "packages-%.*s.%.*s", STR_ARG(id), STR_ARG(version)));
    json_add_str(c->a, o, "FeedId", feed->id);
    json_add_str(c->a, o, "PackageId", id);
    json_add_str(c->a, o, "NuGetPackageId", id);
    json_add_str(c->a, o, "Version", version);
    json_add_str(c->a, o, "Title", doc_str(package, "Title"));
    json_add_str(c->a, o, "Summary", (str){ 0 });
    json_add_str(c->a, o, "Description", doc_str(package, "Description"));
    json_add_str(c->a, o, "Published", doc_str(package, "Published"));
    json_add_str(c->a, o, "ReleaseNotes", has_notes ? json_str(doc_field(package, "ReleaseNotes"), (str){ 0 }) : (str){ 0 });
    json_add_i64(c->a, o, "SizeBytes", 4096);
    json_add_str(c->a, o, "FileExtension", STR(".nupkg"));
    json_add_str(c->a, links, "Self", arena_printf(c->a, "/api/%.*s/feeds/%.*s/packages/versions?packageId=%.*s", STR_ARG(c->space), STR_ARG(feed->id), STR_ARG(id)));
    json_add_str(c->a, links, "Notes", arena_printf(c->a, "/api/%.*s/feeds/%.*s/packages/notes?packageId=%.*s&version=%.*s", STR_ARG(c->space), STR_ARG(feed->id), STR_ARG(id), STR_ARG(version)));
    json_add(o, STR("Links"), links);
    return o;
}

// Does the version pass versionRange, preReleaseTag, includePreRelease and filter?
static bool version_passes(struct call *c, str version)
{
    str tag = call_query(c, "preReleaseTag"), filter = call_query(c, "filter");

    if (!version_in_range(version, call_query(c, "versionRange")))
        return false;
    if (version_is_prerelease(version) && !call_query_bool(c, "includePreRelease", true))
        return false;
    if (str_eq(tag, STR("^$")) && version_is_prerelease(version))
        return false;
    if (tag.n && !str_eq(tag, STR("^$")) && !str_starts_nocase(version_prerelease(version), tag))
        return false;
    return !filter.n || str_find(version, filter) >= 0;
}

static void get_versions(struct call *c)
{
    struct doc *feed = resource_get(c, KIND_FEED, c->args[0]);
    int64_t skip = MAX(call_query_i64(c, "skip", 0), 0), take = MAX(call_query_i64(c, "take", CALL_TAKE_DEFAULT), 0);
    struct json *items = json_new_array(c->a);
    size_t count, fit = 0;

    if (!feed)
        return;
    if (!call_has_query(c, "packageId")) {
        call_invalid(c, "Please name the package in packageId.");
        return;
    }
    struct doc **found = packages_versions(c->a, c->sample->model, packages_feed_name(feed), call_query(c, "packageId"), &count);
    for (size_t i = 0; i < count; i++) {
        if (!version_passes(c, doc_str(found[i], "Version")))
            continue;
        if ((int64_t)fit >= skip && (int64_t)items->count < take)
            json_push(items, package_json(c, feed, found[i], call_query_bool(c, "includeReleaseNotes", false)));
        fit++;
    }
    call_answer(c, 200, call_envelope(c, "PackageVersion", items, fit, skip, take));
}

static bool contains_nocase(str s, str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++)
        if (str_eq_nocase(str_sub(s, i, part.n), part))
            return true;
    return false;
}

static void get_search(struct call *c)
{
    struct doc *feed = resource_get(c, KIND_FEED, c->args[0]);
    int64_t skip = MAX(call_query_i64(c, "skip", 0), 0), take = MAX(call_query_i64(c, "take", CALL_TAKE_DEFAULT), 0);
    struct json *items = json_new_array(c->a);
    size_t count, versions, fit = 0;

    if (!feed)
        return;
    str *ids = packages_ids(c->a, c->sample->model, packages_feed_name(feed), &count);
    for (size_t i = 0; i < count; i++) {
        if (!contains_nocase(ids[i], call_query(c, "term")))
            continue;
        if ((int64_t)fit++ < skip || (int64_t)items->count >= take)
            continue;
        struct json *o = json_push(items, json_new_object(c->a));
        json_add_str(c->a, o, "Id", ids[i]);
        json_add_str(c->a, o, "Name", ids[i]);
        json_add_str(c->a, o, "Description", arena_printf(c->a, "%.*s of the sample", STR_ARG(ids[i])));
        json_add_str(c->a, o, "LatestVersion", doc_str(packages_versions(c->a, c->sample->model, packages_feed_name(feed), ids[i], &versions)[0], "Version"));
        json_add(o, STR("Links"), json_new_object(c->a));
    }
    call_answer(c, 200, call_envelope(c, "PackageDescription", items, fit, skip, take));
}

// The older search: an array. packageIds asks for the newest version of each, packageId for one package.
static void get_packages(struct call *c)
{
    struct doc *feed = resource_get(c, KIND_FEED, c->args[0]);
    struct json *list = json_new_array(c->a);
    struct id_list ids = { 0 };
    int64_t take = MAX(call_query_i64(c, "take", CALL_TAKE_DEFAULT), 0);
    bool has_all = call_query_bool(c, "includeMultipleVersions", false), has_notes = call_query_bool(c, "includeNotes", false);

    if (!feed)
        return;
    call_query_list(c, "packageIds", &ids);
    call_query_list(c, "packageId", &ids);
    for (size_t i = 0; i < ids.count; i++) {
        size_t count;
        struct doc **found = packages_versions(c->a, c->sample->model, packages_feed_name(feed), ids.items[i], &count);

        for (size_t k = 0, given = 0; k < count && (has_all || given == 0) && (int64_t)list->count < take; k++) {
            if (!version_passes(c, doc_str(found[k], "Version")))
                continue;
            json_push(list, package_json(c, feed, found[k], has_notes));
            given++;
        }
    }
    call_answer(c, 200, list);
}

static void get_notes(struct call *c)
{
    struct doc *feed = resource_get(c, KIND_FEED, c->args[0]);
    const struct doc *package = feed ? packages_find(c->sample->model, packages_feed_name(feed), call_query(c, "packageId"), call_query(c, "version")) : NULL;

    if (!feed)
        return;
    if (package)
        call_answer_text(c, 200, "text/plain; charset=utf-8", doc_str(package, "ReleaseNotes"));
    else
        call_not_found(c, "Package", arena_printf(c->a, "%.*s %.*s", STR_ARG(call_query(c, "packageId")), STR_ARG(call_query(c, "version"))));
}

// ---- the built-in feed

static const struct doc *builtin_feed(struct call *c)
{
    return model_get_kind(c->sample->model, KIND_FEED, STR("feeds-builtin"));
}

static void get_builtin(struct call *c)
{
    struct json *items = json_new_array(c->a);
    int64_t skip = MAX(call_query_i64(c, "skip", 0), 0), take = MAX(call_query_i64(c, "take", CALL_TAKE_DEFAULT), 0);
    size_t count = 0;
    bool is_here = str_eq(doc_space(builtin_feed(c)), c->space); // one space has packages of its own
    struct doc **found = is_here ? packages_versions(c->a, c->sample->model, STR("builtin"), call_query(c, "nuGetPackageId"), &count) : NULL;

    for (size_t i = (size_t)skip; i < count && (int64_t)items->count < take; i++)
        json_push(items, package_json(c, builtin_feed(c), found[i], call_query_bool(c, "includeNotes", false)));
    call_answer(c, 200, call_envelope(c, "Package", items, count, skip, take));
}

// "Acme.Web.1.4.0-beta.nupkg": the version starts at the first part that is a number.
static bool split_file_name(str file, str *id, str *version)
{
    static const char *const extensions[] = { ".nupkg", ".zip", ".tar.gz", ".jar", ".war", NULL };

    for (const char *const *x = extensions; *x; x++) {
        if (!str_ends(file, str_from(*x)))
            continue;
        file.n -= strlen(*x);
        for (size_t i = 1; i + 1 < file.n; i++) {
            if (file.p[i] != '.' || file.p[i + 1] < '0' || file.p[i + 1] > '9')
                continue;
            *id = str_sub(file, 0, i);
            *version = str_skip(file, i + 1);
            return version_is_valid(*version);
        }
    }
    return false;
}

static void post_raw(struct call *c)
{
    str body = c->http->body, id, version, mode = call_query(c, "overwriteMode");
    ptrdiff_t at = str_find(body, STR("filename=\""));
    str file = at < 0 ? STR("") : str_skip(body, (size_t)at + 10);
    ptrdiff_t end = str_find_char(file, '"');

    file = end < 0 ? STR("") : str_sub(file, 0, (size_t)end);
    if (!str_is_utf8(file) || !split_file_name(file, &id, &version)) {
        call_invalid(c, "Send the package as multipart/form-data with a file named like Acme.Web.1.4.0.nupkg.");
        return;
    }
    if (packages_find(c->sample->model, STR("builtin"), id, version) && !str_eq_nocase(mode, STR("OverwriteExisting")) && !call_query_bool(c, "replace", false)) {
        if (str_eq_nocase(mode, STR("IgnoreIfExists"))) {
            call_answer(c, 200, package_json(c, builtin_feed(c), packages_find(c->sample->model, STR("builtin"), id, version), true));
            return;
        }
        call_error(c, 409, "A package with the same ID and version already exists: %.*s %.*s.", STR_ARG(id), STR_ARG(version));
        return;
    }
    struct doc *d = packages_publish(c->sample->model, c->a, STR("builtin"), id, version, (str){ 0 }, text_date(c->a, sample_now_ms(c->sample)));
    call_answer(c, 201, package_json(c, builtin_feed(c), d, true));
}

const struct route feed_routes[] = {
    { "GET", "feeds/{}/packages/versions", "FeedView", get_versions },
    { "GET", "feeds/{}/packages/search", "FeedView", get_search },
    { "GET", "feeds/{}/packages/notes", "FeedView", get_notes },
    { "GET", "feeds/{}/packages", "FeedView", get_packages },
    { "GET", "packages", "FeedView", get_builtin },
    { "POST", "packages/raw", "BuiltInFeedPush", post_raw },
    { 0 },
};
