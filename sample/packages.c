#include "sample/packages.h"

#include "sample/version.h"

str packages_feed_name(const struct doc *feed)
{
    return doc_str(feed, "_Feed");
}

static bool is_of(const struct doc *d, str feed_name, str package_id)
{
    return str_eq_nocase(doc_str(d, "Feed"), feed_name) && (!package_id.n || str_eq_nocase(doc_str(d, "PackageId"), package_id));
}

static int newest_first(const void *a, const void *b)
{
    return version_cmp(doc_str(*(struct doc *const *)b, "Version"), doc_str(*(struct doc *const *)a, "Version"));
}

struct doc **packages_versions(struct arena *a, const struct model *m, str feed_name, str package_id, size_t *count)
{
    size_t all = model_count(m, KIND_FEED_PACKAGE);
    struct doc **found = ARENA_ARRAY(a, struct doc *, all + 1);

    *count = 0;
    for (size_t i = 0; i < all; i++)
        if (is_of(model_at(m, KIND_FEED_PACKAGE, i), feed_name, package_id))
            found[(*count)++] = model_at(m, KIND_FEED_PACKAGE, i);
    qsort(found, *count, sizeof *found, newest_first);
    return found;
}

struct doc *packages_find(const struct model *m, str feed_name, str package_id, str version)
{
    for (size_t i = 0; package_id.n && i < model_count(m, KIND_FEED_PACKAGE); i++) {
        struct doc *d = model_at(m, KIND_FEED_PACKAGE, i);

        if (is_of(d, feed_name, package_id) && version_cmp(doc_str(d, "Version"), version) == 0)
            return d;
    }
    return NULL;
}

str *packages_ids(struct arena *a, const struct model *m, str feed_name, size_t *count)
{
    size_t all = model_count(m, KIND_FEED_PACKAGE);
    str *ids = ARENA_ARRAY(a, str, all + 1);

    *count = 0;
    for (size_t i = 0; i < all; i++) {
        const struct doc *d = model_at(m, KIND_FEED_PACKAGE, i);
        bool is_known = !is_of(d, feed_name, STR(""));

        for (size_t k = 0; k < *count; k++)
            is_known = is_known || str_eq_nocase(ids[k], doc_str(d, "PackageId"));
        if (!is_known)
            ids[(*count)++] = doc_str(d, "PackageId");
    }
    return ids;
}

struct doc *packages_publish(struct model *m, struct arena *a, str feed_name, str package_id, str version, str notes, str published)
{
    struct doc *old = packages_find(m, feed_name, package_id, version);
    struct json *o = json_new_object(a);

    json_add_str(a, o, "Id", old ? arena_str(a, old->id) : model_new_id(m, a, KIND_FEED_PACKAGE));
    json_add_str(a, o, "Feed", feed_name);
    json_add_str(a, o, "PackageId", package_id);
    json_add_str(a, o, "Version", version);
    json_add_str(a, o, "ReleaseNotes", notes);
    json_add_str(a, o, "Title", package_id);
    json_add_str(a, o, "Description", arena_printf(a, "%.*s of the sample", STR_ARG(package_id)));
    json_add_str(a, o, "Authors", STR("Acme"));
    json_add_str(a, o, "Published", published);
    return model_put(m, KIND_FEED_PACKAGE, o);
}
