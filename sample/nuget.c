// The NuGet feeds the sample serves: /nuget/<feed>/v3/index.json and /nuget/<feed>/v2.
//
// A feed is open, or wants basic authentication, or a key: in the header X-NuGet-ApiKey or in the
// path, /nuget/<feed>/auth/<key>/v3/index.json, as hosted feeds do. Shapes follow the public
// descriptions of the two protocols; notes stand in the .nuspec (v3) and in the entry (v2), never
// in the v3 registration, as on real feeds.

#include "sample/packages.h"
#include "sample/routes.h"
#include "sample/version.h"

#include "base/encode.h"

struct feed_call {
    struct call *c;
    const struct doc *feed;
    str name, base; // base: the feed's URL up to /v3 or /v2
    const str *rest;
    size_t count;
};

static bool basic_fits(struct feed_call *f)
{
    str header = http_header(f->c->http, STR("Authorization")), pair;
    str wanted = arena_printf(f->c->a, "%.*s:%.*s", STR_ARG(doc_str(f->feed, "Username")), STR_ARG(doc_str(f->feed, "Password")));

    return str_starts_nocase(header, STR("Basic ")) && base64_decode(f->c->a, str_trim(str_skip(header, 6)), BASE64_STANDARD, &pair) && str_eq(pair, wanted);
}

// True where the caller may read; otherwise answers 401.
static bool may_read(struct feed_call *f, str key)
{
    static const struct http_header challenge[] = { { STR_INIT("WWW-Authenticate"), STR_INIT("Basic realm=\"sample feed\"") }, { STR_INIT("Content-Type"), STR_INIT("text/plain") } };
    str protection = doc_str(f->feed, "Protection");

    if (!key.n)
        key = http_header(f->c->http, STR("X-NuGet-ApiKey"));
    if (str_eq(protection, STR("basic")) ? basic_fits(f) : str_eq(protection, STR("key")) ? str_eq(key, doc_str(f->feed, "Key")) : true)
        return true;
    call_answer_with(f->c, 401, challenge, COUNT(challenge), STR("This feed wants credentials.\n"));
    return false;
}

static void not_found(struct feed_call *f)
{
    call_answer_text(f->c, 404, "text/plain", STR("Not found.\n"));
}

// ---- v3

static void add_resource(struct feed_call *f, struct json *list, const char *path, const char *type)
{
    struct json *o = json_push(list, json_new_object(f->c->a));

    json_add_str(f->c->a, o, "@id", arena_printf(f->c->a, "%.*s/v3/%s", STR_ARG(f->base), path));
    json_add_str(f->c->a, o, "@type", str_from(type));
}

static void get_index(struct feed_call *f)
{
    struct json *o = json_new_object(f->c->a), *list = json_new_array(f->c->a);

    json_add_str(f->c->a, o, "version", STR("3.0.0"));
    add_resource(f, list, "query", "SearchQueryService");
    add_resource(f, list, "query", "SearchQueryService/3.0.0-beta");
    add_resource(f, list, "query", "SearchQueryService/3.5.0");
    add_resource(f, list, "registration/", "RegistrationsBaseUrl");
    add_resource(f, list, "registration/", "RegistrationsBaseUrl/3.0.0-beta");
    add_resource(f, list, "registration/", "RegistrationsBaseUrl/3.6.0");
    add_resource(f, list, "flat/", "PackageBaseAddress/3.0.0");
    json_add(o, STR("resources"), list);
    call_answer(f->c, 200, o);
}

static void get_flat_index(struct feed_call *f, str id)
{
    struct json *o = json_new_object(f->c->a), *list = json_add(o, STR("versions"), json_new_array(f->c->a));
    size_t count;
    struct doc **found = packages_versions(f->c->a, f->c->sample->model, f->name, id, &count);

    if (!count) {
        not_found(f);
        return;
    }
    for (size_t i = count; i > 0; i--) // oldest first
        json_push(list, json_new_string(f->c->a, version_normal(f->c->a, doc_str(found[i - 1], "Version"))));
    call_answer(f->c, 200, o);
}

static str xml(struct feed_call *f, const struct doc *d, const char *field)
{
    return text_html(f->c->a, doc_str(d, field));
}

static void get_nuspec(struct feed_call *f, const struct doc *d)
{
    str notes = doc_str(d, "ReleaseNotes").n ? arena_printf(f->c->a, "    <releaseNotes>%.*s</releaseNotes>\n", STR_ARG(xml(f, d, "ReleaseNotes"))) : STR("");

    call_answer_text(f->c, 200, "application/xml; charset=utf-8",
        arena_printf(f->c->a,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<package xmlns=\"http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd\">\n  <metadata>\n    <id>%.*s</id>\n    <version>%.*s</version>\n    <title>%.*s</title>\n"
            "    <authors>%.*s</authors>\n    <description>%.*s</description>\n%.*s  </metadata>\n</package>\n",
            STR_ARG(xml(f, d, "PackageId")), STR_ARG(xml(f, d, "Version")), STR_ARG(xml(f, d, "Title")), STR_ARG(xml(f, d, "Authors")), STR_ARG(xml(f, d, "Description")), STR_ARG(notes)));
}

static void get_flat(struct feed_call *f)
{
    if (f->count == 2 && str_eq(f->rest[1], STR("index.json"))) {
        get_flat_index(f, f->rest[0]);
        return;
    }
    const struct doc *d = f->count == 3 ? packages_find(f->c->sample->model, f->name, f->rest[0], f->rest[1]) : NULL;
    // A flat container's paths are lower case throughout; clients that forget it fail on real feeds too.
    bool is_lower = f->count == 3 && str_eq(f->rest[1], version_normal(f->c->a, f->rest[1]));
    for (size_t i = 0; f->count == 3 && i < f->rest[0].n; i++)
        is_lower = is_lower && !(f->rest[0].p[i] >= 'A' && f->rest[0].p[i] <= 'Z');
    if (!d || !is_lower)
        not_found(f);
    else if (str_eq(f->rest[2], arena_printf(f->c->a, "%.*s.nuspec", STR_ARG(f->rest[0]))))
        get_nuspec(f, d);
    else
        not_found(f);
}

static str lower_case(struct arena *a, str s)
{
    char *p = arena_bytes(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
    return (str){ p, s.n };
}

static struct json *registration_leaf(struct feed_call *f, const struct doc *d)
{
    struct arena *a = f->c->a;
    struct json *o = json_new_object(a), *entry = json_new_object(a);
    str id = doc_str(d, "PackageId"), version = doc_str(d, "Version"), normal = version_normal(a, version);
    str lower = lower_case(a, id);
    str content = arena_printf(a, "%.*s/v3/flat/%.*s/%.*s/%.*s.%.*s.nupkg", STR_ARG(f->base), STR_ARG(lower), STR_ARG(normal), STR_ARG(lower), STR_ARG(normal));

    json_add_str(a, o, "@id", arena_printf(a, "%.*s/v3/registration/%.*s/%.*s.json", STR_ARG(f->base), STR_ARG(lower), STR_ARG(normal)));
    json_add_str(a, o, "@type", STR("Package"));
    json_add_str(a, entry, "@id", arena_printf(a, "%.*s/v3/catalog/%.*s.%.*s.json", STR_ARG(f->base), STR_ARG(id), STR_ARG(normal)));
    json_add_str(a, entry, "@type", STR("PackageDetails"));
    json_add_str(a, entry, "id", id);
    json_add_str(a, entry, "version", version);
    json_add_str(a, entry, "title", doc_str(d, "Title"));
    json_add_str(a, entry, "authors", doc_str(d, "Authors"));
    json_add_str(a, entry, "description", doc_str(d, "Description"));
    json_add_str(a, entry, "published", doc_str(d, "Published"));
    json_add_bool(a, entry, "listed", true);
    json_add(o, STR("catalogEntry"), entry);
    json_add_str(a, o, "packageContent", content);
    json_add_str(a, o, "registration", arena_printf(a, "%.*s/v3/registration/%.*s/index.json", STR_ARG(f->base), STR_ARG(lower)));
    return o;
}

static void get_registration(struct feed_call *f)
{
    struct arena *a = f->c->a;
    size_t count;
    struct doc **found = packages_versions(a, f->c->sample->model, f->name, f->count ? f->rest[0] : STR("?"), &count);

    if (f->count != 2 || !count) {
        not_found(f);
        return;
    }
    if (!str_eq(f->rest[1], STR("index.json"))) {
        str version = str_ends(f->rest[1], STR(".json")) ? str_sub(f->rest[1], 0, f->rest[1].n - 5) : STR("");
        const struct doc *d = packages_find(f->c->sample->model, f->name, f->rest[0], version);

        if (d)
            call_answer(f->c, 200, registration_leaf(f, d));
        else
            not_found(f);
        return;
    }
    struct json *o = json_new_object(a), *pages = json_new_array(a), *page = json_new_object(a), *leaves = json_new_array(a);
    for (size_t i = count; i > 0; i--)
        json_push(leaves, registration_leaf(f, found[i - 1]));
    json_add_i64(a, o, "count", 1);
    json_add(o, STR("items"), pages);
    json_push(pages, page);
    json_add_str(a, page, "@id", arena_printf(a, "%.*s/v3/registration/%.*s/index.json#page", STR_ARG(f->base), STR_ARG(f->rest[0])));
    json_add_i64(a, page, "count", (int64_t)count);
    json_add_str(a, page, "lower", doc_str(found[count - 1], "Version"));
    json_add_str(a, page, "upper", doc_str(found[0], "Version"));
    json_add(page, STR("items"), leaves);
    call_answer(f->c, 200, o);
}

static void get_query(struct feed_call *f)
{
    struct arena *a = f->c->a;
    struct json *o = json_new_object(a), *data = json_new_array(a);
    size_t ids, count;
    str *id = packages_ids(a, f->c->sample->model, f->name, &ids), q = call_query(f->c, "q");

    for (size_t i = 0; i < ids; i++) {
        if (q.n && !str_starts_nocase(id[i], q) && !str_eq_nocase(id[i], q))
            continue;
        struct doc **found = packages_versions(a, f->c->sample->model, f->name, id[i], &count);
        struct json *one = json_push(data, json_new_object(a)), *versions = json_new_array(a);
        json_add_str(a, one, "id", id[i]);
        json_add_str(a, one, "version", doc_str(found[0], "Version"));
        json_add_str(a, one, "description", doc_str(found[0], "Description"));
        json_add(one, STR("versions"), versions);
        for (size_t k = count; k > 0; k--) {
            struct json *v = json_push(versions, json_new_object(a));

            json_add_str(a, v, "version", doc_str(found[k - 1], "Version"));
            json_add_i64(a, v, "downloads", 1);
        }
    }
    json_add_i64(a, o, "totalHits", data->count);
    json_add(o, STR("data"), data);
    call_answer(f->c, 200, o);
}

// ---- v2

static str v2_entry(struct feed_call *f, const struct doc *d, bool is_alone)
{
    str id = xml(f, d, "PackageId"), version = xml(f, d, "Version");
    str spaces = is_alone ? STR(" xmlns=\"http://www.w3.org/2005/Atom\" xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\" xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\"") : STR("");

    return arena_printf(f->c->a,
        "<entry%.*s>\n<id>%.*s/v2/Packages(Id='%.*s',Version='%.*s')</id>\n<title type=\"text\">%.*s</title>\n<updated>%.*s</updated>\n<author><name>%.*s</name></author>\n"
        "<content type=\"application/zip\" src=\"%.*s/v2/package/%.*s/%.*s\"/>\n<m:properties>\n<d:Id>%.*s</d:Id>\n<d:Version>%.*s</d:Version>\n<d:NormalizedVersion>%.*s</d:NormalizedVersion>\n"
        "<d:IsPrerelease m:type=\"Edm.Boolean\">%s</d:IsPrerelease>\n<d:Description>%.*s</d:Description>\n<d:ReleaseNotes xml:space=\"preserve\">%.*s</d:ReleaseNotes>\n</m:properties>\n</entry>\n",
        STR_ARG(spaces), STR_ARG(f->base), STR_ARG(id), STR_ARG(version), STR_ARG(id), STR_ARG(doc_str(d, "Published")), STR_ARG(xml(f, d, "Authors")), STR_ARG(f->base), STR_ARG(id), STR_ARG(version), STR_ARG(id),
        STR_ARG(version), STR_ARG(version_normal(f->c->a, doc_str(d, "Version"))), version_is_prerelease(doc_str(d, "Version")) ? "true" : "false", STR_ARG(xml(f, d, "Description")), STR_ARG(xml(f, d, "ReleaseNotes")));
}

static str quoted(str text, const char *name)
{
    ptrdiff_t at = str_find(text, str_from(name));
    str rest = at < 0 ? STR("") : str_skip(text, (size_t)at + strlen(name));
    ptrdiff_t end;

    if (!str_starts(rest, STR("'")))
        return STR("");
    rest = str_skip(rest, 1);
    end = str_find_char(rest, '\'');
    return end < 0 ? STR("") : str_sub(rest, 0, (size_t)end);
}

static void answer_v2_feed(struct feed_call *f, str id)
{
    struct buf out = { 0 };
    size_t count;
    struct doc **found = packages_versions(f->c->a, f->c->sample->model, f->name, id, &count);

    buf_printf(&out,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xml:base=\"%.*s/v2\" xmlns=\"http://www.w3.org/2005/Atom\" xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\" "
        "xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\n<title type=\"text\">Packages</title>\n<id>%.*s/v2/Packages</id>\n",
        STR_ARG(f->base), STR_ARG(f->base));
    for (size_t i = count; id.n && i > 0; i--)
        buf_add(&out, v2_entry(f, found[i - 1], false));
    buf_add_text(&out, "</feed>\n");
    call_answer_text(f->c, 200, "application/atom+xml; type=feed; charset=utf-8", buf_str(&out));
    buf_fini(&out);
}

static void v2_handle(struct feed_call *f)
{
    str what = f->count ? f->rest[0] : STR("");

    if (str_starts_nocase(what, STR("Packages(Id="))) {
        const struct doc *d = packages_find(f->c->sample->model, f->name, quoted(what, "Id="), quoted(what, "Version="));

        if (d)
            call_answer_text(f->c, 200, "application/atom+xml; type=entry; charset=utf-8", arena_printf(f->c->a, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n%.*s", STR_ARG(v2_entry(f, d, true))));
        else
            not_found(f);
    } else if (str_eq_nocase(what, STR("FindPackagesById()"))) {
        str id = call_query(f->c, "id");

        if (id.n >= 2 && id.p[0] == '\'' && str_ends(id, STR("'")))
            id = str_sub(id, 1, id.n - 2);
        answer_v2_feed(f, id);
    } else if (!what.n) {
        call_answer_text(f->c, 200, "application/xml; charset=utf-8",
            arena_printf(f->c->a, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<service xml:base=\"%.*s/v2/\" xmlns=\"http://www.w3.org/2007/app\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><workspace><atom:title>Default</atom:title>"
                "<collection href=\"Packages\"><atom:title>Packages</atom:title></collection></workspace></service>\n", STR_ARG(f->base)));
    } else {
        not_found(f);
    }
}

static void v3_handle(struct feed_call *f)
{
    str what = f->count ? f->rest[0] : STR("");

    f->rest++;
    f->count -= f->count > 0;
    if (str_eq(what, STR("index.json")))
        get_index(f);
    else if (str_eq(what, STR("flat")))
        get_flat(f);
    else if (str_eq(what, STR("registration")))
        get_registration(f);
    else if (str_eq(what, STR("query")))
        get_query(f);
    else
        not_found(f);
}

void nuget_handle(struct call *c)
{
    struct feed_call f = { .c = c, .rest = c->segments + 2, .count = c->segment_count > 2 ? c->segment_count - 2 : 0 };
    str key = STR(""), version;

    f.name = c->segment_count > 1 ? c->segments[1] : STR("");
    f.feed = model_get_kind(c->sample->model, KIND_NUGET_FEED, arena_printf(c->a, "nugetfeeds-%.*s", STR_ARG(f.name)));
    if (!f.feed || !f.count || !(str_eq(c->method, STR("GET")) || str_eq(c->method, STR("HEAD")))) {
        not_found(&f);
        return;
    }
    f.base = arena_printf(c->a, "%s/nuget/%.*s", c->sample->base_url, STR_ARG(f.name));
    if (str_eq(f.rest[0], STR("auth")) && f.count > 2) {
        key = f.rest[1];
        f.base = arena_printf(c->a, "%.*s/auth/%.*s", STR_ARG(f.base), STR_ARG(percent_encode(c->a, key)));
        f.rest += 2;
        f.count -= 2;
    }
    if (!may_read(&f, key))
        return;
    version = f.rest[0];
    f.rest++;
    f.count--;
    if (str_eq(version, STR("v3")))
        v3_handle(&f);
    else if (str_eq(version, STR("v2")))
        v2_handle(&f);
    else
        not_found(&f);
}
