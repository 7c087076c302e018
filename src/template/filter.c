#include "template/filter.h"

static enum filter_outcome give_nothing(struct filter_call *c)
{
    return FILTER_NOTHING;
}

// In the order of their names.
static const struct filter filters[] = {
    { "adddays", filter_add_days, false },
    { "addhours", filter_add_hours, false },
    { "append", filter_append, true },
    { "contains", filter_contains, false },
    { "endswith", filter_ends_with, false },
    { "format", filter_format, false },
    { "frombase64", filter_from_base64, false },
    { "htmlescape", filter_html_escape, false },
    { "indent", filter_indent, false },
    { "jsonescape", filter_json_escape, false },
    { "markdown", filter_markdown, false },
    { "markdowntohtml", filter_markdown, false },
    { "match", filter_match, false },
    { "md5", filter_md5, false },
    { "nowdate", filter_now_date, true },
    { "nowdateutc", filter_now_date_utc, true },
    { "null", give_nothing, true },
    { "prepend", filter_prepend, true },
    { "propertieskeyescape", filter_properties_key_escape, false },
    { "propertiesvalueescape", filter_properties_value_escape, false },
    { "replace", filter_replace, false },
    { "sha1", filter_sha1, false },
    { "sha256", filter_sha256, false },
    { "sha384", filter_sha384, false },
    { "sha512", filter_sha512, false },
    { "startswith", filter_starts_with, false },
    { "substring", filter_substring, false },
    { "tobase64", filter_to_base64, false },
    { "tolower", filter_to_lower, false },
    { "toupper", filter_to_upper, false },
    { "trim", filter_trim, false },
    { "truncate", filter_truncate, false },
    { "uridataescape", filter_uri_data_escape, false },
    { "uriescape", filter_uri_escape, false },
    { "uripart", filter_uri_part, false },
    { "versionmajor", filter_version_major, false },
    { "versionmetadata", filter_version_metadata, false },
    { "versionminor", filter_version_minor, false },
    { "versionpatch", filter_version_patch, false },
    { "versionprerelease", filter_version_pre_release, false },
    { "versionprereleasecounter", filter_version_pre_release_counter, false },
    { "versionprereleaseprefix", filter_version_pre_release_prefix, false },
    { "versionrevision", filter_version_revision, false },
    { "xmlescape", filter_xml_escape, false },
    { "yamldoublequoteescape", filter_yaml_double_quote_escape, false },
    { "yamlsinglequoteescape", filter_yaml_single_quote_escape, false },
};

const struct filter *filter_find(str name)
{
    size_t low = 0, high = COUNT(filters);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp_nocase(str_from(filters[middle].name), name);
        if (!order)
            return &filters[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct filter *filter_at(size_t index)
{
    return index < COUNT(filters) ? &filters[index] : NULL;
}

enum filter_outcome filter_marked(struct filter_call *c, struct marked m)
{
    c->result = m;
    return FILTER_VALUE;
}

enum filter_outcome filter_value(struct filter_call *c, str s)
{
    struct marked m = marked_from(c->argument, s);
    for (size_t i = 0; i < c->option_count; i++) {
        m.marks |= c->options[i].marks;
        m.is_literal |= c->options[i].is_literal && c->options[i].s.n;
    }
    return filter_marked(c, m);
}

enum filter_outcome filter_value_buf(struct filter_call *c, struct buf *b)
{
    if (b->is_full || b->n > c->max_bytes)
        return filter_exception(c, "the result would be longer than %zu MB", c->max_bytes >> 20);
    return filter_value(c, arena_str(c->a, buf_str(b)));
}

enum filter_outcome filter_bool(struct filter_call *c, bool b)
{
    return filter_value(c, b ? STR("true") : STR("false"));
}

enum filter_outcome filter_exception(struct filter_call *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    c->error = arena_vprintf(c->a, fmt, args);
    va_end(args);
    return FILTER_EXCEPTION;
}

enum filter_outcome filter_map(struct filter_call *c, filter_mapping *map)
{
    struct marked_out out = { .a = c->a, .max = c->max_bytes };
    marked_out_grow(&out, MIN(c->argument.s.n + c->argument.s.n / 8, c->max_bytes));
    if (!c->argument.range_count) {
        map(&out, c->argument.s, 0);
        marked_set_marks(&out, 0, c->argument.marks);
    }
    size_t at = 0;
    for (size_t i = 0; c->argument.range_count && i <= c->argument.range_count; i++) {
        const struct marked_range *r = i < c->argument.range_count ? &c->argument.ranges[i] : NULL;
        size_t begin = r ? r->begin : c->argument.s.n;
        if (begin > at)
            map(&out, str_sub(c->argument.s, at, begin - at), at);
        if (!r)
            break;
        size_t from = out.n;
        map(&out, str_sub(c->argument.s, r->begin, r->end - r->begin), r->begin);
        marked_set_marks(&out, from, (uint8_t)r->marks);
        at = r->end;
    }
    if (out.is_full)
        return filter_exception(c, "the result would be longer than %zu MB", c->max_bytes >> 20);
    struct marked result = marked_all(&out);
    result.is_literal = c->argument.is_literal;
    return filter_marked(c, result);
}
